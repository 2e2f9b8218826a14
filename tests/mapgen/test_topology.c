/* Parts 1 to 3 of docs/spec/map-generation.md: what nodes and half-links become. */
#include "lib/spf.h"
#include "mapgen/topology.h"
#include "network.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena *arena;
static struct report report;

static void setup(void)
{
    arena = arena_new();
    report = (struct report){.arena = arena};
}

static void teardown(void)
{
    arena_free(arena);
}

static struct ls_rows rows_of(const struct model *model)
{
    struct ls_rows rows;
    size_t stale;

    rows.nodes = (const struct ls_node *const *)model_rows(model, OBJECT_NODE, arena,
                                                           &rows.node_count, &stale);
    rows.links = (const struct ls_link *const *)model_rows(model, OBJECT_LINK, arena,
                                                           &rows.link_count, &stale);
    rows.prefixes = (const struct ls_prefix *const *)model_rows(model, OBJECT_PREFIX, arena,
                                                                &rows.prefix_count, &stale);
    return rows;
}

/* Routers as "key=name/nodes", ascending; then reports, each behind "!". */
static const char *routers_text(const char *text)
{
    struct network *network = network_new(text);
    struct model *model = network_model(network);
    struct ls_rows rows = rows_of(model);
    struct routers *routers = routers_build(&rows, 64500, arena, &report);
    char *out = arena_alloc(arena, 2048, 1);

    for (size_t r = 0; r < routers->count; r++)
        (void)snprintf(out + strlen(out), 2048 - strlen(out), "%s%c:%s=%s/%u", r ? " " : "",
                       routers->list[r].key[0], routers->list[r].key_text, routers->list[r].name,
                       routers->list[r].node_count);
    for (size_t i = 0; i < report.count; i++)
        (void)snprintf(out + strlen(out), 2048 - strlen(out), " !%s", report.texts[i]);
    model_free(model);
    network_free(network);
    return out;
}

static const struct {
    const char *name, *network, *routers;
} merging[] = {
    {"m105 a node known by its links only is a node",
     "router A 10.0.0.1 bare;router B 10.0.0.2;link A B 1",
     "4:10.0.0.2=B/1 i:0100.0a00.0001=0100.0a00.0001/1"},
    {"m103 rule 1: levels of one router", "router A 10.0.0.1 level12 noid", "i:0100.0a00.0001=A/2"},
    {"m103 rule 1: areas of one router",
     "router A 10.0.0.1 ospf area=0 noid;router A 10.0.0.1 ospf area=1 noid", "o:10.0.0.1=A/2"},
    {"m103 rule 1: 512 equal or absent in one",
     "router A 10.0.0.1 level1 noid asn=64500;router A 10.0.0.1 level2 noid",
     "i:0100.0a00.0001=A/2"},
    {"m103 rule 1: 512 that differs parts",
     "router A 10.0.0.1 level1 noid asn=64500;router A 10.0.0.1 level2 noid asn=64501",
     "i:0100.0a00.0001=A/1 i:0100.0a00.0001=A/1 !two routers have the key 0100.0a00.0001: A and A"},
    {"m103 rule 1: instances are apart", "router A 10.0.0.1 noid;router A 10.0.0.1 noid instance=1",
     "i:0100.0a00.0001=A/1 i:0100.0a00.0001=A/1 !two routers have the key 0100.0a00.0001: A and A"},
    {"m103 rule 2: a common TE router-id over protocols",
     "router A 10.0.0.1;router A 10.0.0.1 instance=1;router A 10.0.0.1 ospf area=0",
     "4:10.0.0.1=A/3"},
    {"m103 rule 2: absent 512 is the own AS",
     "router A 10.0.0.1 asn=64500;router A 10.0.0.1 instance=1", "4:10.0.0.1=A/2"},
    {"m103 rule 2: of another AS it is another router",
     "router A 10.0.0.1 asn=64501;router A 10.0.0.1 instance=1",
     "4:10.0.0.1=A/1 4:10.0.0.1=A/1 !two routers have the key 10.0.0.1: A and A"},
    {"m103 rule 2: 127.0.0.0/8 is no router-id", "router A 127.0.0.1;router B 127.0.0.1 instance=1",
     "i:0100.7f00.0001=A/1 i:0100.7f00.0001=B/1 !two routers have the key 0100.7f00.0001: A and B"},
    {"m103 rule 3: OSPF's 515 is a router-id",
     "router A 10.0.0.1;router A 10.0.0.1 ospf area=0 noid", "4:10.0.0.1=A/2"},
    {"m103 rule 4: a BGP node's 516 is one",
     "router A 10.0.0.1;egress A 10.0.0.1;egress X 192.0.2.9;half A X - bgp",
     "4:10.0.0.1=A/2 b:192.0.2.9=192.0.2.9/1"},
    {"m104 a router has one 515 in a level",
     "router A 10.0.0.1;router B 10.0.0.1 asn=64500 instance=0", "4:10.0.0.1=A/2"},
    {"m106 a name of no letters is none", "router A 10.0.0.1 name=", "4:10.0.0.1=10.0.0.1/1"},
    {"m107 order of routers is that of keys, not of names", "router Z 10.0.0.1;router A 10.0.0.2",
     "4:10.0.0.1=Z/1 4:10.0.0.2=A/1"},
    {"m107 an IPv4 router-id that also comes v4-mapped is one of IPv4",
     "router A 10.0.0.1 ipv6=::ffff:10.0.0.1", "4:10.0.0.1=A/1"},
    {"m107 an IPv6 router-id where there is none of IPv4",
     "router A 10.0.0.1 noid ipv6=2001:db8::1", "6:2001:db8::1=A/1"},
};

