/* packet: pcap files of raw IP packets that carry one side or both of a TCP connection.
 *
 * Checksums are left 0, which tshark takes for "not computed"; sequence numbers run, so that it follows
 * the streams. */
#pragma once

#include "endpoint.h"
#include "wire.h"

/* One connection; [0] is the side that called. Zeroed but for the ends before packet_open(). */
struct packet_flow {
    struct endpoint ends[2];
    uint32_t sequence[2];
};

enum { PACKET_DATA_LIMIT = 32768 }; // octets of one packet: more are shared out among several

void packet_file_header(struct wire *out);

/* The three packets that open a connection, one that ends a side's half. */
void packet_open(struct packet_flow *flow, uint64_t time_us, struct wire *out);
void packet_finish(struct packet_flow *flow, unsigned side, uint64_t time_us, struct wire *out);

/* What the side says. */
void packet_data(struct packet_flow *flow, unsigned side, uint64_t time_us, const void *octets,
                 size_t length, struct wire *out);
