/* bmp: what one router tells a BMP station (RFC 7854, 8671, 9069; docs/spec/bgp-ls.md part 13).
 *
 * A session is fed with the bytes of one connection, in whatever pieces they come, and calls its handler. It has
 * no socket and no clock: bmp_station puts it behind a listener, tests and the fuzzer feed it from memory.
 *
 * A peer is (connection, type, distinguisher, address, BGP identifier). Its views are merged here: pre-policy
 * goes before post-policy, family by family, as soon as it is heard (L-136); Adj-RIB-Out says nothing of what the
 * peer sent and is ignored. The handler decides per peer and family what is wanted and under which peer_id. */
#pragma once

#include "bgp_open.h"
#include "fault.h"
#include "lib/error.h"
#include "update.h"

enum {
    BMP_MESSAGE_LIMIT = 1 << 20, // octets; a longer message closes the connection (L-130)
    BMP_PEER_LIMIT = 16384,      // peers a connection; further ones are ignored and counted
    BMP_TEXT_LIMIT = 255,        // octets kept of sysName and of sysDescr
};

enum bmp_peer_type { BMP_GLOBAL, BMP_RD, BMP_LOCAL, BMP_LOC_RIB };

/* The monitored router: one connection. Texts are printable UTF-8, other octets as \xNN; "" when not told. */
struct bmp_router {
    struct prefix address; // of the connection's other end; family 0: none (a test)
    uint16_t port;
    const char *name, *description; // sysName, sysDescr
};

struct bmp_peer {
    enum bmp_peer_type type;
    uint8_t distinguisher[8]; // 0, an RD, or a VRF's local id
    struct prefix address;    // family 0 for Loc-RIB
    uint32_t asn, router_id;
    bool has_open;                  // false: Route Monitoring came without Peer Up (L-137)
    struct bgp_open sent, received; // the router's OPEN and the peer's, with has_open
};

enum bmp_down {
    BMP_DOWN_SESSION,   // the BGP session ended, reasons 1 to 4 and 6: its routes are stale
    BMP_DOWN_FORGET,    // no longer monitored, reason 5: forget the view (L-134)
    BMP_DOWN_CONNECTION // the BMP connection ended, or a Peer Up came without Peer Down
};

/* What the handler wants of a peer. */
struct bmp_wanted {
    int64_t peer_id; // -1: nothing
    bool families[STATE_FAMILIES];
};

/* Everything is called by the session's thread, inside bmp_session_feed or bmp_session_close; pointers are
 * borrowed for the call. A handler must not free the session. */
struct bmp_handler {
    void *context;
    struct update_sink sink; // routes, link state, end-of-RIB and faults of wanted peers

    /* Before any peer of the router: after Initiation, or another first message. Once a connection. */
    void (*on_router_up)(void *context, const struct bmp_router *router);
    /* After the peers' on_peer_down. */
    void (*on_router_down)(void *context, const struct bmp_router *router, const char *reason);

    /* A peer's session is up. Called again for the same peer when another Peer Up of a Loc-RIB adds families
     * (L-139; peer->sent has them all then). The answer holds until the peer goes down. */
    struct bmp_wanted (*on_peer_up)(void *context, const struct bmp_router *router,
                                    const struct bmp_peer *peer);
    /* Only for peers that are wanted. reason is a sentence: "remote NOTIFICATION 6/2". */
    void (*on_peer_down)(void *context, const struct bmp_router *router,
                         const struct bmp_peer *peer, int64_t peer_id, enum bmp_down down,
                         const char *reason);
};

struct bmp_counters {
    uint64_t bytes, messages;
    uint64_t route_monitoring, statistics, peer_up, peer_down, initiation, termination, mirroring;
    uint64_t ignored;     // Route Monitoring of peers, views and families that are not wanted
    uint64_t peers_over;  // messages of peers above BMP_PEER_LIMIT
    struct faults faults; // of all peers together
};

struct bmp_session;

/* handler is copied. ring: where messages with a fault go, borrowed; NULL: nowhere. */
struct bmp_session *bmp_session_new(const struct bmp_handler *handler, const struct prefix *address,
                                    uint16_t port, struct fault_ring *ring);

/* Tells the handler that all its peers and the router are down, because of reason, unless that was told. */
void bmp_session_close(struct bmp_session *session, const char *reason);
void bmp_session_free(struct bmp_session *session); // NULL is fine; does not tell the handler

/* How many octets the next message has, from the first octets of it: 0 while fewer than 6 are there. false: no
 * BMP message of ours; the connection is to be closed (L-130). */
bool bmp_message_length(struct octets begin, size_t *length, struct error *err);

/* Takes one message, whole. now_us: for the ring. false: the connection is to be closed: after Termination, with
 * *err as the reason, too. */
bool bmp_session_take(struct bmp_session *session, struct octets message, int64_t now_us,
                      struct error *err);

/* Takes bytes as they come: all whole messages in them are taken, *taken says how many octets that was; the rest
 * is to be given again with more behind it. false as bmp_session_take. */
bool bmp_session_feed(struct bmp_session *session, struct octets bytes, int64_t now_us,
                      size_t *taken, struct error *err);

const struct bmp_counters *bmp_session_counters(const struct bmp_session *session);
const struct bmp_router *bmp_session_router(const struct bmp_session *session);

/* Every peer that is up, in no order, with its faults so far. peer_id -1: not wanted. */
void bmp_session_each_peer(const struct bmp_session *session,
                           void (*visit)(void *context, const struct bmp_peer *peer,
                                         int64_t peer_id, const struct faults *faults),
                           void *context);
