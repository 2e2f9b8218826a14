/* speaker: a walk through stages, each one call to gobgpd.
 *
 *     get ─▶ (stop) ─▶ (start) ─▶ policy ─▶ list stations ─▶ list peers ─▶ change … ─▶ attached
 *      ▲                               (delete, add a station) ◀┘              ▲            │
 *      │                                                                       └─ poll: each second
 *      └── wait ◀── whatever went wrong, and whenever a poll finds something other than wanted
 *
 * The walk always begins at the front and only changes what differs, so it does not matter what had happened:
 * a first start, a restart of either side, somebody's hand on gobgpd.
 *
 * Session states come twice, by the watch (at once, in order) and by the poll (with counts and flags, but
 * maybe older than the watch's last word). So what the watch told since a poll was asked for stands. */
#include "speaker.h"

#include "lib/arena.h"
#include "lib/text.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    POLL_MS = 1000, // at least, between two polls
    POLL_MOST_MS = 30000,
    POLL_SHARE_LOADING =
        10, // of our time to gobgpd's: a poll of 200 ms is followed by 2 s without one
    POLL_SHARE = 100,
    RETRY_FIRST_MS = 200, // after the first failure; doubles
    RETRY_MOST_MS = 5000,
    STATION_ASK_MS = 50,           // until gobgpd has connected to our station
    STATION_PATIENCE_US = 5000000, // then it is said that it does not
    STATION_RENEW_US = 5000000,    // between two renewals
    STATION_OLD_US = 1000000,      // what is lost so soon after one is the connection before
    REFUSED_US = 10000000,         // before a refused change is tried again
    CRASH_HEARD_US =
        1000000, // between the last link state and gobgpd's end, to be suspected (L-143)
    CRASH_AGAIN_US = 600000000, // between two such ends
    SILENCE_US = 30000000,      // without a session, before it is said that there is none
    TEXT_SIZE = 300,
};

static const char session_ended[] = "session ended"; // all that gobgpd tells of a reason

enum stage {
    STAGE_WAIT, // for the timer, then get
    STAGE_GET,
    STAGE_STOP,
    STAGE_START,
    STAGE_POLICY,
    STAGE_LIST_STATIONS,
    STAGE_DELETE_STATION,
    STAGE_ADD_STATION,
    STAGE_LIST_PEERS,
    STAGE_CHANGE,
    STAGE_ATTACHED, // for the timer, then a poll
    STAGE_POLL,
    STAGES
};

/* What was last said in the log of gobgpd as a whole. */
enum said {
    SAID_NOTHING,
    SAID_ATTACHED,
    SAID_UNREACHABLE,
    SAID_FOREIGN,
    SAID_REFUSED,
    SAID_STATION
};

enum change { CHANGE_NONE, CHANGE_ADD, CHANGE_UPDATE, CHANGE_DELETE };

struct neighbour {
    struct gobgp_neighbour wanted;
    struct speaker_peer peer; // as last told
    char last_error[TEXT_SIZE];
    bool listed;                // by the list of peers in hand
    bool differs;               // listed, but configured otherwise
    bool lacks[STATE_FAMILIES]; // listed, but without that family
    bool moved;                 // the watch told its state since the poll was asked for
    bool barred;                // L-143
    bool fresh; // BMP tells its session, present or next, from the beginning (L-144)
    bool renew; // so the present one must end
    int64_t refused_until_us, crash_us;
};

struct speaker {
    struct speaker_options options; // strings and lists in arena
    struct arena *arena;
    struct gobgp *gobgp;
    struct event *timer;
    enum stage stage;
    struct gobgp_call *call, *watch;
    enum said said;
    unsigned retry_ms;
    struct neighbour *neighbours;
    struct prefix *strangers; // neighbours of gobgpd that are not configured
    size_t stranger_count, stranger_capacity;
    size_t changing;    // the neighbour of STAGE_CHANGE; neighbour_count: a stranger
    enum change change; // what is done to it
    struct gobgp_global global;
    bool global_listens; // exactly where we want it
    bool station_listed, station_connected, station_renew;
    bool station_added; // by us, since this gobgpd was met
    int64_t station_added_us, station_renewed_us;
    int64_t asked_us;   // when the list of peers in hand was asked for
    int64_t took_us;    // what gobgpd needed for it
    size_t heard_index; // whose link state came in last
    int64_t heard_us;
};

