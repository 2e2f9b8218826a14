/* bgp_ls: one NLRI: its identity, its nodes, its descriptors.
 *
 *     type │ length │ Protocol-ID │ Instance-ID │ 256 {512 …} │ 257 {512 …} │ 258 … 265
 *     └──────────────── identity, as it came (L-010) ─────────────────────────────────┘
 *
 * A node that a descriptor names gets an identity of its own, the same from whatever NLRI it is named in: the node
 * NLRI that would announce it, with sub-TLVs 512 to 517 ascending (map-generation.md part 0). A link is joined to
 * its nodes, and a prefix to its originator, by these octets alone. */
#include "bgp_ls.h"

#include "bgp_ls_attribute.h"
#include "octets.h"

#include <string.h>

enum { NLRI_NODE = 1, NLRI_LINK, NLRI_IPV4_PREFIX, NLRI_IPV6_PREFIX };
enum { PROTOCOL_FIRST = 1, PROTOCOL_DIRECT = 4, PROTOCOL_STATIC = 5, PROTOCOL_BGP = 7 };
enum { TLV_LOCAL_NODE = 256, TLV_REMOTE_NODE = 257, MT_ID_MASK = 0x0fff };

enum {
    SUB_TLV_FIRST = 512, // Autonomous System
    SUB_TLV_ROUTER_ID = 515,
    SUB_TLVS = 6,       // 512 to 517
    NODE_FIXED = 4 + 9, // type, length, Protocol-ID, Instance-ID
    TLV_HEADER = 4,
};

struct reading {
    struct bgp_ls *ls;
    uint16_t type;
    uint8_t protocol;
    uint64_t instance;
    size_t room; // addresses that the NLRI has room for
    bool overrun, disordered;
    bool nameless;                           // a node whose 515 has no place in a row
    struct ls_node_descriptor local, remote; // node.bytes NULL: absent
    bool has_topology, has_link_ids, has_prefix;
    uint16_t topology;
    uint32_t local_link_id, remote_link_id;
    struct prefix *local_addresses, *remote_addresses;
    size_t local_count, remote_count;
    uint8_t ospf_route_type;
    struct prefix prefix;
};

/* ---- Nodes (part 2) ---- */

/* L-020, L-021: the lengths that mean something. */
static bool is_router_id_length(uint8_t protocol, size_t length)
{
    bool any_address = protocol == PROTOCOL_DIRECT || protocol == PROTOCOL_STATIC;

    return length == 4 || length == 6 || length == 7 || length == 8 ||
           (length == 16 && any_address);
}

/* Sets the field of a sub-TLV of 4 octets. */
static void set_number(struct ls_node_descriptor *node, size_t index, uint32_t value)
{
    switch (SUB_TLV_FIRST + index) {
    case 512:
        node->has_asn = true;
        node->asn = value;
        break;
    case 513:
        node->has_bgp_ls_id = true;
        node->bgp_ls_id = value;
        break;
    case 514:
        node->has_area = true;
        node->area = value;
        break;
    case 516:
        node->has_bgp_router_id = true;
        node->bgp_router_id = value;
        break;
    default: // 517 is in the node's octets only
        break;
    }
}

/* 515. A system id with pseudonode number 0 is the router itself (L-021). */
static struct octets read_router_id(struct reading *reading, struct ls_node_descriptor *node,
                                    struct octets value)
{
    if (!is_router_id_length(reading->protocol, value.length))
        faults_count(reading->ls->faults, FAULT_LS_ROUTER_ID);
    if (value.length == 7 && value.bytes[6] == 0)
        value.length = 6;
    if (value.length > sizeof node->router_id) {
        reading->nameless = true;
    } else if (value.length) {
        memcpy(node->router_id, value.bytes, value.length);
        node->router_id_length = (uint8_t)value.length;
    }
    return value;
}

static uint8_t *put_uint(uint8_t *at, uint64_t value, size_t width)
{
    for (size_t i = width; i > 0; i--)
        *at++ = (uint8_t)(value >> (8 * (i - 1)));
    return at;
}