START_TEST(m103_merges)
{
    ck_assert_msg(strcmp(routers_text(merging[_i].network), merging[_i].routers) == 0,
                  "%s: %s; %s expected", merging[_i].name, routers_text(merging[_i].network),
                  merging[_i].routers);
}
END_TEST

/* Two boxes that claim one router-id in one level: no merge, and a report. */
START_TEST(m104_the_veto_keeps_apart_and_reports)
{
    struct network *network = network_new("router A 10.0.0.1;router B 10.0.0.2");

    network->rows[2].node.ipv4_router_ids = network->rows[1].node.ipv4_router_ids; // B says A's
    struct model *model = network_model(network);
    struct ls_rows rows = rows_of(model);
    struct routers *routers = routers_build(&rows, 64500, arena, &report);
    ck_assert_uint_eq(routers->count, 2);
    ck_assert_uint_eq(report.count, 2);
    ck_assert_str_eq(report.texts[0], "two routers claim router-id 10.0.0.1");
    ck_assert_str_eq(report.texts[1], "two routers have the key 10.0.0.1: A and B");
    model_free(model);
    network_free(network);
}
END_TEST

/* Links as "A>B:metric", in the order of links; domains as "{A B}" in the order of M-125. */
static const char *topology_text(const char *text)
{
    struct network *network = network_new(text);
    struct model *model = network_model(network);
    struct ls_rows rows = rows_of(model);
    struct routers *routers = routers_build(&rows, 64500, arena, &report);
    struct topology_options options = {.delay_use_minimum = true};
    struct error err;
    struct topology *topology = topology_build(routers, &rows, &options, arena, &report, &err);
    char *out = arena_alloc(arena, 2048, 1);

    ck_assert_msg(topology, "%s", err.text);
    for (size_t i = 0; i < topology->link_count; i++) {
        const struct link *link = &topology->links[i];

        (void)snprintf(out + strlen(out), 2048 - strlen(out), "%s>%s:%llu ",
                       routers->list[link->from].name, routers->list[link->to].name,
                       (unsigned long long)link->metric);
        if (link->values[VALUE_DELAY_US] != GRAPH_ABSENT)
            (void)snprintf(out + strlen(out) - 1, 64, "/%u ", link->values[VALUE_DELAY_US]);
    }
    for (size_t d = 0; d < topology->domain_count; d++) {
        (void)strcat(out, "{");
        for (size_t v = 0; v < topology->domains[d].vertex_count; v++)
            (void)strcat(strcat(out, v ? " " : ""),
                         routers->list[topology->domains[d].routers[v]].name);
        (void)strcat(out, "}");
    }
    for (size_t i = 0; i < report.count; i++)
        (void)snprintf(out + strlen(out), 2048 - strlen(out), " !%s", report.texts[i]);
    topology_free(topology);
    model_free(model);
    network_free(network);
    return out;
}

