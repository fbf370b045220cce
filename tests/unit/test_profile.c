/* Measures of profiles against their definition: random events, every aggregate, windows, buckets,
 * warm-up, expiry, and the stored form at any point. */
#include "tests/support/expr_world.h"

#include <stdio.h>

#include "base/rng.h"
#include "base/xalloc.h"
#include "nfa/aggregate_internal.h"
#include "nfa/measure.h"

#define S NS_PER_S
#define MAX_EVENTS 160

struct sheet {
    struct world *w;
    struct measure m;
    struct pool pool;
    struct measure_state *state;
    const struct event *events[MAX_EVENTS];
    uint32_t n;
};

/* ---- the definition ----------------------------------------------------------------------- */

static int64_t bucket(const struct sheet *sh, int64_t t)
{
    int64_t every = sh->m.every.ns;
    int64_t q = t / every - (t % every < 0);
    return every ? q * every : t;
}

static int64_t place(const struct sheet *sh, int64_t t)
{
    return sh->m.every.ns ? bucket(sh, t) : t;
}

static bool inside(const struct sheet *sh, uint32_t i, int64_t t)
{
    int64_t at = place(sh, sh->events[i]->time.ns);
    int64_t now = place(sh, t);
    return at >= now - sh->m.over.ns && (!sh->m.every.ns || at < now);
}

static void take(struct agg_acc *acc, const struct expr *e, const struct event *event,
                 struct eval *ev)
{
    ev->self = event;
    struct value v = value_timestamp(event->time);
    if (e->kids[0]) {
        v = expr_eval(e->kids[0], ev);
    }
    if (expr_true(e->kids[1], ev) && !value_is_missing(v)) {
        agg_acc_add(acc, e, v, e->kids[2] && e->agg == AGG_NTH ? e->kids[2]->value.u.i : 0);
    }
}

static struct value keep(struct sheet *sh, struct value v)
{
    return value_copy(v, &sh->w->scratch);
}

static struct value nested(struct sheet *sh, int64_t t)
{
    struct agg_acc outer = {0};
    const struct expr *in = sh->m.agg->kids[0];
    for (uint32_t i = 0; i < sh->n;) {
        struct agg_acc inner = {0};
        int64_t at = bucket(sh, sh->events[i]->time.ns);
        bool within = inside(sh, i, t);
        while (i < sh->n && bucket(sh, sh->events[i]->time.ns) == at) {
            take(&inner, in, sh->events[i++], &sh->w->ev);
        }
        struct value v = keep(sh, agg_acc_result(&inner, in, &sh->w->ev));
        agg_acc_release(&inner);
        if (within && !value_is_missing(v)) {
            agg_acc_add(&outer, sh->m.agg, v, 0);
        }
    }
    struct value v = keep(sh, agg_acc_result(&outer, sh->m.agg, &sh->w->ev));
    agg_acc_release(&outer);
    return v;
}

/* The n values seen last; their order is told by seen_first. */
static struct value newest_values(struct sheet *sh, int64_t t)
{
    struct value *found = ARENA_ARRAY(&sh->w->scratch, struct value, MAX_EVENTS);
    uint32_t n = 0;
    for (uint32_t i = sh->n; i-- > 0 && (!sh->m.max || n < sh->m.max);) {
        sh->w->ev.self = sh->events[i];
        struct value v = expr_eval(sh->m.agg->kids[0], &sh->w->ev);
        bool known = value_is_missing(v) || !inside(sh, i, t);
        for (uint32_t k = 0; k < n; k++) {
            known = known || value_equal(found[k], v);
        }
        if (!known) {
            found[n++] = v;
        }
    }
    return n ? value_list(found, n) : VALUE_MISSING;
}

static bool is_warm(const struct sheet *sh, int64_t t)
{
    int64_t began = INT64_MIN, newest = INT64_MIN;
    for (uint32_t i = 0; i <= sh->n; i++) {
        int64_t now = i < sh->n ? sh->events[i]->time.ns : t;
        if (began != INT64_MIN && place(sh, newest) < place(sh, now) - sh->m.over.ns) {
            began = INT64_MIN;
        }
        began = began == INT64_MIN && i < sh->n ? now : began;
        newest = now;
    }
    return began != INT64_MIN && t - began >= sh->m.warm.ns;
}

