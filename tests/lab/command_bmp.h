/* command_bmp: the lines that begin with "bmp": what happens on the BMP sessions alone. */
#pragma once

#include "command.h"

/* words[0] is "bmp". false with *err. */
bool command_bmp(struct lab *lab, char *const *words, size_t count, struct evbuffer *answer,
                 struct error *err);

/* The lines of `status` that tell of BMP. */
void command_bmp_status(struct lab *lab, struct evbuffer *answer);

extern const char *const command_bmp_usage[]; // lines of `help`; NULL ends them
