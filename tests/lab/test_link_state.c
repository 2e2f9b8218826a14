/* NLRIs and attributes against octets written down by hand from RFC 9552, RFC 8571 and RFC 9085. */
#include "fixture.h"
#include "link_state.h"

#include <check.h>
#include <stdlib.h>

#define REFLECTORS "reflectors: [{name: rr, listen: \"127.0.0.1:1790\", router_id: 192.0.2.1}]\n"

static const char isis[] =
    "name: t\nas: 64500\ninstance: 5\nigp: isis-2\narea: \"49.0001\"\n"
    "routers:\n"
    "  - {name: a, ipv4: 10.0.0.1, ipv6: \"2001:db8::1\"}\n"
    "  - {name: b1, ipv4: 10.0.0.2, system_id: 1921.6800.0002, overload: true, attached: true}\n"
    "links:\n"
    "  - {a: a, b: b1, metric: [10, 20], delay: [100, 16777215], delay_min: 90, delay_max: 400,\n"
    "     delay_variation: 7, loss: 0.3, bandwidth: 10G, residual: 1G, available: 8, utilized: 0,\n"
    "     te_metric: 4000000000, admin_group: 5, ipv4: [192.0.2.0, 192.0.2.1],\n"
    "     ipv6: [\"2001:db8:f::\", \"2001:db8:f::1\"]}\n"
    "  - {a: b1, b: a, metric: none, id: [7, 0]}\n"
    "lans:\n"
    "  - {name: lan, designated: b1, number: 3, metric: 10, members: [a, b1], ipv4: "
    "198.51.100.0/29}\n"
    "prefixes:\n"
    "  - {routers: a, prefixes: [203.0.113.128/25, 0.0.0.0/0, \"2001:db8:40::/43\"], metric: 30}\n"
    "  - {routers: b1, prefixes: 10.1.0.0/16, external: true}\n" REFLECTORS;

static const char ospf[] =
    "name: t\nas: 64500\nidentifier: 1\n"
    "routers:\n"
    "  - {name: a, ipv4: 10.0.0.1, igp: [ospf-0.0.0.0, ospf-0.0.0.1]}\n"
    "  - {name: b, ipv4: 10.0.0.2, igp: ospf-0.0.0.1}\n"
    "links:\n  - {a: a, b: b, metric: 70000, unnumbered: true}\n"
    "lans:\n"
    "  - {name: lan, designated: b, metric: 1, members: [a, b], ipv4: 198.51.100.0/29}\n"
    "prefixes:\n"
    "  - {routers: b, prefixes: 10.1.0.0/16, metric: 70000, external: true}\n"
    "  - {routers: lan, prefixes: 198.51.100.0/29}\n" REFLECTORS;

static const char topologies[] =
    "name: t\nas: 64500\nigp: isis-1\nipv6_topology: 2\n"
    "routers:\n"
    "  - {name: a, ipv4: 10.0.0.1, overload: true}\n"
    "  - {name: b, ipv4: 10.0.0.2, attached: true}\n"
    "links:\n  - {a: a, b: b, metric: 10, ipv4: [192.0.2.0, 192.0.2.1]}\n" REFLECTORS;

