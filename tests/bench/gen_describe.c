/* gen_describe: what was made, in numbers. One line a figure: its name, then the value. */
#include "gen_write.h"
#include "lib/arena.h"

#include <stdlib.h>

static void print(FILE *stream, const char *name, size_t value)
{
    (void)fprintf(stream, "%-28s %zu\n", name, value);
}

static void print_backbone(const struct gen_backbone *backbone, FILE *stream)
{
    size_t cores = 0, overloaded = 0, asymmetric = 0, lossy = 0, between = 0, parallel = 0;
    bool *seen = memory_alloc(backbone->router_count * backbone->router_count, sizeof *seen);

    for (size_t i = 0; i < backbone->router_count; i++) {
        cores += backbone->routers[i].is_core;
        overloaded += backbone->routers[i].overload;
    }
    for (size_t i = 0; i < backbone->link_count; i++) {
        const struct gen_link *link = &backbone->links[i];
        bool *pair = &seen[link->ends[0] * backbone->router_count + link->ends[1]];

        asymmetric += link->metric[0] != link->metric[1];
        lossy += link->loss > 0;
        between += backbone->routers[link->ends[0]].pop != backbone->routers[link->ends[1]].pop;
        parallel += *pair;
        *pair = true;
    }
    free(seen);
    print(stream, "PoPs", backbone->pop_count);
    print(stream, "routers", backbone->router_count);
    print(stream, "routers, cores", cores);
    print(stream, "routers, overloaded", overloaded);
    print(stream, "links", backbone->link_count);
    print(stream, "links between PoPs", between);
    print(stream, "links, second parallels", parallel);
    print(stream, "links, asymmetric", asymmetric);
    print(stream, "links, lossy", lossy);
}

static void print_lengths(const struct gen_routes *routes, unsigned family, FILE *stream)
{
    size_t lengths[129] = {0}, total = 0;

    for (size_t i = 0; i < routes->prefix_count; i++) {
        if (routes->prefixes[i].family != family)
            continue;
        lengths[routes->prefixes[i].length_bits]++;
        total++;
    }
    (void)fprintf(stream, "IPv%u prefixes %*zu\n", family, 15, total);
    for (unsigned length = 0; length <= 128; length++) {
        if (lengths[length])
            (void)fprintf(stream, "IPv%u /%-3u %*zu %6.2f %%\n", family, length, 19,
                          lengths[length], 100 * (double)lengths[length] / (double)total);
    }
}

/* By kind: the sets, and the prefixes whose best path leaves at one of them. */
static void print_sets(const struct gen_routes *routes, FILE *stream)
{
    size_t sets[GEN_KINDS] = {0}, prefixes[2][GEN_KINDS] = {{0}};

    for (size_t i = 0; i < routes->set_count; i++)
        sets[routes->sets[i].kind]++;
    for (size_t i = 0; i < routes->prefix_count; i++) {
        const struct gen_group *group = &routes->groups[routes->prefixes[i].group];
        const struct gen_set *set = &routes->sets[routes->paths[group->path].set];

        prefixes[routes->prefixes[i].family == FAMILY_IPV6][set->kind]++;
    }
    print(stream, "attachment sets", routes->set_count);
    for (size_t kind = 0; kind < GEN_KINDS; kind++)
        (void)fprintf(stream, "attachment sets, %s %zu: %zu IPv4 and %zu IPv6 prefixes\n",
                      gen_set_kinds[kind], sets[kind], prefixes[0][kind], prefixes[1][kind]);
}

static void print_paths(const struct gen_routes *routes, FILE *stream)
{
    size_t exits[2] = {0}, said = 0, groups = 0;
    struct gen_said list[GEN_SAID];

    for (size_t i = 0; i < routes->prefix_count; i++) {
        const struct gen_group *group = &routes->groups[routes->prefixes[i].group];

        for (uint32_t k = 0; k < group->path_count; k++)
            exits[routes->prefixes[i].family == FAMILY_IPV6] +=
                routes->paths[group->path + k].exit_count;
        for (size_t r = 0; r < routes->size.reflectors; r++)
            said += gen_said(routes, routes->prefixes[i].group, r, list);
    }
    for (size_t g = 0; g < routes->group_count; g++)
        groups += routes->group_first[g] < routes->group_first[g + 1];
    print(stream, "origins", routes->origin_count);
    print(stream, "attribute sets", groups);
    print(stream, "paths of all exits, IPv4", exits[0]);
    print(stream, "paths of all exits, IPv6", exits[1]);
    print(stream, "reflectors", routes->size.reflectors);
    print(stream, "paths said", said);
}

void gen_describe(const struct gen_routes *routes, FILE *stream)
{
    print_backbone(routes->backbone, stream);
    print_sets(routes, stream);
    print_lengths(routes, FAMILY_IPV4, stream);
    print_lengths(routes, FAMILY_IPV6, stream);
    print_paths(routes, stream);
}
