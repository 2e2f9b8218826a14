/* Whole maps: what a person would work out on paper. */
#include "mapgen/map.h"
#include "network.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct config config = {
    .map = {.name = "default", .default_pid = "default", .delay_use_minimum = true},
};

static struct map *map_of_model(const struct model *model)
{
    struct error err;
    struct map *map = map_compute(model, &config, 0, 1, &err);

    ck_assert_msg(map, "%s", err.text);
    snapshot_map_tag(&map->snapshot, map->snapshot.tag);
    for (size_t i = 0; i < map->snapshot.metric_count; i++)
        snapshot_cost_tag(&map->snapshot, &map->snapshot.metrics[i], map->snapshot.metrics[i].tag);
    return map;
}

static struct map *map_of(const char *text)
{
    struct network *network = network_new(text);
    struct model *model = network_model(network);
    struct map *map = map_of_model(model);

    model_free(model);
    network_free(network);
    return map;
}

/* A cost as text: "" where there is none, "?" where PID or metric are not in the map. */
static const char *cost(const struct map *map, const char *metric, const char *from, const char *to)
{
    static char text[32];
    const struct snapshot *s = &map->snapshot;
    size_t m, a, b;

    for (m = 0; m < s->metric_count && strcmp(s->metrics[m].name, metric) != 0;)
        m++;
    for (a = 0; a < s->pid_count && strcmp(s->pids[a].name, from) != 0;)
        a++;
    for (b = 0; b < s->pid_count && strcmp(s->pids[b].name, to) != 0;)
        b++;
    if (m == s->metric_count || a == s->pid_count || b == s->pid_count)
        return "?";
    const struct snapshot_row *row = &s->metrics[m].rows[a];
    const char *cell = row->cells + b * row->width;
    size_t blanks = 0;
    while (blanks < row->width && cell[blanks] == ' ')
        blanks++;
    (void)snprintf(text, sizeof text, "%.*s", (int)(row->width - blanks), cell + blanks);
    return text;
}

/* "A 10.0.0.1/32 10.9.0.0/16" for each PID, ascending, with a line each. */
static const char *pids_of(const struct map *map)
{
    char text[PREFIX_TEXT_SIZE], *out = arena_alloc(map->arena, 4096, 1);

    for (size_t i = 0; i < map->snapshot.pid_count; i++) {
        const struct snapshot_pid *pid = &map->snapshot.pids[i];

        (void)strcat(out, pid->name);
        for (size_t p = 0; p < pid->prefix_count; p++)
            (void)strcat(strcat(out, " "), prefix_format(&pid->prefixes[p], text));
        (void)strcat(out, "\n");
    }
    return out;
}

/* The worked example, section 11: a prefix of its own at each router. */
static const char example[] =
    "router A 10.0.0.1\nrouter B 10.0.0.2\nrouter C 10.0.0.3\n"
    "router D 10.0.0.4\nrouter E 10.0.0.5\n"
    "link A B 10 delay=100 id=1\nlink A B 10 delay=200 id=2\n"
    "link B D 10 delay=100\nlink A C 10 delay=300\nlink C D 10 delay=400\n"
    "link A E 5 delay=10\nlink E D 20\n"
    "prefix 10.1.0.0/16 A 0\nprefix 10.2.0.0/16 B 0\n"
    "prefix 10.3.0.0/16 C 0\nprefix 10.4.0.0/16 D 0\n"
    "prefix 10.5.0.0/16 E 0\n";

START_TEST(m130_worked_example)
{
    struct map *map = map_of(example);

    ck_assert_str_eq(cost(map, "routingcost", "A", "D"), "20");
    ck_assert_str_eq(cost(map, "hopcount", "A", "D"), "2");
    ck_assert_str_eq(cost(map, "delay-ow:mean", "A", "D"), "400");
    ck_assert_str_eq(cost(map, "delay-ow:mean", "A", "B"), "150");
    ck_assert_str_eq(cost(map, "delay-ow:mean", "D", "E"), ""); // E–D has no delay
    ck_assert_str_eq(cost(map, "hopcount", "D", "E"), "1");
    ck_assert_str_eq(cost(map, "hopcount", "A", "A"), "0"); // M-214
    ck_assert_str_eq(cost(map, "delay-ow:mean", "A", "A"), "0");
    ck_assert_str_eq(cost(map, "hopcount", "A", "default"), ""); // M-215
    map_free(map);
}
END_TEST

