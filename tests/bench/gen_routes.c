/* gen_routes: see gen_routes.h. */
#include "gen_routes.h"

#include "gen_fitted.h"
#include "lib/arena.h"

#include <stdlib.h>
#include <string.h>

enum {
    PAIRS_PERCENT = 56, // of the routers
    PEERS_PERCENT = 24,
    BORDERS = 24,    // routers that peers are seen at, at least
    TRANSITS = 2000, // ASes in the middle of paths
    OTHER_TAGS = 512,
    OTHER_PATH_IPV4 = 30, // per cent of the groups
    OTHER_PATH_IPV6 = 12,
    AS_NUMBERS = 399989, // a prime
};

const char *const gen_set_kinds[GEN_KINDS] = {"single routers", "pairs", "peers"};

/* Per cent of the origins that are behind one router, a pair, a peer. */
static const uint32_t kinds_ipv4[GEN_KINDS] = {38, 25, 37}, kinds_ipv6[GEN_KINDS] = {62, 31, 7};

/* Border routers of a peer, from 3. */
static const uint32_t peer_sizes[] = {14, 15, 15, 13, 11, 10, 8, 6, 4, 4};

struct maker {
    struct gen_routes *routes;
    struct random random;
    bool *pairs;                      // [a * routers + b], a < b: taken
    size_t kind_first[GEN_KINDS + 1]; // sets of a kind are consecutive
    uint64_t *weights;                // of peers: of this one and those before it
};

size_t gen_set_count(size_t routers)
{
    return routers - GEN_CORES * gen_pop_count(routers) + routers * PAIRS_PERCENT / 100 +
           routers * PEERS_PERCENT / 100;
}

/* The n-th AS number: 399,989 different ones, then again from the first; none reserved (RFC 7300, RFC 5398,
 * RFC 6996) or ours. */
static uint32_t as_number(size_t n)
{
    uint32_t asn = 1 + (uint32_t)((uint64_t)n * 104729 % AS_NUMBERS);

    if (asn == 23456)
        return 409999;
    return asn < 64496 ? asn : asn + (65552 - 64496);
}

// ---- neighbours

static bool *pair_of(const struct maker *maker, uint32_t a, uint32_t b)
{
    size_t routers = maker->routes->backbone->router_count;

    return &maker->pairs[a < b ? a * routers + b : b * routers + a];
}

static uint32_t draw_edge(struct maker *maker, const struct gen_pop *pop, uint32_t among)
{
    uint32_t edges = pop->count - GEN_CORES;

    return pop->first + GEN_CORES + random_below(&maker->random, edges < among ? edges : among);
}

static const struct gen_pop *draw_pop(struct maker *maker)
{
    const struct gen_backbone *backbone = maker->routes->backbone;

    return &backbone->pops[random_below(&maker->random, (uint32_t)backbone->pop_count)];
}

/* A customer at two routers, most often of one PoP. */
static void draw_pair(struct maker *maker, struct gen_set *set)
{
    const struct gen_pop *pop, *other;

    do {
        pop = draw_pop(maker);
        other = random_percent(&maker->random, 60) ? pop : draw_pop(maker);
        set->exits[0] = draw_edge(maker, pop, UINT32_MAX);
        set->exits[1] = draw_edge(maker, other, UINT32_MAX);
    } while (set->exits[0] == set->exits[1] || *pair_of(maker, set->exits[0], set->exits[1]));
    set->exit_count = 2;
}

static bool has_exit(const struct gen_set *set, uint32_t router)
{
    for (uint32_t i = 0; i < set->exit_count; i++) {
        if (set->exits[i] == router)
            return true;
    }
    return false;
}

static void swap_exits(struct gen_set *set, uint32_t a, uint32_t b)
{
    uint32_t router = set->exits[a];

    set->exits[a] = set->exits[b];
    set->exits[b] = router;
}

