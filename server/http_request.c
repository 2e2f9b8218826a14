/* http_request: see http_request.h.
 *
 * A request is read in two kinds of pieces. A *section* is lines up to an empty one: the head, or the trailer
 * of a chunked body. It is collected byte by byte, each byte judged as it comes, and understood only when it
 * is whole; a client that sends one byte at a time costs no more than one that sends all at once. The body
 * between them is counted, not looked at.
 *
 *     HEAD ──▶ BODY (Content-Length) ─────────────────────────────▶ DONE
 *       ├────▶ CHUNK_SIZE ─▶ CHUNK_DATA ─▶ CHUNK_END ─▶ (again)      ▲
 *       │          └── size 0 ──▶ TRAILER ────────────────────────────┤
 *       └── no body, or one too large to be read ─────────────────────┘
 */
#include "http_request.h"

#include "lib/arena.h"
#include "lib/text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    CHUNK_LINE_LIMIT = 256,   // size and extensions of one chunk
    EXTENSIONS_LIMIT = 16384, // of all chunks of a body: nobody needs them
    METHOD_LIMIT = 32,
    KEPT_BODY = 65536, // a larger buffer is given back after its request
};

enum state { HEAD, BODY, CHUNK_SIZE, CHUNK_DATA, CHUNK_END, TRAILER, DONE, REFUSED };

/* Lines being collected, each ended by NUL instead of CR LF. */
struct section {
    char *bytes;
    size_t length, capacity;
    size_t line; // where the last line begins
    size_t lines;
    bool after_cr;
};

struct http_reader {
    const struct http_limits *limits;
    enum state state;
    struct section head, trailer;
    bool skipped_empty_line; // RFC 9112 section 2.2 wants one before a request line ignored

    uint8_t *body;
    size_t body_capacity;
    uint64_t left; // of the body, or of the chunk
    char chunk_line[CHUNK_LINE_LIMIT];
    size_t chunk_line_length, extensions;

    bool is_chunked, has_length, wants_continue;
    struct http_field *fields;
    size_t field_capacity;
    struct http_request request;
    struct http_refusal refusal;
};

__attribute__((format(printf, 3, 4))) static bool refuse(struct http_reader *reader, int status,
                                                         const char *format, ...)
{
    va_list args;

    va_start(args, format);
    reader->refusal.status = status;
    (void)vsnprintf(reader->refusal.text, sizeof reader->refusal.text, format, args);
    va_end(args);
    reader->state = REFUSED;
    return false;
}

/* ---- Characters ---- */

bool http_is_token_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

/* unreserved, sub-delims, ":" and "@" of RFC 3986; "%" is judged apart. */
static bool is_path_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c && strchr("-._~!$&'()*+,;=:@", c));
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* uri-host [ ":" port ] of RFC 9110 section 7.2, by its characters; may be empty. */
static bool is_authority(const char *text, size_t length)
{
    size_t i = 0;

    if (length && text[0] == '[') {
        while (i < length && text[i] != ']')
            i++;
        for (size_t j = 1; j < i; j++)
            if (hex_value(text[j]) < 0 && text[j] != ':' && text[j] != '.')
                return false;
        if (i < 3 || i++ == length)
            return false;
    } else {
        while (i < length && text[i] != ':' && (is_path_char(text[i]) || text[i] == '%') &&
               text[i] != '@')
            i++;
    }
    if (i < length && text[i] != ':')
        return false;
    for (i++; i < length; i++)
        if (text[i] < '0' || text[i] > '9')
            return false;
    return true;
}

/* ---- Sections ---- */

static void section_clear(struct section *section)
{
    section->length = section->line = section->lines = 0;
    section->after_cr = false;
}

