/* bmp: messages off a stream, peers by their key, and BGP messages out of their wrapping.
 *
 * Nothing is believed but the common header's length: what is wrong inside a message costs that message, and only
 * a header that cannot be ours, or Termination, ends the connection. Peers hang in a fixed table of chains; most
 * routers have fewer peers than it has chains. */
#include "bmp.h"

#include "bgp_message.h"
#include "bgp_update.h"
#include "lib/hash.h"
#include "printable.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    VERSION = 3,
    HEADER_LENGTH = 6,
    CHAINS = 1024,
    TEXT_SIZE = 4 * BMP_TEXT_LIMIT + 1, // every octet as \xNN
    REASON_SIZE = 128,
    KEY_LENGTH = 1 + 8 + 1 + 16 + 4,
};

/* Flags of the per-peer header (L-131). Those of Loc-RIB mean nothing to us. */
enum {
    FLAG_IPV6 = 0x80,
    FLAG_POST_POLICY = 0x40,
    FLAG_TWO_OCTET_AS = 0x20,
    FLAG_ADJ_RIB_OUT = 0x10
};

enum view { PRE_POLICY, POST_POLICY, VIEWS };

struct monitored {
    struct monitored *next; // in its chain
    uint8_t key[KEY_LENGTH];
    struct bmp_peer facts;
    struct bmp_wanted wanted;
    struct bgp_session session;
    unsigned
        announced[VIEWS]; // families (1 << …) of which the view has announced something (L-136)
    struct faults faults;
};

struct bmp_session {
    struct bmp_handler handler;
    struct bmp_router router;
    char name[TEXT_SIZE], description[TEXT_SIZE];
    bool is_up, closed; // on_router_up, bmp_session_close have been called
    struct fault_ring *ring;
    struct arena *arena; // one message's
    struct bmp_counters counters;
    struct monitored *chains[CHAINS];
    size_t peer_count;
};

/* The message being taken. */
struct taking {
    struct bmp_session *session;
    struct cursor body;    // after the headers
    struct bmp_peer facts; // of the per-peer header
    uint8_t flags, key[KEY_LENGTH];
    struct monitored *peer; // NULL: not known, or gone
    int64_t peer_id;        // its, for the ring
    struct faults faults;
    struct error *err;
};

/* ---- Peers ---- */

static struct monitored **chain_of(struct bmp_session *session, const uint8_t key[KEY_LENGTH])
{
    return &session->chains[hash_bytes(key, KEY_LENGTH) % CHAINS];
}

static struct monitored *peer_find(struct bmp_session *session, const uint8_t key[KEY_LENGTH])
{
    for (struct monitored *peer = *chain_of(session, key); peer; peer = peer->next)
        if (memcmp(peer->key, key, KEY_LENGTH) == 0)
            return peer;
    return NULL;
}

/* NULL: there are too many. */
static struct monitored *peer_add(const struct taking *taking)
{
    struct bmp_session *session = taking->session;
    struct monitored **chain = chain_of(session, taking->key);

    if (session->peer_count == BMP_PEER_LIMIT) {
        session->counters.peers_over++;
        return NULL;
    }
    struct monitored *peer = memory_alloc(1, sizeof *peer);
    memcpy(peer->key, taking->key, KEY_LENGTH);
    peer->facts = taking->facts;
    peer->wanted.peer_id = -1;
    peer->next = *chain;
    *chain = peer;
    session->peer_count++;
    return peer;
}

static void peer_down(struct bmp_session *session, const struct monitored *peer, enum bmp_down down,
                      const char *reason)
{
    if (peer->wanted.peer_id >= 0)
        session->handler.on_peer_down(session->handler.context, &session->router, &peer->facts,
                                      peer->wanted.peer_id, down, reason);
}

static void peer_remove(struct bmp_session *session, const struct monitored *peer)
{
    struct monitored **at = chain_of(session, peer->key);

    while (*at != peer)
        at = &(*at)->next;
    struct monitored *removed = *at;
    *at = removed->next;
    session->peer_count--;
    free(removed);
}

