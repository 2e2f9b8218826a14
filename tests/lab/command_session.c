/* command_session: one table row a line; a row's words are found in their places. */
#include "command_session.h"

#include "fault.h"
#include "message.h"
#include "misbehave.h"
#include "values.h"

#include <string.h>

struct call {
    struct lab *lab;
    size_t reflector;
    char *const *words; // the verb and the reflector's name are the first two
    size_t count;
    struct evbuffer *answer;
    struct error *err;
};

static struct reflector *reflector_of(const struct call *call)
{
    return &backbone_scenario(call->lab->backbone)->reflectors[call->reflector];
}

static bool answer_ok(const struct call *call)
{
    (void)evbuffer_add_printf(call->answer, "ok\n");
    return true;
}

static bool answer_sessions(const struct call *call, size_t count)
{
    (void)evbuffer_add_printf(call->answer, "ok sessions=%zu\n", count);
    return true;
}

static bool parse_word(const struct call *call, const char *word, uint64_t high, uint64_t *out)
{
    return text_to_uint(word, high, out) ||
           error_set(call->err, ERROR_INPUT, "\"%s\"; a number from 0 to %llu expected", word,
                     (unsigned long long)high);
}

/* Octets in hexadecimal; of the arena. */
static bool read_hex(const struct call *call, struct arena *arena, const char *word,
                     struct octets *out)
{
    return parse_octets(arena, word, SIZE_MAX, out) ||
           error_set(call->err, ERROR_INPUT, "\"%.60s\"; octets in hexadecimal expected", word);
}

// ---- session

static bool session_reset(const struct call *call)
{
    return answer_sessions(call, speaker_end(call->lab->speaker, call->reflector, END_RESET));
}

static bool session_drop(const struct call *call)
{
    return answer_sessions(call, speaker_end(call->lab->speaker, call->reflector, END_DROP));
}

static bool session_down(const struct call *call)
{
    return speaker_set_down(call->lab->speaker, call->reflector, true, call->err) &&
           answer_ok(call);
}

static bool session_up(const struct call *call)
{
    return speaker_set_down(call->lab->speaker, call->reflector, false, call->err) &&
           answer_ok(call);
}

/* "session R notify CODE SUBCODE [HEX]" */
static bool session_notify(const struct call *call)
{
    struct arena *arena;
    struct octets data = {0};
    struct wire body = {0};
    uint64_t code, subcode;

    if (call->count < 5)
        return error_set(call->err, ERROR_INPUT, "notify: CODE SUBCODE [HEX] expected");
    if (!parse_word(call, call->words[3], UINT8_MAX, &code) ||
        !parse_word(call, call->words[4], UINT8_MAX, &subcode))
        return false;
    arena = arena_new();
    bool ok = call->count < 6 || read_hex(call, arena, call->words[5], &data);

    if (ok && data.length > MESSAGE_LIMIT - MESSAGE_HEADER - 2)
        ok = error_set(call->err, ERROR_INPUT, "%zu octets of data; at most %d expected",
                       data.length, MESSAGE_LIMIT - MESSAGE_HEADER - 2);
    if (ok) {
        wire_put(&body, code << 8 | subcode, 2);
        wire_put_bytes(&body, data.bytes, data.length);
        const struct octets octets = {.bytes = body.bytes, .length = body.length};

        answer_sessions(call, speaker_notify(call->lab->speaker, call->reflector, &octets));
        wire_free(&body);
    }
    arena_free(arena);
    return ok;
}

/* "session R restart [SECONDS] [lost]" */
static bool session_restart(const struct call *call)
{
    uint64_t seconds = 0;
    bool lost = false;

    for (size_t i = 3; i < call->count; i++) {
        if (strcmp(call->words[i], "lost") == 0)
            lost = true;
        else if (!text_to_uint(call->words[i], 3600, &seconds))
            return error_set(call->err, ERROR_INPUT, "\"%s\"; seconds up to 3600 or lost expected",
                             call->words[i]);
    }
    return answer_sessions(
        call, speaker_restart(call->lab->speaker, call->reflector, (unsigned)seconds, lost));
}

// ---- reflector

/* "reflector R end-of-rib on|off|send" */
static bool reflector_end_of_rib(const struct call *call)
{
    const char *word = call->words[3];
    struct sent sent = {0};

    if (strcmp(word, "send") == 0) {
        speaker_end_of_rib(call->lab->speaker, call->reflector, &sent);
        command_answer_sent(&sent, call->answer);
        return true;
    }
    if (strcmp(word, "on") != 0 && strcmp(word, "off") != 0)
        return error_set(call->err, ERROR_INPUT, "\"%s\"; on, off or send expected", word);
    reflector_of(call)->end_of_rib = strcmp(word, "on") == 0;
    return answer_ok(call);
}

static bool reflector_resend(const struct call *call)
{
    for (enum family family = 0; family < FAMILIES; family++) {
        struct sent sent = {0};

        if (strcmp(call->words[3], family_names[family]) != 0)
            continue;
        speaker_resend(call->lab->speaker, call->reflector, family, &sent);
        command_answer_sent(&sent, call->answer);
        return true;
    }
    return error_set(call->err, ERROR_INPUT, "\"%s\"; ls, ipv4 or ipv6 expected", call->words[3]);
}

