/* model: see model.h.
 *
 * Rows of link-state objects are kept as one block each: the struct, and behind it what its pointers point at
 * of the fields that maps are made from. The rest of a row (areas, unknown TLVs) is not kept. */
#include "model.h"

#include "lib/arena.h"
#include "lib/hash.h"
#include "lib/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_TABLE = 256,   // slots, a power of two
    KNOWN_SETS = 1 << 16 // by the low bits of their numbers; a power of two
};

/* An interned set and what is needed to find and drop it. */
struct attribute_set {
    struct model_attributes shown; // first: a path points at it
    uint64_t hash;
    uint32_t uses;
    char *as_path;
};

struct attribute_table {
    struct attribute_set **slots; // open addressing; at most half full
    size_t size, count;
};

/* Which set a number of state.db's table `attributes` means, for one reading only: after a restart of the collector a
 * number may mean another set. Looking at the words of a set for each path takes longer than all the rest. */
struct known_set {
    uint64_t id;
    struct model_attributes *shown; // NULL: nothing is known
};

struct object_table {
    struct model_object **slots; // open addressing by NLRI; at most half full
    size_t size, count;
};

struct model {
    struct state_position position;
    uint32_t own_asn; // that has_own_asn speaks of
    struct model_peer *peers;
    size_t peer_count, peer_capacity;
    struct model_route *routes;
    size_t route_count, route_capacity;
    struct prefix_table *route_table;
    struct attribute_table attributes;
    struct known_set *known_sets;   // during a reading; else NULL
    struct object_table objects[3]; // nodes, links, prefixes
    uint64_t changes;
};

/* ---- AS paths ---- */

/* Reads the segment at *text: its kind by its bracket (' ' for a sequence's single AS) and first AS. */
static char next_segment(const char **text, uint32_t *first)
{
    const char *at = *text + strspn(*text, " ");
    char kind = *at == '{' || *at == '(' || *at == '[' ? *at : ' ';
    const char *digits = kind == ' ' ? at : at + 1;
    size_t length = strspn(digits, "0123456789");
    uint64_t asn = 0;

    if (*at == '\0')
        return '\0';
    (void)text_uint(digits, length, 0, UINT32_MAX, &asn);
    *first = (uint32_t)asn;
    *text = kind == ' ' ? at + strcspn(at, " ") : at + strcspn(at, "})]");
    if (kind != ' ' && **text)
        ++*text;
    return kind;
}

static void read_as_path(const char *text, struct model_attributes *out)
{
    uint32_t first;
    char kind;

    while ((kind = next_segment(&text, &first))) {
        if (kind == '(' || kind == '[')
            continue;
        if (out->length++ == 0 && kind == ' ')
            out->neighbour_asn = first;
    }
}

static bool as_path_has(const char *text, uint32_t asn)
{
    uint64_t number;

    for (;;) {
        text += strcspn(text, "0123456789");
        size_t length = strspn(text, "0123456789");
        if (length == 0)
            return false;
        if (text_uint(text, length, 0, UINT32_MAX, &number) && number == asn)
            return true;
        text += length;
    }
}

