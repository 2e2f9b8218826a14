/* What peers say, come and go for, as it stands in state.db. The clock is ours; flush waits for the thread. */
#include "collector/recorder.h"
#include "state_fixture.h"

#include <check.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SEEDS = 25, KEYS = 16, MAX_LINK_STATE = 3 };
#define SECOND INT64_C(1000000)

static struct arena *arena;
static char *folder, *path;
static struct recorder *recorder;
static struct update_sink sink;
static int64_t ids[2];
static _Atomic int64_t now_us;
static struct error failure;

static const struct recorder_peer two_peers[] = {
    {"rr1", "192.0.2.1", {true, true, true}, {SOURCE_BMP, SOURCE_BMP, SOURCE_BMP}},
    {"rr2", "192.0.2.2", {true, false, true}, {SOURCE_GRPC, SOURCE_BMP, SOURCE_BMP}},
};

static int64_t read_clock(void *context)
{
    (void)context;
    return now_us;
}

static const struct recorder_clock test_clock = {NULL, read_clock, read_clock};
static const struct log silent = {LEVEL_ERROR, -1, false};

static void must(bool ok)
{
    ck_assert_msg(ok, "%s", failure.text);
}

static void start_with(size_t batch_size)
{
    struct recorder_options options = {.path = path,
                                       .local_asn = 64500,
                                       .heartbeat_us = INT64_C(1000000) * SECOND,
                                       .batch_size = batch_size,
                                       .max_link_state = MAX_LINK_STATE,
                                       .log = &silent,
                                       .clock = &test_clock};

    recorder = recorder_start(&options, &failure);
    must(recorder);
    recorder_set_peers(recorder, two_peers, 2, ids);
    sink = recorder_sink(recorder);
}

static void set_up(void)
{
    arena = arena_new();
    folder = folder_new();
    path = path_in(arena, folder, "state.db");
    now_us = INT64_C(1700000000) * SECOND;
    start_with(0);
}

static void tear_down(void)
{
    recorder_stop(recorder);
    folder_remove(folder);
    arena_free(arena);
}

static void restart(size_t batch_size)
{
    recorder_stop(recorder);
    start_with(batch_size);
}

static void flush(void)
{
    must(recorder_flush(recorder, &failure));
}

static void give(struct update update)
{
    sink.take(sink.context, &update);
}

static void up(int64_t peer_id)
{
    struct update update = {.kind = UPDATE_PEER_UP, .peer_id = peer_id};

    update.up.asn = 64500;
    ck_assert(address_parse("10.0.0.1", &update.up.router_id));
    for (size_t i = 0; i < STATE_FAMILIES; i++)
        update.up.families[i] = true;
    give(update);
}

static void down(int64_t peer_id)
{
    give((struct update){.kind = UPDATE_PEER_DOWN, .peer_id = peer_id, .reason = "hold timer"});
}

static void end_of_rib(int64_t peer_id, enum state_family family)
{
    give((struct update){
        .kind = UPDATE_END_OF_RIB, .peer_id = peer_id, .end_of_rib = {family, false}});
}

static void announce(int64_t peer_id, unsigned key, unsigned variant)
{
    struct route route = make_route(arena, peer_id, key, variant);

    give((struct update){.kind = UPDATE_ROUTE, .peer_id = peer_id, .route = &route});
}

static void withdraw(int64_t peer_id, unsigned key)
{
    struct route route = make_route(arena, peer_id, key, 1);

    give((struct update){.kind = UPDATE_ROUTE_GONE, .peer_id = peer_id, .route = &route});
}

static void announce_node(int64_t peer_id, unsigned key, unsigned variant)
{
    struct ls_node node = make_node(arena, peer_id, key, variant);

    give((struct update){.kind = UPDATE_NODE, .peer_id = peer_id, .node = &node});
}

