/* objects: NLRIs are encoded once; of attributes, what was last announced is kept.
 *
 * So a change is found by encoding what was touched once more and comparing octets: there is no list of
 * what a change can alter that could be wrong. */
#include "objects.h"

#include "link_state.h"
#include "packer.h"
#include "path_attributes.h"

#include <stdlib.h>
#include <string.h>

struct object {
    struct object_id id;
    bool said, no_attribute;
    uint16_t nlri_length, attribute_length;
    size_t attribute_room;
    uint8_t *nlri, *attribute;
};

struct objects {
    const struct scenario *scenario;
    struct arena *arena; // of octets
    struct object *list;
    size_t count, capacity;
    struct object **changed; // by the last settling, sorted for writing
    size_t changed_count;
};

static void add_object(struct objects *objects, struct object_id id)
{
    struct wire nlri = {0};

    link_state_nlri(objects->scenario, id, &nlri);
    objects->list =
        memory_grow(objects->list, objects->count, &objects->capacity, sizeof *objects->list);
    objects->list[objects->count++] =
        (struct object){.id = id,
                        .nlri = arena_copy(objects->arena, nlri.bytes, nlri.length),
                        .nlri_length = (uint16_t)nlri.length};
    wire_free(&nlri);
}

void objects_add_attachment(struct objects *objects, size_t attachment)
{
    const struct scenario *scenario = objects->scenario;
    const struct attachment *it = &scenario->attachments[attachment];

    for (size_t domain = 0; domain < scenario->domain_count; domain++) {
        if (it->domains >> domain & 1)
            add_object(objects, (struct object_id){
                                    .kind = OBJECT_PREFIX,
                                    .subject = (uint32_t)attachment,
                                    .domain = (uint8_t)domain,
                                    .topology = link_state_prefix_topology(scenario, it, domain)});
    }
}

static void add_link_objects(struct objects *objects, size_t link, size_t domain)
{
    const struct scenario *scenario = objects->scenario;
    uint32_t topologies = link_state_link_topologies(scenario, &scenario->links[link], domain);

    for (size_t i = 0; i < scenario->topology_count; i++) {
        for (uint32_t side = 0; topologies >> i & 1 && side < 2; side++)
            add_object(objects, (struct object_id){.kind = OBJECT_LINK,
                                                   .subject = 2 * (uint32_t)link + side,
                                                   .domain = (uint8_t)domain,
                                                   .topology = scenario->topologies[i]});
    }
}

static void add_objects(struct objects *objects)
{
    const struct scenario *scenario = objects->scenario;

    for (size_t i = 0; i < scenario->vertex_count; i++) {
        for (size_t domain = 0; domain < scenario->domain_count; domain++) {
            if (scenario->vertices[i].domains >> domain & 1)
                add_object(objects, (struct object_id){.kind = OBJECT_NODE,
                                                       .subject = (uint32_t)i,
                                                       .domain = (uint8_t)domain});
        }
    }
    for (size_t i = 0; i < scenario->link_count; i++) {
        for (size_t domain = 0; domain < scenario->domain_count; domain++) {
            if (scenario->links[i].domains >> domain & 1)
                add_link_objects(objects, i, domain);
        }
    }
    for (size_t i = 0; i < scenario->attachment_count; i++)
        objects_add_attachment(objects, i);
    for (size_t i = 0; i < scenario->egress_count; i++)
        add_object(objects, (struct object_id){.kind = OBJECT_EGRESS, .subject = (uint32_t)i});
    for (size_t i = 0; i < scenario->raw_object_count; i++)
        add_object(objects, (struct object_id){.kind = OBJECT_RAW, .subject = (uint32_t)i});
}

static bool is_touched(const struct scenario *scenario, struct object_id id)
{
    const struct link *link;
    const struct attachment *attachment;
    const struct egress *egress;

    switch (id.kind) {
    case OBJECT_NODE:
        return scenario->vertices[id.subject].touched;
    case OBJECT_LINK:
        link = &scenario->links[id.subject / 2];
        return link->touched || scenario->vertices[link->ends[0]].touched ||
               scenario->vertices[link->ends[1]].touched;
    case OBJECT_PREFIX:
        attachment = &scenario->attachments[id.subject];
        return attachment->touched || scenario->vertices[attachment->vertex].touched;
    case OBJECT_EGRESS:
        egress = &scenario->egresses[id.subject];
        return egress->touched || scenario->vertices[egress->router].touched;
    case OBJECT_RAW:
        break;
    }
    return scenario->raw_objects[id.subject].touched;
}

/* As memcmp; an empty attribute may have no octets at all. */
static int compare_octets(const uint8_t *a, const uint8_t *b, size_t length)
{
    return length ? memcmp(a, b, length) : 0;
}

