/* replay: a recorded stream said again, into a fresh session with a real peer.
 *
 * BGP: an OPEN that offers what the recorded UPDATEs need (families, 4-octet AS numbers, path-ids), our own
 * KEEPALIVEs, and the UPDATEs octet by octet. BMP: the octets. Either at the recorded pace, some times as
 * fast, or as fast as the peer reads. Blocks until it is done; one session. */
#pragma once

#include "lib/error.h"
#include "lib/log.h"
#include "net.h"

#include <stdint.h>

struct replay_options {
    const char *file;
    const char *stream;  // its name or number in the listing; NULL: the only one
    const char *to, *at; // "ADDRESS:PORT" to call, or to listen at
    const char *from;    // the address that a call comes from; NULL: any
    const char *speed;   // NULL: as recorded; "max", or a number of times as fast
    const char *as;      // instead of the recorded AS number; NULL
    const char *router_id;
    bool leave; // end the session when all is said, instead of keeping it up
    const struct log *log;
};

/* false with *err: the recording is wrong, or the session did not come about or broke. */
bool replay_run(const struct replay_options *options, struct error *err);

/* The streams of a file, a line each, on stdout. */
bool replay_list(const char *file, struct error *err);
