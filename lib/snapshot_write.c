/* snapshot_write: a map becomes visible in one step.
 *
 *     .NAME.tmp   everything is written here, closed and synced
 *     NAME        renamed; nobody looks here yet; the directory is synced
 *     current     a symbolic link, replaced by renaming a new one over it: this is the step
 *
 * What fails before the last step leaves nothing behind: the temporary file, or the file that was renamed
 * already, is removed. After a power cut `current` names the former snapshot or the new one, and either is
 * whole on the disk.
 *
 * Numbers go on from the highest in the directory, not from `current`: a damaged link, or one that an
 * operator has turned back, must not give a number twice. */
#include "db.h"
#include "jobs.h"
#include "lock.h"
#include "snapshot.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    NAME_SIZE = 64,
    STAMP_LENGTH = sizeof "2026-11-21T123000Z" - 1,
    LARGE_MAP = 200, // PIDs from which 64 kB pages pay: below, most pages of a file would be empty
};

struct snapshot_writer {
    struct snapshot_writer_options options;
    char *directory;
    struct lock *lock;
    uint64_t highest; // number given last
    char *tags;       // of the current snapshot, as tags_text() makes them; NULL: no current one
    struct snapshot_published current;
};

/* ---- The directory ---- */

static char *path_of(const struct snapshot_writer *writer, const char *prefix, const char *name,
                     const char *suffix)
{
    size_t size =
        strlen(writer->directory) + strlen(prefix) + strlen(name) + strlen(suffix) + sizeof "/";
    char *path = memory_alloc(size, 1);

    (void)snprintf(path, size, "%s/%s%s%s", writer->directory, prefix, name, suffix);
    return path;
}

static bool make_directories(const char *directory, struct error *err)
{
    char *path = memory_text(directory);
    bool ok = true;

    for (char *slash = strchr(path + 1, '/'); ok; slash = strchr(slash + 1, '/')) {
        if (slash)
            *slash = '\0';
        if (mkdir(path, 0755) != 0 && errno != EEXIST)
            ok = error_errno(err, errno, "%s: making the directory", path);
        if (!slash)
            break;
        *slash = '/';
    }
    free(path);
    return ok;
}

static bool sync_path(const char *path, int flags, struct error *err)
{
    int fd = open(path, flags | O_CLOEXEC);

    if (fd < 0)
        return error_errno(err, errno, "%s: opening", path);
    int failed = fsync(fd) == 0 ? 0 : errno;
    (void)close(fd);
    return failed == 0 || error_errno(err, failed, "%s: fsync", path);
}

static bool is_snapshot_name(const char *name)
{
    size_t length = strlen(name);

    return length > STAMP_LENGTH + 3 && length < NAME_SIZE && name[0] != '.' &&
           name[STAMP_LENGTH] == '-' && strcmp(name + length - 3, ".db") == 0;
}

static bool is_temporary_name(const char *name)
{
    size_t length = strlen(name);

    return name[0] == '.' && length > 5 && strcmp(name + length - 4, ".tmp") == 0;
}

/* What an earlier process left when it was killed; the lock says that none is at work. */
static void remove_temporary_files(const struct snapshot_writer *writer)
{
    DIR *directory = opendir(writer->directory);
    struct dirent *entry;

    while (directory && (entry = readdir(directory))) {
        if (is_temporary_name(entry->d_name))
            (void)unlinkat(dirfd(directory), entry->d_name, 0);
    }
    if (directory)
        (void)closedir(directory);
}

/* ---- What is published already ---- */

/* Tags as one text to compare: the map's, then `metric tag` for each name ascending. Owned. */
static char *tags_text(const struct snapshot *snapshot)
{
    size_t room = HASH_TAG_SIZE + 1, used;

    for (size_t i = 0; i < snapshot->metric_count; i++)
        room += strlen(snapshot->metrics[i].name) + HASH_TAG_SIZE + 2;
    char *text = memory_alloc(room, 1);
    used = (size_t)snprintf(text, room, "%s\n", snapshot->tag);
    for (size_t i = 0; i < snapshot->metric_count; i++)
        used += (size_t)snprintf(text + used, room - used, "%s %s\n", snapshot->metrics[i].name,
                                 snapshot->metrics[i].tag);
    return text;
}

