/* gen_prefixes: see gen_prefixes.h.
 *
 * Space is given out as memory is by a buddy allocator: from a /8 (IPv4) or a registry's /12 (IPv6), the
 * smallest free piece that fits is halved until it does, and the halves left over are next. So nothing is
 * lost to alignment and blocks of one size come side by side. Holes of the same sizes keep the table as thin
 * as the space allows.
 *
 * A table of more routes than the real one has does not fit with the real one's short prefixes: then these
 * are made longer. */
#include "gen_prefixes.h"

#include "gen_fitted.h"
#include "lib/arena.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { ORDERS = 64, STAY_PERCENT = 65, RUN_PERCENT = 80, HOLES_MOST = 3, WEIGHTS = 100000 };

/* What differs between the families. */
struct shape {
    enum family family;
    unsigned root_bits, first_bits, last_bits; // of a root; of the fitted tables
    unsigned common_bits;                      // the longest that is heard everywhere
    const uint32_t *tops;
    const struct fitted_parent *parents;
    size_t parent_count;
};

static const struct shape shapes[] = {
    {FAMILY_IPV4, 8, 8, 32, 24, ipv4_tops, ipv4_parents,
     sizeof ipv4_parents / sizeof *ipv4_parents},
    {FAMILY_IPV6, 12, 16, 64, 48, ipv6_tops, ipv6_parents,
     sizeof ipv6_parents / sizeof *ipv6_parents},
};

/* /8 that hold special addresses (RFC 6890) stay out whole. */
static const uint8_t special[] = {0, 10, 100, 127, 169, 172, 192, 198, 203};
static const uint16_t registries[] = {0x240, 0x260, 0x280, 0x2a0, 0x2c0}; // first 12 bits

/* Free pieces of one root, by size. */
struct root {
    uint64_t *free[ORDERS]; // of 2^order units of /64 or, in IPv4, left-aligned the same
    size_t count[ORDERS], capacity[ORDERS];
};

struct maker {
    const struct shape *shape;
    struct random random;
    struct root *roots;
    size_t root_count;
    size_t root;            // where the last block came from
    unsigned shortest_bits; // of a block; 0: to be planned
    uint64_t gone;          // space of blocks and holes
    struct gen_prefix *out;
    size_t count, limit;
};

struct prefix gen_prefix_value(const struct gen_prefix *prefix)
{
    struct prefix value = {.family = prefix->family, .length_bits = prefix->length_bits};

    for (size_t i = 0; i < 8; i++)
        value.bytes[i] = (uint8_t)(prefix->bits >> (56 - 8 * i));
    return value;
}

int gen_prefix_compare(const void *a, const void *b)
{
    const struct gen_prefix *left = a, *right = b;

    if (left->family != right->family)
        return left->family < right->family ? -1 : 1;
    if (left->bits != right->bits)
        return left->bits < right->bits ? -1 : 1;
    return (left->length_bits > right->length_bits) - (left->length_bits < right->length_bits);
}

// ---- space

static void give(struct root *root, unsigned order, uint64_t bits)
{
    root->free[order] = memory_grow(root->free[order], root->count[order], &root->capacity[order],
                                    sizeof *root->free[order]);
    root->free[order][root->count[order]++] = bits;
}

/* A prefix's size as a power of two of /64; IPv4 stands in the upper half of the 64 bits. */
static unsigned order_of(unsigned length_bits)
{
    assert(length_bits > 0 && length_bits <= 64);
    return 64 - length_bits;
}

static uint64_t size_of(unsigned length_bits)
{
    return UINT64_C(1) << (order_of(length_bits) & 63);
}

static bool take(struct root *root, unsigned order, uint64_t *bits)
{
    unsigned from = order;

    while (from < ORDERS && !root->count[from])
        from++;
    if (from == ORDERS)
        return false;
    *bits = root->free[from][--root->count[from]];
    while (from-- > order)
        give(root, from, *bits + (UINT64_C(1) << from));
    return true;
}

/* From the same root as the last as often as not, else from any; from the next that has room. */
static bool take_anywhere(struct maker *maker, unsigned length_bits, uint64_t *bits)
{
    if (!random_percent(&maker->random, STAY_PERCENT))
        maker->root = random_below(&maker->random, (uint32_t)maker->root_count);
    for (size_t i = 0; i < maker->root_count; i++) {
        if (take(&maker->roots[maker->root], order_of(length_bits), bits))
            return true;
        maker->root = (maker->root + 1) % maker->root_count;
    }
    return false;
}

