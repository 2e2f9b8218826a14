/* scenario_routes: IGP prefixes, reflectors and BGP routes of a scenario.
 *
 * A list of prefixes is written compactly: "10.16.0.0/16 split 24 skip 8 count 12" is twelve /24 of the
 * range, the first eight left out. Each item with several routers stands for the product of its prefixes
 * and its routers. */
#include "scenario_read.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct attachment *scenario_add_attachment(struct scenario *scenario)
{
    scenario->attachments =
        memory_grow(scenario->attachments, scenario->attachment_count,
                    &scenario->attachment_capacity, sizeof *scenario->attachments);
    struct attachment *attachment = &scenario->attachments[scenario->attachment_count++];

    *attachment = (struct attachment){0};
    return attachment;
}

struct path *scenario_add_path(struct scenario *scenario)
{
    scenario->paths = memory_grow(scenario->paths, scenario->path_count, &scenario->path_capacity,
                                  sizeof *scenario->paths);
    struct path *path = &scenario->paths[scenario->path_count++];

    *path = (struct path){0};
    return path;
}

// ---- lists of prefixes

struct range {
    struct net pool;
    uint64_t split, skip, count; // count 0: all
};

bool parse_number(const char *text, uint64_t *out)
{
    char *end;

    if (!*text || strspn(text, "0123456789") != strlen(text))
        return false;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return errno == 0;
}

/* Takes the next word of [*at, end) into `word`; false: there is none, or it is too long. */
static bool take_word(const char **at, const char *end, char word[NET_TEXT_SIZE])
{
    while (*at < end && **at == ' ')
        (*at)++;
    const char *blank = memchr(*at, ' ', (size_t)(end - *at));
    size_t length = (size_t)((blank ? blank : end) - *at);

    if (length == 0 || length >= NET_TEXT_SIZE)
        return false;
    memcpy(word, *at, length);
    word[length] = '\0';
    *at += length;
    return true;
}

static bool has_more(const char *at, const char *end)
{
    while (at < end && *at == ' ')
        at++;
    return at < end;
}

/* "P", or "P split N [skip N] [count N]". */
static bool parse_range(const char *at, const char *end, struct range *out)
{
    struct range range = {0};
    char word[NET_TEXT_SIZE], number[NET_TEXT_SIZE];

    if (!take_word(&at, end, word) || !net_parse_prefix(word, &range.pool))
        return false;
    range.split = range.pool.length_bits;
    range.count = 1;
    for (bool first = true; has_more(at, end); first = false) {
        uint64_t value;

        if (!take_word(&at, end, word) || !take_word(&at, end, number) ||
            !parse_number(number, &value))
            return false;
        if (first != (strcmp(word, "split") == 0))
            return false;
        if (first) {
            range.split = value;
            range.count = 0;
        } else if (strcmp(word, "skip") == 0) {
            range.skip = value;
        } else if (strcmp(word, "count") == 0 && value > 0) {
            range.count = value;
        } else {
            return false;
        }
    }
    *out = range;
    return range.split >= range.pool.length_bits && range.split <= net_bits(&range.pool);
}

static bool expand_range(struct loading *loading, const struct tree *node, const char *text,
                         int length, const struct range *range, struct nets *nets)
{
    unsigned width = (unsigned)range->split - range->pool.length_bits;
    uint64_t room = width > 32 ? UINT64_C(1) << 32 : UINT64_C(1) << width;
    uint64_t left = range->skip < room ? room - range->skip : 0;
    uint64_t count = range->count ? range->count : left;

    if (count > left || count == 0)
        return reader_fail(&loading->reader, node,
                           "\"%.*s\": the range has %llu prefixes of that length", length, text,
                           (unsigned long long)room);
    if (count > ROUTE_LIMIT - nets->count)
        return reader_fail(&loading->reader, node, "\"%.*s\": more than %d prefixes in one list",
                           length, text, ROUTE_LIMIT);
    for (uint64_t i = 0; i < count; i++) {
        nets->list = memory_grow(nets->list, nets->count, &nets->capacity, sizeof *nets->list);
        (void)net_nth(&range->pool, (unsigned)range->split, range->skip + i,
                      &nets->list[nets->count++]);
    }
    return true;
}