static char *read_tags(sqlite3 *db, struct error *err)
{
    static const char sql[] =
        "SELECT (SELECT tag FROM snapshot) || char(10) || coalesce((SELECT group_concat(line, '') "
        "FROM "
        "(SELECT name || ' ' || tag || char(10) AS line FROM metric ORDER BY metric_id)), '')";
    sqlite3_stmt *query = NULL;
    char *text = NULL;

    if (!db_prepare(db, sql, &query, err))
        return NULL;
    if (sqlite3_step(query) == SQLITE_ROW && sqlite3_column_type(query, 0) == SQLITE_TEXT)
        text = memory_text((const char *)sqlite3_column_text(query, 0));
    else
        db_error(db, err, "reading tags");
    (void)sqlite3_finalize(query);
    return text;
}

/* Number of a snapshot file; 0 when it cannot be read as one (another version, damaged, not ours). */
static uint64_t number_of(const char *path)
{
    struct error
        ignored; // such a file is passed over, not judged: the reader who opens it will be told
    sqlite3 *db = db_open_kind(path, DB_READ, &db_snapshot, &ignored);
    int64_t number = 0;

    if (db && !db_integer(db, "SELECT number FROM snapshot", &number, &ignored))
        number = 0;
    db_close(db);
    return number > 0 ? (uint64_t)number : 0;
}

static bool read_numbers(struct snapshot_writer *writer, struct error *err)
{
    DIR *directory = opendir(writer->directory);
    struct dirent *entry;

    if (!directory)
        return error_errno(err, errno, "%s: reading the directory", writer->directory);
    while ((entry = readdir(directory))) {
        if (!is_snapshot_name(entry->d_name))
            continue;
        char *path = path_of(writer, "", entry->d_name, "");
        uint64_t number = number_of(path);

        if (number > writer->highest)
            writer->highest = number;
        free(path);
    }
    (void)closedir(directory);
    return true;
}

static bool read_generation(sqlite3 *db, struct snapshot_published *out, struct error *err)
{
    sqlite3_stmt *query = NULL;

    if (!db_prepare(db, "SELECT generation FROM snapshot", &query, err))
        return false;
    bool ok = sqlite3_step(query) == SQLITE_ROW && sqlite3_column_type(query, 0) == SQLITE_TEXT;
    if (ok)
        (void)snprintf(out->generation, sizeof out->generation, "%s",
                       (const char *)sqlite3_column_text(query, 0));
    (void)sqlite3_finalize(query);
    return ok;
}

/* An unreadable current snapshot is as none: what comes next replaces it. */
static void read_current(struct snapshot_writer *writer)
{
    char name[NAME_SIZE];
    struct error ignored;
    int64_t number = 0;

    if (!snapshot_current(writer->directory, name, &ignored) || !*name)
        return;
    char *path = path_of(writer, "", name, "");
    sqlite3 *db = db_open_kind(path, DB_READ, &db_snapshot, &ignored);
    if (db && db_integer(db, "SELECT number FROM snapshot", &number, &ignored) &&
        read_generation(db, &writer->current, &ignored))
        writer->tags = read_tags(db, &ignored);
    db_close(db);
    free(path);
    if (!writer->tags)
        return;
    writer->current.number = (uint64_t)number;
    memcpy(writer->current.name, name, sizeof name);
    (void)snprintf(writer->current.tag, sizeof writer->current.tag, "%.*s",
                   (int)strcspn(writer->tags, "\n"), writer->tags);
}

/* ---- Rows ---- */

static bool bind_and_run(sqlite3_stmt *statement, bool bound, struct error *err)
{
    if (!bound) {
        (void)sqlite3_reset(statement);
        return db_error(sqlite3_db_handle(statement), err, "binding");
    }
    return db_run(statement, err);
}

