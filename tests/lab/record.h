/* record: what sessions said, written to files that others read too.
 *
 *     FILE.mrt    BGP sessions as MRT, BGP4MP_ET (RFC 6396, 8050): for bgpdump and whatever reads a
 *                 collector's updates. Written from the other side, as the lab's peer would have: what a
 *                 reflector said is a message received from it, what the peer said is "local".
 *     FILE.pcap   BGP and BMP sessions as packets of TCP connections, for tshark.
 *
 * Octets are recorded when the socket has taken them, with that moment. A file that cannot be written any
 * more is given up; record_close() says so. One thread. */
#pragma once

#include "lib/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct evbuffer;
struct record;
struct record_flow; // one connection

enum record_kind { RECORD_BGP, RECORD_BMP };

/* By the name's end. NULL with *err. The caller owns it. */
struct record *record_open(const char *file, struct error *err);

/* false with *err: the file does not hold everything. NULL is fine. */
bool record_close(struct record *record, struct error *err);

/* A connection; the record and the socket outlive it. With no record there is no flow: NULL, which the
 * functions below take. */
struct record_flow *record_begin(struct record *record, int fd, enum record_kind kind);
void record_sent(struct record_flow *flow, const void *octets, size_t length);
void record_received(struct record_flow *flow, const void *octets, size_t length);
void record_end(struct record_flow *flow);

/* As evbuffer_write_atmost(), and records what went. */
int record_write(struct record_flow *flow, struct evbuffer *out, int fd, size_t limit);
