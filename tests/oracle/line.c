/* line: the collector's and the map generator's way in one process, at the pace of whoever writes to it.
 *
 *     BMP messages on stdin ──▶ bmp_session ──▶ feed ──▶ recorder ──▶ state.db ──▶ run ──▶ snapshots
 *
 * Nothing on the way is a stand-in: decoder, feed, recorder, state.db, model and maps are the programs' own, opened
 * from one altimeter.yaml. What is missing is gobgpd with its speaker, so each configured neighbour tells of itself
 * as a router that speaks BMP does. Time is given: loads are complete and maps are due when the orders say so, and
 * a scenario that takes ten seconds behind gobgpd takes as long as it computes.
 *
 * Orders, a line each; after each that is not `bmp` comes one line, "ok" or "failed: WHY":
 *
 *     bmp OCTETS     so many octets of BMP follow the line: whole messages
 *     pass SECONDS   time goes on, for the feed and for the map generator
 *     map            what was said is committed, and a map made of it: "ok SNAPSHOT'S-FILE"
 *     anew           the map generator is started anew: the next map is made from all of state.db
 */
#include "collector/bmp.h"
#include "collector/feed.h"
#include "collector/recorder.h"
#include "lib/config.h"
#include "lib/text.h"
#include "mapgen/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORDS = 4096, OCTETS_LIMIT = 64 << 20 };

struct line {
    struct config *config;
    struct log log;
    struct recorder *recorder;
    struct feed *feed;
    struct bmp_session *session;
    struct run *run;
    int64_t passed_us; // beyond the machine's clock
};

/* ---- What stands at the doors: nobody ---- */

static void heard_link_state(void *context, size_t index)
{
    (void)context;
    (void)index;
}

static bool admits(void *context, size_t index)
{
    (void)context;
    (void)index;
    return true;
}

static void renew(void *context, size_t index)
{
    (void)context;
    (void)index;
}

static void lost_station(void *context)
{
    (void)context;
}

static void begin_routes(void *context, int64_t peer_id, const struct prefix *address,
                         enum state_family family)
{
    (void)context;
    (void)peer_id;
    (void)address;
    (void)family;
}

static void end_routes(void *context, int64_t peer_id, enum state_family family)
{
    (void)context;
    (void)peer_id;
    (void)family;
}

/* ---- The line ---- */

static int64_t steady_us(void *context)
{
    const struct line *line = context;

    return text_steady_us() + line->passed_us;
}

static struct run_time time_of(struct line *line)
{
    return (struct run_time){text_now_us(), steady_us(line)};
}

static void set_neighbours(struct line *line)
{
    const struct config *config = line->config;
    size_t count = config->speaker.neighbour_count;
    struct arena *arena = arena_new();
    struct feed_neighbour *neighbours = arena_alloc(arena, count, sizeof *neighbours);
    struct recorder_peer *peers = arena_alloc(arena, count, sizeof *peers);
    int64_t *peer_ids = arena_alloc(arena, count, sizeof *peer_ids);

    for (size_t i = 0; i < count; i++) {
        const struct config_neighbour *given = &config->speaker.neighbours[i];
        char text[PREFIX_TEXT_SIZE];

        neighbours[i] = (struct feed_neighbour){
            .name = given->name,
            .address = given->address,
            .sources = {SOURCE_BMP, SOURCE_BMP, SOURCE_BMP},
        };
        memcpy(neighbours[i].families, given->families, sizeof given->families);
        address_format(&given->address, text);
        peers[i] = (struct recorder_peer){.name = given->name,
                                          .address = arena_text(arena, text, strlen(text))};
        memcpy(peers[i].families, given->families, sizeof given->families);
        memcpy(peers[i].sources, neighbours[i].sources, sizeof peers[i].sources);
    }
    recorder_set_peers(line->recorder, peers, count, peer_ids);
    for (size_t i = 0; i < count; i++)
        neighbours[i].peer_id = peer_ids[i];
    feed_set_neighbours(line->feed, neighbours, count);
    arena_free(arena);
}

