/* snapshot_read: a good file, each mistake a file can have, and files that are none. */
#include "lib/snapshot.h"
#include "snapshot_fixture.h"

#include <check.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *directory;
static char path[512];
static struct arena *arena;

static void setup(void)
{
    directory = fixture_directory();
    (void)snprintf(path, sizeof path, "%s/snapshot.db", directory);
    arena = arena_new();
}

static void teardown(void)
{
    arena_free(arena);
    fixture_remove(directory);
}

START_TEST(reads_map_and_costs)
{
    struct snapshot s;
    struct error err;

    fixture_snapshot(path, NULL);
    ck_assert_msg(snapshot_read(path, SNAPSHOT_MAP, arena, &s, &err), "%s", err.text);
    ck_assert_str_eq(s.map, "netmap");
    ck_assert_str_eq(s.tag, "00112233445566778899aabbccddeeff");
    ck_assert_uint_eq(s.number, 7);
    ck_assert_uint_eq(s.pid_count, 4);
    ck_assert_str_eq(s.pids[3].name, "mad-cr1");
    ck_assert_uint_eq(s.pids[3].prefix_count, 2);
    ck_assert_str_eq(s.pids[3].list_ipv4, "[\"192.0.2.0/25\",\"198.51.100.0/25\"]");
    ck_assert_ptr_null(s.pids[3].list_ipv6);
    ck_assert_uint_eq(s.pids[2].prefixes[1].family, FAMILY_IPV6);
    ck_assert_uint_eq(s.metric_count, 4);
    ck_assert_mem_eq(s.metrics[0].rows[3].cells, " 1  30 0", 8);
    ck_assert_uint_eq(s.metrics[0].rows[3].width, 2);
    ck_assert_uint_eq(s.metrics[0].rows[1].width, 0); // the default PID has no row
    ck_assert_str_eq(s.metrics[3].alias_of, "delay-ow:mean");
    ck_assert_ptr_null(s.metrics[3].rows);
    ck_assert_uint_eq(s.router_count, 0); // not asked for
}
END_TEST

START_TEST(reads_the_graph)
{
    struct snapshot s;
    struct error err;

    fixture_snapshot(path, NULL);
    ck_assert_msg(snapshot_read(path, SNAPSHOT_GRAPH, arena, &s, &err), "%s", err.text);
    ck_assert_uint_eq(s.router_count, 2);
    ck_assert(s.routers[1].overload);
    ck_assert_uint_eq(s.link_count, 2);
    ck_assert(s.links[0].has_delay && !s.links[1].has_delay);
    ck_assert_ptr_null(s.links[1].addresses);
    ck_assert_uint_eq(s.pids[0].attachment_count, 1);
    ck_assert_uint_eq(s.pids[0].attachments[0].cost, 1);
    ck_assert_uint_eq(s.pids[1].attachment_count, 0);
    ck_assert_str_eq(s.sessions[1].peer, "rr2");
    ck_assert(s.sessions[1].stale);
}
END_TEST

