/* topology: see topology.h.
 *
 * A scope is a level of an IS-IS instance or an area of an OSPF one: where two nodes must both stand for a
 * link between them (M-110). OSPF scopes are domains; so is level 2; level 1 falls into its connected
 * components (M-120). Inside a scope an end is a router or a pseudonode, whichever of their nodes a half-link
 * names, so that two producers who describe one box differently still make one graph (M-111, M-118). */
#include "topology.h"

#include "lib/hash.h"
#include "model.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    LINK_LIMIT = 1 << 24,    // composites grow with the square of a LAN: 4,000 routers on one
    ISIS_UNUSED = 0xffffff,  // metric of a link outside SPF (RFC 5305 section 3)
    NODE_BGP_LS_HEADER = 13, // NLRI type, length, Protocol-ID, Instance-ID
    LOCAL_NODE = 256,
    REMOTE_NODE = 257,
};

struct scope {
    uint8_t protocol;
    uint64_t instance;
    bool has_area;
    uint32_t area;
};

struct build {
    struct arena *arena;
    struct report *report;
    struct topology *out;
    const struct ls_rows *rows;
    const struct topology_options *options;
    struct scope *scopes; // in the order of M-125
    size_t scope_count;
    uint32_t *scope_of; // of each node; ROUTER_NONE: none
    bool *has_ospfv2;   // of each router
    bool *is_member;    // [scope * routers + router]: has a node there that takes part in the graph
    bool *no_transit;   // the same
};

/* ---- Scopes ---- */

static int preference(uint8_t protocol) // M-125; level 1 goes before level 2
{
    switch (protocol) {
    case 3:
        return 0;
    case 6:
        return 1;
    default:
        return 2;
    }
}

static int compare_scopes(const void *a, const void *b)
{
    const struct scope *x = a, *y = b;
    int order = preference(x->protocol) - preference(y->protocol);

    if (order)
        return order;
    if (x->instance != y->instance)
        return x->instance < y->instance ? -1 : 1;
    if (x->protocol != y->protocol)
        return x->protocol < y->protocol ? -1 : 1;
    if (x->has_area != y->has_area)
        return x->has_area ? 1 : -1;
    return (x->area > y->area) - (x->area < y->area);
}

static bool is_igp(uint8_t protocol)
{
    return protocol == 1 || protocol == 2 || protocol == 3 || protocol == 6;
}

static struct scope scope_of_node(const struct node *node)
{
    bool has_area = node->protocol >= 3 && node->descriptor->has_area;

    return (struct scope){node->protocol, node->instance, has_area,
                          has_area ? node->descriptor->area : 0};
}

static void collect_scopes(struct build *build)
{
    const struct routers *routers = build->out->routers;
    size_t kept = 0;

    build->scopes = arena_alloc(build->arena, routers->node_count, sizeof *build->scopes);
    build->scope_of = arena_alloc(build->arena, routers->node_count, sizeof *build->scope_of);
    for (size_t i = 0; i < routers->node_count; i++) {
        if (routers->nodes[i].class != NODE_OTHER && is_igp(routers->nodes[i].protocol))
            build->scopes[build->scope_count++] = scope_of_node(&routers->nodes[i]);
    }
    if (build->scope_count)
        qsort(build->scopes, build->scope_count, sizeof *build->scopes, compare_scopes);
    for (size_t i = 0; i < build->scope_count; i++) {
        if (kept == 0 || compare_scopes(&build->scopes[kept - 1], &build->scopes[i]) != 0)
            build->scopes[kept++] = build->scopes[i];
    }
    build->scope_count = kept;
    for (size_t i = 0; i < routers->node_count; i++) {
        struct scope scope = scope_of_node(&routers->nodes[i]), *found = NULL;

        if (routers->nodes[i].class != NODE_OTHER && is_igp(routers->nodes[i].protocol))
            found =
                bsearch(&scope, build->scopes, build->scope_count, sizeof scope, compare_scopes);
        build->scope_of[i] = found ? (uint32_t)(found - build->scopes) : ROUTER_NONE;
    }
}

