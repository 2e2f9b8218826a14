/* The turns of altimeter-mapgen, over real files and a clock of ours. */
#include "lib/db.h"
#include "lib/snapshot.h"
#include "lib/status.h"
#include "mapgen/run.h"
#include "network.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/altimeter-test-XXXXXX";
static char database[64], snapshots[64];
static struct arena *arena;
static struct state_writer *writer;
static struct run *run;
static struct run_time now;
static struct log quiet = {.fd = -1};
static const struct config_neighbour neighbours[] = {
    {.name = "rr1", .families = {true, true, true}},
};
static struct config config = {
    .state = {.database = database},
    .map = {.name = "default",
            .default_pid = "default",
            .settle_us = 1000000,
            .start_wait_us = 120000000},
    .snapshots = {.map_directory = snapshots,
                  .keep = 100,
                  .keep_for_us = 86400000000,
                  .max_bytes = 1 << 30},
};

static const char example[] = "router A 10.0.0.1;router B 10.0.0.2\nlink A B 10 delay=100\n"
                              "prefix 10.1.0.0/16 A 0;prefix 10.2.0.0/16 B 0";

static void set_up(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(database, sizeof database, "%s/state.db", folder);
    (void)snprintf(snapshots, sizeof snapshots, "%s/snapshots/default", folder);
    arena = arena_new();
    now = (struct run_time){1700000000000000, 1000};
}

static void tear_down(void)
{
    char command[128];

    run_free(run);
    state_writer_close(writer);
    arena_free(arena);
    (void)snprintf(command, sizeof command, "chmod -R u+w %s; rm -rf %s", folder, folder);
    ck_assert_int_eq(system(command), 0);
}

static void open_state(void)
{
    struct error err;

    writer = state_writer_open(&(struct state_writer_options){.path = database}, &err);
    ck_assert_msg(writer, "%s", err.text);
}

static void write_rows(const char *text)
{
    struct network *network = network_new(text);

    network_write(network, writer, now.wall_us);
    network_free(network);
}

static void heartbeat(void)
{
    struct error err;
    uint64_t sequence;

    ck_assert_msg(state_begin(writer, now.wall_us, &err) &&
                      state_commit(writer, true, &sequence, &err),
                  "%s", err.text);
}

/* Turns until that much time has passed. */
static void let_pass(int64_t us)
{
    int64_t end = now.steady_us + us;

    while (now.steady_us < end) {
        int64_t step = run_step(run, now);
        ck_assert_int_gt(step, 0);
        step = step < 20000 ? 20000 : step; // a machine that is slow to come back
        now.steady_us += step;
        now.wall_us += step;
    }
    (void)run_step(run, now);
}

static struct status status_now(void)
{
    struct status status;
    struct error err;

    ck_assert_msg(status_read(snapshots, arena, &status, &err), "%s", err.text);
    return status;
}

static struct snapshot snapshot_now(void)
{
    struct snapshot snapshot;
    struct error err;
    const char *path = arena_format(arena, "%s/current", snapshots);

    ck_assert_msg(snapshot_read(path, SNAPSHOT_GRAPH, arena, &snapshot, &err), "%s", err.text);
    return snapshot;
}

static void expect_message(enum status_phase phase, const char *part)
{
    struct status status = status_now();

    ck_assert_int_eq(status.phase, phase);
    ck_assert_msg(strstr(status.message, part), "\"%s\" in \"%s\"", part, status.message);
}

START_TEST(publishes_the_first_change_at_once)
{
    open_state();
    write_rows(example);
    run = run_new(&config, &quiet, now);
    let_pass(0);
    struct snapshot snapshot = snapshot_now();
    ck_assert_uint_eq(snapshot.number, 1);
    ck_assert_uint_eq(snapshot.pid_count, 3);
    ck_assert_uint_eq(snapshot.link_count, 2);
    ck_assert_uint_eq(snapshot.session_count, 3);
    struct status status = status_now();
    ck_assert_int_eq(status.phase, STATUS_RUNNING);
    ck_assert_str_eq(status.tag, snapshot.tag);
    ck_assert_uint_eq(status.sequence, snapshot.sequence);
    ck_assert_uint_eq(status.feed_count, 3);
}
END_TEST

