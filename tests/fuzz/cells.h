/* cells: a database of ours with some of its values replaced, for the targets that read one.
 *
 * Mutating the octets of a file tries SQLite; what tries us is a sound file with values that we would never write. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct cells;

/* A folder with one file of the name, which make() writes and leaves closed; gone when the process exits. The
 * caller keeps it for good. */
struct cells *cells_new(const char *name, void (*make)(const char *path));
const char *cells_folder(const struct cells *cells);
const char *cells_path(const struct cells *cells);

/* The file as make() left it, then one change for each record of the data: table, column, which of the column's
 * values, kind (null, integer, real, text, blob), length, octets. What SQLite refuses is left out. */
void cells_set(struct cells *cells, const uint8_t *data, size_t size);
