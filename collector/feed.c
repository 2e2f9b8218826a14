/* feed: a neighbour's session, and the load of each of its families.
 *
 * Who says that a session is up: BMP, for a neighbour of whom any family comes by BMP, because Peer Up and
 * Peer Down stand in one row with the routes between them; gobgpd's watch overtakes them. The speaker, for a
 * neighbour of whom nothing comes by BMP.
 *
 * When a load is complete (L-149): GoBGP 3.10 does not forward End-of-RIB, it sets a flag that is polled, and
 * nothing orders the flag and the routes. So the flag counts together with as many prefixes heard as gobgpd
 * has, and else with silence. The figures of a poll count only if it was asked for after the session came up.
 * gobgpd counts link state by keys that fall together (L-140), so there "as many" can be reached early: it must
 * hold for a moment. The End-of-RIB that gobgpd sends by BMP after what it had when the station connected says
 * nothing of the neighbour's own load; only that of a router that feeds us directly counts. */
#include "feed.h"

#include "key_set.h"
#include "lib/arena.h"
#include "lib/hash.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SILENCE_US =
        5000000, // L-149: with the flag, and nothing from the peer for so long, a load is complete
    SETTLE_US = 200000, // "as many as gobgpd has" must hold for so long
    STRANGE_US =
        3000000, // a neighbour that the speaker has not told of for so long is not of gobgpd
    PATIENCE_US = 600000000, // no table takes longer; what goes on behind it are changes
    REASON_SIZE = 300,
    UNUSED_SIZE = 2 * BMP_TEXT_LIMIT + 300,
};

struct load {
    bool wanted; // configured
    enum state_source source;
    bool running;         // the session is up, and no end of it was passed on
    bool marked;          // End-of-RIB came by BMP
    bool flag;            // the speaker's, of this session
    uint64_t received;    // what gobgpd has
    struct key_set heard; // while running
    int64_t last_us;      // the last update, or the session's begin
    int64_t enough_us;    // since when heard is enough; 0: it is not
};

struct neighbour {
    char *name;
    struct prefix address;
    int64_t peer_id;
    bool up;              // as passed on
    bool bmp_up;          // some BMP connection has it up …
    struct prefix router; // … this one
    uint16_t router_port;
    bool is_contested; // another connection told of it too, and was not heard
    bool managed;      // the speaker knows it to be up: the flags can be waited for
    int64_t up_us, last_us;
    char reason[REASON_SIZE];   // last passed on
    bool reason_is_bmps;        // a Peer Down's: the speaker's word of the same end says less
    char speakers[REASON_SIZE]; // the last that the speaker told, passed on or not
    struct load loads[STATE_FAMILIES];
};

struct feed {
    struct feed_options options;
    struct neighbour *neighbours;
    size_t count;
    size_t last;              // of the neighbours: the next update is probably of the same
    size_t unused_count;      // peers that BMP told of since the last tick, and that are not used
    char unused[UNUSED_SIZE]; // the first of them, in words
};

static int64_t now_us(const struct feed *feed)
{
    return feed->options.steady_us(feed->options.clock_context);
}

static void pass(struct feed *feed, const struct update *update)
{
    feed->options.sink.take(feed->options.sink.context, update);
}

static size_t index_of(const struct feed *feed, const struct neighbour *neighbour)
{
    return (size_t)(neighbour - feed->neighbours);
}

static struct neighbour *by_peer_id(struct feed *feed, int64_t peer_id)
{
    if (feed->last < feed->count && feed->neighbours[feed->last].peer_id == peer_id)
        return &feed->neighbours[feed->last];
    for (size_t i = 0; i < feed->count; i++) {
        if (feed->neighbours[i].peer_id == peer_id) {
            feed->last = i;
            return &feed->neighbours[i];
        }
    }
    return NULL;
}

static struct neighbour *by_address(struct feed *feed, const struct prefix *address)
{
    for (size_t i = 0; i < feed->count; i++) {
        if (prefix_compare(&feed->neighbours[i].address, address) == 0)
            return &feed->neighbours[i];
    }
    return NULL;
}

