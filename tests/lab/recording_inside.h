/* recording_inside: what the readers of the formats share; nobody else includes it. */
#pragma once

#include "cut.h"
#include "endpoint.h"
#include "recording.h"

enum format { FORMAT_MRT, FORMAT_PCAP, FORMAT_PCAPNG, FORMAT_BMP };

/* A piece of what one side of a TCP connection said. */
struct tcp_segment {
    uint64_t sequence; // from the connection's first octet on, or from what was seen first
    uint64_t time_us;
    size_t at;       // in the file
    uint32_t length; // captured
    uint32_t lacks;  // octets of it that the capture cut off
};

struct source {
    struct stream_entry shown;
    struct endpoint ends[2]; // MRT: the peer first; pcap: who speaks first
    uint32_t as;             // MRT
    bool is_local;           // MRT: what the collector itself said
    bool is_table;           // TABLE_DUMP_V2
    unsigned peer_index;     // its
    uint8_t router_id[4];    // its

    // pcap
    bool has_base;
    uint32_t base;             // the wire's sequence number of sequence 0
    bool was_opened, has_data; // it began with SYN; data was seen
    struct tcp_segment *segments;
    size_t segment_count, segment_capacity;
};

struct recording {
    char *name;
    const uint8_t *octets;
    size_t length;
    void *mapping; // NULL: borrowed octets
    enum format format;
    struct source *sources;
    size_t source_count, source_capacity;
    size_t shown_count;            // the first ones
    size_t first_peer, peer_count; // of a table: they stand together until the listing is done
    uint64_t passed_over;
};

/* "FILE: offset N: …"; returns false. */
bool recording_fail(const struct recording *recording, size_t offset, struct error *err,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));

struct source *recording_add_source(struct recording *recording); // zeroed

/* Where in the file the cursor stands. */
static inline size_t recording_offset(const struct recording *recording, const struct cut *cut)
{
    return (size_t)(cut->at - recording->octets);
}

/* Adds a message to the stream and, of an UPDATE, its family to `open`: with path-ids or without. */
void stream_add(struct stream *stream, uint64_t time_us, const uint8_t *octets, size_t length);
void stream_add_family(struct stream *stream, const uint8_t *update, size_t length, bool add_path);

bool mrt_list(struct recording *recording, struct error *err);
bool mrt_load(const struct recording *recording, const struct source *source, struct stream *out,
              struct error *err);
bool rib_load(const struct recording *recording, const struct source *source, struct stream *out,
              struct error *err);
bool pcap_list(struct recording *recording, struct error *err);
bool pcap_load(const struct recording *recording, const struct source *source, struct stream *out,
               struct error *err);

/* One record of an MRT file. */
struct mrt_record {
    size_t at; // in the file
    uint64_t time_us;
    unsigned type, subtype;
    struct cut body; // behind the microseconds
};

/* The record at *at, which then stands behind it; false at the end, or with *failed and *err. */
bool mrt_next(const struct recording *recording, size_t *at, struct mrt_record *out, bool *failed,
              struct error *err);

/* The prefix record of a table, as far as its entries. */
struct rib_record {
    bool is_ipv6, add_path;
    uint8_t length_bits;
    const uint8_t *prefix;
    unsigned entries;
};

bool rib_read_peers(struct recording *recording, const struct mrt_record *record,
                    struct error *err);
/* Walks a record's entries: visit() for each, until it returns false. */
struct rib_entry {
    unsigned peer;
    uint32_t path_id;
    struct cut attributes;
};
typedef bool rib_visit(void *context, const struct rib_record *rib, const struct rib_entry *entry,
                       struct error *err);
bool rib_walk(const struct recording *recording, const struct mrt_record *record, rib_visit *visit,
              void *context, struct error *err);
bool rib_is_ours(const struct mrt_record *record); // one of the subtypes that rib_walk() reads
