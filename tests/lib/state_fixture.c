/* state_fixture: see state_fixture.h. */
#include "state_fixture.h"

#include "lib/text.h"

#include <check.h>
#include <dirent.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

uint32_t random_below(uint64_t *state, uint32_t limit)
{
    *state = *state * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(*state >> 33) % limit;
}

static struct prefix address(const char *text)
{
    struct prefix out;

    ck_assert(address_parse(text, &out));
    return out;
}

struct route make_route(struct arena *arena, int64_t peer_id, unsigned key, unsigned variant)
{
    struct attributes *attributes = arena_alloc(arena, 1, sizeof *attributes);
    struct route route = {.peer_id = peer_id, .path_id = key % 3 ? 0 : key % 5};
    const char *text = key % 4 == 3 ? arena_format(arena, "2001:db8:%x::/48", key & 0xffff)
                                    : arena_format(arena, "%u.%u.%u.0/24", 1 + (key >> 16) % 223,
                                                   key >> 8 & 255, key & 255);

    ck_assert(prefix_parse(text, &route.prefix));
    route.next_hop = address(variant % 2 ? "192.0.2.1" : "2001:db8::1");
    attributes->origin = (uint8_t)(variant % 3);
    attributes->as_path = variant % 7 ? arena_format(arena, "64500 %u", variant) : "";
    attributes->has_local_pref = variant % 2;
    attributes->local_pref = variant % 2 ? variant : 0;
    attributes->has_med = variant % 3 == 0;
    attributes->communities = variant % 4 ? NULL : "64500:1 64500:20";
    attributes->large_communities = variant % 5 ? NULL : "64500:1:2";
    attributes->extended_communities = variant % 6 ? NULL : "0002fbf000000064";
    attributes->originator_id = variant % 4 == 1 ? "10.0.0.1" : NULL;
    attributes->cluster_list = variant % 4 == 1 ? "10.0.0.1 10.0.0.2" : NULL;
    attributes->atomic_aggregate = variant % 5 == 1;
    attributes->aggregator = variant % 5 == 1 ? "64500 10.0.0.1" : NULL;
    attributes->other = variant % 6 ? NULL : (const uint8_t *)"\xe0\x63\x01\x00";
    attributes->other_length = variant % 6 ? 0 : 4;
    route.attributes = attributes;
    return route;
}

static uint8_t *put_number(uint8_t *at, uint64_t value, size_t width)
{
    for (size_t i = width; i-- > 0; value >>= 8)
        at[i] = (uint8_t)value;
    return at + width;
}

/* A node of IS-IS level 2 with AS number and system id; an odd index is a pseudonode. */
static struct ls_node_descriptor make_descriptor(struct arena *arena, unsigned index)
{
    uint8_t length = index % 2 ? 7 : 6;
    struct ls_node_descriptor node = {.has_asn = true, .asn = 64500, .router_id_length = length};
    uint8_t *bytes = arena_alloc(arena, 64, 1), *at = bytes;

    (void)put_number(node.router_id, 0x010000000000 + index, 6);
    node.router_id[6] = index % 2 ? 1 : 0;
    at = put_number(at, 1, 2);
    at = put_number(at, 9 + 4 + 8 + 4U + length, 2);
    at = put_number(at, 2, 1);
    at = put_number(at, 7, 8);
    at = put_number(at, 256, 2);
    at = put_number(at, 8 + 4U + length, 2);
    at = put_number(put_number(put_number(at, 512, 2), 4, 2), 64500, 4);
    at = put_number(put_number(at, 515, 2), length, 2);
    memcpy(at, node.router_id, length);
    node.node = (struct octets){bytes, (size_t)(at + length - bytes)};
    return node;
}

static struct addresses make_addresses(struct arena *arena, unsigned variant)
{
    struct prefix *list = arena_alloc(arena, 2, sizeof *list);

    list[0] = address("10.0.0.1");
    list[1] = address("10.0.0.2");
    list[0].bytes[2] = (uint8_t)variant;
    list[1].bytes[2] = (uint8_t)variant;
    return (struct addresses){list, variant % 3};
}

