/* lpm: longest match as a search among ranges.
 *
 * Prefixes nest but never cross. Read in canonical order they open and close like brackets, so one pass with a
 * stack of the open ones cuts the address space into ranges, each with one answer:
 *
 *     10.0.0.0/8 → A      becomes    10.0.0.0 A │ 10.1.0.0 B │ 10.2.0.0 A │ 11.0.0.0 none
 *     10.1.0.0/16 → B
 *
 * n prefixes make at most 2n + 1 ranges. The first 16 bits choose a bucket, a binary search does the rest. A
 * trie could be updated in place, but a view never is. */
#include "lpm.h"

#include "lib/arena.h"

#include <stdlib.h>

enum { BUCKETS = 1 << 16, DEPTH = 130 }; // one open prefix for each length of IPv6

struct key {
    uint64_t high, low; // an IPv4 address fills the upper half of high
};

struct ranges {
    struct key *starts; // ascending; range i ends before start i + 1
    int32_t *pids;
    size_t count;
    uint32_t buckets[BUCKETS + 1]; // the range in which the bucket's first address lies
};

struct lpm {
    struct ranges ipv4, ipv6;
};

struct open {
    struct key last; // address of the prefix
    int32_t pid;
};

static uint64_t read_high(const uint8_t *bytes)
{
    uint64_t value = 0;

    for (int i = 0; i < 8; i++)
        value = value << 8 | bytes[i];
    return value;
}

static struct key key_of(const struct prefix *prefix)
{
    return (struct key){read_high(prefix->bytes), read_high(prefix->bytes + 8)};
}

static int key_compare(struct key a, struct key b)
{
    if (a.high != b.high)
        return a.high < b.high ? -1 : 1;
    return (a.low > b.low) - (a.low < b.low);
}

/* The last address of the prefix; what IPv4 has not is filled with ones too. */
static struct key last_of(const struct prefix *prefix)
{
    struct key key = key_of(prefix);
    unsigned bits = prefix->length_bits;

    key.high |= bits == 0 ? UINT64_MAX : bits < 64 ? UINT64_MAX >> bits : 0;
    key.low |= bits <= 64 ? UINT64_MAX : bits < 128 ? UINT64_MAX >> (bits - 64) : 0;
    return key;
}

/* false: there is no address behind it. */
static bool key_next(struct key *key)
{
    if (++key->low == 0)
        key->high++;
    return key->high || key->low;
}

/* From start on the answer is pid. Starts come in ascending order. */
static void ranges_add(struct ranges *ranges, struct key start, int32_t pid)
{
    if (ranges->count && key_compare(ranges->starts[ranges->count - 1], start) == 0)
        ranges->count--; // an inner prefix begins where its outer one does, or ends where it does
    if (ranges->count && ranges->pids[ranges->count - 1] == pid)
        return;
    ranges->starts[ranges->count] = start;
    ranges->pids[ranges->count++] = pid;
}

/* Ends the innermost open prefix. */
static void close_one(struct ranges *ranges, const struct open *stack, size_t *depth)
{
    struct key next = stack[--*depth].last;

    if (key_next(&next))
        ranges_add(ranges, next, *depth ? stack[*depth - 1].pid : LPM_NONE);
}

static void fill_buckets(struct ranges *ranges)
{
    size_t range = 0;

    for (uint64_t bucket = 0; bucket < BUCKETS; bucket++) {
        while (range + 1 < ranges->count && ranges->starts[range + 1].high <= bucket << 48 &&
               key_compare(ranges->starts[range + 1], (struct key){bucket << 48, 0}) <= 0)
            range++;
        ranges->buckets[bucket] = (uint32_t)range;
    }
    ranges->buckets[BUCKETS] = (uint32_t)(ranges->count - 1);
}

static void ranges_build(struct ranges *ranges, const struct lpm_entry *entries, size_t count)
{
    struct open stack[DEPTH];
    size_t depth = 0;

    ranges->starts = memory_alloc(2 * count + 1, sizeof *ranges->starts);
    ranges->pids = memory_alloc(2 * count + 1, sizeof *ranges->pids);
    ranges_add(ranges, (struct key){0, 0}, LPM_NONE);
    for (size_t i = 0; i < count; i++) {
        struct key start = key_of(&entries[i].prefix);
        while (depth && key_compare(stack[depth - 1].last, start) < 0)
            close_one(ranges, stack, &depth);
        stack[depth++] = (struct open){last_of(&entries[i].prefix), entries[i].pid};
        ranges_add(ranges, start, entries[i].pid);
    }
    while (depth)
        close_one(ranges, stack, &depth);
    ranges->starts = memory_resize(ranges->starts, ranges->count, sizeof *ranges->starts);
    ranges->pids = memory_resize(ranges->pids, ranges->count, sizeof *ranges->pids);
    fill_buckets(ranges);
}

struct lpm *lpm_new(const struct lpm_entry *entries, size_t count, struct error *err)
{
    char text[PREFIX_TEXT_SIZE];
    size_t ipv4 = 0;

    for (size_t i = 0; i < count; i++) {
        if (i > 0 && prefix_compare(&entries[i - 1].prefix, &entries[i].prefix) >= 0) {
            error_set(err, ERROR_INPUT, "prefix %s is there twice, or out of order",
                      prefix_format(&entries[i].prefix, text));
            return NULL;
        }
        ipv4 += entries[i].prefix.family == FAMILY_IPV4;
    }
    struct lpm *lpm = memory_alloc(1, sizeof *lpm);
    ranges_build(&lpm->ipv4, entries, ipv4);
    ranges_build(&lpm->ipv6, entries + ipv4, count - ipv4);
    return lpm;
}

int32_t lpm_find(const struct lpm *lpm, const struct prefix *address)
{
    const struct ranges *ranges = address->family == FAMILY_IPV4 ? &lpm->ipv4 : &lpm->ipv6;
    struct key key = key_of(address);
    size_t low = ranges->buckets[key.high >> 48], high = ranges->buckets[(key.high >> 48) + 1];

    while (low < high) { // the last range that begins at or before the address
        size_t middle = (low + high + 1) / 2;
        if (key_compare(ranges->starts[middle], key) <= 0)
            low = middle;
        else
            high = middle - 1;
    }
    return ranges->pids[low];
}

static size_t ranges_bytes(const struct ranges *ranges)
{
    return ranges->count * (sizeof *ranges->starts + sizeof *ranges->pids);
}

size_t lpm_bytes(const struct lpm *lpm)
{
    return sizeof *lpm + ranges_bytes(&lpm->ipv4) + ranges_bytes(&lpm->ipv6);
}

void lpm_free(struct lpm *lpm)
{
    if (!lpm)
        return;
    free(lpm->ipv4.starts);
    free(lpm->ipv4.pids);
    free(lpm->ipv6.starts);
    free(lpm->ipv6.pids);
    free(lpm);
}
