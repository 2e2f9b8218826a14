/* destinations: what each reflector prefers, and UPDATEs that share attribute sets.
 *
 * Announcements are sorted by path, so that one attribute set is written once a message; a table of a
 * million routes is one sort and one pass. */
#include "destinations.h"

#include "packer.h"
#include "path_attributes.h"

#include <stdlib.h>
#include <string.h>

enum { NOTHING = UINT32_MAX };

struct destination {
    uint32_t first, count; // routes
};

/* A route to be announced, or withdrawn. */
struct change {
    uint32_t group; // 0: withdrawn; else 1 + path
    uint32_t route;
    uint32_t path; // gives the path identifier
};

struct destinations {
    const struct scenario *scenario;
    struct destination *list;
    size_t count;
    uint32_t *said;    // [route * reflectors + reflector]: a path, or NOTHING
    uint32_t *touched; // destinations
    size_t touched_count, touched_capacity;
    bool all_touched;
    struct change *changes; // of the reflector settled last
    size_t change_count, change_capacity;
};

static void find_runs(struct destinations *destinations)
{
    const struct scenario *scenario = destinations->scenario;

    destinations->list = memory_alloc(scenario->route_count, sizeof *destinations->list);
    for (size_t i = 0; i < scenario->route_count; i++) {
        if (i == 0 ||
            net_compare(&scenario->routes[i].prefix, &scenario->routes[i - 1].prefix) != 0)
            destinations->list[destinations->count++] = (struct destination){.first = (uint32_t)i};
        destinations->list[destinations->count - 1].count++;
    }
    size_t count = scenario->route_count * scenario->reflector_count;

    destinations->said = memory_alloc(count, sizeof *destinations->said);
    memset(destinations->said, 0xff, count * sizeof *destinations->said);
}

/* The decision process as far as reflectors of one cluster differ in it (RFC 4271 section 9.1): the IGP
 * is left out, a favourite stands for what it would choose; MED is compared whoever the neighbour is.
 * Equal: the first in the file. */
static bool is_better(const struct path *path, const struct path *than, size_t reflector)
{
    if (path->local_pref != than->local_pref)
        return path->local_pref > than->local_pref;
    if (path->as_length != than->as_length)
        return path->as_length < than->as_length;
    if (path->origin != than->origin)
        return path->origin < than->origin;
    if (path->med != than->med)
        return path->med < than->med;
    return (path->favourites >> reflector & 1) > (than->favourites >> reflector & 1);
}

/* Among the routes of a destination, the ones that the reflector says, best first; their number. */
static size_t choose_routes(const struct destinations *destinations, size_t destination,
                            size_t reflector, uint32_t chosen[UINT8_MAX + 1])
{
    const struct scenario *scenario = destinations->scenario;
    const struct destination *it = &destinations->list[destination];
    enum family family = scenario->routes[it->first].prefix.family == 4 ? FAMILY_IPV4 : FAMILY_IPV6;
    size_t limit = scenario->reflectors[reflector].add_path[family];
    size_t count = 0;

    if (limit == 0)
        limit = 1;
    for (uint32_t i = it->first; i < it->first + it->count; i++) {
        const struct route *route = &scenario->routes[i];
        const struct path *path = &scenario->paths[route->path];
        size_t place = count;

        if (i > it->first && route->path == route[-1].path)
            continue; // the file names the prefix twice in one item
        if (route->withdrawn || !(path->reflectors >> reflector & 1) ||
            scenario->vertices[path->router].down)
            continue;
        while (
            place > 0 &&
            is_better(path, &scenario->paths[scenario->routes[chosen[place - 1]].path], reflector))
            place--;
        if (place == limit)
            continue;
        count += count < limit;
        memmove(&chosen[place + 1], &chosen[place], (count - place - 1) * sizeof *chosen);
        chosen[place] = i;
    }
    return count;
}

static uint32_t *said_by(const struct destinations *destinations, size_t route, size_t reflector)
{
    return &destinations->said[route * destinations->scenario->reflector_count + reflector];
}

static const struct net *prefix_of(const struct destinations *destinations, size_t destination)
{
    return &destinations->scenario->routes[destinations->list[destination].first].prefix;
}

static enum family family_of_route(const struct destinations *destinations, size_t route)
{
    return destinations->scenario->routes[route].prefix.family == 4 ? FAMILY_IPV4 : FAMILY_IPV6;
}

static int compare_changes(const void *a, const void *b)
{
    const struct change *left = a, *right = b;

    if (left->group != right->group)
        return left->group < right->group ? -1 : 1;
    return (left->route > right->route) - (left->route < right->route);
}

static uint32_t path_id(const struct reflector *reflector, uint32_t path)
{
    return reflector->path_id_base + path;
}

/* UPDATEs for the changes, which it sorts. */
static void write_changes(const struct destinations *destinations, size_t reflector,
                          enum family family, struct change *changes, size_t count,
                          struct wire *out)
{
    const struct scenario *scenario = destinations->scenario;
    const struct reflector *it = &scenario->reflectors[reflector];
    struct wire attributes = {0};

    if (count)
        qsort(changes, count, sizeof *changes, compare_changes);
    for (size_t i = 0; i < count;) {
        uint32_t group = changes[i].group;
        const struct path *path = group ? &scenario->paths[group - 1] : NULL;
        struct packer packer = packer_begin(out, it, family, path ? &attributes : NULL,
                                            path ? path_next_hop(it, path, family) : NULL);

        attributes.length = 0;
        if (path)
            path_attributes(scenario, it, path, family, &attributes);
        for (; i < count && changes[i].group == group; i++)
            packer_add_net(&packer, path_id(it, changes[i].path),
                           &scenario->routes[changes[i].route].prefix);
        packer_end(&packer);
    }
    wire_free(&attributes);
}

