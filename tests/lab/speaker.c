/* speaker: sessions of RFC 4271, the passive half of its state machine and a little of the active one.
 *
 *     CONNECT ──▶ OPENSENT ──OPEN──▶ OPENCONFIRM ──KEEPALIVE──▶ ESTABLISHED ──▶ tables, End-of-RIB, changes
 *
 * Connections are not bufferevents: those write from a callback of the loop, in pieces of 16 kB, and a
 * command could not say when its UPDATEs had been written. Here a command flushes at once and the loop
 * only finishes what the socket did not take. There is no collision detection: a reflector either
 * listens or calls, so two connections are two sessions. */
#include "speaker.h"

#include "endpoint.h"
#include "message.h"
#include "misbehave.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/listener.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    RETRY_S = 1,
    FIRST_HOLD_S = 240, // until the peer's OPEN (RFC 4271 section 8.2.2)
    READ_AT_ONCE = 65536,
};

enum state { STATE_CONNECT, STATE_OPENSENT, STATE_OPENCONFIRM, STATE_ESTABLISHED, STATE_SILENT };

static const char *const state_names[] = {
    [STATE_CONNECT] = "connect",
    [STATE_OPENSENT] = "open-sent",
    [STATE_OPENCONFIRM] = "open-confirm",
    [STATE_ESTABLISHED] = "established",
    [STATE_SILENT] = "silent",
};

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

static struct reflector *reflector_of_outlet(const struct outlet *outlet)
{
    const struct speaker *speaker = outlet->speaker;

    return &backbone_scenario(speaker->backbone)->reflectors[outlet - speaker->outlets];
}

static const struct reflector *reflector_of(const struct session *session)
{
    return &backbone_scenario(session->speaker->backbone)->reflectors[session->reflector];
}

// ---- the life of a session

static void enter(struct session *session, enum state state)
{
    session->state = state;
    session->since_us = clock_us(CLOCK_MONOTONIC);
}

static void session_free(struct session *session)
{
    struct session **link = &session->speaker->sessions;

    while (*link != session)
        link = &(*link)->next;
    *link = session->next;
    if (session->readable)
        event_free(session->readable);
    if (session->writable)
        event_free(session->writable);
    if (session->tick)
        event_free(session->tick);
    evbuffer_free(session->in);
    evbuffer_free(session->out);
    record_end(session->flow);
    (void)close(session->fd);
    free(session);
}

static void session_close(struct session *session, const char *why)
{
    struct outlet *outlet = &session->speaker->outlets[session->reflector];
    const struct timeval later = {.tv_sec = RETRY_S};

    log_info(session->speaker->log, "session closed: reflector=%s peer=%s why=\"%s\"",
             reflector_of(session)->name, session->peer, why);
    if (outlet->retry && !outlet->down)
        (void)event_add(outlet->retry, &later);
    session_free(session);
}

/* A close with unread octets makes the kernel reset the connection, and what was written last would be
 * lost. */
static void discard_input(struct session *session)
{
    while (evbuffer_read(session->in, session->fd, READ_AT_ONCE) > 0)
        (void)evbuffer_drain(session->in, evbuffer_get_length(session->in));
    (void)shutdown(session->fd, SHUT_WR);
}

/* The end of a session that vanishes in mid-table. Silence keeps the connection and neither reads nor
 * writes any more. */
static void session_vanish(struct session *session)
{
    const struct linger at_once = {.l_onoff = 1};

    if (session->vanish.how == VANISH_SILENT) {
        log_info(session->speaker->log, "session silent: reflector=%s peer=%s",
                 reflector_of(session)->name, session->peer);
        enter(session, STATE_SILENT);
        (void)event_del(session->readable);
        (void)event_del(session->writable);
        return;
    }
    if (session->vanish.how == VANISH_RESET)
        (void)setsockopt(session->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    else
        discard_input(session);
    session_close(session, "vanished");
}

static bool is_vanishing(const struct session *session)
{
    return session->vanish.how && session->room == 0 && session->updates_left == 0;
}

/* Writes what the socket takes; false: the session is closed, or silent. */
static bool session_flush(struct session *session)
{
    while (evbuffer_get_length(session->out) && !is_vanishing(session)) {
        size_t limit = session->vanish.how ? session->room : SIZE_MAX;
        int count = record_write(session->flow, session->out, session->fd, limit);

        if (count > 0) {
            session->room -= session->vanish.how ? (size_t)count : 0;
            continue;
        }
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
            (void)event_add(session->writable, NULL);
            return true;
        }
        session_close(session, "writing failed");
        return false;
    }
    if (!is_vanishing(session))
        return true;
    session_vanish(session);
    return false;
}

