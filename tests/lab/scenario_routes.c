/* scenario_routes: BGP's routes. Each item with several routers stands for the product of its prefixes and
 * its routers. */
#include "scenario_read.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ORIGIN UINT32_C(4200000000) // of the private range of RFC 6996: 94,967,295 numbers

struct route_form {
    const struct tree *routers, *prefixes, *reflectors, *favourites;
    struct path_form path;
    uint32_t origins;
};

static const struct word origin_words[] = {
    {"igp", ORIGIN_IGP}, {"egp", ORIGIN_EGP}, {"incomplete", ORIGIN_INCOMPLETE}, {NULL, 0}};

static const struct key route_keys[] = {
    {"prefixes", read_node, offsetof(struct route_form, prefixes), .required = true},
    {"routers", read_node, offsetof(struct route_form, routers), .required = true},
    {"next_hop_ipv4", read_ipv4, offsetof(struct route_form, path.next_hop_ipv4)},
    {"next_hop_ipv6", read_ipv6, offsetof(struct route_form, path.next_hop_ipv6)},
    {"as_path", read_node, offsetof(struct route_form, path.as_path)},
    {"communities", read_node, offsetof(struct route_form, path.communities)},
    {"local_pref", read_uint32, offsetof(struct route_form, path.local_pref), .high = UINT32_MAX},
    {"med", read_node, offsetof(struct route_form, path.med)},
    {"origin", read_word, offsetof(struct route_form, path.origin), .words = origin_words},
    {"extended_communities", read_node, offsetof(struct route_form, path.extended)},
    {"large_communities", read_node, offsetof(struct route_form, path.large)},
    {"aggregator", read_node, offsetof(struct route_form, path.aggregator)},
    {"atomic", read_bool, offsetof(struct route_form, path.atomic)},
    {"clusters", read_node, offsetof(struct route_form, path.clusters)},
    {"originator", read_ipv4, offsetof(struct route_form, path.originator)},
    {"attributes", read_node, offsetof(struct route_form, path.attributes)},
    {"origins", read_uint32, offsetof(struct route_form, origins), .low = 1, .high = PATH_LIMIT},
    {"reflectors", read_node, offsetof(struct route_form, reflectors)},
    {"favourite_of", read_node, offsetof(struct route_form, favourites)},
};

/* Next-hop-self where the file names no other. */
static void complete_next_hops(const struct scenario *scenario, struct path *path)
{
    const struct vertex *router = &scenario->vertices[path->router];
    const struct net *const loopbacks[2] = {&router->ipv4, &router->ipv6};

    for (size_t i = 0; i < 2; i++) {
        if (!path->next_hop[i].family)
            path->next_hop[i] = *loopbacks[i];
    }
}

static bool add_routes(struct loading *loading, const struct tree *node, size_t path,
                       const struct net *nets, size_t count)
{
    struct scenario *scenario = loading->scenario;

    if (count > ROUTE_LIMIT - scenario->route_count)
        return reader_fail(&loading->reader, node, "more than %d routes", ROUTE_LIMIT);
    for (size_t i = 0; i < count; i++) {
        if (!scenario->paths[path].next_hop[nets[i].family == 6].family)
            return reader_fail(&loading->reader, node,
                               "router \"%s\" has no IPv6 address; key next_hop_ipv6 expected",
                               scenario->vertices[scenario->paths[path].router].name);
        scenario->routes = memory_grow(scenario->routes, scenario->route_count,
                                       &scenario->route_capacity, sizeof *scenario->routes);
        scenario->routes[scenario->route_count++] =
            (struct route){.prefix = nets[i], .path = (uint32_t)path};
    }
    return true;
}

/* One path for all prefixes; or, with origins, one for each equal part of them, its AS path ending in an
 * AS number of its own. Returns false when a limit was met. */
static bool add_paths(struct loading *loading, const struct tree *node, const struct path *path,
                      uint32_t origins, const struct nets *nets)
{
    struct scenario *scenario = loading->scenario;
    size_t parts = origins ? origins : 1;

    if (parts > PATH_LIMIT - scenario->path_count)
        return reader_fail(&loading->reader, node, "more than %d paths", PATH_LIMIT);
    for (size_t part = 0; part < parts; part++) {
        size_t from = nets->count * part / parts, to = nets->count * (part + 1) / parts;
        struct path *own = scenario_add_path(scenario);

        *own = *path;
        if (origins) {
            uint32_t *as_path = arena_alloc(scenario->arena, path->as_count + 1, sizeof *as_path);

            if (path->as_count)
                memcpy(as_path, path->as_path, path->as_count * sizeof *as_path);
            as_path[path->as_count] = (uint32_t)(FIRST_ORIGIN + part);
            own->as_path = as_path;
            own->as_count = path->as_count + 1;
            own->as_length = path->as_length + 1;
        }
        if (!add_routes(loading, node, scenario->path_count - 1, nets->list + from, to - from))
            return false;
    }
    return true;
}

static bool read_masks(struct loading *loading, const struct route_form *form, struct path *path)
{
    size_t reflectors = loading->scenario->reflector_count;

    path->reflectors = reflectors == 64 ? UINT64_MAX : (UINT64_C(1) << reflectors) - 1;
    return (!form->reflectors || read_reflectors(loading, form->reflectors, &path->reflectors)) &&
           (!form->favourites || read_reflectors(loading, form->favourites, &path->favourites));
}

static bool load_route(struct loading *loading, const struct tree *node)
{
    struct scenario *scenario = loading->scenario;
    struct route_form form = {.path.local_pref = 100};
    struct nets nets = {0};
    struct path path;

    bool ok = reader_mapping(&loading->reader, node, "a routes item", route_keys,
                             COUNT_OF(route_keys), &form) &&
              read_path(loading, node, &form.path, &path) && read_masks(loading, &form, &path) &&
              read_prefixes(loading, form.prefixes, &nets);

    if (ok && form.origins && path.segments)
        ok = reader_fail(&loading->reader, node,
                         "origins goes with a plain as_path, without sets and confederations");
    for (size_t r = 0; ok && r < reader_count(form.routers); r++) {
        struct path own = path;

        ok = read_router(loading, reader_item(form.routers, r), &own.router);
        if (!ok)
            break;
        complete_next_hops(scenario, &own);
        ok = add_paths(loading, node, &own, form.origins, &nets);
    }
    free(nets.list);
    return ok;
}

/* Paths are numbered as the file names them, so they break ties as the file's order does. */
static int compare_routes(const void *a, const void *b)
{
    const struct route *left = a, *right = b;
    int order = net_compare(&left->prefix, &right->prefix);

    return order ? order : (left->path > right->path) - (left->path < right->path);
}

bool load_routes(struct loading *loading)
{
    struct scenario *scenario = loading->scenario;

    for (size_t i = 0; loading->routes && i < reader_count(loading->routes); i++) {
        if (!load_route(loading, reader_item(loading->routes, i)))
            return false;
    }
    if (scenario->route_count)
        qsort(scenario->routes, scenario->route_count, sizeof *scenario->routes, compare_routes);
    return true;
}
