/* run: see run.h.
 *
 *     state.db changed ──▶ due? ──▶ model_update ──▶ a heartbeat only? ──▶ confirm
 *                                                          │ no
 *                                                          └──▶ map_compute ──▶ snapshot_publish ──▶ confirm
 *
 * The first change is worked on at once; after it at most one run per settle time and per three times what the
 * last run took, so that a storm of changes costs a third of one core. */
#include "run.h"

#include "lib/snapshot.h"
#include "lib/status.h"
#include "lib/text.h"
#include "lib/version.h"
#include "map.h"
#include "model.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MESSAGE_SIZE = 1024,
    POLL_US = 3000, // asking state.db for news costs some 2 us
    IDLE_US = 250000,
    STATUS_US = 5000000, // status.db is promised every 10 s
    FIRST_RETRY_US = 250000,
    OPEN_RETRY_US = 1000000,  // longest pause before a file is looked for again: costs nothing
    LAST_RETRY_US = 30000000, // … before a run that failed is made again
    LOAD_FACTOR = 3,
};

struct run {
    const struct config *config;
    const struct log *log;
    struct model *model;
    struct state_reader *reader;
    struct snapshot_writer *writer;
    struct map *map;   // the last that was computed; NULL: none yet
    uint64_t computed; // model_changes of it
    bool is_pending;   // something may have changed, or a run failed
    char waited_for[sizeof((struct state_position){0}.generation)]; // whose first map waits no more
    int64_t waits_from_us; // steady: since when feeds are waited for; 0: not yet
    int64_t due_us;        // steady: no run before
    int64_t retry_us;      // pause after the next failure
    uint64_t sequence;     // the map is confirmed up to this …
    int64_t confirmed_us;  // … and its time
    int64_t status_due_us; // steady
    bool is_news;          // status.db does not name the newest snapshot yet
    enum status_phase phase;
    char message[MESSAGE_SIZE];
    char status_failure[MESSAGE_SIZE]; // what the last failed status_write said
};

struct run *run_new(const struct config *config, const struct log *log, struct run_time now)
{
    struct run *run = memory_alloc(1, sizeof *run);

    run->model = model_new();
    run->due_us = run->status_due_us = now.steady_us;
    run->retry_us = FIRST_RETRY_US;
    run->phase = STATUS_WAITING;
    run_configure(run, config, log);
    return run;
}

void run_free(struct run *run)
{
    if (!run)
        return;
    map_free(run->map);
    state_reader_close(run->reader);
    snapshot_writer_close(run->writer);
    model_free(run->model);
    free(run);
}

/* Files are opened anew: their places may have changed. */
void run_configure(struct run *run, const struct config *config, const struct log *log)
{
    run->config = config;
    run->log = log;
    state_reader_close(run->reader);
    snapshot_writer_close(run->writer);
    run->reader = NULL;
    run->writer = NULL;
    run->is_pending = true;
    map_free(run->map);
    run->map = NULL;
}

/* ---- What people are told ---- */

static size_t list_feeds(const struct run *run, struct status_feed *feeds)
{
    size_t peer_count, count = 0;
    const struct model_peer *peers = model_peers(run->model, &peer_count);

    for (size_t i = 0; i < peer_count; i++) {
        for (size_t family = 0; family < STATE_FAMILIES; family++) {
            const struct peer_family *row = &peers[i].families[family];

            if (!peers[i].has_family[family])
                continue;
            feeds[count++] = (struct status_feed){
                .peer = peers[i].row.name,
                .family = (enum state_family)family,
                .state = peers[i].row.state,
                .since_us = peers[i].row.since_us,
                .stale = row->stale,
                .stale_since_us = row->stale ? row->stale_since_us : 0,
                .end_of_rib = row->end_of_rib,
                .last_error = peers[i].row.last_error,
            };
        }
    }
    return count;
}

