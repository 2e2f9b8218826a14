/* state_bind: structs to rows of state.db. Lists become JSON arrays, numbers and addresses without anything
 * that would have to be escaped. */
#include "state_rows.h"
#include "text.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void check(struct row_writer *row, int result)
{
    row->failed |= result != SQLITE_OK;
    row->next++;
}

void row_put_integer(struct row_writer *row, bool is_present, int64_t value)
{
    check(row, is_present ? sqlite3_bind_int64(row->statement, row->next, value)
                          : sqlite3_bind_null(row->statement, row->next));
}

static void put_number(struct row_writer *row, bool is_present, uint32_t value)
{
    row_put_integer(row, is_present, value);
}

static void put_real(struct row_writer *row, bool is_present, double value)
{
    check(row, is_present ? sqlite3_bind_double(row->statement, row->next, value)
                          : sqlite3_bind_null(row->statement, row->next));
}

void row_put_text(struct row_writer *row, const char *text)
{
    check(row, sqlite3_bind_text(row->statement, row->next, text, -1, SQLITE_STATIC));
}

void row_put_octets(struct row_writer *row, struct octets octets)
{
    check(row, sqlite3_bind_blob64(row->statement, row->next, octets.bytes, octets.length,
                                   SQLITE_STATIC));
}

/* No octets and no TLVs are the same: a column of unknown TLVs is NULL then. */
static void put_other(struct row_writer *row, struct octets other)
{
    row_put_octets(row, other.length ? other : (struct octets){0});
}

/* A JSON array under way: text that doubles its room in the arena. */
struct list {
    struct arena *arena;
    char *text;
    size_t used, size;
};

static struct list list_begin(struct row_writer *row, size_t count, size_t longest)
{
    size_t size = count * (longest + 3) + 3; // quotes and comma; brackets and NUL
    struct list list = {row->arena, arena_alloc(row->arena, size, 1), 1, size};

    list.text[0] = '[';
    return list;
}

static void list_add(struct list *list, const char *quote, const char *item)
{
    int length = snprintf(list->text + list->used, list->size - list->used, "%s%s%s%s",
                          list->used > 1 ? "," : "", quote, item, quote);
    list->used += (size_t)length;
}

static void list_put(struct row_writer *row, struct list *list)
{
    list->text[list->used++] = ']';
    row_put_text(row, list->text);
}

static void put_addresses(struct row_writer *row, struct addresses addresses)
{
    char text[PREFIX_TEXT_SIZE];

    if (!addresses.count) {
        row_put_text(row, NULL);
        return;
    }
    struct list list = list_begin(row, addresses.count, sizeof text);
    for (size_t i = 0; i < addresses.count; i++)
        list_add(&list, "\"", address_format(&addresses.list[i], text));
    list_put(row, &list);
}

static void put_numbers(struct row_writer *row, const uint32_t *wide, const uint16_t *narrow,
                        size_t count)
{
    char text[16];

    assert(!count || wide || narrow);
    if (!count) {
        row_put_text(row, NULL);
        return;
    }
    struct list list = list_begin(row, count, sizeof text);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(text, sizeof text, "%" PRIu32, wide ? wide[i] : narrow[i]);
        list_add(&list, "", text);
    }
    list_put(row, &list);
}

static void put_areas(struct row_writer *row, const struct octets *areas, size_t count)
{
    size_t longest = 0;

    if (!count) {
        row_put_text(row, NULL);
        return;
    }
    for (size_t i = 0; i < count; i++)
        longest = areas[i].length > longest ? areas[i].length : longest;
    char *text = arena_alloc(row->arena, 2 * longest + 1, 1);
    struct list list = list_begin(row, count, 2 * longest);
    for (size_t i = 0; i < count; i++)
        list_add(&list, "\"", text_hex(areas[i].bytes, areas[i].length, text));
    list_put(row, &list);
}

static void put_quad(struct row_writer *row, bool is_present, uint32_t value)
{
    row_put_text(row, is_present ? arena_format(row->arena, "%u.%u.%u.%u", value >> 24,
                                                value >> 16 & 255, value >> 8 & 255, value & 255)
                                 : NULL);
}

static void put_router_id(struct row_writer *row, uint8_t protocol,
                          const struct ls_node_descriptor *node)
{
    char text[ROUTER_ID_TEXT_SIZE];

    if (node->router_id_length)
        ls_router_id_format(protocol, node->router_id, node->router_id_length, text);
    row_put_text(row, node->router_id_length ? arena_text(row->arena, text, strlen(text)) : NULL);
}

static void put_instance(struct row_writer *row, uint64_t instance)
{
    row_put_text(row, arena_format(row->arena, "%" PRIu64, instance));
}

void row_put_attributes(struct row_writer *row, int64_t id, const struct attributes *attributes)
{
    row_put_integer(row, true, id);
    row_put_integer(row, true, attributes->origin);
    row_put_text(row, attributes->as_path);
    put_number(row, attributes->has_local_pref, attributes->local_pref);
    put_number(row, attributes->has_med, attributes->med);
    row_put_text(row, attributes->communities);
    row_put_text(row, attributes->large_communities);
    row_put_text(row, attributes->extended_communities);
    row_put_text(row, attributes->originator_id);
    row_put_text(row, attributes->cluster_list);
    row_put_integer(row, true, attributes->atomic_aggregate);
    row_put_text(row, attributes->aggregator);
    put_other(row, (struct octets){attributes->other, attributes->other_length});
}

