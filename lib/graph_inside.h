/* graph_inside: the arrays of a graph, for spf.c and its benchmark. */
#pragma once

#include "graph.h"

struct arc {
    uint64_t step; // as a key: (metric << hop_bits) | 1
    uint32_t to;
    uint32_t values[GRAPH_VALUES];
};

struct graph {
    size_t vertex_count, arc_count;
    unsigned hop_bits;   // a key is (distance << hop_bits) | hops
    uint32_t *first_arc; // vertex_count + 1: the arcs of v are first_arc[v] … first_arc[v + 1] - 1
    struct arc *arcs;
    bool *no_transit;
};
