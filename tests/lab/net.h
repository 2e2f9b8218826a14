/* net: the lab's own address and prefix, so that a mistake in Altimeter's cannot hide in both. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct net {
    uint8_t family;      // 4 or 6; 0: none
    uint8_t length_bits; // an address has all its bits
    uint8_t bytes[16];   // network order, left-aligned; host bits are zero
};

enum { NET_TEXT_SIZE = 64 };

/* "192.0.2.1", "2001:db8::1"; *out is written only on success. */
bool net_parse_address(const char *text, struct net *out);

/* "192.0.2.0/24"; false, too, when host bits are set. */
bool net_parse_prefix(const char *text, struct net *out);

/* "192.0.2.1:179", "[2001:db8::1]:179"; both are written only on success. */
bool net_parse_endpoint(const char *text, struct net *address, uint16_t *port);

char *net_format_address(const struct net *net, char out[NET_TEXT_SIZE]); // returns out
char *net_format_prefix(const struct net *net, char out[NET_TEXT_SIZE]);  // returns out

int net_compare(const struct net *a, const struct net *b); // family, octets, length
bool net_contains(const struct net *outer, const struct net *inner);
unsigned net_bits(const struct net *net); // of the family: 32 or 128

/* The index-th prefix of length_bits inside pool, 0 being its first. false: the pool has no so many. */
bool net_nth(const struct net *pool, unsigned length_bits, uint64_t index, struct net *out);
