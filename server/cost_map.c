/* cost_map: the full cost maps, numerical mode (RFC 7285 section 11.2.3).
 *
 * A row of the snapshot is cells of digits; a row of the map is those digits between names. So rendering is
 * copying: each destination's `,"name":` is made once, in a block of fixed size that is copied whole and
 * counted by its true length, which is faster than to copy just the bytes that count. */
#include "lib/arena.h"
#include "resource.h"
#include "view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_SIZE = 72 }; // `,"` and 64 characters and `":`, rounded up to eight

struct key {
    char text[KEY_SIZE];
    uint32_t length;
};

/* The costs are those of another metric when this one is an alias. */
static const struct snapshot_row *rows_of(const struct snapshot *snapshot,
                                          const struct snapshot_metric *metric)
{
    if (!metric->alias_of)
        return metric->rows;
    for (size_t i = 0; i < snapshot->metric_count; i++)
        if (strcmp(snapshot->metrics[i].name, metric->alias_of) == 0)
            return snapshot->metrics[i].rows;
    return NULL; // the reader has checked that there is one
}

/* Of two names for the same costs only the bare one has a full map (M-503). */
static bool has_alias(const struct snapshot *snapshot, const struct snapshot_metric *metric)
{
    for (size_t i = 0; i < snapshot->metric_count; i++)
        if (snapshot->metrics[i].alias_of &&
            strcmp(snapshot->metrics[i].alias_of, metric->name) == 0)
            return true;
    return false;
}

static void offer(const struct snapshot *snapshot, struct offers *offers)
{
    for (size_t i = 0; i < snapshot->metric_count; i++) {
        const struct snapshot_metric *metric = &snapshot->metrics[i];
        // a resource-id has no dot (RFC 7285 section 10.2), a metric's name may have one (a percentile)
        char *id = offers_format(offers, "costmap-%s", metric->name);
        for (char *dot = id; (dot = strchr(dot, '.'));)
            *dot = '_';
        struct resource map = {.module = &cost_map_module,
                               .id = id,
                               .path = offers_format(offers, "/costmap/%s", metric->name),
                               .metric = metric,
                               .is_rfc7285 = !metric->cost_context};
        if (metric->pairs > 0 && !has_alias(snapshot, metric))
            offers_add(offers, &map);
    }
}

static void describe(const struct view *view, const struct resource *resource, json_t *entry)
{
    char name[64];

    alto_cost_type_name(resource->metric, "numerical", name);
    (void)json_object_set_new(entry, "capabilities", json_pack("{s:[s]}", "cost-type-names", name));
    (void)json_object_set_new(entry, "uses", json_pack("[s]", view->snapshot.map));
}

static struct key *make_keys(const struct snapshot *snapshot)
{
    struct key *keys = memory_alloc(snapshot->pid_count, sizeof *keys);

    for (size_t i = 0; i < snapshot->pid_count; i++)
        keys[i].length = (uint32_t)snprintf(keys[i].text, KEY_SIZE, ",\"%s\":",
                                            snapshot->pids[i].name); // a PIDName needs no escapes
    return keys;
}

/* Writes `{"a":1,"b":22}`, or nothing when the row has no cost; the room is there. */
static char *render_row(char *out, const struct snapshot_row *row, const struct key *keys,
                        size_t count)
{
    char *at = out;

    for (size_t i = 0; i < count; i++) {
        const char *cell = row->cells + i * row->width, *end = cell + row->width;
        if (row->width == 0 || end[-1] == ' ')
            continue; // right-aligned: a blank at the end is a blank cell
        while (*cell == ' ')
            cell++;
        memcpy(at, keys[i].text, KEY_SIZE);
        at += keys[i].length;
        while (cell < end)
            *at++ = *cell++;
    }
    if (at == out)
        return out;
    *out = '{'; // over the first key's comma
    *at++ = '}';
    return at;
}

/* About as much as all rows take, so that the body need not move while it grows. */
static size_t expected_bytes(const struct snapshot_row *rows, size_t count, uint64_t pairs,
                             size_t names)
{
    size_t bytes = 0;

    for (size_t i = 0; i < count; i++)
        bytes += count * rows[i].width;
    return count ? bytes + (size_t)pairs * (names / count + 1) + 2 * names : 0;
}

static void render_rows(const struct snapshot *snapshot, const struct snapshot_row *rows,
                        uint64_t pairs, struct text *out)
{
    size_t count = snapshot->pid_count, names = 0;
    struct key *keys = make_keys(snapshot);
    bool is_first = true;

    for (size_t i = 0; i < count; i++)
        names += keys[i].length;
    text_room(out, expected_bytes(rows, count, pairs, names));
    for (size_t i = 0; i < count; i++) {
        // its own key, its cells between all keys, and what the last block copy writes too far
        text_room(out, names + count * rows[i].width + (size_t)2 * KEY_SIZE);
        char *at = out->bytes + out->length;
        memcpy(at, keys[i].text, KEY_SIZE);
        char *row = at + keys[i].length;
        char *end = render_row(row, &rows[i], keys, count);
        if (end == row)
            continue; // a source without any cost is left out
        if (is_first) {
            memmove(at, at + 1, (size_t)(end - at - 1));
            end--;
            is_first = false;
        }
        out->length = (size_t)(end - out->bytes);
    }
    free(keys);
}

static void render(const struct view *view, const struct resource *resource, struct text *out,
                   char tag[HASH_TAG_SIZE])
{
    const struct snapshot *snapshot = &view->snapshot;
    const struct snapshot_row *rows = rows_of(snapshot, resource->metric);

    text_add_string(out, "{\"meta\":{\"vtag\":");
    alto_add_vtag(out, resource->id, resource->metric->tag);
    text_add_string(out, ",\"dependent-vtags\":[");
    alto_add_vtag(out, snapshot->map, snapshot->tag);
    text_add_string(out, "],");
    alto_add_cost_type(out, resource->metric, "numerical");
    text_add_string(out, "},\"cost-map\":{");
    render_rows(snapshot, rows, resource->metric->pairs, out);
    text_add_string(out, "}}");
    (void)snprintf(tag, HASH_TAG_SIZE, "%s", resource->metric->tag);
}

const struct resource_module cost_map_module = {
    .kind = "cost-map",
    .media_type = "application/alto-costmap+json",
    .offer = offer,
    .describe = describe,
    .render = render,
};
