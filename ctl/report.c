/* report: see report.h. Plain SQL instead of the readers of lib/: these give every row, and here they are
 * counted. */
#include "report.h"

#include "lib/db.h"
#include "lib/snapshot.h"
#include "lib/status.h"
#include "lib/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    FEED_LIMIT = 10000,  // 1,000 routers with three families are three thousand
    METRIC_LIMIT = 1000, // a dozen is usual
    WARNING_LIMIT = 200, // mapgen writes 101
    TEXT_LIMIT = 600,    // of one text from a file
};

/* A text from outside, fit for a terminal. NULL stays NULL. */
static const char *printable(struct arena *arena, const char *text)
{
    char out[TEXT_LIMIT];

    if (!text)
        return NULL;
    text_printable(text, strlen(text), out, sizeof out);
    return arena_text(arena, out, strlen(out));
}

static const char *optional(sqlite3_stmt *row, int index, struct arena *arena)
{
    return printable(arena, (const char *)sqlite3_column_text(row, index));
}

/* The schema says NOT NULL, but the file may not be what it says. */
static const char *column(sqlite3_stmt *row, int index, struct arena *arena)
{
    const char *text = optional(row, index, arena);

    return text ? text : "";
}

/* Why a file gives nothing: in words of an operator when it is not there. */
static const char *why(struct arena *arena, const char *path, const char *program,
                       const struct error *err)
{
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return arena_format(arena, "%s is not there: %s has not run yet", path, program);
    return arena_format(arena, "%s", err->text);
}

/* ---- state.db ---- */

static const char feeds_sql[] =
    "SELECT p.name, p.address, p.configured, p.state, p.since_us, p.last_error,"
    "       f.family, f.source, f.end_of_rib, f.stale, f.stale_since_us, f.faulty,"
    "       coalesce(CASE f.family"
    "         WHEN 'link-state' THEN (SELECT sum(n) FROM ls WHERE ls.peer_id = p.peer_id)"
    "         ELSE (SELECT r.n FROM routes r WHERE r.peer_id = p.peer_id"
    "               AND r.family = CASE f.family WHEN 'ipv4-unicast' THEN 4 ELSE 6 END) END, 0)"
    "  FROM peer p LEFT JOIN peer_family f USING (peer_id)"
    " ORDER BY p.configured DESC, p.rank, p.name, f.family";

static const char counts_sql[] =
    "WITH routes AS MATERIALIZED"
    "       (SELECT peer_id, family, count(*) AS n FROM route GROUP BY peer_id, family),"
    "     ls AS MATERIALIZED"
    "       (SELECT peer_id, count(*) AS n FROM ls_node GROUP BY peer_id UNION ALL"
    "        SELECT peer_id, count(*) FROM ls_link GROUP BY peer_id UNION ALL"
    "        SELECT peer_id, count(*) FROM ls_prefix GROUP BY peer_id) ";

static struct report_feed feed_of(sqlite3_stmt *row, struct arena *arena)
{
    return (struct report_feed){
        .peer = column(row, 0, arena),
        .address = column(row, 1, arena),
        .configured = sqlite3_column_int(row, 2) != 0,
        .state = column(row, 3, arena),
        .since_us = sqlite3_column_int64(row, 4),
        .last_error = optional(row, 5, arena),
        .family = optional(row, 6, arena),
        .source = column(row, 7, arena),
        .end_of_rib = column(row, 8, arena),
        .stale = sqlite3_column_int(row, 9) != 0,
        .stale_since_us = sqlite3_column_int64(row, 10),
        .faulty = optional(row, 11, arena),
        .objects = sqlite3_column_int64(row, 12),
    };
}

