/* gen_backbone: see gen_backbone.h. Lengths come from a plane, square roots from integers. */
#include "gen_backbone.h"

#include "lib/prefix.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROUTERS_PER_POP = 20,
    LINKS_PER_ROUTER = 4,
    WIDTH_KM = 1200,
    HEIGHT_KM = 800,
    NEAREST = 4, // PoPs that a PoP is joined to
    HUBS = 6,    // PoPs that are joined to each other
    METRIC_INSIDE = 10,
    METRIC_CORE = 100, // and a kilometre 1
    METRIC_EDGE = 20,  // between edge routers
    DELAY_US_PER_KM = 5,
    ASYMMETRIC_PERCENT = 3,
    OVERLOADED_PERCENT = 1,
    LOSSY_PERCENT = 5,
};

const char gen_pools[] = "loopbacks: {ipv4: 10.255.0.0/18, ipv6: \"2001:db8:ff::/64\"}\n"
                         "interfaces: {ipv4: 10.252.0.0/15, ipv6: \"2001:db8:fe::/64\"}\n";

static struct prefix address_of(unsigned family, uint32_t pool, uint8_t subnet, size_t number)
{
    struct prefix address = {.family = (uint8_t)family,
                             .length_bits = family_bits((enum family)family)};
    static const uint8_t documentation[] = {0x20, 0x01, 0x0d, 0xb8, 0x00};
    uint32_t low = family == FAMILY_IPV4 ? pool + (uint32_t)number : (uint32_t)number;
    size_t bytes = address.length_bits / 8;

    if (family == FAMILY_IPV6) {
        memcpy(address.bytes, documentation, sizeof documentation);
        address.bytes[5] = subnet;
    }
    for (size_t i = 0; i < 4; i++)
        address.bytes[bytes - 1 - i] = (uint8_t)(low >> 8 * i);
    return address;
}

struct prefix gen_loopback(size_t router, unsigned family)
{
    return address_of(family, 10u << 24 | 255u << 16, 0xff, router + 1);
}

struct prefix gen_interface(size_t link, size_t side, unsigned family)
{
    return address_of(family, 10u << 24 | 252u << 16, 0xfe, 2 * link + side);
}

static uint32_t square_root(uint32_t number)
{
    uint32_t root = 0;

    for (uint32_t bit = 1u << 15; bit; bit >>= 1) {
        uint32_t tried = root | bit;

        if ((uint64_t)tried * tried <= number)
            root = tried;
    }
    return root;
}

static uint32_t distance_km(const struct gen_pop *a, const struct gen_pop *b)
{
    uint32_t x = a->x > b->x ? a->x - b->x : b->x - a->x;
    uint32_t y = a->y > b->y ? a->y - b->y : b->y - a->y;
    uint32_t km = square_root(x * x + y * y);

    return km > 2 ? km : 2;
}

// ---- routers

/* Names are drawn without repeats: each is a number below 2,000. */
static void name_pops(struct gen_backbone *backbone, struct random *random)
{
    static const char consonants[] = "bcdfghjklmnpqrstvwxz", vowels[] = "aeiou";
    enum { CONSONANTS = sizeof consonants - 1, VOWELS = sizeof vowels - 1 };
    uint16_t names[CONSONANTS * VOWELS * CONSONANTS];
    size_t count = sizeof names / sizeof *names;

    assert(backbone->pop_count <= count);
    for (size_t i = 0; i < count; i++)
        names[i] = (uint16_t)i;
    for (size_t i = 0; i < backbone->pop_count; i++) {
        size_t other = i + random_below(random, (uint32_t)(count - i));
        uint16_t name = names[other];

        names[other] = names[i];
        (void)snprintf(backbone->pops[i].name, sizeof backbone->pops[i].name, "%c%c%c",
                       consonants[name / (VOWELS * CONSONANTS)], vowels[name / CONSONANTS % VOWELS],
                       consonants[name % CONSONANTS]);
    }
}

