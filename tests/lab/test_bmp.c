/* BMP: messages octet by octet, what a change makes a stream say, the section's mistakes, and AS numbers of two
 * octets. That tshark and the collector read it all is tested in tests/integration. */
#include "bmp_stream.h"
#include "fixture.h"
#include "open.h"
#include "two_octet_as.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD                                                                                       \
    "name: t\nas: 65537\nigp: isis-2\nloopbacks: {ipv4: 10.0.0.0/24}\n"                            \
    "routers: [{name: a}, {name: b, ipv6: \"2001:db8::b\"}]\n"                                     \
    "lans: [{name: l, designated: a, metric: 1, members: [a, b]}]\n"                               \
    "reflectors:\n"                                                                                \
    "  - {name: rr, listen: \"127.0.0.1:1790\", router_id: 10.0.0.9, families: ipv4}\n"            \
    "  - {name: old, as: 1, listen: \"127.0.0.1:1791\", router_id: 10.0.0.8, families: ipv4, "     \
    "two_octet_as: true}\n"                                                                        \
    "  - {name: many, listen: \"127.0.0.1:1792\", router_id: 10.0.0.7, families: ipv4, add_path: " \
    "{ipv4: 2}}\n"                                                                                 \
    "routes:\n"                                                                                    \
    "  - {routers: a, prefixes: 192.0.2.0/24, as_path: [64511, 70000]}\n"
// the section begins in line 13
#define BMP(keys) HEAD "bmp:\n  - {name: a, connect: \"127.0.0.1:11019\", " keys "}\n"
#define PEER(keys) BMP("peers: [{" keys "}]")

enum { TIME_S = 0x01020304, TIME_US = 5 };
#define NOW (TIME_S * UINT64_C(1000000) + TIME_US)
#define STAMP "01020304 00000005"
#define MARKER "ffffffffffffffffffffffffffffffff"
#define ZEROS "0000000000000000"
#define GLOBAL(flags, id) "00" flags ZEROS "00000000 00000000 00000000" id "00010001" id STAMP

static struct backbone *backbone;
static const struct bmp_router *router;

static void load(const char *yaml)
{
    backbone = backbone_new(fixture_load(yaml));
    router = &backbone_scenario(backbone)->bmp_routers[0];
}

static void teardown(void)
{
    backbone_free(backbone);
    backbone = NULL;
}

START_TEST(initiation_and_termination)
{
    struct wire wire = {0};

    load(BMP("sys_descr: d, text: [x, yz], peers: []"));
    bmp_write_initiation(router, &wire);
    fixture_expect(&wire, "03 0000001b 04 00010001 64 00020001 61 00000001 78 00000002 797a");
    bmp_write_termination(BMP_REDUNDANT, "w", &wire);
    fixture_expect(&wire, "03 00000011 05 00010002 0003 00000001 77");
}
END_TEST

START_TEST(peer_up_has_both_opens)
{
    struct wire wire = {0};

    load(PEER("reflector: rr, families: ipv4"));
    bmp_write_peer_up(router, &router->peers[0], NOW, &wire);
    fixture_expect(&wire, "03 0000009a 03" GLOBAL("00", "0a000009")                             //
                   "00000000 00000000 00000000 0a000001 c350 00b3"                              //
                   MARKER "002b 01 04 5ba0 005a 0a000001 0e 020c 0104 0001 00 01 4104 00010001" //
                   MARKER "002b 01 04 5ba0 005a 0a000009 0e 020c 0104 0001 00 01 4104 00010001");
}
END_TEST

START_TEST(loc_rib_has_no_address)
{
    struct wire wire = {0};

    load(PEER("loc_rib: rr, families: ipv4, filtered: true, distinguisher: 5, table_names: [t]"));
    bmp_write_peer_down(&router->peers[0], BMP_DOWN_LOCAL_SYSTEM, 0, NOW, &wire);
    fixture_expect(&wire, "03 00000036 02 03 80 0000000000000005" ZEROS ZEROS
                          "00010001 0a000001" STAMP "06 0003 0001 74");
}
END_TEST

