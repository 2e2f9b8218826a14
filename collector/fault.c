/* fault: the names and weights of what can be wrong, and the ring of messages that were. */
#include "fault.h"

#include "lib/arena.h"

#include <stdlib.h>

static const struct {
    const char *name;
    enum fault_weight weight;
} kinds[FAULTS] = {
    [FAULT_BGP_HEADER] = {"bgp.header", FAULT_SERIOUS},
    [FAULT_BGP_LENGTHS] = {"bgp.lengths", FAULT_SERIOUS},
    [FAULT_BGP_OVERRUN] = {"bgp.overrun", FAULT_SERIOUS},
    [FAULT_BGP_NLRI] = {"bgp.nlri", FAULT_SERIOUS},
    [FAULT_BGP_MP_REACH] = {"bgp.mp-reach", FAULT_SERIOUS},
    [FAULT_BGP_MP_REPEATED] = {"bgp.mp-repeated", FAULT_SERIOUS},
    [FAULT_BGP_REPEATED] = {"bgp.repeated", FAULT_ERROR},
    [FAULT_BGP_FLAGS] = {"bgp.flags", FAULT_ERROR},
    [FAULT_BGP_MISSING] = {"bgp.missing", FAULT_ERROR},
    [FAULT_BGP_ORIGIN] = {"bgp.origin", FAULT_ERROR},
    [FAULT_BGP_AS_PATH] = {"bgp.as-path", FAULT_ERROR},
    [FAULT_BGP_NEXT_HOP] = {"bgp.next-hop", FAULT_ERROR},
    [FAULT_BGP_MED] = {"bgp.med", FAULT_ERROR},
    [FAULT_BGP_LOCAL_PREF] = {"bgp.local-pref", FAULT_ERROR},
    [FAULT_BGP_ATOMIC_AGGREGATE] = {"bgp.atomic-aggregate", FAULT_ERROR},
    [FAULT_BGP_AGGREGATOR] = {"bgp.aggregator", FAULT_ERROR},
    [FAULT_BGP_COMMUNITIES] = {"bgp.communities", FAULT_ERROR},
    [FAULT_BGP_ORIGINATOR_ID] = {"bgp.originator-id", FAULT_ERROR},
    [FAULT_BGP_CLUSTER_LIST] = {"bgp.cluster-list", FAULT_ERROR},
    [FAULT_BGP_EXTENDED_COMMUNITIES] = {"bgp.extended-communities", FAULT_ERROR},
    [FAULT_BGP_LARGE_COMMUNITIES] = {"bgp.large-communities", FAULT_ERROR},
    [FAULT_BGP_AS4_PATH] = {"bgp.as4-path", FAULT_ERROR},
    [FAULT_BGP_FAMILY] = {"bgp.family", FAULT_NOTE},
    [FAULT_BGP_OPEN] = {"bgp.open", FAULT_ERROR},
    [FAULT_LS_LENGTHS] = {"ls.lengths", FAULT_SERIOUS},
    [FAULT_LS_OVERRUN] = {"ls.overrun", FAULT_ERROR},
    [FAULT_LS_ORDER] = {"ls.order", FAULT_ERROR},
    [FAULT_LS_SUB_TLV_REPEATED] = {"ls.sub-tlv-repeated", FAULT_ERROR},
    [FAULT_LS_DESCRIPTOR] = {"ls.descriptor", FAULT_ERROR},
    [FAULT_LS_ROUTER_ID] = {"ls.router-id", FAULT_ERROR},
    [FAULT_LS_PREFIX] = {"ls.prefix", FAULT_ERROR},
    [FAULT_LS_PREFIX_SURPLUS] = {"ls.prefix-surplus", FAULT_ERROR},
    [FAULT_LS_TYPE] = {"ls.type", FAULT_NOTE},
    [FAULT_LS_VPN] = {"ls.vpn", FAULT_NOTE},
    [FAULT_LS_NO_ATTRIBUTE] = {"ls.no-attribute", FAULT_NOTE},
    [FAULT_LS_ATTRIBUTE_FLAGS] = {"ls.attribute-flags", FAULT_ERROR},
    [FAULT_LS_ATTRIBUTE_OVERRUN] = {"ls.attribute-overrun", FAULT_ERROR},
    [FAULT_LS_TLV_LENGTH] = {"ls.tlv-length", FAULT_ERROR},
    [FAULT_LS_TLV_VALUE] = {"ls.tlv-value", FAULT_ERROR},
    [FAULT_LS_TLV_REPEATED] = {"ls.tlv-repeated", FAULT_ERROR},
    [FAULT_BMP_HEADER] = {"bmp.header", FAULT_ERROR},
    [FAULT_BMP_MESSAGE] = {"bmp.message", FAULT_ERROR},
    [FAULT_BMP_TYPE] = {"bmp.type", FAULT_NOTE},
    [FAULT_BMP_TLV] = {"bmp.tlv", FAULT_ERROR},
    [FAULT_BMP_NO_PEER_UP] = {"bmp.no-peer-up", FAULT_ERROR},
};

const char *fault_name(enum fault fault)
{
    return kinds[fault].name;
}

enum fault_weight fault_weight(enum fault fault)
{
    return kinds[fault].weight;
}

enum fault faults_first(const struct faults *faults)
{
    for (enum fault fault = 0; fault < FAULTS; fault++)
        if (faults->count[fault] && kinds[fault].weight != FAULT_NOTE)
            return fault;
    return FAULTS;
}

void faults_add(struct faults *to, const struct faults *from)
{
    for (size_t i = 0; i < FAULTS; i++)
        to->count[i] += from->count[i];
}

void fault_ring_add(struct fault_ring *ring, int64_t time_us, int64_t peer_id, enum fault fault,
                    struct octets message)
{
    struct fault_record *record = &ring->records[ring->added++ % FAULT_RING];

    record->time_us = time_us;
    record->peer_id = peer_id;
    record->fault = fault;
    record->message = memory_resize(record->message, message.length, 1);
    record->length = message.length;
    for (size_t i = 0; i < message.length; i++)
        record->message[i] = message.bytes[i];
}

void fault_ring_clear(struct fault_ring *ring)
{
    for (size_t i = 0; i < FAULT_RING; i++)
        free(ring->records[i].message);
    *ring = (struct fault_ring){0};
}
