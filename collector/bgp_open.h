/* bgp_open: the OPEN message, as far as it decides how UPDATEs read (RFC 4271 section 4.2, RFC 5492). */
#pragma once

#include "lib/error.h"
#include "lib/state.h"

/* Capabilities of one side. An absent one is all zero. */
struct bgp_open {
    uint32_t asn;       // of capability 65 when it is there, else the 2-octet field
    uint32_t router_id; // BGP identifier
    uint16_t hold_time_s;
    bool damaged;                  // a capability, or what follows it, could not be read
    bool multiprotocol;            // capability 1 is there (RFC 4760 section 8)
    bool families[STATE_FAMILIES]; // as it says; without it IPv4 unicast
    bool four_octet_as;            // capability 65 (RFC 6793)
    uint8_t add_path
        [STATE_FAMILIES]; // capability 69 (RFC 7911): 1 receives, 2 sends, 3 both; 0 not offered
    bool add_path_any[STATE_FAMILIES]; // the family is in capability 69, whatever its value (L-133)
    struct {
        bool present;      // capability 64 (RFC 4724); the last one counts (L-111)
        bool restarted;    // R
        bool notification; // N (RFC 8538)
        uint16_t time_s;
        bool families[STATE_FAMILIES], forwarding[STATE_FAMILIES];
    } restart;
};

/* Reads a whole message with its marker. A capability that cannot be read is left out (damaged); false only
 * when the fixed part cannot be read. */
bool bgp_open_parse(struct octets message, struct bgp_open *out, struct error *err);

/* How the UPDATEs of one direction of a session read. */
struct bgp_session {
    bool four_octet_as;            // AS_PATH and AGGREGATOR have 4-octet numbers
    bool external;                 // the peer is of another AS: what L-091 says of LOCAL_PREF
    bool add_path[STATE_FAMILIES]; // each NLRI has a path-id in front
};

/* What the receiver of UPDATEs must assume (L-120, L-123): a path-id stands there iff the sender offered to
 * send and the receiver to receive. */
struct bgp_session bgp_open_session(const struct bgp_open *sender, const struct bgp_open *receiver);
