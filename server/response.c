/* response: see response.h. */
#include "response.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    int status;
    const char *reason;
} reasons[] = {
    {200, "OK"},
    {204, "No Content"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
};

const char *response_reason(int status)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Unknown";
}

__attribute__((format(printf, 2, 0))) static char *format_text(struct arena *arena,
                                                               const char *format, va_list args)
{
    char text[1024];

    (void)vsnprintf(text, sizeof text, format, args); // header values and lines for people: short
    return arena_text(arena, text, strlen(text));
}

void response_field(struct response *response, const char *name, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    const char *value = format_text(response->arena, format, args);
    va_end(args);
    response->fields = arena_format(response->arena, "%s%s: %s\r\n",
                                    response->fields ? response->fields : "", name, value);
}

void response_text(struct response *response, int status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    const char *line = format_text(response->arena, format, args);
    va_end(args);
    response->status = status;
    response->body = arena_format(response->arena, "%s\n", line);
    response->body_length = strlen(response->body);
    response_field(response, "Content-Type", "text/plain; charset=utf-8");
}
