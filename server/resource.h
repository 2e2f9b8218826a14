/* resource: the kinds of ALTO resources as a table, and what a view offers of each.
 *
 * A new kind is one file that exports one module, and a line in resources.c. Modules know of views and of
 * alto.h, not of each other. */
#pragma once

#include "alto.h"
#include "encode.h"
#include "http_request.h"
#include "lib/snapshot.h"
#include "response.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct view;
struct offers;

/* One resource of a view. */
struct resource {
    const struct resource_module *module;
    const char *id;                       // resource-id; NULL: no directory lists it
    const char *path;                     // of its URI
    const struct snapshot_metric *metric; // of cost maps
    bool is_rfc7285;                      // known to clients of RFC 7285 alone
    struct rendering rendering;           // of GET resources
};

/* One kind of ALTO resource. A module is one file that exports one of these, and no state. */
struct resource_module {
    const char *kind;       // its name in logs and metrics: "cost-map"
    const char *media_type; // of the response
    const char *accepts;    // of the request; NULL: the resource is fetched by GET
    /* Adds what would be answered from that snapshot. */
    void (*offer)(const struct snapshot *snapshot, struct offers *offers);
    /* Adds capabilities and uses to its entry in the directory; NULL: nothing to add. */
    void (*describe)(const struct view *view, const struct resource *resource, json_t *entry);
    /* GET: writes the whole body and the tag of its content; called once a view. */
    void (*render)(const struct view *view, const struct resource *resource, struct text *out,
                   char tag[HASH_TAG_SIZE]);
    /* POST: fills *response, or fills *problem and returns false. */
    bool (*answer)(const struct view *view, const struct resource *resource,
                   const struct http_request *request, struct response *response,
                   struct alto_error *problem);
};

extern const struct resource_module directory_module, network_map_module, cost_map_module,
    endpoint_property_module;
extern const struct resource_module *const resource_modules[]; // ends with NULL

/* Called by offer: texts are in the snapshot or constant, or made by offers_format. */
void offers_add(struct offers *offers, const struct resource *resource);
char *offers_format(struct offers *offers, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
