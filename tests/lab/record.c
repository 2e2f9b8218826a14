/* record: octets that went over sockets, as MRT records or as packets.
 *
 * A packet capture takes octets as they are. MRT wants messages: each direction is cut into them, and the
 * two OPENs, which pass here like everything else, say which subtype each UPDATE has to be filed under. A
 * direction whose octets are no BGP messages any more ends there, for MRT. */
#include "record.h"

#include "cut.h"
#include "endpoint.h"
#include "lib/arena.h"
#include "message.h"
#include "mrt.h"
#include "open.h"
#include "packet.h"

#include <errno.h>
#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

enum { PARTS = 32, ATTRIBUTE_MP_REACH = 14, ATTRIBUTE_MP_UNREACH = 15, FLAG_LONG = 0x10 };

struct record {
    char *name;
    FILE *file;
    bool is_mrt;
    int cause; // errno of what failed; 0: nothing has
};

enum side { OURS, THEIRS }; // who said it

struct direction {
    struct wire partial; // a message that is not whole yet
    bool ended;          // no BGP messages any more
    bool has_open;
    struct open_facts open;
};

struct record_flow {
    struct record *record;
    enum record_kind kind;
    struct endpoint ends[2];        // by side
    struct packet_flow packets;     // we are its side 0 or 1
    unsigned packet_side;           // ours
    struct direction directions[2]; // by side
    bool is_established;
};

static void write_wire(struct record *record, struct wire *wire)
{
    if (wire->length && !record->cause &&
        fwrite(wire->bytes, 1, wire->length, record->file) != wire->length)
        record->cause = errno ? errno : EIO;
    wire_free(wire);
}

struct record *record_open(const char *file, struct error *err)
{
    const char *end = strrchr(file, '.');
    bool is_mrt = end && strcmp(end, ".mrt") == 0;

    if (!is_mrt && (!end || strcmp(end, ".pcap") != 0)) {
        error_set(err, ERROR_INPUT, "\"%s\"; a name that ends in .mrt or .pcap expected", file);
        return NULL;
    }
    FILE *stream = fopen(file, "wb");

    if (!stream) {
        error_errno(err, errno, "%s", file);
        return NULL;
    }
    struct record *record = memory_alloc(1, sizeof *record);
    struct wire wire = {0};

    *record = (struct record){.name = memory_text(file), .file = stream, .is_mrt = is_mrt};
    if (!is_mrt)
        packet_file_header(&wire);
    write_wire(record, &wire);
    return record;
}

bool record_close(struct record *record, struct error *err)
{
    if (!record)
        return true;
    if (fclose(record->file) != 0 && !record->cause)
        record->cause = errno;
    bool ok = !record->cause || error_errno(err, record->cause, "%s", record->name);

    free(record->name);
    free(record);
    return ok;
}

// ---- MRT

static uint64_t now_us(void)
{
    return clock_us(CLOCK_REALTIME);
}

/* Header, microseconds and the fields that all records of a session begin with; the place of the length. */
static size_t begin_mrt(const struct record_flow *flow, unsigned subtype, bool wide,
                        struct wire *out)
{
    const struct endpoint *peer = &flow->ends[OURS], *local = &flow->ends[THEIRS];
    unsigned width = wide ? 4 : 2, octets = peer->address.family == 6 ? 16 : 4;
    uint32_t as[2];
    uint64_t time_us = now_us();

    for (size_t side = 0; side < 2; side++) {
        as[side] = flow->directions[side].open.as; // 0 until its OPEN
        if (!wide && as[side] > UINT16_MAX)
            as[side] = 23456; // AS_TRANS
    }
    wire_put(out, (uint32_t)(time_us / 1000000), 4);
    wire_put(out, MRT_BGP4MP_ET, 2);
    wire_put(out, subtype, 2);
    size_t length = wire_open(out, 4);

    wire_put(out, time_us % 1000000, 4);
    wire_put(out, as[OURS], width);
    wire_put(out, as[THEIRS], width);
    wire_put(out, 0, 2); // interface index
    wire_put(out, octets == 16 ? 2 : 1, 2);
    wire_put_bytes(out, peer->address.bytes, octets);
    wire_put_bytes(out, local->address.bytes, octets);
    return length;
}

