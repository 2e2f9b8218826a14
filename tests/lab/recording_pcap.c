/* recording_pcap: TCP streams out of packet captures.
 *
 * Listing walks the packets once and keeps, per direction of a connection, where its data lie in the file.
 * Loading sorts these pieces by sequence number, so that reordering and retransmissions vanish: of octets
 * that came twice the first to be seen counts. A piece becomes heard when everything before it has been.
 * A gap ends the reading, for the octets behind it would be read as something else.
 *
 *     file header │ packet header, link header, IP, TCP, data │ …            pcap
 *     section header │ interface │ packet │ packet │ …                       pcapng: blocks with both lengths */
#include "lib/arena.h"
#include "message.h"
#include "recording_inside.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FILE_HEADER = 24,
    PACKET_HEADER = 16,
    FLOW_LIMIT = 4096,     // directions of connections; further ones are passed over
    INTERFACE_LIMIT = 256, // of a pcapng section
    MIDDLE = 1 << 30,      // where sequences begin, so that what was seen later may be earlier

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
    TCP_SYN = 0x02,

    BLOCK_SECTION = 0x0a0d0d0a,
    BLOCK_INTERFACE = 1,
    BLOCK_SIMPLE = 3,
    BLOCK_PACKET = 6,
    OPTION_TIME_RESOLUTION = 9,
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

struct tcp {
    struct endpoint ends[2]; // from, to
    uint32_t sequence;
    unsigned flags;
    struct cut data;
    uint64_t lacks; // octets of data that were not captured
};

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

static bool read_tcp(struct packet *packet, struct tcp *out)
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

// ---- connections

static bool same_ends(const struct source *source, const struct endpoint ends[2], bool turned)
{
    return source->ends[turned].port == ends[0].port &&
           source->ends[1 - turned].port == ends[1].port &&
           net_compare(&source->ends[turned].address, &ends[0].address) == 0 &&
           net_compare(&source->ends[1 - turned].address, &ends[1].address) == 0;
}

/* The newest connection's direction that the segment belongs to; a SYN after data begins another. NULL:
 * there are too many. */
static struct source *source_of(struct recording *recording, const struct tcp *tcp)
{
    char from[ENDPOINT_TEXT_SIZE], to[ENDPOINT_TEXT_SIZE];
    unsigned before = 0;

    for (size_t i = recording->source_count; i-- > 0;) {
        struct source *source = &recording->sources[i];

        if (!same_ends(source, tcp->ends, false))
            continue;
        if (!(tcp->flags & TCP_SYN) || !source->has_data ||
            source->base == tcp->sequence + 1 - MIDDLE)
            return source;
        before++;
    }
    if (recording->source_count == FLOW_LIMIT)
        return NULL;
    struct source *source = recording_add_source(recording);

    source->ends[0] = tcp->ends[0];
    source->ends[1] = tcp->ends[1];
    int length = snprintf(source->shown.name, sizeof source->shown.name, "%s > %s",
                          endpoint_format(&tcp->ends[0], from), endpoint_format(&tcp->ends[1], to));

    if (before)
        (void)snprintf(source->shown.name + length, sizeof source->shown.name - (size_t)length,
                       " #%u", before + 1);
    return source;
}

static void add_segment(struct source *source, const struct tcp *tcp, size_t at, uint64_t time_us)
{
    uint32_t first = tcp->sequence + (tcp->flags & TCP_SYN ? 1 : 0);

    if (!source->has_base) {
        source->has_base = true;
        source->base = first - MIDDLE;
        source->was_opened = (tcp->flags & TCP_SYN) != 0;
    }
    if (!tcp->data.left)
        return;
    // 32 bits of 64: the nearest to what was seen last
    uint64_t last =
        source->segment_count ? source->segments[source->segment_count - 1].sequence : MIDDLE;
    int32_t step = (int32_t)(first - source->base - (uint32_t)last);

    if (step < 0 && (uint64_t) - (int64_t)step > last)
        return; // older than the connection
    source->has_data = true;
    source->segments = memory_grow(source->segments, source->segment_count,
                                   &source->segment_capacity, sizeof *source->segments);
    source->segments[source->segment_count++] =
        (struct tcp_segment){.sequence = last + (uint64_t)(int64_t)step,
                             .time_us = time_us,
                             .at = at,
                             .length = (uint32_t)tcp->data.left,
                             .lacks = tcp->lacks > UINT32_MAX ? UINT32_MAX : (uint32_t)tcp->lacks};
}

