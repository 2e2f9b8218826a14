/* message: BGP-4 messages without routes (RFC 4271, 4760, 5492, 6793, 2918, 7313, 4724, 7911).
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
    bool takes_path_ids[FAMILIES]; // ADD-PATH: it receives
    bool enhanced_refresh;
};

void message_open(const struct reflector *reflector, struct wire *out);
void message_keepalive(struct wire *out);
void message_notification(unsigned code, struct wire *out);
void message_end_of_rib(const struct reflector *reflector, enum family family, struct wire *out);

/* Places for the header, and its length when the body is written. */
size_t message_begin(unsigned type, struct wire *out);
void message_end(struct wire *out, size_t message);

/* A message whose body is given. */
void message_of(unsigned type, const uint8_t *body, size_t length, struct wire *out);

enum { REFRESH_ASKED = 0, REFRESH_BEGINS = 1, REFRESH_ENDS = 2 }; // RFC 7313
void message_refresh(enum family family, unsigned subtype, struct wire *out);

/* AFI and SAFI, 3 octets. */
void message_put_family(struct wire *out, enum family family);

/* The body of an OPEN. On failure *notify is what to answer. */
bool message_parse_open(const uint8_t *body, size_t length, struct open *out, unsigned *notify,
                        struct error *err);

/* That it is the peer which the reflector wants: of the right AS, with 4-octet AS numbers unless the
 * reflector has none, and taking path identifiers where the reflector sends them. */
bool message_is_acceptable(const struct reflector *reflector, const struct open *open,
                           unsigned *notify, struct error *err);

/* AFI and SAFI of a ROUTE-REFRESH; FAMILIES: one that we do not have. */
enum family message_parse_refresh(const uint8_t *body, size_t length);
