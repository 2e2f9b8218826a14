/* http: see http.h.
 *
 * A connection reads a request, answers it, and reads the next; there is never more than one in work, so
 * answers keep their order without a queue. While more than OUTPUT_PAUSE bytes wait to be sent nothing is
 * read nor taken from the input, which has INPUT_MOST bytes at most: a client that sends and does not read
 * costs these two and no more. A large body counts as what is written of it, because it is only referred to.
 *
 *     OPEN ──refusal, "Connection: close", EOF──▶ LAST ──all is sent──▶ LINGER ──EOF or deadline──▶ gone
 *
 * LINGER: what the client still sends is read and dropped, for closing a socket with unread bytes resets the
 * connection, and the client may lose the answer that it has not read yet.
 *
 * Deadlines are looked at by a sweep over all connections a few times a second: exact to SWEEP_US, and no
 * timer is touched while requests come and go. */
#include "http.h"

#include "clients.h"
#include "lib/arena.h"
#include "lib/text.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
    INPUT_MOST = 16384,    // bytes read and not yet looked at
    OUTPUT_PAUSE = 32768,  // bytes waiting to be sent from which on no request is taken
    SINGLE_WRITE = 262144, // libevent's 16 kB would halve the throughput of large maps …
    ROUND_WRITE = 524288,  // … but all who get one share this: small answers wait for a round
    LEAST_WRITE = 32768,
    BACKLOG = 4096,
    SWEEP_US = 250000,
    STOP_SWEEP_US = 20000,
    LINGER_US = 2000000,
    PROGRESS = 65536,         // bytes that a reader must take in an idle_timeout to stay
    COPY_MOST = 4096,         // a body up to that size is copied: cheaper than to refer to it
    ACCEPT_PAUSE_US = 100000, // after an accept that failed for want of descriptors
};

/* A request's bounds. No resource of ours has a longer path, and a body is a list of a few thousand names. */
static const struct http_limits limits = {
    .line_bytes = 8192, .head_bytes = 16384, .fields = 100, .body_bytes = 1 << 20};

enum phase { OPEN, LAST, LINGER };
enum waiting { FOR_REQUEST, FOR_REST, FOR_READER, FOR_END }; // what the deadline is about

struct connection {
    struct connection *next, *previous;
    struct loop *loop;
    const struct http_service *service;
    struct bufferevent *bev;
    struct http_reader *reader;
    struct prefix client;
    enum phase phase;
    enum waiting waiting;
    bool at_eof; // the client has shut its side
    bool is_reading;
    bool is_large; // an answer that is only referred to is being sent
    int64_t deadline_us;
    size_t pending; // bytes that waited when the deadline was set
};

struct listener {
    struct loop *loop;
    const struct http_service *service;
    struct evconnlistener *handle;
};

struct loop {
    // set once
    struct http_server *server;
    unsigned index;
    pthread_t thread;
    struct event_base *base;
    struct event *sweep;
    struct listener *listeners;
    size_t listener_count;
    // the loop's thread only
    struct arena *arena; // of the request in work
    struct connection *connections;
    size_t large; // of the connections
    struct http_settings settings;
    unsigned settings_number;
    struct log log;
    int64_t accept_again_us; // 0: accepting
    bool stopping;
    time_t date_time;
    char date[32];
};

struct http_server {
    // set once
    const struct http_service *services;
    size_t service_count;
    struct clients **clients; // one a service: who fills one does not lock out another's clients
    struct loop *loops;
    unsigned loop_count;
    // any thread
    atomic_bool stopping;
    atomic_llong stop_deadline_us;
    atomic_uint settings_number;
    pthread_mutex_t lock;
    // under lock
    struct http_settings settings;
};

/* ---- Connections ---- */

static struct clients *clients_of(const struct http_server *server,
                                  const struct http_service *service)
{
    return server->clients[service - server->services];
}

/* Whether a large answer is being sent. In a round of the loop each such connection writes one piece. */
static void set_large(struct connection *c, bool is_large)
{
    c->loop->large += (size_t)is_large - (size_t)c->is_large;
    c->is_large = is_large;
}