static void open_roots(struct maker *maker)
{
    bool is_ipv4 = maker->shape->family == FAMILY_IPV4;
    unsigned order = order_of(maker->shape->root_bits);
    size_t limit = is_ipv4 ? 224 : sizeof registries / sizeof *registries;

    maker->roots = memory_alloc(limit, sizeof *maker->roots);
    maker->root_count = 0;
    for (size_t i = 0; i < limit; i++) {
        if (is_ipv4 && memchr(special, (int)i, sizeof special))
            continue;
        give(&maker->roots[maker->root_count++], order,
             (uint64_t)(is_ipv4 ? i : registries[i]) << order);
    }
}

static void close_roots(struct maker *maker)
{
    for (size_t i = 0; i < maker->root_count; i++) {
        for (size_t order = 0; order < ORDERS; order++)
            free(maker->roots[i].free[order]);
    }
    free(maker->roots);
}

static const struct fitted_parent *parent_of(const struct shape *shape, unsigned length_bits)
{
    for (size_t i = 0; i < shape->parent_count; i++) {
        if (length_bits >= shape->parents[i].from && length_bits <= shape->parents[i].to)
            return &shape->parents[i];
    }
    return NULL;
}

/* How many prefixes a block of each length has in the mean, itself included; in 1/1024. */
static void expect_sizes(const struct shape *shape, uint64_t sizes[FITTED_LENGTHS])
{
    for (unsigned length = shape->last_bits + 1; length-- > shape->first_bits;) {
        const struct fitted_parent *parent = parent_of(shape, length);
        uint64_t children = 0, inside = 0, weights = 0;

        sizes[length - shape->first_bits] = 1024;
        if (!parent)
            continue;
        for (size_t i = 1; i < CHILD_QUANTILES; i++)
            children += (uint64_t)(parent->children[i - 1] + parent->children[i]) *
                        (child_shares[i] - child_shares[i - 1]) / 2;
        for (unsigned child = length + 1; child <= shape->last_bits; child++) {
            uint64_t weight = parent->lengths[child - shape->first_bits];

            inside += weight * sizes[child - shape->first_bits];
            weights += weight;
        }
        if (weights)
            sizes[length - shape->first_bits] += inside / weights * children /
                                                 child_shares[CHILD_QUANTILES - 1] * parent->some /
                                                 10000;
    }
}

/* The space that the blocks are expected to take when none is shorter than that; in 1/1024 of a root. */
static uint64_t expect_need(const struct maker *maker, const uint64_t sizes[FITTED_LENGTHS],
                            unsigned shortest)
{
    const struct shape *shape = maker->shape;
    uint64_t mean = 0, need = 0;

    for (unsigned length = shape->first_bits; length <= shape->last_bits; length++) {
        uint64_t weight = shape->tops[length - shape->first_bits];
        unsigned used = length > shortest ? length : shortest;

        mean += weight * sizes[used - shape->first_bits];
        need += (weight << 34) >> (used - shape->root_bits);
    }
    uint64_t blocks = (uint64_t)maker->limit * 1024 / (mean / WEIGHTS + 1);

    return (need / WEIGHTS * blocks) >> 24;
}

/* The shortest length with which the blocks take four fifths of the space at most. */
static unsigned plan_shortest(const struct maker *maker)
{
    uint64_t capacity = (uint64_t)maker->root_count << 10, sizes[FITTED_LENGTHS] = {0};
    unsigned shortest = maker->shape->first_bits;

    expect_sizes(maker->shape, sizes);
    while (expect_need(maker, sizes, shortest) > capacity * 4 / 5)
        shortest++;
    return shortest;
}

// ---- blocks

static void add(struct maker *maker, uint64_t bits, unsigned length_bits)
{
    if (maker->count < maker->limit)
        maker->out[maker->count++] = (struct gen_prefix){.bits = bits,
                                                         .family = (uint8_t)maker->shape->family,
                                                         .length_bits = (uint8_t)length_bits};
}

/* The lengths that are longer than the parent's; 0: there are none. */
static unsigned draw_length(struct maker *maker, const struct fitted_parent *parent,
                            unsigned length_bits)
{
    const struct shape *shape = maker->shape;
    unsigned first = length_bits + 1 - shape->first_bits;
    size_t count = shape->last_bits - shape->first_bits + 1;
    uint32_t total = 0;

    for (size_t i = first; i < count; i++)
        total += parent->lengths[i];
    if (!total)
        return 0;
    return length_bits + 1 +
           (unsigned)random_weighted(&maker->random, parent->lengths + first, count - first);
}