/* Two of the exits that are no other set's first two go to the front. */
static bool front_pair(const struct maker *maker, struct gen_set *set)
{
    for (uint32_t b = 1; b < set->exit_count; b++) {
        for (uint32_t a = 0; a < b; a++) {
            if (*pair_of(maker, set->exits[a], set->exits[b]))
                continue;
            swap_exits(set, 0, a); // b is neither
            swap_exits(set, 1, b);
            return true;
        }
    }
    return false;
}

static void draw_peer(struct maker *maker, struct gen_set *set)
{
    uint32_t pops = (uint32_t)maker->routes->backbone->pop_count;
    uint32_t among = BORDERS / pops > 2 ? BORDERS / pops : 2;

    do {
        size_t count =
            3 + random_weighted(&maker->random, peer_sizes, sizeof peer_sizes / sizeof *peer_sizes);

        set->exit_count = 0;
        for (unsigned tries = 0; set->exit_count < count && tries < 200; tries++) {
            uint32_t router = draw_edge(maker, draw_pop(maker), among);

            if (!has_exit(set, router))
                set->exits[set->exit_count++] = router;
        }
    } while (!front_pair(maker, set));
}

static void draw_med(struct maker *maker, bool *has_med, uint32_t *med)
{
    static const uint32_t tenths[] = {0,    1000, 2000, 3000, 4000, 5000,
                                      6000, 7000, 8000, 9000, 10000};
    size_t what = random_weighted(&maker->random, path_meds, 3);

    *has_med = what > 0;
    *med = what == 2 ? random_by_shares(&maker->random, tenths, med_values, 11) : 0;
}

static int compare_numbers(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

    return (left > right) - (left < right);
}

/* Our own mark for the kind of neighbour, then what others have put there. */
static void draw_tags(struct maker *maker, struct gen_tags *tags, enum gen_set_kind kind)
{
    size_t count = random_weighted(&maker->random, path_communities, GEN_TAGS + 1);

    for (size_t i = 0; i < count; i++) {
        uint32_t asn = as_number(random_below(&maker->random, TRANSITS));
        uint32_t value = 100 * random_between(&maker->random, 1, 60);
        uint32_t tag = i ? (asn & 0xffff) << 16 | value : (uint32_t)GEN_AS << 16 | (100 + kind);
        bool is_new = asn < 65536 || i == 0;

        for (uint32_t k = 0; k < tags->count; k++)
            is_new = is_new && tags->list[k] != tag;
        if (is_new)
            tags->list[tags->count++] = tag;
    }
    qsort(tags->list, tags->count, sizeof *tags->list, compare_numbers);
}

static void make_sets(struct maker *maker)
{
    struct gen_routes *routes = maker->routes;
    const struct gen_backbone *backbone = routes->backbone;
    size_t next = 0;

    for (uint32_t i = 0; i < backbone->router_count; i++) {
        if (!backbone->routers[i].is_core)
            routes->sets[next++] = (struct gen_set){.exits = {i}, .exit_count = 1};
    }
    maker->kind_first[GEN_PAIR] = next;
    maker->kind_first[GEN_PEER] = next + backbone->router_count * PAIRS_PERCENT / 100;
    maker->kind_first[GEN_KINDS] = routes->set_count;
    for (; next < routes->set_count; next++) {
        struct gen_set *set = &routes->sets[next];

        if (next < maker->kind_first[GEN_PEER]) {
            set->kind = GEN_PAIR;
            draw_pair(maker, set);
        } else {
            set->kind = GEN_PEER;
            draw_peer(maker, set);
        }
        *pair_of(maker, set->exits[0], set->exits[1]) = true;
    }
    for (size_t i = 0; i < routes->set_count; i++) {
        struct gen_set *set = &routes->sets[i];

        set->asn = as_number(i);
        set->local_pref = set->kind == GEN_PEER ? 100 : 200;
        set->tags = (uint32_t)i;
        draw_med(maker, &set->has_med, &set->med);
        draw_tags(maker, &routes->tags[i], set->kind);
    }
    for (size_t i = routes->set_count; i < routes->tag_count; i++)
        draw_tags(maker, &routes->tags[i], GEN_PEER);
}

