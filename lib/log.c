/* log: see log.h. */
#include "log.h"

#include "text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_LIMIT = 2048 }; // a longer line is cut: it is a mistake of ours, or hostile

static const struct {
    const char *name;
    int syslog; // RFC 5424 severity
} levels[] = {
    [LEVEL_ERROR] = {"error", 3},
    [LEVEL_WARNING] = {"warning", 4},
    [LEVEL_INFO] = {"info", 6},
    [LEVEL_DEBUG] = {"debug", 7},
};

struct log log_default(void)
{
    return (struct log){LEVEL_INFO, STDERR_FILENO, getenv("JOURNAL_STREAM") != NULL};
}

bool log_level_parse(const char *text, enum log_level *out)
{
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        if (strcmp(text, levels[i].name) == 0) {
            *out = (enum log_level)i;
            return true;
        }
    }
    return false;
}

__attribute__((format(printf, 3, 0))) static void log_line(const struct log *log,
                                                           enum log_level level, const char *format,
                                                           va_list args)
{
    char line[LINE_LIMIT], time[TEXT_TIME_SIZE];
    int used;

    if (log->fd < 0 || level > log->level)
        return;
    if (log->for_journal)
        used = snprintf(line, sizeof line, "<%d>", levels[level].syslog);
    else
        used = snprintf(line, sizeof line, "%s %s: ", text_time(text_now_us(), time),
                        levels[level].name);
    int rest = vsnprintf(line + used, sizeof line - (size_t)used - 1, format, args);
    size_t length = (size_t)used + (rest < 0 ? 0 : (size_t)rest);
    if (length > sizeof line - 2)
        length = sizeof line - 2;
    for (size_t i = 0; i < length; i++) { // a value from outside cannot begin a line of its own
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = ' ';
    }
    line[length++] = '\n';
    // a log that cannot be written must not stop what it tells about
    ssize_t written = write(log->fd, line, length);
    (void)written;
}

#define LOG_FUNCTION(name, level)                                                                  \
    void name(const struct log *log, const char *format, ...)                                      \
    {                                                                                              \
        va_list args;                                                                              \
        va_start(args, format);                                                                    \
        log_line(log, level, format, args);                                                        \
        va_end(args);                                                                              \
    }

LOG_FUNCTION(log_error, LEVEL_ERROR)
LOG_FUNCTION(log_warning, LEVEL_WARNING)
LOG_FUNCTION(log_info, LEVEL_INFO)
LOG_FUNCTION(log_debug, LEVEL_DEBUG)

char *log_quote(const char *value, char *out, size_t size)
{
    bool quoted = *value == '\0' || strpbrk(value, " \"=\\\t\r\n") != NULL;
    size_t used = 0;

    assert(size >= 8);
    if (quoted)
        out[used++] = '"';
    for (; *value && used + 7 < size; value++) { // room for \xNN, the quote and the NUL
        unsigned char c = (unsigned char)*value;
        if (c == '"' || c == '\\') {
            out[used++] = '\\';
            out[used++] = (char)c;
        } else if (c < 0x20 || c > 0x7e) {
            used += (size_t)snprintf(out + used, size - used, "\\x%02x", c);
        } else {
            out[used++] = (char)c;
        }
    }
    if (quoted)
        out[used++] = '"';
    out[used] = '\0';
    return out;
}
