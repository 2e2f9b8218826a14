/* state_load: what the writer's memory keeps of the file.
 *
 * The sets of attributes are kept in memory (attribute_pool), each with the number of routes that refer to it.
 * After a rollback memory and file disagree, and memory is read anew from the file: rollbacks are rare, undo
 * logs are not. */
#include "state_writer_inside.h"

#include <inttypes.h>
#include <stdio.h>

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
bool writer_load_number(struct state_writer *writer, const char *sql, uint64_t *out,
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
bool writer_load(struct state_writer *writer, struct error *err)
{
    uint64_t next = 0, ignored = 0;

    writer->is_loaded = false;
    writer->unused_count = 0;
    attribute_pool_free(writer->pool);
    writer->pool = attribute_pool_new();
    if (!writer_load_number(writer, "SELECT coalesce(max(sequence), 0) FROM sequence",
                            &writer->sequence, err) ||
        !writer_load_number(writer, "SELECT floor FROM meta", &writer->floor, err) ||
        !writer_load_number(writer, "SELECT next_attributes_id FROM meta", &next, err) ||
        !writer_load_number(writer, "SELECT count(*) FROM tombstone", &writer->tombstones, err) ||
        !writer_load_number(
            writer,
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
