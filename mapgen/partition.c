/* partition: see partition.h. */
#include "partition.h"

#include "lib/hash.h"
#include "lib/text.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_LIMIT = 64, CUT_LENGTH = 55, HASH_DIGITS = 8 }; // RFC 7285 section 10.1; M-304

/* A PID before it has its prefixes. */
struct draft {
    char name[NAME_LIMIT + 1];
    uint32_t class; // AGGREGATE_DEFAULT: the default PID
    struct attachment_set set;
    uint8_t *canonical;
    size_t canonical_length;
};

struct build {
    const struct routers *routers;
    const struct attachments *attachments;
    struct arena *arena;
    struct draft *drafts;
    size_t count;
};

/* ---- Names ---- */

/* Per router in order: its key, and its cost in eight octets, big-endian (M-304). */
static void make_canonical(struct build *build, struct draft *draft)
{
    const struct attachment_set *set = &draft->set;
    uint8_t *at;

    draft->canonical_length = set->count * (size_t)(ROUTER_KEY_BYTES + 8);
    at = draft->canonical = arena_alloc(build->arena, draft->canonical_length, 1);
    for (uint32_t i = 0; i < set->count; i++) {
        memcpy(at, build->routers->list[set->list[i].router].key, ROUTER_KEY_BYTES);
        at += ROUTER_KEY_BYTES;
        for (unsigned shift = 64; shift > 0; shift -= 8)
            *at++ = (uint8_t)(set->list[i].cost >> (shift - 8));
    }
}

static void append_hash(struct draft *draft)
{
    struct hash *hash = hash_new();
    uint8_t digest[HASH_BYTES];
    char digits[HASH_DIGITS + 1];
    size_t length = strnlen(draft->name, CUT_LENGTH);

    hash_add(hash, draft->canonical, draft->canonical_length);
    hash_finish(hash, digest);
    (void)text_hex(digest, HASH_DIGITS / 2, digits);
    (void)snprintf(draft->name + length, sizeof draft->name - length, "-%s", digits);
}

static char sanitised(char letter)
{
    if ((letter >= 'A' && letter <= 'Z') || (letter >= 'a' && letter <= 'z') ||
        (letter >= '0' && letter <= '9') || strchr("-:@_", letter))
        return letter;
    return '-';
}

/* The routers' names joined by "_". false: longer than a name may be; then it is cut. */
static bool join_names(const struct build *build, struct draft *draft)
{
    const struct attachment_set *set = &draft->set;
    size_t used = 0;

    for (uint32_t i = 0; i < set->count; i++) {
        const char *name = build->routers->list[set->list[i].router].name;

        if (i > 0) {
            if (used == NAME_LIMIT)
                return false;
            draft->name[used++] = '_';
        }
        for (; *name; name++) {
            if (used == NAME_LIMIT)
                return false;
            draft->name[used++] = sanitised(*name);
        }
    }
    return true;
}

static void name_class(struct build *build, struct draft *draft, const char *default_pid)
{
    const struct attachment_set *set = &draft->set;
    bool costs_differ = false;

    make_canonical(build, draft);
    for (uint32_t i = 0; i < set->count; i++)
        costs_differ |= set->list[i].cost != 0;
    if (!join_names(build, draft) || costs_differ || strcmp(draft->name, default_pid) == 0)
        append_hash(draft);
}

static int compare_canonical(const struct draft *a, const struct draft *b)
{
    size_t common =
        a->canonical_length < b->canonical_length ? a->canonical_length : b->canonical_length;
    int order = memcmp(a->canonical, b->canonical, common);

    return order ? order
                 : (a->canonical_length > b->canonical_length) -
                       (a->canonical_length < b->canonical_length);
}

/* Sets of routers that share a key (M-107) have one canonical form: their order decides. */
static int compare_routers(const struct draft *a, const struct draft *b)
{
    for (uint32_t i = 0; i < a->set.count && i < b->set.count; i++) {
        uint32_t x = a->set.list[i].router, y = b->set.list[i].router;

        if (x != y)
            return x < y ? -1 : 1;
    }
    return 0;
}

static int compare_drafts(const void *a, const void *b)
{
    const struct draft *x = a, *y = b;
    int order = strcmp(x->name, y->name);

    if (!order)
        order = compare_canonical(x, y);
    return order ? order : compare_routers(x, y);
}