static struct octets make_octets(struct arena *arena, unsigned type, unsigned key)
{
    char *text = arena_format(arena, "%c%cNLRI %u", 0, (int)type, key);

    return (struct octets){(const uint8_t *)text, 2 + strlen(text + 2)};
}

static struct octets make_other(unsigned variant)
{
    return variant % 3 ? (struct octets){0} : (struct octets){(const uint8_t *)"\x04\x7f\0", 4};
}

struct ls_node make_node(struct arena *arena, int64_t peer_id, unsigned key, unsigned variant)
{
    static const uint16_t topologies[] = {0, 0x8002, 0x4003};
    static const struct octets areas[] = {{(const uint8_t *)"\x49", 1},
                                          {(const uint8_t *)"\x49\x00\x01", 3}};
    struct ls_node node = {.peer_id = peer_id,
                           .nlri = make_octets(arena, 1, key),
                           .protocol = 2,
                           .instance = UINT64_MAX - key,
                           .local = make_descriptor(arena, key),
                           .has_attributes = variant != 0};

    if (!variant)
        return node;
    node.name = variant % 4 ? arena_format(arena, "mad-cr%u", variant) : NULL;
    node.has_flags = variant % 3;
    node.flags = variant % 3 ? NODE_OVERLOAD : 0;
    node.topologies = topologies;
    node.topology_count = variant % 4;
    node.isis_areas = areas;
    node.isis_area_count = variant % 3;
    node.ipv4_router_ids = make_addresses(arena, variant);
    node.ipv6_router_ids = (struct addresses){0};
    node.other = make_other(variant);
    return node;
}

struct ls_link make_link(struct arena *arena, int64_t peer_id, unsigned key, unsigned variant)
{
    static const uint32_t srlgs[] = {7, 4294967295};
    struct ls_link link = {.peer_id = peer_id,
                           .nlri = make_octets(arena, 2, key),
                           .protocol = 2,
                           .instance = 7,
                           .local = make_descriptor(arena, key),
                           .remote = make_descriptor(arena, key + 1),
                           .local_addresses = make_addresses(arena, key),
                           .remote_addresses = make_addresses(arena, key + 1),
                           .topology = 2,
                           .has_attributes = variant != 0};

    if (key % 2) {
        link.has = LINK_LINK_IDS;
        link.local_link_id = key;
        link.remote_link_id = 0;
    }
    if (!variant)
        return link;
    link.has |= variant % (LINK_UTILIZED << 1) & ~(uint32_t)LINK_LINK_IDS;
    link.igp_metric = link.has & LINK_IGP_METRIC ? variant : 0;
    link.te_metric = link.has & LINK_TE_METRIC ? variant : 0;
    link.admin_group = link.has & LINK_ADMIN_GROUP ? UINT32_MAX : 0;
    link.max_bandwidth_bps = link.has & LINK_MAX_BANDWIDTH ? 1e10 + variant : 0;
    link.delay_us = link.has & LINK_DELAY ? variant : 0;
    link.delay_anomalous = link.has & LINK_DELAY && variant % 2;
    link.delay_min_us = link.has & LINK_DELAY_MIN ? variant : 0;
    link.delay_max_us = link.has & LINK_DELAY_MAX ? variant : 0;
    link.delay_variation_us = link.has & LINK_DELAY_VARIATION ? variant : 0;
    link.loss_3e8 = link.has & LINK_LOSS ? 16777214 : 0;
    link.utilized_bps = link.has & LINK_UTILIZED ? 0.5 : 0;
    link.srlgs = srlgs;
    link.srlg_count = variant % 3;
    link.name = variant % 5 ? NULL : "to the \"north\"";
    link.local_ipv4_router_ids = make_addresses(arena, variant);
    link.remote_ipv4_router_ids = make_addresses(arena, variant + 1);
    link.other = make_other(variant);
    return link;
}

