/* Files that are no database, another's, of another time, or not there: each is told, none is touched. */
#include "lib/db.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/altimeter-test-XXXXXX";
static char path[64];

static const struct db_kind kind = {"test.db", 0x12345678, 3,
                                    "CREATE TABLE t (n INTEGER);"
                                    "PRAGMA application_id = 0x12345678;"
                                    "PRAGMA user_version = 3;"};

static void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(directory));
    (void)snprintf(path, sizeof path, "%s/a.db", directory);
}

static void teardown(void)
{
    char command[64];

    (void)snprintf(command, sizeof command, "rm -rf %s", directory);
    ck_assert_int_eq(system(command), 0);
}

static void write_raw(const void *bytes, size_t length)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);
}

static off_t size_now(void)
{
    struct stat status;

    ck_assert_int_eq(stat(path, &status), 0);
    return status.st_size;
}

/* A good one with so many rows. */
static void make(int rows)
{
    struct error err;
    char sql[128];
    sqlite3 *db = db_open_kind(path, DB_CREATE, &kind, &err);

    ck_assert_msg(db != NULL, "%s", err.text);
    (void)snprintf(sql, sizeof sql,
                   "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT %d)"
                   " INSERT INTO t SELECT n FROM c",
                   rows);
    ck_assert_msg(db_exec(db, sql, &err), "%s", err.text);
    db_close(db);
}

static void change(const char *sql)
{
    struct error err;
    sqlite3 *db = db_open(path, DB_WRITE, &err);

    ck_assert_ptr_nonnull(db);
    ck_assert_msg(db_exec(db, sql, &err), "%s", err.text);
    db_close(db);
}

static struct error refused(enum db_mode mode)
{
    struct error err;
    sqlite3 *db = db_open_kind(path, mode, &kind, &err);

    ck_assert_ptr_null(db);
    return err;
}

START_TEST(opens_what_it_made)
{
    struct error err;
    int64_t rows = 0;

    make(5);
    sqlite3 *db = db_open_kind(path, DB_READ, &kind, &err);
    ck_assert_msg(db != NULL, "%s", err.text);
    ck_assert(db_integer(db, "SELECT count(*) FROM t", &rows, &err));
    ck_assert_int_eq(rows, 5);
    ck_assert(!db_exec(db, "DELETE FROM t", &err));
    ck_assert_str_eq(err.text, "a.db: DELETE FROM t: attempt to write a readonly database");
    db_close(db);
}
END_TEST

START_TEST(a_missing_file_is_made_by_create_alone)
{
    char wanted[160];

    (void)snprintf(wanted, sizeof wanted,
                   "%s: unable to open database file: No such file or directory", path);
    ck_assert_str_eq(refused(DB_READ).text, wanted);
    ck_assert_str_eq(refused(DB_WRITE).text, wanted);
    ck_assert_int_eq(refused(DB_WRITE).kind, ERROR_SYSTEM);
    make(1);
}
END_TEST

START_TEST(a_directory_is_no_database)
{
    ck_assert_int_eq(mkdir(path, 0755), 0);
    for (enum db_mode mode = DB_READ; mode <= DB_CREATE; mode++)
        ck_assert_ptr_nonnull(
            strstr(refused(mode).text,
                   mode == DB_READ ? ": Is a directory" : "/a.db: unable to open database file"));
}
END_TEST

START_TEST(a_fifo_is_not_waited_for)
{
    struct error err;
    char want[600];

    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_ptr_null(db_open(path, DB_READ, &err));
    (void)snprintf(want, sizeof want, "%s: not a regular file", path);
    ck_assert_str_eq(err.text, want);
}
END_TEST

START_TEST(an_unreadable_file_is_told)
{
    if (geteuid() == 0)
        return; // root reads everything
    make(1);
    ck_assert_int_eq(chmod(path, 0), 0);
    ck_assert_ptr_nonnull(strstr(refused(DB_READ).text, ": Permission denied"));
}
END_TEST

START_TEST(text_is_no_database)
{
    static const char text[] =
        "This is a text of more than a hundred octets, which is where SQLite's "
        "header ends; it is no database, and it stays what it is.";

    write_raw(text, sizeof text);
    for (enum db_mode mode = DB_READ; mode <= DB_CREATE; mode++) {
        struct error err = refused(mode);
        ck_assert_str_eq(err.text, "a.db: PRAGMA application_id: file is not a database");
        ck_assert_int_eq(err.kind, ERROR_INPUT);
    }
    ck_assert_int_eq(size_now(), sizeof text);
}
END_TEST

START_TEST(an_empty_file_is_refused_by_readers)
{
    write_raw("", 0);
    ck_assert_str_eq(refused(DB_READ).text, "a.db: an empty file; a test.db expected");
    make(1);
}
END_TEST

START_TEST(a_foreign_database_is_refused)
{
    make(1);
    change("PRAGMA application_id = 1");
    struct error err = refused(DB_CREATE);
    ck_assert_str_eq(err.text,
                     "a.db: application_id 0x00000001; 0x12345678 expected: this is not a "
                     "test.db of altimeter");
    ck_assert_int_eq(err.kind, ERROR_INPUT);
}
END_TEST

