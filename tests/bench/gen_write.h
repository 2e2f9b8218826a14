/* gen_write: the generated network in the forms that others read. All state the same facts. */
#pragma once

#include "gen_routes.h"
#include "lib/error.h"

#include <stdbool.h>
#include <stdio.h>

/* What altimeter-lab plays (docs/lab.md). */
bool gen_write_scenario(const struct gen_routes *routes, const char *path, struct error *err);

/* The reflectors' tables as TABLE_DUMP_V2 (RFC 6396; RFC 8050 with all paths). */
bool gen_write_mrt(const struct gen_routes *routes, const char *path, struct error *err);

/* state.db as the collector leaves it: sessions up, end-of-RIB received in every family. A file that is
 * there is refused. *seconds: how long the writer took. */
bool gen_write_state(const struct gen_routes *routes, const char *path, double *seconds,
                     struct error *err);

/* Counts, a line each. */
void gen_describe(const struct gen_routes *routes, FILE *stream);
