/* bgp_attributes: a table of attributes, and the texts of the few that are lists.
 *
 * A row says what flags an attribute has, which lengths, what its fault is called and what the fault costs: the
 * routes (treat-as-withdraw) or the attribute alone (attribute discard), RFC 7606 section 7. The two halves of an
 * AS path can stand in any order, so AS_PATH and AGGREGATOR are only checked as they come and written at the end.
 *
 * Texts are written with cheap hands, not printf: an UPDATE in a full table has one prefix or two, so this is
 * done about once a route. */
#include "bgp_attributes.h"

#include "octets.h"

#include <string.h>

enum {
    OPTIONAL = 0x80,
    TRANSITIVE = 0x40,
    EXTENDED_LENGTH = 0x10,
    AS_TRANS = 23456,    // stands for a number that does not fit (RFC 6793 section 9)
    DECIMAL_SIZE = 10,   // digits of 2^32 - 1
    ADDRESS_SIZE = 15,   // "255.255.255.255"
    COMMUNITY_SIZE = 12, // "65535:65535 "
    LARGE_SIZE = 3 * (DECIMAL_SIZE + 1), // with ':', ':' and ' '
    EXTENDED_SIZE = 2 * 8 + 1,           // hex of eight octets, ' '
};

enum segment { SEGMENT_SET = 1, SEGMENT_SEQUENCE, SEGMENT_CONFED_SEQUENCE, SEGMENT_CONFED_SET };

enum severity {
    WITHDRAW, // treat-as-withdraw
    INTERNAL, // treat-as-withdraw from an internal peer, else discard
    DISCARD,  // attribute discard
    USE,      // wrong flags do not matter (L-091)
};

/* ---- Text ---- */

static char *put_uint(char *at, uint32_t value)
{
    char digits[DECIMAL_SIZE];
    size_t count = 0;

    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    while (count)
        *at++ = digits[--count];
    return at;
}

static char *put_address(char *at, const uint8_t bytes[4])
{
    for (size_t i = 0; i < 4; i++) {
        if (i)
            *at++ = '.';
        at = put_uint(at, bytes[i]);
    }
    return at;
}

static uint32_t word_at(const uint8_t *bytes, size_t width)
{
    struct cursor word = {.at = bytes, .left = width};

    return (uint32_t)cursor_uint(&word, width);
}

/* ---- AS paths ---- */

static size_t as_width(const struct bgp_attributes_reader *reader)
{
    return reader->session->four_octet_as ? 4 : 2;
}

/* One segment off the front. false at the end; path->failed: not a possible segment. */
static bool segment_next(struct cursor *path, size_t width, enum segment *kind,
                         struct octets *numbers)
{
    if (!path->left)
        return false;
    uint8_t type = cursor_u8(path);
    size_t count = cursor_u8(path);
    struct cursor inner = cursor_sub(path, count * width);
    if (type < SEGMENT_SET || type > SEGMENT_CONFED_SET || count == 0) {
        path->failed = true;
        path->left = 0;
    }
    *kind = type;
    *numbers = cursor_rest(&inner);
    return !path->failed;
}

static bool is_as_path(struct octets value, size_t width)
{
    struct cursor path = cursor_over(value);
    enum segment kind;
    struct octets numbers;

    while (segment_next(&path, width, &kind, &numbers))
        ;
    return !path.failed;
}

/* As RFC 6793 section 4.2.3 counts: a set is one, confederation segments are none. */
static size_t as_path_length(struct octets value, size_t width)
{
    struct cursor path = cursor_over(value);
    enum segment kind;
    struct octets numbers;
    size_t length = 0;

    while (segment_next(&path, width, &kind, &numbers))
        length += kind == SEGMENT_SEQUENCE ? numbers.length / width : kind == SEGMENT_SET;
    return length;
}

