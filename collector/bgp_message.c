/* bgp_message: the header, and the table of families. */
#include "bgp_message.h"

#include <string.h>

enum { MARKER_LENGTH = 16 };

static const struct {
    uint16_t afi;
    uint8_t safi;
} families[STATE_FAMILIES] = {
    [STATE_IPV4_UNICAST] = {AFI_IPV4, SAFI_UNICAST},
    [STATE_IPV6_UNICAST] = {AFI_IPV6, SAFI_UNICAST},
    [STATE_LINK_STATE] = {AFI_LINK_STATE, SAFI_LINK_STATE},
};

bool bgp_message_open(struct octets message, uint8_t *type, struct cursor *body)
{
    static const uint8_t ones[MARKER_LENGTH] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                                0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    struct cursor rest = cursor_over(message);
    const uint8_t *marker = cursor_bytes(&rest, sizeof ones);
    uint16_t length = cursor_u16(&rest);
    uint8_t number = cursor_u8(&rest);

    if (rest.failed || length != message.length || memcmp(marker, ones, sizeof ones) != 0)
        return false;
    *type = number;
    *body = rest;
    return true;
}

bool bgp_family_find(uint16_t afi, uint8_t safi, enum state_family *out)
{
    for (enum state_family family = 0; family < STATE_FAMILIES; family++)
        if (families[family].afi == afi && families[family].safi == safi) {
            *out = family;
            return true;
        }
    return false;
}
