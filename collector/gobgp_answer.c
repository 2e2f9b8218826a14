/* gobgp_answer: each answer of GoBGP's API as the handler's types. */
#include "gobgp_answer.h"

#include "lib/arena.h"

#include <stdlib.h>
#include <string.h>

enum {
    ATTRIBUTE_LIMIT = 256, // attributes a path; there are 256 codes and none may repeat
    BGP_PORT = 179,
};

static const struct {
    Apipb__Family__Afi afi;
    Apipb__Family__Safi safi;
} families[STATE_FAMILIES] = {
    [STATE_IPV4_UNICAST] = {APIPB__FAMILY__AFI__AFI_IP, APIPB__FAMILY__SAFI__SAFI_UNICAST},
    [STATE_IPV6_UNICAST] = {APIPB__FAMILY__AFI__AFI_IP6, APIPB__FAMILY__SAFI__SAFI_UNICAST},
    [STATE_LINK_STATE] = {APIPB__FAMILY__AFI__AFI_LS, APIPB__FAMILY__SAFI__SAFI_LS},
};

/* STATE_FAMILIES: none of ours. */
static enum state_family family_of(const Apipb__Family *family)
{
    for (int i = 0; family && i < STATE_FAMILIES; i++) {
        if (families[i].afi == family->afi && families[i].safi == family->safi)
            return (enum state_family)i;
    }
    return STATE_FAMILIES;
}

Apipb__Family gobgp_family_message(enum state_family family)
{
    Apipb__Family message = APIPB__FAMILY__INIT;

    message.afi = families[family].afi;
    message.safi = families[family].safi;
    return message;
}

/* Family 0 when the text is no address. */
static struct prefix address_of(const char *text)
{
    struct prefix address = {0};

    (void)address_parse(text, &address);
    return address;
}

static bool is_any(const struct prefix *address)
{
    static const uint8_t zero[sizeof address->bytes];

    return memcmp(address->bytes, zero, sizeof zero) == 0;
}

static enum gobgp_session session_of(Apipb__PeerState__SessionState state)
{
    return (unsigned)state < SESSION_STATES ? (enum gobgp_session)state : SESSION_UNKNOWN;
}

void gobgp_take_global(const struct gobgp_listener *listener, const ProtobufCMessage *answer)
{
    const Apipb__Global *global = ((const Apipb__GetBgpResponse *)answer)->global;
    struct gobgp_global out = {0};
    struct prefix *listens = NULL;

    if (global) {
        listens = memory_alloc(global->n_listen_addresses, sizeof *listens);
        for (size_t i = 0; i < global->n_listen_addresses; i++)
            listens[i] = address_of(global->listen_addresses[i]);
        out = (struct gobgp_global){
            .asn = global->asn,
            .router_id = address_of(global->router_id),
            .listen_port = global->listen_port,
            .listens = listens,
            .listen_count = global->n_listen_addresses,
        };
    }
    listener->handler->on_global(listener->handler->context, &out);
    free(listens);
}

void gobgp_take_station(const struct gobgp_listener *listener, const ProtobufCMessage *answer)
{
    const Apipb__ListBmpResponse__BmpStation *station =
        ((const Apipb__ListBmpResponse *)answer)->station;

    if (!station || !station->conf)
        return;
    int64_t uptime = 0, downtime = 0;
    if (station->state && station->state->uptime)
        uptime = station->state->uptime->seconds;
    if (station->state && station->state->downtime)
        downtime = station->state->downtime->seconds;
    struct gobgp_station out = {
        .address = address_of(station->conf->address),
        .port = (uint16_t)station->conf->port,
        .connected = uptime && uptime >= downtime,
    };
    listener->handler->on_station(listener->handler->context, &out);
}

static void take_peer_families(const Apipb__Peer *peer, struct gobgp_peer *out)
{
    for (size_t i = 0; i < peer->n_afi_safis; i++) {
        const Apipb__AfiSafi *item = peer->afi_safis[i];
        enum state_family family = family_of(item->config ? item->config->family : NULL);

        if (family == STATE_FAMILIES) {
            out->other_families = true;
            continue;
        }
        out->neighbour.families[family] = true;
        if (item->state)
            out->families[family].received = item->state->received;
        if (item->mp_graceful_restart && item->mp_graceful_restart->state)
            out->families[family].end_of_rib =
                item->mp_graceful_restart->state->end_of_rib_received;
    }
}

void gobgp_take_peer(const struct gobgp_listener *listener, const ProtobufCMessage *answer)
{
    const Apipb__Peer *peer = ((const Apipb__ListPeerResponse *)answer)->peer;
    struct gobgp_peer out = {0};

    if (!peer || !peer->conf || !peer->state)
        return;
    out.neighbour = (struct gobgp_neighbour){
        .address = address_of(peer->conf->neighbor_address),
        .port = BGP_PORT,
        .asn = peer->conf->peer_asn,
        .password = peer->conf->auth_password,
    };
    if (peer->transport) {
        out.neighbour.local_address = address_of(peer->transport->local_address);
        if (is_any(&out.neighbour.local_address))
            out.neighbour.local_address.family = 0;
        out.neighbour.passive = peer->transport->passive_mode;
        if (peer->transport->remote_port)
            out.neighbour.port = (uint16_t)peer->transport->remote_port;
    }
    if (peer->timers && peer->timers->config)
        out.neighbour.hold_time_s = (uint32_t)peer->timers->config->hold_time;
    take_peer_families(peer, &out);
    out.session = session_of(peer->state->session_state);
    out.disabled = peer->state->admin_state != APIPB__PEER_STATE__ADMIN_STATE__UP;
    out.router_id = address_of(peer->state->router_id);
    if (peer->state->messages && peer->state->messages->received)
        out.updates = peer->state->messages->received->update;
    listener->handler->on_peer(listener->handler->context, &out);
}

void gobgp_take_event(const struct gobgp_listener *listener, const ProtobufCMessage *answer)
{
    const Apipb__WatchEventResponse *event = (const Apipb__WatchEventResponse *)answer;

    if (event->event_case != APIPB__WATCH_EVENT_RESPONSE__EVENT_PEER || !event->peer->peer ||
        !event->peer->peer->state ||
        event->peer->type == APIPB__WATCH_EVENT_RESPONSE__PEER_EVENT__TYPE__END_OF_INIT)
        return;
    const Apipb__PeerState *state = event->peer->peer->state;
    struct prefix address = address_of(state->neighbor_address);
    listener->handler->on_session(listener->handler->context, &address,
                                  session_of(state->session_state));
}

static void take_path(const struct gobgp_listener *listener, const Apipb__Path *path)
{
    struct octets attributes[ATTRIBUTE_LIMIT];

    if (path->is_withdraw || path->filtered || path->n_pattrs_binary > ATTRIBUTE_LIMIT)
        return;
    for (size_t i = 0; i < path->n_pattrs_binary; i++)
        attributes[i] = (struct octets){path->pattrs_binary[i].data, path->pattrs_binary[i].len};
    // a fault is in listener->input->faults
    (void)bgp_update_parse_path(listener->input, listener->family, path->identifier,
                                (struct octets){path->nlri_binary.data, path->nlri_binary.len},
                                attributes, path->n_pattrs_binary);
}

void gobgp_take_destination(const struct gobgp_listener *listener, const ProtobufCMessage *answer)
{
    const Apipb__Destination *destination = ((const Apipb__ListPathResponse *)answer)->destination;

    for (size_t i = 0; destination && i < destination->n_paths; i++)
        take_path(listener, destination->paths[i]);
    arena_reset(listener->input->arena);
}