/* A few peers have most of what peers have: the n-th a share of 1 / (n + 4). */
static void weigh_peers(struct maker *maker)
{
    size_t count = maker->kind_first[GEN_KINDS] - maker->kind_first[GEN_PEER];
    uint64_t sum = 0;

    maker->weights = memory_alloc(count, sizeof *maker->weights);
    for (size_t i = 0; i < count; i++)
        maker->weights[i] = sum += 1000000 / (i + 4);
}

static uint32_t draw_set(struct maker *maker, const uint32_t kinds[GEN_KINDS])
{
    size_t kind = random_weighted(&maker->random, kinds, GEN_KINDS);
    size_t first = maker->kind_first[kind], count = maker->kind_first[kind + 1] - first;
    size_t low = 0, high = count - 1;

    if (kind != GEN_PEER)
        return (uint32_t)(first + random_below(&maker->random, (uint32_t)count));
    uint64_t drawn = random_below(&maker->random, (uint32_t)maker->weights[high]);

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (drawn < maker->weights[middle])
            high = middle;
        else
            low = middle + 1;
    }
    return (uint32_t)(first + low);
}

// ---- paths

/* An AS that many paths pass through: low numbers more often. */
static uint32_t draw_transit(struct maker *maker)
{
    uint32_t limit = random_between(&maker->random, 1, TRANSITS);

    return as_number(random_below(&maker->random, limit));
}

static bool has_hop(const struct gen_path *path, uint32_t asn)
{
    for (uint32_t i = 0; i < path->hop_count; i++) {
        if (path->hops[i] == asn)
            return true;
    }
    return false;
}

/* From the set's neighbour to the origin; both may be one. */
static void draw_hops(struct maker *maker, struct gen_path *path, uint32_t origin)
{
    uint32_t neighbour = maker->routes->sets[path->set].asn;
    size_t count = random_weighted(&maker->random, path_hops, sizeof path_hops / sizeof *path_hops);
    size_t repeats = random_weighted(&maker->random, path_prepends,
                                     sizeof path_prepends / sizeof *path_prepends);

    path->hop_count = 0;
    path->hops[path->hop_count++] = neighbour;
    while (path->hop_count + 1 < count) {
        uint32_t asn = draw_transit(maker);

        if (asn != origin && !has_hop(path, asn))
            path->hops[path->hop_count++] = asn;
    }
    if (neighbour != origin)
        path->hops[path->hop_count++] = origin;
    else
        path->hop_count = 1;
    for (; repeats; repeats--, path->hop_count++)
        path->hops[path->hop_count] = path->hops[path->hop_count - 1];
}

static uint32_t add_path(struct gen_routes *routes, const struct gen_path *path)
{
    routes->paths = memory_grow(routes->paths, routes->path_count, &routes->path_capacity,
                                sizeof *routes->paths);
    routes->paths[routes->path_count] = *path;
    return (uint32_t)routes->path_count++;
}

static void fill_path(struct maker *maker, struct gen_path *path, uint32_t set)
{
    const struct gen_set *from = &maker->routes->sets[set];

    path->set = set;
    path->exit_count = from->exit_count;
    path->local_pref = from->local_pref;
    path->has_med = from->has_med;
    path->med = from->med;
    path->tags = from->tags;
    path->origin = (uint8_t)random_weighted(&maker->random, path_origins, 3);
}

/* Another path of the same prefixes, worse by LOCAL_PREF, length or MED. */
static void add_other_path(struct maker *maker, const struct gen_path *best, uint32_t origin)
{
    static const uint32_t peers_only[GEN_KINDS] = {0, 0, 1};
    uint32_t set = draw_set(maker, peers_only);
    struct gen_path other = *best;

    switch (random_below(&maker->random, 4)) {
    case 0: // a longer way
        fill_path(maker, &other, set);
        draw_hops(maker, &other, origin);
        other.local_pref = best->local_pref;
        while (other.hop_count <= best->hop_count)
            other.hops[other.hop_count++] = origin;
        break;
    case 1: // the same neighbour somewhere else
        other.set = set;
        other.exit_count = maker->routes->sets[set].exit_count;
        other.has_med = true;
        other.med = (best->has_med ? best->med : 0) + 10;
        break;
    default: // one that costs
        fill_path(maker, &other, set);
        draw_hops(maker, &other, origin);
        other.local_pref = best->local_pref - 20;
    }
    if (other.exit_count > 3)
        other.exit_count = 3;
    (void)add_path(maker->routes, &other);
}

