/* spf: Dijkstra over a radix heap, then one pass over the paths found.
 *
 * Links of metric 0 are allowed, so distance alone orders nothing: two routers at one distance could each
 * stand before the other on a "shortest" path, for ever. M-132 decides by (distance, hops), least first. Both
 * are kept in one number, the key:
 *
 *     key = distance << hop_bits | hops          a link's step = metric << hop_bits | 1
 *
 * Hops never carry into the distance (graph.c leaves them room), so adding steps adds both parts, the least
 * key is the lexicographic minimum, and every step is positive: plain Dijkstra, which settles vertices in the
 * order of their keys. In that order the second pass adds up paths, because a vertex's predecessors all stand
 * before it:
 *
 *     metric > 0: the link u → v is on a shortest path iff the distances differ by the metric
 *     metric = 0: iff the keys differ by the step, that is by one hop
 *
 * The heap: vertices by the highest bit in which their key differs from the key taken last. Keys only grow
 * beyond that one, so a vertex moves to lower buckets only, at most 64 times. Buckets are lists linked by
 * vertex numbers: nothing is allocated, and a vertex changes its bucket in a few instructions. */
#include "spf.h"

#include "arena.h"
#include "graph_inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 65 };
#define NONE UINT32_MAX

struct spf {
    const struct graph *graph;
    uint64_t *key;   // of each vertex; UINT64_MAX: not reached
    uint32_t *order; // reached vertices, in the order of their keys
    size_t order_count;
    uint32_t *next, *previous; // in a bucket
    uint8_t *bucket;           // the vertex's; BUCKETS: none (settled, or not reached)
    uint32_t head[BUCKETS];
    uint64_t filled; // bit b - 1: bucket b holds something; bucket 0 is asked itself
    uint64_t last;   // key taken last
};

struct spf *spf_new(const struct graph *graph)
{
    struct spf *spf = memory_alloc(1, sizeof *spf);
    size_t n = graph->vertex_count;

    spf->graph = graph;
    spf->key = memory_alloc(n, sizeof *spf->key);
    spf->order = memory_alloc(n, sizeof *spf->order);
    spf->next = memory_alloc(n, sizeof *spf->next);
    spf->previous = memory_alloc(n, sizeof *spf->previous);
    spf->bucket = memory_alloc(n, sizeof *spf->bucket);
    return spf;
}

void spf_free(struct spf *spf)
{
    if (!spf)
        return;
    free(spf->key);
    free(spf->order);
    free(spf->next);
    free(spf->previous);
    free(spf->bucket);
    free(spf);
}

/* ---- The heap ---- */

static void heap_put(struct spf *spf, uint32_t vertex)
{
    uint64_t differs = spf->key[vertex] ^ spf->last;
    unsigned bucket = differs ? 64 - (unsigned)__builtin_clzll(differs) : 0;
    uint32_t head = spf->head[bucket];

    spf->bucket[vertex] = (uint8_t)bucket;
    spf->previous[vertex] = NONE;
    spf->next[vertex] = head;
    if (head != NONE)
        spf->previous[head] = vertex;
    spf->head[bucket] = vertex;
    if (bucket)
        spf->filled |= (uint64_t)1 << (bucket - 1);
}

static void heap_remove(struct spf *spf, uint32_t vertex)
{
    unsigned bucket = spf->bucket[vertex];
    uint32_t next = spf->next[vertex], previous = spf->previous[vertex];

    assert(bucket < BUCKETS);
    if (next != NONE)
        spf->previous[next] = previous;
    if (previous != NONE)
        spf->next[previous] = next;
    else
        spf->head[bucket] = next;
    if (bucket && spf->head[bucket] == NONE)
        spf->filled &= ~((uint64_t)1 << (bucket - 1));
    spf->bucket[vertex] = BUCKETS;
}

/* Brings the vertices of the lowest bucket down, so that bucket 0 holds those of the least key. */
static bool heap_spread(struct spf *spf)
{
    if (!spf->filled)
        return false;
    unsigned bucket = (unsigned)__builtin_ctzll(spf->filled) + 1;
    uint32_t vertex = spf->head[bucket];
    uint64_t least = UINT64_MAX;

    for (uint32_t at = vertex; at != NONE; at = spf->next[at])
        least = spf->key[at] < least ? spf->key[at] : least;
    spf->head[bucket] = NONE;
    spf->filled &= ~((uint64_t)1 << (bucket - 1));
    spf->last = least;
    while (vertex != NONE) {
        uint32_t next = spf->next[vertex];
        heap_put(spf, vertex);
        vertex = next;
    }
    return true;
}

static bool heap_take(struct spf *spf, uint32_t *vertex)
{
    if (spf->head[0] == NONE && !heap_spread(spf))
        return false;
    *vertex = spf->head[0];
    heap_remove(spf, *vertex);
    return true;
}

/* ---- Keys ---- */

