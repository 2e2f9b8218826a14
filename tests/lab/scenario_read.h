/* scenario_read: what the parts of the scenario's reader share; nobody else includes it. */
#pragma once

#include "link_state.h"
#include "reader.h"
#include "scenario.h"
#include "values.h"

enum {
    AREA_BYTES = 13,    // the longest IS-IS area address
    MT_ID_LIMIT = 4095, // 12 bits
};

struct pools {
    struct net ipv4, ipv6; // none: nothing is derived
};

struct loading {
    struct reader reader; // its context is this struct
    struct scenario *scenario;

    // the file's general part
    const struct tree *identifier, *igp, *area;
    uint8_t ipv6_topology;
    double delay_us_per_km;
    struct pools loopbacks, interfaces;
    const struct tree *routers, *lans, *links, *prefixes, *egresses, *objects, *reflectors, *routes,
        *messages, *bmp;

    uint64_t default_domains;
    struct node_more default_areas;
};

/* The same, but no pseudonode. */
bool read_router(struct loading *loading, const struct tree *node, size_t *out);

/* [at a, at b] of one family; of interface identifiers. */
bool read_ends(struct loading *loading, const struct tree *node, read_value *read, const char *name,
               struct net *a, struct net *b);
bool read_ids(struct loading *loading, const struct tree *node, uint32_t *a, uint32_t *b);

/* A growing list of prefixes; free(list). */
struct nets {
    struct net *list;
    size_t count, capacity;
};

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* "isis-2", "ospf-0.0.0.0", or a list of them. */
bool read_domains(struct loading *loading, const struct tree *node, uint64_t *out);

/* One more vertex, whose name must be free; there is room for as many as the file has. */
void add_vertex(struct scenario *scenario, const struct vertex *vertex);

/* The router or pseudonode of this name. */
bool read_vertex(struct loading *loading, const struct tree *node, size_t *out);

/* "10.16.0.0/16", "10.16.0.0/16 split 24 skip 8 count 12", several of them with commas between, or a list
 * of such texts. Adds to *nets. */
bool read_prefixes(struct loading *loading, const struct tree *node, struct nets *nets);

/* The word "none". */
bool is_none(const struct tree *node);

/* "0 2 4095": bit i for topology i of the scenario. And one of them, as its index. */
bool read_topologies(struct loading *loading, const struct tree *node, uint32_t *out);
bool read_topology(struct loading *loading, const struct tree *node, uint64_t number, uint8_t *out);

/* A list of reflectors' names: bit i for reflector i. */
bool read_reflectors(struct loading *loading, const struct tree *node, uint64_t *out);

/* What an item of routes says of its attributes. */
struct path_form {
    const struct tree *as_path, *communities, *med, *extended, *large, *aggregator, *clusters,
        *attributes;
    struct net next_hop_ipv4, next_hop_ipv6, originator;
    uint32_t local_pref;
    uint8_t origin;
    bool atomic;
};

/* All of a path but its router and reflectors. `node` is the item, for errors. */
bool read_path(struct loading *loading, const struct tree *node, const struct path_form *form,
               struct path *out);

/* That it fits into a message with everything around it. */
bool check_object(struct loading *loading, const struct tree *node, enum object_kind kind,
                  size_t subject, uint64_t domains);

read_value read_source;   // struct net: an address of either family
read_value read_families; // bool[FAMILIES]

/* The sections that need routers, in this order. */
bool load_links(struct loading *loading);
bool load_attachments(struct loading *loading);
bool load_egresses(struct loading *loading);
bool load_objects(struct loading *loading);
bool load_reflectors(struct loading *loading);
bool load_routes(struct loading *loading);
bool load_messages(struct loading *loading);
bool load_bmp(struct loading *loading);
