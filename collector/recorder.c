/* recorder: see recorder.h.
 *
 *   loop's thread                         │ lock │               writer thread
 *   take() ──▶ pending: newest per object │      │  takes all of it as one batch, whenever it is free and
 *          ──▶ sessions: rows, heard keys │ ───▶ │  nothing came for QUIET_US, the first change is batch_us
 *          ──▶ meters                     │      │  old or batch_size objects wait ──▶ sort ──▶ state_writer
 *
 * The queue between the two is one place deep: while a batch is being written, the next one collapses. Within
 * a batch: deletions of peers and families, peers, families whose load is not complete, objects in the order
 * of the keys (a new transaction each batch_size), then in one transaction a piece of each sweep and the families whose
 * load is complete. So who reads "end-of-RIB received" reads all of the load too, and none of what it ended (sweeps.h).
 * As long as a sweep is under way the next batch does not wait, and may be empty but for the next piece.
 *
 * A batch that cannot be written stays with the writer thread and is tried again, at intervals from 0.1 to
 * 10 s; what was committed of it is not done again. */
#include "recorder.h"

#include "lib/text.h"
#include "meters.h"
#include "pending.h"
#include "sessions.h"
#include "sweeps.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const int64_t second_us = 1000000;
enum {
    RETRY_FIRST_US = 100000,
    RETRY_LAST_US = 10000000,
    QUIET_US = 1000, // what belongs together comes together: both directions of a link, a few NLRIs
    SWEEP_PIECE = 5000, // rows in one transaction: 20 ms that other changes may have to wait
};

struct removal {
    int64_t peer_id;
    bool whole_peer;
    enum state_family family; // unless whole_peer
};

struct sweep_order {
    int64_t peer_id;
    enum state_family family;
    int64_t stale_since_us;
    struct heard *heard;
};

struct meter_value {
    const char *name, *peer;
    int64_t value;
};

/* What is handed over at once. The writer thread's only, once taken. */
struct batch {
    struct arena *arena; // of the rows and lists
    struct pending *pending;
    struct removal *removals;
    struct peer *peers;
    struct peer_family *families;
    struct sweep_order *sweeps;
    struct meter_value *meters;
    size_t removal_count, peer_count, family_count, sweep_count, meter_count, meter_capacity;
    bool has_asn, heartbeat;
    bool sweeps_to_the_end; // somebody waits for all that came before
    uint32_t asn;
    uint64_t ticket;  // of the last recorder_flush before it
    int64_t first_us; // steady, of its oldest change; 0: none
    size_t written;   // objects that are committed
    bool head_is_written;
};

struct recorder {
    // set once
    struct recorder_options options;
    struct recorder_clock clock;
    struct log log;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake; // of the writer thread
    pthread_cond_t done; // of recorder_flush
    // the writer thread's only, once it runs
    struct state_writer *writer;
    struct sweeps *sweeps;
    int64_t maintained_us;
    uint64_t batches, rows;
    // under lock
    struct pending *pending;
    struct sessions *sessions;
    struct meters *meters;
    struct removal *removals;
    size_t removal_count, removal_capacity;
    int64_t next_peer_id;
    int64_t first_us; // steady, of the oldest change that waits; 0: none
    int64_t last_us;  // of the newest
    int64_t heartbeat_at_us, meters_at_us;
    bool has_asn, stopping;
    uint32_t asn;
    uint64_t flush_wanted, flush_done;
    bool flush_failed;
    struct error flush_error;
};

/* ---- Time ---- */

static int64_t machine_utc_us(void *context)
{
    (void)context;
    return text_now_us();
}

static int64_t machine_steady_us(void *context)
{
    (void)context;
    return text_steady_us();
}

static int64_t utc_us(const struct recorder *recorder)
{
    return recorder->clock.utc_us(recorder->clock.context);
}

static int64_t steady_us(const struct recorder *recorder)
{
    return recorder->clock.steady_us(recorder->clock.context);
}

/* ---- Taking updates: the loop's thread, under the lock ---- */

/* Something waits from now on. The writer thread sleeps until then, so it is told of the first only. */
static void note_change(struct recorder *recorder)
{
    recorder->last_us = steady_us(recorder);
    if (!recorder->first_us) {
        recorder->first_us = recorder->last_us;
        (void)pthread_cond_signal(&recorder->wake);
    }
}

