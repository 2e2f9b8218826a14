/* partition: attachment classes become PIDs with names (docs/spec/map-generation.md part 7).
 *
 * There are no rules yet: each class is a PID of its own, named after its routers (M-304), so that a name stays
 * while the thing stays. What is not routed belongs to the default PID, which has no attachments (M-404). */
#pragma once

#include "aggregate.h"
#include "attach.h"
#include "lib/arena.h"
#include "lib/error.h"
#include "router.h"

#include <stddef.h>
#include <stdint.h>

struct pid {
    const char *name;
    const char *reason;                // "class" or "default"
    struct attachment_set attachments; // none: the default PID
    const struct prefix *prefixes;     // ascending
    size_t prefix_count;
};

struct partition {
    struct pid *pids; // ascending by name, bytewise; each has a prefix
    size_t count;
};

/* In the arena. NULL with *err when two PIDs end with one name. */
struct partition *partition_make(const struct routers *routers,
                                 const struct attachments *attachments, const char *default_pid,
                                 struct arena *arena, struct error *err);
