/* attribute_pool: see attribute_pool.h. A set is one block: the struct, then its strings. Sets are compared as
 * octets: every field is written down in turn, so that equal octets are equal sets, and the octets stand in
 * the same block. */
#include "attribute_pool.h"

#include "hash.h"
#include "table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { TEXTS = 7 };

struct attribute_pool {
    struct table by_octets, by_id;
    uint8_t *key; // the octets of the set that is looked for
    size_t key_length, key_capacity;
};

struct stored_set {
    struct attribute_set set; // first: the user's pointer is ours
    size_t length;
    uint8_t octets[];
};

/* What has no text of its own; the padding is zero, for it is compared. */
struct numbers {
    uint32_t local_pref, med, other_length;
    uint32_t lengths[TEXTS]; // with the NUL; 0: NULL
    uint8_t origin, has_local_pref, has_med, atomic_aggregate;
};

static void texts_of(const struct attributes *attributes, const char *texts[TEXTS])
{
    texts[0] = attributes->as_path;
    texts[1] = attributes->communities;
    texts[2] = attributes->large_communities;
    texts[3] = attributes->extended_communities;
    texts[4] = attributes->originator_id;
    texts[5] = attributes->cluster_list;
    texts[6] = attributes->aggregator;
}

static void key_add(struct attribute_pool *pool, const void *bytes, size_t length)
{
    while (pool->key_length + length > pool->key_capacity)
        pool->key = memory_grow(pool->key, pool->key_capacity, &pool->key_capacity, 1);
    if (length)
        memcpy(pool->key + pool->key_length, bytes, length);
    pool->key_length += length;
}

static void key_make(struct attribute_pool *pool, const struct attributes *attributes)
{
    const char *texts[TEXTS];
    struct numbers numbers;

    memset(&numbers, 0, sizeof numbers);
    texts_of(attributes, texts);
    for (size_t i = 0; i < TEXTS; i++)
        numbers.lengths[i] = texts[i] ? (uint32_t)strlen(texts[i]) + 1 : 0;
    numbers.origin = attributes->origin;
    numbers.has_local_pref = attributes->has_local_pref;
    numbers.local_pref = attributes->has_local_pref ? attributes->local_pref : 0;
    numbers.has_med = attributes->has_med;
    numbers.med = attributes->has_med ? attributes->med : 0;
    numbers.atomic_aggregate = attributes->atomic_aggregate;
    numbers.other_length = (uint32_t)attributes->other_length;
    pool->key_length = 0;
    key_add(pool, &numbers, sizeof numbers);
    for (size_t i = 0; i < TEXTS; i++)
        key_add(pool, texts[i], numbers.lengths[i]);
    key_add(pool, attributes->other, attributes->other_length);
}

/* Points the struct into the octets behind it. */
static void set_fill(struct stored_set *stored)
{
    struct attributes *attributes = &stored->set.attributes;
    const char **texts[TEXTS] = {
        &attributes->as_path,           &attributes->communities,
        &attributes->large_communities, &attributes->extended_communities,
        &attributes->originator_id,     &attributes->cluster_list,
        &attributes->aggregator,
    };
    const uint8_t *at = stored->octets + sizeof(struct numbers);
    struct numbers numbers;

    memcpy(&numbers, stored->octets, sizeof numbers);
    for (size_t i = 0; i < TEXTS; i++) {
        *texts[i] = numbers.lengths[i] ? (const char *)at : NULL;
        at += numbers.lengths[i];
    }
    attributes->origin = numbers.origin;
    attributes->has_local_pref = numbers.has_local_pref;
    attributes->local_pref = numbers.local_pref;
    attributes->has_med = numbers.has_med;
    attributes->med = numbers.med;
    attributes->atomic_aggregate = numbers.atomic_aggregate;
    attributes->other = numbers.other_length ? at : NULL;
    attributes->other_length = numbers.other_length;
}

struct attribute_pool *attribute_pool_new(void)
{
    return memory_alloc(1, sizeof(struct attribute_pool));
}

void attribute_pool_free(struct attribute_pool *pool)
{
    if (!pool)
        return;
    for (size_t i = 0; i < pool->by_octets.capacity; i++)
        free(pool->by_octets.slots[i].item);
    table_free(&pool->by_octets);
    table_free(&pool->by_id);
    free(pool->key);
    free(pool);
}

static bool has_octets(const void *item, const void *key)
{
    const struct stored_set *stored = item;
    const struct attribute_pool *pool = key;

    return stored->length == pool->key_length &&
           memcmp(stored->octets, pool->key, pool->key_length) == 0;
}

struct attribute_set *attribute_pool_find(struct attribute_pool *pool,
                                          const struct attributes *attributes)
{
    key_make(pool, attributes);
    uint64_t hash = hash_bytes(pool->key, pool->key_length);
    struct stored_set *stored = table_find(&pool->by_octets, hash, has_octets, pool);

    if (!stored) {
        stored = memory_alloc(1, sizeof *stored + pool->key_length);
        stored->length = pool->key_length;
        stored->set.hash = hash;
        memcpy(stored->octets, pool->key, pool->key_length);
        set_fill(stored);
        table_add(&pool->by_octets, hash, stored);
    }
    return &stored->set;
}

static bool has_id(const void *item, const void *key)
{
    const struct stored_set *stored = item;
    const int64_t *id = key;

    return stored->set.id == *id;
}

void attribute_pool_number(struct attribute_pool *pool, struct attribute_set *set, int64_t id)
{
    assert(set->id == 0 && id != 0);
    set->id = id;
    table_add(&pool->by_id, table_hash_number((uint64_t)id), set);
}

struct attribute_set *attribute_pool_by_id(const struct attribute_pool *pool, int64_t id)
{
    return table_find(&pool->by_id, table_hash_number((uint64_t)id), has_id, &id);
}

void attribute_pool_remove(struct attribute_pool *pool, struct attribute_set *set)
{
    assert(set->references == 0);
    if (set->id)
        table_remove(&pool->by_id, table_hash_number((uint64_t)set->id), set);
    table_remove(&pool->by_octets, set->hash, set);
    free(set);
}
