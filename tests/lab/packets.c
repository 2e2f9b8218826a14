/* packets: the formats of packet captures and the headers of their packets.
 *
 *     file header │ packet header, link header, IP, TCP, data │ …            pcap
 *     section header │ interface │ packet │ packet │ …                       pcapng: blocks with both lengths */
#include "packets.h"

#include <assert.h>
#include <string.h>

enum {
    FILE_HEADER = 24,
    PACKET_HEADER = 16,

    LINK_NULL = 0,
    LINK_ETHERNET = 1,
    LINK_RAW_BSD = 12,
    LINK_RAW_OPENBSD = 14,
    LINK_RAW = 101,
    LINK_LOOP = 108,
    LINK_SLL = 113,
    LINK_IPV4 = 228,
    LINK_IPV6 = 229,
    LINK_SLL2 = 276,

    ETHER_IPV4 = 0x0800,
    ETHER_IPV6 = 0x86dd,
    ETHER_VLAN = 0x8100,
    ETHER_QINQ = 0x88a8,

    PROTOCOL_TCP = 6,

    BLOCK_SECTION = 0x0a0d0d0a,
    BLOCK_INTERFACE = 1,
    BLOCK_SIMPLE = 3,
    BLOCK_PACKET = 6,
    OPTION_TIME_RESOLUTION = 9,
};

static uint64_t file_uint(struct packets *packets, struct cut *cut, unsigned width)
{
    uint64_t value = cut_uint(cut, width), turned = 0;

    if (!packets->little)
        return value;
    for (unsigned i = 0; i < width; i++)
        turned |= (value >> (8 * i) & 0xff) << (8 * (width - 1 - i));
    return turned;
}

static bool is_known_link(unsigned type)
{
    static const uint16_t known[] = {LINK_NULL, LINK_ETHERNET, LINK_RAW_BSD, LINK_RAW_OPENBSD,
                                     LINK_RAW,  LINK_LOOP,     LINK_SLL,     LINK_IPV4,
                                     LINK_IPV6, LINK_SLL2};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (known[i] == type)
            return true;
    }
    return false;
}

static bool begin_pcap(struct packets *packets, struct error *err)
{
    const struct recording *recording = packets->recording;
    struct cut header = cut_sub(&packets->cut, FILE_HEADER);
    uint32_t magic = (uint32_t)cut_uint(&header, 4);

    if (header.failed)
        return recording_fail(recording, 0, err, "%zu octets; a pcap header of %d expected",
                              recording->length, FILE_HEADER);
    packets->little = magic == 0xd4c3b2a1 || magic == 0x4d3cb2a1;
    unsigned major = (unsigned)file_uint(packets, &header, 2);

    (void)cut_bytes(&header, 14); // minor version, zone, accuracy, longest packet
    unsigned link_type = (unsigned)file_uint(packets, &header, 4) & 0xffff;

    if (major != 2)
        return recording_fail(recording, 4, err, "pcap version %u; 2 expected", major);
    packets->interface_count = 1;
    packets->interfaces[0] = (struct interface){
        .link_type = link_type,
        .ticks_per_second = magic == 0xa1b2c3d4 || magic == 0xd4c3b2a1 ? 1000000 : 1000000000};
    return is_known_link(link_type) ||
           recording_fail(recording, 20, err,
                          "link type %u; Ethernet, loopback, Linux cooked or raw IP expected",
                          link_type);
}

static uint64_t to_micros(uint64_t ticks, uint64_t per_second)
{
    assert(per_second > 0);
    return ticks / per_second * 1000000 + ticks % per_second * 1000000 / per_second;
}

/* false at the end, or with *failed. */
static bool next_pcap(struct packets *packets, struct packet *out, bool *failed, struct error *err)
{
    const struct recording *recording = packets->recording;

    if (!packets->cut.left)
        return false;
    out->at = recording_offset(recording, &packets->cut);
    struct cut header = cut_sub(&packets->cut, PACKET_HEADER);
    uint64_t seconds = file_uint(packets, &header, 4), ticks = file_uint(packets, &header, 4);
    size_t length = file_uint(packets, &header, 4), left = packets->cut.left;

    out->original = file_uint(packets, &header, 4);
    if (header.failed || length > left) {
        *failed = true;
        return header.failed
                   ? recording_fail(recording, out->at, err,
                                    "%zu octets; a packet header of %d expected",
                                    recording->length - out->at, PACKET_HEADER)
                   : recording_fail(recording, out->at, err,
                                    "a packet of %zu octets; at most %zu expected", length, left);
    }
    out->data = cut_sub(&packets->cut, length);
    out->link_type = packets->interfaces[0].link_type;
    out->time_us = seconds * 1000000 + to_micros(ticks, packets->interfaces[0].ticks_per_second);
    return true;
}

// ---- pcapng

