/* grpc_client: calls as batches on a completion queue.
 *
 * Each call starts three steps at once, and the queue tells when each is done:
 *
 *     start    headers and the request go out, the server's headers come back
 *     read     one answer; after it the next, until none comes
 *     status   how it ended
 *
 *     loop's thread                     client's thread
 *     grpc_client_call ──start──▶ library ──events──▶ client_run: decode the answer, keep it with the call
 *     client_wake ◀──────────────── inbox (the call) ◀──┘
 *       hand the answers to on_message, ask for more if reading had paused; over: on_end
 *
 * The unit in the inbox is the call, not the message: a call is in it at most once, so an inbox of the
 * number of calls is never full, and what waits is bounded by the window of each call. When the window is
 * full no read is started until the loop has taken what is there; HTTP/2's own flow control then holds the
 * server back.
 *
 * A step is started only under the lock and only while not stopping: to start one after the queue's
 * shutdown aborts the process, not to drain the queue leaks, to destroy it early races. */
#include "grpc_client.h"

#include "inbox.h"
#include "lib/arena.h"
#include "lib/error.h"

#include <assert.h>
#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WINDOW = 64,             // answers of a call that wait for the loop
    WINDOW_BYTES = 4 << 20,  // with more of them waiting, the next is not asked for
    BACKOFF_FIRST_MS = 100,  // before the second attempt to connect
    BACKOFF_MOST_MS = 2000,  // gobgpd starts in less than a second: no reason to wait much longer
    CONNECT_LEAST_MS = 2000, // what one attempt may take
    KEEPALIVE_MS = 330000,   // 5 min are what gobgpd allows, and timers fire early
    KEEPALIVE_TIMEOUT_MS = 20000,
};

enum step { STEP_START, STEP_READ, STEP_STATUS, STEPS };

/* What the completion queue gives back. */
struct tag {
    struct grpc_client_call *call;
    enum step step;
};

struct grpc_client_call {
    // set once
    struct grpc_client *client;
    const struct grpc_method *method;
    struct grpc_handler handler;
    grpc_call *handle;
    struct tag tags[STEPS];
    // the library's until the step that uses it is done
    grpc_byte_buffer *request, *answer;
    grpc_metadata_array initial, trailing;
    grpc_status_code status;
    grpc_slice details;
    // the loop's thread only
    uint64_t answers;
    struct grpc_client_call *next, **link;
    // under lock
    unsigned pending; // steps that are started and not done
    bool paused;      // the next read waits for the loop
    bool posted;      // in the inbox
    bool cancelled;   // by its owner, whose handlers must not be called any more
    bool undecodable; // an answer was; what comes after it is not read
    ProtobufCMessage *waiting[WINDOW];
    size_t waiting_count, waiting_bytes;
};

struct grpc_client {
    // set once
    grpc_channel *channel;
    grpc_completion_queue *queue;
    struct inbox *inbox;
    struct event *wake;
    pthread_t thread;
    // the loop's thread only
    struct grpc_client_call *calls;
    size_t call_count;
    // under lock, which also guards the calls' own fields
    pthread_mutex_t lock;
    bool stopping;
};

/* Under lock. No operation of ours can be refused: that would be a mistake in this file. */
static void start_step(struct grpc_client_call *call, enum step step, const grpc_op *ops,
                       size_t count)
{
    assert(!call->client->stopping);
    grpc_call_error refused =
        grpc_call_start_batch(call->handle, ops, count, &call->tags[step], NULL);
    assert(refused == GRPC_CALL_OK);
    (void)refused;
    call->pending++;
}

static void start_read(struct grpc_client_call *call)
{
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &call->answer};

    call->answer = NULL;
    start_step(call, STEP_READ, &op, 1);
}

static void start_call(struct grpc_client_call *call)
{
    grpc_op start[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA},
        {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = call->request},
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
        {.op = GRPC_OP_RECV_INITIAL_METADATA,
         .data.recv_initial_metadata.recv_initial_metadata = &call->initial},
    };
    grpc_op status = {
        .op = GRPC_OP_RECV_STATUS_ON_CLIENT,
        .data.recv_status_on_client = {.trailing_metadata = &call->trailing,
                                       .status = &call->status,
                                       .status_details = &call->details},
    };

    start_step(call, STEP_START, start, sizeof start / sizeof *start);
    start_step(call, STEP_STATUS, &status, 1);
    start_read(call);
}

