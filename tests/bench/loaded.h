/* loaded: what the benches over a state.db start from: its model, and the graph that mapgen makes of it. A
 * failure ends the program with a message. */
#pragma once

#include "lib/arena.h"
#include "mapgen/model.h"
#include "mapgen/report.h"
#include "mapgen/router.h"
#include "mapgen/topology.h"

struct loaded {
    struct model *model;
    struct arena *arena; // of everything below
    struct report report;
    struct ls_rows rows;
    struct routers *routers;
    struct topology *topology;
};

struct model *loaded_model(const char *state_db); // owned

/* The rows that count, their routers and graphs; model: borrowed for as long as *loaded is used. */
void loaded_graph(struct loaded *loaded, struct model *model);
void loaded_free_graph(struct loaded *loaded); // not the model

/* Ends the program: "bench: WHAT: err". */
_Noreturn void loaded_fail(const char *what, const char *why);
