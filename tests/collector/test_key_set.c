/* key_set against a list that is searched from front to back. */
#include "collector/key_set.h"

#include <check.h>
#include <stdlib.h>

enum { KEYS = 300, TURNS = 20000 };

static size_t count_of(const bool *present)
{
    size_t count = 0;

    for (int i = 0; i < KEYS; i++)
        count += present[i];
    return count;
}

/* Few distinct low bits, so that chains of slots are long and removals have gaps to close. */
static uint64_t key_of(unsigned number)
{
    return (uint64_t)(number % 7) | (uint64_t)number << 32;
}

START_TEST(counts_as_a_list_does)
{
    struct key_set set = {0};
    bool present[KEYS] = {false};
    unsigned seed = (unsigned)_i;

    for (int turn = 0; turn < TURNS; turn++) {
        unsigned number = (unsigned)rand_r(&seed) % KEYS;
        bool add = rand_r(&seed) % 100 < (turn < TURNS / 2 ? 60 : 40);
        if (add)
            key_set_add(&set, key_of(number));
        else
            key_set_remove(&set, key_of(number));
        present[number] = add;
        if (turn % 97 == 0)
            ck_assert_uint_eq(set.count, count_of(present));
    }
    for (unsigned i = 0; i < KEYS; i++)
        key_set_remove(&set, key_of(i));
    ck_assert_uint_eq(set.count, 0);
    key_set_clear(&set);
}
END_TEST

START_TEST(zero_is_a_key)
{
    struct key_set set = {0};

    key_set_remove(&set, 0);
    key_set_add(&set, 0);
    key_set_add(&set, 0);
    ck_assert_uint_eq(set.count, 1);
    key_set_remove(&set, 0);
    ck_assert_uint_eq(set.count, 0);
    key_set_clear(&set);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("key_set");
    TCase *cases = tcase_create("key_set");

    tcase_add_loop_test(cases, counts_as_a_list_does, 1, 6);
    tcase_add_test(cases, zero_is_a_key);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
