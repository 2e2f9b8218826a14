/* backbone: what the reflectors have to say now, and what a change makes them say.
 *
 * The scenario is changed by the functions below; each marks what it touched. backbone_settle() then
 * compares what is true with what was last said and gives, per reflector and family, the UPDATEs between
 * the two, withdrawals first. backbone_table() gives a family's whole table, built once and shared by all
 * sessions until it changes. */
#pragma once

#include "destinations.h"
#include "scenario.h"
#include "wire.h"

struct backbone;

/* Octets that several sessions send from; counted, because the last of them may end after its table was
 * replaced. */
struct blob {
    unsigned references;
    size_t length;
    size_t messages; // UPDATEs in it
    uint8_t *bytes;
};

/* Take the octets out of the wire; the caller owns the reference. The second counts the BGP messages. */
struct blob *blob_of_octets(struct wire *wire);
struct blob *blob_of_messages(struct wire *wire);

struct blob *blob_ref(struct blob *blob);
void blob_unref(struct blob *blob); // NULL is fine

/* Takes the scenario, which is freed with the backbone. */
struct backbone *backbone_new(struct scenario *scenario);
void backbone_free(struct backbone *backbone); // NULL is fine

struct scenario *backbone_scenario(struct backbone *backbone);

/* The whole table without End-of-RIB; the caller owns a reference. */
struct blob *backbone_table(struct backbone *backbone, size_t reflector, enum family family);

/* Builds all tables, so that the first session does not wait for them. */
void backbone_build(struct backbone *backbone);

/* Objects or routes that the table holds. */
size_t backbone_count(const struct backbone *backbone, size_t reflector, enum family family);

/* The next BGP route in the reflector's tables; false at the end. *at starts at 0. Borrowed until the next
 * change. */
bool backbone_next_route(const struct backbone *backbone, size_t reflector, size_t *at,
                         struct said_route *out);

enum { ALL_LINKS = 0 };

/* Changes. Each returns false with *err when there is no such thing. `index` is a link's number among
 * parallel ones, or ALL_LINKS. */
bool backbone_set_link_value(struct backbone *backbone, size_t a, size_t b, unsigned index,
                             bool one_way, enum link_value value, uint64_t number,
                             struct error *err);
/* The A bit of a value that has one. */
bool backbone_set_link_anomalous(struct backbone *backbone, size_t a, size_t b, unsigned index,
                                 bool one_way, enum link_value value, bool anomalous,
                                 struct error *err);
bool backbone_set_link_down(struct backbone *backbone, size_t a, size_t b, unsigned index,
                            bool down, struct error *err);
void backbone_set_router_down(struct backbone *backbone, size_t router, bool down);
void backbone_set_overload(struct backbone *backbone, size_t router, bool overload);
bool backbone_move_prefix(struct backbone *backbone, const struct net *prefix, size_t router,
                          struct error *err);

/* router: SIZE_MAX for all that have the prefix. */
bool backbone_withdraw_prefix(struct backbone *backbone, const struct net *prefix, size_t router,
                              bool withdrawn, struct error *err);

/* An egress peer, or an object as it stands, by its name. */
bool backbone_withdraw_object(struct backbone *backbone, const char *name, bool withdrawn,
                              struct error *err);

/* From now on the reflector's path identifiers count from another number; its tables are made anew. */
void backbone_set_path_ids(struct backbone *backbone, size_t reflector, uint32_t base);

/* What has changed since the last time: updates[reflector * FAMILIES + family], NULL where nothing did;
 * the caller owns the references. */
void backbone_settle(struct backbone *backbone, struct blob **updates);