static const char more[] =
    "name: t\nas: 64500\ninstance: 5\nigp: isis-2\n"
    "routers:\n" // domains: 0 isis-2, 1 isis-2@9, 2 ospf3-0.0.0.1, 3 direct
    "  - {name: a, ipv4: 10.0.0.1, igp: [isis-2, isis-2@9, ospf3-0.0.0.1, direct], topologies: 0 2 "
    "4095,\n"
    "     overload: true, msd: 010a, node_name: \"\", area: [49.0001, 49.0002], router_ids: "
    "10.9.9.9,\n"
    "     flags: [external, router], tlvs: 1025 c0ff}\n"
    "  - {name: b, ipv4: 10.0.0.2, igp: [isis-2, ospf3-0.0.0.1], flags: none}\n"
    "links:\n"
    "  - {a: a, b: b, metric: 70, metric_octets: 1, igp: isis-2, unnumbered: true, id: [1, 2],\n"
    "     ids_in_attribute: true, delay: 5 anomalous, delay_min: 1 anomalous, delay_max: 9,\n"
    "     loss: 0.000003 anomalous, reservable: 8, unreserved: 8, protection: 256, mpls: 128,\n"
    "     srlg: 1 2, link_name: x, msd: 0105, admin_groups: 00000001 80000000, tlvs: 1097 01,\n"
    "     topologies: 2, descriptors: \"65000 01, 262 00\"}\n"
    "  - {a: a, b: b, metric: none, igp: ospf3-0.0.0.1, unnumbered: true, applications:\n"
    "     [{of: [rsvp-te, flex-algorithm], delay: 3 anomalous, te_metric: 7, srlg: 9, "
    "admin_groups: 00000004},\n"
    "      {of: all, loss: 0.000003}, {of: lfa, standard: 2000000000000001, user: 00000001}]}\n"
    "lans:\n"
    "  - {name: lan, designated: b, number: 7, igp: ospf3-0.0.0.1, metric: 1, members: [a, b],\n"
    "     no_metric_back: true}\n"
    "prefixes:\n"
    "  - {routers: a, igp: ospf3-0.0.0.1, prefixes: \"2001:db8::/32\", metric: none, route_type: "
    "nssa-2,\n"
    "     as_scope: true, igp_flags: [no-unicast, propagate], flags: dn, tags: 7, extended_tags: "
    "8,\n"
    "     forwarding: \"2001:db8::9\", source: 10.0.0.9, source_ospf: 10.0.0.8, topology: 4095,\n"
    "     tlvs: 1157 aa, descriptors: 264 00}\n"
    "  - {routers: a, igp: direct, prefixes: 10.1.0.0/16, metric: 3, igp_flags: none}\n"
    "egress:\n"
    "  - {name: e, router: a, peer_as: 64511, peer_id: 192.0.2.9, ipv4: [192.0.2.8, 192.0.2.9], "
    "id: [3, 4],\n"
    "     member_as: 65001, peer_member_as: 65002, instance: 6, tlvs: 65001 02,\n"
    "     node_sid: label 24001 weight 5 backup, adjacency_sid: index 7 persistent}\n"
    "objects:\n"
    "  - {name: o, nlri: 0006 0001 02, attribute: 0400 0001 00}\n" REFLECTORS;

// 256 or 257 of a and of b1, without their first two octets
#define NODE_A "0012 02000004 0000fbf4 02030006 010000000001"
#define NODE_B1 "0012 02000004 0000fbf4 02030006 192168000002"
#define HEAD "02 0000000000000005" // IS-IS level 2, instance 5

