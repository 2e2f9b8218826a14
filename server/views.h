/* views: the view that is answered from now, and the threads that keep it so.
 *
 * A watcher thread follows `current` in the snapshots' directory and status.db beside it; a new snapshot is
 * loaded aside and swapped in. One that cannot be read is refused with a line in the log, and the old view
 * stays. An encoder thread compresses what was swapped in. No loop ever waits for either.
 *
 * Who began to send from a view goes on when it is superseded, so a slow reader keeps it in memory. Of superseded
 * views that are still read there are VIEWS_OLD_MOST at most; those before them are revoked. */
#pragma once

#include "lib/error.h"
#include "lib/log.h"
#include "view.h"

#include <stdbool.h>
#include <stdint.h>

enum { VIEWS_OLD_MOST = 6 }; // a view of a large map has some 300 MB

struct views;

/* What one loop holds, so that a request costs neither a lock nor a count. Begins zeroed. */
struct view_cache {
    struct view *view;
    unsigned number;
};

/* How the map stands, for the operator. */
struct views_state {
    bool has_view;
    int64_t confirmed_us; // when mapgen last confirmed the snapshot that we serve; 0: never
    char problem[256];    // why the newest snapshot or status.db could not be read; "": nothing
};

/* directory: of the snapshots; need not exist yet. NULL on failure. options are copied. */
struct views *views_start(const char *directory, const struct view_options *options,
                          const struct log *log, struct error *err);

/* Loads the snapshot again with new options. */
void views_configure(struct views *views, const struct view_options *options,
                     enum log_level log_level);

/* Brings the cache up to date and returns its view, which stays valid until the next call with that cache;
 * NULL: there is none yet. A cache belongs to one thread. */
struct view *views_refresh(struct views *views, struct view_cache *cache);
void views_forget(struct view_cache *cache); // gives its reference back

void views_state(struct views *views, struct views_state *out);

/* Joins the threads; references that others hold stay good. NULL is fine. */
void views_stop(struct views *views);
