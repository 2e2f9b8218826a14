/* verb: what `altimeter VERB` does. A verb is one file that exports one of these, and a row in main.c. */
#pragma once

#include "lib/options.h"

/* Exit status of verbs that judge. */
enum { EXIT_HEALTHY = 0, EXIT_ATTENTION = 1, EXIT_CANNOT_TELL = 2 };

struct verb {
    const char *name;
    struct program program; // its --help; name: "altimeter VERB"
    /* The exit status. Output goes to stdout, what went wrong to stderr. */
    int (*run)(const struct options *options);
};

extern const struct verb check_config_verb;
