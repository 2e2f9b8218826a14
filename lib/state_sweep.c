/* state_sweep: what a peer no longer says, found by walking what it said.
 *
 * A table must not change under the query that walks it, so each piece of a sweep is read first and deleted then. Of
 * routes, which may be a million, neighbours in the order of the key go by one statement:
 *
 *     kept? y n n n y y n y      tombstones from the rows of the range, then the range;
 *             └─run─┘   └run     a table that goes whole is one run a piece
 *
 * Link state goes object by object. */
#include "state_writer_inside.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 50000 }; // of a sweep within one change set: bounds what is noted at once

/* A route's key as it stands in the file; other family and peer are the sweep's. */
struct route_key {
    char text[PREFIX_TEXT_SIZE];
    uint32_t path_id;
};

struct state_sweep {
    int64_t peer_id;
    enum state_family family;
    bool (*keep)(void *context, const struct state_key *key);
    void *context;
    struct arena *arena; // of what one piece notes
    // the last key that was looked at; rows behind it are to come
    struct route_key route;
    enum state_object kind;
    uint8_t *nlri;
    size_t nlri_length;
};

/* Routes without a gap between them. */
struct run {
    struct route_key first, last;
};

struct piece {
    struct run *runs;
    struct octets *nlris;
    size_t count, capacity; // of one of them
    size_t seen, gone;
};

struct state_sweep *state_sweep_new(int64_t peer_id, enum state_family family,
                                    bool (*keep)(void *context, const struct state_key *key),
                                    void *context)
{
    struct state_sweep *sweep = memory_alloc(1, sizeof *sweep);

    *sweep = (struct state_sweep){
        .peer_id = peer_id, .family = family, .keep = keep, .context = context};
    sweep->arena = arena_new();
    state_sweep_restart(sweep);
    return sweep;
}

void state_sweep_free(struct state_sweep *sweep)
{
    if (!sweep)
        return;
    arena_free(sweep->arena);
    free(sweep->nlri);
    free(sweep);
}

void state_sweep_restart(struct state_sweep *sweep)
{
    sweep->route = (struct route_key){.text = ""}; // before every prefix
    sweep->kind = OBJECT_NODE;
    sweep->nlri_length = 0;
}

static bool is_kept(const struct state_sweep *sweep, const struct state_key *key)
{
    return sweep->keep && sweep->keep(sweep->context, key);
}

/* ---- Routes ---- */

static void note_route(struct piece *piece, const struct route_key *key, bool goes_on)
{
    if (!goes_on) {
        piece->runs = memory_grow(piece->runs, piece->count, &piece->capacity, sizeof *piece->runs);
        piece->runs[piece->count++].first = *key;
    }
    piece->runs[piece->count - 1].last = *key;
    piece->gone++;
}

/* The text of the prefix that was read last: the file's own, for it is the key. */
static void put_text(struct row_reader *row, struct route_key *key)
{
    const char *text = (const char *)sqlite3_column_text(row->statement, row->next - 1);

    if (!row->failed && snprintf(key->text, sizeof key->text, "%s", text) >= (int)sizeof key->text)
        row_fail(row, "a prefix without superfluous digits");
}

/* Their references are given back here already: a change set that fails is rolled back, and memory read anew. */
static bool read_routes(struct state_writer *writer, struct state_sweep *sweep, size_t limit,
                        struct piece *piece, struct error *err)
{
    sqlite3_stmt *query = writer->statements[KEYS_ROUTE];
    struct row_reader row = {.statement = query, .err = err};
    struct row_writer from = {.statement = query, .next = 1};
    struct route_key last = sweep->route;
    bool goes_on = false;
    int step = SQLITE_DONE;

    row_put_integer(&from, true, sweep->peer_id);
    row_put_integer(&from, true, sweep->family == STATE_IPV4_UNICAST ? FAMILY_IPV4 : FAMILY_IPV6);
    row_put_text(&from, sweep->route.text);
    row_put_integer(&from, true, sweep->route.path_id);
    row_put_integer(&from, true, (int64_t)limit);
    while (!row.failed && (step = sqlite3_step(query)) == SQLITE_ROW) {
        row.next = 0;
        struct state_key key = {.prefix = row_get_prefix(&row)};
        put_text(&row, &last);
        key.path_id = (uint32_t)row_get_integer(&row, UINT32_MAX);
        int64_t attributes_id = (int64_t)row_get_integer(&row, INT64_MAX);
        if (row.failed)
            break;
        last.path_id = key.path_id;
        piece->seen++;
        bool goes = !is_kept(sweep, &key);
        if (goes) {
            note_route(piece, &last, goes_on);
            writer_release(writer, attributes_id);
        }
        goes_on = goes;
    }
    bool ok = !row.failed && (step == SQLITE_DONE || db_error(writer->db, err, "reading routes"));
    (void)sqlite3_reset(query); // it has read sweep->route until now
    (void)sqlite3_clear_bindings(query);
    if (ok)
        sweep->route = last;
    return ok;
}

/* Runs a statement over the routes of the run. *changed: how many it did something to. */
static bool run_over(struct state_writer *writer, enum statement statement,
                     const struct state_sweep *sweep, const struct run *run, uint64_t *changed,
                     struct error *err)
{
    struct row_writer row = {.statement = writer->statements[statement], .next = 1};

    row_put_integer(&row, true, sweep->peer_id);
    row_put_integer(&row, true, sweep->family == STATE_IPV4_UNICAST ? FAMILY_IPV4 : FAMILY_IPV6);
    row_put_text(&row, run->first.text);
    row_put_integer(&row, true, run->first.path_id);
    row_put_text(&row, run->last.text);
    row_put_integer(&row, true, run->last.path_id);
    if (statement == BURY_ROUTES)
        row_put_integer(&row, true, (int64_t)writer_pending(writer));
    if (!writer_run(writer, statement, err))
        return false;
    *changed = (uint64_t)sqlite3_changes64(writer->db);
    return true;
}