static void enter(struct speaker *speaker, enum stage stage);

static void set_timer(struct speaker *speaker, unsigned milliseconds)
{
    struct timeval wait = {milliseconds / 1000, (suseconds_t)(milliseconds % 1000) * 1000};

    (void)event_add(speaker->timer,
                    &wait); // fails for want of memory only; the next stage sets it again
}

static bool same_address(const struct prefix *a, const struct prefix *b)
{
    return prefix_compare(a, b) == 0;
}

/* ---- What is told ---- */

static void tell(struct speaker *speaker, struct neighbour *neighbour)
{
    neighbour->peer.last_error = neighbour->last_error;
    speaker->options.on_peer(speaker->options.context, &neighbour->peer);
}

static void set_session(struct neighbour *neighbour, enum gobgp_session session, const char *why)
{
    bool up = session == SESSION_ESTABLISHED;

    if (neighbour->peer.up != up) {
        neighbour->peer.up = up;
        neighbour->peer.since_us = text_now_us();
        (void)snprintf(neighbour->last_error, sizeof neighbour->last_error, "%s", up ? "" : why);
    }
    if (!up)
        memset(neighbour->peer.families, 0, sizeof neighbour->peer.families);
    neighbour->peer.session = session;
}

/* A neighbour that cannot come up as things are. Logged when it is news. */
static void set_problem(struct speaker *speaker, struct neighbour *neighbour, const char *text)
{
    if (strcmp(neighbour->last_error, text) != 0)
        log_warning(speaker->options.log, "neighbour cannot come up: peer=%s reason=\"%s\"",
                    neighbour->peer.name, text);
    (void)snprintf(neighbour->last_error, sizeof neighbour->last_error, "%s", text);
}

/* ---- Failures ---- */

/* L-143: who is to be suspected when gobgpd ends while sessions are up. An orderly end takes them down first. */
static void suspect(struct speaker *speaker)
{
    int64_t now = text_steady_us();
    bool any_up = false;

    for (size_t i = 0; i < speaker->options.neighbour_count; i++)
        any_up |= speaker->neighbours[i].peer.up;
    if (!any_up || !speaker->heard_us || now - speaker->heard_us > CRASH_HEARD_US)
        return;
    struct neighbour *last = &speaker->neighbours[speaker->heard_index];
    if (last->crash_us && now - last->crash_us <= CRASH_AGAIN_US) {
        last->barred = true;
        log_error(speaker->options.log,
                  "neighbour taken down: peer=%s reason=\"gobgpd ended twice in ten minutes while "
                  "its link "
                  "state came in\"",
                  last->peer.name);
    } else {
        log_warning(speaker->options.log, "gobgpd ended while link state came in: peer=%s",
                    last->peer.name);
    }
    last->crash_us = now;
}

/* Logs what is the matter with gobgpd as a whole, once. */
static void say(struct speaker *speaker, enum said what, const char *text)
{
    static const struct {
        void (*log)(const struct log *log, const char *format, ...);
        const char *sentence;
    } lines[] = {
        [SAID_ATTACHED] = {log_info, "gobgpd is as configured"},
        [SAID_UNREACHABLE] = {log_warning, "gobgpd is not reachable"},
        [SAID_FOREIGN] = {log_error, "gobgpd cannot be used"},
        [SAID_REFUSED] = {log_error, "gobgpd refuses"},
        [SAID_STATION] =
            {log_warning,
             "gobgpd does not connect to our BMP station, and its neighbours wait for that"},
    };
    char quoted[TEXT_SIZE * 2];

    assert(what != SAID_NOTHING);
    if (speaker->said == what)
        return;
    speaker->said = what;
    lines[what].log(speaker->options.log, "%s: api=%s%s%s", lines[what].sentence,
                    speaker->options.api.text, *text ? " reason=" : "",
                    *text ? log_quote(text, quoted, sizeof quoted) : "");
}

