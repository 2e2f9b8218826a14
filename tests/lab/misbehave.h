/* misbehave: messages that no encoder would write.
 *
 * One is given octet by octet, or is a good UPDATE of the reflector's table with a named fault done to it
 * (fault.h). The target says which UPDATE: the first, or n-th, that announces ls, node, link, prefix, ipv4
 * or ipv6. */
#pragma once

#include "backbone.h"

/* Appends the message. false with *err when the table has no such UPDATE, or the fault does not fit it. */
bool misbehave(struct backbone *backbone, size_t reflector, const struct raw_message *message,
               struct wire *out, struct error *err);

bool misbehave_is_target(const char *name);
