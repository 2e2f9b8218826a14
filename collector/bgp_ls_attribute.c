/* bgp_ls_attribute: three tables of TLVs, and one way through them.
 *
 * The hard part is that some values of a link can stand in two kinds of places: at top level, where they speak for
 * RSVP-TE, and in 1122, where they speak for the applications that it names (RFC 9294). Each such value has a rank
 * by its place; the best rank stands, and among equals the first (L-067). A value that says "not known" (1116 of
 * 0, L-064) is as if it had not come, so it hides nothing. */
#include "bgp_ls_attribute.h"

#include "cursor.h"
#include "octets.h"
#include "printable.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    AREA_LIMIT = 13, // octets of an IS-IS area address
    RULE_LIMIT = 48, // of one table
    ANY = 0xffff,
};

/* Where a value stood, best first (L-067). */
enum rank {
    RANK_ANY_APPLICATION,
    RANK_TOP,
    RANK_FLEX,
    RANK_SR_POLICY,
    RANK_LFA,
    RANK_RSVP_TE,
    RANK_USER,
    RANK_NONE,
};

struct addresses_read {
    struct prefix *list;
    size_t count, capacity;
};

struct reading {
    const struct table *table;
    struct arena *arena;
    struct faults *faults;
    struct ls_node *node; // one of the three
    struct ls_link *link;
    struct ls_prefix *prefix;
    struct addresses_read local_ipv4, local_ipv6, remote_ipv4, remote_ipv6; // 1028 to 1031
    struct octets *areas;
    size_t area_count, area_capacity;
    enum rank rank[RULE_LIMIT]; // of what is held, by the rule's place in its table
    struct octets tlv;          // being read, whole
    uint8_t *other;             // room for the whole attribute
    size_t other_length;
};

enum outcome {
    HELD,
    ABSENT, // a value that means "not known"
    BAD,    // not a possible value
};

enum repeat { ONCE, REPEATS };

struct rule {
    uint16_t type, min, max, step; // octets of value: min, or so many steps more
    enum repeat repeat;
    bool application; // may stand in 1122
    enum outcome (*read)(struct reading *reading,
                         struct cursor value); // NULL: only the length is checked
};

struct table {
    const struct rule *rules;
    size_t count;
};

static void *grow(struct arena *arena, void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity ? 2 * *capacity : 4;
    void *larger = arena_alloc(arena, *capacity, size);
    if (count)
        memcpy(larger, items, count * size);
    return larger;
}

static void keep_raw(struct reading *reading)
{
    memcpy(reading->other + reading->other_length, reading->tlv.bytes, reading->tlv.length);
    reading->other_length += reading->tlv.length;
}

static struct octets other(const struct reading *reading)
{
    return (struct octets){.bytes = reading->other_length ? reading->other : NULL,
                           .length = reading->other_length};
}

static struct addresses addresses_sorted(const struct addresses_read *read)
{
    return (struct addresses){.list = read->list,
                              .count = octets_sort_addresses(read->list, read->count)};
}

static enum outcome add_address(struct reading *reading, struct addresses_read *to,
                                struct cursor value)
{
    enum family family = value.left == 4 ? FAMILY_IPV4 : FAMILY_IPV6;

    to->list = grow(reading->arena, to->list, to->count, &to->capacity, sizeof *to->list);
    to->list[to->count++] = octets_address(family, value.at);
    return HELD;
}

static enum outcome read_local_ipv4(struct reading *reading, struct cursor value)
{
    return add_address(reading, &reading->local_ipv4, value);
}

static enum outcome read_local_ipv6(struct reading *reading, struct cursor value)
{
    return add_address(reading, &reading->local_ipv6, value);
}

static enum outcome read_remote_ipv4(struct reading *reading, struct cursor value)
{
    return add_address(reading, &reading->remote_ipv4, value);
}

static enum outcome read_remote_ipv6(struct reading *reading, struct cursor value)
{
    return add_address(reading, &reading->remote_ipv6, value);
}

/* ---- The way through a table ---- */

