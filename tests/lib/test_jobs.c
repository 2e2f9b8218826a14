/* One loop by several threads: everything once, and each worker by itself. */
#include "lib/arena.h"
#include "lib/jobs.h"

#include <check.h>
#include <stdlib.h>

struct seen {
    size_t count, batch;
    unsigned char *times;                 // of each piece
    size_t by_worker[JOBS_THREADS_LIMIT]; // unguarded: a worker is one thread
};

static void see(void *context, unsigned worker, size_t first, size_t end)
{
    struct seen *seen = context;

    ck_assert_uint_lt(worker, JOBS_THREADS_LIMIT);
    ck_assert_uint_lt(first, end);
    ck_assert_uint_le(end, seen->count);
    ck_assert_uint_le(end - first, seen->batch);
    for (size_t i = first; i < end; i++)
        seen->times[i]++;
    seen->by_worker[worker] += end - first;
}

START_TEST(does_each_piece_once)
{
    static const size_t counts[] = {0, 1, 2, 15, 16, 17, 1000};
    static const size_t batches[] = {1, 3, 16, 5000};

    for (unsigned threads = 1; threads <= JOBS_THREADS_LIMIT; threads += 5) {
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
            for (size_t b = 0; b < sizeof batches / sizeof *batches; b++) {
                struct seen seen = {.count = counts[c], .batch = batches[b]};
                size_t total = 0;

                seen.times = memory_alloc(seen.count, 1);
                jobs_run(threads, seen.count, seen.batch, see, &seen);
                for (size_t i = 0; i < seen.count; i++)
                    ck_assert_uint_eq(seen.times[i], 1);
                for (unsigned i = 0; i < JOBS_THREADS_LIMIT; i++)
                    total += seen.by_worker[i];
                ck_assert_uint_eq(total, seen.count);
                free(seen.times);
            }
        }
    }
}
END_TEST

START_TEST(one_thread_is_the_callers)
{
    struct seen seen = {.count = 100, .batch = 7};

    seen.times = memory_alloc(seen.count, 1);
    jobs_run(1, seen.count, seen.batch, see, &seen);
    ck_assert_uint_eq(seen.by_worker[0], 100);
    free(seen.times);
}
END_TEST

START_TEST(a_machine_has_a_thread)
{
    ck_assert_uint_ge(jobs_threads(), 1);
    ck_assert_uint_le(jobs_threads(), JOBS_THREADS_LIMIT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("jobs");
    TCase *tcase = tcase_create("jobs");

    tcase_add_test(tcase, does_each_piece_once);
    tcase_add_test(tcase, one_thread_is_the_callers);
    tcase_add_test(tcase, a_machine_has_a_thread);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
