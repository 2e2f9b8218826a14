/* link_state: BGP-LS NLRIs and attributes of a scenario's objects (RFC 9552, RFC 8571).
 *
 * Written from the RFCs and docs/spec/bgp-ls.md; shares nothing with the collector's decoder. */
#pragma once

#include "scenario.h"
#include "wire.h"

enum object_kind { OBJECT_NODE = 1, OBJECT_LINK = 2, OBJECT_PREFIX = 3 };

/* One NLRI of the link state: what it speaks of. */
struct object_id {
    enum object_kind kind;
    uint32_t subject; // a vertex; twice a link plus the half; an attachment
    uint8_t domain;   // of the scenario
    uint8_t topology; // MT-ID: 0 or 2
};

/* Appends the NLRI, from its type to its end. */
void link_state_nlri(const struct scenario *scenario, struct object_id id, struct wire *out);

/* Appends the contents of the BGP-LS attribute (path attribute 29). */
void link_state_attribute(const struct scenario *scenario, struct object_id id, struct wire *out);

/* Nothing that it needs is down or withdrawn. */
bool link_state_is_up(const struct scenario *scenario, struct object_id id);
