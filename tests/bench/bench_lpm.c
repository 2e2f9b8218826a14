/* Longest matches in a snapshot's network map, against a binary trie.
 *
 *     bench_lpm [--rounds N] SNAPSHOT
 *
 * An address of a random prefix of the map is looked for, so that each search ends at a prefix and none is cut
 * short by a part of the address space that nobody has. Both sides get the same addresses in the same order,
 * and every answer is compared before anything is measured. The trie has a node a bit of prefix in one array,
 * which is how it is written when nobody measures; it keeps its answer in the node. */
#include "figures.h"
#include "lib/arena.h"
#include "lib/snapshot.h"
#include "lpm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOOKUPS = 1 << 20, SEED = 7 };

struct trie_node {
    uint32_t child[2]; // indexes; 0, the root, is nobody's child: none
    int32_t pid;
};

struct trie {
    struct trie_node *nodes;
    size_t count, capacity;
};

struct side {
    const struct lpm_entry *entries; // in order; all families
    size_t count;
    const struct lpm *lpm;
    const struct trie *trie;
    const struct prefix *addresses;
    int64_t sum; // of the answers: what is kept has to be looked up
};

static uint32_t trie_add_node(struct trie *trie)
{
    trie->nodes = memory_grow(trie->nodes, trie->count, &trie->capacity, sizeof *trie->nodes);
    trie->nodes[trie->count] = (struct trie_node){.pid = LPM_NONE};
    return (uint32_t)trie->count++;
}

static struct trie trie_of(const struct lpm_entry *entries, size_t count, enum family family)
{
    struct trie trie = {0};

    (void)trie_add_node(&trie);
    for (size_t i = 0; i < count; i++) {
        const struct prefix *prefix = &entries[i].prefix;
        uint32_t at = 0;

        if (prefix->family != family)
            continue;
        for (unsigned bit = 0; bit < prefix->length_bits; bit++) {
            bool side = prefix_bit(prefix, bit);
            if (!trie.nodes[at].child[side]) {
                uint32_t added = trie_add_node(&trie);
                trie.nodes[at].child[side] = added;
            }
            at = trie.nodes[at].child[side];
        }
        trie.nodes[at].pid = entries[i].pid;
    }
    return trie;
}

static int32_t trie_find(const struct trie *trie, const struct prefix *address)
{
    int32_t pid = trie->nodes[0].pid;
    uint32_t at = 0;

    for (unsigned bit = 0; bit < address->length_bits; bit++) {
        at = trie->nodes[at].child[prefix_bit(address, bit)];
        if (!at)
            break;
        if (trie->nodes[at].pid != LPM_NONE)
            pid = trie->nodes[at].pid;
    }
    return pid;
}

/* ns a look-up. */
static double find_in_lpm(void *context)
{
    struct side *side = context;
    double start = figures_now_ms();

    for (size_t i = 0; i < LOOKUPS; i++)
        side->sum += lpm_find(side->lpm, &side->addresses[i]);
    return (figures_now_ms() - start) * 1e6 / LOOKUPS;
}

static double find_in_trie(void *context)
{
    struct side *side = context;
    double start = figures_now_ms();

    for (size_t i = 0; i < LOOKUPS; i++)
        side->sum += trie_find(side->trie, &side->addresses[i]);
    return (figures_now_ms() - start) * 1e6 / LOOKUPS;
}

static double build_lpm(void *context)
{
    struct side *side = context;
    struct error err;
    double start = figures_now_ms();
    struct lpm *lpm = lpm_new(side->entries, side->count, &err);
    double took = figures_now_ms() - start;

    lpm_free(lpm);
    return took;
}

/* A random address of a random prefix of the family. */
static struct prefix *draw_addresses(const struct lpm_entry *entries, size_t count,
                                     enum family family)
{
    struct prefix *addresses = memory_alloc(LOOKUPS, sizeof *addresses);
    uint64_t seed = SEED;
    size_t first = 0, last = count;

