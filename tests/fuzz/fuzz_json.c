/* The JSON scanner and the decoder against jansson. */
#include "tests/fuzz/fuzz.h"
#include "tests/support/json_diff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* one scanner and decoder for all inputs: what one leaves behind may not show in the next */
    static struct json_diff *diff;
    if (!diff) {
        diff = json_diff_new();
    }
    if (size <= 1 << 16) {
        json_diff_check(diff, (const char *)data, size);
    }
    return 0;
}
