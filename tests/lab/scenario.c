/* scenario: the general part and the routers.
 *
 * The n-th router of the file (from 1) takes the n-th address of the loopback pools. Its IS-IS system id
 * is the IPv4 loopback in twelve decimal digits, as operators write it. */
#include "scenario.h"

#include "lib/hash.h"
#include "scenario_read.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct loading *loading_of(struct reader *reader)
{
    return reader->context;
}

static bool has_name(const void *vertex, const void *name)
{
    return strcmp(((const struct vertex *)vertex)->name, name) == 0;
}

size_t scenario_find_vertex(const struct scenario *scenario, const char *name)
{
    const struct vertex *found =
        table_find(&scenario->names, hash_bytes(name, strlen(name)), has_name, name);

    return found ? (size_t)(found - scenario->vertices) : SIZE_MAX;
}

void add_vertex(struct scenario *scenario, const struct vertex *vertex)
{
    struct vertex *added = &scenario->vertices[scenario->vertex_count++];

    *added = *vertex;
    table_add(&scenario->names, hash_bytes(added->name, strlen(added->name)), added);
}

bool read_vertex(struct loading *loading, const struct tree *node, size_t *out)
{
    const char *name = reader_text(&loading->reader, node, "the name of a router");

    if (!name)
        return false;
    size_t vertex = scenario_find_vertex(loading->scenario, name);

    if (vertex == SIZE_MAX)
        return reader_fail(&loading->reader, node, "\"%s\"; the name of a router expected", name);
    *out = vertex;
    return true;
}

/* The number of a domain, a new one where the file names it first. */
static bool find_domain(struct loading *loading, const struct tree *node, struct domain domain,
                        size_t *out)
{
    struct scenario *scenario = loading->scenario;
    size_t i = 0;

    while (i < scenario->domain_count && (scenario->domains[i].protocol != domain.protocol ||
                                          scenario->domains[i].area != domain.area ||
                                          scenario->domains[i].instance != domain.instance))
        i++;
    if (i == DOMAIN_LIMIT)
        return reader_fail(&loading->reader, node, "igp: more than %d levels and areas",
                           DOMAIN_LIMIT);
    if (i == scenario->domain_count)
        scenario->domains[scenario->domain_count++] = domain;
    *out = i;
    return true;
}

/* "isis-2", "ospf-0.0.0.1", "ospf3-0.0.0.1", "direct"; no instance any more. */
static bool parse_protocol(const char *text, struct domain *out)
{
    static const struct {
        const char *name;
        enum protocol protocol;
        bool has_area;
    } names[] = {
        {"isis-1", PROTOCOL_ISIS_1, false}, {"isis-2", PROTOCOL_ISIS_2, false},
        {"ospf-", PROTOCOL_OSPF, true},     {"ospf3-", PROTOCOL_OSPF3, true},
        {"direct", PROTOCOL_DIRECT, false}, {"static", PROTOCOL_STATIC, false},
    };

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        size_t length = strlen(names[i].name);
        struct net area;

        out->protocol = names[i].protocol;
        if (!names[i].has_area && strcmp(text, names[i].name) == 0)
            return true;
        if (!names[i].has_area || strncmp(text, names[i].name, length) != 0)
            continue;
        if (!net_parse_address(text + length, &area) || area.family != 4)
            return false;
        for (size_t k = 0; k < 4; k++)
            out->area = out->area << 8 | area.bytes[k];
        return true;
    }
    return false;
}

static bool read_domain(struct loading *loading, const struct tree *node, size_t *out)
{
    const char *text = reader_text(&loading->reader, node, "an IGP such as isis-2");
    const char *rest = text;
    struct domain domain = {.instance = loading->scenario->instance};

    if (!text)
        return false;
    const char *name = next_part(loading->reader.scratch, &rest, '@');
    bool has_instance = strchr(text, '@') != NULL;

    if (!name || !parse_protocol(name, &domain) ||
        (has_instance && !text_to_uint(rest, UINT64_MAX, &domain.instance)))
        return reader_fail(
            &loading->reader, node,
            "igp: \"%s\"; isis-1, isis-2, ospf-AREA, ospf3-AREA such as ospf-0.0.0.0, "
            "direct or static, with an instance such as isis-2@7, expected",
            text);
    return find_domain(loading, node, domain, out);
}

