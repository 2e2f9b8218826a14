/* aggregate: see aggregate.h. */
#include "aggregate.h"

#include <string.h>

struct attached_prefix *aggregate_list(const struct attachments *attachments, struct arena *arena,
                                       size_t *count)
{
    static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6};
    struct attached_prefix *list = arena_alloc(arena, attachments->prefix_count + 2, sizeof *list);
    size_t at = 0;

    *count = 0;
    for (size_t i = 0; i < 2; i++) {
        struct prefix root = {.family = (uint8_t)families[i]};

        // a family's default route is the first of its prefixes, in the order of prefix_compare
        if (at == attachments->prefix_count ||
            prefix_compare(&attachments->prefixes[at].prefix, &root) != 0)
            list[(*count)++] = (struct attached_prefix){root, AGGREGATE_DEFAULT};
        while (at < attachments->prefix_count &&
               attachments->prefixes[at].prefix.family == families[i])
            list[(*count)++] = attachments->prefixes[at++];
    }
    return list;
}
