/* ADD-PATH: what a reflector says of a destination that has several routes, and what a change makes it
 * say (L-120, RFC 7911). */
#include "backbone.h"
#include "fixture.h"
#include "message.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char yaml[] =
    "name: t\nas: 64500\nigp: isis-2\n"
    "loopbacks: {ipv4: 10.255.0.0/24}\n"
    "routers: [{name: a}, {name: b}, {name: c}, {name: d}]\n"
    "reflectors:\n"
    "  - {name: two, listen: \"127.0.0.1:1\", router_id: 1.1.1.1, families: ipv4, path_ids_from: "
    "100,\n"
    "     add_path: {ipv4: 2}}\n"
    "  - {name: all, listen: \"127.0.0.1:2\", router_id: 1.1.1.2, families: ipv4,\n"
    "     add_path: {ipv4: 255}}\n"
    "  - {name: best, listen: \"127.0.0.1:3\", router_id: 1.1.1.3, families: ipv4}\n"
    "routes:\n" // paths 0 to 3, d is not heard by the last
    "  - {routers: [a, b, c], prefixes: 10.0.0.0/8, as_path: 1}\n"
    "  - {routers: d, prefixes: 10.0.0.0/8, as_path: 1 2, reflectors: [two, all]}\n"
    "  - {routers: b, prefixes: 11.0.0.0/8}\n";

enum { REFLECTORS = 3 };

/* "-ID" for what is withdrawn, "+ID" for what is announced, in the order of the messages; IPv4 outside of
 * MP_REACH. With path identifiers only those are written, without the prefix's first octet. */
static void describe(const struct blob *blob, bool has_ids, char *out)
{
    for (size_t at = 0; blob && at < blob->length;) {
        const uint8_t *body = blob->bytes + at + MESSAGE_HEADER;
        const uint8_t *end = blob->bytes + at + (blob->bytes[at + 16] << 8 | blob->bytes[at + 17]);
        size_t withdrawn = (size_t)(body[0] << 8 | body[1]);
        const uint8_t *attributes = body + 2 + withdrawn;
        const uint8_t *nlri = attributes + 2 + (attributes[0] << 8 | attributes[1]);

        for (const uint8_t *field = body + 2; field < end;) {
            if (field == body + 2 + withdrawn)
                field = nlri;
            if (field >= end)
                break;
            unsigned id = (unsigned)(field[2] << 8 | field[3]);

            out += sprintf(out, "%c%u ", field < nlri ? '-' : '+', has_ids ? id : field[1]);
            field += has_ids ? 6 : 2;
        }
        at = (size_t)(end - blob->bytes);
    }
    *out = '\0';
}

static void expect_changes(struct backbone *backbone, const char *two, const char *all,
                           const char *best)
{
    const char *const expected[REFLECTORS] = {two, all, best};
    struct blob *updates[REFLECTORS * FAMILIES];
    char text[500];

    backbone_settle(backbone, updates);
    for (size_t r = 0; r < REFLECTORS; r++) {
        describe(updates[r * FAMILIES + FAMILY_IPV4], r < 2, text);
        ck_assert_str_eq(text, expected[r]);
    }
    for (size_t i = 0; i < REFLECTORS * FAMILIES; i++)
        blob_unref(updates[i]);
}

static void expect_table(struct backbone *backbone, size_t reflector, const char *expected)
{
    struct blob *table = backbone_table(backbone, reflector, FAMILY_IPV4);
    char text[500];

    describe(table, reflector < 2, text);
    ck_assert_str_eq(text, expected);
    blob_unref(table);
}

START_TEST(l120_a_table_has_as_many_paths_as_it_may)
{
    struct backbone *backbone = backbone_new(fixture_load(yaml));

    expect_table(backbone, 0, "+100 +101 +104 ");
    expect_table(backbone, 1, "+1 +2 +3 +4 +5 ");
    expect_table(backbone, 2, "+10 +11 ");
    ck_assert_uint_eq(backbone_count(backbone, 0, FAMILY_IPV4), 3);
    ck_assert_uint_eq(backbone_count(backbone, 2, FAMILY_IPV4), 2);
    backbone_set_path_ids(backbone, 0, 7);
    expect_table(backbone, 0, "+7 +8 +11 ");
    backbone_free(backbone);
}
END_TEST

START_TEST(l120_paths_are_withdrawn_by_their_identifiers)
{
    struct backbone *backbone = backbone_new(fixture_load(yaml));
    struct net prefix;
    struct error err;

    ck_assert(net_parse_prefix("10.0.0.0/8", &prefix));
    backbone_set_router_down(backbone, 0, true); // a: the next best comes in
    expect_changes(backbone, "-100 +102 ", "-1 ", "+10 ");
    backbone_set_router_down(backbone, 3, true); // d: nobody's best
    expect_changes(backbone, "", "-4 ", "");
    backbone_set_router_down(backbone, 0, false);
    expect_changes(backbone, "-102 +100 ", "+1 ", "+10 ");
    ck_assert(backbone_withdraw_prefix(backbone, &prefix, SIZE_MAX, true, &err));
    expect_changes(backbone, "-100 -101 ", "-1 -2 -3 ", "-10 ");
    ck_assert(backbone_withdraw_prefix(backbone, &prefix, 2, false, &err));
    expect_changes(backbone, "+102 ", "+3 ", "+10 ");
    // a moved route is a new path, with an identifier of its own
    ck_assert(backbone_move_prefix(backbone, &prefix, 1, &err));
    expect_changes(backbone, "-102 +105 ", "-3 +6 ", "+10 ");
    expect_table(backbone, 0, "+104 +105 ");
    backbone_free(backbone);
}
END_TEST

START_TEST(routes_are_listed_with_their_identifiers)
{
    struct backbone *backbone = backbone_new(fixture_load(yaml));
    struct said_route route;
    size_t at = 0, count = 0;

    while (backbone_next_route(backbone, 0, &at, &route)) {
        static const uint32_t ids[] = {100, 101, 104};

        ck_assert_uint_eq(route.path_id, ids[count++]);
    }
    ck_assert_uint_eq(count, 3);
    at = 0;
    ck_assert(backbone_next_route(backbone, 2, &at, &route));
    ck_assert_uint_eq(route.path_id, 0);
    backbone_free(backbone);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lab destinations");
    TCase *cases = tcase_create("cases");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, cases);
    tcase_add_test(cases, l120_a_table_has_as_many_paths_as_it_may);
    tcase_add_test(cases, l120_paths_are_withdrawn_by_their_identifiers);
    tcase_add_test(cases, routes_are_listed_with_their_identifiers);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
