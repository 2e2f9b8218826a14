/* A BMP station that keeps nothing: what the same feed costs a consumer that only looks.
 *
 *     bench_drain PORT ROUTES [MORE]     one connection on 127.0.0.1; until it ends or SIGTERM
 *
 * Reads as fast as it can and walks over the messages' lengths, so that it can say when what was. Lines on stdout:
 *
 *     link-state MICROSECONDS PEER     an UPDATE of the peer (an IPv4 address) with link state was read
 *     routes MICROSECONDS              the last of ROUTES announced unicast prefixes was read; later, of MORE others
 *
 * Microseconds of CLOCK_MONOTONIC, when read(2) had returned. */
#include "collector/cursor.h"
#include "lib/arena.h"
#include "lib/text.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BUFFER_BYTES = 4 << 20,
    BMP_HEADER = 6,
    BMP_ROUTE_MONITORING = 0,
    BEFORE_PEER_ADDRESS = 22, // type, flags, distinguisher; IPv4 stands in the last 4 of 16 octets
    AFTER_PEER_ADDRESS = 16,
    BGP_HEADER = 19,
    ATTRIBUTE_EXTENDED = 0x10,
    MP_REACH = 14,
    AFI_LINK_STATE = 16388,
};

struct drain {
    uint64_t routes, expected, more;
    int64_t read_us;
};

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void say(const struct drain *drain, const char *what, const char *peer)
{
    printf("%s %" PRId64 " %s\n", what, drain->read_us, peer);
    (void)fflush(stdout);
}

static void count_prefixes(struct drain *drain, struct cursor nlri)
{
    while (nlri.left) {
        uint8_t bits = cursor_u8(&nlri);
        (void)cursor_bytes(&nlri, (bits + 7U) / 8U);
        drain->routes += !nlri.failed;
    }
    if (drain->expected && drain->routes >= drain->expected) {
        say(drain, "routes", "");
        drain->expected = drain->more ? drain->routes + drain->more : 0;
        drain->more = 0;
    }
}

static void take_mp_reach(struct drain *drain, struct cursor value, const uint8_t *peer)
{
    char text[INET_ADDRSTRLEN];
    uint16_t afi = cursor_u16(&value);

    (void)cursor_u8(&value);                     // SAFI
    (void)cursor_sub(&value, cursor_u8(&value)); // next hop
    (void)cursor_u8(&value);                     // reserved
    if (afi == AFI_LINK_STATE && !value.failed)
        say(drain, "link-state", inet_ntop(AF_INET, peer, text, sizeof text));
    else
        count_prefixes(drain, value);
}

static void take_update(struct drain *drain, struct cursor message)
{
    (void)cursor_bytes(&message, BEFORE_PEER_ADDRESS);
    const uint8_t *peer = cursor_bytes(&message, 4);
    (void)cursor_bytes(&message, AFTER_PEER_ADDRESS + BGP_HEADER);
    (void)cursor_sub(&message, cursor_u16(&message)); // withdrawn
    struct cursor attributes = cursor_sub(&message, cursor_u16(&message));
    while (attributes.left) {
        uint8_t flags = cursor_u8(&attributes), type = cursor_u8(&attributes);
        struct cursor value =
            cursor_sub(&attributes, cursor_uint(&attributes, flags & ATTRIBUTE_EXTENDED ? 2 : 1));
        if (type == MP_REACH)
            take_mp_reach(drain, value, peer);
    }
    count_prefixes(drain, message);
}

/* The octets of all complete messages. */
static size_t take_messages(struct drain *drain, struct octets octets)
{
    struct cursor rest = cursor_over(octets);

    for (;;) {
        struct cursor next = rest;
        (void)cursor_u8(&next); // version
        uint32_t length = cursor_u32(&next);
        uint8_t type = cursor_u8(&next);
        if (next.failed)
            break;
        if (length < BMP_HEADER) {
            (void)fprintf(stderr, "bench_drain: a BMP message of %" PRIu32 " octets\n", length);
            exit(1);
        }
        struct cursor message = cursor_sub(&next, length - BMP_HEADER);
        if (next.failed)
            break;
        if (type == BMP_ROUTE_MONITORING)
            take_update(drain, message);
        rest = next;
    }
    return octets.length - rest.left;
}

static int accept_one(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    int on = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(listener, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, 1) != 0)
        fail("bench_drain: listening");
    int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (connection < 0)
        fail("bench_drain: accept");
    (void)close(listener);
    return connection;
}

int main(int argc, char **argv)
{
    struct drain drain = {0};
    uint64_t port;
    size_t used = 0;

    if (argc < 3 || argc > 4 || !text_uint(argv[1], strlen(argv[1]), 1, UINT16_MAX, &port) ||
        !text_uint(argv[2], strlen(argv[2]), 1, UINT32_MAX, &drain.expected) ||
        (argc == 4 && !text_uint(argv[3], strlen(argv[3]), 1, UINT32_MAX, &drain.more))) {
        (void)fprintf(stderr, "usage: %s PORT ROUTES [MORE]\n", argv[0]);
        return 2;
    }
    uint8_t *buffer = memory_alloc(BUFFER_BYTES, 1);
    int connection = accept_one((uint16_t)port);
    ssize_t got;
    while ((got = read(connection, buffer + used, BUFFER_BYTES - used)) > 0) {
        drain.read_us = text_steady_us();
        used += (size_t)got;
        size_t taken = take_messages(&drain, (struct octets){buffer, used});
        memmove(buffer, buffer + taken, used - taken);
        used -= taken;
    }
    if (got < 0)
        fail("bench_drain: read");
    free(buffer);
    (void)close(connection);
    return 0;
}
