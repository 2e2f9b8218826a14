/* scenario: a backbone as facts, read from one YAML file (docs/lab.md has the format by example).
 *
 * What the file leaves out is derived here, always in the same way: loopbacks and interface addresses
 * from pools, IS-IS system ids from loopbacks, delays from kilometres. So everything that is sent can be
 * known from the file alone, and a scenario loaded twice is the same scenario.
 *
 * Everything lives in the scenario and ends with scenario_free(); vertices, links and routes are named
 * by their index. The running lab changes the marked fields in place, in its one thread. */
#pragma once

#include "lib/arena.h"
#include "lib/error.h"
#include "lib/table.h"
#include "net.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Limits on what a file can make us allocate; far above the largest network that we play. */
enum {
    ROUTER_LIMIT = 20000,
    LINK_LIMIT = 200000,
    ATTACHMENT_LIMIT = 2000000,
    ROUTE_LIMIT = 8000000,
    PATH_LIMIT = 2000000,
    REFLECTOR_LIMIT = 64, // a path's reflectors are a 64-bit mask
    DOMAIN_LIMIT = 64,    // likewise a vertex's domains
    TOPOLOGY_LIMIT = 32,  // likewise a vertex's topologies, of 32 bits
    OBJECT_LIMIT = 200000,
    MESSAGE_COUNT_LIMIT = 10000,
};

/* Octets given as hexadecimal in the file, or made for it; in the scenario's arena. */
struct octets {
    const uint8_t *bytes;
    size_t length;
};

/* A TLV that the file gives as it stands: "1157 0a0b". */
struct tlv {
    uint16_t type;
    struct octets value;
};

struct tlvs {
    const struct tlv *list;
    size_t count;
};

struct numbers {
    const uint32_t *list;
    size_t count;
};

struct big_numbers {
    const uint64_t *list;
    size_t count;
};

enum protocol { // as on the wire
    PROTOCOL_ISIS_1 = 1,
    PROTOCOL_ISIS_2 = 2,
    PROTOCOL_OSPF = 3,
    PROTOCOL_DIRECT = 4,
    PROTOCOL_STATIC = 5,
    PROTOCOL_OSPF3 = 6,
    PROTOCOL_BGP = 7, // of egress peers only
};

/* One flooding domain: an IS-IS level or an OSPF area of one BGP-LS instance; or what routers have
 * directly or by static configuration. */
struct domain {
    enum protocol protocol;
    uint32_t area; // of OSPF
    uint64_t instance;
};

/* What a router says of itself beyond the usual. */
struct node_more {
    const char *name;           // TLV 1026; "": not sent
    const struct octets *areas; // TLV 1027
    size_t area_count;
    const struct net *router_ids; // TLV 1028 and 1029, more than the loopbacks
    size_t router_id_count;
    struct octets msd;        // TLV 266
    bool has_flags, no_flags; // TLV 1024 as `flags`, or not at all
    uint8_t flags;
    bool has_topologies; // TLV 263 in every domain, not only in IS-IS
    uint32_t topologies; // bit i: topology i of the scenario
    struct tlvs tlvs;
};

/* A router, or the pseudonode of a LAN. */
struct vertex {
    const char *name;
    struct net ipv4, ipv6; // TE router-ids; none for a pseudonode
    uint64_t domains;      // bit i: domain i of the scenario
    uint8_t system_id[6];
    bool overload; // changes
    bool attached;
    bool down; // changes
    bool touched;
    struct node_more more;

    bool pseudonode;
    size_t designated;      // the router that speaks for the LAN
    uint8_t lan_number;     // the last octet of its IS-IS id, and the interface id in OSPFv3
    struct net lan_address; // the designated router's address on it: the last four of its OSPF id
};

