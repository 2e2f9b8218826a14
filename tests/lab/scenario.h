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
    ROUTE_LIMIT = 4000000,
    PATH_LIMIT = 2000000,
    REFLECTOR_LIMIT = 64, // a path's reflectors are a 64-bit mask
    DOMAIN_LIMIT = 64,    // likewise a vertex's domains
    TOPOLOGY_LIMIT = 2,   // IS-IS topologies 0 (IPv4 or both) and 2 (IPv6)
};

enum protocol { PROTOCOL_ISIS_1 = 1, PROTOCOL_ISIS_2 = 2, PROTOCOL_OSPF = 3 }; // as on the wire

/* One flooding domain: an IS-IS level, or an OSPF area. */
struct domain {
    enum protocol protocol;
    uint32_t area; // of OSPF
};

enum { AREA_BYTES = 13 }; // the longest IS-IS area address

/* A router, or the pseudonode of a LAN. */
struct vertex {
    const char *name;
    struct net ipv4, ipv6; // TE router-ids; none for a pseudonode
    uint64_t domains;      // bit i: domain i of the scenario
    uint8_t system_id[6];
    uint8_t area[AREA_BYTES], area_length; // IS-IS area address, length 0: not sent
    bool overload;                         // changes
    bool attached;
    bool down; // changes
    bool touched;

    bool pseudonode;
    size_t designated;      // the router that speaks for the LAN
    uint8_t lan_number;     // the last octet of its IS-IS id
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
    LINK_VALUES
};

enum quantity { QUANTITY_NUMBER, QUANTITY_PERCENT, QUANTITY_BANDWIDTH };

/* One row a value: its key in the file, its name in the JSON export, what it is, its greatest value. */
struct link_value_row {
    const char *key, *export_key;
    enum quantity quantity;
    uint64_t greatest;
};
extern const struct link_value_row link_value_rows[LINK_VALUES];

/* One direction of a link. */
struct half {
    uint32_t has;                // bit i: value[i] is stated
    uint64_t value[LINK_VALUES]; // loss in 0.000003 %, bandwidths in bit/s; change
    struct net ipv4, ipv6;       // of the interface at this end
    uint32_t id;                 // of the interface: sent where it has no address
};

struct link {
    size_t ends[2];      // vertices; a pseudonode is always the second
    struct half half[2]; // [0]: from ends[0] to ends[1]
    uint64_t domains;
    double km;      // negative: not stated
    unsigned index; // 1, 2, …: its number among the links of the same two ends
    bool down;      // changes
    bool touched;
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
};

enum { ORIGIN_IGP = 0, ORIGIN_EGP = 1, ORIGIN_INCOMPLETE = 2 };

/* One attribute set of BGP routes, learnt from one router. */
struct path {
    size_t router;
    struct net next_hop[2]; // IPv4, IPv6
    uint32_t local_pref, med;
    bool has_med;
    uint8_t origin;
    const uint32_t *as_path;
    size_t as_count;
    const uint32_t *communities;
    size_t community_count;
    uint64_t reflectors; // bit i: reflector i hears it
    uint64_t favourites; // bit i: among equals reflector i takes it
};

struct route {
    struct net prefix;
    uint32_t path;
    bool withdrawn; // changes
};

enum family { FAMILY_LS, FAMILY_IPV4, FAMILY_IPV6, FAMILIES };
extern const char *const family_names[FAMILIES]; // "ls", "ipv4", "ipv6"

struct reflector {
    const char *name;
    struct net address; // where it listens, or whom it calls
    uint16_t port;
    bool calls;
    struct net source; // the address that a caller calls from; none: the system's choice
    uint32_t as;
    struct net router_id, cluster_id; // IPv4
    bool families[FAMILIES];
    bool end_of_rib; // changes
    uint16_t hold_time_s;
    uint16_t restart_time_s; // graceful restart; 0: not offered
};

struct scenario {
    struct arena *arena;
    const char *name;
    uint32_t as;
    uint64_t instance;   // BGP-LS Instance-ID
    bool has_identifier; // deprecated BGP-LS Identifier (TLV 513)
    uint32_t identifier;
    unsigned topologies; // 1, or 2: the IPv6 topology is its own
    struct domain domains[DOMAIN_LIMIT];
    size_t domain_count;
    struct vertex *vertices; // routers first, then pseudonodes
    size_t vertex_count, router_count;
    struct table names; // vertices by name
    struct link *links;
    size_t link_count;
    struct attachment *attachments; // grows when a prefix moves
    size_t attachment_count, attachment_capacity;
    struct path *paths; // grows when a route moves
    size_t path_count, path_capacity;
    struct route *routes; // by prefix, then in the order of the file
    size_t route_count, route_capacity;
    struct reflector *reflectors;
    size_t reflector_count;
    struct bmp_router *bmp_routers; // scenario_bmp.h
    size_t bmp_router_count;
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

/* Room for one more; zeroed. The pointer is good until the next one is added. */
struct attachment *scenario_add_attachment(struct scenario *scenario);
struct path *scenario_add_path(struct scenario *scenario);
