/* A reader that applies increments holds what a reader of everything holds, and both hold the truth. */
#include "lib/state.h"
#include "state_fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEEDS = 40, ROUNDS = 60, KEYS = 24, PEERS = 3 };

/* What should be there, by rules that need no database. */
struct oracle {
    struct {
        bool is_present, has_attributes;
        unsigned variant; // of the last attributes that came; 0: none yet
    } objects[PEERS + 1][OBJECT_OPAQUE][KEYS];
};

struct world {
    struct arena *arena;
    uint64_t random;
    struct oracle oracle;
    struct state_writer *writer;
    char *path;
    int64_t now_us;
    bool is_alive[PEERS + 1];
    int64_t peer_ids[PEERS + 1]; // changes when a peer goes and returns
};

static struct error failure;

static void must(bool ok)
{
    ck_assert_msg(ok, "%s", failure.text);
}

static void open_writer(struct world *world)
{
    state_writer_close(world->writer);
    world->writer = state_writer_open(
        &(struct state_writer_options){.path = world->path, .keep_tombstones_us = 1000000},
        &failure);
    must(world->writer);
}

static void put_peer(struct world *world, unsigned peer)
{
    struct peer row = {.name = arena_format(world->arena, "rr%u", peer),
                       .address = "192.0.2.1",
                       .configured = true,
                       .since_us = world->now_us};

    must(state_put_peer(world->writer, &row, &world->peer_ids[peer], &failure));
    world->is_alive[peer] = true;
}

static void put(struct world *world, unsigned peer, enum state_object kind, unsigned key)
{
    unsigned variant = random_below(&world->random, 4) ? random_below(&world->random, 20000) : 0;
    int64_t id = world->peer_ids[peer];
    bool has_attributes = variant != 0 || kind == OBJECT_ROUTE;

    if (kind == OBJECT_ROUTE) {
        struct route route = make_route(world->arena, id, key, variant);
        must(state_put_route(world->writer, &route, &failure));
    } else if (kind == OBJECT_NODE) {
        struct ls_node node = make_node(world->arena, id, key, variant);
        must(state_put_node(world->writer, &node, &failure));
    } else if (kind == OBJECT_LINK) {
        struct ls_link link = make_link(world->arena, id, key, variant);
        must(state_put_link(world->writer, &link, &failure));
    } else {
        struct ls_prefix prefix = make_ls_prefix(world->arena, id, key, variant);
        must(state_put_prefix(world->writer, &prefix, &failure));
    }
    bool was_present = world->oracle.objects[peer][kind][key].is_present;
    world->oracle.objects[peer][kind][key].is_present = true;
    world->oracle.objects[peer][kind][key].has_attributes = has_attributes;
    if (has_attributes || !was_present) // L-093
        world->oracle.objects[peer][kind][key].variant = variant;
}

static struct state_key key_of(struct world *world, enum state_object kind, unsigned key)
{
    if (kind == OBJECT_ROUTE) {
        struct route route = make_route(world->arena, 1, key, 1);
        return (struct state_key){.prefix = route.prefix, .path_id = route.path_id};
    }
    if (kind == OBJECT_NODE)
        return (struct state_key){.nlri = make_node(world->arena, 1, key, 0).nlri};
    if (kind == OBJECT_LINK)
        return (struct state_key){.nlri = make_link(world->arena, 1, key, 0).nlri};
    return (struct state_key){.nlri = make_ls_prefix(world->arena, 1, key, 0).nlri};
}

static void take(struct world *world, unsigned peer, enum state_object kind, unsigned key)
{
    struct state_key which = key_of(world, kind, key);
    int64_t id = world->peer_ids[peer];

    if (kind == OBJECT_ROUTE)
        must(state_delete_route(world->writer, id, &which.prefix, which.path_id, &failure));
    else
        must(state_delete_ls(world->writer, id, which.nlri, &failure));
    world->oracle.objects[peer][kind][key].is_present = false;
}

