/* config: from a file's bytes to struct config.
 *
 * Three passes over a file that is read whole. The first takes libyaml's events and refuses what this
 * configuration has no use for and what would surprise (anchors, aliases, tags, several documents, deep
 * nesting): the document tree no longer shows them. The second walks the tree beside the table of keys.
 * The third compares values with each other (config_check.c). Each notes what it finds and goes on, so that
 * one look at the messages is enough to mend a file. */
#include "config.h"

#include "config_keys.h"
#include "config_problems.h"
#include "text.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>

const char config_default_path[] = "/etc/altimeter/altimeter.yaml";

enum {
    FILE_LIMIT = 1 << 20, // bytes: a thousand neighbours take a fifth of it
    DEPTH_LIMIT = 16,     // ours has five levels; libyaml's time grows with the square of the depth
    NEIGHBOUR_LIMIT = 1024,
    LIST_LIMIT = 16, // items of a list of words or endpoints
    LABEL_SIZE = 128,
};

struct reader {
    struct config *config;
    struct config_problems *problems;
    struct arena *scratch;
    yaml_document_t *document;
    struct config_neighbour neighbour; // one with the defaults
    struct config_neighbour *neighbours;
    struct config_places places, *neighbour_places;
};

static const char neighbour_path[] = "speaker.neighbours[]";

/* A mapping that is being read: which keys it may have, where they are kept, where they stood. */
struct scope {
    const char *path;
    void *base;
    struct config_places *places;
};

static struct config_place place_of(yaml_mark_t mark)
{
    return (struct config_place){mark.line + 1, mark.column + 1};
}

/* ---- The first pass ---- */

/* Whether a tab stands at the mark, whose index counts characters and not bytes. */
static bool is_tab_at(const char *text, size_t length, yaml_mark_t mark)
{
    size_t at = 0;

    for (size_t line = 0; at < length && line < mark.line; at++)
        line += text[at] == '\n';
    for (size_t column = 0; at < length && column < mark.column; column++)
        for (at++; at < length && (text[at] & 0xc0) == 0x80;)
            at++;
    return at < length && text[at] == '\t';
}

/* libyaml knows the place of what the scanner and the parser refuse; of bytes that are no text, only the
 * offset. */
static void tell_syntax(struct config_problems *problems, const yaml_parser_t *parser,
                        const char *text, size_t length)
{
    struct config_place place = place_of(parser->problem_mark);
    const char *problem = parser->problem ? parser->problem : "libyaml has no memory";

    if (parser->error == YAML_READER_ERROR) {
        place = (struct config_place){1, 1};
        for (size_t i = 0; i < parser->problem_offset; i++) {
            bool is_newline = text[i] == '\n', continues = (text[i] & 0xc0) == 0x80;
            place.line += is_newline;
            place.column = is_newline ? 1 : place.column + !continues;
        }
        config_problem(problems, place, "%s (0x%02x); expected UTF-8 text", problem,
                       (unsigned)parser->problem_value);
        return;
    }
    if (is_tab_at(text, length, parser->problem_mark))
        config_problem(problems, place, "a tab; YAML is indented with spaces");
    else if (parser->context)
        config_problem(problems, place, "%s, %s (line %zu)", problem, parser->context,
                       parser->context_mark.line + 1);
    else
        config_problem(problems, place, "%s", problem);
}

/* false: the tree is not worth a walk. */
static bool check_event(struct config_problems *problems, const yaml_event_t *event,
                        unsigned *documents, unsigned *depth)
{
    struct config_place place = place_of(event->start_mark);
    const char *anchor = NULL, *tag = NULL;
    char shown[CONFIG_SHOWN_SIZE];

    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (++*documents > 1) {
            config_problem(problems, place, "a second document; expected one");
            return false;
        }
        break;
    case YAML_ALIAS_EVENT:
        anchor = (const char *)event->data.alias.anchor;
        config_problem(problems, place, "alias '*%s'; expected the value itself",
                       config_shown(anchor, strlen(anchor), shown));
        return true;
    case YAML_SCALAR_EVENT:
        anchor = (const char *)event->data.scalar.anchor;
        tag = (const char *)event->data.scalar.tag;
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = (const char *)event->data.sequence_start.anchor;
        tag = (const char *)event->data.sequence_start.tag;
        ++*depth;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = (const char *)event->data.mapping_start.anchor;
        tag = (const char *)event->data.mapping_start.tag;
        ++*depth;
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        --*depth;
        break;
    default:
        break;
    }
    if (anchor)
        config_problem(problems, place, "anchor '&%s'; expected the value alone",
                       config_shown(anchor, strlen(anchor), shown));
    if (tag) // its %XX are characters again, of any kind
        config_problem(problems, place, "tag '%s'; expected the value alone",
                       config_shown(tag, strlen(tag), shown));
    if (*depth > DEPTH_LIMIT) {
        config_problem(problems, place, "more than %d levels", DEPTH_LIMIT);
        return false;
    }
    return true;
}