/* What a line in the log needs after the lock is given back. */
struct news {
    char peer[64];
    bool is_fault_to_log;
    int64_t count;
    bool is_limit_to_log;
    enum state_family family;
    size_t limit;
};

static void take_object(struct recorder *recorder, struct session *session,
                        const struct update *update, struct news *news)
{
    struct state_key key = update_key(update);
    bool is_gone = update->kind == UPDATE_ROUTE_GONE || update->kind == UPDATE_LS_GONE;

    news->family = key_family(&key);
    news->limit = news->family == STATE_LINK_STATE ? recorder->options.max_link_state
                                                   : recorder->options.max_routes;
    switch (session_hear(session, &key, is_gone, news->limit)) {
    case HEARING_NO_FAMILY:
        (void)meters_count(recorder->meters, "updates.of_no_family", session->name);
        return;
    case HEARING_FIRST_OVER:
        news->is_limit_to_log = true;
        // falls through
    case HEARING_OVER:
        (void)meters_count(recorder->meters, "updates.over_limit", session->name);
        return;
    case HEARING_TAKE:
        break;
    }
    pending_take(recorder->pending, update);
    if (pending_count(recorder->pending) == recorder->options.batch_size)
        (void)pthread_cond_signal(&recorder->wake);
}

static void take_known(struct recorder *recorder, struct session *session,
                       const struct update *update, struct news *news)
{
    char name[80];

    (void)log_quote(session->name, news->peer, sizeof news->peer);
    switch (update->kind) {
    case UPDATE_PEER_UP:
        session_up(session, update, utc_us(recorder));
        break;
    case UPDATE_PEER_DOWN:
        session_down(session, update->reason, utc_us(recorder),
                     steady_us(recorder) + recorder->options.hold_us);
        break;
    case UPDATE_END_OF_RIB:
        session_end_of_rib(session, update->end_of_rib.family, update->end_of_rib.assumed,
                           utc_us(recorder));
        break;
    case UPDATE_FAULT:
        session_distrust(session, update->distrusted, update->reason);
        (void)snprintf(name, sizeof name, "fault.%s", update->reason);
        news->count = meters_count(recorder->meters, name, session->name);
        news->is_fault_to_log =
            meters_may_log(recorder->meters, name, session->name, steady_us(recorder));
        break;
    default:
        take_object(recorder, session, update, news);
    }
    note_change(recorder);
}

static void log_update(const struct recorder *recorder, const struct update *update,
                       const struct news *news)
{
    if (news->is_limit_to_log)
        log_error(&recorder->log,
                  "a peer says more than it may, and the rest is not taken: peer=%s family=%s "
                  "limit=%zu",
                  news->peer, state_family_names[news->family], news->limit);
    if (news->is_fault_to_log)
        log_warning(&recorder->log, "a peer said something wrong: peer=%s kind=%s count=%" PRId64,
                    news->peer, update->reason, news->count);
}

static void take(void *context, const struct update *update)
{
    struct recorder *recorder = context;
    struct news news = {0};

    (void)pthread_mutex_lock(&recorder->lock);
    struct session *session = sessions_find(recorder->sessions, update->peer_id);
    if (session)
        take_known(recorder, session, update, &news);
    else
        (void)meters_count(recorder->meters, "updates.of_no_peer", "");
    (void)pthread_mutex_unlock(&recorder->lock);
    if (session)
        log_update(recorder, update, &news);
}

struct update_sink recorder_sink(struct recorder *recorder)
{
    return (struct update_sink){recorder, take};
}

void recorder_meter(struct recorder *recorder, const char *name, const char *peer, int64_t value)
{
    (void)pthread_mutex_lock(&recorder->lock);
    meters_set(recorder->meters, name, peer, value);
    (void)pthread_mutex_unlock(&recorder->lock);
}

void recorder_set_local_asn(struct recorder *recorder, uint32_t asn)
{
    (void)pthread_mutex_lock(&recorder->lock);
    recorder->asn = asn;
    recorder->has_asn = true;
    note_change(recorder);
    (void)pthread_mutex_unlock(&recorder->lock);
}

/* ---- The list of peers ---- */

