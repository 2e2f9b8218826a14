/* Sweeps that go on while other things change: what is left at the end, and what readers are told until then. */
#include "collector/sweeps.h"
#include "state_fixture.h"

#include <check.h>
#include <string.h>

enum { KEYS = 40, SEEDS = 40 };
#define STALE_SINCE INT64_C(1700000000000000)

static struct arena *arena;
static char *folder, *path;
static struct state_writer *writer;
static struct sweeps *sweeps;
static struct error failure;
static const struct log silent = {LEVEL_ERROR, -1, false};

static void must(bool ok)
{
    ck_assert_msg(ok, "%s", failure.text);
}

static void begin(void)
{
    must(state_begin(writer, STALE_SINCE, &failure));
}

static void commit(void)
{
    uint64_t sequence;

    must(state_commit(writer, false, &sequence, &failure));
}

static void put(int64_t peer_id, unsigned key, unsigned variant)
{
    struct route route = make_route(arena, peer_id, key, variant);

    must(state_put_route(writer, &route, &failure));
}

static struct state_key key_of(unsigned key)
{
    struct route route = make_route(arena, 1, key, 1);

    return (struct state_key){.prefix = route.prefix, .path_id = route.path_id};
}

static bool is_ipv4(unsigned key)
{
    return key % 4 != 3; // as make_route has it
}

static struct peer_family family_row(bool stale, enum state_end_of_rib end_of_rib)
{
    return (struct peer_family){.peer_id = 1,
                                .family = STATE_IPV4_UNICAST,
                                .stale = stale,
                                .stale_since_us = stale ? STALE_SINCE : 0,
                                .end_of_rib = end_of_rib,
                                .faulty = "a fault"};
}

static void set_up(void)
{
    struct error err;

    arena = arena_new();
    folder = folder_new();
    path = path_in(arena, folder, "state.db");
    writer = state_writer_open(&(struct state_writer_options){.path = path}, &err);
    ck_assert_msg(writer, "%s", err.text);
    sweeps = sweeps_new(&silent);
    begin();
    for (unsigned key = 0; key < KEYS; key++) {
        put(1, key, 1);
        put(2, key, 1);
    }
    struct peer_family row = family_row(true, END_OF_RIB_NO);
    must(state_put_peer_family(writer, &row, &failure));
    commit();
}

static void tear_down(void)
{
    sweeps_free(sweeps);
    state_writer_close(writer);
    folder_remove(folder);
    arena_free(arena);
}

static const char *sql(const char *query)
{
    const char *answer = ask(arena, path, query);

    return answer ? answer : "NULL";
}

static void step(size_t limit)
{
    begin();
    must(sweeps_step(sweeps, writer, limit, &failure));
    commit();
    sweeps_committed(sweeps);
}

static const char *family_state(void)
{
    return sql("SELECT stale || ' ' || end_of_rib FROM peer_family");
}

START_TEST(the_row_comes_with_the_last_piece)
{
    struct peer_family row = family_row(false, END_OF_RIB_RECEIVED);

    sweeps_add(sweeps, 1, STATE_IPV4_UNICAST, STALE_SINCE, heard_new());
    ck_assert(sweeps_hold(sweeps, &row));
    while (step(7), !sweeps_are_over(sweeps))
        ck_assert_str_eq(family_state(), "1 no");
    ck_assert_str_eq(family_state(), "0 received");
    ck_assert_str_eq(sql("SELECT faulty FROM peer_family"), "a fault");
    ck_assert_str_eq(sql("SELECT count(*) FROM route WHERE peer_id = 1 AND family = 4"), "0");
    ck_assert_str_eq(sql("SELECT count(*) FROM route WHERE peer_id = 2 AND family = 4"), "30");
    ck_assert_str_eq(sql("SELECT count(*) FROM route WHERE peer_id = 1 AND family = 6"), "10");
    ck_assert_str_eq(sql("SELECT count(*) FROM tombstone"), "30");
}
END_TEST

START_TEST(a_session_lost_meanwhile_is_not_held_back)
{
    struct peer_family loaded = family_row(false, END_OF_RIB_RECEIVED);
    struct peer_family back = family_row(true, END_OF_RIB_NO);

    sweeps_add(sweeps, 1, STATE_IPV4_UNICAST, STALE_SINCE, heard_new());
    ck_assert(sweeps_hold(sweeps, &loaded));
    step(7);
    ck_assert(!sweeps_hold(sweeps, &back)); // to be written by the caller
    while (!sweeps_are_over(sweeps))
        step(7);
    ck_assert_str_eq(family_state(), "1 no");
}
END_TEST

