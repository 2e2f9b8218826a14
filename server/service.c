/* service: see service.h. */
#include "service.h"

#include "lib/arena.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { RETRY_AFTER_S = 1 };

struct service {
    struct views *views;
    unsigned loops;
    struct view_cache *caches; // one a loop, touched by that loop only
};

struct service *service_new(struct views *views, unsigned loops)
{
    struct service *service = memory_alloc(1, sizeof *service);

    service->views = views;
    service->loops = loops;
    service->caches = memory_alloc(loops, sizeof *service->caches);
    return service;
}

void service_free(struct service *service)
{
    if (!service)
        return;
    for (unsigned i = 0; i < service->loops; i++)
        views_forget(&service->caches[i]);
    free(service->caches);
    free(service);
}

void service_answer(void *context, unsigned loop, const struct http_request *request,
                    struct response *response)
{
    struct service *service = context;

    service_answer_from(views_refresh(service->views, &service->caches[loop]), request, response);
}

void service_on_tick(void *context, unsigned loop, bool is_last)
{
    struct service *service = context;

    // a loop without requests must not hold an old view for ever
    if (is_last)
        views_forget(&service->caches[loop]);
    else
        (void)views_refresh(service->views, &service->caches[loop]);
}

/* ---- Method ---- */

static bool is_get(const struct http_request *request)
{
    return strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
}

static void add_allow(struct response *response, const struct view *view, const char *path)
{
    bool gets = false, posts = false;

    for (const struct resource *r = NULL; (r = view_find(view, path, r));) {
        gets = gets || !r->module->accepts;
        posts = posts || r->module->accepts;
    }
    response_field(response, "Allow", "%s%sOPTIONS", gets ? "GET, HEAD, " : "",
                   posts ? "POST, " : "");
}

/* The resource that this method reads at that path; NULL: none. */
static struct resource *choose(const struct view *view, const struct http_request *request)
{
    bool posts = strcmp(request->method, "POST") == 0;

    for (struct resource *r = NULL; (r = view_find(view, request->path, r));)
        if (r->module->accepts ? posts : is_get(request))
            return r;
    return NULL;
}

/* ---- GET ---- */

/* The coding that the client has already, if it accepts it; else the best that is ready. */
static const struct encoded *choose_coding(const struct rendering *rendering,
                                           const struct http_request *request, enum coding *coding,
                                           bool *has_it)
{
    enum coding order[CODINGS];
    size_t count = negotiate_codings(request, order);

    *has_it = false;
    for (size_t i = 0; i < count && negotiate_asks_tags(request); i++) {
        const struct encoded *encoded = &rendering->codings[order[i]];
        if (negotiate_has_tag(request, encoded->entity_tag)) {
            *has_it = true;
            *coding = order[i];
            return encoded; // its bytes are not looked at
        }
    }
    for (size_t i = 0; i < count; i++) {
        const struct encoded *encoded = rendering_get(rendering, order[i]);
        if (encoded) {
            *coding = order[i];
            return encoded;
        }
    }
    *coding = CODING_IDENTITY; // always available, also to who excludes it
    return &rendering->codings[CODING_IDENTITY];
}

static void release_view(void *owner)
{
    view_unref(owner);
}

static bool is_view_revoked(const void *owner)
{
    return view_is_revoked(owner);
}

static void answer_get(struct view *view, struct resource *resource,
                       const struct http_request *request, struct response *response)
{
    enum coding coding;
    bool has_it;
    const struct encoded *encoded = choose_coding(&resource->rendering, request, &coding, &has_it);

    if (!negotiate_asks_tags(request)) // If-None-Match wins
        has_it = negotiate_not_modified_since(request, view->snapshot.time_us / 1000000);
    response->fields =
        arena_format(response->arena, "%sETag: %s\r\n", view->fields, encoded->entity_tag);
    if (has_it) {
        response->status = 304;
        return;
    }
    response_field(response, "Content-Type", "%s", resource->module->media_type);
    if (coding != CODING_IDENTITY)
        response_field(response, "Content-Encoding", "%s", coding_names[coding]);
    response->body = encoded->bytes;
    response->body_length = encoded->length;
    response->owner = view_ref(view);
    response->release = release_view;
    response->is_revoked = is_view_revoked;
}

/* ---- POST ---- */

/* Content-Type and Content-Encoding; false: the answer is given. */
static bool is_readable(const struct resource *resource, const struct http_request *request,
                        struct response *response)
{
    const char *accepts = resource->module->accepts;
    size_t at = 0;
    const char *type = http_request_field(request, "content-type", &at);

    if (!type || !negotiate_is_type(type, accepts)) {
        response_field(response, "Accept", "%s", accepts);
        response_text(response, 415, "Content-Type: %s expected", accepts);
        return false;
    }
    at = 0;
    const char *coding = http_request_field(request, "content-encoding", &at);
    if (coding && strcasecmp(coding, "identity") != 0) {
        response_field(response, "Accept-Encoding", "identity");
        response_text(response, 415, "a body without Content-Encoding expected");
        return false;
    }
    return true;
}

static void answer_post(struct view *view, struct resource *resource,
                        const struct http_request *request, struct response *response)
{
    struct alto_error problem = {0};

    if (!resource->module->answer(view, resource, request, response, &problem)) {
        alto_error_respond(&problem, response);
        return;
    }
    response_field(response, "Content-Type", "%s", resource->module->media_type);
    response_field(response, "Cache-Control", "no-store");
}

/* ---- All of it ---- */

static void answer_resource(struct view *view, struct resource *resource,
                            const struct http_request *request, struct response *response)
{
    bool posts = resource->module->accepts != NULL;

    if (posts && !is_readable(resource, request, response))
        return;
    if (request->is_too_large) {
        response_text(response, 413, "body too large; at most 1 MiB expected");
        return;
    }
    if (!negotiate_accepts(request, resource->module->media_type)) {
        response_text(response, 406, "Accept: %s expected", resource->module->media_type);
        return;
    }
    if (posts)
        answer_post(view, resource, request, response);
    else
        answer_get(view, resource, request, response);
}

void service_answer_from(struct view *view, const struct http_request *request,
                         struct response *response)
{
    struct resource *resource;

    if (!view) {
        response_field(response, "Retry-After", "%d", RETRY_AFTER_S);
        response_field(response, "Cache-Control", "no-store");
        response_text(response, 503, "no map yet; try again in a moment");
    } else if (strcmp(request->path, "*") == 0) {
        response->status = 204;
        response_field(response, "Allow", "GET, HEAD, POST, OPTIONS");
    } else if (!view_find(view, request->path, NULL)) {
        response_text(response, 404, "no such resource; the directory at / lists all");
    } else if (strcmp(request->method, "OPTIONS") == 0) {
        response->status = 204;
        add_allow(response, view, request->path);
    } else if (!(resource = choose(view, request))) {
        add_allow(response, view, request->path);
        response_text(response, 405, "method not allowed; one of those in Allow expected");
    } else {
        answer_resource(view, resource, request, response);
    }
}
