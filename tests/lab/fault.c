/* fault: an UPDATE taken apart, damaged, and put together again.
 *
 * Lengths are written anew from what is there; a fault that wants a wrong one says by how much. */
#include "fault.h"

#include "cut.h"
#include "message.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    ATTRIBUTE_LIMIT = 40,

    ORIGIN = 1,
    AS_PATH = 2,
    NEXT_HOP = 3,
    MED = 4,
    LOCAL_PREF = 5,
    ATOMIC_AGGREGATE = 6,
    AGGREGATOR = 7,
    COMMUNITIES = 8,
    ORIGINATOR_ID = 9,
    CLUSTER_LIST = 10,
    MP_REACH = 14,
    EXTENDED_COMMUNITIES = 16,
    LINK_STATE = 29,
    LARGE_COMMUNITIES = 32,

    WELL_KNOWN = 0x40,
    OPTIONAL = 0x80,
    OPTIONAL_TRANSITIVE = 0xc0,
    LONG = 0x10,

    AFI_IPV4 = 1,
    AFI_LINK_STATE = 16388,
    REACHABILITY = 265,
    IGP_METRIC = 1095,
    MAX_BANDWIDTH = 1089,
    APPLICATION_SPECIFIC = 1122,
};

struct attribute {
    uint8_t flags, type;
    struct wire value;
    int length_error; // what the length says more than there is
};

struct update_parts {
    struct wire withdrawn, nlris; // fields of the message itself
    struct attribute attributes[ATTRIBUTE_LIMIT];
    size_t count;
    size_t id_octets; // of a path identifier before each NLRI
    // what is wrong around them
    bool bad_marker;
    uint8_t message_type;
    int message_length; // 0: right; else the length itself, or negative: so many octets too few
    int withdrawn_error, attributes_error;
    struct wire left_over; // behind the attributes, within their length
};

// ---- taking apart

static void read_attributes(struct cut cut, struct update_parts *update)
{
    while (cut.left && update->count < ATTRIBUTE_LIMIT - 4) { // some faults add one
        struct attribute *attribute = &update->attributes[update->count++];

        attribute->flags = (uint8_t)cut_uint(&cut, 1);
        attribute->type = (uint8_t)cut_uint(&cut, 1);
        struct cut value = cut_sub(&cut, cut_uint(&cut, attribute->flags & LONG ? 2 : 1));

        wire_put_bytes(&attribute->value, value.at, value.left);
    }
}

static bool take_apart(const uint8_t *message, size_t length, struct update_parts *update)
{
    struct cut cut = {.at = message, .left = length};

    (void)cut_bytes(&cut, MESSAGE_HEADER - 1);
    update->message_type = (uint8_t)cut_uint(&cut, 1);
    struct cut withdrawn = cut_sub(&cut, cut_uint(&cut, 2));
    struct cut attributes = cut_sub(&cut, cut_uint(&cut, 2));

    if (cut.failed)
        return false;
    wire_put_bytes(&update->withdrawn, withdrawn.at, withdrawn.left);
    wire_put_bytes(&update->nlris, cut.at, cut.left);
    read_attributes(attributes, update);
    return true;
}

static void free_parts(struct update_parts *update)
{
    for (size_t i = 0; i < update->count; i++)
        wire_free(&update->attributes[i].value);
    wire_free(&update->withdrawn);
    wire_free(&update->nlris);
    wire_free(&update->left_over);
}

// ---- putting together

static void put_length(struct wire *out, size_t right, int error, unsigned width)
{
    size_t wrong = (size_t)((long)right + error);

    wire_put(out, wrong & (width == 1 ? 0xff : 0xffff), width);
}

static void write_attributes(const struct update_parts *update, struct wire *out)
{
    for (size_t i = 0; i < update->count; i++) {
        const struct attribute *attribute = &update->attributes[i];
        bool is_long = attribute->flags & LONG || attribute->value.length > UINT8_MAX;

        wire_put(out, attribute->flags | (is_long ? LONG : 0u), 1);
        wire_put(out, attribute->type, 1);
        put_length(out, attribute->value.length, attribute->length_error, is_long ? 2 : 1);
        wire_put_bytes(out, attribute->value.bytes, attribute->value.length);
    }
    wire_put_bytes(out, update->left_over.bytes, update->left_over.length);
}

