/* arena: memory that ends together.
 *
 * One per loaded snapshot, per request, per batch of updates. An arena belongs to one thread at a time.
 * Allocation never returns NULL: sizes from outside meet a named limit before they come here, and what
 * then still fails is the machine (error_fatal). */
#pragma once

#include <stddef.h>

struct arena;

struct arena *arena_new(void);   // owned by the caller
void arena_free(struct arena *); // everything in it goes; NULL is fine

/* Forgets everything but keeps one block, for a loop that fills and empties. */
void arena_reset(struct arena *arena);

/* Zeroed, aligned for any type; count * size may be 0. The product is checked. */
void *arena_alloc(struct arena *arena, size_t count, size_t size);

void *arena_copy(struct arena *arena, const void *bytes, size_t length);
char *arena_text(struct arena *arena, const char *text, size_t length); // adds the NUL
char *arena_format(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

size_t arena_bytes(const struct arena *arena); // taken from the machine so far

/* The same contract for single blocks: malloc, calloc and realloc that do not return NULL. */
void *memory_alloc(size_t count, size_t size); // zeroed; free() it
void *memory_resize(void *block, size_t count, size_t size);
char *memory_text(const char *text); // a copy; free() it

/* Room for one more element in a growing array: doubles *capacity when count has reached it. */
void *memory_grow(void *block, size_t count, size_t *capacity, size_t size);
