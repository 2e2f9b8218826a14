/* map: see map.h. Stages in the order of docs/design.md section 5; each is a module. */
#include "map.h"

#include "attach.h"
#include "cost.h"
#include "gaps.h"
#include "lib/jobs.h"
#include "lib/text.h"
#include "lib/version.h"
#include "partition.h"
#include "router.h"
#include "topology.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const map_stage_names[MAP_STAGES] = {
    [STAGE_LOAD] = "load",           [STAGE_GRAPH] = "graph", [STAGE_ATTACH] = "attach",
    [STAGE_PARTITION] = "partition", [STAGE_COST] = "cost",
};

/* Ends a stage: its time is from the last mark to now. */
static void mark(struct map *map, enum map_stage stage, int64_t *last)
{
    int64_t now = text_steady_us();

    map->stage_us[stage] = now - *last;
    *last = now;
}

/* ---- What the snapshot says beside map and costs ---- */

/* Everything of the configuration on which the map depends. */
static const char *config_hash(const struct config *config, struct arena *arena)
{
    const char *text =
        arena_format(arena, "map.name=%s\nmap.default_pid=%s\ndelay.use_minimum=%d\n",
                     config->map.name, config->map.default_pid, config->map.delay_use_minimum);
    struct hash *hash = hash_new();
    uint8_t digest[HASH_BYTES];
    char *digits = arena_alloc(arena, 2 * HASH_BYTES + 1, 1);

    hash_text(hash, text);
    hash_finish(hash, digest);
    return text_hex(digest, sizeof digest, digits);
}

static const char *timings(const struct map *map)
{
    char text[512] = "{";
    size_t used = 1;

    for (size_t stage = 0; stage < MAP_STAGES; stage++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s\"%s_us\":%" PRId64,
                                 stage ? "," : "", map_stage_names[stage], map->stage_us[stage]);
    (void)snprintf(text + used, sizeof text - used, "}");
    return arena_text(map->arena, text, strlen(text));
}

static void list_routers(struct map *map, const struct topology *topology)
{
    const struct routers *routers = topology->routers;
    struct snapshot_router *list = arena_alloc(map->arena, routers->count, sizeof *list);

    for (size_t r = 0; r < routers->count; r++)
        list[r] = (struct snapshot_router){routers->list[r].key_text, routers->list[r].name,
                                           topology->overloaded[r]};
    map->snapshot.routers = list;
    map->snapshot.router_count = routers->count;
}

/* ["10.1.0.1","2001:db8::1"]; NULL without any. */
static const char *address_list(struct arena *arena, const struct addresses *addresses)
{
    char *text, *at, address[PREFIX_TEXT_SIZE];

    if (addresses->count == 0)
        return NULL;
    text = at = arena_alloc(arena, addresses->count * (PREFIX_TEXT_SIZE + 3) + 3, 1);
    for (size_t i = 0; i < addresses->count; i++)
        at += snprintf(at, PREFIX_TEXT_SIZE + 3, "%c\"%s\"", i ? ',' : '[',
                       address_format(&addresses->list[i], address));
    *at++ = ']';
    *at = '\0';
    return text;
}

static const char *pseudonode_text(struct arena *arena, const struct half_link *second)
{
    const struct ls_node_descriptor *node = &second->row->local;
    char text[ROUTER_ID_TEXT_SIZE];

    return arena_text(arena, text,
                      strlen(ls_router_id_format(second->row->protocol, node->router_id,
                                                 node->router_id_length, text)));
}

static void list_links(struct map *map, const struct topology *topology)
{
    struct snapshot_link *list = arena_alloc(map->arena, topology->link_count, sizeof *list);

    for (size_t i = 0; i < topology->link_count; i++) {
        const struct link *link = &topology->links[i];
        bool has_delay = link->values[VALUE_DELAY_US] != GRAPH_ABSENT;

        list[i] = (struct snapshot_link){
            .source = link->from,
            .destination = link->to,
            .protocol = link->first->row->protocol,
            .metric = link->metric,
            .has_delay = has_delay,
            .delay_us = has_delay ? link->values[VALUE_DELAY_US] : 0,
            .addresses = address_list(map->arena, &link->first->row->local_addresses),
            .pseudonode = link->second ? pseudonode_text(map->arena, link->second) : NULL,
        };
    }
    map->snapshot.links = list;
    map->snapshot.link_count = topology->link_count;
}

