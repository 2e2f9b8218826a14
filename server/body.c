/* body: see body.h.
 *
 * A first pass of ours over the bytes checks what libyajl lets through or mends (a lone surrogate becomes "?"),
 * then libyajl gives events, which hang values under their parents in the arena: one piece of memory a value
 * and none of its own. Duplicate names are looked for when an object ends, by sorting: a client that sends a
 * hundred thousand members costs no more than their number's logarithm. */
#include "body.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

enum { SHOWN_MOST = 300 }; // more than an error shows of a value

struct parse {
    struct arena *arena;
    struct body_value *root;
    struct body_value *open[BODY_DEPTH]; // objects and arrays, outermost first
    struct body_value *last[BODY_DEPTH]; // newest child of each
    size_t depth;
    const char *name;    // of the member whose value comes
    const char *mistake; // NULL: none of ours yet
};

/* ---- The first pass ---- */

/* Bytes of the UTF-8 character at the front; 0: it is none (RFC 3629 section 4). */
static size_t utf8_length(const uint8_t *at, size_t left)
{
    static const struct {
        uint8_t first_low, first_high, second_low, second_high;
        size_t length;
    } forms[] = {
        {0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (at[0] < forms[i].first_low || at[0] > forms[i].first_high)
            continue;
        if (forms[i].length > left ||
            (forms[i].length > 1 && (at[1] < forms[i].second_low || at[1] > forms[i].second_high)))
            return 0;
        for (size_t j = 2; j < forms[i].length; j++)
            if (at[j] < 0x80 || at[j] > 0xbf)
                return 0;
        return forms[i].length;
    }
    return 0;
}

/* The number of an escape `\uXXXX` at the front; -1: it is none. */
static int escape_value(const uint8_t *at, size_t left)
{
    int value = 0;

    if (left < 6 || at[0] != '\\' || at[1] != 'u')
        return -1;
    for (int i = 2; i < 6; i++) {
        uint8_t c = at[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* An escape in a string: how many bytes it takes; 0: *mistake. */
static size_t check_escape(const uint8_t *at, size_t left, const char **mistake)
{
    int value = escape_value(at, left);

    if (value < 0)
        return left < 2 ? 1 : 2; // of one character, or a mistake that libyajl finds
    if (value == 0)
        *mistake = "U+0000 in a string";
    else if (value >= 0xdc00 && value <= 0xdfff)
        *mistake = "a lone surrogate";
    if (*mistake)
        return 0;
    if (value < 0xd800 || value > 0xdbff)
        return 6;
    int low = escape_value(at + 6, left - 6);
    if (low >= 0xdc00 && low <= 0xdfff)
        return 12;
    *mistake = "a lone surrogate";
    return 0;
}

static bool is_line_break_or_tab(uint8_t byte)
{
    return byte == '\t' || byte == '\r' || byte == '\n';
}

/* Where the first mistake is, or length. */
static size_t check_bytes(const uint8_t *bytes, size_t length, const char **mistake)
{
    bool in_string = false, has_ended = false;
    size_t at = 0;
    unsigned depth = 0;

    if (length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
        *mistake = "a byte order mark";
    while (at < length && !*mistake) {
        size_t step = utf8_length(bytes + at, length - at);
        if (step == 0)
            *mistake = "not UTF-8";
        else if (bytes[at] < 0x20 && (in_string || !is_line_break_or_tab(bytes[at])))
            *mistake = "a control character"; // libyajl 2.1 takes a NUL for the end of a number
        else if (has_ended && bytes[at] != ' ' && !is_line_break_or_tab(bytes[at]))
            *mistake =
                "something behind the object"; // libyajl 2.1 lets an unfinished word there pass
        else if (in_string && bytes[at] == '\\')
            step = check_escape(bytes + at, length - at, mistake);
        else if (bytes[at] == '"')
            in_string = !in_string;
        else if (!in_string && (bytes[at] == '{' || bytes[at] == '[') && ++depth > BODY_DEPTH)
            *mistake = "nested too deeply";
        else if (!in_string && (bytes[at] == '}' || bytes[at] == ']') && depth)
            has_ended = --depth == 0;
        at += *mistake ? 0 : step;
    }
    return at;
}

/* ---- Events ---- */

static struct body_value *add_value(struct parse *parse, enum body_type type, const char *text)
{
    struct body_value *value = arena_alloc(parse->arena, 1, sizeof *value);

    *value =
        (struct body_value){.type = type, .name = parse->name ? parse->name : "", .text = text};
    parse->name = NULL;
    if (!parse->depth) {
        parse->root = value;
        return value;
    }
    struct body_value *parent = parse->open[parse->depth - 1],
                      **last = &parse->last[parse->depth - 1];
    if (*last)
        (*last)->next = value;
    else
        parent->first = value;
    *last = value;
    parent->count++;
    return value;
}

static void open_value(struct parse *parse, enum body_type type)
{
    struct body_value *value = add_value(parse, type, "");

    assert(parse->depth < BODY_DEPTH); // the first pass has counted
    parse->last[parse->depth] = NULL;
    parse->open[parse->depth++] = value;
}

static int on_null(void *context)
{
    (void)add_value(context, BODY_NULL, "null");
    return 1;
}

static int on_boolean(void *context, int value)
{
    (void)add_value(context, BODY_BOOLEAN, value ? "true" : "false");
    return 1;
}

static int on_number(void *context, const char *text, size_t length)
{
    struct parse *parse = context;

    (void)add_value(parse, BODY_NUMBER, arena_text(parse->arena, text, length));
    return 1;
}

static int on_string(void *context, const unsigned char *text, size_t length)
{
    struct parse *parse = context;

    (void)add_value(parse, BODY_STRING, arena_text(parse->arena, (const char *)text, length));
    return 1;
}

static int on_name(void *context, const unsigned char *text, size_t length)
{
    struct parse *parse = context;

    parse->name = arena_text(parse->arena, (const char *)text, length);
    return 1;
}

static int on_object(void *context)
{
    open_value(context, BODY_OBJECT);
    return 1;
}

static int on_array(void *context)
{
    open_value(context, BODY_ARRAY);
    return 1;
}

static int on_array_end(void *context)
{
    ((struct parse *)context)->depth--;
    return 1;
}

static int compare_names(const void *a, const void *b)
{
    const char *const *left = a, *const *right = b;

    return strcmp(*left, *right);
}

static int on_object_end(void *context)
{
    struct parse *parse = context;
    const struct body_value *object = parse->open[--parse->depth];
    const char **names = arena_alloc(parse->arena, object->count, sizeof *names);
    size_t count = 0;

    for (const struct body_value *member = object->first; member; member = member->next)
        names[count++] = member->name;
    qsort(names, count, sizeof *names, compare_names);
    for (size_t i = 1; i < count; i++)
        if (strcmp(names[i - 1], names[i]) == 0)
            parse->mistake = "a member name twice in one object";
    return !parse->mistake;
}

/* ---- Parsing ---- */

static const struct body_value *syntax_error(struct arena *arena, struct alto_error *problem,
                                             const char *what, const uint8_t *bytes, size_t at)
{
    size_t line = 1, column = 1;

    for (size_t i = 0; i < at; i++) {
        column = bytes[i] == '\n' ? 1 : column + 1;
        line += bytes[i] == '\n';
    }
    *problem = (struct alto_error){
        .code = "E_SYNTAX",
        .syntax_error = arena_format(arena, "line %zu, byte %zu: %s", line, column, what)};
    return NULL;
}

static bool run_yajl(struct parse *parse, const uint8_t *bytes, size_t length, size_t *at)
{
    static const yajl_callbacks callbacks = {
        .yajl_null = on_null,
        .yajl_boolean = on_boolean,
        .yajl_number = on_number,
        .yajl_string = on_string,
        .yajl_start_map = on_object,
        .yajl_map_key = on_name,
        .yajl_end_map = on_object_end,
        .yajl_start_array = on_array,
        .yajl_end_array = on_array_end,
    };
    yajl_handle yajl = yajl_alloc(&callbacks, NULL, parse);

    *at = 0;
    if (!yajl) {
        parse->mistake = "no memory to read it";
        return false;
    }
    (void)yajl_config(yajl, yajl_dont_validate_strings, 1); // done, and better
    bool ok = yajl_parse(yajl, bytes, length) == yajl_status_ok &&
              yajl_complete_parse(yajl) == yajl_status_ok;
    *at = yajl_get_bytes_consumed(yajl);
    yajl_free(yajl);
    return ok;
}

const struct body_value *body_parse(const uint8_t *bytes, size_t length, struct arena *arena,
                                    struct alto_error *problem)
{
    struct parse parse = {.arena = arena};
    size_t at = check_bytes(bytes, length, &parse.mistake);

    if (parse.mistake)
        return syntax_error(arena, problem, parse.mistake, bytes, at);
    if (!run_yajl(&parse, bytes, length, &at) || !parse.root)
        return syntax_error(arena, problem, parse.mistake ? parse.mistake : "not JSON", bytes,
                            at < length ? at : length);
    if (parse.root->type != BODY_OBJECT)
        return syntax_error(arena, problem, "not an object", bytes, 0);
    return parse.root;
}

const struct body_value *body_member(const struct body_value *object, const char *name)
{
    for (const struct body_value *member = object->first; member; member = member->next)
        if (strcmp(member->name, name) == 0)
            return member;
    return NULL;
}

/* Compact JSON up to SHOWN_MOST bytes. */
// NOLINTNEXTLINE(misc-no-recursion): BODY_DEPTH bounds it
static void show(const struct body_value *value, struct text *out)
{
    bool is_object = value->type == BODY_OBJECT;

    if (out->length > SHOWN_MOST)
        return;
    if (value->type == BODY_STRING) {
        text_add_json(out, value->text);
    } else if (value->type == BODY_ARRAY || is_object) {
        text_add_string(out, is_object ? "{" : "[");
        for (const struct body_value *child = value->first; child && out->length <= SHOWN_MOST;
             child = child->next) {
            if (child != value->first)
                text_add_string(out, ",");
            if (is_object) {
                text_add_json(out, child->name);
                text_add_string(out, ":");
            }
            show(child, out);
        }
        text_add_string(out, is_object ? "}" : "]");
    } else {
        text_add_string(out, value->text);
    }
}

const char *body_shown(const struct body_value *value, struct arena *arena)
{
    struct text out = {0};

    if (value->type == BODY_STRING)
        return value->text;
    show(value, &out);
    const char *shown = arena_text(arena, out.bytes, out.length);
    free(out.bytes);
    return shown;
}
