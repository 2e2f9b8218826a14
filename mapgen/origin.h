/* origin: which routers originate a prefix in the IGP, and at what cost (M-201, M-202, M-208). */
#pragma once

#include "lib/arena.h"
#include "prefix_table.h"
#include "report.h"
#include "topology.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct attachment {
    uint32_t router;
    uint64_t cost;
};

struct igp_prefix {
    struct prefix prefix;
    const struct attachment
        *attachments; // ascending by router, each once; not subtracted; at least one
    uint32_t count;
    uint32_t first_origin, origin_count; // of all that count, whatever their rank
};

struct origins {
    struct igp_prefix *prefixes; // ascending
    size_t count;
    struct prefix_table *table;       // prefix → index into prefixes
    const struct attachment *origins; // of each prefix: router and 1155
};

struct origins *origins_build(const struct topology *topology, const struct ls_rows *rows,
                              struct arena *arena, struct report *report);
void origins_free(struct origins *origins); // its table; NULL is fine
