/* gobgp: one row a method: what is asked, what comes back, how long that may take.
 *
 * An answer is converted and handed on in the function that the row names (gobgp_answer.c), and is freed by
 * grpc_client when that returns: no message of the API lives longer, and none is seen outside of these two files.
 *
 * How a GoBGP 4 is told from something else: GetBgp of GoBGP 3 answers UNIMPLEMENTED at both, so then 4's own
 * GetBgp is asked. Its request is empty, and only that there is an answer counts. */
#include "gobgp.h"

#include "gobgp_answer.h"
#include "grpc_client.h"
#include "lib/arena.h"

#include <assert.h>
#include <gobgp.pb-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ANSWER_MS = 5000,   // what gobgpd may take; a ListPeer takes 30 ms while a full table is loaded
    STOP_MS = 30000,    // StopBgp waits for the neighbours' sessions to end
    TABLE_MS = 300000,  // a table of 1 M routes is 10 to 20 s of a busy gobgpd
    MULTIHOP_TTL = 64,  // to reach an external neighbour that is not on our own wire
    PASSWORD_SIZE = 81, // TCP_MD5SIG_MAXKEYLEN and the NUL
    CONNECT_RETRY_S = 10, // gobgpd's default is 120 s, and no neighbour minds to be asked
};

struct gobgp {
    struct grpc_client *client;
    struct gobgp_call *calls; // in flight
};

struct method;

struct gobgp_call {
    struct gobgp *gobgp;
    const struct method *method;
    struct gobgp_handler handler;
    struct grpc_client_call *call;
    struct gobgp_call *next, **link;
    struct bgp_input input; // gobgp_list_routes
    enum state_family family;
    char *foreign; // what the server said of GoBGP 3's GetBgp, while 4's is asked; owned
};

struct method {
    struct grpc_method grpc;
    int64_t deadline_ms; // 0: none
    void (*take)(const struct gobgp_listener *listener,
                 const ProtobufCMessage *answer); // NULL: it says nothing
};

const char *gobgp_session_name(enum gobgp_session session)
{
    static const char *const names[SESSION_STATES] = {
        [SESSION_UNKNOWN] = "unknown",         [SESSION_IDLE] = "idle",
        [SESSION_CONNECT] = "connect",         [SESSION_ACTIVE] = "active",
        [SESSION_OPENSENT] = "opensent",       [SESSION_OPENCONFIRM] = "openconfirm",
        [SESSION_ESTABLISHED] = "established",
    };

    return names[session];
}

#define EMPTY &google__protobuf__empty__descriptor

enum {
    GET,
    GET_OF_4,
    START,
    STOP,
    SET_POLICY,
    ADD_BMP,
    DELETE_BMP,
    LIST_BMP,
    ADD_PEER,
    UPDATE_PEER,
    DELETE_PEER,
    LIST_PEER,
    WATCH,
    LIST_PATH
};

