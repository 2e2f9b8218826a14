/* http_request: what is read, what is refused and why, and that it does not matter how the bytes arrive. */
#include "http_request.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct http_limits limits = {
    .line_bytes = 64, .head_bytes = 200, .fields = 4, .body_bytes = 16};

enum { DESCRIPTION_SIZE = 4096 };

/* One line for each request in bytes, then what is left over or why it was refused. The bytes come in pieces: at
 * the ends given by `cuts` (ascending, ended by SIZE_MAX), or one by one with NULL. */
static void describe(const char *bytes, size_t length, const size_t *cuts, char *out)
{
    struct http_reader *reader = http_reader_new(&limits);
    size_t at = 0, end = 0;
    int used = 0;

    out[0] = '\0';
    while (at < length) {
        while (at >= end)
            end = cuts ? *cuts++ : end + 1;
        if (end > length)
            end = length;
        // a copy of its own size, so that a sanitizer sees a read beyond the piece
        size_t taken, piece = end - at;
        uint8_t *copy = malloc(piece);
        memcpy(copy, bytes + at, piece);
        enum http_verdict verdict = http_reader_feed(reader, copy, piece, &taken);
        free(copy);
        at += taken;
        if (verdict == HTTP_REFUSED) {
            const struct http_refusal *refusal = http_reader_refusal(reader);
            (void)snprintf(out + used, (size_t)(DESCRIPTION_SIZE - used), "%d %s", refusal->status,
                           refusal->text);
            http_reader_free(reader);
            return;
        }
        if (verdict == HTTP_MORE) {
            ck_assert_uint_eq(taken, piece);
            continue;
        }
        const struct http_request *r = http_reader_request(reader);
        used += snprintf(out + used, (size_t)(DESCRIPTION_SIZE - used),
                         "%s %s%s%s 1.%u f%zu [%.*s]%s%s|", r->method, r->path, r->query ? "?" : "",
                         r->query ? r->query : "", r->minor_version, r->field_count,
                         (int)r->body_length, r->body_length ? (const char *)r->body : "",
                         r->keep_alive ? "" : " close", r->is_too_large ? " large" : "");
        http_reader_next(reader);
    }
    (void)snprintf(out + used, (size_t)(DESCRIPTION_SIZE - used), "%s",
                   http_reader_is_inside(reader) ? "more" : "");
    http_reader_free(reader);
}

#define H "Host: a\r\n"