static int compare_segments(const void *a, const void *b)
{
    const struct tcp_segment *left = a, *right = b;

    if (left->sequence != right->sequence)
        return left->sequence < right->sequence ? -1 : 1;
    return (left->at > right->at) - (left->at < right->at);
}

/* What the direction speaks, by its first octets. */
static bool find_kind(const struct recording *recording, struct source *source)
{
    const struct tcp_segment *first = source->segments;
    const uint8_t *octets = recording->octets + first->at;
    size_t marker = 0;

    while (marker < 16 && marker < first->length && octets[marker] == 0xff)
        marker++;
    source->shown.kind = STREAM_BGP;
    if (marker == 16 || (marker && marker == first->length))
        return true;
    source->shown.kind = STREAM_BMP;
    return octets[0] == 3 && (first->length < 2 || octets[1] == 0) &&
           (first->length < 6 || octets[5] < 7);
}

// ---- loading

/* Octets in the order in which they were said; one piece a segment that had news. */
struct said {
    struct stream pieces; // as of BMP: messages are the pieces
    size_t *places;       // in the file, one a piece
    size_t capacity;
};

static bool join(const struct recording *recording, const struct source *source, struct said *said,
                 struct error *err)
{
    uint64_t next = source->was_opened ? MIDDLE : source->segments[0].sequence, heard_us = 0;

    for (size_t i = 0; i < source->segment_count; i++) {
        const struct tcp_segment *it = &source->segments[i];
        uint64_t end = it->sequence + it->length;

        if (it->time_us > heard_us)
            heard_us = it->time_us;
        if (end <= next)
            continue;
        if (it->sequence > next)
            return recording_fail(recording, it->at, err,
                                  "%s: %llu octets are missing before this packet; all expected",
                                  source->shown.name, (unsigned long long)(it->sequence - next));
        size_t skip = (size_t)(next - it->sequence);

        said->places =
            memory_grow(said->places, said->pieces.count, &said->capacity, sizeof *said->places);
        said->places[said->pieces.count] = it->at + skip;
        stream_add(&said->pieces, heard_us, recording->octets + it->at + skip, it->length - skip);
        next = end;
        if (it->lacks && i + 1 < source->segment_count && source->segments[i + 1].sequence > next)
            return recording_fail(recording, it->at, err,
                                  "%s: a packet without its last %u octets; whole packets "
                                  "expected",
                                  source->shown.name, it->lacks);
    }
    return true;
}

/* The file's offset of an octet that was said; *piece is a hint that only grows. */
static size_t place_of(const struct said *said, size_t at, size_t *piece)
{
    while (*piece + 1 < said->pieces.count && said->pieces.messages[*piece + 1].at <= at)
        (*piece)++;
    return said->places[*piece] + (at - said->pieces.messages[*piece].at);
}

/* What the other side's first message offers; false: it was not heard. */
static bool read_other_open(const struct recording *recording, const struct source *source,
                            struct open_facts *out)
{
    for (size_t i = 0; i < recording->source_count; i++) {
        const struct source *other = &recording->sources[i];
        const uint8_t *message;
        size_t length;

        if (!same_ends(other, source->ends, true) || !other->segment_count)
            continue;
        message = recording->octets + other->segments[0].at;
        length = other->segments[0].length;
        if (length < MESSAGE_HEADER || message[18] != MESSAGE_OPEN)
            continue;
        size_t told = (size_t)(message[16] << 8 | message[17]);

        if (told >= MESSAGE_HEADER && told <= length &&
            open_read(message + MESSAGE_HEADER, told - MESSAGE_HEADER, out))
            return true;
    }
    return false;
}

/* Offers what both sides did, so that the UPDATEs read as they were meant. */
static void agree(struct open_facts *open, const struct open_facts *other)
{
    open->four_octet_as &= other->four_octet_as;
    for (size_t i = 0; i < open->family_count; i++) {
        struct open_family *family = &open->families[i];
        bool receives = false;

        for (size_t n = 0; n < other->family_count; n++)
            receives |= other->families[n].afi == family->afi &&
                        other->families[n].safi == family->safi &&
                        other->families[n].add_path & ADD_PATH_RECEIVES;
        family->add_path = receives && family->add_path & ADD_PATH_SENDS ? ADD_PATH_SENDS : 0;
    }
}

static bool take_bgp_message(const struct recording *recording, const struct source *source,
                             size_t place, uint64_t time_us, const uint8_t *message, size_t length,
                             struct stream *out, struct error *err)
{
    struct open_facts other;

