/* The scenario's reader: what it derives, and every mistake with its place and what was expected. */
#include "fixture.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define HEAD "name: t\nas: 64500\nigp: isis-2\n" // lines 1 to 3
#define ROUTERS "routers:\n  - {name: a, ipv4: 10.0.0.1}\n  - {name: b, ipv4: 10.0.0.2}\n" // 4 to 6
#define RR "{name: rr, listen: \"127.0.0.1:1790\", router_id: 192.0.2.1}"
#define TAIL "reflectors: [" RR "]\n"

/* Each row has one mistake. */
static const struct {
    const char *yaml, *text;
} mistakes[] = {
    {"", "t.yaml:1:1: empty file; a scenario expected"},
    {"name: [", "t.yaml:2:1: did not find expected node content; YAML expected"},
    {"- 1\n", "t.yaml:1:1: a scenario: a mapping of keys expected"},
    {"name: &x t\nas: *x\n", "t.yaml:2:5: an alias; a value expected"},
    {"name: t\n---\nname: u\n", "t.yaml:2:1: a second document; the end expected"},
    {"[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]\n",
     "t.yaml:1:17: more than 16 levels; a scenario expected"},
    {"as: 64500\nrouters: []\n" TAIL, "t.yaml:1:1: a scenario: key \"name\" is missing"},
    {"name: t\nname: u\n", "t.yaml:2:1: a scenario: key \"name\" is given twice"},
    {"name: t\nAs: 1\n",
     "t.yaml:2:1: a scenario: unknown key \"As\"; expected one of: name, as, instance, identifier, "
     "igp, area, ipv6_topology, delay_us_per_km, loopbacks, interfaces, routers, lans, egress, "
     "objects, links, prefixes, reflectors, routes, messages, bmp"},
    {"name: \"A b\"\n", "t.yaml:1:7: name: \"A b\"; 1 to 63 of a-z, 0-9, '-', '.', '_' expected"},
    {"name: {}\n", "t.yaml:1:7: a mapping; a name expected"},
    {"as: 0\n", "t.yaml:1:5: as: \"0\"; a number from 1 to 4294967294 expected"},
    {"as: 99999999999999999999\n",
     "t.yaml:1:5: as: \"99999999999999999999\"; a number from 1 to 4294967294 expected"},
    {"as: \"64\\0500\"\n", "t.yaml:1:5: text with a NUL; a number expected"},
    {"delay_us_per_km: 1.\n",
     "t.yaml:1:18: delay_us_per_km: \"1.\"; a number such as 173.48 expected"},
    {"loopbacks: {ipv4: 10.0.0.1/24}\n",
     "t.yaml:1:19: ipv4: \"10.0.0.1/24\"; an IPv4 prefix without host bits expected"},
    {"interfaces: {ipv6: 10.0.0.0/24}\n",
     "t.yaml:1:20: ipv6: \"10.0.0.0/24\"; an IPv6 prefix without host bits expected"},
    {HEAD "routers: 5\n" TAIL, "t.yaml:4:10: a list (lines that begin with \"-\") expected"},
    {HEAD "ipv6_topology: 1\nrouters: []\n" TAIL, "t.yaml:1:1: ipv6_topology: 1; 0 or 2 expected"},
    {HEAD "area: 4g\nrouters: []\n" TAIL,
     "t.yaml:4:7: area: \"4g\"; an IS-IS area such as 49.0001 expected"},
    {"name: t\nas: 1\nigp: rip\nrouters: []\n" TAIL,
     "t.yaml:3:6: igp: \"rip\"; isis-1, isis-2, ospf-AREA, ospf3-AREA such as ospf-0.0.0.0, "
     "direct or static, with an instance such as isis-2@7, expected"},
    {"name: t\nas: 1\nigp: []\nrouters: []\n" TAIL,
     "t.yaml:3:6: igp: an empty list; at least one expected"},

    {HEAD "routers:\n  - {name: a}\n" TAIL,
     "t.yaml:5:5: router \"a\": no IPv4 loopback; key ipv4, or room in loopbacks: ipv4 expected"},
    {HEAD ROUTERS "  - {name: a, ipv4: 10.0.0.3}\n" TAIL,
     "t.yaml:7:5: router \"a\" is given twice"},
    {HEAD ROUTERS "  - {name: c, ipv4: 10.0.0.2}\n" TAIL,
     "t.yaml:7:5: router \"c\": its IPv4 loopback is that of \"b\""},
    {HEAD ROUTERS "  - {name: c, ipv4: 10.0.0.3, system_id: 0100.0000.0001}\n" TAIL,
     "t.yaml:7:5: router \"c\": its system id is that of \"a\""},
    {HEAD "routers:\n  - {name: a, ipv4: 10.0.0.256}\n" TAIL,
     "t.yaml:5:21: ipv4: \"10.0.0.256\"; an IPv4 address expected"},
    {HEAD "routers:\n  - {name: a, ipv4: 10.0.0.1, system_id: 1234}\n" TAIL,
     "t.yaml:5:42: system_id: \"1234\"; one such as 0102.5500.0001 expected"},
    {HEAD "routers:\n  - {name: a, ipv4: 10.0.0.1, overload: yes}\n" TAIL,
     "t.yaml:5:41: overload: \"yes\"; true or false expected"},
    {"name: t\nas: 1\nrouters:\n  - {name: a, ipv4: 10.0.0.1}\n" TAIL,
     "t.yaml:4:5: router \"a\": no IGP; key igp, here or in the general part, expected"},

    {HEAD ROUTERS "links:\n  - {a: a, b: c, metric: 1}\n" TAIL,
     "t.yaml:8:15: \"c\"; the name of a router expected"},
    {HEAD ROUTERS "links:\n  - {a: a, b: a, metric: 1}\n" TAIL,
     "t.yaml:8:5: link a a: two different routers expected"},
    {HEAD ROUTERS "links:\n  - {a: a, b: b}\n" TAIL,
     "t.yaml:8:5: link a b: key \"metric\" is missing (\"none\" is possible)"},
    {HEAD ROUTERS "links:\n  - {a: a, b: b, metric: 16777216}\n" TAIL,
     "t.yaml:8:26: metric: \"16777216\"; a number from 0 to 16777215 expected"},
    {HEAD ROUTERS "links:\n  - {a: a, b: b, metric: [1, 2, 3]}\n" TAIL,
     "t.yaml:8:26: metric: a list of 3; one value, or [a to b, b to a] expected"},
    {HEAD ROUTERS "links:\n  - {a: a, b: b, metric: 1, loss: 60}\n" TAIL,
     "t.yaml:8:35: loss: more than 50.331645 per cent"},
    {HEAD ROUTERS "links:\n  - {a: a, b: b, metric: 1, bandwidth: 10X}\n" TAIL,
     "t.yaml:8:40: bandwidth: \"10X\"; bit/s such as 2500M or 10G expected"},
    {HEAD ROUTERS "links:\n  - {a: a, b: b, metric: 1, delay_min: 10}\n" TAIL,
     "t.yaml:8:5: link a b: delay_min and delay_max go together"},
    {HEAD ROUTERS "links:\n  - {a: a, b: b, metric: 1, ipv4: 10.0.0.0}\n" TAIL,
     "t.yaml:8:35: ipv4: [at a, at b] expected"},
    {HEAD ROUTERS "links:\n  - {a: a, b: b, metric: 1, id: [1]}\n" TAIL,
     "t.yaml:8:33: id: [at a, at b] expected"},
    {HEAD ROUTERS "links:\n  - {a: a, b: b, metric: 1, igp: isis-1}\n" TAIL,
     "t.yaml:8:5: link a b: igp names a level or area that not both have"},
    {HEAD ROUTERS "  - {name: c, ipv4: 10.0.0.3, igp: isis-1}\nlinks:\n  - {a: a, b: c, metric: "
                  "1}\n" TAIL,
     "t.yaml:9:5: link a c: the two have no level or area in common"},
    {HEAD "delay_us_per_km: 5\n" ROUTERS "links:\n  - {a: a, b: b, metric: 1, km: 4000000}\n" TAIL,
     "t.yaml:9:5: km: more than 16.7 s of delay"},
    {HEAD "interfaces: {ipv4: 10.1.0.0/31}\n" ROUTERS
          "links:\n  - {a: a, b: b, metric: 1}\n  - {a: a, b: b, metric: 1}\n" TAIL,
     "t.yaml:10:5: link a b: no room left in interfaces: ipv4"},

    {HEAD ROUTERS "lans:\n  - {name: l, designated: a, metric: 1, members: b}\n" TAIL,
     "t.yaml:8:5: LAN \"l\": the designated router is no member"},
    {HEAD ROUTERS "lans:\n  - {name: a, designated: a, metric: 1, members: [a, b]}\n" TAIL,
     "t.yaml:8:5: LAN \"a\": the name is taken"},
    {HEAD ROUTERS "lans:\n  - {name: l, designated: a, metric: 1, members: [a, b]}\n"
                  "  - {name: m, designated: a, number: 1, metric: 1, members: [a, b]}\n" TAIL,
     "t.yaml:9:5: LAN \"m\": LAN \"l\" of the same router has number 1, too"},
    {"name: t\nas: 1\nigp: [isis-1, isis-2]\n" ROUTERS
     "lans:\n  - {name: l, designated: a, metric: 1, members: [a, b]}\n" TAIL,
     "t.yaml:8:5: LAN \"l\": key igp with one of its levels or areas expected"},
    {HEAD ROUTERS "lans:\n  - {name: l, designated: a, number: 256, metric: 1, members: a}\n" TAIL,
     "t.yaml:8:38: number: \"256\"; a number from 1 to 255 expected"},

    {HEAD ROUTERS "prefixes:\n  - {routers: a, prefixes: 10.0.0.0/8 splt 9}\n" TAIL,
     "t.yaml:8:28: \"10.0.0.0/8 splt 9\"; a prefix without host bits, or a range such as "
     "10.16.0.0/16 split 24 skip 8 count 12 expected"},
    {HEAD ROUTERS "prefixes:\n  - {routers: a, prefixes: \"10.0.0.0/8, 11.0.0.0/8,\"}\n" TAIL,
     "t.yaml:8:28: \"\"; a prefix without host bits, or a range such as "
     "10.16.0.0/16 split 24 skip 8 count 12 expected"},
    {HEAD ROUTERS "prefixes:\n  - {routers: a, prefixes: \"10.0.0.0/8, 11.0.0.0/7\"}\n" TAIL,
     "t.yaml:8:28: \"11.0.0.0/7\"; a prefix without host bits, or a range such as "
     "10.16.0.0/16 split 24 skip 8 count 12 expected"},
    {HEAD ROUTERS "prefixes:\n  - {routers: a, prefixes: 10.0.0.0/8 split 9 count 3}\n" TAIL,
     "t.yaml:8:28: \"10.0.0.0/8 split 9 count 3\": the range has 2 prefixes of that length"},
    {HEAD ROUTERS "prefixes:\n  - {routers: a, prefixes: \"2001:db8::/32 split 64\"}\n" TAIL,
     "t.yaml:8:28: \"2001:db8::/32 split 64\": more than 8000000 prefixes in one list"},
    {HEAD ROUTERS "prefixes:\n  - {routers: a, igp: isis-1, prefixes: 10.0.0.0/8}\n" TAIL,
     "t.yaml:8:5: igp: router \"a\" is not in it"},

    {HEAD ROUTERS "prefixes:\n  - {routers: [a, b], prefixes: 10.0.0.1/32}\n" TAIL,
     "t.yaml:8:3: 10.0.0.1/32 is given twice at \"a\""},

    {HEAD ROUTERS "reflectors: []\n", "t.yaml:7:13: 0 reflectors; 1 to 64 expected"},
    {HEAD ROUTERS "reflectors:\n  - {name: rr, router_id: 1.1.1.1}\n",
     "t.yaml:8:5: reflector \"rr\": key listen or connect is missing"},
    {HEAD ROUTERS "reflectors:\n  - {name: rr, listen: \"127.0.0.1\", router_id: 1.1.1.1}\n",
     "t.yaml:8:24: listen: \"127.0.0.1\"; ADDRESS:PORT such as 127.0.1.1:11179 expected"},
    {HEAD ROUTERS "reflectors:\n  - {name: rr, listen: \"[::1]:1\", connect: \"[::1]:1\"}\n",
     "t.yaml:8:44: connect: one of listen and connect expected"},
    {HEAD ROUTERS "reflectors:\n  - {name: rr, source: x}\n",
     "t.yaml:8:24: source: \"x\"; an address expected"},
    {HEAD ROUTERS "reflectors:\n  - {name: rr, families: [ls, vpn]}\n",
     "t.yaml:8:31: families: \"vpn\"; one of ls, ipv4, ipv6 expected"},
    {HEAD ROUTERS
     "reflectors:\n  - {name: rr, listen: \"[::1]:1\", router_id: 1.1.1.1, hold_time: 2}\n",
     "t.yaml:8:5: reflector \"rr\": hold_time: 0, or at least 3 expected (RFC 4271 4.2)"},
    {HEAD ROUTERS "reflectors:\n  - " RR "\n  - " RR "\n",
     "t.yaml:9:5: reflector \"rr\" is given twice"},

    {HEAD ROUTERS TAIL "routes:\n  - {routers: a, prefixes: \"2001:db8::/32\"}\n",
     "t.yaml:9:5: router \"a\" has no IPv6 address; key next_hop_ipv6 expected"},
    {HEAD ROUTERS TAIL "routes:\n  - {routers: a, prefixes: 10.0.0.0/8, as_path: [0]}\n",
     "t.yaml:9:50: as_path: \"0\"; at most 254 numbers from 1 to 4294967294, sets in { }, "
     "confederations in ( ) and [ ], expected"},
    {HEAD ROUTERS TAIL "routes:\n  - {routers: a, prefixes: 10.0.0.0/8, communities: [65536:1]}\n",
     "t.yaml:9:54: communities: \"65536:1\"; one such as \"64500:120\" expected"},
    {HEAD ROUTERS TAIL "routes:\n  - {routers: a, prefixes: 10.0.0.0/8, origin: x}\n",
     "t.yaml:9:48: origin: \"x\"; one of igp, egp, incomplete expected"},
    {HEAD ROUTERS TAIL "routes:\n  - {routers: a, prefixes: 10.0.0.0/8, reflectors: [x]}\n",
     "t.yaml:9:53: \"x\"; the name of a reflector expected"},
    {HEAD ROUTERS "lans:\n  - {name: l, designated: a, metric: 1, members: a}\n" TAIL
                  "routes:\n  - {routers: l, prefixes: 10.0.0.0/8}\n",
     "t.yaml:11:15: \"l\" is a LAN; a router expected"},
};