static const struct {
    const char *changes, *text; // the message after the path
} mistakes[] = {
    {"DELETE FROM snapshot", "snapshot: 0 rows; 1 expected"},
    {"UPDATE snapshot SET tag = 'ABC'", "snapshot: row 1: tag is not 32 hex digits"},
    {"UPDATE snapshot SET number = -1",
     "snapshot: row 1: number is -1; 0 to 9223372036854775807 expected"},
    {"UPDATE snapshot SET map = 'net.map'",
     "snapshot: row 1: map \"net.map\"; 1 to 64 of A-Z a-z 0-9 - : @ _ expected"},
    {"UPDATE snapshot SET version = x'00'", "snapshot: row 1: version is not a text"},
    {"UPDATE snapshot SET version = CAST(x'3100' AS TEXT)",
     "snapshot: row 1: version has a NUL inside"},
    {"UPDATE pid SET pid_id = 9 WHERE pid_id = 3", "pid: row 4: pid_id has a gap"},
    {"UPDATE pid SET name = 'zzz' WHERE pid_id = 0",
     "pid: row 2: name \"default\" is not behind \"zzz\""},
    {"UPDATE pid SET name = 'a b' WHERE pid_id = 0",
     "pid: row 1: name \"a b\"; 1 to 64 of A-Z a-z 0-9 - : @ _ expected"},
    {"UPDATE pid SET prefixes_ipv4 = 8388608", "pid: row 2: more than 8388608 prefixes"},
    {"UPDATE pid SET prefixes_ipv4 = 3 WHERE pid_id = 3",
     "prefix_list: 2 prefixes of PID mad-cr1; 3 expected"},
    {"UPDATE pid SET prefixes_ipv4 = 1 WHERE pid_id = 3",
     "prefix_list: row 6: list: more prefixes than table pid says"},
    {"UPDATE prefix_list SET pid_id = 4 WHERE pid_id = 3",
     "prefix_list: row 6: pid_id is 4; 0 to 3 expected"},
    {"UPDATE prefix_list SET list = '203.0.113.0/24' WHERE pid_id = 0",
     "prefix_list: row 1: list is not a JSON array"},
    {"UPDATE prefix_list SET list = '[203.0.113.0/24]' WHERE pid_id = 0",
     "prefix_list: row 1: list: prefix 1 is not a canonical IPv4 prefix"},
    {"UPDATE prefix_list SET list = '[\"203.0.113.1/24\"]' WHERE pid_id = 0", // host bits
     "prefix_list: row 1: list: prefix 1 is not a canonical IPv4 prefix"},
    {"UPDATE prefix_list SET list = '[\"2001:DB8::/32\"]' WHERE family = 'ipv6' AND pid_id = 2",
     "prefix_list: row 5: list: prefix 1 is not a canonical IPv6 prefix"},
    {"UPDATE prefix_list SET list = '[\"::/0\"]' WHERE pid_id = 0",
     "prefix_list: row 1: list: prefix 1 is not a canonical IPv4 prefix"},
    {"UPDATE prefix_list SET list = '[\"192.0.2.0/25\" \"198.51.100.0/25\"]' WHERE pid_id = 3",
     "prefix_list: row 6: list: prefix 2: ',' expected before it"},
    {"UPDATE prefix_list SET list = '[\"198.51.100.0/25\",\"192.0.2.0/25\"]' WHERE pid_id = 3",
     "prefix_list: row 6: list: prefix 2 is out of order"},
    {"UPDATE prefix_list SET list = '[\"192.0.2.0/25\",]' WHERE pid_id = 3",
     "prefix_list: row 6: list: prefix 2 is not a canonical IPv4 prefix"},
    {"UPDATE metric SET name = 'hop count' WHERE metric_id = 1",
     "metric: row 2: name \"hop count\"; a cost metric of 1 to 32 characters expected"},
    {"UPDATE metric SET cost_context = '{' WHERE metric_id = 2",
     "metric: row 3: cost_context is not a JSON object of printable ASCII"},
    {"UPDATE metric SET alias_of = 9 WHERE metric_id = 3",
     "metric: delay-ow is an alias of metric_id 9, which has no costs"},
    {"UPDATE metric SET alias_of = 3 WHERE metric_id = 3", // of itself
     "metric: delay-ow is an alias of metric_id 3, which has no costs"},
    {"UPDATE metric SET pairs = 1 << 60 WHERE metric_id = 3", // its cells are not counted
     "metric: delay-ow has 1152921504606846976 pairs; 2 expected, as it is delay-ow:mean"},
    {"UPDATE cost_row SET source_id = 4 WHERE metric_id = 0 AND source_id = 3",
     "metric routingcost: cost_row: row 2: source_id is 4; 0 to 3 expected"},
    {"UPDATE cost_row SET width = 33",
     "metric routingcost: cost_row: row 1: width is 33; 0 to 32 expected"},
    {"UPDATE cost_row SET width = 3 WHERE metric_id = 0",
     "metric routingcost: cost_row: row 1: cells of lis-cr2 has 8 bytes; 4 times 3 expected"},
    {"UPDATE cost_row SET cells = CAST(cells AS TEXT)",
     "metric routingcost: cost_row: row 1: cells is not a blob"},
    {"UPDATE cost_row SET cells = CAST('-1  30 0' AS BLOB) WHERE metric_id = 0 AND source_id = 3",
     "metric routingcost: cost_row: row 2: cell from mad-cr1 to as64500@mad-cr1: \"-1\"; blank or "
     "a "
     "number expected"},
    {"UPDATE cost_row SET cells = CAST('01  30 0' AS BLOB) WHERE metric_id = 0 AND source_id = 3",
     "metric routingcost: cost_row: row 2: cell from mad-cr1 to as64500@mad-cr1: \"01\"; blank or "
     "a "
     "number expected"},
    {"UPDATE cost_row SET cells = CAST('1.  30 0' AS BLOB) WHERE metric_id = 0 AND source_id = 3",
     "metric routingcost: cost_row: row 2: cell from mad-cr1 to as64500@mad-cr1: \"1.\"; blank or "
     "a "
     "number expected"},
    {"UPDATE cost_row SET cells = CAST('1   30 0' AS BLOB) WHERE metric_id = 0 AND source_id = 3",
     "metric routingcost: cost_row: row 2: cell from mad-cr1 to as64500@mad-cr1: \"1 \"; blank or "
     "a "
     "number expected"}, // not right-aligned
    {"DELETE FROM cost_row WHERE metric_id = 1 AND source_id = 2",
     "metric hopcount: 3 pairs; 6 expected"},
    {"UPDATE router SET router_id = 5 WHERE router_id = 1", "router: row 2: router_id has a gap"},
    {"UPDATE link SET destination_id = 2 WHERE link_id = 1",
     "link: row 1: destination_id is 2; 0 to 1 expected"},
    {"UPDATE link SET delay_us = 'slow' WHERE link_id = 1",
     "link: row 1: delay_us is not an integer"},
    {"UPDATE attachment SET router_id = 7 WHERE pid_id = 3",
     "attachment: row 3: router_id is 7; 0 to 1 expected"},
    {"UPDATE session SET stale = 2 WHERE peer = 'rr1'",
     "session: row 1: stale is 2; 0 to 1 expected"},
    {"DROP TABLE cost_row", "8 tables of a snapshot; 9 expected"},
    {"PRAGMA user_version = 2", "snapshot.db: schema version 2; this program reads version 1: it "
                                "was made by a newer altimeter, "
                                "install that"},
    {"PRAGMA application_id = 1",
     "snapshot.db: application_id 0x00000001; 0x414c5450 expected: this "
     "is not a snapshot of altimeter"},
};

