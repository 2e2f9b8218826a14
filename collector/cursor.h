/* cursor: the one gate for bytes that others wrote (docs/style.md section 5).
 *
 * A cursor is eaten from the front. Reading beyond its end fails it for good: it is empty from then on, numbers
 * read as 0 and bytes as NULL. So a parser reads all the fields of a thing and asks `failed` once. */
#pragma once

#include "lib/state.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor {
    const uint8_t *at; // borrowed; outlives the cursor
    size_t left;
    bool failed; // sticky; left is 0 from then on, which also ends every loop over the rest
};

static inline struct cursor cursor_over(struct octets octets)
{
    return (struct cursor){.at = octets.bytes, .left = octets.length};
}

static inline const uint8_t *cursor_bytes(struct cursor *c, size_t n)
{
    if (c->failed || n > c->left) {
        c->failed = true;
        c->left = 0;
        return NULL;
    }
    const uint8_t *bytes = c->at;
    if (n) // the empty cursor may stand on NULL
        c->at += n;
    c->left -= n;
    return bytes;
}

/* A big-endian number of 1 to 8 octets; 0 once failed. */
static inline uint64_t cursor_uint(struct cursor *c, size_t width)
{
    const uint8_t *bytes = cursor_bytes(c, width);
    uint64_t value = 0;

    for (size_t i = 0; bytes && i < width; i++)
        value = value << 8 | bytes[i];
    return value;
}

static inline uint8_t cursor_u8(struct cursor *c)
{
    return (uint8_t)cursor_uint(c, 1);
}

static inline uint16_t cursor_u16(struct cursor *c)
{
    return (uint16_t)cursor_uint(c, 2);
}

static inline uint32_t cursor_u32(struct cursor *c)
{
    return (uint32_t)cursor_uint(c, 4);
}

/* The next n bytes as a cursor of their own: what is read from it cannot reach beyond them. Fails both when
 * there are fewer. */
static inline struct cursor cursor_sub(struct cursor *c, size_t n)
{
    const uint8_t *bytes = cursor_bytes(c, n);

    return (struct cursor){.at = bytes, .left = c->failed ? 0 : n, .failed = c->failed};
}

/* What has not been eaten; the cursor is empty afterwards. Length 0 once failed. */
static inline struct octets cursor_rest(struct cursor *c)
{
    struct octets rest = {.bytes = c->at, .length = c->left};

    (void)cursor_bytes(c, c->left);
    return rest;
}

/* The octets between an earlier copy of the cursor and what it has become. */
static inline struct octets cursor_since(const struct cursor *before, const struct cursor *now)
{
    return (struct octets){.bytes = before->at, .length = before->left - now->left};
}
