/* UPDATEs: where NLRIs stand, path attributes and their texts, and what each mistake costs (RFC 7606). */
#include "update_fixture.h"
#include "update_text.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define NLRI "18c63364" // 198.51.100.0/24
#define NEXT_HOP "4003(0a000001) "
#define ROUTE "route 198.51.100.0/24 next-hop=10.0.0.1 origin=0 as-path=\"\""

struct row {
    const char *attributes, *line, *why;
};

/* A route with the well-known attributes and these. */
static const char *say_with(const char *attributes)
{
    struct arena *arena = arena_new();
    const char *said =
        fixture_say(arena_format(arena, "{} {%s%s%s}%s", WELL_KNOWN, NEXT_HOP, attributes, NLRI));

    arena_free(arena);
    return said;
}

static void compare(const struct row *row)
{
    const char *said = say_with(row->attributes);

    ck_assert_msg(strcmp(said, row->line) == 0, "%s: %s", row->why, said);
}

/* ---- Places ---- */

START_TEST(l122_both_ipv4_forms_in_one_update)
{
    ck_assert_str_eq(
        fixture_say("{} {" WELL_KNOWN NEXT_HOP "800e(0001 01 (0a000002) 00 18c00002)}" NLRI),
        ROUTE "\nroute 192.0.2.0/24 next-hop=10.0.0.2 origin=0 as-path=\"\"\n");
}
END_TEST

START_TEST(l121_ipv4_routes_may_have_an_ipv6_next_hop)
{
    ck_assert_str_eq(fixture_say("{} {" WELL_KNOWN
                                 "800e(0001 01 (20010db8000000000000000000000001) 00 18c00002)}"),
                     "route 192.0.2.0/24 next-hop=2001:db8::1 origin=0 as-path=\"\"\n");
}
END_TEST

START_TEST(ipv6_with_a_link_local_next_hop_beside_the_global_one)
{
    ck_assert_str_eq(fixture_say("{} {" WELL_KNOWN "800e(0002 01 (20010db8000000000000000000000001"
                                 "fe800000000000000000000000000001) 00 2020010db8 00)}"),
                     "route 2001:db8::/32 next-hop=2001:db8::1 origin=0 as-path=\"\"\n"
                     "route ::/0 next-hop=2001:db8::1 origin=0 as-path=\"\"\n");
}
END_TEST

START_TEST(withdrawals_go_before_announcements)
{
    ck_assert_str_eq(
        fixture_say("{18c00002} {" WELL_KNOWN NEXT_HOP "800f(0002 01 2020010db8)}" NLRI),
        "gone 192.0.2.0/24\ngone 2001:db8::/32\n" ROUTE "\n");
}
END_TEST

START_TEST(l120_path_ids)
{
    fixture_session.add_path[STATE_IPV4_UNICAST] = true;
    ck_assert_str_eq(fixture_say("{00000009 18c00002} {" WELL_KNOWN NEXT_HOP
                                 "800e(0002 01 (20010db8000000000000000000000001) 00 2020010db8)}"
                                 "00000007" NLRI "00000008" NLRI),
                     "gone 192.0.2.0/24 path-id=9\n"
                     "route 198.51.100.0/24 path-id=7 next-hop=10.0.0.1 origin=0 as-path=\"\"\n"
                     "route 198.51.100.0/24 path-id=8 next-hop=10.0.0.1 origin=0 as-path=\"\"\n"
                     "route 2001:db8::/32 next-hop=2001:db8::1 origin=0 as-path=\"\"\n");
}
END_TEST

static const struct {
    const char *body, *line;
} ends[] = {
    {"{} {}", "end-of-rib family=0\n"},
    {"{} {800f(0001 01)}", "end-of-rib family=0\n"}, // multiprotocol IPv4
    {"{} {800f(0002 01)}", "end-of-rib family=1\n"},
    {"{} {800f(4004 47)}", "end-of-rib family=2\n"},
    {"{} {900f{4004 47}}", "end-of-rib family=2\n"}, // 2-octet length
    {"{} {" WELL_KNOWN "800f(4004 47)}", ""},        // not its only content
    {"{18c00002} {800f(4004 47)}", "gone 192.0.2.0/24\n"},
    {"{} {800f(0001 80)}", ""}, // VPN: not ours
};

