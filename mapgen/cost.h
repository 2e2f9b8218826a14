/* cost: PID to PID, along the paths that the IGP uses (docs/spec/map-generation.md parts 4, 6 and 9).
 *
 * The pair of attachments is chosen once, by IGP cost, and every metric is taken along what was chosen
 * (M-210). A metric is one row of the table in cost.c. */
#pragma once

#include "lib/arena.h"
#include "lib/config.h"
#include "lib/snapshot.h"
#include "partition.h"
#include "report.h"
#include "topology.h"

#include <stdbool.h>
#include <stddef.h>

struct costs {
    struct snapshot_metric *metrics; // with their rows; aliases beside them
    size_t count;
    size_t pairs_voided;    // whose cost passed 64 bits
    size_t pairs_uncounted; // of more paths than are counted (M-134)
};

/* In the arena. threads: 1 to JOBS_THREADS_LIMIT, on which nothing but the time depends. */
struct costs *cost_compute(const struct topology *topology, const struct partition *partition,
                           unsigned threads, struct arena *arena, struct report *report);