bool read_router(struct loading *loading, const struct tree *node, size_t *out)
{
    if (!read_vertex(loading, node, out))
        return false;
    return *out < loading->scenario->router_count ||
           reader_fail(&loading->reader, node, "\"%s\" is a LAN; a router expected", node->text);
}

bool read_domains(struct loading *loading, const struct tree *node, uint64_t *out)
{
    uint64_t domains = 0;

    for (size_t i = 0; i < reader_count(node); i++) {
        size_t domain = 0;

        if (!read_domain(loading, reader_item(node, i), &domain))
            return false;
        domains |= UINT64_C(1) << domain;
    }
    if (!domains)
        return reader_fail(&loading->reader, node, "igp: an empty list; at least one expected");
    *out = domains;
    return true;
}

bool read_topology(struct loading *loading, const struct tree *node, uint64_t number, uint8_t *out)
{
    struct scenario *scenario = loading->scenario;
    size_t i = 0;

    while (i < scenario->topology_count && scenario->topologies[i] != number)
        i++;
    if (i == TOPOLOGY_LIMIT)
        return reader_fail(&loading->reader, node, "more than %d topologies", TOPOLOGY_LIMIT);
    if (i == scenario->topology_count)
        scenario->topologies[scenario->topology_count++] = (uint16_t)number;
    *out = (uint8_t)i;
    return true;
}

bool read_topologies(struct loading *loading, const struct tree *node, uint32_t *out)
{
    const struct key key = {.name = "topologies", .high = MT_ID_LIMIT};
    struct numbers numbers;
    uint32_t mask = 0;

    if (!read_numbers(&loading->reader, node, &key, &numbers))
        return false;
    for (size_t i = 0; i < numbers.count; i++) {
        uint8_t topology;

        if (!read_topology(loading, node, numbers.list[i], &topology))
            return false;
        mask |= UINT32_C(1) << topology;
    }
    if (!mask)
        return reader_fail(&loading->reader, node, "topologies: none; at least one expected");
    *out = mask;
    return true;
}

/* One area address or a list of them. */
static bool read_areas(struct loading *loading, const struct tree *node, struct node_more *out)
{
    size_t count = reader_count(node);
    struct octets *areas = arena_alloc(loading->scenario->arena, count, sizeof *areas);

    for (size_t i = 0; i < count; i++) {
        const struct tree *item = reader_item(node, i);
        const char *text = reader_text(&loading->reader, item, "an IS-IS area such as 49.0001");

        if (!text)
            return false;
        if (!parse_octets(loading->scenario->arena, text, AREA_BYTES, &areas[i]) ||
            areas[i].length == 0)
            return reader_fail(&loading->reader, item,
                               "area: \"%s\"; an IS-IS area such as 49.0001 expected", text);
    }
    out->areas = areas;
    out->area_count = count;
    return true;
}

// ---- routers

struct router_form {
    struct vertex vertex;
    const struct tree *igp, *area, *system_id, *flags, *router_ids, *topologies;
};

static const struct word node_flag_words[] = {
    {"overload", 0x80}, {"attached", 0x40}, {"external", 0x20}, {"abr", 0x10},
    {"router", 0x08},   {"v6", 0x04},       {NULL, 0},
};

