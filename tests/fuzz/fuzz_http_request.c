/* HTTP: the bytes of one connection, which may come in pieces of any size. The first byte sets that size. Both ways
 * of reading must see the same requests. */
#include "lib/hash.h"
#include "server/http_request.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct http_limits limits = {
    .line_bytes = 256, .head_bytes = 512, .fields = 8, .body_bytes = 128};

/* Reads every octet of a request, so that a sanitizer sees each. */
static uint64_t mix(uint64_t before, const struct http_request *request)
{
    uint64_t all[] = {before,
                      hash_bytes(request->method, strlen(request->method)),
                      hash_bytes(request->path, strlen(request->path)),
                      request->query ? hash_bytes(request->query, strlen(request->query)) : 0,
                      request->body_length ? hash_bytes(request->body, request->body_length) : 0,
                      (uint64_t)request->keep_alive * 2 + request->is_too_large};

    for (size_t i = 0; i < request->field_count; i++) {
        all[0] ^= hash_bytes(request->fields[i].name, strlen(request->fields[i].name));
        all[0] += hash_bytes(request->fields[i].value, strlen(request->fields[i].value));
    }
    return hash_bytes(all, sizeof all);
}

static uint64_t read_all(const uint8_t *data, size_t size, size_t piece)
{
    struct http_reader *reader = http_reader_new(&limits);
    uint64_t seen = 0;
    size_t at = 0;

    while (at < size) {
        size_t taken, length = size - at < piece ? size - at : piece;
        enum http_verdict verdict = http_reader_feed(reader, data + at, length, &taken);
        at += taken;
        (void)http_reader_take_continue(reader);
        if (verdict == HTTP_REFUSED) {
            const struct http_refusal *refusal = http_reader_refusal(reader);
            seen ^= hash_bytes(refusal->text, strlen(refusal->text));
            break;
        }
        if (verdict == HTTP_REQUEST) {
            seen = mix(seen, http_reader_request(reader));
            if (http_reader_request(reader)->is_too_large)
                break; // a connection ends here
            http_reader_next(reader);
        } else if (taken != length) {
            abort(); // "more" has taken all there was
        }
    }
    http_reader_free(reader);
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    if (read_all(data + 1, size - 1, size) != read_all(data + 1, size - 1, data[0] % 32U + 1))
        abort();
    return 0;
}
