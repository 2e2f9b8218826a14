/* altimeter-collector: keeps state.db true to what the network says.
 *
 *     gobgpd ──BMP──▶ station ──▶ ┌──────┐
 *                                 │ feed │ ──▶ recorder ──▶ state.db
 *     gobgpd ◀─gRPC─▶ speaker ──▶ └──────┘
 *              └────▶ route_reader ─┘
 *
 * main reads the configuration and joins these; all but the recorder's writing and gRPC's own threads happens in
 * one libevent loop. The BMP station listens before the speaker begins, so that gobgpd finds it (L-144).
 *
 * SIGHUP: the new configuration is read whole before anything of the old one goes. What needs a restart (where
 * state.db is, where the station listens) is said; the rest is taken over, sessions that stay as they were do
 * not notice. */
#include "bmp_station.h"
#include "feed.h"
#include "lib/arena.h"
#include "lib/config.h"
#include "lib/log.h"
#include "lib/options.h"
#include "lib/text.h"
#include "recorder.h"
#include "route_reader.h"
#include "speaker.h"
#include "station_meters.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <grpc/grpc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

enum {
    TICK_MS = 100,       // of the feed: when loads are complete
    METER_TICKS = 10,    // between two looks at the counters
    PASSWORD_LIMIT = 80, // octets: what TCP MD5 takes (RFC 2385; TCP_MD5SIG_MAXKEYLEN)
};

static const struct program program = {
    .name = "altimeter-collector",
    .summary = "Holds, durably, what the network says now: takes link state and routes from route "
               "reflectors through gobgpd and writes state.db.",
    .notes =
        "Signals: SIGHUP reads the configuration again (a bad file leaves the old one in force);\n"
        "SIGTERM and SIGINT write what is pending and leave. gobgpd is left as it is.\n",
};

struct collector {
    const char *config_path;
    struct config *config;
    struct log log;
    struct event_base *base;
    struct event *signals[3], *tick;
    unsigned ticks;
    struct recorder *recorder;
    struct feed *feed;
    struct route_reader *reader;
    struct bmp_station *station;
    struct speaker *speaker; // NULL while the configuration is read again
    // the neighbours as configured now
    struct arena *arena;
    struct feed_neighbour *neighbours;
    struct speaker_neighbour *wanted;
};

static int64_t steady_us(void *context)
{
    (void)context;
    return text_steady_us();
}

/* ---- Neighbours from the configuration ---- */

/* The first line of a file that only its owner can read. */
static const char *read_password(const char *path, struct arena *arena, struct error *err)
{
    char line[PASSWORD_LIMIT + 2];
    struct stat status;
    const char *password = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        error_errno(err, errno, "password_file %s", path);
        return NULL;
    }
    ssize_t length = fstat(fd, &status) == 0 ? read(fd, line, sizeof line) : -1;
    if (length < 0) {
        error_errno(err, errno, "password_file %s", path);
        goto done;
    }
    if (status.st_mode & (S_IRWXG | S_IRWXO)) {
        error_set(err, ERROR_INPUT, "password_file %s: mode %04o; 0600 expected", path,
                  (unsigned)status.st_mode & 07777U);
        goto done;
    }
    size_t used = 0;
    while (used < (size_t)length && line[used] != '\n' && line[used] != '\0')
        used++;
    if (used == 0 || used > PASSWORD_LIMIT) {
        error_set(err, ERROR_INPUT, "password_file %s: 1 to %d octets expected in its first line",
                  path, PASSWORD_LIMIT);
        goto done;
    }
    password = arena_text(arena, line, used);
done:
    (void)close(fd);
    return password;
}

/* What the feed and the speaker each want to know of the neighbours; without peer_ids yet. */
static bool list_neighbours(const struct config *config, struct arena *arena,
                            struct feed_neighbour **neighbours, struct speaker_neighbour **wanted,
                            struct error *err)
{
    size_t count = config->speaker.neighbour_count;
    struct feed_neighbour *list = arena_alloc(arena, count, sizeof *list);
    struct speaker_neighbour *speakers = arena_alloc(arena, count, sizeof *speakers);

