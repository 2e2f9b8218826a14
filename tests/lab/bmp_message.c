/* bmp_message: BMP on the wire.
 *
 *     common header   version 3 │ length (4) │ type                                       all messages
 *     per-peer header type │ flags │ distinguisher (8) │ address (16) │ AS (4) │ id (4) │ seconds, µs (4, 4)
 *
 * What a per-peer header says depends on its type: Loc-RIB (3) has no address, and its one flag stands
 * where others have V. */
#include "bmp_message.h"

#include "message.h"
#include "open.h"

#include <string.h>

enum {
    FLAG_IPV6 = 0x80,
    FLAG_POST_POLICY = 0x40,
    FLAG_TWO_OCTET_AS = 0x20,
    FLAG_ADJ_RIB_OUT = 0x10,
    FLAG_FILTERED = 0x80, // of Loc-RIB

    TLV_TEXT = 0,
    TLV_SYS_DESCR = 1,
    TLV_SYS_NAME = 2,
    TLV_TABLE_NAME = 3,

    TERMINATION_TEXT = 0,
    TERMINATION_REASON = 1,

    MIRROR_MESSAGE = 0,
    MIRROR_INFORMATION = 1,

    // statistics: 64-bit gauges, those of one family with its AFI and SAFI in front
    STATISTIC_ADJ_RIB_IN = 7,
    STATISTIC_LOC_RIB = 8,
    STATISTIC_ADJ_RIB_IN_OF_FAMILY = 9,
    STATISTIC_LOC_RIB_OF_FAMILY = 10,
    STATISTIC_OUT_PRE = 14,
    STATISTIC_OUT_POST = 15,
    STATISTIC_OUT_PRE_OF_FAMILY = 16,
    STATISTIC_OUT_POST_OF_FAMILY = 17,
};

static const struct {
    uint16_t afi;
    uint8_t safi;
} afi_safis[FAMILIES] = {[FAMILY_LS] = {16388, 71}, [FAMILY_IPV4] = {1, 1}, [FAMILY_IPV6] = {2, 1}};

void bmp_common_header(size_t length, unsigned type, uint8_t out[BMP_COMMON_HEADER])
{
    out[0] = BMP_VERSION;
    for (unsigned i = 0; i < 4; i++)
        out[1 + i] = (uint8_t)(length >> (24 - 8 * i));
    out[5] = (uint8_t)type;
}

static size_t begin(unsigned type, struct wire *out)
{
    size_t message = out->length;

    wire_put(out, BMP_VERSION, 1);
    wire_put(out, 0, 4);
    wire_put(out, type, 1);
    return message;
}

static void end(struct wire *out, size_t message)
{
    bmp_common_header(out->length - message, out->bytes[message + 5], out->bytes + message);
}

static size_t begin_of_peer(unsigned type, const struct bmp_peer *peer, enum bmp_view view,
                            uint64_t time_us, struct wire *out)
{
    size_t message = begin(type, out);
    uint8_t header[BMP_PEER_HEADER];

    bmp_peer_header(peer, view, time_us, header);
    wire_put_bytes(out, header, sizeof header);
    return message;
}

static void put_text(struct wire *out, unsigned type, const char *text)
{
    wire_tlv(out, type, text, strlen(text));
}

static void put_table_names(const struct bmp_peer *peer, struct wire *out)
{
    for (size_t i = 0; i < peer->table_name_count; i++)
        put_text(out, TLV_TABLE_NAME, peer->table_names[i]);
}

void bmp_write_initiation(const struct bmp_router *router, struct wire *out)
{
    size_t message = begin(BMP_INITIATION, out);

    put_text(out, TLV_SYS_DESCR, router->sys_descr);
    put_text(out, TLV_SYS_NAME, router->sys_name);
    for (size_t i = 0; i < router->text_count; i++)
        put_text(out, TLV_TEXT, router->texts[i]);
    end(out, message);
}

void bmp_write_termination(unsigned reason, const char *text, struct wire *out)
{
    size_t message = begin(BMP_TERMINATION, out);

    wire_tlv_uint(out, TERMINATION_REASON, reason, 2);
    if (text)
        put_text(out, TERMINATION_TEXT, text);
    end(out, message);
}

static void write_address(const struct net *net, uint8_t out[16])
{
    memset(out, 0, 16);
    if (net->family == 6)
        memcpy(out, net->bytes, 16);
    else if (net->family == 4)
        memcpy(out + 12, net->bytes, 4);
}

static void write_uint(uint8_t *out, uint64_t value, unsigned width)
{
    for (unsigned i = width; i-- > 0; value >>= 8)
        out[i] = (uint8_t)value;
}

void bmp_peer_header(const struct bmp_peer *peer, enum bmp_view view, uint64_t time_us,
                     uint8_t out[BMP_PEER_HEADER])
{
    unsigned flags = 0;

    if (peer->type == BMP_LOC_RIB) {
        flags = peer->filtered ? FLAG_FILTERED : 0;
    } else {
        flags |= peer->address.family == 6 ? FLAG_IPV6 : 0;
        flags |= view == BMP_POST_POLICY || view == BMP_OUT_POST_POLICY ? FLAG_POST_POLICY : 0;
        flags |= peer->two_octet_as ? FLAG_TWO_OCTET_AS : 0;
        flags |= view == BMP_OUT_PRE_POLICY || view == BMP_OUT_POST_POLICY ? FLAG_ADJ_RIB_OUT : 0;
    }
    out[0] = peer->type;
    out[1] = (uint8_t)flags;
    memcpy(out + 2, peer->distinguisher, 8);
    write_address(&peer->address, out + 10);
    write_uint(out + 26, peer->as, 4);
    memcpy(out + 30, peer->router_id.bytes, 4);
    write_uint(out + 34, time_us / 1000000, 4);
    write_uint(out + 38, time_us % 1000000, 4);
}

