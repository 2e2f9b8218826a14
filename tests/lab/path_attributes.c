/* path_attributes: in the order of their type codes, but for what the file gives as it stands, which is
 * last. */
#include "path_attributes.h"

enum {
    ATTRIBUTE_ORIGIN = 1,
    ATTRIBUTE_AS_PATH = 2,
    ATTRIBUTE_NEXT_HOP = 3,
    ATTRIBUTE_MED = 4,
    ATTRIBUTE_LOCAL_PREF = 5,
    ATTRIBUTE_ATOMIC_AGGREGATE = 6,
    ATTRIBUTE_AGGREGATOR = 7,
    ATTRIBUTE_COMMUNITIES = 8,
    ATTRIBUTE_ORIGINATOR_ID = 9,
    ATTRIBUTE_CLUSTER_LIST = 10,
    ATTRIBUTE_EXTENDED_COMMUNITIES = 16,
    ATTRIBUTE_AS4_PATH = 17,
    ATTRIBUTE_AS4_AGGREGATOR = 18,
    ATTRIBUTE_LINK_STATE = 29,
    ATTRIBUTE_LARGE_COMMUNITIES = 32,

    FLAGS_WELL_KNOWN = 0x40,
    FLAGS_OPTIONAL = 0x80,
    FLAGS_OPTIONAL_TRANSITIVE = 0xc0,
    FLAG_LONG = 0x10, // the length has 2 octets

    AS_TRANS = 23456,
    SEGMENT_NUMBERS = 255,
};

/* One being written: its flags, type and length stand before it. */
struct attribute {
    size_t place;
    bool is_long;
};

static struct attribute open_attribute(const struct reflector *reflector, unsigned flags,
                                       unsigned type, size_t length, struct wire *out)
{
    struct attribute attribute = {.is_long = length > UINT8_MAX || reflector->form.long_lengths};

    wire_put(out, flags | (attribute.is_long ? FLAG_LONG : 0u), 1);
    wire_put(out, type, 1);
    attribute.place = wire_open(out, attribute.is_long ? 2 : 1);
    return attribute;
}

static void close_attribute(struct attribute attribute, struct wire *out)
{
    wire_close(out, attribute.place, attribute.is_long ? 2 : 1);
}

static void put_attribute(const struct reflector *reflector, unsigned flags, unsigned type,
                          const void *value, size_t length, struct wire *out)
{
    struct attribute attribute = open_attribute(reflector, flags, type, length, out);

    wire_put_bytes(out, value, length);
    close_attribute(attribute, out);
}

static void put_number(const struct reflector *reflector, unsigned flags, unsigned type,
                       uint64_t value, unsigned width, struct wire *out)
{
    struct attribute attribute = open_attribute(reflector, flags, type, width, out);

    wire_put(out, value, width);
    close_attribute(attribute, out);
}

// ---- AS paths

static unsigned as_width(const struct reflector *reflector)
{
    return reflector->two_octet_as ? 2 : 4;
}

static void put_as(uint32_t as, unsigned width, struct wire *out)
{
    wire_put(out, width == 2 && as > UINT16_MAX ? AS_TRANS : as, width);
}

static bool is_confederation(enum segment_kind kind)
{
    return kind == SEGMENT_CONFED_SEQUENCE || kind == SEGMENT_CONFED_SET;
}

/* The path's segments; `first` comes before the path, in its first AS_SEQUENCE if it has one there with
 * room. confederations: RFC 6793 section 3 keeps them out of AS4_PATH. */
static void put_segments(const struct path *path, const uint32_t *first, bool confederations,
                         unsigned width, struct wire *out)
{
    const struct segment whole = {.kind = SEGMENT_SEQUENCE, .count = (uint8_t)path->as_count};
    const struct segment *segments = path->segments ? path->segments : &whole;
    size_t count = path->segments ? path->segment_count : path->as_count > 0;
    const uint32_t *number = path->as_path;

    if (first && (count == 0 || segments[0].kind != SEGMENT_SEQUENCE ||
                  segments[0].count == SEGMENT_NUMBERS)) {
        wire_put(out, SEGMENT_SEQUENCE << 8 | 1, 2);
        put_as(*first, width, out);
        first = NULL;
    }
    for (size_t i = 0; i < count; i++) {
        const uint32_t *end = number + segments[i].count;

        if (is_confederation(segments[i].kind) && !confederations) {
            number = end;
            continue;
        }
        wire_put(out, segments[i].kind, 1);
        wire_put(out, segments[i].count + (first ? 1u : 0u), 1);
        if (first)
            put_as(*first, width, out);
        first = NULL;
        for (; number < end; number++)
            put_as(*number, width, out);
    }
}

