/* link_state: BGP-LS NLRIs and attributes of a scenario's objects (RFC 9552, RFC 8571).
 *
 * Written from the RFCs and docs/spec/bgp-ls.md; shares nothing with the collector's decoder. */
#pragma once

#include "scenario.h"
#include "wire.h"

enum object_kind {
    OBJECT_NODE = 1,
    OBJECT_LINK = 2,
    OBJECT_PREFIX = 3,
    OBJECT_EGRESS = 4, // a link of Protocol-ID 7
    OBJECT_RAW = 5,
};

/* One NLRI of the link state: what it speaks of. */
struct object_id {
    enum object_kind kind;
    uint32_t
        subject;    // a vertex; twice a link plus the half; an attachment; an egress; a raw object
    uint8_t domain; // of the scenario
    uint16_t topology; // MT-ID
};

bool link_state_is_isis(const struct domain *domain);
bool link_state_is_ospf(const struct domain *domain); // version 2 or 3

/* The topologies in which a domain has the link, the node: bit i is topology i of the scenario. */
uint32_t link_state_link_topologies(const struct scenario *scenario, const struct link *link,
                                    size_t domain);
uint32_t link_state_node_topologies(const struct scenario *scenario, const struct vertex *vertex,
                                    size_t domain);

/* The MT-ID in which a domain has the prefix. */
uint16_t link_state_prefix_topology(const struct scenario *scenario,
                                    const struct attachment *attachment, size_t domain);

/* Appends the NLRI, from its type to its end. */
void link_state_nlri(const struct scenario *scenario, struct object_id id, struct wire *out);

/* Appends the contents of the BGP-LS attribute (path attribute 29); false: it is left out. */
bool link_state_attribute(const struct scenario *scenario, struct object_id id, struct wire *out);

/* Nothing that it needs is down or withdrawn. */
bool link_state_is_up(const struct scenario *scenario, struct object_id id);
