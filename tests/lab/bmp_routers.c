/* bmp_routers: connections that draw from streams.
 *
 * As with BGP sessions a command writes at once what the socket takes, so that it can say when that was;
 * the loop writes the rest. Octets are drawn from the stream CHUNK at a time, when the last chunk is gone:
 * a station that does not read costs one chunk, whatever the table's size. */
#include "bmp_routers.h"

#include "endpoint.h"
#include "lib/arena.h"

#include <errno.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 1 << 18, READ_AT_ONCE = 4096 };

enum state { STATE_CONNECTING, STATE_UP, STATE_SILENT };

static const char *const state_names[] = {
    [STATE_CONNECTING] = "connecting", [STATE_UP] = "up", [STATE_SILENT] = "silent"};

struct connection {
    struct connection *next;
    struct bmp_routers *routers;
    size_t router;
    int fd;
    enum state state;
    uint64_t since_us, octets;
    uint64_t cut_left; // octets until it breaks off; UINT64_MAX: never
    bool cut_silent;
    struct bmp_stream *stream;
    struct wire chunk; // drawn; its first `chunk_said` octets are gone
    size_t chunk_said;
    struct event *readable, *writable, *statistics;
    struct record_flow *flow;
    char station[ENDPOINT_TEXT_SIZE];
};

struct outlet { // one a router
    struct bmp_routers *routers;
    struct evconnlistener *listener;
    struct event *retry;
    uint32_t pause_s;   // before the next call
    bool down;          // by command
    bool closed;        // for that, or because its vertex is down
    uint64_t cut_after; // of the next connection; UINT64_MAX: not
    bool cut_silent;
};

struct bmp_routers {
    struct event_base *base;
    struct backbone *backbone;
    const struct log *log;
    struct record *record;
    struct outlet *outlets;
    struct connection *connections;
};

static const struct bmp_router *router_at(const struct bmp_routers *routers, size_t router)
{
    return &backbone_scenario(routers->backbone)->bmp_routers[router];
}

static uint64_t utc_us(void)
{
    return clock_us(CLOCK_REALTIME);
}

// ---- the life of a connection

static void connection_free(struct connection *connection)
{
    struct connection **link = &connection->routers->connections;

    while (*link != connection)
        link = &(*link)->next;
    *link = connection->next;
    event_free(connection->readable);
    event_free(connection->writable);
    event_free(connection->statistics);
    record_end(connection->flow);
    bmp_stream_free(connection->stream);
    wire_free(&connection->chunk);
    (void)close(connection->fd);
    free(connection);
}

/* The next call, after the pause that is due; the one after it waits twice as long (RFC 7854 3.2). */
static void call_later(struct outlet *outlet, const struct bmp_router *router)
{
    const struct timeval pause = {.tv_sec = outlet->pause_s};

    if (!outlet->retry || outlet->closed)
        return;
    (void)event_add(outlet->retry, &pause);
    outlet->pause_s =
        outlet->pause_s > router->retry_s[1] / 2 ? router->retry_s[1] : 2 * outlet->pause_s;
}

static void connection_close(struct connection *connection, const char *why)
{
    struct bmp_routers *routers = connection->routers;
    const struct bmp_router *router = router_at(routers, connection->router);

    log_info(routers->log, "BMP session closed: router=%s station=%s why=\"%s\"", router->name,
             connection->station, why);
    call_later(&routers->outlets[connection->router], router);
    connection_free(connection);
}

/* What the cut leaves of `length` octets. */
static size_t before_cut(const struct connection *connection, size_t length)
{
    return connection->cut_left < length ? (size_t)connection->cut_left : length;
}

/* Writes what the socket takes; false: the connection is gone. */
static bool connection_flush(struct connection *connection)
{
    struct wire *chunk = &connection->chunk;

    while (connection->state == STATE_UP) {
        if (connection->chunk_said == chunk->length) {
            chunk->length = connection->chunk_said = 0;
            if (!bmp_stream_fill(connection->stream, CHUNK, chunk))
                return true;
        }
        size_t length = before_cut(connection, chunk->length - connection->chunk_said);

        if (!length && !connection->cut_silent) {
            connection_close(connection, "cut by command");
            return false;
        }
        if (!length) {
            connection->state = STATE_SILENT;
            connection->since_us = clock_us(CLOCK_MONOTONIC);
            return true;
        }
        const uint8_t *octets = chunk->bytes + connection->chunk_said;
        ssize_t count = send(connection->fd, octets, length, MSG_NOSIGNAL);

        if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
            (void)event_add(connection->writable, NULL);
            return true;
        }
        if (count <= 0) {
            connection_close(connection, "writing failed");
            return false;
        }
        record_sent(connection->flow, octets, (size_t)count);
        connection->chunk_said += (size_t)count;
        connection->octets += (size_t)count;
        if (connection->cut_left != UINT64_MAX)
            connection->cut_left -= (size_t)count;
    }
    return true;
}

