/* socket: see socket.h. */
#include "socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

union any_address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_un un;
};

static bool address_of(const struct endpoint *endpoint, union any_address *out, socklen_t *length,
                       struct error *err)
{
    memset(out, 0, sizeof *out);
    if (endpoint->is_unix) {
        out->un.sun_family = AF_UNIX;
        *length = sizeof out->un;
        if (strlen(endpoint->path) >= sizeof out->un.sun_path)
            return error_set(err, ERROR_INPUT, "%s: a path too long for a socket", endpoint->path);
        memcpy(out->un.sun_path, endpoint->path, strlen(endpoint->path));
    } else if (endpoint->address.family == FAMILY_IPV4) {
        out->in.sin_family = AF_INET;
        out->in.sin_port = htons(endpoint->port);
        memcpy(&out->in.sin_addr, endpoint->address.bytes, 4);
        *length = sizeof out->in;
    } else {
        out->in6.sin6_family = AF_INET6;
        out->in6.sin6_port = htons(endpoint->port);
        memcpy(&out->in6.sin6_addr, endpoint->address.bytes, 16);
        *length = sizeof out->in6;
    }
    return true;
}

int socket_bind(const struct endpoint *endpoint, bool shares, struct error *err)
{
    const int on = 1;
    union any_address address;
    socklen_t length;

    if (!address_of(endpoint, &address, &length, err))
        return -1;
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        error_errno(err, errno, "%s: making a socket", endpoint->text);
        return -1;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on,
                     sizeof on); // over old connections' TIME_WAIT
    if (!endpoint->is_unix)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on,
                         sizeof on); // accepted sockets inherit it
    if (address.any.sa_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (shares && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) {
        error_errno(err, errno, "%s: sharing the port among threads", endpoint->text);
        (void)close(fd);
        return -1;
    }
    if (bind(fd, &address.any, length) != 0) {
        if (errno == EADDRINUSE)
            error_set(err, ERROR_SYSTEM,
                      "%s: address in use: another program listens there; `ss -ltnp` names it",
                      endpoint->text);
        else
            error_errno(err, errno, "%s: listening", endpoint->text);
        (void)close(fd);
        return -1;
    }
    return fd;
}

bool socket_check_free(const struct endpoint *endpoint, struct error *err)
{
    if (endpoint->is_unix) {
        (void)unlink(endpoint->path);
        return true;
    }
    int fd = socket_bind(endpoint, false, err);
    if (fd < 0)
        return false;
    // SO_REUSEADDR binds beside a bound socket that does not listen yet, so the proof is to listen
    bool is_free = listen(fd, 1) == 0 || error_errno(err, errno, "%s: listening", endpoint->text);
    (void)close(fd);
    return is_free;
}
