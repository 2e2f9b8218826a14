/* network_map: the full network map (RFC 7285 section 11.2.1).
 *
 * The snapshot holds each PID's prefixes as the JSON array that is sent, so the map is names and copies. */
#include "resource.h"
#include "view.h"

#include <stdio.h>
#include <string.h>

static void offer(const struct snapshot *snapshot, struct offers *offers)
{
    struct resource map = {.module = &network_map_module,
                           .id = snapshot->map,
                           .path = "/networkmap",
                           .is_rfc7285 = true};

    offers_add(offers, &map);
}

static void add_list(struct text *out, const char *family, const char *list, bool is_first)
{
    if (!list)
        return;
    text_add_string(out, is_first ? "\"" : ",\"");
    text_add_string(out, family);
    text_add_string(out, "\":");
    text_add_string(out, list);
}

static void render(const struct view *view, const struct resource *resource, struct text *out,
                   char tag[HASH_TAG_SIZE])
{
    const struct snapshot *snapshot = &view->snapshot;

    text_add_string(out, "{\"meta\":{\"vtag\":");
    alto_add_vtag(out, resource->id, snapshot->tag);
    text_add_string(out, "},\"network-map\":{");
    for (size_t i = 0; i < snapshot->pid_count; i++) {
        const struct snapshot_pid *pid = &snapshot->pids[i];
        if (i > 0)
            text_add_string(out, ",");
        text_add_json(out, pid->name);
        text_add_string(out, ":{");
        add_list(out, "ipv4", pid->list_ipv4, true);
        add_list(out, "ipv6", pid->list_ipv6, !pid->list_ipv4);
        text_add_string(out, "}");
    }
    text_add_string(out, "}}");
    (void)snprintf(tag, HASH_TAG_SIZE, "%s", snapshot->tag);
}

const struct resource_module network_map_module = {
    .kind = "network-map",
    .media_type = "application/alto-networkmap+json",
    .offer = offer,
    .render = render,
};
