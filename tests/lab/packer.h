/* packer: fills UPDATEs with NLRIs that share one attribute set, as many to a message as there is room
 * for, or one each where the reflector's form says so. */
#pragma once

#include "scenario.h"
#include "wire.h"

struct packer {
    struct wire *out;
    const struct reflector *reflector;
    enum family family;
    const struct wire *attributes; // NULL: withdrawals
    const struct net *next_hop;    // of MP_REACH
    bool in_mp;
    size_t message, lengths[2]; // places in out; message is SIZE_MAX between messages
};

/* All but the packer itself is borrowed until packer_end(). */
struct packer packer_begin(struct wire *out, const struct reflector *reflector, enum family family,
                           const struct wire *attributes, const struct net *next_hop);

/* path_id goes before the NLRI where the reflector sends path identifiers in the family. */
void packer_add(struct packer *packer, uint32_t path_id, const uint8_t *nlri, size_t length);
void packer_add_net(struct packer *packer, uint32_t path_id, const struct net *net);
void packer_end(struct packer *packer);
