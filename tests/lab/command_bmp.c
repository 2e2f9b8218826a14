/* command_bmp: BMP sessions ended, restored, cut and spoilt by command.
 *
 * Ill-formed messages are a table: what is wrong with each stands in its row. Anything else can be said
 * with `send`. */
#include "command_bmp.h"

#include "endpoint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct call {
    struct lab *lab;
    const struct bmp_router *router;
    size_t index; // the router's
    char *const *words;
    size_t count;
    struct evbuffer *answer;
    struct error *err;
};

const char *const command_bmp_usage[] = {
    "bmp ROUTER reset|drop|down|up",
    "bmp ROUTER terminate REASON [TEXT]",
    "bmp ROUTER peer PEER down REASON [CODE[/SUBCODE]] | up",
    "bmp ROUTER mirror PEER lost|HEX",
    "bmp ROUTER statistics",
    "bmp ROUTER cut OCTETS close|silence",
    "bmp ROUTER fault KIND",
    "bmp ROUTER send HEX",
    NULL,
};

static bool parse_uint(const char *text, uint64_t greatest, uint64_t *out)
{
    char *end;

    if (!*text || strspn(text, "0123456789") != strlen(text))
        return false;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return errno == 0 && *out <= greatest;
}

static int digit_of(char c)
{
    const char *digits = "0123456789abcdef";
    const char *at = c ? strchr(digits, c) : NULL;

    return at ? (int)(at - digits) : -1;
}

static bool parse_hex(const char *text, struct wire *out)
{
    for (; *text; text += 2) {
        int high = digit_of(text[0]), low = high < 0 ? -1 : digit_of(text[1]);

        if (low < 0)
            return false;
        wire_put(out, (unsigned)(high << 4 | low), 1);
    }
    return true;
}

static uint64_t now_us(void)
{
    return clock_us(CLOCK_REALTIME);
}

static bool find_peer(const struct call *call, const char *name, size_t *out)
{
    *out = bmp_find_peer(call->router, name);
    return *out != SIZE_MAX ||
           error_set(call->err, ERROR_INPUT, "\"%s\"; the name of a peer of %s expected", name,
                     call->router->name);
}

/* Says the octets on all connections and answers; frees the wire. */
static bool say(const struct call *call, struct wire *wire)
{
    struct sent sent = {0};

    bmp_routers_say(call->lab->bmp, call->index, wire, &sent);
    command_answer_sent(&sent, call->answer);
    wire_free(wire);
    return true;
}

// ---- verbs

static bool run_reset(const struct call *call)
{
    bool drops = strcmp(call->words[2], "drop") == 0;
    size_t count = bmp_routers_end(call->lab->bmp, call->index,
                                   drops ? BMP_END_DROP : BMP_END_TERMINATE, BMP_UNSPECIFIED, NULL);

    (void)evbuffer_add_printf(call->answer, "ok sessions=%zu\n", count);
    return true;
}

static bool run_down(const struct call *call)
{
    bool down = strcmp(call->words[2], "down") == 0;

    if (!bmp_routers_set_down(call->lab->bmp, call->index, down, call->err))
        return false;
    (void)evbuffer_add_printf(call->answer, "ok\n");
    return true;
}

static bool run_terminate(const struct call *call)
{
    uint64_t reason = 0;

    if (call->count < 4 || !parse_uint(call->words[3], UINT16_MAX, &reason))
        return error_set(call->err, ERROR_INPUT, "terminate: a reason from 0 to 65535 expected");
    size_t count = bmp_routers_end(call->lab->bmp, call->index, BMP_END_TERMINATE, (unsigned)reason,
                                   call->count > 4 ? call->words[4] : NULL);

    (void)evbuffer_add_printf(call->answer, "ok sessions=%zu\n", count);
    return true;
}

/* "6/4" as 0x0604, or a number alone. */
static bool parse_code(const char *text, unsigned *out)
{
    const char *slash = strchr(text, '/');
    uint64_t code = 0, subcode = 0;
    char front[4];

    if (!slash) {
        if (!parse_uint(text, UINT16_MAX, &code))
            return false;
        *out = (unsigned)code;
        return true;
    }
    size_t length = (size_t)(slash - text);

    if (length >= sizeof front)
        return false;
    memcpy(front, text, length);
    front[length] = '\0';
    if (!parse_uint(front, UINT8_MAX, &code) || !parse_uint(slash + 1, UINT8_MAX, &subcode))
        return false;
    *out = (unsigned)(code << 8 | subcode);
    return true;
}

