/* Path attributes against octets written down by hand from RFC 4271, 4456, 5065, 6793, 8092 and 9552. */
#include "fixture.h"
#include "path_attributes.h"

#include <check.h>
#include <stdlib.h>

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

#define FIRST_PATH "40 01 01 01  40 02 0a 02 02 0000fbff fa56ea01"
#define FIRST_REST                                                                                 \
    "80 04 04 00000007  40 05 04 000000c8  c0 08 08 fbf40064 ffffff01"                             \
    "80 09 04 0a000001  80 0a 04 c0000209"

START_TEST(a_reflected_route_has_originator_and_cluster)
{
    struct scenario *scenario = fixture_load(yaml);
    const struct reflector *reflector = &scenario->reflectors[0];
    struct wire wire = {0};

    path_attributes(scenario, reflector, &scenario->paths[0], FAMILY_IPV4, &wire);
    fixture_expect(&wire, FIRST_PATH "40 03 04 0a000001" FIRST_REST);
    path_attributes(scenario, reflector, &scenario->paths[0], FAMILY_IPV6, &wire);
    fixture_expect(&wire, FIRST_PATH FIRST_REST);
    path_attributes(scenario, reflector, &scenario->paths[1], FAMILY_IPV4, &wire);
    fixture_expect(&wire, "40 01 01 00  40 02 00  40 03 04 c000024d  40 05 04 00000064"
                          "80 09 04 0a000001  80 0a 04 c0000209");
    scenario_free(scenario);
}
END_TEST

START_TEST(link_state_attributes_end_with_attribute_29)
{
    struct scenario *scenario = fixture_load(yaml);
    struct wire contents = {0}, wire = {0};
    uint8_t long_value[300] = {0};

    wire_put(&contents, 0x04470003, 4);
    wire_put(&contents, 10, 3);
    path_link_state_attributes(&scenario->reflectors[0],
                               &(struct octets){contents.bytes, contents.length}, &wire);
    fixture_expect(&wire, "40 01 01 00  40 02 00  40 05 04 00000064  80 1d 07 0447 0003 00000a");
    contents.length = 0;
    wire_put_bytes(&contents, long_value, sizeof long_value);
    path_link_state_attributes(&scenario->reflectors[0],
                               &(struct octets){contents.bytes, contents.length}, &wire);
    ck_assert_uint_eq(wire.length, 14 + 4 + 300);
    ck_assert_mem_eq(wire.bytes + 14, "\x90\x1d\x01\x2c", 4); // a length of two octets
    wire_free(&wire);
    wire.length = 0;
    path_link_state_attributes(&scenario->reflectors[0], NULL, &wire);
    fixture_expect(&wire, "40 01 01 00  40 02 00  40 05 04 00000064"); // without attribute 29
    wire_free(&contents);
    scenario_free(scenario);
}
END_TEST

// ---- what few paths have

static const char rich[] =
    "name: t\nas: 64500\nigp: isis-2\n"
    "routers:\n  - {name: a, ipv4: 10.0.0.1, ipv6: \"2001:db8::1\"}\n"
    "reflectors:\n"
    "  - {name: internal, listen: \"127.0.0.1:1790\", router_id: 192.0.2.1}\n"
    "  - {name: external, listen: \"127.0.0.1:1791\", router_id: 192.0.2.2, peer_as: 64999}\n"
    "  - {name: narrow, listen: \"127.0.0.1:1792\", router_id: 192.0.2.3, two_octet_as: true}\n"
    "  - {name: both, listen: \"127.0.0.1:1793\", router_id: 192.0.2.4, two_octet_as: true,\n"
    "     as: 70000, peer_as: 64999}\n"
    "  - {name: long, listen: \"127.0.0.1:1794\", router_id: 192.0.2.5,\n"
    "     updates: {long_lengths: true, ipv6_next_hop: true}}\n"
    "routes:\n"
    "  - {routers: a, prefixes: 10.0.0.0/8, as_path: \"(65001 65002) 64511 {70001 64512} "
    "[65003]\"}\n"
    "  - {routers: a, prefixes: 11.0.0.0/8, as_path: \"64511 70001\", aggregator: 70001 "
    "192.0.2.9,\n"
    "     atomic: true, communities: \"64500:1 64500:2\", large_communities: "
    "\"70000:1:4294967295\",\n"
    "     extended_communities: 0002fbf400000064, clusters: 0.0.0.7, originator: 192.0.2.8,\n"
    "     attributes: \"e0 99 0102, c0 128\"}\n";

#define CONFEDERATION                                                                              \
    "03 02 0000fde9 0000fdea 02 01 0000fbff 01 02 00011171 0000fc00 04 01 0000fdeb"
