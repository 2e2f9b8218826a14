/* recording: files of what BGP and BMP sessions said, read so that it can be said again.
 *
 *     MRT        BGP4MP and BGP4MP_ET messages (RFC 6396 4.4, RFC 8050), from any collector: one stream a
 *                peer. TABLE_DUMP_V2 tables (RFC 6396 4.3): one stream a peer of the table, its routes
 *                packed into UPDATEs. Other records are passed over and counted.
 *     pcap       TCP connections: one stream for each direction that speaks BGP or BMP. Either octet
 *                order, micro- or nanoseconds; Ethernet (VLANs too), loopback, Linux cooked, raw IP.
 *     BMP        the octets of one connection as they are.
 *
 * A file is hostile: what is wrong with it ends the reading with FILE: offset N: value; what was expected.
 * Streams are many, wanted is one: recording_open() lists them all, recording_load() fetches one. */
#pragma once

#include "lib/error.h"
#include "open.h"

struct recording;

enum stream_kind { STREAM_BGP, STREAM_BMP };

/* What one side of a session said, messages in order. */
struct stream_entry {
    enum stream_kind kind;
    char name[128];            // "192.0.2.1 AS64500", "192.0.2.1:179 > 192.0.2.9:40001"
    uint64_t messages, octets; // UPDATEs, or routes of a table; BMP: octets only
};

/* One message of a loaded stream; of BMP a piece of its octets. */
struct stream_message {
    uint64_t time_us; // since the epoch
    size_t at;        // in octets
    size_t length;
};

struct stream {
    enum stream_kind kind;
    bool has_open; // of the side that speaks; else `open` holds what the messages show
    struct open_facts open;
    uint8_t *octets; // messages one after the other; BGP: UPDATEs and ROUTE-REFRESHes only
    size_t length, octet_capacity;
    struct stream_message *messages;
    size_t count, message_capacity;
};

/* Maps the file and lists its streams. NULL with *err. The caller owns it. */
struct recording *recording_open(const char *file, struct error *err);

/* The same for octets in memory, borrowed until recording_free(); `name` stands in errors. */
struct recording *recording_over(const char *name, const uint8_t *octets, size_t length,
                                 struct error *err);
void recording_free(struct recording *recording); // NULL is fine

size_t recording_count(const struct recording *recording);
const struct stream_entry *recording_entry(const struct recording *recording, size_t index);
uint64_t recording_passed_over(const struct recording *recording); // records, packets

/* The stream, for stream_release(). false with *err. */
bool recording_load(const struct recording *recording, size_t index, struct stream *out,
                    struct error *err);
void stream_release(struct stream *stream);
