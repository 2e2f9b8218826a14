/* attach: see attach.h.
 *
 * Next hops are few and routes are many, so what a next hop resolves to is found once per run. Only the fifth
 * case of M-206 depends on who asks: a next hop that is itself reached through BGP must not come back to the
 * prefix that is being attached. Such an answer carries the BGP prefixes met on its way, and holds for every
 * route that is not among them. */
#include "attach.h"

#include "attached_sort.h"
#include "lib/hash.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    STEP_LIMIT = 4,    // of M-206 (5), one after another
    FIRST_SETS = 1024, // slots of the table of classes, a power of two
};

/* What a next hop resolves to: count 0: nothing. */
struct resolution {
    const struct attachment *list;
    uint32_t count;
    const uint32_t *met; // BGP prefixes looked at on the way, as indexes of routes
    uint32_t met_count;
};

struct candidate {
    const struct model_path *path;
    const struct model_attributes *attributes;
    struct resolution resolution;
};

/* The criteria of M-203 1 to 4 as numbers of which the least counts, the earlier criteria first. */
struct rank {
    uint64_t preference; // LLGR, local-pref
    uint64_t length;     // of the AS path, then origin
};

/* A set being put together. */
struct set {
    struct attachment *list;
    size_t count, capacity;
};

struct met {
    uint32_t *list;
    size_t count, capacity;
};

struct attach {
    const struct topology *topology;
    const struct model *model;
    const struct model_route *routes;
    const struct prefix_table *route_table;
    uint32_t own_asn;
    struct origins *origins;
    struct arena *arena;
    struct report *report;
    struct router_id *local_addresses, *egress_addresses; // M-206 (2), (3): sorted
    size_t local_count, egress_count;
    struct prefix_table *next_hops; // next hop → index into resolutions
    struct resolution *resolutions;
    size_t resolution_count, resolution_capacity;
    struct attachments *out;
    size_t class_capacity;
    uint32_t *slots; // classes by content; UINT32_MAX: empty
    size_t slot_count;
    struct candidate *room; // of the route that is being attached
    size_t room_count;
    size_t unresolved_paths, looped_paths, lost_prefixes;
    struct prefix unresolved_example, lost_example;
};

/* ---- Sets and classes ---- */

static void offer(struct set *set, uint32_t router, uint64_t cost)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->list[i].router == router) {
            set->list[i].cost = cost < set->list[i].cost ? cost : set->list[i].cost;
            return;
        }
    }
    set->list = memory_grow(set->list, set->count, &set->capacity, sizeof *set->list);
    set->list[set->count++] = (struct attachment){router, cost};
}

static void offer_all(struct set *set, const struct attachment *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        offer(set, list[i].router, list[i].cost);
}

static int compare_attachments(const void *a, const void *b)
{
    const struct attachment *x = a, *y = b;

    return (x->router > y->router) - (x->router < y->router);
}

static uint64_t hash_set(const struct attachment *list, size_t count)
{
    uint64_t hash = count;

    for (size_t i = 0; i < count; i++) {
        hash = (hash ^ list[i].router) * 0x9e3779b97f4a7c15;
        hash = (hash ^ list[i].cost ^ hash >> 29) * 0x9e3779b97f4a7c15;
    }
    return hash ^ hash >> 32;
}

static bool is_class(const struct attachment_set *class, const struct set *set)
{
    if (class->count != set->count)
        return false;
    for (size_t i = 0; i < set->count; i++) {
        if (class->list[i].router != set->list[i].router ||
            class->list[i].cost != set->list[i].cost)
            return false;
    }
    return true;
}

static void put_slot(struct attach *attach, uint32_t class)
{
    const struct attachment_set *set = &attach->out->classes[class];
    size_t at = hash_set(set->list, set->count) & (attach->slot_count - 1);

    while (attach->slots[at] != UINT32_MAX)
        at = (at + 1) & (attach->slot_count - 1);
    attach->slots[at] = class;
}

static void grow_slots(struct attach *attach)
{
    attach->slot_count = attach->slot_count ? 2 * attach->slot_count : FIRST_SETS;
    attach->slots = memory_resize(attach->slots, attach->slot_count, sizeof *attach->slots);
    memset(attach->slots, 0xff, attach->slot_count * sizeof *attach->slots);
    for (uint32_t class = 0; class < attach->out->class_count; class ++)
        put_slot(attach, class);
}