/* "reflector R vanish reset after 100 updates", "… vanish none" */
static bool reflector_vanish(const struct call *call)
{
    char text[80];
    size_t length = 0;

    for (size_t i = 3; i < call->count && length < sizeof text; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%s", i > 3 ? " " : "",
                                   call->words[i]);
    return (parse_vanish(text, &reflector_of(call)->vanish) && answer_ok(call)) ||
           error_set(
               call->err, ERROR_INPUT,
               "\"%s\"; fin, reset or silent after NUMBER updates or octets, or none, expected",
               text);
}

/* "reflector R path-ids N": for the sessions that come */
static bool reflector_path_ids(const struct call *call)
{
    uint64_t base;

    if (!parse_word(call, call->words[3], UINT32_C(1) << 31, &base))
        return false;
    backbone_set_path_ids(call->lab->backbone, call->reflector, (uint32_t)base);
    return answer_ok(call);
}

// ---- send

static bool send_wire(const struct call *call, struct wire *wire)
{
    struct sent sent = {0};

    speaker_write(call->lab->speaker, call->reflector, wire, &sent);
    wire_free(wire);
    command_answer_sent(&sent, call->answer);
    return true;
}

/* "send R fault NAME TARGET [N]" */
static bool send_fault(const struct call *call)
{
    struct raw_message message = {.number = 1};
    struct wire wire = {0};
    uint64_t number = 1;

    if (call->count < 5)
        return error_set(call->err, ERROR_INPUT, "fault: NAME TARGET [NUMBER] expected");
    message.fault = fault_find(call->words[3]);
    message.target = call->words[4];
    if (!message.fault)
        return error_set(call->err, ERROR_INPUT, "\"%s\"; a fault expected, see faults",
                         call->words[3]);
    if (!misbehave_is_target(message.target))
        return error_set(call->err, ERROR_INPUT,
                         "\"%s\"; ls, node, link, prefix, ipv4 or ipv6 expected", message.target);
    if (call->count > 5 && !parse_word(call, call->words[5], UINT32_MAX, &number))
        return false;
    message.number = number ? (uint32_t)number : 1;
    return misbehave(call->lab->backbone, call->reflector, &message, &wire, call->err) &&
           send_wire(call, &wire);
}

/* "send R message HEX", "send R TYPE [HEX]" */
static bool send_octets(const struct call *call)
{
    const char *what = call->words[2], *hex = call->count > 3 ? call->words[3] : "";
    bool whole = strcmp(what, "message") == 0;
    struct arena *arena;
    struct octets octets;
    struct wire wire = {0};
    unsigned type = 0;

    if (!whole && !parse_message_type(what, &type))
        return error_set(
            call->err, ERROR_INPUT,
            "\"%s\"; message, fault, open, update, notification, keepalive, refresh or "
            "a type expected",
            what);
    arena = arena_new();
    bool ok = read_hex(call, arena, hex, &octets);

    if (ok && !whole && octets.length > MESSAGE_LIMIT - MESSAGE_HEADER)
        ok = error_set(call->err, ERROR_INPUT, "%zu octets; at most %d expected", octets.length,
                       MESSAGE_LIMIT - MESSAGE_HEADER);
    if (ok && whole)
        wire_put_bytes(&wire, octets.bytes, octets.length);
    else if (ok)
        message_of(type, octets.bytes, octets.length, &wire);
    arena_free(arena);
    return ok && send_wire(call, &wire);
}

// ---- all of them

static const struct verb {
    const char *group, *name;
    bool (*run)(const struct call *call);
} verbs[] = {
    {"session", "reset", session_reset},
    {"session", "drop", session_drop},
    {"session", "down", session_down},
    {"session", "up", session_up},
    {"session", "notify", session_notify},
    {"session", "restart", session_restart},
    {"reflector", "end-of-rib", reflector_end_of_rib},
    {"reflector", "resend", reflector_resend},
    {"reflector", "vanish", reflector_vanish},
    {"reflector", "path-ids", reflector_path_ids},
    {"send", "fault", send_fault},
};

const char *const command_session_usage[] = {
    "session REFLECTOR reset|drop|down|up | notify CODE SUBCODE [HEX] | restart [SECONDS] [lost]",
    "reflector NAME end-of-rib on|off|send | resend ls|ipv4|ipv6 | path-ids NUMBER",
    "reflector NAME vanish fin|reset|silent after NUMBER updates|octets | vanish none",
    "send REFLECTOR message HEX | TYPE [HEX] | fault NAME ls|node|link|prefix|ipv4|ipv6 [NUMBER]",
    NULL,
};

static bool list_faults(struct evbuffer *answer)
{
    const struct fault *fault;

    for (size_t i = 0; (fault = fault_at(i)); i++)
        (void)evbuffer_add_printf(answer, "  %-28s %s\n", fault->name, fault->what);
    (void)evbuffer_add_printf(answer, "ok\n");
    return true;
}

bool command_session(struct lab *lab, char *const *words, size_t count, struct evbuffer *answer,
                     struct error *err)
{
    struct call call = {.lab = lab, .words = words, .count = count, .answer = answer, .err = err};
    char names[120] = "";
    size_t used = 0;

    if (strcmp(words[0], "faults") == 0)
        return list_faults(answer);
    if (!command_find_reflector(lab, words[1], &call.reflector, err))
        return false;
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(verbs[i].group, words[0]) != 0)
            continue;
        if (strcmp(verbs[i].name, words[2]) == 0)
            return verbs[i].run(&call);
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "",
                                 verbs[i].name);
    }
    if (strcmp(words[0], "send") == 0)
        return send_octets(&call);
    return error_set(err, ERROR_INPUT, "\"%s\"; one of %s expected", words[2], names);
}
