/* judge: see judge.h. A point names what is wrong, for how long, and where to look; what follows from
 * another point is not told as well (the families of a session that is down). */
#include "judge.h"

#include "lib/text.h"
#include "verb.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

enum { MISSED_HEARTBEATS = 3 };

/* status.db is written at least every 10 s (docs/design.md section 3). */
static const int64_t status_late_us = 30000000;

struct points {
    struct arena *arena;
    const char **list;
    size_t count, limit;
};

static void point(struct points *points, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void point(struct points *points, const char *format, ...)
{
    char text[1000];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    assert(points->count < points->limit);
    points->list[points->count++] = arena_text(points->arena, text, strlen(text));
}

/* "3 min", of at least 0: clocks of two machines differ. */
static const char *age(const struct report *report, int64_t since_us, char out[TEXT_DURATION_SIZE])
{
    return text_duration(since_us < report->now_us ? report->now_us - since_us : 0, out);
}

static void judge_feed(struct points *points, const struct report *report,
                       const struct report_feed *feed)
{
    const char *reason = feed->last_error ? feed->last_error : "no reason is known";
    char text[TEXT_DURATION_SIZE];

    if (!feed->configured)
        return; // it is on its way out
    if (strcmp(feed->state, "up") != 0) {
        bool told = points->count && report->state.feeds < feed &&
                    strcmp(feed[-1].peer, feed->peer) == 0; // with the family before
        if (!told && strcmp(feed->state, "never") == 0)
            point(points, "%s: no session with %s yet: %s", feed->peer, feed->address, reason);
        else if (!told)
            point(points, "%s: the session with %s is down for %s: %s", feed->peer, feed->address,
                  age(report, feed->since_us, text), reason);
        return;
    }
    if (feed->faulty)
        point(points, "%s: %s: %s", feed->peer, feed->family, feed->faulty);
    else if (feed->family && feed->stale)
        point(points, "%s: %s: stale for %s; end-of-RIB: %s", feed->peer, feed->family,
              age(report, feed->stale_since_us, text), feed->end_of_rib);
    else if (feed->family && strcmp(feed->end_of_rib, "no") == 0)
        point(points, "%s: %s: up for %s without end-of-RIB", feed->peer, feed->family,
              age(report, feed->since_us, text));
}

static bool is_known(const struct report *report, const char *peer)
{
    for (size_t i = 0; i < report->state.feed_count; i++) {
        if (strcmp(report->state.feeds[i].peer, peer) == 0)
            return true;
    }
    return false;
}

static void judge_state(struct points *points, const struct config *config,
                        const struct report *report)
{
    char text[TEXT_DURATION_SIZE], due[TEXT_DURATION_SIZE];

    if (report->state.missing) {
        point(points, "%s", report->state.missing);
        return;
    }
    if (report->now_us - report->state.time_us > MISSED_HEARTBEATS * config->collector.heartbeat_us)
        point(
            points,
            "altimeter-collector wrote nothing for %s, a heartbeat is due every %s: is it running?",
            age(report, report->state.time_us, text),
            text_duration(config->collector.heartbeat_us, due));
    for (size_t i = 0; i < report->state.feed_count; i++)
        judge_feed(points, report, &report->state.feeds[i]);
    for (size_t i = 0; i < config->speaker.neighbour_count; i++) {
        const char *name = config->speaker.neighbours[i].name;
        if (!is_known(report, name))
            point(points,
                  "%s: configured, but not in state.db: altimeter-collector has not read this "
                  "configuration",
                  name);
    }
}

static void judge_map(struct points *points, const struct config *config,
                      const struct report *report)
{
    char text[TEXT_DURATION_SIZE];

    if (report->mapgen.missing) {
        point(points, "%s", report->mapgen.missing);
    } else {
        bool is_late = report->now_us - report->mapgen.written_us > status_late_us;
        int64_t confirmed_us = report->mapgen.confirmed_us;

        if (is_late)
            point(points, "altimeter-mapgen wrote no status for %s: is it running?",
                  age(report, report->mapgen.written_us, text));
        else if (strcmp(report->mapgen.phase, "running") != 0)
            point(points, "altimeter-mapgen is %s: %s", report->mapgen.phase,
                  report->mapgen.message);
        if (report->mapgen.held)
            point(points, "a newer map is held back by %s", report->mapgen.held);
        if (report->mapgen.has_map && !confirmed_us)
            point(points, "the map is not confirmed since altimeter-mapgen began");
        else if (report->mapgen.has_map &&
                 report->now_us - confirmed_us > MISSED_HEARTBEATS * config->collector.heartbeat_us)
            point(points, "the map is confirmed up to %s ago only",
                  age(report, confirmed_us, text));
    }
    if (report->snapshot.missing)
        point(points, "%s", report->snapshot.missing);
}

int judge(const struct config *config, struct arena *arena, struct report *report)
{
    enum { OTHERS = 8 }; // at most so many beside feeds and neighbours
    size_t limit = report->state.feed_count + config->speaker.neighbour_count + OTHERS;
    struct points points = {arena, arena_alloc(arena, limit, sizeof *points.list), 0, limit};

    judge_state(&points, config, report);
    judge_map(&points, config, report);
    report->points = points.list;
    report->point_count = points.count;
    if (report->state.missing && report->mapgen.missing && report->snapshot.missing)
        return EXIT_CANNOT_TELL;
    return points.count ? EXIT_ATTENTION : EXIT_HEALTHY;
}
