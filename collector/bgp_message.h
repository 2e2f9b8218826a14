/* bgp_message: what every BGP message has, and the families that we collect (RFC 4271 section 4.1). */
#pragma once

#include "cursor.h"

enum bgp_type { BGP_OPEN = 1, BGP_UPDATE, BGP_NOTIFICATION, BGP_KEEPALIVE, BGP_ROUTE_REFRESH };

/* Address families by number (RFC 4760, RFC 9552). */
enum { AFI_IPV4 = 1, AFI_IPV6 = 2, AFI_LINK_STATE = 16388 };
enum { SAFI_UNICAST = 1, SAFI_LINK_STATE = 71, SAFI_LINK_STATE_VPN = 72 };

/* Opens a whole message: marker of ones, a length that is the message's own, and at least a header. *body: what
 * follows the header. *type may be any number. */
bool bgp_message_open(struct octets message, uint8_t *type, struct cursor *body);

/* false: not a family of ours; *out is untouched. */
bool bgp_family_find(uint16_t afi, uint8_t safi, enum state_family *out);
