/* gen_state: the network as rows of state.db, through the collector's own writer.
 *
 * Link state is IS-IS level 2 as the lab says it: the NLRIs' octets are made here (RFC 9552 section 5.2), the
 * columns are what the collector makes of them. Routes go in by the text of their prefix, the order of the
 * table's key: at random a load takes several times as long (docs/benchmarks.md, probe 9). */
#include "gen_write.h"
#include "lib/state.h"
#include "lib/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    NLRI_NODE = 1,
    NLRI_LINK = 2,
    NLRI_PREFIX = 3, // and 4 for IPv6
    LOCAL_NODE = 256,
    REMOTE_NODE = 257,
    AUTONOMOUS_SYSTEM = 512,
    IGP_ROUTER_ID = 515,
    IP_REACHABILITY = 265,
    PROTOCOL_ISIS_2 = 2,
    PREFIX_FLAG_NODE = 0x20, // 1170, RFC 9085
    SYSTEM_ID = 6,
    NLRI_ROOM = 256,
    BATCH = 200000, // routes a change set
};
static const uint8_t isis_area[] = {0x49, 0x00, 0x01};

struct nlri {
    uint8_t bytes[NLRI_ROOM];
    size_t length;
};

struct state_of {
    const struct gen_routes *routes;
    struct state_writer *writer;
    struct error *err;
    int64_t now_us;
    int64_t *peers;            // numbers of the reflectors
    const struct texts *texts; // of the paths
};

// ---- link state

static void put(struct nlri *nlri, uint64_t number, size_t width)
{
    for (size_t i = 0; i < width; i++)
        nlri->bytes[nlri->length++] = (uint8_t)(number >> 8 * (width - 1 - i));
}

static void put_bytes(struct nlri *nlri, const uint8_t *bytes, size_t length)
{
    memcpy(nlri->bytes + nlri->length, bytes, length);
    nlri->length += length;
}

static void put_tlv(struct nlri *nlri, uint64_t type, const uint8_t *bytes, size_t length)
{
    put(nlri, type, 2);
    put(nlri, length, 2);
    put_bytes(nlri, bytes, length);
}

/* 10.255.0.1 → 0102.5500.0001 */
static void system_id(size_t router, uint8_t out[SYSTEM_ID])
{
    struct prefix loopback = gen_loopback(router, FAMILY_IPV4);
    uint64_t digits = 0, id = 0;

    for (size_t i = 0; i < 4; i++)
        digits = 1000 * digits + loopback.bytes[i];
    for (size_t shift = 0; shift < 48; shift += 4, digits /= 10)
        id |= digits % 10 << shift;
    for (size_t i = 0; i < SYSTEM_ID; i++)
        out[i] = (uint8_t)(id >> (40 - 8 * i));
}

static void put_node(struct nlri *nlri, uint64_t type, size_t router)
{
    uint8_t id[SYSTEM_ID];

    system_id(router, id);
    put(nlri, type, 2);
    put(nlri, 4 + 4 + 4 + SYSTEM_ID, 2);
    put(nlri, AUTONOMOUS_SYSTEM, 2);
    put(nlri, 4, 2);
    put(nlri, GEN_AS, 4);
    put_tlv(nlri, IGP_ROUTER_ID, id, SYSTEM_ID);
}

static void begin(struct nlri *nlri, uint64_t type)
{
    *nlri = (struct nlri){0};
    put(nlri, type, 2);
    put(nlri, 0, 2);
    put(nlri, PROTOCOL_ISIS_2, 1);
    put(nlri, 0, 8); // Instance-ID
}

static struct octets end(struct nlri *nlri)
{
    nlri->bytes[2] = (uint8_t)((nlri->length - 4) >> 8);
    nlri->bytes[3] = (uint8_t)(nlri->length - 4);
    return (struct octets){.bytes = nlri->bytes, .length = nlri->length};
}

/* nlri: room for the canonical node NLRI. */
static struct ls_node_descriptor describe_node(size_t router, struct nlri *nlri)
{
    struct ls_node_descriptor node = {
        .has_asn = true, .asn = GEN_AS, .router_id_length = SYSTEM_ID};

    begin(nlri, NLRI_NODE);
    put_node(nlri, LOCAL_NODE, router);
    node.node = end(nlri);
    system_id(router, node.router_id);
    return node;
}

