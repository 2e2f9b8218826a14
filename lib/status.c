/* status: see status.h. The file is small, so it is written anew each time rather than changed in place: a
 * reader never waits for a lock, and needs no permission but to read. It is not synced: after a power cut the
 * next altimeter-mapgen writes it within moments of its start. */
#include "status.h"

#include "db.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const phases[] = {
    [STATUS_WAITING] = "waiting", [STATUS_RUNNING] = "running", [STATUS_FAILING] = "failing"};

enum { FEED_LIMIT = 100000 }; // rows of a foreign file; a network has some ten reflectors

static char *path_in(const char *directory, const char *name)
{
    size_t size = strlen(directory) + strlen(name) + sizeof "/";
    char *path = memory_alloc(size, 1);

    (void)snprintf(path, size, "%s/%s", directory, name);
    return path;
}

/* ---- Writing ---- */

static bool bind_integer(sqlite3_stmt *row, int column, int64_t value)
{
    return sqlite3_bind_int64(row, column, value) == SQLITE_OK;
}

static bool bind_text(sqlite3_stmt *row, int column, const char *text) // NULL: NULL
{
    return sqlite3_bind_text(row, column, text, -1, SQLITE_STATIC) == SQLITE_OK;
}

static bool bind_head(sqlite3_stmt *row, const struct status *s)
{
    bool ok = bind_text(row, 1, s->map) && bind_integer(row, 2, s->written_us) &&
              bind_text(row, 3, s->version) && bind_integer(row, 4, s->pid) &&
              bind_text(row, 5, phases[s->phase]) && bind_text(row, 6, s->message);

    if (ok && s->snapshot)
        ok = bind_text(row, 7, s->snapshot) && bind_integer(row, 8, (int64_t)s->number) &&
             bind_text(row, 9, s->tag) && bind_integer(row, 10, (int64_t)s->sequence) &&
             bind_integer(row, 11, s->confirmed_us);
    if (ok && s->held_rail)
        ok = bind_integer(row, 12, (int64_t)s->held_sequence) && bind_text(row, 13, s->held_rail) &&
             bind_text(row, 14, s->held_by);
    return ok;
}

static bool write_head(sqlite3 *db, const struct status *status, struct error *err)
{
    sqlite3_stmt *row = NULL;

    if (!db_prepare(db, "INSERT INTO status VALUES (1,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", &row, err))
        return false;
    bool ok = (bind_head(row, status) || db_error(db, err, "binding")) && db_run(row, err);
    (void)sqlite3_finalize(row);
    return ok;
}

static bool bind_feed(sqlite3_stmt *row, const struct status_feed *feed)
{
    return bind_text(row, 1, feed->peer) && bind_text(row, 2, state_family_names[feed->family]) &&
           bind_text(row, 3, state_peer_states[feed->state]) &&
           bind_integer(row, 4, feed->since_us) && bind_integer(row, 5, feed->stale) &&
           (!feed->stale_since_us || bind_integer(row, 6, feed->stale_since_us)) &&
           bind_text(row, 7, state_end_of_ribs[feed->end_of_rib]) &&
           bind_text(row, 8, feed->last_error);
}

static bool write_feeds(sqlite3 *db, const struct status *status, struct error *err)
{
    sqlite3_stmt *row = NULL;
    bool ok = db_prepare(db, "INSERT INTO feed VALUES (?,?,?,?,?,?,?,?)", &row, err);

    for (size_t i = 0; ok && i < status->feed_count; i++)
        ok =
            (bind_feed(row, &status->feeds[i]) || db_error(db, err, "binding")) && db_run(row, err);
    (void)sqlite3_finalize(row);
    return ok;
}

static bool write_file(const char *path, const struct status *status, struct error *err)
{
    sqlite3 *db = db_open(path, DB_CREATE, err);
    bool ok;

    if (!db)
        return false;
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL); // it forbids journal_mode=OFF
    ok = db_exec(db, "PRAGMA journal_mode=OFF", err) &&
         db_exec(db, "PRAGMA synchronous=OFF", err) && db_exec(db, "BEGIN", err) &&
         db_exec(db, db_status.schema, err) && write_head(db, status, err) &&
         write_feeds(db, status, err) && db_exec(db, "COMMIT", err);
    db_close(db);
    return ok;
}

bool status_write(const char *directory, const struct status *status, struct error *err)
{
    char *temporary = path_in(directory, ".status.tmp");
    char *path = path_in(directory, "status.db");

    (void)unlink(temporary); // of a process that was killed
    bool ok = write_file(temporary, status, err);
    if (ok && rename(temporary, path) != 0)
        ok = error_errno(err, errno, "renaming to status.db");
    if (!ok)
        (void)unlink(temporary);
    free(temporary);
    free(path);
    return ok || error_in(err, "%s: status", directory);
}

/* ---- Reading ---- */

static bool read_word(sqlite3_stmt *row, int column, const char *const *words, size_t count,
                      unsigned *out, struct error *err)
{
    const char *text = (const char *)sqlite3_column_text(row, column);

    for (unsigned i = 0; text && i < count; i++) {
        if (strcmp(text, words[i]) == 0) {
            *out = i;
            return true;
        }
    }
    return error_set(err, ERROR_INPUT, "%s: \"%.40s\" is no word for it",
                     sqlite3_column_name(row, column), text ? text : "NULL");
}

