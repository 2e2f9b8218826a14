/* gen_scenario: the network as a scenario file.
 *
 * One item a path and exit that is said, with all its prefixes. With best paths only, a path's exits are told
 * apart by favourite_of: the n-th reflector prefers the n-th. With all paths, an item names the reflector
 * whose clients hear it, and all of them that do; it says as many paths as a prefix can have. */
#include "gen_out.h"
#include "gen_write.h"

static const char *const origins[] = {"igp", "egp", "incomplete"};

static void put_general(struct gen_out *out, const struct gen_size *size)
{
    gen_out_text(out, "# altimeter-gen, seed ");
    gen_out_number(out, size->seed);
    gen_out_text(out, "\nname: generated\nas: ");
    gen_out_number(out, GEN_AS);
    gen_out_text(out, "\nigp: isis-2\narea: \"49.0001\"\ndelay_us_per_km: 5\n");
    gen_out_text(out, gen_pools);
}

static void put_routers(struct gen_out *out, const struct gen_backbone *backbone)
{
    gen_out_text(out, "routers:\n");
    for (size_t i = 0; i < backbone->router_count; i++) {
        gen_out_text(out, "  - {name: ");
        gen_out_text(out, backbone->routers[i].name);
        gen_out_text(out, backbone->routers[i].overload ? ", overload: true}\n" : "}\n");
    }
}

/* 0.1 km and 0.000003 per cent as decimals. */
static void put_decimal(struct gen_out *out, uint32_t number, uint32_t unit)
{
    gen_out_number(out, number / unit);
    gen_out_text(out, ".");
    for (unit /= 10; unit; unit /= 10)
        gen_out_number(out, number / unit % 10);
}

static void put_pair(struct gen_out *out, const uint32_t values[2], const char *unit)
{
    if (values[0] != values[1]) {
        gen_out_text(out, "[");
        gen_out_number(out, values[0]);
        gen_out_text(out, unit);
        gen_out_text(out, ", ");
    }
    gen_out_number(out, values[1]);
    gen_out_text(out, unit);
    if (values[0] != values[1])
        gen_out_text(out, "]");
}

static void put_links(struct gen_out *out, const struct gen_backbone *backbone)
{
    gen_out_text(out, "links:\n");
    for (size_t i = 0; i < backbone->link_count; i++) {
        const struct gen_link *link = &backbone->links[i];

        gen_out_text(out, "  - {a: ");
        gen_out_text(out, backbone->routers[link->ends[0]].name);
        gen_out_text(out, ", b: ");
        gen_out_text(out, backbone->routers[link->ends[1]].name);
        gen_out_text(out, ", metric: ");
        put_pair(out, link->metric, "");
        gen_out_text(out, ", km: ");
        put_decimal(out, link->hectometres, 10);
        gen_out_text(out, ", loss: ");
        put_decimal(out, 3 * link->loss, 1000000);
        gen_out_text(out, ", bandwidth: ");
        gen_out_number(out, link->bandwidth_gbps);
        gen_out_text(out, "G, residual: ");
        put_pair(out, link->residual_gbps, "G");
        gen_out_text(out, "}\n");
    }
}

static void put_reflector_name(struct gen_out *out, size_t reflector)
{
    gen_out_text(out, "rr");
    gen_out_number(out, reflector + 1);
}

static void put_reflectors(struct gen_out *out, const struct gen_size *size)
{
    gen_out_text(out, "reflectors:\n");
    for (size_t r = 0; r < size->reflectors; r++) {
        gen_out_text(out, "  - {name: ");
        put_reflector_name(out, r);
        gen_out_text(out, ", listen: \"127.0.1.");
        gen_out_number(out, r + 1);
        gen_out_text(out, ":11179\", router_id: 192.0.2.");
        gen_out_number(out, gen_reflector_id(r).bytes[3]);
        gen_out_text(out, size->all_paths ? ", add_path: {ipv4: 24, ipv6: 24}}\n" : "}\n");
    }
}

