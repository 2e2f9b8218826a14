/* packets: the TCP segments of a packet capture, one after the other.
 *
 * pcap of either octet order with micro- or nanoseconds, and pcapng; Ethernet, loopback, Linux cooked and raw
 * IP below; fragments, other protocols and damaged headers are passed over, a damaged file ends the walk. */
#pragma once

#include "recording_inside.h"

enum {
    INTERFACE_LIMIT = 256, // of a pcapng section
    TCP_SYN = 0x02,
};

struct interface {
    unsigned link_type;
    uint64_t ticks_per_second; // of its times
};

/* The walk over a file's packets. */
struct packets {
    const struct recording *recording;
    struct cut cut;
    bool little; // the file's own numbers begin with the least significant octet
    bool is_ng;
    struct interface interfaces[INTERFACE_LIMIT];
    size_t interface_count;
};

struct packet {
    size_t at; // of its header
    uint64_t time_us;
    unsigned link_type;
    struct cut data;
    uint64_t original; // octets before the capture cut it
};

/* A TCP segment. */
struct tcp {
    struct endpoint ends[2]; // from, to
    uint32_t sequence;
    unsigned flags;
    struct cut data;
    uint64_t lacks; // octets of data that were not captured
};

/* Begins at the recording's first packet. false with *err. */
bool packets_begin(struct packets *packets, const struct recording *recording, struct error *err);

/* The next packet; false at the end, or with *failed and *err. */
bool packets_next(struct packets *packets, struct packet *out, bool *failed, struct error *err);

/* The TCP segment in a packet, which is eaten; false: there is none. */
bool packet_read_tcp(struct packet *packet, struct tcp *out);