static const struct {
    const char *yaml;
    enum bmp_view view;
    uint8_t type, flags;
} headers[] = {
    {PEER("reflector: rr"), BMP_PRE_POLICY, 0, 0x00},
    {PEER("reflector: rr, views: post-policy"), BMP_POST_POLICY, 0, 0x40},
    {PEER("reflector: rr, two_octet_as: true"), BMP_PRE_POLICY, 0, 0x20},
    {PEER("reflector: old"), BMP_PRE_POLICY, 0, 0x20},
    {PEER("loc_rib: rr"), BMP_PRE_POLICY, 3, 0x00},
    {HEAD "bmp:\n  - {name: b, listen: \"127.0.0.1:1\", peers: [{reflector: rr, address: "
          "\"2001:db8::9\"}]}\n",
     BMP_PRE_POLICY, 0, 0x80},
    {HEAD
     "bmp:\n  - {name: rr, listen: \"127.0.0.1:1\", peers: [{router: b, views: out-pre-policy}]}\n",
     BMP_OUT_PRE_POLICY, 0, 0x10},
    {HEAD "bmp:\n  - {name: rr, listen: \"127.0.0.1:1\", peers: [{router: b, views: "
          "out-post-policy}]}\n",
     BMP_OUT_POST_POLICY, 0, 0x50},
};

START_TEST(l131_flags_say_the_view)
{
    uint8_t header[BMP_PEER_HEADER];

    load(headers[_i].yaml);
    bmp_peer_header(&router->peers[0], headers[_i].view, NOW, header);
    ck_assert_uint_eq(header[0], headers[_i].type);
    ck_assert_uint_eq(header[1], headers[_i].flags);
}
END_TEST

static const struct {
    const char *text, *hex;
} distinguishers[] = {
    {"9", "0000000000000009"},
    {"64500:7", "0000fbf400000007"},
    {"192.0.2.1:7", "0001c00002010007"},
    {"65536:7", "0002000100000007"},
};

START_TEST(distinguishers_are_those_of_rfc_4364)
{
    struct wire wire = {0};
    char yaml[2000];

    (void)snprintf(yaml, sizeof yaml, "%s", PEER("reflector: rr, type: rd, distinguisher: \"@\""));
    char *at = strchr(yaml, '@'), rest[100];

    (void)snprintf(rest, sizeof rest, "%s", at + 1);
    (void)snprintf(at, sizeof yaml - (size_t)(at - yaml), "%s%s", distinguishers[_i].text, rest);
    load(yaml);
    wire_put_bytes(&wire, router->peers[0].distinguisher, 8);
    fixture_expect(&wire, distinguishers[_i].hex);
}
END_TEST

static const struct {
    enum bmp_down reason;
    unsigned code;
    const char *data;
} downs[] = {
    {BMP_DOWN_LOCAL_NOTIFICATION, 0x0602, "01" MARKER "0015 03 0602"},
    {BMP_DOWN_LOCAL_EVENT, 24, "02 0018"},
    {BMP_DOWN_REMOTE_NOTIFICATION, 0x0202, "03" MARKER "0015 03 0202"},
    {BMP_DOWN_REMOTE, 0, "04"},
    {BMP_DOWN_UNMONITORED, 0, "05"},
    {BMP_DOWN_LOCAL_SYSTEM, 0, "06"},
};

START_TEST(l134_each_reason_has_its_data)
{
    struct wire wire = {0}, data = {0};

    load(PEER("reflector: rr"));
    bmp_write_peer_down(&router->peers[0], downs[_i].reason, downs[_i].code, NOW, &wire);
    wire_put_bytes(&data, wire.bytes + BMP_COMMON_HEADER + BMP_PEER_HEADER,
                   wire.length - BMP_COMMON_HEADER - BMP_PEER_HEADER);
    wire_free(&wire);
    fixture_expect(&data, downs[_i].data);
}
END_TEST