static void put_attributes(struct gen_out *out, const struct gen_routes *routes,
                           const struct gen_path *path)
{
    const struct gen_tags *tags = &routes->tags[path->tags];

    gen_out_text(out, ", local_pref: ");
    gen_out_number(out, path->local_pref);
    gen_out_text(out, ", as_path: [");
    for (uint32_t i = 0; i < path->hop_count; i++) {
        gen_out_text(out, i ? "," : "");
        gen_out_number(out, path->hops[i]);
    }
    gen_out_text(out, "]");
    if (tags->count) {
        gen_out_text(out, ", communities: [");
        for (uint32_t i = 0; i < tags->count; i++) {
            gen_out_text(out, i ? ",\"" : "\"");
            gen_out_number(out, tags->list[i] >> 16);
            gen_out_text(out, ":");
            gen_out_number(out, tags->list[i] & 0xffff);
            gen_out_text(out, "\"");
        }
        gen_out_text(out, "]");
    }
    if (path->has_med) {
        gen_out_text(out, ", med: ");
        gen_out_number(out, path->med);
    }
    if (path->origin) {
        gen_out_text(out, ", origin: ");
        gen_out_text(out, origins[path->origin]);
    }
}

static void put_prefixes(struct gen_out *out, const struct gen_routes *routes, uint32_t group)
{
    gen_out_text(out, ", prefixes: [");
    for (uint32_t i = routes->group_first[group]; i < routes->group_first[group + 1]; i++) {
        const struct prefix prefix = gen_prefix_value(&routes->prefixes[routes->of_group[i]]);
        const char *quote = prefix.family == FAMILY_IPV4 ? "" : "\"";

        gen_out_text(out, i > routes->group_first[group] ? "," : "");
        gen_out_text(out, quote);
        gen_out_prefix(out, &prefix);
        gen_out_text(out, quote);
    }
    gen_out_text(out, "]}\n");
}

/* Reflectors that take another exit than the first are its favourites; those that do not, take the first of
 * the file. */
static void put_best(struct gen_out *out, const struct gen_routes *routes, uint32_t group)
{
    const struct gen_path *path = &routes->paths[routes->groups[group].path];
    const struct gen_set *set = &routes->sets[path->set];

    for (size_t exit = 0; exit < path->exit_count && exit < routes->size.reflectors; exit++) {
        gen_out_text(out, "  - {routers: ");
        gen_out_text(out, routes->backbone->routers[set->exits[exit]].name);
        for (size_t r = exit; exit && r < routes->size.reflectors; r += path->exit_count) {
            gen_out_text(out, r == exit ? ", favourite_of: [" : ",");
            put_reflector_name(out, r);
        }
        gen_out_text(out, exit ? "]" : "");
        put_attributes(out, routes, path);
        put_prefixes(out, routes, group);
    }
}

static void put_all(struct gen_out *out, const struct gen_routes *routes, uint32_t group)
{
    struct gen_said said[GEN_SAID];

    for (size_t r = 0; r < routes->size.reflectors; r++) {
        size_t count = gen_said(routes, group, r, said);

        for (size_t i = 0; i < count; i++) {
            bool begins = i == 0 || said[i].path != said[i - 1].path;
            bool ends = i + 1 == count || said[i].path != said[i + 1].path;

            gen_out_text(out, begins ? "  - {routers: [" : ",");
            gen_out_text(out, routes->backbone->routers[said[i].router].name);
            if (!ends)
                continue;
            gen_out_text(out, "], reflectors: ");
            put_reflector_name(out, r);
            put_attributes(out, routes, &routes->paths[said[i].path]);
            put_prefixes(out, routes, group);
        }
    }
}

bool gen_write_scenario(const struct gen_routes *routes, const char *path, struct error *err)
{
    struct gen_out *out = gen_out_open(path, err);

    if (!out)
        return false;
    put_general(out, &routes->size);
    put_routers(out, routes->backbone);
    put_links(out, routes->backbone);
    put_reflectors(out, &routes->size);
    gen_out_text(out, "routes:\n");
    for (uint32_t g = 0; g < routes->group_count; g++) {
        if (routes->group_first[g] == routes->group_first[g + 1])
            continue; // its origin has fewer prefixes than groups
        if (routes->size.all_paths)
            put_all(out, routes, g);
        else
            put_best(out, routes, g);
    }
    return gen_out_close(out, err);
}
