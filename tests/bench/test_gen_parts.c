/* The generator's parts: what a seed draws, and properties that every network of it has, by seeds. What is
 * written is compared by test_gen.py. */
#include "gen_routes.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { SEEDS = 4 };

/* SplitMix64 from state 0 (Vigna's splitmix64.c), whatever the machine. */
START_TEST(draws_the_published_numbers)
{
    struct random random = {.state = 0};

    ck_assert_uint_eq(random_next(&random), UINT64_C(0xe220a8397b1dcdaf));
    ck_assert_uint_eq(random_next(&random), UINT64_C(0x6e789e6aa1b965f4));
    ck_assert_uint_eq(random_next(&random), UINT64_C(0x06c45d188009454f));
}
END_TEST

START_TEST(subjects_and_seeds_have_streams_of_their_own)
{
    struct random one = random_start(1, 1), other_seed = random_start(2, 1),
                  other_subject = random_start(1, 2), again = random_start(1, 1);
    uint64_t drawn = random_next(&one);

    ck_assert_uint_eq(drawn, random_next(&again));
    ck_assert_uint_ne(drawn, random_next(&other_seed));
    ck_assert_uint_ne(drawn, random_next(&other_subject));
}
END_TEST

START_TEST(draws_as_often_as_weighed)
{
    static const uint32_t weights[] = {0, 30, 0, 70};
    struct random random = random_start((uint64_t)_i, 1);
    unsigned counts[4] = {0};

    for (unsigned i = 0; i < 10000; i++)
        counts[random_weighted(&random, weights, 4)]++;
    ck_assert_uint_eq(counts[0] + counts[2], 0);
    ck_assert(counts[1] > 2700 && counts[1] < 3300);
}
END_TEST

START_TEST(draws_between_quantiles)
{
    static const uint32_t shares[] = {0, 5000, 9000, 10000}, values[] = {1, 1, 5, 1000};
    struct random random = random_start((uint64_t)_i, 1);
    unsigned ones = 0, above = 0;

    for (unsigned i = 0; i < 10000; i++) {
        uint32_t value = random_by_shares(&random, shares, values, 4);

        ck_assert(value >= 1 && value <= 1000);
        ones += value == 1;
        above += value > 5;
    }
    ck_assert(ones > 5200 && ones < 5800); // half, and the first eighth of the next four tenths
    ck_assert(above > 850 && above < 1150);
}
END_TEST

/* In long loops one failed check is told, not each good one: telling costs a write. Tables that leave room, that just fit, and that need longer blocks. */
static const struct {
    enum family family;
    size_t count;
} tables[] = {
    {FAMILY_IPV4, 1}, {FAMILY_IPV4, 3000}, {FAMILY_IPV4, 100000}, {FAMILY_IPV4, 2000000},
    {FAMILY_IPV6, 0}, {FAMILY_IPV6, 3000}, {FAMILY_IPV6, 100000},
};

START_TEST(prefixes_are_different_and_have_no_host_bits)
{
    size_t count = tables[_i].count;
    struct gen_prefix *prefixes = memory_alloc(count, sizeof *prefixes);

    gen_prefixes_make(7, tables[_i].family, prefixes, count);
    qsort(prefixes, count, sizeof *prefixes, gen_prefix_compare);
    for (size_t i = 0; i < count; i++) {
        struct prefix value = gen_prefix_value(&prefixes[i]), same = {0};
        char text[PREFIX_TEXT_SIZE];

        if (value.family != tables[_i].family ||
            !prefix_from_bytes(tables[_i].family, value.length_bits, value.bytes, &same) ||
            prefix_compare(&value, &same) != 0)
            ck_abort_msg("%s is none", prefix_format(&value, text));
        if (i > 0 && gen_prefix_compare(&prefixes[i - 1], &prefixes[i]) >= 0)
            ck_abort_msg("%s is there twice", prefix_format(&value, text));
    }
    free(prefixes);
}
END_TEST

