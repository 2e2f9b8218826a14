/* wire: a growing run of octets, written in network order.
 *
 * Lengths are written after what they count: wire_open() leaves room for one and wire_close() fills it.
 * The octets belong to the wire; wire_free() ends them. A zeroed struct is an empty wire. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct wire {
    uint8_t *bytes;
    size_t length, capacity;
};

void wire_free(struct wire *wire); // and leaves it empty

/* The lowest `width` octets of value, most significant first; width 1 to 8. */
void wire_put(struct wire *wire, uint64_t value, unsigned width);
void wire_put_bytes(struct wire *wire, const void *bytes, size_t length);

/* A length field of `width` octets begins here; returns its place for wire_close(). */
size_t wire_open(struct wire *wire, unsigned width);

/* Writes into the field how many octets came after it. What does not fit its width is a bug of ours. */
void wire_close(struct wire *wire, size_t place, unsigned width);

/* Type (2), length (2), value: the TLV of BGP-LS (RFC 9552 section 5.1). */
void wire_tlv(struct wire *wire, unsigned type, const void *value, size_t length);
void wire_tlv_uint(struct wire *wire, unsigned type, uint64_t value, unsigned width);
