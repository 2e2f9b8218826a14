/* state_rows: rows of state.db to structs and back. For the writer and the readers only.
 *
 * The columns of a table are bound and read in one order, that of its list here; SQL is made from the list. */
#pragma once

#include "state.h"

#include <sqlite3.h>

/* The tables of objects. The key columns come first in every list and "sequence" last. */
struct state_table {
    const char *name;
    size_t key_columns;
    const char *columns[44]; // ends with NULL
};
extern const struct state_table state_tables[]; // by enum state_object, but OBJECT_PEER

extern const char *const state_sources[];      // "bmp", "grpc"
extern const char *const state_object_names[]; // as in tombstone.kind

/* "a, b, c" of a table's columns. Arena. */
const char *state_columns(const struct state_table *table, struct arena *arena);

/* ---- Binding. Values are borrowed until the statement is reset; texts that must be made are the arena's. ---- */

struct row_writer {
    sqlite3_stmt *statement;
    struct arena *arena;
    int next;    // parameter, from 1
    bool failed; // sticky; the reason is the connection's
};

void row_put_integer(struct row_writer *row, bool is_present, int64_t value);
void row_put_text(struct row_writer *row, const char *text);       // NULL: NULL
void row_put_octets(struct row_writer *row, struct octets octets); // bytes NULL: NULL

void row_put_attributes(struct row_writer *row, int64_t id, const struct attributes *attributes);
void row_put_node(struct row_writer *row, const struct ls_node *node, uint64_t sequence);
void row_put_link(struct row_writer *row, const struct ls_link *link, uint64_t sequence);
void row_put_prefix(struct row_writer *row, const struct ls_prefix *prefix, uint64_t sequence);

/* ---- Reading. What is read points into the statement's row or into the arena. ---- */

struct row_reader {
    sqlite3_stmt *statement;
    struct arena *arena;
    int next;    // column, from 0
    bool failed; // sticky; what is read from then on is empty
    struct error *err;
};

/* false and 0: NULL. A value outside [0, high] fails. */
bool row_get_optional(struct row_reader *row, uint64_t high, uint64_t *out);
uint64_t row_get_integer(struct row_reader *row, uint64_t high); // NULL fails
const char *row_get_text(struct row_reader *row);                // NULL: NULL
const char *row_get_word(struct row_reader *row);                // NULL fails, and gives ""
struct octets row_get_octets(struct row_reader *row);
unsigned row_get_choice(struct row_reader *row, const char *const *words, unsigned count);
struct prefix row_get_address(struct row_reader *row);
struct prefix row_get_prefix(struct row_reader *row);
bool row_fail(struct row_reader *row, const char *expected); // of the column that was read last

void row_get_attributes(struct row_reader *row, struct attributes *out); // from column origin on
void row_get_route(struct row_reader *row, struct route *out, uint64_t *attributes_id);
void row_get_node(struct row_reader *row, struct ls_node *out);
void row_get_link(struct row_reader *row, struct ls_link *out);
void row_get_ls_prefix(struct row_reader *row, struct ls_prefix *out);
void row_get_peer(struct row_reader *row, struct peer *out);
void row_get_peer_family(struct row_reader *row, struct peer_family *out);

/* The columns that row_get_peer, row_get_peer_family and row_get_attributes read. */
extern const char state_peer_columns[], state_peer_family_columns[], state_attributes_columns[];