/* The time resolution among an interface's options: ten to the minus N, or two with the upper bit set. */
static uint64_t read_resolution(struct packets *packets, struct cut options)
{
    uint64_t ticks = 1000000;

    while (options.left >= 4) {
        unsigned code = (unsigned)file_uint(packets, &options, 2);
        size_t length = file_uint(packets, &options, 2);
        struct cut value = cut_sub(&options, length);

        (void)cut_bytes(&options, (4 - length % 4) % 4);
        unsigned resolution = (unsigned)cut_uint(&value, 1);

        if (code != OPTION_TIME_RESOLUTION || value.failed)
            continue;
        ticks = 1;
        for (unsigned i = 0; i < (resolution & 0x7f) && ticks < UINT64_MAX / 20000000; i++)
            ticks *= resolution & 0x80 ? 2 : 10;
    }
    return ticks;
}

/* A block's body and type. *at: of the block. */
static bool next_block(struct packets *packets, size_t *at, unsigned *type, struct cut *body,
                       bool *failed, struct error *err)
{
    const struct recording *recording = packets->recording;
    struct cut block = packets->cut, order;

    if (!block.left)
        return false;
    *at = recording_offset(recording, &block);
    *type = (unsigned)file_uint(packets, &block, 4);
    order = block;
    (void)cut_bytes(&order, 4);
    uint32_t magic = (uint32_t)cut_uint(&order, 4);

    if (*type == BLOCK_SECTION) { // the same in both orders
        packets->little = magic == 0x4d3c2b1a;
        packets->interface_count = 0;
        if (!order.failed && magic != 0x4d3c2b1a && magic != 0x1a2b3c4d) {
            *failed = true;
            return recording_fail(recording, *at, err, "%08x; pcapng's order mark expected",
                                  (unsigned)magic);
        }
    }
    size_t length = file_uint(packets, &block, 4);

    if (block.failed || length < 12 || length % 4 || length > packets->cut.left) {
        *failed = true;
        return recording_fail(recording, *at, err,
                              "a pcapng block of %zu octets; 12 to %zu in words of 4 expected",
                              block.failed ? 0 : length, packets->cut.left);
    }
    *body = cut_sub(&block, length - 12);
    (void)cut_bytes(&packets->cut, length);
    return true;
}

static bool add_interface(struct packets *packets, size_t at, struct cut body, struct error *err)
{
    const struct recording *recording = packets->recording;
    unsigned link_type = (unsigned)file_uint(packets, &body, 2);

    (void)cut_bytes(&body, 6);
    if (body.failed || packets->interface_count == INTERFACE_LIMIT)
        return recording_fail(
            recording, at, err, "interface %zu, %s; at most %d whole ones expected",
            packets->interface_count + 1, body.failed ? "cut" : "one too many", INTERFACE_LIMIT);
    if (!is_known_link(link_type))
        return recording_fail(recording, at, err,
                              "link type %u; Ethernet, loopback, Linux cooked or raw IP expected",
                              link_type);
    packets->interfaces[packets->interface_count++] = (struct interface){
        .link_type = link_type, .ticks_per_second = read_resolution(packets, body)};
    return true;
}

static bool read_packet_block(struct packets *packets, size_t at, bool simple, struct cut body,
                              struct packet *out, struct error *err)
{
    const struct recording *recording = packets->recording;
    size_t interface = 0, length;
    uint64_t ticks = 0;

    if (!simple) {
        interface = file_uint(packets, &body, 4);
        ticks = file_uint(packets, &body, 4) << 32;
        ticks |= file_uint(packets, &body, 4);
        length = file_uint(packets, &body, 4);
        out->original = file_uint(packets, &body, 4);
    } else {
        out->original = file_uint(packets, &body, 4);
        length = out->original < body.left ? (size_t)out->original : body.left;
    }
    if (interface >= packets->interface_count)
        return recording_fail(recording, at, err,
                              "a packet of interface %zu; one of the %zu before it expected",
                              interface, packets->interface_count);
    size_t left = body.left;

    out->at = at;
    out->link_type = packets->interfaces[interface].link_type;
    out->time_us = to_micros(ticks, packets->interfaces[interface].ticks_per_second);
    out->data = cut_sub(&body, length);
    return !body.failed ||
           recording_fail(recording, at, err, "a packet of %zu octets; at most %zu expected",
                          length, left);
}

static bool next_pcapng(struct packets *packets, struct packet *out, bool *failed,
                        struct error *err)
{
    struct cut body;
    unsigned type;
    size_t at;

    while (next_block(packets, &at, &type, &body, failed, err)) {
        if (type == BLOCK_INTERFACE && !add_interface(packets, at, body, err)) {
            *failed = true;
            return false;
        }
        if (type != BLOCK_PACKET && type != BLOCK_SIMPLE)
            continue;
        *failed = !read_packet_block(packets, at, type == BLOCK_SIMPLE, body, out, err);
        return !*failed;
    }
    return false;
}

// ---- headers

