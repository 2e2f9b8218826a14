/* Link state: every NLRI descriptor and TLV that we read, and what each mistake costs (docs/spec/bgp-ls.md). */
#include "collector/bgp_ls.h"
#include "update_fixture.h"
#include "update_text.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define LINK_LINE "link protocol=2 instance=0 local=000000000001 remote=000000000002"
#define NODE_LINE "node protocol=2 instance=0 local=000000000001"
#define PREFIX_LINE "prefix protocol=2 instance=0 local=000000000001 prefix=192.0.2.0/24"

/* One object with one attribute, and the line that it makes. */
struct row {
    const char *nlri, *tlvs, *line, *why;
};

static void compare(const struct row *row)
{
    ck_assert_msg(strcmp(fixture_say_ls(row->nlri, row->tlvs), row->line) == 0, "%s: %s", row->why,
                  fixture_say_ls(row->nlri, row->tlvs));
}

/* ---- Part 1 ---- */

START_TEST(l001_vpn_is_counted_and_ignored)
{
    ck_assert_str_eq(fixture_say("{} {" WELL_KNOWN "800e(4004 48 (0a000001) 00 00010000)}"), "");
    ck_assert_uint_eq(fixture_faults.count[FAULT_LS_VPN], 1);
}
END_TEST

START_TEST(l002_unknown_next_hop_length_keeps_the_nlris)
{
    ck_assert_str_eq(fixture_say("{} {" WELL_KNOWN "801d() 800e(4004 47 (0a0b) 00 " NODE ")}"),
                     NODE_LINE "\n");
}
END_TEST

START_TEST(l003_instance_is_a_64_bit_number)
{
    ck_assert_str_eq(fixture_say_ls("0001{02 ffffffffffffffff " LOCAL_NODE "}", ""),
                     "node protocol=2 instance=18446744073709551615 local=000000000001\n");
}
END_TEST

START_TEST(l004_unknown_nlri_types_are_skipped_by_length)
{
    ck_assert_str_eq(fixture_say_ls("0006{0102}" NODE "fde8{00000001}" NODE, "0400{00}"),
                     "opaque nlri=000600020102 attribute=0400000100\n" NODE_LINE
                     " flags=0\nopaque nlri=fde8000400000001 attribute=0400000100\n" NODE_LINE
                     " flags=0\n");
}
END_TEST

START_TEST(l005_attribute_before_mp_reach_serves_all_nlris)
{
    ck_assert_str_eq(fixture_say_ls(LINK LINK, "0447{0a}"),
                     LINK_LINE " metric=10\n" LINK_LINE " metric=10\n");
}
END_TEST

START_TEST(l005_attribute_after_mp_reach)
{
    ck_assert_str_eq(
        fixture_say("{} {" WELL_KNOWN "900e{4004 47 (0a000001) 00 " LINK "} 801d(0447{0a})}"),
        LINK_LINE " metric=10\n");
}
END_TEST

START_TEST(l008_order_is_counted_and_the_nlri_kept)
{
    ck_assert_str_eq(fixture_say_ls(LINK_WITH("0104{0a000002} 0103{0a000001}"), ""),
                     LINK_LINE " here=10.0.0.1 there=10.0.0.2\nfault ls.order distrusted=0\n");
}
END_TEST

START_TEST(l009_sub_tlv_twice_the_first_counts)
{
    ck_assert_str_eq(
        fixture_say_ls("0001{02 0000000000000000 0100{0203{000000000001} 0203{000000000002}}}", ""),
        NODE_LINE "\nfault ls.sub-tlv-repeated distrusted=0\n");
}
END_TEST

/* L-010 and L-024: what the rows point at. */
struct identity {
    uint8_t nlri[256], node[256];
    size_t nlri_length, node_length;
};

static void keep_identity(void *context, const struct update *update)
{
    struct identity *out = context;

    ck_assert_int_eq(update->kind, UPDATE_NODE);
    out->nlri_length = update->node->nlri.length;
    memcpy(out->nlri, update->node->nlri.bytes, out->nlri_length);
    out->node_length = update->node->local.node.length;
    memcpy(out->node, update->node->local.node.bytes, out->node_length);
}

static struct identity identity_of(const char *nlri)
{
    struct identity identity = {0};
    struct arena *arena = arena_new();
    struct faults faults = {0};
    struct octets octets = update_text_octets(nlri);
    struct bgp_ls ls;
    struct update update;