    for (size_t i = 0; i < count; i++) {
        const struct config_neighbour *given = &config->speaker.neighbours[i];
        const char *password = "";

        if (given->password_file && !(password = read_password(given->password_file, arena, err)))
            return error_in(err, "neighbour %s", given->name);
        list[i] = (struct feed_neighbour){
            .name = given->name,
            .address = given->address,
            .sources = {given->unicast, given->unicast, SOURCE_BMP}, // L-148
        };
        memcpy(list[i].families, given->families, sizeof list[i].families);
        speakers[i] = (struct speaker_neighbour){
            .name = given->name,
            .wanted =
                {
                    .address = given->address,
                    .port = given->port,
                    .asn = given->asn,
                    .local_address = given->local_address,
                    .password = password,
                    .hold_time_s = given->hold_time_s,
                    .passive = given->passive,
                },
        };
        memcpy(speakers[i].wanted.families, given->families, sizeof given->families);
    }
    *neighbours = list;
    *wanted = speakers;
    return true;
}

/* Makes the peers known to the recorder, and the feed's list with the numbers that it gave. */
static void set_neighbours(struct collector *collector)
{
    size_t count = collector->config->speaker.neighbour_count;
    struct arena *arena = arena_new();
    struct recorder_peer *peers = arena_alloc(arena, count, sizeof *peers);
    int64_t *peer_ids = arena_alloc(arena, count, sizeof *peer_ids);

    for (size_t i = 0; i < count; i++) {
        const struct feed_neighbour *neighbour = &collector->neighbours[i];
        char text[PREFIX_TEXT_SIZE];

        address_format(&neighbour->address, text);
        peers[i] = (struct recorder_peer){.name = neighbour->name,
                                          .address = arena_text(arena, text, strlen(text))};
        memcpy(peers[i].families, neighbour->families, sizeof peers[i].families);
        memcpy(peers[i].sources, neighbour->sources, sizeof peers[i].sources);
    }
    recorder_set_peers(collector->recorder, peers, count, peer_ids);
    for (size_t i = 0; i < count; i++)
        collector->neighbours[i].peer_id = peer_ids[i];
    feed_set_neighbours(collector->feed, collector->neighbours, count);
    arena_free(arena);
}

/* ---- What the parts ask of each other ---- */

static void heard_link_state(void *context, size_t index)
{
    struct collector *collector = context;

    if (collector->speaker)
        speaker_heard_link_state(collector->speaker, index);
}

static bool admits(void *context, size_t index)
{
    struct collector *collector = context;

    return collector->speaker && speaker_admits(collector->speaker, index);
}

static void renew(void *context, size_t index)
{
    struct collector *collector = context;

    if (collector->speaker)
        speaker_renew(collector->speaker, index);
    else // the configuration is read again: the next speaker sees to it
        collector->wanted[index].renew = true;
}

static void lost_station(void *context)
{
    struct collector *collector = context;

    if (collector->speaker)
        speaker_renew_station(collector->speaker);
}

static void begin_routes(void *context, int64_t peer_id, const struct prefix *address,
                         enum state_family family)
{
    struct collector *collector = context;

    route_reader_begin(collector->reader, peer_id, address, family);
}

static void end_routes(void *context, int64_t peer_id, enum state_family family)
{
    struct collector *collector = context;

    route_reader_end(collector->reader, peer_id, family);
}

static void on_loaded(void *context, int64_t peer_id, enum state_family family)
{
    struct collector *collector = context;

    feed_grpc_loaded(collector->feed, peer_id, family);
}

static void on_speaker_peer(void *context, const struct speaker_peer *peer)
{
    struct collector *collector = context;

    feed_speaker_peer(collector->feed, peer);
    route_reader_peer(collector->reader, collector->neighbours[peer->index].peer_id, peer);
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
    struct collector *collector = context;

    (void)fd;
    (void)what;
    feed_tick(collector->feed);
    if (++collector->ticks % METER_TICKS == 0)
        station_meters_give(collector->station, collector->recorder);
}

/* ---- Start, reload, stop ---- */

/* Where gobgpd finds the station. */
static struct prefix station_address(const struct config *config)
{
    struct prefix address = config->bmp.listen.address, any = {.family = address.family};