START_TEST(m136_a_missing_delay_voids_the_mean)
{
    struct map *map =
        map_of("router A 10.0.0.1;router B 10.0.0.2;router C 10.0.0.3;router D 10.0.0.4\n"
               "link A B 10 delay=100;link B D 10 delay=100;link A C 10 delay=300\n"
               "link C D 10\nprefix 10.1.0.0/16 A 0;prefix 10.4.0.0/16 D 0");

    ck_assert_str_eq(cost(map, "delay-ow:mean", "A", "D"), "?"); // no pair has one: not offered
    ck_assert_str_eq(cost(map, "hopcount", "A", "D"), "2");
    map_free(map);
}
END_TEST

/* L-100, L-151: of two feeds the first makes link state anew and loses what it does not know. */
static const struct {
    const char *feeds, *why, *delay, *hops, *warnings;
} stripped[] = {
    {"link A B 10 peer=2 delay=7;prefix 10.1.0.0/16 A 0 peer=2;prefix 10.2.0.0/16 B 0 peer=2;"
     "link A B 10;prefix 10.1.0.0/16 A -;prefix 10.2.0.0/16 B -",
     "nothing is lost where another feed says it", "7", "1",
     "[\"rr1 leaves the delay, loss and bandwidth (TLV 1114 to 1120) out of 2 of its 2 links; "
     "that of another feed is taken\","
     "\"rr1 leaves the metric (TLV 1155) out of 2 of its 2 IGP prefixes; "
     "that of another feed is taken\"]"},
    {"link A B 20 peer=2 delay=7;prefix 10.1.0.0/16 A 0 peer=2;prefix 10.2.0.0/16 B 0 peer=2;"
     "half A B 10 delay=9;half B A 10",
     "what it says goes before the other's", "9", "1",
     "[\"rr1 leaves the delay, loss and bandwidth (TLV 1114 to 1120) out of 1 of its 2 links; "
     "that of another feed is taken\"]"},
    {"peer 2 rr2 stale;link A B 10 peer=2 delay=7;prefix 10.1.0.0/16 A 0 peer=2;"
     "prefix 10.2.0.0/16 B 0 peer=2;link A B 20;prefix 10.1.0.0/16 A -;prefix 10.2.0.0/16 B -",
     "the other feed's session was lost", "7", "1",
     "[\"rr1 leaves the delay, loss and bandwidth (TLV 1114 to 1120) out of 2 of its 2 links; "
     "that of another feed is taken\","
     "\"rr1 leaves the metric (TLV 1155) out of 2 of its 2 IGP prefixes; "
     "that of another feed is taken\"]"},
    {"peer 2 rr2 loading;link A B 10 peer=2 delay=7;prefix 10.1.0.0/16 A 0;prefix 10.2.0.0/16 B 0;"
     "link A B 20",
     "a feed counts from its end-of-RIB on", "?", "1",
     "[\"delay-ow is not in the map: none of 2 links has a delay (TLV 1114)\"]"},
    {"link A B 10;prefix 10.1.0.0/16 A -;prefix 10.2.0.0/16 B -;"
     "route 10.1.0.0/16 10.0.0.1;route 10.2.0.0/16 10.0.0.2",
     "it is alone: BGP routes still have their routers", "?", "1",
     "[\"rr1 leaves the metric (TLV 1155) out of all its 2 IGP prefixes: 2 of them are attached "
     "nowhere. "
     "GoBGP 3 in the route reflector's role does so, and drops delay, loss and bandwidth of "
     "links\","
     "\"2 IGP prefixes without an attachment, as 10.1.0.0/16\","
     "\"delay-ow is not in the map: none of 2 links has a delay (TLV 1114)\"]"},
    {"prefix 10.2.0.0/16 B 0 peer=2;link A B 10 delay=7;prefix 10.1.0.0/16 A -;"
     "prefix 10.2.0.0/16 B -;prefix 10.3.0.0/16 B -;route 10.1.0.0/16 10.0.0.1",
     "another feed has few of them", "7", "1",
     "[\"rr1 leaves the metric (TLV 1155) out of 1 of its 3 IGP prefixes; that of another feed is "
     "taken\",\"rr1 leaves the metric (TLV 1155) out of all its 3 IGP prefixes: 2 of them are "
     "attached nowhere. GoBGP 3 in the route reflector's role does so, and drops delay, loss and "
     "bandwidth of links\",\"2 IGP prefixes without an attachment, as 10.1.0.0/16\"]"},
    {"link A B 10 delay=7;prefix 10.1.0.0/16 A 0;prefix 10.2.0.0/16 B 0;"
     "router C 10.0.0.3;link B C 10;prefix 10.3.0.0/16 C 0",
     "a link without delay", "7", "1",
     "[\"delay-ow is absent for 4 of 6 pairs: 2 of 4 links have no delay (TLV 1114), as B to C\"]"},
    {"link A B 10 delay=7;prefix 10.1.0.0/16 A 0;prefix 10.2.0.0/16 B 0;"
     "router C 10.0.0.3;link B C 10",
     "such a link that no pair's path has", "7", "1", "[]"},
};

