/* prefix_table: see prefix_table.h. Open addressing with linear probing; the table is at most half full. */
#include "prefix_table.h"

#include "lib/arena.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_SIZE = 64, LENGTHS = 129 };

struct slot {
    struct prefix prefix; // family 0: empty
    uint32_t number;
};

struct prefix_table {
    struct slot *slots;
    size_t size, count; // size: a power of two
    uint32_t lengths[2][LENGTHS];
};

static unsigned side(const struct prefix *prefix)
{
    return prefix->family == FAMILY_IPV6;
}

struct prefix_table *prefix_table_new(void)
{
    struct prefix_table *table = memory_alloc(1, sizeof *table);

    table->size = FIRST_SIZE;
    table->slots = memory_alloc(table->size, sizeof *table->slots);
    return table;
}

void prefix_table_free(struct prefix_table *table)
{
    if (!table)
        return;
    free(table->slots);
    free(table);
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0xd6e8feb86659fd93;
    return hash ^ hash >> 32;
}

/* By words: what is looked up a million times must not go through its octets one by one. */
static size_t hash_prefix(const struct prefix *prefix)
{
    uint64_t words[2];
    uint16_t rest;

    _Static_assert(sizeof *prefix == sizeof words + sizeof rest, "all of a prefix is hashed");
    memcpy(words, prefix, sizeof words);
    memcpy(&rest, (const uint8_t *)prefix + sizeof words, sizeof rest);
    return mix(mix(mix(0, words[0]), words[1]), rest);
}

/* The prefix's slot, or the empty one where it would stand. */
static struct slot *find(const struct prefix_table *table, const struct prefix *prefix)
{
    size_t at = hash_prefix(prefix) & (table->size - 1);

    while (table->slots[at].prefix.family &&
           memcmp(&table->slots[at].prefix, prefix, sizeof *prefix) != 0)
        at = (at + 1) & (table->size - 1);
    return &table->slots[at];
}

static void grow(struct prefix_table *table)
{
    struct slot *old = table->slots;
    size_t old_size = table->size;

    table->size *= 2;
    table->slots = memory_alloc(table->size, sizeof *table->slots);
    for (size_t i = 0; i < old_size; i++) {
        if (old[i].prefix.family)
            *find(table, &old[i].prefix) = old[i];
    }
    free(old);
}

uint32_t prefix_table_put(struct prefix_table *table, const struct prefix *prefix, uint32_t number)
{
    struct slot *slot = find(table, prefix);

    if (slot->prefix.family)
        return slot->number;
    *slot = (struct slot){*prefix, number};
    table->lengths[side(prefix)][prefix->length_bits]++;
    if (++table->count > table->size / 2)
        grow(table);
    return number;
}

uint32_t prefix_table_get(const struct prefix_table *table, const struct prefix *prefix)
{
    const struct slot *slot = find(table, prefix);

    return slot->prefix.family ? slot->number : PREFIX_TABLE_NONE;
}

uint32_t prefix_table_match(const struct prefix_table *table, const struct prefix *address,
                            unsigned shortest,
                            bool (*is_there)(const void *context, uint32_t number),
                            const void *context)
{
    const uint32_t *lengths = table->lengths[side(address)];

    for (unsigned bits = family_bits(address->family) + 1U; bits-- > shortest;) {
        struct prefix prefix;

        if (!lengths[bits])
            continue;
        (void)prefix_from_bytes(address->family, (uint8_t)bits, address->bytes, &prefix);
        uint32_t number = prefix_table_get(table, &prefix);
        if (number != PREFIX_TABLE_NONE && (!is_there || is_there(context, number)))
            return number;
    }
    return PREFIX_TABLE_NONE;
}