static void peer_up(struct bmp_session *session, struct monitored *peer)
{
    peer->wanted =
        session->handler.on_peer_up(session->handler.context, &session->router, &peer->facts);
}

/* ---- Headers ---- */

bool bmp_message_length(struct octets begin, size_t *length, struct error *err)
{
    struct cursor header = cursor_over(begin);

    *length = 0;
    if (!header.left)
        return true;
    uint8_t version = cursor_u8(&header);
    if (version != VERSION)
        return error_set(err, ERROR_INPUT, "BMP version %d; %d expected", version, VERSION);
    size_t told = cursor_u32(&header);
    (void)cursor_u8(&header); // type
    if (header.failed)
        return true;
    if (told < HEADER_LENGTH || told > BMP_MESSAGE_LIMIT)
        return error_set(err, ERROR_INPUT, "BMP message of %zu octets; %d to %d expected", told,
                         HEADER_LENGTH, BMP_MESSAGE_LIMIT);
    *length = told;
    return true;
}

static struct prefix address_read(const uint8_t bytes[16], bool is_ipv6)
{
    struct prefix address = {.family = is_ipv6 ? FAMILY_IPV6 : FAMILY_IPV4,
                             .length_bits = is_ipv6 ? 128 : 32};

    if (is_ipv6)
        memcpy(address.bytes, bytes, 16);
    else
        memcpy(address.bytes, bytes + 12, 4);
    return address;
}

/* The per-peer header off the front (L-131), and the key that it makes (L-132). */
static bool read_peer_header(struct taking *taking)
{
    struct bmp_peer *peer = &taking->facts;
    uint8_t type = cursor_u8(&taking->body);
    uint8_t flags = cursor_u8(&taking->body);
    const uint8_t *distinguisher = cursor_bytes(&taking->body, sizeof peer->distinguisher);
    const uint8_t *address = cursor_bytes(&taking->body, 16);
    uint32_t asn = cursor_u32(&taking->body);
    uint32_t router_id = cursor_u32(&taking->body);

    (void)cursor_bytes(&taking->body, 8); // time
    if (taking->body.failed) {
        faults_count(&taking->faults, FAULT_BMP_MESSAGE);
        return false;
    }
    if (type > BMP_LOC_RIB) {
        faults_count(&taking->faults, FAULT_BMP_TYPE);
        return false;
    }
    *peer = (struct bmp_peer){.type = type, .asn = asn, .router_id = router_id};
    memcpy(peer->distinguisher, distinguisher, sizeof peer->distinguisher);
    if (type != BMP_LOC_RIB) {
        peer->address = address_read(address, flags & FLAG_IPV6);
        taking->flags = flags;
    }
    uint8_t *key = taking->key;
    *key++ = type;
    memcpy(key, distinguisher, 8);
    key += 8;
    *key++ = peer->address.family;
    memcpy(key, peer->address.bytes, 16);
    key += 16;
    for (size_t i = 0; i < 4; i++)
        *key++ = (uint8_t)(router_id >> (24 - 8 * i));
    return true;
}

/* An information TLV off the front. false at the end. */
static bool read_tlv(struct taking *taking, uint16_t *type, struct octets *value)
{
    if (!taking->body.left)
        return false;
    *type = cursor_u16(&taking->body);
    struct cursor inner = cursor_sub(&taking->body, cursor_u16(&taking->body));
    *value = cursor_rest(&inner);
    if (taking->body.failed)
        faults_count(&taking->faults, FAULT_BMP_TLV);
    return !taking->body.failed;
}

/* ---- Peer Up, Peer Down ---- */

/* A BGP message off the front, as long as its own header says. */
static struct octets read_message(struct cursor *body)
{
    struct cursor header = *body;

