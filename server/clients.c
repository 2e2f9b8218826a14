/* clients: see clients.h.
 *
 * Chains in buckets under one lock: an accept costs microseconds in the kernel, this costs tens of
 * nanoseconds. An entry lives as long as its client has a connection, so the table is never larger than the
 * number of connections allowed. */
#include "clients.h"

#include "lib/arena.h"
#include "lib/hash.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 1024 };

struct client {
    struct client *next;
    struct prefix key;
    uint32_t count;
};

struct clients {
    pthread_mutex_t lock;
    // under lock
    uint32_t most, most_of_one, count;
    struct client *buckets[BUCKETS];
};

static struct prefix key_of(const struct prefix *address)
{
    struct prefix key = {.family = address->family};

    memcpy(key.bytes, address->bytes, address->family == FAMILY_IPV6 ? 8 : 4);
    return key;
}

/* Where the client's entry hangs, or where it would. */
static struct client **find(struct clients *clients, const struct prefix *key)
{
    uint64_t hash = hash_bytes(key->bytes, sizeof key->bytes);
    struct client **at = &clients->buckets[hash % BUCKETS];

    while (*at && prefix_compare(&(*at)->key, key) != 0)
        at = &(*at)->next;
    return at;
}

struct clients *clients_new(uint32_t most, uint32_t most_of_one)
{
    struct clients *clients = memory_alloc(1, sizeof *clients);

    (void)pthread_mutex_init(&clients->lock, NULL); // cannot fail without attributes
    clients->most = most;
    clients->most_of_one = most_of_one;
    return clients;
}

void clients_free(struct clients *clients)
{
    if (!clients)
        return;
    assert(clients->count == 0);
    (void)pthread_mutex_destroy(&clients->lock);
    free(clients);
}

void clients_limit(struct clients *clients, uint32_t most, uint32_t most_of_one)
{
    pthread_mutex_lock(&clients->lock);
    clients->most = most;
    clients->most_of_one = most_of_one;
    pthread_mutex_unlock(&clients->lock);
}

static enum clients_verdict enter(struct clients *clients, const struct prefix *key)
{
    struct client **at = find(clients, key);

    if (clients->count >= clients->most)
        return CLIENTS_FULL;
    if (*at && (*at)->count >= clients->most_of_one)
        return CLIENTS_TOO_MANY_OF_ONE;
    if (!*at) {
        *at = memory_alloc(1, sizeof **at);
        (*at)->key = *key;
    }
    (*at)->count++;
    clients->count++;
    return CLIENTS_OK;
}

enum clients_verdict clients_enter(struct clients *clients, const struct prefix *address)
{
    struct prefix key = key_of(address);

    pthread_mutex_lock(&clients->lock);
    enum clients_verdict verdict = enter(clients, &key);
    pthread_mutex_unlock(&clients->lock);
    return verdict;
}

void clients_leave(struct clients *clients, const struct prefix *address)
{
    struct prefix key = key_of(address);

    pthread_mutex_lock(&clients->lock);
    struct client **at = find(clients, &key), *client = *at;
    assert(client && client->count > 0);
    clients->count--;
    if (--client->count == 0) {
        *at = client->next;
        free(client);
    }
    pthread_mutex_unlock(&clients->lock);
}

uint32_t clients_count(struct clients *clients)
{
    pthread_mutex_lock(&clients->lock);
    uint32_t count = clients->count;
    pthread_mutex_unlock(&clients->lock);
    return count;
}
