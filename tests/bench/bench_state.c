/* How fast routes get into state.db, and out of it, beside the same rows through bare SQLite.
 *
 *     bench_state [--rounds N] STATE-DB DIRECTORY     rows of STATE-DB; DIRECTORY: on the disk that is meant
 *
 * load: a first load in the order of the key, as the collector writes one: change sets of 50,000, a checkpoint after
 * each. Beside it one prepared upsert a row with the texts made already, same schema, same settings, same transactions:
 * what no writer of that file could do without. The rows are counted before anything is printed.
 *
 * sweep: all of it goes, in the pieces that the collector takes. Beside it one INSERT … SELECT of the tombstones and
 * one DELETE, in one transaction. sweep_half: every other route stays, the worst that can be for runs. sweep_none: all of
 * it was heard again, and is only looked at. */
#include "figures.h"
#include "lib/arena.h"
#include "lib/db.h"
#include "lib/state.h"
#include "lib/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BATCH = 50000, PIECE = 5000 };

struct row {
    struct route route;
    uint64_t attributes_id;
    const char *prefix, *next_hop; // as text
};

struct kept_attributes {
    uint64_t id;
    struct attributes attributes;
};

struct bench {
    struct arena *arena;
    struct row *rows;
    size_t count, capacity;
    struct table attributes; // by id
    const char *path;        // of the file that is written
};

static struct error failure;

static void must(bool ok)
{
    if (ok)
        return;
    (void)fprintf(stderr, "bench_state: %s\n", failure.text);
    exit(1);
}

/* ---- The rows ---- */

static bool has_id(const void *item, const void *key)
{
    const struct kept_attributes *kept = item;
    const uint64_t *id = key;

    return kept->id == *id;
}

static const char *copy(struct arena *arena, const char *text)
{
    return text ? arena_text(arena, text, strlen(text)) : NULL;
}

static const struct attributes *keep_attributes(struct bench *bench,
                                                const struct attributes *attributes, uint64_t id)
{
    struct kept_attributes *kept =
        table_find(&bench->attributes, table_hash_number(id), has_id, &id);

    if (kept)
        return &kept->attributes;
    kept = arena_alloc(bench->arena, 1, sizeof *kept);
    *kept = (struct kept_attributes){id, *attributes};
    struct attributes *own = &kept->attributes;
    own->as_path = copy(bench->arena, own->as_path);
    own->communities = copy(bench->arena, own->communities);
    own->large_communities = copy(bench->arena, own->large_communities);
    own->extended_communities = copy(bench->arena, own->extended_communities);
    own->originator_id = copy(bench->arena, own->originator_id);
    own->cluster_list = copy(bench->arena, own->cluster_list);
    own->aggregator = copy(bench->arena, own->aggregator);
    own->other = arena_copy(bench->arena, own->other, own->other_length);
    table_add(&bench->attributes, table_hash_number(id), kept);
    return own;
}

static void on_route(void *context, const struct route *route, uint64_t attributes_id)
{
    struct bench *bench = context;
    char text[PREFIX_TEXT_SIZE];

    bench->rows = memory_grow(bench->rows, bench->count, &bench->capacity, sizeof *bench->rows);
    struct row *row = &bench->rows[bench->count++];
    *row = (struct row){.route = *route, .attributes_id = attributes_id};
    row->route.peer_id = 1 + route->peer_id; // whatever it was, not 0
    row->route.attributes = keep_attributes(bench, route->attributes, attributes_id);
    row->prefix = copy(bench->arena, prefix_format(&route->prefix, text));
    row->next_hop = copy(bench->arena, address_format(&route->next_hop, text));
}

static void read_rows(struct bench *bench, const char *path)
{
    const struct state_visitor visitor = {.context = bench, .on_route = on_route};
    struct state_position position = {0};
    struct state_reader *reader = state_reader_open(path, &failure);

    must(reader && state_read(reader, &position, &visitor, &failure));
    state_reader_close(reader);
    if (bench->count == 0) {
        (void)fprintf(stderr, "bench_state: %s: no routes\n", path);
        exit(1);
    }
}

static void remove_file(const struct bench *bench)
{
    static const char *const ends[] = {"", "-wal", "-shm", ".lock"};
    char path[4096];

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        (void)snprintf(path, sizeof path, "%s%s", bench->path, ends[i]);
        (void)unlink(path);
    }
}