static void parser_begin(yaml_parser_t *parser, const char *text, size_t length)
{
    if (!yaml_parser_initialize(parser))
        error_fatal("out of memory: libyaml's parser");
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(parser, (const unsigned char *)text, length);
}

static bool check_events(struct config_problems *problems, const char *text, size_t length)
{
    yaml_parser_t parser;
    yaml_event_t event;
    unsigned documents = 0, depth = 0;
    bool ok = true, at_end = false;

    parser_begin(&parser, text, length);
    while (ok && !at_end) {
        if (!yaml_parser_parse(&parser, &event)) {
            tell_syntax(problems, &parser, text, length);
            ok = false;
            break;
        }
        at_end = event.type == YAML_STREAM_END_EVENT;
        ok = check_event(problems, &event, &documents, &depth);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return ok;
}

/* ---- The second pass ---- */

static const yaml_node_t *node_at(const struct reader *reader, int index)
{
    return yaml_document_get_node(reader->document, index);
}

static const char *scalar_text(const yaml_node_t *node)
{
    return (const char *)node->data.scalar.value;
}

/* What stands for "nothing": `key:` alone, `~`, `null`. Between quotes they are texts. */
static bool is_null(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (node->data.scalar.length == 0 || strcmp(scalar_text(node), "~") == 0 ||
            strcmp(scalar_text(node), "null") == 0);
}

static const char *kind_of(const yaml_node_t *node)
{
    if (is_null(node))
        return "no value";
    if (node->type == YAML_SCALAR_NODE)
        return "a single value";
    return node->type == YAML_SEQUENCE_NODE ? "a list" : "keys with values";
}

static void *member(const struct scope *scope, size_t offset)
{
    return (char *)scope->base + offset;
}

static void tell_kind(struct reader *reader, const struct config_key *key, const yaml_node_t *node,
                      const char *expected)
{
    config_problem(reader->problems, place_of(node->start_mark), "%s: %s; expected %s", key->path,
                   kind_of(node), expected);
}

static bool read_scalar(struct reader *reader, const struct config_key *key,
                        const yaml_node_t *node, void *into)
{
    char why[CONFIG_TEXT_SIZE];

    if (node->type != YAML_SCALAR_NODE || is_null(node)) {
        tell_kind(reader, key, node, config_expected(key, why));
        return false;
    }
    if (config_value_read(key, scalar_text(node), node->data.scalar.length, reader->config->arena,
                          into, why))
        return true;
    config_problem(reader->problems, place_of(node->start_mark), "%s: %s", key->path, why);
    return false;
}

/* The items of a list with at least one and at most `limit`. NULL: told. */
static const yaml_node_item_t *list_items(struct reader *reader, const struct config_key *key,
                                          const yaml_node_t *node, size_t limit, size_t *count)
{
    char expected[CONFIG_TEXT_SIZE], text[CONFIG_TEXT_SIZE + 16];

    if (node->type != YAML_SEQUENCE_NODE) {
        (void)snprintf(text, sizeof text, "a list of %s", config_expected(key, expected));
        tell_kind(reader, key, node, key->type == CONFIG_NEIGHBOURS ? expected : text);
        return NULL;
    }
    *count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    if (*count == 0 && key->type != CONFIG_NEIGHBOURS) {
        config_problem(reader->problems, place_of(node->start_mark),
                       "%s: an empty list; expected at least one item", key->path);
        return NULL;
    }
    if (*count > limit) {
        config_problem(reader->problems, place_of(node->start_mark),
                       "%s: %zu items; expected at most %zu", key->path, *count, limit);
        return NULL;
    }
    return node->data.sequence.items.start;
}

static size_t word_count(const struct config_key *key)
{
    size_t count = 0;

    while (key->words[count])
        count++;
    return count;
}

static void read_word_set(struct reader *reader, const struct config_key *key,
                          const yaml_node_t *node, bool *set)
{
    size_t count, words = word_count(key);
    const yaml_node_item_t *items = list_items(reader, key, node, LIST_LIMIT, &count);

    assert(words <= LIST_LIMIT);
    if (!items)
        return;
    memset(set, 0, words * sizeof *set);
    for (size_t i = 0; i < count; i++) {
        const yaml_node_t *item = node_at(reader, items[i]);
        bool one[LIST_LIMIT] = {false};

        if (!read_scalar(reader, key, item, one))
            continue;
        for (size_t word = 0; word < words; word++) {
            if (one[word] && set[word])
                config_problem(reader->problems, place_of(item->start_mark),
                               "%s: value '%s' stands twice", key->path, key->words[word]);
            set[word] |= one[word];
        }
    }
}

static void read_endpoints(struct reader *reader, const struct config_key *key,
                           const yaml_node_t *node, const struct scope *scope)
{
    size_t count;
    const yaml_node_item_t *items = list_items(reader, key, node, LIST_LIMIT, &count);

    if (!items)
        return;
    struct endpoint *list = arena_alloc(reader->config->arena, count, sizeof *list);
    for (size_t i = 0; i < count; i++) {
        const yaml_node_t *item = node_at(reader, items[i]);

        if (!read_scalar(reader, key, item, &list[i]))
            continue;
        for (size_t other = 0; other < i; other++) {
            if (list[other].text && strcmp(list[other].text, list[i].text) == 0)
                config_problem(reader->problems, place_of(item->start_mark),
                               "%s: value '%s' stands twice", key->path, list[i].text);
        }
    }
    *(const struct endpoint **)member(scope, key->into) = list;
    *(size_t *)member(scope, key->count) = count;
}

/* Of the keys that a neighbour must have. */
static void tell_missing(struct reader *reader, const yaml_node_t *node, const struct scope *scope)
{
    char expected[CONFIG_TEXT_SIZE];

    for (size_t i = 0; i < CONFIG_KEYS; i++) {
        const struct config_key *key = &config_keys[i];

        if (!key->fallback && !key->absent && config_key_is_in(key, scope->path) &&
            !scope->places->keys[i].line)
            config_problem(reader->problems, place_of(node->start_mark), "%s: missing; expected %s",
                           key->path, config_expected(key, expected));
    }
}

/* Sections nest: the one function that must be known before it stands. How deep is bounded twice, by the table
 * of keys, where a section leads to longer paths only, and by DEPTH_LIMIT. */
// NOLINTBEGIN(misc-no-recursion)
static void read_mapping(struct reader *reader, const yaml_node_t *node, const struct scope *scope);

static void read_neighbours(struct reader *reader, const struct config_key *key,
                            const yaml_node_t *node)
{
    struct config *config = reader->config;
    size_t count;

    if (is_null(node))
        return; // all of them are commented out
    const yaml_node_item_t *items = list_items(reader, key, node, NEIGHBOUR_LIMIT, &count);
    if (!items)
        return;
    struct config_neighbour *list = arena_alloc(config->arena, count, sizeof *list);
    reader->neighbour_places =
        arena_alloc(reader->scratch, count, sizeof *reader->neighbour_places);
    config->speaker.neighbours = reader->neighbours = list;
    config->speaker.neighbour_count = count;
    for (size_t i = 0; i < count; i++) {
        struct scope scope = {neighbour_path, &list[i], &reader->neighbour_places[i]};
        const yaml_node_t *item = node_at(reader, items[i]);

        list[i] = reader->neighbour;
        if (item->type != YAML_MAPPING_NODE) {
            tell_kind(reader, key, item, "a neighbour's keys with values");
            continue;
        }
        read_mapping(reader, item, &scope);
        tell_missing(reader, item, &scope);
    }
}

static void read_key(struct reader *reader, const struct config_key *key, const yaml_node_t *node,
                     const struct scope *scope)
{
    struct scope inner = {key->path, scope->base, scope->places};

    switch (key->type) {
    case CONFIG_SECTION:
        if (node->type == YAML_MAPPING_NODE)
            read_mapping(reader, node, &inner);
        else if (!is_null(node)) // null: all of its keys are commented out
            tell_kind(reader, key, node, "keys with values");
        break;
    case CONFIG_NEIGHBOURS:
        read_neighbours(reader, key, node);
        break;
    case CONFIG_TCP_LIST:
        read_endpoints(reader, key, node, scope);
        break;
    case CONFIG_WORD_SET:
        read_word_set(reader, key, node, member(scope, key->into));
        break;
    default:
        (void)read_scalar(reader, key, node, member(scope, key->into));
    }
}

/* An unknown key: the nearest of its mapping, or the same word elsewhere, or all that may stand here. */
static void tell_unknown(struct reader *reader, const struct scope *scope, const char *name,
                         size_t length, struct config_place place)
{
    const char *names[CONFIG_KEYS], *elsewhere = NULL;
    char label[LABEL_SIZE], shown[CONFIG_SHOWN_SIZE], list[CONFIG_TEXT_SIZE] = "";
    size_t count = 0, used = 0;

    (void)snprintf(label, sizeof label, "%s%s%s", scope->path, *scope->path ? "." : "",
                   config_shown(name, length, shown));
    for (size_t i = 0; i < CONFIG_KEYS; i++) {
        const struct config_key *key = &config_keys[i];
        if (config_key_is_in(key, scope->path)) {
            names[count++] = config_key_leaf(key);
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "",
                                     config_key_leaf(key));
            assert(used < sizeof list);
        } else if (!elsewhere && strcmp(config_key_leaf(key), name) == 0) {
            elsewhere = key->path;
        }
    }
    const char *nearest = text_nearest(name, names, count);
    if (nearest)
        config_problem(reader->problems, place, "%s: unknown key; did you mean '%s'?", label,
                       nearest);
    else if (elsewhere)
        config_problem(reader->problems, place, "%s: unknown key; did you mean %s?", label,
                       elsewhere);
    else
        config_problem(reader->problems, place, "%s: unknown key; expected one of %s", label, list);
}