    bgp_ls_begin(&ls, arena, &faults, 1, NULL);
    ck_assert(bgp_ls_announce(&ls, octets, &update));
    keep_identity(&identity, &update);
    update_text_free(octets);
    arena_free(arena);
    return identity;
}

static void check_octets(const uint8_t *bytes, size_t length, const char *expected)
{
    struct octets octets = update_text_octets(expected);

    ck_assert_uint_eq(length, octets.length);
    ck_assert_mem_eq(bytes, octets.bytes, length);
    update_text_free(octets);
}

START_TEST(l010_identity_is_the_nlri_as_it_came)
{
    const char *nlri = "0001{02 0000000000000000 " LOCAL_NODE " fde8{00}}";
    struct identity identity = identity_of(nlri);

    check_octets(identity.nlri, identity.nlri_length, nlri);
}
END_TEST

START_TEST(l024_node_octets_are_canonical)
{
    struct identity identity = identity_of(
        "0001{03 0000000000000007 0100{0202{00000001} fde8{05} 0200{0000fde8} 0203{0a000001}"
        " 0205{00000009}} fde8{00}}");

    check_octets(identity.node, identity.node_length,
                 "0001{03 0000000000000007 0100{0200{0000fde8} 0202{00000001} 0203{0a000001}"
                 " 0205{00000009}}}");
}
END_TEST

static const struct row repeated[] = {
    {LINK, "0447{0a} 0447{0b}",
     LINK_LINE " metric=10 other=044700010b\nfault ls.tlv-repeated distrusted=0\n",
     "the first counts, the second is kept raw"},
    {NODE, "0404{0a000002} 0404{0a000001} 0404{0a000002}", NODE_LINE " ipv4=10.0.0.1,10.0.0.2\n",
     "may repeat, ascending"},
    {NODE, "0404{0a000005} 0404{0a000004} 0404{0a000003} 0404{0a000002} 0404{0a000001}",
     NODE_LINE " ipv4=10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.4,10.0.0.5\n", "any number of them"},
    {NODE, "0403{490002} 0403{490001} 0403{490001}", NODE_LINE " area=490001 area=490002\n",
     "areas may repeat"},
    {LINK, "0447{} 0447{0b}", LINK_LINE " metric=11\nfault ls.tlv-length distrusted=0\n",
     "a malformed one does not count as the first"},
    {LINK, "0441{7fc00000} 0441{4cee6b28}",
     LINK_LINE " max=1000000000\nfault ls.tlv-value distrusted=0\n",
     "nor one of no possible value (L-063)"},
};

START_TEST(l012_repeated_tlvs)
{
    compare(&repeated[_i]);
}
END_TEST

/* ---- Part 2 ---- */

#define NODE_OF(protocol, sub_tlvs) "0001{" protocol " 0000000000000000 0100{" sub_tlvs "}}"

static const struct row router_ids[] = {
    {NODE_OF("02", "0203{00000000000105}"), "", "node protocol=2 instance=0 local=00000000000105\n",
     "IS-IS pseudonode"},
    {NODE_OF("03", "0203{0a0000010a000002}"), "",
     "node protocol=3 instance=0 local=0a0000010a000002\n", "OSPF pseudonode"},
    {NODE_OF("02", "0203{00000000000100}"), "", NODE_LINE "\n", "pseudonode 0 is the router"},
    {NODE_OF("04", "0203{20010db8000000000000000000000001}"), "",
     "node protocol=4 instance=0 local=20010db8000000000000000000000001\n", "direct, IPv6"},
    {NODE_OF("02", "0203{0001020304}"), "",
     "node protocol=2 instance=0 local=0001020304\nfault ls.router-id distrusted=0\n",
     "a length of its own"},
    {NODE_OF("02", "0203{0001020304050607080910111213141516}"), "",
     "opaque nlri=0001002202000000000000000001000015020300110001020304050607080910111213141516"
     " attribute=\nfault ls.router-id distrusted=0\n",
     "too long for a row"},
    {NODE_OF("02", "0203{}"), "",
     "node protocol=2 instance=0 local=\nfault ls.router-id distrusted=0\n", "of no octets"},
};

START_TEST(l020_l021_router_ids_by_length)
{
    compare(&router_ids[_i]);
}
END_TEST

