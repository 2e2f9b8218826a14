/* bgp_attributes: the path attributes of one UPDATE, each read by a row of one table (RFC 4271 section 5).
 *
 * Texts are those of schemas/state.sql. Sets are sorted and without repeats, so that equal sets are equal rows. */
#pragma once

#include "bgp_open.h"
#include "cursor.h"
#include "fault.h"
#include "lib/arena.h"

/* What the attributes of an UPDATE said. Strings live in the arena; octets are borrowed from the message. */
struct bgp_attributes {
    struct attributes attributes; // without next hop
    bool has_origin, has_as_path;
    struct prefix next_hop; // attribute 3; family 0: absent
    bool has_mp_reach, has_mp_unreach, has_link_state;
    struct octets mp_reach, mp_unreach, link_state; // values of 14, 15, 29
    bool
        withdraw; // a fault for which the routes are to be treated as withdrawn (RFC 7606 section 2)
    bool overrun; // they do not fit their total length (RFC 7606 section 4): drop the message
    size_t count; // attributes met
};

/* Set session, arena and faults, the rest to zero; read as often as the path's attributes come in pieces; finish
 * once, which merges AS4_PATH (RFC 6793 section 4.2.3) and writes the AS path's text into out. */
struct bgp_attributes_reader {
    const struct bgp_session *session;
    struct arena *arena;
    struct faults *faults;
    struct bgp_attributes out;
    // the reader's own
    uint32_t seen[8];                                            // codes met, a bit each
    struct octets as_path, as4_path, aggregator, as4_aggregator; // bytes NULL: absent
    uint8_t *other;
    size_t other_capacity;
};

void bgp_attributes_read(struct bgp_attributes_reader *reader, struct cursor attributes);
void bgp_attributes_finish(struct bgp_attributes_reader *reader);
