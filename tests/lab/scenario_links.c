/* scenario_links: links and LANs of a scenario; what they leave out is derived.
 *
 * The n-th link of the file (from 0) takes the n-th /31 and /127 of the interface pools; its interface
 * ids are twice its number, plus 1 and 2. A LAN is a pseudonode and a link to it from each member. */
#include "scenario_read.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t number24 = 0xffffff;          // RFC 8570: delays have 24 bits
static const uint64_t bandwidth_limit = 1ull << 60; // bit/s

const struct link_value_row link_value_rows[LINK_VALUES] = {
    [LINK_METRIC] = {"metric", "metric", 0xffffff, QUANTITY_NUMBER},
    [LINK_DELAY] = {"delay", "delay_us", number24, QUANTITY_NUMBER, true},
    [LINK_DELAY_MIN] = {"delay_min", "delay_min_us", number24, QUANTITY_NUMBER, true},
    [LINK_DELAY_MAX] = {"delay_max", "delay_max_us", number24, QUANTITY_NUMBER},
    [LINK_DELAY_VARIATION] = {"delay_variation", "delay_variation_us", number24, QUANTITY_NUMBER},
    [LINK_LOSS] = {"loss", "loss_3e8", number24, QUANTITY_PERCENT, true},
    [LINK_BANDWIDTH] = {"bandwidth", "bandwidth_bps", bandwidth_limit, QUANTITY_BANDWIDTH},
    [LINK_RESIDUAL] = {"residual", "residual_bps", bandwidth_limit, QUANTITY_BANDWIDTH},
    [LINK_AVAILABLE] = {"available", "available_bps", bandwidth_limit, QUANTITY_BANDWIDTH},
    [LINK_UTILIZED] = {"utilized", "utilized_bps", bandwidth_limit, QUANTITY_BANDWIDTH},
    [LINK_TE_METRIC] = {"te_metric", "te_metric", UINT32_MAX, QUANTITY_NUMBER},
    [LINK_ADMIN_GROUP] = {"admin_group", "admin_group", UINT32_MAX, QUANTITY_NUMBER},
    [LINK_RESERVABLE] = {"reservable", "reservable_bps", bandwidth_limit, QUANTITY_BANDWIDTH},
    [LINK_UNRESERVED] = {"unreserved", "unreserved_bps", bandwidth_limit, QUANTITY_BANDWIDTH},
    [LINK_PROTECTION] = {"protection", "protection", UINT16_MAX, QUANTITY_NUMBER},
    [LINK_MPLS] = {"mpls", "mpls", UINT8_MAX, QUANTITY_NUMBER},
};

struct link_form {
    struct link link;
    uint32_t stated[2]; // values that the file speaks of, if only to say "none"
    const struct tree *a, *b, *igp, *ipv4, *ipv6, *id, *topologies, *applications;
    struct octets standard, user; // of an application
    bool unnumbered;
};

/* 10000000000, 2500M, 10G: decimal multiples of bit/s. */
static bool parse_bandwidth(const char *text, uint64_t *out)
{
    static const char suffixes[] = "kMGT";
    size_t digits = strspn(text, "0123456789");
    uint64_t value = 0;

    if (digits == 0 || digits > 18)
        return false;
    for (size_t i = 0; i < digits; i++)
        value = 10 * value + (uint64_t)(text[i] - '0');
    if (text[digits]) {
        const char *suffix = strchr(suffixes, text[digits]);

        if (!suffix || text[digits + 1])
            return false;
        for (const char *at = suffixes; at <= suffix; at++) {
            if (__builtin_mul_overflow(value, UINT64_C(1000), &value))
                return false;
        }
    }
    *out = value;
    return true;
}

