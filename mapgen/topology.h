/* topology: half-links become the graphs in which shortest paths run (docs/spec/map-generation.md parts 2 and
 * 3), each SPF domain one graph.
 *
 * Domains do not join yet (M-122 to M-124): a router is reached in the first domain, in the order of M-125,
 * that holds both ends and has a path. A backbone of one level or one area is complete this way; of several,
 * routers that share no level or area do not reach each other. */
#pragma once

#include "lib/error.h"
#include "lib/graph.h"
#include "report.h"
#include "router.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct topology_options {
    bool delay_use_minimum; // M-137
};

/* A half-link of M-110. Ends: a router's index, or routers->count + a pseudonode's. */
struct half_link {
    const struct ls_link *row;
    uint32_t scope; // its level or area
    uint32_t from, to;
    uint64_t metric;
    bool is_usable; // M-111, M-114
};

/* A usable half-link between routers, or a LAN's composite (M-116), in the order of links. */
struct link {
    const struct half_link *first;  // that leaves the router: its attributes count
    const struct half_link *second; // that leaves the pseudonode; NULL: point to point
    uint32_t from, to;              // routers
    uint32_t domain;
    uint64_t metric;
    uint32_t values[GRAPH_VALUES]; // GRAPH_ABSENT: not supplied
};

struct domain {
    uint8_t protocol;
    uint64_t instance;
    uint32_t scope;
    uint32_t *routers; // of each vertex, ascending
    size_t vertex_count;
    struct graph *graph;
};

/* One place of a router in a domain. */
struct membership {
    uint32_t domain, vertex;
};

struct topology {
    struct routers *routers;
    struct domain *domains; // in the order in which they are tried (M-125)
    size_t domain_count;
    const struct membership *memberships; // grouped by router, domains ascending
    const uint32_t *first_membership;     // routers->count + 1
    struct half_link *half_links;         // all of M-110, in the order of links
    size_t half_link_count;
    struct link *links;
    size_t link_count;
    bool *overloaded; // of each router: no transit in some domain (M-115)
};

/* In the arena, but for the graphs. NULL with *err when a limit is met. routers: borrowed, as long as the
 * topology. */
struct topology *topology_build(struct routers *routers, const struct ls_rows *rows,
                                const struct topology_options *options, struct arena *arena,
                                struct report *report, struct error *err);

void topology_free(struct topology *topology); // its graphs; NULL is fine
