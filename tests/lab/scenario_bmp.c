/* scenario_bmp: the section `bmp` of a scenario.
 *
 * It is read last: a monitored router is a router or a reflector of the sections before it, and so are
 * its peers. A peer's key says what it is: `reflector` and `router` have sessions with it, `loc_rib` is
 * what it made of them. */
#include "scenario_bmp.h"

#include "scenario_read.h"

#include <string.h>

const char *const bmp_view_names[BMP_VIEWS] = {
    [BMP_PRE_POLICY] = "pre-policy",
    [BMP_POST_POLICY] = "post-policy",
    [BMP_OUT_PRE_POLICY] = "out-pre-policy",
    [BMP_OUT_POST_POLICY] = "out-post-policy",
};

enum { BGP_PORT = 179, FIRST_EPHEMERAL_PORT = 50000 };

size_t scenario_find_bmp_router(const struct scenario *scenario, const char *name)
{
    for (size_t i = 0; i < scenario->bmp_router_count; i++) {
        if (strcmp(scenario->bmp_routers[i].name, name) == 0)
            return i;
    }
    return SIZE_MAX;
}

size_t bmp_find_peer(const struct bmp_router *router, const char *name)
{
    for (size_t i = 0; i < router->peer_count; i++) {
        if (strcmp(router->peers[i].name, name) == 0)
            return i;
    }
    return SIZE_MAX;
}

bool scenario_move_bmp_router(struct scenario *scenario, const char *text, struct error *err)
{
    const char *equals = strchr(text, '=');
    size_t length = equals ? (size_t)(equals - text) : 0;

    for (size_t i = 0; equals && i < scenario->bmp_router_count; i++) {
        struct bmp_router *router = &scenario->bmp_routers[i];

        if (strncmp(router->name, text, length) == 0 && !router->name[length])
            return net_parse_endpoint(equals + 1, &router->address, &router->port) ||
                   error_set(err, ERROR_INPUT, "%s: \"%s\"; ADDRESS:PORT expected", router->name,
                             equals + 1);
    }
    return error_set(err, ERROR_INPUT, "\"%s\"; ROUTER=ADDRESS:PORT of a bmp item expected", text);
}

static bool find_reflector(struct loading *loading, const struct tree *node, size_t *out)
{
    const char *name = reader_text(&loading->reader, node, "the name of a reflector");

    if (!name)
        return false;
    *out = scenario_find_reflector(loading->scenario, name);
    return *out != SIZE_MAX ||
           reader_fail(&loading->reader, node, "\"%s\"; the name of a reflector expected", name);
}

struct texts {
    const char **list;
    size_t count;
};

/* One line, or a list of them. */
static bool read_texts(struct reader *reader, const struct tree *node, const struct key *key,
                       void *field)
{
    struct texts *texts = field;

    (void)key;
    texts->count = reader_count(node);
    texts->list = arena_alloc(reader->arena, texts->count, sizeof *texts->list);
    for (size_t i = 0; i < texts->count; i++) {
        const char *text = reader_text(reader, reader_item(node, i), "a line of text");

        if (!text)
            return false;
        texts->list[i] = arena_text(reader->arena, text, strlen(text));
    }
    return true;
}

// ---- peers

struct peer_form {
    struct bmp_peer peer;
    const struct tree *reflector, *router, *loc_rib, *views, *type, *distinguisher;
    struct texts table_names;
    struct net address;
};