// ---- origins

/* A group of the origin: its first one is what the set's neighbour says of it; later ones differ. */
static uint32_t add_group(struct maker *maker, const struct gen_path *first, bool is_first,
                          uint32_t origin, bool is_ipv4)
{
    struct gen_routes *routes = maker->routes;
    struct gen_path path = *first;

    if (!is_first) {
        switch (random_below(&maker->random, 4)) {
        case 0:
            draw_med(maker, &path.has_med, &path.med);
            break;
        case 1:
            path.tags = (uint32_t)routes->set_count + random_below(&maker->random, OTHER_TAGS);
            break;
        case 2:
            if (path.hop_count < GEN_HOPS / 2)
                path.hops[path.hop_count++] = origin;
            break;
        default:
            fill_path(maker, &path, draw_set(maker, is_ipv4 ? kinds_ipv4 : kinds_ipv6));
            draw_hops(maker, &path, origin);
        }
    }
    routes->groups = memory_grow(routes->groups, routes->group_count, &routes->group_capacity,
                                 sizeof *routes->groups);
    struct gen_group *group = &routes->groups[routes->group_count];

    *group = (struct gen_group){.path = add_path(routes, &path), .path_count = 1};
    if (random_percent(&maker->random, is_ipv4 ? OTHER_PATH_IPV4 : OTHER_PATH_IPV6)) {
        add_other_path(maker, &path, origin);
        group->path_count = 2;
    }
    return (uint32_t)routes->group_count++;
}

static size_t draw_group_count(struct maker *maker, size_t prefixes)
{
    size_t row = sizeof origin_groups / sizeof *origin_groups;

    while (origin_groups[--row].prefixes > prefixes)
        ;
    uint32_t hundredths = origin_groups[row].groups_hundredths;
    size_t count = hundredths / 100 + random_percent(&maker->random, hundredths % 100);

    return count < prefixes ? count : prefixes;
}

/* Four fifths of the prefixes are in the first group (measured: 0.53 to 0.90, by size). */
static void add_origin(struct maker *maker, size_t number, struct gen_prefix *prefixes,
                       size_t count)
{
    struct gen_routes *routes = maker->routes;
    uint32_t origin = as_number(number);
    bool is_ipv4 = prefixes->family == FAMILY_IPV4;
    size_t groups = draw_group_count(maker, count);
    struct gen_path path = {0};
    uint32_t first;

    fill_path(maker, &path,
              number < routes->set_count ? (uint32_t)number
                                         : draw_set(maker, is_ipv4 ? kinds_ipv4 : kinds_ipv6));
    draw_hops(maker, &path, origin);
    first = add_group(maker, &path, true, origin, is_ipv4);
    for (size_t i = 1; i < groups; i++)
        (void)add_group(maker, &path, false, origin, is_ipv4);
    for (size_t i = 0; i < count; i++) {
        bool is_main = i == 0 || groups == 1 || random_percent(&maker->random, 80);

        prefixes[i].group =
            is_main ? first : first + random_between(&maker->random, 1, (uint32_t)groups - 1);
    }
}

/* Shares out the family's stream. The first origins are the neighbours themselves: each gets something while
 * there is anything, so that each attachment set is seen. */
static void add_origins(struct maker *maker, struct gen_prefix *prefixes, size_t count,
                        const uint32_t *sizes)
{
    struct gen_routes *routes = maker->routes;
    size_t number = 0;

    for (size_t given = 0; given < count; number++) {
        size_t left = count - given;
        size_t size = random_by_shares(&maker->random, origin_shares, sizes,
                                       sizeof origin_shares / sizeof *origin_shares);

        if (number < routes->set_count && size > left / (routes->set_count - number))
            size = left / (routes->set_count - number);
        if (size == 0)
            size = 1;
        if (size > left)
            size = left;
        add_origin(maker, number, prefixes + given, size);
        given += size;
    }
    if (number > routes->origin_count)
        routes->origin_count = number;
}

