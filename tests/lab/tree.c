/* tree: libyaml's events to nodes.
 *
 * Values of lists and mappings that are still open stand on one stack; when one closes, what stands above
 * its place is copied into the arena as its items, so that items of one list are neighbours. */
#include "tree.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

enum {
    DEPTH_LIMIT = 16, // a scenario has six levels; libyaml's time grows with the square
    COUNT_LIMIT = UINT32_MAX - 16, // octets of a text, items of a list
};

struct builder {
    const char *file;
    struct arena *arena;
    struct error *err;
    struct tree *stack;
    size_t count, capacity;
    size_t open[DEPTH_LIMIT]; // places of lists and mappings on the stack
    size_t depth;
    bool has_document;
};

static bool fail(struct builder *builder, const yaml_mark_t *mark, const char *what)
{
    return error_set(builder->err, ERROR_INPUT, "%s:%zu:%zu: %s", builder->file, mark->line + 1,
                     mark->column + 1, what);
}

static struct tree *push(struct builder *builder, enum shape shape, const yaml_mark_t *mark)
{
    builder->stack =
        memory_grow(builder->stack, builder->count, &builder->capacity, sizeof *builder->stack);
    struct tree *node = &builder->stack[builder->count++];

    *node = (struct tree){
        .shape = shape, .line = (uint32_t)mark->line + 1, .column = (uint32_t)mark->column + 1};
    return node;
}

static bool open_node(struct builder *builder, enum shape shape, const yaml_event_t *event)
{
    if (builder->depth == DEPTH_LIMIT)
        return fail(builder, &event->start_mark, "more than 16 levels; a scenario expected");
    builder->open[builder->depth++] = builder->count;
    (void)push(builder, shape, &event->start_mark);
    return true;
}

static bool close_node(struct builder *builder, const yaml_event_t *event)
{
    size_t place = builder->open[--builder->depth];
    size_t count = builder->count - place - 1;
    struct tree *node = &builder->stack[place];

    if (count > COUNT_LIMIT)
        return fail(builder, &event->start_mark, "a list of more than 4 billion items");
    node->count = (uint32_t)count;
    node->items = arena_copy(builder->arena, node + 1, count * sizeof *node);
    builder->count = place + 1;
    return true;
}

static bool take_text(struct builder *builder, const yaml_event_t *event)
{
    size_t length = event->data.scalar.length;

    if (length > COUNT_LIMIT)
        return fail(builder, &event->start_mark, "a text of more than 4 GB");
    struct tree *node = push(builder, SHAPE_TEXT, &event->start_mark);

    node->count = (uint32_t)length;
    node->text = arena_text(builder->arena, (const char *)event->data.scalar.value, length);
    return true;
}

static bool take_event(struct builder *builder, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (builder->has_document)
            return fail(builder, &event->start_mark, "a second document; the end expected");
        builder->has_document = true;
        return true;
    case YAML_SEQUENCE_START_EVENT:
        return open_node(builder, SHAPE_LIST, event);
    case YAML_MAPPING_START_EVENT:
        return open_node(builder, SHAPE_MAPPING, event);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return close_node(builder, event);
    case YAML_SCALAR_EVENT:
        return take_text(builder, event);
    case YAML_ALIAS_EVENT:
        return fail(builder, &event->start_mark, "an alias; a value expected");
    default:
        return true;
    }
}

static bool take_events(struct builder *builder, yaml_parser_t *parser)
{
    yaml_event_t event;
    bool ended = false, ok = true;

    while (ok && !ended) {
        if (!yaml_parser_parse(parser, &event)) {
            const yaml_mark_t *mark = &parser->problem_mark;

            return error_set(builder->err, ERROR_INPUT, "%s:%zu:%zu: %s; YAML expected",
                             builder->file, mark->line + 1, mark->column + 1,
                             parser->problem ? parser->problem : "unreadable");
        }
        ended = event.type == YAML_STREAM_END_EVENT;
        ok = take_event(builder, &event);
        yaml_event_delete(&event);
    }
    return ok;
}

static bool build(struct builder *builder, FILE *stream)
{
    yaml_parser_t parser;

    if (!yaml_parser_initialize(&parser))
        return error_set(builder->err, ERROR_SYSTEM, "%s: libyaml refuses to start", builder->file);
    yaml_parser_set_input_file(&parser, stream);
    bool ok = take_events(builder, &parser);

    yaml_parser_delete(&parser);
    return ok;
}

const struct tree *tree_load(const char *file, struct arena *arena, struct error *err)
{
    struct builder builder = {.file = file, .arena = arena, .err = err};
    FILE *stream = fopen(file, "rb");
    const struct tree *root = NULL;

    if (!stream) {
        error_errno(err, errno, "%s", file);
        return NULL;
    }
    if (build(&builder, stream)) {
        if (builder.count)
            root = arena_copy(arena, builder.stack, sizeof *root);
        else
            error_set(err, ERROR_INPUT, "%s:1:1: empty file; a scenario expected", file);
    }
    (void)fclose(stream);
    free(builder.stack);
    return root;
}
