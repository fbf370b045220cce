/* What every fuzz target defines: no input may crash, leak or hang. Returns 0. */
#ifndef FYKE_TESTS_FUZZ_H
#define FYKE_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
