/* capture: a pcap file of raw IPv4 packets, one BGP message each.
 *
 * Checksums are left 0, which tshark takes for "not computed"; sequence numbers run, so that it follows
 * the stream. */
#include "capture.h"

#include "message.h"

#include <string.h>

enum { LINK_TYPE_RAW = 101, IP_HEADER = 20, TCP_HEADER = 20, BGP_PORT = 179, PEER_PORT = 40000 };

struct stream {
    FILE *file;
    uint32_t number; // the n-th reflector: 192.0.2.n
    uint32_t sequence;
    uint32_t seconds;
};

static void put_little(struct wire *wire, uint32_t value, unsigned width)
{
    for (unsigned i = 0; i < width; i++)
        wire_put(wire, value >> (8 * i) & 0xff, 1);
}

static bool write_wire(FILE *file, struct wire *wire)
{
    bool ok = fwrite(wire->bytes, 1, wire->length, file) == wire->length;

    wire_free(wire);
    return ok;
}

static bool write_file_header(FILE *file)
{
    struct wire wire = {0};

    put_little(&wire, 0xa1b2c3d4, 4);
    put_little(&wire, 2, 2);
    put_little(&wire, 4, 2);
    put_little(&wire, 0, 4);
    put_little(&wire, 0, 4);
    put_little(&wire, 65535, 4);
    put_little(&wire, LINK_TYPE_RAW, 4);
    return write_wire(file, &wire);
}

static bool write_packet(struct stream *stream, const uint8_t *message, size_t length)
{
    const uint32_t total = (uint32_t)length + IP_HEADER + TCP_HEADER;
    struct wire wire = {0};

    put_little(&wire, stream->seconds++, 4);
    put_little(&wire, 0, 4);
    put_little(&wire, total, 4);
    put_little(&wire, total, 4);

    wire_put(&wire, 0x4500, 2); // version 4, header of 5 words
    wire_put(&wire, total, 2);
    wire_put(&wire, 0, 4);      // no fragments
    wire_put(&wire, 0x4006, 2); // TTL 64, TCP
    wire_put(&wire, 0, 2);
    wire_put(&wire, 0xc0000200 + stream->number, 4); // 192.0.2.n
    wire_put(&wire, 0xc0000264, 4);                  // 192.0.2.100

    wire_put(&wire, BGP_PORT, 2);
    wire_put(&wire, PEER_PORT + stream->number, 2);
    wire_put(&wire, stream->sequence, 4);
    wire_put(&wire, 1, 4);
    wire_put(&wire, 0x5018, 2); // header of 5 words; PSH, ACK
    wire_put(&wire, 65535, 2);
    wire_put(&wire, 0, 4);
    wire_put_bytes(&wire, message, length);
    stream->sequence += (uint32_t)length;
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
            message_end_of_rib(family, &wire);
        ok = write_messages(stream, table->bytes, table->length) &&
             write_messages(stream, wire.bytes, wire.length);
        blob_unref(table);
    }
    wire_free(&wire);
    return ok;
}

bool capture_write(struct backbone *backbone, FILE *stream)
{
    bool ok = write_file_header(stream);

    for (size_t i = 0; ok && i < backbone_scenario(backbone)->reflector_count; i++) {
        struct stream of_reflector = {.file = stream, .number = (uint32_t)i + 1, .sequence = 1};

        ok = write_reflector(backbone, i, &of_reflector);
    }
    return ok && fflush(stream) == 0;
}