/* Ranges with commas between them. */
static bool read_ranges(struct loading *loading, const struct tree *node, const char *text,
                        const char *expected, struct nets *nets)
{
    for (bool more = true; more;) {
        const char *end = text + strcspn(text, ",");
        int shown = end - text > 60 ? 60 : (int)(end - text);
        struct range range;

        if (!parse_range(text, end, &range))
            return reader_fail(&loading->reader, node, "\"%.*s\"; %s expected", shown, text,
                               expected);
        if (!expand_range(loading, node, text, shown, &range, nets))
            return false;
        more = *end == ',';
        text = end + strspn(end, ", ");
    }
    return true;
}

bool read_prefixes(struct loading *loading, const struct tree *node, struct nets *nets)
{
    static const char expected[] = "a prefix without host bits, or a range such as "
                                   "10.16.0.0/16 split 24 skip 8 count 12";

    for (size_t i = 0; i < reader_count(node); i++) {
        const struct tree *item = reader_item(node, i);
        const char *text = reader_text(&loading->reader, item, expected);

        if (!text || !read_ranges(loading, item, text, expected, nets))
            return false;
    }
    return true;
}

// ---- IGP prefixes

struct attachment_form {
    const struct tree *routers, *prefixes, *igp;
    uint32_t metric;
    bool external;
};

static const struct key attachment_keys[] = {
    {"routers", read_node, offsetof(struct attachment_form, routers), .required = true},
    {"prefixes", read_node, offsetof(struct attachment_form, prefixes), .required = true},
    {"igp", read_node, offsetof(struct attachment_form, igp)},
    {"metric", read_uint32, offsetof(struct attachment_form, metric), .high = UINT32_MAX},
    {"external", read_bool, offsetof(struct attachment_form, external)},
};

static bool attach(struct loading *loading, const struct tree *node,
                   const struct attachment_form *form, const struct nets *nets)
{
    struct scenario *scenario = loading->scenario;

    for (size_t r = 0; r < reader_count(form->routers); r++) {
        struct attachment attachment = {.metric = form->metric, .external = form->external};

        if (!read_vertex(loading, reader_item(form->routers, r), &attachment.vertex))
            return false;
        attachment.domains = scenario->vertices[attachment.vertex].domains;
        if (form->igp && !read_domains(loading, form->igp, &attachment.domains))
            return false;
        if (attachment.domains & ~scenario->vertices[attachment.vertex].domains)
            return reader_fail(&loading->reader, node, "igp: router \"%s\" is not in it",
                               scenario->vertices[attachment.vertex].name);
        if (nets->count > ATTACHMENT_LIMIT - scenario->attachment_count)
            return reader_fail(&loading->reader, node, "more than %d prefixes in the IGP",
                               ATTACHMENT_LIMIT);
        for (size_t i = 0; i < nets->count; i++) {
            attachment.prefix = nets->list[i];
            *scenario_add_attachment(scenario) = attachment;
        }
    }
    return true;
}

static void attach_loopbacks(struct scenario *scenario)
{
    for (size_t i = 0; i < scenario->router_count; i++) {
        const struct vertex *router = &scenario->vertices[i];
        const struct net *const addresses[] = {&router->ipv4, &router->ipv6};

        for (size_t k = 0; k < COUNT_OF(addresses); k++) {
            if (addresses[k]->family)
                *scenario_add_attachment(scenario) = (struct attachment){.prefix = *addresses[k],
                                                                         .vertex = i,
                                                                         .domains = router->domains,
                                                                         .loopback = true};
        }
    }
}

static int compare_attachments(const void *a, const void *b)
{
    const struct attachment *left = *(const struct attachment *const *)a;
    const struct attachment *right = *(const struct attachment *const *)b;
    int order = net_compare(&left->prefix, &right->prefix);

    return order ? order : (left->vertex > right->vertex) - (left->vertex < right->vertex);
}

