/* bmp_message: BMP messages, version 3 (RFC 7854, with peers of RFC 9069 and views of RFC 8671).
 *
 * A message of routes is its common header, the per-peer header and a BGP message as it came; the two
 * headers are made apart, so that a table's octets need no copy of their own (bmp_stream). */
#pragma once

#include "scenario_bmp.h"
#include "wire.h"

enum {
    BMP_VERSION = 3,
    BMP_COMMON_HEADER = 6,
    BMP_PEER_HEADER = 42,

    BMP_ROUTE_MONITORING = 0,
    BMP_STATISTICS = 1,
    BMP_PEER_DOWN = 2,
    BMP_PEER_UP = 3,
    BMP_INITIATION = 4,
    BMP_TERMINATION = 5,
    BMP_MIRRORING = 6,
};

/* Why a peer is no longer there (RFC 7854 section 4.9, RFC 9069 section 5.3). */
enum bmp_down {
    BMP_DOWN_LOCAL_NOTIFICATION = 1, // code: of the NOTIFICATION, as code << 8 | subcode
    BMP_DOWN_LOCAL_EVENT = 2,        // code: the event of RFC 4271 section 8.1
    BMP_DOWN_REMOTE_NOTIFICATION = 3,
    BMP_DOWN_REMOTE = 4,
    BMP_DOWN_UNMONITORED = 5,
    BMP_DOWN_LOCAL_SYSTEM = 6, // with the table names
};

enum { BMP_CLOSED = 0, BMP_UNSPECIFIED, BMP_NO_RESOURCES, BMP_REDUNDANT, BMP_CLOSED_FOR_GOOD };

void bmp_write_initiation(const struct bmp_router *router, struct wire *out);
void bmp_write_termination(unsigned reason, const char *text, struct wire *out); // text may be NULL

/* Length and type; `length` is of the whole message. */
void bmp_common_header(size_t length, unsigned type, uint8_t out[BMP_COMMON_HEADER]);
void bmp_peer_header(const struct bmp_peer *peer, enum bmp_view view, uint64_t time_us,
                     uint8_t out[BMP_PEER_HEADER]);

void bmp_write_peer_up(const struct bmp_router *router, const struct bmp_peer *peer,
                       uint64_t time_us, struct wire *out);
void bmp_write_peer_down(const struct bmp_peer *peer, enum bmp_down reason, unsigned code,
                         uint64_t time_us, struct wire *out);

/* routes: of the peer's table, by family; those that it has not are left out. */
void bmp_write_statistics(const struct bmp_peer *peer, const size_t routes[FAMILIES],
                          uint64_t time_us, struct wire *out);

/* A BGP message as it came; or, without one, an information code: 0 an errored PDU, 1 messages lost. With
 * both the code stands before the message. information: -1 for none. */
void bmp_write_mirroring(const struct bmp_peer *peer, int information, const uint8_t *message,
                         size_t length, uint64_t time_us, struct wire *out);
