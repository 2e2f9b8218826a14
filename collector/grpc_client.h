/* grpc_client: unary and server-streaming calls with protobuf-c messages, over gRPC's C core.
 *
 * It knows bytes and messages, nothing of the service behind them. Everything happens in the thread of the
 * event base: calls are started there, and their handlers run there. The client's own thread only moves
 * messages from the completion queue to the loop.
 *
 * A process that uses it calls grpc_init() first and grpc_shutdown_blocking() last, both in main(): the
 * library's own threads end there. */
#pragma once

#include "lib/error.h"

#include <event2/event.h>
#include <grpc/status.h>
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct grpc_client;
struct grpc_client_call;

/* The library's 4 MB break on large answers (one WatchEvent message may hold a whole table); no limit would
 * let a mad server take all memory. A larger message ends its call with RESOURCE_EXHAUSTED. */
enum { GRPC_CLIENT_MESSAGE_LIMIT = 64 << 20 };

/* Calls of one client at one time. */
enum { GRPC_CLIENT_CALL_LIMIT = 64 };

struct grpc_client_options {
    struct event_base *base;
    const char *target;   // "unix:/run/x.sock", "ipv4:127.0.0.1:50051", "ipv6:[::1]:50051"
    size_t message_limit; // bytes; 0: GRPC_CLIENT_MESSAGE_LIMIT
};

struct grpc_method {
    const char *path; // "/package.Service/Method"
    bool streams;     // any number of answers; otherwise exactly one
    const ProtobufCMessageDescriptor *answer;
};

/* How a call ended. */
struct grpc_result {
    grpc_status_code code; // GRPC_STATUS_OK, …
    const char *text;      // the server's or the library's words; "" with GRPC_STATUS_OK. Borrowed
};

struct grpc_handler {
    void *context;
    /* An answer, in the server's order; borrowed. NULL: answers do not matter. */
    void (*on_message)(void *context, const ProtobufCMessage *message);
    /* The end: exactly once and last, also without any connection. The call is gone when it returns. */
    void (*on_end)(void *context, const struct grpc_result *result);
};

/* Never connects by itself: the first call does. A lost connection is made again with the next call, after
 * a pause that grows from 100 ms to 2 s; calls in between end at once with UNAVAILABLE. No more than one
 * keepalive ping in 5 minutes: gobgpd ends a stream that is pinged more often (too_many_pings). */
struct grpc_client *grpc_client_new(const struct grpc_client_options *options);

/* Cancels what is in flight, whose handlers are not called any more, and waits for the client's thread. Not
 * from within a handler. NULL is fine. */
void grpc_client_free(struct grpc_client *client);

/* Starts a call. request: borrowed. deadline_ms: from now to the end of the call; 0: none. Handlers are never
 * called from within. NULL: GRPC_CLIENT_CALL_LIMIT calls are in flight, and no handler will be called.
 *
 * The server is read only as fast as on_message returns: what waits for the loop is at most 64 messages, and
 * no next one is asked for when they hold 4 MB. */
struct grpc_client_call *grpc_client_call(struct grpc_client *client,
                                          const struct grpc_method *method,
                                          const ProtobufCMessage *request, int64_t deadline_ms,
                                          const struct grpc_handler *handler);

/* Ends a call from our side: its handlers are not called any more, and the pointer is no longer valid. From
 * within its own on_message it may be called, from its on_end not. NULL is fine. */
void grpc_client_cancel(struct grpc_client_call *call);

const char *grpc_status_name(grpc_status_code code); // "UNAVAILABLE"
