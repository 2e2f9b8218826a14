/* gen_need: whether the machine has what a generation takes, asked before it starts. */
#pragma once

#include "gen_routes.h"
#include "lib/error.h"

#include <stdbool.h>

struct gen_files {
    const char *scenario, *mrt, *state; // NULL: not wanted
};

/* The limits of the sizes: "--routers 19: 20 to 10000 expected". */
bool gen_check_size(const struct gen_size *size, struct error *err);

/* Memory (MemAvailable, RLIMIT_AS, the cgroup's limit) and room where the files go. */
bool gen_check_need(const struct gen_size *size, const struct gen_files *files, struct error *err);
