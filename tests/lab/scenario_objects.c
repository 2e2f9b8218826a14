/* scenario_objects: egress peers (RFC 9086), and link state that the file gives octet by octet. */
#include "scenario_read.h"

#include <string.h>

/* What a message has room for beside an NLRI and its attribute: header, lengths, MP_REACH's own part, the
 * other attributes, a topology, identifiers of paths. */
enum { ROOM_FOR_OBJECT = 4096 - 200 };

bool check_object(struct loading *loading, const struct tree *node, enum object_kind kind,
                  size_t subject, uint64_t domains)
{
    struct wire wire = {0};
    bool fits = true;

    for (size_t i = 0; fits && i < DOMAIN_LIMIT; i++) {
        struct object_id id = {.kind = kind, .subject = (uint32_t)subject, .domain = (uint8_t)i};

        if (!(domains >> i & 1))
            continue;
        wire.length = 0;
        link_state_nlri(loading->scenario, id, &wire);
        (void)link_state_attribute(loading->scenario, id, &wire);
        fits = wire.length <= ROOM_FOR_OBJECT;
    }
    size_t length = wire.length;

    wire_free(&wire);
    return fits || reader_fail(&loading->reader, node,
                               "%zu octets of NLRI and attribute; at most %d expected, so that "
                               "they fit a message",
                               length, ROOM_FOR_OBJECT);
}

// ---- egress peers

enum {
    PEER_NODE_SID = 1101,
    PEER_ADJACENCY_SID = 1102,
    PEER_SET_SID = 1103,
    SID_LIMIT = 16,

    SID_VALUE = 0x80, // V and L: a local label
    SID_LOCAL = 0x40,
    SID_BACKUP = 0x20,
    SID_PERSISTENT = 0x10,
};

struct egress_form {
    struct egress egress;
    const struct tree *router, *ipv4, *ipv6, *id, *node_sid, *adjacency_sid, *set_sid;
};

static const struct key egress_keys[] = {
    {"name", read_name, offsetof(struct egress_form, egress.name), .required = true},
    {"router", read_node, offsetof(struct egress_form, router), .required = true},
    {"peer_as", read_uint32, offsetof(struct egress_form, egress.peer_as), .required = true,
     .low = 1, .high = UINT32_MAX - 1},
    {"peer_id", read_ipv4, offsetof(struct egress_form, egress.peer_id), .required = true},
    {"as", read_uint32, offsetof(struct egress_form, egress.as), .low = 1, .high = UINT32_MAX - 1},
    {"router_id", read_ipv4, offsetof(struct egress_form, egress.router_id)},
    {"member_as", read_uint32, offsetof(struct egress_form, egress.member_as), .low = 1,
     .high = UINT32_MAX - 1},
    {"peer_member_as", read_uint32, offsetof(struct egress_form, egress.peer_member_as), .low = 1,
     .high = UINT32_MAX - 1},
    {"instance", read_uint64, offsetof(struct egress_form, egress.instance), .high = UINT64_MAX},
    {"ipv4", read_node, offsetof(struct egress_form, ipv4)},
    {"ipv6", read_node, offsetof(struct egress_form, ipv6)},
    {"id", read_node, offsetof(struct egress_form, id)},
    {"node_sid", read_node, offsetof(struct egress_form, node_sid)},
    {"adjacency_sid", read_node, offsetof(struct egress_form, adjacency_sid)},
    {"set_sid", read_node, offsetof(struct egress_form, set_sid)},
    {"tlvs", read_tlvs, offsetof(struct egress_form, egress.tlvs)},
    {"down", read_bool, offsetof(struct egress_form, egress.down)},
};

/* "label 24001 weight 5 backup persistent", "index 7". */
static bool parse_sid(struct arena *arena, const char *text, struct peer_sid *out)
{
    const char *kind = next_part(arena, &text, ' '), *number = next_part(arena, &text, ' '), *word;
    uint64_t value;

    if (!kind || !number)
        return false;
    out->is_label = strcmp(kind, "label") == 0;
    if ((!out->is_label && strcmp(kind, "index") != 0) ||
        !text_to_uint(number, out->is_label ? 0xfffff : UINT32_MAX, &value))
        return false;
    out->value = (uint32_t)value;
    if (out->is_label)
        out->flags = SID_VALUE | SID_LOCAL;
    while ((word = next_part(arena, &text, ' '))) {
        if (strcmp(word, "backup") == 0) {
            out->flags |= SID_BACKUP;
        } else if (strcmp(word, "persistent") == 0) {
            out->flags |= SID_PERSISTENT;
        } else if (strcmp(word, "weight") == 0) {
            number = next_part(arena, &text, ' ');
            if (!number || !text_to_uint(number, UINT8_MAX, &value))
                return false;
            out->weight = (uint8_t)value;
        } else {
            return false;
        }
    }
    return true;
}

static bool read_sids(struct loading *loading, const struct tree *node, uint16_t type,
                      struct peer_sid *list, size_t *count)
{
    for (size_t i = 0; node && i < reader_count(node); i++) {
        const struct tree *item = reader_item(node, i);
        const char *text = reader_text(&loading->reader, item, "a SID such as label 24001");

        if (!text)
            return false;
        if (*count == SID_LIMIT)
            return reader_fail(&loading->reader, item, "more than %d SIDs", SID_LIMIT);
        list[*count].type = type;
        if (!parse_sid(loading->reader.scratch, text, &list[(*count)++]))
            return reader_fail(&loading->reader, item,
                               "\"%.60s\"; a SID such as label 24001 weight 5 backup persistent, "
                               "or index 7, expected",
                               text);
    }
    return true;
}

