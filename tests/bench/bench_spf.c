/* Shortest paths from every router to every other, with three values each: distance, hops, mean delay over all
 * shortest paths. Ours against what no search can do without, on two threads, and with wide metrics.
 *
 *     bench_spf [--rounds N] STATE-DB                  measures
 *     bench_spf [--rounds N] STATE-DB one_thread       that side alone
 *     bench_spf STATE-DB GRAPH VALUES                  writes what other programs need to compute the same
 *
 * The bound relaxes each arc once, in an order that is given to it: no queue, no second pass, no check for
 * overflow. GRAPH is text: "vertex NUMBER TRANSIT" and "arc FROM TO METRIC DELAY" (in µs, "-" for none) a
 * line. VALUES are three matrices of 64-bit words in this machine's order, row by row: distances, hops, means;
 * 2^64 - 1 where there is none. */
#include "figures.h"
#include "lib/arena.h"
#include "lib/graph_inside.h"
#include "lib/spf.h"
#include "loaded.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { JOB = 16, WIDE = 1000 }; // sources a job; what an IS-IS wide metric is larger by
#define NOTHING UINT64_MAX

/* Three matrices, [source * vertices + destination]. */
struct values {
    uint64_t *distance, *hops, *mean;
};

struct bench {
    const struct graph *graph;
    struct graph *wide;
    size_t n;
    uint32_t *order;  // [source * n + place]: the vertices as the search settles them
    uint64_t *metric; // of each arc
    struct values ours, bound;

    atomic_size_t next; // source of the next job
};

static struct values values_new(size_t n)
{
    return (struct values){memory_alloc(n * n, 8), memory_alloc(n * n, 8), memory_alloc(n * n, 8)};
}

static void values_free(struct values *values)
{
    free(values->distance);
    free(values->hops);
    free(values->mean);
}

static uint64_t mean_of(uint64_t sum, uint32_t paths)
{
    if (sum == SPF_ABSENT || paths <= 1)
        return paths ? sum : NOTHING;
    return sum / paths + (2 * (sum % paths) >= paths);
}

/* ---- Ours ---- */

static void run_sources(const struct graph *graph, struct spf *spf, struct spf_path *row,
                        const struct values *out, uint32_t first, uint32_t end)
{
    for (uint32_t source = first; source < end; source++) {
        size_t at = (size_t)source * graph->vertex_count;

        spf_run(spf, source, row);
        for (size_t v = 0; v < graph->vertex_count; v++, at++) {
            out->distance[at] = row[v].distance;
            out->hops[at] = row[v].distance == SPF_UNREACHABLE ? NOTHING : row[v].hops;
            out->mean[at] = row[v].distance == SPF_UNREACHABLE
                                ? NOTHING
                                : mean_of(row[v].sums[VALUE_DELAY_US], row[v].paths);
        }
    }
}

static double time_sources(struct bench *bench, const struct graph *graph)
{
    double start = figures_now_ms();
    struct spf *spf = spf_new(graph);
    struct spf_path *row = memory_alloc(bench->n, sizeof *row);

    run_sources(graph, spf, row, &bench->ours, 0, (uint32_t)bench->n);
    free(row);
    spf_free(spf);
    return figures_now_ms() - start;
}

static double one_thread(void *context)
{
    struct bench *bench = context;

    return time_sources(bench, bench->graph);
}

static double wide_metrics(void *context)
{
    struct bench *bench = context;

    return time_sources(bench, bench->wide);
}

static void *take_jobs(void *context)
{
    struct bench *bench = context;
    struct spf *spf = spf_new(bench->graph);
    struct spf_path *row = memory_alloc(bench->n, sizeof *row);

    for (size_t first; (first = atomic_fetch_add(&bench->next, JOB)) < bench->n;) {
        size_t end = first + JOB < bench->n ? first + JOB : bench->n;

        run_sources(bench->graph, spf, row, &bench->ours, (uint32_t)first, (uint32_t)end);
    }
    free(row);
    spf_free(spf);
    return NULL;
}

static double two_threads(void *context)
{
    struct bench *bench = context;
    double start = figures_now_ms();
    pthread_t other;

    atomic_store(&bench->next, 0);
    if (pthread_create(&other, NULL, take_jobs, bench) != 0)
        loaded_fail("spf", "a thread cannot be started");
    (void)take_jobs(bench);
    (void)pthread_join(other, NULL);
    return figures_now_ms() - start;
}

/* ---- The bound ---- */

/* What the bound keeps of a vertex while it works on one source. */
struct reached {
    uint64_t distance, sum;
    uint32_t hops, paths;
};

