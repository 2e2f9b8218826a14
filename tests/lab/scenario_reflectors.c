/* scenario_reflectors: who speaks, where, to whom, and in which of the manners that BGP allows. */
#include "scenario_read.h"

#include <string.h>

const char *const family_names[FAMILIES] = {
    [FAMILY_LS] = "ls", [FAMILY_IPV4] = "ipv4", [FAMILY_IPV6] = "ipv6"};

size_t scenario_find_reflector(const struct scenario *scenario, const char *name)
{
    for (size_t i = 0; i < scenario->reflector_count; i++) {
        if (strcmp(scenario->reflectors[i].name, name) == 0)
            return i;
    }
    return SIZE_MAX;
}

bool read_reflectors(struct loading *loading, const struct tree *node, uint64_t *out)
{
    uint64_t mask = 0;

    for (size_t i = 0; i < reader_count(node); i++) {
        const struct tree *item = reader_item(node, i);
        const char *name = reader_text(&loading->reader, item, "the name of a reflector");
        size_t reflector = name ? scenario_find_reflector(loading->scenario, name) : SIZE_MAX;

        if (reflector == SIZE_MAX)
            return name && reader_fail(&loading->reader, item,
                                       "\"%s\"; the name of a reflector expected", name);
        mask |= UINT64_C(1) << reflector;
    }
    *out = mask;
    return true;
}

bool scenario_move_reflector(struct scenario *scenario, const char *text, struct error *err)
{
    const char *equals = strchr(text, '=');
    size_t length = equals ? (size_t)(equals - text) : 0;

    for (size_t i = 0; equals && i < scenario->reflector_count; i++) {
        struct reflector *reflector = &scenario->reflectors[i];

        if (strncmp(reflector->name, text, length) == 0 && !reflector->name[length])
            return net_parse_endpoint(equals + 1, &reflector->address, &reflector->port) ||
                   error_set(err, ERROR_INPUT, "%s: \"%s\"; ADDRESS:PORT expected", reflector->name,
                             equals + 1);
    }
    return error_set(err, ERROR_INPUT, "\"%s\"; REFLECTOR=ADDRESS:PORT expected", text);
}

static bool read_endpoint(struct reader *reader, const struct tree *node, const struct key *key,
                          void *field)
{
    const char *text = reader_text(reader, node, "ADDRESS:PORT");
    struct reflector *reflector = field;

    if (!text)
        return false;
    if (reflector->address.family)
        return reader_fail(reader, node, "%s: one of listen and connect expected", key->name);
    reflector->calls = strcmp(key->name, "connect") == 0;
    return net_parse_endpoint(text, &reflector->address, &reflector->port) ||
           reader_fail(reader, node, "%s: \"%s\"; ADDRESS:PORT such as 127.0.1.1:11179 expected",
                       key->name, text);
}

bool read_source(struct reader *reader, const struct tree *node, const struct key *key, void *field)
{
    const char *text = reader_text(reader, node, "an address");

    return text && (net_parse_address(text, field) ||
                    reader_fail(reader, node, "%s: \"%s\"; an address expected", key->name, text));
}

static const struct word family_words[] = {
    {"ls", FAMILY_LS}, {"ipv4", FAMILY_IPV4}, {"ipv6", FAMILY_IPV6}, {NULL, 0}};

bool read_families(struct reader *reader, const struct tree *node, const struct key *key,
                   void *field)
{
    const struct key with_words = {.name = key->name, .words = family_words};

    return read_names(reader, node, &with_words, field);
}

/* {ls: 1, ipv4: 4}: paths a prefix at most. */
static bool read_add_path(struct reader *reader, const struct tree *node, const struct key *key,
                          void *field)
{
    static const struct key keys[] = {
        {"ls", read_uint8, FAMILY_LS, .low = 1, .high = 255},
        {"ipv4", read_uint8, FAMILY_IPV4, .low = 1, .high = 255},
        {"ipv6", read_uint8, FAMILY_IPV6, .low = 1, .high = 255},
    };

    return reader_mapping(reader, node, key->name, keys, COUNT_OF(keys), field);
}

