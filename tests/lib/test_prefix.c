/* Prefixes: text in and out, order, containment. Oracles: inet_ntop, and bit by bit. */
#include "lib/prefix.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *text, *canonical; // NULL: no prefix
} prefixes[] = {
    {"192.0.2.0/24", "192.0.2.0/24"},
    {"192.0.2.255/24", "192.0.2.0/24"}, // host bits are cleared
    {"255.255.255.255/0", "0.0.0.0/0"},
    {"192.0.2.129/25", "192.0.2.128/25"},
    {"192.0.2.1/32", "192.0.2.1/32"},
    {"2001:DB8:0:0::1/32", "2001:db8::/32"},
    {"::/0", "::/0"},
    {"2001:db8::ffff/127", "2001:db8::fffe/127"},
    {"2001:db8::ffff/128", "2001:db8::ffff/128"},
    {"::ffff:192.0.2.1/128", "::ffff:192.0.2.1/128"},
    {"192.0.2.0/33", NULL},
    {"::/129", NULL},
    {"192.0.2.0/024", NULL},
    {"192.0.2.0/", NULL},
    {"192.0.2.0", NULL},
    {"192.0.2.0/24/24", NULL},
    {"192.0.2.0/-1", NULL},
    {"192.0.2.0/+1", NULL},
    {"192.0.2.0/ 24", NULL},
    {"192.0.2.0 /24", NULL},
    {" 192.0.2.0/24", NULL},
    {"192.0.2.0/24 ", NULL},
    {"192.0.2/24", NULL},
    {"192.0.2.00/24", NULL}, // octal to some
    {"192.0.2.256/24", NULL},
    {"0xc0.0.2.0/24", NULL},
    {"3221225984/24", NULL},
    {"fe80::1%eth0/64", NULL},
    {"[2001:db8::]/32", NULL},
    {"2001:db8:::/32", NULL},
    {"1:2:3:4:5:6:7:8:9/64", NULL},
    {"2001:db8::12345/64", NULL},
    {"/24", NULL},
    {"", NULL},
    {"/", NULL},
    {"2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff:0000:1111:2222:3333/64",
     NULL}, // longer than any address
};

START_TEST(a022_reads_prefixes_strictly)
{
    char text[PREFIX_TEXT_SIZE];
    struct prefix prefix = {.family = 77};

    ck_assert_int_eq(prefix_parse(prefixes[_i].text, &prefix), prefixes[_i].canonical != NULL);
    if (prefixes[_i].canonical)
        ck_assert_str_eq(prefix_format(&prefix, text), prefixes[_i].canonical);
    else
        ck_assert_int_eq(prefix.family, 77); // written on success only
}
END_TEST

