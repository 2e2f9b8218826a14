/* lock: see lock.h. */
#include "lock.h"

#include "arena.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct lock {
    int fd;
};

/* The one line of a small file, without its newline; "" when there is none. */
static void read_line(int fd, char *line, size_t size)
{
    ssize_t length = pread(fd, line, size - 1, 0);

    line[length > 0 ? length : 0] = '\0';
    line[strcspn(line, "\n")] = '\0';
}

/* "process 4711 (altimeter-mapge)", or as much of it as can be known. */
static void describe_holder(int fd, char *holder, size_t size)
{
    char digits[24], path[64], name[32] = "";
    uint64_t pid;

    read_line(fd, digits, sizeof digits);
    if (!text_uint(digits, strlen(digits), 1, INT32_MAX, &pid)) {
        (void)snprintf(holder, size, "another process");
        return;
    }
    (void)snprintf(path, sizeof path, "/proc/%" PRIu64 "/comm", pid);
    int comm = open(path, O_RDONLY | O_CLOEXEC);
    if (comm >= 0) {
        read_line(comm, name, sizeof name);
        (void)close(comm);
    }
    (void)snprintf(holder, size, "process %" PRIu64 "%s%s%s", pid, *name ? " (" : "", name,
                   *name ? ")" : "");
}

struct lock *lock_take(const char *path, struct error *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    char text[80];

    if (fd < 0) {
        error_errno(err, errno, "%s: opening the lock file", path);
        return NULL;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) {
            describe_holder(fd, text, sizeof text);
            error_set(err, ERROR_SYSTEM, "%s: held by %s", path, text);
        } else {
            error_errno(err, errno, "%s: locking", path);
        }
        (void)close(fd);
        return NULL;
    }
    int length = snprintf(text, sizeof text, "%jd\n", (intmax_t)getpid());
    // the number only helps a message: a full disk is no reason to refuse the lock
    if (ftruncate(fd, 0) == 0)
        (void)!pwrite(fd, text, (size_t)length, 0);
    struct lock *lock = memory_alloc(1, sizeof *lock);
    lock->fd = fd;
    return lock;
}

bool lock_is_at(const struct lock *lock, const char *path)
{
    struct stat held, there;

    return fstat(lock->fd, &held) == 0 && stat(path, &there) == 0 && held.st_dev == there.st_dev &&
           held.st_ino == there.st_ino;
}

void lock_release(struct lock *lock)
{
    if (!lock)
        return;
    (void)close(lock->fd);
    free(lock);
}