START_TEST(l110_end_of_rib)
{
    ck_assert_str_eq(fixture_say(ends[_i].body), ends[_i].line);
}
END_TEST

START_TEST(families_that_are_not_wanted_are_skipped)
{
    fixture_wanted[STATE_IPV4_UNICAST] = false;
    ck_assert_str_eq(
        fixture_say("{18c00002} {" WELL_KNOWN NEXT_HOP "800f(0002 01 2020010db8)}" NLRI),
        "gone 2001:db8::/32\n");
    ck_assert_str_eq(fixture_say("{} {}"), "");
}
END_TEST

/* ---- Attributes ---- */

static const struct row attributes[] = {
    {"8004(00000000)", ROUTE " med=0\n", "a MED of 0 is a value"},
    {"4005(ffffffff)", ROUTE " local-pref=4294967295\n", "LOCAL_PREF"},
    {"4006()", ROUTE " atomic\n", "ATOMIC_AGGREGATE"},
    {"c007(0000fde8 0a000001)", ROUTE " aggregator=\"65000 10.0.0.1\"\n", "AGGREGATOR"},
    {"c008(fde80014 fde80001 fde80014 00000000)", ROUTE " communities=\"0:0 65000:1 65000:20\"\n",
     "a set, ascending"},
    {"8009(0a000001) 800a(0a000002 0a000001)",
     ROUTE " originator=\"10.0.0.1\" clusters=\"10.0.0.2 10.0.0.1\"\n", "reflected; order kept"},
    {"c010(0002fde800000001 0002fde800000000)",
     ROUTE " extended=\"0002fde800000000 0002fde800000001\"\n", "extended communities"},
    {"c020(0000fde80000000200000003 0000fde80000000100000003)",
     ROUTE " large=\"65000:1:3 65000:2:3\"\n", "large communities"},
    {"e0c8(0102) 90c9{03}",
     ROUTE " other=e0c8020102"
           "90c9000103\n",
     "unknown ones as they came"},
};

START_TEST(attributes_become_texts)
{
    compare(&attributes[_i]);
}
END_TEST

static const struct {
    const char *path, *text;
} paths[] = {
    {"4002()", ""},
    {"4002(0202 0000fbf4 0000fbf5)", "64500 64501"},
    {"4002(0201 0000fbf4 0102 0000fc00 0000fbfe)", "64500 {64510,64512}"},
    {"4002(0302 0000fde9 0000fdea 0401 0000fdeb 0201 ffffffff)",
     "(65001 65002) [65003] 4294967295"},
    {"5002{0201 00000001}", "1"},
};

START_TEST(l123_as_paths)
{
    char body[256], line[256];

    (void)snprintf(body, sizeof body, "{} {4001(02) %s %s}%s", paths[_i].path, NEXT_HOP, NLRI);
    (void)snprintf(line, sizeof line,
                   "route 198.51.100.0/24 next-hop=10.0.0.1 origin=2 as-path=\"%s\"\n",
                   paths[_i].text);
    ck_assert_str_eq(fixture_say(body), line);
}
END_TEST

/* RFC 6793 section 4.2.3. */
static const struct {
    const char *attributes, *expected, *why;
} merges[] = {
    {"4002(0203 0001 5ba0 5ba0) c011(0202 00010000 00010001)", "\"1 65536 65537\"",
     "as many as needed from the front"},
    {"4002(0201 5ba0) c011(0202 00010000 00010001)", "\"23456\"", "AS4_PATH longer: ignored"},
    {"4002(0202 5ba0 5ba0) c011(0202 00010000 00010001)", "\"65536 65537\"", "all of it"},
    {"4002(0301 fde9 0202 0001 5ba0) c011(0201 00010000)", "\"(65001) 1 65536\"",
     "confederations do not count and stay"},
    {"4002(0201 0001 0102 0002 5ba0) c011(0101 00010000)", "\"1 {65536}\"", "a set counts as one"},
    {"4002(0202 0001 5ba0) c011(0301 0000fde9 0201 00010000)", "\"1 65536\"",
     "no confederations in AS4_PATH"},
    {"4002(0202 0001 5ba0) c011(0201 00010000) c007(5ba0 0a000001) c012(00010002 0a000001)",
     "\"1 65536\" aggregator=\"65538 10.0.0.1\"", "AS4_AGGREGATOR stands for AS_TRANS"},
    {"4002(0202 0001 5ba0) c011(0201 00010000) c007(0009 0a000001) c012(00010002 0a000001)",
     "\"1 23456\" aggregator=\"9 10.0.0.1\"", "another aggregator: both are void"},
    {"4002(0201 0001) c011(0200)", "\"1\"\nfault bgp.as4-path distrusted=0",
     "a malformed AS4_PATH is discarded"},
};

