/* reader: strict reading of a YAML tree by tables of keys.
 *
 * A mapping is described by rows: a key, how its value is read, where it goes. Unknown keys, keys given
 * twice, missing required ones and values of the wrong shape end the reading with
 * "FILE:LINE:COLUMN: …; what was expected". */
#pragma once

#include "lib/arena.h"
#include "lib/error.h"
#include "net.h"
#include "tree.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reader {
    const char *file;
    const struct tree *root;
    struct arena *scratch; // of the tree
    struct arena *arena;   // for what is kept
    void *context;         // the scenario, for the readers of its own kinds
    struct error *err;
};

struct key;

/* A word of a small set and what it stands for; the last of a table has no name. */
struct word {
    const char *name;
    uint32_t value;
};

/* Reads one value into `field`; false with the error set. */
typedef bool read_value(struct reader *reader, const struct tree *node, const struct key *key,
                        void *field);

struct key {
    const char *name;
    read_value *read;
    size_t offset; // of the field in what the mapping describes
    bool required;
    uint64_t low, high; // of a number; high: at most so many octets, items
    const struct word *words;
};

enum { KEYS_LIMIT = 64 }; // keys of one mapping: its seen ones are bits

/* Loads the only document of the file. false with the error set; else reader_close() it. */
bool reader_open(struct reader *reader, const char *file, struct error *err);
void reader_close(struct reader *reader);

/* "FILE:LINE:COLUMN: " before the text; returns false. */
bool reader_fail(struct reader *reader, const struct tree *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* `what` names the mapping in errors: "a router". */
bool reader_mapping(struct reader *reader, const struct tree *node, const char *what,
                    const struct key *keys, size_t count, void *into);

/* A sequence's item, or the scalar itself where one value may stand for a list of one. */
size_t reader_count(const struct tree *node);
const struct tree *reader_item(const struct tree *node, size_t index);

/* The text of a scalar, NUL-terminated, borrowed from the document; NULL with the error set. */
const char *reader_text(struct reader *reader, const struct tree *node, const char *expected);

/* Digits only, within [low, high]. */
bool reader_uint(struct reader *reader, const struct tree *node, uint64_t low, uint64_t high,
                 const char *what, uint64_t *out);
bool reader_decimal(struct reader *reader, const struct tree *node, const char *what, double *out);

/* Digits only, at most `high`. */
bool text_to_uint(const char *text, uint64_t high, uint64_t *out);

/* Readers for rows. The field's type stands behind each. */
read_value read_name;        // const char *: a-z 0-9 - . _, at most 63
read_value read_line;        // const char *: any text, of at most key->high octets if that is not 0
read_value read_bool;        // bool
read_value read_uint8;       // uint8_t
read_value read_uint16;      // uint16_t
read_value read_uint32;      // uint32_t
read_value read_uint64;      // uint64_t
read_value read_number;      // double, not negative
read_value read_ipv4;        // struct net
read_value read_ipv6;        // struct net
read_value read_ipv4_prefix; // struct net
read_value read_ipv6_prefix; // struct net
read_value read_node;        // const struct tree *: looked at later
