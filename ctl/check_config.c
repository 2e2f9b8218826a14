/* check_config: `altimeter check-config`, every mistake of a configuration at once. */
#include "lib/config.h"
#include "verb.h"

#include <stdio.h>
#include <stdlib.h>

static int run(const struct options *options)
{
    const char *path = options->config_path;

    if (options->operand_count > 1) {
        (void)fprintf(stderr, "altimeter check-config: unexpected word '%s'; one file expected\n",
                      options->operands[1]);
        return EXIT_USAGE;
    }
    if (options->operand_count == 1)
        path = options->operands[0];
    return config_report(path, stdout, stderr) ? EXIT_SUCCESS : EXIT_FAILURE;
}

const struct verb check_config_verb = {
    .name = "check-config",
    .program =
        {
            .name = "altimeter check-config",
            .summary = "Reads a configuration as the daemons do and reports every mistake.",
            .operands = "[FILE]",
            .is_command = true,
            .notes = "A mistake is a line: file, line, column, key, value and what was expected.\n"
                     "Exit status: 0 without mistakes, 1 with some.",
        },
    .run = run,
};