static bool bind_integer(sqlite3_stmt *statement, int column, uint64_t value)
{
    assert(value <= INT64_MAX);
    return sqlite3_bind_int64(statement, column, (sqlite3_int64)value) == SQLITE_OK;
}

static bool bind_text(sqlite3_stmt *statement, int column, const char *text) // NULL: NULL
{
    return sqlite3_bind_text(statement, column, text, -1, SQLITE_STATIC) == SQLITE_OK;
}

static bool write_head(sqlite3 *db, const struct snapshot *s, struct error *err)
{
    sqlite3_stmt *row = NULL;
    int at = 1;

    if (!db_prepare(db, "INSERT INTO snapshot VALUES (1,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", &row, err))
        return false;
    bool bound = bind_integer(row, at++, s->number) && bind_text(row, at++, s->map) &&
                 bind_text(row, at++, s->tag) && bind_integer(row, at++, (uint64_t)s->time_us) &&
                 bind_text(row, at++, s->generation) && bind_integer(row, at++, s->sequence) &&
                 bind_integer(row, at++, (uint64_t)s->state_time_us) &&
                 bind_text(row, at++, s->version) && bind_text(row, at++, s->config_hash) &&
                 bind_text(row, at++, s->default_pid) &&
                 bind_integer(row, at++, s->stale_objects) &&
                 bind_integer(row, at++, s->single_candidates) &&
                 bind_text(row, at++, s->warnings) && bind_text(row, at++, s->timings);
    bool ok = bind_and_run(row, bound, err);
    (void)sqlite3_finalize(row);
    return ok;
}

static size_t count_family(const struct snapshot_pid *pid, enum family family)
{
    size_t count = 0;

    for (size_t i = 0; i < pid->prefix_count; i++)
        count += pid->prefixes[i].family == family;
    return count;
}

/* ["192.0.2.0/24","198.51.100.0/24"]; prefixes need no escaping in JSON. Owned. */
static char *prefix_list(const struct snapshot_pid *pid, enum family family, size_t count)
{
    char *list = memory_alloc(count * (PREFIX_TEXT_SIZE + 3) + 3, 1), *at = list;

    *at++ = '[';
    for (size_t i = 0; i < pid->prefix_count; i++) {
        char text[PREFIX_TEXT_SIZE];

        if (pid->prefixes[i].family != family)
            continue;
        if (at > list + 1)
            *at++ = ',';
        *at++ = '"';
        at = stpcpy(at, prefix_format(&pid->prefixes[i], text));
        *at++ = '"';
    }
    *at++ = ']';
    *at = '\0';
    return list;
}

static bool write_prefix_list(sqlite3_stmt *row, size_t pid_id, const struct snapshot_pid *pid,
                              enum family family, struct error *err)
{
    size_t count = count_family(pid, family);

    if (count == 0)
        return true;
    char *list = prefix_list(pid, family, count);
    bool bound = bind_integer(row, 1, pid_id) &&
                 bind_text(row, 2, family == FAMILY_IPV4 ? "ipv4" : "ipv6") &&
                 bind_text(row, 3, list);
    bool ok = bind_and_run(row, bound, err);
    free(list);
    return ok;
}

static bool write_attachments(sqlite3_stmt *row, size_t pid_id, const struct snapshot_pid *pid,
                              struct error *err)
{
    for (size_t i = 0; i < pid->attachment_count; i++) {
        bool bound = bind_integer(row, 1, pid_id) &&
                     bind_integer(row, 2, pid->attachments[i].router) &&
                     bind_integer(row, 3, pid->attachments[i].cost);

        if (!bind_and_run(row, bound, err))
            return false;
    }
    return true;
}

