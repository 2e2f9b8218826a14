/* network: see network.h. Rows carry NLRI octets as RFC 9552 lays them out, because identity and order come from
 * them. */
#include "network.h"

#include "lib/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_LIMIT = 24 };

struct network_node {
    char name[32];
    uint8_t protocol;
    uint64_t instance;
    bool is_lan;
    struct prefix address;
    struct ls_node_descriptor descriptor;
};

struct statement {
    char *words[WORD_LIMIT];
    size_t count;
};

uint32_t network_random(uint64_t *state, uint32_t limit)
{
    *state = *state * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(*state >> 33) % limit;
}

/* A mistake in the text, or in a test: abort() ends Check's child process as well as a program. */
__attribute__((format(printf, 2, 3))) static void expect(bool ok, const char *format, ...)
{
    va_list args;

    if (ok)
        return;
    va_start(args, format);
    (void)fputs("network: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    abort();
}

/* ---- Words ---- */

static const char *option(const struct statement *s, const char *name) // of NAME=TEXT
{
    size_t length = strlen(name);

    for (size_t i = 1; i < s->count; i++) {
        if (strncmp(s->words[i], name, length) == 0 && s->words[i][length] == '=')
            return s->words[i] + length + 1;
    }
    return NULL;
}

static bool has(const struct statement *s, const char *word)
{
    for (size_t i = 1; i < s->count; i++) {
        if (strcmp(s->words[i], word) == 0)
            return true;
    }
    return false;
}

static uint64_t number_of(const char *text)
{
    uint64_t value;

    expect(text_uint(text, strlen(text), 0, UINT64_MAX, &value), "\"%s\": a number", text);
    return value;
}

static uint64_t number(const struct statement *s, const char *name, uint64_t fallback)
{
    const char *text = option(s, name);

    return text ? number_of(text) : fallback;
}

static struct prefix address(const char *text)
{
    struct prefix out;

    expect(address_parse(text, &out), "\"%s\": an address", text);
    return out;
}

/* ---- Octets ---- */

struct bytes {
    uint8_t at[512];
    size_t length;
};

static void put(struct bytes *out, uint64_t value, unsigned width)
{
    expect(out->length + width <= sizeof out->at, "an NLRI too long");
    for (unsigned shift = 8 * width; shift > 0; shift -= 8)
        out->at[out->length++] = (uint8_t)(value >> (shift - 8));
}

static void put_bytes(struct bytes *out, const void *from, size_t length)
{
    expect(out->length + length <= sizeof out->at, "an NLRI too long");
    memcpy(out->at + out->length, from, length);
    out->length += length;
}

static void put_tlv(struct bytes *out, unsigned type, const void *value, size_t length)
{
    put(out, type, 2);
    put(out, length, 2);
    put_bytes(out, value, length);
}

static void put_uint(struct bytes *out, unsigned type, uint64_t value, unsigned width)
{
    put(out, type, 2);
    put(out, width, 2);
    put(out, value, width);
}

static struct bytes descriptor_bytes(const struct ls_node_descriptor *d)
{
    struct bytes out = {.length = 0};

    if (d->has_asn)
        put_uint(&out, 512, d->asn, 4);
    if (d->has_area)
        put_uint(&out, 514, d->area, 4);
    if (d->router_id_length)
        put_tlv(&out, 515, d->router_id, d->router_id_length);
    if (d->has_bgp_router_id)
        put_uint(&out, 516, d->bgp_router_id, 4);
    return out;
}

static struct octets keep(struct network *network, const struct bytes *bytes)
{
    return (struct octets){arena_copy(network->arena, bytes->at, bytes->length), bytes->length};
}

/* type, length, Protocol-ID, Instance-ID, then what the caller gives. */
static struct octets nlri(struct network *network, unsigned type, uint8_t protocol,
                          uint64_t instance, const struct bytes *rest)
{
    struct bytes out = {.length = 0};

    put(&out, type, 2);
    put(&out, 9 + rest->length, 2);
    put(&out, protocol, 1);
    put(&out, instance, 8);
    put_bytes(&out, rest->at, rest->length);
    return keep(network, &out);
}

static void put_descriptor(struct bytes *out, unsigned type, const struct ls_node_descriptor *d)
{
    struct bytes inner = descriptor_bytes(d);

    put_tlv(out, type, inner.at, inner.length);
}

static struct octets node_octets(struct network *network, uint8_t protocol, uint64_t instance,
                                 const struct ls_node_descriptor *d)
{
    struct bytes rest = {.length = 0};

    put_descriptor(&rest, 256, d);
    return nlri(network, 1, protocol, instance, &rest);
}

static struct addresses one_address(struct network *network, const struct prefix *at)
{
    return (struct addresses){arena_copy(network->arena, at, sizeof *at), 1};
}

/* ---- Statements ---- */

static struct network_row *add_row(struct network *network, enum state_object kind)
{
    network->rows =
        memory_grow(network->rows, network->count, &network->capacity, sizeof *network->rows);
    struct network_row *row = &network->rows[network->count++];
    memset(row, 0, sizeof *row);
    row->kind = kind;
    return row;
}

static struct network_node *add_node(struct network *network, const char *name, uint8_t protocol)
{
    network->nodes = memory_grow(network->nodes, network->node_count, &network->node_capacity,
                                 sizeof *network->nodes);
    struct network_node *node = &network->nodes[network->node_count++];
    *node = (struct network_node){.protocol = protocol};
    (void)snprintf(node->name, sizeof node->name, "%s", name);
    return node;
}

/* The node of a box in a protocol; protocol 0: its first. */
static struct network_node *find_node(struct network *network, const char *name, unsigned protocol)
{
    for (size_t i = 0; i < network->node_count; i++) {
        if (strcmp(network->nodes[i].name, name) == 0 &&
            (protocol == 0 || network->nodes[i].protocol == protocol))
            return &network->nodes[i];
    }
    expect(false, "no node %s in protocol %u", name, protocol);
    return NULL;
}

static unsigned wanted_protocol(const struct statement *s)
{
    static const struct {
        const char *word;
        unsigned protocol;
    } words[] = {{"level1", 1}, {"level2", 2}, {"ospf", 3}, {"ospf3", 6}, {"bgp", 7}};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (has(s, words[i].word))
            return words[i].protocol;
    }
    return 0;
}

