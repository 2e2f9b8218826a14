/* gen_backbone: routers and links of a national backbone (docs/benchmarks.md, "The input").
 *
 *     PoP:  two cores, joined twice; edge routers at both     core: each PoP to its nearest, and the hubs to
 *           cr1 ═══ cr2                                             each other, cr1 to cr1 and cr2 to cr2
 *            │ ╲   ╱ │
 *            │  ╳    │      what is left of four links a router are parallels
 *           er1     er2     and links between neighbouring edge routers */
#pragma once

#include "gen_random.h"
#include "lib/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GEN_NAME_SIZE = 16, GEN_CORES = 2 };

struct gen_router {
    char name[GEN_NAME_SIZE]; // "tol-er07"
    uint32_t pop;
    bool is_core, overload;
};

struct gen_pop {
    char name[4];
    uint32_t x, y;         // km
    uint32_t first, count; // routers; the first two are the cores
};

struct gen_link {
    uint32_t ends[2];        // routers
    uint32_t metric[2];      // from ends[0], from ends[1]
    uint32_t hectometres;    // even, so that 5 us/km is a whole number
    uint32_t delay_us;       // 5 us/km
    uint32_t loss;           // of 0.000003 per cent
    uint32_t bandwidth_gbps; // both directions
    uint32_t residual_gbps[2];
};

struct gen_backbone {
    struct gen_pop *pops;
    struct gen_router *routers;
    struct gen_link *links;
    size_t pop_count, router_count, link_count;
};

size_t gen_pop_count(size_t routers);

/* In the arena. */
struct gen_backbone *gen_backbone_make(uint64_t seed, size_t routers, struct arena *arena);

/* The n-th router's loopbacks and the interface addresses of the n-th link, as the scenario's pools give them. */
struct prefix gen_loopback(size_t router, unsigned family);
struct prefix gen_interface(size_t link, size_t side, unsigned family);
extern const char gen_pools[]; // the lines of a scenario that say so