static void relax_in_order(const struct bench *bench, uint32_t source, struct reached *reached)
{
    const struct graph *graph = bench->graph;
    const uint32_t *order = bench->order + (size_t)source * bench->n;

    for (size_t v = 0; v < bench->n; v++)
        reached[v] = (struct reached){.distance = NOTHING};
    reached[source] = (struct reached){.paths = 1};
    for (size_t i = 0; i < bench->n && order[i] != UINT32_MAX; i++) {
        uint32_t u = order[i];
        const struct reached from = reached[u];

        if (graph->no_transit[u] && u != source)
            continue;
        for (uint32_t at = graph->first_arc[u]; at < graph->first_arc[u + 1]; at++) {
            const struct arc *arc = &graph->arcs[at];
            struct reached *to = &reached[arc->to];
            uint64_t distance = from.distance + (arc->step >> graph->hop_bits);
            uint64_t sum = from.sum + (uint64_t)from.paths * arc->values[VALUE_DELAY_US];

            if (distance < to->distance) {
                *to = (struct reached){distance, sum, from.hops + 1, from.paths};
            } else if (distance == to->distance) {
                to->hops = from.hops + 1 < to->hops ? from.hops + 1 : to->hops;
                to->paths += from.paths;
                to->sum += sum;
            }
        }
    }
}

static double bound(void *context)
{
    struct bench *bench = context;
    double start = figures_now_ms();
    struct reached *reached = memory_alloc(bench->n, sizeof *reached);

    for (uint32_t source = 0; source < bench->n; source++) {
        size_t at = source * bench->n;

        relax_in_order(bench, source, reached);
        for (size_t v = 0; v < bench->n; v++, at++) {
            bench->bound.distance[at] = reached[v].distance;
            bench->bound.hops[at] = reached[v].distance == NOTHING ? NOTHING : reached[v].hops;
            bench->bound.mean[at] = mean_of(reached[v].sum, reached[v].paths);
        }
    }
    free(reached);
    return figures_now_ms() - start;
}

/* ---- What both work on ---- */

struct placed {
    uint64_t distance, hops;
    uint32_t vertex;
};

static int compare_placed(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;

    if (x->distance != y->distance)
        return x->distance < y->distance ? -1 : 1;
    if (x->hops != y->hops)
        return x->hops < y->hops ? -1 : 1;
    return (x->vertex > y->vertex) - (x->vertex < y->vertex);
}

/* The order in which each source's search settles, from what was computed already. */
static void find_orders(struct bench *bench)
{
    struct placed *placed = memory_alloc(bench->n, sizeof *placed);

    (void)one_thread(bench);
    for (size_t source = 0; source < bench->n; source++) {
        for (uint32_t v = 0; v < bench->n; v++)
            placed[v] = (struct placed){bench->ours.distance[source * bench->n + v],
                                        bench->ours.hops[source * bench->n + v], v};
        qsort(placed, bench->n, sizeof *placed, compare_placed);
        for (size_t i = 0; i < bench->n; i++)
            bench->order[source * bench->n + i] =
                placed[i].distance == NOTHING ? UINT32_MAX : placed[i].vertex;
    }
    free(placed);
}

static void make_wide(struct bench *bench)
{
    const struct graph *graph = bench->graph;
    struct graph_arc *arcs = memory_alloc(graph->arc_count, sizeof *arcs);
    struct error err;
    uint32_t from = 0;

    for (uint32_t arc = 0; arc < graph->arc_count; arc++) {
        while (graph->first_arc[from + 1] <= arc)
            from++;
        bench->metric[arc] = graph->arcs[arc].step >> graph->hop_bits;
        if (bench->metric[arc] == 0 || graph->arcs[arc].values[VALUE_DELAY_US] == GRAPH_ABSENT)
            loaded_fail("spf", "every link must have a metric above 0 and a delay");
        arcs[arc] = (struct graph_arc){from,
                                       graph->arcs[arc].to,
                                       bench->metric[arc] * WIDE,
                                       {graph->arcs[arc].values[VALUE_DELAY_US]}};
    }
    bench->wide = graph_new(bench->n, arcs, graph->arc_count, graph->no_transit, &err);
    free(arcs);
    if (!bench->wide)
        loaded_fail("spf", err.text);
}

