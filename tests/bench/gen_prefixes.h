/* gen_prefixes: a routing table's prefixes, with the lengths and the nesting of the real one.
 *
 * They come as a stream of blocks: a prefix that nothing covers, then its more-specifics in canonical order.
 * Neighbours in the stream are often neighbours in the address space, as an AS's prefixes are. */
#pragma once

#include "gen_random.h"
#include "lib/prefix.h"

#include <stddef.h>
#include <stdint.h>

struct gen_prefix {
    uint64_t bits; // the address, left-aligned; no prefix is longer than /64
    uint8_t family, length_bits;
    uint32_t group; // whom it belongs to: gen_routes
};

struct prefix gen_prefix_value(const struct gen_prefix *prefix);
int gen_prefix_compare(const void *a, const void *b); // two struct gen_prefix, as prefix_compare

/* Exactly count different prefixes of the family into out[count]. */
void gen_prefixes_make(uint64_t seed, enum family family, struct gen_prefix *out, size_t count);
