/* message: BGP-4 on the wire.
 *
 * The packer writes straight into the caller's octets, so a table of a million routes is built without a
 * copy: the message stays open while NLRIs fit, its lengths are filled in when it ends. Where NLRIs stand
 * differs by family and direction:
 *
 *     IPv4 announced   header │ 0 │ length, attributes │ NLRIs
 *     IPv4 withdrawn   header │ length, NLRIs │ 0
 *     other announced  header │ 0 │ length, MP_REACH [ … NLRIs ] attributes     MP first: RFC 7606 section 5.1
 *     other withdrawn  header │ 0 │ length, MP_UNREACH [ … NLRIs ] */
#include "message.h"

#include <assert.h>
#include <string.h>

enum {
    ATTRIBUTE_ORIGIN = 1,
    ATTRIBUTE_AS_PATH = 2,
    ATTRIBUTE_NEXT_HOP = 3,
    ATTRIBUTE_MED = 4,
    ATTRIBUTE_LOCAL_PREF = 5,
    ATTRIBUTE_COMMUNITIES = 8,
    ATTRIBUTE_ORIGINATOR_ID = 9,
    ATTRIBUTE_CLUSTER_LIST = 10,
    ATTRIBUTE_MP_REACH = 14,
    ATTRIBUTE_MP_UNREACH = 15,
    ATTRIBUTE_LINK_STATE = 29,

    FLAGS_WELL_KNOWN = 0x40,
    FLAGS_OPTIONAL = 0x80,
    FLAGS_OPTIONAL_TRANSITIVE = 0xc0,
    FLAG_LONG = 0x10, // the length has 2 octets

    CAPABILITY_MULTIPROTOCOL = 1,
    CAPABILITY_ROUTE_REFRESH = 2,
    CAPABILITY_GRACEFUL_RESTART = 64,
    CAPABILITY_AS4 = 65,

    AS_TRANS = 23456,
    AS_SEQUENCE = 2,
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

static size_t begin_message(unsigned type, struct wire *out)
{
    size_t message = out->length;

    wire_put(out, UINT64_MAX, 8);
    wire_put(out, UINT64_MAX, 8);
    wire_put(out, 0, 2);
    wire_put(out, type, 1);
    return message;
}

static void end_message(struct wire *out, size_t message)
{
    size_t length = out->length - message;

    assert(length <= MESSAGE_LIMIT);
    out->bytes[message + 16] = (uint8_t)(length >> 8);
    out->bytes[message + 17] = (uint8_t)length;
}

static void put_family(struct wire *out, enum family family)
{
    wire_put(out, afi_safis[family].afi, 2);
    wire_put(out, afi_safis[family].safi, 1);
}

// ---- messages without routes

static void put_capabilities(const struct reflector *reflector, struct wire *out)
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
    wire_put(out, CAPABILITY_ROUTE_REFRESH, 1);
    wire_put(out, 0, 1);
    wire_put(out, CAPABILITY_AS4, 1);
    wire_put(out, 4, 1);
    wire_put(out, reflector->as, 4);
    if (!reflector->restart_time_s)
        return;
    wire_put(out, CAPABILITY_GRACEFUL_RESTART, 1);
    size_t place = wire_open(out, 1);

    wire_put(out, reflector->restart_time_s, 2); // neither R nor N
    for (enum family family = 0; family < FAMILIES; family++) {
        if (reflector->families[family]) {
            put_family(out, family);
            wire_put(out, 0x80, 1); // forwarding kept
        }
    }
    wire_close(out, place, 1);
}

void message_open(const struct reflector *reflector, struct wire *out)
{
    size_t message = begin_message(MESSAGE_OPEN, out);

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
    end_message(out, message);
}

void message_keepalive(struct wire *out)
{
    end_message(out, begin_message(MESSAGE_KEEPALIVE, out));
}

void message_notification(unsigned code, struct wire *out)
{
    size_t message = begin_message(MESSAGE_NOTIFICATION, out);

    wire_put(out, code, 2);
    end_message(out, message);
}

