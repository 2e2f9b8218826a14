/* objects: the link state as a list of NLRIs, each with what was last said of it.
 *
 * All reflectors that carry link state say the same, so there is one list. */
#pragma once

#include "scenario.h"
#include "wire.h"

struct objects;

/* Whatever is up counts as said: sessions begin with the table. The scenario is borrowed. */
struct objects *objects_new(const struct scenario *scenario);
void objects_free(struct objects *objects); // NULL is fine

/* The NLRIs of an attachment that was added to the scenario; not said until the next settling. */
void objects_add_attachment(struct objects *objects, size_t attachment);

/* Brings what is said to what is true, for all that is marked as touched in the scenario. */
void objects_settle(struct objects *objects);

/* UPDATEs for what the last settling changed, withdrawals first; or for the whole table. */
void objects_write_changes(const struct objects *objects, const struct reflector *reflector,
                           struct wire *out);
void objects_write_table(const struct objects *objects, const struct reflector *reflector,
                         struct wire *out);

size_t objects_count(const struct objects *objects); // in the table
