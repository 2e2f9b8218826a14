/* replay: runs every file of the folders given through a fuzz target, where there is no fuzzer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { LARGEST = 1 << 22 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned replay(const char *folder, uint8_t *buffer)
{
    struct dirent **files;
    int count = scandir(folder, &files, NULL, alphasort);
    unsigned run = 0;

    for (int i = 0; i < count; i++) {
        char path[512];
        (void)snprintf(path, sizeof path, "%s/%s", folder, files[i]->d_name);
        FILE *file = files[i]->d_name[0] == '.' ? NULL : fopen(path, "rb");
        free(files[i]);
        if (!file)
            continue;
        size_t size = fread(buffer, 1, LARGEST, file);
        (void)fclose(file);
        uint8_t *exact = malloc(size ? size : 1); // to the byte, for the sanitizer
        for (size_t at = 0; exact && at < size; at++)
            exact[at] = buffer[at];
        if (exact)
            (void)LLVMFuzzerTestOneInput(exact, size);
        free(exact);
        run++;
    }
    if (count >= 0)
        free(files);
    return run;
}

int main(int argc, char **argv)
{
    uint8_t *buffer = malloc(LARGEST);
    unsigned run = 0;

    for (int i = 1; buffer && i < argc; i++)
        run += replay(argv[i], buffer);
    free(buffer);
    printf("%u inputs\n", run);
    return run ? EXIT_SUCCESS : EXIT_FAILURE; // a folder without seeds is a mistake
}
