/* BMP sessions, fed from memory: peers, views, and what each mistake costs (docs/spec/bgp-ls.md part 13). */
#include "collector/bmp.h"
#include "lib/arena.h"
#include "update_text.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the handler heard, as lines. */
static char *lines;
static size_t size;
static FILE *out;
static struct bmp_wanted wanted;
static struct bmp_session *session;
static struct fault_ring ring;

static void on_router_up(void *context, const struct bmp_router *router)
{
    (void)context;
    (void)fprintf(out, "router up name=%s description=%s\n", router->name, router->description);
}

static void on_router_down(void *context, const struct bmp_router *router, const char *reason)
{
    (void)context;
    (void)router;
    (void)fprintf(out, "router down: %s\n", reason);
}

static struct bmp_wanted on_peer_up(void *context, const struct bmp_router *router,
                                    const struct bmp_peer *peer)
{
    char address[PREFIX_TEXT_SIZE] = "-";

    (void)context;
    (void)router;
    if (peer->address.family)
        (void)address_format(&peer->address, address);
    (void)fprintf(out, "peer up type=%d %s as=%u families=", peer->type, address, peer->asn);
    for (enum state_family family = 0; family < STATE_FAMILIES; family++)
        (void)fputc(peer->has_open ? '0' + peer->sent.families[family] : '?', out);
    (void)fputc('\n', out);
    return wanted;
}

static void on_peer_down(void *context, const struct bmp_router *router,
                         const struct bmp_peer *peer, int64_t peer_id, enum bmp_down down,
                         const char *reason)
{
    static const char *const names[] = {"session", "forget", "connection"};

    (void)context;
    (void)router;
    (void)peer;
    ck_assert_int_eq(peer_id, wanted.peer_id);
    (void)fprintf(out, "peer down %s: %s\n", names[down], reason);
}

static void setup(void)
{
    const struct prefix nowhere = {0};

    out = open_memstream(&lines, &size);
    ck_assert_ptr_nonnull(out);
    wanted = (struct bmp_wanted){.peer_id = 7, .families = {true, true, true}};
    struct bmp_handler handler = {.sink = update_text_sink(out),
                                  .on_router_up = on_router_up,
                                  .on_router_down = on_router_down,
                                  .on_peer_up = on_peer_up,
                                  .on_peer_down = on_peer_down};
    session = bmp_session_new(&handler, &nowhere, 0, &ring);
}

static void teardown(void)
{
    bmp_session_free(session);
    fault_ring_clear(&ring);
    (void)fclose(out);
    free(lines);
}

/* A whole BMP message. */
static struct octets message_of(uint8_t type, const char *body)
{
    struct octets inner = update_text_octets(body);
    size_t length = inner.length + 6;
    uint8_t *bytes = memory_alloc(length, 1);

    bytes[0] = 3;
    for (size_t i = 0; i < 4; i++)
        bytes[1 + i] = (uint8_t)(length >> (24 - 8 * i));
    bytes[5] = type;
    memcpy(bytes + 6, inner.bytes, inner.length);
    update_text_free(inner);
    return (struct octets){.bytes = bytes, .length = length};
}

/* Gives the session a message; what it made of it stays until the next call. err.text when it ended. */
static struct error last_error;

static const char *hear(uint8_t type, const char *body)
{
    struct octets message = message_of(type, body);

    rewind(out);
    if (!bmp_session_take(session, message, 1, &last_error))
        (void)fprintf(out, "closed: %s\n", last_error.text);
    (void)fputc('\0', out);
    (void)fflush(out);
    update_text_free(message);
    return lines;
}

#define TIME "00000000 00000000 "
#define HEADER(type, flags, distinguisher, address)                                                \
    type flags " 00000000000000" distinguisher address "0000fde8 0a000001" TIME
