/* options: see options.h. getopt_long does the splitting; its messages are ours, because they name what was
 * expected. */
#include "options.h"

#include "arena.h"
#include "config.h"
#include "text.h"
#include "version.h"

#include <assert.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum { COMMON = 4, OPTION_LIMIT = 32, FIRST_CODE = 256, HELP_COLUMN = 24, HELP_WIDTH = 79 };

/* The rows of all programs, and where they write for this call. */
struct parse {
    struct program_option rows[OPTION_LIMIT];
    size_t count;
    bool help, version;
};

static void parse_rows(const struct program *program, struct options *options, struct parse *parse)
{
    const struct {
        struct program_option option;
        bool of_daemon;
    } common[COMMON] = {
        {{"config", 'c', "FILE", "Read this configuration.", .text = &options->config_path}, false},
        {{"check-config", 0, NULL, "Report every mistake of the configuration, and exit.",
          .flag = &options->check_config},
         true},
        {{"help", 'h', NULL, "Show this help, and exit.", .flag = &parse->help}, false},
        {{"version", 'V', NULL, "Show the version, and exit.", .flag = &parse->version}, true},
    };

    assert(program->option_count + COMMON <= OPTION_LIMIT);
    for (size_t i = 0; i < program->option_count; i++)
        parse->rows[parse->count++] = program->options[i];
    for (size_t i = 0; i < COMMON; i++) {
        if (!program->is_command || !common[i].of_daemon)
            parse->rows[parse->count++] = common[i].option;
    }
}

/* The sentence in words, from HELP_COLUMN on. */
static void write_wrapped(FILE *out, const char *sentence)
{
    size_t column = HELP_COLUMN;

    while (*sentence) {
        size_t word = strcspn(sentence, " ");
        if (column > HELP_COLUMN && column + 1 + word > HELP_WIDTH) {
            (void)fprintf(out, "\n%*s", HELP_COLUMN, "");
            column = HELP_COLUMN;
        }
        (void)fprintf(out, "%s%.*s", column > HELP_COLUMN ? " " : "", (int)word, sentence);
        column += word + (column > HELP_COLUMN);
        sentence += word;
        sentence += strspn(sentence, " ");
    }
    (void)fputc('\n', out);
}

static void write_row(FILE *out, const struct program_option *row)
{
    char left[80];
    int used = snprintf(left, sizeof left, "  %c%c%s--%s%s%s", row->letter ? '-' : ' ',
                        row->letter ? row->letter : ' ', row->letter ? ", " : "  ", row->name,
                        row->argument ? " " : "", row->argument ? row->argument : "");

    if (used + 2 > HELP_COLUMN)
        (void)fprintf(out, "%s\n%*s", left, HELP_COLUMN, "");
    else
        (void)fprintf(out, "%-*s", HELP_COLUMN, left);
    write_wrapped(out, row->help);
}

void options_write_help(const struct program *program, FILE *out)
{
    struct options options = {0};
    struct parse parse = {0};

    parse_rows(program, &options, &parse);
    (void)fprintf(out, "Usage: %s [OPTION]…%s%s\n\n%s\n\nOptions:\n", program->name,
                  program->operands ? " " : "", program->operands ? program->operands : "",
                  program->summary);
    for (size_t i = 0; i < parse.count; i++)
        write_row(out, &parse.rows[i]);
    (void)fprintf(out,
                  "\nThe configuration is %s unless --config names another; see\n"
                  "altimeter.yaml(5) for its keys.\n",
                  config_default_path);
    if (program->notes)
        (void)fprintf(out, "\n%s\n", program->notes);
}

