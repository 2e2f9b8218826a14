/* origin: see origin.h.
 *
 * One list of originations, sorted by prefix, instance and rank. Then a prefix is a run, an instance a run in
 * it, and the originators that count stand at its front. */
#include "origin.h"

#include "model.h"

#include <stdlib.h>
#include <string.h>

enum {
    IGP_FLAG_DOWN = 0x80,       // 1152 D: leaked down
    IGP_FLAG_NO_UNICAST = 0x40, // 1152 N
    ATTRIBUTE_EXTERNAL = 0x80,  // 1170 X of IS-IS
    ATTRIBUTE_READVERTISED = 0x40,
    ATTRIBUTE_NO_UNICAST = 0x01, // 1170 NU of OSPFv3
    OSPF_INFINITY = 0xffffff,    // RFC 2328 appendix B
    RANK_LEVEL_1 = 1,
    RANK_LEVEL_2 = 2,
    RANK_EXTERNAL_2 = 4,
    DIRECT_FAMILY = 4,
};
#define ISIS_UNREACHABLE 0xfe000000U // a larger prefix metric is not reachable (RFC 5305 section 4)

struct origination {
    struct prefix prefix;
    uint8_t family; // of protocols: 1 IS-IS, 3 OSPFv2, 6 OSPFv3, 4 direct and static
    uint64_t instance;
    uint8_t rank;
    uint32_t router;
    uint64_t cost;
    bool is_carried; // 1170 X or R: a level-2 one is the level-1 prefix carried up
};

struct list {
    struct origination *list;
    size_t count, capacity;
};

/* Of rows that are no originations. */
struct prefixes {
    struct prefix *list;
    size_t count, capacity;
};

static uint8_t family_of(uint8_t protocol)
{
    static const uint8_t families[] = {
        [1] = 1, [2] = 1, [3] = 3, [4] = DIRECT_FAMILY, [5] = DIRECT_FAMILY, [6] = 6};

    return protocol < sizeof families ? families[protocol] : 0;
}

static bool is_ospf(uint8_t protocol)
{
    return protocol == 3 || protocol == 6;
}

static uint8_t rank_of(const struct ls_prefix *row)
{
    static const uint8_t ospf[] = {1, 1, 2, 3, RANK_EXTERNAL_2, 3, RANK_EXTERNAL_2};

    if (is_ospf(row->protocol))
        return row->ospf_route_type < sizeof ospf ? ospf[row->ospf_route_type] : RANK_EXTERNAL_2;
    if (row->protocol == 1)
        return row->has_igp_flags && row->igp_flags & IGP_FLAG_DOWN ? 3 : RANK_LEVEL_1;
    return row->protocol == 2 ? RANK_LEVEL_2 : 4;
}

static bool is_in_topology(const struct ls_prefix *row) // M-201
{
    return row->topology == 0 || (row->topology == 2 && row->prefix.family == FAMILY_IPV6 &&
                                  (row->protocol == 1 || row->protocol == 2));
}

/* M-202, M-208; a metric that was never seen is 0 (L-070). */
static bool is_counted(const struct ls_prefix *row, bool is_lan)
{
    if (!row->has_metric && row->has_attributes && !is_lan)
        return false;
    if (is_ospf(row->protocol)) {
        if ((row->has_metric && row->metric >= OSPF_INFINITY) ||
            (row->has_igp_flags && row->igp_flags & IGP_FLAG_NO_UNICAST))
            return false;
        return row->protocol != 6 ||
               !(row->has_attribute_flags && row->attribute_flags & ATTRIBUTE_NO_UNICAST);
    }
    return !row->has_metric || row->protocol > 2 || row->metric <= ISIS_UNREACHABLE;
}

static void add(struct list *list, const struct ls_prefix *row, uint32_t router, uint64_t more)
{
    list->list = memory_grow(list->list, list->count, &list->capacity, sizeof *list->list);
    list->list[list->count++] = (struct origination){
        .prefix = row->prefix,
        .family = family_of(row->protocol),
        .instance = row->instance,
        .rank = rank_of(row),
        .router = router,
        .cost = more + (row->has_metric ? row->metric : 0), // two of 32 bits
        .is_carried = row->has_attribute_flags &&
                      row->attribute_flags & (ATTRIBUTE_EXTERNAL | ATTRIBUTE_READVERTISED),
    };
}

