/* cost: see cost.h.
 *
 * First D(s, t) for every two routers at which some PID is attached, one SPF a source and domain. Then for each
 * pair of PIDs the attachment pairs of least k, whose paths are put together (M-210). Last the rows as text.
 *
 * Sources do not know of each other, so both steps share them out to threads. A thread writes its sources' rows
 * and counts for itself; what is counted is added up at the end, so the map is the same however many there were. */
#include "cost.h"

#include "lib/jobs.h"
#include "lib/spf.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    COST_DIGITS = 20, // of 2^64 - 1
    SOURCES = 16,     // in a batch: small enough that no thread waits long for the last
};

/* What all the chosen paths from one PID to another give together. */
struct pair {
    uint64_t k;           // of M-210; SPF_UNREACHABLE: no path
    uint64_t routingcost; // the least d among the chosen attachment pairs
    uint32_t hops;
    struct spf_path sums; // number of paths and sums; distance and hops are not used
};

/* ---- Metrics ---- */

static uint64_t hopcount(const struct pair *pair, enum graph_value value)
{
    (void)value;
    return pair->hops;
}

static uint64_t routingcost(const struct pair *pair, enum graph_value value)
{
    (void)value;
    return pair->routingcost;
}

/* S/n, rounded half up once, at the end (M-134, M-501, M-502). */
static uint64_t mean_of_sums(const struct pair *pair, enum graph_value value)
{
    uint64_t sum = pair->sums.sums[value], paths = pair->sums.paths, rest;

    if (sum == SPF_ABSENT || paths == SPF_TOO_MANY)
        return SNAPSHOT_NO_COST;
    rest = sum % paths;
    return sum / paths + (2 * rest >= paths);
}

/* Name and unit are RFC 9439's (RFC 7285's for routingcost). The second name of a metric is an alias with the
 * same numbers: RFC 9439 reads a bare name as a median, and what we sum are means (M-503). */
static const struct metric {
    const char *name, *alias, *unit;
    const char *context;                                        // cost-context as it is sent
    uint64_t (*compose)(const struct pair *, enum graph_value); // SNAPSHOT_NO_COST: absent
    enum graph_value value;                                     // of the links; for sums only
    const char *needs; // of every link: offered only if some pair of different PIDs has a value
} metrics[] = {
    {"routingcost", NULL, "", NULL, routingcost, 0, NULL},
    {"hopcount", NULL, "hops", NULL, hopcount, 0, NULL},
    {"delay-ow:mean", "delay-ow", "us", "{\"cost-source\":\"estimation\"}", mean_of_sums,
     VALUE_DELAY_US, "delay (TLV 1114)"},
};

enum { METRICS = sizeof metrics / sizeof *metrics };

/* ---- Router to router ---- */

#define NO_DOMAIN UINT32_MAX

/* D(s, t) of the attached routers only: a backbone has many that no prefix leaves at. */
struct matrix {
    uint32_t *place;        // of each router; ROUTER_NONE: nothing is attached there
    size_t count;           // attached routers
    struct spf_path *paths; // [source place * count + destination place]
    uint32_t *given_by;     // the domain that the paths are from, likewise; NO_DOMAIN: none
};

static struct matrix matrix_new(const struct topology *topology, const struct partition *partition)
{
    size_t routers = topology->routers->count;
    struct matrix matrix = {.place = memory_alloc(routers, sizeof *matrix.place)};
    size_t cells;

    memset(matrix.place, 0xff, routers * sizeof *matrix.place);
    for (size_t i = 0; i < partition->count; i++) {
        const struct attachment_set *set = &partition->pids[i].attachments;

        for (uint32_t at = 0; at < set->count; at++)
            matrix.place[set->list[at].router] = 0;
    }
    for (size_t r = 0; r < routers; r++) {
        if (matrix.place[r] != ROUTER_NONE)
            matrix.place[r] = (uint32_t)matrix.count++;
    }
    cells = matrix.count * matrix.count;
    matrix.paths = memory_alloc(cells, sizeof *matrix.paths);
    matrix.given_by = memory_alloc(cells, sizeof *matrix.given_by);
    for (size_t i = 0; i < cells; i++) {
        matrix.paths[i].distance = SPF_UNREACHABLE;
        matrix.given_by[i] = NO_DOMAIN;
    }
    for (size_t i = 0; i < matrix.count; i++) // also of a router that is in no domain
        matrix.paths[i * matrix.count + i] = (struct spf_path){.paths = 1};
    return matrix;
}

