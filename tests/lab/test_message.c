/* Messages against octets written down by hand from RFC 4271, 4760, 4724, 5492 and 6793. */
#include "fixture.h"
#include "message.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARKER "ffffffffffffffff ffffffffffffffff"

static const char yaml[] =
    "name: t\nas: 4200000000\nigp: isis-2\n"
    "routers:\n  - {name: a, ipv4: 10.0.0.1, ipv6: \"2001:db8::1\"}\n"
    "reflectors:\n"
    "  - {name: rr1, listen: \"127.0.0.1:1790\", router_id: 192.0.2.1, cluster_id: 192.0.2.9}\n"
    "  - {name: rr2, listen: \"127.0.0.1:1791\", router_id: 192.0.2.2, families: ipv4,\n"
    "     graceful_restart: 0, hold_time: 9, as: 64500}\n"
    "routes:\n"
    "  - {routers: a, prefixes: [198.51.100.0/24, \"2001:db8:1::/48\"], as_path: [64511, "
    "4200000001],\n"
    "     communities: [\"64500:100\", \"65535:65281\"], med: 7, origin: egp, local_pref: 200}\n"
    "  - {routers: a, prefixes: 203.0.113.0/24, next_hop_ipv4: 192.0.2.77}\n";

START_TEST(an_open_says_what_the_reflector_can)
{
    struct scenario *scenario = fixture_load(yaml);
    struct wire wire = {0};

    message_open(&scenario->reflectors[0], &wire);
    fixture_expect(&wire, MARKER "0049 01 04 5ba0 005a c0000201 2c  02 2a"
                                 "01 04 4004 00 47  01 04 0001 00 01  01 04 0002 00 01  02 00"
                                 "41 04 fa56ea00  40 0e 0078 4004 47 80 0001 01 80 0002 01 80");
    message_open(&scenario->reflectors[1], &wire);
    fixture_expect(&wire, MARKER "002d 01 04 fbf4 0009 c0000202 10  02 0e"
                                 "01 04 0001 00 01  02 00  41 04 0000fbf4");
    scenario_free(scenario);
}
END_TEST

START_TEST(small_messages_are_as_drawn)
{
    struct wire wire = {0};

    message_keepalive(&wire);
    fixture_expect(&wire, MARKER "0013 04");
    message_notification(NOTIFY_CEASE_RESET, &wire);
    fixture_expect(&wire, MARKER "0015 03 0604");
    message_refresh(FAMILY_LS, REFRESH_BEGINS, &wire);
    fixture_expect(&wire, MARKER "0017 05 4004 01 47");
    message_of(MESSAGE_UPDATE, (const uint8_t[]){0, 0, 0, 0}, 4, &wire);
    fixture_expect(&wire, MARKER "0017 02 0000 0000");
}
END_TEST

START_TEST(l110_end_of_rib_withdraws_nothing)
{
    const struct reflector plain = {0};
    const struct reflector longer = {.form.long_lengths = true};
    struct wire wire = {0};

    message_end_of_rib(&longer, FAMILY_LS, &wire);
    fixture_expect(&wire, MARKER "001e 02 0000 0007 90 0f 0003 4004 47");
    message_end_of_rib(&plain, FAMILY_LS, &wire);
    fixture_expect(&wire, MARKER "001d 02 0000 0006 80 0f 03 4004 47");
    message_end_of_rib(&plain, FAMILY_IPV4, &wire);
    fixture_expect(&wire, MARKER "0017 02 0000 0000");
    message_end_of_rib(&plain, FAMILY_IPV6, &wire);
    fixture_expect(&wire, MARKER "001d 02 0000 0006 80 0f 03 0002 01");
}
END_TEST

static size_t octets_of(const char *hex, uint8_t *out)
{
    size_t count = 0;

    for (; *hex; hex++) {
        unsigned digit = (unsigned)(*hex <= '9' ? *hex - '0' : *hex - 'a' + 10);
        unsigned high = out[count / 2];

        if (*hex == ' ')
            continue;
        out[count / 2] = (uint8_t)(high << 4 | digit);
        count++;
    }
    return count / 2;
}

