/* What state.db does when the file, the disk or the process fails. */
#include "lib/state.h"
#include "state_fixture.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUTES = 2000, CUTS = 40, SOME_USER = 65534 };

static struct arena *arena;
static char *folder, *path;
static struct error failure;

static void set_up(void)
{
    arena = arena_new();
    folder = folder_new();
    path = path_in(arena, folder, "state.db");
}

static void tear_down(void)
{
    folder_remove(folder);
    arena_free(arena);
}

static void must(bool ok)
{
    ck_assert_msg(ok, "%s", failure.text);
}

static struct state_writer *open_writer(struct error *err)
{
    return state_writer_open(&(struct state_writer_options){.path = path}, err);
}

/* Routes first to last - 1 in one change set; false: failed, and rolled back. */
static bool put_routes(struct state_writer *writer, unsigned first, unsigned last,
                       struct error *err)
{
    uint64_t sequence;
    bool ok = state_begin(writer, 1, err);

    for (unsigned key = first; ok && key < last; key++) {
        struct arena *scratch = arena_new();
        struct route route = make_route(scratch, 1, key, key % 1000);
        ok = state_put_route(writer, &route, err);
        arena_free(scratch);
    }
    ok = ok && state_commit(writer, false, &sequence, err);
    if (!ok)
        state_rollback(writer);
    return ok;
}

static void make_file(void)
{
    struct state_writer *writer = open_writer(&failure);

    must(writer);
    must(put_routes(writer, 0, ROUTES, &failure));
    state_writer_close(writer);
    ck_assert_int_eq(truncate(path_in(arena, folder, "state.db-wal"), 0), 0);
}

static char *contents(const char *name, size_t *length)
{
    FILE *file = fopen(name, "rb");
    struct stat status;

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fstat(fileno(file), &status), 0);
    *length = (size_t)status.st_size;
    char *bytes = arena_alloc(arena, *length, 1);
    ck_assert_uint_eq(fread(bytes, 1, *length, file), *length);
    (void)fclose(file);
    return bytes;
}

static void write_file(const char *name, const void *bytes, size_t length)
{
    FILE *file = fopen(name, "wb");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);
}

static void check_untouched(const char *bytes, size_t length)
{
    size_t now;
    char *found = contents(path, &now);

    ck_assert_uint_eq(now, length);
    ck_assert(memcmp(found, bytes, length) == 0);
}

/* The file's first part at any length is refused by writer and reader, and stays as it is. */
START_TEST(a_file_cut_short_is_refused)
{
    size_t length;
    struct error err;

    make_file();
    char *bytes = contents(path, &length);
    size_t cut = _i == 0 ? 10 : length / CUTS * (size_t)_i;
    write_file(path, bytes, cut);
    ck_assert_ptr_null(open_writer(&err));
    ck_assert_msg(err.kind == ERROR_INPUT, "%s", err.text);
    ck_assert_ptr_nonnull(strstr(err.text, "state.db"));
    check_untouched(bytes, cut);
    struct state_reader *reader = state_reader_open(path, &err);
    struct state_position position = {0};
    struct state_visitor visitor = {0};
    ck_assert(!reader || !state_read(reader, &position, &visitor, &err));
    ck_assert_uint_eq(position.sequence, 0);
    state_reader_close(reader);
    check_untouched(bytes, cut);
}
END_TEST

static const struct {
    const char *why, *sql;
    enum error_kind kind;
    const char *message;
} strangers[] = {
    {"another program's", "CREATE TABLE t (a)", ERROR_INPUT,
     "state.db: application_id 0x00000000; 0x414c5453 expected: this is not a state.db of "
     "altimeter"},
    {"a snapshot", "PRAGMA application_id = 0x414c5450; CREATE TABLE t (a)", ERROR_INPUT,
     "state.db: application_id 0x414c5450; 0x414c5453 expected: this is not a state.db of "
     "altimeter"},
    {"a newer one's",
     "PRAGMA application_id = 0x414c5453; PRAGMA user_version = 2; CREATE TABLE t (a)",
     ERROR_VERSION,
     "state.db: schema version 2; this program reads version 1: it was made by a newer altimeter, "
     "install that"},
};

