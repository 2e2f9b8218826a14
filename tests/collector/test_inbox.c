/* inbox: order, bounds and wake-ups, and posts from several threads at once. */
#include "collector/inbox.h"

#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

enum { POSTERS = 4, POSTS = 20000, CAPACITY = 64 };

static bool is_awake(const struct inbox *inbox)
{
    struct pollfd poll_fd = {.fd = inbox_wake_fd(inbox), .events = POLLIN};

    return poll(&poll_fd, 1, 0) == 1;
}

START_TEST(gives_what_was_posted_in_order_and_once)
{
    struct inbox *inbox = inbox_new(3);
    int items[4];
    size_t count;

    ck_assert(!is_awake(inbox));
    ck_assert(inbox_post(inbox, &items[0]));
    ck_assert(inbox_post(inbox, &items[1]));
    ck_assert(is_awake(inbox));
    void *const *taken = inbox_take(inbox, &count);
    ck_assert_uint_eq(count, 2);
    ck_assert_ptr_eq(taken[0], &items[0]);
    ck_assert_ptr_eq(taken[1], &items[1]);
    ck_assert(!is_awake(inbox));
    (void)inbox_take(inbox, &count);
    ck_assert_uint_eq(count, 0);
    inbox_free(inbox);
}
END_TEST

START_TEST(refuses_when_full_and_when_closed)
{
    struct inbox *inbox = inbox_new(1);
    int items[2];
    size_t count;

    ck_assert(inbox_post(inbox, &items[0]));
    ck_assert(!inbox_post(inbox, &items[1]));
    (void)inbox_take(inbox, &count);
    ck_assert(inbox_post(inbox, &items[1])); // there is room again
    inbox_close(inbox);
    (void)inbox_take(inbox, &count);
    ck_assert_uint_eq(count, 1); // what was posted before is still given
    ck_assert(!inbox_post(inbox, &items[0]));
    inbox_free(inbox);
}
END_TEST

static char marks[POSTS]; // only their addresses count

static void *post_many(void *argument)
{
    struct inbox *inbox = argument;

    for (size_t i = 0; i < POSTS; i++) {
        while (!inbox_post(inbox, &marks[i]))
            (void)sched_yield();
    }
    return NULL;
}

/* Nothing is lost, nothing comes twice, and whoever waits for the wake-up gets everything. */
START_TEST(takes_from_several_threads)
{
    struct inbox *inbox = inbox_new(CAPACITY);
    struct pollfd poll_fd = {.fd = inbox_wake_fd(inbox), .events = POLLIN};
    pthread_t threads[POSTERS];
    size_t count, total = 0, sum = 0;

    for (int i = 0; i < POSTERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, post_many, inbox), 0);
    while (total < (size_t)POSTERS * POSTS) {
        ck_assert_int_eq(poll(&poll_fd, 1, 10000), 1);
        void *const *taken = inbox_take(inbox, &count);
        ck_assert_uint_le(count, CAPACITY);
        for (size_t i = 0; i < count; i++)
            sum += (size_t)((char *)taken[i] - marks);
        total += count;
    }
    for (int i = 0; i < POSTERS; i++)
        (void)pthread_join(threads[i], NULL);
    ck_assert_uint_eq(sum, (size_t)POSTERS * POSTS * (POSTS - 1) / 2);
    inbox_free(inbox);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("inbox");
    TCase *cases = tcase_create("inbox");

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, gives_what_was_posted_in_order_and_once);
    tcase_add_test(cases, refuses_when_full_and_when_closed);
    tcase_add_test(cases, takes_from_several_threads);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
