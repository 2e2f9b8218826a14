/* wire: octets in network order, lengths filled in afterwards. */
#include "wire.h"

#include "lib/arena.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void wire_free(struct wire *wire)
{
    free(wire->bytes);
    *wire = (struct wire){0};
}

static uint8_t *wire_room(struct wire *wire, size_t length)
{
    if (wire->capacity - wire->length < length) {
        size_t capacity = wire->capacity ? wire->capacity : 256;

        while (capacity - wire->length < length)
            capacity *= 2;
        wire->bytes = memory_resize(wire->bytes, capacity, 1);
        wire->capacity = capacity;
    }
    uint8_t *room = wire->bytes + wire->length;

    wire->length += length;
    return room;
}

static void write_uint(uint8_t *at, uint64_t value, unsigned width)
{
    for (unsigned i = width; i-- > 0; value >>= 8)
        at[i] = (uint8_t)value;
}

void wire_put(struct wire *wire, uint64_t value, unsigned width)
{
    assert(width == 8 || value >> (8 * width) == 0);
    write_uint(wire_room(wire, width), value, width);
}

void wire_put_bytes(struct wire *wire, const void *bytes, size_t length)
{
    if (length)
        memcpy(wire_room(wire, length), bytes, length);
}

size_t wire_open(struct wire *wire, unsigned width)
{
    size_t place = wire->length;

    wire_put(wire, 0, width);
    return place;
}

void wire_close(struct wire *wire, size_t place, unsigned width)
{
    uint64_t length = wire->length - place - width;

    assert(length >> (8 * width) == 0);
    write_uint(wire->bytes + place, length, width);
}

void wire_tlv(struct wire *wire, unsigned type, const void *value, size_t length)
{
    wire_put(wire, type, 2);
    wire_put(wire, length, 2);
    wire_put_bytes(wire, value, length);
}

void wire_tlv_uint(struct wire *wire, unsigned type, uint64_t value, unsigned width)
{
    wire_put(wire, type, 2);
    wire_put(wire, width, 2);
    wire_put(wire, value, width);
}
