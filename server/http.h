/* http: connections over libevent, a loop a thread.
 *
 * Each loop has its own event base, its own SO_REUSEPORT listeners and its own connections; no connection ever
 * moves. A service is a set of endpoints with one handler, which answers at once and never blocks. What a
 * client may cost is bounded everywhere: by deadlines, by watermarks in both directions, by counts. */
#pragma once

#include "http_request.h"
#include "lib/config.h"
#include "lib/error.h"
#include "lib/log.h"
#include "response.h"

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What may change while the server runs. */
struct http_settings {
    uint32_t max_connections, max_connections_per_client;
    int64_t request_timeout_us; // from the first byte to the last of a request
    int64_t idle_timeout_us;    // without a request, or without progress of an answer
    SSL_CTX *tls;               // of the services that use it; counted by OpenSSL
    enum log_level log_level;
};

struct http_service {
    const char *name; // for the log: "alto"
    const struct endpoint *endpoints;
    size_t endpoint_count;
    bool uses_tls;
    uint32_t max_connections; // of its own, at most; 0: as in the settings
    bool on_one_loop;         // few requests: the first loop alone serves them
    void *context;
    /* Called by loop number `loop`; response has an arena and is 200 without a body. */
    void (*answer)(void *context, unsigned loop, const struct http_request *request,
                   struct response *response);
    /* Called by each loop a few times a second, and once at its end; NULL: not wanted. */
    void (*on_tick)(void *context, unsigned loop, bool is_last);
};

struct http_server;

/* Binds every endpoint and starts the threads. services are borrowed for the server's life, settings for the
 * call. NULL on failure: "127.0.0.1:8080: address already in use …". */
struct http_server *http_server_start(const struct http_service *services, size_t service_count,
                                      unsigned threads, const struct http_settings *settings,
                                      const struct log *log, struct error *err);

/* New settings; connections take them up within a quarter of a second. */
void http_server_configure(struct http_server *server, const struct http_settings *settings);

/* Stops accepting, lets requests that have begun be answered for at most grace_us, joins the threads and
 * frees everything. NULL is fine. */
void http_server_stop(struct http_server *server, int64_t grace_us);

uint32_t http_server_connections(struct http_server *server);
