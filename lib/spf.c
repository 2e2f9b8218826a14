/* spf: Dijkstra over a radix heap, which adds up what is summed along the paths as it goes.
 *
 * Links of metric 0 are allowed, so distance alone orders nothing: two routers at one distance could each
 * stand before the other on a "shortest" path, for ever. M-132 decides by (distance, hops), least first. Both
 * are kept in one number, the key:
 *
 *     key = distance << hop_bits | hops          a link's step = metric << hop_bits | 1
 *
 * Hops never carry into the distance (graph.c leaves them room), so adding steps adds both parts, the least
 * key is the lexicographic minimum, and every step is positive: plain Dijkstra, which settles vertices in the
 * order of their keys. A link u → v is on a shortest path
 *
 *     metric > 0: iff the distances differ by the metric
 *     metric = 0: iff the keys differ by the step, that is by one hop
 *
 * and when u is settled, its own paths are complete: a predecessor's key is less. So v's paths can be put
 * together from what its predecessors offer in that order, and one look at each link is enough. An offer of a
 * lesser distance starts v's paths anew; one of the same distance joins them. One of a metric of 0 and a lesser
 * key joins too: v's other paths are then by metrics above 0, from routers nearer to the source, which were
 * all settled before any router at v's distance; and among offers by a metric of 0 the least key comes first.
 *
 * The heap: entries by the highest bit in which their key differs from the key taken last. Keys only grow
 * beyond that one, so an entry moves to lower buckets only, at most 64 times. A vertex whose key falls gets
 * another entry; the old one is dropped when it is met. Buckets are lists in one array, which has room for an
 * entry per link and needs no allocation. */
#include "spf.h"

#include "arena.h"
#include "graph_inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 65 };
#define NONE UINT32_MAX

struct entry {
    uint64_t key;
    uint32_t vertex;
    uint32_t next; // in the bucket
};

struct spf {
    const struct graph *graph;
    uint64_t *key;         // of each vertex; UINT64_MAX: not reached
    struct entry *entries; // a link gives one at most, and the source has one
    uint32_t entry_count;
    uint32_t head[BUCKETS];
    uint64_t filled; // bit b - 1: bucket b holds something; bucket 0 is asked itself
    uint64_t last;   // key taken last
};

struct spf *spf_new(const struct graph *graph)
{
    struct spf *spf = memory_alloc(1, sizeof *spf);

    spf->graph = graph;
    spf->key = memory_alloc(graph->vertex_count, sizeof *spf->key);
    spf->entries = memory_alloc(graph->arc_count + 1, sizeof *spf->entries);
    return spf;
}

void spf_free(struct spf *spf)
{
    if (!spf)
        return;
    free(spf->key);
    free(spf->entries);
    free(spf);
}

/* ---- The heap ---- */

static void heap_put(struct spf *spf, uint32_t index)
{
    uint64_t differs = spf->entries[index].key ^ spf->last;
    unsigned bucket = differs ? 64 - (unsigned)__builtin_clzll(differs) : 0;

    spf->entries[index].next = spf->head[bucket];
    spf->head[bucket] = index;
    if (bucket)
        spf->filled |= (uint64_t)1 << (bucket - 1);
}

static void heap_add(struct spf *spf, uint32_t vertex, uint64_t key)
{
    assert(spf->entry_count <= spf->graph->arc_count);
    spf->entries[spf->entry_count] = (struct entry){.key = key, .vertex = vertex};
    heap_put(spf, spf->entry_count++);
}

/* A lesser key of the vertex came after this one: it has another entry. */
static bool is_stale(const struct spf *spf, const struct entry *entry)
{
    return entry->key != spf->key[entry->vertex];
}

