/* backbone: the difference between what is true and what was last said.
 *
 * Link state is a list of objects, each with the octets of its NLRI and of the attribute last announced.
 * Unicast is a list of destinations, each a run of routes (candidates) with one prefix; per reflector the
 * path last announced. Settling looks at what was touched only, except that a router which went or came
 * touches every destination: comparing a few numbers a destination is cheaper than an index. */
#include "backbone.h"

#include "link_state.h"
#include "message.h"

#include <stdlib.h>
#include <string.h>

enum { NOTHING = UINT32_MAX };

struct object {
    struct object_id id;
    bool said;
    uint16_t nlri_length, attribute_length;
    size_t attribute_room;
    uint8_t *nlri, *attribute;
};

struct destination {
    uint32_t first, count; // routes
};

/* A destination to be announced with a path, or withdrawn. */
struct change {
    uint32_t group; // 0: withdrawn; else 1 + path
    uint32_t destination;
};

struct backbone {
    struct scenario *scenario;
    struct arena *arena;
    struct object *objects;
    size_t object_count, object_capacity;
    struct destination *destinations;
    size_t destination_count;
    uint32_t *said;    // [destination * reflectors + reflector]: a path, or NOTHING
    uint32_t *touched; // destinations
    size_t touched_count, touched_capacity;
    bool all_touched;
    struct blob **tables; // [reflector * FAMILIES + family]; NULL: to be built
};

// ---- blobs

/* Takes the octets out of the wire. */
static struct blob *blob_new(struct wire *wire)
{
    struct blob *blob = memory_alloc(1, sizeof *blob);

