/* octets: what NLRIs and attributes have in common. */
#include "octets.h"

#include <stdlib.h>
#include <string.h>

static int item_compare(const void *a, const void *b, void *width)
{
    return memcmp(a, b, *(const size_t *)width);
}

size_t octets_sort(uint8_t *items, size_t count, size_t width)
{
    size_t kept = count ? 1 : 0;
    bool ordered = true;

    for (size_t i = 1; i < count && ordered; i++)
        ordered = memcmp(items + (i - 1) * width, items + i * width, width) < 0;
    if (ordered)
        return count;
    qsort_r(items, count, width, item_compare, &width);
    for (size_t i = 1; i < count; i++)
        if (memcmp(items + (kept - 1) * width, items + i * width, width) != 0)
            memmove(items + kept++ * width, items + i * width, width);
    return kept;
}

struct prefix octets_address(enum family family, const uint8_t *bytes)
{
    struct prefix address = {.family = (uint8_t)family, .length_bits = family_bits(family)};

    memcpy(address.bytes, bytes, family_bits(family) / 8);
    return address;
}

static int address_compare(const void *a, const void *b)
{
    return prefix_compare(a, b);
}

size_t octets_sort_addresses(struct prefix *list, size_t count)
{
    size_t kept = count ? 1 : 0;

    if (count > 1)
        qsort(list, count, sizeof *list, address_compare);
    for (size_t i = 1; i < count; i++)
        if (prefix_compare(&list[kept - 1], &list[i]) != 0)
            list[kept++] = list[i];
    return kept;
}