START_TEST(rows_of_others_do_not_wait)
{
    struct peer_family row = family_row(false, END_OF_RIB_RECEIVED);

    ck_assert(!sweeps_hold(sweeps, &row));
    sweeps_add(sweeps, 1, STATE_IPV6_UNICAST, STALE_SINCE, heard_new());
    sweeps_add(sweeps, 2, STATE_IPV4_UNICAST, STALE_SINCE, heard_new());
    ck_assert(!sweeps_hold(sweeps, &row));
    sweeps_drop_peer(sweeps, 2);
    sweeps_drop_family(sweeps, 1, STATE_IPV4_UNICAST); // none of it
    ck_assert(!sweeps_are_over(sweeps));
    sweeps_drop_family(sweeps, 1, STATE_IPV6_UNICAST);
    ck_assert(sweeps_are_over(sweeps));
    step(100);
    ck_assert_str_eq(sql("SELECT count(*) FROM tombstone"), "0");
}
END_TEST

START_TEST(a_later_load_replaces_the_sweep_of_an_earlier_one)
{
    struct state_key key = key_of(1);
    struct heard *later = heard_new();

    sweeps_add(sweeps, 1, STATE_IPV4_UNICAST, STALE_SINCE, heard_new());
    step(1);
    heard_add(later, &key);
    sweeps_add(sweeps, 1, STATE_IPV4_UNICAST, STALE_SINCE, later);
    step(100);
    ck_assert(sweeps_are_over(sweeps));
    ck_assert_str_eq(sql("SELECT group_concat(prefix) FROM route WHERE peer_id = 1 AND family = 4"),
                     "1.0.1.0/24");
}
END_TEST

/* Announcements, withdrawals, failures and pieces in any order: what is left is what was heard in the load or since,
 * and not withdrawn. */
START_TEST(whatever_comes_between_the_pieces_is_right_at_the_end)
{
    uint64_t random = (uint64_t)_i;
    struct heard *heard = heard_new();
    bool is_there[KEYS], survives[KEYS];
    const char *expected = "";

    for (unsigned key = 0; key < KEYS; key++) {
        struct state_key which = key_of(key);
        is_there[key] = true;
        survives[key] = !is_ipv4(key) || random_below(&random, 2);
        if (survives[key] && is_ipv4(key))
            heard_add(heard, &which);
    }
    sweeps_add(sweeps, 1, STATE_IPV4_UNICAST, STALE_SINCE, heard);
    while (!sweeps_are_over(sweeps)) {
        unsigned key = random_below(&random, KEYS), what = random_below(&random, 10);
        struct state_key which = key_of(key);
        begin();
        if (what < 3) { // mostly what stands there already, which takes no sequence
            sweeps_hear(sweeps, 1, &which);
            put(1, key, what ? 1 : 2);
            is_there[key] = survives[key] = true;
        } else if (what < 5) {
            must(state_delete_route(writer, 1, &which.prefix, which.path_id, &failure));
            is_there[key] = false;
        }
        must(sweeps_step(sweeps, writer, 1 + random_below(&random, 3), &failure));
        if (what == 9) {
            state_rollback(writer);
            sweeps_rolled_back(sweeps);
        } else {
            commit();
            sweeps_committed(sweeps);
        }
    }
    for (unsigned key = 0; key < KEYS; key++)
        if (is_there[key] && survives[key])
            expected = arena_format(arena, "%s%u ", expected, key);
    const char *found = "";
    for (unsigned key = 0; key < KEYS; key++) {
        char text[PREFIX_TEXT_SIZE];
        struct state_key which = key_of(key);
        const char *query = arena_format(
            arena, "SELECT 1 FROM route WHERE peer_id = 1 AND prefix = '%s' AND path_id = %u",
            prefix_format(&which.prefix, text), which.path_id);
        if (ask(arena, path, query))
            found = arena_format(arena, "%s%u ", found, key);
    }
    ck_assert_str_eq(found, expected);
    ck_assert_str_eq(sql("SELECT count(*) FROM route WHERE peer_id = 2"), "40");
    // each key is either a row or a tombstone
    ck_assert_str_eq(sql("SELECT (SELECT count(*) FROM tombstone) + (SELECT count(*) FROM route)"),
                     "80");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sweeps");
    TCase *tests = tcase_create("sweeps");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, the_row_comes_with_the_last_piece);
    tcase_add_test(tests, a_session_lost_meanwhile_is_not_held_back);
    tcase_add_test(tests, rows_of_others_do_not_wait);
    tcase_add_test(tests, a_later_load_replaces_the_sweep_of_an_earlier_one);
    tcase_add_loop_test(tests, whatever_comes_between_the_pieces_is_right_at_the_end, 0, SEEDS);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