/* Keeps what was announced with an odd number of octets' sum: any rule will do that both sides can apply. */
static bool keep(void *context, const struct state_key *key)
{
    unsigned sum = 0;

    (void)context;
    for (size_t i = 0; i < key->nlri.length; i++)
        sum += key->nlri.bytes[i];
    for (size_t i = 0; i < sizeof key->prefix.bytes; i++)
        sum += key->prefix.bytes[i];
    return sum % 2;
}

static void sweep(struct world *world, unsigned peer)
{
    enum state_family family = (enum state_family)random_below(&world->random, STATE_FAMILIES);
    int64_t id = world->peer_ids[peer];
    struct state_sweep *pieces = state_sweep_new(id, family, keep, NULL);
    uint64_t swept = 0, more = 0;
    bool is_done = false;

    while (!is_done)
        must(state_sweep_step(world->writer, pieces, 1 + random_below(&world->random, 4), &is_done,
                              &swept, &failure));
    must(state_sweep(world->writer, id, family, keep, NULL, &more, &failure));
    ck_assert_uint_eq(more, 0); // the pieces left nothing to a sweep in one go
    state_sweep_free(pieces);
    for (unsigned kind = 0; kind < OBJECT_OPAQUE; kind++)
        for (unsigned i = 0; i < KEYS; i++) {
            struct state_key key = key_of(world, kind, i);
            bool is_of_family =
                kind == OBJECT_ROUTE
                    ? (family == STATE_IPV4_UNICAST && key.prefix.family == FAMILY_IPV4) ||
                          (family == STATE_IPV6_UNICAST && key.prefix.family == FAMILY_IPV6)
                    : family == STATE_LINK_STATE;
            if (is_of_family && !keep(NULL, &key))
                world->oracle.objects[peer][kind][i].is_present = false;
        }
}

static void delete_peer(struct world *world, unsigned peer)
{
    must(state_delete_peer(world->writer, world->peer_ids[peer], &failure));
    memset(world->oracle.objects[peer], 0, sizeof world->oracle.objects[peer]);
    world->is_alive[peer] = false;
}

static void change(struct world *world)
{
    unsigned peer = 1 + random_below(&world->random, PEERS);
    unsigned key = random_below(&world->random, KEYS);
    enum state_object kind = (enum state_object)random_below(&world->random, OBJECT_OPAQUE);
    uint32_t what = random_below(&world->random, 100);

    if (!world->is_alive[peer])
        put_peer(world, peer);
    if (what < 65)
        put(world, peer, kind, key);
    else if (what < 97)
        take(world, peer, kind, key);
    else if (what < 99)
        sweep(world, peer);
    else
        delete_peer(world, peer);
}

/* What the oracle says should be read. */
static char *truth(struct world *world)
{
    struct picture *picture = picture_new();
    struct arena *arena = world->arena;

    for (unsigned peer = 1; peer <= PEERS; peer++)
        for (unsigned kind = 0; kind < OBJECT_OPAQUE; kind++)
            for (unsigned i = 0; i < KEYS; i++) {
                struct state_key key = key_of(world, kind, i);
                unsigned variant = world->oracle.objects[peer][kind][i].variant;
                bool has_attributes = world->oracle.objects[peer][kind][i].has_attributes;
                char *text = NULL;
                if (!world->oracle.objects[peer][kind][i].is_present)
                    continue;
                if (kind == OBJECT_ROUTE) {
                    struct route route = make_route(arena, 1, i, variant);
                    text = route_text(arena, &route);
                } else if (kind == OBJECT_NODE) {
                    struct ls_node node = make_node(arena, 1, i, variant);
                    node.has_attributes = has_attributes;
                    text = node_text(arena, &node);
                } else if (kind == OBJECT_LINK) {
                    struct ls_link link = make_link(arena, 1, i, variant);
                    link.has_attributes = has_attributes;
                    text = link_text(arena, &link);
                } else {
                    struct ls_prefix prefix = make_ls_prefix(arena, 1, i, variant);
                    prefix.has_attributes = has_attributes;
                    text = ls_prefix_text(arena, &prefix);
                }
                picture_put(picture, object_key(arena, kind, world->peer_ids[peer], &key), text);
            }
    char *text = picture_text(picture, arena);
    picture_free(picture);
    return text;
}