/* M-115; 1024 absent means clear, but for OSPFv3, where R then counts as set (L-050). */
static bool is_overloaded(const struct node *node)
{
    if (!node->has_flags)
        return false;
    if (node->protocol == 6)
        return !(node->flags & NODE_OSPFV3_R);
    return (node->protocol == 1 || node->protocol == 2) && node->flags & NODE_OVERLOAD;
}

/* M-127: with OSPFv2 on a router, its OSPFv3 stays out of the graph. */
static bool is_in_graph(const struct build *build, uint8_t protocol, uint32_t router)
{
    return protocol != 6 || !build->has_ospfv2[router];
}

static void mark_routers(struct build *build)
{
    const struct routers *routers = build->out->routers;

    build->has_ospfv2 = arena_alloc(build->arena, routers->count, sizeof *build->has_ospfv2);
    build->out->overloaded = arena_alloc(build->arena, routers->count, sizeof(bool));
    build->is_member = arena_alloc(build->arena, build->scope_count * routers->count, sizeof(bool));
    build->no_transit =
        arena_alloc(build->arena, build->scope_count * routers->count, sizeof(bool));
    for (size_t i = 0; i < routers->node_count; i++) {
        if (routers->nodes[i].router != ROUTER_NONE && routers->nodes[i].protocol == 3)
            build->has_ospfv2[routers->nodes[i].router] = true;
    }
    for (size_t i = 0; i < routers->node_count; i++) {
        const struct node *node = &routers->nodes[i];

        if (node->router == ROUTER_NONE || build->scope_of[i] == ROUTER_NONE ||
            !is_in_graph(build, node->protocol, node->router))
            continue;
        size_t at = build->scope_of[i] * routers->count + node->router;
        build->is_member[at] = true;
        build->no_transit[at] |= is_overloaded(node);
        build->out->overloaded[node->router] |= build->no_transit[at];
    }
}

/* ---- Half-links ---- */

static uint32_t end_of(const struct routers *routers, const struct node *node)
{
    return node->class == NODE_ROUTER ? node->router : (uint32_t)routers->count + node->pseudonode;
}

static bool is_pseudonode(const struct routers *routers, uint32_t end)
{
    return end >= routers->count;
}

/* M-114; the metric is written even where the half-link is not usable. */
static bool has_usable_metric(const struct half_link *half, bool from_pseudonode, uint64_t *metric)
{
    const struct ls_link *row = half->row;

    *metric = row->has & LINK_IGP_METRIC ? row->igp_metric : 0;
    if (!(row->has & LINK_IGP_METRIC))
        return from_pseudonode;
    return (row->protocol != 1 && row->protocol != 2) || row->igp_metric != ISIS_UNUSED;
}

/* The link descriptor's octets behind the two node descriptors: the rest of a half-link's identity (M-118). */
static struct octets link_descriptor(struct octets nlri)
{
    size_t at = NODE_BGP_LS_HEADER;

    while (at + 4 <= nlri.length) {
        unsigned type = (unsigned)nlri.bytes[at] << 8 | nlri.bytes[at + 1];
        size_t length = (size_t)nlri.bytes[at + 2] << 8 | nlri.bytes[at + 3];

        if ((type != LOCAL_NODE && type != REMOTE_NODE) || length > nlri.length - at - 4)
            break;
        at += 4 + length;
    }
    if (at > nlri.length)
        at = nlri.length;
    return (struct octets){nlri.bytes + at, nlri.length - at};
}

static bool agrees_on_asn(const struct ls_node_descriptor *a, const struct ls_node_descriptor *b)
{
    return !a->has_asn || !b->has_asn || a->asn == b->asn;
}

static int compare_descriptors(const struct ls_node_descriptor *a,
                               const struct ls_node_descriptor *b)
{
    if (a->router_id_length != b->router_id_length)
        return a->router_id_length < b->router_id_length ? -1 : 1;
    return memcmp(a->router_id, b->router_id, a->router_id_length);
}

