/* Alerts counted by rule and key: as if each were counted at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "lib/replay_key_counts.h"

#define RULES 3
#define KEYS 700
#define ALERTS 20000

/* Short ones, ones that just fit and that just do not, and none. */
static struct slice key_text(unsigned key, char text[REPLAY_KEY_WAITING_BYTES + 8])
{
    if (key == 0) {
        return (struct slice){"", 0};
    }
    size_t len = key % 7 < 3 ? REPLAY_KEY_WAITING_BYTES - 1 + key % 7 : 5;
    memset(text, 'k', len);
    text[snprintf(text, 6, "%05u", key)] = 'k';
    return slice_from(text, len);
}

static void each_alert_counts_for_its_key(void **state)
{
    static unsigned expected[RULES][KEYS];
    struct replay_key_counts counts = {0};
    struct map of[RULES];
    struct rng rng = rng_seed(3);
    char text[REPLAY_KEY_WAITING_BYTES + 8];
    (void)state;
    for (unsigned r = 0; r < RULES; r++) {
        map_init(&of[r], MAP_COPY_KEYS);
    }
    for (unsigned i = 0; i < ALERTS; i++) {
        unsigned rule = (unsigned)rng_below(&rng, RULES);
        unsigned key = (unsigned)rng_below(&rng, i % 2 != 0 ? 10 : KEYS);
        expected[rule][key]++;
        replay_key_counts_add(&counts, &of[rule], key_text(key, text));
    }
    replay_key_counts_finish(&counts);
    for (unsigned r = 0; r < RULES; r++) {
        size_t seen = 0;
        for (unsigned key = 0; key < KEYS; key++) {
            assert_int_equal((uintptr_t)map_get(&of[r], key_text(key, text)), expected[r][key]);
            seen += expected[r][key] > 0;
        }
        assert_int_equal(of[r].n, seen);
        map_release(&of[r]);
    }
}

/* What waits is counted once, and more may come. */
static void finishing_twice(void **state)
{
    struct replay_key_counts counts = {0};
    struct map of;
    (void)state;
    map_init(&of, MAP_COPY_KEYS);
    for (unsigned n = 1; n < 3; n++) {
        replay_key_counts_add(&counts, &of, SLICE_LIT("a"));
        replay_key_counts_finish(&counts);
        replay_key_counts_finish(&counts);
        assert_int_equal((uintptr_t)map_get(&of, SLICE_LIT("a")), n);
    }
    map_release(&of);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_alert_counts_for_its_key),
        cmocka_unit_test(finishing_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