static struct value naive(struct sheet *sh, int64_t t)
{
    if (sh->m.warm.ns && !is_warm(sh, t)) {
        return VALUE_MISSING;
    }
    if (sh->m.nested) {
        return nested(sh, t);
    }
    if (sh->m.as_set) {
        return newest_values(sh, t);
    }
    struct agg_acc acc = {0};
    for (uint32_t i = 0; i < sh->n; i++) {
        if (inside(sh, i, t)) {
            take(&acc, sh->m.agg, sh->events[i], &sh->w->ev);
        }
    }
    struct value v = keep(sh, agg_acc_result(&acc, sh->m.agg, &sh->w->ev));
    agg_acc_release(&acc);
    return v;
}

/* ---- comparing ---------------------------------------------------------------------------- */

static bool same_items(struct value a, struct value b)
{
    bool same = a.kind == b.kind && a.len == b.len;
    for (uint32_t i = 0; same && a.kind == VAL_LIST && i < a.len; i++) {
        bool found = false;
        for (uint32_t k = 0; k < b.len; k++) {
            found = found || value_equal(a.u.items[i], b.u.items[k]);
        }
        same = found;
    }
    return same;
}

static void compare(struct sheet *sh, int64_t t)
{
    struct value want = naive(sh, t);
    struct value got = measure_read(&sh->m, sh->state, (struct etime){t}, &sh->w->ev);
    bool same = sh->m.as_set ? same_items(want, got) : value_equal(want, got);
    if (!same) {
        struct buf text = BUF_INIT;
        buf_puts(&text, "want ");
        value_is_missing(want) ? buf_puts(&text, "missing") : value_to_json(want, &text);
        buf_puts(&text, " got ");
        value_is_missing(got) ? buf_puts(&text, "missing") : value_to_json(got, &text);
        buf_printf(&text, "; aggregate %d, %u events, at %lld, over %lld every %lld warm %lld%s",
                   sh->m.agg->agg, sh->n, (long long)t, (long long)sh->m.over.ns,
                   (long long)sh->m.every.ns, (long long)sh->m.warm.ns,
                   sh->m.nested ? ", nested" : "");
        print_error("%s\n", buf_cstr(&text));
        buf_release(&text);
    }
    assert_true(same);
}

/* ---- stored form -------------------------------------------------------------------------- */

struct stored {
    struct buf head;
    struct buf *segments;
    uint64_t first;
    uint32_t n;
};

static struct stored store(const struct measure_state *s)
{
    struct stored st = {.head = BUF_INIT};
    st.n = measure_segments(s, &st.first);
    st.segments = xcalloc(st.n + 1, sizeof(*st.segments));
    measure_encode_head(s, &NEAR_NOTHING, &st.head);
    for (uint32_t i = 0; i < st.n; i++) {
        measure_encode_segment(s, i, &NEAR_NOTHING, &st.segments[i]);
    }
    return st;
}

static void store_release(struct stored *st)
{
    for (uint32_t i = 0; i < st->n; i++) {
        buf_release(&st->segments[i]);
    }
    free(st->segments);
    buf_release(&st->head);
}

static struct slice get_segment(void *ctx, uint64_t id)
{
    struct stored *st = ctx;
    return id >= st->first && id < st->first + st->n ? buf_slice(&st->segments[id - st->first])
                                                     : (struct slice){0};
}

static struct measure_state *load(struct sheet *sh, struct stored *st, struct slice head,
                                  const char **why)
{
    struct stored_form from = {.head = head, .get = get_segment, .ctx = st};
    return measure_load(&sh->m, &sh->pool, &from, why);
}

