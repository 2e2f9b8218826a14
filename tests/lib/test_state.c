/* What one change set does to state.db, row by row. */
#include "lib/state.h"
#include "state_fixture.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct arena *arena;
static char *folder, *path;
static struct state_writer *writer;
static int64_t now_us;

static void reopen(void)
{
    struct error err;

    state_writer_close(writer);
    writer = state_writer_open(&(struct state_writer_options){.path = path}, &err);
    ck_assert_msg(writer, "%s", err.text);
}

static void set_up(void)
{
    arena = arena_new();
    folder = folder_new();
    path = path_in(arena, folder, "state.db");
    now_us = INT64_C(1700000000000000);
    reopen();
}

static void tear_down(void)
{
    state_writer_close(writer);
    writer = NULL;
    folder_remove(folder);
    arena_free(arena);
}

static struct error failure; // what `must` shows

static void must(bool ok)
{
    ck_assert_msg(ok, "%s", failure.text);
}

static void begin(void)
{
    now_us += 1000;
    must(state_begin(writer, now_us, &failure));
}

static uint64_t commit(void)
{
    uint64_t sequence = 0;

    must(state_commit(writer, false, &sequence, &failure));
    return sequence;
}

static int64_t put_peer(const char *name, int64_t peer_id)
{
    struct peer peer = {.peer_id = peer_id,
                        .name = name,
                        .address = "192.0.2.1",
                        .configured = true,
                        .state = PEER_UP,
                        .since_us = 1};
    int64_t found = 0;

    must(state_put_peer(writer, &peer, &found, &failure));
    return found;
}

static void put_route(int64_t peer_id, unsigned key, unsigned variant)
{
    struct route route = make_route(arena, peer_id, key, variant);

    must(state_put_route(writer, &route, &failure));
}

static void put_node(int64_t peer_id, unsigned key, unsigned variant)
{
    struct ls_node node = make_node(arena, peer_id, key, variant);

    must(state_put_node(writer, &node, &failure));
}

static const char *sql(const char *query)
{
    const char *answer = ask(arena, path, query);

    return answer ? answer : "NULL";
}

START_TEST(equal_content_takes_no_sequence)
{
    begin();
    put_peer("rr1", 0);
    put_route(1, 5, 3);
    put_node(1, 1, 2);
    struct ls_link link = make_link(arena, 1, 3, 12345);
    must(state_put_link(writer, &link, &failure));
    struct ls_prefix prefix = make_ls_prefix(arena, 1, 3, 5);
    must(state_put_prefix(writer, &prefix, &failure));
    struct octets opaque = make_opaque(arena, 1);
    must(state_put_opaque(writer, 1, opaque, (struct octets){0}, &failure));
    ck_assert_uint_eq(commit(), 1);

    begin();
    put_peer("rr1", 0);
    put_route(1, 5, 3);
    put_node(1, 1, 2);
    must(state_put_link(writer, &link, &failure));
    must(state_put_prefix(writer, &prefix, &failure));
    must(state_put_opaque(writer, 1, opaque, (struct octets){0}, &failure));
    ck_assert_uint_eq(commit(), 1);
    ck_assert_str_eq(sql("SELECT count(*) FROM sequence"), "1");

    begin();
    put_node(1, 1, 3);
    ck_assert_uint_eq(commit(), 2);
    ck_assert_str_eq(sql("SELECT group_concat(sequence) FROM (SELECT sequence FROM ls_node UNION "
                         "ALL SELECT sequence FROM route)"),
                     "2,1");
}
END_TEST

START_TEST(a_heartbeat_is_a_sequence_and_nothing_else)
{
    uint64_t sequence;

    begin();
    must(state_commit(writer, true, &sequence, &failure));
    ck_assert_uint_eq(sequence, 1);
    ck_assert_str_eq(sql("SELECT time_us FROM sequence"), "1700000000001000");
}
END_TEST

START_TEST(meters_take_no_sequence)
{
    must(state_put_meter(writer, "queue.depth", "", 7, 1, &failure));
    begin();
    must(state_put_meter(writer, "queue.depth", "", 8, 2, &failure));
    ck_assert_uint_eq(commit(), 0);
    ck_assert_str_eq(sql("SELECT value || ' ' || time_us FROM meter WHERE peer = ''"), "8 2");
}
END_TEST

