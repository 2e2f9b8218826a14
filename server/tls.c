/* tls: see tls.h. */
#include "tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_length,
                           const unsigned char *offered, unsigned offered_length, void *context)
{
    static const unsigned char http[] = "\x08http/1.1";

    (void)ssl;
    (void)context;
    unsigned char *chosen;
    if (SSL_select_next_proto(&chosen, out_length, http, sizeof http - 1, offered,
                              offered_length) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

SSL_CTX *tls_new(const char *certificate, const char *key, struct error *err)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    const char *doing = "making a TLS context";
    char why[128];

    ERR_clear_error();
    if (!tls || !SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION))
        goto failed;
    (void)SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS); // an idle connection keeps none
    SSL_CTX_set_alpn_select_cb(tls, choose_protocol, NULL);
    doing = certificate;
    if (SSL_CTX_use_certificate_chain_file(tls, certificate) != 1)
        goto failed;
    doing = key;
    if (SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(tls) != 1)
        goto failed;
    return tls;
failed:
    ERR_error_string_n(ERR_peek_last_error(), why, sizeof why);
    error_set(err, ERROR_INPUT, "%s: %s", doing, why);
    SSL_CTX_free(tls);
    return NULL;
}