START_TEST(a_mistake_is_named_with_its_place)
{
    struct error err = {0};
    struct scenario *scenario = fixture_try(mistakes[_i].yaml, &err);

    ck_assert_ptr_null(scenario);
    ck_assert_str_eq(err.text, mistakes[_i].text);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
}
END_TEST

START_TEST(a_missing_file_is_named)
{
    struct error err;

    ck_assert_ptr_null(scenario_load("/nonexistent/t.yaml", &err));
    ck_assert_str_eq(err.text, "/nonexistent/t.yaml: No such file or directory");
    ck_assert_int_eq(err.kind, ERROR_SYSTEM);
}
END_TEST

static const char whole[] =
    "name: t\nas: 64500\nigp: isis-2\ndelay_us_per_km: 5\n"
    "loopbacks: {ipv4: 10.255.0.0/24, ipv6: \"2001:db8:ff::/64\"}\n"
    "interfaces: {ipv4: 10.254.0.0/24, ipv6: \"2001:db8:fe::/64\"}\n"
    "routers:\n  - {name: a}\n  - {name: b}\n  - {name: c}\n"
    "links:\n"
    "  - {a: a, b: b, metric: [1, 2], km: 100.1}\n"
    "  - {a: b, b: c, metric: 3, km: 10, delay: [7, none]}\n"
    "  - {a: b, b: a, metric: 4, unnumbered: true}\n"
    "prefixes:\n  - {routers: [a, c], prefixes: \"10.0.0.0/9 split 10, 10.192.0.0/16\"}\n"
    "reflectors:\n  - {name: x, listen: \"127.0.0.1:1\", router_id: 1.1.1.1}\n"
    "  - {name: y, connect: \"[2001:db8::1]:65535\", router_id: 1.1.1.2, families: [ls, ipv6]}\n"
    "routes:\n"
    "  - {routers: [c, a], prefixes: [198.18.0.0/15 split 24 skip 2 count 3], favourite_of: y}\n"
    "  - {routers: b, prefixes: 198.18.2.0/24, reflectors: [y]}\n";