// ---- peers

static void put_open(const struct bmp_peer *peer, uint32_t as, const struct net *router_id,
                     struct wire *out)
{
    struct open_facts facts = {
        .as = as, .hold_time_s = peer->hold_time_s, .four_octet_as = !peer->two_octet_as};

    memcpy(facts.router_id, router_id->bytes, sizeof facts.router_id);
    for (enum family family = 0; family < FAMILIES; family++) {
        if (!peer->families[family])
            continue;
        struct open_family *offered =
            open_add_family(&facts, afi_safis[family].afi, afi_safis[family].safi);

        offered->add_path = peer->add_path[family] ? ADD_PATH_SENDS | ADD_PATH_RECEIVES : 0;
    }
    open_write(&facts, out);
}

/* Loc-RIB has no session: no addresses, no ports, and the same made-up OPEN twice (RFC 9069 5.2). */
void bmp_write_peer_up(const struct bmp_router *router, const struct bmp_peer *peer,
                       uint64_t time_us, struct wire *out)
{
    size_t message = begin_of_peer(BMP_PEER_UP, peer, BMP_PRE_POLICY, time_us, out);
    uint8_t address[16];

    write_address(&peer->local_address, address);
    wire_put_bytes(out, address, sizeof address);
    wire_put(out, peer->local_port, 2);
    wire_put(out, peer->port, 2);
    put_open(peer, router->as, &router->router_id, out);
    put_open(peer, peer->as, &peer->router_id, out);
    put_table_names(peer, out);
    end(out, message);
}

void bmp_write_peer_down(const struct bmp_peer *peer, enum bmp_down reason, unsigned code,
                         uint64_t time_us, struct wire *out)
{
    size_t message = begin_of_peer(BMP_PEER_DOWN, peer, BMP_PRE_POLICY, time_us, out);

    wire_put(out, reason, 1);
    if (reason == BMP_DOWN_LOCAL_NOTIFICATION || reason == BMP_DOWN_REMOTE_NOTIFICATION)
        message_notification(code, out);
    else if (reason == BMP_DOWN_LOCAL_EVENT)
        wire_put(out, code, 2);
    else if (reason == BMP_DOWN_LOCAL_SYSTEM)
        put_table_names(peer, out);
    end(out, message);
}

// ---- what else is told of a peer

struct gauge_types {
    unsigned all, of_family;
};

static struct gauge_types gauges_of(const struct bmp_peer *peer, enum bmp_view view)
{
    static const struct gauge_types of_view[BMP_VIEWS] = {
        [BMP_PRE_POLICY] = {STATISTIC_ADJ_RIB_IN, STATISTIC_ADJ_RIB_IN_OF_FAMILY},
        [BMP_POST_POLICY] = {STATISTIC_ADJ_RIB_IN, STATISTIC_ADJ_RIB_IN_OF_FAMILY},
        [BMP_OUT_PRE_POLICY] = {STATISTIC_OUT_PRE, STATISTIC_OUT_PRE_OF_FAMILY},
        [BMP_OUT_POST_POLICY] = {STATISTIC_OUT_POST, STATISTIC_OUT_POST_OF_FAMILY},
    };
    static const struct gauge_types of_loc_rib = {STATISTIC_LOC_RIB, STATISTIC_LOC_RIB_OF_FAMILY};

    return peer->type == BMP_LOC_RIB ? of_loc_rib : of_view[view];
}

/* A gauge in all, then one a family; the number of them. */
static unsigned put_gauges(struct gauge_types types, const bool families[FAMILIES],
                           const size_t routes[FAMILIES], struct wire *out)
{
    unsigned count = 1;
    uint64_t all = 0;

    for (size_t family = 0; family < FAMILIES; family++)
        all += families[family] ? routes[family] : 0;
    wire_tlv_uint(out, types.all, all, 8);
    for (size_t family = 0; family < FAMILIES; family++) {
        if (!families[family])
            continue;
        wire_put(out, types.of_family, 2);
        wire_put(out, 11, 2);
        wire_put(out, afi_safis[family].afi, 2);
        wire_put(out, afi_safis[family].safi, 1);
        wire_put(out, routes[family], 8);
        count++;
    }
    return count;
}

void bmp_write_statistics(const struct bmp_peer *peer, const size_t routes[FAMILIES],
                          uint64_t time_us, struct wire *out)
{
    size_t message = begin_of_peer(BMP_STATISTICS, peer, BMP_PRE_POLICY, time_us, out);
    size_t place = out->length;
    unsigned count = 0, said = UINT32_MAX;

    wire_put(out, 0, 4);
    for (enum bmp_view view = 0; view < BMP_VIEWS; view++) {
        struct gauge_types types = gauges_of(peer, view);

        if (peer->table[view] == SIZE_MAX || types.all == said)
            continue; // pre- and post-policy share theirs
        count += put_gauges(types, peer->families, routes, out);
        said = types.all;
    }
    write_uint(out->bytes + place, count, 4);
    end(out, message);
}

void bmp_write_mirroring(const struct bmp_peer *peer, int information, const uint8_t *message,
                         size_t length, uint64_t time_us, struct wire *out)
{
    size_t mirroring = begin_of_peer(BMP_MIRRORING, peer, BMP_PRE_POLICY, time_us, out);

    if (information >= 0)
        wire_tlv_uint(out, MIRROR_INFORMATION, (unsigned)information, 2);
    if (message)
        wire_tlv(out, MIRROR_MESSAGE, message, length);
    end(out, mirroring);
}
