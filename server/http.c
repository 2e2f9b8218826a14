/* http: see http.h.
 *
 * Here are the loops: what they listen to, whom they accept, how they end. What happens on a connection is in
 * connection.c. Deadlines are looked at by a sweep over all connections a few times a second: exact to SWEEP_US,
 * and no timer is touched while requests come and go. */
#include "http.h"

#include "clients.h"
#include "connection.h"
#include "lib/arena.h"
#include "lib/text.h"
#include "socket.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BACKLOG = 4096,
    SWEEP_US = 250000,
    STOP_SWEEP_US = 20000,
    ACCEPT_PAUSE_US = 100000, // after an accept that failed for want of descriptors
};

struct listener {
    struct loop *loop;
    const struct http_service *service;
    struct evconnlistener *handle;
};

struct loop {
    // set once
    struct http_server *server;
    pthread_t thread;
    struct event_base *base;
    struct event *sweep;
    struct listener *listeners;
    size_t listener_count;
    // the loop's thread only
    struct connections connections;
    unsigned settings_number;
    int64_t accept_again_us; // 0: accepting
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

static struct clients *clients_of(const struct http_server *server,
                                  const struct http_service *service)
{
    return server->clients[service - server->services];
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
                          status, response_reason(status), connections_date(&loop->connections),
                          1 + (int)(text_steady_us() % 2)); // not all at once

    if (!service->uses_tls || !loop->connections.settings.tls)
        (void)send(fd, text, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL);
    log_debug(&loop->connections.log, "connection turned away: service=%s reason=\"%s\"",
              service->name,
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
    if (!connections_add(&loop->connections, listener->service, clients, fd, &client)) {
        log_error(&loop->connections.log, "no memory for a connection: service=%s",
                  listener->service->name);
        clients_leave(clients, &client);
        (void)close(fd);
    }
}

/* Out of descriptors or memory: who waits in the backlog can wait a little longer. */
static void on_accept_error(struct evconnlistener *handle, void *context)
{
    struct listener *listener = context;
    struct loop *loop = listener->loop;

    log_warning(&loop->connections.log,
                "cannot accept connections for a moment: service=%s reason=\"%s\"",
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
    SSL_CTX_free(loop->connections.settings.tls);
    pthread_mutex_lock(&server->lock);
    loop->connections.settings = server->settings;
    if (loop->connections.settings.tls)
        (void)SSL_CTX_up_ref(loop->connections.settings.tls);
    pthread_mutex_unlock(&server->lock);
    loop->connections.log.level = loop->connections.settings.log_level;
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

    connections_end(&loop->connections, !give_up);
    // after one more round: libevent closes what was freed in the next
    if (!loop->connections.first)
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
    connections_sweep(&loop->connections, now);
    for (size_t i = 0; i < loop->server->service_count; i++)
        if (loop->server->services[i].on_tick)
            loop->server->services[i].on_tick(loop->server->services[i].context,
                                              loop->connections.loop, false);
    if (loop->accept_again_us && now >= loop->accept_again_us && !loop->connections.stopping) {
        loop->accept_again_us = 0;
        for (size_t i = 0; i < loop->listener_count; i++)
            (void)evconnlistener_enable(loop->listeners[i].handle);
    }
    if (atomic_load(&loop->server->stopping)) {
        if (!loop->connections.stopping) {
            loop->connections.stopping = true;
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
    connections_end(&loop->connections, false);
    for (size_t i = 0; i < loop->server->service_count; i++)
        if (loop->server->services[i].on_tick)
            loop->server->services[i].on_tick(loop->server->services[i].context,
                                              loop->connections.loop, true);
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
    arena_free(loop->connections.arena);
    SSL_CTX_free(loop->connections.settings.tls);
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
    loop->connections.base = loop->base;
    loop->connections.arena = arena_new();
    return true;
}

/* ---- Listening ---- */

static bool listen_on(struct loop *loop, const struct http_service *service,
                      const struct endpoint *endpoint, struct error *err)
{
    struct listener *listener = &loop->listeners[loop->listener_count];
    bool shares = !service->on_one_loop && !endpoint->is_unix;
    int fd = socket_bind(endpoint, shares, err);

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
            if (!socket_check_free(endpoint, err))
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
        loop->connections.loop = i;
        loop->connections.log = *log;
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
