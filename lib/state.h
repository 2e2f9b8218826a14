/* state: state.db's rows, its one writer and its readers (schemas/state.sql, docs/design.md section 3).
 *
 * The row types below are also what the collector's parsers fill and what the map generator computes from:
 * one form from the wire to the map. Strings and arrays in a row are borrowed by every function that takes
 * one, and live in the reader's arena in every row that a function gives. */
#pragma once

#include "arena.h"
#include "error.h"
#include "prefix.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum state_family { STATE_IPV4_UNICAST, STATE_IPV6_UNICAST, STATE_LINK_STATE, STATE_FAMILIES };
extern const char *const state_family_names[STATE_FAMILIES]; // "ipv4-unicast", …

enum state_peer_state { PEER_NEVER, PEER_UP, PEER_DOWN };
enum state_source { SOURCE_BMP, SOURCE_GRPC };
enum state_end_of_rib { END_OF_RIB_NO, END_OF_RIB_RECEIVED, END_OF_RIB_ASSUMED };

/* Their words in state.db, snapshots and status.db. */
extern const char *const state_peer_states[PEER_DOWN + 1];          // "never", "up", "down"
extern const char *const state_end_of_ribs[END_OF_RIB_ASSUMED + 1]; // "no", "received", "assumed"

struct peer {
    int64_t peer_id; // given by the writer, kept over restarts for one name
    const char *name, *address;
    uint32_t asn;          // 0: not known yet
    const char *router_id; // NULL: not known yet
    uint32_t rank;         // place in the configuration, from 0
    bool configured;
    enum state_peer_state state;
    int64_t since_us;
    const char *last_error; // NULL: none
};

struct peer_family {
    int64_t peer_id;
    enum state_family family;
    enum state_source source;
    bool stale;
    int64_t stale_since_us; // 0: not stale
    enum state_end_of_rib end_of_rib;
    int64_t end_of_rib_us; // 0: none yet
    const char *faulty;    // NULL: not
};

/* A path's attributes without next hop. Lists are canonical (ascending, no repeats) where the order of the
 * wire has no meaning, so that equal sets are equal rows. */
struct attributes {
    uint8_t origin;      // 0 IGP, 1 EGP, 2 incomplete
    const char *as_path; // text as in schemas/state.sql; "" for an empty path
    bool has_local_pref, has_med, atomic_aggregate;
    uint32_t local_pref, med;
    const char *communities, *large_communities, *extended_communities; // NULL: none
    const char *originator_id, *cluster_list, *aggregator;              // NULL: none
    const uint8_t *other; // unknown path attributes as they came
    size_t other_length;
};

struct route {
    int64_t peer_id;
    struct prefix prefix;
    uint32_t path_id;
    struct prefix next_hop; // an address
    const struct attributes *attributes;
};

/* Octets of an NLRI or of a canonical node NLRI. */
struct octets {
    const uint8_t *bytes;
    size_t length;
};

/* A node as a descriptor names it (docs/spec/bgp-ls.md part 2). */
struct ls_node_descriptor {
    struct octets node; // canonical node NLRI: the node's identity
    bool has_asn, has_bgp_ls_id, has_area, has_bgp_router_id;
    uint32_t asn, bgp_ls_id, area, bgp_router_id;
    uint8_t router_id[16];    // 515
    uint8_t router_id_length; // 0: absent
};

struct addresses {
    const struct prefix *list; // ascending by prefix_compare, no repeats
    size_t count;
};

struct ls_node {
    int64_t peer_id;
    struct octets nlri;
    uint8_t protocol;
    uint64_t instance;
    struct ls_node_descriptor local;
    bool has_attributes;
    const char *name; // UTF-8, what is not printable as \xNN; NULL: none
    bool has_flags;
    uint8_t flags;              // enum ls_node_flag
    const uint16_t *topologies; // 263, with upper bits
    size_t topology_count;
    const struct octets *isis_areas; // 1027
    size_t isis_area_count;
    struct addresses ipv4_router_ids, ipv6_router_ids; // 1028, 1029
    struct octets other;
};

enum ls_node_flag {
    NODE_OVERLOAD = 0x80,
    NODE_ATTACHED = 0x40,
    NODE_ASBR = 0x20,
    NODE_ABR = 0x10,
    NODE_OSPFV3_R = 0x08,
    NODE_OSPFV3_V6 = 0x04,
};

/* Which of a link's values came; absent is never zero. */
enum ls_link_has {
    LINK_LINK_IDS = 1 << 0,
    LINK_IGP_METRIC = 1 << 1,
    LINK_TE_METRIC = 1 << 2,
    LINK_ADMIN_GROUP = 1 << 3,
    LINK_MAX_BANDWIDTH = 1 << 4,
    LINK_MAX_RESERVABLE = 1 << 5,
    LINK_DELAY = 1 << 6,
    LINK_DELAY_MIN = 1 << 7,
    LINK_DELAY_MAX = 1 << 8,
    LINK_DELAY_VARIATION = 1 << 9,
    LINK_LOSS = 1 << 10,
    LINK_RESIDUAL = 1 << 11,
    LINK_AVAILABLE = 1 << 12,
    LINK_UTILIZED = 1 << 13,
};

