/* printable: UTF-8 one code point at a time (RFC 3629 section 4). */
#include "printable.h"

#include <string.h>

/* Octets of the well-formed code point at the front; 0: there is none. */
static size_t point_read(struct octets octets, uint32_t *point)
{
    uint8_t lead = octets.bytes[0];
    size_t length = lead < 0x80   ? 1
                    : lead < 0xc2 ? 0
                    : lead < 0xe0 ? 2
                    : lead < 0xf0 ? 3
                    : lead < 0xf5 ? 4
                                  : 0;
    uint32_t value = length == 1 ? lead : lead & (0x7fu >> length);

    if (length == 0 || length > octets.length)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((octets.bytes[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (octets.bytes[i] & 0x3f);
    }
    if ((length == 3 && value < 0x800) || (length == 4 && (value < 0x10000 || value > 0x10ffff)) ||
        (value >= 0xd800 && value <= 0xdfff))
        return 0;
    *point = value;
    return length;
}

static bool is_printable(uint32_t point)
{
    if (point < 0x20 || (point >= 0x7f && point < 0xa0))
        return false;
    return !(point >= 0x200e && point <= 0x200f) && !(point >= 0x2028 && point <= 0x202e) &&
           !(point >= 0x2066 && point <= 0x2069) && point != 0xfeff && (point & 0xfffe) != 0xfffe;
}

char *printable_text(struct arena *arena, struct octets octets)
{
    static const char hex[] = "0123456789abcdef";
    char *text = arena_alloc(arena, octets.length + 1, 4); // "\xNN"
    char *at = text;

    while (octets.length) {
        uint32_t point = 0;
        size_t length = point_read(octets, &point);

        if (length && is_printable(point)) {
            memcpy(at, octets.bytes, length);
            at += length;
        } else {
            length = length ? length : 1;
            for (size_t i = 0; i < length; i++) {
                *at++ = '\\';
                *at++ = 'x';
                *at++ = hex[octets.bytes[i] >> 4];
                *at++ = hex[octets.bytes[i] & 0x0f];
            }
        }
        octets.bytes += length;
        octets.length -= length;
    }
    return text;
}
