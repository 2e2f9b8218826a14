/* bmp_stream: all that a monitored router says on one BMP connection, as octets on demand.
 *
 * A stream is a queue of tables and messages. Tables stay the blobs that BGP sessions send from; the
 * headers go in front of each UPDATE when the octets are asked for. So a million routes wait in a few
 * references, whatever the station's pace. No sockets: sessions, captures and tests draw from it. */
#pragma once

#include "backbone.h"
#include "bmp_message.h"

struct bmp_stream;

/* Empty. Both are borrowed until bmp_stream_free(). */
struct bmp_stream *bmp_stream_new(struct backbone *backbone, const struct bmp_router *router);
void bmp_stream_free(struct bmp_stream *stream); // NULL is fine

/* What a connection begins with: Initiation, then for each peer that is not down its Peer Up, then every
 * table with its End-of-RIB. time_us: UTC, what the messages are stamped with; likewise below. */
void bmp_stream_begin(struct bmp_stream *stream, uint64_t time_us);

/* Changes as backbone_settle() gives them: updates[reflector * FAMILIES + family]; takes references of
 * its own. Returns the UPDATEs queued, over all peers and views. */
size_t bmp_stream_update(struct bmp_stream *stream, struct blob *const *updates, uint64_t time_us);

/* One peer: its Peer Up with all tables; or Peer Down. */
void bmp_stream_peer_up(struct bmp_stream *stream, const struct bmp_peer *peer, uint64_t time_us);
void bmp_stream_peer_down(struct bmp_stream *stream, const struct bmp_peer *peer,
                          enum bmp_down reason, unsigned code, uint64_t time_us);

void bmp_stream_statistics(struct bmp_stream *stream, uint64_t time_us); // of every peer that is up

/* Whatever octets; takes them out of the wire. */
void bmp_stream_say(struct bmp_stream *stream, struct wire *octets);

/* Adds whole messages to *out until `about` octets are there or nothing is left to say. Returns how many
 * octets were added; 0: nothing waits. */
size_t bmp_stream_fill(struct bmp_stream *stream, size_t about, struct wire *out);

size_t bmp_stream_pending(const struct bmp_stream *stream);    // octets that wait
uint64_t bmp_stream_messages(const struct bmp_stream *stream); // UPDATEs filled so far