START_TEST(later_changes_wait_for_the_settle_time)
{
    open_state();
    write_rows(example);
    run = run_new(&config, &quiet, now);
    let_pass(0);
    write_rows("router A 10.0.0.1;router B 10.0.0.2\nlink A B 20 delay=100");
    let_pass(500000);
    ck_assert_uint_eq(snapshot_now().number, 1);
    write_rows("router A 10.0.0.1;router B 10.0.0.2\nlink A B 30 delay=100");
    let_pass(600000);
    ck_assert_uint_eq(snapshot_now().number, 2); // both changes in one
    ck_assert_uint_eq(snapshot_now().links[0].metric, 30);
}
END_TEST

START_TEST(news_that_make_no_map_delay_no_change)
{
    open_state();
    write_rows(example);
    run = run_new(&config, &quiet, now);
    let_pass(2000000);
    heartbeat();
    let_pass(20000);
    write_rows("router A 10.0.0.1;router B 10.0.0.2\nlink A B 20 delay=100");
    let_pass(20000);
    ck_assert_uint_eq(snapshot_now().number, 2);
}
END_TEST

START_TEST(m605_a_heartbeat_confirms_and_publishes_nothing)
{
    open_state();
    write_rows(example);
    run = run_new(&config, &quiet, now);
    let_pass(0);
    struct status before = status_now();
    let_pass(20000000);
    heartbeat();
    int64_t beat_us = now.wall_us;
    let_pass(6000000);
    struct status after = status_now();
    ck_assert_uint_eq(after.number, 1);
    ck_assert_uint_eq(after.sequence, before.sequence + 1);
    ck_assert_int_eq(after.confirmed_us, beat_us);
}
END_TEST

START_TEST(status_is_never_older_than_ten_seconds)
{
    open_state();
    write_rows(example);
    run = run_new(&config, &quiet, now);
    for (int i = 0; i < 20; i++) {
        let_pass(3000000);
        ck_assert_int_ge(status_now().written_us, now.wall_us - 10000000);
    }
}
END_TEST

START_TEST(the_first_map_waits_for_each_feed)
{
    struct network *network = network_new(example);
    struct config waiting = config;

    waiting.speaker.neighbours = (struct config_neighbour[]){
        neighbours[0], {.name = "rr2", .families = {[STATE_LINK_STATE] = true}}};
    waiting.speaker.neighbour_count = 2;
    run = run_new(&waiting, &quiet, now);
    let_pass(150000000);
    expect_message(STATUS_WAITING, "altimeter-collector's ");
    expect_message(STATUS_WAITING, "/state.db");
    open_state();
    network_write(network, writer, now.wall_us);
    let_pass(60000000); // without a state.db nobody could tell of a feed
    expect_message(STATUS_WAITING, "the first end-of-RIB of rr2 link-state");
    ck_assert_ptr_null(status_now().snapshot);
    let_pass(61000000);
    ck_assert_uint_eq(snapshot_now().number, 1); // the wait is over
    run_free(run);

    // over a directory that has a snapshot nothing waits
    run = run_new(&waiting, &quiet, now);
    let_pass(0);
    ck_assert_int_eq(status_now().phase, STATUS_RUNNING);
    network_free(network);
}
END_TEST

START_TEST(the_wait_ends_with_the_last_end_of_rib)
{
    struct config waiting = config;

    waiting.speaker.neighbours = (struct config_neighbour[]){
        neighbours[0], {.name = "rr2", .families = {[STATE_LINK_STATE] = true}}};
    waiting.speaker.neighbour_count = 2;
    open_state();
    write_rows(example);
    run = run_new(&waiting, &quiet, now);
    let_pass(5000000);
    ck_assert_ptr_null(status_now().snapshot);
    heartbeat(); // a change just before does not hold the map up
    let_pass(20000);
    write_rows("peer 2 rr2");
    let_pass(100000);
    ck_assert_uint_eq(snapshot_now().number, 1);
}
END_TEST

START_TEST(a_feed_that_joins_later_counts_from_its_end_of_rib)
{
    open_state();
    write_rows(example);
    run = run_new(&config, &quiet, now);
    let_pass(2000000);
    write_rows("router B 10.0.0.2;peer 2 rr2 loading;prefix 10.3.0.0/16 B 0 peer=2");
    let_pass(2000000);
    ck_assert_uint_eq(snapshot_now().number, 1);
    write_rows("peer 2 rr2");
    let_pass(2000000);
    ck_assert_uint_eq(snapshot_now().number, 2);
    ck_assert_uint_eq(snapshot_now().pids[1].prefix_count, 2);
}
END_TEST

