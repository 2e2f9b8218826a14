/* What the writer makes visible, and that a failure makes nothing visible. */
#include "lib/db.h"
#include "lib/snapshot.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const int64_t noon_us = 1795262400000000; // 2026-11-21T12:00:00Z

static char directory[] = "/tmp/altimeter-test-XXXXXX";

static void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void teardown(void)
{
    char command[64];

    (void)snprintf(command, sizeof command, "rm -rf %s", directory);
    ck_assert_int_eq(system(command), 0);
}

static struct prefix prefix_of(const char *text)
{
    struct prefix prefix;

    ck_assert(prefix_parse(text, &prefix));
    return prefix;
}

/* Three PIDs: "a" and "b" with costs between them, "default" without. */
struct sample {
    struct prefix a[2], b[2], rest[2];
    struct snapshot_attachment at_a[1], at_b[2];
    struct snapshot_pid pids[3];
    struct snapshot_row rows[3];
    struct snapshot_metric metrics[2];
    struct snapshot_router routers[2];
    struct snapshot_link links[1];
    struct snapshot_session sessions[1];
    struct snapshot snapshot;
};

static struct snapshot *sample_fill(struct sample *s)
{
    *s = (struct sample){
        .a = {prefix_of("192.0.2.0/24"), prefix_of("2001:db8::/32")},
        .b = {prefix_of("198.51.100.0/24"), prefix_of("203.0.113.0/24")},
        .rest = {prefix_of("0.0.0.0/0"), prefix_of("::/0")},
        .at_a = {{0, 0}},
        .at_b = {{0, 5}, {1, 0}},
        .rows = {{2, " 012  "}, {2, "12 0  "}, {0, NULL}},
        .routers = {{"10.0.0.1", "a-cr1", false}, {"10.0.0.2", "b-cr1", true}},
        .links = {{0, 1, 2, 12, true, 340, "[\"10.1.0.1\"]", NULL}},
        .sessions = {{"rr1", "link-state", "up", "received", false}},
    };
    s->pids[0] = (struct snapshot_pid){.name = "a",
                                       .reason = "class",
                                       .prefixes = s->a,
                                       .prefix_count = 2,
                                       .attachments = s->at_a,
                                       .attachment_count = 1};
    s->pids[1] = (struct snapshot_pid){.name = "b",
                                       .reason = "class",
                                       .prefixes = s->b,
                                       .prefix_count = 2,
                                       .attachments = s->at_b,
                                       .attachment_count = 2};
    s->pids[2] = (struct snapshot_pid){
        .name = "default", .reason = "default", .prefixes = s->rest, .prefix_count = 2};
    s->metrics[0] =
        (struct snapshot_metric){.name = "hopcount", .unit = "hops", .rows = s->rows, .pairs = 4};
    s->metrics[1] = (struct snapshot_metric){
        .name = "delay-ow", .unit = "us", .alias_of = "hopcount", .cost_context = "{}", .pairs = 4};
    s->snapshot = (struct snapshot){
        .map = "default",
        .time_us = noon_us,
        .generation = "g1",
        .sequence = 7,
        .state_time_us = noon_us - 1000,
        .version = "0.1.0",
        .config_hash = "c0",
        .default_pid = "default",
        .warnings = "[]",
        .timings = "{}",
        .pids = s->pids,
        .pid_count = 3,
        .metrics = s->metrics,
        .metric_count = 2,
        .routers = s->routers,
        .router_count = 2,
        .links = s->links,
        .link_count = 1,
        .sessions = s->sessions,
        .session_count = 1,
    };
    return &s->snapshot;
}

static struct snapshot_writer *writer_of(const char *path)
{
    struct snapshot_writer_options options = {path, 100, 86400LL * 1000000, 8000000000};
    struct error err;
    struct snapshot_writer *writer = snapshot_writer_open(&options, &err);

    ck_assert_msg(writer, "%s", err.text);
    return writer;
}

static enum snapshot_outcome publish(struct snapshot_writer *writer, struct snapshot *snapshot,
                                     char name[64])
{
    enum snapshot_outcome outcome;
    struct error err;

    ck_assert_msg(snapshot_publish(writer, snapshot, name, &outcome, &err), "%s", err.text);
    return outcome;
}

/* Every name in the directory, sorted, joined by blanks. */
static void listing(char *out, size_t size)
{
    struct dirent **names;
    int count = scandir(directory, &names, NULL, alphasort);

    out[0] = '\0';
    for (int i = 0; i < count; i++) {
        if (strcmp(names[i]->d_name, ".") != 0 && strcmp(names[i]->d_name, "..") != 0)
            (void)snprintf(out + strlen(out), size - strlen(out), "%s ", names[i]->d_name);
        free(names[i]);
    }
    free(names);
}

