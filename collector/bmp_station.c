/* bmp_station: sockets in, messages to bmp_session.
 *
 * A bufferevent gathers a connection's bytes; each whole message is handed to the session and drained. A message
 * in one piece is not copied, one across two reads is joined by libevent. */
#include "bmp_station.h"

#include "lib/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <event2/util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    BACKLOG = 128,
    FIRST_OCTETS = 6,
    MOST_BUFFERED = 2 * BMP_MESSAGE_LIMIT, // never met: what waits is one message not yet whole
};

struct connection {
    struct connection *next; // in the station's list
    struct bmp_station *station;
    struct bufferevent *stream;
    struct bmp_session *session;
    char place[PREFIX_TEXT_SIZE]; // for the log
};

struct bmp_station {
    struct event_base *base; // borrowed
    const struct log *log;   // borrowed
    struct bmp_handler handler;
    struct evconnlistener *listener;
    struct event *again; // listens again after an error
    struct connection *connections;
    size_t connection_count;
    struct bmp_counters past; // of connections that are gone
    struct fault_ring ring;
};

union address {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
};

/* ---- Addresses ---- */

static bool address_make(const struct endpoint *endpoint, union address *out, socklen_t *length,
                         struct error *err)
{
    *out = (union address){0};
    if (endpoint->is_unix)
        return error_set(err, ERROR_INPUT, "BMP comes by TCP: an address and a port expected");
    if (endpoint->address.family == FAMILY_IPV4) {
        out->ipv4.sin_family = AF_INET;
        out->ipv4.sin_port = htons(endpoint->port);
        memcpy(&out->ipv4.sin_addr, endpoint->address.bytes, 4);
        *length = sizeof out->ipv4;
    } else {
        out->ipv6.sin6_family = AF_INET6;
        out->ipv6.sin6_port = htons(endpoint->port);
        memcpy(&out->ipv6.sin6_addr, endpoint->address.bytes, 16);
        *length = sizeof out->ipv6;
    }
    return true;
}

static struct prefix address_read(const union address *address, uint16_t *port)
{
    struct prefix out;

    if (address->any.sa_family == AF_INET) {
        out = (struct prefix){.family = FAMILY_IPV4, .length_bits = 32};
        memcpy(out.bytes, &address->ipv4.sin_addr, 4);
        *port = ntohs(address->ipv4.sin_port);
    } else {
        out = (struct prefix){.family = FAMILY_IPV6, .length_bits = 128};
        memcpy(out.bytes, &address->ipv6.sin6_addr, 16);
        *port = ntohs(address->ipv6.sin6_port);
    }
    return out;
}

/* ---- Connections ---- */

static void counters_add(struct bmp_counters *to, const struct bmp_counters *from)
{
    to->bytes += from->bytes;
    to->messages += from->messages;
    to->route_monitoring += from->route_monitoring;
    to->statistics += from->statistics;
    to->peer_up += from->peer_up;
    to->peer_down += from->peer_down;
    to->initiation += from->initiation;
    to->termination += from->termination;
    to->mirroring += from->mirroring;
    to->ignored += from->ignored;
    to->peers_over += from->peers_over;
    faults_add(&to->faults, &from->faults);
}

static void connection_free(struct connection *connection)
{
    bmp_session_free(connection->session);
    bufferevent_free(connection->stream);
    free(connection);
}

static void connection_close(struct connection *connection, const char *reason)
{
    struct bmp_station *station = connection->station;
    struct connection **at = &station->connections;
    char quoted[256];

    while (*at != connection)
        at = &(*at)->next;
    *at = connection->next;
    station->connection_count--;
    log_info(station->log, "BMP connection closed: router=%s reason=%s", connection->place,
             log_quote(reason, quoted, sizeof quoted));
    bmp_session_close(connection->session, reason);
    counters_add(&station->past, bmp_session_counters(connection->session));
    connection_free(connection);
}

/* Takes the message at the front. *more: there may be another. */
static bool take_message(struct connection *connection, int64_t now_us, bool *more,
                         struct error *err)
{
    struct evbuffer *input = bufferevent_get_input(connection->stream);
    uint8_t first[FIRST_OCTETS];
    ev_ssize_t copied = evbuffer_copyout(input, first, sizeof first);
    struct octets begin = {.bytes = first, .length = copied > 0 ? (size_t)copied : 0};
    size_t length;

    *more = false;
    if (!bmp_message_length(begin, &length, err))
        return false;
    if (length == 0 || evbuffer_get_length(input) < length)
        return true;
    const uint8_t *bytes = evbuffer_pullup(input, (ev_ssize_t)length);
    if (!bytes)
        return error_set(err, ERROR_SYSTEM, "no memory for a BMP message of %zu octets", length);
    bool goes_on = bmp_session_take(connection->session,
                                    (struct octets){.bytes = bytes, .length = length}, now_us, err);
    (void)evbuffer_drain(input, length); // cannot fail: nothing else holds the buffer
    *more = goes_on;
    return goes_on;
}

static void on_readable(struct bufferevent *stream, void *context)
{
    struct connection *connection = context;
    int64_t now_us = text_now_us();
    struct error err;
    bool more = true;

    (void)stream;
    while (more)
        if (!take_message(connection, now_us, &more, &err)) {
            connection_close(connection, err.text);
            return;
        }
}