static void withdraw_node(int64_t peer_id, unsigned key)
{
    struct ls_node node = make_node(arena, peer_id, key, 0);

    give((struct update){.kind = UPDATE_LS_GONE, .peer_id = peer_id, .ls = {node.nlri, {0}}});
}

static const char *sql(const char *query)
{
    const char *answer = ask(arena, path, query);

    return answer ? answer : "NULL";
}

static const char *routes(void)
{
    return sql("SELECT group_concat(prefix, ' ') FROM (SELECT prefix FROM route ORDER BY prefix)");
}

static const char *family_state(void)
{
    return sql("SELECT state || ' ' || stale || ' ' || end_of_rib FROM peer JOIN peer_family "
               "USING (peer_id) WHERE name = 'rr1' AND family = 'ipv4-unicast'");
}

START_TEST(the_newest_state_of_an_object_is_written)
{
    up(ids[0]);
    announce(ids[0], 1, 1);
    announce(ids[0], 1, 2);
    announce(ids[0], 2, 1);
    withdraw(ids[0], 2);
    withdraw(ids[0], 5);
    announce(ids[0], 5, 1);
    flush();
    ck_assert_str_eq(routes(), "1.0.1.0/24 1.0.5.0/24");
    ck_assert_str_eq(sql("SELECT as_path FROM route JOIN attributes USING (attributes_id) "
                         "WHERE prefix = '1.0.1.0/24'"),
                     "64500 2");
    ck_assert_str_eq(sql("SELECT local_asn FROM meta"), "64500");
    ck_assert_str_eq(sql("SELECT asn || ' ' || router_id FROM peer WHERE name = 'rr1'"),
                     "64500 10.0.0.1");
}
END_TEST

START_TEST(l112_a_lost_session_makes_stale_and_end_of_rib_sweeps)
{
    ck_assert_str_eq((flush(), family_state()), "never 0 no");
    up(ids[0]);
    announce(ids[0], 1, 1);
    announce(ids[0], 2, 1);
    flush();
    ck_assert_str_eq(family_state(), "up 0 no");
    end_of_rib(ids[0], STATE_IPV4_UNICAST);
    flush();
    ck_assert_str_eq(family_state(), "up 0 received");
    down(ids[0]);
    flush();
    ck_assert_str_eq(family_state(), "down 1 received");
    ck_assert_str_eq(routes(), "1.0.1.0/24 1.0.2.0/24");
    const char *before = sql("SELECT max(sequence) FROM route");
    up(ids[0]);
    announce(ids[0], 2, 1);
    flush();
    ck_assert_str_eq(family_state(), "up 1 no");
    ck_assert_str_eq(sql("SELECT max(sequence) FROM route"), before); // nothing really changed
    end_of_rib(ids[0], STATE_IPV4_UNICAST);
    announce(ids[0], 5, 1); // after it, in the same batch
    flush();
    ck_assert_str_eq(family_state(), "up 0 received");
    ck_assert_str_eq(routes(), "1.0.2.0/24 1.0.5.0/24");
}
END_TEST

START_TEST(what_waited_from_an_earlier_session_is_swept_too)
{
    up(ids[0]);
    announce(ids[0], 1, 1);
    down(ids[0]);
    up(ids[0]);
    announce(ids[0], 2, 1);
    end_of_rib(ids[0], STATE_IPV4_UNICAST);
    flush();
    ck_assert_str_eq(routes(), "1.0.2.0/24");
}
END_TEST

START_TEST(a_load_that_breaks_off_sweeps_nothing)
{
    up(ids[0]);
    announce(ids[0], 1, 1);
    end_of_rib(ids[0], STATE_IPV4_UNICAST);
    down(ids[0]);
    up(ids[0]);
    announce(ids[0], 2, 1);
    down(ids[0]);
    end_of_rib(ids[0], STATE_IPV4_UNICAST); // late: says nothing
    flush();
    ck_assert_str_eq(routes(), "1.0.1.0/24 1.0.2.0/24");
    ck_assert_str_eq(family_state(), "down 1 no");
    up(ids[0]);
    announce(ids[0], 1, 1);
    end_of_rib(ids[0], STATE_IPV4_UNICAST);
    flush();
    ck_assert_str_eq(routes(), "1.0.1.0/24");
}
END_TEST

