/* Writes altimeter.yaml(5) or the commented example file, from the table of keys; run by the build. */
#include "lib/config.h"

#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "manual") == 0)
        config_write_manual(stdout);
    else if (argc == 2 && strcmp(argv[1], "example") == 0)
        config_write_example(stdout);
    else
        return EXIT_FAILURE;
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
