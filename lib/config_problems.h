/* config_problems: the mistakes and warnings of one file, told in its order. Included by lib/config*.c alone. */
#pragma once

#include "arena.h"
#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Where something stands in the file, both from 1; line 0: it does not. */
struct config_place {
    size_t line, column;
};

struct config_problems;

/* In the arena. name: of the file, borrowed. */
struct config_problems *config_problems_new(struct arena *arena, const char *name);

/* "name:line:column: text", without the numbers for a place of line 0. */
void config_problem(struct config_problems *problems, struct config_place place, const char *format,
                    ...) __attribute__((format(printf, 3, 4)));
void config_warning(struct config_problems *problems, struct config_place place, const char *format,
                    ...) __attribute__((format(printf, 3, 4)));

size_t config_problems_errors(const struct config_problems *problems);

/* Sorts and writes them all, a line each, to out unless NULL. false when there are errors: the first is
 * *err. */
bool config_problems_tell(struct config_problems *problems, FILE *out, struct error *err);

/* The lines of the warnings, in the arena. */
const char *const *config_problems_warnings(const struct config_problems *problems,
                                            struct arena *arena, size_t *count);
