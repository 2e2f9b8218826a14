/* replay: one session, played with poll().
 *
 *     call or accept ──▶ OPEN, OPEN ──▶ KEEPALIVE, KEEPALIVE ──▶ UPDATEs when they are due ──▶ kept up, or left
 *
 * A stream's messages stand one behind the other in memory, so what is due is one run of octets, and as
 * fast as the peer reads means handing the kernel all of it. KEEPALIVEs go in between only where a message
 * ends. */
#include "replay.h"

#include "endpoint.h"
#include "lib/arena.h"
#include "message.h"
#include "recording.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    HOLD_S = 90,
    HANDSHAKE_MS = 30000, // for the peer's OPEN and KEEPALIVE
    CALL_MS = 250,        // between calls
    CALLS = 120,          // before a peer that is not there is given up
    AT_ONCE = 1 << 20,
    INPUT = 65536,
    LINGER_MS = 5000, // for what was said last
};

struct player {
    const struct replay_options *options;
    const struct stream *stream;
    int fd;
    double speed; // 0: as fast as the peer reads
    uint64_t started_us, said_us;
    uint64_t hold_us; // 0: no KEEPALIVEs
    size_t at;        // octets of the stream that are out
    size_t message;   // the one that is being said
    struct wire own;  // our own messages that are not out yet: they go first
    bool open_heard, keepalive_heard;
    uint8_t input[INPUT];
    size_t input_length;
};

static uint64_t steady_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

// ---- the peer

static bool wait_for(int fd, short events, int timeout_ms)
{
    struct pollfd poll_fd = {.fd = fd, .events = events};

    return poll(&poll_fd, 1, timeout_ms) > 0;
}

static int call(const struct endpoint *there, const struct net *from)
{
    int failure = 0;
    socklen_t size = sizeof failure;
    int fd = endpoint_call(&there->address, there->port, from);

    if (fd < 0)
        return -1;
    if (wait_for(fd, POLLOUT, HANDSHAKE_MS) &&
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size) == 0 && failure == 0)
        return fd;
    (void)close(fd);
    errno = failure ? failure : ETIMEDOUT;
    return -1;
}

static bool call_until(struct player *player, const struct endpoint *there, const struct net *from,
                       struct error *err)
{
    char text[ENDPOINT_TEXT_SIZE];

    for (int i = 0; i < CALLS; i++) {
        player->fd = call(there, from);
        if (player->fd >= 0)
            return true;
        (void)poll(NULL, 0, CALL_MS);
    }
    return error_errno(err, errno, "calling %s", endpoint_format(there, text));
}

static bool accept_one(struct player *player, const struct endpoint *here, struct error *err)
{
    struct sockaddr_storage address;
    socklen_t length = endpoint_to_socket(&here->address, here->port, &address);
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    char text[ENDPOINT_TEXT_SIZE];

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, (struct sockaddr *)&address, length) != 0 || listen(fd, 1) != 0 ||
        (player->fd = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) < 0)
        error_errno(err, errno, "listening at %s", endpoint_format(here, text));
    if (fd >= 0)
        (void)close(fd);
    return player->fd >= 0;
}

static bool parse_place(const char *text, struct endpoint *out, struct error *err)
{
    return net_parse_endpoint(text, &out->address, &out->port) ||
           error_set(err, ERROR_INPUT, "\"%s\"; ADDRESS:PORT expected", text);
}

