/* recording: which format a file has, and streams as they grow. */
#include "recording.h"

#include "lib/arena.h"
#include "message.h"
#include "recording_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    ATTRIBUTE_MP_REACH = 14,
    ATTRIBUTE_MP_UNREACH = 15,
    FLAG_LONG = 0x10,
    BMP_HEADER = 6,
    BMP_TYPES = 7,
};

bool recording_fail(const struct recording *recording, size_t offset, struct error *err,
                    const char *format, ...)
{
    char text[300];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return error_set(err, ERROR_INPUT, "%s: offset %zu: %s", recording->name, offset, text);
}

struct source *recording_add_source(struct recording *recording)
{
    recording->sources = memory_grow(recording->sources, recording->source_count,
                                     &recording->source_capacity, sizeof *recording->sources);
    struct source *source = &recording->sources[recording->source_count++];

    *source = (struct source){0};
    return source;
}

// ---- streams

static void *grow_octets(uint8_t *octets, size_t length, size_t *capacity)
{
    size_t wanted = *capacity ? *capacity : 4096;

    while (wanted < length)
        wanted *= 2;
    if (wanted == *capacity)
        return octets;
    *capacity = wanted;
    return memory_resize(octets, wanted, 1);
}

void stream_add(struct stream *stream, uint64_t time_us, const uint8_t *octets, size_t length)
{
    stream->octets = grow_octets(stream->octets, stream->length + length, &stream->octet_capacity);
    memcpy(stream->octets + stream->length, octets, length);
    stream->messages = memory_grow(stream->messages, stream->count, &stream->message_capacity,
                                   sizeof *stream->messages);
    stream->messages[stream->count++] =
        (struct stream_message){.time_us = time_us, .at = stream->length, .length = length};
    stream->length += length;
}

/* What an UPDATE cannot be read for is left alone: it may be ill-formed on purpose. */
void stream_add_family(struct stream *stream, const uint8_t *update, size_t length, bool add_path)
{
    struct cut cut = {.at = update, .left = length};
    unsigned afi = 1, safi = 1;

    (void)cut_bytes(&cut, MESSAGE_HEADER);
    (void)cut_sub(&cut, cut_uint(&cut, 2));
    struct cut attributes = cut_sub(&cut, cut_uint(&cut, 2));

    while (attributes.left) {
        uint64_t flags = cut_uint(&attributes, 1), type = cut_uint(&attributes, 1);
        struct cut value = cut_sub(&attributes, cut_uint(&attributes, flags & FLAG_LONG ? 2 : 1));

        if ((type == ATTRIBUTE_MP_REACH || type == ATTRIBUTE_MP_UNREACH) && value.left >= 3) {
            afi = (unsigned)cut_uint(&value, 2);
            safi = (unsigned)cut_uint(&value, 1);
        }
    }
    struct open_family *family = open_add_family(&stream->open, afi, safi);

    if (family && add_path)
        family->add_path = ADD_PATH_SENDS;
}

void stream_release(struct stream *stream)
{
    free(stream->octets);
    free(stream->messages);
    *stream = (struct stream){0};
}

// ---- BMP as it is

static size_t bmp_length(const uint8_t *header)
{
    return (size_t)header[1] << 24 | (size_t)header[2] << 16 | (size_t)header[3] << 8 | header[4];
}

static bool bmp_walk(const struct recording *recording, struct stream *out, struct error *err)
{
    for (size_t at = 0; at < recording->length;) {
        const uint8_t *header = recording->octets + at;
        size_t left = recording->length - at, length = left < BMP_HEADER ? 0 : bmp_length(header);

        if (header[0] != 3)
            return recording_fail(recording, at, err, "BMP version %u; 3 expected", header[0]);
        if (length < BMP_HEADER || length > left)
            return recording_fail(recording, at, err,
                                  "a BMP message of %zu octets; %d to %zu expected", length,
                                  BMP_HEADER, left);
        if (out)
            stream_add(out, 0, header, length);
        at += length;
    }
    return true;
}

static bool bmp_list(struct recording *recording, struct error *err)
{
    struct source *source = recording_add_source(recording);

    source->shown.kind = STREAM_BMP;
    source->shown.octets = recording->length;
    (void)snprintf(source->shown.name, sizeof source->shown.name, "BMP");
    return bmp_walk(recording, NULL, err);
}

// ---- files