static bool judge_size(struct http_reader *reader, const struct section *section)
{
    const struct http_limits *limits = reader->limits;

    if (reader->state == HEAD && section->lines == 0 && section->length >= limits->line_bytes)
        return refuse(reader, 414, "request line longer than %zu bytes", limits->line_bytes);
    if (section->length >= limits->head_bytes)
        return refuse(reader, 431, "header fields longer than %zu bytes", limits->head_bytes);
    if (section->lines > limits->fields + (reader->state == HEAD))
        return refuse(reader, 431, "more than %zu header fields", limits->fields);
    return true;
}

static bool judge_byte(struct http_reader *reader, const struct section *section, uint8_t byte)
{
    bool in_request_line = reader->state == HEAD && section->lines == 0;

    if (byte == '\n')
        return refuse(reader, 400, "LF without CR; lines end with CR LF");
    if (byte == '\t' && !in_request_line)
        return true;
    if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && in_request_line))
        return refuse(reader, 400, "byte 0x%02x in the %s", byte,
                      in_request_line ? "request line" : "header fields");
    return true;
}

/* The line that just ended is empty: the section is complete, or it is the empty line before a request. */
static bool ends_section(struct http_reader *reader, struct section *section)
{
    if (section->lines > 0 || reader->state == TRAILER)
        return true;
    if (reader->skipped_empty_line)
        return !refuse(reader, 400, "empty line; a request line expected");
    reader->skipped_empty_line = true;
    return false;
}

/* Returns true when the section is complete or refused; *used counts what was taken. */
static bool section_feed(struct http_reader *reader, struct section *section, const uint8_t *bytes,
                         size_t length, size_t *used)
{
    while (*used < length) {
        uint8_t byte = bytes[(*used)++];

        if (section->after_cr) {
            section->after_cr = false;
            if (byte != '\n')
                return !refuse(reader, 400, "CR without LF; lines end with CR LF");
            if (section->length == section->line) {
                if (ends_section(reader, section))
                    return true;
                continue;
            }
            section->bytes[section->length++] = '\0';
            section->line = section->length;
            section->lines++;
        } else if (byte == '\r') {
            section->after_cr = true;
        } else if (!judge_byte(reader, section, byte)) {
            return true;
        } else {
            // room for this byte, and for the NUL if it is the last of its line
            section->bytes =
                memory_grow(section->bytes, section->length + 1, &section->capacity, 1);
            section->bytes[section->length++] = (char)byte;
        }
        if (!judge_size(reader, section))
            return true;
    }
    return false;
}

/* `name: value` in place; line[length] is NUL. */
static bool parse_field(struct http_reader *reader, char *line, size_t length,
                        struct http_field *out)
{
    size_t colon = 0, end = length;

    if (line[0] == ' ' || line[0] == '\t')
        return refuse(reader, 400, "folded header line; one line a field expected");
    for (; http_is_token_char(line[colon]); colon++)
        if (line[colon] >= 'A' && line[colon] <= 'Z')
            line[colon] = (char)(line[colon] - 'A' + 'a');
    if (line[colon] != ':' || colon == 0)
        return refuse(reader, 400,
                      "malformed header line; \"name: value\" expected, no blank before "
                      "the colon");
    line[colon] = '\0';
    char *value = line + colon + 1;
    value += strspn(value, " \t");
    while (end > (size_t)(value - line) && (line[end - 1] == ' ' || line[end - 1] == '\t'))
        end--;
    line[end] = '\0';
    *out = (struct http_field){.name = line, .value = value};
    return true;
}

/* ---- The request line ---- */

/* Decodes in place. "%2F" stays: it is data inside a segment, never a separator. */
static bool decode_path(struct http_reader *reader, char *path)
{
    char *out = path;

    for (const char *at = path; *at; at++) {
        if (*at != '%') {
            if (!is_path_char(*at) && *at != '/')
                return refuse(reader, 400, "byte 0x%02x in the path; it must be percent-encoded",
                              (unsigned char)*at);
            *out++ = *at;
            continue;
        }
        int high = hex_value(at[1]), low = high < 0 ? -1 : hex_value(at[2]);
        int byte = high * 16 + low;
        if (high < 0 || low < 0)
            return refuse(reader, 400, "%% in the path; two hexadecimal digits expected behind it");
        if (byte < 0x20 || byte == 0x7f)
            return refuse(reader, 400, "control byte 0x%02x in the path", (unsigned)byte);
        if (byte == '/')
            out = stpcpy(out, "%2F"); // the three characters that it had
        else
            *out++ = (char)byte;
        at += 2;
    }
    *out = '\0';
    return true;
}