    *blob = (struct blob){.references = 1, .length = wire->length, .bytes = wire->bytes};
    *wire = (struct wire){0};
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

// ---- link state

static void add_object(struct backbone *backbone, struct object_id id)
{
    struct wire nlri = {0};

    link_state_nlri(backbone->scenario, id, &nlri);
    backbone->objects = memory_grow(backbone->objects, backbone->object_count,
                                    &backbone->object_capacity, sizeof *backbone->objects);
    backbone->objects[backbone->object_count++] =
        (struct object){.id = id,
                        .nlri = arena_copy(backbone->arena, nlri.bytes, nlri.length),
                        .nlri_length = (uint16_t)nlri.length};
    wire_free(&nlri);
}

static bool has_topologies(const struct scenario *scenario, size_t domain)
{
    return scenario->topologies == 2 && scenario->domains[domain].protocol != PROTOCOL_OSPF;
}

static void add_attachment_objects(struct backbone *backbone, size_t attachment)
{
    const struct scenario *scenario = backbone->scenario;
    const struct attachment *it = &scenario->attachments[attachment];

    for (size_t domain = 0; domain < scenario->domain_count; domain++) {
        bool own = it->prefix.family == 6 && has_topologies(scenario, domain);

        if (it->domains >> domain & 1)
            add_object(backbone, (struct object_id){.kind = OBJECT_PREFIX,
                                                    .subject = (uint32_t)attachment,
                                                    .domain = (uint8_t)domain,
                                                    .topology = own ? 2 : 0});
    }
}

static void add_link_objects(struct backbone *backbone, size_t link, size_t domain)
{
    unsigned last = has_topologies(backbone->scenario, domain) ? 2 : 0;

    for (unsigned topology = 0; topology <= last; topology += 2) {
        for (uint32_t side = 0; side < 2; side++)
            add_object(backbone, (struct object_id){.kind = OBJECT_LINK,
                                                    .subject = 2 * (uint32_t)link + side,
                                                    .domain = (uint8_t)domain,
                                                    .topology = (uint8_t)topology});
    }
}

static void add_objects(struct backbone *backbone)
{
    const struct scenario *scenario = backbone->scenario;

    for (size_t i = 0; i < scenario->vertex_count; i++) {
        for (size_t domain = 0; domain < scenario->domain_count; domain++) {
            if (scenario->vertices[i].domains >> domain & 1)
                add_object(backbone, (struct object_id){.kind = OBJECT_NODE,
                                                        .subject = (uint32_t)i,
                                                        .domain = (uint8_t)domain});
        }
    }
    for (size_t i = 0; i < scenario->link_count; i++) {
        for (size_t domain = 0; domain < scenario->domain_count; domain++) {
            if (scenario->links[i].domains >> domain & 1)
                add_link_objects(backbone, i, domain);
        }
    }
    for (size_t i = 0; i < scenario->attachment_count; i++)
        add_attachment_objects(backbone, i);
}

static bool is_touched(const struct scenario *scenario, struct object_id id)
{
    const struct link *link;
    const struct attachment *attachment;

    switch (id.kind) {
    case OBJECT_NODE:
        return scenario->vertices[id.subject].touched;
    case OBJECT_LINK:
        link = &scenario->links[id.subject / 2];
        return link->touched || scenario->vertices[link->ends[0]].touched ||
               scenario->vertices[link->ends[1]].touched;
    case OBJECT_PREFIX:
        break;
    }
    attachment = &scenario->attachments[id.subject];
    return attachment->touched || scenario->vertices[attachment->vertex].touched;
}

/* Brings what is said to what is true; true where that is another thing. */
static bool settle_object(struct backbone *backbone, struct object *object, struct wire *scratch)
{
    bool was_said = object->said;

    object->said = link_state_is_up(backbone->scenario, object->id);
    if (!object->said)
        return was_said;
    scratch->length = 0;
    link_state_attribute(backbone->scenario, object->id, scratch);
    if (was_said && scratch->length == object->attribute_length &&
        memcmp(scratch->bytes, object->attribute, scratch->length) == 0)
        return false;
    if (scratch->length > object->attribute_room) {
        object->attribute = arena_alloc(backbone->arena, scratch->length, 1);
        object->attribute_room = scratch->length;
    }
    memcpy(object->attribute, scratch->bytes, scratch->length);
    object->attribute_length = (uint16_t)scratch->length;
    return true;
}

/* Withdrawn ones first; nodes, links, prefixes; equal attributes together; the order of the list. */
static int compare_objects(const void *a, const void *b)
{
    const struct object *left = *(const struct object *const *)a;
    const struct object *right = *(const struct object *const *)b;
    int order = left->said - right->said;

    if (order == 0)
        order = (int)left->id.kind - (int)right->id.kind;
    if (order == 0 && left->said) {
        order = left->attribute_length - right->attribute_length;
        if (order == 0)
            order = memcmp(left->attribute, right->attribute, left->attribute_length);
    }
    return order ? order : (left > right) - (left < right);
}

static bool same_attribute(const struct object *a, const struct object *b)
{
    return a->attribute_length == b->attribute_length &&
           memcmp(a->attribute, b->attribute, a->attribute_length) == 0;
}

/* UPDATEs for sorted objects. */
static void write_objects(const struct reflector *reflector, struct object *const *objects,
                          size_t count, struct wire *out)
{
    struct packer withdrawals = packer_begin(out, FAMILY_LS, NULL, NULL);
    struct wire attributes = {0};
    size_t i = 0;

    for (; i < count && !objects[i]->said; i++)
        packer_add(&withdrawals, objects[i]->nlri, objects[i]->nlri_length);
    packer_end(&withdrawals);
    while (i < count) {
        const struct object *first = objects[i];
        const struct wire contents = {.bytes = first->attribute, .length = first->attribute_length};
        struct packer packer = packer_begin(out, FAMILY_LS, &attributes, &reflector->router_id);

        attributes.length = 0;
        message_link_state_attributes(&contents, &attributes);
        for (; i < count && same_attribute(objects[i], first); i++)
            packer_add(&packer, objects[i]->nlri, objects[i]->nlri_length);
        packer_end(&packer);
    }
    wire_free(&attributes);
}

// ---- unicast

static void find_destinations(struct backbone *backbone)
{
    const struct scenario *scenario = backbone->scenario;

    backbone->destinations = memory_alloc(scenario->route_count, sizeof *backbone->destinations);
    for (size_t i = 0; i < scenario->route_count; i++) {
        if (i == 0 ||
            net_compare(&scenario->routes[i].prefix, &scenario->routes[i - 1].prefix) != 0)
            backbone->destinations[backbone->destination_count++] =
                (struct destination){.first = (uint32_t)i};
        backbone->destinations[backbone->destination_count - 1].count++;
    }
    size_t count = backbone->destination_count * scenario->reflector_count;

    backbone->said = memory_alloc(count, sizeof *backbone->said);
    memset(backbone->said, 0xff, count * sizeof *backbone->said);
}

/* The decision process as far as reflectors of one cluster differ in it (RFC 4271 section 9.1): the IGP
 * is left out, a favourite stands for what it would choose. Equal: the first in the file. */
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

static uint32_t choose_path(const struct backbone *backbone, size_t destination, size_t reflector)
{
    const struct scenario *scenario = backbone->scenario;
    const struct destination *it = &backbone->destinations[destination];
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

static const struct net *destination_prefix(const struct backbone *backbone, size_t destination)
{
    return &backbone->scenario->routes[backbone->destinations[destination].first].prefix;
}

static enum family destination_family(const struct backbone *backbone, size_t destination)
{
    return destination_prefix(backbone, destination)->family == 4 ? FAMILY_IPV4 : FAMILY_IPV6;
}

static uint32_t *said_by(const struct backbone *backbone, size_t destination, size_t reflector)
{
    return &backbone->said[destination * backbone->scenario->reflector_count + reflector];
}

static int compare_changes(const void *a, const void *b)
{
    const struct change *left = a, *right = b;

    if (left->group != right->group)
        return left->group < right->group ? -1 : 1;
    return (left->destination > right->destination) - (left->destination < right->destination);
}

/* UPDATEs for the changes, which it sorts. */
static void write_changes(const struct backbone *backbone, size_t reflector, enum family family,
                          struct change *changes, size_t count, struct wire *out)
{
    const struct scenario *scenario = backbone->scenario;
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
            packer_add_net(&packer, destination_prefix(backbone, changes[i].destination));
        packer_end(&packer);
    }
    wire_free(&attributes);
}

// ---- tables

static void write_link_state_table(const struct backbone *backbone, size_t reflector,
                                   struct wire *out)
{
    struct object **list = memory_alloc(backbone->object_count, sizeof(struct object *));
    size_t count = 0;

