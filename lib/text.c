/* text: see text.h. */
#include "text.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

bool text_uint(const char *text, size_t length, uint64_t low, uint64_t high, uint64_t *out)
{
    uint64_t value = 0;

    if (length == 0 || (text[0] == '0' && length > 1))
        return false;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        if (__builtin_mul_overflow(value, 10U, &value) ||
            __builtin_add_overflow(value, (uint64_t)(text[i] - '0'), &value))
            return false;
    }
    if (value < low || value > high)
        return false;
    *out = value;
    return true;
}

char *text_time(int64_t time_us, char out[TEXT_TIME_SIZE])
{
    enum { MILLION = 1000000 };
    int64_t micros = (time_us % MILLION + MILLION) % MILLION;
    time_t seconds = (time_t)(time_us / MILLION - (time_us % MILLION < 0)); // down, before 1970 too
    struct tm utc;
    char whole[20];

    // a year without four digits: the field cannot be a time of ours
    if (!gmtime_r(&seconds, &utc) || utc.tm_year < 1000 - 1900 || utc.tm_year > 9999 - 1900 ||
        !strftime(whole, sizeof whole, "%Y-%m-%dT%H:%M:%S", &utc))
        (void)snprintf(whole, sizeof whole, "0000-00-00T00:00:00");
    (void)snprintf(out, TEXT_TIME_SIZE, "%.19s.%06dZ", whole, (int)micros);
    return out;
}

char *text_duration(int64_t duration_us, char out[TEXT_DURATION_SIZE])
{
    static const struct {
        uint64_t unit_us;
        const char *name;
    } units[] = {
        {86400000000, "d"}, {3600000000, "h"}, {60000000, "min"},
        {1000000, "s"},     {1000, "ms"},      {1, "us"},
    };
    enum { UNITS = sizeof units / sizeof *units, SECONDS = 3 };
    const char *sign = duration_us < 0 ? "-" : "";
    uint64_t rest = duration_us < 0 ? -(uint64_t)duration_us : (uint64_t)duration_us;
    size_t i = 0;

    // days to minutes are used from two on: "90 s" says more than "1 min"
    while (i + 1 < UNITS && rest < (i < SECONDS ? 2 : 1) * units[i].unit_us)
        i++;
    (void)snprintf(out, TEXT_DURATION_SIZE, "%s%llu %s", sign,
                   (unsigned long long)(rest / units[i].unit_us), units[i].name);
    return out;
}

int64_t text_now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now); // cannot fail for this clock
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t text_steady_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); // cannot fail for this clock
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

char *text_hex(const uint8_t *bytes, size_t length, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < length; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * length] = '\0';
    return out;
}

char *text_printable(const char *text, size_t length, char *out, size_t size)
{
    enum { WIDEST = 4, ELLIPSIS = 4 }; // "\x0a"; "…" and the NUL
    size_t used = 0, i = 0;

    assert(size >= (size_t)2 * (WIDEST + ELLIPSIS));
    for (; i < length && used + WIDEST + ELLIPSIS < size; i++) {
        unsigned char c = (unsigned char)text[i];
        used +=
            (size_t)snprintf(out + used, size - used, c < 0x20 || c > 0x7e ? "\\x%02x" : "%c", c);
    }
    (void)snprintf(out + used, size - used, "%s", i < length ? "…" : "");
    return out;
}

bool text_is_pid_name(const char *text, size_t length)
{
    if (length < 1 || length > 64)
        return false;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
              c == '-' || c == ':' || c == '@' || c == '_'))
            return false;
    }
    return true;
}

enum { WORD_LIMIT = 64 }; // a longer word is no mistyped name of ours

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edit distance with swaps of neighbours ("optimal string alignment"), three rows of its table at a time. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t rows[3][WORD_LIMIT + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];

    for (size_t j = 0; j <= b_length; j++)
        above[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            row[j] = above[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = smaller(row[j], smaller(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = smaller(row[j], before[j - 2] + 1);
        }
        size_t *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[b_length];
}

const char *text_nearest(const char *word, const char *const *names, size_t count)
{
    size_t length = strlen(word);
    size_t best = length / 3 > 1 ? length / 3 + 1 : 2; // one more than is near
    const char *nearest = NULL;

    if (length == 0 || length > WORD_LIMIT)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t name_length = strlen(names[i]);
        if (name_length > WORD_LIMIT)
            continue;
        size_t edits = distance(word, length, names[i], name_length);
        if (edits < best) {
            best = edits;
            nearest = names[i];
        }
    }
    return nearest;
}
