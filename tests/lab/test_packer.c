/* UPDATEs against octets written down by hand from RFC 4271, 4760, 7911 and 8950. */
#include "fixture.h"
#include "message.h"
#include "packer.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define MARKER "ffffffffffffffff ffffffffffffffff"

static const struct reflector plain;

static struct net net_of(const char *text)
{
    struct net net = {0};

    ck_assert(strchr(text, '/') ? net_parse_prefix(text, &net) : net_parse_address(text, &net));
    return net;
}

/* Two prefixes in each family, announced with the attributes 40 01 01 00, or withdrawn. */
static const struct {
    enum family family;
    bool announced;
    const char *prefixes[2], *expected;
} packed[] = {
    {FAMILY_IPV4,
     true,
     {"198.51.100.0/24", "10.0.0.0/9"},
     MARKER "0022 02 0000 0004 40010100 18 c63364 09 0a00"},
    {FAMILY_IPV4, false, {"198.51.100.0/24", "0.0.0.0/0"}, MARKER "001c 02 0005 18 c63364 00 0000"},
    {FAMILY_IPV6,
     true,
     {"2001:db8::/32", "::/0"},
     MARKER "003a 02 0000 0023 90 0e 001b 0002 01 10 20010db8000000000000000000000009 00"
            "20 20010db8 00 40010100"},
    {FAMILY_IPV6,
     false,
     {"2001:db8::/32", "2001:db8:8000::/33"},
     MARKER "0029 02 0000 0012 90 0f 000e 0002 01 20 20010db8 21 20010db880"},
};

START_TEST(a_packed_message_is_as_drawn)
{
    const struct net next_hop = net_of("2001:db8::9");
    struct wire attributes = {0}, wire = {0};
    struct packer packer = packer_begin(&wire, &plain, packed[_i].family,
                                        packed[_i].announced ? &attributes : NULL, &next_hop);

    wire_put(&attributes, 0x40010100, 4);
    for (size_t i = 0; i < 2; i++) {
        struct net net = net_of(packed[_i].prefixes[i]);

        packer_add_net(&packer, 0, &net);
    }
    packer_end(&packer);
    fixture_expect(&wire, packed[_i].expected);
    wire_free(&attributes);
}
END_TEST

/* Whatever is packed, no message exceeds 4,096 octets, none but the last has room for one more, and
 * together they hold every prefix once. */
START_TEST(messages_are_filled_but_never_too_long)
{
    const enum family family = _i % 2 ? FAMILY_IPV6 : FAMILY_IPV4;
    const bool announced = _i / 2 % 2;
    const struct net pool = net_of(family == FAMILY_IPV4 ? "10.0.0.0/8" : "2001:db8::/32");
    const struct net next_hop = net_of("2001:db8::9");
    const unsigned length_bits = family == FAMILY_IPV4 ? 24 : 64;
    const size_t nlri = 1 + length_bits / 8, count = 5000;
    struct wire attributes = {0}, wire = {0};
    struct packer packer =
        packer_begin(&wire, &plain, family, announced ? &attributes : NULL, &next_hop);

    for (int i = 0; i < 10 + _i; i++)
        wire_put(&attributes, 0x40010100, 4);
    for (size_t i = 0; i < count; i++) {
        struct net net;

        ck_assert(net_nth(&pool, length_bits, i, &net));
        packer_add_net(&packer, 0, &net);
    }
    packer_end(&packer);
    size_t overhead = MESSAGE_HEADER + 4 + (announced ? attributes.length : 0), left = count;

    if (family == FAMILY_IPV6)
        overhead += announced ? 4 + 3 + 1 + 16 + 1 : 4 + 3;
    for (size_t at = 0; at < wire.length;) {
        size_t length = (size_t)(wire.bytes[at + 16] << 8 | wire.bytes[at + 17]);

        ck_assert_uint_le(length, MESSAGE_LIMIT);
        ck_assert_uint_eq((length - overhead) % nlri, 0);
        left -= (length - overhead) / nlri;
        if (left)
            ck_assert_uint_gt(length + nlri, MESSAGE_LIMIT);
        at += length;
    }
    ck_assert_uint_eq(left, 0);
    wire_free(&attributes);
    wire_free(&wire);
}
END_TEST

