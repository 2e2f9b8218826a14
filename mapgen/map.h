/* map: the whole way from the model to the content of a snapshot. */
#pragma once

#include "lib/arena.h"
#include "lib/config.h"
#include "lib/error.h"
#include "lib/snapshot.h"
#include "model.h"
#include "report.h"

#include <stdbool.h>
#include <stdint.h>

enum map_stage { STAGE_LOAD, STAGE_GRAPH, STAGE_ATTACH, STAGE_PARTITION, STAGE_COST, MAP_STAGES };

extern const char *const map_stage_names[MAP_STAGES]; // "load", …

struct map {
    struct snapshot snapshot; // ready for snapshot_publish; in the arena
    struct report report;     // its warnings
    int64_t stage_us[MAP_STAGES];
    struct arena *arena; // owned: everything above lives here
};

/* Computes the map of what the model holds. load_us: how long loading took, for the timings. now_us: the time
 * that the snapshot carries. NULL with *err when there is no such map (names that collide, a limit). Owned. */
struct map *map_compute(const struct model *model, const struct config *config, int64_t load_us,
                        int64_t now_us, struct error *err);

void map_free(struct map *map); // NULL is fine

/* What is different between two maps, for the log. */
struct map_changes {
    size_t pids_added, pids_removed;
    size_t prefixes_added, prefixes_removed; // to and from PIDs; one that moves counts in both
    size_t pairs; // costs that differ, appeared or went, over all metrics
};
struct map_changes map_compare(const struct snapshot *before, const struct snapshot *after);