/* The class of a set, which is made canonical on the way (M-207). */
static uint32_t class_of(struct attach *attach, struct set *set)
{
    struct attachments *out = attach->out;
    uint64_t least = UINT64_MAX;

    assert(set->count > 0); // a prefix of the map has an attachment
    for (size_t i = 0; i < set->count; i++)
        least = set->list[i].cost < least ? set->list[i].cost : least;
    for (size_t i = 0; i < set->count; i++)
        set->list[i].cost -= least;
    qsort(set->list, set->count, sizeof *set->list, compare_attachments);
    size_t at = hash_set(set->list, set->count) & (attach->slot_count - 1);
    while (attach->slots[at] != UINT32_MAX) {
        if (is_class(&out->classes[attach->slots[at]], set))
            return attach->slots[at];
        at = (at + 1) & (attach->slot_count - 1);
    }
    out->classes =
        memory_grow(out->classes, out->class_count, &attach->class_capacity, sizeof *out->classes);
    uint32_t class = (uint32_t)out->class_count++;
    out->classes[class] = (struct attachment_set){
        arena_copy(attach->arena, set->list, set->count * sizeof *set->list), (uint32_t)set->count};
    attach->slots[at] = class;
    if (2 * out->class_count > attach->slot_count)
        grow_slots(attach);
    return class;
}

/* ---- Addresses of links ---- */

static int compare_ids(const void *a, const void *b)
{
    const struct router_id *x = a, *y = b;
    int order = memcmp(x->id, y->id, sizeof x->id);

    return order ? order : (x->router > y->router) - (x->router < y->router);
}

static void add_addresses(struct router_id *list, size_t *count, const struct addresses *addresses,
                          uint32_t router)
{
    for (size_t i = 0; i < addresses->count; i++) {
        router_id_map(&addresses->list[i], list[*count].id);
        list[(*count)++].router = router;
    }
}

static void collect_addresses(struct attach *attach, const struct ls_rows *rows)
{
    size_t local = 0, remote = 0;

    for (size_t i = 0; i < rows->link_count; i++) {
        local += rows->links[i]->local_addresses.count;
        remote += rows->links[i]->remote_addresses.count;
    }
    attach->local_addresses = arena_alloc(attach->arena, local, sizeof *attach->local_addresses);
    attach->egress_addresses = arena_alloc(attach->arena, remote, sizeof *attach->egress_addresses);
    for (size_t i = 0; i < rows->link_count; i++) {
        const struct ls_link *row = rows->links[i];
        const struct node *node = routers_find_node(attach->topology->routers, row->local.node);

        if (node->class != NODE_ROUTER)
            continue;
        add_addresses(attach->local_addresses, &attach->local_count, &row->local_addresses,
                      node->router);
        if (row->protocol == 7)
            add_addresses(attach->egress_addresses, &attach->egress_count, &row->remote_addresses,
                          node->router);
    }
    if (attach->local_count)
        qsort(attach->local_addresses, attach->local_count, sizeof(struct router_id), compare_ids);
    if (attach->egress_count)
        qsort(attach->egress_addresses, attach->egress_count, sizeof(struct router_id),
              compare_ids);
}

/* The first of the routers that an address stands for; *end is behind the last. */
static size_t find_ids(const struct router_id *list, size_t count, const uint8_t id[16],
                       size_t *end)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (memcmp(list[middle].id, id, 16) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (*end = low; *end < count && memcmp(list[*end].id, id, 16) == 0;)
        ++*end;
    return low;
}

/* ---- Next hops ---- */

static enum state_family family_of(const struct model_route *route)
{
    return route->prefix.family == FAMILY_IPV4 ? STATE_IPV4_UNICAST : STATE_IPV6_UNICAST;
}

/* M-206 (1): what the host route of that address costs at that router, if it has one. */
static uint64_t host_route_cost(const struct attach *attach, const struct prefix *address,
                                uint32_t router)
{
    uint32_t index = prefix_table_get(attach->origins->table, address);
    uint64_t least = UINT64_MAX;

    if (index == PREFIX_TABLE_NONE)
        return 0;
    const struct igp_prefix *prefix = &attach->origins->prefixes[index];
    for (uint32_t i = 0; i < prefix->origin_count; i++) {
        const struct attachment *origin = &attach->origins->origins[prefix->first_origin + i];

        if (origin->router == router && origin->cost < least)
            least = origin->cost;
    }
    return least == UINT64_MAX ? 0 : least;
}

