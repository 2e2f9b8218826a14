/* speaker, gobgp and route_reader against real gobgpds on Unix sockets in a directory of the test's own.
 *
 * Where a session is needed, further gobgpds play the neighbours, on loopback; gobgpd waits 5 to 10 s before it
 * connects, so the tests that need one share it. */
#include "collector/feed.h"
#include "collector/route_reader.h"
#include "collector/speaker.h"
#include "grpc_server.h"
#include "lib/arena.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <grpc/grpc.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { OURS = 64500, GOBGPDS = 3 };

static struct {
    char folder[64], log_path[80];
    struct event_base *base;
    struct log log;
    pid_t pids[GOBGPDS]; // 0: the speaker's; 1, 2: neighbours
    struct gobgp *api[GOBGPDS];
    struct evconnlistener *station; // stands where our BMP station would
    uint16_t station_port, bgp_port;
    unsigned station_connections;
    struct speaker *speaker;
    struct speaker_peer peers[4]; // as last told; strings are not kept
    char errors[4][300];
    unsigned told;
} t;

/* ---- Processes ---- */

static void api_path(int number, char *out, size_t size)
{
    (void)snprintf(out, size, "%s/api%d.sock", t.folder, number);
}

static void start_gobgpd(int number)
{
    char path[100], hosts[120], log[100];
    char *const arguments[] = {(char[]){"gobgpd"},          (char[]){"--api-hosts"}, hosts,
                               (char[]){"--pprof-disable"}, (char[]){"-p"},          NULL};
    posix_spawn_file_actions_t actions;

    api_path(number, path, sizeof path);
    (void)unlink(path); // gobgpd does not take over the socket of one that was killed
    (void)snprintf(hosts, sizeof hosts, "unix://%s", path);
    (void)snprintf(log, sizeof log, "%s/gobgpd%d.log", t.folder, number);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    (void)posix_spawn_file_actions_adddup2(&actions, 1, 2);
    ck_assert_int_eq(posix_spawnp(&t.pids[number], "gobgpd", &actions, NULL, arguments, environ),
                     0);
    (void)posix_spawn_file_actions_destroy(&actions);
}

static void kill_gobgpd(int number)
{
    (void)kill(t.pids[number], SIGKILL);
    (void)waitpid(t.pids[number], NULL, 0);
    t.pids[number] = 0;
}

/* ---- The loop ---- */

static void run_for(int64_t milliseconds)
{
    struct timeval wait = {milliseconds / 1000, milliseconds % 1000 * 1000};

    (void)event_base_loopexit(t.base, &wait);
    (void)event_base_dispatch(t.base);
}

/* Runs the loop until the expression holds. */
#define WAIT_UNTIL(expression, seconds)                                                            \
    do {                                                                                           \
        for (time_t end = time(NULL) + (seconds); !(expression) && time(NULL) <= end;)             \
            run_for(50);                                                                           \
        ck_assert_msg(expression, "after %d s still not: %s", (seconds), #expression);             \
    } while (0)

static void on_connection(struct evconnlistener *listener, evutil_socket_t fd,
                          struct sockaddr *address, int length, void *context)
{
    (void)listener;
    (void)address;
    (void)length;
    (void)context;
    t.station_connections++;
    (void)fd; // stays open, and unread: gobgpd writes little here; the process closes it
}

static uint16_t listen_anywhere(struct evconnlistener **listener)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;

    *listener = evconnlistener_new_bind(t.base, on_connection, NULL, LEV_OPT_CLOSE_ON_FREE, -1,
                                        (struct sockaddr *)&address, (int)length);
    ck_assert_ptr_nonnull(*listener);
    ck_assert_int_eq(
        getsockname(evconnlistener_get_fd(*listener), (struct sockaddr *)&address, &length), 0);
    return ntohs(address.sin_port);
}

