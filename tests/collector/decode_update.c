/* decode_update: BGP messages as hex, a line each, on stdin; what they say, a line an update, on stdout.
 *
 * After each message comes an empty line. For the oracle, and for people with a capture in hand. */
#include "collector/bgp_update.h"
#include "update_text.h"

#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    struct arena *arena = arena_new();
    struct faults faults = {0};
    struct bgp_input input = {.session = {.four_octet_as = true},
                              .wanted = {true, true, true},
                              .arena = arena,
                              .faults = &faults,
                              .sink = update_text_sink(stdout)};
    char *line = NULL;
    size_t size = 0;

    while (getline(&line, &size, stdin) > 0) {
        struct octets message = update_text_octets(line);
        (void)bgp_update_parse(&input, message);
        (void)putchar('\n');
        arena_reset(arena);
        update_text_free(message);
    }
    free(line);
    arena_free(arena);
    return 0;
}
