/* Link state: two octets of length, so much of an attribute 29, then NLRIs. */
#include "collector/bgp_ls.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor input = {.at = data, .left = size};
    struct cursor attribute = cursor_sub(&input, cursor_u16(&input));
    struct octets octets = cursor_rest(&attribute), nlri;
    struct arena *arena = arena_new();
    struct faults faults = {0};
    struct update update;
    struct bgp_ls ls;

    bgp_ls_begin(&ls, arena, &faults, 1, octets.length ? &octets : NULL);
    while (bgp_ls_next(&input, &nlri))
        if (bgp_ls_announce(&ls, nlri, &update))
            fuzz_sink.take(NULL, &update);
    arena_free(arena);
    return 0;
}
