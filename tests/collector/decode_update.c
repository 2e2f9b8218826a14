/* decode_update: BGP messages as hex, a line each, on stdin; what they say, a line an update, on stdout.
 *
 * After each message comes an empty line. For the oracle, and for people with a capture in hand. An OPEN
 * among them says how those behind it read, to a peer that takes whatever it offers and is of the AS that
 * the one argument names, or else of the OPEN's own. */
#include "collector/bgp_update.h"
#include "lib/text.h"
#include "update_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TYPE = 18, OPEN = 1 };

/* false: it is no OPEN. */
static bool read_open(struct octets message, uint32_t as, struct bgp_session *out)
{
    struct bgp_open sender, receiver = {.four_octet_as = true, .add_path = {1, 1, 1}};
    struct error err;

    if (message.length <= TYPE || message.bytes[TYPE] != OPEN)
        return false;
    if (!bgp_open_parse(message, &sender, &err)) {
        (void)printf("open: %s\n", err.text);
        return true;
    }
    receiver.asn = as ? as : sender.asn;
    *out = bgp_open_session(&sender, &receiver);
    return true;
}

int main(int argc, char **argv)
{
    uint64_t as = 0;
    struct arena *arena = arena_new();
    struct faults faults = {0};
    struct bgp_input input = {.session = {.four_octet_as = true},
                              .wanted = {true, true, true},
                              .arena = arena,
                              .faults = &faults,
                              .sink = update_text_sink(stdout)};
    char *line = NULL;
    size_t size = 0;

    if (argc > 2 || (argc == 2 && !text_uint(argv[1], strlen(argv[1]), 1, UINT32_MAX, &as))) {
        (void)fprintf(stderr, "Usage: decode_update [AS]\n");
        return 2;
    }
    while (getline(&line, &size, stdin) > 0) {
        struct octets message = update_text_octets(line);
        if (!read_open(message, (uint32_t)as, &input.session))
            bgp_update_parse(&input, message);
        (void)putchar('\n');
        arena_reset(arena);
        update_text_free(message);
    }
    free(line);
    arena_free(arena);
    return 0;
}