START_TEST(l123_as4_path_merges)
{
    char body[256], line[256];

    fixture_session.four_octet_as = false;
    (void)snprintf(body, sizeof body, "{} {4001(00) %s %s}%s", merges[_i].attributes, NEXT_HOP,
                   NLRI);
    (void)snprintf(line, sizeof line,
                   "route 198.51.100.0/24 next-hop=10.0.0.1 origin=0 as-path=%s\n",
                   merges[_i].expected);
    ck_assert_msg(strcmp(fixture_say(body), line) == 0, "%s: %s", merges[_i].why,
                  fixture_say(body));
}
END_TEST

START_TEST(l123_as4_path_of_a_4_octet_speaker_is_thrown_away)
{
    ck_assert_str_eq(say_with("c011(0201 00010000) c012(00010002 0a000001)"), ROUTE "\n");
}
END_TEST

/* ---- Mistakes (L-091) ---- */

#define GONE(fault) "gone 198.51.100.0/24\nfault bgp." fault " distrusted=0\n"
#define KEPT(fault) ROUTE "\nfault bgp." fault " distrusted=0\n"

static const struct row mistakes[] = {
    {"8004(0000)", GONE("med"), "MED of two octets"},
    {"4005(00)", GONE("local-pref"), "LOCAL_PREF of one octet"},
    {"4006(00)", KEPT("atomic-aggregate"), "ATOMIC_AGGREGATE with a value"},
    {"c007(fde80a000001)", KEPT("aggregator"), "AGGREGATOR with a 2-octet number"},
    {"c008()", GONE("communities"), "no community at all"},
    {"c008(0000000000)", GONE("communities"), "five octets"},
    {"8009(0a)", GONE("originator-id"), "ORIGINATOR_ID of one octet"},
    {"800a()", GONE("cluster-list"), "empty CLUSTER_LIST"},
    {"c010(00)", GONE("extended-communities"), "one octet"},
    {"c020(00000000)", GONE("large-communities"), "four octets"},
    {"c004(00000000)", "gone 198.51.100.0/24\nfault bgp.flags distrusted=0\n", "transitive MED"},
    {"4007(0000fde8 0a000001)", KEPT("flags"), "AGGREGATOR that is not optional"},
    {"8004(00000001) 8004(00000002)", ROUTE " med=1\nfault bgp.repeated distrusted=0\n",
     "twice: the first counts"},
    {"c0c8() c0c8(01)", ROUTE " other=c0c800\nfault bgp.repeated distrusted=0\n",
     "unknown, twice: the first is kept"},
};

START_TEST(l091_malformed_attributes)
{
    compare(&mistakes[_i]);
}
END_TEST

static const struct row external[] = {
    {"4005(00)", KEPT("local-pref"), "LOCAL_PREF"},
    {"8009(0a)", KEPT("originator-id"), "ORIGINATOR_ID"},
    {"800a(0a)", KEPT("cluster-list"), "CLUSTER_LIST"},
};

START_TEST(l091_from_an_external_peer_these_are_discarded)
{
    fixture_session.external = true;
    compare(&external[_i]);
}
END_TEST