    if (message[18] == MESSAGE_UPDATE || message[18] == MESSAGE_ROUTE_REFRESH)
        stream_add(out, time_us, message, length);
    if (message[18] != MESSAGE_OPEN || out->has_open)
        return true;
    if (!open_read(message + MESSAGE_HEADER, length - MESSAGE_HEADER, &out->open))
        return recording_fail(recording, place, err,
                              "an OPEN whose lengths do not nest; one that can be read expected");
    out->has_open = true;
    if (read_other_open(recording, source, &other))
        agree(&out->open, &other);
    return true;
}

/* Cuts what was said into messages; what is left at the end was on its way. */
static bool load_bgp(const struct recording *recording, const struct source *source,
                     const struct said *said, struct stream *out, struct error *err)
{
    const struct stream *pieces = &said->pieces;
    size_t piece = 0;

    for (size_t at = 0; pieces->length - at >= MESSAGE_HEADER;) {
        static const uint8_t marker[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                           0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
        const uint8_t *message = pieces->octets + at;
        size_t length = (size_t)(message[16] << 8 | message[17]);
        size_t place = place_of(said, at, &piece);

        if (memcmp(message, marker, sizeof marker) != 0 || length < MESSAGE_HEADER)
            return recording_fail(recording, place, err,
                                  "%s: no BGP message of at least %d octets behind a marker; one "
                                  "expected",
                                  source->shown.name, MESSAGE_HEADER);
        if (length > pieces->length - at)
            break;
        size_t last = piece; // the one that made the message whole

        (void)place_of(said, at + length - 1, &last);
        if (!take_bgp_message(recording, source, place, pieces->messages[last].time_us, message,
                              length, out, err))
            return false;
        at += length;
    }
    return true;
}

bool pcap_load(const struct recording *recording, const struct source *source, struct stream *out,
               struct error *err)
{
    struct said said = {0};
    bool ok = join(recording, source, &said, err);

    if (ok && source->shown.kind == STREAM_BMP) {
        said.pieces.kind = STREAM_BMP;
        *out = said.pieces;
        said.pieces = (struct stream){0};
    } else if (ok) {
        ok = load_bgp(recording, source, &said, out, err);
        if (ok && !out->has_open) {
            out->open.four_octet_as = true;
            out->open.hold_time_s = 90;
            for (size_t i = 0; i < out->count; i++)
                stream_add_family(out, out->octets + out->messages[i].at, out->messages[i].length,
                                  false);
        }
    }
    stream_release(&said.pieces);
    free(said.places);
    return ok;
}

/* A BGP stream is counted by reading it; one that cannot be read is shown, so that loading it tells why. */
static void count_said(const struct recording *recording, struct source *source)
{
    struct stream stream = {0};
    struct error why;

    if (!source->segment_count || !find_kind(recording, source))
        return;
    for (size_t i = 0; i < source->segment_count; i++)
        source->shown.octets += source->segments[i].length;
    if (source->shown.kind == STREAM_BMP)
        return;
    if (pcap_load(recording, source, &stream, &why)) {
        source->shown.messages = stream.count;
        source->shown.octets = stream.length;
    }
    stream_release(&stream);
}

bool pcap_list(struct recording *recording, struct error *err)
{
    struct packets packets = {.recording = recording,
                              .cut = {.at = recording->octets, .left = recording->length},
                              .is_ng = recording->format == FORMAT_PCAPNG};
    struct packet packet;
    bool failed = false;

    if (!packets.is_ng && !begin_pcap(&packets, err))
        return false;
    while (packets.is_ng ? next_pcapng(&packets, &packet, &failed, err)
                         : next_pcap(&packets, &packet, &failed, err)) {
        struct tcp tcp;
        struct source *source = NULL;

        if (read_tcp(&packet, &tcp))
            source = source_of(recording, &tcp);
        if (!source) {
            recording->passed_over++;
            continue;
        }
        add_segment(source, &tcp,
                    tcp.data.left ? (size_t)(tcp.data.at - recording->octets) : packet.at,
                    packet.time_us);
    }
    for (size_t i = 0; i < recording->source_count; i++) {
        struct source *source = &recording->sources[i];

        if (!source->segment_count)
            continue;
        qsort(source->segments, source->segment_count, sizeof *source->segments, compare_segments);
    }
    for (size_t i = 0; i < recording->source_count; i++)
        count_said(recording, &recording->sources[i]);
    return !failed;
}
