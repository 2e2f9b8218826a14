/* Parts 5 and 7 of docs/spec/map-generation.md: where prefixes are attached, and what the classes are called. */
#include "mapgen/attach.h"
#include "mapgen/partition.h"
#include "network.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = 4096 };

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

struct made {
    struct network *network;
    struct model *model;
    struct routers *routers;
    struct topology *topology;
    struct attachments *attachments;
};

static struct made make(const char *text)
{
    struct made made = {.network = network_new(text)};
    struct topology_options options = {true};
    struct ls_rows rows;
    struct error err;
    size_t stale;

    made.model = network_model(made.network);
    rows.nodes = (const struct ls_node *const *)model_rows(made.model, OBJECT_NODE, arena,
                                                           &rows.node_count, &stale);
    rows.links = (const struct ls_link *const *)model_rows(made.model, OBJECT_LINK, arena,
                                                           &rows.link_count, &stale);
    rows.prefixes = (const struct ls_prefix *const *)model_rows(made.model, OBJECT_PREFIX, arena,
                                                                &rows.prefix_count, &stale);
    made.routers = routers_build(&rows, 64500, arena, &report);
    made.topology = topology_build(made.routers, &rows, &options, arena, &report, &err);
    ck_assert_msg(made.topology, "%s", err.text);
    made.attachments = attach_prefixes(made.topology, &rows, made.model, arena, &report);
    return made;
}

static void drop(struct made *made)
{
    topology_free(made->topology);
    model_free(made->model);
    network_free(made->network);
}

/* What prefix 192.0.2.0/24 is attached to: "A+0 B+5"; "none" when it is no prefix of the map. */
static const char *attached(const char *text)
{
    struct made made = make(text);
    char *out = arena_alloc(arena, ROOM, 1), prefix[PREFIX_TEXT_SIZE];

    (void)strcpy(out, "none");
    for (size_t i = 0; i < made.attachments->prefix_count; i++) {
        const struct attached_prefix *p = &made.attachments->prefixes[i];
        const struct attachment_set *set = &made.attachments->classes[p->class];

        if (strcmp(prefix_format(&p->prefix, prefix), "192.0.2.0/24") != 0)
            continue;
        out[0] = '\0';
        for (uint32_t at = 0; at < set->count; at++)
            (void)snprintf(out + strlen(out), ROOM - strlen(out), "%s%s+%llu", at ? " " : "",
                           made.routers->list[set->list[at].router].name,
                           (unsigned long long)set->list[at].cost);
    }
    drop(&made);
    return out;
}

/* A to D are 10.0.0.1 to 10.0.0.4, in level 2; A and B also in one level 1, C in another. */
static const char routers[] =
    "router A 10.0.0.1 level12;router B 10.0.0.2 level12;router C 10.0.0.3 level12\n"
    "router D 10.0.0.4;link A B 1 level1;link A B 1 level2;link B C 1 level2;"
    "link C D 1 level2\n"
    "router O 10.0.1.1 ospf area=0;router P 10.0.1.2 ospf area=0\n";