static const struct key peer_keys[] = {
    {"reflector", read_node, offsetof(struct peer_form, reflector)},
    {"router", read_node, offsetof(struct peer_form, router)},
    {"loc_rib", read_node, offsetof(struct peer_form, loc_rib)},
    {"name", read_name, offsetof(struct peer_form, peer.name)},
    {"views", read_node, offsetof(struct peer_form, views)},
    {"families", read_families, offsetof(struct peer_form, peer.families)},
    {"type", read_node, offsetof(struct peer_form, type)},
    {"distinguisher", read_node, offsetof(struct peer_form, distinguisher)},
    {"address", read_source, offsetof(struct peer_form, address)},
    {"port", read_uint16, offsetof(struct peer_form, peer.port), .high = UINT16_MAX},
    {"hold_time", read_uint16, offsetof(struct peer_form, peer.hold_time_s), .high = UINT16_MAX},
    {"two_octet_as", read_bool, offsetof(struct peer_form, peer.two_octet_as)},
    {"filtered", read_bool, offsetof(struct peer_form, peer.filtered)},
    {"table_names", read_texts, offsetof(struct peer_form, table_names)},
    {"mirror", read_bool, offsetof(struct peer_form, peer.mirror)},
    {"end_of_rib", read_bool, offsetof(struct peer_form, peer.end_of_rib)},
};

static void put_uint(uint8_t *out, uint64_t value, unsigned width)
{
    for (unsigned i = width; i-- > 0; value >>= 8)
        out[i] = (uint8_t)value;
}

/* A number; or a route distinguisher of RFC 4364 section 4.2: AS:NUMBER or IPV4:NUMBER. */
static bool parse_distinguisher(const char *text, uint8_t out[8])
{
    const char *colon = strrchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : 0;
    uint64_t upper, lower;
    char front[NET_TEXT_SIZE];
    struct net address;

    memset(out, 0, 8);
    if (!colon) {
        if (!text_to_uint(text, UINT64_MAX, &lower))
            return false;
        put_uint(out, lower, 8);
        return true;
    }
    if (length >= sizeof front || !text_to_uint(colon + 1, UINT32_MAX, &lower))
        return false;
    memcpy(front, text, length);
    front[length] = '\0';
    if (net_parse_address(front, &address) && address.family == 4) {
        put_uint(out, 1, 2);
        memcpy(out + 2, address.bytes, 4);
        put_uint(out + 6, lower, 2);
        return lower <= UINT16_MAX;
    }
    if (!text_to_uint(front, UINT32_MAX, &upper))
        return false;
    bool wide = upper > UINT16_MAX;

    put_uint(out, wide ? 2 : 0, 2);
    put_uint(out + 2, upper, wide ? 4 : 2);
    put_uint(out + (wide ? 6 : 4), lower, wide ? 2 : 4);
    return !wide || lower <= UINT16_MAX;
}

static bool read_type(struct loading *loading, const struct peer_form *form, struct bmp_peer *peer)
{
    static const char *const names[] = {"global", "rd", "local"};
    const struct tree *node = form->type;
    const char *text = node ? reader_text(&loading->reader, node, "global, rd or local") : NULL;

    if (node && !text)
        return false;
    if (text && peer->type == BMP_LOC_RIB)
        return reader_fail(&loading->reader, node, "type: of a loc_rib peer it is always 3");
    for (uint8_t i = 0; text && i < COUNT_OF(names); i++) {
        if (strcmp(text, names[i]) == 0) {
            peer->type = i;
            return true;
        }
    }
    return !text ||
           reader_fail(&loading->reader, node, "type: \"%s\"; global, rd or local expected", text);
}

static bool read_distinguisher(struct loading *loading, const struct tree *node,
                               struct bmp_peer *peer)
{
    const char *text =
        node ? reader_text(&loading->reader, node, "a number or a route distinguisher") : "0";

    return text && (parse_distinguisher(text, peer->distinguisher) ||
                    reader_fail(&loading->reader, node,
                                "distinguisher: \"%s\"; a number, AS:NUMBER or IPV4:NUMBER "
                                "expected",
                                text));
}

static bool read_view(struct loading *loading, const struct tree *node, enum bmp_view *out)
{
    const char *text = reader_text(&loading->reader, node, "the name of a view");

    for (enum bmp_view view = 0; text && view < BMP_VIEWS; view++) {
        if (strcmp(text, bmp_view_names[view]) == 0) {
            *out = view;
            return true;
        }
    }
    return text && reader_fail(&loading->reader, node,
                               "\"%s\"; pre-policy, post-policy, out-pre-policy or "
                               "out-post-policy expected",
                               text);
}

