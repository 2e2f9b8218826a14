/* table: items found by a 64-bit hash; open addressing, at most half full.
 *
 * The table holds pointers, the items belong to whoever put them there. What is equal is decided by a
 * function of the user's, called only for items of the same hash. One thread at a time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table_slot {
    uint64_t hash;
    void *item; // NULL: free
};

/* All zero is an empty table. Walk it by for (i < capacity) if (slots[i].item), without changing it. */
struct table {
    struct table_slot *slots;
    size_t capacity, count;
};

/* The item of that hash for which equal(item, key) holds, or NULL. */
void *table_find(const struct table *table, uint64_t hash,
                 bool (*equal)(const void *item, const void *key), const void *key);

/* item must not be there yet. */
void table_add(struct table *table, uint64_t hash, void *item);

/* item must be there; found by its pointer. */
void table_remove(struct table *table, uint64_t hash, const void *item);

/* The hash of a number. Consecutive numbers must not be their own hashes: they would fill one long run of
 * slots, and each removal would walk to its end. */
static inline uint64_t table_hash_number(uint64_t number)
{
    number = (number ^ number >> 32) * 0xd6e8feb86659fd93;
    number = (number ^ number >> 32) * 0xd6e8feb86659fd93;
    return number ^ number >> 32;
}

void table_free(struct table *table); // the slots, not the items; the table is empty then