static void make_descriptor(const struct statement *s, struct network_node *node)
{
    struct ls_node_descriptor *d = &node->descriptor;

    d->has_asn = option(s, "asn") != NULL;
    d->asn = (uint32_t)number(s, "asn", 0);
    d->has_area = node->protocol >= 3 && node->protocol != 7 && option(s, "area") != NULL;
    d->area = (uint32_t)number(s, "area", 0);
    if (node->protocol >= 3) {
        memcpy(d->router_id, node->address.bytes, 4);
        d->router_id_length = 4;
    } else {
        // 0100.AABB.CCDD from the address
        d->router_id[0] = 1;
        memcpy(d->router_id + 2, node->address.bytes, 4);
        d->router_id_length = 6;
    }
}

static void add_router_node(struct network *network, const struct statement *s, uint8_t protocol)
{
    struct network_node *node = add_node(network, s->words[1], protocol);
    struct network_row *row;

    node->instance = number(s, "instance", 0);
    node->address = address(s->words[2]);
    make_descriptor(s, node);
    node->descriptor.node = node_octets(network, protocol, node->instance, &node->descriptor);
    if (has(s, "bare"))
        return;
    row = add_row(network, OBJECT_NODE);
    row->node = (struct ls_node){
        .peer_id = (int64_t)number(s, "peer", 1),
        .nlri = node->descriptor.node,
        .protocol = protocol,
        .instance = node->instance,
        .local = node->descriptor,
        .has_attributes = true,
        .name =
            arena_format(network->arena, "%s", option(s, "name") ? option(s, "name") : s->words[1]),
        .has_flags = has(s, "overload") || has(s, "noroute"), // OSPFv3: R is clear
        .flags = has(s, "overload") ? NODE_OVERLOAD : 0,
    };
    if (!has(s, "noid"))
        row->node.ipv4_router_ids = one_address(network, &node->address);
    if (option(s, "ipv6")) {
        struct prefix at = address(option(s, "ipv6"));
        row->node.ipv6_router_ids = one_address(network, &at);
    }
}