static const struct {
    const char *text, *canonical; // RFC 5952 section 4
} addresses[] = {
    {"2001:db8::0:1", "2001:db8::1"},
    {"2001:0db8::0001", "2001:db8::1"},               // 4.1 no leading zeros
    {"2001:db8:0:0:0:0:2:1", "2001:db8::2:1"},        // 4.2.1 as short as possible
    {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"}, // 4.2.2 not for one group
    {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},          // 4.2.3 the longest run
    {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},    // 4.2.3 the first of equals
    {"2001:DB8::A", "2001:db8::a"},                   // 4.3 lower case
    {"0:0:0:0:0:0:0:0", "::"},
    {"0:0:0:0:0:0:0:1", "::1"},
    {"1:0:0:0:0:0:0:0", "1::"},
    {"0:1:0:0:0:0:0:0", "0:1::"},
    {"0:0:1:0:0:0:0:1", "0:0:1::1"},
    {"::ffff:c000:0201", "::ffff:192.0.2.1"}, // 5
    {"::192.0.2.1", "::c000:201"},            // where libraries differ
    {"::ffff:0:c000:201", "::ffff:0:c000:201"},
    {"192.0.2.1", "192.0.2.1"},
    {"0.0.0.0", "0.0.0.0"},
};

START_TEST(writes_addresses_by_rfc_5952)
{
    char text[PREFIX_TEXT_SIZE];
    struct prefix address;

    ck_assert(address_parse(addresses[_i].text, &address));
    ck_assert_uint_eq(address.length_bits, family_bits(address.family));
    ck_assert_str_eq(address_format(&address, text), addresses[_i].canonical);
}
END_TEST

START_TEST(an_address_has_no_length)
{
    struct prefix address;

    ck_assert(!address_parse("192.0.2.1/32", &address));
    ck_assert(!address_parse("", &address));
    ck_assert(!address_parse("localhost", &address));
}
END_TEST

/* Bytes of which many are zero, so that prefixes nest and runs of zeros come. */
static struct prefix random_prefix(unsigned *seed)
{
    uint8_t bytes[16];
    struct prefix prefix;
    enum family family = rand_r(seed) % 2 ? FAMILY_IPV4 : FAMILY_IPV6;
    unsigned length = (unsigned)rand_r(seed) % (family_bits(family) + 1U);

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(rand_r(seed) % 3 ? 0 : rand_r(seed));
    ck_assert(prefix_from_bytes(family, (uint8_t)length, bytes, &prefix));
    return prefix;
}

enum { ROUNDS = 4000 };

START_TEST(text_is_that_of_inet_ntop)
{
    unsigned seed = (unsigned)_i;

    for (int i = 0; i < ROUNDS; i++) {
        char ours[PREFIX_TEXT_SIZE], theirs[INET6_ADDRSTRLEN];
        struct prefix prefix = random_prefix(&seed), back;
        int family = prefix.family == FAMILY_IPV4 ? AF_INET : AF_INET6;

        prefix_format(&prefix, ours);
        ck_assert(prefix_parse(ours, &back));
        ck_assert_int_eq(memcmp(&prefix, &back, sizeof prefix), 0);
        prefix.length_bits = family_bits(prefix.family);
        ck_assert_ptr_nonnull(inet_ntop(family, prefix.bytes, theirs, sizeof theirs));
        // glibc writes ::/96 as ::192.0.2.1
        if (family == AF_INET6 && memcmp(prefix.bytes, (const uint8_t[12]){0}, 12) == 0)
            continue;
        ck_assert_str_eq(address_format(&prefix, ours), theirs);
    }
}
END_TEST

/* Addresses, and what is nearly one: a letter replaced, inserted or left out. */
START_TEST(reads_what_inet_pton_reads)
{
    static const char letters[] = "0123456789.:/ af-+";
    unsigned seed = (unsigned)_i;

    for (int i = 0; i < ROUNDS; i++) {
        char text[PREFIX_TEXT_SIZE], changed[PREFIX_TEXT_SIZE + 2];
        struct prefix prefix = random_prefix(&seed), got;
        uint8_t theirs[16] = {0};

        address_format(&prefix, text);
        size_t at = (size_t)rand_r(&seed) % (strlen(text) + 1);
        char letter = letters[(size_t)rand_r(&seed) % (sizeof letters - 1)];
        size_t skip = rand_r(&seed) % 2 && text[at] ? 1 : 0; // of the text's own letters
        int added = rand_r(&seed) % 3 > 0;
        (void)snprintf(changed, sizeof changed, "%.*s%.*s%s", (int)at, text, added, &letter,
                       text + at + skip);
        unsigned family = inet_pton(AF_INET, changed, theirs) == 1    ? FAMILY_IPV4
                          : inet_pton(AF_INET6, changed, theirs) == 1 ? FAMILY_IPV6
                                                                      : 0;
        ck_assert_msg(address_parse(changed, &got) == (family != 0), "\"%s\"", changed);
        if (family) {
            ck_assert_uint_eq(got.family, family);
            ck_assert_mem_eq(got.bytes, theirs, sizeof theirs);
        }
    }
}
END_TEST

/* Bit by bit. */
static bool contains_slowly(const struct prefix *outer, const struct prefix *inner)
{
    if (outer->family != inner->family || outer->length_bits > inner->length_bits)
        return false;
    for (unsigned i = 0; i < outer->length_bits; i++) {
        if (prefix_bit(outer, i) != prefix_bit(inner, i))
            return false;
    }
    return true;
}

static int sign(int number)
{
    return (number > 0) - (number < 0);
}

START_TEST(order_and_containment_hold)
{
    unsigned seed = (unsigned)_i;

    for (int i = 0; i < ROUNDS; i++) {
        struct prefix a = random_prefix(&seed), b = random_prefix(&seed), c = random_prefix(&seed);

        if (rand_r(&seed) % 2) { // a pair that differs late, or only in length
            uint8_t length = (uint8_t)((unsigned)rand_r(&seed) % (a.length_bits + 1U));
            ck_assert(prefix_from_bytes(a.family, length, a.bytes, &b));
        }
        ck_assert_int_eq(prefix_contains(&a, &b), contains_slowly(&a, &b));
        ck_assert_int_eq(prefix_contains(&b, &a), contains_slowly(&b, &a));
        ck_assert_int_eq(sign(prefix_compare(&a, &b)), -sign(prefix_compare(&b, &a)));
        ck_assert_int_eq(prefix_compare(&a, &a), 0);
        ck_assert_int_eq(prefix_compare(&a, &b) == 0, memcmp(&a, &b, sizeof a) == 0);
        if (prefix_compare(&a, &b) <= 0 && prefix_compare(&b, &c) <= 0)
            ck_assert_int_le(prefix_compare(&a, &c), 0);
        if (prefix_contains(&a, &b)) // M-601: the outer one comes first
            ck_assert_int_le(prefix_compare(&a, &b), 0);
    }
}
END_TEST

START_TEST(orders_by_family_octets_length)
{
    static const char *const ascending[] = {"0.0.0.0/0",  "0.0.0.0/8",    "10.0.0.0/8",
                                            "10.0.0.0/9", "10.128.0.0/9", "255.255.255.255/32",
                                            "::/0",       "::/1",         "2001:db8::/32"};
    struct prefix before, after;

    for (size_t i = 0; i + 1 < sizeof ascending / sizeof *ascending; i++) {
        ck_assert(prefix_parse(ascending[i], &before) && prefix_parse(ascending[i + 1], &after));
        ck_assert_int_lt(prefix_compare(&before, &after), 0);
    }
}
END_TEST

START_TEST(reads_the_octets_of_an_nlri)
{
    uint8_t bytes[4] = {192, 0, 2, 255};
    char text[PREFIX_TEXT_SIZE];
    struct prefix prefix;

    ck_assert(prefix_from_bytes(FAMILY_IPV4, 25, bytes, &prefix));
    ck_assert_str_eq(prefix_format(&prefix, text), "192.0.2.128/25");
    ck_assert(prefix_from_bytes(FAMILY_IPV4, 0, NULL, &prefix)); // no octet is read
    ck_assert_str_eq(prefix_format(&prefix, text), "0.0.0.0/0");
    ck_assert(!prefix_from_bytes(FAMILY_IPV4, 33, bytes, &prefix));
    ck_assert(!prefix_from_bytes(FAMILY_IPV6, 129, bytes, &prefix));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("prefix");
    TCase *cases = tcase_create("prefix");

    tcase_add_loop_test(cases, a022_reads_prefixes_strictly, 0, sizeof prefixes / sizeof *prefixes);
    tcase_add_loop_test(cases, writes_addresses_by_rfc_5952, 0,
                        sizeof addresses / sizeof *addresses);
    tcase_add_test(cases, an_address_has_no_length);
    tcase_add_loop_test(cases, text_is_that_of_inet_ntop, 0, 5);
    tcase_add_loop_test(cases, reads_what_inet_pton_reads, 0, 5);
    tcase_add_loop_test(cases, order_and_containment_hold, 0, 5);
    tcase_add_test(cases, orders_by_family_octets_length);
    tcase_add_test(cases, reads_the_octets_of_an_nlri);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
