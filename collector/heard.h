/* heard: the keys that a peer has announced: again, for the sweep at its end-of-RIB; at all, for its limits.
 *
 * A set of 64-bit hashes under a random secret: at most 24 octets a key, where the keys themselves take up to
 * a hundred. Two keys with one hash would save a stale object from the sweep until it is withdrawn or the
 * next session ends; with a million keys that is a chance of one in ten million. */
#pragma once

#include "lib/state.h"

struct heard; // one thread at a time

struct heard *heard_new(void);
void heard_free(struct heard *heard); // NULL is fine
void heard_add(struct heard *heard, const struct state_key *key);
void heard_remove(struct heard *heard, const struct state_key *key);
size_t heard_count(const struct heard *heard);
bool heard_has(const struct heard *heard, const struct state_key *key);