static bool connect_peer(struct player *player, struct error *err)
{
    const struct replay_options *options = player->options;
    struct endpoint place;
    struct net from = {0};
    const int on = 1;

    if (!parse_place(options->to ? options->to : options->at, &place, err))
        return false;
    if (options->from && !net_parse_address(options->from, &from))
        return error_set(err, ERROR_INPUT, "--from: \"%s\"; an address expected", options->from);
    if (!(options->to ? call_until(player, &place, &from, err) : accept_one(player, &place, err)))
        return false;
    (void)setsockopt(player->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return true;
}

// ---- messages

/* Sends what the socket takes of our own octets. false: the connection is gone. */
static bool send_some(struct player *player, const uint8_t *octets, size_t length, size_t *taken,
                      struct error *err)
{
    ssize_t count = send(player->fd, octets, length, MSG_NOSIGNAL);

    *taken = count > 0 ? (size_t)count : 0;
    if (count < 0 && errno != EAGAIN && errno != EINTR)
        return error_errno(err, errno, "after %zu of %zu messages", player->message,
                           player->stream->count);
    return true;
}

static bool flush_own(struct player *player, struct error *err)
{
    struct wire *own = &player->own;
    size_t taken = 0;

    if (!own->length)
        return true;
    if (!send_some(player, own->bytes, own->length, &taken, err))
        return false;
    memmove(own->bytes, own->bytes + taken, own->length - taken);
    own->length -= taken;
    player->said_us = steady_us();
    return true;
}

static bool on_open(struct player *player, const uint8_t *body, size_t length, struct error *err)
{
    struct open_facts open;

    if (!open_read(body, length, &open))
        return error_set(err, ERROR_INPUT, "the peer's OPEN has lengths that do not nest");
    uint64_t hold_s = open.hold_time_s < HOLD_S ? open.hold_time_s : HOLD_S;

    player->hold_us = hold_s * 1000000;
    player->open_heard = true;
    message_keepalive(&player->own);
    return true;
}

static bool on_message(struct player *player, const uint8_t *message, size_t length,
                       struct error *err)
{
    const uint8_t *body = message + MESSAGE_HEADER;

    length -= MESSAGE_HEADER;
    if (message[18] == MESSAGE_OPEN)
        return on_open(player, body, length, err);
    if (message[18] == MESSAGE_KEEPALIVE)
        player->keepalive_heard = player->open_heard;
    if (message[18] == MESSAGE_NOTIFICATION)
        return error_set(err, ERROR_INPUT,
                         "NOTIFICATION %u/%u from the peer, after %zu of %zu messages",
                         length > 0 ? body[0] : 0u, length > 1 ? body[1] : 0u, player->message,
                         player->stream->count);
    return true; // the peer's routes are of no use here
}

/* Reads what is there; BMP's station has nothing to say. false: the connection is gone, or ends by a
 * NOTIFICATION. */
static bool hear(struct player *player, struct error *err)
{
    uint8_t *input = player->input;
    ssize_t count = recv(player->fd, input + player->input_length, INPUT - player->input_length, 0);

    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (count <= 0)
        return error_set(err, ERROR_SYSTEM,
                         "the peer closed the connection, after %zu of %zu messages",
                         player->message, player->stream->count);
    player->input_length += (size_t)count;
    if (player->stream->kind == STREAM_BMP) {
        player->input_length = 0;
        return true;
    }
    size_t at = 0;

    while (player->input_length - at >= MESSAGE_HEADER) {
        size_t length = (size_t)(input[at + 16] << 8 | input[at + 17]);

        if (length < MESSAGE_HEADER)
            return error_set(err, ERROR_INPUT, "a BGP message of %zu octets from the peer", length);
        if (length > player->input_length - at)
            break;
        if (!on_message(player, input + at, length, err))
            return false;
        at += length;
    }
    memmove(input, input + at, player->input_length - at);
    player->input_length -= at;
    return true;
}

/* Waits for the socket or the time and does what can be done; what is to be written is for the caller. */
static bool attend(struct player *player, bool has_more, int timeout_ms, struct error *err)
{
    struct pollfd poll_fd = {.fd = player->fd,
                             .events =
                                 (short)(POLLIN | (has_more || player->own.length ? POLLOUT : 0))};

    if (poll(&poll_fd, 1, timeout_ms) < 0 && errno != EINTR)
        return error_errno(err, errno, "poll");
    return !(poll_fd.revents & (POLLIN | POLLHUP | POLLERR)) || hear(player, err);
}

static bool shake_hands(struct player *player, struct error *err)
{
    uint64_t end = steady_us() + UINT64_C(1000) * HANDSHAKE_MS;

    open_write(&player->stream->open, &player->own);
    while (!player->keepalive_heard) {
        if (!flush_own(player, err) || !attend(player, false, CALL_MS, err))
            return false;
        if (steady_us() > end)
            return error_set(err, ERROR_SYSTEM, "no %s from the peer in %d s",
                             player->open_heard ? "KEEPALIVE" : "OPEN", HANDSHAKE_MS / 1000);
    }
    return true;
}

// ---- the stream

/* When a message is due, in µs after the first. */
static uint64_t due_us(const struct player *player, size_t message)
{
    const struct stream_message *messages = player->stream->messages;

    if (player->speed <= 0 || messages[message].time_us <= messages[0].time_us)
        return 0;
    return (uint64_t)((double)(messages[message].time_us - messages[0].time_us) / player->speed);
}

/* The end of the octets that are due, AT_ONCE of them at most. */
static size_t due_octets(const struct player *player, size_t *messages)
{
    const struct stream *stream = player->stream;
    uint64_t now = steady_us() - player->started_us;
    size_t message = player->message, end = player->at;

    while (message < stream->count && end - player->at < AT_ONCE &&
           due_us(player, message) <= now) {
        end = stream->messages[message].at + stream->messages[message].length;
        message++;
    }
    *messages = message;
    return end;
}

/* How long nothing is due, at most a KEEPALIVE's time. */
static int pause_ms(const struct player *player)
{
    const uint64_t longest = 1000000;
    uint64_t now = steady_us() - player->started_us, due;

    if (player->message == player->stream->count)
        return (int)(longest / 1000);
    due = due_us(player, player->message);
    if (due <= now)
        return 0;
    return (int)((due - now < longest ? due - now : longest) / 1000 + 1);
}

static void keep_alive(struct player *player)
{
    if (player->stream->kind == STREAM_BGP && player->hold_us && !player->own.length &&
        steady_us() - player->said_us >= player->hold_us / 3)
        message_keepalive(&player->own);
}

/* Says what is due. Our own messages go out where a recorded one ends, which is where `message` stands. */
static bool say_due(struct player *player, struct error *err)
{
    const struct stream *stream = player->stream;
    size_t next, end = due_octets(player, &next), taken = 0;
    bool is_between =
        player->message == stream->count || player->at == stream->messages[player->message].at;

    if (is_between && player->own.length)
        return flush_own(player, err);
    if (end == player->at)
        return true;
    if (!send_some(player, stream->octets + player->at, end - player->at, &taken, err))
        return false;
    if (taken)
        player->said_us = steady_us();
    player->at += taken;
    while (player->message < next &&
           stream->messages[player->message].at + stream->messages[player->message].length <=
               player->at)
        player->message++;
    return true;
}

static bool play(struct player *player, struct error *err)
{
    player->started_us = steady_us();
    while (player->message < player->stream->count) {
        if (!say_due(player, err))
            return false;
        keep_alive(player);
        int pause = pause_ms(player);

        if (player->message < player->stream->count &&
            !attend(player, pause == 0, pause == 0 ? -1 : pause, err))
            return false;
    }
    return true;
}

/* A Cease, or the end of our half; then until the peer has read it. */
static void leave(struct player *player)
{
    uint64_t end = steady_us() + UINT64_C(1000) * LINGER_MS;
    struct error ignored;

    if (player->stream->kind == STREAM_BGP)
        message_notification(NOTIFY_CEASE_SHUTDOWN, &player->own);
    while (player->own.length && steady_us() < end && flush_own(player, &ignored) &&
           attend(player, false, CALL_MS, &ignored))
        ;
    (void)shutdown(player->fd, SHUT_WR);
    while (steady_us() < end && wait_for(player->fd, POLLIN, CALL_MS) &&
           recv(player->fd, player->input, INPUT, 0) > 0)
        ;
}

/* Until somebody ends it. */
static bool stay(struct player *player, struct error *err)
{
    for (;;) {
        keep_alive(player);
        if (!flush_own(player, err) || !attend(player, false, 1000, err))
            return false;
    }
}

// ---- options

static bool read_speed(const char *text, double *out, struct error *err)
{
    char *end;

    *out = 1;
    if (!text)
        return true;
    *out = 0;
    if (strcmp(text, "max") == 0)
        return true;
    *out = strtod(text, &end);
    return (end != text && !*end && *out > 0 && *out <= 1e6) ||
           error_set(err, ERROR_INPUT, "--speed: \"%s\"; max, or how many times as fast expected",
                     text);
}

static bool read_number(const char *text, uint64_t greatest, uint64_t *out)
{
    char *end;

    if (!*text || strspn(text, "0123456789") != strlen(text))
        return false;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return errno == 0 && *out <= greatest;
}

/* By its name, or its number from 1. */
static bool choose(const struct recording *recording, const struct replay_options *options,
                   size_t *out, struct error *err)
{
    size_t count = recording_count(recording);
    uint64_t number = 0;

    if (!count)
        return error_set(err, ERROR_INPUT, "%s: nothing of BGP or BMP in it", options->file);
    if (!options->stream) {
        *out = 0;
        return count == 1 ||
               error_set(err, ERROR_INPUT, "%s: %zu streams; --stream expected, see --streams",
                         options->file, count);
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(recording_entry(recording, i)->name, options->stream) == 0) {
            *out = i;
            return true;
        }
    }
    if (!read_number(options->stream, count, &number) || !number)
        return error_set(err, ERROR_INPUT,
                         "%s: \"%s\"; the name of a stream or a number from 1 to %zu expected",
                         options->file, options->stream, count);
    *out = (size_t)number - 1;
    return true;
}