static bool comes_by_bmp(const struct neighbour *neighbour)
{
    for (int i = 0; i < STATE_FAMILIES; i++) {
        if (neighbour->loads[i].wanted && neighbour->loads[i].source == SOURCE_BMP)
            return true;
    }
    return false;
}

static bool takes_link_state(const struct neighbour *neighbour)
{
    const struct load *load = &neighbour->loads[STATE_LINK_STATE];

    return load->wanted && load->source == SOURCE_BMP;
}

/* ---- Loads ---- */

static void load_end(struct feed *feed, struct neighbour *neighbour, enum state_family family,
                     bool assumed)
{
    struct load *load = &neighbour->loads[family];
    struct update update = {
        .kind = UPDATE_END_OF_RIB,
        .peer_id = neighbour->peer_id,
        .end_of_rib = {.family = family, .assumed = assumed},
    };

    log_info(feed->options.log, "load complete: peer=%s family=%s prefixes=%zu end-of-rib=%s",
             neighbour->name, state_family_names[family], load->heard.count,
             assumed ? "assumed" : "received");
    load->running = false;
    key_set_clear(&load->heard);
    pass(feed, &update);
}

static bool is_complete(const struct neighbour *neighbour, const struct load *load, int64_t now)
{
    if (!neighbour->managed) // a router's own BMP, or the speaker has not told yet
        return load->marked && now - neighbour->up_us >= STRANGE_US;
    return load->flag && ((load->enough_us && now - load->enough_us >= SETTLE_US) ||
                          now - neighbour->last_us >= SILENCE_US);
}

/* Without a mark, silence is the end (L-114). A speaker says its tables one after the other, and a million routes take
 * longer than such a silence: while another family is being said, this one is only waiting for its turn. Measured
 * delays may change every few seconds for ever, so no load is waited for without end. */
static bool is_overdue(const struct feed *feed, const struct neighbour *neighbour,
                       const struct load *load, int64_t now)
{
    int64_t silence = feed->options.assume_end_of_rib_us;

    if (now - neighbour->up_us >= (silence > PATIENCE_US ? silence : PATIENCE_US))
        return true;
    for (int i = 0; i < STATE_FAMILIES; i++) {
        const struct load *other = &neighbour->loads[i];
        if (other->running && (other == load || other->heard.count) &&
            now - other->last_us < silence)
            return false;
    }
    return true;
}

static void load_check(struct feed *feed, struct neighbour *neighbour, enum state_family family,
                       int64_t now)
{
    struct load *load = &neighbour->loads[family];
    bool enough = load->flag && load->heard.count >= load->received;

    if (!load->running || load->source != SOURCE_BMP)
        return;
    load->enough_us = !enough ? 0 : load->enough_us ? load->enough_us : now;
    if (is_complete(neighbour, load, now))
        load_end(feed, neighbour, family, false);
    else if (is_overdue(feed, neighbour, load, now))
        load_end(feed, neighbour, family, true);
}

/* ---- Sessions ---- */

static void session_up(struct feed *feed, struct neighbour *neighbour, uint32_t asn,
                       const struct prefix *router_id, const bool carried[STATE_FAMILIES])
{
    struct update update = {
        .kind = UPDATE_PEER_UP,
        .peer_id = neighbour->peer_id,
        .up = {.asn = asn, .router_id = *router_id},
    };
    char text[PREFIX_TEXT_SIZE], families[64] = "";

    neighbour->up = true;
    neighbour->up_us = neighbour->last_us = now_us(feed);
    neighbour->reason[0] = '\0';
    neighbour->reason_is_bmps = false;
    for (int i = 0; i < STATE_FAMILIES; i++) {
        struct load *load = &neighbour->loads[i];
        update.up.families[i] = load->running = load->wanted && carried[i];
        load->flag = load->marked = false;
        load->received = 0;
        load->enough_us = 0;
        load->last_us = neighbour->up_us;
        key_set_clear(&load->heard);
        if (load->running)
            (void)snprintf(families + strlen(families), sizeof families - strlen(families), "%s%s",
                           *families ? "," : "", state_family_names[i]);
    }
    log_info(feed->options.log, "session up: peer=%s asn=%" PRIu32 " router-id=%s families=%s",
             neighbour->name, asn, address_format(router_id, text), families);
    pass(feed, &update);
    for (int i = 0; i < STATE_FAMILIES; i++) {
        if (neighbour->loads[i].running && neighbour->loads[i].source == SOURCE_GRPC)
            feed->options.doors.begin_routes(feed->options.doors.context, neighbour->peer_id,
                                             &neighbour->address, (enum state_family)i);
    }
}