static void do_router(struct network *network, const struct statement *s)
{
    if (has(s, "level12")) {
        add_router_node(network, s, 1);
        add_router_node(network, s, 2);
    } else {
        unsigned protocol = wanted_protocol(s);
        add_router_node(network, s, (uint8_t)(protocol ? protocol : 2));
    }
}

static void do_egress(struct network *network, const struct statement *s)
{
    struct network_node *node = add_node(network, s->words[1], 7);

    node->address = address(s->words[2]);
    node->descriptor.has_bgp_router_id = true;
    for (size_t i = 0; i < 4; i++)
        node->descriptor.bgp_router_id =
            node->descriptor.bgp_router_id << 8 | node->address.bytes[i];
    node->descriptor.node = node_octets(network, 7, 0, &node->descriptor);
}

static void add_half(struct network *network, const struct statement *s,
                     const struct network_node *from, const struct network_node *to,
                     const char *metric)
{
    struct network_row *row = add_row(network, OBJECT_LINK);
    struct ls_link *link = &row->link;
    struct bytes rest = {.length = 0};
    const char *local = option(s, "local"), *remote = option(s, "remote");

    *link = (struct ls_link){
        .peer_id = (int64_t)number(s, "peer", 1),
        .protocol = from->protocol,
        .instance = from->instance,
        .local = from->descriptor,
        .remote = to->descriptor,
        .topology = (uint16_t)number(s, "mt", 0),
        .has_attributes = true,
    };
    put_descriptor(&rest, 256, &from->descriptor);
    put_descriptor(&rest, 257, &to->descriptor);
    if (option(s, "id")) {
        link->has |= LINK_LINK_IDS;
        link->local_link_id = link->remote_link_id = (uint32_t)number(s, "id", 0);
        put_uint(&rest, 258, (uint64_t)link->local_link_id << 32 | link->remote_link_id, 8);
    }
    if (local) {
        struct prefix at = address(local);
        link->local_addresses = one_address(network, &at);
        put_tlv(&rest, at.family == FAMILY_IPV4 ? 259 : 261, at.bytes, at.length_bits / 8U);
    }
    if (remote) {
        struct prefix at = address(remote);
        link->remote_addresses = one_address(network, &at);
        put_tlv(&rest, at.family == FAMILY_IPV4 ? 260 : 262, at.bytes, at.length_bits / 8U);
    }
    if (link->topology)
        put_uint(&rest, 263, link->topology, 2);
    link->nlri = nlri(network, 2, from->protocol, from->instance, &rest);
    if (strcmp(metric, "-") != 0) {
        link->has |= LINK_IGP_METRIC;
        link->igp_metric = (uint32_t)number_of(metric);
    }
    if (option(s, "delay")) {
        link->has |= LINK_DELAY;
        link->delay_us = (uint32_t)number(s, "delay", 0);
    }
    if (option(s, "min")) {
        link->has |= LINK_DELAY_MIN;
        link->delay_min_us = (uint32_t)number(s, "min", 0);
    }
}

static void do_link(struct network *network, const struct statement *s)
{
    unsigned protocol = wanted_protocol(s);
    const struct network_node *a = find_node(network, s->words[1], protocol);
    const struct network_node *b = find_node(network, s->words[2], a->protocol);

    add_half(network, s, a, b, s->words[3]);
    if (strcmp(s->words[0], "link") == 0)
        add_half(network, s, b, a, s->words[3]);
}

