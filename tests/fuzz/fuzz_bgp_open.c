/* OPENs: the input is the body of one. */
#include "collector/bgp_open.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct octets message = fuzz_bgp_message(1, data, size);
    struct bgp_open open;
    struct error err;

    (void)bgp_open_parse(message, &open, &err);
    fuzz_free(message);
    return 0;
}
