/* pending: what waits to be written, the newest state of each object.
 *
 * A second update of an object replaces the first, so that memory is bounded by the number of objects. One
 * thread at a time: the recorder fills one under its lock, and hands it over whole. */
#pragma once

#include "update.h"

struct pending;

struct pending *pending_new(void);
void pending_free(struct pending *pending); // NULL is fine

/* Copies an update of an object (UPDATE_ROUTE to UPDATE_LS_GONE). */
void pending_take(struct pending *pending, const struct update *update);

/* Forgets what waits of a peer's families. */
void pending_drop(struct pending *pending, int64_t peer_id, const bool families[STATE_FAMILIES]);

size_t pending_count(const struct pending *pending);

/* Puts the objects into the order of state.db's keys, for pending_write. Nothing is taken after that. */
void pending_sort(struct pending *pending);

/* After pending_sort: whether the object with that place in the order is announced, and which it is. *key is borrowed
 * from pending. */
bool pending_announces(const struct pending *pending, size_t index, int64_t *peer_id,
                       struct state_key *key);

/* Writes the object with that place in the order into the open change set. */
bool pending_write(struct pending *pending, size_t index, struct state_writer *writer,
                   struct error *err);

/* The object that an update speaks of, and its family; nlri is borrowed from the update. */
struct state_key update_key(const struct update *update);
enum state_family key_family(const struct state_key *key);
