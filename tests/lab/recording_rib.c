/* recording_rib: tables of MRT files, TABLE_DUMP_V2, as the UPDATEs of one of their peers.
 *
 * A table is sorted by prefix and has every peer's path of it; an UPDATE wants one peer's prefixes that
 * share a path. So the peer's routes are gathered, sorted by their attributes' octets and written as runs.
 * MP_REACH stands in tables without what the record says already (RFC 6396 section 4.3.4): it is made
 * whole again. */
#include "lib/arena.h"
#include "message.h"
#include "mrt.h"
#include "recording_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ATTRIBUTE_MP_REACH = 14,
    FLAG_LONG = 0x10,
    PEER_IPV6 = 0x01,
    PEER_AS4 = 0x02,
    LONGEST_NEXT_HOP = 32,
};

// ---- the peers

bool rib_read_peers(struct recording *recording, const struct mrt_record *record, struct error *err)
{
    struct cut body = record->body;

    if (recording->peer_count)
        return recording_fail(recording, record->at, err,
                              "a second table of peers; one in a file expected");
    (void)cut_uint(&body, 4);
    (void)cut_bytes(&body, cut_uint(&body, 2)); // the view's name
    unsigned count = (unsigned)cut_uint(&body, 2);

    recording->first_peer = recording->source_count;
    for (unsigned peer = 0; peer < count; peer++) {
        char address[NET_TEXT_SIZE];
        unsigned type = (unsigned)cut_uint(&body, 1);
        const uint8_t *router_id = cut_bytes(&body, 4);
        unsigned octets = type & PEER_IPV6 ? 16 : 4;
        const uint8_t *bytes = cut_bytes(&body, octets);
        uint32_t as = (uint32_t)cut_uint(&body, type & PEER_AS4 ? 4 : 2);

        if (body.failed)
            return recording_fail(recording, record->at, err, "%u peers of %u; all expected", peer,
                                  count);
        struct source *source = recording_add_source(recording);

        recording->peer_count++;
        source->is_table = true;
        source->peer_index = peer;
        source->as = as;
        source->ends[0].address =
            (struct net){.family = octets == 16 ? 6 : 4, .length_bits = (uint8_t)(8 * octets)};
        memcpy(source->ends[0].address.bytes, bytes, octets);
        memcpy(source->router_id, router_id, 4);
        (void)snprintf(source->shown.name, sizeof source->shown.name, "%s AS%u table",
                       net_format_address(&source->ends[0].address, address), as);
    }
    if (body.failed || body.left)
        return recording_fail(recording, record->at, err,
                              "a table of peers with %zu octets behind it; none expected",
                              body.left);
    return true;
}

// ---- the routes

bool rib_is_ours(const struct mrt_record *record)
{
    return record->subtype == RIB_IPV4_UNICAST || record->subtype == RIB_IPV6_UNICAST ||
           record->subtype == RIB_IPV4_UNICAST_ADDPATH ||
           record->subtype == RIB_IPV6_UNICAST_ADDPATH;
}

bool rib_walk(const struct recording *recording, const struct mrt_record *record, rib_visit *visit,
              void *context, struct error *err)
{
    struct cut body = record->body;
    struct rib_record rib = {
        .is_ipv6 =
            record->subtype == RIB_IPV6_UNICAST || record->subtype == RIB_IPV6_UNICAST_ADDPATH,
        .add_path = record->subtype == RIB_IPV4_UNICAST_ADDPATH ||
                    record->subtype == RIB_IPV6_UNICAST_ADDPATH,
    };
    unsigned bits = rib.is_ipv6 ? 128 : 32;

    (void)cut_uint(&body, 4); // sequence number
    rib.length_bits = (uint8_t)cut_uint(&body, 1);
    if (rib.length_bits > bits)
        return recording_fail(recording, record->at, err,
                              "a prefix of %u bits; at most %u expected", rib.length_bits, bits);
    rib.prefix = cut_bytes(&body, (rib.length_bits + 7u) / 8);
    rib.entries = (unsigned)cut_uint(&body, 2);
    for (unsigned i = 0; i < rib.entries && !body.failed; i++) {
        struct rib_entry entry = {.peer = (unsigned)cut_uint(&body, 2)};

        (void)cut_uint(&body, 4); // since when
        if (rib.add_path)
            entry.path_id = (uint32_t)cut_uint(&body, 4);
        entry.attributes = cut_sub(&body, cut_uint(&body, 2));
        if (body.failed)
            break;
        if (entry.peer >= recording->peer_count)
            return recording_fail(recording, record->at, err,
                                  "peer %u; one of the table of peers before it expected",
                                  entry.peer);
        if (!visit(context, &rib, &entry, err))
            return false;
    }
    if (body.failed || body.left)
        return recording_fail(recording, record->at, err,
                              "%u entries that do not fill the record; as many octets as they "
                              "have expected",
                              rib.entries);
    return true;
}

