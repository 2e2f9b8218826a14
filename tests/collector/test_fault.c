/* Faults: every kind has a name and a meter's spelling; the ring keeps the newest. */
#include "collector/fault.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

START_TEST(every_kind_has_a_name_of_its_own)
{
    for (enum fault a = 0; a < FAULTS; a++) {
        ck_assert_ptr_nonnull(fault_name(a));
        ck_assert_ptr_nonnull(strchr(fault_name(a), '.'));
        for (enum fault b = 0; b < a; b++)
            ck_assert_str_ne(fault_name(a), fault_name(b));
    }
}
END_TEST

START_TEST(notes_are_passed_over)
{
    struct faults faults = {0}, sum = {0};

    ck_assert_int_eq(faults_first(&faults), FAULTS);
    faults_count(&faults, FAULT_LS_TYPE);
    ck_assert_int_eq(faults_first(&faults), FAULTS);
    faults_count(&faults, FAULT_LS_ORDER);
    ck_assert_int_eq(faults_first(&faults), FAULT_LS_ORDER);
    faults_add(&sum, &faults);
    faults_add(&sum, &faults);
    ck_assert_uint_eq(sum.count[FAULT_LS_ORDER], 2);
}
END_TEST

START_TEST(l095_ring_keeps_the_newest_whole)
{
    struct fault_ring ring = {0};
    uint8_t bytes[3] = {0};

    for (uint8_t i = 0; i < FAULT_RING + 2; i++) {
        bytes[0] = i;
        fault_ring_add(&ring, i, -1, FAULT_LS_ORDER,
                       (struct octets){.bytes = bytes, .length = i % 2 ? 1 : 3});
    }
    ck_assert_uint_eq(ring.added, FAULT_RING + 2);
    ck_assert_uint_eq(ring.records[0].message[0], FAULT_RING);
    ck_assert_uint_eq(ring.records[0].length, 3);
    ck_assert_uint_eq(ring.records[1].message[0], FAULT_RING + 1);
    ck_assert_uint_eq(ring.records[2].message[0], 2); // the oldest
    fault_ring_clear(&ring);
    ck_assert_uint_eq(ring.added, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fault");
    TCase *tc = tcase_create("fault");

    tcase_add_test(tc, every_kind_has_a_name_of_its_own);
    tcase_add_test(tc, notes_are_passed_over);
    tcase_add_test(tc, l095_ring_keeps_the_newest_whole);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