#define IPV4 " 000000000000000000000000 0a000002 "
#define IPV6 " 20010db8000000000000000000000001 "
#define NONE " 00000000000000000000000000000000 "
#define PEER HEADER("00", "00", "00", IPV4)
#define POST HEADER("00", "40", "00", IPV4)
#define LOC_RIB HEADER("03", "00", "00", NONE)
#define PORTS " 0000000000000000000000000a000001 00b3 00b3 "
#define OPEN(capabilities) "[01 04 fde8 005a 0a000001 (02(" capabilities "))]"
#define FOUR "41(0000fde8)"
#define UPDATE(prefix) "[02 {} {4001(00) 4002() 4003(0a000001)}" prefix "]"
#define GONE(prefix) "[02 {" prefix "} {}]"
#define END "[02 {} {}]"
#define IPV6_UPDATE                                                                                \
    "[02 {} {4001(00) 4002() 800e(0002 01 (20010db8000000000000000000000001) 00 2020010db8)}]"
#define ROUTE "route 192.0.2.0/24 next-hop=10.0.0.1 origin=0 as-path=\"\"\n"
#define ROUTE_GONE "gone 192.0.2.0/24\n"
#define IPV6_ROUTE "route 2001:db8::/32 next-hop=2001:db8::1 origin=0 as-path=\"\"\n"
#define PEER_UP PEER PORTS OPEN(FOUR) OPEN(FOUR)
#define UP_LINE "peer up type=0 10.0.0.2 as=65000 families=100\n"

enum { MONITORING, STATISTICS, DOWN, UP, INITIATION, TERMINATION, MIRRORING };

START_TEST(l130_initiation_names_the_router)
{
    ck_assert_str_eq(hear(INITIATION, "0000{00} 0001{7631} 0002{7231} 0099{01}"),
                     "router up name=r1 description=v1\n");
    ck_assert_str_eq(hear(INITIATION, "0002{7232}"), ""); // it may come again
    ck_assert_str_eq(bmp_session_router(session)->name, "r2");
}
END_TEST

START_TEST(l130_another_first_message_is_tolerated)
{
    ck_assert_str_eq(hear(UP, PEER_UP), "router up name= description=\n" UP_LINE);
}
END_TEST

START_TEST(l130_unknown_types_are_ignored)
{
    (void)hear(INITIATION, "");
    ck_assert_str_eq(hear(9, "0102"), "");
    ck_assert_uint_eq(bmp_session_counters(session)->faults.count[FAULT_BMP_TYPE], 1);
    ck_assert_str_eq(hear(STATISTICS, PEER "00000001 ffff{00}"), "");
    ck_assert_str_eq(hear(MIRRORING, PEER "0001{0001}"), "");
}
END_TEST

static const struct {
    const char *tlvs, *line;
} terminations[] = {
    {"", "closed: BMP Termination: no reason given\n"},
    {"0001{0000}", "closed: BMP Termination: administratively closed\n"},
    {"0000{00} 0001{0003}", "closed: BMP Termination: redundant connection\n"},
    {"0001{0063}", "closed: BMP Termination: unknown reason\n"},
    {"0001{00}", "closed: BMP Termination: no reason given\n"},
};

START_TEST(l130_termination_closes)
{
    (void)hear(INITIATION, "");
    ck_assert_str_eq(hear(TERMINATION, terminations[_i].tlvs), terminations[_i].line);
}
END_TEST

static const struct {
    const char *begin;
    bool ok;
    size_t length;
    const char *text;
} lengths[] = {
    {"", true, 0, ""},
    {"03 00000006", true, 0, ""}, // not all of it yet
    {"03 00000006 04", true, 6, ""},
    {"03 00100000 04", true, BMP_MESSAGE_LIMIT, ""},
    {"03 00100001 04", false, 0, "BMP message of 1048577 octets; 6 to 1048576 expected"},
    {"03 00000005 04", false, 0, "BMP message of 5 octets; 6 to 1048576 expected"},
    {"04", false, 0, "BMP version 4; 3 expected"},
    {"16 030100", false, 0, "BMP version 22; 3 expected"}, // TLS
};

START_TEST(l130_common_header)
{
    struct octets begin = update_text_octets(lengths[_i].begin);
    struct error err = {0};
    size_t length;

    ck_assert_int_eq(bmp_message_length(begin, &length, &err), lengths[_i].ok);
    ck_assert_uint_eq(length, lengths[_i].length);
    ck_assert_str_eq(err.text, lengths[_i].text);
    update_text_free(begin);
}
END_TEST