/* Brings what is said to what is true; true where that is another thing. */
static bool settle_object(struct objects *objects, struct object *object, struct wire *scratch)
{
    bool was_said = object->said;

    object->said = link_state_is_up(objects->scenario, object->id);
    if (!object->said)
        return was_said;
    scratch->length = 0;
    object->no_attribute = !link_state_attribute(objects->scenario, object->id, scratch);
    if (was_said && scratch->length == object->attribute_length &&
        compare_octets(scratch->bytes, object->attribute, scratch->length) == 0)
        return false;
    if (scratch->length > object->attribute_room) {
        object->attribute = arena_alloc(objects->arena, scratch->length, 1);
        object->attribute_room = scratch->length;
    }
    if (scratch->length)
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
        order = left->no_attribute - right->no_attribute;
        if (order == 0)
            order = left->attribute_length - right->attribute_length;
        if (order == 0)
            order = compare_octets(left->attribute, right->attribute, left->attribute_length);
    }
    return order ? order : (left > right) - (left < right);
}

static bool same_attribute(const struct object *a, const struct object *b)
{
    return a->no_attribute == b->no_attribute && a->attribute_length == b->attribute_length &&
           compare_octets(a->attribute, b->attribute, a->attribute_length) == 0;
}

/* With path identifiers an object is said once for each path that the reflector has of everything. */
static void add_to(struct packer *packer, const struct object *object)
{
    const struct reflector *reflector = packer->reflector;
    uint32_t path = 0;

    do
        packer_add(packer, reflector->path_id_base + path, object->nlri, object->nlri_length);
    while (++path < reflector->add_path[FAMILY_LS]);
}

/* UPDATEs for sorted objects. */
static void write_objects(const struct reflector *reflector, struct object *const *list,
                          size_t count, struct wire *out)
{
    struct packer withdrawals = packer_begin(out, reflector, FAMILY_LS, NULL, NULL);
    struct wire attributes = {0};
    size_t i = 0;

    for (; i < count && !list[i]->said; i++)
        add_to(&withdrawals, list[i]);
    packer_end(&withdrawals);
    while (i < count) {
        const struct object *first = list[i];
        const struct octets contents = {.bytes = first->attribute,
                                        .length = first->attribute_length};
        struct packer packer =
            packer_begin(out, reflector, FAMILY_LS, &attributes, &reflector->router_id);

        attributes.length = 0;
        path_link_state_attributes(reflector, first->no_attribute ? NULL : &contents, &attributes);
        for (; i < count && same_attribute(list[i], first); i++)
            add_to(&packer, list[i]);
        packer_end(&packer);
    }
    wire_free(&attributes);
}

static size_t list_said(const struct objects *objects, struct object **list)
{
    size_t count = 0;

    for (size_t i = 0; i < objects->count; i++) {
        if (objects->list[i].said)
            list[count++] = &objects->list[i];
    }
    return count;
}

struct objects *objects_new(const struct scenario *scenario)
{
    struct objects *objects = memory_alloc(1, sizeof *objects);
    struct wire scratch = {0};

    objects->scenario = scenario;
    objects->arena = arena_new();
    add_objects(objects);
    for (size_t i = 0; i < objects->count; i++)
        (void)settle_object(objects, &objects->list[i], &scratch);
    wire_free(&scratch);
    return objects;
}

void objects_free(struct objects *objects)
{
    if (!objects)
        return;
    arena_free(objects->arena);
    free(objects->list);
    free(objects->changed);
    free(objects);
}

void objects_settle(struct objects *objects)
{
    struct wire scratch = {0};
    size_t capacity = 0;

    free(objects->changed);
    objects->changed = NULL;
    objects->changed_count = 0;
    for (size_t i = 0; i < objects->count; i++) {
        struct object *object = &objects->list[i];

        if (!is_touched(objects->scenario, object->id) || !settle_object(objects, object, &scratch))
            continue;
        objects->changed = memory_grow(objects->changed, objects->changed_count, &capacity,
                                       sizeof(struct object *));
        objects->changed[objects->changed_count++] = object;
    }
    if (objects->changed_count)
        qsort(objects->changed, objects->changed_count, sizeof(struct object *), compare_objects);
    wire_free(&scratch);
}

void objects_write_changes(const struct objects *objects, const struct reflector *reflector,
                           struct wire *out)
{
    write_objects(reflector, objects->changed, objects->changed_count, out);
}

void objects_write_table(const struct objects *objects, const struct reflector *reflector,
                         struct wire *out)
{
    struct object **list = memory_alloc(objects->count, sizeof(struct object *));
    size_t count = list_said(objects, list);

    if (count)
        qsort(list, count, sizeof(struct object *), compare_objects);
    write_objects(reflector, list, count, out);
    free(list);
}

size_t objects_count(const struct objects *objects)
{
    size_t count = 0;

    for (size_t i = 0; i < objects->count; i++)
        count += objects->list[i].said;
    return count;
}