static void reload(struct sheet *sh)
{
    struct stored a = store(sh->state);
    const char *why;
    measure_free(sh->state);
    sh->state = load(sh, &a, buf_slice(&a.head), &why);
    if (!sh->state) {
        print_error("%s\n", why);
    }
    assert_non_null(sh->state);
    struct stored b = store(sh->state);
    assert_true(slice_eq(buf_slice(&a.head), buf_slice(&b.head)) && a.n == b.n);
    for (uint32_t i = 0; i < a.n; i++) {
        assert_true(slice_eq(buf_slice(&a.segments[i]), buf_slice(&b.segments[i])));
        assert_false(measure_segment_dirty(sh->state, i));
    }
    store_release(&a);
    store_release(&b);
}

/* ---- random runs -------------------------------------------------------------------------- */

/* Less than n, small. */
static uint32_t below(struct rng *rng, uint32_t n)
{
    return (uint32_t)rng_below(rng, n);
}

static struct value some_value(struct world *w, enum value_kind kind, struct rng *rng)
{
    int64_t i = (int64_t)below(rng, 7);
    char text_of[16];
    if (below(rng, 8) == 0) {
        return VALUE_MISSING;
    }
    if (kind == VAL_DECIMAL) {
        snprintf(text_of, sizeof(text_of), "%d.%02u", (int)i - 3, below(rng, 100));
        return dec(text_of);
    }
    if (kind == VAL_FLOAT) {
        return value_float((double)i / 3.0 - 0.7);
    }
    if (kind == VAL_STRING) {
        snprintf(text_of, sizeof(text_of), "v%d", (int)i);
        return value_copy(value_string(slice_of(text_of)), &w->arena);
    }
    return kind == VAL_DURATION ? secs(i) : value_int(i - 3);
}

/* A measure with random window over the aggregate. */
static void set_up(struct sheet *sh, struct rng *rng, bool allow_every)
{
    int64_t every = allow_every && below(rng, 2) ? (int64_t)(1 + below(rng, 6)) : 0;
    int64_t over = every ? every * (int64_t)(1 + below(rng, 5)) + (int64_t)below(rng, 3)
                         : (int64_t)below(rng, 25);
    sh->m.over.ns = (over ? over : 1) * S;
    sh->m.every.ns = every * S;
    sh->m.warm.ns = below(rng, 3) ? 0 : (int64_t)below(rng, 20) * S;
    sh->n = 0;
    pool_init(&sh->pool);
    sh->state = measure_new(&sh->m, &sh->pool);
}

static void next_event(struct sheet *sh, struct rng *rng, int64_t *t, enum value_kind kind)
{
    static const uint32_t steps[] = {0, 0, 1, 1, 2, 3, 5, 9, 40};
    int64_t next = *t + steps[below(rng, (uint32_t)FYKE_ARRAY_LEN(steps))];
    for (int64_t at = *t; at <= next; at += 1 + (int64_t)below(rng, 4)) {
        compare(sh, at * S);
    }
    struct etime due = measure_next_time(sh->state);
    if (below(rng, 2) && due.ns < next * S) {
        measure_expire(sh->state, due);
        assert_true(measure_is_empty(sh->state));
    }
    *t = next;
    compare(sh, next * S);
    struct value values[2] = {some_value(sh->w, kind, rng), value_bool(below(rng, 3) > 0)};
    const struct event *e = event_at(sh->w, next, 2, values);
    measure_apply(sh->state, e, &sh->w->ev);
    sh->events[sh->n++] = e;
    if (below(rng, 4) == 0) {
        reload(sh);
    }
    arena_reset(&sh->w->scratch);
}

static void run(struct sheet *sh, struct rng *rng, enum value_kind kind, bool allow_every)
{
    int64_t t = 100 + (int64_t)below(rng, 50);
    set_up(sh, rng, allow_every);
    uint32_t n = 5 + below(rng, 40);
    for (uint32_t i = 0; i < n; i++) {
        next_event(sh, rng, &t, kind);
    }
    compare(sh, (t + 7) * S);
    compare(sh, (t + 1000) * S);
    assert_true(measure_is_empty(sh->state));
    assert_int_equal(measure_kept(sh->state), 0);
    measure_free(sh->state);
    assert_int_equal(sh->pool.live_bytes, 0);
    pool_release(&sh->pool);
}

