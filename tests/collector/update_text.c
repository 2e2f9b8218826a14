/* update_text: one printer a kind of update. */
#include "update_text.h"

#include "lib/arena.h"

#include <stdlib.h>
#include <string.h>

static void print_hex(FILE *out, const char *key, struct octets octets)
{
    (void)fprintf(out, " %s=", key);
    for (size_t i = 0; i < octets.length; i++)
        (void)fprintf(out, "%02x", octets.bytes[i]);
}

static void print_text(FILE *out, const char *key, const char *text)
{
    if (text)
        (void)fprintf(out, " %s=\"%s\"", key, text);
}

static void print_addresses(FILE *out, const char *key, struct addresses addresses)
{
    for (size_t i = 0; i < addresses.count; i++) {
        char text[PREFIX_TEXT_SIZE];
        (void)fprintf(out, "%s%s", i ? "," : "", i ? "" : " ");
        if (i == 0)
            (void)fprintf(out, "%s=", key);
        (void)fputs(address_format(&addresses.list[i], text), out);
    }
}

static void print_number(FILE *out, const char *key, bool has, uint64_t value)
{
    if (has)
        (void)fprintf(out, " %s=%llu", key, (unsigned long long)value);
}

static void print_bps(FILE *out, const char *key, bool has, double value)
{
    if (has)
        (void)fprintf(out, " %s=%.17g", key, value);
}

static void print_route(FILE *out, const struct route *route, bool announced)
{
    char prefix[PREFIX_TEXT_SIZE], next_hop[PREFIX_TEXT_SIZE];
    const struct attributes *a = route->attributes;

    (void)fprintf(out, "%s %s", announced ? "route" : "gone",
                  prefix_format(&route->prefix, prefix));
    print_number(out, "path-id", route->path_id, route->path_id);
    if (!announced)
        return;
    (void)fprintf(out, " next-hop=%s origin=%d", address_format(&route->next_hop, next_hop),
                  a->origin);
    print_text(out, "as-path", a->as_path);
    print_number(out, "local-pref", a->has_local_pref, a->local_pref);
    print_number(out, "med", a->has_med, a->med);
    print_text(out, "communities", a->communities);
    print_text(out, "large", a->large_communities);
    print_text(out, "extended", a->extended_communities);
    print_text(out, "originator", a->originator_id);
    print_text(out, "clusters", a->cluster_list);
    print_text(out, "aggregator", a->aggregator);
    if (a->atomic_aggregate)
        (void)fputs(" atomic", out);
    if (a->other_length)
        print_hex(out, "other", (struct octets){.bytes = a->other, .length = a->other_length});
}

static void print_descriptor(FILE *out, const char *side, const struct ls_node_descriptor *node)
{
    print_hex(out, side,
              (struct octets){.bytes = node->router_id, .length = node->router_id_length});
    if (node->has_asn)
        (void)fprintf(out, "/as%u", node->asn);
    if (node->has_bgp_ls_id)
        (void)fprintf(out, "/id%u", node->bgp_ls_id);
    if (node->has_area)
        (void)fprintf(out, "/area%u", node->area);
    if (node->has_bgp_router_id)
        (void)fprintf(out, "/bgp%u", node->bgp_router_id);
}

static void print_object(FILE *out, const char *kind, uint8_t protocol, uint64_t instance,
                         const struct ls_node_descriptor *local)
{
    (void)fprintf(out, "%s protocol=%d instance=%llu", kind, protocol,
                  (unsigned long long)instance);
    print_descriptor(out, "local", local);
}