static const struct row sub_tlvs[] = {
    {NODE_OF("02", ""), "", "node protocol=2 instance=0 local=\n", "nothing at all: stored"},
    {NODE_OF("03", "0200{00000000} 0201{00000000} 0202{00000000} 0203{0a000001}"), "",
     "node protocol=3 instance=0 local=0a000001/as0/id0/area0\n", "0 is not absent"},
    {NODE_OF("07", "0200{0000fde8} 0204{0a000001}"), "",
     "node protocol=7 instance=0 local=/as65000/bgp167772161\n", "egress peers (L-088)"},
    {NODE_OF("02", "0200{fde8} 0203{000000000001}"), "",
     NODE_LINE "\nfault ls.descriptor distrusted=0\n", "AS of two octets"},
};

START_TEST(l022_absent_is_not_zero)
{
    compare(&sub_tlvs[_i]);
}
END_TEST

static const struct row without_nodes[] = {
    {"0001{02 0000000000000000}", "",
     "opaque nlri=00010009020000000000000000 attribute=\nfault ls.descriptor distrusted=0\n",
     "a node without 256"},
    {"0002{02 0000000000000000 0100{}}", "",
     "opaque nlri=0002000d02000000000000000001000000 attribute=\nfault ls.descriptor "
     "distrusted=0\n",
     "a link without 257"},
    {"0001{09 0000000000000000 0100{}}", "",
     "opaque nlri=0001000d09000000000000000001000000 attribute=\n",
     "segment routing: counted only"},
    {"0001{00 0000000000000000 0100{}}", "",
     "opaque nlri=0001000d00000000000000000001000000 attribute=\n", "no protocol"},
};

START_TEST(l025_nlris_without_their_nodes_are_kept)
{
    compare(&without_nodes[_i]);
}
END_TEST

/* ---- Parts 3 and 4 ---- */

static const struct row descriptors[] = {
    {LINK_WITH("0102{0000000100000000}"), "0102{0000000900000009}", LINK_LINE " ids=1,0\n",
     "L-030: the descriptor's wins"},
    {LINK_WITH("0103{0a000001} 0104{0a000002}"), "0102{0000000900000008}",
     LINK_LINE " ids=9,8 here=10.0.0.1 there=10.0.0.2\n", "L-030: 258 in the attribute"},
    {LINK_WITH("0107{f002}"), "", LINK_LINE " topology=2\n", "L-031: upper bits ignored"},
    {LINK_WITH("0107{0003 0002}"), "", LINK_LINE " topology=3\n", "L-031: one MT-ID"},
    {LINK_WITH("0107{02}"), "", LINK_LINE "\nfault ls.descriptor distrusted=0\n",
     "L-031: too short"},
    {LINK, "", LINK_LINE "\n", "L-032: no link descriptor"},
    {LINK_WITH("0103{0a000002} 0103{0a000001} 0105{20010db8000000000000000000000001}"), "",
     LINK_LINE " here=10.0.0.1,10.0.0.2,2001:db8::1\nfault ls.order distrusted=0\n",
     "L-033: all are kept, the lowest first"},
};

START_TEST(l030_l033_link_descriptors)
{
    compare(&descriptors[_i]);
}
END_TEST

START_TEST(l034_node_topologies_keep_their_upper_bits)
{
    ck_assert_str_eq(fixture_say_ls(NODE, "0107{0000 8002 4004}"),
                     NODE_LINE " topologies=0,32770,16388\n");
}
END_TEST

static const struct row prefixes[] = {
    {PREFIX_WITH("0109{00}"), "",
     "prefix protocol=2 instance=0 local=000000000001 prefix=0.0.0.0/0\n",
     "L-040: a default route"},
    {PREFIX_WITH("0109{18c00002}"), "", PREFIX_LINE "\n", "L-040: as it should be"},
    {PREFIX_WITH("0109{17c00003}"), "",
     "prefix protocol=2 instance=0 local=000000000001 prefix=192.0.2.0/23\n",
     "L-040: trailing bits are cleared"},
    {PREFIX_WITH("0109{18c0}"), "",
     "opaque nlri=0003001d0200000000000000000100000a020300060000000000010109000218c0 attribute=\n"
     "fault ls.prefix distrusted=0\n",
     "L-041: too few octets"},
    {PREFIX_WITH("0109{21c000020100}"), "",
     "opaque nlri=000300210200000000000000000100000a020300060000000000010109000621c000020100"
     " attribute=\nfault ls.prefix distrusted=0\n",
     "L-041: longer than an address"},
    {PREFIX_WITH("0109{18c0000299}"), "", PREFIX_LINE "\nfault ls.prefix-surplus distrusted=0\n",
     "L-041: more octets than needed"},
    {PREFIX_WITH("0107{0002} 0108{05} 0109{18c00002}"), "",
     PREFIX_LINE " topology=2 route-type=5\n", "L-042: route type and topology"},
    {IPV6_PREFIX_WITH("0109{2020010db8}"), "",
     "prefix protocol=2 instance=0 local=000000000001 prefix=2001:db8::/32\n", "IPv6"},
};