/* M-206 (1) to (4): what does not depend on who asks. */
static bool resolve_in_igp(const struct attach *attach, const struct prefix *next_hop,
                           struct set *set)
{
    const struct routers *routers = attach->topology->routers;
    uint8_t id[16];
    size_t at, end;

    router_id_map(next_hop, id);
    for (at = find_ids(routers->ids, routers->id_count, id, &end); at < end; at++)
        offer(set, routers->ids[at].router,
              host_route_cost(attach, next_hop, routers->ids[at].router));
    if (set->count)
        return true;
    for (at = find_ids(attach->local_addresses, attach->local_count, id, &end); at < end; at++)
        offer(set, attach->local_addresses[at].router, 0);
    if (set->count)
        return true;
    for (at = find_ids(attach->egress_addresses, attach->egress_count, id, &end); at < end; at++)
        offer(set, attach->egress_addresses[at].router, 0);
    if (set->count)
        return true;
    uint32_t index = prefix_table_match(attach->origins->table, next_hop, 1, NULL, NULL);
    if (index == PREFIX_TABLE_NONE)
        return false;
    offer_all(set, attach->origins->prefixes[index].attachments,
              attach->origins->prefixes[index].count);
    return true;
}

static bool does_count(const struct attach *attach, const struct model_route *route, uint32_t path)
{
    return model_counts(attach->model, route->paths[path].peer_id, family_of(route));
}

static bool has_paths(const void *context, uint32_t index)
{
    const struct attach *attach = context;
    const struct model_route *route = &attach->routes[index];

    for (uint32_t i = 0; i < route->count; i++) {
        if (does_count(attach, route, i))
            return true;
    }
    return false;
}

static bool is_among(const uint32_t *list, size_t count, uint32_t wanted)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i] == wanted)
            return true;
    }
    return false;
}

// From here to find_candidates: a next hop by a BGP prefix by its next hops; STEP_LIMIT bounds the depth.
// NOLINTBEGIN(misc-no-recursion)
static size_t find_candidates(struct attach *attach, const uint32_t *way, uint32_t way_count,
                              struct candidate *list, struct met *met);

/* M-206 (5): by the candidates of the BGP prefix that covers the next hop. way: the prefixes on the way, the one
 * to be attached first. */
static void resolve_by_bgp(struct attach *attach, const struct prefix *next_hop,
                           const uint32_t *way, uint32_t way_count, struct set *set,
                           struct met *met)
{
    uint32_t longer[STEP_LIMIT + 2];
    uint32_t index = prefix_table_match(attach->route_table, next_hop, 1, has_paths, attach);

    if (index == PREFIX_TABLE_NONE)
        return;
    met->list = memory_grow(met->list, met->count, &met->capacity, sizeof *met->list);
    met->list[met->count++] = index;
    if (way_count > STEP_LIMIT || is_among(way, way_count, index))
        return;
    memcpy(longer, way, way_count * sizeof *way);
    longer[way_count] = index;
    struct candidate *list = memory_alloc(attach->routes[index].count, sizeof *list);
    size_t count = find_candidates(attach, longer, way_count + 1, list, met);
    for (size_t i = 0; i < count; i++)
        offer_all(set, list[i].resolution.list, list[i].resolution.count);
    free(list);
}

static struct resolution resolve_anew(struct attach *attach, const struct prefix *next_hop,
                                      const uint32_t *way, uint32_t way_count, struct met *outer)
{
    struct set set = {0};
    struct met met = {0};
    struct resolution resolution;

    if (!resolve_in_igp(attach, next_hop, &set))
        resolve_by_bgp(attach, next_hop, way, way_count, &set, &met);
    resolution = (struct resolution){
        .list = arena_copy(attach->arena, set.list, set.count * sizeof *set.list),
        .count = (uint32_t)set.count,
        .met = arena_copy(attach->arena, met.list, met.count * sizeof *met.list),
        .met_count = (uint32_t)met.count,
    };
    for (size_t i = 0; outer && i < met.count; i++) {
        outer->list = memory_grow(outer->list, outer->count, &outer->capacity, sizeof *outer->list);
        outer->list[outer->count++] = met.list[i];
    }
    free(set.list);
    free(met.list);
    return resolution;
}

