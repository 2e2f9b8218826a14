/* command_session: the lines that are about sessions alone: how they end, what they say besides. */
#pragma once

#include "command.h"

/* words[0] is "session", "reflector", "send" or "faults". false with *err. */
bool command_session(struct lab *lab, char *const *words, size_t count, struct evbuffer *answer,
                     struct error *err);

extern const char *const command_session_usage[]; // lines of `help`; NULL ends them
