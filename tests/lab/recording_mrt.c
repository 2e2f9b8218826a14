/* recording_mrt: BGP4MP messages of MRT files, and the way to the tables.
 *
 * A file may hold many peers' messages; a stream is those of one peer, as its address and AS number are
 * told in each record. A collector's own messages ("local") are streams apart. */
#include "lib/arena.h"
#include "message.h"
#include "mrt.h"
#include "recording_inside.h"

#include <stdio.h>
#include <string.h>

enum { SOURCE_LIMIT = 4096, FIRST_UNASSIGNED = 12 };

bool mrt_next(const struct recording *recording, size_t *at, struct mrt_record *out, bool *failed,
              struct error *err)
{
    struct cut cut = {.at = recording->octets + *at, .left = recording->length - *at};

    if (!cut.left)
        return false;
    if (cut.left < MRT_HEADER) {
        recording_fail(recording, *at, err, "%zu octets; an MRT header of %d expected", cut.left,
                       MRT_HEADER);
        *failed = true;
        return false;
    }
    out->at = *at;
    out->time_us = 1000000 * cut_uint(&cut, 4);
    out->type = (unsigned)cut_uint(&cut, 2);
    out->subtype = (unsigned)cut_uint(&cut, 2);
    size_t length = cut_uint(&cut, 4), left = cut.left;

    out->body = cut_sub(&cut, length);
    if (cut.failed) {
        recording_fail(recording, *at, err, "an MRT record of %zu octets; at most %zu expected",
                       length, left);
        *failed = true;
        return false;
    }
    *at += MRT_HEADER + length;
    if (out->type != MRT_BGP4MP_ET)
        return true;
    uint64_t micros = cut_uint(&out->body, 4);

    if (out->body.failed || micros >= 1000000) {
        recording_fail(recording, out->at, err, "%llu µs; 0 to 999999 expected",
                       (unsigned long long)micros);
        *failed = true;
        return false;
    }
    out->time_us += micros;
    return true;
}

// ---- messages

struct mrt_message {
    bool wide, add_path, is_local;
    uint32_t as;
    struct endpoint ends[2]; // the peer, the collector
    const uint8_t *octets;
    size_t length;
};

/* Where a subtype's bits are: 4-octet AS numbers, path-ids, local. */
static bool read_subtype(unsigned subtype, struct mrt_message *out)
{
    static const struct {
        bool is_message, wide, add_path, is_local;
    } kinds[FIRST_UNASSIGNED] = {
        [BGP4MP_MESSAGE] = {true, false, false, false},
        [BGP4MP_MESSAGE_AS4] = {true, true, false, false},
        [BGP4MP_MESSAGE_LOCAL] = {true, false, false, true},
        [BGP4MP_MESSAGE_AS4_LOCAL] = {true, true, false, true},
        [BGP4MP_MESSAGE_ADDPATH] = {true, false, true, false},
        [BGP4MP_MESSAGE_AS4_ADDPATH] = {true, true, true, false},
        [BGP4MP_MESSAGE_LOCAL_ADDPATH] = {true, false, true, true},
        [BGP4MP_MESSAGE_AS4_LOCAL_ADDPATH] = {true, true, true, true},
    };

    if (subtype >= FIRST_UNASSIGNED || !kinds[subtype].is_message)
        return false;
    out->wide = kinds[subtype].wide;
    out->add_path = kinds[subtype].add_path;
    out->is_local = kinds[subtype].is_local;
    return true;
}

static struct net read_address(struct cut *cut, unsigned octets)
{
    struct net net = {.family = octets == 16 ? 6 : 4, .length_bits = (uint8_t)(8 * octets)};
    const uint8_t *bytes = cut_bytes(cut, octets);

    if (bytes)
        memcpy(net.bytes, bytes, octets);
    return net;
}

static bool read_message(const struct recording *recording, const struct mrt_record *record,
                         struct mrt_message *out, struct error *err)
{
    struct cut body = record->body;
    unsigned width = out->wide ? 4 : 2;
    uint32_t as[2];

    for (size_t i = 0; i < 2; i++)
        as[i] = (uint32_t)cut_uint(&body, width);
    (void)cut_uint(&body, 2); // interface
    unsigned afi = (unsigned)cut_uint(&body, 2);

    if (!body.failed && afi != 1 && afi != 2)
        return recording_fail(recording, record->at, err,
                              "address family %u; 1 (IPv4) or 2 (IPv6) expected", afi);
    for (size_t i = 0; i < 2; i++)
        out->ends[i].address = read_address(&body, afi == 2 ? 16 : 4);
    out->as = as[out->is_local];
    out->octets = body.at;
    out->length = body.left;
    struct cut header = body;

    (void)cut_bytes(&header, 16);
    size_t length = cut_uint(&header, 2);

    (void)cut_uint(&header, 1);
    if (body.failed || header.failed)
        return recording_fail(recording, record->at, err,
                              "a record of %zu octets; one with a BGP message expected",
                              record->body.left);
    return length == out->length ||
           recording_fail(recording, record->at, err,
                          "a BGP message that says %zu octets; %zu expected", length, out->length);
}

