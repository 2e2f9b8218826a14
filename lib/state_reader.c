/* state_reader: what state.db says, whole or since a position.
 *
 * A reading is one read transaction: the position, the tombstones and the rows are of one moment however
 * much is committed meanwhile. Only the connection that writes may ever checkpoint (docs/design.md section
 * 3), so this one is read-only and does not on closing either.
 *
 * After a position the rows are found by their index on sequence; a whole reading goes by the tables' own
 * order, which is several times as fast. */
#include "db.h"
#include "state.h"
#include "state_rows.h"
#include "table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum query {
    QUERY_POSITION,
    QUERY_VERSION,
    QUERY_PEERS,
    QUERY_FAMILIES,
    QUERY_ATTRIBUTES,
    QUERY_GONE,
    QUERY_ROUTES, // the whole table; + 1: since a sequence
    QUERY_ROUTES_SINCE,
    QUERY_NODES,
    QUERY_NODES_SINCE,
    QUERY_LINKS,
    QUERY_LINKS_SINCE,
    QUERY_PREFIXES,
    QUERY_PREFIXES_SINCE,
    QUERIES
};

struct state_reader {
    char *path;
    sqlite3 *db;
    sqlite3_stmt *queries[QUERIES]; // prepared when first used
    struct arena *sql;              // their texts
    int64_t version;                // of state_reader_changed; -1: never asked
};

/* A reading under way. */
struct reading {
    struct state_reader *reader;
    const struct state_visitor *visitor;
    struct arena *attributes_arena, *row_arena;
    struct table attributes; // by id, those met so far
    bool is_whole;
    uint64_t since;
};

struct known_attributes {
    uint64_t id;
    struct attributes attributes;
};

static const char *query_text(struct state_reader *reader, enum query query)
{
    static const enum state_object kinds[] = {OBJECT_ROUTE, OBJECT_NODE, OBJECT_LINK,
                                              OBJECT_PREFIX};
    static const char *const texts[QUERIES] = {
        // in parentheses: one text of several lines, no comma is missing
        [QUERY_POSITION] = ("SELECT generation, floor, local_asn, "
                            "coalesce((SELECT max(sequence) FROM sequence), 0), "
                            "coalesce((SELECT time_us FROM sequence ORDER BY sequence DESC "
                            "LIMIT 1), 0) FROM meta"),
        [QUERY_VERSION] = "PRAGMA data_version",
        [QUERY_GONE] = "SELECT kind, peer_id, key, path_id FROM tombstone WHERE sequence > ?1",
    };

    if (texts[query])
        return texts[query];
    if (query == QUERY_PEERS)
        return arena_format(reader->sql, "SELECT %s FROM peer ORDER BY rank, peer_id",
                            state_peer_columns);
    if (query == QUERY_FAMILIES)
        return arena_format(reader->sql, "SELECT %s FROM peer_family", state_peer_family_columns);
    if (query == QUERY_ATTRIBUTES)
        return arena_format(reader->sql, "SELECT %s FROM attributes WHERE attributes_id = ?1",
                            state_attributes_columns);
    const struct state_table *table = &state_tables[kinds[(query - QUERY_ROUTES) / 2]];
    return arena_format(reader->sql, "SELECT %s FROM %s%s", state_columns(table, reader->sql),
                        table->name, (query - QUERY_ROUTES) % 2 ? " WHERE sequence > ?1" : "");
}

static sqlite3_stmt *query_get(struct state_reader *reader, enum query query, struct error *err)
{
    if (!reader->queries[query] &&
        !db_prepare(reader->db, query_text(reader, query), &reader->queries[query], err))
        return NULL;
    return reader->queries[query];
}

static void connection_close(struct state_reader *reader)
{
    for (size_t i = 0; i < QUERIES; i++) {
        (void)sqlite3_finalize(reader->queries[i]);
        reader->queries[i] = NULL;
    }
    db_close(reader->db);
    reader->db = NULL;
    arena_reset(reader->sql);
}