/* By what two half-links that are one have in common; then in the order of links. */
static int compare_twins(const void *a, const void *b)
{
    const struct half_link *x = *(const struct half_link *const *)a;
    const struct half_link *y = *(const struct half_link *const *)b;
    int order;

    if (x->scope != y->scope)
        return x->scope < y->scope ? -1 : 1;
    if ((order = compare_descriptors(&x->row->local, &y->row->local)) ||
        (order = compare_descriptors(&x->row->remote, &y->row->remote)) ||
        (order = octets_compare(link_descriptor(x->row->nlri), link_descriptor(y->row->nlri))))
        return order;
    return (x > y) - (x < y);
}

static bool may_be_twins(const struct half_link *a, const struct half_link *b) // 512 aside
{
    return a->scope == b->scope && compare_descriptors(&a->row->local, &b->row->local) == 0 &&
           compare_descriptors(&a->row->remote, &b->row->remote) == 0 &&
           octets_compare(link_descriptor(a->row->nlri), link_descriptor(b->row->nlri)) == 0;
}

static bool are_twins(const struct half_link *a, const struct half_link *b)
{
    return agrees_on_asn(&a->row->local, &b->row->local) &&
           agrees_on_asn(&a->row->remote, &b->row->remote);
}

/* A run of possible twins, in the order of links: marks those that are one with an earlier one, directly or
 * through others (a with 512, another with another 512, a third without). */
static void mark_twins(const struct topology *out, struct half_link *const *run, size_t count,
                       bool *is_twin)
{
    size_t *group = memory_alloc(count, sizeof *group);

    for (size_t i = 0; i < count; i++)
        group[i] = i;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = i + 1; j < count; j++) {
            size_t from = group[i] > group[j] ? group[i] : group[j];
            size_t to = group[i] < group[j] ? group[i] : group[j];

            for (size_t k = 0; from != to && are_twins(run[i], run[j]) && k < count; k++)
                group[k] = group[k] == from ? to : group[k];
        }
    }
    for (size_t i = 0; i < count; i++)
        is_twin[run[i] - out->half_links] = group[i] != i;
    free(group);
}

/* M-118: of half-links that are one, the first stands with its attributes. */
static void drop_twins(struct build *build)
{
    struct topology *out = build->out;
    struct half_link **sorted = memory_alloc(out->half_link_count, sizeof *sorted);
    bool *is_twin = memory_alloc(out->half_link_count, sizeof *is_twin);
    size_t kept = 0;

    for (size_t i = 0; i < out->half_link_count; i++)
        sorted[i] = &out->half_links[i];
    if (out->half_link_count)
        qsort(sorted, out->half_link_count, sizeof(struct half_link *), compare_twins);
    for (size_t start = 0, end; start < out->half_link_count; start = end) {
        for (end = start + 1;
             end < out->half_link_count && may_be_twins(sorted[start], sorted[end]);)
            end++;
        if (end - start > 1)
            mark_twins(out, sorted + start, end - start, is_twin);
    }
    for (size_t i = 0; i < out->half_link_count; i++) {
        if (!is_twin[i])
            out->half_links[kept++] = out->half_links[i];
    }
    out->half_link_count = kept;
    free(sorted);
    free(is_twin);
}

static void collect_half_links(struct build *build)
{
    const struct routers *routers = build->out->routers;
    struct topology *out = build->out;
    size_t self = 0;

    out->half_links = arena_alloc(build->arena, build->rows->link_count, sizeof *out->half_links);
    for (size_t i = 0; i < build->rows->link_count; i++) {
        const struct ls_link *row = build->rows->links[i];
        const struct node *local = routers_find_node(routers, row->local.node);
        const struct node *remote = routers_find_node(routers, row->remote.node);
        uint32_t scope = build->scope_of[local - routers->nodes];

        // the wanted topology is MT-ID 0 (M-127), and a link's ends are in one level or area (M-110)
        if (scope == ROUTER_NONE || row->topology != 0 ||
            scope != build->scope_of[remote - routers->nodes] ||
            (local->class == NODE_PSEUDONODE && remote->class == NODE_PSEUDONODE))
            continue;
        struct half_link half = {
            .row = row,
            .scope = scope,
            .from = end_of(routers, local),
            .to = end_of(routers, remote),
        };
        if (half.from == half.to)
            self++;
        else
            out->half_links[out->half_link_count++] = half;
    }
    if (self)
        report_add(build->report, "%zu half-links from a router to itself are ignored", self);
    drop_twins(build);
}

