/* lpm: longest match as a search among ranges.
 *
 * Prefixes nest but never cross. Read in canonical order they open and close like brackets, so one pass with a
 * stack of the open ones cuts the address space into ranges, each with one answer:
 *
 *     10.0.0.0/8 → A      becomes    10.0.0.0 A │ 10.1.0.0 B │ 10.2.0.0 A │ 11.0.0.0 none
 *     10.1.0.0/16 → B
 *
 * n prefixes make at most 2n + 1 ranges. The first 16 bits choose a bucket, a binary search among the ranges that
 * begin in it does the rest; when none of them begins before the address, the range before them holds it. Where
 * the ranges begin is kept without what the bucket tells: 16 bits for IPv4. IPv6 has nearly all its prefixes in a
 * hundred buckets, so a crowded one has 4096 of the next 12 bits; and few maps have a prefix longer than 64 bits, so
 * the lower half of an address has an array of its own, which is not there when it would be all zero. A trie could
 * be updated in place, but a view never is. */
#include "lpm.h"

#include "lib/arena.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    BUCKETS = 1 << 16,
    INNER = 4096,   // buckets of a crowded bucket, by the next 12 bits
    CROWDED = 1024, // ranges; they take as much memory as their buckets
    RADIX = 256,    // of lpm_sort
    DEPTH = 130,    // one open prefix for each length of IPv6
};

struct key {
    uint64_t high, low; // an IPv4 address fills the upper half of high
};

