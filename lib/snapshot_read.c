/* snapshot_read: a snapshot file into memory, checked (snapshot.h).
 *
 * The file is hostile until read: every column has a type and a range, every index points at something,
 * every cell is blank or a number, every prefix is spelt as it will be sent, the pairs are as many as
 * announced. What was read can then be sent as it stands, and nobody checks it again.
 *
 * Rows are read as fields are eaten from a message: a table in which something was wrong yields zeros and
 * no further row, and is asked once, at its end. */
#include "db.h"
#include "snapshot.h"
#include "text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    PID_LIMIT = 1 << 16,    // 40 times the largest map we know of; a row has a cell for each
    PREFIX_LIMIT = 1 << 23, // several times the whole Internet's table
    METRIC_LIMIT = 256,
    ROUTER_LIMIT = 1 << 20,
    LINK_LIMIT = 1 << 22,
    ATTACHMENT_LIMIT = 1 << 24,
    SESSION_LIMIT = 1 << 16,
    WIDTH_LIMIT = 32,     // characters of a cell: 20 digits of 2^64, and some for decimals
    TEXT_LIMIT = 1 << 20, // bytes of any one text but a prefix list
};

#define ROWS_UNKNOWN SIZE_MAX

/* One query being read. After a failure it yields nothing more. */
struct table {
    sqlite3 *db;
    sqlite3_stmt *rows;
    const char *name; // for messages
    size_t row;       // being read, from 1
    size_t expected;  // rows; ROWS_UNKNOWN: not counted before
    struct arena *arena;
    struct error *err;
    bool failed;
};

static struct table table_open(sqlite3 *db, const char *name, const char *sql, struct arena *arena,
                               struct error *err)
{
    struct table table = {
        .db = db, .name = name, .arena = arena, .err = err, .expected = ROWS_UNKNOWN};

    table.failed = !db_prepare(db, sql, &table.rows, err);
    return table;
}

__attribute__((format(printf, 2, 3))) static void table_fail(struct table *table,
                                                             const char *format, ...)
{
    va_list args;
    char text[256];

    if (table->failed)
        return; // the first mistake is the one to tell
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    error_set(table->err, ERROR_INPUT, "%s: row %zu: %s", table->name, table->row, text);
    table->failed = true;
}

/* A damaged index can hold more or fewer rows than its table: what was counted is not yet what comes. */
static bool table_next(struct table *table)
{
    if (table->failed)
        return false;
    int step = sqlite3_step(table->rows);
    if (step == SQLITE_ROW) {
        table->row++;
        if (table->row > table->expected)
            table_fail(table, "only %zu rows counted: the file is damaged", table->expected);
        return !table->failed;
    }
    if (step == SQLITE_DONE) {
        if (table->expected != ROWS_UNKNOWN && table->row < table->expected)
            table_fail(table, "the last of %zu counted: the file is damaged", table->expected);
    } else {
        db_error(table->db, table->err, table->name);
        table->failed = true;
    }
    return false;
}

static bool table_close(struct table *table)
{
    (void)sqlite3_finalize(table->rows); // repeats what table_next has said
    return !table->failed;
}

static int64_t table_integer(struct table *table, int column, int64_t low, int64_t high)
{
    const char *name = sqlite3_column_name(table->rows, column);
    int64_t value = sqlite3_column_int64(table->rows, column);

    if (sqlite3_column_type(table->rows, column) != SQLITE_INTEGER)
        table_fail(table, "%s is not an integer", name);
    else if (value < low || value > high)
        table_fail(table, "%s is %lld; %lld to %lld expected", name, (long long)value,
                   (long long)low, (long long)high);
    return table->failed ? low : value;
}

/* An index into something of count elements; 0 after a failure, which the caller must not use. */
static uint32_t table_index(struct table *table, int column, size_t count)
{
    if (count == 0)
        table_fail(table, "%s points into an empty table",
                   sqlite3_column_name(table->rows, column));
    return (uint32_t)table_integer(table, column, 0, count ? (int64_t)count - 1 : 0);
}

