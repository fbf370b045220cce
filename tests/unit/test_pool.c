#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/heap.h"
#include "base/pool.h"
#include "base/rng.h"

static void test_classes(void **state)
{
    (void)state;
    assert_int_equal(pool_block_bytes(0), 32);
    assert_int_equal(pool_block_bytes(32), 32);
    assert_int_equal(pool_block_bytes(33), 48);
    assert_int_equal(pool_block_bytes(49), 64);
    assert_int_equal(pool_block_bytes(65), 80);
    assert_int_equal(pool_block_bytes(65536), 65536);
    assert_int_equal(pool_block_bytes(65537), 65537);
    size_t before = 32;
    for (size_t n = 1; n <= POOL_MAX_BLOCK; n++) {
        size_t got = pool_block_bytes(n);
        assert_true(got >= n && got >= before && (got % 16) == 0);
        /* A block never costs a quarter more than what was asked for, but for the steps of 16 bytes. */
        assert_true(n <= POOL_MIN_BLOCK || got < n + 16 || 4 * got < 5 * n);
        before = got;
    }
}

static void test_reuse(void **state)
{
    (void)state;
    FYKE_CLEANUP(pool_release) struct pool p = POOL_INIT;
    void *a = pool_alloc(&p, 100);
    assert_int_equal((uintptr_t)a % 16, 0);
    assert_int_equal(p.live_bytes, 112);
    size_t chunk_bytes = p.chunk_bytes;
    pool_free(&p, a, 100);
    assert_int_equal(p.live_bytes, 0);
    assert_ptr_equal(pool_alloc(&p, 112), a);
    pool_free(&p, a, 97);
    assert_int_equal(p.chunk_bytes, chunk_bytes);
    pool_free(&p, NULL, 5);
    char *z = pool_zalloc(&p, 120);
    for (int i = 0; i < 120; i++) {
        assert_int_equal(z[i], 0);
    }
}

static void test_whole_cache_lines(void **state)
{
    (void)state;
    FYKE_CLEANUP(pool_release) struct pool p = POOL_INIT;
    (void)pool_alloc(&p, 48);
    for (size_t bytes = 64; bytes <= 1024; bytes += 16) {
        char *a = pool_alloc(&p, bytes);
        assert_true(pool_block_bytes(bytes) % 64 != 0 || (uintptr_t)a % 64 == 0);
    }
    /* What was skipped in front of one serves a small block. */
    FYKE_CLEANUP(pool_release) struct pool q = POOL_INIT;
    char *line = pool_alloc(&q, 64);
    (void)pool_alloc(&q, 32);
    char *next = pool_alloc(&q, 64);
    assert_ptr_equal(next, line + 128);
    assert_ptr_equal(pool_alloc(&q, 32), line + 96);
}

static void test_large(void **state)
{
    (void)state;
    FYKE_CLEANUP(pool_release) struct pool p = POOL_INIT;
    char *a = pool_alloc(&p, 100000), *b = pool_alloc(&p, 200000), *c = pool_alloc(&p, 300000);
    memset(a, 1, 100000);
    memset(c, 1, 300000);
    assert_int_equal((uintptr_t)b % 16, 0);
    assert_int_equal(p.live_bytes, 600000);
    pool_free(&p, b, 200000);
    pool_free(&p, c, 300000);
    assert_int_equal(p.live_bytes, 100000);
    assert_int_equal(p.chunk_bytes, 100000);
    a = pool_resize(&p, a, 100000, 40);
    assert_int_equal(p.live_bytes, 48);
    assert_int_equal(a[39], 1);
    (void)pool_alloc(&p, 70000); /* left for pool_release */
}

static void test_resize(void **state)
{
    (void)state;
    FYKE_CLEANUP(pool_release) struct pool p = POOL_INIT;
    char *a = pool_resize(&p, NULL, 0, 33);
    memset(a, 7, 33);
    assert_ptr_equal(pool_resize(&p, a, 33, 48), a);
    for (size_t n = 33; n < 200000; n = n * 3 / 2) {
        a = pool_resize(&p, a, n, n * 3 / 2);
        assert_int_equal(a[0], 7);
        assert_int_equal(a[32], 7);
        assert_int_equal(p.live_bytes, pool_block_bytes(n * 3 / 2));
    }
}

struct held {
    unsigned char *ptr;
    size_t bytes;
};