START_TEST(statistics_are_gauges_in_all_and_by_family)
{
    const size_t routes[FAMILIES] = {[FAMILY_IPV4] = 3, [FAMILY_IPV6] = 4};
    struct wire wire = {0};

    load(PEER("reflector: rr, views: [pre-policy, post-policy], families: [ipv4, ipv6]"));
    bmp_write_statistics(&router->peers[0], routes, NOW, &wire);
    fixture_expect(&wire,
                   "03 0000005e 01" GLOBAL("00", "0a000009") "00000003"                           //
                                                             "0007 0008 0000000000000007"         //
                                                             "0009 000b 0001 01 0000000000000003" //
                                                             "0009 000b 0002 01 0000000000000004");
}
END_TEST

START_TEST(mirroring_says_what_happened)
{
    struct wire wire = {0};

    load(PEER("reflector: rr"));
    bmp_write_mirroring(&router->peers[0], 1, NULL, 0, NOW, &wire);
    fixture_expect(&wire, "03 00000036 06" GLOBAL("00", "0a000009") "0001 0002 0001");
    bmp_write_mirroring(&router->peers[0], 0, (const uint8_t[]){0xab}, 1, NOW, &wire);
    fixture_expect(&wire, "03 0000003b 06" GLOBAL("00", "0a000009") "0001 0002 0000 0000 0001 ab");
}
END_TEST

// ---- streams

/* Types of the messages in order, as digits. */
static void expect_types(struct bmp_stream *stream, const char *expected)
{
    struct wire wire = {0};
    char types[100] = "";
    size_t count = 0, pending = bmp_stream_pending(stream);

    while (bmp_stream_fill(stream, 1, &wire)) // one message at a time
        ;
    ck_assert_uint_eq(wire.length, pending);
    for (size_t at = 0; at < wire.length;) {
        types[count++] = (char)('0' + wire.bytes[at + 5]);
        at += (size_t)wire.bytes[at + 3] << 8 | wire.bytes[at + 4];
    }
    ck_assert_str_eq(types, expected);
    wire_free(&wire);
}

START_TEST(a_stream_begins_with_everything)
{
    load(BMP(
        "peers: [{reflector: rr, views: [pre-policy, post-policy], mirror: true}, {loc_rib: rr, "
        "end_of_rib: false}]"));
    struct bmp_stream *stream = bmp_stream_new(backbone, router);

    bmp_stream_begin(stream, NOW);
    // Initiation, two Peer Ups; table and End-of-RIB mirrored; both again post-policy; the Loc-RIB's table
    expect_types(stream, "433"
                         "6060"
                         "00"
                         "0");
    bmp_stream_free(stream);
}
END_TEST

START_TEST(a_change_goes_to_every_view_that_has_it)
{
    struct blob *updates[3 * FAMILIES];
    struct net prefix;

    load(BMP(
        "peers: [{reflector: rr}, {reflector: old, name: down}, {loc_rib: rr}, {reflector: old, "
        "families: ipv6, name: other}]"));
    struct bmp_stream *stream = bmp_stream_new(backbone, router);

    router->peers[1].down = true;
    ck_assert(net_parse_prefix("192.0.2.0/24", &prefix));
    struct error err;

    ck_assert(backbone_withdraw_prefix(backbone, &prefix, SIZE_MAX, true, &err));
    backbone_settle(backbone, updates);
    ck_assert_uint_eq(bmp_stream_update(stream, updates, NOW), 2);
    for (size_t i = 0; i < sizeof updates / sizeof *updates; i++)
        blob_unref(updates[i]);
    expect_types(stream, "00");
    bmp_stream_free(stream);
}
END_TEST

// ---- AS numbers of two octets