/* Of a path of the prefix that is being attached (way[0]): from memory where that holds. */
static struct resolution resolve(struct attach *attach, const struct prefix *next_hop,
                                 const uint32_t *way, uint32_t way_count, struct met *met)
{
    uint32_t index;

    if (way_count > 1)
        return resolve_anew(attach, next_hop, way, way_count, met);
    index = prefix_table_get(attach->next_hops, next_hop);
    if (index != PREFIX_TABLE_NONE) {
        const struct resolution *known = &attach->resolutions[index];

        assert(known);
        if (!is_among(known->met, known->met_count, way[0]))
            return *known;
        return resolve_anew(attach, next_hop, way, way_count, met);
    }
    struct resolution resolution = resolve_anew(attach, next_hop, way, way_count, met);
    if (is_among(resolution.met, resolution.met_count, way[0]))
        return resolution;
    attach->resolutions = memory_grow(attach->resolutions, attach->resolution_count,
                                      &attach->resolution_capacity, sizeof *attach->resolutions);
    attach->resolutions[attach->resolution_count] = resolution;
    (void)prefix_table_put(attach->next_hops, next_hop, (uint32_t)attach->resolution_count++);
    return resolution;
}

/* ---- Candidates ---- */

static struct rank rank_of(const struct model_attributes *attributes)
{
    return (struct rank){(uint64_t)attributes->is_llgr_stale << 32 |
                             (UINT32_MAX - attributes->local_pref),
                         (uint64_t)attributes->length << 8 | attributes->origin};
}

static int compare_ranks(struct rank a, struct rank b)
{
    if (a.preference != b.preference)
        return a.preference < b.preference ? -1 : 1;
    return (a.length > b.length) - (a.length < b.length);
}

static uint32_t neighbour(const struct attach *attach, const struct candidate *candidate)
{
    uint32_t asn = candidate->attributes->neighbour_asn;

    return asn ? asn : attach->own_asn;
}

static bool has_one_med(const struct candidate *list, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (list[i].attributes->med != list[0].attributes->med)
            return false;
    }
    return true;
}

/* M-203 5: a path goes when one of the same neighbour AS has a lower MED. */
static size_t keep_least_med(const struct attach *attach, struct candidate *list, size_t count)
{
    bool *is_beaten;
    size_t kept = 0;

    if (has_one_med(list, count))
        return count;
    is_beaten = memory_alloc(count, sizeof *is_beaten);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count && !is_beaten[i]; j++)
            is_beaten[i] = neighbour(attach, &list[i]) == neighbour(attach, &list[j]) &&
                           list[j].attributes->med < list[i].attributes->med;
    }
    for (size_t i = 0; i < count; i++) {
        if (!is_beaten[i])
            list[kept++] = list[i];
    }
    free(is_beaten);
    return kept;
}

/* The lowest is the example, so that it does not depend on the order in which routes came. */
static void note_example(struct prefix *example, size_t before, const struct prefix *next)
{
    if (before == 0 || prefix_compare(next, example) < 0)
        *example = *next;
}

/* Of the prefix at the end of the way. list has room for all its paths. */
static size_t find_candidates(struct attach *attach, const uint32_t *way, uint32_t way_count,
                              struct candidate *list, struct met *met)
{
    const struct model_route *route = &attach->routes[way[way_count - 1]];
    struct rank best = {UINT64_MAX, UINT64_MAX};
    size_t count = 0;

    for (uint32_t i = 0; i < route->count; i++) {
        const struct model_path *path = &route->paths[i];

        if (!does_count(attach, route, i))
            continue;
        if (path->attributes->has_own_asn) {
            attach->looped_paths += way_count == 1;
            continue;
        }
        struct resolution resolution = resolve(attach, &path->next_hop, way, way_count, met);
        if (resolution.count == 0) {
            if (way_count == 1)
                note_example(&attach->unresolved_example, attach->unresolved_paths++,
                             &path->next_hop);
            continue;
        }
        struct rank rank = rank_of(path->attributes);
        int order = compare_ranks(rank, best);
        if (order > 0)
            continue;
        if (order < 0) {
            best = rank;
            count = 0;
        }
        list[count++] = (struct candidate){path, path->attributes, resolution};
    }
    return keep_least_med(attach, list, count);
}
// NOLINTEND(misc-no-recursion)

/* ---- The map's prefixes ---- */

static void add_prefix(struct attach *attach, const struct prefix *prefix, uint32_t class)
{
    attach->out->prefixes[attach->out->prefix_count++] = (struct attached_prefix){*prefix, class};
}