static const struct key router_keys[] = {
    {"name", read_name, offsetof(struct router_form, vertex.name), .required = true},
    {"ipv4", read_ipv4, offsetof(struct router_form, vertex.ipv4)},
    {"ipv6", read_ipv6, offsetof(struct router_form, vertex.ipv6)},
    {"system_id", read_node, offsetof(struct router_form, system_id)},
    {"igp", read_node, offsetof(struct router_form, igp)},
    {"area", read_node, offsetof(struct router_form, area)},
    {"overload", read_bool, offsetof(struct router_form, vertex.overload)},
    {"attached", read_bool, offsetof(struct router_form, vertex.attached)},
    {"down", read_bool, offsetof(struct router_form, vertex.down)},
    {"node_name", read_line, offsetof(struct router_form, vertex.more.name), .high = 255},
    {"flags", read_node, offsetof(struct router_form, flags)},
    {"router_ids", read_node, offsetof(struct router_form, router_ids)},
    {"topologies", read_node, offsetof(struct router_form, topologies)},
    {"msd", read_octets, offsetof(struct router_form, vertex.more.msd), .high = 255},
    {"tlvs", read_tlvs, offsetof(struct router_form, vertex.more.tlvs)},
};

bool is_none(const struct tree *node)
{
    return node->shape == SHAPE_TEXT && strcmp(node->text, "none") == 0;
}

static bool read_router_ids(struct loading *loading, const struct tree *node,
                            struct node_more *more)
{
    size_t count = reader_count(node);
    struct net *list = arena_alloc(loading->scenario->arena, count, sizeof *list);

    for (size_t i = 0; i < count; i++) {
        const struct tree *item = reader_item(node, i);
        const char *text = reader_text(&loading->reader, item, "an address");

        if (!text)
            return false;
        if (!net_parse_address(text, &list[i]))
            return reader_fail(&loading->reader, item, "router_ids: \"%s\"; an address expected",
                               text);
    }
    more->router_ids = list;
    more->router_id_count = count;
    return true;
}

static bool complete_more(struct loading *loading, const struct router_form *form,
                          struct vertex *vertex)
{
    static const struct key flags = {.name = "flags", .words = node_flag_words};
    struct node_more *more = &vertex->more;

    if (!more->name)
        more->name = vertex->name;
    more->areas = loading->default_areas.areas;
    more->area_count = loading->default_areas.area_count;
    if (form->area && !read_areas(loading, form->area, more))
        return false;
    if (form->flags) {
        more->no_flags = is_none(form->flags);
        more->has_flags = !more->no_flags;
        if (more->has_flags && !read_words(&loading->reader, form->flags, &flags, &more->flags))
            return false;
    }
    more->has_topologies = form->topologies != NULL;
    return (!form->router_ids || read_router_ids(loading, form->router_ids, more)) &&
           (!form->topologies || read_topologies(loading, form->topologies, &more->topologies));
}

/* 10.255.0.1 → 010255000001 → 0102.5500.0001 */
static void derive_system_id(const struct net *ipv4, uint8_t out[6])
{
    char digits[13];

    (void)snprintf(digits, sizeof digits, "%03u%03u%03u%03u", ipv4->bytes[0], ipv4->bytes[1],
                   ipv4->bytes[2], ipv4->bytes[3]);
    for (size_t i = 0; i < 6; i++)
        out[i] = (uint8_t)((digits[2 * i] - '0') << 4 | (digits[2 * i + 1] - '0'));
}

static bool read_system_id(struct loading *loading, const struct tree *node, uint8_t out[6])
{
    const char *text = reader_text(&loading->reader, node, "an IS-IS system id");
    struct octets octets;

    if (!text)
        return false;
    if (!parse_octets(loading->reader.scratch, text, 6, &octets) || octets.length != 6)
        return reader_fail(&loading->reader, node,
                           "system_id: \"%s\"; one such as 0102.5500.0001 expected", text);
    memcpy(out, octets.bytes, 6);
    return true;
}

static bool complete_router(struct loading *loading, const struct tree *node,
                            struct router_form *form, size_t number)
{
    struct reader *reader = &loading->reader;
    struct vertex *vertex = &form->vertex;
    const struct pools *pools = &loading->loopbacks;

