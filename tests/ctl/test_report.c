/* What `altimeter status` says of files that are well, ill, or not there. */
#include "ctl/judge.h"
#include "ctl/report.h"
#include "ctl/verb.h"
#include "lib/db.h"
#include "lib/status.h"

#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECOND = 1000000 };
static const int64_t now_us = 1800000000000000; // 2027-01-15T08:00:00Z

static char directory[] = "/tmp/altimeter-test-XXXXXX";
static char map_directory[64], state_path[64];
static struct config *config;
static struct arena *arena;
static struct report report;

static void setup(void)
{
    char text[512];
    struct error err;

    ck_assert_ptr_nonnull(mkdtemp(directory));
    (void)snprintf(state_path, sizeof state_path, "%s/state.db", directory);
    (void)snprintf(map_directory, sizeof map_directory, "%s/snapshots/default", directory);
    int length = snprintf(text, sizeof text,
                          "state: {directory: %s}\n"
                          "speaker:\n"
                          "  asn: 64500\n"
                          "  router_id: 192.0.2.10\n"
                          "  neighbours:\n"
                          "    - {name: rr1, address: 192.0.2.1}\n"
                          "    - {name: rr2, address: 192.0.2.2}\n",
                          directory);
    config = config_parse("f", text, (size_t)length, stderr, &err);
    ck_assert_ptr_nonnull(config);
    (void)snprintf(text, sizeof text, "mkdir -p %s", map_directory);
    ck_assert_int_eq(system(text), 0);
    arena = arena_new();
}

static void teardown(void)
{
    char command[64];

    (void)snprintf(command, sizeof command, "rm -rf %s", directory);
    ck_assert_int_eq(system(command), 0);
    arena_free(arena);
    config_free(config);
}

static void sql_in(const char *path, const struct db_kind *kind, const char *sql)
{
    struct error err;
    sqlite3 *db = db_open_kind(path, DB_CREATE, kind, &err);

    ck_assert_msg(db != NULL, "%s", err.text);
    ck_assert_msg(db_exec(db, sql, &err), "%s", err.text);
    db_close(db);
}

static void state_sql(const char *sql)
{
    sql_in(state_path, &db_state, sql);
}

/* Times in SQL: now, and so many seconds before. */
#define NOW "1800000000000000"
#define AGO(seconds) "(" NOW " - " #seconds " * 1000000)"

static void make_state(void)
{
    state_sql(
        "INSERT INTO meta VALUES (1, 'abc', 0, 64500, 1);"
        "INSERT INTO sequence VALUES (41, " AGO(14) "), (42, " AGO(
            4) ");"
               "INSERT INTO peer VALUES (1, 'rr1', '192.0.2.1', 64500, '10.0.0.1', 0, 1, "
               "'up', " AGO(
                   7200) ", NULL, 1),"
                         " (2, 'rr2', '192.0.2.2', 64500, NULL, 1, 1, 'up', " AGO(
                             300) ", NULL, 1);"
                                  "INSERT INTO peer_family VALUES"
                                  " (1, 'ipv4-unicast', 'bmp', 0, NULL, 'received', 0, NULL, 1),"
                                  " (1, 'link-state', 'bmp', 0, NULL, 'assumed', 0, NULL, 1),"
                                  " (2, 'ipv6-unicast', 'grpc', 0, NULL, 'received', 0, NULL, 1);"
                                  "INSERT INTO attributes (attributes_id, origin, as_path) VALUES "
                                  "(1, 0, '');"
                                  "INSERT INTO route VALUES"
                                  " (1, 4, '198.51.100.0/24', 0, '10.0.0.9', 1, 1),"
                                  " (1, 4, '203.0.113.0/24', 0, '10.0.0.9', 1, 1),"
                                  " (1, 6, '2001:db8::/32', 0, '10.0.0.9', 1, 1),"
                                  " (2, 6, '2001:db8::/32', 0, '10.0.0.9', 1, 1);"
                                  "INSERT INTO ls_node (peer_id, nlri, node, protocol, instance,"
                                  " has_attributes, sequence) VALUES (1, x'01', x'01', 2, '0', 1, "
                                  "1);");
}

static struct status status_good(void)
{
    return (struct status){
        .map = "default",
        .written_us = now_us - 5 * SECOND,
        .version = "0.1.0",
        .pid = 1,
        .phase = STATUS_RUNNING,
        .message = "",
        .snapshot = "2027-01-15T075000Z-1a2b3c4d.db",
        .number = 7,
        .tag = "00112233445566778899aabbccddeeff",
        .sequence = 42,
        .confirmed_us = now_us - 4 * SECOND,
    };
}