START_TEST(a_state_db_made_anew_waits_before_it_replaces_a_map)
{
    struct config waiting = config;

    waiting.speaker.neighbours = (struct config_neighbour[]){
        neighbours[0], {.name = "rr2", .families = {[STATE_LINK_STATE] = true}}};
    waiting.speaker.neighbour_count = 2;
    open_state();
    write_rows("peer 2 rr2");
    write_rows(example);
    run = run_new(&waiting, &quiet, now);
    let_pass(2000000);
    ck_assert_uint_eq(snapshot_now().pid_count, 3);
    state_writer_close(writer);
    ck_assert_int_eq(system(arena_format(arena, "rm -f %s*", database)), 0);
    open_state();
    write_rows("router A 10.0.0.1;prefix 10.1.0.0/16 A 0");
    let_pass(5000000);
    ck_assert_uint_eq(snapshot_now().number, 1);
    expect_message(STATUS_WAITING, "the first end-of-RIB of rr2 link-state");
    run_free(run);
    run = run_new(&waiting, &quiet, now); // a restart does not forget whose the map is
    let_pass(5000000);
    ck_assert_uint_eq(snapshot_now().number, 1);
    write_rows("peer 2 rr2");
    let_pass(100000);
    ck_assert_uint_eq(snapshot_now().number, 2);
    ck_assert_uint_eq(snapshot_now().pid_count, 2);
}
END_TEST

static void write_file(const char *path, const char *bytes, size_t length)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, length), (ssize_t)length);
    ck_assert_int_eq(close(fd), 0);
}

static void foreign_database(const char *path, const char *application_id, const char *version)
{
    sqlite3 *db;
    struct error err;

    (void)unlink(path);
    ck_assert_ptr_nonnull(db = db_open(path, DB_CREATE, &err));
    ck_assert(db_exec(db, "CREATE TABLE t (a)", &err));
    ck_assert(db_exec(db, arena_format(arena, "PRAGMA application_id = %s", application_id), &err));
    ck_assert(db_exec(db, arena_format(arena, "PRAGMA user_version = %s", version), &err));
    db_close(db);
}

/* Whatever state.db turns into, the message says it and the published map stays; the true one comes back. */
START_TEST(a_bad_state_db_is_named_and_loses_nothing)
{
    static const char page[] =
        "not a database, though long enough to be taken for the head of one, "
        "if nobody looked at its first sixteen bytes more closely than that";
    char saved[512];

    open_state();
    write_rows(example);
    run = run_new(&config, &quiet, now);
    let_pass(0);
    state_writer_close(writer);
    writer = NULL;
    run_free(run);
    (void)snprintf(saved, sizeof saved,
                   "cd %s && for f in state.db*; do cp -a $f saved${f#state}; done", folder);
    ck_assert_int_eq(system(saved), 0);

    // a whole WAL beside a damaged file makes it whole again
    (void)unlink(arena_format(arena, "%s-wal", database));
    (void)unlink(arena_format(arena, "%s-shm", database));
    run = run_new(&config, &quiet, now);
    write_file(database, page, sizeof page);
    let_pass(1000000);
    expect_message(STATUS_FAILING, "file is not a database");
    foreign_database(database, "1234", "1");
    let_pass(40000000);
    expect_message(STATUS_FAILING, "this is not a state.db of altimeter");
    foreign_database(database, "0x414c5453", "99");
    let_pass(40000000);
    expect_message(STATUS_FAILING, "made by a newer altimeter");
    ck_assert_int_eq(unlink(database), 0);
    let_pass(40000000);
    expect_message(STATUS_FAILING, "unable to open database file");
    ck_assert_uint_eq(snapshot_now().number, 1);

    (void)snprintf(saved, sizeof saved,
                   "cd %s && rm -f state.db* && for f in saved.db*; do mv $f state${f#saved}; done",
                   folder);
    ck_assert_int_eq(system(saved), 0);
    let_pass(40000000);
    expect_message(STATUS_RUNNING, "");
    ck_assert_uint_eq(status_now().number, 1);
}
END_TEST