static char *put_segment(char *at, struct arena *arena, enum segment kind, struct octets numbers,
                         size_t width)
{
    static const char open[] = {
        [SEGMENT_SET] = '{', [SEGMENT_CONFED_SEQUENCE] = '(', [SEGMENT_CONFED_SET] = '['};
    static const char close[] = {
        [SEGMENT_SET] = '}', [SEGMENT_CONFED_SEQUENCE] = ')', [SEGMENT_CONFED_SET] = ']'};
    bool is_set = kind == SEGMENT_SET || kind == SEGMENT_CONFED_SET;
    const uint8_t *bytes = numbers.bytes;
    size_t count = numbers.length / width;

    if (is_set) { // its order has no meaning
        uint8_t *sorted = arena_copy(arena, bytes, numbers.length);
        count = octets_sort(sorted, count, width);
        bytes = sorted;
    }
    if (kind != SEGMENT_SEQUENCE)
        *at++ = open[kind];
    for (size_t i = 0; i < count; i++) {
        if (i)
            *at++ = is_set ? ',' : ' ';
        at = put_uint(at, word_at(bytes + i * width, width));
    }
    if (kind != SEGMENT_SEQUENCE)
        *at++ = close[kind];
    return at;
}

/* Writes at most `most` numbers of the path as as_path_length counts them. Leading confederation segments, and
 * those beside what is written, come along; with_confederation false leaves them out (AS4_PATH, RFC 6793
 * section 6). */
static char *put_path(char *at, const char *begin, struct arena *arena, struct octets value,
                      size_t width, size_t most, bool with_confederation)
{
    struct cursor path = cursor_over(value);
    enum segment kind;
    struct octets numbers;

    while (segment_next(&path, width, &kind, &numbers)) {
        bool confederation = kind == SEGMENT_CONFED_SEQUENCE || kind == SEGMENT_CONFED_SET;

        if (confederation && !with_confederation)
            continue;
        if (!confederation && most == 0)
            break;
        if (kind == SEGMENT_SEQUENCE && numbers.length / width > most)
            numbers.length = most * width;
        if (!confederation)
            most -= kind == SEGMENT_SEQUENCE ? numbers.length / width : 1;
        if (at != begin)
            *at++ = ' ';
        at = put_segment(at, arena, kind, numbers, width);
    }
    return at;
}

/* Room for any path of so many octets: each number with a blank, each segment (4 octets at least) with brackets. */
static size_t path_room(struct octets value)
{
    return value.length / 2 * (DECIMAL_SIZE + 1) + value.length;
}

static void finish_as_path(struct bgp_attributes_reader *reader)
{
    struct octets path = reader->as_path, path4 = reader->as4_path;
    size_t width = as_width(reader);
    size_t length = as_path_length(path, width);
    size_t length4 = as_path_length(path4, 4);
    char *text = arena_alloc(reader->arena, path_room(path) + path_room(path4) + 1, 1);
    char *end = text;

    if (!path4.bytes || length < length4) {
        end = put_path(end, text, reader->arena, path, width, length, true);
    } else {
        end = put_path(end, text, reader->arena, path, width, length - length4, true);
        end = put_path(end, text, reader->arena, path4, 4, length4, false);
    }
    *end = '\0';
    reader->out.attributes.as_path = text;
}

static void finish_aggregator(struct bgp_attributes_reader *reader)
{
    struct octets value = reader->aggregator;

    if (!value.bytes)
        return;
    if (reader->as4_aggregator.bytes)
        value = reader->as4_aggregator;
    size_t width = value.length - 4;
    char *text = arena_alloc(reader->arena, DECIMAL_SIZE + 1 + ADDRESS_SIZE + 1, 1);
    char *end = put_uint(text, word_at(value.bytes, width));
    *end++ = ' ';
    *put_address(end, value.bytes + width) = '\0';
    reader->out.attributes.aggregator = text;
}

/* ---- One reader an attribute: false is a malformed value. The row has checked the length. ---- */

static bool read_origin(struct bgp_attributes_reader *reader, struct octets value)
{
    reader->out.attributes.origin = value.bytes[0];
    reader->out.has_origin = value.bytes[0] <= 2;
    return reader->out.has_origin;
}

