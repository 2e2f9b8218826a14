/* inbox: two lists that change places.
 *
 * Posters fill one list under the lock while the receiver works through the other without it; taking is
 * the exchange of the two. So the lock is held for a few stores, however long a batch is, and nothing is
 * allocated after inbox_new(). */
#include "inbox.h"

#include "lib/arena.h"
#include "lib/error.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct inbox {
    // set once
    size_t capacity;
    int wake_fd;
    // under lock
    pthread_mutex_t lock;
    void **posted;
    size_t count;
    bool closed;
    // the receiver's thread only
    void **taken;
};

struct inbox *inbox_new(size_t capacity)
{
    struct inbox *inbox = memory_alloc(1, sizeof *inbox);

    *inbox = (struct inbox){
        .capacity = capacity,
        .wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
        .posted = memory_alloc(capacity, sizeof *inbox->posted),
        .taken = memory_alloc(capacity, sizeof *inbox->taken),
    };
    if (inbox->wake_fd < 0)
        error_fatal("inbox: eventfd: %s", strerror(errno));
    (void)pthread_mutex_init(&inbox->lock, NULL); // cannot fail with default attributes
    return inbox;
}

void inbox_free(struct inbox *inbox)
{
    if (!inbox)
        return;
    (void)close(inbox->wake_fd);
    pthread_mutex_destroy(&inbox->lock);
    free(inbox->posted);
    free(inbox->taken);
    free(inbox);
}

bool inbox_post(struct inbox *inbox, void *item)
{
    pthread_mutex_lock(&inbox->lock);
    bool accepted = !inbox->closed && inbox->count < inbox->capacity;
    bool first = accepted && inbox->count == 0; // only the first of a batch pays for a wake-up
    if (accepted)
        inbox->posted[inbox->count++] = item;
    pthread_mutex_unlock(&inbox->lock);
    if (first)
        (void)eventfd_write(inbox->wake_fd, 1); // EAGAIN: already awake
    return accepted;
}

void *const *inbox_take(struct inbox *inbox, size_t *count)
{
    eventfd_t wakes;

    // before the exchange: a post that comes between the two wakes us once more, for nothing
    (void)eventfd_read(inbox->wake_fd, &wakes);
    pthread_mutex_lock(&inbox->lock);
    void **posted = inbox->posted;
    *count = inbox->count;
    inbox->posted = inbox->taken;
    inbox->count = 0;
    pthread_mutex_unlock(&inbox->lock);
    inbox->taken = posted;
    return posted;
}

void inbox_close(struct inbox *inbox)
{
    pthread_mutex_lock(&inbox->lock);
    inbox->closed = true;
    pthread_mutex_unlock(&inbox->lock);
}

int inbox_wake_fd(const struct inbox *inbox)
{
    return inbox->wake_fd;
}
