/* message: OPENs and the other small messages, ours and the peer's. */
#include "message.h"

#include <assert.h>
#include <string.h>

enum {
    ATTRIBUTE_MP_UNREACH = 15,
    FLAGS_OPTIONAL = 0x80,
    FLAG_LONG = 0x10,

    CAPABILITY_MULTIPROTOCOL = 1,
    CAPABILITY_ROUTE_REFRESH = 2,
    CAPABILITY_EXTENDED_NEXT_HOP = 5,
    CAPABILITY_GRACEFUL_RESTART = 64,
    CAPABILITY_AS4 = 65,
    CAPABILITY_ADD_PATH = 69,
    CAPABILITY_ENHANCED_REFRESH = 70,
    CAPABILITY_LONG_LIVED = 71,

    RESTART_STATE = 0x8000,        // R
    RESTART_NOTIFICATION = 0x4000, // N
    FORWARDING_STATE = 0x80,       // F
    ADD_PATH_RECEIVES = 1,
    ADD_PATH_SENDS = 2,
    ADD_PATH_BOTH = 3,

    AS_TRANS = 23456,
    BGP_VERSION = 4,
};

static const struct afi_safi {
    uint16_t afi;
    uint8_t safi;
} afi_safis[FAMILIES] = {
    [FAMILY_LS] = {16388, 71},
    [FAMILY_IPV4] = {1, 1},
    [FAMILY_IPV6] = {2, 1},
};

size_t message_begin(unsigned type, struct wire *out)
{
    size_t message = out->length;

    wire_put(out, UINT64_MAX, 8);
    wire_put(out, UINT64_MAX, 8);
    wire_put(out, 0, 2);
    wire_put(out, type, 1);
    return message;
}

void message_end(struct wire *out, size_t message)
{
    size_t length = out->length - message;

    assert(length <= MESSAGE_LIMIT);
    out->bytes[message + 16] = (uint8_t)(length >> 8);
    out->bytes[message + 17] = (uint8_t)length;
}

void message_put_family(struct wire *out, enum family family)
{
    wire_put(out, afi_safis[family].afi, 2);
    wire_put(out, afi_safis[family].safi, 1);
}

// ---- messages without routes

static void put_families(const struct reflector *reflector, struct wire *out)
{
    for (enum family family = 0; family < FAMILIES; family++) {
        if (!reflector->families[family])
            continue;
        wire_put(out, CAPABILITY_MULTIPROTOCOL, 1);
        wire_put(out, 4, 1);
        wire_put(out, afi_safis[family].afi, 2);
        wire_put(out, 0, 1);
        wire_put(out, afi_safis[family].safi, 1);
    }
}

static void put_graceful_restart(const struct reflector *reflector, struct wire *out)
{
    wire_put(out, CAPABILITY_GRACEFUL_RESTART, 1);
    size_t place = wire_open(out, 1);

    wire_put(out,
             reflector->restart_time_s | (reflector->restarting ? RESTART_STATE : 0u) |
                 (reflector->notification_restart ? RESTART_NOTIFICATION : 0u),
             2);
    for (enum family family = 0; family < FAMILIES; family++) {
        if (reflector->families[family]) {
            message_put_family(out, family);
            wire_put(out, reflector->forwarding[family] ? FORWARDING_STATE : 0, 1);
        }
    }
    wire_close(out, place, 1);
}

static void put_add_path(const struct reflector *reflector, struct wire *out)
{
    wire_put(out, CAPABILITY_ADD_PATH, 1);
    size_t place = wire_open(out, 1);

    for (enum family family = 0; family < FAMILIES; family++) {
        if (reflector->add_path[family]) {
            message_put_family(out, family);
            wire_put(out, ADD_PATH_SENDS, 1);
        }
    }
    wire_close(out, place, 1);
}

static void put_long_lived(const struct reflector *reflector, struct wire *out)
{
    wire_put(out, CAPABILITY_LONG_LIVED, 1);
    size_t place = wire_open(out, 1);

    for (enum family family = 0; family < FAMILIES; family++) {
        if (reflector->families[family]) {
            message_put_family(out, family);
            wire_put(out, reflector->forwarding[family] ? FORWARDING_STATE : 0, 1);
            wire_put(out, reflector->long_lived_s, 3);
        }
    }
    wire_close(out, place, 1);
}

