/* packet: pcap, IP and TCP headers. */
#include "packet.h"

enum {
    LINK_TYPE_RAW = 101,
    SNAP_LENGTH = 65535,
    IP4_HEADER = 20,
    IP6_HEADER = 40,
    TCP_HEADER = 20,
    PROTOCOL_TCP = 6,

    FLAG_FIN = 0x01,
    FLAG_SYN = 0x02,
    FLAG_PSH = 0x08,
    FLAG_ACK = 0x10,
};

/* The file's own numbers: least significant octet first. */
static void put_little(struct wire *out, uint32_t value, unsigned width)
{
    for (unsigned i = 0; i < width; i++)
        wire_put(out, value >> (8 * i) & 0xff, 1);
}

void packet_file_header(struct wire *out)
{
    put_little(out, 0xa1b2c3d4, 4);
    put_little(out, 2, 2);
    put_little(out, 4, 2);
    put_little(out, 0, 4);
    put_little(out, 0, 4);
    put_little(out, SNAP_LENGTH, 4);
    put_little(out, LINK_TYPE_RAW, 4);
}

static void put_ip(const struct net *from, const struct net *to, size_t length, struct wire *out)
{
    if (from->family == 6) {
        wire_put(out, 0x60000000, 4);
        wire_put(out, length, 2);
        wire_put(out, PROTOCOL_TCP, 1);
        wire_put(out, 64, 1);
        wire_put_bytes(out, from->bytes, 16);
        wire_put_bytes(out, to->bytes, 16);
        return;
    }
    wire_put(out, 0x4500, 2); // version 4, header of 5 words
    wire_put(out, IP4_HEADER + length, 2);
    wire_put(out, 0, 4); // no fragments
    wire_put(out, 64, 1);
    wire_put(out, PROTOCOL_TCP, 1);
    wire_put(out, 0, 2);
    wire_put_bytes(out, from->bytes, 4);
    wire_put_bytes(out, to->bytes, 4);
}

static void put_packet(struct packet_flow *flow, unsigned side, uint64_t time_us, unsigned flags,
                       const void *octets, size_t length, struct wire *out)
{
    const struct endpoint *from = &flow->ends[side], *to = &flow->ends[1 - side];
    size_t header = from->address.family == 6 ? IP6_HEADER : IP4_HEADER;
    size_t total = header + TCP_HEADER + length;

    put_little(out, (uint32_t)(time_us / 1000000), 4);
    put_little(out, (uint32_t)(time_us % 1000000), 4);
    put_little(out, (uint32_t)total, 4);
    put_little(out, (uint32_t)total, 4);
    put_ip(&from->address, &to->address, TCP_HEADER + length, out);
    wire_put(out, from->port, 2);
    wire_put(out, to->port, 2);
    wire_put(out, flow->sequence[side], 4);
    wire_put(out, flags & FLAG_ACK ? flow->sequence[1 - side] : 0, 4);
    wire_put(out, 0x5000 | flags, 2); // header of 5 words
    wire_put(out, 65535, 2);
    wire_put(out, 0, 4);
    wire_put_bytes(out, octets, length);
    flow->sequence[side] += (uint32_t)length + (flags & (FLAG_SYN | FLAG_FIN) ? 1 : 0);
}

void packet_open(struct packet_flow *flow, uint64_t time_us, struct wire *out)
{
    put_packet(flow, 0, time_us, FLAG_SYN, NULL, 0, out);
    put_packet(flow, 1, time_us, FLAG_SYN | FLAG_ACK, NULL, 0, out);
    put_packet(flow, 0, time_us, FLAG_ACK, NULL, 0, out);
}

void packet_finish(struct packet_flow *flow, unsigned side, uint64_t time_us, struct wire *out)
{
    put_packet(flow, side, time_us, FLAG_FIN | FLAG_ACK, NULL, 0, out);
}

void packet_data(struct packet_flow *flow, unsigned side, uint64_t time_us, const void *octets,
                 size_t length, struct wire *out)
{
    const uint8_t *at = octets;

    while (length) {
        size_t part = length < PACKET_DATA_LIMIT ? length : PACKET_DATA_LIMIT;

        put_packet(flow, side, time_us, FLAG_PSH | FLAG_ACK, at, part, out);
        at += part;
        length -= part;
    }
}
