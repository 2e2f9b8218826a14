/* values: texts cut at blanks and commas. */
#include "values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool parse_octets(struct arena *arena, const char *text, size_t limit, struct octets *out)
{
    uint8_t *bytes = arena_alloc(arena, strlen(text) / 2 + 1, 1);
    size_t count = 0;

    for (; *text; text++) {
        if ((*text == '.' && count > 0 && text[1]) || *text == ' ')
            continue;
        int high = hex_digit(text[0]), low = high < 0 ? -1 : hex_digit(text[1]);

        if (low < 0 || count == limit)
            return false;
        bytes[count++] = (uint8_t)(high << 4 | low);
        text++;
    }
    *out = (struct octets){.bytes = bytes, .length = count};
    return true;
}

const char *next_part(struct arena *arena, const char **text, char separator)
{
    const char *start = *text + strspn(*text, " ");

    if (!*start)
        return NULL;
    const char *end = strchr(start, separator);
    size_t length = end ? (size_t)(end - start) : strlen(start);

    *text = end ? end + 1 : start + length;
    while (length > 0 && start[length - 1] == ' ')
        length--;
    return arena_text(arena, start, length);
}

bool read_octets(struct reader *reader, const struct tree *node, const struct key *key, void *field)
{
    const char *text = reader_text(reader, node, "octets in hexadecimal");

    return text &&
           (parse_octets(reader->arena, text, key->high, field) ||
            reader_fail(reader, node, "%s: \"%.60s\"; hexadecimal of at most %llu octets expected",
                        key->name, text, (unsigned long long)key->high));
}

// ---- TLVs

enum { TLV_LIMIT = 40, TLV_OCTETS = 3000 };

/* "1157 0a0b" */
static bool parse_tlv(struct arena *arena, const char *text, struct tlv *out)
{
    const char *rest = text;
    const char *type = next_part(arena, &rest, ' ');
    uint64_t number;

    if (!type || !text_to_uint(type, UINT16_MAX, &number))
        return false;
    out->type = (uint16_t)number;
    return parse_octets(arena, rest, TLV_OCTETS, &out->value);
}

bool read_tlvs(struct reader *reader, const struct tree *node, const struct key *key, void *field)
{
    struct tlv *list = arena_alloc(reader->scratch, TLV_LIMIT, sizeof *list);
    struct tlvs *tlvs = field;
    size_t count = 0;

    for (size_t i = 0; i < reader_count(node); i++) {
        const struct tree *item = reader_item(node, i);
        const char *text = reader_text(reader, item, "a TLV such as 1157 0a0b"), *part;

        if (!text)
            return false;
        while ((part = next_part(reader->arena, &text, ','))) {
            if (count == TLV_LIMIT)
                return reader_fail(reader, item, "%s: more than %d TLVs", key->name, TLV_LIMIT);
            if (!parse_tlv(reader->arena, part, &list[count++]))
                return reader_fail(reader, item,
                                   "%s: \"%.60s\"; a type and octets such as 1157 0a0b expected",
                                   key->name, part);
        }
    }
    *tlvs = (struct tlvs){.list = arena_copy(reader->arena, list, count * sizeof *list),
                          .count = count};
    return true;
}

// ---- numbers

enum { NUMBER_LIMIT = 500 };

static bool read_list(struct reader *reader, const struct tree *node, const struct key *key,
                      struct big_numbers *out)
{
    uint64_t *list = arena_alloc(reader->scratch, NUMBER_LIMIT, sizeof *list);
    size_t count = 0;

    for (size_t i = 0; i < reader_count(node); i++) {
        const struct tree *item = reader_item(node, i);
        const char *text = reader_text(reader, item, "numbers"), *part;

        if (!text)
            return false;
        while ((part = next_part(reader->arena, &text, ' '))) {
            if (count == NUMBER_LIMIT)
                return reader_fail(reader, item, "%s: more than %d numbers", key->name,
                                   NUMBER_LIMIT);
            if (!text_to_uint(part, key->high, &list[count]) || list[count] < key->low)
                return reader_fail(
                    reader, item, "%s: \"%.60s\"; numbers from %llu to %llu expected", key->name,
                    part, (unsigned long long)key->low, (unsigned long long)key->high);
            count++;
        }
    }
    *out = (struct big_numbers){.list = arena_copy(reader->arena, list, count * sizeof *list),
                                .count = count};
    return true;
}