static const struct {
    const char *sql, *text;
} versions[] = {
    {"PRAGMA user_version = 4",
     "a.db: schema version 4; this program reads version 3: it was made by "
     "a newer altimeter, install that"},
    {"PRAGMA user_version = 2",
     "a.db: schema version 2; this program reads version 3: it was made by "
     "an older altimeter"},
    {"PRAGMA user_version = -1",
     "a.db: schema version -1; this program reads version 3: it was made "
     "by an older altimeter"},
};

START_TEST(another_version_is_refused)
{
    make(1);
    change(versions[_i].sql);
    for (enum db_mode mode = DB_READ; mode <= DB_CREATE; mode++) {
        struct error err = refused(mode);
        ck_assert_str_eq(err.text, versions[_i].text);
        ck_assert_int_eq(err.kind, ERROR_VERSION);
    }
}
END_TEST

/* Cut at every 512th octet: refused when opened, or told by the first query that meets the hole. Never taken
 * for a good one, never changed. */
START_TEST(a_truncated_file_is_told)
{
    static char whole[1 << 16];

    make(3000);
    size_t length = (size_t)size_now();
    ck_assert_uint_lt(length, sizeof whole);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fread(whole, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);

    for (size_t cut = 512; cut < length; cut += 512) {
        struct error err;
        int64_t sum;

        write_raw(whole, cut);
        sqlite3 *db = db_open_kind(path, DB_READ, &kind, &err);
        bool good = db && db_integer(db, "SELECT sum(n) FROM t", &sum, &err);
        db_close(db);
        ck_assert_msg(!good, "cut at %zu", cut);
        ck_assert_int_eq(err.kind, ERROR_INPUT);
        ck_assert_int_eq(strncmp(err.text, "a.db: ", 6), 0);
        ck_assert_uint_eq((size_t)size_now(), cut);
    }
}
END_TEST

START_TEST(a_schema_that_fails_leaves_an_empty_file)
{
    static const struct db_kind broken = {"broken", 1, 1, "CREATE TABLE a (n); CREATE TABLE b (;"};
    struct error err;
    bool empty = false;

    ck_assert_ptr_null(db_open_kind(path, DB_CREATE, &broken, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "a.db: CREATE TABLE a (n)"));
    sqlite3 *db = db_open(path, DB_READ, &err);
    ck_assert_ptr_nonnull(db);
    ck_assert(db_check(db, &broken, &empty, &err));
    ck_assert(empty);
    db_close(db);
}
END_TEST

START_TEST(statements_say_what_they_met)
{
    struct error err;
    sqlite3_stmt *statement = NULL;
    int64_t number = 7;

    make(1);
    sqlite3 *db = db_open_kind(path, DB_WRITE, &kind, &err);
    ck_assert_ptr_nonnull(db);
    ck_assert(!db_prepare(db, "SELECT x FROM t", &statement, &err));
    ck_assert_str_eq(err.text, "a.db: SELECT x FROM t: no such column: x");
    ck_assert(!db_integer(db, "SELECT n FROM t WHERE n > 9", &number, &err));
    ck_assert_str_eq(err.text, "a.db: no row where one was expected: SELECT n FROM t WHERE n > 9");
    ck_assert_int_eq(number, 7);
    ck_assert(db_exec(db, "CREATE UNIQUE INDEX i ON t (n)", &err));
    ck_assert(db_prepare(db, "INSERT INTO t VALUES (?)", &statement, &err));
    for (int i = 0; i < 2; i++) { // the second time it is reset like after the first
        ck_assert_int_eq(sqlite3_bind_int(statement, 1, 1), SQLITE_OK);
        ck_assert(!db_run(statement, &err));
        ck_assert_str_eq(err.text, "a.db: INSERT INTO t VALUES (?): UNIQUE constraint failed: t.n");
        ck_assert_int_eq(err.kind, ERROR_INPUT);
    }
    ck_assert_int_eq(sqlite3_bind_int(statement, 1, 2), SQLITE_OK);
    ck_assert(db_run(statement, &err));
    ck_assert(db_run(statement, &err)); // its bindings were cleared: NULL, which is not unique
    (void)sqlite3_finalize(statement);
    db_close(db);
}
END_TEST

/* Our own schemas are good SQL and say of themselves what the code says of them. */
START_TEST(our_schemas_are_of_their_kind)
{
    static const struct db_kind *const kinds[] = {&db_state, &db_snapshot, &db_status};
    struct error err;

    for (int i = 0; i < 2; i++) { // made, then opened
        sqlite3 *db = db_open_kind(path, DB_CREATE, kinds[_i], &err);
        ck_assert_msg(db != NULL, "%s", err.text);
        db_close(db);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("db");
    TCase *cases = tcase_create("db");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, opens_what_it_made);
    tcase_add_test(cases, a_missing_file_is_made_by_create_alone);
    tcase_add_test(cases, a_directory_is_no_database);
    tcase_add_test(cases, a_fifo_is_not_waited_for);
    tcase_add_test(cases, an_unreadable_file_is_told);
    tcase_add_test(cases, text_is_no_database);
    tcase_add_test(cases, an_empty_file_is_refused_by_readers);
    tcase_add_test(cases, a_foreign_database_is_refused);
    tcase_add_loop_test(cases, another_version_is_refused, 0, sizeof versions / sizeof *versions);
    tcase_add_test(cases, a_truncated_file_is_told);
    tcase_add_test(cases, a_schema_that_fails_leaves_an_empty_file);
    tcase_add_test(cases, statements_say_what_they_met);
    tcase_add_loop_test(cases, our_schemas_are_of_their_kind, 0, 3);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