void row_put_node(struct row_writer *row, const struct ls_node *node, uint64_t sequence)
{
    const struct ls_node_descriptor *local = &node->local;

    row_put_octets(row, node->nlri);
    row_put_integer(row, true, node->peer_id);
    row_put_octets(row, local->node);
    row_put_integer(row, true, node->protocol);
    put_instance(row, node->instance);
    put_number(row, local->has_asn, local->asn);
    put_number(row, local->has_bgp_ls_id, local->bgp_ls_id);
    put_quad(row, local->has_area, local->area);
    put_router_id(row, node->protocol, local);
    put_quad(row, local->has_bgp_router_id, local->bgp_router_id);
    row_put_integer(row, true, node->has_attributes);
    row_put_text(row, node->name);
    row_put_integer(row, node->has_flags, node->flags);
    put_numbers(row, NULL, node->topologies, node->topology_count);
    put_areas(row, node->isis_areas, node->isis_area_count);
    put_addresses(row, node->ipv4_router_ids);
    put_addresses(row, node->ipv6_router_ids);
    put_other(row, node->other);
    row_put_integer(row, true, (int64_t)sequence);
}

static void put_link_values(struct row_writer *row, const struct ls_link *link)
{
    uint32_t has = link->has;

    put_number(row, has & LINK_IGP_METRIC, link->igp_metric);
    put_number(row, has & LINK_TE_METRIC, link->te_metric);
    put_number(row, has & LINK_ADMIN_GROUP, link->admin_group);
    put_real(row, has & LINK_MAX_BANDWIDTH, link->max_bandwidth_bps);
    put_real(row, has & LINK_MAX_RESERVABLE, link->max_reservable_bps);
    put_numbers(row, link->srlgs, NULL, link->srlg_count);
    row_put_text(row, link->name);
    put_number(row, has & LINK_DELAY, link->delay_us);
    row_put_integer(row, has & LINK_DELAY, link->delay_anomalous);
    put_number(row, has & LINK_DELAY_MIN, link->delay_min_us);
    put_number(row, has & LINK_DELAY_MAX, link->delay_max_us);
    row_put_integer(row, has & (LINK_DELAY_MIN | LINK_DELAY_MAX), link->delay_min_max_anomalous);
    put_number(row, has & LINK_DELAY_VARIATION, link->delay_variation_us);
    put_number(row, has & LINK_LOSS, link->loss_3e8);
    row_put_integer(row, has & LINK_LOSS, link->loss_anomalous);
    put_real(row, has & LINK_RESIDUAL, link->residual_bps);
    put_real(row, has & LINK_AVAILABLE, link->available_bps);
    put_real(row, has & LINK_UTILIZED, link->utilized_bps);
}

void row_put_link(struct row_writer *row, const struct ls_link *link, uint64_t sequence)
{
    row_put_octets(row, link->nlri);
    row_put_integer(row, true, link->peer_id);
    row_put_octets(row, link->local.node);
    row_put_octets(row, link->remote.node);
    row_put_integer(row, true, link->protocol);
    put_instance(row, link->instance);
    put_router_id(row, link->protocol, &link->local);
    put_router_id(row, link->protocol, &link->remote);
    put_number(row, link->has & LINK_LINK_IDS, link->local_link_id);
    put_number(row, link->has & LINK_LINK_IDS, link->remote_link_id);
    put_addresses(row, link->local_addresses);
    put_addresses(row, link->remote_addresses);
    row_put_integer(row, true, link->topology);
    row_put_integer(row, true, link->has_attributes);
    put_link_values(row, link);
    put_addresses(row, link->local_ipv4_router_ids);
    put_addresses(row, link->local_ipv6_router_ids);
    put_addresses(row, link->remote_ipv4_router_ids);
    put_addresses(row, link->remote_ipv6_router_ids);
    put_other(row, link->other);
    row_put_integer(row, true, (int64_t)sequence);
}

void row_put_prefix(struct row_writer *row, const struct ls_prefix *prefix, uint64_t sequence)
{
    char text[PREFIX_TEXT_SIZE];

    prefix_format(&prefix->prefix, text);
    row_put_octets(row, prefix->nlri);
    row_put_integer(row, true, prefix->peer_id);
    row_put_octets(row, prefix->local.node);
    row_put_integer(row, true, prefix->protocol);
    put_instance(row, prefix->instance);
    put_router_id(row, prefix->protocol, &prefix->local);
    row_put_text(row, arena_text(row->arena, text, strlen(text)));
    row_put_integer(row, true, prefix->topology);
    row_put_integer(row, prefix->ospf_route_type, prefix->ospf_route_type);
    row_put_integer(row, true, prefix->has_attributes);
    row_put_integer(row, prefix->has_igp_flags, prefix->igp_flags);
    row_put_integer(row, prefix->has_attribute_flags, prefix->attribute_flags);
    put_number(row, prefix->has_metric, prefix->metric);
    put_other(row, prefix->other);
    row_put_integer(row, true, (int64_t)sequence);
}
