/* snapshot_fixture: see snapshot_fixture.h. */
#include "snapshot_fixture.h"

#include "lib/db.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char example[] =
    "INSERT INTO snapshot VALUES (1, 7, 'netmap', '00112233445566778899aabbccddeeff',"
    " 1700000000000000, 'g1', 42, 1700000000000000, '0.1.0', 'c0ffee', 'default', 0, 0, '[]', "
    "'{}');"
    "INSERT INTO pid VALUES (0, 'as64500@mad-cr1', 'class', 1, 0), (1, 'default', 'default', 1, 1),"
    " (2, 'lis-cr2', 'class', 1, 1), (3, 'mad-cr1', 'class', 2, 0);"
    "INSERT INTO prefix_list VALUES (0, 'ipv4', '[\"203.0.113.0/24\"]'),"
    " (1, 'ipv4', '[\"0.0.0.0/0\"]'), (1, 'ipv6', '[\"::/0\"]'),"
    " (2, 'ipv4', '[\"192.0.2.128/25\"]'), (2, 'ipv6', '[\"2001:db8:40::/44\"]'),"
    " (3, 'ipv4', '[\"192.0.2.0/25\",\"198.51.100.0/25\"]');"
    "INSERT INTO metric VALUES"
    " (0, 'routingcost', '', NULL, NULL, '10112233445566778899aabbccddeeff', 6),"
    " (1, 'hopcount', 'hops', NULL, NULL, '20112233445566778899aabbccddeeff', 6),"
    " (2, 'delay-ow:mean', 'us', NULL, '{\"cost-source\":\"estimation\"}',"
    "  '30112233445566778899aabbccddeeff', 2),"
    " (3, 'delay-ow', 'us', 2, '{\"cost-source\":\"estimation\"}',"
    "  '40112233445566778899aabbccddeeff', 2);"
    "INSERT INTO cost_row VALUES (0, 2, 2, CAST('31   030' AS BLOB)),"
    " (0, 3, 2, CAST(' 1  30 0' AS BLOB)), (1, 2, 1, CAST('2 01' AS BLOB)),"
    " (1, 3, 1, CAST('1 10' AS BLOB)), (2, 2, 4, CAST('               0' AS BLOB)),"
    " (2, 3, 4, CAST('        2500    ' AS BLOB));"
    "INSERT INTO router VALUES (0, '10.0.0.1', 'mad-cr1', 0), (1, '10.0.0.2', 'lis-cr2', 1);"
    "INSERT INTO link VALUES (1, 0, 1, 2, 30, 2500, '[\"10.1.0.1\"]', NULL),"
    " (2, 1, 0, 2, 30, NULL, NULL, NULL);"
    "INSERT INTO attachment VALUES (0, 0, 1), (2, 1, 0), (3, 0, 0);"
    "INSERT INTO session VALUES ('rr1', 'link-state', 'up', 0, 'received'),"
    " ('rr2', 'ipv4-unicast', 'down', 1, 'no');";

static void stop(const char *what, const char *why)
{
    (void)fprintf(stderr, "snapshot_fixture: %s: %s\n", what, why);
    abort();
}

static void make(const char *path, const struct db_kind *kind, const char *content,
                 const char *changes)
{
    struct error err;

    (void)unlink(path);
    sqlite3 *db = db_open(path, DB_CREATE, &err);
    // hundreds of files that live for milliseconds: none has to survive a power cut
    if (!db || !db_exec(db, "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF", &err) ||
        !db_exec(db, kind->schema, &err) || !db_exec(db, content, &err) ||
        (changes && !db_exec(db, changes, &err)))
        stop(path, err.text);
    db_close(db);
}

void fixture_snapshot(const char *path, const char *changes)
{
    make(path, &db_snapshot, example, changes);
}

void fixture_publish(const char *directory, const char *name, const char *changes)
{
    char path[512], link[512], next[512];

    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    (void)snprintf(next, sizeof next, "%s/current.new", directory);
    (void)snprintf(link, sizeof link, "%s/current", directory);
    fixture_snapshot(path, changes);
    (void)unlink(next);
    if (symlink(name, next) != 0 || rename(next, link) != 0)
        stop(link, "cannot be made");
}

void fixture_status(const char *directory, const char *snapshot, long long confirmed_us)
{
    char path[512], next[512], *row;

    (void)snprintf(path, sizeof path, "%s/status.db", directory);
    (void)snprintf(next, sizeof next, "%s/status.db.new", directory);
    row = sqlite3_mprintf("INSERT INTO status (only, map, written_us, version, pid, phase, message,"
                          " snapshot, number, tag, sequence, confirmed_us)"
                          " VALUES (1, 'netmap', %lld, '0.1.0', 1, 'running', '', %Q, 7,"
                          " '00112233445566778899aabbccddeeff', 42, %lld)",
                          confirmed_us, snapshot, confirmed_us);
    make(next, &db_status, row, NULL);
    sqlite3_free(row);
    if (rename(next, path) != 0)
        stop(path, "cannot be made");
}

char *fixture_directory(void)
{
    const char *parent = getenv("TMPDIR");
    char *directory = malloc(256);

    if (directory)
        (void)snprintf(directory, 256, "%.200s/altimeter-XXXXXX", parent ? parent : "/tmp");
    if (!directory || !mkdtemp(directory))
        stop("a directory for the test", "cannot be made");
    return directory;
}

void fixture_remove(char *directory)
{
    DIR *entries = opendir(directory);
    struct dirent *entry;

    while (entries && (entry = readdir(entries)))
        (void)unlinkat(dirfd(entries), entry->d_name, 0); // "." and ".." refuse
    if (entries)
        (void)closedir(entries);
    (void)rmdir(directory);
    free(directory);
}