    (void)cursor_bytes(&header, 16); // marker
    size_t length = cursor_u16(&header);
    struct cursor message = cursor_sub(body, header.failed ? SIZE_MAX : length);
    return cursor_rest(&message);
}

static void merge_families(struct bgp_open *into, const struct bgp_open *from)
{
    for (enum state_family family = 0; family < STATE_FAMILIES; family++) {
        into->families[family] |= from->families[family];
        into->add_path[family] |= from->add_path[family];
        into->add_path_any[family] |= from->add_path_any[family];
    }
}

static void set_session(struct monitored *peer)
{
    const struct bmp_peer *facts = &peer->facts;

    if (facts->type != BMP_LOC_RIB) {
        peer->session = bgp_open_session(&facts->received, &facts->sent);
        return;
    }
    // Both OPENs of a Loc-RIB are made up; its path-ids are there as soon as the capability is (L-133).
    peer->session = (struct bgp_session){.four_octet_as = true};
    memcpy(peer->session.add_path, facts->sent.add_path_any, sizeof peer->session.add_path);
}

static bool take_peer_up(struct taking *taking)
{
    struct bmp_session *session = taking->session;
    struct monitored *peer = peer_find(session, taking->key);
    struct bmp_peer facts = taking->facts;
    struct error ignored;
    uint16_t type;
    struct octets value;

    session->counters.peer_up++;
    (void)cursor_bytes(&taking->body, 16 + 2 + 2); // local address and ports
    struct octets sent = read_message(&taking->body);
    struct octets received = read_message(&taking->body);
    if (taking->body.failed) {
        faults_count(&taking->faults, FAULT_BMP_MESSAGE);
        return true;
    }
    facts.has_open = bgp_open_parse(sent, &facts.sent, &ignored) &&
                     bgp_open_parse(received, &facts.received, &ignored);
    if (!facts.has_open || facts.sent.damaged || facts.received.damaged)
        faults_count(&taking->faults, FAULT_BGP_OPEN);
    while (read_tlv(taking, &type, &value))
        ; // 0 text, 3 table name, 4 admin label: nothing for us

    bool adds = peer && facts.type == BMP_LOC_RIB && peer->facts.has_open && facts.has_open;
    if (adds) { // L-139
        merge_families(&facts.sent, &peer->facts.sent);
        merge_families(&facts.received, &peer->facts.received);
    } else if (peer) {
        peer_down(session, peer, BMP_DOWN_CONNECTION, "Peer Up without Peer Down");
        memset(peer->announced, 0, sizeof peer->announced);
    } else if (!(peer = peer_add(taking))) {
        return true;
    }
    peer->facts = facts;
    set_session(peer);
    peer_up(session, peer);
    taking->peer = peer;
    taking->peer_id = peer->wanted.peer_id;
    return true;
}

/* "remote NOTIFICATION 6/2" */
static void notification_reason(struct cursor body, const char *side, char out[REASON_SIZE])
{
    struct octets message = read_message(&body);
    struct cursor notification;
    uint8_t type;

    if (body.failed || !bgp_message_open(message, &type, &notification) ||
        type != BGP_NOTIFICATION || notification.left < 2) {
        (void)snprintf(out, REASON_SIZE, "%s NOTIFICATION that cannot be read", side);
        return;
    }
    int code = cursor_u8(&notification);
    (void)snprintf(out, REASON_SIZE, "%s NOTIFICATION %d/%d", side, code, cursor_u8(&notification));
}

