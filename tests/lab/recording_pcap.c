/* recording_pcap: TCP streams out of packet captures.
 *
 * Listing walks the packets once and keeps, per direction of a connection, where its data lie in the file.
 * Loading sorts these pieces by sequence number, so that reordering and retransmissions vanish: of octets
 * that came twice the first to be seen counts. A piece becomes heard when everything before it has been.
 * A gap ends the reading, for the octets behind it would be read as something else. */
#include "lib/arena.h"
#include "message.h"
#include "packets.h"
#include "recording_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FLOW_LIMIT = 4096, // directions of connections; further ones are passed over
    MIDDLE = 1 << 30,  // where sequences begin, so that what was seen later may be earlier
};

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
    struct packets packets;
    struct packet packet;
    bool failed = false;

    if (!packets_begin(&packets, recording, err))
        return false;
    while (packets_next(&packets, &packet, &failed, err)) {
        struct tcp tcp;
        struct source *source = NULL;

        if (packet_read_tcp(&packet, &tcp))
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
