/* destinations: BGP's prefixes, each a run of routes among which every reflector chooses.
 *
 * A destination is named by its index, in the order of prefixes. Per reflector and route it is kept
 * which path was last announced for it; paths never change once made, so an equal path is an equal
 * announcement. A reflector says the best route of a destination, or with ADD-PATH (RFC 7911) as many of
 * the best as it is configured for, each under the identifier of its path. */
#pragma once

#include "scenario.h"
#include "wire.h"

struct destinations;

/* What is best counts as said: sessions begin with the table. The scenario, its routes sorted, is
 * borrowed; routes are not added later. */
struct destinations *destinations_new(const struct scenario *scenario);
void destinations_free(struct destinations *destinations); // NULL is fine

bool destinations_find(const struct destinations *destinations, const struct net *prefix,
                       size_t *out);

/* Its routes are [*first, *end) of the scenario. */
void destinations_routes(const struct destinations *destinations, size_t destination, size_t *first,
                         size_t *end);

/* The next settling looks at it; or, when a router went or came, at all: comparing a few numbers a
 * destination is cheaper than an index by router. */
void destinations_touch(struct destinations *destinations, size_t destination);
void destinations_touch_all(struct destinations *destinations);
void destinations_forget_touched(struct destinations *destinations);

/* Brings what the reflector says to what it prefers, for all that was touched. */
void destinations_settle(struct destinations *destinations, size_t reflector);

/* UPDATEs for what the last settling changed, withdrawals first; or for the whole table. The reflector is
 * the one that was settled last, or any. */
void destinations_write_changes(struct destinations *destinations, size_t reflector,
                                enum family family, struct wire *out);
void destinations_write_table(const struct destinations *destinations, size_t reflector,
                              enum family family, struct wire *out);

size_t destinations_count(const struct destinations *destinations, size_t reflector,
                          enum family family); // of routes in the table

/* What a reflector says of a prefix; borrowed until the scenario changes. */
struct said_route {
    const struct net *prefix;
    const struct path *path;
    uint32_t path_id; // 0: without
};

/* The next route in the reflector's tables; false at the end. *at starts at 0. */
bool destinations_next(const struct destinations *destinations, size_t reflector, size_t *at,
                       struct said_route *out);
