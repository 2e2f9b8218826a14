/* state_link_state: nodes, links, prefixes and what we do not understand.
 *
 * One table a kind, one statement a put: the tables' rows are replaced as a whole, but for an announcement
 * without attributes, which leaves the last known ones standing (L-093). */
#include "state_writer_inside.h"

#include <assert.h>

/* Runs a statement whose first parameters are (nlri, peer_id), bound by the caller or here. */
static bool run_ls(struct state_writer *writer, struct row_writer *row, enum state_object kind,
                   int64_t peer_id, struct octets nlri, bool *changed, struct error *err)
{
    if (row->failed) {
        (void)sqlite3_clear_bindings(row->statement);
        return db_error(writer->db, err, "binding");
    }
    bool ok = db_run(row->statement, err);
    *changed = ok && writer_was_changed(writer);
    arena_reset(writer->scratch);
    writer->has_changed |= *changed;
    return ok && (!*changed || tombstone_remove(writer, kind, peer_id, NULL, nlri, 0, err));
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
    row_put_integer(&row, true, (int64_t)writer_pending(writer));
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
    row_put_node(&row, node, writer_pending(writer));
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
    row_put_link(&row, link, writer_pending(writer));
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
    row_put_prefix(&row, prefix, writer_pending(writer));
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
    row_put_integer(&row, true, (int64_t)writer_pending(writer));
    return run_ls(writer, &row, OBJECT_OPAQUE, peer_id, nlri, &changed, err) ||
           error_in(err, "ls_opaque");
}

bool writer_delete_ls(struct state_writer *writer, enum state_object kind, int64_t peer_id,
                      struct octets nlri, bool *was_there, struct error *err)
{
    struct row_writer row = ls_row(writer, kind, LS_DELETE);

    row_put_octets(&row, nlri);
    row_put_integer(&row, true, peer_id);
    if (!db_run(row.statement, err))
        return false;
    *was_there = writer_was_changed(writer);
    return !*was_there || tombstone_add(writer, kind, peer_id, NULL, nlri, 0, err);
}

bool state_delete_ls(struct state_writer *writer, int64_t peer_id, struct octets nlri,
                     struct error *err)
{
    bool was_there = false;

    assert(writer->is_open);
    // which table: the one that has it. What a type's NLRI is, only the parsers know
    for (unsigned kind = OBJECT_NODE; kind < LS_TABLES && !was_there; kind++)
        if (!writer_delete_ls(writer, (enum state_object)kind, peer_id, nlri, &was_there, err))
            return error_in(err, "%s", state_object_names[kind]);
    return true;
}
