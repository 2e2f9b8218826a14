/* state_words: names that state.db and people share. */
#include "state.h"
#include "state_rows.h"
#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *const state_family_names[STATE_FAMILIES] = {"ipv4-unicast", "ipv6-unicast",
                                                        "link-state"};
const char *const state_peer_states[PEER_DOWN + 1] = {"never", "up", "down"};
const char *const state_sources[] = {"bmp", "grpc"};
const char *const state_end_of_ribs[END_OF_RIB_ASSUMED + 1] = {"no", "received", "assumed"};
const char *const state_object_names[] = {
    [OBJECT_ROUTE] = "route",      [OBJECT_NODE] = "ls_node",     [OBJECT_LINK] = "ls_link",
    [OBJECT_PREFIX] = "ls_prefix", [OBJECT_OPAQUE] = "ls_opaque", [OBJECT_PEER] = "peer",
};

/* Protocol-ID 1, 2: IS-IS. The OSPFs, direct and static share what is left. */
static bool is_isis(uint8_t protocol)
{
    return protocol == 1 || protocol == 2;
}

static struct prefix address_of(const uint8_t *bytes, uint8_t length)
{
    struct prefix address = {.family = length == 4 ? FAMILY_IPV4 : FAMILY_IPV6,
                             .length_bits = (uint8_t)(8 * length)};

    memcpy(address.bytes, bytes, length);
    return address;
}

char *ls_router_id_format(uint8_t protocol, const uint8_t *router_id, size_t length,
                          char out[ROUTER_ID_TEXT_SIZE])
{
    const uint8_t *b = router_id;
    struct prefix address;

    if (length == 4) {
        (void)snprintf(out, ROUTER_ID_TEXT_SIZE, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
    } else if (length == 6 || length == 7) {
        int used = snprintf(out, ROUTER_ID_TEXT_SIZE, "%02x%02x.%02x%02x.%02x%02x", b[0], b[1],
                            b[2], b[3], b[4], b[5]);
        if (length == 7 && b[6])
            (void)snprintf(out + used, (size_t)(ROUTER_ID_TEXT_SIZE - used), "-%02x", b[6]);
    } else if (length == 8 && !is_isis(protocol)) {
        (void)snprintf(out, ROUTER_ID_TEXT_SIZE, "%u.%u.%u.%u:%u.%u.%u.%u", b[0], b[1], b[2], b[3],
                       b[4], b[5], b[6], b[7]);
    } else if (length == 16 && (protocol == 4 || protocol == 5)) {
        char text[PREFIX_TEXT_SIZE];
        address = address_of(b, 16);
        (void)snprintf(out, ROUTER_ID_TEXT_SIZE, "%.47s", address_format(&address, text));
    } else {
        size_t shown =
            length < (ROUTER_ID_TEXT_SIZE - 1) / 2 ? length : (ROUTER_ID_TEXT_SIZE - 1) / 2;
        (void)text_hex(b, shown, out);
    }
    return out;
}