static void put_capabilities(const struct reflector *reflector, struct wire *out)
{
    const uint8_t *add_path = reflector->add_path;

    put_families(reflector, out);
    wire_put(out, CAPABILITY_ROUTE_REFRESH << 8, 2);
    if (reflector->form.ipv6_next_hop) {
        wire_put(out, CAPABILITY_EXTENDED_NEXT_HOP << 8 | 6, 2);
        wire_put(out, 0x000100010002, 6); // AFI 1, SAFI 1, next hop of AFI 2
    }
    if (!reflector->two_octet_as) {
        wire_put(out, CAPABILITY_AS4 << 8 | 4, 2);
        wire_put(out, reflector->as, 4);
    }
    if (reflector->restart_time_s)
        put_graceful_restart(reflector, out);
    if (add_path[FAMILY_LS] || add_path[FAMILY_IPV4] || add_path[FAMILY_IPV6])
        put_add_path(reflector, out);
    if (reflector->enhanced_refresh)
        wire_put(out, CAPABILITY_ENHANCED_REFRESH << 8, 2);
    if (reflector->long_lived_s)
        put_long_lived(reflector, out);
    for (size_t i = 0; i < reflector->capability_count; i++) {
        const struct raw_capability *raw = &reflector->capabilities[i];

        wire_put(out, raw->code, 1);
        wire_put(out, raw->value.length, 1);
        wire_put_bytes(out, raw->value.bytes, raw->value.length);
    }
}

void message_open(const struct reflector *reflector, struct wire *out)
{
    size_t message = message_begin(MESSAGE_OPEN, out);

    wire_put(out, BGP_VERSION, 1);
    wire_put(out, reflector->as > UINT16_MAX ? AS_TRANS : reflector->as, 2);
    wire_put(out, reflector->hold_time_s, 2);
    wire_put_bytes(out, reflector->router_id.bytes, 4);
    size_t parameters = wire_open(out, 1);

    wire_put(out, 2, 1); // the one parameter in use: capabilities (RFC 5492)
    size_t capabilities = wire_open(out, 1);

    put_capabilities(reflector, out);
    wire_close(out, capabilities, 1);
    wire_close(out, parameters, 1);
    message_end(out, message);
}

void message_keepalive(struct wire *out)
{
    message_end(out, message_begin(MESSAGE_KEEPALIVE, out));
}

void message_notification(unsigned code, struct wire *out)
{
    size_t message = message_begin(MESSAGE_NOTIFICATION, out);

    wire_put(out, code, 2);
    message_end(out, message);
}

void message_end_of_rib(const struct reflector *reflector, enum family family, struct wire *out)
{
    bool is_long = reflector->form.long_lengths;
    size_t message = message_begin(MESSAGE_UPDATE, out);

    wire_put(out, 0, 2);
    if (family == FAMILY_IPV4) {
        wire_put(out, 0, 2);
    } else {
        size_t place = wire_open(out, 2);

        wire_put(out, FLAGS_OPTIONAL | (is_long ? FLAG_LONG : 0u), 1);
        wire_put(out, ATTRIBUTE_MP_UNREACH, 1);
        wire_put(out, 3, is_long ? 2 : 1);
        message_put_family(out, family);
        wire_close(out, place, 2);
    }
    message_end(out, message);
}

void message_of(unsigned type, const uint8_t *body, size_t length, struct wire *out)
{
    size_t message = message_begin(type, out);

    wire_put_bytes(out, body, length);
    message_end(out, message);
}

void message_refresh(enum family family, unsigned subtype, struct wire *out)
{
    size_t message = message_begin(MESSAGE_ROUTE_REFRESH, out);

    wire_put(out, afi_safis[family].afi, 2);
    wire_put(out, subtype, 1);
    wire_put(out, afi_safis[family].safi, 1);
    message_end(out, message);
}

// ---- reading the peer's

/* Eaten from the front; `failed` is sticky and empties it. */
struct cursor {
    const uint8_t *at;
    size_t left;
    bool failed;
};

static const uint8_t *take(struct cursor *cursor, size_t count)
{
    if (count > cursor->left) {
        *cursor = (struct cursor){.failed = true};
        return NULL;
    }
    const uint8_t *bytes = cursor->at;

    cursor->at += count;
    cursor->left -= count;
    return bytes;
}

static uint32_t take_uint(struct cursor *cursor, unsigned width)
{
    const uint8_t *bytes = take(cursor, width);
    uint32_t value = 0;

    for (unsigned i = 0; bytes && i < width; i++)
        value = value << 8 | bytes[i];
    return value;
}

static struct cursor take_sub(struct cursor *cursor, size_t length)
{
    const uint8_t *bytes = take(cursor, length);

    return (struct cursor){.at = bytes, .left = bytes ? length : 0, .failed = !bytes};
}

static enum family find_family(uint32_t afi, uint32_t safi)
{
    enum family family = 0;

