/* One core link's metric changes: how long until altimeter-mapgen has published it, beside a full run over the
 * same state.db.
 *
 *     bench_change [--rounds N] STATE-DB CONFIG FULL-CONFIG
 *
 * The state.db is changed. The configurations name it, and a snapshot directory each: the first one's run is kept, as
 * the program keeps it, and makes turns; the other's reads everything each time. The clock runs from the commit
 * on. Core links are those between the routers with the most links. */
#include "figures.h"
#include "lib/arena.h"
#include "lib/state.h"
#include "lib/text.h"
#include "loaded.h"
#include "mapgen/run.h"

#include <stdlib.h>

enum { CORE_LINKS = 8 };

static const int64_t turn_us = 3600 * INT64_C(1000000);

struct bench {
    struct loaded loaded;
    struct state_writer *writer;
    struct config *config, *full_config;
    struct log log;
    struct run *run;
    const struct ls_link *core[CORE_LINKS];
    size_t core_count, changes;
    int64_t steady_us; // of the kept run: each turn is later than whatever it waits for
};

/* ---- Core links ---- */

struct ranked {
    const struct ls_link *row;
    uint32_t degree;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    if (x->degree != y->degree)
        return x->degree > y->degree ? -1 : 1;
    return octets_compare(x->row->nlri, y->row->nlri);
}

static void find_core(struct bench *bench)
{
    const struct topology *topology = bench->loaded.topology;
    uint32_t *degree = memory_alloc(topology->routers->count, sizeof *degree);
    struct ranked *ranked = memory_alloc(topology->link_count, sizeof *ranked);

    for (size_t i = 0; i < topology->link_count; i++)
        degree[topology->links[i].from]++;
    for (size_t i = 0; i < topology->link_count; i++) {
        const struct link *link = &topology->links[i];
        uint32_t from = degree[link->from], to = degree[link->to];

        ranked[i] = (struct ranked){link->first->row, from < to ? from : to};
    }
    if (topology->link_count)
        qsort(ranked, topology->link_count, sizeof *ranked, compare_ranked);
    for (size_t i = 0; i < topology->link_count && bench->core_count < CORE_LINKS; i++)
        bench->core[bench->core_count++] = ranked[i].row;
    if (bench->core_count == 0)
        loaded_fail("change", "links expected");
    free(ranked);
    free(degree);
}

/* ---- Changes ---- */

/* The next of the core links costs one more, or what it did before, in turns. */
static void commit_change(struct bench *bench)
{
    struct ls_link row = *bench->core[bench->changes % bench->core_count];
    uint64_t sequence;
    struct error err;

    row.igp_metric += bench->changes / bench->core_count % 2 == 0;
    bench->changes++;
    if (!state_begin(bench->writer, text_now_us(), &err) ||
        !state_put_link(bench->writer, &row, &err) ||
        !state_commit(bench->writer, false, &sequence, &err))
        loaded_fail("change", err.text);
}

static double turn(struct bench *bench)
{
    double start = figures_now_ms();

    bench->steady_us += turn_us;
    (void)run_step(bench->run, (struct run_time){text_now_us(), bench->steady_us});
    return figures_now_ms() - start;
}

static double change(void *context)
{
    struct bench *bench = context;

    commit_change(bench);
    return turn(bench);
}

/* Over the change that the other side has published already. */
static double full(void *context)
{
    struct bench *bench = context;
    struct run_time now = {text_now_us(), 0};
    double start = figures_now_ms();
    struct run *run = run_new(bench->full_config, &bench->log, now);

    if (!run_once(run, now))
        loaded_fail("full run", "failed");
    double took = figures_now_ms() - start;
    run_free(run);
    return took;
}

static struct config *read_config(const char *path)
{
    struct error err;
    struct config *config = config_load(path, NULL, &err);

    if (!config)
        loaded_fail(path, err.text);
    return config;
}

int main(int argc, char **argv)
{
    struct figures_options options = figures_start(argc, argv, "STATE-DB CONFIG FULL-CONFIG", 3);
    static figures_function *const sides[] = {change, full};
    struct state_writer_options writer = {.path = options.words[0]};
    struct bench bench = {.log = log_default()};
    double medians[2];
    struct error err;
    struct model *model = loaded_model(options.words[0]);

    loaded_graph(&bench.loaded, model);
    find_core(&bench);
    bench.log.level = LEVEL_ERROR;
    bench.config = read_config(options.words[1]);
    bench.full_config = read_config(options.words[2]);
    if (!(bench.writer = state_writer_open(&writer, &err)))
        loaded_fail(options.words[0], err.text);
    bench.run = run_new(bench.config, &bench.log, (struct run_time){text_now_us(), 0});
    (void)turn(&bench); // the first map
    figures_interleave(options.rounds, sides, &bench, 2, medians);
    figures_print("change", medians[0], "ms");
    figures_print("full", medians[1], "ms");
    run_free(bench.run);
    state_writer_close(bench.writer);
    config_free(bench.config);
    config_free(bench.full_config);
    loaded_free_graph(&bench.loaded);
    model_free(model);
    return 0;
}
