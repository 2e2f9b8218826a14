/* encode: a body rendered once, and its compressed forms.
 *
 * Rendering needs nothing but a growing text. Compression is done by a worker after the map is published;
 * until it is ready a request gets the identity coding. A rendering may be read by any thread while one
 * thread encodes it. */
#pragma once

#include "lib/hash.h"
#include "negotiate.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* ---- Text that grows ---- */

struct text {
    char *bytes; // no NUL
    size_t length, capacity;
};

void text_room(struct text *text, size_t more); // so many bytes can be written behind length
void text_add(struct text *text, const char *bytes, size_t length);
void text_add_string(struct text *text, const char *string);
/* A JSON string with its quotes; string is UTF-8. */
void text_add_json(struct text *text, const char *string);

/* ---- Renderings ---- */

enum { ENTITY_TAG_SIZE = HASH_TAG_SIZE + 8 };

struct encoded {
    char *bytes;
    size_t length;
    char entity_tag[ENTITY_TAG_SIZE]; // with its quotes: "0123…", "0123…-gzip"
};

struct rendering {
    struct encoded codings[CODINGS]; // identity is there from the beginning
    _Atomic bool is_ready[CODINGS];  // the coding may be read
};

/* Takes the text; tag is that of its content. */
void rendering_init(struct rendering *rendering, struct text *text, const char *tag);
void rendering_clear(struct rendering *rendering);

/* NULL: not (yet) there. */
const struct encoded *rendering_get(const struct rendering *rendering, enum coding coding);

/* Makes one coding. A body below ENCODE_LEAST, or one that does not become smaller, has none. Takes about
 * 2 ms a MB. false: the library had no memory. */
enum { ENCODE_LEAST = 1024 };
bool rendering_encode(struct rendering *rendering, enum coding coding);
