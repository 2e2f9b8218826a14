/* GoBGP's API: an answer as gobgpd sends it. The first octet says of which method. */
#include "collector/gobgp_answer.h"
#include "fuzz.h"
#include "lib/arena.h"
#include "lib/hash.h"

#include <stdlib.h>
#include <string.h>

/* Reads all of a value, so that the sanitizer sees each octet. */
static void look(const void *value, size_t size)
{
    volatile uint64_t seen = hash_bytes(value, size);

    (void)seen;
}

static void on_global(void *context, const struct gobgp_global *global)
{
    (void)context;
    look(global, sizeof *global);
    if (global->listen_count)
        look(global->listens, global->listen_count * sizeof *global->listens);
}

static void on_station(void *context, const struct gobgp_station *station)
{
    (void)context;
    look(&station->address, sizeof station->address);
}

static void on_peer(void *context, const struct gobgp_peer *peer)
{
    (void)context;
    look(peer->neighbour.password, strlen(peer->neighbour.password));
    look(peer->families, sizeof peer->families);
    look(gobgp_session_name(peer->session), 1);
}

static void on_session(void *context, const struct prefix *address, enum gobgp_session session)
{
    (void)context;
    look(address, sizeof *address);
    look(gobgp_session_name(session), 1);
}

static const struct answer {
    const ProtobufCMessageDescriptor *descriptor;
    void (*take)(const struct gobgp_listener *listener, const ProtobufCMessage *answer);
} answers[] = {
    {&apipb__get_bgp_response__descriptor, gobgp_take_global},
    {&apipb__list_bmp_response__descriptor, gobgp_take_station},
    {&apipb__list_peer_response__descriptor, gobgp_take_peer},
    {&apipb__watch_event_response__descriptor, gobgp_take_event},
    {&apipb__list_path_response__descriptor, gobgp_take_destination},
};
enum { ANSWERS = sizeof answers / sizeof answers[0] };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct gobgp_handler handler = {.on_global = on_global,
                                                 .on_station = on_station,
                                                 .on_peer = on_peer,
                                                 .on_session = on_session};
    if (size == 0)
        return 0;
    const struct answer *answer = &answers[data[0] % ANSWERS];
    ProtobufCMessage *message =
        protobuf_c_message_unpack(answer->descriptor, NULL, size - 1, data + 1);
    if (!message)
        return 0;

    struct faults faults = {0};
    struct bgp_input input = {.sink = fuzz_sink, .arena = arena_new(), .faults = &faults};
    answer->take(&(struct gobgp_listener){&handler, &input, data[0] % STATE_FAMILIES}, message);
    arena_free(input.arena);
    protobuf_c_message_free_unpacked(message, NULL);
    return 0;
}