START_TEST(l100_what_a_feed_cannot_say_is_no_denial)
{
    const char *text =
        arena_format(config.arena, "router A 10.0.0.1;router B 10.0.0.2;%s", stripped[_i].feeds);
    struct map *map = map_of(text);

    ck_assert_msg(strcmp(cost(map, "delay-ow:mean", "A", "B"), stripped[_i].delay) == 0, "%s",
                  stripped[_i].why);
    ck_assert_msg(strcmp(cost(map, "hopcount", "A", "B"), stripped[_i].hops) == 0, "%s",
                  stripped[_i].why);
    ck_assert_str_eq(map->snapshot.warnings, stripped[_i].warnings);
    map_free(map);
}
END_TEST

START_TEST(m134_too_many_paths_have_no_delay_and_are_reported)
{
    char text[4096] = "router R0 10.0.0.1;prefix 10.1.0.0/16 R0 0\n";

    for (int i = 1; i <= 20; i++) // 2^20 ways from end to end
        (void)snprintf(text + strlen(text), sizeof text - strlen(text),
                       "router R%d 10.0.0.%d;link R%d R%d 1 delay=1 id=1;"
                       "link R%d R%d 1 delay=1 id=2\n",
                       i, i + 1, i - 1, i, i - 1, i);
    struct map *map = map_of(strcat(text, "prefix 10.2.0.0/16 R20 0"));
    ck_assert_str_eq(cost(map, "hopcount", "R0", "R20"), "20");
    ck_assert_str_eq(cost(map, "delay-ow:mean", "R0", "R20"), "?"); // no pair has any
    ck_assert_uint_eq(map->report.count, 1);
    ck_assert_str_eq(map->report.texts[0],
                     "2 pairs with more than 1000000 shortest paths have no mean");
    map_free(map);
}
END_TEST

START_TEST(m115_overload_is_no_transit)
{
    struct network *network = network_new(example);
    struct model *model = network_model(network);
    struct network_row b = network->rows[2]; // rows 1 to 5 are the routers

    ck_assert_str_eq(b.node.name, "B");
    b.node.has_flags = true;
    b.node.flags = NODE_OVERLOAD;
    network_put(model, &b);
    struct map *map = map_of_model(model);
    ck_assert_str_eq(cost(map, "routingcost", "A", "D"), "20");
    ck_assert_str_eq(cost(map, "delay-ow:mean", "A", "D"), "700");
    ck_assert_str_eq(cost(map, "routingcost", "A", "B"), "10");
    ck_assert_str_eq(cost(map, "routingcost", "B", "A"), "10"); // it is still a source
    ck_assert(map->snapshot.routers[1].overload);
    map_free(map);
    model_free(model);
    network_free(network);
}
END_TEST