static uint16_t free_port(void)
{
    struct evconnlistener *listener;
    uint16_t port = listen_anywhere(&listener);

    evconnlistener_free(listener);
    return port;
}

/* ---- Asking a gobgpd directly ---- */

struct asked {
    bool done;
    enum gobgp_outcome outcome;
    char text[300];
    struct gobgp_global global;
    struct gobgp_peer peers[4];
    size_t peer_count, station_count;
    unsigned sessions_lost;
};

static void asked_end(void *context, const struct gobgp_end *end)
{
    struct asked *asked = context;

    asked->done = true;
    asked->outcome = end->outcome;
    (void)snprintf(asked->text, sizeof asked->text, "%s", end->text);
}

static void asked_global(void *context, const struct gobgp_global *global)
{
    ((struct asked *)context)->global = *global;
}

static void asked_peer(void *context, const struct gobgp_peer *peer)
{
    struct asked *asked = context;

    asked->peers[asked->peer_count++] = *peer;
}

static void asked_station(void *context, const struct gobgp_station *station)
{
    (void)station;
    ((struct asked *)context)->station_count++;
}

static void asked_session(void *context, const struct prefix *address, enum gobgp_session session)
{
    (void)address;
    ((struct asked *)context)->sessions_lost += session != SESSION_ESTABLISHED;
}

static struct gobgp_handler ask(struct asked *asked)
{
    *asked = (struct asked){0};
    return (struct gobgp_handler){asked,         asked_end,  asked_global,
                                  asked_station, asked_peer, asked_session};
}

static struct endpoint endpoint_of(int number)
{
    static char paths[GOBGPDS][100], texts[GOBGPDS][400];

    api_path(number, paths[number], sizeof paths[number]);
    (void)snprintf(texts[number], sizeof texts[number], "unix:%s", paths[number]);
    return (struct endpoint){.is_unix = true, .path = paths[number], .text = texts[number]};
}

static struct asked peers_of(int number)
{
    struct asked asked;
    struct gobgp_handler handler = ask(&asked);

    ck_assert_ptr_nonnull(gobgp_list_peers(t.api[number], &handler));
    WAIT_UNTIL(asked.done, 10);
    return asked;
}

static struct asked global_of(int number)
{
    struct asked asked;
    struct gobgp_handler handler = ask(&asked);

    ck_assert_ptr_nonnull(gobgp_get(t.api[number], &handler));
    WAIT_UNTIL(asked.done, 10);
    return asked;
}

static void wait_for_api(int number)
{
    for (int tries = 0; tries < 100; tries++) {
        if (global_of(number).outcome == GOBGP_DONE)
            return;
        run_for(50);
    }
    ck_abort_msg("gobgpd %d does not answer", number);
}

/* ---- The speaker ---- */

static struct prefix address_of(const char *text)
{
    struct prefix address;

    ck_assert(address_parse(text, &address));
    return address;
}

static struct speaker_neighbour neighbour(const char *name, const char *address, uint32_t asn)
{
    return (struct speaker_neighbour){
        .name = name,
        .wanted =
            {
                .address = address_of(address),
                .port = t.bgp_port,
                .asn = asn,
                .families = {true, true, true},
                .password = "",
                .hold_time_s = 90,
            },
    };
}

static void on_peer(void *context, const struct speaker_peer *peer)
{
    (void)context;
    t.peers[peer->index] = *peer;
    (void)snprintf(t.errors[peer->index], sizeof t.errors[0], "%s", peer->last_error);
    t.told++;
}

static struct speaker_options options_with(const struct speaker_neighbour *list, size_t count)
{
    return (struct speaker_options){
        .base = t.base,
        .log = &t.log,
        .api = endpoint_of(0),
        .manage = true,
        .asn = OURS,
        .router_id = address_of("10.0.0.1"),
        .station_address = address_of("127.0.0.1"),
        .station_port = t.station_port,
        .station_is_new = true,
        .neighbours = list,
        .neighbour_count = count,
        .on_peer = on_peer,
    };
}

