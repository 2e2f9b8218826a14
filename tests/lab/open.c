/* open: OPENs from facts, and back. */
#include "open.h"

#include "cut.h"
#include "message.h"

#include <string.h>

enum {
    VERSION = 4,
    AS_TRANS = 23456,
    PARAMETER_CAPABILITIES = 2,
    CAPABILITY_MULTIPROTOCOL = 1,
    CAPABILITY_AS4 = 65,
    CAPABILITY_ADD_PATH = 69,
};

struct open_family *open_add_family(struct open_facts *facts, unsigned afi, unsigned safi)
{
    for (size_t i = 0; i < facts->family_count; i++) {
        if (facts->families[i].afi == afi && facts->families[i].safi == safi)
            return &facts->families[i];
    }
    if (facts->family_count == OPEN_FAMILY_LIMIT)
        return NULL;
    struct open_family *family = &facts->families[facts->family_count++];

    *family = (struct open_family){.afi = (uint16_t)afi, .safi = (uint8_t)safi};
    return family;
}

static void put_add_path(const struct open_facts *facts, struct wire *out)
{
    size_t capability = out->length;

    wire_put(out, CAPABILITY_ADD_PATH, 1);
    size_t place = wire_open(out, 1);

    for (size_t i = 0; i < facts->family_count; i++) {
        const struct open_family *family = &facts->families[i];

        if (!family->add_path)
            continue;
        wire_put(out, family->afi, 2);
        wire_put(out, family->safi, 1);
        wire_put(out, family->add_path, 1);
    }
    if (out->length == place + 1)
        out->length = capability; // nothing to offer
    else
        wire_close(out, place, 1);
}

void open_write(const struct open_facts *facts, struct wire *out)
{
    size_t message = message_begin(MESSAGE_OPEN, out);

    wire_put(out, VERSION, 1);
    wire_put(out, facts->as > UINT16_MAX ? AS_TRANS : facts->as, 2);
    wire_put(out, facts->hold_time_s, 2);
    wire_put_bytes(out, facts->router_id, 4);
    size_t parameters = wire_open(out, 1);

    wire_put(out, PARAMETER_CAPABILITIES, 1);
    size_t capabilities = wire_open(out, 1);

    for (size_t i = 0; i < facts->family_count; i++) {
        wire_put(out, CAPABILITY_MULTIPROTOCOL, 1);
        wire_put(out, 4, 1);
        wire_put(out, facts->families[i].afi, 2);
        wire_put(out, facts->families[i].safi, 2); // after a reserved octet
    }
    if (facts->four_octet_as) {
        wire_put(out, CAPABILITY_AS4, 1);
        wire_put(out, 4, 1);
        wire_put(out, facts->as, 4);
    }
    put_add_path(facts, out);
    wire_close(out, capabilities, 1);
    wire_close(out, parameters, 1);
    message_end(out, message);
}

static void read_capability(unsigned code, struct cut value, struct open_facts *out)
{
    if (code == CAPABILITY_MULTIPROTOCOL) {
        unsigned afi = (unsigned)cut_uint(&value, 2);

        (void)cut_uint(&value, 1);
        unsigned safi = (unsigned)cut_uint(&value, 1);

        if (!value.failed)
            (void)open_add_family(out, afi, safi);
    } else if (code == CAPABILITY_AS4) {
        uint32_t as = (uint32_t)cut_uint(&value, 4);

        if (!value.failed) {
            out->four_octet_as = true;
            out->as = as;
        }
    } else if (code == CAPABILITY_ADD_PATH) {
        while (value.left >= 4) {
            unsigned afi = (unsigned)cut_uint(&value, 2), safi = (unsigned)cut_uint(&value, 1);
            uint8_t add_path = (uint8_t)cut_uint(&value, 1);
            struct open_family *family = open_add_family(out, afi, safi);

            if (family)
                family->add_path = add_path & (ADD_PATH_RECEIVES | ADD_PATH_SENDS);
        }
    }
}

bool open_read(const uint8_t *body, size_t length, struct open_facts *out)
{
    struct cut cut = {.at = body, .left = length};
    struct open_facts facts = {0};

    (void)cut_uint(&cut, 1);
    facts.as = (uint32_t)cut_uint(&cut, 2);
    facts.hold_time_s = (uint16_t)cut_uint(&cut, 2);
    const uint8_t *router_id = cut_bytes(&cut, 4);
    struct cut parameters = cut_sub(&cut, cut_uint(&cut, 1));
    bool ok = router_id && !parameters.failed;

    if (ok)
        memcpy(facts.router_id, router_id, 4);
    while (ok && parameters.left) {
        unsigned type = (unsigned)cut_uint(&parameters, 1);
        struct cut value = cut_sub(&parameters, cut_uint(&parameters, 1));

        while (type == PARAMETER_CAPABILITIES && value.left) {
            unsigned code = (unsigned)cut_uint(&value, 1);

            read_capability(code, cut_sub(&value, cut_uint(&value, 1)), &facts);
        }
        ok = !parameters.failed && !value.failed;
    }
    if (ok)
        *out = facts;
    return ok;
}
