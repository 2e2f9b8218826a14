/* altimeter-gen: makes a backbone at full scale, for benchmarks and tests (docs/benchmarks.md, "The input"). */
#include "gen_need.h"
#include "gen_write.h"
#include "lib/options.h"
#include "lib/text.h"

#include <stdio.h>
#include <string.h>

struct wanted {
    const char *routers, *ipv4, *ipv6, *seed, *paths, *reflectors;
    struct gen_files files;
    bool describe;
    struct gen_size size;
};

static bool read_number(const char *option, const char *text, uint64_t high, uint64_t *out,
                        struct error *err)
{
    return !text || text_uint(text, strlen(text), 0, high, out) ||
           error_set(err, ERROR_INPUT, "--%s %s: a whole number expected", option, text);
}

static bool read_size(struct wanted *wanted, struct error *err)
{
    struct gen_size *size = &wanted->size;
    uint64_t routers = 1000, ipv4 = 1000000, ipv6 = 200000, reflectors = 2;
    const uint64_t high = UINT32_MAX;

    size->seed = 1;
    if (!read_number("routers", wanted->routers, high, &routers, err) ||
        !read_number("ipv4", wanted->ipv4, high, &ipv4, err) ||
        !read_number("ipv6", wanted->ipv6, high, &ipv6, err) ||
        !read_number("seed", wanted->seed, UINT64_MAX, &size->seed, err) ||
        !read_number("reflectors", wanted->reflectors, high, &reflectors, err))
        return false;
    size->routers = routers;
    size->ipv4 = ipv4;
    size->ipv6 = ipv6;
    size->reflectors = reflectors;
    size->all_paths = wanted->paths && strcmp(wanted->paths, "all") == 0;
    if (wanted->paths && !size->all_paths && strcmp(wanted->paths, "best") != 0)
        return error_set(err, ERROR_INPUT, "--paths %s: best or all expected", wanted->paths);
    if (!wanted->files.scenario && !wanted->files.mrt && !wanted->files.state && !wanted->describe)
        return error_set(err, ERROR_INPUT,
                         "nothing to do; --scenario, --mrt, --state or --describe expected");
    return gen_check_size(size, err);
}

static bool write_all(const struct wanted *wanted, const struct gen_routes *routes,
                      struct error *err)
{
    const struct gen_files *files = &wanted->files;
    double seconds;

    if (wanted->describe)
        gen_describe(routes, stdout);
    if (files->scenario && !gen_write_scenario(routes, files->scenario, err))
        return false;
    if (files->mrt && !gen_write_mrt(routes, files->mrt, err))
        return false;
    if (files->state) {
        if (!gen_write_state(routes, files->state, &seconds, err))
            return false;
        (void)fprintf(stderr, "altimeter-gen: %s: written in %.2f s\n", files->state, seconds);
    }
    return true;
}

static bool generate(const struct wanted *wanted, struct error *err)
{
    if (!gen_check_need(&wanted->size, &wanted->files, err))
        return false;
    struct arena *arena = arena_new();
    const struct gen_backbone *backbone =
        gen_backbone_make(wanted->size.seed, wanted->size.routers, arena);
    struct gen_routes *routes = gen_routes_make(&wanted->size, backbone);
    bool ok = write_all(wanted, routes, err);

    gen_routes_free(routes);
    arena_free(arena);
    return ok;
}

int main(int argc, char **argv)
{
    struct wanted wanted = {0};
    const struct program_option options[] = {
        {"routers", 0, "N", "Routers, 20 to 10,000; default 1,000. PoPs and links follow.", NULL,
         &wanted.routers},
        {"ipv4", 0, "N", "IPv4 routes, up to 3,000,000; default 1,000,000.", NULL, &wanted.ipv4},
        {"ipv6", 0, "N", "IPv6 routes, up to 3,000,000; default 200,000.", NULL, &wanted.ipv6},
        {"seed", 0, "N", "Equal seeds make equal files; default 1.", NULL, &wanted.seed},
        {"paths", 0, "best|all",
         "What a reflector says: its best path (default), or all that its clients have.", NULL,
         &wanted.paths},
        {"reflectors", 0, "N", "Route reflectors, 1 to 64; default 2.", NULL, &wanted.reflectors},
        {"scenario", 0, "FILE", "Writes what altimeter-lab plays.", NULL, &wanted.files.scenario},
        {"mrt", 0, "FILE", "Writes the reflectors' tables as TABLE_DUMP_V2.", NULL,
         &wanted.files.mrt},
        {"state", 0, "FILE", "Writes a new state.db as the collector leaves it.", NULL,
         &wanted.files.state},
        {"describe", 0, NULL, "Prints what was made, in numbers.", &wanted.describe, NULL},
    };
    const struct program program = {
        .name = "altimeter-gen",
        .summary = "Makes a national backbone and the routes at its edge.",
        .is_command = true,
        .options = options,
        .option_count = sizeof options / sizeof *options,
    };
    struct options common;
    struct error err;
    int status;

    if (!options_start(&program, argc, argv, &common, &status))
        return status;
    if (!read_size(&wanted, &err)) {
        (void)fprintf(stderr, "altimeter-gen: %s\n", err.text);
        return EXIT_USAGE;
    }
    if (!generate(&wanted, &err)) {
        (void)fprintf(stderr, "altimeter-gen: %s\n", err.text);
        return 1;
    }
    return 0;
}
