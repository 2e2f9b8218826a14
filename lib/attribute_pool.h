/* attribute_pool: each set of path attributes once in memory, with how many refer to it.
 *
 * A million routes have a tenth as many sets of attributes. The writer of state.db keeps the rows of table
 * attributes in one pool, the recorder what waits to be written in another. One thread at a time. */
#pragma once

#include "state.h"

struct attribute_pool;

struct attribute_set {
    int64_t id; // the user's; 0 for a new set
    uint64_t references;
    uint64_t hash;
    struct attributes attributes; // its strings are in the set
};

struct attribute_pool *attribute_pool_new(void);
void attribute_pool_free(struct attribute_pool *pool); // with all sets; NULL is fine

/* The set equal to *attributes, made with no references when there is none. The pool owns it. */
struct attribute_set *attribute_pool_find(struct attribute_pool *pool,
                                          const struct attributes *attributes);

/* Gives a set its number (once, not 0), so that attribute_pool_by_id finds it. */
void attribute_pool_number(struct attribute_pool *pool, struct attribute_set *set, int64_t id);
struct attribute_set *attribute_pool_by_id(const struct attribute_pool *pool,
                                           int64_t id); // or NULL

/* Takes a set without references out of the pool and frees it. */
void attribute_pool_remove(struct attribute_pool *pool, struct attribute_set *set);
