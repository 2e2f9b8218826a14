/* message: BGP-4 messages (RFC 4271, 4760, 5492, 6793, 2918, 4724).
 *
 * Our own are written into a wire; the peer's are read for as much as a reflector needs: its OPEN, its
 * ROUTE-REFRESHes, its NOTIFICATIONs. Routes that the peer sends are not looked at. */
#pragma once

#include "lib/error.h"
#include "scenario.h"
#include "wire.h"

enum {
    MESSAGE_HEADER = 19,
    MESSAGE_LIMIT = 4096,

    MESSAGE_OPEN = 1,
    MESSAGE_UPDATE = 2,
    MESSAGE_NOTIFICATION = 3,
    MESSAGE_KEEPALIVE = 4,
    MESSAGE_ROUTE_REFRESH = 5,
};

/* NOTIFICATION codes and subcodes, as code << 8 | subcode. */
enum {
    NOTIFY_HEADER_SYNC = 0x0101,
    NOTIFY_HEADER_LENGTH = 0x0102,
    NOTIFY_HEADER_TYPE = 0x0103,
    NOTIFY_OPEN_MALFORMED = 0x0200,
    NOTIFY_OPEN_VERSION = 0x0201,
    NOTIFY_OPEN_PEER_AS = 0x0202,
    NOTIFY_OPEN_HOLD_TIME = 0x0206,
    NOTIFY_OPEN_CAPABILITY = 0x0207,
    NOTIFY_HOLD_TIMER = 0x0400,
    NOTIFY_FSM = 0x0500,
    NOTIFY_CEASE_SHUTDOWN = 0x0602,
    NOTIFY_CEASE_RESET = 0x0604,
};

struct open {
    uint32_t as; // from the capability where there is one
    uint16_t hold_time_s;
    uint8_t router_id[4];
    bool has_as4; // capability 65
    bool families[FAMILIES];
};

void message_open(const struct reflector *reflector, struct wire *out);
void message_keepalive(struct wire *out);
void message_notification(unsigned code, struct wire *out);
void message_end_of_rib(enum family family, struct wire *out);

/* The body of an OPEN. On failure *notify is what to answer. */
bool message_parse_open(const uint8_t *body, size_t length, struct open *out, unsigned *notify,
                        struct error *err);

/* AFI and SAFI of a ROUTE-REFRESH; FAMILIES: one that we do not have. */
enum family message_parse_refresh(const uint8_t *body, size_t length);

/* The attributes of a unicast route as this reflector passes it on, NEXT_HOP of IPv4 included; those of
 * link state (path NULL) are the reflector's own, with contents of the BGP-LS attribute last. */
void message_path_attributes(const struct scenario *scenario, const struct reflector *reflector,
                             const struct path *path, enum family family, struct wire *out);
void message_link_state_attributes(const struct wire *contents, struct wire *out);

/* Fills UPDATEs with NLRIs that share one attribute set, as many to a message as there is room for. */
struct packer {
    struct wire *out;
    enum family family;
    const struct wire *attributes; // NULL: withdrawals
    const struct net *next_hop;    // of MP_REACH
    size_t message, lengths[2];    // places in out; message is SIZE_MAX between messages
};

struct packer packer_begin(struct wire *out, enum family family, const struct wire *attributes,
                           const struct net *next_hop);
void packer_add(struct packer *packer, const uint8_t *nlri, size_t length);
void packer_add_net(struct packer *packer, const struct net *net);
void packer_end(struct packer *packer);
