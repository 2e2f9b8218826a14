/* net: addresses and prefixes of the lab. */
#include "net.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

unsigned net_bits(const struct net *net)
{
    return net->family == 4 ? 32 : 128;
}

bool net_parse_address(const char *text, struct net *out)
{
    struct net net = {0};

    if (inet_pton(AF_INET, text, net.bytes) == 1)
        net.family = 4;
    else if (inet_pton(AF_INET6, text, net.bytes) == 1)
        net.family = 6;
    else
        return false;
    net.length_bits = (uint8_t)net_bits(&net);
    *out = net;
    return true;
}

static bool parse_port(const char *text, uint16_t *out)
{
    unsigned port = 0;

    if (!*text || strlen(text) > 5)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;
        port = 10 * port + (unsigned)(*text - '0');
    }
    *out = (uint16_t)port;
    return port <= UINT16_MAX;
}

bool net_parse_endpoint(const char *text, struct net *address, uint16_t *port)
{
    const char *colon = strrchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : 0;
    char host[NET_TEXT_SIZE];
    uint16_t number;

    if (!colon || length >= sizeof host || !parse_port(colon + 1, &number))
        return false;
    bool bracketed = length > 2 && text[0] == '[' && text[length - 1] == ']';

    if (bracketed) {
        text++;
        length -= 2;
    }
    memcpy(host, text, length);
    host[length] = '\0';
    if (!net_parse_address(host, address))
        return false;
    *port = number;
    return true;
}

static bool host_bits_are_clear(const struct net *net)
{
    for (unsigned bit = net->length_bits; bit < net_bits(net); bit++) {
        if (net->bytes[bit / 8] & (0x80 >> bit % 8))
            return false;
    }
    return true;
}

bool net_parse_prefix(const char *text, struct net *out)
{
    const char *slash = strchr(text, '/');
    char address[NET_TEXT_SIZE];
    struct net net;
    unsigned length_bits = 0;

    if (!slash || (size_t)(slash - text) >= sizeof address || !slash[1] || strlen(slash) > 4)
        return false;
    memcpy(address, text, (size_t)(slash - text));
    address[slash - text] = '\0';
    for (const char *digit = slash + 1; *digit; digit++) {
        if (*digit < '0' || *digit > '9')
            return false;
        length_bits = 10 * length_bits + (unsigned)(*digit - '0');
    }
    if (!net_parse_address(address, &net) || length_bits > net_bits(&net))
        return false;
    net.length_bits = (uint8_t)length_bits;
    if (!host_bits_are_clear(&net))
        return false;
    *out = net;
    return true;
}

char *net_format_address(const struct net *net, char out[NET_TEXT_SIZE])
{
    if (net->family == 0)
        (void)snprintf(out, NET_TEXT_SIZE, "none");
    else
        (void)inet_ntop(net->family == 4 ? AF_INET : AF_INET6, net->bytes, out, NET_TEXT_SIZE);
    return out;
}

char *net_format_prefix(const struct net *net, char out[NET_TEXT_SIZE])
{
    size_t length = strlen(net_format_address(net, out));

    (void)snprintf(out + length, NET_TEXT_SIZE - length, "/%u", net->length_bits);
    return out;
}

int net_compare(const struct net *a, const struct net *b)
{
    int order = a->family - b->family;

    if (order == 0)
        order = memcmp(a->bytes, b->bytes, sizeof a->bytes);
    return order ? order : a->length_bits - b->length_bits;
}

bool net_contains(const struct net *outer, const struct net *inner)
{
    unsigned whole = outer->length_bits / 8, rest = outer->length_bits % 8;

    if (outer->family != inner->family || outer->length_bits > inner->length_bits)
        return false;
    return memcmp(outer->bytes, inner->bytes, whole) == 0 &&
           (rest == 0 || (outer->bytes[whole] ^ inner->bytes[whole]) >> (8 - rest) == 0);
}

bool net_nth(const struct net *pool, unsigned length_bits, uint64_t index, struct net *out)
{
    if (length_bits < pool->length_bits || length_bits > net_bits(pool))
        return false;
    unsigned width = length_bits - pool->length_bits;

    if (width < 64 && index >> width != 0)
        return false;
    struct net net = *pool;

    net.length_bits = (uint8_t)length_bits;
    for (unsigned bit = length_bits; index != 0; index >>= 1) {
        bit--;
        if (index & 1)
            net.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
    }
    *out = net;
    return true;
}