static const struct {
    const char *name, *network, *attached;
} examples[] = {
    /* M-201, M-202, M-208: the IGP */
    {"m201 originators, at their metrics", "prefix 192.0.2.0/24 C 5 level2;prefix 192.0.2.0/24 D 7",
     "C+0 D+2"},
    {"m201 level 1 goes before level 2",
     "prefix 192.0.2.0/24 A 5 level1;prefix 192.0.2.0/24 B 1 level2", "A+0"},
    {"m201 but for anycast outside of that level 1",
     "prefix 192.0.2.0/24 A 5 level1;prefix 192.0.2.0/24 D 6", "A+0 D+1"},
    {"m201 level 2 goes before level 1 that was leaked down",
     "prefix 192.0.2.0/24 A 5 level1 down;prefix 192.0.2.0/24 D 6", "D+0"},
    {"m120 a LAN that nothing crosses joins a level 1 too", // both lead to it, it leads to neither
     "router X 10.0.2.9 level1;lan L X:1 level1;half A L 1 level1;half L A 16777215 level1;"
     "half C L 1 level1;half L C 16777215 level1;half L X 16777215 level1;"
     "prefix 192.0.2.0/24 A 5 level1;prefix 192.0.2.0/24 C 7 level2",
     "A+0"},
    {"m201 what was carried up (X) is no anycast",
     "prefix 192.0.2.0/24 A 5 level1;prefix 192.0.2.0/24 D 6 x", "A+0"},
    {"m201 nor what was re-advertised (R)",
     "prefix 192.0.2.0/24 A 5 level1;prefix 192.0.2.0/24 D 6 r", "A+0"},
    {"m201 OSPF: intra before inter",
     "prefix 192.0.2.0/24 O 5 type=1;prefix 192.0.2.0/24 P 1 type=2", "O+0"},
    {"m201 OSPF: absent type is intra", "prefix 192.0.2.0/24 O 5;prefix 192.0.2.0/24 P 1 type=2",
     "O+0"},
    {"m201 OSPF: external 1 and NSSA 1 are of one rank",
     "prefix 192.0.2.0/24 O 5 type=3;prefix 192.0.2.0/24 P 6 type=5", "O+0 P+1"},
    {"m202 external 2: the least alone, at 0",
     "prefix 192.0.2.0/24 O 5 type=4;prefix 192.0.2.0/24 P 6 type=4", "O+0"},
    {"m202 external 2 and NSSA 2 tie",
     "prefix 192.0.2.0/24 O 5 type=4;prefix 192.0.2.0/24 P 5 type=6", "O+0 P+0"},
    {"m201 two instances count beside each other",
     "prefix 192.0.2.0/24 D 3;prefix 192.0.2.0/24 O 1", "D+2 O+0"},
    {"m201 IPv4 in topology 2 does not count", "prefix 192.0.2.0/24 D 3 mt=2", "none"},
    {"m208 no metric: no origination", "prefix 192.0.2.0/24 D -", "none"},
    {"l070 attributes never seen: 0",
     "prefix 192.0.2.0/24 D - unknown;prefix 192.0.2.0/24 C 4 level2", "C+4 D+0"},
    {"m202 IS-IS beyond its largest metric", "prefix 192.0.2.0/24 D 4261412865", "none"},
    {"m202 IS-IS at its largest metric", "prefix 192.0.2.0/24 D 4261412864", "D+0"},
    {"m202 OSPF infinity", "prefix 192.0.2.0/24 O 16777215", "none"},
    {"m202 OSPF no-unicast", "prefix 192.0.2.0/24 O 1 nounicast", "none"},
    {"m201 an OSPF LAN's prefix is its routers'", "lan L O:10 P:20 ospf;prefix 192.0.2.0/24 L 3",
     "O+0 P+10"},
    {"m208 a LAN's prefix may lack its metric", "lan L O:10 P:20 ospf;prefix 192.0.2.0/24 L -",
     "O+0 P+10"},

    /* M-203: candidates */
    {"m203 local-pref",
     "route 192.0.2.0/24 10.0.0.1 lp=200 path=1,2;route 192.0.2.0/24 10.0.0.2 id=1 path=1", "A+0"},
    {"m203 absent local-pref is 100",
     "route 192.0.2.0/24 10.0.0.1 lp=99;route 192.0.2.0/24 10.0.0.2 id=1", "B+0"},
    {"m203 AS path length",
     "route 192.0.2.0/24 10.0.0.1 path=1,2;route 192.0.2.0/24 10.0.0.2 id=1 path=3", "B+0"},
    {"m203 a set counts one, confederations nothing",
     "route 192.0.2.0/24 10.0.0.1 path=1,{2,3,4};route 192.0.2.0/24 10.0.0.2 id=1 path=(65001),5,6",
     "A+0 B+0"},
    {"m203 origin",
     "route 192.0.2.0/24 10.0.0.1 path=1 origin=2;route 192.0.2.0/24 10.0.0.2 id=1 path=2 origin=1",
     "B+0"},
    {"m203 MED among paths of one neighbour",
     "route 192.0.2.0/24 10.0.0.1 path=1 med=5;route 192.0.2.0/24 10.0.0.2 id=1 path=1 med=4",
     "B+0"},
    {"m203 MED says nothing between neighbours",
     "route 192.0.2.0/24 10.0.0.1 path=1 med=5;route 192.0.2.0/24 10.0.0.2 id=1 path=2 med=4",
     "A+0 B+0"},
    {"m203 absent MED is 0",
     "route 192.0.2.0/24 10.0.0.1 path=1 med=5;route 192.0.2.0/24 10.0.0.2 id=1 path=1", "B+0"},
    {"m203 the neighbour stands behind confederations",
     "route 192.0.2.0/24 10.0.0.1 path=(65001),1 med=5;route 192.0.2.0/24 10.0.0.2 id=1 path=1 "
     "med=4",
     "B+0"},
    {"m203 an empty path and a set in front are the own AS",
     "route 192.0.2.0/24 10.0.0.1 path={7} med=5;route 192.0.2.0/24 10.0.0.2 id=1 path={8} med=4",
     "B+0"},
    {"m203 the own AS anywhere is a loop",
     "route 192.0.2.0/24 10.0.0.1 path=1,64500;route 192.0.2.0/24 10.0.0.2 id=1 path=1,2,3", "B+0"},
    {"m203 also in a set", "route 192.0.2.0/24 10.0.0.1 path=1,{2,64500}", "none"},
    {"m203 LLGR_STALE before all else",
     "route 192.0.2.0/24 10.0.0.1 lp=300 llgr;route 192.0.2.0/24 10.0.0.2 id=1", "B+0"},
    {"m203 what ties stays, over peers too",
     "peer 2 rr2;route 192.0.2.0/24 10.0.0.1 path=1;route 192.0.2.0/24 10.0.0.2 peer=2 path=1",
     "A+0 B+0"},
    {"m203 an unresolved path is left out first",
     "route 192.0.2.0/24 198.51.100.1 lp=300;route 192.0.2.0/24 10.0.0.2 id=1", "B+0"},

    {"m203 a feed counts from its end-of-RIB on",
     "peer 2 rr2 loading;route 192.0.2.0/24 10.0.0.1 peer=2 lp=300;route 192.0.2.0/24 10.0.0.2",
     "B+0"},
    {"m203 also as the way to a next hop",
     "peer 2 rr2 loading;route 203.0.113.0/24 10.0.0.1 peer=2;route 203.0.0.0/16 10.0.0.3;"
     "route 192.0.2.0/24 203.0.113.9",
     "C+0"},

    /* M-205 */
    {"m205 at equal length the IGP's attachments count",
     "prefix 192.0.2.0/24 D 0;route 192.0.2.0/24 10.0.0.1", "D+0"},
    {"m205 an IGP prefix without attachment is none, and BGP's stays",
     "prefix 192.0.2.0/24 D -;route 192.0.2.0/24 10.0.0.1", "A+0"},

    /* M-206: next hops */
    {"m206 (1) a router-id, at the cost of its host route",
     "prefix 10.0.0.1/32 A 4 level2;route 192.0.2.0/24 10.0.0.1;route 192.0.2.0/24 10.0.0.2 id=1",
     "A+4 B+0"},
    {"m206 (1) an OSPF router's 515",
     "router Q 10.0.1.9 ospf area=0 noid;route 192.0.2.0/24 10.0.1.9", "Q+0"},
    {"m206 (2) an address of a link",
     "half A D 1 local=203.0.113.1 remote=203.0.113.2 level2;route 192.0.2.0/24 203.0.113.1",
     "A+0"},
    {"m206 (3) the far address of an egress peering",
     "egress A 10.0.0.1;egress X 203.0.113.9;half A X - bgp local=203.0.113.8 remote=203.0.113.9;"
     "route 192.0.2.0/24 203.0.113.9",
     "A+0"},
    {"m206 (3) the far address of any other link is nothing",
     "half A D 1 local=203.0.113.1 remote=203.0.113.2 level2;route 192.0.2.0/24 203.0.113.2",
     "none"},
    {"m206 (4) the longest match in the IGP, with its costs",
     "prefix 203.0.113.0/24 C 5 level2;prefix 203.0.113.0/24 D 7;prefix 203.0.0.0/16 A 0 level2;"
     "route 192.0.2.0/24 203.0.113.9",
     "C+0 D+2"},
    {"m206 (4) unsubtracted", // A by its router-id at 0, C and D at 5 and 7
     "prefix 203.0.113.0/24 C 5 level2;prefix 203.0.113.0/24 D 7;route 192.0.2.0/24 203.0.113.9;"
     "route 192.0.2.0/24 10.0.0.1 id=1",
     "A+0 C+5 D+7"},
    {"m206 (4) never by the default route", "prefix 0.0.0.0/0 D 0;route 192.0.2.0/24 203.0.113.9",
     "none"},
    {"m206 (5) through BGP", "route 203.0.113.0/24 10.0.0.3;route 192.0.2.0/24 203.0.113.9", "C+0"},
    {"m206 (5) by that prefix's candidates",
     "route 203.0.113.0/24 10.0.0.3 lp=200;route 203.0.113.0/24 10.0.0.4 id=1;route 192.0.2.0/24 "
     "203.0.113.9",
     "C+0"},
    {"m206 (5) the longest alone is tried",
     "route 203.0.113.0/24 198.51.100.1;route 203.0.0.0/16 10.0.0.1;route 192.0.2.0/24 203.0.113.9",
     "none"},
    {"m206 (5) never by the default route",
     "route 0.0.0.0/0 10.0.0.1;route 192.0.2.0/24 203.0.113.9", "none"},
    {"m206 (5) not through itself", "route 192.0.2.0/24 192.0.2.9", "none"},
    {"m206 (5) not in a circle", "route 192.0.2.0/24 203.0.113.9;route 203.0.113.0/24 192.0.2.9",
     "none"},
    {"m206 (5) a circle beside a way is left out",
     "route 192.0.2.0/24 203.0.113.9;route 203.0.113.0/24 192.0.2.9 lp=200;route 203.0.113.0/24 "
     "10.0.0.2 id=1",
     "B+0"},
    {"m206 (5) four steps are followed",
     "route 192.0.2.0/24 20.1.0.1;route 20.1.0.0/16 20.2.0.1;route 20.2.0.0/16 20.3.0.1;route "
     "20.3.0.0/16 20.4.0.1;"
     "route 20.4.0.0/16 10.0.0.1",
     "A+0"},
    {"m206 (5) five are not",
     "route 192.0.2.0/24 20.1.0.1;route 20.1.0.0/16 20.2.0.1;route 20.2.0.0/16 20.3.0.1;route "
     "20.3.0.0/16 20.4.0.1;"
     "route 20.4.0.0/16 20.5.0.1;route 20.5.0.0/16 10.0.0.1",
     "none"},
};

