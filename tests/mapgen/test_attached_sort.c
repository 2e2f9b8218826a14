/* The order of a map's prefixes, against qsort and prefix_compare. */
#include "lib/arena.h"
#include "mapgen/attached_sort.h"
#include "network.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    return prefix_compare(&((const struct attached_prefix *)a)->prefix,
                          &((const struct attached_prefix *)b)->prefix);
}

/* bits: how many of the first bits of an address vary; few: many prefixes differ in what comes last only. */
static struct prefix random_prefix(uint64_t *seed, unsigned bits)
{
    enum family family = network_random(seed, 2) ? FAMILY_IPV4 : FAMILY_IPV6;
    uint8_t bytes[16], length = (uint8_t)network_random(seed, family_bits(family) + 1U);
    struct prefix prefix;

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = 8 * i < bits ? (uint8_t)network_random(seed, 256) : 0;
    if (network_random(seed, 4) == 0)
        bytes[15] = (uint8_t)network_random(seed, 256);
    ck_assert(prefix_from_bytes(family, length, bytes, &prefix));
    return prefix;
}

static void check_sorted(size_t count, unsigned bits, uint64_t seed)
{
    struct attached_prefix *list = memory_alloc(count, sizeof *list);
    struct attached_prefix *wanted = memory_alloc(count, sizeof *wanted);
    uint64_t classes = 0;

    for (size_t i = 0; i < count; i++)
        list[i] = wanted[i] = (struct attached_prefix){random_prefix(&seed, bits), (uint32_t)i};
    attached_sort(list, count);
    if (count)
        qsort(wanted, count, sizeof *wanted, compare);
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(prefix_compare(&list[i].prefix, &wanted[i].prefix), 0);
        classes += list[i].class;
    }
    ck_assert_uint_eq(classes, count * (count - 1) / 2); // each came through once
    free(list);
    free(wanted);
}

START_TEST(sorts_as_prefix_compare_does)
{
    static const unsigned bits[] = {0, 8, 48, 56, 64, 128};
    static const size_t counts[] = {0, 1, 2, 3, 100, 5000};

    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        for (size_t b = 0; b < sizeof bits / sizeof *bits; b++)
            check_sorted(counts[c], bits[b], (uint64_t)_i * 1000 + bits[b] + 1);
    }
}
END_TEST

START_TEST(keeps_the_class_with_its_prefix)
{
    static const char *const texts[] = {"2001:db8::/32", "10.0.0.0/8", "0.0.0.0/0", "2001:db8::/48",
                                        "10.0.0.0/16",   "::/0",       "9.9.9.9/32"};
    static const uint32_t order[] = {2, 6, 1, 4, 5, 0, 3};
    struct attached_prefix list[7];

    for (uint32_t i = 0; i < 7; i++) {
        ck_assert(prefix_parse(texts[i], &list[i].prefix));
        list[i].class = i;
    }
    attached_sort(list, 7);
    for (size_t i = 0; i < 7; i++)
        ck_assert_uint_eq(list[i].class, order[i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("attached_sort");
    TCase *tcase = tcase_create("attached_sort");

    tcase_add_loop_test(tcase, sorts_as_prefix_compare_does, 0, 5);
    tcase_add_test(tcase, keeps_the_class_with_its_prefix);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