static void write_state(struct record_flow *flow, unsigned from, unsigned to)
{
    struct wire wire = {0};
    size_t length = begin_mrt(flow, BGP4MP_STATE_CHANGE_AS4, true, &wire);

    wire_put(&wire, from, 2);
    wire_put(&wire, to, 2);
    wire_close(&wire, length, 4);
    write_wire(flow->record, &wire);
}

/* AFI and SAFI that an UPDATE is about, as afi << 8 | safi. */
static unsigned family_of(const uint8_t *message, size_t length)
{
    struct cut cut = {.at = message, .left = length};

    (void)cut_bytes(&cut, MESSAGE_HEADER);
    (void)cut_sub(&cut, cut_uint(&cut, 2));
    struct cut attributes = cut_sub(&cut, cut_uint(&cut, 2));

    while (attributes.left) {
        uint64_t flags = cut_uint(&attributes, 1), type = cut_uint(&attributes, 1);
        struct cut value = cut_sub(&attributes, cut_uint(&attributes, flags & FLAG_LONG ? 2 : 1));

        if (type == ATTRIBUTE_MP_REACH || type == ATTRIBUTE_MP_UNREACH)
            return (unsigned)cut_uint(&value, 3);
    }
    return 1 << 8 | 1;
}

static unsigned add_path_of(const struct open_facts *open, unsigned family)
{
    for (size_t i = 0; i < open->family_count; i++) {
        if ((unsigned)(open->families[i].afi << 8 | open->families[i].safi) == family)
            return open->families[i].add_path;
    }
    return 0;
}

static bool has_path_ids(const struct record_flow *flow, enum side side, const uint8_t *message,
                         size_t length)
{
    unsigned family = family_of(message, length);

    return add_path_of(&flow->directions[side].open, family) & ADD_PATH_SENDS &&
           add_path_of(&flow->directions[1 - side].open, family) & ADD_PATH_RECEIVES;
}

static unsigned subtype_of(enum side side, bool wide, bool add_path)
{
    static const uint8_t subtypes[2][2][2] = {
        [OURS] = {{BGP4MP_MESSAGE, BGP4MP_MESSAGE_AS4},
                  {BGP4MP_MESSAGE_ADDPATH, BGP4MP_MESSAGE_AS4_ADDPATH}},
        [THEIRS] = {{BGP4MP_MESSAGE_LOCAL, BGP4MP_MESSAGE_AS4_LOCAL},
                    {BGP4MP_MESSAGE_LOCAL_ADDPATH, BGP4MP_MESSAGE_AS4_LOCAL_ADDPATH}},
    };

    return subtypes[side][add_path][wide];
}

static void write_message(struct record_flow *flow, enum side side, const uint8_t *message,
                          size_t length)
{
    struct direction *direction = &flow->directions[side];
    const struct direction *other = &flow->directions[1 - side];
    bool is_update = message[18] == MESSAGE_UPDATE;
    struct wire wire = {0};

    if (message[18] == MESSAGE_OPEN)
        direction->has_open =
            open_read(message + MESSAGE_HEADER, length - MESSAGE_HEADER, &direction->open);
    bool wide = !is_update || (direction->open.four_octet_as && other->open.four_octet_as);
    bool add_path = is_update && has_path_ids(flow, side, message, length);
    size_t place = begin_mrt(flow, subtype_of(side, wide, add_path), wide, &wire);

    wire_put_bytes(&wire, message, length);
    wire_close(&wire, place, 4);
    write_wire(flow->record, &wire);
    if (message[18] == MESSAGE_KEEPALIVE && side == THEIRS && !flow->is_established &&
        direction->has_open && other->has_open) {
        flow->is_established = true;
        write_state(flow, MRT_STATE_IDLE, MRT_STATE_ESTABLISHED);
    }
}

