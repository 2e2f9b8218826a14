/* The stages of one map, in the order of docs/design.md section 5, with the time each takes and the memory that
 * is resident after it: for the curves over sizes.
 *
 *     bench_stages STATE-DB CONFIG */
#include "figures.h"
#include "lib/config.h"
#include "lib/jobs.h"
#include "lib/snapshot.h"
#include "lib/text.h"
#include "loaded.h"
#include "mapgen/attach.h"
#include "mapgen/cost.h"
#include "mapgen/map.h"
#include "mapgen/partition.h"

#include <stdio.h>

static double begun;

static void report_stage(const char *name)
{
    double took = figures_now_ms() - begun;
    char text[64];

    (void)snprintf(text, sizeof text, "%s.time", name);
    figures_print(text, took, "ms");
    (void)snprintf(text, sizeof text, "%s.memory", name);
    figures_print(text, figures_resident_mb(), "MB");
    begun = figures_now_ms();
}

/* Each stage by itself; what they make together is map_compute's, which has the same calls. */
static void compute(struct model *model, const struct config *config)
{
    struct loaded loaded;
    struct error err;

    begun = figures_now_ms();
    loaded_graph(&loaded, model);
    report_stage("graph");
    struct attachments *attachments =
        attach_prefixes(loaded.topology, &loaded.rows, model, loaded.arena, &loaded.report);
    report_stage("attach");
    struct partition *partition =
        partition_make(loaded.routers, attachments, config->map.default_pid, loaded.arena, &err);
    if (!partition)
        loaded_fail("partition", err.text);
    report_stage("partition");
    (void)cost_compute(loaded.topology, partition, jobs_threads(), loaded.arena, &loaded.report);
    report_stage("cost");
    figures_print("routers", (double)loaded.routers->count, "-");
    figures_print("pids", (double)partition->count, "-");
    figures_print("prefixes", (double)attachments->prefix_count, "-");
    loaded_free_graph(&loaded);
}

static void publish(const struct model *model, const struct config *config)
{
    struct snapshot_writer_options options = {.directory = config->snapshots.map_directory,
                                              .keep_count = 1,
                                              .keep_for_us = config->snapshots.keep_for_us,
                                              .max_bytes = config->snapshots.max_bytes};
    enum snapshot_outcome outcome;
    char name[64];
    struct error err;
    struct map *map = map_compute(model, config, 0, text_now_us(), &err);
    struct snapshot_writer *writer = snapshot_writer_open(&options, &err);

    begun = figures_now_ms();
    if (!map || !writer || !snapshot_publish(writer, &map->snapshot, name, &outcome, &err))
        loaded_fail("publish", err.text);
    report_stage("publish");
    snapshot_writer_close(writer);
    map_free(map);
}

int main(int argc, char **argv)
{
    struct figures_options options = figures_start(argc, argv, "STATE-DB CONFIG", 2);
    struct error err;
    struct config *config = config_load(options.words[1], NULL, &err);

    if (!config)
        loaded_fail(options.words[1], err.text);
    begun = figures_now_ms();
    struct model *model = loaded_model(options.words[0]);
    report_stage("load");
    compute(model, config);
    publish(model, config);
    figures_print("peak.memory", figures_peak_mb(), "MB");
    model_free(model);
    config_free(config);
    return 0;
}