/* Borrowed from SQLite until the next step; never NULL. */
static const char *table_bytes(struct table *table, int column, int type, size_t limit,
                               size_t *length)
{
    const char *name = sqlite3_column_name(table->rows, column);
    const char *bytes;

    *length = 0;
    if (sqlite3_column_type(table->rows, column) != type) {
        table_fail(table, "%s is not a %s", name, type == SQLITE_TEXT ? "text" : "blob");
        return "";
    }
    bytes = sqlite3_column_blob(table->rows, column);
    *length = (size_t)sqlite3_column_bytes(table->rows, column);
    if (*length > limit) {
        table_fail(table, "%s has %zu bytes; at most %zu expected", name, *length, limit);
        *length = 0;
    } else if (*length && !bytes) {
        table_fail(table, "%s: SQLite has no memory", name);
        *length = 0;
    } else if (*length && type == SQLITE_TEXT && memchr(bytes, '\0', *length)) {
        table_fail(table, "%s has a NUL inside", name);
        *length = 0;
    }
    return *length ? bytes : "";
}

static const char *table_text(struct table *table, int column)
{
    size_t length;
    const char *text = table_bytes(table, column, SQLITE_TEXT, TEXT_LIMIT, &length);

    return arena_text(table->arena, text, length);
}

static const char *table_text_or_null(struct table *table, int column)
{
    if (sqlite3_column_type(table->rows, column) == SQLITE_NULL)
        return NULL;
    return table_text(table, column);
}

/* A tag of ours: 32 lower-case hex digits (M-602). */
static void table_tag(struct table *table, int column, char out[HASH_TAG_SIZE])
{
    size_t length;
    const char *tag = table_bytes(table, column, SQLITE_TEXT, TEXT_LIMIT, &length);

    if (length != HASH_TAG_SIZE - 1 || strspn(tag, "0123456789abcdef") != length) {
        table_fail(table, "tag is not 32 hex digits");
        return;
    }
    memcpy(out, tag, length + 1);
}

static const char *table_pid_name(struct table *table, int column, const char *what)
{
    const char *name = table_text(table, column);

    if (!text_is_pid_name(name, strlen(name)))
        table_fail(table, "%s \"%.80s\"; 1 to 64 of A-Z a-z 0-9 - : @ _ expected", what, name);
    return name;
}

/* How many rows, so that arrays are made in one piece. */
static bool count_rows(sqlite3 *db, const char *name, int64_t limit, size_t *out, struct error *err)
{
    char sql[64];
    int64_t count;

    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", name);
    if (!db_integer(db, sql, &count, err))
        return false;
    if (count > limit)
        return error_set(err, ERROR_LIMIT, "%s: %lld rows; at most %lld expected", name,
                         (long long)count, (long long)limit);
    *out = (size_t)count;
    return true;
}

static bool read_head(sqlite3 *db, struct arena *arena, struct snapshot *out, struct error *err)
{
    struct table t = table_open(db, "snapshot",
                                "SELECT number, map, tag, time_us, generation, sequence,"
                                " state_time_us, version, config_hash, default_pid, stale_objects,"
                                " single_candidates, warnings, timings FROM snapshot",
                                arena, err);

    while (table_next(&t)) {
        out->number = (uint64_t)table_integer(&t, 0, 0, INT64_MAX);
        out->map = table_pid_name(&t, 1, "map");
        table_tag(&t, 2, out->tag);
        out->time_us = table_integer(&t, 3, 0, INT64_MAX);
        out->generation = table_text(&t, 4);
        out->sequence = (uint64_t)table_integer(&t, 5, 0, INT64_MAX);
        out->state_time_us = table_integer(&t, 6, 0, INT64_MAX);
        out->version = table_text(&t, 7);
        out->config_hash = table_text(&t, 8);
        out->default_pid = table_pid_name(&t, 9, "default_pid");
        out->stale_objects = (uint64_t)table_integer(&t, 10, 0, INT64_MAX);
        out->single_candidates = (uint64_t)table_integer(&t, 11, 0, INT64_MAX);
        out->warnings = table_text(&t, 12);
        out->timings = table_text(&t, 13);
    }
    if (!t.failed && t.row != 1)
        error_set(err, ERROR_INPUT, "snapshot: %zu rows; 1 expected", t.row);
    return table_close(&t) && t.row == 1;
}