/* A and B are both in areas 0 and 1: A1, B1 are their nodes there. */
START_TEST(m124_the_nearest_of_shared_areas_counts)
{
    static const struct {
        const char *links, *routingcost, *hopcount, *delay;
    } rows[] = {
        {"link A B 10 ospf delay=100;link A1 B1 5 ospf delay=300", "5", "1", "300"}, // the second
        {"link A B 5 ospf delay=100;link A1 B1 10 ospf delay=300", "5", "1", "100"}, // the first
        {"link A B 5 ospf delay=100;link A1 B1 5 ospf delay=300", "5", "1", "200"},  // tie: both
        {"link A C 2 ospf delay=1;link C B 3 ospf delay=1;link A1 B1 5 ospf delay=4", "5", "1",
         "3"},
        {"link A1 B1 5 ospf", "5", "1", "?"}, // in the first there is no way
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[512];

        (void)snprintf(
            text, sizeof text,
            "router A 10.0.0.1 ospf area=0;router A1 10.0.0.1 ospf area=1\n"
            "router B 10.0.0.2 ospf area=0;router B1 10.0.0.2 ospf area=1\n"
            "router C 10.0.0.3 ospf area=0;prefix 10.1.0.0/16 A 0;prefix 10.2.0.0/16 B 0\n"
            "%s",
            rows[i].links);
        struct map *map = map_of(text);

        ck_assert_str_eq(cost(map, "routingcost", "A", "B"), rows[i].routingcost);
        ck_assert_str_eq(cost(map, "hopcount", "A", "B"), rows[i].hopcount);
        ck_assert_str_eq(cost(map, "delay-ow:mean", "A", "B"), rows[i].delay);
        map_free(map);
    }
}
END_TEST

START_TEST(m210_the_nearest_attachment_is_chosen_once)
{
    struct map *map = map_of(
        arena_format(config.arena, "%sprefix 10.9.0.0/16 B 0\nprefix 10.9.0.0/16 D 0", example));

    // ends at B: its paths alone count
    ck_assert_str_eq(cost(map, "hopcount", "A", "B_D"), "1");
    ck_assert_str_eq(cost(map, "routingcost", "A", "B_D"), "10");
    ck_assert_str_eq(cost(map, "delay-ow:mean", "A", "B_D"), "150");
    map_free(map);
}
END_TEST

START_TEST(m211_attachment_costs_choose_and_are_not_published)
{
    struct map *map = map_of(
        arena_format(config.arena, "%sprefix 10.9.0.0/16 B 15\nprefix 10.9.0.0/16 D 0", example));
    const char *name = map->snapshot.pids[2].name;

    ck_assert_int_eq(strncmp(name, "B_D-", 4), 0); // M-304: costs differ
    ck_assert_uint_eq(strlen(name), 12);
    ck_assert_str_eq(cost(map, "routingcost", "A", name), "20");
    map_free(map);
}
END_TEST

START_TEST(m116_a_lan_is_one_hop)
{
    struct map *map =
        map_of("router A 10.0.0.1;router B 10.0.0.2;router F 10.0.0.6\n"
               "lan P A:10 B:10 F:10\n"
               "prefix 10.1.0.0/16 A 0;prefix 10.2.0.0/16 B 0;prefix 10.6.0.0/16 F 0");

    ck_assert_str_eq(cost(map, "routingcost", "A", "F"), "10");
    ck_assert_str_eq(cost(map, "hopcount", "A", "F"), "1");
    ck_assert_uint_eq(map->snapshot.link_count, 6);
    ck_assert_str_eq(map->snapshot.links[0].pseudonode, "0100.0a00.0001-01");
    map_free(map);
}
END_TEST

START_TEST(m404_what_is_not_routed_is_in_the_default_pid)
{
    struct map *map = map_of("router A 10.0.0.1\nprefix 10.1.0.0/16 A 0\nprefix 2001:db8::/32 A 0");

    ck_assert_str_eq(pids_of(map), "A 10.1.0.0/16 2001:db8::/32\ndefault 0.0.0.0/0 ::/0\n");
    map_free(map);
    map = map_of("router A 10.0.0.1\nroute 0.0.0.0/0 10.0.0.1\nprefix 2001:db8::/32 A 0");
    ck_assert_str_eq(pids_of(map), "A 0.0.0.0/0 2001:db8::/32\ndefault ::/0\n");
    map_free(map);
    map = map_of("");
    ck_assert_str_eq(pids_of(map), "default 0.0.0.0/0 ::/0\n");
    ck_assert_uint_eq(map->snapshot.metric_count, 0);
    map_free(map);
}
END_TEST

