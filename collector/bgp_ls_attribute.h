/* bgp_ls_attribute: attribute 29, read as a node's, a link's or a prefix's (docs/spec/bgp-ls.md parts 5 to 7, 9).
 *
 * Each gives a row in the arena with has_attributes set and nothing of an NLRI. What no field of the row holds is in
 * `other`, TLV by TLV as it came; what is malformed is dropped and counted, and costs nothing beside it. */
#pragma once

#include "fault.h"
#include "lib/arena.h"
#include "lib/state.h"

const struct ls_node *bgp_ls_attribute_node(struct arena *arena, struct faults *faults,
                                            struct octets attribute);
const struct ls_link *bgp_ls_attribute_link(struct arena *arena, struct faults *faults,
                                            struct octets attribute);
const struct ls_prefix *bgp_ls_attribute_prefix(struct arena *arena, struct faults *faults,
                                                struct octets attribute);
