/* state_writer: the one that changes state.db.
 *
 * A change set is one transaction, and all that it changes carries one new sequence. Whether a put changes
 * anything is decided by SQLite while it writes (ON CONFLICT DO UPDATE … WHERE it differs), so that a full
 * feed heard again costs no sequence and no pages.
 *
 * A route is inserted first and looked at only when it was there: a first load, which is the many rows, then
 * costs one statement each. The sets of attributes are kept in memory too (attribute_pool), each with the
 * number of routes that refer to it; a set without references goes with the change set that left it so. After
 * a rollback memory and file disagree, and memory is read anew from the file: rollbacks are rare, undo logs
 * are not.
 *
 * synchronous=NORMAL: a commit survives the death of the process, not always that of the machine. Then the
 * last commits are missing as if they had never been, the collector's sessions are new, and it hears all
 * again. Fsyncs happen at checkpoints only. */
#include "attribute_pool.h"
#include "db.h"
#include "lock.h"
#include "state.h"
#include "state_rows.h"
#include "text.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

enum {
    KEEP_SEQUENCES = 1000, // a reader that slept less can always follow
    PRUNE_ROWS = 50000,    // tombstones in one go: a tenth of a second
    GENERATION_BYTES = 16,
};
static const int64_t keep_tombstones_default_us = 3600 * INT64_C(1000000);
static const int64_t prune_every_us = 60 * INT64_C(1000000);

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
    ADD_TOMBSTONE,
    DELETE_TOMBSTONE,
    FIND_YOUNG,
    PUT_FLOOR,
    PRUNE_SEQUENCES,
    PRUNE_TOMBSTONES,
    FIXED_STATEMENTS
};