static void write_status(const struct status *status)
{
    struct error err;

    ck_assert_msg(status_write(map_directory, status, &err), "%s", err.text);
}

static void make_snapshot(void)
{
    char path[128], link[128];

    (void)snprintf(path, sizeof path, "%s/2027-01-15T075000Z-1a2b3c4d.db", map_directory);
    sql_in(path, &db_snapshot,
           "INSERT INTO snapshot VALUES (1, 7, 'default', '00112233445566778899aabbccddeeff'," AGO(
               600) ", 'abc', 40," AGO(601) ", '0.1.0', '', 'default', 0, 0, '[]', '{}');"
                                            "INSERT INTO pid VALUES (0, 'bcn', 'class', 2, 1),"
                                            " (1, 'default', 'default', 1, 1),"
                                            " (2, 'mad', 'class', 5, 0);"
                                            "INSERT INTO metric VALUES"
                                            " (0, 'routingcost', '', NULL, NULL, 'x', 4),"
                                            " (1, 'hopcount', 'hops', NULL, NULL, 'x', 4),"
                                            " (2, 'delay-ow:mean', 'us', 1, NULL, 'x', 0);");
    (void)snprintf(link, sizeof link, "%s/current", map_directory);
    ck_assert_int_eq(symlink("2027-01-15T075000Z-1a2b3c4d.db", link), 0);
}

static void make_all(void)
{
    struct status status = status_good();

    make_state();
    write_status(&status);
    make_snapshot();
}

static int gather(void)
{
    report_gather(config, now_us, arena, &report);
    return judge(config, arena, &report);
}

static const char *as_text(void)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    ck_assert_ptr_nonnull(out);
    ck_assert(report_write_text(&report, out));
    ck_assert_int_eq(fclose(out), 0);
    const char *copy = arena_text(arena, text, length);
    free(text);
    return copy;
}

/* The one point, without the directory of this run. */
static const char *only_point(void)
{
    ck_assert_uint_eq(report.point_count, 1);
    const char *at = strstr(report.points[0], directory);

    return at == report.points[0] ? at + strlen(directory) + 1 : report.points[0];
}

START_TEST(shows_a_healthy_line)
{
    make_all();
    ck_assert_int_eq(gather(), EXIT_HEALTHY);
    ck_assert_str_eq(
        as_text(),
        "state     sequence 42, 4 s ago; generation abc\n"
        "mapgen    running, 5 s ago\n"
        "snapshot  2027-01-15T075000Z-1a2b3c4d.db, number 7 of map 'default', confirmed up to "
        "sequence 42, 4 s ago\n"
        "          3 PIDs, 8 IPv4 and 2 IPv6 prefixes, made 10 min ago; tag "
        "00112233445566778899aabbccddeeff\n"
        "\n"
        "PEER ADDRESS   STATE SINCE FAMILY       STALE END-OF-RIB VIA  OBJECTS\n"
        "rr1  192.0.2.1 up      2 h ipv4-unicast -     received   bmp        2\n"
        "rr1  192.0.2.1 up      2 h link-state   -     assumed    bmp        1\n"
        "rr2  192.0.2.2 up    5 min ipv6-unicast -     received   grpc       1\n"
        "\n"
        "METRIC        UNIT PAIRS COSTS OF\n"
        "delay-ow:mean us       4 hopcount\n"
        "hopcount      hops     4 -\n"
        "routingcost   -        4 -\n"
        "\n"
        "All is well.\n");
}
END_TEST

START_TEST(gives_the_same_as_json)
{
    char *text = NULL;
    size_t length;
    json_error_t fault;

    make_all();
    ck_assert_int_eq(gather(), EXIT_HEALTHY);
    FILE *out = open_memstream(&text, &length);
    ck_assert_ptr_nonnull(out);
    ck_assert(report_write_json(&report, out));
    ck_assert_int_eq(fclose(out), 0);
    json_t *whole = json_loads(text, JSON_REJECT_DUPLICATES, &fault);
    ck_assert_msg(whole != NULL, "%s", fault.text);

    int healthy, pids, sequence, objects;
    const char *tag, *peer;
    ck_assert_int_eq(json_unpack(whole, "{s:b, s:{s:i, s:s}, s:{s:i, s:[{s:s, s:i}]}}", "healthy",
                                 &healthy, "snapshot", "pids", &pids, "tag", &tag, "state",
                                 "sequence", &sequence, "feeds", "peer", &peer, "objects",
                                 &objects),
                     0);
    ck_assert(healthy);
    ck_assert_int_eq(pids, 3);
    ck_assert_int_eq(sequence, 42);
    ck_assert_int_eq(objects, 2);
    ck_assert_str_eq(peer, "rr1");
    ck_assert_str_eq(tag, "00112233445566778899aabbccddeeff");
    json_decref(whole);
    free(text);
}
END_TEST