/* Also for a session that never was up: then only the reason is news. */
static void session_down(struct feed *feed, struct neighbour *neighbour, const char *reason)
{
    struct update update = {
        .kind = UPDATE_PEER_DOWN, .peer_id = neighbour->peer_id, .reason = neighbour->reason};
    char quoted[REASON_SIZE * 2];

    if (!neighbour->up && strcmp(neighbour->reason, reason) == 0)
        return;
    (void)snprintf(neighbour->reason, sizeof neighbour->reason, "%s", reason);
    if (neighbour->up)
        log_warning(feed->options.log, "session down: peer=%s reason=%s", neighbour->name,
                    log_quote(reason, quoted, sizeof quoted));
    for (int i = 0; i < STATE_FAMILIES; i++) {
        struct load *load = &neighbour->loads[i];
        if (neighbour->up && load->wanted && load->source == SOURCE_GRPC)
            feed->options.doors.end_routes(feed->options.doors.context, neighbour->peer_id,
                                           (enum state_family)i);
        load->running = false;
        key_set_clear(&load->heard);
    }
    neighbour->up = false;
    pass(feed, &update);
}

/* ---- BMP ---- */

static bool is_its_router(const struct neighbour *neighbour, const struct bmp_router *router)
{
    return neighbour->bmp_up && neighbour->router_port == router->port &&
           prefix_compare(&neighbour->router, &router->address) == 0;
}

/* What gobgpd has is told by one connection, gobgpd's. Who else speaks of it, and would end its session by that and
 * begin a load that sweeps, is not heard while that connection lives. The newest one counts for other neighbours: a
 * router that is back may have left a dead connection behind. */
static bool is_taken(struct feed *feed, struct neighbour *neighbour,
                     const struct bmp_router *router)
{
    char address[PREFIX_TEXT_SIZE];

    if (!neighbour->managed || !neighbour->bmp_up || is_its_router(neighbour, router))
        return false;
    if (!neighbour->is_contested)
        log_warning(feed->options.log,
                    "a second BMP connection tells of a neighbour, and is not heard: peer=%s "
                    "router=%s port=%u",
                    neighbour->name, address_format(&router->address, address), router->port);
    neighbour->is_contested = true;
    return true;
}

static struct prefix router_id_of(uint32_t number)
{
    struct prefix router_id = {.family = FAMILY_IPV4, .length_bits = 32};

    for (int i = 0; i < 4; i++)
        router_id.bytes[i] = (uint8_t)(number >> (24 - 8 * i));
    return router_id;
}

/* A router may have thousands of peers: the first is named, the others are counted, a line a tick. */
static void note_unused(struct feed *feed, const struct bmp_router *router,
                        const struct bmp_peer *peer)
{
    char address[PREFIX_TEXT_SIZE], other[PREFIX_TEXT_SIZE] = "none", name[2 * BMP_TEXT_LIMIT];

    if (feed->unused_count++)
        return;
    if (peer->address.family)
        (void)address_format(&peer->address, other);
    (void)snprintf(feed->unused, sizeof feed->unused,
                   "router=%s port=%u name=%s peer=%s asn=%" PRIu32 " reason=\"%s\"",
                   address_format(&router->address, address), router->port,
                   log_quote(router->name, name, sizeof name), other, peer->asn,
                   peer->type == BMP_GLOBAL ? "no configured neighbour has this address"
                                            : "it is no peer of the global instance");
}