/* An OSPF LAN's prefix counts as every attached router's, beyond its interface (M-201). */
static void add_lan(struct list *list, const struct topology *topology, const struct ls_prefix *row,
                    uint32_t pseudonode)
{
    uint32_t end = (uint32_t)topology->routers->count + pseudonode;

    for (size_t i = 0; i < topology->half_link_count; i++) {
        const struct half_link *half = &topology->half_links[i];

        if (half->to == end && half->is_usable)
            add(list, row, half->from, half->metric);
    }
}

static void collect(struct list *list, const struct topology *topology, const struct ls_rows *rows,
                    struct prefixes *without, struct report *report)
{
    size_t unknown = 0;

    for (size_t i = 0; i < rows->prefix_count; i++) {
        const struct ls_prefix *row = rows->prefixes[i];
        const struct node *node = routers_find_node(topology->routers, row->local.node);
        bool is_lan = node->class == NODE_PSEUDONODE && is_ospf(row->protocol);
        size_t before = list->count;

        if (!family_of(row->protocol) || !is_in_topology(row) ||
            (node->class != NODE_ROUTER && !is_lan))
            continue;
        if (is_counted(row, is_lan)) {
            if (is_lan)
                add_lan(list, topology, row, node->pseudonode);
            else
                add(list, row, node->router, 0);
        }
        if (list->count == before) {
            without->list = memory_grow(without->list, without->count, &without->capacity,
                                        sizeof *without->list);
            without->list[without->count++] = row->prefix;
            continue;
        }
        unknown += !row->has_metric && !row->has_attributes;
    }
    if (unknown)
        report_add(report, "%zu IGP prefixes without attributes: their metric is taken as 0",
                   unknown);
}

static int compare(const void *a, const void *b)
{
    const struct origination *x = a, *y = b;
    int order = prefix_compare(&x->prefix, &y->prefix);

    if (order)
        return order;
    if (x->family != y->family)
        return x->family < y->family ? -1 : 1;
    if (x->instance != y->instance)
        return x->instance < y->instance ? -1 : 1;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    if (x->router != y->router)
        return x->router < y->router ? -1 : 1;
    return (x->cost > y->cost) - (x->cost < y->cost);
}

static bool shares_level_1(const struct topology *topology, uint64_t instance, uint32_t a,
                           uint32_t b)
{
    for (uint32_t i = topology->first_membership[a]; i < topology->first_membership[a + 1]; i++) {
        uint32_t d = topology->memberships[i].domain;

        if (topology->domains[d].protocol != 1 || topology->domains[d].instance != instance)
            continue;
        for (uint32_t j = topology->first_membership[b]; j < topology->first_membership[b + 1]; j++)
            if (topology->memberships[j].domain == d)
                return true;
    }
    return false;
}

/* Whether a level-2 origination stands beside those of level 1 (anycast, M-201). */
static bool is_anycast(const struct topology *topology, const struct origination *level_1,
                       size_t level_1_count, const struct origination *candidate)
{
    if (candidate->family != 1 || level_1->rank != RANK_LEVEL_1 ||
        candidate->rank != RANK_LEVEL_2 || candidate->is_carried)
        return false;
    for (size_t i = 0; i < level_1_count; i++) {
        if (shares_level_1(topology, candidate->instance, candidate->router, level_1[i].router))
            return false;
    }
    return true;
}

static void offer(struct attachment *set, uint32_t *count, uint32_t router, uint64_t cost)
{
    for (uint32_t i = 0; i < *count; i++) {
        if (set[i].router == router) {
            set[i].cost = cost < set[i].cost ? cost : set[i].cost;
            return;
        }
    }
    set[(*count)++] = (struct attachment){router, cost};
}