static struct octets canonical_node(const struct reading *reading,
                                    const struct octets subs[SUB_TLVS])
{
    size_t inner = 0;

    for (size_t i = 0; i < SUB_TLVS; i++)
        inner += subs[i].bytes ? TLV_HEADER + subs[i].length : 0;
    uint8_t *bytes = arena_alloc(reading->ls->arena, NODE_FIXED + TLV_HEADER + inner, 1);
    uint8_t *at = put_uint(bytes, NLRI_NODE, 2);
    at = put_uint(at, NODE_FIXED - 4 + TLV_HEADER + inner, 2);
    at = put_uint(at, reading->protocol, 1);
    at = put_uint(at, reading->instance, 8);
    at = put_uint(at, TLV_LOCAL_NODE, 2);
    at = put_uint(at, inner, 2);
    for (size_t i = 0; i < SUB_TLVS; i++) {
        if (!subs[i].bytes)
            continue;
        at = put_uint(at, SUB_TLV_FIRST + i, 2);
        at = put_uint(at, subs[i].length, 2);
        if (subs[i].length)
            memcpy(at, subs[i].bytes, subs[i].length);
        at += subs[i].length;
    }
    return (struct octets){.bytes = bytes, .length = (size_t)(at - bytes)};
}

static void read_node(struct reading *reading, struct cursor value, struct ls_node_descriptor *node)
{
    struct octets subs[SUB_TLVS] = {0};
    uint16_t last = 0;

    while (value.left) {
        uint16_t type = cursor_u16(&value);
        struct cursor inner = cursor_sub(&value, cursor_u16(&value));

        if (value.failed)
            break;
        if (type < last)
            reading->disordered = true;
        last = type;
        if (type < SUB_TLV_FIRST || type >= SUB_TLV_FIRST + SUB_TLVS)
            continue;
        size_t index = type - SUB_TLV_FIRST;
        if (subs[index].bytes) {
            faults_count(reading->ls->faults, FAULT_LS_SUB_TLV_REPEATED);
        } else if (type == SUB_TLV_ROUTER_ID) {
            subs[index] = read_router_id(reading, node, cursor_rest(&inner));
        } else if (inner.left == 4) {
            subs[index] = (struct octets){.bytes = inner.at, .length = 4};
            set_number(node, index, cursor_u32(&inner));
        } else {
            faults_count(reading->ls->faults, FAULT_LS_DESCRIPTOR);
        }
    }
    reading->overrun |= value.failed;
    node->node = canonical_node(reading, subs);
}

/* ---- What stands in an NLRI: a length that cannot be costs the TLV. ---- */

static void read_local_node(struct reading *reading, struct cursor value)
{
    read_node(reading, value, &reading->local);
}

static void read_remote_node(struct reading *reading, struct cursor value)
{
    read_node(reading, value, &reading->remote);
}

static void read_link_ids(struct reading *reading, struct cursor value)
{
    reading->local_link_id = cursor_u32(&value);
    reading->remote_link_id = cursor_u32(&value);
    reading->has_link_ids = true;
}

static void add_address(struct reading *reading, struct prefix **list, size_t *count,
                        struct cursor value)
{
    if (!*list)
        *list = arena_alloc(reading->ls->arena, reading->room, sizeof **list);
    (*list)[(*count)++] = octets_address(value.left == 4 ? FAMILY_IPV4 : FAMILY_IPV6, value.at);
}

static void read_local_address(struct reading *reading, struct cursor value)
{
    add_address(reading, &reading->local_addresses, &reading->local_count, value);
}

static void read_remote_address(struct reading *reading, struct cursor value)
{
    add_address(reading, &reading->remote_addresses, &reading->remote_count, value);
}

static void read_topology(struct reading *reading, struct cursor value)
{
    reading->topology = cursor_u16(&value) & MT_ID_MASK; // the first, should there be more (L-031)
}

static void read_ospf_route_type(struct reading *reading, struct cursor value)
{
    reading->ospf_route_type = cursor_u8(&value);
}

static void read_prefix(struct reading *reading, struct cursor value)
{
    enum family family = reading->type == NLRI_IPV4_PREFIX ? FAMILY_IPV4 : FAMILY_IPV6;
    uint8_t length_bits = cursor_u8(&value);
    const uint8_t *bytes = cursor_bytes(&value, (length_bits + 7u) / 8);

    reading->has_prefix =
        !value.failed && prefix_from_bytes(family, length_bits, bytes, &reading->prefix);
    if (value.left)
        faults_count(reading->ls->faults, FAULT_LS_PREFIX_SURPLUS);
}

enum {
    IN_NODE = 1 << NLRI_NODE,
    IN_LINK = 1 << NLRI_LINK,
    IN_PREFIX = 1 << NLRI_IPV4_PREFIX | 1 << NLRI_IPV6_PREFIX,
    IN_ALL = IN_NODE | IN_LINK | IN_PREFIX,
    ANY = 0xffff,
};