START_TEST(what_the_file_leaves_out_is_derived)
{
    struct scenario *scenario = fixture_load(whole);
    const struct vertex *c = &scenario->vertices[2];
    const struct link *links = scenario->links;
    char text[NET_TEXT_SIZE];

    ck_assert_str_eq(net_format_address(&c->ipv4, text), "10.255.0.3");
    ck_assert_str_eq(net_format_address(&c->ipv6, text), "2001:db8:ff::3");
    ck_assert_mem_eq(c->system_id, "\x01\x02\x55\x00\x00\x03", 6);
    ck_assert_uint_eq(links[0].half[0].values.value[LINK_METRIC], 1);
    ck_assert_uint_eq(links[0].half[1].values.value[LINK_METRIC], 2);
    ck_assert_uint_eq(links[0].half[1].values.value[LINK_DELAY], 501); // 500.5, rounded
    ck_assert_uint_eq(links[1].half[0].values.value[LINK_DELAY], 7);
    ck_assert(!(links[1].half[1].values.has >> LINK_DELAY & 1)); // "none" holds against kilometres
    ck_assert_str_eq(net_format_address(&links[1].half[1].ipv4, text), "10.254.0.3");
    ck_assert_str_eq(net_format_address(&links[1].half[0].ipv6, text), "2001:db8:fe::2");
    ck_assert_uint_eq(links[2].half[0].ipv4.family, 0);
    ck_assert_uint_eq(links[2].half[0].id, 5);
    ck_assert_uint_eq(links[2].half[1].id, 6);
    ck_assert_uint_eq(links[0].index, 1);
    ck_assert_uint_eq(links[2].index, 2); // parallel, though the other way round
    ck_assert_uint_eq(links[1].index, 1);
    scenario_free(scenario);
}
END_TEST