static void expect_count(const struct bench *bench, const char *table, size_t expected)
{
    char sql[64];
    int64_t count = 0;
    sqlite3 *db = db_open(bench->path, DB_READ, &failure);

    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", table);
    must(db && db_integer(db, sql, &count, &failure));
    db_close(db);
    if ((uint64_t)count != expected) {
        (void)fprintf(stderr, "bench_state: %s: %" PRId64 " rows; %zu expected\n", table, count,
                      expected);
        exit(1);
    }
}

/* ---- Through the writer ---- */

static struct state_writer *writer_new(const struct bench *bench)
{
    remove_file(bench);
    struct state_writer *writer =
        state_writer_open(&(struct state_writer_options){.path = bench->path}, &failure);
    must(writer);
    return writer;
}

static void load(struct bench *bench, struct state_writer *writer)
{
    uint64_t sequence;

    for (size_t from = 0; from < bench->count; from += BATCH) {
        must(state_begin(writer, 1, &failure));
        for (size_t i = from; i < bench->count && i < from + BATCH; i++)
            must(state_put_route(writer, &bench->rows[i].route, &failure));
        must(state_commit(writer, false, &sequence, &failure) &&
             state_maintain(writer, 1, &failure));
    }
}

static double load_by_writer(void *context)
{
    struct bench *bench = context;
    struct state_writer *writer = writer_new(bench);
    double start = figures_now_ms();

    load(bench, writer);
    double took_ms = figures_now_ms() - start;
    expect_count(bench, "route", bench->count);
    state_writer_close(writer);
    return (double)bench->count / took_ms * 1e3;
}

/* ---- Bare ---- */

static sqlite3 *bare_open(const struct bench *bench)
{
    sqlite3 *db = db_open(bench->path, DB_CREATE, &failure);

    // as lib/state_writer.c sets them
    must(db && db_exec(db, "PRAGMA journal_mode = WAL", &failure) &&
         db_exec(db, "PRAGMA wal_autocheckpoint = 0", &failure) &&
         db_exec(db, "PRAGMA synchronous = NORMAL", &failure) &&
         db_exec(db, "PRAGMA secure_delete = OFF", &failure) &&
         db_exec(db, "PRAGMA cache_size = -65536", &failure) &&
         db_exec(db, "PRAGMA journal_size_limit = 67108864", &failure));
    return db;
}