static bool write_pids(sqlite3 *db, const struct snapshot *snapshot, struct error *err)
{
    sqlite3_stmt *row = NULL, *list = NULL, *attachment = NULL;
    bool ok = db_prepare(db, "INSERT INTO pid VALUES (?,?,?,?,?)", &row, err) &&
              db_prepare(db, "INSERT INTO prefix_list VALUES (?,?,?)", &list, err) &&
              db_prepare(db, "INSERT INTO attachment VALUES (?,?,?)", &attachment, err);

    for (size_t i = 0; ok && i < snapshot->pid_count; i++) {
        const struct snapshot_pid *pid = &snapshot->pids[i];
        assert(i == 0 || strcmp(snapshot->pids[i - 1].name, pid->name) < 0);
        bool bound = bind_integer(row, 1, i) && bind_text(row, 2, pid->name) &&
                     bind_text(row, 3, pid->reason) &&
                     bind_integer(row, 4, count_family(pid, FAMILY_IPV4)) &&
                     bind_integer(row, 5, count_family(pid, FAMILY_IPV6));

        ok = bind_and_run(row, bound, err) && write_prefix_list(list, i, pid, FAMILY_IPV4, err) &&
             write_prefix_list(list, i, pid, FAMILY_IPV6, err) &&
             write_attachments(attachment, i, pid, err);
    }
    (void)sqlite3_finalize(row);
    (void)sqlite3_finalize(list);
    (void)sqlite3_finalize(attachment);
    return ok;
}

static size_t metric_index(const struct snapshot *snapshot, const char *name)
{
    for (size_t i = 0; i < snapshot->metric_count; i++) {
        if (strcmp(snapshot->metrics[i].name, name) == 0)
            return i;
    }
    assert(false && "an alias names a metric of the same snapshot");
    return 0;
}

static bool write_cost_rows(sqlite3_stmt *row, const struct snapshot *snapshot, size_t metric_id,
                            struct error *err)
{
    const struct snapshot_row *rows = snapshot->metrics[metric_id].rows;

    for (size_t from = 0; rows && from < snapshot->pid_count; from++) {
        if (rows[from].width == 0)
            continue; // a source without any cost has no row
        bool bound = bind_integer(row, 1, metric_id) && bind_integer(row, 2, from) &&
                     bind_integer(row, 3, rows[from].width) &&
                     sqlite3_bind_blob64(row, 4, rows[from].cells,
                                         (sqlite3_uint64)rows[from].width * snapshot->pid_count,
                                         SQLITE_STATIC) == SQLITE_OK;

        if (!bind_and_run(row, bound, err))
            return false;
    }
    return true;
}

static bool write_metrics(sqlite3 *db, const struct snapshot *snapshot, struct error *err)
{
    sqlite3_stmt *row = NULL, *cost = NULL;
    bool ok = db_prepare(db, "INSERT INTO metric VALUES (?,?,?,?,?,?,?)", &row, err) &&
              db_prepare(db, "INSERT INTO cost_row VALUES (?,?,?,?)", &cost, err);

    for (size_t i = 0; ok && i < snapshot->metric_count; i++) {
        const struct snapshot_metric *metric = &snapshot->metrics[i];
        bool bound =
            bind_integer(row, 1, i) && bind_text(row, 2, metric->name) &&
            bind_text(row, 3, metric->unit) &&
            (!metric->alias_of || bind_integer(row, 4, metric_index(snapshot, metric->alias_of))) &&
            bind_text(row, 5, metric->cost_context) && bind_text(row, 6, metric->tag) &&
            bind_integer(row, 7, metric->pairs);

        ok = bind_and_run(row, bound, err) && write_cost_rows(cost, snapshot, i, err);
    }
    (void)sqlite3_finalize(row);
    (void)sqlite3_finalize(cost);
    return ok;
}