static void attach_igp(struct attach *attach, struct set *set)
{
    for (size_t i = 0; i < attach->origins->count; i++) {
        const struct igp_prefix *prefix = &attach->origins->prefixes[i];

        set->count = 0;
        offer_all(set, prefix->attachments, prefix->count);
        add_prefix(attach, &prefix->prefix, class_of(attach, set));
    }
}

static void count_stale(struct attach *attach, const struct model_route *route)
{
    for (uint32_t i = 0; i < route->count; i++)
        attach->out->stale_routes +=
            model_is_stale(attach->model, route->paths[i].peer_id, family_of(route));
}

/* M-204. By M-203, candidates of one prefix can differ in neighbour AS and MED only. */
static bool is_single(const struct attach *attach, const struct candidate *list, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (neighbour(attach, &list[i]) != neighbour(attach, &list[0]) ||
            list[i].attributes->med != list[0].attributes->med ||
            prefix_compare(&list[i].path->next_hop, &list[0].path->next_hop) != 0)
            return false;
    }
    return count > 0;
}

/* For the candidates of the route that is being attached; the next one has the same. */
static struct candidate *room_for(struct attach *attach, size_t count)
{
    if (count > attach->room_count) {
        attach->room_count = 2 * count;
        attach->room = memory_resize(attach->room, attach->room_count, sizeof *attach->room);
    }
    return attach->room;
}

static void attach_route(struct attach *attach, uint32_t index, struct set *set)
{
    const struct model_route *route = &attach->routes[index];

    // at equal length the IGP's attachments are used (M-205)
    if (!has_paths(attach, index) ||
        prefix_table_get(attach->origins->table, &route->prefix) != PREFIX_TABLE_NONE)
        return;
    struct candidate *list = room_for(attach, route->count);
    size_t count = find_candidates(attach, &index, 1, list, NULL);
    set->count = 0;
    for (size_t i = 0; i < count; i++)
        offer_all(set, list[i].resolution.list, list[i].resolution.count);
    attach->out->single_candidates += is_single(attach, list, count);
    if (set->count == 0) {
        note_example(&attach->lost_example, attach->lost_prefixes++, &route->prefix);
        return;
    }
    count_stale(attach, route);
    add_prefix(attach, &route->prefix, class_of(attach, set));
}

static void report_losses(const struct attach *attach)
{
    char text[PREFIX_TEXT_SIZE];

    if (attach->unresolved_paths)
        report_add(attach->report, "%zu paths with a next hop that resolves to no router, as %s",
                   attach->unresolved_paths, address_format(&attach->unresolved_example, text));
    if (attach->looped_paths)
        report_add(attach->report, "%zu paths with the own AS %" PRIu32 " in them are left out",
                   attach->looped_paths, attach->own_asn);
    if (attach->lost_prefixes)
        report_add(attach->report, "%zu BGP prefixes without a usable path, as %s",
                   attach->lost_prefixes, prefix_format(&attach->lost_example, text));
}

struct attachments *attach_prefixes(const struct topology *topology, const struct ls_rows *rows,
                                    const struct model *model, struct arena *arena,
                                    struct report *report)
{
    size_t route_count;
    struct set set = {0};
    struct attach attach = {
        .topology = topology,
        .model = model,
        .routes = model_routes(model, &route_count),
        .route_table = model_route_table(model),
        .own_asn = model_own_asn(model),
        .origins = origins_build(topology, rows, arena, report),
        .arena = arena,
        .report = report,
        .next_hops = prefix_table_new(),
        .out = arena_alloc(arena, 1, sizeof(struct attachments)),
    };

    collect_addresses(&attach, rows);
    grow_slots(&attach);
    attach.out->prefixes =
        arena_alloc(arena, attach.origins->count + route_count, sizeof(struct attached_prefix));
    attach_igp(&attach, &set);
    for (uint32_t i = 0; i < route_count; i++)
        attach_route(&attach, i, &set);
    attached_sort(attach.out->prefixes, attach.out->prefix_count);
    report_losses(&attach);
    struct attachment_set *classes = attach.out->classes;
    attach.out->classes = arena_copy(arena, classes, attach.out->class_count * sizeof *classes);
    free(classes);
    free(set.list);
    free(attach.room);
    free(attach.slots);
    free(attach.resolutions);
    prefix_table_free(attach.next_hops);
    origins_free(attach.origins);
    return attach.out;
}
