/* db: SQLite opened our way, and its errors as ours.
 *
 * A connection belongs to one thread. Every function that fails names the file, what was being done and
 * SQLite's own words. */
#pragma once

#include "error.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

enum db_mode {
    DB_READ,   // read-only; the file must exist
    DB_WRITE,  // read and write; the file must exist
    DB_CREATE, // read and write; made when missing
};

/* What a file of ours says of itself (PRAGMA application_id, user_version). */
struct db_kind {
    const char *name; // for messages: "state.db"
    uint32_t application_id;
    int version;
    const char *schema; // the DDL
};
extern const struct db_kind db_state, db_snapshot, db_status;

/* Opens without looking inside. NULL on failure. No mmap; busy_timeout 5 s; foreign SQL functions off. */
sqlite3 *db_open(const char *path, enum db_mode mode, struct error *err);

/* Whether the file is of the kind and version: ERROR_INPUT for no database at all, a damaged or a foreign
 * one, ERROR_VERSION for one of another version. An empty database (just created) gives *empty = true. */
bool db_check(sqlite3 *db, const struct db_kind *kind, bool *empty, struct error *err);

/* db_open, db_check; an empty file is refused in DB_READ and gets the schema otherwise. NULL on failure. */
sqlite3 *db_open_kind(const char *path, enum db_mode mode, const struct db_kind *kind,
                      struct error *err);

void db_close(sqlite3 *db); // NULL is fine; statements must be finalized

/* Fills *err from the connection's last error: "state.db: committing: disk I/O error"; returns false. */
bool db_error(sqlite3 *db, struct error *err, const char *doing);

bool db_exec(sqlite3 *db, const char *sql, struct error *err);
bool db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, struct error *err);

/* Steps a statement that gives no rows, and resets it with its bindings cleared, also on failure. */
bool db_run(sqlite3_stmt *statement, struct error *err);

/* Steps a query that gives exactly one row with one integer; resets it. */
bool db_integer(sqlite3 *db, const char *sql, int64_t *out, struct error *err);
