/* two_octet_as: UPDATEs as they go to a speaker that does not know 4-octet AS numbers (RFC 6793 4.2.2). */
#pragma once

#include "wire.h"

/* Adds the messages with AS_PATH of 2-octet numbers, and AS4_PATH where one does not fit. What grows over
 * 4,096 octets is shared out among several messages. A message that is no UPDATE of ours goes as it is. */
void two_octet_as_write(const uint8_t *messages, size_t length, struct wire *out);
