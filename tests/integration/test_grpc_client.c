/* grpc_client against a server in this process: every way in which a call can end, flow control, and
 * leaving while calls are in flight. */
#include "collector/grpc_client.h"
#include "grpc_server.h"
#include "lib/arena.h"

#include <check.h>
#include <gobgp.pb-c.h>
#include <grpc/grpc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TEST_MESSAGE_LIMIT = 1 << 20 };

static const struct grpc_method methods[] = {
    {"/test.Test/Echo", false, &apipb__ebgp_multihop__descriptor},
    {"/test.Test/Count", true, &apipb__ebgp_multihop__descriptor},
    {"/test.Test/Blocks", true, &apipb__add_bmp_request__descriptor},
    {"/test.Test/Big", false, &apipb__add_bmp_request__descriptor},
    {"/test.Test/Garbage", true, &apipb__ebgp_multihop__descriptor},
    {"/test.Test/Refuse", false, &apipb__ebgp_multihop__descriptor},
    {"/test.Test/Silent", false, &apipb__ebgp_multihop__descriptor},
    {"/test.Test/Count", false, &apipb__ebgp_multihop__descriptor}, // unary, but the server streams
    {"/other.Service/Get", false, &apipb__ebgp_multihop__descriptor},
};
enum { ECHO, COUNT, BLOCKS, BIG, GARBAGE, REFUSE, SILENT, COUNT_AS_UNARY, OTHER };

static char folder[] = "/tmp/altimeter-grpc-XXXXXX";
static char target[128];
static struct event_base *base;
static struct grpc_server_test *server;
static struct grpc_client *client;

/* One call and what came of it. */
struct seen {
    struct grpc_client_call *call;
    unsigned messages, last;
    unsigned cancel_at; // cancel from within on_message when so many have come; 0: never
    bool ended;
    grpc_status_code code;
    char text[256];
};

static void on_message(void *context, const ProtobufCMessage *message)
{
    struct seen *seen = context;

    if (message->descriptor == &apipb__ebgp_multihop__descriptor) {
        unsigned number = ((const Apipb__EbgpMultihop *)message)->multihop_ttl;
        ck_assert(seen->messages == 0 || number == seen->last + 1);
        seen->last = number;
    }
    if (++seen->messages == seen->cancel_at)
        grpc_client_cancel(seen->call);
    ck_assert(!seen->ended);
}

static void on_end(void *context, const struct grpc_result *result)
{
    struct seen *seen = context;

    ck_assert(!seen->ended);
    seen->ended = true;
    seen->code = result->code;
    (void)snprintf(seen->text, sizeof seen->text, "%s", result->text);
    (void)event_base_loopbreak(base);
}

static void begin(struct seen *seen, int method, unsigned number, int64_t deadline_ms)
{
    Apipb__EbgpMultihop request = APIPB__EBGP_MULTIHOP__INIT;
    struct grpc_handler handler = {seen, on_message, on_end};

    request.multihop_ttl = number;
    seen->call = grpc_client_call(client, &methods[method], &request.base, deadline_ms, &handler);
}

static void run_for(int64_t milliseconds)
{
    struct timeval wait = {milliseconds / 1000, milliseconds % 1000 * 1000};

    (void)event_base_loopexit(base, &wait);
    (void)event_base_dispatch(base);
}

static void run_to_end(const struct seen *seen)
{
    for (time_t start = time(NULL); !seen->ended && time(NULL) < start + 30;)
        run_for(100);
    ck_assert(seen->ended);
}

static struct seen call(int method, unsigned number, int64_t deadline_ms)
{
    struct seen seen = {0};

    begin(&seen, method, number, deadline_ms);
    run_to_end(&seen);
    return seen;
}

static void sleep_ms(long milliseconds)
{
    struct timespec pause = {milliseconds / 1000, milliseconds % 1000 * 1000000};

    (void)nanosleep(&pause, NULL);
}

static void start_server(void)
{
    int port;

    server = grpc_server_test_start(target, &port);
    ck_assert_int_ne(port, 0);
}

static void stop_server(void)
{
    grpc_server_test_stop(server);
    server = NULL;
}

static void start_client(const char *address)
{
    client = grpc_client_new(&(struct grpc_client_options){base, address, TEST_MESSAGE_LIMIT});
}

static void setup(void)
{
    grpc_init();
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(target, sizeof target, "unix:%s/api.sock", folder);
    base = event_base_new();
    start_server();
    start_client(target);
}

static void teardown(void)
{
    grpc_client_free(client);
    if (server)
        stop_server();
    event_base_free(base);
    (void)unlink(target + strlen("unix:"));
    (void)rmdir(folder);
    (void)snprintf(folder + strlen(folder) - 6, 7, "XXXXXX");
    grpc_shutdown_blocking();
}