/* The piece depends on how many share; the sweep looks again. */
static void set_piece(struct connection *c)
{
    size_t piece = ROUND_WRITE / (c->loop->large ? c->loop->large : 1);

    piece = piece < LEAST_WRITE ? LEAST_WRITE : piece > SINGLE_WRITE ? SINGLE_WRITE : piece;
    (void)bufferevent_set_max_single_write(c->bev, piece);
}

static void connection_free(struct loop *loop, struct connection *c)
{
    assert(c->loop == loop);
    set_large(c, false);
    clients_leave(clients_of(loop->server, c->service), &c->client);
    if (c == loop->connections)
        loop->connections = c->next;
    else
        c->previous->next = c->next;
    if (c->next)
        c->next->previous = c->previous;
    bufferevent_free(c->bev);
    http_reader_free(c->reader);
    free(c);
}

static struct evbuffer *output_of(struct connection *c)
{
    return bufferevent_get_output(c->bev);
}

/* What the connection now waits for, and until when. */
static void rearm(struct connection *c)
{
    const struct http_settings *settings = &c->loop->settings;
    size_t pending = evbuffer_get_length(output_of(c));
    enum waiting before = c->waiting;

    if (c->phase == LINGER)
        return;
    if (pending) {
        c->waiting = FOR_READER;
        if (before == FOR_READER)
            return; // who sends and does not read gets no new deadline for what he sends
        c->pending = pending;
        c->deadline_us = text_steady_us() + settings->idle_timeout_us;
    } else if (http_reader_is_inside(c->reader)) {
        c->waiting = FOR_REST;
        if (before != FOR_REST)
            c->deadline_us = text_steady_us() + settings->request_timeout_us;
    } else {
        c->waiting = FOR_REQUEST;
        c->deadline_us = text_steady_us() + settings->idle_timeout_us;
    }
}

/* RFC 9110 section 5.6.7; made once a second. */
static const char *date_now(struct loop *loop)
{
    time_t now = time(NULL);
    struct tm utc;

    if (now != loop->date_time && gmtime_r(&now, &utc)) {
        (void)strftime(loop->date, sizeof loop->date, "%a, %d %b %Y %H:%M:%S GMT", &utc);
        loop->date_time = now;
    }
    return loop->date;
}

static void drop_body(struct response *response)
{
    if (response->release)
        response->release(response->owner);
}

static void on_sent(const void *data, size_t length, void *owner)
{
    struct response *sent = owner;

    (void)data;
    (void)length;
    drop_body(sent);
    free(sent);
}

static bool send_body(struct connection *c, struct response *response)
{
    if (!response->release || response->body_length <= COPY_MOST) {
        int failed = evbuffer_add(output_of(c), response->body, response->body_length);
        drop_body(response);
        return !failed;
    }
    struct response *sent = memory_alloc(1, sizeof *sent);
    *sent = *response;
    if (evbuffer_add_reference(output_of(c), response->body, response->body_length, on_sent,
                               sent)) {
        on_sent(NULL, 0, sent);
        return false;
    }
    set_large(c, true);
    set_piece(c);
    return true;
}

/* RFC 9112 section 9.3: 1.1 stays unless told otherwise, 1.0 the other way round. */
static const char *connection_field(const struct connection *c, const struct http_request *request)
{
    if (c->phase == LAST)
        return "Connection: close\r\n";
    return request && request->minor_version == 0 ? "Connection: keep-alive\r\n" : "";
}

/* Writes the answer; the connection ends when libevent has no memory for it. */
static void send_response(struct connection *c, const struct http_request *request,
                          struct response *response)
{
    char head[512], length[48] = "";
    c->waiting = FOR_REQUEST; // what is waited for now begins with this answer
    bool is_head = request && strcmp(request->method, "HEAD") == 0;

