/* reader: a YAML tree against tables of keys.
 *
 * A tree, not events: sections can be visited in the order that the scenario needs (routers before
 * links), whatever order the file has. */
#include "reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool reader_open(struct reader *reader, const char *file, struct error *err)
{
    reader->file = file;
    reader->err = err;
    reader->scratch = arena_new();
    reader->root = tree_load(file, reader->scratch, err);
    if (!reader->root)
        arena_free(reader->scratch);
    return reader->root != NULL;
}

void reader_close(struct reader *reader)
{
    arena_free(reader->scratch);
}

bool reader_fail(struct reader *reader, const struct tree *node, const char *format, ...)
{
    char text[400];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return error_set(reader->err, ERROR_INPUT, "%s:%u:%u: %s", reader->file, node->line,
                     node->column, text);
}

const char *reader_text(struct reader *reader, const struct tree *node, const char *expected)
{
    if (node->shape != SHAPE_TEXT) {
        reader_fail(reader, node, "a %s; %s expected",
                    node->shape == SHAPE_MAPPING ? "mapping" : "list", expected);
        return NULL;
    }
    if (memchr(node->text, '\0', node->count)) {
        reader_fail(reader, node, "text with a NUL; %s expected", expected);
        return NULL;
    }
    return node->text;
}

static const struct key *find_key(const char *name, const struct key *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(keys[i].name, name) == 0)
            return &keys[i];
    }
    return NULL;
}

static bool unknown_key(struct reader *reader, const struct tree *node, const char *what,
                        const struct key *keys, size_t count)
{
    char names[300] = "";
    size_t used = 0;

    for (size_t i = 0; i < count && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "",
                                 keys[i].name);
    return reader_fail(reader, node, "%s: unknown key \"%s\"; expected one of: %s", what,
                       node->text, names);
}

static bool check_required(struct reader *reader, const struct tree *node, const char *what,
                           const struct key *keys, size_t count, uint64_t seen)
{
    for (size_t i = 0; i < count; i++) {
        if (keys[i].required && !(seen >> i & 1))
            return reader_fail(reader, node, "%s: key \"%s\" is missing", what, keys[i].name);
    }
    return true;
}

bool reader_mapping(struct reader *reader, const struct tree *node, const char *what,
                    const struct key *keys, size_t count, void *into)
{
    uint64_t seen = 0;

    if (node->shape != SHAPE_MAPPING)
        return reader_fail(reader, node, "%s: a mapping of keys expected", what);
    for (size_t i = 0; i < node->count; i += 2) {
        const struct tree *name = &node->items[i], *value = &node->items[i + 1];
        const char *text = reader_text(reader, name, "the name of a key");
        const struct key *key = text ? find_key(text, keys, count) : NULL;

        if (!text)
            return false;
        if (!key)
            return unknown_key(reader, name, what, keys, count);
        uint64_t bit = UINT64_C(1) << (key - keys);

        if (seen & bit)
            return reader_fail(reader, name, "%s: key \"%s\" is given twice", what, text);
        seen |= bit;
        if (!key->read(reader, value, key, (char *)into + key->offset))
            return false;
    }
    return check_required(reader, node, what, keys, count, seen);
}

size_t reader_count(const struct tree *node)
{
    return node->shape == SHAPE_LIST ? node->count : 1;
}

const struct tree *reader_item(const struct tree *node, size_t index)
{
    return node->shape == SHAPE_LIST ? &node->items[index] : node;
}

bool text_to_uint(const char *text, uint64_t high, uint64_t *out)
{
    uint64_t value = 0;

    if (!*text)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
            return false;
    }
    if (value > high)
        return false;
    *out = value;
    return true;
}

bool reader_uint(struct reader *reader, const struct tree *node, uint64_t low, uint64_t high,
                 const char *what, uint64_t *out)
{
    const char *text = reader_text(reader, node, "a number");
    uint64_t value;

    if (!text)
        return false;
    if (!text_to_uint(text, high, &value) || value < low)
        return reader_fail(reader, node, "%s: \"%s\"; a number from %llu to %llu expected", what,
                           text, (unsigned long long)low, (unsigned long long)high);
    *out = value;
    return true;
}

bool reader_decimal(struct reader *reader, const struct tree *node, const char *what, double *out)
{
    const char *text = reader_text(reader, node, "a number");

    if (!text)
        return false;
    size_t whole = strspn(text, "0123456789");
    size_t rest = text[whole] == '.' ? strspn(text + whole + 1, "0123456789") + 1 : 0;

    if (whole == 0 || whole > 15 || rest == 1 || rest > 12 || text[whole + rest])
        return reader_fail(reader, node, "%s: \"%s\"; a number such as 173.48 expected", what,
                           text);
    *out = strtod(text, NULL);
    return true;
}

