/* Shortest paths against oracles too simple to be wrong: relaxation until nothing changes, and enumeration of every
 * path. */
#include "lib/arena.h"
#include "lib/spf.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 10 };

struct example {
    size_t vertices, arcs;
    struct graph_arc arc[128];
    bool no_transit[MOST];
};

static uint32_t random_below(uint64_t *state, uint32_t limit)
{
    *state = *state * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(*state >> 33) % limit;
}

static void both_ways(struct example *e, uint32_t a, uint32_t b, uint64_t metric, uint32_t delay)
{
    e->arc[e->arcs++] = (struct graph_arc){a, b, metric, {delay}};
    e->arc[e->arcs++] = (struct graph_arc){b, a, metric, {delay}};
}

static struct graph *graph_of(const struct example *e)
{
    struct error err;
    struct graph *graph = graph_new(e->vertices, e->arc, e->arcs, e->no_transit, &err);

    ck_assert_msg(graph, "%s", err.text);
    return graph;
}

static void run_from(const struct example *e, uint32_t source, struct spf_path *out)
{
    struct graph *graph = graph_of(e);
    struct spf *spf = spf_new(graph);

    spf_run(spf, source, out);
    spf_run(spf, source, out); // the second run of one spf is as the first
    spf_free(spf);
    graph_free(graph);
}

/* Section 11: A to E are 0 to 4. */
static struct example worked_example(void)
{
    struct example e = {.vertices = 5};

    both_ways(&e, 0, 1, 10, 100);
    both_ways(&e, 0, 1, 10, 200);
    both_ways(&e, 1, 3, 10, 100);
    both_ways(&e, 0, 2, 10, 300);
    both_ways(&e, 2, 3, 10, 400);
    both_ways(&e, 0, 4, 5, 10);
    both_ways(&e, 4, 3, 20, GRAPH_ABSENT);
    return e;
}

START_TEST(m134_worked_example)
{
    struct example e = worked_example();
    struct spf_path out[MOST];

    run_from(&e, 0, out);
    ck_assert_uint_eq(out[3].distance, 20);
    ck_assert_uint_eq(out[3].hops, 2);
    ck_assert_uint_eq(out[3].paths, 3);
    ck_assert_uint_eq(out[3].sums[VALUE_DELAY_US], 1200);
    ck_assert_uint_eq(out[0].paths, 1); // itself, by no link
    ck_assert_uint_eq(out[0].sums[VALUE_DELAY_US], 0);
    ck_assert_uint_eq(out[0].hops, 0);
}
END_TEST

START_TEST(m115_overload_is_source_and_end_but_no_transit)
{
    struct example e = worked_example();
    struct spf_path out[MOST];

    e.no_transit[1] = true;
    run_from(&e, 0, out);
    ck_assert_uint_eq(out[3].paths, 1);
    ck_assert_uint_eq(out[3].sums[VALUE_DELAY_US], 700);
    ck_assert_uint_eq(out[1].distance, 10);
    run_from(&e, 1, out);
    ck_assert_uint_eq(out[4].distance, 15);
}
END_TEST

START_TEST(m132_metric_0_is_decided_by_hops)
{
    // 0 –1– 1 –0– 2, 0 –1– 2: to 2 both ways cost 1; by hops the direct one, and 1–2 is on no path
    struct example e = {.vertices = 3};
    struct spf_path out[MOST];

    both_ways(&e, 0, 1, 1, 5);
    both_ways(&e, 1, 2, 0, 7);
    both_ways(&e, 0, 2, 1, 9);
    run_from(&e, 0, out);
    ck_assert_uint_eq(out[2].paths, 1);
    ck_assert_uint_eq(out[2].hops, 1);
    ck_assert_uint_eq(out[2].sums[VALUE_DELAY_US], 9);
    run_from(&e, 1, out);
    ck_assert_uint_eq(out[2].distance, 0);
    ck_assert_uint_eq(out[2].hops, 1);
    ck_assert_uint_eq(out[0].paths,
                      2); // direct, and by 2: metrics above 0 ask for the distance only
    ck_assert_uint_eq(out[0].hops, 1);
}
END_TEST