struct kind_of_agg {
    enum agg_op op;
    enum value_kind value, result;
    bool as_set;
};

static const struct kind_of_agg plain[] = {
    {AGG_COUNT, VAL_INT, VAL_INT, false},          {AGG_SUM, VAL_INT, VAL_INT, false},
    {AGG_SUM, VAL_DECIMAL, VAL_DECIMAL, false},    {AGG_SUM, VAL_FLOAT, VAL_FLOAT, false},
    {AGG_SUM, VAL_DURATION, VAL_DURATION, false},  {AGG_AVERAGE, VAL_DECIMAL, VAL_DECIMAL, false},
    {AGG_AVERAGE, VAL_FLOAT, VAL_FLOAT, false},    {AGG_STDDEV, VAL_DECIMAL, VAL_DECIMAL, false},
    {AGG_STDDEV, VAL_FLOAT, VAL_FLOAT, false},     {AGG_MIN, VAL_INT, VAL_INT, false},
    {AGG_MAX, VAL_STRING, VAL_STRING, false},      {AGG_MAX, VAL_DECIMAL, VAL_DECIMAL, false},
    {AGG_FIRST, VAL_STRING, VAL_STRING, false},    {AGG_LAST, VAL_STRING, VAL_STRING, false},
    {AGG_NTH, VAL_STRING, VAL_STRING, false},      {AGG_COUNT_DISTINCT, VAL_STRING, VAL_INT, false},
    {AGG_DISTINCT, VAL_STRING, VAL_LIST, false},   {AGG_DISTINCT, VAL_STRING, VAL_LIST, true},
    {AGG_COLLECT, VAL_STRING, VAL_LIST, false},    {AGG_PERCENTILE, VAL_INT, VAL_INT, false},
    {AGG_GAP_AVERAGE, VAL_MISSING, VAL_DURATION, false},
    {AGG_GAP_STDDEV, VAL_MISSING, VAL_DURATION, false},
};

static struct expr *aggregate_of(struct world *w, const struct kind_of_agg *k, struct rng *rng)
{
    struct expr *value = k->value == VAL_MISSING ? NULL : field(w, EX_FIELD, 0, -1);
    struct expr *where = below(rng, 3) || k->as_set ? NULL : field(w, EX_FIELD, 1, -1);
    struct expr *second = NULL;
    if (value) {
        value->kind = (uint8_t)k->value;
    }
    if (k->op == AGG_COUNT && below(rng, 2)) {
        value = NULL;
    }
    if (k->op == AGG_NTH || k->op == AGG_PERCENTILE) {
        second = con(w, value_int(k->op == AGG_NTH ? 2 : 60));
    }
    return agg(w, k->op, k->result, value, where, second);
}

static void test_against_the_definition(void **state)
{
    struct rng rng = rng_seed(20260103);
    for (uint32_t round = 0; round < 30; round++) {
        for (size_t i = 0; i < FYKE_ARRAY_LEN(plain); i++) {
            struct sheet sh = {.w = *state};
            sh.m.agg = aggregate_of(sh.w, &plain[i], &rng);
            sh.m.as_set = plain[i].as_set;
            sh.m.max = plain[i].as_set ? below(&rng, 4) : 0;
            run(&sh, &rng, plain[i].value, true);
        }
    }
}