struct rib_route {
    const uint8_t *attributes;
    uint32_t attribute_length;
    uint32_t path_id;
    size_t order; // in the file
    bool is_ipv6;
    uint8_t length_bits;
    uint8_t prefix[16];
};

struct gathering {
    const struct recording *recording;
    unsigned peer;
    bool add_path[2]; // IPv4, IPv6
    struct rib_route *routes;
    size_t count, capacity;
};

static bool gather(void *context, const struct rib_record *rib, const struct rib_entry *entry,
                   struct error *err)
{
    struct gathering *gathering = context;

    (void)err;
    if (entry->peer != gathering->peer)
        return true;
    gathering->routes = memory_grow(gathering->routes, gathering->count, &gathering->capacity,
                                    sizeof *gathering->routes);
    struct rib_route *route = &gathering->routes[gathering->count];

    *route = (struct rib_route){.attributes = entry->attributes.at,
                                .attribute_length = (uint32_t)entry->attributes.left,
                                .path_id = entry->path_id,
                                .order = gathering->count++,
                                .is_ipv6 = rib->is_ipv6,
                                .length_bits = rib->length_bits};
    if (rib->length_bits)
        memcpy(route->prefix, rib->prefix, (rib->length_bits + 7u) / 8);
    gathering->add_path[rib->is_ipv6] |= rib->add_path;
    return true;
}

static int compare_attributes(const struct rib_route *a, const struct rib_route *b)
{
    if (a->attribute_length != b->attribute_length)
        return a->attribute_length < b->attribute_length ? -1 : 1;
    return a->attribute_length ? memcmp(a->attributes, b->attributes, a->attribute_length) : 0;
}

static int compare_routes(const void *a, const void *b)
{
    const struct rib_route *left = a, *right = b;

    if (left->is_ipv6 != right->is_ipv6)
        return left->is_ipv6 ? 1 : -1;
    int order = compare_attributes(left, right);

    return order ? order : (left->order > right->order) - (left->order < right->order);
}

// ---- UPDATEs

struct shape {              // of the UPDATEs of one run
    struct wire attributes; // but MP_REACH
    bool has_reach;
    uint8_t next_hop[LONGEST_NEXT_HOP], next_hop_length;
};

/* The next hop alone, as tables have it; or a whole MP_REACH, as some write. */
static bool read_next_hop(struct cut value, struct shape *out)
{
    struct cut whole = value;
    unsigned length = (unsigned)cut_uint(&value, 1);

    if (length != value.left) {
        value = whole;
        (void)cut_bytes(&value, 3);
        length = (unsigned)cut_uint(&value, 1);
    }
    const uint8_t *bytes = cut_bytes(&value, length);

    if (!bytes || length > LONGEST_NEXT_HOP)
        return false;
    memcpy(out->next_hop, bytes, length);
    out->next_hop_length = (uint8_t)length;
    out->has_reach = true;
    return true;
}

/* Takes a route's attributes apart; offset of what is wrong in *bad. */
static bool read_shape(const struct rib_route *route, struct shape *out)
{
    struct cut cut = {.at = route->attributes, .left = route->attribute_length};

    out->attributes.length = 0;
    out->has_reach = false;
    while (cut.left) {
        struct cut before = cut;
        unsigned flags = (unsigned)cut_uint(&cut, 1), type = (unsigned)cut_uint(&cut, 1);
        struct cut value = cut_sub(&cut, cut_uint(&cut, flags & FLAG_LONG ? 2 : 1));

        if (cut.failed)
            return false;
        if (type == ATTRIBUTE_MP_REACH) {
            if (!read_next_hop(value, out))
                return false;
        } else {
            wire_put_bytes(&out->attributes, before.at, before.left - cut.left);
        }
    }
    return true;
}