static const struct {
    const char *header, *line;
} headers[] = {
    {PEER, "peer up type=0 10.0.0.2 as=65000 families=???\n"},
    {HEADER("00", "80", "00", IPV6), "peer up type=0 2001:db8::1 as=65000 families=???\n"},
    {HEADER("01", "00", "01", IPV4), "peer up type=1 10.0.0.2 as=65000 families=???\n"},
    {HEADER("03", "80", "00", NONE), "peer up type=3 - as=65000 families=???\n"}, // F, not V
};

START_TEST(l131_l137_per_peer_header)
{
    char body[512], expected[512];

    (void)hear(INITIATION, "");
    (void)snprintf(body, sizeof body, "%s%s", headers[_i].header, UPDATE("18c00002"));
    (void)snprintf(expected, sizeof expected, "%sfault bmp.no-peer-up distrusted=0\n%s",
                   headers[_i].line, ROUTE);
    ck_assert_str_eq(hear(MONITORING, body), expected);
}
END_TEST

START_TEST(l131_unknown_peer_types_are_ignored)
{
    (void)hear(INITIATION, "");
    ck_assert_str_eq(hear(MONITORING, HEADER("04", "00", "00", IPV4) UPDATE("18c00002")), "");
}
END_TEST

START_TEST(l131_two_octet_as_by_the_header)
{
    (void)hear(UP, PEER_UP);
    ck_assert_str_eq(
        hear(MONITORING, HEADER("00", "20", "00",
                                IPV4) "[02 {} {4001(00) 4002(0201 fde9) 4003(0a000001)} 18c00002]"),
        "route 192.0.2.0/24 next-hop=10.0.0.1 origin=0 as-path=\"65001\"\n");
}
END_TEST

START_TEST(l132_peers_differ_by_each_part_of_the_key)
{
    (void)hear(UP, PEER_UP);
    ck_assert_str_eq(hear(UP, HEADER("00", "00", "01", IPV4) PORTS OPEN(FOUR) OPEN(FOUR)), UP_LINE);
    ck_assert_str_eq(hear(UP, HEADER("01", "00", "00", IPV4) PORTS OPEN(FOUR) OPEN(FOUR)),
                     "peer up type=1 10.0.0.2 as=65000 families=100\n");
    ck_assert_str_eq(hear(UP, "00 00 0000000000000000" IPV4
                              "0000fde8 0a000009" TIME PORTS OPEN(FOUR) OPEN(FOUR)),
                     UP_LINE);
    // L and O are no part of it
    ck_assert_str_eq(hear(DOWN, HEADER("00", "50", "00", IPV4) "04"),
                     "peer down session: remote close without NOTIFICATION\n");
    ck_assert_str_eq(hear(DOWN, PEER "04"), "");
}
END_TEST

START_TEST(l132_adj_rib_out_is_ignored)
{
    (void)hear(UP, PEER_UP);
    ck_assert_str_eq(hear(MONITORING, HEADER("00", "10", "00", IPV4) UPDATE("18c00002")), "");
    ck_assert_uint_eq(bmp_session_counters(session)->ignored, 1);
}
END_TEST

START_TEST(l133_path_ids_by_the_two_opens)
{
    (void)hear(UP, PEER PORTS OPEN(FOUR "45(000101 01)") OPEN(FOUR "45(000101 02)"));
    ck_assert_str_eq(hear(MONITORING, PEER UPDATE("00000005 18c00002")),
                     "route 192.0.2.0/24 path-id=5 next-hop=10.0.0.1 origin=0 as-path=\"\"\n");
}
END_TEST

START_TEST(l133_path_ids_of_loc_rib_by_the_capability_alone)
{
    (void)hear(UP, LOC_RIB PORTS OPEN("45(000101 02)") OPEN("45(000101 02)"));
    ck_assert_str_eq(hear(MONITORING, LOC_RIB UPDATE("00000005 18c00002")),
                     "route 192.0.2.0/24 path-id=5 next-hop=10.0.0.1 origin=0 as-path=\"\"\n");
}
END_TEST