static const char ab[] = "router A 10.0.0.1;router B 10.0.0.2;";
static const struct {
    const char *name, *network, *topology;
} linking[] = {
    {"m110 a link in both directions", "link A B 10 delay=7", "A>B:10/7 B>A:10/7 {A B}"},
    {"m110 a self-link is ignored and counted", "link A B 10;half A A 5",
     "A>B:10 B>A:10 {A B} !1 half-links from a router to itself are ignored"},
    {"m111 one direction alone is none", "half A B 10",
     "{A B} !1 half-links have none in the other direction"},
    {"m111 any half-link back will do, of any metric",
     "half A B 10;half A B 20 id=1;half B A 16777215", "A>B:10 A>B:20 {A B}"},
    {"m113 parallel links stay", "link A B 10 id=1;link A B 10 id=2",
     "A>B:10 A>B:10 B>A:10 B>A:10 {A B}"},
    {"m114 IS-IS 16777215 is unused", "link A B 16777215", "{A B}"},
    {"m114 a metric that is absent is unused", "half A B -;half B A 1", "B>A:1 {A B}"},
    {"m114 0 is a metric", "link A B 0", "A>B:0 B>A:0 {A B}"},
    {"m114 of OSPF any metric is a number",
     "router A 10.0.0.1 ospf area=0;router B 10.0.0.2 ospf area=0;link A B 65535 ospf",
     "A>B:65535 B>A:65535 {A B}{A B}"},
    {"m116 composites of a LAN", "lan P A:10 B:20", "A>B:10 B>A:20 {A B}"},
    {"m116 a LAN without a way back to a router", "lan P A:10;half B P 5",
     "{A B} !1 half-links have none in the other direction"},
    {"m127 other topologies take no part", "link A B 10 mt=2", "{A B}"},
    {"m137 the minimum where there is no average", "link A B 10 min=3", "A>B:10/3 B>A:10/3 {A B}"},
    {"m120 another instance is another domain", "router C 10.0.0.3 instance=7;link A B 1",
     "A>B:1 B>A:1 {A B}{C}"},
    {"m120 OSPF areas are domains, and before IS-IS", // M-125
     "router A 10.0.0.1 ospf area=1;router B 10.0.0.2 ospf area=0;link A B 1",
     "A>B:1 B>A:1 {B}{A}{A B}"},
    {"m120 level 1 by components, before level 2",
     "router C 10.0.0.3 level1;router D 10.0.0.4 level1;router A 10.0.0.1 level1;link C D 1 "
     "level1;link A B 1",
     "C>D:1 D>C:1 A>B:1 B>A:1 {A}{C D}{A B}"},
    {"m127 OSPFv3 of a router with OSPFv2 is out",
     "router A 10.0.0.1 ospf area=0;router A 10.0.0.1 ospf3 area=0;router C 10.0.0.3 ospf3 "
     "area=0;link A C 1 ospf3",
     "{A}{C}{A B}"},
};

START_TEST(m110_links)
{
    const char *text = topology_text(arena_format(arena, "%s%s", ab, linking[_i].network));

    ck_assert_msg(strcmp(text, linking[_i].topology) == 0, "%s: %s; %s expected", linking[_i].name,
                  text, linking[_i].topology);
}
END_TEST

