/* packer: writes straight into the caller's octets.
 *
 * So a table of a million routes is built without a copy: the message stays open while NLRIs fit, its
 * lengths are filled in when it ends. Where NLRIs stand differs by family, direction and form:
 *
 *     IPv4 announced   header │ 0 │ length, attributes │ NLRIs
 *     IPv4 withdrawn   header │ length, NLRIs │ 0
 *     other announced  header │ 0 │ length, MP_REACH [ … NLRIs ] attributes     MP first: RFC 7606 section 5.1
 *                  or  header │ 0 │ length, attributes MP_REACH [ … NLRIs ]     where the form says so
 *     other withdrawn  header │ 0 │ length, MP_UNREACH [ … NLRIs ] */
#include "packer.h"

#include "message.h"
#include "path_attributes.h"

#include <string.h>

enum {
    ATTRIBUTE_MP_REACH = 14,
    ATTRIBUTE_MP_UNREACH = 15,
    FLAGS_OPTIONAL_LONG = 0x90,
};

struct packer packer_begin(struct wire *out, const struct reflector *reflector, enum family family,
                           const struct wire *attributes, const struct net *next_hop)
{
    return (struct packer){.out = out,
                           .reflector = reflector,
                           .family = family,
                           .attributes = attributes,
                           .next_hop = next_hop,
                           .in_mp = path_is_in_mp(reflector, family),
                           .message = SIZE_MAX};
}

static void put_attributes(struct packer *packer)
{
    wire_put_bytes(packer->out, packer->attributes->bytes, packer->attributes->length);
}

static void put_next_hop(struct packer *packer)
{
    const struct net *link_local = &packer->reflector->form.link_local;
    unsigned octets = net_bits(packer->next_hop) / 8;
    bool two = packer->next_hop->family == 6 && link_local->family;

    wire_put(packer->out, two ? 2 * octets : octets, 1);
    wire_put_bytes(packer->out, packer->next_hop->bytes, octets);
    if (two)
        wire_put_bytes(packer->out, link_local->bytes, octets);
}

/* Everything of the message that stands before its NLRIs. */
static void open_update(struct packer *packer)
{
    struct wire *out = packer->out;
    bool announces = packer->attributes != NULL;

    packer->message = message_begin(MESSAGE_UPDATE, out);
    if (!packer->in_mp) {
        packer->lengths[0] = wire_open(out, 2); // of withdrawn routes
        if (announces) {
            wire_put(out, packer->attributes->length, 2);
            put_attributes(packer);
        }
        return;
    }
    wire_put(out, 0, 2);
    packer->lengths[0] = wire_open(out, 2); // of attributes
    if (announces && packer->reflector->form.attributes_first)
        put_attributes(packer);
    wire_put(out, FLAGS_OPTIONAL_LONG, 1);
    wire_put(out, announces ? ATTRIBUTE_MP_REACH : ATTRIBUTE_MP_UNREACH, 1);
    packer->lengths[1] = wire_open(out, 2);
    message_put_family(out, packer->family);
    if (announces) {
        put_next_hop(packer);
        wire_put(out, 0, 1);
    }
}

/* Octets that still come when the message ends. */
static size_t tail_length(const struct packer *packer)
{
    if (!packer->in_mp)
        return packer->attributes ? 0 : 2;
    return packer->attributes && !packer->reflector->form.attributes_first
               ? packer->attributes->length
               : 0;
}

static void close_update(struct packer *packer)
{
    struct wire *out = packer->out;

    if (!packer->in_mp) {
        if (!packer->attributes) {
            wire_close(out, packer->lengths[0], 2);
            wire_put(out, 0, 2);
        }
    } else {
        wire_close(out, packer->lengths[1], 2);
        if (packer->attributes && !packer->reflector->form.attributes_first)
            put_attributes(packer);
        wire_close(out, packer->lengths[0], 2);
    }
    message_end(out, packer->message);
    packer->message = SIZE_MAX;
}

void packer_add(struct packer *packer, uint32_t path_id, const uint8_t *nlri, size_t length)
{
    bool has_id = packer->reflector->add_path[packer->family] > 0;
    size_t needed = length + (has_id ? 4 : 0);

    if (packer->message != SIZE_MAX &&
        (packer->reflector->form.one_each ||
         packer->out->length - packer->message + needed + tail_length(packer) > MESSAGE_LIMIT))
        close_update(packer);
    if (packer->message == SIZE_MAX)
        open_update(packer);
    if (has_id)
        wire_put(packer->out, path_id, 4);
    wire_put_bytes(packer->out, nlri, length);
}

void packer_add_net(struct packer *packer, uint32_t path_id, const struct net *net)
{
    uint8_t nlri[17];
    size_t octets = (net->length_bits + 7u) / 8;

    nlri[0] = net->length_bits;
    memcpy(nlri + 1, net->bytes, octets);
    packer_add(packer, path_id, nlri, 1 + octets);
}

void packer_end(struct packer *packer)
{
    if (packer->message != SIZE_MAX)
        close_update(packer);
}
