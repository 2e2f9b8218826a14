/* Messages against octets written down by hand from RFC 4271, 4760, 4724, 5492 and 6793. */
#include "fixture.h"
#include "message.h"

#include <check.h>
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
}
END_TEST

START_TEST(l110_end_of_rib_withdraws_nothing)
{
    struct wire wire = {0};

    message_end_of_rib(FAMILY_LS, &wire);
    fixture_expect(&wire, MARKER "001d 02 0000 0006 80 0f 03 4004 47");
    message_end_of_rib(FAMILY_IPV4, &wire);
    fixture_expect(&wire, MARKER "0017 02 0000 0000");
    message_end_of_rib(FAMILY_IPV6, &wire);
    fixture_expect(&wire, MARKER "001d 02 0000 0006 80 0f 03 0002 01");
}
END_TEST

#define FIRST_PATH "40 01 01 01  40 02 0a 02 02 0000fbff fa56ea01"
#define FIRST_REST                                                                                 \
    "80 04 04 00000007  40 05 04 000000c8  c0 08 08 fbf40064 ffffff01"                             \
    "80 09 04 0a000001  80 0a 04 c0000209"

START_TEST(a_reflected_route_has_originator_and_cluster)
{
    struct scenario *scenario = fixture_load(yaml);
    const struct reflector *reflector = &scenario->reflectors[0];
    struct wire wire = {0};

    message_path_attributes(scenario, reflector, &scenario->paths[0], FAMILY_IPV4, &wire);
    fixture_expect(&wire, FIRST_PATH "40 03 04 0a000001" FIRST_REST);
    message_path_attributes(scenario, reflector, &scenario->paths[0], FAMILY_IPV6, &wire);
    fixture_expect(&wire, FIRST_PATH FIRST_REST);
    message_path_attributes(scenario, reflector, &scenario->paths[1], FAMILY_IPV4, &wire);
    fixture_expect(&wire, "40 01 01 00  40 02 00  40 03 04 c000024d  40 05 04 00000064"
                          "80 09 04 0a000001  80 0a 04 c0000209");
    scenario_free(scenario);
}
END_TEST

START_TEST(link_state_attributes_end_with_attribute_29)
{
    struct wire contents = {0}, wire = {0};
    uint8_t long_value[300] = {0};

    wire_put(&contents, 0x04470003, 4);
    wire_put(&contents, 10, 3);
    message_link_state_attributes(&contents, &wire);
    fixture_expect(&wire, "40 01 01 00  40 02 00  40 05 04 00000064  80 1d 07 0447 0003 00000a");
    contents.length = 0;
    wire_put_bytes(&contents, long_value, sizeof long_value);
    message_link_state_attributes(&contents, &wire);
    ck_assert_uint_eq(wire.length, 14 + 4 + 300);
    ck_assert_mem_eq(wire.bytes + 14, "\x90\x1d\x01\x2c", 4); // a length of two octets
    wire_free(&wire);
    wire_free(&contents);
}
END_TEST

static struct net net_of(const char *text)
{
    struct net net = {0};

    ck_assert(strchr(text, '/') ? net_parse_prefix(text, &net) : net_parse_address(text, &net));
    return net;
}

/* Two prefixes in each family, announced with the attributes 40 01 01 00, or withdrawn. */
static const struct {
    enum family family;
    bool announced;
    const char *prefixes[2], *expected;
} packed[] = {
    {FAMILY_IPV4,
     true,
     {"198.51.100.0/24", "10.0.0.0/9"},
     MARKER "0022 02 0000 0004 40010100 18 c63364 09 0a00"},
    {FAMILY_IPV4, false, {"198.51.100.0/24", "0.0.0.0/0"}, MARKER "001c 02 0005 18 c63364 00 0000"},
    {FAMILY_IPV6,
     true,
     {"2001:db8::/32", "::/0"},
     MARKER "003a 02 0000 0023 90 0e 001b 0002 01 10 20010db8000000000000000000000009 00"
            "20 20010db8 00 40010100"},
    {FAMILY_IPV6,
     false,
     {"2001:db8::/32", "2001:db8:8000::/33"},
     MARKER "0029 02 0000 0012 90 0f 000e 0002 01 20 20010db8 21 20010db880"},
};

START_TEST(a_packed_message_is_as_drawn)
{
    const struct net next_hop = net_of("2001:db8::9");
    struct wire attributes = {0}, wire = {0};
    struct packer packer = packer_begin(&wire, packed[_i].family,
                                        packed[_i].announced ? &attributes : NULL, &next_hop);

    wire_put(&attributes, 0x40010100, 4);
    for (size_t i = 0; i < 2; i++) {
        struct net net = net_of(packed[_i].prefixes[i]);

        packer_add_net(&packer, &net);
    }
    packer_end(&packer);
    fixture_expect(&wire, packed[_i].expected);
    wire_free(&attributes);
}
END_TEST

/* Whatever is packed, no message exceeds 4,096 octets, none but the last has room for one more, and
 * together they hold every prefix once. */
START_TEST(messages_are_filled_but_never_too_long)
{
    const enum family family = _i % 2 ? FAMILY_IPV6 : FAMILY_IPV4;
    const bool announced = _i / 2 % 2;
    const struct net pool = net_of(family == FAMILY_IPV4 ? "10.0.0.0/8" : "2001:db8::/32");
    const struct net next_hop = net_of("2001:db8::9");
    const unsigned length_bits = family == FAMILY_IPV4 ? 24 : 64;
    const size_t nlri = 1 + length_bits / 8, count = 5000;
    struct wire attributes = {0}, wire = {0};
    struct packer packer = packer_begin(&wire, family, announced ? &attributes : NULL, &next_hop);

    for (int i = 0; i < 10 + _i; i++)
        wire_put(&attributes, 0x40010100, 4);
    for (size_t i = 0; i < count; i++) {
        struct net net;

        ck_assert(net_nth(&pool, length_bits, i, &net));
        packer_add_net(&packer, &net);
    }
    packer_end(&packer);
    size_t overhead = MESSAGE_HEADER + 4 + (announced ? attributes.length : 0), left = count;

    if (family == FAMILY_IPV6)
        overhead += announced ? 4 + 3 + 1 + 16 + 1 : 4 + 3;
    for (size_t at = 0; at < wire.length;) {
        size_t length = (size_t)(wire.bytes[at + 16] << 8 | wire.bytes[at + 17]);

        ck_assert_uint_le(length, MESSAGE_LIMIT);
        ck_assert_uint_eq((length - overhead) % nlri, 0);
        left -= (length - overhead) / nlri;
        if (left)
            ck_assert_uint_gt(length + nlri, MESSAGE_LIMIT);
        at += length;
    }
    ck_assert_uint_eq(left, 0);
    wire_free(&attributes);
    wire_free(&wire);
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
    {"04 fbf4 005a 0a090909 00", "OPEN: no capability 65; 4-octet AS numbers (RFC 6793) expected",
     NOTIFY_OPEN_CAPABILITY},
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
    tcase_add_test(cases, a_reflected_route_has_originator_and_cluster);
    tcase_add_test(cases, link_state_attributes_end_with_attribute_29);
    tcase_add_loop_test(cases, a_packed_message_is_as_drawn, 0, sizeof packed / sizeof *packed);
    tcase_add_loop_test(cases, messages_are_filled_but_never_too_long, 0, 40);
    tcase_add_test(cases, an_open_is_read);
    tcase_add_loop_test(cases, a_bad_open_is_answered_with_its_fault, 0,
                        sizeof bad_opens / sizeof *bad_opens);
    tcase_add_test(cases, a_refresh_names_a_family);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
