/* two_octet_as: AS_PATH narrowed, AS4_PATH added.
 *
 * An UPDATE is taken apart into what stands before its attributes, the attributes, and its IPv4 NLRIs;
 * AS_PATH is replaced and the rest put together again. With AS4_PATH behind it a message may become too
 * long: then half of its NLRIs go into a message of their own, and so on. */
#include "two_octet_as.h"

#include "cut.h"
#include "message.h"

#include <string.h>

enum {
    ATTRIBUTE_AS_PATH = 2,
    ATTRIBUTE_MP_REACH = 14,
    ATTRIBUTE_AS4_PATH = 17,
    FLAG_LONG = 0x10,
    FLAGS_OPTIONAL_TRANSITIVE = 0xc0,
    AS_TRANS = 23456,
};

struct update {
    struct cut withdrawn, attributes, nlris;
};

static bool read_update(const uint8_t *message, size_t length, struct update *out)
{
    struct cut cut = {.at = message, .left = length};

    (void)cut_bytes(&cut, MESSAGE_HEADER);
    out->withdrawn = cut_sub(&cut, cut_uint(&cut, 2));
    out->attributes = cut_sub(&cut, cut_uint(&cut, 2));
    out->nlris = cut;
    return !cut.failed && message[18] == MESSAGE_UPDATE;
}

struct attribute {
    uint8_t flags, type;
    struct cut value;
};

static bool next_attribute(struct cut *attributes, struct attribute *out)
{
    if (!attributes->left)
        return false;
    out->flags = (uint8_t)cut_uint(attributes, 1);
    out->type = (uint8_t)cut_uint(attributes, 1);
    out->value = cut_sub(attributes, cut_uint(attributes, out->flags & FLAG_LONG ? 2 : 1));
    return !attributes->failed;
}

static void put_attribute(unsigned flags, unsigned type, const uint8_t *value, size_t length,
                          struct wire *out)
{
    bool is_long = length > UINT8_MAX;

    flags = (flags & ~(unsigned)FLAG_LONG) | (is_long ? FLAG_LONG : 0u);
    wire_put(out, flags, 1);
    wire_put(out, type, 1);
    wire_put(out, length, is_long ? 2 : 1);
    wire_put_bytes(out, value, length);
}

/* Segments of 2-octet numbers into *out. *wide: a number did not fit. false: no segments. */
static bool narrow_segments(struct cut segments, struct wire *out, bool *wide)
{
    while (segments.left) {
        wire_put(out, cut_uint(&segments, 1), 1);
        uint64_t count = cut_uint(&segments, 1);

        wire_put(out, count, 1);
        for (uint64_t i = 0; i < count && !segments.failed; i++) {
            uint64_t number = cut_uint(&segments, 4);

            *wide |= number > UINT16_MAX;
            wire_put(out, number > UINT16_MAX ? AS_TRANS : number, 2);
        }
    }
    return !segments.failed;
}

/* The attributes with AS_PATH narrowed and AS4_PATH last; false: one that cannot be read. */
static bool narrow_attributes(struct cut attributes, struct wire *out)
{
    struct cut four = {0};
    struct attribute it;
    bool wide = false, ok = true;

    while (ok && next_attribute(&attributes, &it)) {
        struct wire narrow = {0};

        if (it.type == ATTRIBUTE_AS_PATH) {
            ok = narrow_segments(it.value, &narrow, &wide);
            four = it.value;
            put_attribute(it.flags, it.type, narrow.bytes, narrow.length, out);
        } else {
            put_attribute(it.flags, it.type, it.value.at, it.value.left, out);
        }
        wire_free(&narrow);
    }
    if (wide)
        put_attribute(FLAGS_OPTIONAL_TRANSITIVE, ATTRIBUTE_AS4_PATH, four.at, four.left, out);
    return ok && !attributes.failed;
}

static void write_update(struct cut withdrawn, const struct wire *attributes, struct cut nlris,
                         struct wire *out)
{
    size_t length = MESSAGE_HEADER + 4 + withdrawn.left + attributes->length + nlris.left;

