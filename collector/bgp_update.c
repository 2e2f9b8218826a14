/* bgp_update: the four places in an UPDATE where NLRIs stand, and what becomes of them.
 *
 *     withdrawn routes │ path attributes … MP_REACH … MP_UNREACH … │ NLRI
 *        IPv4 gone           any family         any family            IPv4
 *
 * Withdrawals go first, as a speaker applies them (RFC 4271 section 4.3: a prefix in both is announced). With a
 * fault that RFC 7606 answers by treat-as-withdraw, the announced NLRIs are read all the same and given as gone. */
#include "bgp_update.h"

#include "bgp_attributes.h"
#include "bgp_ls.h"
#include "bgp_message.h"
#include "octets.h"

struct message {
    const struct bgp_input *input;
    struct faults faults; // of this message
    unsigned distrusted;  // families, a bit each
    struct bgp_attributes_reader reader;
};

static const unsigned every_family = (1u << STATE_FAMILIES) - 1;

static void blame(struct message *message, enum fault fault, unsigned distrusted)
{
    faults_count(&message->faults, fault);
    message->distrusted |= distrusted;
}

static void give(const struct message *message, const struct update *update)
{
    const struct update_sink *sink = &message->input->sink;

    sink->take(sink->context, update);
}

/* Tells of each kind of fault once, then adds the counts to the caller's. */
static void give_faults(const struct message *message)
{
    for (enum fault fault = 0; fault < FAULTS; fault++) {
        enum fault_weight weight = fault_weight(fault);
        struct update update = {.kind = UPDATE_FAULT, .peer_id = message->input->peer_id};

        if (!message->faults.count[fault] || weight == FAULT_NOTE)
            continue;
        update.reason = fault_name(fault);
        update.distrusted = weight == FAULT_SERIOUS ? message->distrusted : 0;
        give(message, &update);
    }
    faults_add(message->input->faults, &message->faults);
}

static void message_begin(struct message *message, const struct bgp_input *input)
{
    *message = (struct message){.input = input};
    message->reader.session = &input->session;
    message->reader.arena = input->arena;
    message->reader.faults = &message->faults;
}

static bool is_wanted(const struct message *message, enum state_family family)
{
    return message->input->wanted[family];
}

/* ---- Unicast ---- */

/* Announces with next_hop, withdraws without. */
static void read_unicast(struct message *message, enum state_family family, struct cursor nlris,
                         const struct prefix *next_hop)
{
    const struct bgp_input *input = message->input;
    struct route route = {.peer_id = input->peer_id};
    struct update update = {.kind = next_hop ? UPDATE_ROUTE : UPDATE_ROUTE_GONE,
                            .peer_id = input->peer_id,
                            .route = &route};
    bool has_path_id = input->session.add_path[family];

    if (next_hop) {
        route.next_hop = *next_hop;
        route.attributes = &message->reader.out.attributes;
    }
    while (nlris.left) {
        route.path_id = has_path_id ? cursor_u32(&nlris) : 0;
        uint8_t length_bits = cursor_u8(&nlris);
        const uint8_t *bytes = cursor_bytes(&nlris, (length_bits + 7u) / 8);

        if (nlris.failed ||
            !prefix_from_bytes(family == STATE_IPV4_UNICAST ? FAMILY_IPV4 : FAMILY_IPV6,
                               length_bits, bytes, &route.prefix)) {
            blame(message, FAULT_BGP_NLRI, 1u << family);
            return;
        }
        give(message, &update);
    }
}

/* The next hop of an MP_REACH. RFC 4760; an IPv6 one for IPv4 routes, RFC 8950; global and link-local, RFC 2545. */
static bool read_next_hop(struct octets value, struct prefix *out)
{
    if (value.length != 4 && value.length != 16 && value.length != 32)
        return false;
    *out = octets_address(value.length == 4 ? FAMILY_IPV4 : FAMILY_IPV6, value.bytes);
    return true;
}

/* ---- Link state ---- */