// clang-format off
static const struct method methods[] = {
    [GET] = {{"/apipb.GobgpApi/GetBgp", false, &apipb__get_bgp_response__descriptor}, ANSWER_MS, gobgp_take_global},
    [GET_OF_4] = {{"/api.GoBgpService/GetBgp", false, EMPTY}, ANSWER_MS, NULL}, // an Empty's reader skips what it finds
    [START] = {{"/apipb.GobgpApi/StartBgp", false, EMPTY}, ANSWER_MS, NULL},
    [STOP] = {{"/apipb.GobgpApi/StopBgp", false, EMPTY}, STOP_MS, NULL},
    [SET_POLICY] = {{"/apipb.GobgpApi/SetPolicyAssignment", false, EMPTY}, ANSWER_MS, NULL},
    [ADD_BMP] = {{"/apipb.GobgpApi/AddBmp", false, EMPTY}, ANSWER_MS, NULL},
    [DELETE_BMP] = {{"/apipb.GobgpApi/DeleteBmp", false, EMPTY}, ANSWER_MS, NULL},
    [LIST_BMP] = {{"/apipb.GobgpApi/ListBmp", true, &apipb__list_bmp_response__descriptor}, ANSWER_MS, gobgp_take_station},
    [ADD_PEER] = {{"/apipb.GobgpApi/AddPeer", false, EMPTY}, ANSWER_MS, NULL},
    [UPDATE_PEER] = {{"/apipb.GobgpApi/UpdatePeer", false, &apipb__update_peer_response__descriptor}, ANSWER_MS, NULL},
    [DELETE_PEER] = {{"/apipb.GobgpApi/DeletePeer", false, EMPTY}, ANSWER_MS, NULL},
    [LIST_PEER] = {{"/apipb.GobgpApi/ListPeer", true, &apipb__list_peer_response__descriptor}, ANSWER_MS, gobgp_take_peer},
    [WATCH] = {{"/apipb.GobgpApi/WatchEvent", true, &apipb__watch_event_response__descriptor}, 0, gobgp_take_event},
    [LIST_PATH] = {{"/apipb.GobgpApi/ListPath", true, &apipb__list_path_response__descriptor}, TABLE_MS, gobgp_take_destination},
};
// clang-format on

/* ---- Calls ---- */

static void call_free(struct gobgp_call *call)
{
    *call->link = call->next;
    if (call->next)
        call->next->link = call->link;
    free(call->foreign);
    free(call);
}

static void call_end(struct gobgp_call *call, enum gobgp_outcome outcome, const char *text)
{
    struct gobgp_end end = {outcome, text};

    call->handler.on_end(call->handler.context, &end);
    call_free(call);
}

static void on_message(void *context, const ProtobufCMessage *message)
{
    struct gobgp_call *call = context;
    const struct gobgp_listener listener = {&call->handler, &call->input, call->family};

    if (call->method->take)
        call->method->take(&listener, message);
}

static bool call_start(struct gobgp_call *call, const ProtobufCMessage *request);

/* The part of the library's text that says what happened. */
static const char *reason_of(const char *text)
{
    static const char before[] = "last error: UNKNOWN: ";
    const char *reason = strstr(text, before);

    return reason ? reason + strlen(before) : text;
}

static void on_end(void *context, const struct grpc_result *result)
{
    static const Apipb__GetBgpRequest empty = APIPB__GET_BGP_REQUEST__INIT;
    struct gobgp_call *call = context;
    char text[512];

    switch (result->code) {
    case GRPC_STATUS_OK:
        if (!call->foreign) {
            call_end(call, GOBGP_DONE, "");
            return;
        }
        call_end(call, GOBGP_FOREIGN,
                 "GoBGP 4's API (api.GoBgpService) answers there; GoBGP 3's "
                 "(apipb.GobgpApi) is expected");
        return;
    case GRPC_STATUS_UNIMPLEMENTED:
        if (call->method == &methods[GET]) {
            call->foreign = memory_text(result->text);
            call->method = &methods[GET_OF_4];
            if (call_start(call, &empty.base))
                return;
        }
        (void)snprintf(text, sizeof text, "what answers there is not GoBGP (apipb.GobgpApi): %s",
                       call->foreign ? call->foreign : result->text);
        call_end(call, GOBGP_FOREIGN, text);
        return;
    case GRPC_STATUS_UNKNOWN: // what a Go function returned as its error
    case GRPC_STATUS_INVALID_ARGUMENT:
    case GRPC_STATUS_NOT_FOUND:
    case GRPC_STATUS_ALREADY_EXISTS:
    case GRPC_STATUS_PERMISSION_DENIED:
        call_end(call, GOBGP_REFUSED, result->text);
        return;
    default:
        (void)snprintf(text, sizeof text, "%s: %s", grpc_status_name(result->code),
                       reason_of(result->text));
        call_end(call, GOBGP_UNREACHABLE, text);
    }
}

