/* values: readers of octets, TLVs, numbers and words, for rows of keys (reader.h).
 *
 * Each reads one text, or a list of texts that stand for their items together. */
#pragma once

#include "reader.h"
#include "scenario.h"

/* Lower-case hexadecimal digits, blanks or dots between octets; an empty text is no octets. false: not
 * so, or more than `limit`. The octets are the arena's. */
bool parse_octets(struct arena *arena, const char *text, size_t limit, struct octets *out);

/* Takes the next part of *text up to the separator, blanks around it left out, into the arena; NULL at
 * the end. */
const char *next_part(struct arena *arena, const char **text, char separator);

read_value read_octets;      // struct octets; key->high: at most so many
read_value read_tlvs;        // struct tlvs: "1157 0a0b, 65000 01"
read_value read_numbers;     // struct numbers: "10 20"; key->low, key->high
read_value read_big_numbers; // struct big_numbers: "10 20"
read_value read_words;       // uint8_t: key->words, or-ed
read_value read_word;        // uint8_t: one of key->words
read_value read_names;       // bool[]: key->words name its places; the others are false

/* What a link has in each direction: one value for both, or [a to b, b to a]. The field is that of the
 * first half, and the second lies one struct half on. */
read_value read_octets_pair;
read_value read_tlvs_pair;
read_value read_numbers_pair;
read_value read_line_pair; // const char *; at most key->high octets
