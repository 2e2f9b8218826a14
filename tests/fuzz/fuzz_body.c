/* A request's JSON: what we accept jansson accepts too, with the same values. */
#include "lib/arena.h"
#include "server/body.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// NOLINTNEXTLINE(misc-no-recursion): BODY_DEPTH bounds it
static void same(const struct body_value *ours, const json_t *theirs)
{
    static const enum body_type types[] = {
        [JSON_OBJECT] = BODY_OBJECT,  [JSON_ARRAY] = BODY_ARRAY, [JSON_STRING] = BODY_STRING,
        [JSON_INTEGER] = BODY_NUMBER, [JSON_REAL] = BODY_NUMBER, [JSON_TRUE] = BODY_BOOLEAN,
        [JSON_FALSE] = BODY_BOOLEAN,  [JSON_NULL] = BODY_NULL,
    };
    size_t count = json_is_object(theirs) ? json_object_size(theirs) : json_array_size(theirs),
           i = 0;

    if (ours->type != types[json_typeof(theirs)] || ours->count != count ||
        (ours->type == BODY_STRING && strcmp(ours->text, json_string_value(theirs)) != 0))
        abort();
    for (const struct body_value *child = ours->first; child; child = child->next, i++) {
        const json_t *other = ours->type == BODY_OBJECT ? json_object_get(theirs, child->name)
                                                        : json_array_get(theirs, i);
        if (!other)
            abort();
        same(child, other);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct alto_error problem = {0};
    json_error_t err;
    const struct body_value *ours = body_parse(data, size, arena, &problem);
    json_t *theirs = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, &err);

    // jansson goes deeper, and takes a NUL behind a number; it refuses numbers that a double cannot hold
    if (!ours && theirs && json_is_object(theirs) && !strstr(problem.syntax_error, "nested") &&
        !strstr(problem.syntax_error, "control"))
        abort();
    if (ours && theirs)
        same(ours, theirs);
    if (ours && !theirs && json_error_code(&err) != json_error_numeric_overflow)
        abort();
    if (ours)
        (void)body_shown(ours, arena);
    json_decref(theirs);
    arena_free(arena);
    return 0;
}