START_TEST(m503_the_bare_delay_is_an_alias)
{
    struct map *map = map_of(example);
    const struct snapshot_metric *m = map->snapshot.metrics;

    ck_assert_uint_eq(map->snapshot.metric_count, 4);
    ck_assert_str_eq(m[0].name, "routingcost");
    ck_assert_str_eq(m[1].name, "hopcount");
    ck_assert_str_eq(m[2].name, "delay-ow:mean");
    ck_assert_str_eq(m[2].cost_context, "{\"cost-source\":\"estimation\"}");
    ck_assert_str_eq(m[3].name, "delay-ow");
    ck_assert_str_eq(m[3].alias_of, "delay-ow:mean");
    ck_assert_ptr_null(m[3].rows);
    ck_assert_uint_eq(m[0].pairs, 25);
    map_free(map);
}
END_TEST

/* ---- Order and increments ---- */

/* A backbone from a seed: routers in a ring with chords, prefixes of the IGP and of BGP by two reflectors. */
static struct network *random_network(uint64_t seed)
{
    struct network *network = network_new("peer 2 rr2");
    uint32_t routers = 3 + network_random(&seed, 8);
    char line[256];

    for (uint32_t r = 0; r < routers; r++) {
        (void)snprintf(line, sizeof line, "router R%u 10.0.0.%u %s", r, r + 1,
                       network_random(&seed, 8) == 0 ? "overload" : "");
        network_add(network, line);
    }
    for (uint32_t i = 0; i < 2 * routers; i++) {
        uint32_t a = network_random(&seed, routers);
        uint32_t b = i < routers ? (i + 1) % routers : network_random(&seed, routers);

        (void)snprintf(line, sizeof line, "link R%u R%u %u id=%u peer=%u %s%u", i < routers ? i : a,
                       b, 1 + network_random(&seed, 4), i + 1, 1 + network_random(&seed, 2),
                       network_random(&seed, 10) ? "delay=" : "min=", network_random(&seed, 1000));
        network_add(network, line);
    }
    for (uint32_t i = 0; i < 40; i++) {
        uint32_t r = network_random(&seed, routers);

        if (network_random(&seed, 3) == 0)
            (void)snprintf(line, sizeof line, "prefix 10.%u.0.0/16 R%u %u",
                           1 + network_random(&seed, 12), r, network_random(&seed, 3));
        else
            (void)snprintf(line, sizeof line,
                           "route 192.0.%u.0/24 10.0.0.%u peer=%u lp=%u med=%u path=64501,%u",
                           network_random(&seed, 12), r + 1, 1 + network_random(&seed, 2),
                           100 + network_random(&seed, 2), network_random(&seed, 2),
                           64502 + network_random(&seed, 2));
        network_add(network, line);
    }
    return network;
}

/* All that is published, as one text. */
static const char *tags_of(const struct map *map)
{
    char *out = arena_alloc(map->arena, 1024, 1);

    (void)strcat(out, map->snapshot.tag);
    for (size_t i = 0; i < map->snapshot.metric_count; i++)
        (void)strcat(strcat(out, " "), map->snapshot.metrics[i].tag);
    (void)strcat(strcat(out, " "), map->snapshot.warnings);
    return out;
}

START_TEST(m604_order_of_arrival_is_in_no_tag)
{
    struct network *network = random_network((uint64_t)_i);
    struct model *model = network_model(network);
    struct map *map = map_of_model(model), *other;

    model_free(model);
    // of rows with one key the last counts: shuffled with all rows put again in their order behind
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct network *shuffled = random_network((uint64_t)_i);

        model = model_new();
        model_set_own_asn(model, 64500);
        network_shuffle(shuffled, seed);
        for (size_t i = 0; i < shuffled->count; i++)
            network_put(model, &shuffled->rows[i]);
        for (size_t i = 0; i < network->count; i++)
            network_put(model, &network->rows[i]);
        other = map_of_model(model);
        ck_assert_str_eq(tags_of(map), tags_of(other));
        map_free(other);
        model_free(model);
        network_free(shuffled);
    }
    map_free(map);
    network_free(network);
}
END_TEST