static bool read_quantity(struct reader *reader, const struct tree *node,
                          const struct link_value_row *row, uint64_t *out)
{
    const char *text;
    double percent;

    switch (row->quantity) {
    case QUANTITY_NUMBER:
        return reader_uint(reader, node, 0, row->greatest, row->key, out);
    case QUANTITY_PERCENT:
        if (!reader_decimal(reader, node, row->key, &percent))
            return false;
        if (percent > (double)row->greatest * 0.000003)
            return reader_fail(reader, node, "%s: more than 50.331645 per cent", row->key);
        *out = (uint64_t)llround(percent / 0.000003);
        return true;
    case QUANTITY_BANDWIDTH:
        text = reader_text(reader, node, "a bandwidth");
        if (!text)
            return false;
        return (parse_bandwidth(text, out) && *out <= row->greatest) ||
               reader_fail(reader, node, "%s: \"%s\"; bit/s such as 2500M or 10G expected",
                           row->key, text);
    }
    return false;
}

static enum link_value find_value(const char *key)
{
    enum link_value value = 0;

    while (strcmp(link_value_rows[value].key, key) != 0) {
        value++;
        assert(value < LINK_VALUES); // the tables of keys name no others
    }
    return value;
}

/* "1800", "1800 anomalous", "none". */
static bool read_half_value(struct reader *reader, const struct tree *item, enum link_value value,
                            struct link_values *values)
{
    const struct link_value_row *row = &link_value_rows[value];
    const uint32_t bit = UINT32_C(1) << value;
    const char *text = reader_text(reader, item, "a value");
    struct tree plain = *item;

    if (!text || is_none(item))
        return text != NULL;
    if (row->has_anomalous) {
        size_t length = strcspn(text, " ");

        if (strcmp(text + length, " anomalous") == 0) {
            values->anomalous |= bit;
            plain.text = arena_text(reader->scratch, text, length);
            plain.count = (uint32_t)length;
        }
    }
    values->has |= bit;
    return read_quantity(reader, &plain, row, &values->value[value]);
}

/* One value for both directions, or [a to b, b to a]; "none" leaves it out. */
static bool read_link_value(struct reader *reader, const struct tree *node, const struct key *key,
                            void *field)
{
    struct link_form *form = field;
    const enum link_value value = find_value(key->name);
    const uint32_t bit = UINT32_C(1) << value;

    if (node->shape == SHAPE_LIST && reader_count(node) != 2)
        return reader_fail(reader, node,
                           "%s: a list of %zu; one value, or [a to b, b to a] expected", key->name,
                           reader_count(node));
    for (size_t side = 0; side < 2; side++) {
        struct link_values *values = &form->link.half[side].values;

        form->stated[side] |= bit;
        values->has &= ~bit;
        values->anomalous &= ~bit;
        if (!read_half_value(reader, reader_item(node, side), value, values))
            return false;
    }
    return true;
}

/* "00000001 80000000": words of 32 bits, in hexadecimal. */
static bool read_groups_pair(struct reader *reader, const struct tree *node, const struct key *key,
                             void *field)
{
    struct octets octets[2];

    if (node->shape == SHAPE_LIST && node->count != 2)
        return reader_fail(reader, node,
                           "%s: a list of %u; one value, or [a to b, b to a] expected", key->name,
                           node->count);
    for (size_t side = 0; side < 2; side++) {
        const struct tree *item = reader_item(node, side);
        struct numbers *out =
            (struct numbers *)(void *)((char *)field + side * sizeof(struct half));

        if (!read_octets(reader, item, key, &octets[side]))
            return false;
        if (octets[side].length % 4 != 0)
            return reader_fail(reader, item,
                               "%s: %zu octets; words of 4 octets in hexadecimal expected",
                               key->name, octets[side].length);
        uint32_t *list = arena_alloc(reader->arena, octets[side].length / 4, sizeof *list);

        for (size_t i = 0; i < octets[side].length; i++)
            list[i / 4] = list[i / 4] << 8 | octets[side].bytes[i];
        *out = (struct numbers){.list = list, .count = octets[side].length / 4};
    }
    return true;
}

#define OF_HALF(member) offsetof(struct link_form, link.half[0].member)

