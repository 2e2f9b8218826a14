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

/* ---- Graphs too large for an enumeration: Floyd and Warshall, then a count in the order of distances ---- */

enum { MANY = 60, MANY_ARCS = 600 };

struct cost {
    uint64_t distance, hops; // UINT64_MAX: no way
};

struct large {
    size_t vertices, arcs;
    struct graph_arc arc[MANY_ARCS];
    bool no_transit[MANY];
    struct cost best[MANY][MANY];
};

static bool is_less(struct cost a, struct cost b)
{
    return a.distance < b.distance || (a.distance == b.distance && a.hops < b.hops);
}

static uint64_t random_metric(uint64_t *seed, unsigned kind)
{
    static const uint32_t largest[] = {0, 1, 3, 1000, 0xfffffe};
    uint64_t metric = random_below(seed, largest[kind] + 1);

    return kind == 0 ? 7 : metric;
}

/* Layers of six, each linked with the next, so that paths are counted beyond the limit; or any pairs. */
static void make_large(struct large *large, uint64_t seed)
{
    unsigned kind = random_below(&seed, 5);
    bool has_layers = random_below(&seed, 3) == 0;

    large->vertices = 10 + random_below(&seed, MANY - 9);
    large->arcs = has_layers ? MANY_ARCS / 2 : random_below(&seed, MANY_ARCS) + 1;
    for (size_t i = 0; i < large->arcs; i++) {
        uint32_t a = random_below(&seed, (uint32_t)large->vertices);
        uint32_t b = has_layers ? (a / 6 + 1) * 6 + random_below(&seed, 6)
                                : random_below(&seed, (uint32_t)large->vertices);
        uint32_t delay = random_below(&seed, 80) ? random_below(&seed, 5000) : GRAPH_ABSENT;

        if (b >= large->vertices || a == b)
            b = (a + 1) % (uint32_t)large->vertices;
        large->arc[i] = (struct graph_arc){a, b, random_metric(&seed, kind), {delay}};
    }
    for (size_t v = 0; v < large->vertices; v++)
        large->no_transit[v] = random_below(&seed, 12) == 0;
}

static void floyd_warshall(struct large *large)
{
    for (size_t a = 0; a < large->vertices; a++) {
        for (size_t b = 0; b < large->vertices; b++)
            large->best[a][b] = a == b ? (struct cost){0, 0} : (struct cost){UINT64_MAX, 0};
    }
    for (size_t i = 0; i < large->arcs; i++) {
        const struct graph_arc *arc = &large->arc[i];
        struct cost step = {arc->metric, 1};

        if (is_less(step, large->best[arc->from][arc->to]))
            large->best[arc->from][arc->to] = step;
    }
    for (size_t by = 0; by < large->vertices; by++) {
        for (size_t a = 0; a < large->vertices && !large->no_transit[by]; a++) {
            for (size_t b = 0; b < large->vertices; b++) {
                struct cost first = large->best[a][by], second = large->best[by][b];
                struct cost both = {first.distance + second.distance, first.hops + second.hops};

                if (first.distance != UINT64_MAX && second.distance != UINT64_MAX &&
                    is_less(both, large->best[a][b]))
                    large->best[a][b] = both;
            }
        }
    }
}

/* n and S of M-134 by its words; paths are saturated far beyond the limit. */
static void count_paths(const struct large *large, size_t source, uint64_t *paths, uint64_t *sums)
{
    const struct cost *best = large->best[source];
    bool is_done[MANY] = {false};

    memset(paths, 0, MANY * sizeof *paths);
    memset(sums, 0, MANY * sizeof *sums);
    paths[source] = 1;
    for (;;) {
        size_t u = large->vertices;

        for (size_t v = 0; v < large->vertices; v++) {
            if (!is_done[v] && best[v].distance != UINT64_MAX &&
                (u == large->vertices || is_less(best[v], best[u])))
                u = v;
        }
        if (u == large->vertices)
            return;
        is_done[u] = true;
        for (size_t i = 0; i < large->arcs && (u == source || !large->no_transit[u]); i++) {
            const struct graph_arc *arc = &large->arc[i];
            bool is_on = best[u].distance + arc->metric == best[arc->to].distance &&
                         (arc->metric > 0 || best[u].hops + 1 == best[arc->to].hops);

            if (arc->from != u || !is_on)
                continue;
            paths[arc->to] += paths[u];
            if (paths[arc->to] > SPF_PATH_LIMIT)
                paths[arc->to] = SPF_PATH_LIMIT + 1;
            if (sums[u] == SPF_ABSENT || arc->values[0] == GRAPH_ABSENT)
                sums[arc->to] = SPF_ABSENT;
            else if (sums[arc->to] != SPF_ABSENT)
                sums[arc->to] += sums[u] + paths[u] * arc->values[0];
        }
    }
}

START_TEST(m134_equals_floyd_and_warshall)
{
    static struct large large;
    struct error err;
    struct spf_path out[MANY];
    uint64_t paths[MANY], sums[MANY];

    make_large(&large, (uint64_t)_i);
    floyd_warshall(&large);
    struct graph *graph = graph_new(large.vertices, large.arc, large.arcs, large.no_transit, &err);
    struct spf *spf = spf_new(graph);
    for (uint32_t source = 0; source < large.vertices; source++) {
        spf_run(spf, source, out);
        count_paths(&large, source, paths, sums);
        for (size_t v = 0; v < large.vertices; v++) {
            bool is_counted = paths[v] <= SPF_PATH_LIMIT;

            ck_assert_uint_eq(out[v].distance, large.best[source][v].distance);
            if (out[v].distance == SPF_UNREACHABLE)
                continue;
            ck_assert_uint_eq(out[v].hops, large.best[source][v].hops);
            ck_assert_uint_eq(out[v].paths, is_counted ? paths[v] : SPF_TOO_MANY);
            ck_assert_uint_eq(out[v].sums[0], is_counted ? sums[v] : SPF_ABSENT);
        }
    }
    spf_free(spf);
    graph_free(graph);
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
    tcase_add_loop_test(cases, m134_equals_floyd_and_warshall, 0, 60);
    tcase_add_test(cases, large_metrics_keep_their_order);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
