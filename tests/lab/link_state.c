/* link_state: what a BGP-LS producer says of nodes, half-links and prefixes.
 *
 *     NLRI  type 2 │ length 2 │ protocol 1 │ instance 8 │ 256 local node │ 257 remote node │ the link, or prefix
 *
 * TLVs ascend by type (RFC 9552 section 5.1), in attributes too, though there they need not. Topology 2 is
 * said by TLV 263; topology 0 by its absence. */
#include "link_state.h"

#include <string.h>

enum {
    NLRI_NODE = 1,
    NLRI_LINK = 2,
    NLRI_PREFIX_IPV4 = 3,
    NLRI_PREFIX_IPV6 = 4,

    LOCAL_NODE = 256,
    REMOTE_NODE = 257,
    LINK_IDENTIFIERS = 258,
    IPV4_INTERFACE = 259,
    IPV4_NEIGHBOR = 260,
    IPV6_INTERFACE = 261,
    IPV6_NEIGHBOR = 262,
    MULTI_TOPOLOGY = 263,
    OSPF_ROUTE_TYPE = 264,
    IP_REACHABILITY = 265,

    AUTONOMOUS_SYSTEM = 512,
    BGP_LS_IDENTIFIER = 513,
    OSPF_AREA = 514,
    IGP_ROUTER_ID = 515,

    NODE_FLAGS = 1024,
    NODE_NAME = 1026,
    ISIS_AREA = 1027,
    LOCAL_IPV4_ROUTER_ID = 1028,
    LOCAL_IPV6_ROUTER_ID = 1029,
    REMOTE_IPV4_ROUTER_ID = 1030,
    REMOTE_IPV6_ROUTER_ID = 1031,
    ADMIN_GROUP = 1088,
    MAX_BANDWIDTH = 1089,
    TE_METRIC = 1092,
    IGP_METRIC = 1095,
    DELAY = 1114,
    MIN_MAX_DELAY = 1115,
    DELAY_VARIATION = 1116,
    LOSS = 1117,
    RESIDUAL_BANDWIDTH = 1118,
    AVAILABLE_BANDWIDTH = 1119,
    UTILIZED_BANDWIDTH = 1120,
    IGP_FLAGS = 1152,
    PREFIX_METRIC = 1155,
    PREFIX_ATTRIBUTE_FLAGS = 1170,
};

enum {
    FLAG_OVERLOAD = 0x80, // of 1024, IS-IS
    FLAG_ATTACHED = 0x40, // of 1024, IS-IS
    FLAG_ABR = 0x10,      // of 1024, OSPF
    MT_OVERLOAD = 0x8000, // of 263 in a node attribute (RFC 5120 section 7.1)
    MT_ATTACHED = 0x4000,
    PREFIX_EXTERNAL = 0x80, // of 1170, IS-IS X
    PREFIX_NODE_ISIS = 0x20,
    PREFIX_NODE_OSPF = 0x40,
    ROUTE_INTRA_AREA = 1,
    ROUTE_EXTERNAL_1 = 3,
};

static bool is_ospf(const struct scenario *scenario, struct object_id id)
{
    return scenario->domains[id.domain].protocol == PROTOCOL_OSPF;
}

// ---- NLRIs

static void put_igp_router_id(const struct scenario *scenario, const struct vertex *vertex,
                              bool ospf, struct wire *out)
{
    const struct vertex *router =
        vertex->pseudonode ? &scenario->vertices[vertex->designated] : vertex;

    wire_put(out, IGP_ROUTER_ID, 2);
    size_t place = wire_open(out, 2);

    if (ospf) {
        wire_put_bytes(out, router->ipv4.bytes, 4);
        if (vertex->pseudonode)
            wire_put_bytes(out, vertex->lan_address.bytes, 4);
    } else {
        wire_put_bytes(out, router->system_id, 6);
        if (vertex->pseudonode)
            wire_put(out, vertex->lan_number, 1);
    }
    wire_close(out, place, 2);
}

