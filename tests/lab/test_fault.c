/* Faults: each does what its name says to the UPDATEs that it fits, and leaves the rest as it was. */
#include "fault.h"
#include "fixture.h"
#include "misbehave.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const char yaml[] =
    "name: t\nas: 64500\nigp: isis-2\n"
    "routers:\n"
    "  - {name: a, ipv4: 10.0.0.1, ipv6: \"2001:db8::1\"}\n"
    "  - {name: b, ipv4: 10.0.0.2}\n"
    "links:\n  - {a: a, b: b, metric: 1}\n"
    "prefixes:\n  - {routers: a, prefixes: 10.1.0.0/16}\n"
    "reflectors:\n"
    "  - {name: plain, listen: \"127.0.0.1:1\", router_id: 1.1.1.1}\n"
    "  - {name: paths, listen: \"127.0.0.1:2\", router_id: 1.1.1.2, add_path: {ls: 1, ipv4: 1, "
    "ipv6: 1}}\n"
    "routes:\n"
    "  - {routers: a, prefixes: [198.51.100.0/25, \"2001:db8:2::/47\"], as_path: 64511}\n";

static bool damage(struct backbone *backbone, size_t reflector, const char *fault,
                   const char *target, struct wire *out)
{
    const struct raw_message message = {
        .fault = fault ? fault_find(fault) : NULL, .target = target, .number = 1};
    struct error err;

    return misbehave(backbone, reflector, &message, out, &err);
}

#define MARKER "ffffffffffffffff ffffffffffffffff"
#define ROUTE_ATTRIBUTES                                                                           \
    "40 02 06 02 01 0000fbff 40 03 04 0a000001 40 05 04 00000064 80 09 04 0a000001"
#define CLUSTERS "80 0a 04 01010101"

/* Of the IPv4 route of the first reflector. */
static const struct {
    const char *fault, *expected;
} octets[] = {
    {"marker",
     "00ffffffffffffff ffffffffffffffff 0045 02 0000 0029 40 01 01 00" ROUTE_ATTRIBUTES CLUSTERS
     "19 c6336400"},
    {"header-short",
     MARKER "0012 02 0000 0029 40 01 01 00" ROUTE_ATTRIBUTES CLUSTERS "19 c6336400"},
    {"header-length",
     MARKER "0044 02 0000 0029 40 01 01 00" ROUTE_ATTRIBUTES CLUSTERS "19 c6336400"},
    {"attributes-left-over",
     MARKER "0047 02 0000 002b 40 01 01 00" ROUTE_ATTRIBUTES CLUSTERS "4003 19 c6336400"},
    {"attribute-overrun",
     MARKER "0045 02 0000 0029 40 01 01 00" ROUTE_ATTRIBUTES "80 0a 68 01010101 19 c6336400"},
    {"attribute-twice",
     MARKER "004c 02 0000 0030 40 01 01 00" ROUTE_ATTRIBUTES CLUSTERS CLUSTERS "19 c6336400"},
    {"no-origin", MARKER "0041 02 0000 0025" ROUTE_ATTRIBUTES CLUSTERS "19 c6336400"},
    {"origin-value",
     MARKER "0045 02 0000 0029 40 01 01 09" ROUTE_ATTRIBUTES CLUSTERS "19 c6336400"},
    {"prefix-length",
     MARKER "0045 02 0000 0029 40 01 01 00" ROUTE_ATTRIBUTES CLUSTERS "21 c6336400"},
    {"prefix-host-bits",
     MARKER "0045 02 0000 0029 40 01 01 00" ROUTE_ATTRIBUTES CLUSTERS "19 c633647f"},
    {"prefix-cut", MARKER "0044 02 0000 0029 40 01 01 00" ROUTE_ATTRIBUTES CLUSTERS "19 c63364"},
};

START_TEST(damage_is_as_drawn)
{
    struct backbone *backbone = backbone_new(fixture_load(yaml));
    struct wire wire = {0};

    ck_assert(damage(backbone, 0, octets[_i].fault, "ipv4", &wire));
    fixture_expect(&wire, octets[_i].expected);
    backbone_free(backbone);
}
END_TEST

static const char *const targets[] = {"ls", "node", "link", "prefix", "ipv4", "ipv6"};

enum { TARGETS = sizeof targets / sizeof *targets };

/* Every fault fits some UPDATE, changes it, and does the same again; a name is there once. */
START_TEST(every_fault_fits_something)
{
    struct backbone *backbone = backbone_new(fixture_load(yaml));
    const struct fault *fault;

    for (size_t i = 0; (fault = fault_at(i)); i++) {
        size_t fits = 0;

        ck_assert_ptr_eq(fault_find(fault->name), fault);
        for (size_t k = 0; k < 2 * TARGETS; k++) {
            struct wire good = {0}, bad = {0}, again = {0};
            struct blob *table = backbone_table(backbone, k / TARGETS,
                                                k % TARGETS < 4    ? FAMILY_LS
                                                : k % TARGETS == 4 ? FAMILY_IPV4
                                                                   : FAMILY_IPV6);

            if (damage(backbone, k / TARGETS, fault->name, targets[k % TARGETS], &bad)) {
                fits++;
                ck_assert(damage(backbone, k / TARGETS, fault->name, targets[k % TARGETS], &again));
                ck_assert_uint_eq(bad.length, again.length);
                ck_assert_mem_eq(bad.bytes, again.bytes, bad.length);
                ck_assert_msg(bad.length > table->length ||
                                  memcmp(bad.bytes, table->bytes, bad.length) != 0,
                              "%s changes nothing", fault->name);
            }
            blob_unref(table);
            wire_free(&good);
            wire_free(&bad);
            wire_free(&again);
        }
        ck_assert_msg(fits > 0, "%s fits nothing", fault->name);
    }
    ck_assert_ptr_null(fault_find("no such fault"));
    backbone_free(backbone);
}
END_TEST

START_TEST(what_does_not_fit_says_so)
{
    struct backbone *backbone = backbone_new(fixture_load(yaml));
    struct raw_message message = {.target = "ipv4", .number = 1};
    struct wire wire = {0};
    struct error err;

    message.fault = fault_find("tlv-overrun");
    ck_assert(!misbehave(backbone, 0, &message, &wire, &err));
    ck_assert_str_eq(err.text,
                     "tlv-overrun does not fit that UPDATE: the last TLV beyond attribute 29");
    message.number = 2;
    ck_assert(!misbehave(backbone, 0, &message, &wire, &err));
    ck_assert_str_eq(err.text, "ipv4: the table of plain has no UPDATE 2 of that kind");
    ck_assert_uint_eq(wire.length, 0);
    message = (struct raw_message){.octets = {(const uint8_t *)"\1\2", 2}};
    ck_assert(misbehave(backbone, 0, &message, &wire, &err));
    fixture_expect(&wire, "0102");
    ck_assert(misbehave_is_target("node") && !misbehave_is_target("vpn"));
    backbone_free(backbone);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lab fault");
    TCase *cases = tcase_create("cases");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, cases);
    tcase_add_loop_test(cases, damage_is_as_drawn, 0, sizeof octets / sizeof *octets);
    tcase_add_test(cases, every_fault_fits_something);
    tcase_add_test(cases, what_does_not_fit_says_so);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
