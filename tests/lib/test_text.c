/* Numbers, times and names in text. */
#include "lib/text.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct {
    const char *text;
    uint64_t low, high;
    bool good;
    uint64_t value;
} numbers[] = {
    {"0", 0, 9, true, 0},
    {"9", 0, 9, true, 9},
    {"10", 0, 9, false, 0},
    {"1", 2, 9, false, 0},
    {"18446744073709551615", 0, UINT64_MAX, true, UINT64_MAX},
    {"18446744073709551616", 0, UINT64_MAX, false, 0}, // wraps to 0
    {"99999999999999999999", 0, UINT64_MAX, false, 0},
    {"", 0, 9, false, 0},
    {"00", 0, 9, false, 0}, // a leading zero: octal to some
    {"01", 0, 9, false, 0},
    {"+1", 0, 9, false, 0},
    {"-1", 0, 9, false, 0},
    {"-0", 0, 9, false, 0},
    {" 1", 0, 9, false, 0},
    {"1 ", 0, 9, false, 0},
    {"1\n", 0, 9, false, 0},
    {"1.", 0, 9, false, 0},
    {"0x1", 0, 9, false, 0},
    {"1e0", 0, 9, false, 0},
    {"\xd9\xa1", 0, 9, false, 0}, // an Arabic digit
};

START_TEST(reads_whole_numbers_only)
{
    uint64_t value = 77;

    ck_assert_int_eq(text_uint(numbers[_i].text, strlen(numbers[_i].text), numbers[_i].low,
                               numbers[_i].high, &value),
                     numbers[_i].good);
    ck_assert_uint_eq(value, numbers[_i].good ? numbers[_i].value : 77);
}
END_TEST

START_TEST(reads_no_further_than_the_length)
{
    uint64_t value;

    ck_assert(text_uint("123", 2, 0, 99, &value));
    ck_assert_uint_eq(value, 12);
}
END_TEST

static const struct {
    int64_t time_us;
    const char *text;
} times[] = {
    {0, "1970-01-01T00:00:00.000000Z"},
    {1, "1970-01-01T00:00:00.000001Z"},
    {-1, "1969-12-31T23:59:59.999999Z"},
    {1795264200000000, "2026-11-21T12:30:00.000000Z"},
    {951782400000000, "2000-02-29T00:00:00.000000Z"}, // the leap day of a year divisible by 400
    {253402300799999999, "9999-12-31T23:59:59.999999Z"},
    {253402300800000000, "0000-00-00T00:00:00.000000Z"}, // five digits of year would not fit
    {-62135596800000000, "0000-00-00T00:00:00.000000Z"}, // the year 1
    {INT64_MAX, "0000-00-00T00:00:00.775807Z"},
    {INT64_MIN, "0000-00-00T00:00:00.224192Z"},
};

START_TEST(writes_times)
{
    char out[TEXT_TIME_SIZE];

    ck_assert_str_eq(text_time(times[_i].time_us, out), times[_i].text);
}
END_TEST

static const struct {
    int64_t duration_us;
    const char *text;
} durations[] = {
    {0, "0 us"},
    {999, "999 us"},
    {1000, "1 ms"},
    {999999, "999 ms"},
    {1000000, "1 s"},
    {119999999, "119 s"},
    {120000000, "2 min"},
    {7199999999, "119 min"},
    {7200000000, "2 h"},
    {172799999999, "47 h"},
    {172800000000, "2 d"},
    {-1, "-1 us"},
    {-5000000, "-5 s"},
    {INT64_MAX, "106751991 d"},
    {INT64_MIN, "-106751991 d"},
};

START_TEST(writes_durations)
{
    char out[TEXT_DURATION_SIZE];

    ck_assert_str_eq(text_duration(durations[_i].duration_us, out), durations[_i].text);
}
END_TEST

START_TEST(writes_hex)
{
    char out[9];

    ck_assert_str_eq(text_hex((const uint8_t[]){0x00, 0x0f, 0xa0, 0xff}, 4, out), "000fa0ff");
    ck_assert_str_eq(text_hex(NULL, 0, out), "");
}
END_TEST

