/* prefix_table: prefix → number, with longest match, for tables that change all the time.
 *
 * A hash table, and per family the set of lengths that occur: the longest match tries those lengths from the
 * longest to the shortest. It answers for next hops (thousands), not for packets, so some ten probes do; in
 * return an insertion is one probe, and nothing is ever sorted or rebuilt. */
#pragma once

#include "lib/prefix.h"

#include <stddef.h>
#include <stdint.h>

#define PREFIX_TABLE_NONE UINT32_MAX

struct prefix_table;

struct prefix_table *prefix_table_new(void);
void prefix_table_free(struct prefix_table *table); // NULL is fine

/* The prefix's number; when it is new, number is stored and given back. Numbers are never removed. */
uint32_t prefix_table_put(struct prefix_table *table, const struct prefix *prefix, uint32_t number);

/* PREFIX_TABLE_NONE: it is not there. */
uint32_t prefix_table_get(const struct prefix_table *table, const struct prefix *prefix);

/* The number of the longest prefix that covers the address, at least shortest bits long, and for which
 * is_there (NULL: always) says yes; PREFIX_TABLE_NONE without one. */
uint32_t prefix_table_match(const struct prefix_table *table, const struct prefix *address,
                            unsigned shortest,
                            bool (*is_there)(const void *context, uint32_t number),
                            const void *context);