static bool has_long_numbers(const struct path *path, const uint32_t *first)
{
    for (size_t i = 0; i < path->as_count; i++) {
        if (path->as_path[i] > UINT16_MAX)
            return true;
    }
    return first && *first > UINT16_MAX;
}

/* At most: a segment has at least one number. */
static size_t segments_length(const struct path *path, unsigned width)
{
    return (path->as_count + 1) * (width + (path->segments ? 2u : 0u)) + 2;
}

static void put_as_path(const struct reflector *reflector, const struct path *path,
                        struct wire *out)
{
    const uint32_t *first = reflector->as != reflector->peer_as ? &reflector->as : NULL;
    unsigned width = as_width(reflector);
    struct attribute attribute = open_attribute(reflector, FLAGS_WELL_KNOWN, ATTRIBUTE_AS_PATH,
                                                segments_length(path, width), out);

    put_segments(path, first, true, width, out);
    close_attribute(attribute, out);
}

static void put_as4_path(const struct reflector *reflector, const struct path *path,
                         struct wire *out)
{
    const uint32_t *first = reflector->as != reflector->peer_as ? &reflector->as : NULL;

    if (!reflector->two_octet_as || !has_long_numbers(path, first))
        return;
    struct attribute attribute = open_attribute(reflector, FLAGS_OPTIONAL_TRANSITIVE,
                                                ATTRIBUTE_AS4_PATH, segments_length(path, 4), out);

    put_segments(path, first, false, 4, out);
    close_attribute(attribute, out);
}

// ---- the others

static void put_aggregator(const struct reflector *reflector, const struct path_more *more,
                           unsigned type, unsigned width, struct wire *out)
{
    struct attribute attribute =
        open_attribute(reflector, FLAGS_OPTIONAL_TRANSITIVE, type, width + 4, out);

    put_as(more->aggregator_as, width, out);
    wire_put_bytes(out, more->aggregator.bytes, 4);
    close_attribute(attribute, out);
}

static void put_communities(const struct reflector *reflector, const struct path *path,
                            struct wire *out)
{
    if (!path->community_count)
        return;
    struct attribute attribute =
        open_attribute(reflector, FLAGS_OPTIONAL_TRANSITIVE, ATTRIBUTE_COMMUNITIES,
                       4 * path->community_count, out);

    for (size_t i = 0; i < path->community_count; i++)
        wire_put(out, path->communities[i], 4);
    close_attribute(attribute, out);
}

static void put_reflection(const struct scenario *scenario, const struct reflector *reflector,
                           const struct path *path, struct wire *out)
{
    const struct path_more *more = path->more;
    size_t clusters = more ? more->cluster_count : 0;
    const struct net *originator = &scenario->vertices[path->router].ipv4;

    if (more && more->originator.family)
        originator = &more->originator;
    put_attribute(reflector, FLAGS_OPTIONAL, ATTRIBUTE_ORIGINATOR_ID, originator->bytes, 4, out);
    struct attribute attribute =
        open_attribute(reflector, FLAGS_OPTIONAL, ATTRIBUTE_CLUSTER_LIST, 4 * (clusters + 1), out);

    wire_put_bytes(out, reflector->cluster_id.bytes, 4);
    for (size_t i = 0; i < clusters; i++)
        wire_put_bytes(out, more->clusters[i].bytes, 4);
    close_attribute(attribute, out);
}

static void put_more(const struct reflector *reflector, const struct path_more *more,
                     struct wire *out)
{
    struct attribute attribute;