static void write_status(struct run *run, struct run_time now)
{
    struct snapshot_published current;
    size_t peer_count;
    struct error err;

    if (!run->writer)
        return; // the directory is not ours to write
    (void)model_peers(run->model, &peer_count);
    struct status_feed *feeds = memory_alloc(peer_count * STATE_FAMILIES, sizeof *feeds);
    struct status status = {
        .map = run->config->map.name,
        .written_us = now.wall_us,
        .version = ALTIMETER_VERSION,
        .pid = getpid(),
        .phase = run->phase,
        .message = run->message,
        .feeds = feeds,
        .feed_count = list_feeds(run, feeds),
    };

    if (snapshot_writer_current(run->writer, &current)) {
        status.snapshot = current.name;
        status.number = current.number;
        status.tag = current.tag;
        status.sequence = run->sequence;
        status.confirmed_us = run->confirmed_us;
    }
    run->is_news = false;
    run->status_due_us = now.steady_us + STATUS_US;
    if (status_write(run->config->snapshots.map_directory, &status, &err)) {
        run->status_failure[0] = '\0';
    } else if (strcmp(run->status_failure, err.text) != 0) {
        log_error(run->log, "status.db cannot be written: reason=\"%s\"", err.text);
        (void)snprintf(run->status_failure, sizeof run->status_failure, "%s", err.text);
    }
    free(feeds);
}

/* Notes a phase; a message that is news is logged, and shown at once. */
static void set_phase(struct run *run, enum status_phase phase, const char *message,
                      struct run_time now)
{
    bool is_news = phase != run->phase || strcmp(message, run->message) != 0;

    if (!is_news)
        return;
    if (phase == STATUS_FAILING)
        log_error(run->log, "no new map, what is published stays: reason=\"%s\"", message);
    else if (phase == STATUS_WAITING)
        log_info(run->log, "waiting: for=\"%s\"", message);
    else if (run->phase == STATUS_FAILING)
        log_info(run->log, "working again");
    run->phase = phase;
    (void)snprintf(run->message, sizeof run->message, "%s", message);
    write_status(run, now);
}

static void fail(struct run *run, const struct error *err, int64_t longest_us, struct run_time now)
{
    set_phase(run, STATUS_FAILING, err->text, now);
    run->is_pending = true;
    run->due_us = now.steady_us + (run->retry_us < longest_us ? run->retry_us : longest_us);
    run->retry_us = 2 * run->retry_us < LAST_RETRY_US ? 2 * run->retry_us : LAST_RETRY_US;
}

static void log_published(const struct run *run, const struct map *before, const struct map *after,
                          const char *name, int64_t publish_us)
{
    const struct snapshot *snapshot = &after->snapshot;
    char stages[256] = "", changes[160] = "", text[TEXT_DURATION_SIZE];
    size_t used = 0;

    for (size_t stage = 0; stage < MAP_STAGES; stage++)
        used += (size_t)snprintf(stages + used, sizeof stages - used, " %s_us=%" PRId64,
                                 map_stage_names[stage], after->stage_us[stage]);
    if (before) {
        struct map_changes c = map_compare(&before->snapshot, snapshot);

        (void)snprintf(changes, sizeof changes,
                       " pids_changed=+%zu-%zu prefixes_changed=+%zu-%zu pairs_changed=%zu",
                       c.pids_added, c.pids_removed, c.prefixes_added, c.prefixes_removed, c.pairs);
    }
    size_t prefixes = 0;
    for (size_t i = 0; i < snapshot->pid_count; i++)
        prefixes += snapshot->pids[i].prefix_count;
    log_info(run->log,
             "snapshot published: number=%" PRIu64 " file=%s tag=%s sequence=%" PRIu64
             " pids=%zu prefixes=%zu routers=%zu links=%zu stale=%" PRIu64
             "%s%s publish_us=%" PRId64 " age=\"%s\"",
             snapshot->number, name, snapshot->tag, snapshot->sequence, snapshot->pid_count,
             prefixes, snapshot->router_count, snapshot->link_count, snapshot->stale_objects,
             changes, stages, publish_us,
             text_duration(snapshot->time_us - snapshot->state_time_us, text));
}

static bool has_warning(const struct map *map, const char *text)
{
    for (size_t i = 0; map && i < map->report.count; i++) {
        if (strcmp(map->report.texts[i], text) == 0)
            return true;
    }
    return false;
}

static void log_warnings(const struct run *run, const struct map *before, const struct map *after)
{
    for (size_t i = 0; i < after->report.count; i++) {
        if (!has_warning(before, after->report.texts[i]))
            log_warning(run->log, "map: %s", after->report.texts[i]);
    }
}

/* ---- The first map ---- */

