/* cut: octets eaten from the front, for whatever the lab reads that others wrote.
 *
 * Reading beyond the end fails for good: numbers are 0 and octets NULL from then on, so a reader takes all
 * the fields of a thing and asks `failed` once. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cut {
    const uint8_t *at; // borrowed
    size_t left;
    bool failed;
};

static inline const uint8_t *cut_bytes(struct cut *cut, size_t count)
{
    if (cut->failed || count > cut->left) {
        *cut = (struct cut){.failed = true};
        return NULL;
    }
    const uint8_t *bytes = cut->at;

    if (count) // nothing may stand on NULL
        cut->at += count;
    cut->left -= count;
    return bytes;
}

/* Most significant octet first; width 1 to 8. */
static inline uint64_t cut_uint(struct cut *cut, unsigned width)
{
    const uint8_t *bytes = cut_bytes(cut, width);
    uint64_t value = 0;

    for (unsigned i = 0; bytes && i < width; i++)
        value = value << 8 | bytes[i];
    return value;
}

/* The next octets on their own; fails with the whole. */
static inline struct cut cut_sub(struct cut *cut, size_t count)
{
    const uint8_t *bytes = cut_bytes(cut, count);

    return (struct cut){.at = bytes, .left = cut->failed ? 0 : count, .failed = cut->failed};
}