static void read_link_state(struct message *message, struct cursor nlris, bool announced)
{
    const struct bgp_input *input = message->input;
    const struct bgp_attributes *attributes = &message->reader.out;
    struct bgp_ls ls;
    struct octets nlri;

    bgp_ls_begin(&ls, input->arena, &message->faults, input->peer_id,
                 attributes->has_link_state ? &attributes->link_state : NULL);
    if (announced && !attributes->has_link_state)
        faults_count(&message->faults, FAULT_LS_NO_ATTRIBUTE);
    while (nlris.left) {
        struct update update = {.kind = UPDATE_LS_GONE, .peer_id = input->peer_id};

        if (input->session.add_path[STATE_LINK_STATE])
            (void)cursor_u32(
                &nlris); // an object of link state has no paths: the last one heard stands
        if (!bgp_ls_next(&nlris, &nlri))
            break;
        update.ls.nlri = nlri;
        if (!announced || bgp_ls_announce(&ls, nlri, &update))
            give(message, &update);
    }
    if (nlris.failed)
        blame(message, FAULT_LS_LENGTHS, 1u << STATE_LINK_STATE);
}

/* ---- MP_REACH and MP_UNREACH (RFC 4760 sections 3, 4) ---- */

/* AFI and SAFI off the front. false: not a family of ours, or not there at all. */
static bool read_family(struct message *message, struct cursor *value, enum state_family *family)
{
    uint16_t afi = cursor_u16(value);
    uint8_t safi = cursor_u8(value);

    if (value->failed) {
        blame(message, FAULT_BGP_MP_REACH, every_family);
        return false;
    }
    if (bgp_family_find(afi, safi, family))
        return is_wanted(message, *family);
    blame(message,
          afi == AFI_LINK_STATE && safi == SAFI_LINK_STATE_VPN ? FAULT_LS_VPN : FAULT_BGP_FAMILY,
          0);
    return false;
}

static void read_mp_unreach(struct message *message, struct cursor value, bool is_alone)
{
    enum state_family family;

    if (!read_family(message, &value, &family))
        return;
    if (!value.left && is_alone) { // L-110
        struct update update = {.kind = UPDATE_END_OF_RIB, .peer_id = message->input->peer_id};
        update.end_of_rib.family = family;
        give(message, &update);
    } else if (family == STATE_LINK_STATE) {
        read_link_state(message, value, false);
    } else {
        read_unicast(message, family, value, NULL);
    }
}

static void read_mp_reach(struct message *message, struct cursor value)
{
    enum state_family family;
    struct prefix next_hop;
    bool announced = !message->reader.out.withdraw;

    if (!read_family(message, &value, &family))
        return;
    struct cursor next_hop_field = cursor_sub(&value, cursor_u8(&value));
    (void)cursor_u8(&value);                         // reserved
    if (!value.failed && family == STATE_LINK_STATE) // its next hop says who sends, no more (L-002)
        read_link_state(message, value, announced);
    else if (!value.failed && read_next_hop(cursor_rest(&next_hop_field), &next_hop))
        read_unicast(message, family, value, announced ? &next_hop : NULL);
    else
        blame(message, FAULT_BGP_MP_REACH, 1u << family);
}

/* ---- The message ---- */

/* ORIGIN and AS_PATH with any announcement, NEXT_HOP with the message's own NLRI field (RFC 4271 section 5;
 * RFC 7606 section 3d). Link state plays by the same rules. */
static void require_mandatory(struct message *message, bool has_nlri)
{
    struct bgp_attributes *out = &message->reader.out;
    bool announces = has_nlri || out->has_mp_reach;
    bool missing = !out->has_origin || !out->has_as_path || (has_nlri && !out->next_hop.family);

    if (!announces || !missing || out->withdraw)
        return;
    faults_count(&message->faults, FAULT_BGP_MISSING);
    out->withdraw = true;
}