static const struct rule {
    uint16_t type, min, max;
    bool repeats;
    unsigned nlris; // where it means something
    void (*read)(struct reading *reading, struct cursor value);
} rules[] = {
    {256, 0, ANY, false, IN_ALL, read_local_node},            // RFC 9552 5.2.1.2
    {257, 0, ANY, false, IN_LINK, read_remote_node},          // RFC 9552 5.2.1.3
    {258, 8, 8, false, IN_LINK, read_link_ids},               // RFC 5307 1.1
    {259, 4, 4, true, IN_LINK, read_local_address},           // RFC 5305 3.2
    {260, 4, 4, true, IN_LINK, read_remote_address},          // RFC 5305 3.3
    {261, 16, 16, true, IN_LINK, read_local_address},         // RFC 6119 4.2
    {262, 16, 16, true, IN_LINK, read_remote_address},        // RFC 6119 4.3
    {263, 2, ANY, false, IN_LINK | IN_PREFIX, read_topology}, // RFC 9552 5.2.2.1
    {264, 1, 1, false, IN_PREFIX, read_ospf_route_type},      // RFC 9552 5.2.3.1
    {265, 1, ANY, false, IN_PREFIX, read_prefix},             // RFC 9552 5.2.3.2
};
enum { RULES = sizeof rules / sizeof *rules };

/* Ascending by type, then length, then value (L-008). */
static bool is_in_order(uint16_t last_type, struct octets last, uint16_t type, struct octets value)
{
    if (type != last_type)
        return type > last_type;
    if (value.length != last.length)
        return value.length > last.length;
    return value.length == 0 || memcmp(last.bytes, value.bytes, value.length) <= 0;
}

/* Reads Protocol-ID, Instance-ID and all TLVs. */
static void read_nlri(struct reading *reading, struct cursor body)
{
    uint16_t last_type = 0;
    struct octets last = {0};
    bool met[RULES] = {false};

    reading->protocol = cursor_u8(&body);
    reading->instance = cursor_uint(&body, 8);
    reading->room = body.left / (TLV_HEADER + 4);
    while (body.left) {
        uint16_t type = cursor_u16(&body);
        struct cursor value = cursor_sub(&body, cursor_u16(&body));
        struct octets whole = {.bytes = value.at, .length = value.left};

        if (body.failed)
            break;
        reading->disordered |= !is_in_order(last_type, last, type, whole);
        last_type = type;
        last = whole;
        for (size_t i = 0; i < RULES; i++) {
            const struct rule *rule = &rules[i];
            if (rule->type != type || !(rule->nlris >> reading->type & 1))
                continue;
            if (value.left < rule->min || value.left > rule->max)
                faults_count(reading->ls->faults, FAULT_LS_DESCRIPTOR);
            else if (met[i] && !rule->repeats)
                reading->disordered = true; // the first counts
            else
                rule->read(reading, value);
            met[i] = true;
        }
    }
    reading->overrun |= body.failed;
}

/* ---- Rows ---- */

static struct addresses addresses_of(struct prefix *list, size_t count)
{
    return (struct addresses){.list = list, .count = octets_sort_addresses(list, count)};
}

static const struct ls_node *make_node(struct reading *reading, struct octets nlri)
{
    struct bgp_ls *ls = reading->ls;
    static const struct ls_node none = {0};

    if (!ls->node)
        ls->node =
            ls->has_attribute ? bgp_ls_attribute_node(ls->arena, ls->faults, ls->attribute) : &none;
    struct ls_node *row = arena_copy(ls->arena, ls->node, sizeof *row);
    row->peer_id = ls->peer_id;
    row->nlri = nlri;
    row->protocol = reading->protocol;
    row->instance = reading->instance;
    row->local = reading->local;
    return row;
}

static const struct ls_link *make_link(struct reading *reading, struct octets nlri)
{
    struct bgp_ls *ls = reading->ls;
    static const struct ls_link none = {0};

    if (!ls->link)
        ls->link =
            ls->has_attribute ? bgp_ls_attribute_link(ls->arena, ls->faults, ls->attribute) : &none;
    struct ls_link *row = arena_copy(ls->arena, ls->link, sizeof *row);
    row->peer_id = ls->peer_id;
    row->nlri = nlri;
    row->protocol = reading->protocol;
    row->instance = reading->instance;
    row->local = reading->local;
    row->remote = reading->remote;
    row->topology = reading->topology;
    row->local_addresses = addresses_of(reading->local_addresses, reading->local_count);
    row->remote_addresses = addresses_of(reading->remote_addresses, reading->remote_count);
    if (reading->has_link_ids) { // before those of the attribute (L-030)
        row->local_link_id = reading->local_link_id;
        row->remote_link_id = reading->remote_link_id;
        row->has |= LINK_LINK_IDS;
    }
    return row;
}

