/* session: RFC 4271's state machine, the passive half and a little of the active one.
 *
 * Connections are not bufferevents: those write from a callback of the loop, in pieces of 16 kB, and a
 * command could not say when its UPDATEs had been written. Here a command flushes at once and the loop
 * only finishes what the socket did not take. */
#include "session.h"

#include "message.h"
#include "misbehave.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    FIRST_HOLD_S = 240, // until the peer's OPEN (RFC 4271 section 8.2.2)
    READ_AT_ONCE = 65536,
};

struct reflector *outlet_reflector(const struct outlet *outlet)
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

void session_close(struct session *session, const char *why)
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
bool session_flush(struct session *session)
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
void session_send_raw(struct session *session, const struct wire *octets)
{
    if (session->updates_left) {
        session->updates_left--;
        session->room += octets->length;
    }
    (void)evbuffer_add(session->out, octets->bytes, octets->length);
    session->said_us = clock_us(CLOCK_MONOTONIC);
}

/* A NOTIFICATION as far as the socket takes it, and the end. Takes the message. */
void session_end_with(struct session *session, struct wire *notification, const char *why)
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

void session_notify(struct session *session, unsigned code, const char *why)
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
void session_send_blob(struct session *session, struct blob *blob)
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
    session_send_blob(session,
                      backbone_table(session->speaker->backbone, session->reflector, family));
}

void session_send_end_of_rib(struct session *session, enum family family)
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
            session_send_raw(session, &wire);
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
            session_send_end_of_rib(session, family);
    }
    if (late)
        session->ends_due_us = session->since_us + reflector->end_of_rib_late_s * UINT64_C(1000000);
    send_messages(session);
}

/* The R bit is for the sessions that come within the restart time (RFC 4724 section 4.1). */
static void set_restarting(struct outlet *outlet)
{
    struct reflector *reflector = outlet_reflector(outlet);

    reflector->restarting = clock_us(CLOCK_MONOTONIC) < outlet->restarting_until_us;
}

void session_begin(struct session *session)
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
        session_begin(session);
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
            session_send_end_of_rib(session, family);
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
struct session *session_new(struct speaker *speaker, size_t reflector, int fd,
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