struct ls_prefix make_ls_prefix(struct arena *arena, int64_t peer_id, unsigned key,
                                unsigned variant)
{
    struct ls_prefix prefix = {.peer_id = peer_id,
                               .nlri = make_octets(arena, 3, key),
                               .protocol = 3,
                               .local = make_descriptor(arena, key),
                               .topology = 0,
                               .ospf_route_type = (uint8_t)(key % 7),
                               .has_attributes = variant != 0};

    prefix.prefix = make_route(arena, 1, key, 1).prefix;
    if (!variant)
        return prefix;
    prefix.has_igp_flags = variant % 2;
    prefix.igp_flags = (uint8_t)(variant % 2 ? 0x80 : 0);
    prefix.has_attribute_flags = variant % 3 == 0;
    prefix.has_metric = variant % 4;
    prefix.metric = variant % 4 ? variant : 0;
    prefix.other = make_other(variant);
    return prefix;
}

struct octets make_opaque(struct arena *arena, unsigned key)
{
    return make_octets(arena, 6, key);
}

/* ---- As text ---- */

static char *hex(struct arena *arena, struct octets octets)
{
    return text_hex(octets.bytes, octets.length, arena_alloc(arena, octets.length * 2 + 1, 1));
}

static const char *word(const char *text)
{
    return text ? text : "-";
}

char *route_text(struct arena *arena, const struct route *route)
{
    const struct attributes *a = route->attributes;
    char text[PREFIX_TEXT_SIZE];

    return arena_format(
        arena, "via %s origin %u path '%s' pref %d %u med %d %u %s %s %s %s %s %d %s %s",
        address_format(&route->next_hop, text), a->origin, a->as_path, a->has_local_pref,
        a->local_pref, a->has_med, a->med, word(a->communities), word(a->large_communities),
        word(a->extended_communities), word(a->originator_id), word(a->cluster_list),
        a->atomic_aggregate, word(a->aggregator),
        hex(arena, (struct octets){a->other, a->other_length}));
}

static char *addresses_text(struct arena *arena, struct addresses addresses)
{
    char *text = arena_format(arena, "[");
    char one[PREFIX_TEXT_SIZE];

    for (size_t i = 0; i < addresses.count; i++)
        text = arena_format(arena, "%s %s", text, address_format(&addresses.list[i], one));
    return arena_format(arena, "%s ]", text);
}

static char *descriptor_text(struct arena *arena, const struct ls_node_descriptor *node)
{
    return arena_format(arena, "(%s %d %u %d %u %d %u %d %u %s)", hex(arena, node->node),
                        node->has_asn, node->asn, node->has_bgp_ls_id, node->bgp_ls_id,
                        node->has_area, node->area, node->has_bgp_router_id, node->bgp_router_id,
                        hex(arena, (struct octets){node->router_id, node->router_id_length}));
}

char *node_text(struct arena *arena, const struct ls_node *node)
{
    char *text =
        arena_format(arena, "%u %" PRIu64 " %s has %d name %s flags %d %u %s %s %s", node->protocol,
                     node->instance, descriptor_text(arena, &node->local), node->has_attributes,
                     word(node->name), node->has_flags, node->flags,
                     addresses_text(arena, node->ipv4_router_ids),
                     addresses_text(arena, node->ipv6_router_ids), hex(arena, node->other));

    for (size_t i = 0; i < node->topology_count; i++)
        text = arena_format(arena, "%s mt %u", text, node->topologies[i]);
    for (size_t i = 0; i < node->isis_area_count; i++)
        text = arena_format(arena, "%s area %s", text, hex(arena, node->isis_areas[i]));
    return text;
}

