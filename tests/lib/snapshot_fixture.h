/* snapshot_fixture: the worked example of docs/spec/alto-base.md as a snapshot file, made by plain SQL: what a
 * reader is given here does not depend on our writer.
 *
 * PIDs: as64500@mad-cr1, default, lis-cr2, mad-cr1. Metrics: routingcost and hopcount, delay-ow:mean (with a
 * cost context) and delay-ow as its alias. */
#pragma once

#include <stddef.h>

/* Makes the file anew and runs changes (SQL, NULL: none) over it. Ends the test on failure. */
void fixture_snapshot(const char *path, const char *changes);

/* Makes the file under a new name in directory and lets `current` point at it, in one step. */
void fixture_publish(const char *directory, const char *name, const char *changes);

/* Writes status.db: the snapshot named is current, confirmed at confirmed_us. */
void fixture_status(const char *directory, const char *snapshot, long long confirmed_us);

/* A new directory for a test's files, owned by the caller; fixture_remove deletes it with what is in it. */
char *fixture_directory(void);
void fixture_remove(char *directory);
