/* What a client's fields say of what it accepts and has: five lines, one a field. */
#include "server/negotiate.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_date(const char *text)
{
    char out[HTTP_DATE_SIZE];
    int64_t seconds, again;

    // what one can read, one can write and read again
    if (http_date_parse(text, &seconds) &&
        (!http_date_parse(http_date(seconds, out), &again) || again != seconds))
        abort();
}

static void check_codings(const struct http_request *request)
{
    enum coding order[CODINGS];
    size_t count = negotiate_codings(request, order);
    unsigned seen = 0;

    if (count > CODINGS)
        abort();
    for (size_t i = 0; i < count; i++) {
        if (order[i] >= CODINGS || seen & 1U << order[i])
            abort(); // each at most once
        seen |= 1U << order[i];
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"accept", "accept-encoding", "if-none-match",
                                        "if-modified-since", "content-type"};
    enum { NAMES = sizeof names / sizeof names[0] };
    struct http_field fields[NAMES];
    char *text = malloc(size + 1);
    size_t count = 0;

    if (!text)
        return 0;
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    for (char *line = text; line && count < NAMES; count++) {
        char *end = strchr(line, '\n');
        if (end)
            *end = '\0';
        fields[count] = (struct http_field){.name = names[count], .value = line};
        line = end ? end + 1 : NULL;
    }
    const struct http_request request = {.fields = fields, .field_count = count};
    check_codings(&request);
    (void)negotiate_accepts(&request, "application/alto-costmap+json");
    (void)negotiate_has_tag(&request, "\"0123456789abcdef\"");
    (void)negotiate_not_modified_since(&request, 1700000000);
    for (size_t i = 0; i < count; i++) {
        check_date(fields[i].value);
        (void)negotiate_is_type(fields[i].value, "application/json");
    }
    free(text);
    return 0;
}