START_TEST(m134_more_than_a_million_paths_have_no_sums)
{
    // a chain of doubled links: 2^k paths
    struct graph_arc arcs[48];
    struct spf_path out[25];
    struct error err;
    size_t count = 0;

    for (uint32_t i = 0; i < 24; i++) {
        arcs[count++] = (struct graph_arc){i, i + 1, 1, {1}};
        arcs[count++] = (struct graph_arc){i, i + 1, 1, {1}};
    }
    struct graph *graph = graph_new(25, arcs, count, NULL, &err);
    struct spf *spf = spf_new(graph);
    spf_run(spf, 0, out);
    ck_assert_uint_eq(out[19].paths, 1 << 19);
    ck_assert_uint_eq(out[19].sums[VALUE_DELAY_US], 19ULL << 19);
    for (size_t v = 20; v < 25; v++) { // 2^20 is above, and so is everything behind
        ck_assert_uint_eq(out[v].paths, SPF_TOO_MANY);
        ck_assert_uint_eq(out[v].sums[VALUE_DELAY_US], SPF_ABSENT);
        ck_assert_uint_eq(out[v].distance, v); // distance and hops stay
        ck_assert_uint_eq(out[v].hops, v);
    }
    struct spf_path half = {.paths = 600000}, sum = half;
    spf_path_add(&sum, &half);
    ck_assert_uint_eq(sum.paths, SPF_TOO_MANY);
    ck_assert_uint_eq(sum.sums[VALUE_DELAY_US], SPF_ABSENT);
    spf_free(spf);
    graph_free(graph);
}
END_TEST

START_TEST(unreachable_is_told_apart_from_far)
{
    struct example e = {.vertices = 3};
    struct spf_path out[MOST];

    both_ways(&e, 0, 1, UINT32_MAX, 1);
    run_from(&e, 0, out);
    ck_assert_uint_eq(out[1].distance, UINT32_MAX);
    ck_assert_uint_eq(out[2].distance, SPF_UNREACHABLE);
    ck_assert_uint_eq(out[2].paths, SPF_TOO_MANY); // no number of paths either
}
END_TEST

START_TEST(distances_that_could_pass_64_bits_are_refused)
{
    struct graph_arc arc = {0, 1, UINT64_MAX / 8, {1}};
    struct error err;

    ck_assert_ptr_null(graph_new(3, &arc, 1, NULL, &err));
    ck_assert_str_eq(err.text, "a metric of 2305843009213693951 in a domain of 3 routers: "
                               "distances pass 64 bits");
    arc.metric = UINT64_MAX;
    ck_assert_ptr_null(graph_new(3, &arc, 1, NULL, &err));
}
END_TEST

/* ---- Random graphs ---- */

static struct example random_example(uint64_t seed)
{
    struct example e = {.vertices = 2 + random_below(&seed, MOST - 2)};
    uint32_t largest = random_below(&seed, 2) ? 3 : 1; // few values make many ties

    while (e.arcs < 4 * e.vertices) {
        uint32_t a = random_below(&seed, (uint32_t)e.vertices);
        uint32_t b = random_below(&seed, (uint32_t)e.vertices);
        uint32_t delay = random_below(&seed, 12) ? random_below(&seed, 100) : GRAPH_ABSENT;

        if (a != b)
            e.arc[e.arcs++] = (struct graph_arc){a, b, random_below(&seed, largest + 1), {delay}};
    }
    for (size_t v = 0; v < e.vertices; v++)
        e.no_transit[v] = random_below(&seed, 6) == 0;
    return e;
}

static bool may_leave(const struct example *e, uint32_t source, uint32_t vertex)
{
    return vertex == source || !e->no_transit[vertex];
}

/* (distance, hops), least first: relaxed until nothing changes. */
static void oracle_distances(const struct example *e, uint32_t source, uint64_t *d, uint64_t *h)
{
    bool changed = true;

    for (size_t v = 0; v < e->vertices; v++)
        d[v] = h[v] = UINT32_MAX;
    d[source] = h[source] = 0;
    while (changed) {
        changed = false;
        for (size_t i = 0; i < e->arcs; i++) {
            const struct graph_arc *arc = &e->arc[i];
            uint64_t nd = d[arc->from] + arc->metric, nh = h[arc->from] + 1;

            if (d[arc->from] == UINT32_MAX || !may_leave(e, source, arc->from))
                continue;
            if (nd < d[arc->to] || (nd == d[arc->to] && nh < h[arc->to])) {
                d[arc->to] = nd;
                h[arc->to] = nh;
                changed = true;
            }
        }
    }
}