static void read_update(struct message *message, struct cursor body)
{
    struct cursor withdrawn = cursor_sub(&body, cursor_u16(&body));
    struct cursor attributes = cursor_sub(&body, cursor_u16(&body));
    struct cursor nlri = body;
    struct bgp_attributes *out = &message->reader.out;

    if (body.failed) {
        blame(message, FAULT_BGP_LENGTHS, every_family);
        return;
    }
    bgp_attributes_read(&message->reader, attributes);
    bgp_attributes_finish(&message->reader);
    if (out->overrun) {
        blame(message, FAULT_BGP_OVERRUN, every_family);
        return;
    }
    require_mandatory(message, nlri.left);

    bool says_nothing_else = !withdrawn.left && !nlri.left;
    if (message->faults.count[FAULT_BGP_MP_REPEATED])
        message->distrusted = every_family;
    if (says_nothing_else && !out->count && is_wanted(message, STATE_IPV4_UNICAST)) { // L-110
        struct update update = {.kind = UPDATE_END_OF_RIB, .peer_id = message->input->peer_id};
        update.end_of_rib.family = STATE_IPV4_UNICAST;
        give(message, &update);
    }
    if (withdrawn.left && is_wanted(message, STATE_IPV4_UNICAST))
        read_unicast(message, STATE_IPV4_UNICAST, withdrawn, NULL);
    if (out->has_mp_unreach)
        read_mp_unreach(message, cursor_over(out->mp_unreach),
                        says_nothing_else && out->count == 1);
    if (nlri.left && is_wanted(message, STATE_IPV4_UNICAST))
        read_unicast(message, STATE_IPV4_UNICAST, nlri, out->withdraw ? NULL : &out->next_hop);
    if (out->has_mp_reach)
        read_mp_reach(message, cursor_over(out->mp_reach));
}

void bgp_update_parse(const struct bgp_input *input, struct octets message)
{
    struct message reading;
    struct cursor body;
    uint8_t type;

    message_begin(&reading, input);
    if (!bgp_message_open(message, &type, &body))
        blame(&reading, FAULT_BGP_HEADER, every_family);
    else if (type == BGP_UPDATE)
        read_update(&reading, body);
    else if (type != BGP_KEEPALIVE)
        blame(&reading, FAULT_BGP_HEADER, 0);
    give_faults(&reading);
}

/* ---- GoBGP's binary form ---- */

static void read_path_unicast(struct message *message, enum state_family family, uint32_t path_id,
                              struct octets nlri)
{
    struct bgp_attributes *out = &message->reader.out;
    struct prefix next_hop = out->next_hop;
    struct cursor mp_reach = cursor_over(out->mp_reach);
    struct cursor prefix = cursor_over(nlri);
    struct route route = {
        .peer_id = message->input->peer_id, .path_id = path_id, .attributes = &out->attributes};
    struct update update = {
        .kind = UPDATE_ROUTE, .peer_id = message->input->peer_id, .route = &route};

    if (out->has_mp_reach) {
        (void)cursor_bytes(&mp_reach, 3); // AFI, SAFI
        struct cursor field = cursor_sub(&mp_reach, cursor_u8(&mp_reach));
        if (!read_next_hop(cursor_rest(&field), &next_hop))
            blame(message, FAULT_BGP_MP_REACH, 0);
    }
    uint8_t length_bits = cursor_u8(&prefix);
    const uint8_t *bytes = cursor_bytes(&prefix, (length_bits + 7u) / 8);
    if (prefix.failed || prefix.left ||
        !prefix_from_bytes(family == STATE_IPV4_UNICAST ? FAMILY_IPV4 : FAMILY_IPV6, length_bits,
                           bytes, &route.prefix)) {
        blame(message, FAULT_BGP_NLRI, 0);
        return;
    }
    if (!out->has_origin || !out->has_as_path || !next_hop.family)
        blame(message, FAULT_BGP_MISSING, 0);
    else if (!out->withdraw) {
        route.next_hop = next_hop;
        give(message, &update);
    }
}

bool bgp_update_parse_path(const struct bgp_input *input, enum state_family family,
                           uint32_t path_id, struct octets nlri, const struct octets *attributes,
                           size_t count)
{
    struct message message;

    message_begin(&message, input);
    for (size_t i = 0; i < count; i++)
        bgp_attributes_read(&message.reader, cursor_over(attributes[i]));
    bgp_attributes_finish(&message.reader);
    if (message.reader.out.overrun)
        blame(&message, FAULT_BGP_OVERRUN, 0);
    else if (family == STATE_LINK_STATE)
        read_link_state(&message, cursor_over(nlri), !message.reader.out.withdraw);
    else
        read_path_unicast(&message, family, path_id, nlri);
    give_faults(&message);
    return faults_first(&message.faults) == FAULTS;
}
