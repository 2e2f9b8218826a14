/* graph: one SPF domain, ready for shortest paths (docs/spec/map-generation.md parts 2 to 4).
 *
 * Vertices are routers and arcs are usable half-links or the composites of a LAN (M-116): pseudonodes, the
 * two-way check and the merging of nodes lie behind the caller. Arcs stand in one array, ordered by their
 * source, with an index per vertex into it; there are no pointers per arc. Immutable once made: any number of
 * threads may search it. */
#pragma once

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is summed along a path beside metric and hops, exactly, in integers. */
enum graph_value { VALUE_DELAY_US, GRAPH_VALUES };

#define GRAPH_ABSENT UINT32_MAX // a link that does not supply the value (M-136)

struct graph_arc {
    uint32_t from, to;
    uint64_t metric; // 0 is a metric (M-114)
    uint32_t values[GRAPH_VALUES];
};

struct graph;

/* arcs[arc_count] in the order of links; parallel ones stay (M-113). no_transit[vertex_count]: routers that
 * paths begin and end at but do not pass (M-115); NULL: none. All borrowed for the call.
 * NULL with *err (ERROR_LIMIT) when distances of paths could pass what 64 bits hold. */
struct graph *graph_new(size_t vertex_count, const struct graph_arc *arcs, size_t arc_count,
                        const bool *no_transit, struct error *err);

void graph_free(struct graph *graph); // NULL is fine
