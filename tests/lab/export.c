/* export: JSON by hand. Names are of a-z 0-9 - . _ (scenario), so nothing needs an escape. */
#include "export.h"

#include <string.h>

static const char *comma(size_t index)
{
    return index ? "," : "";
}

static const char *boolean(bool value)
{
    return value ? "true" : "false";
}

static void print_address(FILE *stream, const char *key, const struct net *net)
{
    char text[NET_TEXT_SIZE];

    if (net->family)
        (void)fprintf(stream, ",\"%s\":\"%s\"", key, net_format_address(net, text));
}

static void print_domains(const struct scenario *scenario, uint64_t domains, FILE *stream)
{
    const char *separator = "";

    (void)fprintf(stream, ",\"igp\":[");
    for (size_t i = 0; i < scenario->domain_count; i++) {
        const struct domain *domain = &scenario->domains[i];

        if (!(domains >> i & 1))
            continue;
        if (domain->protocol == PROTOCOL_OSPF)
            (void)fprintf(stream, "%s\"ospf-%u.%u.%u.%u\"", separator, domain->area >> 24,
                          domain->area >> 16 & 255, domain->area >> 8 & 255, domain->area & 255);
        else
            (void)fprintf(stream, "%s\"isis-%d\"", separator, (int)domain->protocol);
        separator = ",";
    }
    (void)fprintf(stream, "]");
}

static void print_vertex(const struct scenario *scenario, size_t index, FILE *stream)
{
    const struct vertex *vertex = &scenario->vertices[index];
    const uint8_t *id = vertex->system_id;

    (void)fprintf(stream, "{\"name\":\"%s\",\"system_id\":\"%02x%02x.%02x%02x.%02x%02x\"",
                  vertex->name, id[0], id[1], id[2], id[3], id[4], id[5]);
    print_address(stream, "ipv4", &vertex->ipv4);
    print_address(stream, "ipv6", &vertex->ipv6);
    if (vertex->pseudonode)
        (void)fprintf(stream, ",\"designated\":\"%s\",\"number\":%u",
                      scenario->vertices[vertex->designated].name, vertex->lan_number);
    else
        (void)fprintf(stream, ",\"overload\":%s,\"attached\":%s,\"down\":%s",
                      boolean(vertex->overload), boolean(vertex->attached), boolean(vertex->down));
    print_domains(scenario, vertex->domains, stream);
    (void)fprintf(stream, "}");
}

static void print_half(const struct half *half, const char *key, FILE *stream)
{
    const char *separator = "";

    (void)fprintf(stream, ",\"%s\":{", key);
    for (size_t i = 0; i < LINK_VALUES; i++) {
        if (!(half->has >> i & 1))
            continue;
        (void)fprintf(stream, "%s\"%s\":%llu", separator, link_value_rows[i].export_key,
                      (unsigned long long)half->value[i]);
        separator = ",";
    }
    (void)fprintf(stream, "}");
}

static void print_link(const struct scenario *scenario, const struct link *link, FILE *stream)
{
    (void)fprintf(stream, "{\"a\":\"%s\",\"b\":\"%s\",\"index\":%u,\"down\":%s",
                  scenario->vertices[link->ends[0]].name, scenario->vertices[link->ends[1]].name,
                  link->index, boolean(link->down));
    if (link->km >= 0)
        (void)fprintf(stream, ",\"km\":%.3f", link->km);
    print_address(stream, "a_ipv4", &link->half[0].ipv4);
    print_address(stream, "b_ipv4", &link->half[1].ipv4);
    print_address(stream, "a_ipv6", &link->half[0].ipv6);
    print_address(stream, "b_ipv6", &link->half[1].ipv6);
    print_domains(scenario, link->domains, stream);
    print_half(&link->half[0], "ab", stream);
    print_half(&link->half[1], "ba", stream);
    (void)fprintf(stream, "}");
}

static void print_attachment(const struct scenario *scenario, const struct attachment *attachment,
                             FILE *stream)
{
    char text[NET_TEXT_SIZE];

    (void)fprintf(
        stream,
        "{\"prefix\":\"%s\",\"router\":\"%s\",\"metric\":%u,\"loopback\":%s,\"external\":%s",
        net_format_prefix(&attachment->prefix, text), scenario->vertices[attachment->vertex].name,
        attachment->metric, boolean(attachment->loopback), boolean(attachment->external));
    print_domains(scenario, attachment->domains, stream);
    (void)fprintf(stream, "}");
}

