/* Stands in for the fuzzer where there is none: gives the target every seed file once. */
#include "tests/fuzz/fuzz.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

static int replay_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(size + 1);
    int failed = file == NULL || data == NULL || fread(data, 1, size, file) != size;
    if (failed) {
        fprintf(stderr, "cannot read %s\n", path);
    } else {
        /* Named before it runs: a crash must say whose it is. */
        fprintf(stderr, "%s\n", path);
        LLVMFuzzerTestOneInput(data, size);
    }
    free(data);
    if (file != NULL) {
        fclose(file);
    }
    return failed;
}

static int visit(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)place;
    return type == FTW_F ? replay_file(path, (size_t)status->st_size) : 0;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (nftw(argv[i], visit, 16, 0) != 0) {
            return 1;
        }
    }
    /* The empty input is every target's first. */
    return LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
}
