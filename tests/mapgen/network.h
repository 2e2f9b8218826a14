/* network: a backbone as BGP would tell it, from a few words, for tests.
 *
 * One statement a line; words are separated by blanks; "#" begins a comment.
 *
 *     router A 10.0.0.1 [level1|level2|level12|ospf|ospf3] [overload] [name=TEXT] [asn=N] [instance=N]
 *            [area=N] [noid] [bare] [noroute] [ipv6=ADDRESS]
 *         its nodes. Level 2 unless told; the address is its TE router-id (not with noid) and, in OSPF, its 515.
 *         A second statement with the name adds nodes to the box (with noid: other nodes need other evidence).
 *         noroute: OSPFv3 without the R bit. bare: no node NLRI, the router is known by its links only.
 *     egress A 10.0.0.1            a node of Protocol-ID 7 with that 516
 *     link A B 10 [delay=N] [min=N] [level1|ospf|ospf3|bgp] [id=N] [local=ADDRESS] [remote=ADDRESS] [mt=N]
 *         both directions; "half A B 10 …" one; metric "-": none
 *     lan P A:10 B:10 [level1]     a pseudonode with half-links to it at these metrics, and back at 0
 *     prefix 10.1.0.0/16 A 5 [level1|ospf|ospf3] [down] [x] [r] [type=N] [mt=N] [nounicast]   metric "-": none
 *     peer 2 rr2 [stale] [loading] [rank=N]   loading: before its end-of-RIB; peer 1 rr1 is there always
 *     route 192.0.2.0/24 10.0.0.1 [id=N] [lp=N] [path=64500,64501] [med=N] [origin=N] [llgr]
 *
 * Every statement that makes rows takes peer=N (1). A mistake in the text ends the test. */
#pragma once

#include "lib/arena.h"
#include "lib/state.h"
#include "mapgen/model.h"

#include <stddef.h>
#include <stdint.h>

struct network_row {
    enum state_object kind; // OBJECT_PEER: with its families
    union {
        struct route route;
        struct ls_node node;
        struct ls_link link;
        struct ls_prefix prefix;
        struct network_peer {
            struct peer peer;
            bool stale, loading;
        } peer;
    };
};

struct network {
    struct arena *arena;
    struct network_row *rows; // in the order of the text; peers first
    size_t count, capacity;
    struct network_node *nodes; // what descriptors were made, for names in later statements
    size_t node_count, node_capacity;
};

struct network *network_new(const char *text);
void network_free(struct network *network); // NULL is fine

/* More statements; row numbers go on. */
void network_add(struct network *network, const char *text);

/* Puts the rows from `first` on in another order, the peers aside. */
void network_shuffle(struct network *network, uint64_t seed);

/* A row into the model, or its tombstone. */
void network_put(struct model *model, const struct network_row *row);
void network_remove(struct model *model, const struct network_row *row);
struct model *network_model(const struct network *network); // all rows; owned

/* All rows into state.db, one change set. */
void network_write(const struct network *network, struct state_writer *writer, int64_t now_us);

uint32_t network_random(uint64_t *state, uint32_t limit); // deterministic, from a seed
