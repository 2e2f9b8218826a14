/* connection: one client's requests and their answers, and all such clients of a loop.
 *
 * What a client may cost is bounded here: by deadlines, by watermarks in both directions, by what is read of a
 * request. */
#pragma once

#include "clients.h"
#include "http.h"
#include "lib/arena.h"
#include "lib/log.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct connection;

/* Those of one loop, touched by its thread only. The loop owns it and what it sets in it. */
struct connections {
    struct event_base *base;
    unsigned loop;       // its number, for handlers
    struct arena *arena; // of the request in work
    struct http_settings settings;
    struct log log;
    bool stopping; // every answer ends its connection
    // of connection.c
    struct connection *first; // NULL: there is none
    size_t large;             // how many get a large answer
    time_t date_time;
    char date[32];
};

/* Takes the socket, which clients has counted and now learns of the end of. false: there is no memory, and fd is
 * the caller's still. */
bool connections_add(struct connections *all, const struct http_service *service,
                     struct clients *clients, int fd, const struct prefix *client);

/* Ends those whose deadline has passed; a few times a second. */
void connections_sweep(struct connections *all, int64_t now_us);

/* Ends them now: all, or those that wait for a request and have nothing to send. */
void connections_end(struct connections *all, bool idle_only);

/* Now, as the value of the field Date (RFC 9110 section 5.6.7); made once a second. */
const char *connections_date(struct connections *all);
