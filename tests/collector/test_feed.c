/* feed: who is let in, when a session comes and goes, when a load is complete. Each test is a story told with a
 * clock of its own; what was passed on stands in one line of words. */
#include "collector/feed.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const int64_t second_us = 1000000, assume_us = 30000000;

/* What the feed said, to the sink in lower case, to the doors in capitals. */
static struct {
    char text[4096];
    int64_t now_us;
    bool refuses; // what the speaker says of sessions that BMP tells
    struct feed *feed;
    struct bmp_handler bmp;
    struct log log;
} t;

static const struct bmp_router router = {
    .address = {4, 32, {127, 0, 0, 1}}, .port = 4000, .name = "r"};
static const struct bmp_router other = {
    .address = {4, 32, {127, 0, 0, 1}}, .port = 4001, .name = "r"};

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
    size_t used = strlen(t.text);
    va_list args;

    va_start(args, format);
    (void)vsnprintf(t.text + used, sizeof t.text - used, format, args);
    va_end(args);
}

/* What was said since the last call. */
#define SAID(expected)                                                                             \
    do {                                                                                           \
        ck_assert_str_eq(t.text, expected);                                                        \
        t.text[0] = '\0';                                                                          \
    } while (0)

static void take(void *context, const struct update *update)
{
    static const char *const kinds[] = {
        [UPDATE_ROUTE] = "route",   [UPDATE_ROUTE_GONE] = "gone", [UPDATE_NODE] = "node",
        [UPDATE_OPAQUE] = "opaque", [UPDATE_LS_GONE] = "ls-gone", [UPDATE_FAULT] = "fault",
    };
    const bool *families = update->up.families;

    (void)context;
    switch (update->kind) {
    case UPDATE_PEER_UP:
        say("up%d:%s%s%s ", (int)update->peer_id, families[0] ? "4" : "", families[1] ? "6" : "",
            families[2] ? "L" : "");
        break;
    case UPDATE_PEER_DOWN:
        say("down%d(%s) ", (int)update->peer_id, update->reason);
        break;
    case UPDATE_END_OF_RIB:
        say("%s%d:%s ", update->end_of_rib.assumed ? "assumed" : "end", (int)update->peer_id,
            (const char *[]){"4", "6", "L"}[update->end_of_rib.family]);
        break;
    default:
        say("%s%d ", kinds[update->kind], (int)update->peer_id);
    }
}

static void heard_link_state(void *context, size_t index)
{
    (void)context;
    (void)
        index; // each opaque, node and ls-gone of the story; said once here would only repeat them
}

static bool admits(void *context, size_t index)
{
    (void)context;
    (void)index;
    return !t.refuses;
}

static void renew(void *context, size_t index)
{
    (void)context;
    say("RENEW%zu ", index);
}

static void lost_station(void *context)
{
    (void)context;
    say("LOST ");
}

static void begin_routes(void *context, int64_t peer_id, const struct prefix *address,
                         enum state_family family)
{
    (void)context;
    (void)address;
    say("BEGIN%d:%d ", (int)peer_id, (int)family);
}

static void end_routes(void *context, int64_t peer_id, enum state_family family)
{
    (void)context;
    say("END%d:%d ", (int)peer_id, (int)family);
}

static int64_t clock_us(void *context)
{
    (void)context;
    return t.now_us;
}

static struct feed_neighbour neighbour(int number, const char *name, enum state_source unicast)
{
    return (struct feed_neighbour){
        .name = name,
        .address = {4, 32, {192, 0, 2, (uint8_t)number}},
        .peer_id = number,
        .families = {true, true, true},
        .sources = {unicast, unicast, SOURCE_BMP},
    };
}

/* 1: all by BMP. 2: unicast by gRPC. 3: IPv4 by gRPC and nothing else. */
static void set_three(void)
{
    struct feed_neighbour list[] = {
        neighbour(1, "one", SOURCE_BMP),
        neighbour(2, "two", SOURCE_GRPC),
        neighbour(3, "three", SOURCE_GRPC),
    };

    list[2].families[STATE_IPV6_UNICAST] = list[2].families[STATE_LINK_STATE] = false;
    feed_set_neighbours(t.feed, list, 3);
}

