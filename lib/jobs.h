/* jobs: one loop over many equal pieces of work, shared by several threads for as long as it lasts.
 *
 * Nothing stays behind: the threads are made by the call and end with it, and the caller is one of them. What a
 * piece of work writes must be its own; then the outcome does not depend on how many threads there were. */
#pragma once

#include <stddef.h>

enum { JOBS_THREADS_LIMIT = 16 }; // beyond it memory is the bound, not the processors

/* How many threads are worth it: the processors that this process may use, up to the limit. */
unsigned jobs_threads(void);

/* Calls work for all of [0, count), in batches [first, end), each once, in no order. worker: 0 to threads - 1, one
 * thread each: for memory that is used again from batch to batch. threads: 1 to JOBS_THREADS_LIMIT. A thread
 * that the system refuses is done without. */
void jobs_run(unsigned threads, size_t count, size_t batch,
              void (*work)(void *context, unsigned worker, size_t first, size_t end),
              void *context);