static bool bad_option(const struct parse *parse, char **argv, struct error *err)
{
    const char *names[OPTION_LIMIT];
    const char *word = argv[optind - 1];

    if (optopt >= FIRST_CODE)
        return error_set(err, ERROR_INPUT, "option --%s takes no argument",
                         parse->rows[optopt - FIRST_CODE].name);
    if (optopt)
        return error_set(err, ERROR_INPUT, "unknown option -%c", optopt);
    for (size_t i = 0; i < parse->count; i++)
        names[i] = parse->rows[i].name;
    const char *nearest = text_nearest(word + strspn(word, "-"), names, parse->count);
    if (nearest)
        return error_set(err, ERROR_INPUT, "unknown option %s; did you mean --%s?", word, nearest);
    return error_set(err, ERROR_INPUT, "unknown option %s", word);
}

static const struct program_option *row_of(const struct parse *parse, int code)
{
    if (code >= FIRST_CODE)
        return &parse->rows[code - FIRST_CODE];
    for (size_t i = 0; i < parse->count; i++) {
        if (parse->rows[i].letter == code)
            return &parse->rows[i];
    }
    return NULL;
}

/* ":" first: a missing argument is told from an unknown option. */
static void getopt_tables(const struct parse *parse, char letters[2 * OPTION_LIMIT + 2],
                          struct option table[OPTION_LIMIT + 1])
{
    *letters++ = ':';
    for (size_t i = 0; i < parse->count; i++) {
        const struct program_option *row = &parse->rows[i];
        table[i] = (struct option){row->name, row->argument ? required_argument : no_argument, NULL,
                                   FIRST_CODE + (int)i};
        if (row->letter)
            *letters++ = row->letter;
        if (row->letter && row->argument)
            *letters++ = ':';
    }
    table[parse->count] = (struct option){0};
    *letters = '\0';
}

enum options_outcome options_parse(const struct program *program, int argc, char **argv, FILE *out,
                                   struct options *options, struct error *err)
{
    char letters[2 * OPTION_LIMIT + 2];
    struct option table[OPTION_LIMIT + 1];
    struct parse parse = {0};
    int code;

    *options = (struct options){.config_path = config_default_path};
    parse_rows(program, options, &parse);
    getopt_tables(&parse, letters, table);
    optind = 0; // begins anew, also in a test's second call
    opterr = 0;
    while ((code = getopt_long(argc, argv, letters, table, NULL)) != -1) {
        if (code == '?') {
            bad_option(&parse, argv, err);
            return OPTIONS_BAD;
        }
        const struct program_option *row = row_of(&parse, code == ':' ? optopt : code);
        if (code == ':') {
            error_set(err, ERROR_INPUT, "option --%s needs an argument: %s", row->name,
                      row->argument);
            return OPTIONS_BAD;
        }
        if (row->argument)
            *row->text = optarg;
        else
            *row->flag = true;
    }
    options->operands = argv + optind;
    options->operand_count = (size_t)(argc - optind);
    if (parse.help) {
        options_write_help(program, out);
        return OPTIONS_DONE;
    }
    if (parse.version) {
        (void)fprintf(out, "%s %s\n", program->name, ALTIMETER_VERSION);
        return OPTIONS_DONE;
    }
    if (options->operand_count && !program->operands) {
        error_set(err, ERROR_INPUT, "unexpected word '%s'; only options are taken",
                  options->operands[0]);
        return OPTIONS_BAD;
    }
    return OPTIONS_RUN;
}

bool options_start(const struct program *program, int argc, char **argv, struct options *options,
                   int *status)
{
    struct error err;

    switch (options_parse(program, argc, argv, stdout, options, &err)) {
    case OPTIONS_DONE:
        *status = EXIT_SUCCESS;
        return false;
    case OPTIONS_BAD:
        (void)fprintf(stderr, "%s: %s\nTry '%s --help'.\n", program->name, err.text, program->name);
        *status = EXIT_USAGE;
        return false;
    case OPTIONS_RUN:
        break;
    }
    if (!options->check_config)
        return true;
    *status = config_report(options->config_path, stdout, stderr) ? EXIT_SUCCESS : EXIT_FAILURE;
    return false;
}