START_TEST(l040_l042_prefix_descriptors)
{
    compare(&prefixes[_i]);
}
END_TEST

/* ---- Parts 5 to 7 ---- */

static const struct row nodes[] = {
    {NODE, "0400{c0ff}", NODE_LINE " flags=192\n", "further octets of flags are ignored"},
    {NODE, "", NODE_LINE "\n", "L-050: absent flags are unknown"},
    {NODE, "0405{20010db8000000000000000000000001}", NODE_LINE " ipv6=2001:db8::1\n", "1029"},
    {NODE, "0401{0102} 010a{0105}",
     NODE_LINE " other=0401000201"
               "02010a00020105\n",
     "kept raw"},
    {NODE, "0402{}", NODE_LINE "\n", "an empty name is none"},
    {NODE, "0402{50c3a46c0a fe 5c}", NODE_LINE " name=\"P\xc3\xa4l\\x0a\\xfe\\\"\n",
     "L-051: what cannot be printed"},
    {NODE, "0402{e280ae41}", NODE_LINE " name=\"\\xe2\\x80\\xaeA\"\n",
     "L-051: no turning of direction"},
};

START_TEST(l050_l051_node_attributes)
{
    compare(&nodes[_i]);
}
END_TEST

static const struct row metrics[] = {
    {LINK, "0447{ff}", LINK_LINE " metric=63\n", "narrow: six bits"},
    {LINK, "0447{0102}", LINK_LINE " metric=258\n", "OSPF"},
    {LINK, "0447{ffffff}", LINK_LINE " metric=16777215\n", "L-082: stored as it is"},
    {LINK, "0447{00000001}", LINK_LINE "\nfault ls.tlv-length distrusted=0\n", "four octets"},
    {LINK, "0444{00000a}", LINK_LINE " te-metric=10\n", "old drafts"},
    {LINK, "0444{ffffffff}", LINK_LINE " te-metric=4294967295\n", "TE metric"},
    {LINK, "0440{80000001}", LINK_LINE " admin-group=2147483649\n", "1088"},
    {LINK, "0448{00000009 00000001 00000009}", LINK_LINE " srlgs=1,9\n", "a set"},
    {LINK, "044a{6c31}", LINK_LINE " name=\"l1\"\n", "1098"},
    {LINK, "0404{0a000001} 0406{0a000002} 0407{20010db8000000000000000000000002}",
     LINK_LINE " local-ipv4=10.0.0.1 remote-ipv4=10.0.0.2 remote-ipv6=2001:db8::2\n",
     "router-ids of both ends"},
    {LINK, "0447{0a} 0443{00} 0445{0102}",
     LINK_LINE " metric=10 other=044500020102\n"
               "fault ls.tlv-length distrusted=0\n",
     "L-092: the malformed one alone is lost"},
};

START_TEST(l092_link_attributes)
{
    compare(&metrics[_i]);
}
END_TEST

static const struct row delays[] = {
    {LINK, "045a{80000064}", LINK_LINE " delay=100 anomalous=d\n", "L-060: A"},
    {LINK, "045a{7f000064}", LINK_LINE " delay=100\n", "L-060: reserved bits"},
    {LINK, "045b{80000001 ff000002}", LINK_LINE " delay-min=1 delay-max=2 anomalous=m\n",
     "L-060: one A for both"},
    {LINK, "045c{ff000003}", LINK_LINE " variation=3\n", "L-060: no A in 1116"},
    {LINK, "045d{80000005}", LINK_LINE " loss=5 anomalous=l\n", "L-060: loss"},
    {LINK, "045a{00ffffff}", LINK_LINE " delay=16777215\n", "L-061: saturated, as the value says"},
    {LINK, "045d{00fffffe}", LINK_LINE " loss=16777214\n", "L-062: the most that can be told"},
    {LINK, "045a{00000000}", LINK_LINE " delay=0\n", "L-064: a received 0 is a value"},
    {LINK, "045c{00000000}", LINK_LINE "\n", "L-064: but not a variation of 0"},
    {LINK, "045b{0000000a 00000000}", LINK_LINE " delay-min=10\nfault ls.tlv-value distrusted=0\n",
     "L-069: the maximum is absent"},
    {LINK, "045d{000005}", LINK_LINE "\nfault ls.tlv-length distrusted=0\n",
     "L-092: 1117 of three"},
};