static bool read_pids(sqlite3 *db, struct arena *arena, struct snapshot_pid *pids, size_t count,
                      struct error *err)
{
    struct table t = table_open(db, "pid",
                                "SELECT pid_id, name, reason, prefixes_ipv4, prefixes_ipv6 FROM pid"
                                " ORDER BY pid_id",
                                arena, err);
    int64_t total = 0;

    t.expected = count;
    for (size_t i = 0; table_next(&t); i++) {
        if ((size_t)table_integer(&t, 0, 0, PID_LIMIT) != i)
            table_fail(&t, "pid_id has a gap");
        pids[i].name = table_pid_name(&t, 1, "name");
        if (i > 0 && strcmp(pids[i - 1].name, pids[i].name) >= 0)
            table_fail(&t, "name \"%s\" is not behind \"%s\"", pids[i].name, pids[i - 1].name);
        pids[i].reason = table_text(&t, 2);
        total += table_integer(&t, 3, 0, PREFIX_LIMIT) + table_integer(&t, 4, 0, PREFIX_LIMIT);
        if (total > PREFIX_LIMIT)
            table_fail(&t, "more than %d prefixes", PREFIX_LIMIT);
        pids[i].prefix_count =
            (size_t)(table_integer(&t, 3, 0, PREFIX_LIMIT) + table_integer(&t, 4, 0, PREFIX_LIMIT));
    }
    return table_close(&t);
}

/* The next `"prefix"` of a list, in its one spelling; *at is behind its closing quote then. */
static bool list_prefix(const char **at, const char *end, struct prefix *out)
{
    char text[PREFIX_TEXT_SIZE], again[PREFIX_TEXT_SIZE];

    if (*at == end || **at != '"')
        return false;
    const char *first = *at + 1;
    const char *quote = memchr(first, '"', (size_t)(end - first));
    if (!quote || (size_t)(quote - first) >= sizeof text)
        return false;
    memcpy(text, first, (size_t)(quote - first));
    text[quote - first] = '\0';
    if (!prefix_parse(text, out) || strcmp(prefix_format(out, again), text) != 0)
        return false;
    *at = quote + 1;
    return true;
}

/* `["192.0.2.0/24","198.51.100.0/24"]` without a blank: it is sent as it stands. Writes room prefixes at most and
 * returns how many there are. */
static size_t read_list(struct table *t, const char *list, size_t length, enum family family,
                        struct prefix *out, size_t room)
{
    const char *at = list + 1, *end = list + length;
    size_t count = 0;

    if (length < 2 || list[0] != '[' || end[-1] != ']') {
        table_fail(t, "list is not a JSON array");
        return 0;
    }
    for (end--; at < end; count++) {
        if (count > 0 && *at++ != ',') {
            table_fail(t, "list: prefix %zu: ',' expected before it", count + 1);
            return 0;
        }
        if (count == room) {
            table_fail(t, "list: more prefixes than table pid says");
            return 0;
        }
        if (!list_prefix(&at, end, &out[count]) || out[count].family != family) {
            table_fail(t, "list: prefix %zu is not a canonical %s prefix", count + 1,
                       family == FAMILY_IPV4 ? "IPv4" : "IPv6");
            return 0;
        }
        if (count > 0 && prefix_compare(&out[count - 1], &out[count]) >= 0) {
            table_fail(t, "list: prefix %zu is out of order", count + 1);
            return 0;
        }
    }
    return count;
}