static void tell_unused(struct feed *feed)
{
    if (feed->unused_count)
        log_warning(feed->options.log, "peers that BMP tells of are not used: count=%zu %s",
                    feed->unused_count, feed->unused);
    feed->unused_count = 0;
}

static struct bmp_wanted on_bmp_peer_up(void *context, const struct bmp_router *router,
                                        const struct bmp_peer *peer)
{
    struct feed *feed = context;
    struct neighbour *neighbour = by_address(feed, &peer->address);
    struct bmp_wanted wanted = {.peer_id = -1};
    bool carried[STATE_FAMILIES];

    if (!neighbour || peer->type != BMP_GLOBAL) {
        note_unused(feed, router, peer);
        return wanted;
    }
    if (!comes_by_bmp(neighbour) || is_taken(feed, neighbour, router))
        return wanted;
    if (takes_link_state(neighbour) &&
        !feed->options.doors.admits(feed->options.doors.context, index_of(feed, neighbour))) {
        neighbour->bmp_up = false;
        session_down(feed, neighbour, "its session is made anew, to hear it from its beginning");
        return wanted;
    }
    wanted.peer_id = neighbour->peer_id;
    for (int i = 0; i < STATE_FAMILIES; i++) {
        carried[i] = !peer->has_open || (peer->sent.families[i] && peer->received.families[i]);
        wanted.families[i] = neighbour->loads[i].wanted && neighbour->loads[i].source == SOURCE_BMP;
    }
    if (neighbour->up) // the newest connection counts: an older one may be dead without knowing
        session_down(feed, neighbour, "told anew by BMP");
    neighbour->bmp_up = true;
    neighbour->router = router->address;
    neighbour->router_port = router->port;
    struct prefix router_id = router_id_of(peer->router_id);
    session_up(feed, neighbour, peer->asn, &router_id, carried);
    return wanted;
}

static void on_bmp_peer_down(void *context, const struct bmp_router *router,
                             const struct bmp_peer *peer, int64_t peer_id, enum bmp_down down,
                             const char *reason)
{
    struct feed *feed = context;
    struct neighbour *neighbour = by_peer_id(feed, peer_id);

    (void)peer;
    if (!neighbour || !is_its_router(neighbour, router))
        return;
    neighbour->bmp_up = false;
    neighbour->reason_is_bmps = neighbour->up && down == BMP_DOWN_SESSION;
    session_down(feed, neighbour, reason);
    if (down != BMP_DOWN_CONNECTION)
        return;
    if (neighbour->is_contested) // the other one may be gobgpd's next, which was not heard
        feed->options.doors.renew(feed->options.doors.context, index_of(feed, neighbour));
    neighbour->is_contested = false;
    feed->options.doors.lost_station(feed->options.doors.context);
}

static void on_router_up(void *context, const struct bmp_router *router)
{
    struct feed *feed = context;
    char address[PREFIX_TEXT_SIZE], name[BMP_TEXT_LIMIT * 2];

    log_debug(feed->options.log, "BMP router: address=%s port=%u name=%s",
              address_format(&router->address, address), router->port,
              log_quote(router->name, name, sizeof name));
}

static void on_router_down(void *context, const struct bmp_router *router, const char *reason)
{
    (void)context; // its peers were told to be down before
    (void)router;
    (void)reason;
}

/* STATE_FAMILIES: the update is not of one family. *hash: of the object's key. */
static enum state_family family_of(const struct update *update, uint64_t *hash)
{
    struct octets nlri;