START_TEST(l112_after_the_hold_time_everything_goes)
{
    up(ids[0]);
    announce(ids[0], 1, 1);
    announce(ids[0], 3, 1); // IPv6
    announce_node(ids[0], 1, 1);
    end_of_rib(ids[0], STATE_IPV4_UNICAST);
    up(ids[1]);
    announce(ids[1], 2, 1);
    down(ids[0]);
    now_us += INT64_C(599) * SECOND;
    flush();
    ck_assert_str_eq(sql("SELECT count(*) FROM route"), "3");
    now_us += 2 * SECOND;
    flush();
    ck_assert_str_eq(routes(), "1.0.2.0/24");
    ck_assert_str_eq(sql("SELECT count(*) FROM ls_node"), "0");
    ck_assert_str_eq(family_state(), "down 1 no");
    up(ids[0]);
    announce(ids[0], 1, 1);
    end_of_rib(ids[0], STATE_IPV4_UNICAST);
    flush();
    ck_assert_str_eq(routes(), "1.0.1.0/24 1.0.2.0/24");
    ck_assert_str_eq(family_state(), "up 0 received");
}
END_TEST

START_TEST(a_return_in_time_stops_the_hold_timer)
{
    up(ids[0]);
    announce(ids[0], 1, 1);
    down(ids[0]);
    now_us += INT64_C(500) * SECOND;
    up(ids[0]);
    now_us += INT64_C(500) * SECOND;
    flush();
    ck_assert_str_eq(routes(), "1.0.1.0/24");
}
END_TEST

START_TEST(a_restart_is_a_session_loss_that_keeps_the_data)
{
    up(ids[0]);
    announce(ids[0], 1, 1);
    announce(ids[0], 2, 1);
    end_of_rib(ids[0], STATE_IPV4_UNICAST);
    int64_t id = ids[0];
    restart(0);
    ck_assert_int_eq(ids[0], id);
    flush();
    ck_assert_str_eq(family_state(), "down 1 received");
    ck_assert_str_eq(sql("SELECT last_error FROM peer WHERE name = 'rr1'"),
                     "the collector was started");
    ck_assert_str_eq(routes(), "1.0.1.0/24 1.0.2.0/24");
    up(ids[0]);
    announce(ids[0], 2, 1);
    end_of_rib(ids[0], STATE_IPV4_UNICAST);
    flush();
    ck_assert_str_eq(routes(), "1.0.2.0/24");
}
END_TEST

START_TEST(peers_and_families_that_are_not_configured_go)
{
    static const struct recorder_peer changed[] = {
        {"rr3", "192.0.2.3", {true, true, true}, {SOURCE_BMP, SOURCE_BMP, SOURCE_BMP}},
        {"rr1", "192.0.2.9", {true, false, false}, {SOURCE_BMP, SOURCE_BMP, SOURCE_BMP}},
    };
    int64_t new_ids[2];

    up(ids[0]);
    up(ids[1]);
    announce(ids[0], 1, 1);
    announce_node(ids[0], 1, 1);
    announce(ids[1], 2, 1);
    flush();
    announce(ids[1], 5, 1); // still waits when the peer goes
    recorder_set_peers(recorder, changed, 2, new_ids);
    ck_assert_int_eq(new_ids[1], ids[0]);
    ck_assert_int_gt(new_ids[0], ids[1]);
    announce(ids[1], 6, 1);      // of nobody
    announce_node(ids[0], 2, 1); // of a family that it has no longer
    flush();
    ck_assert_str_eq(routes(), "1.0.1.0/24");
    ck_assert_str_eq(sql("SELECT count(*) FROM ls_node"), "0");
    ck_assert_str_eq(sql("SELECT group_concat(name || rank || address, ' ') FROM (SELECT * FROM "
                         "peer ORDER BY rank)"),
                     "rr30192.0.2.3 rr11192.0.2.9");
    ck_assert_str_eq(sql("SELECT count(*) FROM peer_family"), "4");
    ck_assert_str_eq(sql("SELECT group_concat(kind || peer_id) FROM tombstone WHERE kind = 'peer'"),
                     "peer2");
}
END_TEST