static void snapshot_sql(const char *sql)
{
    char path[128];

    (void)snprintf(path, sizeof path, "%s/2027-01-15T075000Z-1a2b3c4d.db", map_directory);
    sql_in(path, &db_snapshot, sql);
}

/* They explain the map; whether somebody must act is for the operator to say. */
START_TEST(shows_the_warnings_of_the_map)
{
    make_all();
    snapshot_sql("UPDATE snapshot SET warnings = '[\"rr1 leaves out 2\",\"2\\u001b links\"]'");
    ck_assert_int_eq(gather(), EXIT_HEALTHY);
    const char *text = as_text();
    ck_assert_msg(
        strstr(text, "\nOf the map:\n  rr1 leaves out 2\n  2\\x1b links\n\nAll is well.\n"), "%s",
        text);
}
END_TEST

START_TEST(warnings_that_are_no_list_are_a_damaged_file)
{
    make_all();
    snapshot_sql("UPDATE snapshot SET warnings = '[\"rr1'");
    ck_assert_int_eq(gather(), EXIT_ATTENTION);
    ck_assert_str_eq(only_point(), "current map: 2027-01-15T075000Z-1a2b3c4d.db: reading the "
                                   "warnings: malformed JSON");
}
END_TEST

START_TEST(nothing_there_cannot_be_told)
{
    ck_assert_int_eq(gather(), EXIT_CANNOT_TELL);
    ck_assert_uint_eq(report.point_count, 3);
    ck_assert_ptr_nonnull(strstr(as_text(), "state     unknown\n"
                                            "mapgen    unknown\n"
                                            "snapshot  none\n"));
}
END_TEST

/* What is changed in a healthy line, and the one point that follows. */
static const struct {
    const char *sql; // on state.db
    const char *point;
} state_faults[] = {
    {"UPDATE peer SET state = 'down', last_error = 'hold timer expired' WHERE name = 'rr1';"
     "UPDATE peer_family SET stale = 1 WHERE peer_id = 1",
     "rr1: the session with 192.0.2.1 is down for 2 h: hold timer expired"},
    {"UPDATE peer SET state = 'never' WHERE name = 'rr2'",
     "rr2: no session with 192.0.2.2 yet: no reason is known"},
    {"UPDATE peer_family SET stale = 1, stale_since_us = " AGO(60) ", end_of_rib = 'no'"
                                                                   " WHERE peer_id = 2",
     "rr2: ipv6-unicast: stale for 60 s; end-of-RIB: no"},
    {"UPDATE peer_family SET end_of_rib = 'no' WHERE peer_id = 2",
     "rr2: ipv6-unicast: up for 5 min without end-of-RIB"},
    {"UPDATE peer_family SET faulty = 'attribute error' WHERE peer_id = 2",
     "rr2: ipv6-unicast: attribute error"},
    {"DELETE FROM peer WHERE name = 'rr2'",
     "rr2: configured, but not in state.db: altimeter-collector has not read this configuration"},
    {"UPDATE sequence SET time_us = time_us - 60000000",
     "altimeter-collector wrote nothing for 64 s, a heartbeat is due every 10 s: is it running?"},
    // what a file says reaches no terminal as it is
    {"UPDATE peer SET state = 'down', last_error = 'a' || char(27) || '[2J' WHERE name = 'rr2'",
     "rr2: the session with 192.0.2.2 is down for 5 min: a\\x1b[2J"},
    {"DELETE FROM meta", "state.db: table meta has no row"},
    {"PRAGMA user_version = 9", "state.db: schema version 9; this program reads version 1: it was "
                                "made by a newer altimeter, install that"},
    {"DROP TABLE route", "state.db: WITH routes AS"},
};

