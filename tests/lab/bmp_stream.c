/* bmp_stream: a queue of what is to be said, wrapped message by message as it goes out.
 *
 * One copy of each UPDATE is made, into the octets that the socket is given next. References to the blob's
 * own octets with a header between any two would need two pieces a message: for messages of a hundred
 * octets that costs more than the copy. */
#include "bmp_stream.h"

#include "lib/arena.h"
#include "message.h"
#include "two_octet_as.h"

#include <stdlib.h>
#include <string.h>

struct item {
    struct item *next;
    struct blob *blob;
    size_t at;       // octets of the blob that have been said
    size_t messages; // of it that have not
    bool wrapped;    // UPDATEs of a peer: the header goes in front of each
    bool mirrored;   // and goes before that in Route Mirroring
    uint8_t header[BMP_PEER_HEADER];
};

struct bmp_stream {
    struct backbone *backbone;
    const struct bmp_router *router;
    struct item *first, **last;
    uint64_t messages;
};

enum { MIRROR_HEADERS = BMP_COMMON_HEADER + BMP_PEER_HEADER + 4 };

static struct item *item_add(struct bmp_stream *stream, struct blob *blob)
{
    struct item *item = memory_alloc(1, sizeof *item);

    item->blob = blob;
    item->messages = blob->messages;
    *stream->last = item;
    stream->last = &item->next;
    return item;
}

static void item_drop(struct bmp_stream *stream)
{
    struct item *item = stream->first;

    stream->first = item->next;
    if (!stream->first)
        stream->last = &stream->first;
    blob_unref(item->blob);
    free(item);
}

void bmp_stream_say(struct bmp_stream *stream, struct wire *octets)
{
    if (octets->length)
        (void)item_add(stream, blob_of_octets(octets));
    wire_free(octets);
}

/* Takes the reference. */
static void say_updates(struct bmp_stream *stream, const struct bmp_peer *peer, enum bmp_view view,
                        struct blob *blob, uint64_t time_us)
{
    if (peer->narrows && blob->length) {
        struct wire wire = {0};

        two_octet_as_write(blob->bytes, blob->length, &wire);
        blob_unref(blob);
        blob = blob_of_messages(&wire);
    }
    if (!blob->length) {
        blob_unref(blob);
        return;
    }
    struct item *item = item_add(stream, blob);

    item->wrapped = true;
    item->mirrored = peer->mirror && view == BMP_PRE_POLICY;
    bmp_peer_header(peer, view, time_us, item->header);
}

static bool has_family(const struct bmp_stream *stream, const struct bmp_peer *peer,
                       enum bmp_view view, enum family family)
{
    const struct scenario *scenario = backbone_scenario(stream->backbone);

    return peer->table[view] != SIZE_MAX && peer->families[family] &&
           scenario->reflectors[peer->table[view]].families[family];
}

static void say_tables(struct bmp_stream *stream, const struct bmp_peer *peer, uint64_t time_us)
{
    for (enum bmp_view view = 0; view < BMP_VIEWS; view++) {
        for (enum family family = 0; family < FAMILIES; family++) {
            struct wire wire = {0};

            if (!has_family(stream, peer, view, family))
                continue;
            say_updates(stream, peer, view,
                        backbone_table(stream->backbone, peer->table[view], family), time_us);
            if (!peer->end_of_rib)
                continue;
            message_end_of_rib(&backbone_scenario(stream->backbone)->reflectors[peer->table[view]],
                               family, &wire);
            say_updates(stream, peer, view, blob_of_messages(&wire), time_us);
        }
    }
}

static void say_peer_up(struct bmp_stream *stream, const struct bmp_peer *peer, uint64_t time_us)
{
    struct wire wire = {0};

    bmp_write_peer_up(stream->router, peer, time_us, &wire);
    bmp_stream_say(stream, &wire);
}

void bmp_stream_peer_up(struct bmp_stream *stream, const struct bmp_peer *peer, uint64_t time_us)
{
    say_peer_up(stream, peer, time_us);
    say_tables(stream, peer, time_us);
}

void bmp_stream_begin(struct bmp_stream *stream, uint64_t time_us)
{
    const struct bmp_router *router = stream->router;
    struct wire wire = {0};

    bmp_write_initiation(router, &wire);
    bmp_stream_say(stream, &wire);
    for (size_t i = 0; i < router->peer_count; i++) {
        if (!router->peers[i].down)
            say_peer_up(stream, &router->peers[i], time_us);
    }
    for (size_t i = 0; i < router->peer_count; i++) {
        if (!router->peers[i].down)
            say_tables(stream, &router->peers[i], time_us);
    }
}