#define REFLECTED "80 09 04 0a000001  80 0a 04 c0000201"
#define TAIL                                                                                       \
    "c0 10 08 0002fbf400000064  c0 20 0c 00011170 00000001 ffffffff  e0 63 02 0102  c0 80 00"

/* By reflector and path, IPv4. */
static const struct {
    size_t reflector, path;
    const char *expected, *why;
} rows[] = {
    {0, 0, "40 01 01 00  40 02 20" CONFEDERATION "40 03 04 0a000001  40 05 04 00000064" REFLECTED,
     "four kinds of segments"},
    {1, 0, "40 01 01 00  40 02 26 02 01 0000fbf4" CONFEDERATION "40 03 04 0a000001",
     "external: own AS in a segment of its own, no LOCAL_PREF, nothing of reflection"},
    {2, 0,
     "40 01 01 00  40 02 14 03 02 fde9 fdea 02 01 fbff 01 02 5ba0 fc00 04 01 fdeb"
     "40 03 04 0a000001  40 05 04 00000064  80 09 04 0a000001  80 0a 04 c0000203"
     "c0 11 10 02 01 0000fbff 01 02 00011171 0000fc00",
     "two octets: AS_TRANS, and AS4_PATH without confederations (RFC 6793 section 3)"},
    {1, 1,
     "40 01 01 00  40 02 0e 02 03 0000fbf4 0000fbff 00011171  40 03 04 0a000001  40 06 00"
     "c0 07 08 00011171 c0000209  c0 08 08 fbf40001 fbf40002" TAIL,
     "external: own AS first in the sequence"},
    {3, 1,
     "40 01 01 00  40 02 08 02 03 5ba0 fbff 5ba0  40 03 04 0a000001  40 06 00"
     "c0 07 06 5ba0 c0000209  c0 08 08 fbf40001 fbf40002"
     "c0 11 0e 02 03 00011170 0000fbff 00011171  c0 12 08 00011171 c0000209" TAIL,
     "AS4_AGGREGATOR; the own AS is long, too"},
    {4, 1,
     "50 01 0001 00  50 02 000a 02 02 0000fbff 00011171  50 05 0004 00000064  50 06 0000"
     "d0 07 0008 00011171 c0000209  d0 08 0008 fbf40001 fbf40002  90 09 0004 c0000208"
     "90 0a 0008 c0000205 00000007  d0 10 0008 0002fbf400000064"
     "d0 20 000c 00011170 00000001 ffffffff  e0 63 02 0102  c0 80 00",
     "long lengths; the next hop is in MP_REACH; ORIGINATOR_ID and CLUSTER_LIST of the file"},
};

START_TEST(attributes_are_as_the_session_has_them)
{
    struct scenario *scenario = fixture_load(rich);
    struct wire wire = {0};

    path_attributes(scenario, &scenario->reflectors[rows[_i].reflector],
                    &scenario->paths[rows[_i].path], FAMILY_IPV4, &wire);
    fixture_expect(&wire, rows[_i].expected);
    scenario_free(scenario);
}
END_TEST

START_TEST(sets_count_one_and_confederations_nothing)
{
    struct scenario *scenario = fixture_load(rich);

    ck_assert_uint_eq(scenario->paths[0].as_length, 2);
    ck_assert_uint_eq(scenario->paths[1].as_length, 2);
    scenario_free(scenario);
}
END_TEST

START_TEST(an_external_session_says_link_state_without_local_pref)
{
    struct scenario *scenario = fixture_load(rich);
    struct wire wire = {0};

    path_link_state_attributes(&scenario->reflectors[1], &(struct octets){NULL, 0}, &wire);
    fixture_expect(&wire, "40 01 01 00  40 02 06 02 01 0000fbf4  80 1d 00");
    path_link_state_attributes(&scenario->reflectors[3], NULL, &wire);
    fixture_expect(&wire, "40 01 01 00  40 02 04 02 01 5ba0  c0 11 06 02 01 00011170");
    scenario_free(scenario);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lab path attributes");
    TCase *cases = tcase_create("cases");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, cases);
    tcase_add_test(cases, a_reflected_route_has_originator_and_cluster);
    tcase_add_test(cases, link_state_attributes_end_with_attribute_29);
    tcase_add_loop_test(cases, attributes_are_as_the_session_has_them, 0,
                        sizeof rows / sizeof *rows);
    tcase_add_test(cases, sets_count_one_and_confederations_nothing);
    tcase_add_test(cases, an_external_session_says_link_state_without_local_pref);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