static void begin(int64_t assume_end_of_rib_us)
{
    memset(&t, 0, sizeof t);
    t.log = (struct log){LEVEL_DEBUG, -1, false};
    t.now_us = 1000 * second_us;
    t.feed = feed_new(&(struct feed_options){
        .log = &t.log,
        .sink = {NULL, take},
        .doors = {NULL, heard_link_state, admits, renew, lost_station, begin_routes, end_routes},
        .assume_end_of_rib_us = assume_end_of_rib_us,
        .steady_us = clock_us,
    });
    t.bmp = feed_bmp_handler(t.feed);
    set_three();
}

static void setup(void)
{
    begin(assume_us);
}

static void teardown(void)
{
    feed_free(t.feed);
}

static struct bmp_peer peer(int number)
{
    return (struct bmp_peer){
        .type = BMP_GLOBAL,
        .address = {4, 32, {192, 0, 2, (uint8_t)number}},
        .asn = 64500,
        .router_id = 0x0a000001,
        .has_open = true,
        .sent = {.families = {true, true, true}},
        .received = {.families = {true, true, true}},
    };
}

static struct bmp_wanted bmp_up(const struct bmp_router *from, int number)
{
    struct bmp_peer who = peer(number);

    return t.bmp.on_peer_up(t.bmp.context, from, &who);
}

static void bmp_down(const struct bmp_router *from, int number, enum bmp_down down)
{
    struct bmp_peer who = peer(number);

    t.bmp.on_peer_down(t.bmp.context, from, &who, number, down, "because");
}

static struct update route_update(int number, enum update_kind kind, const char *prefix)
{
    static struct route route;

    ck_assert(prefix_parse(prefix, &route.prefix));
    route.peer_id = number;
    return (struct update){.kind = kind, .peer_id = number, .route = &route};
}

static void bmp_route(int number, const char *prefix)
{
    struct update update = route_update(number, UPDATE_ROUTE, prefix);

    t.bmp.sink.take(t.bmp.sink.context, &update);
}

static void bmp_route_gone(int number, const char *prefix)
{
    struct update update = route_update(number, UPDATE_ROUTE_GONE, prefix);

    t.bmp.sink.take(t.bmp.sink.context, &update);
}

static void bmp_link_state(int number, const char *nlri)
{
    struct update update = {.kind = UPDATE_OPAQUE,
                            .peer_id = number,
                            .ls = {.nlri = {(const uint8_t *)nlri, strlen(nlri)}}};

    t.bmp.sink.take(t.bmp.sink.context, &update);
}

static void bmp_end_of_rib(int number, enum state_family family)
{
    struct update update = {
        .kind = UPDATE_END_OF_RIB, .peer_id = number, .end_of_rib = {.family = family}};

    t.bmp.sink.take(t.bmp.sink.context, &update);
}

/* The speaker's poll, asked for now. received: of each family; -1: without the flag. */
static void poll_up(int number, int ipv4, int ipv6, int link_state)
{
    int received[] = {ipv4, ipv6, link_state};
    struct speaker_peer told = {
        .index = (size_t)number - 1,
        .name = "x",
        .asn = 64500,
        .router_id = {4, 32, {10, 0, 0, 1}},
        .up = true,
        .session = SESSION_ESTABLISHED,
        .last_error = "",
        .asked_us = t.now_us,
    };

    for (int i = 0; i < STATE_FAMILIES; i++) {
        told.families[i].end_of_rib = received[i] >= 0;
        told.families[i].received = received[i] < 0 ? 0 : (uint64_t)received[i];
    }
    feed_speaker_peer(t.feed, &told);
}

