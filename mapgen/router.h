/* router: BGP-LS nodes become routers (docs/spec/map-generation.md part 1).
 *
 * A box is announced as several nodes: one per level, area, protocol instance, and as a BGP speaker. Evidence
 * merges them (M-103), a veto keeps apart what cannot be one box (M-104). */
#pragma once

#include "lib/arena.h"
#include "lib/state.h"
#include "report.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROUTER_NONE UINT32_MAX

enum { ROUTER_KEY_BYTES = 17 };

enum node_class {
    NODE_OTHER, // takes no part
    NODE_ROUTER,
    NODE_PSEUDONODE,
};

struct node {
    const struct ls_node_descriptor *descriptor; // octets: descriptor->node
    uint64_t instance;
    uint8_t protocol;
    enum node_class class;
    bool has_flags;
    uint8_t flags;
    const char *name;    // NULL: none
    uint32_t router;     // of a router node: index into routers
    uint32_t pseudonode; // of a pseudonode: equal for those that are one by M-118
};

struct router {
    uint8_t key[ROUTER_KEY_BYTES]; // M-107
    const char *key_text, *name;
    uint32_t first_node, node_count; // in node_of_router: ascending
};

/* A router-id that resolves a next hop (M-206 (1)): 1028, 1029, or an OSPF 515. */
struct router_id {
    uint8_t id[16]; // IPv4 as v4-mapped
    uint32_t router;
};

struct routers {
    struct node *nodes; // ascending by octets
    size_t node_count;
    struct router *list; // ascending by key: the order of routers
    size_t count;
    const uint32_t *node_of_router; // nodes, grouped by router
    const struct router_id *ids;    // ascending by (id, router), no repeats
    size_t id_count;
    size_t pseudonode_count;
};

/* The rows that M-101 counts, each ascending by NLRI: what model_rows gives. Borrowed for as long as routers is
 * used. */
struct ls_rows {
    const struct ls_node *const *nodes;
    const struct ls_link *const *links;
    const struct ls_prefix *const *prefixes;
    size_t node_count, link_count, prefix_count;
};

/* In the arena. own_asn: of a node without 512. */
struct routers *routers_build(const struct ls_rows *rows, uint32_t own_asn, struct arena *arena,
                              struct report *report);

/* The node with these octets, or NULL. */
const struct node *routers_find_node(const struct routers *routers, struct octets octets);

/* IPv4 as ::ffff:a.b.c.d. */
void router_id_map(const struct prefix *address, uint8_t out[16]);
