/* command: words to changes of the backbone, changes to UPDATEs, UPDATEs to an answer. */
#include "command.h"

#include "command_bmp.h"
#include "command_session.h"
#include "export.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WORD_LIMIT = 8 };

struct words {
    char *word[WORD_LIMIT];
    size_t count; // the verb included
};

typedef bool run_command(struct lab *lab, const struct words *words, struct evbuffer *answer,
                         struct error *err);

static bool parse_uint(const char *text, uint64_t greatest, uint64_t *out)
{
    char *end;

    if (!*text || strspn(text, "0123456789") != strlen(text))
        return false;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);

    if (errno != 0 || value > greatest)
        return false;
    *out = value;
    return true;
}

static bool find_vertex(const struct lab *lab, const char *name, size_t *out, struct error *err)
{
    *out = scenario_find_vertex(backbone_scenario(lab->backbone), name);
    return *out != SIZE_MAX ||
           error_set(err, ERROR_INPUT, "\"%s\"; the name of a router expected", name);
}

static bool find_router(const struct lab *lab, const char *name, size_t *out, struct error *err)
{
    return find_vertex(lab, name, out, err) &&
           (*out < backbone_scenario(lab->backbone)->router_count ||
            error_set(err, ERROR_INPUT, "%s is a LAN; a router expected", name));
}

bool command_find_reflector(const struct lab *lab, const char *name, size_t *out, struct error *err)
{
    *out = scenario_find_reflector(backbone_scenario(lab->backbone), name);
    return *out != SIZE_MAX ||
           error_set(err, ERROR_INPUT, "\"%s\"; the name of a reflector expected", name);
}

static bool find_choice(const char *word, const char *yes, const char *no, bool *out,
                        struct error *err)
{
    if (strcmp(word, yes) != 0 && strcmp(word, no) != 0)
        return error_set(err, ERROR_INPUT, "\"%s\"; %s or %s expected", word, yes, no);
    *out = strcmp(word, yes) == 0;
    return true;
}

/* "[one-way] [link N]" from word `at` on. */
static bool read_link_options(const struct words *words, size_t at, bool *one_way, unsigned *index,
                              struct error *err)
{
    uint64_t number;

    *index = ALL_LINKS;
    if (one_way)
        *one_way = false;
    for (; at < words->count; at++) {
        if (one_way && strcmp(words->word[at], "one-way") == 0) {
            *one_way = true;
        } else if (strcmp(words->word[at], "link") == 0 && at + 1 < words->count &&
                   parse_uint(words->word[at + 1], LINK_LIMIT, &number) && number > 0) {
            *index = (unsigned)number;
            at++;
        } else {
            return error_set(err, ERROR_INPUT, "\"%s\"; %slink NUMBER expected", words->word[at],
                             one_way ? "one-way or " : "");
        }
    }
    return true;
}

