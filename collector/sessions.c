/* sessions: see sessions.h.
 *
 *            UP                  END_OF_RIB
 *   down ──────────▶ loading ────────────────▶ up      stale from DOWN to END_OF_RIB or to the purge;
 *    ▲ │ hold             │                     │       what is heard between UP and END_OF_RIB is noted
 *    │ ▼ purge            │ DOWN                │ DOWN  when there was something before UP
 *    └────────────────────┴─────────────────────┘
 *
 * A sweep is asked for when END_OF_RIB or the hold time has come, and begins with the next batch, after its
 * objects. Until the batch is taken its set of heard keys goes on growing, for those announcements will be in
 * the same batch, and must survive it. */
#include "sessions.h"

#include "lib/table.h"
#include "pending.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sessions {
    struct session **list;
    size_t count, capacity;
    struct table by_id;
};

static bool has_id(const void *item, const void *key)
{
    const struct session *session = item;
    const int64_t *id = key;

    return session->row.peer_id == *id;
}

struct sessions *sessions_new(void)
{
    return memory_alloc(1, sizeof(struct sessions));
}

static void session_free(struct session *session)
{
    for (size_t i = 0; i < STATE_FAMILIES; i++) {
        heard_free(session->families[i].heard);
        heard_free(session->families[i].sweep);
        heard_free(session->families[i].present);
        free(session->families[i].faulty);
    }
    free(session->name);
    free(session->address);
    free(session->router_id);
    free(session->last_error);
    free(session);
}

void sessions_free(struct sessions *sessions)
{
    if (!sessions)
        return;
    for (size_t i = 0; i < sessions->count; i++)
        session_free(sessions->list[i]);
    free(sessions->list);
    table_free(&sessions->by_id);
    free(sessions);
}

struct session *sessions_find(const struct sessions *sessions, int64_t peer_id)
{
    return table_find(&sessions->by_id, table_hash_number((uint64_t)peer_id), has_id, &peer_id);
}

struct session *sessions_find_name(const struct sessions *sessions, const char *name)
{
    for (size_t i = 0; i < sessions->count; i++)
        if (strcmp(sessions->list[i]->name, name) == 0)
            return sessions->list[i];
    return NULL;
}

size_t sessions_count(const struct sessions *sessions)
{
    return sessions->count;
}

struct session *sessions_at(const struct sessions *sessions, size_t index)
{
    assert(index < sessions->count);
    return sessions->list[index];
}

/* Replaces an owned text and the row's pointer to it. */
static void set_text(char **owned, const char **field, const char *text)
{
    char *copy = text ? memory_text(text) : NULL;

    free(*owned);
    *owned = copy;
    *field = copy;
}

struct session *sessions_add(struct sessions *sessions, const struct peer *row)
{
    struct session *session = memory_alloc(1, sizeof *session);

    session->row = *row;
    set_text(&session->name, &session->row.name, row->name);
    set_text(&session->address, &session->row.address, row->address);
    set_text(&session->router_id, &session->row.router_id, row->router_id);
    set_text(&session->last_error, &session->row.last_error, row->last_error);
    sessions->list =
        memory_grow(sessions->list, sessions->count, &sessions->capacity, sizeof *sessions->list);
    sessions->list[sessions->count++] = session;
    table_add(&sessions->by_id, table_hash_number((uint64_t)row->peer_id), session);
    return session;
}

void sessions_remove(struct sessions *sessions, struct session *session)
{
    size_t i = 0;

    while (sessions->list[i] != session)
        i++;
    sessions->list[i] = sessions->list[--sessions->count];
    table_remove(&sessions->by_id, table_hash_number((uint64_t)session->row.peer_id), session);
    session_free(session);
}

void session_set_address(struct session *session, const char *address, uint32_t rank)
{
    set_text(&session->address, &session->row.address, address);
    session->row.rank = rank;
    session->row.configured = true;
    session->is_dirty = true;
}

/* Stale from now on, unless it was. */
static void make_stale(struct session_family *family, int64_t utc_us, int64_t hold_at_us)
{
    if (!family->row.stale)
        family->row.stale_since_us = utc_us;
    family->row.stale = true;
    family->is_active = false;
    family->is_dirty = true;
    family->hold_at_us = hold_at_us;
    heard_free(family->heard);
    family->heard = NULL;
    heard_free(family->present);
    family->present = NULL;
}

void session_restore(struct session *session, const struct peer_family *row, int64_t utc_us,
                     int64_t hold_at_us)
{
    struct session_family *family = &session->families[row->family];

    family->exists = true;
    family->row = *row;
    set_text(&family->faulty, &family->row.faulty, row->faulty);
    family->has_data = session->row.state != PEER_NEVER;
    if (family->has_data)
        make_stale(family, utc_us, hold_at_us);
}

void session_configure(struct session *session, enum state_family which, enum state_source source)
{
    struct session_family *family = &session->families[which];

    if (!family->exists)
        family->row = (struct peer_family){.peer_id = session->row.peer_id, .family = which};
    family->exists = true;
    family->row.source = source;
    family->is_dirty = true;
}

