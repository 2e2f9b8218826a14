/* gaps: see gaps.h. */
#include "gaps.h"

#include <stdlib.h>

/* Of one feed and kind: its objects with attribute 29. */
struct gap {
    size_t objects, measured; // with measures
    size_t given;             // without, while another feed gives some
};

struct counting {
    const struct model *model;
    enum state_object kind;
    const struct model_peer *peers;
    size_t peer_count;
    struct gap *gaps; // of each peer
};

static struct gap *gap_of(const struct counting *counting, int64_t peer_id)
{
    for (size_t i = 0; i < counting->peer_count; i++) {
        if (counting->peers[i].row.peer_id == peer_id)
            return &counting->gaps[i];
    }
    return NULL;
}

static void count_object(void *context, const struct model_object *object)
{
    const struct counting *counting = context;
    bool any = false;

    for (uint32_t i = 0; i < object->count; i++)
        any |= model_counts(counting->model, object->sources[i].peer_id, STATE_LINK_STATE) &&
               model_has_measures(counting->kind, object->sources[i].row);
    for (uint32_t i = 0; i < object->count; i++) {
        const struct model_source *source = &object->sources[i];
        struct gap *gap = gap_of(counting, source->peer_id);
        bool has = model_has_measures(counting->kind, source->row);

        if (!gap || !model_counts(counting->model, source->peer_id, STATE_LINK_STATE) ||
            !model_has_attributes(counting->kind, source->row))
            continue;
        gap->objects++;
        gap->measured += has;
        gap->given += !has && any;
    }
}

static void tell(const struct counting *counting, struct report *report)
{
    bool is_links = counting->kind == OBJECT_LINK;

    for (size_t i = 0; i < counting->peer_count; i++) {
        const struct gap *gap = &counting->gaps[i];
        const char *name = counting->peers[i].row.name;

        if (gap->given)
            report_add(
                report, "%s leaves the %s out of %zu of its %zu %s; that of another feed is taken",
                name,
                is_links ? "delay, loss and bandwidth (TLV 1114 to 1120)" : "metric (TLV 1155)",
                gap->given, gap->objects, is_links ? "links" : "IGP prefixes");
        if (!is_links && gap->measured == 0 && gap->given < gap->objects)
            report_add(report,
                       "%s leaves the metric (TLV 1155) out of all its %zu IGP prefixes: %zu of "
                       "them are attached nowhere. GoBGP 3 in the route reflector's role does so, "
                       "and drops delay, loss and bandwidth of links",
                       name, gap->objects, gap->objects - gap->given);
    }
}

void gaps_report(const struct model *model, struct report *report)
{
    static const enum state_object kinds[] = {OBJECT_LINK, OBJECT_PREFIX};

    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct counting counting = {.model = model, .kind = kinds[k]};

        counting.peers = model_peers(model, &counting.peer_count);
        counting.gaps = memory_alloc(counting.peer_count, sizeof *counting.gaps);
        model_each_object(model, kinds[k], count_object, &counting);
        tell(&counting, report);
        free(counting.gaps);
    }
}