/* Begins again, later. */
static void fail(struct speaker *speaker, const struct gobgp_end *end)
{
    static const enum said said[] = {
        [GOBGP_UNREACHABLE] = SAID_UNREACHABLE,
        [GOBGP_FOREIGN] = SAID_FOREIGN,
        [GOBGP_REFUSED] = SAID_REFUSED,
    };
    char why[TEXT_SIZE];

    gobgp_cancel(speaker->call);
    gobgp_cancel(speaker->watch);
    speaker->call = speaker->watch = NULL;
    suspect(speaker);
    say(speaker, said[end->outcome], end->text);
    (void)snprintf(why, sizeof why, "gobgpd: %s", end->text);
    for (size_t i = 0; i < speaker->options.neighbour_count; i++) {
        struct neighbour *neighbour = &speaker->neighbours[i];
        set_session(neighbour, SESSION_UNKNOWN, why);
        neighbour->fresh = neighbour->renew = false;
        if (!neighbour->barred)
            (void)snprintf(neighbour->last_error, sizeof neighbour->last_error, "%s", why);
        tell(speaker, neighbour);
    }
    speaker->station_added = false;
    speaker->stage = STAGE_WAIT;
    set_timer(speaker, speaker->retry_ms);
    speaker->retry_ms *= 2;
    if (speaker->retry_ms > RETRY_MOST_MS)
        speaker->retry_ms = RETRY_MOST_MS;
}

/* ---- Global state ---- */

static void on_global(void *context, const struct gobgp_global *global)
{
    struct speaker *speaker = context;
    const struct speaker_options *options = &speaker->options;

    speaker->global = *global;
    speaker->global.listens = NULL; // borrowed; what counts of it is kept in the next line
    speaker->global_listens = options->listen_address.family
                                  ? global->listen_port == options->listen_port &&
                                        global->listen_count == 1 &&
                                        same_address(&global->listens[0], &options->listen_address)
                                  : global->listen_port == -1;
}

static bool global_is_wanted(const struct speaker *speaker)
{
    return speaker->global.asn == speaker->options.asn &&
           same_address(&speaker->global.router_id, &speaker->options.router_id) &&
           speaker->global_listens;
}

static struct gobgp_call *start_get(struct speaker *speaker, struct gobgp_handler *handler)
{
    handler->on_global = on_global;
    return gobgp_get(speaker->gobgp, handler);
}

static void done_get(struct speaker *speaker)
{
    const struct speaker_options *options = &speaker->options;
    char router_id[PREFIX_TEXT_SIZE];

    if (options->manage && speaker->global.asn == 0) {
        enter(speaker, STAGE_START);
    } else if (options->manage && !global_is_wanted(speaker)) {
        log_warning(options->log,
                    "gobgpd is configured otherwise and is changed: api=%s its-asn=%" PRIu32
                    " its-router-id=%s its-port=%" PRId32,
                    options->api.text, speaker->global.asn,
                    address_format(&speaker->global.router_id, router_id),
                    speaker->global.listen_port);
        enter(speaker, STAGE_STOP);
    } else if (options->manage) {
        enter(speaker, STAGE_POLICY);
    } else if (speaker->global.asn != options->asn) {
        char text[TEXT_SIZE];
        (void)snprintf(
            text, sizeof text,
            "its AS is %" PRIu32 "%s; %" PRIu32 " is expected, and speaker.manage is false",
            speaker->global.asn, speaker->global.asn ? "" : " (not started)", options->asn);
        fail(speaker, &(struct gobgp_end){GOBGP_REFUSED, text});
    } else {
        enter(speaker, STAGE_LIST_STATIONS);
    }
}

static struct gobgp_call *start_stop(struct speaker *speaker, struct gobgp_handler *handler)
{
    return gobgp_stop(speaker->gobgp, handler);
}

static void done_stop(struct speaker *speaker)
{
    enter(speaker, STAGE_START);
}

static struct gobgp_call *start_start(struct speaker *speaker, struct gobgp_handler *handler)
{
    const struct speaker_options *options = &speaker->options;
    bool listens = options->listen_address.family != 0;
    struct gobgp_global global = {
        .asn = options->asn,
        .router_id = options->router_id,
        .listen_port = listens ? options->listen_port : -1,
        .listens = &options->listen_address,
        .listen_count = listens,
    };

