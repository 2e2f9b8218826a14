/* model: state.db in memory, kept up by what changed since the last read.
 *
 * Everything is kept per source (peer), because a withdrawal removes its source only (L-101): a route stands
 * under its prefix with one path per (peer, path-id), a link-state object under its NLRI with one row per peer.
 * Which source counts is decided when the map is computed, from the peers' rows of that moment (L-100).
 *
 * One thread. What the accessors give is borrowed until the next model_update. */
#pragma once

#include "lib/state.h"
#include "prefix_table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What of a path's attributes decides (M-203). Equal sets are one object. */
struct model_attributes {
    uint32_t local_pref; // 100 when absent
    uint32_t med;        // 0 when absent
    uint32_t length;     // of the AS path: a set counts 1, confederation segments 0
    uint32_t
        neighbour_asn; // first AS of the path behind confederation segments; 0: none, or a set in front
    uint8_t origin;
    bool is_llgr_stale; // has community 65535:6
    bool has_own_asn;   // anywhere in the path: a loop
};

struct model_path {
    int64_t peer_id;
    uint32_t path_id;
    struct prefix next_hop;
    struct model_attributes *attributes;
};

struct model_route {
    struct prefix prefix;
    struct model_path *paths; // in the order they came
    uint32_t count;           // 0: gone; the slot waits for the prefix to come back
    uint32_t capacity;
};

/* A link-state object: its NLRI and what each source says of it. */
struct model_object {
    struct octets nlri; // at bytes
    uint8_t *bytes;     // owned
    struct model_source {
        int64_t peer_id;
        void *row; // struct ls_node, ls_link or ls_prefix, by the table it is in
    } * sources;
    uint32_t count, capacity;
};

struct model_peer {
    struct peer row; // its texts: in texts
    char *texts[4];  // the model's
    struct peer_family families[STATE_FAMILIES];
    bool has_family[STATE_FAMILIES];
    bool is_given[STATE_FAMILIES]; // by the read under way; the model's
};

struct model;

struct model *model_new(void);
void model_free(struct model *model); // NULL is fine

/* Takes over what changed. After a failure the model holds nothing and reads everything next time. */
bool model_update(struct model *model, struct state_reader *reader, struct error *err);

/* The calls that model_update makes, for tests that have rows and no file. context: the model. */
struct state_visitor model_visitor(struct model *model);

/* Grows whenever something changed that a map could depend on; a heartbeat does not change it. */
uint64_t model_changes(const struct model *model);

/* Where the model stands. */
const struct state_position *model_position(const struct model *model);

/* The own AS, of which has_own_asn speaks; model_update sets it. 0: not known. */
uint32_t model_own_asn(const struct model *model);
void model_set_own_asn(struct model *model, uint32_t own_asn);

/* By rank in the configuration, then address, then number (L-100). */
const struct model_peer *model_peers(const struct model *model, size_t *count);

/* Rows of a stale (peer, family), or of a peer that is not known: they take part, but come last. */
bool model_is_stale(const struct model *model, int64_t peer_id, enum state_family family);

/* Rows of a (peer, family) count from its first end-of-RIB on: half a load would move what others say. What is
 * stale has been heard before, and counts. */
bool model_counts(const struct model *model, int64_t peer_id, enum state_family family);

const struct model_route *model_routes(const struct model *model, size_t *count);
const struct prefix_table *model_route_table(
    const struct model *model); // prefix → index of a route

/* Bytewise, the shorter first on a tie of the common part: the order of links and nodes. */
int octets_compare(struct octets a, struct octets b);

/* kind: OBJECT_NODE, OBJECT_LINK or OBJECT_PREFIX. One row per NLRI, in ascending order of NLRIs: the best counting
 * source's, and what that one cannot say from the next that says it (L-100). rows[*count] in the arena. *stale: how
 * many of them have something of a stale source. */
const void **model_rows(const struct model *model, enum state_object kind, struct arena *arena,
                        size_t *count, size_t *stale);

/* What reflectors that make link state anew may lose: whether a row of a link has any of 1114 to 1120, one of a prefix
 * 1155. Nodes have nothing to lose. */
bool model_has_measures(enum state_object kind, const void *row);
bool model_has_attributes(enum state_object kind, const void *row); // attribute 29 came

/* Every object of the kind that has a source, in no order. */
void model_each_object(const struct model *model, enum state_object kind,
                       void (*visit)(void *context, const struct model_object *object),
                       void *context);
