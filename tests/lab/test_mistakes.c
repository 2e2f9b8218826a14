/* Mistakes in what a scenario says of single things: each is named with its place, its value and what was
 * expected. Those of the file as a whole are in test_scenario.c. */
#include "fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD "name: t\nas: 64500\nigp: isis-2\n" // lines 1 to 3
#define ROUTERS "routers:\n  - {name: a, ipv4: 10.0.0.1}\n  - {name: b, ipv4: 10.0.0.2}\n" // 4 to 6
#define TAIL "reflectors: [{name: rr, listen: \"127.0.0.1:1790\", router_id: 192.0.2.1}]\n"

/* What stands around a row's text. */
enum place {
    IN_ROUTER,
    IN_LINK,
    IN_PREFIX,
    IN_EGRESS,
    IN_OBJECT,
    IN_REFLECTOR,
    IN_ROUTE,
    IN_MESSAGE
};

static const struct {
    const char *before, *behind;
} places[] = {
    [IN_ROUTER] = {HEAD "routers:\n  - {name: a, ipv4: 10.0.0.1, ", "}\n" TAIL},
    [IN_LINK] = {HEAD ROUTERS "links:\n  - {a: a, b: b, metric: 1, ", "}\n" TAIL},
    [IN_PREFIX] = {HEAD ROUTERS "prefixes:\n  - {routers: a, prefixes: 10.0.0.0/8, ", "}\n" TAIL},
    [IN_EGRESS] = {HEAD ROUTERS "egress:\n  - {name: e, router: a, ", "}\n" TAIL},
    [IN_OBJECT] = {HEAD ROUTERS "objects:\n  - {name: o, ", "}\n" TAIL},
    [IN_REFLECTOR] = {HEAD ROUTERS
                      "reflectors:\n  - {name: r, listen: \"[::1]:1\", router_id: 1.1.1.1, ",
                      "}\n"},
    [IN_ROUTE] = {HEAD ROUTERS TAIL "routes:\n  - {routers: a, prefixes: 10.0.0.0/8, ", "}\n"},
    [IN_MESSAGE] = {HEAD ROUTERS TAIL "messages:\n  - ", "\n"},
};

static void expect_mistake(enum place place, const char *text, const char *expected)
{
    size_t size = strlen(text) + 400;
    char *yaml = memory_alloc(size, 1);
    struct error err = {0};

    (void)snprintf(yaml, size, "%s%s%s", places[place].before, text, places[place].behind);
    ck_assert_ptr_null(fixture_try(yaml, &err));
    ck_assert_str_eq(err.text, expected);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    free(yaml);
}

