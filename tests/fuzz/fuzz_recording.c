/* Recordings: any octets are streams that load, or a mistake with its place; what is loaded lies in bounds. */
#include "recording.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t mixed; // so that every octet is read

static void look_at(const struct stream *stream)
{
    size_t end = 0;

    for (size_t i = 0; i < stream->count; i++) {
        const struct stream_message *message = &stream->messages[i];

        assert(message->at == end && message->length <= stream->length - end);
        end += message->length;
        for (size_t n = 0; n < message->length; n++)
            mixed ^= stream->octets[message->at + n];
    }
    assert(end == stream->length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = {0};
    struct recording *recording = recording_over("f", data, size, &err);

    if (!recording) {
        assert(strncmp(err.text, "f: offset ", 10) == 0);
        return 0;
    }
    for (size_t i = 0; i < recording_count(recording); i++) {
        struct stream stream = {0};
        struct wire wire = {0};

        assert(recording_entry(recording, i)->name[0]);
        if (recording_load(recording, i, &stream, &err)) {
            look_at(&stream);
            open_write(&stream.open, &wire);
        } else {
            assert(strncmp(err.text, "f: offset ", 10) == 0);
        }
        wire_free(&wire);
        stream_release(&stream);
    }
    recording_free(recording);
    return 0;
}
