/* config_keys: the parts of config that are nobody else's business: the table of keys, the types of their
 * values. Included by lib/config*.c alone. */
#pragma once

#include "arena.h"
#include "config.h"
#include "config_problems.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum config_type {
    CONFIG_SECTION,    // a mapping with keys of its own
    CONFIG_NEIGHBOURS, // a list of such mappings
    CONFIG_BOOLEAN,    // bool
    CONFIG_INTEGER,    // uint32_t
    CONFIG_PORT,       // uint16_t
    CONFIG_AS_NUMBER,  // uint32_t
    CONFIG_DURATION,   // int64_t, microseconds
    CONFIG_SECONDS,    // uint32_t: a duration of whole seconds
    CONFIG_SIZE,       // uint64_t, bytes
    CONFIG_ENUM,       // an enum whose constants are the places in words, from 0
    CONFIG_NAME,       // const char *
    CONFIG_PID_NAME,   // const char *
    CONFIG_PATH,       // const char *
    CONFIG_FILE,       // const char *; the file must exist
    CONFIG_SECRET,     // const char *; and nobody else may read it
    CONFIG_URL,        // const char *, without "/" at the end
    CONFIG_ADDRESS,    // struct prefix
    CONFIG_ROUTER_ID,  // struct prefix
    CONFIG_ENDPOINT,   // struct endpoint
    CONFIG_TCP,        // struct endpoint that is not Unix
    CONFIG_TCP_LIST,   // pointer to struct endpoint, and a size_t at "count"
    CONFIG_WORD_SET,   // bool[], one for each of words
    CONFIG_TYPES,
};

/* A row of the table. A key without fallback and absent is required. */
struct config_key {
    const char *path; // "speaker.neighbours[].name"
    enum config_type type;
    size_t into;              // offset in struct config, or in struct config_neighbour behind "[]"
    size_t count;             // of a list: offset of its count
    const char *low, *high;   // of a number, both included; as one would write them
    const char *const *words; // of an enum or a set; NULL at the end
    const char *fallback;     // the default, as one would write it; NULL: none
    const char *absent;       // what happens without the key, when it has no fallback
    const char *example;      // a value to show, where there is no fallback
    const char *help;         // one sentence, or two
};

enum { CONFIG_KEYS = 57 };
extern const struct config_key config_keys[CONFIG_KEYS];

/* The row of parent + "." + name (parent "": the top), or NULL. */
const struct config_key *config_key_find(const char *parent, const char *name);

/* The last part of a path, and whether the rest of it is parent. */
const char *config_key_leaf(const struct config_key *key);
bool config_key_is_in(const struct config_key *key, const char *parent);

/* For the manual: "duration from 1s to 1h". For messages: "a duration in …, from 1s to 1h". */
enum { CONFIG_TEXT_SIZE = 400 };
char *config_kind(const struct config_key *key, char out[CONFIG_TEXT_SIZE]);
char *config_expected(const struct config_key *key, char out[CONFIG_TEXT_SIZE]);

/* Reads one value, or one item of a list, to its place `into`. What is kept is copied to the arena. On
 * failure why is the text for the person: "value '0'; expected …". */
bool config_value_read(const struct config_key *key, const char *text, size_t length,
                       struct arena *arena, void *into, char why[CONFIG_TEXT_SIZE]);

/* The value for a message: what is not printable ASCII as \xNN, cut with "…" when long. */
enum { CONFIG_SHOWN_SIZE = 80 };
char *config_shown(const char *text, size_t length, char out[CONFIG_SHOWN_SIZE]);

/* Where the keys of one mapping with its sections stand, by their number in config_keys. */
struct config_places {
    struct config_place keys[CONFIG_KEYS];
};

/* The checks of values against each other. neighbours: where the keys of each stand. */
void config_cross_check(const struct config *config, const struct config_places *places,
                        const struct config_places *neighbours, struct config_problems *problems);

/* The keys of a mapping (parent "": all but the neighbours') with their fallbacks, as YAML. */
void config_write_defaults(const char *parent, FILE *out);
