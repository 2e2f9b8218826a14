/* body: what is JSON for us, what is not and where; and how a value is shown. */
#include "body.h"
#include "lib/arena.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct arena *arena;

static void setup(void)
{
    arena = arena_new();
}

static void teardown(void)
{
    arena_free(arena);
}

static const struct body_value *parse(const char *text, size_t length, struct alto_error *problem)
{
    uint8_t *exact = malloc(length ? length : 1); // to the byte, for the sanitizer
    memcpy(exact, text, length);
    const struct body_value *body = body_parse(exact, length, arena, problem);
    free(exact);
    return body;
}

static const char *const good[] = {
    "{}",
    " {\"a\" : [ 1 , -0.5e+3 , true , false , null , \"x\" ] }\r\n",
    "{\"a\":{\"a\":{\"a\":1}}}",                           // the same name in other objects
    "{\"\":\"\\ud83d\\ude00 \\u00e9 \\\" \\\\ \\/ \\n\"}", // a pair of surrogates
    "{\"a\":\"\xf0\x9f\x98\x80 { [ \"}",                   // brackets in a string do not nest
    "{\"a\":[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]}",              // 16 deep
    "{\"a\":\"\\\\u0000\"}",                               // an escaped backslash, then letters
    "{\"a\":123456789012345678901234567890}",
};

START_TEST(a034_reads)
{
    struct alto_error problem = {0};

    ck_assert_msg(parse(good[_i], strlen(good[_i]), &problem) != NULL, "%s", problem.syntax_error);
}
END_TEST

static const struct {
    const char *text, *mistake;
} bad[] = {
    {"", "line 1, byte 1: not JSON"},
    {"  ", "line 1, byte 2: not JSON"},
    {"[]", "line 1, byte 1: not an object"},
    {"\"a\"", "line 1, byte 1: not an object"},
    {"1", "line 1, byte 1: not an object"},
    {"{", NULL},
    {"{\"a\"}", NULL},
    {"{\"a\":}", NULL},
    {"{\"a\":1,}", NULL},
    {"{\"a\":[1,]}", NULL},
    {"{a:1}", NULL},
    {"{'a':1}", NULL},
    {"{\"a\":01}", NULL},
    {"{\"a\":+1}", NULL},
    {"{\"a\":.5}", NULL},
    {"{\"a\":1.}", NULL},
    {"{\"a\":nan}", NULL},
    {"{\"a\":0x1}", NULL},
    {"{\"a\":tru}", NULL},
    {"{\"a\":\"\\x\"}", NULL},
    {"{\"a\":\"\\u12g4\"}", NULL},
    {"{\"a\":\"\t\"}", "line 1, byte 7: a control character"},
    {"{\"a\":1\x01}", "line 1, byte 7: a control character"},
    {"{} {}", "line 1, byte 4: something behind the object"},
    {"{}x", "line 1, byte 3: something behind the object"},
    {"{}]", "line 1, byte 3: something behind the object"},
    {"{}\"", "line 1, byte 3: something behind the object"}, // a word that does not end
    {"{/* */}", NULL},
    {"{\"a\":1,\n\"b\":2,\"a\":3}", "line 2, byte 13: a member name twice in one object"},
    {"{\"a\":1,\"\\u0061\":3}",
     "line 1, byte 19: a member name twice in one object"}, // once decoded
    {"\xef\xbb\xbf{}", "line 1, byte 1: a byte order mark"},
    {"{\"a\":\"\xc3\"}", "line 1, byte 7: not UTF-8"},
    {"{\"a\":\"\xed\xa0\x80\"}", "line 1, byte 7: not UTF-8"},     // a surrogate in UTF-8
    {"{\"a\":\"\xc0\x80\"}", "line 1, byte 7: not UTF-8"},         // too long a form
    {"{\"a\":\"\xf4\x90\x80\x80\"}", "line 1, byte 7: not UTF-8"}, // above U+10FFFF
    {"{\"a\":\"\\u0000\"}", "line 1, byte 7: U+0000 in a string"},
    {"{\n\n \"a\":\"\\ud800\"}", "line 3, byte 7: a lone surrogate"},
    {"{\"a\":\"\\ud800\\u0061\"}", "line 1, byte 7: a lone surrogate"},
    {"{\"a\":\"\\udc00\"}", "line 1, byte 7: a lone surrogate"},
    {"{\"a\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}", "line 1, byte 21: nested too deeply"},
};

