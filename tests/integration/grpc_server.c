/* grpc_server: each call is three events on the queue: the request has come, an answer has gone, the call
 * is over. Everything happens on the server's thread. */
#include "grpc_server.h"

#include "lib/arena.h"

#include <assert.h>
#include <gobgp.pb-c.h>
#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/time.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 64 << 10 };

enum served_event { SERVED_NEW, SERVED_REQUEST, SERVED_SENT, SERVED_OVER, SERVED_EVENTS };

struct served;

struct served_tag {
    struct served *served;
    enum served_event event;
};

struct served {
    struct grpc_server_test *server;
    grpc_call *call;
    grpc_call_details details;
    grpc_metadata_array metadata;
    grpc_byte_buffer *request, *answer;
    int cancelled;
    struct served_tag tags[SERVED_EVENTS];
    unsigned pending, sent, count;
};

struct grpc_server_test {
    grpc_server *server;
    grpc_completion_queue *queue;
    pthread_t thread;
    bool leaving; // the queue is shut down: nothing may be started any more
    atomic_uint sent;
    atomic_bool as_gobgp_4;
};

static bool asks_for(const struct served *served, const char *method)
{
    return grpc_slice_str_cmp(served->details.method, method) == 0;
}

static grpc_byte_buffer *buffer_of(grpc_slice slice)
{
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);

    grpc_slice_unref(slice);
    return buffer;
}

static grpc_slice packed(const ProtobufCMessage *message)
{
    grpc_slice slice = grpc_slice_malloc(protobuf_c_message_get_packed_size(message));

    (void)protobuf_c_message_pack(message, GRPC_SLICE_START_PTR(slice));
    return slice;
}

static grpc_slice text_message(size_t length)
{
    Apipb__AddBmpRequest message = APIPB__ADD_BMP_REQUEST__INIT;

    message.sysname = memory_alloc(length + 1, 1);
    memset(message.sysname, 'x', length);
    grpc_slice slice = packed(&message.base);
    free(message.sysname);
    return slice;
}

static grpc_slice number_message(unsigned number)
{
    Apipb__EbgpMultihop message = APIPB__EBGP_MULTIHOP__INIT;

    message.multihop_ttl = number;
    return packed(&message.base);
}

static void start(struct served *served, enum served_event event, const grpc_op *ops, size_t count)
{
    grpc_call_error refused =
        grpc_call_start_batch(served->call, ops, count, &served->tags[event], NULL);

    assert(refused == GRPC_CALL_OK);
    (void)refused;
    served->pending++;
}

static void finish(struct served *served, grpc_status_code code, const char *text)
{
    grpc_slice details = grpc_slice_from_copied_string(text);
    grpc_op op = {.op = GRPC_OP_SEND_STATUS_FROM_SERVER,
                  .data.send_status_from_server = {.status = code, .status_details = &details}};

    start(served, SERVED_OVER, &op, 1);
    grpc_slice_unref(details);
}

/* The next answer, or the end. */
static void answer(struct served *served)
{
    grpc_slice slice;

    if (served->sent == served->count) {
        finish(served, GRPC_STATUS_OK, "");
        return;
    }
    if (asks_for(served, "/test.Test/Blocks"))
        slice = text_message(BLOCK);
    else if (asks_for(served, "/test.Test/Garbage"))
        slice = grpc_slice_from_static_string("\xff\xff\xff\xff");
    else
        slice = number_message(served->sent);
    served->answer = buffer_of(slice);
    grpc_op op = {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = served->answer};
    start(served, SERVED_SENT, &op, 1);
}

static void answer_once(struct served *served, grpc_slice slice)
{
    served->answer = buffer_of(slice);
    served->count = 1;
    grpc_op op = {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = served->answer};
    start(served, SERVED_SENT, &op, 1);
}

static unsigned requested(const struct served *served)
{
    grpc_byte_buffer_reader reader;

    (void)grpc_byte_buffer_reader_init(&reader, served->request);
    grpc_slice whole = grpc_byte_buffer_reader_readall(&reader);
    Apipb__EbgpMultihop *message =
        apipb__ebgp_multihop__unpack(NULL, GRPC_SLICE_LENGTH(whole), GRPC_SLICE_START_PTR(whole));
    unsigned number = message->multihop_ttl;
    apipb__ebgp_multihop__free_unpacked(message, NULL);
    grpc_slice_unref(whole);
    grpc_byte_buffer_reader_destroy(&reader);
    return number;
}

