/* views: see views.h.
 *
 * inotify tells of a new link or file at once; a look every POLL_MS covers what it cannot tell (a directory
 * that does not exist yet, a network file system). */
#include "views.h"

#include "lib/arena.h"
#include "lib/status.h"
#include "lib/text.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { POLL_MS = 50, ENCODER_NICE = 10 };

/* A file as it was when we looked; another inode, time or size is another content. */
struct mark {
    ino_t inode;
    struct timespec changed;
    off_t size;
};

struct views {
    // set once
    char *directory;
    int wake_fd;
    pthread_t watcher, encoder;
    // any thread
    atomic_uint number; // of `current`: grows with every swap
    atomic_bool stopping;
    pthread_mutex_t lock;
    pthread_cond_t encode_wanted;
    // under lock
    struct view *current;
    struct view *to_encode; // the newest; an older one that waits is not worth the work
    struct view_options options;
    char *base_url;
    unsigned options_number;
    enum log_level log_level;
    struct views_state state;
    // the watcher's thread only
    struct log log;
    int inotify_fd;
    bool is_watched;
    char loaded[64], refused[64];
    struct mark refused_mark, status_mark;
    unsigned loaded_options;
    char problem[256], status_problem[256];
    struct view **old; // superseded and still read, oldest first; each with a reference
    size_t old_count, old_capacity;
};

/* ---- Watching ---- */

static bool mark_of(const char *path, struct mark *out)
{
    struct stat info;

    *out = (struct mark){0};
    if (stat(path, &info) != 0)
        return false;
    *out = (struct mark){info.st_ino, info.st_ctim, info.st_size};
    return true;
}

static bool mark_equal(const struct mark *a, const struct mark *b)
{
    return a->inode == b->inode && a->size == b->size && a->changed.tv_sec == b->changed.tv_sec &&
           a->changed.tv_nsec == b->changed.tv_nsec;
}

/* Says a new problem once; "" ends it. */
static void note_problem(struct views *views, char kept[256], const char *text)
{
    if (strncmp(kept, text, 255) == 0)
        return;
    (void)snprintf(kept, 256, "%.255s", text);
    if (*text)
        log_warning(&views->log, "%s", text);
    pthread_mutex_lock(&views->lock);
    (void)snprintf(views->state.problem, sizeof views->state.problem, "%s",
                   *views->problem ? views->problem : views->status_problem);
    pthread_mutex_unlock(&views->lock);
}

/* Makes it the current view; takes the reference. */
static void swap_in(struct views *views, struct view *view)
{
    struct view *old, *unwanted;

    pthread_mutex_lock(&views->lock);
    old = views->current;
    views->current = view;
    unwanted = views->to_encode;
    views->to_encode = view_ref(view);
    views->state.has_view = true;
    // who publishes confirms; status.db says the same a moment later
    if (views->state.confirmed_us < view->snapshot.time_us)
        views->state.confirmed_us = view->snapshot.time_us;
    (void)atomic_fetch_add(&views->number, 1);
    pthread_cond_signal(&views->encode_wanted);
    pthread_mutex_unlock(&views->lock);
    view_unref(unwanted);
    if (old) {
        views->old =
            memory_grow(views->old, views->old_count, &views->old_capacity, sizeof(struct view *));
        views->old[views->old_count++] = old;
    }
}

/* Frees those that nobody reads any more (here, so that no loop spends milliseconds on it), and revokes the oldest
 * of too many. */
static void look_at_old(struct views *views)
{
    size_t kept = 0;

    for (size_t i = 0; i < views->old_count; i++) {
        if (view_is_last_reference(views->old[i]))
            view_unref(views->old[i]);
        else
            views->old[kept++] = views->old[i];
    }
    views->old_count = kept;
    for (size_t i = 0; i + VIEWS_OLD_MOST < kept; i++) {
        if (view_is_revoked(views->old[i]))
            continue;
        log_warning(&views->log,
                    "clients read too slowly, those of an old snapshot are cut off: file=%s "
                    "older_ones=%zu",
                    views->old[i]->file, kept);
        view_revoke(views->old[i]);
    }
}

