/* hash: see hash.h. OpenSSL's EVP calls fail only for want of memory or of the algorithm itself, and both
 * are the machine's failure: there is no error for callers to handle. */
#include "hash.h"

#include "arena.h"
#include "error.h"
#include "text.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

struct hash {
    EVP_MD_CTX *context;
};

struct hash *hash_new(void)
{
    struct hash *hash = memory_alloc(1, sizeof *hash);

    hash->context = EVP_MD_CTX_new();
    if (!hash->context || EVP_DigestInit_ex(hash->context, EVP_sha256(), NULL) != 1)
        error_fatal("SHA-256 of libcrypto cannot be had");
    return hash;
}

void hash_add(struct hash *hash, const void *bytes, size_t length)
{
    if (EVP_DigestUpdate(hash->context, bytes, length) != 1)
        error_fatal("SHA-256 of libcrypto failed");
}

void hash_text(struct hash *hash, const char *text)
{
    hash_add(hash, text, strlen(text));
}

void hash_finish(struct hash *hash, uint8_t out[HASH_BYTES])
{
    if (EVP_DigestFinal_ex(hash->context, out, NULL) != 1)
        error_fatal("SHA-256 of libcrypto failed");
    EVP_MD_CTX_free(hash->context);
    free(hash);
}

void hash_finish_tag(struct hash *hash, char out[HASH_TAG_SIZE])
{
    uint8_t digest[HASH_BYTES];

    hash_finish(hash, digest);
    (void)text_hex(digest, (HASH_TAG_SIZE - 1) / 2, out);
}

uint64_t hash_bytes(const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    uint64_t hash = 0xcbf29ce484222325;

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ at[i]) * 0x100000001b3;
    hash ^= hash >> 32; // FNV leaves its low bits weak, and tables take those
    hash *= 0xd6e8feb86659fd93;
    return hash ^ hash >> 32;
}
