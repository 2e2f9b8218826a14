/* status: status.db beside the snapshots (schemas/status.sql): which map is current, how far it is confirmed,
 * how the feeds are. Written whole under a temporary name and renamed; a reader never sees half of one. */
#pragma once

#include "arena.h"
#include "error.h"
#include "state.h"

#include <stddef.h>
#include <stdint.h>

enum status_phase { STATUS_WAITING, STATUS_RUNNING, STATUS_FAILING };

struct status_feed {
    const char *peer;
    enum state_family family;
    enum state_peer_state state;
    int64_t since_us;
    bool stale;
    int64_t stale_since_us; // 0: not
    enum state_end_of_rib end_of_rib;
    const char *last_error; // NULL: none
};

struct status {
    const char *map;
    int64_t written_us;
    const char *version;
    int64_t pid;
    enum status_phase phase;
    const char *message;  // ""
    const char *snapshot; // NULL: none yet, and the next four do not count
    uint64_t number;
    const char *tag;
    uint64_t sequence;
    int64_t confirmed_us;
    const char *held_rail, *held_by; // NULL: none held
    uint64_t held_sequence;
    const struct status_feed *feeds;
    size_t feed_count;
};

/* directory: of the map's snapshots; the file is status.db in it. */
bool status_write(const char *directory, const struct status *status, struct error *err);
bool status_read(const char *directory, struct arena *arena, struct status *out, struct error *err);
