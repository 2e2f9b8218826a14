/* sessions: the peers, and what their coming and going means for what they said (L-110 to L-115).
 *
 * Only states and times, no clock, no file, no thread: the recorder calls under its lock, and hands what has
 * changed to the writer thread. */
#pragma once

#include "heard.h"
#include "recorder.h"

struct session_family {
    bool exists; // is configured
    struct peer_family row;
    char *faulty;        // row.faulty
    bool is_dirty;       // the row differs from what was handed over
    bool is_active;      // in the session that is up
    bool has_data;       // there may be rows
    int64_t hold_at_us;  // steady; then everything goes. 0: not held
    struct heard *heard; // since the return; NULL: nothing to sweep at end-of-RIB
    struct heard
        *present; // what the session has announced and not withdrawn (L-097); NULL: nothing yet
    bool is_full; // something was refused
    struct heard
        *sweep; // delete what is not in it, from the next batch on; grows until that is taken
    int64_t sweep_stale_since_us; // the row's, before the end of the load
};

struct session {
    struct peer row;
    char *name, *address, *router_id, *last_error; // row's
    bool is_dirty, is_listed;
    struct session_family families[STATE_FAMILIES];
};

struct sessions;

struct sessions *sessions_new(void);
void sessions_free(struct sessions *sessions);

struct session *sessions_find(const struct sessions *sessions, int64_t peer_id); // or NULL
struct session *sessions_find_name(const struct sessions *sessions, const char *name);
size_t sessions_count(const struct sessions *sessions);
struct session *sessions_at(const struct sessions *sessions, size_t index);

/* A peer that state.db has, or a new one; strings are copied. */
struct session *sessions_add(struct sessions *sessions, const struct peer *row);
void sessions_remove(struct sessions *sessions, struct session *session);

void session_set_address(struct session *session, const char *address, uint32_t rank);

/* What state.db says of a family at the start; what was up is down since now_us. */
void session_restore(struct session *session, const struct peer_family *row, int64_t utc_us,
                     int64_t hold_at_us);

/* Makes the family one that the peer has, by that door. */
void session_configure(struct session *session, enum state_family which, enum state_source source);

void session_up(struct session *session, const struct update *update, int64_t utc_us);
void session_down(struct session *session, const char *reason, int64_t utc_us, int64_t hold_at_us);
void session_end_of_rib(struct session *session, enum state_family which, bool assumed,
                        int64_t utc_us);

enum hearing {
    HEARING_TAKE,
    HEARING_NO_FAMILY,  // the peer does not have the family
    HEARING_FIRST_OVER, // one object more than the limit, refused: the family is faulty from now on
    HEARING_OVER        // another one
};

/* An object of the family was announced (is_gone: withdrawn). limit: how many one session may have of the
 * family (L-097); what is there already may change and go all the same. */
enum hearing session_hear(struct session *session, const struct state_key *key, bool is_gone,
                          size_t limit);

void session_distrust(struct session *session, unsigned families, const char *kind);

/* The family was stale for as long as it may be: everything goes. */
void session_expire(struct session *session, enum state_family which);