static bool write_routers(sqlite3 *db, const struct snapshot *snapshot, struct error *err)
{
    sqlite3_stmt *row = NULL;
    bool ok = db_prepare(db, "INSERT INTO router VALUES (?,?,?,?)", &row, err);

    for (size_t i = 0; ok && i < snapshot->router_count; i++) {
        const struct snapshot_router *router = &snapshot->routers[i];
        bool bound = bind_integer(row, 1, i) && bind_text(row, 2, router->key) &&
                     bind_text(row, 3, router->name) && bind_integer(row, 4, router->overload);

        ok = bind_and_run(row, bound, err);
    }
    (void)sqlite3_finalize(row);
    return ok;
}

static bool write_links(sqlite3 *db, const struct snapshot *snapshot, struct error *err)
{
    sqlite3_stmt *row = NULL;
    bool ok = db_prepare(db, "INSERT INTO link VALUES (?,?,?,?,?,?,?,?)", &row, err);

    for (size_t i = 0; ok && i < snapshot->link_count; i++) {
        const struct snapshot_link *link = &snapshot->links[i];
        bool bound = bind_integer(row, 1, i) && bind_integer(row, 2, link->source) &&
                     bind_integer(row, 3, link->destination) &&
                     bind_integer(row, 4, link->protocol) && bind_integer(row, 5, link->metric) &&
                     (!link->has_delay || bind_integer(row, 6, link->delay_us)) &&
                     bind_text(row, 7, link->addresses) && bind_text(row, 8, link->pseudonode);

        ok = bind_and_run(row, bound, err);
    }
    (void)sqlite3_finalize(row);
    return ok;
}

static bool write_sessions(sqlite3 *db, const struct snapshot *snapshot, struct error *err)
{
    sqlite3_stmt *row = NULL;
    bool ok = db_prepare(db, "INSERT INTO session VALUES (?,?,?,?,?)", &row, err);

    for (size_t i = 0; ok && i < snapshot->session_count; i++) {
        const struct snapshot_session *session = &snapshot->sessions[i];
        bool bound = bind_text(row, 1, session->peer) && bind_text(row, 2, session->family) &&
                     bind_text(row, 3, session->state) && bind_integer(row, 4, session->stale) &&
                     bind_text(row, 5, session->end_of_rib);

        ok = bind_and_run(row, bound, err);
    }
    (void)sqlite3_finalize(row);
    return ok;
}

/* ---- Publishing ---- */

/* No journal and no sync of SQLite's own: a file that is not finished is removed, and synced whole before
 * its name exists. */
static bool write_file(const char *path, const struct snapshot *snapshot, struct error *err)
{
    sqlite3 *db = db_open(path, DB_CREATE, err);
    bool ok;

    if (!db)
        return false;
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL); // it forbids journal_mode=OFF
    ok = db_exec(db,
                 snapshot->pid_count >= LARGE_MAP ? "PRAGMA page_size=65536"
                                                  : "PRAGMA page_size=4096",
                 err) &&
         db_exec(db, "PRAGMA journal_mode=OFF", err) &&
         db_exec(db, "PRAGMA synchronous=OFF", err) &&
         db_exec(db, "PRAGMA cache_size=-4096", err) && db_exec(db, "BEGIN", err) &&
         db_exec(db, db_snapshot.schema, err) && write_head(db, snapshot, err) &&
         write_pids(db, snapshot, err) && write_metrics(db, snapshot, err) &&
         write_routers(db, snapshot, err) && write_links(db, snapshot, err) &&
         write_sessions(db, snapshot, err) && db_exec(db, "COMMIT", err);
    db_close(db);
    return ok && sync_path(path, O_RDONLY, err);
}

static void make_name(const struct snapshot *snapshot, const char *tags, char name[NAME_SIZE])
{
    time_t seconds = (time_t)(snapshot->time_us / 1000000);
    char stamp[STAMP_LENGTH + 1], tag[HASH_TAG_SIZE], number[32];
    struct hash *hash = hash_new();
    struct tm utc;

    (void)gmtime_r(&seconds, &utc);
    (void)strftime(stamp, sizeof stamp, "%Y-%m-%dT%H%M%SZ", &utc);
    // the number makes it unique: a map may come back within the second
    (void)snprintf(number, sizeof number, "%" PRIu64 "\n", snapshot->number);
    hash_text(hash, number);
    hash_text(hash, tags);
    hash_finish_tag(hash, tag);
    (void)snprintf(name, NAME_SIZE, "%s-%.8s.db", stamp, tag);
}