/* Brings the entries of the lowest bucket down, so that bucket 0 holds those of the least key. */
static bool heap_spread(struct spf *spf)
{
    uint64_t least = UINT64_MAX;

    if (!spf->filled)
        return false;
    unsigned bucket = (unsigned)__builtin_ctzll(spf->filled) + 1;
    uint32_t index = spf->head[bucket];
    for (uint32_t at = index; at != NONE; at = spf->entries[at].next)
        least = spf->entries[at].key < least ? spf->entries[at].key : least;
    spf->head[bucket] = NONE;
    spf->filled &= ~((uint64_t)1 << (bucket - 1));
    spf->last = least;
    while (index != NONE) {
        uint32_t next = spf->entries[index].next;

        if (!is_stale(spf, &spf->entries[index]))
            heap_put(spf, index);
        index = next;
    }
    return true;
}

static bool heap_take(struct spf *spf, uint32_t *vertex)
{
    for (;;) {
        uint32_t index = spf->head[0];

        if (index == NONE) {
            if (!heap_spread(spf))
                return false;
            continue;
        }
        spf->head[0] = spf->entries[index].next;
        if (is_stale(spf, &spf->entries[index]))
            continue;
        *vertex = spf->entries[index].vertex;
        return true;
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

/* What is summed over the paths, made longer by one arc. */
static void extend(const struct spf_path *path, const struct arc *arc, struct spf_path *longer)
{
    longer->paths = path->paths;
    for (size_t value = 0; value < GRAPH_VALUES; value++) {
        uint32_t added = arc->values[value];

        // a product of SPF_PATH_LIMIT and 32 bits fits
        longer->sums[value] = added == GRAPH_ABSENT
                                  ? SPF_ABSENT
                                  : add_sums(path->sums[value], (uint64_t)path->paths * added);
    }
}

/* ---- The search ---- */

/* Offers the arc's end what reaches its beginning, by this key. */
static inline void offer(struct spf *spf, const struct arc *arc, uint64_t key,
                         const struct spf_path *from, struct spf_path *out)
{
    unsigned hop_bits = spf->graph->hop_bits;
    uint64_t known = spf->key[arc->to];
    struct spf_path longer;

    if (key >> hop_bits > known >> hop_bits)
        return;
    if (key > known && arc->step >> hop_bits == 0)
        return;
    extend(from, arc, &longer);
    if (key >> hop_bits < known >> hop_bits) {
        out->paths = longer.paths;
        memcpy(out->sums, longer.sums, sizeof longer.sums);
    } else {
        spf_path_add(out, &longer);
    }
    if (key < known) {
        spf->key[arc->to] = key;
        heap_add(spf, arc->to, key);
    }
}

static void begin(struct spf *spf, uint32_t source, struct spf_path *out)
{
    size_t count = spf->graph->vertex_count;

    memset(spf->key, 0xff, count * sizeof *spf->key);
    memset(spf->head, 0xff, sizeof spf->head);
    spf->filled = spf->last = 0;
    spf->entry_count = 0;
    for (size_t v = 0; v < count; v++)
        out[v] = (struct spf_path){.distance = SPF_UNREACHABLE};
    out[source].paths = 1;
    spf->key[source] = 0;
    heap_add(spf, source, 0);
}

void spf_run(struct spf *spf, uint32_t source, struct spf_path *out)
{
    const struct graph *graph = spf->graph;
    uint64_t hop_mask = ((uint64_t)1 << graph->hop_bits) - 1;
    uint32_t u;

    assert(source < graph->vertex_count);
    begin(spf, source, out);
    while (heap_take(spf, &u)) {
        uint64_t key = spf->key[u];
        const struct spf_path from = out[u];

        out[u].distance = key >> graph->hop_bits;
        out[u].hops = (uint32_t)(key & hop_mask);
        if (u != source && graph->no_transit[u])
            continue;
        const struct arc *end = graph->arcs + graph->first_arc[u + 1];
        for (const struct arc *arc = graph->arcs + graph->first_arc[u]; arc < end; arc++)
            offer(spf, arc, key + arc->step, &from, &out[arc->to]);
    }
}
