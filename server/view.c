/* view: see view.h. */
#include "view.h"

#include "lib/arena.h"
#include "lpm.h"

#include <assert.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct counted_view {
    struct view view; // first: a view is one of these
    atomic_uint references;
    atomic_bool is_revoked;
};

struct offers {
    struct arena *arena;
    struct resource *list;
    size_t count, capacity;
};

void offers_add(struct offers *offers, const struct resource *resource)
{
    offers->list =
        memory_grow(offers->list, offers->count, &offers->capacity, sizeof *offers->list);
    offers->list[offers->count++] = *resource;
}

char *offers_format(struct offers *offers, const char *format, ...)
{
    va_list args;
    char text[256]; // a path with a metric's name in it

    va_start(args, format);
    int length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    assert(length >= 0 && (size_t)length < sizeof text);
    return arena_text(offers->arena, text, (size_t)length);
}

static void collect_offers(struct view *view)
{
    struct offers offers = {.arena = view->arena};

    for (size_t i = 0; resource_modules[i]; i++)
        resource_modules[i]->offer(&view->snapshot, &offers);
    view->resources = offers.list;
    view->resource_count = offers.count;
}

/* A map or metric whose name makes another resource's id would take its place in the directory. */
static bool check_ids(const struct view *view, struct error *err)
{
    for (size_t i = 0; i < view->resource_count; i++) {
        const char *id = view->resources[i].id;
        for (size_t k = 0; id && k < i; k++)
            if (view->resources[k].id && strcmp(view->resources[k].id, id) == 0)
                return error_set(err, ERROR_INPUT,
                                 "resource-id '%s' of %s and of %s; the map or a metric needs "
                                 "another name",
                                 id, view->resources[k].path, view->resources[i].path);
    }
    return true;
}

/* The directory is rendered with all others in place, but needs none of their bodies. */
static void render_all(struct view *view)
{
    for (size_t i = 0; i < view->resource_count; i++) {
        struct resource *resource = &view->resources[i];
        struct text body = {0};
        char tag[HASH_TAG_SIZE];

        if (!resource->module->render)
            continue;
        resource->module->render(view, resource, &body, tag);
        rendering_init(&resource->rendering, &body, tag);
    }
}

/* The table of prefixes is made beside the bodies: neither needs the other. */
struct lpm_work {
    const struct snapshot *snapshot;
    struct lpm *lpm; // NULL: *err says why
    struct error err;
};

/* Refuses a prefix that is in two PIDs. */
static void *make_lpm(void *context)
{
    struct lpm_work *work = context;
    const struct snapshot *snapshot = work->snapshot;
    size_t count = 0, used = 0;

    for (size_t i = 0; i < snapshot->pid_count; i++)
        count += snapshot->pids[i].prefix_count;
    struct lpm_entry *entries = memory_alloc(count, sizeof *entries);
    for (size_t i = 0; i < snapshot->pid_count; i++)
        for (size_t j = 0; j < snapshot->pids[i].prefix_count; j++)
            entries[used++] = (struct lpm_entry){snapshot->pids[i].prefixes[j], (int32_t)i};
    lpm_sort(entries, count);
    work->lpm = lpm_new(entries, count, &work->err);
    free(entries);
    return NULL;
}

static const char *common_fields(struct view *view, const struct view_options *options)
{
    char date[HTTP_DATE_SIZE];

    return arena_format(view->arena,
                        "Last-Modified: %s\r\nCache-Control: max-age=%lld\r\n"
                        "Vary: Accept-Encoding\r\n",
                        http_date(view->snapshot.time_us / 1000000, date),
                        (long long)(options->max_age_us / 1000000));
}

/* Without the slashes at its end. */
static const char *base_of(struct view *view, const struct view_options *options)
{
    const char *base = options->base_url ? options->base_url : "";
    size_t length = strlen(base);

    while (length && base[length - 1] == '/')
        length--;
    return arena_text(view->arena, base, length);
}

static bool make_all(struct view *view, struct error *err)
{
    struct lpm_work work = {.snapshot = &view->snapshot};
    pthread_t thread;
    bool is_beside = pthread_create(&thread, NULL, make_lpm, &work) == 0;

    render_all(view);
    if (is_beside)
        (void)pthread_join(thread, NULL);
    else
        (void)make_lpm(&work);
    view->lpm = work.lpm;
    if (!view->lpm)
        *err = work.err;
    return view->lpm != NULL;
}

static void view_free(struct counted_view *counted)
{
    struct view *view = &counted->view;

    for (size_t i = 0; i < view->resource_count; i++)
        rendering_clear(&view->resources[i].rendering);
    lpm_free(view->lpm);
    free(view->resources);
    arena_free(view->arena);
    free(counted);
}

struct view *view_load(const char *directory, const char *file, const struct view_options *options,
                       struct error *err)
{
    struct counted_view *counted = memory_alloc(1, sizeof *counted);
    struct view *view = &counted->view;

    atomic_init(&counted->references, 1);
    view->arena = arena_new();
    view->file = arena_text(view->arena, file, strlen(file));
    if (!snapshot_read(arena_format(view->arena, "%s/%s", directory, file), SNAPSHOT_MAP,
                       view->arena, &view->snapshot, err)) {
        view_free(counted);
        return NULL;
    }
    collect_offers(view);
    view->base_url = base_of(view, options);
    view->fields = common_fields(view, options);
    if (!check_ids(view, err) || !make_all(view, err)) {
        (void)error_in(err, "%s/%s", directory, file);
        view_free(counted);
        return NULL;
    }
    return view;
}

static struct counted_view *counted_of(struct view *view)
{
    return (struct counted_view *)view;
}

struct view *view_ref(struct view *view)
{
    (void)atomic_fetch_add_explicit(&counted_of(view)->references, 1, memory_order_relaxed);
    return view;
}

void view_unref(struct view *view)
{
    if (view &&
        atomic_fetch_sub_explicit(&counted_of(view)->references, 1, memory_order_acq_rel) == 1)
        view_free(counted_of(view));
}

bool view_is_last_reference(const struct view *view)
{
    const struct counted_view *counted = (const struct counted_view *)view;

    return atomic_load_explicit(&counted->references, memory_order_acquire) == 1;
}

void view_revoke(struct view *view)
{
    atomic_store(&counted_of(view)->is_revoked, true);
}

bool view_is_revoked(const struct view *view)
{
    return atomic_load(&((const struct counted_view *)view)->is_revoked);
}

struct resource *view_find(const struct view *view, const char *path, const struct resource *after)
{
    size_t i = after ? (size_t)(after - view->resources) + 1 : 0;

    for (; i < view->resource_count; i++)
        if (strcmp(view->resources[i].path, path) == 0)
            return &view->resources[i];
    return NULL;
}

size_t view_bytes(const struct view *view)
{
    size_t bytes = arena_bytes(view->arena) + lpm_bytes(view->lpm);

    for (size_t i = 0; i < view->resource_count; i++)
        bytes += view->resources[i].rendering.codings[CODING_IDENTITY].length;
    return bytes;
}
