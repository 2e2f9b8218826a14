/* Changes of a running backbone: exactly the increments that they need, and increments that add up to
 * the table a later session gets.
 *
 * The oracle is a reader of UPDATEs that knows nothing of how they were made: it keeps a list of NLRIs
 * with the attributes that came last. */
#include "backbone.h"
#include "fixture.h"
#include "message.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const char yaml[] =
    "name: t\nas: 64500\nigp: [isis-1, isis-2]\nipv6_topology: 2\n"
    "loopbacks: {ipv4: 10.255.0.0/24, ipv6: \"2001:db8:ff::/64\"}\n"
    "interfaces: {ipv4: 10.254.0.0/24}\n"
    "routers: [{name: a}, {name: b}, {name: c}, {name: d, igp: isis-2}]\n"
    "links:\n"
    "  - {a: a, b: b, metric: 10, delay: 100}\n"
    "  - {a: b, b: c, metric: 10, delay: 100}\n"
    "  - {a: b, b: a, metric: 10, delay: 200}\n"
    "  - {a: c, b: d, metric: 10}\n"
    "lans:\n  - {name: lan, designated: c, igp: isis-2, metric: 5, members: [a, c, d]}\n"
    "prefixes:\n"
    "  - {routers: [a, b], prefixes: [10.1.0.0/16, \"2001:db8:1::/48\"], metric: 5}\n"
    "  - {routers: c, prefixes: 10.2.0.0/16 split 24}\n"
    "reflectors:\n"
    "  - {name: x, listen: \"127.0.0.1:1\", router_id: 1.1.1.1}\n"
    "  - {name: y, listen: \"127.0.0.1:2\", router_id: 1.1.1.2, families: [ipv4, ipv6]}\n"
    "routes:\n"
    "  - {routers: [a, b], prefixes: [198.18.0.0/24, \"2001:db8:2::/48\"], as_path: 64511}\n"
    "  - {routers: c, prefixes: 198.18.0.0/24, as_path: 64512, favourite_of: y}\n"
    "  - {routers: d, prefixes: 198.18.0.0/16 split 24 skip 1, as_path: [64511, 64513]}\n"
    "  - {routers: c, prefixes: 198.18.7.0/24, as_path: [64511, 64513], local_pref: 90}\n"
    "  - {routers: b, prefixes: \"2001:db8:3::/48\", reflectors: y}\n";

enum { SLOTS = 2 * FAMILIES }; // of the updates of two reflectors

static struct backbone *backbone_of(void)
{
    return backbone_new(fixture_load(yaml));
}

// ---- the oracle

struct entry {
    bool withdrawn;
    uint8_t family, nlri[400], attributes[1000];
    size_t nlri_length, attributes_length;
};

struct view {
    struct entry list[2000];
    size_t count;
};

static struct entry *view_find(struct view *view, uint8_t family, const uint8_t *nlri,
                               size_t length)
{
    struct entry *entry = view->list;

    for (; entry < view->list + view->count; entry++) {
        if (entry->family == family && entry->nlri_length == length &&
            memcmp(entry->nlri, nlri, length) == 0)
            return entry;
    }
    ck_assert_uint_lt(view->count, 2000);
    view->count++;
    entry->family = family;
    entry->nlri_length = length;
    memcpy(entry->nlri, nlri, length);
    return entry;
}

static size_t be16(const uint8_t *at)
{
    return (size_t)(at[0] << 8 | at[1]);
}

/* family: 4, 6, or 0 for link state. */
static void view_nlris(struct view *view, uint8_t family, const uint8_t *at, size_t length,
                       const uint8_t *attributes, size_t attributes_length)
{
    for (const uint8_t *end = at + length; at < end;) {
        size_t own = family ? 1 + (at[0] + 7u) / 8 : 4 + be16(at + 2);
        struct entry *entry = view_find(view, family, at, own);

        ck_assert_uint_le(own, (size_t)(end - at));
        entry->withdrawn = !attributes;
        entry->attributes_length = attributes_length;
        if (attributes)
            memcpy(entry->attributes, attributes, attributes_length);
        at += own;
    }
}

/* MP attributes stand first, as message.c says. */
static void view_update(struct view *view, const uint8_t *body)
{
    size_t withdrawn = be16(body), total = be16(body + 2 + withdrawn);
    const uint8_t *attributes = body + 4 + withdrawn;
    uint8_t type = total ? attributes[1] : 0;

    if (type == 14 || type == 15) {
        size_t mp = be16(attributes + 2), afi = be16(attributes + 4);
        uint8_t family = afi == 16388 ? 0 : afi == 2 ? 6 : 4;
        size_t head = type == 14 ? 3 + 1 + attributes[7] + 1u : 3;

        view_nlris(view, family, attributes + 4 + head, mp - head,
                   type == 14 ? attributes + 4 + mp : NULL, total - 4 - mp);
        return;
    }
    view_nlris(view, 4, body + 2, withdrawn, NULL, 0);
}

