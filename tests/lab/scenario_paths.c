/* scenario_paths: the attributes of BGP routes.
 *
 * An AS path is written as operators read it: "64511 64512 {64513 64514}", with (65001 65002) for a
 * sequence and [65003 65004] for a set of confederation members (RFC 5065). */
#include "path_attributes.h"
#include "scenario_read.h"

#include <stdlib.h>
#include <string.h>

enum {
    AS_LIMIT = 254, // numbers of a path: one AS_SEQUENCE has room, with an origin
    SEGMENT_LIMIT = 32,
    COMMUNITY_LIMIT = 200, // so that attributes leave room for prefixes in one message
    CLUSTER_LIMIT = 50,
    ROOM_FOR_PATH = 4096 - 120, // header, lengths, MP_REACH's own part, a prefix
};

struct path *scenario_add_path(struct scenario *scenario)
{
    scenario->paths = memory_grow(scenario->paths, scenario->path_count, &scenario->path_capacity,
                                  sizeof *scenario->paths);
    struct path *path = &scenario->paths[scenario->path_count++];

    *path = (struct path){0};
    return path;
}

// ---- AS paths

struct as_reader {
    uint32_t numbers[AS_LIMIT];
    struct segment segments[SEGMENT_LIMIT];
    size_t number_count, segment_count;
    char closes; // what ends the segment; 0: it is a plain sequence
};

static bool begin_segment(struct as_reader *as, enum segment_kind kind, char closes)
{
    if (as->segment_count == SEGMENT_LIMIT || as->closes)
        return false;
    as->segments[as->segment_count++] = (struct segment){.kind = kind};
    as->closes = closes;
    return true;
}

static bool add_number(struct as_reader *as, const char **text)
{
    uint64_t number = 0;
    const char *at = *text;

    for (; *at >= '0' && *at <= '9' && number <= UINT32_MAX; at++)
        number = 10 * number + (uint64_t)(*at - '0');
    if (at == *text || number == 0 || number >= UINT32_MAX || as->number_count == AS_LIMIT)
        return false;
    *text = at;
    bool plain = as->segment_count && as->segments[as->segment_count - 1].kind == SEGMENT_SEQUENCE;

    if (!as->closes && !plain && !begin_segment(as, SEGMENT_SEQUENCE, '\0'))
        return false;
    as->segments[as->segment_count - 1].count++;
    as->numbers[as->number_count++] = (uint32_t)number;
    return true;
}

static bool parse_as_path(struct as_reader *as, const char *text)
{
    static const struct {
        char opens, closes;
        enum segment_kind kind;
    } brackets[] = {{'{', '}', SEGMENT_SET},
                    {'(', ')', SEGMENT_CONFED_SEQUENCE},
                    {'[', ']', SEGMENT_CONFED_SET}};

    while (*(text += strspn(text, " "))) {
        size_t i = 0;

        while (i < COUNT_OF(brackets) && brackets[i].opens != *text)
            i++;
        if (i < COUNT_OF(brackets)) {
            if (!begin_segment(as, brackets[i].kind, brackets[i].closes))
                return false;
            text++;
        } else if (as->closes && *text == as->closes) {
            if (as->segments[as->segment_count - 1].count == 0)
                return false;
            as->closes = '\0';
            text++;
        } else if (!add_number(as, &text)) {
            return false;
        }
    }
    return !as->closes;
}

/* RFC 4271 section 9.1.2.2, RFC 5065 section 5.3. */
static size_t compared_length(const struct segment *segments, size_t count)
{
    size_t length = 0;

    for (size_t i = 0; i < count; i++) {
        if (segments[i].kind == SEGMENT_SEQUENCE)
            length += segments[i].count;
        else if (segments[i].kind == SEGMENT_SET)
            length++;
    }
    return length;
}

static bool read_as_path(struct loading *loading, const struct tree *node, struct path *path)
{
    struct arena *arena = loading->scenario->arena;
    struct as_reader as;

    as.number_count = as.segment_count = 0;
    as.closes = '\0';
    for (size_t i = 0; i < reader_count(node); i++) {
        const struct tree *item = reader_item(node, i);
        const char *text = reader_text(&loading->reader, item, "an AS path");

        if (!text)
            return false;
        if (!parse_as_path(&as, text))
            return reader_fail(
                &loading->reader, item,
                "as_path: \"%.60s\"; at most %d numbers from 1 to 4294967294, sets in "
                "{ }, confederations in ( ) and [ ], expected",
                text, AS_LIMIT);
    }
    bool is_plain =
        as.segment_count == 0 || (as.segment_count == 1 && as.segments[0].kind == SEGMENT_SEQUENCE);

    path->as_path = arena_copy(arena, as.numbers, as.number_count * sizeof *as.numbers);
    path->as_count = as.number_count;
    path->as_length = compared_length(as.segments, as.segment_count);
    if (!is_plain) {
        path->segments = arena_copy(arena, as.segments, as.segment_count * sizeof *as.segments);
        path->segment_count = as.segment_count;
    }
    return true;
}

