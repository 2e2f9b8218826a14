/* link_state_attribute: what a BGP-LS producer says of nodes, half-links and prefixes.
 *
 * TLVs ascend by type, though in the attribute they need not; those that the file gives as they stand come
 * last. Written from RFC 9552, 8571, 9085, 9086, 9294 and 9104. */
#include "link_state.h"

#include <string.h>

enum {
    LINK_IDENTIFIERS = 258,
    MULTI_TOPOLOGY = 263,
    NODE_MSD = 266,
    LINK_MSD = 267,
    NODE_FLAGS = 1024,
    NODE_NAME = 1026,
    ISIS_AREA = 1027,
    LOCAL_IPV4_ROUTER_ID = 1028,
    LOCAL_IPV6_ROUTER_ID = 1029,
    REMOTE_IPV4_ROUTER_ID = 1030,
    REMOTE_IPV6_ROUTER_ID = 1031,
    ADMIN_GROUP = 1088,
    MAX_BANDWIDTH = 1089,
    RESERVABLE_BANDWIDTH = 1090,
    UNRESERVED_BANDWIDTH = 1091,
    TE_METRIC = 1092,
    PROTECTION_TYPE = 1093,
    MPLS_MASK = 1094,
    IGP_METRIC = 1095,
    SHARED_RISK = 1096,
    LINK_NAME = 1098,
    DELAY = 1114,
    MIN_MAX_DELAY = 1115,
    DELAY_VARIATION = 1116,
    LOSS = 1117,
    RESIDUAL_BANDWIDTH = 1118,
    AVAILABLE_BANDWIDTH = 1119,
    UTILIZED_BANDWIDTH = 1120,
    APPLICATION_SPECIFIC = 1122,
    IGP_FLAGS = 1152,
    ROUTE_TAG = 1153,
    EXTENDED_ROUTE_TAG = 1154,
    PREFIX_METRIC = 1155,
    FORWARDING_ADDRESS = 1156,
    PREFIX_ATTRIBUTE_FLAGS = 1170,
    SOURCE_ROUTER_ID = 1171,
    EXTENDED_ADMIN_GROUP = 1173,
    SOURCE_OSPF_ROUTER_ID = 1174,
};

enum {
    FLAG_OVERLOAD = 0x80, // of 1024, IS-IS
    FLAG_ATTACHED = 0x40, // of 1024, IS-IS
    FLAG_ABR = 0x10,      // of 1024, OSPF
    FLAG_ROUTER = 0x08,   // of 1024, OSPFv3
    FLAG_IPV6 = 0x04,     // of 1024, OSPFv3
    MT_OVERLOAD = 0x8000, // of 263 in a node attribute (RFC 5120 section 7.1)
    MT_ATTACHED = 0x4000,
    PREFIX_EXTERNAL = 0x80, // of 1170, IS-IS X
    PREFIX_NODE_ISIS = 0x20,
    PREFIX_NODE_OSPF = 0x40,
    PREFIX_NODE_OSPF3 = 0x20,
};

static const struct domain *domain_of(const struct scenario *scenario, struct object_id id)
{
    return &scenario->domains[id.domain];
}

static void put_tlvs(const struct tlvs *tlvs, struct wire *out)
{
    for (size_t i = 0; i < tlvs->count; i++)
        wire_tlv(out, tlvs->list[i].type, tlvs->list[i].value.bytes, tlvs->list[i].value.length);
}

static void put_numbers(unsigned type, const struct numbers *numbers, struct wire *out)
{
    if (!numbers->count)
        return;
    wire_put(out, type, 2);
    wire_put(out, 4 * numbers->count, 2);
    for (size_t i = 0; i < numbers->count; i++)
        wire_put(out, numbers->list[i], 4);
}

static void put_octets(unsigned type, const struct octets *octets, struct wire *out)
{
    if (octets->length)
        wire_tlv(out, type, octets->bytes, octets->length);
}

static void put_address(struct wire *out, unsigned type, const struct net *address)
{
    if (address->family)
        wire_tlv(out, type, address->bytes, net_bits(address) / 8);
}

// ---- nodes

static unsigned node_flags(const struct scenario *scenario, const struct domain *domain,
                           const struct vertex *vertex)
{
    unsigned areas = 0;

    if (link_state_is_isis(domain))
        return (vertex->overload ? FLAG_OVERLOAD : 0u) | (vertex->attached ? FLAG_ATTACHED : 0u);
    if (!link_state_is_ospf(domain))
        return 0;
    for (size_t i = 0; i < scenario->domain_count; i++)
        areas += vertex->domains >> i & 1 && scenario->domains[i].protocol == domain->protocol &&
                 scenario->domains[i].instance == domain->instance;
    return (areas > 1 ? FLAG_ABR : 0u) |
           (domain->protocol == PROTOCOL_OSPF3 ? FLAG_ROUTER | FLAG_IPV6 : 0u);
}