static const struct rule *rule_find(const struct table *table, uint16_t type)
{
    for (size_t i = 0; i < table->count; i++)
        if (table->rules[i].type == type)
            return &table->rules[i];
    return NULL;
}

static bool rule_fits(const struct rule *rule, size_t length)
{
    return length >= rule->min && length <= rule->max && (length - rule->min) % rule->step == 0;
}

/* Reads the value if it stands in a better place than what is held. false: it is no possible one. */
static bool hold(struct reading *reading, const struct rule *rule, struct cursor value,
                 enum rank rank)
{
    enum rank *held = &reading->rank[rule - reading->table->rules];

    if (rule->repeat == ONCE && rank >= *held)
        return true;
    switch (rule->read(reading, value)) {
    case HELD:
        *held = rank;
        break;
    case ABSENT:
        break;
    case BAD:
        faults_count(reading->faults, FAULT_LS_TLV_VALUE);
        return false;
    }
    return true;
}

/* One TLV at top level. *met: which single-valued ones have been met, a bit a rule. */
static void take_tlv(struct reading *reading, uint16_t type, struct cursor value, uint64_t *met)
{
    const struct rule *rule = rule_find(reading->table, type);

    if (!rule) {
        keep_raw(reading);
        return;
    }
    if (!rule_fits(rule, value.left)) { // costs this TLV (L-092)
        faults_count(reading->faults, FAULT_LS_TLV_LENGTH);
        return;
    }
    uint64_t bit = UINT64_C(1) << (rule - reading->table->rules);
    if (rule->repeat == ONCE && *met & bit) { // the first counts (L-012)
        faults_count(reading->faults, FAULT_LS_TLV_REPEATED);
        keep_raw(reading);
        return;
    }
    if (!rule->read)
        keep_raw(reading);
    else if (!hold(reading, rule, value, RANK_TOP))
        return; // dropped, so not the first of its type (L-063)
    *met |= bit;
}

static void read_tlvs(struct reading *reading, struct octets attribute)
{
    struct cursor tlvs = cursor_over(attribute);
    uint64_t met = 0;

    reading->other = arena_alloc(reading->arena, attribute.length, 1);
    for (size_t i = 0; i < RULE_LIMIT; i++)
        reading->rank[i] = RANK_NONE;
    while (tlvs.left) {
        struct cursor begin = tlvs;
        uint16_t type = cursor_u16(&tlvs);
        struct cursor value = cursor_sub(&tlvs, cursor_u16(&tlvs));

        if (tlvs.failed)
            break;
        reading->tlv = cursor_since(&begin, &tlvs);
        take_tlv(reading, type, value, &met);
    }
    if (tlvs.failed) // what stood before the fault is kept (L-091)
        faults_count(reading->faults, FAULT_LS_ATTRIBUTE_OVERRUN);
}

/* ---- Nodes (part 5) ---- */

static enum outcome read_topologies(struct reading *reading, struct cursor value)
{
    size_t count = value.left / 2;
    uint16_t *list = arena_alloc(reading->arena, count, sizeof *list);

    for (size_t i = 0; i < count; i++)
        list[i] = cursor_u16(&value); // with the upper bits, which mean something here (L-034)
    reading->node->topologies = list;
    reading->node->topology_count = count;
    return HELD;
}

static enum outcome read_node_flags(struct reading *reading, struct cursor value)
{
    reading->node->has_flags = true;
    reading->node->flags = cursor_u8(&value);
    return HELD;
}

/* An empty name is no name. */
static const char *name_text(struct reading *reading, struct cursor value)
{
    return value.left ? printable_text(reading->arena, cursor_rest(&value)) : NULL;
}

static enum outcome read_node_name(struct reading *reading, struct cursor value)
{
    reading->node->name = name_text(reading, value);
    return HELD;
}

