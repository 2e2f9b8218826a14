/* snapshot_tag: hashes of a map's canonical content, so that replicas agree without talking (M-601 to
 * M-603). The bytes are never put together: they go into SHA-256 a line or a row at a time. */
#include "hash.h"
#include "snapshot.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void add_line(struct hash *hash, const char *text)
{
    hash_text(hash, text);
    hash_add(hash, "\n", 1);
}

static void add_prefixes(struct hash *hash, const struct snapshot_pid *pid, enum family family)
{
    char text[PREFIX_TEXT_SIZE];
    bool any = false;

    for (size_t i = 0; i < pid->prefix_count; i++) {
        if (pid->prefixes[i].family != family)
            continue;
        if (!any)
            add_line(hash, family == FAMILY_IPV4 ? "ipv4" : "ipv6");
        any = true;
        add_line(hash, prefix_format(&pid->prefixes[i], text));
    }
}

void snapshot_map_tag(const struct snapshot *snapshot, char out[HASH_TAG_SIZE])
{
    struct hash *hash = hash_new();

    add_line(hash, "altimeter-map-1");
    for (size_t i = 0; i < snapshot->pid_count; i++) {
        const struct snapshot_pid *pid = &snapshot->pids[i];

        if (pid->prefix_count == 0)
            continue;
        add_line(hash, pid->name);
        add_prefixes(hash, pid, FAMILY_IPV4);
        add_prefixes(hash, pid, FAMILY_IPV6);
        hash_add(hash, "\n", 1);
    }
    hash_finish_tag(hash, out);
}

static const struct snapshot_metric *metric_with_rows(const struct snapshot *snapshot,
                                                      const struct snapshot_metric *metric)
{
    for (size_t i = 0; metric->alias_of && i < snapshot->metric_count; i++) {
        if (strcmp(snapshot->metrics[i].name, metric->alias_of) == 0)
            return &snapshot->metrics[i];
    }
    assert(!metric->alias_of); // an alias names a metric of the same snapshot
    return metric;
}

/* Writes the lines of one source to text; returns their length. Room: each line is name SP cell LF. lengths: of the
 * PIDs' names. */
static size_t row_lines(const struct snapshot *snapshot, const size_t *lengths,
                        const struct snapshot_row *row, char *text)
{
    char *at = text;

    for (size_t to = 0; to < snapshot->pid_count; to++) {
        const char *cell = row->cells + to * row->width;
        size_t blanks = 0;

        while (blanks < row->width && cell[blanks] == ' ')
            blanks++;
        if (blanks == row->width)
            continue;
        memcpy(at, snapshot->pids[to].name, lengths[to]);
        at += lengths[to];
        *at++ = ' ';
        memcpy(at, cell + blanks, row->width - blanks);
        at += row->width - blanks;
        *at++ = '\n';
    }
    return (size_t)(at - text);
}

void snapshot_cost_tag(const struct snapshot *snapshot, const struct snapshot_metric *metric,
                       char out[HASH_TAG_SIZE])
{
    const struct snapshot_row *rows = metric_with_rows(snapshot, metric)->rows;
    struct hash *hash = hash_new();
    size_t *lengths = memory_alloc(snapshot->pid_count, sizeof *lengths);
    size_t names = 0, width = 0;

    for (size_t i = 0; i < snapshot->pid_count; i++) {
        lengths[i] = strlen(snapshot->pids[i].name);
        names += lengths[i] + 2;
        width = rows[i].width > width ? rows[i].width : width;
    }
    char *text = memory_alloc(names + snapshot->pid_count * width, 1);
    add_line(hash, "altimeter-cost-1");
    add_line(hash, snapshot->tag);
    add_line(hash, metric->name);
    add_line(hash, "numerical");
    add_line(hash, metric->cost_context ? metric->cost_context : "");
    for (size_t from = 0; from < snapshot->pid_count; from++) {
        size_t length = row_lines(snapshot, lengths, &rows[from], text);

        if (length == 0)
            continue; // a source without any value is left out
        add_line(hash, snapshot->pids[from].name);
        hash_add(hash, text, length);
    }
    free(text);
    free(lengths);
    hash_finish_tag(hash, out);
}