static void matrix_free(struct matrix *matrix)
{
    free(matrix->place);
    free(matrix->paths);
    free(matrix->given_by);
}

static bool are_areas_of_one(const struct domain *a, const struct domain *b)
{
    return (a->protocol == 3 || a->protocol == 6) && a->protocol == b->protocol &&
           a->instance == b->instance;
}

/* A domain's way from one router to another. Of the instances, and of the levels of one, the first that has a way
 * gives it (M-125, M-122); of OSPF areas that both routers are in the nearest, and those that tie together (M-124). */
static void offer_way(struct matrix *matrix, const struct topology *topology, size_t cell,
                      uint32_t domain, const struct spf_path *way)
{
    struct spf_path *path = &matrix->paths[cell];
    uint32_t before = matrix->given_by[cell];

    if (way->distance == SPF_UNREACHABLE)
        return;
    if (path->distance == SPF_UNREACHABLE) {
        *path = *way;
        matrix->given_by[cell] = domain;
        return;
    }
    if (before == NO_DOMAIN || // to itself
        !are_areas_of_one(&topology->domains[before], &topology->domains[domain]) ||
        way->distance > path->distance)
        return;
    if (way->distance < path->distance) {
        *path = *way;
        return;
    }
    path->hops = way->hops < path->hops ? way->hops : path->hops;
    spf_path_add(path, way);
}

struct search {
    struct matrix *matrix;
    const struct topology *topology;
    uint32_t domain;
    struct spf *spf[JOBS_THREADS_LIMIT]; // of each thread; made when it begins
    struct spf_path *row[JOBS_THREADS_LIMIT];
};

static void search_sources(void *context, unsigned worker, size_t first, size_t end)
{
    struct search *search = context;
    struct matrix *matrix = search->matrix;
    const struct domain *domain = &search->topology->domains[search->domain];

    if (!search->spf[worker]) {
        search->spf[worker] = spf_new(domain->graph);
        search->row[worker] = memory_alloc(domain->vertex_count, sizeof **search->row);
    }
    for (size_t source = first; source < end; source++) {
        uint32_t from = matrix->place[domain->routers[source]];
        const struct spf_path *row = search->row[worker];

        if (from == ROUTER_NONE)
            continue;
        spf_run(search->spf[worker], (uint32_t)source, search->row[worker]);
        for (size_t v = 0; v < domain->vertex_count; v++) {
            uint32_t to = matrix->place[domain->routers[v]];

            if (to != ROUTER_NONE)
                offer_way(matrix, search->topology, from * matrix->count + to, search->domain,
                          &row[v]);
        }
    }
}

static void fill_domain(struct matrix *matrix, const struct topology *topology, uint32_t d,
                        unsigned threads)
{
    struct search search = {.matrix = matrix, .topology = topology, .domain = d};

    jobs_run(threads, topology->domains[d].vertex_count, SOURCES, search_sources, &search);
    for (unsigned i = 0; i < threads; i++) {
        spf_free(search.spf[i]);
        free(search.row[i]);
    }
}

/* ---- PID to PID ---- */

/* One attachment pair: a better one replaces what was chosen, an equal one joins it. false: past 64 bits. */
static bool offer(struct pair *pair, const struct spf_path *path, uint64_t source_cost,
                  uint64_t destination_cost)
{
    uint64_t k;

    if (path->distance == SPF_UNREACHABLE)
        return true;
    if (__builtin_add_overflow(source_cost, path->distance, &k) ||
        __builtin_add_overflow(k, destination_cost, &k))
        return false;
    if (k > pair->k)
        return true;
    if (k < pair->k) {
        *pair = (struct pair){k, path->distance, path->hops, *path};
        return true;
    }
    pair->routingcost = path->distance < pair->routingcost ? path->distance : pair->routingcost;
    pair->hops = path->hops < pair->hops ? path->hops : pair->hops;
    spf_path_add(&pair->sums, path);
    return true;
}

