/* sweeps: loads that are complete, while state.db is rid of what they did not bring again.
 *
 * A sweep goes piece by piece, so that other changes need not wait for a million rows, and each piece may be seen by
 * readers: what goes was stale, and is gone. That the family is no longer stale, and its end-of-RIB, is written with
 * the last piece and not before: who reads that has the load and nothing else. What is announced again while the sweep
 * is under way must be told to sweeps_hear, or it would go.
 *
 * The writer thread's only. */
#pragma once

#include "heard.h"
#include "lib/log.h"

struct sweeps;

struct sweeps *sweeps_new(const struct log *log); // borrowed until sweeps_free
void sweeps_free(struct sweeps *sweeps);          // NULL is fine

/* heard (taken): what survives. stale_since_us: what state.db is to say until the sweep is over. A sweep of the same
 * family that is under way ends there: this one says more. */
void sweeps_add(struct sweeps *sweeps, int64_t peer_id, enum state_family family,
                int64_t stale_since_us, struct heard *heard);

/* Nothing of it is left to sweep. */
void sweeps_drop_peer(struct sweeps *sweeps, int64_t peer_id);
void sweeps_drop_family(struct sweeps *sweeps, int64_t peer_id, enum state_family family);

/* Whether the row waits for the end of its family's sweep, and takes the place of the one that waited. One that has no
 * end-of-RIB never waits, and ends the waiting of another. Copied. */
bool sweeps_hold(struct sweeps *sweeps, const struct peer_family *row);

/* An object that is about to be written. */
void sweeps_hear(struct sweeps *sweeps, int64_t peer_id, const struct state_key *key);

bool sweeps_are_over(const struct sweeps *sweeps);

/* The next piece of each, of up to `limit` rows, in the open change set. */
bool sweeps_step(struct sweeps *sweeps, struct state_writer *writer, size_t limit,
                 struct error *err);

void sweeps_committed(struct sweeps *sweeps);   // what sweeps_step did
void sweeps_rolled_back(struct sweeps *sweeps); // begins all of them anew
