/* lpm: longest match, against a linear scan. */
#include "lpm.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 400 };

struct table {
    struct lpm_entry entries[MOST];
    size_t count;
};

static int compare(const void *a, const void *b)
{
    const struct lpm_entry *left = a, *right = b;

    return prefix_compare(&left->prefix, &right->prefix);
}

/* PIDs are the words' indexes; entries are sorted. */
static void table_of(const char *words, struct table *out)
{
    char text[512], *word, *rest = text;

    out->count = 0;
    (void)strcpy(text, words);
    while ((word = strsep(&rest, " ")) && *word) {
        struct lpm_entry *entry = &out->entries[out->count];
        ck_assert(prefix_parse(word, &entry->prefix));
        entry->pid = (int32_t)out->count++;
    }
    qsort(out->entries, out->count, sizeof *out->entries, compare);
}

static const struct {
    const char *prefixes, *address;
    int32_t pid; // index of the word in prefixes
} longest[] = {
    {"", "192.0.2.1", LPM_NONE},
    {"10.0.0.0/8 10.1.0.0/16", "10.1.255.255", 1},
    {"10.0.0.0/8 10.1.0.0/16", "10.2.0.0", 0}, // first address after the inner one
    {"10.0.0.0/8 10.1.0.0/16", "11.0.0.0", LPM_NONE},
    {"10.0.0.0/8 10.0.0.0/16", "10.0.0.0", 1},         // both begin here
    {"10.0.0.0/8 10.255.0.0/16", "10.255.255.255", 1}, // both end here
    {"10.0.0.0/8 10.255.0.0/16", "11.0.0.0", LPM_NONE},
    {"255.255.255.255/32", "255.255.255.255", 0}, // nothing after the end
    {"255.255.255.255/32", "255.255.255.254", LPM_NONE},
    {"0.0.0.0/0 128.0.0.0/1", "127.255.255.255", 0},
    {"0.0.0.0/0 128.0.0.0/1", "255.255.255.255", 1},
    {"192.0.2.0/24 192.0.2.0/25 192.0.2.128/25", "192.0.2.1", 1}, // nested PIDs
    {"::/0", "192.0.2.1", LPM_NONE},                              // families do not mix
    {"0.0.0.0/0", "::ffff:192.0.2.1", LPM_NONE}, // looked up as it is written
    {"::ffff:0:0/96 0.0.0.0/0", "::ffff:192.0.2.1", 0},
    {"2001:db8::/32 2001:db8::1/128", "2001:db8::1", 1},
    {"2001:db8::/32 2001:db8::1/128", "2001:db8::2", 0},
    {"2001:db8:0:0:8000::/65 2001:db8::/64", "2001:db8::8000:0:0:1", 0}, // beyond the first 64 bits
    {"2001:db8:0:0:8000::/65 2001:db8::/64", "2001:db8::7fff:0:0:1", 1},
    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 0},
};

START_TEST(a056_finds_the_longest_match)
{
    struct table t;
    struct prefix address;
    struct error err;

    table_of(longest[_i].prefixes, &t);
    struct lpm *lpm = lpm_new(t.entries, t.count, &err);
    ck_assert_ptr_nonnull(lpm);
    ck_assert(address_parse(longest[_i].address, &address));
    ck_assert_int_eq(lpm_find(lpm, &address), longest[_i].pid);
    lpm_free(lpm);
}
END_TEST

static struct prefix random_prefix(unsigned *seed)
{
    enum family family = rand_r(seed) % 2 ? FAMILY_IPV4 : FAMILY_IPV6;
    uint8_t bytes[16];
    struct prefix out;

    // few values for each octet, so that prefixes nest and touch
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t[]){0, 0, 1, 127, 128, 255}[rand_r(seed) % 6];
    ck_assert(prefix_from_bytes(
        family, (uint8_t)((unsigned)rand_r(seed) % (family_bits(family) + 1U)), bytes, &out));
    return out;
}

static int32_t scan(const struct table *t, const struct prefix *address)
{
    int32_t pid = LPM_NONE;
    int best = -1;

    for (size_t i = 0; i < t->count; i++)
        if (prefix_contains(&t->entries[i].prefix, address) &&
            t->entries[i].prefix.length_bits > best) {
            best = t->entries[i].prefix.length_bits;
            pid = t->entries[i].pid;
        }
    return pid;
}