/* Two prefixes or NLRIs, in the forms that a reflector can have. */
static const struct {
    struct reflector reflector;
    enum family family;
    bool announced;
    const char *expected, *why;
} forms[] = {
    {{.form.attributes_first = true},
     FAMILY_IPV6,
     true,
     MARKER "003e 02 0000 0027 40010100 90 0e 001f 0002 01 10 20010db8000000000000000000000009 00"
            "20 20010db8 20 20010db9",
     "L-005: the attribute before MP_REACH"},
    {{.form.one_each = true},
     FAMILY_IPV4,
     true,
     MARKER "001d 02 0000 0004 40010100 08 0a" MARKER "001d 02 0000 0004 40010100 08 0b",
     "one NLRI a message"},
    {{.form.one_each = true},
     FAMILY_IPV4,
     false,
     MARKER "0019 02 0002 08 0a 0000" MARKER "0019 02 0002 08 0b 0000",
     "withdrawals, too"},
    {{.form.ipv4_in_mp = true},
     FAMILY_IPV4,
     true,
     MARKER "0038 02 0000 0021 90 0e 0019 0001 01 10 20010db8000000000000000000000009 00"
            "08 0a 08 0b 40010100",
     "L-121, L-122: IPv4 with an IPv6 next hop"},
    {{.form.ipv4_in_mp = true},
     FAMILY_IPV4,
     false,
     MARKER "0022 02 0000 000b 90 0f 0007 0001 01 08 0a 08 0b",
     "and its withdrawal"},
    {{.form.link_local = {.family = 6, .length_bits = 128, .bytes = {0xfe, 0x80, [15] = 1}}},
     FAMILY_IPV6,
     true,
     MARKER "004e 02 0000 0037 90 0e 002f 0002 01 20 20010db8000000000000000000000009"
            "fe800000000000000000000000000001 00 20 20010db8 20 20010db9 40010100",
     "L-002: a next hop of 32 octets"},
    {{.add_path = {[FAMILY_IPV4] = 2}},
     FAMILY_IPV4,
     true,
     MARKER "0027 02 0000 0004 40010100 00000007 08 0a 80000000 08 0b",
     "L-120: path identifiers"},
    {{.add_path = {[FAMILY_IPV4] = 2}},
     FAMILY_IPV4,
     false,
     MARKER "0023 02 000c 00000007 08 0a 80000000 08 0b 0000",
     "withdrawn by their identifiers"},
    {{.add_path = {[FAMILY_IPV4] = 2}},
     FAMILY_IPV6,
     false,
     MARKER "0028 02 0000 0011 90 0f 000d 0002 01 20 20010db8 20 20010db9",
     "none in another family"},
};

START_TEST(a_form_is_as_drawn)
{
    const struct net next_hop = net_of("2001:db8::9");
    const bool is_ipv4 = forms[_i].family == FAMILY_IPV4;
    const struct net nets[2] = {net_of(is_ipv4 ? "10.0.0.0/8" : "2001:db8::/32"),
                                net_of(is_ipv4 ? "11.0.0.0/8" : "2001:db9::/32")};
    struct wire attributes = {0}, wire = {0};
    struct packer packer = packer_begin(&wire, &forms[_i].reflector, forms[_i].family,
                                        forms[_i].announced ? &attributes : NULL, &next_hop);

    wire_put(&attributes, 0x40010100, 4);
    packer_add_net(&packer, 7, &nets[0]);
    packer_add_net(&packer, UINT32_C(1) << 31, &nets[1]);
    packer_end(&packer);
    fixture_expect(&wire, forms[_i].expected);
    wire_free(&attributes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lab packer");
    TCase *cases = tcase_create("cases");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, cases);
    tcase_add_loop_test(cases, a_packed_message_is_as_drawn, 0, sizeof packed / sizeof *packed);
    tcase_add_loop_test(cases, messages_are_filled_but_never_too_long, 0, 40);
    tcase_add_loop_test(cases, a_form_is_as_drawn, 0, sizeof forms / sizeof *forms);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
