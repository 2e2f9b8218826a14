/* route_reader: keeps a neighbour's unicast routes true by reading gobgpd's Adj-RIB-In.
 *
 * For families whose door is gRPC. GoBGP 3.10 has no events with routes in binary form, so the table is read
 * whole (ListPath, binary) when its load is complete and again when UPDATEs have come since, at most every five
 * seconds; what was in the last reading and is not in this one is withdrawn. One table is read at a time, and
 * what is on its way is bounded (grpc_client.h).
 *
 * Everything runs in the thread of the event base of the speaker. */
#pragma once

#include "lib/log.h"
#include "speaker.h"
#include "update.h"

struct route_reader;

struct route_reader_options {
    const struct log *log;   // borrowed until route_reader_free
    struct update_sink sink; // gets UPDATE_ROUTE and UPDATE_ROUTE_GONE
    int64_t
        assume_end_of_rib_us; // L-114: after so long the first reading is begun without the flag
    /* The first whole reading of the session is done. */
    void (*on_loaded)(void *context, int64_t peer_id, enum state_family family);
    void *context;
};

struct route_reader *route_reader_new(const struct route_reader_options *options);
void route_reader_free(struct route_reader *reader); // NULL is fine

/* The speaker that is read from; NULL: none now. What is in flight must have ended with the former one. */
void route_reader_set_speaker(struct route_reader *reader, struct speaker *speaker);

/* The session of the neighbour is up: keep the family's routes true until route_reader_end. */
void route_reader_begin(struct route_reader *reader, int64_t peer_id, const struct prefix *address,
                        enum state_family family);
void route_reader_end(struct route_reader *reader, int64_t peer_id, enum state_family family);

/* To be called with what the speaker tells of each neighbour. */
void route_reader_peer(struct route_reader *reader, int64_t peer_id,
                       const struct speaker_peer *peer);