    if (memcmp(address.bytes, any.bytes, sizeof any.bytes) == 0) // it listens everywhere
        (void)address_parse(address.family == FAMILY_IPV4 ? "127.0.0.1" : "::1", &address);
    return address;
}

static void start_speaker(struct collector *collector, bool station_is_new)
{
    const struct config *config = collector->config;
    struct speaker_options options = {
        .base = collector->base,
        .log = &collector->log,
        .api = config->speaker.api,
        .manage = config->speaker.manage,
        .asn = config->speaker.asn,
        .router_id = config->speaker.router_id,
        .listen_address = config->speaker.listen_address,
        .listen_port = config->speaker.listen_port,
        .station_address = station_address(config),
        .station_port = bmp_station_port(collector->station),
        .station_is_new = station_is_new,
        .neighbours = collector->wanted,
        .neighbour_count = config->speaker.neighbour_count,
        .context = collector,
        .on_peer = on_speaker_peer,
    };

    collector->speaker = speaker_new(&options);
    route_reader_set_speaker(collector->reader, collector->speaker);
}

static bool start_recorder(struct collector *collector, struct error *err)
{
    const struct config *config = collector->config;
    struct recorder_options options = {
        .path = config->state.database,
        .keep_tombstones_us = config->state.keep_tombstones_us,
        .hold_us = config->collector.hold_us,
        .heartbeat_us = config->collector.heartbeat_us,
        .batch_us = config->collector.batch_us,
        .meter_us = config->collector.meter_us,
        .batch_size = config->collector.batch_size,
        .max_routes = config->collector.max_routes,
        .max_link_state = config->collector.max_link_state,
        .local_asn = config->speaker.asn,
        .log = &collector->log,
    };

    collector->recorder = recorder_start(&options, err);
    return collector->recorder != NULL;
}

static void start_feed(struct collector *collector)
{
    int64_t assume_us = collector->config->collector.assume_end_of_rib_us;
    struct feed_options feed = {
        .log = &collector->log,
        .sink = recorder_sink(collector->recorder),
        .doors = {collector, heard_link_state, admits, renew, lost_station, begin_routes,
                  end_routes},
        .assume_end_of_rib_us = assume_us,
        .steady_us = steady_us,
    };

    collector->feed = feed_new(&feed);
    struct route_reader_options reader = {
        .log = &collector->log,
        .sink = feed_grpc_sink(collector->feed),
        .assume_end_of_rib_us = assume_us,
        .on_loaded = on_loaded,
        .context = collector,
    };
    collector->reader = route_reader_new(&reader);
    set_neighbours(collector);
}

static bool start(struct collector *collector, struct error *err)
{
    const struct timeval tick = {0, (suseconds_t)TICK_MS * 1000};
    struct arena *arena = arena_new();

    collector->arena = arena;
    if (!list_neighbours(collector->config, arena, &collector->neighbours, &collector->wanted,
                         err) ||
        !start_recorder(collector, err))
        return false;
    start_feed(collector);
    struct bmp_handler handler = feed_bmp_handler(collector->feed);
    collector->station = bmp_station_new(collector->base, &collector->config->bmp.listen, &handler,
                                         &collector->log, err);
    if (!collector->station)
        return error_in(err, "BMP station");
    collector->tick = event_new(collector->base, -1, EV_PERSIST, on_tick, collector);
    if (!collector->tick || event_add(collector->tick, &tick) != 0)
        return error_set(err, ERROR_SYSTEM, "no timer to be had");
    start_speaker(collector, true);
    return true;
}

/* What the new configuration says of things that are made once. */
static void say_what_needs_restart(const struct collector *collector, const struct config *config)
{
    const struct config *old = collector->config;

    if (strcmp(old->state.database, config->state.database) != 0)
        log_warning(&collector->log, "state.directory is taken over at the next start only");
    if (strcmp(old->bmp.listen.text, config->bmp.listen.text) != 0)
        log_warning(&collector->log, "bmp.listen is taken over at the next start only");
    if (old->collector.hold_us != config->collector.hold_us ||
        old->collector.assume_end_of_rib_us != config->collector.assume_end_of_rib_us ||
        old->collector.heartbeat_us != config->collector.heartbeat_us ||
        old->collector.batch_us != config->collector.batch_us ||
        old->collector.batch_size != config->collector.batch_size ||
        old->collector.max_routes != config->collector.max_routes ||
        old->collector.max_link_state != config->collector.max_link_state ||
        old->collector.meter_us != config->collector.meter_us)
        log_warning(&collector->log, "collector.* is taken over at the next start only");
}