START_TEST(tells_each_mistake)
{
    struct snapshot s = {.number = 99};
    struct error err;
    size_t place = strlen(path) + 2;

    fixture_snapshot(path, mistakes[_i].changes);
    ck_assert(!snapshot_read(path, SNAPSHOT_GRAPH, arena, &s, &err));
    // a file that is none of ours is named by db.c alone
    ck_assert_str_eq(strncmp(err.text, path, strlen(path)) == 0 ? err.text + place : err.text,
                     mistakes[_i].text);
    ck_assert_uint_eq(s.number, 99); // written only on success
}
END_TEST

START_TEST(reads_decimals)
{
    struct snapshot s;
    struct error err;

    fixture_snapshot(path, "UPDATE cost_row SET width = 6, cells ="
                           " CAST('0.3994                 1' AS BLOB)"
                           " WHERE metric_id = 2 AND source_id = 2;"
                           "UPDATE metric SET pairs = 3 WHERE metric_id IN (2, 3)");
    ck_assert_msg(snapshot_read(path, SNAPSHOT_MAP, arena, &s, &err), "%s", err.text);
    ck_assert_mem_eq(s.metrics[2].rows[2].cells, "0.3994", 6);
}
END_TEST

/* A copy that ended early: whatever is missing, it is refused or reads as the whole did. */
START_TEST(survives_a_cut_file)
{
    enum { STEP = 512 };
    struct snapshot s;
    struct error err;
    size_t refused = 0;

    fixture_snapshot(path, NULL);
    FILE *file = fopen(path, "r");
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    (void)fclose(file);
    for (long length = size - STEP; length >= 0; length -= STEP) {
        ck_assert_int_eq(truncate(path, length), 0);
        arena_reset(arena);
        if (!snapshot_read(path, SNAPSHOT_GRAPH, arena, &s, &err))
            refused++;
    }
    ck_assert_uint_eq(refused, (size_t)(size / STEP)); // all of them
}
END_TEST

/* A disk's or a copy's mistake: any byte may differ. Nothing but a crash is wrong. */
START_TEST(survives_changed_bytes)
{
    struct snapshot s;
    struct error err;
    unsigned seed = (unsigned)_i;

    fixture_snapshot(path, NULL);
    FILE *file = fopen(path, "r+");
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    for (unsigned i = 0; i < 40; i++) {
        ck_assert_int_eq(fseek(file, rand_r(&seed) % size, SEEK_SET), 0);
        (void)fputc(rand_r(&seed) & 0xff, file);
    }
    (void)fclose(file);
    (void)snapshot_read(path, SNAPSHOT_GRAPH, arena, &s, &err);
}
END_TEST

