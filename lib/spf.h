/* spf: all shortest paths from one router, and what is summed along them (M-115, M-130 to M-136).
 *
 * One run gives distance, hops, the number of shortest paths and each value's sum over all of them, to every
 * vertex. A spf is the working memory of one thread; make one per thread and use it for many sources. */
#pragma once

#include "graph.h"

#include <stdint.h>

#define SPF_UNREACHABLE UINT64_MAX // as a distance
#define SPF_ABSENT UINT64_MAX      // as a sum: some link on some path lacks the value (M-136)

enum {
    SPF_PATH_LIMIT = 1000000, // M-134
    SPF_TOO_MANY = 0,         // as a number of paths: more than that; the sums are absent then
};

/* From the source to one vertex. */
struct spf_path {
    uint64_t distance;           // least IGP cost
    uint64_t sums[GRAPH_VALUES]; // S of M-134: over all shortest paths, each counted once
    uint32_t hops;               // the least over the shortest paths (M-131)
    uint32_t paths;              // n, parallel links counted (M-113)
};

struct spf;

struct spf *spf_new(const struct graph *graph); // graph: borrowed for the spf's life
void spf_free(struct spf *spf);                 // NULL is fine

/* out[vertex count]. The source reaches itself by one path of no links. O(arcs + vertices · log distance). */
void spf_run(struct spf *spf, uint32_t source, struct spf_path *out);

/* What several shortest ways give together (M-134: alternatives are added): into's number of paths and sums
 * plus those of other. Distances and hops are the caller's. */
void spf_path_add(struct spf_path *into, const struct spf_path *other);
