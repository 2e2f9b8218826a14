/* gen_routes: what the edge of the backbone hears of the Internet, and what its reflectors say of it.
 *
 *     prefix ──▶ group ──▶ path ──▶ exits          a group is the prefixes of one origin AS that are told
 *                     └──▶ other path ──▶ exits    alike; about one in three has a path that is not best
 *
 * The first path of a group is best at each of its exits: equal LOCAL_PREF, AS path, origin and MED, so that
 * the exits are the prefix's attachment set (M-203). The other is worse in one of them.
 *
 * Best paths only: reflector r says the first path at its exit r (modulo their count), as one that is nearest
 * to it would. All paths: each reflector says what its clients, the routers of every n-th PoP, hear. */
#pragma once

#include "gen_backbone.h"
#include "gen_prefixes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GEN_EXITS = 12, GEN_HOPS = 24, GEN_TAGS = 12, GEN_AS = 64500 };

enum gen_set_kind { GEN_SINGLE, GEN_PAIR, GEN_PEER, GEN_KINDS };
extern const char *const gen_set_kinds[GEN_KINDS]; // "single routers", …

/* A neighbour and where it is seen. */
struct gen_set {
    enum gen_set_kind kind;
    uint32_t asn, local_pref;
    uint32_t exits[GEN_EXITS]; // routers; the first two are no other set's first two
    uint32_t exit_count;
    uint32_t tags; // its usual list of communities
    bool has_med;
    uint32_t med;
};

/* Path attributes; equal at all exits. */
struct gen_path {
    uint32_t set;        // whose exits
    uint32_t exit_count; // the first ones of the set's
    uint32_t hops[GEN_HOPS];
    uint32_t hop_count;
    uint32_t local_pref, med;
    bool has_med;
    uint8_t origin; // 0 IGP, 1 EGP, 2 incomplete
    uint32_t tags;
};

struct gen_tags {
    uint32_t list[GEN_TAGS]; // ascending
    uint32_t count;
};

struct gen_group {
    uint32_t path, path_count; // 1 or 2
};

struct gen_size {
    uint64_t seed;
    size_t routers, ipv4, ipv6, reflectors;
    bool all_paths;
};

struct gen_routes {
    struct gen_size size;
    const struct gen_backbone *backbone;
    struct gen_set *sets;
    size_t set_count;
    struct gen_tags *tags;
    size_t tag_count;
    struct gen_path *paths;
    size_t path_count, path_capacity;
    struct gen_group *groups;
    size_t group_count, group_capacity;
    size_t origin_count;
    struct gen_prefix *prefixes; // canonical order
    size_t prefix_count;
    uint32_t *of_group;    // indexes of prefixes, group by group
    uint32_t *group_first; // group g has of_group[group_first[g]] to before group_first[g + 1]
};

/* How many attachment sets a backbone of that size has. */
size_t gen_set_count(size_t routers);

struct gen_routes *gen_routes_make(const struct gen_size *size,
                                   const struct gen_backbone *backbone);
void gen_routes_free(struct gen_routes *routes); // NULL is fine

/* One path at one router. */
struct gen_said {
    uint32_t path, router;
};
enum { GEN_SAID = 2 * GEN_EXITS };

/* What the reflector says of a group's prefixes; at most GEN_SAID. The place in the list, from 1, is the
 * path-id where all paths are said. */
size_t gen_said(const struct gen_routes *routes, uint32_t group, size_t reflector,
                struct gen_said out[GEN_SAID]);

/* Of a reflector, IPv4. */
struct prefix gen_reflector_id(size_t reflector);