static void put_node(const struct scenario *scenario, struct object_id id, unsigned type,
                     size_t vertex, struct wire *out)
{
    const struct domain *domain = &scenario->domains[id.domain];

    wire_put(out, type, 2);
    size_t place = wire_open(out, 2);

    wire_tlv_uint(out, AUTONOMOUS_SYSTEM, scenario->as, 4);
    if (scenario->has_identifier)
        wire_tlv_uint(out, BGP_LS_IDENTIFIER, scenario->identifier, 4);
    if (domain->protocol == PROTOCOL_OSPF)
        wire_tlv_uint(out, OSPF_AREA, domain->area, 4);
    put_igp_router_id(scenario, &scenario->vertices[vertex], is_ospf(scenario, id), out);
    wire_close(out, place, 2);
}

static void put_address(struct wire *out, unsigned type, const struct net *address)
{
    if (address->family)
        wire_tlv(out, type, address->bytes, net_bits(address) / 8);
}

/* Addresses where there are some, else identifiers; nothing from a pseudonode (L-032). */
static void put_link_descriptors(const struct half *here, const struct half *there,
                                 bool from_pseudonode, struct wire *out)
{
    bool numbered = here->ipv4.family || here->ipv6.family;

    if (!numbered && !from_pseudonode && here->id != 0) {
        wire_put(out, LINK_IDENTIFIERS, 2);
        wire_put(out, 8, 2);
        wire_put(out, here->id, 4);
        wire_put(out, there->id, 4);
    }
    put_address(out, IPV4_INTERFACE, &here->ipv4);
    if (!from_pseudonode)
        put_address(out, IPV4_NEIGHBOR, &there->ipv4);
    put_address(out, IPV6_INTERFACE, &here->ipv6);
    if (!from_pseudonode)
        put_address(out, IPV6_NEIGHBOR, &there->ipv6);
}

static void put_topology(unsigned topology, struct wire *out)
{
    if (topology != 0)
        wire_tlv_uint(out, MULTI_TOPOLOGY, topology, 2);
}

static void put_link(const struct scenario *scenario, struct object_id id, struct wire *out)
{
    const struct link *link = &scenario->links[id.subject / 2];
    size_t side = id.subject % 2;
    const struct vertex *from = &scenario->vertices[link->ends[side]];

    put_node(scenario, id, LOCAL_NODE, link->ends[side], out);
    put_node(scenario, id, REMOTE_NODE, link->ends[1 - side], out);
    put_link_descriptors(&link->half[side], &link->half[1 - side], from->pseudonode, out);
    put_topology(id.topology, out);
}

static void put_prefix(const struct scenario *scenario, struct object_id id, struct wire *out)
{
    const struct attachment *attachment = &scenario->attachments[id.subject];
    const struct net *prefix = &attachment->prefix;
    uint8_t value[17];
    size_t octets = (prefix->length_bits + 7u) / 8;

    put_node(scenario, id, LOCAL_NODE, attachment->vertex, out);
    put_topology(id.topology, out);
    if (is_ospf(scenario, id))
        wire_tlv_uint(out, OSPF_ROUTE_TYPE,
                      attachment->external ? ROUTE_EXTERNAL_1 : ROUTE_INTRA_AREA, 1);
    value[0] = prefix->length_bits;
    memcpy(value + 1, prefix->bytes, octets);
    wire_tlv(out, IP_REACHABILITY, value, 1 + octets);
}

static unsigned nlri_type(const struct scenario *scenario, struct object_id id)
{
    switch (id.kind) {
    case OBJECT_NODE:
        return NLRI_NODE;
    case OBJECT_LINK:
        return NLRI_LINK;
    case OBJECT_PREFIX:
        break;
    }
    return scenario->attachments[id.subject].prefix.family == 4 ? NLRI_PREFIX_IPV4
                                                                : NLRI_PREFIX_IPV6;
}

void link_state_nlri(const struct scenario *scenario, struct object_id id, struct wire *out)
{
    wire_put(out, nlri_type(scenario, id), 2);
    size_t place = wire_open(out, 2);

    wire_put(out, scenario->domains[id.domain].protocol, 1);
    wire_put(out, scenario->instance, 8);
    switch (id.kind) {
    case OBJECT_NODE:
        put_node(scenario, id, LOCAL_NODE, id.subject, out);
        break;
    case OBJECT_LINK:
        put_link(scenario, id, out);
        break;
    case OBJECT_PREFIX:
        put_prefix(scenario, id, out);
        break;
    }
    wire_close(out, place, 2);
}