/* Two cores each, two edge routers at least; the rest by drawn weights. */
static void share_routers(struct gen_backbone *backbone, struct random *random)
{
    enum { LEAST = GEN_CORES + 2, WEIGHTS = 5 };
    size_t left = backbone->router_count - LEAST * backbone->pop_count;
    uint32_t total = 0;

    for (size_t i = 0; i < backbone->pop_count; i++) {
        backbone->pops[i].count = random_between(random, 2, 1 + WEIGHTS);
        total += backbone->pops[i].count;
    }
    size_t given = 0;

    assert(total);
    for (size_t i = 0; i < backbone->pop_count; i++) {
        uint32_t share = (uint32_t)(left * backbone->pops[i].count / total);

        backbone->pops[i].count = LEAST + share;
        given += share;
    }
    for (size_t i = 0; given < left; i++, given++)
        backbone->pops[i % backbone->pop_count].count++;
}

static void make_routers(struct gen_backbone *backbone, struct random *random)
{
    size_t next = 0;

    for (uint32_t p = 0; p < backbone->pop_count; p++) {
        struct gen_pop *pop = &backbone->pops[p];

        pop->first = (uint32_t)next;
        for (unsigned i = 0; i < pop->count; i++) {
            struct gen_router *router = &backbone->routers[next++];

            router->pop = p;
            router->is_core = i < GEN_CORES;
            (void)snprintf(router->name, sizeof router->name, "%s-%s%0*u", pop->name,
                           router->is_core ? "cr" : "er", router->is_core ? 1 : 2,
                           (router->is_core ? i : i - GEN_CORES) % 1000 + 1);
        }
    }
    assert(next == backbone->router_count);
    for (size_t left = (next * OVERLOADED_PERCENT + 50) / 100; left;) {
        struct gen_router *router = &backbone->routers[random_below(random, (uint32_t)next)];
        uint32_t first = backbone->pops[router->pop].first;

        if (router->overload || (router->is_core && (backbone->routers[first].overload ||
                                                     backbone->routers[first + 1].overload)))
            continue; // one core a PoP goes on
        router->overload = true;
        left--;
    }
}

// ---- links

enum { SPEEDS = 3 };
static const uint32_t edge_gbps[SPEEDS] = {10, 40, 100}, core_gbps[SPEEDS] = {100, 400, 800};

/* A link of that length. Parallels are told from the first by what is free on them only. */
static void add_link(struct gen_backbone *backbone, struct random *random, uint32_t a, uint32_t b,
                     uint32_t hectometres, uint32_t metric, uint32_t gbps)
{
    struct gen_link *link = &backbone->links[backbone->link_count++];

    *link = (struct gen_link){.ends = {a, b},
                              .metric = {metric, metric},
                              .hectometres = hectometres,
                              .delay_us = hectometres * DELAY_US_PER_KM / 10,
                              .bandwidth_gbps = gbps};
    for (size_t side = 0; side < 2; side++) {
        uint32_t residual = gbps * random_between(random, 30, 95) / 100;

        link->residual_gbps[side] = residual ? residual : 1;
    }
    if (random_percent(random, LOSSY_PERCENT))
        link->loss = random_between(random, 1, 3000);
}

static void add_inside(struct gen_backbone *backbone, struct random *random, uint32_t a, uint32_t b,
                       uint32_t metric, uint32_t gbps)
{
    add_link(backbone, random, a, b, 2 * random_between(random, 1, 10), metric, gbps);
}

static void join_pops(struct gen_backbone *backbone, struct random *random, uint32_t a, uint32_t b,
                      bool *joined)
{
    const struct gen_pop *here = &backbone->pops[a], *there = &backbone->pops[b];
    uint32_t km = distance_km(here, there);
    uint32_t gbps = core_gbps[random_below(random, SPEEDS)];

    if (a == b || joined[a * backbone->pop_count + b])
        return;
    joined[a * backbone->pop_count + b] = joined[b * backbone->pop_count + a] = true;
    for (uint32_t plane = 0; plane < GEN_CORES; plane++)
        add_link(backbone, random, here->first + plane, there->first + plane, 10 * km,
                 METRIC_CORE + km, gbps);
}

/* The PoP of [0, limit) nearest to this one that it is not joined to. */
static uint32_t nearest(const struct gen_backbone *backbone, uint32_t pop, uint32_t limit,
                        const bool *joined)
{
    uint32_t best = pop, least = UINT32_MAX;

    for (uint32_t i = 0; i < limit; i++) {
        uint32_t km = distance_km(&backbone->pops[pop], &backbone->pops[i]);

        if (i != pop && !joined[pop * backbone->pop_count + i] && km < least) {
            least = km;
            best = i;
        }
    }
    return best;
}

