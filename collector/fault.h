/* fault: what can be wrong with a message of BGP, BGP-LS or BMP, by kind (L-091, L-095).
 *
 * A parser never stops to tell: it counts here and goes on with what the fault did not touch. After the message
 * the counts become UPDATE_FAULT updates, one a kind that is more than a note, and the meters "fault.<name>". */
#pragma once

#include "lib/state.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fault {
    // one BGP message
    FAULT_BGP_HEADER,  // marker, length, or not the type expected
    FAULT_BGP_LENGTHS, // total lengths overrun the UPDATE: the message is dropped
    FAULT_BGP_OVERRUN, // path attributes overrun their total length: the message is dropped
    FAULT_BGP_NLRI, // a unicast NLRI overruns its field or is too long: it and the rest are dropped
    FAULT_BGP_MP_REACH,    // shorter than its fixed part, or a next hop that a route cannot use
    FAULT_BGP_MP_REPEATED, // a second MP_REACH or MP_UNREACH: the first counts
    FAULT_BGP_REPEATED,    // another attribute twice: the first counts
    FAULT_BGP_FLAGS,       // optional and transitive bits that the attribute cannot have
    FAULT_BGP_MISSING,     // a mandatory attribute
    FAULT_BGP_ORIGIN,
    FAULT_BGP_AS_PATH,
    FAULT_BGP_NEXT_HOP,
    FAULT_BGP_MED,
    FAULT_BGP_LOCAL_PREF,
    FAULT_BGP_ATOMIC_AGGREGATE,
    FAULT_BGP_AGGREGATOR,
    FAULT_BGP_COMMUNITIES,
    FAULT_BGP_ORIGINATOR_ID,
    FAULT_BGP_CLUSTER_LIST,
    FAULT_BGP_EXTENDED_COMMUNITIES,
    FAULT_BGP_LARGE_COMMUNITIES,
    FAULT_BGP_AS4_PATH,
    FAULT_BGP_FAMILY, // an address family that we do not know: skipped
    FAULT_BGP_OPEN,   // an OPEN that cannot be read, or a capability of it
    // link state
    FAULT_LS_LENGTHS,          // NLRI lengths do not add up: the rest of the attribute is dropped
    FAULT_LS_OVERRUN,          // a TLV overruns its NLRI: the NLRI is dropped
    FAULT_LS_ORDER,            // TLVs of an NLRI out of order: kept
    FAULT_LS_SUB_TLV_REPEATED, // twice in a node descriptor: the first counts
    FAULT_LS_DESCRIPTOR,       // 256 or 257 missing, or a sub-TLV of impossible length
    FAULT_LS_ROUTER_ID,        // 515 of a length that no protocol has
    FAULT_LS_PREFIX,           // 265 missing or impossible: the NLRI is only kept
    FAULT_LS_PREFIX_SURPLUS,   // more octets than the length needs: ignored
    FAULT_LS_TYPE,             // an NLRI type or Protocol-ID that we only keep
    FAULT_LS_VPN,              // SAFI 72: ignored
    FAULT_LS_NO_ATTRIBUTE,     // announced without attribute 29 (L-093)
    FAULT_LS_ATTRIBUTE_FLAGS,  // attribute 29 sent as transitive: used
    FAULT_LS_ATTRIBUTE_OVERRUN,
    FAULT_LS_TLV_LENGTH,   // a length that the TLV's format does not allow: the TLV is dropped
    FAULT_LS_TLV_VALUE,    // a value that cannot be: not a number, maximum below minimum
    FAULT_LS_TLV_REPEATED, // a single-valued TLV twice: the first counts
    // BMP
    FAULT_BMP_HEADER,     // version or length: the connection is closed
    FAULT_BMP_MESSAGE,    // a message shorter than its fixed part
    FAULT_BMP_TYPE,       // an unknown message type: ignored
    FAULT_BMP_TLV,        // an information or statistics TLV overruns its message
    FAULT_BMP_NO_PEER_UP, // Route Monitoring for a peer without Peer Up (L-137)
    FAULTS
};

/* Its name in UPDATE_FAULT, meters and logs: "ls.overrun". A static string. */
const char *fault_name(enum fault fault);

enum fault_weight {
    FAULT_NOTE,  // allowed, or harmless: a meter counts it, nothing else tells
    FAULT_ERROR, // wrong, and what it touched is lost or doubtful
    FAULT_SERIOUS // what the peer says can no longer be believed whole: something that we could not read may
                  // have been said ("peer faulty", "mark (peer, family) faulty" in L-091)
};
enum fault_weight fault_weight(enum fault fault);

struct faults {
    uint64_t count[FAULTS];
};

static inline void faults_count(struct faults *faults, enum fault fault)
{
    faults->count[fault]++;
}

/* The first kind that is more than a note; FAULTS: none. */
enum fault faults_first(const struct faults *faults);
void faults_add(struct faults *to, const struct faults *from);

/* The last messages that had a fault, whole (L-095). */
enum { FAULT_RING = 16 };

struct fault_ring {
    struct fault_record {
        int64_t time_us;
        int64_t peer_id;  // -1: not known
        enum fault fault; // the first of its kinds
        uint8_t *message; // the ring's
        size_t length;
    } records[FAULT_RING];
    uint64_t added; // the newest is records[(added - 1) % FAULT_RING]
};

/* Copies the message over the oldest record. */
void fault_ring_add(struct fault_ring *ring, int64_t time_us, int64_t peer_id, enum fault fault,
                    struct octets message);
void fault_ring_clear(struct fault_ring *ring); // frees what the records hold
