/* prefix: see prefix.h. */
#include "prefix.h"

#include "text.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <string.h>

/* Clears what stands behind the first length_bits. */
static void clear_host_bits(struct prefix *prefix)
{
    unsigned whole = prefix->length_bits / 8U, rest = prefix->length_bits % 8U;

    if (rest) {
        prefix->bytes[whole] &= (uint8_t)(0xff00U >> rest);
        whole++;
    }
    memset(prefix->bytes + whole, 0, sizeof prefix->bytes - whole);
}

/* Four decimal octets without leading zeros; where they end, or NULL. By hand, because a routing table is read as
 * text and has millions. */
static const char *take_ipv4(const char *at, uint8_t bytes[4])
{
    for (size_t i = 0; i < 4; i++) {
        unsigned value = 0, digits = 0;

        if (i && *at++ != '.')
            return NULL;
        for (; *at >= '0' && *at <= '9' && digits < 4; at++, digits++)
            value = 10 * value + (unsigned)(*at - '0');
        if (digits == 0 || value > 255 || (digits > 1 && at[-(ptrdiff_t)digits] == '0'))
            return NULL;
        bytes[i] = (uint8_t)value;
    }
    return at;
}

bool address_parse(const char *text, struct prefix *out)
{
    struct prefix address = {0};
    const char *end = take_ipv4(text, address.bytes);

    if (end && !*end)
        address.family = FAMILY_IPV4;
    else if (inet_pton(AF_INET6, text, address.bytes) == 1)
        address.family = FAMILY_IPV6;
    else
        return false;
    address.length_bits = family_bits(address.family);
    *out = address;
    return true;
}

/* Of a prefix's text: the address, and where its '/' stands. */
static const char *take_address(const char *text, struct prefix *out)
{
    char address_text[INET6_ADDRSTRLEN + 1];
    const char *slash = take_ipv4(text, out->bytes);

    if (slash) {
        out->family = FAMILY_IPV4;
        out->length_bits = 32;
        return *slash == '/' ? slash : NULL;
    }
    slash = strchr(text, '/');
    if (!slash || (size_t)(slash - text) >= sizeof address_text)
        return NULL;
    memcpy(address_text, text, (size_t)(slash - text));
    address_text[slash - text] = '\0';
    return address_parse(address_text, out) ? slash : NULL;
}

bool prefix_parse(const char *text, struct prefix *out)
{
    struct prefix prefix = {0};
    const char *slash = take_address(text, &prefix);
    uint64_t length;

    if (!slash || !text_uint(slash + 1, strlen(slash + 1), 0, prefix.length_bits, &length))
        return false;
    prefix.length_bits = (uint8_t)length;
    clear_host_bits(&prefix);
    *out = prefix;
    return true;
}

bool prefix_from_bytes(enum family family, uint8_t length_bits, const uint8_t *bytes,
                       struct prefix *out)
{
    struct prefix prefix = {.family = (uint8_t)family, .length_bits = length_bits};

    if (length_bits > family_bits(family))
        return false;
    if (length_bits)
        memcpy(prefix.bytes, bytes, (length_bits + 7U) / 8U);
    clear_host_bits(&prefix);
    *out = prefix;
    return true;
}

/* ---- Text out: by hand, because a map has a million prefixes and each is written more than once ---- */

/* 0 to 255. */
static char *put_decimal(char *at, unsigned value)
{
    if (value >= 100)
        *at++ = (char)('0' + value / 100);
    if (value >= 10)
        *at++ = (char)('0' + value / 10 % 10);
    *at++ = (char)('0' + value % 10);
    return at;
}

/* 0 to ffff, without leading zeros. */
static char *put_hex(char *at, unsigned value)
{
    static const char digits[] = "0123456789abcdef";

    for (unsigned shift = 12; shift; shift -= 4) {
        if (value >> shift)
            *at++ = digits[value >> shift & 15];
    }
    *at++ = digits[value & 15];
    return at;
}

static char *put_ipv4(char *at, const uint8_t *bytes)
{
    for (size_t i = 0; i < 4; i++) {
        if (i)
            *at++ = '.';
        at = put_decimal(at, bytes[i]);
    }
    return at;
}

/* RFC 5952 section 4: the longest run of two or more zero groups, the first of equals, becomes "::".
 * Ours and not inet_ntop's, whose choice for ::/96 differs between libraries, and map tags hash it. */
static char *put_ipv6(char *at, const uint8_t *bytes)
{
    unsigned groups[8];
    size_t best = 8, best_length = 1;

    for (size_t i = 0; i < 8; i++)
        groups[i] = (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1];
    for (size_t i = 0, run = 0; i < 8; i++) {
        run = groups[i] ? 0 : run + 1;
        if (run > best_length) {
            best_length = run;
            best = i + 1 - run;
        }
    }
    for (size_t i = 0; i < 8; i++) {
        if (i == best) {
            at = stpcpy(at, "::");
            i += best_length - 1;
            continue;
        }
        if (i && !(best < 8 && i == best + best_length))
            *at++ = ':';
        at = put_hex(at, groups[i]);
    }
    return at;
}

static char *put_address(char *at, const struct prefix *address)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    if (address->family == FAMILY_IPV4)
        return put_ipv4(at, address->bytes);
    if (memcmp(address->bytes, mapped, sizeof mapped) == 0)
        return put_ipv4(stpcpy(at, "::ffff:"), address->bytes + 12);
    return put_ipv6(at, address->bytes);
}

char *address_format(const struct prefix *address, char out[PREFIX_TEXT_SIZE])
{
    *put_address(out, address) = '\0';
    return out;
}

char *prefix_format(const struct prefix *prefix, char out[PREFIX_TEXT_SIZE])
{
    char *at = put_address(out, prefix);

    *at++ = '/';
    *put_decimal(at, prefix->length_bits) = '\0';
    return out;
}

int prefix_compare(const struct prefix *a, const struct prefix *b)
{
    if (a->family != b->family)
        return a->family < b->family ? -1 : 1;
    int order = memcmp(a->bytes, b->bytes, sizeof a->bytes);
    if (order)
        return order;
    return (a->length_bits > b->length_bits) - (a->length_bits < b->length_bits);
}

bool prefix_contains(const struct prefix *outer, const struct prefix *inner)
{
    unsigned whole = outer->length_bits / 8U, rest = outer->length_bits % 8U;

    if (outer->family != inner->family || outer->length_bits > inner->length_bits ||
        memcmp(outer->bytes, inner->bytes, whole) != 0)
        return false;
    return !rest || !((outer->bytes[whole] ^ inner->bytes[whole]) & (0xff00U >> rest) & 0xffU);
}
