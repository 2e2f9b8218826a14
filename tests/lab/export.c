/* export: the present facts as JSON, a line an object. What is not stated has no key. */
#include "export.h"

#include "export_bmp.h"
#include "json.h"
#include "link_state.h"
#include "path_attributes.h"

#include <string.h>

static void put_address(struct json *json, const char *key, const struct net *net)
{
    char text[NET_TEXT_SIZE];

    if (net->family)
        json_text(json, key, net_format_address(net, text));
}

static void put_prefix(struct json *json, const struct net *prefix)
{
    char text[NET_TEXT_SIZE];

    json_text(json, "prefix", net_format_prefix(prefix, text));
}

static void put_octets(struct json *json, const char *key, const struct octets *octets)
{
    if (octets->length)
        json_hex(json, key, octets->bytes, octets->length);
}

static void put_numbers(struct json *json, const char *key, const struct numbers *numbers)
{
    if (!numbers->count)
        return;
    json_open(json, key, '[');
    for (size_t i = 0; i < numbers->count; i++)
        json_number(json, NULL, numbers->list[i]);
    json_close(json, ']');
}

static void put_big_numbers(struct json *json, const char *key, const struct big_numbers *numbers)
{
    if (!numbers->count)
        return;
    json_open(json, key, '[');
    for (size_t i = 0; i < numbers->count; i++)
        json_number(json, NULL, numbers->list[i]);
    json_close(json, ']');
}

/* [[1157, "0a0b"]] */
static void put_tlvs(struct json *json, const char *key, const struct tlvs *tlvs)
{
    if (!tlvs->count)
        return;
    json_open(json, key, '[');
    for (size_t i = 0; i < tlvs->count; i++) {
        json_open(json, NULL, '[');
        json_number(json, NULL, tlvs->list[i].type);
        json_hex(json, NULL, tlvs->list[i].value.bytes, tlvs->list[i].value.length);
        json_close(json, ']');
    }
    json_close(json, ']');
}

static void put_topologies(struct json *json, const struct scenario *scenario, uint32_t topologies)
{
    json_open(json, "topologies", '[');
    for (size_t i = 0; i < scenario->topology_count; i++) {
        if (topologies >> i & 1)
            json_number(json, NULL, scenario->topologies[i]);
    }
    json_close(json, ']');
}

/* "isis-2", "ospf-0.0.0.1"; "isis-2@7" where the instance is not that of the general part. */
static void put_domains(struct json *json, const struct scenario *scenario, uint64_t domains)
{
    static const char *const names[] = {
        [PROTOCOL_ISIS_1] = "isis-1", [PROTOCOL_ISIS_2] = "isis-2", [PROTOCOL_OSPF] = "ospf",
        [PROTOCOL_DIRECT] = "direct", [PROTOCOL_STATIC] = "static", [PROTOCOL_OSPF3] = "ospf3",
    };

    json_open(json, "igp", '[');
    for (size_t i = 0; i < scenario->domain_count; i++) {
        const struct domain *domain = &scenario->domains[i];
        char text[64];
        int length = snprintf(text, sizeof text, "%s", names[domain->protocol]);

        if (!(domains >> i & 1))
            continue;
        if (link_state_is_ospf(domain))
            length += snprintf(text + length, sizeof text - (size_t)length, "-%u.%u.%u.%u",
                               domain->area >> 24, domain->area >> 16 & 255,
                               domain->area >> 8 & 255, domain->area & 255);
        if (domain->instance != scenario->instance)
            (void)snprintf(text + length, sizeof text - (size_t)length, "@%llu",
                           (unsigned long long)domain->instance);
        json_text(json, NULL, text);
    }
    json_close(json, ']');
}

// ---- routers and LANs

static void put_node_more(struct json *json, const struct scenario *scenario,
                          const struct vertex *vertex)
{
    const struct node_more *more = &vertex->more;

    if (strcmp(more->name, vertex->name) != 0)
        json_text(json, "node_name", more->name);
    if (more->area_count) {
        json_open(json, "areas", '[');
        for (size_t i = 0; i < more->area_count; i++)
            json_hex(json, NULL, more->areas[i].bytes, more->areas[i].length);
        json_close(json, ']');
    }
    if (more->has_flags)
        json_number(json, "flags", more->flags);
    if (more->no_flags)
        json_text(json, "flags", "none");
    if (more->router_id_count) {
        json_open(json, "router_ids", '[');
        for (size_t i = 0; i < more->router_id_count; i++)
            put_address(json, NULL, &more->router_ids[i]);
        json_close(json, ']');
    }
    if (more->has_topologies)
        put_topologies(json, scenario, more->topologies);
    put_octets(json, "msd", &more->msd);
    put_tlvs(json, "tlvs", &more->tlvs);
}

