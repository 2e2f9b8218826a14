/* figures: what the C benches share: their options, medians of interleaved rounds, and the lines they print.
 *
 * A bench prints "NAME VALUE UNIT" a line on stdout, which tests/bench/measure.py turns into rows. All work is
 * done by functions that get a context and return how long, or how much, it was. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* What every bench takes before its own words: --rounds N (5). */
struct figures_options {
    size_t rounds;
    char **words; // those after it, NULL at the end
    size_t word_count;
};

/* Reads the command line; ends the program with a message when it is wrong. usage: the bench's own words, as
 * "STATE-DB"; least: how many of them there must be. */
struct figures_options figures_start(int argc, char **argv, const char *usage, size_t least);

double figures_now_ms(void); // of a clock that never jumps, with its nanoseconds

/* One side of a comparison: does its work once and returns the figure. */
typedef double figures_function(void *context);

/* Runs each side once to warm up, then rounds times, a round of every side after the other; medians[count]. */
void figures_interleave(size_t rounds, figures_function *const *sides, void *context, size_t count,
                        double *medians);

void figures_print(const char *name, double value, const char *unit);

/* The resident memory's peak so far, or what is resident now, in MB (10^6 bytes). */
double figures_peak_mb(void);
double figures_resident_mb(void);

uint64_t figures_random(uint64_t *state); // deterministic, from a seed that is not 0