    return gobgp_start(speaker->gobgp, &global, handler);
}

static void done_start(struct speaker *speaker)
{
    enter(speaker, STAGE_POLICY);
}

static struct gobgp_call *start_policy(struct speaker *speaker, struct gobgp_handler *handler)
{
    return gobgp_reject_exports(speaker->gobgp, handler);
}

static void done_policy(struct speaker *speaker)
{
    enter(speaker, STAGE_LIST_STATIONS);
}

/* ---- The BMP station ---- */

static void set_fresh(struct speaker *speaker, bool fresh)
{
    for (size_t i = 0; i < speaker->options.neighbour_count; i++)
        speaker->neighbours[i].fresh = fresh;
}

static struct gobgp_station our_station(const struct speaker *speaker)
{
    return (struct gobgp_station){.address = speaker->options.station_address,
                                  .port = speaker->options.station_port};
}

static void on_station(void *context, const struct gobgp_station *station)
{
    struct speaker *speaker = context;

    if (same_address(&station->address, &speaker->options.station_address) &&
        station->port == speaker->options.station_port) {
        speaker->station_listed = true;
        speaker->station_connected = station->connected;
    }
}

static struct gobgp_call *start_list_stations(struct speaker *speaker,
                                              struct gobgp_handler *handler)
{
    speaker->station_listed = speaker->station_connected = false;
    handler->on_station = on_station;
    return gobgp_list_stations(speaker->gobgp, handler);
}

static void done_list_stations(struct speaker *speaker)
{
    const struct speaker_options *options = &speaker->options;
    char address[PREFIX_TEXT_SIZE];

    if (!options->manage) {
        if (!speaker->station_listed && speaker->said != SAID_ATTACHED)
            log_warning(options->log,
                        "gobgpd does not feed our BMP station, and speaker.manage is false: api=%s "
                        "station=%s port=%u",
                        options->api.text, address_format(&options->station_address, address),
                        options->station_port);
        enter(speaker, STAGE_LIST_PEERS);
    } else if (!speaker->station_listed) {
        enter(speaker, STAGE_ADD_STATION);
    } else if (speaker->station_renew) {
        enter(speaker, STAGE_DELETE_STATION);
    } else if (speaker->station_connected) {
        if (!speaker->station_added) // the connection that was there goes on
            set_fresh(speaker, true);
        enter(speaker, STAGE_LIST_PEERS);
    } else {
        if (!speaker->station_added_us)
            speaker->station_added_us = text_steady_us();
        if (text_steady_us() - speaker->station_added_us > STATION_PATIENCE_US)
            say(speaker, SAID_STATION, "");
        set_timer(speaker, STATION_ASK_MS); // on_timer lists the stations again
    }
}

static struct gobgp_call *start_delete_station(struct speaker *speaker,
                                               struct gobgp_handler *handler)
{
    struct gobgp_station station = our_station(speaker);

    return gobgp_delete_station(speaker->gobgp, &station, handler);
}

static void done_delete_station(struct speaker *speaker)
{
    enter(speaker, STAGE_ADD_STATION);
}

static struct gobgp_call *start_add_station(struct speaker *speaker, struct gobgp_handler *handler)
{
    struct gobgp_station station = our_station(speaker);

    return gobgp_add_station(speaker->gobgp, &station, handler);
}

static void done_add_station(struct speaker *speaker)
{
    speaker->station_added_us = speaker->station_renewed_us = text_steady_us();
    speaker->station_renew = false;
    speaker->station_added = true;
    set_fresh(speaker, false);
    enter(speaker, STAGE_LIST_STATIONS);
}

/* ---- Neighbours ---- */

static struct neighbour *find(struct speaker *speaker, const struct prefix *address)
{
    for (size_t i = 0; i < speaker->options.neighbour_count; i++) {
        if (same_address(&speaker->neighbours[i].wanted.address, address))
            return &speaker->neighbours[i];
    }
    return NULL;
}