/* One value from the current snapshot as a person would ask for it. */
static void expect(const char *sql, const char *expected)
{
    char path[128];
    struct error err;

    (void)snprintf(path, sizeof path, "%s/current", directory);
    sqlite3 *db = db_open_kind(path, DB_READ, &db_snapshot, &err);
    ck_assert_msg(db, "%s", err.text);
    sqlite3_stmt *query = NULL;
    ck_assert_msg(db_prepare(db, sql, &query, &err), "%s", err.text);
    ck_assert_int_eq(sqlite3_step(query), SQLITE_ROW);
    ck_assert_str_eq((const char *)sqlite3_column_text(query, 0), expected);
    sqlite3_finalize(query);
    db_close(db);
}

/* The other half of the module takes it, and finds the same content. */
static void expect_reader_agrees(const struct snapshot *written)
{
    struct arena *arena = arena_new();
    struct snapshot read;
    struct error err;
    char path[128], tag[HASH_TAG_SIZE];

    (void)snprintf(path, sizeof path, "%s/current", directory);
    ck_assert_msg(snapshot_read(path, SNAPSHOT_GRAPH, arena, &read, &err), "%s", err.text);
    snapshot_map_tag(&read, tag);
    ck_assert_str_eq(tag, written->tag);
    ck_assert_str_eq(tag, read.tag);
    for (size_t i = 0; i < read.metric_count; i++) {
        snapshot_cost_tag(&read, &read.metrics[i], tag);
        ck_assert_str_eq(tag, written->metrics[i].tag);
        ck_assert_str_eq(tag, read.metrics[i].tag);
    }
    ck_assert_uint_eq(read.pids[1].attachments[0].cost, 5);
    arena_free(arena);
}

START_TEST(publishes_what_it_was_given)
{
    struct sample sample;
    struct snapshot *snapshot = sample_fill(&sample);
    struct snapshot_writer *writer = writer_of(directory);
    char name[64], files[256], expected[256];

    ck_assert_int_eq(publish(writer, snapshot, name), SNAPSHOT_PUBLISHED);
    ck_assert_uint_eq(snapshot->number, 1);
    ck_assert_int_eq(strncmp(name, "2026-11-21T120000Z-", 19), 0);
    listing(files, sizeof files);
    (void)snprintf(expected, sizeof expected, "%s current lock ", name);
    ck_assert_str_eq(files, expected);
    expect(
        "SELECT group_concat(prefix || '=' || pid, ' ') FROM (SELECT * FROM prefix ORDER BY 2, 1)",
        "192.0.2.0/24=a 2001:db8::/32=a 198.51.100.0/24=b 203.0.113.0/24=b 0.0.0.0/0=default "
        "::/0=default");
    expect("SELECT group_concat(source || '-' || destination || '=' || cost, ' ') FROM cost "
           "WHERE metric = 'hopcount'",
           "a-a=0 a-b=12 b-a=12 b-b=0");
    expect("SELECT cost FROM cost WHERE metric='delay-ow' AND source='a' AND destination='b'",
           "12");
    expect("SELECT group_concat(pid_id || '@' || router_id || '+' || cost) FROM attachment",
           "0@0+0,1@0+5,1@1+0");
    expect("SELECT metric || ' ' || delay_us || ' ' || (pseudonode IS NULL) FROM link", "12 340 1");
    expect("SELECT name || overload FROM router WHERE router_id = 1", "b-cr11");
    expect("SELECT peer || ' ' || end_of_rib FROM session", "rr1 received");
    expect("SELECT number || ' ' || sequence || ' ' || tag = '1 7 ' || (SELECT tag FROM snapshot) "
           "FROM snapshot",
           "1");
    snapshot_writer_close(writer);
    expect_reader_agrees(snapshot);
}
END_TEST

/* The hashes are those of sha256sum over the bytes that M-601 and M-603 spell. */
START_TEST(m601_tags_are_hashes_of_canonical_text)
{
    struct sample sample;
    struct snapshot *snapshot = sample_fill(&sample);
    char tag[HASH_TAG_SIZE];

    snapshot_map_tag(snapshot, snapshot->tag);
    ck_assert_str_eq(snapshot->tag, "d594cf00747a502c00ec9f7bd9ae11f0");
    snapshot_cost_tag(snapshot, &snapshot->metrics[0], tag);
    ck_assert_str_eq(tag, "8ad968b00eaf19653847994f24501306");
    snapshot_cost_tag(snapshot, &snapshot->metrics[1], tag);
    ck_assert_str_eq(tag, "a9a8ad244c1df605e572cbe85947b399");
}
END_TEST