static const struct {
    enum place place;
    const char *yaml, *text;
} mistakes[] = {
    {IN_ROUTER, "igp: ospf3-1",
     "t.yaml:5:36: igp: \"ospf3-1\"; isis-1, isis-2, ospf-AREA, ospf3-AREA such as ospf-0.0.0.0, "
     "direct or static, with an instance such as isis-2@7, expected"},
    {IN_ROUTER, "igp: direct@x",
     "t.yaml:5:36: igp: \"direct@x\"; isis-1, isis-2, ospf-AREA, ospf3-AREA such as ospf-0.0.0.0, "
     "direct or static, with an instance such as isis-2@7, expected"},
    {IN_ROUTER, "igp: isis-2@18446744073709551616",
     "t.yaml:5:36: igp: \"isis-2@18446744073709551616\"; isis-1, isis-2, ospf-AREA, ospf3-AREA "
     "such as ospf-0.0.0.0, direct or static, with an instance such as isis-2@7, expected"},
    {IN_ROUTER, "area: 49.", "t.yaml:5:37: area: \"49.\"; an IS-IS area such as 49.0001 expected"},
    {IN_ROUTER, "flags: [stub]",
     "t.yaml:5:39: flags: \"stub\"; one of overload, attached, external, abr, router, v6 expected"},
    {IN_ROUTER, "router_ids: x", "t.yaml:5:43: router_ids: \"x\"; an address expected"},
    {IN_ROUTER, "topologies: 4096",
     "t.yaml:5:43: topologies: \"4096\"; numbers from 0 to 4095 expected"},
    {IN_ROUTER, "topologies: \"\"", "t.yaml:5:43: topologies: none; at least one expected"},
    {IN_ROUTER, "msd: 1", "t.yaml:5:36: msd: \"1\"; hexadecimal of at most 255 octets expected"},
    {IN_ROUTER, "msd: zz", "t.yaml:5:36: msd: \"zz\"; hexadecimal of at most 255 octets expected"},
    {IN_ROUTER, "tlvs: 65536 00",
     "t.yaml:5:37: tlvs: \"65536 00\"; a type and octets such as 1157 0a0b expected"},
    {IN_ROUTER, "tlvs: {}", "t.yaml:5:37: a mapping; a TLV such as 1157 0a0b expected"},
    {IN_ROUTER, "tlvs: \"1025 0\"",
     "t.yaml:5:37: tlvs: \"1025 0\"; a type and octets such as 1157 0a0b expected"},
    {IN_ROUTER, "tlvs: [\"1025 01\", \"1025\"] ,node_name: [x]",
     "t.yaml:5:69: a list; a line of text expected"},
    {IN_LINK, "delay: 5 anomalous 6",
     "t.yaml:8:36: delay: \"5 anomalous 6\"; a number from 0 to 16777215 expected"},
    {IN_LINK, "delay: [1, 2, 3]",
     "t.yaml:8:36: delay: a list of 3; one value, or [a to b, b to a] expected"},
    {IN_LINK, "delay: {}", "t.yaml:8:36: a mapping; a value expected"},
    {IN_LINK, "loss: 1.0000000000001",
     "t.yaml:8:35: loss: \"1.0000000000001\"; a number such as 173.48 expected"},
    {IN_LINK, "mpls: 256", "t.yaml:8:35: mpls: \"256\"; a number from 0 to 255 expected"},
    {IN_LINK, "protection: 65536",
     "t.yaml:8:41: protection: \"65536\"; a number from 0 to 65535 expected"},
    {IN_LINK, "reservable: 1K",
     "t.yaml:8:41: reservable: \"1K\"; bit/s such as 2500M or 10G expected"},
    {IN_LINK, "srlg: 4294967296",
     "t.yaml:8:35: srlg: \"4294967296\"; numbers from 0 to 4294967295 expected"},
    {IN_LINK, "srlg: [1, 2, 3]",
     "t.yaml:8:35: srlg: a list of 3; one value, or [a to b, b to a] expected"},
    {IN_LINK, "link_name: [a, b, c]",
     "t.yaml:8:40: link_name: a list of 3; one value, or [a to b, b to a] expected"},
    {IN_LINK, "msd: [00]",
     "t.yaml:8:34: msd: a list of 1; one value, or [a to b, b to a] expected"},
    {IN_LINK, "admin_groups: 000001",
     "t.yaml:8:43: admin_groups: 3 octets; words of 4 octets in hexadecimal expected"},
    {IN_LINK, "admin_groups: [00000001]",
     "t.yaml:8:43: admin_groups: a list of 1; one value, or [a to b, b to a] expected"},
    {IN_LINK, "metric_octets: 4",
     "t.yaml:8:44: metric_octets: \"4\"; a number from 1 to 3 expected"},
    {IN_LINK, "topologies: x", "t.yaml:8:41: topologies: \"x\"; numbers from 0 to 4095 expected"},
    {IN_LINK, "tlvs: x", "t.yaml:8:35: tlvs: \"x\"; a type and octets such as 1157 0a0b expected"},
    {IN_LINK, "descriptors: \"1 2 3 4 x\"",
     "t.yaml:8:42: descriptors: \"1 2 3 4 x\"; a type and octets such as 1157 0a0b expected"},
    {IN_LINK, "applications: [{delay: 1}]", "t.yaml:8:44: an application: key \"of\" is missing"},
    {IN_LINK, "applications: [{of: ospf}]",
     "t.yaml:8:49: of: \"ospf\"; one of rsvp-te, sr-policy, lfa, flex-algorithm expected"},
    {IN_LINK, "applications: [{of: lfa, standard: \"000000\"}]",
     "t.yaml:8:64: standard: 3 octets; 0, 4 or 8 expected"},
    {IN_LINK, "applications: [{of: lfa, user: 000000000000000000}]",
     "t.yaml:8:60: user: \"000000000000000000\"; hexadecimal of at most 8 octets expected"},
    {IN_LINK, "applications: [{of: lfa, metric: 3}]",
     "t.yaml:8:54: an application: unknown key \"metric\"; expected one of: of, standard, user, "
     "delay, delay_min, delay_max, delay_variation, loss, residual, available, utilized, "
     "te_metric, admin_group, admin_groups, srlg, tlvs"},
    {IN_PREFIX, "metric: x", "t.yaml:8:48: metric: \"x\"; a number from 0 to 4294967295 expected"},
    {IN_PREFIX, "route_type: nssa",
     "t.yaml:8:52: route_type: \"nssa\"; one of intra, inter, external-1, external-2, nssa-1, "
     "nssa-2, none expected"},
    {IN_PREFIX, "igp_flags: [up]",
     "t.yaml:8:52: igp_flags: \"up\"; one of down, no-unicast, local, propagate expected"},
    {IN_PREFIX, "flags: up",
     "t.yaml:8:47: flags: \"up\"; one of external, readvertised, node, attach, ospf-node, dn, "
     "ospf3-propagate, ospf3-local, ospf3-no-unicast expected"},
    {IN_PREFIX, "tags: x", "t.yaml:8:46: tags: \"x\"; numbers from 0 to 4294967295 expected"},
    {IN_PREFIX, "extended_tags: 18446744073709551616",
     "t.yaml:8:55: extended_tags: \"18446744073709551616\"; numbers from 0 to 18446744073709551615 "
     "expected"},
    {IN_PREFIX, "forwarding: x", "t.yaml:8:52: forwarding: \"x\"; an address expected"},
    {IN_PREFIX, "source: x", "t.yaml:8:48: source: \"x\"; an address expected"},
    {IN_PREFIX, "source_ospf: \"::1\"",
     "t.yaml:8:53: source_ospf: \"::1\"; an IPv4 address expected"},
    {IN_PREFIX, "topology: 5000",
     "t.yaml:8:50: topology: \"5000\"; a number from 0 to 4095 expected"},
    {IN_EGRESS, "peer_as: 0, peer_id: 1.1.1.1",
     "t.yaml:8:35: peer_as: \"0\"; a number from 1 to 4294967294 expected"},
    {IN_EGRESS, "peer_as: 1", "t.yaml:8:5: an egress peer: key \"peer_id\" is missing"},
    {IN_EGRESS, "peer_as: 1, peer_id: \"::1\"",
     "t.yaml:8:47: peer_id: \"::1\"; an IPv4 address expected"},
    {IN_EGRESS, "peer_as: 1, peer_id: 1.1.1.1, ipv4: 1.1.1.1",
     "t.yaml:8:62: ipv4: [at a, at b] expected"},
    {IN_EGRESS, "peer_as: 1, peer_id: 1.1.1.1, node_sid: 24001",
     "t.yaml:8:66: \"24001\"; a SID such as label 24001 weight 5 backup persistent, or index 7, "
     "expected"},
    {IN_EGRESS, "peer_as: 1, peer_id: 1.1.1.1, node_sid: label 1048576",
     "t.yaml:8:66: \"label 1048576\"; a SID such as label 24001 weight 5 backup persistent, or "
     "index 7, expected"},
    {IN_EGRESS, "peer_as: 1, peer_id: 1.1.1.1, set_sid: index 5 weight 256",
     "t.yaml:8:65: \"index 5 weight 256\"; a SID such as label 24001 weight 5 backup persistent, "
     "or index 7, expected"},
    {IN_EGRESS, "peer_as: 1, peer_id: 1.1.1.1, set_sid: index 5 primary",
     "t.yaml:8:65: \"index 5 primary\"; a SID such as label 24001 weight 5 backup persistent, or "
     "index 7, expected"},
    {IN_OBJECT, "nlri: \"\"", "t.yaml:8:5: an object: key \"attribute\" is missing"},
    {IN_OBJECT, "nlri: 0", "t.yaml:8:21: nlri: \"0\"; hexadecimal of at most 4000 octets expected"},
    {IN_OBJECT, "nlri: 00", "t.yaml:8:5: an object: key \"attribute\" is missing"},
    {IN_OBJECT, "nlri: 00, attribute: x",
     "t.yaml:8:36: attribute: \"x\"; hexadecimal of at most 4000 octets expected"},
    {IN_REFLECTOR, "add_path: {vpn: 1}",
     "t.yaml:8:65: add_path: unknown key \"vpn\"; expected one of: ls, ipv4, ipv6"},
    {IN_REFLECTOR, "add_path: {ls: 256}",
     "t.yaml:8:69: ls: \"256\"; a number from 1 to 255 expected"},
    {IN_REFLECTOR, "families: ls, add_path: {ipv4: 1}",
     "t.yaml:8:5: reflector \"r\": add_path: ipv4 is not in its families"},
    {IN_REFLECTOR, "long_lived: 1, graceful_restart: 0",
     "t.yaml:8:5: reflector \"r\": long_lived needs graceful_restart (RFC 9494 4.2)"},
    {IN_REFLECTOR, "path_ids_from: 2147483649",
     "t.yaml:8:69: path_ids_from: \"2147483649\"; a number from 0 to 2147483648 expected"},
    {IN_REFLECTOR, "end_of_rib_late: 65536",
     "t.yaml:8:71: end_of_rib_late: \"65536\"; a number from 0 to 65535 expected"},
    {IN_REFLECTOR, "forwarding: all",
     "t.yaml:8:66: forwarding: \"all\"; one of ls, ipv4, ipv6 expected"},
    {IN_REFLECTOR, "capabilities: 256",
     "t.yaml:8:68: capabilities: codes from 0 to 255 and at most 100 octets in all expected"},
    {IN_REFLECTOR, "updates: {packed: true}",
     "t.yaml:8:64: updates: unknown key \"packed\"; expected one of: one_each, attributes_first, "
     "ipv4_in_mp, ipv6_next_hop, long_lengths, link_local"},
    {IN_REFLECTOR, "updates: {link_local: 1.1.1.1}",
     "t.yaml:8:76: link_local: \"1.1.1.1\"; an IPv6 address expected"},
    {IN_REFLECTOR, "vanish: later",
     "t.yaml:8:62: vanish: \"later\"; fin, reset or silent after NUMBER updates or octets, or "
     "none, expected"},
    {IN_REFLECTOR, "vanish: fin after 5 hours",
     "t.yaml:8:62: vanish: \"fin after 5 hours\"; fin, reset or silent after NUMBER updates or "
     "octets, or none, expected"},
    {IN_REFLECTOR, "vanish: fin after -1 updates",
     "t.yaml:8:62: vanish: \"fin after -1 updates\"; fin, reset or silent after NUMBER updates or "
     "octets, or none, expected"},
    {IN_REFLECTOR, "peer_as: 0",
     "t.yaml:8:63: peer_as: \"0\"; a number from 1 to 4294967294 expected"},
    {IN_REFLECTOR, "graceful_restart: 4096",
     "t.yaml:8:72: graceful_restart: \"4096\"; a number from 0 to 4095 expected"},
    {IN_REFLECTOR, "two_octet_as: 1", "t.yaml:8:68: two_octet_as: \"1\"; true or false expected"},
    {IN_ROUTE, "as_path: \"1 {\"",
     "t.yaml:9:49: as_path: \"1 {\"; at most 254 numbers from 1 to 4294967294, sets in { }, "
     "confederations in ( ) and [ ], expected"},
    {IN_ROUTE, "as_path: \"}\"",
     "t.yaml:9:49: as_path: \"}\"; at most 254 numbers from 1 to 4294967294, sets in { }, "
     "confederations in ( ) and [ ], expected"},
    {IN_ROUTE, "as_path: \"{}\"",
     "t.yaml:9:49: as_path: \"{}\"; at most 254 numbers from 1 to 4294967294, sets in { }, "
     "confederations in ( ) and [ ], expected"},
    {IN_ROUTE, "as_path: 4294967295",
     "t.yaml:9:49: as_path: \"4294967295\"; at most 254 numbers from 1 to 4294967294, sets in { }, "
     "confederations in ( ) and [ ], expected"},
    {IN_ROUTE, "communities: [1]",
     "t.yaml:9:54: communities: \"1\"; one such as \"64500:120\" expected"},
    {IN_ROUTE, "large_communities: \"1:2\"",
     "t.yaml:9:59: large_communities: \"1:2\"; one such as \"64500:1:2\" expected"},
    {IN_ROUTE, "large_communities: 4294967296:1:2",
     "t.yaml:9:59: large_communities: \"4294967296:1:2\"; one such as \"64500:1:2\" expected"},
    {IN_ROUTE, "extended_communities: 0002",
     "t.yaml:9:62: extended_communities: \"0002\"; 16 hexadecimal digits such as "
     "\"0002fbf400000064\" expected"},
    {IN_ROUTE, "clusters: x", "t.yaml:9:50: clusters: \"x\"; an IPv4 address expected"},
    {IN_ROUTE, "aggregator: 1",
     "t.yaml:9:52: aggregator: \"1\"; an AS number and an IPv4 address expected"},
    {IN_ROUTE, "aggregator: x 1.1.1.1",
     "t.yaml:9:52: aggregator: \"x 1.1.1.1\"; an AS number and an IPv4 address expected"},
    {IN_ROUTE, "attributes: 99",
     "t.yaml:9:52: attributes: \"99\"; flags in hexadecimal, type and octets such as e0 99 0102 "
     "expected"},
    {IN_ROUTE, "attributes: e0 256 00",
     "t.yaml:9:52: attributes: \"e0 256 00\"; flags in hexadecimal, type and octets such as e0 99 "
     "0102 expected"},
    {IN_ROUTE, "originator: \"::1\"", "t.yaml:9:52: originator: \"::1\"; an IPv4 address expected"},
    {IN_ROUTE, "origins: 2, as_path: \"{1}\"",
     "t.yaml:9:5: origins goes with a plain as_path, without sets and confederations"},
    {IN_ROUTE, "atomic: 1", "t.yaml:9:48: atomic: \"1\"; true or false expected"},
    {IN_ROUTE, "med: x", "t.yaml:9:45: med: \"x\"; a number from 0 to 4294967295 expected"},
    {IN_MESSAGE, "{}",
     "t.yaml:9:5: a message: one of message, type with body, and fault with of expected"},
    {IN_MESSAGE, "{message: 00, type: 2}",
     "t.yaml:9:5: a message: one of message, type with body, and fault with of expected"},
    {IN_MESSAGE, "{type: hello}",
     "t.yaml:9:12: type: \"hello\"; open, update, notification, keepalive, refresh or a number up "
     "to 255 expected"},
    {IN_MESSAGE, "{type: 2, body: x}",
     "t.yaml:9:21: body: \"x\"; hexadecimal of at most 4077 octets expected"},
    {IN_MESSAGE, "{body: 00}",
     "t.yaml:9:5: a message: one of message, type with body, and fault with of expected"},
    {IN_MESSAGE, "{fault: marker}",
     "t.yaml:9:5: a message: one of message, type with body, and fault with of expected"},
    {IN_MESSAGE, "{fault: nothing, of: ls}",
     "t.yaml:9:13: fault: \"nothing\"; one of those that docs/lab.md lists expected"},
    {IN_MESSAGE, "{fault: marker, of: vpn}",
     "t.yaml:9:25: of: \"vpn\"; ls, node, link, prefix, ipv4 or ipv6 expected"},
    {IN_MESSAGE, "{fault: marker, of: ls, number: 0}",
     "t.yaml:9:37: number: \"0\"; a number from 1 to 4294967295 expected"},
    {IN_MESSAGE, "{message: 00, reflectors: x}",
     "t.yaml:9:31: \"x\"; the name of a reflector expected"},
    {IN_EGRESS,
     "peer_as: 1, peer_id: 1.1.1.1}\n  - {name: e, router: b, peer_as: 1, peer_id: 1.1.1.1",
     "t.yaml:9:5: egress peer \"e\" is given twice"},
    {IN_OBJECT, "nlri: 00, attribute: none}\n  - {name: o, nlri: 00, attribute: none",
     "t.yaml:9:5: object \"o\" is given twice"},
    {IN_EGRESS, "peer_as: 1, peer_id: 1.1.1.1, id: 5", "t.yaml:8:60: id: [at a, at b] expected"},
    {IN_OBJECT, "nlri: \"\", attribute: none", "t.yaml:8:5: object \"o\": an empty NLRI"},
};