static void print_route(const struct scenario *scenario, size_t reflector, const struct net *prefix,
                        const struct path *path, FILE *stream)
{
    static const char *const origins[] = {"igp", "egp", "incomplete"};
    char text[NET_TEXT_SIZE], next_hop[NET_TEXT_SIZE];

    (void)fprintf(stream,
                  "{\"reflector\":\"%s\",\"prefix\":\"%s\",\"router\":\"%s\",\"next_hop\":\"%s\","
                  "\"local_pref\":%u,\"origin\":\"%s\"",
                  scenario->reflectors[reflector].name, net_format_prefix(prefix, text),
                  scenario->vertices[path->router].name,
                  net_format_address(&path->next_hop[prefix->family == 6], next_hop),
                  path->local_pref, origins[path->origin]);
    if (path->has_med)
        (void)fprintf(stream, ",\"med\":%u", path->med);
    (void)fprintf(stream, ",\"as_path\":[");
    for (size_t i = 0; i < path->as_count; i++)
        (void)fprintf(stream, "%s%u", comma(i), path->as_path[i]);
    (void)fprintf(stream, "],\"communities\":[");
    for (size_t i = 0; i < path->community_count; i++)
        (void)fprintf(stream, "%s\"%u:%u\"", comma(i), path->communities[i] >> 16,
                      path->communities[i] & 0xffff);
    (void)fprintf(stream, "]}");
}

static void print_routes(const struct backbone *backbone, const struct scenario *scenario,
                         FILE *stream)
{
    const struct net *prefix;
    const struct path *path;
    const char *separator = "";

    for (size_t r = 0; r < scenario->reflector_count; r++) {
        const bool *families = scenario->reflectors[r].families;
        size_t at = 0;

        while (backbone_next_route(backbone, r, &at, &prefix, &path)) {
            if (!families[prefix->family == 4 ? FAMILY_IPV4 : FAMILY_IPV6])
                continue;
            (void)fprintf(stream, "%s\n  ", separator);
            print_route(scenario, r, prefix, path, stream);
            separator = ",";
        }
    }
}

static void print_reflector(struct backbone *backbone, size_t index, FILE *stream)
{
    const struct reflector *reflector = &backbone_scenario(backbone)->reflectors[index];
    char text[NET_TEXT_SIZE];
    const char *separator = "";

    (void)fprintf(stream, "{\"name\":\"%s\",\"address\":\"%s\",\"port\":%u,\"as\":%u",
                  reflector->name, net_format_address(&reflector->address, text), reflector->port,
                  reflector->as);
    print_address(stream, "router_id", &reflector->router_id);
    print_address(stream, "cluster_id", &reflector->cluster_id);
    (void)fprintf(stream, ",\"end_of_rib\":%s,\"count\":{", boolean(reflector->end_of_rib));
    for (enum family family = 0; family < FAMILIES; family++) {
        if (!reflector->families[family])
            continue;
        (void)fprintf(stream, "%s\"%s\":%zu", separator, family_names[family],
                      backbone_count(backbone, index, family));
        separator = ",";
    }
    (void)fprintf(stream, "}}");
}

bool export_json(struct backbone *backbone, FILE *stream)
{
    const struct scenario *scenario = backbone_scenario(backbone);
    const char *separator = "";

    (void)fprintf(stream, "{\"name\":\"%s\",\"as\":%u,\"instance\":%llu,\"topologies\":%s,\n",
                  scenario->name, scenario->as, (unsigned long long)scenario->instance,
                  scenario->topologies == 2 ? "[0,2]" : "[0]");
    (void)fprintf(stream, " \"reflectors\":[");
    for (size_t i = 0; i < scenario->reflector_count; i++) {
        (void)fprintf(stream, "%s\n  ", comma(i));
        print_reflector(backbone, i, stream);
    }
    (void)fprintf(stream, "],\n \"routers\":[");
    for (size_t i = 0; i < scenario->router_count; i++) {
        (void)fprintf(stream, "%s\n  ", comma(i));
        print_vertex(scenario, i, stream);
    }
    (void)fprintf(stream, "],\n \"pseudonodes\":[");
    for (size_t i = scenario->router_count; i < scenario->vertex_count; i++) {
        (void)fprintf(stream, "%s\n  ", comma(i - scenario->router_count));
        print_vertex(scenario, i, stream);
    }
    (void)fprintf(stream, "],\n \"links\":[");
    for (size_t i = 0; i < scenario->link_count; i++) {
        (void)fprintf(stream, "%s\n  ", comma(i));
        print_link(scenario, &scenario->links[i], stream);
    }
    (void)fprintf(stream, "],\n \"prefixes\":[");
    for (size_t i = 0; i < scenario->attachment_count; i++) {
        if (scenario->attachments[i].withdrawn)
            continue;
        (void)fprintf(stream, "%s\n  ", separator);
        print_attachment(scenario, &scenario->attachments[i], stream);
        separator = ",";
    }
    (void)fprintf(stream, "],\n \"routes\":[");
    print_routes(backbone, scenario, stream);
    (void)fprintf(stream, "]}\n");
    return fflush(stream) == 0 && !ferror(stream);
}