/* UPDATEs that are to be sent before it vanishes make room for their octets. */
static void make_room(struct session *session, const uint8_t *messages, size_t length)
{
    for (size_t at = 0; at < length && session->updates_left;) {
        size_t message = (size_t)(messages[at + 16] << 8 | messages[at + 17]);

        session->updates_left -= messages[at + 18] == MESSAGE_UPDATE;
        session->room += message;
        at += message;
    }
}

static void send_wire(struct session *session, struct wire *wire)
{
    if (session->updates_left)
        make_room(session, wire->bytes, wire->length);
    (void)evbuffer_add(session->out, wire->bytes, wire->length);
    session->said_us = clock_us(CLOCK_MONOTONIC);
    wire_free(wire);
}

/* Octets whose header may say anything: they count as one UPDATE. */
static void send_raw(struct session *session, const struct wire *octets)
{
    if (session->updates_left) {
        session->updates_left--;
        session->room += octets->length;
    }
    (void)evbuffer_add(session->out, octets->bytes, octets->length);
    session->said_us = clock_us(CLOCK_MONOTONIC);
}

/* A NOTIFICATION as far as the socket takes it, and the end. Takes the message. */
static void session_end_with(struct session *session, struct wire *notification, const char *why)
{
    if (session->state != STATE_CONNECT && session->state != STATE_SILENT &&
        evbuffer_get_length(session->out) == 0) {
        session->vanish.how = VANISH_NONE;
        send_wire(session, notification);
        (void)record_write(session->flow, session->out, session->fd, SIZE_MAX);
        discard_input(session);
    }
    wire_free(notification);
    session_close(session, why);
}

static void session_notify(struct session *session, unsigned code, const char *why)
{
    struct wire wire = {0};

    message_notification(code, &wire);
    session_end_with(session, &wire, why);
}

static void unref_blob(const void *bytes, size_t length, void *blob)
{
    (void)bytes;
    (void)length;
    blob_unref(blob);
}

/* Takes the reference. */
static void send_blob(struct session *session, struct blob *blob)
{
    if (!blob->length) {
        blob_unref(blob);
        return;
    }
    session->updates += blob->messages;
    session->said_us = clock_us(CLOCK_MONOTONIC);
    if (session->updates_left)
        make_room(session, blob->bytes, blob->length);
    if (evbuffer_add_reference(session->out, blob->bytes, blob->length, unref_blob, blob) != 0)
        error_fatal("out of memory: evbuffer_add_reference");
}

static void send_table(struct session *session, enum family family)
{
    send_blob(session, backbone_table(session->speaker->backbone, session->reflector, family));
}

static void send_end_of_rib(struct session *session, enum family family)
{
    struct wire wire = {0};

    if (!session->families[family])
        return;
    message_end_of_rib(reflector_of(session), family, &wire);
    send_wire(session, &wire);
    session->updates++;
}

/* What the file has for every session after its tables, good or bad. */
static void send_messages(struct session *session)
{
    struct backbone *backbone = session->speaker->backbone;
    const struct scenario *scenario = backbone_scenario(backbone);

    for (size_t i = 0; i < scenario->message_count; i++) {
        const struct raw_message *message = &scenario->messages[i];
        struct wire wire = {0};
        struct error err;

        if (!(message->reflectors >> session->reflector & 1))
            continue;
        if (misbehave(backbone, session->reflector, message, &wire, &err))
            send_raw(session, &wire);
        else
            log_warning(session->speaker->log, "no message: reflector=%s why=\"%s\"",
                        reflector_of(session)->name, err.text);
        wire_free(&wire);
    }
}