/* The first router is the designated one: the pseudonode has its id. */
static void do_lan(struct network *network, const struct statement *s)
{
    unsigned protocol = wanted_protocol(s);
    struct network_node *lan = NULL;

    for (size_t i = 2; i < s->count; i++) {
        char *colon = strchr(s->words[i], ':');

        if (!colon)
            continue;
        *colon = '\0';
        struct network_node member = *find_node(network, s->words[i], protocol);
        if (!lan) {
            lan = add_node(network, s->words[1], member.protocol);
            lan->is_lan = true;
            lan->instance = member.instance;
            lan->descriptor = member.descriptor;
            struct ls_node_descriptor *d = &lan->descriptor;
            if (member.protocol >= 3)
                memcpy(d->router_id + 4, member.address.bytes, 4);
            else
                d->router_id[6] = (uint8_t)number(s, "number", 1);
            d->router_id_length = member.protocol >= 3 ? 8 : 7;
            d->node = node_octets(network, lan->protocol, lan->instance, d);
        }
        add_half(network, s, &member, lan, colon + 1);
        add_half(network, s, lan, &member, "0");
        *colon = ':';
    }
}

static void do_prefix(struct network *network, const struct statement *s)
{
    const struct network_node *node = find_node(network, s->words[2], wanted_protocol(s));
    struct network_row *row = add_row(network, OBJECT_PREFIX);
    struct bytes rest = {.length = 0};
    struct prefix prefix;

    expect(prefix_parse(s->words[1], &prefix), "\"%s\": a prefix", s->words[1]);
    row->prefix = (struct ls_prefix){
        .peer_id = (int64_t)number(s, "peer", 1),
        .protocol = node->protocol,
        .instance = node->instance,
        .local = node->descriptor,
        .prefix = prefix,
        .topology = (uint16_t)number(s, "mt", 0),
        .ospf_route_type = (uint8_t)number(s, "type", 0),
        .has_attributes = !has(s, "unknown"),
        .has_igp_flags = has(s, "down") || has(s, "nounicast"),
        .igp_flags = (uint8_t)((has(s, "down") ? 0x80 : 0) | (has(s, "nounicast") ? 0x40 : 0)),
        .has_attribute_flags = has(s, "x") || has(s, "r"),
        .attribute_flags = (uint8_t)((has(s, "x") ? 0x80 : 0) | (has(s, "r") ? 0x40 : 0)),
        .has_metric = strcmp(s->words[3], "-") != 0,
    };
    if (row->prefix.has_metric)
        row->prefix.metric = (uint32_t)number_of(s->words[3]);
    put_descriptor(&rest, 256, &node->descriptor);
    if (row->prefix.topology)
        put_uint(&rest, 263, row->prefix.topology, 2);
    if (row->prefix.ospf_route_type)
        put_uint(&rest, 264, row->prefix.ospf_route_type, 1);
    put(&rest, 265, 2);
    put(&rest, 1U + (prefix.length_bits + 7U) / 8U, 2);
    put(&rest, prefix.length_bits, 1);
    put_bytes(&rest, prefix.bytes, (prefix.length_bits + 7U) / 8U);
    row->prefix.nlri =
        nlri(network, prefix.family == FAMILY_IPV4 ? 3 : 4, node->protocol, node->instance, &rest);
}

static void do_peer(struct network *network, const struct statement *s)
{
    struct network_row *row = add_row(network, OBJECT_PEER);
    int64_t peer_id = (int64_t)number_of(s->words[1]);

    row->peer.peer = (struct peer){
        .peer_id = peer_id,
        .name = arena_format(network->arena, "%s", s->words[2]),
        .address = arena_format(network->arena, "192.0.2.%d", (int)peer_id),
        .asn = 64500,
        .rank = (uint32_t)number(s, "rank", (uint64_t)peer_id - 1),
        .configured = true,
        .state = has(s, "stale") ? PEER_DOWN : PEER_UP,
        .since_us = 1,
    };
    row->peer.stale = has(s, "stale");
    row->peer.loading = has(s, "loading");
}