static void on_end(struct bufferevent *stream, short events, void *context)
{
    int code = EVUTIL_SOCKET_ERROR();

    (void)stream;
    connection_close(context, events & BEV_EVENT_ERROR ? evutil_socket_error_to_string(code)
                                                       : "closed by the router");
}

/* A connection that has nowhere to go is only closed: the router comes again. */
static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from,
                      int length, void *context)
{
    struct bmp_station *station = context;
    union address address = {0};
    const int on = 1;
    uint16_t port;

    (void)listener;
    memcpy(&address, from, (size_t)length < sizeof address ? (size_t)length : sizeof address);
    struct prefix other_end = address_read(&address, &port);
    char place[PREFIX_TEXT_SIZE];
    (void)address_format(&other_end, place);
    if (station->connection_count == BMP_ROUTER_LIMIT) {
        log_warning(station->log, "BMP connection refused: router=%s limit=%d", place,
                    BMP_ROUTER_LIMIT);
        (void)evutil_closesocket(fd);
        return;
    }
    struct bufferevent *stream = bufferevent_socket_new(station->base, fd, BEV_OPT_CLOSE_ON_FREE);
    if (!stream) {
        log_error(station->log, "BMP connection refused: router=%s reason=\"no memory\"", place);
        (void)evutil_closesocket(fd);
        return;
    }
    // So that a router that is gone without a word is noticed in the end.
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    struct connection *connection = memory_alloc(1, sizeof *connection);
    connection->station = station;
    connection->stream = stream;
    connection->session = bmp_session_new(&station->handler, &other_end, port, &station->ring);
    (void)snprintf(connection->place, sizeof connection->place, "%s", place);
    connection->next = station->connections;
    station->connections = connection;
    station->connection_count++;
    log_info(station->log, "BMP connection: router=%s port=%d", place, port);
    bufferevent_setcb(stream, on_readable, NULL, on_end, connection);
    bufferevent_setwatermark(stream, EV_READ, 0, MOST_BUFFERED);
    (void)bufferevent_enable(stream, EV_READ); // a socket that cannot be read ends at once
    (void)bufferevent_disable(stream, EV_WRITE);
}

/* Out of file descriptors, most likely: the connection stays in the kernel's queue, and the loop would be back
 * here at once. */
static void on_accept_error(struct evconnlistener *listener, void *context)
{
    static const struct timeval pause = {.tv_sec = 1};
    struct bmp_station *station = context;
    int code = EVUTIL_SOCKET_ERROR();

    log_error(station->log, "BMP: no connection can be taken: %s", strerror(code));
    if (event_add(station->again, &pause) == 0)
        (void)evconnlistener_disable(listener);
}

static void on_again(evutil_socket_t fd, short events, void *context)
{
    struct bmp_station *station = context;

    (void)fd;
    (void)events;
    (void)evconnlistener_enable(station->listener);
}

/* ---- The station ---- */

struct bmp_station *bmp_station_new(struct event_base *base, const struct endpoint *listen,
                                    const struct bmp_handler *handler, const struct log *log,
                                    struct error *err)
{
    struct bmp_station *station = memory_alloc(1, sizeof *station);
    union address address;
    socklen_t length = 0;

    station->base = base;
    station->log = log;
    station->handler = *handler;
    if (!address_make(listen, &address, &length, err)) {
        error_in(err, "bmp.listen: %s", listen->text);
        goto failed;
    }
    station->again = evtimer_new(base, on_again, station);
    if (!station->again) {
        error_set(err, ERROR_SYSTEM, "bmp.listen: no memory for a timer");
        goto failed;
    }
    station->listener = evconnlistener_new_bind(
        base, on_accept, station, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE,
        BACKLOG, &address.any, (int)length);
    if (!station->listener) {
        error_errno(err, EVUTIL_SOCKET_ERROR(), "bmp.listen: %s", listen->text);
        goto failed;
    }
    evconnlistener_set_error_cb(station->listener, on_accept_error);
    return station;
failed:
    if (station->again)
        event_free(station->again);
    free(station);
    return NULL;
}

void bmp_station_free(struct bmp_station *station)
{
    if (!station)
        return;
    evconnlistener_free(station->listener);
    event_free(station->again);
    for (struct connection *c = station->connections, *next; c; c = next) {
        next = c->next;
        connection_free(c);
    }
    fault_ring_clear(&station->ring);
    free(station);
}

uint16_t bmp_station_port(const struct bmp_station *station)
{
    union address address = {0};
    socklen_t length = sizeof address;
    uint16_t port;

    if (getsockname(evconnlistener_get_fd(station->listener), &address.any, &length) != 0)
        return 0;
    (void)address_read(&address, &port);
    return port;
}

void bmp_station_counters(const struct bmp_station *station, struct bmp_counters *out)
{
    *out = station->past;
    for (const struct connection *c = station->connections; c; c = c->next)
        counters_add(out, bmp_session_counters(c->session));
}

size_t bmp_station_connections(const struct bmp_station *station)
{
    return station->connection_count;
}

void bmp_station_each(const struct bmp_station *station,
                      void (*visit)(void *context, const struct bmp_session *session),
                      void *context)
{
    for (const struct connection *c = station->connections; c; c = c->next)
        visit(context, c->session);
}

const struct fault_ring *bmp_station_faults(const struct bmp_station *station)
{
    return &station->ring;
}