/* UPDATEs, or octets, until it vanishes count from here on. */
static void prepare_to_vanish(struct session *session)
{
    session->vanish = reflector_of(session)->vanish;
    session->room = evbuffer_get_length(session->out);
    if (session->vanish.counts_updates)
        session->updates_left = session->vanish.after;
    else
        session->room += session->vanish.after;
}

static void establish(struct session *session)
{
    const struct reflector *reflector = reflector_of(session);
    bool late = reflector->end_of_rib && reflector->end_of_rib_late_s;

    enter(session, STATE_ESTABLISHED);
    log_info(session->speaker->log, "session established: reflector=%s peer=%s hold=%u",
             reflector->name, session->peer, session->hold_time_s);
    prepare_to_vanish(session);
    for (enum family family = 0; family < FAMILIES; family++) {
        if (!session->families[family])
            continue;
        send_table(session, family);
        if (reflector->end_of_rib && !late)
            send_end_of_rib(session, family);
    }
    if (late)
        session->ends_due_us = session->since_us + reflector->end_of_rib_late_s * UINT64_C(1000000);
    send_messages(session);
}

/* The R bit is for the sessions that come within the restart time (RFC 4724 section 4.1). */
static void set_restarting(struct outlet *outlet)
{
    struct reflector *reflector = reflector_of_outlet(outlet);

    reflector->restarting = clock_us(CLOCK_MONOTONIC) < outlet->restarting_until_us;
}

