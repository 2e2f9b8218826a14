/* report: what an operator should know of a map. It goes into the snapshot and into the log. */
#pragma once

#include "lib/arena.h"

#include <stddef.h>

struct report {
    struct arena *arena; // where the texts live
    const char **texts;  // arena; in the order they came
    size_t count;
    size_t dropped; // beyond REPORT_LIMIT
};

enum { REPORT_LIMIT = 100 }; // a map with more is not read to its end by anybody

void report_add(struct report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* As a JSON array of texts; arena. */
const char *report_json(const struct report *report);