static bool write_node(const struct state_of *state, int64_t peer, size_t router)
{
    struct nlri nlri;
    struct prefix ipv4 = gen_loopback(router, FAMILY_IPV4),
                  ipv6 = gen_loopback(router, FAMILY_IPV6);
    struct ls_node node = {
        .peer_id = peer,
        .protocol = PROTOCOL_ISIS_2,
        .local = describe_node(router, &nlri),
        .has_attributes = true,
        .name = state->routes->backbone->routers[router].name,
        .has_flags = true,
        .flags = state->routes->backbone->routers[router].overload ? NODE_OVERLOAD : 0,
        .isis_areas = &(struct octets){.bytes = isis_area, .length = sizeof isis_area},
        .isis_area_count = 1,
        .ipv4_router_ids = {.list = &ipv4, .count = 1},
        .ipv6_router_ids = {.list = &ipv6, .count = 1},
    };

    node.nlri = node.local.node;
    return state_put_node(state->writer, &node, state->err);
}

/* As the wire carries it: single precision, octets a second (RFC 5305 section 3.4). */
static double bandwidth(uint32_t gbps)
{
    return (double)(float)(gbps * 125000000.0) * 8;
}

static struct ls_link half_link(const struct gen_link *link, size_t side)
{
    return (struct ls_link){
        .protocol = PROTOCOL_ISIS_2,
        .has_attributes = true,
        .has = LINK_IGP_METRIC | LINK_MAX_BANDWIDTH | LINK_DELAY | LINK_LOSS | LINK_RESIDUAL,
        .igp_metric = link->metric[side],
        .max_bandwidth_bps = bandwidth(link->bandwidth_gbps),
        .delay_us = link->delay_us,
        .loss_3e8 = link->loss,
        .residual_bps = bandwidth(link->residual_gbps[side]),
    };
}

static bool write_link(const struct state_of *state, int64_t peer, size_t number, size_t side)
{
    const struct gen_link *link = &state->routes->backbone->links[number];
    size_t from = link->ends[side], to = link->ends[1 - side];
    struct nlri nlri, local, remote;
    struct ls_link row = half_link(link, side);
    static const unsigned families[] = {FAMILY_IPV4, FAMILY_IPV6};
    struct prefix here[2], there[2], local_ids[2], remote_ids[2];

    begin(&nlri, NLRI_LINK);
    put_node(&nlri, LOCAL_NODE, from);
    put_node(&nlri, REMOTE_NODE, to);
    for (size_t f = 0; f < 2; f++) {
        size_t bytes = families[f] == FAMILY_IPV4 ? 4 : 16;

        here[f] = gen_interface(number, side, families[f]);
        there[f] = gen_interface(number, 1 - side, families[f]);
        local_ids[f] = gen_loopback(from, families[f]);
        remote_ids[f] = gen_loopback(to, families[f]);
        put_tlv(&nlri, 259 + 2 * f, here[f].bytes, bytes);
        put_tlv(&nlri, 260 + 2 * f, there[f].bytes, bytes);
    }
    row.peer_id = peer;
    row.nlri = end(&nlri);
    row.local = describe_node(from, &local);
    row.remote = describe_node(to, &remote);
    row.local_addresses = (struct addresses){here, 2};
    row.remote_addresses = (struct addresses){there, 2};
    row.local_ipv4_router_ids = (struct addresses){&local_ids[0], 1};
    row.local_ipv6_router_ids = (struct addresses){&local_ids[1], 1};
    row.remote_ipv4_router_ids = (struct addresses){&remote_ids[0], 1};
    row.remote_ipv6_router_ids = (struct addresses){&remote_ids[1], 1};
    return state_put_link(state->writer, &row, state->err);
}

static bool write_loopback(const struct state_of *state, int64_t peer, size_t router,
                           unsigned family)
{
    struct prefix prefix = gen_loopback(router, family);
    size_t bytes = prefix.length_bits / 8;
    struct nlri nlri, node;
    uint8_t value[17] = {prefix.length_bits};
    struct ls_prefix row = {
        .peer_id = peer,
        .protocol = PROTOCOL_ISIS_2,
        .local = describe_node(router, &node),
        .prefix = prefix,
        .has_attributes = true,
        .has_igp_flags = true,
        .has_attribute_flags = true,
        .attribute_flags = PREFIX_FLAG_NODE,
        .has_metric = true,
    };

    memcpy(value + 1, prefix.bytes, bytes);
    begin(&nlri, family == FAMILY_IPV4 ? NLRI_PREFIX : NLRI_PREFIX + 1);
    put_node(&nlri, LOCAL_NODE, router);
    put_tlv(&nlri, IP_REACHABILITY, value, 1 + bytes);
    row.nlri = end(&nlri);
    return state_put_prefix(state->writer, &row, state->err);
}