static void begin(struct session *session)
{
    struct wire wire = {0};
    const int on = 1;

    (void)setsockopt(session->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    session->flow = record_begin(session->speaker->record, session->fd, RECORD_BGP);
    enter(session, STATE_OPENSENT);
    set_restarting(&session->speaker->outlets[session->reflector]);
    message_open(reflector_of(session), &wire);
    send_wire(session, &wire);
}

// ---- messages; each returns false when the session is closed

static bool on_open(struct session *session, const uint8_t *body, size_t length)
{
    const struct reflector *reflector = reflector_of(session);
    struct wire wire = {0};
    struct error err;
    struct open open;
    unsigned notify;

    if (session->state != STATE_OPENSENT) {
        session_notify(session, NOTIFY_FSM, "an OPEN that was not expected");
        return false;
    }
    if (!message_parse_open(body, length, &open, &notify, &err)) {
        session_notify(session, notify, err.text);
        return false;
    }
    if (!message_is_acceptable(reflector, &open, &notify, &err)) {
        session_notify(session, notify, err.text);
        return false;
    }
    session->hold_time_s =
        open.hold_time_s < reflector->hold_time_s ? open.hold_time_s : reflector->hold_time_s;
    for (size_t i = 0; i < FAMILIES; i++)
        session->families[i] = open.families[i] && reflector->families[i];
    session->enhanced_refresh = open.enhanced_refresh;
    enter(session, STATE_OPENCONFIRM);
    message_keepalive(&wire);
    send_wire(session, &wire);
    return true;
}

/* With marks around it where both sides have enhanced refresh (RFC 7313). */
static void refresh(struct session *session, enum family family)
{
    bool marked = reflector_of(session)->enhanced_refresh && session->enhanced_refresh;
    struct wire wire = {0};

    if (marked) {
        message_refresh(family, REFRESH_BEGINS, &wire);
        send_wire(session, &wire);
    }
    send_table(session, family);
    if (marked) {
        message_refresh(family, REFRESH_ENDS, &wire);
        send_wire(session, &wire);
    }
}

static bool on_message(struct session *session, unsigned type, const uint8_t *body, size_t length)
{
    enum family family;
    char why[64];

    switch (type) {
    case MESSAGE_OPEN:
        return on_open(session, body, length);
    case MESSAGE_KEEPALIVE:
        if (session->state == STATE_OPENCONFIRM)
            establish(session);
        return true;
    case MESSAGE_NOTIFICATION:
        (void)snprintf(why, sizeof why, "NOTIFICATION %u/%u", length > 0 ? body[0] : 0u,
                       length > 1 ? body[1] : 0u);
        session_close(session, why);
        return false;
    case MESSAGE_ROUTE_REFRESH:
        family = message_parse_refresh(body, length);
        if (session->state == STATE_ESTABLISHED && family < FAMILIES && session->families[family])
            refresh(session, family);
        return true;
    case MESSAGE_UPDATE: // we have no use for the peer's routes
        if (session->state == STATE_ESTABLISHED)
            return true;
        session_notify(session, NOTIFY_FSM, "an UPDATE that was not expected");
        return false;
    default:
        session_notify(session, NOTIFY_HEADER_TYPE, "a message of unknown type");
        return false;
    }
}

/* Takes whole messages out of what has been read. */
static bool take_messages(struct session *session)
{
    while (evbuffer_get_length(session->in) >= MESSAGE_HEADER) {
        static const uint8_t marker[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                           0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
        const uint8_t *header = evbuffer_pullup(session->in, MESSAGE_HEADER);
        size_t length = (size_t)(header[16] << 8 | header[17]);

        if (memcmp(header, marker, sizeof marker) != 0) {
            session_notify(session, NOTIFY_HEADER_SYNC, "a message without marker");
            return false;
        }
        if (length < MESSAGE_HEADER || length > MESSAGE_LIMIT) {
            session_notify(session, NOTIFY_HEADER_LENGTH, "a message of impossible length");
            return false;
        }
        if (evbuffer_get_length(session->in) < length)
            return true;
        const uint8_t *message = evbuffer_pullup(session->in, (ev_ssize_t)length);

        record_received(session->flow, message, length);
        if (!on_message(session, message[18], message + MESSAGE_HEADER, length - MESSAGE_HEADER))
            return false;
        (void)evbuffer_drain(session->in, length);
    }
    return true;
}

static void on_readable(evutil_socket_t fd, short what, void *argument)
{
    struct session *session = argument;
    int count = evbuffer_read(session->in, fd, READ_AT_ONCE);

    (void)what;
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (count <= 0) {
        session_close(session, count == 0 ? "closed by the peer" : strerror(errno));
        return;
    }
    session->heard_us = clock_us(CLOCK_MONOTONIC);
    if (take_messages(session))
        (void)session_flush(session);
}

static void on_writable(evutil_socket_t fd, short what, void *argument)
{
    struct session *session = argument;
    int failure = 0;
    socklen_t size = sizeof failure;

    (void)what;
    if (session->state == STATE_CONNECT) {
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size) != 0 || failure != 0) {
            session_close(session, strerror(failure ? failure : errno));
            return;
        }
        (void)event_add(session->readable, NULL);
        begin(session);
    }
    (void)session_flush(session);
}

/* Hold time and keepalives (RFC 4271 section 4.4). A peer that is behind with reading has no use for
 * more KEEPALIVEs: the UPDATEs that wait for it say as much. */
static void on_tick(evutil_socket_t fd, short what, void *argument)
{
    struct session *session = argument;
    uint64_t now = clock_us(CLOCK_MONOTONIC), hold_us = session->hold_time_s * UINT64_C(1000000);
    struct wire wire = {0};

    (void)fd;
    (void)what;
    if (session->state == STATE_CONNECT || session->state == STATE_SILENT)
        return;
    if (session->ends_due_us && now >= session->ends_due_us) {
        session->ends_due_us = 0;
        for (enum family family = 0; family < FAMILIES; family++)
            send_end_of_rib(session, family);
        if (!session_flush(session))
            return;
    }
    if (!hold_us)
        return;
    if (now - session->heard_us > hold_us) {
        session_notify(session, NOTIFY_HOLD_TIMER, "hold timer expired");
        return;
    }
    if (session->state == STATE_OPENSENT || now - session->said_us < hold_us / 3 ||
        evbuffer_get_length(session->out))
        return;
    message_keepalive(&wire);
    send_wire(session, &wire);
    (void)session_flush(session);
}

