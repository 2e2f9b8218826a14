/* report: what the files say of the whole line, gathered once, for judge.h and for the two ways to show it.
 *
 * Only files are read: state.db, snapshots/MAP/status.db, snapshots/MAP/current. Each may be absent, damaged or
 * of another version; then its part says so and the others are still there. Text from the files is made
 * printable here, so that nobody further up can pass a control character to a terminal. */
#pragma once

#include "lib/arena.h"
#include "lib/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* One row a (peer, family), in the order of the configuration. */
struct report_feed {
    const char *peer, *address;
    bool configured;
    const char *state; // "never", "up", "down"
    int64_t since_us;
    const char *last_error;          // NULL: none
    const char *family;              // NULL: the peer has no row of a family yet, nor what follows
    const char *source, *end_of_rib; // "bmp", "grpc"; "no", "received", "assumed"
    bool stale;
    int64_t stale_since_us; // when stale
    const char *faulty;     // NULL: not
    int64_t objects;        // routes, or link-state objects
};

struct report_metric {
    const char *name, *unit, *alias_of; // alias_of NULL: has costs of its own
    int64_t pairs;
};

struct report {
    int64_t now_us;
    struct {
        const char *path;
        const char *missing; // why there is nothing to tell; NULL: there is
        const char *generation;
        int64_t sequence, time_us; // newest, and when it was committed
        const struct report_feed *feeds;
        size_t feed_count;
    } state;
    struct {
        const char *directory;
        const char *missing;
        int64_t written_us;
        const char *phase, *message;
        int64_t sequence, confirmed_us; // when has_map; confirmed_us 0: not confirmed yet
        bool has_map;
        const char *held; // NULL: none; else by which rail and how much
    } mapgen;
    struct {
        const char *missing;
        const char *name; // of the file
        int64_t number, time_us;
        const char *map, *tag;
        int64_t pids, ipv4_prefixes, ipv6_prefixes;
        const struct report_metric *metrics;
        size_t metric_count;
        const char *const *warnings; // what mapgen says of the map, a sentence each
        size_t warning_count;
    } snapshot;
    const char *const *points; // what needs attention, a sentence each
    size_t point_count;
};

/* Everything lives in the arena, or in config; the points are left to judge(). */
void report_gather(const struct config *config, int64_t now_us, struct arena *arena,
                   struct report *report);

/* For people, with tables by libsmartcols; false when it has no memory. For programs: one JSON object, times in
 * microseconds since 1970, UTC. */
bool report_write_text(const struct report *report, FILE *out);
bool report_write_json(const struct report *report, FILE *out);
