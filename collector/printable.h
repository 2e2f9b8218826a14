/* printable: names from outside, made fit for people's eyes (L-051). */
#pragma once

#include "lib/arena.h"
#include "lib/state.h"

/* The octets as UTF-8 text; what is not valid, or is a control, a line separator or a mark that turns the
 * direction of writing, stands as \xNN octet by octet. Arena. */
char *printable_text(struct arena *arena, struct octets octets);