    if (!vertex->ipv4.family && pools->ipv4.family)
        (void)net_nth(&pools->ipv4, 32, number, &vertex->ipv4);
    if (!vertex->ipv6.family && pools->ipv6.family)
        (void)net_nth(&pools->ipv6, 128, number, &vertex->ipv6);
    if (!vertex->ipv4.family)
        return reader_fail(reader, node,
                           "router \"%s\": no IPv4 loopback; key ipv4, or room in loopbacks: ipv4 "
                           "expected",
                           vertex->name);
    derive_system_id(&vertex->ipv4, vertex->system_id);
    if (form->system_id && !read_system_id(loading, form->system_id, vertex->system_id))
        return false;
    vertex->domains = loading->default_domains;
    if (form->igp && !read_domains(loading, form->igp, &vertex->domains))
        return false;
    if (!vertex->domains)
        return reader_fail(reader, node,
                           "router \"%s\": no IGP; key igp, here or in the general part, expected",
                           vertex->name);
    return complete_more(loading, form, vertex);
}

/* Two routers with one name or id would be one in the IGP. */
static bool check_router(struct loading *loading, const struct tree *node,
                         const struct vertex *vertex)
{
    const struct scenario *scenario = loading->scenario;

    for (size_t i = 0; i < scenario->vertex_count; i++) {
        const struct vertex *other = &scenario->vertices[i];

        if (strcmp(other->name, vertex->name) == 0)
            return reader_fail(&loading->reader, node, "router \"%s\" is given twice",
                               vertex->name);
        if (net_compare(&other->ipv4, &vertex->ipv4) == 0)
            return reader_fail(&loading->reader, node,
                               "router \"%s\": its IPv4 loopback is that of \"%s\"", vertex->name,
                               other->name);
        if (memcmp(other->system_id, vertex->system_id, sizeof other->system_id) == 0)
            return reader_fail(&loading->reader, node,
                               "router \"%s\": its system id is that of \"%s\"", vertex->name,
                               other->name);
    }
    return true;
}

static bool load_routers(struct loading *loading)
{
    struct scenario *scenario = loading->scenario;
    size_t count = reader_count(loading->routers);
    size_t lans = loading->lans ? reader_count(loading->lans) : 0;

    if (count > ROUTER_LIMIT || lans > ROUTER_LIMIT)
        return reader_fail(&loading->reader, loading->routers, "more than %d routers or LANs",
                           ROUTER_LIMIT);
    scenario->vertices = arena_alloc(scenario->arena, count + lans, sizeof *scenario->vertices);
    for (size_t i = 0; i < count; i++) {
        const struct tree *node = reader_item(loading->routers, i);
        struct router_form form = {0};

        if (!reader_mapping(&loading->reader, node, "a router", router_keys, COUNT_OF(router_keys),
                            &form) ||
            !complete_router(loading, node, &form, i + 1) ||
            !check_router(loading, node, &form.vertex))
            return false;
        add_vertex(scenario, &form.vertex);
    }
    scenario->router_count = scenario->vertex_count;
    return true;
}

// ---- the file

static bool read_pools(struct reader *reader, const struct tree *node, const struct key *key,
                       void *field)
{
    static const struct key keys[] = {
        {"ipv4", read_ipv4_prefix, offsetof(struct pools, ipv4)},
        {"ipv6", read_ipv6_prefix, offsetof(struct pools, ipv6)},
    };

    return reader_mapping(reader, node, key->name, keys, COUNT_OF(keys), field);
}

static bool read_scenario_name(struct reader *reader, const struct tree *node,
                               const struct key *key, void *field)
{
    (void)field;
    return read_name(reader, node, key, &loading_of(reader)->scenario->name);
}

static bool read_scenario_as(struct reader *reader, const struct tree *node, const struct key *key,
                             void *field)
{
    (void)field;
    return read_uint32(reader, node, key, &loading_of(reader)->scenario->as);
}

static bool read_instance(struct reader *reader, const struct tree *node, const struct key *key,
                          void *field)
{
    (void)field;
    return read_uint64(reader, node, key, &loading_of(reader)->scenario->instance);
}