static const struct {
    const char *data, *line;
} downs[] = {
    {"01 [03 0602]", "peer down session: local NOTIFICATION 6/2\n"},
    {"02 0018", "peer down session: local FSM event 24\n"},
    {"03 [03 0400]", "peer down session: remote NOTIFICATION 4/0\n"},
    {"03 [03 04]", "peer down session: remote NOTIFICATION that cannot be read\n"},
    {"03", "peer down session: remote NOTIFICATION that cannot be read\n"},
    {"04", "peer down session: remote close without NOTIFICATION\n"},
    {"05", "peer down forget: no longer monitored\n"},
    {"06 0003{00}", "peer down session: closed by the monitored router\n"},
    {"63", "peer down session: Peer Down reason 99\n"},
    {"", "peer down session: Peer Down reason 0\n"}, // cut short: down all the same
};

START_TEST(l134_peer_down_reasons)
{
    char body[256];

    (void)hear(UP, PEER_UP);
    (void)snprintf(body, sizeof body, "%s%s", PEER, downs[_i].data);
    ck_assert_str_eq(hear(DOWN, body), downs[_i].line);
}
END_TEST

START_TEST(l135_connection_lost_is_peer_down_for_all)
{
    (void)hear(UP, PEER_UP);
    rewind(out);
    bmp_session_close(session, "reset");
    bmp_session_close(session, "again"); // told once
    (void)fputc('\0', out);
    (void)fflush(out);
    ck_assert_str_eq(lines, "peer down connection: reset\nrouter down: reset\n");
}
END_TEST

START_TEST(l136_pre_policy_goes_first_family_by_family)
{
    (void)hear(UP, PEER_UP);
    ck_assert_str_eq(hear(MONITORING, POST UPDATE("18c00002")), ROUTE); // until pre-policy is heard
    ck_assert_str_eq(hear(MONITORING, PEER UPDATE("18c00002")), ROUTE);
    ck_assert_str_eq(hear(MONITORING, POST UPDATE("18c00002")), "");
    ck_assert_str_eq(hear(MONITORING, POST IPV6_UPDATE), IPV6_ROUTE);
    ck_assert_str_eq(hear(MONITORING, PEER UPDATE("18c00002")), ROUTE);
}
END_TEST

/* As FRR 8.4 without soft-reconfiguration: pre-policy only withdraws, and ends its load as well. */
START_TEST(l136_withdrawals_and_ends_make_no_view)
{
    (void)hear(UP, PEER_UP);
    ck_assert_str_eq(hear(MONITORING, PEER END),
                     "end-of-rib family=0\n"); // nothing was said behind policy
    ck_assert_str_eq(hear(MONITORING, POST UPDATE("18c00002")), ROUTE);
    ck_assert_str_eq(hear(MONITORING, PEER GONE("18c00002")), "");
    ck_assert_str_eq(hear(MONITORING, PEER END), "");
    ck_assert_str_eq(hear(MONITORING, POST END), "end-of-rib family=0\n");
    ck_assert_str_eq(hear(MONITORING, POST GONE("18c00002")), ROUTE_GONE);
    ck_assert_str_eq(hear(MONITORING, POST UPDATE("18c00002")), ROUTE);
    ck_assert_str_eq(hear(MONITORING, POST IPV6_UPDATE), IPV6_ROUTE);
    ck_assert_str_eq(hear(MONITORING, PEER UPDATE("18c00002")), ROUTE); // it is kept from now on
    ck_assert_str_eq(hear(MONITORING, POST UPDATE("18c00002")), "");
    ck_assert_str_eq(hear(MONITORING, PEER GONE("18c00002")), ROUTE_GONE);
    ck_assert_str_eq(hear(MONITORING, POST IPV6_UPDATE), IPV6_ROUTE); // another family
}
END_TEST

START_TEST(l139_another_peer_up_of_a_loc_rib_adds_families)
{
    ck_assert_str_eq(hear(UP, LOC_RIB PORTS OPEN("01(0001 0001)") OPEN("01(0001 0001)")),
                     "router up name= description=\npeer up type=3 - as=65000 families=100\n");
    ck_assert_str_eq(hear(UP, LOC_RIB PORTS OPEN("01(0002 0001)") OPEN("01(0002 0001)")),
                     "peer up type=3 - as=65000 families=110\n");
}
END_TEST