static void put_together(const struct update_parts *update, struct wire *out)
{
    struct wire attributes = {0};
    size_t start = out->length;

    write_attributes(update, &attributes);
    wire_put(out, update->bad_marker ? UINT64_MAX >> 8 : UINT64_MAX, 8);
    wire_put(out, UINT64_MAX, 8);
    size_t place = wire_open(out, 2);

    wire_put(out, update->message_type, 1);
    put_length(out, update->withdrawn.length, update->withdrawn_error, 2);
    wire_put_bytes(out, update->withdrawn.bytes, update->withdrawn.length);
    put_length(out, attributes.length, update->attributes_error, 2);
    wire_put_bytes(out, attributes.bytes, attributes.length);
    wire_put_bytes(out, update->nlris.bytes, update->nlris.length);
    wire_free(&attributes);
    size_t length = out->length - start;

    if (update->message_length > 0)
        length = (size_t)update->message_length;
    else
        length -= (size_t)-update->message_length;
    out->bytes[place] = (uint8_t)(length >> 8);
    out->bytes[place + 1] = (uint8_t)length;
}

// ---- places in an UPDATE

static struct attribute *find(struct update_parts *update, unsigned type)
{
    for (size_t i = 0; i < update->count; i++) {
        if (update->attributes[i].type == type)
            return &update->attributes[i];
    }
    return NULL;
}

static bool remove_attribute(struct update_parts *update, unsigned type)
{
    struct attribute *found = find(update, type);

    if (!found)
        return false;
    wire_free(&found->value);
    update->count--;
    memmove(found, found + 1, (size_t)(update->attributes + update->count - found) * sizeof *found);
    return true;
}

static struct attribute *add_attribute(struct update_parts *update, unsigned flags, unsigned type)
{
    assert(update->count < ATTRIBUTE_LIMIT);
    struct attribute *added = &update->attributes[update->count++];

    *added = (struct attribute){.flags = (uint8_t)flags, .type = (uint8_t)type};
    return added;
}

static size_t be16(const uint8_t *at)
{
    return (size_t)(at[0] << 8 | at[1]);
}