/* What a half-link can say, in the units that are sent. */
enum link_value {
    LINK_METRIC,
    LINK_DELAY,
    LINK_DELAY_MIN,
    LINK_DELAY_MAX,
    LINK_DELAY_VARIATION,
    LINK_LOSS,
    LINK_BANDWIDTH,
    LINK_RESIDUAL,
    LINK_AVAILABLE,
    LINK_UTILIZED,
    LINK_TE_METRIC,
    LINK_ADMIN_GROUP,
    LINK_RESERVABLE,
    LINK_UNRESERVED, // of all eight priorities
    LINK_PROTECTION,
    LINK_MPLS,
    LINK_VALUES
};

enum quantity { QUANTITY_NUMBER, QUANTITY_PERCENT, QUANTITY_BANDWIDTH };

/* One row a value: its key in the file, its name in the JSON export, its greatest value, what it is, and
 * whether it has an A bit (RFC 8571: delay, min/max delay, loss). */
struct link_value_row {
    const char *key, *export_key;
    uint64_t greatest;
    enum quantity quantity;
    bool has_anomalous;
};
extern const struct link_value_row link_value_rows[LINK_VALUES];

struct link_values {
    uint32_t has;                // bit i: value[i] is stated
    uint32_t anomalous;          // bit i: with the A bit; changes
    uint64_t value[LINK_VALUES]; // loss in 0.000003 %, bandwidths in bit/s; change
    struct numbers srlgs;        // TLV 1096
    struct numbers groups;       // TLV 1173
};

/* Application-specific link attributes, TLV 1122 (RFC 9294). */
struct application {
    struct octets standard, user; // SABM, UDABM: 0, 4 or 8 octets
    struct link_values values;
    struct tlvs tlvs;
};

/* One direction of a link. */
struct half {
    struct link_values values;
    struct net ipv4, ipv6; // of the interface at this end
    uint32_t id;           // of the interface: sent where it has no address
    const char *name;      // TLV 1098; NULL: not sent
    struct octets msd;     // TLV 267
    struct tlvs tlvs, descriptors;
    const struct application *applications;
    size_t application_count;
};

struct link {
    size_t ends[2];      // vertices; a pseudonode is always the second
    struct half half[2]; // [0]: from ends[0] to ends[1]
    uint64_t domains;
    uint32_t topologies; // bit i: topology i of the scenario
    bool has_topologies; // in every domain, not only in IS-IS
    bool ids_in_attribute;
    uint8_t metric_octets; // of TLV 1095; 0: as the protocol has them
    double km;             // negative: not stated
    unsigned index;        // 1, 2, …: its number among the links of the same two ends
    bool down;             // changes
    bool touched;
};

enum { ROUTE_TYPE_NONE = 255 };

/* What an originator says of a prefix beyond the usual. */
struct prefix_more {
    bool no_metric; // no TLV 1155: not reachable (L-070)
    bool as_scope;  // no area in the node's descriptor
    bool has_topology;
    uint8_t topology;   // of the scenario
    uint8_t route_type; // TLV 264 of OSPF; 0: derived
    bool has_igp_flags, no_igp_flags, has_flags, no_flags;
    uint8_t igp_flags, flags;              // TLV 1152, 1170
    struct numbers tags;                   // TLV 1153
    struct big_numbers extended_tags;      // TLV 1154
    struct net forwarding;                 // TLV 1156
    struct net source_router, source_ospf; // TLV 1171, 1174
    struct tlvs tlvs, descriptors;
};

/* A prefix that the IGP carries, at one originator. */
struct attachment {
    struct net prefix;
    size_t vertex;
    uint64_t domains;
    uint32_t metric;
    bool external, loopback;
    bool withdrawn; // changes
    bool touched;
    const struct prefix_more *more; // NULL: nothing
};

/* A segment-routing id of an egress peer (RFC 9086 section 5): TLV 1101, 1102 or 1103. */
struct peer_sid {
    uint16_t type;
    uint8_t flags, weight;
    bool is_label;
    uint32_t value;
};

