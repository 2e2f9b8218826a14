/* The station over real sockets on loopback: bytes in pieces, several routers at once, endings of every kind. */
#include "collector/bmp_station.h"
#include "update_text.h"

#include <arpa/inet.h>
#include <check.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static struct event_base *base;
static struct bmp_station *station;
static const struct log quiet = {.fd = -1};
static unsigned up, down;
static char reason[256], from[PREFIX_TEXT_SIZE];

static void on_router_up(void *context, const struct bmp_router *router)
{
    (void)context;
    (void)address_format(&router->address, from);
    up++;
}

static void on_router_down(void *context, const struct bmp_router *router, const char *why)
{
    (void)context;
    (void)router;
    (void)snprintf(reason, sizeof reason, "%s", why);
    down++;
}

static struct bmp_wanted on_peer_up(void *context, const struct bmp_router *router,
                                    const struct bmp_peer *peer)
{
    (void)context;
    (void)router;
    (void)peer;
    return (struct bmp_wanted){.peer_id = -1};
}

static void on_peer_down(void *context, const struct bmp_router *router,
                         const struct bmp_peer *peer, int64_t peer_id, enum bmp_down how,
                         const char *why)
{
    (void)context;
    (void)router;
    (void)peer;
    (void)peer_id;
    (void)how;
    (void)why;
}

static void take(void *context, const struct update *update)
{
    (void)context;
    (void)update;
}

static const struct bmp_handler handler = {.sink = {.take = take},
                                           .on_router_up = on_router_up,
                                           .on_router_down = on_router_down,
                                           .on_peer_up = on_peer_up,
                                           .on_peer_down = on_peer_down};

static struct endpoint loopback(uint16_t port)
{
    struct endpoint endpoint = {.port = port, .text = "127.0.0.1"};

    ck_assert(address_parse("127.0.0.1", &endpoint.address));
    return endpoint;
}

static void setup(void)
{
    struct endpoint endpoint = loopback(0);
    struct error err;

    base = event_base_new();
    ck_assert_ptr_nonnull(base);
    station = bmp_station_new(base, &endpoint, &handler, &quiet, &err);
    ck_assert_msg(station, "%s", err.text);
    up = down = 0;
}

static void teardown(void)
{
    bmp_station_free(station);
    event_base_free(base);
}

static int dial(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(bmp_station_port(station))};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static void say(int fd, const char *hex)
{
    struct octets bytes = update_text_octets(hex);

    ck_assert_int_eq(write(fd, bytes.bytes, bytes.length), (ssize_t)bytes.length);
    update_text_free(bytes);
}

/* Turns the loop until *what is at least so much. The test's timeout is the limit. */
static void until(const unsigned *what, unsigned enough)
{
    while (*what < enough)
        ck_assert_int_ne(event_base_loop(base, EVLOOP_ONCE), -1);
}

#define INITIATION "03 0000000c 04 0002 0002 7231"

START_TEST(l138_messages_come_in_pieces)
{
    int fd = dial();

    say(fd, "03 0000");
    ck_assert_int_ne(event_base_loop(base, EVLOOP_ONCE),
                     -1); // the connection, maybe the first piece
    ck_assert_uint_eq(up, 0);
    say(fd, "000c 04 0002 0002 72");
    say(fd, "31" INITIATION);
    until(&up, 1);
    ck_assert_str_eq(from, "127.0.0.1");
    (void)close(fd);
    until(&down, 1);
    ck_assert_str_eq(reason, "closed by the router");
    struct bmp_counters counters;
    bmp_station_counters(station, &counters); // of connections that are gone, too
    ck_assert_uint_eq(counters.initiation, 2);
    ck_assert_uint_eq(counters.bytes, 24);
    ck_assert_uint_eq(bmp_station_connections(station), 0);
}
END_TEST

static const struct {
    const char *bytes, *text;
} endings[] = {
    {INITIATION "03 0000000c 05 0001 0002 0000", "BMP Termination: administratively closed"},
    {INITIATION "04", "BMP version 4; 3 expected"},
    {INITIATION "03 00200000 00", "BMP message of 2097152 octets; 6 to 1048576 expected"},
};

START_TEST(l130_the_station_closes)
{
    int fd = dial();
    char byte;

    say(fd, endings[_i].bytes);
    until(&down, 1);
    ck_assert_str_eq(reason, endings[_i].text);
    ck_assert_int_eq(read(fd, &byte, 1), 0); // it never said a word (L-138)
    (void)close(fd);
}
END_TEST

START_TEST(routers_do_not_disturb_each_other)
{
    int fds[8];

    for (size_t i = 0; i < 8; i++)
        fds[i] = dial();
    say(fds[0], "03 00100000 00"); // a megabyte that does not come
    for (size_t i = 1; i < 8; i++)
        say(fds[i], INITIATION);
    until(&up, 7);
    ck_assert_uint_eq(bmp_station_connections(station), 8);
    for (size_t i = 0; i < 8; i++)
        (void)close(fds[i]);
    until(&down, 7);
}
END_TEST

START_TEST(a_long_message_is_put_together)
{
    int fd = dial();
    uint8_t piece[4096] = {3, 0, 16, 0, 0, 6}; // Route Mirroring of 2^20 octets

    for (size_t sent = 0; sent < BMP_MESSAGE_LIMIT; sent += sizeof piece) {
        ck_assert_int_eq(write(fd, piece, sizeof piece), sizeof piece);
        memset(piece, 0, 6);
        ck_assert_int_ne(event_base_loop(base, EVLOOP_NONBLOCK), -1);
    }
    until(&up, 1);
    (void)close(fd);
    until(&down, 1);
    struct bmp_counters counters;
    bmp_station_counters(station, &counters);
    ck_assert_uint_eq(counters.mirroring, 1);
}
END_TEST