static bool check_query(struct http_reader *reader, const char *query)
{
    for (const char *at = query; *at; at++)
        if (!is_path_char(*at) && *at != '/' && *at != '?' &&
            !(*at == '%' && hex_value(at[1]) >= 0 && hex_value(at[2]) >= 0))
            return refuse(reader, 400, "byte 0x%02x in the query; it must be percent-encoded",
                          (unsigned char)*at);
    return true;
}

/* "http://host/path" to "/path" (RFC 9112 section 3.2.2). The host is not looked at further: all names lead here. */
static bool strip_authority(struct http_reader *reader, char **target)
{
    size_t scheme = strncasecmp(*target, "http://", 7) == 0    ? 7
                    : strncasecmp(*target, "https://", 8) == 0 ? 8
                                                               : 0;
    char *host = *target + scheme;
    size_t length = strcspn(host, "/?#");

    if (!scheme || length == 0 || !is_authority(host, length))
        return refuse(reader, 400, "request target; /path or http://host/path expected");
    if (host[length] == '/') {
        *target = host + length;
    } else { // http://host, http://host?query: the path is "/"; its slash takes the host's last byte
        *target = host + length - 1;
        **target = '/';
    }
    return true;
}

static bool parse_target(struct http_reader *reader, char *target)
{
    struct http_request *request = &reader->request;

    if (strcmp(target, "*") == 0 && strcmp(request->method, "OPTIONS") == 0) {
        request->path = target;
        return true;
    }
    if (target[0] != '/' && !strip_authority(reader, &target))
        return false;
    char *query = strchr(target, '?');
    if (query) {
        *query++ = '\0';
        if (!check_query(reader, query))
            return false;
    }
    request->query = query;
    request->path = target;
    return decode_path(reader, target);
}

static bool parse_version(struct http_reader *reader, const char *version)
{
    if (strncmp(version, "HTTP/", 5) != 0 || strlen(version) != 8 || version[6] != '.' ||
        version[5] < '0' || version[5] > '9' || version[7] < '0' || version[7] > '9')
        return refuse(reader, 400, "request line; \"METHOD target HTTP/1.1\" expected");
    if (version[5] != '1')
        return refuse(reader, 505, "%s; HTTP/1.1 expected", version);
    reader->request.minor_version = version[7] == '0' ? 0 : 1; // a later minor one is read as 1.1
    return true;
}

static bool parse_request_line(struct http_reader *reader, char *line)
{
    size_t method = 0;

    while (http_is_token_char(line[method]))
        method++;
    char *target = line + method + 1;
    char *blank = line[method] == ' ' ? strchr(target, ' ') : NULL;
    if (method == 0 || !blank || blank == target)
        return refuse(reader, 400, "request line; \"METHOD target HTTP/1.1\" expected");
    if (method > METHOD_LIMIT)
        return refuse(reader, 501, "method longer than %d characters", METHOD_LIMIT);
    line[method] = '\0';
    *blank = '\0';
    reader->request.method = line;
    if (!parse_version(reader, blank + 1))
        return false;
    if (strcmp(line, "CONNECT") == 0)
        return refuse(reader, 501, "CONNECT; this is no proxy");
    return parse_target(reader, target);
}

/* ---- What the fields say about the message ---- */

static bool read_host(struct http_reader *reader)
{
    const struct http_request *request = &reader->request;
    size_t at = 0;
    const char *host = http_request_field(request, "host", &at);

    if (!host && request->minor_version == 0)
        return true;
    if (!host)
        return refuse(reader, 400, "no Host; one expected");
    if (!is_authority(host, strlen(host)))
        return refuse(reader, 400, "malformed Host; host or host:port expected");
    if (http_request_field(request, "host", &at))
        return refuse(reader, 400, "a second Host; one expected");
    return true;
}

