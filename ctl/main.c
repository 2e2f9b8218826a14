/* altimeter: the operator's window. It reads files and writes none; verbs are rows of one table. */
#include "lib/text.h"
#include "lib/version.h"
#include "verb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct verb *const verbs[] = {
    &status_verb,
    &check_config_verb,
};
enum { VERBS = sizeof verbs / sizeof *verbs };

static void write_help(FILE *out)
{
    (void)fputs("Usage: altimeter VERB [OPTION]…\n"
                "\n"
                "Looks at a running Altimeter through its files.\n"
                "\n"
                "Verbs:\n",
                out);
    for (size_t i = 0; i < VERBS; i++)
        (void)fprintf(out, "  %-14s%s\n", verbs[i]->name, verbs[i]->summary);
    (void)fputs("  help [VERB]   Shows what a verb does and takes.\n"
                "\n"
                "Options:\n"
                "  -h, --help    Show this help, and exit.\n"
                "  -V, --version Show the version, and exit.\n",
                out);
}

static const struct verb *find(const char *name)
{
    for (size_t i = 0; i < VERBS; i++) {
        if (strcmp(verbs[i]->name, name) == 0)
            return verbs[i];
    }
    return NULL;
}

static int tell_unknown(const char *name)
{
    const char *names[VERBS + 1] = {[VERBS] = "help"};

    for (size_t i = 0; i < VERBS; i++)
        names[i] = verbs[i]->name;
    const char *nearest = text_nearest(name, names, VERBS + 1);
    (void)fprintf(stderr, "altimeter: unknown verb '%s'", name);
    if (nearest)
        (void)fprintf(stderr, "; did you mean '%s'?", nearest);
    (void)fputs("\nTry 'altimeter help'.\n", stderr);
    return EXIT_USAGE;
}

static int help(const char *name)
{
    char help_option[] = "--help";

    if (!name) {
        write_help(stdout);
        return EXIT_SUCCESS;
    }
    const struct verb *verb = find(name);
    if (!verb)
        return tell_unknown(name);
    char *words[] = {help_option, help_option, NULL}; // the first is not looked at
    return verb->run(2, words);
}

static bool is_option(const char *word, const char *letter, const char *name)
{
    return strcmp(word, letter) == 0 || strcmp(word, name) == 0;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        write_help(stderr);
        return EXIT_USAGE;
    }
    if (is_option(argv[1], "-V", "--version")) {
        (void)printf("altimeter %s\n", ALTIMETER_VERSION);
        return EXIT_SUCCESS;
    }
    if (is_option(argv[1], "-h", "--help"))
        return help(NULL);
    if (strcmp(argv[1], "help") == 0)
        return help(argc > 2 ? argv[2] : NULL);

    const struct verb *verb = find(argv[1]);
    if (!verb)
        return tell_unknown(argv[1]);
    return verb->run(argc - 1, argv + 1);
}