/* Takes the socket. */
static struct session *session_new(struct speaker *speaker, size_t reflector, int fd,
                                   const struct sockaddr *peer)
{
    struct session *session = memory_alloc(1, sizeof *session);
    const struct endpoint there = endpoint_of_socket(peer);
    const struct timeval second = {.tv_sec = 1};

    session->speaker = speaker;
    session->reflector = reflector;
    session->fd = fd;
    session->heard_us = clock_us(CLOCK_MONOTONIC);
    session->hold_time_s = FIRST_HOLD_S;
    session->in = evbuffer_new();
    session->out = evbuffer_new();
    session->readable = event_new(speaker->base, fd, EV_READ | EV_PERSIST, on_readable, session);
    session->writable = event_new(speaker->base, fd, EV_WRITE, on_writable, session);
    session->tick = event_new(speaker->base, -1, EV_PERSIST, on_tick, session);
    if (!session->in || !session->out || !session->readable || !session->writable ||
        !session->tick || event_add(session->tick, &second) != 0)
        error_fatal("out of memory: a session's events");
    (void)endpoint_format(&there, session->peer);
    enter(session, STATE_CONNECT);
    session->next = speaker->sessions;
    speaker->sessions = session;
    return session;
}

// ---- listening and calling

static size_t reflector_index(const struct outlet *outlet)
{
    return (size_t)(outlet - outlet->speaker->outlets);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *peer,
                      int length, void *argument)
{
    struct outlet *outlet = argument;
    struct session *session = session_new(outlet->speaker, reflector_index(outlet), fd, peer);

    (void)listener;
    (void)length;
    (void)event_add(session->readable, NULL);
    begin(session);
    (void)session_flush(session);
}

static void on_retry(evutil_socket_t unused, short what, void *argument)
{
    struct outlet *outlet = argument;
    struct speaker *speaker = outlet->speaker;
    size_t index = reflector_index(outlet);
    const struct reflector *reflector = &backbone_scenario(speaker->backbone)->reflectors[index];
    struct sockaddr_storage address;
    const struct timeval later = {.tv_sec = RETRY_S};
    int fd = endpoint_call(&reflector->address, reflector->port, &reflector->source);

    (void)unused;
    (void)what;
    if (fd < 0) {
        log_warning(speaker->log, "no call: reflector=%s why=\"%s\"", reflector->name,
                    strerror(errno));
        (void)event_add(outlet->retry, &later);
        return;
    }
    (void)endpoint_to_socket(&reflector->address, reflector->port, &address);
    struct session *session = session_new(speaker, index, fd, (struct sockaddr *)&address);

    (void)event_add(session->writable, NULL);
}

static bool start_listening(struct outlet *outlet, struct error *err)
{
    struct speaker *speaker = outlet->speaker;
    const struct reflector *reflector =
        &backbone_scenario(speaker->backbone)->reflectors[reflector_index(outlet)];
    struct sockaddr_storage address;
    socklen_t length = endpoint_to_socket(&reflector->address, reflector->port, &address);
    char text[NET_TEXT_SIZE];

    outlet->listener =
        evconnlistener_new_bind(speaker->base, on_accept, outlet,
                                LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE,
                                -1, (struct sockaddr *)&address, (int)length);
    return outlet->listener ||
           error_errno(err, errno, "reflector %s: listening at %s port %u", reflector->name,
                       net_format_address(&reflector->address, text), reflector->port);
}

static bool start_outlet(struct outlet *outlet, struct error *err)
{
    struct speaker *speaker = outlet->speaker;
    const struct timeval now = {0};

    if (!backbone_scenario(speaker->backbone)->reflectors[reflector_index(outlet)].calls)
        return start_listening(outlet, err);
    if (!outlet->retry)
        outlet->retry = event_new(speaker->base, -1, 0, on_retry, outlet);
    if (!outlet->retry || event_add(outlet->retry, &now) != 0)
        error_fatal("out of memory: a timer");
    return true;
}

static void on_restart(evutil_socket_t unused, short what, void *argument)
{
    struct outlet *outlet = argument;
    struct error err;

    (void)unused;
    (void)what;
    if (!outlet->down && !outlet->listener && !start_outlet(outlet, &err))
        log_warning(outlet->speaker->log, "no restart: %s", err.text);
}