static bool complete_egress(struct loading *loading, struct egress_form *form)
{
    struct scenario *scenario = loading->scenario;
    struct egress *egress = &form->egress;
    struct peer_sid *sids = arena_alloc(scenario->arena, SID_LIMIT, sizeof *sids);

    if (!read_router(loading, form->router, &egress->router))
        return false;
    if (!egress->as)
        egress->as = scenario->as;
    if (!egress->router_id.family)
        egress->router_id = scenario->vertices[egress->router].ipv4;
    egress->has_ids = form->id != NULL;
    egress->sids = sids;
    return (!form->ipv4 || read_ends(loading, form->ipv4, read_ipv4, "ipv4", &egress->ipv4[0],
                                     &egress->ipv4[1])) &&
           (!form->ipv6 || read_ends(loading, form->ipv6, read_ipv6, "ipv6", &egress->ipv6[0],
                                     &egress->ipv6[1])) &&
           (!form->id || read_ids(loading, form->id, &egress->id[0], &egress->id[1])) &&
           read_sids(loading, form->node_sid, PEER_NODE_SID, sids, &egress->sid_count) &&
           read_sids(loading, form->adjacency_sid, PEER_ADJACENCY_SID, sids, &egress->sid_count) &&
           read_sids(loading, form->set_sid, PEER_SET_SID, sids, &egress->sid_count);
}

bool load_egresses(struct loading *loading)
{
    struct scenario *scenario = loading->scenario;
    size_t count = loading->egresses ? reader_count(loading->egresses) : 0;

    if (count > OBJECT_LIMIT)
        return reader_fail(&loading->reader, loading->egresses, "more than %d egress peers",
                           OBJECT_LIMIT);
    scenario->egresses = arena_alloc(scenario->arena, count, sizeof *scenario->egresses);
    for (size_t i = 0; i < count; i++) {
        const struct tree *node = reader_item(loading->egresses, i);
        struct egress_form form = {.egress.instance = scenario->instance};

        if (!reader_mapping(&loading->reader, node, "an egress peer", egress_keys,
                            COUNT_OF(egress_keys), &form) ||
            !complete_egress(loading, &form))
            return false;
        if (scenario_find_egress(scenario, form.egress.name) != SIZE_MAX)
            return reader_fail(&loading->reader, node, "egress peer \"%s\" is given twice",
                               form.egress.name);
        scenario->egresses[scenario->egress_count++] = form.egress;
        if (!check_object(loading, node, OBJECT_EGRESS, i, 1))
            return false;
    }
    return true;
}

size_t scenario_find_egress(const struct scenario *scenario, const char *name)
{
    for (size_t i = 0; i < scenario->egress_count; i++) {
        if (strcmp(scenario->egresses[i].name, name) == 0)
            return i;
    }
    return SIZE_MAX;
}

// ---- objects as they stand

struct raw_form {
    struct raw_object object;
    const struct tree *attribute;
};

static const struct key raw_keys[] = {
    {"name", read_name, offsetof(struct raw_form, object.name), .required = true},
    {"nlri", read_octets, offsetof(struct raw_form, object.nlri), .required = true, .high = 4000},
    {"attribute", read_node, offsetof(struct raw_form, attribute), .required = true},
    {"down", read_bool, offsetof(struct raw_form, object.down)},
};

static bool load_object(struct loading *loading, const struct tree *node, struct raw_object *out)
{
    static const struct key attribute = {.name = "attribute", .high = 4000};
    struct raw_form form = {0};

    if (!reader_mapping(&loading->reader, node, "an object", raw_keys, COUNT_OF(raw_keys), &form))
        return false;
    if (scenario_find_object(loading->scenario, form.object.name) != SIZE_MAX)
        return reader_fail(&loading->reader, node, "object \"%s\" is given twice",
                           form.object.name);
    if (form.object.nlri.length == 0)
        return reader_fail(&loading->reader, node, "object \"%s\": an empty NLRI",
                           form.object.name);
    form.object.no_attribute = is_none(form.attribute);
    if (!form.object.no_attribute &&
        !read_octets(&loading->reader, form.attribute, &attribute, &form.object.attribute))
        return false;
    *out = form.object;
    return true;
}

bool load_objects(struct loading *loading)
{
    struct scenario *scenario = loading->scenario;
    size_t count = loading->objects ? reader_count(loading->objects) : 0;

    if (count > OBJECT_LIMIT)
        return reader_fail(&loading->reader, loading->objects, "more than %d objects",
                           OBJECT_LIMIT);
    scenario->raw_objects = arena_alloc(scenario->arena, count, sizeof *scenario->raw_objects);
    for (size_t i = 0; i < count; i++) {
        const struct tree *node = reader_item(loading->objects, i);

        if (!load_object(loading, node, &scenario->raw_objects[i]))
            return false;
        scenario->raw_object_count++;
        if (!check_object(loading, node, OBJECT_RAW, i, 1))
            return false;
    }
    return true;
}

size_t scenario_find_object(const struct scenario *scenario, const char *name)
{
    for (size_t i = 0; i < scenario->raw_object_count; i++) {
        if (strcmp(scenario->raw_objects[i].name, name) == 0)
            return i;
    }
    return SIZE_MAX;
}
