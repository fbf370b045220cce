/* Chunks of regions: none is given twice, and regions without one in use go back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/chunks.h"

enum { N = 100 };

static int by_address(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t)*(char *const *)a, y = (uintptr_t)*(char *const *)b;
    return x < y ? -1 : x > y;
}

static void chunks_are_apart(void **state)
{
    (void)state;
    char *all[N];
    for (int i = 0; i < N; i++) {
        all[i] = chunk_alloc();
        assert_int_equal((uintptr_t)all[i] % 16, 0);
        memset(all[i], i, CHUNK_BYTES);
    }
    assert_int_equal(chunk_region_count(), (N + CHUNKS_PER_REGION - 1) / CHUNKS_PER_REGION);
    for (int i = 0; i < N; i++) {
        assert_int_equal(all[i][0], i);
        assert_int_equal(all[i][CHUNK_BYTES - 1], i);
    }
    qsort(all, N, sizeof(*all), by_address);
    for (int i = 1; i < N; i++) {
        assert_true(all[i - 1] + CHUNK_BYTES <= all[i]);
    }
    for (int i = 0; i < N; i++) {
        chunk_free(all[i]);
    }
    assert_int_equal(chunk_region_count(), CHUNK_REGIONS_KEPT);
}

/* What was given back is taken again before there is more. */
static void holes_are_filled(void **state)
{
    (void)state;
    char *all[N];
    for (int i = 0; i < N; i++) {
        all[i] = chunk_alloc();
    }
    size_t regions = chunk_region_count();
    for (int round = 0; round < 3; round++) {
        for (int i = round; i < N; i += 3) {
            chunk_free(all[i]);
        }
        for (int i = round; i < N; i += 3) {
            all[i] = chunk_alloc();
        }
        assert_int_equal(chunk_region_count(), regions);
    }
    for (int i = N; i-- > 0;) {
        chunk_free(all[i]);
    }
    assert_int_equal(chunk_region_count(), CHUNK_REGIONS_KEPT);
}

static void *come_and_go(void *arg)
{
    unsigned char mark = (unsigned char)(uintptr_t)arg;
    char *mine[20] = {0};
    for (int i = 0; i < 4000; i++) {
        char **at = &mine[(i * 7) % 20];
        if (*at) {
            if ((*at)[0] != (char)mark || (*at)[CHUNK_BYTES - 1] != (char)mark) {
                return arg;
            }
            chunk_free(*at);
            *at = NULL;
        } else {
            *at = chunk_alloc();
            (*at)[0] = (*at)[CHUNK_BYTES - 1] = (char)mark;
        }
    }
    for (int i = 0; i < 20; i++) {
        if (mine[i]) {
            chunk_free(mine[i]);
        }
    }
    return NULL;
}

static void any_thread_may_call(void **state)
{
    (void)state;
    pthread_t threads[4];
    for (uintptr_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, (void *)(i + 1)), 0);
    }
    for (int i = 0; i < 4; i++) {
        void *failed;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_int_equal(chunk_region_count(), CHUNK_REGIONS_KEPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_are_apart),
        cmocka_unit_test(holes_are_filled),
        cmocka_unit_test(any_thread_may_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