static void poll_down(int number, const char *why)
{
    struct speaker_peer told = {.index = (size_t)number - 1, .name = "x", .last_error = why};

    feed_speaker_peer(t.feed, &told);
}

static void pass_time(int64_t microseconds)
{
    t.now_us += microseconds;
    feed_tick(t.feed);
}

START_TEST(lets_configured_neighbours_in)
{
    struct bmp_wanted wanted = bmp_up(&router, 1);

    ck_assert_int_eq(wanted.peer_id, 1);
    ck_assert(wanted.families[0] && wanted.families[1] && wanted.families[2]);
    SAID("up1:46L ");
    ck_assert_int_eq(bmp_up(&router, 9).peer_id, -1); // not configured
    ck_assert_int_eq(bmp_up(&router, 3).peer_id, -1); // nothing of it comes by BMP
    struct bmp_peer loc_rib = peer(1);
    loc_rib.type = BMP_LOC_RIB;
    ck_assert_int_eq(t.bmp.on_peer_up(t.bmp.context, &router, &loc_rib).peer_id, -1); // L-136
    SAID("");
}
END_TEST

/* What was logged since the last call, from behind the first occurrence of a word. */
static const char *logged(const char *from)
{
    static char text[4096];
    ssize_t length = pread(t.log.fd, text, sizeof text - 1, 0);

    ck_assert_int_ge(length, 0);
    text[length] = '\0';
    ck_assert_int_eq(ftruncate(t.log.fd, 0), 0);
    ck_assert_int_eq(lseek(t.log.fd, 0, SEEK_SET), 0);
    const char *at = strstr(text, from);
    return at ? at : text;
}

/* A router's peers that nobody configured are told, not one by one. */
START_TEST(says_which_bmp_peers_are_not_used)
{
    static const struct bmp_router frr = {
        .address = {4, 32, {192, 0, 2, 99}}, .port = 4000, .name = "frr 1"};
    struct bmp_peer loc_rib = {.type = BMP_LOC_RIB, .asn = 64500};

    t.log.fd = memfd_create("log", MFD_CLOEXEC);
    ck_assert_int_ge(t.log.fd, 0);
    bmp_up(&router, 1);
    (void)logged("");
    feed_tick(t.feed);
    ck_assert_str_eq(logged(""), "");
    bmp_up(&frr, 9);
    bmp_up(&frr, 10);
    feed_tick(t.feed);
    ck_assert_str_eq(logged("warning: "),
                     "warning: peers that BMP tells of are not used: count=2 router=192.0.2.99 "
                     "port=4000 name=\"frr 1\" peer=192.0.2.9 asn=64500 "
                     "reason=\"no configured neighbour has this address\"\n");
    feed_tick(t.feed);
    ck_assert_str_eq(logged(""), "");
    (void)t.bmp.on_peer_up(t.bmp.context, &frr, &loc_rib);
    feed_tick(t.feed);
    ck_assert_str_eq(logged("peer="),
                     "peer=none asn=64500 reason=\"it is no peer of the global instance\"\n");
    (void)close(t.log.fd);
}
END_TEST

START_TEST(l148_one_family_has_one_door)
{
    struct bmp_wanted wanted = bmp_up(&router, 2);

    ck_assert(!wanted.families[0] && !wanted.families[1] && wanted.families[2]);
    SAID("up2:46L BEGIN2:0 BEGIN2:1 ");
    bmp_route(2, "10.0.0.0/8"); // by the wrong door
    SAID("");
    struct update_sink grpc = feed_grpc_sink(t.feed);
    struct update route = route_update(2, UPDATE_ROUTE, "10.0.0.0/8");
    grpc.take(grpc.context, &route);
    feed_grpc_loaded(t.feed, 2, STATE_IPV4_UNICAST);
    feed_grpc_loaded(t.feed, 2, STATE_IPV4_UNICAST); // only the first is news
    SAID("route2 end2:4 ");
    struct update ls = {
        .kind = UPDATE_OPAQUE, .peer_id = 2, .ls = {.nlri = {(const uint8_t *)"x", 1}}};
    grpc.take(grpc.context, &ls);
    SAID("");
    bmp_down(&router, 2, BMP_DOWN_SESSION);
    SAID("END2:0 END2:1 down2(because) ");
}
END_TEST