    if (response->status != 204 && response->status != 304)
        (void)snprintf(length, sizeof length, "Content-Length: %zu\r\n", response->body_length);
    int used = snprintf(head, sizeof head, "HTTP/1.1 %d %s\r\nDate: %s\r\n%s%s", response->status,
                        response_reason(response->status), date_now(c->loop), length,
                        connection_field(c, request));
    assert(used > 0 && (size_t)used < sizeof head);
    bool ok = !evbuffer_add(output_of(c), head, (size_t)used) &&
              (!response->fields ||
               !evbuffer_add(output_of(c), response->fields, strlen(response->fields))) &&
              !evbuffer_add(output_of(c), "\r\n", 2);
    if (ok && !is_head && response->body_length)
        ok = send_body(c, response);
    else
        drop_body(response);
    if (!ok) {
        log_error(&c->loop->log, "no memory for an answer, connection ended: service=%s",
                  c->service->name);
        c->phase = LAST;
        (void)evbuffer_drain(output_of(c), evbuffer_get_length(output_of(c)));
        (void)shutdown(bufferevent_getfd(c->bev), SHUT_RDWR);
    }
}

static void log_access(const struct connection *c, const struct http_request *request,
                       const struct response *response)
{
    char address[PREFIX_TEXT_SIZE], path[256];

    if (c->loop->log.level < LEVEL_DEBUG)
        return;
    log_debug(&c->loop->log, "request: service=%s client=%s method=%s path=%s status=%d bytes=%zu",
              c->service->name, c->client.family ? address_format(&c->client, address) : "unix",
              request->method, log_quote(request->path, path, sizeof path), response->status,
              response->body_length);
}

static void answer(struct connection *c, const struct http_request *request)
{
    struct response response = {.arena = c->loop->arena, .status = 200};

    c->service->answer(c->service->context, c->loop->index, request, &response);
    if (!request->keep_alive || response.close || c->loop->stopping)
        c->phase = LAST;
    log_access(c, request, &response);
    send_response(c, request, &response);
    arena_reset(c->loop->arena);
}

static void refuse(struct connection *c, int status, const char *text)
{
    struct response response = {.arena = c->loop->arena};

    response_text(&response, status, "%s", text);
    c->phase = LAST;
    log_debug(&c->loop->log, "request refused: service=%s status=%d reason=\"%s\"",
              c->service->name, status, text);
    send_response(c, NULL, &response);
    arena_reset(c->loop->arena);
}

/* Feeds what stands in front of the input; false: nothing more can be done now. */
static bool take(struct connection *c, struct evbuffer *input)
{
    struct evbuffer_iovec front;
    size_t used;

    if (evbuffer_peek(input, -1, NULL, &front, 1) < 1 || front.iov_len == 0)
        return false;
    enum http_verdict verdict = http_reader_feed(c->reader, front.iov_base, front.iov_len, &used);
    (void)evbuffer_drain(input, used);
    switch (verdict) {
    case HTTP_REQUEST:
        answer(c, http_reader_request(c->reader));
        http_reader_next(c->reader);
        break;
    case HTTP_REFUSED:
        refuse(c, http_reader_refusal(c->reader)->status, http_reader_refusal(c->reader)->text);
        break;
    case HTTP_MORE:
        if (http_reader_take_continue(c->reader))
            (void)evbuffer_add(output_of(c), "HTTP/1.1 100 Continue\r\n\r\n", 25);
        break;
    }
    return true;
}

/* Reading is switched off while nothing may be taken: left on at the high watermark, libevent 2.1 calls
 * on_read again and again. */
static void pause_or_read(struct connection *c)
{
    bool wanted = c->phase == LINGER || (c->phase == OPEN && !c->at_eof &&
                                         evbuffer_get_length(output_of(c)) < OUTPUT_PAUSE);

    if (wanted == c->is_reading)
        return;
    c->is_reading = wanted;
    (void)(wanted ? bufferevent_enable(c->bev, EV_READ) : bufferevent_disable(c->bev, EV_READ));
}