    switch (update->kind) {
    case UPDATE_ROUTE:
    case UPDATE_ROUTE_GONE: {
        uint8_t key[24] = {update->route->prefix.family, update->route->prefix.length_bits};
        memcpy(key + 2, update->route->prefix.bytes, sizeof update->route->prefix.bytes);
        memcpy(key + 18, &update->route->path_id, sizeof update->route->path_id);
        *hash = hash_bytes(key, sizeof key);
        return update->route->prefix.family == FAMILY_IPV4 ? STATE_IPV4_UNICAST
                                                           : STATE_IPV6_UNICAST;
    }
    case UPDATE_NODE:
        nlri = update->node->nlri;
        break;
    case UPDATE_LINK:
        nlri = update->link->nlri;
        break;
    case UPDATE_PREFIX:
        nlri = update->prefix->nlri;
        break;
    case UPDATE_OPAQUE:
    case UPDATE_LS_GONE:
        nlri = update->ls.nlri;
        break;
    default:
        return STATE_FAMILIES;
    }
    *hash = hash_bytes(nlri.bytes, nlri.length);
    return STATE_LINK_STATE;
}

static void take_bmp(void *context, const struct update *update)
{
    struct feed *feed = context;
    struct neighbour *neighbour = by_peer_id(feed, update->peer_id);
    uint64_t hash;

    if (!neighbour || !neighbour->up)
        return;
    if (update->kind == UPDATE_END_OF_RIB) {
        neighbour->loads[update->end_of_rib.family].marked = true;
        return;
    }
    enum state_family family = family_of(update, &hash);
    if (family == STATE_FAMILIES) {
        pass(feed, update);
        return;
    }
    struct load *load = &neighbour->loads[family];
    if (!load->wanted || load->source != SOURCE_BMP) // no longer so since the session began
        return;
    neighbour->last_us = load->last_us = now_us(feed);
    if (load->running && (update->kind == UPDATE_ROUTE_GONE || update->kind == UPDATE_LS_GONE))
        key_set_remove(&load->heard, hash);
    else if (load->running)
        key_set_add(&load->heard, hash);
    if (family == STATE_LINK_STATE)
        feed->options.doors.heard_link_state(feed->options.doors.context,
                                             index_of(feed, neighbour));
    pass(feed, update);
}

struct bmp_handler feed_bmp_handler(struct feed *feed)
{
    return (struct bmp_handler){
        .context = feed,
        .sink = {feed, take_bmp},
        .on_router_up = on_router_up,
        .on_router_down = on_router_down,
        .on_peer_up = on_bmp_peer_up,
        .on_peer_down = on_bmp_peer_down,
    };
}

/* ---- Time ---- */

void feed_tick(struct feed *feed)
{
    int64_t now = now_us(feed);

    tell_unused(feed);
    for (size_t i = 0; i < feed->count; i++) {
        for (int j = 0; feed->neighbours[i].up && j < STATE_FAMILIES; j++)
            load_check(feed, &feed->neighbours[i], (enum state_family)j, now);
    }
}

/* ---- The speaker ---- */

void feed_speaker_peer(void *context, const struct speaker_peer *peer)
{
    struct feed *feed = context;
    struct neighbour *neighbour = &feed->neighbours[peer->index];

    bool ends = neighbour->managed && !peer->up;
    bool is_news = strcmp(neighbour->speakers, peer->last_error) != 0;
    neighbour->managed = peer->up;
    (void)snprintf(neighbour->speakers, sizeof neighbour->speakers, "%s", peer->last_error);
    if (!comes_by_bmp(neighbour) && peer->up && !neighbour->up) {
        bool carried[STATE_FAMILIES] = {true, true, true};
        session_up(feed, neighbour, peer->asn, &peer->router_id, carried);
    } else if (!peer->up && (!neighbour->up || !comes_by_bmp(neighbour)) && *peer->last_error &&
               (!neighbour->reason_is_bmps || (is_news && !ends))) {
        session_down(feed, neighbour, peer->last_error);
    }
    if (!neighbour->up || !peer->up || peer->asked_us <= neighbour->up_us)
        return;
    for (int i = 0; i < STATE_FAMILIES; i++) {
        neighbour->loads[i].flag = peer->families[i].end_of_rib;
        neighbour->loads[i].received = peer->families[i].received;
        load_check(feed, neighbour, (enum state_family)i, now_us(feed));
    }
}

