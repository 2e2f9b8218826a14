/* feed: joins the doors.
 *
 * What comes by BMP and what gobgpd tells of its sessions belongs to configured neighbours. The feed maps the
 * one to the other by address, lets each family in by the one door that has authority over it
 * (docs/spec/bgp-ls.md L-148), says when a session comes and goes, and decides when a load of a family is
 * complete (L-149, L-114). What it passes on has the neighbour's peer_id and goes to one sink.
 *
 *     bmp_station ──▶ ┌──────┐
 *                     │ feed │ ──▶ sink (recorder)
 *     speaker ──────▶ └──────┘
 *
 * It has no socket, and its clock is given: everything runs in the thread that calls it. */
#pragma once

#include "bmp.h"
#include "lib/log.h"
#include "speaker.h"
#include "update.h"

struct feed;

struct feed_neighbour {
    const char *name;
    struct prefix address;
    int64_t peer_id;
    bool families[STATE_FAMILIES];
    enum state_source sources[STATE_FAMILIES]; // of the families that it has
};

/* What the feed asks of those who stand at the doors. index: of the neighbour. */
struct feed_doors {
    void *context;
    /* Link state of the neighbour came in. */
    void (*heard_link_state)(void *context, size_t index);
    /* Whether what BMP tells of the neighbour's session from now on is to be believed (speaker_admits). */
    bool (*admits)(void *context, size_t index);
    /* The neighbour's session must be told anew: it has other families or doors than before, or who tells of it
     * now was not heard from its beginning. */
    void (*renew)(void *context, size_t index);
    /* A BMP connection with our neighbours on it is gone: gobgpd may not know. */
    void (*lost_station)(void *context);
    /* The neighbour's session is up, and the family comes by gRPC: its routes are to be given to feed_sink,
     * followed by feed_grpc_loaded, now and whenever they have changed. Ends with the session. */
    void (*begin_routes)(void *context, int64_t peer_id, const struct prefix *address,
                         enum state_family family);
    void (*end_routes)(void *context, int64_t peer_id, enum state_family family);
};

struct feed_options {
    const struct log *log; // borrowed until feed_free
    struct update_sink sink;
    struct feed_doors doors;
    int64_t assume_end_of_rib_us;        // L-114: after so long without an UPDATE
    int64_t (*steady_us)(void *context); // CLOCK_MONOTONIC, or a test's
    void *clock_context;
};

struct feed *feed_new(const struct feed_options *options);
void feed_free(struct feed *feed); // NULL is fine; nobody is told

/* The configured neighbours, whole, at the start and when the configuration has changed. Copied. One that is as it
 * was goes on; for one whose families or doors have changed the session counts as ended, and renew is called with
 * its index in the new list. */
void feed_set_neighbours(struct feed *feed, const struct feed_neighbour *list, size_t count);

struct bmp_handler feed_bmp_handler(struct feed *feed);

/* The speaker's on_peer; context is the feed. peer->index is that of the list last set. */
void feed_speaker_peer(void *context, const struct speaker_peer *peer);

/* For routes by gRPC: updates with the neighbour's peer_id, of families that come by that door. */
struct update_sink feed_grpc_sink(struct feed *feed);

/* All routes that the neighbour had of a family by gRPC were given. */
void feed_grpc_loaded(struct feed *feed, int64_t peer_id, enum state_family family);

/* Ends loads whose time has come. To be called about ten times a second. */
void feed_tick(struct feed *feed);
