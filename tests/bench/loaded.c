/* loaded: see loaded.h. */
#include "loaded.h"

#include "lib/state.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void loaded_fail(const char *what, const char *why)
{
    (void)fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(1);
}

struct model *loaded_model(const char *state_db)
{
    struct error err;
    struct state_reader *reader = state_reader_open(state_db, &err);
    struct model *model = model_new();

    if (!reader || !model_update(model, reader, &err))
        loaded_fail(state_db, err.text);
    state_reader_close(reader);
    return model;
}

void loaded_graph(struct loaded *loaded, struct model *model)
{
    struct topology_options options = {0};
    struct ls_rows *rows = &loaded->rows;
    size_t stale;
    struct error err;

    loaded->model = model;
    loaded->arena = arena_new();
    loaded->report = (struct report){.arena = loaded->arena};
    rows->nodes = (const struct ls_node *const *)model_rows(model, OBJECT_NODE, loaded->arena,
                                                            &rows->node_count, &stale);
    rows->links = (const struct ls_link *const *)model_rows(model, OBJECT_LINK, loaded->arena,
                                                            &rows->link_count, &stale);
    rows->prefixes = (const struct ls_prefix *const *)model_rows(
        model, OBJECT_PREFIX, loaded->arena, &rows->prefix_count, &stale);
    loaded->routers = routers_build(rows, model_own_asn(model), loaded->arena, &loaded->report);
    loaded->topology =
        topology_build(loaded->routers, rows, &options, loaded->arena, &loaded->report, &err);
    if (!loaded->topology)
        loaded_fail("graph", err.text);
}

void loaded_free_graph(struct loaded *loaded)
{
    topology_free(loaded->topology);
    arena_free(loaded->arena);
}
