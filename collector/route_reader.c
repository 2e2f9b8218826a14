/* route_reader: readings, each with a generation number.
 *
 * What a reading meets is marked with its number; what then has an older one is gone. A reading that breaks off
 * withdraws nothing. */
#include "route_reader.h"

#include "bgp_update.h"
#include "lib/arena.h"
#include "lib/hash.h"
#include "lib/table.h"
#include "lib/text.h"

#include <stdlib.h>
#include <string.h>

enum {
    PAUSE_US = 5000000,      // between two readings of a table
    PATIENCE_US = 600000000, // no table takes longer to be said
};

/* One route that the last readings had. */
struct known {
    struct prefix prefix;
    uint32_t path_id;
    uint32_t generation;
};

/* A family of a neighbour whose session is up. */
struct watched {
    int64_t peer_id;
    struct prefix address;
    enum state_family family;
    struct table known;
    uint32_t generation;
    bool loaded;      // the first reading is done
    int64_t since_us; // the session's begin, then the end of the last reading
    uint64_t updates; // that gobgpd had when the last reading began
    uint64_t updates_seen;
    int64_t silent_since_us; // updates_seen changed then
    struct watched *next;
};

struct route_reader {
    struct route_reader_options options;
    struct speaker *speaker;
    struct arena *arena;
    struct faults faults;
    struct watched *list;
    struct gobgp_call *call; // the reading in hand …
    struct watched *reading; // … and of what
};

static uint64_t hash_of(const struct known *key)
{
    uint8_t bytes[22] = {key->prefix.family, key->prefix.length_bits};

    memcpy(bytes + 2, key->prefix.bytes, sizeof key->prefix.bytes);
    memcpy(bytes + 18, &key->path_id, sizeof key->path_id);
    return hash_bytes(bytes, sizeof bytes);
}

static bool is_same(const void *item, const void *key)
{
    const struct known *a = item, *b = key;

    return a->path_id == b->path_id && prefix_compare(&a->prefix, &b->prefix) == 0;
}

static void pass(struct route_reader *reader, const struct update *update)
{
    reader->options.sink.take(reader->options.sink.context, update);
}

static void take(void *context, const struct update *update)
{
    struct route_reader *reader = context;
    struct watched *watched = reader->reading;

    if (update->kind == UPDATE_ROUTE) {
        struct known key = {.prefix = update->route->prefix, .path_id = update->route->path_id};
        uint64_t hash = hash_of(&key);
        struct known *known = table_find(&watched->known, hash, is_same, &key);
        if (!known) {
            known = memory_alloc(1, sizeof *known);
            *known = key;
            table_add(&watched->known, hash, known);
        }
        known->generation = watched->generation;
    }
    if (update->kind == UPDATE_ROUTE || update->kind == UPDATE_FAULT)
        pass(reader, update);
}

/* Withdraws what this reading did not meet. */
static void sweep(struct route_reader *reader, struct watched *watched)
{
    struct known **gone = NULL;
    size_t count = 0, capacity = 0;

    for (size_t i = 0; i < watched->known.capacity; i++) {
        struct known *known = watched->known.slots[i].item;
        if (!known || known->generation == watched->generation)
            continue;
        gone = memory_grow(gone, count, &capacity, sizeof *gone);
        gone[count++] = known;
    }
    for (size_t i = 0; i < count; i++) {
        struct route route = {
            .peer_id = watched->peer_id, .prefix = gone[i]->prefix, .path_id = gone[i]->path_id};
        struct update update = {
            .kind = UPDATE_ROUTE_GONE, .peer_id = watched->peer_id, .route = &route};
        table_remove(&watched->known, hash_of(gone[i]), gone[i]);
        pass(reader, &update);
        free(gone[i]);
    }
    free(gone);
}

static void on_end(void *context, const struct gobgp_end *end)
{
    struct route_reader *reader = context;
    struct watched *watched = reader->reading;
    char text[PREFIX_TEXT_SIZE];

    reader->call = NULL;
    reader->reading = NULL;
    watched->since_us = text_steady_us();
    if (end->outcome != GOBGP_DONE) {
        log_warning(reader->options.log, "routes not read: address=%s family=%s reason=\"%s\"",
                    address_format(&watched->address, text), state_family_names[watched->family],
                    end->text);
        watched->updates = 0; // so that it is tried again
        return;
    }
    sweep(reader, watched);
    if (!watched->loaded) {
        watched->loaded = true;
        reader->options.on_loaded(reader->options.context, watched->peer_id, watched->family);
    }
}