START_TEST(a_strangers_file_is_refused)
{
    struct error err;
    sqlite3 *db;
    size_t length;

    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, strangers[_i].sql, NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(db);
    char *bytes = contents(path, &length);
    ck_assert_ptr_null(open_writer(&err));
    ck_assert_int_eq(err.kind, strangers[_i].kind);
    ck_assert_str_eq(err.text, strangers[_i].message);
    ck_assert_ptr_null(state_reader_open(path, &err));
    ck_assert_str_eq(err.text, strangers[_i].message);
    check_untouched(bytes, length);
}
END_TEST

START_TEST(what_is_no_database_is_refused)
{
    static const char text[] = "state:\n  directory: /var/lib/altimeter\n";
    struct error err;

    write_file(path, text, sizeof text);
    ck_assert_ptr_null(open_writer(&err));
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.text, "file is not a database"));
    check_untouched(text, sizeof text);
}
END_TEST

START_TEST(a_wal_without_its_file_is_refused)
{
    struct error err;

    write_file(path_in(arena, folder, "state.db-wal"), "12345", 5);
    ck_assert_ptr_null(open_writer(&err));
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.text, "missing or empty beside a"));
}
END_TEST

START_TEST(a_reader_of_nothing_says_so)
{
    struct error err;

    ck_assert_ptr_null(state_reader_open(path, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "unable to open database file"));
    write_file(path, "", 0);
    ck_assert_ptr_null(state_reader_open(path, &err));
    ck_assert_str_eq(err.text, "state.db: an empty file; a state.db expected");
}
END_TEST

static const struct {
    const char *sql, *message;
} wrong_values[] = {
    {"UPDATE route SET prefix = '10.0.0/8' WHERE prefix = '1.0.1.0/24'",
     "state.db: route: row 3: prefix: 10.0.0/8; a prefix expected"},
    {"UPDATE route SET family = 6 WHERE prefix = '1.0.1.0/24'",
     "a prefix of the row's family expected"},
    {"UPDATE route SET next_hop = 'here'",
     "state.db: route: row 1: next_hop: here; an address expected"},
    {"UPDATE route SET attributes_id = 99999", "route: row 1: attributes 99999: no such row"},
    {"UPDATE route SET path_id = 4294967296", "path_id: 4294967296; 0 to 4294967295 expected"},
    {"UPDATE attributes SET local_pref = 'high'", "local_pref: high; an integer expected"},
    {"UPDATE ls_node SET ipv4_router_ids = '{}'",
     "state.db: ls_node: row 1: ipv4_router_ids: {}; a JSON array expected"},
    {"UPDATE ls_node SET ipv4_router_ids = '[\"x\"]'", "a JSON array of addresses expected"},
    {"UPDATE ls_node SET topologies = '[65536]'", "a JSON array of numbers expected"},
    {"UPDATE ls_node SET isis_areas = '[\"4\"]'", "a JSON array of hex words expected"},
    {"UPDATE ls_node SET node = x'0001'", "node: (octets); a canonical node NLRI expected"},
    {"UPDATE ls_node SET node = x'0001ffff02'", "node: (octets); a canonical node NLRI expected"},
    {"UPDATE ls_node SET instance = '-1'", "instance: -1; an unsigned number expected"},
    {"UPDATE ls_link SET max_bandwidth_bps = 'fast', has_attributes = 1",
     "max_bandwidth_bps: fast; a number expected"},
    {"UPDATE ls_node SET flags = 256", "flags: 256; 0 to 255 expected"},
    {"UPDATE meta SET floor = -1", "state.db: meta: floor: -1; 0 to 9223372036854775807 expected"},
    {"DELETE FROM meta", "state.db: meta: no row; one expected"},
};

START_TEST(a_value_that_cannot_be_is_named)
{
    struct state_writer *writer = open_writer(&failure);
    struct ls_node node = make_node(arena, 1, 1, 7);
    struct ls_link link = make_link(arena, 1, 1, 7);
    struct state_position position = {0};
    struct state_visitor visitor = {0};
    struct error err;
    uint64_t sequence;
    sqlite3 *db;

    must(writer);
    must(put_routes(writer, 0, 3, &failure));
    must(state_begin(writer, 1, &failure));
    must(state_put_node(writer, &node, &failure));
    must(state_put_link(writer, &link, &failure));
    must(state_commit(writer, false, &sequence, &failure));
    state_writer_close(writer);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, wrong_values[_i].sql, NULL, NULL, NULL) == SQLITE_OK, "%s",
                  sqlite3_errmsg(db));
    (void)sqlite3_close(db);
    struct state_reader *reader = state_reader_open(path, &err);
    ck_assert_ptr_nonnull(reader);
    ck_assert(!state_read(reader, &position, &visitor, &err));
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strstr(err.text, wrong_values[_i].message), "%s", err.text);
    state_reader_close(reader);
}
END_TEST