/* Bits of overload and attached stand with every topology but 0, and mean something in IS-IS only. */
static void put_node_topologies(const struct scenario *scenario, const struct domain *domain,
                                const struct vertex *vertex, uint32_t topologies, struct wire *out)
{
    unsigned bits = 0;

    if (topologies == 1)
        return;
    if (link_state_is_isis(domain))
        bits = (vertex->overload ? MT_OVERLOAD : 0u) | (vertex->attached ? MT_ATTACHED : 0u);
    wire_put(out, MULTI_TOPOLOGY, 2);
    size_t place = wire_open(out, 2);

    for (size_t i = 0; i < scenario->topology_count; i++) {
        unsigned topology = scenario->topologies[i];

        if (topologies >> i & 1)
            wire_put(out, topology ? topology | bits : 0, 2);
    }
    wire_close(out, place, 2);
}

static void put_router_ids(const struct vertex *vertex, uint8_t family, unsigned type,
                           struct wire *out)
{
    put_address(out, type, family == 4 ? &vertex->ipv4 : &vertex->ipv6);
    for (size_t i = 0; i < vertex->more.router_id_count; i++) {
        if (vertex->more.router_ids[i].family == family)
            put_address(out, type, &vertex->more.router_ids[i]);
    }
}

static void put_node_attribute(const struct scenario *scenario, struct object_id id,
                               struct wire *out)
{
    const struct domain *domain = domain_of(scenario, id);
    const struct vertex *vertex = &scenario->vertices[id.subject];
    const struct node_more *more = &vertex->more;

    if (vertex->pseudonode) {
        // nothing to say, but an empty attribute is risky (L-094)
        wire_tlv_uint(out, NODE_FLAGS, 0, 1);
        return;
    }
    put_node_topologies(scenario, domain, vertex,
                        link_state_node_topologies(scenario, vertex, id.domain), out);
    put_octets(NODE_MSD, &more->msd, out);
    if (!more->no_flags)
        wire_tlv_uint(out, NODE_FLAGS,
                      more->has_flags ? more->flags : node_flags(scenario, domain, vertex), 1);
    if (*more->name)
        wire_tlv(out, NODE_NAME, more->name, strlen(more->name));
    for (size_t i = 0; i < more->area_count && link_state_is_isis(domain); i++)
        wire_tlv(out, ISIS_AREA, more->areas[i].bytes, more->areas[i].length);
    put_router_ids(vertex, 4, LOCAL_IPV4_ROUTER_ID, out);
    put_router_ids(vertex, 6, LOCAL_IPV6_ROUTER_ID, out);
    put_tlvs(&more->tlvs, out);
}

// ---- links

/* Link bandwidths are IEEE 754 single precision, octets a second (RFC 5305 section 3.4). */
static uint32_t bandwidth_bits(uint64_t bandwidth_bps)
{
    float octets = (float)((double)bandwidth_bps / 8);
    uint32_t bits;

    memcpy(&bits, &octets, sizeof bits);
    return bits;
}

/* One row a TLV, in the order of types. */
enum form { FORM_UINT, FORM_IGP_METRIC, FORM_BANDWIDTH, FORM_PRIORITIES, FORM_MIN_MAX };

static const struct attribute_row {
    unsigned type;
    enum link_value value;
    enum form form;
    unsigned width;       // of FORM_UINT
    bool of_applications; // RFC 9294 section 2: may stand in 1122
} attribute_rows[] =
    {
        {ADMIN_GROUP, LINK_ADMIN_GROUP, FORM_UINT, 4, true},
        {MAX_BANDWIDTH, LINK_BANDWIDTH, FORM_BANDWIDTH, 0, false},
        {RESERVABLE_BANDWIDTH, LINK_RESERVABLE, FORM_BANDWIDTH, 0, false},
        {UNRESERVED_BANDWIDTH, LINK_UNRESERVED, FORM_PRIORITIES, 0, false},
        {TE_METRIC, LINK_TE_METRIC, FORM_UINT, 4, true},
        {PROTECTION_TYPE, LINK_PROTECTION, FORM_UINT, 2, false},
        {MPLS_MASK, LINK_MPLS, FORM_UINT, 1, false},
        {IGP_METRIC, LINK_METRIC, FORM_IGP_METRIC, 0, false},
},
  performance_rows[] = {
      {DELAY, LINK_DELAY, FORM_UINT, 4, true}, // the A bit, 7 reserved ones, 24 of delay
      {MIN_MAX_DELAY, LINK_DELAY_MIN, FORM_MIN_MAX, 0, true},
      {DELAY_VARIATION, LINK_DELAY_VARIATION, FORM_UINT, 4, true},
      {LOSS, LINK_LOSS, FORM_UINT, 4, true},
      {RESIDUAL_BANDWIDTH, LINK_RESIDUAL, FORM_BANDWIDTH, 0, true},
      {AVAILABLE_BANDWIDTH, LINK_AVAILABLE, FORM_BANDWIDTH, 0, true},
      {UTILIZED_BANDWIDTH, LINK_UTILIZED, FORM_BANDWIDTH, 0, true},
};

