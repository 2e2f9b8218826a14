/* link_state_nlri: who speaks, of what.
 *
 *     NLRI  type 2 │ length 2 │ protocol 1 │ instance 8 │ 256 local node │ 257 remote node │ the link, or prefix
 *
 * TLVs ascend by type, equal types by length and value (RFC 9552 section 5.1); so those that the file gives
 * as they stand are sorted in. A topology other than 0 is said by TLV 263, topology 0 by its absence. */
#include "link_state.h"

#include <assert.h>
#include <stdlib.h>
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
    BGP_ROUTER_ID = 516,
    MEMBER_AS = 517,

    ROUTE_INTRA_AREA = 1,
    ROUTE_EXTERNAL_1 = 3,
};

bool link_state_is_isis(const struct domain *domain)
{
    return domain->protocol == PROTOCOL_ISIS_1 || domain->protocol == PROTOCOL_ISIS_2;
}

bool link_state_is_ospf(const struct domain *domain)
{
    return domain->protocol == PROTOCOL_OSPF || domain->protocol == PROTOCOL_OSPF3;
}

// ---- topologies

/* Topology 0, and IPv6's own where IS-IS has one; it is the second of the scenario then. */
static uint32_t usual_topologies(const struct scenario *scenario, size_t domain)
{
    return scenario->ipv6_topology && link_state_is_isis(&scenario->domains[domain]) ? 3 : 1;
}

uint32_t link_state_link_topologies(const struct scenario *scenario, const struct link *link,
                                    size_t domain)
{
    return link->has_topologies ? link->topologies : usual_topologies(scenario, domain);
}

uint32_t link_state_node_topologies(const struct scenario *scenario, const struct vertex *vertex,
                                    size_t domain)
{
    return vertex->more.has_topologies ? vertex->more.topologies
                                       : usual_topologies(scenario, domain);
}

uint16_t link_state_prefix_topology(const struct scenario *scenario,
                                    const struct attachment *attachment, size_t domain)
{
    if (attachment->more && attachment->more->has_topology)
        return scenario->topologies[attachment->more->topology];
    return scenario
        ->topologies[attachment->prefix.family == 6 && usual_topologies(scenario, domain) == 3];
}

// ---- nodes

static void put_igp_router_id(const struct scenario *scenario, const struct vertex *vertex,
                              const struct domain *domain, struct wire *out)
{
    const struct vertex *router =
        vertex->pseudonode ? &scenario->vertices[vertex->designated] : vertex;

    wire_put(out, IGP_ROUTER_ID, 2);
    size_t place = wire_open(out, 2);

    if (link_state_is_isis(domain)) {
        wire_put_bytes(out, router->system_id, 6);
        if (vertex->pseudonode)
            wire_put(out, vertex->lan_number, 1);
    } else {
        wire_put_bytes(out, router->ipv4.bytes, 4);
        if (vertex->pseudonode && domain->protocol == PROTOCOL_OSPF3)
            wire_put(out, vertex->lan_number, 4);
        else if (vertex->pseudonode)
            wire_put_bytes(out, vertex->lan_address.bytes, 4);
    }
    wire_close(out, place, 2);
}

static void put_node(const struct scenario *scenario, const struct domain *domain, unsigned type,
                     size_t vertex, bool has_area, struct wire *out)
{
    wire_put(out, type, 2);
    size_t place = wire_open(out, 2);

    wire_tlv_uint(out, AUTONOMOUS_SYSTEM, scenario->as, 4);
    if (scenario->has_identifier)
        wire_tlv_uint(out, BGP_LS_IDENTIFIER, scenario->identifier, 4);
    if (link_state_is_ospf(domain) && has_area)
        wire_tlv_uint(out, OSPF_AREA, domain->area, 4);
    put_igp_router_id(scenario, &scenario->vertices[vertex], domain, out);
    wire_close(out, place, 2);
}

// ---- descriptors

