/* backbone: changes of the scenario, tables and increments.
 *
 * What a change means for link state is found in objects, for BGP routes in destinations. Here are the
 * changes themselves, and the octets that sessions share. */
#include "backbone.h"

#include "objects.h"

#include <stdlib.h>
#include <string.h>

struct backbone {
    struct scenario *scenario;
    struct objects *objects;
    struct destinations *destinations;
    struct blob **tables; // [reflector * FAMILIES + family]; NULL: to be built
};

// ---- blobs

struct blob *blob_of_octets(struct wire *wire)
{
    struct blob *blob = memory_alloc(1, sizeof *blob);

    *blob = (struct blob){.references = 1, .length = wire->length, .bytes = wire->bytes};
    *wire = (struct wire){0};
    return blob;
}

struct blob *blob_of_messages(struct wire *wire)
{
    struct blob *blob = blob_of_octets(wire);

    for (size_t at = 0; at < blob->length; blob->messages++)
        at += (size_t)(blob->bytes[at + 16] << 8 | blob->bytes[at + 17]);
    return blob;
}

struct blob *blob_ref(struct blob *blob)
{
    blob->references++;
    return blob;
}

void blob_unref(struct blob *blob)
{
    if (!blob || --blob->references > 0)
        return;
    free(blob->bytes);
    free(blob);
}

// ---- tables

struct blob *backbone_table(struct backbone *backbone, size_t reflector, enum family family)
{
    struct blob **table = &backbone->tables[reflector * FAMILIES + family];
    struct wire wire = {0};

    if (*table)
        return blob_ref(*table);
    if (family == FAMILY_LS)
        objects_write_table(backbone->objects, &backbone->scenario->reflectors[reflector], &wire);
    else
        destinations_write_table(backbone->destinations, reflector, family, &wire);
    *table = blob_of_messages(&wire);
    return blob_ref(*table);
}

void backbone_build(struct backbone *backbone)
{
    for (size_t r = 0; r < backbone->scenario->reflector_count; r++) {
        for (enum family family = 0; family < FAMILIES; family++) {
            if (backbone->scenario->reflectors[r].families[family])
                blob_unref(backbone_table(backbone, r, family));
        }
    }
}

size_t backbone_count(const struct backbone *backbone, size_t reflector, enum family family)
{
    return family == FAMILY_LS ? objects_count(backbone->objects)
                               : destinations_count(backbone->destinations, reflector, family);
}

bool backbone_next_route(const struct backbone *backbone, size_t reflector, size_t *at,
                         struct said_route *out)
{
    return destinations_next(backbone->destinations, reflector, at, out);
}

// ---- changes

static bool joins(const struct link *link, size_t a, size_t b)
{
    return (link->ends[0] == a && link->ends[1] == b) || (link->ends[0] == b && link->ends[1] == a);
}

static bool no_such_link(const struct scenario *scenario, size_t a, size_t b, unsigned index,
                         struct error *err)
{
    const char *from = scenario->vertices[a].name, *to = scenario->vertices[b].name;

    if (index == ALL_LINKS)
        return error_set(err, ERROR_INPUT, "no link between %s and %s", from, to);
    return error_set(err, ERROR_INPUT, "no link %u between %s and %s", index, from, to);
}

/* Calls for each half-link that is meant; false when there is no such link. */
static bool for_halves(struct backbone *backbone, size_t a, size_t b, unsigned index, bool one_way,
                       void (*change)(struct link_values *values, enum link_value value,
                                      uint64_t number),
                       enum link_value value, uint64_t number, struct error *err)
{
    struct scenario *scenario = backbone->scenario;
    bool found = false;

    for (size_t i = 0; i < scenario->link_count; i++) {
        struct link *link = &scenario->links[i];

        if (!joins(link, a, b) || (index != ALL_LINKS && link->index != index))
            continue;
        for (size_t side = 0; side < 2; side++) {
            if (!one_way || link->ends[side] == a)
                change(&link->half[side].values, value, number);
        }
        link->touched = true;
        found = true;
    }
    return found || no_such_link(scenario, a, b, index, err);
}

static void set_value(struct link_values *values, enum link_value value, uint64_t number)
{
    values->value[value] = number;
    values->has |= UINT32_C(1) << value;
}

static void set_anomalous(struct link_values *values, enum link_value value, uint64_t on)
{
    uint32_t bit = UINT32_C(1) << value;

    values->anomalous = on ? values->anomalous | bit : values->anomalous & ~bit;
}

bool backbone_set_link_value(struct backbone *backbone, size_t a, size_t b, unsigned index,
                             bool one_way, enum link_value value, uint64_t number,
                             struct error *err)
{
    return for_halves(backbone, a, b, index, one_way, set_value, value, number, err);
}

bool backbone_set_link_anomalous(struct backbone *backbone, size_t a, size_t b, unsigned index,
                                 bool one_way, enum link_value value, bool anomalous,
                                 struct error *err)
{
    return for_halves(backbone, a, b, index, one_way, set_anomalous, value, anomalous, err);
}