START_TEST(attribute_sets_are_kept_once_and_go_with_their_last_route)
{
    begin();
    for (unsigned key = 0; key < 8; key++)
        put_route(1, 4 * key + 1, 3);
    commit();
    ck_assert_str_eq(sql("SELECT count(*) FROM attributes"), "1");
    begin();
    for (unsigned key = 0; key < 8; key++)
        put_route(1, 4 * key + 1, key == 0 ? 4 : 5);
    commit();
    ck_assert_str_eq(sql("SELECT group_concat(attributes_id) FROM attributes"), "2,3");

    reopen(); // counts are made anew from the file
    begin();
    struct route route = make_route(arena, 1, 1, 4);
    must(state_delete_route(writer, 1, &route.prefix, route.path_id, &failure));
    put_route(1, 5, 6);
    commit();
    // 2 is gone, and neither it nor 3 is used for the new set
    ck_assert_str_eq(sql("SELECT group_concat(attributes_id) FROM attributes"), "3,4");
}
END_TEST

START_TEST(a_set_that_is_used_again_before_the_commit_stays)
{
    begin();
    put_route(1, 1, 3);
    commit();
    begin();
    put_route(1, 1, 4);
    put_route(1, 1, 3);
    put_route(1, 1, 4);
    put_route(1, 1, 3);
    commit();
    ck_assert_str_eq(sql("SELECT group_concat(attributes_id) FROM attributes"), "1");
    ck_assert_str_eq(sql("SELECT attributes_id FROM route"), "1");
}
END_TEST

START_TEST(announcing_again_removes_the_tombstone)
{
    struct ls_node node = make_node(arena, 1, 1, 1);
    struct route route = make_route(arena, 1, 7, 1);

    begin();
    put_node(1, 1, 1);
    put_route(1, 7, 1);
    commit();
    begin();
    must(state_delete_ls(writer, 1, node.nlri, &failure));
    must(state_delete_route(writer, 1, &route.prefix, route.path_id, &failure));
    must(state_delete_route(writer, 1, &route.prefix, route.path_id, &failure)); // no fault
    commit();
    ck_assert_str_eq(sql("SELECT group_concat(kind || ' ' || sequence) FROM tombstone"),
                     "ls_node 2,route 2");
    ck_assert_str_eq(sql("SELECT key FROM tombstone WHERE kind = 'route'"), "2001:db8:7::/48");
    begin();
    put_node(1, 1, 1);
    put_route(1, 7, 1);
    ck_assert_uint_eq(commit(), 3);
    ck_assert_str_eq(sql("SELECT count(*) FROM tombstone"), "0");
    ck_assert_str_eq(sql("SELECT sequence FROM route"), "3");
}
END_TEST

START_TEST(l093_without_attribute_29_keeps_the_last_known)
{
    begin();
    put_node(1, 1, 1);
    commit();
    begin();
    put_node(1, 1, 0);
    ck_assert_uint_eq(commit(), 2);
    ck_assert_str_eq(sql("SELECT has_attributes || name || sequence FROM ls_node"), "0mad-cr12");
    begin();
    put_node(1, 1, 0);
    ck_assert_uint_eq(commit(), 2); // said once
    begin();
    put_node(1, 2, 0);
    commit();
    ck_assert_str_eq(sql("SELECT has_attributes || coalesce(name, 'none') FROM ls_node "
                         "WHERE sequence = 3"),
                     "0none");
}
END_TEST

START_TEST(l094_an_empty_attribute_29_clears)
{
    struct ls_node node = make_node(arena, 1, 1, 0);

    begin();
    put_node(1, 1, 1);
    commit();
    begin();
    node.has_attributes = true;
    must(state_put_node(writer, &node, &failure));
    commit();
    ck_assert_str_eq(sql("SELECT has_attributes || coalesce(name, ' none') FROM ls_node"),
                     "1 none");
}
END_TEST

static bool keep_even(void *context, const struct state_key *key)
{
    (void)context;
    return key->nlri.length ? key->nlri.bytes[key->nlri.length - 1] % 2 == 0
                            : key->prefix.bytes[2] % 2 == 0;
}