static bool line_open(struct line *line, const char *path, struct error *err)
{
    const struct prefix nobody = {.family = FAMILY_IPV4, .length_bits = 32};

    line->log = log_default();
    line->config = config_load(path, stderr, err);
    if (!line->config)
        return false;
    line->log.level = line->config->log.level;
    const struct recorder_options recorder = {
        .path = line->config->state.database,
        .max_routes = line->config->collector.max_routes,
        .max_link_state = line->config->collector.max_link_state,
        .local_asn = line->config->speaker.asn,
        .log = &line->log,
    };
    line->recorder = recorder_start(&recorder, err);
    if (!line->recorder)
        return false;
    line->feed = feed_new(&(struct feed_options){
        .log = &line->log,
        .sink = recorder_sink(line->recorder),
        .doors = {line, heard_link_state, admits, renew, lost_station, begin_routes, end_routes},
        .assume_end_of_rib_us = line->config->collector.assume_end_of_rib_us,
        .steady_us = steady_us,
        .clock_context = line,
    });
    set_neighbours(line);
    struct bmp_handler handler = feed_bmp_handler(line->feed);
    line->session = bmp_session_new(&handler, &nobody, 0, NULL);
    line->run = run_new(line->config, &line->log, time_of(line));
    return true;
}

static void line_close(struct line *line)
{
    run_free(line->run);
    bmp_session_free(line->session);
    feed_free(line->feed);
    recorder_stop(line->recorder);
    config_free(line->config);
}

/* ---- Orders ---- */

static bool parse_count(const char *text, size_t limit, size_t *out)
{
    size_t value = 0;

    if (!*text)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || value > limit)
            return false;
        value = 10 * value + (size_t)(*text - '0');
    }
    *out = value;
    return value <= limit;
}

static bool take_bmp(struct line *line, size_t length, struct error *err)
{
    uint8_t *bytes = memory_alloc(length, 1);
    size_t taken = 0;
    bool ok = fread(bytes, 1, length, stdin) == length ||
              error_set(err, ERROR_INPUT, "fewer than %zu octets of BMP", length);

    ok = ok && bmp_session_feed(line->session, (struct octets){bytes, length}, text_now_us(),
                                &taken, err);
    free(bytes);
    return ok && (taken == length ||
                  error_set(err, ERROR_INPUT, "half a BMP message after %zu octets", taken));
}

static void pass(struct line *line, size_t seconds)
{
    line->passed_us += (int64_t)seconds * 1000000;
    feed_tick(line->feed);
    feed_tick(line->feed); // what was enough must hold for a moment
}

/* A step after the longest pause that the map generator makes: whatever has changed is due. */
static bool make_map(struct line *line, char *name, size_t size, struct error *err)
{
    char path[WORDS];

    if (!recorder_flush(line->recorder, err))
        return false;
    pass(line, 60);
    (void)run_step(line->run, time_of(line));
    (void)snprintf(path, sizeof path, "%s/current", line->config->snapshots.map_directory);
    ssize_t length = readlink(path, name, size - 1);
    if (length < 0)
        return error_set(err, ERROR_INPUT, "no snapshot");
    name[length] = '\0';
    return true;
}

static void start_anew(struct line *line)
{
    run_free(line->run);
    line->run = run_new(line->config, &line->log, time_of(line));
}

/* One order; what is to be answered, NULL: nothing. */
static bool take_order(struct line *line, char *order, char *answer, size_t size, struct error *err)
{
    size_t number;
    char *argument = strchr(order, ' ');

    if (argument)
        *argument++ = '\0';
    answer[0] = '\0';
    if (argument && strcmp(order, "bmp") == 0 && parse_count(argument, OCTETS_LIMIT, &number))
        return take_bmp(line, number, err);
    (void)snprintf(answer, size, "ok");
    if (argument && strcmp(order, "pass") == 0 && parse_count(argument, 1 << 20, &number)) {
        pass(line, number);
        return true;
    }
    if (!argument && strcmp(order, "anew") == 0) {
        start_anew(line);
        return true;
    }
    if (argument || strcmp(order, "map") != 0)
        return error_set(err, ERROR_INPUT, "%s; bmp OCTETS, pass SECONDS, map or anew expected",
                         order);
    (void)snprintf(answer, size, "ok ");
    return make_map(line, answer + 3, size - 3, err);
}

static bool follow(struct line *line, struct error *err)
{
    char order[WORDS], answer[WORDS];

    while (fgets(order, sizeof order, stdin)) {
        order[strcspn(order, "\n")] = '\0';
        if (!take_order(line, order, answer, sizeof answer, err))
            return false;
        if (answer[0] && (puts(answer) < 0 || fflush(stdout) != 0))
            return error_set(err, ERROR_SYSTEM, "stdout: writing failed");
    }
    return true;
}

int main(int argc, char **argv)
{
    struct line line = {0};
    struct error err;

    if (argc != 2) {
        (void)fprintf(stderr, "line ALTIMETER.YAML <ORDERS\n");
        return 2;
    }
    bool ok = line_open(&line, argv[1], &err) && follow(&line, &err);

    if (!ok) {
        (void)printf("failed: %s\n", err.text);
        (void)fprintf(stderr, "line: %s\n", err.text);
    }
    line_close(&line);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