/* Answers what has come, as far as the output is read. May free the connection. */
static void serve(struct connection *c)
{
    struct evbuffer *input = bufferevent_get_input(c->bev);

    while (c->phase == OPEN && evbuffer_get_length(output_of(c)) < OUTPUT_PAUSE)
        if (!take(c, input))
            break;
    if (c->phase == LINGER)
        (void)evbuffer_drain(input, evbuffer_get_length(input));
    if (c->at_eof && c->phase == OPEN && evbuffer_get_length(input) == 0) {
        if (http_reader_is_inside(c->reader))
            refuse(c, 400, "the request ended early");
        else if (evbuffer_get_length(output_of(c)))
            c->phase = LAST;
    }
    if (c->at_eof && c->phase != LAST && evbuffer_get_length(output_of(c)) == 0) {
        connection_free(c->loop, c);
        return;
    }
    rearm(c);
    pause_or_read(c);
}

static void on_read(struct bufferevent *bev, void *context)
{
    (void)bev;
    serve(context);
}

/* Everything is sent. */
static void on_write(struct bufferevent *bev, void *context)
{
    struct connection *c = context;

    set_large(c, false);
    if (c->phase != LAST) {
        serve(c);
        return;
    }
    if (c->at_eof) {
        connection_free(c->loop, c);
        return;
    }
    SSL *ssl = bufferevent_openssl_get_ssl(bev);
    if (ssl)
        (void)SSL_shutdown(ssl);
    (void)shutdown(bufferevent_getfd(bev), SHUT_WR);
    c->phase = LINGER;
    c->waiting = FOR_END;
    c->deadline_us = text_steady_us() + LINGER_US;
    serve(c);
}

static void on_event(struct bufferevent *bev, short what, void *context)
{
    struct connection *c = context;

    (void)bev;
    if (what & BEV_EVENT_CONNECTED) { // the TLS handshake is done
        rearm(c);
    } else if ((what & BEV_EVENT_EOF) && c->phase != LINGER) {
        c->at_eof = true; // it may still read what it asked for
        serve(c);
    } else {
        connection_free(c->loop, c);
    }
}

/* Ends a connection whose client does not read. A reset, because after a plain close the kernel would keep
 * what it holds for him (megabytes) until it gives up by itself. */
static void cut_off(struct connection *c)
{
    static const struct linger at_once = {.l_onoff = 1};

    (void)setsockopt(bufferevent_getfd(c->bev), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    connection_free(c->loop, c);
}

/* A deadline has passed. */
static void expire(struct connection *c)
{
    switch (c->waiting) {
    case FOR_REST:
        if (http_reader_is_inside(c->reader)) {
            refuse(c, 408, "the request took too long");
            rearm(c);
        } else {
            connection_free(c->loop, c); // a TLS handshake
        }
        break;
    case FOR_READER: {
        size_t pending = evbuffer_get_length(output_of(c));
        if (pending + PROGRESS <= c->pending) {
            c->waiting = FOR_REQUEST;
            rearm(c);
        } else {
            cut_off(c);
        }
        break;
    }
    case FOR_REQUEST:
    case FOR_END:
        connection_free(c->loop, c);
        break;
    }
}

/* ---- Accepting ---- */

/* Says why before it closes; whoever does not read it at once misses it. */
static void turn_away(struct loop *loop, const struct http_service *service, int fd,
                      enum clients_verdict verdict)
{
    char text[200];
    int status = verdict == CLIENTS_FULL ? 503 : 429;
    int length = snprintf(text, sizeof text,
                          "HTTP/1.1 %d %s\r\nDate: %s\r\nRetry-After: %d\r\n"
                          "Content-Length: 0\r\nConnection: close\r\n\r\n",
                          status, response_reason(status), date_now(loop),
                          1 + (int)(text_steady_us() % 2)); // not all at once

    if (!service->uses_tls || !loop->settings.tls)
        (void)send(fd, text, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL);
    log_debug(&loop->log, "connection turned away: service=%s reason=\"%s\"", service->name,
              verdict == CLIENTS_FULL ? "max_connections" : "max_connections_per_client");
    (void)close(fd);
}

static struct prefix client_address(const struct sockaddr *address)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct prefix client = {0};

    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;
        (void)prefix_from_bytes(FAMILY_IPV4, 32, (const uint8_t *)&in->sin_addr, &client);
    } else if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)address;
        const uint8_t *bytes = in6->sin6_addr.s6_addr;
        if (memcmp(bytes, mapped, sizeof mapped) == 0)
            (void)prefix_from_bytes(FAMILY_IPV4, 32, bytes + 12, &client);
        else
            (void)prefix_from_bytes(FAMILY_IPV6, 128, bytes, &client);
    }
    return client;
}