/* One message, from the run's first routes: returns how many of them fit. */
static size_t write_update(const struct shape *shape, const struct rib_route *routes, size_t count,
                           bool add_path, struct wire *out)
{
    bool is_ipv6 = routes->is_ipv6;
    size_t fixed = MESSAGE_HEADER + 4 + shape->attributes.length;
    struct wire nlris = {0}, value = {0};
    size_t taken = 0;

    if (shape->has_reach)
        fixed += 4 + 3 + 1 + shape->next_hop_length + 1u;
    for (; taken < count; taken++) {
        const struct rib_route *route = &routes[taken];
        size_t octets = (route->length_bits + 7u) / 8;

        if (taken && fixed + nlris.length + 5 + octets > MESSAGE_LIMIT)
            break;
        if (add_path)
            wire_put(&nlris, route->path_id, 4);
        wire_put(&nlris, route->length_bits, 1);
        wire_put_bytes(&nlris, route->prefix, octets);
    }
    if (shape->has_reach) {
        wire_put(&value, is_ipv6 ? 2 : 1, 2);
        wire_put(&value, 1, 1);
        wire_put(&value, shape->next_hop_length, 1);
        wire_put_bytes(&value, shape->next_hop, shape->next_hop_length);
        wire_put(&value, 0, 1);
        wire_put_bytes(&value, nlris.bytes, nlris.length);
        nlris.length = 0;
    }
    out->length = 0;
    (void)message_begin(MESSAGE_UPDATE, out);
    wire_put(out, 0, 2);
    size_t place = wire_open(out, 2);

    if (shape->has_reach) {
        wire_put(out, 0x90, 1);
        wire_put(out, ATTRIBUTE_MP_REACH, 1);
        wire_put(out, value.length, 2);
        wire_put_bytes(out, value.bytes, value.length);
    }
    wire_put_bytes(out, shape->attributes.bytes, shape->attributes.length);
    wire_close(out, place, 2);
    wire_put_bytes(out, nlris.bytes, nlris.length);
    message_end(out, 0);
    wire_free(&nlris);
    wire_free(&value);
    return taken;
}

static bool write_run(const struct gathering *gathering, const struct rib_route *routes,
                      size_t count, struct shape *shape, struct wire *wire, struct stream *out,
                      struct error *err)
{
    const struct recording *recording = gathering->recording;
    size_t offset = (size_t)(routes->attributes - recording->octets);

    if (!read_shape(routes, shape))
        return recording_fail(recording, offset, err,
                              "path attributes whose lengths do not nest; some that can be read "
                              "expected");
    if (routes->is_ipv6 && !shape->has_reach)
        return recording_fail(recording, offset, err,
                              "an IPv6 route without next hop; MP_REACH expected");
    if (shape->attributes.length + 100 > MESSAGE_LIMIT)
        return recording_fail(recording, offset, err,
                              "path attributes of %zu octets; some that fit a message expected",
                              shape->attributes.length);
    for (size_t at = 0; at < count;) {
        at += write_update(shape, routes + at, count - at, gathering->add_path[routes->is_ipv6],
                           wire);
        stream_add_family(out, wire->bytes, wire->length, gathering->add_path[routes->is_ipv6]);
        stream_add(out, 0, wire->bytes, wire->length);
    }
    return true;
}

static void add_end_of_rib(bool is_ipv6, struct stream *out)
{
    static const uint8_t of_ipv4[] = {0, 0, 0, 0};
    static const uint8_t of_ipv6[] = {0, 0, 0, 6, 0x80, 15, 3, 0, 2, 1}; // an empty MP_UNREACH
    struct wire wire = {0};

    message_of(MESSAGE_UPDATE, is_ipv6 ? of_ipv6 : of_ipv4,
               is_ipv6 ? sizeof of_ipv6 : sizeof of_ipv4, &wire);
    stream_add(out, 0, wire.bytes, wire.length);
    wire_free(&wire);
}

static bool write_runs(const struct gathering *gathering, struct stream *out, struct error *err)
{
    const struct rib_route *routes = gathering->routes;
    struct shape shape = {0};
    struct wire wire = {0};
    bool ok = true;

    for (size_t from = 0, to; ok && from < gathering->count; from = to) {
        for (to = from + 1; to < gathering->count && routes[to].is_ipv6 == routes[from].is_ipv6 &&
                            compare_attributes(&routes[to], &routes[from]) == 0;)
            to++;
        ok = write_run(gathering, routes + from, to - from, &shape, &wire, out, err);
        if (ok && (to == gathering->count || routes[to].is_ipv6 != routes[from].is_ipv6))
            add_end_of_rib(routes[from].is_ipv6, out);
    }
    wire_free(&shape.attributes);
    wire_free(&wire);
    return ok;
}

bool rib_load(const struct recording *recording, const struct source *source, struct stream *out,
              struct error *err)
{
    struct gathering gathering = {.recording = recording, .peer = source->peer_index};
    struct mrt_record record;
    bool failed = false, ok = true;

    out->open = (struct open_facts){.as = source->as, .hold_time_s = 90, .four_octet_as = true};
    memcpy(out->open.router_id, source->router_id, sizeof out->open.router_id);
    for (size_t at = 0; ok && mrt_next(recording, &at, &record, &failed, err);) {
        if (record.type == MRT_TABLE_DUMP_V2 && rib_is_ours(&record))
            ok = rib_walk(recording, &record, gather, &gathering, err);
    }
    if (ok && gathering.count)
        qsort(gathering.routes, gathering.count, sizeof *gathering.routes, compare_routes);
    ok = ok && !failed && write_runs(&gathering, out, err);
    free(gathering.routes);
    return ok;
}