static void print_node(FILE *out, const struct ls_node *node)
{
    print_object(out, "node", node->protocol, node->instance, &node->local);
    if (!node->has_attributes) {
        (void)fputs(" no-attributes", out);
        return;
    }
    print_text(out, "name", node->name);
    print_number(out, "flags", node->has_flags, node->flags);
    for (size_t i = 0; i < node->topology_count; i++)
        (void)fprintf(out, "%s%u", i ? "," : " topologies=", node->topologies[i]);
    for (size_t i = 0; i < node->isis_area_count; i++)
        print_hex(out, "area", node->isis_areas[i]);
    print_addresses(out, "ipv4", node->ipv4_router_ids);
    print_addresses(out, "ipv6", node->ipv6_router_ids);
    if (node->other.length)
        print_hex(out, "other", node->other);
}

static void print_link_values(FILE *out, const struct ls_link *link)
{
    uint32_t has = link->has;

    print_number(out, "metric", has & LINK_IGP_METRIC, link->igp_metric);
    print_number(out, "te-metric", has & LINK_TE_METRIC, link->te_metric);
    print_number(out, "admin-group", has & LINK_ADMIN_GROUP, link->admin_group);
    print_bps(out, "max", has & LINK_MAX_BANDWIDTH, link->max_bandwidth_bps);
    print_bps(out, "reservable", has & LINK_MAX_RESERVABLE, link->max_reservable_bps);
    for (size_t i = 0; i < link->srlg_count; i++)
        (void)fprintf(out, "%s%u", i ? "," : " srlgs=", link->srlgs[i]);
    print_text(out, "name", link->name);
    print_number(out, "delay", has & LINK_DELAY, link->delay_us);
    print_number(out, "delay-min", has & LINK_DELAY_MIN, link->delay_min_us);
    print_number(out, "delay-max", has & LINK_DELAY_MAX, link->delay_max_us);
    print_number(out, "variation", has & LINK_DELAY_VARIATION, link->delay_variation_us);
    print_number(out, "loss", has & LINK_LOSS, link->loss_3e8);
    if (link->delay_anomalous || link->delay_min_max_anomalous || link->loss_anomalous)
        (void)fprintf(out, " anomalous=%s%s%s", link->delay_anomalous ? "d" : "",
                      link->delay_min_max_anomalous ? "m" : "", link->loss_anomalous ? "l" : "");
    print_bps(out, "residual", has & LINK_RESIDUAL, link->residual_bps);
    print_bps(out, "available", has & LINK_AVAILABLE, link->available_bps);
    print_bps(out, "utilized", has & LINK_UTILIZED, link->utilized_bps);
    print_addresses(out, "local-ipv4", link->local_ipv4_router_ids);
    print_addresses(out, "local-ipv6", link->local_ipv6_router_ids);
    print_addresses(out, "remote-ipv4", link->remote_ipv4_router_ids);
    print_addresses(out, "remote-ipv6", link->remote_ipv6_router_ids);
    if (link->other.length)
        print_hex(out, "other", link->other);
}

static void print_link(FILE *out, const struct ls_link *link)
{
    print_object(out, "link", link->protocol, link->instance, &link->local);
    print_descriptor(out, "remote", &link->remote);
    if (link->has & LINK_LINK_IDS)
        (void)fprintf(out, " ids=%u,%u", link->local_link_id, link->remote_link_id);
    print_addresses(out, "here", link->local_addresses);
    print_addresses(out, "there", link->remote_addresses);
    print_number(out, "topology", link->topology, link->topology);
    if (link->has_attributes)
        print_link_values(out, link);
    else
        (void)fputs(" no-attributes", out);
}

static void print_prefix(FILE *out, const struct ls_prefix *prefix)
{
    char text[PREFIX_TEXT_SIZE];

    print_object(out, "prefix", prefix->protocol, prefix->instance, &prefix->local);
    (void)fprintf(out, " prefix=%s", prefix_format(&prefix->prefix, text));
    print_number(out, "topology", prefix->topology, prefix->topology);
    print_number(out, "route-type", prefix->ospf_route_type, prefix->ospf_route_type);
    if (!prefix->has_attributes)
        (void)fputs(" no-attributes", out);
    print_number(out, "metric", prefix->has_metric, prefix->metric);
    print_number(out, "igp-flags", prefix->has_igp_flags, prefix->igp_flags);
    print_number(out, "flags", prefix->has_attribute_flags, prefix->attribute_flags);
    if (prefix->other.length)
        print_hex(out, "other", prefix->other);
}

