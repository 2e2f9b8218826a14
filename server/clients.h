/* clients: how many connections there are, in all and from each client.
 *
 * A client is an IPv4 address or an IPv6 /64: who has one address of a /64 has all of them. Any thread may
 * call. */
#pragma once

#include "lib/prefix.h"

#include <stdbool.h>
#include <stdint.h>

enum clients_verdict { CLIENTS_OK, CLIENTS_FULL, CLIENTS_TOO_MANY_OF_ONE };

struct clients;

struct clients *clients_new(uint32_t most, uint32_t most_of_one);
void clients_free(struct clients *clients); // NULL is fine

/* New limits; who is in stays in. */
void clients_limit(struct clients *clients, uint32_t most, uint32_t most_of_one);

/* Counts a connection, if it is within the limits; each CLIENTS_OK is followed by one clients_leave. */
enum clients_verdict clients_enter(struct clients *clients, const struct prefix *address);
void clients_leave(struct clients *clients, const struct prefix *address);

uint32_t clients_count(struct clients *clients);