    while (first < last && entries[first].prefix.family != family)
        first++;
    while (last > first && entries[last - 1].prefix.family != family)
        last--;
    if (first == last) {
        (void)fprintf(stderr, "bench_lpm: no IPv%d prefix in the map\n", (int)family);
        exit(1);
    }
    for (size_t i = 0; i < LOOKUPS; i++) {
        struct prefix *address = &addresses[i];
        *address = entries[first + figures_random(&seed) % (last - first)].prefix;
        for (unsigned bit = address->length_bits; bit < family_bits(family); bit++)
            if (figures_random(&seed) & 1)
                address->bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
        address->length_bits = family_bits(family);
    }
    return addresses;
}

static void compare(const struct lpm *lpm, const struct trie *trie, const struct prefix *addresses)
{
    char text[PREFIX_TEXT_SIZE];

    for (size_t i = 0; i < LOOKUPS; i++) {
        int32_t ours = lpm_find(lpm, &addresses[i]), theirs = trie_find(trie, &addresses[i]);
        if (ours != theirs) {
            (void)fprintf(stderr, "bench_lpm: %s: PID %d, by the trie %d\n",
                          address_format(&addresses[i], text), ours, theirs);
            exit(1);
        }
    }
}

static void measure(struct side side, enum family family, size_t rounds)
{
    static figures_function *const sides[] = {find_in_lpm, find_in_trie};
    struct trie trie = trie_of(side.entries, side.count, family);
    struct prefix *addresses = draw_addresses(side.entries, side.count, family);
    double medians[2];
    char name[16];

    side.trie = &trie;
    side.addresses = addresses;
    compare(side.lpm, &trie, addresses);
    figures_interleave(rounds, sides, &side, 2, medians);
    (void)snprintf(name, sizeof name, "v%d", (int)family);
    figures_print(name, medians[0], "ns");
    (void)snprintf(name, sizeof name, "v%d.trie", (int)family);
    figures_print(name, medians[1], "ns");
    free(addresses);
    free(trie.nodes);
}

static struct lpm_entry *entries_of(const struct snapshot *snapshot, size_t *count)
{
    size_t all = 0;

    for (size_t i = 0; i < snapshot->pid_count; i++)
        all += snapshot->pids[i].prefix_count;
    struct lpm_entry *entries = memory_alloc(all, sizeof *entries);
    *count = 0;
    for (size_t i = 0; i < snapshot->pid_count; i++)
        for (size_t j = 0; j < snapshot->pids[i].prefix_count; j++)
            entries[(*count)++] = (struct lpm_entry){snapshot->pids[i].prefixes[j], (int32_t)i};
    lpm_sort(entries, all);
    return entries;
}

int main(int argc, char **argv)
{
    struct figures_options options = figures_start(argc, argv, "SNAPSHOT", 1);
    static figures_function *const builds[] = {build_lpm};
    struct arena *arena = arena_new();
    struct snapshot snapshot;
    struct side side = {0};
    struct error err;
    double build_ms;

    if (!snapshot_read(options.words[0], SNAPSHOT_MAP, arena, &snapshot, &err)) {
        (void)fprintf(stderr, "bench_lpm: %s\n", err.text);
        return 1;
    }
    struct lpm_entry *entries = entries_of(&snapshot, &side.count);
    side.entries = entries;
    struct lpm *lpm = lpm_new(entries, side.count, &err);
    if (!lpm) {
        (void)fprintf(stderr, "bench_lpm: %s\n", err.text);
        return 1;
    }
    side.lpm = lpm;
    figures_print("prefixes", (double)side.count, "prefixes");
    figures_print("memory", (double)lpm_bytes(lpm) / 1e6, "MB");
    figures_interleave(options.rounds, builds, &side, 1, &build_ms);
    figures_print("build", build_ms, "ms");
    measure(side, FAMILY_IPV4, options.rounds);
    measure(side, FAMILY_IPV6, options.rounds);
    lpm_free(lpm);
    free(entries);
    arena_free(arena);
    return 0;
}