static void begin(struct connection *connection)
{
    struct bmp_routers *routers = connection->routers;
    struct outlet *outlet = &routers->outlets[connection->router];
    const struct bmp_router *router = router_at(routers, connection->router);
    const struct timeval period = {.tv_sec = router->statistics_s};
    const int on = 1;

    (void)setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connection->state = STATE_UP;
    connection->since_us = clock_us(CLOCK_MONOTONIC);
    connection->cut_left = outlet->cut_after;
    connection->cut_silent = outlet->cut_silent;
    outlet->cut_after = UINT64_MAX;
    outlet->pause_s = router->retry_s[0];
    connection->flow = record_begin(routers->record, connection->fd, RECORD_BMP);
    if (router->statistics_s)
        (void)event_add(connection->statistics, &period);
    log_info(routers->log, "BMP session up: router=%s station=%s", router->name,
             connection->station);
    bmp_stream_begin(connection->stream, utc_us());
    (void)connection_flush(connection);
}

static void on_readable(evutil_socket_t fd, short what, void *argument)
{
    struct connection *connection = argument;
    uint8_t octets[READ_AT_ONCE];
    ssize_t count = recv(fd, octets, sizeof octets, 0);

    (void)what;
    if (count > 0)
        record_received(connection->flow, octets, (size_t)count);
    else if (count == 0 || (errno != EAGAIN && errno != EINTR))
        connection_close(connection, count == 0 ? "closed by the station" : strerror(errno));
}

static void on_writable(evutil_socket_t fd, short what, void *argument)
{
    struct connection *connection = argument;
    int failure = 0;
    socklen_t size = sizeof failure;

    (void)what;
    if (connection->state != STATE_CONNECTING) {
        (void)connection_flush(connection);
        return;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size) != 0 || failure != 0) {
        connection_close(connection, strerror(failure ? failure : errno));
        return;
    }
    (void)event_add(connection->readable, NULL);
    begin(connection);
}

static void on_statistics(evutil_socket_t fd, short what, void *argument)
{
    struct connection *connection = argument;

    (void)fd;
    (void)what;
    bmp_stream_statistics(connection->stream, utc_us());
    (void)connection_flush(connection);
}

/* Takes the socket. */
static struct connection *connection_new(struct bmp_routers *routers, size_t router, int fd,
                                         const struct endpoint *station)
{
    struct connection *connection = memory_alloc(1, sizeof *connection);

    connection->routers = routers;
    connection->router = router;
    connection->fd = fd;
    connection->since_us = clock_us(CLOCK_MONOTONIC);
    connection->cut_left = UINT64_MAX;
    connection->stream = bmp_stream_new(routers->backbone, router_at(routers, router));
    connection->readable =
        event_new(routers->base, fd, EV_READ | EV_PERSIST, on_readable, connection);
    connection->writable = event_new(routers->base, fd, EV_WRITE, on_writable, connection);
    connection->statistics = event_new(routers->base, -1, EV_PERSIST, on_statistics, connection);
    if (!connection->readable || !connection->writable || !connection->statistics)
        error_fatal("out of memory: a connection's events");
    (void)endpoint_format(station, connection->station);
    connection->next = routers->connections;
    routers->connections = connection;
    return connection;
}

// ---- calling and listening

static size_t outlet_index(const struct outlet *outlet)
{
    return (size_t)(outlet - outlet->routers->outlets);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *station,
                      int length, void *argument)
{
    struct outlet *outlet = argument;
    const struct endpoint there = endpoint_of_socket(station);
    struct connection *connection =
        connection_new(outlet->routers, outlet_index(outlet), fd, &there);

    (void)listener;
    (void)length;
    (void)event_add(connection->readable, NULL);
    begin(connection);
}

static void on_retry(evutil_socket_t unused, short what, void *argument)
{
    struct outlet *outlet = argument;
    const struct bmp_router *router = router_at(outlet->routers, outlet_index(outlet));
    const struct endpoint station = {.address = router->address, .port = router->port};
    int fd = endpoint_call(&router->address, router->port, &router->source);

    (void)unused;
    (void)what;
    if (fd < 0) {
        log_warning(outlet->routers->log, "no call: router=%s why=\"%s\"", router->name,
                    strerror(errno));
        call_later(outlet, router);
        return;
    }
    struct connection *connection =
        connection_new(outlet->routers, outlet_index(outlet), fd, &station);

    (void)event_add(connection->writable, NULL);
}