static void put_vertex(struct json *json, const struct scenario *scenario, size_t index)
{
    const struct vertex *vertex = &scenario->vertices[index];
    const uint8_t *id = vertex->system_id;
    char text[24];

    json_line(json);
    json_open(json, NULL, '{');
    json_text(json, "name", vertex->name);
    (void)snprintf(text, sizeof text, "%02x%02x.%02x%02x.%02x%02x", id[0], id[1], id[2], id[3],
                   id[4], id[5]);
    json_text(json, "system_id", text);
    put_address(json, "ipv4", &vertex->ipv4);
    put_address(json, "ipv6", &vertex->ipv6);
    if (vertex->pseudonode) {
        json_text(json, "designated", scenario->vertices[vertex->designated].name);
        json_number(json, "number", vertex->lan_number);
    } else {
        json_bool(json, "overload", vertex->overload);
        json_bool(json, "attached", vertex->attached);
        json_bool(json, "down", vertex->down);
    }
    put_domains(json, scenario, vertex->domains);
    if (!vertex->pseudonode)
        put_node_more(json, scenario, vertex);
    json_close(json, '}');
}

// ---- links

static void put_values(struct json *json, const struct link_values *values)
{
    for (size_t i = 0; i < LINK_VALUES; i++) {
        if (values->has >> i & 1)
            json_number(json, link_value_rows[i].export_key, values->value[i]);
    }
    if (values->anomalous) {
        json_open(json, "anomalous", '[');
        for (size_t i = 0; i < LINK_VALUES; i++) {
            if (values->anomalous >> i & 1)
                json_text(json, NULL, link_value_rows[i].export_key);
        }
        json_close(json, ']');
    }
    put_numbers(json, "srlgs", &values->srlgs);
    put_numbers(json, "admin_groups", &values->groups);
}

static void put_half(struct json *json, const char *key, const struct half *half)
{
    json_open(json, key, '{');
    put_values(json, &half->values);
    if (half->name)
        json_text(json, "link_name", half->name);
    put_octets(json, "msd", &half->msd);
    put_tlvs(json, "tlvs", &half->tlvs);
    put_tlvs(json, "descriptors", &half->descriptors);
    if (half->application_count) {
        json_open(json, "applications", '[');
        for (size_t i = 0; i < half->application_count; i++) {
            json_open(json, NULL, '{');
            put_octets(json, "standard", &half->applications[i].standard);
            put_octets(json, "user", &half->applications[i].user);
            put_values(json, &half->applications[i].values);
            put_tlvs(json, "tlvs", &half->applications[i].tlvs);
            json_close(json, '}');
        }
        json_close(json, ']');
    }
    json_close(json, '}');
}

static void put_link(struct json *json, const struct scenario *scenario, const struct link *link)
{
    json_line(json);
    json_open(json, NULL, '{');
    json_text(json, "a", scenario->vertices[link->ends[0]].name);
    json_text(json, "b", scenario->vertices[link->ends[1]].name);
    json_number(json, "index", link->index);
    json_bool(json, "down", link->down);
    if (link->km >= 0)
        json_decimal(json, "km", link->km);
    put_address(json, "a_ipv4", &link->half[0].ipv4);
    put_address(json, "b_ipv4", &link->half[1].ipv4);
    put_address(json, "a_ipv6", &link->half[0].ipv6);
    put_address(json, "b_ipv6", &link->half[1].ipv6);
    json_number(json, "a_id", link->half[0].id);
    json_number(json, "b_id", link->half[1].id);
    put_domains(json, scenario, link->domains);
    if (link->has_topologies)
        put_topologies(json, scenario, link->topologies);
    if (link->ids_in_attribute)
        json_bool(json, "ids_in_attribute", true);
    if (link->metric_octets)
        json_number(json, "metric_octets", link->metric_octets);
    put_half(json, "ab", &link->half[0]);
    put_half(json, "ba", &link->half[1]);
    json_close(json, '}');
}