static void read_table(struct route_reader *reader, struct watched *watched, uint64_t updates)
{
    struct gobgp *gobgp = reader->speaker ? speaker_api(reader->speaker) : NULL;
    struct bgp_input input = {
        .peer_id = watched->peer_id,
        .session = {.four_octet_as = true},
        .arena = reader->arena,
        .sink = {reader, take},
        .faults = &reader->faults,
    };
    const struct gobgp_handler handler = {.context = reader, .on_end = on_end};

    if (!gobgp || reader->call)
        return;
    input.wanted[watched->family] = true;
    reader->call = gobgp_list_routes(gobgp, &watched->address, watched->family, &input, &handler);
    if (!reader->call) // too many calls in flight: the next poll tries again
        return;
    reader->reading = watched;
    watched->generation++;
    watched->updates = updates;
}

/* L-114: no end-of-RIB, and nothing came for so long. A table that is still being said to gobgpd is not read. */
static bool is_silent(const struct route_reader *reader, struct watched *watched, uint64_t updates,
                      int64_t now)
{
    if (updates != watched->updates_seen) {
        watched->updates_seen = updates;
        watched->silent_since_us = now;
    }
    int64_t silence = reader->options.assume_end_of_rib_us;

    return now - watched->silent_since_us >= silence ||
           now - watched->since_us >= (silence > PATIENCE_US ? silence : PATIENCE_US);
}

void route_reader_peer(struct route_reader *reader, int64_t peer_id,
                       const struct speaker_peer *peer)
{
    int64_t now = text_steady_us();

    for (struct watched *watched = reader->list; peer->up && watched; watched = watched->next) {
        if (watched->peer_id != peer_id)
            continue;
        bool silent = is_silent(reader, watched, peer->updates, now);
        bool first = !watched->loaded && (peer->families[watched->family].end_of_rib || silent);
        bool again = watched->loaded && peer->updates != watched->updates &&
                     now - watched->since_us >= PAUSE_US;
        if (first || again)
            read_table(reader, watched, peer->updates);
    }
}

struct route_reader *route_reader_new(const struct route_reader_options *options)
{
    struct route_reader *reader = memory_alloc(1, sizeof *reader);

    reader->options = *options;
    reader->arena = arena_new();
    return reader;
}

static void watched_free(struct watched *watched)
{
    for (size_t i = 0; i < watched->known.capacity; i++)
        free(watched->known.slots[i].item);
    table_free(&watched->known);
    free(watched);
}

void route_reader_free(struct route_reader *reader)
{
    if (!reader)
        return;
    gobgp_cancel(reader->call);
    while (reader->list) {
        struct watched *watched = reader->list;
        reader->list = watched->next;
        watched_free(watched);
    }
    arena_free(reader->arena);
    free(reader);
}

void route_reader_set_speaker(struct route_reader *reader, struct speaker *speaker)
{
    gobgp_cancel(reader->call);
    reader->call = NULL;
    reader->reading = NULL;
    reader->speaker = speaker;
}

void route_reader_begin(struct route_reader *reader, int64_t peer_id, const struct prefix *address,
                        enum state_family family)
{
    struct watched *watched = memory_alloc(1, sizeof *watched);

    *watched = (struct watched){
        .peer_id = peer_id,
        .address = *address,
        .family = family,
        .since_us = text_steady_us(),
        .silent_since_us = text_steady_us(),
        .next = reader->list,
    };
    reader->list = watched;
}

void route_reader_end(struct route_reader *reader, int64_t peer_id, enum state_family family)
{
    for (struct watched **link = &reader->list; *link; link = &(*link)->next) {
        struct watched *watched = *link;
        if (watched->peer_id != peer_id || watched->family != family)
            continue;
        if (reader->reading == watched) {
            gobgp_cancel(reader->call);
            reader->call = NULL;
            reader->reading = NULL;
        }
        *link = watched->next;
        watched_free(watched);
        return;
    }
}