static const struct ls_prefix *make_prefix(struct reading *reading, struct octets nlri)
{
    struct bgp_ls *ls = reading->ls;
    static const struct ls_prefix none = {0};

    if (!ls->prefix)
        ls->prefix = ls->has_attribute
                         ? bgp_ls_attribute_prefix(ls->arena, ls->faults, ls->attribute)
                         : &none;
    struct ls_prefix *row = arena_copy(ls->arena, ls->prefix, sizeof *row);
    row->peer_id = ls->peer_id;
    row->nlri = nlri;
    row->protocol = reading->protocol;
    row->instance = reading->instance;
    row->local = reading->local;
    row->prefix = reading->prefix;
    row->topology = reading->topology;
    row->ospf_route_type = reading->ospf_route_type;
    return row;
}

/* Whether the NLRI has all that a row needs; if not it is only kept. */
static bool is_usable(const struct reading *reading)
{
    struct faults *faults = reading->ls->faults;

    if (reading->protocol < PROTOCOL_FIRST || reading->protocol > PROTOCOL_BGP) {
        faults_count(faults, FAULT_LS_TYPE);
        return false;
    }
    if (!reading->local.node.bytes ||
        (reading->type == NLRI_LINK && !reading->remote.node.bytes)) { // L-025
        faults_count(faults, FAULT_LS_DESCRIPTOR);
        return false;
    }
    if (reading->type >= NLRI_IPV4_PREFIX && !reading->has_prefix) { // L-041
        faults_count(faults, FAULT_LS_PREFIX);
        return false;
    }
    return !reading->nameless;
}

static void make_row(struct reading *reading, struct octets nlri, struct update *out)
{
    switch (reading->type) {
    case NLRI_NODE:
        out->kind = UPDATE_NODE;
        out->node = make_node(reading, nlri);
        break;
    case NLRI_LINK:
        out->kind = UPDATE_LINK;
        out->link = make_link(reading, nlri);
        break;
    default:
        out->kind = UPDATE_PREFIX;
        out->prefix = make_prefix(reading, nlri);
        break;
    }
}

void bgp_ls_begin(struct bgp_ls *ls, struct arena *arena, struct faults *faults, int64_t peer_id,
                  const struct octets *attribute)
{
    *ls = (struct bgp_ls){.arena = arena, .faults = faults, .peer_id = peer_id};
    if (attribute) {
        ls->has_attribute = true;
        ls->attribute = *attribute;
    }
}

bool bgp_ls_next(struct cursor *nlris, struct octets *nlri)
{
    struct cursor begin = *nlris;

    if (!nlris->left)
        return false;
    (void)cursor_u16(nlris); // type
    (void)cursor_bytes(nlris, cursor_u16(nlris));
    if (nlris->failed)
        return false;
    *nlri = cursor_since(&begin, nlris);
    return true;
}

bool bgp_ls_announce(struct bgp_ls *ls, struct octets nlri, struct update *out)
{
    struct cursor body = cursor_over(nlri);
    struct reading reading = {.ls = ls, .type = cursor_u16(&body)};

    (void)cursor_u16(&body); // its length, which bgp_ls_next has used
    *out = (struct update){.kind = UPDATE_OPAQUE, .peer_id = ls->peer_id};
    out->ls.nlri = nlri;
    out->ls.attribute = ls->attribute;
    if (reading.type < NLRI_NODE || reading.type > NLRI_IPV6_PREFIX) { // L-004
        faults_count(ls->faults, FAULT_LS_TYPE);
        return true;
    }
    read_nlri(&reading, body);
    if (reading.disordered) // kept: the identity is still clear (L-091)
        faults_count(ls->faults, FAULT_LS_ORDER);
    if (reading.overrun) {
        faults_count(ls->faults, FAULT_LS_OVERRUN);
        return false;
    }
    if (is_usable(&reading))
        make_row(&reading, nlri, out);
    return true;
}
