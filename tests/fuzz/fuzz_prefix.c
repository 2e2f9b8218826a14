/* Addresses and prefixes as text: what can be read is written in one way only, and that reads as the same. */
#include "lib/prefix.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool (*parse)(const char *, struct prefix *),
                  char *(*format)(const struct prefix *, char *), const char *text)
{
    struct prefix once, again;
    char out[PREFIX_TEXT_SIZE], same[PREFIX_TEXT_SIZE];

    if (!parse(text, &once))
        return;
    if (!parse(format(&once, out), &again) || prefix_compare(&once, &again) != 0 ||
        strcmp(format(&again, same), out) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    if (!text)
        return 0;
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    check(prefix_parse, prefix_format, text);
    check(address_parse, address_format, text);
    free(text);
    return 0;
}
