/* Pieces of an arena are zeroed, aligned, apart from each other, and end together. */
#include "lib/arena.h"

#include <check.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { PIECES = 3000 };

/* Sizes from a seed: mostly small, some larger than any block. */
static size_t size_of(unsigned *seed)
{
    unsigned word = (unsigned)rand_r(seed);

    return word % 500 == 0 ? 3U << 20 : word % 700;
}

static bool is_all(const unsigned char *bytes, size_t length, unsigned char value)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] != value)
            return false;
    }
    return true;
}

static void fill_and_check(struct arena *arena, unsigned seed)
{
    static unsigned char *pieces[PIECES];
    static size_t sizes[PIECES];

    for (size_t i = 0; i < PIECES; i++) {
        sizes[i] = size_of(&seed);
        pieces[i] = arena_alloc(arena, sizes[i], 1);
        ck_assert_uint_eq((uintptr_t)pieces[i] % alignof(max_align_t), 0);
        ck_assert(is_all(pieces[i], sizes[i], 0));
        if (sizes[i])
            memset(pieces[i], (int)(1 + i % 255), sizes[i]);
    }
    for (size_t i = 0; i < PIECES; i++) // nobody wrote into another's
        ck_assert(is_all(pieces[i], sizes[i], (unsigned char)(1 + i % 255)));
}

START_TEST(pieces_are_zeroed_aligned_and_apart)
{
    struct arena *arena = arena_new();

    fill_and_check(arena, (unsigned)_i);
    arena_free(arena);
}
END_TEST

START_TEST(a_reset_arena_is_like_a_new_one)
{
    struct arena *arena = arena_new();

    arena_reset(arena); // while it is empty
    fill_and_check(arena, 1);
    size_t full = arena_bytes(arena);
    arena_reset(arena);
    ck_assert_uint_lt(arena_bytes(arena), full);
    fill_and_check(arena, 2);
    arena_free(arena);
}
END_TEST

START_TEST(small_pieces_share_blocks)
{
    struct arena *arena = arena_new();

    ck_assert_uint_eq(arena_bytes(arena), 0);
    for (int i = 0; i < 100; i++)
        (void)arena_alloc(arena, 2, 8);
    ck_assert_uint_lt(arena_bytes(arena), 8192);
    arena_free(arena);
}
END_TEST

START_TEST(copies_texts_and_bytes)
{
    struct arena *arena = arena_new();

    ck_assert_str_eq(arena_text(arena, "abcdef", 3), "abc");
    ck_assert_str_eq(arena_text(arena, NULL, 0), "");
    ck_assert_str_eq(arena_format(arena, "%s-%d", "a", 7), "a-7");
    ck_assert_int_eq(memcmp(arena_copy(arena, "a\0b", 3), "a\0b", 3), 0);
    ck_assert_ptr_nonnull(arena_copy(arena, NULL, 0));
    ck_assert_ptr_nonnull(arena_alloc(arena, 0, 8));
    arena_free(arena);
    arena_free(NULL);
}
END_TEST

static struct arena *volatile doomed; // so that it is reachable when the program ends

START_TEST(a_product_that_wraps_ends_the_program)
{
    doomed = arena_new();
    (void)arena_alloc(doomed, SIZE_MAX / 2, 3);
}
END_TEST

START_TEST(a_sum_that_wraps_ends_the_program)
{
    doomed = arena_new();
    (void)arena_alloc(doomed, SIZE_MAX, 1);
}
END_TEST

START_TEST(single_blocks_grow_and_keep_what_they_hold)
{
    size_t capacity = 0;
    unsigned *list = NULL;

    for (unsigned i = 0; i < 1000; i++) {
        list = memory_grow(list, i, &capacity, sizeof *list);
        list[i] = i;
    }
    ck_assert_uint_ge(capacity, 1000);
    for (unsigned i = 0; i < 1000; i++)
        ck_assert_uint_eq(list[i], i);
    free(list);
    char *text = memory_text("abc");
    ck_assert_str_eq(text, "abc");
    free(text);
    unsigned char *zeroed = memory_alloc(100, 3);
    ck_assert(is_all(zeroed, 300, 0));
    free(zeroed);
}
END_TEST

START_TEST(a_block_that_wraps_ends_the_program)
{
    (void)memory_resize(NULL, SIZE_MAX / 2, 3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("arena");
    TCase *cases = tcase_create("arena");

    tcase_add_loop_test(cases, pieces_are_zeroed_aligned_and_apart, 0, 5);
    tcase_add_test(cases, a_reset_arena_is_like_a_new_one);
    tcase_add_test(cases, small_pieces_share_blocks);
    tcase_add_test(cases, copies_texts_and_bytes);
    tcase_add_exit_test(cases, a_product_that_wraps_ends_the_program, 70);
    tcase_add_exit_test(cases, a_sum_that_wraps_ends_the_program, 70);
    tcase_add_test(cases, single_blocks_grow_and_keep_what_they_hold);
    tcase_add_exit_test(cases, a_block_that_wraps_ends_the_program, 70);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
