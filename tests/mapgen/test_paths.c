/* Random small networks, from the rows of state.db to the costs of a map, against the enumeration of every path.
 *
 * The oracle knows nothing of routers, domains or heaps: a list of half-links, rounds of relaxation until
 * nothing changes, and a walk over all shortest paths, one by one (M-110 to M-116, M-130 to M-136, M-210). */
#include "mapgen/map.h"
#include "network.h"

#include <check.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROUTERS = 6,
    PREFIXES = 6,
    HALVES = 160,
    LAN = ROUTERS, // the end of a half-link that is the pseudonode
    SEEDS = 400,
    UNUSED = 0xffffff,
};

struct half {
    unsigned from, to;
    int64_t metric; // -1: none
    int64_t delay;  // -1: none
};

struct plain {
    unsigned router_count, half_count, arc_count;
    struct half halves[HALVES], arcs[HALVES]; // arcs: usable, between routers
    bool overload[ROUTERS];
    int64_t cost[PREFIXES][ROUTERS]; // of attachment, the least subtracted; -1: not there
    char text[16384];
};

/* All paths of one pair, or of several put together. */
struct sum {
    int64_t k, routingcost, hops;
    uint64_t paths, delay;
    bool no_delay;
};

__attribute__((format(printf, 2, 3))) static void say(struct plain *plain, const char *format, ...)
{
    size_t used = strlen(plain->text);
    va_list args;

    va_start(args, format);
    int length = vsnprintf(plain->text + used, sizeof plain->text - used, format, args);
    va_end(args);
    ck_assert(length > 0 && used + (size_t)length < sizeof plain->text);
}

/* ---- A network ---- */

static void add_half(struct plain *plain, unsigned from, unsigned to, int64_t metric, int64_t delay)
{
    ck_assert_uint_lt(plain->half_count, HALVES);
    plain->halves[plain->half_count++] = (struct half){from, to, metric, delay};
}

static int64_t random_delay(uint64_t *seed)
{
    return network_random(seed, 12) ? (int64_t)network_random(seed, 50) : -1;
}

static void make_half(struct plain *plain, uint64_t *seed, unsigned from, unsigned to,
                      const char *protocol)
{
    unsigned kind = network_random(seed, 16);
    int64_t metric = kind == 0 ? -1 : kind == 1 ? UNUSED : (int64_t)network_random(seed, 4);
    int64_t delay = random_delay(seed);

    add_half(plain, from, to, metric, delay);
    say(plain, "half R%u R%u ", from, to);
    say(plain, metric < 0 ? "- " : "%" PRId64 " ", metric);
    if (delay >= 0)
        say(plain, "delay=%" PRId64 " ", delay);
    say(plain, "%s id=%u\n", protocol, plain->half_count);
}

/* Members at metrics of their own, back at 0 and some a second time at more; what the pseudonode says of delay
 * must not count. */
static void make_lan(struct plain *plain, uint64_t *seed, const char *protocol)
{
    bool is_member[ROUTERS] = {false};
    int64_t delay = random_delay(seed);

    say(plain, "lan P");
    for (unsigned r = 0; r < plain->router_count; r++) {
        if (network_random(seed, 2))
            continue;
        int64_t metric = network_random(seed, 4);
        say(plain, " R%u:%" PRId64, r, metric);
        add_half(plain, r, LAN, metric, delay);
        add_half(plain, LAN, r, 0, delay);
        is_member[r] = true;
    }
    if (delay >= 0)
        say(plain, " delay=%" PRId64, delay);
    say(plain, " %s\n", protocol);
    for (unsigned r = 0; r < plain->router_count; r++) {
        int64_t metric = network_random(seed, 3);

        if (!is_member[r] || network_random(seed, 2))
            continue;
        add_half(plain, LAN, r, metric, -1);
        say(plain, "half P R%u %" PRId64 " %s id=%u\n", r, metric, protocol, plain->half_count);
    }
}

static void make_prefixes(struct plain *plain, uint64_t *seed, const char *protocol)
{
    for (unsigned p = 0; p < PREFIXES; p++) {
        bool is_route = network_random(seed, 3) == 0;
        unsigned count = 1 + network_random(seed, 3);
        int64_t least = INT64_MAX;

        for (unsigned r = 0; r < ROUTERS; r++)
            plain->cost[p][r] = -1;
        for (unsigned i = 0; i < count; i++) {
            unsigned r = network_random(seed, plain->router_count);
            int64_t cost = is_route ? 0 : network_random(seed, 4);

            if (plain->cost[p][r] >= 0)
                continue;
            plain->cost[p][r] = cost;
            least = cost < least ? cost : least;
            if (is_route)
                say(plain, "route 192.0.%u.0/24 10.0.0.%u id=%u path=64501\n", p, r + 1, i);
            else
                say(plain, "prefix 10.%u.0.0/16 R%u %" PRId64 " %s\n", p + 1, r, cost, protocol);
        }
        for (unsigned r = 0; r < ROUTERS; r++)
            plain->cost[p][r] -= plain->cost[p][r] >= 0 ? least : 0;
    }
}