static struct bufferevent *bufferevent_of(struct loop *loop, const struct http_service *service,
                                          int fd)
{
    SSL *ssl;

    if (!service->uses_tls || !loop->settings.tls)
        return bufferevent_socket_new(loop->base, fd, BEV_OPT_CLOSE_ON_FREE);
    ssl = SSL_new(loop->settings.tls);
    if (!ssl)
        return NULL;
    struct bufferevent *bev = bufferevent_openssl_socket_new(
        loop->base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
    if (bev)
        bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
    else
        SSL_free(ssl);
    return bev;
}

static void on_accept(struct evconnlistener *handle, evutil_socket_t fd, struct sockaddr *address,
                      int length, void *context)
{
    struct listener *listener = context;
    struct loop *loop = listener->loop;
    struct prefix client = client_address(address);
    struct clients *clients = clients_of(loop->server, listener->service);
    enum clients_verdict verdict = clients_enter(clients, &client);

    (void)handle;
    (void)length;
    if (verdict != CLIENTS_OK) {
        turn_away(loop, listener->service, fd, verdict);
        return;
    }
    struct bufferevent *bev = bufferevent_of(loop, listener->service, fd);
    if (!bev) {
        log_error(&loop->log, "no memory for a connection: service=%s", listener->service->name);
        clients_leave(clients, &client);
        (void)close(fd);
        return;
    }
    struct connection *c = memory_alloc(1, sizeof *c);
    c->loop = loop;
    c->service = listener->service;
    c->bev = bev;
    c->reader = http_reader_new(&limits);
    c->client = client;
    c->next = loop->connections;
    if (c->next)
        c->next->previous = c;
    loop->connections = c;
    bool is_tls = bufferevent_openssl_get_ssl(bev) != NULL;
    c->waiting = is_tls ? FOR_REST : FOR_REQUEST;
    c->deadline_us = text_steady_us() +
                     (is_tls ? loop->settings.request_timeout_us : loop->settings.idle_timeout_us);
    bufferevent_setwatermark(bev, EV_READ, 0, INPUT_MOST);
    (void)bufferevent_set_max_single_write(bev, SINGLE_WRITE);
    bufferevent_setcb(bev, on_read, on_write, on_event, c);
    c->is_reading = true;
    (void)bufferevent_enable(bev, EV_READ | EV_WRITE);
}

/* Out of descriptors or memory: who waits in the backlog can wait a little longer. */
static void on_accept_error(struct evconnlistener *handle, void *context)
{
    struct listener *listener = context;
    struct loop *loop = listener->loop;

    log_warning(&loop->log, "cannot accept connections for a moment: service=%s reason=\"%s\"",
                listener->service->name, strerror(errno));
    (void)evconnlistener_disable(handle);
    loop->accept_again_us = text_steady_us() + ACCEPT_PAUSE_US;
}

/* ---- Loops ---- */

static void take_settings(struct loop *loop)
{
    struct http_server *server = loop->server;
    unsigned number = atomic_load(&server->settings_number);

    if (number == loop->settings_number)
        return;
    loop->settings_number = number;
    SSL_CTX_free(loop->settings.tls);
    pthread_mutex_lock(&server->lock);
    loop->settings = server->settings;
    if (loop->settings.tls)
        (void)SSL_CTX_up_ref(loop->settings.tls);
    pthread_mutex_unlock(&server->lock);
    loop->log.level = loop->settings.log_level;
}

static void stop_listening(struct loop *loop)
{
    for (size_t i = 0; i < loop->listener_count; i++) {
        if (loop->listeners[i].handle)
            evconnlistener_free(loop->listeners[i].handle);
        loop->listeners[i].handle = NULL;
    }
}

/* Ends what is idle; what has begun goes on until the deadline. */
static void stop_idle(struct loop *loop, int64_t now)
{
    bool give_up = now >= atomic_load(&loop->server->stop_deadline_us);

    for (struct connection *c = loop->connections, *next; c; c = next) {
        // the analyzer thinks that expire() may have left a freed one in the list
        next = c->next; // NOLINT(clang-analyzer-unix.Malloc)
        if (give_up || c->waiting == FOR_REQUEST)
            connection_free(loop, c);
    }
    if (!loop->connections) // after one more round: libevent closes what was freed in the next
        (void)event_base_loopexit(loop->base, NULL);
}

static void on_sweep(evutil_socket_t fd, short what, void *context)
{
    static const struct timeval often = {.tv_usec = STOP_SWEEP_US};
    struct loop *loop = context;
    int64_t now = text_steady_us();

    (void)fd;
    (void)what;
    take_settings(loop);
    for (struct connection *c = loop->connections, *next; c; c = next) {
        next = c->next;
        if (c->is_large)
            set_piece(c);
        if (now >= c->deadline_us)
            expire(c);
    }
    for (size_t i = 0; i < loop->server->service_count; i++)
        if (loop->server->services[i].on_tick)
            loop->server->services[i].on_tick(loop->server->services[i].context, loop->index,
                                              false);
    if (loop->accept_again_us && now >= loop->accept_again_us && !loop->stopping) {
        loop->accept_again_us = 0;
        for (size_t i = 0; i < loop->listener_count; i++)
            (void)evconnlistener_enable(loop->listeners[i].handle);
    }
    if (atomic_load(&loop->server->stopping)) {
        if (!loop->stopping) {
            loop->stopping = true;
            stop_listening(loop);
            (void)event_add(loop->sweep, &often);
        }
        stop_idle(loop, now);
    }
}

static void *loop_run(void *context)
{
    struct loop *loop = context;

    (void)event_base_dispatch(loop->base);
    while (loop->connections)
        connection_free(loop, loop->connections);
    for (size_t i = 0; i < loop->server->service_count; i++)
        if (loop->server->services[i].on_tick)
            loop->server->services[i].on_tick(loop->server->services[i].context, loop->index, true);
    return NULL;
}

static void loop_close(struct loop *loop)
{
    stop_listening(loop);
    free(loop->listeners);
    if (loop->sweep)
        event_free(loop->sweep);
    if (loop->base)
        event_base_free(loop->base);
    arena_free(loop->arena);
    SSL_CTX_free(loop->settings.tls);
}

static bool loop_open(struct loop *loop, struct error *err)
{
    static const struct timeval period = {.tv_usec = SWEEP_US};
    struct event_config *config = event_config_new();

    if (config) {
        // no EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST: it tells epoll of a descriptor after its close, when
        // another loop may have been given the number
        (void)event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
        loop->base = event_base_new_with_config(config);
        event_config_free(config);
    }
    if (loop->base)
        loop->sweep = event_new(loop->base, -1, EV_PERSIST, on_sweep, loop);
    if (!loop->sweep || event_add(loop->sweep, &period) != 0)
        return error_set(err, ERROR_SYSTEM, "libevent has no event loop for us");
    loop->arena = arena_new();
    return true;
}

/* ---- Listening ---- */

union any_address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_un un;
};