static void stop_outlet(struct outlet *outlet)
{
    if (outlet->restart)
        (void)event_del(outlet->restart);
    if (outlet->listener)
        evconnlistener_free(outlet->listener);
    outlet->listener = NULL;
    if (outlet->retry)
        (void)event_del(outlet->retry);
}

// ---- public

static void set_times(struct sent *out)
{
    out->utc_us = clock_us(CLOCK_REALTIME);
    out->monotonic_us = clock_us(CLOCK_MONOTONIC);
}

void speaker_send(struct speaker *speaker, struct blob **updates, struct sent *out)
{
    size_t reflectors = backbone_scenario(speaker->backbone)->reflector_count;
    struct session *next;

    for (struct session *session = speaker->sessions; session; session = next) {
        size_t octets = 0;

        next = session->next;
        if (session->state != STATE_ESTABLISHED)
            continue;
        for (size_t family = 0; family < FAMILIES; family++) {
            struct blob *blob = updates[session->reflector * FAMILIES + family];

            if (!blob || !session->families[family])
                continue;
            octets += blob->length;
            out->updates += blob->messages;
            send_blob(session, blob_ref(blob));
        }
        if (octets && session_flush(session)) {
            out->octets += octets;
            out->sessions++;
            out->pending += evbuffer_get_length(session->out);
        }
    }
    set_times(out);
    for (size_t i = 0; i < reflectors * FAMILIES; i++)
        blob_unref(updates[i]);
}

void speaker_resend(struct speaker *speaker, size_t reflector, enum family family, struct sent *out)
{
    size_t reflectors = backbone_scenario(speaker->backbone)->reflector_count;
    struct blob **updates = memory_alloc(reflectors * FAMILIES, sizeof(struct blob *));

    updates[reflector * FAMILIES + family] = backbone_table(speaker->backbone, reflector, family);
    speaker_send(speaker, updates, out);
    free(updates);
}

size_t speaker_end(struct speaker *speaker, size_t reflector, enum session_end how)
{
    struct session *next;
    size_t count = 0;

    for (struct session *session = speaker->sessions; session; session = next) {
        next = session->next;
        if (session->reflector != reflector)
            continue;
        count++;
        if (how == END_DROP || session->state == STATE_SILENT)
            session_close(session, "dropped by command");
        else
            session_notify(session, how == END_RESET ? NOTIFY_CEASE_RESET : NOTIFY_CEASE_SHUTDOWN,
                           "ended by command");
    }
    return count;
}

bool speaker_set_down(struct speaker *speaker, size_t reflector, bool down, struct error *err)
{
    struct outlet *outlet = &speaker->outlets[reflector];

    if (outlet->down == down)
        return true;
    if (down)
        stop_outlet(outlet);
    else if (!start_outlet(outlet, err))
        return false;
    outlet->down = down;
    if (down)
        (void)speaker_end(speaker, reflector, END_SHUTDOWN);
    return true;
}

size_t speaker_restart(struct speaker *speaker, size_t reflector, unsigned after_s, bool lost)
{
    struct outlet *outlet = &speaker->outlets[reflector];
    struct reflector *it = reflector_of_outlet(outlet);
    const struct timeval later = {.tv_sec = after_s};

    stop_outlet(outlet);
    for (size_t i = 0; i < FAMILIES; i++)
        it->forwarding[i] = outlet->forwarding[i] && !lost;
    outlet->restarting_until_us =
        clock_us(CLOCK_MONOTONIC) + (after_s + it->restart_time_s) * UINT64_C(1000000);
    size_t count = speaker_end(speaker, reflector, END_DROP);

    if (outlet->retry)
        (void)event_del(outlet->retry); // the end of a session has set it
    if (!outlet->down && event_add(outlet->restart, &later) != 0)
        error_fatal("out of memory: a timer");
    return count;
}

