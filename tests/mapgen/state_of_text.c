/* state_of_text PATH: writes the backbone that stands on stdin (network.h) into a new state.db. */
#include "lib/text.h"
#include "network.h"

#include <stdio.h>
#include <stdlib.h>

static char *read_all(FILE *file)
{
    char *text = NULL;
    size_t used = 0, capacity = 0;

    for (int letter; (letter = getc(file)) != EOF;) {
        text = memory_grow(text, used, &capacity, 1);
        text[used++] = (char)letter;
    }
    text = memory_grow(text, used, &capacity, 1);
    text[used] = '\0';
    return text;
}

int main(int argc, char **argv)
{
    struct error err;

    if (argc != 2) {
        (void)fprintf(stderr, "state_of_text PATH <STATEMENTS\n");
        return 2;
    }
    struct state_writer *writer =
        state_writer_open(&(struct state_writer_options){.path = argv[1]}, &err);
    if (!writer) {
        (void)fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    char *text = read_all(stdin);
    struct network *network = network_new(text);
    network_write(network, writer, text_now_us());
    network_free(network);
    free(text);
    state_writer_close(writer);
    return 0;
}