static bool read_form(struct reader *reader, const struct tree *node, const struct key *key,
                      void *field)
{
    static const struct key keys[] = {
        {"one_each", read_bool, offsetof(struct update_form, one_each)},
        {"attributes_first", read_bool, offsetof(struct update_form, attributes_first)},
        {"ipv4_in_mp", read_bool, offsetof(struct update_form, ipv4_in_mp)},
        {"ipv6_next_hop", read_bool, offsetof(struct update_form, ipv6_next_hop)},
        {"long_lengths", read_bool, offsetof(struct update_form, long_lengths)},
        {"link_local", read_ipv6, offsetof(struct update_form, link_local)},
    };

    return reader_mapping(reader, node, key->name, keys, COUNT_OF(keys), field);
}

bool parse_vanish(const char *text, struct vanish *out)
{
    static const char *const names[] = {[VANISH_NONE] = "none",
                                        [VANISH_FIN] = "fin",
                                        [VANISH_RESET] = "reset",
                                        [VANISH_SILENT] = "silent"};
    struct vanish vanish = {0};
    size_t length = strcspn(text, " ");
    char number[24];

    while (vanish.how < COUNT_OF(names) &&
           (strlen(names[vanish.how]) != length || strncmp(text, names[vanish.how], length) != 0))
        vanish.how++;
    if (vanish.how == COUNT_OF(names))
        return false;
    text += length;
    if (vanish.how != VANISH_NONE) {
        if (strncmp(text, " after ", 7) != 0)
            return false;
        text += 7;
        length = strcspn(text, " ");
        if (length >= sizeof number)
            return false;
        memcpy(number, text, length);
        number[length] = '\0';
        text += length;
        vanish.counts_updates = strcmp(text, " updates") == 0;
        if (!text_to_uint(number, UINT64_MAX, &vanish.after) ||
            (!vanish.counts_updates && strcmp(text, " octets") != 0))
            return false;
    } else if (*text) {
        return false;
    }
    *out = vanish;
    return true;
}

static bool read_vanish(struct reader *reader, const struct tree *node, const struct key *key,
                        void *field)
{
    const char *text = reader_text(reader, node, "one such as reset after 100 updates");

    return text &&
           (parse_vanish(text, field) ||
            reader_fail(reader, node,
                        "%s: \"%s\"; fin, reset or silent after NUMBER updates or octets, or none, "
                        "expected",
                        key->name, text));
}

/* "99 0102, 100": codes with their octets. */
static bool read_capabilities(struct reader *reader, const struct tree *node, const struct key *key,
                              void *field)
{
    struct reflector *reflector = field;
    struct tlvs tlvs;

    if (!read_tlvs(reader, node, key, &tlvs))
        return false;
    struct raw_capability *list = arena_alloc(reader->arena, tlvs.count, sizeof *list);
    size_t octets = 0;

    for (size_t i = 0; i < tlvs.count; i++) {
        octets += 2 + tlvs.list[i].value.length;
        if (tlvs.list[i].type > UINT8_MAX || octets > 100)
            return reader_fail(reader, node,
                               "%s: codes from 0 to 255 and at most 100 octets in all expected",
                               key->name);
        list[i] = (struct raw_capability){.code = (uint8_t)tlvs.list[i].type,
                                          .value = tlvs.list[i].value};
    }
    reflector->capabilities = list;
    reflector->capability_count = tlvs.count;
    return true;
}