static void read_pair(struct reader *reader, const yaml_node_t *name, const yaml_node_t *value,
                      const struct scope *scope)
{
    struct config_place place = place_of(name->start_mark);

    if (name->type != YAML_SCALAR_NODE) {
        config_problem(reader->problems, place, "%s as a key; expected a word", kind_of(name));
        return;
    }
    if (strcmp(scalar_text(name), "<<") == 0) {
        config_problem(reader->problems, place, "merge '<<'; expected the keys themselves");
        return;
    }
    const struct config_key *key = config_key_find(scope->path, scalar_text(name));
    if (!key || strlen(scalar_text(name)) != name->data.scalar.length) {
        tell_unknown(reader, scope, scalar_text(name), name->data.scalar.length, place);
        return;
    }
    struct config_place *seen = &scope->places->keys[key - config_keys];
    if (seen->line) {
        config_problem(reader->problems, place, "%s: stands twice; first in line %zu", key->path,
                       seen->line);
        return;
    }
    *seen = place;
    read_key(reader, key, value, scope);
}

static void read_mapping(struct reader *reader, const yaml_node_t *node, const struct scope *scope)
{
    const yaml_node_pair_t *pair = node->data.mapping.pairs.start;

    for (; pair < node->data.mapping.pairs.top; pair++)
        read_pair(reader, node_at(reader, pair->key), node_at(reader, pair->value), scope);
}

