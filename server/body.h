/* body: a request's JSON, read strictly (docs/spec/alto-base.md ).
 *
 * Stricter than RFC 8259 asks: no duplicate member names, no byte order mark, valid UTF-8 without lone
 * surrogates and U+0000, at most BODY_DEPTH deep, nothing behind the object. Values live in the request's
 * arena. */
#pragma once

#include "alto.h"
#include "lib/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BODY_DEPTH = 16 };

enum body_type { BODY_NULL, BODY_BOOLEAN, BODY_NUMBER, BODY_STRING, BODY_ARRAY, BODY_OBJECT };

struct body_value {
    enum body_type type;
    const char *name; // of a member of an object; "" elsewhere
    const char *text; // string: its characters; number: as sent; boolean: "true" or "false"
    size_t count;     // of an array's elements or an object's members
    struct body_value *first, *next; // of the children; the next sibling
};

/* The object that the body is; NULL: *problem is E_SYNTAX with line and column. */
const struct body_value *body_parse(const uint8_t *bytes, size_t length, struct arena *arena,
                                    struct alto_error *problem);

const struct body_value *body_member(const struct body_value *object, const char *name); // or NULL

/* A value as an error's `value` shows it: a string's characters, a number as sent, else compact JSON, cut where
 * A-031 cuts it anyway. In the arena. */
const char *body_shown(const struct body_value *value, struct arena *arena);