/* What the command line says of us counts more than the recording. */
static bool complete_open(const struct replay_options *options, struct open_facts *open,
                          struct error *err)
{
    const uint8_t nobody[4] = {0};
    uint64_t as = open->as;
    struct net router_id;

    if (options->as && (!read_number(options->as, UINT32_MAX - 1, &as) || !as))
        return error_set(err, ERROR_INPUT, "--as: \"%s\"; an AS number expected", options->as);
    open->as = (uint32_t)as;
    if (options->router_id) {
        if (!net_parse_address(options->router_id, &router_id) || router_id.family != 4)
            return error_set(err, ERROR_INPUT, "--router-id: \"%s\"; an IPv4 address expected",
                             options->router_id);
        memcpy(open->router_id, router_id.bytes, sizeof open->router_id);
    }
    if (memcmp(open->router_id, nobody, sizeof nobody) == 0)
        memcpy(open->router_id, (const uint8_t[]){192, 0, 2, 1}, 4);
    open->hold_time_s = HOLD_S;
    return open->as ||
           error_set(err, ERROR_INPUT, "the recording does not tell our AS number; --as expected");
}

static bool run(struct player *player, const struct stream *stream, struct error *err)
{
    if (!connect_peer(player, err))
        return false;
    if (stream->kind == STREAM_BGP && !shake_hands(player, err))
        return false;
    log_info(player->options->log, "replaying: messages=%zu octets=%zu", stream->count,
             stream->length);
    if (!play(player, err))
        return false;
    (void)printf("replayed messages=%zu octets=%zu seconds=%.3f\n", player->message, player->at,
                 (double)(steady_us() - player->started_us) / 1e6);
    (void)fflush(stdout);
    if (!player->options->leave)
        return stay(player, err);
    leave(player);
    return true;
}