static void do_route(struct network *network, const struct statement *s)
{
    struct network_row *row = add_row(network, OBJECT_ROUTE);
    const char *path = option(s, "path");
    char *as_path = arena_format(network->arena, "%s", path ? path : "");
    struct attributes attributes = {
        .as_path = as_path,
        .origin = (uint8_t)number(s, "origin", 0),
        .has_local_pref = option(s, "lp") != NULL,
        .local_pref = (uint32_t)number(s, "lp", 0),
        .has_med = option(s, "med") != NULL,
        .med = (uint32_t)number(s, "med", 0),
        .communities = has(s, "llgr") ? "65535:6" : NULL,
    };
    bool in_set = false;

    for (char *at = as_path; *at; at++) { // blanks separate words here: commas stand for them
        in_set = *at == '{' || *at == '[' || (in_set && *at != '}' && *at != ']');
        if (*at == ',' && !in_set)
            *at = ' ';
    }
    row->route = (struct route){
        .peer_id = (int64_t)number(s, "peer", 1),
        .path_id = (uint32_t)number(s, "id", 0),
        .next_hop = address(s->words[2]),
        .attributes = arena_copy(network->arena, &attributes, sizeof attributes),
    };
    expect(prefix_parse(s->words[1], &row->route.prefix), "\"%s\": a prefix", s->words[1]);
}

static const struct {
    const char *word;
    void (*run)(struct network *, const struct statement *);
    size_t words; // at least
} statements[] = {
    {"router", do_router, 3}, {"egress", do_egress, 3}, {"link", do_link, 4},
    {"half", do_link, 4},     {"lan", do_lan, 3},       {"prefix", do_prefix, 4},
    {"peer", do_peer, 3},     {"route", do_route, 3},
};

static void run_line(struct network *network, char *line)
{
    struct statement s = {.count = 0};
    char *rest = line;

    line[strcspn(line, "#")] = '\0';
    for (char *word; (word = strtok_r(rest, " \t", &rest));) {
        expect(s.count < WORD_LIMIT, "too many words");
        s.words[s.count++] = word;
    }
    if (s.count == 0)
        return;
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        if (strcmp(s.words[0], statements[i].word) == 0) {
            expect(s.count >= statements[i].words, "%s: more words", s.words[0]);
            statements[i].run(network, &s);
            return;
        }
    }
    expect(false, "\"%s\" is no statement", s.words[0]);
}

void network_add(struct network *network, const char *text)
{
    char *copy = memory_text(text), *rest = copy;

    for (char *line; (line = strsep(&rest, "\n;"));)
        run_line(network, line);
    free(copy);
}

struct network *network_new(const char *text)
{
    struct network *network = memory_alloc(1, sizeof *network);

    network->arena = arena_new();
    network_add(network, "peer 1 rr1");
    network_add(network, text);
    return network;
}

void network_free(struct network *network)
{
    if (!network)
        return;
    arena_free(network->arena);
    free(network->rows);
    free(network->nodes);
    free(network);
}

void network_shuffle(struct network *network, uint64_t seed)
{
    for (size_t i = network->count; i > 1; i--) {
        size_t j = network_random(&seed, (uint32_t)i);
        struct network_row swap = network->rows[i - 1];

        network->rows[i - 1] = network->rows[j];
        network->rows[j] = swap;
    }
}

/* ---- Into the model, into state.db ---- */

