/* bgp_ls: link-state NLRIs and the TLVs of attribute 29 (RFC 9552; docs/spec/bgp-ls.md parts 1 to 9).
 *
 * One attribute belongs to all NLRIs of its MP_REACH (L-005), but what a TLV means depends on whether a node, a
 * link or a prefix has it. So the attribute is read at most once for each of the three, when the first NLRI of
 * that kind comes, and its values are then copied into each row. */
#pragma once

#include "cursor.h"
#include "fault.h"
#include "lib/arena.h"
#include "update.h"

/* Begun for one message by bgp_ls_begin. The fields are the module's. */
struct bgp_ls {
    struct arena *arena;
    struct faults *faults;
    int64_t peer_id;
    bool has_attribute; // attribute 29 came, maybe empty (L-094)
    struct octets attribute;
    // the attribute read as a node's, a link's, a prefix's; NULL: not yet
    const struct ls_node *node;
    const struct ls_link *link;
    const struct ls_prefix *prefix;
};

/* attribute: the value of attribute 29, borrowed until the last call; NULL when it did not come (L-093). */
void bgp_ls_begin(struct bgp_ls *ls, struct arena *arena, struct faults *faults, int64_t peer_id,
                  const struct octets *attribute);

/* Takes the next NLRI, whole, from the type field to its end (L-003): its identity. false at the end, and when
 * the lengths do not add up: nlris->failed tells. */
bool bgp_ls_next(struct cursor *nlris, struct octets *nlri);

/* Reads an announced NLRI: *out is UPDATE_NODE, UPDATE_LINK, UPDATE_PREFIX, or UPDATE_OPAQUE for what we only
 * keep. Rows live in the arena. false: a TLV overruns the NLRI, which is dropped and counted. */
bool bgp_ls_announce(struct bgp_ls *ls, struct octets nlri, struct update *out);