static bool read_as_path(struct bgp_attributes_reader *reader, struct octets value)
{
    reader->out.has_as_path = is_as_path(value, as_width(reader));
    if (reader->out.has_as_path)
        reader->as_path = value;
    return reader->out.has_as_path;
}

static bool read_next_hop(struct bgp_attributes_reader *reader, struct octets value)
{
    reader->out.next_hop = octets_address(FAMILY_IPV4, value.bytes);
    return true;
}

static bool read_med(struct bgp_attributes_reader *reader, struct octets value)
{
    reader->out.attributes.has_med = true;
    reader->out.attributes.med = word_at(value.bytes, 4);
    return true;
}

static bool read_local_pref(struct bgp_attributes_reader *reader, struct octets value)
{
    reader->out.attributes.has_local_pref = true;
    reader->out.attributes.local_pref = word_at(value.bytes, 4);
    return true;
}

static bool read_atomic_aggregate(struct bgp_attributes_reader *reader, struct octets value)
{
    (void)value;
    reader->out.attributes.atomic_aggregate = true;
    return true;
}

static bool read_aggregator(struct bgp_attributes_reader *reader, struct octets value)
{
    if (value.length != as_width(reader) + 4)
        return false;
    reader->aggregator = value;
    return true;
}

static bool read_communities(struct bgp_attributes_reader *reader, struct octets value)
{
    uint8_t *items = arena_copy(reader->arena, value.bytes, value.length);
    size_t count = octets_sort(items, value.length / 4, 4);
    char *text = arena_alloc(reader->arena, count, COMMUNITY_SIZE);
    char *at = text;

    for (size_t i = 0; i < count; i++) {
        if (i)
            *at++ = ' ';
        at = put_uint(at, word_at(items + 4 * i, 2));
        *at++ = ':';
        at = put_uint(at, word_at(items + 4 * i + 2, 2));
    }
    reader->out.attributes.communities = text;
    return true;
}

static bool read_large_communities(struct bgp_attributes_reader *reader, struct octets value)
{
    uint8_t *items = arena_copy(reader->arena, value.bytes, value.length);
    size_t count = octets_sort(items, value.length / 12, 12);
    char *text = arena_alloc(reader->arena, count, LARGE_SIZE);
    char *at = text;

    for (size_t i = 0; i < 3 * count; i++) {
        if (i)
            *at++ = i % 3 ? ':' : ' ';
        at = put_uint(at, word_at(items + 4 * i, 4));
    }
    reader->out.attributes.large_communities = text;
    return true;
}

static bool read_extended_communities(struct bgp_attributes_reader *reader, struct octets value)
{
    static const char hex[] = "0123456789abcdef";
    uint8_t *items = arena_copy(reader->arena, value.bytes, value.length);
    size_t count = octets_sort(items, value.length / 8, 8);
    char *text = arena_alloc(reader->arena, count, EXTENDED_SIZE);
    char *at = text;

    for (size_t i = 0; i < 8 * count; i++) {
        if (i && i % 8 == 0)
            *at++ = ' ';
        *at++ = hex[items[i] >> 4];
        *at++ = hex[items[i] & 0x0f];
    }
    reader->out.attributes.extended_communities = text;
    return true;
}

static char *addresses_text(struct arena *arena, struct octets value)
{
    char *text = arena_alloc(arena, value.length / 4, ADDRESS_SIZE + 1);
    char *at = text;

    for (size_t i = 0; i < value.length; i += 4) {
        if (i)
            *at++ = ' ';
        at = put_address(at, value.bytes + i);
    }
    return text;
}

static bool read_originator_id(struct bgp_attributes_reader *reader, struct octets value)
{
    reader->out.attributes.originator_id = addresses_text(reader->arena, value);
    return true;
}

static bool read_cluster_list(struct bgp_attributes_reader *reader, struct octets value)
{
    reader->out.attributes.cluster_list = addresses_text(reader->arena, value);
    return true;
}