/* A BGP session of a border router, as a half-link of Protocol-ID 7 (RFC 9086). */
struct egress {
    const char *name;
    size_t router;
    uint32_t as, peer_as;
    struct net router_id, peer_id;      // IPv4
    uint32_t member_as, peer_member_as; // of a confederation; 0: none
    struct net ipv4[2], ipv6[2];        // here, there
    uint32_t id[2];
    bool has_ids;
    const struct peer_sid *sids;
    size_t sid_count;
    struct tlvs tlvs;
    uint64_t instance;
    bool down; // changes
    bool touched;
};

/* An NLRI and its attribute as the file gives them. */
struct raw_object {
    const char *name;
    struct octets nlri, attribute;
    bool no_attribute; // path attribute 29 is left out
    bool down;         // changes
    bool touched;
};

enum { ORIGIN_IGP = 0, ORIGIN_EGP = 1, ORIGIN_INCOMPLETE = 2 };

enum segment_kind { // as on the wire
    SEGMENT_SET = 1,
    SEGMENT_SEQUENCE = 2,
    SEGMENT_CONFED_SEQUENCE = 3,
    SEGMENT_CONFED_SET = 4,
};

struct segment {
    enum segment_kind kind;
    uint8_t count; // of the path's numbers
};

/* A path attribute that the file gives as it stands. */
struct raw_attribute {
    uint8_t flags, type;
    struct octets value;
};

struct large_community {
    uint32_t part[3];
};

/* What few paths have. */
struct path_more {
    struct net aggregator; // none: no AGGREGATOR
    uint32_t aggregator_as;
    bool atomic;
    struct big_numbers extended_communities;
    const struct large_community *large_communities;
    size_t large_count;
    const struct net *clusters; // before the reflector's own
    size_t cluster_count;
    struct net originator; // none: the router's loopback
    const struct raw_attribute *attributes;
    size_t attribute_count;
};

/* One attribute set of BGP routes, learnt from one router. */
struct path {
    size_t router;
    struct net next_hop[2]; // IPv4, IPv6
    uint32_t local_pref, med;
    bool has_med;
    uint8_t origin;
    const uint32_t *as_path; // of all segments
    size_t as_count;
    size_t as_length;               // as it is compared: a set is one, confederations are none
    const struct segment *segments; // NULL: one AS_SEQUENCE
    size_t segment_count;
    const uint32_t *communities;
    size_t community_count;
    const struct path_more *more; // NULL: nothing
    uint64_t reflectors;          // bit i: reflector i hears it
    uint64_t favourites;          // bit i: among equals reflector i takes it
};

struct route {
    struct net prefix;
    uint32_t path;
    bool withdrawn; // changes
};

enum family { FAMILY_LS, FAMILY_IPV4, FAMILY_IPV6, FAMILIES };
extern const char *const family_names[FAMILIES]; // "ls", "ipv4", "ipv6"

/* The liberties that the RFCs leave to who writes UPDATEs. */
struct update_form {
    bool one_each;         // one NLRI a message
    bool attributes_first; // MP_REACH after the other attributes
    bool ipv4_in_mp;       // IPv4 routes in MP_REACH, AFI 1 (L-122)
    bool ipv6_next_hop;    // IPv4 routes with the router's IPv6 next hop (RFC 8950)
    bool long_lengths;     // attribute lengths of two octets, End-of-RIB's too
    struct net link_local; // stands behind IPv6 next hops, which have 32 octets then
};

enum vanish_how { VANISH_NONE, VANISH_FIN, VANISH_RESET, VANISH_SILENT };

/* A peer that vanishes in mid-table. */
struct vanish {
    enum vanish_how how;
    bool counts_updates; // else octets
    uint64_t after;
};

/* A capability that the file gives as it stands. */
struct raw_capability {
    uint8_t code;
    struct octets value;
};

