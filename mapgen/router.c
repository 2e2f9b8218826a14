/* router: see router.h.
 *
 * Nodes are sorted by their octets once; then "lowest node" is the lowest index, and the pairs of M-104 come in
 * their order by two nested loops over sorted evidence. Sets of nodes are a union-find whose sets are also
 * lists, because the veto looks at every member of both. */
#include "router.h"

#include "model.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where a router-id comes from, strongest first: a pair belongs to the rule of its weaker side (M-104). */
enum source { SOURCE_TE, SOURCE_OSPF, SOURCE_EGRESS, SOURCES };

struct evidence {
    uint8_t id[16];
    uint32_t node;
    enum source source;
    bool is_ipv4;
};

struct build {
    struct arena *arena;
    struct report *report;
    uint32_t own_asn;
    struct routers *out;
    uint32_t *parent; // union-find over nodes; the root is the lowest of its set
    uint32_t *next;   // the set as a ring
    struct evidence *evidence;
    size_t evidence_count, evidence_capacity;
};

void router_id_map(const struct prefix *address, uint8_t out[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    if (address->family == FAMILY_IPV6) {
        memcpy(out, address->bytes, 16);
        return;
    }
    memcpy(out, mapped, 12);
    memcpy(out + 12, address->bytes, 4);
}

/* ---- Nodes ---- */

static int compare_nodes(const void *a, const void *b)
{
    const struct node *x = a, *y = b;

    return octets_compare(x->descriptor->node, y->descriptor->node);
}

/* 515 as it counts: an IS-IS one of seven octets whose last is 0 is the router itself (L-021). */
static size_t router_id_length(const struct node *node)
{
    const struct ls_node_descriptor *d = node->descriptor;

    if (d->router_id_length == 7 && d->router_id[6] == 0 && node->protocol <= 2)
        return 6;
    return d->router_id_length;
}

static enum node_class classify(const struct node *node) // M-102
{
    const struct ls_node_descriptor *d = node->descriptor;

    if (node->protocol == 7)
        return d->has_bgp_router_id ? NODE_ROUTER : NODE_OTHER;
    if (node->protocol < 1 || node->protocol > 6)
        return NODE_OTHER;
    switch (router_id_length(node)) {
    case 4:
    case 6:
        return NODE_ROUTER;
    case 7:
    case 8:
        return NODE_PSEUDONODE;
    default:
        return NODE_OTHER;
    }
}

static void add_node(struct routers *out, const struct ls_node_descriptor *descriptor,
                     uint8_t protocol, uint64_t instance)
{
    struct node *node = &out->nodes[out->node_count++];

    *node = (struct node){
        .descriptor = descriptor,
        .instance = instance,
        .protocol = protocol,
        .router = ROUTER_NONE,
        .pseudonode = ROUTER_NONE,
    };
    node->class = classify(node);
}

static struct node *find_node(const struct routers *routers, struct octets octets)
{
    struct ls_node_descriptor wanted = {.node = octets};
    struct node key = {.descriptor = &wanted};

    return routers->node_count
               ? bsearch(&key, routers->nodes, routers->node_count, sizeof key, compare_nodes)
               : NULL;
}

const struct node *routers_find_node(const struct routers *routers, struct octets octets)
{
    return find_node(routers, octets);
}

/* Announced nodes, ends of half-links and originators (M-105), each once. */
static void collect_nodes(struct build *build, const struct ls_rows *rows)
{
    struct routers *out = build->out;
    size_t most = rows->node_count + 2 * rows->link_count + rows->prefix_count, kept = 0;

    out->nodes = arena_alloc(build->arena, most, sizeof *out->nodes);
    for (size_t i = 0; i < rows->node_count; i++)
        add_node(out, &rows->nodes[i]->local, rows->nodes[i]->protocol, rows->nodes[i]->instance);
    for (size_t i = 0; i < rows->link_count; i++) {
        const struct ls_link *link = rows->links[i];

        add_node(out, &link->local, link->protocol, link->instance);
        add_node(out, &link->remote, link->protocol, link->instance);
    }
    for (size_t i = 0; i < rows->prefix_count; i++) {
        const struct ls_prefix *prefix = rows->prefixes[i];

        add_node(out, &prefix->local, prefix->protocol, prefix->instance);
    }
    if (out->node_count)
        qsort(out->nodes, out->node_count, sizeof *out->nodes, compare_nodes);
    for (size_t i = 0; i < out->node_count; i++) {
        if (kept == 0 || compare_nodes(&out->nodes[kept - 1], &out->nodes[i]) != 0)
            out->nodes[kept++] = out->nodes[i];
    }
    out->node_count = kept;
}

/* ---- Router-ids ---- */

static bool is_router_id(const struct prefix *address) // M-103 rule 2
{
    static const uint8_t loopback[16] = {[15] = 1}, none[16] = {0};

    if (memcmp(address->bytes, none, sizeof none) == 0)
        return false;
    if (address->family == FAMILY_IPV4)
        return address->bytes[0] != 127;
    return memcmp(address->bytes, loopback, sizeof loopback) != 0;
}

static void add_evidence(struct build *build, const struct node *node, const struct prefix *address,
                         enum source source)
{
    struct evidence *evidence;

    if (node->class != NODE_ROUTER || !is_router_id(address))
        return;
    build->evidence = memory_grow(build->evidence, build->evidence_count, &build->evidence_capacity,
                                  sizeof *evidence);
    evidence = &build->evidence[build->evidence_count++];
    *evidence = (struct evidence){.node = (uint32_t)(node - build->out->nodes),
                                  .source = source,
                                  .is_ipv4 = address->family == FAMILY_IPV4};
    router_id_map(address, evidence->id);
}

static void add_list(struct build *build, const struct node *node, const struct addresses *list)
{
    for (size_t i = 0; i < list->count; i++)
        add_evidence(build, node, &list->list[i], SOURCE_TE);
}

static struct prefix address_of(uint32_t value)
{
    return (struct prefix){.family = FAMILY_IPV4,
                           .length_bits = 32,
                           .bytes = {(uint8_t)(value >> 24), (uint8_t)(value >> 16),
                                     (uint8_t)(value >> 8), (uint8_t)value}};
}

/* What a node's descriptor itself says: OSPF's 515, BGP's 516. */
static void add_descriptor(struct build *build, const struct node *node)
{
    struct prefix address = {.family = FAMILY_IPV4, .length_bits = 32};

    if ((node->protocol == 3 || node->protocol == 6) && router_id_length(node) == 4) {
        memcpy(address.bytes, node->descriptor->router_id, 4);
        add_evidence(build, node, &address, SOURCE_OSPF);
    } else if (node->protocol == 7) {
        address = address_of(node->descriptor->bgp_router_id);
        add_evidence(build, node, &address, SOURCE_EGRESS);
    }
}

static int compare_evidence(const void *a, const void *b)
{
    const struct evidence *x = a, *y = b;
    int order = memcmp(x->id, y->id, sizeof x->id);

    if (order)
        return order;
    if (x->node != y->node)
        return x->node < y->node ? -1 : 1;
    if (x->source != y->source)
        return x->source < y->source ? -1 : 1;
    return (x->is_ipv4 < y->is_ipv4) - (x->is_ipv4 > y->is_ipv4); // 10.0.0.1, ::ffff:10.0.0.1
}

/* Takes the nodes' attributes too: a node's are those of its lowest NLRI that has some. */
static void collect_evidence(struct build *build, const struct ls_rows *rows)
{
    size_t kept = 0;

    for (size_t i = 0; i < rows->node_count; i++) {
        const struct ls_node *row = rows->nodes[i];
        struct node *node = find_node(build->out, row->local.node);

        if (row->has_flags && !node->has_flags) {
            node->has_flags = true;
            node->flags = row->flags;
        }
        if (row->name && *row->name && !node->name)
            node->name = row->name;
        add_list(build, node, &row->ipv4_router_ids);
        add_list(build, node, &row->ipv6_router_ids);
    }
    for (size_t i = 0; i < rows->link_count; i++) {
        const struct ls_link *row = rows->links[i];
        const struct node *local = find_node(build->out, row->local.node);
        const struct node *remote = find_node(build->out, row->remote.node);

        add_list(build, local, &row->local_ipv4_router_ids);
        add_list(build, local, &row->local_ipv6_router_ids);
        add_list(build, remote, &row->remote_ipv4_router_ids);
        add_list(build, remote, &row->remote_ipv6_router_ids);
    }
    for (size_t i = 0; i < build->out->node_count; i++)
        add_descriptor(build, &build->out->nodes[i]);
    if (build->evidence_count)
        qsort(build->evidence, build->evidence_count, sizeof *build->evidence, compare_evidence);
    for (size_t i = 0; i < build->evidence_count; i++) {
        const struct evidence *last = kept ? &build->evidence[kept - 1] : NULL;

        // of one node's several sources of an id the strongest stands first
        if (!last || last->node != build->evidence[i].node ||
            memcmp(last->id, build->evidence[i].id, sizeof last->id) != 0)
            build->evidence[kept++] = build->evidence[i];
    }
    build->evidence_count = kept;
}

/* ---- Merging ---- */

static uint32_t root_of(struct build *build, uint32_t node)
{
    while (build->parent[node] != node)
        node = build->parent[node] = build->parent[build->parent[node]];
    return node;
}

static bool has_same_scope(const struct node *a, const struct node *b)
{
    const struct ls_node_descriptor *x = a->descriptor, *y = b->descriptor;

    return a->protocol == b->protocol && a->instance == b->instance && x->has_area == y->has_area &&
           (!x->has_area || x->area == y->area);
}

static bool has_same_router_id(const struct node *a, const struct node *b)
{
    size_t length = router_id_length(a);

    return length == router_id_length(b) &&
           memcmp(a->descriptor->router_id, b->descriptor->router_id, length) == 0;
}

/* Two nodes that cannot be of one box (M-104). */
static bool excludes(const struct node *a, const struct node *b)
{
    if (!has_same_scope(a, b))
        return false;
    if (a->protocol == 7)
        return a->descriptor->bgp_router_id != b->descriptor->bgp_router_id;
    return !has_same_router_id(a, b);
}

static bool is_vetoed(const struct build *build, uint32_t a, uint32_t b)
{
    uint32_t x = a;

    do {
        uint32_t y = b;

        do {
            if (excludes(&build->out->nodes[x], &build->out->nodes[y]))
                return true;
            y = build->next[y];
        } while (y != b);
        x = build->next[x];
    } while (x != a);
    return false;
}

/* false: vetoed. */
static bool merge(struct build *build, uint32_t a, uint32_t b)
{
    uint32_t x = root_of(build, a), y = root_of(build, b), low = x < y ? x : y, swap;

    if (x == y)
        return true;
    if (is_vetoed(build, x, y))
        return false;
    build->parent[x] = build->parent[y] = low;
    swap = build->next[x];
    build->next[x] = build->next[y];
    build->next[y] = swap;
    return true;
}

static unsigned protocol_family(uint8_t protocol)
{
    return protocol == 2 ? 1 : protocol;
}

/* Orders by what rule 1 and M-118 compare; 512 is looked at behind it. */
static int compare_identity(const struct node *a, const struct node *b, bool with_area)
{
    const struct ls_node_descriptor *x = a->descriptor, *y = b->descriptor;
    size_t length = router_id_length(a), other = router_id_length(b);

    if (a->instance != b->instance)
        return a->instance < b->instance ? -1 : 1;
    if (length != other)
        return length < other ? -1 : 1;
    if (with_area && x->has_area != y->has_area)
        return x->has_area ? 1 : -1;
    if (with_area && x->has_area && x->area != y->area)
        return x->area < y->area ? -1 : 1;
    return memcmp(x->router_id, y->router_id, length);
}

static int compare_boxes(const void *a, const void *b) // rule 1
{
    const struct node *x = *(const struct node *const *)a, *y = *(const struct node *const *)b;
    int families = (int)protocol_family(x->protocol) - (int)protocol_family(y->protocol);
    int order = families ? families : compare_identity(x, y, false);

    return order ? order : (x > y) - (x < y);
}

static int compare_pseudonodes(const void *a, const void *b) // M-118
{
    const struct node *x = *(const struct node *const *)a, *y = *(const struct node *const *)b;
    int protocols = (int)x->protocol - (int)y->protocol;
    int order = protocols ? protocols : compare_identity(x, y, true);

    return order ? order : (x > y) - (x < y);
}

static bool agrees_on_asn(const struct node *a, const struct node *b) // equal, or absent in one
{
    return !a->descriptor->has_asn || !b->descriptor->has_asn ||
           a->descriptor->asn == b->descriptor->asn;
}

/* Nodes of a class and protocols, in an order in which those that may be one stand together. */
static struct node **sort_nodes(struct build *build, enum node_class class, size_t *count,
                                int (*compare)(const void *, const void *))
{
    struct node **sorted = memory_alloc(build->out->node_count, sizeof *sorted);

    *count = 0;
    for (size_t i = 0; i < build->out->node_count; i++) {
        struct node *node = &build->out->nodes[i];
        uint8_t protocol = node->protocol;

        if (node->class == class &&
            (protocol == 1 || protocol == 2 || protocol == 3 || protocol == 6))
            sorted[(*count)++] = node;
    }
    if (*count)
        qsort(sorted, *count, sizeof(struct node *), compare);
    return sorted;
}

static uint32_t index_of(const struct build *build, const struct node *node)
{
    return (uint32_t)(node - build->out->nodes);
}

/* Merges the pairs of each run of equal nodes that agree on 512. Rule 1 cannot break the veto, so its pairs may
 * come in any order. */
static void merge_runs(struct build *build, struct node *const *sorted, size_t count,
                       bool (*is_equal)(const struct node *, const struct node *))
{
    for (size_t start = 0, end; start < count; start = end) {
        for (end = start + 1; end < count && is_equal(sorted[start], sorted[end]);)
            end++;
        for (size_t i = start; i < end; i++) {
            for (size_t j = i + 1; j < end; j++) {
                if (agrees_on_asn(sorted[i], sorted[j]))
                    (void)merge(build, index_of(build, sorted[i]), index_of(build, sorted[j]));
            }
        }
    }
}

static bool is_one_box(const struct node *a, const struct node *b)
{
    return protocol_family(a->protocol) == protocol_family(b->protocol) &&
           compare_identity(a, b, false) == 0;
}

static bool is_one_pseudonode(const struct node *a, const struct node *b)
{
    return a->protocol == b->protocol && compare_identity(a, b, true) == 0;
}

static uint32_t asn_of(const struct build *build, uint32_t node)
{
    const struct ls_node_descriptor *d = build->out->nodes[node].descriptor;

    return d->has_asn ? d->asn : build->own_asn;
}

static void report_veto(struct build *build, const struct evidence *evidence)
{
    struct prefix address = {.family = FAMILY_IPV6, .length_bits = 128};
    char text[PREFIX_TEXT_SIZE];

    memcpy(address.bytes, evidence->id, sizeof evidence->id);
    if (evidence->is_ipv4) {
        address = (struct prefix){.family = FAMILY_IPV4, .length_bits = 32};
        memcpy(address.bytes, evidence->id + 12, 4);
    }
    report_add(build->report, "two routers claim router-id %s", address_format(&address, text));
}

/* One of the rules 2 to 4: the pairs whose weaker side is `rule`. */
static void merge_by_router_id(struct build *build, enum source rule)
{
    const struct evidence *list = build->evidence;
    size_t end;

    for (size_t start = 0; start < build->evidence_count; start = end) {
        bool vetoed = false;

        for (end = start + 1; end < build->evidence_count &&
                              memcmp(list[start].id, list[end].id, sizeof list->id) == 0;)
            end++;
        for (size_t i = start; i < end; i++) {
            for (size_t j = i + 1; j < end; j++) {
                enum source weaker =
                    list[i].source > list[j].source ? list[i].source : list[j].source;

                if (weaker == rule && asn_of(build, list[i].node) == asn_of(build, list[j].node) &&
                    !merge(build, list[i].node, list[j].node))
                    vetoed = true;
            }
        }
        if (vetoed)
            report_veto(build, &list[start]);
    }
}

static void merge_nodes(struct build *build)
{
    size_t count, nodes = build->out->node_count;

    build->parent = memory_alloc(nodes, sizeof *build->parent);
    build->next = memory_alloc(nodes, sizeof *build->next);
    for (uint32_t i = 0; i < nodes; i++)
        build->parent[i] = build->next[i] = i;
    struct node **boxes = sort_nodes(build, NODE_ROUTER, &count, compare_boxes);
    merge_runs(build, boxes, count, is_one_box);
    free(boxes);
    for (enum source rule = SOURCE_TE; rule < SOURCES; rule++)
        merge_by_router_id(build, rule);
    struct node **lans = sort_nodes(build, NODE_PSEUDONODE, &count, compare_pseudonodes);
    merge_runs(build, lans, count, is_one_pseudonode);
    free(lans);
}

/* ---- Routers ---- */

struct draft {
    struct router router;
    uint32_t root;
};

static void offer_key(struct router *router, char letter, const uint8_t id[16])
{
    static const char order[] = "46oib"; // M-107: the first that exists
    uint8_t key[ROUTER_KEY_BYTES];

    key[0] = (uint8_t)letter;
    memcpy(key + 1, id, 16);
    if (router->key[0]) {
        const char *old = strchr(order, router->key[0]), *new = strchr(order, letter);

        if (new > old || (new == old &&memcmp(key, router->key, sizeof key) >= 0))
            return;
    }
    memcpy(router->key, key, sizeof key);
}

static void offer_descriptor_key(struct router *router, const struct node *node)
{
    struct prefix address = {.family = FAMILY_IPV4, .length_bits = 32};
    uint8_t id[16] = {0};

    if (node->protocol == 7) {
        address = address_of(node->descriptor->bgp_router_id);
        router_id_map(&address, id);
        offer_key(router, 'b', id);
    } else if (router_id_length(node) == 4) {
        memcpy(address.bytes, node->descriptor->router_id, 4);
        router_id_map(&address, id);
        offer_key(router, 'o', id);
    } else {
        memcpy(id + 10, node->descriptor->router_id, 6);
        offer_key(router, 'i', id);
    }
}

static const char *key_text(struct build *build, const uint8_t key[ROUTER_KEY_BYTES])
{
    char text[(int)ROUTER_ID_TEXT_SIZE + (int)PREFIX_TEXT_SIZE];
    struct prefix address = {.family = FAMILY_IPV4, .length_bits = 32};

    if (key[0] == 'i') {
        (void)ls_router_id_format(2, key + 11, 6, text);
    } else if (key[0] == '6') {
        address = (struct prefix){.family = FAMILY_IPV6, .length_bits = 128};
        memcpy(address.bytes, key + 1, 16);
        (void)address_format(&address, text);
    } else {
        memcpy(address.bytes, key + 13, 4);
        (void)address_format(&address, text);
    }
    return arena_text(build->arena, text, strlen(text));
}

static int compare_drafts(const void *a, const void *b)
{
    const struct draft *x = a, *y = b;
    int order = memcmp(x->router.key, y->router.key, ROUTER_KEY_BYTES);

    return order ? order : (x->root > y->root) - (x->root < y->root);
}

/* A draft for each set of router nodes, with its key. draft_of[root] is its place. */
static struct draft *draft_routers(struct build *build, uint32_t *draft_of, size_t *count)
{
    struct routers *out = build->out;
    struct draft *drafts = memory_alloc(out->node_count, sizeof *drafts);

    *count = 0;
    for (uint32_t i = 0; i < out->node_count; i++) {
        if (out->nodes[i].class != NODE_ROUTER)
            continue;
        uint32_t root = root_of(build, i);
        if (root == i) { // the lowest of its set comes first
            draft_of[root] = (uint32_t)*count;
            drafts[(*count)++].root = root;
        }
        offer_descriptor_key(&drafts[draft_of[root]].router, &out->nodes[i]);
    }
    for (size_t i = 0; i < build->evidence_count; i++) {
        const struct evidence *evidence = &build->evidence[i];

        if (evidence->source == SOURCE_TE)
            offer_key(&drafts[draft_of[root_of(build, evidence->node)]].router,
                      evidence->is_ipv4 ? '4' : '6', evidence->id);
    }
    return drafts;
}

/* Names, texts and the list of nodes of each router, in the order of routers. */
static void finish_routers(struct build *build)
{
    struct routers *out = build->out;
    uint32_t *nodes = arena_alloc(build->arena, out->node_count, sizeof *nodes);

    for (size_t i = 0; i < out->node_count; i++) {
        if (out->nodes[i].router != ROUTER_NONE)
            out->list[out->nodes[i].router].node_count++;
    }
    for (size_t r = 1; r < out->count; r++)
        out->list[r].first_node = out->list[r - 1].first_node + out->list[r - 1].node_count;
    for (size_t r = 0; r < out->count; r++)
        out->list[r].node_count = 0;
    for (uint32_t i = 0; i < out->node_count; i++) {
        const struct node *node = &out->nodes[i];
        if (node->router == ROUTER_NONE)
            continue;
        struct router *router = &out->list[node->router];

        nodes[router->first_node + router->node_count++] = i;
        if (!router->name)
            router->name = node->name;
    }
    out->node_of_router = nodes;
    for (size_t r = 0; r < out->count; r++) {
        struct router *router = &out->list[r];

        router->key_text = key_text(build, router->key);
        if (!router->name)
            router->name = router->key_text;
        if (r > 0 && memcmp(router->key, router[-1].key, ROUTER_KEY_BYTES) == 0)
            report_add(build->report, "two routers have the key %s: %s and %s", router->key_text,
                       router[-1].name, router->name);
    }
}

static void number_routers(struct build *build)
{
    struct routers *out = build->out;
    uint32_t *draft_of = memory_alloc(out->node_count, sizeof *draft_of);
    size_t count;
    struct draft *drafts = draft_routers(build, draft_of, &count);

    if (count)
        qsort(drafts, count, sizeof *drafts, compare_drafts);
    out->list = arena_alloc(build->arena, count, sizeof *out->list);
    out->count = count;
    for (uint32_t r = 0; r < count; r++) {
        out->list[r] = drafts[r].router;
        out->nodes[drafts[r].root].router = r;
    }
    for (uint32_t i = 0; i < out->node_count; i++) {
        struct node *node = &out->nodes[i];

        if (node->class == NODE_ROUTER)
            node->router = out->nodes[root_of(build, i)].router;
        else if (node->class == NODE_PSEUDONODE && root_of(build, i) == i)
            node->pseudonode = (uint32_t)out->pseudonode_count++;
        else if (node->class == NODE_PSEUDONODE)
            node->pseudonode = out->nodes[root_of(build, i)].pseudonode;
    }
    free(drafts);
    free(draft_of);
    finish_routers(build);
}

static int compare_ids(const void *a, const void *b)
{
    const struct router_id *x = a, *y = b;
    int order = memcmp(x->id, y->id, sizeof x->id);

    return order ? order : (x->router > y->router) - (x->router < y->router);
}

static void number_ids(struct build *build)
{
    struct routers *out = build->out;
    struct router_id *ids = arena_alloc(build->arena, build->evidence_count, sizeof *ids);
    size_t count = 0, kept = 0;

    for (size_t i = 0; i < build->evidence_count; i++) {
        const struct evidence *evidence = &build->evidence[i];

        if (evidence->source == SOURCE_EGRESS)
            continue;
        memcpy(ids[count].id, evidence->id, sizeof evidence->id);
        ids[count++].router = out->nodes[evidence->node].router;
    }
    if (count)
        qsort(ids, count, sizeof *ids, compare_ids);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || compare_ids(&ids[kept - 1], &ids[i]) != 0)
            ids[kept++] = ids[i];
    }
    out->ids = ids;
    out->id_count = kept;
}

struct routers *routers_build(const struct ls_rows *rows, uint32_t own_asn, struct arena *arena,
                              struct report *report)
{
    struct build build = {.arena = arena, .report = report, .own_asn = own_asn};

    build.out = arena_alloc(arena, 1, sizeof *build.out);
    collect_nodes(&build, rows);
    collect_evidence(&build, rows);
    merge_nodes(&build);
    number_routers(&build);
    number_ids(&build);
    free(build.parent);
    free(build.next);
    free(build.evidence);
    return build.out;
}