static bool call_start(struct gobgp_call *call, const ProtobufCMessage *request)
{
    const struct grpc_handler handler = {call, on_message, on_end};

    call->call = grpc_client_call(call->gobgp->client, &call->method->grpc, request,
                                  call->method->deadline_ms, &handler);
    return call->call != NULL;
}

static struct gobgp_call *start(struct gobgp *gobgp, int method, const ProtobufCMessage *request,
                                const struct gobgp_handler *handler)
{
    struct gobgp_call *call = memory_alloc(1, sizeof *call);

    *call = (struct gobgp_call){
        .gobgp = gobgp,
        .method = &methods[method],
        .handler = *handler,
        .next = gobgp->calls,
        .link = &gobgp->calls,
    };
    if (call->next)
        call->next->link = &call->next;
    gobgp->calls = call;
    if (!call_start(call, request)) {
        call_free(call);
        return NULL;
    }
    return call;
}

void gobgp_cancel(struct gobgp_call *call)
{
    if (!call)
        return;
    grpc_client_cancel(call->call);
    call_free(call);
}

struct gobgp *gobgp_new(struct event_base *base, const struct endpoint *api)
{
    struct gobgp *gobgp = memory_alloc(1, sizeof *gobgp);
    struct arena *arena = arena_new();
    char address[PREFIX_TEXT_SIZE];
    const char *target;

    if (api->is_unix)
        target = arena_format(arena, "unix:%s", api->path);
    else if (api->address.family == FAMILY_IPV4)
        target =
            arena_format(arena, "ipv4:%s:%u", address_format(&api->address, address), api->port);
    else
        target =
            arena_format(arena, "ipv6:[%s]:%u", address_format(&api->address, address), api->port);
    gobgp->client = grpc_client_new(&(struct grpc_client_options){.base = base, .target = target});
    arena_free(arena);
    return gobgp;
}

void gobgp_free(struct gobgp *gobgp)
{
    if (!gobgp)
        return;
    grpc_client_free(gobgp->client);
    for (struct gobgp_call *call = gobgp->calls, *next; call; call = next) {
        next = call->next;
        call_free(call);
    }
    free(gobgp);
}

struct gobgp_call *gobgp_get(struct gobgp *gobgp, const struct gobgp_handler *handler)
{
    Apipb__GetBgpRequest request = APIPB__GET_BGP_REQUEST__INIT;

    return start(gobgp, GET, &request.base, handler);
}

struct gobgp_call *gobgp_start(struct gobgp *gobgp, const struct gobgp_global *global,
                               const struct gobgp_handler *handler)
{
    Apipb__StartBgpRequest request = APIPB__START_BGP_REQUEST__INIT;
    Apipb__Global message = APIPB__GLOBAL__INIT;
    char router_id[PREFIX_TEXT_SIZE], listen[PREFIX_TEXT_SIZE];
    char *listens[] = {listen};

    assert(global->listen_count <= 1);
    request.global = &message;
    message.asn = global->asn;
    message.router_id = address_format(&global->router_id, router_id);
    message.listen_port = global->listen_port;
    if (global->listen_count) {
        address_format(&global->listens[0], listen);
        message.listen_addresses = listens;
        message.n_listen_addresses = 1;
    }
    return start(gobgp, START, &request.base, handler);
}

struct gobgp_call *gobgp_stop(struct gobgp *gobgp, const struct gobgp_handler *handler)
{
    Apipb__StopBgpRequest request = APIPB__STOP_BGP_REQUEST__INIT;

    return start(gobgp, STOP, &request.base, handler);
}

struct gobgp_call *gobgp_reject_exports(struct gobgp *gobgp, const struct gobgp_handler *handler)
{
    Apipb__SetPolicyAssignmentRequest request = APIPB__SET_POLICY_ASSIGNMENT_REQUEST__INIT;
    Apipb__PolicyAssignment assignment = APIPB__POLICY_ASSIGNMENT__INIT;
    char table[] = "global";