static bool choose(const struct matrix *matrix, const struct attachment_set *from,
                   const struct attachment_set *to, struct pair *pair)
{
    bool ok = true;

    *pair = (struct pair){.k = SPF_UNREACHABLE};
    for (uint32_t a = 0; a < from->count; a++) {
        size_t row = matrix->place[from->list[a].router] * matrix->count;

        for (uint32_t b = 0; b < to->count; b++) {
            const struct spf_path *path = &matrix->paths[row + matrix->place[to->list[b].router]];
            ok &= offer(pair, path, from->list[a].cost, to->list[b].cost);
        }
    }
    return ok;
}

/* ---- Rows ---- */

static unsigned count_digits(uint64_t value)
{
    unsigned digits = 1;

    for (; value >= 10; value /= 10)
        digits++;
    return digits;
}

static void write_cell(char *cell, uint32_t width, uint64_t value)
{
    memset(cell, ' ', width);
    if (value == SNAPSHOT_NO_COST)
        return;
    do
        cell[--width] = (char)('0' + value % 10);
    while (value /= 10);
}

/* A row as a thread leaves it. */
struct written {
    uint32_t width;
    char *cells; // owned
};

static struct written write_row(const uint64_t *values, size_t count)
{
    uint32_t width = 0;

    for (size_t i = 0; i < count; i++) {
        unsigned digits = values[i] == SNAPSHOT_NO_COST ? 0 : count_digits(values[i]);
        width = digits > width ? digits : width;
    }
    assert(width <= COST_DIGITS);
    char *cells = memory_alloc(count, width);
    for (size_t i = 0; width && i < count; i++)
        write_cell(cells + i * width, width, values[i]);
    return (struct written){width, cells};
}

/* What one thread has for itself. */
struct share {
    uint64_t *values[METRICS]; // of the source at hand
    uint64_t pairs[METRICS];
    size_t reachable;           // pairs of different PIDs
    size_t with_value[METRICS]; // of them
    size_t pairs_voided, pairs_uncounted;
};

struct work {
    const struct partition *partition;
    struct matrix matrix;
    struct arena *arena;
    struct costs *out;
    struct written *written[METRICS];   // a row a source
    struct snapshot_row *rows[METRICS]; // the same in the arena
    struct share shares[JOBS_THREADS_LIMIT];
    uint64_t pairs[METRICS]; // of all threads, as in a share
    size_t reachable, with_value[METRICS];
};

/* Intra-PID: nothing is crossed, so everything that is summed is 0 (M-214). */
static const struct pair within = {.sums = {.paths = 1}};

static void compute_pair(const struct work *work, struct share *share, size_t from, size_t to)
{
    const struct pid *source = &work->partition->pids[from];
    const struct pid *destination = &work->partition->pids[to];
    struct pair pair = {.k = SPF_UNREACHABLE};

    if (source->attachments.count && destination->attachments.count) { // M-215
        if (from == to) {
            pair = within;
        } else if (!choose(&work->matrix, &source->attachments, &destination->attachments, &pair)) {
            pair.k = SPF_UNREACHABLE;
            share->pairs_voided++;
        }
    }
    if (pair.k != SPF_UNREACHABLE && pair.sums.paths == SPF_TOO_MANY)
        share->pairs_uncounted++;
    share->reachable += from != to && pair.k != SPF_UNREACHABLE;
    for (size_t m = 0; m < METRICS; m++) {
        uint64_t value = pair.k == SPF_UNREACHABLE ? SNAPSHOT_NO_COST // M-213
                                                   : metrics[m].compose(&pair, metrics[m].value);
        share->values[m][to] = value;
        share->pairs[m] += value != SNAPSHOT_NO_COST;
        share->with_value[m] += value != SNAPSHOT_NO_COST && from != to;
    }
}

static void compute_sources(void *context, unsigned worker, size_t first, size_t end)
{
    struct work *work = context;
    struct share *share = &work->shares[worker];
    size_t count = work->partition->count;

    for (size_t m = 0; m < METRICS && !share->values[m]; m++)
        share->values[m] = memory_alloc(count, sizeof *share->values[m]);
    for (size_t from = first; from < end; from++) {
        for (size_t to = 0; to < count; to++)
            compute_pair(work, share, from, to);
        for (size_t m = 0; m < METRICS; m++)
            work->written[m][from] = write_row(share->values[m], count);
    }
}

