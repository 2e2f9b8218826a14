/* fault: named damage to a good UPDATE (docs/lab.md lists them; docs/spec/bgp-ls.md part 9 says what is to
 * come of each).
 *
 * A fault does one thing and leaves the rest of the message as a careful encoder would have written it:
 * where an attribute is cut, lengths around it are right, unless the fault is a wrong length. */
#pragma once

#include "lib/error.h"
#include "wire.h"

#include <stdbool.h>

struct update_parts; // of fault.c

struct fault {
    const char *name;
    const char *what;                                                      // one line for people
    bool (*apply)(struct update_parts *update, const struct fault *fault); // false: does not fit it
    // of faults that give an attribute another value
    uint8_t flags, type;
    const char *value; // hexadecimal
};

/* NULL: there is none of that name. */
const struct fault *fault_find(const char *name);

/* The index-th of all; NULL at the end. */
const struct fault *fault_at(size_t index);

/* Appends the damaged message. has_ids: its NLRIs have path identifiers. false with *err when the message
 * has nothing that could be damaged so. */
bool fault_apply(const struct fault *fault, const uint8_t *message, size_t length, bool has_ids,
                 struct wire *out, struct error *err);
