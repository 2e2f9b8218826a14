/* heard: see heard.h. */
#include "heard.h"

#include "key_set.h"
#include "lib/hash.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct heard {
    uint64_t secret;
    struct key_set keys;
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
    key_set_clear(&heard->keys);
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
    return hash ^ hash >> 32;
}

void heard_add(struct heard *heard, const struct state_key *key)
{
    key_set_add(&heard->keys, hash_key(heard, key));
}

void heard_remove(struct heard *heard, const struct state_key *key)
{
    key_set_remove(&heard->keys, hash_key(heard, key));
}

size_t heard_count(const struct heard *heard)
{
    return heard->keys.count;
}

bool heard_has(const struct heard *heard, const struct state_key *key)
{
    return key_set_has(&heard->keys, hash_key(heard, key));
}
