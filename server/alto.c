/* alto: see alto.h. */
#include "alto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUE_MOST = 256 };

/* The longest part of at most VALUE_MOST bytes that ends at a character's border. */
static size_t cut_length(const char *value)
{
    size_t length = strlen(value);

    if (length <= VALUE_MOST)
        return length;
    length = VALUE_MOST;
    while (length && ((unsigned char)value[length] & 0xc0) == 0x80)
        length--;
    return length;
}

static void add_member(struct text *out, const char *name, const char *value, struct arena *arena)
{
    if (!value)
        return;
    text_add_string(out, ",\"");
    text_add_string(out, name);
    text_add_string(out, "\":");
    text_add_json(out, arena_text(arena, value, cut_length(value)));
}

void alto_error_respond(const struct alto_error *error, struct response *response)
{
    struct text out = {0};

    text_add_string(&out, "{\"meta\":{\"code\":");
    text_add_json(&out, error->code);
    add_member(&out, "field", error->field, response->arena);
    if (error->field)
        add_member(&out, "value", error->value, response->arena);
    add_member(&out, "syntax-error", error->syntax_error, response->arena);
    text_add_string(&out, "}}");
    response->status = 400;
    response->body = arena_copy(response->arena, out.bytes, out.length);
    response->body_length = out.length;
    response_field(response, "Content-Type", "application/alto-error+json");
    response_field(response, "Cache-Control", "no-store");
    free(out.bytes);
}

void alto_add_vtag(struct text *out, const char *resource_id, const char *tag)
{
    text_add_string(out, "{\"resource-id\":");
    text_add_json(out, resource_id);
    text_add_string(out, ",\"tag\":");
    text_add_json(out, tag);
    text_add_string(out, "}");
}

void alto_add_cost_type(struct text *out, const struct snapshot_metric *metric, const char *mode)
{
    text_add_string(out, "\"cost-type\":{\"cost-mode\":");
    text_add_json(out, mode);
    text_add_string(out, ",\"cost-metric\":");
    text_add_json(out, metric->name);
    if (metric->cost_context) {
        text_add_string(out, ",\"cost-context\":");
        text_add_string(out, metric->cost_context);
    }
    text_add_string(out, "}");
}

void alto_cost_type_name(const struct snapshot_metric *metric, const char *mode, char out[64])
{
    (void)snprintf(out, 64, "%.3s-%s", mode,
                   metric->name); // "num" or "ord"; a metric has 32 at most
    for (char *dot = out; (dot = strchr(dot, '.'));)
        *dot = '_';
}
