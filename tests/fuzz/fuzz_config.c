/* altimeter.yaml: any bytes give a configuration or mistakes that are told, the same ones each time. */
#include "fuzz.h"
#include "lib/config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* What is told of the bytes; the caller frees it. */
static char *told(const uint8_t *data, size_t size)
{
    char *text = NULL;
    size_t length = 0;
    struct error err = {0};
    FILE *problems = open_memstream(&text, &length);

    assert(problems);
    struct config *config = config_parse("f", (const char *)data, size, problems, &err);
    int closed = fclose(problems);
    assert(closed == 0);
    assert(config ? strstr(text, "warning: ") || length == 0 : err.text[0] != '\0');
    for (size_t i = 0; i < length; i++) // nothing in it does harm to a terminal
        assert(text[i] == '\n' || (unsigned char)text[i] >= 0x20);
    config_free(config);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *first = told(data, size), *second = told(data, size);

    assert(strcmp(first, second) == 0);
    free(first);
    free(second);
    return 0;
}