    while (family < FAMILIES && (afi_safis[family].afi != afi || afi_safis[family].safi != safi))
        family++;
    return family;
}

static void read_add_path(struct cursor value, struct open *open)
{
    while (value.left) {
        uint32_t afi = take_uint(&value, 2), safi = take_uint(&value, 1);
        uint32_t what = take_uint(&value, 1);
        enum family family = find_family(afi, safi);

        if (!value.failed && family < FAMILIES)
            open->takes_path_ids[family] = what == ADD_PATH_RECEIVES || what == ADD_PATH_BOTH;
    }
}

static void read_capabilities(struct cursor capabilities, struct open *open, bool *failed)
{
    while (capabilities.left) {
        uint32_t code = take_uint(&capabilities, 1);
        struct cursor value = take_sub(&capabilities, take_uint(&capabilities, 1));

        if (code == CAPABILITY_MULTIPROTOCOL) {
            uint32_t afi = take_uint(&value, 2);

            (void)take_uint(&value, 1);
            enum family family = find_family(afi, take_uint(&value, 1));

            if (!value.failed && family < FAMILIES)
                open->families[family] = true;
        } else if (code == CAPABILITY_AS4) {
            uint32_t as = take_uint(&value, 4);

            if (!value.failed) {
                open->has_as4 = true;
                open->as = as;
            }
        } else if (code == CAPABILITY_ENHANCED_REFRESH) {
            open->enhanced_refresh = true;
        } else if (code == CAPABILITY_ADD_PATH) {
            read_add_path(value, open);
        }
    }
    *failed |= capabilities.failed;
}

bool message_parse_open(const uint8_t *body, size_t length, struct open *out, unsigned *notify,
                        struct error *err)
{
    struct cursor cursor = {.at = body, .left = length};
    struct open open = {0};
    uint32_t version = take_uint(&cursor, 1);

    open.as = take_uint(&cursor, 2);
    open.hold_time_s = (uint16_t)take_uint(&cursor, 2);
    const uint8_t *router_id = take(&cursor, 4);
    struct cursor parameters = take_sub(&cursor, take_uint(&cursor, 1));
    bool failed = !router_id || parameters.failed || cursor.left > 0;

    if (!failed)
        memcpy(open.router_id, router_id, 4);
    while (!failed && parameters.left) {
        uint32_t type = take_uint(&parameters, 1);
        struct cursor value = take_sub(&parameters, take_uint(&parameters, 1));

        if (type == 2)
            read_capabilities(value, &open, &failed);
        failed |= parameters.failed;
    }
    *notify = NOTIFY_OPEN_MALFORMED;
    if (failed)
        return error_set(err, ERROR_INPUT, "OPEN: lengths that do not nest");
    *notify = NOTIFY_OPEN_VERSION;
    if (version != BGP_VERSION)
        return error_set(err, ERROR_INPUT, "OPEN: version %u; 4 expected", (unsigned)version);
    *notify = NOTIFY_OPEN_HOLD_TIME;
    if (open.hold_time_s == 1 || open.hold_time_s == 2)
        return error_set(err, ERROR_INPUT, "OPEN: hold time %u; 0, or at least 3 expected",
                         open.hold_time_s);
    *out = open;
    return true;
}

bool message_is_acceptable(const struct reflector *reflector, const struct open *open,
                           unsigned *notify, struct error *err)
{
    uint32_t as = reflector->peer_as;

    if (!open->has_as4 && as > UINT16_MAX)
        as = AS_TRANS;
    *notify = NOTIFY_OPEN_CAPABILITY;
    if (!open->has_as4 && !reflector->two_octet_as)
        return error_set(err, ERROR_INPUT,
                         "OPEN: no capability 65; 4-octet AS numbers (RFC 6793) expected");
    *notify = NOTIFY_OPEN_PEER_AS;
    if (open->as != as)
        return error_set(err, ERROR_INPUT, "OPEN: AS %u; %u expected", open->as, as);
    *notify = NOTIFY_OPEN_CAPABILITY;
    for (enum family family = 0; family < FAMILIES; family++) {
        if (reflector->add_path[family] && open->families[family] && !open->takes_path_ids[family])
            return error_set(err, ERROR_INPUT,
                             "OPEN: no path identifiers for %s; capability 69 (RFC 7911) expected",
                             family_names[family]);
    }
    return true;
}

enum family message_parse_refresh(const uint8_t *body, size_t length)
{
    struct cursor cursor = {.at = body, .left = length};
    uint32_t afi = take_uint(&cursor, 2);

    (void)take_uint(&cursor, 1);
    uint32_t safi = take_uint(&cursor, 1);

    return cursor.failed ? FAMILIES : find_family(afi, safi);
}