static void reload(struct collector *collector)
{
    struct error err;
    struct arena *arena = arena_new();
    struct config *config = config_load(collector->config_path, NULL, &err);
    struct feed_neighbour *neighbours;
    struct speaker_neighbour *wanted;

    if (!config || !list_neighbours(config, arena, &neighbours, &wanted, &err)) {
        log_error(&collector->log, "configuration not read, the old one stays in force: %s",
                  err.text);
        config_free(config);
        arena_free(arena);
        return;
    }
    say_what_needs_restart(collector, config);
    route_reader_set_speaker(collector->reader, NULL);
    speaker_free(collector->speaker);
    collector->speaker = NULL;
    struct config *old_config = collector->config;
    struct arena *old_arena = collector->arena;
    collector->config = config;
    collector->arena = arena;
    collector->neighbours = neighbours;
    collector->wanted = wanted;
    collector->log.level = config->log.level;
    recorder_set_local_asn(collector->recorder, config->speaker.asn);
    set_neighbours(collector);
    config_free(old_config);
    arena_free(old_arena);
    start_speaker(collector, false);
    log_info(&collector->log, "configuration read again: file=%s neighbours=%zu",
             collector->config_path, config->speaker.neighbour_count);
}

static void on_signal(evutil_socket_t number, short what, void *context)
{
    struct collector *collector = context;

    (void)what;
    if (number == SIGHUP) {
        (void)sd_notify(0, "RELOADING=1");
        reload(collector);
        (void)sd_notify(0, "READY=1");
        return;
    }
    log_info(&collector->log, "leaving: signal=%s", number == SIGTERM ? "SIGTERM" : "SIGINT");
    (void)event_base_loopbreak(collector->base);
}

static bool take_signals(struct collector *collector, struct error *err)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};

    (void)signal(SIGPIPE, SIG_IGN); // who goes away is an error of write(2)
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        collector->signals[i] = evsignal_new(collector->base, numbers[i], on_signal, collector);
        if (!collector->signals[i] || event_add(collector->signals[i], NULL) != 0)
            return error_set(err, ERROR_SYSTEM, "no signal handler to be had");
    }
    return true;
}

/* From the outside inwards. No session is said to be down: the next start takes all of them as lost. */
static void stop(struct collector *collector)
{
    bmp_station_free(collector->station);
    route_reader_free(collector->reader);
    speaker_free(collector->speaker);
    feed_free(collector->feed);
    recorder_stop(collector->recorder);
    if (collector->tick)
        event_free(collector->tick);
    for (size_t i = 0; i < sizeof collector->signals / sizeof *collector->signals; i++) {
        if (collector->signals[i])
            event_free(collector->signals[i]);
    }
    event_base_free(collector->base);
    config_free(collector->config);
    arena_free(collector->arena);
}

int main(int argc, char **argv)
{
    struct collector collector = {.log = log_default()};
    struct options options;
    struct error err;
    int status;

    if (!options_start(&program, argc, argv, &options, &status))
        return status;
    collector.config_path = options.config_path;
    collector.config = config_load(options.config_path, stderr, &err);
    if (!collector.config)
        return EXIT_FAILURE; // every mistake has been written
    collector.log.level = collector.config->log.level;
    collector.base = event_base_new();
    if (!collector.base)
        error_fatal("no event base to be had");
    grpc_init();
    bool ok = take_signals(&collector, &err) && start(&collector, &err);
    if (ok) {
        (void)sd_notify(0, "READY=1");
        (void)event_base_dispatch(collector.base);
        (void)sd_notify(0, "STOPPING=1");
    } else {
        log_error(&collector.log, "cannot start: %s", err.text);
    }
    stop(&collector);
    grpc_shutdown_blocking();
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