#define UPDATE(length, attributes_length, attributes, nlri)                                        \
    MARKER length "02 0000" attributes_length attributes nlri

static void narrow(const char *hex, const char *expected)
{
    struct wire from = {0}, to = {0};

    for (; *hex; hex++) {
        char pair[3] = {hex[0], hex[0] == ' ' ? '\0' : hex[1], '\0'};

        if (*hex == ' ')
            continue;
        wire_put(&from, strtoul(pair, NULL, 16), 1);
        hex++;
    }
    two_octet_as_write(from.bytes, from.length, &to);
    wire_free(&from);
    fixture_expect(&to, expected);
}

START_TEST(narrow_numbers_need_no_as4_path)
{
    narrow(UPDATE("0026", "000d", "400101 00 400206 0201 0000fbf4", "080a"),
           UPDATE("0024", "000b", "400101 00 400204 0201 fbf4", "080a"));
}
END_TEST

START_TEST(wide_numbers_go_into_as4_path)
{
    narrow(UPDATE("0026", "000d", "400101 00 400206 0201 00010000", "080a"),
           UPDATE("002d", "0014", "400101 00 400204 0201 5ba0 c01106 0201 00010000", "080a"));
}
END_TEST

START_TEST(what_is_no_update_stays)
{
    narrow(MARKER "0013 04", MARKER "0013 04");
    narrow(UPDATE("001d", "0006", "400206 0201 00", ""),
           UPDATE("001d", "0006", "400206 0201 00", ""));
}
END_TEST

/* An UPDATE that is as long as may be grows beyond it, and comes as two that have its NLRIs in order. */
START_TEST(what_grows_too_long_is_split)
{
    struct wire from = {0}, to = {0}, nlris = {0};
    const size_t prefixes = (4096 - 23 - 3 - 2 - 4 * 100) / 4;
    size_t at = 0;

    wire_put(&from, UINT64_MAX, 8);
    wire_put(&from, UINT64_MAX, 8);
    size_t length = 23 + 3 + 2 + 400 + 1 + 4 * prefixes;

    wire_put(&from, length, 2);
    wire_put(&from, 2, 1);
    wire_put(&from, 0, 2);
    wire_put(&from, 4 + 2 + 400, 2);
    wire_put(&from, 0x50020192, 4); // AS_PATH of 402 octets
    wire_put(&from, 0x0264, 2);     // 100 numbers
    for (unsigned i = 0; i < 100; i++)
        wire_put(&from, 70000 + i, 4);
    for (unsigned i = 0; i < prefixes; i++)
        wire_put(&from, 24u << 24 | i, 4);
    two_octet_as_write(from.bytes, from.length, &to);
    unsigned messages = 0;

    for (; at < to.length; messages++) {
        size_t whole = (size_t)(to.bytes[at + 16] << 8 | to.bytes[at + 17]);
        size_t attributes = (size_t)(to.bytes[at + 21] << 8 | to.bytes[at + 22]);

        ck_assert_uint_le(whole, 4096);
        wire_put_bytes(&nlris, to.bytes + at + 23 + attributes, whole - 23 - attributes);
        at += whole;
    }
    ck_assert_uint_eq(messages, 2);
    ck_assert_uint_eq(nlris.length, 4 * prefixes);
    ck_assert_mem_eq(nlris.bytes, from.bytes + from.length - 4 * prefixes, nlris.length);
    wire_free(&from);
    wire_free(&to);
    wire_free(&nlris);
}
END_TEST

// ---- OPENs