/* Whatever the way to a state, the map is that of the state. */
START_TEST(increments_give_the_map_of_a_full_load)
{
    struct network *network = random_network((uint64_t)_i);
    struct model *followed = model_new(), *full;
    uint64_t seed = (uint64_t)_i;
    bool *is_there = memory_alloc(network->count, sizeof *is_there);

    model_set_own_asn(followed, 64500);
    network_put(followed, &network->rows[0]);
    network_put(followed, &network->rows[1]);
    for (unsigned step = 0; step < 400; step++) {
        size_t i = 2 + network_random(&seed, (uint32_t)network->count - 2);

        if (network_random(&seed, 3)) {
            network_put(followed, &network->rows[i]);
            is_there[i] = true;
        } else {
            network_remove(followed, &network->rows[i]);
            for (size_t j = 0; j < network->count; j++) { // rows that share its key are gone too
                const struct network_row *a = &network->rows[i], *b = &network->rows[j];
                if (a->kind != b->kind)
                    continue;
                if (a->kind == OBJECT_ROUTE
                        ? a->route.peer_id == b->route.peer_id &&
                              prefix_compare(&a->route.prefix, &b->route.prefix) == 0
                        : a->node.peer_id == b->node.peer_id &&
                              octets_compare(a->node.nlri, b->node.nlri) == 0)
                    is_there[j] = false;
            }
        }
    }
    full = model_new();
    model_set_own_asn(full, 64500);
    network_put(full, &network->rows[0]);
    network_put(full, &network->rows[1]);
    for (size_t i = 2; i < network->count; i++) { // in one order for both: the last of a key counts
        if (is_there[i]) {
            network_put(full, &network->rows[i]);
            network_put(followed, &network->rows[i]);
        }
    }
    struct map *a = map_of_model(followed), *b = map_of_model(full);
    ck_assert_str_eq(tags_of(a), tags_of(b));
    map_free(a);
    map_free(b);
    model_free(followed);
    model_free(full);
    free(is_there);
    network_free(network);
}
END_TEST

START_TEST(counts_what_changed)
{
    struct map *before = map_of(example),
               *after = map_of(arena_format(
                   config.arena, "%sprefix 10.9.0.0/16 B 0\nprefix 10.9.0.0/16 D 0", example));
    struct map_changes changes = map_compare(&before->snapshot, &after->snapshot);

    ck_assert_uint_eq(changes.pids_added, 1);
    ck_assert_uint_eq(changes.pids_removed, 0);
    ck_assert_uint_eq(changes.prefixes_added, 1);
    ck_assert_uint_eq(changes.prefixes_removed, 0);
    ck_assert_uint_gt(changes.pairs, 0);
    changes = map_compare(&after->snapshot, &before->snapshot);
    ck_assert_uint_eq(changes.pids_removed, 1);
    ck_assert_uint_eq(changes.prefixes_removed, 1);
    changes = map_compare(&before->snapshot, &before->snapshot);
    ck_assert_uint_eq(changes.pairs + changes.pids_added + changes.prefixes_added, 0);
    map_free(before);
    map_free(after);
}
END_TEST

static void setup(void)
{
    config.arena = arena_new();
}

static void teardown(void)
{
    arena_free(config.arena);
}

int main(void)
{
    Suite *suite = suite_create("map");
    TCase *cases = tcase_create("map");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, m130_worked_example);
    tcase_add_test(cases, m136_a_missing_delay_voids_the_mean);
    tcase_add_loop_test(cases, l100_what_a_feed_cannot_say_is_no_denial, 0,
                        sizeof stripped / sizeof *stripped);
    tcase_add_test(cases, m134_too_many_paths_have_no_delay_and_are_reported);
    tcase_add_test(cases, m115_overload_is_no_transit);
    tcase_add_test(cases, m124_the_nearest_of_shared_areas_counts);
    tcase_add_test(cases, m210_the_nearest_attachment_is_chosen_once);
    tcase_add_test(cases, m211_attachment_costs_choose_and_are_not_published);
    tcase_add_test(cases, m116_a_lan_is_one_hop);
    tcase_add_test(cases, m404_what_is_not_routed_is_in_the_default_pid);
    tcase_add_test(cases, m503_the_bare_delay_is_an_alias);
    tcase_add_loop_test(cases, m604_order_of_arrival_is_in_no_tag, 0, 20);
    tcase_add_loop_test(cases, increments_give_the_map_of_a_full_load, 0, 20);
    tcase_add_test(cases, counts_what_changed);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
