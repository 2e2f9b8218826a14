/* station_meters: see station_meters.h. */
#include "station_meters.h"

#include <stddef.h>
#include <stdio.h>

static const struct {
    const char *name;
    size_t offset; // of the uint64_t in struct bmp_counters
} counters[] = {
    {"bmp.bytes", offsetof(struct bmp_counters, bytes)},
    {"bmp.messages", offsetof(struct bmp_counters, messages)},
    {"bmp.route-monitoring", offsetof(struct bmp_counters, route_monitoring)},
    {"bmp.statistics", offsetof(struct bmp_counters, statistics)},
    {"bmp.peer-up", offsetof(struct bmp_counters, peer_up)},
    {"bmp.peer-down", offsetof(struct bmp_counters, peer_down)},
    {"bmp.initiation", offsetof(struct bmp_counters, initiation)},
    {"bmp.termination", offsetof(struct bmp_counters, termination)},
    {"bmp.mirroring", offsetof(struct bmp_counters, mirroring)},
    {"bmp.ignored", offsetof(struct bmp_counters, ignored)},
    {"bmp.peers-over", offsetof(struct bmp_counters, peers_over)},
};

void station_meters_give(const struct bmp_station *station, struct recorder *recorder)
{
    struct bmp_counters now;
    char name[64];

    bmp_station_counters(station, &now);
    recorder_meter(recorder, "bmp.connections", "", (int64_t)bmp_station_connections(station));
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++) {
        const uint64_t *value = (const void *)((const char *)&now + counters[i].offset);
        recorder_meter(recorder, counters[i].name, "", (int64_t)*value);
    }
    for (int i = 0; i < FAULTS; i++) {
        if (!now.faults.count[i])
            continue;
        (void)snprintf(name, sizeof name, "fault.%s", fault_name((enum fault)i));
        recorder_meter(recorder, name, "", (int64_t)now.faults.count[i]);
    }
}