/* in: the table of Adj-RIB-In, SIZE_MAX where there is none. */
static bool read_views(struct loading *loading, const struct bmp_router *router,
                       const struct peer_form *form, size_t in, struct bmp_peer *peer)
{
    size_t count = form->views ? reader_count(form->views) : 0;

    if (form->views && peer->type == BMP_LOC_RIB)
        return reader_fail(&loading->reader, form->views, "views: a loc_rib peer has none");
    if (!form->views)
        peer->table[BMP_PRE_POLICY] = in;
    for (size_t i = 0; i < count; i++) {
        const struct tree *node = reader_item(form->views, i);
        enum bmp_view view = BMP_PRE_POLICY;

        if (!read_view(loading, node, &view))
            return false;
        bool is_out = view >= BMP_OUT_PRE_POLICY;

        peer->table[view] = is_out ? router->reflector : in;
        if (peer->table[view] == SIZE_MAX)
            return reader_fail(&loading->reader, node,
                               is_out ? "%s: only a reflector has something to pass on"
                                      : "%s: nothing is heard from a router; a view of "
                                        "Adj-RIB-Out expected",
                               bmp_view_names[view]);
    }
    return true;
}

/* Who the peer is, by the one key that says it. */
static bool identify(struct loading *loading, const struct tree *node,
                     const struct bmp_router *router, const struct peer_form *form, size_t *in,
                     struct bmp_peer *peer)
{
    const struct scenario *scenario = loading->scenario;
    size_t vertex = SIZE_MAX;

    if (!form->reflector + !form->router + !form->loc_rib != 2)
        return reader_fail(&loading->reader, node,
                           "one of the keys reflector, router and loc_rib expected");
    if (form->router) {
        if (!read_vertex(loading, form->router, &vertex))
            return false;
        if (scenario->vertices[vertex].pseudonode)
            return reader_fail(&loading->reader, form->router, "\"%s\" is a LAN; a router expected",
                               scenario->vertices[vertex].name);
        peer->as = scenario->as;
        peer->router_id = scenario->vertices[vertex].ipv4;
        if (!peer->name)
            peer->name = scenario->vertices[vertex].name;
        return true;
    }
    if (!find_reflector(loading, form->reflector ? form->reflector : form->loc_rib, in))
        return false;
    const struct reflector *reflector = &scenario->reflectors[*in];

    if (form->loc_rib) {
        peer->type = BMP_LOC_RIB;
        peer->as = router->as;
        peer->router_id = router->router_id;
    } else {
        peer->as = reflector->as;
        peer->router_id = reflector->router_id;
    }
    if (!peer->name)
        peer->name = form->loc_rib ? "loc-rib" : reflector->name;
    return true;
}

/* Addresses and ports of the session: the peer's is its loopback unless the file says another. */
static bool place(struct loading *loading, const struct tree *node, const struct bmp_router *router,
                  const struct peer_form *form, struct bmp_peer *peer)
{
    const struct scenario *scenario = loading->scenario;

    if (peer->type == BMP_LOC_RIB) {
        peer->port = 0;
        return !form->address.family ||
               reader_fail(&loading->reader, node, "address: a loc_rib peer has none");
    }
    peer->address = form->address.family ? form->address : peer->router_id;
    peer->local_address = router->router_id;
    if (peer->address.family == 6) {
        if (router->vertex != SIZE_MAX)
            peer->local_address = scenario->vertices[router->vertex].ipv6;
        else
            peer->local_address = router->address.family == 6 ? router->address : peer->address;
        if (!peer->local_address.family)
            return reader_fail(&loading->reader, node, "address: router \"%s\" has no IPv6 address",
                               router->name);
    }
    peer->local_port = (uint16_t)(FIRST_EPHEMERAL_PORT + router->peer_count);
    return true;
}

