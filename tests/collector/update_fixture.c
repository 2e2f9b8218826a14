/* update_fixture: one parser call with everything around it. */
#include "update_fixture.h"

#include "lib/arena.h"
#include "update_text.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

struct bgp_session fixture_session;
bool fixture_wanted[STATE_FAMILIES];
struct faults fixture_faults;
static struct arena *arena;
static char *lines;

void fixture_setup(void)
{
    fixture_session = (struct bgp_session){.four_octet_as = true};
    for (size_t i = 0; i < STATE_FAMILIES; i++)
        fixture_wanted[i] = true;
    fixture_faults = (struct faults){0};
    arena = arena_new();
}

void fixture_teardown(void)
{
    arena_free(arena);
    free(lines);
    lines = NULL;
}

const char *fixture_say_message(struct octets message)
{
    size_t size;

    free(lines);
    FILE *out = open_memstream(&lines, &size);
    ck_assert_ptr_nonnull(out);
    struct bgp_input input = {.peer_id = 1,
                              .session = fixture_session,
                              .arena = arena,
                              .sink = update_text_sink(out),
                              .faults = &fixture_faults};
    for (size_t i = 0; i < STATE_FAMILIES; i++)
        input.wanted[i] = fixture_wanted[i];
    bgp_update_parse(&input, message);
    arena_reset(arena);
    ck_assert_int_eq(fclose(out), 0);
    return lines;
}

const char *fixture_say(const char *body)
{
    struct arena *text = arena_new();
    struct octets message = update_text_octets(arena_format(text, "[02 %s]", body));
    const char *said = fixture_say_message(message);

    update_text_free(message);
    arena_free(text);
    return said;
}

const char *fixture_say_ls(const char *nlris, const char *tlvs)
{
    struct arena *text = arena_new();
    const char *attribute = tlvs ? arena_format(text, "901d{%s}", tlvs) : "";
    const char *said = fixture_say(arena_format(text, "{} {%s %s 900e{4004 47 (0a000001) 00 %s}}",
                                                WELL_KNOWN, attribute, nlris));

    arena_free(text);
    return said;
}