static const struct {
    const char *body, *line, *why;
} bodies[] = {
    {"{} {4001(03) 4002() " NEXT_HOP "}" NLRI, GONE("origin"), "ORIGIN 3"},
    {"{} {4001(00) 4002(0200) " NEXT_HOP "}" NLRI, GONE("as-path"), "a segment of none"},
    {"{} {4001(00) 4002(0501 00000001) " NEXT_HOP "}" NLRI, GONE("as-path"), "an unknown segment"},
    {"{} {4001(00) 4002(0202 00000001) " NEXT_HOP "}" NLRI, GONE("as-path"), "a segment too long"},
    {"{} {4001(00) 4002() 4003(0a)}" NLRI, GONE("next-hop"), "NEXT_HOP of one octet"},
    {"{} {4002() " NEXT_HOP "}" NLRI, GONE("missing"), "no ORIGIN"},
    {"{} {4001(00) " NEXT_HOP "}" NLRI, GONE("missing"), "no AS_PATH"},
    {"{} {" WELL_KNOWN "}" NLRI, GONE("missing"), "no NEXT_HOP"},
    {"{} {4002() 800e(0001 01 (0a000001) 00 " NLRI ")}", GONE("missing"),
     "MP_REACH without ORIGIN"},
    {"{} {" WELL_KNOWN NEXT_HOP "}" NLRI "21c000020100" NLRI,
     ROUTE "\nfault bgp.nlri distrusted=1\n", "a length of 33: the rest is lost"},
    {"{} {" WELL_KNOWN NEXT_HOP "}" NLRI "18c000", ROUTE "\nfault bgp.nlri distrusted=1\n",
     "an NLRI that ends too early"},
    {"{18} {}", "fault bgp.nlri distrusted=1\n", "a withdrawal that does"},
    {"{} {" WELL_KNOWN NEXT_HOP "c0}" NLRI, "fault bgp.overrun distrusted=7\n",
     "one octet left over"},
    {"{} {" WELL_KNOWN NEXT_HOP "c008 10 00}" NLRI, "fault bgp.overrun distrusted=7\n",
     "an attribute beyond the end"},
    {"{} 0040 00", "fault bgp.lengths distrusted=7\n", "total length beyond the end"},
    {"00", "fault bgp.lengths distrusted=7\n", "nothing to read a length from"},
    {"{} {" WELL_KNOWN "800e(0001 01 (0a000001) 00 " NLRI ")800e(0001 01 (0a000001) 00 18c00002)}",
     ROUTE "\nfault bgp.mp-repeated distrusted=7\n", "MP_REACH twice: the first counts"},
    {"{} {" WELL_KNOWN "800e(0001 01 (0a0001) 00 " NLRI ")}", "fault bgp.mp-reach distrusted=1\n",
     "a next hop of three octets"},
    {"{} {" WELL_KNOWN "800e(0001)}", "fault bgp.mp-reach distrusted=7\n", "no SAFI"},
    {"{} {" WELL_KNOWN "800e(0002 01 10 00)}", "fault bgp.mp-reach distrusted=2\n",
     "a next hop beyond the end"},
};

START_TEST(l091_malformed_updates)
{
    const char *said = fixture_say(bodies[_i].body);

    ck_assert_msg(strcmp(said, bodies[_i].line) == 0, "%s: %s", bodies[_i].why, said);
}
END_TEST

static const struct {
    const char *message, *line;
} others[] = {
    {"[04]", ""}, // KEEPALIVE
    {"[01]", "fault bgp.header distrusted=0\n"},
    {"[03 0602]", "fault bgp.header distrusted=0\n"},
    {"ffffffffffffffffffffffffffffff00 0017 02 0000 0000", "fault bgp.header distrusted=7\n"},
    {"ffffffffffffffffffffffffffffffff 0018 02 0000 0000", "fault bgp.header distrusted=7\n"},
};

START_TEST(other_messages)
{
    struct octets message = update_text_octets(others[_i].message);

    ck_assert_str_eq(fixture_say_message(message), others[_i].line);
    update_text_free(message);
}
END_TEST

/* ---- GoBGP's binary form ---- */

