/* error: see error.h. Nothing here allocates: an error can be made when memory is short. */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 5, 0))) static void error_fill(struct error *err,
                                                             enum error_kind kind, const char *file,
                                                             int line, const char *format,
                                                             va_list args)
{
    err->kind = kind;
    err->file = file;
    err->line = line;
    (void)vsnprintf(err->text, sizeof err->text, format, args);
}

bool error_set_at(struct error *err, enum error_kind kind, const char *file, int line,
                  const char *format, ...)
{
    va_list args;

    va_start(args, format);
    error_fill(err, kind, file, line, format, args);
    va_end(args);
    return false;
}

bool error_errno_at(struct error *err, int errno_value, const char *file, int line,
                    const char *format, ...)
{
    char reason[128];
    va_list args;

    va_start(args, format);
    error_fill(err, ERROR_SYSTEM, file, line, format, args);
    va_end(args);
    size_t used = strlen(err->text);
    (void)snprintf(err->text + used, sizeof err->text - used, ": %s",
                   strerror_r(errno_value, reason, sizeof reason));
    return false;
}

bool error_in(struct error *err, const char *format, ...)
{
    char inner[sizeof err->text];
    va_list args;

    memcpy(inner, err->text, sizeof inner);
    va_start(args, format);
    (void)vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    size_t used = strlen(err->text);
    (void)snprintf(err->text + used, sizeof err->text - used, ": %s", inner);
    return false;
}

void error_fatal(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fputc('\n', stderr);
    exit(70);
}