static int compare_tlvs(const void *a, const void *b)
{
    const uint8_t *left = *(const uint8_t *const *)a, *right = *(const uint8_t *const *)b;

    return memcmp(left, right, 4) != 0
               ? memcmp(left, right, 4)
               : memcmp(left + 4, right + 4, (size_t)(left[2] << 8 | left[3]));
}

enum { DESCRIPTOR_LIMIT = 64 };

/* Adds the file's TLVs to those from `start` on and sorts all. */
static void add_descriptors(const struct tlvs *tlvs, size_t start, struct wire *out)
{
    const uint8_t *places[DESCRIPTOR_LIMIT];
    struct wire sorted = {0};
    size_t count = 0;

    if (!tlvs->count)
        return;
    for (size_t i = 0; i < tlvs->count; i++)
        wire_tlv(out, tlvs->list[i].type, tlvs->list[i].value.bytes, tlvs->list[i].value.length);
    for (const uint8_t *at = out->bytes + start; at < out->bytes + out->length;
         at += 4 + (at[2] << 8 | at[3])) {
        assert(count < DESCRIPTOR_LIMIT);
        places[count++] = at;
    }
    qsort(places, count, sizeof *places, compare_tlvs);
    for (size_t i = 0; i < count; i++)
        wire_put_bytes(&sorted, places[i], 4u + (size_t)(places[i][2] << 8 | places[i][3]));
    out->length = start;
    wire_put_bytes(out, sorted.bytes, sorted.length);
    wire_free(&sorted);
}

static void put_address(struct wire *out, unsigned type, const struct net *address)
{
    if (address->family)
        wire_tlv(out, type, address->bytes, net_bits(address) / 8);
}

/* Addresses where there are some, else identifiers; nothing from a pseudonode (L-032). */
static void put_link_descriptors(const struct half *here, const struct half *there,
                                 bool from_pseudonode, bool ids, struct wire *out)
{
    bool numbered = here->ipv4.family || here->ipv6.family;

    if (ids && !numbered && !from_pseudonode && here->id != 0)
        wire_tlv_uint(out, LINK_IDENTIFIERS, (uint64_t)here->id << 32 | there->id, 8);
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
    const struct domain *domain = &scenario->domains[id.domain];
    const struct link *link = &scenario->links[id.subject / 2];
    size_t side = id.subject % 2;
    const struct vertex *from = &scenario->vertices[link->ends[side]];

    put_node(scenario, domain, LOCAL_NODE, link->ends[side], true, out);
    put_node(scenario, domain, REMOTE_NODE, link->ends[1 - side], true, out);
    size_t start = out->length;

    put_link_descriptors(&link->half[side], &link->half[1 - side], from->pseudonode,
                         !link->ids_in_attribute, out);
    put_topology(id.topology, out);
    add_descriptors(&link->half[side].descriptors, start, out);
}

static void put_prefix(const struct scenario *scenario, struct object_id id, struct wire *out)
{
    const struct domain *domain = &scenario->domains[id.domain];
    const struct attachment *attachment = &scenario->attachments[id.subject];
    const struct prefix_more *more = attachment->more;
    const struct net *prefix = &attachment->prefix;
    unsigned route_type = attachment->external ? ROUTE_EXTERNAL_1 : ROUTE_INTRA_AREA;
    uint8_t value[17];
    size_t octets = (prefix->length_bits + 7u) / 8;

    put_node(scenario, domain, LOCAL_NODE, attachment->vertex, !more || !more->as_scope, out);
    size_t start = out->length;

    put_topology(id.topology, out);
    if (more && more->route_type)
        route_type = more->route_type;
    if (link_state_is_ospf(domain) && route_type != ROUTE_TYPE_NONE)
        wire_tlv_uint(out, OSPF_ROUTE_TYPE, route_type, 1);
    value[0] = prefix->length_bits;
    memcpy(value + 1, prefix->bytes, octets);
    wire_tlv(out, IP_REACHABILITY, value, 1 + octets);
    if (more)
        add_descriptors(&more->descriptors, start, out);
}

