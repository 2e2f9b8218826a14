/* gen_out: a file written in large pieces. The first failure stays; what follows does nothing. */
#pragma once

#include "lib/error.h"
#include "lib/prefix.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gen_out;

/* Empties the file. NULL with *err naming it. */
struct gen_out *gen_out_open(const char *path, struct error *err);

/* Ends and frees it. false with *err if not everything was written. */
bool gen_out_close(struct gen_out *out, struct error *err);

void gen_out_bytes(struct gen_out *out, const void *bytes, size_t length);
void gen_out_text(struct gen_out *out, const char *text);
void gen_out_number(struct gen_out *out, uint64_t number); // in decimal digits
void gen_out_big_endian(struct gen_out *out, uint64_t number, size_t width);
void gen_out_prefix(struct gen_out *out, const struct prefix *prefix); // as prefix_format
