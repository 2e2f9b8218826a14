/* fuzz: messages made whole, and a sink that looks at everything. */
#include "fuzz.h"

#include "lib/arena.h"
#include "update_text.h"

#include <stdlib.h>
#include <string.h>

enum { HEADER = 19, LONGEST = 65535 };

struct octets fuzz_bgp_message(uint8_t type, const uint8_t *body, size_t length)
{
    if (length > LONGEST - HEADER)
        length = LONGEST - HEADER;
    uint8_t *bytes = memory_alloc(HEADER + length, 1);

    memset(bytes, 0xff, 16);
    bytes[16] = (uint8_t)((HEADER + length) >> 8);
    bytes[17] = (uint8_t)(HEADER + length);
    bytes[18] = type;
    if (length)
        memcpy(bytes + HEADER, body, length);
    return (struct octets){.bytes = bytes, .length = HEADER + length};
}

void fuzz_free(struct octets message)
{
    free((void *)(uintptr_t)message.bytes);
}

static void take(void *context, const struct update *update)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    struct update_sink printer = update_text_sink(out);

    (void)context;
    printer.take(printer.context, update);
    (void)fclose(out);
    free(text);
}

const struct update_sink fuzz_sink = {.take = take};