START_TEST(l060_l069_delay_and_loss)
{
    compare(&delays[_i]);
}
END_TEST

static const struct row floats[] = {
    {LINK, "0441{4cee6b28}", LINK_LINE " max=1000000000\n", "125,000,000 bytes a second"},
    {LINK, "045e{00000001}", LINK_LINE " residual=1.1210387714598537e-44\n", "the least, exactly"},
    {LINK, "045f{80000000}", LINK_LINE " available=0\n", "-0 is 0"},
    {LINK, "0460{7fc00000} 0447{0a}", LINK_LINE " metric=10\nfault ls.tlv-value distrusted=0\n",
     "not a number"},
    {LINK, "0442{7f800000}", LINK_LINE "\nfault ls.tlv-value distrusted=0\n", "infinite"},
    {LINK, "0441{cf000000}", LINK_LINE "\nfault ls.tlv-value distrusted=0\n", "negative"},
};

START_TEST(l063_floats)
{
    compare(&floats[_i]);
}
END_TEST

#define ASLA(bits, tlvs) "0462{04 00 0000 " bits "000000 " tlvs "}"
#define ASLA_ANY(tlvs) "0462{00 00 0000 " tlvs "}"
#define DELAY(octet) "045a{000000" octet "}"

static const struct {
    const char *tlvs, *expected, *why;
} applications[] = {
    {DELAY("01") ASLA_ANY(DELAY("02")), " delay=2",
     "for any application goes before the top level"},
    {ASLA_ANY(DELAY("02")) DELAY("01"), " delay=2", "in whatever order"},
    {DELAY("01") ASLA("10", DELAY("02")), " delay=1", "the top level before a named application"},
    {ASLA("10", DELAY("02")), " delay=2", "only there is legal too"},
    {ASLA("80", DELAY("01")) ASLA("10", DELAY("02")), " delay=2",
     "flexible algorithm before RSVP-TE"},
    {ASLA("80", DELAY("01")) ASLA("20", DELAY("02")), " delay=2", "LFA before RSVP-TE"},
    {ASLA("20", DELAY("01")) ASLA("40", DELAY("02")), " delay=2", "SR policy before LFA"},
    {ASLA("90", DELAY("01")) ASLA("40", DELAY("02")), " delay=1", "ranked by its best"},
    {ASLA("10", DELAY("01")) ASLA("10", DELAY("02")), " delay=1", "equal rank: the first"},
    {"0462{00 04 0000 01000000 " DELAY("01") "}" ASLA("80", DELAY("02")), " delay=2",
     "user-defined last"},
    {"0462{04 00 0000 00000000 " DELAY("01") "}", "", "named for nobody"},
    {ASLA_ANY("045c{00000000}") "045c{00000007}", " variation=7",
     "what is not measured hides nothing"},
    {ASLA_ANY("0444{0000000a}") DELAY("01"), " te-metric=10 delay=1", "each value by itself"},
    {ASLA_ANY("0447{0a}"), "", "1095 is not among them"},
};

START_TEST(l066_l067_applications)
{
    const char *said = fixture_say_ls(LINK, applications[_i].tlvs);
    const char *values = said + strlen(LINK_LINE);
    const char *raw = strstr(values, " other=0462");

    ck_assert_ptr_nonnull(raw); // the 1122 is kept
    ck_assert_msg((size_t)(raw - values) == strlen(applications[_i].expected) &&
                      strncmp(values, applications[_i].expected, (size_t)(raw - values)) == 0,
                  "%s: %s", applications[_i].why, said);
}
END_TEST