static bool address_of(const struct endpoint *endpoint, union any_address *out, socklen_t *length,
                       struct error *err)
{
    memset(out, 0, sizeof *out);
    if (endpoint->is_unix) {
        out->un.sun_family = AF_UNIX;
        *length = sizeof out->un;
        if (strlen(endpoint->path) >= sizeof out->un.sun_path)
            return error_set(err, ERROR_INPUT, "%s: a path too long for a socket", endpoint->path);
        memcpy(out->un.sun_path, endpoint->path, strlen(endpoint->path));
    } else if (endpoint->address.family == FAMILY_IPV4) {
        out->in.sin_family = AF_INET;
        out->in.sin_port = htons(endpoint->port);
        memcpy(&out->in.sin_addr, endpoint->address.bytes, 4);
        *length = sizeof out->in;
    } else {
        out->in6.sin6_family = AF_INET6;
        out->in6.sin6_port = htons(endpoint->port);
        memcpy(&out->in6.sin6_addr, endpoint->address.bytes, 16);
        *length = sizeof out->in6;
    }
    return true;
}

/* A bound socket. shares: other sockets of ours may bind the same address (SO_REUSEPORT). */
static int bind_socket(const struct endpoint *endpoint, bool shares, struct error *err)
{
    const int on = 1;
    union any_address address;
    socklen_t length;

    if (!address_of(endpoint, &address, &length, err))
        return -1;
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        error_errno(err, errno, "%s: making a socket", endpoint->text);
        return -1;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on,
                     sizeof on); // over old connections' TIME_WAIT
    if (!endpoint->is_unix)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on,
                         sizeof on); // accepted sockets inherit it
    if (address.any.sa_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (shares && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) {
        error_errno(err, errno, "%s: sharing the port among threads", endpoint->text);
        (void)close(fd);
        return -1;
    }
    if (bind(fd, &address.any, length) != 0) {
        if (errno == EADDRINUSE)
            error_set(err, ERROR_SYSTEM,
                      "%s: address in use: another program listens there; `ss -ltnp` names it",
                      endpoint->text);
        else
            error_errno(err, errno, "%s: listening", endpoint->text);
        (void)close(fd);
        return -1;
    }
    return fd;
}