static bool read_length(struct http_reader *reader)
{
    size_t at = 0;
    const char *value = http_request_field(&reader->request, "content-length", &at);

    if (!value)
        return true;
    if (http_request_field(&reader->request, "content-length", &at))
        return refuse(reader, 400, "a second Content-Length; one expected");
    size_t zeros = strspn(value, "0");
    const char *digits = value[zeros] || !zeros ? value + zeros : value + zeros - 1;
    if (strspn(value, "0123456789") != strlen(value) || !*value)
        return refuse(reader, 400, "malformed Content-Length; decimal digits expected");
    if (!text_uint(digits, strlen(digits), 0, INT64_MAX, &reader->left))
        reader->left = INT64_MAX; // more than anybody reads
    reader->has_length = true;
    return true;
}

static bool read_transfer_encoding(struct http_reader *reader)
{
    size_t at = 0;
    const char *value = http_request_field(&reader->request, "transfer-encoding", &at);

    if (!value)
        return true;
    if (reader->has_length)
        return refuse(reader, 400, "Content-Length and Transfer-Encoding; one of them expected");
    if (reader->request.minor_version == 0)
        return refuse(reader, 400, "Transfer-Encoding in HTTP/1.0; HTTP/1.1 expected");
    if (http_request_field(&reader->request, "transfer-encoding", &at))
        return refuse(reader, 400, "a second Transfer-Encoding; one expected");
    if (strcasecmp(value, "chunked") != 0)
        return refuse(reader, 501, "Transfer-Encoding other than chunked");
    reader->is_chunked = true;
    return true;
}

static bool read_expect(struct http_reader *reader)
{
    size_t at = 0;
    const char *value = http_request_field(&reader->request, "expect", &at);

    if (!value || reader->request.minor_version == 0)
        return true;
    if (strcasecmp(value, "100-continue") != 0)
        return refuse(reader, 417, "Expect other than 100-continue");
    reader->wants_continue = reader->is_chunked || reader->left > 0;
    return true;
}

/* Whether a comma-separated list has that member. */
static bool list_has(const char *list, const char *member)
{
    size_t length = strlen(member);

    while (*list) {
        list += strspn(list, ", \t");
        size_t item = strcspn(list, ", \t");
        if (item == length && strncasecmp(list, member, length) == 0)
            return true;
        list += item;
    }
    return false;
}

static void read_connection(struct http_reader *reader)
{
    struct http_request *request = &reader->request;
    size_t at = 0;
    bool close = false, keep = false;
    const char *value;

    while ((value = http_request_field(request, "connection", &at))) {
        close = close || list_has(value, "close");
        keep = keep || list_has(value, "keep-alive");
    }
    request->keep_alive = !close && (request->minor_version > 0 || keep);
}

/* ---- The parts in their order ---- */

/* The fields of a section from the given line on; with out NULL they are only judged. */
static bool parse_fields(struct http_reader *reader, struct section *section, size_t first,
                         bool keep)
{
    size_t at = first;

    while (at < section->length) {
        size_t length = strlen(section->bytes + at);
        struct http_field field;

        if (!parse_field(reader, section->bytes + at, length, &field))
            return false;
        if (keep) {
            struct http_request *request = &reader->request;
            reader->fields = memory_grow(reader->fields, request->field_count,
                                         &reader->field_capacity, sizeof *reader->fields);
            reader->fields[request->field_count++] = field;
            request->fields = reader->fields;
        }
        at += length + 1;
    }
    return true;
}

/* The answer may say something better than "too large" (docs/spec/alto-base.md A-011), so the request is given. */
static void finish_too_large(struct http_reader *reader)
{
    reader->request.is_too_large = true;
    reader->request.keep_alive = false;
    reader->wants_continue = false;
    reader->state = DONE;
}

