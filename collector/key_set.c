/* key_set: open addressing with linear probing, at most two thirds full. A removal closes the gap that it
 * makes, so that there are no markers to clean up. */
#include "key_set.h"

#include "lib/arena.h"

#include <stdlib.h>

enum { CAPACITY_FIRST = 64 }; // a power of two, as all that follow

static uint64_t in_use(uint64_t hash)
{
    return hash ? hash : 1; // 0 marks a free slot
}

/* The slot of the hash, or the free one where it belongs. */
static size_t slot_of(const struct key_set *set, uint64_t hash)
{
    size_t slot = hash & (set->capacity - 1);

    while (set->slots[slot] && set->slots[slot] != hash)
        slot = (slot + 1) & (set->capacity - 1);
    return slot;
}

static void grow(struct key_set *set)
{
    struct key_set wider = {.count = set->count,
                            .capacity = set->capacity ? set->capacity * 2 : CAPACITY_FIRST};

    wider.slots = memory_alloc(wider.capacity, sizeof *wider.slots);
    for (size_t i = 0; i < set->capacity; i++) {
        if (set->slots[i])
            wider.slots[slot_of(&wider, set->slots[i])] = set->slots[i];
    }
    free(set->slots);
    *set = wider;
}

void key_set_add(struct key_set *set, uint64_t hash)
{
    if (set->count * 3 >= set->capacity * 2)
        grow(set);
    size_t slot = slot_of(set, in_use(hash));
    set->count += set->slots[slot] == 0;
    set->slots[slot] = in_use(hash);
}

bool key_set_has(const struct key_set *set, uint64_t hash)
{
    return set->capacity && set->slots[slot_of(set, in_use(hash))];
}

void key_set_remove(struct key_set *set, uint64_t hash)
{
    if (!set->capacity)
        return;
    size_t mask = set->capacity - 1, gap = slot_of(set, in_use(hash));
    if (!set->slots[gap])
        return;
    set->count--;
    // what follows without a gap may have been pushed on by what is removed: move it back
    for (size_t next = (gap + 1) & mask; set->slots[next]; next = (next + 1) & mask) {
        size_t home = set->slots[next] & mask;
        if (((next - home) & mask) < ((next - gap) & mask))
            continue; // its home lies behind the gap
        set->slots[gap] = set->slots[next];
        gap = next;
    }
    set->slots[gap] = 0;
}

void key_set_clear(struct key_set *set)
{
    free(set->slots);
    *set = (struct key_set){0};
}