static void check_readers(struct world *world, struct state_reader *reader,
                          struct state_position *position, struct picture *followed)
{
    struct state_position start = {0};
    struct picture *whole = picture_new();
    struct state_visitor visitor = picture_visitor(whole);
    char *expected = truth(world);

    must(state_read(reader, &start, &visitor, &failure));
    ck_assert_str_eq(picture_text(whole, world->arena), expected);
    visitor = picture_visitor(followed);
    must(state_read(reader, position, &visitor, &failure));
    ck_assert_str_eq(picture_text(followed, world->arena), expected);
    ck_assert_uint_eq(position->sequence, start.sequence);
    picture_free(whole);
}

/* Puts and deletes in random change sets, some rolled back, the writer sometimes opened again; the follower
 * looks only now and then, and once after its floor has passed. */
START_TEST(a_follower_holds_what_a_reader_of_everything_holds)
{
    struct world world = {.arena = arena_new(), .random = (uint64_t)_i, .now_us = 1000000000000};
    char *folder = folder_new();
    struct picture *followed = picture_new();
    struct state_position position = {0};

    world.path = path_in(world.arena, folder, "state.db");
    open_writer(&world);
    struct state_reader *reader = state_reader_open(world.path, &failure);
    must(reader);
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t sequence;
        world.now_us += 1000;
        must(state_begin(world.writer, world.now_us, &failure));
        struct world before = world;
        for (uint32_t i = 1 + random_below(&world.random, 20); i; i--)
            change(&world);
        if (random_below(&world.random, 8) == 0) {
            state_rollback(world.writer);
            uint64_t random = world.random;
            world = before;
            world.random = random;
        } else {
            must(state_commit(world.writer, random_below(&world.random, 5) == 0, &sequence,
                              &failure));
        }
        if (random_below(&world.random, 10) == 0)
            must(state_maintain(world.writer, world.now_us, &failure));
        if (random_below(&world.random, 20) == 0)
            open_writer(&world);
        if (random_below(&world.random, 3) == 0)
            check_readers(&world, reader, &position, followed);
    }
    check_readers(&world, reader, &position, followed);
    ck_assert_uint_eq(picture_restarts(followed), 1); // never had to begin again
    state_reader_close(reader);
    state_writer_close(world.writer);
    picture_free(followed);
    folder_remove(folder);
    arena_free(world.arena);
}
END_TEST

START_TEST(an_increment_gives_only_what_changed)
{
    struct world world = {.arena = arena_new(), .now_us = 1000000000000};
    char *folder = folder_new();
    struct picture *picture = picture_new();
    struct state_visitor visitor = picture_visitor(picture);
    struct state_position position = {0};
    uint64_t sequence;

    world.path = path_in(world.arena, folder, "state.db");
    open_writer(&world);
    must(state_begin(world.writer, 1, &failure));
    put_peer(&world, 1);
    for (unsigned key = 0; key < KEYS; key++)
        put(&world, 1, OBJECT_ROUTE, key);
    must(state_commit(world.writer, false, &sequence, &failure));
    struct state_reader *reader = state_reader_open(world.path, &failure);
    must(reader);
    must(state_read(reader, &position, &visitor, &failure));
    ck_assert_uint_eq(picture_rows(picture), KEYS);
    must(state_begin(world.writer, 2, &failure));
    put(&world, 1, OBJECT_NODE, 3);
    take(&world, 1, OBJECT_ROUTE, 3);
    must(state_put_local_asn(world.writer, 64500, &failure));
    must(state_commit(world.writer, false, &sequence, &failure));
    must(state_read(reader, &position, &visitor, &failure));
    ck_assert_uint_eq(picture_rows(picture), KEYS + 2);
    ck_assert_uint_eq(position.sequence, 2);
    ck_assert_int_eq(position.time_us, 2);
    ck_assert_uint_eq(position.local_asn, 64500);
    ck_assert_uint_eq(picture_restarts(picture), 1);
    state_reader_close(reader);
    state_writer_close(world.writer);
    picture_free(picture);
    folder_remove(folder);
    arena_free(world.arena);
}
END_TEST