START_TEST(answers_a_unary_call)
{
    struct seen seen = call(ECHO, 42, 5000);

    ck_assert_int_eq(seen.code, GRPC_STATUS_OK);
    ck_assert_uint_eq(seen.messages, 1);
    ck_assert_uint_eq(seen.last, 42);
    ck_assert_str_eq(seen.text, "");
}
END_TEST

START_TEST(streams_in_order)
{
    struct seen none = call(COUNT, 0, 0), many = call(COUNT, 20000, 0);

    ck_assert_int_eq(none.code, GRPC_STATUS_OK);
    ck_assert_uint_eq(none.messages, 0);
    ck_assert_int_eq(many.code, GRPC_STATUS_OK);
    ck_assert_uint_eq(many.messages, 20000);
    ck_assert_uint_eq(many.last, 19999);
}
END_TEST

START_TEST(streams_side_by_side)
{
    struct seen seen[8] = {0};

    for (int i = 0; i < 8; i++)
        begin(&seen[i], COUNT, 1000, 0);
    for (int i = 0; i < 8; i++) {
        run_to_end(&seen[i]);
        ck_assert_uint_eq(seen[i].messages, 1000);
    }
}
END_TEST

/* While the loop does nothing, the server can send what the windows hold and no more. */
START_TEST(a_slow_loop_slows_the_server)
{
    struct seen seen = {0};

    begin(&seen, BLOCKS, 2000, 0);
    sleep_ms(1000);
    unsigned sent = grpc_server_test_sent(server);
    ck_assert_msg(sent >= 32 && sent <= 160, "%u blocks of 64 KiB were sent", sent);
    run_to_end(&seen);
    ck_assert_int_eq(seen.code, GRPC_STATUS_OK);
    ck_assert_uint_eq(seen.messages, 2000);
}
END_TEST

/* The status comes while reading has paused; what had come before it is delivered. */
START_TEST(a_deadline_ends_a_paused_stream)
{
    struct seen seen = {0};

    begin(&seen, BLOCKS, 2000, 1000);
    sleep_ms(1500);
    run_to_end(&seen);
    ck_assert_int_eq(seen.code, GRPC_STATUS_DEADLINE_EXCEEDED);
    ck_assert_uint_ge(seen.messages, 32);
    ck_assert_uint_lt(seen.messages, 2000);
}
END_TEST

START_TEST(a_stream_as_long_as_the_window_ends)
{
    for (unsigned count = 62; count <= 66; count++) {
        struct seen seen = {0};
        begin(&seen, COUNT, count, 0);
        sleep_ms(100); // all of it waits for the loop
        run_to_end(&seen);
        ck_assert_int_eq(seen.code, GRPC_STATUS_OK);
        ck_assert_uint_eq(seen.messages, count);
    }
}
END_TEST

static const struct {
    int method;
    unsigned number;
    int64_t deadline_ms;
    grpc_status_code code;
    const char *text; // a part of it
} failures[] = {
    {REFUSE, 0, 5000, GRPC_STATUS_NOT_FOUND, "no such thing"},
    {OTHER, 0, 5000, GRPC_STATUS_UNIMPLEMENTED, "unknown service"},
    {SILENT, 0, 200, GRPC_STATUS_DEADLINE_EXCEEDED, "Deadline Exceeded"},
    {COUNT_AS_UNARY, 0, 5000, GRPC_STATUS_INTERNAL, "0 answers; 1 expected"},
    {COUNT_AS_UNARY, 2, 5000, GRPC_STATUS_INTERNAL, "2 answers; 1 expected"},
    {GARBAGE, 1, 5000, GRPC_STATUS_INTERNAL, "an answer cannot be decoded"},
    {BIG, TEST_MESSAGE_LIMIT, 5000, GRPC_STATUS_RESOURCE_EXHAUSTED, "larger than max"},
};

START_TEST(says_why_a_call_failed)
{
    struct seen seen = call(failures[_i].method, failures[_i].number, failures[_i].deadline_ms);

    ck_assert_str_eq(grpc_status_name(seen.code), grpc_status_name(failures[_i].code));
    ck_assert_msg(strstr(seen.text, failures[_i].text) != NULL, "%s", seen.text);
    ck_assert_int_eq(call(ECHO, 1, 5000).code, GRPC_STATUS_OK); // the next one is well
}
END_TEST

START_TEST(a_message_within_the_limit_passes)
{
    ck_assert_int_eq(call(BIG, TEST_MESSAGE_LIMIT - 100, 5000).code, GRPC_STATUS_OK);
}
END_TEST

START_TEST(a_cancelled_call_is_silent)
{
    struct seen silent = {0}, endless = {.cancel_at = 10};

    begin(&silent, SILENT, 0, 0);
    begin(&endless, COUNT, 1000000, 0);
    run_for(200);
    grpc_client_cancel(silent.call);
    run_for(200);
    ck_assert(!silent.ended);
    ck_assert(!endless.ended);
    ck_assert_uint_eq(endless.messages, 10);
    ck_assert_int_eq(call(ECHO, 1, 5000).code, GRPC_STATUS_OK);
}
END_TEST