/* NULL with *length the size: the bytes are no such message. Takes the buffer. */
static ProtobufCMessage *decode(const struct grpc_client_call *call, grpc_byte_buffer *buffer,
                                size_t *length)
{
    ProtobufCMessage *message = NULL;
    grpc_byte_buffer_reader reader;

    *length = grpc_byte_buffer_length(buffer);
    if (grpc_byte_buffer_reader_init(&reader, buffer)) { // fails if it cannot be decompressed
        grpc_slice whole = grpc_byte_buffer_reader_readall(&reader);
        message = protobuf_c_message_unpack(call->method->answer, NULL, GRPC_SLICE_LENGTH(whole),
                                            GRPC_SLICE_START_PTR(whole));
        grpc_slice_unref(whole);
        grpc_byte_buffer_reader_destroy(&reader);
    }
    grpc_byte_buffer_destroy(buffer);
    return message;
}

/* A read is done. Under lock. message: NULL when no more come. */
static void take_answer(struct grpc_client_call *call, ProtobufCMessage *message, size_t length)
{
    if (!message)
        return;
    if (call->cancelled || call->client->stopping) {
        protobuf_c_message_free_unpacked(message, NULL);
        return;
    }
    call->waiting[call->waiting_count++] = message;
    call->waiting_bytes += length;
    call->paused = call->waiting_count == WINDOW || call->waiting_bytes >= WINDOW_BYTES;
    if (!call->paused)
        start_read(call);
}

static bool is_over(const struct grpc_client_call *call)
{
    return call->pending == 0 && !call->paused;
}

static void step_done(struct grpc_client *client, const struct tag *tag)
{
    ProtobufCMessage *message = NULL;
    bool undecodable = false;
    size_t length = 0;

    // the step was started under the lock: so we see what stood there then
    pthread_mutex_lock(&client->lock);
    struct grpc_client_call *call = tag->call;
    grpc_byte_buffer *answer = tag->step == STEP_READ ? call->answer : NULL;
    pthread_mutex_unlock(&client->lock);
    if (answer) {
        message = decode(call, answer, &length);
        undecodable = !message;
        if (undecodable)
            (void)grpc_call_cancel(call->handle, NULL);
    }
    pthread_mutex_lock(&client->lock);
    call->pending--;
    call->undecodable |= undecodable;
    take_answer(call, message, length);
    bool post = (call->waiting_count || is_over(call)) && !call->posted;
    call->posted |= post;
    pthread_mutex_unlock(&client->lock);
    if (post) {
        bool posted = inbox_post(client->inbox, call);
        assert(posted); // there is room for each call once
        (void)posted;
    }
}