START_TEST(an_unwritable_directory_stops_no_later_map)
{
    open_state();
    write_rows(example);
    run = run_new(&config, &quiet, now);
    let_pass(0);
    ck_assert_int_eq(chmod(snapshots, 0555), 0);
    ck_assert_int_eq(seteuid(geteuid() == 0 ? 65534 : geteuid()), 0);
    now.steady_us += 2000000;
    int64_t step = run_step(run, now); // nothing to do yet, and nothing to fail at but status.db
    ck_assert_int_gt(step, 0);
    ck_assert_int_eq(seteuid(getuid()), 0);
    write_rows("router A 10.0.0.1;router B 10.0.0.2\nlink A B 20 delay=100");
    ck_assert_int_eq(seteuid(geteuid() == 0 ? 65534 : geteuid()), 0);
    let_pass(3000000);
    ck_assert_int_eq(seteuid(getuid()), 0);
    ck_assert_uint_eq(snapshot_now().number, 1); // what is published stays
    ck_assert_int_eq(chmod(snapshots, 0755), 0);
    let_pass(40000000);
    ck_assert_uint_eq(snapshot_now().number, 2);
    expect_message(STATUS_RUNNING, "");
}
END_TEST

START_TEST(a_removed_directory_is_made_again)
{
    open_state();
    write_rows(example);
    run = run_new(&config, &quiet, now);
    let_pass(2000000);
    ck_assert_int_eq(system(arena_format(arena, "rm -rf %s/snapshots", folder)), 0);
    let_pass(2000000);
    ck_assert_uint_eq(snapshot_now().number, 1);
    ck_assert_uint_eq(snapshot_now().pid_count, 3);
    expect_message(STATUS_RUNNING, "");
}
END_TEST

START_TEST(status_names_a_new_snapshot_at_once)
{
    open_state();
    write_rows(example);
    run = run_new(&config, &quiet, now);
    let_pass(2000000);
    write_rows("router A 10.0.0.1;router B 10.0.0.2\nlink A B 20 delay=100");
    let_pass(100000);
    ck_assert_uint_eq(snapshot_now().number, 2);
    ck_assert_uint_eq(status_now().number, 2);
    ck_assert_str_eq(status_now().tag, snapshot_now().tag);
    ck_assert_uint_eq(status_now().sequence, snapshot_now().sequence);
}
END_TEST

START_TEST(another_configuration_makes_another_map)
{
    struct config other = config;

    open_state();
    write_rows(example);
    run = run_new(&config, &quiet, now);
    let_pass(0);
    other.map.default_pid = "elsewhere";
    run_configure(run, &other, &quiet);
    let_pass(2000000);
    ck_assert_uint_eq(snapshot_now().number, 2);
    ck_assert_str_eq(snapshot_now().pids[2].name, "elsewhere");
}
END_TEST

START_TEST(once_waits_for_nobody)
{
    struct config waiting = config;

    waiting.speaker.neighbours =
        (struct config_neighbour[]){{.name = "rr9", .families = {true, true, true}}};
    waiting.speaker.neighbour_count = 1;
    run = run_new(&waiting, &quiet, now);
    ck_assert(!run_once(run, now));
    expect_message(STATUS_FAILING, "state.db");
    open_state();
    write_rows(example);
    ck_assert(run_once(run, now));
    ck_assert_uint_eq(snapshot_now().number, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("run");
    TCase *cases = tcase_create("run");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, publishes_the_first_change_at_once);
    tcase_add_test(cases, later_changes_wait_for_the_settle_time);
    tcase_add_test(cases, news_that_make_no_map_delay_no_change);
    tcase_add_test(cases, m605_a_heartbeat_confirms_and_publishes_nothing);
    tcase_add_test(cases, status_is_never_older_than_ten_seconds);
    tcase_add_test(cases, the_first_map_waits_for_each_feed);
    tcase_add_test(cases, the_wait_ends_with_the_last_end_of_rib);
    tcase_add_test(cases, a_feed_that_joins_later_counts_from_its_end_of_rib);
    tcase_add_test(cases, a_state_db_made_anew_waits_before_it_replaces_a_map);
    tcase_add_test(cases, a_bad_state_db_is_named_and_loses_nothing);
    tcase_add_test(cases, an_unwritable_directory_stops_no_later_map);
    tcase_add_test(cases, a_removed_directory_is_made_again);
    tcase_add_test(cases, status_names_a_new_snapshot_at_once);
    tcase_add_test(cases, another_configuration_makes_another_map);
    tcase_add_test(cases, once_waits_for_nobody);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
