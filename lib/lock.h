/* lock: one process at a time, by flock(2) on a file.
 *
 * The lock ends with the process however that ends, so there is no stale lock to remove. The file stays; it
 * holds the process id of who has or had it, for the message that the next one gets. */
#pragma once

#include "error.h"

#include <stdbool.h>

struct lock; // owned by the caller; lock_release ends it

/* Makes the file when missing (mode 0644) and takes the lock without waiting. NULL when another process has
 * it ("state.db.lock: held by process 4711 (altimeter-collec)") or the file cannot be made. */
struct lock *lock_take(const char *path, struct error *err);

/* Whether `path` still names the file that is locked: a folder may be removed under its owner. */
bool lock_is_at(const struct lock *lock, const char *path);

void lock_release(struct lock *lock); // NULL is fine
