/* tls: certificates as a context for the loops. */
#pragma once

#include "lib/error.h"

#include <openssl/types.h>

/* A context for TLS 1.2 and later from PEM files; NULL on failure. The caller frees it (SSL_CTX_free). */
SSL_CTX *tls_new(const char *certificate, const char *key, struct error *err);