static void take(void *context, const struct update *update)
{
    FILE *out = context;

    switch (update->kind) {
    case UPDATE_ROUTE:
    case UPDATE_ROUTE_GONE:
        print_route(out, update->route, update->kind == UPDATE_ROUTE);
        break;
    case UPDATE_NODE:
        print_node(out, update->node);
        break;
    case UPDATE_LINK:
        print_link(out, update->link);
        break;
    case UPDATE_PREFIX:
        print_prefix(out, update->prefix);
        break;
    case UPDATE_OPAQUE:
        (void)fputs("opaque", out);
        print_hex(out, "nlri", update->ls.nlri);
        print_hex(out, "attribute", update->ls.attribute);
        break;
    case UPDATE_LS_GONE:
        (void)fputs("ls-gone", out);
        print_hex(out, "nlri", update->ls.nlri);
        break;
    case UPDATE_END_OF_RIB:
        (void)fprintf(out, "end-of-rib family=%d", update->end_of_rib.family);
        break;
    case UPDATE_FAULT:
        (void)fprintf(out, "fault %s distrusted=%u", update->reason, update->distrusted);
        break;
    case UPDATE_PEER_UP:
    case UPDATE_PEER_DOWN:
        break; // not a parser's
    }
    (void)fputc('\n', out);
}

struct update_sink update_text_sink(FILE *out)
{
    return (struct update_sink){.context = out, .take = take};
}

enum { DEPTH = 16, MARKER = 16, MOST = 18 }; // MOST: octets that one character can add

static void fill_length(uint8_t *bytes, size_t at, size_t length, size_t width)
{
    if (length >> (8 * width))
        error_fatal("%zu octets do not fit a length of %zu", length, width);
    for (size_t i = 0; i < width; i++)
        bytes[at + i] = (uint8_t)(length >> (8 * (width - 1 - i)));
}

/* Octets between where a length stands and the character that ends what it counts. */
static void close_bracket(uint8_t *bytes, size_t at, size_t end, char bracket)
{
    if (bracket == ')')
        fill_length(bytes, at, end - at - 1, 1);
    else if (bracket == '}')
        fill_length(bytes, at, end - at - 2, 2);
    else
        fill_length(bytes, at, MARKER + end - at, 2);
}

/* Writes the octets; returns their number. */
static size_t assemble(const char *shape, uint8_t *bytes)
{
    static const char digits[] = "0123456789abcdef";
    size_t open[DEPTH], depth = 0, count = 0;
    bool half = false;

    for (; *shape; shape++) {
        const char *digit = strchr(digits, *shape);
        if (strchr("({[", *shape)) {
            if (depth == DEPTH)
                error_fatal("too deep: %s", shape);
            for (size_t i = 0; *shape == '[' && i < MARKER; i++)
                bytes[count++] = 0xff;
            open[depth++] = count;
            count += *shape == '(' ? 1 : 2;
        } else if (strchr(")}]", *shape)) {
            if (depth == 0)
                error_fatal("closed too often: %s", shape);
            close_bracket(bytes, open[--depth], count, *shape);
        } else if (digit) {
            bytes[count] = (uint8_t)(bytes[count] << 4 | (digit - digits));
            count += half;
            half = !half;
        } else if (*shape != ' ' && *shape != '\n') {
            error_fatal("not hex: %s", shape);
        }
    }
    return count;
}

struct octets update_text_octets(const char *shape)
{
    uint8_t *bytes = memory_alloc(MOST * strlen(shape) + 1, 1);

    return (struct octets){.bytes = bytes, .length = assemble(shape, bytes)};
}

void update_text_free(struct octets octets)
{
    free((void *)(uintptr_t)octets.bytes);
}
