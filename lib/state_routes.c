/* state_routes: routes, and the sets of attributes that they refer to.
 *
 * A route is inserted first and looked at only when it was there: a first load, which is the many rows, then
 * costs one statement each. */
#include "state_writer_inside.h"

#include <assert.h>
#include <string.h>

static bool intern(struct state_writer *writer, const struct attributes *attributes,
                   struct attribute_set **out, struct error *err)
{
    struct attribute_set *set = attribute_pool_find(writer->pool, attributes);

    if (!set->id) {
        struct row_writer row = {.statement = writer->statements[ADD_ATTRIBUTES], .next = 1};
        row_put_attributes(&row, writer->next_attributes_id, attributes);
        if (!writer_run(writer, ADD_ATTRIBUTES, err))
            return error_in(err, "attributes");
        attribute_pool_number(writer->pool, set, writer->next_attributes_id++);
        writer->has_new_attributes = true;
    }
    *out = set;
    return true;
}

void writer_release(struct state_writer *writer, int64_t attributes_id)
{
    struct attribute_set *set = attribute_pool_by_id(writer->pool, attributes_id);

    assert(set && set->references); // writer_load() has counted them
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
    row_put_integer(&row, true, (int64_t)writer_pending(writer));
    return writer_run(writer, statement, err);
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
    if (writer_was_changed(writer)) {
        set->references++;
        writer->has_changed = true;
        return tombstone_remove(writer, OBJECT_ROUTE, route->peer_id, text, (struct octets){0},
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
    writer_release(writer, old);
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
    if (!writer_run(writer, DELETE_ROUTE, err))
        return error_in(err, "route %s", text);
    writer_release(writer, attributes_id);
    return tombstone_add(writer, OBJECT_ROUTE, peer_id, text, (struct octets){0}, path_id, err) ||
           error_in(err, "route %s", text);
}
