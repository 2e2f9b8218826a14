/* prefix: one type for addresses and prefixes, IPv4 and IPv6.
 *
 * Bytes are in network order and left-aligned, so that one comparison orders both families. Host bits
 * are always zero: prefix_parse and prefix_from_bytes clear them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum family { FAMILY_IPV4 = 4, FAMILY_IPV6 = 6 };

struct prefix {
    uint8_t family;      // enum family
    uint8_t length_bits; // 0 to 32, or 0 to 128; an address has all its bits
    uint8_t bytes[16];   // the first 4 or 16 count, the rest is zero
};

enum { PREFIX_TEXT_SIZE = 50 }; // the longest IPv6 text, '/', three digits, NUL

static inline uint8_t family_bits(enum family family)
{
    return family == FAMILY_IPV4 ? 32 : 128;
}

/* "192.0.2.0/24", "2001:db8::/32"; IPv4 strict (four decimal octets without leading zeros), IPv6 as RFC
 * 4291 without zone index. Host bits are cleared. *out is written only on success. */
bool prefix_parse(const char *text, struct prefix *out);

/* An address without "/": a prefix of all its bits. */
bool address_parse(const char *text, struct prefix *out);

/* From the octets of a BGP NLRI: ceil(length_bits / 8) of bytes count. false: length_bits too large. */
bool prefix_from_bytes(enum family family, uint8_t length_bits, const uint8_t *bytes,
                       struct prefix *out);

/* Canonical text: RFC 5952 for IPv6, length always written ("::/0"). IPv4-mapped addresses are written
 * ::ffff:192.0.2.1. Returns out. */
char *prefix_format(const struct prefix *prefix, char out[PREFIX_TEXT_SIZE]);
char *address_format(const struct prefix *address,
                     char out[PREFIX_TEXT_SIZE]); // without the length

/* Family, then octets, then length: the order of canonical maps (M-601) and of state.db's loads. */
int prefix_compare(const struct prefix *a, const struct prefix *b);

/* Every address of inner is in outer (equal prefixes: true; other family: false). */
bool prefix_contains(const struct prefix *outer, const struct prefix *inner);

static inline bool prefix_bit(const struct prefix *prefix, unsigned index)
{
    return prefix->bytes[index / 8] >> (7 - index % 8) & 1;
}
