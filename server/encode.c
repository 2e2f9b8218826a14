/* encode: see encode.h.
 *
 * One level a coding and size class, always: a strong entity tag promises the same bytes, also from another
 * server of the same map. */
#include "encode.h"

#include "lib/arena.h"

#include <libdeflate.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <zstd.h>

enum {
    LARGE = 4 << 20, // a body from which on time counts more than the last per cent
    HUGE_PAGE = 2 << 20,
    GZIP_LEVEL = 6,
    GZIP_LEVEL_LARGE = 1,
    ZSTD_LEVEL = 6,
    ZSTD_LEVEL_LARGE = 3, // in the time of 1 a fifth less of routing costs
};

/* Faults of small pages are a third of the time of writing a large body. Where the kernel does not want to, nothing
 * is lost. */
static void use_huge_pages(char *bytes, size_t length)
{
    uintptr_t first = ((uintptr_t)bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    size_t skipped = (size_t)(first - (uintptr_t)bytes);

    if (length >= skipped + HUGE_PAGE)
        (void)madvise(bytes + skipped, (length - skipped) / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
}

void text_room(struct text *text, size_t more)
{
    size_t need = text->length + more;

    if (need <= text->capacity)
        return;
    size_t capacity = text->capacity ? 2 * text->capacity : 4096;
    text->capacity = capacity > need ? capacity : need;
    text->bytes = memory_resize(text->bytes, text->capacity, 1);
    if (text->capacity >= LARGE)
        use_huge_pages(text->bytes, text->capacity);
}

void text_add(struct text *text, const char *bytes, size_t length)
{
    text_room(text, length);
    if (length)
        memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
}

void text_add_string(struct text *text, const char *string)
{
    text_add(text, string, strlen(string));
}

void text_add_json(struct text *text, const char *string)
{
    text_room(text, 6 * strlen(string) + 2); // each letter an escape, and the quotes
    char *out = text->bytes + text->length;

    *out++ = '"';
    for (const char *at = string; *at; at++) {
        unsigned char letter = (unsigned char)*at;
        if (letter < 0x20) {
            out = stpcpy(out, "\\u00");
            *out++ = "01"[letter >> 4];
            *out++ = "0123456789abcdef"[letter & 15];
            continue;
        }
        if (letter == '"' || letter == '\\')
            *out++ = '\\';
        *out++ = *at;
    }
    *out++ = '"';
    text->length = (size_t)(out - text->bytes);
}

void rendering_init(struct rendering *rendering, struct text *text, const char *tag)
{
    static const char *const suffixes[CODINGS] = {"", "-gzip", "-zstd"};

    *rendering = (struct rendering){0};
    for (int i = 0; i < CODINGS; i++)
        (void)snprintf(rendering->codings[i].entity_tag, ENTITY_TAG_SIZE, "\"%s%s\"", tag,
                       suffixes[i]);
    rendering->codings[CODING_IDENTITY].bytes = memory_resize(text->bytes, text->length, 1);
    rendering->codings[CODING_IDENTITY].length = text->length;
    atomic_store_explicit(&rendering->is_ready[CODING_IDENTITY], true, memory_order_release);
    *text = (struct text){0};
}

void rendering_clear(struct rendering *rendering)
{
    for (int i = 0; i < CODINGS; i++)
        free(rendering->codings[i].bytes);
}

const struct encoded *rendering_get(const struct rendering *rendering, enum coding coding)
{
    return atomic_load_explicit(&rendering->is_ready[coding], memory_order_acquire)
               ? &rendering->codings[coding]
               : NULL;
}

static size_t bound(enum coding coding, size_t length)
{
    return coding == CODING_ZSTD ? ZSTD_compressBound(length)
                                 : libdeflate_gzip_compress_bound(NULL, length);
}

/* 0: no memory. */
static size_t compress_gzip(const struct encoded *plain, char *out, size_t room)
{
    struct libdeflate_compressor *compressor =
        libdeflate_alloc_compressor(plain->length >= LARGE ? GZIP_LEVEL_LARGE : GZIP_LEVEL);

    if (!compressor)
        return 0;
    size_t length = libdeflate_gzip_compress(compressor, plain->bytes, plain->length, out, room);
    libdeflate_free_compressor(compressor);
    return length;
}

static size_t compress_zstd(const struct encoded *plain, char *out, size_t room)
{
    size_t length = ZSTD_compress(out, room, plain->bytes, plain->length,
                                  plain->length >= LARGE ? ZSTD_LEVEL_LARGE : ZSTD_LEVEL);

    return ZSTD_isError(length) ? 0 : length;
}

bool rendering_encode(struct rendering *rendering, enum coding coding)
{
    const struct encoded *plain = &rendering->codings[CODING_IDENTITY];

    if (plain->length < ENCODE_LEAST)
        return true;
    size_t room = bound(coding, plain->length);
    char *out = memory_resize(NULL, room, 1);
    size_t length =
        coding == CODING_ZSTD ? compress_zstd(plain, out, room) : compress_gzip(plain, out, room);
    if (length == 0 || length >= plain->length) {
        free(out);
        return length != 0;
    }
    rendering->codings[coding].bytes = memory_resize(out, length, 1);
    rendering->codings[coding].length = length;
    atomic_store_explicit(&rendering->is_ready[coding], true, memory_order_release);
    return true;
}
