/* status.db comes back as it was written, and what is no status.db is told apart. */
#include "lib/status.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/altimeter-test-XXXXXX";
static struct arena *arena;

static void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(directory));
    arena = arena_new();
}

static void teardown(void)
{
    char command[64];

    (void)snprintf(command, sizeof command, "rm -rf %s", directory);
    ck_assert_int_eq(system(command), 0);
    arena_free(arena);
}

static const struct status_feed feeds[] = {
    {"rr1", STATE_LINK_STATE, PEER_UP, 5, false, 0, END_OF_RIB_RECEIVED, NULL},
    {"rr2", STATE_IPV4_UNICAST, PEER_DOWN, 6, true, 7, END_OF_RIB_NO, "hold timer expired"},
};

static const struct status full = {
    .map = "default",
    .written_us = 1,
    .version = "0.1.0",
    .pid = 4711,
    .phase = STATUS_FAILING,
    .message = "state.db: no such file",
    .snapshot = "2026-11-21T120000Z-1a2b3c4d.db",
    .number = 3,
    .tag = "00112233445566778899aabbccddeeff",
    .sequence = 12,
    .confirmed_us = 13,
    .feeds = feeds,
    .feed_count = 2,
};

static void write_raw(const char *bytes)
{
    char path[128];

    (void)snprintf(path, sizeof path, "%s/status.db", directory);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(bytes, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(reads_what_was_written)
{
    struct status read;
    struct error err;

    ck_assert_msg(status_write(directory, &full, &err), "%s", err.text);
    ck_assert_msg(status_write(directory, &full, &err), "%s", err.text); // replaces
    ck_assert_msg(status_read(directory, arena, &read, &err), "%s", err.text);
    ck_assert_str_eq(read.map, "default");
    ck_assert_int_eq(read.pid, 4711);
    ck_assert_int_eq(read.phase, STATUS_FAILING);
    ck_assert_str_eq(read.message, full.message);
    ck_assert_str_eq(read.snapshot, full.snapshot);
    ck_assert_uint_eq(read.number, 3);
    ck_assert_str_eq(read.tag, full.tag);
    ck_assert_uint_eq(read.sequence, 12);
    ck_assert_int_eq(read.confirmed_us, 13);
    ck_assert_ptr_null(read.held_rail);
    ck_assert_uint_eq(read.feed_count, 2);
    ck_assert_str_eq(read.feeds[0].peer, "rr1");
    ck_assert_int_eq(read.feeds[0].family, STATE_LINK_STATE);
    ck_assert_int_eq(read.feeds[0].end_of_rib, END_OF_RIB_RECEIVED);
    ck_assert_ptr_null(read.feeds[0].last_error);
    ck_assert_int_eq(read.feeds[1].state, PEER_DOWN);
    ck_assert(read.feeds[1].stale);
    ck_assert_int_eq(read.feeds[1].stale_since_us, 7);
    ck_assert_str_eq(read.feeds[1].last_error, "hold timer expired");
}
END_TEST

START_TEST(no_snapshot_yet_reads_as_none)
{
    struct status none = full, read;
    struct error err;

    none.snapshot = NULL;
    none.feed_count = 0;
    none.held_rail = "prefixes";
    none.held_by = "61 % of prefixes; 80 % expected";
    none.held_sequence = 9;
    ck_assert_msg(status_write(directory, &none, &err), "%s", err.text);
    ck_assert_msg(status_read(directory, arena, &read, &err), "%s", err.text);
    ck_assert_ptr_null(read.snapshot);
    ck_assert_ptr_null(read.tag);
    ck_assert_uint_eq(read.feed_count, 0);
    ck_assert_uint_eq(read.held_sequence, 9);
    ck_assert_str_eq(read.held_by, none.held_by);
}
END_TEST

START_TEST(says_what_is_wrong_with_a_file)
{
    struct status read;
    struct error err;

    ck_assert(!status_read(directory, arena, &read, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "unable to open database file"));
    write_raw("no database, but long enough to be looked at as one: ........................"
              "........................................................................");
    ck_assert(!status_read(directory, arena, &read, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "file is not a database"));
    write_raw("");
    ck_assert(!status_read(directory, arena, &read, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "status.db: an empty file; a status.db expected"));
}
END_TEST

START_TEST(a_failed_write_leaves_the_old_file)
{
    struct status next = full, read;
    struct error err;
    char temporary[128];

    ck_assert(status_write(directory, &full, &err));
    (void)snprintf(temporary, sizeof temporary, "%s/.status.tmp", directory);
    ck_assert_int_eq(mkdir(temporary, 0755), 0); // stands in the way
    next.number = 4;
    ck_assert(!status_write(directory, &next, &err));
    ck_assert_ptr_nonnull(strstr(err.text, ": status: "));
    ck_assert(status_read(directory, arena, &read, &err));
    ck_assert_uint_eq(read.number, 3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("status");
    TCase *cases = tcase_create("status");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, reads_what_was_written);
    tcase_add_test(cases, no_snapshot_yet_reads_as_none);
    tcase_add_test(cases, says_what_is_wrong_with_a_file);
    tcase_add_test(cases, a_failed_write_leaves_the_old_file);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