/* From a 4-octet speaker the two are to be thrown away (RFC 6793 section 6). */
static bool read_as4_path(struct bgp_attributes_reader *reader, struct octets value)
{
    if (reader->session->four_octet_as)
        return true;
    if (!is_as_path(value, 4))
        return false;
    reader->as4_path = value;
    return true;
}

static bool read_as4_aggregator(struct bgp_attributes_reader *reader, struct octets value)
{
    if (!reader->session->four_octet_as)
        reader->as4_aggregator = value;
    return true;
}

static bool read_mp_reach(struct bgp_attributes_reader *reader, struct octets value)
{
    reader->out.has_mp_reach = true;
    reader->out.mp_reach = value;
    return true;
}

static bool read_mp_unreach(struct bgp_attributes_reader *reader, struct octets value)
{
    reader->out.has_mp_unreach = true;
    reader->out.mp_unreach = value;
    return true;
}

static bool read_link_state(struct bgp_attributes_reader *reader, struct octets value)
{
    reader->out.has_link_state = true;
    reader->out.link_state = value;
    return true;
}

enum { ANY = 0xffff };

/* Flags that cannot be cost what a bad value costs. MP_REACH and MP_UNREACH have no length to check here. */
static const struct rule {
    uint8_t code, flags;     // optional and transitive as they must be
    uint16_t min, max, unit; // octets of value; a multiple of unit
    enum fault fault;
    enum severity severity;
    bool (*read)(struct bgp_attributes_reader *reader, struct octets value);
} rules[] = {
    // RFC 7606 sections 7.1 to 7.10, in their order
    {1, TRANSITIVE, 1, 1, 1, FAULT_BGP_ORIGIN, WITHDRAW, read_origin},
    {2, TRANSITIVE, 0, ANY, 1, FAULT_BGP_AS_PATH, WITHDRAW, read_as_path},
    {3, TRANSITIVE, 4, 4, 1, FAULT_BGP_NEXT_HOP, WITHDRAW, read_next_hop},
    {4, OPTIONAL, 4, 4, 1, FAULT_BGP_MED, WITHDRAW, read_med},
    {5, TRANSITIVE, 4, 4, 1, FAULT_BGP_LOCAL_PREF, INTERNAL, read_local_pref},
    {6, TRANSITIVE, 0, 0, 1, FAULT_BGP_ATOMIC_AGGREGATE, DISCARD, read_atomic_aggregate},
    {7, OPTIONAL | TRANSITIVE, 6, 8, 2, FAULT_BGP_AGGREGATOR, DISCARD, read_aggregator},
    {8, OPTIONAL | TRANSITIVE, 4, ANY, 4, FAULT_BGP_COMMUNITIES, WITHDRAW, read_communities},
    {9, OPTIONAL, 4, 4, 1, FAULT_BGP_ORIGINATOR_ID, INTERNAL, read_originator_id},
    {10, OPTIONAL, 4, ANY, 4, FAULT_BGP_CLUSTER_LIST, INTERNAL, read_cluster_list},
    {14, OPTIONAL, 0, ANY, 1, FAULT_BGP_MP_REACH, WITHDRAW, read_mp_reach},
    {15, OPTIONAL, 0, ANY, 1, FAULT_BGP_MP_REACH, WITHDRAW, read_mp_unreach},
    // RFC 7606 section 7.14
    {16, OPTIONAL | TRANSITIVE, 8, ANY, 8, FAULT_BGP_EXTENDED_COMMUNITIES, WITHDRAW,
     read_extended_communities},
    // RFC 6793 section 6
    {17, OPTIONAL | TRANSITIVE, 0, ANY, 1, FAULT_BGP_AS4_PATH, DISCARD, read_as4_path},
    {18, OPTIONAL | TRANSITIVE, 8, 8, 1, FAULT_BGP_AGGREGATOR, DISCARD, read_as4_aggregator},
    // L-005, L-094: empty is legal; L-091: wrong flags are only counted
    {29, OPTIONAL, 0, ANY, 1, FAULT_LS_ATTRIBUTE_FLAGS, USE, read_link_state},
    // RFC 8092 section 6
    {32, OPTIONAL | TRANSITIVE, 12, ANY, 12, FAULT_BGP_LARGE_COMMUNITIES, WITHDRAW,
     read_large_communities},
};