START_TEST(refuses_more_calls_than_its_limit)
{
    struct seen seen[GRPC_CLIENT_CALL_LIMIT + 1] = {0};

    for (int i = 0; i < GRPC_CLIENT_CALL_LIMIT; i++) {
        begin(&seen[i], SILENT, 0, 0);
        ck_assert_ptr_nonnull(seen[i].call);
    }
    begin(&seen[GRPC_CLIENT_CALL_LIMIT], ECHO, 0, 0);
    ck_assert_ptr_null(seen[GRPC_CLIENT_CALL_LIMIT].call);
    for (int i = 0; i < GRPC_CLIENT_CALL_LIMIT; i++)
        grpc_client_cancel(seen[i].call);
    run_for(200);
    ck_assert_int_eq(call(ECHO, 1, 5000).code, GRPC_STATUS_OK);
}
END_TEST

START_TEST(finds_a_server_that_comes_and_comes_back)
{
    stop_server();
    struct seen absent = call(ECHO, 1, 5000);
    ck_assert_int_eq(absent.code, GRPC_STATUS_UNAVAILABLE);
    ck_assert_msg(strstr(absent.text, "No such file") != NULL, "%s", absent.text);

    for (int round = 0; round < 2; round++) {
        start_server();
        struct seen seen = {0};
        for (int tries = 0; tries < 60; tries++) { // the pause before a new attempt is at most 2 s
            seen = call(ECHO, 1, 5000);
            if (seen.code == GRPC_STATUS_OK)
                break;
            run_for(100);
        }
        ck_assert_int_eq(seen.code, GRPC_STATUS_OK);
        if (round == 0)
            stop_server();
    }
}
END_TEST

START_TEST(a_dying_server_ends_its_streams)
{
    struct seen stream = {0}, silent = {0};

    begin(&stream, BLOCKS, 1000000, 0);
    begin(&silent, SILENT, 0, 0);
    run_for(300);
    ck_assert_uint_gt(stream.messages, 0);
    stop_server();
    run_to_end(&stream);
    run_to_end(&silent);
    ck_assert_int_ne(stream.code, GRPC_STATUS_OK);
    ck_assert_int_ne(silent.code, GRPC_STATUS_OK);
}
END_TEST

/* Whatever state the calls are in: just begun, paused, streaming, failed and not yet delivered. */
START_TEST(leaves_while_calls_are_in_flight)
{
    static const int wait_ms[] = {0, 1, 5, 50, 300};
    struct seen seen[12] = {0};

    for (int i = 0; i < 12; i++)
        begin(&seen[i], (int[]){SILENT, BLOCKS, COUNT, ECHO, BIG, REFUSE}[i % 6], 5000, 0);
    sleep_ms(wait_ms[_i]);
    if (_i % 2)
        run_for(wait_ms[_i]);
    grpc_client_free(client);
    client = NULL;
}
END_TEST

START_TEST(leaves_while_it_connects)
{
    struct seen seen = {0};

    stop_server();
    begin(&seen, ECHO, 0, 0);
    grpc_client_free(client);
    client = NULL;
}
END_TEST

START_TEST(works_over_tcp)
{
    int port;
    char address[32];
    struct grpc_server_test *tcp = grpc_server_test_start("127.0.0.1:0", &port);

    grpc_client_free(client);
    (void)snprintf(address, sizeof address, "ipv4:127.0.0.1:%d", port);
    start_client(address);
    ck_assert_int_eq(call(ECHO, 1, 5000).code, GRPC_STATUS_OK);
    grpc_server_test_stop(tcp);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("grpc_client");
    TCase *tests = tcase_create("calls");
    // the library's threads do not survive a fork: each test runs in this process
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, answers_a_unary_call);
    tcase_add_test(tests, streams_in_order);
    tcase_add_test(tests, streams_side_by_side);
    tcase_add_test(tests, a_slow_loop_slows_the_server);
    tcase_add_test(tests, a_deadline_ends_a_paused_stream);
    tcase_add_test(tests, a_stream_as_long_as_the_window_ends);
    tcase_add_loop_test(tests, says_why_a_call_failed, 0, sizeof failures / sizeof *failures);
    tcase_add_test(tests, a_message_within_the_limit_passes);
    tcase_add_test(tests, a_cancelled_call_is_silent);
    tcase_add_test(tests, refuses_more_calls_than_its_limit);
    tcase_add_test(tests, finds_a_server_that_comes_and_comes_back);
    tcase_add_test(tests, a_dying_server_ends_its_streams);
    tcase_add_loop_test(tests, leaves_while_calls_are_in_flight, 0, 5);
    tcase_add_test(tests, leaves_while_it_connects);
    tcase_add_test(tests, works_over_tcp);
    suite_add_tcase(suite, tests);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
