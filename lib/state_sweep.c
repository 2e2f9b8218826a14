/* state_sweep: what a peer no longer says, found by walking what it said.
 *
 * Keys that go are noted first and deleted then: a table must not change under the query that walks it. */
#include "state_writer_inside.h"

#include <assert.h>
#include <stdlib.h>

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

    writer_bind(writer, KEYS_ROUTE, 1, peer_id);
    writer_bind(writer, KEYS_ROUTE, 2, family);
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
        ok = writer_delete_ls(writer, kind, peer_id, sweep->keys[i].nlri, &was_there, err);
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
    if (!writer_run(writer, DELETE_FAMILY, err))
        return error_in(err, "family %s", state_family_names[family]);
    writer->has_changed |= writer_was_changed(writer);
    return true;
}