static bool sweep_routes(struct state_writer *writer, struct state_sweep *sweep, size_t limit,
                         struct piece *piece, bool *is_done, struct error *err)
{
    uint64_t buried, deleted, gone = 0;
    bool ok = read_routes(writer, sweep, limit, piece, err);

    for (size_t i = 0; ok && i < piece->count; i++) {
        ok = run_over(writer, BURY_ROUTES, sweep, &piece->runs[i], &buried, err) &&
             run_over(writer, DELETE_ROUTES, sweep, &piece->runs[i], &deleted, err);
        if (!ok)
            break;
        writer->tombstones += buried;
        writer->has_changed = true;
        gone += deleted;
        if (buried != deleted)
            ok = error_set(err, ERROR_INPUT,
                           "%llu routes found and %llu deleted from %s to %s: state.db is damaged",
                           (unsigned long long)buried, (unsigned long long)deleted,
                           piece->runs[i].first.text, piece->runs[i].last.text);
    }
    if (ok && gone != piece->gone)
        ok = error_set(err, ERROR_INPUT, "%llu routes of %llu deleted: state.db is damaged",
                       (unsigned long long)gone, (unsigned long long)piece->gone);
    *is_done = piece->seen < limit;
    return ok;
}

/* ---- Link state ---- */

static void note_nlri(struct piece *piece, struct octets nlri)
{
    piece->nlris = memory_grow(piece->nlris, piece->count, &piece->capacity, sizeof *piece->nlris);
    piece->nlris[piece->count++] = nlri;
    piece->gone++;
}

/* Up to `limit` objects of the sweep's present kind. */
static bool read_nlris(struct state_writer *writer, struct state_sweep *sweep, size_t limit,
                       struct piece *piece, struct error *err)
{
    sqlite3_stmt *query = writer->ls_statements[sweep->kind][LS_KEYS];
    struct row_reader row = {.statement = query, .err = err};
    struct row_writer from = {.statement = query, .next = 1};
    struct octets last = {0};
    int step = SQLITE_DONE;

    row_put_integer(&from, true, sweep->peer_id);
    row_put_octets(&from, (struct octets){sweep->nlri ? sweep->nlri : (const uint8_t *)"",
                                          sweep->nlri_length});
    row_put_integer(&from, true, (int64_t)limit);
    while (!row.failed && (step = sqlite3_step(query)) == SQLITE_ROW) {
        row.next = 0;
        struct state_key key = {.nlri = row_get_octets(&row)};
        if (row.failed)
            break;
        last = (struct octets){arena_copy(sweep->arena, key.nlri.bytes, key.nlri.length),
                               key.nlri.length};
        piece->seen++;
        if (!is_kept(sweep, &key))
            note_nlri(piece, last);
    }
    bool ok = !row.failed && (step == SQLITE_DONE || db_error(writer->db, err, "reading NLRIs"));
    (void)sqlite3_reset(query); // it has read sweep->nlri until now
    (void)sqlite3_clear_bindings(query);
    if (ok && last.length) {
        sweep->nlri = memory_resize(sweep->nlri, last.length, 1);
        memcpy(sweep->nlri, last.bytes, last.length);
        sweep->nlri_length = last.length;
    }
    return ok;
}

static bool sweep_link_state(struct state_writer *writer, struct state_sweep *sweep, size_t limit,
                             struct piece *piece, bool *is_done, struct error *err)
{
    bool ok = true, was_there;

    *is_done = false;
    while (ok && !*is_done && piece->seen < limit) {
        size_t seen = piece->seen, first = piece->count, wanted = limit - seen;
        ok = read_nlris(writer, sweep, wanted, piece, err);
        for (size_t i = first; ok && i < piece->count; i++)
            ok = writer_delete_ls(writer, sweep->kind, sweep->peer_id, piece->nlris[i], &was_there,
                                  err);
        if (ok && piece->seen - seen < wanted) { // that was all of this kind
            *is_done = sweep->kind == OBJECT_OPAQUE;
            sweep->kind = (enum state_object)(sweep->kind + 1);
            sweep->nlri_length = 0;
        }
    }
    return ok;
}

/* ---- Both ---- */

bool state_sweep_step(struct state_writer *writer, struct state_sweep *sweep, size_t limit,
                      bool *is_done, uint64_t *swept, struct error *err)
{
    struct piece piece = {0};

    assert(writer->is_open && limit);
    bool ok = sweep->family == STATE_LINK_STATE
                  ? sweep_link_state(writer, sweep, limit, &piece, is_done, err)
                  : sweep_routes(writer, sweep, limit, &piece, is_done, err);
    if (ok)
        *swept += piece.gone;
    free(piece.runs);
    free(piece.nlris);
    arena_reset(sweep->arena);
    return ok || error_in(err, "sweeping %s", state_family_names[sweep->family]);
}

bool state_sweep(struct state_writer *writer, int64_t peer_id, enum state_family family,
                 bool (*keep)(void *context, const struct state_key *key), void *context,
                 uint64_t *swept, struct error *err)
{
    struct state_sweep *sweep = state_sweep_new(peer_id, family, keep, context);
    bool is_done = false, ok = true;
    uint64_t count = 0;

    while (ok && !is_done)
        ok = state_sweep_step(writer, sweep, PIECE, &is_done, &count, err);
    if (ok)
        *swept = count;
    state_sweep_free(sweep);
    return ok;
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
