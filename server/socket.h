/* socket: listening addresses of the configuration as bound sockets. */
#pragma once

#include "lib/config.h"
#include "lib/error.h"

#include <stdbool.h>

/* A bound socket that does not block, the caller's; -1 on failure. shares: other sockets of ours may bind the same
 * address (SO_REUSEPORT). */
int socket_bind(const struct endpoint *endpoint, bool shares, struct error *err);

/* Two programs of one user can share a port by SO_REUSEPORT and would then take turns in answering. A bind without
 * it tells whether somebody is there already. A Unix socket's path is made free. */
bool socket_check_free(const struct endpoint *endpoint, struct error *err);
