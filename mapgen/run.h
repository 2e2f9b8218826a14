/* run: the map generator at work: follows state.db, computes, publishes, and says how it stands.
 *
 * A turn (run_step) does what is due and says when the next one is worth it; it never waits itself. Time comes
 * from outside: wall_us is UTC and goes into files, steady_us never jumps and paces the work. One thread.
 *
 * Whatever fails (no state.db, a full disk, names that collide) is logged once, shown in status.db where that
 * can be written, and tried again with growing pauses; what is published stays. */
#pragma once

#include "lib/config.h"
#include "lib/log.h"

#include <stdbool.h>
#include <stdint.h>

struct run_time {
    int64_t wall_us, steady_us;
};

struct run;

/* config, log: borrowed until run_configure gives others, or run_free. */
struct run *run_new(const struct config *config, const struct log *log, struct run_time now);
void run_free(struct run *run); // NULL is fine

/* Another configuration counts from the next turn on; the map is computed anew. */
void run_configure(struct run *run, const struct config *config, const struct log *log);

/* One turn; microseconds after which the next is due at the latest. */
int64_t run_step(struct run *run, struct run_time now);

/* One map of what state.db holds now, without waiting for any feed. false: see the log. */
bool run_once(struct run *run, struct run_time now);