static bool run_peer(const struct call *call)
{
    unsigned code = 6 << 8 | 2; // Cease, administrative shutdown
    uint64_t reason = 0;
    size_t peer = 0;
    struct sent sent = {0};

    if (call->count < 5)
        return error_set(call->err, ERROR_INPUT, "expected: %s", command_bmp_usage[2]);
    if (!find_peer(call, call->words[3], &peer))
        return false;
    if (strcmp(call->words[4], "up") == 0) {
        if (!bmp_routers_peer_up(call->lab->bmp, call->index, peer, &sent, call->err))
            return false;
        command_answer_sent(&sent, call->answer);
        return true;
    }
    if (strcmp(call->words[4], "down") != 0 || call->count < 6 ||
        !parse_uint(call->words[5], UINT8_MAX, &reason))
        return error_set(call->err, ERROR_INPUT, "expected: %s", command_bmp_usage[2]);
    if (reason == BMP_DOWN_LOCAL_EVENT)
        code = 0; // no event is relevant
    if (call->count > 6 && !parse_code(call->words[6], &code))
        return error_set(call->err, ERROR_INPUT,
                         "\"%s\"; a number, or CODE/SUBCODE of a NOTIFICATION expected",
                         call->words[6]);
    if (!bmp_routers_peer_down(call->lab->bmp, call->index, peer, (enum bmp_down)reason, code,
                               &sent, call->err))
        return false;
    command_answer_sent(&sent, call->answer);
    return true;
}

/* "lost": messages lost. Octets: an errored PDU. */
static bool run_mirror(const struct call *call)
{
    struct wire pdu = {0}, wire = {0};
    size_t peer = 0;

    if (call->count < 5)
        return error_set(call->err, ERROR_INPUT, "expected: %s", command_bmp_usage[3]);
    if (!find_peer(call, call->words[3], &peer))
        return false;
    const struct bmp_peer *it = &call->router->peers[peer];

    if (strcmp(call->words[4], "lost") == 0) {
        bmp_write_mirroring(it, 1, NULL, 0, now_us(), &wire);
        return say(call, &wire);
    }
    bool ok = parse_hex(call->words[4], &pdu) && pdu.length <= UINT16_MAX;

    if (ok)
        bmp_write_mirroring(it, 0, pdu.bytes, pdu.length, now_us(), &wire);
    wire_free(&pdu);
    return ok ? say(call, &wire)
              : error_set(call->err, ERROR_INPUT,
                          "mirror: \"lost\", or octets in lower-case hexadecimal expected");
}

static bool run_statistics(const struct call *call)
{
    struct sent sent = {0};

    bmp_routers_statistics(call->lab->bmp, call->index, &sent);
    command_answer_sent(&sent, call->answer);
    return true;
}

static bool run_cut(const struct call *call)
{
    uint64_t octets = 0;
    bool silent = call->count == 5 && strcmp(call->words[4], "silence") == 0;

    if (call->count != 5 || !parse_uint(call->words[3], UINT64_MAX - 1, &octets) ||
        (!silent && strcmp(call->words[4], "close") != 0))
        return error_set(call->err, ERROR_INPUT, "expected: %s", command_bmp_usage[5]);
    bmp_routers_cut(call->lab->bmp, call->index, octets, silent);
    (void)evbuffer_add_printf(call->answer, "ok\n");
    return true;
}

#define ZEROS "0000000000000000"
#define END_OF_RIB "ffffffffffffffffffffffffffffffff00170200000000"

/* One mistake each; everything else in the message is as it should be. */
static const struct fault {
    const char *name;
    uint8_t version, type;
    bool has_peer;    // the header of the router's first peer stands before the body
    uint32_t length;  // what the common header says; 0: the truth
    const char *body; // hexadecimal
} faults[] = {
    {"version", 2, BMP_INITIATION, false, 0, ""},
    {"short", BMP_VERSION, BMP_INITIATION, false, 5, ""},
    {"long", BMP_VERSION, BMP_INITIATION, false, UINT32_MAX, ""},
    {"type", BMP_VERSION, 200, false, 0, "0123"},
    {"peer-type", BMP_VERSION, BMP_ROUTE_MONITORING, false, 0,
     "0900" ZEROS ZEROS ZEROS "0000fbf4cb0071ff" ZEROS END_OF_RIB},
    {"peer-header", BMP_VERSION, BMP_ROUTE_MONITORING, false, 0, "0000000000"},
    {"no-peer-up", BMP_VERSION, BMP_ROUTE_MONITORING, false, 0,
     "0000" ZEROS ZEROS "00000000cb0071ff0000fbf4cb0071ff" ZEROS END_OF_RIB},
    {"update", BMP_VERSION, BMP_ROUTE_MONITORING, true, 0,
     "ffffffffffffffffffffffffffffffff002d0200000000"},
    {"marker", BMP_VERSION, BMP_ROUTE_MONITORING, true, 0, ZEROS ZEROS "00170200000000"},
    {"empty", BMP_VERSION, BMP_ROUTE_MONITORING, true, 0, ""},
    {"statistics", BMP_VERSION, BMP_STATISTICS, true, 0, "000000050007000800"},
    {"open", BMP_VERSION, BMP_PEER_UP, true, 0,
     ZEROS ZEROS "000000b3ffffffffffffffffffffffffffffffff001d0104"},
    {"reason", BMP_VERSION, BMP_PEER_DOWN, true, 0, "09"},
    {"no-reason", BMP_VERSION, BMP_PEER_DOWN, true, 0, ""},
    {"tlv", BMP_VERSION, BMP_INITIATION, false, 0, "0001000461"},
    {"mirroring", BMP_VERSION, BMP_MIRRORING, true, 0, "0000ffff"},
};