    if (more->extended_communities.count) {
        attribute =
            open_attribute(reflector, FLAGS_OPTIONAL_TRANSITIVE, ATTRIBUTE_EXTENDED_COMMUNITIES,
                           8 * more->extended_communities.count, out);
        for (size_t i = 0; i < more->extended_communities.count; i++)
            wire_put(out, more->extended_communities.list[i], 8);
        close_attribute(attribute, out);
    }
    if (more->large_count) {
        attribute = open_attribute(reflector, FLAGS_OPTIONAL_TRANSITIVE,
                                   ATTRIBUTE_LARGE_COMMUNITIES, 12 * more->large_count, out);
        for (size_t i = 0; i < more->large_count; i++) {
            for (size_t part = 0; part < 3; part++)
                wire_put(out, more->large_communities[i].part[part], 4);
        }
        close_attribute(attribute, out);
    }
    for (size_t i = 0; i < more->attribute_count; i++) {
        const struct raw_attribute *raw = &more->attributes[i];
        bool is_long = raw->flags & FLAG_LONG || raw->value.length > UINT8_MAX;

        wire_put(out, raw->flags | (is_long ? FLAG_LONG : 0u), 1);
        wire_put(out, raw->type, 1);
        wire_put(out, raw->value.length, is_long ? 2 : 1);
        wire_put_bytes(out, raw->value.bytes, raw->value.length);
    }
}

bool path_is_in_mp(const struct reflector *reflector, enum family family)
{
    return family != FAMILY_IPV4 || reflector->form.ipv4_in_mp || reflector->form.ipv6_next_hop;
}

const struct net *path_next_hop(const struct reflector *reflector, const struct path *path,
                                enum family family)
{
    bool is_ipv6 =
        family == FAMILY_IPV6 || (reflector->form.ipv6_next_hop && path->next_hop[1].family);

    return &path->next_hop[is_ipv6];
}

void path_attributes(const struct scenario *scenario, const struct reflector *reflector,
                     const struct path *path, enum family family, struct wire *out)
{
    const struct path_more *more = path->more;
    bool internal = reflector->as == reflector->peer_as;
    bool aggregated = more && more->aggregator.family;

    put_number(reflector, FLAGS_WELL_KNOWN, ATTRIBUTE_ORIGIN, path->origin, 1, out);
    put_as_path(reflector, path, out);
    if (!path_is_in_mp(reflector, family))
        put_attribute(reflector, FLAGS_WELL_KNOWN, ATTRIBUTE_NEXT_HOP, path->next_hop[0].bytes, 4,
                      out);
    if (path->has_med)
        put_number(reflector, FLAGS_OPTIONAL, ATTRIBUTE_MED, path->med, 4, out);
    if (internal)
        put_number(reflector, FLAGS_WELL_KNOWN, ATTRIBUTE_LOCAL_PREF, path->local_pref, 4, out);
    if (more && more->atomic)
        put_attribute(reflector, FLAGS_WELL_KNOWN, ATTRIBUTE_ATOMIC_AGGREGATE, NULL, 0, out);
    if (aggregated)
        put_aggregator(reflector, more, ATTRIBUTE_AGGREGATOR, as_width(reflector), out);
    put_communities(reflector, path, out);
    if (internal)
        put_reflection(scenario, reflector, path, out);
    put_as4_path(reflector, path, out);
    if (aggregated && reflector->two_octet_as && more->aggregator_as > UINT16_MAX)
        put_aggregator(reflector, more, ATTRIBUTE_AS4_AGGREGATOR, 4, out);
    if (more)
        put_more(reflector, more, out);
}

void path_link_state_attributes(const struct reflector *reflector, const struct octets *contents,
                                struct wire *out)
{
    static const struct path none = {.origin = ORIGIN_IGP};

    put_number(reflector, FLAGS_WELL_KNOWN, ATTRIBUTE_ORIGIN, ORIGIN_IGP, 1, out);
    put_as_path(reflector, &none, out);
    if (reflector->as == reflector->peer_as)
        put_number(reflector, FLAGS_WELL_KNOWN, ATTRIBUTE_LOCAL_PREF, 100, 4, out);
    put_as4_path(reflector, &none, out);
    if (contents)
        put_attribute(reflector, FLAGS_OPTIONAL, ATTRIBUTE_LINK_STATE, contents->bytes,
                      contents->length, out);
}
