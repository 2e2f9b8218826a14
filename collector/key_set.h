/* key_set: how many distinct keys came, by their 64-bit hashes.
 *
 * Two keys with one hash count as one; with a million keys that has a chance of 1 in 40 million. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero: empty. */
struct key_set {
    uint64_t *slots; // 0: free
    size_t count, capacity;
};

void key_set_add(struct key_set *set, uint64_t hash);
bool key_set_has(const struct key_set *set, uint64_t hash);
void key_set_remove(struct key_set *set, uint64_t hash); // one that is not there: nothing
void key_set_clear(struct key_set *set);                 // empty, and its memory freed