    request.assignment = &assignment;
    assignment.name = table;
    assignment.direction = APIPB__POLICY_DIRECTION__EXPORT;
    assignment.default_action = APIPB__ROUTE_ACTION__REJECT;
    return start(gobgp, SET_POLICY, &request.base, handler);
}

struct gobgp_call *gobgp_add_station(struct gobgp *gobgp, const struct gobgp_station *station,
                                     const struct gobgp_handler *handler)
{
    Apipb__AddBmpRequest request = APIPB__ADD_BMP_REQUEST__INIT;
    char address[PREFIX_TEXT_SIZE];

    request.address = address_format(&station->address, address);
    request.port = station->port;
    request.policy = APIPB__ADD_BMP_REQUEST__MONITORING_POLICY__PRE;
    return start(gobgp, ADD_BMP, &request.base, handler);
}

struct gobgp_call *gobgp_delete_station(struct gobgp *gobgp, const struct gobgp_station *station,
                                        const struct gobgp_handler *handler)
{
    Apipb__DeleteBmpRequest request = APIPB__DELETE_BMP_REQUEST__INIT;
    char address[PREFIX_TEXT_SIZE];

    request.address = address_format(&station->address, address);
    request.port = station->port;
    return start(gobgp, DELETE_BMP, &request.base, handler);
}

struct gobgp_call *gobgp_list_stations(struct gobgp *gobgp, const struct gobgp_handler *handler)
{
    Apipb__ListBmpRequest request = APIPB__LIST_BMP_REQUEST__INIT;

    return start(gobgp, LIST_BMP, &request.base, handler);
}

/* A Peer message with all its parts; they point at each other, so it is filled in place. */
struct peer_message {
    Apipb__Peer peer;
    Apipb__PeerConf conf;
    Apipb__EbgpMultihop multihop;
    Apipb__Timers timers;
    Apipb__TimersConfig timers_config;
    Apipb__Transport transport;
    Apipb__AfiSafi items[STATE_FAMILIES], *item_list[STATE_FAMILIES];
    Apipb__AfiSafiConfig configs[STATE_FAMILIES];
    Apipb__Family families[STATE_FAMILIES];
    char address[PREFIX_TEXT_SIZE], local_address[PREFIX_TEXT_SIZE];
    char password[PASSWORD_SIZE];
};

static void peer_message_families(struct peer_message *m, const bool wanted[STATE_FAMILIES])
{
    m->peer.afi_safis = m->item_list;
    for (int i = 0; i < STATE_FAMILIES; i++) {
        if (!wanted[i])
            continue;
        m->families[i] = gobgp_family_message((enum state_family)i);
        m->configs[i] = (Apipb__AfiSafiConfig)APIPB__AFI_SAFI_CONFIG__INIT;
        m->configs[i].family = &m->families[i];
        m->configs[i].enabled = true;
        m->items[i] = (Apipb__AfiSafi)APIPB__AFI_SAFI__INIT;
        m->items[i].config = &m->configs[i];
        m->item_list[m->peer.n_afi_safis++] = &m->items[i];
    }
}