START_TEST(a_sweep_takes_what_is_not_kept_of_one_family_of_one_peer)
{
    uint64_t swept;

    begin();
    for (unsigned key = 0; key < 16; key++) {
        put_route(1, key, 1);
        put_route(2, key, 1);
        put_node(1, key, 1);
    }
    commit();
    begin();
    must(state_sweep(writer, 1, STATE_IPV4_UNICAST, keep_even, NULL, &swept, &failure));
    ck_assert_uint_eq(swept, 4); // of 12: every fourth key is IPv6
    must(state_sweep(writer, 1, STATE_IPV6_UNICAST, NULL, NULL, &swept, &failure));
    ck_assert_uint_eq(swept, 4);
    must(state_sweep(writer, 1, STATE_LINK_STATE, keep_even, NULL, &swept, &failure));
    ck_assert_uint_eq(swept, 8);
    ck_assert_uint_eq(commit(), 2);
    ck_assert_str_eq(sql("SELECT count(*) FROM route WHERE peer_id = 1"), "8");
    ck_assert_str_eq(sql("SELECT count(*) FROM route WHERE peer_id = 2"), "16");
    ck_assert_str_eq(sql("SELECT count(*) FROM tombstone"), "16");
}
END_TEST

START_TEST(a_peer_keeps_its_number_and_leaves_one_tombstone)
{
    int64_t next;

    begin();
    ck_assert_int_eq(put_peer("rr1", 0), 1);
    ck_assert_int_eq(put_peer("rr2", 7), 7);
    ck_assert_int_eq(put_peer("rr1", 3), 1);
    must(state_next_peer_id(writer, &next, &failure));
    ck_assert_int_eq(next, 8);
    put_route(7, 1, 1);
    put_route(7, 2, 2);
    put_route(1, 1, 1);
    struct peer_family family = {.peer_id = 7, .family = STATE_IPV4_UNICAST};
    must(state_put_peer_family(writer, &family, &failure));
    commit();
    begin();
    must(state_delete_peer(writer, 7, &failure));
    must(state_delete_peer(writer, 7, &failure)); // no fault
    ck_assert_int_eq(put_peer("rr3", 0), 8);      // 7 is not used again
    commit();
    ck_assert_str_eq(sql("SELECT group_concat(kind || peer_id) FROM tombstone"), "peer7");
    ck_assert_str_eq(sql("SELECT count(*) FROM route"), "1");
    ck_assert_str_eq(sql("SELECT count(*) FROM attributes"), "1");
    ck_assert_str_eq(sql("SELECT count(*) FROM peer_family"), "0");
}
END_TEST

START_TEST(deleting_a_family_takes_its_row_too)
{
    begin();
    put_peer("rr1", 0);
    for (int family = 0; family < STATE_FAMILIES; family++) {
        struct peer_family row = {.peer_id = 1, .family = (enum state_family)family};
        must(state_put_peer_family(writer, &row, &failure));
    }
    put_route(1, 1, 1);
    put_node(1, 1, 1);
    commit();
    begin();
    must(state_delete_family(writer, 1, STATE_LINK_STATE, &failure));
    commit();
    ck_assert_str_eq(sql("SELECT group_concat(family) FROM peer_family"),
                     "ipv4-unicast,ipv6-unicast");
    ck_assert_str_eq(sql("SELECT count(*) FROM ls_node"), "0");
    ck_assert_str_eq(sql("SELECT count(*) FROM route"), "1");
}
END_TEST

START_TEST(tombstones_and_sequences_are_pruned_after_their_time)
{
    struct route route = make_route(arena, 1, 1, 1);
    uint64_t sequence;

    begin();
    put_route(1, 1, 1);
    commit();
    begin();
    must(state_delete_route(writer, 1, &route.prefix, route.path_id, &failure));
    commit();
    for (int i = 0; i < 1500; i++) {
        begin();
        must(state_commit(writer, true, &sequence, &failure));
    }
    must(state_maintain(writer, now_us, &failure)); // young
    ck_assert_str_eq(sql("SELECT count(*) FROM tombstone"), "1");
    now_us += INT64_C(3601000000);
    must(state_maintain(writer, now_us, &failure));
    ck_assert_str_eq(sql("SELECT count(*) FROM tombstone"), "0");
    ck_assert_str_eq(sql("SELECT floor FROM meta"), "502");
    ck_assert_str_eq(sql("SELECT min(sequence) || ' ' || count(*) FROM sequence"), "503 1000");
}
END_TEST

START_TEST(a_rollback_leaves_nothing_in_file_or_memory)
{
    begin();
    put_route(1, 1, 1);
    commit();
    begin();
    put_route(1, 1, 2);
    put_route(1, 2, 3);
    state_rollback(writer);
    begin();
    put_route(1, 2, 2);
    put_route(1, 1, 2);
    ck_assert_uint_eq(commit(), 2);
    ck_assert_str_eq(sql("SELECT count(*) FROM attributes"), "1");
    ck_assert_str_eq(sql("SELECT count(*) FROM route JOIN attributes USING (attributes_id)"), "2");
}
END_TEST

