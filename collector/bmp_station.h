/* bmp_station: a listener for BMP and the connections it took, on one libevent loop.
 *
 * The station never sends (L-138). A connection gives way to the others after each read (libevent 2.1 reads 4 kB
 * a turn), and is never paused: what comes is decoded at once, so that no more than one message waits for its
 * end. Everything runs on the loop's thread. */
#pragma once

#include "bmp.h"
#include "lib/config.h"
#include "lib/log.h"

struct event_base;
struct bmp_station;

enum { BMP_ROUTER_LIMIT = 1024 }; // connections at once; further ones are closed and logged

/* Listens at once. Connections are logged here, the faults of a peer are for the handler's sink to log (L-095):
 * only it knows the peer's name. handler is copied; log and base are borrowed and outlive the station. NULL with *err when the
 * address cannot be listened on, or is a Unix socket. */
struct bmp_station *bmp_station_new(struct event_base *base, const struct endpoint *listen,
                                    const struct bmp_handler *handler, const struct log *log,
                                    struct error *err);

/* Closes the listener and every connection, without a word to the handler: the collector leaves, no session has failed. NULL is fine. Not from a handler. */
void bmp_station_free(struct bmp_station *station);

uint16_t bmp_station_port(
    const struct bmp_station *station); // as bound, for a configured port of 0

/* The counters of all connections, past ones too. */
void bmp_station_counters(const struct bmp_station *station, struct bmp_counters *out);
size_t bmp_station_connections(const struct bmp_station *station);

/* Every session that is connected. */
void bmp_station_each(const struct bmp_station *station,
                      void (*visit)(void *context, const struct bmp_session *session),
                      void *context);

/* The last messages that had a fault. */
const struct fault_ring *bmp_station_faults(const struct bmp_station *station);
