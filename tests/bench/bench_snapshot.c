/* Writing a snapshot, beside one SQLite row per pair; loading one, beside reading its bytes.
 *
 *     bench_snapshot [--rounds N] SNAPSHOT DIRECTORY [write | rows]
 *
 * Without a word: load and read. Snapshots are written into the directory and removed again. Writing includes
 * the tags and everything until the map is visible; what the disk needs to sync as many bytes is told apart. */
#include "figures.h"
#include "lib/arena.h"
#include "lib/db.h"
#include "lib/snapshot.h"
#include "loaded.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct bench {
    const char *path, *directory;
    struct snapshot *snapshot;
    char *bytes; // room for the file
    size_t size;
};

/* ---- Writing ---- */

static double publish(void *context)
{
    struct bench *bench = context;
    struct snapshot_writer_options options = {
        .directory = bench->directory, .keep_count = 1, .keep_for_us = 1, .max_bytes = UINT64_MAX};
    enum snapshot_outcome outcome = SNAPSHOT_UNCHANGED;
    char name[64], path[PATH_MAX];
    struct error err;
    struct snapshot_writer *writer = snapshot_writer_open(&options, &err);
    double start = figures_now_ms();

    if (!writer || !snapshot_publish(writer, bench->snapshot, name, &outcome, &err))
        loaded_fail(bench->directory, err.text);
    double took = figures_now_ms() - start;
    if (outcome != SNAPSHOT_PUBLISHED)
        loaded_fail(bench->directory, "an empty directory expected");
    snapshot_writer_close(writer);
    (void)snprintf(path, sizeof path, "%s/%s", bench->directory, name);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/current", bench->directory);
    (void)unlink(path);
    return took;
}

/* What fsync alone costs for a file of this size. */
static double sync_bytes(void *context)
{
    struct bench *bench = context;
    char path[PATH_MAX];

    (void)snprintf(path, sizeof path, "%s/synced", bench->directory);
    int file = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    if (file < 0 || write(file, bench->bytes, bench->size) != (ssize_t)bench->size)
        loaded_fail(path, strerror(errno));
    double start = figures_now_ms();
    if (fsync(file) != 0)
        loaded_fail(path, strerror(errno));
    double took = figures_now_ms() - start;
    (void)close(file);
    (void)unlink(path);
    return took;
}

static uint64_t cost_of(const struct snapshot_row *row, size_t to)
{
    uint64_t cost = 0;
    bool any = false;

    for (uint32_t at = 0; at < row->width; at++) {
        char letter = row->cells[to * row->width + at];

        if (letter == ' ')
            continue;
        cost = 10 * cost + (uint64_t)(letter - '0');
        any = true;
    }
    return any ? cost : SNAPSHOT_NO_COST;
}

static void insert_costs(const struct snapshot *snapshot, size_t metric, sqlite3_stmt *row,
                         struct error *err)
{
    for (size_t from = 0; from < snapshot->pid_count; from++) {
        for (size_t to = 0; to < snapshot->pid_count; to++) {
            uint64_t cost = cost_of(&snapshot->metrics[metric].rows[from], to);

            if (cost == SNAPSHOT_NO_COST)
                continue;
            (void)sqlite3_bind_int64(row, 1, (sqlite3_int64)metric);
            (void)sqlite3_bind_int64(row, 2, (sqlite3_int64)from);
            (void)sqlite3_bind_int64(row, 3, (sqlite3_int64)to);
            (void)sqlite3_bind_int64(row, 4, (sqlite3_int64)cost);
            if (!db_run(row, err))
                loaded_fail("rows", err->text);
        }
    }
}

static void insert_prefixes(const struct snapshot *snapshot, sqlite3_stmt *row, struct error *err)
{
    char text[PREFIX_TEXT_SIZE];

    for (size_t pid = 0; pid < snapshot->pid_count; pid++) {
        for (size_t i = 0; i < snapshot->pids[pid].prefix_count; i++) {
            (void)sqlite3_bind_text(row, 1, prefix_format(&snapshot->pids[pid].prefixes[i], text),
                                    -1, SQLITE_STATIC);
            (void)sqlite3_bind_text(row, 2, snapshot->pids[pid].name, -1, SQLITE_STATIC);
            if (!db_run(row, err))
                loaded_fail("rows", err->text);
        }
    }
}