static void list_sessions(struct map *map, const struct model *model)
{
    size_t peer_count, count = 0;
    const struct model_peer *peers = model_peers(model, &peer_count);
    struct snapshot_session *list =
        arena_alloc(map->arena, peer_count * STATE_FAMILIES, sizeof *list);

    for (size_t i = 0; i < peer_count; i++) {
        for (size_t family = 0; family < STATE_FAMILIES; family++) {
            const struct peer_family *row = &peers[i].families[family];

            if (!peers[i].has_family[family])
                continue;
            list[count++] = (struct snapshot_session){
                .peer = arena_text(map->arena, peers[i].row.name, strlen(peers[i].row.name)),
                .family = state_family_names[family],
                .state = state_peer_states[peers[i].row.state],
                .end_of_rib = state_end_of_ribs[row->end_of_rib],
                .stale = row->stale,
            };
        }
    }
    map->snapshot.sessions = list;
    map->snapshot.session_count = count;
}

static void list_pids(struct map *map, const struct partition *partition)
{
    struct snapshot_pid *list = arena_alloc(map->arena, partition->count, sizeof *list);

    for (size_t i = 0; i < partition->count; i++) {
        const struct pid *pid = &partition->pids[i];
        struct snapshot_attachment *attachments =
            arena_alloc(map->arena, pid->attachments.count, sizeof *attachments);

        for (uint32_t at = 0; at < pid->attachments.count; at++)
            attachments[at] = (struct snapshot_attachment){pid->attachments.list[at].router,
                                                           pid->attachments.list[at].cost};
        list[i] = (struct snapshot_pid){
            .name = pid->name,
            .reason = pid->reason,
            .prefixes = pid->prefixes,
            .prefix_count = pid->prefix_count,
            .attachments = attachments,
            .attachment_count = pid->attachments.count,
        };
    }
    map->snapshot.pids = list;
    map->snapshot.pid_count = partition->count;
}

/* ---- The way ---- */

static struct ls_rows collect_rows(const struct model *model, struct arena *arena, size_t *stale)
{
    size_t stale_nodes, stale_links, stale_prefixes;
    struct ls_rows rows;

    rows.nodes = (const struct ls_node *const *)model_rows(model, OBJECT_NODE, arena,
                                                           &rows.node_count, &stale_nodes);
    rows.links = (const struct ls_link *const *)model_rows(model, OBJECT_LINK, arena,
                                                           &rows.link_count, &stale_links);
    rows.prefixes = (const struct ls_prefix *const *)model_rows(
        model, OBJECT_PREFIX, arena, &rows.prefix_count, &stale_prefixes);
    *stale = stale_nodes + stale_links + stale_prefixes;
    return rows;
}

/* From the routers to the costs; the topology's graphs end here. */
static bool compute(struct map *map, const struct model *model, const struct config *config,
                    struct error *err)
{
    struct topology_options topology_options = {config->map.delay_use_minimum};
    int64_t last = text_steady_us();
    size_t stale;
    bool ok = false;

    struct ls_rows rows = collect_rows(model, map->arena, &stale);
    gaps_report(model, &map->report);
    struct routers *routers = routers_build(&rows, model_own_asn(model), map->arena, &map->report);
    struct topology *topology =
        topology_build(routers, &rows, &topology_options, map->arena, &map->report, err);
    if (!topology)
        return false;
    mark(map, STAGE_GRAPH, &last);
    struct attachments *attachments =
        attach_prefixes(topology, &rows, model, map->arena, &map->report);
    mark(map, STAGE_ATTACH, &last);
    struct partition *partition =
        partition_make(routers, attachments, config->map.default_pid, map->arena, err);
    if (!partition)
        goto done;
    mark(map, STAGE_PARTITION, &last);
    struct costs *costs =
        cost_compute(topology, partition, jobs_threads(), map->arena, &map->report);
    mark(map, STAGE_COST, &last);
    map->snapshot.stale_objects = stale + attachments->stale_routes;
    map->snapshot.single_candidates = attachments->single_candidates;
    map->snapshot.metrics = costs->metrics;
    map->snapshot.metric_count = costs->count;
    list_pids(map, partition);
    list_routers(map, topology);
    list_links(map, topology);
    ok = true;
done:
    topology_free(topology);
    return ok;
}

struct map *map_compute(const struct model *model, const struct config *config, int64_t load_us,
                        int64_t now_us, struct error *err)
{
    const struct state_position *position = model_position(model);
    struct map *map = memory_alloc(1, sizeof *map);

    map->arena = arena_new();
    map->report.arena = map->arena;
    map->stage_us[STAGE_LOAD] = load_us;
    if (!compute(map, model, config, err)) {
        map_free(map);
        return NULL;
    }
    list_sessions(map, model);
    struct snapshot *snapshot = &map->snapshot;
    snapshot->map = arena_text(map->arena, config->map.name, strlen(config->map.name));
    snapshot->time_us = now_us;
    snapshot->generation =
        arena_text(map->arena, position->generation, strlen(position->generation));
    snapshot->sequence = position->sequence;
    snapshot->state_time_us = position->time_us;
    snapshot->version = ALTIMETER_VERSION;
    snapshot->config_hash = config_hash(config, map->arena);
    snapshot->default_pid =
        arena_text(map->arena, config->map.default_pid, strlen(config->map.default_pid));
    snapshot->warnings = report_json(&map->report);
    snapshot->timings = timings(map);
    return map;
}

