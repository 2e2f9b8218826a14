/* state_peers: who tells us, by peer and by family; the own AS and the meters.
 *
 * They are few: each is put as it is, and the row is compared while it is written. A peer that goes takes all
 * its rows with it, and one tombstone stands for them. */
#include "state_writer_inside.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    row_put_integer(&row, true, (int64_t)writer_pending(writer));
    if (!writer_run(writer, PUT_PEER, err))
        return error_in(err, "peer %s", peer->name);
    writer->has_changed |= writer_was_changed(writer);
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
    row_put_integer(&out, true, (int64_t)writer_pending(writer));
    if (!writer_run(writer, PUT_FAMILY, err))
        return error_in(err, "family %s", state_family_names[row->family]);
    writer->has_changed |= writer_was_changed(writer);
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

static bool release_all(struct state_writer *writer, int64_t peer_id, struct error *err)
{
    sqlite3_stmt *query = NULL;
    int step;

    if (!db_prepare(writer->db, "SELECT attributes_id FROM route WHERE peer_id = ?1", &query, err))
        return false;
    (void)sqlite3_bind_int64(query, 1, peer_id);
    while ((step = sqlite3_step(query)) == SQLITE_ROW)
        writer_release(writer, sqlite3_column_int64(query, 0));
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
    if (!writer_load_number(writer, is_there, &count, err))
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
    return writer_load_number(writer, "SELECT count(*) FROM tombstone", &writer->tombstones, err) &&
           tombstone_add(writer, OBJECT_PEER, peer_id, NULL, no_key, 0, err);
}

bool state_put_local_asn(struct state_writer *writer, uint32_t asn, struct error *err)
{
    assert(writer->is_open);
    writer_bind(writer, PUT_ASN, 1, asn);
    if (!writer_run(writer, PUT_ASN, err))
        return false;
    writer->has_changed |= writer_was_changed(writer);
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
    return writer_run(writer, PUT_METER, err);
}