static void load(struct views *views, const char *name)
{
    char path[4096], took[TEXT_DURATION_SIZE];
    struct error err;
    int64_t begin_us = text_now_us();

    pthread_mutex_lock(&views->lock);
    struct view_options options = views->options;
    char *base_url = options.base_url ? memory_text(options.base_url) : NULL;
    views->loaded_options = views->options_number;
    pthread_mutex_unlock(&views->lock);
    options.base_url = base_url;

    struct view *view = view_load(views->directory, name, &options, &err);
    free(base_url);
    if (!view) {
        (void)snprintf(path, sizeof path, "%s/%s", views->directory, name);
        (void)snprintf(views->refused, sizeof views->refused, "%s", name);
        (void)mark_of(path, &views->refused_mark);
        (void)error_in(&err, "snapshot refused, the map stays as it was");
        note_problem(views, views->problem, err.text);
        return;
    }
    (void)snprintf(views->loaded, sizeof views->loaded, "%s", name);
    views->refused[0] = '\0';
    views->status_mark = (struct mark){0}; // what it confirms is to be judged anew
    swap_in(views, view);                  // nobody but this thread takes it out again
    log_info(&views->log,
             "snapshot loaded: file=%s map=%s number=%llu tag=%s pids=%zu bytes=%zu took=\"%s\"",
             name, view->snapshot.map, (unsigned long long)view->snapshot.number,
             view->snapshot.tag, view->snapshot.pid_count, view_bytes(view),
             text_duration(text_now_us() - begin_us, took));
    note_problem(views, views->problem, "");
}

static bool is_refused_still(struct views *views, const char *name)
{
    char path[4096];
    struct mark mark;

    if (strcmp(views->refused, name) != 0)
        return false;
    (void)snprintf(path, sizeof path, "%s/%s", views->directory, name);
    (void)mark_of(path, &mark);
    return mark_equal(&mark, &views->refused_mark);
}

static void look_at_current(struct views *views)
{
    char name[64];
    struct error err;

    pthread_mutex_lock(&views->lock);
    bool has_new_options = views->options_number != views->loaded_options;
    views->log.level = views->log_level;
    pthread_mutex_unlock(&views->lock);
    if (!snapshot_current(views->directory, name, &err)) {
        note_problem(views, views->problem, err.text);
        return;
    }
    bool is_loaded = strcmp(name, views->loaded) == 0 && !has_new_options;
    if (name[0] && !is_loaded && (has_new_options || !is_refused_still(views, name)))
        load(views, name);
}

/* The confirmation counts for the snapshot that status.db names: if that is not ours, ours gets older. */
static void look_at_status(struct views *views)
{
    char path[4096];
    struct mark mark;
    struct status status;
    struct error err;

    (void)snprintf(path, sizeof path, "%s/status.db", views->directory);
    if (!mark_of(path, &mark) || mark_equal(&mark, &views->status_mark))
        return;
    views->status_mark = mark;
    struct arena *arena = arena_new();
    if (status_read(views->directory, arena, &status, &err)) {
        if (status.snapshot && strcmp(status.snapshot, views->loaded) == 0) {
            pthread_mutex_lock(&views->lock);
            views->state.confirmed_us = status.confirmed_us;
            pthread_mutex_unlock(&views->lock);
        }
        note_problem(views, views->status_problem, "");
    } else {
        note_problem(views, views->status_problem, err.text);
    }
    arena_free(arena);
}

static void wait_for_news(struct views *views)
{
    char events[4096];
    struct pollfd fds[] = {{.fd = views->wake_fd, .events = POLLIN},
                           {.fd = views->inotify_fd, .events = POLLIN}};

    if (!views->is_watched && views->inotify_fd >= 0)
        views->is_watched = inotify_add_watch(views->inotify_fd, views->directory,
                                              IN_MOVED_TO | IN_CREATE | IN_DELETE_SELF) >= 0;
    if (poll(fds, 2, POLL_MS) <= 0)
        return;
    // what happened is not asked: everything is looked at anyway
    while (views->inotify_fd >= 0 && read(views->inotify_fd, events, sizeof events) > 0)
        ;
    eventfd_t woken;
    (void)eventfd_read(views->wake_fd, &woken);
}

static void *watcher_run(void *context)
{
    struct views *views = context;

    while (!atomic_load(&views->stopping)) {
        look_at_current(views);
        look_at_status(views);
        look_at_old(views);
        wait_for_news(views);
    }
    return NULL;
}

/* ---- Encoding ---- */

static bool is_superseded(struct views *views, const struct view *view)
{
    pthread_mutex_lock(&views->lock);
    bool superseded = views->current != view;
    pthread_mutex_unlock(&views->lock);
    return superseded || atomic_load(&views->stopping);
}