bool backbone_set_link_down(struct backbone *backbone, size_t a, size_t b, unsigned index,
                            bool down, struct error *err)
{
    struct scenario *scenario = backbone->scenario;
    bool found = false;

    for (size_t i = 0; i < scenario->link_count; i++) {
        struct link *link = &scenario->links[i];

        if (!joins(link, a, b) || (index != ALL_LINKS && link->index != index))
            continue;
        link->down = down;
        link->touched = true;
        found = true;
    }
    return found || no_such_link(scenario, a, b, index, err);
}

void backbone_set_router_down(struct backbone *backbone, size_t router, bool down)
{
    struct scenario *scenario = backbone->scenario;

    scenario->vertices[router].down = down;
    scenario->vertices[router].touched = true;
    for (size_t i = scenario->router_count; i < scenario->vertex_count; i++) {
        if (scenario->vertices[i].designated == router)
            scenario->vertices[i].touched = true;
    }
    destinations_touch_all(backbone->destinations);
}

void backbone_set_overload(struct backbone *backbone, size_t router, bool overload)
{
    backbone->scenario->vertices[router].overload = overload;
    backbone->scenario->vertices[router].touched = true;
}

/* The attachment that is to be there, found or made. */
static struct attachment *attachment_at(struct backbone *backbone, const struct attachment *like,
                                        size_t router)
{
    struct scenario *scenario = backbone->scenario;
    uint64_t domains = scenario->vertices[router].domains;

    for (size_t i = 0; i < scenario->attachment_count; i++) {
        struct attachment *it = &scenario->attachments[i];

        if (it->vertex == router && !it->loopback && net_compare(&it->prefix, &like->prefix) == 0)
            return it;
    }
    struct attachment made = *like;
    struct attachment *added = scenario_add_attachment(scenario);

    made.vertex = router;
    made.domains = domains & like->domains ? domains & like->domains : domains;
    *added = made;
    objects_add_attachment(backbone->objects, scenario->attachment_count - 1);
    return added;
}

static bool move_attachments(struct backbone *backbone, const struct net *prefix, size_t router)
{
    struct scenario *scenario = backbone->scenario;
    struct attachment like;
    bool found = false;

    for (size_t i = 0; i < scenario->attachment_count; i++) {
        struct attachment *it = &scenario->attachments[i];

        if (it->withdrawn || it->loopback || net_compare(&it->prefix, prefix) != 0)
            continue;
        if (!found)
            like = *it;
        found = true;
        it->withdrawn = it->touched = true;
    }
    if (!found)
        return false;
    struct attachment *there = attachment_at(backbone, &like, router);

    there->metric = like.metric;
    there->withdrawn = false;
    there->touched = true;
    return true;
}

/* The first of its routes moves, with the router's own next hops; the others are withdrawn. */
static bool move_routes(struct backbone *backbone, const struct net *prefix, size_t router)
{
    struct scenario *scenario = backbone->scenario;
    const struct vertex *vertex = &scenario->vertices[router];
    size_t destination, first, end;
    bool found = false;

    if (!destinations_find(backbone->destinations, prefix, &destination))
        return false;
    destinations_routes(backbone->destinations, destination, &first, &end);
    for (size_t i = first; i < end; i++) {
        struct route *route = &scenario->routes[i];

        if (route->withdrawn)
            continue;
        route->withdrawn = found;
        if (found)
            continue;
        found = true;
        struct path moved = scenario->paths[route->path];

        moved.router = router;
        moved.next_hop[0] = vertex->ipv4;
        moved.next_hop[1] = vertex->ipv6;
        *scenario_add_path(scenario) = moved;
        route->path = (uint32_t)(scenario->path_count - 1);
    }
    destinations_touch(backbone->destinations, destination);
    return found;
}

static bool no_such_prefix(const struct net *prefix, struct error *err)
{
    char text[NET_TEXT_SIZE];

    return error_set(err, ERROR_INPUT, "no prefix %s there", net_format_prefix(prefix, text));
}

bool backbone_move_prefix(struct backbone *backbone, const struct net *prefix, size_t router,
                          struct error *err)
{
    const struct vertex *vertex = &backbone->scenario->vertices[router];

    if (vertex->pseudonode)
        return error_set(err, ERROR_INPUT, "%s is a LAN; a router expected", vertex->name);
    if (prefix->family == 6 && !vertex->ipv6.family)
        return error_set(err, ERROR_INPUT, "%s has no IPv6 address", vertex->name);
    bool attached = move_attachments(backbone, prefix, router);
    bool routed = move_routes(backbone, prefix, router);

    return attached || routed || no_such_prefix(prefix, err);
}

static bool withdraw_attachments(struct scenario *scenario, const struct net *prefix, size_t router,
                                 bool withdrawn)
{
    bool found = false;

    for (size_t i = 0; i < scenario->attachment_count; i++) {
        struct attachment *it = &scenario->attachments[i];

        if ((router != SIZE_MAX && it->vertex != router) || net_compare(&it->prefix, prefix) != 0)
            continue;
        it->withdrawn = withdrawn;
        it->touched = true;
        found = true;
    }
    return found;
}