// ---- communities

/* Numbers with colons between them, none above its limit. */
static bool parse_numbers(const char *text, const uint64_t *limits, size_t count, uint64_t *out)
{
    for (size_t i = 0; i < count; i++) {
        size_t digits = strspn(text, "0123456789");

        if (digits == 0 || digits > 10 || text[digits] != (i + 1 < count ? ':' : '\0'))
            return false;
        out[i] = 0;
        for (size_t k = 0; k < digits; k++)
            out[i] = 10 * out[i] + (uint64_t)(text[k] - '0');
        if (out[i] > limits[i])
            return false;
        text += digits + 1;
    }
    return true;
}

/* "64500:120" */
static bool parse_community(const char *text, void *out)
{
    static const uint64_t limits[] = {UINT16_MAX, UINT16_MAX};
    uint64_t parts[2];

    if (!parse_numbers(text, limits, 2, parts))
        return false;
    *(uint32_t *)out = (uint32_t)(parts[0] << 16 | parts[1]);
    return true;
}

/* "64500:1:2" (RFC 8092) */
static bool parse_large(const char *text, void *out)
{
    static const uint64_t limits[] = {UINT32_MAX, UINT32_MAX, UINT32_MAX};
    struct large_community *large = out;
    uint64_t parts[3];

    if (!parse_numbers(text, limits, 3, parts))
        return false;
    for (size_t i = 0; i < 3; i++)
        large->part[i] = (uint32_t)parts[i];
    return true;
}

/* "0002fbf400000064" (RFC 4360), as it stands. */
static bool parse_extended(const char *text, void *out)
{
    uint64_t value = 0;

    if (strspn(text, "0123456789abcdef") != 16 || text[16])
        return false;
    for (; *text; text++)
        value = value << 4 | (uint64_t)(*text <= '9' ? *text - '0' : *text - 'a' + 10);
    *(uint64_t *)out = value;
    return true;
}

struct item_kind {
    const char *key, *expected;
    bool (*parse)(const char *text, void *out);
    size_t size, limit;
};

/* Texts of items with blanks between them. */
static bool read_items(struct loading *loading, const struct tree *node,
                       const struct item_kind *kind, const void **out, size_t *out_count)
{
    uint8_t buffer[COMMUNITY_LIMIT * sizeof(struct large_community)];
    size_t count = 0;

    for (size_t i = 0; i < reader_count(node); i++) {
        const struct tree *item = reader_item(node, i);
        const char *text = reader_text(&loading->reader, item, kind->expected), *part;

        if (!text)
            return false;
        while ((part = next_part(loading->reader.scratch, &text, ' '))) {
            if (count == kind->limit)
                return reader_fail(&loading->reader, item, "%s: more than %zu", kind->key,
                                   kind->limit);
            if (!kind->parse(part, buffer + count++ * kind->size))
                return reader_fail(&loading->reader, item, "%s: \"%.60s\"; %s expected", kind->key,
                                   part, kind->expected);
        }
    }
    *out = arena_copy(loading->scenario->arena, buffer, count * kind->size);
    *out_count = count;
    return true;
}

static bool parse_cluster(const char *text, void *out)
{
    return net_parse_address(text, out) && ((struct net *)out)->family == 4;
}

static const struct item_kind communities = {"communities", "one such as \"64500:120\"",
                                             parse_community, sizeof(uint32_t), COMMUNITY_LIMIT};
static const struct item_kind large = {"large_communities", "one such as \"64500:1:2\"",
                                       parse_large, sizeof(struct large_community),
                                       COMMUNITY_LIMIT};
static const struct item_kind extended = {"extended_communities",
                                          "16 hexadecimal digits such as \"0002fbf400000064\"",
                                          parse_extended, sizeof(uint64_t), COMMUNITY_LIMIT};
static const struct item_kind clusters = {"clusters", "an IPv4 address", parse_cluster,
                                          sizeof(struct net), CLUSTER_LIMIT};

// ---- the others

/* "64511 192.0.2.1" */
static bool read_aggregator(struct loading *loading, const struct tree *node,
                            struct path_more *more)
{
    const char *text = reader_text(&loading->reader, node, "an AS and an address"), *rest = text;

    if (!text)
        return false;
    const char *as = next_part(loading->reader.scratch, &rest, ' ');
    const char *address = next_part(loading->reader.scratch, &rest, ' ');
    uint64_t number;