START_TEST(a_mistake_is_named_with_its_place)
{
    expect_mistake(mistakes[_i].place, mistakes[_i].yaml, mistakes[_i].text);
}
END_TEST

/* What is too much: so many times a piece, between two ends. */
static const struct {
    enum place place;
    const char *begin, *piece;
    size_t count;
    const char *end, *text;
} excesses[] = {
    {IN_ROUTER, "node_name: ", "x", 256, "",
     "t.yaml:5:42: node_name: 256 octets; at most 255 expected"},
    {IN_LINK, "tlvs: \"1 00", ", 1 00", 40, "\"", "t.yaml:8:35: tlvs: more than 40 TLVs"},
    {IN_LINK, "srlg: \"", "1 ", 501, "\"", "t.yaml:8:35: srlg: more than 500 numbers"},
    {IN_LINK, "tlvs: 1 ", "00", 3001, "",
     "t.yaml:8:35: tlvs: \"1 0000000000000000000000000000000000000000000000000000000000\"; a type "
     "and octets such as 1157 0a0b expected"},
    {IN_OBJECT, "attribute: none, nlri: ", "00", 4000, "",
     "t.yaml:8:5: 4000 octets of NLRI and attribute; at most 3896 expected, so that they fit a "
     "message"},
    {IN_REFLECTOR, "capabilities: 1 ", "00", 99, "",
     "t.yaml:8:68: capabilities: codes from 0 to 255 and at most 100 octets in all expected"},
    {IN_ROUTE, "as_path: \"", "1 ", 255, "\"",
     "t.yaml:9:49: as_path: \"1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 \"; at "
     "most 254 numbers from 1 to 4294967294, sets in { }, confederations in ( ) and [ ], expected"},
    {IN_ROUTE, "communities: \"", "1:1 ", 201, "\"", "t.yaml:9:53: communities: more than 200"},
    {IN_ROUTE, "clusters: \"", "1.1.1.1 ", 51, "\"", "t.yaml:9:50: clusters: more than 50"},
    {IN_ROUTE, "attributes: \"c0 99", ", c0 99", 20, "\"", "t.yaml:9:52: attributes: more than 20"},
    {IN_ROUTE, "attributes: c0 99 ", "00", 3970, "",
     "t.yaml:9:5: 4015 octets of path attributes; at most 3976 expected, so that they fit a "
     "message"},
};

START_TEST(what_is_too_much_is_refused)
{
    size_t length = strlen(excesses[_i].piece);
    char *text = memory_alloc(length * excesses[_i].count + 200, 1), *at = text;

    at = stpcpy(at, excesses[_i].begin);
    for (size_t i = 0; i < excesses[_i].count; i++)
        at = stpcpy(at, excesses[_i].piece);
    (void)stpcpy(at, excesses[_i].end);
    expect_mistake(excesses[_i].place, text, excesses[_i].text);
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lab mistakes");
    TCase *cases = tcase_create("cases");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, cases);
    tcase_add_loop_test(cases, a_mistake_is_named_with_its_place, 0,
                        sizeof mistakes / sizeof *mistakes);
    tcase_add_loop_test(cases, what_is_too_much_is_refused, 0, sizeof excesses / sizeof *excesses);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