static const char good_open[] = "04 fbf4 005a 0a090909 16 02 14 01 04 4004 00 47 41 04 0000fbf4"
                                "45 04 0001 01 01 02 00";

START_TEST(an_open_is_read)
{
    uint8_t body[64] = {0};
    size_t length = octets_of(good_open, body);
    struct open open;
    struct error err;
    unsigned notify;

    ck_assert_msg(message_parse_open(body, length, &open, &notify, &err), "%s", err.text);
    ck_assert_uint_eq(open.as, 64500);
    ck_assert_uint_eq(open.hold_time_s, 90);
    ck_assert(open.families[FAMILY_LS] && !open.families[FAMILY_IPV4]);
    for (size_t cut = 0; cut < length; cut++)
        ck_assert(!message_parse_open(body, cut, &open, &notify, &err));
}
END_TEST

static const struct {
    const char *hex, *text;
    unsigned notify;
} bad_opens[] = {
    {"03 fbf4 005a 0a090909 06 02 04 41 04 0000fbf4", "OPEN: lengths that do not nest",
     NOTIFY_OPEN_MALFORMED}, // a capability longer than its parameter
    {"03 fbf4 005a 0a090909 08 02 06 41 04 0000fbf4", "OPEN: version 3; 4 expected",
     NOTIFY_OPEN_VERSION},
    {"04 fbf4 0002 0a090909 08 02 06 41 04 0000fbf4",
     "OPEN: hold time 2; 0, or at least 3 expected", NOTIFY_OPEN_HOLD_TIME},
    {"04 fbf4 005a 0a090909 00 00", "OPEN: lengths that do not nest", NOTIFY_OPEN_MALFORMED},
};

START_TEST(a_bad_open_is_answered_with_its_fault)
{
    uint8_t body[64] = {0};
    size_t length = octets_of(bad_opens[_i].hex, body);
    struct open open;
    struct error err;
    unsigned notify;

    ck_assert(!message_parse_open(body, length, &open, &notify, &err));
    ck_assert_str_eq(err.text, bad_opens[_i].text);
    ck_assert_uint_eq(notify, bad_opens[_i].notify);
}
END_TEST

