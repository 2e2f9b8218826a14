/* misbehave: finds the UPDATE in the table. */
#include "misbehave.h"

#include "cut.h"
#include "fault.h"
#include "message.h"

#include <string.h>

static const struct target {
    const char *name;
    enum family family;
    uint16_t nlri_types[2]; // of link state; 0: any
} targets[] = {
    {"ls", FAMILY_LS, {0, 0}},     {"node", FAMILY_LS, {1, 1}},   {"link", FAMILY_LS, {2, 2}},
    {"prefix", FAMILY_LS, {3, 4}}, {"ipv4", FAMILY_IPV4, {0, 0}}, {"ipv6", FAMILY_IPV6, {0, 0}},
};

static const struct target *find_target(const char *name)
{
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        if (strcmp(targets[i].name, name) == 0)
            return &targets[i];
    }
    return NULL;
}

bool misbehave_is_target(const char *name)
{
    return find_target(name) != NULL;
}

/* The type of the first NLRI of an UPDATE of link state that we wrote. */
static unsigned first_nlri_type(const uint8_t *message, size_t length, bool has_ids)
{
    struct cut cut = {.at = message, .left = length};

    (void)cut_bytes(&cut, MESSAGE_HEADER + 4);
    while (cut.left) {
        uint64_t flags = cut_uint(&cut, 1), type = cut_uint(&cut, 1);
        struct cut value = cut_sub(&cut, cut_uint(&cut, flags & 0x10 ? 2 : 1));

        if (type != 14)
            continue;
        (void)cut_bytes(&value, 3);
        (void)cut_bytes(&value, cut_uint(&value, 1) + 1);
        (void)cut_bytes(&value, has_ids ? 4 : 0);
        return (unsigned)cut_uint(&value, 2);
    }
    return 0;
}

static bool is_meant(const struct target *target, const uint8_t *message, size_t length,
                     bool has_ids)
{
    if (!target->nlri_types[0])
        return true;
    unsigned type = first_nlri_type(message, length, has_ids);

    return type >= target->nlri_types[0] && type <= target->nlri_types[1];
}

bool misbehave(struct backbone *backbone, size_t reflector, const struct raw_message *message,
               struct wire *out, struct error *err)
{
    if (!message->fault) {
        wire_put_bytes(out, message->octets.bytes, message->octets.length);
        return true;
    }
    const struct reflector *it = &backbone_scenario(backbone)->reflectors[reflector];
    const struct target *target = find_target(message->target);
    bool has_ids = it->add_path[target->family] > 0, found = false, ok = false;
    struct blob *table = backbone_table(backbone, reflector, target->family);
    uint32_t left = message->number;

    for (size_t at = 0; !found && at < table->length;) {
        const uint8_t *octets = table->bytes + at;
        size_t length = (size_t)(octets[16] << 8 | octets[17]);

        found = is_meant(target, octets, length, has_ids) && --left == 0;
        if (found)
            ok = fault_apply(message->fault, octets, length, has_ids, out, err);
        at += length;
    }
    blob_unref(table);
    return found ? ok
                 : error_set(err, ERROR_INPUT, "%s: the table of %s has no UPDATE %u of that kind",
                             message->target, it->name, message->number);
}