/* The IP packet in a frame, whatever the link; false: there is none. */
static bool strip_link(struct packet *packet)
{
    struct cut *data = &packet->data;
    const uint8_t *bytes;
    unsigned type;

    switch (packet->link_type) {
    case LINK_ETHERNET:
        (void)cut_bytes(data, 12);
        type = (unsigned)cut_uint(data, 2);
        while (type == ETHER_VLAN || type == ETHER_QINQ) {
            (void)cut_bytes(data, 2);
            type = (unsigned)cut_uint(data, 2);
        }
        return !data->failed && (type == ETHER_IPV4 || type == ETHER_IPV6);
    case LINK_NULL: // a family in either order, which IP's version repeats
    case LINK_LOOP:
        bytes = cut_bytes(data, 4);
        return bytes != NULL;
    case LINK_SLL:
        (void)cut_bytes(data, 14);
        type = (unsigned)cut_uint(data, 2);
        return !data->failed && (type == ETHER_IPV4 || type == ETHER_IPV6);
    case LINK_SLL2:
        type = (unsigned)cut_uint(data, 2);
        (void)cut_bytes(data, 18);
        return !data->failed && (type == ETHER_IPV4 || type == ETHER_IPV6);
    default:
        return true;
    }
}

static struct net take_address(struct cut *cut, unsigned octets)
{
    struct net net = {.family = octets == 16 ? 6 : 4, .length_bits = (uint8_t)(8 * octets)};
    const uint8_t *bytes = cut_bytes(cut, octets);

    if (bytes)
        memcpy(net.bytes, bytes, octets);
    return net;
}

/* Leaves the TCP segment in *data and how long it was in *length; false: none, or a fragment. */
static bool strip_ipv4(struct cut *data, struct tcp *out, uint64_t *length)
{
    struct cut whole = *data;
    unsigned header = 4 * ((unsigned)cut_uint(data, 1) & 15);

    (void)cut_uint(data, 1);
    uint64_t total = cut_uint(data, 2);

    (void)cut_uint(data, 2);
    unsigned fragment = (unsigned)cut_uint(data, 2);

    (void)cut_uint(data, 1);
    unsigned protocol = (unsigned)cut_uint(data, 1);

    (void)cut_uint(data, 2);
    out->ends[0].address = take_address(data, 4);
    out->ends[1].address = take_address(data, 4);
    if (data->failed || header < 20 || protocol != PROTOCOL_TCP || (fragment & 0x3fff))
        return false;
    if (!total) // left to the network card
        total = *length;
    *data = whole;
    (void)cut_bytes(data, header);
    *length = total > header ? total - header : 0;
    return !data->failed;
}

static bool strip_ipv6(struct cut *data, struct tcp *out, uint64_t *length)
{
    uint64_t payload;

    (void)cut_uint(data, 4);
    payload = cut_uint(data, 2);
    unsigned next = (unsigned)cut_uint(data, 1);

    (void)cut_uint(data, 1);
    out->ends[0].address = take_address(data, 16);
    out->ends[1].address = take_address(data, 16);
    while (next == 0 || next == 43 || next == 60) { // hop-by-hop, routing, destination options
        next = (unsigned)cut_uint(data, 1);
        uint64_t octets = 8 * cut_uint(data, 1) + 8;

        (void)cut_bytes(data, octets - 2);
        if (data->failed || octets > payload)
            return false;
        payload -= octets;
    }
    *length = payload;
    return !data->failed && next == PROTOCOL_TCP;
}

bool packet_read_tcp(struct packet *packet, struct tcp *out)
{
    struct cut *data = &packet->data;
    uint64_t length = packet->original;

    if (!strip_link(packet) || !data->left)
        return false;
    unsigned version = data->at[0] >> 4;

    if (!(version == 4   ? strip_ipv4(data, out, &length)
          : version == 6 ? strip_ipv6(data, out, &length)
                         : false))
        return false;
    if (data->left > length) // padding of the link
        data->left = (size_t)length;
    uint64_t missing = length - data->left;
    struct cut whole = *data;

    out->ends[0].port = (uint16_t)cut_uint(data, 2);
    out->ends[1].port = (uint16_t)cut_uint(data, 2);
    out->sequence = (uint32_t)cut_uint(data, 4);
    (void)cut_uint(data, 4);
    unsigned header = 4 * ((unsigned)cut_uint(data, 1) >> 4);

    out->flags = (unsigned)cut_uint(data, 1);
    if (data->failed || header < 20)
        return false;
    *data = whole;
    (void)cut_bytes(data, header);
    out->data = *data;
    out->lacks = missing;
    return !data->failed;
}

bool packets_begin(struct packets *packets, const struct recording *recording, struct error *err)
{
    *packets = (struct packets){.recording = recording,
                                .cut = {.at = recording->octets, .left = recording->length},
                                .is_ng = recording->format == FORMAT_PCAPNG};
    return packets->is_ng || begin_pcap(packets, err);
}

bool packets_next(struct packets *packets, struct packet *out, bool *failed, struct error *err)
{
    return packets->is_ng ? next_pcapng(packets, out, failed, err)
                          : next_pcap(packets, out, failed, err);
}
