/* state_fetch: rows of state.db to structs.
 *
 * A file is written by the collector, but read by programs that act upon it: every value is judged here (range,
 * word, address, JSON, the sub-TLVs of a node), and the first that is not possible fails the row with its
 * column's name. Node descriptors come from the canonical node NLRI; the columns beside it say the same for
 * people. */
#include "state_rows.h"
#include "text.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum {
    DESCRIPTOR_ASN = 512,
    DESCRIPTOR_BGP_LS_ID,
    DESCRIPTOR_AREA,
    DESCRIPTOR_ROUTER_ID,
    DESCRIPTOR_BGP_ROUTER_ID
};

/* The longest value that a message shows. */
enum { SHOWN_VALUE = 60 };

bool row_fail(struct row_reader *row, const char *expected)
{
    int column = row->next - 1;

    if (row->failed)
        return false;
    row->failed = true;
    const char *name = sqlite3_column_name(row->statement, column);
    const char *value = sqlite3_column_type(row->statement, column) == SQLITE_BLOB
                            ? "(octets)"
                            : (const char *)sqlite3_column_text(row->statement, column);
    return error_set(row->err, ERROR_INPUT, "%s: %.*s; %s expected", name ? name : "?", SHOWN_VALUE,
                     value ? value : "NULL", expected);
}

/* Steps to the next column; false when it holds NULL, or nothing may be read any more. */
static bool step(struct row_reader *row)
{
    int column = row->next++;

    return !row->failed && sqlite3_column_type(row->statement, column) != SQLITE_NULL;
}

bool row_get_optional(struct row_reader *row, uint64_t high, uint64_t *out)
{
    *out = 0;
    if (!step(row))
        return false;
    if (sqlite3_column_type(row->statement, row->next - 1) != SQLITE_INTEGER)
        return row_fail(row, "an integer");
    int64_t value = sqlite3_column_int64(row->statement, row->next - 1);
    if (value < 0 || (uint64_t)value > high) {
        char expected[64];
        (void)snprintf(expected, sizeof expected, "0 to %" PRIu64, high);
        return row_fail(row, expected);
    }
    *out = (uint64_t)value;
    return true;
}

uint64_t row_get_integer(struct row_reader *row, uint64_t high)
{
    uint64_t value;

    if (!row_get_optional(row, high, &value))
        row_fail(row, "an integer");
    return value;
}

static bool get_number(struct row_reader *row, uint32_t *out)
{
    uint64_t value;
    bool is_present = row_get_optional(row, UINT32_MAX, &value);

    *out = (uint32_t)value;
    return is_present;
}

static bool get_octet(struct row_reader *row, uint8_t *out)
{
    uint64_t value;
    bool is_present = row_get_optional(row, UINT8_MAX, &value);

    *out = (uint8_t)value;
    return is_present;
}

static bool get_real(struct row_reader *row, double *out)
{
    *out = 0;
    if (!step(row))
        return false;
    int type = sqlite3_column_type(row->statement, row->next - 1);
    if (type != SQLITE_FLOAT && type != SQLITE_INTEGER)
        return row_fail(row, "a number");
    *out = sqlite3_column_double(row->statement, row->next - 1);
    return true;
}

const char *row_get_text(struct row_reader *row)
{
    if (!step(row))
        return NULL;
    const char *text = (const char *)sqlite3_column_text(row->statement, row->next - 1);
    if (!text) // SQLite had no memory
        row_fail(row, "a text");
    return text;
}

const char *row_get_word(struct row_reader *row)
{
    const char *text = row_get_text(row);

    if (!text)
        row_fail(row, "a text");
    return text ? text : "";
}

struct octets row_get_octets(struct row_reader *row)
{
    struct octets octets = {0};

    if (!step(row))
        return octets;
    if (sqlite3_column_type(row->statement, row->next - 1) != SQLITE_BLOB) {
        row_fail(row, "octets");
        return octets;
    }
    octets.bytes = sqlite3_column_blob(row->statement, row->next - 1);
    octets.length = (size_t)sqlite3_column_bytes(row->statement, row->next - 1);
    return octets;
}

unsigned row_get_choice(struct row_reader *row, const char *const *words, unsigned count)
{
    const char *text = row_get_word(row);

    for (unsigned i = 0; i < count; i++)
        if (strcmp(text, words[i]) == 0)
            return i;
    row_fail(row, "one of the words in the schema's CHECK");
    return 0;
}

struct prefix row_get_address(struct row_reader *row)
{
    struct prefix address = {0};