static bool read_feeds(sqlite3 *db, struct arena *arena, struct report *report, struct error *err)
{
    sqlite3_stmt *rows = NULL;
    struct report_feed *list = NULL;
    size_t count = 0, capacity = 0;
    bool ok = false;
    int step;

    if (!db_prepare(db, arena_format(arena, "%s%s", counts_sql, feeds_sql), &rows, err))
        return false;
    while ((step = sqlite3_step(rows)) == SQLITE_ROW && count < FEED_LIMIT) {
        list = memory_grow(list, count, &capacity, sizeof *list);
        list[count++] = feed_of(rows, arena);
    }
    if (step == SQLITE_ROW)
        error_set(err, ERROR_LIMIT, "state.db: more than %d feeds", FEED_LIMIT);
    else
        ok = step == SQLITE_DONE || db_error(db, err, "reading the feeds");
    if (ok) {
        report->state.feeds = arena_copy(arena, list, count * sizeof *list);
        report->state.feed_count = count;
    }
    free(list);
    (void)sqlite3_finalize(rows);
    return ok;
}

static bool read_position(sqlite3 *db, struct arena *arena, struct report *report,
                          struct error *err)
{
    sqlite3_stmt *row = NULL;
    bool ok;

    if (!db_prepare(db,
                    "SELECT generation, n, (SELECT time_us FROM sequence WHERE sequence = n)"
                    " FROM meta, (SELECT max(sequence) AS n FROM sequence)",
                    &row, err))
        return false;
    int step = sqlite3_step(row);
    ok = step == SQLITE_ROW ||
         (step == SQLITE_DONE ? error_set(err, ERROR_INPUT, "state.db: table meta has no row")
                              : db_error(db, err, "reading the sequence"));
    if (ok) {
        report->state.generation = column(row, 0, arena);
        report->state.sequence = sqlite3_column_int64(row, 1);
        report->state.time_us = sqlite3_column_int64(row, 2);
    }
    (void)sqlite3_finalize(row);
    return ok;
}

static void gather_state(const struct config *config, struct arena *arena, struct report *report)
{
    struct error err;
    const char *path = config->state.database;
    sqlite3 *db = db_open_kind(path, DB_READ, &db_state, &err);

    report->state.path = path;
    // one transaction, so that sequence and feeds are of one moment
    if (!db || !db_exec(db, "BEGIN", &err) || !read_position(db, arena, report, &err) ||
        !read_feeds(db, arena, report, &err))
        report->state.missing = why(arena, path, "altimeter-collector", &err);
    db_close(db);
}

/* ---- status.db and the current snapshot ---- */

static void gather_mapgen(const struct config *config, struct arena *arena, struct report *report)
{
    static const char *const phases[] = {
        [STATUS_WAITING] = "waiting", [STATUS_RUNNING] = "running", [STATUS_FAILING] = "failing"};
    const char *directory = config->snapshots.map_directory;
    struct status status;
    struct error err;

    report->mapgen.directory = directory;
    if (!status_read(directory, arena, &status, &err)) {
        const char *path = arena_format(arena, "%s/status.db", directory);
        report->mapgen.missing = why(arena, path, "altimeter-mapgen", &err);
        return;
    }
    report->mapgen.written_us = status.written_us;
    report->mapgen.phase = phases[status.phase];
    report->mapgen.message = printable(arena, status.message);
    report->mapgen.has_map = status.snapshot != NULL;
    report->mapgen.sequence = (int64_t)status.sequence;
    report->mapgen.confirmed_us = status.confirmed_us;
    if (status.held_rail)
        report->mapgen.held = arena_format(arena, "%s: %s", printable(arena, status.held_rail),
                                           printable(arena, status.held_by ? status.held_by : ""));
}

static bool read_metrics(sqlite3 *db, struct arena *arena, struct report *report, struct error *err)
{
    struct report_metric *list = NULL;
    sqlite3_stmt *rows = NULL;
    size_t count = 0, capacity = 0;
    bool ok = false;
    int step;

    if (!db_prepare(db,
                    "SELECT m.name, m.unit, a.name, coalesce(a.pairs, m.pairs) FROM metric m"
                    " LEFT JOIN metric a ON a.metric_id = m.alias_of ORDER BY m.name",
                    &rows, err))
        return false;
    while ((step = sqlite3_step(rows)) == SQLITE_ROW && count < METRIC_LIMIT) {
        list = memory_grow(list, count, &capacity, sizeof *list);
        list[count++] =
            (struct report_metric){column(rows, 0, arena), column(rows, 1, arena),
                                   optional(rows, 2, arena), sqlite3_column_int64(rows, 3)};
    }
    if (step == SQLITE_ROW)
        error_set(err, ERROR_LIMIT, "more than %d metrics", METRIC_LIMIT);
    else
        ok = step == SQLITE_DONE || db_error(db, err, "reading the metrics");
    if (ok) {
        report->snapshot.metrics = arena_copy(arena, list, count * sizeof *list);
        report->snapshot.metric_count = count;
    }
    free(list);
    (void)sqlite3_finalize(rows);
    return ok;
}