static void serve(struct served *served)
{
    if (!served->request) // the client left before it had said anything
        return;
    served->count = requested(served);
    if (asks_for(served, "/test.Test/Echo"))
        answer_once(served, number_message(served->count));
    else if (asks_for(served, "/test.Test/Big"))
        answer_once(served, text_message(served->count));
    else if (asks_for(served, "/test.Test/Refuse"))
        finish(served, GRPC_STATUS_NOT_FOUND, "no such thing");
    else if (asks_for(served, "/test.Test/Count") || asks_for(served, "/test.Test/Blocks") ||
             asks_for(served, "/test.Test/Garbage"))
        answer(served);
    else if (served->server->as_gobgp_4 && asks_for(served, "/api.GoBgpService/GetBgp"))
        answer_once(served, grpc_empty_slice());
    else if (!asks_for(served, "/test.Test/Silent"))
        finish(served, GRPC_STATUS_UNIMPLEMENTED, "unknown service");
}

static void await_call(struct grpc_server_test *server)
{
    struct served *served = memory_alloc(1, sizeof *served);

    served->server = server;
    for (int i = 0; i < SERVED_EVENTS; i++)
        served->tags[i] = (struct served_tag){served, (enum served_event)i};
    grpc_call_details_init(&served->details);
    grpc_metadata_array_init(&served->metadata);
    served->pending = 1;
    (void)grpc_server_request_call(server->server, &served->call, &served->details,
                                   &served->metadata, server->queue, server->queue,
                                   &served->tags[SERVED_NEW]);
}

static void accept_call(struct served *served)
{
    grpc_op over = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER,
                    .data.recv_close_on_server.cancelled = &served->cancelled};
    grpc_op request[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA},
        {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &served->request},
    };

    await_call(served->server);
    start(served, SERVED_OVER, &over, 1);
    start(served, SERVED_REQUEST, request, 2);
}

static void served_free(struct served *served)
{
    grpc_byte_buffer_destroy(served->request);
    grpc_byte_buffer_destroy(served->answer);
    grpc_call_details_destroy(&served->details);
    grpc_metadata_array_destroy(&served->metadata);
    if (served->call)
        grpc_call_unref(served->call);
    free(served);
}

static void on_event(const struct served_tag *tag, bool success)
{
    struct served *served = tag->served;

    served->pending--;
    success = success && !served->server->leaving;
    switch (tag->event) {
    case SERVED_NEW:
        if (success) // else the server is leaving
            accept_call(served);
        break;
    case SERVED_REQUEST:
        if (success)
            serve(served);
        break;
    case SERVED_SENT:
        grpc_byte_buffer_destroy(served->answer);
        served->answer = NULL;
        if (success) {
            served->sent++;
            atomic_fetch_add(&served->server->sent, 1);
            answer(served);
        }
        break;
    default:
        break;
    }
    if (served->pending == 0)
        served_free(served);
}

static void *run(void *argument)
{
    struct grpc_server_test *server = argument;

    for (;;) {
        grpc_event event =
            grpc_completion_queue_next(server->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
        if (event.type == GRPC_QUEUE_SHUTDOWN)
            return NULL;
        if (event.tag != server) {
            on_event(event.tag, event.success);
            continue;
        }
        server->leaving = true;
        grpc_completion_queue_shutdown(server->queue);
    }
}

struct grpc_server_test *grpc_server_test_start(const char *address, int *port)
{
    struct grpc_server_test *server = memory_alloc(1, sizeof *server);
    grpc_server_credentials *credentials = grpc_insecure_server_credentials_create();

    server->server = grpc_server_create(NULL, NULL);
    server->queue = grpc_completion_queue_create_for_next(NULL);
    grpc_server_register_completion_queue(server->server, server->queue, NULL);
    *port = grpc_server_add_http2_port(server->server, address, credentials);
    grpc_server_credentials_release(credentials);
    grpc_server_start(server->server);
    await_call(server);
    (void)pthread_create(&server->thread, NULL, run, server);
    return server;
}

void grpc_server_test_stop(struct grpc_server_test *server)
{
    grpc_server_shutdown_and_notify(server->server, server->queue, server);
    grpc_server_cancel_all_calls(server->server);
    (void)pthread_join(server->thread, NULL);
    grpc_server_destroy(server->server);
    grpc_completion_queue_destroy(server->queue);
    free(server);
}

unsigned grpc_server_test_sent(const struct grpc_server_test *server)
{
    return atomic_load(&server->sent);
}

void grpc_server_test_as_gobgp_4(struct grpc_server_test *server, bool yes)
{
    atomic_store(&server->as_gobgp_4, yes);
}
