/* update_text: updates as lines of text, for tests to compare and for the oracle to read.
 *
 * A line is a kind, then key=value for what is there, in a fixed order; texts that may hold blanks are quoted. */
#pragma once

#include "collector/update.h"

#include <stdio.h>

/* A sink that writes a line an update. peer_id is not written. */
struct update_sink update_text_sink(FILE *out);

/* Octets of hex digits. Blanks are skipped; {…} stands for its octets with their number in two octets before
 * them, (…) in one, […] for a BGP message of that type and body, with marker and length: "0402 {41 42}" is
 * 04 02 00 02 41 42, "[04]" a KEEPALIVE. The caller frees them; exits on another character. */
struct octets update_text_octets(const char *shape);
void update_text_free(struct octets octets);