struct ls_link {
    int64_t peer_id;
    struct octets nlri;
    uint8_t protocol;
    uint64_t instance;
    struct ls_node_descriptor local, remote;
    uint32_t local_link_id, remote_link_id;
    struct addresses local_addresses, remote_addresses;
    uint16_t topology;
    bool has_attributes;
    uint32_t has; // enum ls_link_has
    uint32_t igp_metric, te_metric, admin_group;
    double max_bandwidth_bps, max_reservable_bps;
    const uint32_t *srlgs;
    size_t srlg_count;
    const char *name; // NULL: none
    uint32_t delay_us, delay_min_us, delay_max_us, delay_variation_us;
    bool delay_anomalous, delay_min_max_anomalous, loss_anomalous;
    uint32_t loss_3e8; // loss fraction = loss_3e8 * 3e-8
    double residual_bps, available_bps, utilized_bps;
    struct addresses local_ipv4_router_ids, local_ipv6_router_ids;   // 1028, 1029
    struct addresses remote_ipv4_router_ids, remote_ipv6_router_ids; // 1030, 1031
    struct octets other;
};

struct ls_prefix {
    int64_t peer_id;
    struct octets nlri;
    uint8_t protocol;
    uint64_t instance;
    struct ls_node_descriptor local;
    struct prefix prefix;
    uint16_t topology;
    uint8_t ospf_route_type; // 0: absent
    bool has_attributes, has_igp_flags, has_attribute_flags, has_metric;
    uint8_t igp_flags, attribute_flags;
    uint32_t metric;
    struct octets other;
};

enum state_object {
    OBJECT_ROUTE,
    OBJECT_NODE,
    OBJECT_LINK,
    OBJECT_PREFIX,
    OBJECT_OPAQUE,
    OBJECT_PEER
};

/* ---- The writer: one process, one connection, one thread at a time. ---- */

struct state_writer;

struct state_writer_options {
    const char *path;           // state.db; the lock is path + ".lock"
    int64_t keep_tombstones_us; // 0: an hour; at least the last 1,000 sequences are kept too
};

/* Takes the lock, creates or migrates the file, opens it with wal_autocheckpoint off. Who holds the lock is
 * named in *err when another process has it; a foreign or newer file is refused (ERROR_VERSION), a damaged
 * one too (ERROR_INPUT), and neither is touched. */
struct state_writer *state_writer_open(const struct state_writer_options *options,
                                       struct error *err);
void state_writer_close(
    struct state_writer *writer); // NULL is fine; rolls back what is not committed

/* A change set: begin, any number of puts and deletes, commit. Between them nothing is visible to readers. A
 * put of what stands there already changes nothing and takes no sequence. After a failure the change set must
 * be rolled back. */
bool state_begin(struct state_writer *writer, int64_t now_us, struct error *err);
void state_rollback(struct state_writer *writer);

/* Commits. *sequence: the new one if anything changed or heartbeat is set, else the present one. */
bool state_commit(struct state_writer *writer, bool heartbeat, uint64_t *sequence,
                  struct error *err);

/* Moves what is committed from the WAL into the file and prunes tombstones and sequences beyond their time.
 * Between change sets only. Called by the collector about once a second. */
bool state_maintain(struct state_writer *writer, int64_t now_us, struct error *err);

/* Finds or makes the row of peer->name and updates it; *peer_id is its number. A new row gets peer->peer_id,
 * or the next number when that is 0. Numbers are not used twice; *next of state_next_peer_id is the lowest that
 * was never used. */
bool state_next_peer_id(struct state_writer *writer, int64_t *next, struct error *err);
bool state_put_peer(struct state_writer *writer, const struct peer *peer, int64_t *peer_id,
                    struct error *err);
bool state_put_peer_family(struct state_writer *writer, const struct peer_family *row,
                           struct error *err);

/* The present rows, for the collector's start: peers that are known, and their families. Arena. */
bool state_writer_peers(struct state_writer *writer, struct arena *arena, struct peer **peers,
                        size_t *peer_count, struct peer_family **families, size_t *family_count,
                        struct error *err);

bool state_put_route(struct state_writer *writer, const struct route *route, struct error *err);
bool state_put_node(struct state_writer *writer, const struct ls_node *node, struct error *err);
bool state_put_link(struct state_writer *writer, const struct ls_link *link, struct error *err);
bool state_put_prefix(struct state_writer *writer, const struct ls_prefix *prefix,
                      struct error *err);
bool state_put_opaque(struct state_writer *writer, int64_t peer_id, struct octets nlri,
                      struct octets attribute, struct error *err);

