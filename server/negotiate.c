/* negotiate: see negotiate.h. */
#include "negotiate.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

const char *const coding_names[CODINGS] = {"identity", "gzip", "zstd"};

enum { WEIGHT_NONE = -1, WEIGHT_ONE = 1000 };

/* One element of a list: `name;parameter;q=0.5`. Weights in thousandths. */
struct element {
    const char *name;
    size_t length;
    int weight;
};

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t");
}

/* qvalue of section 12.4.2: 0, 1, and at most three decimals; WEIGHT_NONE: malformed. */
static int parse_weight(const char *text, size_t length)
{
    int weight = 0, digit = 100;

    if (length == 0 || length > 5 || (text[0] != '0' && text[0] != '1') ||
        (length > 1 && text[1] != '.'))
        return WEIGHT_NONE;
    if (text[0] == '1')
        weight = WEIGHT_ONE;
    for (size_t i = 2; i < length; i++, digit /= 10) {
        if (text[i] < '0' || text[i] > '9')
            return WEIGHT_NONE;
        weight += (text[i] - '0') * digit;
    }
    return weight <= WEIGHT_ONE ? weight : WEIGHT_NONE;
}

/* The end of a parameter, which a quoted string may reach across commas. */
static const char *skip_parameter(const char *at)
{
    bool is_quoted = false;

    for (; *at && (is_quoted || (*at != ';' && *at != ',')); at++) {
        if (is_quoted && *at == '\\' && at[1])
            at++;
        else if (*at == '"')
            is_quoted = !is_quoted;
    }
    return at;
}

/* Takes the next element of a list; weight WEIGHT_NONE when it is malformed. */
static bool next_element(const char **list, struct element *out)
{
    const char *at = *list + strspn(*list, " \t,");

    if (!*at)
        return false;
    *out = (struct element){.name = at, .length = strcspn(at, ";, \t"), .weight = WEIGHT_ONE};
    at = skip_blanks(at + out->length);
    if (*at && *at != ';' && *at != ',') { // two words: no element
        out->weight = WEIGHT_NONE;
        at += strcspn(at, ";,");
    }
    while (*at == ';') {
        const char *parameter = skip_blanks(at + 1);
        at = skip_parameter(parameter);
        size_t length = (size_t)(at - parameter);
        while (length && (parameter[length - 1] == ' ' || parameter[length - 1] == '\t'))
            length--;
        if (length >= 2 && strncasecmp(parameter, "q=", 2) == 0 && out->weight != WEIGHT_NONE)
            out->weight = parse_weight(parameter + 2, length - 2);
    }
    *list = at;
    return true;
}

/* ---- Accept ---- */

/* How closely a range names the type: 0 not at all, 1 by everything, 2 by its major type, 3 exactly. */
static int closeness(const struct element *range, const char *media_type)
{
    size_t major = strcspn(media_type, "/") + 1;

    if (range->length == 3 && strncmp(range->name, "*/*", 3) == 0)
        return 1;
    if (range->length == major + 1 && range->name[major] == '*' &&
        strncasecmp(range->name, media_type, major) == 0)
        return 2;
    if (range->length == strlen(media_type) &&
        strncasecmp(range->name, media_type, range->length) == 0)
        return 3;
    return 0;
}

bool negotiate_accepts(const struct http_request *request, const char *media_type)
{
    size_t at = 0;
    const char *list;
    int best = 0, weight = 0;
    bool any = false;

    while ((list = http_request_field(request, "accept", &at))) {
        struct element range;
        while (next_element(&list, &range)) {
            any = true;
            int close = closeness(&range, media_type);
            if (range.weight != WEIGHT_NONE && close > best) {
                best = close;
                weight = range.weight;
            }
        }
    }
    return !any || weight > 0; // an empty Accept is as none
}

/* ---- Accept-Encoding ---- */

static bool is_named(const struct element *element, const char *name)
{
    return element->length == strlen(name) &&
           strncasecmp(element->name, name, element->length) == 0;
}