static const struct key link_keys[] = {
    {"metric", read_link_value},
    {"delay", read_link_value},
    {"delay_min", read_link_value},
    {"delay_max", read_link_value},
    {"delay_variation", read_link_value},
    {"loss", read_link_value},
    {"bandwidth", read_link_value},
    {"residual", read_link_value},
    {"available", read_link_value},
    {"utilized", read_link_value},
    {"te_metric", read_link_value},
    {"admin_group", read_link_value},
    {"reservable", read_link_value},
    {"unreserved", read_link_value},
    {"protection", read_link_value},
    {"mpls", read_link_value},
    {"admin_groups", read_groups_pair, OF_HALF(values.groups), .high = 128},
    {"srlg", read_numbers_pair, OF_HALF(values.srlgs), .high = UINT32_MAX},
    {"link_name", read_line_pair, OF_HALF(name), .high = 255},
    {"msd", read_octets_pair, OF_HALF(msd), .high = 255},
    {"tlvs", read_tlvs_pair, OF_HALF(tlvs)},
    {"descriptors", read_tlvs_pair, OF_HALF(descriptors)},
    {"applications", read_node, offsetof(struct link_form, applications)},
    {"topologies", read_node, offsetof(struct link_form, topologies)},
    {"metric_octets", read_uint8, offsetof(struct link_form, link.metric_octets), .low = 1,
     .high = 3},
    {"ids_in_attribute", read_bool, offsetof(struct link_form, link.ids_in_attribute)},
    {"a", read_node, offsetof(struct link_form, a), .required = true},
    {"b", read_node, offsetof(struct link_form, b), .required = true},
    {"km", read_number, offsetof(struct link_form, link.km)},
    {"igp", read_node, offsetof(struct link_form, igp)},
    {"ipv4", read_node, offsetof(struct link_form, ipv4)},
    {"ipv6", read_node, offsetof(struct link_form, ipv6)},
    {"id", read_node, offsetof(struct link_form, id)},
    {"unnumbered", read_bool, offsetof(struct link_form, unnumbered)},
    {"down", read_bool, offsetof(struct link_form, link.down)},
};

/* SABM (RFC 9479 section 4.1, RFC 9350 section 12), in the first octet. */
static const struct word application_words[] = {
    {"rsvp-te", 0x80}, {"sr-policy", 0x40}, {"lfa", 0x20}, {"flex-algorithm", 0x10}, {NULL, 0},
};

/* Into a mask of four octets; "all" is no mask, which means every application. */
static bool read_applications_of(struct reader *reader, const struct tree *node,
                                 const struct key *key, void *field)
{
    uint8_t *mask = arena_alloc(reader->arena, 4, 1);

    if (node->shape == SHAPE_TEXT && strcmp(node->text, "all") == 0)
        return true;
    *(struct octets *)field = (struct octets){.bytes = mask, .length = 4};
    return read_words(reader, node, key, mask);
}

static bool read_mask(struct reader *reader, const struct tree *node, const struct key *key,
                      void *field)
{
    struct octets *mask = field;

    if (!read_octets(reader, node, key, mask))
        return false;
    return mask->length % 4 == 0 ||
           reader_fail(reader, node, "%s: %zu octets; 0, 4 or 8 expected", key->name, mask->length);
}

static const struct key application_keys[] = {
    {"of", read_applications_of, offsetof(struct link_form, standard), .required = true,
     .words = application_words},
    {"standard", read_mask, offsetof(struct link_form, standard), .high = 8},
    {"user", read_mask, offsetof(struct link_form, user), .high = 8},
    {"delay", read_link_value},
    {"delay_min", read_link_value},
    {"delay_max", read_link_value},
    {"delay_variation", read_link_value},
    {"loss", read_link_value},
    {"residual", read_link_value},
    {"available", read_link_value},
    {"utilized", read_link_value},
    {"te_metric", read_link_value},
    {"admin_group", read_link_value},
    {"admin_groups", read_groups_pair, OF_HALF(values.groups), .high = 128},
    {"srlg", read_numbers_pair, OF_HALF(values.srlgs), .high = UINT32_MAX},
    {"tlvs", read_tlvs_pair, OF_HALF(tlvs)},
};