/* Two producers describe one box, one with 512 and one without: one half-link, one pseudonode (M-118). */
START_TEST(m118_descriptors_that_differ_in_512_are_one)
{
    ck_assert_str_eq(
        topology_text("router A 10.0.0.1 asn=64500;router B 10.0.0.2 asn=64500;link A B 10\n"
                      "router C 10.0.0.1;router D 10.0.0.2;link C D 20"),
        "C>D:20 D>C:20 {C D}"); // the shorter descriptor is the lower
    ck_assert_str_eq(
        topology_text("router A 10.0.0.1 asn=64500;router B 10.0.0.2 asn=64500;lan P A:10 B:10\n"
                      "router C 10.0.0.1;router D 10.0.0.2;lan Q C:20 D:20"),
        "C>D:20 D>C:20 {C D}");
}
END_TEST

START_TEST(m115_which_flags_mean_no_transit)
{
    static const struct {
        const char *network, *why;
        bool overloaded;
    } cases[] = {
        {"router A 10.0.0.1 overload", "IS-IS", true},
        {"router A 10.0.0.1 ospf area=0 overload", "OSPFv2 has no such flag", false},
        {"router A 10.0.0.1 ospf3 area=0 noroute", "OSPFv3, R clear", true},
        {"router A 10.0.0.1 ospf3 area=0", "OSPFv3 without flags counts as R set (L-050)", false},
        {"router A 10.0.0.1 level1;router A 10.0.0.1 level2 overload",
         "one level is enough to show it", true},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct network *network = network_new(cases[i].network);
        struct model *model = network_model(network);
        struct ls_rows rows = rows_of(model);
        struct routers *routers = routers_build(&rows, 64500, arena, &report);
        struct topology_options options = {false};
        struct error err;
        struct topology *topology = topology_build(routers, &rows, &options, arena, &report, &err);

        ck_assert_msg(topology->overloaded[0] == cases[i].overloaded, "%s", cases[i].why);
        topology_free(topology);
        model_free(model);
        network_free(network);
    }
}
END_TEST

/* L-100: whose attributes count when sources differ. */
START_TEST(l100_the_best_source_of_an_object)
{
    static const struct {
        const char *network, *links, *why;
    } cases[] = {
        {"peer 2 rr2;link A B 10 peer=2;link A B 20 peer=1", "A>B:20 B>A:20 {A B}",
         "first configured"},
        {"peer 2 rr2 rank=0;peer 1 rr1 rank=1;link A B 10 peer=2;link A B 20 peer=1",
         "A>B:10 B>A:10 {A B}", "by rank, not by number"},
        {"peer 2 rr2;peer 1 rr1 stale;link A B 10 peer=2;link A B 20 peer=1", "A>B:10 B>A:10 {A B}",
         "not stale before stale"},
        {"peer 2 rr2 rank=0 loading;link A B 10 peer=2;link A B 20 peer=1", "A>B:20 B>A:20 {A B}",
         "a feed counts from its end-of-RIB on"},
        {"peer 2 rr2 rank=0 loading;link A B 10 peer=2", "{A B}", "also where it is alone"},
        {"peer 2 rr2 rank=0 loading stale;peer 1 rr1 rank=1 stale;link A B 10 peer=2;link A B 20 "
         "peer=1",
         "A>B:10 B>A:10 {A B}", "what a returning feed said before it goes on counting"},
        {"peer 1 rr1 stale;link A B 20 peer=1", "A>B:20 B>A:20 {A B}",
         "stale data is data (M-101)"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *text = topology_text(arena_format(arena, "%s%s", ab, cases[i].network));

        ck_assert_msg(strcmp(text, cases[i].links) == 0, "%s: %s", cases[i].why, text);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("topology");
    TCase *cases = tcase_create("topology");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, m103_merges, 0, sizeof merging / sizeof *merging);
    tcase_add_test(cases, m104_the_veto_keeps_apart_and_reports);
    tcase_add_loop_test(cases, m110_links, 0, sizeof linking / sizeof *linking);
    tcase_add_test(cases, m118_descriptors_that_differ_in_512_are_one);
    tcase_add_test(cases, m115_which_flags_mean_no_transit);
    tcase_add_test(cases, l100_the_best_source_of_an_object);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