START_TEST(only_negotiated_families_are_up)
{
    struct bmp_peer who = peer(1);

    who.received.families[STATE_IPV6_UNICAST] = false;
    (void)t.bmp.on_peer_up(t.bmp.context, &router, &who);
    SAID("up1:4L ");
    bmp_down(&router, 1, BMP_DOWN_SESSION);
    SAID("down1(because) ");
    who.has_open = false; // L-137: nothing is known, so everything may come
    (void)t.bmp.on_peer_up(t.bmp.context, &router, &who);
    SAID("up1:46L ");
}
END_TEST

START_TEST(l149_flag_and_count)
{
    (void)bmp_up(&router, 1);
    SAID("up1:46L ");
    pass_time(second_us);
    bmp_route(1, "10.0.0.0/8");
    bmp_route(1, "10.0.0.0/8"); // again: still one prefix
    SAID("route1 route1 ");
    poll_up(1, -1, -1, -1); // no flag yet
    pass_time(second_us);
    poll_up(1, 2, -1, -1);
    pass_time(second_us);
    SAID("");
    bmp_route(1, "11.0.0.0/8");
    SAID("route1 ");
    pass_time(1);
    SAID(""); // enough, but only just
    pass_time(second_us);
    SAID("end1:4 ");
    pass_time(second_us);
    SAID("");
}
END_TEST

START_TEST(l149_never_the_flag_alone)
{
    (void)bmp_up(&router, 1);
    pass_time(second_us);
    poll_up(1, 3, -1, -1);
    bmp_route(1, "10.0.0.0/8");
    bmp_route(1, "11.0.0.0/8");
    bmp_route(1, "12.0.0.0/8");
    bmp_route_gone(1, "12.0.0.0/8");
    SAID("up1:46L route1 route1 route1 gone1 ");
    for (int i = 0; i < 20; i++) { // a slow station: something comes every two seconds
        pass_time(2 * second_us);
        poll_up(1, 3, -1, -1);
        bmp_link_state(1, "x");
        t.text[0] = '\0';
        bmp_route(1, "10.0.0.0/8");
        SAID("route1 ");
    }
    pass_time(4 * second_us);
    SAID("");
    pass_time(second_us); // 5 s of silence
    SAID("end1:4 ");
}
END_TEST

START_TEST(l149_figures_of_an_older_poll_do_not_count)
{
    struct speaker_peer told = {.index = 0, .name = "x", .up = true, .last_error = ""};

    told.asked_us = t.now_us;
    told.families[STATE_IPV4_UNICAST].end_of_rib = true; // of the session before
    pass_time(1);
    (void)bmp_up(&router, 1);
    feed_speaker_peer(t.feed, &told);
    pass_time(10 * second_us);
    SAID("up1:46L ");
}
END_TEST

START_TEST(l114_assumes_the_end_of_a_silent_load)
{
    (void)bmp_up(&router, 1);
    pass_time(second_us);
    bmp_link_state(1, "x");
    SAID("up1:46L opaque1 ");
    poll_up(1, -1, -1, -1);
    pass_time(assume_us - second_us - 1);
    SAID("");
    pass_time(second_us);
    SAID("");
    pass_time(1); // counted from the last update of what is still being loaded
    SAID("assumed1:4 assumed1:6 assumed1:L ");
}
END_TEST

/* What a peer says that says link state once a second: nothing else may come of it. */
static void say_link_state_for(int seconds)
{
    for (int i = 0; i < seconds; i++) {
        bmp_link_state(1, "x");
        SAID("opaque1 ");
        pass_time(second_us);
    }
}