// ---- attributes

static unsigned count_bits(uint64_t mask)
{
    return (unsigned)__builtin_popcountll(mask);
}

static uint64_t ospf_domains(const struct scenario *scenario)
{
    uint64_t mask = 0;

    for (size_t i = 0; i < scenario->domain_count; i++) {
        if (scenario->domains[i].protocol == PROTOCOL_OSPF)
            mask |= UINT64_C(1) << i;
    }
    return mask;
}

static unsigned node_flags(const struct scenario *scenario, struct object_id id,
                           const struct vertex *vertex)
{
    if (is_ospf(scenario, id))
        return count_bits(vertex->domains & ospf_domains(scenario)) > 1 ? FLAG_ABR : 0;
    return (vertex->overload ? FLAG_OVERLOAD : 0u) | (vertex->attached ? FLAG_ATTACHED : 0u);
}

static void put_node_attribute(const struct scenario *scenario, struct object_id id,
                               struct wire *out)
{
    const struct vertex *vertex = &scenario->vertices[id.subject];

    if (vertex->pseudonode) {
        wire_tlv_uint(out, NODE_FLAGS, 0,
                      1); // nothing to say, but an empty attribute is risky (L-094)
        return;
    }
    if (scenario->topologies == 2 && !is_ospf(scenario, id)) {
        wire_put(out, MULTI_TOPOLOGY, 2);
        wire_put(out, 4, 2);
        wire_put(out, 0, 2);
        wire_put(out,
                 2u | (vertex->overload ? MT_OVERLOAD : 0u) | (vertex->attached ? MT_ATTACHED : 0u),
                 2);
    }
    wire_tlv_uint(out, NODE_FLAGS, node_flags(scenario, id, vertex), 1);
    wire_tlv(out, NODE_NAME, vertex->name, strlen(vertex->name));
    if (!is_ospf(scenario, id) && vertex->area_length)
        wire_tlv(out, ISIS_AREA, vertex->area, vertex->area_length);
    put_address(out, LOCAL_IPV4_ROUTER_ID, &vertex->ipv4);
    put_address(out, LOCAL_IPV6_ROUTER_ID, &vertex->ipv6);
}

/* Link bandwidths are IEEE 754 single precision, octets a second (RFC 5305 section 3.4). */
static void put_bandwidth(struct wire *out, unsigned type, uint64_t bandwidth_bps)
{
    float octets = (float)((double)bandwidth_bps / 8);
    uint32_t bits;

    memcpy(&bits, &octets, sizeof bits);
    wire_tlv_uint(out, type, bits, 4);
}

/* One row a TLV, in the order of types. */
enum form { FORM_UINT, FORM_IGP_METRIC, FORM_BANDWIDTH, FORM_MIN_MAX };

static const struct attribute_row {
    unsigned type;
    enum link_value value;
    enum form form;
} attribute_rows[] = {
    {ADMIN_GROUP, LINK_ADMIN_GROUP, FORM_UINT},
    {MAX_BANDWIDTH, LINK_BANDWIDTH, FORM_BANDWIDTH},
    {TE_METRIC, LINK_TE_METRIC, FORM_UINT},
    {IGP_METRIC, LINK_METRIC, FORM_IGP_METRIC},
    {DELAY, LINK_DELAY, FORM_UINT}, // the A bit and the reserved ones above the 24 are clear
    {MIN_MAX_DELAY, LINK_DELAY_MIN, FORM_MIN_MAX},
    {DELAY_VARIATION, LINK_DELAY_VARIATION, FORM_UINT},
    {LOSS, LINK_LOSS, FORM_UINT},
    {RESIDUAL_BANDWIDTH, LINK_RESIDUAL, FORM_BANDWIDTH},
    {AVAILABLE_BANDWIDTH, LINK_AVAILABLE, FORM_BANDWIDTH},
    {UTILIZED_BANDWIDTH, LINK_UTILIZED, FORM_BANDWIDTH},
};