static void put_value(const struct link_values *values, const struct attribute_row *row,
                      unsigned metric_octets, struct wire *out)
{
    uint64_t value = values->value[row->value];
    uint64_t anomalous = values->anomalous >> row->value & 1, greatest;

    switch (row->form) {
    case FORM_UINT:
        wire_tlv_uint(out, row->type, value | anomalous << 31, row->width);
        break;
    case FORM_IGP_METRIC: // what does not fit is sent as the greatest that does
        greatest = metric_octets == 1 ? 0x3f : (UINT64_C(1) << 8 * metric_octets) - 1;
        wire_tlv_uint(out, row->type, value > greatest ? greatest : value, metric_octets);
        break;
    case FORM_BANDWIDTH:
        wire_tlv_uint(out, row->type, bandwidth_bits(value), 4);
        break;
    case FORM_PRIORITIES:
        wire_put(out, row->type, 2);
        wire_put(out, 32, 2);
        for (size_t priority = 0; priority < 8; priority++)
            wire_put(out, bandwidth_bits(value), 4);
        break;
    case FORM_MIN_MAX:
        wire_tlv_uint(out, row->type, anomalous << 63 | value << 32 | values->value[LINK_DELAY_MAX],
                      8);
        break;
    }
}

static void put_rows(const struct link_values *values, const struct attribute_row *rows,
                     size_t count, unsigned metric_octets, struct wire *out)
{
    for (size_t i = 0; i < count; i++) {
        if (values->has >> rows[i].value & 1)
            put_value(values, &rows[i], metric_octets, out);
    }
}

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* Mask lengths, reserved, masks, then link attributes (RFC 9294 section 2). */
static void put_application(const struct application *application, struct wire *out)
{
    const struct link_values *values = &application->values;

    wire_put(out, APPLICATION_SPECIFIC, 2);
    size_t place = wire_open(out, 2);

    wire_put(out, application->standard.length, 1);
    wire_put(out, application->user.length, 1);
    wire_put(out, 0, 2);
    wire_put_bytes(out, application->standard.bytes, application->standard.length);
    wire_put_bytes(out, application->user.bytes, application->user.length);
    put_rows(values, attribute_rows, COUNT_OF(attribute_rows), 3, out);
    put_numbers(SHARED_RISK, &values->srlgs, out);
    put_rows(values, performance_rows, COUNT_OF(performance_rows), 3, out);
    put_numbers(EXTENDED_ADMIN_GROUP, &values->groups, out);
    put_tlvs(&application->tlvs, out);
    wire_close(out, place, 2);
}

static void put_link_attribute(const struct scenario *scenario, struct object_id id,
                               struct wire *out)
{
    const struct link *link = &scenario->links[id.subject / 2];
    const struct half *half = &link->half[id.subject % 2];
    const struct half *other = &link->half[1 - id.subject % 2];
    const struct vertex *from = &scenario->vertices[link->ends[id.subject % 2]];
    const struct vertex *to = &scenario->vertices[link->ends[1 - id.subject % 2]];
    unsigned metric_octets = link_state_is_ospf(domain_of(scenario, id)) ? 2 : 3;