START_TEST(prefixes_keep_out_of_special_blocks)
{
    static const char *const special[] = {"0.0.0.0/8",      "10.0.0.0/8",     "100.64.0.0/10",
                                          "127.0.0.0/8",    "169.254.0.0/16", "172.16.0.0/12",
                                          "192.168.0.0/16", "198.18.0.0/15",  "224.0.0.0/3"};
    enum { COUNT = 20000 };
    struct gen_prefix *prefixes = memory_alloc(COUNT, sizeof *prefixes);

    gen_prefixes_make((uint64_t)_i, FAMILY_IPV4, prefixes, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        struct prefix value = gen_prefix_value(&prefixes[i]), block;

        for (size_t k = 0; k < sizeof special / sizeof *special; k++) {
            if (!prefix_parse(special[k], &block) || prefix_contains(&block, &value) ||
                prefix_contains(&value, &block))
                ck_abort_msg("number %zu in or around %s", i, special[k]);
        }
    }
    free(prefixes);
}
END_TEST

struct network {
    struct arena *arena;
    const struct gen_backbone *backbone;
    struct gen_routes *routes;
};

static struct network make_network(uint64_t seed, size_t routers, bool all_paths)
{
    struct gen_size size = {.seed = seed,
                            .routers = routers,
                            .ipv4 = 5000,
                            .ipv6 = 1000,
                            .reflectors = 2,
                            .all_paths = all_paths};
    struct network network = {.arena = arena_new()};

    network.backbone = gen_backbone_make(seed, routers, network.arena);
    network.routes = gen_routes_make(&size, network.backbone);
    return network;
}

static void free_network(struct network *network)
{
    gen_routes_free(network->routes);
    arena_free(network->arena);
}

/* By walking links until nothing new is met; overloaded routers are not walked through. */
START_TEST(every_router_reaches_every_other)
{
    struct arena *arena = arena_new();
    const size_t routers = _i % 2 ? 20 : 300;
    const struct gen_backbone *backbone = gen_backbone_make((uint64_t)_i, routers, arena);
    bool *reached = arena_alloc(arena, routers, sizeof *reached);
    size_t count = 1;

    ck_assert_uint_eq(backbone->link_count, 4 * routers);
    reached[backbone->routers[0].overload] = true;
    for (bool grows = true; grows;) {
        grows = false;
        for (size_t i = 0; i < backbone->link_count; i++) {
            const uint32_t *ends = backbone->links[i].ends;

            for (size_t side = 0; side < 2; side++) {
                if (!reached[ends[side]] || reached[ends[1 - side]] ||
                    backbone->routers[ends[side]].overload)
                    continue;
                reached[ends[1 - side]] = grows = true;
                count++;
            }
        }
    }
    ck_assert_uint_eq(count, routers);
    arena_free(arena);
}
END_TEST

/* With two reflectors and best paths, a set is seen as its first two exits: no two look alike. */
START_TEST(no_two_sets_look_alike)
{
    struct network network = make_network((uint64_t)_i, _i % 2 ? 20 : 300, false);
    const struct gen_routes *routes = network.routes;

    ck_assert_uint_eq(routes->set_count, gen_set_count(routes->size.routers));
    for (size_t i = 0; i < routes->set_count; i++) {
        const struct gen_set *set = &routes->sets[i];

        ck_assert_uint_eq(set->kind == GEN_SINGLE, set->exit_count == 1);
        ck_assert_uint_eq(set->kind == GEN_PAIR, set->exit_count == 2);
        for (uint32_t a = 0; a < set->exit_count; a++) {
            ck_assert(!network.backbone->routers[set->exits[a]].is_core);
            for (uint32_t b = 0; b < a; b++)
                ck_assert_uint_ne(set->exits[a], set->exits[b]);
        }
        for (size_t k = 0; k < i && set->exit_count > 1; k++) {
            const uint32_t *x = set->exits, *y = routes->sets[k].exits;

            if (routes->sets[k].exit_count > 1 &&
                ((x[0] == y[0] && x[1] == y[1]) || (x[0] == y[1] && x[1] == y[0])))
                ck_abort_msg("sets %zu and %zu", k, i);
        }
    }
    free_network(&network);
}
END_TEST