START_TEST(a_second_writer_is_refused_with_the_first_ones_pid)
{
    struct state_writer *writer = open_writer(&failure);
    struct error err;
    char pid[64];

    must(writer);
    ck_assert_ptr_null(open_writer(&err));
    (void)snprintf(pid, sizeof pid, "state.db.lock: held by process %d", (int)getpid());
    ck_assert_msg(strstr(err.text, pid), "%s", err.text);
    state_writer_close(writer);
    writer = open_writer(&failure);
    must(writer);
    state_writer_close(writer);
}
END_TEST

/* A process that dies between two instructions of a batch leaves the last commit, and no lock. */
START_TEST(a_killed_writer_leaves_its_last_commit)
{
    int pipe_fds[2];
    char byte;

    ck_assert_int_eq(pipe(pipe_fds), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct state_writer *writer = open_writer(&failure);
        if (!writer || !put_routes(writer, 0, 100, &failure) || write(pipe_fds[1], "x", 1) != 1)
            _exit(1);
        for (unsigned key = 100;; key += 100)
            if (!put_routes(writer, key, key + 100, &failure))
                _exit(1);
    }
    ck_assert_int_eq(read(pipe_fds[0], &byte, 1), 1);
    (void)usleep((useconds_t)(1000 + 3700 * _i)); // the moment of death is what varies
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);

    struct state_reader *reader = state_reader_open(path, &failure); // before any writer mends it
    must(reader);
    struct state_position position = {0};
    struct state_visitor visitor = {0};
    must(state_read(reader, &position, &visitor, &failure));
    state_reader_close(reader);
    ck_assert_str_eq(ask(arena, path, "PRAGMA integrity_check"), "ok");
    struct state_writer *writer = open_writer(&failure);
    must(writer);
    ck_assert_int_eq(atoi(ask(arena, path, "SELECT count(*) FROM route")) % 100, 0);
    ck_assert_int_eq(atoi(ask(arena, path, "SELECT max(sequence) FROM sequence")) * 100,
                     atoi(ask(arena, path, "SELECT count(*) FROM route")));
    must(put_routes(writer, 0, 50, &failure));
    state_writer_close(writer);
    (void)close(pipe_fds[0]);
    (void)close(pipe_fds[1]);
}
END_TEST