/* Two programs of one user can share a port by SO_REUSEPORT and would then take turns in answering. A bind
 * without it tells whether somebody is there already. */
static bool check_free(const struct endpoint *endpoint, struct error *err)
{
    if (endpoint->is_unix) {
        (void)unlink(endpoint->path);
        return true;
    }
    int fd = bind_socket(endpoint, false, err);
    if (fd < 0)
        return false;
    // SO_REUSEADDR binds beside a bound socket that does not listen yet, so the proof is to listen
    bool is_free = listen(fd, 1) == 0 || error_errno(err, errno, "%s: listening", endpoint->text);
    (void)close(fd);
    return is_free;
}

static bool listen_on(struct loop *loop, const struct http_service *service,
                      const struct endpoint *endpoint, struct error *err)
{
    struct listener *listener = &loop->listeners[loop->listener_count];
    bool shares = !service->on_one_loop && !endpoint->is_unix;
    int fd = bind_socket(endpoint, shares, err);

    if (fd < 0)
        return false;
    listener->loop = loop;
    listener->service = service;
    listener->handle =
        evconnlistener_new(loop->base, on_accept, listener,
                           LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, BACKLOG, fd);
    if (!listener->handle) {
        error_errno(err, errno, "%s: listening", endpoint->text);
        (void)close(fd);
        return false;
    }
    evconnlistener_set_error_cb(listener->handle, on_accept_error);
    loop->listener_count++;
    return true;
}

static bool listen_all(struct http_server *server, struct error *err)
{
    for (size_t s = 0; s < server->service_count; s++) {
        const struct http_service *service = &server->services[s];
        for (size_t e = 0; e < service->endpoint_count; e++) {
            const struct endpoint *endpoint = &service->endpoints[e];
            bool one = service->on_one_loop || endpoint->is_unix;
            if (!check_free(endpoint, err))
                return false;
            for (unsigned i = 0; i < (one ? 1 : server->loop_count); i++)
                if (!listen_on(&server->loops[i], service, endpoint, err))
                    return false;
        }
    }
    return true;
}

/* ---- The server ---- */

static bool open_loops(struct http_server *server, const struct log *log, struct error *err)
{
    size_t endpoints = 0;

    for (size_t s = 0; s < server->service_count; s++)
        endpoints += server->services[s].endpoint_count;
    for (unsigned i = 0; i < server->loop_count; i++) {
        struct loop *loop = &server->loops[i];
        loop->server = server;
        loop->index = i;
        loop->log = *log;
        loop->listeners = memory_alloc(endpoints, sizeof *loop->listeners);
        take_settings(loop);
        if (!loop_open(loop, err))
            return false;
    }
    return listen_all(server, err);
}