static void *client_run(void *argument)
{
    struct grpc_client *client = argument;

    for (;;) {
        grpc_event event =
            grpc_completion_queue_next(client->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
        if (event.type == GRPC_QUEUE_SHUTDOWN)
            return NULL;
        step_done(client, event.tag);
    }
}

/* After its last step. */
static void call_free(struct grpc_client_call *call)
{
    for (size_t i = 0; i < call->waiting_count; i++)
        protobuf_c_message_free_unpacked(call->waiting[i], NULL);
    *call->link = call->next;
    if (call->next)
        call->next->link = call->link;
    call->client->call_count--;
    grpc_byte_buffer_destroy(call->request);
    grpc_metadata_array_destroy(&call->initial);
    grpc_metadata_array_destroy(&call->trailing);
    grpc_slice_unref(call->details);
    grpc_call_unref(call->handle);
    free(call);
}

static void call_end(struct grpc_client_call *call)
{
    char count_text[64], *details = grpc_slice_to_c_string(call->details);
    struct grpc_result result = {call->status, details};

    if (call->undecodable) {
        result = (struct grpc_result){GRPC_STATUS_INTERNAL, "an answer cannot be decoded"};
    } else if (call->status == GRPC_STATUS_OK && !call->method->streams && call->answers != 1) {
        (void)snprintf(count_text, sizeof count_text, "%llu answers; 1 expected",
                       (unsigned long long)call->answers);
        result = (struct grpc_result){GRPC_STATUS_INTERNAL, count_text};
    }
    if (!call->cancelled)
        call->handler.on_end(call->handler.context, &result);
    gpr_free(details);
    call_free(call);
}

/* In the loop: what came for a call. */
static void call_deliver(struct grpc_client_call *call)
{
    struct grpc_client *client = call->client;
    ProtobufCMessage *batch[WINDOW];

    pthread_mutex_lock(&client->lock);
    size_t count = call->waiting_count;
    memcpy(batch, call->waiting, count * sizeof *batch);
    call->waiting_count = call->waiting_bytes = 0;
    call->posted = false;
    if (call->paused) {
        call->paused = false;
        start_read(call); // after a status too: it then says that nothing is left
    }
    bool over = is_over(call);
    pthread_mutex_unlock(&client->lock);

    // an over call's fields are the loop's alone
    for (size_t i = 0; i < count; i++) {
        call->answers++;
        if (!call->cancelled && call->handler.on_message)
            call->handler.on_message(call->handler.context, batch[i]);
        protobuf_c_message_free_unpacked(batch[i], NULL);
    }
    if (over)
        call_end(call);
}

static void client_wake(evutil_socket_t fd, short what, void *context)
{
    struct grpc_client *client = context;
    size_t count;
    void *const *calls = inbox_take(client->inbox, &count);

    (void)fd;
    (void)what;
    for (size_t i = 0; i < count; i++)
        call_deliver(calls[i]);
}

static grpc_channel *channel_new(const char *target, size_t message_limit)
{
    struct {
        char key[48];
        int value;
    } settings[] = {
        {GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, (int)message_limit},
        {GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, BACKOFF_FIRST_MS},
        {GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, BACKOFF_MOST_MS},
        {GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, CONNECT_LEAST_MS},
        {GRPC_ARG_KEEPALIVE_TIME_MS, KEEPALIVE_MS},
        {GRPC_ARG_KEEPALIVE_TIMEOUT_MS, KEEPALIVE_TIMEOUT_MS},
        {GRPC_ARG_HTTP2_BDP_PROBE, 0},   // its pings count as strikes like others
        {GRPC_ARG_ENABLE_HTTP_PROXY, 0}, // the speaker is never behind the environment's proxy
        {GRPC_ARG_ENABLE_RETRIES, 0},    // who called knows whether to call again
        {GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1}, // one client's connection and pause are its own
    };
    grpc_arg list[sizeof settings / sizeof *settings];
    grpc_channel_args args = {.num_args = sizeof list / sizeof *list, .args = list};
    grpc_channel_credentials *credentials = grpc_insecure_credentials_create();

    for (size_t i = 0; i < args.num_args; i++)
        list[i] = (grpc_arg){
            .type = GRPC_ARG_INTEGER, .key = settings[i].key, .value.integer = settings[i].value};
    grpc_channel *channel = grpc_channel_create(target, credentials, &args);
    grpc_channel_credentials_release(credentials);
    return channel;
}

struct grpc_client *grpc_client_new(const struct grpc_client_options *options)
{
    struct grpc_client *client = memory_alloc(1, sizeof *client);

    grpc_init();
    client->channel =
        channel_new(options->target,
                    options->message_limit ? options->message_limit : GRPC_CLIENT_MESSAGE_LIMIT);
    client->queue = grpc_completion_queue_create_for_next(NULL);
    client->inbox = inbox_new(GRPC_CLIENT_CALL_LIMIT);
    (void)pthread_mutex_init(&client->lock, NULL); // cannot fail with default attributes
    client->wake = event_new(options->base, inbox_wake_fd(client->inbox), EV_READ | EV_PERSIST,
                             client_wake, client);
    if (!client->wake || event_add(client->wake, NULL) != 0 ||
        pthread_create(&client->thread, NULL, client_run, client) != 0)
        error_fatal("grpc_client: neither event nor thread to be had");
    return client;
}

void grpc_client_free(struct grpc_client *client)
{
    if (!client)
        return;
    pthread_mutex_lock(&client->lock);
    client->stopping = true;
    for (struct grpc_client_call *call = client->calls; call; call = call->next)
        (void)grpc_call_cancel(call->handle, NULL); // its last events still come
    grpc_completion_queue_shutdown(client->queue);
    pthread_mutex_unlock(&client->lock);
    (void)pthread_join(client->thread, NULL); // client_run() returns once the queue is drained
    for (struct grpc_client_call *call = client->calls, *next; call; call = next) {
        next = call->next;
        call_free(call);
    }
    grpc_completion_queue_destroy(client->queue);
    grpc_channel_destroy(client->channel);
    event_free(client->wake);
    inbox_free(client->inbox);
    pthread_mutex_destroy(&client->lock);
    free(client);
    grpc_shutdown();
}

static grpc_byte_buffer *pack(const ProtobufCMessage *request)
{
    grpc_slice slice = grpc_slice_malloc(protobuf_c_message_get_packed_size(request));

    (void)protobuf_c_message_pack(request, GRPC_SLICE_START_PTR(slice));
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return buffer;
}

struct grpc_client_call *grpc_client_call(struct grpc_client *client,
                                          const struct grpc_method *method,
                                          const ProtobufCMessage *request, int64_t deadline_ms,
                                          const struct grpc_handler *handler)
{
    gpr_timespec deadline = gpr_inf_future(GPR_CLOCK_MONOTONIC);

    if (client->call_count == GRPC_CLIENT_CALL_LIMIT)
        return NULL;
    if (deadline_ms)
        deadline = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                gpr_time_from_millis(deadline_ms, GPR_TIMESPAN));

    struct grpc_client_call *call = memory_alloc(1, sizeof *call);
    call->client = client;
    call->method = method;
    call->handler = *handler;
    call->request = pack(request);
    call->details = grpc_empty_slice();
    grpc_metadata_array_init(&call->initial);
    grpc_metadata_array_init(&call->trailing);
    for (int i = 0; i < STEPS; i++)
        call->tags[i] = (struct tag){call, (enum step)i};
    call->handle =
        grpc_channel_create_call(client->channel, NULL, GRPC_PROPAGATE_DEFAULTS, client->queue,
                                 grpc_slice_from_static_string(method->path), NULL, deadline, NULL);
    call->next = client->calls;
    call->link = &client->calls;
    if (call->next)
        call->next->link = &call->next;
    client->calls = call;
    client->call_count++;

    pthread_mutex_lock(&client->lock);
    start_call(call);
    pthread_mutex_unlock(&client->lock);
    return call;
}

