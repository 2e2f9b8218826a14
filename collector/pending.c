/* pending: see pending.h.
 *
 * An entry is one block: the struct, the row, and all that the row points at. A row is packed in two passes of
 * the same code, one that only counts and one that copies. Routes refer to sets of attributes in a pool of
 * their own, for a table of a million routes has a tenth as many sets. */
#include "pending.h"

#include "lib/attribute_pool.h"
#include "lib/hash.h"
#include "lib/table.h"

#include <assert.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    enum update_kind kind;
    int64_t peer_id;
    uint64_t hash;
    struct state_key key;      // nlri: in this block
    struct attribute_set *set; // of a route; NULL for all others
    const void *row;           // struct route, ls_node, ls_link or ls_prefix in this block
    struct octets attribute;   // of an opaque object
    bool is_new;    // bare, and a withdrawal came before it: what state.db knows is not its own
    bool then_bare; // announced again without attribute 29 after this (L-093)
};

struct pending {
    struct table by_key;
    struct attribute_pool *pool;
    struct entry **order; // after pending_sort
};

/* ---- Packing ---- */

struct pack {
    uint8_t *block; // NULL: only count
    size_t used;
};

static void *pack_bytes(struct pack *pack, const void *bytes, size_t length)
{
    void *at = pack->block ? pack->block + pack->used : NULL;

    if (at && length)
        memcpy(at, bytes, length);
    pack->used += (length + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
    return length ? at : NULL;
}

static struct octets pack_octets(struct pack *pack, struct octets octets)
{
    return (struct octets){pack_bytes(pack, octets.bytes, octets.length), octets.length};
}

static const char *pack_text(struct pack *pack, const char *text)
{
    return text ? pack_bytes(pack, text, strlen(text) + 1) : NULL;
}

static struct addresses pack_addresses(struct pack *pack, struct addresses addresses)
{
    return (struct addresses){
        pack_bytes(pack, addresses.list, addresses.count * sizeof *addresses.list),
        addresses.count};
}

static struct ls_node *pack_node(struct pack *pack, const struct ls_node *node)
{
    struct ls_node copy = *node, *at = pack_bytes(pack, node, sizeof *node);
    struct octets *areas =
        pack_bytes(pack, node->isis_areas, node->isis_area_count * sizeof *areas);

    for (size_t i = 0; i < node->isis_area_count; i++) {
        struct octets area = pack_octets(pack, node->isis_areas[i]);
        if (areas)
            areas[i] = area;
    }
    copy.nlri = pack_octets(pack, node->nlri);
    copy.local.node = pack_octets(pack, node->local.node);
    copy.name = pack_text(pack, node->name);
    copy.topologies =
        pack_bytes(pack, node->topologies, node->topology_count * sizeof *node->topologies);
    copy.isis_areas = areas;
    copy.ipv4_router_ids = pack_addresses(pack, node->ipv4_router_ids);
    copy.ipv6_router_ids = pack_addresses(pack, node->ipv6_router_ids);
    copy.other = pack_octets(pack, node->other);
    if (at)
        *at = copy;
    return at;
}

static struct ls_link *pack_link(struct pack *pack, const struct ls_link *link)
{
    struct ls_link copy = *link, *at = pack_bytes(pack, link, sizeof *link);

    copy.nlri = pack_octets(pack, link->nlri);
    copy.local.node = pack_octets(pack, link->local.node);
    copy.remote.node = pack_octets(pack, link->remote.node);
    copy.local_addresses = pack_addresses(pack, link->local_addresses);
    copy.remote_addresses = pack_addresses(pack, link->remote_addresses);
    copy.srlgs = pack_bytes(pack, link->srlgs, link->srlg_count * sizeof *link->srlgs);
    copy.name = pack_text(pack, link->name);
    copy.local_ipv4_router_ids = pack_addresses(pack, link->local_ipv4_router_ids);
    copy.local_ipv6_router_ids = pack_addresses(pack, link->local_ipv6_router_ids);
    copy.remote_ipv4_router_ids = pack_addresses(pack, link->remote_ipv4_router_ids);
    copy.remote_ipv6_router_ids = pack_addresses(pack, link->remote_ipv6_router_ids);
    copy.other = pack_octets(pack, link->other);
    if (at)
        *at = copy;
    return at;
}

static struct ls_prefix *pack_prefix(struct pack *pack, const struct ls_prefix *prefix)
{
    struct ls_prefix copy = *prefix, *at = pack_bytes(pack, prefix, sizeof *prefix);

    copy.nlri = pack_octets(pack, prefix->nlri);
    copy.local.node = pack_octets(pack, prefix->local.node);
    copy.other = pack_octets(pack, prefix->other);
    if (at)
        *at = copy;
    return at;
}

/* The entry with everything behind it; NULL when only counting. */
static struct entry *pack_entry(struct pack *pack, const struct entry *entry,
                                const struct update *update)
{
    struct entry copy = *entry, *at = pack_bytes(pack, entry, sizeof *entry);

    copy.key.nlri = pack_octets(pack, entry->key.nlri);
    if (update->kind == UPDATE_ROUTE)
        copy.row = pack_bytes(pack, update->route, sizeof *update->route);
    else if (update->kind == UPDATE_NODE)
        copy.row = pack_node(pack, update->node);
    else if (update->kind == UPDATE_LINK)
        copy.row = pack_link(pack, update->link);
    else if (update->kind == UPDATE_PREFIX)
        copy.row = pack_prefix(pack, update->prefix);
    else if (update->kind == UPDATE_OPAQUE)
        copy.attribute = pack_octets(pack, update->ls.attribute);
    if (at)
        *at = copy;
    return at;
}

/* ---- The map ---- */

struct state_key update_key(const struct update *update)
{
    switch (update->kind) {
    case UPDATE_ROUTE:
    case UPDATE_ROUTE_GONE:
        return (struct state_key){.prefix = update->route->prefix,
                                  .path_id = update->route->path_id};
    case UPDATE_NODE:
        return (struct state_key){.nlri = update->node->nlri};
    case UPDATE_LINK:
        return (struct state_key){.nlri = update->link->nlri};
    case UPDATE_PREFIX:
        return (struct state_key){.nlri = update->prefix->nlri};
    default:
        assert(update->kind == UPDATE_OPAQUE || update->kind == UPDATE_LS_GONE);
        return (struct state_key){.nlri = update->ls.nlri};
    }
}

enum state_family key_family(const struct state_key *key)
{
    if (key->prefix.family == 0)
        return STATE_LINK_STATE;
    return key->prefix.family == FAMILY_IPV4 ? STATE_IPV4_UNICAST : STATE_IPV6_UNICAST;
}

static uint64_t hash_key(int64_t peer_id, const struct state_key *key)
{
    uint8_t octets[32] = {0};

    memcpy(octets, &peer_id, sizeof peer_id);
    memcpy(octets + 8, &key->path_id, sizeof key->path_id);
    octets[12] = key->prefix.family;
    octets[13] = key->prefix.length_bits;
    memcpy(octets + 16, key->prefix.bytes, sizeof key->prefix.bytes);
    uint64_t rest = key->nlri.length ? hash_bytes(key->nlri.bytes, key->nlri.length) : 0;
    return hash_bytes(octets, sizeof octets) ^ rest;
}

static bool same_key(const void *item, const void *wanted)
{
    const struct entry *a = item, *b = wanted;

    return a->peer_id == b->peer_id && a->key.path_id == b->key.path_id &&
           prefix_compare(&a->key.prefix, &b->key.prefix) == 0 &&
           a->key.nlri.length == b->key.nlri.length &&
           (!a->key.nlri.length ||
            memcmp(a->key.nlri.bytes, b->key.nlri.bytes, a->key.nlri.length) == 0);
}

struct pending *pending_new(void)
{
    struct pending *pending = memory_alloc(1, sizeof *pending);

    pending->pool = attribute_pool_new();
    return pending;
}

static void entry_free(struct pending *pending, struct entry *entry)
{
    if (entry->set && --entry->set->references == 0)
        attribute_pool_remove(pending->pool, entry->set);
    free(entry);
}

void pending_free(struct pending *pending)
{
    if (!pending)
        return;
    for (size_t i = 0; i < pending->by_key.capacity; i++)
        free(pending->by_key.slots[i].item);
    table_free(&pending->by_key);
    attribute_pool_free(pending->pool);
    free(pending->order);
    free(pending);
}

/* An announcement without attribute 29 leaves the last known attributes (L-093): it must not replace those that
 * still wait. */
static bool is_bare(const struct update *update)
{
    return (update->kind == UPDATE_NODE && !update->node->has_attributes) ||
           (update->kind == UPDATE_LINK && !update->link->has_attributes) ||
           (update->kind == UPDATE_PREFIX && !update->prefix->has_attributes);
}

void pending_take(struct pending *pending, const struct update *update)
{
    struct entry entry = {
        .kind = update->kind, .peer_id = update->peer_id, .key = update_key(update)};
    struct pack pack = {0};

    assert(!pending->order);
    entry.hash = hash_key(entry.peer_id, &entry.key);
    struct entry *old = table_find(&pending->by_key, entry.hash, same_key, &entry);
    if (old && is_bare(update)) {
        if (old->kind == update->kind) {
            old->then_bare = true;
            return;
        }
        entry.is_new = true;
    }
    if (update->kind == UPDATE_ROUTE) {
        entry.set = attribute_pool_find(pending->pool, update->route->attributes);
        entry.set->references++;
    }
    (void)pack_entry(&pack, &entry, update);
    pack = (struct pack){.block = memory_alloc(1, pack.used)};
    struct entry *stored = pack_entry(&pack, &entry, update);
    if (old) {
        table_remove(&pending->by_key, entry.hash, old);
        entry_free(pending, old);
    }
    table_add(&pending->by_key, entry.hash, stored);
}

void pending_drop(struct pending *pending, int64_t peer_id, const bool families[STATE_FAMILIES])
{
    struct table kept = {0};

    assert(!pending->order);
    for (size_t i = 0; i < pending->by_key.capacity; i++) {
        struct entry *entry = pending->by_key.slots[i].item;
        if (!entry)
            continue;
        if (entry->peer_id == peer_id && families[key_family(&entry->key)])
            entry_free(pending, entry);
        else
            table_add(&kept, entry->hash, entry);
    }
    table_free(&pending->by_key);
    pending->by_key = kept;
}

size_t pending_count(const struct pending *pending)
{
    return pending->by_key.count;
}

/* ---- Writing ---- */

/* Routes first, in the order of state.db's key: its text. Then NLRIs by their octets. */
struct place {
    struct entry *entry;
    char text[PREFIX_TEXT_SIZE];
};

static int compare_places(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    const struct octets *x = &a->entry->key.nlri, *y = &b->entry->key.nlri;

    if (!x->length != !y->length)
        return x->length ? 1 : -1;
    if (!x->length) {
        int order =
            (a->entry->peer_id > b->entry->peer_id) - (a->entry->peer_id < b->entry->peer_id);
        if (!order)
            order = (int)a->entry->key.prefix.family - (int)b->entry->key.prefix.family;
        if (!order)
            order = strcmp(a->text, b->text);
        if (!order)
            order = (a->entry->key.path_id > b->entry->key.path_id) -
                    (a->entry->key.path_id < b->entry->key.path_id);
        return order;
    }
    int order = memcmp(x->bytes, y->bytes, x->length < y->length ? x->length : y->length);
    if (!order)
        order = (x->length > y->length) - (x->length < y->length);
    if (!order)
        order = (a->entry->peer_id > b->entry->peer_id) - (a->entry->peer_id < b->entry->peer_id);
    return order;
}

void pending_sort(struct pending *pending)
{
    size_t count = pending->by_key.count, used = 0;
    struct place *places = memory_alloc(count, sizeof *places);

    assert(!pending->order);
    for (size_t i = 0; i < pending->by_key.capacity; i++) {
        struct entry *entry = pending->by_key.slots[i].item;
        if (!entry)
            continue;
        places[used].entry = entry;
        if (!entry->key.nlri.length)
            prefix_format(&entry->key.prefix, places[used].text);
        used++;
    }
    qsort(places, count, sizeof *places, compare_places);
    pending->order = memory_alloc(count, sizeof(struct entry *));
    for (size_t i = 0; i < count; i++)
        pending->order[i] = places[i].entry;
    free(places);
}

bool pending_announces(const struct pending *pending, size_t index, int64_t *peer_id,
                       struct state_key *key)
{
    const struct entry *entry = pending->order[index];

    *peer_id = entry->peer_id;
    *key = entry->key;
    return entry->kind != UPDATE_ROUTE_GONE && entry->kind != UPDATE_LS_GONE;
}

static bool write_route(const struct entry *entry, struct state_writer *writer, struct error *err)
{
    struct route route = *(const struct route *)entry->row;

    route.peer_id = entry->peer_id;
    route.attributes = &entry->set->attributes;
    return state_put_route(writer, &route, err);
}

static bool write_node(const struct entry *entry, struct state_writer *writer, struct error *err)
{
    struct ls_node node = *(const struct ls_node *)entry->row;

    node.peer_id = entry->peer_id;
    if (!state_put_node(writer, &node, err))
        return false;
    node.has_attributes = false;
    return !entry->then_bare || state_put_node(writer, &node, err);
}

static bool write_link(const struct entry *entry, struct state_writer *writer, struct error *err)
{
    struct ls_link link = *(const struct ls_link *)entry->row;

    link.peer_id = entry->peer_id;
    if (!state_put_link(writer, &link, err))
        return false;
    link.has_attributes = false;
    return !entry->then_bare || state_put_link(writer, &link, err);
}

static bool write_prefix(const struct entry *entry, struct state_writer *writer, struct error *err)
{
    struct ls_prefix prefix = *(const struct ls_prefix *)entry->row;

    prefix.peer_id = entry->peer_id;
    if (!state_put_prefix(writer, &prefix, err))
        return false;
    prefix.has_attributes = false;
    return !entry->then_bare || state_put_prefix(writer, &prefix, err);
}

bool pending_write(struct pending *pending, size_t index, struct state_writer *writer,
                   struct error *err)
{
    const struct entry *entry = pending->order[index];

    if (entry->is_new && !state_delete_ls(writer, entry->peer_id, entry->key.nlri, err))
        return false;
    switch (entry->kind) {
    case UPDATE_ROUTE:
        return write_route(entry, writer, err);
    case UPDATE_ROUTE_GONE:
        return state_delete_route(writer, entry->peer_id, &entry->key.prefix, entry->key.path_id,
                                  err);
    case UPDATE_NODE:
        return write_node(entry, writer, err);
    case UPDATE_LINK:
        return write_link(entry, writer, err);
    case UPDATE_PREFIX:
        return write_prefix(entry, writer, err);
    case UPDATE_OPAQUE:
        return state_put_opaque(writer, entry->peer_id, entry->key.nlri, entry->attribute, err);
    default:
        assert(entry->kind == UPDATE_LS_GONE);
        return state_delete_ls(writer, entry->peer_id, entry->key.nlri, err);
    }
}