static const struct model_peer *peer_named(const struct run *run, const char *name)
{
    size_t count;
    const struct model_peer *peers = model_peers(run->model, &count);

    for (size_t i = 0; i < count; i++) {
        if (strcmp(peers[i].row.name, name) == 0)
            return &peers[i];
    }
    return NULL;
}

/* The configured feeds that have not shown their end-of-RIB, as "rr1 ipv4-unicast, rr2 link-state". */
static bool find_missing(const struct run *run, char *out, size_t size)
{
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < run->config->speaker.neighbour_count; i++) {
        const struct config_neighbour *neighbour = &run->config->speaker.neighbours[i];
        const struct model_peer *peer = peer_named(run, neighbour->name);

        for (size_t family = 0; family < STATE_FAMILIES && used < size; family++) {
            if (!neighbour->families[family] ||
                (peer && peer->has_family[family] &&
                 peer->families[family].end_of_rib != END_OF_RIB_NO))
                continue;
            used += (size_t)snprintf(out + used, size - used, "%s%s %s", used ? ", " : "",
                                     neighbour->name, state_family_names[family]);
        }
    }
    return used > 0;
}

static bool has_waited(const struct run *run)
{
    const char *generation = model_position(run->model)->generation;

    return *generation && strcmp(run->waited_for, generation) == 0;
}

/* Whether the first map of this state.db still waits for a feed. What is published of the same one shows that
 * it has waited; what is published of another one stays while a state.db that was made anew fills. */
static bool must_wait(struct run *run, struct run_time now)
{
    struct snapshot_published current;
    char missing[MESSAGE_SIZE - 64], message[MESSAGE_SIZE];

    const char *generation = model_position(run->model)->generation;

    if (has_waited(run))
        return false;
    if (!(snapshot_writer_current(run->writer, &current) &&
          strcmp(current.generation, generation) == 0) &&
        find_missing(run, missing, sizeof missing)) {
        if (run->waits_from_us == 0)
            run->waits_from_us = now.steady_us;
        if (now.steady_us - run->waits_from_us < run->config->map.start_wait_us) {
            (void)snprintf(message, sizeof message, "the first end-of-RIB of %s", missing);
            set_phase(run, STATUS_WAITING, message, now);
            return true;
        }
        log_warning(run->log, "the first map is made without: missing=\"%s\"", missing);
    }
    run->waits_from_us = 0;
    (void)snprintf(run->waited_for, sizeof run->waited_for, "%s", generation);
    return false;
}

/* ---- A run ---- */

static bool open_files(struct run *run, struct error *err)
{
    struct snapshot_writer_options options = {
        .directory = run->config->snapshots.map_directory,
        .keep_count = run->config->snapshots.keep,
        .keep_for_us = run->config->snapshots.keep_for_us,
        .max_bytes = run->config->snapshots.max_bytes,
    };

    if (!run->writer) {
        run->writer = snapshot_writer_open(&options, err);
        run->status_due_us = 0;
    }
    if (!run->writer)
        return false;
    if (!run->reader)
        run->reader = state_reader_open(run->config->state.database, err);
    return run->reader != NULL;
}

/* A directory that is removed while we run is made anew, and all that is known published into it. */
static void follow_directory(struct run *run)
{
    if (!run->writer || snapshot_writer_is_in_place(run->writer))
        return;
    log_warning(run->log, "the snapshots are gone, they are made again: directory=%s",
                run->config->snapshots.map_directory);
    snapshot_writer_close(run->writer);
    run->writer = NULL;
    map_free(run->map);
    run->map = NULL;
    run->is_pending = true;
}

/* Before the collector's first start there is nothing to complain of. */
static bool is_before_state(const struct run *run)
{
    return run->phase == STATUS_WAITING && access(run->config->state.database, F_OK) != 0 &&
           errno == ENOENT;
}

static void wait_for_state(struct run *run, struct run_time now)
{
    char message[MESSAGE_SIZE];

    (void)snprintf(message, sizeof message, "altimeter-collector's %s",
                   run->config->state.database);
    set_phase(run, STATUS_WAITING, message, now);
    run->due_us = now.steady_us + IDLE_US;
}

static void confirm(struct run *run, struct run_time now)
{
    const struct state_position *position = model_position(run->model);

    run->sequence = position->sequence;
    run->confirmed_us = position->time_us;
    run->retry_us = FIRST_RETRY_US;
    set_phase(run, STATUS_RUNNING, "", now);
    if (run->is_news)
        write_status(run, now);
}