/* Objects by kind, subject, domain and topology. */
static const struct {
    const char *scenario;
    struct object_id id;
    const char *nlri, *attribute, *why;
} objects[] = {
    {isis,
     {OBJECT_NODE, 0, 0, 0},
     "0001 001f" HEAD "0100" NODE_A,
     "0400 0001 00  0402 0001 61  0403 0003 490001  0404 0004 0a000001"
     "0405 0010 20010db8000000000000000000000001",
     "system id from the loopback, both router-ids"},
    {isis,
     {OBJECT_NODE, 1, 0, 0},
     "0001 001f" HEAD "0100" NODE_B1,
     "0400 0001 c0  0402 0002 6231  0403 0003 490001  0404 0004 0a000002",
     "overload and attached"},
    {isis,
     {OBJECT_NODE, 2, 0, 0},
     "0001 0020" HEAD "0100 0013 02000004 0000fbf4 02030007 19216800000203",
     "0400 0001 00",
     "a pseudonode: seven octets (L-020)"},
    {isis,
     {OBJECT_LINK, 0, 0, 0},
     "0002 006d" HEAD "0100" NODE_A "0101" NODE_B1 "0103 0004 c0000200  0104 0004 c0000201"
     "0105 0010 20010db8000f00000000000000000000 0106 0010 20010db8000f00000000000000000001",
     "0404 0004 0a000001  0405 0010 20010db8000000000000000000000001  0406 0004 0a000002"
     "0440 0004 00000005  0441 0004 4e9502f9  0444 0004 ee6b2800  0447 0003 00000a"
     "045a 0004 00000064  045b 0008 0000005a 00000190  045c 0004 00000007"
     "045d 0004 000186a0  045e 0004 4cee6b28  045f 0004 3f800000  0460 0004 00000000",
     "every value; addresses, so no 258 (L-030)"},
    {isis,
     {OBJECT_LINK, 1, 0, 0},
     "0002 006d" HEAD "0100" NODE_B1 "0101" NODE_A "0103 0004 c0000201  0104 0004 c0000200"
     "0105 0010 20010db8000f00000000000000000001 0106 0010 20010db8000f00000000000000000000",
     "0404 0004 0a000002  0406 0004 0a000001  0407 0010 20010db8000000000000000000000001"
     "0440 0004 00000005  0441 0004 4e9502f9  0444 0004 ee6b2800  0447 0003 000014"
     "045a 0004 00ffffff  045b 0008 0000005a 00000190  045c 0004 00000007"
     "045d 0004 000186a0  045e 0004 4cee6b28  045f 0004 3f800000  0460 0004 00000000",
     "the other direction has its own metric; the greatest delay (L-061)"},
    {isis,
     {OBJECT_LINK, 2, 0, 0},
     "0002 0041" HEAD "0100" NODE_B1 "0101" NODE_A "0102 0008 00000007 00000000",
     "0404 0004 0a000002  0406 0004 0a000001  0407 0010 20010db8000000000000000000000001",
     "unnumbered: identifiers; no metric is no 1095"},
    {isis,
     {OBJECT_LINK, 4, 0, 0},
     "0002 003e" HEAD "0100" NODE_A "0101 0013 02000004 0000fbf4 02030007 19216800000203"
     "0103 0004 c6336401",
     "0404 0004 0a000001  0405 0010 20010db8000000000000000000000001  0447 0003 00000a",
     "towards a pseudonode: no neighbour's address, no remote router-id"},
    {isis,
     {OBJECT_LINK, 5, 0, 0},
     "0002 0036" HEAD "0100 0013 02000004 0000fbf4 02030007 19216800000203 0101" NODE_A,
     "0406 0004 0a000001  0407 0010 20010db8000000000000000000000001  0447 0003 000000",
     "from a pseudonode: metric 0 (L-081), no descriptor (L-032)"},
    {isis,
     {OBJECT_PREFIX, 0, 0, 0},
     "0003 0028" HEAD "0100" NODE_A "0109 0005 20 0a000001",
     "0480 0001 00  0483 0004 00000000  0492 0001 20",
     "a loopback: N flag of 1170"},
    {isis,
     {OBJECT_PREFIX, 1, 0, 0},
     "0004 0034" HEAD "0100" NODE_A "0109 0011 80 20010db8000000000000000000000001",
     "0480 0001 00  0483 0004 00000000  0492 0001 20",
     "an IPv6 loopback"},
    {isis,
     {OBJECT_PREFIX, 3, 0, 0},
     "0003 0028" HEAD "0100" NODE_A "0109 0005 19 cb007180",
     "0480 0001 00  0483 0004 0000001e  0492 0001 00",
     "25 bits take four octets"},
    {isis,
     {OBJECT_PREFIX, 4, 0, 0},
     "0003 0024" HEAD "0100" NODE_A "0109 0001 00",
     "0480 0001 00  0483 0004 0000001e  0492 0001 00",
     "a default route is one octet (L-040)"},
    {isis,
     {OBJECT_PREFIX, 5, 0, 0},
     "0004 002a" HEAD "0100" NODE_A "0109 0007 2b 20010db80040",
     "0480 0001 00  0483 0004 0000001e  0492 0001 00",
     "43 bits take six octets"},
    {isis,
     {OBJECT_PREFIX, 6, 0, 0},
     "0003 0026" HEAD "0100" NODE_B1 "0109 0003 10 0a01",
     "0480 0001 00  0483 0004 00000000  0492 0001 80",
     "X flag of an external prefix"},

    {ospf,
     {OBJECT_NODE, 0, 0, 0},
     "0001 002d 03 0000000000000000 0100 0020 02000004 0000fbf4 02010004 00000001"
     "02020004 00000000 02030004 0a000001",
     "0400 0001 10  0402 0001 61  0404 0004 0a000001",
     "area 0; an ABR; an identifier"},
    {ospf,
     {OBJECT_NODE, 0, 1, 0},
     "0001 002d 03 0000000000000000 0100 0020 02000004 0000fbf4 02010004 00000001"
     "02020004 00000001 02030004 0a000001",
     "0400 0001 10  0402 0001 61  0404 0004 0a000001",
     "the same router in area 1 (L-084)"},
    {ospf,
     {OBJECT_NODE, 2, 1, 0},
     "0001 0031 03 0000000000000000 0100 0024 02000004 0000fbf4 02010004 00000001"
     "02020004 00000001 02030008 0a000002 c6336402",
     "0400 0001 00",
     "a pseudonode: the designated router and its address (L-020)"},
    {ospf,
     {OBJECT_LINK, 0, 1, 0},
     "0002 005d 03 0000000000000000"
     "0100 0020 02000004 0000fbf4 02010004 00000001 02020004 00000001 02030004 0a000001"
     "0101 0020 02000004 0000fbf4 02010004 00000001 02020004 00000001 02030004 0a000002"
     "0102 0008 00000001 00000002",
     "0404 0004 0a000001  0406 0004 0a000002  0447 0002 ffff",
     "two octets of metric, and no more than they hold"},
    {ospf,
     {OBJECT_PREFIX, 2, 1, 0},
     "0003 0039 03 0000000000000000"
     "0100 0020 02000004 0000fbf4 02010004 00000001 02020004 00000001 02030004 0a000002"
     "0108 0001 03  0109 0003 10 0a01",
     "0480 0001 00  0483 0004 00011170  0492 0001 00",
     "route type external 1"},
    {ospf,
     {OBJECT_PREFIX, 3, 1, 0},
     "0003 003f 03 0000000000000000"
     "0100 0024 02000004 0000fbf4 02010004 00000001 02020004 00000001"
     "02030008 0a000002 c6336402 0108 0001 01  0109 0005 1d c6336400",
     "0480 0001 00  0483 0004 00000000  0492 0001 00",
     "a LAN's subnet (L-089)"},

    {topologies,
     {OBJECT_NODE, 0, 0, 0},
     "0001 001f 01 0000000000000000 0100 0012 02000004 0000fbf4 02030006 010000000001",
     "0107 0004 0000 8002  0400 0001 80  0402 0001 61  0404 0004 0a000001",
     "overload of topology 2 (L-034)"},
    {topologies,
     {OBJECT_NODE, 1, 0, 0},
     "0001 001f 01 0000000000000000 0100 0012 02000004 0000fbf4 02030006 010000000002",
     "0107 0004 0000 4002  0400 0001 40  0402 0001 62  0404 0004 0a000002",
     "attached of topology 2"},
    {topologies,
     {OBJECT_LINK, 0, 0, 2},
     "0002 004b 01 0000000000000000"
     "0100 0012 02000004 0000fbf4 02030006 010000000001"
     "0101 0012 02000004 0000fbf4 02030006 010000000002"
     "0103 0004 c0000200  0104 0004 c0000201  0107 0002 0002",
     "0404 0004 0a000001  0406 0004 0a000002  0447 0003 00000a",
     "topology 2 of a link (L-031)"},

    {more,
     {OBJECT_NODE, 0, 1, 0},
     "0001 001f 02 0000000000000009 0100" NODE_A,
     "0107 0006 0000 8002 8fff  010a 0002 010a  0400 0001 28  0403 0003 490001  0403 0003 490002"
     "0404 0004 0a000001  0404 0004 0a090909  0401 0002 c0ff",
     "another instance; topologies, MSD, flags of the file, no name, two areas, two router-ids"},
    {more,
     {OBJECT_NODE, 0, 2, 0},
     "0001 0025 06 0000000000000005 0100 0018 02000004 0000fbf4 02020004 00000001"
     "02030004 0a000001",
     "0107 0006 0000 0002 0fff  010a 0002 010a  0400 0001 28  0404 0004 0a000001"
     "0404 0004 0a090909  0401 0002 c0ff",
     "OSPFv3: its bits of 263 mean nothing"},
    {more,
     {OBJECT_NODE, 1, 2, 0},
     "0001 0025 06 0000000000000005 0100 0018 02000004 0000fbf4 02020004 00000001"
     "02030004 0a000002",
     "0402 0001 62  0404 0004 0a000002",
     "no flags (L-050)"},
    {more,
     {OBJECT_NODE, 0, 3, 0},
     "0001 001d 04 0000000000000005 0100 0010 02000004 0000fbf4 02030004 0a000001",
     "0107 0006 0000 0002 0fff  010a 0002 010a  0400 0001 28  0404 0004 0a000001"
     "0404 0004 0a090909  0401 0002 c0ff",
     "direct: an address of the node"},
    {more,
     {OBJECT_NODE, 2, 2, 0},
     "0001 0029 06 0000000000000005 0100 001c 02000004 0000fbf4 02020004 00000001"
     "02030008 0a000002 00000007",
     "0400 0001 00",
     "an OSPFv3 pseudonode: the interface id (L-020)"},
    {more,
     {OBJECT_LINK, 0, 0, 2},
     "0002 0045" HEAD "0100" NODE_A "0101 0012 02000004 0000fbf4 02030006 010000000002"
     "0106 0001 00  0107 0002 0002  fde8 0001 01",
     "0102 0008 00000001 00000002  010b 0002 0105  0404 0004 0a000001  0406 0004 0a000002"
     "0442 0004 3f800000  0443 0020 3f800000 3f800000 3f800000 3f800000 3f800000 3f800000 3f800000"
     "3f800000  0445 0002 0100  0446 0001 80  0447 0001 3f  0448 0008 00000001 00000002"
     "044a 0001 78  045a 0004 80000005  045b 0008 80000001 00000009  045d 0004 80000001"
     "0495 0008 00000001 80000000  0449 0001 01",
     "identifiers in the attribute (L-030), A bits, a narrow metric, descriptors sorted in"},
    {more,
     {OBJECT_LINK, 2, 2, 0},
     "0002 004d 06 0000000000000005"
     "0100 0018 02000004 0000fbf4 02020004 00000001 02030004 0a000001"
     "0101 0018 02000004 0000fbf4 02020004 00000001 02030004 0a000002"
     "0102 0008 00000003 00000004",
     "0404 0004 0a000001  0406 0004 0a000002"
     "0462 0028 04 00 0000 90000000 0444 0004 00000007 0448 0004 00000009 045a 0004 80000003"
     "0495 0004 00000004"
     "0462 000c 00 00 0000 045d 0004 00000001"
     "0462 0010 08 04 0000 2000000000000001 00000001",
     "applications (L-066)"},
    {more,
     {OBJECT_LINK, 5, 2, 0},
     "0002 0045 06 0000000000000005"
     "0100 001c 02000004 0000fbf4 02020004 00000001 02030008 0a000002 00000007"
     "0101 0018 02000004 0000fbf4 02020004 00000001 02030004 0a000001",
     "0406 0004 0a000001",
     "from a pseudonode without a metric (L-084)"},
    {more,
     {OBJECT_PREFIX, 2, 2, 4095},
     "0004 0036 06 0000000000000005 0100 0010 02000004 0000fbf4 02030004 0a000001"
     "0107 0002 0fff  0108 0001 00  0108 0001 06  0109 0005 20 20010db8",
     "0480 0001 50  0481 0004 00000007  0482 0008 0000000000000008"
     "0484 0010 20010db8000000000000000000000009  0492 0001 10  0493 0004 0a000009"
     "0496 0004 0a000008  0485 0001 aa",
     "everything of a prefix but a metric (L-070)"},
    {more,
     {OBJECT_PREFIX, 3, 3, 0},
     "0003 0024 04 0000000000000005 0100 0010 02000004 0000fbf4 02030004 0a000001"
     "0109 0003 10 0a01",
     "0483 0004 00000003",
     "directly connected"},
    {more,
     {OBJECT_EGRESS, 0, 0, 0},
     "0002 005d 07 0000000000000006"
     "0100 0018 02000004 0000fbf4 02040004 0a000001 02050004 0000fde9"
     "0101 0018 02000004 0000fbff 02040004 c0000209 02050004 0000fdea"
     "0102 0008 00000003 00000004  0103 0004 c0000208  0104 0004 c0000209",
     "044d 0007 e0 05 0000 005dc1  044e 0008 10 00 0000 00000007  fde9 0001 02",
     "an egress peer (L-088)"},
    {more, {OBJECT_RAW, 0, 0, 0}, "0006 0001 02", "0400 0001 00", "as it stands"},
};