/* One prefix twice at one router would be one NLRI with two attributes. */
static bool check_attachments(struct loading *loading)
{
    const struct scenario *scenario = loading->scenario;
    size_t count = scenario->attachment_count;
    const struct attachment **sorted = memory_alloc(count, sizeof(struct attachment *));
    char text[NET_TEXT_SIZE];
    bool ok = true;

    for (size_t i = 0; i < count; i++)
        sorted[i] = &scenario->attachments[i];
    if (count)
        qsort(sorted, count, sizeof(struct attachment *), compare_attachments);
    for (size_t i = 1; ok && i < count; i++) {
        if (compare_attachments(&sorted[i - 1], &sorted[i]) == 0)
            ok = reader_fail(&loading->reader, loading->prefixes, "%s is given twice at \"%s\"",
                             net_format_prefix(&sorted[i]->prefix, text),
                             scenario->vertices[sorted[i]->vertex].name);
    }
    free(sorted);
    return ok;
}

bool load_attachments(struct loading *loading)
{
    attach_loopbacks(loading->scenario);
    for (size_t i = 0; loading->prefixes && i < reader_count(loading->prefixes); i++) {
        const struct tree *node = reader_item(loading->prefixes, i);
        struct attachment_form form = {0};
        struct nets nets = {0};

        bool ok = reader_mapping(&loading->reader, node, "a prefixes item", attachment_keys,
                                 COUNT_OF(attachment_keys), &form) &&
                  read_prefixes(loading, form.prefixes, &nets) &&
                  attach(loading, node, &form, &nets);

        free(nets.list);
        if (!ok)
            return false;
    }
    return check_attachments(loading);
}

// ---- reflectors

bool scenario_move_reflector(struct scenario *scenario, const char *text, struct error *err)
{
    const char *equals = strchr(text, '=');
    size_t length = equals ? (size_t)(equals - text) : 0;

    for (size_t i = 0; equals && i < scenario->reflector_count; i++) {
        struct reflector *reflector = &scenario->reflectors[i];

        if (strncmp(reflector->name, text, length) == 0 && !reflector->name[length])
            return net_parse_endpoint(equals + 1, &reflector->address, &reflector->port) ||
                   error_set(err, ERROR_INPUT, "%s: \"%s\"; ADDRESS:PORT expected", reflector->name,
                             equals + 1);
    }
    return error_set(err, ERROR_INPUT, "\"%s\"; REFLECTOR=ADDRESS:PORT expected", text);
}

static bool read_endpoint(struct reader *reader, const struct tree *node, const struct key *key,
                          void *field)
{
    const char *text = reader_text(reader, node, "ADDRESS:PORT");
    struct reflector *reflector = field;

    if (!text)
        return false;
    if (reflector->address.family)
        return reader_fail(reader, node, "%s: one of listen and connect expected", key->name);
    reflector->calls = strcmp(key->name, "connect") == 0;
    return net_parse_endpoint(text, &reflector->address, &reflector->port) ||
           reader_fail(reader, node, "%s: \"%s\"; ADDRESS:PORT such as 127.0.1.1:11179 expected",
                       key->name, text);
}

bool read_source(struct reader *reader, const struct tree *node, const struct key *key, void *field)
{
    const char *text = reader_text(reader, node, "an address");

    return text && (net_parse_address(text, field) ||
                    reader_fail(reader, node, "%s: \"%s\"; an address expected", key->name, text));
}

bool read_families(struct reader *reader, const struct tree *node, const struct key *key,
                   void *field)
{
    bool *families = field;

    memset(families, 0, FAMILIES * sizeof *families);
    for (size_t i = 0; i < reader_count(node); i++) {
        const struct tree *item = reader_item(node, i);
        const char *text = reader_text(reader, item, "ls, ipv4 or ipv6");
        size_t family = 0;

        while (text && family < FAMILIES && strcmp(text, family_names[family]) != 0)
            family++;
        if (!text || family == FAMILIES)
            return text && reader_fail(reader, item, "%s: \"%s\"; ls, ipv4 or ipv6 expected",
                                       key->name, text);
        families[family] = true;
    }
    return true;
}