// ---- egress peers (RFC 9086 section 4)

static void put_bgp_node(const struct scenario *scenario, unsigned type, uint32_t as,
                         const struct net *router_id, uint32_t member_as, struct wire *out)
{
    wire_put(out, type, 2);
    size_t place = wire_open(out, 2);

    wire_tlv_uint(out, AUTONOMOUS_SYSTEM, as, 4);
    if (scenario->has_identifier)
        wire_tlv_uint(out, BGP_LS_IDENTIFIER, scenario->identifier, 4);
    wire_tlv(out, BGP_ROUTER_ID, router_id->bytes, 4);
    if (member_as)
        wire_tlv_uint(out, MEMBER_AS, member_as, 4);
    wire_close(out, place, 2);
}

static void put_egress(const struct scenario *scenario, const struct egress *egress,
                       struct wire *out)
{
    put_bgp_node(scenario, LOCAL_NODE, egress->as, &egress->router_id, egress->member_as, out);
    put_bgp_node(scenario, REMOTE_NODE, egress->peer_as, &egress->peer_id, egress->peer_member_as,
                 out);
    if (egress->has_ids)
        wire_tlv_uint(out, LINK_IDENTIFIERS, (uint64_t)egress->id[0] << 32 | egress->id[1], 8);
    put_address(out, IPV4_INTERFACE, &egress->ipv4[0]);
    put_address(out, IPV4_NEIGHBOR, &egress->ipv4[1]);
    put_address(out, IPV6_INTERFACE, &egress->ipv6[0]);
    put_address(out, IPV6_NEIGHBOR, &egress->ipv6[1]);
}

// ---- the whole

static unsigned nlri_type(const struct scenario *scenario, struct object_id id)
{
    if (id.kind == OBJECT_PREFIX)
        return scenario->attachments[id.subject].prefix.family == 4 ? NLRI_PREFIX_IPV4
                                                                    : NLRI_PREFIX_IPV6;
    return id.kind == OBJECT_NODE ? NLRI_NODE : NLRI_LINK;
}

void link_state_nlri(const struct scenario *scenario, struct object_id id, struct wire *out)
{
    const struct domain *domain = &scenario->domains[id.domain];

    if (id.kind == OBJECT_RAW) {
        const struct octets *nlri = &scenario->raw_objects[id.subject].nlri;

        wire_put_bytes(out, nlri->bytes, nlri->length);
        return;
    }
    wire_put(out, nlri_type(scenario, id), 2);
    size_t place = wire_open(out, 2);

    if (id.kind == OBJECT_EGRESS) {
        wire_put(out, PROTOCOL_BGP, 1);
        wire_put(out, scenario->egresses[id.subject].instance, 8);
        put_egress(scenario, &scenario->egresses[id.subject], out);
    } else {
        wire_put(out, domain->protocol, 1);
        wire_put(out, domain->instance, 8);
        if (id.kind == OBJECT_NODE)
            put_node(scenario, domain, LOCAL_NODE, id.subject, true, out);
        else if (id.kind == OBJECT_LINK)
            put_link(scenario, id, out);
        else
            put_prefix(scenario, id, out);
    }
    wire_close(out, place, 2);
}

// ---- what is there

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
    const struct egress *egress;

    switch (id.kind) {
    case OBJECT_NODE:
        return vertex_is_up(scenario, id.subject);
    case OBJECT_LINK:
        link = &scenario->links[id.subject / 2];
        return !link->down && vertex_is_up(scenario, link->ends[0]) &&
               vertex_is_up(scenario, link->ends[1]);
    case OBJECT_PREFIX:
        attachment = &scenario->attachments[id.subject];
        return !attachment->withdrawn && vertex_is_up(scenario, attachment->vertex);
    case OBJECT_EGRESS:
        egress = &scenario->egresses[id.subject];
        return !egress->down && vertex_is_up(scenario, egress->router);
    case OBJECT_RAW:
        break;
    }
    return !scenario->raw_objects[id.subject].down;
}