static const struct row bad_applications[] = {
    {LINK, "0462{03 00 0000 800000 " DELAY("01") "} 0447{0a}",
     LINK_LINE " metric=10\nfault ls.tlv-value distrusted=0\n", "a mask of three octets"},
    {LINK, "0462{00 00 0000 045a{000000} 0444{00000a}}",
     LINK_LINE " te-metric=10 other=04620012000000000"
               "45a0003000000"
               "0444000300000a\n"
               "fault ls.tlv-length distrusted=0\n",
     "a malformed value inside costs itself"},
    {LINK, "0462{00 00 0000 0444{00000a} 045a 0004 00} 0447{0a}",
     LINK_LINE " metric=10 te-metric=10 other=0462001000000000"
               "0444000300000a045a000400\n"
               "fault ls.attribute-overrun distrusted=0\n",
     "an overrun inside costs what comes after it there"},
};

START_TEST(l066_malformed_applications)
{
    compare(&bad_applications[_i]);
}
END_TEST

static const struct row prefix_attributes[] = {
    {PREFIX, "0483{00000064} 0480{40} 0492{60}", PREFIX_LINE " metric=100 igp-flags=64 flags=96\n",
     "all that has a column"},
    {PREFIX, "0486{00000001}", PREFIX_LINE " other=0486000400000001\n",
     "L-070: 1155 absent is no metric"},
    {PREFIX, "0483{64}", PREFIX_LINE "\nfault ls.tlv-length distrusted=0\n",
     "a metric of one octet"},
    {PREFIX, "0484{0a000001} 0484{00}",
     PREFIX_LINE " other=048400040a000001\n"
                 "fault ls.tlv-length distrusted=0\n",
     "forwarding address of 4"},
    {PREFIX, "0484{0a0000010a000001}", PREFIX_LINE "\nfault ls.tlv-length distrusted=0\n",
     "forwarding address of 8"},
};

START_TEST(l070_prefix_attributes)
{
    compare(&prefix_attributes[_i]);
}
END_TEST

/* ---- Part 9 ---- */

START_TEST(l091_lengths_that_do_not_add_up_keep_what_came_before)
{
    ck_assert_str_eq(fixture_say_ls(NODE " 0001 0100 02", ""),
                     NODE_LINE "\nfault ls.lengths distrusted=4\n");
}
END_TEST

START_TEST(l091_tlv_overrun_costs_its_nlri)
{
    ck_assert_str_eq(fixture_say_ls("0001{02 0000000000000000 0100 0040 02}" NODE, ""),
                     NODE_LINE "\nfault ls.overrun distrusted=0\n");
}
END_TEST

START_TEST(l091_sub_tlv_overrun_costs_its_nlri)
{
    ck_assert_str_eq(fixture_say_ls("0001{02 0000000000000000 0100{0203 0007 0001}}" NODE, ""),
                     NODE_LINE "\nfault ls.overrun distrusted=0\n");
}
END_TEST

START_TEST(l143_nlri_below_nine_octets_costs_itself)
{
    ck_assert_str_eq(fixture_say_ls("0001{02 00} 0003{}" NODE, ""),
                     NODE_LINE "\nfault ls.overrun distrusted=0\n");
}
END_TEST

START_TEST(l091_attribute_overrun_keeps_what_came_before)
{
    ck_assert_str_eq(fixture_say_ls(LINK, "0447{0a} 045a 0040 00"),
                     LINK_LINE " metric=10\nfault ls.attribute-overrun distrusted=0\n");
}
END_TEST

START_TEST(l091_transitive_attribute_is_used)
{
    ck_assert_str_eq(
        fixture_say("{} {" WELL_KNOWN "c01d(0447{0a}) 900e{4004 47 (0a000001) 00 " LINK "}}"),
        LINK_LINE " metric=10\nfault ls.attribute-flags distrusted=0\n");
}
END_TEST

START_TEST(l091_attribute_twice_the_first_counts)
{
    ck_assert_str_eq(fixture_say("{} {" WELL_KNOWN "801d(0447{0a}) 801d(0447{0b})"
                                 " 900e{4004 47 (0a000001) 00 " LINK "}}"),
                     LINK_LINE " metric=10\nfault bgp.repeated distrusted=0\n");
}
END_TEST

START_TEST(l093_without_the_attribute)
{
    ck_assert_str_eq(fixture_say_ls(NODE LINK PREFIX, NULL),
                     NODE_LINE " no-attributes\n" LINK_LINE " no-attributes\n" PREFIX_LINE
                               " no-attributes\n");
    ck_assert_uint_eq(fixture_faults.count[FAULT_LS_NO_ATTRIBUTE], 1);
}
END_TEST

