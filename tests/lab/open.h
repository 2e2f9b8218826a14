/* open: an OPEN from facts, for sessions that are not a reflector's own: those that BMP tells of, and
 * those that a recording is played into (RFC 4271 section 4.2, 5492, 4760, 6793, 7911). */
#pragma once

#include "wire.h"

#include <stdbool.h>

enum { OPEN_FAMILY_LIMIT = 24 }; // so that all fit the 255 octets of optional parameters

enum { ADD_PATH_RECEIVES = 1, ADD_PATH_SENDS = 2 };

struct open_family {
    uint16_t afi;
    uint8_t safi;
    uint8_t add_path; // ADD_PATH_…; 0: not offered
};

struct open_facts {
    uint32_t as;
    uint16_t hold_time_s;
    uint8_t router_id[4];
    bool four_octet_as;
    struct open_family families[OPEN_FAMILY_LIMIT];
    size_t family_count;
};

/* The family's entry, made where it is missing; NULL when there is no room. */
struct open_family *open_add_family(struct open_facts *facts, unsigned afi, unsigned safi);

void open_write(const struct open_facts *facts, struct wire *out);

/* The body of somebody's OPEN. Capabilities that we do not play are left out. false: its lengths do not
 * nest, or it is shorter than an OPEN. */
bool open_read(const uint8_t *body, size_t length, struct open_facts *out);