static void make_network(struct plain *plain, uint64_t seed)
{
    bool is_ospf = network_random(&seed, 3) == 0;
    const char *protocol = is_ospf ? "ospf" : "level2";

    plain->router_count = 2 + network_random(&seed, ROUTERS - 1);
    for (unsigned r = 0; r < plain->router_count; r++) {
        plain->overload[r] = !is_ospf && network_random(&seed, 6) == 0;
        say(plain, "router R%u 10.0.0.%u %s%s%s\n", r, r + 1, protocol, is_ospf ? " area=0" : "",
            plain->overload[r] ? " overload" : "");
    }
    for (unsigned a = 0; a < plain->router_count; a++) {
        for (unsigned b = 0; b < plain->router_count; b++) {
            unsigned count = network_random(&seed, 5);

            for (unsigned i = 2; a != b && i < count; i++) // 0, 0, 0, 1 or 2 in parallel
                make_half(plain, &seed, a, b, protocol);
        }
    }
    // a spanning chain, so that most pairs have a path
    for (unsigned r = 1; r < plain->router_count; r++) {
        make_half(plain, &seed, r - 1, r, protocol);
        make_half(plain, &seed, r, r - 1, protocol);
    }
    if (network_random(&seed, 2))
        make_lan(plain, &seed, protocol);
    make_prefixes(plain, &seed, protocol);
    // OSPF's 16,777,215 is a number like another (M-114)
    for (unsigned i = 0; i < plain->half_count; i++) {
        if (!is_ospf && plain->halves[i].metric == UNUSED)
            plain->halves[i].metric = -1;
    }
}

/* ---- The oracle ---- */

static bool is_usable(const struct plain *plain, const struct half *half)
{
    for (unsigned i = 0; half->metric >= 0 && i < plain->half_count; i++) {
        if (plain->halves[i].from == half->to && plain->halves[i].to == half->from)
            return true;
    }
    return false;
}

static void make_arcs(struct plain *plain)
{
    for (unsigned i = 0; i < plain->half_count; i++) {
        const struct half *first = &plain->halves[i];

        if (first->from == LAN || !is_usable(plain, first))
            continue;
        if (first->to != LAN)
            plain->arcs[plain->arc_count++] = *first;
        for (unsigned j = 0; first->to == LAN && j < plain->half_count; j++) {
            if (plain->halves[j].from == LAN && plain->halves[j].to != first->from)
                plain->arcs[plain->arc_count++] =
                    (struct half){first->from, plain->halves[j].to,
                                  first->metric + plain->halves[j].metric, first->delay};
        }
    }
}

struct place {
    int64_t d, h; // the lexicographic minimum; d < 0: not reached
};

static void relax(const struct plain *plain, unsigned source, struct place places[ROUTERS])
{
    bool changed = true;

    for (unsigned r = 0; r < ROUTERS; r++)
        places[r] = (struct place){r == source ? 0 : -1, 0};
    while (changed) {
        changed = false;
        for (unsigned i = 0; i < plain->arc_count; i++) {
            const struct half *arc = &plain->arcs[i];
            struct place *to = &places[arc->to], from = places[arc->from];
            struct place next = {from.d + arc->metric, from.h + 1};

            if (from.d < 0 || (plain->overload[arc->from] && arc->from != source))
                continue;
            if (to->d < 0 || next.d < to->d || (next.d == to->d && next.h < to->h)) {
                *to = next;
                changed = true;
            }
        }
    }
}

/* Each path from `at` to the destination, one after another. */
static void walk(const struct plain *plain, const struct place *places, unsigned source,
                 unsigned at, unsigned destination, uint64_t delay, bool no_delay, struct sum *sum)
{
    if (at == destination) {
        sum->paths++;
        sum->delay += delay;
        sum->no_delay |= no_delay;
        return;
    }
    if (plain->overload[at] && at != source)
        return;
    for (unsigned i = 0; i < plain->arc_count; i++) {
        const struct half *arc = &plain->arcs[i];

        if (arc->from != at || places[at].d + arc->metric != places[arc->to].d ||
            (arc->metric == 0 && places[at].h + 1 != places[arc->to].h))
            continue;
        walk(plain, places, source, arc->to, destination,
             delay + (uint64_t)(arc->delay < 0 ? 0 : arc->delay), no_delay || arc->delay < 0, sum);
    }
}