START_TEST(the_present_peers_are_read_for_the_start)
{
    struct peer *peers;
    struct peer_family *families;
    size_t peer_count, family_count;

    begin();
    put_peer("rr1", 0);
    struct peer_family row = {.peer_id = 1,
                              .family = STATE_LINK_STATE,
                              .source = SOURCE_GRPC,
                              .stale = true,
                              .stale_since_us = 5,
                              .end_of_rib = END_OF_RIB_ASSUMED,
                              .end_of_rib_us = 6,
                              .faulty = "too many"};
    must(state_put_peer_family(writer, &row, &failure));
    must(state_put_local_asn(writer, 64500, &failure));
    commit();
    must(
        state_writer_peers(writer, arena, &peers, &peer_count, &families, &family_count, &failure));
    ck_assert_uint_eq(peer_count, 1);
    ck_assert_str_eq(peers[0].name, "rr1");
    ck_assert_ptr_null(peers[0].last_error);
    ck_assert_uint_eq(family_count, 1);
    ck_assert_int_eq(families[0].source, SOURCE_GRPC);
    ck_assert_int_eq(families[0].end_of_rib, END_OF_RIB_ASSUMED);
    ck_assert_int_eq(families[0].stale_since_us, 5);
    ck_assert_str_eq(families[0].faulty, "too many");
    ck_assert_str_eq(sql("SELECT local_asn FROM meta"), "64500");
}
END_TEST

static const struct {
    uint8_t protocol;
    const char *bytes;
    size_t length;
    const char *text;
} router_ids[] = {
    {2, "\x01\0\0\0\0\x04", 6, "0100.0000.0004"},
    {2, "\x01\0\0\0\0\x04\0", 7, "0100.0000.0004"},    // L-021: the router itself
    {1, "\x01\0\0\0\0\x04\1", 7, "0100.0000.0004-01"}, // a pseudonode
    {3, "\x0a\0\0\1", 4, "10.0.0.1"},
    {3, "\x0a\0\0\1\xc0\0\2\1", 8, "10.0.0.1:192.0.2.1"},
    {6, "\x0a\0\0\1\0\0\0\5", 8, "10.0.0.1:0.0.0.5"}, // L-146
    {4, "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16, "2001:db8::1"},
    {2, "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16, "20010db8000000000000000000000001"},
    {2, "\1\2\3\4\5\6\7\x08", 8, "0102030405060708"}, // IS-IS has no such node
    {2, "\1\2\3", 3, "010203"},
};

START_TEST(l021_router_ids_are_written_by_length)
{
    char text[ROUTER_ID_TEXT_SIZE];

    ck_assert_str_eq(ls_router_id_format(router_ids[_i].protocol,
                                         (const uint8_t *)router_ids[_i].bytes,
                                         router_ids[_i].length, text),
                     router_ids[_i].text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("state");
    TCase *rows = tcase_create("rows");

    tcase_add_checked_fixture(rows, set_up, tear_down);
    tcase_add_test(rows, equal_content_takes_no_sequence);
    tcase_add_test(rows, a_heartbeat_is_a_sequence_and_nothing_else);
    tcase_add_test(rows, meters_take_no_sequence);
    tcase_add_test(rows, attribute_sets_are_kept_once_and_go_with_their_last_route);
    tcase_add_test(rows, a_set_that_is_used_again_before_the_commit_stays);
    tcase_add_test(rows, announcing_again_removes_the_tombstone);
    tcase_add_test(rows, l093_without_attribute_29_keeps_the_last_known);
    tcase_add_test(rows, l094_an_empty_attribute_29_clears);
    tcase_add_test(rows, a_sweep_takes_what_is_not_kept_of_one_family_of_one_peer);
    tcase_add_test(rows, a_peer_keeps_its_number_and_leaves_one_tombstone);
    tcase_add_test(rows, deleting_a_family_takes_its_row_too);
    tcase_add_test(rows, tombstones_and_sequences_are_pruned_after_their_time);
    tcase_add_test(rows, a_rollback_leaves_nothing_in_file_or_memory);
    tcase_add_test(rows, the_present_peers_are_read_for_the_start);
    suite_add_tcase(suite, rows);
    TCase *words = tcase_create("words");
    tcase_add_loop_test(words, l021_router_ids_are_written_by_length, 0,
                        sizeof router_ids / sizeof *router_ids);
    suite_add_tcase(suite, words);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
