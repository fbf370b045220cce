/* The JSON scanner and the decoder against jansson, and their short ways against the general one. */
#include "tests/fuzz/fuzz.h"
#include "tests/support/decode_ways.h"
#include "tests/support/json_diff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* one scanner and decoder for all inputs: what one leaves behind may not show in the next */
    static struct json_diff *diff;
    static struct decode_ways *ways;
    if (!diff) {
        diff = json_diff_new();
        ways = decode_ways_new();
    }
    if (size <= 1 << 16) {
        json_diff_check(diff, (const char *)data, size);
        decode_ways_check(ways, (const char *)data, size);
    }
    return 0;
}
