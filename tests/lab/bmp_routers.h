/* bmp_routers: the monitored routers' BMP sessions, in the lab's loop (RFC 7854 section 3).
 *
 * A router calls its station, again and again with growing pauses, or listens and takes any number of
 * them. Each connection gets a stream of its own from the beginning. A router whose vertex is down has no
 * connections. What a station sends is thrown away: it has nothing to say. */
#pragma once

#include "bmp_stream.h"
#include "lib/log.h"
#include "record.h"
#include "speaker.h"

#include <event2/event.h>

struct bmp_routers;

/* Opens the sockets; everything is borrowed until bmp_routers_free(). record: NULL for none. NULL with
 * *err. */
struct bmp_routers *bmp_routers_new(struct event_base *base, struct backbone *backbone,
                                    const struct log *log, struct record *record,
                                    struct error *err);
void bmp_routers_free(struct bmp_routers *routers); // says Termination; NULL is fine

/* What backbone_settle() gave, to every connection; adds to *out what went. Borrowed: before speaker_send(),
 * which takes the references. Connections of routers that went down end here, those that came up call. */
void bmp_routers_send(struct bmp_routers *routers, struct blob *const *updates, struct sent *out);

enum bmp_end {
    BMP_END_TERMINATE, // Termination with a reason, then the connection's end
    BMP_END_DROP,      // the connection only
};

/* Ends the router's connections; the number of them. It calls again. */
size_t bmp_routers_end(struct bmp_routers *routers, size_t router, enum bmp_end how,
                       unsigned reason, const char *text);

/* A router that is down neither calls nor listens. */
bool bmp_routers_set_down(struct bmp_routers *routers, size_t router, bool down, struct error *err);

/* One monitored peer goes or comes, on all connections; adds to *out. false with *err: it is so already. */
bool bmp_routers_peer_down(struct bmp_routers *routers, size_t router, size_t peer,
                           enum bmp_down reason, unsigned code, struct sent *out,
                           struct error *err);
bool bmp_routers_peer_up(struct bmp_routers *routers, size_t router, size_t peer, struct sent *out,
                         struct error *err);

void bmp_routers_statistics(struct bmp_routers *routers, size_t router, struct sent *out);

/* Any octets, after what waits. */
void bmp_routers_say(struct bmp_routers *routers, size_t router, const struct wire *octets,
                     struct sent *out);

/* The next connection breaks off after so many octets: it is closed, or falls silent but stays. The one
 * after it is whole again. */
void bmp_routers_cut(struct bmp_routers *routers, size_t router, uint64_t octets, bool silent);

struct bmp_status {
    const char *station;      // "127.0.0.1:11019"; borrowed until the loop goes on
    const char *state;        // "connecting", "up", "silent"
    uint64_t seconds;         // since it is in that state
    uint64_t updates, octets; // said
    size_t pending;
};

/* The index-th connection of the router; false: no so many. */
bool bmp_routers_session(const struct bmp_routers *routers, size_t router, size_t index,
                         struct bmp_status *out);
bool bmp_routers_is_down(const struct bmp_routers *routers, size_t router);