static void take_grpc(void *context, const struct update *update)
{
    struct feed *feed = context;
    struct neighbour *neighbour = by_peer_id(feed, update->peer_id);
    uint64_t hash;

    if (!neighbour || !neighbour->up)
        return;
    enum state_family family = family_of(update, &hash);
    if (family != STATE_FAMILIES && neighbour->loads[family].source != SOURCE_GRPC)
        return;
    if (update->kind == UPDATE_ROUTE && neighbour->loads[family].running)
        key_set_add(&neighbour->loads[family].heard, hash);
    pass(feed, update);
}

struct update_sink feed_grpc_sink(struct feed *feed)
{
    return (struct update_sink){feed, take_grpc};
}

void feed_grpc_loaded(struct feed *feed, int64_t peer_id, enum state_family family)
{
    struct neighbour *neighbour = by_peer_id(feed, peer_id);

    if (neighbour && neighbour->loads[family].running &&
        neighbour->loads[family].source == SOURCE_GRPC)
        load_end(feed, neighbour, family, false);
}

/* ---- The list of neighbours ---- */

struct feed *feed_new(const struct feed_options *options)
{
    struct feed *feed = memory_alloc(1, sizeof *feed);

    feed->options = *options;
    return feed;
}

static void neighbour_clear(struct neighbour *neighbour)
{
    for (int i = 0; i < STATE_FAMILIES; i++)
        key_set_clear(&neighbour->loads[i].heard);
    free(neighbour->name);
}

void feed_free(struct feed *feed)
{
    if (!feed)
        return;
    for (size_t i = 0; i < feed->count; i++)
        neighbour_clear(&feed->neighbours[i]);
    free(feed->neighbours);
    free(feed);
}

static bool is_as_it_was(const struct neighbour *neighbour, const struct feed_neighbour *given)
{
    if (!neighbour || strcmp(neighbour->name, given->name) != 0)
        return false;
    for (int i = 0; i < STATE_FAMILIES; i++) {
        if (neighbour->loads[i].wanted != given->families[i] ||
            (given->families[i] && neighbour->loads[i].source != given->sources[i]))
            return false;
    }
    return true;
}

static struct neighbour neighbour_from(struct feed *feed, const struct feed_neighbour *given)
{
    struct neighbour *known = by_address(feed, &given->address), neighbour = {0};

    if (is_as_it_was(known, given)) {
        neighbour = *known;
        *known = (struct neighbour){0}; // its name and sets are the new one's
        neighbour.peer_id = given->peer_id;
        return neighbour;
    }
    neighbour.name = memory_text(given->name);
    neighbour.address = given->address;
    neighbour.peer_id = given->peer_id;
    for (int i = 0; i < STATE_FAMILIES; i++) {
        neighbour.loads[i].wanted = given->families[i];
        neighbour.loads[i].source = given->sources[i];
    }
    return neighbour;
}

void feed_set_neighbours(struct feed *feed, const struct feed_neighbour *list, size_t count)
{
    struct neighbour *old = feed->neighbours;
    struct neighbour *neighbours = memory_alloc(count, sizeof *neighbours);
    size_t old_count = feed->count;

    for (size_t i = 0; i < count; i++)
        neighbours[i] = neighbour_from(feed, &list[i]);
    feed->neighbours = neighbours;
    feed->count = count;
    feed->last = 0;
    for (size_t i = 0; i < old_count; i++) { // those that do not go on
        struct neighbour *again = old[i].name ? by_address(feed, &old[i].address) : NULL;
        if (old[i].up) {
            session_down(feed, &old[i], "its configuration was changed");
            if (again)
                feed->options.doors.renew(feed->options.doors.context, index_of(feed, again));
        }
        neighbour_clear(&old[i]);
    }
    free(old);
}