START_TEST(peer_up_without_peer_down_restarts_the_session)
{
    (void)hear(UP, PEER_UP);
    (void)hear(MONITORING, PEER UPDATE("18c00002"));
    ck_assert_str_eq(hear(UP, PEER_UP),
                     "peer down connection: Peer Up without Peer Down\n" UP_LINE);
    ck_assert_str_eq(hear(MONITORING, POST UPDATE("18c00002")),
                     ROUTE); // what was heard is forgotten
}
END_TEST

START_TEST(what_is_not_wanted_is_ignored)
{
    wanted.peer_id = -1;
    (void)hear(UP, PEER_UP);
    ck_assert_str_eq(hear(MONITORING, PEER UPDATE("18c00002")), "");
    ck_assert_str_eq(hear(DOWN, PEER "04"), "");
}
END_TEST

static const struct {
    uint8_t type;
    const char *body;
    enum fault fault;
} mistakes[] = {
    {MONITORING, "00 00", FAULT_BMP_MESSAGE},     // no per-peer header
    {UP, PEER "00", FAULT_BMP_MESSAGE},           // no addresses
    {UP, PEER PORTS "ffff", FAULT_BMP_MESSAGE},   // no OPENs
    {UP, PEER PORTS "[04] [04]", FAULT_BGP_OPEN}, // no OPENs either
    {UP, PEER PORTS OPEN("41(00)") OPEN(FOUR), FAULT_BGP_OPEN},
    {UP, PEER_UP "0000 0009 00", FAULT_BMP_TLV},
    {INITIATION, "0002", FAULT_BMP_TLV},
    {MONITORING, PEER "00", FAULT_BGP_HEADER},
    {MONITORING, PEER "[02 00]", FAULT_BGP_LENGTHS},
};

START_TEST(l095_faults_are_counted_and_their_message_kept)
{
    (void)hear(INITIATION, "");
    (void)hear(mistakes[_i].type, mistakes[_i].body);
    ck_assert_uint_eq(bmp_session_counters(session)->faults.count[mistakes[_i].fault], 1);
    ck_assert_uint_eq(ring.added, 1);
    ck_assert_uint_eq(ring.records[0].message[0], 3);
    ck_assert_uint_gt(ring.records[0].length, 6);
}
END_TEST

static void add_faults(void *context, const struct bmp_peer *peer, int64_t peer_id,
                       const struct faults *faults)
{
    uint64_t *sum = context;

    (void)peer;
    ck_assert_int_eq(peer_id, 7);
    *sum += faults->count[FAULT_BGP_ORIGIN];
}

START_TEST(l095_faults_are_counted_by_peer)
{
    uint64_t sum = 0;

    (void)hear(UP, PEER_UP);
    ck_assert_str_eq(hear(MONITORING, PEER "[02 {} {4001(09) 4002() 4003(0a000001)} 18c00002]"),
                     "gone 192.0.2.0/24\nfault bgp.origin distrusted=0\n");
    ck_assert_int_eq(ring.records[0].peer_id, 7);
    bmp_session_each_peer(session, add_faults, &sum);
    ck_assert_uint_eq(sum, 1);
}
END_TEST

/* However the bytes are cut, the same is heard. */
START_TEST(pieces_of_any_size_say_the_same)
{
    size_t piece = (size_t)_i;
    struct octets all[] = {message_of(INITIATION, "0002{7231}"), message_of(UP, PEER_UP),
                           message_of(MONITORING, PEER UPDATE("18c00002")),
                           message_of(DOWN, PEER "04")};
    uint8_t stream[1024];
    size_t length = 0, begin = 0, end = 0;

    for (size_t i = 0; i < 4; i++) {
        memcpy(stream + length, all[i].bytes, all[i].length);
        length += all[i].length;
        update_text_free(all[i]);
    }
    while (begin < length) {
        size_t taken;
        end = end + piece < length ? end + piece : length;
        struct octets bytes = {.bytes = stream + begin, .length = end - begin};
        ck_assert(bmp_session_feed(session, bytes, 1, &taken, &last_error));
        begin += taken;
    }
    (void)fflush(out);
    ck_assert_str_eq(lines, "router up name=r1 description=\n" UP_LINE ROUTE
                            "peer down session: remote close without NOTIFICATION\n");
    ck_assert_uint_eq(bmp_session_counters(session)->messages, 4);
    ck_assert_uint_eq(bmp_session_counters(session)->bytes, length);
}
END_TEST