static const struct {
    enum state_family family;
    const char *nlri, *attributes, *line;
} gobgp[] = {
    {STATE_IPV4_UNICAST, NLRI, WELL_KNOWN NEXT_HOP,
     "route 198.51.100.0/24 path-id=5 next-hop=10.0.0.1 origin=0 as-path=\"\"\n"},
    {STATE_IPV6_UNICAST, "2020010db8",
     WELL_KNOWN "800e(0002 01 (20010db8000000000000000000000001) 00 2020010db8)",
     "route 2001:db8::/32 path-id=5 next-hop=2001:db8::1 origin=0 as-path=\"\"\n"},
    {STATE_IPV4_UNICAST, "18c633", WELL_KNOWN NEXT_HOP, "fault bgp.nlri distrusted=0\n"},
    {STATE_IPV4_UNICAST, NLRI NLRI, WELL_KNOWN NEXT_HOP, "fault bgp.nlri distrusted=0\n"},
    {STATE_IPV4_UNICAST, NLRI, WELL_KNOWN, "fault bgp.missing distrusted=0\n"},
    {STATE_IPV4_UNICAST, NLRI, WELL_KNOWN "40", "fault bgp.overrun distrusted=0\n"},
    {STATE_IPV4_UNICAST, NLRI, WELL_KNOWN NEXT_HOP "8004(00)", "fault bgp.med distrusted=0\n"},
    {STATE_LINK_STATE, NODE, WELL_KNOWN "801d(0400{80})",
     "node protocol=2 instance=0 local=000000000001 flags=128\n"},
};

START_TEST(gobgp_binary_paths)
{
    char *lines;
    size_t size;
    FILE *out = open_memstream(&lines, &size);
    struct arena *arena = arena_new();
    struct bgp_input input = {.session = fixture_session,
                              .arena = arena,
                              .sink = update_text_sink(out),
                              .faults = &fixture_faults};
    struct octets nlri = update_text_octets(gobgp[_i].nlri);
    struct octets attribute = update_text_octets(gobgp[_i].attributes);
    // The attributes as one piece and as two are the same.
    struct octets pieces[2] = {{.bytes = attribute.bytes, .length = 4},
                               {.bytes = attribute.bytes + 4, .length = attribute.length - 4}};

    bool ok = bgp_update_parse_path(&input, gobgp[_i].family, 5, nlri, pieces, 2);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_str_eq(lines, gobgp[_i].line);
    ck_assert_int_eq(ok, !strstr(lines, "fault"));
    free(lines);
    update_text_free(nlri);
    update_text_free(attribute);
    arena_free(arena);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof *(table))

static TCase *cases(void)
{
    TCase *tc = tcase_create("bgp_update");

    tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
    tcase_add_test(tc, l122_both_ipv4_forms_in_one_update);
    tcase_add_test(tc, l121_ipv4_routes_may_have_an_ipv6_next_hop);
    tcase_add_test(tc, ipv6_with_a_link_local_next_hop_beside_the_global_one);
    tcase_add_test(tc, withdrawals_go_before_announcements);
    tcase_add_test(tc, l120_path_ids);
    tcase_add_test(tc, families_that_are_not_wanted_are_skipped);
    tcase_add_test(tc, l123_as4_path_of_a_4_octet_speaker_is_thrown_away);
    tcase_add_loop_test(tc, l110_end_of_rib, 0, ROWS(ends));
    tcase_add_loop_test(tc, attributes_become_texts, 0, ROWS(attributes));
    tcase_add_loop_test(tc, l123_as_paths, 0, ROWS(paths));
    tcase_add_loop_test(tc, l123_as4_path_merges, 0, ROWS(merges));
    tcase_add_loop_test(tc, l091_malformed_attributes, 0, ROWS(mistakes));
    tcase_add_loop_test(tc, l091_from_an_external_peer_these_are_discarded, 0, ROWS(external));
    tcase_add_loop_test(tc, l091_malformed_updates, 0, ROWS(bodies));
    tcase_add_loop_test(tc, other_messages, 0, ROWS(others));
    tcase_add_loop_test(tc, gobgp_binary_paths, 0, ROWS(gobgp));
    return tc;
}

int main(void)
{
    Suite *suite = suite_create("bgp_update");

    suite_add_tcase(suite, cases());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