START_TEST(ranges_and_routers_multiply)
{
    struct scenario *scenario = fixture_load(whole);
    char text[NET_TEXT_SIZE];

    ck_assert_uint_eq(scenario->attachment_count, 3 * 2 + 2 * 3); // loopbacks, then the item
    ck_assert_uint_eq(scenario->attachments[6].vertex, 0);
    ck_assert_str_eq(net_format_prefix(&scenario->attachments[7].prefix, text), "10.64.0.0/10");
    ck_assert_uint_eq(scenario->attachments[9].vertex, 2);
    ck_assert_uint_eq(scenario->route_count, 2 * 3 + 1);
    ck_assert_str_eq(net_format_prefix(&scenario->routes[0].prefix, text), "198.18.2.0/24");
    ck_assert_uint_eq(scenario->routes[0].path, 0); // by prefix, then as the file names them
    ck_assert_uint_eq(scenario->routes[1].path, 1);
    ck_assert_uint_eq(scenario->routes[2].path, 2);
    ck_assert_str_eq(net_format_prefix(&scenario->routes[6].prefix, text), "198.18.4.0/24");
    ck_assert_uint_eq(scenario->paths[0].reflectors, 3);
    ck_assert_uint_eq(scenario->paths[0].favourites, 2);
    ck_assert_uint_eq(scenario->paths[2].reflectors, 2);
    ck_assert(scenario->reflectors[1].calls && !scenario->reflectors[0].calls);
    ck_assert_uint_eq(scenario->reflectors[1].port, 65535);
    ck_assert(!scenario->reflectors[1].families[FAMILY_IPV4]);
    scenario_free(scenario);
}
END_TEST

