/* error: one type for everything that can fail.
 *
 * The text is a sentence for the person who can act: the place, the value, what was expected. Each
 * layer adds its place in front with error_in(); none rewrites what a lower one said:
 *
 *     snapshots/current: pid: row 7: name of 80 bytes; 1 to 64 expected
 */
#pragma once

#include <stdbool.h>
#include <stdnoreturn.h>

/* What a caller can do about it. */
enum error_kind {
    ERROR_INPUT,   // the bytes, the row or the configuration is wrong: mend it
    ERROR_LIMIT,   // a named limit was met: raise it or send less
    ERROR_VERSION, // made by another version of us
    ERROR_SYSTEM,  // the machine or a library refused: disk, socket, memory of a library
};

struct error {
    enum error_kind kind;
    const char *file; // where in our code, for the log
    int line;
    char text[512]; // for people
};

/* Fills *err and returns false: a function fails with `return error_set(...)`. A longer text is cut. */
#define error_set(err, kind, ...) error_set_at((err), (kind), __FILE__, __LINE__, __VA_ARGS__)

bool error_set_at(struct error *err, enum error_kind kind, const char *file, int line,
                  const char *format, ...) __attribute__((format(printf, 5, 6)));

/* As error_set with ERROR_SYSTEM, and ": " and the text of errno_value behind it. */
#define error_errno(err, errno_value, ...)                                                         \
    error_errno_at((err), (errno_value), __FILE__, __LINE__, __VA_ARGS__)

bool error_errno_at(struct error *err, int errno_value, const char *file, int line,
                    const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Puts the caller's place before the text ("current: pid: row 7: …"); returns false. */
bool error_in(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The machine cannot go on (no memory): one line on stderr, exit status 70. systemd starts the program
 * again and its files have everything (docs/design.md section 8). */
noreturn void error_fatal(const char *format, ...) __attribute__((format(printf, 1, 2)));