struct direction {
    uint32_t scope, from, to;
};

static int compare_directions(const void *a, const void *b)
{
    const struct direction *x = a, *y = b;

    if (x->scope != y->scope)
        return x->scope < y->scope ? -1 : 1;
    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return (x->to > y->to) - (x->to < y->to);
}

static void check_two_ways(struct build *build) // M-111
{
    struct topology *out = build->out;
    size_t one_way = 0;
    struct direction *all = memory_alloc(out->half_link_count, sizeof *all);

    for (size_t i = 0; i < out->half_link_count; i++)
        all[i] = (struct direction){out->half_links[i].scope, out->half_links[i].from,
                                    out->half_links[i].to};
    if (out->half_link_count)
        qsort(all, out->half_link_count, sizeof *all, compare_directions);
    for (size_t i = 0; i < out->half_link_count; i++) {
        struct half_link *half = &out->half_links[i];
        struct direction back = {half->scope, half->to, half->from};
        bool has_metric =
            has_usable_metric(half, is_pseudonode(out->routers, half->from), &half->metric);
        bool has_back =
            bsearch(&back, all, out->half_link_count, sizeof *all, compare_directions) != NULL;

        half->is_usable = has_metric && has_back;
        one_way += !has_back;
    }
    free(all);
    if (one_way)
        report_add(build->report, "%zu half-links have none in the other direction", one_way);
}

/* ---- Links ---- */

static bool half_in_graph(const struct build *build, const struct half_link *half)
{
    const struct routers *routers = build->out->routers;
    uint8_t protocol = half->row->protocol;

    return half->is_usable &&
           (is_pseudonode(routers, half->from) || is_in_graph(build, protocol, half->from)) &&
           (is_pseudonode(routers, half->to) || is_in_graph(build, protocol, half->to));
}

/* The value of a link for each sum; a new one is a line here (M-137). */
static void read_values(const struct build *build, const struct ls_link *row,
                        uint32_t values[GRAPH_VALUES])
{
    values[VALUE_DELAY_US] = GRAPH_ABSENT;
    if (row->has & LINK_DELAY)
        values[VALUE_DELAY_US] = row->delay_us;
    else if (build->options->delay_use_minimum && row->has & LINK_DELAY_MIN)
        values[VALUE_DELAY_US] = row->delay_min_us;
}

/* Half-links that leave a pseudonode, found by it; those of one stand in the order of links. */
struct fan {
    const struct half_link **list;
    uint32_t *first; // pseudonodes + 1
};

static struct fan fan_out(const struct build *build)
{
    const struct topology *out = build->out;
    size_t pseudonodes = out->routers->pseudonode_count, base = out->routers->count;
    struct fan fan = {memory_alloc(out->half_link_count, sizeof *fan.list),
                      memory_alloc(pseudonodes + 2, sizeof *fan.first)};

    // counted two places ahead, so that filling leaves first[] where it belongs
    for (size_t i = 0; i < out->half_link_count; i++) {
        const struct half_link *half = &out->half_links[i];
        if (half->from >= base && half_in_graph(build, half))
            fan.first[half->from - base + 2]++;
    }
    for (size_t p = 2; p < pseudonodes + 2; p++)
        fan.first[p] += fan.first[p - 1];
    for (size_t i = 0; i < out->half_link_count; i++) {
        const struct half_link *half = &out->half_links[i];
        if (half->from >= base && half_in_graph(build, half))
            fan.list[fan.first[half->from - base + 1]++] = half;
    }
    return fan;
}

struct link_list {
    struct link *list;
    size_t count, capacity;
};

static void add_link(const struct build *build, struct link_list *links,
                     const struct half_link *first, const struct half_link *second)
{
    struct link *link;

    links->list = memory_grow(links->list, links->count, &links->capacity, sizeof *links->list);
    link = &links->list[links->count++];
    *link = (struct link){
        .first = first,
        .second = second,
        .from = first->from,
        .to = second ? second->to : first->to,
        .metric = first->metric + (second ? second->metric : 0), // each is 32 bits
    };
    read_values(build, first->row, link->values);
}