/* After the writer closed, a user who may write neither file nor folder reads all the same. */
START_TEST(a_reader_needs_no_right_to_write)
{
    int status;

    make_file();
    ck_assert_int_eq(chmod(folder, 0555), 0);
    static const char *const files[] = {"state.db", "state.db-wal", "state.db-shm"};
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(chmod(path_in(arena, folder, files[i]), 0444), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct state_position position = {0};
        struct picture *picture = picture_new();
        struct state_visitor visitor = picture_visitor(picture);
        if (geteuid() == 0 && (setgid(SOME_USER) != 0 || setuid(SOME_USER) != 0))
            _exit(2);
        struct state_reader *reader = state_reader_open(path, &failure);
        bool ok = reader && state_read(reader, &position, &visitor, &failure);
        if (!ok)
            (void)fprintf(stderr, "%s\n", failure.text);
        _exit(ok && position.sequence == 1 && picture_rows(picture) == ROUTES ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(chmod(folder, 0755), 0);
}
END_TEST

/* ---- A disk that fails at the n-th write or sync ---- */

static sqlite3_vfs shim, *real;
static int writes_left; // until one fails; negative: never
static int failing_code;
static sqlite3_io_methods shim_methods;

static bool is_due(void)
{
    return writes_left >= 0 && writes_left-- == 0;
}

static const sqlite3_io_methods *real_methods;

static int shim_write(sqlite3_file *file, const void *bytes, int length, sqlite3_int64 offset)
{
    return is_due() ? failing_code : real_methods->xWrite(file, bytes, length, offset);
}

static int shim_sync(sqlite3_file *file, int flags)
{
    return is_due() ? SQLITE_IOERR_FSYNC : real_methods->xSync(file, flags);
}

/* The real file, with a table of methods of which two are ours. All its files share one table. */
static int shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    int result = real->xOpen(real, name, file, flags, out);

    (void)vfs;
    if (result == SQLITE_OK && file->pMethods) {
        if (file->pMethods->xShmMap && file->pMethods->iVersion >= 2) {
            real_methods = file->pMethods;
            shim_methods = *real_methods;
            shim_methods.xWrite = shim_write;
            shim_methods.xSync = shim_sync;
            file->pMethods = &shim_methods;
        }
    }
    return result;
}

static void install_shim(void)
{
    real = sqlite3_vfs_find(NULL);
    shim = *real;
    shim.zName = "shim";
    shim.xOpen = shim_open;
    ck_assert_int_eq(sqlite3_vfs_register(&shim, 1), SQLITE_OK);
}

static const int failing_codes[] = {SQLITE_FULL, SQLITE_IOERR_WRITE};

/* Whichever write fails: the change set fails with a message, memory and file agree afterwards, and the same
 * change set succeeds when the disk is well again. */
START_TEST(any_failing_write_costs_one_change_set)
{
    struct error err;

    failing_code = failing_codes[_i % 2];
    install_shim();
    writes_left = -1;
    struct state_writer *writer = open_writer(&failure);
    must(writer);
    must(put_routes(writer, 0, 50, &failure));
    writes_left = _i / 2;
    bool ok = put_routes(writer, 40, 200, &err);
    bool maintained = state_maintain(writer, 1, &failure);
    (void)maintained; // a checkpoint that fails is tried again
    writes_left = -1;
    ck_assert_str_eq(ask(arena, path, "SELECT count(*) FROM route"), ok ? "200" : "50");
    if (!ok)
        ck_assert_msg(strncmp(err.text, "state.db: ", 10) == 0 || strstr(err.text, ": state.db: "),
                      "%s", err.text);
    must(put_routes(writer, 40, 200, &failure));
    must(state_maintain(writer, 1, &failure));
    ck_assert_str_eq(ask(arena, path, "SELECT count(*) FROM route"), "200");
    ck_assert_str_eq(ask(arena, path, "PRAGMA integrity_check"), "ok");
    ck_assert_str_eq(ask(arena, path,
                         "SELECT (SELECT count(*) FROM attributes) = (SELECT "
                         "count(DISTINCT attributes_id) FROM route)"),
                     "1");
    state_writer_close(writer);
    writer = open_writer(&failure);
    must(writer);
    state_writer_close(writer);
}
END_TEST

START_TEST(a_file_that_cannot_be_made_is_an_error)
{
    struct error err;

    failing_code = SQLITE_FULL;
    install_shim();
    writes_left = _i;
    struct state_writer *writer = open_writer(&err);
    writes_left = -1;
    if (!writer)
        ck_assert_msg(err.kind == ERROR_SYSTEM, "%s", err.text);
    state_writer_close(writer);
    writer = open_writer(&failure);
    must(writer);
    must(put_routes(writer, 0, 10, &failure));
    state_writer_close(writer);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("state_damage");
    TCase *tests = tcase_create("damage");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, a_file_cut_short_is_refused, 0, CUTS);
    tcase_add_loop_test(tests, a_strangers_file_is_refused, 0,
                        sizeof strangers / sizeof *strangers);
    tcase_add_test(tests, what_is_no_database_is_refused);
    tcase_add_test(tests, a_wal_without_its_file_is_refused);
    tcase_add_test(tests, a_reader_of_nothing_says_so);
    tcase_add_loop_test(tests, a_value_that_cannot_be_is_named, 0,
                        sizeof wrong_values / sizeof *wrong_values);
    tcase_add_test(tests, a_second_writer_is_refused_with_the_first_ones_pid);
    tcase_add_loop_test(tests, a_killed_writer_leaves_its_last_commit, 0, 10);
    tcase_add_test(tests, a_reader_needs_no_right_to_write);
    tcase_add_loop_test(tests, any_failing_write_costs_one_change_set, 0, 60);
    tcase_add_loop_test(tests, a_file_that_cannot_be_made_is_an_error, 0, 30);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