/* Inner over the buckets, outer over the buckets that hold an event. */
static void test_nested_against_the_definition(void **state)
{
    static const struct kind_of_agg inner[] = {
        {AGG_SUM, VAL_DECIMAL, VAL_DECIMAL, false},  {AGG_COUNT, VAL_INT, VAL_INT, false},
        {AGG_MAX, VAL_INT, VAL_INT, false},          {AGG_LAST, VAL_DECIMAL, VAL_DECIMAL, false},
        {AGG_COUNT_DISTINCT, VAL_STRING, VAL_INT, false},
        {AGG_FIRST, VAL_INT, VAL_INT, false},        {AGG_PERCENTILE, VAL_INT, VAL_INT, false},
    };
    static const enum agg_op outer[] = {AGG_AVERAGE, AGG_SUM, AGG_STDDEV, AGG_MAX, AGG_MIN,
                                        AGG_COUNT, AGG_LAST, AGG_FIRST, AGG_COUNT_DISTINCT};
    struct rng rng = rng_seed(7);
    for (uint32_t round = 0; round < 4; round++) {
        for (size_t i = 0; i < FYKE_ARRAY_LEN(inner) * FYKE_ARRAY_LEN(outer); i++) {
            struct sheet sh = {.w = *state};
            const struct kind_of_agg *in = &inner[i % FYKE_ARRAY_LEN(inner)];
            enum agg_op op = outer[i / FYKE_ARRAY_LEN(inner)];
            bool mean = op == AGG_AVERAGE || op == AGG_STDDEV;
            bool count = op == AGG_COUNT || op == AGG_COUNT_DISTINCT;
            sh.m.nested = true;
            sh.m.agg = agg(sh.w, op, count ? VAL_INT : mean ? VAL_DECIMAL : in->result,
                           aggregate_of(sh.w, in, &rng), NULL, NULL);
            do {
                set_up(&sh, &rng, true);
                measure_free(sh.state);
                pool_release(&sh.pool);
            } while (!sh.m.every.ns);
            struct duration over = sh.m.over, every = sh.m.every;
            int64_t t = 100;
            pool_init(&sh.pool);
            sh.m.over = over;
            sh.m.every = every;
            sh.state = measure_new(&sh.m, &sh.pool);
            for (uint32_t n = 0; n < 40; n++) {
                next_event(&sh, &rng, &t, in->value);
            }
            measure_free(sh.state);
            assert_int_equal(sh.pool.live_bytes, 0);
            pool_release(&sh.pool);
        }
    }
}

/* ---- by hand ------------------------------------------------------------------------------ */

static void feed(struct sheet *sh, int64_t at_s, struct value v)
{
    measure_apply(sh->state, event_at(sh->w, at_s, 1, &v), &sh->w->ev);
}

static void expect(struct sheet *sh, int64_t at_s, const char *json)
{
    expect_shown(measure_read(&sh->m, sh->state, (struct etime){at_s * S}, &sh->w->ev), json);
}

static struct sheet hand(struct world *w, enum agg_op op, enum value_kind kind, int64_t over)
{
    struct sheet sh = {.w = w};
    struct expr *f = field(w, EX_FIELD, 0, -1);
    f->kind = (uint8_t)(kind == VAL_LIST ? VAL_STRING : kind);
    sh.m.agg = agg(w, op, kind, f, NULL, NULL);
    sh.m.over.ns = over * S;
    return sh;
}

static void hand_begin(struct sheet *sh)
{
    pool_init(&sh->pool);
    sh->state = measure_new(&sh->m, &sh->pool);
}

static void hand_end(struct sheet *sh)
{
    measure_free(sh->state);
    pool_release(&sh->pool);
}

/* In the order of coming in; what is pushed out is what was seen last the longest ago. */
static void test_set_evicts_the_least_recently_seen(void **state)
{
    struct sheet sh = hand(*state, AGG_DISTINCT, VAL_LIST, 100);
    sh.m.as_set = true;
    sh.m.max = 2;
    hand_begin(&sh);
    feed(&sh, 1, text("NL"));
    feed(&sh, 2, text("BE"));
    feed(&sh, 3, text("NL"));
    expect(&sh, 3, "[\"NL\",\"BE\"]");
    feed(&sh, 4, text("DE"));
    expect(&sh, 4, "[\"NL\",\"DE\"]");
    reload(&sh);
    expect(&sh, 103, "[\"NL\",\"DE\"]");
    expect(&sh, 104, "[\"DE\"]");
    expect(&sh, 105, NULL);
    hand_end(&sh);
}