void message_end_of_rib(enum family family, struct wire *out)
{
    size_t message = begin_message(MESSAGE_UPDATE, out);

    wire_put(out, 0, 2);
    if (family == FAMILY_IPV4) {
        wire_put(out, 0, 2);
    } else {
        wire_put(out, 6, 2);
        wire_put(out, FLAGS_OPTIONAL, 1);
        wire_put(out, ATTRIBUTE_MP_UNREACH, 1);
        wire_put(out, 3, 1);
        put_family(out, family);
    }
    end_message(out, message);
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
    *notify = NOTIFY_OPEN_CAPABILITY;
    if (!open.has_as4)
        return error_set(err, ERROR_INPUT,
                         "OPEN: no capability 65; 4-octet AS numbers (RFC 6793) expected");
    *out = open;
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

// ---- path attributes

static void put_attribute(struct wire *out, unsigned flags, unsigned type, const void *value,
                          size_t length)
{
    bool is_long = length > UINT8_MAX;

    wire_put(out, flags | (is_long ? FLAG_LONG : 0u), 1);
    wire_put(out, type, 1);
    wire_put(out, length, is_long ? 2 : 1);
    wire_put_bytes(out, value, length);
}

static void put_number_attribute(struct wire *out, unsigned flags, unsigned type, uint64_t value,
                                 unsigned width)
{
    wire_put(out, flags, 1);
    wire_put(out, type, 1);
    wire_put(out, width, 1);
    wire_put(out, value, width);
}

static void put_list_attribute(struct wire *out, unsigned flags, unsigned type,
                               const uint32_t *numbers, size_t count, bool is_as_path)
{
    size_t length = 4 * count + (is_as_path && count ? 2 : 0);
    bool is_long = length > UINT8_MAX;

    wire_put(out, flags | (is_long ? FLAG_LONG : 0u), 1);
    wire_put(out, type, 1);
    wire_put(out, length, is_long ? 2 : 1);
    if (is_as_path && count) {
        wire_put(out, AS_SEQUENCE, 1);
        wire_put(out, count, 1);
    }
    for (size_t i = 0; i < count; i++)
        wire_put(out, numbers[i], 4);
}

void message_path_attributes(const struct scenario *scenario, const struct reflector *reflector,
                             const struct path *path, enum family family, struct wire *out)
{
    put_number_attribute(out, FLAGS_WELL_KNOWN, ATTRIBUTE_ORIGIN, path->origin, 1);
    put_list_attribute(out, FLAGS_WELL_KNOWN, ATTRIBUTE_AS_PATH, path->as_path, path->as_count,
                       true);
    if (family == FAMILY_IPV4)
        put_attribute(out, FLAGS_WELL_KNOWN, ATTRIBUTE_NEXT_HOP, path->next_hop[0].bytes, 4);
    if (path->has_med)
        put_number_attribute(out, FLAGS_OPTIONAL, ATTRIBUTE_MED, path->med, 4);
    put_number_attribute(out, FLAGS_WELL_KNOWN, ATTRIBUTE_LOCAL_PREF, path->local_pref, 4);
    if (path->community_count)
        put_list_attribute(out, FLAGS_OPTIONAL_TRANSITIVE, ATTRIBUTE_COMMUNITIES, path->communities,
                           path->community_count, false);
    put_attribute(out, FLAGS_OPTIONAL, ATTRIBUTE_ORIGINATOR_ID,
                  scenario->vertices[path->router].ipv4.bytes, 4);
    put_attribute(out, FLAGS_OPTIONAL, ATTRIBUTE_CLUSTER_LIST, reflector->cluster_id.bytes, 4);
}

void message_link_state_attributes(const struct wire *contents, struct wire *out)
{
    put_number_attribute(out, FLAGS_WELL_KNOWN, ATTRIBUTE_ORIGIN, ORIGIN_IGP, 1);
    put_list_attribute(out, FLAGS_WELL_KNOWN, ATTRIBUTE_AS_PATH, NULL, 0, true);
    put_number_attribute(out, FLAGS_WELL_KNOWN, ATTRIBUTE_LOCAL_PREF, 100, 4);
    put_attribute(out, FLAGS_OPTIONAL, ATTRIBUTE_LINK_STATE, contents->bytes, contents->length);
}

// ---- packing

struct packer packer_begin(struct wire *out, enum family family, const struct wire *attributes,
                           const struct net *next_hop)
{
    return (struct packer){.out = out,
                           .family = family,
                           .attributes = attributes,
                           .next_hop = next_hop,
                           .message = SIZE_MAX};
}

/* Everything of the message that stands before its NLRIs. */
static void open_update(struct packer *packer)
{
    struct wire *out = packer->out;
    bool announces = packer->attributes != NULL;

    packer->message = begin_message(MESSAGE_UPDATE, out);
    if (packer->family == FAMILY_IPV4) {
        packer->lengths[0] = wire_open(out, 2); // of withdrawn routes
        if (announces) {
            wire_put(out, packer->attributes->length, 2);
            wire_put_bytes(out, packer->attributes->bytes, packer->attributes->length);
        }
        return;
    }
    wire_put(out, 0, 2);
    packer->lengths[0] = wire_open(out, 2); // of attributes
    wire_put(out, FLAGS_OPTIONAL | FLAG_LONG, 1);
    wire_put(out, announces ? ATTRIBUTE_MP_REACH : ATTRIBUTE_MP_UNREACH, 1);
    packer->lengths[1] = wire_open(out, 2);
    put_family(out, packer->family);
    if (announces) {
        unsigned octets = net_bits(packer->next_hop) / 8;

        wire_put(out, octets, 1);
        wire_put_bytes(out, packer->next_hop->bytes, octets);
        wire_put(out, 0, 1);
    }
}

static void close_update(struct packer *packer)
{
    struct wire *out = packer->out;

    if (packer->family == FAMILY_IPV4) {
        if (!packer->attributes) {
            wire_close(out, packer->lengths[0], 2);
            wire_put(out, 0, 2);
        }
    } else {
        wire_close(out, packer->lengths[1], 2);
        if (packer->attributes)
            wire_put_bytes(out, packer->attributes->bytes, packer->attributes->length);
        wire_close(out, packer->lengths[0], 2);
    }
    end_message(out, packer->message);
    packer->message = SIZE_MAX;
}

/* Octets that the message will have when it ends now. */
static size_t ended_length(const struct packer *packer)
{
    size_t length = packer->out->length - packer->message;

    if (packer->family == FAMILY_IPV4)
        return packer->attributes ? length : length + 2;
    return packer->attributes ? length + packer->attributes->length : length;
}

void packer_add(struct packer *packer, const uint8_t *nlri, size_t length)
{
    if (packer->message != SIZE_MAX && ended_length(packer) + length > MESSAGE_LIMIT)
        close_update(packer);
    if (packer->message == SIZE_MAX)
        open_update(packer);
    wire_put_bytes(packer->out, nlri, length);
}

void packer_add_net(struct packer *packer, const struct net *net)
{
    uint8_t nlri[17];
    size_t octets = (net->length_bits + 7u) / 8;

    nlri[0] = net->length_bits;
    memcpy(nlri + 1, net->bytes, octets);
    packer_add(packer, nlri, 1 + octets);
}

void packer_end(struct packer *packer)
{
    if (packer->message != SIZE_MAX)
        close_update(packer);
}