static bool find_format(struct recording *recording, struct error *err)
{
    static const struct {
        uint32_t magic;
        enum format format;
    } magics[] = {
        {0xa1b2c3d4, FORMAT_PCAP}, {0xd4c3b2a1, FORMAT_PCAP},   {0xa1b23c4d, FORMAT_PCAP},
        {0x4d3cb2a1, FORMAT_PCAP}, {0x0a0d0d0a, FORMAT_PCAPNG},
    };
    struct cut cut = {.at = recording->octets, .left = recording->length};
    uint32_t magic = (uint32_t)cut_uint(&cut, 4);
    unsigned type = (unsigned)cut_uint(&cut, 2);

    if (!recording->length)
        return recording_fail(recording, 0, err, "an empty file; MRT, pcap or BMP expected");
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++) {
        if (magics[i].magic == magic) {
            recording->format = magics[i].format;
            return true;
        }
    }
    // an MRT record begins with a time, so that its type is what is left to know it by
    if (!cut.failed && type >= 11 && type <= 49) {
        recording->format = FORMAT_MRT;
        return true;
    }
    recording->format = FORMAT_BMP;
    if (recording->octets[0] == 3 && (recording->length < 6 || recording->octets[5] < BMP_TYPES))
        return true;
    if (magic >> 16 == 0x1f8b || magic >> 8 == 0x425a68)
        return recording_fail(recording, 0, err,
                              "a compressed file; MRT, pcap or BMP, decompressed, expected");
    return recording_fail(recording, 0, err, "%08x…; MRT, pcap or BMP expected", (unsigned)magic);
}

/* Streams that say nothing are not shown; their OPENs may still be asked for. */
static void put_silent_last(struct recording *recording)
{
    struct source *sources = memory_alloc(recording->source_count + 1, sizeof *recording->sources);
    size_t count = 0;

    for (size_t silent = 0; silent < 2; silent++) {
        for (size_t i = 0; i < recording->source_count; i++) {
            const struct source *source = &recording->sources[i];

            if (silent == (!source->shown.messages && !source->shown.octets))
                sources[count++] = *source;
        }
        if (!silent)
            recording->shown_count = count;
    }
    free(recording->sources);
    recording->sources = sources;
}

static bool list(struct recording *recording, struct error *err)
{
    bool ok = find_format(recording, err);

    if (ok && recording->format == FORMAT_MRT)
        ok = mrt_list(recording, err);
    else if (ok && recording->format == FORMAT_BMP)
        ok = bmp_list(recording, err);
    else if (ok)
        ok = pcap_list(recording, err);
    put_silent_last(recording);
    return ok;
}

struct recording *recording_over(const char *name, const uint8_t *octets, size_t length,
                                 struct error *err)
{
    struct recording *recording = memory_alloc(1, sizeof *recording);

    *recording = (struct recording){.name = memory_text(name), .octets = octets, .length = length};
    if (list(recording, err))
        return recording;
    recording_free(recording);
    return NULL;
}

struct recording *recording_open(const char *file, struct error *err)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    struct stat status;

    if (fd < 0 || fstat(fd, &status) != 0) {
        error_errno(err, errno, "%s", file);
        if (fd >= 0)
            (void)close(fd);
        return NULL;
    }
    size_t length = (size_t)status.st_size;
    void *octets = length ? mmap(NULL, length, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;

    (void)close(fd);
    if (octets == MAP_FAILED) {
        error_errno(err, errno, "%s", file);
        return NULL;
    }
    struct recording *recording = recording_over(file, octets, length, err);

    if (recording)
        recording->mapping = octets;
    else if (octets)
        (void)munmap(octets, length);
    return recording;
}

void recording_free(struct recording *recording)
{
    if (!recording)
        return;
    if (recording->mapping)
        (void)munmap(recording->mapping, recording->length);
    for (size_t i = 0; i < recording->source_count; i++)
        free(recording->sources[i].segments);
    free(recording->sources);
    free(recording->name);
    free(recording);
}

size_t recording_count(const struct recording *recording)
{
    return recording->shown_count;
}

const struct stream_entry *recording_entry(const struct recording *recording, size_t index)
{
    return &recording->sources[index].shown;
}

uint64_t recording_passed_over(const struct recording *recording)
{
    return recording->passed_over;
}

bool recording_load(const struct recording *recording, size_t index, struct stream *out,
                    struct error *err)
{
    const struct source *source = &recording->sources[index];
    struct stream stream = {.kind = source->shown.kind};
    bool ok;

    if (recording->format == FORMAT_BMP)
        ok = bmp_walk(recording, &stream, err);
    else if (recording->format != FORMAT_MRT)
        ok = pcap_load(recording, source, &stream, err);
    else if (source->is_table)
        ok = rib_load(recording, source, &stream, err);
    else
        ok = mrt_load(recording, source, &stream, err);
    if (ok)
        *out = stream;
    else
        stream_release(&stream);
    return ok;
}