// ---- prefixes

static void put_prefix_more(struct json *json, const struct scenario *scenario,
                            const struct prefix_more *more)
{
    if (more->no_metric)
        json_bool(json, "no_metric", true);
    if (more->as_scope)
        json_bool(json, "as_scope", true);
    if (more->has_topology)
        json_number(json, "topology", scenario->topologies[more->topology]);
    if (more->route_type)
        json_number(json, "route_type", more->route_type == ROUTE_TYPE_NONE ? 0 : more->route_type);
    if (more->has_igp_flags)
        json_number(json, "igp_flags", more->igp_flags);
    if (more->no_igp_flags)
        json_text(json, "igp_flags", "none");
    if (more->has_flags)
        json_number(json, "flags", more->flags);
    if (more->no_flags)
        json_text(json, "flags", "none");
    put_numbers(json, "tags", &more->tags);
    put_big_numbers(json, "extended_tags", &more->extended_tags);
    put_address(json, "forwarding", &more->forwarding);
    put_address(json, "source", &more->source_router);
    put_address(json, "source_ospf", &more->source_ospf);
    put_tlvs(json, "tlvs", &more->tlvs);
    put_tlvs(json, "descriptors", &more->descriptors);
}

static void put_attachment(struct json *json, const struct scenario *scenario,
                           const struct attachment *attachment)
{
    json_line(json);
    json_open(json, NULL, '{');
    put_prefix(json, &attachment->prefix);
    json_text(json, "router", scenario->vertices[attachment->vertex].name);
    json_number(json, "metric", attachment->metric);
    json_bool(json, "loopback", attachment->loopback);
    json_bool(json, "external", attachment->external);
    put_domains(json, scenario, attachment->domains);
    if (attachment->more)
        put_prefix_more(json, scenario, attachment->more);
    json_close(json, '}');
}

// ---- egress peers and raw objects

static void put_egress(struct json *json, const struct scenario *scenario,
                       const struct egress *egress)
{
    json_line(json);
    json_open(json, NULL, '{');
    json_text(json, "name", egress->name);
    json_text(json, "router", scenario->vertices[egress->router].name);
    json_number(json, "instance", egress->instance);
    json_number(json, "as", egress->as);
    json_number(json, "peer_as", egress->peer_as);
    put_address(json, "router_id", &egress->router_id);
    put_address(json, "peer_id", &egress->peer_id);
    if (egress->member_as)
        json_number(json, "member_as", egress->member_as);
    if (egress->peer_member_as)
        json_number(json, "peer_member_as", egress->peer_member_as);
    put_address(json, "ipv4", &egress->ipv4[0]);
    put_address(json, "peer_ipv4", &egress->ipv4[1]);
    put_address(json, "ipv6", &egress->ipv6[0]);
    put_address(json, "peer_ipv6", &egress->ipv6[1]);
    if (egress->has_ids) {
        json_number(json, "id", egress->id[0]);
        json_number(json, "peer_link_id", egress->id[1]);
    }
    json_open(json, "sids", '[');
    for (size_t i = 0; i < egress->sid_count; i++) {
        json_open(json, NULL, '{');
        json_number(json, "type", egress->sids[i].type);
        json_number(json, "flags", egress->sids[i].flags);
        json_number(json, "weight", egress->sids[i].weight);
        json_number(json, egress->sids[i].is_label ? "label" : "index", egress->sids[i].value);
        json_close(json, '}');
    }
    json_close(json, ']');
    put_tlvs(json, "tlvs", &egress->tlvs);
    json_bool(json, "down", egress->down);
    json_close(json, '}');
}

static void put_object(struct json *json, const struct raw_object *object)
{
    json_line(json);
    json_open(json, NULL, '{');
    json_text(json, "name", object->name);
    json_hex(json, "nlri", object->nlri.bytes, object->nlri.length);
    if (!object->no_attribute)
        json_hex(json, "attribute", object->attribute.bytes, object->attribute.length);
    json_bool(json, "down", object->down);
    json_close(json, '}');
}

// ---- reflectors and their routes