START_TEST(an_open_comes_back_as_it_was)
{
    struct open_facts facts = {
        .as = 70000, .hold_time_s = 90, .router_id = {1, 2, 3, 4}, .four_octet_as = true};
    struct open_facts back = {0};
    struct wire wire = {0};

    for (unsigned i = 1; i <= OPEN_FAMILY_LIMIT; i++)
        open_add_family(&facts, i, i)->add_path = ADD_PATH_SENDS;
    ck_assert_ptr_null(open_add_family(&facts, 99, 99));
    open_write(&facts, &wire);
    ck_assert(open_read(wire.bytes + 19, wire.length - 19, &back));
    ck_assert_mem_eq(&facts, &back, sizeof facts);
    for (size_t cut = 0; cut < wire.length - 19; cut++) {
        uint8_t *exact = malloc(cut ? cut : 1);

        ck_assert_ptr_nonnull(exact);
        memcpy(exact, wire.bytes + 19, cut);
        ck_assert(!open_read(exact, cut, &back));
        free(exact);
    }
    wire_free(&wire);
}
END_TEST

// ---- mistakes

static const struct {
    const char *yaml, *text;
} mistakes[] = {
    {HEAD "bmp: 5\n", "t.yaml:13:6: a list (lines that begin with \"-\") expected"},
    {HEAD "bmp:\n  - {name: z, connect: \"127.0.0.1:1\", peers: []}\n",
     "t.yaml:14:5: bmp \"z\": the name of a router or a reflector expected"},
    {HEAD "bmp:\n  - {name: l, connect: \"127.0.0.1:1\", peers: []}\n",
     "t.yaml:14:5: bmp \"l\": the name of a router or a reflector expected"},
    {HEAD "bmp:\n  - {name: a, peers: []}\n",
     "t.yaml:14:5: bmp \"a\": one of the keys connect and listen expected"},
    {HEAD "bmp:\n  - {name: a, listen: x, peers: []}\n",
     "t.yaml:14:23: \"x\"; ADDRESS:PORT such as 127.0.0.1:11019 expected"},
    {BMP("retry: 5, peers: []"), "t.yaml:14:50: retry: [FIRST, LONGEST] in seconds expected"},
    {BMP("retry: [5, 4], peers: []"),
     "t.yaml:14:54: retry: \"4\"; a number from 5 to 86400 expected"},
    {BMP("peers: []") "  - {name: a, listen: \"127.0.0.1:1\", peers: []}\n",
     "t.yaml:15:5: bmp \"a\" is given twice"},
    {PEER("name: x"), "t.yaml:14:51: one of the keys reflector, router and loc_rib expected"},
    {PEER("reflector: rr, loc_rib: rr"),
     "t.yaml:14:51: one of the keys reflector, router and loc_rib expected"},
    {PEER("reflector: b"), "t.yaml:14:63: \"b\"; the name of a reflector expected"},
    {PEER("router: l"), "t.yaml:14:60: \"l\" is a LAN; a router expected"},
    {PEER("reflector: rr, type: x"), "t.yaml:14:73: type: \"x\"; global, rd or local expected"},
    {PEER("loc_rib: rr, type: rd"), "t.yaml:14:71: type: of a loc_rib peer it is always 3"},
    {PEER("reflector: rr, distinguisher: \"1:\""),
     "t.yaml:14:82: distinguisher: \"1:\"; a number, AS:NUMBER or IPV4:NUMBER expected"},
    {PEER("reflector: rr, distinguisher: \"70000:65536\""),
     "t.yaml:14:82: distinguisher: \"70000:65536\"; a number, AS:NUMBER or IPV4:NUMBER expected"},
    {PEER("reflector: rr, views: x"),
     "t.yaml:14:74: \"x\"; pre-policy, post-policy, out-pre-policy or "
     "out-post-policy expected"},
    {PEER("loc_rib: rr, views: pre-policy"), "t.yaml:14:72: views: a loc_rib peer has none"},
    {PEER("reflector: rr, views: out-pre-policy"),
     "t.yaml:14:74: out-pre-policy: only a reflector has something to pass on"},
    {PEER("router: b, views: pre-policy"),
     "t.yaml:14:70: pre-policy: nothing is heard from a router; a view "
     "of Adj-RIB-Out expected"},
    {PEER("loc_rib: rr, address: 10.0.0.9"), "t.yaml:14:51: address: a loc_rib peer has none"},
    {PEER("reflector: rr, address: \"2001:db8::1\""),
     "t.yaml:14:51: address: router \"a\" has no IPv6 address"},
    {PEER("loc_rib: rr, two_octet_as: true"),
     "t.yaml:14:51: two_octet_as: Loc-RIB has 4-octet AS numbers (RFC 9069 4.2)"},
    {PEER("loc_rib: old"),
     "t.yaml:14:51: two_octet_as: Loc-RIB has 4-octet AS numbers (RFC 9069 4.2)"},
    {PEER("reflector: many, two_octet_as: true"),
     "t.yaml:14:51: two_octet_as: a reflector without path identifiers expected"},
    {PEER("reflector: rr, filtered: true"), "t.yaml:14:51: filtered: of a loc_rib peer only"},
    {BMP("peers: [{reflector: rr}, {reflector: rr}]"),
     "t.yaml:14:68: peer \"rr\" is given twice; another name expected"},
};