/* A coding that is not named has the weight of "*"; without "*" only identity is admitted, after all others. */
static void weigh_codings(const struct http_request *request, int weights[CODINGS])
{
    size_t at = 0;
    const char *list;
    int others = WEIGHT_NONE;

    for (int i = 0; i < CODINGS; i++)
        weights[i] = WEIGHT_NONE;
    while ((list = http_request_field(request, "accept-encoding", &at))) {
        struct element element;
        while (next_element(&list, &element)) {
            if (is_named(&element, "*"))
                others = element.weight;
            for (int i = 0; i < CODINGS; i++)
                if (is_named(&element, coding_names[i]) ||
                    (i == CODING_GZIP && is_named(&element, "x-gzip")))
                    weights[i] = element.weight;
        }
    }
    for (int i = 0; i < CODINGS; i++) {
        if (weights[i] == WEIGHT_NONE)
            weights[i] = others;
        if (weights[i] == WEIGHT_NONE)
            weights[i] = i == CODING_IDENTITY ? 1 : 0;
    }
}

size_t negotiate_codings(const struct http_request *request, enum coding order[CODINGS])
{
    static const enum coding by_size[CODINGS] = {CODING_ZSTD, CODING_GZIP, CODING_IDENTITY};
    int weights[CODINGS];
    size_t count = 0;

    weigh_codings(request, weights);
    for (int i = 0; i < CODINGS; i++) {
        size_t place = count;
        if (weights[by_size[i]] <= 0)
            continue;
        for (; place > 0 && weights[order[place - 1]] < weights[by_size[i]]; place--)
            order[place] = order[place - 1];
        order[place] = by_size[i];
        count++;
    }
    return count;
}

/* ---- Conditions ---- */

bool negotiate_asks_tags(const struct http_request *request)
{
    size_t at = 0;

    return http_request_field(request, "if-none-match", &at) != NULL;
}

bool negotiate_has_tag(const struct http_request *request, const char *tag)
{
    size_t at = 0, length = strlen(tag);
    const char *list;

    while ((list = http_request_field(request, "if-none-match", &at))) {
        if (strcmp(list, "*") == 0)
            return true;
        while (*(list += strspn(list, " \t,"))) {
            if (strncmp(list, "W/", 2) == 0)
                list += 2;
            const char *end = *list == '"' ? strchr(list + 1, '"') : NULL;
            if (!end)
                break; // no entity tag: what follows cannot be told apart
            if ((size_t)(end + 1 - list) == length && memcmp(list, tag, length) == 0)
                return true;
            list = end + 1;
        }
    }
    return false;
}

static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

char *http_date(int64_t seconds, char out[HTTP_DATE_SIZE])
{
    time_t time = (time_t)seconds;
    struct tm utc = {0};

    (void)gmtime_r(&time, &utc);
    (void)snprintf(out, HTTP_DATE_SIZE, "%s, %02u %s %04u %02u:%02u:%02u GMT",
                   days[(unsigned)utc.tm_wday % 7], (unsigned)utc.tm_mday % 100,
                   months[(unsigned)utc.tm_mon % 12], (unsigned)(utc.tm_year + 1900) % 10000,
                   (unsigned)utc.tm_hour % 100, (unsigned)utc.tm_min % 100,
                   (unsigned)utc.tm_sec % 100);
    return out;
}

bool http_date_parse(const char *text, int64_t *seconds)
{
    // strptime of the C locale; a year of two digits is in 1969 to 2068
    static const char *const forms[] = {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT",
                                        "%a %b %e %H:%M:%S %Y"};

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct tm utc = {0};
        const char *end = strptime(text, forms[i], &utc);
        if (end && *end == '\0') {
            *seconds = (int64_t)timegm(&utc);
            return true;
        }
    }
    return false;
}

bool negotiate_not_modified_since(const struct http_request *request, int64_t seconds)
{
    size_t at = 0;
    int64_t since;
    const char *value = http_request_field(request, "if-modified-since", &at);

    return value && http_date_parse(value, &since) && seconds <= since;
}

bool negotiate_is_type(const char *content_type, const char *media_type)
{
    size_t length = strcspn(content_type, "; \t");

    return length == strlen(media_type) && strncasecmp(content_type, media_type, length) == 0;
}