START_TEST(m604_time_and_sequence_are_in_no_tag)
{
    struct sample sample;
    struct snapshot *snapshot = sample_fill(&sample);
    struct snapshot_writer *writer = writer_of(directory);
    char first[64], second[64];

    publish(writer, snapshot, first);
    snapshot->time_us += 1;
    snapshot->sequence += 1;
    snapshot->stale_objects = 4;
    snapshot->single_candidates = 5;
    ck_assert_int_eq(publish(writer, snapshot, second), SNAPSHOT_UNCHANGED);
    ck_assert_str_eq(first, second);
    ck_assert_uint_eq(snapshot->number, 1);
    snapshot_writer_close(writer);
}
END_TEST

START_TEST(m605_a_restart_recognises_the_current_snapshot)
{
    struct sample sample;
    struct snapshot *snapshot = sample_fill(&sample);
    struct snapshot_writer *writer = writer_of(directory);
    struct snapshot_published current;
    char first[64], second[64];

    ck_assert(!snapshot_writer_current(writer, &current));
    publish(writer, snapshot, first);
    snapshot_writer_close(writer);
    writer = writer_of(directory);
    ck_assert(snapshot_writer_current(writer, &current));
    ck_assert_str_eq(current.name, first);
    ck_assert_str_eq(current.tag, snapshot->tag);
    ck_assert_int_eq(publish(writer, snapshot, second), SNAPSHOT_UNCHANGED);
    ck_assert_str_eq(first, second);
    sample.rows[0].cells = " 013  ";
    ck_assert_int_eq(publish(writer, snapshot, second), SNAPSHOT_PUBLISHED);
    ck_assert_uint_eq(snapshot->number, 2);
    expect("SELECT cost FROM cost WHERE metric='hopcount' AND source='a' AND destination='b'",
           "13");
    snapshot_writer_close(writer);
}
END_TEST

START_TEST(a_damaged_current_is_replaced_and_numbers_go_on)
{
    struct sample sample;
    struct snapshot *snapshot = sample_fill(&sample);
    struct snapshot_writer *writer = writer_of(directory);
    char name[64], path[128];

    publish(writer, snapshot, name);
    sample.rows[0].cells = " 013  ";
    publish(writer, snapshot, name);
    snapshot_writer_close(writer);
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    ck_assert_int_eq(truncate(path, 1000), 0);
    writer = writer_of(directory);
    ck_assert_int_eq(publish(writer, snapshot, name), SNAPSHOT_PUBLISHED);
    ck_assert_uint_eq(snapshot->number, 2); // the highest that can be read is 1
    expect("SELECT number FROM snapshot", "2");
    snapshot_writer_close(writer);
}
END_TEST

START_TEST(removes_what_a_killed_process_left)
{
    char path[128], files[256];

    (void)snprintf(path, sizeof path, "%s/.2026-11-21T120000Z-00000000.db.tmp", directory);
    ck_assert_int_ge(open(path, O_CREAT | O_WRONLY, 0644), 0);
    snapshot_writer_close(writer_of(directory));
    listing(files, sizeof files);
    ck_assert_str_eq(files, "lock ");
}
END_TEST

/* Every write(2) behind the limit fails, wherever in the file it is: a disk that is full in each place. */
START_TEST(a_full_disk_changes_nothing)
{
    struct sample sample;
    struct snapshot *snapshot = sample_fill(&sample);
    struct snapshot_writer *writer = writer_of(directory);
    char name[64], before[256], after[256];
    enum snapshot_outcome outcome;
    struct error err;
    rlim_t limit = 0;

    publish(writer, snapshot, name);
    listing(before, sizeof before);
    sample.rows[0].cells = " 013  ";
    (void)signal(SIGXFSZ, SIG_IGN);
    for (;; limit += 4096) {
        struct rlimit small = {limit, RLIM_INFINITY}, none = {RLIM_INFINITY, RLIM_INFINITY};

        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
        bool ok = snapshot_publish(writer, snapshot, name, &outcome, &err);
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
        if (ok)
            break;
        ck_assert_ptr_nonnull(strstr(err.text, "snapshot 2: "));
        ck_assert_ptr_nonnull(strstr(err.text, directory));
        listing(after, sizeof after);
        ck_assert_str_eq(before, after);
        expect("SELECT number FROM snapshot", "1");
    }
    ck_assert_uint_gt(limit, 10 * 4096);
    expect("SELECT number FROM snapshot", "2");
    snapshot_writer_close(writer);
}
END_TEST