static bool take_peer_down(struct taking *taking)
{
    struct bmp_session *session = taking->session;
    struct monitored *peer = peer_find(session, taking->key);
    uint8_t reason = cursor_u8(&taking->body);
    enum bmp_down down = BMP_DOWN_SESSION;
    char text[REASON_SIZE];

    session->counters.peer_down++;
    if (taking->body.failed) // the peer is down all the same
        faults_count(&taking->faults, FAULT_BMP_MESSAGE);
    switch (reason) { // L-134
    case 1:
        notification_reason(taking->body, "local", text);
        break;
    case 2:
        (void)snprintf(text, sizeof text, "local FSM event %d", cursor_u16(&taking->body));
        break;
    case 3:
        notification_reason(taking->body, "remote", text);
        break;
    case 4:
        (void)snprintf(text, sizeof text, "remote close without NOTIFICATION");
        break;
    case 5:
        (void)snprintf(text, sizeof text, "no longer monitored");
        down = BMP_DOWN_FORGET;
        break;
    case 6:
        (void)snprintf(text, sizeof text, "closed by the monitored router");
        break;
    default:
        (void)snprintf(text, sizeof text, "Peer Down reason %d", reason);
        break;
    }
    if (peer) {
        taking->peer_id = peer->wanted.peer_id;
        peer_down(session, peer, down, text);
        peer_remove(session, peer);
    }
    return true;
}

/* ---- Route Monitoring ---- */

/* A peer whose Peer Up we never had (L-137). NULL: too many peers. */
static struct monitored *peer_unannounced(struct taking *taking)
{
    struct monitored *peer = peer_add(taking);

    if (!peer)
        return NULL;
    faults_count(&taking->faults, FAULT_BMP_NO_PEER_UP);
    peer->session.four_octet_as = true;
    peer_up(taking->session, peer);
    if (peer->wanted.peer_id >= 0) {
        struct update update = {.kind = UPDATE_FAULT, .peer_id = peer->wanted.peer_id};
        update.reason = fault_name(FAULT_BMP_NO_PEER_UP);
        taking->session->handler.sink.take(taking->session->handler.sink.context, &update);
    }
    return peer;
}

/* Passes updates on, and notes the families of which something is announced. */
struct relay {
    struct update_sink to; // take NULL: nobody hears them
    unsigned announced;
};

static void relay_take(void *context, const struct update *update)
{
    struct relay *relay = context;

    if (update->kind == UPDATE_ROUTE)
        relay->announced |=
            1U << (update->route->prefix.family == FAMILY_IPV4 ? STATE_IPV4_UNICAST
                                                               : STATE_IPV6_UNICAST);
    else if (update->kind >= UPDATE_NODE && update->kind <= UPDATE_OPAQUE)
        relay->announced |= 1U << STATE_LINK_STATE;
    if (relay->to.take)
        relay->to.take(relay->to.context, update);
}

/* The families of which the message announces something; its faults are the caller's to count. */
static unsigned announced_by(const struct bgp_input *input, struct octets message,
                             struct faults *faults)
{
    struct relay relay = {.announced = 0};
    struct bgp_input quiet = *input;

    quiet.sink = (struct update_sink){&relay, relay_take};
    quiet.faults = faults;
    bgp_update_parse(&quiet, message);
    return relay.announced;
}

/* The families that this view of the peer speaks for (L-136). A router that keeps no Adj-RIB-In (FRR without
 * soft-reconfiguration) withdraws before policy what it announces behind it, and ends both loads: by that alone the
 * pre-policy view says nothing. */
static unsigned families_of_view(const struct monitored *peer, enum view view,
                                 const struct bgp_input *input, struct octets message,
                                 struct faults *faults)
{
    unsigned all = (1U << STATE_FAMILIES) - 1;
    unsigned before = peer->announced[PRE_POLICY], behind = peer->announced[POST_POLICY];

    if (view == POST_POLICY)
        return all & ~before;
    if (!(behind & ~before))
        return all;
    return (all & ~behind) | before | announced_by(input, message, faults);
}