static void begin_body(struct http_reader *reader)
{
    if (reader->is_chunked)
        reader->state = CHUNK_SIZE;
    else if (reader->left > reader->limits->body_bytes)
        finish_too_large(reader);
    else
        reader->state = reader->left ? BODY : DONE;
}

static void finish_head(struct http_reader *reader)
{
    size_t first = strlen(reader->head.bytes) + 1;

    // the fields before the request line: both are in place, and neither moves the other
    if (parse_request_line(reader, reader->head.bytes) &&
        parse_fields(reader, &reader->head, first, true) && read_host(reader) &&
        read_length(reader) && read_transfer_encoding(reader) && read_expect(reader)) {
        read_connection(reader);
        begin_body(reader);
    }
}

static void take_body(struct http_reader *reader, const uint8_t *bytes, size_t length)
{
    size_t need = reader->request.body_length + length;

    if (need > reader->body_capacity) {
        size_t capacity = reader->body_capacity ? reader->body_capacity : 1024;
        while (capacity < need)
            capacity *= 2;
        reader->body = memory_resize(reader->body, capacity, 1);
        reader->body_capacity = capacity;
    }
    memcpy(reader->body + reader->request.body_length, bytes, length);
    reader->request.body_length = need;
    reader->left -= length;
}

static void feed_body(struct http_reader *reader, const uint8_t *bytes, size_t length, size_t *used)
{
    size_t part = length - *used;

    if (part > reader->left)
        part = (size_t)reader->left;
    take_body(reader, bytes + *used, part);
    *used += part;
    if (reader->left == 0)
        reader->state = reader->state == BODY ? DONE : CHUNK_END;
}

/* `1a;extension` without its CR LF. */
static bool parse_chunk_line(struct http_reader *reader, const char *line, size_t length)
{
    size_t digits = 0;
    uint64_t size = 0;

    for (; digits < length && hex_value(line[digits]) >= 0; digits++) {
        if (size >> 56)
            return refuse(reader, 400, "chunk size of more than 15 hexadecimal digits");
        size = size * 16 + (uint64_t)hex_value(line[digits]);
    }
    size_t blanks = digits;
    while (blanks < length && (line[blanks] == ' ' || line[blanks] == '\t'))
        blanks++;
    if (digits == 0 || (blanks < length && line[blanks] != ';') ||
        (blanks == length && blanks > digits))
        return refuse(reader, 400, "malformed chunk size; hexadecimal digits expected");
    reader->extensions += length - digits;
    if (reader->extensions > EXTENSIONS_LIMIT)
        return refuse(reader, 400, "chunk extensions longer than %d bytes", EXTENSIONS_LIMIT);
    reader->left = size;
    if (size == 0)
        reader->state = TRAILER;
    else if (size > reader->limits->body_bytes - reader->request.body_length)
        finish_too_large(reader);
    else
        reader->state = CHUNK_DATA;
    return true;
}

/* A chunk's size line: what ends with CR LF and has no control byte in it. */
static void feed_chunk_size(struct http_reader *reader, uint8_t byte)
{
    char *line = reader->chunk_line;
    size_t length = reader->chunk_line_length;

    if (length > 0 && line[length - 1] == '\r') {
        if (byte != '\n') {
            refuse(reader, 400, "CR without LF in a chunk size");
            return;
        }
        reader->chunk_line_length = 0;
        (void)parse_chunk_line(reader, line, length - 1); // a refusal is in the state
    } else if ((byte < 0x20 && byte != '\t' && byte != '\r') || byte == 0x7f) {
        refuse(reader, 400, "byte 0x%02x in a chunk size; hexadecimal digits and CR LF expected",
               byte);
    } else if (length == CHUNK_LINE_LIMIT) {
        refuse(reader, 400, "chunk size line longer than %d bytes", CHUNK_LINE_LIMIT);
    } else {
        line[reader->chunk_line_length++] = (char)byte;
    }
}

