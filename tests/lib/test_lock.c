/* One process at a time, and a message that names the other. */
#include "lib/lock.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char path[] = "/tmp/altimeter-test-XXXXXX";

static void setup(void)
{
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(close(fd), 0);
}

static void teardown(void)
{
    (void)unlink(path);
}

START_TEST(the_second_is_told_who_has_it)
{
    struct error err;
    struct lock *lock = lock_take(path, &err);
    char expected[128];

    ck_assert_msg(lock, "%s", err.text);
    ck_assert_ptr_null(lock_take(path, &err));
    (void)snprintf(expected, sizeof expected, "%s: held by process %d (test_lock)", path,
                   (int)getpid());
    ck_assert_str_eq(err.text, expected);
    lock_release(lock);
    lock = lock_take(path, &err);
    ck_assert_msg(lock, "%s", err.text);
    lock_release(lock);
}
END_TEST

START_TEST(it_notices_that_its_file_is_gone)
{
    struct error err;
    struct lock *lock = lock_take(path, &err);

    ck_assert_msg(lock, "%s", err.text);
    ck_assert(lock_is_at(lock, path));
    ck_assert_int_eq(unlink(path), 0);
    ck_assert(!lock_is_at(lock, path));
    struct lock *other = lock_take(path, &err); // another file of that name
    ck_assert_msg(other, "%s", err.text);
    ck_assert(lock_is_at(other, path));
    ck_assert(!lock_is_at(lock, path));
    lock_release(other);
    lock_release(lock);
}
END_TEST

START_TEST(it_ends_with_its_process)
{
    struct error err;
    int status;
    pid_t child = fork();

    if (child == 0)
        _exit(lock_take(path, &err) ? 0 : 1); // not released: the kernel does it
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    struct lock *lock = lock_take(path, &err);
    ck_assert_msg(lock, "%s", err.text);
    lock_release(lock);
}
END_TEST

START_TEST(a_place_that_is_not_there_is_named)
{
    struct error err;

    ck_assert_ptr_null(lock_take("/nowhere/at/all.lock", &err));
    ck_assert_str_eq(err.text,
                     "/nowhere/at/all.lock: opening the lock file: No such file or directory");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lock");
    TCase *cases = tcase_create("lock");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, the_second_is_told_who_has_it);
    tcase_add_test(cases, it_notices_that_its_file_is_gone);
    tcase_add_test(cases, it_ends_with_its_process);
    tcase_add_test(cases, a_place_that_is_not_there_is_named);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
