/* status: `altimeter status`, how the whole line is, from the files alone. */
#include "judge.h"
#include "lib/text.h"
#include "report.h"
#include "verb.h"

#include <stdio.h>

static int show(const struct config *config, bool as_json)
{
    struct arena *arena = arena_new();
    struct report report;

    report_gather(config, text_now_us(), arena, &report);
    int status = judge(config, arena, &report);
    bool written =
        as_json ? report_write_json(&report, stdout) : report_write_text(&report, stdout);
    if (!written || fflush(stdout) != 0) {
        (void)fputs("altimeter status: the report could not be written\n", stderr);
        status = EXIT_CANNOT_TELL;
    }
    arena_free(arena);
    return status;
}

static int run(int argc, char **argv)
{
    bool as_json = false;
    const struct program_option own[] = {
        {"json", 'j', NULL, "Write one JSON object, for programs.", .flag = &as_json},
    };
    const struct program program = {
        .name = "altimeter status",
        .summary = status_verb.summary,
        .is_command = true,
        .options = own,
        .option_count = sizeof own / sizeof *own,
        .notes = "Only files are read: state.db, status.db and the current snapshot, where the\n"
                 "configuration puts them. What is absent names the program that writes it.\n"
                 "Exit status: 0 all is well, 1 something needs attention, 2 nothing can be told.",
    };
    struct options options;
    struct error err;
    int status;

    if (!options_start(&program, argc, argv, &options, &status))
        return status;
    struct config *config = config_load(options.config_path, stderr, &err);
    if (!config)
        return EXIT_CANNOT_TELL;
    status = show(config, as_json);
    config_free(config);
    return status;
}

const struct verb status_verb = {
    .name = "status",
    .summary = "Shows feeds, state, map and what needs attention.",
    .run = run,
};
