/* aggregate: the list of prefixes that is published (docs/spec/map-generation.md part 8).
 *
 * Every prefix of the map is published as it is, and the map is made complete: a family whose default route no
 * prefix of the map is has it in the default PID, so that what is not routed falls into no other (M-404). The
 * list is not yet the shortest (M-403). */
#pragma once

#include "attach.h"
#include "lib/arena.h"

#include <stddef.h>
#include <stdint.h>

#define AGGREGATE_DEFAULT UINT32_MAX // as a class: the default PID

/* attachments' prefixes with the default routes that they lack; ascending, in the arena. */
struct attached_prefix *aggregate_list(const struct attachments *attachments, struct arena *arena,
                                       size_t *count);