struct ranges {
    int32_t *pids;    // range i ends before the next one starts; the first starts at 0
    uint16_t *starts; // IPv4: bits 16 to 31 of the address
    uint64_t *highs;  // IPv6
    uint64_t *lows;   // IPv6; NULL: all are zero
    size_t count;
    uint32_t buckets[BUCKETS + 1]; // how many ranges start before the bucket
    uint32_t *inner;               // of crowded buckets, as buckets, INNER + 1 each
    uint32_t *inner_of; // of each bucket: its inner ones' index + 1; 0: none. NULL: none at all
    size_t inner_count;
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

/* Ranges while they are made. */
struct builder {
    struct ranges *ranges;
    struct key last; // start of the last one
    bool is_open;    // another prefix may start where that one does
    size_t bucket;   // the next whose number of ranges before it is to be set
};

/* From start on the answer is pid. Starts come in ascending order. */
static void ranges_add(struct builder *builder, struct key start, int32_t pid)
{
    struct ranges *ranges = builder->ranges;

    if (builder->is_open && key_compare(builder->last, start) == 0)
        ranges->count--; // an inner prefix begins where its outer one does, or ends where it does
    for (; builder->bucket <= start.high >> 48; builder->bucket++)
        ranges->buckets[builder->bucket] = (uint32_t)ranges->count;
    builder->is_open = !ranges->count || ranges->pids[ranges->count - 1] != pid;
    if (!builder->is_open)
        return;
    builder->last = start;
    if (ranges->starts) {
        ranges->starts[ranges->count] = (uint16_t)(start.high >> 32);
    } else {
        ranges->highs[ranges->count] = start.high;
        ranges->lows[ranges->count] = start.low;
    }
    ranges->pids[ranges->count++] = pid;
}

/* Ends the innermost open prefix. */
static void close_one(struct builder *builder, const struct open *stack, size_t *depth)
{
    struct key next = stack[--*depth].last;

    if (key_next(&next))
        ranges_add(builder, next, *depth ? stack[*depth - 1].pid : LPM_NONE);
}

/* Inner buckets for the crowded ones of IPv6. */
static void fill_inner(struct ranges *ranges)
{
    size_t crowded = 0;

    for (size_t b = 0; b < BUCKETS; b++)
        crowded += ranges->buckets[b + 1] - ranges->buckets[b] > CROWDED;
    if (!crowded)
        return;
    ranges->inner_of = memory_alloc(BUCKETS, sizeof *ranges->inner_of);
    ranges->inner = memory_alloc(crowded * (INNER + 1), sizeof *ranges->inner);
    for (size_t b = 0; b < BUCKETS; b++) {
        uint32_t at = ranges->buckets[b], end = ranges->buckets[b + 1];
        if (end - at <= CROWDED)
            continue;
        uint32_t *inner = ranges->inner + ranges->inner_count * (INNER + 1);
        for (size_t i = 0; i < INNER; i++) {
            while (at < end && (ranges->highs[at] >> 36 & (INNER - 1)) < i)
                at++;
            inner[i] = at;
        }
        inner[INNER] = end;
        ranges->inner_of[b] = (uint32_t)++ranges->inner_count;
    }
}

/* Gives back what was too much, and the lower halves when no range needs them. */
static void trim(struct ranges *ranges)
{
    bool has_low = false;

    ranges->pids = memory_resize(ranges->pids, ranges->count, sizeof *ranges->pids);
    if (ranges->starts) {
        ranges->starts = memory_resize(ranges->starts, ranges->count, sizeof *ranges->starts);
        return;
    }
    ranges->highs = memory_resize(ranges->highs, ranges->count, sizeof *ranges->highs);
    for (size_t i = 0; i < ranges->count && !has_low; i++)
        has_low = ranges->lows[i] != 0;
    if (has_low) {
        ranges->lows = memory_resize(ranges->lows, ranges->count, sizeof *ranges->lows);
    } else {
        free(ranges->lows);
        ranges->lows = NULL;
    }
}

static void ranges_build(struct ranges *ranges, enum family family, const struct lpm_entry *entries,
                         size_t count)
{
    struct builder builder = {.ranges = ranges};
    struct open stack[DEPTH];
    size_t depth = 0, most = 2 * count + 1;

    ranges->pids = memory_alloc(most, sizeof *ranges->pids);
    if (family == FAMILY_IPV4) {
        ranges->starts = memory_alloc(most, sizeof *ranges->starts);
    } else {
        ranges->highs = memory_alloc(most, sizeof *ranges->highs);
        ranges->lows = memory_alloc(most, sizeof *ranges->lows);
    }
    ranges_add(&builder, (struct key){0, 0}, LPM_NONE);
    for (size_t i = 0; i < count; i++) {
        struct key start = key_of(&entries[i].prefix);
        while (depth && key_compare(stack[depth - 1].last, start) < 0)
            close_one(&builder, stack, &depth);
        stack[depth++] = (struct open){last_of(&entries[i].prefix), entries[i].pid};
        ranges_add(&builder, start, entries[i].pid);
    }
    while (depth)
        close_one(&builder, stack, &depth);
    for (; builder.bucket <= BUCKETS; builder.bucket++)
        ranges->buckets[builder.bucket] = (uint32_t)ranges->count;
    trim(ranges);
    if (family == FAMILY_IPV6)
        fill_inner(ranges);
}

/* ---- Sorting ---- */

struct place {
    uint64_t high;
    uint32_t index;
};

/* One pass of a radix sort by the eight bits above shift; false: all are equal there, nothing was done. */
static bool sort_by_digit(const struct place *from, struct place *to, size_t count, unsigned shift)
{
    size_t at[RADIX] = {0}, sum = 0;

    for (size_t i = 0; i < count; i++)
        at[from[i].high >> shift & (RADIX - 1)]++;
    if (count == 0 || at[from[0].high >> shift & (RADIX - 1)] == count)
        return false;
    for (size_t digit = 0; digit < RADIX; digit++) {
        size_t length = at[digit];
        at[digit] = sum;
        sum += length;
    }
    for (size_t i = 0; i < count; i++)
        to[at[from[i].high >> shift & (RADIX - 1)]++] = from[i];
    return true;
}

static int compare_entries(const void *a, const void *b)
{
    const struct lpm_entry *left = a, *right = b;

    return prefix_compare(&left->prefix, &right->prefix);
}

/* Those of one family: by the upper half of the address, then who is equal in that as a whole. */
static void sort_family(const struct lpm_entry *entries, enum family family, size_t count,
                        struct lpm_entry *out, size_t out_count)
{
    struct place *places = memory_alloc(out_count, sizeof *places),
                 *other = memory_alloc(out_count, sizeof *other);
    size_t used = 0;