static bool collect_links(struct build *build, struct error *err)
{
    struct topology *out = build->out;
    size_t base = out->routers->count;
    struct link_list links = {0};
    struct fan fan = fan_out(build);
    bool ok = true;

    for (size_t i = 0; ok && i < out->half_link_count; i++) {
        const struct half_link *half = &out->half_links[i];

        if (half->from >= base || !half_in_graph(build, half))
            continue;
        if (half->to < base) {
            add_link(build, &links, half, NULL);
            continue;
        }
        for (uint32_t at = fan.first[half->to - base]; at < fan.first[half->to - base + 1]; at++) {
            if (fan.list[at]->to != half->from && fan.list[at]->scope == half->scope)
                add_link(build, &links, half, fan.list[at]);
        }
        if (links.count > LINK_LIMIT)
            ok = error_set(err, ERROR_LIMIT, "more than %d links: a LAN of very many routers?",
                           LINK_LIMIT);
    }
    out->links = arena_copy(build->arena, links.list, links.count * sizeof *links.list);
    out->link_count = links.count;
    free(links.list);
    free(fan.list);
    free(fan.first);
    return ok;
}

/* ---- Domains ---- */

static uint32_t root_of(uint32_t *parent, uint32_t at)
{
    while (parent[at] != at)
        at = parent[at] = parent[parent[at]];
    return at;
}

/* The component of each end inside a level 1: the lowest router of it. Other scopes are one component. Usable
 * half-links join whatever their direction, also over a LAN that no composite crosses (M-120). */
static void find_components(const struct build *build, uint32_t scope, uint32_t *component)
{
    const struct topology *out = build->out;
    uint32_t ends = (uint32_t)(out->routers->count + out->routers->pseudonode_count);
    bool splits = build->scopes[scope].protocol == 1;

    for (uint32_t end = 0; end < ends; end++)
        component[end] = splits ? end : 0;
    for (size_t i = 0; splits && i < out->half_link_count; i++) {
        const struct half_link *half = &out->half_links[i];

        if (half->scope != scope || !half->is_usable)
            continue;
        uint32_t a = root_of(component, half->from), b = root_of(component, half->to);
        component[a > b ? a : b] = a < b ? a : b;
    }
    for (uint32_t r = 0; splits && r < out->routers->count; r++)
        component[r] = root_of(component, r);
}

struct domain_list {
    struct domain *list;
    size_t count, capacity;
};

/* Adds the scope's domains. domain_of[scope * routers + router]: where a router stands. */
static void split_scope(struct build *build, uint32_t scope, uint32_t *component,
                        uint32_t *domain_of, struct domain_list *domains)
{
    size_t routers = build->out->routers->count;
    uint32_t *domain_of_root = memory_alloc(routers, sizeof *domain_of_root);

    find_components(build, scope, component);
    memset(domain_of_root, 0xff, routers * sizeof *domain_of_root);
    for (uint32_t r = 0; r < routers; r++) {
        if (!build->is_member[scope * routers + r])
            continue;
        uint32_t *domain = &domain_of_root[component[r]];
        if (*domain == ROUTER_NONE) {
            domains->list = memory_grow(domains->list, domains->count, &domains->capacity,
                                        sizeof *domains->list);
            *domain = (uint32_t)domains->count++;
            domains->list[*domain] = (struct domain){.protocol = build->scopes[scope].protocol,
                                                     .instance = build->scopes[scope].instance,
                                                     .scope = scope};
        }
        assert(domains->list);
        domain_of[scope * routers + r] = *domain;
        domains->list[*domain].vertex_count++;
    }
    free(domain_of_root);
}

