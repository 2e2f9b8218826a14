/* hash: SHA-256 in pieces, for tags (M-601 to M-603) and names (M-304). Over OpenSSL's libcrypto. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { HASH_BYTES = 32, HASH_TAG_SIZE = 33 };

struct hash; // owned by the caller until hash_finish

struct hash *hash_new(void);
void hash_add(struct hash *hash, const void *bytes, size_t length);
void hash_text(struct hash *hash, const char *text); // without the NUL

/* The digest; frees the hash. */
void hash_finish(struct hash *hash, uint8_t out[HASH_BYTES]);

/* The first 32 hex digits, lower case, and a NUL: an ALTO tag (M-602); frees the hash. */
void hash_finish_tag(struct hash *hash, char out[HASH_TAG_SIZE]);

/* A quick 64-bit hash for tables in memory (FNV-1a with a final mix); equal on every machine, never
 * stored. */
uint64_t hash_bytes(const void *bytes, size_t length);