static void view_take(struct view *view, const struct blob *blob)
{
    for (size_t at = 0; at < blob->length; at += be16(blob->bytes + at + 16)) {
        const uint8_t *body = blob->bytes + at + MESSAGE_HEADER;
        size_t length = be16(blob->bytes + at + 16) - MESSAGE_HEADER;
        size_t withdrawn = be16(body), total = be16(body + 2 + withdrawn);

        ck_assert_uint_eq(blob->bytes[at + 18], MESSAGE_UPDATE);
        view_update(view, body);
        if (length > 4 + withdrawn + total)
            view_nlris(view, 4, body + 4 + withdrawn + total, length - 4 - withdrawn - total,
                       body + 4 + withdrawn, total);
    }
}

static void view_take_table(struct view *view, struct backbone *backbone, size_t reflector)
{
    for (enum family family = 0; family < FAMILIES; family++) {
        if (!backbone_scenario(backbone)->reflectors[reflector].families[family])
            continue;
        struct blob *blob = backbone_table(backbone, reflector, family);

        view_take(view, blob);
        blob_unref(blob);
    }
}

static size_t view_present(const struct view *view)
{
    size_t count = 0;

    for (size_t i = 0; i < view->count; i++)
        count += !view->list[i].withdrawn;
    return count;
}

static void views_are_equal(struct view *increments, struct view *table)
{
    ck_assert_uint_eq(view_present(increments), view_present(table));
    for (size_t i = 0; i < table->count; i++) {
        const struct entry *wanted = &table->list[i];
        const struct entry *got =
            view_find(increments, wanted->family, wanted->nlri, wanted->nlri_length);

        ck_assert(!got->withdrawn);
        ck_assert_uint_eq(got->attributes_length, wanted->attributes_length);
        ck_assert_mem_eq(got->attributes, wanted->attributes, wanted->attributes_length);
    }
}

// ---- exact increments

struct counts {
    size_t announced, withdrawn;
};

/* What settling says in one family of one reflector. */
static struct counts settle(struct backbone *backbone, size_t reflector, enum family family)
{
    struct blob *updates[SLOTS];
    struct view *view = memory_alloc(1, sizeof *view);
    struct counts counts = {0};

    backbone_settle(backbone, updates);
    if (updates[reflector * FAMILIES + family])
        view_take(view, updates[reflector * FAMILIES + family]);
    counts.announced = view_present(view);
    counts.withdrawn = view->count - counts.announced;
    for (size_t i = 0; i < SLOTS; i++)
        blob_unref(updates[i]);
    free(view);
    return counts;
}

#define EXPECT(backbone, reflector, family, a, w)                                                  \
    do {                                                                                           \
        struct counts counts = settle((backbone), (reflector), (family));                          \
        ck_assert_uint_eq(counts.announced, (a));                                                  \
        ck_assert_uint_eq(counts.withdrawn, (w));                                                  \
    } while (0)

enum { A, B, C, D, LAN };

START_TEST(nothing_changed_says_nothing)
{
    struct backbone *backbone = backbone_of();
    struct blob *updates[SLOTS];
    struct error err;

    backbone_settle(backbone, updates);
    for (size_t i = 0; i < SLOTS; i++)
        ck_assert_ptr_null(updates[i]);
    // what is already so is no change
    ck_assert(backbone_set_link_value(backbone, A, B, 1, false, LINK_METRIC, 10, &err));
    EXPECT(backbone, 0, FAMILY_LS, 0, 0);
    backbone_free(backbone);
}
END_TEST

/* Every link is in two levels and two topologies, so a half-link is four NLRIs. */
START_TEST(a_metric_announces_its_half_links)
{
    struct backbone *backbone = backbone_of();
    struct error err;

    ck_assert(backbone_set_link_value(backbone, A, B, 1, true, LINK_METRIC, 11, &err));
    EXPECT(backbone, 0, FAMILY_LS, 4, 0);
    ck_assert(backbone_set_link_value(backbone, B, A, 2, false, LINK_METRIC, 11, &err));
    EXPECT(backbone, 0, FAMILY_LS, 8, 0);
    ck_assert(backbone_set_link_value(backbone, A, B, ALL_LINKS, false, LINK_DELAY, 12, &err));
    EXPECT(backbone, 0, FAMILY_LS, 16, 0);
    ck_assert(backbone_set_link_value(backbone, A, LAN, 1, true, LINK_METRIC, 12, &err));
    EXPECT(backbone, 0, FAMILY_LS, 2, 0);
    backbone_free(backbone);
}
END_TEST