/* The family's part in a session that is up begins. */
static void begin(struct session_family *family)
{
    family->is_active = true;
    family->hold_at_us = 0;
    family->row.end_of_rib = END_OF_RIB_NO;
    family->row.end_of_rib_us = 0;
    set_text(&family->faulty, &family->row.faulty, NULL);
    family->is_dirty = true;
    heard_free(family->present);
    family->present = NULL;
    family->is_full = false;
    if (family->row.stale || family->has_data) {
        heard_free(family->heard);
        family->heard = heard_new();
    }
}

void session_up(struct session *session, const struct update *update, int64_t utc_us)
{
    char text[PREFIX_TEXT_SIZE];

    if (session->row.state != PEER_UP) {
        session->row.state = PEER_UP;
        session->row.since_us = utc_us;
        set_text(&session->last_error, &session->row.last_error, NULL);
    }
    session->row.asn = update->up.asn;
    if (update->up.router_id.family)
        set_text(&session->router_id, &session->row.router_id,
                 address_format(&update->up.router_id, text));
    session->is_dirty = true;
    for (size_t i = 0; i < STATE_FAMILIES; i++)
        if (update->up.families[i] && session->families[i].exists &&
            !session->families[i].is_active)
            begin(&session->families[i]);
}

void session_down(struct session *session, const char *reason, int64_t utc_us, int64_t hold_at_us)
{
    if (session->row.state == PEER_UP) {
        session->row.state = PEER_DOWN;
        session->row.since_us = utc_us;
        for (size_t i = 0; i < STATE_FAMILIES; i++) {
            struct session_family *family = &session->families[i];
            if (family->exists && (family->is_active || family->has_data))
                make_stale(family, utc_us, hold_at_us);
        }
    }
    set_text(&session->last_error, &session->row.last_error, reason);
    session->is_dirty = true;
}

void session_end_of_rib(struct session *session, enum state_family which, bool assumed,
                        int64_t utc_us)
{
    struct session_family *family = &session->families[which];

    // what comes late of a session that is down says nothing of the next
    if (!family->exists || session->row.state == PEER_DOWN)
        return;
    if (!family->is_active)
        begin(family);
    if (family->row.end_of_rib != END_OF_RIB_NO)
        return;
    family->row.end_of_rib = assumed ? END_OF_RIB_ASSUMED : END_OF_RIB_RECEIVED;
    family->row.end_of_rib_us = utc_us;
    family->sweep_stale_since_us = family->row.stale_since_us;
    family->row.stale = false;
    family->row.stale_since_us = 0;
    family->is_dirty = true;
    if (family->heard) {
        heard_free(family->sweep); // an earlier load's: this one says more
        family->sweep = family->heard;
        family->heard = NULL;
    }
}

/* Counts an announced object among those that are present; false: it is one too many. */
static bool is_within(struct session_family *family, const struct state_key *key, size_t limit)
{
    if (!family->present)
        family->present = heard_new();
    if (heard_count(family->present) >= limit && !heard_has(family->present, key))
        return false;
    heard_add(family->present, key);
    return true;
}

/* The family was told more than it may have. Unlike another fault this one goes on, so it is the one to look at. */
static enum hearing refuse(struct session_family *family, size_t limit)
{
    char why[64];

    if (family->is_full)
        return HEARING_OVER;
    (void)snprintf(why, sizeof why, "more than %zu objects", limit);
    set_text(&family->faulty, &family->row.faulty, why);
    family->is_full = true;
    family->is_dirty = true;
    return HEARING_FIRST_OVER;
}

enum hearing session_hear(struct session *session, const struct state_key *key, bool is_gone,
                          size_t limit)
{
    struct session_family *family = &session->families[key_family(key)];

    if (!family->exists)
        return HEARING_NO_FAMILY;
    if (session->row.state == PEER_UP && !family->is_active)
        begin(family);
    if (is_gone) {
        if (family->present)
            heard_remove(family->present, key);
        return HEARING_TAKE;
    }
    if (!is_within(family, key, limit))
        return refuse(family, limit);
    family->has_data = true;
    if (family->heard)
        heard_add(family->heard, key);
    if (family->sweep)
        heard_add(family->sweep, key);
    return HEARING_TAKE;
}

void session_distrust(struct session *session, unsigned families, const char *kind)
{
    for (size_t i = 0; i < STATE_FAMILIES; i++) {
        struct session_family *family = &session->families[i];
        if (!(families & 1U << i) || !family->exists || family->row.faulty)
            continue; // the first fault is the one to look at
        set_text(&family->faulty, &family->row.faulty, kind);
        family->is_dirty = true;
    }
}

void session_expire(struct session *session, enum state_family which)
{
    struct session_family *family = &session->families[which];

    family->hold_at_us = 0;
    family->has_data = false;
    family->row.end_of_rib = END_OF_RIB_NO;
    family->row.end_of_rib_us = 0;
    family->is_dirty = true;
    heard_free(family->sweep);
    family->sweep = heard_new();
}
