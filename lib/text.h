/* text: strict readers for numbers and times in text, and the names that ALTO allows. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The whole of text[length] is a decimal number in [low, high]: digits only, no sign, no blank, no
 * leading zero but in "0" itself. *out is written only on success. */
bool text_uint(const char *text, size_t length, uint64_t low, uint64_t high, uint64_t *out);

/* UTC as RFC 3339 with microseconds: 2026-11-21T12:30:00.000000Z (27 characters and the NUL). */
enum { TEXT_TIME_SIZE = 28 };
char *text_time(int64_t time_us, char out[TEXT_TIME_SIZE]);

/* A duration for people: "350 ms", "12 s", "3 min", "5 h", "2 d". */
enum { TEXT_DURATION_SIZE = 32 };
char *text_duration(int64_t duration_us, char out[TEXT_DURATION_SIZE]);

int64_t text_now_us(void);    // UTC now, microseconds since 1970
int64_t text_steady_us(void); // microseconds of CLOCK_MONOTONIC: never jumps, for durations

/* Lower-case hex of bytes[length]; out has room for 2 * length + 1. */
char *text_hex(const uint8_t *bytes, size_t length, char *out);

/* text[length] for a person's eyes: what is not printable ASCII as \xNN, cut with "…" to fit; size is at least
 * 16. Returns out. */
char *text_printable(const char *text, size_t length, char *out, size_t size);

/* 1 to 64 of A-Z a-z 0-9 - : @ _ (RFC 7285 sections 10.1, 10.2). */
bool text_is_pid_name(const char *text, size_t length);

/* The nearest of names[count] to a mistyped word: by the fewest inserted, removed, replaced or swapped
 * neighbouring characters, at most a third of the word's length (but one at least). NULL: none is near. */
const char *text_nearest(const char *word, const char *const *names, size_t count);