void map_free(struct map *map)
{
    if (!map)
        return;
    arena_free(map->arena);
    free(map);
}

/* ---- Comparing ---- */

static void compare_prefixes(const struct snapshot_pid *before, const struct snapshot_pid *after,
                             struct map_changes *changes)
{
    size_t x = 0, y = 0;

    while (x < before->prefix_count || y < after->prefix_count) {
        int order = x == before->prefix_count ? 1
                    : y == after->prefix_count
                        ? -1
                        : prefix_compare(&before->prefixes[x], &after->prefixes[y]);
        changes->prefixes_removed += order < 0;
        changes->prefixes_added += order > 0;
        x += order <= 0;
        y += order >= 0;
    }
}

/* Matches PIDs by name: old_of[new index] is the old one's, or SIZE_MAX. */
static size_t *match_pids(const struct snapshot *before, const struct snapshot *after,
                          struct map_changes *changes)
{
    size_t *old_of = memory_alloc(after->pid_count, sizeof *old_of);
    size_t x = 0, y = 0;

    while (x < before->pid_count || y < after->pid_count) {
        int order = x == before->pid_count  ? 1
                    : y == after->pid_count ? -1
                                            : strcmp(before->pids[x].name, after->pids[y].name);
        if (order < 0) {
            changes->pids_removed++;
            changes->prefixes_removed += before->pids[x].prefix_count;
        } else if (order > 0) {
            old_of[y] = SIZE_MAX;
            changes->pids_added++;
            changes->prefixes_added += after->pids[y].prefix_count;
        } else {
            old_of[y] = x;
            compare_prefixes(&before->pids[x], &after->pids[y], changes);
        }
        x += order <= 0;
        y += order >= 0;
    }
    return old_of;
}

struct cell {
    const char *digits;
    size_t length; // 0: no cost
};

static struct cell cell_of(const struct snapshot_row *row, size_t at)
{
    struct cell cell = {0};

    if (row->width == 0)
        return cell;
    cell = (struct cell){row->cells + at * row->width, row->width};
    while (cell.length && *cell.digits == ' ') {
        cell.digits++;
        cell.length--;
    }
    return cell;
}

static size_t count_costs(const struct snapshot_row *row, size_t count)
{
    size_t costs = 0;

    for (size_t to = 0; to < count; to++)
        costs += cell_of(row, to).length > 0;
    return costs;
}

static const struct snapshot_metric *metric_named(const struct snapshot *snapshot, const char *name)
{
    for (size_t i = 0; i < snapshot->metric_count; i++) {
        if (strcmp(snapshot->metrics[i].name, name) == 0)
            return &snapshot->metrics[i];
    }
    return NULL;
}

/* Costs in after that are new or differ, and costs of before that are gone. */
static size_t compare_metric(const struct snapshot *before, const struct snapshot_row *old,
                             const struct snapshot *after, const struct snapshot_row *new,
                             const size_t *old_of)
{
    size_t differing = 0, kept = 0, old_costs = 0;

    for (size_t from = 0; old && from < before->pid_count; from++)
        old_costs += count_costs(&old[from], before->pid_count);
    for (size_t from = 0; from < after->pid_count; from++) {
        for (size_t to = 0; to < after->pid_count; to++) {
            struct cell y = cell_of(&new[from], to), x = {0};

            if (old && old_of[from] != SIZE_MAX && old_of[to] != SIZE_MAX)
                x = cell_of(&old[old_of[from]], old_of[to]);
            kept += x.length > 0;
            differing +=
                x.length != y.length || (x.length && memcmp(x.digits, y.digits, x.length) != 0);
        }
    }
    return differing + old_costs - kept;
}

struct map_changes map_compare(const struct snapshot *before, const struct snapshot *after)
{
    struct map_changes changes = {0};
    size_t *old_of = match_pids(before, after, &changes);

    for (size_t i = 0; i < after->metric_count; i++) {
        const struct snapshot_metric *new = &after->metrics[i];
        const struct snapshot_metric *old = metric_named(before, new->name);

        if (new->rows)
            changes.pairs +=
                compare_metric(before, old ? old->rows : NULL, after, new->rows, old_of);
    }
    free(old_of);
    return changes;
}
