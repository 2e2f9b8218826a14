/* Costs by several threads: what comes out does not depend on how many there were. */
#include "lib/jobs.h"
#include "mapgen/attach.h"
#include "mapgen/cost.h"
#include "network.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUTERS = 60, LINKS = 150, ROUTES = 200 };

/* Two levels, equal ways, links without a delay, prefixes at several routers. */
static char *random_text(uint64_t *seed)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    ck_assert(out);
    for (unsigned i = 0; i < ROUTERS; i++)
        (void)fprintf(out, "router R%u 10.0.0.%u level12%s\n", i, i + 1,
                      network_random(seed, 20) ? "" : " overload");
    for (unsigned i = 1; i <= LINKS; i++) {
        unsigned from = network_random(seed, ROUTERS), to = network_random(seed, ROUTERS);
        unsigned metric = network_random(seed, 4);
        const char *delay = network_random(seed, 10) ? " delay=7" : "";
        const char *level = network_random(seed, 3) ? "" : " level1";

        if (from != to)
            (void)fprintf(out, "link R%u R%u %u id=%u%s%s\n", from, to, metric, i, delay, level);
    }
    for (unsigned i = 0; i < ROUTES; i++) {
        for (unsigned path = 0; path <= network_random(seed, 3); path++)
            (void)fprintf(out, "route 192.0.%u.0/24 10.0.0.%u id=%u path=64501\n", i,
                          1 + network_random(seed, ROUTERS), path);
    }
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

struct made {
    struct arena *arena;
    struct report report;
    struct topology *topology;
    struct partition *partition;
};

static struct made make(const struct model *model)
{
    struct made made = {.arena = arena_new()};
    struct topology_options options = {0};
    struct ls_rows rows;
    struct error err;
    size_t stale;

    made.report.arena = made.arena;
    rows.nodes = (const struct ls_node *const *)model_rows(model, OBJECT_NODE, made.arena,
                                                           &rows.node_count, &stale);
    rows.links = (const struct ls_link *const *)model_rows(model, OBJECT_LINK, made.arena,
                                                           &rows.link_count, &stale);
    rows.prefixes = (const struct ls_prefix *const *)model_rows(model, OBJECT_PREFIX, made.arena,
                                                                &rows.prefix_count, &stale);
    struct routers *routers = routers_build(&rows, 64500, made.arena, &made.report);
    made.topology = topology_build(routers, &rows, &options, made.arena, &made.report, &err);
    ck_assert(made.topology);
    made.partition = partition_make(
        routers, attach_prefixes(made.topology, &rows, model, made.arena, &made.report), "default",
        made.arena, &err);
    ck_assert(made.partition);
    return made;
}

static void check_equal(const struct costs *a, const struct costs *b, size_t pids)
{
    ck_assert_uint_eq(a->count, b->count);
    ck_assert_uint_eq(a->pairs_voided, b->pairs_voided);
    ck_assert_uint_eq(a->pairs_uncounted, b->pairs_uncounted);
    for (size_t m = 0; m < a->count; m++) {
        ck_assert_str_eq(a->metrics[m].name, b->metrics[m].name);
        ck_assert_uint_eq(a->metrics[m].pairs, b->metrics[m].pairs);
        for (size_t from = 0; a->metrics[m].rows && from < pids; from++) {
            const struct snapshot_row *x = &a->metrics[m].rows[from];
            const struct snapshot_row *y = &b->metrics[m].rows[from];

            ck_assert_uint_eq(x->width, y->width);
            ck_assert_mem_eq(x->cells, y->cells, x->width * pids);
        }
    }
}

START_TEST(threads_change_nothing)
{
    uint64_t seed = (uint64_t)_i + 1;
    char *text = random_text(&seed);
    struct network *network = network_new(text);
    struct model *model = network_model(network);
    struct made made = make(model);
    struct report alone = {.arena = made.arena};
    const struct costs *one = cost_compute(made.topology, made.partition, 1, made.arena, &alone);

    ck_assert_uint_gt(made.partition->count, 50);
    ck_assert_uint_ge(one->count, 3);
    for (unsigned threads = 2; threads <= JOBS_THREADS_LIMIT; threads *= 2) {
        struct report report = {.arena = made.arena};

        check_equal(one, cost_compute(made.topology, made.partition, threads, made.arena, &report),
                    made.partition->count);
        ck_assert_uint_eq(report.count, alone.count);
        for (size_t i = 0; i < report.count; i++)
            ck_assert_str_eq(report.texts[i], alone.texts[i]);
    }
    topology_free(made.topology);
    arena_free(made.arena);
    model_free(model);
    network_free(network);
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cost");
    TCase *tcase = tcase_create("cost");

    tcase_add_loop_test(tcase, threads_change_nothing, 0, 5);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
