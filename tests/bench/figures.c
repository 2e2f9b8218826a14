/* figures: see figures.h. */
#include "figures.h"

#include "lib/arena.h"
#include "lib/text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ROUND_LIMIT = 1000 };

struct figures_options figures_start(int argc, char **argv, const char *usage, size_t least)
{
    struct figures_options options = {.rounds = 5};
    uint64_t rounds = options.rounds;
    int at = 1;
    bool ok = true;

    if (at < argc && strcmp(argv[at], "--rounds") == 0) {
        ok =
            at + 1 < argc && text_uint(argv[at + 1], strlen(argv[at + 1]), 1, ROUND_LIMIT, &rounds);
        at += ok ? 2 : 0;
    }
    if (!ok || (size_t)(argc - at) < least) {
        (void)fprintf(stderr, "usage: %s [--rounds N] %s\n", argv[0], usage);
        exit(2);
    }
    options.rounds = (size_t)rounds;
    options.words = argv + at;
    options.word_count = (size_t)(argc - at);
    return options;
}

double figures_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int compare_figures(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

void figures_interleave(size_t rounds, figures_function *const *sides, void *context, size_t count,
                        double *medians)
{
    double *measured = memory_alloc(rounds * count, sizeof *measured);

    for (size_t side = 0; side < count; side++)
        (void)sides[side](context);
    for (size_t round = 0; round < rounds; round++) {
        for (size_t side = 0; side < count; side++)
            measured[side * rounds + round] = sides[side](context);
    }
    for (size_t side = 0; side < count; side++) {
        double *own = measured + side * rounds;

        qsort(own, rounds, sizeof *own, compare_figures);
        medians[side] = (own[(rounds - 1) / 2] + own[rounds / 2]) / 2;
    }
    free(measured);
}

void figures_print(const char *name, double value, const char *unit)
{
    printf("%s %.6g %s\n", name, value, unit);
    (void)fflush(stdout);
}

/* A field of /proc/self/status, in kB there. */
static double status_mb(const char *field)
{
    FILE *file = fopen("/proc/self/status", "re");
    char line[256];
    double mb = 0;

    while (file && fgets(line, sizeof line, file)) {
        size_t length = strlen(field);

        if (strncmp(line, field, length) == 0 && line[length] == ':')
            mb = (double)strtoull(line + length + 1, NULL, 10) * 1024 / 1e6;
    }
    if (file)
        (void)fclose(file);
    return mb;
}

double figures_peak_mb(void)
{
    return status_mb("VmHWM");
}

double figures_resident_mb(void)
{
    return status_mb("VmRSS");
}

/* splitmix64: every bit of the result depends on every bit of the state. */
uint64_t figures_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}