static void remove_later(struct recorder *recorder, struct removal removal)
{
    bool families[STATE_FAMILIES] = {removal.whole_peer, removal.whole_peer, removal.whole_peer};

    families[removal.family] = true;
    pending_drop(recorder->pending, removal.peer_id, families);
    recorder->removals = memory_grow(recorder->removals, recorder->removal_count,
                                     &recorder->removal_capacity, sizeof *recorder->removals);
    recorder->removals[recorder->removal_count++] = removal;
}

static void drop_family(struct recorder *recorder, struct session *session,
                        enum state_family family)
{
    struct session_family *dropped = &session->families[family];

    heard_free(dropped->heard);
    heard_free(dropped->sweep);
    heard_free(dropped->present);
    free(dropped->faulty);
    *dropped = (struct session_family){0};
    remove_later(recorder, (struct removal){session->row.peer_id, false, family});
}

static int64_t set_peer(struct recorder *recorder, const struct recorder_peer *peer, uint32_t rank)
{
    struct session *session = sessions_find_name(recorder->sessions, peer->name);

    if (!session)
        session =
            sessions_add(recorder->sessions, &(struct peer){.peer_id = recorder->next_peer_id++,
                                                            .name = peer->name,
                                                            .address = peer->address,
                                                            .since_us = utc_us(recorder)});
    session_set_address(session, peer->address, rank);
    session->is_listed = true;
    for (unsigned i = 0; i < STATE_FAMILIES; i++) {
        enum state_family family = (enum state_family)i;
        if (peer->families[i])
            session_configure(session, family, peer->sources[i]);
        else if (session->families[i].exists)
            drop_family(recorder, session, family);
    }
    return session->row.peer_id;
}

void recorder_set_peers(struct recorder *recorder, const struct recorder_peer *list, size_t count,
                        int64_t *peer_ids)
{
    (void)pthread_mutex_lock(&recorder->lock);
    for (size_t i = 0; i < sessions_count(recorder->sessions); i++)
        sessions_at(recorder->sessions, i)->is_listed = false;
    for (size_t i = 0; i < count; i++)
        peer_ids[i] = set_peer(recorder, &list[i], (uint32_t)i);
    for (size_t i = sessions_count(recorder->sessions); i-- > 0;) {
        struct session *session = sessions_at(recorder->sessions, i);
        if (session->is_listed)
            continue;
        remove_later(recorder, (struct removal){session->row.peer_id, true, STATE_IPV4_UNICAST});
        sessions_remove(recorder->sessions, session);
    }
    note_change(recorder);
    (void)pthread_mutex_unlock(&recorder->lock);
}

/* ---- Making a batch: the writer thread, under the lock ---- */

static const char *copy(struct arena *arena, const char *text)
{
    return text ? arena_text(arena, text, strlen(text)) : NULL;
}

static void batch_add_family(struct batch *batch, struct session_family *family)
{
    if (family->is_dirty) {
        struct peer_family *row = &batch->families[batch->family_count++];
        *row = family->row;
        row->faulty = copy(batch->arena, row->faulty);
        family->is_dirty = false;
    }
    if (family->sweep) {
        batch->sweeps[batch->sweep_count++] = (struct sweep_order){
            family->row.peer_id, family->row.family, family->sweep_stale_since_us, family->sweep};
        family->sweep = NULL;
    }
}

static void batch_add_sessions(struct batch *batch, struct sessions *sessions)
{
    size_t count = sessions_count(sessions);

    batch->peers = arena_alloc(batch->arena, count, sizeof *batch->peers);
    batch->families = arena_alloc(batch->arena, count * STATE_FAMILIES, sizeof *batch->families);
    batch->sweeps = arena_alloc(batch->arena, count * STATE_FAMILIES, sizeof *batch->sweeps);
    for (size_t i = 0; i < count; i++) {
        struct session *session = sessions_at(sessions, i);
        for (size_t j = 0; j < STATE_FAMILIES; j++)
            batch_add_family(batch, &session->families[j]);
        if (!session->is_dirty)
            continue;
        struct peer *row = &batch->peers[batch->peer_count++];
        *row = session->row;
        row->name = copy(batch->arena, row->name);
        row->address = copy(batch->arena, row->address);
        row->router_id = copy(batch->arena, row->router_id);
        row->last_error = copy(batch->arena, row->last_error);
        session->is_dirty = false;
    }
}