    if (!as || !address || next_part(loading->reader.scratch, &rest, ' ') ||
        !text_to_uint(as, UINT32_MAX, &number) || !net_parse_address(address, &more->aggregator) ||
        more->aggregator.family != 4)
        return reader_fail(&loading->reader, node,
                           "aggregator: \"%.60s\"; an AS number and an IPv4 address expected",
                           text);
    more->aggregator_as = (uint32_t)number;
    return true;
}

/* "e0 99 0102, c0 128": flags in hexadecimal, type code, octets. */
static bool parse_attribute(struct arena *arena, const char *text, struct raw_attribute *out)
{
    const char *rest = text;
    const char *flags = next_part(arena, &rest, ' '), *type = next_part(arena, &rest, ' ');
    struct octets octets;
    uint64_t number;

    if (!flags || !type || !parse_octets(arena, flags, 1, &octets) || octets.length != 1 ||
        !text_to_uint(type, UINT8_MAX, &number))
        return false;
    out->flags = octets.bytes[0];
    out->type = (uint8_t)number;
    return parse_octets(arena, rest, ROOM_FOR_PATH, &out->value);
}

static bool read_attributes(struct loading *loading, const struct tree *node,
                            struct path_more *more)
{
    enum { LIMIT = 20 };
    struct arena *arena = loading->scenario->arena;
    struct raw_attribute *list = arena_alloc(arena, LIMIT, sizeof *list);

    for (size_t i = 0; i < reader_count(node); i++) {
        const struct tree *item = reader_item(node, i);
        const char *text = reader_text(&loading->reader, item, "a path attribute"), *part;

        if (!text)
            return false;
        while ((part = next_part(arena, &text, ','))) {
            if (more->attribute_count == LIMIT)
                return reader_fail(&loading->reader, item, "attributes: more than %d", LIMIT);
            if (!parse_attribute(arena, part, &list[more->attribute_count++]))
                return reader_fail(&loading->reader, item,
                                   "attributes: \"%.60s\"; flags in hexadecimal, type and octets "
                                   "such as e0 99 0102 expected",
                                   part);
        }
    }
    more->attributes = list;
    return true;
}

static bool read_more(struct loading *loading, const struct path_form *form, struct path *path)
{
    struct path_more more = {.atomic = form->atomic, .originator = form->originator};
    const void *list = NULL;
    bool ok = true;

    if (ok && form->extended) {
        ok =
            read_items(loading, form->extended, &extended, &list, &more.extended_communities.count);
        more.extended_communities.list = list;
    }
    if (ok && form->large) {
        ok = read_items(loading, form->large, &large, &list, &more.large_count);
        more.large_communities = list;
    }
    if (ok && form->clusters) {
        ok = read_items(loading, form->clusters, &clusters, &list, &more.cluster_count);
        more.clusters = list;
    }
    if (!ok || (form->aggregator && !read_aggregator(loading, form->aggregator, &more)) ||
        (form->attributes && !read_attributes(loading, form->attributes, &more)))
        return false;
    if (form->extended || form->large || form->clusters || form->aggregator || form->attributes ||
        form->atomic || form->originator.family)
        path->more = arena_copy(loading->scenario->arena, &more, sizeof more);
    return true;
}

static bool check_length(struct loading *loading, const struct tree *node, const struct path *path)
{
    static const struct reflector widest = {
        .as = 1, .peer_as = 1, .two_octet_as = true, .form.long_lengths = true};
    struct wire wire = {0};

    path_attributes(loading->scenario, &widest, path, FAMILY_IPV4, &wire);
    size_t length = wire.length;

    wire_free(&wire);
    return length <= ROOM_FOR_PATH ||
           reader_fail(&loading->reader, node,
                       "%zu octets of path attributes; at most %d expected, so that they fit a "
                       "message",
                       length, ROOM_FOR_PATH);
}

bool read_path(struct loading *loading, const struct tree *node, const struct path_form *form,
               struct path *out)
{
    struct path path = {.local_pref = form->local_pref, .origin = form->origin};
    const void *list = NULL;
    uint64_t med;

    path.next_hop[0] = form->next_hop_ipv4;
    path.next_hop[1] = form->next_hop_ipv6;
    if (form->med) {
        if (!reader_uint(&loading->reader, form->med, 0, UINT32_MAX, "med", &med))
            return false;
        path.has_med = true;
        path.med = (uint32_t)med;
    }
    if (form->as_path && !read_as_path(loading, form->as_path, &path))
        return false;
    if (form->communities) {
        if (!read_items(loading, form->communities, &communities, &list, &path.community_count))
            return false;
        path.communities = list;
    }
    if (!read_more(loading, form, &path))
        return false;
    *out = path;
    return !path.more || check_length(loading, node, &path);
}