/* Of PIDs that share a name, the lowest keeps it. Names that meet even so refuse the map. */
static bool part_names(struct build *build, struct error *err)
{
    struct draft *drafts = build->drafts;
    size_t keeper = 0;

    qsort(drafts, build->count, sizeof *drafts, compare_drafts);
    for (size_t i = 1; i < build->count; i++) {
        if (strcmp(drafts[i].name, drafts[keeper].name) == 0)
            append_hash(&drafts[i]);
        else
            keeper = i;
    }
    qsort(drafts, build->count, sizeof *drafts, compare_drafts);
    for (size_t i = 1; i < build->count; i++) {
        if (strcmp(drafts[i].name, drafts[i - 1].name) == 0)
            return error_set(err, ERROR_INPUT,
                             "two PIDs with the name %s; names of routers that differ expected",
                             drafts[i].name);
    }
    return true;
}

/* ---- PIDs ---- */

/* Fills the PIDs' prefixes; pid_of[class]. */
static void share_out(struct build *build, const struct attached_prefix *list, size_t count,
                      const uint32_t *pid_of, uint32_t default_pid, struct partition *out)
{
    struct prefix *room = arena_alloc(build->arena, count, sizeof *room);
    struct prefix **next = memory_alloc(out->count, sizeof *next);

    for (size_t i = 0; i < count; i++) {
        uint32_t class = list[i].class;
        out->pids[class == AGGREGATE_DEFAULT ? default_pid : pid_of[class]].prefix_count++;
    }
    for (size_t i = 0; i < out->count; i++) {
        out->pids[i].prefixes = next[i] = room;
        room += out->pids[i].prefix_count;
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t class = list[i].class;
        *next[class == AGGREGATE_DEFAULT ? default_pid : pid_of[class]]++ = list[i].prefix;
    }
    free(next);
}

static bool has_default(const struct attached_prefix *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i].class == AGGREGATE_DEFAULT)
            return true;
    }
    return false;
}

static struct partition *make_pids(struct build *build, const struct attached_prefix *list,
                                   size_t count)
{
    struct partition *out = arena_alloc(build->arena, 1, sizeof *out);
    uint32_t *pid_of = memory_alloc(build->attachments->class_count, sizeof *pid_of);
    uint32_t default_pid = 0;

    out->pids = arena_alloc(build->arena, build->count, sizeof *out->pids);
    out->count = build->count;
    for (uint32_t i = 0; i < build->count; i++) {
        const struct draft *draft = &build->drafts[i];
        bool is_default = draft->class == AGGREGATE_DEFAULT;

        out->pids[i] = (struct pid){
            .name = arena_text(build->arena, draft->name, strlen(draft->name)),
            .reason = is_default ? "default" : "class",
        };
        if (is_default) {
            default_pid = i;
            continue;
        }
        pid_of[draft->class] = i;
        out->pids[i].attachments = build->attachments->classes[draft->class];
    }
    share_out(build, list, count, pid_of, default_pid, out);
    free(pid_of);
    return out;
}

struct partition *partition_make(const struct routers *routers,
                                 const struct attachments *attachments, const char *default_pid,
                                 struct arena *arena, struct error *err)
{
    struct build build = {.routers = routers, .attachments = attachments, .arena = arena};
    struct partition *out = NULL;
    size_t count;
    const struct attached_prefix *list = aggregate_list(attachments, arena, &count);

    assert(text_is_pid_name(default_pid, strlen(default_pid)));
    build.drafts = memory_alloc(attachments->class_count + 1, sizeof *build.drafts);
    for (uint32_t class = 0; class < attachments->class_count; class ++) {
        struct draft *draft = &build.drafts[build.count++];

        draft->class = class;
        draft->set = attachments->classes[class];
        name_class(&build, draft, default_pid);
    }
    if (has_default(list, count)) {
        struct draft *draft = &build.drafts[build.count++];

        draft->class = AGGREGATE_DEFAULT;
        draft->canonical = arena_alloc(arena, 0, 1);
        (void)snprintf(draft->name, sizeof draft->name, "%s", default_pid);
    }
    if (part_names(&build, err))
        out = make_pids(&build, list, count);
    free(build.drafts);
    return out;
}