/* The cells into the arena, which only one thread may use. */
static void keep_rows(struct work *work)
{
    size_t count = work->partition->count;

    for (size_t m = 0; m < METRICS; m++) {
        work->rows[m] = arena_alloc(work->arena, count, sizeof *work->rows[m]);
        for (size_t from = 0; from < count; from++) {
            const struct written *row = &work->written[m][from];

            work->rows[m][from] = (struct snapshot_row){
                row->width, arena_copy(work->arena, row->cells, count * row->width)};
            free(row->cells);
        }
        free(work->written[m]);
    }
}

static void compute_rows(struct work *work, unsigned threads)
{
    size_t count = work->partition->count;

    for (size_t m = 0; m < METRICS; m++)
        work->written[m] = memory_alloc(count, sizeof *work->written[m]);
    jobs_run(threads, count, SOURCES, compute_sources, work);
    for (unsigned i = 0; i < threads; i++) {
        struct share *share = &work->shares[i];

        work->out->pairs_voided += share->pairs_voided;
        work->out->pairs_uncounted += share->pairs_uncounted;
        work->reachable += share->reachable;
        for (size_t m = 0; m < METRICS; m++) {
            work->pairs[m] += share->pairs[m];
            work->with_value[m] += share->with_value[m];
            free(share->values[m]);
        }
    }
    keep_rows(work);
}

static void list_metrics(struct work *work)
{
    struct costs *out = work->out;

    out->metrics = arena_alloc(work->arena, (size_t)2 * METRICS, sizeof *out->metrics);
    for (size_t m = 0; m < METRICS; m++) {
        struct snapshot_metric row = {
            .name = metrics[m].name,
            .unit = metrics[m].unit,
            .cost_context = metrics[m].context,
            .rows = work->rows[m],
            .pairs = work->pairs[m],
        };

        // zeros inside PIDs alone make no map of delays (M-503)
        if (row.pairs == 0 || (metrics[m].needs && !work->with_value[m]))
            continue;
        out->metrics[out->count++] = row;
        if (!metrics[m].alias)
            continue;
        row.alias_of = row.name;
        row.name = metrics[m].alias;
        row.rows = NULL;
        out->metrics[out->count++] = row;
    }
}

/* Why pairs have no value of a metric: links of their paths give none (M-136). */
static void report_absent(const struct work *work, const struct topology *topology, size_t m,
                          struct report *report)
{
    const struct metric *metric = &metrics[m];
    const char *name = metric->alias ? metric->alias : metric->name;
    const struct link *first = NULL;
    size_t without = 0, absent = work->reachable - work->with_value[m];

    for (size_t i = 0; i < topology->link_count; i++) {
        if (topology->links[i].values[metric->value] != GRAPH_ABSENT)
            continue;
        first = first ? first : &topology->links[i];
        without++;
    }
    if (!first || !absent)
        return;
    const struct router *from = &topology->routers->list[first->from];
    const struct router *to = &topology->routers->list[first->to];
    if (without == topology->link_count)
        report_add(report, "%s is not in the map: none of %zu links has a %s", name, without,
                   metric->needs);
    else
        report_add(report,
                   "%s is absent for %zu of %zu pairs: %zu of %zu links have no %s, as %s to %s",
                   name, absent, work->reachable, without, topology->link_count, metric->needs,
                   from->name, to->name);
}

struct costs *cost_compute(const struct topology *topology, const struct partition *partition,
                           unsigned threads, struct arena *arena, struct report *report)
{
    struct work work = {
        .partition = partition,
        .matrix = matrix_new(topology, partition),
        .arena = arena,
        .out = arena_alloc(arena, 1, sizeof(struct costs)),
    };

    for (uint32_t d = 0; d < topology->domain_count; d++)
        fill_domain(&work.matrix, topology, d, threads);
    compute_rows(&work, threads);
    list_metrics(&work);
    for (size_t m = 0; m < METRICS; m++) {
        if (metrics[m].needs)
            report_absent(&work, topology, m, report);
    }
    if (work.out->pairs_voided)
        report_add(report, "%zu pairs whose cost passes 64 bits have none", work.out->pairs_voided);
    if (work.out->pairs_uncounted)
        report_add(report, "%zu pairs with more than %d shortest paths have no mean",
                   work.out->pairs_uncounted, SPF_PATH_LIMIT);
    matrix_free(&work.matrix);
    return work.out;
}
