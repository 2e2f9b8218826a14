/* command: the lines by which a running lab is changed (docs/lab.md lists them).
 *
 * An answer is any number of lines that begin with two blanks, then one that begins with "ok" or
 * "error". A command that sends answers when the sockets have its UPDATEs, with the time of that. */
#pragma once

#include "bmp_routers.h"
#include "lib/log.h"
#include "speaker.h"

#include <event2/buffer.h>

struct lab {
    struct event_base *base;
    struct backbone *backbone;
    struct speaker *speaker;
    struct bmp_routers *bmp;
    const struct log *log;
};

/* Runs one line, without its newline, which is cut up; adds the answer. */
void command_run(struct lab *lab, char *line, struct evbuffer *answer);

bool command_find_reflector(const struct lab *lab, const char *name, size_t *out,
                            struct error *err);

/* The "ok" of a command that sends. */
void command_answer_sent(const struct sent *sent, struct evbuffer *answer);