START_TEST(l093_holds_for_what_still_waits)
{
    up(ids[0]);
    announce_node(ids[0], 1, 1);
    announce_node(ids[0], 1, 0); // replaces nothing
    announce_node(ids[0], 2, 2);
    flush();
    announce_node(ids[0], 2, 3);
    announce_node(ids[0], 2, 0);
    withdraw_node(ids[0], 1);
    announce_node(ids[0], 1, 0); // a new object: what it was is forgotten
    flush();
    ck_assert_str_eq(sql("SELECT group_concat(has_attributes || coalesce(name, '-'), ' ') "
                         "FROM (SELECT * FROM ls_node ORDER BY nlri)"),
                     "0- 0mad-cr3");
}
END_TEST

START_TEST(heartbeats_come_on_time_and_meters_without_sequences)
{
    recorder_stop(recorder);
    struct recorder_options options = {.path = path, .log = &silent, .clock = &test_clock};
    recorder = recorder_start(&options, &failure);
    must(recorder);
    recorder_set_peers(recorder, two_peers, 2, ids);
    sink = recorder_sink(recorder);
    flush();
    const char *before = sql("SELECT max(sequence) FROM sequence");
    now_us += 9 * SECOND;
    recorder_meter(recorder, "bmp.messages", "rr1", 7);
    flush();
    ck_assert_str_eq(sql("SELECT max(sequence) FROM sequence"), before);
    ck_assert_str_eq(sql("SELECT value FROM meter WHERE name = 'bmp.messages' AND peer = 'rr1'"),
                     "7");
    now_us += 1 * SECOND;
    flush();
    ck_assert_int_eq(atoi(sql("SELECT max(sequence) FROM sequence")), atoi(before) + 1);
}
END_TEST

START_TEST(l095_faults_are_counted_per_peer_and_kind)
{
    struct update fault = {.kind = UPDATE_FAULT, .peer_id = ids[0], .reason = "ls.overrun"};

    up(ids[0]);
    for (int i = 0; i < 3; i++)
        give(fault);
    fault.peer_id = ids[1];
    fault.distrusted = 1U << STATE_LINK_STATE;
    give(fault);
    now_us += 2 * SECOND;
    flush();
    ck_assert_str_eq(sql("SELECT group_concat(peer || value, ' ') FROM (SELECT * FROM meter WHERE "
                         "name = 'fault.ls.overrun' ORDER BY peer)"),
                     "rr13 rr21");
    ck_assert_str_eq(sql("SELECT group_concat(name || family) FROM peer_family JOIN peer USING "
                         "(peer_id) WHERE faulty = 'ls.overrun'"),
                     "rr2link-state");
}
END_TEST

