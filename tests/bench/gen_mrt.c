/* gen_mrt: the reflectors' tables as an MRT dump, TABLE_DUMP_V2 (RFC 6396 section 4.3).
 *
 * One PEER_INDEX_TABLE, then a record a prefix in canonical order with an entry for each reflector; with all
 * paths an entry for each path, with its path-id (RFC 8050). */
#include "gen_out.h"
#include "gen_write.h"

#include <string.h>

enum {
    TABLE_DUMP_V2 = 13,
    PEER_INDEX_TABLE = 1,
    RIB_IPV4_UNICAST = 2,
    RIB_IPV6_UNICAST = 4,
    WITH_PATH_IDS = 6, // more than the subtype without
    PEER_AS4 = 2,
    RECORD_ROOM = 65536, // 64 reflectors, or 24 paths, of less than 300 octets
};
static const uint32_t dump_time = 1767225600; // 2026-01-01: the dump of a seed is always the same

struct record {
    uint8_t bytes[RECORD_ROOM];
    size_t length;
};

static void put(struct record *record, uint64_t number, size_t width)
{
    for (size_t i = 0; i < width; i++)
        record->bytes[record->length++] = (uint8_t)(number >> 8 * (width - 1 - i));
}

static void put_bytes(struct record *record, const void *bytes, size_t length)
{
    memcpy(record->bytes + record->length, bytes, length);
    record->length += length;
}

static void put_text(struct record *record, const char *text)
{
    put(record, strlen(text), 2);
    put_bytes(record, text, strlen(text));
}

static void write_record(struct gen_out *out, const struct record *record, uint64_t subtype)
{
    gen_out_big_endian(out, dump_time, 4);
    gen_out_big_endian(out, TABLE_DUMP_V2, 2);
    gen_out_big_endian(out, subtype, 2);
    gen_out_big_endian(out, record->length, 4);
    gen_out_bytes(out, record->bytes, record->length);
}

static void write_peers(struct gen_out *out, const struct gen_size *size)
{
    struct record record = {.length = 0};
    struct prefix collector = gen_reflector_id(0);

    put_bytes(&record, collector.bytes, 4);
    put_text(&record, "generated");
    put(&record, size->reflectors, 2);
    for (size_t r = 0; r < size->reflectors; r++) {
        struct prefix id = gen_reflector_id(r);

        put(&record, PEER_AS4, 1);
        put_bytes(&record, id.bytes, 4);
        put(&record, 127u << 24 | 1u << 8 | (r + 1), 4); // 127.0.1.n, as in the scenario
        put(&record, GEN_AS, 4);
    }
    write_record(out, &record, PEER_INDEX_TABLE);
}

// ---- path attributes (RFC 4271 section 4.3)

enum { OPTIONAL = 0x80, TRANSITIVE = 0x40 };

static void put_attribute(struct record *record, uint8_t flags, uint8_t code, size_t length)
{
    put(record, flags, 1);
    put(record, code, 1);
    put(record, length, 1); // never above 255: at most 24 ASes, 12 communities
}

/* RFC 6396 section 4.3.4: of MP_REACH_NLRI only the next hop is left, AS numbers have four octets. */
static void put_next_hop(struct record *record, struct prefix next_hop)
{
    if (next_hop.family == FAMILY_IPV4) {
        put_attribute(record, TRANSITIVE, 3, 4);
        put_bytes(record, next_hop.bytes, 4);
        return;
    }
    put_attribute(record, OPTIONAL, 14, 17);
    put(record, 16, 1);
    put_bytes(record, next_hop.bytes, 16);
}

static void put_attributes(struct record *record, const struct gen_routes *routes,
                           struct gen_said said, unsigned family, size_t reflector)
{
    const struct gen_path *path = &routes->paths[said.path];
    const struct gen_tags *tags = &routes->tags[path->tags];
    struct prefix originator = gen_loopback(said.router, FAMILY_IPV4);
    struct prefix cluster = gen_reflector_id(reflector);
    size_t begin = record->length;

    put(record, 0, 2);
    put_attribute(record, TRANSITIVE, 1, 1);
    put(record, path->origin, 1);
    put_attribute(record, TRANSITIVE, 2, 2 + (size_t)4 * path->hop_count);
    put(record, 2, 1); // AS_SEQUENCE
    put(record, path->hop_count, 1);
    for (uint32_t i = 0; i < path->hop_count; i++)
        put(record, path->hops[i], 4);
    put_next_hop(record, gen_loopback(said.router, family));
    if (path->has_med) {
        put_attribute(record, OPTIONAL, 4, 4);
        put(record, path->med, 4);
    }
    put_attribute(record, TRANSITIVE, 5, 4);
    put(record, path->local_pref, 4);
    if (tags->count) {
        put_attribute(record, OPTIONAL | TRANSITIVE, 8, (size_t)4 * tags->count);
        for (uint32_t i = 0; i < tags->count; i++)
            put(record, tags->list[i], 4);
    }
    put_attribute(record, OPTIONAL, 9, 4);
    put_bytes(record, originator.bytes, 4);
    put_attribute(record, OPTIONAL, 10, 4);
    put_bytes(record, cluster.bytes, 4);
    size_t length = record->length - begin - 2;

    record->bytes[begin] = (uint8_t)(length >> 8);
    record->bytes[begin + 1] = (uint8_t)length;
}

static void put_entries(struct record *record, const struct gen_routes *routes,
                        const struct gen_prefix *prefix)
{
    size_t place = record->length, entries = 0;
    struct gen_said said[GEN_SAID];

    put(record, 0, 2);
    for (size_t r = 0; r < routes->size.reflectors; r++) {
        size_t count = gen_said(routes, prefix->group, r, said);

        for (size_t k = 0; k < count; k++) {
            put(record, r, 2);
            put(record, dump_time, 4);
            if (routes->size.all_paths)
                put(record, k + 1, 4);
            put_attributes(record, routes, said[k], prefix->family, r);
        }
        entries += count;
    }
    record->bytes[place] = (uint8_t)(entries >> 8);
    record->bytes[place + 1] = (uint8_t)entries;
}

bool gen_write_mrt(const struct gen_routes *routes, const char *path, struct error *err)
{
    struct gen_out *out = gen_out_open(path, err);
    struct record record;

    if (!out)
        return false;
    write_peers(out, &routes->size);
    for (size_t i = 0; i < routes->prefix_count; i++) {
        const struct gen_prefix *prefix = &routes->prefixes[i];
        struct prefix value = gen_prefix_value(prefix);
        unsigned subtype = prefix->family == FAMILY_IPV4 ? RIB_IPV4_UNICAST : RIB_IPV6_UNICAST;

        record.length = 0;
        put(&record, i, 4);
        put(&record, prefix->length_bits, 1);
        put_bytes(&record, value.bytes, (prefix->length_bits + 7u) / 8);
        put_entries(&record, routes, prefix);
        write_record(out, &record, subtype + (routes->size.all_paths ? WITH_PATH_IDS : 0));
    }
    return gen_out_close(out, err);
}