/* zstd first: it is ready in a third of the time. */
static void encode(struct views *views, struct view *view)
{
    static const enum coding order[] = {CODING_ZSTD, CODING_GZIP};

    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        for (size_t r = 0; r < view->resource_count; r++) {
            if (is_superseded(views, view))
                return;
            if (view->resources[r].module->render)
                (void)rendering_encode(&view->resources[r].rendering, order[i]);
        }
    }
}

static void *encoder_run(void *context)
{
    struct views *views = context;

    // requests come first where cores are few; without the right to it nothing is lost
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), ENCODER_NICE);
    for (;;) {
        pthread_mutex_lock(&views->lock);
        while (!views->to_encode && !atomic_load(&views->stopping))
            pthread_cond_wait(&views->encode_wanted, &views->lock);
        struct view *view = views->to_encode;
        views->to_encode = NULL;
        pthread_mutex_unlock(&views->lock);
        if (!view)
            return NULL;
        encode(views, view);
        view_unref(view);
    }
}

/* ---- For the loops ---- */

struct view *views_refresh(struct views *views, struct view_cache *cache)
{
    if (atomic_load_explicit(&views->number, memory_order_acquire) == cache->number)
        return cache->view;
    struct view *old = cache->view;
    pthread_mutex_lock(&views->lock);
    cache->view = views->current ? view_ref(views->current) : NULL;
    cache->number = atomic_load(&views->number);
    pthread_mutex_unlock(&views->lock);
    view_unref(old);
    return cache->view;
}

void views_forget(struct view_cache *cache)
{
    view_unref(cache->view);
    *cache = (struct view_cache){0};
}

void views_state(struct views *views, struct views_state *out)
{
    pthread_mutex_lock(&views->lock);
    *out = views->state;
    pthread_mutex_unlock(&views->lock);
}

/* ---- Start and stop ---- */

static void set_options(struct views *views, const struct view_options *options)
{
    free(views->base_url);
    views->base_url = options->base_url ? memory_text(options->base_url) : NULL;
    views->options = *options;
    views->options.base_url = views->base_url;
    views->options_number++;
}

void views_configure(struct views *views, const struct view_options *options,
                     enum log_level log_level)
{
    pthread_mutex_lock(&views->lock);
    set_options(views, options);
    views->log_level = log_level;
    pthread_mutex_unlock(&views->lock);
    (void)eventfd_write(views->wake_fd, 1);
}

static void views_free(struct views *views)
{
    view_unref(views->current);
    view_unref(views->to_encode);
    for (size_t i = 0; i < views->old_count; i++)
        view_unref(views->old[i]);
    free(views->old);
    if (views->wake_fd >= 0)
        (void)close(views->wake_fd);
    if (views->inotify_fd >= 0)
        (void)close(views->inotify_fd);
    (void)pthread_cond_destroy(&views->encode_wanted);
    (void)pthread_mutex_destroy(&views->lock);
    free(views->directory);
    free(views->base_url);
    free(views);
}

static void stop_threads(struct views *views, bool has_encoder)
{
    pthread_mutex_lock(&views->lock);
    atomic_store(&views->stopping, true);
    pthread_cond_signal(&views->encode_wanted);
    pthread_mutex_unlock(&views->lock);
    (void)eventfd_write(views->wake_fd, 1);
    (void)pthread_join(views->watcher, NULL);
    if (has_encoder)
        (void)pthread_join(views->encoder, NULL);
}

struct views *views_start(const char *directory, const struct view_options *options,
                          const struct log *log, struct error *err)
{
    struct views *views = memory_alloc(1, sizeof *views);
    int failed;

    views->directory = memory_text(directory);
    views->log = *log;
    views->log_level = log->level;
    (void)pthread_mutex_init(&views->lock, NULL);
    (void)pthread_cond_init(&views->encode_wanted, NULL);
    set_options(views, options);
    views->loaded_options = views->options_number;
    views->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    views->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK); // without it the poll suffices
    if (views->wake_fd < 0) {
        error_errno(err, errno, "making an eventfd");
        views_free(views);
        return NULL;
    }
    if ((failed = pthread_create(&views->watcher, NULL, watcher_run, views))) {
        error_errno(err, failed, "starting the watcher's thread");
        views_free(views);
        return NULL;
    }
    if ((failed = pthread_create(&views->encoder, NULL, encoder_run, views))) {
        error_errno(err, failed, "starting the encoder's thread");
        stop_threads(views, false);
        views_free(views);
        return NULL;
    }
    return views;
}

void views_stop(struct views *views)
{
    if (!views)
        return;
    stop_threads(views, true);
    views_free(views);
}
