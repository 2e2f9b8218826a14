/* log: lines for the on-call, on stderr.
 *
 * A line is a sentence, then its facts as key=value, so that it can be read and searched alike:
 *
 *     2026-11-21T12:30:00.123456Z warning: session down: peer=rr1 reason="hold timer" stale=120334
 *
 * Under systemd (JOURNAL_STREAM set) the time is left out and "<4>" in front gives journald the level.
 * A log may be used by any thread: a line is one write(2), and control characters in it are blanks. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum log_level { LEVEL_ERROR, LEVEL_WARNING, LEVEL_INFO, LEVEL_DEBUG };

struct log {
    enum log_level level; // lines above it are dropped
    int fd;               // where lines go: 2 for stderr; -1: nowhere (tests)
    bool for_journal;
};

/* stderr at LEVEL_INFO; for_journal by the environment. */
struct log log_default(void);

bool log_level_parse(const char *text, enum log_level *out); // "error", "warning", "info", "debug"

void log_error(const struct log *log, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void log_warning(const struct log *log, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void log_info(const struct log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_debug(const struct log *log, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A value from outside for a log line: quoted when it has blanks or quotes, other bytes below 0x20 and
 * above 0x7e as \xNN, cut to fit; size is at least 8. Returns out. */
char *log_quote(const char *value, char *out, size_t size);
