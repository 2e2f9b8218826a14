/* lpm: address → PID by longest match (RFC 7285 section 11.2.2, docs/spec/alto-base.md A-056). */
#pragma once

#include "lib/error.h"
#include "lib/prefix.h"

#include <stddef.h>
#include <stdint.h>

enum { LPM_NONE = -1 }; // no prefix covers the address

struct lpm_entry {
    struct prefix prefix;
    int32_t pid;
};

struct lpm; // immutable after lpm_new(): any number of threads may search it

/* Puts them into the order that lpm_new expects; linear in count, which is below 2^32, but for prefixes whose first
 * 64 bits agree. */
void lpm_sort(struct lpm_entry *entries, size_t count);

/* Builds the table; linear in count. entries[count] is in the order of prefix_compare without repeats; it is
 * borrowed for the call only. Returns NULL with *err naming the first entry that is not behind the one before
 * it. The caller owns the table. */
struct lpm *lpm_new(const struct lpm_entry *entries, size_t count, struct error *err);

/* The PID of the longest prefix that covers the address, or LPM_NONE. */
int32_t lpm_find(const struct lpm *lpm, const struct prefix *address);

size_t lpm_bytes(const struct lpm *lpm); // in memory

void lpm_free(struct lpm *lpm); // NULL is fine