START_TEST(l003_an_nlri_is_as_the_rfc_draws_it)
{
    struct scenario *scenario = fixture_load(objects[_i].scenario);
    struct wire nlri = {0}, attribute = {0};

    link_state_nlri(scenario, objects[_i].id, &nlri);
    ck_assert(link_state_attribute(scenario, objects[_i].id, &attribute));
    fixture_expect(&nlri, objects[_i].nlri);
    fixture_expect(&attribute, objects[_i].attribute);
    scenario_free(scenario);
}
END_TEST

START_TEST(what_needs_something_down_is_down)
{
    struct scenario *scenario = fixture_load(isis);
    const struct object_id node = {OBJECT_NODE, 1, 0, 0}, link = {OBJECT_LINK, 1, 0, 0},
                           lan = {OBJECT_NODE, 2, 0, 0}, member = {OBJECT_LINK, 4, 0, 0},
                           loopback = {OBJECT_PREFIX, 0, 0, 0}, prefix = {OBJECT_PREFIX, 6, 0, 0};

    scenario->vertices[1].down = true; // b1: it is the LAN's designated router, too
    ck_assert(!link_state_is_up(scenario, node));
    ck_assert(!link_state_is_up(scenario, link));
    ck_assert(!link_state_is_up(scenario, lan));
    ck_assert(!link_state_is_up(scenario, member));
    ck_assert(!link_state_is_up(scenario, prefix));
    ck_assert(link_state_is_up(scenario, loopback));
    scenario->vertices[1].down = false;
    scenario->links[0].down = true;
    scenario->attachments[6].withdrawn = true;
    ck_assert(link_state_is_up(scenario, node));
    ck_assert(!link_state_is_up(scenario, link));
    ck_assert(link_state_is_up(scenario, member));
    ck_assert(!link_state_is_up(scenario, prefix));
    scenario_free(scenario);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lab link_state");
    TCase *cases = tcase_create("cases");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, cases);
    tcase_add_loop_test(cases, l003_an_nlri_is_as_the_rfc_draws_it, 0,
                        sizeof objects / sizeof *objects);
    tcase_add_test(cases, what_needs_something_down_is_down);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