static bool read_applications(struct loading *loading, const struct tree *node, struct link *link)
{
    struct arena *arena = loading->scenario->arena;
    size_t count = reader_count(node);
    struct application *lists[2] = {arena_alloc(arena, count, sizeof *lists[0]),
                                    arena_alloc(arena, count, sizeof *lists[1])};

    for (size_t i = 0; i < count; i++) {
        struct link_form form = {0};

        if (!reader_mapping(&loading->reader, reader_item(node, i), "an application",
                            application_keys, COUNT_OF(application_keys), &form))
            return false;
        for (size_t side = 0; side < 2; side++)
            lists[side][i] = (struct application){.standard = form.standard,
                                                  .user = form.user,
                                                  .values = form.link.half[side].values,
                                                  .tlvs = form.link.half[side].tlvs};
    }
    for (size_t side = 0; side < 2; side++) {
        link->half[side].applications = lists[side];
        link->half[side].application_count = count;
    }
    return true;
}

static const struct key member_keys[] = {
    {"metric", read_link_value},
    {"delay", read_link_value},
    {"loss", read_link_value},
    {"bandwidth", read_link_value},
    {"router", read_node, offsetof(struct link_form, a), .required = true},
    {"ipv4", read_node, offsetof(struct link_form, ipv4)},
    {"ipv6", read_node, offsetof(struct link_form, ipv6)},
    {"down", read_bool, offsetof(struct link_form, link.down)},
};

bool read_ends(struct loading *loading, const struct tree *node, read_value *read, const char *name,
               struct net *a, struct net *b)
{
    const struct key key = {.name = name};

    if (node->shape != SHAPE_LIST || reader_count(node) != 2)
        return reader_fail(&loading->reader, node, "%s: [at a, at b] expected", name);
    return read(&loading->reader, reader_item(node, 0), &key, a) &&
           read(&loading->reader, reader_item(node, 1), &key, b);
}

bool read_ids(struct loading *loading, const struct tree *node, uint32_t *a, uint32_t *b)
{
    struct reader *reader = &loading->reader;
    uint32_t *const ids[2] = {a, b};

    if (node->shape != SHAPE_LIST || reader_count(node) != 2)
        return reader_fail(reader, node, "id: [at a, at b] expected");
    for (size_t side = 0; side < 2; side++) {
        uint64_t id;

        if (!reader_uint(reader, reader_item(node, side), 0, UINT32_MAX, "id", &id))
            return false;
        *ids[side] = (uint32_t)id;
    }
    return true;
}

/* The number-th pair of the pool; false: it has no such pair. */
static bool derive_addresses(const struct net *pool, uint64_t number, struct net *a, struct net *b)
{
    unsigned length_bits = net_bits(pool);

    if (!pool->family || a->family)
        return true;
    return net_nth(pool, length_bits, 2 * number, a) &&
           net_nth(pool, length_bits, 2 * number + 1, b);
}

static bool complete_addresses(struct loading *loading, const struct tree *node,
                               struct link_form *form, uint64_t number)
{
    struct half *half = form->link.half;
    const struct pools *pools = &loading->interfaces;

    if (form->ipv4 &&
        !read_ends(loading, form->ipv4, read_ipv4, "ipv4", &half[0].ipv4, &half[1].ipv4))
        return false;
    if (form->ipv6 &&
        !read_ends(loading, form->ipv6, read_ipv6, "ipv6", &half[0].ipv6, &half[1].ipv6))
        return false;
    half[0].id = (uint32_t)(2 * number + 1);
    half[1].id = (uint32_t)(2 * number + 2);
    if (form->id && !read_ids(loading, form->id, &half[0].id, &half[1].id))
        return false;
    if (form->unnumbered)
        return true;
    bool has_ipv4 = derive_addresses(&pools->ipv4, number, &half[0].ipv4, &half[1].ipv4);
    bool has_ipv6 = derive_addresses(&pools->ipv6, number, &half[0].ipv6, &half[1].ipv6);