START_TEST(l094_empty_attribute_is_not_an_absent_one)
{
    ck_assert_str_eq(fixture_say_ls(NODE LINK PREFIX, ""),
                     NODE_LINE "\n" LINK_LINE "\n" PREFIX_LINE "\n");
}
END_TEST

START_TEST(l011_withdrawal_needs_lengths_only)
{
    ck_assert_str_eq(fixture_say("{} {800f(4004 47 0001{02ff} 0063{})}"),
                     "ls-gone nlri=0001000202ff\nls-gone nlri=00630000\n");
}
END_TEST

START_TEST(l120_path_ids_of_link_state_are_passed_over)
{
    fixture_session.add_path[STATE_LINK_STATE] = true;
    ck_assert_str_eq(fixture_say_ls("00000001" NODE "00000002" NODE, ""),
                     NODE_LINE "\n" NODE_LINE "\n");
}
END_TEST

static TCase *cases(void)
{
    TCase *tc = tcase_create("bgp_ls");

    tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
    tcase_add_test(tc, l001_vpn_is_counted_and_ignored);
    tcase_add_test(tc, l002_unknown_next_hop_length_keeps_the_nlris);
    tcase_add_test(tc, l003_instance_is_a_64_bit_number);
    tcase_add_test(tc, l004_unknown_nlri_types_are_skipped_by_length);
    tcase_add_test(tc, l005_attribute_before_mp_reach_serves_all_nlris);
    tcase_add_test(tc, l005_attribute_after_mp_reach);
    tcase_add_test(tc, l008_order_is_counted_and_the_nlri_kept);
    tcase_add_test(tc, l009_sub_tlv_twice_the_first_counts);
    tcase_add_test(tc, l010_identity_is_the_nlri_as_it_came);
    tcase_add_test(tc, l024_node_octets_are_canonical);
    tcase_add_test(tc, l011_withdrawal_needs_lengths_only);
    tcase_add_test(tc, l034_node_topologies_keep_their_upper_bits);
    tcase_add_test(tc, l091_lengths_that_do_not_add_up_keep_what_came_before);
    tcase_add_test(tc, l091_tlv_overrun_costs_its_nlri);
    tcase_add_test(tc, l091_sub_tlv_overrun_costs_its_nlri);
    tcase_add_test(tc, l143_nlri_below_nine_octets_costs_itself);
    tcase_add_test(tc, l091_attribute_overrun_keeps_what_came_before);
    tcase_add_test(tc, l091_transitive_attribute_is_used);
    tcase_add_test(tc, l091_attribute_twice_the_first_counts);
    tcase_add_test(tc, l093_without_the_attribute);
    tcase_add_test(tc, l094_empty_attribute_is_not_an_absent_one);
    tcase_add_test(tc, l120_path_ids_of_link_state_are_passed_over);
    return tc;
}

#define ROWS(table) (int)(sizeof(table) / sizeof *(table))

static TCase *tables(void)
{
    TCase *tc = tcase_create("tables");

    tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
    tcase_add_loop_test(tc, l012_repeated_tlvs, 0, ROWS(repeated));
    tcase_add_loop_test(tc, l020_l021_router_ids_by_length, 0, ROWS(router_ids));
    tcase_add_loop_test(tc, l022_absent_is_not_zero, 0, ROWS(sub_tlvs));
    tcase_add_loop_test(tc, l025_nlris_without_their_nodes_are_kept, 0, ROWS(without_nodes));
    tcase_add_loop_test(tc, l030_l033_link_descriptors, 0, ROWS(descriptors));
    tcase_add_loop_test(tc, l040_l042_prefix_descriptors, 0, ROWS(prefixes));
    tcase_add_loop_test(tc, l050_l051_node_attributes, 0, ROWS(nodes));
    tcase_add_loop_test(tc, l092_link_attributes, 0, ROWS(metrics));
    tcase_add_loop_test(tc, l060_l069_delay_and_loss, 0, ROWS(delays));
    tcase_add_loop_test(tc, l063_floats, 0, ROWS(floats));
    tcase_add_loop_test(tc, l066_l067_applications, 0, ROWS(applications));
    tcase_add_loop_test(tc, l066_malformed_applications, 0, ROWS(bad_applications));
    tcase_add_loop_test(tc, l070_prefix_attributes, 0, ROWS(prefix_attributes));
    return tc;
}

int main(void)
{
    Suite *suite = suite_create("bgp_ls");

    suite_add_tcase(suite, cases());
    suite_add_tcase(suite, tables());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