static bool take_route_monitoring(struct taking *taking)
{
    struct bmp_session *session = taking->session;
    enum view view = taking->flags & FLAG_POST_POLICY ? POST_POLICY : PRE_POLICY;
    struct monitored *peer = peer_find(session, taking->key);
    struct octets message = cursor_rest(&taking->body);
    struct relay relay = {.to = session->handler.sink};
    struct faults faults = {0};
    bool any = false;

    session->counters.route_monitoring++;
    if (!peer && !(peer = peer_unannounced(taking)))
        return true;
    taking->peer = peer;
    taking->peer_id = peer->wanted.peer_id;
    struct bgp_input input = {.peer_id = peer->wanted.peer_id,
                              .session = peer->session,
                              .arena = session->arena,
                              .sink = {&relay, relay_take},
                              .faults = &taking->faults};
    if (peer->facts.type != BMP_LOC_RIB) // the header says how this message was made (L-123)
        input.session.four_octet_as = !(taking->flags & FLAG_TWO_OCTET_AS);
    memcpy(input.wanted, peer->wanted.families, sizeof input.wanted);
    unsigned families = input.peer_id < 0 || taking->flags & FLAG_ADJ_RIB_OUT
                            ? 0
                            : families_of_view(peer, view, &input, message, &faults);
    for (enum state_family family = 0; family < STATE_FAMILIES; family++) {
        input.wanted[family] = input.wanted[family] && families >> family & 1;
        any |= input.wanted[family];
    }
    if (!any) {
        session->counters.ignored++;
        faults_add(&taking->faults, &faults);
        return true;
    }
    bgp_update_parse(&input, message);
    peer->announced[view] |= relay.announced;
    return true;
}

/* ---- The other messages ---- */

static bool take_statistics(struct taking *taking)
{
    taking->session->counters.statistics++;
    return true;
}

static bool take_mirroring(struct taking *taking)
{
    taking->session->counters.mirroring++;
    return true;
}

/* Text from outside, cut to BMP_TEXT_LIMIT octets of it. */
static void text_copy(struct bmp_session *session, struct octets value, char out[TEXT_SIZE])
{
    if (value.length > BMP_TEXT_LIMIT)
        value.length = BMP_TEXT_LIMIT;
    (void)snprintf(out, TEXT_SIZE, "%s", printable_text(session->arena, value));
}

static bool take_initiation(struct taking *taking)
{
    struct bmp_session *session = taking->session;
    uint16_t type;
    struct octets value;

    session->counters.initiation++;
    while (read_tlv(taking, &type, &value)) {
        if (type == 1)
            text_copy(session, value, session->description);
        else if (type == 2)
            text_copy(session, value, session->name);
    }
    return true;
}

static bool take_termination(struct taking *taking)
{
    static const char *const reasons[] = {"administratively closed", "unspecified reason",
                                          "out of resources", "redundant connection",
                                          "closed for good"};
    const char *why = "no reason given";
    uint16_t type;
    struct octets value;

    taking->session->counters.termination++;
    while (read_tlv(taking, &type, &value)) {
        struct cursor reason = cursor_over(value);
        uint16_t number = cursor_u16(&reason);
        if (type == 1 && !reason.failed)
            why = number < sizeof reasons / sizeof *reasons ? reasons[number] : "unknown reason";
    }
    return error_set(taking->err, ERROR_INPUT, "BMP Termination: %s", why);
}

static const struct kind {
    bool has_peer;
    bool (*take)(struct taking *taking); // false: close, with *err set
} kinds[] = {
    {true, take_route_monitoring}, {true, take_statistics},  {true, take_peer_down},
    {true, take_peer_up},          {false, take_initiation}, {false, take_termination},
    {true, take_mirroring},
};

enum { TYPE_INITIATION = 4, TYPES = sizeof kinds / sizeof *kinds };

static void router_up(struct bmp_session *session)
{
    if (session->is_up)
        return;
    session->is_up = true;
    session->handler.on_router_up(session->handler.context, &session->router);
}

static bool take(struct taking *taking, uint8_t type)
{
    if (type >= TYPES) {
        faults_count(&taking->faults, FAULT_BMP_TYPE);
        return true;
    }
    if (type != TYPE_INITIATION) // which tells the router's name first
        router_up(taking->session);
    if (kinds[type].has_peer && !read_peer_header(taking))
        return true;
    bool goes_on = kinds[type].take(taking);
    router_up(taking->session);
    return goes_on;
}