static void put_peer(const struct state_visitor *visitor, const struct network_peer *row)
{
    visitor->on_peer(visitor->context, &row->peer);
    for (int family = 0; family < STATE_FAMILIES; family++) {
        struct peer_family given = {
            .peer_id = row->peer.peer_id,
            .family = (enum state_family)family,
            .stale = row->stale,
            .stale_since_us = row->stale,
            .end_of_rib = row->loading ? END_OF_RIB_NO : END_OF_RIB_RECEIVED,
            .end_of_rib_us = 1,
        };
        visitor->on_peer_family(visitor->context, &given);
    }
}

void network_put(struct model *model, const struct network_row *row)
{
    struct state_visitor visitor = model_visitor(model);

    switch (row->kind) {
    case OBJECT_PEER:
        put_peer(&visitor, &row->peer);
        break;
    case OBJECT_ROUTE:
        visitor.on_route(visitor.context, &row->route, 0);
        break;
    case OBJECT_NODE:
        visitor.on_node(visitor.context, &row->node);
        break;
    case OBJECT_LINK:
        visitor.on_link(visitor.context, &row->link);
        break;
    default:
        visitor.on_prefix(visitor.context, &row->prefix);
        break;
    }
}

void network_remove(struct model *model, const struct network_row *row)
{
    struct state_visitor visitor = model_visitor(model);
    struct state_key key = {.prefix = {0}};
    int64_t peer_id;

    switch (row->kind) {
    case OBJECT_PEER:
        peer_id = row->peer.peer.peer_id;
        break;
    case OBJECT_ROUTE:
        peer_id = row->route.peer_id;
        key.prefix = row->route.prefix;
        key.path_id = row->route.path_id;
        break;
    case OBJECT_NODE:
        peer_id = row->node.peer_id;
        key.nlri = row->node.nlri;
        break;
    case OBJECT_LINK:
        peer_id = row->link.peer_id;
        key.nlri = row->link.nlri;
        break;
    default:
        peer_id = row->prefix.peer_id;
        key.nlri = row->prefix.nlri;
        break;
    }
    visitor.on_gone(visitor.context, row->kind, peer_id, &key);
}

struct model *network_model(const struct network *network)
{
    struct model *model = model_new();

    model_set_own_asn(model, 64500);
    for (size_t i = 0; i < network->count; i++)
        network_put(model, &network->rows[i]);
    return model;
}

static bool write_peer(struct state_writer *writer, const struct network_peer *row,
                       struct error *err)
{
    int64_t peer_id;
    bool ok = state_put_peer(writer, &row->peer, &peer_id, err);

    for (int family = 0; ok && family < STATE_FAMILIES; family++) {
        struct peer_family given = {
            .peer_id = peer_id,
            .family = (enum state_family)family,
            .stale = row->stale,
            .stale_since_us = row->stale,
            .end_of_rib = row->loading ? END_OF_RIB_NO : END_OF_RIB_RECEIVED,
            .end_of_rib_us = 1,
        };
        ok = state_put_peer_family(writer, &given, err);
    }
    return ok;
}

static bool write_row(struct state_writer *writer, const struct network_row *row, struct error *err)
{
    switch (row->kind) {
    case OBJECT_PEER:
        return write_peer(writer, &row->peer, err);
    case OBJECT_ROUTE:
        return state_put_route(writer, &row->route, err);
    case OBJECT_NODE:
        return state_put_node(writer, &row->node, err);
    case OBJECT_LINK:
        return state_put_link(writer, &row->link, err);
    default:
        return state_put_prefix(writer, &row->prefix, err);
    }
}

void network_write(const struct network *network, struct state_writer *writer, int64_t now_us)
{
    struct error err;
    uint64_t sequence;
    bool ok = state_begin(writer, now_us, &err) && state_put_local_asn(writer, 64500, &err);

    for (size_t i = 0; ok && i < network->count; i++)
        ok = write_row(writer, &network->rows[i], &err);
    ok = ok && state_commit(writer, false, &sequence, &err);
    expect(ok, "%s", err.text);
}
