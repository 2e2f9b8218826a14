/* update: the one internal form of a change, whatever door it came by.
 *
 * Parsers and sessions (bmp, gobgp) make updates, a sink takes them. Everything that an update points at is
 * borrowed for the call. An update of one object says the object's whole new state from that peer (L-006). */
#pragma once

#include "lib/state.h"

enum update_kind {
    UPDATE_ROUTE,      // announced or replaced
    UPDATE_ROUTE_GONE, // route: prefix and path_id count
    UPDATE_NODE,
    UPDATE_LINK,
    UPDATE_PREFIX,
    UPDATE_OPAQUE,     // an NLRI that we only keep: nlri, attribute
    UPDATE_LS_GONE,    // nlri
    UPDATE_END_OF_RIB, // family, assumed
    UPDATE_PEER_UP,    // asn, router_id; families that the session carries
    UPDATE_PEER_DOWN,  // reason
    UPDATE_FAULT,      // something the peer said was wrong: reason is a short kind ("ls.overrun")
};

struct update {
    enum update_kind kind;
    int64_t peer_id;
    union {
        const struct route *route;
        const struct ls_node *node;
        const struct ls_link *link;
        const struct ls_prefix *prefix;
        struct {
            struct octets nlri, attribute;
        } ls; // opaque, gone
        struct {
            enum state_family family;
            bool assumed;
        } end_of_rib;
        struct {
            uint32_t asn;
            struct prefix router_id; // an IPv4 address
            bool families[STATE_FAMILIES];
        } up;
        struct {
            const char *reason;  // down, fault
            unsigned distrusted; // fault: see below
        };
    };
};

/* distrusted: the families (1 << enum state_family) that the fault makes "faulty" (L-091): something that we could
 * not read was said of them. 0 for a fault that costs no more than what it touched. */
struct update_sink {
    void *context;
    void (*take)(void *context, const struct update *update);
};