static bool differs(const struct gobgp_peer *is, const struct gobgp_neighbour *wanted)
{
    const struct gobgp_neighbour *has = &is->neighbour;

    return has->asn != wanted->asn || has->port != wanted->port || is->other_families ||
           memcmp(has->families, wanted->families, sizeof has->families) != 0 ||
           has->hold_time_s != wanted->hold_time_s || has->passive != wanted->passive ||
           strcmp(has->password, wanted->password) != 0 ||
           (wanted->local_address.family &&
            !same_address(&has->local_address, &wanted->local_address));
}

static void on_peer(void *context, const struct gobgp_peer *is)
{
    struct speaker *speaker = context;
    struct neighbour *neighbour = find(speaker, &is->neighbour.address);

    if (!neighbour) {
        speaker->strangers = memory_grow(speaker->strangers, speaker->stranger_count,
                                         &speaker->stranger_capacity, sizeof *speaker->strangers);
        speaker->strangers[speaker->stranger_count++] = is->neighbour.address;
        return;
    }
    neighbour->listed = true;
    neighbour->differs = differs(is, &neighbour->wanted);
    for (int i = 0; i < STATE_FAMILIES; i++)
        neighbour->lacks[i] = neighbour->wanted.families[i] && !is->neighbour.families[i];
    if (is->session != SESSION_ESTABLISHED)
        neighbour->fresh = true;
    if (neighbour->moved)
        return;
    set_session(neighbour, is->session, session_ended);
    if (is->router_id.family && is->session == SESSION_ESTABLISHED)
        neighbour->peer.router_id = is->router_id;
    neighbour->peer.asked_us = speaker->asked_us;
    neighbour->peer.updates = is->updates;
    for (int i = 0; i < STATE_FAMILIES && is->session == SESSION_ESTABLISHED; i++) {
        neighbour->peer.families[i].received = is->families[i].received;
        neighbour->peer.families[i].end_of_rib = is->families[i].end_of_rib;
    }
    if (is->disabled && is->session != SESSION_ESTABLISHED)
        set_problem(speaker, neighbour, "gobgpd has it administratively down");
}

static struct gobgp_call *start_list_peers(struct speaker *speaker, struct gobgp_handler *handler)
{
    for (size_t i = 0; i < speaker->options.neighbour_count; i++)
        speaker->neighbours[i].listed = speaker->neighbours[i].moved = false;
    speaker->stranger_count = 0;
    speaker->asked_us = text_steady_us();
    handler->on_peer = on_peer;
    return gobgp_list_peers(speaker->gobgp, handler);
}

static enum change change_of(const struct neighbour *neighbour)
{
    if (neighbour->barred)
        return neighbour->listed ? CHANGE_DELETE : CHANGE_NONE;
    if (neighbour->refused_until_us > text_steady_us())
        return CHANGE_NONE;
    if (!neighbour->listed)
        return CHANGE_ADD;
    if (neighbour->renew)
        return CHANGE_DELETE; // and then added
    return neighbour->differs ? CHANGE_UPDATE : CHANGE_NONE;
}

/* Whether something is not as wanted; what it is in speaker->changing. */
static bool find_change(struct speaker *speaker)
{
    speaker->changing = speaker->options.neighbour_count;
    if (!speaker->options.manage)
        return false;
    if (speaker->stranger_count)
        return true;
    for (size_t i = 0; i < speaker->options.neighbour_count; i++) {
        if (change_of(&speaker->neighbours[i]) != CHANGE_NONE) {
            speaker->changing = i;
            return true;
        }
    }
    return false;
}

static struct gobgp_call *start_change(struct speaker *speaker, struct gobgp_handler *handler)
{
    const struct log *log = speaker->options.log;
    uint32_t own_asn = speaker->options.asn;
    char text[PREFIX_TEXT_SIZE];