static bool listen_at(struct outlet *outlet, struct error *err)
{
    const struct bmp_router *router = router_at(outlet->routers, outlet_index(outlet));
    struct sockaddr_storage address;
    socklen_t length = endpoint_to_socket(&router->address, router->port, &address);
    char text[NET_TEXT_SIZE];

    outlet->listener =
        evconnlistener_new_bind(outlet->routers->base, on_accept, outlet,
                                LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE,
                                -1, (struct sockaddr *)&address, (int)length);
    return outlet->listener ||
           error_errno(err, errno, "bmp %s: listening at %s port %u", router->name,
                       net_format_address(&router->address, text), router->port);
}

static bool open_outlet(struct outlet *outlet, struct error *err)
{
    const struct bmp_router *router = router_at(outlet->routers, outlet_index(outlet));
    const struct timeval now = {0};

    outlet->closed = false;
    outlet->pause_s = router->retry_s[0];
    if (router->listens)
        return listen_at(outlet, err);
    if (!outlet->retry)
        outlet->retry = event_new(outlet->routers->base, -1, 0, on_retry, outlet);
    if (!outlet->retry || event_add(outlet->retry, &now) != 0)
        error_fatal("out of memory: a timer");
    return true;
}

static void close_outlet(struct outlet *outlet)
{
    outlet->closed = true;
    if (outlet->listener)
        evconnlistener_free(outlet->listener);
    outlet->listener = NULL;
    if (outlet->retry)
        (void)event_del(outlet->retry);
}

// ---- what is said

/* Flushes the router's connections and adds what they took. */
static void flush_router(struct bmp_routers *routers, size_t router, struct sent *out)
{
    struct connection *next;

    for (struct connection *it = routers->connections; it; it = next) {
        size_t waiting = bmp_stream_pending(it->stream);

        next = it->next;
        if (it->router != router || it->state != STATE_UP || !connection_flush(it))
            continue;
        out->sessions++;
        out->octets += waiting;
        out->pending += it->chunk.length - it->chunk_said + bmp_stream_pending(it->stream);
    }
    out->utc_us = utc_us();
    out->monotonic_us = clock_us(CLOCK_MONOTONIC);
}

static bool is_vertex_down(const struct bmp_routers *routers, size_t router)
{
    size_t vertex = router_at(routers, router)->vertex;

    return vertex != SIZE_MAX && backbone_scenario(routers->backbone)->vertices[vertex].down;
}

/* A dead router's connections end without a word; when it lives it opens them again. */
static void follow_vertex(struct bmp_routers *routers, size_t router)
{
    struct outlet *outlet = &routers->outlets[router];
    bool closed = outlet->down || is_vertex_down(routers, router);
    struct error err;

    if (closed == outlet->closed)
        return;
    if (closed) {
        close_outlet(outlet);
        (void)bmp_routers_end(routers, router, BMP_END_DROP, 0, NULL);
    } else if (!open_outlet(outlet, &err)) {
        log_warning(routers->log, "%s", err.text);
    }
}

void bmp_routers_send(struct bmp_routers *routers, struct blob *const *updates, struct sent *out)
{
    size_t count = backbone_scenario(routers->backbone)->bmp_router_count;

    for (size_t router = 0; router < count; router++) {
        bool has_news = false;

        follow_vertex(routers, router);
        for (struct connection *it = routers->connections; it; it = it->next) {
            if (it->router != router || it->state == STATE_CONNECTING)
                continue;
            size_t messages = bmp_stream_update(it->stream, updates, utc_us());

            out->updates += messages;
            has_news |= messages > 0;
        }
        if (has_news)
            flush_router(routers, router, out);
    }
}

void bmp_routers_say(struct bmp_routers *routers, size_t router, const struct wire *octets,
                     struct sent *out)
{
    for (struct connection *it = routers->connections; it; it = it->next) {
        struct wire copy = {0};

        if (it->router != router || it->state == STATE_CONNECTING)
            continue;
        wire_put_bytes(&copy, octets->bytes, octets->length);
        bmp_stream_say(it->stream, &copy);
    }
    flush_router(routers, router, out);
}

void bmp_routers_statistics(struct bmp_routers *routers, size_t router, struct sent *out)
{
    for (struct connection *it = routers->connections; it; it = it->next) {
        if (it->router == router && it->state != STATE_CONNECTING)
            bmp_stream_statistics(it->stream, utc_us());
    }
    flush_router(routers, router, out);
}

static bool set_peer_down(const struct bmp_routers *routers, size_t router, size_t peer, bool down,
                          struct error *err)
{
    struct bmp_peer *it = &router_at(routers, router)->peers[peer];

    if (it->down == down)
        return error_set(err, ERROR_INPUT, "peer %s is %s; a peer that is %s expected", it->name,
                         down ? "down" : "up", down ? "up" : "down");
    it->down = down;
    return true;
}