/* An announcement without attribute 29 over a row that has attributes keeps the last known ones and clears
 * has_attributes (L-093); that is done by the put functions of node, link and prefix. An empty attribute 29 is
 * has_attributes with nothing in it, and replaces (L-094). Opaque rows are not given to readers. */

/* Deleting what is not there is no fault. */
bool state_delete_route(struct state_writer *writer, int64_t peer_id, const struct prefix *prefix,
                        uint32_t path_id, struct error *err);
bool state_delete_ls(struct state_writer *writer, int64_t peer_id, struct octets nlri,
                     struct error *err);

/* Deletes the peer's rows of the family for which keep says false; with keep NULL all of them. key: the prefix
 * (path_id beside it) or the NLRI. */
struct state_key {
    struct prefix prefix;
    uint32_t path_id;
    struct octets nlri;
};
bool state_sweep(struct state_writer *writer, int64_t peer_id, enum state_family family,
                 bool (*keep)(void *context, const struct state_key *key), void *context,
                 uint64_t *swept, struct error *err);

/* The same piece by piece, for the sweep at end-of-RIB: between two pieces other change sets may come. Each step looks
 * at up to `limit` rows behind those of the step before, and adds to *swept how many it deleted. What is put
 * between two pieces is in danger if it lies ahead, unless keep says true for it from then on; so is what was there
 * already when it is put again. After a rollback the sweep must be begun anew. */
struct state_sweep; // of one writer

struct state_sweep *state_sweep_new(int64_t peer_id, enum state_family family,
                                    bool (*keep)(void *context, const struct state_key *key),
                                    void *context); // context: borrowed until state_sweep_free
void state_sweep_free(struct state_sweep *sweep);   // NULL is fine
void state_sweep_restart(struct state_sweep *sweep);
bool state_sweep_step(struct state_writer *writer, struct state_sweep *sweep, size_t limit,
                      bool *is_done, uint64_t *swept, struct error *err);

/* Deletes what the peer said in the family, and the row of (peer, family). */
bool state_delete_family(struct state_writer *writer, int64_t peer_id, enum state_family family,
                         struct error *err);

/* Deletes a peer that is no longer configured, with all its rows. */
bool state_delete_peer(struct state_writer *writer, int64_t peer_id, struct error *err);

/* Meters do not take a sequence. Inside or outside a change set. peer: "" for the collector. */
bool state_put_meter(struct state_writer *writer, const char *name, const char *peer, int64_t value,
                     int64_t now_us, struct error *err);

bool state_put_local_asn(struct state_writer *writer, uint32_t asn, struct error *err);

/* ---- Readers: read-only, any number of processes; one connection belongs to one thread. ---- */

struct state_reader;

struct state_reader *state_reader_open(const char *path,
                                       struct error *err); // refuses as the writer does
void state_reader_close(struct state_reader *reader);      // NULL is fine

/* Whether anything was committed since the last call (PRAGMA data_version: cheap enough for every few ms). */
bool state_reader_changed(struct state_reader *reader, bool *changed, struct error *err);

/* What state_read gives, row by row, all of one consistent moment. Rows are borrowed for the call. */
struct state_visitor {
    void *context;
    /* Everything is read again: forget what you hold. Called first, when it is. */
    void (*on_restart)(void *context);
    void (*on_peer)(void *context, const struct peer *peer);
    void (*on_peer_family)(void *context, const struct peer_family *row);
    void (*on_route)(void *context, const struct route *route, uint64_t attributes_id);
    void (*on_node)(void *context, const struct ls_node *node);
    void (*on_link)(void *context, const struct ls_link *link);
    void (*on_prefix)(void *context, const struct ls_prefix *prefix);
    /* A tombstone. OBJECT_PEER: with all its rows. */
    void (*on_gone)(void *context, enum state_object kind, int64_t peer_id,
                    const struct state_key *key);
};

struct state_position {
    char generation[33]; // "" before the first read
    uint64_t sequence;
    int64_t time_us; // of that sequence
    uint32_t local_asn;
};

/* Gives what changed after *position (all peers and families are given each time: they are few), or
 * everything when that cannot be followed, and moves *position. On failure *position is unchanged, but
 * the visitor may have been called: read again from "" then. */
bool state_read(struct state_reader *reader, struct state_position *position,
                const struct state_visitor *visitor, struct error *err);

/* The present position alone, without reading rows. */
bool state_read_position(struct state_reader *reader, struct state_position *position,
                         struct error *err);

/* ---- Words for people ---- */

/* "0100.0000.0004", "0100.0000.0004-01", "10.0.0.1", "10.0.0.1:192.0.2.1", hex for other lengths (L-021). */
enum { ROUTER_ID_TEXT_SIZE = 48 };
char *ls_router_id_format(uint8_t protocol, const uint8_t *router_id, size_t length,
                          char out[ROUTER_ID_TEXT_SIZE]);