void destinations_write_table(const struct destinations *destinations, size_t reflector,
                              enum family family, struct wire *out)
{
    size_t routes = destinations->scenario->route_count, count = 0;
    struct change *changes = memory_alloc(routes, sizeof *changes);

    for (size_t i = 0; i < routes; i++) {
        uint32_t path = *said_by(destinations, i, reflector);

        if (path != NOTHING && family_of_route(destinations, i) == family)
            changes[count++] =
                (struct change){.group = path + 1, .route = (uint32_t)i, .path = path};
    }
    write_changes(destinations, reflector, family, changes, count, out);
    free(changes);
}

bool destinations_find(const struct destinations *destinations, const struct net *prefix,
                       size_t *out)
{
    size_t low = 0, high = destinations->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = net_compare(prefix_of(destinations, middle), prefix);

        if (order == 0) {
            *out = middle;
            return true;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

bool destinations_next(const struct destinations *destinations, size_t reflector, size_t *at,
                       struct said_route *out)
{
    const struct scenario *scenario = destinations->scenario;
    const struct reflector *it = &scenario->reflectors[reflector];

    while (*at < scenario->route_count) {
        size_t route = (*at)++;
        uint32_t said = *said_by(destinations, route, reflector);

        if (said == NOTHING)
            continue;
        out->prefix = &scenario->routes[route].prefix;
        out->path = &scenario->paths[said];
        out->path_id = it->add_path[family_of_route(destinations, route)] ? path_id(it, said) : 0;
        return true;
    }
    return false;
}

void destinations_routes(const struct destinations *destinations, size_t destination, size_t *first,
                         size_t *end)
{
    *first = destinations->list[destination].first;
    *end = *first + destinations->list[destination].count;
}

void destinations_touch(struct destinations *destinations, size_t destination)
{
    destinations->touched =
        memory_grow(destinations->touched, destinations->touched_count,
                    &destinations->touched_capacity, sizeof *destinations->touched);
    destinations->touched[destinations->touched_count++] = (uint32_t)destination;
}

void destinations_touch_all(struct destinations *destinations)
{
    destinations->all_touched = true;
}

void destinations_forget_touched(struct destinations *destinations)
{
    destinations->touched_count = 0;
    destinations->all_touched = false;
}

static void add_change(struct destinations *destinations, struct change change)
{
    destinations->changes =
        memory_grow(destinations->changes, destinations->change_count,
                    &destinations->change_capacity, sizeof *destinations->changes);
    destinations->changes[destinations->change_count++] = change;
}

/* With path identifiers each route stands for itself; without, an announcement replaces the other route,
 * and only a destination that has none any more is withdrawn. */
static void settle_destination(struct destinations *destinations, size_t destination,
                               size_t reflector)
{
    const struct scenario *scenario = destinations->scenario;
    const struct destination *it = &destinations->list[destination];
    bool has_ids =
        scenario->reflectors[reflector].add_path[family_of_route(destinations, it->first)] > 0;
    uint32_t chosen[UINT8_MAX + 1];
    size_t count = choose_routes(destinations, destination, reflector, chosen);

    for (uint32_t i = it->first; i < it->first + it->count; i++) {
        uint32_t *said = said_by(destinations, i, reflector), now = NOTHING;

        for (size_t k = 0; k < count; k++) {
            if (chosen[k] == i)
                now = scenario->routes[i].path;
        }
        if (now == *said)
            continue;
        if (*said != NOTHING && (has_ids || count == 0))
            add_change(destinations, (struct change){.route = i, .path = *said});
        if (now != NOTHING)
            add_change(destinations, (struct change){.group = now + 1, .route = i, .path = now});
        *said = now;
    }
}

void destinations_settle(struct destinations *destinations, size_t reflector)
{
    bool all = destinations->all_touched;
    size_t limit = all ? destinations->count : destinations->touched_count;

    destinations->change_count = 0;
    for (size_t i = 0; i < limit; i++)
        settle_destination(destinations, all ? i : destinations->touched[i], reflector);
}

void destinations_write_changes(struct destinations *destinations, size_t reflector,
                                enum family family, struct wire *out)
{
    struct change *own = memory_alloc(destinations->change_count, sizeof *own);
    size_t count = 0;

    for (size_t i = 0; i < destinations->change_count; i++) {
        if (family_of_route(destinations, destinations->changes[i].route) == family)
            own[count++] = destinations->changes[i];
    }
    write_changes(destinations, reflector, family, own, count, out);
    free(own);
}

size_t destinations_count(const struct destinations *destinations, size_t reflector,
                          enum family family)
{
    size_t count = 0;

    for (size_t i = 0; i < destinations->scenario->route_count; i++)
        count += *said_by(destinations, i, reflector) != NOTHING &&
                 family_of_route(destinations, i) == family;
    return count;
}

struct destinations *destinations_new(const struct scenario *scenario)
{
    struct destinations *destinations = memory_alloc(1, sizeof *destinations);

    destinations->scenario = scenario;
    find_runs(destinations);
    for (size_t i = 0; i < destinations->count; i++) {
        for (size_t r = 0; r < scenario->reflector_count; r++) {
            uint32_t chosen[UINT8_MAX + 1];
            size_t count = choose_routes(destinations, i, r, chosen);

            while (count-- > 0)
                *said_by(destinations, chosen[count], r) = scenario->routes[chosen[count]].path;
        }
    }
    return destinations;
}

void destinations_free(struct destinations *destinations)
{
    if (!destinations)
        return;
    free(destinations->list);
    free(destinations->said);
    free(destinations->touched);
    free(destinations->changes);
    free(destinations);
}
