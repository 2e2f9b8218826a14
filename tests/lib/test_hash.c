/* SHA-256 by the examples of FIPS 180-4, in one piece and in many. */
#include "lib/hash.h"
#include "lib/text.h"

#include <check.h>
#include <stdbool.h>
#include <string.h>

static const struct {
    const char *text, *digest;
} vectors[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};

START_TEST(hashes_the_vectors)
{
    uint8_t digest[HASH_BYTES];
    char hex[2 * HASH_BYTES + 1];
    struct hash *hash = hash_new();

    hash_text(hash, vectors[_i].text);
    hash_finish(hash, digest);
    ck_assert_str_eq(text_hex(digest, sizeof digest, hex), vectors[_i].digest);
}
END_TEST

START_TEST(pieces_do_not_matter)
{
    const char *text = vectors[_i].text;

    for (size_t cut = 0; cut <= strlen(text); cut++) {
        char tag[HASH_TAG_SIZE];
        struct hash *hash = hash_new();
        hash_add(hash, text, cut);
        hash_add(hash, text + cut, strlen(text) - cut);
        hash_finish_tag(hash, tag);
        ck_assert_uint_eq(strlen(tag), 32); // M-602
        ck_assert_int_eq(strncmp(tag, vectors[_i].digest, 32), 0);
    }
}
END_TEST

START_TEST(a_million_letters)
{
    char tag[HASH_TAG_SIZE], letters[1000];
    struct hash *hash = hash_new();

    memset(letters, 'a', sizeof letters);
    for (int i = 0; i < 1000; i++)
        hash_add(hash, letters, sizeof letters);
    hash_finish_tag(hash, tag);
    ck_assert_str_eq(tag, "cdc76e5c9914fb9281a1c7e284d73e67");
}
END_TEST

/* 65,536 keys of two bytes into as many slots by the low bits: a good hash leaves 1/e of them empty. */
START_TEST(the_quick_hash_spreads)
{
    static bool taken[1 << 16];
    unsigned empty = 1 << 16;

    for (unsigned i = 0; i < 1 << 16; i++) {
        uint8_t key[2] = {(uint8_t)(i >> 8), (uint8_t)i};
        bool *slot = &taken[hash_bytes(key, sizeof key) & 0xffff];
        empty -= !*slot;
        *slot = true;
    }
    ck_assert_uint_gt(empty, 23000);
    ck_assert_uint_lt(empty, 25200); // 24,109 is the expectation
    ck_assert_uint_eq(hash_bytes("a", 1), hash_bytes("a", 1));
    ck_assert_uint_ne(hash_bytes("a", 1), hash_bytes("a\0", 2));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hash");
    TCase *cases = tcase_create("hash");

    tcase_add_loop_test(cases, hashes_the_vectors, 0, sizeof vectors / sizeof *vectors);
    tcase_add_loop_test(cases, pieces_do_not_matter, 0, sizeof vectors / sizeof *vectors);
    tcase_add_test(cases, a_million_letters);
    tcase_add_test(cases, the_quick_hash_spreads);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
