/* config_values: from the text of one value to its place in struct config.
 *
 * A type is a row: what the manual calls it, what a message says was expected, and its reader. Types with a
 * range have a reader of numbers instead; low and high go through the same reader as the value. */
#include "config_keys.h"
#include "text.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* One value on its way. */
struct value {
    const struct config_key *key;
    const char *text; // with a NUL behind it and none in it
    size_t length;
    struct arena *arena;
    void *into;
    char *why; // filled by a reader that knows more than "expected …"
};

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit durations[] = {
    {"ms", 1000},      {"s", 1000000},     {"min", 60000000},
    {"h", 3600000000}, {"d", 86400000000}, {NULL, 0},
};

static const struct unit sizes[] = {
    {"B", 1},           {"kB", 1000},          {"MB", 1000000},
    {"GB", 1000000000}, {"TB", 1000000000000}, {"KiB", 1U << 10},
    {"MiB", 1U << 20},  {"GiB", 1U << 30},     {"TiB", 1ULL << 40},
    {NULL, 0},
};

static bool with_unit(const char *text, size_t length, const struct unit *units, uint64_t *out)
{
    size_t digits = strspn(text, "0123456789");
    uint64_t number;

    if (digits > length || !text_uint(text, digits, 0, INT64_MAX, &number))
        return false;
    for (; units->name; units++) {
        if (strcmp(text + digits, units->name) == 0)
            return !__builtin_mul_overflow(number, units->factor, out) && *out <= INT64_MAX;
    }
    return false;
}

static bool number_plain(const char *text, size_t length, uint64_t *out)
{
    return text_uint(text, length, 0, UINT32_MAX, out);
}

static bool number_as(const char *text, size_t length, uint64_t *out)
{
    enum { AS_TRANS = 23456 }; // stands for what two octets cannot hold (RFC 6793 section 9)

    return number_plain(text, length, out) && *out != AS_TRANS;
}

static bool number_duration(const char *text, size_t length, uint64_t *out)
{
    return with_unit(text, length, durations, out);
}

static bool number_seconds(const char *text, size_t length, uint64_t *out)
{
    uint64_t micros;

    if (!with_unit(text, length, durations, &micros) || micros % 1000000)
        return false;
    *out = micros / 1000000;
    return true;
}

static bool number_size(const char *text, size_t length, uint64_t *out)
{
    return with_unit(text, length, sizes, out);
}

static bool read_boolean(struct value *value)
{
    bool yes = strcmp(value->text, "true") == 0;

    if (!yes && strcmp(value->text, "false") != 0)
        return false;
    *(bool *)value->into = yes;
    return true;
}

static bool read_enum(struct value *value)
{
    unsigned constant = 0; // enums of ours have no negative constants

    for (const char *const *word = value->key->words; *word; word++, constant++) {
        if (strcmp(*word, value->text) == 0) {
            memcpy(value->into, &constant, sizeof constant);
            return true;
        }
    }
    return false;
}

static bool read_word_set(struct value *value)
{
    bool *set = value->into;

    for (const char *const *word = value->key->words; *word; word++, set++) {
        if (strcmp(*word, value->text) == 0) {
            *set = true;
            return true;
        }
    }
    return false;
}

static bool keep_text(const struct value *value)
{
    *(const char **)value->into = arena_text(value->arena, value->text, value->length);
    return true;
}

static bool read_name(struct value *value)
{
    char pid[65] = {0}; // a PID name may hold no dot, a peer's name may: hosts have them

    if (value->length >= sizeof pid)
        return false;
    for (size_t i = 0; i < value->length; i++)
        pid[i] = value->text[i] == '.' && i > 0 ? '-' : value->text[i];
    return text_is_pid_name(pid, value->length) && keep_text(value);
}

static bool read_pid_name(struct value *value)
{
    return text_is_pid_name(value->text, value->length) && keep_text(value);
}

static bool is_path(const char *text, size_t length)
{
    enum { PATH_LIMIT = 1024 }; // room for file names behind it below the system's 4,096

    if (text[0] != '/' || length > PATH_LIMIT)
        return false;
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return false;
    }
    return true;
}

static bool read_path(struct value *value)
{
    if (!is_path(value->text, value->length))
        return false;
    while (value->length > 1 && value->text[value->length - 1] == '/')
        value->length--;
    return keep_text(value);
}