static bool has_word(const char *words, const char *word) // words: between single blanks
{
    size_t length = strlen(word);

    for (const char *at = words; at && (at = strstr(at, word)); at += length) {
        if ((at == words || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
            return true;
    }
    return false;
}

/* ---- Attribute sets ---- */

static struct model_attributes attributes_of(const struct attributes *row, uint32_t own_asn)
{
    struct model_attributes shown = {
        .local_pref = row->has_local_pref ? row->local_pref : 100,
        .med = row->has_med ? row->med : 0,
        .origin = row->origin,
        .is_llgr_stale = has_word(row->communities, "65535:6"),
        .has_own_asn = own_asn && as_path_has(row->as_path, own_asn),
    };

    read_as_path(row->as_path, &shown);
    return shown;
}

static uint64_t attributes_hash(const struct model_attributes *shown, const char *as_path)
{
    uint64_t hash = hash_bytes(as_path, strlen(as_path));

    hash = (hash ^ shown->local_pref) * 0x9e3779b97f4a7c15;
    hash = (hash ^ shown->med) * 0x9e3779b97f4a7c15;
    hash = (hash ^ shown->origin ^ (shown->is_llgr_stale ? 8U : 0U)) * 0x9e3779b97f4a7c15;
    return hash ^ hash >> 32;
}

static bool attributes_equal(const struct attribute_set *set, uint64_t hash,
                             const struct model_attributes *shown, const char *as_path)
{
    return set->hash == hash && set->shown.local_pref == shown->local_pref &&
           set->shown.med == shown->med && set->shown.origin == shown->origin &&
           set->shown.is_llgr_stale == shown->is_llgr_stale && strcmp(set->as_path, as_path) == 0;
}

static void forget_known_sets(struct model *model)
{
    if (model->known_sets)
        memset(model->known_sets, 0, KNOWN_SETS * sizeof *model->known_sets);
}

/* Makes the table anew with room for more, without the sets that nobody uses. */
static void attributes_grow(struct model *model)
{
    struct attribute_table *table = &model->attributes;
    struct attribute_set **old = table->slots;
    size_t old_size = table->size, used = 0;

    forget_known_sets(model); // some may go
    for (size_t i = 0; i < old_size; i++)
        used += old[i] && old[i]->uses;
    table->size = FIRST_TABLE;
    while (table->size < 4 * (used + 1))
        table->size *= 2;
    table->slots = memory_alloc(table->size, sizeof *table->slots);
    table->count = 0;
    for (size_t i = 0; i < old_size; i++) {
        struct attribute_set *set = old[i];

        if (set && set->uses) {
            size_t at = set->hash & (table->size - 1);
            while (table->slots[at])
                at = (at + 1) & (table->size - 1);
            table->slots[at] = set;
            table->count++;
        } else if (set) {
            free(set->as_path);
            free(set);
        }
    }
    free(old);
}

static struct model_attributes *attributes_take(struct model *model, const struct attributes *row)
{
    struct attribute_table *table = &model->attributes;
    struct model_attributes shown = attributes_of(row, model->own_asn);
    uint64_t hash = attributes_hash(&shown, row->as_path);

    if (2 * (table->count + 1) > table->size)
        attributes_grow(model);
    size_t at = hash & (table->size - 1);
    while (table->slots[at] && !attributes_equal(table->slots[at], hash, &shown, row->as_path))
        at = (at + 1) & (table->size - 1);
    if (!table->slots[at]) {
        struct attribute_set *set = memory_alloc(1, sizeof *set);

        *set = (struct attribute_set){
            .shown = shown, .hash = hash, .as_path = memory_text(row->as_path)};
        table->slots[at] = set;
        table->count++;
    }
    table->slots[at]->uses++;
    return &table->slots[at]->shown;
}

/* The same by the number that the reading gives, where it has given it before. */
static struct model_attributes *attributes_take_known(struct model *model,
                                                      const struct attributes *row, uint64_t id)
{
    struct known_set *known = model->known_sets ? &model->known_sets[id % KNOWN_SETS] : NULL;

    if (known && known->shown && known->id == id) {
        ((struct attribute_set *)(void *)known->shown)->uses++;
        return known->shown;
    }
    struct model_attributes *shown = attributes_take(model, row);
    if (known)
        *known = (struct known_set){id, shown};
    return shown;
}

/* The set stays in its slot until the table is made anew: it often comes back at once. */
static void attributes_drop(struct model_attributes *shown)
{
    struct attribute_set *set = (struct attribute_set *)(void *)shown;

    assert(set->uses > 0);
    set->uses--;
}

static void attributes_set_own_asn(struct model *model, uint32_t own_asn)
{
    model->own_asn = own_asn;
    model->changes++;
    for (size_t i = 0; i < model->attributes.size; i++) {
        struct attribute_set *set = model->attributes.slots[i];

        if (set)
            set->shown.has_own_asn = own_asn && as_path_has(set->as_path, own_asn);
    }
}

static void attributes_clear(struct model *model)
{
    struct attribute_table *table = &model->attributes;

    forget_known_sets(model);
    for (size_t i = 0; i < table->size; i++) {
        if (table->slots[i]) {
            free(table->slots[i]->as_path);
            free(table->slots[i]);
        }
    }
    free(table->slots);
    *table = (struct attribute_table){0};
}

/* ---- Rows as blocks ---- */

struct packer {
    char *room; // NULL: only count
    size_t used;
};

static void *pack(struct packer *packer, const void *from, size_t bytes)
{
    size_t start = (packer->used + 7) / 8 * 8;

    packer->used = start + bytes;
    if (!packer->room || bytes == 0)
        return NULL;
    return memcpy(packer->room + start, from, bytes);
}

static void pack_octets(struct packer *packer, struct octets *octets)
{
    octets->bytes = pack(packer, octets->bytes, octets->length);
}

static void pack_addresses(struct packer *packer, struct addresses *addresses)
{
    addresses->list = pack(packer, addresses->list, addresses->count * sizeof *addresses->list);
}

static void pack_node(struct packer *packer, struct ls_node *row)
{
    pack_octets(packer, &row->nlri);
    pack_octets(packer, &row->local.node);
    if (row->name)
        row->name = pack(packer, row->name, strlen(row->name) + 1);
    pack_addresses(packer, &row->ipv4_router_ids);
    pack_addresses(packer, &row->ipv6_router_ids);
    row->topologies = NULL;
    row->topology_count = 0;
    row->isis_areas = NULL;
    row->isis_area_count = 0;
    row->other = (struct octets){0};
}

static void pack_link(struct packer *packer, struct ls_link *row)
{
    pack_octets(packer, &row->nlri);
    pack_octets(packer, &row->local.node);
    pack_octets(packer, &row->remote.node);
    pack_addresses(packer, &row->local_addresses);
    pack_addresses(packer, &row->remote_addresses);
    pack_addresses(packer, &row->local_ipv4_router_ids);
    pack_addresses(packer, &row->local_ipv6_router_ids);
    pack_addresses(packer, &row->remote_ipv4_router_ids);
    pack_addresses(packer, &row->remote_ipv6_router_ids);
    row->srlgs = NULL;
    row->srlg_count = 0;
    row->name = NULL;
    row->other = (struct octets){0};
}

static void pack_prefix(struct packer *packer, struct ls_prefix *row)
{
    pack_octets(packer, &row->nlri);
    pack_octets(packer, &row->local.node);
    row->other = (struct octets){0};
}

static struct ls_node *copy_node(const struct ls_node *from)
{
    struct packer count = {.used = sizeof *from};
    struct ls_node row = *from, *copy;

    pack_node(&count, &row);
    struct packer packer = {memory_alloc(count.used, 1), sizeof *from};
    row = *from;
    pack_node(&packer, &row);
    copy = (struct ls_node *)(void *)packer.room;
    *copy = row;
    return copy;
}

static struct ls_link *copy_link(const struct ls_link *from)
{
    struct packer count = {.used = sizeof *from};
    struct ls_link row = *from, *copy;

    pack_link(&count, &row);
    struct packer packer = {memory_alloc(count.used, 1), sizeof *from};
    row = *from;
    pack_link(&packer, &row);
    copy = (struct ls_link *)(void *)packer.room;
    *copy = row;
    return copy;
}

static struct ls_prefix *copy_prefix(const struct ls_prefix *from)
{
    struct packer count = {.used = sizeof *from};
    struct ls_prefix row = *from, *copy;

    pack_prefix(&count, &row);
    struct packer packer = {memory_alloc(count.used, 1), sizeof *from};
    row = *from;
    pack_prefix(&packer, &row);
    copy = (struct ls_prefix *)(void *)packer.room;
    *copy = row;
    return copy;
}

/* ---- Link-state objects ---- */

int octets_compare(struct octets a, struct octets b)
{
    size_t common = a.length < b.length ? a.length : b.length;
    int order = common ? memcmp(a.bytes, b.bytes, common) : 0;

    return order ? order : (a.length > b.length) - (a.length < b.length);
}

static struct object_table *table_of(struct model *model, enum state_object kind)
{
    assert(kind == OBJECT_NODE || kind == OBJECT_LINK || kind == OBJECT_PREFIX);
    return &model->objects[kind - OBJECT_NODE];
}

static void object_free(struct model_object *object)
{
    for (uint32_t i = 0; i < object->count; i++)
        free(object->sources[i].row);
    free(object->sources);
    free(object->bytes);
    free(object);
}

/* The object's slot, or the empty one where it would stand. The table is not empty. */
static struct model_object **objects_find(const struct object_table *table, struct octets nlri)
{
    size_t at = hash_bytes(nlri.bytes, nlri.length) & (table->size - 1);

    while (table->slots[at] && octets_compare(table->slots[at]->nlri, nlri) != 0)
        at = (at + 1) & (table->size - 1);
    return &table->slots[at];
}

/* Makes the table anew with room for more, without the objects that no source has. */
static void objects_grow(struct object_table *table)
{
    struct object_table old = *table;
    size_t used = 0;

    for (size_t i = 0; i < old.size; i++)
        used += old.slots[i] && old.slots[i]->count;
    table->size = FIRST_TABLE;
    while (table->size < 4 * (used + 1))
        table->size *= 2;
    table->slots = memory_alloc(table->size, sizeof(struct model_object *));
    table->count = used;
    for (size_t i = 0; i < old.size; i++) {
        if (old.slots[i] && old.slots[i]->count)
            *objects_find(table, old.slots[i]->nlri) = old.slots[i];
        else if (old.slots[i])
            object_free(old.slots[i]);
    }
    free(old.slots);
}

static void objects_put(struct object_table *table, struct octets nlri, int64_t peer_id, void *row)
{
    if (2 * (table->count + 1) > table->size)
        objects_grow(table);
    struct model_object **slot = objects_find(table, nlri), *object = *slot;

    if (!object) {
        uint8_t *bytes = memory_alloc(nlri.length, 1);

        if (nlri.length)
            memcpy(bytes, nlri.bytes, nlri.length);
        object = *slot = memory_alloc(1, sizeof *object);
        object->bytes = bytes;
        object->nlri = (struct octets){bytes, nlri.length};
        table->count++;
    }
    for (uint32_t i = 0; i < object->count; i++) {
        if (object->sources[i].peer_id == peer_id) {
            free(object->sources[i].row);
            object->sources[i].row = row;
            return;
        }
    }
    if (object->count == object->capacity) {
        object->capacity = object->capacity ? 2 * object->capacity : 2;
        object->sources = memory_resize(object->sources, object->capacity, sizeof *object->sources);
    }
    object->sources[object->count++] = (struct model_source){peer_id, row};
}

static void object_remove(struct model_object *object, int64_t peer_id)
{
    for (uint32_t i = 0; i < object->count; i++) {
        if (object->sources[i].peer_id == peer_id) {
            free(object->sources[i].row);
            object->sources[i] = object->sources[--object->count];
            return;
        }
    }
}

static void objects_clear(struct object_table *table)
{
    for (size_t i = 0; i < table->size; i++) {
        if (table->slots[i])
            object_free(table->slots[i]);
    }
    free(table->slots);
    *table = (struct object_table){0};
}

/* ---- Routes ---- */

static struct model_path *find_path(struct model_route *route, int64_t peer_id, uint32_t path_id)
{
    for (uint32_t i = 0; i < route->count; i++) {
        if (route->paths[i].peer_id == peer_id && route->paths[i].path_id == path_id)
            return &route->paths[i];
    }
    return NULL;
}

static void route_put(struct model *model, const struct route *row, uint64_t attributes_id)
{
    uint32_t index =
        prefix_table_put(model->route_table, &row->prefix, (uint32_t)model->route_count);

    if (index == model->route_count) {
        model->routes = memory_grow(model->routes, model->route_count, &model->route_capacity,
                                    sizeof *model->routes);
        model->routes[model->route_count++] = (struct model_route){.prefix = row->prefix};
    }
    struct model_route *route = &model->routes[index];
    struct model_attributes *attributes =
        attributes_take_known(model, row->attributes, attributes_id);
    struct model_path *path = find_path(route, row->peer_id, row->path_id);
    if (path) {
        attributes_drop(path->attributes);
    } else {
        if (route->count == route->capacity) {
            route->capacity = route->capacity ? 2 * route->capacity : 1;
            route->paths = memory_resize(route->paths, route->capacity, sizeof *route->paths);
        }
        path = &route->paths[route->count++];
    }
    *path = (struct model_path){row->peer_id, row->path_id, row->next_hop, attributes};
}

static void path_remove(struct model_route *route, struct model_path *path)
{
    attributes_drop(path->attributes);
    *path = route->paths[--route->count];
}

static void route_remove(struct model *model, int64_t peer_id, const struct state_key *key)
{
    uint32_t index = prefix_table_get(model->route_table, &key->prefix);
    struct model_path *path = NULL;

    if (index != PREFIX_TABLE_NONE)
        path = find_path(&model->routes[index], peer_id, key->path_id);
    if (path)
        path_remove(&model->routes[index], path);
}

static void routes_clear(struct model *model)
{
    for (size_t i = 0; i < model->route_count; i++)
        free(model->routes[i].paths);
    free(model->routes);
    model->routes = NULL;
    model->route_count = model->route_capacity = 0;
    prefix_table_free(model->route_table);
    model->route_table = prefix_table_new();
    attributes_clear(model);
}

/* ---- Peers ---- */

static struct model_peer *find_peer(const struct model *model, int64_t peer_id)
{
    for (size_t i = 0; i < model->peer_count; i++) {
        if (model->peers[i].row.peer_id == peer_id)
            return &model->peers[i];
    }
    return NULL;
}

static void peer_clear(struct model_peer *peer)
{
    for (size_t i = 0; i < sizeof peer->texts / sizeof *peer->texts; i++)
        free(peer->texts[i]);
}

static int compare_peers(const void *a, const void *b)
{
    const struct peer *x = &((const struct model_peer *)a)->row;
    const struct peer *y = &((const struct model_peer *)b)->row;
    struct prefix at_x = {0}, at_y = {0};

    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    (void)address_parse(x->address, &at_x);
    (void)address_parse(y->address, &at_y);
    int order = prefix_compare(&at_x, &at_y);
    return order ? order : (x->peer_id > y->peer_id) - (x->peer_id < y->peer_id);
}

static char *text_or_null(const char *text)
{
    return text ? memory_text(text) : NULL;
}

static void remove_peer(struct model *model, int64_t peer_id)
{
    struct model_peer *peer = find_peer(model, peer_id);

    for (size_t i = 0; i < model->route_count; i++) {
        struct model_route *route = &model->routes[i];

        for (uint32_t at = route->count; at-- > 0;) {
            if (route->paths[at].peer_id == peer_id)
                path_remove(route, &route->paths[at]);
        }
    }
    for (size_t kind = 0; kind < 3; kind++) {
        for (size_t i = 0; i < model->objects[kind].size; i++) {
            if (model->objects[kind].slots[i])
                object_remove(model->objects[kind].slots[i], peer_id);
        }
    }
    if (peer) {
        peer_clear(peer);
        *peer = model->peers[--model->peer_count];
        qsort(model->peers, model->peer_count, sizeof *model->peers, compare_peers);
    }
}

/* ---- The visitor ---- */

static void on_restart(void *context)
{
    struct model *model = context;

    model->changes++;
    routes_clear(model);
    for (size_t kind = 0; kind < 3; kind++)
        objects_clear(&model->objects[kind]);
    for (size_t i = 0; i < model->peer_count; i++)
        peer_clear(&model->peers[i]);
    model->peer_count = 0;
}

static void on_peer(void *context, const struct peer *row)
{
    struct model *model = context;
    struct model_peer *peer = find_peer(model, row->peer_id);

    // peers come with every read; of one, only what L-100 orders by can change a map
    if (!peer || peer->row.rank != row->rank || strcmp(peer->row.address, row->address) != 0)
        model->changes++;
    if (!peer) {
        model->peers = memory_grow(model->peers, model->peer_count, &model->peer_capacity,
                                   sizeof *model->peers);
        peer = &model->peers[model->peer_count++];
        *peer = (struct model_peer){0};
    } else {
        peer_clear(peer);
    }
    peer->row = *row;
    peer->row.name = peer->texts[0] = memory_text(row->name);
    peer->row.address = peer->texts[1] = memory_text(row->address);
    peer->row.router_id = peer->texts[2] = text_or_null(row->router_id);
    peer->row.last_error = peer->texts[3] = text_or_null(row->last_error);
    qsort(model->peers, model->peer_count, sizeof *model->peers, compare_peers);
}

static bool is_loading(const struct peer_family *row)
{
    return !row->stale && row->end_of_rib == END_OF_RIB_NO;
}

static void on_peer_family(void *context, const struct peer_family *row)
{
    struct model *model = context;
    struct model_peer *peer = find_peer(model, row->peer_id);

    if (!peer)
        return; // a row without its peer says nothing to anybody
    const struct peer_family *old = &peer->families[row->family];
    if (!peer->has_family[row->family] || old->stale != row->stale ||
        is_loading(old) != is_loading(row))
        model->changes++;
    peer->families[row->family] = *row;
    peer->families[row->family].faulty = NULL; // borrowed, and of no use here
    peer->has_family[row->family] = peer->is_given[row->family] = true;
}

static void on_route(void *context, const struct route *row, uint64_t attributes_id)
{
    ((struct model *)context)->changes++;
    route_put(context, row, attributes_id);
}

static void on_node(void *context, const struct ls_node *row)
{
    ((struct model *)context)->changes++;
    objects_put(table_of(context, OBJECT_NODE), row->nlri, row->peer_id, copy_node(row));
}

static void on_link(void *context, const struct ls_link *row)
{
    ((struct model *)context)->changes++;
    objects_put(table_of(context, OBJECT_LINK), row->nlri, row->peer_id, copy_link(row));
}

static void on_prefix(void *context, const struct ls_prefix *row)
{
    ((struct model *)context)->changes++;
    objects_put(table_of(context, OBJECT_PREFIX), row->nlri, row->peer_id, copy_prefix(row));
}

static void on_gone(void *context, enum state_object kind, int64_t peer_id,
                    const struct state_key *key)
{
    ((struct model *)context)->changes++;
    if (kind == OBJECT_ROUTE) {
        route_remove(context, peer_id, key);
    } else if (kind == OBJECT_PEER) {
        remove_peer(context, peer_id);
    } else if (kind != OBJECT_OPAQUE) {
        struct object_table *table = table_of(context, kind);
        struct model_object *object = table->size ? *objects_find(table, key->nlri) : NULL;

        if (object)
            object_remove(object, peer_id);
    }
}

/* ---- Public ---- */

struct model *model_new(void)
{
    struct model *model = memory_alloc(1, sizeof *model);

    model->route_table = prefix_table_new();
    return model;
}

void model_free(struct model *model)
{
    if (!model)
        return;
    on_restart(model);
    prefix_table_free(model->route_table);
    free(model->peers);
    free(model);
}

struct state_visitor model_visitor(struct model *model)
{
    return (struct state_visitor){
        .context = model,
        .on_restart = on_restart,
        .on_peer = on_peer,
        .on_peer_family = on_peer_family,
        .on_route = on_route,
        .on_node = on_node,
        .on_link = on_link,
        .on_prefix = on_prefix,
        .on_gone = on_gone,
    };
}

const struct state_position *model_position(const struct model *model)
{
    return &model->position;
}

uint64_t model_changes(const struct model *model)
{
    return model->changes;
}

uint32_t model_own_asn(const struct model *model)
{
    return model->own_asn;
}

void model_set_own_asn(struct model *model, uint32_t own_asn)
{
    if (own_asn != model->own_asn)
        attributes_set_own_asn(model, own_asn);
}

/* Families that this read did not give are no longer configured; they leave no tombstone. */
static void drop_families(struct model *model)
{
    for (size_t i = 0; i < model->peer_count; i++) {
        struct model_peer *peer = &model->peers[i];

        for (size_t family = 0; family < STATE_FAMILIES; family++) {
            if (peer->has_family[family] && !peer->is_given[family]) {
                peer->has_family[family] = false;
                model->changes++;
            }
        }
    }
}

bool model_update(struct model *model, struct state_reader *reader, struct error *err)
{
    struct state_visitor visitor = model_visitor(model);

    for (size_t i = 0; i < model->peer_count; i++)
        memset(model->peers[i].is_given, 0, sizeof model->peers[i].is_given);
    model->known_sets = memory_alloc(KNOWN_SETS, sizeof *model->known_sets);
    bool ok = state_read(reader, &model->position, &visitor, err);
    free(model->known_sets);
    model->known_sets = NULL;
    if (!ok) {
        on_restart(model);
        model->position = (struct state_position){0};
        return false;
    }
    drop_families(model);
    model_set_own_asn(model, model->position.local_asn);
    return true;
}

const struct model_peer *model_peers(const struct model *model, size_t *count)
{
    *count = model->peer_count;
    return model->peers;
}

bool model_is_stale(const struct model *model, int64_t peer_id, enum state_family family)
{
    const struct model_peer *peer = find_peer(model, peer_id);

    return !peer || !peer->has_family[family] || peer->families[family].stale;
}

bool model_counts(const struct model *model, int64_t peer_id, enum state_family family)
{
    const struct model_peer *peer = find_peer(model, peer_id);

    return !peer || !peer->has_family[family] || !is_loading(&peer->families[family]);
}

const struct model_route *model_routes(const struct model *model, size_t *count)
{
    *count = model->route_count;
    return model->routes;
}

const struct prefix_table *model_route_table(const struct model *model)
{
    return model->route_table;
}

bool model_has_attributes(enum state_object kind, const void *row)
{
    if (kind == OBJECT_NODE)
        return ((const struct ls_node *)row)->has_attributes;
    if (kind == OBJECT_LINK)
        return ((const struct ls_link *)row)->has_attributes;
    return ((const struct ls_prefix *)row)->has_attributes;
}

enum {
    LINK_MEASURES = LINK_DELAY | LINK_DELAY_MIN | LINK_DELAY_MAX | LINK_DELAY_VARIATION |
                    LINK_LOSS | LINK_RESIDUAL | LINK_AVAILABLE | LINK_UTILIZED,
};

bool model_has_measures(enum state_object kind, const void *row)
{
    if (kind == OBJECT_LINK)
        return ((const struct ls_link *)row)->has & LINK_MEASURES;
    return kind != OBJECT_PREFIX || ((const struct ls_prefix *)row)->has_metric;
}

/* L-100: not stale first, then with attribute 29, then the peers' order; with measures only, if asked. NULL: none
 * counts yet. */
static const struct model_source *best_source(const struct model *model, enum state_object kind,
                                              const struct model_object *object,
                                              bool must_have_measures, bool *stale)
{
    const struct model_source *best = NULL;
    uint64_t best_rank = UINT64_MAX;

    for (uint32_t i = 0; i < object->count; i++) {
        const struct model_source *source = &object->sources[i];

        if (!model_counts(model, source->peer_id, STATE_LINK_STATE) ||
            (must_have_measures && !model_has_measures(kind, source->row)))
            continue;
        const struct model_peer *peer = find_peer(model, source->peer_id);
        uint64_t rank = peer ? (uint64_t)(peer - model->peers) : model->peer_count;

        if (!model_has_attributes(kind, source->row))
            rank |= (uint64_t)1 << 61;
        if (model_is_stale(model, source->peer_id, STATE_LINK_STATE))
            rank |= (uint64_t)1 << 62;
        if (rank < best_rank) {
            best = source;
            best_rank = rank;
        }
    }
    *stale = best && best_rank >> 62 & 1;
    return best;
}

static const void *link_measured_by(const struct ls_link *link, const struct ls_link *measured,
                                    struct arena *arena)
{
    struct ls_link *row = arena_copy(arena, link, sizeof *link);

    row->has |= measured->has & LINK_MEASURES;
    row->delay_us = measured->delay_us;
    row->delay_min_us = measured->delay_min_us;
    row->delay_max_us = measured->delay_max_us;
    row->delay_variation_us = measured->delay_variation_us;
    row->delay_anomalous = measured->delay_anomalous;
    row->delay_min_max_anomalous = measured->delay_min_max_anomalous;
    row->loss_anomalous = measured->loss_anomalous;
    row->loss_3e8 = measured->loss_3e8;
    row->residual_bps = measured->residual_bps;
    row->available_bps = measured->available_bps;
    row->utilized_bps = measured->utilized_bps;
    return row;
}

static const void *prefix_measured_by(const struct ls_prefix *prefix,
                                      const struct ls_prefix *measured, struct arena *arena)
{
    struct ls_prefix *row = arena_copy(arena, prefix, sizeof *prefix);

    row->has_metric = true;
    row->metric = measured->metric;
    return row;
}

/* The object's row, with what the best source cannot say from the next one that says it (L-100). NULL: no source
 * counts yet. */
static const void *row_of(const struct model *model, enum state_object kind,
                          const struct model_object *object, struct arena *arena, bool *stale)
{
    const struct model_source *best = best_source(model, kind, object, false, stale), *measured;
    bool measured_stale;

    if (!best)
        return NULL;
    if (object->count == 1 || model_has_measures(kind, best->row) ||
        !(measured = best_source(model, kind, object, true, &measured_stale)))
        return best->row;
    *stale |= measured_stale;
    return kind == OBJECT_LINK ? link_measured_by(best->row, measured->row, arena)
                               : prefix_measured_by(best->row, measured->row, arena);
}

struct chosen {
    struct octets nlri;
    const void *row;
};

static int compare_chosen(const void *a, const void *b)
{
    return octets_compare(((const struct chosen *)a)->nlri, ((const struct chosen *)b)->nlri);
}

const void **model_rows(const struct model *model, enum state_object kind, struct arena *arena,
                        size_t *count, size_t *stale)
{
    const struct object_table *table = &model->objects[kind - OBJECT_NODE];
    struct chosen *chosen = memory_alloc(table->count, sizeof *chosen);

    *count = *stale = 0;
    for (size_t i = 0; i < table->size; i++) {
        const struct model_object *object = table->slots[i];
        bool is_stale;

        if (!object || object->count == 0)
            continue;
        const void *row = row_of(model, kind, object, arena, &is_stale);
        if (!row)
            continue;
        chosen[(*count)++] = (struct chosen){object->nlri, row};
        *stale += is_stale;
    }
    if (*count)
        qsort(chosen, *count, sizeof *chosen, compare_chosen);
    const void **rows = arena_alloc(arena, *count, sizeof *rows);
    for (size_t i = 0; i < *count; i++)
        rows[i] = chosen[i].row;
    free(chosen);
    return rows;
}

void model_each_object(const struct model *model, enum state_object kind,
                       void (*visit)(void *context, const struct model_object *object),
                       void *context)
{
    const struct object_table *table = &model->objects[kind - OBJECT_NODE];

    for (size_t i = 0; i < table->size; i++) {
        if (table->slots[i] && table->slots[i]->count)
            visit(context, table->slots[i]);
    }
}