static const struct key reflector_keys[] = {
    {"name", read_name, offsetof(struct reflector, name), .required = true},
    {"listen", read_endpoint, 0},
    {"connect", read_endpoint, 0},
    {"source", read_source, offsetof(struct reflector, source)},
    {"router_id", read_ipv4, offsetof(struct reflector, router_id), .required = true},
    {"cluster_id", read_ipv4, offsetof(struct reflector, cluster_id)},
    {"as", read_uint32, offsetof(struct reflector, as), .low = 1, .high = UINT32_MAX - 1},
    {"families", read_families, offsetof(struct reflector, families)},
    {"end_of_rib", read_bool, offsetof(struct reflector, end_of_rib)},
    {"hold_time", read_uint16, offsetof(struct reflector, hold_time_s), .low = 0, .high = 65535},
    {"graceful_restart", read_uint16, offsetof(struct reflector, restart_time_s), .high = 4095},
};

static bool load_reflector(struct loading *loading, const struct tree *node, struct reflector *out)
{
    struct reflector reflector = {
        .as = loading->scenario->as,
        .families = {true, true, true},
        .end_of_rib = true,
        .hold_time_s = 90,
        .restart_time_s = 120,
    };

    if (!reader_mapping(&loading->reader, node, "a reflector", reflector_keys,
                        COUNT_OF(reflector_keys), &reflector))
        return false;
    if (!reflector.address.family)
        return reader_fail(&loading->reader, node,
                           "reflector \"%s\": key listen or connect is missing", reflector.name);
    if (reflector.hold_time_s == 1 || reflector.hold_time_s == 2)
        return reader_fail(&loading->reader, node,
                           "reflector \"%s\": hold_time: 0, or at least 3 expected (RFC 4271 4.2)",
                           reflector.name);
    if (scenario_find_reflector(loading->scenario, reflector.name) != SIZE_MAX)
        return reader_fail(&loading->reader, node, "reflector \"%s\" is given twice",
                           reflector.name);
    if (!reflector.cluster_id.family)
        reflector.cluster_id = reflector.router_id;
    *out = reflector;
    return true;
}

bool load_reflectors(struct loading *loading)
{
    struct scenario *scenario = loading->scenario;
    size_t count = reader_count(loading->reflectors);

    if (count == 0 || count > REFLECTOR_LIMIT)
        return reader_fail(&loading->reader, loading->reflectors,
                           "%zu reflectors; 1 to %d expected", count, REFLECTOR_LIMIT);
    scenario->reflectors = arena_alloc(scenario->arena, count, sizeof *scenario->reflectors);
    for (size_t i = 0; i < count; i++) {
        if (!load_reflector(loading, reader_item(loading->reflectors, i), &scenario->reflectors[i]))
            return false;
        scenario->reflector_count++;
    }
    return true;
}

// ---- BGP routes

#define FIRST_ORIGIN UINT32_C(4200000000) // of the private range of RFC 6996: 94,967,295 numbers

struct route_form {
    const struct tree *routers, *prefixes, *as_path, *communities, *origin, *med, *reflectors,
        *favourites;
    struct net next_hop_ipv4, next_hop_ipv6;
    uint32_t local_pref, origins;
};

static const struct key route_keys[] = {
    {"routers", read_node, offsetof(struct route_form, routers), .required = true},
    {"prefixes", read_node, offsetof(struct route_form, prefixes), .required = true},
    {"next_hop_ipv4", read_ipv4, offsetof(struct route_form, next_hop_ipv4)},
    {"next_hop_ipv6", read_ipv6, offsetof(struct route_form, next_hop_ipv6)},
    {"as_path", read_node, offsetof(struct route_form, as_path)},
    {"communities", read_node, offsetof(struct route_form, communities)},
    {"origins", read_uint32, offsetof(struct route_form, origins), .low = 1, .high = PATH_LIMIT},
    {"local_pref", read_uint32, offsetof(struct route_form, local_pref), .high = UINT32_MAX},
    {"med", read_node, offsetof(struct route_form, med)},
    {"origin", read_node, offsetof(struct route_form, origin)},
    {"reflectors", read_node, offsetof(struct route_form, reflectors)},
    {"favourite_of", read_node, offsetof(struct route_form, favourites)},
};

static bool read_reflectors(struct loading *loading, const struct tree *node, uint64_t *out)
{
    uint64_t mask = 0;

    for (size_t i = 0; i < reader_count(node); i++) {
        const struct tree *item = reader_item(node, i);
        const char *name = reader_text(&loading->reader, item, "the name of a reflector");
        size_t reflector = name ? scenario_find_reflector(loading->scenario, name) : SIZE_MAX;

        if (reflector == SIZE_MAX)
            return name && reader_fail(&loading->reader, item,
                                       "\"%s\"; the name of a reflector expected", name);
        mask |= UINT64_C(1) << reflector;
    }
    *out = mask;
    return true;
}