START_TEST(origins_share_the_prefixes_out)
{
    struct scenario *scenario = fixture_load(
        HEAD ROUTERS TAIL "routes:\n  - {routers: a, prefixes: 10.0.0.0/8 split 11 count 7, "
                          "as_path: 64511, origins: 3}\n");

    ck_assert_uint_eq(scenario->path_count, 3);
    for (size_t i = 0; i < 7; i++) // 2, 2 and 3 of them
        ck_assert_uint_eq(scenario->routes[i].path, i < 2 ? 0 : i < 4 ? 1 : 2);
    ck_assert_uint_eq(scenario->paths[2].as_count, 2);
    ck_assert_uint_eq(scenario->paths[2].as_path[0], 64511);
    ck_assert_uint_eq(scenario->paths[2].as_path[1], 4200000002);
    scenario_free(scenario);
}
END_TEST

START_TEST(a_reflector_can_be_put_elsewhere)
{
    struct scenario *scenario = fixture_load(whole);
    struct error err;

    ck_assert(scenario_move_reflector(scenario, "x=127.0.9.9:5", &err));
    ck_assert_uint_eq(scenario->reflectors[0].port, 5);
    ck_assert(!scenario_move_reflector(scenario, "z=127.0.9.9:5", &err));
    ck_assert_str_eq(err.text, "\"z=127.0.9.9:5\"; REFLECTOR=ADDRESS:PORT expected");
    ck_assert(!scenario_move_reflector(scenario, "x=127.0.9.9", &err));
    ck_assert_str_eq(err.text, "x: \"127.0.9.9\"; ADDRESS:PORT expected");
    scenario_free(scenario);
}
END_TEST

