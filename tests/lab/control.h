/* control: the Unix socket on which commands come, and the other end of it for scripts. */
#pragma once

#include "command.h"
#include "lib/error.h"

struct control;

/* Listens at the path, mode 0600; a socket there that nobody answers is replaced, one in use is not.
 * The lab is borrowed until control_free(). NULL with *err. */
struct control *control_new(struct lab *lab, const char *path, struct error *err);
void control_free(struct control *control); // removes the socket; NULL is fine

/* Sends one line and prints the answer to stdout. *ok: the answer was "ok". false with *err when there
 * was none. Blocks. */
bool control_call(const char *path, const char *line, bool *ok, struct error *err);