static bool read_as_path(struct loading *loading, const struct tree *node, struct path *path)
{
    size_t count = reader_count(node);

    if (count > 254) // one AS_SEQUENCE segment, with an origin
        return reader_fail(&loading->reader, node, "as_path: %zu numbers; at most 254 expected",
                           count);
    uint32_t *numbers = arena_alloc(loading->scenario->arena, count, sizeof *numbers);

    for (size_t i = 0; i < count; i++) {
        uint64_t number;

        if (!reader_uint(&loading->reader, reader_item(node, i), 1, UINT32_MAX - 1, "as_path",
                         &number))
            return false;
        numbers[i] = (uint32_t)number;
    }
    path->as_path = numbers;
    path->as_count = count;
    return true;
}

/* "64500:120" */
static bool parse_community(const char *text, uint32_t *out)
{
    char high[8];
    const char *colon = strchr(text, ':');
    uint64_t upper, lower;

    if (!colon || (size_t)(colon - text) >= sizeof high)
        return false;
    memcpy(high, text, (size_t)(colon - text));
    high[colon - text] = '\0';
    if (!parse_number(high, &upper) || !parse_number(colon + 1, &lower) || upper > 65535 ||
        lower > 65535)
        return false;
    *out = (uint32_t)(upper << 16 | lower);
    return true;
}

static bool read_communities(struct loading *loading, const struct tree *node, struct path *path)
{
    size_t count = reader_count(node);

    if (count > 200) // so that attributes leave room for prefixes in one message
        return reader_fail(&loading->reader, node, "communities: %zu; at most 200 expected", count);
    uint32_t *communities = arena_alloc(loading->scenario->arena, count, sizeof *communities);

    for (size_t i = 0; i < count; i++) {
        const struct tree *item = reader_item(node, i);
        const char *text = reader_text(&loading->reader, item, "a community such as 64500:120");

        if (!text)
            return false;
        if (!parse_community(text, &communities[i]))
            return reader_fail(&loading->reader, item,
                               "\"%s\"; a community such as \"64500:120\" expected", text);
    }
    path->communities = communities;
    path->community_count = count;
    return true;
}

static bool read_origin(struct loading *loading, const struct tree *node, struct path *path)
{
    static const char *const names[] = {"igp", "egp", "incomplete"};
    const char *text = reader_text(&loading->reader, node, "igp, egp or incomplete");

    for (uint8_t i = 0; text && i < COUNT_OF(names); i++) {
        if (strcmp(text, names[i]) == 0) {
            path->origin = i;
            return true;
        }
    }
    return text && reader_fail(&loading->reader, node,
                               "origin: \"%s\"; igp, egp or incomplete expected", text);
}

static bool read_path(struct loading *loading, const struct route_form *form, struct path *out)
{
    struct scenario *scenario = loading->scenario;
    struct path path = {.local_pref = form->local_pref};
    uint64_t med;

    path.reflectors = scenario->reflector_count == 64
                          ? UINT64_MAX
                          : (UINT64_C(1) << scenario->reflector_count) - 1;
    if (form->med) {
        if (!reader_uint(&loading->reader, form->med, 0, UINT32_MAX, "med", &med))
            return false;
        path.has_med = true;
        path.med = (uint32_t)med;
    }
    if ((form->as_path && !read_as_path(loading, form->as_path, &path)) ||
        (form->communities && !read_communities(loading, form->communities, &path)) ||
        (form->origin && !read_origin(loading, form->origin, &path)) ||
        (form->reflectors && !read_reflectors(loading, form->reflectors, &path.reflectors)) ||
        (form->favourites && !read_reflectors(loading, form->favourites, &path.favourites)))
        return false;
    path.next_hop[0] = form->next_hop_ipv4;
    path.next_hop[1] = form->next_hop_ipv6;
    *out = path;
    return true;
}

