/* fuzz: what the targets of the wire's parsers share. */
#pragma once

#include "collector/update.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A BGP message around a body, which is cut to what a message can hold. The caller frees it. */
struct octets fuzz_bgp_message(uint8_t type, const uint8_t *body, size_t length);
void fuzz_free(struct octets message);

/* Reads every octet and text that an update points at, so that the sanitizer sees each. */
extern const struct update_sink fuzz_sink;