static enum outcome read_area(struct reading *reading, struct cursor value)
{
    reading->areas = grow(reading->arena, reading->areas, reading->area_count,
                          &reading->area_capacity, sizeof *reading->areas);
    struct octets *area = &reading->areas[reading->area_count++];
    area->length = value.left;
    area->bytes = arena_copy(reading->arena, value.at, value.left);
    return HELD;
}

static const struct rule node_rules[] = {
    {263, 2, ANY, 2, ONCE, false, read_topologies}, // RFC 9552 5.2.2.1
    {266, 2, ANY, 2, ONCE, false, NULL},            // RFC 8814 3
    {1024, 1, ANY, 1, ONCE, false, read_node_flags},
    {1026, 0, ANY, 1, ONCE, false, read_node_name},
    {1027, 1, AREA_LIMIT, 1, REPEATS, false, read_area},
    {1028, 4, 4, 1, REPEATS, false, read_local_ipv4},
    {1029, 16, 16, 1, REPEATS, false, read_local_ipv6},
};

/* ---- Links (part 6) ---- */

static void link_set(struct reading *reading, uint32_t *field, uint32_t value, enum ls_link_has has)
{
    *field = value;
    reading->link->has |= has;
}

static enum outcome read_link_ids(struct reading *reading, struct cursor value)
{
    reading->link->local_link_id = cursor_u32(&value);
    reading->link->remote_link_id = cursor_u32(&value);
    reading->link->has |= LINK_LINK_IDS;
    return HELD;
}

static enum outcome read_admin_group(struct reading *reading, struct cursor value)
{
    link_set(reading, &reading->link->admin_group, cursor_u32(&value), LINK_ADMIN_GROUP);
    return HELD;
}

/* Bytes a second as a float; kept as bits a second, exactly (L-063). */
static enum outcome read_bandwidth(struct reading *reading, struct cursor *value, double *bps,
                                   enum ls_link_has has)
{
    uint32_t bits = cursor_u32(value);
    float bytes_per_second;

    static_assert(sizeof bytes_per_second == sizeof bits, "binary32");
    memcpy(&bytes_per_second, &bits, sizeof bits);
    if (!isfinite(bytes_per_second) || bytes_per_second < 0)
        return BAD;
    *bps = bytes_per_second > 0 ? (double)bytes_per_second * 8 : 0; // -0 is 0
    reading->link->has |= has;
    return HELD;
}

static enum outcome read_max_bandwidth(struct reading *reading, struct cursor value)
{
    return read_bandwidth(reading, &value, &reading->link->max_bandwidth_bps, LINK_MAX_BANDWIDTH);
}

static enum outcome read_max_reservable(struct reading *reading, struct cursor value)
{
    return read_bandwidth(reading, &value, &reading->link->max_reservable_bps, LINK_MAX_RESERVABLE);
}

static enum outcome read_te_metric(struct reading *reading, struct cursor value)
{
    uint32_t metric = (uint32_t)cursor_uint(&value, value.left);

    link_set(reading, &reading->link->te_metric, metric, LINK_TE_METRIC);
    return HELD;
}

static enum outcome read_igp_metric(struct reading *reading, struct cursor value)
{
    bool narrow = value.left == 1;
    uint32_t metric = (uint32_t)cursor_uint(&value, value.left);

    link_set(reading, &reading->link->igp_metric, narrow ? metric & 0x3f : metric, LINK_IGP_METRIC);
    return HELD;
}

static enum outcome read_srlgs(struct reading *reading, struct cursor value)
{
    uint8_t *items = arena_copy(reading->arena, value.at, value.left);
    size_t count = octets_sort(items, value.left / 4, 4);
    uint32_t *list = arena_alloc(reading->arena, count, sizeof *list);
    struct cursor sorted = {.at = items, .left = 4 * count};

    for (size_t i = 0; i < count; i++)
        list[i] = cursor_u32(&sorted);
    reading->link->srlgs = list;
    reading->link->srlg_count = count;
    return HELD;
}

static enum outcome read_link_name(struct reading *reading, struct cursor value)
{
    reading->link->name = name_text(reading, value);
    return HELD;
}

