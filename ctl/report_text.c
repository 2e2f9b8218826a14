/* report_text: the report as an operator reads it: the present first, tables below, what needs attention
 * last, where the eye rests. */
#include "lib/text.h"
#include "report.h"

#include <libsmartcols/libsmartcols.h>
#include <string.h>

/* "3 min ago", or "in the future": that clock is not ours. */
static void write_age(const struct report *report, int64_t time_us, FILE *out)
{
    char text[TEXT_DURATION_SIZE];

    if (time_us > report->now_us)
        (void)fputs("in the future", out);
    else
        (void)fprintf(out, "%s ago", text_duration(report->now_us - time_us, text));
}

static void write_head(const struct report *report, FILE *out)
{
    if (report->state.missing) {
        (void)fprintf(out, "state     unknown\n");
    } else {
        (void)fprintf(out, "state     sequence %lld, ", (long long)report->state.sequence);
        write_age(report, report->state.time_us, out);
        (void)fprintf(out, "; generation %s\n", report->state.generation);
    }
    if (report->mapgen.missing) {
        (void)fprintf(out, "mapgen    unknown\n");
    } else {
        (void)fprintf(out, "mapgen    %s, ", report->mapgen.phase);
        write_age(report, report->mapgen.written_us, out);
        (void)fprintf(out, "%s%s\n", *report->mapgen.message ? "; " : "", report->mapgen.message);
    }
    if (report->snapshot.missing) {
        (void)fprintf(out, "snapshot  none\n");
        return;
    }
    (void)fprintf(out, "snapshot  %s, number %lld of map '%s'", report->snapshot.name,
                  (long long)report->snapshot.number, report->snapshot.map);
    if (report->mapgen.has_map && !report->mapgen.confirmed_us) {
        (void)fprintf(out, ", not confirmed");
    } else if (report->mapgen.has_map) {
        (void)fprintf(out, ", confirmed up to sequence %lld, ", (long long)report->mapgen.sequence);
        write_age(report, report->mapgen.confirmed_us, out);
    }
    (void)fprintf(out, "\n          %lld PIDs, %lld IPv4 and %lld IPv6 prefixes, made ",
                  (long long)report->snapshot.pids, (long long)report->snapshot.ipv4_prefixes,
                  (long long)report->snapshot.ipv6_prefixes);
    write_age(report, report->snapshot.time_us, out);
    (void)fprintf(out, "; tag %s\n", report->snapshot.tag);
}

struct column {
    const char *name;
    int flags;
};

static struct libscols_table *table_new(const struct column *columns, size_t count, FILE *out)
{
    struct libscols_table *table = scols_new_table();

    if (!table || scols_table_set_stream(table, out) != 0)
        goto failed;
    for (size_t i = 0; i < count; i++) {
        if (!scols_table_new_column(table, columns[i].name, 0, columns[i].flags))
            goto failed;
    }
    return table;
failed:
    scols_unref_table(table);
    return NULL;
}

static bool line_add(struct libscols_table *table, const char *const *cells, size_t count)
{
    struct libscols_line *line = scols_table_new_line(table, NULL);

    for (size_t i = 0; line && i < count; i++) {
        if (cells[i] && scols_line_set_data(line, i, cells[i]) != 0)
            return false;
    }
    return line != NULL;
}

static bool write_feeds(const struct report *report, FILE *out)
{
    static const struct column columns[] = {
        {"PEER", 0},  {"ADDRESS", 0},    {"STATE", 0}, {"SINCE", SCOLS_FL_RIGHT},   {"FAMILY", 0},
        {"STALE", 0}, {"END-OF-RIB", 0}, {"VIA", 0},   {"OBJECTS", SCOLS_FL_RIGHT},
    };
    enum { COLUMNS = sizeof columns / sizeof *columns };
    struct libscols_table *table = table_new(columns, COLUMNS, out);
    bool ok = table != NULL;

    for (size_t i = 0; ok && i < report->state.feed_count; i++) {
        const struct report_feed *feed = &report->state.feeds[i];
        char since[TEXT_DURATION_SIZE], objects[24];
        int64_t age_us = report->now_us - feed->since_us;

        (void)snprintf(objects, sizeof objects, "%lld", (long long)feed->objects);
        const char *cells[COLUMNS] = {
            feed->peer,
            feed->address,
            feed->configured ? feed->state : "leaving",
            text_duration(age_us > 0 ? age_us : 0, since),
            feed->family ? feed->family : "-",
            feed->stale ? "stale" : "-",
            feed->family ? feed->end_of_rib : "-",
            feed->family ? feed->source : "-",
            objects,
        };
        ok = line_add(table, cells, COLUMNS);
    }
    ok = ok && scols_print_table(table) == 0;
    scols_unref_table(table);
    return ok;
}

static bool write_metrics(const struct report *report, FILE *out)
{
    static const struct column columns[] = {
        {"METRIC", 0}, {"UNIT", 0}, {"PAIRS", SCOLS_FL_RIGHT}, {"COSTS OF", 0}};
    enum { COLUMNS = sizeof columns / sizeof *columns };
    struct libscols_table *table = table_new(columns, COLUMNS, out);
    bool ok = table != NULL;

    for (size_t i = 0; ok && i < report->snapshot.metric_count; i++) {
        const struct report_metric *metric = &report->snapshot.metrics[i];
        char pairs[24];

        (void)snprintf(pairs, sizeof pairs, "%lld", (long long)metric->pairs);
        const char *cells[COLUMNS] = {metric->name, *metric->unit ? metric->unit : "-", pairs,
                                      metric->alias_of ? metric->alias_of : "-"};
        ok = line_add(table, cells, COLUMNS);
    }
    ok = ok && scols_print_table(table) == 0;
    scols_unref_table(table);
    return ok;
}

bool report_write_text(const struct report *report, FILE *out)
{
    bool ok = true;

    write_head(report, out);
    if (report->state.feed_count) {
        (void)fputc('\n', out);
        ok = write_feeds(report, out);
    }
    if (ok && report->snapshot.metric_count) {
        (void)fputc('\n', out);
        ok = write_metrics(report, out);
    }
    if (report->snapshot.warning_count)
        (void)fputs("\nOf the map:\n", out);
    for (size_t i = 0; i < report->snapshot.warning_count; i++)
        (void)fprintf(out, "  %s\n", report->snapshot.warnings[i]);
    (void)fprintf(out, "\n%s\n", report->point_count ? "Needs attention:" : "All is well.");
    for (size_t i = 0; i < report->point_count; i++)
        (void)fprintf(out, "  %s\n", report->points[i]);
    return ok;
}