struct walk {
    const struct example *e;
    uint32_t source;
    uint64_t d[MOST], h[MOST];
    uint64_t paths[MOST], sums[MOST], least_hops[MOST];
    bool is_absent[MOST];
};

/* Every path of P that begins as this one does, by the words of M-132. */
static void enumerate(struct walk *w, uint32_t at, uint64_t hops, uint64_t sum, bool absent)
{
    w->paths[at]++;
    w->sums[at] += sum;
    w->is_absent[at] |= absent;
    w->least_hops[at] = hops < w->least_hops[at] ? hops : w->least_hops[at];
    if (!may_leave(w->e, w->source, at))
        return;
    for (size_t i = 0; i < w->e->arcs; i++) {
        const struct graph_arc *arc = &w->e->arc[i];
        bool lacks = arc->values[0] == GRAPH_ABSENT;

        if (arc->from == at && w->d[at] + arc->metric == w->d[arc->to] &&
            (arc->metric > 0 || w->h[at] + 1 == w->h[arc->to]))
            enumerate(w, arc->to, hops + 1, sum + (lacks ? 0 : arc->values[0]), absent || lacks);
    }
}

START_TEST(m130_equals_the_enumeration_of_all_paths)
{
    struct example e = random_example((uint64_t)_i);
    struct spf_path out[MOST];

    for (uint32_t source = 0; source < e.vertices; source++) {
        struct walk w = {.e = &e, .source = source};

        oracle_distances(&e, source, w.d, w.h);
        memset(w.least_hops, 0xff, sizeof w.least_hops);
        enumerate(&w, source, 0, 0, false);
        run_from(&e, source, out);
        for (size_t v = 0; v < e.vertices; v++) {
            if (w.d[v] == UINT32_MAX) {
                ck_assert_uint_eq(out[v].distance, SPF_UNREACHABLE);
                continue;
            }
            ck_assert_uint_eq(out[v].distance, w.d[v]);
            ck_assert_uint_eq(out[v].hops, w.least_hops[v]); // M-131
            ck_assert_uint_eq(out[v].paths, w.paths[v]);
            ck_assert_uint_eq(out[v].sums[0], w.is_absent[v] ? SPF_ABSENT : w.sums[v]);
        }
    }
}
END_TEST

START_TEST(large_metrics_keep_their_order)
{
    // wide metrics and a long chain: keys use the high bits
    struct graph_arc arcs[200];
    struct spf_path out[101];
    struct error err;

    for (uint32_t i = 0; i < 100; i++) {
        arcs[2 * i] = (struct graph_arc){i, i + 1, UINT32_MAX - i, {1}};
        arcs[2 * i + 1] = (struct graph_arc){i, i + 1, UINT32_MAX - i - 1U, {2}};
    }
    struct graph *graph = graph_new(101, arcs, 200, NULL, &err);
    struct spf *spf = spf_new(graph);
    spf_run(spf, 0, out);
    uint64_t distance = 0;
    for (uint32_t i = 0; i < 100; i++) {
        distance += UINT32_MAX - i - 1U;
        ck_assert_uint_eq(out[i + 1].distance, distance);
        ck_assert_uint_eq(out[i + 1].sums[0], 2ULL * (i + 1));
    }
    spf_free(spf);
    graph_free(graph);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("spf");
    TCase *cases = tcase_create("spf");

    tcase_add_test(cases, m134_worked_example);
    tcase_add_test(cases, m115_overload_is_source_and_end_but_no_transit);
    tcase_add_test(cases, m132_metric_0_is_decided_by_hops);
    tcase_add_test(cases, m134_more_than_a_million_paths_have_no_sums);
    tcase_add_test(cases, unreachable_is_told_apart_from_far);
    tcase_add_test(cases, distances_that_could_pass_64_bits_are_refused);
    tcase_add_loop_test(cases, m130_equals_the_enumeration_of_all_paths, 0, 300);
    tcase_add_test(cases, large_metrics_keep_their_order);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