    for (size_t i = 0; i < backbone->object_count; i++) {
        if (backbone->objects[i].said)
            list[count++] = &backbone->objects[i];
    }
    if (count)
        qsort(list, count, sizeof(struct object *), compare_objects);
    write_objects(&backbone->scenario->reflectors[reflector], list, count, out);
    free(list);
}

static void write_unicast_table(const struct backbone *backbone, size_t reflector,
                                enum family family, struct wire *out)
{
    struct change *changes = memory_alloc(backbone->destination_count, sizeof *changes);
    size_t count = 0;

    for (size_t i = 0; i < backbone->destination_count; i++) {
        uint32_t path = *said_by(backbone, i, reflector);

        if (path != NOTHING && destination_family(backbone, i) == family)
            changes[count++] = (struct change){.group = path + 1, .destination = (uint32_t)i};
    }
    write_changes(backbone, reflector, family, changes, count, out);
    free(changes);
}

struct blob *backbone_table(struct backbone *backbone, size_t reflector, enum family family)
{
    struct blob **table = &backbone->tables[reflector * FAMILIES + family];
    struct wire wire = {0};

    if (*table)
        return blob_ref(*table);
    if (family == FAMILY_LS)
        write_link_state_table(backbone, reflector, &wire);
    else
        write_unicast_table(backbone, reflector, family, &wire);
    *table = blob_new(&wire);
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
    size_t count = 0;

