/* config_manual: the table of keys as a manual page (scdoc), as a commented file, and as its defaults. */
#include "config.h"
#include "config_keys.h"

#include <string.h>

enum { DESCRIPTION_SIZE = 1000 };

static bool is_of_neighbour(const struct config_key *key)
{
    return strstr(key->path, "[]") != NULL;
}

void config_write_defaults(const char *parent, FILE *out)
{
    bool neighbour = *parent != '\0';

    for (size_t i = 0; i < CONFIG_KEYS; i++) {
        const struct config_key *key = &config_keys[i];

        if (is_of_neighbour(key) != neighbour)
            continue;
        if (key->type == CONFIG_SECTION)
            (void)fprintf(out, "%s:\n", key->path);
        else if (key->fallback)
            (void)fprintf(out, "%s%s: %s\n", neighbour ? "" : "  ", config_key_leaf(key),
                          key->fallback);
    }
}

/* A comment of whole words behind `indent` blanks. */
static void write_comment(FILE *out, int indent, const char *text)
{
    enum { WIDTH = 100 };
    size_t column = 0; // of the line so far; 0: none is begun

    while (*text) {
        size_t word = strcspn(text, " ");
        if (column == 0 || column + 1 + word > WIDTH)
            column = (size_t)fprintf(out, "%s%*s#", column ? "\n" : "", indent, "");
        column += (size_t)fprintf(out, " %.*s", (int)word, text);
        text += word;
        text += strspn(text, " ");
    }
    (void)fputc('\n', out);
}

/* The help, and what happens without the key. */
static void describe(const struct config_key *key, char out[DESCRIPTION_SIZE])
{
    size_t used = (size_t)snprintf(out, DESCRIPTION_SIZE, "%s", key->help);

    if (key->absent)
        (void)snprintf(out + used, DESCRIPTION_SIZE - used, " Without it, %s.", key->absent);
}

static void write_example_key(FILE *out, const struct config_key *key)
{
    bool is_first = is_of_neighbour(key) && key[-1].type == CONFIG_NEIGHBOURS;
    char text[DESCRIPTION_SIZE], kind[CONFIG_TEXT_SIZE], comment[DESCRIPTION_SIZE + 16];

    describe(key, text);
    (void)snprintf(comment, sizeof comment, "%s (%s)", text, config_kind(key, kind));
    write_comment(out, 2, comment);
    if (key->type == CONFIG_NEIGHBOURS)
        (void)fprintf(out, "  #%s:\n", config_key_leaf(key));
    else
        (void)fprintf(out, "  #%s%s: %s\n",
                      is_first               ? "- "
                      : is_of_neighbour(key) ? "  "
                                             : "",
                      config_key_leaf(key), key->fallback ? key->fallback : key->example);
}

void config_write_example(FILE *out)
{
    (void)fprintf(
        out,
        "# altimeter.yaml: one configuration for all programs of Altimeter.\n"
        "#\n"
        "# A key behind \"#\" shows its default, or an example where it has none: remove the "
        "\"#\"\n"
        "# to set it. See altimeter.yaml(5); `altimeter check-config FILE` tells every mistake\n"
        "# of a file.\n");
    for (size_t i = 0; i < CONFIG_KEYS; i++) {
        const struct config_key *key = &config_keys[i];

        if (key->type != CONFIG_SECTION) {
            write_example_key(out, key);
            continue;
        }
        (void)fputc('\n', out);
        write_comment(out, 0, key->help);
        (void)fprintf(out, "%s:\n", key->path);
    }
}

/* scdoc gives some characters a meaning: those get a backslash. */
static void write_escaped(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (strchr("\\*_<>#|", *text))
            (void)fputc('\\', out);
        (void)fputc(*text, out);
    }
}

static void write_manual_key(FILE *out, const struct config_key *key)
{
    char text[DESCRIPTION_SIZE], kind[CONFIG_TEXT_SIZE];

    describe(key, text);
    (void)fputc('*', out);
    write_escaped(out, key->path);
    (void)fputs("* (", out);
    write_escaped(out, config_kind(key, kind));
    if (key->fallback) {
        (void)fputs("; default ", out);
        write_escaped(out, key->fallback);
    } else if (!key->absent) {
        (void)fputs("; required", out);
    }
    (void)fputs(")\n\t", out);
    write_escaped(out, text);
    (void)fputs("\n\n", out);
}

static const char manual_head[] =
    "altimeter.yaml(5)\n"
    "\n"
    "# NAME\n"
    "\n"
    "altimeter.yaml - the configuration of Altimeter\n"
    "\n"
    "# SYNOPSIS\n"
    "\n"
    "/etc/altimeter/altimeter.yaml\n"
    "\n"
    "# DESCRIPTION\n"
    "\n"
    "All programs of Altimeter read this one file. It is YAML: sections with keys, where every "
    "key\n"
    "has a default unless it says otherwise; an empty file is a good one. Anchors, aliases, "
    "merges,\n"
    "tags, repeated keys and several documents are mistakes, and so is a key that is not listed\n"
    "here.\n"
    "\n"
    "A program that starts with mistakes in its configuration tells them and exits; one that "
    "re-reads\n"
    "it on SIGHUP keeps the old one in force. *altimeter check-config* tells all mistakes, each\n"
    "with file, line, column, key, value and what was expected.\n"
    "\n"
    "Durations are written with their unit: 350ms, 10s, 5min, 1h, 30d; sizes as well: 500MB, 8GB,\n"
    "8GiB. A file with a secret must have mode 0600, or it is refused.\n"
    "\n";

static const char manual_tail[] =
    "# EXAMPLE\n"
    "\n"
    "```\n"
    "speaker:\n"
    "  asn: 64500\n"
    "  router_id: 192.0.2.10\n"
    "  neighbours:\n"
    "    - name: rr1\n"
    "      address: 192.0.2.1\n"
    "    - name: rr2\n"
    "      address: 192.0.2.2\n"
    "      unicast: grpc\n"
    "server:\n"
    "  listen: [127.0.0.1:8080, \"[::1]:8080\"]\n"
    "```\n"
    "\n"
    "# SEE ALSO\n"
    "\n"
    "*altimeter*(1), *altimeter-collector*(8), *altimeter-mapgen*(8), *altimeter-server*(8)\n";

void config_write_manual(FILE *out)
{
    (void)fputs(manual_head, out);
    for (size_t i = 0; i < CONFIG_KEYS; i++) {
        const struct config_key *key = &config_keys[i];

        if (key->type != CONFIG_SECTION) {
            write_manual_key(out, key);
            continue;
        }
        (void)fprintf(out, "# SECTION %s\n\n", key->path);
        write_escaped(out, key->help);
        (void)fputs("\n\n", out);
    }
    (void)fputs(manual_tail, out);
}