START_TEST(l114_a_family_waits_while_another_is_being_said)
{
    (void)bmp_up(&router, 1);
    SAID("up1:46L ");
    poll_up(1, -1, -1, -1);
    say_link_state_for(70); // longer than a silence that means an end
    pass_time(assume_us - 2 * second_us);
    SAID("");
    pass_time(second_us); // nothing more comes, of any family
    SAID("assumed1:4 assumed1:6 assumed1:L ");
}
END_TEST

START_TEST(l114_a_family_does_not_wait_for_ever)
{
    (void)bmp_up(&router, 1);
    SAID("up1:46L ");
    poll_up(1, -1, -1, -1);
    say_link_state_for(600); // and itself never falls silent
    SAID("assumed1:4 assumed1:6 assumed1:L ");
}
END_TEST

START_TEST(l114_who_configures_more_patience_has_it)
{
    teardown();
    begin(3600 * second_us);
    (void)bmp_up(&router, 1);
    SAID("up1:46L ");
    say_link_state_for(3599);
    SAID("");
    pass_time(second_us);
    SAID("assumed1:4 assumed1:6 assumed1:L ");
}
END_TEST

START_TEST(end_of_rib_by_bmp_counts_from_a_router_only)
{
    (void)bmp_up(&router, 1);
    bmp_end_of_rib(1, STATE_IPV4_UNICAST);
    SAID("up1:46L ");
    poll_up(1, -1, -1,
            -1); // gobgpd's neighbour: its own dump is complete, the neighbour's load is not
    pass_time(10 * second_us);
    SAID("");
    bmp_down(&router, 1, BMP_DOWN_SESSION);
    poll_down(1, "");
    (void)bmp_up(&router, 1); // the speaker does not know it: a router feeds us itself
    bmp_end_of_rib(1, STATE_IPV4_UNICAST);
    SAID("down1(because) up1:46L ");
    pass_time(2 * second_us);
    SAID("");
    pass_time(second_us);
    SAID("end1:4 ");
}
END_TEST

START_TEST(a_lost_connection_asks_for_another)
{
    (void)bmp_up(&router, 1);
    bmp_down(&router, 1, BMP_DOWN_CONNECTION);
    SAID("up1:46L down1(because) LOST ");
    bmp_route(1, "10.0.0.0/8"); // too late
    SAID("");
}
END_TEST

START_TEST(l144_a_session_that_is_older_than_the_station)
{
    t.refuses = true;
    ck_assert_int_eq(bmp_up(&router, 1).peer_id, -1);
    bmp_route(1, "10.0.0.0/8");
    SAID("down1(its session is made anew, to hear it from its beginning) ");
    t.refuses = false;
    ck_assert_int_eq(bmp_up(&router, 1).peer_id, 1);
    SAID("up1:46L ");
}
END_TEST

START_TEST(the_newest_connection_counts)
{
    (void)bmp_up(&router, 1);
    (void)bmp_up(&other, 1);
    SAID("up1:46L down1(told anew by BMP) up1:46L ");
    bmp_down(&router, 1, BMP_DOWN_CONNECTION); // the older one, found dead at last
    SAID("");
    bmp_down(&other, 1, BMP_DOWN_SESSION);
    SAID("down1(because) ");
}
END_TEST

START_TEST(says_once_why_a_neighbour_does_not_come_up)
{
    poll_down(1, "gobgpd refuses it: no");
    poll_down(1, "gobgpd refuses it: no");
    poll_down(1, "another reason");
    SAID("down1(gobgpd refuses it: no) down1(another reason) ");
    (void)bmp_up(&router, 1);
    poll_down(1, "the speaker is slower than BMP"); // whose word it is while BMP has it up
    SAID("up1:46L ");
}
END_TEST

START_TEST(the_speaker_tells_sessions_without_bmp)
{
    poll_up(3, -1, -1, -1);
    poll_up(3, -1, -1, -1);
    SAID("up3:4 BEGIN3:0 ");
    poll_down(3, "session ended (idle)");
    SAID("END3:0 down3(session ended (idle)) ");
}
END_TEST

