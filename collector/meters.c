/* meters: see meters.h. */
#include "meters.h"

#include "lib/hash.h"
#include "lib/table.h"

#include <stdlib.h>
#include <string.h>

static const int64_t log_every_us = 60 * INT64_C(1000000);

struct meter {
    char *name, *peer;
    int64_t value;
    int64_t logged_us;
    bool is_dirty, was_logged;
};

struct meters {
    struct table table;
};

static bool same(const void *item, const void *wanted)
{
    const struct meter *a = item, *b = wanted;

    return strcmp(a->name, b->name) == 0 && strcmp(a->peer, b->peer) == 0;
}

static uint64_t hash(const char *name, const char *peer)
{
    return hash_bytes(name, strlen(name)) ^ 3 * hash_bytes(peer, strlen(peer));
}

/* The meter of that name, made when it is new. */
static struct meter *find(struct meters *meters, const char *name, const char *peer)
{
    char *names[] = {memory_text(name), memory_text(peer)};
    struct meter wanted = {.name = names[0], .peer = names[1], .is_dirty = true};
    struct meter *meter = table_find(&meters->table, hash(name, peer), same, &wanted);

    if (meter) {
        free(names[0]);
        free(names[1]);
        return meter;
    }
    meter = memory_alloc(1, sizeof *meter);
    *meter = wanted;
    table_add(&meters->table, hash(name, peer), meter);
    return meter;
}

struct meters *meters_new(void)
{
    return memory_alloc(1, sizeof(struct meters));
}

void meters_free(struct meters *meters)
{
    if (!meters)
        return;
    for (size_t i = 0; i < meters->table.capacity; i++) {
        struct meter *meter = meters->table.slots[i].item;
        if (!meter)
            continue;
        free(meter->name);
        free(meter->peer);
        free(meter);
    }
    table_free(&meters->table);
    free(meters);
}

void meters_set(struct meters *meters, const char *name, const char *peer, int64_t value)
{
    struct meter *meter = find(meters, name, peer);

    meter->is_dirty |= meter->value != value;
    meter->value = value;
}

int64_t meters_count(struct meters *meters, const char *name, const char *peer)
{
    struct meter *meter = find(meters, name, peer);

    meter->is_dirty = true;
    return ++meter->value;
}

bool meters_may_log(struct meters *meters, const char *name, const char *peer, int64_t steady_us)
{
    struct meter *meter = find(meters, name, peer);

    if (meter->was_logged && steady_us - meter->logged_us < log_every_us)
        return false;
    meter->was_logged = true;
    meter->logged_us = steady_us;
    return true;
}

void meters_take(struct meters *meters,
                 void (*give)(void *context, const char *name, const char *peer, int64_t value),
                 void *context)
{
    for (size_t i = 0; i < meters->table.capacity; i++) {
        struct meter *meter = meters->table.slots[i].item;
        if (!meter || !meter->is_dirty)
            continue;
        give(context, meter->name, meter->peer, meter->value);
        meter->is_dirty = false;
    }
}
