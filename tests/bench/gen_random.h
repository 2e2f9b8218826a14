/* gen_random: numbers that are the same on every machine for the same seed.
 *
 * SplitMix64 (Steele, Lea, Flood 2014), integers only: what is drawn does not depend on a C library, on a
 * processor's floating point or on the order of bytes. One stream a subject, so that more routes do not
 * make other links. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct random {
    uint64_t state;
};

/* The stream of that subject. */
struct random random_start(uint64_t seed, uint64_t subject);

uint64_t random_next(struct random *random);
uint32_t random_below(struct random *random, uint32_t limit); // [0, limit), limit > 0
uint32_t random_between(struct random *random, uint32_t low, uint32_t high); // [low, high]
bool random_percent(struct random *random, uint32_t percent);

/* An index, each as often as its weight. At least one weight is not 0. */
size_t random_weighted(struct random *random, const uint32_t *weights, size_t count);

/* A value whose share of values below it is drawn evenly: linear between (shares[i], values[i]). Shares
 * ascend from the first to 10,000. */
uint32_t random_by_shares(struct random *random, const uint32_t *shares, const uint32_t *values,
                          size_t count);