START_TEST(m201_attachments)
{
    const char *found = attached(arena_format(arena, "%s%s", routers, examples[_i].network));

    ck_assert_msg(strcmp(found, examples[_i].attached) == 0, "%s: %s; %s expected",
                  examples[_i].name, found, examples[_i].attached);
}
END_TEST

START_TEST(m204_prefixes_with_a_single_candidate_are_counted)
{
    static const struct {
        const char *routes;
        size_t expected;
    } rows[] = {
        {"route 192.0.2.0/24 10.0.0.1", 1},
        {"route 192.0.2.0/24 10.0.0.1;route 192.0.2.0/24 10.0.0.2 id=1", 0},
        {"route 192.0.2.0/24 10.0.0.1;route 192.0.2.0/24 10.0.0.2 id=1 lp=50", 1},
        {"peer 2 rr2;route 192.0.2.0/24 10.0.0.1;route 192.0.2.0/24 10.0.0.1 peer=2", 1},
        {"route 192.0.2.0/24 10.0.0.1 path=1;route 192.0.2.0/24 10.0.0.1 id=1 path=2", 0},
        {"route 192.0.2.0/24 10.0.0.1 path=1,2;route 192.0.2.0/24 10.0.0.1 id=1 path=1,3", 1},
        {"route 192.0.2.0/24 198.51.100.1", 0},                     // none is not one
        {"prefix 192.0.2.0/24 D 0;route 192.0.2.0/24 10.0.0.1", 0}, // the IGP's counts
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct made made = make(arena_format(arena, "%s%s", routers, rows[i].routes));

        ck_assert_msg(made.attachments->single_candidates == rows[i].expected, "%s: %zu",
                      rows[i].routes, made.attachments->single_candidates);
        drop(&made);
    }
}
END_TEST