START_TEST(now_is_after_this_was_written)
{
    ck_assert_int_gt(text_now_us(), 1795000000000000);
}
END_TEST

static const struct {
    const char *name;
    bool good;
} names[] = {
    {"a", true},
    {"as64500@mad-cr1", true},
    {"A_0:z", true},
    {"0123456789012345678901234567890123456789012345678901234567890123", true}, // 64
    {"01234567890123456789012345678901234567890123456789012345678901234", false},
    {"", false},
    {"a.b", false}, // reserved by RFC 7285 section 10.1
    {"a b", false},
    {"a/b", false},
    {"caf\xc3\xa9", false},
};

START_TEST(a_pid_name_is_what_alto_allows)
{
    ck_assert_int_eq(text_is_pid_name(names[_i].name, strlen(names[_i].name)), names[_i].good);
}
END_TEST

START_TEST(a_nul_is_no_part_of_a_pid_name)
{
    ck_assert(!text_is_pid_name("a\0b", 3));
}
END_TEST

static const struct {
    const char *text, *printable; // in 16 bytes
} texts[] = {
    {"", ""},
    {"abc", "abc"},
    {"a\nb", "a\\x0ab"},
    {"\033[2J", "\\x1b[2J"},
    {"caf\xc3\xa9", "caf\\xc3\\xa9"},
    {"12345678", "12345678"},
    {"123456789", "12345678…"},
    {"1234567\n", "1234567\\x0a"},
};

START_TEST(shows_texts_without_harm)
{
    char out[16];

    ck_assert_str_eq(text_printable(texts[_i].text, strlen(texts[_i].text), out, sizeof out),
                     texts[_i].printable);
}
END_TEST

static const struct {
    const char *word, *nearest; // of speaker, asn, address, listen
} words[] = {
    {"speaker", "speaker"},
    {"speeker", "speaker"},
    {"adress", "address"},   // one is missing
    {"addresss", "address"}, // one too many
    {"ans", "asn"},          // two swapped
    {"asm", "asn"},
    {"listn", "listen"},
    {"lsitne", "listen"}, // two swaps in six
    {"as", "asn"},
    {"xyz", NULL},
    {"spxxxer", NULL}, // three of seven
    {"", NULL},
};

START_TEST(finds_the_nearest_word)
{
    static const char *const known[] = {"speaker", "asn", "address", "listen"};
    const char *nearest = text_nearest(words[_i].word, known, 4);

    if (words[_i].nearest)
        ck_assert_str_eq(nearest, words[_i].nearest);
    else
        ck_assert_ptr_null(nearest);
}
END_TEST

START_TEST(no_word_is_near_an_endless_one)
{
    static char longest[200];
    const char *known[] = {longest + 1, "a"};

    memset(longest, 'a', sizeof longest - 1);
    ck_assert_ptr_null(text_nearest(longest, known, 2));
    ck_assert_str_eq(text_nearest("b", known, 2), "a");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("text");
    TCase *cases = tcase_create("text");

    tcase_add_loop_test(cases, reads_whole_numbers_only, 0, sizeof numbers / sizeof *numbers);
    tcase_add_test(cases, reads_no_further_than_the_length);
    tcase_add_loop_test(cases, writes_times, 0, sizeof times / sizeof *times);
    tcase_add_loop_test(cases, writes_durations, 0, sizeof durations / sizeof *durations);
    tcase_add_test(cases, writes_hex);
    tcase_add_test(cases, now_is_after_this_was_written);
    tcase_add_loop_test(cases, a_pid_name_is_what_alto_allows, 0, sizeof names / sizeof *names);
    tcase_add_test(cases, a_nul_is_no_part_of_a_pid_name);
    tcase_add_loop_test(cases, shows_texts_without_harm, 0, sizeof texts / sizeof *texts);
    tcase_add_loop_test(cases, finds_the_nearest_word, 0, sizeof words / sizeof *words);
    tcase_add_test(cases, no_word_is_near_an_endless_one);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