/* One instance's originations of one prefix: those that count join the set. */
static void choose(const struct topology *topology, const struct origination *run, size_t count,
                   struct attachment *set, uint32_t *set_count)
{
    bool is_external_2 = (run->family == 3 || run->family == 6) && run->rank == RANK_EXTERNAL_2;
    size_t best = 0;
    uint64_t least = UINT64_MAX;

    while (best < count && run[best].rank == run->rank) {
        least = run[best].cost < least ? run[best].cost : least;
        best++;
    }
    for (size_t i = 0; i < count; i++) {
        if (i >= best && !is_anycast(topology, run, best, &run[i]))
            continue;
        if (!is_external_2)
            offer(set, set_count, run[i].router, run[i].cost);
        else if (run[i].cost == least)
            offer(set, set_count, run[i].router, 0);
    }
}

static bool is_same_instance(const struct origination *a, const struct origination *b)
{
    return a->family == b->family && a->instance == b->instance;
}

static int compare_attachments(const void *a, const void *b)
{
    const struct attachment *x = a, *y = b;

    return (x->router > y->router) - (x->router < y->router);
}

static void finish_prefix(const struct topology *topology, struct arena *arena,
                          const struct origination *run, size_t count, struct igp_prefix *out)
{
    struct attachment *set = arena_alloc(arena, count, sizeof *set);
    uint32_t set_count = 0;

    for (size_t start = 0, end; start < count; start = end) {
        for (end = start + 1; end < count && is_same_instance(&run[start], &run[end]);)
            end++;
        choose(topology, run + start, end - start, set, &set_count);
    }
    qsort(set, set_count, sizeof *set, compare_attachments);
    out->prefix = run->prefix;
    out->attachments = set;
    out->count = set_count;
}

static int compare_prefixes(const void *a, const void *b)
{
    return prefix_compare(a, b);
}

/* M-205: those that no other row gives an attachment either. */
static void report_without(const struct origins *out, struct prefixes *without,
                           struct report *report)
{
    const struct prefix *example = NULL, *last = NULL;
    char text[PREFIX_TEXT_SIZE];
    size_t count = 0;

    if (without->count)
        qsort(without->list, without->count, sizeof *without->list, compare_prefixes);
    for (size_t i = 0; i < without->count; last = &without->list[i++]) {
        const struct prefix *prefix = &without->list[i];

        if ((last && prefix_compare(last, prefix) == 0) ||
            prefix_table_get(out->table, prefix) != PREFIX_TABLE_NONE)
            continue;
        example = example ? example : prefix;
        count++;
    }
    if (count)
        report_add(report, "%zu IGP prefixes without an attachment, as %s", count,
                   prefix_format(example, text));
}

struct origins *origins_build(const struct topology *topology, const struct ls_rows *rows,
                              struct arena *arena, struct report *report)
{
    struct origins *out = arena_alloc(arena, 1, sizeof *out);
    struct list all = {0};
    struct prefixes without = {0};
    struct attachment *origins;

    collect(&all, topology, rows, &without, report);
    if (all.count)
        qsort(all.list, all.count, sizeof *all.list, compare);
    out->table = prefix_table_new();
    out->prefixes = arena_alloc(arena, all.count, sizeof *out->prefixes);
    origins = arena_alloc(arena, all.count, sizeof *origins);
    for (size_t start = 0, end; start < all.count; start = end) {
        struct igp_prefix *prefix = &out->prefixes[out->count];

        for (end = start;
             end < all.count && prefix_compare(&all.list[start].prefix, &all.list[end].prefix) == 0;
             end++)
            origins[end] = (struct attachment){all.list[end].router, all.list[end].cost};
        finish_prefix(topology, arena, all.list + start, end - start, prefix);
        prefix->first_origin = (uint32_t)start;
        prefix->origin_count = (uint32_t)(end - start);
        (void)prefix_table_put(out->table, &prefix->prefix, (uint32_t)out->count++);
    }
    out->origins = origins;
    report_without(out, &without, report);
    free(without.list);
    free(all.list);
    return out;
}

void origins_free(struct origins *origins)
{
    if (origins)
        prefix_table_free(origins->table);
}
