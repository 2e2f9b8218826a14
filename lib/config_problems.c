/* config_problems: every mistake of a file, told in the order of the file, whatever found it first. */
#include "config_problems.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>

enum {
    PROBLEM_LIMIT = 100, // who has more mends some of them first
    TEXT_LIMIT = 1000,
};

struct problem {
    struct config_place place;
    size_t order; // of the finding, for two at one place
    bool is_warning;
    const char *text;
};

struct config_problems {
    struct arena *arena;
    const char *name;
    struct problem list[PROBLEM_LIMIT];
    size_t count, errors, left_out;
};

struct config_problems *config_problems_new(struct arena *arena, const char *name)
{
    struct config_problems *problems = arena_alloc(arena, 1, sizeof *problems);

    problems->arena = arena;
    problems->name = name;
    return problems;
}

__attribute__((format(printf, 4, 0))) static void add(struct config_problems *problems,
                                                      struct config_place place, bool is_warning,
                                                      const char *format, va_list args)
{
    char text[TEXT_LIMIT];

    problems->errors += !is_warning;
    if (problems->count == PROBLEM_LIMIT) {
        problems->left_out++;
        return;
    }
    (void)vsnprintf(text, sizeof text, format, args);
    const char *mark = is_warning ? "warning: " : "";
    const char *line = place.line
                           ? arena_format(problems->arena, "%s:%zu:%zu: %s%s", problems->name,
                                          place.line, place.column, mark, text)
                           : arena_format(problems->arena, "%s: %s%s", problems->name, mark, text);
    problems->list[problems->count] = (struct problem){place, problems->count, is_warning, line};
    problems->count++;
}

void config_problem(struct config_problems *problems, struct config_place place, const char *format,
                    ...)
{
    va_list args;

    va_start(args, format);
    add(problems, place, false, format, args);
    va_end(args);
}

void config_warning(struct config_problems *problems, struct config_place place, const char *format,
                    ...)
{
    va_list args;

    va_start(args, format);
    add(problems, place, true, format, args);
    va_end(args);
}

static int by_place(const void *a, const void *b)
{
    const struct problem *x = a, *y = b;

    if (x->place.line != y->place.line)
        return x->place.line < y->place.line ? -1 : 1;
    if (x->place.column != y->place.column)
        return x->place.column < y->place.column ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

size_t config_problems_errors(const struct config_problems *problems)
{
    return problems->errors;
}

bool config_problems_tell(struct config_problems *problems, FILE *out, struct error *err)
{
    bool ok = true;

    qsort(problems->list, problems->count, sizeof *problems->list, by_place);
    for (size_t i = 0; i < problems->count; i++) {
        const struct problem *problem = &problems->list[i];
        if (out)
            (void)fprintf(out, "%s\n", problem->text);
        if (ok && !problem->is_warning)
            ok = error_set(err, ERROR_INPUT, "%s", problem->text);
    }
    if (out && problems->left_out)
        (void)fprintf(out, "%s: and %zu more\n", problems->name, problems->left_out);
    assert(ok == (problems->errors == 0));
    return ok;
}

const char *const *config_problems_warnings(const struct config_problems *problems,
                                            struct arena *arena, size_t *count)
{
    const char **list = arena_alloc(arena, problems->count, sizeof *list);

    *count = 0;
    for (size_t i = 0; i < problems->count; i++) {
        if (problems->list[i].is_warning)
            list[(*count)++] = arena_format(arena, "%s", problems->list[i].text);
    }
    return list;
}
