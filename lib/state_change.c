/* state_change: change sets, and the tombstones that they leave.
 *
 * A change set is one transaction, and all that it changes carries one new sequence. A set of attributes that
 * lost its last route goes with the change set that left it so. */
#include "state_writer_inside.h"

#include <assert.h>

bool writer_run(struct state_writer *writer, enum statement statement, struct error *err)
{
    return db_run(writer->statements[statement], err);
}

void writer_bind(struct state_writer *writer, enum statement statement, int index, int64_t value)
{
    // fails only for an index that the text does not have
    (void)sqlite3_bind_int64(writer->statements[statement], index, value);
}

bool writer_was_changed(const struct state_writer *writer)
{
    return sqlite3_changes(writer->db) > 0;
}

/* The sequence of what the change set changes. */
uint64_t writer_pending(const struct state_writer *writer)
{
    return writer->sequence + 1;
}

bool state_begin(struct state_writer *writer, int64_t now_us, struct error *err)
{
    assert(!writer->is_open);
    if (!writer->is_loaded && !writer_load(writer, err))
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
        writer_bind(writer, DELETE_ATTRIBUTES, 1, set->id);
        if (!writer_run(writer, DELETE_ATTRIBUTES, err))
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
        writer_bind(writer, PUT_NEXT_ATTRIBUTES, 1, writer->next_attributes_id);
        if (!writer_run(writer, PUT_NEXT_ATTRIBUTES, err))
            return false;
    }
    if (is_new) {
        writer_bind(writer, PUT_SEQUENCE, 1, (int64_t)writer_pending(writer));
        writer_bind(writer, PUT_SEQUENCE, 2, writer->now_us);
        if (!writer_run(writer, PUT_SEQUENCE, err))
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

static void bind_tombstone(struct state_writer *writer, enum statement statement,
                           enum state_object kind, int64_t peer_id, uint32_t path_id)
{
    struct row_writer row = {.statement = writer->statements[statement], .next = 1};

    row_put_text(&row, state_object_names[kind]);
    row_put_integer(&row, true, peer_id);
    row.next = 4;
    row_put_integer(&row, true, path_id);
    if (statement == ADD_TOMBSTONE)
        row_put_integer(&row, true, (int64_t)writer_pending(writer));
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
bool tombstone_add(struct state_writer *writer, enum state_object kind, int64_t peer_id,
                   const char *text, struct octets nlri, uint32_t path_id, struct error *err)
{
    bind_tombstone(writer, ADD_TOMBSTONE, kind, peer_id, path_id);
    bind_key(writer, ADD_TOMBSTONE, text, nlri);
    writer->has_changed = true;
    writer->tombstones++;
    return writer_run(writer, ADD_TOMBSTONE, err);
}

bool tombstone_remove(struct state_writer *writer, enum state_object kind, int64_t peer_id,
                      const char *text, struct octets nlri, uint32_t path_id, struct error *err)
{
    if (!writer->tombstones)
        return true;
    bind_tombstone(writer, DELETE_TOMBSTONE, kind, peer_id, path_id);
    bind_key(writer, DELETE_TOMBSTONE, text, nlri);
    if (!writer_run(writer, DELETE_TOMBSTONE, err))
        return false;
    writer->tombstones -= writer_was_changed(writer);
    return true;
}
