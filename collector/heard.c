/* heard: see heard.h. Open addressing over bare hashes; 0 marks a free slot, so a hash of 0 becomes 1. */
#include "heard.h"

#include "lib/hash.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct heard {
    uint64_t secret;
    uint64_t *slots;
    size_t capacity, count;
};

struct heard *heard_new(void)
{
    struct heard *heard = memory_alloc(1, sizeof *heard);

    if (getrandom(&heard->secret, sizeof heard->secret, 0) != (ssize_t)sizeof heard->secret)
        error_fatal("no random bytes from the kernel");
    return heard;
}

void heard_free(struct heard *heard)
{
    if (!heard)
        return;
    free(heard->slots);
    free(heard);
}

static uint64_t hash_key(const struct heard *heard, const struct state_key *key)
{
    uint8_t octets[32] = {0};
    uint64_t rest = 0;

    memcpy(octets, &heard->secret, sizeof heard->secret);
    memcpy(octets + 8, &key->path_id, sizeof key->path_id);
    octets[12] = key->prefix.family;
    octets[13] = key->prefix.length_bits;
    memcpy(octets + 16, key->prefix.bytes, sizeof key->prefix.bytes);
    if (key->nlri.length)
        rest = hash_bytes(key->nlri.bytes, key->nlri.length);
    uint64_t hash = hash_bytes(octets, sizeof octets) ^ (rest ^ heard->secret) * 0x9e3779b97f4a7c15;
    hash = (hash ^ hash >> 32) * 0xd6e8feb86659fd93;
    hash ^= hash >> 32;
    return hash ? hash : 1;
}

static bool place(uint64_t *slots, size_t capacity, uint64_t hash)
{
    size_t i = (size_t)hash & (capacity - 1);

    for (; slots[i]; i = (i + 1) & (capacity - 1))
        if (slots[i] == hash)
            return false;
    slots[i] = hash;
    return true;
}

void heard_add(struct heard *heard, const struct state_key *key)
{
    if (2 * (heard->count + 1) > heard->capacity) {
        size_t capacity = heard->capacity ? 2 * heard->capacity : 64;
        uint64_t *slots = memory_alloc(capacity, sizeof *slots);
        for (size_t i = 0; i < heard->capacity; i++)
            if (heard->slots[i])
                (void)place(slots, capacity, heard->slots[i]);
        free(heard->slots);
        heard->slots = slots;
        heard->capacity = capacity;
    }
    heard->count += place(heard->slots, heard->capacity, hash_key(heard, key));
}

bool heard_has(const struct heard *heard, const struct state_key *key)
{
    uint64_t hash = hash_key(heard, key);

    if (!heard->count)
        return false;
    for (size_t i = (size_t)hash & (heard->capacity - 1); heard->slots[i];
         i = (i + 1) & (heard->capacity - 1))
        if (heard->slots[i] == hash)
            return true;
    return false;
}
