/* Candidate sets and classes of all paths, beside a radix sort of the same number of routes: the least that
 * somebody does who puts them in order.
 *
 *     bench_attach [--rounds N] STATE-DB
 *
 * Prints nanoseconds per path. */
#include "figures.h"
#include "lib/arena.h"
#include "loaded.h"
#include "mapgen/attach.h"

#include <stdlib.h>
#include <string.h>

enum { DIGIT_BITS = 11, DIGITS = (64 + DIGIT_BITS - 1) / DIGIT_BITS, BUCKETS = 1 << DIGIT_BITS };

struct item {
    uint64_t key;
    uint32_t index;
};

struct bench {
    struct loaded loaded;
    size_t paths;
    struct item *items, *work, *given; // given: in the order of the routes
};

static double attach(void *context)
{
    struct bench *bench = context;
    struct arena *arena = arena_new();
    struct report report = {.arena = arena};
    double start = figures_now_ms();

    (void)attach_prefixes(bench->loaded.topology, &bench->loaded.rows, bench->loaded.model, arena,
                          &report);
    double took = figures_now_ms() - start;
    arena_free(arena);
    return took * 1e6 / (double)bench->paths;
}

/* By the digits from the lowest on; those in which all keys agree are left out. */
static double sort(void *context)
{
    struct bench *bench = context;
    static size_t counts[DIGITS][BUCKETS];

    memcpy(bench->items, bench->given, bench->paths * sizeof *bench->items);
    double start = figures_now_ms();
    memset(counts, 0, sizeof counts);
    for (size_t i = 0; i < bench->paths; i++) {
        for (unsigned digit = 0; digit < DIGITS; digit++)
            counts[digit][bench->items[i].key >> digit * DIGIT_BITS & (BUCKETS - 1)]++;
    }
    for (unsigned digit = 0; digit < DIGITS; digit++) {
        unsigned shift = digit * DIGIT_BITS;
        size_t at = 0;

        if (counts[digit][bench->items[0].key >> shift & (BUCKETS - 1)] == bench->paths)
            continue;
        for (size_t bucket = 0; bucket < BUCKETS; bucket++) {
            size_t count = counts[digit][bucket];
            counts[digit][bucket] = at;
            at += count;
        }
        for (size_t i = 0; i < bench->paths; i++)
            bench->work[counts[digit][bench->items[i].key >> shift & (BUCKETS - 1)]++] =
                bench->items[i];
        struct item *sorted = bench->work;
        bench->work = bench->items;
        bench->items = sorted;
    }
    return (figures_now_ms() - start) * 1e6 / (double)bench->paths;
}

/* A key per path: the first eight octets of its prefix. */
static void list_items(struct bench *bench)
{
    size_t count, used = 0;
    const struct model_route *routes = model_routes(bench->loaded.model, &count);

    for (size_t i = 0; i < count; i++)
        bench->paths += routes[i].count;
    if (bench->paths == 0)
        loaded_fail("attach", "routes expected");
    bench->items = memory_alloc(bench->paths, sizeof *bench->items);
    bench->work = memory_alloc(bench->paths, sizeof *bench->work);
    bench->given = memory_alloc(bench->paths, sizeof *bench->given);
    for (size_t i = 0; i < count; i++) {
        uint64_t key = 0;

        for (size_t at = 0; at < 8; at++)
            key = key << 8 | routes[i].prefix.bytes[at];
        for (uint32_t path = 0; path < routes[i].count; path++)
            bench->given[used++] = (struct item){key, (uint32_t)i};
    }
}

int main(int argc, char **argv)
{
    struct figures_options options = figures_start(argc, argv, "STATE-DB", 1);
    static figures_function *const sides[] = {attach, sort};
    struct bench bench = {0};
    double medians[2];
    struct model *model = loaded_model(options.words[0]);

    loaded_graph(&bench.loaded, model);
    list_items(&bench);
    figures_interleave(options.rounds, sides, &bench, 2, medians);
    figures_print("attach", medians[0], "ns");
    figures_print("radix_sort", medians[1], "ns");
    figures_print("paths", (double)bench.paths, "-");
    free(bench.items);
    free(bench.work);
    free(bench.given);
    loaded_free_graph(&bench.loaded);
    model_free(model);
    return 0;
}