void grpc_client_cancel(struct grpc_client_call *call)
{
    if (!call)
        return;
    pthread_mutex_lock(&call->client->lock);
    call->cancelled = true;
    pthread_mutex_unlock(&call->client->lock);
    (void)grpc_call_cancel(call->handle, NULL);
}

const char *grpc_status_name(grpc_status_code code)
{
    static const char *const names[] = {
        [GRPC_STATUS_OK] = "OK",
        [GRPC_STATUS_CANCELLED] = "CANCELLED",
        [GRPC_STATUS_UNKNOWN] = "UNKNOWN",
        [GRPC_STATUS_INVALID_ARGUMENT] = "INVALID_ARGUMENT",
        [GRPC_STATUS_DEADLINE_EXCEEDED] = "DEADLINE_EXCEEDED",
        [GRPC_STATUS_NOT_FOUND] = "NOT_FOUND",
        [GRPC_STATUS_ALREADY_EXISTS] = "ALREADY_EXISTS",
        [GRPC_STATUS_PERMISSION_DENIED] = "PERMISSION_DENIED",
        [GRPC_STATUS_RESOURCE_EXHAUSTED] = "RESOURCE_EXHAUSTED",
        [GRPC_STATUS_FAILED_PRECONDITION] = "FAILED_PRECONDITION",
        [GRPC_STATUS_ABORTED] = "ABORTED",
        [GRPC_STATUS_OUT_OF_RANGE] = "OUT_OF_RANGE",
        [GRPC_STATUS_UNIMPLEMENTED] = "UNIMPLEMENTED",
        [GRPC_STATUS_INTERNAL] = "INTERNAL",
        [GRPC_STATUS_UNAVAILABLE] = "UNAVAILABLE",
        [GRPC_STATUS_DATA_LOSS] = "DATA_LOSS",
        [GRPC_STATUS_UNAUTHENTICATED] = "UNAUTHENTICATED",
    };
    size_t index = (size_t)code;

    return index < sizeof names / sizeof *names ? names[index] : "status out of range";
}
