/* sweeps: see sweeps.h. They are few, at most the families of all peers: a list is searched from its beginning. */
#include "sweeps.h"

#include "lib/arena.h"
#include "pending.h"

#include <inttypes.h>
#include <stdlib.h>

struct sweep {
    int64_t peer_id;
    enum state_family family;
    struct heard *heard;
    struct state_sweep *state;
    int64_t stale_since_us;
    bool has_row; // one waits for the end
    struct peer_family row;
    char *faulty;                 // row.faulty
    bool is_done;                 // with the open change set
    uint64_t swept, swept_before; // now; when last committed
};

struct sweeps {
    struct log log;
    struct sweep *list;
    size_t count, capacity;
};

struct sweeps *sweeps_new(const struct log *log)
{
    struct sweeps *sweeps = memory_alloc(1, sizeof *sweeps);

    sweeps->log = *log;
    return sweeps;
}

static void sweep_clear(struct sweep *sweep)
{
    state_sweep_free(sweep->state);
    heard_free(sweep->heard);
    free(sweep->faulty);
}

void sweeps_free(struct sweeps *sweeps)
{
    if (!sweeps)
        return;
    for (size_t i = 0; i < sweeps->count; i++)
        sweep_clear(&sweeps->list[i]);
    free(sweeps->list);
    free(sweeps);
}

static struct sweep *find(struct sweeps *sweeps, int64_t peer_id, enum state_family family)
{
    for (size_t i = 0; i < sweeps->count; i++)
        if (sweeps->list[i].peer_id == peer_id && sweeps->list[i].family == family)
            return &sweeps->list[i];
    return NULL;
}

static void drop(struct sweeps *sweeps, struct sweep *sweep)
{
    sweep_clear(sweep);
    *sweep = sweeps->list[--sweeps->count];
}

void sweeps_drop_family(struct sweeps *sweeps, int64_t peer_id, enum state_family family)
{
    struct sweep *sweep = find(sweeps, peer_id, family);

    if (sweep)
        drop(sweeps, sweep);
}

void sweeps_drop_peer(struct sweeps *sweeps, int64_t peer_id)
{
    for (unsigned i = 0; i < STATE_FAMILIES; i++)
        sweeps_drop_family(sweeps, peer_id, (enum state_family)i);
}

static bool was_heard(void *context, const struct state_key *key)
{
    return heard_has(context, key);
}

void sweeps_add(struct sweeps *sweeps, int64_t peer_id, enum state_family family,
                int64_t stale_since_us, struct heard *heard)
{
    sweeps_drop_family(sweeps, peer_id, family);
    sweeps->list =
        memory_grow(sweeps->list, sweeps->count, &sweeps->capacity, sizeof *sweeps->list);
    sweeps->list[sweeps->count++] =
        (struct sweep){.peer_id = peer_id,
                       .family = family,
                       .heard = heard,
                       .state = state_sweep_new(peer_id, family, was_heard, heard),
                       .stale_since_us = stale_since_us};
}

bool sweeps_hold(struct sweeps *sweeps, const struct peer_family *row)
{
    struct sweep *sweep = find(sweeps, row->peer_id, row->family);

    if (!sweep)
        return false;
    free(sweep->faulty);
    sweep->faulty = row->faulty ? memory_text(row->faulty) : NULL;
    sweep->row = *row;
    sweep->row.faulty = sweep->faulty;
    sweep->has_row = row->end_of_rib != END_OF_RIB_NO;
    return sweep->has_row;
}

void sweeps_hear(struct sweeps *sweeps, int64_t peer_id, const struct state_key *key)
{
    struct sweep *sweep = find(sweeps, peer_id, key_family(key));

    if (sweep)
        heard_add(sweep->heard, key);
}

bool sweeps_are_over(const struct sweeps *sweeps)
{
    return sweeps->count == 0;
}

/* The row as it is to be read after this piece. Mostly that is what stands there already. */
static bool put_row(const struct sweep *sweep, struct state_writer *writer, struct error *err)
{
    struct peer_family row = sweep->row;

    if (!sweep->is_done) {
        row.stale = true;
        row.stale_since_us = sweep->stale_since_us;
        row.end_of_rib = END_OF_RIB_NO;
        row.end_of_rib_us = 0;
    }
    return state_put_peer_family(writer, &row, err);
}

bool sweeps_step(struct sweeps *sweeps, struct state_writer *writer, size_t limit,
                 struct error *err)
{
    for (size_t i = 0; i < sweeps->count; i++) {
        struct sweep *sweep = &sweeps->list[i];
        if (!state_sweep_step(writer, sweep->state, limit, &sweep->is_done, &sweep->swept, err) ||
            (sweep->has_row && !put_row(sweep, writer, err)))
            return false;
    }
    return true;
}

void sweeps_committed(struct sweeps *sweeps)
{
    for (size_t i = sweeps->count; i-- > 0;) {
        struct sweep *sweep = &sweeps->list[i];
        sweep->swept_before = sweep->swept;
        if (!sweep->is_done)
            continue;
        log_info(&sweeps->log,
                 "swept what was not heard again: peer-id=%" PRId64 " family=%s objects=%" PRIu64,
                 sweep->peer_id, state_family_names[sweep->family], sweep->swept);
        drop(sweeps, sweep);
    }
}

void sweeps_rolled_back(struct sweeps *sweeps)
{
    for (size_t i = 0; i < sweeps->count; i++) {
        struct sweep *sweep = &sweeps->list[i];
        state_sweep_restart(sweep->state);
        sweep->is_done = false;
        sweep->swept = sweep->swept_before;
    }
}