/* Vertices of each domain, and for each router its places. vertex_of[scope * routers + router]. */
static void number_vertices(struct build *build, const uint32_t *domain_of, uint32_t *vertex_of)
{
    struct topology *out = build->out;
    size_t routers = out->routers->count, places = 0;
    uint32_t *first = arena_alloc(build->arena, routers + 1, sizeof *first);
    struct membership *memberships;

    for (size_t d = 0; d < out->domain_count; d++) {
        struct domain *domain = &out->domains[d];

        places += domain->vertex_count;
        domain->routers = arena_alloc(build->arena, domain->vertex_count, sizeof(uint32_t));
        domain->vertex_count = 0;
    }
    memberships = arena_alloc(build->arena, places, sizeof *memberships);
    places = 0;
    for (uint32_t r = 0; r < routers; r++) {
        first[r] = (uint32_t)places;
        for (size_t scope = 0; scope < build->scope_count; scope++) {
            uint32_t d = domain_of[scope * routers + r];

            if (!build->is_member[scope * routers + r])
                continue;
            struct domain *domain = &out->domains[d];
            vertex_of[scope * routers + r] = (uint32_t)domain->vertex_count;
            memberships[places++] = (struct membership){d, (uint32_t)domain->vertex_count};
            domain->routers[domain->vertex_count++] = r;
        }
    }
    first[routers] = (uint32_t)places;
    out->memberships = memberships;
    out->first_membership = first;
}

static bool make_graph(struct build *build, uint32_t d, const uint32_t *vertex_of,
                       struct error *err)
{
    struct topology *out = build->out;
    struct domain *domain = &out->domains[d];
    size_t routers = out->routers->count, count = 0;
    struct graph_arc *arcs = memory_alloc(out->link_count, sizeof *arcs);
    bool *no_transit = memory_alloc(domain->vertex_count, sizeof *no_transit);

    for (size_t i = 0; i < out->link_count; i++) {
        const struct link *link = &out->links[i];

        if (link->domain != d)
            continue;
        arcs[count] = (struct graph_arc){vertex_of[domain->scope * routers + link->from],
                                         vertex_of[domain->scope * routers + link->to],
                                         link->metric,
                                         {0}};
        memcpy(arcs[count++].values, link->values, sizeof link->values);
    }
    for (size_t v = 0; v < domain->vertex_count; v++)
        no_transit[v] = build->no_transit[domain->scope * routers + domain->routers[v]];
    domain->graph = graph_new(domain->vertex_count, arcs, count, no_transit, err);
    free(arcs);
    free(no_transit);
    return domain->graph != NULL;
}

static bool make_domains(struct build *build, struct error *err)
{
    struct topology *out = build->out;
    size_t routers = out->routers->count, places = build->scope_count * routers;
    uint32_t *component = memory_alloc(routers + out->routers->pseudonode_count, sizeof *component);
    uint32_t *domain_of = memory_alloc(places, sizeof *domain_of);
    uint32_t *vertex_of = memory_alloc(places, sizeof *vertex_of);
    struct domain_list domains = {0};
    bool ok = true;

    for (uint32_t scope = 0; scope < build->scope_count; scope++)
        split_scope(build, scope, component, domain_of, &domains);
    out->domains = arena_copy(build->arena, domains.list, domains.count * sizeof *domains.list);
    out->domain_count = domains.count;
    number_vertices(build, domain_of, vertex_of);
    for (size_t i = 0; i < out->link_count; i++) {
        struct link *link = &out->links[i];

        link->domain = domain_of[link->first->scope * routers + link->from];
    }
    for (uint32_t d = 0; ok && d < out->domain_count; d++)
        ok = make_graph(build, d, vertex_of, err);
    free(domains.list);
    free(component);
    free(domain_of);
    free(vertex_of);
    return ok;
}

struct topology *topology_build(struct routers *routers, const struct ls_rows *rows,
                                const struct topology_options *options, struct arena *arena,
                                struct report *report, struct error *err)
{
    struct build build = {.arena = arena, .report = report, .rows = rows, .options = options};

    build.out = arena_alloc(arena, 1, sizeof *build.out);
    build.out->routers = routers;
    collect_scopes(&build);
    mark_routers(&build);
    collect_half_links(&build);
    check_two_ways(&build);
    if (!collect_links(&build, err) || !make_domains(&build, err)) {
        topology_free(build.out);
        return NULL;
    }
    return build.out;
}

void topology_free(struct topology *topology)
{
    if (!topology)
        return;
    for (size_t d = 0; d < topology->domain_count; d++)
        graph_free(topology->domains[d].graph);
}