static const struct {
    const char *bytes, *description;
} requests[] = {
    {"GET / HTTP/1.1\r\n" H "\r\n", "GET / 1.1 f1 []|"},
    {"\r\nGET / HTTP/1.1\r\n" H "\r\n", "GET / 1.1 f1 []|"}, // one empty line before is ignored
    {"GET /a?b=c HTTP/1.1\r\n" H "\r\n", "GET /a?b=c 1.1 f1 []|"},
    {"GET /a? HTTP/1.1\r\n" H "\r\n", "GET /a? 1.1 f1 []|"},
    {"GET /%61%2f%2Fb%7e HTTP/1.1\r\n" H "\r\n", "GET /a%2F%2Fb~ 1.1 f1 []|"}, // no separators made
    {"GET http://x.example:80/p HTTP/1.1\r\n" H "\r\n", "GET /p 1.1 f1 []|"},
    {"GET HTTPS://[::1]:1 HTTP/1.1\r\n" H "\r\n", "GET / 1.1 f1 []|"},
    {"GET http://x?q HTTP/1.1\r\n" H "\r\n", "GET /?q 1.1 f1 []|"},
    {"OPTIONS * HTTP/1.1\r\n" H "\r\n", "OPTIONS * 1.1 f1 []|"},
    {"BREW /pot HTTP/1.1\r\n" H "\r\n", "BREW /pot 1.1 f1 []|"}, // 405 is not ours to say
    {"GET / HTTP/1.0\r\n\r\n", "GET / 1.0 f0 [] close|"},
    {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "GET / 1.0 f1 []|"},
    {"GET / HTTP/1.7\r\n" H "\r\n", "GET / 1.1 f1 []|"}, // RFC 9110 section 2.5
    {"GET / HTTP/1.1\r\n" H "Connection: x, Close\r\n\r\n", "GET / 1.1 f2 [] close|"},
    {"GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET / 1.1 f1 []|"}, // legal: no authority
    {"GET / HTTP/1.1\r\nhOsT: [2001:db8::1]:8080\r\n\r\n", "GET / 1.1 f1 []|"},
    {"GET / HTTP/1.1\r\n" H "A: \t b\xc3\xa9 c\t \r\n\r\n",
     "GET / 1.1 f2 []|"}, // obs-text in a value
    {"POST /p HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc", "POST /p 1.1 f2 [abc]|"},
    {"POST /p HTTP/1.1\r\n" H "Content-Length: 003\r\n\r\nabc", "POST /p 1.1 f2 [abc]|"},
    {"POST /p HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n", "POST /p 1.1 f2 []|"},
    {"POST /p HTTP/1.1\r\n" H "\r\n", "POST /p 1.1 f1 []|"},
    {"POST /p HTTP/1.1\r\n" H "Content-Length: 16\r\n\r\n0123456789abcdef",
     "POST /p 1.1 f2 [0123456789abcdef]|"},
    {"POST /p HTTP/1.1\r\n" H "Content-Length: 17\r\n\r\n", "POST /p 1.1 f2 [] close large|"},
    {"POST /p HTTP/1.1\r\n" H "Content-Length: 99999999999999999999\r\n\r\n",
     "POST /p 1.1 f2 [] close large|"},
    {"POST /p HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
     "POST /p 1.1 f2 [abc]|"},
    {"POST /p HTTP/1.1\r\n" H
     "Transfer-Encoding: chunked\r\n\r\n3;x=\"y\"\r\nabc\r\n00a ;z\r\n0123456789"
     "\r\n0\r\nT: v\r\nU: w\r\n\r\n",
     "POST /p 1.1 f2 [abc0123456789]|"}, // extensions and trailers are dropped
    {"POST /p HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n9\r\n012345678\r\n8\r\n",
     "POST /p 1.1 f2 [012345678] close large|"},
    {"GET / HTTP/1.1\r\n" H "\r\nPOST /p HTTP/1.1\r\n" H
     "Content-Length: 1\r\n\r\nxGET /z HTTP/1.1\r\n" H "\r\n",
     "GET / 1.1 f1 []|POST /p 1.1 f2 [x]|GET /z 1.1 f1 []|"},
    {"GET / HTTP/1.1\r\n" H "\r\n\r\n", "GET / 1.1 f1 []|"}, // the empty line that old clients add
    {"GET / HTTP/1.1\r\n" H, "more"},
    {"GET", "more"},
    {"POST /p HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nab", "more"},
};