static const char *const texts[FIXED_STATEMENTS] = {
    [PUT_PEER] =
        "INSERT INTO peer (peer_id, name, address, asn, router_id, rank, configured, state, "
        "since_us, last_error, sequence) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) "
        "ON CONFLICT (name) DO UPDATE SET (address, asn, router_id, rank, configured, state, "
        "since_us, last_error, sequence) = (?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) "
        "WHERE (address, asn, router_id, rank, configured, state, since_us, last_error) "
        "IS NOT (?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [FIND_PEER] = "SELECT peer_id FROM peer WHERE name = ?1",
    [NEXT_PEER] = "SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'peer'",
    [PUT_FAMILY] =
        "INSERT INTO peer_family (peer_id, family, source, stale, stale_since_us, end_of_rib, "
        "end_of_rib_us, faulty, sequence) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) "
        "ON CONFLICT (peer_id, family) DO UPDATE SET (source, stale, stale_since_us, end_of_rib, "
        "end_of_rib_us, faulty, sequence) = (?3, ?4, ?5, ?6, ?7, ?8, ?9) WHERE (source, stale, "
        "stale_since_us, end_of_rib, end_of_rib_us, faulty) IS NOT (?3, ?4, ?5, ?6, ?7, ?8)",
    [DELETE_FAMILY] = "DELETE FROM peer_family WHERE peer_id = ?1 AND family = ?2",
    [PUT_METER] = "INSERT INTO meter (name, peer, value, time_us) VALUES (?1, ?2, ?3, ?4) "
                  "ON CONFLICT (name, peer) DO UPDATE SET value = ?3, time_us = ?4",
    [PUT_ASN] = "UPDATE meta SET local_asn = ?1 WHERE local_asn IS NOT ?1",
    [PUT_NEXT_ATTRIBUTES] = "UPDATE meta SET next_attributes_id = ?1",
    [PUT_SEQUENCE] = "INSERT INTO sequence (sequence, time_us) VALUES (?1, ?2)",
    [ADD_ATTRIBUTES] = "INSERT INTO attributes (attributes_id, origin, as_path, local_pref, med, "
                       "communities, large_communities, extended_communities, originator_id, "
                       "cluster_list, atomic_aggregate, aggregator, other) "
                       "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    [DELETE_ATTRIBUTES] = "DELETE FROM attributes WHERE attributes_id = ?1",
    [ADD_ROUTE] = "INSERT INTO route (peer_id, family, prefix, path_id, next_hop, attributes_id, "
                  "sequence) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
    [FIND_ROUTE] = "SELECT attributes_id, next_hop FROM route "
                   "WHERE peer_id = ?1 AND family = ?2 AND prefix = ?3 AND path_id = ?4",
    [UPDATE_ROUTE] = "UPDATE route SET next_hop = ?5, attributes_id = ?6, sequence = ?7 "
                     "WHERE peer_id = ?1 AND family = ?2 AND prefix = ?3 AND path_id = ?4",
    [DELETE_ROUTE] = "DELETE FROM route "
                     "WHERE peer_id = ?1 AND family = ?2 AND prefix = ?3 AND path_id = ?4",
    [KEYS_ROUTE] = "SELECT prefix, path_id FROM route WHERE peer_id = ?1 AND family = ?2",
    [ADD_TOMBSTONE] = "INSERT OR REPLACE INTO tombstone (kind, peer_id, key, path_id, sequence) "
                      "VALUES (?1, ?2, ?3, ?4, ?5)",
    [DELETE_TOMBSTONE] =
        "DELETE FROM tombstone WHERE kind = ?1 AND peer_id = ?2 AND key = ?3 AND path_id = ?4",
    [FIND_YOUNG] = "SELECT sequence FROM sequence WHERE time_us >= ?1 ORDER BY sequence LIMIT 1",
    [PUT_FLOOR] = "UPDATE meta SET floor = ?1",
    [PRUNE_SEQUENCES] = "DELETE FROM sequence WHERE sequence <= ?1",
    [PRUNE_TOMBSTONES] =
        "DELETE FROM tombstone WHERE (kind, peer_id, key, path_id) IN (SELECT kind, peer_id, key, "
        "path_id FROM tombstone WHERE sequence <= ?1 ORDER BY sequence LIMIT ?2)",
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

/* ---- Opening ---- */

static bool prepare_ls(struct state_writer *writer, enum state_object kind, struct error *err)
{
    const struct state_table *table = &state_tables[kind];
    struct arena *arena = writer->scratch;
    const char *all = state_columns(table, arena), *values = "?1", *set = "", *old = "", *new = "";
    size_t count = 0;

    while (table->columns[count])
        count++;
    for (size_t i = 1; i < count; i++)
        values = arena_format(arena, "%s, ?%zu", values, i + 1);
    for (size_t i = table->key_columns; i < count; i++) {
        const char *comma = i > table->key_columns ? ", " : "";
        set = arena_format(arena, "%s%s%s = ?%zu", set, comma, table->columns[i], i + 1);
        if (i + 1 < count) { // a new sequence alone is no difference
            old = arena_format(arena, "%s%s%s", old, comma, table->columns[i]);
            new = arena_format(arena, "%s%s?%zu", new, comma, i + 1);
        }
    }
    const char *sql[LS_STATEMENTS] = {
        [LS_PUT] = arena_format(arena,
                                "INSERT INTO %s (%s) VALUES (%s) ON CONFLICT (nlri, peer_id) "
                                "DO UPDATE SET %s WHERE (%s) IS NOT (%s)",
                                table->name, all, values, set, old, new),
        [LS_ADD] = arena_format(arena, "INSERT INTO %s (%s) VALUES (%s) ON CONFLICT DO NOTHING",
                                table->name, all, values),
        [LS_MARK] = kind == OBJECT_OPAQUE
                        ? NULL
                        : arena_format(arena,
                                       "UPDATE %s SET has_attributes = 0, sequence = ?3 "
                                       "WHERE nlri = ?1 AND peer_id = ?2 AND has_attributes = 1",
                                       table->name),
        [LS_DELETE] =
            arena_format(arena, "DELETE FROM %s WHERE nlri = ?1 AND peer_id = ?2", table->name),
        [LS_KEYS] = arena_format(arena, "SELECT nlri FROM %s WHERE peer_id = ?1", table->name),
    };
    bool ok = true;
    for (size_t i = 0; ok && i < LS_STATEMENTS; i++)
        if (sql[i])
            ok = db_prepare(writer->db, sql[i], &writer->ls_statements[kind][i], err);
    arena_reset(arena);
    return ok;
}

static bool prepare(struct state_writer *writer, struct error *err)
{
    for (size_t i = 0; i < FIXED_STATEMENTS; i++)
        if (!db_prepare(writer->db, texts[i], &writer->statements[i], err))
            return false;
    for (unsigned kind = OBJECT_NODE; kind < LS_TABLES; kind++)
        if (!prepare_ls(writer, (enum state_object)kind, err))
            return false;
    return true;
}

/* The rows of table attributes into the pool. */
static bool load_attributes(struct state_writer *writer, struct error *err)
{
    sqlite3_stmt *query = NULL;
    char sql[300];
    int step = SQLITE_DONE;

    (void)snprintf(sql, sizeof sql, "SELECT %s FROM attributes", state_attributes_columns);
    if (!db_prepare(writer->db, sql, &query, err))
        return false;
    struct row_reader row = {.statement = query, .err = err};
    while (!row.failed && (step = sqlite3_step(query)) == SQLITE_ROW) {
        struct attributes attributes;
        row.next = 0;
        int64_t id = (int64_t)row_get_integer(&row, INT64_MAX);
        row_get_attributes(&row, &attributes);
        if (row.failed) {
            error_in(err, "%s: attributes %" PRId64, writer->path, id);
            break;
        }
        struct attribute_set *set = attribute_pool_find(writer->pool, &attributes);
        if (set->id || id <= 0)
            row.failed = !error_set(err, ERROR_INPUT,
                                    "%s: attributes %" PRId64 " equal those of %" PRId64
                                    "; each set once expected",
                                    writer->path, id, set->id);
        else
            attribute_pool_number(writer->pool, set, id);
    }
    bool ok =
        !row.failed && (step == SQLITE_DONE || db_error(writer->db, err, "reading attributes"));
    (void)sqlite3_finalize(query);
    return ok;
}

/* How many routes refer to each set. */
static bool count_references(struct state_writer *writer, struct error *err)
{
    sqlite3_stmt *query = NULL;
    struct attribute_set *set = NULL;
    int step;

    if (!db_prepare(writer->db, "SELECT attributes_id FROM route", &query, err))
        return false;
    bool ok = true;
    while (ok && (step = sqlite3_step(query)) == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(query, 0);
        if (!set || set->id != id)
            set = attribute_pool_by_id(writer->pool, id);
        if (set)
            set->references++;
        else
            ok = error_set(err, ERROR_INPUT,
                           "%s: route: attributes_id %" PRId64 "; a row of attributes expected",
                           writer->path, id);
    }
    if (ok)
        ok = step == SQLITE_DONE || db_error(writer->db, err, "reading routes");
    (void)sqlite3_finalize(query);
    return ok;
}

/* Reads a number of the file's; absent counts as damage. */
static bool load_number(struct state_writer *writer, const char *sql, uint64_t *out,
                        struct error *err)
{
    int64_t value = 0;

    if (!db_integer(writer->db, sql, &value, err))
        return false;
    if (value < 0)
        return error_set(err, ERROR_INPUT, "%s: %" PRId64 " from %s; 0 or more expected",
                         writer->path, value, sql);
    *out = (uint64_t)value;
    return true;
}

/* What memory keeps of the file. Reads each table through, so that a file cut short is noticed here. */
static bool load(struct state_writer *writer, struct error *err)
{
    uint64_t next = 0, ignored = 0;

    writer->is_loaded = false;
    writer->unused_count = 0;
    attribute_pool_free(writer->pool);
    writer->pool = attribute_pool_new();
    if (!load_number(writer, "SELECT coalesce(max(sequence), 0) FROM sequence", &writer->sequence,
                     err) ||
        !load_number(writer, "SELECT floor FROM meta", &writer->floor, err) ||
        !load_number(writer, "SELECT next_attributes_id FROM meta", &next, err) ||
        !load_number(writer, "SELECT count(*) FROM tombstone", &writer->tombstones, err) ||
        !load_number(writer,
                     "SELECT (SELECT count(*) FROM sequence) + (SELECT count(*) FROM ls_node) + "
                     "(SELECT count(*) FROM ls_link) + (SELECT count(*) FROM ls_prefix) + "
                     "(SELECT count(*) FROM ls_opaque) + (SELECT count(*) FROM meter)",
                     &ignored, err) ||
        !load_attributes(writer, err) || !count_references(writer, err))
        return false;
    writer->next_attributes_id = (int64_t)next;
    writer->is_loaded = true;
    return true;
}

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
           prepare(writer, err) && load(writer, err);
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

static void checkpoint(struct state_writer *writer)
{
    // PASSIVE does what it can without waiting for readers; what remains is for the next time
    (void)sqlite3_wal_checkpoint_v2(writer->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

void state_writer_close(struct state_writer *writer)
{
    if (!writer)
        return;
    if (writer->is_open)
        state_rollback(writer);
    checkpoint(writer);
    writer_free(writer);
}

/* ---- Change sets ---- */

static bool run(struct state_writer *writer, enum statement statement, struct error *err)
{
    return db_run(writer->statements[statement], err);
}

static void bind_integer(struct state_writer *writer, enum statement statement, int index,
                         int64_t value)
{
    // fails only for an index that the text does not have
    (void)sqlite3_bind_int64(writer->statements[statement], index, value);
}

static bool was_changed(const struct state_writer *writer)
{
    return sqlite3_changes(writer->db) > 0;
}

/* The sequence of what the change set changes. */
static uint64_t pending(const struct state_writer *writer)
{
    return writer->sequence + 1;
}

bool state_begin(struct state_writer *writer, int64_t now_us, struct error *err)
{
    assert(!writer->is_open);
    if (!writer->is_loaded && !load(writer, err))
        return false;
    if (!db_exec(writer->db, "BEGIN IMMEDIATE", err))
        return false;
    writer->is_open = true;
    writer->has_changed = false;
    writer->has_new_attributes = false;
    writer->now_us = now_us;
    return true;
}

void state_rollback(struct state_writer *writer)
{
    struct error ignored;

    if (!writer->is_open)
        return;
    writer->is_open = false;
    writer->is_loaded = false;
    if (!sqlite3_get_autocommit(writer->db)) // a full disk has rolled back by itself
        (void)db_exec(writer->db, "ROLLBACK", &ignored);
}

static bool delete_unused(struct state_writer *writer, struct error *err)
{
    for (size_t i = 0; i < writer->unused_count; i++) {
        struct attribute_set *set = attribute_pool_by_id(writer->pool, writer->unused[i]);
        if (!set || set->references) // named twice, or used again since
            continue;
        bind_integer(writer, DELETE_ATTRIBUTES, 1, set->id);
        if (!run(writer, DELETE_ATTRIBUTES, err))
            return false;
        attribute_pool_remove(writer->pool, set);
    }
    writer->unused_count = 0;
    return true;
}

bool state_commit(struct state_writer *writer, bool heartbeat, uint64_t *sequence,
                  struct error *err)
{
    bool is_new = writer->has_changed || heartbeat;

    assert(writer->is_open);
    if (!delete_unused(writer, err))
        return false;
    if (writer->has_new_attributes) {
        bind_integer(writer, PUT_NEXT_ATTRIBUTES, 1, writer->next_attributes_id);
        if (!run(writer, PUT_NEXT_ATTRIBUTES, err))
            return false;
    }
    if (is_new) {
        bind_integer(writer, PUT_SEQUENCE, 1, (int64_t)pending(writer));
        bind_integer(writer, PUT_SEQUENCE, 2, writer->now_us);
        if (!run(writer, PUT_SEQUENCE, err))
            return false;
    }
    if (!db_exec(writer->db, "COMMIT", err))
        return false;
    writer->is_open = false;
    if (is_new)
        writer->sequence++;
    *sequence = writer->sequence;
    return true;
}

/* ---- Tombstones ---- */

static void bind_tombstone(struct state_writer *writer, enum statement statement,
                           enum state_object kind, int64_t peer_id, uint32_t path_id)
{
    struct row_writer row = {.statement = writer->statements[statement], .next = 1};

    row_put_text(&row, state_object_names[kind]);
    row_put_integer(&row, true, peer_id);
    row.next = 4;
    row_put_integer(&row, true, path_id);
    if (statement == ADD_TOMBSTONE)
        row_put_integer(&row, true, (int64_t)pending(writer));
}

static void bind_key(struct state_writer *writer, enum statement statement, const char *text,
                     struct octets nlri)
{
    struct row_writer row = {.statement = writer->statements[statement], .next = 3};

    if (text)
        row_put_text(&row, text);
    else
        row_put_octets(&row, nlri);
}

/* text: of a route's prefix, else NULL. */
static bool add_tombstone(struct state_writer *writer, enum state_object kind, int64_t peer_id,
                          const char *text, struct octets nlri, uint32_t path_id, struct error *err)
{
    bind_tombstone(writer, ADD_TOMBSTONE, kind, peer_id, path_id);
    bind_key(writer, ADD_TOMBSTONE, text, nlri);
    writer->has_changed = true;
    writer->tombstones++;
    return run(writer, ADD_TOMBSTONE, err);
}

static bool remove_tombstone(struct state_writer *writer, enum state_object kind, int64_t peer_id,
                             const char *text, struct octets nlri, uint32_t path_id,
                             struct error *err)
{
    if (!writer->tombstones)
        return true;
    bind_tombstone(writer, DELETE_TOMBSTONE, kind, peer_id, path_id);
    bind_key(writer, DELETE_TOMBSTONE, text, nlri);
    if (!run(writer, DELETE_TOMBSTONE, err))
        return false;
    writer->tombstones -= was_changed(writer);
    return true;
}

/* ---- Peers ---- */

bool state_next_peer_id(struct state_writer *writer, int64_t *next, struct error *err)
{
    sqlite3_stmt *query = writer->statements[NEXT_PEER];
    bool ok = sqlite3_step(query) == SQLITE_ROW;

    if (ok)
        *next = sqlite3_column_int64(query, 0);
    else
        db_error(writer->db, err, "looking for the next peer_id");
    (void)sqlite3_reset(query);
    return ok;
}

static bool find_peer(struct state_writer *writer, const char *name, int64_t *peer_id,
                      struct error *err)
{
    sqlite3_stmt *query = writer->statements[FIND_PEER];
    struct row_writer row = {.statement = query, .next = 1};

    row_put_text(&row, name);
    int step = sqlite3_step(query);
    if (step == SQLITE_ROW)
        *peer_id = sqlite3_column_int64(query, 0);
    else
        db_error(writer->db, err, "looking for a peer");
    (void)sqlite3_reset(query);
    (void)sqlite3_clear_bindings(query);
    return step == SQLITE_ROW;
}

bool state_put_peer(struct state_writer *writer, const struct peer *peer, int64_t *peer_id,
                    struct error *err)
{
    struct row_writer row = {.statement = writer->statements[PUT_PEER], .next = 1};

    assert(writer->is_open);
    row_put_integer(&row, peer->peer_id != 0, peer->peer_id);
    row_put_text(&row, peer->name);
    row_put_text(&row, peer->address);
    row_put_integer(&row, peer->asn != 0, peer->asn);
    row_put_text(&row, peer->router_id);
    row_put_integer(&row, true, peer->rank);
    row_put_integer(&row, true, peer->configured);
    row_put_text(&row, state_peer_states[peer->state]);
    row_put_integer(&row, true, peer->since_us);
    row_put_text(&row, peer->last_error);
    row_put_integer(&row, true, (int64_t)pending(writer));
    if (!run(writer, PUT_PEER, err))
        return error_in(err, "peer %s", peer->name);
    writer->has_changed |= was_changed(writer);
    return find_peer(writer, peer->name, peer_id, err);
}

bool state_put_peer_family(struct state_writer *writer, const struct peer_family *row,
                           struct error *err)
{
    struct row_writer out = {.statement = writer->statements[PUT_FAMILY], .next = 1};

    assert(writer->is_open);
    row_put_integer(&out, true, row->peer_id);
    row_put_text(&out, state_family_names[row->family]);
    row_put_text(&out, state_sources[row->source]);
    row_put_integer(&out, true, row->stale);
    row_put_integer(&out, row->stale_since_us != 0, row->stale_since_us);
    row_put_text(&out, state_end_of_ribs[row->end_of_rib]);
    row_put_integer(&out, row->end_of_rib_us != 0, row->end_of_rib_us);
    row_put_text(&out, row->faulty);
    row_put_integer(&out, true, (int64_t)pending(writer));
    if (!run(writer, PUT_FAMILY, err))
        return error_in(err, "family %s", state_family_names[row->family]);
    writer->has_changed |= was_changed(writer);
    return true;
}

/* One list of rows for state_writer_peers: each a struct of `size` in a growing array. */
static bool read_list(struct state_writer *writer, const char *sql, struct arena *arena,
                      void (*read)(struct row_reader *row, struct arena *arena, void *out),
                      size_t size, void **list, size_t *count, struct error *err)
{
    sqlite3_stmt *query = NULL;
    unsigned char *rows = NULL;
    size_t used = 0, capacity = 0;
    int step = SQLITE_DONE;

    if (!db_prepare(writer->db, sql, &query, err))
        return false;
    struct row_reader row = {.statement = query, .arena = arena, .err = err};
    while (!row.failed && (step = sqlite3_step(query)) == SQLITE_ROW) {
        rows = memory_grow(rows, used, &capacity, size);
        row.next = 0;
        read(&row, arena, rows + used++ * size);
    }
    bool ok = !row.failed && (step == SQLITE_DONE || db_error(writer->db, err, "reading peers"));
    if (ok) {
        *list = arena_copy(arena, rows, used * size);
        *count = used;
    }
    free(rows);
    (void)sqlite3_finalize(query);
    return ok;
}

static const char *copy(struct arena *arena, const char *text)
{
    return text ? arena_text(arena, text, strlen(text)) : NULL;
}

static void read_peer(struct row_reader *row, struct arena *arena, void *out)
{
    struct peer *peer = out;

    row_get_peer(row, peer);
    peer->name = copy(arena, peer->name);
    peer->address = copy(arena, peer->address);
    peer->router_id = copy(arena, peer->router_id);
    peer->last_error = copy(arena, peer->last_error);
}

static void read_family(struct row_reader *row, struct arena *arena, void *out)
{
    struct peer_family *family = out;

    row_get_peer_family(row, family);
    family->faulty = copy(arena, family->faulty);
}

bool state_writer_peers(struct state_writer *writer, struct arena *arena, struct peer **peers,
                        size_t *peer_count, struct peer_family **families, size_t *family_count,
                        struct error *err)
{
    const char *of_peers =
        arena_format(arena, "SELECT %s FROM peer ORDER BY rank, peer_id", state_peer_columns);
    const char *of_families =
        arena_format(arena, "SELECT %s FROM peer_family", state_peer_family_columns);
    void *found_peers, *found_families;
    size_t found_peer_count, found_family_count;

    if (!read_list(writer, of_peers, arena, read_peer, sizeof **peers, &found_peers,
                   &found_peer_count, err) ||
        !read_list(writer, of_families, arena, read_family, sizeof **families, &found_families,
                   &found_family_count, err))
        return false;
    *peers = found_peers;
    *peer_count = found_peer_count;
    *families = found_families;
    *family_count = found_family_count;
    return true;
}

bool state_put_local_asn(struct state_writer *writer, uint32_t asn, struct error *err)
{
    assert(writer->is_open);
    bind_integer(writer, PUT_ASN, 1, asn);
    if (!run(writer, PUT_ASN, err))
        return false;
    writer->has_changed |= was_changed(writer);
    return true;
}

bool state_put_meter(struct state_writer *writer, const char *name, const char *peer, int64_t value,
                     int64_t now_us, struct error *err)
{
    struct row_writer row = {.statement = writer->statements[PUT_METER], .next = 1};

    row_put_text(&row, name);
    row_put_text(&row, peer);
    row_put_integer(&row, true, value);
    row_put_integer(&row, true, now_us);
    return run(writer, PUT_METER, err);
}

/* ---- Routes ---- */

static bool intern(struct state_writer *writer, const struct attributes *attributes,
                   struct attribute_set **out, struct error *err)
{
    struct attribute_set *set = attribute_pool_find(writer->pool, attributes);

    if (!set->id) {
        struct row_writer row = {.statement = writer->statements[ADD_ATTRIBUTES], .next = 1};
        row_put_attributes(&row, writer->next_attributes_id, attributes);
        if (!run(writer, ADD_ATTRIBUTES, err))
            return error_in(err, "attributes");
        attribute_pool_number(writer->pool, set, writer->next_attributes_id++);
        writer->has_new_attributes = true;
    }
    *out = set;
    return true;
}

static void release(struct state_writer *writer, int64_t attributes_id)
{
    struct attribute_set *set = attribute_pool_by_id(writer->pool, attributes_id);

    assert(set && set->references); // load() has counted them
    if (--set->references)
        return;
    writer->unused = memory_grow(writer->unused, writer->unused_count, &writer->unused_capacity,
                                 sizeof *writer->unused);
    writer->unused[writer->unused_count++] = set->id;
}

/* A route's key, bound to the first four parameters. text outlives the statement's run. */
static struct row_writer bind_route(struct state_writer *writer, enum statement statement,
                                    int64_t peer_id, uint8_t family, const char *text,
                                    uint32_t path_id)
{
    struct row_writer row = {.statement = writer->statements[statement], .next = 1};

    row_put_integer(&row, true, peer_id);
    row_put_integer(&row, true, family);
    row_put_text(&row, text);
    row_put_integer(&row, true, path_id);
    return row;
}

static bool write_route(struct state_writer *writer, enum statement statement,
                        const struct route *route, const char *text, const char *next_hop,
                        const struct attribute_set *set, struct error *err)
{
    struct row_writer row =
        bind_route(writer, statement, route->peer_id, route->prefix.family, text, route->path_id);

    assert(set); // intern() has succeeded
    row_put_text(&row, next_hop);
    row_put_integer(&row, true, set->id);
    row_put_integer(&row, true, (int64_t)pending(writer));
    return run(writer, statement, err);
}

/* The present row. next_hop: NULL when there is nothing to compare with. */
static bool find_route(struct state_writer *writer, int64_t peer_id, uint8_t family,
                       const char *text, uint32_t path_id, const char *next_hop, bool *is_there,
                       bool *has_next_hop, int64_t *attributes_id, struct error *err)
{
    struct row_writer row = bind_route(writer, FIND_ROUTE, peer_id, family, text, path_id);
    int step = sqlite3_step(row.statement);
    bool ok = step == SQLITE_ROW || step == SQLITE_DONE;

    *is_there = step == SQLITE_ROW;
    if (*is_there) {
        const char *found = (const char *)sqlite3_column_text(row.statement, 1);
        *attributes_id = sqlite3_column_int64(row.statement, 0);
        *has_next_hop = next_hop && found && strcmp(found, next_hop) == 0;
    } else if (!ok) {
        db_error(writer->db, err, "looking for a route");
    }
    (void)sqlite3_reset(row.statement);
    (void)sqlite3_clear_bindings(row.statement);
    return ok;
}

static bool put_route(struct state_writer *writer, const struct route *route, const char *text,
                      const char *next_hop, struct error *err)
{
    struct attribute_set *set = NULL;
    bool is_there, has_next_hop;
    int64_t old;

    if (!intern(writer, route->attributes, &set, err) ||
        !write_route(writer, ADD_ROUTE, route, text, next_hop, set, err))
        return false;
    assert(set); // intern() made it
    if (was_changed(writer)) {
        set->references++;
        writer->has_changed = true;
        return remove_tombstone(writer, OBJECT_ROUTE, route->peer_id, text, (struct octets){0},
                                route->path_id, err);
    }
    if (!find_route(writer, route->peer_id, route->prefix.family, text, route->path_id, next_hop,
                    &is_there, &has_next_hop, &old, err))
        return false;
    assert(is_there);
    if (old == set->id && has_next_hop)
        return true;
    if (!write_route(writer, UPDATE_ROUTE, route, text, next_hop, set, err))
        return false;
    set->references++;
    release(writer, old);
    writer->has_changed = true;
    return true;
}

bool state_put_route(struct state_writer *writer, const struct route *route, struct error *err)
{
    char text[PREFIX_TEXT_SIZE], next_hop[PREFIX_TEXT_SIZE];

    assert(writer->is_open);
    prefix_format(&route->prefix, text);
    address_format(&route->next_hop, next_hop);
    return put_route(writer, route, text, next_hop, err) || error_in(err, "route %s", text);
}

bool state_delete_route(struct state_writer *writer, int64_t peer_id, const struct prefix *prefix,
                        uint32_t path_id, struct error *err)
{
    char text[PREFIX_TEXT_SIZE];
    bool is_there, has_next_hop;
    int64_t attributes_id;

    assert(writer->is_open);
    prefix_format(prefix, text);
    if (!find_route(writer, peer_id, prefix->family, text, path_id, NULL, &is_there, &has_next_hop,
                    &attributes_id, err))
        return error_in(err, "route %s", text);
    if (!is_there)
        return true;
    (void)bind_route(writer, DELETE_ROUTE, peer_id, prefix->family, text, path_id);
    if (!run(writer, DELETE_ROUTE, err))
        return error_in(err, "route %s", text);
    release(writer, attributes_id);
    return add_tombstone(writer, OBJECT_ROUTE, peer_id, text, (struct octets){0}, path_id, err) ||
           error_in(err, "route %s", text);
}

/* ---- Link state ---- */

/* Runs a statement whose first parameters are (nlri, peer_id), bound by the caller or here. */
static bool run_ls(struct state_writer *writer, struct row_writer *row, enum state_object kind,
                   int64_t peer_id, struct octets nlri, bool *changed, struct error *err)
{
    if (row->failed) {
        (void)sqlite3_clear_bindings(row->statement);
        return db_error(writer->db, err, "binding");
    }
    bool ok = db_run(row->statement, err);
    *changed = ok && was_changed(writer);
    arena_reset(writer->scratch);
    writer->has_changed |= *changed;
    return ok && (!*changed || remove_tombstone(writer, kind, peer_id, NULL, nlri, 0, err));
}

static struct row_writer ls_row(struct state_writer *writer, enum state_object kind,
                                enum ls_statement statement)
{
    return (struct row_writer){
        .statement = writer->ls_statements[kind][statement], .arena = writer->scratch, .next = 1};
}

/* L-093: what stands there keeps its last known attributes, and says that they did not come. For a row that
 * LS_ADD found there. */
static bool mark(struct state_writer *writer, enum state_object kind, int64_t peer_id,
                 struct octets nlri, struct error *err)
{
    struct row_writer row = ls_row(writer, kind, LS_MARK);
    bool changed;

    row_put_octets(&row, nlri);
    row_put_integer(&row, true, peer_id);
    row_put_integer(&row, true, (int64_t)pending(writer));
    return run_ls(writer, &row, kind, peer_id, nlri, &changed, err);
}

/* LS_PUT replaces, LS_ADD only adds. */
static enum ls_statement statement_for(bool has_attributes)
{
    return has_attributes ? LS_PUT : LS_ADD;
}

bool state_put_node(struct state_writer *writer, const struct ls_node *node, struct error *err)
{
    struct row_writer row = ls_row(writer, OBJECT_NODE, statement_for(node->has_attributes));
    bool changed = false;

    assert(writer->is_open);
    row_put_node(&row, node, pending(writer));
    if (!run_ls(writer, &row, OBJECT_NODE, node->peer_id, node->nlri, &changed, err))
        return error_in(err, "ls_node");
    return node->has_attributes || changed ||
           mark(writer, OBJECT_NODE, node->peer_id, node->nlri, err);
}

bool state_put_link(struct state_writer *writer, const struct ls_link *link, struct error *err)
{
    struct row_writer row = ls_row(writer, OBJECT_LINK, statement_for(link->has_attributes));
    bool changed = false;

    assert(writer->is_open);
    row_put_link(&row, link, pending(writer));
    if (!run_ls(writer, &row, OBJECT_LINK, link->peer_id, link->nlri, &changed, err))
        return error_in(err, "ls_link");
    return link->has_attributes || changed ||
           mark(writer, OBJECT_LINK, link->peer_id, link->nlri, err);
}

bool state_put_prefix(struct state_writer *writer, const struct ls_prefix *prefix,
                      struct error *err)
{
    struct row_writer row = ls_row(writer, OBJECT_PREFIX, statement_for(prefix->has_attributes));
    bool changed = false;

    assert(writer->is_open);
    row_put_prefix(&row, prefix, pending(writer));
    if (!run_ls(writer, &row, OBJECT_PREFIX, prefix->peer_id, prefix->nlri, &changed, err))
        return error_in(err, "ls_prefix");
    return prefix->has_attributes || changed ||
           mark(writer, OBJECT_PREFIX, prefix->peer_id, prefix->nlri, err);
}

bool state_put_opaque(struct state_writer *writer, int64_t peer_id, struct octets nlri,
                      struct octets attribute, struct error *err)
{
    struct row_writer row = ls_row(writer, OBJECT_OPAQUE, LS_PUT);
    bool changed;

    assert(writer->is_open);
    row_put_octets(&row, nlri);
    row_put_integer(&row, true, peer_id);
    row_put_octets(&row, attribute);
    row_put_integer(&row, true, (int64_t)pending(writer));
    return run_ls(writer, &row, OBJECT_OPAQUE, peer_id, nlri, &changed, err) ||
           error_in(err, "ls_opaque");
}

static bool delete_ls(struct state_writer *writer, enum state_object kind, int64_t peer_id,
                      struct octets nlri, bool *was_there, struct error *err)
{
    struct row_writer row = ls_row(writer, kind, LS_DELETE);

    row_put_octets(&row, nlri);
    row_put_integer(&row, true, peer_id);
    if (!db_run(row.statement, err))
        return false;
    *was_there = was_changed(writer);
    return !*was_there || add_tombstone(writer, kind, peer_id, NULL, nlri, 0, err);
}

bool state_delete_ls(struct state_writer *writer, int64_t peer_id, struct octets nlri,
                     struct error *err)
{
    bool was_there = false;

    assert(writer->is_open);
    // which table: the one that has it. What a type's NLRI is, only the parsers know
    for (unsigned kind = OBJECT_NODE; kind < LS_TABLES && !was_there; kind++)
        if (!delete_ls(writer, (enum state_object)kind, peer_id, nlri, &was_there, err))
            return error_in(err, "%s", state_object_names[kind]);
    return true;
}

/* ---- Sweeps ---- */

/* Keys that go are noted first and deleted then: a table must not change under the query that walks it. */
struct sweep {
    bool (*keep)(void *context, const struct state_key *key);
    void *context;
    struct arena *arena;
    struct state_key *keys;
    size_t count, capacity;
};

static void sweep_note(struct sweep *sweep, const struct state_key *key)
{
    if (sweep->keep && sweep->keep(sweep->context, key))
        return;
    sweep->keys = memory_grow(sweep->keys, sweep->count, &sweep->capacity, sizeof *sweep->keys);
    struct state_key *noted = &sweep->keys[sweep->count++];
    *noted = *key;
    noted->nlri.bytes = arena_copy(sweep->arena, key->nlri.bytes, key->nlri.length);
}

static bool sweep_routes(struct state_writer *writer, int64_t peer_id, uint8_t family,
                         struct sweep *sweep, struct error *err)
{
    sqlite3_stmt *query = writer->statements[KEYS_ROUTE];
    struct row_reader row = {.statement = query, .err = err};
    int step = SQLITE_DONE;

    bind_integer(writer, KEYS_ROUTE, 1, peer_id);
    bind_integer(writer, KEYS_ROUTE, 2, family);
    while (!row.failed && (step = sqlite3_step(query)) == SQLITE_ROW) {
        row.next = 0;
        struct state_key key = {.prefix = row_get_prefix(&row)};
        key.path_id = (uint32_t)row_get_integer(&row, UINT32_MAX);
        if (!row.failed)
            sweep_note(sweep, &key);
    }
    bool ok = !row.failed && (step == SQLITE_DONE || db_error(writer->db, err, "reading routes"));
    (void)sqlite3_reset(query);
    for (size_t i = 0; ok && i < sweep->count; i++)
        ok = state_delete_route(writer, peer_id, &sweep->keys[i].prefix, sweep->keys[i].path_id,
                                err);
    return ok;
}

static bool sweep_ls(struct state_writer *writer, enum state_object kind, int64_t peer_id,
                     struct sweep *sweep, struct error *err)
{
    sqlite3_stmt *query = writer->ls_statements[kind][LS_KEYS];
    struct row_reader row = {.statement = query, .err = err};
    size_t first = sweep->count;
    bool was_there;
    int step = SQLITE_DONE;

    (void)sqlite3_bind_int64(query, 1, peer_id);
    while (!row.failed && (step = sqlite3_step(query)) == SQLITE_ROW) {
        row.next = 0;
        struct state_key key = {.nlri = row_get_octets(&row)};
        if (!row.failed)
            sweep_note(sweep, &key);
    }
    bool ok = !row.failed && (step == SQLITE_DONE || db_error(writer->db, err, "reading NLRIs"));
    (void)sqlite3_reset(query);
    for (size_t i = first; ok && i < sweep->count; i++)
        ok = delete_ls(writer, kind, peer_id, sweep->keys[i].nlri, &was_there, err);
    return ok;
}

bool state_sweep(struct state_writer *writer, int64_t peer_id, enum state_family family,
                 bool (*keep)(void *context, const struct state_key *key), void *context,
                 uint64_t *swept, struct error *err)
{
    struct sweep sweep = {.keep = keep, .context = context, .arena = arena_new()};
    bool ok = true;

    assert(writer->is_open);
    if (family == STATE_LINK_STATE)
        for (unsigned kind = OBJECT_NODE; ok && kind < LS_TABLES; kind++)
            ok = sweep_ls(writer, (enum state_object)kind, peer_id, &sweep, err);
    else
        ok = sweep_routes(writer, peer_id, family == STATE_IPV4_UNICAST ? FAMILY_IPV4 : FAMILY_IPV6,
                          &sweep, err);
    if (ok)
        *swept = sweep.count;
    free(sweep.keys);
    arena_free(sweep.arena);
    return ok || error_in(err, "sweeping %s", state_family_names[family]);
}

bool state_delete_family(struct state_writer *writer, int64_t peer_id, enum state_family family,
                         struct error *err)
{
    struct row_writer row = {.statement = writer->statements[DELETE_FAMILY], .next = 1};
    uint64_t swept;

    if (!state_sweep(writer, peer_id, family, NULL, NULL, &swept, err))
        return false;
    row_put_integer(&row, true, peer_id);
    row_put_text(&row, state_family_names[family]);
    if (!run(writer, DELETE_FAMILY, err))
        return error_in(err, "family %s", state_family_names[family]);
    writer->has_changed |= was_changed(writer);
    return true;
}

static bool release_all(struct state_writer *writer, int64_t peer_id, struct error *err)
{
    sqlite3_stmt *query = NULL;
    int step;

    if (!db_prepare(writer->db, "SELECT attributes_id FROM route WHERE peer_id = ?1", &query, err))
        return false;
    (void)sqlite3_bind_int64(query, 1, peer_id);
    while ((step = sqlite3_step(query)) == SQLITE_ROW)
        release(writer, sqlite3_column_int64(query, 0));
    bool ok = step == SQLITE_DONE || db_error(writer->db, err, "reading routes");
    (void)sqlite3_finalize(query);
    return ok;
}

static bool delete_meters(struct state_writer *writer, int64_t peer_id, struct error *err)
{
    return db_exec(writer->db,
                   arena_format(writer->scratch,
                                "DELETE FROM meter WHERE peer = "
                                "(SELECT name FROM peer WHERE peer_id = %" PRId64 ")",
                                peer_id),
                   err);
}

bool state_delete_peer(struct state_writer *writer, int64_t peer_id, struct error *err)
{
    // one tombstone stands for all: those of the peer's objects go too
    static const char *const tables[] = {"route",     "ls_node",   "ls_link",     "ls_prefix",
                                         "ls_opaque", "tombstone", "peer_family", "peer"};
    const struct octets no_key = {(const uint8_t *)"", 0};
    char is_there[80];
    uint64_t count = 0;

    assert(writer->is_open);
    (void)snprintf(is_there, sizeof is_there, "SELECT count(*) FROM peer WHERE peer_id = %" PRId64,
                   peer_id);
    if (!load_number(writer, is_there, &count, err))
        return false;
    if (!count)
        return true;
    if (!release_all(writer, peer_id, err) || !delete_meters(writer, peer_id, err))
        return false;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        const char *sql = arena_format(writer->scratch, "DELETE FROM %s WHERE peer_id = %" PRId64,
                                       tables[i], peer_id);
        if (!db_exec(writer->db, sql, err))
            return error_in(err, "deleting peer %" PRId64, peer_id);
    }
    arena_reset(writer->scratch);
    return load_number(writer, "SELECT count(*) FROM tombstone", &writer->tombstones, err) &&
           add_tombstone(writer, OBJECT_PEER, peer_id, NULL, no_key, 0, err);
}

/* ---- Upkeep ---- */

/* The highest sequence from which a reader need not be able to follow any more. */
static bool find_floor(struct state_writer *writer, int64_t now_us, uint64_t *out,
                       struct error *err)
{
    uint64_t floor = writer->sequence > KEEP_SEQUENCES ? writer->sequence - KEEP_SEQUENCES : 0;
    sqlite3_stmt *query = writer->statements[FIND_YOUNG];

    bind_integer(writer, FIND_YOUNG, 1, now_us - writer->keep_tombstones_us);
    int step = sqlite3_step(query);
    if (step == SQLITE_ROW) {
        uint64_t young = (uint64_t)sqlite3_column_int64(query, 0);
        if (young - 1 < floor)
            floor = young - 1;
    }
    bool ok = step == SQLITE_ROW || step == SQLITE_DONE || db_error(writer->db, err, "pruning");
    (void)sqlite3_reset(query);
    *out = floor > writer->floor ? floor : writer->floor;
    return ok;
}

/* One piece of the pruning; *is_done: nothing is left to prune. */
static bool prune(struct state_writer *writer, uint64_t floor, bool *is_done, struct error *err)
{
    if (!db_exec(writer->db, "BEGIN IMMEDIATE", err))
        return false;
    bind_integer(writer, PUT_FLOOR, 1, (int64_t)floor);
    bind_integer(writer, PRUNE_SEQUENCES, 1, (int64_t)floor);
    bind_integer(writer, PRUNE_TOMBSTONES, 1, (int64_t)floor);
    bind_integer(writer, PRUNE_TOMBSTONES, 2, PRUNE_ROWS);
    bool ok = run(writer, PUT_FLOOR, err) && run(writer, PRUNE_SEQUENCES, err) &&
              run(writer, PRUNE_TOMBSTONES, err);
    uint64_t pruned = ok ? (uint64_t)sqlite3_changes(writer->db) : 0;
    ok = ok && db_exec(writer->db, "COMMIT", err);
    if (ok) {
        writer->floor = floor;
        writer->tombstones -= pruned;
        *is_done = pruned < PRUNE_ROWS;
    } else if (!sqlite3_get_autocommit(writer->db)) {
        struct error ignored;
        (void)db_exec(writer->db, "ROLLBACK", &ignored);
    }
    return ok || error_in(err, "pruning");
}

bool state_maintain(struct state_writer *writer, int64_t now_us, struct error *err)
{
    uint64_t floor = 0;
    bool is_done = true;

    assert(!writer->is_open);
    if (!writer->is_loaded && !load(writer, err))
        return false;
    if (writer->pruned_us == 0 || now_us < writer->pruned_us ||
        now_us - writer->pruned_us >= prune_every_us) {
        if (!find_floor(writer, now_us, &floor, err) ||
            ((floor > writer->floor || writer->pruned_us == 0) &&
             !prune(writer, floor, &is_done, err)))
            return false;
        writer->pruned_us = is_done ? now_us : 0;
    }
    checkpoint(writer);
    return true;
}
