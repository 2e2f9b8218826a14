/* fixture: scenarios from text, octets from hexadecimal, for the lab's own tests. */
#pragma once

#include "scenario.h"
#include "wire.h"

/* Loads the text from a temporary file named "t.yaml" in errors. NULL with *err. */
struct scenario *fixture_try(const char *yaml, struct error *err);

/* The same, for a text that must load. */
struct scenario *fixture_load(const char *yaml);

/* Fails the test with both as hexadecimal unless the wire holds exactly these octets; blanks in the
 * expected text do not count. Frees the wire. */
void fixture_expect(struct wire *wire, const char *expected);
