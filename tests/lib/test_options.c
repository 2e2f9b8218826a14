/* Command lines, good and bad, and the help. */
#include "lib/config.h"
#include "lib/options.h"
#include "lib/version.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* One call, with two options of the program's own. */
struct call {
    enum options_outcome outcome;
    struct options options;
    bool once;
    const char *scenario;
    char *out;
    size_t length;
    struct error err;
    char words[256], *argv[16]; // what options.operands points into
};

static void call(struct call *call, const char *operands, bool is_command, const char *line)
{
    const struct program_option own[] = {
        {"once", 0, NULL, "Stop after the first.", .flag = &call->once},
        {"scenario", 's', "FILE", "Play this.", .text = &call->scenario},
    };
    const struct program program = {
        .name = "altimeter-test",
        .summary = "Tests.",
        .operands = operands,
        .is_command = is_command,
        .options = own,
        .option_count = 2,
        .notes = "Notes.",
    };
    char *save = NULL, **argv = call->argv;
    int argc = 0;

    *call = (struct call){0};
    (void)snprintf(call->words, sizeof call->words, "altimeter-test %s", line);
    for (char *word = strtok_r(call->words, " ", &save); word; word = strtok_r(NULL, " ", &save))
        argv[argc++] = word;
    argv[argc] = NULL;
    FILE *out = open_memstream(&call->out, &call->length);
    ck_assert_ptr_nonnull(out);
    call->outcome = options_parse(&program, argc, argv, out, &call->options, &call->err);
    ck_assert_int_eq(fclose(out), 0);
}

START_TEST(defaults_stand_without_options)
{
    struct call c;

    call(&c, NULL, false, "");
    ck_assert_int_eq(c.outcome, OPTIONS_RUN);
    ck_assert_str_eq(c.options.config_path, config_default_path);
    ck_assert(!c.options.check_config && !c.once);
    ck_assert_ptr_null(c.scenario);
    ck_assert_uint_eq(c.options.operand_count, 0);
    free(c.out);
}
END_TEST

static const char *const same[] = {
    "-c a.yaml --check-config --once -s b", "--config=a.yaml --check-config --scenario b --once",
    "-ca.yaml --check --on -sb",                            // getopt's short cuts
    "--config x -c a.yaml -s a -s b --once --check-config", // the last one counts
};

START_TEST(reads_options)
{
    struct call c;

    call(&c, NULL, false, same[_i]);
    ck_assert_int_eq(c.outcome, OPTIONS_RUN);
    ck_assert_str_eq(c.options.config_path, "a.yaml");
    ck_assert(c.options.check_config && c.once);
    ck_assert_str_eq(c.scenario, "b");
    free(c.out);
}
END_TEST

START_TEST(operands_stand_where_they_are_taken)
{
    struct call c;

    call(&c, "FILE…", false, "a --once b -- --c");
    ck_assert_int_eq(c.outcome, OPTIONS_RUN);
    ck_assert_uint_eq(c.options.operand_count, 3);
    ck_assert_str_eq(c.options.operands[0], "a");
    ck_assert_str_eq(c.options.operands[2], "--c");
    free(c.out);
}
END_TEST

static const struct {
    const char *line, *text;
} bad[] = {
    {"--cofig x", "unknown option --cofig; did you mean --config?"},
    {"--entirely-else", "unknown option --entirely-else"},
    {"-x", "unknown option -x"},
    {"--config", "option --config needs an argument: FILE"},
    {"-c", "option --config needs an argument: FILE"},
    {"--once=1", "option --once takes no argument"},
    {"a", "unexpected word 'a'; only options are taken"},
};

START_TEST(explains_a_bad_line)
{
    struct call c;

    call(&c, NULL, false, bad[_i].line);
    ck_assert_int_eq(c.outcome, OPTIONS_BAD);
    ck_assert_str_eq(c.err.text, bad[_i].text);
    ck_assert_uint_eq(c.length, 0);
    free(c.out);
}
END_TEST

START_TEST(help_has_every_option)
{
    struct call c;

    call(&c, "FILE…", false, "--help");
    ck_assert_int_eq(c.outcome, OPTIONS_DONE);
    ck_assert_str_eq(
        c.out, "Usage: altimeter-test [OPTION]… FILE…\n"
               "\n"
               "Tests.\n"
               "\n"
               "Options:\n"
               "      --once            Stop after the first.\n"
               "  -s, --scenario FILE   Play this.\n"
               "  -c, --config FILE     Read this configuration.\n"
               "      --check-config    Report every mistake of the configuration, and exit.\n"
               "  -h, --help            Show this help, and exit.\n"
               "  -V, --version         Show the version, and exit.\n"
               "\n"
               "The configuration is /etc/altimeter/altimeter.yaml unless --config names another; "
               "see\n"
               "altimeter.yaml(5) for its keys.\n"
               "\n"
               "Notes.\n");
    free(c.out);
}
END_TEST

START_TEST(a_command_has_no_options_of_daemons)
{
    struct call c;

    call(&c, NULL, true, "-h");
    ck_assert_int_eq(c.outcome, OPTIONS_DONE);
    ck_assert_ptr_null(strstr(c.out, "--check-config"));
    ck_assert_ptr_null(strstr(c.out, "--version"));
    free(c.out);
    call(&c, NULL, true, "--check-config");
    ck_assert_str_eq(c.err.text, "unknown option --check-config");
    free(c.out);
}
END_TEST

START_TEST(tells_its_version)
{
    struct call c;

    call(&c, NULL, false, "-V");
    ck_assert_int_eq(c.outcome, OPTIONS_DONE);
    ck_assert_str_eq(c.out, "altimeter-test " ALTIMETER_VERSION "\n");
    free(c.out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("options");
    TCase *cases = tcase_create("options");

    tcase_add_test(cases, defaults_stand_without_options);
    tcase_add_loop_test(cases, reads_options, 0, sizeof same / sizeof *same);
    tcase_add_test(cases, operands_stand_where_they_are_taken);
    tcase_add_loop_test(cases, explains_a_bad_line, 0, sizeof bad / sizeof *bad);
    tcase_add_test(cases, help_has_every_option);
    tcase_add_test(cases, a_command_has_no_options_of_daemons);
    tcase_add_test(cases, tells_its_version);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