bool bmp_session_take(struct bmp_session *session, struct octets message, int64_t now_us,
                      struct error *err)
{
    struct taking taking = {
        .session = session, .body = cursor_over(message), .peer_id = -1, .err = err};
    size_t length;

    bool whole = bmp_message_length(message, &length, err);
    if (whole && length != message.length)
        whole = error_set(err, ERROR_INPUT, "BMP message of %zu octets that says %zu",
                          message.length, length);
    if (!whole) {
        faults_count(&session->counters.faults, FAULT_BMP_HEADER);
        return false;
    }
    (void)cursor_bytes(&taking.body, HEADER_LENGTH - 1);
    session->counters.messages++;
    session->counters.bytes += message.length;
    bool goes_on = take(&taking, cursor_u8(&taking.body));
    enum fault first = faults_first(&taking.faults);
    if (first != FAULTS && session->ring)
        fault_ring_add(session->ring, now_us, taking.peer_id, first, message);
    faults_add(&session->counters.faults, &taking.faults);
    if (taking.peer)
        faults_add(&taking.peer->faults, &taking.faults);
    arena_reset(session->arena);
    return goes_on;
}

bool bmp_session_feed(struct bmp_session *session, struct octets bytes, int64_t now_us,
                      size_t *taken, struct error *err)
{
    struct cursor stream = cursor_over(bytes);

    *taken = 0;
    for (;;) {
        struct octets rest = {.bytes = stream.at, .length = stream.left};
        size_t length;
        if (!bmp_message_length(rest, &length, err)) {
            faults_count(&session->counters.faults, FAULT_BMP_HEADER);
            return false;
        }
        if (length == 0 || length > stream.left)
            return true;
        struct cursor message = cursor_sub(&stream, length);
        *taken += length;
        if (!bmp_session_take(session, cursor_rest(&message), now_us, err))
            return false;
    }
}

/* ---- The session ---- */

struct bmp_session *bmp_session_new(const struct bmp_handler *handler, const struct prefix *address,
                                    uint16_t port, struct fault_ring *ring)
{
    struct bmp_session *session = memory_alloc(1, sizeof *session);

    session->handler = *handler;
    session->router = (struct bmp_router){.address = *address,
                                          .port = port,
                                          .name = session->name,
                                          .description = session->description};
    session->ring = ring;
    session->arena = arena_new();
    return session;
}

void bmp_session_close(struct bmp_session *session, const char *reason)
{
    if (session->closed)
        return;
    session->closed = true;
    for (size_t i = 0; i < CHAINS; i++)
        while (session->chains[i]) {
            peer_down(session, session->chains[i], BMP_DOWN_CONNECTION, reason);
            peer_remove(session, session->chains[i]);
        }
    if (session->is_up)
        session->handler.on_router_down(session->handler.context, &session->router, reason);
}

void bmp_session_free(struct bmp_session *session)
{
    if (!session)
        return;
    for (size_t i = 0; i < CHAINS; i++)
        while (session->chains[i])
            peer_remove(session, session->chains[i]);
    arena_free(session->arena);
    free(session);
}

const struct bmp_counters *bmp_session_counters(const struct bmp_session *session)
{
    return &session->counters;
}

const struct bmp_router *bmp_session_router(const struct bmp_session *session)
{
    return &session->router;
}

void bmp_session_each_peer(const struct bmp_session *session,
                           void (*visit)(void *context, const struct bmp_peer *peer,
                                         int64_t peer_id, const struct faults *faults),
                           void *context)
{
    for (size_t i = 0; i < CHAINS; i++)
        for (const struct monitored *peer = session->chains[i]; peer; peer = peer->next)
            visit(context, &peer->facts, peer->wanted.peer_id, &peer->faults);
}