static void take_messages(struct record_flow *flow, enum side side, const void *octets,
                          size_t length)
{
    struct direction *direction = &flow->directions[side];
    struct wire *wire = &direction->partial;
    size_t at = 0;

    if (direction->ended)
        return;
    wire_put_bytes(wire, octets, length);
    while (wire->length - at >= MESSAGE_HEADER) {
        const uint8_t *message = wire->bytes + at;
        size_t whole = (size_t)(message[16] << 8 | message[17]);

        if (whole < MESSAGE_HEADER) {
            direction->ended = true;
            break;
        }
        if (wire->length - at < whole)
            break;
        write_message(flow, side, message, whole);
        at += whole;
    }
    if (at) {
        memmove(wire->bytes, wire->bytes + at, wire->length - at);
        wire->length -= at;
    }
}

// ---- flows

/* Who called, a socket does not tell: the side with the higher port is taken for it. */
struct record_flow *record_begin(struct record *record, int fd, enum record_kind kind)
{
    struct sockaddr_storage ours = {0}, theirs = {0};
    socklen_t sizes[2] = {sizeof ours, sizeof theirs};

    if (!record || (record->is_mrt && kind != RECORD_BGP))
        return NULL;
    if (getsockname(fd, (struct sockaddr *)&ours, &sizes[0]) != 0 ||
        getpeername(fd, (struct sockaddr *)&theirs, &sizes[1]) != 0)
        return NULL;
    struct record_flow *flow = memory_alloc(1, sizeof *flow);
    struct wire wire = {0};

    flow->record = record;
    flow->kind = kind;
    flow->ends[OURS] = endpoint_of_socket((struct sockaddr *)&ours);
    flow->ends[THEIRS] = endpoint_of_socket((struct sockaddr *)&theirs);
    flow->packet_side = flow->ends[OURS].port < flow->ends[THEIRS].port;
    flow->packets.ends[flow->packet_side] = flow->ends[OURS];
    flow->packets.ends[1 - flow->packet_side] = flow->ends[THEIRS];
    if (!record->is_mrt)
        packet_open(&flow->packets, now_us(), &wire);
    write_wire(record, &wire);
    return flow;
}

static void take(struct record_flow *flow, enum side side, const void *octets, size_t length)
{
    struct wire wire = {0};

    if (flow->record->is_mrt) {
        take_messages(flow, side, octets, length);
        return;
    }
    packet_data(&flow->packets, side == OURS ? flow->packet_side : 1 - flow->packet_side, now_us(),
                octets, length, &wire);
    write_wire(flow->record, &wire);
}

void record_sent(struct record_flow *flow, const void *octets, size_t length)
{
    if (flow)
        take(flow, OURS, octets, length);
}

void record_received(struct record_flow *flow, const void *octets, size_t length)
{
    if (flow)
        take(flow, THEIRS, octets, length);
}

void record_end(struct record_flow *flow)
{
    struct wire wire = {0};

    if (!flow)
        return;
    if (!flow->record->is_mrt)
        packet_finish(&flow->packets, flow->packet_side, now_us(), &wire);
    else if (flow->is_established)
        write_state(flow, MRT_STATE_ESTABLISHED, MRT_STATE_IDLE);
    write_wire(flow->record, &wire);
    wire_free(&flow->directions[OURS].partial);
    wire_free(&flow->directions[THEIRS].partial);
    free(flow);
}

int record_write(struct record_flow *flow, struct evbuffer *out, int fd, size_t limit)
{
    struct evbuffer_iovec parts[PARTS];
    size_t length = evbuffer_get_length(out);

    if (length > limit)
        length = limit;
    if (!flow)
        return evbuffer_write_atmost(out, fd, (ev_ssize_t)length);
    int count = evbuffer_peek(out, (ev_ssize_t)length, NULL, parts, PARTS);

    if (count > PARTS)
        count = PARTS;
    for (int i = 0; i < count; i++) { // the last one may hold more than was asked for
        if (parts[i].iov_len > length)
            parts[i].iov_len = length;
        length -= parts[i].iov_len;
    }
    ssize_t written = writev(fd, parts, count);

    if (written <= 0)
        return (int)written;
    size_t left = (size_t)written;

    for (size_t i = 0; left > 0; i++) {
        size_t part = parts[i].iov_len < left ? parts[i].iov_len : left;

        record_sent(flow, parts[i].iov_base, part);
        left -= part;
    }
    (void)evbuffer_drain(out, (size_t)written);
    return (int)written;
}
