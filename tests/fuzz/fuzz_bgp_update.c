/* UPDATEs: the first octet says what kind of session it is, the rest is the body of one. */
#include "collector/bgp_update.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t kind = size ? data[0] : 0;
    struct octets message = fuzz_bgp_message(2, data + (size ? 1 : 0), size ? size - 1 : 0);
    struct arena *arena = arena_new();
    struct faults faults = {0};
    struct bgp_input input = {
        .session = {.four_octet_as = kind & 1,
                    .external = kind & 2,
                    .add_path = {kind & 4, kind & 4, kind & 4}},
        .wanted = {true, true, true},
        .arena = arena,
        .sink = fuzz_sink,
        .faults = &faults,
    };

    bgp_update_parse(&input, message);
    arena_free(arena);
    fuzz_free(message);
    return 0;
}