static bool is_of(const struct source *source, const struct mrt_message *message)
{
    const struct net *speaker = &message->ends[message->is_local].address;

    return !source->is_table && source->is_local == message->is_local &&
           source->as == message->as && net_compare(&source->ends[0].address, speaker) == 0 &&
           net_compare(&source->ends[1].address, &message->ends[1 - message->is_local].address) ==
               0;
}

static struct source *source_of(struct recording *recording, const struct mrt_message *message)
{
    size_t i = 0;
    char address[NET_TEXT_SIZE];

    while (i < recording->source_count && !is_of(&recording->sources[i], message))
        i++;
    if (i < recording->source_count)
        return &recording->sources[i];
    if (i == SOURCE_LIMIT)
        return NULL;
    struct source *source = recording_add_source(recording);

    source->is_local = message->is_local;
    source->as = message->as;
    source->ends[0] = message->ends[message->is_local];
    source->ends[1] = message->ends[1 - message->is_local];
    (void)snprintf(source->shown.name, sizeof source->shown.name, "%s AS%u%s",
                   net_format_address(&source->ends[0].address, address), source->as,
                   message->is_local ? " local" : "");
    return source;
}

static bool list_message(struct recording *recording, const struct mrt_record *record,
                         struct error *err)
{
    struct mrt_message message;

    if (!read_subtype(record->subtype, &message)) {
        recording->passed_over++;
        return true;
    }
    if (!read_message(recording, record, &message, err))
        return false;
    struct source *source = source_of(recording, &message);

    if (!source) {
        recording->passed_over++;
    } else if (message.octets[18] == MESSAGE_UPDATE) {
        source->shown.messages++;
        source->shown.octets += message.length;
    }
    return true;
}

static bool count_route(void *context, const struct rib_record *rib, const struct rib_entry *entry,
                        struct error *err)
{
    struct recording *recording = context;
    struct source *source = &recording->sources[recording->first_peer + entry->peer];

    (void)rib;
    (void)err;
    source->shown.messages++;
    source->shown.octets += entry->attributes.left;
    return true;
}

static bool list_table(struct recording *recording, const struct mrt_record *record,
                       struct error *err)
{
    if (record->subtype == RIB_PEER_INDEX_TABLE)
        return rib_read_peers(recording, record, err);
    if (rib_is_ours(record))
        return rib_walk(recording, record, count_route, recording, err);
    recording->passed_over++;
    return true;
}

bool mrt_list(struct recording *recording, struct error *err)
{
    struct mrt_record record;
    bool failed = false;

    for (size_t at = 0; mrt_next(recording, &at, &record, &failed, err);) {
        bool ok = true;

        if (record.type == MRT_TABLE_DUMP_V2)
            ok = list_table(recording, &record, err);
        else if (record.type == MRT_BGP4MP || record.type == MRT_BGP4MP_ET)
            ok = list_message(recording, &record, err);
        else
            recording->passed_over++;
        if (!ok)
            return false;
    }
    return !failed;
}

// ---- loading

/* One message of the wanted peer. */
static bool load_message(const struct recording *recording, const struct mrt_record *record,
                         const struct mrt_message *message, struct stream *out, struct error *err)
{
    unsigned type = message->octets[18];

    if (type == MESSAGE_OPEN && !out->count) {
        struct open_facts open = {0};

        if (!open_read(message->octets + MESSAGE_HEADER, message->length - MESSAGE_HEADER, &open))
            return recording_fail(recording, record->at, err,
                                  "an OPEN whose lengths do not nest; one that can be read "
                                  "expected");
        out->open = open;
        out->has_open = true;
        for (size_t i = 0; i < open.family_count; i++)
            out->open.families[i].add_path = 0; // the UPDATEs will tell
    }
    if (type != MESSAGE_UPDATE && type != MESSAGE_ROUTE_REFRESH)
        return true;
    if (type == MESSAGE_UPDATE && out->count && out->open.four_octet_as != message->wide)
        return recording_fail(recording, record->at, err,
                              "AS numbers of %d octets; %d as before expected",
                              message->wide ? 4 : 2, message->wide ? 2 : 4);
    if (type == MESSAGE_UPDATE) {
        out->open.four_octet_as = message->wide;
        stream_add_family(out, message->octets, message->length, message->add_path);
    }
    stream_add(out, record->time_us, message->octets, message->length);
    return true;
}

bool mrt_load(const struct recording *recording, const struct source *source, struct stream *out,
              struct error *err)
{
    struct mrt_record record;
    bool failed = false;

    out->open.as = source->as;
    out->open.hold_time_s = 90;
    if (source->ends[0].address.family == 4)
        memcpy(out->open.router_id, source->ends[0].address.bytes, 4);
    for (size_t at = 0; mrt_next(recording, &at, &record, &failed, err);) {
        struct mrt_message message;

        if ((record.type != MRT_BGP4MP && record.type != MRT_BGP4MP_ET) ||
            !read_subtype(record.subtype, &message))
            continue;
        if (!read_message(recording, &record, &message, err))
            return false;
        if (is_of(source, &message) && !load_message(recording, &record, &message, out, err))
            return false;
    }
    return !failed;
}