START_TEST(m205_what_is_left_out_is_reported)
{
    struct made made = make(
        arena_format(arena, "%s%s", routers,
                     "route 192.0.2.0/24 198.51.100.7;route 192.0.3.0/24 198.51.100.1;"
                     "route 192.0.3.0/24 10.0.0.1 id=1 path=64500;prefix 10.9.0.0/16 D - unknown;"
                     "prefix 10.8.0.0/16 D -;prefix 10.7.0.0/16 D -;prefix 10.7.0.0/16 A - level2;"
                     "prefix 10.6.0.0/16 D -;prefix 10.6.0.0/16 A 1 level2"));

    ck_assert_uint_eq(report.count, 5);
    ck_assert_str_eq(report.texts[0],
                     "1 IGP prefixes without attributes: their metric is taken as 0");
    ck_assert_str_eq(report.texts[1], "2 IGP prefixes without an attachment, as 10.7.0.0/16");
    ck_assert_str_eq(report.texts[2],
                     "2 paths with a next hop that resolves to no router, as 198.51.100.1");
    ck_assert_str_eq(report.texts[3], "1 paths with the own AS 64500 in them are left out");
    ck_assert_str_eq(report.texts[4], "2 BGP prefixes without a usable path, as 192.0.2.0/24");
    drop(&made);
}
END_TEST