enum { ANOMALOUS = 0x80 }; // A, of the first octet (L-060)

static enum outcome read_delay(struct reading *reading, struct cursor value)
{
    reading->link->delay_anomalous = cursor_u8(&value) & ANOMALOUS;
    link_set(reading, &reading->link->delay_us, (uint32_t)cursor_uint(&value, 3), LINK_DELAY);
    return HELD;
}

static enum outcome read_delay_min_max(struct reading *reading, struct cursor value)
{
    struct ls_link *link = reading->link;

    link->delay_min_max_anomalous = cursor_u8(&value) & ANOMALOUS;
    link_set(reading, &link->delay_min_us, (uint32_t)cursor_uint(&value, 3), LINK_DELAY_MIN);
    (void)cursor_u8(&value);
    link->delay_max_us = (uint32_t)cursor_uint(&value, 3);
    link->has |= LINK_DELAY_MAX;
    if (link->delay_max_us < link->delay_min_us) { // L-069
        link->delay_max_us = 0;
        link->has &= ~(uint32_t)LINK_DELAY_MAX;
        faults_count(reading->faults, FAULT_LS_TLV_VALUE);
    }
    return HELD;
}

static enum outcome read_delay_variation(struct reading *reading, struct cursor value)
{
    (void)cursor_u8(&value); // reserved: no A bit here
    uint32_t variation_us = (uint32_t)cursor_uint(&value, 3);

    if (variation_us == 0) // not measured (L-064)
        return ABSENT;
    link_set(reading, &reading->link->delay_variation_us, variation_us, LINK_DELAY_VARIATION);
    return HELD;
}

static enum outcome read_loss(struct reading *reading, struct cursor value)
{
    reading->link->loss_anomalous = cursor_u8(&value) & ANOMALOUS;
    link_set(reading, &reading->link->loss_3e8, (uint32_t)cursor_uint(&value, 3), LINK_LOSS);
    return HELD;
}

static enum outcome read_residual(struct reading *reading, struct cursor value)
{
    return read_bandwidth(reading, &value, &reading->link->residual_bps, LINK_RESIDUAL);
}

static enum outcome read_available(struct reading *reading, struct cursor value)
{
    return read_bandwidth(reading, &value, &reading->link->available_bps, LINK_AVAILABLE);
}

static enum outcome read_utilized(struct reading *reading, struct cursor value)
{
    return read_bandwidth(reading, &value, &reading->link->utilized_bps, LINK_UTILIZED);
}

/* The best of the applications that a 1122 names (L-067); RANK_NONE: it names none. */
static enum rank applications_rank(struct octets standard, struct octets user)
{
    static const struct {
        uint8_t bit;
        enum rank rank;
    } ranks[] = {{0x10, RANK_FLEX}, {0x40, RANK_SR_POLICY}, {0x20, RANK_LFA}, {0x80, RANK_RSVP_TE}};

    if (!standard.length && !user.length)
        return RANK_ANY_APPLICATION;
    for (size_t i = 0; standard.length && i < sizeof ranks / sizeof *ranks; i++)
        if (standard.bytes[0] & ranks[i].bit)
            return ranks[i].rank;
    for (size_t i = 0; i < standard.length; i++)
        if (standard.bytes[i])
            return RANK_USER; // an application that we do not know
    for (size_t i = 0; i < user.length; i++)
        if (user.bytes[i])
            return RANK_USER;
    return RANK_NONE;
}

static bool is_mask_length(uint8_t length)
{
    return length == 0 || length == 4 || length == 8;
}

/* 1122 (L-066). Its octets are kept whole besides, for what no column holds. */
static enum outcome read_applications(struct reading *reading, struct cursor value)
{
    uint8_t standard_length = cursor_u8(&value);
    uint8_t user_length = cursor_u8(&value);
    (void)cursor_u16(&value); // reserved
    struct cursor standard = cursor_sub(&value, standard_length);
    struct cursor user = cursor_sub(&value, user_length);

