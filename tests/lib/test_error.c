/* An error's text grows from the inside out and is never longer than its place. */
#include "lib/error.h"

#include <check.h>
#include <errno.h>
#include <string.h>

START_TEST(says_what_it_was_told)
{
    struct error err;

    ck_assert(!error_set(&err, ERROR_LIMIT, "name of %d bytes; %s expected", 80, "1 to 64"));
    ck_assert_str_eq(err.text, "name of 80 bytes; 1 to 64 expected");
    ck_assert_int_eq(err.kind, ERROR_LIMIT);
    ck_assert_ptr_nonnull(strstr(err.file, "test_error.c"));
    ck_assert_int_gt(err.line, 0);
}
END_TEST

START_TEST(each_layer_adds_its_place_in_front)
{
    struct error err;

    (void)error_set(&err, ERROR_INPUT, "name too long");
    ck_assert(!error_in(&err, "row %d", 7));
    ck_assert(!error_in(&err, "pid"));
    ck_assert_str_eq(err.text, "pid: row 7: name too long");
    ck_assert_int_eq(err.kind, ERROR_INPUT);
}
END_TEST

START_TEST(names_the_systems_reason)
{
    struct error err;

    ck_assert(!error_errno(&err, ENOENT, "%s", "a.yaml"));
    ck_assert_str_eq(err.text, "a.yaml: No such file or directory");
    ck_assert_int_eq(err.kind, ERROR_SYSTEM);
}
END_TEST

START_TEST(a_long_text_is_cut)
{
    struct error err;
    char text[2000];

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    (void)error_set(&err, ERROR_INPUT, "%s", text);
    ck_assert_uint_eq(strlen(err.text), sizeof err.text - 1);
    (void)error_in(&err, "place");
    ck_assert_uint_eq(strlen(err.text), sizeof err.text - 1);
    ck_assert_int_eq(strncmp(err.text, "place: xxx", 10), 0);
    (void)error_in(&err, "%s", text);
    ck_assert_uint_eq(strlen(err.text), sizeof err.text - 1);
    (void)error_errno(&err, ENOENT, "%s", text);
    ck_assert_uint_eq(strlen(err.text), sizeof err.text - 1);
}
END_TEST

START_TEST(the_machines_failure_ends_the_program)
{
    error_fatal("out of memory: %d", 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("error");
    TCase *cases = tcase_create("error");

    tcase_add_test(cases, says_what_it_was_told);
    tcase_add_test(cases, each_layer_adds_its_place_in_front);
    tcase_add_test(cases, names_the_systems_reason);
    tcase_add_test(cases, a_long_text_is_cut);
    tcase_add_exit_test(cases, the_machines_failure_ends_the_program, 70);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