/* Prefixes by group, counted and placed. */
static void index_groups(struct gen_routes *routes)
{
    uint32_t *first = memory_alloc(routes->group_count + 2, sizeof *first);

    for (size_t i = 0; i < routes->prefix_count; i++)
        first[routes->prefixes[i].group + 2]++;
    for (size_t g = 2; g < routes->group_count + 2; g++)
        first[g] += first[g - 1];
    routes->of_group = memory_alloc(routes->prefix_count, sizeof *routes->of_group);
    for (size_t i = 0; i < routes->prefix_count; i++)
        routes->of_group[first[routes->prefixes[i].group + 1]++] = (uint32_t)i;
    routes->group_first = first;
}

struct gen_routes *gen_routes_make(const struct gen_size *size, const struct gen_backbone *backbone)
{
    struct gen_routes *routes = memory_alloc(1, sizeof *routes);
    struct maker maker = {.routes = routes, .random = random_start(size->seed, 2)};

    routes->size = *size;
    routes->backbone = backbone;
    routes->set_count = gen_set_count(size->routers);
    routes->sets = memory_alloc(routes->set_count, sizeof *routes->sets);
    routes->tag_count = routes->set_count + OTHER_TAGS;
    routes->tags = memory_alloc(routes->tag_count, sizeof *routes->tags);
    routes->prefix_count = size->ipv4 + size->ipv6;
    routes->prefixes = memory_alloc(routes->prefix_count, sizeof *routes->prefixes);
    maker.pairs = memory_alloc(size->routers * size->routers, sizeof *maker.pairs);
    make_sets(&maker);
    weigh_peers(&maker);
    gen_prefixes_make(size->seed, FAMILY_IPV4, routes->prefixes, size->ipv4);
    gen_prefixes_make(size->seed, FAMILY_IPV6, routes->prefixes + size->ipv4, size->ipv6);
    add_origins(&maker, routes->prefixes, size->ipv4, ipv4_origin_sizes);
    add_origins(&maker, routes->prefixes + size->ipv4, size->ipv6, ipv6_origin_sizes);
    qsort(routes->prefixes, routes->prefix_count, sizeof *routes->prefixes, gen_prefix_compare);
    index_groups(routes);
    free(maker.pairs);
    free(maker.weights);
    return routes;
}

void gen_routes_free(struct gen_routes *routes)
{
    if (!routes)
        return;
    free(routes->sets);
    free(routes->tags);
    free(routes->paths);
    free(routes->groups);
    free(routes->prefixes);
    free(routes->of_group);
    free(routes->group_first);
    free(routes);
}

// ---- what is said

size_t gen_said(const struct gen_routes *routes, uint32_t group, size_t reflector,
                struct gen_said out[GEN_SAID])
{
    const struct gen_group *of = &routes->groups[group];
    size_t count = 0;

    if (!routes->size.all_paths) {
        const struct gen_path *path = &routes->paths[of->path];

        out[0] = (struct gen_said){.path = of->path,
                                   .router =
                                       routes->sets[path->set].exits[reflector % path->exit_count]};
        return 1;
    }
    for (uint32_t i = 0; i < of->path_count; i++) {
        const struct gen_path *path = &routes->paths[of->path + i];

        for (uint32_t k = 0; k < path->exit_count; k++) {
            uint32_t router = routes->sets[path->set].exits[k];

            if (routes->backbone->routers[router].pop % routes->size.reflectors == reflector)
                out[count++] = (struct gen_said){.path = of->path + i, .router = router};
        }
    }
    return count;
}

struct prefix gen_reflector_id(size_t reflector)
{
    return (struct prefix){
        .family = FAMILY_IPV4, .length_bits = 32, .bytes = {192, 0, 2, (uint8_t)(101 + reflector)}};
}