    return (has_ipv4 && has_ipv6) ||
           reader_fail(&loading->reader, node, "link %s %s: no room left in interfaces: %s",
                       loading->scenario->vertices[form->link.ends[0]].name,
                       loading->scenario->vertices[form->link.ends[1]].name,
                       has_ipv4 ? "ipv6" : "ipv4");
}

static bool derive_delay(struct loading *loading, const struct tree *node, struct link_form *form)
{
    double delay_us = form->link.km * loading->delay_us_per_km;

    if (form->link.km < 0 || !(loading->delay_us_per_km > 0))
        return true;
    if (delay_us > (double)number24)
        return reader_fail(&loading->reader, node, "km: more than 16.7 s of delay");
    for (size_t side = 0; side < 2; side++) {
        if (form->stated[side] >> LINK_DELAY & 1)
            continue;
        form->link.half[side].values.value[LINK_DELAY] = (uint64_t)llround(delay_us);
        form->link.half[side].values.has |= UINT32_C(1) << LINK_DELAY;
    }
    return true;
}

static bool check_link(struct loading *loading, const struct tree *node,
                       const struct link_form *form)
{
    const struct vertex *a = &loading->scenario->vertices[form->link.ends[0]];
    const struct vertex *b = &loading->scenario->vertices[form->link.ends[1]];

    if (!form->link.domains)
        return reader_fail(&loading->reader, node,
                           "link %s %s: the two have no level or area in common", a->name, b->name);
    if (form->link.domains & ~(a->domains & b->domains))
        return reader_fail(&loading->reader, node,
                           "link %s %s: igp names a level or area that not both have", a->name,
                           b->name);
    for (size_t side = 0; side < 2; side++) {
        uint32_t has = form->link.half[side].values.has;
        bool has_min = has >> LINK_DELAY_MIN & 1, has_max = has >> LINK_DELAY_MAX & 1;

        if (!(form->stated[side] >> LINK_METRIC & 1))
            return reader_fail(&loading->reader, node,
                               "link %s %s: key \"metric\" is missing (\"none\" is possible)",
                               a->name, b->name);
        if (has_min != has_max)
            return reader_fail(&loading->reader, node,
                               "link %s %s: delay_min and delay_max go together", a->name, b->name);
    }
    return true;
}

static bool load_link(struct loading *loading, const struct tree *node, size_t number,
                      struct link *out)
{
    struct scenario *scenario = loading->scenario;
    struct link_form form = {.link = {.km = -1}};

    if (!reader_mapping(&loading->reader, node, "a link", link_keys, COUNT_OF(link_keys), &form) ||
        !read_vertex(loading, form.a, &form.link.ends[0]) ||
        !read_vertex(loading, form.b, &form.link.ends[1]))
        return false;
    const struct vertex *a = &scenario->vertices[form.link.ends[0]];
    const struct vertex *b = &scenario->vertices[form.link.ends[1]];

    if (a == b)
        return reader_fail(&loading->reader, node, "link %s %s: two different routers expected",
                           a->name, b->name);
    form.link.domains = a->domains & b->domains;
    form.link.has_topologies = form.topologies != NULL;
    if ((form.topologies && !read_topologies(loading, form.topologies, &form.link.topologies)) ||
        (form.applications && !read_applications(loading, form.applications, &form.link)) ||
        (form.igp && !read_domains(loading, form.igp, &form.link.domains)) ||
        !complete_addresses(loading, node, &form, number) || !derive_delay(loading, node, &form) ||
        !check_link(loading, node, &form))
        return false;
    *out = form.link;
    return check_object(loading, node, OBJECT_LINK, 2 * number, out->domains) &&
           check_object(loading, node, OBJECT_LINK, 2 * number + 1, out->domains);
}