/* Next-hop-self where the file names no other. */
static void complete_next_hops(const struct scenario *scenario, struct path *path)
{
    const struct vertex *router = &scenario->vertices[path->router];
    const struct net *const loopbacks[2] = {&router->ipv4, &router->ipv6};

    for (size_t i = 0; i < 2; i++) {
        if (!path->next_hop[i].family)
            path->next_hop[i] = *loopbacks[i];
    }
}

static bool add_routes(struct loading *loading, const struct tree *node, size_t path,
                       const struct net *nets, size_t count)
{
    struct scenario *scenario = loading->scenario;

    if (count > ROUTE_LIMIT - scenario->route_count)
        return reader_fail(&loading->reader, node, "more than %d routes", ROUTE_LIMIT);
    for (size_t i = 0; i < count; i++) {
        if (!scenario->paths[path].next_hop[nets[i].family == 6].family)
            return reader_fail(&loading->reader, node,
                               "router \"%s\" has no IPv6 address; key next_hop_ipv6 expected",
                               scenario->vertices[scenario->paths[path].router].name);
        scenario->routes = memory_grow(scenario->routes, scenario->route_count,
                                       &scenario->route_capacity, sizeof *scenario->routes);
        scenario->routes[scenario->route_count++] =
            (struct route){.prefix = nets[i], .path = (uint32_t)path};
    }
    return true;
}

/* One path for all prefixes; or, with origins, one for each equal part of them, its AS path ending in an
 * AS number of its own. Returns false when a limit was met. */
static bool add_paths(struct loading *loading, const struct tree *node, const struct path *path,
                      uint32_t origins, const struct nets *nets)
{
    struct scenario *scenario = loading->scenario;
    size_t parts = origins ? origins : 1;

    if (parts > PATH_LIMIT - scenario->path_count)
        return reader_fail(&loading->reader, node, "more than %d paths", PATH_LIMIT);
    for (size_t part = 0; part < parts; part++) {
        size_t from = nets->count * part / parts, to = nets->count * (part + 1) / parts;
        struct path *own = scenario_add_path(scenario);

        *own = *path;
        if (origins) {
            uint32_t *as_path = arena_alloc(scenario->arena, path->as_count + 1, sizeof *as_path);

            if (path->as_count)
                memcpy(as_path, path->as_path, path->as_count * sizeof *as_path);
            as_path[path->as_count] = (uint32_t)(FIRST_ORIGIN + part);
            own->as_path = as_path;
            own->as_count = path->as_count + 1;
        }
        if (!add_routes(loading, node, scenario->path_count - 1, nets->list + from, to - from))
            return false;
    }
    return true;
}

static bool load_route(struct loading *loading, const struct tree *node)
{
    struct scenario *scenario = loading->scenario;
    struct route_form form = {.local_pref = 100};
    struct nets nets = {0};
    struct path path;

    bool ok = reader_mapping(&loading->reader, node, "a routes item", route_keys,
                             COUNT_OF(route_keys), &form) &&
              read_path(loading, &form, &path) && read_prefixes(loading, form.prefixes, &nets);

    for (size_t r = 0; ok && r < reader_count(form.routers); r++) {
        struct path own = path;

        ok = read_vertex(loading, reader_item(form.routers, r), &own.router);
        if (ok && scenario->vertices[own.router].pseudonode)
            ok = reader_fail(&loading->reader, node, "\"%s\" is a LAN; a router expected",
                             scenario->vertices[own.router].name);
        if (!ok)
            break;
        complete_next_hops(scenario, &own);
        ok = add_paths(loading, node, &own, form.origins, &nets);
    }
    free(nets.list);
    return ok;
}

/* Paths are numbered as the file names them, so they break ties as the file's order does. */
static int compare_routes(const void *a, const void *b)
{
    const struct route *left = a, *right = b;
    int order = net_compare(&left->prefix, &right->prefix);

    return order ? order : (left->path > right->path) - (left->path < right->path);
}

bool load_routes(struct loading *loading)
{
    struct scenario *scenario = loading->scenario;

    for (size_t i = 0; loading->routes && i < reader_count(loading->routes); i++) {
        if (!load_route(loading, reader_item(loading->routes, i)))
            return false;
    }
    if (scenario->route_count)
        qsort(scenario->routes, scenario->route_count, sizeof *scenario->routes, compare_routes);
    return true;
}