    if (speaker->changing == speaker->options.neighbour_count) {
        const struct prefix *stranger = &speaker->strangers[speaker->stranger_count - 1];
        log_info(log, "neighbour of gobgpd is not configured, and is removed: address=%s",
                 address_format(stranger, text));
        return gobgp_delete_peer(speaker->gobgp, stranger, handler);
    }
    struct neighbour *neighbour = &speaker->neighbours[speaker->changing];
    speaker->change = change_of(neighbour);
    switch (speaker->change) {
    case CHANGE_ADD:
        log_info(log, "neighbour added to gobgpd: peer=%s", neighbour->peer.name);
        return gobgp_add_peer(speaker->gobgp, &neighbour->wanted, own_asn, handler);
    case CHANGE_UPDATE:
        log_info(log, "neighbour changed in gobgpd: peer=%s", neighbour->peer.name);
        return gobgp_update_peer(speaker->gobgp, &neighbour->wanted, own_asn, handler);
    default:
        if (neighbour->renew)
            log_info(log, "session is made anew, to hear it from its beginning: peer=%s",
                     neighbour->peer.name);
        return gobgp_delete_peer(speaker->gobgp, &neighbour->wanted.address, handler);
    }
}

static void next_change(struct speaker *speaker)
{
    if (find_change(speaker)) {
        enter(speaker, STAGE_CHANGE);
        return;
    }
    speaker->retry_ms = RETRY_FIRST_MS;
    say(speaker, SAID_ATTACHED, "");
    enter(speaker, STAGE_ATTACHED);
}

static void done_change(struct speaker *speaker)
{
    if (speaker->changing == speaker->options.neighbour_count) {
        speaker->stranger_count--;
    } else {
        struct neighbour *neighbour = &speaker->neighbours[speaker->changing];
        neighbour->listed = speaker->change != CHANGE_DELETE;
        neighbour->differs = neighbour->renew = false;
        neighbour->fresh = true;
    }
    next_change(speaker);
}

/* gobgpd does not take a neighbour: that costs the neighbour, not the others. */
static void refuse_change(struct speaker *speaker, const char *text)
{
    char why[TEXT_SIZE];

    if (speaker->changing == speaker->options.neighbour_count) {
        speaker->stranger_count--;
    } else {
        struct neighbour *neighbour = &speaker->neighbours[speaker->changing];
        (void)snprintf(why, sizeof why, "gobgpd refuses it: %s", text);
        set_problem(speaker, neighbour, why);
        neighbour->refused_until_us = text_steady_us() + REFUSED_US;
        if (neighbour->barred)
            neighbour->listed = false; // it is deleted by the next poll
    }
    next_change(speaker);
}

/* Without manage: what is missing is said, and the rest is used. */
static void check_neighbour(struct speaker *speaker, struct neighbour *neighbour)
{
    char text[TEXT_SIZE];

    if (neighbour->barred && !neighbour->listed)
        set_problem(speaker, neighbour,
                    "taken down: gobgpd ended twice in ten minutes while its link state came in");
    if (speaker->options.manage)
        return;
    if (!neighbour->listed)
        set_problem(speaker, neighbour,
                    "gobgpd does not have this neighbour, and speaker.manage is false");
    for (int i = 0; neighbour->listed && i < STATE_FAMILIES; i++) {
        if (!neighbour->lacks[i])
            continue;
        (void)snprintf(text, sizeof text, "gobgpd has it without %s, and speaker.manage is false",
                       state_family_names[i]);
        set_problem(speaker, neighbour, text);
        return;
    }
}

/* A neighbour that does not answer, or refuses us: gobgpd says why in its own log only, and not over its API. A
 * better reason, told by BMP or by what we did, stays. */
static void check_silence(struct speaker *speaker, struct neighbour *neighbour)
{
    const char *known = neighbour->last_error;
    char address[PREFIX_TEXT_SIZE], text[TEXT_SIZE];

    if (neighbour->peer.up || !neighbour->listed ||
        text_now_us() - neighbour->peer.since_us < SILENCE_US ||
        (*known && strncmp(known, session_ended, strlen(session_ended)) != 0))
        return;
    (void)snprintf(text, sizeof text,
                   "no session for %d s with %s port %u, AS %u: is it reachable, and does it have "
                   "our address and AS? The log of gobgpd has its answers",
                   (int)(SILENCE_US / 1000000), address_format(&neighbour->peer.address, address),
                   neighbour->wanted.port, neighbour->wanted.asn);
    set_problem(speaker, neighbour, text);
}