#define READ_WORD(row, column, words, out, err)                                                    \
    read_word((row), (column), (words), sizeof(words) / sizeof *(words), (out), (err))

static const char *read_text(sqlite3_stmt *row, int column, struct arena *arena) // NULL: NULL
{
    const char *text = (const char *)sqlite3_column_text(row, column);

    return text ? arena_text(arena, text, strlen(text)) : NULL;
}

/* Of a column that is NOT NULL. */
static const char *read_word_text(sqlite3_stmt *row, int column, struct arena *arena)
{
    const char *text = read_text(row, column, arena);

    return text ? text : "";
}

static bool read_head(sqlite3 *db, struct arena *arena, struct status *out, struct error *err)
{
    sqlite3_stmt *row = NULL;
    unsigned phase = 0;
    bool ok = false;

    if (!db_prepare(db,
                    "SELECT map, written_us, version, pid, phase, message, snapshot, number, tag, "
                    "sequence, confirmed_us, held_sequence, held_rail, held_by FROM status",
                    &row, err))
        return false;
    int step = sqlite3_step(row);
    if (step != SQLITE_ROW) {
        ok = step == SQLITE_DONE ? error_set(err, ERROR_INPUT, "no row where one was expected")
                                 : db_error(db, err, "reading");
        goto done;
    }
    if (!READ_WORD(row, 4, phases, &phase, err))
        goto done;
    *out = (struct status){
        .map = read_word_text(row, 0, arena),
        .written_us = sqlite3_column_int64(row, 1),
        .version = read_word_text(row, 2, arena),
        .pid = sqlite3_column_int64(row, 3),
        .phase = (enum status_phase)phase,
        .message = read_word_text(row, 5, arena),
        .snapshot = read_text(row, 6, arena),
        .number = (uint64_t)sqlite3_column_int64(row, 7),
        .tag = read_text(row, 8, arena),
        .sequence = (uint64_t)sqlite3_column_int64(row, 9),
        .confirmed_us = sqlite3_column_int64(row, 10),
        .held_sequence = (uint64_t)sqlite3_column_int64(row, 11),
        .held_rail = read_text(row, 12, arena),
        .held_by = read_text(row, 13, arena),
    };
    ok = true;
done:
    (void)sqlite3_finalize(row);
    return ok || error_in(err, "table status");
}

static bool read_feed(sqlite3_stmt *row, struct arena *arena, struct status_feed *out,
                      struct error *err)
{
    unsigned family = 0, state = 0, end_of_rib = 0;

    if (!read_word(row, 1, state_family_names, STATE_FAMILIES, &family, err) ||
        !READ_WORD(row, 2, state_peer_states, &state, err) ||
        !READ_WORD(row, 6, state_end_of_ribs, &end_of_rib, err))
        return false;
    *out = (struct status_feed){
        .peer = read_word_text(row, 0, arena),
        .family = (enum state_family)family,
        .state = (enum state_peer_state)state,
        .since_us = sqlite3_column_int64(row, 3),
        .stale = sqlite3_column_int64(row, 4) != 0,
        .stale_since_us = sqlite3_column_int64(row, 5),
        .end_of_rib = (enum state_end_of_rib)end_of_rib,
        .last_error = read_text(row, 7, arena),
    };
    return true;
}

static bool read_feeds(sqlite3 *db, struct arena *arena, struct status *out, struct error *err)
{
    sqlite3_stmt *row = NULL;
    struct status_feed *feeds = NULL;
    size_t count = 0, capacity = 0;
    bool ok = false;
    int step;

    if (!db_prepare(db,
                    "SELECT peer, family, state, since_us, stale, stale_since_us, end_of_rib, "
                    "last_error FROM feed ORDER BY peer, family",
                    &row, err))
        return false;
    while ((step = sqlite3_step(row)) == SQLITE_ROW) {
        if (count == FEED_LIMIT) {
            error_set(err, ERROR_LIMIT, "more than %d rows", FEED_LIMIT);
            goto done;
        }
        feeds = memory_grow(feeds, count, &capacity, sizeof *feeds);
        if (!read_feed(row, arena, &feeds[count], err))
            goto done;
        count++;
    }
    ok = step == SQLITE_DONE || db_error(db, err, "reading");
    if (ok) {
        out->feeds = arena_copy(arena, feeds, count * sizeof *feeds);
        out->feed_count = count;
    }
done:
    (void)sqlite3_finalize(row);
    free(feeds);
    return ok || error_in(err, "table feed: row %zu", count);
}

bool status_read(const char *directory, struct arena *arena, struct status *out, struct error *err)
{
    char *path = path_in(directory, "status.db");
    sqlite3 *db = db_open_kind(path, DB_READ, &db_status, err);
    struct status status;
    bool ok = db && read_head(db, arena, &status, err) && read_feeds(db, arena, &status, err);

    db_close(db);
    free(path);
    if (ok)
        *out = status;
    return ok || error_in(err, "%s", directory);
}
