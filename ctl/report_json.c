/* report_json: the report for programs. Members that are not known are null; none is ever left out. */
#include "report.h"

#include <jansson.h>

static json_t *text(const char *text)
{
    return text ? json_string(text) : json_null();
}

static json_t *number(bool is_known, int64_t value)
{
    return is_known ? json_integer(value) : json_null();
}

static json_t *feed_json(const struct report_feed *feed)
{
    bool known = feed->family != NULL;

    return json_pack("{s:o, s:o, s:b, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "peer",
                     text(feed->peer), "address", text(feed->address), "configured",
                     feed->configured, "state", text(feed->state), "since_us",
                     (json_int_t)feed->since_us, "last_error", text(feed->last_error), "family",
                     text(feed->family), "source", text(known ? feed->source : NULL), "end_of_rib",
                     text(known ? feed->end_of_rib : NULL), "stale",
                     known ? json_boolean(feed->stale) : json_null(), "stale_since_us",
                     number(feed->stale, feed->stale_since_us), "faulty", text(feed->faulty),
                     "objects", number(known, feed->objects));
}

static json_t *state_json(const struct report *report)
{
    bool known = !report->state.missing;
    json_t *feeds = json_array();

    for (size_t i = 0; i < report->state.feed_count; i++)
        (void)json_array_append_new(feeds, feed_json(&report->state.feeds[i])); // told by dumping
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "file", text(report->state.path), "missing",
                     text(report->state.missing), "generation", text(report->state.generation),
                     "sequence", number(known, report->state.sequence), "time_us",
                     number(known, report->state.time_us), "feeds", feeds);
}

static json_t *mapgen_json(const struct report *report)
{
    bool known = !report->mapgen.missing;
    bool is_confirmed = known && report->mapgen.has_map && report->mapgen.confirmed_us;

    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "directory",
                     text(report->mapgen.directory), "missing", text(report->mapgen.missing),
                     "written_us", number(known, report->mapgen.written_us), "phase",
                     text(report->mapgen.phase), "message", text(report->mapgen.message),
                     "sequence", number(is_confirmed, report->mapgen.sequence), "confirmed_us",
                     number(is_confirmed, report->mapgen.confirmed_us), "held",
                     text(report->mapgen.held));
}

static json_t *snapshot_json(const struct report *report)
{
    bool known = !report->snapshot.missing;
    json_t *metrics = json_array(), *warnings = json_array();

    for (size_t i = 0; i < report->snapshot.warning_count; i++)
        (void)json_array_append_new(warnings, text(report->snapshot.warnings[i]));
    for (size_t i = 0; i < report->snapshot.metric_count; i++) {
        const struct report_metric *metric = &report->snapshot.metrics[i];
        (void)json_array_append_new(
            metrics, json_pack("{s:o, s:o, s:o, s:I}", "name", text(metric->name), "unit",
                               text(metric->unit), "alias_of", text(metric->alias_of), "pairs",
                               (json_int_t)metric->pairs));
    }
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "missing",
        text(report->snapshot.missing), "name", text(report->snapshot.name), "number",
        number(known, report->snapshot.number), "time_us", number(known, report->snapshot.time_us),
        "map", text(report->snapshot.map), "tag", text(report->snapshot.tag), "pids",
        number(known, report->snapshot.pids), "ipv4_prefixes",
        number(known, report->snapshot.ipv4_prefixes), "ipv6_prefixes",
        number(known, report->snapshot.ipv6_prefixes), "metrics", metrics, "warnings", warnings);
}

bool report_write_json(const struct report *report, FILE *out)
{
    json_t *points = json_array();

    for (size_t i = 0; i < report->point_count; i++)
        (void)json_array_append_new(points, text(report->points[i]));
    json_t *whole =
        json_pack("{s:b, s:I, s:o, s:o, s:o, s:o}", "healthy", report->point_count == 0, "time_us",
                  (json_int_t)report->now_us, "attention", points, "state", state_json(report),
                  "mapgen", mapgen_json(report), "snapshot", snapshot_json(report));
    bool ok = whole && json_dumpf(whole, out, JSON_INDENT(2)) == 0 && fputc('\n', out) != EOF;
    json_decref(whole);
    return ok;
}