static bool connection_open(struct state_reader *reader, struct error *err)
{
    reader->db = db_open_kind(reader->path, DB_READ, &db_state, err);
    if (!reader->db)
        return false;
    (void)sqlite3_db_config(reader->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    reader->version = -1;
    return true;
}

struct state_reader *state_reader_open(const char *path, struct error *err)
{
    struct state_reader *reader = memory_alloc(1, sizeof *reader);

    reader->path = memory_text(path);
    reader->sql = arena_new();
    if (!connection_open(reader, err)) {
        state_reader_close(reader);
        return NULL;
    }
    return reader;
}

void state_reader_close(struct state_reader *reader)
{
    if (!reader)
        return;
    connection_close(reader);
    arena_free(reader->sql);
    free(reader->path);
    free(reader);
}

/* A state.db that was deleted and made anew leaves us with a file that nobody writes any more. */
static bool follow_file(struct state_reader *reader, struct error *err)
{
    int has_moved = 0;

    if (reader->db) {
        (void)sqlite3_file_control(reader->db, "main", SQLITE_FCNTL_HAS_MOVED, &has_moved);
        if (!has_moved)
            return true;
        connection_close(reader);
    }
    return connection_open(reader, err);
}

bool state_reader_changed(struct state_reader *reader, bool *changed, struct error *err)
{
    if (!follow_file(reader, err))
        return false;
    sqlite3_stmt *query = query_get(reader, QUERY_VERSION, err);
    if (!query)
        return false;
    bool ok = sqlite3_step(query) == SQLITE_ROW;
    if (ok) {
        int64_t version = sqlite3_column_int64(query, 0);
        *changed = version != reader->version;
        reader->version = version;
    } else {
        db_error(reader->db, err, "asking for data_version");
    }
    (void)sqlite3_reset(query);
    return ok;
}

static bool read_position(struct state_reader *reader, struct state_position *out, uint64_t *floor,
                          struct error *err)
{
    sqlite3_stmt *query = query_get(reader, QUERY_POSITION, err);
    struct row_reader row = {.statement = query, .err = err};
    uint64_t asn;

    if (!query)
        return false;
    int step = sqlite3_step(query);
    if (step == SQLITE_ROW) {
        const char *generation = row_get_word(&row);
        if (snprintf(out->generation, sizeof out->generation, "%s", generation) >=
            (int)sizeof out->generation)
            row_fail(&row, "at most 32 characters");
        *floor = row_get_integer(&row, INT64_MAX);
        row_get_optional(&row, UINT32_MAX, &asn);
        out->local_asn = (uint32_t)asn;
        out->sequence = row_get_integer(&row, INT64_MAX);
        out->time_us = (int64_t)row_get_integer(&row, INT64_MAX);
        if (row.failed)
            error_in(err, "state.db: meta");
    } else if (step == SQLITE_DONE) {
        row.failed = !error_set(err, ERROR_INPUT, "state.db: meta: no row; one expected");
    } else {
        row.failed = !db_error(reader->db, err, "reading meta");
    }
    (void)sqlite3_reset(query);
    return !row.failed;
}

bool state_read_position(struct state_reader *reader, struct state_position *position,
                         struct error *err)
{
    struct state_position found = {0};
    uint64_t floor;

    // one statement is one moment
    if (!follow_file(reader, err) || !read_position(reader, &found, &floor, err))
        return false;
    *position = found;
    return true;
}

/* ---- The rows ---- */

static bool has_id(const void *item, const void *key)
{
    const struct known_attributes *known = item;
    const uint64_t *id = key;

    return known->id == *id;
}

/* Texts are copied: they outlive the statement's row. */
static void keep_attributes(struct attributes *attributes, struct arena *arena)
{
    const char **texts[] = {
        &attributes->as_path,           &attributes->communities,
        &attributes->large_communities, &attributes->extended_communities,
        &attributes->originator_id,     &attributes->cluster_list,
        &attributes->aggregator,
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (*texts[i])
            *texts[i] = arena_text(arena, *texts[i], strlen(*texts[i]));
    if (attributes->other)
        attributes->other = arena_copy(arena, attributes->other, attributes->other_length);
}

static const struct attributes *find_attributes(struct reading *reading, uint64_t id,
                                                struct error *err)
{
    struct known_attributes *known =
        table_find(&reading->attributes, table_hash_number(id), has_id, &id);
    if (known)
        return &known->attributes;

    sqlite3_stmt *query = query_get(reading->reader, QUERY_ATTRIBUTES, err);
    if (!query)
        return NULL;
    struct row_reader row = {.statement = query, .next = 1, .err = err};
    known = arena_alloc(reading->attributes_arena, 1, sizeof *known);
    known->id = id;
    (void)sqlite3_bind_int64(query, 1, (int64_t)id);
    int step = sqlite3_step(query);
    if (step == SQLITE_ROW) {
        row_get_attributes(&row, &known->attributes);
        if (!row.failed)
            keep_attributes(&known->attributes, reading->attributes_arena);
    } else if (step == SQLITE_DONE) {
        row.failed = !error_set(err, ERROR_INPUT, "no such row");
    } else {
        row.failed = !db_error(reading->reader->db, err, "reading attributes");
    }
    (void)sqlite3_reset(query);
    if (row.failed) {
        error_in(err, "attributes %" PRIu64, id);
        return NULL;
    }
    table_add(&reading->attributes, table_hash_number(id), known);
    return &known->attributes;
}

static void give_peer(struct reading *reading, struct row_reader *row)
{
    struct peer peer;

    row_get_peer(row, &peer);
    if (!row->failed && reading->visitor->on_peer)
        reading->visitor->on_peer(reading->visitor->context, &peer);
}

static void give_family(struct reading *reading, struct row_reader *row)
{
    struct peer_family family;

    row_get_peer_family(row, &family);
    if (!row->failed && reading->visitor->on_peer_family)
        reading->visitor->on_peer_family(reading->visitor->context, &family);
}

static void give_gone(struct reading *reading, struct row_reader *row)
{
    struct state_key key = {0};
    enum state_object kind =
        (enum state_object)row_get_choice(row, state_object_names, OBJECT_PEER + 1);
    int64_t peer_id = (int64_t)row_get_integer(row, INT64_MAX);

    if (kind == OBJECT_ROUTE)
        key.prefix = row_get_prefix(row);
    else
        key.nlri = row_get_octets(row);
    key.path_id = (uint32_t)row_get_integer(row, UINT32_MAX);
    // an opaque object was never given
    if (!row->failed && kind != OBJECT_OPAQUE && reading->visitor->on_gone)
        reading->visitor->on_gone(reading->visitor->context, kind, peer_id, &key);
}

static void give_route(struct reading *reading, struct row_reader *row)
{
    struct route route;
    uint64_t attributes_id;

    row_get_route(row, &route, &attributes_id);
    if (row->failed)
        return;
    route.attributes = find_attributes(reading, attributes_id, row->err);
    row->failed = !route.attributes;
    if (!row->failed && reading->visitor->on_route)
        reading->visitor->on_route(reading->visitor->context, &route, attributes_id);
}

static void give_node(struct reading *reading, struct row_reader *row)
{
    struct ls_node node;

    row_get_node(row, &node);
    if (!row->failed && reading->visitor->on_node)
        reading->visitor->on_node(reading->visitor->context, &node);
}

static void give_link(struct reading *reading, struct row_reader *row)
{
    struct ls_link link;

    row_get_link(row, &link);
    if (!row->failed && reading->visitor->on_link)
        reading->visitor->on_link(reading->visitor->context, &link);
}

static void give_prefix(struct reading *reading, struct row_reader *row)
{
    struct ls_prefix prefix;

    row_get_ls_prefix(row, &prefix);
    if (!row->failed && reading->visitor->on_prefix)
        reading->visitor->on_prefix(reading->visitor->context, &prefix);
}

/* In the order that a follower needs: sources before objects, what is gone before what came. */
static const struct part {
    const char *table;
    enum query query; // by_sequence: the one behind it when the reading is not whole
    bool by_sequence, not_when_whole;
    void (*give)(struct reading *reading, struct row_reader *row);
} parts[] = {
    {"peer", QUERY_PEERS, false, false, give_peer},
    {"peer_family", QUERY_FAMILIES, false, false, give_family},
    {"tombstone", QUERY_GONE, false, true, give_gone},
    {"route", QUERY_ROUTES, true, false, give_route},
    {"ls_node", QUERY_NODES, true, false, give_node},
    {"ls_link", QUERY_LINKS, true, false, give_link},
    {"ls_prefix", QUERY_PREFIXES, true, false, give_prefix},
};

static bool read_part(struct reading *reading, const struct part *part, struct error *err)
{
    bool since = part->by_sequence && !reading->is_whole;
    sqlite3_stmt *query = query_get(reading->reader, since ? part->query + 1 : part->query, err);
    uint64_t count = 0;
    int step = SQLITE_DONE;

    if (!query)
        return false;
    struct row_reader row = {.statement = query, .arena = reading->row_arena, .err = err};
    if (since || part->not_when_whole)
        (void)sqlite3_bind_int64(query, 1, (int64_t)reading->since);
    while (!row.failed && (step = sqlite3_step(query)) == SQLITE_ROW) {
        row.next = 0;
        count++;
        part->give(reading, &row);
        arena_reset(reading->row_arena);
    }
    bool ok = !row.failed && (step == SQLITE_DONE || db_error(reading->reader->db, err, "reading"));
    (void)sqlite3_reset(query);
    return ok || error_in(err, "state.db: %s: row %" PRIu64, part->table, count);
}

static bool read_rows(struct state_reader *reader, struct state_position *position,
                      const struct state_visitor *visitor, struct error *err)
{
    struct reading reading = {.reader = reader, .visitor = visitor, .since = position->sequence};
    struct state_position found = {0};
    uint64_t floor = 0;
    bool ok = true;

    if (!read_position(reader, &found, &floor, err))
        return false;
    reading.is_whole = strcmp(position->generation, found.generation) != 0 ||
                       position->sequence < floor || position->sequence > found.sequence;
    reading.attributes_arena = arena_new();
    reading.row_arena = arena_new();
    if (reading.is_whole && visitor->on_restart)
        visitor->on_restart(visitor->context);
    for (size_t i = 0; ok && i < sizeof parts / sizeof *parts; i++)
        if (!(parts[i].not_when_whole && reading.is_whole))
            ok = read_part(&reading, &parts[i], err);
    table_free(&reading.attributes);
    arena_free(reading.attributes_arena);
    arena_free(reading.row_arena);
    if (ok)
        *position = found;
    return ok;
}

bool state_read(struct state_reader *reader, struct state_position *position,
                const struct state_visitor *visitor, struct error *err)
{
    struct error ignored;

    if (!follow_file(reader, err) || !db_exec(reader->db, "BEGIN", err))
        return false;
    bool ok = read_rows(reader, position, visitor, err);
    // nothing was written: to end or to roll back is the same, and cannot lose anything
    (void)db_exec(reader->db, "ROLLBACK", &ignored);
    return ok;
}