static bool withdraw_routes(struct backbone *backbone, const struct net *prefix, size_t router,
                            bool withdrawn)
{
    struct scenario *scenario = backbone->scenario;
    size_t destination, first, end;
    bool found = false;

    if (!destinations_find(backbone->destinations, prefix, &destination))
        return false;
    destinations_routes(backbone->destinations, destination, &first, &end);
    for (size_t i = first; i < end; i++) {
        struct route *route = &scenario->routes[i];

        if (router != SIZE_MAX && scenario->paths[route->path].router != router)
            continue;
        route->withdrawn = withdrawn;
        found = true;
    }
    destinations_touch(backbone->destinations, destination);
    return found;
}

bool backbone_withdraw_prefix(struct backbone *backbone, const struct net *prefix, size_t router,
                              bool withdrawn, struct error *err)
{
    bool attached = withdraw_attachments(backbone->scenario, prefix, router, withdrawn);
    bool routed = withdraw_routes(backbone, prefix, router, withdrawn);

    return attached || routed || no_such_prefix(prefix, err);
}

bool backbone_withdraw_object(struct backbone *backbone, const char *name, bool withdrawn,
                              struct error *err)
{
    struct scenario *scenario = backbone->scenario;
    size_t egress = scenario_find_egress(scenario, name);
    size_t object = scenario_find_object(scenario, name);

    if (egress != SIZE_MAX) {
        scenario->egresses[egress].down = withdrawn;
        scenario->egresses[egress].touched = true;
    }
    if (object != SIZE_MAX) {
        scenario->raw_objects[object].down = withdrawn;
        scenario->raw_objects[object].touched = true;
    }
    return egress != SIZE_MAX || object != SIZE_MAX ||
           error_set(err, ERROR_INPUT, "\"%s\"; the name of an egress peer or an object expected",
                     name);
}

void backbone_set_path_ids(struct backbone *backbone, size_t reflector, uint32_t base)
{
    backbone->scenario->reflectors[reflector].path_id_base = base;
    for (size_t family = 0; family < FAMILIES; family++) {
        struct blob **table = &backbone->tables[reflector * FAMILIES + family];

        blob_unref(*table);
        *table = NULL;
    }
}

// ---- settling

static void clear_touched(struct backbone *backbone)
{
    struct scenario *scenario = backbone->scenario;

    for (size_t i = 0; i < scenario->vertex_count; i++)
        scenario->vertices[i].touched = false;
    for (size_t i = 0; i < scenario->link_count; i++)
        scenario->links[i].touched = false;
    for (size_t i = 0; i < scenario->attachment_count; i++)
        scenario->attachments[i].touched = false;
    for (size_t i = 0; i < scenario->egress_count; i++)
        scenario->egresses[i].touched = false;
    for (size_t i = 0; i < scenario->raw_object_count; i++)
        scenario->raw_objects[i].touched = false;
    destinations_forget_touched(backbone->destinations);
}

/* The family's table is no longer what was last said. */
static void publish(struct backbone *backbone, size_t reflector, enum family family,
                    struct wire *wire, struct blob **updates)
{
    size_t slot = reflector * FAMILIES + family;

    if (!wire->length) {
        wire_free(wire);
        return;
    }
    blob_unref(backbone->tables[slot]);
    backbone->tables[slot] = NULL;
    updates[slot] = blob_of_messages(wire);
}

static void settle_reflector(struct backbone *backbone, size_t reflector, struct blob **updates)
{
    const struct reflector *it = &backbone->scenario->reflectors[reflector];

    destinations_settle(backbone->destinations, reflector);
    for (enum family family = 0; family < FAMILIES; family++) {
        struct wire wire = {0};

        if (!it->families[family])
            continue;
        if (family == FAMILY_LS)
            objects_write_changes(backbone->objects, it, &wire);
        else
            destinations_write_changes(backbone->destinations, reflector, family, &wire);
        publish(backbone, reflector, family, &wire, updates);
    }
}

void backbone_settle(struct backbone *backbone, struct blob **updates)
{
    size_t reflectors = backbone->scenario->reflector_count;

    memset(updates, 0, reflectors * FAMILIES * sizeof(struct blob *));
    objects_settle(backbone->objects);
    for (size_t r = 0; r < reflectors; r++)
        settle_reflector(backbone, r, updates);
    clear_touched(backbone);
}

struct backbone *backbone_new(struct scenario *scenario)
{
    struct backbone *backbone = memory_alloc(1, sizeof *backbone);

    backbone->scenario = scenario;
    backbone->objects = objects_new(scenario);
    backbone->destinations = destinations_new(scenario);
    backbone->tables = memory_alloc(scenario->reflector_count * FAMILIES, sizeof(struct blob *));
    return backbone;
}

void backbone_free(struct backbone *backbone)
{
    if (!backbone)
        return;
    for (size_t i = 0; i < backbone->scenario->reflector_count * FAMILIES; i++)
        blob_unref(backbone->tables[i]);
    free(backbone->tables);
    objects_free(backbone->objects);
    destinations_free(backbone->destinations);
    scenario_free(backbone->scenario);
    free(backbone);
}

struct scenario *backbone_scenario(struct backbone *backbone)
{
    return backbone->scenario;
}
