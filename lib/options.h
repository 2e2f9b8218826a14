/* options: a program's command line and its --help, from one table.
 *
 * The options that every daemon has are here (-c/--config FILE, --check-config, -h/--help,
 * -V/--version); a program adds rows of its own:
 *
 *     static const struct program program = {
 *         .name = "altimeter-mapgen",
 *         .summary = "Computes PIDs and costs from state.db and publishes them as snapshots.",
 *     };
 *     int main(int argc, char **argv)
 *     {
 *         struct options options;
 *         int status;
 *
 *         if (!options_start(&program, argc, argv, &options, &status))
 *             return status;
 *
 * Over getopt_long: main's thread only. */
#pragma once

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { EXIT_USAGE = 2 }; // exit status of a program that was called wrongly

struct program_option {
    const char *name;     // long name without "--"
    char letter;          // 0: none
    const char *argument; // its word in the help ("FILE"); NULL: a flag
    const char *help;     // one sentence
    bool *flag;           // set to true by a flag …
    const char **text;    // … or to the argument; the last one counts
};

struct program {
    const char *name;
    const char *summary;                  // one or two sentences on what the program does
    const char *operands;                 // in the usage line: "FILE…"; NULL: none are taken
    bool is_command;                      // not a daemon: without --check-config and --version
    const struct program_option *options; // its own, in the order of the help
    size_t option_count;
    const char *notes; // behind the options: examples, signals, files, exit status; NULL: none
};

struct options {
    const char *config_path; // config_default_path without --config
    bool check_config;
    char **operands; // borrowed from argv
    size_t operand_count;
};

enum options_outcome {
    OPTIONS_RUN,  // *options is filled
    OPTIONS_DONE, // help or version was written to out: exit 0
    OPTIONS_BAD,  // *err says what is wrong with the command line: exit EXIT_USAGE
};

enum options_outcome options_parse(const struct program *program, int argc, char **argv, FILE *out,
                                   struct options *options, struct error *err);

/* What a daemon's main begins with: parses, answers --help and --version, explains a bad command line on
 * stderr, and for --check-config reports every mistake of the file. true: run, *options is filled.
 * false: leave with *status. */
bool options_start(const struct program *program, int argc, char **argv, struct options *options,
                   int *status);

/* The text of --help. */
void options_write_help(const struct program *program, FILE *out);
