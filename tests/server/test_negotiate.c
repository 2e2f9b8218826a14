/* negotiate: Accept, Accept-Encoding, entity tags and dates, as tables. */
#include "negotiate.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* A request with one or two fields of one name. */
static struct http_request with(struct http_field fields[2], const char *name, const char *first,
                                const char *second)
{
    fields[0] = (struct http_field){name, first};
    fields[1] = (struct http_field){name, second};
    return (struct http_request){.method = "GET",
                                 .path = "/",
                                 .fields = fields,
                                 .field_count = (first ? 1U : 0U) + (second ? 1U : 0U)};
}

static const struct {
    const char *accept, *second;
    bool admitted; // of application/alto-costmap+json
} accepts[] = {
    {NULL, NULL, true}, // absent: all
    {"", NULL, true},
    {"*/*", NULL, true},
    {"application/*", NULL, true},
    {"application/alto-costmap+json", NULL, true},
    {"Application/ALTO-CostMap+JSON", NULL, true}, // names compare without case
    {"application/json", NULL, false},             // no suffix logic
    {"text/html", NULL, false},
    {"text/html, application/alto-costmap+json", NULL, true},
    {"text/html", "application/alto-error+json,application/alto-costmap+json",
     true}, // two lines: one list
    {"application/alto-costmap+json;q=0", NULL, false},
    {"application/alto-costmap+json;q=0, */*", NULL, false}, // the most specific decides
    {"*/*;q=0, application/alto-costmap+json;q=0.001", NULL, true},
    {"*/*, application/*;q=0", NULL, false},
    {"application/alto-costmap+json;charset=utf-8", NULL, true}, // other parameters are ignored
    {"application/alto-costmap+json;a=\"x,y;q=0\"; q=1.000", NULL, true},
    {"application/alto-costmap+json ; Q=0.0", NULL, false},
    {"application/alto-costmap+json;q=2", NULL, false},     // a malformed element is skipped …
    {"application/alto-costmap+json;q=2, */*", NULL, true}, // … and the rest counts
    {"application/alto-costmap+json;q=0.0001, text/*", NULL, false},
    {"application/alto-costmap", NULL, false},
    {"app/*", NULL, false},
    {"text/html application/alto-costmap+json", NULL, false},
};

START_TEST(a012_accept)
{
    struct http_field fields[2];
    struct http_request request = with(fields, "accept", accepts[_i].accept, accepts[_i].second);

    ck_assert_int_eq(negotiate_accepts(&request, "application/alto-costmap+json"),
                     accepts[_i].admitted);
}
END_TEST

static const struct {
    const char *accept, *order; // initials: zstd, gzip, identity
} codings[] = {
    {NULL, "i"},
    {"", "i"},
    {"gzip", "gi"},
    {"gzip, zstd", "zgi"}, // equal weight: the smaller first
    {"gzip;q=1.0, zstd;q=0.5", "gzi"},
    {"x-gzip", "gi"},
    {"GZIP", "gi"},
    {"br", "i"},
    {"*", "zgi"},
    {"*;q=0", ""},
    {"gzip, *;q=0", "g"},
    {"identity;q=0, gzip", "g"},
    {"identity;q=0", ""},
    {"gzip;q=0", "i"},
    {"identity, gzip;q=0.5", "ig"},
    {"gzip;q=0, *", "zi"},
    {"gzip;q=x", "i"},
    {"deflate, gzip;q=0.001", "gi"},
};

START_TEST(a018_accept_encoding)
{
    struct http_field fields[2];
    struct http_request request = with(fields, "accept-encoding", codings[_i].accept, NULL);
    enum coding order[CODINGS];
    char got[CODINGS + 1] = "";
    size_t count = negotiate_codings(&request, order);

    for (size_t i = 0; i < count; i++)
        got[i] = coding_names[order[i]][0];
    ck_assert_str_eq(got, codings[_i].order);
}
END_TEST

static const struct {
    const char *list;
    bool has; // "abc"
} tags[] = {
    {NULL, false},
    {"*", true},
    {"\"abc\"", true},
    {"W/\"abc\"", true}, // compared weakly
    {"\"x\", \"abc\"", true},
    {"\"x\" ,, \"y\",\"abc\"", true},
    {"\"a,b\", \"abc\"", true}, // a comma inside a tag
    {"\"abc-gzip\"", false},
    {"abc", false},
    {"\"abc", false},
    {"junk, \"abc\"", false},
};

START_TEST(a015_if_none_match)
{
    struct http_field fields[2];
    struct http_request request = with(fields, "if-none-match", tags[_i].list, NULL);

    ck_assert_int_eq(negotiate_has_tag(&request, "\"abc\""), tags[_i].has);
    ck_assert_int_eq(negotiate_asks_tags(&request), tags[_i].list != NULL);
}
END_TEST

static const struct {
    const char *text;
    long long seconds; // -1: no date
} dates[] = {
    {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
    {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
    {"Sun Nov  6 08:49:37 1994", 784111777},
    {"Sun, 06 Nov 1994 08:49:37 UTC", -1},
    {"Sun, 06 Nov 1994 08:49:37 GMT ", -1},
    {"1994-11-06T08:49:37Z", -1},
    {"", -1},
};

START_TEST(a015_dates)
{
    int64_t seconds = -1;
    bool ok = http_date_parse(dates[_i].text, &seconds);

    ck_assert_int_eq(ok, dates[_i].seconds >= 0);
    ck_assert_int_eq(seconds, dates[_i].seconds);
}
END_TEST

START_TEST(a015_if_modified_since)
{
    struct http_field fields[2];
    struct http_request request =
        with(fields, "if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT", NULL);
    char date[HTTP_DATE_SIZE];

    ck_assert(negotiate_not_modified_since(&request, 784111777));
    ck_assert(negotiate_not_modified_since(&request, 784111776));
    ck_assert(!negotiate_not_modified_since(&request, 784111778));
    ck_assert_str_eq(http_date(784111777, date), "Sun, 06 Nov 1994 08:49:37 GMT");
}
END_TEST

START_TEST(content_types_compare_without_parameters)
{
    ck_assert(negotiate_is_type("a/b", "a/b"));
    ck_assert(negotiate_is_type("A/B;charset=utf-8", "a/b"));
    ck_assert(negotiate_is_type("a/b ; x", "a/b"));
    ck_assert(!negotiate_is_type("a/bc", "a/b"));
    ck_assert(!negotiate_is_type("", "a/b"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("negotiate");
    TCase *tests = tcase_create("negotiate");

    tcase_add_loop_test(tests, a012_accept, 0, (int)(sizeof accepts / sizeof *accepts));
    tcase_add_loop_test(tests, a018_accept_encoding, 0, (int)(sizeof codings / sizeof *codings));
    tcase_add_loop_test(tests, a015_if_none_match, 0, (int)(sizeof tags / sizeof *tags));
    tcase_add_loop_test(tests, a015_dates, 0, (int)(sizeof dates / sizeof *dates));
    tcase_add_test(tests, a015_if_modified_since);
    tcase_add_test(tests, content_types_compare_without_parameters);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
