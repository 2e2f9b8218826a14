/* bgp_open: the fixed part, then optional parameters (RFC 4271 section 4.2; with 2-octet lengths RFC 9072), of
 * which only capabilities (RFC 5492) mean something to us. */
#include "bgp_open.h"

#include "bgp_message.h"

enum { PARAMETER_CAPABILITIES = 2, PARAMETERS_EXTENDED = 255 };

static void read_multiprotocol(struct cursor *value, struct bgp_open *open)
{
    uint16_t afi = cursor_u16(value);
    enum state_family family;

    (void)cursor_u8(value);
    open->multiprotocol = true;
    if (bgp_family_find(afi, cursor_u8(value), &family))
        open->families[family] = true;
}

static void read_restart(struct cursor *value, struct bgp_open *open)
{
    uint16_t word = cursor_u16(value);

    // The last one counts, whole (L-111).
    open->restart.present = true;
    open->restart.restarted = word & 0x8000;
    open->restart.notification = word & 0x4000;
    open->restart.time_s = word & 0x0fff;
    for (enum state_family family = 0; family < STATE_FAMILIES; family++)
        open->restart.families[family] = open->restart.forwarding[family] = false;
    while (value->left) {
        uint16_t afi = cursor_u16(value);
        uint8_t safi = cursor_u8(value);
        uint8_t flags = cursor_u8(value);
        enum state_family family;

        if (value->failed || !bgp_family_find(afi, safi, &family))
            continue;
        open->restart.families[family] = true;
        open->restart.forwarding[family] = flags & 0x80;
    }
}

static void read_four_octet_as(struct cursor *value, struct bgp_open *open)
{
    open->asn = cursor_u32(value);
    open->four_octet_as = true;
}

static void read_add_path(struct cursor *value, struct bgp_open *open)
{
    while (value->left) {
        uint16_t afi = cursor_u16(value);
        uint8_t safi = cursor_u8(value);
        uint8_t way = cursor_u8(value);
        enum state_family family;

        if (value->failed || !bgp_family_find(afi, safi, &family))
            continue;
        open->add_path_any[family] = true;
        open->add_path[family] = way >= 1 && way <= 3 ? way : 0; // another value: ignored
    }
}

/* A capability is read into a copy, so that one which ends too early leaves nothing behind. */
static const struct capability {
    uint8_t code;
    void (*read)(struct cursor *value, struct bgp_open *open);
} capabilities[] = {
    {1, read_multiprotocol},  // RFC 4760 section 8
    {64, read_restart},       // RFC 4724 section 3
    {65, read_four_octet_as}, // RFC 6793 section 3
    {69, read_add_path},      // RFC 7911 section 4
};

static void read_capability(uint8_t code, struct cursor value, struct bgp_open *open)
{
    for (size_t i = 0; i < sizeof capabilities / sizeof *capabilities; i++)
        if (capabilities[i].code == code) {
            struct bgp_open with = *open;
            capabilities[i].read(&value, &with);
            if (value.failed)
                open->damaged = true;
            else
                *open = with;
        }
}

static void read_parameters(struct cursor parameters, size_t length_width, struct bgp_open *open)
{
    while (parameters.left) {
        uint8_t type = cursor_u8(&parameters);
        struct cursor value = cursor_sub(&parameters, cursor_uint(&parameters, length_width));

        while (type == PARAMETER_CAPABILITIES && value.left) {
            uint8_t code = cursor_u8(&value);
            struct cursor capability = cursor_sub(&value, cursor_u8(&value));
            if (!value.failed)
                read_capability(code, capability, open);
        }
        if (value.failed)
            open->damaged = true;
    }
}

bool bgp_open_parse(struct octets message, struct bgp_open *out, struct error *err)
{
    struct bgp_open open = {0};
    struct cursor body;
    uint8_t type;

    if (!bgp_message_open(message, &type, &body))
        return error_set(err, ERROR_INPUT, "OPEN: %zu octets that are no BGP message",
                         message.length);
    if (type != BGP_OPEN)
        return error_set(err, ERROR_INPUT, "OPEN: a message of type %d; 1 expected", type);
    uint8_t version = cursor_u8(&body);
    open.asn = cursor_u16(&body);
    open.hold_time_s = cursor_u16(&body);
    open.router_id = cursor_u32(&body);
    size_t length = cursor_u8(&body);
    size_t width = 1;
    struct cursor extended = body;
    if (length == PARAMETERS_EXTENDED && cursor_u8(&extended) == PARAMETERS_EXTENDED) {
        length = cursor_u16(&extended);
        width = 2;
        body = extended;
    }
    if (body.failed)
        return error_set(err, ERROR_INPUT, "OPEN: %zu octets; its fixed part has 29",
                         message.length);
    if (version != 4)
        return error_set(err, ERROR_INPUT, "OPEN: BGP version %d; 4 expected", version);

    struct cursor parameters = cursor_sub(&body, length);
    open.damaged = parameters.failed;
    read_parameters(parameters, width, &open);
    if (!open.multiprotocol)
        open.families[STATE_IPV4_UNICAST] = true;
    *out = open;
    return true;
}

struct bgp_session bgp_open_session(const struct bgp_open *sender, const struct bgp_open *receiver)
{
    struct bgp_session session = {
        .four_octet_as = sender->four_octet_as && receiver->four_octet_as,
        .external = sender->asn != receiver->asn,
    };

    for (enum state_family family = 0; family < STATE_FAMILIES; family++)
        session.add_path[family] = sender->add_path[family] & 2 && receiver->add_path[family] & 1;
    return session;
}
