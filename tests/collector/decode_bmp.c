/* decode_bmp: the octets of a BMP connection on stdin; what they say, a line each, on stdout.
 *
 * The lines of update_text, with lines of routers and peers between them, each behind the number of the peer
 * that it is about. For tests that compare with what was meant, and for people with a capture in hand. */
#include "collector/bmp.h"
#include "lib/arena.h"
#include "update_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t peers; // so far

static void on_router_up(void *context, const struct bmp_router *router)
{
    (void)context;
    (void)printf("router-up name=\"%s\" description=\"%s\"\n", router->name, router->description);
}

static void on_router_down(void *context, const struct bmp_router *router, const char *reason)
{
    (void)context;
    (void)router;
    (void)printf("router-down reason=\"%s\"\n", reason);
}

static void print_open(const char *side, const struct bgp_open *open)
{
    static const char *const names[STATE_FAMILIES] = {
        [STATE_IPV4_UNICAST] = "ipv4", [STATE_IPV6_UNICAST] = "ipv6", [STATE_LINK_STATE] = "ls"};

    (void)printf(" %s=as%u/%u.%u.%u.%u/hold%u%s", side, open->asn, open->router_id >> 24,
                 open->router_id >> 16 & 255, open->router_id >> 8 & 255, open->router_id & 255,
                 open->hold_time_s, open->four_octet_as ? "/as4" : "");
    for (enum state_family family = 0; family < STATE_FAMILIES; family++)
        if (open->families[family])
            (void)printf("/%s%s", names[family], open->add_path[family] ? "+paths" : "");
}

static void print_peer(const struct bmp_peer *peer)
{
    char address[PREFIX_TEXT_SIZE] = "-";

    if (peer->address.family)
        (void)address_format(&peer->address, address);
    (void)printf(" type=%d distinguisher=", peer->type);
    for (size_t i = 0; i < sizeof peer->distinguisher; i++)
        (void)printf("%02x", peer->distinguisher[i]);
    (void)printf(" address=%s as=%u id=%u.%u.%u.%u", address, peer->asn, peer->router_id >> 24,
                 peer->router_id >> 16 & 255, peer->router_id >> 8 & 255, peer->router_id & 255);
}

static struct bmp_wanted on_peer_up(void *context, const struct bmp_router *router,
                                    const struct bmp_peer *peer)
{
    (void)context;
    (void)router;
    (void)printf("peer-up number=%lld", (long long)++peers);
    print_peer(peer);
    if (peer->has_open) {
        print_open("sent", &peer->sent);
        print_open("received", &peer->received);
    }
    (void)putchar('\n');
    return (struct bmp_wanted){.peer_id = peers, .families = {true, true, true}};
}

static void on_peer_down(void *context, const struct bmp_router *router,
                         const struct bmp_peer *peer, int64_t peer_id, enum bmp_down down,
                         const char *reason)
{
    static const char *const names[] = {"session", "forget", "connection"};

    (void)context;
    (void)router;
    (void)peer;
    (void)printf("peer-down number=%lld what=%s reason=\"%s\"\n", (long long)peer_id, names[down],
                 reason);
}

static void take(void *context, const struct update *update)
{
    struct update_sink *lines = context;

    (void)printf("%lld ", (long long)update->peer_id);
    lines->take(lines->context, update);
}

/* All of stdin; the caller frees it. */
static uint8_t *read_all(size_t *length)
{
    size_t capacity = 1 << 16, count;
    uint8_t *bytes = memory_alloc(capacity, 1);

    *length = 0;
    while ((count = fread(bytes + *length, 1, capacity - *length, stdin)) > 0) {
        *length += count;
        if (*length == capacity)
            bytes = memory_resize(bytes, capacity *= 2, 1);
    }
    return bytes;
}

int main(void)
{
    struct update_sink lines = update_text_sink(stdout);
    const struct bmp_handler handler = {.sink = {.context = &lines, .take = take},
                                        .on_router_up = on_router_up,
                                        .on_router_down = on_router_down,
                                        .on_peer_up = on_peer_up,
                                        .on_peer_down = on_peer_down};
    const struct prefix nowhere = {0};
    struct bmp_session *session = bmp_session_new(&handler, &nowhere, 0, NULL);
    struct error err = {0};
    size_t length, taken;
    uint8_t *bytes = read_all(&length);
    bool goes_on = bmp_session_feed(session, (struct octets){.bytes = bytes, .length = length}, 1,
                                    &taken, &err);
    const struct bmp_counters *counters = bmp_session_counters(session);

    if (!goes_on)
        (void)printf("closed reason=\"%s\"\n", err.text);
    bmp_session_close(session, "the end");
    (void)printf(
        "counters messages=%llu monitoring=%llu statistics=%llu mirroring=%llu ignored=%llu "
        "left=%zu\n",
        (unsigned long long)counters->messages, (unsigned long long)counters->route_monitoring,
        (unsigned long long)counters->statistics, (unsigned long long)counters->mirroring,
        (unsigned long long)counters->ignored, length - taken);
    for (enum fault fault = 0; fault < FAULTS; fault++)
        if (counters->faults.count[fault])
            (void)printf("fault name=\"%s\" count=%llu\n", fault_name(fault),
                         (unsigned long long)counters->faults.count[fault]);
    bmp_session_free(session);
    free(bytes);
    return 0;
}