static bool unknown_fault(const char *name, struct error *err)
{
    char names[200] = "";
    size_t used = 0;

    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "",
                                 faults[i].name);
    return error_set(err, ERROR_INPUT, "\"%s\"; one of %s expected", name, names);
}

static bool run_fault(const struct call *call)
{
    const char *name = call->count > 3 ? call->words[3] : "";
    const struct fault *fault = faults, *end = faults + sizeof faults / sizeof *faults;
    uint8_t header[BMP_PEER_HEADER];
    struct wire wire = {0};

    while (fault < end && strcmp(fault->name, name) != 0)
        fault++;
    if (fault == end)
        return unknown_fault(name, call->err);
    if (fault->has_peer && !call->router->peer_count)
        return error_set(call->err, ERROR_INPUT, "%s has no peer", call->router->name);
    wire_put(&wire, fault->version, 1);
    wire_put(&wire, 0, 4);
    wire_put(&wire, fault->type, 1);
    if (fault->has_peer) {
        bmp_peer_header(call->router->peers, BMP_PRE_POLICY, now_us(), header);
        wire_put_bytes(&wire, header, sizeof header);
    }
    (void)parse_hex(fault->body, &wire);
    bmp_common_header(fault->length ? fault->length : wire.length, fault->type, wire.bytes);
    wire.bytes[0] = fault->version;
    return say(call, &wire);
}

static bool run_send(const struct call *call)
{
    struct wire wire = {0};

    if (call->count == 4 && parse_hex(call->words[3], &wire))
        return say(call, &wire);
    wire_free(&wire);
    return error_set(call->err, ERROR_INPUT, "send: octets in lower-case hexadecimal expected");
}

static const struct {
    const char *name;
    bool (*run)(const struct call *call);
} verbs[] = {
    {"reset", run_reset},
    {"drop", run_reset},
    {"down", run_down},
    {"up", run_down},
    {"terminate", run_terminate},
    {"peer", run_peer},
    {"mirror", run_mirror},
    {"statistics", run_statistics},
    {"cut", run_cut},
    {"fault", run_fault},
    {"send", run_send},
};

bool command_bmp(struct lab *lab, char *const *words, size_t count, struct evbuffer *answer,
                 struct error *err)
{
    const struct scenario *scenario = backbone_scenario(lab->backbone);
    size_t router = scenario_find_bmp_router(scenario, words[1]);

    if (router == SIZE_MAX)
        return error_set(err, ERROR_INPUT, "\"%s\"; the name of a bmp item expected", words[1]);
    const struct call call = {.lab = lab,
                              .router = &scenario->bmp_routers[router],
                              .index = router,
                              .words = words,
                              .count = count,
                              .answer = answer,
                              .err = err};

    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(words[2], verbs[i].name) == 0)
            return verbs[i].run(&call);
    }
    return error_set(err, ERROR_INPUT,
                     "\"%s\"; reset, drop, down, up, terminate, peer, mirror, statistics, cut, "
                     "fault or send expected",
                     words[2]);
}

void command_bmp_status(struct lab *lab, struct evbuffer *answer)
{
    const struct scenario *scenario = backbone_scenario(lab->backbone);

    for (size_t i = 0; i < scenario->bmp_router_count; i++) {
        const struct bmp_router *router = &scenario->bmp_routers[i];
        const struct endpoint place = {.address = router->address, .port = router->port};
        struct bmp_status status;
        char text[ENDPOINT_TEXT_SIZE];

        (void)evbuffer_add_printf(answer, "  bmp %s %s %s peers=%zu\n", router->name,
                                  bmp_routers_is_down(lab->bmp, i) ? "down at"
                                  : router->listens                ? "listening at"
                                                                   : "calling",
                                  endpoint_format(&place, text), router->peer_count);
        for (size_t n = 0; bmp_routers_session(lab->bmp, i, n, &status); n++)
            (void)evbuffer_add_printf(
                answer,
                "  bmp-session %s %s %s seconds=%llu updates=%llu octets=%llu pending=%zu\n",
                router->name, status.station, status.state, (unsigned long long)status.seconds,
                (unsigned long long)status.updates, (unsigned long long)status.octets,
                status.pending);
    }
}
