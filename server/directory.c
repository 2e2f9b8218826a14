/* directory: the information resource directories (RFC 7285 section 9.2).
 *
 * Two of them, each a root of its own: everything at "/" and "/directory", and for clients that know RFC 7285
 * alone what that RFC knows, at "/directory/rfc7285". */
#include "lib/hash.h"
#include "resource.h"
#include "view.h"

#include <stdlib.h>
#include <string.h>

static const char plain_path[] = "/directory/rfc7285";

static void offer(const struct snapshot *snapshot, struct offers *offers)
{
    static const char *const paths[] = {"/", "/directory", plain_path};

    (void)snapshot; // where there is a snapshot there is a directory
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        offers_add(offers, &(struct resource){.module = &directory_module, .path = paths[i]});
}

static json_t *cost_type_of(const struct snapshot_metric *metric, const char *mode)
{
    json_t *type = json_pack("{s:s,s:s}", "cost-mode", mode, "cost-metric", metric->name);

    if (metric->cost_context) // the reader has checked that it is JSON
        (void)json_object_set_new(type, "cost-context",
                                  json_loads(metric->cost_context, JSON_DECODE_ANY, NULL));
    return type;
}

static json_t *entry_of(const struct view *view, const struct resource *resource)
{
    json_t *entry = json_pack("{s:s+,s:s}", "uri", view->base_url, resource->path, "media-type",
                              resource->module->media_type);

    if (resource->module->accepts)
        (void)json_object_set_new(entry, "accepts", json_string(resource->module->accepts));
    if (resource->module->describe)
        resource->module->describe(view, resource, entry);
    return entry;
}

/* The names of cost types are keys of this directory only. */
static void add_cost_type(json_t *cost_types, const struct resource *resource)
{
    char name[64];

    if (!resource->metric)
        return;
    alto_cost_type_name(resource->metric, "numerical", name);
    (void)json_object_set_new(cost_types, name, cost_type_of(resource->metric, "numerical"));
}

static void render(const struct view *view, const struct resource *directory, struct text *out,
                   char tag[HASH_TAG_SIZE])
{
    bool is_plain = strcmp(directory->path, plain_path) == 0;
    json_t *cost_types = json_object(), *resources = json_object();

    for (size_t i = 0; i < view->resource_count; i++) {
        const struct resource *resource = &view->resources[i];
        if (!resource->id || (is_plain && !resource->is_rfc7285))
            continue;
        add_cost_type(cost_types, resource);
        (void)json_object_set_new(resources, resource->id, entry_of(view, resource));
    }
    json_t *root =
        json_pack("{s:{s:o,s:s},s:o}", "meta", "cost-types", cost_types, "default-alto-network-map",
                  view->snapshot.map, "resources", resources);
    char *body = json_dumps(root, JSON_COMPACT);
    if (!body) // only without memory: every text in it is checked
        error_fatal("no memory for the directory");
    text_add_string(out, body);
    free(body);
    json_decref(root);

    struct hash *hash = hash_new();
    hash_text(hash, "altimeter-directory-1\n");
    hash_add(hash, out->bytes, out->length);
    hash_finish_tag(hash, tag);
}

const struct resource_module directory_module = {
    .kind = "directory",
    .media_type = "application/alto-directory+json",
    .offer = offer,
    .render = render,
};
