/* connection: see connection.h.
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
 * Deadlines are looked at by http.c's sweep, so no timer is touched while requests come and go. */
#include "connection.h"

#include "lib/arena.h"
#include "lib/text.h"

#include <assert.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    INPUT_MOST = 16384,    // bytes read and not yet looked at
    OUTPUT_PAUSE = 32768,  // bytes waiting to be sent from which on no request is taken
    SINGLE_WRITE = 262144, // libevent's 16 kB would halve the throughput of large maps …
    ROUND_WRITE = 524288,  // … but all who get one share this: small answers wait for a round
    LEAST_WRITE = 32768,
    LINGER_US = 2000000,
    PROGRESS = 65536, // bytes that a reader must take in an idle_timeout to stay
    COPY_MOST = 4096, // a body up to that size is copied: cheaper than to refer to it
};

/* A request's bounds. No resource of ours has a longer path, and a body is a list of a few thousand names. */
static const struct http_limits limits = {
    .line_bytes = 8192, .head_bytes = 16384, .fields = 100, .body_bytes = 1 << 20};

enum phase { OPEN, LAST, LINGER };
enum waiting { FOR_REQUEST, FOR_REST, FOR_READER, FOR_END }; // what the deadline is about

/* A body that is only referred to, until it is sent or dropped. */
struct sent {
    struct sent *next;
    struct connection *connection; // NULL: has ended before
    struct response response;
};

struct connection {
    struct connection *next, *previous;
    struct connections *all;
    const struct http_service *service;
    struct clients *clients; // in which it is counted
    struct bufferevent *bev;
    struct http_reader *reader;
    struct prefix client;
    enum phase phase;
    enum waiting waiting;
    bool at_eof; // the client has shut its side
    bool is_reading;
    bool is_large; // an answer that is only referred to is being sent
    struct sent *sent;
    int64_t deadline_us;
    size_t pending; // bytes that waited when the deadline was set
};

const char *connections_date(struct connections *all)
{
    time_t now = time(NULL);
    struct tm utc;

    if (now != all->date_time && gmtime_r(&now, &utc)) {
        (void)strftime(all->date, sizeof all->date, "%a, %d %b %Y %H:%M:%S GMT", &utc);
        all->date_time = now;
    }
    return all->date;
}

/* Whether a large answer is being sent. In a round of the loop each such connection writes one piece. */
static void set_large(struct connection *c, bool is_large)
{
    c->all->large += (size_t)is_large - (size_t)c->is_large;
    c->is_large = is_large;
}

/* The piece depends on how many share; the sweep looks again. */
static void set_piece(struct connection *c)
{
    size_t piece = ROUND_WRITE / (c->all->large ? c->all->large : 1);

    piece = piece < LEAST_WRITE ? LEAST_WRITE : piece > SINGLE_WRITE ? SINGLE_WRITE : piece;
    (void)bufferevent_set_max_single_write(c->bev, piece);
}