static const struct {
    const char *sql, *message;
} tricks[] = {
    // an endless view in a table's place
    {"ALTER TABLE pid RENAME TO p; CREATE VIEW pid AS WITH RECURSIVE n(i) AS"
     " (SELECT 0 UNION ALL SELECT i + 1 FROM n) SELECT i AS pid_id, 'p' AS name, '' AS reason,"
     " 0 AS prefixes_ipv4, 0 AS prefixes_ipv6 FROM n",
     "8 tables of a snapshot; 9 expected"},
    // an index of more rows than its table: what is counted does not come
    {"PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM"
     " sqlite_schema WHERE name = 'sqlite_autoindex_cost_row_1')"
     " WHERE name = 'sqlite_autoindex_pid_1'",
     "counted: the file is damaged"},
    // what is sent as it stands must be UTF-8
    {"UPDATE metric SET cost_context = CAST(x'7b2261223a22ff227d' AS TEXT) WHERE metric_id = 0",
     "cost_context is not a JSON object of printable ASCII"},
    {"UPDATE metric SET cost_context = '[]' WHERE metric_id = 0",
     "cost_context is not a JSON object of printable ASCII"},
};

START_TEST(refuses_tricks)
{
    struct snapshot s;
    struct error err;

    sqlite3 *db; // by SQLite alone: our own way of opening a file forbids some of these

    fixture_snapshot(path, NULL);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, tricks[_i].sql, NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
    ck_assert(!snapshot_read(path, SNAPSHOT_MAP, arena, &s, &err));
    ck_assert_msg(strstr(err.text, tricks[_i].message), "%s", err.text);
}
END_TEST

START_TEST(refuses_what_is_no_database)
{
    struct snapshot s;
    struct error err;
    char want[600];

    ck_assert(!snapshot_read(path, SNAPSHOT_MAP, arena, &s, &err));
    (void)snprintf(want, sizeof want, "%s: unable to open database file: No such file or directory",
                   path);
    ck_assert_str_eq(err.text, want);

    FILE *file = fopen(path, "w");
    (void)fputs("This is a text file that somebody put here by mistake, long enough to have a "
                "SQLite header if it were one, which is 100 bytes.",
                file);
    (void)fclose(file);
    ck_assert(!snapshot_read(path, SNAPSHOT_MAP, arena, &s, &err));
    ck_assert_str_eq(err.text, "snapshot.db: PRAGMA application_id: file is not a database");

    ck_assert_int_eq(truncate(path, 0), 0);
    ck_assert(!snapshot_read(path, SNAPSHOT_MAP, arena, &s, &err));
    ck_assert_str_eq(err.text, "snapshot.db: an empty file; a snapshot expected");
}
END_TEST

START_TEST(current_is_a_name_in_the_directory)
{
    char name[64] = "unchanged", link[512], want[600];
    struct error err;

    ck_assert(snapshot_current(directory, name, &err)); // none yet
    ck_assert_str_eq(name, "");
    fixture_publish(directory, "a.db", NULL);
    ck_assert(snapshot_current(directory, name, &err));
    ck_assert_str_eq(name, "a.db");

    (void)snprintf(link, sizeof link, "%s/current", directory);
    ck_assert_int_eq(unlink(link), 0);
    ck_assert_int_eq(symlink("../a.db", link), 0);
    ck_assert(!snapshot_current(directory, name, &err));
    (void)snprintf(want, sizeof want, "%s: \"../a.db\"; the name of a file beside it expected",
                   link);
    ck_assert_str_eq(err.text, want);

    ck_assert_int_eq(unlink(link), 0);
    FILE *file = fopen(link, "w");
    (void)fclose(file);
    ck_assert(!snapshot_current(directory, name, &err));
    (void)snprintf(want, sizeof want, "%s: reading the link: Invalid argument", link);
    ck_assert_str_eq(err.text, want);
    ck_assert_str_eq(name, "a.db");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("snapshot_read");
    TCase *tests = tcase_create("snapshot_read");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, reads_map_and_costs);
    tcase_add_test(tests, reads_the_graph);
    tcase_add_loop_test(tests, tells_each_mistake, 0, (int)(sizeof mistakes / sizeof *mistakes));
    tcase_add_test(tests, reads_decimals);
    tcase_add_test(tests, survives_a_cut_file);
    tcase_add_loop_test(tests, survives_changed_bytes, 1, 50);
    tcase_add_loop_test(tests, refuses_tricks, 0, (int)(sizeof tricks / sizeof *tricks));
    tcase_add_test(tests, refuses_what_is_no_database);
    tcase_add_test(tests, current_is_a_name_in_the_directory);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