    if (link->metric_octets)
        metric_octets = link->metric_octets;
    if (link->ids_in_attribute)
        wire_tlv_uint(out, LINK_IDENTIFIERS, (uint64_t)half->id << 32 | other->id, 8);
    put_octets(LINK_MSD, &half->msd, out);
    put_address(out, LOCAL_IPV4_ROUTER_ID, &from->ipv4);
    put_address(out, LOCAL_IPV6_ROUTER_ID, &from->ipv6);
    put_address(out, REMOTE_IPV4_ROUTER_ID, &to->ipv4);
    put_address(out, REMOTE_IPV6_ROUTER_ID, &to->ipv6);
    put_rows(&half->values, attribute_rows, COUNT_OF(attribute_rows), metric_octets, out);
    put_numbers(SHARED_RISK, &half->values.srlgs, out);
    if (half->name)
        wire_tlv(out, LINK_NAME, half->name, strlen(half->name));
    put_rows(&half->values, performance_rows, COUNT_OF(performance_rows), metric_octets, out);
    for (size_t i = 0; i < half->application_count; i++)
        put_application(&half->applications[i], out);
    put_numbers(EXTENDED_ADMIN_GROUP, &half->values.groups, out);
    put_tlvs(&half->tlvs, out);
}

/* RFC 9086 section 5: flags, weight, reserved, then a label of three octets or an index of four. */
static void put_egress_attribute(const struct egress *egress, struct wire *out)
{
    for (size_t i = 0; i < egress->sid_count; i++) {
        const struct peer_sid *sid = &egress->sids[i];

        wire_put(out, sid->type, 2);
        wire_put(out, sid->is_label ? 7 : 8, 2);
        wire_put(out, sid->flags, 1);
        wire_put(out, sid->weight, 1);
        wire_put(out, 0, 2);
        wire_put(out, sid->value, sid->is_label ? 3 : 4);
    }
    put_tlvs(&egress->tlvs, out);
}

// ---- prefixes

static unsigned prefix_flags(const struct domain *domain, const struct attachment *attachment)
{
    unsigned flags = 0;

    if (attachment->loopback)
        flags = link_state_is_isis(domain)           ? PREFIX_NODE_ISIS
                : domain->protocol == PROTOCOL_OSPF  ? PREFIX_NODE_OSPF
                : domain->protocol == PROTOCOL_OSPF3 ? PREFIX_NODE_OSPF3
                                                     : 0u;
    if (attachment->external && link_state_is_isis(domain))
        flags |= PREFIX_EXTERNAL;
    return flags;
}

/* RFC 9085 section 2.3.2 gives 1170 a meaning for these only. */
static bool has_prefix_flags(const struct domain *domain)
{
    return link_state_is_isis(domain) || link_state_is_ospf(domain);
}

static void put_prefix_attribute(const struct scenario *scenario, struct object_id id,
                                 struct wire *out)
{
    static const struct prefix_more nothing;
    const struct attachment *attachment = &scenario->attachments[id.subject];
    const struct prefix_more *more = attachment->more ? attachment->more : &nothing;

    if (!more->no_igp_flags)
        wire_tlv_uint(out, IGP_FLAGS, more->igp_flags, 1);
    put_numbers(ROUTE_TAG, &more->tags, out);
    if (more->extended_tags.count) {
        wire_put(out, EXTENDED_ROUTE_TAG, 2);
        wire_put(out, 8 * more->extended_tags.count, 2);
        for (size_t i = 0; i < more->extended_tags.count; i++)
            wire_put(out, more->extended_tags.list[i], 8);
    }
    if (!more->no_metric)
        wire_tlv_uint(out, PREFIX_METRIC, attachment->metric, 4);
    put_address(out, FORWARDING_ADDRESS, &more->forwarding);
    if (more->has_flags || (!more->no_flags && has_prefix_flags(domain_of(scenario, id))))
        wire_tlv_uint(
            out, PREFIX_ATTRIBUTE_FLAGS,
            more->has_flags ? more->flags : prefix_flags(domain_of(scenario, id), attachment), 1);
    put_address(out, SOURCE_ROUTER_ID, &more->source_router);
    put_address(out, SOURCE_OSPF_ROUTER_ID, &more->source_ospf);
    put_tlvs(&more->tlvs, out);
}

bool link_state_attribute(const struct scenario *scenario, struct object_id id, struct wire *out)
{
    const struct raw_object *raw;

    switch (id.kind) {
    case OBJECT_NODE:
        put_node_attribute(scenario, id, out);
        return true;
    case OBJECT_LINK:
        put_link_attribute(scenario, id, out);
        return true;
    case OBJECT_PREFIX:
        put_prefix_attribute(scenario, id, out);
        return true;
    case OBJECT_EGRESS:
        put_egress_attribute(&scenario->egresses[id.subject], out);
        return true;
    case OBJECT_RAW:
        break;
    }
    raw = &scenario->raw_objects[id.subject];
    wire_put_bytes(out, raw->attribute.bytes, raw->attribute.length);
    return !raw->no_attribute;
}