size_t speaker_notify(struct speaker *speaker, size_t reflector, const struct octets *body)
{
    struct session *next;
    size_t count = 0;

    for (struct session *session = speaker->sessions; session; session = next) {
        struct wire wire = {0};

        next = session->next;
        if (session->reflector != reflector)
            continue;
        count++;
        message_of(MESSAGE_NOTIFICATION, body->bytes, body->length, &wire);
        session_end_with(session, &wire, "ended by command");
    }
    return count;
}

void speaker_write(struct speaker *speaker, size_t reflector, const struct wire *octets,
                   struct sent *out)
{
    struct session *next;

    for (struct session *session = speaker->sessions; session; session = next) {
        next = session->next;
        if (session->reflector != reflector || session->state != STATE_ESTABLISHED)
            continue;
        send_raw(session, octets);
        out->octets += octets->length;
        out->updates++;
        if (session_flush(session)) {
            out->sessions++;
            out->pending += evbuffer_get_length(session->out);
        }
    }
    set_times(out);
}

void speaker_end_of_rib(struct speaker *speaker, size_t reflector, struct sent *out)
{
    struct session *next;

    for (struct session *session = speaker->sessions; session; session = next) {
        next = session->next;
        if (session->reflector != reflector || session->state != STATE_ESTABLISHED)
            continue;
        size_t before = evbuffer_get_length(session->out);
        uint64_t updates = session->updates;

        for (enum family family = 0; family < FAMILIES; family++)
            send_end_of_rib(session, family);
        session->ends_due_us = 0;
        out->octets += evbuffer_get_length(session->out) - before;
        out->updates += (size_t)(session->updates - updates);
        if (session_flush(session)) {
            out->sessions++;
            out->pending += evbuffer_get_length(session->out);
        }
    }
    set_times(out);
}

bool speaker_is_down(const struct speaker *speaker, size_t reflector)
{
    return speaker->outlets[reflector].down;
}

bool speaker_session(const struct speaker *speaker, size_t reflector, size_t index,
                     struct session_status *out)
{
    const struct session *session = speaker->sessions;

    for (; session; session = session->next) {
        if (session->reflector == reflector && index-- == 0)
            break;
    }
    if (!session)
        return false;
    *out = (struct session_status){
        .peer = session->peer,
        .state = state_names[session->state],
        .seconds = (clock_us(CLOCK_MONOTONIC) - session->since_us) / 1000000,
        .updates = session->updates,
        .pending = evbuffer_get_length(session->out),
    };
    return true;
}

struct speaker *speaker_new(struct event_base *base, struct backbone *backbone,
                            const struct log *log, struct record *record, struct error *err)
{
    size_t reflectors = backbone_scenario(backbone)->reflector_count;
    struct speaker *speaker = memory_alloc(1, sizeof *speaker);

    *speaker = (struct speaker){.base = base, .backbone = backbone, .log = log, .record = record};
    speaker->outlets = memory_alloc(reflectors, sizeof *speaker->outlets);
    for (size_t i = 0; i < reflectors; i++) {
        struct outlet *outlet = &speaker->outlets[i];

        outlet->speaker = speaker;
        outlet->restart = event_new(base, -1, 0, on_restart, outlet);
        if (!outlet->restart)
            error_fatal("out of memory: a timer");
        memcpy(outlet->forwarding, reflector_of_outlet(outlet)->forwarding,
               sizeof outlet->forwarding);
        if (!start_outlet(&speaker->outlets[i], err)) {
            speaker_free(speaker);
            return NULL;
        }
    }
    return speaker;
}

void speaker_free(struct speaker *speaker)
{
    if (!speaker)
        return;
    size_t reflectors = backbone_scenario(speaker->backbone)->reflector_count;

    for (size_t i = 0; i < reflectors; i++) {
        speaker->outlets[i].down = true;
        if (speaker->outlets[i].speaker)
            stop_outlet(&speaker->outlets[i]);
        (void)speaker_end(speaker, i, END_SHUTDOWN);
        if (speaker->outlets[i].retry)
            event_free(speaker->outlets[i].retry);
        if (speaker->outlets[i].restart)
            event_free(speaker->outlets[i].restart);
    }
    free(speaker->outlets);
    free(speaker);
}
