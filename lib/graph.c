/* graph: see graph.h, and spf.c for what a key is. */
#include "graph.h"

#include "arena.h"
#include "graph_inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Every simple path must fit: the largest metric on each of at most vertex_count - 1 arcs, with the hops
 * beside it, below UINT64_MAX (which means unreachable). */
static bool choose_hop_bits(struct graph *graph, const struct graph_arc *arcs, struct error *err)
{
    uint64_t largest = 0, farthest, key;

    for (size_t i = 0; i < graph->arc_count; i++)
        largest = arcs[i].metric > largest ? arcs[i].metric : largest;
    graph->hop_bits = 1;
    while ((uint64_t)1 << graph->hop_bits <= graph->vertex_count)
        graph->hop_bits++;
    if (__builtin_mul_overflow(largest, graph->vertex_count, &farthest) || farthest == UINT64_MAX ||
        __builtin_mul_overflow(farthest + 1, (uint64_t)1 << graph->hop_bits, &key))
        return error_set(err, ERROR_LIMIT,
                         "a metric of %llu in a domain of %zu routers: distances pass 64 bits",
                         (unsigned long long)largest, graph->vertex_count);
    return true;
}

static void fill_arcs(struct graph *graph, const struct graph_arc *arcs)
{
    uint32_t *next = memory_alloc(graph->vertex_count + 1, sizeof *next);

    for (size_t i = 0; i < graph->arc_count; i++) {
        assert(arcs[i].from < graph->vertex_count && arcs[i].to < graph->vertex_count);
        graph->first_arc[arcs[i].from + 1]++;
    }
    for (size_t v = 0; v < graph->vertex_count; v++)
        graph->first_arc[v + 1] += graph->first_arc[v];
    memcpy(next, graph->first_arc, (graph->vertex_count + 1) * sizeof *next);
    for (size_t i = 0; i < graph->arc_count; i++) {
        uint32_t at = next[arcs[i].from]++;

        graph->arcs[at] =
            (struct arc){.step = arcs[i].metric << graph->hop_bits | 1, .to = arcs[i].to};
        memcpy(graph->arcs[at].values, arcs[i].values, sizeof graph->arcs[at].values);
    }
    free(next);
}

struct graph *graph_new(size_t vertex_count, const struct graph_arc *arcs, size_t arc_count,
                        const bool *no_transit, struct error *err)
{
    struct graph *graph = memory_alloc(1, sizeof *graph);

    assert(vertex_count < UINT32_MAX && arc_count < UINT32_MAX);
    graph->vertex_count = vertex_count;
    graph->arc_count = arc_count;
    if (!choose_hop_bits(graph, arcs, err)) {
        free(graph);
        return NULL;
    }
    graph->first_arc = memory_alloc(vertex_count + 1, sizeof *graph->first_arc);
    graph->arcs = memory_alloc(arc_count, sizeof *graph->arcs);
    graph->no_transit = memory_alloc(vertex_count, sizeof *graph->no_transit);
    if (no_transit && vertex_count)
        memcpy(graph->no_transit, no_transit, vertex_count * sizeof *no_transit);
    fill_arcs(graph, arcs);
    return graph;
}

void graph_free(struct graph *graph)
{
    if (!graph)
        return;
    free(graph->first_arc);
    free(graph->arcs);
    free(graph->no_transit);
    free(graph);
}
