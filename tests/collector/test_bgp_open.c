/* OPENs: capabilities, and the session that two of them make. */
#include "collector/bgp_open.h"
#include "lib/arena.h"
#include "update_text.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define FIXED "04 fde8 005a 0a000001 " // version, AS 65000, hold time 90, identifier

static bool parse(const char *body, struct bgp_open *open, struct error *err)
{
    struct arena *arena = arena_new();
    struct octets message = update_text_octets(arena_format(arena, "[01 %s]", body));
    bool ok = bgp_open_parse(message, open, err);

    update_text_free(message);
    arena_free(arena);
    return ok;
}

static struct bgp_open open_of(const char *body)
{
    struct bgp_open open;
    struct error err;

    ck_assert_msg(parse(body, &open, &err), "%s: %s", body, err.text);
    return open;
}

START_TEST(without_capabilities)
{
    struct bgp_open open = open_of(FIXED "()");

    ck_assert_uint_eq(open.asn, 65000);
    ck_assert_uint_eq(open.router_id, 0x0a000001);
    ck_assert_uint_eq(open.hold_time_s, 90);
    ck_assert(open.families[STATE_IPV4_UNICAST] && !open.families[STATE_IPV6_UNICAST]);
    ck_assert(!open.four_octet_as && !open.restart.present && !open.damaged);
}
END_TEST

START_TEST(families)
{
    struct bgp_open open = open_of(FIXED "(02(01(0002 00 01) 01(4004 00 47)) 02(01(0019 00 41)))");

    ck_assert(!open.families[STATE_IPV4_UNICAST]);
    ck_assert(open.families[STATE_IPV6_UNICAST] && open.families[STATE_LINK_STATE]);
}
END_TEST

START_TEST(l123_four_octet_as)
{
    struct bgp_open open = open_of("04 5ba0 005a 0a000001 (02(41(00010000)))");

    ck_assert_uint_eq(open.asn, 65536);
    ck_assert(open.four_octet_as);
}
END_TEST

START_TEST(l111_the_last_graceful_restart_counts)
{
    struct bgp_open open = open_of(FIXED "(02(40(8078 0001 01 80) 40(403c 4004 47 00)))");

    ck_assert(open.restart.present && !open.restart.restarted && open.restart.notification);
    ck_assert_uint_eq(open.restart.time_s, 60);
    ck_assert(!open.restart.families[STATE_IPV4_UNICAST]);
    ck_assert(open.restart.families[STATE_LINK_STATE]);
    ck_assert(!open.restart.forwarding[STATE_LINK_STATE]);
}
END_TEST

START_TEST(l120_add_path)
{
    struct bgp_open open = open_of(FIXED "(02(45(0001 01 03 0002 01 07 0001 80 03)))");

    ck_assert_uint_eq(open.add_path[STATE_IPV4_UNICAST], 3);
    ck_assert_uint_eq(open.add_path[STATE_IPV6_UNICAST], 0); // 7 is ignored
    ck_assert(open.add_path_any[STATE_IPV6_UNICAST]);
}
END_TEST

START_TEST(extended_parameters)
{
    struct bgp_open open = open_of(FIXED "ff ff {02{41(00010000)}}"); // RFC 9072

    ck_assert_uint_eq(open.asn, 65536);
    ck_assert(!open.damaged);
}
END_TEST

static const struct {
    const char *parameters, *why;
} damages[] = {
    {"(02(41(000100)))", "capability 65 of three octets"},
    {"(02(41 04 0001))", "a capability beyond its parameter"},
    {"(02 08 4104)", "a parameter beyond the parameters"},
    {"10 02(4104)", "parameters beyond the message"},
    {"(02(45(0001 01)))", "capability 69 with three octets"},
};

START_TEST(damaged_capabilities_are_left_out)
{
    struct bgp_open open;
    struct error err;
    char body[128];

    (void)snprintf(body, sizeof body, "%s%s", FIXED, damages[_i].parameters);
    ck_assert(parse(body, &open, &err));
    ck_assert_msg(open.damaged, "%s", damages[_i].why);
    ck_assert(!open.four_octet_as);
    ck_assert_uint_eq(open.asn, 65000);
    ck_assert(!open.add_path_any[STATE_IPV4_UNICAST]);
}
END_TEST

static const struct {
    const char *body, *text;
} refused[] = {
    {"04 fde8 005a 0a00", "OPEN: 26 octets; its fixed part has 29"},
    {"03 fde8 005a 0a000001 ()", "OPEN: BGP version 3; 4 expected"},
};

START_TEST(refused_opens)
{
    struct bgp_open open;
    struct error err;

    ck_assert(!parse(refused[_i].body, &open, &err));
    ck_assert_str_eq(err.text, refused[_i].text);
}
END_TEST

START_TEST(other_messages_are_refused)
{
    struct octets keepalive = update_text_octets("[04]");
    struct octets nothing = {.bytes = keepalive.bytes, .length = 18};
    struct bgp_open open;
    struct error err;

    ck_assert(!bgp_open_parse(keepalive, &open, &err));
    ck_assert_str_eq(err.text, "OPEN: a message of type 4; 1 expected");
    ck_assert(!bgp_open_parse(nothing, &open, &err));
    ck_assert_str_eq(err.text, "OPEN: 18 octets that are no BGP message");
    update_text_free(keepalive);
}
END_TEST

static const struct {
    const char *sender, *receiver;
    bool add_path, four_octet_as;
} sessions[] = {
    {"45(0001 01 02)", "45(0001 01 01)", true, false},
    {"45(0001 01 03)", "45(0001 01 03)", true, false},
    {"45(0001 01 01)", "45(0001 01 02)", false, false}, // the other way round
    {"45(0001 01 02)", "", false, false},
    {"41(0000fde8)", "41(0000fde8)", false, true},
    {"41(0000fde8)", "", false, false},
};

START_TEST(l120_l123_two_opens_make_a_session)
{
    char sender[128], receiver[128];

    (void)snprintf(sender, sizeof sender, "%s(02(%s))", FIXED, sessions[_i].sender);
    (void)snprintf(receiver, sizeof receiver, "%s(02(%s))", FIXED, sessions[_i].receiver);
    struct bgp_open from = open_of(sender), to = open_of(receiver);
    struct bgp_session session = bgp_open_session(&from, &to);
    ck_assert_int_eq(session.add_path[STATE_IPV4_UNICAST], sessions[_i].add_path);
    ck_assert_int_eq(session.four_octet_as, sessions[_i].four_octet_as);
    ck_assert(!session.external);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof *(table))

int main(void)
{
    Suite *suite = suite_create("bgp_open");
    TCase *tc = tcase_create("bgp_open");

    tcase_add_test(tc, without_capabilities);
    tcase_add_test(tc, families);
    tcase_add_test(tc, l123_four_octet_as);
    tcase_add_test(tc, l111_the_last_graceful_restart_counts);
    tcase_add_test(tc, l120_add_path);
    tcase_add_test(tc, extended_parameters);
    tcase_add_test(tc, other_messages_are_refused);
    tcase_add_loop_test(tc, damaged_capabilities_are_left_out, 0, ROWS(damages));
    tcase_add_loop_test(tc, refused_opens, 0, ROWS(refused));
    tcase_add_loop_test(tc, l120_l123_two_opens_make_a_session, 0, ROWS(sessions));
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