/* What the tables are like: those of one peer are of one reflector, or two that have to be alike. */
static bool inherit(struct loading *loading, const struct tree *node, struct bmp_peer *peer)
{
    bool has_path_ids = false, is_narrow = false;

    for (size_t view = 0; view < BMP_VIEWS; view++) {
        if (peer->table[view] == SIZE_MAX)
            continue;
        const struct reflector *reflector = &loading->scenario->reflectors[peer->table[view]];

        is_narrow |= reflector->two_octet_as;
        for (size_t family = 0; family < FAMILIES; family++) {
            peer->add_path[family] |= reflector->add_path[family] > 0;
            has_path_ids |= peer->add_path[family];
        }
    }
    if ((peer->two_octet_as || is_narrow) && peer->type == BMP_LOC_RIB)
        return reader_fail(&loading->reader, node,
                           "two_octet_as: Loc-RIB has 4-octet AS numbers (RFC 9069 4.2)");
    if (peer->two_octet_as && has_path_ids)
        return reader_fail(&loading->reader, node,
                           "two_octet_as: a reflector without path identifiers expected");
    peer->narrows = peer->two_octet_as && !is_narrow;
    peer->two_octet_as |= is_narrow;
    return true;
}

static bool load_peer(struct loading *loading, const struct tree *node, struct bmp_router *router)
{
    struct peer_form form = {.peer = {.families = {true, true, true},
                                      .port = BGP_PORT,
                                      .hold_time_s = 90,
                                      .end_of_rib = true}};
    size_t in = SIZE_MAX;

    for (size_t view = 0; view < BMP_VIEWS; view++)
        form.peer.table[view] = SIZE_MAX;
    if (!reader_mapping(&loading->reader, node, "a peer", peer_keys, COUNT_OF(peer_keys), &form))
        return false;
    struct bmp_peer peer = form.peer;

    peer.table_names = form.table_names.list;
    peer.table_name_count = form.table_names.count;
    if (!identify(loading, node, router, &form, &in, &peer) || !read_type(loading, &form, &peer) ||
        !read_distinguisher(loading, form.distinguisher, &peer) ||
        !read_views(loading, router, &form, in, &peer) ||
        !place(loading, node, router, &form, &peer))
        return false;
    if (!inherit(loading, node, &peer))
        return false;
    if (peer.filtered && peer.type != BMP_LOC_RIB)
        return reader_fail(&loading->reader, node, "filtered: of a loc_rib peer only");
    if (bmp_find_peer(router, peer.name) != SIZE_MAX)
        return reader_fail(&loading->reader, node,
                           "peer \"%s\" is given twice; another name expected", peer.name);
    router->peers[router->peer_count++] = peer;
    return true;
}

// ---- routers

struct router_form {
    struct bmp_router router;
    const char *name;
    const struct tree *listen, *connect, *retry, *peers;
    struct texts texts;
};

static const struct key router_keys[] = {
    {"name", read_name, offsetof(struct router_form, name), .required = true},
    {"connect", read_node, offsetof(struct router_form, connect)},
    {"listen", read_node, offsetof(struct router_form, listen)},
    {"source", read_source, offsetof(struct router_form, router.source)},
    {"sys_name", read_line, offsetof(struct router_form, router.sys_name)},
    {"sys_descr", read_line, offsetof(struct router_form, router.sys_descr)},
    {"text", read_texts, offsetof(struct router_form, texts)},
    {"retry", read_node, offsetof(struct router_form, retry)},
    {"statistics", read_uint32, offsetof(struct router_form, router.statistics_s), .high = 86400},
    {"peers", read_node, offsetof(struct router_form, peers), .required = true},
};

static bool read_endpoint(struct loading *loading, const struct router_form *form,
                          const struct tree *node, struct bmp_router *router)
{
    const struct tree *place = form->listen ? form->listen : form->connect;
    const char *text;

    if (!form->listen == !form->connect)
        return reader_fail(&loading->reader, node,
                           "bmp \"%s\": one of the keys connect and listen expected", form->name);
    router->listens = form->listen != NULL;
    text = reader_text(&loading->reader, place, "ADDRESS:PORT");
    return text && (net_parse_endpoint(text, &router->address, &router->port) ||
                    reader_fail(&loading->reader, place,
                                "\"%s\"; ADDRESS:PORT such as 127.0.0.1:11019 expected", text));
}

