/* http_request: a strict reader of HTTP/1.1 requests (RFC 9112), fed with bytes as they come.
 *
 * It knows nothing of sockets, clocks or resources. What RFC 9112 lets a server repair it refuses: a second
 * Content-Length or Host, a length beside a transfer coding, a line folded or ended by LF alone, a blank before
 * the colon. Two parties that read one message differently is how requests are smuggled.
 *
 * A reader belongs to one connection and its thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What one request may cost. */
struct http_limits {
    size_t line_bytes; // the request line; beyond it 414
    size_t head_bytes; // request line and fields, or the trailer fields of a chunked body; 431
    size_t fields;     // in the head, or in the trailer; 431
    size_t body_bytes; // is_too_large
};

struct http_field {
    const char *name;  // in lower case
    const char *value; // without the blanks around it
};

/* A whole request. Borrowed from its reader until http_reader_next(). */
struct http_request {
    const char *method;     // as sent: methods are case-sensitive
    const char *path;       // percent-decoded but for "%2F", which is no separator; "*" of OPTIONS
    const char *query;      // behind "?", as sent; NULL: none
    unsigned minor_version; // HTTP/1.minor: 0 or 1
    const struct http_field *fields;
    size_t field_count;
    const uint8_t *body;
    size_t body_length;
    bool keep_alive;   // the client wants the connection to stay
    bool is_too_large; // the body was not read: answer, and close
};

/* What the connection has to do before it closes. */
struct http_refusal {
    int status;
    char text[160]; // one line: what was wrong, what was expected
};

enum http_verdict {
    HTTP_MORE,    // nothing complete yet
    HTTP_REQUEST, // one request; bytes behind it were not used
    HTTP_REFUSED, // no request will ever come of this
};

struct http_reader;

/* limits are borrowed for the life of the reader. */
struct http_reader *http_reader_new(const struct http_limits *limits);
void http_reader_free(struct http_reader *reader); // NULL is fine

/* Takes bytes, at most to the end of one request; *used says how many. After HTTP_REQUEST http_reader_next()
 * comes before the next feed; after HTTP_REFUSED nothing does. */
enum http_verdict http_reader_feed(struct http_reader *reader, const uint8_t *bytes, size_t length,
                                   size_t *used);

const struct http_request *http_reader_request(const struct http_reader *reader);
const struct http_refusal *http_reader_refusal(const struct http_reader *reader);
void http_reader_next(struct http_reader *reader);

/* A request has begun and is not complete: its deadline runs. */
bool http_reader_is_inside(const struct http_reader *reader);

/* The head is read, the client waits for "100 Continue" before it sends the body. True once a request. */
bool http_reader_take_continue(struct http_reader *reader);

/* The value of the next field of that name (lower case) from *at on; NULL: no more. Start with *at = 0. */
const char *http_request_field(const struct http_request *request, const char *name, size_t *at);

/* tchar of RFC 9110 section 5.6.2. */
bool http_is_token_char(char c);
