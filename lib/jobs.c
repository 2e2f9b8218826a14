/* jobs: see jobs.h. */
#include "jobs.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

struct jobs {
    size_t count, batch;
    void (*work)(void *context, unsigned worker, size_t first, size_t end);
    void *context;
    atomic_size_t next; // first of the batch that nobody has taken
};

struct worker {
    struct jobs *jobs;
    unsigned number;
    bool is_started;
    pthread_t thread;
};

unsigned jobs_threads(void)
{
    cpu_set_t set;
    unsigned count = 1;

    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        count = (unsigned)CPU_COUNT(&set);
    return count < JOBS_THREADS_LIMIT ? count : JOBS_THREADS_LIMIT;
}

static void *take_batches(void *context)
{
    const struct worker *worker = context;
    struct jobs *jobs = worker->jobs;

    for (size_t first; (first = atomic_fetch_add(&jobs->next, jobs->batch)) < jobs->count;) {
        size_t left = jobs->count - first;
        jobs->work(jobs->context, worker->number, first,
                   first + (left < jobs->batch ? left : jobs->batch));
    }
    return NULL;
}

void jobs_run(unsigned threads, size_t count, size_t batch,
              void (*work)(void *context, unsigned worker, size_t first, size_t end), void *context)
{
    struct jobs jobs = {.count = count, .batch = batch, .work = work, .context = context};
    struct worker workers[JOBS_THREADS_LIMIT];

    assert(threads >= 1 && threads <= JOBS_THREADS_LIMIT && batch >= 1);
    for (unsigned i = 0; i < threads; i++) {
        workers[i] = (struct worker){.jobs = &jobs, .number = i};
        // no more threads than batches; the caller is the first
        if (i > 0 && i * batch < count)
            workers[i].is_started =
                pthread_create(&workers[i].thread, NULL, take_batches, &workers[i]) == 0;
    }
    (void)take_batches(&workers[0]);
    for (unsigned i = 1; i < threads; i++) {
        if (workers[i].is_started)
            (void)pthread_join(workers[i].thread, NULL);
    }
}