static const struct key scenario_keys[] = {
    {"name", read_scenario_name, .required = true},
    {"as", read_scenario_as, .required = true, .low = 1, .high = UINT32_MAX - 1},
    {"instance", read_instance, .high = UINT64_MAX},
    {"identifier", read_node, offsetof(struct loading, identifier)},
    {"igp", read_node, offsetof(struct loading, igp)},
    {"area", read_node, offsetof(struct loading, area)},
    {"ipv6_topology", read_uint8, offsetof(struct loading, ipv6_topology), .high = 2},
    {"delay_us_per_km", read_number, offsetof(struct loading, delay_us_per_km)},
    {"loopbacks", read_pools, offsetof(struct loading, loopbacks)},
    {"interfaces", read_pools, offsetof(struct loading, interfaces)},
    {"routers", read_node, offsetof(struct loading, routers), .required = true},
    {"lans", read_node, offsetof(struct loading, lans)},
    {"egress", read_node, offsetof(struct loading, egresses)},
    {"objects", read_node, offsetof(struct loading, objects)},
    {"links", read_node, offsetof(struct loading, links)},
    {"prefixes", read_node, offsetof(struct loading, prefixes)},
    {"reflectors", read_node, offsetof(struct loading, reflectors), .required = true},
    {"routes", read_node, offsetof(struct loading, routes)},
    {"messages", read_node, offsetof(struct loading, messages)},
    {"bmp", read_node, offsetof(struct loading, bmp)},
};

static bool load_general(struct loading *loading)
{
    struct reader *reader = &loading->reader;
    struct scenario *scenario = loading->scenario;
    uint64_t identifier;

    if (!reader_mapping(reader, reader->root, "a scenario", scenario_keys, COUNT_OF(scenario_keys),
                        loading))
        return false;
    const struct tree *const sections[] = {
        loading->routers,    loading->lans,   loading->links,    loading->prefixes,
        loading->reflectors, loading->routes, loading->egresses, loading->objects,
        loading->messages,   loading->bmp};

    for (size_t i = 0; i < COUNT_OF(sections); i++) {
        if (sections[i] && sections[i]->shape != SHAPE_LIST)
            return reader_fail(reader, sections[i],
                               "a list (lines that begin with \"-\") expected");
    }
    if (loading->ipv6_topology == 1)
        return reader_fail(reader, reader->root, "ipv6_topology: 1; 0 or 2 expected");
    scenario->topology_count = 1;
    scenario->ipv6_topology = loading->ipv6_topology == 2;
    if (scenario->ipv6_topology)
        scenario->topologies[scenario->topology_count++] = 2;
    if (loading->identifier) {
        if (!reader_uint(reader, loading->identifier, 0, UINT32_MAX, "identifier", &identifier))
            return false;
        scenario->has_identifier = true;
        scenario->identifier = (uint32_t)identifier;
    }
    if (loading->igp && !read_domains(loading, loading->igp, &loading->default_domains))
        return false;
    return !loading->area || read_areas(loading, loading->area, &loading->default_areas);
}

struct scenario *scenario_load(const char *file, struct error *err)
{
    struct arena *arena = arena_new();
    struct scenario *scenario = arena_alloc(arena, 1, sizeof *scenario);
    struct loading loading = {.scenario = scenario};

    scenario->arena = arena;
    loading.reader.arena = arena;
    loading.reader.context = &loading;
    if (!reader_open(&loading.reader, file, err)) {
        scenario_free(scenario);
        return NULL;
    }
    bool ok = load_general(&loading) && load_routers(&loading) && load_links(&loading) &&
              load_attachments(&loading) && load_egresses(&loading) && load_objects(&loading) &&
              load_reflectors(&loading) && load_routes(&loading) && load_messages(&loading) &&
              load_bmp(&loading);

    reader_close(&loading.reader);
    if (!ok) {
        scenario_free(scenario);
        return NULL;
    }
    return scenario;
}

void scenario_free(struct scenario *scenario)
{
    if (!scenario)
        return;
    struct arena *arena = scenario->arena;

    table_free(&scenario->names);
    free(scenario->attachments);
    free(scenario->paths);
    free(scenario->routes);
    arena_free(arena);
}