/* Numbers; a set, or a part of a confederation, is an object of its own. */
static void put_as_path(struct json *json, const struct path *path)
{
    static const char *const kinds[] = {[SEGMENT_SET] = "set",
                                        [SEGMENT_CONFED_SEQUENCE] = "confederation_sequence",
                                        [SEGMENT_CONFED_SET] = "confederation_set"};
    const struct segment whole = {.kind = SEGMENT_SEQUENCE, .count = (uint8_t)path->as_count};
    const struct segment *segments = path->segments ? path->segments : &whole;
    size_t count = path->segments ? path->segment_count : 1;
    const uint32_t *number = path->as_path;

    json_open(json, "as_path", '[');
    for (size_t i = 0; i < count; i++) {
        bool plain = segments[i].kind == SEGMENT_SEQUENCE;

        if (!plain) {
            json_open(json, NULL, '{');
            json_open(json, kinds[segments[i].kind], '[');
        }
        for (size_t k = 0; k < segments[i].count; k++)
            json_number(json, NULL, *number++);
        if (!plain) {
            json_close(json, ']');
            json_close(json, '}');
        }
    }
    json_close(json, ']');
}

static void put_path_more(struct json *json, const struct path_more *more)
{
    char text[NET_TEXT_SIZE + 48];

    if (more->aggregator.family) {
        char address[NET_TEXT_SIZE];

        (void)snprintf(text, sizeof text, "%u %s", more->aggregator_as,
                       net_format_address(&more->aggregator, address));
        json_text(json, "aggregator", text);
    }
    if (more->atomic)
        json_bool(json, "atomic", true);
    if (more->extended_communities.count) {
        json_open(json, "extended_communities", '[');
        for (size_t i = 0; i < more->extended_communities.count; i++) {
            (void)snprintf(text, sizeof text, "%016llx",
                           (unsigned long long)more->extended_communities.list[i]);
            json_text(json, NULL, text);
        }
        json_close(json, ']');
    }
    if (more->large_count) {
        json_open(json, "large_communities", '[');
        for (size_t i = 0; i < more->large_count; i++) {
            const uint32_t *part = more->large_communities[i].part;

            (void)snprintf(text, sizeof text, "%u:%u:%u", part[0], part[1], part[2]);
            json_text(json, NULL, text);
        }
        json_close(json, ']');
    }
    if (more->cluster_count) {
        json_open(json, "clusters", '[');
        for (size_t i = 0; i < more->cluster_count; i++)
            put_address(json, NULL, &more->clusters[i]);
        json_close(json, ']');
    }
    put_address(json, "originator", &more->originator);
    if (more->attribute_count) {
        json_open(json, "attributes", '[');
        for (size_t i = 0; i < more->attribute_count; i++) {
            const struct raw_attribute *raw = &more->attributes[i];

            json_open(json, NULL, '[');
            json_number(json, NULL, raw->flags);
            json_number(json, NULL, raw->type);
            json_hex(json, NULL, raw->value.bytes, raw->value.length);
            json_close(json, ']');
        }
        json_close(json, ']');
    }
}

static void put_route(struct json *json, const struct scenario *scenario,
                      const struct reflector *reflector, const struct said_route *route)
{
    static const char *const origins[] = {"igp", "egp", "incomplete"};
    const struct path *path = route->path;
    enum family family = route->prefix->family == 4 ? FAMILY_IPV4 : FAMILY_IPV6;

    json_line(json);
    json_open(json, NULL, '{');
    json_text(json, "reflector", reflector->name);
    put_prefix(json, route->prefix);
    if (route->path_id)
        json_number(json, "path_id", route->path_id);
    json_text(json, "router", scenario->vertices[path->router].name);
    put_address(json, "next_hop", path_next_hop(reflector, path, family));
    json_number(json, "local_pref", path->local_pref);
    json_text(json, "origin", origins[path->origin]);
    if (path->has_med)
        json_number(json, "med", path->med);
    put_as_path(json, path);
    json_open(json, "communities", '[');
    for (size_t i = 0; i < path->community_count; i++) {
        char text[16];

        (void)snprintf(text, sizeof text, "%u:%u", path->communities[i] >> 16,
                       path->communities[i] & 0xffff);
        json_text(json, NULL, text);
    }
    json_close(json, ']');
    if (path->more)
        put_path_more(json, path->more);
    json_close(json, '}');
}