START_TEST(a_link_down_withdraws_both_half_links)
{
    struct backbone *backbone = backbone_of();
    struct error err;

    ck_assert(backbone_set_link_down(backbone, A, B, 2, true, &err));
    EXPECT(backbone, 0, FAMILY_LS, 0, 8);
    ck_assert(backbone_set_link_value(backbone, A, B, 2, false, LINK_METRIC, 33, &err));
    EXPECT(backbone, 0, FAMILY_LS, 0, 0); // silent while it is down
    ck_assert(backbone_set_link_down(backbone, A, B, ALL_LINKS, false, &err));
    EXPECT(backbone, 0, FAMILY_LS, 8, 0);
    backbone_free(backbone);
}
END_TEST

START_TEST(a_router_down_takes_everything_of_it)
{
    struct backbone *backbone = backbone_of();

    // a: 2 nodes, 2 links of 8, 2 half-links to the LAN in 2 topologies, 2 loopbacks and 2 prefixes in 2 levels
    backbone_set_router_down(backbone, A, true);
    EXPECT(backbone, 0, FAMILY_LS, 0, 2 + 16 + 4 + 8);
    backbone_set_router_down(backbone, A, false);
    EXPECT(backbone, 0, FAMILY_LS, 2 + 16 + 4 + 8, 0);
    // its routes go to the next best
    backbone_set_router_down(backbone, A, true);
    EXPECT(backbone, 0, FAMILY_IPV4, 1, 0);
    backbone_set_router_down(backbone, A, false);
    EXPECT(backbone, 1, FAMILY_IPV4, 0, 0); // y prefers c there
    backbone_set_router_down(backbone, D, true);
    EXPECT(backbone, 0, FAMILY_IPV4, 1, 254); // one of the 255 has another route
    backbone_free(backbone);
}
END_TEST

START_TEST(an_overload_announces_the_node)
{
    struct backbone *backbone = backbone_of();

    backbone_set_overload(backbone, B, true);
    EXPECT(backbone, 0, FAMILY_LS, 2, 0);
    backbone_set_overload(backbone, D, true);
    EXPECT(backbone, 0, FAMILY_LS, 1, 0);
    backbone_free(backbone);
}
END_TEST

static struct net net_of(const char *text)
{
    struct net net = {0};

    ck_assert(net_parse_prefix(text, &net));
    return net;
}

START_TEST(a_prefix_moves)
{
    struct backbone *backbone = backbone_of();
    const struct net igp = net_of("10.1.0.0/16"), bgp = net_of("198.18.0.0/24");
    struct error err;

    ck_assert(backbone_move_prefix(backbone, &igp, D, &err)); // d is of level 2 only
    EXPECT(backbone, 0, FAMILY_LS, 1, 4);
    ck_assert(backbone_move_prefix(backbone, &igp, A, &err));
    EXPECT(backbone, 0, FAMILY_LS, 2, 1);
    ck_assert(backbone_move_prefix(backbone, &bgp, D, &err));
    EXPECT(backbone, 1, FAMILY_IPV4, 1, 0);
    ck_assert(backbone_withdraw_prefix(backbone, &bgp, D, true, &err));
    EXPECT(backbone, 1, FAMILY_IPV4, 0, 1);
    ck_assert(backbone_withdraw_prefix(backbone, &bgp, SIZE_MAX, false, &err));
    EXPECT(backbone, 1, FAMILY_IPV4, 1, 0);
    ck_assert(backbone_withdraw_prefix(backbone, &igp, B, false, &err));
    EXPECT(backbone, 0, FAMILY_LS, 2, 0);
    backbone_free(backbone);
}
END_TEST

START_TEST(what_is_not_there_is_named)
{
    struct backbone *backbone = backbone_of();
    const struct net unknown = net_of("10.99.0.0/16"), igp = net_of("10.1.0.0/16");
    struct error err;

    ck_assert(!backbone_set_link_value(backbone, A, C, ALL_LINKS, false, LINK_METRIC, 1, &err));
    ck_assert_str_eq(err.text, "no link between a and c");
    ck_assert(!backbone_set_link_down(backbone, A, B, 3, true, &err));
    ck_assert_str_eq(err.text, "no link 3 between a and b");
    ck_assert(!backbone_move_prefix(backbone, &unknown, A, &err));
    ck_assert_str_eq(err.text, "no prefix 10.99.0.0/16 there");
    ck_assert(!backbone_move_prefix(backbone, &igp, LAN, &err));
    ck_assert_str_eq(err.text, "lan is a LAN; a router expected");
    ck_assert(!backbone_withdraw_prefix(backbone, &igp, C, true, &err));
    ck_assert_str_eq(err.text, "no prefix 10.1.0.0/16 there");
    backbone_free(backbone);
}
END_TEST