char *link_text(struct arena *arena, const struct ls_link *link)
{
    char *text = arena_format(
        arena, "%u %" PRIu64 " %s %s ids %u %u %s %s mt %u has %d %x igp %u te %u group %u",
        link->protocol, link->instance, descriptor_text(arena, &link->local),
        descriptor_text(arena, &link->remote), link->local_link_id, link->remote_link_id,
        addresses_text(arena, link->local_addresses), addresses_text(arena, link->remote_addresses),
        link->topology, link->has_attributes, link->has, link->igp_metric, link->te_metric,
        link->admin_group);

    text = arena_format(arena,
                        "%s bw %.17g %.17g %.17g %.17g %.17g delay %u %u %u %u %d %d loss %u %d",
                        text, link->max_bandwidth_bps, link->max_reservable_bps, link->residual_bps,
                        link->available_bps, link->utilized_bps, link->delay_us, link->delay_min_us,
                        link->delay_max_us, link->delay_variation_us, link->delay_anomalous,
                        link->delay_min_max_anomalous, link->loss_3e8, link->loss_anomalous);
    for (size_t i = 0; i < link->srlg_count; i++)
        text = arena_format(arena, "%s srlg %u", text, link->srlgs[i]);
    return arena_format(arena, "%s name %s %s %s %s %s %s", text, word(link->name),
                        addresses_text(arena, link->local_ipv4_router_ids),
                        addresses_text(arena, link->local_ipv6_router_ids),
                        addresses_text(arena, link->remote_ipv4_router_ids),
                        addresses_text(arena, link->remote_ipv6_router_ids),
                        hex(arena, link->other));
}

char *ls_prefix_text(struct arena *arena, const struct ls_prefix *prefix)
{
    char text[PREFIX_TEXT_SIZE];

    return arena_format(
        arena, "%u %" PRIu64 " %s %s mt %u type %u has %d igp %d %u flags %d %u metric %d %u %s",
        prefix->protocol, prefix->instance, descriptor_text(arena, &prefix->local),
        prefix_format(&prefix->prefix, text), prefix->topology, prefix->ospf_route_type,
        prefix->has_attributes, prefix->has_igp_flags, prefix->igp_flags,
        prefix->has_attribute_flags, prefix->attribute_flags, prefix->has_metric, prefix->metric,
        hex(arena, prefix->other));
}

char *object_key(struct arena *arena, enum state_object kind, int64_t peer_id,
                 const struct state_key *key)
{
    static const char *const kinds[] = {"route", "node", "link", "prefix", "opaque", "peer"};
    char text[PREFIX_TEXT_SIZE];

    return arena_format(arena, "%" PRId64 " %s %s %u", peer_id, kinds[kind],
                        kind == OBJECT_ROUTE ? prefix_format(&key->prefix, text)
                                             : hex(arena, key->nlri),
                        key->path_id);
}

/* ---- Pictures ---- */

struct line {
    char *key, *value;
};

struct picture {
    struct line *lines;
    size_t count, capacity, restarts, rows;
};

struct picture *picture_new(void)
{
    return memory_alloc(1, sizeof(struct picture));
}

void picture_clear(struct picture *picture)
{
    for (size_t i = 0; i < picture->count; i++) {
        free(picture->lines[i].key);
        free(picture->lines[i].value);
    }
    picture->count = 0;
}

void picture_free(struct picture *picture)
{
    picture_clear(picture);
    free(picture->lines);
    free(picture);
}

static void remove_line(struct picture *picture, size_t i)
{
    free(picture->lines[i].key);
    free(picture->lines[i].value);
    picture->lines[i] = picture->lines[--picture->count];
}

void picture_remove(struct picture *picture, const char *key)
{
    for (size_t i = 0; i < picture->count; i++)
        if (strcmp(picture->lines[i].key, key) == 0) {
            remove_line(picture, i);
            return;
        }
}

void picture_remove_peer(struct picture *picture, int64_t peer_id)
{
    char start[32];

    (void)snprintf(start, sizeof start, "%" PRId64 " ", peer_id);
    for (size_t i = picture->count; i-- > 0;)
        if (strncmp(picture->lines[i].key, start, strlen(start)) == 0)
            remove_line(picture, i);
}

void picture_put(struct picture *picture, const char *key, const char *value)
{
    picture_remove(picture, key);
    picture->lines =
        memory_grow(picture->lines, picture->count, &picture->capacity, sizeof *picture->lines);
    picture->lines[picture->count++] = (struct line){memory_text(key), memory_text(value)};
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(((const struct line *)a)->key, ((const struct line *)b)->key);
}