static bool publish(struct run *run, struct map *map, struct run_time now, struct error *err)
{
    enum snapshot_outcome outcome;
    char name[64];
    int64_t start = text_steady_us();

    if (!snapshot_publish(run->writer, &map->snapshot, name, &outcome, err))
        return false;
    if (outcome == SNAPSHOT_PUBLISHED) {
        struct error failure;

        run->is_news = true;
        log_published(run, run->map, map, name, text_steady_us() - start);
        if (!snapshot_writer_prune(run->writer, now.wall_us, &failure))
            log_warning(run->log, "old snapshots stay: reason=\"%s\"", failure.text);
    }
    log_warnings(run, run->map, map);
    return true;
}

/* Computes and publishes what the model holds. */
static bool make_map(struct run *run, int64_t load_us, struct run_time now, struct error *err)
{
    uint64_t changes = model_changes(run->model);
    struct map *map = map_compute(run->model, run->config, load_us, now.wall_us, err);

    if (!map)
        return false;
    if (!publish(run, map, now, err)) {
        map_free(map);
        return false;
    }
    map_free(run->map);
    run->map = map;
    run->computed = changes;
    return true;
}

/* Takes over what changed. A file that fails is opened anew next time: it may have been replaced. */
static bool load(struct run *run, int64_t *took_us, struct error *err)
{
    int64_t start = text_steady_us();

    if (!model_update(run->model, run->reader, err)) {
        state_reader_close(run->reader);
        run->reader = NULL;
        return false;
    }
    *took_us = text_steady_us() - start;
    return true;
}

static bool work(struct run *run, bool may_wait, struct run_time now, struct error *err)
{
    int64_t load_us = 0;

    run->is_pending = false;
    if (!load(run, &load_us, err))
        return false;
    if (may_wait && must_wait(run, now))
        return true;
    if ((!run->map || model_changes(run->model) != run->computed) &&
        !make_map(run, load_us, now, err))
        return false;
    confirm(run, now);
    return true;
}

static bool look_for_news(struct run *run, struct error *err)
{
    bool changed = false;

    if (!state_reader_changed(run->reader, &changed, err)) {
        state_reader_close(run->reader);
        run->reader = NULL;
        return false;
    }
    run->is_pending |= changed;
    return true;
}

/* The wait for the first end-of-RIB ends by time too, without a change. */
static bool is_wait_over(const struct run *run, struct run_time now)
{
    return run->phase == STATUS_WAITING && !has_waited(run) && run->waits_from_us &&
           now.steady_us - run->waits_from_us >= run->config->map.start_wait_us;
}

int64_t run_step(struct run *run, struct run_time now)
{
    struct error err;
    int64_t start = text_steady_us();

    follow_directory(run);
    if ((!run->reader || !run->writer) && now.steady_us < run->due_us)
        return run->due_us - now.steady_us < IDLE_US ? run->due_us - now.steady_us : IDLE_US;
    if (!open_files(run, &err) || !look_for_news(run, &err)) {
        if (run->writer && is_before_state(run))
            wait_for_state(run, now);
        else
            fail(run, &err, OPEN_RETRY_US, now);
    } else if ((run->is_pending || is_wait_over(run, now)) && now.steady_us >= run->due_us) {
        const struct map *before = run->map;

        if (work(run, true, now, &err)) {
            int64_t took_us = text_steady_us() - start;
            // the settle time is between maps: news that make none (meters, a heartbeat, a feed that is still
            // awaited) must not delay the change that comes next
            int64_t pause_us = run->map != before ? run->config->map.settle_us : 0;

            if (LOAD_FACTOR * took_us > pause_us)
                pause_us = LOAD_FACTOR * took_us;
            run->due_us = now.steady_us + pause_us;
        } else {
            fail(run, &err, LAST_RETRY_US, now);
        }
    }
    if (now.steady_us >= run->status_due_us)
        write_status(run, now);
    return run->reader ? POLL_US : IDLE_US;
}

bool run_once(struct run *run, struct run_time now)
{
    struct error err;
    bool ok = open_files(run, &err) && work(run, false, now, &err);

    if (!ok)
        fail(run, &err, LAST_RETRY_US, now);
    write_status(run, now);
    return ok;
}