size_t bmp_stream_update(struct bmp_stream *stream, struct blob *const *updates, uint64_t time_us)
{
    const struct bmp_router *router = stream->router;
    size_t messages = 0;

    for (size_t i = 0; i < router->peer_count; i++) {
        const struct bmp_peer *peer = &router->peers[i];

        for (enum bmp_view view = 0; view < BMP_VIEWS && !peer->down; view++) {
            for (enum family family = 0; family < FAMILIES; family++) {
                if (!has_family(stream, peer, view, family))
                    continue;
                struct blob *blob = updates[peer->table[view] * FAMILIES + family];

                if (!blob)
                    continue;
                messages += blob->messages;
                say_updates(stream, peer, view, blob_ref(blob), time_us);
            }
        }
    }
    return messages;
}

void bmp_stream_peer_down(struct bmp_stream *stream, const struct bmp_peer *peer,
                          enum bmp_down reason, unsigned code, uint64_t time_us)
{
    struct wire wire = {0};

    bmp_write_peer_down(peer, reason, code, time_us, &wire);
    bmp_stream_say(stream, &wire);
}

void bmp_stream_statistics(struct bmp_stream *stream, uint64_t time_us)
{
    const struct bmp_router *router = stream->router;
    struct wire wire = {0};

    for (size_t i = 0; i < router->peer_count; i++) {
        const struct bmp_peer *peer = &router->peers[i];
        size_t table = SIZE_MAX, routes[FAMILIES] = {0};

        for (size_t view = 0; view < BMP_VIEWS && table == SIZE_MAX; view++)
            table = peer->table[view];
        if (peer->down || table == SIZE_MAX)
            continue;
        for (enum family family = 0; family < FAMILIES; family++)
            routes[family] = backbone_count(stream->backbone, table, family);
        bmp_write_statistics(peer, routes, time_us, &wire);
    }
    bmp_stream_say(stream, &wire);
}

// ---- out

static void wrap(const struct item *item, const uint8_t *message, size_t length, struct wire *out)
{
    uint8_t common[BMP_COMMON_HEADER];

    if (item->mirrored) {
        bmp_common_header(MIRROR_HEADERS + length, BMP_MIRRORING, common);
        wire_put_bytes(out, common, sizeof common);
        wire_put_bytes(out, item->header, sizeof item->header);
        wire_tlv(out, 0, message, length);
    }
    bmp_common_header(sizeof common + sizeof item->header + length, BMP_ROUTE_MONITORING, common);
    wire_put_bytes(out, common, sizeof common);
    wire_put_bytes(out, item->header, sizeof item->header);
    wire_put_bytes(out, message, length);
}

/* Whole messages of the item until `limit` octets are in *out. */
static void fill_wrapped(struct bmp_stream *stream, struct item *item, size_t limit,
                         struct wire *out)
{
    const struct blob *blob = item->blob;

    while (item->at < blob->length && out->length < limit) {
        const uint8_t *message = blob->bytes + item->at;
        size_t length = (size_t)(message[16] << 8 | message[17]);

        wrap(item, message, length, out);
        item->at += length;
        item->messages--;
        stream->messages++;
    }
}

size_t bmp_stream_fill(struct bmp_stream *stream, size_t about, struct wire *out)
{
    size_t before = out->length, limit = before + about;

    while (stream->first && out->length < limit) {
        struct item *item = stream->first;

        if (item->wrapped) {
            fill_wrapped(stream, item, limit, out);
        } else {
            wire_put_bytes(out, item->blob->bytes, item->blob->length);
            item->at = item->blob->length;
        }
        if (item->at == item->blob->length)
            item_drop(stream);
    }
    return out->length - before;
}

size_t bmp_stream_pending(const struct bmp_stream *stream)
{
    size_t octets = 0;

    for (const struct item *item = stream->first; item; item = item->next) {
        size_t left = item->blob->length - item->at;

        octets += left;
        if (item->wrapped)
            octets += item->messages * (BMP_COMMON_HEADER + BMP_PEER_HEADER);
        if (item->mirrored)
            octets += left + item->messages * MIRROR_HEADERS;
    }
    return octets;
}

uint64_t bmp_stream_messages(const struct bmp_stream *stream)
{
    return stream->messages;
}

struct bmp_stream *bmp_stream_new(struct backbone *backbone, const struct bmp_router *router)
{
    struct bmp_stream *stream = memory_alloc(1, sizeof *stream);

    stream->backbone = backbone;
    stream->router = router;
    stream->last = &stream->first;
    return stream;
}

void bmp_stream_free(struct bmp_stream *stream)
{
    if (!stream)
        return;
    while (stream->first)
        item_drop(stream);
    free(stream);
}