static const struct rule *rule_find(uint8_t code)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].code == code)
            return &rules[i];
    return NULL;
}

/* Attributes that we do not know are kept as they came, header and all. */
static void keep_other(struct bgp_attributes_reader *reader, struct octets whole)
{
    struct attributes *out = &reader->out.attributes;
    size_t needed = out->other_length + whole.length;

    if (needed > reader->other_capacity) {
        uint8_t *larger = arena_alloc(reader->arena, needed, 2);
        if (out->other_length)
            memcpy(larger, reader->other, out->other_length);
        reader->other = larger;
        reader->other_capacity = 2 * needed;
    }
    memcpy(reader->other + out->other_length, whole.bytes, whole.length);
    out->other = reader->other;
    out->other_length = needed;
}

static bool is_repeated(struct bgp_attributes_reader *reader, uint8_t code)
{
    uint32_t bit = UINT32_C(1) << code % 32;
    bool repeated = reader->seen[code / 32] & bit;

    reader->seen[code / 32] |= bit;
    return repeated;
}

static void blame(struct bgp_attributes_reader *reader, const struct rule *rule, enum fault fault)
{
    faults_count(reader->faults, fault);
    if (rule->severity == WITHDRAW || (rule->severity == INTERNAL && !reader->session->external))
        reader->out.withdraw = true;
}

static void take_attribute(struct bgp_attributes_reader *reader, uint8_t flags, uint8_t code,
                           struct octets value, struct octets whole)
{
    const struct rule *rule = rule_find(code);

    reader->out.count++;
    if (is_repeated(reader, code)) {
        bool is_multiprotocol = code == 14 || code == 15;
        faults_count(reader->faults, is_multiprotocol ? FAULT_BGP_MP_REPEATED : FAULT_BGP_REPEATED);
        return;
    }
    if (!rule) {
        keep_other(reader, whole);
        return;
    }
    if ((flags & (OPTIONAL | TRANSITIVE)) != rule->flags) {
        blame(reader, rule, rule->severity == USE ? rule->fault : FAULT_BGP_FLAGS);
        if (rule->severity == DISCARD)
            return;
    }
    bool fits =
        value.length >= rule->min && value.length <= rule->max && value.length % rule->unit == 0;
    if (!fits || !rule->read(reader, value))
        blame(reader, rule, rule->fault);
}

void bgp_attributes_read(struct bgp_attributes_reader *reader, struct cursor attributes)
{
    while (attributes.left) {
        struct cursor begin = attributes;
        uint8_t flags = cursor_u8(&attributes);
        uint8_t code = cursor_u8(&attributes);
        size_t length = cursor_uint(&attributes, flags & EXTENDED_LENGTH ? 2 : 1);
        struct cursor value = cursor_sub(&attributes, length);

        if (attributes.failed)
            break;
        take_attribute(reader, flags, code, cursor_rest(&value), cursor_since(&begin, &attributes));
    }
    if (attributes.failed)
        reader->out.overrun = true;
}

void bgp_attributes_finish(struct bgp_attributes_reader *reader)
{
    // An aggregator that a 4-octet speaker made: what stands for the time before it is void (RFC 6793 4.2.3).
    if (reader->aggregator.bytes && !reader->session->four_octet_as &&
        word_at(reader->aggregator.bytes, 2) != AS_TRANS) {
        reader->as4_path = (struct octets){0};
        reader->as4_aggregator = (struct octets){0};
    }
    finish_as_path(reader);
    finish_aggregator(reader);
}