static void batch_add_meter(void *context, const char *name, const char *peer, int64_t value)
{
    struct batch *batch = context;

    batch->meters = memory_grow(batch->meters, batch->meter_count, &batch->meter_capacity,
                                sizeof *batch->meters);
    batch->meters[batch->meter_count++] =
        (struct meter_value){copy(batch->arena, name), copy(batch->arena, peer), value};
}

static struct batch *batch_take(struct recorder *recorder)
{
    struct batch *batch = memory_alloc(1, sizeof *batch);
    int64_t now = steady_us(recorder);

    batch->arena = arena_new();
    if (now >= recorder->meters_at_us || recorder->stopping) {
        meters_set(recorder->meters, "queue.depth", "", (int64_t)pending_count(recorder->pending));
        meters_take(recorder->meters, batch_add_meter, batch);
        recorder->meters_at_us = now + recorder->options.meter_us;
    }
    batch->heartbeat = now >= recorder->heartbeat_at_us;
    if (batch->heartbeat)
        recorder->heartbeat_at_us = now + recorder->options.heartbeat_us;
    batch_add_sessions(batch, recorder->sessions);
    batch->pending = recorder->pending;
    recorder->pending = pending_new();
    batch->removals = recorder->removals;
    batch->removal_count = recorder->removal_count;
    recorder->removals = NULL;
    recorder->removal_count = recorder->removal_capacity = 0;
    batch->has_asn = recorder->has_asn;
    batch->asn = recorder->asn;
    recorder->has_asn = false;
    batch->first_us = recorder->first_us;
    recorder->first_us = 0;
    batch->ticket = recorder->flush_wanted;
    batch->sweeps_to_the_end = recorder->stopping || batch->ticket > recorder->flush_done;
    return batch;
}

static void batch_free(struct batch *batch)
{
    pending_free(batch->pending);
    free(batch->removals);
    free(batch->meters);
    arena_free(batch->arena);
    free(batch);
}

/* ---- Writing a batch: the writer thread, without the lock ---- */

static bool write_head(struct recorder *recorder, const struct batch *batch, struct error *err)
{
    struct state_writer *writer = recorder->writer;
    int64_t peer_id;
    bool ok = true;

    for (size_t i = 0; ok && i < batch->removal_count; i++)
        ok = batch->removals[i].whole_peer
                 ? state_delete_peer(writer, batch->removals[i].peer_id, err)
                 : state_delete_family(writer, batch->removals[i].peer_id,
                                       batch->removals[i].family, err);
    for (size_t i = 0; ok && i < batch->peer_count; i++)
        ok = state_put_peer(writer, &batch->peers[i], &peer_id, err);
    for (size_t i = 0; ok && i < batch->family_count; i++)
        if (batch->families[i].end_of_rib == END_OF_RIB_NO)
            ok = state_put_peer_family(writer, &batch->families[i], err);
    return ok && (!batch->has_asn || state_put_local_asn(writer, batch->asn, err));
}

static bool write_tail(struct recorder *recorder, const struct batch *batch, struct error *err)
{
    struct state_writer *writer = recorder->writer;
    size_t piece =
        SWEEP_PIECE < recorder->options.batch_size ? SWEEP_PIECE : recorder->options.batch_size;
    bool ok = sweeps_step(recorder->sweeps, writer, piece, err);

    for (size_t i = 0; ok && i < batch->family_count; i++)
        if (batch->families[i].end_of_rib != END_OF_RIB_NO)
            ok = state_put_peer_family(writer, &batch->families[i], err);
    for (size_t i = 0; ok && i < batch->meter_count; i++)
        ok = state_put_meter(writer, batch->meters[i].name, batch->meters[i].peer,
                             batch->meters[i].value, utc_us(recorder), err);
    return ok;
}

/* What the batch means for the sweeps: its own begin, those of what is removed end, what it announces survives, and
 * rows of families that are being swept wait. */
