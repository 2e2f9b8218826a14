/* attach: prefix → the routers at which its traffic leaves the backbone (docs/spec/map-generation.md part 5).
 *
 * A prefix of the IGP leaves at its originators. One of BGP leaves where the next hops of its candidates
 * resolve to; which of these exits a source uses is decided by its IGP cost (M-210), not here. Prefixes with
 * equal attachment sets make one class. */
#pragma once

#include "lib/arena.h"
#include "lib/prefix.h"
#include "model.h"
#include "origin.h"
#include "report.h"
#include "topology.h"

#include <stddef.h>
#include <stdint.h>

/* Ascending by router, each once, the least cost of the set 0 (M-207). */
struct attachment_set {
    const struct attachment *list;
    uint32_t count;
};

struct attached_prefix {
    struct prefix prefix;
    uint32_t class; // index into classes
};

struct attachments {
    struct attached_prefix *prefixes; // the prefixes of the map, ascending
    size_t prefix_count;
    struct attachment_set *classes; // in no order
    size_t class_count;
    size_t stale_routes;      // paths of stale sources that took part
    size_t single_candidates; // BGP prefixes with one (M-204)
};

/* In the arena. model: its routes are borrowed for the call. */
struct attachments *attach_prefixes(const struct topology *topology, const struct ls_rows *rows,
                                    const struct model *model, struct arena *arena,
                                    struct report *report);
