/* What the server makes of a snapshot: its full cost map as JSON, and the compressed forms after a swap.
 *
 *     bench_render [--rounds N] [--peers] DIRECTORY OTHER
 *
 * DIRECTORY is a map's directory as mapgen leaves it, OTHER the name of another snapshot in it, to swap to. The
 * first cost map of the snapshot is measured. --peers: beside jansson's json_dumps() of the same document,
 * whose bytes must be ours, and a memcpy of them. Rendering and memcpy write to new memory, as a server has to;
 * json_dumps() gets its tree for nothing. */
#include "figures.h"
#include "lib/arena.h"
#include "view.h"
#include "views.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { GIVE_UP_MS = 60000 };

struct body {
    struct view *view;
    struct resource *resource;
    json_t *tree;
};

static _Noreturn void fail(const char *what, const char *why)
{
    (void)fprintf(stderr, "bench_render: %s: %s\n", what, why);
    exit(1);
}

static const struct encoded *identity_of(const struct body *body)
{
    return &body->resource->rendering.codings[CODING_IDENTITY];
}

/* ---- render.costmap ---- */

static double render(void *context)
{
    struct body *body = context;
    struct text out = {0};
    char tag[HASH_TAG_SIZE];
    double start = figures_now_ms();

    body->resource->module->render(body->view, body->resource, &out, tag);
    double took = figures_now_ms() - start;
    free(out.bytes);
    return took;
}

static double copy(void *context)
{
    const struct encoded *plain = identity_of(context);
    struct text out = {0};
    double start = figures_now_ms();

    text_add(&out, plain->bytes, plain->length); // into pages of the same size as ours
    double took = figures_now_ms() - start;
    free(out.bytes);
    return took;
}

static double dump(void *context)
{
    struct body *body = context;
    double start = figures_now_ms();
    char *out = json_dumps(body->tree, JSON_COMPACT);
    double took = figures_now_ms() - start;

    free(out);
    return took;
}

/* The document as jansson's tree, which writes it as we do. */
static json_t *tree_of(const struct body *body)
{
    const struct encoded *plain = identity_of(body);
    json_error_t error;
    json_t *tree = json_loadb(plain->bytes, plain->length, 0, &error);
    char *again = tree ? json_dumps(tree, JSON_COMPACT) : NULL;

    if (!again)
        fail("the cost map is no JSON", error.text);
    if (strlen(again) != plain->length || memcmp(again, plain->bytes, plain->length) != 0)
        fail("the cost map", "jansson writes other bytes");
    free(again);
    return tree;
}

static void measure_rendering(const char *directory, const char *file, size_t rounds,
                              bool with_peers)
{
    static figures_function *const sides[] = {render, copy, dump};
    struct view_options options = {.max_age_us = 1000000};
    struct body body = {0};
    struct error err;
    double medians[3];

    double start = figures_now_ms();
    body.view = view_load(directory, file, &options, &err);
    if (!body.view)
        fail(file, err.text);
    figures_print("load", figures_now_ms() - start, "ms");
    for (size_t i = 0; i < body.view->resource_count && !body.resource; i++)
        if (body.view->resources[i].metric)
            body.resource = &body.view->resources[i];
    if (!body.resource)
        fail(file, "no cost map");
    if (with_peers)
        body.tree = tree_of(&body);
    figures_interleave(rounds, sides, &body, with_peers ? 3 : 1, medians);
    figures_print("costmap", medians[0], "ms");
    figures_print("bytes", (double)identity_of(&body)->length / 1e6, "MB");
    if (with_peers) {
        figures_print("memcpy", medians[1], "ms");
        figures_print("json_dumps", medians[2], "ms");
    }
    json_decref(body.tree);
    view_unref(body.view);
}

/* ---- render.encoded ---- */

struct swapped {
    const char *directory;
    const char *files[2];
    size_t now; // which of them is current
    struct views *views;
    struct view_cache cache;
};

