/* octets: sets and addresses out of a message's octets. */
#pragma once

#include "lib/prefix.h"

/* Sorts count items of width octets by their octets and drops repeats; returns how many are left. */
size_t octets_sort(uint8_t *items, size_t count, size_t width);

/* An address of 4 or 16 octets. */
struct prefix octets_address(enum family family, const uint8_t *bytes);

/* Sorts addresses ascending and drops repeats; returns how many are left. */
size_t octets_sort_addresses(struct prefix *list, size_t count);
