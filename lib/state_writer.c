/* state_writer: the one that changes state.db, opened and closed.
 *
 * What it does stands by subject: state_sql (its statements), state_load (what memory keeps of the file),
 * state_change (change sets, sequences, tombstones), state_peers, state_routes, state_link_state, state_sweep
 * and state_upkeep.
 *
 * A file is looked at through a connection that cannot write before anything of it may be changed: what is
 * foreign, newer or damaged stays as it was found.
 *
 * synchronous=NORMAL: a commit survives the death of the process, not always that of the machine. Then the
 * last commits are missing as if they had never been, the collector's sessions are new, and it hears all
 * again. Fsyncs happen at checkpoints only. */
#include "lock.h"
#include "state_writer_inside.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>

enum { GENERATION_BYTES = 16 };
static const int64_t keep_tombstones_default_us = 3600 * INT64_C(1000000);

static bool create(struct state_writer *writer, struct error *err)
{
    uint8_t random[GENERATION_BYTES];
    char hex[2 * GENERATION_BYTES + 1], sql[200];

    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return error_set(err, ERROR_SYSTEM, "%s: no random bytes from the kernel", writer->path);
    (void)snprintf(sql, sizeof sql,
                   "INSERT INTO meta (only, generation, floor, next_attributes_id) "
                   "VALUES (1, '%s', 0, 1)",
                   text_hex(random, sizeof random, hex));
    return db_exec(writer->db, "BEGIN IMMEDIATE", err) &&
           db_exec(writer->db, db_state.schema, err) && db_exec(writer->db, sql, err) &&
           db_exec(writer->db, "COMMIT", err);
}

/* Looks at what is there before anything may be changed: through a connection that cannot write. */
static bool examine(const char *path, bool *is_new, struct error *err)
{
    char wal[4096];
    struct stat file;

    *is_new = true;
    if (stat(path, &file) != 0 || file.st_size == 0) {
        (void)snprintf(wal, sizeof wal, "%s-wal", path);
        if (stat(wal, &file) == 0 && file.st_size > 0)
            return error_set(err, ERROR_INPUT,
                             "%s: missing or empty beside a %s-wal of %jd bytes; it was damaged",
                             path, path, (intmax_t)file.st_size);
        return true;
    }
    sqlite3 *db = db_open(path, DB_READ, err);
    if (!db)
        return false;
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    bool ok = db_check(db, &db_state, is_new, err);
    db_close(db);
    return ok;
}

static bool configure(sqlite3 *db, struct error *err)
{
    int persist = 1;

    (void)sqlite3_file_control(db, "main", SQLITE_FCNTL_PERSIST_WAL, &persist);
    // what is to be checkpointed on closing is, by state_writer_close; a file refused stays as it is
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    return db_exec(db, "PRAGMA journal_mode = WAL", err) &&
           db_exec(db, "PRAGMA wal_autocheckpoint = 0", err) &&
           db_exec(db, "PRAGMA synchronous = NORMAL", err) &&
           db_exec(db, "PRAGMA mmap_size = 0", err) &&
           db_exec(db, "PRAGMA secure_delete = OFF", err) && // Debian's default is ON
           db_exec(db, "PRAGMA cache_size = -65536", err) && // kB; a batch's pages stay in memory
           db_exec(db, "PRAGMA journal_size_limit = 67108864", err);
}

static bool writer_open(struct state_writer *writer, struct error *err)
{
    char lock[4096];
    bool is_new;

    if (snprintf(lock, sizeof lock, "%s.lock", writer->path) >= (int)sizeof lock)
        return error_set(err, ERROR_LIMIT, "%.100s…: a path of at most %zu characters expected",
                         writer->path, sizeof lock - sizeof ".lock");
    writer->lock = lock_take(lock, err);
    if (!writer->lock || !examine(writer->path, &is_new, err))
        return false;
    writer->db = db_open(writer->path, DB_CREATE, err);
    return writer->db && configure(writer->db, err) && (!is_new || create(writer, err)) &&
           writer_prepare(writer, err) && writer_load(writer, err);
}

static void writer_free(struct state_writer *writer)
{
    for (size_t i = 0; i < FIXED_STATEMENTS; i++)
        (void)sqlite3_finalize(writer->statements[i]);
    for (size_t i = 0; i < LS_TABLES; i++)
        for (size_t j = 0; j < LS_STATEMENTS; j++)
            (void)sqlite3_finalize(writer->ls_statements[i][j]);
    db_close(writer->db);
    lock_release(writer->lock);
    attribute_pool_free(writer->pool);
    arena_free(writer->scratch);
    free(writer->unused);
    free(writer->path);
    free(writer);
}

struct state_writer *state_writer_open(const struct state_writer_options *options,
                                       struct error *err)
{
    struct state_writer *writer = memory_alloc(1, sizeof *writer);

    writer->path = memory_text(options->path);
    writer->scratch = arena_new();
    writer->keep_tombstones_us =
        options->keep_tombstones_us ? options->keep_tombstones_us : keep_tombstones_default_us;
    if (!writer_open(writer, err)) {
        writer_free(writer);
        return NULL;
    }
    return writer;
}

void state_writer_close(struct state_writer *writer)
{
    if (!writer)
        return;
    if (writer->is_open)
        state_rollback(writer);
    writer_checkpoint(writer);
    writer_free(writer);
}