START_TEST(a_mistake_is_named_with_its_place)
{
    struct error err = {0};
    struct scenario *scenario = fixture_try(mistakes[_i].yaml, &err);

    ck_assert_ptr_null(scenario);
    ck_assert_str_eq(err.text, mistakes[_i].text);
}
END_TEST

START_TEST(a_station_can_be_elsewhere)
{
    struct error err;

    load(BMP("peers: []"));
    struct scenario *scenario = backbone_scenario(backbone);

    ck_assert(scenario_move_bmp_router(scenario, "a=[::1]:7", &err));
    ck_assert_uint_eq(router->port, 7);
    ck_assert_uint_eq(router->address.family, 6);
    ck_assert(!scenario_move_bmp_router(scenario, "a=7", &err));
    ck_assert_str_eq(err.text, "a: \"7\"; ADDRESS:PORT expected");
    ck_assert(!scenario_move_bmp_router(scenario, "b=127.0.0.1:7", &err));
    ck_assert_str_eq(err.text, "\"b=127.0.0.1:7\"; ROUTER=ADDRESS:PORT of a bmp item expected");
}
END_TEST

#define COUNT(rows) ((int)(sizeof(rows) / sizeof *(rows)))

int main(void)
{
    Suite *suite = suite_create("lab bmp");
    TCase *cases = tcase_create("cases");

    tcase_add_checked_fixture(cases, NULL, teardown);
    tcase_add_test(cases, initiation_and_termination);
    tcase_add_test(cases, peer_up_has_both_opens);
    tcase_add_test(cases, loc_rib_has_no_address);
    tcase_add_loop_test(cases, l131_flags_say_the_view, 0, COUNT(headers));
    tcase_add_loop_test(cases, distinguishers_are_those_of_rfc_4364, 0, COUNT(distinguishers));
    tcase_add_loop_test(cases, l134_each_reason_has_its_data, 0, COUNT(downs));
    tcase_add_test(cases, statistics_are_gauges_in_all_and_by_family);
    tcase_add_test(cases, mirroring_says_what_happened);
    tcase_add_test(cases, a_stream_begins_with_everything);
    tcase_add_test(cases, a_change_goes_to_every_view_that_has_it);
    tcase_add_test(cases, narrow_numbers_need_no_as4_path);
    tcase_add_test(cases, wide_numbers_go_into_as4_path);
    tcase_add_test(cases, what_is_no_update_stays);
    tcase_add_test(cases, what_grows_too_long_is_split);
    tcase_add_test(cases, an_open_comes_back_as_it_was);
    tcase_add_loop_test(cases, a_mistake_is_named_with_its_place, 0, COUNT(mistakes));
    tcase_add_test(cases, a_station_can_be_elsewhere);
    suite_add_tcase(suite, cases);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
