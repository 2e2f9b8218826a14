/* verb: what `altimeter VERB` does. A verb is one file that exports one of these, and a row in main.c. */
#pragma once

#include "lib/options.h"

/* Exit status of verbs that judge. */
enum { EXIT_HEALTHY = 0, EXIT_ATTENTION = 1, EXIT_CANNOT_TELL = 2 };

struct verb {
    const char *name;
    const char *summary; // one sentence
    /* Reads its own command line (argv[0] is the verb), so that `--help` is its own too. Returns the exit
     * status; output goes to stdout, what went wrong to stderr. */
    int (*run)(int argc, char **argv);
};

extern const struct verb check_config_verb, status_verb;