START_TEST(a_directory_that_cannot_be_written_is_named)
{
    struct sample sample;
    struct snapshot *snapshot = sample_fill(&sample);
    struct snapshot_writer *writer = writer_of(directory);
    enum snapshot_outcome outcome;
    struct error err;
    char name[64];

    ck_assert_int_eq(chmod(directory, 0555), 0);
    ck_assert_int_eq(seteuid(geteuid() == 0 ? 65534 : geteuid()), 0); // root may write anywhere
    ck_assert(!snapshot_publish(writer, snapshot, name, &outcome, &err));
    ck_assert_int_eq(seteuid(getuid()), 0);
    ck_assert_int_eq(chmod(directory, 0755), 0);
    ck_assert_ptr_nonnull(strstr(err.text, directory));
    ck_assert_ptr_nonnull(strstr(err.text, "unable to open database file"));
    ck_assert_int_eq(publish(writer, snapshot, name), SNAPSHOT_PUBLISHED);
    ck_assert_uint_eq(snapshot->number, 1);
    snapshot_writer_close(writer);
}
END_TEST

START_TEST(makes_the_directory_with_its_parents)
{
    char path[128];
    struct stat info;

    (void)snprintf(path, sizeof path, "%s/snapshots/default", directory);
    snapshot_writer_close(writer_of(path));
    ck_assert_int_eq(stat(path, &info), 0);

    struct snapshot_writer_options options = {.directory = path};
    struct error err;
    (void)snprintf(path, sizeof path, "%s/lock/x", directory);
    snapshot_writer_close(writer_of(directory)); // makes "lock", a file
    ck_assert_ptr_null(snapshot_writer_open(&options, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "lock/x: making the directory: Not a directory"));
}
END_TEST

START_TEST(one_writer_a_directory)
{
    struct snapshot_writer *writer = writer_of(directory);
    struct snapshot_writer_options options = {.directory = directory};
    struct error err;
    char holder[64];

    ck_assert_ptr_null(snapshot_writer_open(&options, &err));
    (void)snprintf(holder, sizeof holder, "held by process %d (", (int)getpid());
    ck_assert_ptr_nonnull(strstr(err.text, holder));
    snapshot_writer_close(writer);
    snapshot_writer_close(writer_of(directory));
}
END_TEST

static const struct {
    unsigned keep_count;
    int64_t keep_for_s;
    uint64_t max_bytes;
    const char *kept; // of five snapshots, an hour apart, the last just made
    const char *why;
} retention[] = {
    {100, 86400, 1 << 30, "1 2 3 4 5", "all of them are within bounds"},
    {2, 86400, 1 << 30, "4 5", "the newest two"},
    {100, 3 * 3600, 1 << 30, "2 3 4 5", "three hours, the oldest is four"},
    {3, 3600, 1 << 30, "4 5", "whichever is less"},
    {0, 0, 1 << 30, "5", "the current one always stays"},
    {100, 86400, 1, "5", "even if it is too large by itself"},
};

START_TEST(keeps_the_newest)
{
    struct sample sample;
    struct snapshot *snapshot = sample_fill(&sample);
    struct snapshot_writer_options options = {directory, retention[_i].keep_count,
                                              retention[_i].keep_for_s * 1000000,
                                              retention[_i].max_bytes};
    struct error err;
    struct snapshot_writer *writer = snapshot_writer_open(&options, &err);
    char name[64], files[512], cells[16], expected[512] = "";

    for (int i = 1; i <= 5; i++) {
        char number[4];

        (void)snprintf(cells, sizeof cells, " 01%d  ", i);
        sample.rows[0].cells = cells;
        snapshot->time_us = noon_us + i * 3600LL * 1000000;
        publish(writer, snapshot, name);
        (void)snprintf(number, sizeof number, "%d", i);
        if (strstr(retention[_i].kept, number))
            (void)snprintf(expected + strlen(expected), sizeof expected - strlen(expected), "%s ",
                           name);
    }
    ck_assert_msg(snapshot_writer_prune(writer, snapshot->time_us, &err), "%s", err.text);
    (void)strcat(expected, "current lock ");
    listing(files, sizeof files);
    ck_assert_str_eq(files, expected);
    snapshot_writer_close(writer);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("snapshot_write");
    TCase *cases = tcase_create("snapshot_write");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, publishes_what_it_was_given);
    tcase_add_test(cases, m601_tags_are_hashes_of_canonical_text);
    tcase_add_test(cases, m604_time_and_sequence_are_in_no_tag);
    tcase_add_test(cases, m605_a_restart_recognises_the_current_snapshot);
    tcase_add_test(cases, a_damaged_current_is_replaced_and_numbers_go_on);
    tcase_add_test(cases, removes_what_a_killed_process_left);
    tcase_add_test(cases, a_full_disk_changes_nothing);
    tcase_add_test(cases, a_directory_that_cannot_be_written_is_named);
    tcase_add_test(cases, makes_the_directory_with_its_parents);
    tcase_add_test(cases, one_writer_a_directory);
    tcase_add_loop_test(cases, keeps_the_newest, 0, sizeof retention / sizeof *retention);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
