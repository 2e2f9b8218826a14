/* Lines of the log, read back from a pipe. */
#include "lib/log.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROOM = 4096 };

/* What one call wrote. */
static const char *written(int fd)
{
    static char out[ROOM];
    ssize_t length = read(fd, out, sizeof out - 1);

    ck_assert_int_ge(length, 0);
    out[length] = '\0';
    return out;
}

struct pipes {
    int fds[2];
    struct log log;
};

static struct pipes pipes_open(enum log_level level, bool for_journal)
{
    struct pipes pipes;

    ck_assert_int_eq(pipe(pipes.fds), 0);
    pipes.log = (struct log){level, pipes.fds[1], for_journal};
    return pipes;
}

/* Closes the writing end, so that an empty pipe reads as its end. */
static const char *pipes_close(struct pipes *pipes)
{
    (void)close(pipes->fds[1]);
    const char *out = written(pipes->fds[0]);
    (void)close(pipes->fds[0]);
    return out;
}

START_TEST(a_line_has_time_level_and_sentence)
{
    struct pipes pipes = pipes_open(LEVEL_INFO, false);

    log_warning(&pipes.log, "session down: peer=%s stale=%d", "rr1", 3);
    const char *line = pipes_close(&pipes);
    ck_assert_uint_gt(strlen(line), 28);
    ck_assert_int_eq(line[10], 'T');
    ck_assert_int_eq(line[26], 'Z');
    ck_assert_str_eq(line + 27, " warning: session down: peer=rr1 stale=3\n");
}
END_TEST

START_TEST(journald_gets_the_level_and_no_time)
{
    struct pipes pipes = pipes_open(LEVEL_DEBUG, true);

    log_error(&pipes.log, "e");
    log_warning(&pipes.log, "w");
    log_info(&pipes.log, "i");
    log_debug(&pipes.log, "d");
    ck_assert_str_eq(pipes_close(&pipes), "<3>e\n<4>w\n<6>i\n<7>d\n");
}
END_TEST

START_TEST(lines_above_the_level_are_dropped)
{
    struct pipes pipes = pipes_open(LEVEL_WARNING, true);

    log_info(&pipes.log, "i");
    log_debug(&pipes.log, "d");
    log_warning(&pipes.log, "w");
    ck_assert_str_eq(pipes_close(&pipes), "<4>w\n");
    log_error(&(struct log){LEVEL_DEBUG, -1, false}, "to nowhere");
}
END_TEST

START_TEST(a_value_cannot_begin_a_line)
{
    struct pipes pipes = pipes_open(LEVEL_INFO, true);

    log_info(&pipes.log, "reason=%s", "a\n<3>error: b\033[2J\t\177");
    ck_assert_str_eq(pipes_close(&pipes), "<6>reason=a <3>error: b [2J  \n");
}
END_TEST

START_TEST(a_long_line_is_cut_and_ends)
{
    struct pipes pipes = pipes_open(LEVEL_INFO, true);
    char text[3000];

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    log_info(&pipes.log, "%s", text);
    const char *line = pipes_close(&pipes);
    ck_assert_uint_gt(strlen(line), 2000);
    ck_assert_uint_lt(strlen(line), 2049);
    ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
}
END_TEST

static const struct {
    const char *word;
    enum log_level level;
} levels[] = {
    {"error", LEVEL_ERROR},
    {"warning", LEVEL_WARNING},
    {"info", LEVEL_INFO},
    {"debug", LEVEL_DEBUG},
};

START_TEST(reads_levels)
{
    enum log_level level;

    ck_assert(log_level_parse(levels[_i].word, &level));
    ck_assert_int_eq(level, levels[_i].level);
    ck_assert(!log_level_parse("Error", &level));
    ck_assert(!log_level_parse("", &level));
}
END_TEST

static const struct {
    const char *value, *quoted; // into 16 bytes
} quotes[] = {
    {"rr1", "rr1"},
    {"", "\"\""},
    {"a b", "\"a b\""},
    {"a=b", "\"a=b\""},
    {"a\"b\\", "\"a\\\"b\\\\\""},
    {"a\nb", "\"a\\x0ab\""},
    {"\xc3\xa9", "\\xc3\\xa9"},
    {"0123456789", "012345678"}, // room for the longest escape is kept
    {"01234567 9", "\"01234567\""},
    {"\n\n\n\n\n", "\"\\x0a\\x0a\""},
};

START_TEST(quotes_what_needs_it)
{
    char out[16];

    ck_assert_str_eq(log_quote(quotes[_i].value, out, sizeof out), quotes[_i].quoted);
}
END_TEST

START_TEST(the_journal_is_known_by_its_stream)
{
    ck_assert_int_eq(unsetenv("JOURNAL_STREAM"), 0);
    ck_assert(!log_default().for_journal);
    ck_assert_int_eq(setenv("JOURNAL_STREAM", "8:1", 1), 0);
    ck_assert(log_default().for_journal);
    ck_assert_int_eq(log_default().level, LEVEL_INFO);
    ck_assert_int_eq(log_default().fd, STDERR_FILENO);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log");
    TCase *cases = tcase_create("log");

    tcase_add_test(cases, a_line_has_time_level_and_sentence);
    tcase_add_test(cases, journald_gets_the_level_and_no_time);
    tcase_add_test(cases, lines_above_the_level_are_dropped);
    tcase_add_test(cases, a_value_cannot_begin_a_line);
    tcase_add_test(cases, a_long_line_is_cut_and_ends);
    tcase_add_loop_test(cases, reads_levels, 0, sizeof levels / sizeof *levels);
    tcase_add_loop_test(cases, quotes_what_needs_it, 0, sizeof quotes / sizeof *quotes);
    tcase_add_test(cases, the_journal_is_known_by_its_stream);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
