/* endpoint: sockets' addresses, calls, clocks. */
#include "endpoint.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

socklen_t endpoint_to_socket(const struct net *address, uint16_t port, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof *out);
    if (address->family == 4) {
        struct sockaddr_in *in = (struct sockaddr_in *)out;

        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        memcpy(&in->sin_addr, address->bytes, 4);
        return sizeof *in;
    }
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    memcpy(&in6->sin6_addr, address->bytes, 16);
    return sizeof *in6;
}

struct endpoint endpoint_of_socket(const struct sockaddr *socket)
{
    struct endpoint endpoint = {0};

    if (socket->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)socket;

        endpoint.address = (struct net){.family = 4, .length_bits = 32};
        memcpy(endpoint.address.bytes, &in->sin_addr, 4);
        endpoint.port = ntohs(in->sin_port);
    } else if (socket->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)socket;

        endpoint.address = (struct net){.family = 6, .length_bits = 128};
        memcpy(endpoint.address.bytes, &in6->sin6_addr, 16);
        endpoint.port = ntohs(in6->sin6_port);
    }
    return endpoint;
}

char *endpoint_format(const struct endpoint *endpoint, char out[ENDPOINT_TEXT_SIZE])
{
    char address[NET_TEXT_SIZE];

    (void)net_format_address(&endpoint->address, address);
    (void)snprintf(out, ENDPOINT_TEXT_SIZE, endpoint->address.family == 6 ? "[%s]:%u" : "%s:%u",
                   address, endpoint->port);
    return out;
}

int endpoint_call(const struct net *address, uint16_t port, const struct net *source)
{
    struct sockaddr_storage there, here;
    socklen_t length = endpoint_to_socket(address, port, &there);
    int fd = socket(there.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    if ((!source->family ||
         bind(fd, (struct sockaddr *)&here, endpoint_to_socket(source, 0, &here)) == 0) &&
        (connect(fd, (struct sockaddr *)&there, length) == 0 || errno == EINPROGRESS))
        return fd;
    int cause = errno;

    (void)close(fd);
    errno = cause;
    return -1;
}

uint64_t clock_us(clockid_t clock)
{
    struct timespec now;

    (void)clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}