static void start_speaker(const struct speaker_options *options)
{
    t.speaker = speaker_new(options);
}

static void stop_speaker(void)
{
    speaker_free(t.speaker);
    t.speaker = NULL;
}

/* How often the words stand in our log. */
static unsigned logged(const char *words)
{
    static char text[1 << 16];
    unsigned count = 0;
    int fd = open(t.log_path, O_RDONLY);
    ssize_t length = read(fd, text, sizeof text - 1);

    (void)close(fd);
    ck_assert_int_ge(length, 0);
    text[length] = '\0';
    for (const char *at = text; (at = strstr(at, words)); at++)
        count++;
    return count;
}

static void setup(void)
{
    memset(&t, 0, sizeof t);
    (void)signal(SIGPIPE, SIG_IGN);
    grpc_init();
    (void)snprintf(t.folder, sizeof t.folder, "/tmp/altimeter-speaker-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(t.folder));
    (void)snprintf(t.log_path, sizeof t.log_path, "%s/our.log", t.folder);
    t.log = (struct log){LEVEL_INFO, open(t.log_path, O_WRONLY | O_CREAT | O_APPEND, 0600), false};
    t.base = event_base_new();
    t.station_port = listen_anywhere(&t.station);
    t.bgp_port = free_port();
    for (int i = 0; i < GOBGPDS; i++) {
        struct endpoint api = endpoint_of(i);
        t.api[i] = gobgp_new(t.base, &api);
    }
}

static void teardown(void)
{
    char command[100];

    speaker_free(t.speaker);
    for (int i = 0; i < GOBGPDS; i++) {
        gobgp_free(t.api[i]);
        if (t.pids[i])
            kill_gobgpd(i);
    }
    evconnlistener_free(t.station);
    event_base_free(t.base);
    (void)close(t.log.fd);
    (void)snprintf(command, sizeof command, "rm -r %s", t.folder);
    ck_assert_int_eq(system(command), 0); // NOLINT(cert-env33-c)
    grpc_shutdown_blocking();
}

static void check_is_as_wanted(void)
{
    struct asked global = global_of(0), peers = peers_of(0), stations;
    struct gobgp_handler handler = ask(&stations);

    ck_assert_uint_eq(global.global.asn, OURS);
    ck_assert_int_eq(global.global.listen_port, -1);
    ck_assert_uint_eq(peers.peer_count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct gobgp_neighbour *is = &peers.peers[i].neighbour;
        ck_assert_uint_eq(is->port, t.bgp_port);
        ck_assert_uint_eq(is->hold_time_s, 90);
        ck_assert(is->families[0] && is->families[1] && is->families[2]);
        ck_assert(!peers.peers[i].other_families);
    }
    (void)gobgp_list_stations(t.api[0], &handler);
    WAIT_UNTIL(stations.done, 10);
    ck_assert_uint_eq(stations.station_count, 1);
}

START_TEST(fills_an_empty_gobgpd_and_fills_it_again)
{
    struct speaker_neighbour list[] = {neighbour("one", "127.0.0.2", OURS),
                                       neighbour("two", "127.0.0.3", OURS)};
    struct speaker_options options = options_with(list, 2);

    start_gobgpd(0);
    start_speaker(&options);
    WAIT_UNTIL(speaker_api(t.speaker), 10);
    check_is_as_wanted();
    ck_assert_uint_eq(t.station_connections, 1); // before the neighbours: L-144
    WAIT_UNTIL(t.told >= 4, 10);
    ck_assert(!t.peers[0].up);

    kill_gobgpd(0);
    WAIT_UNTIL(!speaker_api(t.speaker), 10);
    start_gobgpd(0);
    WAIT_UNTIL(speaker_api(t.speaker), 20);
    check_is_as_wanted();
    ck_assert_uint_eq(logged("neighbour added to gobgpd: peer=one"), 2);
    ck_assert_uint_eq(logged("gobgpd is not reachable"), 1 + (logged("No such file") > 0));
}
END_TEST

START_TEST(does_nothing_twice)
{
    struct speaker_neighbour list[] = {neighbour("one", "127.0.0.2", OURS),
                                       neighbour("two", "127.0.0.3", OURS)};
    struct speaker_options options = options_with(list, 2);

    start_gobgpd(0);
    wait_for_api(0);
    start_speaker(&options);
    WAIT_UNTIL(speaker_api(t.speaker), 10);
    stop_speaker();
    start_speaker(&options);
    WAIT_UNTIL(speaker_api(t.speaker), 10);
    run_for(2500); // some polls
    check_is_as_wanted();
    ck_assert_uint_eq(logged("neighbour added"), 2);
    ck_assert_uint_eq(logged("neighbour changed"), 0);
    ck_assert_uint_eq(logged("configured otherwise"), 0);
    ck_assert_uint_eq(t.station_connections, 2); // the second run's station had no connection yet
}
END_TEST

START_TEST(changes_what_is_otherwise)
{
    struct speaker_neighbour list[] = {neighbour("one", "127.0.0.2", OURS),
                                       neighbour("two", "127.0.0.3", OURS)};
    struct speaker_neighbour before[] = {neighbour("one", "127.0.0.2", OURS + 1),
                                         neighbour("old", "127.0.0.9", OURS)};
    struct speaker_options options = options_with(before, 2);

    start_gobgpd(0);
    options.asn = OURS + 9;
    start_speaker(&options);
    WAIT_UNTIL(speaker_api(t.speaker), 10);
    stop_speaker();
    options = options_with(before, 2); // the AS, the neighbours as they were
    start_speaker(&options);
    WAIT_UNTIL(speaker_api(t.speaker), 40);
    ck_assert_uint_eq(logged("gobgpd is configured otherwise and is changed"), 1);
    stop_speaker();
    options = options_with(list, 2); // the neighbours
    options.station_is_new = false;
    start_speaker(&options);
    WAIT_UNTIL(speaker_api(t.speaker), 10);
    check_is_as_wanted();
    ck_assert_uint_eq(logged("neighbour changed in gobgpd: peer=one"), 1);
    ck_assert_uint_eq(logged("is not configured, and is removed: address=127.0.0.9"), 1);
    ck_assert_uint_eq(logged("neighbour added to gobgpd: peer=two"), 1);

    // somebody's hand on it
    struct asked asked;
    struct gobgp_handler handler = ask(&asked);
    struct prefix address = address_of("127.0.0.3");
    (void)gobgp_delete_peer(t.api[0], &address, &handler);
    WAIT_UNTIL(logged("neighbour added to gobgpd: peer=two") == 2, 10);
}
END_TEST

START_TEST(without_manage_says_what_is_missing)
{
    struct speaker_neighbour list[] = {neighbour("one", "127.0.0.2", OURS),
                                       neighbour("two", "127.0.0.3", OURS)};
    struct speaker_options options = options_with(list, 2);

    start_gobgpd(0);
    options.manage = false;
    start_speaker(&options);
    WAIT_UNTIL(logged("its AS is 0 (not started); 64500 is expected, and speaker.manage is false"),
               10);
    stop_speaker();

    struct speaker_neighbour less = list[0];
    less.wanted.families[STATE_LINK_STATE] = false;
    options = options_with(&less, 1);
    options.station_port = free_port();
    struct evconnlistener *station; // where the other one's station is
    station = NULL;
    options.station_port = listen_anywhere(&station);
    start_speaker(&options);
    WAIT_UNTIL(speaker_api(t.speaker), 10);
    stop_speaker();
    options = options_with(list, 2);
    options.manage = false;
    start_speaker(&options);
    WAIT_UNTIL(logged("peer=two"), 10);
    run_for(2500);
    ck_assert_uint_eq(logged("gobgpd does not feed our BMP station"), 1);
    ck_assert_uint_eq(
        logged("peer=one reason=\"gobgpd has it without link-state, and speaker.manage "
               "is false\""),
        1);
    ck_assert_uint_eq(logged("peer=two reason=\"gobgpd does not have this neighbour, and "
                             "speaker.manage is false\""),
                      1);
    ck_assert_uint_eq(peers_of(0).peer_count, 1); // untouched
    evconnlistener_free(station);
}
END_TEST

START_TEST(says_once_that_gobgpd_is_absent)
{
    struct speaker_neighbour list[] = {neighbour("one", "127.0.0.2", OURS)};
    struct speaker_options options = options_with(list, 1);

    start_speaker(&options);
    run_for(3000);
    ck_assert_uint_eq(logged("gobgpd is not reachable"), 1);
    ck_assert_ptr_nonnull(strstr(t.errors[0], "No such file or directory"));
    start_gobgpd(0);
    WAIT_UNTIL(speaker_api(t.speaker), 20);
    ck_assert_uint_eq(logged("gobgpd is as configured"), 1);
}
END_TEST

/* _i 0: a gRPC server that is no GoBGP; 1: GoBGP 4. */
START_TEST(says_that_it_is_not_gobgp_3)
{
    static const char *const words[] = {
        "what answers there is not GoBGP (apipb.GobgpApi): unknown service",
        "GoBGP 4's API (api.GoBgpService) answers there; GoBGP 3's (apipb.GobgpApi) is expected",
    };
    struct speaker_options options = options_with(NULL, 0);
    int port;
    struct grpc_server_test *server = grpc_server_test_start(options.api.text, &port);

    grpc_server_test_as_gobgp_4(server, _i == 1);
    start_speaker(&options);
    WAIT_UNTIL(logged(words[_i]), 10);
    run_for(2000);
    ck_assert_uint_eq(logged("gobgpd cannot be used"), 1);
    grpc_server_test_stop(server);
    WAIT_UNTIL(logged("gobgpd is not reachable"), 10);
}
END_TEST

START_TEST(a_refused_neighbour_costs_only_itself)
{
    struct speaker_neighbour list[] = {neighbour("one", "127.0.0.2", OURS),
                                       neighbour("twin", "127.0.0.2", OURS),
                                       neighbour("two", "127.0.0.3", OURS)};
    struct speaker_options options = options_with(list, 3);

    start_gobgpd(0);
    start_speaker(&options);
    WAIT_UNTIL(speaker_api(t.speaker), 10);
    run_for(2500);
    ck_assert_uint_eq(
        logged("neighbour cannot come up: peer=twin reason=\"gobgpd refuses it: can't "
               "overwrite the existing peer: 127.0.0.2\""),
        1);
    ck_assert_uint_eq(peers_of(0).peer_count, 2);
}
END_TEST

/* ---- With sessions ---- */

static struct {
    unsigned routes, gone, loaded;
    struct route last;
    char as_path[64];
} routes;

static void take_route(void *context, const struct update *update)
{
    (void)context;
    if (update->kind == UPDATE_ROUTE) {
        routes.routes++;
        routes.last = *update->route;
        (void)snprintf(routes.as_path, sizeof routes.as_path, "%s",
                       update->route->attributes->as_path);
    } else if (update->kind == UPDATE_ROUTE_GONE) {
        routes.gone++;
    }
}

static void on_loaded(void *context, int64_t peer_id, enum state_family family)
{
    (void)context;
    ck_assert_int_eq(peer_id, 7);
    ck_assert_int_eq(family, STATE_IPV4_UNICAST);
    routes.loaded++;
}

/* A gobgpd that plays a neighbour of ours, in AS 64501 or 64502, at 127.0.0.2 or 127.0.0.3. */
static void start_neighbour(int number)
{
    char address[16];
    struct prefix listen;
    struct asked asked;
    struct gobgp_handler handler = ask(&asked);

    (void)snprintf(address, sizeof address, "127.0.0.%d", number + 1);
    listen = address_of(address);
    start_gobgpd(number);
    wait_for_api(number);
    struct gobgp_global global = {.asn = OURS + (uint32_t)number,
                                  .router_id = listen,
                                  .listen_port = t.bgp_port,
                                  .listens = &listen,
                                  .listen_count = 1};
    (void)gobgp_start(t.api[number], &global, &handler);
    WAIT_UNTIL(asked.done, 10);
    ck_assert_str_eq(asked.text, "");
    struct gobgp_neighbour us = {.address = address_of("127.0.0.1"),
                                 .port = t.bgp_port,
                                 .asn = OURS,
                                 .families = {true, true, true},
                                 .password = "",
                                 .hold_time_s = 90,
                                 .passive = true};
    handler = ask(&asked);
    (void)gobgp_add_peer(t.api[number], &us, OURS + (uint32_t)number, &handler);
    WAIT_UNTIL(asked.done, 10);
    ck_assert_str_eq(asked.text, "");
}

/* By GoBGP's own command: what the neighbour originates. */
static void neighbour_route(int number, const char *verb, const char *prefix)
{
    char command[300], path[100];

    api_path(number, path, sizeof path);
    (void)snprintf(command, sizeof command,
                   "gobgp --target unix://%s global rib %s %s nexthop 192.0.2.1 > /dev/null", path,
                   verb, prefix);
    ck_assert_int_eq(system(command), 0); // NOLINT(cert-env33-c)
}

static uint64_t received_by(int number)
{
    struct asked asked = peers_of(number);

    return asked.peer_count ? asked.peers[0].families[STATE_IPV4_UNICAST].received : 0;
}

static const struct {
    int64_t took_us;
    bool loaded;
    unsigned pause_ms;
    const char *why;
} pauses[] = {
    {0, true, 1000, "none was made yet"},
    {2000, true, 1000, "a small table: once a second"},
    {30000, true, 3000, "a hundredth of gobgpd's time"},
    {250000, true, 25000, "two full tables"},
    {250000, false, 2500, "a tenth while one is loading"},
    {5000000, true, 30000, "never less often"},
};

START_TEST(l149_asks_less_often_what_takes_long)
{
    ck_assert_msg(speaker_poll_ms(pauses[_i].took_us, pauses[_i].loaded) == pauses[_i].pause_ms,
                  "%s", pauses[_i].why);
}
END_TEST

START_TEST(keeps_sessions_and_reads_their_routes)
{
    struct speaker_neighbour list[] = {neighbour("one", "127.0.0.2", OURS + 1),
                                       neighbour("two", "127.0.0.3", OURS + 2)};
    struct speaker_options options = options_with(list, 2);
    struct route_reader_options reader_options = {.log = &t.log,
                                                  .sink = {NULL, take_route},
                                                  .assume_end_of_rib_us = 30000000,
                                                  .on_loaded = on_loaded};
    struct route_reader *reader = route_reader_new(&reader_options);
    struct prefix one = address_of("127.0.0.2");
    struct asked watched;
    struct gobgp_handler handler = ask(&watched);

    memset(&routes, 0, sizeof routes);
    list[0].wanted.local_address = list[1].wanted.local_address = address_of("127.0.0.1");
    start_neighbour(1);
    start_neighbour(2);
    neighbour_route(1, "add", "198.51.100.0/24");
    neighbour_route(1, "add", "203.0.113.0/24");
    start_gobgpd(0);
    start_speaker(&options);
    WAIT_UNTIL(t.peers[0].up && t.peers[1].up, 40);
    ck_assert_int_eq(t.peers[0].session, SESSION_ESTABLISHED);
    WAIT_UNTIL(t.peers[0].families[STATE_IPV4_UNICAST].received == 2, 10);
    WAIT_UNTIL(t.peers[0].router_id.bytes[3] == 2, 10);

    // L-098: what one neighbour says is not told to the other
    ck_assert_uint_eq(received_by(2), 0);

    // another start of our side leaves the sessions alone
    (void)gobgp_watch(t.api[0], &handler);
    stop_speaker();
    start_speaker(&options);
    WAIT_UNTIL(speaker_api(t.speaker), 10);
    run_for(2500);
    ck_assert_uint_eq(watched.sessions_lost, 0);
    ck_assert(!watched.done);

    // the table, and then what has changed
    route_reader_set_speaker(reader, t.speaker);
    route_reader_begin(reader, 7, &one, STATE_IPV4_UNICAST);
    t.peers[0].families[STATE_IPV4_UNICAST].end_of_rib = true;
    route_reader_peer(reader, 7, &t.peers[0]);
    WAIT_UNTIL(routes.loaded == 1, 10);
    ck_assert_uint_eq(routes.routes, 2);
    ck_assert_str_eq(routes.as_path, "64501");
    neighbour_route(1, "del", "198.51.100.0/24");
    WAIT_UNTIL(t.peers[0].families[STATE_IPV4_UNICAST].received == 1, 10);
    for (int i = 0; i < 70 && !routes.gone; i++) { // no sooner than five seconds after the first
        route_reader_peer(reader, 7, &t.peers[0]);
        run_for(100);
    }
    ck_assert_uint_eq(routes.gone, 1);
    ck_assert_uint_eq(routes.loaded, 1);
    route_reader_free(reader);

    // a session ends: known at once, by the watch
    kill_gobgpd(1);
    WAIT_UNTIL(!t.peers[0].up, 2);
    ck_assert_uint_eq(t.peers[0].families[STATE_IPV4_UNICAST].received, 0);
    ck_assert_ptr_nonnull(strstr(t.errors[0], "session ended"));
    ck_assert(t.peers[1].up);

    // L-143: gobgpd dies twice just after link state of one neighbour
    speaker_heard_link_state(t.speaker, 1);
    kill_gobgpd(0);
    WAIT_UNTIL(!t.peers[1].up, 5);
    ck_assert_uint_eq(logged("gobgpd ended while link state came in: peer=two"), 1);
    start_gobgpd(0);
    WAIT_UNTIL(t.peers[1].up, 40);
    speaker_heard_link_state(t.speaker, 1);
    kill_gobgpd(0);
    WAIT_UNTIL(!t.peers[1].up, 5);
    ck_assert_uint_eq(logged("neighbour taken down: peer=two"), 1);
    start_gobgpd(0);
    WAIT_UNTIL(speaker_api(t.speaker), 20);
    WAIT_UNTIL(strstr(t.errors[1], "taken down: "), 5);
    ck_assert_uint_eq(peers_of(0).peer_count, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("speaker");
    TCase *cases = tcase_create("gobgpd");
    SRunner *runner = srunner_create(suite);

    if (system("command -v gobgpd > /dev/null") != 0) // NOLINT(cert-env33-c)
        return 77;                                    // of meson: skipped
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, fills_an_empty_gobgpd_and_fills_it_again);
    tcase_add_test(cases, does_nothing_twice);
    tcase_add_test(cases, changes_what_is_otherwise);
    tcase_add_test(cases, without_manage_says_what_is_missing);
    tcase_add_test(cases, says_once_that_gobgpd_is_absent);
    tcase_add_loop_test(cases, says_that_it_is_not_gobgp_3, 0, 2);
    tcase_add_test(cases, a_refused_neighbour_costs_only_itself);
    tcase_add_loop_test(cases, l149_asks_less_often_what_takes_long, 0,
                        sizeof pauses / sizeof *pauses);
    tcase_add_test(cases, keeps_sessions_and_reads_their_routes);
    suite_add_tcase(suite, cases);
    // the library's threads do not survive a fork: each test runs in this process
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