static void make_core(struct gen_backbone *backbone, struct random *random)
{
    uint32_t pops = (uint32_t)backbone->pop_count, hubs = pops / 8 < HUBS ? pops / 8 : HUBS;
    bool *joined = memory_alloc((size_t)pops * pops, sizeof *joined);

    for (uint32_t i = 1; i < pops; i++) // a tree first: nothing is cut off
        join_pops(backbone, random, i, nearest(backbone, i, i, joined), joined);
    for (uint32_t n = 1; n < NEAREST; n++) {
        for (uint32_t i = 0; i < pops; i++)
            join_pops(backbone, random, i, nearest(backbone, i, pops, joined), joined);
    }
    for (uint32_t i = 0; i < hubs; i++) {
        for (uint32_t k = 0; k < i; k++)
            join_pops(backbone, random, i, k, joined);
    }
    free(joined);
}

static void make_pops(struct gen_backbone *backbone, struct random *random)
{
    for (uint32_t p = 0; p < backbone->pop_count; p++) {
        const struct gen_pop *pop = &backbone->pops[p];

        for (unsigned i = 0; i < 2; i++)
            add_inside(backbone, random, pop->first, pop->first + 1, METRIC_INSIDE, 400);
        for (uint32_t i = GEN_CORES; i < pop->count; i++) {
            uint32_t gbps = edge_gbps[random_below(random, SPEEDS)];

            for (uint32_t core = 0; core < GEN_CORES; core++)
                add_inside(backbone, random, pop->first + i, pop->first + core, METRIC_INSIDE,
                           gbps);
        }
    }
}

/* Fills up to four links a router: parallels of what is there, every eighth between edge routers. */
static void fill_up(struct gen_backbone *backbone, struct random *random, size_t limit)
{
    size_t structure = backbone->link_count;

    while (backbone->link_count < limit) {
        if (random_below(random, 8) == 0) {
            const struct gen_pop *pop =
                &backbone->pops[random_below(random, (uint32_t)backbone->pop_count)];
            uint32_t a = pop->first + GEN_CORES + random_below(random, pop->count - GEN_CORES - 1);

            add_inside(backbone, random, a, a + 1, METRIC_EDGE, 100);
            continue;
        }
        const struct gen_link *link = &backbone->links[random_below(random, (uint32_t)structure)];

        add_link(backbone, random, link->ends[0], link->ends[1], link->hectometres, link->metric[0],
                 link->bandwidth_gbps);
    }
}

static void make_asymmetric(struct gen_backbone *backbone, struct random *random)
{
    for (size_t left = (backbone->link_count * ASYMMETRIC_PERCENT + 50) / 100; left;) {
        struct gen_link *link =
            &backbone->links[random_below(random, (uint32_t)backbone->link_count)];

        if (link->metric[0] != link->metric[1])
            continue;
        link->metric[1] += random_between(random, 1, link->metric[0]);
        left--;
    }
}

size_t gen_pop_count(size_t routers)
{
    return routers / ROUTERS_PER_POP > 2 ? routers / ROUTERS_PER_POP : 2;
}

struct gen_backbone *gen_backbone_make(uint64_t seed, size_t routers, struct arena *arena)
{
    struct gen_backbone *backbone = arena_alloc(arena, 1, sizeof *backbone);
    struct random random = random_start(seed, 1);
    size_t limit = LINKS_PER_ROUTER * routers;

    backbone->router_count = routers;
    backbone->pop_count = gen_pop_count(routers);
    backbone->pops = arena_alloc(arena, backbone->pop_count, sizeof *backbone->pops);
    backbone->routers = arena_alloc(arena, routers, sizeof *backbone->routers);
    backbone->links = arena_alloc(arena, limit, sizeof *backbone->links);
    name_pops(backbone, &random);
    for (size_t i = 0; i < backbone->pop_count; i++) {
        backbone->pops[i].x = random_below(&random, WIDTH_KM);
        backbone->pops[i].y = random_below(&random, HEIGHT_KM);
    }
    share_routers(backbone, &random);
    make_routers(backbone, &random);
    make_pops(backbone, &random);
    make_core(backbone, &random);
    assert(backbone->link_count <= limit);
    fill_up(backbone, &random, limit);
    make_asymmetric(backbone, &random);
    return backbone;
}
