/* A state.db whose rows say anything: the map generator makes a map of it or says what is wrong. */
#include "cells.h"
#include "mapgen/map.h"
#include "network.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void make(const char *path)
{
    static const char text[] = "router A 10.0.0.1\n"
                               "router B 10.0.0.2 level12\n"
                               "router C 10.0.0.3 ospf overload\n"
                               "router D 10.0.0.4 ospf\n"
                               "router D 10.0.0.4 ospf3\n"
                               "link A B 10 delay=100\n"
                               "link B A 20 level2 local=10.1.0.1 remote=10.1.0.2\n"
                               "link C D 5 ospf\n"
                               "lan P A:10 B:10 level2\n"
                               "egress A 10.0.0.1\n"
                               "prefix 10.1.0.0/16 A 5\n"
                               "prefix 2001:db8::/32 B 5 level1\n"
                               "peer 2 rr2 stale rank=1\n"
                               "route 192.0.2.0/24 10.0.0.1 lp=200 path=64500,64501\n"
                               "route 192.0.2.0/24 10.0.0.2 med=5 peer=2\n"
                               "route 198.51.100.0/24 10.0.0.2 origin=2 llgr\n";
    struct error err;
    struct state_writer *writer =
        state_writer_open(&(struct state_writer_options){.path = path}, &err);

    assert(writer);
    struct network *network = network_new(text);
    network_write(network, writer, 1);
    network_free(network);
    state_writer_close(writer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct cells *cells;
    static struct config *config;
    struct error err = {0};

    if (!cells)
        cells = cells_new("state.db", make);
    if (!config)
        config = config_parse("f", "", 0, stderr, &err);
    cells_set(cells, data, size);
    struct model *model = model_new();
    struct state_reader *reader = state_reader_open(cells_path(cells), &err);
    bool ok = reader && model_update(model, reader, &err);
    assert(ok || err.text[0]);
    if (ok)
        map_free(map_compute(model, config, 0, 1, &err));
    state_reader_close(reader);
    model_free(model);
    return 0;
}
