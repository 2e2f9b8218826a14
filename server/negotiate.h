/* negotiate: what a client accepts, and what it has already (RFC 9110 sections 8.8, 12.5, 13.1).
 *
 * A malformed element of a list is skipped, as if it had not been sent. */
#pragma once

#include "http_request.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum coding { CODING_IDENTITY, CODING_GZIP, CODING_ZSTD, CODINGS };

extern const char *const coding_names[CODINGS]; // "identity", "gzip", "zstd"

/* Accept admits the media type. No Accept: every type. */
bool negotiate_accepts(const struct http_request *request, const char *media_type);

/* Fills order[] with the codings that Accept-Encoding admits, best first: by weight, then the smallest first.
 * Returns how many; identity is one of them unless it was excluded. */
size_t negotiate_codings(const struct http_request *request, enum coding order[CODINGS]);

/* Some entity tag of If-None-Match is the one given (with its quotes), compared weakly, or "*". */
bool negotiate_has_tag(const struct http_request *request, const char *tag);
bool negotiate_asks_tags(const struct http_request *request); // If-None-Match is there

/* If-Modified-Since is a valid date that is not before `seconds`. */
bool negotiate_not_modified_since(const struct http_request *request, int64_t seconds);

/* The media type of a Content-Type, without parameters, is the one given. */
bool negotiate_is_type(const char *content_type, const char *media_type);

enum { HTTP_DATE_SIZE = 30 };
char *http_date(int64_t seconds, char out[HTTP_DATE_SIZE]); // "Sun, 06 Nov 1994 08:49:37 GMT"
bool http_date_parse(const char *text, int64_t *seconds);   // the three forms of section 5.6.7
