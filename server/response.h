/* response: what a handler answers, before it is HTTP.
 *
 * Texts live in the request's arena. A large body is not copied: it belongs to an owner (a view) who is told
 * when it was sent. */
#pragma once

#include "lib/arena.h"

#include <stdbool.h>
#include <stddef.h>

struct response {
    struct arena *arena; // of the request; set before the handler is called
    int status;          // 200
    char *fields;        // header lines "Name: value\r\n"; NULL: none
    const char *body;    // in the arena, or the owner's; NULL with status 204 and 304 only
    size_t body_length;
    /* NULL: the body is in the arena. Called once, when the body is sent or dropped. */
    void (*release)(void *owner);
    /* NULL: never. Asked a few times a second while the body is being sent; true: its owner can wait no longer, and
     * the connection is ended. */
    bool (*is_revoked)(const void *owner);
    void *owner;
    bool close; // the connection ends with this answer
};

/* Adds a header line. Values from outside must not come here: they could bring a CR LF. */
void response_field(struct response *response, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The whole answer: a status and one line of text/plain that says what was expected; fields that are
 * already there stay. */
void response_text(struct response *response, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "Not Found", … */
const char *response_reason(int status);
