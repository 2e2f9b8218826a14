/* BMP: the bytes of one connection. */
#include "collector/bmp.h"
#include "fuzz.h"

static void on_router_up(void *context, const struct bmp_router *router)
{
    (void)context;
    (void)router;
}

static void on_router_down(void *context, const struct bmp_router *router, const char *reason)
{
    (void)context;
    (void)router;
    (void)reason;
}

static struct bmp_wanted on_peer_up(void *context, const struct bmp_router *router,
                                    const struct bmp_peer *peer)
{
    (void)context;
    (void)router;
    return (struct bmp_wanted){.peer_id = peer->type, .families = {true, true, true}};
}

static void on_peer_down(void *context, const struct bmp_router *router,
                         const struct bmp_peer *peer, int64_t peer_id, enum bmp_down down,
                         const char *reason)
{
    (void)context;
    (void)router;
    (void)peer;
    (void)peer_id;
    (void)down;
    (void)reason;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct bmp_handler handler = {.sink = fuzz_sink,
                                        .on_router_up = on_router_up,
                                        .on_router_down = on_router_down,
                                        .on_peer_up = on_peer_up,
                                        .on_peer_down = on_peer_down};
    const struct prefix nowhere = {0};
    struct fault_ring ring = {0};
    struct bmp_session *session = bmp_session_new(&handler, &nowhere, 0, &ring);
    struct error err;
    size_t taken;

    (void)bmp_session_feed(session, (struct octets){.bytes = data, .length = size}, 1, &taken,
                           &err);
    bmp_session_close(session, "the end");
    bmp_session_free(session);
    fault_ring_clear(&ring);
    return 0;
}