static void peer_message_fill(struct peer_message *m, const struct gobgp_neighbour *neighbour,
                              uint32_t own_asn)
{
    m->peer = (Apipb__Peer)APIPB__PEER__INIT;
    m->conf = (Apipb__PeerConf)APIPB__PEER_CONF__INIT;
    m->peer.conf = &m->conf;
    m->conf.neighbor_address = address_format(&neighbour->address, m->address);
    m->conf.peer_asn = neighbour->asn;
    (void)snprintf(m->password, sizeof m->password, "%s", neighbour->password);
    m->conf.auth_password = m->password;
    m->timers = (Apipb__Timers)APIPB__TIMERS__INIT;
    m->timers_config = (Apipb__TimersConfig)APIPB__TIMERS_CONFIG__INIT;
    m->peer.timers = &m->timers;
    m->timers.config = &m->timers_config;
    m->timers_config.connect_retry = CONNECT_RETRY_S;
    m->timers_config.hold_time = neighbour->hold_time_s;
    m->timers_config.keepalive_interval = neighbour->hold_time_s / 3;
    m->transport = (Apipb__Transport)APIPB__TRANSPORT__INIT;
    m->peer.transport = &m->transport;
    m->transport.remote_port = neighbour->port;
    m->transport.passive_mode = neighbour->passive;
    if (neighbour->local_address.family)
        m->transport.local_address = address_format(&neighbour->local_address, m->local_address);
    if (neighbour->asn != own_asn) {
        m->multihop = (Apipb__EbgpMultihop)APIPB__EBGP_MULTIHOP__INIT;
        m->peer.ebgp_multihop = &m->multihop;
        m->multihop.enabled = true;
        m->multihop.multihop_ttl = MULTIHOP_TTL;
    }
    peer_message_families(m, neighbour->families);
}

struct gobgp_call *gobgp_add_peer(struct gobgp *gobgp, const struct gobgp_neighbour *neighbour,
                                  uint32_t own_asn, const struct gobgp_handler *handler)
{
    Apipb__AddPeerRequest request = APIPB__ADD_PEER_REQUEST__INIT;
    struct peer_message message = {0};

    peer_message_fill(&message, neighbour, own_asn);
    request.peer = &message.peer;
    return start(gobgp, ADD_PEER, &request.base, handler);
}

struct gobgp_call *gobgp_update_peer(struct gobgp *gobgp, const struct gobgp_neighbour *neighbour,
                                     uint32_t own_asn, const struct gobgp_handler *handler)
{
    Apipb__UpdatePeerRequest request = APIPB__UPDATE_PEER_REQUEST__INIT;
    struct peer_message message = {0};

    peer_message_fill(&message, neighbour, own_asn);
    request.peer = &message.peer;
    return start(gobgp, UPDATE_PEER, &request.base, handler);
}

struct gobgp_call *gobgp_delete_peer(struct gobgp *gobgp, const struct prefix *address,
                                     const struct gobgp_handler *handler)
{
    Apipb__DeletePeerRequest request = APIPB__DELETE_PEER_REQUEST__INIT;
    char text[PREFIX_TEXT_SIZE];

    request.address = address_format(address, text);
    return start(gobgp, DELETE_PEER, &request.base, handler);
}

struct gobgp_call *gobgp_list_peers(struct gobgp *gobgp, const struct gobgp_handler *handler)
{
    Apipb__ListPeerRequest request = APIPB__LIST_PEER_REQUEST__INIT;

    return start(gobgp, LIST_PEER, &request.base, handler);
}

struct gobgp_call *gobgp_watch(struct gobgp *gobgp, const struct gobgp_handler *handler)
{
    Apipb__WatchEventRequest request = APIPB__WATCH_EVENT_REQUEST__INIT;
    Apipb__WatchEventRequest__Peer peer = APIPB__WATCH_EVENT_REQUEST__PEER__INIT;

    request.peer = &peer;
    return start(gobgp, WATCH, &request.base, handler);
}

struct gobgp_call *gobgp_list_routes(struct gobgp *gobgp, const struct prefix *address,
                                     enum state_family family, const struct bgp_input *input,
                                     const struct gobgp_handler *handler)
{
    Apipb__ListPathRequest request = APIPB__LIST_PATH_REQUEST__INIT;
    Apipb__Family family_part = gobgp_family_message(family);
    char text[PREFIX_TEXT_SIZE];

    request.table_type = APIPB__TABLE_TYPE__ADJ_IN;
    request.name = address_format(address, text);
    request.family = &family_part;
    request.enable_nlri_binary = request.enable_attribute_binary = true;
    request.enable_only_binary = true;
    struct gobgp_call *call = start(gobgp, LIST_PATH, &request.base, handler);
    if (call) {
        call->input = *input;
        call->family = family;
    }
    return call;
}
