/* speaker: the reflectors' ports and calls, and what commands do to their sessions.
 *
 * There is no collision detection: a reflector either listens or calls, so two connections are two
 * sessions. */
#include "speaker.h"

#include "message.h"
#include "session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

static const char *const state_names[] = {
    [STATE_CONNECT] = "connect",
    [STATE_OPENSENT] = "open-sent",
    [STATE_OPENCONFIRM] = "open-confirm",
    [STATE_ESTABLISHED] = "established",
    [STATE_SILENT] = "silent",
};

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
    session_begin(session);
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
            session_send_blob(session, blob_ref(blob));
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
    struct reflector *it = outlet_reflector(outlet);
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
        session_send_raw(session, octets);
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
            session_send_end_of_rib(session, family);
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
        memcpy(outlet->forwarding, outlet_reflector(outlet)->forwarding, sizeof outlet->forwarding);
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
