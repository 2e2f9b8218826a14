/* check_config: `altimeter check-config`, every mistake of a configuration at once. */
#include "lib/config.h"
#include "verb.h"

#include <stdio.h>
#include <stdlib.h>

static int run(int argc, char **argv)
{
    const struct program program = {
        .name = "altimeter check-config",
        .summary = check_config_verb.summary,
        .operands = "[FILE]",
        .is_command = true,
        .notes = "A mistake is a line: file, line, column, key, value and what was expected.\n"
                 "Exit status: 0 without mistakes, 1 with some.",
    };
    struct options options;
    int status;

    if (!options_start(&program, argc, argv, &options, &status))
        return status;
    if (options.operand_count > 1) {
        (void)fprintf(stderr, "altimeter check-config: unexpected word '%s'; one file expected\n",
                      options.operands[1]);
        return EXIT_USAGE;
    }
    const char *path = options.operand_count ? options.operands[0] : options.config_path;
    return config_report(path, stdout, stderr) ? EXIT_SUCCESS : EXIT_FAILURE;
}

const struct verb check_config_verb = {
    .name = "check-config",
    .summary = "Reads a configuration as the daemons do and reports every mistake.",
    .run = run,
};