void command_answer_sent(const struct sent *sent, struct evbuffer *answer)
{
    time_t seconds = (time_t)(sent->utc_us / 1000000);
    char text[32];
    struct tm utc;

    (void)gmtime_r(&seconds, &utc);
    (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    (void)evbuffer_add_printf(answer,
                              "ok updates=%zu octets=%zu sessions=%zu pending=%zu "
                              "utc=%s.%06uZ monotonic_us=%llu\n",
                              sent->updates, sent->octets, sent->sessions, sent->pending, text,
                              (unsigned)(sent->utc_us % 1000000),
                              (unsigned long long)sent->monotonic_us);
}

static bool settle(struct lab *lab, struct evbuffer *answer)
{
    size_t reflectors = backbone_scenario(lab->backbone)->reflector_count;
    struct blob **updates = memory_alloc(reflectors * FAMILIES, sizeof(struct blob *));
    struct sent sent = {0};

    backbone_settle(lab->backbone, updates);
    bmp_routers_send(lab->bmp, updates, &sent);
    speaker_send(lab->speaker, updates, &sent);
    free(updates);
    command_answer_sent(&sent, answer);
    return true;
}

// ---- verbs

static bool set_link_value(struct lab *lab, const struct words *words, enum link_value value,
                           struct evbuffer *answer, struct error *err)
{
    const struct link_value_row *row = &link_value_rows[value];
    size_t a = 0, b = 0;
    uint64_t number = 0;
    bool one_way = false;
    unsigned index = ALL_LINKS;

    if (!find_vertex(lab, words->word[1], &a, err) || !find_vertex(lab, words->word[2], &b, err))
        return false;
    if (!parse_uint(words->word[3], row->greatest, &number))
        return error_set(err, ERROR_INPUT, "%s: \"%s\"; a number from 0 to %llu expected", row->key,
                         words->word[3], (unsigned long long)row->greatest);
    return read_link_options(words, 4, &one_way, &index, err) &&
           backbone_set_link_value(lab->backbone, a, b, index, one_way, value, number, err) &&
           settle(lab, answer);
}

static bool run_metric(struct lab *lab, const struct words *words, struct evbuffer *answer,
                       struct error *err)
{
    return set_link_value(lab, words, LINK_METRIC, answer, err);
}

static bool run_delay(struct lab *lab, const struct words *words, struct evbuffer *answer,
                      struct error *err)
{
    return set_link_value(lab, words, LINK_DELAY, answer, err);
}

/* Any value of a link by its key in the file, in the unit of the JSON export. */
static bool run_value(struct lab *lab, const struct words *words, struct evbuffer *answer,
                      struct error *err)
{
    struct words rest = *words;
    enum link_value value = 0;

    while (value < LINK_VALUES && strcmp(link_value_rows[value].key, words->word[3]) != 0)
        value++;
    if (value == LINK_VALUES)
        return error_set(err, ERROR_INPUT, "\"%s\"; a key of a link such as loss expected",
                         words->word[3]);
    rest.count--;
    memmove(&rest.word[3], &rest.word[4], (rest.count - 3) * sizeof rest.word[0]);
    return set_link_value(lab, &rest, value, answer, err);
}

/* "anomalous A B delay|delay_min|loss on|off [one-way] [link N]" */
static bool run_anomalous(struct lab *lab, const struct words *words, struct evbuffer *answer,
                          struct error *err)
{
    enum link_value value = 0;
    size_t a = 0, b = 0;
    bool on = false, one_way = false;
    unsigned index = ALL_LINKS;

    while (value < LINK_VALUES && (!link_value_rows[value].has_anomalous ||
                                   strcmp(link_value_rows[value].key, words->word[3]) != 0))
        value++;
    if (value == LINK_VALUES)
        return error_set(err, ERROR_INPUT, "\"%s\"; delay, delay_min or loss expected",
                         words->word[3]);
    return find_vertex(lab, words->word[1], &a, err) && find_vertex(lab, words->word[2], &b, err) &&
           find_choice(words->word[4], "on", "off", &on, err) &&
           read_link_options(words, 5, &one_way, &index, err) &&
           backbone_set_link_anomalous(lab->backbone, a, b, index, one_way, value, on, err) &&
           settle(lab, answer);
}

static bool run_link(struct lab *lab, const struct words *words, struct evbuffer *answer,
                     struct error *err)
{
    size_t a = 0, b = 0;
    bool down = false;
    unsigned index = ALL_LINKS;

    return find_vertex(lab, words->word[1], &a, err) && find_vertex(lab, words->word[2], &b, err) &&
           find_choice(words->word[3], "down", "up", &down, err) &&
           read_link_options(words, 4, NULL, &index, err) &&
           backbone_set_link_down(lab->backbone, a, b, index, down, err) && settle(lab, answer);
}

static bool run_router(struct lab *lab, const struct words *words, struct evbuffer *answer,
                       struct error *err)
{
    size_t router = 0;
    bool down = false;

    if (!find_router(lab, words->word[1], &router, err) ||
        !find_choice(words->word[2], "down", "up", &down, err))
        return false;
    backbone_set_router_down(lab->backbone, router, down);
    return settle(lab, answer);
}

static bool run_overload(struct lab *lab, const struct words *words, struct evbuffer *answer,
                         struct error *err)
{
    size_t router = 0;
    bool on = false;

    if (!find_router(lab, words->word[1], &router, err) ||
        !find_choice(words->word[2], "on", "off", &on, err))
        return false;
    backbone_set_overload(lab->backbone, router, on);
    return settle(lab, answer);
}

/* "prefix P move ROUTER", "prefix P withdraw|announce [ROUTER]" */
static bool run_prefix(struct lab *lab, const struct words *words, struct evbuffer *answer,
                       struct error *err)
{
    size_t router = SIZE_MAX;
    struct net prefix;
    bool withdrawn;

    if (!net_parse_prefix(words->word[1], &prefix))
        return error_set(err, ERROR_INPUT, "\"%s\"; a prefix without host bits expected",
                         words->word[1]);
    if (words->count == 4 && !find_vertex(lab, words->word[3], &router, err))
        return false;
    if (strcmp(words->word[2], "move") == 0) {
        if (router == SIZE_MAX)
            return error_set(err, ERROR_INPUT, "move: the name of a router expected");
        return backbone_move_prefix(lab->backbone, &prefix, router, err) && settle(lab, answer);
    }
    if (strcmp(words->word[2], "withdraw") != 0 && strcmp(words->word[2], "announce") != 0)
        return error_set(err, ERROR_INPUT, "\"%s\"; move, withdraw or announce expected",
                         words->word[2]);
    withdrawn = strcmp(words->word[2], "withdraw") == 0;
    return backbone_withdraw_prefix(lab->backbone, &prefix, router, withdrawn, err) &&
           settle(lab, answer);
}

static bool run_session(struct lab *lab, const struct words *words, struct evbuffer *answer,
                        struct error *err)
{
    return command_session(lab, words->word, words->count, answer, err);
}

/* "object NAME withdraw|announce": an egress peer, or an object as it stands. */
static bool run_object(struct lab *lab, const struct words *words, struct evbuffer *answer,
                       struct error *err)
{
    bool withdrawn = false;

    return find_choice(words->word[2], "withdraw", "announce", &withdrawn, err) &&
           backbone_withdraw_object(lab->backbone, words->word[1], withdrawn, err) &&
           settle(lab, answer);
}

static bool run_export(struct lab *lab, const struct words *words, struct evbuffer *answer,
                       struct error *err)
{
    FILE *stream = fopen(words->word[1], "wb");

    if (!stream)
        return error_errno(err, errno, "%s", words->word[1]);
    bool ok = export_json(lab->backbone, stream);

    if (fclose(stream) != 0 || !ok)
        return error_errno(err, errno, "%s", words->word[1]);
    (void)evbuffer_add_printf(answer, "ok\n");
    return true;
}

static void print_reflector(struct lab *lab, size_t index, struct evbuffer *answer)
{
    const struct reflector *reflector = &backbone_scenario(lab->backbone)->reflectors[index];
    struct session_status session;
    char text[NET_TEXT_SIZE];

    (void)evbuffer_add_printf(answer, "  reflector %s %s %s:%u", reflector->name,
                              speaker_is_down(lab->speaker, index) ? "down at"
                              : reflector->calls                   ? "calling"
                                                                   : "listening at",
                              net_format_address(&reflector->address, text), reflector->port);
    for (enum family family = 0; family < FAMILIES; family++) {
        if (reflector->families[family])
            (void)evbuffer_add_printf(answer, " %s=%zu", family_names[family],
                                      backbone_count(lab->backbone, index, family));
    }
    (void)evbuffer_add_printf(answer, "\n");
    for (size_t i = 0; speaker_session(lab->speaker, index, i, &session); i++)
        (void)evbuffer_add_printf(
            answer, "  session %s %s %s seconds=%llu updates=%llu pending=%zu\n", reflector->name,
            session.peer, session.state, (unsigned long long)session.seconds,
            (unsigned long long)session.updates, session.pending);
}

static bool run_status(struct lab *lab, const struct words *words, struct evbuffer *answer,
                       struct error *err)
{
    const struct scenario *scenario = backbone_scenario(lab->backbone);

    (void)words;
    (void)err;
    for (size_t i = 0; i < scenario->reflector_count; i++)
        print_reflector(lab, i, answer);
    command_bmp_status(lab, answer);
    (void)evbuffer_add_printf(answer, "ok scenario=%s routers=%zu links=%zu\n", scenario->name,
                              scenario->router_count, scenario->link_count);
    return true;
}

static bool run_bmp(struct lab *lab, const struct words *words, struct evbuffer *answer,
                    struct error *err)
{
    return command_bmp(lab, words->word, words->count, answer, err);
}

static bool run_quit(struct lab *lab, const struct words *words, struct evbuffer *answer,
                     struct error *err)
{
    const struct timeval soon = {.tv_usec = 10000}; // so that the answer still goes out

    (void)words;
    (void)err;
    (void)evbuffer_add_printf(answer, "ok\n");
    (void)event_base_loopexit(lab->base, &soon);
    return true;
}

static run_command run_help;

static const struct verb {
    const char *name;
    size_t least, most; // words, the verb included
    run_command *run;
    const char *usage;
} verbs[] = {
    {"metric", 4, 7, run_metric, "metric A B NUMBER [one-way] [link N]"},
    {"delay", 4, 7, run_delay, "delay A B MICROSECONDS [one-way] [link N]"},
    {"value", 5, 8, run_value, "value A B KEY NUMBER [one-way] [link N]"},
    {"anomalous", 5, 8, run_anomalous,
     "anomalous A B delay|delay_min|loss on|off [one-way] [link N]"},
    {"link", 4, 6, run_link, "link A B down|up [link N]"},
    {"router", 3, 3, run_router, "router NAME down|up"},
    {"overload", 3, 3, run_overload, "overload NAME on|off"},
    {"prefix", 3, 4, run_prefix, "prefix PREFIX move ROUTER | withdraw|announce [ROUTER]"},
    {"object", 3, 3, run_object, "object NAME withdraw|announce"},
    {"session", 3, 6, run_session, "session REFLECTOR VERB …"},
    {"reflector", 4, WORD_LIMIT, run_session, "reflector NAME VERB …"},
    {"send", 3, 6, run_session, "send REFLECTOR …"},
    {"faults", 1, 1, run_session, "faults"},
    {"bmp", 3, WORD_LIMIT, run_bmp, "bmp ROUTER VERB …"},
    {"export", 2, 2, run_export, "export FILE"},
    {"status", 1, 1, run_status, "status"},
    {"help", 1, 1, run_help, "help"},
    {"quit", 1, 1, run_quit, "quit"},
};

static bool run_help(struct lab *lab, const struct words *words, struct evbuffer *answer,
                     struct error *err)
{
    (void)lab;
    (void)words;
    (void)err;
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        (void)evbuffer_add_printf(answer, "  %s\n", verbs[i].usage);
    for (const char *const *usage = command_session_usage; *usage; usage++)
        (void)evbuffer_add_printf(answer, "  %s\n", *usage);
    for (const char *const *usage = command_bmp_usage; *usage; usage++)
        (void)evbuffer_add_printf(answer, "  %s\n", *usage);
    (void)evbuffer_add_printf(answer, "ok\n");
    return true;
}

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    }
    return NULL;
}

static bool run_words(struct lab *lab, const struct words *words, struct evbuffer *answer,
                      struct error *err)
{
    if (words->count == 0)
        return error_set(err, ERROR_INPUT, "an empty line; a command expected, see help");
    const struct verb *verb = find_verb(words->word[0]);

    if (!verb)
        return error_set(err, ERROR_INPUT, "\"%s\"; a command expected, see help", words->word[0]);
    if (words->count < verb->least || words->count > verb->most)
        return error_set(err, ERROR_INPUT, "%zu words; expected: %s", words->count, verb->usage);
    return verb->run(lab, words, answer, err);
}

void command_run(struct lab *lab, char *line, struct evbuffer *answer)
{
    struct words words = {0};
    struct error err;
    char *rest = NULL;

    for (char *word = strtok_r(line, " \t\r", &rest); word; word = strtok_r(NULL, " \t\r", &rest)) {
        if (words.count == WORD_LIMIT) {
            (void)evbuffer_add_printf(answer, "error more than %d words; see help\n", WORD_LIMIT);
            return;
        }
        words.word[words.count++] = word;
    }
    if (!run_words(lab, &words, answer, &err))
        (void)evbuffer_add_printf(answer, "error %s\n", err.text);
}