static const struct {
    const char *bytes, *description;
} refusals[] = {
    {"\r\n\r\n", "400 empty line; a request line expected"},
    {"GET / HTTP/1.1\n", "400 LF without CR; lines end with CR LF"},
    {"GET / HTTP/1.1\r" H, "400 CR without LF; lines end with CR LF"},
    {"GET / HTTP/1.1\r\n" H "A: b\n", "400 LF without CR; lines end with CR LF"},
    {"GET\t/ HTTP/1.1\r\n", "400 byte 0x09 in the request line"},
    {"GET /\x01", "400 byte 0x01 in the request line"},
    {"GET /\xc3\xa9 HTTP/1.1\r\n", "400 byte 0xc3 in the request line"},
    {"GET / HTTP/1.1\r\n" H "A: \x7f", "400 byte 0x7f in the header fields"},
    {"GET / HTTP/1.1\r\n" H "A: \x02", "400 byte 0x02 in the header fields"},
    {"GET /\r\n\r\n", "400 request line; \"METHOD target HTTP/1.1\" expected"}, // HTTP/0.9
    {"GET  / HTTP/1.1\r\n\r\n", "400 request line; \"METHOD target HTTP/1.1\" expected"},
    {" GET / HTTP/1.1\r\n\r\n", "400 request line; \"METHOD target HTTP/1.1\" expected"},
    {"GET / HTTP/1.1 \r\n\r\n", "400 request line; \"METHOD target HTTP/1.1\" expected"},
    {"GET / http/1.1\r\n\r\n", "400 request line; \"METHOD target HTTP/1.1\" expected"},
    {"G(T / HTTP/1.1\r\n\r\n", "400 request line; \"METHOD target HTTP/1.1\" expected"},
    {"GET / HTTP/2.0\r\n" H "\r\n", "505 HTTP/2.0; HTTP/1.1 expected"},
    {"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1\r\n" H "\r\n",
     "501 method longer than 32 characters"},
    {"CONNECT a:1 HTTP/1.1\r\n" H "\r\n", "501 CONNECT; this is no proxy"},
    {"GET a HTTP/1.1\r\n" H "\r\n", "400 request target; /path or http://host/path expected"},
    {"GET * HTTP/1.1\r\n" H "\r\n", "400 request target; /path or http://host/path expected"},
    {"GET http:/// HTTP/1.1\r\n" H "\r\n",
     "400 request target; /path or http://host/path expected"},
    {"GET http://u@h/ HTTP/1.1\r\n" H "\r\n",
     "400 request target; /path or http://host/path expected"},
    {"GET /#f HTTP/1.1\r\n" H "\r\n", "400 byte 0x23 in the path; it must be percent-encoded"},
    {"GET /? \r\n\r\n", "400 request line; \"METHOD target HTTP/1.1\" expected"},
    {"GET /?\" HTTP/1.1\r\n" H "\r\n", "400 byte 0x22 in the query; it must be percent-encoded"},
    {"GET /?% HTTP/1.1\r\n" H "\r\n", "400 byte 0x25 in the query; it must be percent-encoded"},
    {"GET /%4 HTTP/1.1\r\n" H "\r\n",
     "400 % in the path; two hexadecimal digits expected behind it"},
    {"GET /%g0 HTTP/1.1\r\n" H "\r\n",
     "400 % in the path; two hexadecimal digits expected behind it"},
    {"GET /%00 HTTP/1.1\r\n" H "\r\n", "400 control byte 0x00 in the path"},
    {"GET /0123456789012345678901234567890123456789012345678901234567890123456789 HTTP/1.1\r\n",
     "414 request line longer than 64 bytes"},
    {"GET / HTTP/1.1\r\n\r\n", "400 no Host; one expected"},
    {"GET / HTTP/1.1\r\n" H H "\r\n", "400 a second Host; one expected"},
    {"GET / HTTP/1.0\r\n" H H "\r\n", "400 a second Host; one expected"},
    {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400 malformed Host; host or host:port expected"},
    {"GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", "400 malformed Host; host or host:port expected"},
    {"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", "400 malformed Host; host or host:port expected"},
    {"GET / HTTP/1.1\r\n" H "A : b\r\n\r\n",
     "400 malformed header line; \"name: value\" expected, no blank before the colon"},
    {"GET / HTTP/1.1\r\n" H "A\r\n\r\n",
     "400 malformed header line; \"name: value\" expected, no blank before the colon"},
    {"GET / HTTP/1.1\r\n" H ": b\r\n\r\n",
     "400 malformed header line; \"name: value\" expected, no blank before the colon"},
    {"GET / HTTP/1.1\r\n" H " folded\r\n\r\n", "400 folded header line; one line a field expected"},
    {"GET / HTTP/1.1\r\n" H "A: 1\r\nA: 2\r\nA: 3\r\nA: 4\r\n\r\n",
     "431 more than 4 header fields"},
    {"GET / HTTP/1.1\r\n" H
     "A: 01234567890123456789012345678901234567890123456789012345678901234567890123"
     "456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456"
     "78901"
     "2345678901234567890123456789\r\n\r\n",
     "431 header fields longer than 200 bytes"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx",
     "400 a second Content-Length; one expected"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 1, 1\r\n\r\nx",
     "400 malformed Content-Length; decimal digits expected"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: +1\r\n\r\nx",
     "400 malformed Content-Length; decimal digits expected"},
    {"POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\nx",
     "400 malformed Content-Length; decimal digits expected"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
     "400 Content-Length and Transfer-Encoding; one of them expected"},
    {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
     "400 Transfer-Encoding in HTTP/1.0; HTTP/1.1 expected"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
     "400 a second Transfer-Encoding; one expected"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n",
     "501 Transfer-Encoding other than chunked"},
    {"POST / HTTP/1.1\r\n" H "Expect: miracles\r\n\r\n", "417 Expect other than 100-continue"},
#define CHUNKED "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"
    {CHUNKED "x\r\n", "400 malformed chunk size; hexadecimal digits expected"},
    {CHUNKED "\r\n", "400 malformed chunk size; hexadecimal digits expected"},
    {CHUNKED "1 \r\n", "400 malformed chunk size; hexadecimal digits expected"},
    {CHUNKED "0x1\r\n", "400 malformed chunk size; hexadecimal digits expected"},
    {CHUNKED "1\nx", "400 byte 0x0a in a chunk size; hexadecimal digits and CR LF expected"},
    {CHUNKED "1\rx", "400 CR without LF in a chunk size"},
    {CHUNKED "10000000000000000\r\n", "400 chunk size of more than 15 hexadecimal digits"},
    {CHUNKED "1\r\nxy\r\n", "400 chunk longer than its size; CR LF expected behind it"},
    {CHUNKED "1\r\nx\n", "400 chunk longer than its size; CR LF expected behind it"},
    {CHUNKED "0\r\nA : b\r\n\r\n",
     "400 malformed header line; \"name: value\" expected, no blank before the colon"},
    {CHUNKED "0\r\nA: 1\r\nA: 2\r\nA: 3\r\nA: 4\r\nA: 5\r\n\r\n", "431 more than 4 header fields"},
};

static const size_t whole[] = {SIZE_MAX};

START_TEST(a009_reads)
{
    char got[DESCRIPTION_SIZE];

    describe(requests[_i].bytes, strlen(requests[_i].bytes), whole, got);
    ck_assert_str_eq(got, requests[_i].description);
    describe(requests[_i].bytes, strlen(requests[_i].bytes), NULL, got);
    ck_assert_str_eq(got, requests[_i].description);
}
END_TEST

START_TEST(a009_refuses)
{
    char got[DESCRIPTION_SIZE];

    describe(refusals[_i].bytes, strlen(refusals[_i].bytes), whole, got);
    ck_assert_str_eq(got, refusals[_i].description);
    describe(refusals[_i].bytes, strlen(refusals[_i].bytes), NULL, got);
    ck_assert_str_eq(got, refusals[_i].description);
}
END_TEST

START_TEST(refuses_nul)
{
    static const char bytes[] = "GET /\0 HTTP/1.1\r\n\r\n";
    char got[DESCRIPTION_SIZE];

    describe(bytes, sizeof bytes - 1, whole, got);
    ck_assert_str_eq(got, "400 byte 0x00 in the request line");
}
END_TEST

/* Any bytes, cut anywhere, are the same requests. The bytes: good and bad ones behind each other, some changed. */
START_TEST(a_split_changes_nothing)
{
    unsigned seed = (unsigned)_i;
    char bytes[2048], once[DESCRIPTION_SIZE], split[DESCRIPTION_SIZE];
    size_t length = 0, cuts[64], count = 0;

    for (int i = 0; i < 6; i++) {
        size_t which = (size_t)rand_r(&seed) % (sizeof requests / sizeof *requests);
        const char *text = rand_r(&seed) % 8
                               ? requests[which].bytes
                               : refusals[which % (sizeof refusals / sizeof *refusals)].bytes;
        memcpy(bytes + length, text, strlen(text));
        length += strlen(text);
    }
    if (rand_r(&seed) % 2)
        bytes[(size_t)rand_r(&seed) % length] = (char)rand_r(&seed);
    for (size_t at = 0; at < length && count < 63; count++) {
        at += 1 + (size_t)rand_r(&seed) % 60;
        cuts[count] = at;
    }
    cuts[count] = SIZE_MAX;
    describe(bytes, length, whole, once);
    describe(bytes, length, cuts, split);
    ck_assert_str_eq(split, once);
}
END_TEST

/* Cut after every byte: the rest never comes, and nothing is made of what came. */
START_TEST(a_request_cut_short_is_no_request)
{
    const char *bytes = requests[_i].bytes;
    char got[DESCRIPTION_SIZE], all[DESCRIPTION_SIZE];

    describe(bytes, strlen(bytes), whole, all);
    for (size_t length = 0; length < strlen(bytes); length++) {
        describe(bytes, length, whole, got);
        char *bar = strrchr(got, '|');
        size_t complete = bar ? (size_t)(bar + 1 - got) : 0;
        ck_assert(strncmp(got, all, complete) == 0);
        ck_assert_msg(strcmp(got + complete, "more") == 0 || got[complete] == '\0', "%s", got);
    }
}
END_TEST

START_TEST(values_are_given_without_their_blanks)
{
    static const char bytes[] = "GET / HTTP/1.1\r\nHost: a\r\nX-One: \t v w \t\r\nx-one:2\r\n\r\n";
    struct http_reader *reader = http_reader_new(&limits);
    size_t used, at = 0;

    ck_assert_int_eq(http_reader_feed(reader, (const uint8_t *)bytes, sizeof bytes - 1, &used),
                     HTTP_REQUEST);
    const struct http_request *request = http_reader_request(reader);
    ck_assert_str_eq(http_request_field(request, "x-one", &at), "v w");
    ck_assert_str_eq(http_request_field(request, "x-one", &at), "2");
    ck_assert_ptr_null(http_request_field(request, "x-one", &at));
    http_reader_free(reader);
}
END_TEST

START_TEST(a009_continue_is_asked_once_and_only_for_a_body)
{
    static const struct {
        const char *bytes;
        bool wanted;
    } rows[] = {
        {"POST / HTTP/1.1\r\n" H "Expect: 100-Continue\r\nContent-Length: 2\r\n\r\n", true},
        {"POST / HTTP/1.1\r\n" H "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n",
         true},
        {"POST / HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 0\r\n\r\n", false},
        {"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n", false},
        {"POST / HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\n", false},
        {"POST / HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 99\r\n\r\n",
         false}, // 413
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct http_reader *reader = http_reader_new(&limits);
        size_t used;
        (void)http_reader_feed(reader, (const uint8_t *)rows[i].bytes, strlen(rows[i].bytes),
                               &used);
        ck_assert_int_eq(http_reader_take_continue(reader), rows[i].wanted);
        ck_assert(!http_reader_take_continue(reader));
        http_reader_free(reader);
    }
}
END_TEST

/* Extensions of many chunks may be longer than any one of them. */
START_TEST(chunk_extensions_are_bounded)
{
    static const struct http_limits large = {
        .line_bytes = 64, .head_bytes = 200, .fields = 4, .body_bytes = 1000};
    static const char head[] = CHUNKED;
    struct http_reader *reader = http_reader_new(&large);
    char chunk[256];
    size_t used;
    enum http_verdict verdict;

    (void)http_reader_feed(reader, (const uint8_t *)head, sizeof head - 1, &used);
    (void)snprintf(chunk, sizeof chunk, "1;%0200d\r\nx\r\n", 0);
    for (int i = 0; i < 1000; i++) {
        verdict = http_reader_feed(reader, (const uint8_t *)chunk, strlen(chunk), &used);
        if (verdict == HTTP_REFUSED)
            break;
    }
    ck_assert_int_eq(verdict, HTTP_REFUSED);
    ck_assert_str_eq(http_reader_refusal(reader)->text, "chunk extensions longer than 16384 bytes");
    http_reader_free(reader);

    reader = http_reader_new(&large);
    (void)http_reader_feed(reader, (const uint8_t *)head, sizeof head - 1, &used);
    (void)snprintf(chunk, sizeof chunk, "1;%0252d", 0);
    (void)http_reader_feed(reader, (const uint8_t *)chunk, strlen(chunk), &used);
    verdict = http_reader_feed(reader, (const uint8_t *)"000", 3, &used);
    ck_assert_int_eq(verdict, HTTP_REFUSED);
    ck_assert_str_eq(http_reader_refusal(reader)->text, "chunk size line longer than 256 bytes");
    http_reader_free(reader);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_request");
    TCase *tests = tcase_create("http_request");
    int request_count = (int)(sizeof requests / sizeof *requests);

    tcase_add_loop_test(tests, a009_reads, 0, request_count);
    tcase_add_loop_test(tests, a009_refuses, 0, (int)(sizeof refusals / sizeof *refusals));
    tcase_add_test(tests, refuses_nul);
    tcase_add_loop_test(tests, a_split_changes_nothing, 1, 300);
    tcase_add_loop_test(tests, a_request_cut_short_is_no_request, 0, request_count);
    tcase_add_test(tests, values_are_given_without_their_blanks);
    tcase_add_test(tests, a009_continue_is_asked_once_and_only_for_a_body);
    tcase_add_test(tests, chunk_extensions_are_bounded);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
