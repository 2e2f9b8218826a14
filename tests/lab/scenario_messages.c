/* scenario_messages: what sessions say besides their tables, good or bad. */
#include "fault.h"
#include "message.h"
#include "misbehave.h"
#include "scenario_read.h"

#include <string.h>

struct message_form {
    struct octets message, body;
    bool has_message, has_body;
    const struct tree *type, *fault, *of, *reflectors;
    uint32_t number;
};

enum { BODY_LIMIT = 70000 }; // more than a header can say

static bool read_message(struct reader *reader, const struct tree *node, const struct key *key,
                         void *field)
{
    struct message_form *form = field;
    bool whole = strcmp(key->name, "message") == 0;

    *(whole ? &form->has_message : &form->has_body) = true;
    return read_octets(reader, node, key, whole ? &form->message : &form->body);
}

static const struct key message_keys[] = {
    {"reflectors", read_node, offsetof(struct message_form, reflectors)},
    {"message", read_message, 0, .high = BODY_LIMIT},
    {"type", read_node, offsetof(struct message_form, type)},
    {"body", read_message, 0, .high = MESSAGE_LIMIT - MESSAGE_HEADER},
    {"fault", read_node, offsetof(struct message_form, fault)},
    {"of", read_node, offsetof(struct message_form, of)},
    {"number", read_uint32, offsetof(struct message_form, number), .low = 1, .high = UINT32_MAX},
};

bool parse_message_type(const char *text, unsigned *out)
{
    static const struct word words[] = {
        {"open", MESSAGE_OPEN},
        {"update", MESSAGE_UPDATE},
        {"notification", MESSAGE_NOTIFICATION},
        {"keepalive", MESSAGE_KEEPALIVE},
        {"refresh", MESSAGE_ROUTE_REFRESH},
        {NULL, 0},
    };
    uint64_t number;

    for (const struct word *word = words; word->name; word++) {
        if (strcmp(text, word->name) == 0) {
            *out = word->value;
            return true;
        }
    }
    if (!text_to_uint(text, UINT8_MAX, &number))
        return false;
    *out = (unsigned)number;
    return true;
}

static bool read_typed(struct loading *loading, const struct message_form *form,
                       struct raw_message *out)
{
    const char *text = reader_text(&loading->reader, form->type, "a message type");
    struct wire wire = {0};
    unsigned type;

    if (!text)
        return false;
    if (!parse_message_type(text, &type))
        return reader_fail(&loading->reader, form->type,
                           "type: \"%.60s\"; open, update, notification, keepalive, refresh or a "
                           "number up to 255 expected",
                           text);
    message_of(type, form->body.bytes, form->body.length, &wire);
    out->octets =
        (struct octets){.bytes = arena_copy(loading->scenario->arena, wire.bytes, wire.length),
                        .length = wire.length};
    wire_free(&wire);
    return true;
}

static bool read_fault(struct loading *loading, const struct message_form *form,
                       struct raw_message *out)
{
    struct reader *reader = &loading->reader;
    const char *name = reader_text(reader, form->fault, "the name of a fault");
    const char *of = name ? reader_text(reader, form->of, "what UPDATE") : NULL;

    if (!of)
        return false;
    out->fault = fault_find(name);
    if (!out->fault)
        return reader_fail(reader, form->fault,
                           "fault: \"%.60s\"; one of those that docs/lab.md lists expected", name);
    if (!misbehave_is_target(of))
        return reader_fail(reader, form->of,
                           "of: \"%.60s\"; ls, node, link, prefix, ipv4 or ipv6 expected", of);
    out->target = arena_text(loading->scenario->arena, of, strlen(of));
    out->number = form->number;
    return true;
}

static bool load_message(struct loading *loading, const struct tree *node, struct raw_message *out)
{
    struct message_form form = {.number = 1};
    size_t reflectors = loading->scenario->reflector_count;

    out->reflectors = reflectors == 64 ? UINT64_MAX : (UINT64_C(1) << reflectors) - 1;
    if (!reader_mapping(&loading->reader, node, "a message", message_keys, COUNT_OF(message_keys),
                        &form) ||
        (form.reflectors && !read_reflectors(loading, form.reflectors, &out->reflectors)))
        return false;
    if (form.has_message + (form.type != NULL) + (form.fault != NULL) != 1 ||
        (form.has_body && !form.type) || (form.of != NULL) != (form.fault != NULL))
        return reader_fail(&loading->reader, node,
                           "a message: one of message, type with body, and fault with of expected");
    if (form.type)
        return read_typed(loading, &form, out);
    if (form.fault)
        return read_fault(loading, &form, out);
    out->octets = form.message;
    return true;
}

bool load_messages(struct loading *loading)
{
    struct scenario *scenario = loading->scenario;
    size_t count = loading->messages ? reader_count(loading->messages) : 0;

    if (count > MESSAGE_COUNT_LIMIT)
        return reader_fail(&loading->reader, loading->messages, "more than %d messages",
                           MESSAGE_COUNT_LIMIT);
    scenario->messages = arena_alloc(scenario->arena, count, sizeof *scenario->messages);
    for (size_t i = 0; i < count; i++) {
        if (!load_message(loading, reader_item(loading->messages, i), &scenario->messages[i]))
            return false;
        scenario->message_count++;
    }
    return true;
}