static void bare_put(sqlite3_stmt *put, const struct row *row, int64_t sequence)
{
    (void)sqlite3_bind_int64(put, 1, row->route.peer_id);
    (void)sqlite3_bind_int64(put, 2, row->route.prefix.family);
    (void)sqlite3_bind_text(put, 3, row->prefix, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(put, 4, row->route.path_id);
    (void)sqlite3_bind_text(put, 5, row->next_hop, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(put, 6, (int64_t)row->attributes_id);
    (void)sqlite3_bind_int64(put, 7, sequence);
    if (sqlite3_step(put) != SQLITE_DONE)
        must(db_error(sqlite3_db_handle(put), &failure, "putting a route"));
    (void)sqlite3_reset(put);
}

static double load_bare(void *context)
{
    struct bench *bench = context;
    sqlite3_stmt *put = NULL;

    remove_file(bench);
    sqlite3 *db = bare_open(bench);
    must(db_exec(db, db_state.schema, &failure) &&
         db_prepare(db,
                    "INSERT INTO route (peer_id, family, prefix, path_id, next_hop, attributes_id, "
                    "sequence) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET "
                    "next_hop = ?5, attributes_id = ?6, sequence = ?7",
                    &put, &failure));
    double start = figures_now_ms();
    for (size_t from = 0; from < bench->count; from += BATCH) {
        must(db_exec(db, "BEGIN IMMEDIATE", &failure));
        for (size_t i = from; i < bench->count && i < from + BATCH; i++)
            bare_put(put, &bench->rows[i], (int64_t)(1 + from / BATCH));
        must(db_exec(db, "COMMIT", &failure));
        (void)sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    }
    double took_ms = figures_now_ms() - start;
    expect_count(bench, "route", bench->count);
    (void)sqlite3_finalize(put);
    db_close(db);
    return (double)bench->count / took_ms * 1e3;
}

/* ---- Sweeps ---- */

static bool keep_none(void *context, const struct state_key *key)
{
    (void)context;
    (void)key;
    return false;
}

static bool keep_every_other(void *context, const struct state_key *key)
{
    size_t *asked = context;

    (void)key;
    return ++*asked % 2;
}

static bool keep_all(void *context, const struct state_key *key)
{
    (void)context;
    (void)key;
    return true;
}

static void sweep_family(struct state_writer *writer, int64_t peer_id, enum state_family family,
                         bool (*keep)(void *, const struct state_key *), void *keep_context)
{
    struct state_sweep *sweep = state_sweep_new(peer_id, family, keep, keep_context);
    uint64_t swept = 0, sequence;
    bool is_done = false;

    while (!is_done) {
        must(state_begin(writer, 1, &failure) &&
             state_sweep_step(writer, sweep, PIECE, &is_done, &swept, &failure) &&
             state_commit(writer, false, &sequence, &failure));
    }
    state_sweep_free(sweep);
}

/* Milliseconds for what is in the rows, every peer of it and both families. */
static double sweep(struct bench *bench, bool (*keep)(void *, const struct state_key *))
{
    struct state_writer *writer = writer_new(bench);
    size_t asked = 0;

    load(bench, writer);
    double start = figures_now_ms();
    for (size_t i = 0; i < bench->count; i++) {
        int64_t peer_id = bench->rows[i].route.peer_id; // in the order of the key
        if (i && bench->rows[i - 1].route.peer_id == peer_id)
            continue;
        sweep_family(writer, peer_id, STATE_IPV4_UNICAST, keep, &asked);
        sweep_family(writer, peer_id, STATE_IPV6_UNICAST, keep, &asked);
    }
    must(state_maintain(writer, 1, &failure));
    double took_ms = figures_now_ms() - start;
    size_t kept = asked ? (asked + 1) / 2 : keep == keep_all ? bench->count : 0;
    expect_count(bench, "route", kept);
    expect_count(bench, "tombstone", bench->count - kept);
    state_writer_close(writer);
    return took_ms;
}

static double sweep_all(void *context)
{
    return sweep(context, keep_none);
}

static double sweep_half(void *context)
{
    return sweep(context, keep_every_other);
}

static double sweep_none(void *context)
{
    return sweep(context, keep_all);
}

static double sweep_bare(void *context)
{
    struct bench *bench = context;
    struct state_writer *writer = writer_new(bench);

    load(bench, writer);
    state_writer_close(writer);
    sqlite3 *db = bare_open(bench);
    double start = figures_now_ms();
    must(db_exec(db, "BEGIN IMMEDIATE", &failure) &&
         db_exec(db,
                 "INSERT INTO tombstone SELECT 'route', peer_id, prefix, path_id, 1000 FROM route",
                 &failure) &&
         db_exec(db, "DELETE FROM route WHERE peer_id >= 0", &failure) && // not SQLite's truncation
         db_exec(db, "COMMIT", &failure));
    (void)sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    double took_ms = figures_now_ms() - start;
    expect_count(bench, "tombstone", bench->count);
    db_close(db);
    return took_ms;
}

int main(int argc, char **argv)
{
    static const char usage[] = "STATE-DB DIRECTORY [load|sweep]";
    static figures_function *const loads[] = {load_by_writer, load_bare};
    static figures_function *const sweeps[] = {sweep_all, sweep_bare, sweep_half, sweep_none};
    static const char *const names[] = {"sweep", "sweep_bare", "sweep_half", "sweep_none"};
    struct figures_options options = figures_start(argc, argv, usage, 2);
    struct bench bench = {.arena = arena_new()};
    const char *part = options.word_count > 2 ? options.words[2] : "";
    double medians[4];

    bench.path = arena_format(bench.arena, "%s/bench_state.db", options.words[1]);
    read_rows(&bench, options.words[0]);
    figures_print("routes", (double)bench.count, "routes");
    if (strcmp(part, "sweep") != 0) {
        figures_interleave(options.rounds, loads, &bench, 2, medians);
        figures_print("load", medians[0], "routes/s");
        figures_print("load_bare", medians[1], "routes/s");
    }
    if (strcmp(part, "load") != 0) {
        figures_interleave(options.rounds, sweeps, &bench, 4, medians);
        for (size_t i = 0; i < 4; i++)
            figures_print(names[i], medians[i], "ms");
    }
    remove_file(&bench);
    table_free(&bench.attributes);
    free(bench.rows);
    arena_free(bench.arena);
    return 0;
}