START_TEST(tells_what_is_wrong_with_the_state)
{
    make_all();
    state_sql(state_faults[_i].sql);
    ck_assert_int_eq(gather(), EXIT_ATTENTION);
    ck_assert_uint_eq(report.point_count, 1);
    size_t length = strlen(state_faults[_i].point);
    ck_assert_msg(strncmp(report.points[0], state_faults[_i].point, length) == 0, "%s",
                  report.points[0]);
}
END_TEST

START_TEST(a_leaving_peer_needs_nobody)
{
    make_all();
    state_sql(
        "INSERT INTO peer VALUES (3, 'old', '192.0.2.3', NULL, NULL, 2, 0, 'down', 0, NULL, 1)");
    ck_assert_int_eq(gather(), EXIT_HEALTHY);
    ck_assert_ptr_nonnull(strstr(as_text(), "old  192.0.2.3 leaving"));
}
END_TEST

START_TEST(tells_that_the_collector_never_ran)
{
    make_all();
    ck_assert_int_eq(unlink(state_path), 0);
    ck_assert_int_eq(gather(), EXIT_ATTENTION);
    ck_assert_str_eq(only_point(), "state.db is not there: altimeter-collector has not run yet");
}
END_TEST

START_TEST(tells_what_mapgen_says)
{
    struct status status = status_good();

    make_all();
    status.phase = STATUS_FAILING;
    status.message = "snapshots: disk full";
    write_status(&status);
    ck_assert_int_eq(gather(), EXIT_ATTENTION);
    ck_assert_str_eq(only_point(), "altimeter-mapgen is failing: snapshots: disk full");

    status = status_good();
    status.held_rail = "prefixes";
    status.held_by = "61 %; 80 % expected";
    write_status(&status);
    ck_assert_int_eq(gather(), EXIT_ATTENTION);
    ck_assert_str_eq(only_point(), "a newer map is held back by prefixes: 61 %; 80 % expected");

    status = status_good();
    status.written_us = now_us - 60 * SECOND;
    write_status(&status);
    ck_assert_int_eq(gather(), EXIT_ATTENTION);
    ck_assert_str_eq(only_point(), "altimeter-mapgen wrote no status for 60 s: is it running?");

    status = status_good();
    status.confirmed_us = now_us - 60 * SECOND;
    write_status(&status);
    ck_assert_int_eq(gather(), EXIT_ATTENTION);
    ck_assert_str_eq(only_point(), "the map is confirmed up to 60 s ago only");

    status = status_good();
    status.confirmed_us = 0;
    write_status(&status);
    ck_assert_int_eq(gather(), EXIT_ATTENTION);
    ck_assert_str_eq(only_point(), "the map is not confirmed since altimeter-mapgen began");
}
END_TEST

START_TEST(tells_of_a_damaged_snapshot)
{
    char path[128];

    make_all();
    (void)snprintf(path, sizeof path, "%s/2027-01-15T075000Z-1a2b3c4d.db", map_directory);
    ck_assert_int_eq(truncate(path, 5000), 0);
    ck_assert_int_eq(gather(), EXIT_ATTENTION);
    ck_assert_uint_eq(report.point_count, 1);
    ck_assert_int_eq(strncmp(report.points[0], "current map: ", 13), 0);
}
END_TEST

START_TEST(a_first_start_waits)
{
    struct status status = status_good();

    make_state();
    status.phase = STATUS_WAITING;
    status.message = "end-of-RIB of rr2";
    status.snapshot = NULL;
    write_status(&status);
    ck_assert_int_eq(gather(), EXIT_ATTENTION);
    ck_assert_uint_eq(report.point_count, 2);
    ck_assert_str_eq(report.points[0], "altimeter-mapgen is waiting: end-of-RIB of rr2");
    ck_assert_ptr_nonnull(strstr(report.points[1], "no map in "));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("report");
    TCase *cases = tcase_create("report");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, shows_a_healthy_line);
    tcase_add_test(cases, gives_the_same_as_json);
    tcase_add_test(cases, shows_the_warnings_of_the_map);
    tcase_add_test(cases, warnings_that_are_no_list_are_a_damaged_file);
    tcase_add_test(cases, nothing_there_cannot_be_told);
    tcase_add_loop_test(cases, tells_what_is_wrong_with_the_state, 0,
                        sizeof state_faults / sizeof *state_faults);
    tcase_add_test(cases, a_leaving_peer_needs_nobody);
    tcase_add_test(cases, tells_that_the_collector_never_ran);
    tcase_add_test(cases, tells_what_mapgen_says);
    tcase_add_test(cases, tells_of_a_damaged_snapshot);
    tcase_add_test(cases, a_first_start_waits);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
