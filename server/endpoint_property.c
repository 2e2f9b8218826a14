/* endpoint_property: which PID an address is in (RFC 7285 section 11.4; docs/spec/alto-base.md part 10).
 *
 * One property, `<network map>.pid`, by longest match over the whole map. */
#include "body.h"
#include "lib/hash.h"
#include "lpm.h"
#include "resource.h"
#include "view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void offer(const struct snapshot *snapshot, struct offers *offers)
{
    (void)snapshot; // a snapshot has exactly one network map
    offers_add(offers, &(struct resource){.module = &endpoint_property_module,
                                          .id = "endpoint-properties",
                                          .path = "/endpointprop",
                                          .is_rfc7285 = true});
}

static void describe(const struct view *view, const struct resource *resource, json_t *entry)
{
    (void)resource;
    (void)json_object_set_new(entry, "capabilities",
                              json_pack("{s:[s+]}", "prop-types", view->snapshot.map, ".pid"));
}

/* ---- The request ---- */

static bool fail(struct alto_error *problem, const char *code, const char *field, const char *value)
{
    *problem = (struct alto_error){.code = code, .field = field, .value = value};
    return false;
}

static bool check_lists(const struct body_value *properties, const struct body_value *endpoints,
                        struct alto_error *problem)
{
    if (!properties)
        return fail(problem, "E_MISSING_FIELD", "properties", NULL);
    if (!endpoints)
        return fail(problem, "E_MISSING_FIELD", "endpoints", NULL);
    if (properties->type != BODY_ARRAY)
        return fail(problem, "E_INVALID_FIELD_TYPE", "properties", NULL);
    if (endpoints->type != BODY_ARRAY)
        return fail(problem, "E_INVALID_FIELD_TYPE", "endpoints", NULL);
    if (!properties->count)
        return fail(problem, "E_INVALID_FIELD_VALUE", "properties", "[]");
    if (!endpoints->count)
        return fail(problem, "E_INVALID_FIELD_VALUE", "endpoints", "[]");
    return true;
}

/* `ipv4:192.0.2.1`, `ipv6:2001:db8::1`: the type is what stands before the first colon. */
static bool parse_endpoint(const struct body_value *element, struct prefix *out)
{
    if (element->type != BODY_STRING ||
        !address_parse(element->text + strnlen(element->text, 5), out))
        return false;
    return strncmp(element->text, out->family == FAMILY_IPV4 ? "ipv4:" : "ipv6:", 5) == 0;
}

static bool check_properties(const struct body_value *properties, const char *name,
                             struct arena *arena, struct alto_error *problem)
{
    for (const struct body_value *p = properties->first; p; p = p->next)
        if (p->type != BODY_STRING || strcmp(p->text, name) != 0)
            return fail(problem, "E_INVALID_FIELD_VALUE", "properties", body_shown(p, arena));
    return true;
}

/* ---- The answer ---- */

/* Addresses that were seen, so that two spellings of one are one. */
struct seen {
    struct prefix *slots; // family 0: free
    size_t mask;
};

static struct seen seen_new(size_t count, struct arena *arena)
{
    size_t slots = 16;

    while (slots < 2 * count)
        slots *= 2;
    return (struct seen){arena_alloc(arena, slots, sizeof(struct prefix)), slots - 1};
}

/* true: it is new. */
static bool seen_add(struct seen *seen, const struct prefix *address)
{
    size_t at = hash_bytes(address->bytes, sizeof address->bytes) & seen->mask;

    for (; seen->slots[at].family; at = (at + 1) & seen->mask)
        if (prefix_compare(&seen->slots[at], address) == 0)
            return false;
    seen->slots[at] = *address;
    return true;
}

static void add_endpoint(struct text *out, const struct view *view, const char *spelling,
                         const char *property, const struct prefix *address)
{
    int32_t pid = lpm_find(view->lpm, address);

    text_add_json(out, spelling);
    text_add_string(out, ":{");
    if (pid != LPM_NONE) {
        text_add_json(out, property);
        text_add_string(out, ":");
        text_add_json(out, view->snapshot.pids[pid].name);
    }
    text_add_string(out, "}");
}

/* false: *problem names the first endpoint that is none. */
static bool add_endpoints(struct text *out, const struct view *view,
                          const struct body_value *endpoints, const char *property,
                          struct arena *arena, struct alto_error *problem)
{
    struct seen seen = seen_new(endpoints->count, arena);
    bool is_first = true;

    for (const struct body_value *e = endpoints->first; e; e = e->next) {
        struct prefix address;
        if (!parse_endpoint(e, &address))
            return fail(problem, "E_INVALID_FIELD_VALUE", "endpoints", body_shown(e, arena));
        if (!seen_add(&seen, &address))
            continue;
        if (!is_first)
            text_add_string(out, ",");
        add_endpoint(out, view, e->text, property, &address);
        is_first = false;
    }
    return true;
}

static bool answer(const struct view *view, const struct resource *resource,
                   const struct http_request *request, struct response *response,
                   struct alto_error *problem)
{
    struct arena *arena = response->arena;
    const char *property = arena_format(arena, "%s.pid", view->snapshot.map);
    const struct body_value *body = body_parse(request->body, request->body_length, arena, problem);
    struct text out = {0};

    (void)resource;
    if (!body)
        return false;
    const struct body_value *properties = body_member(body, "properties"),
                            *endpoints = body_member(body, "endpoints");
    if (!check_lists(properties, endpoints, problem) ||
        !check_properties(properties, property, arena, problem))
        return false;
    text_add_string(&out, "{\"meta\":{\"dependent-vtags\":[");
    alto_add_vtag(&out, view->snapshot.map, view->snapshot.tag);
    text_add_string(&out, "]},\"endpoint-properties\":{");
    bool ok = add_endpoints(&out, view, endpoints, property, arena, problem);
    if (ok) {
        text_add_string(&out, "}}");
        response->body = arena_copy(arena, out.bytes, out.length);
        response->body_length = out.length;
    }
    free(out.bytes);
    return ok;
}

const struct resource_module endpoint_property_module = {
    .kind = "endpoint-property",
    .media_type = "application/alto-endpointprop+json",
    .accepts = "application/alto-endpointpropparams+json",
    .offer = offer,
    .describe = describe,
    .answer = answer,
};