static bool write_link_state(const struct state_of *state, int64_t peer)
{
    const struct gen_backbone *backbone = state->routes->backbone;

    for (size_t i = 0; i < backbone->router_count; i++) {
        if (!write_node(state, peer, i) || !write_loopback(state, peer, i, FAMILY_IPV4) ||
            !write_loopback(state, peer, i, FAMILY_IPV6))
            return false;
    }
    for (size_t i = 0; i < backbone->link_count; i++) {
        if (!write_link(state, peer, i, 0) || !write_link(state, peer, i, 1))
            return false;
    }
    return true;
}

// ---- sessions

static bool write_peers(struct state_of *state)
{
    const struct gen_size *size = &state->routes->size;

    for (size_t r = 0; r < size->reflectors; r++) {
        char name[32], address[32], id[PREFIX_TEXT_SIZE];
        struct prefix router_id = gen_reflector_id(r);
        struct peer peer = {.name = name,
                            .address = address,
                            .asn = GEN_AS,
                            .router_id = address_format(&router_id, id),
                            .rank = (uint32_t)r,
                            .configured = true,
                            .state = PEER_UP,
                            .since_us = state->now_us};

        (void)snprintf(name, sizeof name, "rr%zu", r + 1);
        (void)snprintf(address, sizeof address, "127.0.1.%zu", r + 1);
        if (!state_put_peer(state->writer, &peer, &state->peers[r], state->err))
            return false;
        for (enum state_family family = 0; family < STATE_FAMILIES; family++) {
            struct peer_family row = {.peer_id = state->peers[r],
                                      .family = family,
                                      .source = SOURCE_BMP,
                                      .end_of_rib = END_OF_RIB_RECEIVED,
                                      .end_of_rib_us = state->now_us};

            if (!state_put_peer_family(state->writer, &row, state->err))
                return false;
        }
    }
    return state_put_local_asn(state->writer, GEN_AS, state->err);
}

// ---- routes

/* What a path says, as the columns have it. */
struct texts {
    const char *as_path, *communities; // NULL: no communities
};

static struct texts format_path(const struct gen_routes *routes, const struct gen_path *path,
                                struct arena *arena)
{
    const struct gen_tags *tags = &routes->tags[path->tags];
    char text[12 * GEN_HOPS], *at = text;
    struct texts texts = {0};

    for (uint32_t i = 0; i < path->hop_count; i++)
        at += snprintf(at, 12, i ? " %u" : "%u", path->hops[i]);
    texts.as_path = arena_text(arena, text, (size_t)(at - text));
    at = text;
    for (uint32_t i = 0; i < tags->count; i++)
        at += snprintf(at, 13, i ? " %u:%u" : "%u:%u", tags->list[i] >> 16, tags->list[i] & 0xffff);
    if (tags->count)
        texts.communities = arena_text(arena, text, (size_t)(at - text));
    return texts;
}

static struct texts *format_paths(const struct gen_routes *routes, struct arena *arena)
{
    struct texts *texts = arena_alloc(arena, routes->path_count, sizeof *texts);

    for (size_t i = 0; i < routes->path_count; i++)
        texts[i] = format_path(routes, &routes->paths[i], arena);
    return texts;
}

static bool write_said(const struct state_of *state, size_t reflector, struct gen_said said,
                       uint32_t path_id, const struct gen_prefix *prefix)
{
    const struct gen_path *path = &state->routes->paths[said.path];
    struct prefix originator = gen_loopback(said.router, FAMILY_IPV4);
    struct prefix cluster = gen_reflector_id(reflector);
    char originator_text[PREFIX_TEXT_SIZE], cluster_text[PREFIX_TEXT_SIZE];
    const struct texts *texts = &state->texts[said.path];
    struct attributes attributes = {
        .origin = path->origin,
        .as_path = texts->as_path,
        .has_local_pref = true,
        .local_pref = path->local_pref,
        .has_med = path->has_med,
        .med = path->med,
        .communities = texts->communities,
        .originator_id = address_format(&originator, originator_text),
        .cluster_list = address_format(&cluster, cluster_text),
    };
    struct route route = {.peer_id = state->peers[reflector],
                          .prefix = gen_prefix_value(prefix),
                          .path_id = path_id,
                          .next_hop = gen_loopback(said.router, prefix->family),
                          .attributes = &attributes};

    return state_put_route(state->writer, &route, state->err);
}

