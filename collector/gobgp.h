/* gobgp: what we ask of gobgpd, in our own types. The only part that knows GoBGP's API.
 *
 * GoBGP 3 (package apipb, service GobgpApi) is spoken. Meeting GoBGP 4 (api.GoBgpService) or something else is
 * found out by gobgp_get and said in so many words (docs/spec/bgp-ls.md section 14.2).
 *
 * Everything runs in the thread of the event base; handlers are never called from within the function that
 * starts the call. A started call must be told to gobgp_cancel when its handler's context goes before on_end. */
#pragma once

#include "bgp_update.h"
#include "lib/config.h"
#include "lib/prefix.h"
#include "lib/state.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gobgp;
struct gobgp_call;

/* api: where gobgpd answers; borrowed for the call. Connects with the first call. */
struct gobgp *gobgp_new(struct event_base *base, const struct endpoint *api);

/* Ends what is in flight, whose handlers are not called any more. Not from a handler. NULL is fine. */
void gobgp_free(struct gobgp *gobgp);

enum gobgp_outcome {
    GOBGP_DONE,
    GOBGP_REFUSED,     // gobgpd said no: the text is its own
    GOBGP_UNREACHABLE, // nobody there, the connection was lost, or no answer in time
    GOBGP_FOREIGN,     // something that does not speak GoBGP 3's API
};

struct gobgp_end {
    enum gobgp_outcome outcome;
    const char *text; // why, for people; "" with GOBGP_DONE. Borrowed
};

/* gobgpd's global state. */
struct gobgp_global {
    uint32_t asn; // 0: not started
    struct prefix router_id;
    int32_t listen_port;          // -1: does not listen for BGP
    const struct prefix *listens; // addresses
    size_t listen_count;
};

/* A neighbour as it is configured in gobgpd. */
struct gobgp_neighbour {
    struct prefix address;
    uint16_t port;
    uint32_t asn;
    struct prefix local_address; // family 0: the system's choice
    bool families[STATE_FAMILIES];
    const char *password; // TCP MD5, at most 80 octets; "": none
    uint32_t hold_time_s;
    bool passive;
};

enum gobgp_session {
    SESSION_UNKNOWN,
    SESSION_IDLE,
    SESSION_CONNECT,
    SESSION_ACTIVE,
    SESSION_OPENSENT,
    SESSION_OPENCONFIRM,
    SESSION_ESTABLISHED,
    SESSION_STATES
};
const char *gobgp_session_name(enum gobgp_session session); // "established"

/* A neighbour as gobgp_list_peers tells it. */
struct gobgp_peer {
    struct gobgp_neighbour neighbour; // local_address: that of the session, when there is one
    bool other_families;              // it has families that are not ours
    enum gobgp_session session;
    bool disabled;           // administratively down, or over its prefix limit
    struct prefix router_id; // family 0: not known
    uint64_t updates;        // UPDATEs that came from it
    struct {
        uint64_t received; // prefixes in the Adj-RIB-In
        bool end_of_rib;   // the flag of L-149
    } families[STATE_FAMILIES];
};

struct gobgp_station {
    struct prefix address; // family 0: a name, not an address
    uint16_t port;
    bool connected; // as far as gobgpd knows: a lost station is noticed when it writes (L-145)
};

struct gobgp_handler {
    void *context;
    void (*on_end)(void *context, const struct gobgp_end *end); // exactly once and last
    // the answers of the calls that have some; borrowed
    void (*on_global)(void *context, const struct gobgp_global *global);    // gobgp_get: once
    void (*on_station)(void *context, const struct gobgp_station *station); // gobgp_list_stations
    void (*on_peer)(void *context, const struct gobgp_peer *peer);          // gobgp_list_peers
    /* gobgp_watch: the state of each neighbour when the watch began, then each change. 3.10 does not
     * say why a session ended. */
    void (*on_session)(void *context, const struct prefix *address, enum gobgp_session session);
};

/* Each starts a call and returns it. NULL: too many are in flight already; handler is not called. Arguments
 * are borrowed for the call, the handler is copied. */
struct gobgp_call *gobgp_get(struct gobgp *gobgp, const struct gobgp_handler *handler);

/* global: one listening address at most. */
struct gobgp_call *gobgp_start(struct gobgp *gobgp, const struct gobgp_global *global,
                               const struct gobgp_handler *handler);

/* Ends all sessions, forgets all neighbours; BMP stations stay. */
struct gobgp_call *gobgp_stop(struct gobgp *gobgp, const struct gobgp_handler *handler);

/* From now on no route is advertised to any neighbour (L-098). */
struct gobgp_call *gobgp_reject_exports(struct gobgp *gobgp, const struct gobgp_handler *handler);

/* gobgpd then connects to the station and gives it what the peers say, before its policy. */
struct gobgp_call *gobgp_add_station(struct gobgp *gobgp, const struct gobgp_station *station,
                                     const struct gobgp_handler *handler);
struct gobgp_call *gobgp_delete_station(struct gobgp *gobgp, const struct gobgp_station *station,
                                        const struct gobgp_handler *handler);
struct gobgp_call *gobgp_list_stations(struct gobgp *gobgp, const struct gobgp_handler *handler);

/* own_asn: whether the neighbour is an external one depends on it. */
struct gobgp_call *gobgp_add_peer(struct gobgp *gobgp, const struct gobgp_neighbour *neighbour,
                                  uint32_t own_asn, const struct gobgp_handler *handler);

/* The session is made anew when what is negotiated has changed. */
struct gobgp_call *gobgp_update_peer(struct gobgp *gobgp, const struct gobgp_neighbour *neighbour,
                                     uint32_t own_asn, const struct gobgp_handler *handler);
struct gobgp_call *gobgp_delete_peer(struct gobgp *gobgp, const struct prefix *address,
                                     const struct gobgp_handler *handler);
struct gobgp_call *gobgp_list_peers(struct gobgp *gobgp, const struct gobgp_handler *handler);

/* Does not end by itself. */
struct gobgp_call *gobgp_watch(struct gobgp *gobgp, const struct gobgp_handler *handler);

/* The neighbour's Adj-RIB-In of a unicast family: an UPDATE_ROUTE a path to input->sink, in no order. input is
 * copied, what it points at is borrowed until on_end; its arena is reset after each answer. */
struct gobgp_call *gobgp_list_routes(struct gobgp *gobgp, const struct prefix *address,
                                     enum state_family family, const struct bgp_input *input,
                                     const struct gobgp_handler *handler);

/* Its handler is not called any more. Not from its on_end. NULL is fine. */
void gobgp_cancel(struct gobgp_call *call);