    wire_put(out, UINT64_MAX, 8);
    wire_put(out, UINT64_MAX, 8);
    wire_put(out, length, 2);
    wire_put(out, MESSAGE_UPDATE, 1);
    wire_put(out, withdrawn.left, 2);
    wire_put_bytes(out, withdrawn.at, withdrawn.left);
    wire_put(out, attributes->length, 2);
    wire_put_bytes(out, attributes->bytes, attributes->length);
    wire_put_bytes(out, nlris.at, nlris.left);
}

/* As many whole NLRIs of the front as fit `limit` octets; at least one. */
static size_t fitting(struct cut nlris, size_t limit)
{
    const uint8_t *begin = nlris.at;
    size_t taken = 0;

    while (nlris.left) {
        (void)cut_bytes(&nlris, (cut_uint(&nlris, 1) + 7) / 8);
        size_t length = nlris.failed ? 0 : (size_t)(nlris.at - begin);

        if (!length || (taken && length > limit))
            break;
        taken = length;
    }
    return taken;
}

/* IPv4: the NLRIs stand last, each message takes what there is room for. */
static bool write_ipv4(struct update update, const struct wire *attributes, struct wire *out)
{
    size_t fixed = MESSAGE_HEADER + 4 + update.withdrawn.left + attributes->length;

    while (update.nlris.left) {
        size_t room = fixed < MESSAGE_LIMIT ? MESSAGE_LIMIT - fixed : 0;
        size_t part = fitting(update.nlris, room);

        if (!part)
            return false;
        write_update(update.withdrawn, attributes, cut_sub(&update.nlris, part), out);
    }
    return true;
}

/* The others: MP_REACH is written anew for each part of its NLRIs. */
static bool write_others(const struct update *update, const struct wire *attributes,
                         struct wire *out)
{
    struct cut cut = {.at = attributes->bytes, .left = attributes->length}, reach = {0};
    struct wire rest = {0}, part = {0};
    struct attribute it;

    while (next_attribute(&cut, &it)) {
        if (it.type == ATTRIBUTE_MP_REACH)
            reach = it.value;
        else
            put_attribute(it.flags, it.type, it.value.at, it.value.left, &rest);
    }
    const uint8_t *head = reach.at;
    struct cut nlris = reach;

    (void)cut_bytes(&nlris, 3);
    (void)cut_bytes(&nlris, cut_uint(&nlris, 1) + 1);
    size_t head_length = reach.left - nlris.left;
    size_t fixed = MESSAGE_HEADER + 4 + update->withdrawn.left + rest.length + 4 + head_length;
    bool ok = !nlris.failed && nlris.left > 0;

    while (ok && nlris.left) {
        size_t length = fitting(nlris, fixed < MESSAGE_LIMIT ? MESSAGE_LIMIT - fixed : 0);
        struct wire value = {0};

        ok = length > 0;
        wire_put_bytes(&value, head, head_length);
        wire_put_bytes(&value, cut_bytes(&nlris, length), length);
        part.length = 0;
        put_attribute(0x80, ATTRIBUTE_MP_REACH, value.bytes, value.length, &part);
        wire_put_bytes(&part, rest.bytes, rest.length);
        if (ok)
            write_update(update->withdrawn, &part, (struct cut){0}, out);
        wire_free(&value);
    }
    wire_free(&rest);
    wire_free(&part);
    return ok;
}

static bool narrow(const uint8_t *message, size_t length, struct wire *out)
{
    struct wire attributes = {0};
    struct update update;
    size_t before = out->length;
    bool ok =
        read_update(message, length, &update) && narrow_attributes(update.attributes, &attributes);

    if (ok) {
        size_t whole =
            MESSAGE_HEADER + 4 + update.withdrawn.left + attributes.length + update.nlris.left;

        if (whole <= MESSAGE_LIMIT)
            write_update(update.withdrawn, &attributes, update.nlris, out);
        else if (update.nlris.left)
            ok = write_ipv4(update, &attributes, out);
        else
            ok = write_others(&update, &attributes, out);
    }
    if (!ok)
        out->length = before;
    wire_free(&attributes);
    return ok;
}

void two_octet_as_write(const uint8_t *messages, size_t length, struct wire *out)
{
    for (size_t at = 0; at < length;) {
        size_t message = (size_t)(messages[at + 16] << 8 | messages[at + 17]);

        if (!narrow(messages + at, message, out))
            wire_put_bytes(out, messages + at, message);
        at += message;
    }
}