/* Blocks never overlap, and once the peak is reached no more memory is taken. */
static void test_churn(void **state)
{
    (void)state;
    FYKE_CLEANUP(pool_release) struct pool p = POOL_INIT;
    struct rng r = rng_seed(2);
    struct held held[200] = {{0}};
    for (int i = 0; i < 40000; i++) {
        size_t slot = (size_t)rng_below(&r, FYKE_ARRAY_LEN(held));
        struct held *h = &held[slot];
        for (size_t k = 0; h->ptr && k < h->bytes; k += 61) {
            assert_int_equal(h->ptr[k], (unsigned char)slot);
        }
        pool_free(&p, h->ptr, h->bytes);
        h->bytes = (size_t)1 << rng_below(&r, 17);
        h->bytes += (size_t)rng_below(&r, h->bytes);
        h->ptr = pool_alloc(&p, h->bytes);
        memset(h->ptr, (int)slot, h->bytes);
    }
    size_t live = 0;
    for (size_t i = 0; i < FYKE_ARRAY_LEN(held); i++) {
        live += held[i].ptr ? pool_block_bytes(held[i].bytes) : 0;
    }
    assert_int_equal(p.live_bytes, live);
    for (size_t i = 0; i < FYKE_ARRAY_LEN(held); i++) {
        pool_free(&p, held[i].ptr, held[i].bytes);
    }
    assert_int_equal(p.live_bytes, 0);
    size_t peak = p.chunk_bytes;
    for (int round = 0; round < 100; round++) {
        void *blocks[50];
        for (size_t i = 0; i < 50; i++) {
            blocks[i] = pool_alloc(&p, 64);
        }
        for (size_t i = 0; i < 50; i++) {
            pool_free(&p, blocks[i], 64);
        }
    }
    assert_int_equal(p.chunk_bytes, peak);
}

struct timer {
    int64_t at;
    unsigned id;
    struct heap_node node;
};

static const struct timer *timer_of(const struct heap_node *n)
{
    return HEAP_ENTRY(n, const struct timer, node);
}

static int timer_cmp(const struct heap_node *a, const struct heap_node *b)
{
    const struct timer *x = timer_of(a), *y = timer_of(b);
    if (x->at != y->at) {
        return x->at < y->at ? -1 : 1;
    }
    return x->id < y->id ? -1 : x->id > y->id;
}

static void test_heap_order(void **state)
{
    (void)state;
    enum { N = 500 };
    struct timer t[N] = {{0}};
    struct rng r = rng_seed(4);
    FYKE_CLEANUP(heap_release) struct heap h;
    heap_init(&h, timer_cmp);
    assert_null(heap_pop(&h));
    assert_null(heap_peek(&h));
    for (unsigned i = 0; i < N; i++) {
        t[i].at = rng_range(&r, 0, 50);
        t[i].id = i;
        heap_push(&h, &t[i].node);
    }
    for (int i = 0; i < 300; i++) {
        struct timer *x = &t[rng_below(&r, N)];
        if (i % 3 == 0) {
            heap_remove(&h, &x->node);
            assert_false(heap_has(&x->node));
            heap_remove(&h, &x->node);
        } else if (heap_has(&x->node)) {
            x->at = rng_range(&r, -20, 80);
            heap_update(&h, &x->node);
        }
    }
    size_t left = h.n;
    const struct heap_node *before = NULL;
    for (struct heap_node *n; (n = heap_pop(&h)) != NULL; before = n, left--) {
        assert_false(heap_has(n));
        assert_true(!before || timer_cmp(before, n) < 0);
    }
    assert_int_equal(left, 0);
}

static void test_heap_release(void **state)
{
    (void)state;
    struct timer t = {.at = 1};
    struct heap h;
    heap_init(&h, timer_cmp);
    heap_push(&h, &t.node);
    assert_ptr_equal(heap_peek(&h), &t.node);
    heap_release(&h);
    assert_false(heap_has(&t.node));
    heap_push(&h, &t.node);
    heap_release(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes),      cmocka_unit_test(test_reuse),
        cmocka_unit_test(test_whole_cache_lines), cmocka_unit_test(test_large),        cmocka_unit_test(test_resize),
        cmocka_unit_test(test_churn),        cmocka_unit_test(test_heap_order),
        cmocka_unit_test(test_heap_release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