bool read_big_numbers(struct reader *reader, const struct tree *node, const struct key *key,
                      void *field)
{
    return read_list(reader, node, key, field);
}

bool read_numbers(struct reader *reader, const struct tree *node, const struct key *key,
                  void *field)
{
    struct big_numbers big = {0};
    struct numbers *out = field;

    if (!read_list(reader, node, key, &big))
        return false;
    uint32_t *list = arena_alloc(reader->arena, big.count, sizeof *list);

    for (size_t i = 0; i < big.count; i++)
        list[i] = (uint32_t)big.list[i];
    *out = (struct numbers){.list = list, .count = big.count};
    return true;
}

// ---- words

static bool not_a_word(struct reader *reader, const struct tree *node, const struct key *key,
                       const char *text)
{
    char names[300] = "";
    size_t used = 0;

    for (const struct word *word = key->words; word->name && used < sizeof names; word++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "",
                                 word->name);
    return reader_fail(reader, node, "%s: \"%.60s\"; one of %s expected", key->name, text, names);
}

static const struct word *find_word(struct reader *reader, const struct tree *node,
                                    const struct key *key)
{
    const char *text = reader_text(reader, node, "a word");

    for (const struct word *word = key->words; text && word->name; word++) {
        if (strcmp(text, word->name) == 0)
            return word;
    }
    if (text)
        not_a_word(reader, node, key, text);
    return NULL;
}

bool read_word(struct reader *reader, const struct tree *node, const struct key *key, void *field)
{
    const struct word *word = find_word(reader, node, key);

    if (word)
        *(uint8_t *)field = (uint8_t)word->value;
    return word != NULL;
}

bool read_words(struct reader *reader, const struct tree *node, const struct key *key, void *field)
{
    uint8_t bits = 0;

    for (size_t i = 0; i < reader_count(node); i++) {
        const struct word *word = find_word(reader, reader_item(node, i), key);

        if (!word)
            return false;
        bits |= (uint8_t)word->value;
    }
    *(uint8_t *)field = bits;
    return true;
}

bool read_names(struct reader *reader, const struct tree *node, const struct key *key, void *field)
{
    bool *places = field;

    for (const struct word *word = key->words; word->name; word++)
        places[word->value] = false;
    for (size_t i = 0; i < reader_count(node); i++) {
        const struct word *word = find_word(reader, reader_item(node, i), key);

        if (!word)
            return false;
        places[word->value] = true;
    }
    return true;
}

// ---- both directions of a link

static bool read_pair(struct reader *reader, const struct tree *node, const struct key *key,
                      read_value *read, void *field)
{
    if (node->shape == SHAPE_LIST && node->count != 2)
        return reader_fail(reader, node,
                           "%s: a list of %u; one value, or [a to b, b to a] expected", key->name,
                           node->count);
    return read(reader, reader_item(node, 0), key, field) &&
           read(reader, reader_item(node, 1), key, (char *)field + sizeof(struct half));
}

bool read_octets_pair(struct reader *reader, const struct tree *node, const struct key *key,
                      void *field)
{
    return read_pair(reader, node, key, read_octets, field);
}

bool read_tlvs_pair(struct reader *reader, const struct tree *node, const struct key *key,
                    void *field)
{
    return read_pair(reader, node, key, read_tlvs, field);
}

bool read_numbers_pair(struct reader *reader, const struct tree *node, const struct key *key,
                       void *field)
{
    return read_pair(reader, node, key, read_numbers, field);
}

bool read_line_pair(struct reader *reader, const struct tree *node, const struct key *key,
                    void *field)
{
    return read_pair(reader, node, key, read_line, field);
}
