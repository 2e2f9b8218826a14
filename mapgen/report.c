/* report: see report.h. */
#include "report.h"

#include "lib/error.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void report_add(struct report *report, const char *format, ...)
{
    char text[512];
    va_list args;

    if (report->count == REPORT_LIMIT) {
        report->dropped++;
        return;
    }
    if (!report->texts)
        report->texts = arena_alloc(report->arena, REPORT_LIMIT, sizeof *report->texts);
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    report->texts[report->count++] = arena_text(report->arena, text, strlen(text));
}

const char *report_json(const struct report *report)
{
    json_t *list = json_array();
    char more[64];

    for (size_t i = 0; i < report->count; i++)
        (void)json_array_append_new(list, json_string(report->texts[i])); // not UTF-8: left out
    if (report->dropped) {
        (void)snprintf(more, sizeof more, "and %zu more", report->dropped);
        (void)json_array_append_new(list, json_string(more));
    }
    char *text = json_dumps(list, JSON_COMPACT);
    json_decref(list);
    if (!text)
        error_fatal("jansson has no memory");
    const char *copy = arena_text(report->arena, text, strlen(text));
    free(text);
    return copy;
}
