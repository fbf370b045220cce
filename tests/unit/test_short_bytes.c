/* Few bytes are compared and copied as memcmp and memcpy do, and none beside them is read or written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "base/short_bytes.h"
#include "base/xalloc.h"

enum { MOST = 40 };

/* A block of its own, so that a sanitizer sees what is read behind it. */
static char *bytes_of(size_t n, char first)
{
    char *p = xmalloc(n + (n == 0));
    for (size_t i = 0; i < n; i++) {
        p[i] = (char)(first + (char)i);
    }
    return p;
}

static void equal_is_equal_in_every_byte(void **state)
{
    (void)state;
    for (size_t n = 0; n <= MOST; n++) {
        char *a = bytes_of(n, 'A'), *b = bytes_of(n, 'A');
        assert_true(short_bytes_equal(a, b, n));
        for (size_t i = 0; i < n; i++) {
            b[i] ^= 0x40;
            assert_false(short_bytes_equal(a, b, n));
            b[i] ^= 0x40;
        }
        free(a);
        free(b);
    }
}

static void copied_is_every_byte_and_no_other(void **state)
{
    (void)state;
    for (size_t n = 0; n <= MOST; n++) {
        char *from = bytes_of(n, 'a'), to[MOST + 2];
        memset(to, '#', sizeof(to));
        short_bytes_copy(to + 1, from, n);
        assert_memory_equal(to + 1, from, n);
        assert_true(to[0] == '#' && to[n + 1] == '#');
        free(from);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_is_equal_in_every_byte),
        cmocka_unit_test(copied_is_every_byte_and_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