bool read_name(struct reader *reader, const struct tree *node, const struct key *key, void *field)
{
    const char *text = reader_text(reader, node, "a name");

    if (!text)
        return false;
    size_t length = strlen(text);

    if (length == 0 || length > 63 ||
        strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-._") != length)
        return reader_fail(reader, node, "%s: \"%s\"; 1 to 63 of a-z, 0-9, '-', '.', '_' expected",
                           key->name, text);
    *(const char **)field = arena_text(reader->arena, text, length);
    return true;
}

bool read_line(struct reader *reader, const struct tree *node, const struct key *key, void *field)
{
    const char *text = reader_text(reader, node, "a line of text");

    if (!text)
        return false;
    if (key->high && node->count > key->high)
        return reader_fail(reader, node, "%s: %u octets; at most %llu expected", key->name,
                           node->count, (unsigned long long)key->high);
    *(const char **)field = arena_text(reader->arena, text, node->count);
    return true;
}

bool read_bool(struct reader *reader, const struct tree *node, const struct key *key, void *field)
{
    const char *text = reader_text(reader, node, "true or false");

    if (!text)
        return false;
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        return reader_fail(reader, node, "%s: \"%s\"; true or false expected", key->name, text);
    *(bool *)field = strcmp(text, "true") == 0;
    return true;
}

bool read_uint8(struct reader *reader, const struct tree *node, const struct key *key, void *field)
{
    uint64_t value = 0;

    if (!reader_uint(reader, node, key->low, key->high, key->name, &value))
        return false;
    *(uint8_t *)field = (uint8_t)value;
    return true;
}

bool read_uint16(struct reader *reader, const struct tree *node, const struct key *key, void *field)
{
    uint64_t value = 0;

    if (!reader_uint(reader, node, key->low, key->high, key->name, &value))
        return false;
    *(uint16_t *)field = (uint16_t)value;
    return true;
}

bool read_uint32(struct reader *reader, const struct tree *node, const struct key *key, void *field)
{
    uint64_t value = 0;

    if (!reader_uint(reader, node, key->low, key->high, key->name, &value))
        return false;
    *(uint32_t *)field = (uint32_t)value;
    return true;
}

bool read_uint64(struct reader *reader, const struct tree *node, const struct key *key, void *field)
{
    return reader_uint(reader, node, key->low, key->high, key->name, field);
}

bool read_number(struct reader *reader, const struct tree *node, const struct key *key, void *field)
{
    return reader_decimal(reader, node, key->name, field);
}

static bool read_address(struct reader *reader, const struct tree *node, const struct key *key,
                         unsigned family, struct net *field)
{
    const char *expected = family == 4 ? "an IPv4 address" : "an IPv6 address";
    const char *text = reader_text(reader, node, expected);
    struct net net;

    if (!text)
        return false;
    if (!net_parse_address(text, &net) || net.family != family)
        return reader_fail(reader, node, "%s: \"%s\"; %s expected", key->name, text, expected);
    *field = net;
    return true;
}

bool read_ipv4(struct reader *reader, const struct tree *node, const struct key *key, void *field)
{
    return read_address(reader, node, key, 4, field);
}

bool read_ipv6(struct reader *reader, const struct tree *node, const struct key *key, void *field)
{
    return read_address(reader, node, key, 6, field);
}

static bool read_pool(struct reader *reader, const struct tree *node, const struct key *key,
                      unsigned family, struct net *field)
{
    const char *expected = family == 4 ? "an IPv4 prefix" : "an IPv6 prefix";
    const char *text = reader_text(reader, node, expected);
    struct net net;

    if (!text)
        return false;
    if (!net_parse_prefix(text, &net) || net.family != family)
        return reader_fail(reader, node, "%s: \"%s\"; %s without host bits expected", key->name,
                           text, expected);
    *field = net;
    return true;
}

bool read_ipv4_prefix(struct reader *reader, const struct tree *node, const struct key *key,
                      void *field)
{
    return read_pool(reader, node, key, 4, field);
}

bool read_ipv6_prefix(struct reader *reader, const struct tree *node, const struct key *key,
                      void *field)
{
    return read_pool(reader, node, key, 6, field);
}

bool read_node(struct reader *reader, const struct tree *node, const struct key *key, void *field)
{
    (void)reader;
    (void)key;
    *(const struct tree **)field = node;
    return true;
}