/* Makes `current` name what is in the directory already. */
static bool swap_current(const struct snapshot_writer *writer, const char *name, struct error *err)
{
    char *temporary = path_of(writer, ".", "current", ".tmp");
    char *link = path_of(writer, "", "current", "");
    bool ok = true;

    (void)unlink(temporary); // of a failed attempt
    if (symlink(name, temporary) != 0)
        ok = error_errno(err, errno, "%s: making the link", temporary);
    else if (rename(temporary, link) != 0)
        ok = error_errno(err, errno, "%s: replacing the link", link);
    if (!ok)
        (void)unlink(temporary);
    free(temporary);
    free(link);
    return ok;
}

static bool make_visible(const struct snapshot_writer *writer, const struct snapshot *snapshot,
                         const char *name, struct error *err)
{
    char *temporary = path_of(writer, ".", name, ".tmp");
    char *path = path_of(writer, "", name, "");
    bool ok = write_file(temporary, snapshot, err);

    if (ok && rename(temporary, path) != 0)
        ok = error_errno(err, errno, "%s: renaming", temporary);
    if (!ok) {
        (void)unlink(temporary);
        goto done;
    }
    ok = sync_path(writer->directory, O_RDONLY | O_DIRECTORY, err) &&
         swap_current(writer, name, err);
    if (!ok)
        (void)unlink(path);
    else
        // both snapshots are on the disk: whichever `current` names after a power cut is whole
        (void)sync_path(writer->directory, O_RDONLY | O_DIRECTORY, &(struct error){0});
done:
    free(temporary);
    free(path);
    return ok;
}

static void tag_metrics(void *context, unsigned worker, size_t first, size_t end)
{
    struct snapshot *snapshot = context;

    (void)worker;
    for (size_t i = first; i < end; i++)
        snapshot_cost_tag(snapshot, &snapshot->metrics[i], snapshot->metrics[i].tag);
}

bool snapshot_publish(struct snapshot_writer *writer, struct snapshot *snapshot, char name[64],
                      enum snapshot_outcome *outcome, struct error *err)
{
    char *tags = NULL;

    snapshot_map_tag(snapshot, snapshot->tag);
    // each hashes tens of megabytes, and knows of the others only what does not change
    jobs_run(jobs_threads(), snapshot->metric_count, 1, tag_metrics, snapshot);
    tags = tags_text(snapshot);
    if (writer->tags && strcmp(tags, writer->tags) == 0) {
        free(tags);
        snapshot->number = writer->current.number;
        memcpy(name, writer->current.name, NAME_SIZE);
        *outcome = SNAPSHOT_UNCHANGED;
        return true;
    }
    struct snapshot_published next = {.number = writer->highest + 1};
    snapshot->number = next.number;
    make_name(snapshot, tags, next.name);
    if (!make_visible(writer, snapshot, next.name, err)) {
        free(tags);
        return error_in(err, "%s: snapshot %" PRIu64, writer->directory, next.number);
    }
    memcpy(next.tag, snapshot->tag, sizeof next.tag);
    (void)snprintf(next.generation, sizeof next.generation, "%s", snapshot->generation);
    free(writer->tags);
    writer->tags = tags;
    writer->highest = next.number;
    writer->current = next;
    memcpy(name, next.name, NAME_SIZE);
    *outcome = SNAPSHOT_PUBLISHED;
    return true;
}

bool snapshot_writer_current(const struct snapshot_writer *writer, struct snapshot_published *out)
{
    if (!writer->tags)
        return false;
    *out = writer->current;
    return true;
}

bool snapshot_writer_is_in_place(const struct snapshot_writer *writer)
{
    char *lock = path_of(writer, "", "lock", "");
    bool is_in_place = lock_is_at(writer->lock, lock);

    free(lock);
    return is_in_place;
}