static void put_value(const struct half *half, const struct attribute_row *row, bool ospf,
                      struct wire *out)
{
    uint64_t value = half->value[row->value];

    switch (row->form) {
    case FORM_UINT:
        wire_tlv_uint(out, row->type, value, 4);
        break;
    case FORM_IGP_METRIC: // 3 octets of an IS-IS wide metric, 2 of an OSPF cost
        wire_tlv_uint(out, row->type, ospf && value > 0xffff ? 0xffff : value, ospf ? 2 : 3);
        break;
    case FORM_BANDWIDTH:
        put_bandwidth(out, row->type, value);
        break;
    case FORM_MIN_MAX:
        wire_tlv_uint(out, row->type, value << 32 | half->value[LINK_DELAY_MAX], 8);
        break;
    }
}

static void put_link_attribute(const struct scenario *scenario, struct object_id id,
                               struct wire *out)
{
    const struct link *link = &scenario->links[id.subject / 2];
    const struct half *half = &link->half[id.subject % 2];
    const struct vertex *from = &scenario->vertices[link->ends[id.subject % 2]];
    const struct vertex *to = &scenario->vertices[link->ends[1 - id.subject % 2]];

    put_address(out, LOCAL_IPV4_ROUTER_ID, &from->ipv4);
    put_address(out, LOCAL_IPV6_ROUTER_ID, &from->ipv6);
    put_address(out, REMOTE_IPV4_ROUTER_ID, &to->ipv4);
    put_address(out, REMOTE_IPV6_ROUTER_ID, &to->ipv6);
    for (size_t i = 0; i < sizeof attribute_rows / sizeof *attribute_rows; i++) {
        if (half->has >> attribute_rows[i].value & 1)
            put_value(half, &attribute_rows[i], is_ospf(scenario, id), out);
    }
}

static void put_prefix_attribute(const struct scenario *scenario, struct object_id id,
                                 struct wire *out)
{
    const struct attachment *attachment = &scenario->attachments[id.subject];
    bool ospf = is_ospf(scenario, id);
    unsigned flags = 0;

    if (attachment->loopback)
        flags = ospf ? PREFIX_NODE_OSPF : PREFIX_NODE_ISIS;
    if (attachment->external && !ospf)
        flags |= PREFIX_EXTERNAL;
    wire_tlv_uint(out, IGP_FLAGS, 0, 1);
    wire_tlv_uint(out, PREFIX_METRIC, attachment->metric, 4);
    wire_tlv_uint(out, PREFIX_ATTRIBUTE_FLAGS, flags, 1);
}

void link_state_attribute(const struct scenario *scenario, struct object_id id, struct wire *out)
{
    switch (id.kind) {
    case OBJECT_NODE:
        put_node_attribute(scenario, id, out);
        break;
    case OBJECT_LINK:
        put_link_attribute(scenario, id, out);
        break;
    case OBJECT_PREFIX:
        put_prefix_attribute(scenario, id, out);
        break;
    }
}

/* A LAN whose designated router is down elects another in life; here its pseudonode goes. */
static bool vertex_is_up(const struct scenario *scenario, size_t index)
{
    const struct vertex *vertex = &scenario->vertices[index];

    return !vertex->down && (!vertex->pseudonode || !scenario->vertices[vertex->designated].down);
}

bool link_state_is_up(const struct scenario *scenario, struct object_id id)
{
    const struct link *link;
    const struct attachment *attachment;

    switch (id.kind) {
    case OBJECT_NODE:
        return vertex_is_up(scenario, id.subject);
    case OBJECT_LINK:
        link = &scenario->links[id.subject / 2];
        return !link->down && vertex_is_up(scenario, link->ends[0]) &&
               vertex_is_up(scenario, link->ends[1]);
    case OBJECT_PREFIX:
        break;
    }
    attachment = &scenario->attachments[id.subject];
    return !attachment->withdrawn && vertex_is_up(scenario, attachment->vertex);
}