static void server_free(struct http_server *server)
{
    for (unsigned i = 0; i < server->loop_count; i++)
        loop_close(&server->loops[i]);
    SSL_CTX_free(server->settings.tls);
    for (size_t i = 0; i < server->service_count; i++)
        clients_free(server->clients[i]);
    free(server->clients);
    (void)pthread_mutex_destroy(&server->lock);
    free(server->loops);
    free(server);
}

/* Joins the first `started` threads. */
static void stop_threads(struct http_server *server, unsigned started, int64_t grace_us)
{
    atomic_store(&server->stop_deadline_us, text_steady_us() + grace_us);
    atomic_store(&server->stopping, true);
    for (unsigned i = 0; i < started; i++)
        (void)pthread_join(server->loops[i].thread, NULL);
}

struct http_server *http_server_start(const struct http_service *services, size_t service_count,
                                      unsigned threads, const struct http_settings *settings,
                                      const struct log *log, struct error *err)
{
    struct http_server *server = memory_alloc(1, sizeof *server);

    server->services = services;
    server->service_count = service_count;
    server->loop_count = threads;
    server->loops = memory_alloc(threads, sizeof *server->loops);
    server->clients = memory_alloc(service_count, sizeof *server->clients);
    for (size_t i = 0; i < service_count; i++)
        server->clients[i] = clients_new(0, 0); // http_server_configure() sets the limits
    (void)pthread_mutex_init(&server->lock, NULL);
    http_server_configure(server, settings);
    if (!open_loops(server, log, err)) {
        server_free(server);
        return NULL;
    }
    for (unsigned i = 0; i < threads; i++) {
        int failed = pthread_create(&server->loops[i].thread, NULL, loop_run, &server->loops[i]);
        if (failed) {
            error_errno(err, failed, "starting thread %u of %u", i + 1, threads);
            stop_threads(server, i, 0);
            server_free(server);
            return NULL;
        }
    }
    return server;
}

void http_server_configure(struct http_server *server, const struct http_settings *settings)
{
    SSL_CTX *old;

    if (settings->tls)
        (void)SSL_CTX_up_ref(settings->tls);
    pthread_mutex_lock(&server->lock);
    old = server->settings.tls;
    server->settings = *settings;
    pthread_mutex_unlock(&server->lock);
    SSL_CTX_free(old);
    for (size_t i = 0; i < server->service_count; i++) {
        uint32_t own = server->services[i].max_connections;
        clients_limit(server->clients[i], own ? own : settings->max_connections,
                      own ? own : settings->max_connections_per_client);
    }
    (void)atomic_fetch_add(&server->settings_number, 1);
}

void http_server_stop(struct http_server *server, int64_t grace_us)
{
    if (!server)
        return;
    stop_threads(server, server->loop_count, grace_us);
    server_free(server);
}

uint32_t http_server_connections(struct http_server *server)
{
    uint32_t count = 0;

    for (size_t i = 0; i < server->service_count; i++)
        count += clients_count(server->clients[i]);
    return count;
}

/* ---- TLS ---- */

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_length,
                           const unsigned char *offered, unsigned offered_length, void *context)
{
    static const unsigned char http[] = "\x08http/1.1";

    (void)ssl;
    (void)context;
    unsigned char *chosen;
    if (SSL_select_next_proto(&chosen, out_length, http, sizeof http - 1, offered,
                              offered_length) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

SSL_CTX *http_tls_new(const char *certificate, const char *key, struct error *err)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    const char *doing = "making a TLS context";
    char why[128];

    ERR_clear_error();
    if (!tls || !SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION))
        goto failed;
    (void)SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS); // an idle connection keeps none
    SSL_CTX_set_alpn_select_cb(tls, choose_protocol, NULL);
    doing = certificate;
    if (SSL_CTX_use_certificate_chain_file(tls, certificate) != 1)
        goto failed;
    doing = key;
    if (SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(tls) != 1)
        goto failed;
    return tls;
failed:
    ERR_error_string_n(ERR_peek_last_error(), why, sizeof why);
    error_set(err, ERROR_INPUT, "%s: %s", doing, why);
    SSL_CTX_free(tls);
    return NULL;
}