struct pair {
    size_t low, high; // ends, whichever way round
    size_t link;
};

static int compare_pairs(const void *a, const void *b)
{
    const struct pair *left = a, *right = b;

    if (left->low != right->low)
        return left->low < right->low ? -1 : 1;
    if (left->high != right->high)
        return left->high < right->high ? -1 : 1;
    return left->link < right->link ? -1 : 1;
}

static void number_parallel_links(struct scenario *scenario)
{
    struct pair *pairs = memory_alloc(scenario->link_count, sizeof *pairs);

    for (size_t i = 0; i < scenario->link_count; i++) {
        const size_t *ends = scenario->links[i].ends;
        bool swapped = ends[1] < ends[0];

        pairs[i] = (struct pair){.low = ends[swapped], .high = ends[!swapped], .link = i};
    }
    if (scenario->link_count)
        qsort(pairs, scenario->link_count, sizeof *pairs, compare_pairs);
    for (size_t i = 0; i < scenario->link_count; i++) {
        bool parallel =
            i > 0 && pairs[i].low == pairs[i - 1].low && pairs[i].high == pairs[i - 1].high;

        scenario->links[pairs[i].link].index =
            parallel ? scenario->links[pairs[i - 1].link].index + 1 : 1;
    }
    free(pairs);
}

// ---- LANs: a pseudonode, and a link to it from each member

struct lan_form {
    const char *name;
    const struct tree *designated, *members, *igp;
    struct net ipv4, ipv6;
    struct link_form values; // for members that say nothing else
    uint8_t number;
    bool silent;
};

static const struct key lan_keys[] = {
    {"name", read_name, offsetof(struct lan_form, name), .required = true},
    {"designated", read_node, offsetof(struct lan_form, designated), .required = true},
    {"members", read_node, offsetof(struct lan_form, members), .required = true},
    {"number", read_uint8, offsetof(struct lan_form, number), .low = 1, .high = 255},
    {"igp", read_node, offsetof(struct lan_form, igp)},
    {"ipv4", read_ipv4_prefix, offsetof(struct lan_form, ipv4)},
    {"ipv6", read_ipv6_prefix, offsetof(struct lan_form, ipv6)},
    {"metric", read_link_value, offsetof(struct lan_form, values)},
    {"no_metric_back", read_bool, offsetof(struct lan_form, silent)},
};

static bool load_member(struct loading *loading, const struct tree *node,
                        const struct lan_form *lan, size_t pseudonode, size_t position,
                        struct link *out)
{
    struct link_form form = lan->values;
    struct half *half = form.link.half;
    static const struct key ipv4 = {.name = "ipv4"}, ipv6 = {.name = "ipv6"};

    form.link.km = -1;
    form.a = node;
    if (node->shape == SHAPE_MAPPING && !reader_mapping(&loading->reader, node, "a member",
                                                        member_keys, COUNT_OF(member_keys), &form))
        return false;
    if (!read_vertex(loading, form.a, &form.link.ends[0]))
        return false;
    form.link.ends[1] = pseudonode;
    form.link.domains = loading->scenario->vertices[pseudonode].domains;
    if (lan->ipv4.family)
        (void)net_nth(&lan->ipv4, 32, position + 1, &half[0].ipv4);
    if (lan->ipv6.family)
        (void)net_nth(&lan->ipv6, 128, position + 1, &half[0].ipv6);
    if ((form.ipv4 && !read_ipv4(&loading->reader, form.ipv4, &ipv4, &half[0].ipv4)) ||
        (form.ipv6 && !read_ipv6(&loading->reader, form.ipv6, &ipv6, &half[0].ipv6)) ||
        !check_link(loading, node, &form))
        return false;
    half[1] = (struct half){0};
    if (!lan->silent)
        half[1].values.has = UINT32_C(1) << LINK_METRIC; // 0 from the pseudonode (L-081)
    *out = form.link;
    return true;
}