static void set16(uint8_t *at, size_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* Octets before the first NLRI of MP_REACH, its path identifier included. */
static size_t mp_head(const struct update_parts *update, const struct attribute *mp)
{
    return 3 + 1 + mp->value.bytes[3] + 1u + update->id_octets;
}

/* MP_REACH with link state in it; *nlri is the first one's place in its value. */
static struct attribute *find_link_state(struct update_parts *update, size_t *nlri)
{
    struct attribute *mp = find(update, MP_REACH);

    if (!mp || be16(mp->value.bytes) != AFI_LINK_STATE)
        return NULL;
    *nlri = mp_head(update, mp);
    return mp->value.length >= *nlri + 13 ? mp : NULL;
}

/* The octets of the first unicast prefix, and how many bits one can have; NULL: there is none. */
static uint8_t *find_prefix(struct update_parts *update, unsigned *bits)
{
    struct attribute *mp = find(update, MP_REACH);

    *bits = 32;
    if (update->nlris.length > update->id_octets)
        return update->nlris.bytes + update->id_octets;
    if (!mp || be16(mp->value.bytes) == AFI_LINK_STATE)
        return NULL;
    *bits = be16(mp->value.bytes) == AFI_IPV4 ? 32 : 128;
    return mp_head(update, mp) < mp->value.length ? mp->value.bytes + mp_head(update, mp) : NULL;
}

/* Replaces `removed` octets at the place by others. */
static void splice(struct wire *wire, size_t place, size_t removed, const void *bytes,
                   size_t length)
{
    struct wire copy = {0};

    wire_put_bytes(&copy, wire->bytes, place);
    wire_put_bytes(&copy, bytes, length);
    wire_put_bytes(&copy, wire->bytes + place + removed, wire->length - place - removed);
    wire_free(wire);
    *wire = copy;
}

static void put_hex(struct wire *wire, const char *hex)
{
    for (; hex[0] && hex[1]; hex += 2) {
        const char octet[3] = {hex[0], hex[1], '\0'};

        wire_put(wire, strtoul(octet, NULL, 16), 1);
    }
}

// ---- the header and the lengths of the message

static bool break_marker(struct update_parts *update, const struct fault *fault)
{
    (void)fault;
    update->bad_marker = true;
    return true;
}

static bool shorten_header_18(struct update_parts *update, const struct fault *fault)
{
    (void)fault;
    update->message_length = MESSAGE_HEADER - 1;
    return true;
}

static bool lengthen_header(struct update_parts *update, const struct fault *fault)
{
    (void)fault;
    update->message_length = MESSAGE_LIMIT + 1;
    return true;
}

static bool shorten_header(struct update_parts *update, const struct fault *fault)
{
    (void)fault;
    update->message_length = -1;
    return true;
}

static bool change_type(struct update_parts *update, const struct fault *fault)
{
    (void)fault;
    update->message_type = 9;
    return true;
}

static bool overrun_withdrawn(struct update_parts *update, const struct fault *fault)
{
    (void)fault;
    update->withdrawn_error = 4096;
    return true;
}

static bool overrun_attributes(struct update_parts *update, const struct fault *fault)
{
    (void)fault;
    update->attributes_error = 4096;
    return true;
}

static bool leave_octets_over(struct update_parts *update, const struct fault *fault)
{
    (void)fault;
    wire_put(&update->left_over, 0x4003, 2);
    return true;
}

// ---- attributes

static bool overrun_attribute(struct update_parts *update, const struct fault *fault)
{
    (void)fault;
    update->attributes[update->count - 1].length_error = 100;
    return true;
}

static bool halve_attribute(struct update_parts *update, const struct fault *fault)
{
    struct wire *value = &update->attributes[update->count - 1].value;

    (void)fault;
    value->length /= 2;
    return true;
}

static bool repeat_attribute(struct update_parts *update, const struct fault *fault)
{
    const struct attribute *found =
        fault->type ? find(update, fault->type) : &update->attributes[update->count - 1];

    if (!found)
        return false;
    const uint8_t *bytes = found->value.bytes;
    size_t length = found->value.length;

    wire_put_bytes(&add_attribute(update, found->flags, found->type)->value, bytes, length);
    return true;
}

static bool change_flags(struct update_parts *update, const struct fault *fault)
{
    struct attribute *found = find(update, fault->type);

    if (found)
        found->flags = (uint8_t)(fault->flags | (found->flags & LONG));
    return found != NULL;
}

static bool leave_out(struct update_parts *update, const struct fault *fault)
{
    return remove_attribute(update, fault->type);
}

static bool leave_all_out(struct update_parts *update, const struct fault *fault)
{
    (void)fault;
    for (size_t i = update->count; i-- > 0;) {
        if (update->attributes[i].type != MP_REACH)
            (void)remove_attribute(update, update->attributes[i].type);
    }
    return true;
}

static bool empty_attribute(struct update_parts *update, const struct fault *fault)
{
    struct attribute *found = find(update, fault->type);

    if (found)
        found->value.length = 0;
    return found != NULL;
}

/* In place of the message's own, or as one more. */
static bool give_value(struct update_parts *update, const struct fault *fault)
{
    struct attribute *found = find(update, fault->type);

    if (!found)
        found = add_attribute(update, fault->flags, fault->type);
    found->value.length = 0;
    put_hex(&found->value, fault->value);
    return true;
}

static bool give_own_value(struct update_parts *update, const struct fault *fault)
{
    return find(update, fault->type) && give_value(update, fault);
}

static bool overrun_segment(struct update_parts *update, const struct fault *fault)
{
    struct attribute *path = find(update, AS_PATH);

    (void)fault;
    if (!path || path->value.length < 2)
        return false;
    path->value.bytes[1]++;
    return true;
}

// ---- MP_REACH and prefixes

static bool change_mp_next_hop(struct update_parts *update, const struct fault *fault)
{
    struct attribute *mp = find(update, MP_REACH);

    if (mp && fault->type) // the length alone
        mp->value.bytes[3] = fault->type;
    else if (mp) // seven octets
        splice(&mp->value, 3, 1u + mp->value.bytes[3], "\7\xc0\0\2\1\0\0\0", 8);
    return mp != NULL;
}

static bool empty_mp(struct update_parts *update, const struct fault *fault)
{
    struct attribute *mp = find(update, MP_REACH);

    if (mp)
        mp->value.length = fault->type ? fault->type : mp_head(update, mp) - update->id_octets;
    return mp != NULL;
}

static bool lengthen_prefix(struct update_parts *update, const struct fault *fault)
{
    unsigned bits;
    uint8_t *prefix = find_prefix(update, &bits);

    (void)fault;
    if (prefix)
        *prefix = (uint8_t)(bits + 1);
    return prefix != NULL;
}

static bool cut_last_prefix(struct update_parts *update, const struct fault *fault)
{
    struct attribute *mp = find(update, MP_REACH);
    struct wire *field = mp ? &mp->value : &update->nlris;

    (void)fault;
    if (!field->length)
        return false;
    field->length--;
    return true;
}

static bool set_host_bits(struct update_parts *update, const struct fault *fault)
{
    unsigned bits;
    uint8_t *prefix = find_prefix(update, &bits);

    (void)fault;
    if (!prefix || *prefix % 8 == 0)
        return false;
    prefix[1 + *prefix / 8] |= (uint8_t)(0xff >> *prefix % 8);
    return true;
}

// ---- link-state NLRIs

static bool empty_nlri(struct update_parts *update, const struct fault *fault)
{
    size_t nlri;
    struct attribute *mp = find_link_state(update, &nlri);

    if (!mp)
        return false;
    size_t length = be16(mp->value.bytes + nlri + 2), left = fault->type;

    set16(mp->value.bytes + nlri + 2, left);
    splice(&mp->value, nlri + 4 + left, length - left, NULL, 0);
    return true;
}

static bool overrun_nlri(struct update_parts *update, const struct fault *fault)
{
    size_t nlri;
    struct attribute *mp = find_link_state(update, &nlri);

    (void)fault;
    if (mp)
        set16(mp->value.bytes + nlri + 2, mp->value.length);
    return mp != NULL;
}

static bool add_unknown_nlri(struct update_parts *update, const struct fault *fault)
{
    size_t nlri;
    struct attribute *mp = find_link_state(update, &nlri);

    (void)fault;
    if (mp && update->id_octets)
        splice(&mp->value, nlri, 0, "\x12\x34\0\3abc\0\0\0\1", 11);
    else if (mp)
        splice(&mp->value, nlri, 0, "\x12\x34\0\3abc", 7);
    return mp != NULL;
}

static bool change_nlri_octet(struct update_parts *update, const struct fault *fault)
{
    size_t nlri;
    struct attribute *mp = find_link_state(update, &nlri);

    if (mp)
        mp->value.bytes[nlri + fault->flags] = fault->type;
    return mp != NULL;
}

enum { FIRST_TLV = 4 + 1 + 8 }; // in an NLRI

/* The local node's descriptor reaches beyond the NLRI. */
static bool overrun_descriptor(struct update_parts *update, const struct fault *fault)
{
    size_t nlri;
    struct attribute *mp = find_link_state(update, &nlri);

    (void)fault;
    if (mp)
        set16(mp->value.bytes + nlri + FIRST_TLV + 2, 0x0fff);
    return mp != NULL;
}

/* The first two TLVs at the place change places; false: there are no two. */
static bool swap_tlvs(uint8_t *at, size_t length)
{
    uint8_t copy[MESSAGE_LIMIT];

    if (length < 8)
        return false;
    size_t first = 4 + be16(at + 2);

    if (first + 4 > length)
        return false;
    size_t second = 4 + be16(at + first + 2);

    if (first + second > length)
        return false;
    memcpy(copy, at, first);
    memmove(at, at + first, second);
    memcpy(at + second, copy, first);
    return true;
}

static bool disorder_descriptors(struct update_parts *update, const struct fault *fault)
{
    size_t nlri;
    struct attribute *mp = find_link_state(update, &nlri);

    (void)fault;
    if (!mp)
        return false;
    uint8_t *node = mp->value.bytes + nlri + FIRST_TLV;

    return swap_tlvs(node + 4, be16(node + 2));
}

static bool repeat_descriptor(struct update_parts *update, const struct fault *fault)
{
    size_t nlri;
    struct attribute *mp = find_link_state(update, &nlri);
    uint8_t copy[MESSAGE_LIMIT];

    (void)fault;
    if (!mp)
        return false;
    uint8_t *bytes = mp->value.bytes + nlri, *node = bytes + FIRST_TLV;
    size_t first = 4 + be16(node + 6);

    set16(bytes + 2, be16(bytes + 2) + first);
    set16(node + 2, be16(node + 2) + first);
    memcpy(copy, node + 4, first);
    splice(&mp->value, nlri + FIRST_TLV + 4, 0, copy, first);
    return true;
}

/* TLV 265, the last of a prefix NLRI. */
static bool damage_reachability(struct update_parts *update, const struct fault *fault)
{
    size_t nlri;
    struct attribute *mp = find_link_state(update, &nlri);

    if (!mp || be16(mp->value.bytes + nlri) < 3 || be16(mp->value.bytes + nlri) > 4)
        return false;
    uint8_t *bytes = mp->value.bytes + nlri;
    size_t end = 4 + be16(bytes + 2), at = FIRST_TLV;

    while (at + 4 < end && be16(bytes + at) != REACHABILITY)
        at += 4 + be16(bytes + at + 2);
    if (at + 4 >= end)
        return false;
    size_t octets = be16(bytes + at + 2) - 1;

    if (fault->type == 0) { // a length that no prefix has
        bytes[at + 4] = be16(bytes) == 3 ? 33 : 129;
        return true;
    }
    if (octets == 0)
        return false;
    set16(bytes + at + 2, octets); // one octet too few
    set16(bytes + 2, end - 5);
    splice(&mp->value, nlri + at + 4 + octets, 1, NULL, 0);
    return true;
}

// ---- TLVs of attribute 29

static bool overrun_tlv(struct update_parts *update, const struct fault *fault)
{
    struct attribute *state = find(update, LINK_STATE);
    size_t at = 0;

    (void)fault;
    if (!state || state->value.length < 4)
        return false;
    while (at + 4 + be16(state->value.bytes + at + 2) < state->value.length)
        at += 4 + be16(state->value.bytes + at + 2);
    set16(state->value.bytes + at + 2, be16(state->value.bytes + at + 2) + 20);
    return true;
}

/* Adds octets at the end: a TLV, or less than one. */
static bool add_to_state(struct update_parts *update, const struct fault *fault)
{
    struct attribute *state = find(update, LINK_STATE);

    if (state)
        put_hex(&state->value, fault->value);
    return state != NULL;
}

/* Puts a TLV before all others, so that it is the first of its type. */
static bool put_before_state(struct update_parts *update, const struct fault *fault)
{
    struct attribute *state = find(update, LINK_STATE);
    struct wire tlv = {0};

    if (!state)
        return false;
    put_hex(&tlv, fault->value);
    splice(&state->value, 0, 0, tlv.bytes, tlv.length);
    wire_free(&tlv);
    return true;
}

static bool repeat_tlv(struct update_parts *update, const struct fault *fault)
{
    struct attribute *state = find(update, LINK_STATE);
    uint8_t copy[MESSAGE_LIMIT];

    (void)fault;
    if (!state || state->value.length < 4)
        return false;
    size_t length = 4 + be16(state->value.bytes + 2);

    memcpy(copy, state->value.bytes, length);
    copy[length - 1] ^= 1; // another value
    wire_put_bytes(&state->value, copy, length);
    return true;
}

static bool disorder_tlvs(struct update_parts *update, const struct fault *fault)
{
    struct attribute *state = find(update, LINK_STATE);

    (void)fault;
    return state && swap_tlvs(state->value.bytes, state->value.length);
}

// ---- all of them

static const struct fault faults[] = {
    {"marker", "the first octet of the marker is 0", break_marker},
    {"header-short", "the header says 18 octets", shorten_header_18},
    {"header-long", "the header says 4097 octets", lengthen_header},
    {"header-length", "the header says one octet less than there is", shorten_header},
    {"message-type", "message type 9", change_type},
    {"withdrawn-overrun", "withdrawn routes beyond the message", overrun_withdrawn},
    {"attributes-overrun", "attributes beyond the message", overrun_attributes},
    {"attributes-left-over", "two octets left over behind the attributes", leave_octets_over},

    {"attribute-overrun", "the last attribute beyond all of them", overrun_attribute},
    {"attribute-cut", "half of the last attribute's value", halve_attribute},
    {"attribute-twice", "the last attribute twice", repeat_attribute},
    {"mp-reach-twice", "MP_REACH twice", repeat_attribute, .type = MP_REACH},
    {"link-state-twice", "attribute 29 twice", repeat_attribute, .type = LINK_STATE},
    {"unknown-well-known", "attribute 200, well-known", give_value, WELL_KNOWN, 200, "00"},
    {"origin-flags", "ORIGIN as optional", change_flags, OPTIONAL_TRANSITIVE, ORIGIN, NULL},
    {"link-state-transitive", "attribute 29 as transitive", change_flags, OPTIONAL_TRANSITIVE,
     LINK_STATE, NULL},
    {"no-origin", "no ORIGIN", leave_out, .type = ORIGIN},
    {"no-as-path", "no AS_PATH", leave_out, .type = AS_PATH},
    {"no-next-hop", "no NEXT_HOP", leave_out, .type = NEXT_HOP},
    {"no-local-pref", "no LOCAL_PREF", leave_out, .type = LOCAL_PREF},
    {"no-link-state", "no attribute 29", leave_out, .type = LINK_STATE},
    {"no-attributes", "no attribute but MP_REACH", leave_all_out},
    {"empty-link-state", "attribute 29 of length 0", empty_attribute, .type = LINK_STATE},
    {"origin-value", "ORIGIN 9", give_own_value, WELL_KNOWN, ORIGIN, "09"},
    {"origin-length", "ORIGIN of two octets", give_own_value, WELL_KNOWN, ORIGIN, "0000"},
    {"as-path-segment", "AS_PATH with a segment of type 9", give_own_value, WELL_KNOWN, AS_PATH,
     "09010000fbff"},
    {"as-path-empty-segment", "AS_PATH with a segment of no numbers", give_own_value, WELL_KNOWN,
     AS_PATH, "0200"},
    {"as-path-overrun", "AS_PATH with a segment beyond its end", overrun_segment},
    {"next-hop-length", "NEXT_HOP of five octets", give_own_value, WELL_KNOWN, NEXT_HOP,
     "c000020100"},
    {"med-length", "MULTI_EXIT_DISC of three octets", give_value, OPTIONAL, MED, "000001"},
    {"local-pref-length", "LOCAL_PREF of three octets", give_value, WELL_KNOWN, LOCAL_PREF,
     "000064"},
    {"atomic-length", "ATOMIC_AGGREGATE of one octet", give_value, WELL_KNOWN, ATOMIC_AGGREGATE,
     "00"},
    {"aggregator-length", "AGGREGATOR of five octets", give_value, OPTIONAL_TRANSITIVE, AGGREGATOR,
     "0000fbffc0"},
    {"communities-length", "COMMUNITIES of five octets", give_value, OPTIONAL_TRANSITIVE,
     COMMUNITIES, "fbf4000100"},
    {"extended-communities-length", "EXTENDED_COMMUNITIES of seven octets", give_value,
     OPTIONAL_TRANSITIVE, EXTENDED_COMMUNITIES, "0002fbf4000000"},
    {"large-communities-length", "LARGE_COMMUNITIES of eleven octets", give_value,
     OPTIONAL_TRANSITIVE, LARGE_COMMUNITIES, "0000fbf400000001000000"},
    {"originator-length", "ORIGINATOR_ID of three octets", give_value, OPTIONAL, ORIGINATOR_ID,
     "c00002"},
    {"cluster-list-length", "CLUSTER_LIST of five octets", give_value, OPTIONAL, CLUSTER_LIST,
     "c000020100"},

    {"mp-next-hop-length", "MP_REACH with a next hop of seven octets", change_mp_next_hop},
    {"mp-next-hop-overrun", "MP_REACH with a next hop beyond its end", change_mp_next_hop,
     .type = 250},
    {"mp-empty", "MP_REACH without NLRIs", empty_mp},
    {"mp-cut", "MP_REACH of two octets", empty_mp, .type = 2},
    {"prefix-length", "a prefix of 33 bits, or 129", lengthen_prefix},
    {"prefix-cut", "the last NLRI lacks an octet", cut_last_prefix},
    {"prefix-host-bits", "a prefix with bits set behind its length", set_host_bits},

    {"nlri-empty", "an NLRI of length 0", empty_nlri},
    {"nlri-short", "an NLRI of eight octets (L-143)", empty_nlri, .type = 8},
    {"nlri-no-descriptors", "an NLRI of nine octets, without descriptors", empty_nlri, .type = 9},
    {"nlri-overrun", "an NLRI beyond MP_REACH", overrun_nlri},
    {"nlri-unknown", "an NLRI of type 4660 before the others (L-004)", add_unknown_nlri},
    {"nlri-protocol", "Protocol-ID 99", change_nlri_octet, .flags = 4, .type = 99},
    {"descriptor-overrun", "the node's descriptor beyond the NLRI", overrun_descriptor},
    {"descriptor-order", "sub-TLVs of the node's descriptor out of order", disorder_descriptors},
    {"descriptor-twice", "a sub-TLV of the node's descriptor twice", repeat_descriptor},
    {"no-local-node", "TLV 511 in place of 256 (L-025)", change_nlri_octet, .flags = FIRST_TLV + 1,
     .type = 0xff},
    {"reachability-length", "TLV 265 with 33 bits, or 129", damage_reachability},
    {"reachability-cut", "TLV 265 with an octet too few (L-041)", damage_reachability, .type = 1},

    {"tlv-overrun", "the last TLV beyond attribute 29", overrun_tlv},
    {"tlv-left-over", "three octets left over in attribute 29", add_to_state, .value = "044700"},
    {"tlv-length", "first an IGP metric of four octets (L-092)", put_before_state,
     .value = "0447000400000005"},
    {"tlv-nan", "first a bandwidth that is no number (L-063)", put_before_state,
     .value = "044100047fc00000"},
    {"tlv-negative", "first a negative bandwidth (L-063)", put_before_state,
     .value = "04410004bf800000"},
    {"tlv-twice", "the first TLV again, with another value", repeat_tlv},
    {"tlv-order", "the first two TLVs out of order, which is legal", disorder_tlvs},
    {"tlv-unknown", "TLV 64999 besides, which is legal", add_to_state, .value = "fde7000401020304"},
    {"sub-tlv-overrun", "an application (1122) with a TLV beyond its end", add_to_state,
     .value = "0462000c0400000010000000045a0010"},
};

const struct fault *fault_at(size_t index)
{
    return index < sizeof faults / sizeof *faults ? &faults[index] : NULL;
}

const struct fault *fault_find(const char *name)
{
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        if (strcmp(faults[i].name, name) == 0)
            return &faults[i];
    }
    return NULL;
}

bool fault_apply(const struct fault *fault, const uint8_t *message, size_t length, bool has_ids,
                 struct wire *out, struct error *err)
{
    struct update_parts update = {.id_octets = has_ids ? 4 : 0};
    bool ok =
        take_apart(message, length, &update) && update.count > 0 && fault->apply(&update, fault);

    if (ok)
        put_together(&update, out);
    free_parts(&update);
    return ok ||
           error_set(err, ERROR_INPUT, "%s does not fit that UPDATE: %s", fault->name, fault->what);
}