static bool read_prefixes(sqlite3 *db, struct arena *arena, struct snapshot_pid *pids, size_t count,
                          struct error *err)
{
    struct table t = table_open(db, "prefix_list",
                                "SELECT pid_id, family, list FROM prefix_list"
                                " ORDER BY pid_id, family",
                                arena, err);
    size_t *filled = arena_alloc(arena, count, sizeof *filled);
    struct prefix **prefixes = arena_alloc(arena, count, sizeof *prefixes);

    while (table_next(&t)) {
        uint32_t pid = table_index(&t, 0, count);
        const char *family = table_text(&t, 1);
        bool is_ipv4 = strcmp(family, "ipv4") == 0;
        size_t length;
        const char *list = table_bytes(&t, 2, SQLITE_TEXT, SIZE_MAX, &length);

        if (!is_ipv4 && strcmp(family, "ipv6") != 0)
            table_fail(&t, "family \"%.20s\"; ipv4 or ipv6 expected", family);
        if (t.failed)
            break;
        if (!prefixes[pid])
            prefixes[pid] = arena_alloc(arena, pids[pid].prefix_count, sizeof **prefixes);
        filled[pid] += read_list(&t, list, length, is_ipv4 ? FAMILY_IPV4 : FAMILY_IPV6,
                                 prefixes[pid] + filled[pid], pids[pid].prefix_count - filled[pid]);
        if (length > 2) // "[]" says no more than no list
            *(is_ipv4 ? &pids[pid].list_ipv4 : &pids[pid].list_ipv6) =
                arena_text(arena, list, length);
    }
    if (!table_close(&t))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (filled[i] != pids[i].prefix_count)
            return error_set(err, ERROR_INPUT, "prefix_list: %zu prefixes of PID %s; %zu expected",
                             filled[i], pids[i].name, pids[i].prefix_count);
        pids[i].prefixes = prefixes[i];
    }
    return true;
}

/* CostMetric of RFC 7285 section 10.6. */
static bool is_metric_name(const char *name)
{
    size_t length = strlen(name);

    return length >= 1 && length <= 32 &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-:_.") ==
               length;
}

/* ids: the file's metric_id of each metric; aliases: the metric_id that it is an alias of, or -1. */
static bool read_metrics(sqlite3 *db, struct arena *arena, struct snapshot_metric *metrics,
                         size_t count, int64_t *ids, int64_t *aliases, struct error *err)
{
    struct table t = table_open(db, "metric",
                                "SELECT metric_id, name, unit, alias_of, cost_context, tag, pairs,"
                                " cost_context IS NULL OR CASE WHEN json_valid(cost_context)"
                                " THEN json_type(cost_context) = 'object'"
                                " AND NOT cost_context GLOB '*[^ -~]*' END"
                                " FROM metric ORDER BY metric_id",
                                arena, err);

    t.expected = count;
    for (size_t i = 0; table_next(&t); i++) {
        ids[i] = table_integer(&t, 0, 0, INT64_MAX);
        metrics[i].name = table_text(&t, 1);
        if (!is_metric_name(metrics[i].name))
            table_fail(&t, "name \"%.40s\"; a cost metric of 1 to 32 characters expected",
                       metrics[i].name);
        metrics[i].unit = table_text(&t, 2);
        aliases[i] =
            sqlite3_column_type(t.rows, 3) == SQLITE_NULL ? -1 : table_integer(&t, 3, 0, INT64_MAX);
        metrics[i].cost_context = table_text_or_null(&t, 4);
        table_tag(&t, 5, metrics[i].tag);
        metrics[i].pairs = (uint64_t)table_integer(&t, 6, 0, INT64_MAX);
        if (!sqlite3_column_int(t.rows, 7))
            table_fail(&t, "cost_context is not a JSON object of printable ASCII");
    }
    return table_close(&t);
}