// NOLINTEND(misc-no-recursion)

/* The defaults of a scope take the way of a file, so there is one reader of values. Only a bug of ours, in
 * the table, can make it fail. */
static void read_defaults(struct reader *reader, const struct scope *scope)
{
    yaml_parser_t parser;
    yaml_document_t document;
    char *text = NULL;
    size_t length = 0;

    FILE *out = open_memstream(&text, &length);
    if (out)
        config_write_defaults(scope->path, out);
    if (!out || fclose(out) != 0)
        error_fatal("out of memory: the configuration's defaults");
    parser_begin(&parser, text, length);
    if (!yaml_parser_load(&parser, &document))
        error_fatal("the configuration's defaults cannot be read: %s", parser.problem);
    reader->document = &document;
    read_mapping(reader, yaml_document_get_root_node(&document), scope);
    reader->document = NULL;
    yaml_document_delete(&document);
    yaml_parser_delete(&parser);
    free(text);
}

/* What follows from other keys. */
static void derive(struct reader *reader)
{
    struct config *config = reader->config;
    struct arena *arena = config->arena;

    config->state.database = arena_format(arena, "%s/state.db", config->state.directory);
    if (!config->snapshots.directory)
        config->snapshots.directory = arena_format(arena, "%s/snapshots", config->state.directory);
    config->snapshots.map_directory =
        arena_format(arena, "%s/%s", config->snapshots.directory, config->map.name);
    assert(reader->neighbours || config->speaker.neighbour_count == 0);
    for (size_t i = 0; i < config->speaker.neighbour_count; i++) {
        if (!reader->neighbours[i].asn)
            reader->neighbours[i].asn = config->speaker.asn;
    }
}