    if (value.failed || !is_mask_length(standard_length) || !is_mask_length(user_length))
        return BAD;
    keep_raw(reading);
    enum rank rank = applications_rank(cursor_rest(&standard), cursor_rest(&user));
    while (value.left) {
        const struct rule *rule = rule_find(reading->table, cursor_u16(&value));
        struct cursor inner = cursor_sub(&value, cursor_u16(&value));

        if (value.failed)
            break;
        if (!rule || !rule->application)
            continue;
        if (!rule_fits(rule, inner.left))
            faults_count(reading->faults, FAULT_LS_TLV_LENGTH);
        else if (rule->read && rank != RANK_NONE)
            (void)hold(reading, rule, inner, rank);
    }
    if (value.failed)
        faults_count(reading->faults, FAULT_LS_ATTRIBUTE_OVERRUN);
    return HELD;
}

static const struct rule link_rules[] = {
    {258, 8, 8, 1, ONCE, false, read_link_ids}, // the descriptor's wins (L-030)
    {267, 2, ANY, 2, ONCE, false, NULL},        // RFC 8814 4
    {1028, 4, 4, 1, REPEATS, false, read_local_ipv4},
    {1029, 16, 16, 1, REPEATS, false, read_local_ipv6},
    {1030, 4, 4, 1, REPEATS, false, read_remote_ipv4},
    {1031, 16, 16, 1, REPEATS, false, read_remote_ipv6},
    {1088, 4, 4, 1, ONCE, true, read_admin_group},     // RFC 5305 3.1
    {1089, 4, 4, 1, ONCE, false, read_max_bandwidth},  // RFC 5305 3.4
    {1090, 4, 4, 1, ONCE, false, read_max_reservable}, // RFC 5305 3.5
    {1091, 32, 32, 1, ONCE, false, NULL},              // RFC 5305 3.6
    {1092, 3, 4, 1, ONCE, true, read_te_metric},       // RFC 9552 5.3.2.3; 3 octets in old drafts
    {1093, 2, 2, 1, ONCE, false, NULL},                // RFC 9552 5.3.2.7
    {1094, 1, 1, 1, ONCE, false, NULL},                // RFC 9552 5.3.2.2
    {1095, 1, 3, 1, ONCE, false, read_igp_metric},     // RFC 9552 5.3.2.4
    {1096, 4, ANY, 4, ONCE, true, read_srlgs},         // RFC 9552 5.3.2.5
    {1098, 0, ANY, 1, ONCE, false, read_link_name},
    {1101, 7, 8, 1, ONCE, false, NULL}, // RFC 9086 5
    {1102, 7, 8, 1, ONCE, false, NULL},
    {1103, 7, 8, 1, REPEATS, false, NULL},
    {1114, 4, 4, 1, ONCE, true, read_delay}, // RFC 8571 2.1 to 2.7
    {1115, 8, 8, 1, ONCE, true, read_delay_min_max},
    {1116, 4, 4, 1, ONCE, true, read_delay_variation},
    {1117, 4, 4, 1, ONCE, true, read_loss},
    {1118, 4, 4, 1, ONCE, true, read_residual},
    {1119, 4, 4, 1, ONCE, true, read_available},
    {1120, 4, 4, 1, ONCE, true, read_utilized},
    {1122, 4, ANY, 1, REPEATS, false, read_applications}, // RFC 9294 2
    {1173, 4, ANY, 4, ONCE, true, NULL},                  // RFC 9104 2
};

/* ---- Prefixes (part 7) ---- */

static enum outcome read_igp_flags(struct reading *reading, struct cursor value)
{
    reading->prefix->has_igp_flags = true;
    reading->prefix->igp_flags = cursor_u8(&value);
    return HELD;
}

static enum outcome read_prefix_metric(struct reading *reading, struct cursor value)
{
    reading->prefix->has_metric = true;
    reading->prefix->metric = cursor_u32(&value);
    return HELD;
}

static enum outcome read_attribute_flags(struct reading *reading, struct cursor value)
{
    reading->prefix->has_attribute_flags = true;
    reading->prefix->attribute_flags = cursor_u8(&value);
    return HELD;
}