    for (size_t i = 0; i < count; i++)
        if (entries[i].prefix.family == family)
            places[used++] = (struct place){key_of(&entries[i].prefix).high, (uint32_t)i};
    for (unsigned shift = 0; shift < 64; shift += 8) {
        if (!sort_by_digit(places, other, used, shift))
            continue;
        struct place *sorted = other;
        other = places;
        places = sorted;
    }
    for (size_t i = 0, end; i < used; i = end) {
        for (end = i; end < used && places[end].high == places[i].high; end++)
            out[end] = entries[places[end].index];
        if (end - i > 1)
            qsort(out + i, end - i, sizeof *out, compare_entries);
    }
    free(places);
    free(other);
}

void lpm_sort(struct lpm_entry *entries, size_t count)
{
    struct lpm_entry *sorted = memory_alloc(count, sizeof *sorted);
    size_t ipv4 = 0;

    for (size_t i = 0; i < count; i++)
        ipv4 += entries[i].prefix.family == FAMILY_IPV4;
    sort_family(entries, FAMILY_IPV4, count, sorted, ipv4);
    sort_family(entries, FAMILY_IPV6, count, sorted + ipv4, count - ipv4);
    if (count)
        memcpy(entries, sorted, count * sizeof *sorted);
    free(sorted);
}

/* ---- The table ---- */

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
    ranges_build(&lpm->ipv4, FAMILY_IPV4, entries, ipv4);
    ranges_build(&lpm->ipv6, FAMILY_IPV6, entries + ipv4, count - ipv4);
    return lpm;
}

/* How many of starts[count] are not above the key. The loop has no branch that depends on data. */
static size_t count_starts(const uint16_t *starts, size_t count, uint16_t key)
{
    const uint16_t *at = starts;

    if (!count)
        return 0;
    for (; count > 1; count -= count / 2)
        at += (count / 2) * (at[count / 2 - 1] <= key);
    return (size_t)(at - starts) + (*at <= key);
}

static size_t count_words(const uint64_t *starts, size_t count, uint64_t key)
{
    const uint64_t *at = starts;

    if (!count)
        return 0;
    for (; count > 1; count -= count / 2)
        at += (count / 2) * (at[count / 2 - 1] <= key);
    return (size_t)(at - starts) + (*at <= key);
}

static int32_t find_ipv4(const struct ranges *ranges, const uint8_t *bytes)
{
    size_t bucket = (size_t)bytes[0] << 8 | bytes[1];
    size_t low = ranges->buckets[bucket], count = ranges->buckets[bucket + 1] - low;
    uint16_t key = (uint16_t)(bytes[2] << 8 | bytes[3]);

    return ranges->pids[low + count_starts(ranges->starts + low, count, key) - 1];
}

static int32_t find_ipv6(const struct ranges *ranges, struct key key)
{
    size_t bucket = key.high >> 48;
    const uint32_t *bounds = &ranges->buckets[bucket];

    if (ranges->inner_of && ranges->inner_of[bucket])
        bounds = ranges->inner + (ranges->inner_of[bucket] - 1) * (size_t)(INNER + 1) +
                 (key.high >> 36 & (INNER - 1));
    size_t low = bounds[0], count = bounds[1] - low;
    size_t end = low + count_words(ranges->highs + low, count, key.high);
    if (ranges->lows) { // among those of the address's upper half the lower one decides
        size_t first = key.high ? low + count_words(ranges->highs + low, count, key.high - 1) : low;
        end = first + count_words(ranges->lows + first, end - first, key.low);
    }
    return ranges->pids[end - 1];
}

int32_t lpm_find(const struct lpm *lpm, const struct prefix *address)
{
    return address->family == FAMILY_IPV4 ? find_ipv4(&lpm->ipv4, address->bytes)
                                          : find_ipv6(&lpm->ipv6, key_of(address));
}

static size_t ranges_bytes(const struct ranges *ranges)
{
    return ranges->count * (sizeof *ranges->pids + (ranges->starts ? sizeof *ranges->starts : 0) +
                            (ranges->highs ? sizeof *ranges->highs : 0) +
                            (ranges->lows ? sizeof *ranges->lows : 0)) +
           (ranges->inner_of ? BUCKETS * sizeof *ranges->inner_of : 0) +
           ranges->inner_count * (INNER + 1) * sizeof *ranges->inner;
}

size_t lpm_bytes(const struct lpm *lpm)
{
    return sizeof *lpm + ranges_bytes(&lpm->ipv4) + ranges_bytes(&lpm->ipv6);
}

static void ranges_clear(struct ranges *ranges)
{
    free(ranges->pids);
    free(ranges->starts);
    free(ranges->highs);
    free(ranges->lows);
    free(ranges->inner);
    free(ranges->inner_of);
}

void lpm_free(struct lpm *lpm)
{
    if (!lpm)
        return;
    ranges_clear(&lpm->ipv4);
    ranges_clear(&lpm->ipv6);
    free(lpm);
}