/* The n-th prefix of a range, against counting on by hand. */
START_TEST(the_nth_prefix_is_n_steps_on)
{
    struct net pool, net;
    char text[NET_TEXT_SIZE];

    ck_assert(net_parse_prefix("10.16.0.0/12", &pool));
    ck_assert(net_nth(&pool, 24, 4095, &net));
    ck_assert_str_eq(net_format_prefix(&net, text), "10.31.255.0/24");
    ck_assert(!net_nth(&pool, 24, 4096, &net));
    ck_assert(!net_nth(&pool, 8, 0, &net));
    ck_assert(net_parse_prefix("2001:db8::/32", &pool));
    ck_assert(net_nth(&pool, 128, UINT64_MAX, &net));
    ck_assert_str_eq(net_format_prefix(&net, text), "2001:db8::ffff:ffff:ffff:ffff/128");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lab scenario");
    TCase *cases = tcase_create("cases");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, cases);
    tcase_add_loop_test(cases, a_mistake_is_named_with_its_place, 0,
                        sizeof mistakes / sizeof *mistakes);
    tcase_add_test(cases, a_missing_file_is_named);
    tcase_add_test(cases, what_the_file_leaves_out_is_derived);
    tcase_add_test(cases, ranges_and_routers_multiply);
    tcase_add_test(cases, origins_share_the_prefixes_out);
    tcase_add_test(cases, a_reflector_can_be_put_elsewhere);
    tcase_add_test(cases, the_nth_prefix_is_n_steps_on);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