static bool resolve_aliases(struct snapshot_metric *metrics, size_t count, const int64_t *ids,
                            const int64_t *aliases, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; aliases[i] >= 0 && j < count; j++) {
            if (ids[j] != aliases[i] || aliases[j] >= 0)
                continue;
            metrics[i].alias_of = metrics[j].name;
            if (metrics[i].pairs != metrics[j].pairs)
                return error_set(err, ERROR_INPUT,
                                 "metric: %s has %llu pairs; %llu expected, as it is %s",
                                 metrics[i].name, (unsigned long long)metrics[i].pairs,
                                 (unsigned long long)metrics[j].pairs, metrics[j].name);
        }
        if (aliases[i] >= 0 && !metrics[i].alias_of)
            return error_set(err, ERROR_INPUT,
                             "metric: %s is an alias of metric_id %lld, which has no costs",
                             metrics[i].name, (long long)aliases[i]);
    }
    return true;
}

/* Blank (nothing), or blanks and then all digits of a number: 0, 17, 0.25. */
static bool cell_check(const char *cell, uint32_t width, bool *is_present)
{
    const char *end = cell + width;

    while (cell < end && *cell == ' ')
        cell++;
    *is_present = cell < end;
    if (!*is_present)
        return true;
    const char *first = cell;
    while (cell < end && *cell >= '0' && *cell <= '9')
        cell++;
    if (cell == first || (*first == '0' && cell - first > 1))
        return false;
    if (cell == end)
        return true;
    if (*cell++ != '.' || cell == end)
        return false;
    while (cell < end && *cell >= '0' && *cell <= '9')
        cell++;
    return cell == end;
}

static bool read_rows(sqlite3 *db, struct arena *arena, struct snapshot_metric *metric, int64_t id,
                      const struct snapshot_pid *pids, size_t count, struct error *err)
{
    struct snapshot_row *rows = arena_alloc(arena, count, sizeof *rows);
    struct table t = table_open(db, "cost_row",
                                "SELECT source_id, width, cells FROM cost_row WHERE metric_id = ?"
                                " ORDER BY source_id",
                                arena, err);
    uint64_t pairs = 0;

    if (!t.failed)
        (void)sqlite3_bind_int64(t.rows, 1, id); // a failed binding is NULL and finds no row
    for (size_t i = 0; i < count; i++)
        rows[i].cells = "";
    while (table_next(&t)) {
        uint32_t source = table_index(&t, 0, count), length = 0;
        uint32_t width = (uint32_t)table_integer(&t, 1, 0, WIDTH_LIMIT);
        size_t bytes;
        const char *cells = table_bytes(&t, 2, SQLITE_BLOB, SIZE_MAX, &bytes);

        if (!t.failed && bytes != count * width)
            table_fail(&t, "cells of %s has %zu bytes; %zu times %u expected", pids[source].name,
                       bytes, count, width);
        for (; !t.failed && length < count; length++) {
            bool is_present;
            if (!cell_check(cells + (size_t)length * width, width, &is_present))
                table_fail(&t, "cell from %s to %s: \"%.*s\"; blank or a number expected",
                           pids[source].name, pids[length].name, (int)width,
                           cells + (size_t)length * width);
            pairs += is_present;
        }
        if (!t.failed) {
            rows[source].width = width;
            rows[source].cells = arena_copy(arena, cells, bytes);
        }
    }
    if (!table_close(&t))
        return error_in(err, "metric %s", metric->name);
    if (pairs != metric->pairs)
        return error_set(err, ERROR_INPUT, "metric %s: %llu pairs; %llu expected", metric->name,
                         (unsigned long long)pairs, (unsigned long long)metric->pairs);
    metric->rows = rows;
    return true;
}