/* The CR LF behind a chunk's data. */
static void feed_chunk_end(struct http_reader *reader, uint8_t byte)
{
    if (byte != (reader->chunk_line_length == 0 ? '\r' : '\n')) {
        refuse(reader, 400, "chunk longer than its size; CR LF expected behind it");
    } else if (++reader->chunk_line_length == 2) {
        reader->chunk_line_length = 0;
        reader->state = CHUNK_SIZE;
    }
}

static void feed_section(struct http_reader *reader, const uint8_t *bytes, size_t length,
                         size_t *used)
{
    bool in_head = reader->state == HEAD;
    struct section *section = in_head ? &reader->head : &reader->trailer;

    if (!section_feed(reader, section, bytes, length, used) || reader->state == REFUSED)
        return;
    if (in_head)
        finish_head(reader);
    else if (parse_fields(reader, section, 0, false)) // trailers are judged, and dropped
        reader->state = DONE;
}

enum http_verdict http_reader_feed(struct http_reader *reader, const uint8_t *bytes, size_t length,
                                   size_t *used)
{
    *used = 0;
    while (*used < length && reader->state != DONE && reader->state != REFUSED) {
        switch (reader->state) {
        case HEAD:
        case TRAILER:
            feed_section(reader, bytes, length, used);
            break;
        case BODY:
        case CHUNK_DATA:
            feed_body(reader, bytes, length, used);
            break;
        case CHUNK_SIZE:
            feed_chunk_size(reader, bytes[(*used)++]);
            break;
        case CHUNK_END:
            feed_chunk_end(reader, bytes[(*used)++]);
            break;
        case DONE:
        case REFUSED:
            break;
        }
    }
    reader->request.body = reader->body;
    if (reader->state == REFUSED)
        return HTTP_REFUSED;
    return reader->state == DONE ? HTTP_REQUEST : HTTP_MORE;
}

struct http_reader *http_reader_new(const struct http_limits *limits)
{
    struct http_reader *reader = memory_alloc(1, sizeof *reader);

    reader->limits = limits;
    return reader;
}

void http_reader_free(struct http_reader *reader)
{
    if (!reader)
        return;
    free(reader->head.bytes);
    free(reader->trailer.bytes);
    free(reader->body);
    free(reader->fields);
    free(reader);
}

const struct http_request *http_reader_request(const struct http_reader *reader)
{
    assert(reader->state == DONE);
    return &reader->request;
}

const struct http_refusal *http_reader_refusal(const struct http_reader *reader)
{
    assert(reader->state == REFUSED);
    return &reader->refusal;
}

void http_reader_next(struct http_reader *reader)
{
    assert(reader->state == DONE);
    section_clear(&reader->head);
    section_clear(&reader->trailer);
    if (reader->body_capacity > KEPT_BODY) {
        free(reader->body);
        reader->body = NULL;
        reader->body_capacity = 0;
    }
    reader->request = (struct http_request){0};
    reader->is_chunked = reader->has_length = reader->wants_continue = false;
    reader->skipped_empty_line = false;
    reader->left = 0;
    reader->chunk_line_length = reader->extensions = 0;
    reader->state = HEAD;
}

bool http_reader_is_inside(const struct http_reader *reader)
{
    return reader->state != DONE && reader->state != REFUSED &&
           (reader->state != HEAD || reader->head.length > 0 || reader->head.after_cr);
}

bool http_reader_take_continue(struct http_reader *reader)
{
    bool wanted = reader->wants_continue && (reader->state == BODY || reader->state == CHUNK_SIZE);

    if (wanted)
        reader->wants_continue = false;
    return wanted;
}

const char *http_request_field(const struct http_request *request, const char *name, size_t *at)
{
    while (*at < request->field_count) {
        const struct http_field *field = &request->fields[(*at)++];
        if (strcmp(field->name, name) == 0)
            return field->value;
    }
    return NULL;
}
