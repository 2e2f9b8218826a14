/* A snapshot whose rows say anything: the server loads it or says what is wrong, and does not answer from half of it. */
#include "cells.h"
#include "server/view.h"
#include "snapshot_fixture.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void make(const char *path)
{
    fixture_snapshot(path, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct cells *cells;
    static const struct view_options options = {.max_age_us = 1};
    struct error err = {0};

    if (!cells)
        cells = cells_new("20260101T000000Z-00112233.db", make);
    cells_set(cells, data, size);
    struct view *view =
        view_load(cells_folder(cells), strrchr(cells_path(cells), '/') + 1, &options, &err);
    assert(view || err.text[0]);
    view_unref(view);
    return 0;
}