/* M-203's order as far as it is used here. */
static int compare_paths(const struct gen_path *a, const struct gen_path *b)
{
    if (a->local_pref != b->local_pref)
        return a->local_pref > b->local_pref ? -1 : 1;
    if (a->hop_count != b->hop_count)
        return a->hop_count < b->hop_count ? -1 : 1;
    if (a->origin != b->origin)
        return a->origin < b->origin ? -1 : 1;
    ck_assert_uint_eq(a->hops[0], b->hops[0]); // MEDs of one neighbour are compared
    uint32_t left = a->has_med ? a->med : 0, right = b->has_med ? b->med : 0;

    return (left > right) - (left < right);
}

START_TEST(m203_the_first_path_is_the_only_candidate)
{
    struct network network = make_network((uint64_t)_i, 60, true);
    const struct gen_routes *routes = network.routes;

    for (size_t g = 0; g < routes->group_count; g++) {
        const struct gen_path *path = &routes->paths[routes->groups[g].path];

        ck_assert(path->hop_count > 0 && path->hop_count <= GEN_HOPS);
        ck_assert_uint_eq(path->exit_count, routes->sets[path->set].exit_count);
        if (routes->groups[g].path_count == 2)
            ck_assert_int_lt(compare_paths(path, path + 1), 0);
    }
    free_network(&network);
}
END_TEST

START_TEST(every_set_has_a_prefix_and_every_prefix_a_group)
{
    struct network network = make_network((uint64_t)_i, 60, false);
    const struct gen_routes *routes = network.routes;
    bool *seen = arena_alloc(network.arena, routes->set_count, sizeof *seen);
    size_t count = 0;

    for (uint32_t g = 0; g < routes->group_count; g++) {
        for (uint32_t i = routes->group_first[g]; i < routes->group_first[g + 1]; i++) {
            if (routes->prefixes[routes->of_group[i]].group != g)
                ck_abort_msg("prefix %u in group %u", routes->of_group[i], g);
            seen[routes->paths[routes->groups[g].path].set] = true;
            count++;
        }
    }
    ck_assert_uint_eq(count, routes->prefix_count);
    for (size_t i = 0; i < routes->set_count; i++)
        ck_assert(seen[i]);
    free_network(&network);
}
END_TEST

/* All paths: the reflectors together say each path at each of its exits, once. */
START_TEST(reflectors_share_out_all_paths)
{
    struct network network = make_network((uint64_t)_i, 60, true);
    const struct gen_routes *routes = network.routes;
    struct gen_said said[GEN_SAID];

    for (uint32_t g = 0; g < routes->group_count; g++) {
        size_t count = 0, exits = 0;

        for (size_t r = 0; r < routes->size.reflectors; r++)
            count += gen_said(routes, g, r, said);
        for (uint32_t i = 0; i < routes->groups[g].path_count; i++)
            exits += routes->paths[routes->groups[g].path + i].exit_count;
        ck_assert_uint_eq(count, exits);
    }
    free_network(&network);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gen");
    TCase *cases = tcase_create("gen");

    tcase_set_timeout(cases, 60); // two million prefixes under a sanitizer
    tcase_add_test(cases, draws_the_published_numbers);
    tcase_add_test(cases, subjects_and_seeds_have_streams_of_their_own);
    tcase_add_loop_test(cases, draws_as_often_as_weighed, 0, SEEDS);
    tcase_add_loop_test(cases, draws_between_quantiles, 0, SEEDS);
    tcase_add_loop_test(cases, prefixes_are_different_and_have_no_host_bits, 0,
                        sizeof tables / sizeof *tables);
    tcase_add_loop_test(cases, prefixes_keep_out_of_special_blocks, 0, SEEDS);
    tcase_add_loop_test(cases, every_router_reaches_every_other, 0, SEEDS);
    tcase_add_loop_test(cases, no_two_sets_look_alike, 0, SEEDS);
    tcase_add_loop_test(cases, m203_the_first_path_is_the_only_candidate, 0, SEEDS);
    tcase_add_loop_test(cases, every_set_has_a_prefix_and_every_prefix_a_group, 0, SEEDS);
    tcase_add_loop_test(cases, reflectors_share_out_all_paths, 0, SEEDS);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
