/* bgp_update: one UPDATE message, or one path in GoBGP's binary form, turned into updates.
 *
 * RFC 4271 section 4.3, multiprotocol 4760, errors as 7606 and docs/spec/bgp-ls.md L-091 say: nothing here ever
 * rejects a peer, each fault costs what it touches and is counted. Path attributes are read once a message; link
 * state goes through bgp_ls. Everything that an update points at lives in the arena given. No state is kept
 * between calls, so one thread may parse for any number of peers. */
#pragma once

#include "bgp_open.h"
#include "fault.h"
#include "lib/arena.h"
#include "update.h"

struct bgp_input {
    int64_t peer_id;             // for the updates
    struct bgp_session session;  // how the peer's messages read
    bool wanted[STATE_FAMILIES]; // other families are skipped unread and unreported
    struct arena *arena;         // borrowed; the caller resets it between messages
    struct update_sink sink;     // gets the updates in the order of the message: withdrawals first
    struct faults *faults;       // counts are added here
};

/* Reads one BGP message with its marker. UPDATE_ROUTE, UPDATE_ROUTE_GONE, the link-state kinds and
 * UPDATE_END_OF_RIB go to the sink, then one UPDATE_FAULT a kind of fault that the message had. A message of
 * another type is a fault, but a KEEPALIVE is nothing. */
void bgp_update_parse(const struct bgp_input *input, struct octets message);

/* One path as GoBGP's ListPath gives it with enable_nlri_binary and enable_attribute_binary: the NLRI's octets
 * without path-id, and each path attribute whole (flags, code, length, value). session.four_octet_as is to be
 * set: GoBGP renders 4-octet AS numbers. The NLRIs inside an MP_REACH among the attributes do not count, its
 * next hop does. false: there was a fault, and the route may not have been announced. */
bool bgp_update_parse_path(const struct bgp_input *input, enum state_family family,
                           uint32_t path_id, struct octets nlri, const struct octets *attributes,
                           size_t count);