static void make_current(const struct swapped *swapped)
{
    char next[4096], link[4096];

    (void)snprintf(next, sizeof next, "%s/current.new", swapped->directory);
    (void)snprintf(link, sizeof link, "%s/current", swapped->directory);
    (void)unlink(next);
    if (symlink(swapped->files[swapped->now], next) != 0 || rename(next, link) != 0)
        fail(link, "cannot be made");
}

static bool is_encoded(const struct view *view)
{
    for (size_t i = 0; i < view->resource_count; i++) {
        const struct rendering *rendering = &view->resources[i].rendering;
        if (!view->resources[i].module->render ||
            rendering->codings[CODING_IDENTITY].length < ENCODE_LEAST)
            continue;
        if (!rendering_get(rendering, CODING_GZIP) || !rendering_get(rendering, CODING_ZSTD))
            return false;
    }
    return true;
}

/* Looks until the current file is answered from; then until all its codings are. */
static struct view *await(struct swapped *swapped, bool encoded)
{
    static const struct timespec pause = {.tv_nsec = 200000};
    double start = figures_now_ms();

    for (;;) {
        struct view *view = views_refresh(swapped->views, &swapped->cache);
        if (view && strcmp(view->file, swapped->files[swapped->now]) == 0 &&
            (!encoded || is_encoded(view)))
            return view;
        if (figures_now_ms() - start > GIVE_UP_MS)
            fail(swapped->files[swapped->now], "not served within a minute");
        (void)nanosleep(&pause, NULL);
    }
}

/* From the swap to all codings; loading and rendering go before it. */
static double encode(void *context)
{
    struct swapped *swapped = context;

    swapped->now = !swapped->now;
    make_current(swapped);
    (void)await(swapped, false);
    double start = figures_now_ms();
    (void)await(swapped, true);
    return figures_now_ms() - start;
}

static void measure_encoding(const char *directory, const char *file, const char *other,
                             size_t rounds)
{
    static figures_function *const sides[] = {encode};
    struct view_options options = {.max_age_us = 1000000};
    struct swapped swapped = {.directory = directory, .files = {file, other}};
    struct log log = log_default();
    struct error err;
    double took;
    size_t plain = 0;
    const struct encoded *map = NULL;

    log.level = LEVEL_ERROR;
    swapped.views = views_start(directory, &options, &log, &err);
    if (!swapped.views)
        fail(directory, err.text);
    struct view *view = await(&swapped, true);
    for (size_t i = 0; i < view->resource_count; i++) {
        const struct encoded *codings = view->resources[i].rendering.codings;
        plain += codings[CODING_IDENTITY].length;
        if (!map && view->resources[i].metric)
            map = codings;
    }
    if (!map || !map[CODING_GZIP].length || !map[CODING_ZSTD].length)
        fail(file, "no cost map is compressed");
    double bytes = (double)map[CODING_IDENTITY].length;
    figures_print("gzip", bytes / (double)map[CODING_GZIP].length, ":1");
    figures_print("zstd", bytes / (double)map[CODING_ZSTD].length, ":1");
    figures_interleave(rounds, sides, &swapped, 1, &took);
    figures_print("encoded", took, "ms");
    figures_print("encoded.bytes", (double)plain / 1e6, "MB");
    views_forget(&swapped.cache);
    views_stop(swapped.views);
}

int main(int argc, char **argv)
{
    struct figures_options options = figures_start(argc, argv, "[--peers] DIRECTORY OTHER", 2);
    bool with_peers = strcmp(options.words[0], "--peers") == 0;
    char **words = options.words + with_peers;
    char file[64];
    struct error err;

    if (options.word_count - with_peers != 2)
        fail("DIRECTORY and OTHER", "two words expected");
    if (!snapshot_current(words[0], file, &err) || !*file)
        fail(words[0], "no current snapshot");
    measure_rendering(words[0], file, options.rounds, with_peers);
    measure_encoding(words[0], file, words[1], options.rounds);
    return 0;
}