/* Prefixes in the order of their texts within each family. */
struct sorted {
    char text[24]; // the first characters: of IPv4 all
    uint32_t prefix;
};

static int compare_texts(const void *a, const void *b)
{
    const struct sorted *left = a, *right = b;
    int order = strcmp(left->text, right->text);

    return order ? order : (left->prefix > right->prefix) - (left->prefix < right->prefix);
}

static uint32_t *sort_by_text(const struct gen_routes *routes)
{
    struct sorted *sorted = memory_alloc(routes->prefix_count, sizeof *sorted);
    uint32_t *order = memory_alloc(routes->prefix_count, sizeof *order);
    char text[PREFIX_TEXT_SIZE];
    size_t ipv4 = routes->size.ipv4, ipv6 = routes->size.ipv6;

    for (size_t i = 0; i < routes->prefix_count; i++) {
        struct prefix prefix = gen_prefix_value(&routes->prefixes[i]);

        prefix_format(&prefix, text);
        memcpy(sorted[i].text, text, sizeof sorted[i].text - 1);
        sorted[i].prefix = (uint32_t)i;
    }
    qsort(sorted, ipv4, sizeof *sorted, compare_texts);
    qsort(sorted + ipv4, ipv6, sizeof *sorted, compare_texts);
    for (size_t i = 0; i < routes->prefix_count; i++)
        order[i] = sorted[i].prefix;
    free(sorted);
    return order;
}

static bool commit(const struct state_of *state, bool goes_on)
{
    uint64_t sequence;

    return state_commit(state->writer, false, &sequence, state->err) &&
           state_maintain(state->writer, state->now_us, state->err) &&
           (!goes_on || state_begin(state->writer, state->now_us, state->err));
}

static bool write_routes(const struct state_of *state, const uint32_t *order)
{
    const struct gen_routes *routes = state->routes;
    struct gen_said said[GEN_SAID];
    size_t pending = 0;

    for (size_t r = 0; r < routes->size.reflectors; r++) {
        for (size_t i = 0; i < routes->prefix_count; i++) {
            const struct gen_prefix *prefix = &routes->prefixes[order[i]];
            size_t count = gen_said(routes, prefix->group, r, said);

            for (size_t k = 0; k < count; k++) {
                uint32_t path_id = routes->size.all_paths ? (uint32_t)k + 1 : 0;

                if (!write_said(state, r, said[k], path_id, prefix))
                    return false;
            }
            pending += count;
            if (pending >= BATCH && !commit(state, true))
                return false;
            pending = pending >= BATCH ? 0 : pending;
        }
    }
    return true;
}

static bool write_everything(struct state_of *state, const uint32_t *order)
{
    if (!state_begin(state->writer, state->now_us, state->err) || !write_peers(state))
        return false;
    for (size_t r = 0; r < state->routes->size.reflectors; r++) {
        if (!write_link_state(state, state->peers[r]))
            return false;
    }
    return write_routes(state, order) && commit(state, false);
}

bool gen_write_state(const struct gen_routes *routes, const char *path, double *seconds,
                     struct error *err)
{
    struct state_of state = {.routes = routes, .err = err, .now_us = text_now_us()};

    if (access(path, F_OK) == 0)
        return error_set(err, ERROR_INPUT, "%s: is there already; a new file expected", path);
    uint32_t *order = sort_by_text(routes);
    struct arena *arena = arena_new();

    state.texts = format_paths(routes, arena);
    int64_t begin_us = text_steady_us();

    state.peers = memory_alloc(routes->size.reflectors, sizeof *state.peers);
    state.writer = state_writer_open(&(struct state_writer_options){.path = path}, err);
    bool ok = state.writer && write_everything(&state, order);

    state_writer_close(state.writer);
    *seconds = (double)(text_steady_us() - begin_us) / 1e6;
    free(state.peers);
    free(order);
    arena_free(arena);
    return ok || error_in(err, "%s", path);
}