static uint32_t draw_children(struct maker *maker, const struct fitted_parent *parent)
{
    return random_by_shares(&maker->random, child_shares, parent->children, CHILD_QUANTILES);
}

/* How many more-specifics of each length there are directly below a prefix. */
static void draw_below(struct maker *maker, unsigned length_bits, uint32_t counts[ORDERS + 1])
{
    const struct fitted_parent *parent = parent_of(maker->shape, length_bits);

    memset(counts, 0, (ORDERS + 1) * sizeof *counts);
    if (!parent || random_below(&maker->random, 10000) >= parent->some)
        return;
    uint64_t room = size_of(length_bits);

    for (uint32_t left = draw_children(maker, parent); left; left--) {
        unsigned length = draw_length(maker, parent, length_bits);

        if (!length)
            return;
        while (length < maker->shape->common_bits && size_of(length) > room / left)
            length++; // so that all have room: where they are many, they are small
        if (size_of(length) > room)
            continue;
        counts[length]++;
        room -= size_of(length);
    }
}

/* What is directly below the prefix: the large ones first, so that all are aligned, in runs as when an AS
 * splits a block, with holes between them as far as there is room. */
static void add_below(struct maker *maker, uint64_t bits, unsigned length_bits)
{
    uint32_t counts[ORDERS + 1];
    uint64_t spare = size_of(length_bits);

    draw_below(maker, length_bits, counts);
    for (unsigned length = length_bits + 1; length <= ORDERS; length++)
        spare -= (uint64_t)counts[length] << order_of(length);
    for (unsigned length = length_bits + 1; length <= ORDERS; length++) {
        uint64_t size = size_of(length);

        for (; counts[length]; counts[length]--, bits += size) {
            if (spare >= size && !random_percent(&maker->random, RUN_PERCENT)) {
                uint64_t most = spare / size < UINT32_MAX ? spare / size : UINT32_MAX;
                uint64_t hole = size * random_between(&maker->random, 1, (uint32_t)most);

                bits += hole;
                spare -= hole;
            }
            add(maker, bits, length);
        }
    }
}

/* A prefix and all below it, in canonical order. */
static void add_tree(struct maker *maker, uint64_t bits, unsigned length_bits)
{
    size_t first = maker->count;

    add(maker, bits, length_bits);
    for (size_t i = first; i < maker->count; i++)
        add_below(maker, maker->out[i].bits, maker->out[i].length_bits);
    qsort(maker->out + first, maker->count - first, sizeof *maker->out, gen_prefix_compare);
}

/* Holes as large as the block, until as much of the space is gone as of the table is made. */
static void leave_holes(struct maker *maker, unsigned length_bits)
{
    uint64_t root = size_of(maker->shape->root_bits), hole;
    uint64_t due = root / 10 * 9 / maker->limit * maker->root_count * maker->count;
    uint64_t size = size_of(length_bits);

    for (unsigned i = 0; i < HOLES_MOST && maker->gone + size <= due; i++) {
        if (!take(&maker->roots[maker->root], order_of(length_bits), &hole))
            return;
        maker->gone += size;
    }
}

/* false: no space is left. */
static bool add_block(struct maker *maker)
{
    const struct shape *shape = maker->shape;
    unsigned length_bits =
        shape->first_bits + (unsigned)random_weighted(&maker->random, shape->tops,
                                                      shape->last_bits - shape->first_bits + 1);
    uint64_t bits = 0;

    if (length_bits < maker->shortest_bits)
        length_bits = maker->shortest_bits;
    if (!take_anywhere(maker, length_bits, &bits))
        return false;
    maker->gone += size_of(length_bits);
    add_tree(maker, bits, length_bits);
    leave_holes(maker, length_bits);
    return true;
}

void gen_prefixes_make(uint64_t seed, enum family family, struct gen_prefix *out, size_t count)
{
    struct maker maker = {.shape = &shapes[family == FAMILY_IPV6], .out = out, .limit = count};
    bool fits = count == 0;

    while (!fits) {
        maker.random = random_start(seed, 2 + (uint64_t)family);
        maker.count = maker.gone = maker.root = 0;
        open_roots(&maker);
        if (maker.shortest_bits == 0)
            maker.shortest_bits = plan_shortest(&maker);
        do
            fits = add_block(&maker);
        while (fits && maker.count < count);
        close_roots(&maker);
        maker.shortest_bits++; // for the next try: this table's large blocks were above the mean
    }
}