char *picture_text(struct picture *picture, struct arena *arena)
{
    size_t size = 1, used = 0;

    if (picture->count)
        qsort(picture->lines, picture->count, sizeof *picture->lines, compare_lines);
    for (size_t i = 0; i < picture->count; i++)
        size += strlen(picture->lines[i].key) + strlen(picture->lines[i].value) + 3;
    char *text = arena_alloc(arena, size, 1);
    for (size_t i = 0; i < picture->count; i++)
        used += (size_t)snprintf(text + used, size - used, "%s: %s\n", picture->lines[i].key,
                                 picture->lines[i].value);
    return text;
}

size_t picture_restarts(const struct picture *picture)
{
    return picture->restarts;
}

size_t picture_rows(const struct picture *picture)
{
    return picture->rows;
}

static void on_restart(void *context)
{
    struct picture *picture = context;

    picture_clear(picture);
    picture->restarts++;
}

static void put(struct picture *picture, struct arena *arena, enum state_object kind,
                int64_t peer_id, const struct state_key *key, const char *value)
{
    picture_put(picture, object_key(arena, kind, peer_id, key), value);
    picture->rows++;
    arena_free(arena);
}

static void on_route(void *context, const struct route *route, uint64_t attributes_id)
{
    struct arena *arena = arena_new();

    ck_assert_uint_gt(attributes_id, 0);
    put(context, arena, OBJECT_ROUTE, route->peer_id,
        &(struct state_key){.prefix = route->prefix, .path_id = route->path_id},
        route_text(arena, route));
}

static void on_node(void *context, const struct ls_node *node)
{
    struct arena *arena = arena_new();

    put(context, arena, OBJECT_NODE, node->peer_id, &(struct state_key){.nlri = node->nlri},
        node_text(arena, node));
}

static void on_link(void *context, const struct ls_link *link)
{
    struct arena *arena = arena_new();

    put(context, arena, OBJECT_LINK, link->peer_id, &(struct state_key){.nlri = link->nlri},
        link_text(arena, link));
}

static void on_prefix(void *context, const struct ls_prefix *prefix)
{
    struct arena *arena = arena_new();

    put(context, arena, OBJECT_PREFIX, prefix->peer_id, &(struct state_key){.nlri = prefix->nlri},
        ls_prefix_text(arena, prefix));
}

static void on_gone(void *context, enum state_object kind, int64_t peer_id,
                    const struct state_key *key)
{
    struct picture *picture = context;
    struct arena *arena = arena_new();

    if (kind == OBJECT_PEER)
        picture_remove_peer(picture, peer_id);
    else
        picture_remove(picture, object_key(arena, kind, peer_id, key));
    picture->rows++;
    arena_free(arena);
}

struct state_visitor picture_visitor(struct picture *picture)
{
    return (struct state_visitor){.context = picture,
                                  .on_restart = on_restart,
                                  .on_route = on_route,
                                  .on_node = on_node,
                                  .on_link = on_link,
                                  .on_prefix = on_prefix,
                                  .on_gone = on_gone};
}

/* ---- Files ---- */

char *folder_new(void)
{
    char *folder = memory_text("/tmp/altimeter-state-XXXXXX");

    ck_assert_ptr_nonnull(mkdtemp(folder));
    return folder;
}

void folder_remove(char *folder)
{
    DIR *list = opendir(folder);
    struct dirent *entry;
    char path[512];

    ck_assert_ptr_nonnull(list);
    while ((entry = readdir(list))) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        (void)unlink(path); // "." and ".." stay
    }
    (void)closedir(list);
    (void)rmdir(folder);
    free(folder);
}

char *path_in(struct arena *arena, const char *folder, const char *name)
{
    return arena_format(arena, "%s/%s", folder, name);
}

char *ask(struct arena *arena, const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *query = NULL;
    char *answer = NULL;

    ck_assert_int_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &query, NULL) == SQLITE_OK, "%s: %s", sql,
                  sqlite3_errmsg(db));
    if (sqlite3_step(query) == SQLITE_ROW && sqlite3_column_text(query, 0))
        answer = arena_text(arena, (const char *)sqlite3_column_text(query, 0),
                            (size_t)sqlite3_column_bytes(query, 0));
    (void)sqlite3_finalize(query);
    (void)sqlite3_close(db);
    return answer;
}
