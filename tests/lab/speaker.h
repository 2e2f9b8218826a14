/* speaker: the reflectors as BGP speakers, all in one libevent loop.
 *
 * A listening reflector takes any number of sessions, a calling one keeps one up. Peers are believed:
 * this is a laboratory. A session that comes up gets each common family's table and End-of-RIB; later it
 * gets what speaker_send() is given. Octets are shared (struct blob), never copied per session. */
#pragma once

#include "backbone.h"
#include "lib/error.h"
#include "lib/log.h"
#include "record.h"

#include <event2/event.h>

struct speaker;

/* What speaker_send() put on the wire. */
struct sent {
    size_t sessions, updates, octets;
    size_t pending;        // octets that the sockets did not take yet
    uint64_t utc_us;       // when the sockets had taken what they took
    uint64_t monotonic_us; // the same moment by CLOCK_MONOTONIC
};

struct session_status {
    const char *peer;  // "127.0.0.1:41234"; borrowed until the loop goes on
    const char *state; // in RFC 4271's words
    uint64_t seconds;  // since it is in that state
    uint64_t updates;  // sent
    size_t pending;    // octets
};

/* Opens the sockets; everything is borrowed until speaker_free(). record: where sessions are recorded;
 * NULL: nowhere. NULL with *err. */
struct speaker *speaker_new(struct event_base *base, struct backbone *backbone,
                            const struct log *log, struct record *record, struct error *err);

/* Ends every session with a Cease; NULL is fine. */
void speaker_free(struct speaker *speaker);

/* Sends to each established session the updates of its reflector in its families, indexed as
 * backbone_settle() fills them; takes the references. Adds to *out, and sets its times. */
void speaker_send(struct speaker *speaker, struct blob **updates, struct sent *out);

enum session_end { END_RESET, END_SHUTDOWN, END_DROP }; // Cease 4, Cease 2, TCP only

/* Ends the reflector's sessions; the number of them. */
size_t speaker_end(struct speaker *speaker, size_t reflector, enum session_end how);

/* A reflector that is down has closed its port; one that is up listens, or calls. */
bool speaker_set_down(struct speaker *speaker, size_t reflector, bool down, struct error *err);

/* The sessions end without a word, and the port opens again after so many seconds; then, for the restart
 * time, OPENs say that the speaker restarted (RFC 4724), and that it kept its forwarding state or not.
 * The number of sessions. */
size_t speaker_restart(struct speaker *speaker, size_t reflector, unsigned after_s, bool lost);

/* Ends the reflector's sessions with a NOTIFICATION of that body; the number of them. */
size_t speaker_notify(struct speaker *speaker, size_t reflector, const struct octets *body);

/* Octets as they stand to all its sessions; counts one UPDATE each. */
void speaker_write(struct speaker *speaker, size_t reflector, const struct wire *octets,
                   struct sent *out);

/* End-of-RIB of every family to all its sessions, now. */
void speaker_end_of_rib(struct speaker *speaker, size_t reflector, struct sent *out);

bool speaker_is_down(const struct speaker *speaker, size_t reflector);

/* The table once more to all its sessions, as after a ROUTE-REFRESH. */
void speaker_resend(struct speaker *speaker, size_t reflector, enum family family,
                    struct sent *out);

/* The index-th session of the reflector; false: no so many. */
bool speaker_session(const struct speaker *speaker, size_t reflector, size_t index,
                     struct session_status *out);