START_TEST(m207_equal_sets_are_one_class)
{
    struct made made = make(arena_format(arena, "%s%s", routers,
                                         "prefix 10.1.0.0/16 A 5 level2;prefix 10.1.0.0/16 D 7;"
                                         "prefix 10.2.0.0/16 A 1 level2;prefix 10.2.0.0/16 D 3;"
                                         "prefix 10.3.0.0/16 A 1 level2;prefix 10.3.0.0/16 D 4"));

    ck_assert_uint_eq(made.attachments->prefix_count, 3);
    ck_assert_uint_eq(made.attachments->class_count, 2); // only differences matter
    drop(&made);
}
END_TEST

/* ---- Candidates against a table too simple to be wrong ---- */

struct plain {
    unsigned router, local_pref, length, origin, neighbour, med;
};

static bool is_better(const struct plain *a, const struct plain *b)
{
    if (a->local_pref != b->local_pref)
        return a->local_pref > b->local_pref;
    if (a->length != b->length)
        return a->length < b->length;
    if (a->origin != b->origin)
        return a->origin < b->origin;
    return a->neighbour == b->neighbour && a->med < b->med;
}

START_TEST(m203_equals_a_plain_comparison)
{
    uint64_t seed = (uint64_t)_i;
    unsigned count = 1 + network_random(&seed, 8);
    struct plain list[8];
    char *text = arena_alloc(arena, ROOM, 1), expected[64] = "";
    bool is_exit[4] = {false};

    (void)strcpy(text, routers);
    for (unsigned i = 0; i < count; i++) {
        struct plain *p = &list[i];

        *p = (struct plain){1 + network_random(&seed, 4), 100 + network_random(&seed, 2),
                            1 + network_random(&seed, 2), network_random(&seed, 2),
                            1 + network_random(&seed, 2), network_random(&seed, 3)};
        (void)snprintf(text + strlen(text), ROOM - strlen(text),
                       "route 192.0.2.0/24 10.0.0.%u id=%u lp=%u path=%u%s origin=%u med=%u\n",
                       p->router, i, p->local_pref, p->neighbour, p->length == 2 ? ",9" : "",
                       p->origin, p->med);
    }
    for (unsigned i = 0; i < count; i++) {
        bool is_beaten = false;

        for (unsigned j = 0; j < count; j++) {
            // MED beats only inside what ties before it
            is_beaten |= is_better(&list[j], &list[i]);
        }
        is_exit[list[i].router - 1] |= !is_beaten;
    }
    for (unsigned r = 0; r < 4; r++) {
        if (is_exit[r])
            (void)snprintf(expected + strlen(expected), sizeof expected - strlen(expected),
                           "%s%c+0", *expected ? " " : "", 'A' + r);
    }
    ck_assert_str_eq(attached(text), expected);
}
END_TEST

/* ---- Names ---- */

static const char *names(const char *text, const char *default_pid)
{
    struct made made = make(text);
    char *out = arena_alloc(arena, ROOM, 1);
    struct error err;
    struct partition *partition =
        partition_make(made.routers, made.attachments, default_pid, arena, &err);

    if (partition) {
        for (size_t i = 0; i < partition->count; i++)
            (void)strcat(strcat(out, i ? " " : ""), partition->pids[i].name);
    } else {
        (void)snprintf(out, ROOM, "!%s", err.text);
    }
    drop(&made);
    return out;
}

