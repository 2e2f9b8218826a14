/* session: one BGP session of a reflector, from its socket to its end; only speaker.c and session.c know
 * it.
 *
 *     CONNECT ──▶ OPENSENT ──OPEN──▶ OPENCONFIRM ──KEEPALIVE──▶ ESTABLISHED ──▶ tables, End-of-RIB, changes
 *                                                                   └──▶ SILENT: it vanished without a word
 *
 * What is sent waits in `out` until session_flush() writes what the socket takes. A function that may close
 * the session says so; the session is freed then. */
#pragma once

#include "endpoint.h"
#include "speaker.h"

#include <event2/buffer.h>
#include <event2/listener.h>

enum { RETRY_S = 1 }; // between two calls

enum state { STATE_CONNECT, STATE_OPENSENT, STATE_OPENCONFIRM, STATE_ESTABLISHED, STATE_SILENT };

struct session {
    struct session *next;
    struct speaker *speaker;
    size_t reflector;
    int fd;
    enum state state;
    uint64_t since_us, heard_us, said_us;
    uint16_t hold_time_s;
    bool families[FAMILIES]; // of both sides
    bool enhanced_refresh;   // of the peer
    uint64_t updates;
    uint64_t ends_due_us;  // End-of-RIBs that wait; 0: none do
    struct vanish vanish;  // how it ends on the way; set when it is established
    uint64_t room;         // octets that it may still write before that
    uint64_t updates_left; // UPDATEs whose octets are not yet in `room`
    struct event *readable, *writable, *tick;
    struct evbuffer *in, *out;
    char peer[ENDPOINT_TEXT_SIZE];
    struct record_flow *flow; // NULL: not recorded
};

struct outlet { // one a reflector
    struct speaker *speaker;
    struct evconnlistener *listener;
    struct event *retry;
    struct event *restart; // the port opens again
    bool down;
    bool forwarding[FAMILIES];    // as the file says
    uint64_t restarting_until_us; // OPENs have the R bit
};

struct speaker {
    struct event_base *base;
    struct backbone *backbone;
    const struct log *log;
    struct record *record; // NULL: none
    struct outlet *outlets;
    struct session *sessions;
};

struct reflector *outlet_reflector(const struct outlet *outlet);

/* Takes the socket; the session is one of the speaker's until it is closed. */
struct session *session_new(struct speaker *speaker, size_t reflector, int fd,
                            const struct sockaddr *peer);

/* The connection is there: the OPEN goes into `out`. */
void session_begin(struct session *session);

/* Into `out`: a blob, whose reference is taken; an End-of-RIB, if it has the family; octets whose header
 * may say anything. */
void session_send_blob(struct session *session, struct blob *blob);
void session_send_end_of_rib(struct session *session, enum family family);
void session_send_raw(struct session *session, const struct wire *octets);

/* Writes what the socket takes; false: the session is closed, or silent. */
bool session_flush(struct session *session);

/* Ends it: without a word; with a NOTIFICATION of that code; with one that is given, whose octets are
 * taken. */
void session_close(struct session *session, const char *why);
void session_notify(struct session *session, unsigned code, const char *why);
void session_end_with(struct session *session, struct wire *notification, const char *why);