/* Below the floor, in another generation, or ahead of the file: everything is read again. */
START_TEST(a_position_that_cannot_be_followed_reads_everything)
{
    static const struct {
        const char *why;
        uint64_t sequence;
        bool keeps_generation, restarts;
    } cases[] = {
        {"at the floor", 502, true, false},        {"below the floor", 501, true, true},
        {"the present", 1502, true, false},        {"ahead of the file", 1503, true, true},
        {"another generation", 1502, false, true},
    };
    struct world world = {.arena = arena_new(), .now_us = 1000000000000};
    char *folder = folder_new();
    struct state_position present = {0};
    uint64_t sequence;

    world.path = path_in(world.arena, folder, "state.db");
    open_writer(&world);
    for (int i = 0; i < 1502; i++) {
        must(state_begin(world.writer, world.now_us, &failure));
        must(state_commit(world.writer, true, &sequence, &failure));
    }
    must(state_maintain(world.writer, world.now_us + 2000000, &failure));
    struct state_reader *reader = state_reader_open(world.path, &failure);
    must(reader);
    must(state_read_position(reader, &present, &failure));
    ck_assert_uint_eq(present.sequence, 1502);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct picture *picture = picture_new();
        struct state_visitor visitor = picture_visitor(picture);
        struct state_position position = present;
        position.sequence = cases[i].sequence;
        if (!cases[i].keeps_generation)
            position.generation[0] = 'x';
        must(state_read(reader, &position, &visitor, &failure));
        ck_assert_msg(picture_restarts(picture) == cases[i].restarts, "%s", cases[i].why);
        ck_assert_uint_eq(position.sequence, 1502);
        ck_assert_str_eq(position.generation, present.generation);
        picture_free(picture);
    }
    state_reader_close(reader);
    state_writer_close(world.writer);
    folder_remove(folder);
    arena_free(world.arena);
}
END_TEST

START_TEST(a_commit_is_noticed_and_so_is_a_new_file)
{
    struct world world = {.arena = arena_new(), .now_us = 1000000000000};
    char *folder = folder_new();
    struct state_position first = {0}, second = {0};
    uint64_t sequence;
    bool changed;

    world.path = path_in(world.arena, folder, "state.db");
    open_writer(&world);
    struct state_reader *reader = state_reader_open(world.path, &failure);
    must(reader);
    must(state_reader_changed(reader, &changed, &failure));
    ck_assert(changed);
    must(state_reader_changed(reader, &changed, &failure));
    ck_assert(!changed);
    must(state_begin(world.writer, 1, &failure));
    must(state_commit(world.writer, true, &sequence, &failure));
    must(state_reader_changed(reader, &changed, &failure));
    ck_assert(changed);
    must(state_read_position(reader, &first, &failure));

    state_writer_close(world.writer);
    world.writer = NULL;
    static const char *const files[] = {"state.db", "state.db-wal", "state.db-shm"};
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(remove(path_in(world.arena, folder, files[i])), 0);
    open_writer(&world);
    must(state_reader_changed(reader, &changed, &failure));
    ck_assert(changed);
    must(state_read_position(reader, &second, &failure));
    ck_assert_str_ne(first.generation, second.generation);
    ck_assert_uint_eq(second.sequence, 0);
    state_reader_close(reader);
    state_writer_close(world.writer);
    folder_remove(folder);
    arena_free(world.arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("state_follow");
    TCase *tests = tcase_create("follow");

    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, a_follower_holds_what_a_reader_of_everything_holds, 0, SEEDS);
    tcase_add_test(tests, an_increment_gives_only_what_changed);
    tcase_add_test(tests, a_position_that_cannot_be_followed_reads_everything);
    tcase_add_test(tests, a_commit_is_noticed_and_so_is_a_new_file);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
