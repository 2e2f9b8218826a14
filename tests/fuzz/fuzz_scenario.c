/* The lab's scenarios: any bytes give a scenario or one mistake that is told with its place. */
#include "scenario.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int file = memfd_create("scenario", MFD_CLOEXEC);
    char path[64];
    struct error err = {0};

    assert(file >= 0);
    ssize_t written = write(file, data, size);
    assert(written == (ssize_t)size);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    struct scenario *scenario = scenario_load(path, &err);
    assert(scenario || strncmp(err.text, path, strlen(path)) == 0);
    scenario_free(scenario);
    (void)close(file);
    return 0;
}
