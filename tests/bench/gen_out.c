/* gen_out: see gen_out.h. Digits by hand: snprintf for each of two million prefixes would take a second. */
#include "gen_out.h"

#include "lib/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROOM = 1 << 20 };

struct gen_out {
    char *path;
    int fd;
    int failed; // errno of the first failure
    size_t used;
    uint8_t room[ROOM];
};

struct gen_out *gen_out_open(const char *path, struct error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

    if (fd < 0) {
        error_errno(err, errno, "%s", path);
        return NULL;
    }
    struct gen_out *out = memory_alloc(1, sizeof *out);

    out->path = memory_text(path);
    out->fd = fd;
    return out;
}

static void flush(struct gen_out *out)
{
    for (size_t at = 0; at < out->used && !out->failed;) {
        ssize_t written = write(out->fd, out->room + at, out->used - at);

        if (written >= 0)
            at += (size_t)written;
        else if (errno != EINTR)
            out->failed = errno;
    }
    out->used = 0;
}

bool gen_out_close(struct gen_out *out, struct error *err)
{
    flush(out);
    if (close(out->fd) != 0 && !out->failed)
        out->failed = errno;
    bool ok = !out->failed || error_errno(err, out->failed, "%s: writing", out->path);

    free(out->path);
    free(out);
    return ok;
}

void gen_out_bytes(struct gen_out *out, const void *bytes, size_t length)
{
    const uint8_t *from = bytes;

    while (length) {
        if (out->used == ROOM)
            flush(out);
        size_t piece = ROOM - out->used < length ? ROOM - out->used : length;

        memcpy(out->room + out->used, from, piece);
        out->used += piece;
        from += piece;
        length -= piece;
    }
}

void gen_out_text(struct gen_out *out, const char *text)
{
    gen_out_bytes(out, text, strlen(text));
}

void gen_out_number(struct gen_out *out, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    gen_out_bytes(out, digits + at, sizeof digits - at);
}

void gen_out_big_endian(struct gen_out *out, uint64_t number, size_t width)
{
    uint8_t bytes[8];

    for (size_t i = 0; i < width; i++)
        bytes[i] = (uint8_t)(number >> 8 * (width - 1 - i));
    gen_out_bytes(out, bytes, width);
}

void gen_out_prefix(struct gen_out *out, const struct prefix *prefix)
{
    char text[PREFIX_TEXT_SIZE];

    if (prefix->family != FAMILY_IPV4) {
        gen_out_text(out, prefix_format(prefix, text));
        return;
    }
    for (size_t i = 0; i < 4; i++) {
        gen_out_number(out, prefix->bytes[i]);
        gen_out_text(out, i < 3 ? "." : "/");
    }
    gen_out_number(out, prefix->length_bits);
}