// ---- increments add up

static void change_at_random(struct backbone *backbone, unsigned *seed)
{
    static const char *const prefixes[] = {"10.1.0.0/16",   "2001:db8:1::/48", "10.2.3.0/24",
                                           "198.18.0.0/24", "198.18.7.0/24",   "2001:db8:2::/48"};
    const struct net prefix = net_of(prefixes[rand_r(seed) % 6]);
    const size_t router = (size_t)(rand_r(seed) % 4), other = (size_t)(rand_r(seed) % 5);
    const bool yes = rand_r(seed) % 2;
    const unsigned index = (unsigned)(rand_r(seed) % 3);
    struct error err;

    switch (rand_r(seed) % 6) { // no link there, and the like, is no change
    case 0:
        (void)backbone_set_link_value(backbone, router, other, index, yes, LINK_METRIC,
                                      (uint64_t)(rand_r(seed) % 3), &err);
        break;
    case 1:
        (void)backbone_set_link_down(backbone, router, other, index, yes, &err);
        break;
    case 2:
        backbone_set_router_down(backbone, router, yes);
        break;
    case 3:
        backbone_set_overload(backbone, router, yes);
        break;
    case 4:
        (void)backbone_move_prefix(backbone, &prefix, router, &err);
        break;
    default:
        (void)backbone_withdraw_prefix(backbone, &prefix, other < 4 ? router : SIZE_MAX, yes, &err);
    }
}

START_TEST(increments_add_up_to_the_table)
{
    struct backbone *backbone = backbone_of();
    struct view *views = memory_alloc(2, sizeof *views);
    struct blob *updates[SLOTS];
    unsigned seed = (unsigned)_i;

    view_take_table(&views[0], backbone, 0);
    view_take_table(&views[1], backbone, 1);
    for (int step = 0; step < 60; step++) {
        change_at_random(backbone, &seed);
        if (step % 3 == 0)
            continue; // several changes, one settling
        backbone_settle(backbone, updates);
        for (size_t i = 0; i < SLOTS; i++) {
            if (updates[i])
                view_take(&views[i / FAMILIES], updates[i]);
            blob_unref(updates[i]);
        }
        for (size_t r = 0; step % 10 == 1 && r < 2; r++) {
            struct view *table = memory_alloc(1, sizeof *table);

            view_take_table(table, backbone, r);
            views_are_equal(&views[r], table);
            free(table);
        }
    }
    free(views);
    backbone_free(backbone);
}
END_TEST

START_TEST(an_attribute_may_be_empty)
{
    static const uint8_t empty[] = {0x80, 29, 0}; // attribute 29: optional, without a TLV
    struct backbone *backbone = backbone_new(
        fixture_load("name: t\nas: 64500\nigp: isis-2\nrouters: [{name: a, ipv4: 10.0.0.1}]\n"
                     "prefixes: [{routers: a, prefixes: 10.3.0.0/16, metric: none, "
                     "igp_flags: none, flags: none}]\n"
                     "reflectors: [{name: x, listen: \"127.0.0.1:1\", router_id: 1.1.1.1}]\n"));
    struct blob *table = backbone_table(backbone, 0, FAMILY_LS);

    ck_assert_ptr_nonnull(memmem(table->bytes, table->length, empty, sizeof empty));
    blob_unref(table);
    backbone_free(backbone);
}
END_TEST

START_TEST(a_table_holds_what_is_counted)
{
    struct backbone *backbone = backbone_of();
    struct view *view = memory_alloc(1, sizeof *view);

    view_take_table(view, backbone, 1);
    ck_assert_uint_eq(backbone_count(backbone, 1, FAMILY_IPV4), 256);
    ck_assert_uint_eq(backbone_count(backbone, 1, FAMILY_IPV6), 2);
    ck_assert_uint_eq(backbone_count(backbone, 0, FAMILY_IPV6), 1); // one is heard by y only
    ck_assert_uint_eq(view->count, 258);
    free(view);
    backbone_free(backbone);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lab backbone");
    TCase *cases = tcase_create("cases");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, cases);
    tcase_add_test(cases, nothing_changed_says_nothing);
    tcase_add_test(cases, a_metric_announces_its_half_links);
    tcase_add_test(cases, a_link_down_withdraws_both_half_links);
    tcase_add_test(cases, a_router_down_takes_everything_of_it);
    tcase_add_test(cases, an_overload_announces_the_node);
    tcase_add_test(cases, a_prefix_moves);
    tcase_add_test(cases, what_is_not_there_is_named);
    tcase_add_loop_test(cases, increments_add_up_to_the_table, 0, 30);
    tcase_add_test(cases, an_attribute_may_be_empty);
    tcase_add_test(cases, a_table_holds_what_is_counted);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