static const struct key reflector_keys[] = {
    {"name", read_name, offsetof(struct reflector, name), .required = true},
    {"listen", read_endpoint, 0},
    {"connect", read_endpoint, 0},
    {"source", read_source, offsetof(struct reflector, source)},
    {"router_id", read_ipv4, offsetof(struct reflector, router_id), .required = true},
    {"cluster_id", read_ipv4, offsetof(struct reflector, cluster_id)},
    {"as", read_uint32, offsetof(struct reflector, as), .low = 1, .high = UINT32_MAX - 1},
    {"peer_as", read_uint32, offsetof(struct reflector, peer_as), .low = 1, .high = UINT32_MAX - 1},
    {"two_octet_as", read_bool, offsetof(struct reflector, two_octet_as)},
    {"families", read_families, offsetof(struct reflector, families)},
    {"add_path", read_add_path, offsetof(struct reflector, add_path)},
    {"path_ids_from", read_uint32, offsetof(struct reflector, path_id_base), .high = 1u << 31},
    {"end_of_rib", read_bool, offsetof(struct reflector, end_of_rib)},
    {"end_of_rib_late", read_uint16, offsetof(struct reflector, end_of_rib_late_s), .high = 65535},
    {"hold_time", read_uint16, offsetof(struct reflector, hold_time_s), .low = 0, .high = 65535},
    {"graceful_restart", read_uint16, offsetof(struct reflector, restart_time_s), .high = 4095},
    {"forwarding", read_families, offsetof(struct reflector, forwarding)},
    {"notification_restart", read_bool, offsetof(struct reflector, notification_restart)},
    {"long_lived", read_uint32, offsetof(struct reflector, long_lived_s), .high = 0xffffff},
    {"enhanced_refresh", read_bool, offsetof(struct reflector, enhanced_refresh)},
    {"capabilities", read_capabilities, 0},
    {"updates", read_form, offsetof(struct reflector, form)},
    {"vanish", read_vanish, offsetof(struct reflector, vanish)},
};

static bool check_reflector(struct loading *loading, const struct tree *node,
                            const struct reflector *reflector)
{
    struct reader *reader = &loading->reader;

    if (!reflector->address.family)
        return reader_fail(reader, node, "reflector \"%s\": key listen or connect is missing",
                           reflector->name);
    if (reflector->hold_time_s == 1 || reflector->hold_time_s == 2)
        return reader_fail(reader, node,
                           "reflector \"%s\": hold_time: 0, or at least 3 expected (RFC 4271 4.2)",
                           reflector->name);
    if (scenario_find_reflector(loading->scenario, reflector->name) != SIZE_MAX)
        return reader_fail(reader, node, "reflector \"%s\" is given twice", reflector->name);
    for (enum family family = 0; family < FAMILIES; family++) {
        if (reflector->add_path[family] && !reflector->families[family])
            return reader_fail(reader, node,
                               "reflector \"%s\": add_path: %s is not in its families",
                               reflector->name, family_names[family]);
    }
    if (reflector->long_lived_s && !reflector->restart_time_s)
        return reader_fail(reader, node,
                           "reflector \"%s\": long_lived needs graceful_restart (RFC 9494 4.2)",
                           reflector->name);
    return true;
}

static bool load_reflector(struct loading *loading, const struct tree *node, struct reflector *out)
{
    struct reflector reflector = {
        .as = loading->scenario->as,
        .families = {true, true, true},
        .forwarding = {true, true, true},
        .end_of_rib = true,
        .hold_time_s = 90,
        .restart_time_s = 120,
        .path_id_base = 1,
    };

    if (!reader_mapping(&loading->reader, node, "a reflector", reflector_keys,
                        COUNT_OF(reflector_keys), &reflector) ||
        !check_reflector(loading, node, &reflector))
        return false;
    if (!reflector.peer_as)
        reflector.peer_as = reflector.as;
    if (!reflector.cluster_id.family)
        reflector.cluster_id = reflector.router_id;
    *out = reflector;
    return true;
}

bool load_reflectors(struct loading *loading)
{
    struct scenario *scenario = loading->scenario;
    size_t count = reader_count(loading->reflectors);

    if (count == 0 || count > REFLECTOR_LIMIT)
        return reader_fail(&loading->reader, loading->reflectors,
                           "%zu reflectors; 1 to %d expected", count, REFLECTOR_LIMIT);
    scenario->reflectors = arena_alloc(scenario->arena, count, sizeof *scenario->reflectors);
    for (size_t i = 0; i < count; i++) {
        if (!load_reflector(loading, reader_item(loading->reflectors, i), &scenario->reflectors[i]))
            return false;
        scenario->reflector_count++;
    }
    return true;
}