static void check_equal(const struct bench *bench, const struct values *other, uint64_t times,
                        const char *whose)
{
    const struct values *ours = &bench->ours;
    size_t at = 0;

    for (size_t from = 0; from < bench->n; from++) {
        for (size_t to = 0; to < bench->n; to++, at++) {
            uint64_t distance = other->distance[at];

            if (ours->distance[at] == (distance == NOTHING ? NOTHING : distance * times) &&
                ours->hops[at] == other->hops[at] && ours->mean[at] == other->mean[at])
                continue;
            (void)fprintf(stderr, "from %zu to %zu: distance %" PRIu64 ", %" PRIu64 "\n", from, to,
                          ours->distance[at], distance);
            loaded_fail(whose, "other values");
        }
    }
}

static void measure(struct bench *bench, size_t rounds)
{
    static figures_function *const sides[] = {one_thread, bound, two_threads, wide_metrics};
    double medians[4];

    (void)bound(bench);
    check_equal(bench, &bench->bound, 1, "one thread and the bound");
    (void)two_threads(bench);
    check_equal(bench, &bench->bound, 1, "two threads and the bound");
    (void)wide_metrics(bench);
    check_equal(bench, &bench->bound, WIDE, "wide metrics and the bound");
    figures_interleave(rounds, sides, bench, 4, medians);
    figures_print("one_thread", medians[0], "ms");
    figures_print("bound", medians[1], "ms");
    figures_print("two_threads", medians[2], "ms");
    figures_print("wide", medians[3], "ms");
}

static void measure_alone(struct bench *bench, size_t rounds)
{
    static figures_function *const side[] = {one_thread};
    double median;

    figures_interleave(rounds, side, bench, 1, &median);
    figures_print("one_thread", median, "ms");
}

/* ---- For others ---- */

static void write_graph(const struct bench *bench, const char *path)
{
    const struct graph *graph = bench->graph;
    FILE *file = fopen(path, "we");

    if (!file)
        loaded_fail(path, "cannot be written");
    for (size_t v = 0; v < bench->n; v++)
        (void)fprintf(file, "vertex %zu %d\n", v, !graph->no_transit[v]);
    for (uint32_t v = 0; v < bench->n; v++) {
        for (uint32_t arc = graph->first_arc[v]; arc < graph->first_arc[v + 1]; arc++)
            (void)fprintf(file, "arc %" PRIu32 " %" PRIu32 " %" PRIu64 " %" PRIu32 "\n", v,
                          graph->arcs[arc].to, bench->metric[arc],
                          graph->arcs[arc].values[VALUE_DELAY_US]);
    }
    if (fclose(file) != 0)
        loaded_fail(path, "cannot be written");
}

static void write_values(struct bench *bench, const char *path)
{
    size_t cells = bench->n * bench->n;
    FILE *file = fopen(path, "we");

    (void)one_thread(bench);
    if (!file || fwrite(bench->ours.distance, 8, cells, file) != cells ||
        fwrite(bench->ours.hops, 8, cells, file) != cells ||
        fwrite(bench->ours.mean, 8, cells, file) != cells || fclose(file) != 0)
        loaded_fail(path, "cannot be written");
}

static const struct graph *largest_graph(const struct topology *topology)
{
    const struct graph *largest = NULL;

    for (size_t d = 0; d < topology->domain_count; d++) {
        const struct graph *graph = topology->domains[d].graph;

        if (!largest || graph->vertex_count > largest->vertex_count)
            largest = graph;
    }
    if (!largest || largest->vertex_count == 0)
        loaded_fail("spf", "a graph expected");
    return largest;
}

int main(int argc, char **argv)
{
    struct figures_options options =
        figures_start(argc, argv, "STATE-DB [one_thread | GRAPH VALUES]", 1);
    struct model *model = loaded_model(options.words[0]);
    struct loaded loaded;

    loaded_graph(&loaded, model);
    struct bench bench = {.graph = largest_graph(loaded.topology)};
    bench.n = bench.graph->vertex_count;
    bench.order = memory_alloc(bench.n * bench.n, sizeof *bench.order);
    bench.metric = memory_alloc(bench.graph->arc_count, sizeof *bench.metric);
    bench.ours = values_new(bench.n);
    bench.bound = values_new(bench.n);
    make_wide(&bench);
    if (options.word_count == 3) {
        write_graph(&bench, options.words[1]);
        write_values(&bench, options.words[2]);
    } else if (options.word_count == 2) {
        measure_alone(&bench, options.rounds);
    } else {
        find_orders(&bench);
        measure(&bench, options.rounds);
    }
    graph_free(bench.wide);
    values_free(&bench.ours);
    values_free(&bench.bound);
    free(bench.metric);
    free(bench.order);
    loaded_free_graph(&loaded);
    model_free(model);
    return 0;
}