START_TEST(feeding_ends_at_a_bad_header)
{
    struct octets bytes = update_text_octets("03 00000006 04 04 00000006");
    size_t taken;

    ck_assert(!bmp_session_feed(session, bytes, 1, &taken, &last_error));
    ck_assert_uint_eq(taken, 6);
    ck_assert_str_eq(last_error.text, "BMP version 4; 3 expected");
    ck_assert(!bmp_session_take(session, bytes, 1, &last_error));
    ck_assert_str_eq(last_error.text, "BMP message of 11 octets that says 6");
    update_text_free(bytes);
}
END_TEST

START_TEST(peers_above_the_limit_are_counted)
{
    struct octets message = message_of(MONITORING, PEER UPDATE("18c00002"));
    uint8_t *bytes = memcpy(memory_alloc(message.length, 1), message.bytes, message.length);
    struct octets changed = {.bytes = bytes, .length = message.length};

    wanted.peer_id = -1;
    for (unsigned i = 0; i < BMP_PEER_LIMIT + 3; i++) {
        bytes[6 + 2 + 6] = (uint8_t)(i >> 8); // of the distinguisher
        bytes[6 + 2 + 7] = (uint8_t)i;
        ck_assert(bmp_session_take(session, changed, 1, &last_error));
    }
    ck_assert_uint_eq(bmp_session_counters(session)->peers_over, 3);
    update_text_free(message);
    free(bytes);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof *(table))

static TCase *cases(void)
{
    TCase *tc = tcase_create("bmp");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, l130_initiation_names_the_router);
    tcase_add_test(tc, l130_another_first_message_is_tolerated);
    tcase_add_test(tc, l130_unknown_types_are_ignored);
    tcase_add_loop_test(tc, l130_termination_closes, 0, ROWS(terminations));
    tcase_add_loop_test(tc, l130_common_header, 0, ROWS(lengths));
    tcase_add_loop_test(tc, l131_l137_per_peer_header, 0, ROWS(headers));
    tcase_add_test(tc, l131_unknown_peer_types_are_ignored);
    tcase_add_test(tc, l131_two_octet_as_by_the_header);
    tcase_add_test(tc, l132_peers_differ_by_each_part_of_the_key);
    tcase_add_test(tc, l132_adj_rib_out_is_ignored);
    tcase_add_test(tc, l133_path_ids_by_the_two_opens);
    tcase_add_test(tc, l133_path_ids_of_loc_rib_by_the_capability_alone);
    tcase_add_loop_test(tc, l134_peer_down_reasons, 0, ROWS(downs));
    tcase_add_test(tc, l135_connection_lost_is_peer_down_for_all);
    tcase_add_test(tc, l136_pre_policy_goes_first_family_by_family);
    tcase_add_test(tc, l136_withdrawals_and_ends_make_no_view);
    tcase_add_test(tc, l139_another_peer_up_of_a_loc_rib_adds_families);
    tcase_add_test(tc, peer_up_without_peer_down_restarts_the_session);
    tcase_add_test(tc, what_is_not_wanted_is_ignored);
    tcase_add_loop_test(tc, l095_faults_are_counted_and_their_message_kept, 0, ROWS(mistakes));
    tcase_add_test(tc, l095_faults_are_counted_by_peer);
    tcase_add_loop_test(tc, pieces_of_any_size_say_the_same, 1, 64);
    tcase_add_test(tc, feeding_ends_at_a_bad_header);
    tcase_add_test(tc, peers_above_the_limit_are_counted);
    return tc;
}

int main(void)
{
    Suite *suite = suite_create("bmp");

    suite_add_tcase(suite, cases());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