/* All sessions that are up have had the end-of-RIB of each family. */
static bool is_loaded(const struct speaker *speaker)
{
    bool loaded = true;

    for (size_t i = 0; i < speaker->options.neighbour_count; i++) {
        const struct neighbour *neighbour = &speaker->neighbours[i];
        for (int f = 0; f < STATE_FAMILIES; f++)
            loaded &= !neighbour->peer.up || !neighbour->wanted.families[f] ||
                      neighbour->peer.families[f].end_of_rib;
    }
    return loaded;
}

unsigned speaker_poll_ms(int64_t took_us, bool loaded)
{
    int64_t pause_ms = took_us * (loaded ? POLL_SHARE : POLL_SHARE_LOADING) / 1000;

    return pause_ms < POLL_MS        ? POLL_MS
           : pause_ms > POLL_MOST_MS ? POLL_MOST_MS
                                     : (unsigned)pause_ms;
}

static void done_poll(struct speaker *speaker)
{
    speaker->took_us = text_steady_us() - speaker->asked_us;
    for (size_t i = 0; i < speaker->options.neighbour_count; i++) {
        struct neighbour *neighbour = &speaker->neighbours[i];
        if (!neighbour->listed && !neighbour->moved)
            set_session(neighbour, SESSION_UNKNOWN, "gobgpd no longer has this neighbour");
        check_neighbour(speaker, neighbour);
        check_silence(speaker, neighbour);
        tell(speaker, neighbour);
    }
    // from the front: what took neighbours away may have taken more
    bool renew = speaker->station_renew &&
                 text_steady_us() - speaker->station_renewed_us >= STATION_RENEW_US;
    enter(speaker, find_change(speaker) || renew ? STAGE_GET : STAGE_ATTACHED);
}

/* ---- The watch ---- */

static void on_session(void *context, const struct prefix *address, enum gobgp_session session)
{
    struct speaker *speaker = context;
    struct neighbour *neighbour = find(speaker, address);
    char why[TEXT_SIZE];

    if (!neighbour)
        return;
    (void)snprintf(why, sizeof why, "%s (%s)", session_ended, gobgp_session_name(session));
    bool news = neighbour->peer.up != (session == SESSION_ESTABLISHED);
    neighbour->moved = true;
    set_session(neighbour, session, why);
    if (news)
        tell(speaker, neighbour);
    if (news && speaker->stage == STAGE_ATTACHED)
        set_timer(speaker, POLL_MS); // its load is to be followed
}

static void on_watch_end(void *context, const struct gobgp_end *end)
{
    struct speaker *speaker = context;

    speaker->watch = NULL; // it has ended by itself
    fail(speaker, end->outcome == GOBGP_DONE
                      ? &(struct gobgp_end){GOBGP_UNREACHABLE, "it ended its events"}
                      : end);
}

static void done_list_peers(struct speaker *speaker)
{
    const struct gobgp_handler handler = {
        .context = speaker, .on_end = on_watch_end, .on_session = on_session};

    if (!speaker->watch) // before a neighbour is added, so that no session goes unseen
        speaker->watch = gobgp_watch(speaker->gobgp, &handler);
    next_change(speaker);
}

/* ---- The walk ---- */

static const struct {
    struct gobgp_call *(*start)(struct speaker *speaker, struct gobgp_handler *handler);
    void (*done)(struct speaker *speaker);
    void (*refused)(struct speaker *speaker, const char *text); // NULL: begin again
} stages[STAGES] = {
    [STAGE_GET] = {start_get, done_get, NULL},
    [STAGE_STOP] = {start_stop, done_stop, NULL},
    [STAGE_START] = {start_start, done_start, NULL},
    [STAGE_POLICY] = {start_policy, done_policy, NULL},
    [STAGE_LIST_STATIONS] = {start_list_stations, done_list_stations, NULL},
    [STAGE_DELETE_STATION] = {start_delete_station, done_delete_station, NULL},
    [STAGE_ADD_STATION] = {start_add_station, done_add_station, NULL},
    [STAGE_LIST_PEERS] = {start_list_peers, done_list_peers, NULL},
    [STAGE_CHANGE] = {start_change, done_change, refuse_change},
    [STAGE_POLL] = {start_list_peers, done_poll, NULL},
};