static bool read_costs(sqlite3 *db, struct arena *arena, struct snapshot *out, struct error *err)
{
    size_t count = 0;

    if (!count_rows(db, "metric", METRIC_LIMIT, &count, err))
        return false;
    struct snapshot_metric *metrics = arena_alloc(arena, count, sizeof *metrics);
    int64_t *ids = arena_alloc(arena, count, sizeof *ids);
    int64_t *aliases = arena_alloc(arena, count, sizeof *aliases);

    if (!read_metrics(db, arena, metrics, count, ids, aliases, err) ||
        !resolve_aliases(metrics, count, ids, aliases, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!metrics[i].alias_of &&
            !read_rows(db, arena, &metrics[i], ids[i], out->pids, out->pid_count, err))
            return false;
    out->metrics = metrics;
    out->metric_count = count;
    return true;
}

static bool read_routers(sqlite3 *db, struct arena *arena, struct snapshot *out, struct error *err)
{
    size_t count = 0;

    if (!count_rows(db, "router", ROUTER_LIMIT, &count, err))
        return false;
    struct snapshot_router *routers = arena_alloc(arena, count, sizeof *routers);
    struct table t = table_open(
        db, "router", "SELECT router_id, key, name, overload FROM router ORDER BY router_id", arena,
        err);
    t.expected = count;
    for (size_t i = 0; table_next(&t); i++) {
        if ((size_t)table_integer(&t, 0, 0, ROUTER_LIMIT) != i)
            table_fail(&t, "router_id has a gap");
        routers[i].key = table_text(&t, 1);
        routers[i].name = table_text(&t, 2);
        routers[i].overload = table_integer(&t, 3, 0, 1);
    }
    out->routers = routers;
    out->router_count = count;
    return table_close(&t);
}

static bool read_links(sqlite3 *db, struct arena *arena, struct snapshot *out, struct error *err)
{
    size_t count = 0;

    if (!count_rows(db, "link", LINK_LIMIT, &count, err))
        return false;
    struct snapshot_link *links = arena_alloc(arena, count, sizeof *links);
    struct table t = table_open(db, "link",
                                "SELECT source_id, destination_id, protocol, metric, delay_us,"
                                " addresses, pseudonode FROM link ORDER BY link_id",
                                arena, err);
    t.expected = count;
    for (size_t i = 0; table_next(&t); i++) {
        links[i].source = table_index(&t, 0, out->router_count);
        links[i].destination = table_index(&t, 1, out->router_count);
        links[i].protocol = (uint8_t)table_integer(&t, 2, 0, UINT8_MAX);
        links[i].metric = (uint64_t)table_integer(&t, 3, 0, INT64_MAX);
        links[i].has_delay = sqlite3_column_type(t.rows, 4) != SQLITE_NULL;
        if (links[i].has_delay)
            links[i].delay_us = (uint32_t)table_integer(&t, 4, 0, UINT32_MAX);
        links[i].addresses = table_text_or_null(&t, 5);
        links[i].pseudonode = table_text_or_null(&t, 6);
    }
    out->links = links;
    out->link_count = count;
    return table_close(&t);
}

static bool read_attachments(sqlite3 *db, struct arena *arena, struct snapshot_pid *pids,
                             const struct snapshot *out, struct error *err)
{
    size_t count = 0;

    if (!count_rows(db, "attachment", ATTACHMENT_LIMIT, &count, err))
        return false;
    struct snapshot_attachment *all = arena_alloc(arena, count, sizeof *all);
    struct table t = table_open(db, "attachment",
                                "SELECT pid_id, router_id, cost FROM attachment"
                                " ORDER BY pid_id, router_id",
                                arena, err);
    t.expected = count;
    for (size_t i = 0; table_next(&t); i++) {
        uint32_t pid = table_index(&t, 0, out->pid_count);
        all[i].router = table_index(&t, 1, out->router_count);
        all[i].cost = (uint64_t)table_integer(&t, 2, 0, INT64_MAX);
        if (t.failed)
            break;
        if (!pids[pid].attachments)
            pids[pid].attachments = &all[i];
        pids[pid].attachment_count++;
    }
    return table_close(&t);
}

static bool read_sessions(sqlite3 *db, struct arena *arena, struct snapshot *out, struct error *err)
{
    size_t count = 0;

    if (!count_rows(db, "session", SESSION_LIMIT, &count, err))
        return false;
    struct snapshot_session *sessions = arena_alloc(arena, count, sizeof *sessions);
    struct table t = table_open(db, "session",
                                "SELECT peer, family, state, stale, end_of_rib FROM session"
                                " ORDER BY peer, family",
                                arena, err);
    t.expected = count;
    for (size_t i = 0; table_next(&t); i++) {
        sessions[i].peer = table_text(&t, 0);
        sessions[i].family = table_text(&t, 1);
        sessions[i].state = table_text(&t, 2);
        sessions[i].stale = table_integer(&t, 3, 0, 1);
        sessions[i].end_of_rib = table_text(&t, 4);
    }
    out->sessions = sessions;
    out->session_count = count;
    return table_close(&t);
}

static bool read_all(sqlite3 *db, enum snapshot_sections sections, struct arena *arena,
                     struct snapshot *out, struct error *err)
{
    if (!read_head(db, arena, out, err) || !count_rows(db, "pid", PID_LIMIT, &out->pid_count, err))
        return false;
    struct snapshot_pid *pids = arena_alloc(arena, out->pid_count, sizeof *pids);
    out->pids = pids;
    return read_pids(db, arena, pids, out->pid_count, err) &&
           read_prefixes(db, arena, pids, out->pid_count, err) && read_costs(db, arena, out, err) &&
           (!(sections & SNAPSHOT_GRAPH) ||
            (read_routers(db, arena, out, err) && read_links(db, arena, out, err) &&
             read_attachments(db, arena, pids, out, err) && read_sessions(db, arena, out, err)));
}

/* A view in a table's place could be endless, or another one each time that it is read. */
static bool check_tables(sqlite3 *db, struct error *err)
{
    int64_t tables;

    if (!db_integer(
            db,
            "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 AND name IN"
            " ('snapshot', 'pid', 'prefix_list', 'metric', 'cost_row', 'router', 'link',"
            " 'attachment', 'session')",
            &tables, err))
        return false;
    return tables == 9 ||
           error_set(err, ERROR_INPUT, "%lld tables of a snapshot; 9 expected", (long long)tables);
}

bool snapshot_read(const char *path, enum snapshot_sections sections, struct arena *arena,
                   struct snapshot *out, struct error *err)
{
    struct snapshot snapshot = {0};
    sqlite3 *db = db_open_kind(path, DB_READ, &db_snapshot, err);

    if (!db)
        return false;
    // one read transaction: what is read is one state of the file, whatever happens to it meanwhile
    bool ok = db_exec(db, "BEGIN", err) && check_tables(db, err) &&
              read_all(db, sections, arena, &snapshot, err);
    db_close(db);
    if (!ok)
        return error_in(err, "%s", path);
    *out = snapshot;
    return true;
}

bool snapshot_current(const char *directory, char name[64], struct error *err)
{
    char path[4096], target[64];

    if ((size_t)snprintf(path, sizeof path, "%s/current", directory) >= sizeof path)
        return error_set(err, ERROR_INPUT, "%.80s…: a path too long", directory);
    ssize_t length = readlink(path, target, sizeof target);
    if (length < 0 && errno == ENOENT) {
        name[0] = '\0';
        return true;
    }
    if (length < 0)
        return error_errno(err, errno, "%s: reading the link", path);
    if (length == 0 || (size_t)length == sizeof target || memchr(target, '/', (size_t)length))
        return error_set(err, ERROR_INPUT, "%s: \"%.*s\"; the name of a file beside it expected",
                         path, (int)length, target);
    memcpy(name, target, (size_t)length);
    name[length] = '\0';
    return true;
}
