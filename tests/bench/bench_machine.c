/* The machine's own figures, so that others can be judged: copying memory, sorting, a synced write, and a
 * round trip over loopback TCP.
 *
 *     bench_machine [--rounds N] DIRECTORY     DIRECTORY: on the disk that is meant */
#include "figures.h"
#include "lib/arena.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    COPY_BYTES = 64 << 20, // far beyond every cache
    SORTED = 1000000,
    WRITES = 50,
    WRITE_BYTES = 4096,
    ROUND_TRIPS = 5000,
};

struct machine {
    char *from, *to;
    uint64_t *numbers;
    int file;
    int near, far; // one TCP connection's ends
};

static _Noreturn void fail(const char *what)
{
    (void)fprintf(stderr, "bench_machine: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double copy_memory(void *context)
{
    struct machine *machine = context;
    double start = figures_now_ms();

    memcpy(machine->to, machine->from, COPY_BYTES);
    // the copy is looked at, so that it is made
    volatile char *end = machine->to + COPY_BYTES - 1;
    machine->from[0] = (char)(machine->from[0] + *end);
    return COPY_BYTES / 1e6 / (figures_now_ms() - start); // MB/ms = GB/s
}

static int compare_numbers(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static double sort_numbers(void *context)
{
    struct machine *machine = context;
    uint64_t seed = 1;

    for (size_t i = 0; i < SORTED; i++)
        machine->numbers[i] = figures_random(&seed);
    double start = figures_now_ms();
    qsort(machine->numbers, SORTED, sizeof *machine->numbers, compare_numbers);
    return figures_now_ms() - start;
}

static double sync_write(void *context)
{
    struct machine *machine = context;
    double start = figures_now_ms();

    for (size_t i = 0; i < WRITES; i++) {
        if (pwrite(machine->file, machine->from, WRITE_BYTES, (off_t)(i * WRITE_BYTES)) !=
                WRITE_BYTES ||
            fsync(machine->file) != 0)
            fail("write and fsync");
    }
    return (figures_now_ms() - start) / WRITES;
}

static void *echo(void *context)
{
    struct machine *machine = context;
    char byte;

    while (recv(machine->far, &byte, 1, 0) == 1) {
        if (send(machine->far, &byte, 1, MSG_NOSIGNAL) != 1)
            break;
    }
    return NULL;
}

static double ping_pong(void *context)
{
    struct machine *machine = context;
    char byte = 'x';
    double start = figures_now_ms();

    for (size_t i = 0; i < ROUND_TRIPS; i++) {
        if (send(machine->near, &byte, 1, MSG_NOSIGNAL) != 1 ||
            recv(machine->near, &byte, 1, 0) != 1)
            fail("loopback");
    }
    return (figures_now_ms() - start) * 1e3 / ROUND_TRIPS;
}

static void connect_ends(struct machine *machine)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    machine->near = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || machine->near < 0 ||
        bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0 ||
        connect(machine->near, (struct sockaddr *)&address, size) != 0 ||
        (machine->far = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) < 0 ||
        setsockopt(machine->near, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
        setsockopt(machine->far, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
        fail("loopback");
    (void)close(listener);
}

int main(int argc, char **argv)
{
    struct figures_options options = figures_start(argc, argv, "DIRECTORY", 1);
    static figures_function *const sides[] = {copy_memory, sort_numbers, sync_write, ping_pong};
    struct machine machine = {
        .from = memory_alloc(COPY_BYTES, 1),
        .to = memory_alloc(COPY_BYTES, 1),
        .numbers = memory_alloc(SORTED, sizeof(uint64_t)),
    };
    double medians[4];
    pthread_t thread;

    char path[PATH_MAX];

    (void)snprintf(path, sizeof path, "%s/fsync", options.words[0]);
    machine.file = open(path, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
    if (machine.file < 0)
        fail(path);
    connect_ends(&machine);
    if (pthread_create(&thread, NULL, echo, &machine) != 0)
        fail("thread");
    figures_interleave(options.rounds, sides, &machine, 4, medians);
    figures_print("memcpy", medians[0], "GB/s");
    figures_print("qsort", medians[1], "ms");
    figures_print("fsync", medians[2], "ms");
    figures_print("pingpong", medians[3], "us");
    figures_print("cpus", (double)sysconf(_SC_NPROCESSORS_ONLN), "-");
    (void)close(machine.near); // which ends the echo
    (void)pthread_join(thread, NULL);
    (void)close(machine.far);
    (void)close(machine.file);
    (void)unlink(path);
    free(machine.from);
    free(machine.to);
    free(machine.numbers);
    return 0;
}