/* The child's files may grow no further, as on a full disk; then they may again. */
/* One more than the limit is refused, again and again; what is there may change, and go, and make room. */
START_TEST(l097_at_the_limit_what_was_given_before_stays)
{
    const char *faulty =
        "SELECT group_concat(name || ' ' || family || ' ' || faulty) FROM peer_family "
        "JOIN peer USING (peer_id) WHERE faulty NOT NULL";
    const char *nodes = "SELECT group_concat(n, ' ') FROM (SELECT count(*) n FROM ls_node "
                        "GROUP BY peer_id ORDER BY peer_id)";

    up(ids[0]);
    up(ids[1]);
    for (unsigned key = 1; key <= MAX_LINK_STATE; key++)
        announce_node(ids[0], key, 1);
    flush();
    ck_assert_str_eq(sql(faulty), "NULL");
    for (unsigned key = 1; key <= MAX_LINK_STATE + 2; key++)
        announce_node(ids[1], key, 1);
    announce_node(ids[0], 9, 1);
    announce_node(ids[0], 1, 2); // there already: may change
    announce(ids[0], 1, 1);      // another family
    flush();
    ck_assert_str_eq(sql(faulty),
                     "rr1 link-state more than 3 objects,rr2 link-state more than 3 objects");
    ck_assert_str_eq(sql(nodes), "3 3");
    ck_assert_str_eq(routes(), "1.0.1.0/24");
    withdraw_node(ids[0], 2);
    announce_node(ids[0], 9, 1);
    end_of_rib(ids[0], STATE_LINK_STATE);
    now_us += 2 * SECOND; // so that the meters are written
    flush();
    ck_assert_str_eq(sql(nodes), "3 3");
    ck_assert_str_eq(sql("SELECT group_concat(peer || ' ' || value) FROM meter "
                         "WHERE name = 'updates.over_limit'"),
                     "rr1 1,rr2 2");
    down(ids[0]); // the next session begins anew
    up(ids[0]);
    announce_node(ids[0], 7, 1);
    end_of_rib(ids[0], STATE_LINK_STATE);
    flush();
    ck_assert_str_eq(sql(faulty), "rr2 link-state more than 3 objects");
    ck_assert_str_eq(sql(nodes), "1 3");
}
END_TEST

START_TEST(a_full_disk_loses_nothing)
{
    struct rlimit limit;

    (void)signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    rlim_t all = limit.rlim_cur;
    up(ids[0]);
    announce(ids[0], 1, 1);
    flush();
    limit.rlim_cur = 4096;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    announce(ids[0], 2, 1);
    bool ok = recorder_flush(recorder, &failure);
    announce(ids[0], 5, 1);
    withdraw(ids[0], 1);
    bool again = recorder_flush(recorder, &failure);
    limit.rlim_cur = all;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert(!ok);
    ck_assert(!again);
    ck_assert_ptr_nonnull(strstr(failure.text, "disk"));
    flush(); // the batch that failed
    flush(); // what came meanwhile
    ck_assert_str_eq(routes(), "1.0.2.0/24 1.0.5.0/24");
}
END_TEST

START_TEST(a_stop_writes_what_waits)
{
    up(ids[0]);
    for (unsigned key = 0; key < 1000; key++)
        announce(ids[0], key, 1);
    recorder_stop(recorder);
    recorder = NULL;
    ck_assert_str_eq(sql("SELECT count(*) FROM route"), "1000");
}
END_TEST

/* ---- Random histories against rules that need no thread, queue or file ---- */

struct model {
    bool is_up[2], is_stale[2], is_loading[2];
    struct {
        bool is_present, is_heard;
        unsigned variant;
    } routes[2][KEYS];
};

static void model_sweep(struct model *model, unsigned peer)
{
    for (unsigned key = 0; key < KEYS; key++)
        model->routes[peer][key].is_present &= model->routes[peer][key].is_heard;
}

static void random_step(struct model *model, uint64_t *random)
{
    unsigned peer = random_below(random, 2), key = random_below(random, KEYS);
    uint32_t what = random_below(random, 100);

    if (key % 4 == 3)
        key--; // IPv4 alone: one family a peer in the model
    if (what < 6) {
        if (model->is_up[peer]) {
            down(ids[peer]);
            model->is_up[peer] = false;
            model->is_stale[peer] = true;
        } else {
            up(ids[peer]);
            model->is_up[peer] = model->is_loading[peer] = true;
            for (unsigned i = 0; i < KEYS; i++)
                model->routes[peer][i].is_heard = false;
        }
    } else if (what < 12) {
        end_of_rib(ids[peer], STATE_IPV4_UNICAST);
        if (!model->is_up[peer] || !model->is_loading[peer])
            return;
        model->is_loading[peer] = false;
        model->is_stale[peer] = false;
        model_sweep(model, peer);
    } else if (!model->is_up[peer]) {
        return;
    } else if (what < 80) {
        unsigned variant = random_below(random, 50);
        announce(ids[peer], key, variant);
        model->routes[peer][key].is_present = model->routes[peer][key].is_heard = true;
        model->routes[peer][key].variant = variant;
    } else {
        withdraw(ids[peer], key);
        model->routes[peer][key].is_present = false;
    }
}