    if (!address_parse(row_get_word(row), &address))
        row_fail(row, "an address");
    return address;
}

struct prefix row_get_prefix(struct row_reader *row)
{
    struct prefix prefix = {0};

    if (!prefix_parse(row_get_word(row), &prefix))
        row_fail(row, "a prefix");
    return prefix;
}

/* The JSON array of a column, NULL for NULL; the caller owns the reference. */
static json_t *get_array(struct row_reader *row)
{
    const char *text = row_get_text(row);
    json_error_t why;

    if (!text)
        return NULL;
    json_t *array = json_loads(text, JSON_REJECT_DUPLICATES, &why);
    if (!json_is_array(array)) {
        json_decref(array);
        row_fail(row, "a JSON array");
        return NULL;
    }
    return array;
}

static struct addresses get_addresses(struct row_reader *row)
{
    json_t *array = get_array(row);
    size_t count = json_array_size(array);
    struct prefix *list = arena_alloc(row->arena, count, sizeof *list);

    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(array, i));
        if (!text || !address_parse(text, &list[i]))
            row_fail(row, "a JSON array of addresses");
    }
    json_decref(array);
    return (struct addresses){list, count};
}

/* The array's numbers up to high, into 32 bits each. */
static uint32_t *get_numbers(struct row_reader *row, uint32_t high, size_t *count)
{
    json_t *array = get_array(row);
    uint32_t *list = arena_alloc(row->arena, json_array_size(array), sizeof *list);

    *count = json_array_size(array);
    for (size_t i = 0; i < *count; i++) {
        const json_t *item = json_array_get(array, i);
        json_int_t value = json_integer_value(item);
        if (!json_is_integer(item) || value < 0 || value > (json_int_t)high)
            row_fail(row, "a JSON array of numbers");
        else
            list[i] = (uint32_t)value;
    }
    json_decref(array);
    return list;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_hex(const char *text, struct arena *arena, struct octets *out)
{
    size_t length = strlen(text) / 2;
    uint8_t *bytes = arena_alloc(arena, length, 1);

    for (size_t i = 0; i < length; i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    *out = (struct octets){bytes, length};
    return text[2 * length] == '\0';
}

static struct octets *get_areas(struct row_reader *row, size_t *count)
{
    json_t *array = get_array(row);
    struct octets *list = arena_alloc(row->arena, json_array_size(array), sizeof *list);

    *count = json_array_size(array);
    for (size_t i = 0; i < *count; i++) {
        const char *text = json_string_value(json_array_get(array, i));
        if (!text || !parse_hex(text, row->arena, &list[i]))
            row_fail(row, "a JSON array of hex words");
    }
    json_decref(array);
    return list;
}

static uint64_t get_instance(struct row_reader *row)
{
    const char *text = row_get_word(row);
    uint64_t instance = 0;

    if (!text_uint(text, strlen(text), 0, UINT64_MAX, &instance))
        row_fail(row, "an unsigned number");
    return instance;
}

static uint32_t big_endian(const uint8_t *bytes, size_t width)
{
    uint32_t value = 0;

    for (size_t i = 0; i < width; i++)
        value = value << 8 | bytes[i];
    return value;
}

/* Takes one TLV from the front of *rest. false: it overruns. */
static bool take_tlv(struct octets *rest, uint32_t *type, struct octets *value)
{
    if (rest->length < 4)
        return false;
    size_t length = big_endian(rest->bytes + 2, 2);
    if (length > rest->length - 4)
        return false;
    *type = big_endian(rest->bytes, 2);
    *value = (struct octets){rest->bytes + 4, length};
    rest->bytes += 4 + length;
    rest->length -= 4 + length;
    return true;
}

/* A sub-TLV of a length that we cannot use is as if absent: one odd node must not make the file unreadable. */
static void read_sub_tlv(uint32_t type, struct octets value, struct ls_node_descriptor *out)
{
    if (type == DESCRIPTOR_ROUTER_ID && value.length <= sizeof out->router_id) {
        memcpy(out->router_id, value.bytes, value.length);
        out->router_id_length = (uint8_t)value.length;
        return;
    }
    if (value.length != 4)
        return;
    uint32_t word = big_endian(value.bytes, 4);
    if (type == DESCRIPTOR_ASN) {
        out->has_asn = true;
        out->asn = word;
    } else if (type == DESCRIPTOR_BGP_LS_ID) {
        out->has_bgp_ls_id = true;
        out->bgp_ls_id = word;
    } else if (type == DESCRIPTOR_AREA) {
        out->has_area = true;
        out->area = word;
    } else if (type == DESCRIPTOR_BGP_ROUTER_ID) {
        out->has_bgp_router_id = true;
        out->bgp_router_id = word;
    }
}

/* Type 1, length, Protocol-ID, Instance-ID, TLV 256. */
static struct ls_node_descriptor get_descriptor(struct row_reader *row)
{
    struct ls_node_descriptor out = {.node = row_get_octets(row)};
    struct octets rest = out.node, body, tlvs, value;
    uint32_t type;
    bool ok = take_tlv(&rest, &type, &body) && type == 1 && rest.length == 0 && body.length > 9;

    if (ok) {
        body.bytes += 9;
        body.length -= 9;
        ok = take_tlv(&body, &type, &tlvs) && type == 256 && body.length == 0;
    }
    while (ok && tlvs.length) {
        ok = take_tlv(&tlvs, &type, &value);
        if (ok)
            read_sub_tlv(type, value, &out);
    }
    if (!ok)
        row_fail(row, "a canonical node NLRI");
    return out;
}

void row_get_attributes(struct row_reader *row, struct attributes *out)
{
    *out = (struct attributes){.origin = (uint8_t)row_get_integer(row, 2)};
    out->as_path = row_get_word(row);
    out->has_local_pref = get_number(row, &out->local_pref);
    out->has_med = get_number(row, &out->med);
    out->communities = row_get_text(row);
    out->large_communities = row_get_text(row);
    out->extended_communities = row_get_text(row);
    out->originator_id = row_get_text(row);
    out->cluster_list = row_get_text(row);
    out->atomic_aggregate = row_get_integer(row, 1);
    out->aggregator = row_get_text(row);
    struct octets other = row_get_octets(row);
    out->other = other.bytes;
    out->other_length = other.length;
}

void row_get_route(struct row_reader *row, struct route *out, uint64_t *attributes_id)
{
    *out = (struct route){.peer_id = (int64_t)row_get_integer(row, INT64_MAX)};
    uint64_t family = row_get_integer(row, FAMILY_IPV6);
    out->prefix = row_get_prefix(row);
    if (out->prefix.family != family)
        row_fail(row, "a prefix of the row's family");
    out->path_id = (uint32_t)row_get_integer(row, UINT32_MAX);
    out->next_hop = row_get_address(row);
    *attributes_id = row_get_integer(row, INT64_MAX);
}

void row_get_node(struct row_reader *row, struct ls_node *out)
{
    *out = (struct ls_node){.nlri = row_get_octets(row)};
    out->peer_id = (int64_t)row_get_integer(row, INT64_MAX);
    out->local = get_descriptor(row);
    out->protocol = (uint8_t)row_get_integer(row, UINT8_MAX);
    out->instance = get_instance(row);
    row->next += 5; // asn to bgp_router_id are in the descriptor
    out->has_attributes = row_get_integer(row, 1);
    out->name = row_get_text(row);
    out->has_flags = get_octet(row, &out->flags);
    uint32_t *topologies = get_numbers(row, UINT16_MAX, &out->topology_count);
    uint16_t *narrow = arena_alloc(row->arena, out->topology_count, sizeof *narrow);
    for (size_t i = 0; i < out->topology_count; i++)
        narrow[i] = (uint16_t)topologies[i];
    out->topologies = narrow;
    out->isis_areas = get_areas(row, &out->isis_area_count);
    out->ipv4_router_ids = get_addresses(row);
    out->ipv6_router_ids = get_addresses(row);
    out->other = row_get_octets(row);
}

static uint32_t flag(bool is_present, enum ls_link_has bit)
{
    return is_present ? (uint32_t)bit : 0;
}

static bool get_bool(struct row_reader *row)
{
    uint64_t value;

    row_get_optional(row, 1, &value);
    return value;
}

static void get_link_values(struct row_reader *row, struct ls_link *out)
{
    out->has |= flag(get_number(row, &out->igp_metric), LINK_IGP_METRIC);
    out->has |= flag(get_number(row, &out->te_metric), LINK_TE_METRIC);
    out->has |= flag(get_number(row, &out->admin_group), LINK_ADMIN_GROUP);
    out->has |= flag(get_real(row, &out->max_bandwidth_bps), LINK_MAX_BANDWIDTH);
    out->has |= flag(get_real(row, &out->max_reservable_bps), LINK_MAX_RESERVABLE);
    out->srlgs = get_numbers(row, UINT32_MAX, &out->srlg_count);
    out->name = row_get_text(row);
    out->has |= flag(get_number(row, &out->delay_us), LINK_DELAY);
    out->delay_anomalous = get_bool(row);
    out->has |= flag(get_number(row, &out->delay_min_us), LINK_DELAY_MIN);
    out->has |= flag(get_number(row, &out->delay_max_us), LINK_DELAY_MAX);
    out->delay_min_max_anomalous = get_bool(row);
    out->has |= flag(get_number(row, &out->delay_variation_us), LINK_DELAY_VARIATION);
    out->has |= flag(get_number(row, &out->loss_3e8), LINK_LOSS);
    out->loss_anomalous = get_bool(row);
    out->has |= flag(get_real(row, &out->residual_bps), LINK_RESIDUAL);
    out->has |= flag(get_real(row, &out->available_bps), LINK_AVAILABLE);
    out->has |= flag(get_real(row, &out->utilized_bps), LINK_UTILIZED);
}

void row_get_link(struct row_reader *row, struct ls_link *out)
{
    *out = (struct ls_link){.nlri = row_get_octets(row)};
    out->peer_id = (int64_t)row_get_integer(row, INT64_MAX);
    out->local = get_descriptor(row);
    out->remote = get_descriptor(row);
    out->protocol = (uint8_t)row_get_integer(row, UINT8_MAX);
    out->instance = get_instance(row);
    row->next += 2; // the router-ids are in the descriptors
    out->has |= flag(get_number(row, &out->local_link_id), LINK_LINK_IDS);
    get_number(row, &out->remote_link_id);
    out->local_addresses = get_addresses(row);
    out->remote_addresses = get_addresses(row);
    out->topology = (uint16_t)row_get_integer(row, UINT16_MAX);
    out->has_attributes = row_get_integer(row, 1);
    get_link_values(row, out);
    out->local_ipv4_router_ids = get_addresses(row);
    out->local_ipv6_router_ids = get_addresses(row);
    out->remote_ipv4_router_ids = get_addresses(row);
    out->remote_ipv6_router_ids = get_addresses(row);
    out->other = row_get_octets(row);
}

void row_get_ls_prefix(struct row_reader *row, struct ls_prefix *out)
{
    *out = (struct ls_prefix){.nlri = row_get_octets(row)};
    out->peer_id = (int64_t)row_get_integer(row, INT64_MAX);
    out->local = get_descriptor(row);
    out->protocol = (uint8_t)row_get_integer(row, UINT8_MAX);
    out->instance = get_instance(row);
    row->next += 1; // the router-id is in the descriptor
    out->prefix = row_get_prefix(row);
    out->topology = (uint16_t)row_get_integer(row, UINT16_MAX);
    get_octet(row, &out->ospf_route_type);
    out->has_attributes = row_get_integer(row, 1);
    out->has_igp_flags = get_octet(row, &out->igp_flags);
    out->has_attribute_flags = get_octet(row, &out->attribute_flags);
    out->has_metric = get_number(row, &out->metric);
    out->other = row_get_octets(row);
}

void row_get_peer(struct row_reader *row, struct peer *out)
{
    *out = (struct peer){.peer_id = (int64_t)row_get_integer(row, INT64_MAX)};
    out->name = row_get_word(row);
    out->address = row_get_word(row);
    get_number(row, &out->asn);
    out->router_id = row_get_text(row);
    out->rank = (uint32_t)row_get_integer(row, UINT32_MAX);
    out->configured = row_get_integer(row, 1);
    out->state = (enum state_peer_state)row_get_choice(row, state_peer_states, 3);
    out->since_us = (int64_t)row_get_integer(row, INT64_MAX);
    out->last_error = row_get_text(row);
}

void row_get_peer_family(struct row_reader *row, struct peer_family *out)
{
    uint64_t time;

    *out = (struct peer_family){.peer_id = (int64_t)row_get_integer(row, INT64_MAX)};
    out->family = (enum state_family)row_get_choice(row, state_family_names, STATE_FAMILIES);
    out->source = (enum state_source)row_get_choice(row, state_sources, 2);
    out->stale = row_get_integer(row, 1);
    row_get_optional(row, INT64_MAX, &time);
    out->stale_since_us = (int64_t)time;
    out->end_of_rib = (enum state_end_of_rib)row_get_choice(row, state_end_of_ribs, 3);
    row_get_optional(row, INT64_MAX, &time);
    out->end_of_rib_us = (int64_t)time;
    out->faulty = row_get_text(row);
}