/* L-120: what matters is that the peer receives; of several capabilities the last counts. */
START_TEST(who_takes_path_identifiers_says_so)
{
    static const struct {
        const char *value;
        bool ipv4, ls;
    } rows[] = {
        {"04 0001 01 01", true, false},
        {"04 0001 01 02", false, false},
        {"08 0001 01 03 4004 47 01", true, true},
        {"04 0001 01 04", false, false},
        {"08 0001 01 01 0001 01 02", false, false},
        {"03 0001 01", false, false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char hex[100];
        uint8_t body[64] = {0};
        struct open open;
        struct error err;
        unsigned notify;
        const unsigned length = (unsigned)(rows[i].value[1] - '0');

        (void)snprintf(hex, sizeof hex, "04 fbf4 005a 0a090909 %02x 02 %02x 45 %s", length + 4,
                       length + 2, rows[i].value);
        ck_assert(message_parse_open(body, octets_of(hex, body), &open, &notify, &err));
        ck_assert_msg(open.takes_path_ids[FAMILY_IPV4] == rows[i].ipv4, "%s", rows[i].value);
        ck_assert_msg(open.takes_path_ids[FAMILY_LS] == rows[i].ls, "%s", rows[i].value);
    }
}
END_TEST

START_TEST(an_unwanted_peer_is_told_why)
{
    struct reflector reflector = {.as = 64500, .peer_as = 64500};
    struct open open = {.as = 64500, .has_as4 = true, .families = {true, true, true}};
    struct error err;
    unsigned notify;

    ck_assert(message_is_acceptable(&reflector, &open, &notify, &err));
    reflector.peer_as = 4200000000;
    ck_assert(!message_is_acceptable(&reflector, &open, &notify, &err));
    ck_assert_str_eq(err.text, "OPEN: AS 64500; 4200000000 expected");
    ck_assert_uint_eq(notify, NOTIFY_OPEN_PEER_AS);
    open = (struct open){.as = 23456, .families = {true, true, true}};
    ck_assert(!message_is_acceptable(&reflector, &open, &notify, &err));
    ck_assert_str_eq(err.text, "OPEN: no capability 65; 4-octet AS numbers (RFC 6793) expected");
    ck_assert_uint_eq(notify, NOTIFY_OPEN_CAPABILITY);
    reflector.two_octet_as = true;
    ck_assert(message_is_acceptable(&reflector, &open, &notify, &err));
    reflector.add_path[FAMILY_IPV6] = 2;
    ck_assert(!message_is_acceptable(&reflector, &open, &notify, &err));
    ck_assert_str_eq(err.text,
                     "OPEN: no path identifiers for ipv6; capability 69 (RFC 7911) expected");
    open.takes_path_ids[FAMILY_IPV6] = true;
    ck_assert(message_is_acceptable(&reflector, &open, &notify, &err));
}
END_TEST

START_TEST(an_open_has_what_the_file_asks_for)
{
    struct scenario *scenario = fixture_load(
        "name: t\nas: 64500\nigp: isis-2\nrouters:\n  - {name: a, ipv4: 10.0.0.1}\n"
        "reflectors:\n"
        "  - {name: r, listen: \"[::1]:1\", router_id: 192.0.2.1, families: [ls, ipv4], as: "
        "70000,\n"
        "     add_path: {ipv4: 4, ls: 1}, forwarding: ls, notification_restart: true,\n"
        "     graceful_restart: 4095, long_lived: 16777215, enhanced_refresh: true,\n"
        "     updates: {ipv6_next_hop: true}, capabilities: \"99 0102, 100\"}\n"
        "  - {name: s, listen: \"[::1]:2\", router_id: 192.0.2.2, families: ls, as: 70000,\n"
        "     two_octet_as: true, graceful_restart: 0}\n");
    struct wire wire = {0};

    scenario->reflectors[0].restarting = true;
    message_open(&scenario->reflectors[0], &wire);
    fixture_expect(&wire, MARKER "0069 01 04 5ba0 005a c0000201 4c 02 4a"
                                 "01 04 4004 00 47  01 04 0001 00 01  02 00"
                                 "05 06 0001 0001 0002  41 04 00011170"
                                 "40 0a cfff 4004 47 80 0001 01 00"
                                 "45 08 4004 47 02 0001 01 02  46 00"
                                 "47 0e 4004 47 80 ffffff 0001 01 00 ffffff"
                                 "63 02 0102  64 00");
    message_open(&scenario->reflectors[1], &wire);
    fixture_expect(&wire, MARKER "0027 01 04 5ba0 005a c0000202 0a 02 08 01 04 4004 00 47 02 00");
    scenario_free(scenario);
}
END_TEST

START_TEST(a_refresh_names_a_family)
{
    ck_assert_int_eq(message_parse_refresh((const uint8_t *)"\x40\x04\x00\x47", 4), FAMILY_LS);
    ck_assert_int_eq(message_parse_refresh((const uint8_t *)"\x00\x02\x00\x01", 4), FAMILY_IPV6);
    ck_assert_int_eq(message_parse_refresh((const uint8_t *)"\x00\x02\x00\x02", 4), FAMILIES);
    ck_assert_int_eq(message_parse_refresh((const uint8_t *)"\x00\x01\x00", 3), FAMILIES);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lab message");
    TCase *cases = tcase_create("cases");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, cases);
    tcase_add_test(cases, an_open_says_what_the_reflector_can);
    tcase_add_test(cases, small_messages_are_as_drawn);
    tcase_add_test(cases, l110_end_of_rib_withdraws_nothing);
    tcase_add_test(cases, an_open_is_read);
    tcase_add_loop_test(cases, a_bad_open_is_answered_with_its_fault, 0,
                        sizeof bad_opens / sizeof *bad_opens);
    tcase_add_test(cases, who_takes_path_identifiers_says_so);
    tcase_add_test(cases, an_unwanted_peer_is_told_why);
    tcase_add_test(cases, an_open_has_what_the_file_asks_for);
    tcase_add_test(cases, a_refresh_names_a_family);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