/* [first, longest] in seconds. */
static bool read_retry(struct loading *loading, const struct tree *node, uint32_t out[2])
{
    if (reader_count(node) != 2)
        return reader_fail(&loading->reader, node, "retry: [FIRST, LONGEST] in seconds expected");
    for (size_t i = 0; i < 2; i++) {
        uint64_t seconds = 0;

        if (!reader_uint(&loading->reader, reader_item(node, i), i ? out[0] : 1, 86400, "retry",
                         &seconds))
            return false;
        out[i] = (uint32_t)seconds;
    }
    return true;
}

/* The router or the reflector of that name. */
static bool find_monitored(struct loading *loading, const struct tree *node, const char *name,
                           struct bmp_router *router)
{
    const struct scenario *scenario = loading->scenario;

    router->name = name;
    router->vertex = scenario_find_vertex(scenario, name);
    router->reflector = scenario_find_reflector(scenario, name);
    if (router->vertex != SIZE_MAX && !scenario->vertices[router->vertex].pseudonode) {
        router->as = scenario->as;
        router->router_id = scenario->vertices[router->vertex].ipv4;
        router->reflector = SIZE_MAX; // where both have the name
        return true;
    }
    router->vertex = SIZE_MAX;
    if (router->reflector == SIZE_MAX)
        return reader_fail(&loading->reader, node,
                           "bmp \"%s\": the name of a router or a reflector expected", name);
    router->as = scenario->reflectors[router->reflector].as;
    router->router_id = scenario->reflectors[router->reflector].router_id;
    return true;
}

static bool load_router(struct loading *loading, const struct tree *node)
{
    struct scenario *scenario = loading->scenario;
    struct router_form form = {.router = {.retry_s = {1, 60}, .sys_descr = "altimeter-lab"}};

    if (!reader_mapping(&loading->reader, node, "a bmp item", router_keys, COUNT_OF(router_keys),
                        &form))
        return false;
    struct bmp_router router = form.router;
    size_t count = reader_count(form.peers);

    router.texts = form.texts.list;
    router.text_count = form.texts.count;
    if (!find_monitored(loading, node, form.name, &router) ||
        !read_endpoint(loading, &form, node, &router) ||
        (form.retry && !read_retry(loading, form.retry, router.retry_s)))
        return false;
    if (scenario_find_bmp_router(scenario, router.name) != SIZE_MAX)
        return reader_fail(&loading->reader, node, "bmp \"%s\" is given twice", router.name);
    if (!router.sys_name)
        router.sys_name = router.name;
    if (count > BMP_PEER_LIMIT)
        return reader_fail(&loading->reader, form.peers, "%zu peers; at most %d expected", count,
                           BMP_PEER_LIMIT);
    router.peers = arena_alloc(scenario->arena, count, sizeof *router.peers);
    for (size_t i = 0; i < count; i++) {
        if (!load_peer(loading, reader_item(form.peers, i), &router))
            return false;
    }
    scenario->bmp_routers[scenario->bmp_router_count++] = router;
    return true;
}

bool load_bmp(struct loading *loading)
{
    struct scenario *scenario = loading->scenario;
    size_t count = loading->bmp ? reader_count(loading->bmp) : 0;

    if (count > BMP_ROUTER_LIMIT)
        return reader_fail(&loading->reader, loading->bmp, "%zu BMP routers; at most %d expected",
                           count, BMP_ROUTER_LIMIT);
    scenario->bmp_routers = arena_alloc(scenario->arena, count, sizeof *scenario->bmp_routers);
    for (size_t i = 0; i < count; i++) {
        if (!load_router(loading, reader_item(loading->bmp, i)))
            return false;
    }
    return true;
}
