/* table: see table.h. Linear probing; a removal moves back what comes after it, so that there are no marks of
 * the removed to be cleaned up later. */
#include "table.h"

#include "arena.h"

#include <assert.h>
#include <stdlib.h>

static size_t home(const struct table *table, uint64_t hash)
{
    return (size_t)hash & (table->capacity - 1);
}

static size_t next(const struct table *table, size_t slot)
{
    return (slot + 1) & (table->capacity - 1);
}

void *table_find(const struct table *table, uint64_t hash,
                 bool (*equal)(const void *item, const void *key), const void *key)
{
    if (!table->count)
        return NULL;
    for (size_t i = home(table, hash); table->slots[i].item; i = next(table, i))
        if (table->slots[i].hash == hash && equal(table->slots[i].item, key))
            return table->slots[i].item;
    return NULL;
}

static void place(struct table *table, uint64_t hash, void *item)
{
    size_t i = home(table, hash);

    while (table->slots[i].item)
        i = next(table, i);
    table->slots[i] = (struct table_slot){hash, item};
}

void table_add(struct table *table, uint64_t hash, void *item)
{
    assert(item);
    if (2 * (table->count + 1) > table->capacity) {
        struct table grown = {.capacity = table->capacity ? 2 * table->capacity : 16};

        grown.slots = memory_alloc(grown.capacity, sizeof *grown.slots);
        for (size_t i = 0; i < table->capacity; i++)
            if (table->slots[i].item)
                place(&grown, table->slots[i].hash, table->slots[i].item);
        grown.count = table->count;
        free(table->slots);
        *table = grown;
    }
    place(table, hash, item);
    table->count++;
}

void table_remove(struct table *table, uint64_t hash, const void *item)
{
    size_t hole = home(table, hash);

    while (table->slots[hole].item != item) {
        assert(table->slots[hole].item);
        hole = next(table, hole);
    }
    for (size_t i = next(table, hole); table->slots[i].item; i = next(table, i)) {
        // may stay where it is only if its home lies behind the hole, on the way round to i
        size_t from_home = (i - home(table, table->slots[i].hash)) & (table->capacity - 1);
        size_t from_hole = (i - hole) & (table->capacity - 1);
        if (from_home < from_hole)
            continue;
        table->slots[hole] = table->slots[i];
        hole = i;
    }
    table->slots[hole] = (struct table_slot){0};
    table->count--;
}

void table_free(struct table *table)
{
    free(table->slots);
    *table = (struct table){0};
}