static void batch_join_sweeps(struct recorder *recorder, struct batch *batch)
{
    struct sweeps *sweeps = recorder->sweeps;
    size_t count = 0;
    struct state_key key;
    int64_t peer_id;

    for (size_t i = 0; i < batch->removal_count; i++)
        if (batch->removals[i].whole_peer)
            sweeps_drop_peer(sweeps, batch->removals[i].peer_id);
        else
            sweeps_drop_family(sweeps, batch->removals[i].peer_id, batch->removals[i].family);
    for (size_t i = 0; !sweeps_are_over(sweeps) && i < pending_count(batch->pending); i++)
        if (pending_announces(batch->pending, i, &peer_id, &key))
            sweeps_hear(sweeps, peer_id, &key);
    for (size_t i = 0; i < batch->sweep_count; i++) {
        const struct sweep_order *order = &batch->sweeps[i];
        sweeps_add(sweeps, order->peer_id, order->family, order->stale_since_us, order->heard);
    }
    for (size_t i = 0; i < batch->family_count; i++)
        if (!sweeps_hold(sweeps, &batch->families[i]))
            batch->families[count++] = batch->families[i];
    batch->family_count = count;
}

/* One transaction: up to batch_size objects, and the tail with the last. *is_done: nothing is left. */
static bool write_part(struct recorder *recorder, struct batch *batch, bool *is_done,
                       struct error *err)
{
    size_t count = pending_count(batch->pending), limit = count - batch->written;
    uint64_t sequence;
    bool is_last = limit <= recorder->options.batch_size;

    if (!is_last)
        limit = recorder->options.batch_size;
    if (!state_begin(recorder->writer, utc_us(recorder), err))
        return false;
    bool ok = batch->head_is_written || write_head(recorder, batch, err);
    for (size_t i = 0; ok && i < limit; i++)
        ok = pending_write(batch->pending, batch->written + i, recorder->writer, err);
    ok = ok && (!is_last || write_tail(recorder, batch, err)) &&
         state_commit(recorder->writer, is_last && batch->heartbeat, &sequence, err);
    if (!ok) {
        state_rollback(recorder->writer);
        sweeps_rolled_back(recorder->sweeps);
        return false;
    }
    batch->head_is_written = true;
    batch->written += limit;
    recorder->rows += limit;
    if (is_last) {
        sweeps_committed(recorder->sweeps);
        batch->heartbeat = false; // it was this one
    }
    *is_done = is_last && (!batch->sweeps_to_the_end || sweeps_are_over(recorder->sweeps));
    return true;
}

/* Checkpoint and pruning, about once a second; what fails here shows in the next commit, if it lasts. */
static void maintain(struct recorder *recorder)
{
    int64_t now = steady_us(recorder);
    struct error err;

    if (now - recorder->maintained_us < second_us)
        return;
    recorder->maintained_us = now;
    if (!state_maintain(recorder->writer, utc_us(recorder), &err))
        log_warning(&recorder->log, "upkeep of state.db failed: %s", err.text);
}

static bool write_batch(struct recorder *recorder, struct batch *batch, struct error *err)
{
    bool is_done = false;

    while (!is_done) {
        if (!write_part(recorder, batch, &is_done, err))
            return false;
        maintain(recorder);
    }
    recorder->batches++;
    return true;
}

/* ---- The writer thread ---- */