struct reflector {
    const char *name;
    struct net address; // where it listens, or whom it calls
    uint16_t port;
    bool calls;
    struct net source;    // the address that a caller calls from; none: the system's choice
    uint32_t as, peer_as; // differ: an external session
    struct net router_id, cluster_id; // IPv4
    bool families[FAMILIES];
    bool end_of_rib;            // changes
    uint16_t end_of_rib_late_s; // so long after the table
    uint16_t hold_time_s;
    bool two_octet_as;          // no capability 65
    uint8_t add_path[FAMILIES]; // paths a prefix at most, with path identifiers; 0: without
    uint32_t path_id_base;      // changes

    uint16_t restart_time_s;   // graceful restart; 0: not offered
    bool forwarding[FAMILIES]; // F bits
    bool notification_restart; // N bit (RFC 8538)
    uint32_t long_lived_s;     // RFC 9494; 0: not offered
    bool restarting;           // R bit; changes
    bool enhanced_refresh;     // RFC 7313
    const struct raw_capability *capabilities;
    size_t capability_count;

    struct update_form form;
    struct vanish vanish; // changes
};

/* What no encoder would write, or a damaged UPDATE: sent in each session of the reflectors after the
 * tables. */
struct raw_message {
    uint64_t reflectors;       // bit i: reflector i sends it
    struct octets octets;      // the whole message
    const struct fault *fault; // or this, done to an UPDATE of the table; NULL: none
    const char *target;
    uint32_t number;
};

struct scenario {
    struct arena *arena;
    const char *name;
    uint32_t as;
    uint64_t instance;   // BGP-LS Instance-ID
    bool has_identifier; // deprecated BGP-LS Identifier (TLV 513)
    uint32_t identifier;
    struct domain domains[DOMAIN_LIMIT];
    size_t domain_count;
    uint16_t topologies[TOPOLOGY_LIMIT]; // MT-IDs; the first is 0
    size_t topology_count;
    bool ipv6_topology;      // IS-IS says IPv6 in topology 2, the second
    struct vertex *vertices; // routers first, then pseudonodes
    size_t vertex_count, router_count;
    struct table names; // vertices by name
    struct link *links;
    size_t link_count;
    struct attachment *attachments; // grows when a prefix moves
    size_t attachment_count, attachment_capacity;
    struct egress *egresses;
    size_t egress_count;
    struct raw_object *raw_objects;
    size_t raw_object_count;
    struct path *paths; // grows when a route moves
    size_t path_count, path_capacity;
    struct route *routes; // by prefix, then in the order of the file
    size_t route_count, route_capacity;
    struct reflector *reflectors;
    size_t reflector_count;
    struct bmp_router *bmp_routers; // scenario_bmp.h
    size_t bmp_router_count;
    struct raw_message *messages;
    size_t message_count;
};

/* Reads and completes the file. NULL with *err: "FILE:LINE:COLUMN: key: value; what was expected".
 * Owned by the caller. */
struct scenario *scenario_load(const char *file, struct error *err);
void scenario_free(struct scenario *scenario); // NULL is fine

/* "rr1=127.0.1.1:11179": another endpoint for a reflector than the file says. */
bool scenario_move_reflector(struct scenario *scenario, const char *text, struct error *err);

/* SIZE_MAX: no such name. */
size_t scenario_find_vertex(const struct scenario *scenario, const char *name);
size_t scenario_find_reflector(const struct scenario *scenario, const char *name);
size_t scenario_find_egress(const struct scenario *scenario, const char *name);
size_t scenario_find_object(const struct scenario *scenario, const char *name);

/* "update", "9". */
bool parse_message_type(const char *text, unsigned *out);

/* "reset after 100 updates", "fin after 5000 octets", "silent after 1 updates", "none". */
bool parse_vanish(const char *text, struct vanish *out);

/* Room for one more; zeroed. The pointer is good until the next one is added. */
struct attachment *scenario_add_attachment(struct scenario *scenario);
struct path *scenario_add_path(struct scenario *scenario);
