/* recorder: from updates to state.db.
 *
 * What the peers say comes in on the loop's thread (recorder_sink) and is only noted: the newest state of each
 * object, the newest state of each session. A writer thread of the recorder's own takes all that was noted,
 * and writes it in the order of the keys. So reading never waits for writing, and what is held in memory is
 * bounded by the number of distinct objects, not by the rate at which they change.
 *
 * Sessions: PEER_DOWN makes the peer's families stale, by one row each. After PEER_UP the keys that are heard
 * again are noted; END_OF_RIB deletes the others, piece by piece, and then ends the staleness. A family that
 * stays stale for hold_us without PEER_UP is emptied. A PEER_UP of a session that is up begins no new load:
 * a session that was lost must be said to be down first. At its start over a full state.db the recorder
 * takes all sessions as lost at that moment. */
#pragma once

#include "lib/log.h"
#include "update.h"

struct recorder;

/* The time, injected by tests. utc_us is what rows are stamped with, steady_us never jumps. */
struct recorder_clock {
    void *context;
    int64_t (*utc_us)(void *context);
    int64_t (*steady_us)(void *context);
};

struct recorder_options {
    const char *path;           // state.db
    int64_t keep_tombstones_us; // 0: the default of an hour
    int64_t hold_us;            // 0: the default of 600 s
    int64_t heartbeat_us;       // 0: the default of 10 s
    int64_t batch_us;      // longest wait before a change is committed; 0: the default of 10 ms
    int64_t meter_us;      // between two writings of the meters; 0: the default of 1 s
    size_t batch_size;     // most objects in one transaction; 0: the default of 50,000
    size_t max_routes;     // of a peer and unicast family (L-097); 0: the default of 5,000,000
    size_t max_link_state; // objects of a peer; 0: the default of 500,000
    uint32_t local_asn;    // own AS
    const struct log *log; // borrowed until recorder_stop
    const struct recorder_clock *clock; // NULL: the machine's; borrowed until recorder_stop
};

/* Opens state.db (refused as state_writer_open does) and starts the writer thread. NULL on failure. */
struct recorder *recorder_start(const struct recorder_options *options, struct error *err);

/* A configured peer; its place in the list is its rank. */
struct recorder_peer {
    const char *name;
    const char *address;
    bool families[STATE_FAMILIES];
    enum state_source sources[STATE_FAMILIES]; // of the families that it has
};

/* Sets the whole list of configured peers, at the start and on SIGHUP; peer_ids[i] becomes the number of
 * list[i], for updates. A name that was known keeps its number, also over restarts. Peers and families that
 * are known and not in the list are deleted with all they said. Names are distinct. Never waits. */
void recorder_set_peers(struct recorder *recorder, const struct recorder_peer *list, size_t count,
                        int64_t *peer_ids);

/* The configured own AS, when SIGHUP changes it. */
void recorder_set_local_asn(struct recorder *recorder, uint32_t asn);

/* Where updates go. Updates of a peer_id that is not configured are dropped and counted. Never waits for the
 * disk; the loop's thread only. */
struct update_sink recorder_sink(struct recorder *recorder);

/* A figure of another part of the collector, for table meter. peer: "" for the collector as a whole. */
void recorder_meter(struct recorder *recorder, const char *name, const char *peer, int64_t value);

/* Waits until everything that came before the call is committed, or until the attempt to do so failed: false,
 * with the reason. What failed stays in memory and is tried again. */
bool recorder_flush(struct recorder *recorder, struct error *err);

/* Takes no more, writes what is pending (one attempt when writing fails: then that is lost, and said so in
 * the log), joins the thread, closes state.db. NULL is fine. */
void recorder_stop(struct recorder *recorder);