/* ---- Retention ---- */

struct kept {
    char name[NAME_SIZE];
    uint64_t bytes;
    struct timespec written;
};

static int by_age(const void *a, const void *b) // newest first
{
    const struct kept *x = a, *y = b;
    int order = strncmp(y->name, x->name, STAMP_LENGTH);

    if (order == 0 && x->written.tv_sec != y->written.tv_sec)
        return x->written.tv_sec < y->written.tv_sec ? 1 : -1;
    if (order == 0)
        return (x->written.tv_nsec < y->written.tv_nsec) -
               (x->written.tv_nsec > y->written.tv_nsec);
    return order;
}

static bool list_snapshots(const struct snapshot_writer *writer, struct kept **out, size_t *count,
                           struct error *err)
{
    DIR *directory = opendir(writer->directory);
    struct kept *list = NULL;
    size_t capacity = 0;
    struct dirent *entry;

    *count = 0;
    if (!directory)
        return error_errno(err, errno, "%s: reading the directory", writer->directory);
    while ((entry = readdir(directory))) {
        struct stat info;

        if (!is_snapshot_name(entry->d_name) ||
            fstatat(dirfd(directory), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(info.st_mode))
            continue;
        list = memory_grow(list, *count, &capacity, sizeof *list);
        struct kept *file = &list[(*count)++];
        *file = (struct kept){.bytes = (uint64_t)info.st_size, .written = info.st_mtim};
        memcpy(file->name, entry->d_name, strlen(entry->d_name) + 1);
    }
    (void)closedir(directory);
    *out = list;
    return true;
}

static bool is_too_old(const struct kept *file, int64_t oldest_us)
{
    struct tm utc = {0};

    if (!strptime(file->name, "%Y-%m-%dT%H%M%SZ", &utc))
        return false;
    return (int64_t)timegm(&utc) * 1000000 < oldest_us;
}

bool snapshot_writer_prune(struct snapshot_writer *writer, int64_t now_us, struct error *err)
{
    struct kept *list = NULL;
    size_t count = 0;
    uint64_t bytes = 0;
    bool ok = true;

    if (!list_snapshots(writer, &list, &count, err))
        return false;
    if (count > 0)
        qsort(list, count, sizeof *list, by_age);
    for (size_t i = 0; i < count; i++) {
        bytes += list[i].bytes;
        if (strcmp(list[i].name, writer->current.name) == 0 ||
            (i < writer->options.keep_count && bytes <= writer->options.max_bytes &&
             !is_too_old(&list[i], now_us - writer->options.keep_for_us)))
            continue;
        bytes -= list[i].bytes;
        char *path = path_of(writer, "", list[i].name, "");
        if (unlink(path) != 0 && errno != ENOENT)
            ok = error_errno(err, errno, "%s: removing an old snapshot", path);
        free(path);
    }
    free(list);
    return ok;
}

/* ---- Opening ---- */

struct snapshot_writer *snapshot_writer_open(const struct snapshot_writer_options *options,
                                             struct error *err)
{
    struct snapshot_writer *writer = memory_alloc(1, sizeof *writer);
    char *lock = NULL;

    writer->options = *options;
    writer->directory = memory_text(options->directory);
    writer->options.directory = writer->directory;
    if (!make_directories(writer->directory, err))
        goto failed;
    lock = path_of(writer, "", "lock", "");
    writer->lock = lock_take(lock, err);
    free(lock);
    if (!writer->lock || !read_numbers(writer, err))
        goto failed;
    remove_temporary_files(writer);
    read_current(writer);
    return writer;
failed:
    snapshot_writer_close(writer);
    return NULL;
}

void snapshot_writer_close(struct snapshot_writer *writer)
{
    if (!writer)
        return;
    lock_release(writer->lock);
    free(writer->tags);
    free(writer->directory);
    free(writer);
}