/* M-210: over all attachment pairs of least k. paths 0: none. */
static struct sum price(const struct plain *plain, unsigned from, unsigned to)
{
    struct sum sum = {.k = INT64_MAX};

    for (unsigned a = 0; a < ROUTERS; a++) {
        struct place places[ROUTERS];

        if (plain->cost[from][a] < 0)
            continue;
        relax(plain, a, places);
        for (unsigned b = 0; b < ROUTERS; b++) {
            int64_t k = plain->cost[from][a] + places[b].d + plain->cost[to][b];

            if (plain->cost[to][b] < 0 || places[b].d < 0 || k > sum.k)
                continue;
            if (k < sum.k)
                sum = (struct sum){.k = k, .routingcost = INT64_MAX, .hops = INT64_MAX};
            sum.routingcost = places[b].d < sum.routingcost ? places[b].d : sum.routingcost;
            sum.hops = places[b].h < sum.hops ? places[b].h : sum.hops;
            walk(plain, places, a, a, b, 0, false, &sum);
        }
    }
    return sum;
}

/* ---- The map ---- */

static size_t pid_of(const struct snapshot *s, unsigned p)
{
    char igp[32], bgp[32], text[PREFIX_TEXT_SIZE];

    (void)snprintf(igp, sizeof igp, "10.%u.0.0/16", p + 1);
    (void)snprintf(bgp, sizeof bgp, "192.0.%u.0/24", p);
    for (size_t i = 0; i < s->pid_count; i++) {
        for (size_t at = 0; at < s->pids[i].prefix_count; at++) {
            (void)prefix_format(&s->pids[i].prefixes[at], text);
            if (strcmp(text, igp) == 0 || strcmp(text, bgp) == 0)
                return i;
        }
    }
    ck_abort_msg("prefix %u is in no PID", p);
    return 0;
}

/* -1: absent. */
static int64_t cost_of(const struct snapshot *s, const char *metric, size_t from, size_t to)
{
    int64_t value = -1;

    for (size_t m = 0; m < s->metric_count; m++) {
        if (strcmp(s->metrics[m].name, metric) != 0)
            continue;
        const struct snapshot_row *row = &s->metrics[m].rows[from];
        for (size_t i = 0; i < row->width; i++) {
            char digit = row->cells[to * row->width + i];
            if (digit != ' ')
                value = (value < 0 ? 0 : value) * 10 + digit - '0';
        }
    }
    return value;
}

static void compare(const struct plain *plain, const struct snapshot *s, unsigned from, unsigned to)
{
    size_t a = pid_of(s, from), b = pid_of(s, to);
    struct sum sum = price(plain, from, to);
    int64_t delay = cost_of(s, "delay-ow:mean", a, b);
    int64_t expected = sum.paths == 0 || sum.no_delay
                           ? -1
                           : (int64_t)((2 * sum.delay + sum.paths) / (2 * sum.paths));

    if (a == b) { // M-214
        ck_assert_int_eq(cost_of(s, "routingcost", a, b), 0);
        ck_assert_int_eq(cost_of(s, "hopcount", a, b), 0);
        ck_assert_int_le(delay, 0);
        return;
    }
    ck_assert_int_eq(cost_of(s, "routingcost", a, b), sum.paths ? sum.routingcost : -1);
    ck_assert_int_eq(cost_of(s, "hopcount", a, b), sum.paths ? sum.hops : -1);
    ck_assert_int_eq(delay, expected);
}

START_TEST(m210_costs_equal_the_enumeration_of_all_paths)
{
    struct config config = {.map = {.name = "default", .default_pid = "default"}};
    struct plain *plain = calloc(1, sizeof *plain);
    struct error err;

    ck_assert_ptr_nonnull(plain);
    make_network(plain, (uint64_t)_i);
    make_arcs(plain);
    struct network *network = network_new(plain->text);
    network_shuffle(network, (uint64_t)_i);
    struct model *model = network_model(network);
    struct map *map = map_compute(model, &config, 0, 1, &err);
    ck_assert_msg(map, "%s", err.text);
    for (unsigned from = 0; from < PREFIXES; from++) {
        for (unsigned to = 0; to < PREFIXES; to++)
            compare(plain, &map->snapshot, from, to);
    }
    map_free(map);
    model_free(model);
    network_free(network);
    free(plain);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("paths");
    TCase *cases = tcase_create("paths");

    tcase_add_loop_test(cases, m210_costs_equal_the_enumeration_of_all_paths, 0, SEEDS);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