/* Sleeps until wake or for that long, whatever an injected clock says: it is asked again then. */
static void sleep_locked(struct recorder *recorder, int64_t wait_us)
{
    int64_t until = machine_steady_us(NULL) + (wait_us > 0 ? wait_us : 0);
    struct timespec at = {.tv_sec = until / second_us, .tv_nsec = until % second_us * 1000};

    (void)pthread_cond_timedwait(&recorder->wake, &recorder->lock, &at);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Lets hold times expire; the next one, or INT64_MAX. */
static int64_t expire(struct recorder *recorder, int64_t now)
{
    int64_t next = INT64_MAX;

    for (size_t i = 0; i < sessions_count(recorder->sessions); i++) {
        struct session *session = sessions_at(recorder->sessions, i);
        for (unsigned j = 0; j < STATE_FAMILIES; j++) {
            int64_t hold_at = session->families[j].hold_at_us;
            if (!hold_at)
                continue;
            if (hold_at <= now) {
                session_expire(session, (enum state_family)j);
                note_change(recorder);
            } else {
                next = earlier(next, hold_at);
            }
        }
    }
    return next;
}

/* How long the writer thread may sleep; 0: a batch is due. */
static int64_t time_to_batch(struct recorder *recorder)
{
    int64_t now = steady_us(recorder);
    int64_t next = earlier(expire(recorder, now), recorder->heartbeat_at_us);

    if (recorder->stopping || recorder->flush_wanted > recorder->flush_done ||
        pending_count(recorder->pending) >= recorder->options.batch_size ||
        !sweeps_are_over(recorder->sweeps))
        return 0;
    if (recorder->first_us)
        next = earlier(next, earlier(recorder->first_us + recorder->options.batch_us,
                                     recorder->last_us + QUIET_US));
    return next > now ? next - now : 0;
}

static void answer_flush(struct recorder *recorder, uint64_t ticket, const struct error *err)
{
    (void)pthread_mutex_lock(&recorder->lock);
    recorder->flush_failed = err != NULL;
    if (err)
        recorder->flush_error = *err;
    recorder->flush_done = err ? recorder->flush_wanted : ticket;
    (void)pthread_cond_broadcast(&recorder->done);
    (void)pthread_mutex_unlock(&recorder->lock);
}

/* Writes the batch however long it takes, unless the recorder is to stop. */
static void write_stubbornly(struct recorder *recorder, struct batch *batch)
{
    int64_t wait_us = RETRY_FIRST_US;
    bool has_failed = false, stopping = false;
    struct error err;

    pending_sort(batch->pending);
    batch_join_sweeps(recorder, batch);
    while (!write_batch(recorder, batch, &err)) {
        if (!has_failed)
            log_error(&recorder->log, "state.db cannot be written, trying again: %s", err.text);
        has_failed = true;
        answer_flush(recorder, batch->ticket, &err);
        (void)pthread_mutex_lock(&recorder->lock);
        if (!recorder->stopping && recorder->flush_wanted == recorder->flush_done) {
            int64_t until = machine_steady_us(NULL) + wait_us, now;
            while (!recorder->stopping && recorder->flush_wanted == recorder->flush_done &&
                   (now = machine_steady_us(NULL)) < until)
                sleep_locked(recorder, until - now);
        }
        stopping = recorder->stopping;
        (void)pthread_mutex_unlock(&recorder->lock);
        wait_us = earlier(2 * wait_us, RETRY_LAST_US);
        if (stopping)
            break;
    }
    if (stopping && !write_batch(recorder, batch, &err)) {
        log_error(&recorder->log, "state.db cannot be written, changes are lost: objects=%zu",
                  pending_count(batch->pending) - batch->written);
        return;
    }
    if (has_failed)
        log_info(&recorder->log, "state.db is written again");
    answer_flush(recorder, batch->ticket, NULL);
}

static void *run(void *argument)
{
    struct recorder *recorder = argument;
    bool stopping = false;

    while (!stopping) {
        (void)pthread_mutex_lock(&recorder->lock);
        int64_t wait_us;
        while ((wait_us = time_to_batch(recorder)) > 0)
            sleep_locked(recorder, wait_us);
        stopping = recorder->stopping;
        struct batch *batch = batch_take(recorder);
        (void)pthread_mutex_unlock(&recorder->lock);
        write_stubbornly(recorder, batch);

        int64_t lag_us = batch->first_us ? steady_us(recorder) - batch->first_us : 0;
        batch_free(batch);
        (void)pthread_mutex_lock(&recorder->lock);
        meters_set(recorder->meters, "writer.batches", "", (int64_t)recorder->batches);
        meters_set(recorder->meters, "writer.rows", "", (int64_t)recorder->rows);
        meters_set(recorder->meters, "writer.lag_us", "", lag_us);
        (void)pthread_mutex_unlock(&recorder->lock);
    }
    return NULL;
}

bool recorder_flush(struct recorder *recorder, struct error *err)
{
    (void)pthread_mutex_lock(&recorder->lock);
    uint64_t ticket = ++recorder->flush_wanted;
    (void)pthread_cond_signal(&recorder->wake);
    while (recorder->flush_done < ticket)
        (void)pthread_cond_wait(&recorder->done, &recorder->lock);
    bool ok = !recorder->flush_failed;
    if (!ok)
        *err = recorder->flush_error;
    (void)pthread_mutex_unlock(&recorder->lock);
    return ok;
}

/* ---- Start and stop ---- */

static int64_t or_default(int64_t value, int64_t otherwise)
{
    return value ? value : otherwise;
}

static void set_options(struct recorder *recorder, const struct recorder_options *options)
{
    struct recorder_options *own = &recorder->options;

    *own = *options;
    own->path = NULL; // borrowed for recorder_start only
    own->hold_us = or_default(own->hold_us, 600 * second_us);
    own->heartbeat_us = or_default(own->heartbeat_us, 10 * second_us);
    own->batch_us = or_default(own->batch_us, 10000);
    own->meter_us = or_default(own->meter_us, second_us);
    own->batch_size = own->batch_size ? own->batch_size : 50000;
    own->max_routes = own->max_routes ? own->max_routes : 5000000;
    own->max_link_state = own->max_link_state ? own->max_link_state : 500000;
    recorder->clock = options->clock
                          ? *options->clock
                          : (struct recorder_clock){NULL, machine_utc_us, machine_steady_us};
    recorder->log = options->log ? *options->log : log_default();
}

/* What state.db knows of peers, all of them down from now on until they return. */
static bool restore(struct recorder *recorder, struct error *err)
{
    struct arena *arena = arena_new();
    struct peer *peers;
    struct peer_family *families;
    size_t peer_count, family_count;
    bool ok = state_writer_peers(recorder->writer, arena, &peers, &peer_count, &families,
                                 &family_count, err) &&
              state_next_peer_id(recorder->writer, &recorder->next_peer_id, err);

    for (size_t i = 0; ok && i < peer_count; i++) {
        if (peers[i].state == PEER_UP) {
            peers[i].state = PEER_DOWN;
            peers[i].since_us = utc_us(recorder);
            peers[i].last_error = "the collector was started";
        }
        sessions_add(recorder->sessions, &peers[i])->is_dirty = true;
    }
    for (size_t i = 0; ok && i < family_count; i++) {
        struct session *session = sessions_find(recorder->sessions, families[i].peer_id);
        if (session)
            session_restore(session, &families[i], utc_us(recorder),
                            steady_us(recorder) + recorder->options.hold_us);
    }
    arena_free(arena);
    return ok;
}

static void recorder_free(struct recorder *recorder)
{
    (void)pthread_cond_destroy(&recorder->wake);
    (void)pthread_cond_destroy(&recorder->done);
    (void)pthread_mutex_destroy(&recorder->lock);
    state_writer_close(recorder->writer);
    pending_free(recorder->pending);
    sessions_free(recorder->sessions);
    meters_free(recorder->meters);
    sweeps_free(recorder->sweeps);
    free(recorder->removals);
    free(recorder);
}

static void init_thread_parts(struct recorder *recorder)
{
    pthread_condattr_t attributes;

    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&recorder->lock, NULL);
    (void)pthread_cond_init(&recorder->wake, &attributes);
    (void)pthread_cond_init(&recorder->done, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

struct recorder *recorder_start(const struct recorder_options *options, struct error *err)
{
    struct recorder *recorder = memory_alloc(1, sizeof *recorder);
    const struct state_writer_options state = {.path = options->path,
                                               .keep_tombstones_us = options->keep_tombstones_us};

    init_thread_parts(recorder);
    set_options(recorder, options);
    recorder->pending = pending_new();
    recorder->sessions = sessions_new();
    recorder->meters = meters_new();
    recorder->sweeps = sweeps_new(&recorder->log);
    recorder->asn = options->local_asn;
    recorder->has_asn = true;
    recorder->heartbeat_at_us = steady_us(recorder);
    recorder->writer = state_writer_open(&state, err);
    if (!recorder->writer || !restore(recorder, err)) {
        recorder_free(recorder);
        return NULL;
    }
    int failed = pthread_create(&recorder->thread, NULL, run, recorder);
    if (failed) {
        error_errno(err, failed, "starting the writer thread");
        recorder_free(recorder);
        return NULL;
    }
    return recorder;
}

void recorder_stop(struct recorder *recorder)
{
    if (!recorder)
        return;
    (void)pthread_mutex_lock(&recorder->lock);
    recorder->stopping = true;
    (void)pthread_cond_signal(&recorder->wake);
    (void)pthread_mutex_unlock(&recorder->lock);
    (void)pthread_join(recorder->thread, NULL);
    recorder_free(recorder);
}