    if (family == FAMILY_LS) {
        for (size_t i = 0; i < backbone->object_count; i++)
            count += backbone->objects[i].said;
        return count;
    }
    for (size_t i = 0; i < backbone->destination_count; i++)
        count += *said_by(backbone, i, reflector) != NOTHING &&
                 destination_family(backbone, i) == family;
    return count;
}

bool backbone_next_route(const struct backbone *backbone, size_t reflector, size_t *at,
                         const struct net **prefix, const struct path **path)
{
    while (*at < backbone->destination_count) {
        size_t destination = (*at)++;
        uint32_t said = *said_by(backbone, destination, reflector);

        if (said == NOTHING)
            continue;
        *prefix = destination_prefix(backbone, destination);
        *path = &backbone->scenario->paths[said];
        return true;
    }
    return false;
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

bool backbone_set_link_value(struct backbone *backbone, size_t a, size_t b, unsigned index,
                             bool one_way, enum link_value value, uint64_t number,
                             struct error *err)
{
    struct scenario *scenario = backbone->scenario;
    bool found = false;

    for (size_t i = 0; i < scenario->link_count; i++) {
        struct link *link = &scenario->links[i];

        if (!joins(link, a, b) || (index != ALL_LINKS && link->index != index))
            continue;
        for (size_t side = 0; side < 2; side++) {
            if (one_way && link->ends[side] != a)
                continue;
            link->half[side].value[value] = number;
            link->half[side].has |= UINT32_C(1) << value;
        }
        link->touched = true;
        found = true;
    }
    return found || no_such_link(scenario, a, b, index, err);
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
    backbone->all_touched = true;
}

void backbone_set_overload(struct backbone *backbone, size_t router, bool overload)
{
    backbone->scenario->vertices[router].overload = overload;
    backbone->scenario->vertices[router].touched = true;
}

static bool find_destination(const struct backbone *backbone, const struct net *prefix, size_t *out)
{
    size_t low = 0, high = backbone->destination_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = net_compare(destination_prefix(backbone, middle), prefix);

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

static void touch_destination(struct backbone *backbone, size_t destination)
{
    backbone->touched = memory_grow(backbone->touched, backbone->touched_count,
                                    &backbone->touched_capacity, sizeof *backbone->touched);
    backbone->touched[backbone->touched_count++] = (uint32_t)destination;
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
    add_attachment_objects(backbone, scenario->attachment_count - 1);
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
    size_t destination;
    bool found = false;

    if (!find_destination(backbone, prefix, &destination))
        return false;
    const struct destination *it = &backbone->destinations[destination];

    for (uint32_t i = it->first; i < it->first + it->count; i++) {
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
    touch_destination(backbone, destination);
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

bool backbone_withdraw_prefix(struct backbone *backbone, const struct net *prefix, size_t router,
                              bool withdrawn, struct error *err)
{
    struct scenario *scenario = backbone->scenario;
    size_t destination;
    bool found = false;

    for (size_t i = 0; i < scenario->attachment_count; i++) {
        struct attachment *it = &scenario->attachments[i];

        if ((router != SIZE_MAX && it->vertex != router) || net_compare(&it->prefix, prefix) != 0)
            continue;
        it->withdrawn = withdrawn;
        it->touched = true;
        found = true;
    }
    if (find_destination(backbone, prefix, &destination)) {
        const struct destination *it = &backbone->destinations[destination];

        for (uint32_t i = it->first; i < it->first + it->count; i++) {
            struct route *route = &scenario->routes[i];

            if (router != SIZE_MAX && scenario->paths[route->path].router != router)
                continue;
            route->withdrawn = withdrawn;
            found = true;
        }
        touch_destination(backbone, destination);
    }
    return found || no_such_prefix(prefix, err);
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
    backbone->touched_count = 0;
    backbone->all_touched = false;
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
    updates[slot] = blob_new(wire);
}

static void settle_link_state(struct backbone *backbone, struct blob **updates)
{
    const struct scenario *scenario = backbone->scenario;
    struct object **changed = NULL;
    size_t count = 0, capacity = 0;
    struct wire scratch = {0};

    for (size_t i = 0; i < backbone->object_count; i++) {
        struct object *object = &backbone->objects[i];

        if (!is_touched(scenario, object->id) || !settle_object(backbone, object, &scratch))
            continue;
        changed = memory_grow(changed, count, &capacity, sizeof(struct object *));
        changed[count++] = object;
    }
    if (count)
        qsort(changed, count, sizeof(struct object *), compare_objects);
    for (size_t r = 0; r < scenario->reflector_count; r++) {
        struct wire wire = {0};

        if (!scenario->reflectors[r].families[FAMILY_LS])
            continue;
        write_objects(&scenario->reflectors[r], changed, count, &wire);
        publish(backbone, r, FAMILY_LS, &wire, updates);
    }
    wire_free(&scratch);
    free(changed);
}

/* The changes of one reflector, of both families. */
static size_t find_changes(struct backbone *backbone, size_t reflector, struct change *changes)
{
    size_t limit = backbone->all_touched ? backbone->destination_count : backbone->touched_count;
    size_t count = 0;

    for (size_t i = 0; i < limit; i++) {
        size_t destination = backbone->all_touched ? i : backbone->touched[i];
        uint32_t *said = said_by(backbone, destination, reflector);
        uint32_t path = choose_path(backbone, destination, reflector);

        if (path == *said)
            continue;
        *said = path;
        changes[count++] = (struct change){.group = path == NOTHING ? 0 : path + 1,
                                           .destination = (uint32_t)destination};
    }
    return count;
}

static void settle_reflector(struct backbone *backbone, size_t reflector, struct change *changes,
                             struct change *of_family, struct blob **updates)
{
    const struct reflector *it = &backbone->scenario->reflectors[reflector];
    size_t count = find_changes(backbone, reflector, changes);

    for (enum family family = FAMILY_IPV4; family < FAMILIES; family++) {
        struct wire wire = {0};
        size_t own = 0;

        if (!it->families[family])
            continue;
        for (size_t i = 0; i < count; i++) {
            if (destination_family(backbone, changes[i].destination) == family)
                of_family[own++] = changes[i];
        }
        write_changes(backbone, reflector, family, of_family, own, &wire);
        publish(backbone, reflector, family, &wire, updates);
    }
}

void backbone_settle(struct backbone *backbone, struct blob **updates)
{
    size_t reflectors = backbone->scenario->reflector_count;
    size_t limit = backbone->all_touched ? backbone->destination_count : backbone->touched_count;
    struct change *changes = memory_alloc(limit, sizeof *changes);
    struct change *of_family = memory_alloc(limit, sizeof *of_family);

    memset(updates, 0, reflectors * FAMILIES * sizeof *updates);
    settle_link_state(backbone, updates);
    for (size_t r = 0; r < reflectors; r++)
        settle_reflector(backbone, r, changes, of_family, updates);
    clear_touched(backbone);
    free(changes);
    free(of_family);
}

/* What is true at the start counts as said: sessions begin with the tables. */
static void begin(struct backbone *backbone)
{
    struct wire scratch = {0};

    for (size_t i = 0; i < backbone->object_count; i++)
        (void)settle_object(backbone, &backbone->objects[i], &scratch);
    for (size_t i = 0; i < backbone->destination_count; i++) {
        for (size_t r = 0; r < backbone->scenario->reflector_count; r++)
            *said_by(backbone, i, r) = choose_path(backbone, i, r);
    }
    wire_free(&scratch);
}

struct backbone *backbone_new(struct scenario *scenario)
{
    struct backbone *backbone = memory_alloc(1, sizeof *backbone);

    backbone->scenario = scenario;
    backbone->arena = arena_new();
    backbone->tables = memory_alloc(scenario->reflector_count * FAMILIES, sizeof(struct blob *));
    add_objects(backbone);
    find_destinations(backbone);
    begin(backbone);
    return backbone;
}

void backbone_free(struct backbone *backbone)
{
    if (!backbone)
        return;
    for (size_t i = 0; i < backbone->scenario->reflector_count * FAMILIES; i++)
        blob_unref(backbone->tables[i]);
    free(backbone->tables);
    free(backbone->objects);
    free(backbone->destinations);
    free(backbone->said);
    free(backbone->touched);
    arena_free(backbone->arena);
    scenario_free(backbone->scenario);
    free(backbone);
}

struct scenario *backbone_scenario(struct backbone *backbone)
{
    return backbone->scenario;
}
