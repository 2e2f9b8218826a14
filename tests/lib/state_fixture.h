/* state_fixture: objects made from small numbers, what a reader sees as text, and a scratch folder.
 *
 * An object is made from (peer, key, variant): equal numbers give equal objects, another variant another
 * content under the same key. Variant 0 of a link-state object is one that came without attribute 29. */
#pragma once

#include "lib/state.h"

#include <stdint.h>

/* Deterministic numbers from a seed. */
uint32_t random_below(uint64_t *state, uint32_t limit);

struct route make_route(struct arena *arena, int64_t peer_id, unsigned key, unsigned variant);
struct ls_node make_node(struct arena *arena, int64_t peer_id, unsigned key, unsigned variant);
struct ls_link make_link(struct arena *arena, int64_t peer_id, unsigned key, unsigned variant);
struct ls_prefix make_ls_prefix(struct arena *arena, int64_t peer_id, unsigned key,
                                unsigned variant);
struct octets make_opaque(struct arena *arena, unsigned key);

/* Rows as text, every field; arena. Equal texts are equal rows. */
char *route_text(struct arena *arena, const struct route *route);
char *node_text(struct arena *arena, const struct ls_node *node);
char *link_text(struct arena *arena, const struct ls_link *link);
char *ls_prefix_text(struct arena *arena, const struct ls_prefix *prefix);

/* What somebody holds who reads state.db: lines by key. A linear list, too simple to be wrong. */
struct picture;

struct picture *picture_new(void);
void picture_free(struct picture *picture);
void picture_clear(struct picture *picture);
void picture_put(struct picture *picture, const char *key, const char *value);
void picture_remove(struct picture *picture, const char *key);
void picture_remove_peer(struct picture *picture, int64_t peer_id); // what is on_gone's OBJECT_PEER
char *picture_text(struct picture *picture, struct arena *arena);   // lines in the order of keys
size_t picture_restarts(const struct picture *picture);             // calls of on_restart
size_t picture_rows(const struct picture *picture);                 // rows given in all

char *object_key(struct arena *arena, enum state_object kind, int64_t peer_id,
                 const struct state_key *key);

/* A visitor that keeps the picture as a follower of state.db does. */
struct state_visitor picture_visitor(struct picture *picture);

/* A new folder under /tmp, and its removal with the files in it. */
char *folder_new(void);
void folder_remove(char *folder);
char *path_in(struct arena *arena, const char *folder, const char *name);

/* The first column of the first row, as text, of a query on a file opened read-only; NULL: no row. Arena. */
char *ask(struct arena *arena, const char *path, const char *sql);