static bool is_passed(const struct spf *spf, uint32_t vertex, uint32_t source)
{
    return vertex == source || !spf->graph->no_transit[vertex];
}

static void find_keys(struct spf *spf, uint32_t source)
{
    const struct graph *graph = spf->graph;
    uint32_t u;

    memset(spf->key, 0xff, graph->vertex_count * sizeof *spf->key);
    memset(spf->bucket, BUCKETS, graph->vertex_count);
    memset(spf->head, 0xff, sizeof spf->head);
    spf->filled = spf->last = 0;
    spf->order_count = 0;
    spf->key[source] = 0;
    heap_put(spf, source);
    while (heap_take(spf, &u)) {
        spf->order[spf->order_count++] = u;
        if (!is_passed(spf, u, source))
            continue;
        for (uint32_t arc = graph->first_arc[u]; arc < graph->first_arc[u + 1]; arc++) {
            uint32_t v = graph->to[arc];
            uint64_t key = spf->key[u] + graph->step[arc];

            if (key >= spf->key[v])
                continue;
            spf->key[v] = key;
            if (spf->bucket[v] != BUCKETS)
                heap_remove(spf, v);
            heap_put(spf, v);
        }
    }
}

/* ---- Sums ---- */

static uint32_t add_paths(uint32_t a, uint32_t b)
{
    if (a == SPF_TOO_MANY || b == SPF_TOO_MANY || a + b > SPF_PATH_LIMIT)
        return SPF_TOO_MANY;
    return a + b;
}

static uint64_t add_sums(uint64_t a, uint64_t b)
{
    uint64_t sum;

    // neither can be SPF_ABSENT without the sum passing 64 bits, but for absent + 0
    if (a == SPF_ABSENT || b == SPF_ABSENT || __builtin_add_overflow(a, b, &sum))
        return SPF_ABSENT;
    return sum;
}

void spf_path_add(struct spf_path *into, const struct spf_path *other)
{
    into->paths = add_paths(into->paths, other->paths);
    for (size_t value = 0; value < GRAPH_VALUES; value++)
        into->sums[value] = into->paths == SPF_TOO_MANY
                                ? SPF_ABSENT
                                : add_sums(into->sums[value], other->sums[value]);
}

/* The paths to u, made longer by one arc. */
static struct spf_path extend(const struct graph *graph, const struct spf_path *path, uint32_t arc)
{
    struct spf_path longer = *path;

    for (size_t value = 0; value < GRAPH_VALUES; value++) {
        uint32_t added = graph->values[value][arc];
        uint64_t product;

        if (added == GRAPH_ABSENT || __builtin_mul_overflow((uint64_t)path->paths, added, &product))
            longer.sums[value] = SPF_ABSENT;
        else
            longer.sums[value] = add_sums(path->sums[value], product);
    }
    return longer;
}

static bool is_shortest(const struct graph *graph, uint64_t key_u, uint64_t key_v, uint64_t step)
{
    uint64_t metric = step >> graph->hop_bits;

    if (metric == 0)
        return key_u + step == key_v;
    return (key_u >> graph->hop_bits) + metric == key_v >> graph->hop_bits;
}

static void add_up(const struct spf *spf, uint32_t source, struct spf_path *out)
{
    const struct graph *graph = spf->graph;
    bool *seen = (bool *)spf->bucket; // the heap is empty: its memory serves again

    memset(seen, 0, graph->vertex_count * sizeof *seen);
    seen[source] = true;
    out[source].paths = 1;
    memset(out[source].sums, 0, sizeof out[source].sums);
    for (size_t i = 0; i < spf->order_count; i++) {
        uint32_t u = spf->order[i];

        if (!is_passed(spf, u, source))
            continue;
        for (uint32_t arc = graph->first_arc[u]; arc < graph->first_arc[u + 1]; arc++) {
            uint32_t v = graph->to[arc];

            if (!is_shortest(graph, spf->key[u], spf->key[v], graph->step[arc]))
                continue;
            struct spf_path path = extend(graph, &out[u], arc);
            if (seen[v]) {
                spf_path_add(&out[v], &path);
            } else {
                out[v].paths = path.paths;
                memcpy(out[v].sums, path.sums, sizeof path.sums);
                seen[v] = true;
            }
        }
    }
}

void spf_run(struct spf *spf, uint32_t source, struct spf_path *out)
{
    const struct graph *graph = spf->graph;
    uint64_t hop_mask = ((uint64_t)1 << graph->hop_bits) - 1;

    assert(source < graph->vertex_count);
    find_keys(spf, source);
    for (size_t v = 0; v < graph->vertex_count; v++) {
        bool reached = spf->key[v] != UINT64_MAX;

        out[v] = (struct spf_path){
            .distance = reached ? spf->key[v] >> graph->hop_bits : SPF_UNREACHABLE,
            .hops = reached ? (uint32_t)(spf->key[v] & hop_mask) : 0,
        };
    }
    add_up(spf, source, out);
}