START_TEST(a034_refuses)
{
    struct alto_error problem = {0};

    ck_assert_ptr_null(parse(bad[_i].text, strlen(bad[_i].text), &problem));
    ck_assert_str_eq(problem.code, "E_SYNTAX");
    ck_assert_ptr_null(problem.field);
    if (bad[_i].mistake)
        ck_assert_str_eq(problem.syntax_error, bad[_i].mistake);
}
END_TEST

START_TEST(a_nul_is_refused)
{
    struct alto_error problem = {0};

    ck_assert_ptr_null(parse("{\"a\":\"\0\"}", 9, &problem));
    ck_assert_ptr_null(parse("{}\0", 3, &problem));
    ck_assert_ptr_null(parse("{\"a\":1\0}", 8, &problem));
}
END_TEST

START_TEST(a_body_cut_short_is_none)
{
    const char *text = good[_i];
    struct alto_error problem = {0};
    size_t end = strlen(text);

    while (end && text[end - 1] != '}')
        end--;
    for (size_t length = 0; length < end; length++)
        ck_assert_ptr_null(parse(text, length, &problem));
}
END_TEST

START_TEST(members_are_found)
{
    struct alto_error problem;
    const char *text = "{\"a\":[\"x\",2,{}],\"b\":{\"c\":\"d\"}}";
    const struct body_value *body = parse(text, strlen(text), &problem),
                            *a = body_member(body, "a");

    ck_assert_int_eq(a->type, BODY_ARRAY);
    ck_assert_uint_eq(a->count, 3);
    ck_assert_str_eq(a->first->text, "x");
    ck_assert_str_eq(a->first->next->text, "2");
    ck_assert_str_eq(body_member(body_member(body, "b"), "c")->text, "d");
    ck_assert_ptr_null(body_member(body, "c"));
}
END_TEST

START_TEST(a031_values_are_shown)
{
    static const struct {
        const char *text, *shown; // of member a
    } rows[] = {
        {"{\"a\":\"x y\"}", "x y"},
        {"{\"a\":1.50}", "1.50"}, // numbers as sent
        {"{\"a\":true}", "true"},
        {"{\"a\":null}", "null"},
        {"{\"a\": { \"b\" : [ 1 , \"c\" ] , \"d\" : { } } }", "{\"b\":[1,\"c\"],\"d\":{}}"},
        {"{\"a\":[]}", "[]"},
    };
    struct alto_error problem;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct body_value *body = parse(rows[i].text, strlen(rows[i].text), &problem);
        ck_assert_str_eq(body_shown(body_member(body, "a"), arena), rows[i].shown);
    }
}
END_TEST

START_TEST(many_members_are_no_trouble)
{
    enum { MEMBERS = 50000 };
    struct text text = {0};
    struct alto_error problem;

    text_add_string(&text, "{");
    for (int i = 0; i < MEMBERS; i++)
        text_add_string(&text, arena_format(arena, "%s\"%d\":0", i ? "," : "", i));
    text_add_string(&text, "}");
    const struct body_value *body = parse(text.bytes, text.length, &problem);
    ck_assert_uint_eq(body->count, MEMBERS);
    free(text.bytes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("body");
    TCase *tests = tcase_create("body");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, a034_reads, 0, (int)(sizeof good / sizeof *good));
    tcase_add_loop_test(tests, a034_refuses, 0, (int)(sizeof bad / sizeof *bad));
    tcase_add_test(tests, a_nul_is_refused);
    tcase_add_loop_test(tests, a_body_cut_short_is_none, 0, (int)(sizeof good / sizeof *good));
    tcase_add_test(tests, members_are_found);
    tcase_add_test(tests, a031_values_are_shown);
    tcase_add_test(tests, many_members_are_no_trouble);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