static bool begin_lan(struct loading *loading, const struct tree *node, size_t number,
                      struct lan_form *lan)
{
    struct scenario *scenario = loading->scenario;
    struct vertex vertex = {.pseudonode = true, .more.name = ""};

    *lan = (struct lan_form){.number = (uint8_t)(number % 255 + 1)};
    if (!reader_mapping(&loading->reader, node, "a LAN", lan_keys, COUNT_OF(lan_keys), lan) ||
        !read_vertex(loading, lan->designated, &vertex.designated))
        return false;
    if (scenario_find_vertex(scenario, lan->name) != SIZE_MAX)
        return reader_fail(&loading->reader, node, "LAN \"%s\": the name is taken", lan->name);
    vertex.name = lan->name;
    vertex.lan_number = lan->number;
    vertex.domains = scenario->vertices[vertex.designated].domains;
    memcpy(vertex.system_id, scenario->vertices[vertex.designated].system_id, 6);
    if (lan->igp && !read_domains(loading, lan->igp, &vertex.domains))
        return false;
    if (vertex.domains & (vertex.domains - 1))
        return reader_fail(&loading->reader, node,
                           "LAN \"%s\": key igp with one of its levels or areas expected",
                           lan->name);
    for (size_t i = scenario->router_count; i < scenario->vertex_count; i++) {
        const struct vertex *other = &scenario->vertices[i];

        if (other->designated == vertex.designated && other->lan_number == vertex.lan_number)
            return reader_fail(&loading->reader, node,
                               "LAN \"%s\": LAN \"%s\" of the same router has number %u, too",
                               lan->name, other->name, vertex.lan_number);
    }
    add_vertex(scenario, &vertex);
    return true;
}

static bool load_lan(struct loading *loading, const struct tree *node, size_t number)
{
    struct scenario *scenario = loading->scenario;
    size_t pseudonode = scenario->vertex_count;
    struct lan_form lan;

    if (!begin_lan(loading, node, number, &lan))
        return false;
    struct vertex *vertex = &scenario->vertices[pseudonode];
    bool designated_is_member = false;

    for (size_t i = 0; i < reader_count(lan.members); i++) {
        struct link *link = &scenario->links[scenario->link_count];

        if (!load_member(loading, reader_item(lan.members, i), &lan, pseudonode, i, link))
            return false;
        scenario->link_count++;
        if (link->ends[0] == vertex->designated) {
            designated_is_member = true;
            vertex->lan_address = link->half[0].ipv4;
        }
    }
    return designated_is_member ||
           reader_fail(&loading->reader, node, "LAN \"%s\": the designated router is no member",
                       lan.name);
}

static size_t count_members(struct loading *loading)
{
    size_t count = 0;

    for (size_t i = 0; loading->lans && i < reader_count(loading->lans); i++) {
        const struct tree *lan = reader_item(loading->lans, i);

        if (lan->shape != SHAPE_MAPPING)
            continue; // reported when it is loaded
        for (size_t key = 0; key < lan->count; key += 2)
            count += reader_count(&lan->items[key + 1]);
    }
    return count;
}

bool load_links(struct loading *loading)
{
    struct scenario *scenario = loading->scenario;
    size_t count = loading->links ? reader_count(loading->links) : 0;
    size_t members = count_members(loading); // and the LANs' other keys: a few too many

    if (count + members > LINK_LIMIT)
        return reader_fail(&loading->reader, loading->links ? loading->links : loading->lans,
                           "more than %d links", LINK_LIMIT);
    scenario->links = arena_alloc(scenario->arena, count + members, sizeof *scenario->links);
    for (size_t i = 0; i < count; i++) {
        if (!load_link(loading, reader_item(loading->links, i), i, &scenario->links[i]))
            return false;
        scenario->link_count++;
    }
    for (size_t i = 0; loading->lans && i < reader_count(loading->lans); i++) {
        if (!load_lan(loading, reader_item(loading->lans, i), i))
            return false;
    }
    number_parallel_links(scenario);
    return true;
}
