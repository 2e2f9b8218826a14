/* hear_bmp: a BMP stream on stdin, what it says on stdout, for tests and for people with a recording in hand.
 *
 * Every peer is wanted. A line an event; an update's begins with the number of its peer, which is that of its place
 * among the peers that came up, from 0. Last come the counts. */
#include "collector/bmp.h"
#include "update_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct hearing {
    struct update_sink lines;
    int64_t peers;
};

static void on_router_up(void *context, const struct bmp_router *router)
{
    (void)context;
    (void)printf("router up name=%s description=%s\n", router->name, router->description);
}

static void on_router_down(void *context, const struct bmp_router *router, const char *reason)
{
    (void)context;
    (void)router;
    (void)printf("router down reason=%s\n", reason);
}

static struct bmp_wanted on_peer_up(void *context, const struct bmp_router *router,
                                    const struct bmp_peer *peer)
{
    struct hearing *hearing = context;
    char address[PREFIX_TEXT_SIZE] = "-";

    (void)router;
    if (peer->address.family)
        (void)address_format(&peer->address, address);
    (void)printf(
        "%" PRId64 " peer up type=%d address=%s asn=%" PRIu32 " router-id=%08" PRIx32
        " open=%d ipv4=%d ipv6=%d\n",
        hearing->peers, peer->type, address, peer->asn, peer->router_id, peer->has_open,
        peer->sent.families[STATE_IPV4_UNICAST] && peer->received.families[STATE_IPV4_UNICAST],
        peer->sent.families[STATE_IPV6_UNICAST] && peer->received.families[STATE_IPV6_UNICAST]);
    return (struct bmp_wanted){.peer_id = hearing->peers++, .families = {true, true, true}};
}

static void on_peer_down(void *context, const struct bmp_router *router,
                         const struct bmp_peer *peer, int64_t peer_id, enum bmp_down down,
                         const char *reason)
{
    static const char *const kinds[] = {[BMP_DOWN_SESSION] = "session",
                                        [BMP_DOWN_FORGET] = "forget",
                                        [BMP_DOWN_CONNECTION] = "connection"};

    (void)context;
    (void)router;
    (void)peer;
    (void)printf("%" PRId64 " peer down kind=%s reason=%s\n", peer_id, kinds[down], reason);
}

static void take(void *context, const struct update *update)
{
    struct hearing *hearing = context;

    (void)printf("%" PRId64 " ", update->peer_id);
    hearing->lines.take(hearing->lines.context, update);
}

static void write_counts(const struct bmp_session *session)
{
    const struct bmp_counters *c = bmp_session_counters(session);

    (void)printf("counts messages=%" PRIu64 " route-monitoring=%" PRIu64 " statistics=%" PRIu64
                 " peer-up=%" PRIu64 " peer-down=%" PRIu64 " initiation=%" PRIu64
                 " ignored=%" PRIu64 "\n",
                 c->messages, c->route_monitoring, c->statistics, c->peer_up, c->peer_down,
                 c->initiation, c->ignored);
    for (int fault = 0; fault < FAULTS; fault++) {
        if (c->faults.count[fault])
            (void)printf("fault %s=%" PRIu64 "\n", fault_name((enum fault)fault),
                         c->faults.count[fault]);
    }
}

int main(void)
{
    struct hearing hearing = {.lines = update_text_sink(stdout)};
    struct bmp_handler handler = {.context = &hearing,
                                  .sink = {&hearing, take},
                                  .on_router_up = on_router_up,
                                  .on_router_down = on_router_down,
                                  .on_peer_up = on_peer_up,
                                  .on_peer_down = on_peer_down};
    const struct prefix nowhere = {0};
    struct bmp_session *session = bmp_session_new(&handler, &nowhere, 0, NULL);
    struct error err = {.text = "end of the stream"};
    uint8_t *bytes = NULL;
    size_t length = 0, size = 0, got, taken;

    do {
        bytes = memory_grow(bytes, length, &size, 1);
        got = fread(bytes + length, 1, size - length, stdin);
        length += got;
    } while (got);
    bool whole = bmp_session_feed(session, (struct octets){.bytes = bytes, .length = length}, 0,
                                  &taken, &err);
    bmp_session_close(session, err.text);
    write_counts(session);
    if (whole && taken < length)
        (void)printf("rest=%zu\n", length - taken);
    bmp_session_free(session);
    free(bytes);
    return whole ? EXIT_SUCCESS : EXIT_FAILURE;
}