START_TEST(equals_a_linear_scan)
{
    static struct table t;
    unsigned seed = (unsigned)_i;
    size_t wanted = (size_t)rand_r(&seed) % MOST, kept = 0;
    struct error err;

    for (t.count = 0; t.count < wanted; t.count++)
        t.entries[t.count] = (struct lpm_entry){random_prefix(&seed), rand_r(&seed) % 5};
    qsort(t.entries, t.count, sizeof *t.entries, compare);
    for (size_t i = 0; i < t.count; i++)
        if (kept == 0 || compare(&t.entries[kept - 1], &t.entries[i]) != 0)
            t.entries[kept++] = t.entries[i];
    t.count = kept;
    struct lpm *lpm = lpm_new(t.entries, t.count, &err);
    ck_assert_ptr_nonnull(lpm);
    for (size_t i = 0; i < 2000; i++) {
        struct prefix address = random_prefix(&seed);
        if (t.count && i % 3) { // at the borders of a prefix, and one beyond
            address = t.entries[(size_t)rand_r(&seed) % t.count].prefix;
            unsigned octets = family_bits(address.family) / 8U;
            for (unsigned bit = address.length_bits; i % 3 == 2 && bit < octets * 8; bit++)
                address.bytes[bit / 8] |= (uint8_t)(0x80U >> bit % 8);
            if (i % 5 == 0)
                address.bytes[octets - 1] =
                    (uint8_t)(address.bytes[octets - 1] + rand_r(&seed) % 3 - 1);
        }
        address.length_bits = family_bits(address.family);
        ck_assert_int_eq(lpm_find(lpm, &address), scan(&t, &address));
    }
    lpm_free(lpm);
}
END_TEST

START_TEST(sorts_as_prefix_compare_does)
{
    static struct lpm_entry sorted[MOST], expected[MOST];
    unsigned seed = (unsigned)_i;
    size_t count = (size_t)rand_r(&seed) % MOST;

    for (size_t i = 0; i < count; i++)
        expected[i] = sorted[i] = (struct lpm_entry){.prefix = random_prefix(&seed)};
    qsort(expected, count, sizeof *expected, compare);
    lpm_sort(sorted, count);
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(compare(&sorted[i], &expected[i]), 0);
}
END_TEST

/* More ranges than one binary search should have to do with: a /16 of /24s, and /128s in one /64. */
START_TEST(finds_in_crowded_places)
{
    enum { CROWD = 4000 };
    static struct lpm_entry entries[CROWD];
    struct error err;
    struct prefix address;
    char text[PREFIX_TEXT_SIZE];

    for (int i = 0; i < CROWD; i++) {
        (void)snprintf(text, sizeof text, i < CROWD / 2 ? "2001:%x::/32" : "2002::%x/128", 2 * i);
        ck_assert(prefix_parse(text, &entries[i].prefix));
        entries[i].pid = i;
    }
    struct lpm *lpm = lpm_new(entries, CROWD, &err);
    ck_assert_msg(lpm != NULL, "%s", err.text);
    for (int i = 0; i < 2 * CROWD; i++) {
        bool is_first = i < CROWD;
        (void)snprintf(text, sizeof text, is_first ? "2001:%x::1" : "2002::%x", i);
        ck_assert(address_parse(text, &address));
        ck_assert_int_eq(lpm_find(lpm, &address), i % 2 ? LPM_NONE : i / 2);
    }
    lpm_free(lpm);
}
END_TEST

START_TEST(refuses_repeats_and_disorder)
{
    struct table t;
    struct error err;

    table_of("10.0.0.0/8 10.0.0.0/8", &t);
    ck_assert_ptr_null(lpm_new(t.entries, t.count, &err));
    ck_assert_str_eq(err.text, "prefix 10.0.0.0/8 is there twice, or out of order");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lpm");
    TCase *tests = tcase_create("lpm");

    tcase_add_loop_test(tests, a056_finds_the_longest_match, 0,
                        (int)(sizeof longest / sizeof *longest));
    tcase_add_loop_test(tests, equals_a_linear_scan, 1, 31);
    tcase_add_loop_test(tests, sorts_as_prefix_compare_does, 1, 31);
    tcase_add_test(tests, finds_in_crowded_places);
    tcase_add_test(tests, refuses_repeats_and_disorder);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