bool replay_run(const struct replay_options *options, struct error *err)
{
    struct recording *recording = recording_open(options->file, err);
    struct player *player = memory_alloc(1, sizeof *player);
    struct stream stream = {0};
    size_t index = 0;
    bool ok = recording && choose(recording, options, &index, err) &&
              read_speed(options->speed, &player->speed, err) &&
              recording_load(recording, index, &stream, err);

    player->options = options;
    player->stream = &stream;
    player->fd = -1;
    if (ok && stream.kind == STREAM_BGP)
        ok = complete_open(options, &stream.open, err);
    ok = ok && run(player, &stream, err);
    if (player->fd >= 0)
        (void)close(player->fd);
    wire_free(&player->own);
    free(player);
    stream_release(&stream);
    recording_free(recording);
    return ok;
}

bool replay_list(const char *file, struct error *err)
{
    struct recording *recording = recording_open(file, err);

    if (!recording)
        return false;
    for (size_t i = 0; i < recording_count(recording); i++) {
        const struct stream_entry *entry = recording_entry(recording, i);

        (void)printf("%zu %s messages=%llu octets=%llu name=\"%s\"\n", i + 1,
                     entry->kind == STREAM_BGP ? "bgp" : "bmp", (unsigned long long)entry->messages,
                     (unsigned long long)entry->octets, entry->name);
    }
    (void)printf("passed over: %llu\n", (unsigned long long)recording_passed_over(recording));
    recording_free(recording);
    return true;
}
