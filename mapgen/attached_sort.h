/* attached_sort: prefixes of the map into their order, without comparing them. */
#pragma once

#include "attach.h"

#include <stddef.h>

/* Ascending by prefix_compare; equal prefixes in no order. */
void attached_sort(struct attached_prefix *list, size_t count);