START_TEST(a_new_configuration_leaves_the_same_alone)
{
    (void)bmp_up(&router, 1);
    (void)bmp_up(&router, 2);
    SAID("up1:46L up2:46L BEGIN2:0 BEGIN2:1 ");
    set_three();
    SAID("");
    bmp_route(1, "10.0.0.0/8");
    SAID("route1 ");
    // two gets another door, one is no longer configured
    struct feed_neighbour list[] = {neighbour(2, "two", SOURCE_BMP)};
    feed_set_neighbours(t.feed, list, 1);
    SAID("down1(its configuration was changed) END2:0 END2:1 down2(its configuration was changed) "
         "RENEW0 ");
    bmp_route(1, "10.0.0.0/8");
    SAID("");
    struct bmp_wanted wanted = bmp_up(&other, 2);
    ck_assert(wanted.families[0]);
    SAID("up2:46L ");
}
END_TEST

START_TEST(l134_a_second_connection_leaves_a_neighbour_of_gobgpd_alone)
{
    bmp_up(&router, 1);
    poll_up(1, -1, -1, -1);
    SAID("up1:46L ");
    ck_assert_int_eq(bmp_up(&other, 1).peer_id, -1);
    bmp_down(&other, 1, BMP_DOWN_CONNECTION);
    SAID("");
    bmp_down(&router, 1, BMP_DOWN_CONNECTION); // the other one may have been gobgpd's next
    SAID("down1(because) RENEW0 LOST ");
    ck_assert_int_eq(bmp_up(&other, 1).peer_id, 1);
    SAID("up1:46L ");
}
END_TEST

START_TEST(the_more_telling_reason_of_one_end_stands)
{
    static const bool bmp_first[] = {true, false};

    for (size_t i = 0; i < 2; i++) {
        bmp_up(&router, 1);
        poll_up(1, -1, -1, -1);
        SAID("up1:46L ");
        if (!bmp_first[i])
            poll_down(1, "session ended (idle)");
        bmp_down(&router, 1, BMP_DOWN_SESSION);
        SAID("down1(because) ");
        poll_down(1, "session ended (idle)");
        poll_down(1, "session ended (idle)");
        SAID("");
    }
    poll_down(1, "gobgpd refuses it");
    SAID("down1(gobgpd refuses it) ");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("feed");
    TCase *cases = tcase_create("feed");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, lets_configured_neighbours_in);
    tcase_add_test(cases, says_which_bmp_peers_are_not_used);
    tcase_add_test(cases, l148_one_family_has_one_door);
    tcase_add_test(cases, only_negotiated_families_are_up);
    tcase_add_test(cases, l149_flag_and_count);
    tcase_add_test(cases, l149_never_the_flag_alone);
    tcase_add_test(cases, l149_figures_of_an_older_poll_do_not_count);
    tcase_add_test(cases, l114_assumes_the_end_of_a_silent_load);
    tcase_add_test(cases, l114_a_family_waits_while_another_is_being_said);
    tcase_add_test(cases, l114_a_family_does_not_wait_for_ever);
    tcase_add_test(cases, l114_who_configures_more_patience_has_it);
    tcase_add_test(cases, end_of_rib_by_bmp_counts_from_a_router_only);
    tcase_add_test(cases, a_lost_connection_asks_for_another);
    tcase_add_test(cases, l144_a_session_that_is_older_than_the_station);
    tcase_add_test(cases, the_newest_connection_counts);
    tcase_add_test(cases, l134_a_second_connection_leaves_a_neighbour_of_gobgpd_alone);
    tcase_add_test(cases, the_more_telling_reason_of_one_end_stands);
    tcase_add_test(cases, says_once_why_a_neighbour_does_not_come_up);
    tcase_add_test(cases, the_speaker_tells_sessions_without_bmp);
    tcase_add_test(cases, a_new_configuration_leaves_the_same_alone);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
