/* state_writer_inside: the writer's parts to each other, for lib/state_*.c of the writer alone.
 *
 * All of it belongs to the writer's thread. What fails fills *err, and the change set must be rolled back. */
#pragma once

#include "attribute_pool.h"
#include "db.h"
#include "state.h"
#include "state_rows.h"

enum statement {
    PUT_PEER,
    FIND_PEER,
    NEXT_PEER,
    PUT_FAMILY,
    DELETE_FAMILY,
    PUT_METER,
    PUT_ASN,
    PUT_NEXT_ATTRIBUTES,
    PUT_SEQUENCE,
    ADD_ATTRIBUTES,
    DELETE_ATTRIBUTES,
    ADD_ROUTE,
    FIND_ROUTE,
    UPDATE_ROUTE,
    DELETE_ROUTE,
    KEYS_ROUTE,
    BURY_ROUTES,
    DELETE_ROUTES,
    ADD_TOMBSTONE,
    DELETE_TOMBSTONE,
    FIND_YOUNG,
    PUT_FLOOR,
    PRUNE_SEQUENCES,
    PRUNE_TOMBSTONES,
    FIXED_STATEMENTS
};

/* Of each link-state table, made from its columns. */
enum ls_statement { LS_PUT, LS_ADD, LS_MARK, LS_DELETE, LS_KEYS, LS_STATEMENTS };
enum { LS_TABLES = OBJECT_OPAQUE + 1 };

struct state_writer {
    struct lock *lock;
    sqlite3 *db;
    char *path;
    sqlite3_stmt *statements[FIXED_STATEMENTS];
    sqlite3_stmt *ls_statements[LS_TABLES][LS_STATEMENTS]; // none for OBJECT_ROUTE
    struct arena *scratch;                                 // texts of the row being bound
    int64_t keep_tombstones_us;
    int64_t pruned_us; // when state_maintain last looked; 0: never
    // what the file says too
    struct attribute_pool *pool;
    int64_t next_attributes_id;
    uint64_t sequence, floor;
    uint64_t tombstones; // rows; 0 saves looking for one at each put of a first load
    bool is_loaded;      // false: after a rollback, the five above are to be read again
    // the change set
    bool is_open, has_changed, has_new_attributes;
    int64_t now_us;
    int64_t *unused; // attributes_id of sets that lost their last reference
    size_t unused_count, unused_capacity;
};

/* ---- state_sql ---- */

bool writer_prepare(struct state_writer *writer, struct error *err);

/* ---- state_load ---- */

/* What memory keeps of the file. Reads each table through, so that a file cut short is noticed here. */
bool writer_load(struct state_writer *writer, struct error *err);

/* Reads a number of the file's; absent counts as damage. */
bool writer_load_number(struct state_writer *writer, const char *sql, uint64_t *out,
                        struct error *err);

/* ---- state_change ---- */

bool writer_run(struct state_writer *writer, enum statement statement, struct error *err);
void writer_bind(struct state_writer *writer, enum statement statement, int index, int64_t value);
bool writer_was_changed(const struct state_writer *writer); // by the statement that ran last

/* The sequence of what the change set changes. */
uint64_t writer_pending(const struct state_writer *writer);

/* text: of a route's prefix, else NULL, and then nlri counts. */
bool tombstone_add(struct state_writer *writer, enum state_object kind, int64_t peer_id,
                   const char *text, struct octets nlri, uint32_t path_id, struct error *err);
bool tombstone_remove(struct state_writer *writer, enum state_object kind, int64_t peer_id,
                      const char *text, struct octets nlri, uint32_t path_id, struct error *err);

/* ---- state_routes ---- */

/* One reference less; the commit deletes a set that has none left. */
void writer_release(struct state_writer *writer, int64_t attributes_id);

/* ---- state_link_state ---- */

bool writer_delete_ls(struct state_writer *writer, enum state_object kind, int64_t peer_id,
                      struct octets nlri, bool *was_there, struct error *err);

/* ---- state_upkeep ---- */

/* Moves what readers allow into the file. */
void writer_checkpoint(struct state_writer *writer);
