/* endpoint: an address and port of the lab as the socket interface has it, and the clocks. */
#pragma once

#include "net.h"

#include <sys/socket.h>
#include <time.h>

enum { ENDPOINT_TEXT_SIZE = NET_TEXT_SIZE + 8 };

struct endpoint {
    struct net address;
    uint16_t port;
};

/* The length of what was written. */
socklen_t endpoint_to_socket(const struct net *address, uint16_t port,
                             struct sockaddr_storage *out);
struct endpoint endpoint_of_socket(const struct sockaddr *socket);

/* "127.0.0.1:179", "[::1]:179"; returns out. */
char *endpoint_format(const struct endpoint *endpoint, char out[ENDPOINT_TEXT_SIZE]);

/* A call that does not wait, from `source` unless that is none; -1 with errno set. */
int endpoint_call(const struct net *address, uint16_t port, const struct net *source);

uint64_t clock_us(clockid_t clock);
