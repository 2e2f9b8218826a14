/* The table against a linear scan. */
#include "lib/arena.h"
#include "mapgen/prefix_table.h"
#include "network.h"

#include <check.h>
#include <stdlib.h>

enum { PREFIXES = 200 };

static struct prefix random_prefix(uint64_t *seed, bool is_address)
{
    enum family family = network_random(seed, 2) ? FAMILY_IPV4 : FAMILY_IPV6;
    uint8_t bytes[16] = {0}, length = (uint8_t)network_random(seed, family_bits(family) + 1U);
    struct prefix prefix;

    for (size_t i = 0; i < sizeof bytes; i++) // few values, so that prefixes nest
        bytes[i] = network_random(seed, 4) ? 0 : 0x80;
    ck_assert(prefix_from_bytes(family, is_address ? family_bits(family) : length, bytes, &prefix));
    return prefix;
}

static bool is_odd(const void *context, uint32_t number)
{
    (void)context;
    return number % 2;
}

static uint32_t scan(const struct prefix *list, size_t count, const struct prefix *address,
                     unsigned shortest, bool odd)
{
    uint32_t best = PREFIX_TABLE_NONE;

    for (uint32_t i = 0; i < count; i++) {
        if (prefix_contains(&list[i], address) && list[i].length_bits >= shortest &&
            (!odd || i % 2) &&
            (best == PREFIX_TABLE_NONE || list[i].length_bits > list[best].length_bits))
            best = i;
    }
    return best;
}

START_TEST(finds_what_a_scan_finds)
{
    uint64_t seed = (uint64_t)_i;
    struct prefix_table *table = prefix_table_new();
    struct prefix list[PREFIXES];
    uint32_t count = 0;

    for (size_t i = 0; i < PREFIXES; i++) {
        struct prefix prefix = random_prefix(&seed, false);
        bool is_new = prefix_table_get(table, &prefix) == PREFIX_TABLE_NONE;

        ck_assert_uint_eq(prefix_table_put(table, &prefix, count) == count, is_new);
        if (is_new)
            list[count++] = prefix;
    }
    for (uint32_t i = 0; i < count; i++)
        ck_assert_uint_eq(prefix_table_get(table, &list[i]), i);
    for (size_t i = 0; i < 200; i++) {
        struct prefix address = random_prefix(&seed, true);

        ck_assert_uint_eq(prefix_table_match(table, &address, 0, NULL, NULL),
                          scan(list, count, &address, 0, false));
        ck_assert_uint_eq(prefix_table_match(table, &address, 1, NULL, NULL),
                          scan(list, count, &address, 1, false));
        ck_assert_uint_eq(prefix_table_match(table, &address, 0, is_odd, NULL),
                          scan(list, count, &address, 0, true));
    }
    prefix_table_free(table);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("prefix_table");
    TCase *cases = tcase_create("prefix_table");

    tcase_add_loop_test(cases, finds_what_a_scan_finds, 0, 50);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