START_TEST(freeing_tells_nobody_of_a_failure)
{
    int fd = dial();

    say(fd, INITIATION);
    until(&up, 1);
    bmp_station_free(station);
    station = NULL;
    ck_assert_uint_eq(down, 0);
    (void)close(fd);
}
END_TEST

START_TEST(a_port_in_use_is_named)
{
    struct endpoint endpoint = loopback(bmp_station_port(station));
    struct error err;

    ck_assert_ptr_null(bmp_station_new(base, &endpoint, &handler, &quiet, &err));
    ck_assert_str_eq(err.text, "bmp.listen: 127.0.0.1: Address already in use");
}
END_TEST

START_TEST(routers_may_come_by_ipv6)
{
    struct endpoint endpoint = {.text = "::1"};
    struct error err;

    ck_assert(address_parse("::1", &endpoint.address));
    struct bmp_station *other = bmp_station_new(base, &endpoint, &handler, &quiet, &err);
    if (!other)
        return; // a machine without IPv6
    struct sockaddr_in6 to = {.sin6_family = AF_INET6,
                              .sin6_port = htons(bmp_station_port(other)),
                              .sin6_addr = in6addr_loopback};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    say(fd, INITIATION);
    until(&up, 1);
    ck_assert_str_eq(from, "::1");
    (void)close(fd);
    bmp_station_free(other);
}
END_TEST

START_TEST(a_unix_socket_is_refused)
{
    const struct endpoint endpoint = {.is_unix = true, .path = "/x", .text = "unix:/x"};
    struct error err;

    ck_assert_ptr_null(bmp_station_new(base, &endpoint, &handler, &quiet, &err));
    ck_assert_str_eq(err.text,
                     "bmp.listen: unix:/x: BMP comes by TCP: an address and a port expected");
}
END_TEST

static void count_session(void *context, const struct bmp_session *session)
{
    unsigned *sum = context;

    *sum += (unsigned)bmp_session_counters(session)->messages;
}

START_TEST(l095_sessions_and_faults_can_be_seen)
{
    int fd = dial();
    unsigned messages = 0;
    struct bmp_counters counters;

    say(fd, INITIATION "03 00000007 04 00"); // half a TLV
    until(&up, 1);
    while (messages < 2) {
        ck_assert_int_ne(event_base_loop(base, EVLOOP_NONBLOCK), -1);
        messages = 0;
        bmp_station_each(station, count_session, &messages);
    }
    bmp_station_counters(station, &counters);
    ck_assert_uint_eq(counters.messages, 2);
    ck_assert_uint_eq(counters.faults.count[FAULT_BMP_TLV], 1);
    ck_assert_uint_eq(bmp_station_faults(station)->added, 1);
    ck_assert_uint_eq(bmp_station_faults(station)->records[0].length, 7);
    (void)close(fd);
}
END_TEST

/* As many descriptors as both ends of so many connections need; the test's process is its own. */
static bool allow_descriptors(rlim_t count)
{
    struct rlimit limit;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = count;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

START_TEST(connections_above_the_limit_are_closed)
{
    int fds[BMP_ROUTER_LIMIT];
    char byte;

    if (!allow_descriptors(2 * BMP_ROUTER_LIMIT + 100))
        return; // not allowed here
    for (size_t i = 0; i < BMP_ROUTER_LIMIT; i++) {
        fds[i] = dial();
        ck_assert_int_ne(event_base_loop(base, EVLOOP_NONBLOCK), -1);
    }
    while (bmp_station_connections(station) < BMP_ROUTER_LIMIT)
        ck_assert_int_ne(event_base_loop(base, EVLOOP_NONBLOCK), -1);
    int fd = dial();
    while (recv(fd, &byte, 1, MSG_DONTWAIT) != 0) // until the end of the stream
        ck_assert_int_ne(event_base_loop(base, EVLOOP_NONBLOCK), -1);
    ck_assert_uint_eq(bmp_station_connections(station), BMP_ROUTER_LIMIT);
    (void)close(fd);
    for (size_t i = 0; i < BMP_ROUTER_LIMIT; i++)
        (void)close(fds[i]);
}
END_TEST

START_TEST(without_descriptors_the_station_waits)
{
    int fd = dial();
    int last = dup(fd);

    (void)close(last);
    ck_assert(allow_descriptors((rlim_t)last)); // none is free now
    for (int i = 0; i < 10; i++)
        ck_assert_int_ne(event_base_loop(base, EVLOOP_NONBLOCK), -1);
    ck_assert_uint_eq(bmp_station_connections(station), 0);
    ck_assert(allow_descriptors((rlim_t)last + 8));
    say(fd, INITIATION);
    until(&up, 1); // a second later
    (void)close(fd);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bmp_station");
    TCase *tc = tcase_create("bmp_station");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 30); // under the sanitizers
    tcase_add_test(tc, l138_messages_come_in_pieces);
    tcase_add_loop_test(tc, l130_the_station_closes, 0, sizeof endings / sizeof *endings);
    tcase_add_test(tc, routers_do_not_disturb_each_other);
    tcase_add_test(tc, a_long_message_is_put_together);
    tcase_add_test(tc, freeing_tells_nobody_of_a_failure);
    tcase_add_test(tc, a_port_in_use_is_named);
    tcase_add_test(tc, routers_may_come_by_ipv6);
    tcase_add_test(tc, a_unix_socket_is_refused);
    tcase_add_test(tc, l095_sessions_and_faults_can_be_seen);
    tcase_add_test(tc, connections_above_the_limit_are_closed);
    tcase_add_test(tc, without_descriptors_the_station_waits);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