bool bmp_routers_peer_down(struct bmp_routers *routers, size_t router, size_t peer,
                           enum bmp_down reason, unsigned code, struct sent *out, struct error *err)
{
    struct wire wire = {0};

    if (!set_peer_down(routers, router, peer, true, err))
        return false;
    bmp_write_peer_down(&router_at(routers, router)->peers[peer], reason, code, utc_us(), &wire);
    bmp_routers_say(routers, router, &wire, out);
    wire_free(&wire);
    return true;
}

bool bmp_routers_peer_up(struct bmp_routers *routers, size_t router, size_t peer, struct sent *out,
                         struct error *err)
{
    if (!set_peer_down(routers, router, peer, false, err))
        return false;
    for (struct connection *it = routers->connections; it; it = it->next) {
        if (it->router == router && it->state != STATE_CONNECTING)
            bmp_stream_peer_up(it->stream, &router_at(routers, router)->peers[peer], utc_us());
    }
    flush_router(routers, router, out);
    return true;
}

size_t bmp_routers_end(struct bmp_routers *routers, size_t router, enum bmp_end how,
                       unsigned reason, const char *text)
{
    struct connection *next;
    size_t count = 0;

    for (struct connection *it = routers->connections; it; it = next) {
        struct wire wire = {0};

        next = it->next; // NOLINT(clang-analyzer-unix.Malloc): what was freed is not in the list
        if (it->router != router)
            continue;
        count++;
        if (how == BMP_END_TERMINATE && it->state == STATE_UP) {
            bmp_write_termination(reason, text, &wire);
            bmp_stream_say(it->stream, &wire);
            if (!connection_flush(it))
                continue;
        }
        connection_close(it, "ended by command");
    }
    return count;
}

bool bmp_routers_set_down(struct bmp_routers *routers, size_t router, bool down, struct error *err)
{
    struct outlet *outlet = &routers->outlets[router];

    outlet->down = down;
    if (down && !outlet->closed) {
        close_outlet(outlet);
        (void)bmp_routers_end(routers, router, BMP_END_TERMINATE, BMP_CLOSED, NULL);
    }
    return down || !outlet->closed || is_vertex_down(routers, router) || open_outlet(outlet, err);
}

void bmp_routers_cut(struct bmp_routers *routers, size_t router, uint64_t octets, bool silent)
{
    routers->outlets[router].cut_after = octets;
    routers->outlets[router].cut_silent = silent;
}

bool bmp_routers_session(const struct bmp_routers *routers, size_t router, size_t index,
                         struct bmp_status *out)
{
    const struct connection *it = routers->connections;

    for (; it; it = it->next) {
        if (it->router == router && index-- == 0)
            break;
    }
    if (!it)
        return false;
    *out = (struct bmp_status){
        .station = it->station,
        .state = state_names[it->state],
        .seconds = (clock_us(CLOCK_MONOTONIC) - it->since_us) / 1000000,
        .updates = bmp_stream_messages(it->stream),
        .octets = it->octets,
        .pending = it->chunk.length - it->chunk_said + bmp_stream_pending(it->stream),
    };
    return true;
}

bool bmp_routers_is_down(const struct bmp_routers *routers, size_t router)
{
    return routers->outlets[router].closed;
}

struct bmp_routers *bmp_routers_new(struct event_base *base, struct backbone *backbone,
                                    const struct log *log, struct record *record, struct error *err)
{
    struct bmp_routers *routers = memory_alloc(1, sizeof *routers);
    size_t count = backbone_scenario(backbone)->bmp_router_count;

    *routers =
        (struct bmp_routers){.base = base, .backbone = backbone, .log = log, .record = record};
    routers->outlets = memory_alloc(count, sizeof *routers->outlets);
    for (size_t i = 0; i < count; i++) {
        routers->outlets[i] =
            (struct outlet){.routers = routers, .closed = true, .cut_after = UINT64_MAX};
        if (!is_vertex_down(routers, i) && !open_outlet(&routers->outlets[i], err)) {
            bmp_routers_free(routers);
            return NULL;
        }
    }
    return routers;
}

void bmp_routers_free(struct bmp_routers *routers)
{
    if (!routers)
        return;
    for (size_t i = 0; i < backbone_scenario(routers->backbone)->bmp_router_count; i++) {
        if (!routers->outlets[i].routers)
            break; // the sockets before it were all that could be opened
        close_outlet(&routers->outlets[i]);
        (void)bmp_routers_end(routers, i, BMP_END_TERMINATE, BMP_CLOSED, NULL);
        if (routers->outlets[i].retry)
            event_free(routers->outlets[i].retry);
    }
    free(routers->outlets);
    free(routers);
}
