/* arena: blocks in a list, filled from the front.
 *
 * Blocks double from 4 kB to 1 MB, so that a request costs one malloc and a snapshot a few hundred. A
 * piece larger than a block gets a block of its own, behind the one being filled, so that a large piece
 * does not waste the rest of it. */
#include "arena.h"

#include "error.h"

#include <assert.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BLOCK = 4096, LARGEST_BLOCK = 1 << 20 };

struct block {
    struct block *next;
    size_t size, used;
    alignas(max_align_t) unsigned char bytes[];
};

struct arena {
    struct block *blocks; // the first is the one being filled
    size_t next_size;
    size_t taken;
};

void *memory_alloc(size_t count, size_t size)
{
    void *block = calloc(count ? count : 1, size ? size : 1);

    if (!block)
        error_fatal("out of memory: %zu times %zu bytes", count, size);
    return block;
}

void *memory_resize(void *block, size_t count, size_t size)
{
    size_t bytes;
    void *moved = NULL;

    if (!__builtin_mul_overflow(count, size, &bytes))
        moved = realloc(block, bytes ? bytes : 1);
    if (!moved)
        error_fatal("out of memory: %zu times %zu bytes", count, size);
    return moved;
}

char *memory_text(const char *text)
{
    size_t length = strlen(text) + 1;

    return memcpy(memory_alloc(length, 1), text, length);
}

void *memory_grow(void *block, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return block;
    *capacity = *capacity ? 2 * *capacity : 16;
    return memory_resize(block, *capacity, size);
}

static struct block *block_new(struct arena *arena, size_t size)
{
    size_t bytes;
    struct block *block = NULL;

    if (!__builtin_add_overflow(size, sizeof *block, &bytes))
        block = malloc(bytes);
    if (!block)
        error_fatal("out of memory: arena block of %zu bytes", size);
    block->next = NULL;
    block->size = size;
    block->used = 0;
    arena->taken += bytes;
    return block;
}

struct arena *arena_new(void)
{
    struct arena *arena = memory_alloc(1, sizeof *arena);

    arena->next_size = FIRST_BLOCK;
    return arena;
}

static void blocks_free(struct block *block)
{
    while (block) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
}

void arena_free(struct arena *arena)
{
    if (!arena)
        return;
    blocks_free(arena->blocks);
    free(arena);
}

void arena_reset(struct arena *arena)
{
    struct block *kept = arena->blocks;

    if (!kept)
        return;
    blocks_free(kept->next);
    kept->next = NULL;
    kept->used = 0;
    arena->taken = kept->size + sizeof *kept;
}

static void *block_take(struct block *block, size_t bytes)
{
    void *piece = block->bytes + block->used;

    block->used += bytes;
    return memset(piece, 0, bytes);
}

void *arena_alloc(struct arena *arena, size_t count, size_t size)
{
    const size_t unit = alignof(max_align_t);
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX - unit)
        error_fatal("out of memory: %zu times %zu bytes", count, size);
    bytes = (bytes + unit - 1) / unit * unit;

    struct block *block = arena->blocks;
    if (block && block->size - block->used >= bytes)
        return block_take(block, bytes);
    if (block && bytes > arena->next_size) {
        struct block *own = block_new(arena, bytes);
        own->next = block->next;
        block->next = own;
        return block_take(own, bytes);
    }
    block = block_new(arena, bytes > arena->next_size ? bytes : arena->next_size);
    block->next = arena->blocks;
    arena->blocks = block;
    if (arena->next_size < LARGEST_BLOCK)
        arena->next_size *= 2;
    return block_take(block, bytes);
}

void *arena_copy(struct arena *arena, const void *bytes, size_t length)
{
    void *copy = arena_alloc(arena, length, 1);

    return length ? memcpy(copy, bytes, length) : copy;
}

char *arena_text(struct arena *arena, const char *text, size_t length)
{
    char *copy = arena_alloc(arena, length + 1, 1);

    if (length)
        memcpy(copy, text, length);
    return copy;
}

char *arena_format(struct arena *arena, const char *format, ...)
{
    va_list args, again;

    assert(format); // without it GCC finds a path to a NULL format in a sanitizer build
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    assert(length >= 0); // only a bad format of ours
    char *text = arena_alloc(arena, (size_t)length + 1, 1);
    (void)vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    va_end(args);
    return text;
}

size_t arena_bytes(const struct arena *arena)
{
    return arena->taken;
}
