/* capture: made-up connections, one message a packet, so that every message has a number in tshark. */
#include "capture.h"

#include "bmp_stream.h"
#include "message.h"
#include "misbehave.h"
#include "packet.h"

enum { BGP_PORT = 179, BMP_PORT = 11019, PEER_PORT = 40000, AT_ONCE = 1 << 18 };

struct stream {
    FILE *file;
    struct packet_flow flow;
    unsigned side; // who speaks
    uint64_t time_us;
};

static bool write_wire(FILE *file, struct wire *wire)
{
    bool ok = fwrite(wire->bytes, 1, wire->length, file) == wire->length;

    wire_free(wire);
    return ok;
}

/* The n-th speaker is 192.0.2.n, whom it speaks to 192.0.2.200. */
static struct stream open_stream(FILE *file, size_t number, unsigned port, unsigned side)
{
    struct stream stream = {.file = file, .side = side};
    struct endpoint *speaker = &stream.flow.ends[side], *listener = &stream.flow.ends[1 - side];

    (void)net_parse_address("192.0.2.0", &speaker->address);
    (void)net_parse_address("192.0.2.200", &listener->address);
    speaker->address.bytes[3] = (uint8_t)number;
    stream.flow.ends[1].port = (uint16_t)port;
    stream.flow.ends[0].port = (uint16_t)(PEER_PORT + number);
    return stream;
}

/* A second a message: tshark shows them in this order. */
static bool write_packet(struct stream *stream, const uint8_t *octets, size_t length)
{
    struct wire wire = {0};

    packet_data(&stream->flow, stream->side, stream->time_us, octets, length, &wire);
    stream->time_us += 1000000;
    return write_wire(stream->file, &wire);
}

static bool write_messages(struct stream *stream, const uint8_t *bytes, size_t length)
{
    for (size_t at = 0; at < length;) {
        size_t message = (size_t)(bytes[at + 16] << 8 | bytes[at + 17]);

        if (!write_packet(stream, bytes + at, message))
            return false;
        at += message;
    }
    return true;
}

/* Each a packet of its own, whatever its header says. One that cannot be made is left out. */
static bool write_raw_messages(struct backbone *backbone, size_t index, struct stream *stream)
{
    const struct scenario *scenario = backbone_scenario(backbone);
    bool ok = true;

    for (size_t i = 0; ok && i < scenario->message_count; i++) {
        const struct raw_message *message = &scenario->messages[i];
        struct wire wire = {0};
        struct error err;

        if (message->reflectors >> index & 1 && misbehave(backbone, index, message, &wire, &err) &&
            wire.length > 0)
            ok = write_packet(stream, wire.bytes, wire.length);
        wire_free(&wire);
    }
    return ok;
}

static bool write_reflector(struct backbone *backbone, size_t index, struct stream *stream)
{
    const struct reflector *reflector = &backbone_scenario(backbone)->reflectors[index];
    struct wire wire = {0};
    bool ok;

    message_open(reflector, &wire);
    message_keepalive(&wire);
    ok = write_messages(stream, wire.bytes, wire.length);
    for (enum family family = 0; ok && family < FAMILIES; family++) {
        if (!reflector->families[family])
            continue;
        struct blob *table = backbone_table(backbone, index, family);

        wire.length = 0;
        if (reflector->end_of_rib)
            message_end_of_rib(reflector, family, &wire);
        ok = write_messages(stream, table->bytes, table->length) &&
             write_messages(stream, wire.bytes, wire.length);
        blob_unref(table);
    }
    wire_free(&wire);
    return ok && write_raw_messages(backbone, index, stream);
}

/* BMP messages one by one: the length stands in octets 1 to 4. */
static bool write_bmp_messages(struct stream *stream, const struct wire *wire)
{
    for (size_t at = 0; at < wire->length;) {
        const uint8_t *message = wire->bytes + at;
        size_t length = (size_t)message[1] << 24 | (size_t)message[2] << 16 |
                        (size_t)message[3] << 8 | message[4];

        if (!write_packet(stream, message, length))
            return false;
        at += length;
    }
    return true;
}

static bool write_bmp_router(struct backbone *backbone, const struct bmp_router *router,
                             struct stream *stream)
{
    struct bmp_stream *said = bmp_stream_new(backbone, router);
    struct wire wire = {0};
    bool ok = true;

    bmp_stream_begin(said, 0);
    bmp_stream_statistics(said, 0);
    for (size_t i = 0; i < router->peer_count; i++)
        bmp_stream_peer_down(said, &router->peers[i], BMP_DOWN_LOCAL_SYSTEM, 0, 0);
    bmp_write_termination(BMP_CLOSED, NULL, &wire);
    bmp_stream_say(said, &wire);
    while (ok && bmp_stream_fill(said, AT_ONCE, &wire)) {
        ok = write_bmp_messages(stream, &wire);
        wire.length = 0;
    }
    wire_free(&wire);
    bmp_stream_free(said);
    return ok;
}

bool capture_write(struct backbone *backbone, FILE *file)
{
    const struct scenario *scenario = backbone_scenario(backbone);
    struct wire header = {0};
    size_t number = 1;

    packet_file_header(&header);
    bool ok = write_wire(file, &header);

    for (size_t i = 0; ok && i < scenario->reflector_count; i++) {
        struct stream stream = open_stream(file, number++, BGP_PORT, 1);

        ok = write_reflector(backbone, i, &stream);
    }
    for (size_t i = 0; ok && i < scenario->bmp_router_count; i++) {
        struct stream stream = open_stream(file, number++, BMP_PORT, 0);

        ok = write_bmp_router(backbone, &scenario->bmp_routers[i], &stream);
    }
    return ok && fflush(file) == 0;
}