/* A value of the open bucket pushes nothing out before the bucket is over. */
static void test_set_with_buckets(void **state)
{
    struct sheet sh = hand(*state, AGG_DISTINCT, VAL_LIST, 20);
    sh.m.as_set = true;
    sh.m.max = 1;
    sh.m.every.ns = 10 * S;
    hand_begin(&sh);
    feed(&sh, 3, text("NL"));
    expect(&sh, 9, NULL);
    feed(&sh, 12, text("BE"));
    expect(&sh, 12, "[\"NL\"]");
    expect(&sh, 19, "[\"NL\"]");
    reload(&sh);
    expect(&sh, 20, "[\"BE\"]");
    expect(&sh, 39, "[\"BE\"]");
    expect(&sh, 40, NULL);
    assert_true(measure_is_empty(sh.state));
    hand_end(&sh);
}

/* 38 digits in, 38 digits out again: nothing of the large number stays. */
static void test_sums_forget_exactly(void **state)
{
    struct sheet sh = hand(*state, AGG_SUM, VAL_DECIMAL, 10);
    hand_begin(&sh);
    feed(&sh, 0, dec("99999999999999999999.999999999999999999"));
    feed(&sh, 5, dec("0.000000000000000001"));
    expect(&sh, 10, "100000000000000000000");
    expect(&sh, 11, "0.000000000000000001");
    hand_end(&sh);
}

static void test_damage_is_refused(void **state)
{
    struct sheet sh = hand(*state, AGG_MAX, VAL_STRING, 100);
    const char *why = NULL;
    hand_begin(&sh);
    feed(&sh, 1, text("b"));
    feed(&sh, 2, text("a"));
    struct stored st = store(sh.state);
    for (size_t cut = 0; cut < st.head.len; cut++) {
        struct slice head = slice_from(st.head.ptr, cut);
        assert_null(load(&sh, &st, head, &why));
        assert_non_null(why);
    }
    for (size_t cut = 0; cut < st.segments[0].len; cut++) {
        size_t whole = st.segments[0].len;
        st.segments[0].len = cut;
        assert_null(load(&sh, &st, buf_slice(&st.head), &why));
        st.segments[0].len = whole;
    }
    store_release(&st);
    hand_end(&sh);
}

/* Any byte may be another: it is refused, or it is a state that can be asked and goes on. */
static void test_wrong_bytes_do_no_harm(void **state)
{
    struct rng rng = rng_seed(5);
    unsigned refused = 0;
    for (uint32_t round = 0; round < 3000; round++) {
        const struct kind_of_agg *k = &plain[round % FYKE_ARRAY_LEN(plain)];
        struct sheet sh = {.w = *state};
        const char *why;
        int64_t t = 100;
        sh.m.agg = aggregate_of(sh.w, k, &rng);
        sh.m.as_set = k->as_set;
        set_up(&sh, &rng, true);
        for (uint32_t i = 0; i < 6; i++) {
            struct value v[2] = {some_value(sh.w, k->value, &rng), value_bool(true)};
            measure_apply(sh.state, event_at(sh.w, t += below(&rng, 3), 2, v), &sh.w->ev);
        }
        struct stored st = store(sh.state);
        struct buf *b = st.n && below(&rng, 2) ? &st.segments[0] : &st.head;
        b->ptr[below(&rng, (uint32_t)b->len)] = (char)below(&rng, 256);
        struct measure_state *s = load(&sh, &st, buf_slice(&st.head), &why);
        refused += s == NULL;
        if (s) {
            struct value v[2] = {some_value(sh.w, k->value, &rng), value_bool(true)};
            measure_read(&sh.m, s, (struct etime){(t + 1) * S}, &sh.w->ev);
            measure_apply(s, event_at(sh.w, t + 2, 2, v), &sh.w->ev);
            measure_read(&sh.m, s, (struct etime){(t + 2000) * S}, &sh.w->ev);
            measure_free(s);
        }
        store_release(&st);
        hand_end(&sh);
        arena_reset(&sh.w->scratch);
    }
    assert_true(refused > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_against_the_definition, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_nested_against_the_definition, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(test_set_evicts_the_least_recently_seen, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(test_set_with_buckets, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_sums_forget_exactly, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_damage_is_refused, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_wrong_bytes_do_no_harm, world_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
