/* fixture: see fixture.h. The loader reads files only, so the text goes through one; the place's name in
 * errors is cut to the last part, which does not change from run to run. */
#include "fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct scenario *fixture_try(const char *yaml, struct error *err)
{
    char folder[] = "/tmp/altimeter-lab-XXXXXX", file[64];

    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(file, sizeof file, "%s/t.yaml", folder);
    FILE *stream = fopen(file, "wb");

    ck_assert_ptr_nonnull(stream);
    ck_assert_int_ge(fputs(yaml, stream), 0);
    ck_assert_int_eq(fclose(stream), 0);
    struct scenario *scenario = scenario_load(file, err);
    size_t prefix = strlen(folder) + 1;

    (void)unlink(file);
    (void)rmdir(folder);
    if (!scenario && strlen(err->text) > prefix)
        memmove(err->text, err->text + prefix, strlen(err->text) - prefix + 1);
    return scenario;
}

struct scenario *fixture_load(const char *yaml)
{
    struct error err = {0};
    struct scenario *scenario = fixture_try(yaml, &err);

    ck_assert_msg(scenario != NULL, "%s", err.text);
    return scenario;
}

void fixture_expect(struct wire *wire, const char *expected)
{
    char *got = memory_alloc(2 * wire->length + 1, 1);
    char *wanted = memory_alloc(strlen(expected) + 1, 1);
    size_t count = 0;

    for (size_t i = 0; i < wire->length; i++)
        (void)snprintf(got + 2 * i, 3, "%02x", wire->bytes[i]);
    for (; *expected; expected++) {
        if (*expected != ' ')
            wanted[count++] = *expected;
    }
    ck_assert_str_eq(got, wanted);
    free(got);
    free(wanted);
    wire_free(wire);
}
