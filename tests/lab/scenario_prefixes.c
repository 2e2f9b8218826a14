/* scenario_prefixes: lists of prefixes, and those that the IGP carries.
 *
 * A list is written compactly: "10.16.0.0/16 split 24 skip 8 count 12" is twelve /24 of the range, the
 * first eight left out. Each item with several routers stands for the product of its prefixes and its
 * routers. */
#include "scenario_read.h"

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

// ---- lists of prefixes

struct range {
    struct net pool;
    uint64_t split, skip, count; // count 0: all
};

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
            !text_to_uint(number, UINT64_MAX, &value))
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
    const struct tree *routers, *prefixes, *igp, *metric, *topology, *igp_flags, *flags,
        *forwarding, *source;
    struct prefix_more more;
    uint64_t metric_value;
    bool external;
};

static const struct word igp_flag_words[] = {
    {"down", 0x80}, {"no-unicast", 0x40}, {"local", 0x20}, {"propagate", 0x10}, {NULL, 0},
};

/* The bits mean different things in IS-IS, OSPFv2 and OSPFv3 (RFC 9085 section 2.3.2). */
static const struct word prefix_flag_words[] = {
    {"external", 0x80},
    {"readvertised", 0x40},
    {"node", 0x20},
    {"attach", 0x80},
    {"ospf-node", 0x40},
    {"dn", 0x10},
    {"ospf3-propagate", 0x08},
    {"ospf3-local", 0x02},
    {"ospf3-no-unicast", 0x01},
    {NULL, 0},
};

static const struct word route_type_words[] = {
    {"intra", 1},  {"inter", 2},  {"external-1", 3},         {"external-2", 4},
    {"nssa-1", 5}, {"nssa-2", 6}, {"none", ROUTE_TYPE_NONE}, {NULL, 0},
};

static const struct key attachment_keys[] = {
    {"routers", read_node, offsetof(struct attachment_form, routers), .required = true},
    {"prefixes", read_node, offsetof(struct attachment_form, prefixes), .required = true},
    {"igp", read_node, offsetof(struct attachment_form, igp)},
    {"metric", read_node, offsetof(struct attachment_form, metric)},
    {"external", read_bool, offsetof(struct attachment_form, external)},
    {"topology", read_node, offsetof(struct attachment_form, topology)},
    {"route_type", read_word, offsetof(struct attachment_form, more.route_type),
     .words = route_type_words},
    {"as_scope", read_bool, offsetof(struct attachment_form, more.as_scope)},
    {"igp_flags", read_node, offsetof(struct attachment_form, igp_flags)},
    {"flags", read_node, offsetof(struct attachment_form, flags)},
    {"tags", read_numbers, offsetof(struct attachment_form, more.tags), .high = UINT32_MAX},
    {"extended_tags", read_big_numbers, offsetof(struct attachment_form, more.extended_tags),
     .high = UINT64_MAX},
    {"forwarding", read_node, offsetof(struct attachment_form, forwarding)},
    {"source", read_node, offsetof(struct attachment_form, source)},
    {"source_ospf", read_ipv4, offsetof(struct attachment_form, more.source_ospf)},
    {"tlvs", read_tlvs, offsetof(struct attachment_form, more.tlvs)},
    {"descriptors", read_tlvs, offsetof(struct attachment_form, more.descriptors)},
};

static bool read_flags_or_none(struct loading *loading, const struct tree *node, const char *name,
                               const struct word *words, bool *has, bool *none, uint8_t *flags)
{
    const struct key key = {.name = name, .words = words};

    *none = is_none(node);
    *has = !*none;
    return *none || read_words(&loading->reader, node, &key, flags);
}

static bool read_some_address(struct loading *loading, const struct tree *node, const char *name,
                              struct net *out)
{
    const char *text = reader_text(&loading->reader, node, "an address");

    return text &&
           (net_parse_address(text, out) ||
            reader_fail(&loading->reader, node, "%s: \"%s\"; an address expected", name, text));
}

/* What is said beyond the usual. */
static bool read_more(struct loading *loading, struct attachment_form *form,
                      const struct prefix_more **out)
{
    struct prefix_more *more = &form->more;
    uint64_t topology;

    if (form->metric) {
        more->no_metric = is_none(form->metric);
        if (!more->no_metric && !reader_uint(&loading->reader, form->metric, 0, UINT32_MAX,
                                             "metric", &form->metric_value))
            return false;
    }
    if (form->topology) {
        more->has_topology = true;
        if (!reader_uint(&loading->reader, form->topology, 0, MT_ID_LIMIT, "topology", &topology) ||
            !read_topology(loading, form->topology, topology, &more->topology))
            return false;
    }
    if ((form->igp_flags &&
         !read_flags_or_none(loading, form->igp_flags, "igp_flags", igp_flag_words,
                             &more->has_igp_flags, &more->no_igp_flags, &more->igp_flags)) ||
        (form->flags && !read_flags_or_none(loading, form->flags, "flags", prefix_flag_words,
                                            &more->has_flags, &more->no_flags, &more->flags)) ||
        (form->forwarding &&
         !read_some_address(loading, form->forwarding, "forwarding", &more->forwarding)) ||
        (form->source && !read_some_address(loading, form->source, "source", &more->source_router)))
        return false;
    *out = arena_copy(loading->scenario->arena, more, sizeof *more);
    return true;
}

static bool attach(struct loading *loading, const struct tree *node,
                   const struct attachment_form *form, const struct prefix_more *more,
                   const struct nets *nets)
{
    struct scenario *scenario = loading->scenario;

    for (size_t r = 0; r < reader_count(form->routers); r++) {
        struct attachment attachment = {
            .metric = (uint32_t)form->metric_value, .external = form->external, .more = more};

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
        if (nets->count && !check_object(loading, node, OBJECT_PREFIX,
                                         scenario->attachment_count - 1, attachment.domains))
            return false;
    }
    return true;
}

/* OSPFv3 has IPv4 prefixes only where the file says so. */
static uint64_t loopback_domains(const struct scenario *scenario, const struct vertex *router,
                                 const struct net *loopback)
{
    uint64_t domains = router->domains;

    for (size_t i = 0; i < scenario->domain_count && loopback->family == 4; i++) {
        if (scenario->domains[i].protocol == PROTOCOL_OSPF3)
            domains &= ~(UINT64_C(1) << i);
    }
    return domains;
}

static void attach_loopbacks(struct scenario *scenario)
{
    for (size_t i = 0; i < scenario->router_count; i++) {
        const struct vertex *router = &scenario->vertices[i];
        const struct net *const addresses[] = {&router->ipv4, &router->ipv6};

        for (size_t k = 0; k < COUNT_OF(addresses); k++) {
            if (addresses[k]->family)
                *scenario_add_attachment(scenario) =
                    (struct attachment){.prefix = *addresses[k],
                                        .vertex = i,
                                        .domains = loopback_domains(scenario, router, addresses[k]),
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
        const struct prefix_more *more = NULL;
        struct nets nets = {0};

        bool ok = reader_mapping(&loading->reader, node, "a prefixes item", attachment_keys,
                                 COUNT_OF(attachment_keys), &form) &&
                  read_more(loading, &form, &more) &&
                  read_prefixes(loading, form.prefixes, &nets) &&
                  attach(loading, node, &form, more, &nets);

        free(nets.list);
        if (!ok)
            return false;
    }
    return check_attachments(loading);
}