/* As one would write it: a table with a key, a prepared statement, one transaction, no journal. */
static double write_rows(void *context)
{
    struct bench *bench = context;
    sqlite3_stmt *cost = NULL, *prefix = NULL;
    char path[PATH_MAX];
    struct error err;
    double start = figures_now_ms();

    (void)snprintf(path, sizeof path, "%s/rows.db", bench->directory);
    sqlite3 *db = db_open(path, DB_CREATE, &err);
    if (!db ||
        !db_exec(db,
                 "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA page_size=65536;"
                 "CREATE TABLE prefix (prefix TEXT PRIMARY KEY, pid TEXT NOT NULL) WITHOUT ROWID;"
                 "CREATE TABLE cost (metric INTEGER, source INTEGER, destination INTEGER,"
                 " cost INTEGER NOT NULL, PRIMARY KEY (metric, source, destination))"
                 " WITHOUT ROWID; BEGIN",
                 &err) ||
        !db_prepare(db, "INSERT INTO cost VALUES (?,?,?,?)", &cost, &err) ||
        !db_prepare(db, "INSERT INTO prefix VALUES (?,?)", &prefix, &err))
        loaded_fail(path, err.text);
    insert_prefixes(bench->snapshot, prefix, &err);
    for (size_t metric = 0; metric < bench->snapshot->metric_count; metric++) {
        if (!bench->snapshot->metrics[metric].alias_of)
            insert_costs(bench->snapshot, metric, cost, &err);
    }
    (void)sqlite3_finalize(cost);
    (void)sqlite3_finalize(prefix);
    if (!db_exec(db, "COMMIT", &err))
        loaded_fail(path, err.text);
    db_close(db);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fsync(file) != 0)
        loaded_fail(path, strerror(errno));
    (void)close(file);
    double took = figures_now_ms() - start;
    (void)unlink(path);
    return took;
}

/* ---- Reading ---- */

static double load(void *context)
{
    struct bench *bench = context;
    struct snapshot snapshot;
    struct error err;
    double start = figures_now_ms();
    struct arena *arena = arena_new();

    if (!snapshot_read(bench->path, SNAPSHOT_MAP, arena, &snapshot, &err))
        loaded_fail(bench->path, err.text);
    double took = figures_now_ms() - start;
    arena_free(arena);
    return took;
}

/* Into memory that is new as well, as the load's is. */
static double read_bytes(void *context)
{
    struct bench *bench = context;
    double start = figures_now_ms();
    char *bytes = malloc(bench->size);
    int file = open(bench->path, O_RDONLY | O_CLOEXEC);
    size_t used = 0;

    while (bytes && file >= 0 && used < bench->size) {
        ssize_t got = read(file, bytes + used, bench->size - used);
        if (got <= 0)
            break;
        used += (size_t)got;
    }
    if (!bytes || used != bench->size)
        loaded_fail(bench->path, strerror(errno));
    (void)close(file);
    double took = figures_now_ms() - start;
    memcpy(bench->bytes, bytes, bench->size);
    free(bytes);
    return took;
}

static void run(struct bench *bench, const struct figures_options *options)
{
    static figures_function *const reading[] = {load, read_bytes};
    static figures_function *const writing[] = {publish, sync_bytes};
    double medians[2];

    if (options->word_count == 2) {
        figures_interleave(options->rounds, reading, bench, 2, medians);
        figures_print("load", medians[0], "ms");
        figures_print("read", medians[1], "ms");
    } else if (strcmp(options->words[2], "write") == 0) {
        (void)read_bytes(bench); // what is synced
        figures_interleave(options->rounds, writing, bench, 2, medians);
        figures_print("write", medians[0], "ms");
        figures_print("fsync", medians[1], "ms");
    } else {
        figures_print("rows", write_rows(bench), "ms");
    }
}

int main(int argc, char **argv)
{
    struct figures_options options =
        figures_start(argc, argv, "SNAPSHOT DIRECTORY [write | rows]", 2);
    struct bench bench = {.path = options.words[0], .directory = options.words[1]};
    struct snapshot snapshot;
    struct stat info;
    struct error err;
    struct arena *arena = arena_new();

    if (stat(bench.path, &info) != 0)
        loaded_fail(bench.path, strerror(errno));
    if (!snapshot_read(bench.path, SNAPSHOT_GRAPH, arena, &snapshot, &err))
        loaded_fail(bench.path, err.text);
    bench.size = (size_t)info.st_size;
    bench.bytes = memory_alloc(bench.size, 1);
    bench.snapshot = &snapshot;
    run(&bench, &options);
    free(bench.bytes);
    arena_free(arena);
    return 0;
}