/* A file of nothing but comments, or `---` alone, has no root: everything is as by default. */
static void read_document(struct reader *reader, const char *text, size_t length)
{
    struct scope scope = {"", reader->config, &reader->places};
    yaml_parser_t parser;
    yaml_document_t document;

    parser_begin(&parser, text, length);
    if (!yaml_parser_load(&parser, &document)) {
        tell_syntax(reader->problems, &parser, text, length);
        yaml_parser_delete(&parser);
        return;
    }
    reader->document = &document;
    const yaml_node_t *root = yaml_document_get_root_node(&document);
    if (root && root->type == YAML_MAPPING_NODE)
        read_mapping(reader, root, &scope);
    else if (root && !is_null(root))
        config_problem(reader->problems, place_of(root->start_mark),
                       "%s; expected keys such as 'speaker:'", kind_of(root));
    reader->document = NULL;
    yaml_document_delete(&document);
    yaml_parser_delete(&parser);
}

struct config *config_parse(const char *name, const char *text, size_t length, FILE *problems,
                            struct error *err)
{
    struct arena *arena = arena_new(), *scratch = arena_new();
    struct config *config = arena_alloc(arena, 1, sizeof *config);
    struct reader reader = {.config = config, .scratch = scratch};
    struct config_places unused = {0};

    config->arena = arena;
    config->path = arena_text(arena, name, strlen(name));
    reader.problems = config_problems_new(scratch, config->path);
    read_defaults(&reader, &(struct scope){"", config, &unused});
    read_defaults(&reader, &(struct scope){neighbour_path, &reader.neighbour, &unused});
    assert(config_problems_errors(reader.problems) == 0);
    if (length > FILE_LIMIT) {
        config_problem(reader.problems, (struct config_place){0}, "%zu bytes; expected at most %d",
                       length, FILE_LIMIT);
    } else if (check_events(reader.problems, text, length)) {
        read_document(&reader, text, length);
        derive(&reader);
        config_cross_check(config, &reader.places, reader.neighbour_places, reader.problems);
    }
    bool ok = config_problems_tell(reader.problems, problems, err);
    config->warnings = config_problems_warnings(reader.problems, arena, &config->warning_count);
    arena_free(scratch);
    if (ok)
        return config;
    config_free(config);
    return NULL;
}

/* Reads at most one byte more than the limit, so that config_parse sees what is too large. */
static bool read_file(const char *path, char **text, size_t *length, struct error *err)
{
    char *bytes = memory_alloc(FILE_LIMIT + 1, 1);
    size_t used = 0;
    ssize_t got;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        error_errno(err, errno, "%s: cannot be opened", path);
        free(bytes);
        return false;
    }
    while ((got = read(fd, bytes + used, FILE_LIMIT + 1 - used)) > 0)
        used += (size_t)got;
    int failure = errno;
    (void)close(fd);
    if (got < 0) {
        error_errno(err, failure, "%s: cannot be read", path);
        free(bytes);
        return false;
    }
    *text = bytes;
    *length = used;
    return true;
}

struct config *config_load(const char *path, FILE *problems, struct error *err)
{
    char *text = NULL;
    size_t length = 0;

    if (!read_file(path, &text, &length, err)) {
        if (problems)
            (void)fprintf(problems, "%s\n", err->text);
        return NULL;
    }
    struct config *config = config_parse(path, text, length, problems, err);
    free(text);
    return config;
}

bool config_report(const char *path, FILE *out, FILE *errors)
{
    struct error err;
    struct config *config = config_load(path, errors, &err);

    if (!config)
        return false;
    (void)fprintf(out, "%s: ok: %zu neighbours, map '%s' in %s, ALTO at %s\n", path,
                  config->speaker.neighbour_count, config->map.name,
                  config->snapshots.map_directory, config->server.listen[0].text);
    config_free(config);
    return true;
}

void config_free(struct config *config)
{
    if (config)
        arena_free(config->arena); // the config itself is in it
}