static bool read_warnings(sqlite3 *db, struct arena *arena, struct report *report,
                          struct error *err)
{
    const char **list = arena_alloc(arena, WARNING_LIMIT, sizeof *list);
    sqlite3_stmt *rows = NULL;
    size_t count = 0;
    bool ok = false;
    int step;

    // not from the view: a snapshot of an earlier version has none
    if (!db_prepare(db, "SELECT value FROM snapshot, json_each(warnings)", &rows, err))
        return false;
    while ((step = sqlite3_step(rows)) == SQLITE_ROW && count < WARNING_LIMIT)
        list[count++] = column(rows, 0, arena);
    if (step == SQLITE_ROW)
        error_set(err, ERROR_LIMIT, "more than %d warnings", WARNING_LIMIT);
    else
        ok = step == SQLITE_DONE || db_error(db, err, "reading the warnings");
    if (ok) {
        report->snapshot.warnings = list;
        report->snapshot.warning_count = count;
    }
    (void)sqlite3_finalize(rows);
    return ok;
}

static bool read_snapshot(sqlite3 *db, struct arena *arena, struct report *report,
                          struct error *err)
{
    sqlite3_stmt *row = NULL;
    bool ok;

    if (!db_prepare(db,
                    "SELECT number, time_us, map, tag, (SELECT count(*) FROM pid),"
                    " (SELECT coalesce(sum(prefixes_ipv4), 0) FROM pid),"
                    " (SELECT coalesce(sum(prefixes_ipv6), 0) FROM pid) FROM snapshot",
                    &row, err))
        return false;
    int step = sqlite3_step(row);
    ok = step == SQLITE_ROW ||
         (step == SQLITE_DONE ? error_set(err, ERROR_INPUT, "table snapshot has no row")
                              : db_error(db, err, "reading the snapshot"));
    if (ok) {
        report->snapshot.number = sqlite3_column_int64(row, 0);
        report->snapshot.time_us = sqlite3_column_int64(row, 1);
        report->snapshot.map = column(row, 2, arena);
        report->snapshot.tag = column(row, 3, arena);
        report->snapshot.pids = sqlite3_column_int64(row, 4);
        report->snapshot.ipv4_prefixes = sqlite3_column_int64(row, 5);
        report->snapshot.ipv6_prefixes = sqlite3_column_int64(row, 6);
    }
    (void)sqlite3_finalize(row);
    return ok;
}

static void gather_snapshot(const struct config *config, struct arena *arena, struct report *report)
{
    const char *directory = config->snapshots.map_directory;
    char name[64];
    struct error err;

    if (!snapshot_current(directory, name, &err)) {
        report->snapshot.missing = arena_format(arena, "%s", err.text);
        return;
    }
    if (!*name) {
        report->snapshot.missing = arena_format(arena, "no map in %s yet", directory);
        return;
    }
    report->snapshot.name = printable(arena, name);
    const char *path = arena_format(arena, "%s/%s", directory, name);
    sqlite3 *db = db_open_kind(path, DB_READ, &db_snapshot, &err);
    if (!db || !read_snapshot(db, arena, report, &err) || !read_metrics(db, arena, report, &err) ||
        !read_warnings(db, arena, report, &err)) {
        error_in(&err, "current map");
        report->snapshot.missing = arena_format(arena, "%s", err.text);
    }
    db_close(db);
}

void report_gather(const struct config *config, int64_t now_us, struct arena *arena,
                   struct report *report)
{
    *report = (struct report){.now_us = now_us};
    gather_state(config, arena, report);
    gather_mapgen(config, arena, report);
    gather_snapshot(config, arena, report);
}