/* Hashes are of section M-304's canonical form, by sha256sum. */
static const struct {
    const char *name, *network, *names;
} naming[] = {
    {"the router's name", "router A 10.0.0.1;prefix 10.1.0.0/16 A 0", "A default"},
    {"several, in the order of routers",
     "router Z 10.0.0.1;router A 10.0.0.2;prefix 10.1.0.0/16 A 0;prefix 10.1.0.0/16 Z 0",
     "Z_A default"},
    {"what a PID name may not have becomes -",
     "router A 10.0.0.1 name=a.b/c;prefix 10.1.0.0/16 A 0", "a-b-c default"},
    {"a key for a router without name", "router A 10.0.0.1 name=;prefix 10.1.0.0/16 A 0",
     "10-0-0-1 default"},
    {"costs that differ are hashed",
     "router A 10.0.0.1;router B 10.0.0.2;prefix 10.1.0.0/16 A 0;prefix 10.1.0.0/16 B 5",
     "A_B-b9481ea0 default"},
    {"the default PID's name is taken", "router A 10.0.0.1 name=default;prefix 10.1.0.0/16 A 0",
     "default default-590c1750"},
    {"64 characters are a name",
     "router A 10.0.0.1 "
     "name=aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff1234;prefix 10.1.0.0/16 A 0",
     "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff1234 default"},
    {"65 are cut and hashed",
     "router A 10.0.0.1 "
     "name=aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff12345;prefix 10.1.0.0/16 A "
     "0",
     "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeefffff-590c1750 default"},
    {"of two with one name the lower key keeps it",
     "router A 10.0.0.1 name=x;router B 10.0.0.2 name=x;prefix 10.1.0.0/16 A 0;prefix 10.2.0.0/16 "
     "B 0",
     "default x x-15e1cdb2"},
};

START_TEST(m304_names)
{
    ck_assert_msg(strcmp(names(naming[_i].network, "default"), naming[_i].names) == 0,
                  "%s: %s; %s expected", naming[_i].name, names(naming[_i].network, "default"),
                  naming[_i].names);
}
END_TEST

/* Two boxes with one key and one name: who keeps it does not depend on the order of their prefixes. */
START_TEST(m304_routers_of_one_key_are_told_apart_by_their_nodes)
{
    static const char *const orders[] = {
        "prefix 10.1.0.0/16 A 0;prefix 10.2.0.0/16 B 0",
        "prefix 10.1.0.0/16 B 0;prefix 10.2.0.0/16 A 0",
    };
    const char *keeps[2];

    for (size_t i = 0; i < 2; i++) {
        struct made made =
            make(arena_format(arena,
                              "router A 10.0.0.1 name=x noid;router B 10.0.0.1 name=x noid "
                              "instance=1\n%s",
                              orders[i]));
        struct error err;
        struct partition *partition =
            partition_make(made.routers, made.attachments, "default", arena, &err);
        ck_assert_msg(partition, "%s", err.text);
        ck_assert_uint_eq(partition->count, 3);
        ck_assert_str_eq(partition->pids[1].name, "x");
        keeps[i] = partition->pids[1].attachments.list[0].router == 0 ? "A" : "B";
        drop(&made);
    }
    ck_assert_str_eq(keeps[0], "A");
    ck_assert_str_eq(keeps[1], "A");
}
END_TEST

START_TEST(m304_names_that_meet_even_so_refuse_the_map)
{
    ck_assert_str_eq(
        names(
            "router A 10.0.0.1 name=x;router B 10.0.0.2 name=x;router C 10.0.0.3 name=x-15e1cdb2\n"
            "prefix 10.1.0.0/16 A 0;prefix 10.2.0.0/16 B 0;prefix 10.3.0.0/16 C 0",
            "default"),
        "!two PIDs with the name x-15e1cdb2; names of routers that differ expected");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("attach");
    TCase *cases = tcase_create("attach");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, m201_attachments, 0, sizeof examples / sizeof *examples);
    tcase_add_test(cases, m204_prefixes_with_a_single_candidate_are_counted);
    tcase_add_test(cases, m205_what_is_left_out_is_reported);
    tcase_add_test(cases, m207_equal_sets_are_one_class);
    tcase_add_loop_test(cases, m203_equals_a_plain_comparison, 0, 200);
    tcase_add_loop_test(cases, m304_names, 0, sizeof naming / sizeof *naming);
    tcase_add_test(cases, m304_routers_of_one_key_are_told_apart_by_their_nodes);
    tcase_add_test(cases, m304_names_that_meet_even_so_refuse_the_map);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
