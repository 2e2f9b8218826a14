/* path_attributes: what stands in an UPDATE beside its NLRIs (RFC 4271, 4360, 4456, 6793, 8092, 9552).
 *
 * A reflector passes a route on as it heard it, with ORIGINATOR_ID and CLUSTER_LIST; an external peer puts
 * its AS before the path and leaves out what is internal. Without capability 65 AS numbers have two
 * octets, and AS4_PATH and AS4_AGGREGATOR tell the long ones (RFC 6793 section 4.2.2). */
#pragma once

#include "scenario.h"
#include "wire.h"

/* The next hop of the path's routes of this family from this reflector. */
const struct net *path_next_hop(const struct reflector *reflector, const struct path *path,
                                enum family family);

/* The family's announcements stand in MP_REACH_NLRI. */
bool path_is_in_mp(const struct reflector *reflector, enum family family);

/* The attributes of a unicast route, NEXT_HOP included where the NLRIs are not in MP_REACH. */
void path_attributes(const struct scenario *scenario, const struct reflector *reflector,
                     const struct path *path, enum family family, struct wire *out);

/* The attributes of link state, its own one last; contents NULL: without path attribute 29. */
void path_link_state_attributes(const struct reflector *reflector, const struct octets *contents,
                                struct wire *out);
