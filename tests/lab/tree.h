/* tree: a YAML file in memory, each value with its place.
 *
 * libyaml has a tree of its own, but of 96 octets a node and three allocations; at a million prefixes
 * that is most of the time and half a gigabyte. Of YAML what scenarios need: no anchors, no aliases, one
 * document. */
#pragma once

#include "lib/arena.h"
#include "lib/error.h"

#include <stdint.h>

enum shape { SHAPE_TEXT, SHAPE_LIST, SHAPE_MAPPING };

struct tree {
    enum shape shape;
    uint32_t line, column; // from 1
    uint32_t count;        // octets of text; items of a list; keys and values of a mapping together
    union {
        const char *text;         // NUL-terminated
        const struct tree *items; // of a mapping: key, value, key, value, …
    };
};

/* The only document of the file, in the arena. NULL with *err: "FILE:LINE:COLUMN: what; … expected". */
const struct tree *tree_load(const char *file, struct arena *arena, struct error *err);