static void check_against(struct model *model)
{
    struct picture *expected = picture_new(), *read = picture_new();
    struct state_visitor visitor = picture_visitor(read);
    struct state_position position = {0};
    struct state_reader *reader = state_reader_open(path, &failure);

    must(reader);
    must(state_read(reader, &position, &visitor, &failure));
    for (unsigned peer = 0; peer < 2; peer++)
        for (unsigned key = 0; key < KEYS; key++) {
            struct route route =
                make_route(arena, ids[peer], key, model->routes[peer][key].variant);
            struct state_key which = {.prefix = route.prefix, .path_id = route.path_id};
            if (model->routes[peer][key].is_present)
                picture_put(expected, object_key(arena, OBJECT_ROUTE, ids[peer], &which),
                            route_text(arena, &route));
        }
    ck_assert_str_eq(picture_text(read, arena), picture_text(expected, arena));
    for (unsigned peer = 0; peer < 2; peer++)
        ck_assert_str_eq(sql(arena_format(arena,
                                          "SELECT stale FROM peer_family WHERE peer_id = %d AND "
                                          "family = 'ipv4-unicast'",
                                          (int)ids[peer])),
                         model->is_stale[peer] ? "1" : "0");
    state_reader_close(reader);
    picture_free(expected);
    picture_free(read);
}

START_TEST(random_histories_end_as_the_rules_say)
{
    struct model model = {0};
    uint64_t random = (uint64_t)_i;

    restart(_i % 3 ? 0 : 5); // also with several transactions a batch
    for (int round = 0; round < 12; round++) {
        for (uint32_t steps = random_below(&random, 80); steps; steps--)
            random_step(&model, &random);
        flush();
        check_against(&model);
        if (random_below(&random, 6) == 0) {
            restart(_i % 3 ? 0 : 5);
            for (unsigned peer = 0; peer < 2; peer++) {
                model.is_stale[peer] |= model.is_up[peer];
                model.is_up[peer] = false;
            }
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("recorder");
    TCase *tests = tcase_create("recorder");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, the_newest_state_of_an_object_is_written);
    tcase_add_test(tests, l112_a_lost_session_makes_stale_and_end_of_rib_sweeps);
    tcase_add_test(tests, what_waited_from_an_earlier_session_is_swept_too);
    tcase_add_test(tests, a_load_that_breaks_off_sweeps_nothing);
    tcase_add_test(tests, l112_after_the_hold_time_everything_goes);
    tcase_add_test(tests, a_return_in_time_stops_the_hold_timer);
    tcase_add_test(tests, a_restart_is_a_session_loss_that_keeps_the_data);
    tcase_add_test(tests, peers_and_families_that_are_not_configured_go);
    tcase_add_test(tests, l093_holds_for_what_still_waits);
    tcase_add_test(tests, heartbeats_come_on_time_and_meters_without_sequences);
    tcase_add_test(tests, l095_faults_are_counted_per_peer_and_kind);
    tcase_add_test(tests, l097_at_the_limit_what_was_given_before_stays);
    tcase_add_test(tests, a_full_disk_loses_nothing);
    tcase_add_test(tests, a_stop_writes_what_waits);
    tcase_add_loop_test(tests, random_histories_end_as_the_rules_say, 0, SEEDS);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
