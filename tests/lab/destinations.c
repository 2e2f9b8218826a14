/* destinations: what each reflector prefers, and UPDATEs that share attribute sets.
 *
 * Announcements are sorted by path, so that one attribute set is written once a message; a table of a
 * million routes is one sort and one pass. */
#include "destinations.h"

#include "message.h"

#include <stdlib.h>
#include <string.h>

enum { NOTHING = UINT32_MAX };

struct destination {
    uint32_t first, count; // routes
};

/* A destination to be announced with a path, or withdrawn. */
struct change {
    uint32_t group; // 0: withdrawn; else 1 + path
    uint32_t destination;
};

struct destinations {
    const struct scenario *scenario;
    struct destination *list;
    size_t count;
    uint32_t *said;    // [destination * reflectors + reflector]: a path, or NOTHING
    uint32_t *touched; // destinations
    size_t touched_count, touched_capacity;
    bool all_touched;
    struct change *changes; // of the reflector settled last
    size_t change_count;
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
    size_t count = destinations->count * scenario->reflector_count;

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
    if (path->as_count != than->as_count)
        return path->as_count < than->as_count;
    if (path->origin != than->origin)
        return path->origin < than->origin;
    if (path->med != than->med)
        return path->med < than->med;
    return (path->favourites >> reflector & 1) > (than->favourites >> reflector & 1);
}

static uint32_t choose_path(const struct destinations *destinations, size_t destination,
                            size_t reflector)
{
    const struct scenario *scenario = destinations->scenario;
    const struct destination *it = &destinations->list[destination];
    uint32_t best = NOTHING;

    for (uint32_t i = it->first; i < it->first + it->count; i++) {
        const struct route *route = &scenario->routes[i];
        const struct path *path = &scenario->paths[route->path];

        if (route->withdrawn || !(path->reflectors >> reflector & 1) ||
            scenario->vertices[path->router].down)
            continue;
        if (best == NOTHING || is_better(path, &scenario->paths[best], reflector))
            best = route->path;
    }
    return best;
}

static const struct net *prefix_of(const struct destinations *destinations, size_t destination)
{
    return &destinations->scenario->routes[destinations->list[destination].first].prefix;
}

static enum family family_of(const struct destinations *destinations, size_t destination)
{
    return prefix_of(destinations, destination)->family == 4 ? FAMILY_IPV4 : FAMILY_IPV6;
}

static uint32_t *said_by(const struct destinations *destinations, size_t destination,
                         size_t reflector)
{
    return &destinations->said[destination * destinations->scenario->reflector_count + reflector];
}

static int compare_changes(const void *a, const void *b)
{
    const struct change *left = a, *right = b;

    if (left->group != right->group)
        return left->group < right->group ? -1 : 1;
    return (left->destination > right->destination) - (left->destination < right->destination);
}

/* UPDATEs for the changes, which it sorts. */
static void write_changes(const struct destinations *destinations, size_t reflector,
                          enum family family, struct change *changes, size_t count,
                          struct wire *out)
{
    const struct scenario *scenario = destinations->scenario;
    struct wire attributes = {0};

    if (count)
        qsort(changes, count, sizeof *changes, compare_changes);
    for (size_t i = 0; i < count;) {
        uint32_t group = changes[i].group;
        const struct path *path = group ? &scenario->paths[group - 1] : NULL;
        struct packer packer = packer_begin(out, family, path ? &attributes : NULL,
                                            path ? &path->next_hop[family == FAMILY_IPV6] : NULL);

        attributes.length = 0;
        if (path)
            message_path_attributes(scenario, &scenario->reflectors[reflector], path, family,
                                    &attributes);
        for (; i < count && changes[i].group == group; i++)
            packer_add_net(&packer, prefix_of(destinations, changes[i].destination));
        packer_end(&packer);
    }
    wire_free(&attributes);
}

void destinations_write_table(const struct destinations *destinations, size_t reflector,
                              enum family family, struct wire *out)
{
    struct change *changes = memory_alloc(destinations->count, sizeof *changes);
    size_t count = 0;

    for (size_t i = 0; i < destinations->count; i++) {
        uint32_t path = *said_by(destinations, i, reflector);

        if (path != NOTHING && family_of(destinations, i) == family)
            changes[count++] = (struct change){.group = path + 1, .destination = (uint32_t)i};
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
                       const struct net **prefix, const struct path **path)
{
    while (*at < destinations->count) {
        size_t destination = (*at)++;
        uint32_t said = *said_by(destinations, destination, reflector);

        if (said == NOTHING)
            continue;
        *prefix = prefix_of(destinations, destination);
        *path = &destinations->scenario->paths[said];
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

void destinations_settle(struct destinations *destinations, size_t reflector)
{
    bool all = destinations->all_touched;
    size_t limit = all ? destinations->count : destinations->touched_count;

    free(destinations->changes);
    destinations->changes = memory_alloc(limit, sizeof *destinations->changes);
    destinations->change_count = 0;
    for (size_t i = 0; i < limit; i++) {
        size_t destination = all ? i : destinations->touched[i];
        uint32_t *said = said_by(destinations, destination, reflector);
        uint32_t path = choose_path(destinations, destination, reflector);

        if (path == *said)
            continue;
        *said = path;
        destinations->changes[destinations->change_count++] = (struct change){
            .group = path == NOTHING ? 0 : path + 1, .destination = (uint32_t)destination};
    }
}

void destinations_write_changes(struct destinations *destinations, size_t reflector,
                                enum family family, struct wire *out)
{
    struct change *own = memory_alloc(destinations->change_count, sizeof *own);
    size_t count = 0;

    for (size_t i = 0; i < destinations->change_count; i++) {
        if (family_of(destinations, destinations->changes[i].destination) == family)
            own[count++] = destinations->changes[i];
    }
    write_changes(destinations, reflector, family, own, count, out);
    free(own);
}

size_t destinations_count(const struct destinations *destinations, size_t reflector,
                          enum family family)
{
    size_t count = 0;

    for (size_t i = 0; i < destinations->count; i++)
        count +=
            *said_by(destinations, i, reflector) != NOTHING && family_of(destinations, i) == family;
    return count;
}

struct destinations *destinations_new(const struct scenario *scenario)
{
    struct destinations *destinations = memory_alloc(1, sizeof *destinations);

    destinations->scenario = scenario;
    find_runs(destinations);
    for (size_t i = 0; i < destinations->count; i++) {
        for (size_t r = 0; r < scenario->reflector_count; r++)
            *said_by(destinations, i, r) = choose_path(destinations, i, r);
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