static void connection_free(struct connection *c)
{
    struct connections *all = c->all;

    set_large(c, false);
    clients_leave(c->clients, &c->client);
    if (c == all->first)
        all->first = c->next;
    else
        c->previous->next = c->next;
    if (c->next)
        c->next->previous = c->previous;
    for (struct sent *sent = c->sent; sent; sent = sent->next)
        sent->connection = NULL; // libevent drops the bodies later
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
    const struct http_settings *settings = &c->all->settings;
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

static void drop_body(struct response *response)
{
    if (response->release)
        response->release(response->owner);
}

static void on_sent(const void *data, size_t length, void *owner)
{
    struct sent *sent = owner;
    struct sent **at = sent->connection ? &sent->connection->sent : NULL;

    (void)data;
    (void)length;
    while (at && *at != sent)
        at = &(*at)->next;
    if (at)
        *at = sent->next;
    drop_body(&sent->response);
    free(sent);
}

static bool send_body(struct connection *c, struct response *response)
{
    if (!response->release || response->body_length <= COPY_MOST) {
        int failed = evbuffer_add(output_of(c), response->body, response->body_length);
        drop_body(response);
        return !failed;
    }
    struct sent *sent = memory_alloc(1, sizeof *sent);
    *sent = (struct sent){.next = c->sent, .connection = c, .response = *response};
    c->sent = sent;
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
                        response_reason(response->status), connections_date(c->all), length,
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
        log_error(&c->all->log, "no memory for an answer, connection ended: service=%s",
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

    if (c->all->log.level < LEVEL_DEBUG)
        return;
    log_debug(&c->all->log, "request: service=%s client=%s method=%s path=%s status=%d bytes=%zu",
              c->service->name, c->client.family ? address_format(&c->client, address) : "unix",
              request->method, log_quote(request->path, path, sizeof path), response->status,
              response->body_length);
}

static void answer(struct connection *c, const struct http_request *request)
{
    struct response response = {.arena = c->all->arena, .status = 200};

    c->service->answer(c->service->context, c->all->loop, request, &response);
    if (!request->keep_alive || response.close || c->all->stopping)
        c->phase = LAST;
    log_access(c, request, &response);
    send_response(c, request, &response);
    arena_reset(c->all->arena);
}

static void refuse(struct connection *c, int status, const char *text)
{
    struct response response = {.arena = c->all->arena};

    response_text(&response, status, "%s", text);
    c->phase = LAST;
    log_debug(&c->all->log, "request refused: service=%s status=%d reason=\"%s\"", c->service->name,
              status, text);
    send_response(c, NULL, &response);
    arena_reset(c->all->arena);
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
        connection_free(c);
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
        connection_free(c);
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
        connection_free(c);
    }
}

/* Ends a connection whose client does not read. A reset, because after a plain close the kernel would keep
 * what it holds for him (megabytes) until it gives up by itself. */
static void cut_off(struct connection *c)
{
    static const struct linger at_once = {.l_onoff = 1};

    (void)setsockopt(bufferevent_getfd(c->bev), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    connection_free(c);
}

/* Whether it sends what its owner wants back. */
static bool is_revoked(const struct connection *c)
{
    for (const struct sent *sent = c->sent; sent; sent = sent->next)
        if (sent->response.is_revoked && sent->response.is_revoked(sent->response.owner))
            return true;
    return false;
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
            connection_free(c); // a TLS handshake
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
        connection_free(c);
        break;
    }
}

static struct bufferevent *bufferevent_of(struct connections *all,
                                          const struct http_service *service, int fd)
{
    SSL *ssl;

    if (!service->uses_tls || !all->settings.tls)
        return bufferevent_socket_new(all->base, fd, BEV_OPT_CLOSE_ON_FREE);
    ssl = SSL_new(all->settings.tls);
    if (!ssl)
        return NULL;
    struct bufferevent *bev = bufferevent_openssl_socket_new(
        all->base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
    if (bev)
        bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
    else
        SSL_free(ssl);
    return bev;
}

/* ---- All of a loop ---- */

bool connections_add(struct connections *all, const struct http_service *service,
                     struct clients *clients, int fd, const struct prefix *client)
{
    struct bufferevent *bev = bufferevent_of(all, service, fd);

    if (!bev)
        return false;
    struct connection *c = memory_alloc(1, sizeof *c);
    c->all = all;
    c->service = service;
    c->clients = clients;
    c->bev = bev;
    c->reader = http_reader_new(&limits);
    c->client = *client;
    c->next = all->first;
    if (c->next)
        c->next->previous = c;
    all->first = c;
    bool is_tls = bufferevent_openssl_get_ssl(bev) != NULL;
    c->waiting = is_tls ? FOR_REST : FOR_REQUEST;
    c->deadline_us = text_steady_us() +
                     (is_tls ? all->settings.request_timeout_us : all->settings.idle_timeout_us);
    bufferevent_setwatermark(bev, EV_READ, 0, INPUT_MOST);
    (void)bufferevent_set_max_single_write(bev, SINGLE_WRITE);
    bufferevent_setcb(bev, on_read, on_write, on_event, c);
    c->is_reading = true;
    (void)bufferevent_enable(bev, EV_READ | EV_WRITE);
    return true;
}

void connections_sweep(struct connections *all, int64_t now_us)
{
    for (struct connection *c = all->first, *next; c; c = next) {
        next = c->next;
        if (c->is_large)
            set_piece(c);
        if (is_revoked(c))
            cut_off(c);
        else if (now_us >= c->deadline_us)
            expire(c);
    }
}

void connections_end(struct connections *all, bool idle_only)
{
    for (struct connection *c = all->first, *next; c; c = next) {
        // the analyzer thinks that expire() may have left a freed one in the list
        next = c->next; // NOLINT(clang-analyzer-unix.Malloc)
        if (!idle_only || c->waiting == FOR_REQUEST)
            connection_free(c);
    }
}
