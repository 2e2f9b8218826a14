/* db: see db.h. */
#include "db.h"

#include "schemas.h"

#include <string.h>
#include <sys/stat.h>

const struct db_kind db_state = {"state.db", 0x414c5453, 1, schema_state};
const struct db_kind db_snapshot = {"snapshot", 0x414c5450, 1, schema_snapshot};
const struct db_kind db_status = {"status.db", 0x414c5455, 1, schema_status};

/* The file's own name is enough for a message; its folder is in the caller's place. */
static const char *db_name(sqlite3 *db)
{
    const char *path = sqlite3_db_filename(db, "main");
    const char *slash = path ? strrchr(path, '/') : NULL;

    if (slash)
        return slash + 1;
    return path && *path ? path : "database";
}

bool db_error(sqlite3 *db, struct error *err, const char *doing)
{
    int code = sqlite3_errcode(db);
    enum error_kind kind = ERROR_SYSTEM;

    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_CONSTRAINT)
        kind = ERROR_INPUT;
    return error_set(err, kind, "%s: %s: %s", db_name(db), doing, sqlite3_errmsg(db));
}

sqlite3 *db_open(const char *path, enum db_mode mode, struct error *err)
{
    static const int flags[] = {
        [DB_READ] = SQLITE_OPEN_READONLY,
        [DB_WRITE] = SQLITE_OPEN_READWRITE,
        [DB_CREATE] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
    };
    sqlite3 *db = NULL;
    struct stat status;

    // opening a FIFO would wait for its writer; of a directory SQLite itself says what it is
    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
        error_set(err, ERROR_INPUT, "%s: not a regular file", path);
        return NULL;
    }
    if (sqlite3_open_v2(path, &db, flags[mode] | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        const char *reason = db ? sqlite3_errmsg(db) : "SQLite has no memory";
        int errno_value =
            db ? sqlite3_system_errno(db) : 0; // SQLite's words alone hide a wrong path
        if (errno_value)
            error_errno(err, errno_value, "%s: %s", path, reason);
        else
            error_set(err, ERROR_SYSTEM, "%s: %s", path, reason);
        (void)sqlite3_close(db);
        return NULL;
    }
    (void)sqlite3_extended_result_codes(db, 0);
    (void)sqlite3_busy_timeout(db, 5000);
    // a file from elsewhere may hold views and triggers: they may call nothing but harmless functions
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    return db;
}

bool db_integer(sqlite3 *db, const char *sql, int64_t *out, struct error *err)
{
    sqlite3_stmt *query = NULL;
    bool ok = false;

    if (!db_prepare(db, sql, &query, err))
        return false;
    int step = sqlite3_step(query);
    if (step == SQLITE_ROW) {
        *out = sqlite3_column_int64(query, 0);
        ok = true;
    } else if (step == SQLITE_DONE) {
        error_set(err, ERROR_INPUT, "%s: no row where one was expected: %s", db_name(db), sql);
    } else {
        db_error(db, err, sql);
    }
    (void)sqlite3_finalize(query);
    return ok;
}

/* SQLite reads a last page that is cut as if it went on with zeros. In WAL mode the file may be short while
 * the rest is in the WAL. */
static bool check_size(sqlite3 *db, struct error *err)
{
    const char *path = sqlite3_db_filename(db, "main");
    int64_t pages, page_size, is_wal;
    struct stat status;

    if (!db_integer(db, "SELECT journal_mode = 'wal' FROM pragma_journal_mode", &is_wal, err) ||
        !db_integer(db, "PRAGMA page_count", &pages, err) ||
        !db_integer(db, "PRAGMA page_size", &page_size, err))
        return false;
    if (is_wal || !path || !*path || stat(path, &status) != 0 ||
        status.st_size >= pages * page_size)
        return true;
    return error_set(err, ERROR_INPUT, "%s: cut short: %lld bytes; %lld expected", db_name(db),
                     (long long)status.st_size, (long long)(pages * page_size));
}

bool db_check(sqlite3 *db, const struct db_kind *kind, bool *empty, struct error *err)
{
    int64_t application_id, version, tables;

    if (!db_integer(db, "PRAGMA application_id", &application_id, err) ||
        !db_integer(db, "PRAGMA user_version", &version, err) ||
        !db_integer(db, "SELECT count(*) FROM sqlite_schema", &tables, err))
        return false;
    *empty = tables == 0 && application_id == 0 && version == 0;
    if (*empty)
        return true;
    if (!check_size(db, err))
        return false;
    if (application_id != kind->application_id)
        return error_set(
            err, ERROR_INPUT,
            "%s: application_id 0x%08llx; 0x%08x expected: this is not a %s of altimeter",
            db_name(db), (long long)application_id, kind->application_id, kind->name);
    if (version != kind->version)
        return error_set(err, ERROR_VERSION,
                         "%s: schema version %lld; this program reads version %d: %s", db_name(db),
                         (long long)version, kind->version,
                         version > kind->version ? "it was made by a newer altimeter, install that"
                                                 : "it was made by an older altimeter");
    return true;
}

sqlite3 *db_open_kind(const char *path, enum db_mode mode, const struct db_kind *kind,
                      struct error *err)
{
    bool empty = false, ok = false;
    sqlite3 *db = db_open(path, mode, err);

    if (!db)
        return NULL;
    ok = db_check(db, kind, &empty, err);
    if (ok && empty) {
        if (mode == DB_READ)
            ok = error_set(err, ERROR_INPUT, "%s: an empty file; a %s expected", db_name(db),
                           kind->name);
        else
            ok = db_exec(db, "BEGIN IMMEDIATE", err) && db_exec(db, kind->schema, err) &&
                 db_exec(db, "COMMIT", err);
    }
    if (!ok) {
        db_close(db);
        return NULL;
    }
    return db;
}

void db_close(sqlite3 *db)
{
    (void)sqlite3_close(db); // SQLITE_BUSY would be a statement of ours that was not finalized
}

bool db_exec(sqlite3 *db, const char *sql, struct error *err)
{
    char doing[64];

    if (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK)
        return true;
    (void)sqlite3_snprintf(sizeof doing, doing, "%.60s", sql);
    return db_error(db, err, doing);
}

bool db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, struct error *err)
{
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) == SQLITE_OK)
        return true;
    return db_error(db, err, sql);
}

bool db_run(sqlite3_stmt *statement, struct error *err)
{
    int step = sqlite3_step(statement);
    bool ok = step == SQLITE_DONE;

    if (!ok) {
        if (step == SQLITE_ROW)
            error_set(err, ERROR_INPUT, "%s: a row where none was expected",
                      sqlite3_sql(statement));
        else
            db_error(sqlite3_db_handle(statement), err, sqlite3_sql(statement));
    }
    (void)sqlite3_reset(statement);
    (void)sqlite3_clear_bindings(statement);
    return ok;
}