static const struct rule prefix_rules[] = {
    {1152, 1, ANY, 1, ONCE, false, read_igp_flags},       // RFC 9552 5.3.3.1
    {1153, 4, ANY, 4, ONCE, false, NULL},                 // RFC 9552 5.3.3.2
    {1154, 8, ANY, 8, ONCE, false, NULL},                 // RFC 9552 5.3.3.3
    {1155, 4, 4, 1, ONCE, false, read_prefix_metric},     // RFC 9552 5.3.3.4
    {1156, 4, 16, 12, ONCE, false, NULL},                 // RFC 9552 5.3.3.5
    {1170, 1, ANY, 1, ONCE, false, read_attribute_flags}, // RFC 9085 2.3.2
    {1171, 4, 16, 12, ONCE, false, NULL},                 // RFC 9085 2.3.3
    {1174, 4, 4, 1, ONCE, false, NULL},                   // RFC 9085 2.3.4
};

static const struct table node_table = {node_rules, sizeof node_rules / sizeof *node_rules};
static const struct table link_table = {link_rules, sizeof link_rules / sizeof *link_rules};
static const struct table prefix_table = {prefix_rules, sizeof prefix_rules / sizeof *prefix_rules};
static_assert(sizeof link_rules / sizeof *link_rules <= RULE_LIMIT, "ranks");

static int octets_compare(const void *a, const void *b)
{
    const struct octets *left = a, *right = b;
    size_t common = left->length < right->length ? left->length : right->length;
    int order = memcmp(left->bytes, right->bytes, common);

    return order ? order : (left->length > right->length) - (left->length < right->length);
}

const struct ls_node *bgp_ls_attribute_node(struct arena *arena, struct faults *faults,
                                            struct octets attribute)
{
    struct ls_node *node = arena_alloc(arena, 1, sizeof *node);
    struct reading reading = {.table = &node_table, .arena = arena, .faults = faults, .node = node};
    size_t kept = 0;

    read_tlvs(&reading, attribute);
    node->has_attributes = true;
    node->ipv4_router_ids = addresses_sorted(&reading.local_ipv4);
    node->ipv6_router_ids = addresses_sorted(&reading.local_ipv6);
    if (reading.area_count > 1)
        qsort(reading.areas, reading.area_count, sizeof *reading.areas, octets_compare);
    for (size_t i = 0; i < reading.area_count; i++)
        if (i == 0 || octets_compare(&reading.areas[kept - 1], &reading.areas[i]) != 0)
            reading.areas[kept++] = reading.areas[i];
    node->isis_areas = reading.areas;
    node->isis_area_count = kept;
    node->other = other(&reading);
    return node;
}

const struct ls_link *bgp_ls_attribute_link(struct arena *arena, struct faults *faults,
                                            struct octets attribute)
{
    struct ls_link *link = arena_alloc(arena, 1, sizeof *link);
    struct reading reading = {.table = &link_table, .arena = arena, .faults = faults, .link = link};

    read_tlvs(&reading, attribute);
    link->has_attributes = true;
    link->local_ipv4_router_ids = addresses_sorted(&reading.local_ipv4);
    link->local_ipv6_router_ids = addresses_sorted(&reading.local_ipv6);
    link->remote_ipv4_router_ids = addresses_sorted(&reading.remote_ipv4);
    link->remote_ipv6_router_ids = addresses_sorted(&reading.remote_ipv6);
    link->other = other(&reading);
    return link;
}

const struct ls_prefix *bgp_ls_attribute_prefix(struct arena *arena, struct faults *faults,
                                                struct octets attribute)
{
    struct ls_prefix *prefix = arena_alloc(arena, 1, sizeof *prefix);
    struct reading reading = {
        .table = &prefix_table, .arena = arena, .faults = faults, .prefix = prefix};

    read_tlvs(&reading, attribute);
    prefix->has_attributes = true;
    prefix->other = other(&reading);
    return prefix;
}