/* The file behind a path: there, a file, readable; secret: by its owner alone. */
static bool check_file(struct value *value, bool secret)
{
    char shown[CONFIG_SHOWN_SIZE];
    struct stat status;

    if (!is_path(value->text, value->length))
        return false;
    config_shown(value->text, value->length, shown);
    if (stat(value->text, &status) != 0 || access(value->text, R_OK) != 0) {
        char reason[128];
        (void)snprintf(value->why, CONFIG_TEXT_SIZE, "file '%s': %s", shown,
                       strerror_r(errno, reason, sizeof reason));
        return false;
    }
    if (!S_ISREG(status.st_mode)) {
        (void)snprintf(value->why, CONFIG_TEXT_SIZE, "'%s' is not a file", shown);
        return false;
    }
    if (secret && (status.st_mode & 0177)) {
        (void)snprintf(
            value->why, CONFIG_TEXT_SIZE,
            "file '%s' has mode %04o; expected 0600, so that nobody else reads the secret", shown,
            (unsigned)status.st_mode & 07777);
        return false;
    }
    return keep_text(value);
}

static bool read_file(struct value *value)
{
    return check_file(value, false);
}

static bool read_secret(struct value *value)
{
    return check_file(value, true);
}

/* RFC 3986 as far as what our paths are put behind needs it. */
static bool read_url(struct value *value)
{
    static const char host[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-:[]";
    static const char path[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
    const char *at = value->text;

    if (strncmp(at, "https://", 8) == 0)
        at += 8;
    else if (strncmp(at, "http://", 7) == 0)
        at += 7;
    else
        return false;
    size_t length = strspn(at, host);
    if (length == 0 || (at[length] != '\0' && at[length] != '/') ||
        at[length + strspn(at + length, path)] != '\0')
        return false;
    while (value->text[value->length - 1] == '/')
        value->length--;
    return keep_text(value);
}

static bool read_address(struct value *value)
{
    return address_parse(value->text, value->into);
}

static bool read_router_id(struct value *value)
{
    struct prefix id;

    if (!address_parse(value->text, &id) || id.family != FAMILY_IPV4 ||
        memcmp(id.bytes, (const uint8_t[4]){0}, 4) == 0) // RFC 6286 section 2.1
        return false;
    *(struct prefix *)value->into = id;
    return true;
}

/* "192.0.2.1:80", "[2001:db8::1]:80". */
static bool tcp_parse(const char *text, size_t length, struct endpoint *out)
{
    char address[PREFIX_TEXT_SIZE];
    const char *colon = strrchr(text, ':');
    bool bracket = text[0] == '[';
    uint64_t port;

    if (!colon || !text_uint(colon + 1, length - (size_t)(colon + 1 - text), 1, 65535, &port))
        return false;
    size_t address_length = (size_t)(colon - text);
    if (bracket && (address_length < 2 || text[address_length - 1] != ']'))
        return false;
    address_length -= bracket ? 2 : 0;
    if (address_length >= sizeof address)
        return false;
    memcpy(address, text + bracket, address_length);
    address[address_length] = '\0';
    if (!address_parse(address, &out->address) || (out->address.family == FAMILY_IPV6) != bracket)
        return false;
    out->port = (uint16_t)port;
    return true;
}

static bool read_tcp(struct value *value)
{
    struct endpoint endpoint = {0};

    if (!tcp_parse(value->text, value->length, &endpoint))
        return false;
    endpoint.text = arena_text(value->arena, value->text, value->length);
    *(struct endpoint *)value->into = endpoint;
    return true;
}

static bool read_endpoint(struct value *value)
{
    enum { UNIX_LIMIT = sizeof((struct sockaddr_un *)NULL)->sun_path - 1, SCHEME = 5 };

    if (strncmp(value->text, "unix:", SCHEME) != 0)
        return read_tcp(value);
    if (!is_path(value->text + SCHEME, value->length - SCHEME) ||
        value->length - SCHEME > UNIX_LIMIT)
        return false;
    const char *text = arena_text(value->arena, value->text, value->length);
    *(struct endpoint *)value->into =
        (struct endpoint){.is_unix = true, .path = text + SCHEME, .text = text};
    return true;
}

static const struct type {
    const char *name;     // in the manual
    const char *expected; // in messages
    /* Either a number with a range and the bytes that it is kept in, or a reader. */
    bool (*number)(const char *text, size_t length, uint64_t *out);
    size_t bytes;
    bool (*read)(struct value *value);
} types[CONFIG_TYPES] = {
    [CONFIG_SECTION] = {"section", "keys of its own"},
    [CONFIG_NEIGHBOURS] = {"list", "a list of neighbours"},
    [CONFIG_BOOLEAN] = {"boolean", "true or false", .read = read_boolean},
    [CONFIG_INTEGER] = {"number", "a whole number", number_plain, sizeof(uint32_t)},
    [CONFIG_PORT] = {"port", "a port", number_plain, sizeof(uint16_t)},
    [CONFIG_AS_NUMBER] = {"AS number", "an AS number other than 23456", number_as,
                          sizeof(uint32_t)},
    [CONFIG_DURATION] = {"duration", "a duration in ms, s, min, h or d such as 350ms or 10s",
                         number_duration, sizeof(int64_t)},
    [CONFIG_SECONDS] = {"duration", "a duration of whole seconds such as 90s", number_seconds,
                        sizeof(uint32_t)},
    [CONFIG_SIZE] = {"size", "a size such as 500MB, 8GB or 8GiB", number_size, sizeof(uint64_t)},
    [CONFIG_ENUM] = {"word", "one of", .read = read_enum},
    [CONFIG_NAME] = {"name", "1 to 64 of A-Z a-z 0-9 - : @ _ and dots", .read = read_name},
    [CONFIG_PID_NAME] = {"PID name", "1 to 64 of A-Z a-z 0-9 - : @ _", .read = read_pid_name},
    [CONFIG_PATH] = {"path", "a path that begins with /", .read = read_path},
    [CONFIG_FILE] = {"path", "a path that begins with /", .read = read_file},
    [CONFIG_SECRET] = {"path", "a path that begins with /", .read = read_secret},
    [CONFIG_URL] = {"URL", "http:// or https:// with a host and perhaps a path", .read = read_url},
    [CONFIG_ADDRESS] = {"address", "an IPv4 or IPv6 address", .read = read_address},
    [CONFIG_ROUTER_ID] = {"IPv4 address", "an IPv4 address other than 0.0.0.0",
                          .read = read_router_id},
    [CONFIG_ENDPOINT] = {"endpoint", "ADDRESS:PORT, [IPV6]:PORT or unix:/PATH",
                         .read = read_endpoint},
    [CONFIG_TCP] = {"endpoint", "ADDRESS:PORT or [IPV6]:PORT", .read = read_tcp},
    [CONFIG_TCP_LIST] = {"list of endpoints", "ADDRESS:PORT or [IPV6]:PORT", .read = read_tcp},
    [CONFIG_WORD_SET] = {"list of words", "one of", .read = read_word_set},
};

/* The range or the words, behind `used` characters of out. */
static void write_choice(const struct config_key *key, char *out, size_t used)
{
    if (key->low)
        (void)snprintf(out + used, CONFIG_TEXT_SIZE - used, " from %s to %s", key->low, key->high);
    for (const char *const *word = key->words; word && *word; word++)
        used += (size_t)snprintf(out + used, CONFIG_TEXT_SIZE - used, "%s %s",
                                 word == key->words ? "" : ",", *word);
}

char *config_kind(const struct config_key *key, char out[CONFIG_TEXT_SIZE])
{
    (void)snprintf(out, CONFIG_TEXT_SIZE, "%s%s", types[key->type].name, key->words ? ":" : "");
    write_choice(key, out, strlen(out));
    return out;
}

char *config_expected(const struct config_key *key, char out[CONFIG_TEXT_SIZE])
{
    (void)snprintf(out, CONFIG_TEXT_SIZE, "%s%s", types[key->type].expected, key->low ? "," : "");
    write_choice(key, out, strlen(out));
    return out;
}

char *config_shown(const char *text, size_t length, char out[CONFIG_SHOWN_SIZE])
{
    return text_printable(text, length, out, CONFIG_SHOWN_SIZE);
}

static bool read_number(const struct type *type, struct value *value)
{
    const struct config_key *key = value->key;
    uint64_t number, low, high;

    if (!type->number(key->low, strlen(key->low), &low) ||
        !type->number(key->high, strlen(key->high), &high))
        assert(false && "a range of the table cannot be read");
    if (!type->number(value->text, value->length, &number) || number < low || number > high)
        return false;
    switch (type->bytes) {
    case sizeof(uint16_t):
        *(uint16_t *)value->into = (uint16_t)number;
        break;
    case sizeof(uint32_t):
        *(uint32_t *)value->into = (uint32_t)number;
        break;
    default:
        *(uint64_t *)value->into = number; // or int64_t: no number is above INT64_MAX
    }
    return true;
}

bool config_value_read(const struct config_key *key, const char *text, size_t length,
                       struct arena *arena, void *into, char why[CONFIG_TEXT_SIZE])
{
    struct value value = {key, text, length, arena, into, why};
    const struct type *type = &types[key->type];
    char shown[CONFIG_SHOWN_SIZE], expected[CONFIG_TEXT_SIZE];

    why[0] = '\0';
    // a NUL by "\0" in double quotes: what is behind it would not be seen
    if (!memchr(text, '\0', length) &&
        (type->number ? read_number(type, &value) : type->read(&value)))
        return true;
    if (!why[0])
        (void)snprintf(why, CONFIG_TEXT_SIZE, "value '%s'; expected %s",
                       config_shown(text, length, shown), config_expected(key, expected));
    return false;
}
