/* scenario_read: what the parts of the scenario's reader share; nobody else includes it. */
#pragma once

#include "reader.h"
#include "scenario.h"

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
    const struct tree *routers, *lans, *links, *prefixes, *reflectors, *routes, *bmp;

    uint64_t default_domains;
    uint8_t default_area[AREA_BYTES], default_area_length;
};

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

/* Digits only. */
bool parse_number(const char *text, uint64_t *out);

read_value read_source;   // struct net: an address of either family
read_value read_families; // bool[FAMILIES]

/* The sections that need routers, in this order: links and LANs, prefixes, reflectors, routes, BMP. */
bool load_links(struct loading *loading);
bool load_attachments(struct loading *loading);
bool load_reflectors(struct loading *loading);
bool load_routes(struct loading *loading);
bool load_bmp(struct loading *loading);
