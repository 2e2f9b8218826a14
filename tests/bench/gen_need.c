/* gen_need: see gen_need.h.
 *
 * The needs are lines through what was measured, and a third more (`altimeter-gen --describe` at the sizes
 * of docs/benchmarks.md under /usr/bin/time; the files' sizes by ls). */
#include "gen_need.h"

#include "lib/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

enum {
    ROUTERS_LEAST = 20,
    ROUTERS_MOST = 10000,
    IPV4_PER_ROUTER = 3, // so that each attachment set has a prefix
    IPV4_MOST = 3000000,
    IPV6_MOST = 3000000,
    REFLECTORS_MOST = 64,
};
#define MB UINT64_C(1000000)

bool gen_check_size(const struct gen_size *size, struct error *err)
{
    size_t least = IPV4_PER_ROUTER * size->routers;

    if (size->routers < ROUTERS_LEAST || size->routers > ROUTERS_MOST)
        return error_set(err, ERROR_INPUT, "--routers %zu: %d to %d expected", size->routers,
                         ROUTERS_LEAST, ROUTERS_MOST);
    if (size->ipv4 < least || size->ipv4 > IPV4_MOST)
        return error_set(err, ERROR_INPUT, "--ipv4 %zu: %zu (%d a router) to %d expected",
                         size->ipv4, least, IPV4_PER_ROUTER, IPV4_MOST);
    if (size->ipv6 > IPV6_MOST)
        return error_set(err, ERROR_INPUT, "--ipv6 %zu: 0 to %d expected", size->ipv6, IPV6_MOST);
    if (size->reflectors < 1 || size->reflectors > REFLECTORS_MOST)
        return error_set(err, ERROR_INPUT, "--reflectors %zu: 1 to %d expected", size->reflectors,
                         REFLECTORS_MOST);
    return true;
}

// ---- what is needed

struct need {
    uint64_t memory, scenario, mrt, state; // octets
};

static struct need compute_need(const struct gen_size *size, bool with_state)
{
    uint64_t prefixes = size->ipv4 + size->ipv6;
    uint64_t said = size->all_paths ? 5 * prefixes : size->reflectors * prefixes;
    uint64_t spread = size->reflectors < 2 || size->all_paths ? size->reflectors : 2;
    struct need need = {
        .memory = 32 * MB + 2 * (uint64_t)size->routers * size->routers + 100 * size->ipv4 +
                  150 * size->ipv6,
        .scenario = MB + 800 * size->routers + 36 * spread * prefixes,
        .mrt = MB + 110 * said,
        .state = 50 * MB + 20000 * size->routers + 110 * said,
    };

    if (with_state)
        need.memory += 100 * MB + 40 * prefixes + 60 * said;
    return need;
}

// ---- what is there

struct limit {
    const char *name;
    uint64_t left;
};

static void lower(struct limit *limit, const char *name, uint64_t left)
{
    if (left < limit->left)
        *limit = (struct limit){.name = name, .left = left};
}

/* The number of a line of a file of /proc or /sys: behind the key, or the whole line without one. "max" and
 * whatever is no number: no limit. */
static bool read_number(const char *path, const char *key, uint64_t *out)
{
    FILE *file = fopen(path, "re");
    char line[256];
    bool found = false;

    if (!file)
        return false;
    while (!found && fgets(line, sizeof line, file)) {
        const char *at = line;

        if (key && strncmp(line, key, strlen(key)) != 0)
            continue;
        at += key ? strlen(key) : 0;
        at += strspn(at, " \t");
        found = text_uint(at, strspn(at, "0123456789"), 0, UINT64_MAX, out);
    }
    (void)fclose(file);
    return found;
}

/* The limit of the cgroup and of those it is in (version 2, mounted where systemd mounts it). */
static void look_at_cgroups(struct limit *limit)
{
    FILE *file = fopen("/proc/self/cgroup", "re");
    char line[4096], path[8192];
    uint64_t most, used;

    if (!file)
        return;
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, "0::/", 4) != 0)
            continue;
        line[strcspn(line, "\n")] = '\0';
        for (char *slash; (slash = strrchr(line + 3, '/')); *slash = '\0') {
            (void)snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.max", line + 3);
            if (!read_number(path, NULL, &most))
                continue;
            (void)snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.current", line + 3);
            if (read_number(path, NULL, &used))
                lower(limit, "memory.max of the cgroup", most > used ? most - used : 0);
        }
    }
    (void)fclose(file);
}

static struct limit find_memory(void)
{
    struct limit limit = {.name = "unlimited", .left = UINT64_MAX};
    struct rlimit space;
    uint64_t number;

    if (read_number("/proc/meminfo", "MemAvailable:", &number))
        lower(&limit, "MemAvailable", number * 1024);
    if (getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur != RLIM_INFINITY) {
        uint64_t used = 0;

        if (read_number("/proc/self/status", "VmSize:", &number))
            used = number * 1024;
        lower(&limit, "RLIMIT_AS", space.rlim_cur > used ? space.rlim_cur - used : 0);
    }
    look_at_cgroups(&limit);
    return limit;
}

static uint64_t whole_mb(uint64_t octets)
{
    return (octets + MB - 1) / MB;
}

static bool check_memory(uint64_t need, struct error *err)
{
    struct limit limit = find_memory();

    return need <= limit.left ||
           error_set(err, ERROR_LIMIT,
                     "%" PRIu64 " MB of memory needed, %" PRIu64 " MB are there (%s)",
                     whole_mb(need), limit.left / MB, limit.name);
}

// ---- files

enum { FILES = 3 };

/* The directory of a file; "." for a bare name. The caller frees it. */
static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *copy = memory_text(slash ? path : ".");

    if (slash)
        copy[slash == path ? 1 : slash - path] = '\0';
    return copy;
}

/* Files of one file system share its room. */
static bool check_room(const char *const paths[FILES], const uint64_t needs[FILES],
                       struct error *err)
{
    dev_t devices[FILES] = {0};
    struct statvfs room[FILES];

    for (size_t i = 0; i < FILES; i++) {
        struct stat file;
        uint64_t need = 0;

        if (!paths[i])
            continue;
        char *directory = directory_of(paths[i]);
        bool ok = stat(directory, &file) == 0 && statvfs(directory, &room[i]) == 0;

        if (!ok)
            error_set(err, ERROR_SYSTEM, "%s: no such directory", directory);
        free(directory);
        if (!ok)
            return false;
        devices[i] = file.st_dev;
        for (size_t k = 0; k <= i; k++)
            need += paths[k] && devices[k] == devices[i] ? needs[k] : 0;
        uint64_t left = (uint64_t)room[i].f_bavail * room[i].f_frsize;

        if (need > left)
            return error_set(err, ERROR_LIMIT,
                             "%" PRIu64 " MB of disk needed, %" PRIu64 " MB are free at %s",
                             whole_mb(need), left / MB, paths[i]);
    }
    return true;
}

bool gen_check_need(const struct gen_size *size, const struct gen_files *files, struct error *err)
{
    const char *const paths[FILES] = {files->scenario, files->mrt, files->state};
    struct need need = compute_need(size, files->state != NULL);
    const uint64_t needs[FILES] = {need.scenario, need.mrt, need.state};

    return (check_memory(need.memory, err) && check_room(paths, needs, err)) ||
           error_in(err, "--routers %zu --ipv4 %zu --ipv6 %zu --paths %s --reflectors %zu",
                    size->routers, size->ipv4, size->ipv6, size->all_paths ? "all" : "best",
                    size->reflectors);
}