static void put_routes(struct json *json, const struct backbone *backbone,
                       const struct scenario *scenario)
{
    for (size_t r = 0; r < scenario->reflector_count; r++) {
        const struct reflector *reflector = &scenario->reflectors[r];
        struct said_route route;
        size_t at = 0;

        while (backbone_next_route(backbone, r, &at, &route)) {
            if (reflector->families[route.prefix->family == 4 ? FAMILY_IPV4 : FAMILY_IPV6])
                put_route(json, scenario, reflector, &route);
        }
    }
}

static void put_reflector(struct json *json, const struct backbone *backbone,
                          const struct scenario *scenario, size_t index)
{
    const struct reflector *reflector = &scenario->reflectors[index];

    json_line(json);
    json_open(json, NULL, '{');
    json_text(json, "name", reflector->name);
    put_address(json, "address", &reflector->address);
    json_number(json, "port", reflector->port);
    json_number(json, "as", reflector->as);
    json_number(json, "peer_as", reflector->peer_as);
    put_address(json, "router_id", &reflector->router_id);
    put_address(json, "cluster_id", &reflector->cluster_id);
    json_bool(json, "two_octet_as", reflector->two_octet_as);
    json_bool(json, "end_of_rib", reflector->end_of_rib);
    json_open(json, "add_path", '{');
    for (enum family family = 0; family < FAMILIES; family++) {
        if (reflector->add_path[family])
            json_number(json, family_names[family], reflector->add_path[family]);
    }
    json_close(json, '}');
    json_open(json, "count", '{');
    for (enum family family = 0; family < FAMILIES; family++) {
        if (reflector->families[family])
            json_number(json, family_names[family], backbone_count(backbone, index, family));
    }
    json_close(json, '}');
    json_close(json, '}');
}

// ---- the whole

static void put_general(struct json *json, const struct scenario *scenario)
{
    json_text(json, "name", scenario->name);
    json_number(json, "as", scenario->as);
    json_number(json, "instance", scenario->instance);
    if (scenario->has_identifier)
        json_number(json, "identifier", scenario->identifier);
    put_topologies(json, scenario, scenario->ipv6_topology ? 3 : 1);
}

static void put_link_state(struct json *json, const struct scenario *scenario)
{
    json_open(json, "routers", '[');
    for (size_t i = 0; i < scenario->router_count; i++)
        put_vertex(json, scenario, i);
    json_close(json, ']');
    json_open(json, "pseudonodes", '[');
    for (size_t i = scenario->router_count; i < scenario->vertex_count; i++)
        put_vertex(json, scenario, i);
    json_close(json, ']');
    json_open(json, "links", '[');
    for (size_t i = 0; i < scenario->link_count; i++)
        put_link(json, scenario, &scenario->links[i]);
    json_close(json, ']');
    json_open(json, "prefixes", '[');
    for (size_t i = 0; i < scenario->attachment_count; i++) {
        if (!scenario->attachments[i].withdrawn)
            put_attachment(json, scenario, &scenario->attachments[i]);
    }
    json_close(json, ']');
    json_open(json, "egress", '[');
    for (size_t i = 0; i < scenario->egress_count; i++)
        put_egress(json, scenario, &scenario->egresses[i]);
    json_close(json, ']');
    json_open(json, "objects", '[');
    for (size_t i = 0; i < scenario->raw_object_count; i++)
        put_object(json, &scenario->raw_objects[i]);
    json_close(json, ']');
}

bool export_json(struct backbone *backbone, FILE *stream)
{
    const struct scenario *scenario = backbone_scenario(backbone);
    struct json json = {.stream = stream};

    json_open(&json, NULL, '{');
    put_general(&json, scenario);
    json_open(&json, "reflectors", '[');
    for (size_t i = 0; i < scenario->reflector_count; i++)
        put_reflector(&json, backbone, scenario, i);
    json_close(&json, ']');
    put_link_state(&json, scenario);
    json_open(&json, "routes", '[');
    put_routes(&json, backbone, scenario);
    json_close(&json, ']');
    export_bmp(&json, scenario);
    json_close(&json, '}');
    (void)fputc('\n', stream);
    return fflush(stream) == 0 && !ferror(stream);
}