static void on_end(void *context, const struct gobgp_end *end)
{
    struct speaker *speaker = context;
    enum stage stage = speaker->stage;

    speaker->call = NULL; // it has ended by itself
    if (end->outcome == GOBGP_DONE)
        stages[stage].done(speaker);
    else if (end->outcome == GOBGP_REFUSED && stages[stage].refused)
        stages[stage].refused(speaker, end->text);
    else
        fail(speaker, end);
}

static void enter(struct speaker *speaker, enum stage stage)
{
    struct gobgp_handler handler = {.context = speaker, .on_end = on_end};

    speaker->stage = stage;
    if (stage == STAGE_ATTACHED) {
        set_timer(speaker, speaker_poll_ms(speaker->took_us, is_loaded(speaker)));
        return;
    }
    speaker->call = stages[stage].start(speaker, &handler);
    if (!speaker->call)
        fail(speaker, &(struct gobgp_end){GOBGP_UNREACHABLE, "too many calls are in flight"});
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    struct speaker *speaker = context;

    (void)fd;
    (void)what;
    if (speaker->stage == STAGE_ATTACHED)
        enter(speaker, STAGE_POLL);
    else if (speaker->stage == STAGE_LIST_STATIONS)
        enter(speaker, STAGE_LIST_STATIONS);
    else
        enter(speaker, STAGE_GET);
}

struct speaker *speaker_new(const struct speaker_options *options)
{
    struct speaker *speaker = memory_alloc(1, sizeof *speaker);

    *speaker = (struct speaker){
        .options = *options,
        .arena = arena_new(),
        .gobgp = gobgp_new(options->base, &options->api),
        .retry_ms = RETRY_FIRST_MS,
        .station_renew = options->station_is_new,
    };
    speaker->options.api.text =
        arena_text(speaker->arena, options->api.text, strlen(options->api.text));
    speaker->options.neighbours = NULL; // the copies below count
    speaker->neighbours =
        arena_alloc(speaker->arena, options->neighbour_count, sizeof *speaker->neighbours);
    for (size_t i = 0; i < options->neighbour_count; i++) {
        const struct speaker_neighbour *given = &options->neighbours[i];
        struct neighbour *neighbour = &speaker->neighbours[i];

        neighbour->wanted = given->wanted;
        neighbour->renew = given->renew;
        neighbour->wanted.password =
            arena_text(speaker->arena, given->wanted.password, strlen(given->wanted.password));
        neighbour->peer = (struct speaker_peer){
            .index = i,
            .name = arena_text(speaker->arena, given->name, strlen(given->name)),
            .address = given->wanted.address,
            .asn = given->wanted.asn,
            .since_us = text_now_us(),
        };
    }
    speaker->timer = event_new(options->base, -1, 0, on_timer, speaker);
    if (!speaker->timer)
        error_fatal("speaker: no timer to be had");
    set_timer(speaker, 0);
    return speaker;
}

void speaker_free(struct speaker *speaker)
{
    if (!speaker)
        return;
    gobgp_free(speaker->gobgp);
    event_free(speaker->timer);
    free(speaker->strangers);
    arena_free(speaker->arena);
    free(speaker);
}

void speaker_heard_link_state(struct speaker *speaker, size_t index)
{
    speaker->heard_index = index;
    speaker->heard_us = text_steady_us();
}

void speaker_renew_station(struct speaker *speaker)
{
    if (text_steady_us() - speaker->station_renewed_us < STATION_OLD_US)
        return;
    set_fresh(speaker, false);
    if (speaker->options.manage)
        speaker->station_renew = true; // a poll sees to it
}

bool speaker_admits(struct speaker *speaker, size_t index)
{
    struct neighbour *neighbour = &speaker->neighbours[index];

    if (!speaker->options.manage || neighbour->fresh)
        return true;
    neighbour->renew = true; // the next list of peers sees to it
    return false;
}

void speaker_renew(struct speaker *speaker, size_t index)
{
    if (speaker->options.manage)
        speaker->neighbours[index].renew = true; // the next list of peers sees to it
}

struct gobgp *speaker_api(struct speaker *speaker)
{
    return speaker->stage == STAGE_ATTACHED || speaker->stage == STAGE_POLL ? speaker->gobgp : NULL;
}
