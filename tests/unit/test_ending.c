/* Events that only end what an absence has open leave nothing behind (nfa/ending.c): the same is reported, and the same
 * is refused of what comes behind the clock, as if they were kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "connectors/memory.h"
#include "engine/engine.h"
#include "tests/support/compile_text.h"
#include "tests/support/instance_fixture.h"
#include "tests/support/state_dump.h"

enum { EVENTS = 4000, RECORDS = 600, SEEDS = 12, LENGTH_MS = 6 };

/* ---- instances -------------------------------------------------------------------------------- */

struct form {
    enum absence_kind kind;
    int64_t window_ms; /* 0: none */
};
static const struct form forms[] = {{ABSENT_FOR, 0}, {ABSENT_OPEN, LENGTH_MS}, {ABSENT_FOR, 2 * LENGTH_MS}};

/* A, then no B; C is both. */
static void make(struct fixture *f, struct form form, enum match_policy policy, bool keep)
{
    begin(f, form.window_ms);
    f->rule.window = form.window_ms == 0 ? DURATION_INFINITE : f->rule.window;
    f->rule.n_tests = 2;
    f->tests[0].roles = 1u << 0 | 1u << 2;
    f->tests[1].roles = 1u << 1 | 1u << 2;
    f->tests[1].use = TEST_ABSENT;
    f->tests[1].slot = -1;
    add_item(f, step(0));
    f->root.n_items = 2;
    add_absence(f, 1, form.kind, 1, LENGTH_MS);
    f->rule.policy = policy;
    finish(f);
    assert_int_equal(f->rule.ending_tests, 1u << 1);
    f->rule.ending_tests = keep ? 0 : f->rule.ending_tests;
}

static bool give(struct fixture *f, struct instance *in, uint32_t decl, int64_t ms, int64_t id, bool in_order)
{
    struct event e = {.time = {ms * MS}, .at = {decl, 0, id}, .decl = decl, .bytes = sizeof(e)};
    struct nfa_call call = call_of(f);
    call.in_order = in_order;
    return instance_event(in, &e, 1ull << decl, &call);
}

/* Many at one time, at a deadline too, for a step of 0 is as likely as the others. */
static uint64_t same_matches(struct form form, enum match_policy policy, bool in_order)
{
    struct fixture kept, gone;
    struct rng rng = rng_seed(5 + (uint64_t)policy);
    uint64_t less = 0;
    make(&kept, form, policy, true);
    make(&gone, form, policy, false);
    struct instance *a = instance_new(&kept.rule, &kept.pool);
    struct instance *b = instance_new(&gone.rule, &gone.pool);
    for (int64_t i = 0, ms = 0; i < EVENTS; i++) {
        uint32_t decl = rng_below(&rng, 8) == 0 ? 2 : (uint32_t)rng_below(&rng, 2);
        ms += (int64_t)rng_below(&rng, 4);
        give(&kept, a, decl, ms, i, in_order);
        assert_true(give(&gone, b, decl, ms, i, in_order)); /* the record's place moves */
        assert_string_equal(buf_cstr(&gone.log), buf_cstr(&kept.log));
        less += instance_retained(a) - instance_retained(b);
        if (in_order && decl != 0) {
            assert_int_equal(instance_retained(b), decl == 2); /* C begins itself */
        } else if (!in_order && instance_next_time(a).ns != INT64_MAX) {
            assert_true(!instance_is_empty(b)); /* the record lasts as long */
        }
    }
    instance_free(a);
    instance_free(b);
    uint64_t matches = nfa_scratch_counters(gone.scratch)->matches;
    end(&kept);
    end(&gone);
    assert_true(less > EVENTS / 2);
    return matches;
}

static void the_same_matches_as_if_they_were_kept(void **state)
{
    static const enum match_policy policies[] = {SKIP_PAST_LAST, SKIP_TO_NEXT, NO_SKIP};
    (void)state;
    for (size_t p = 0; p < FYKE_ARRAY_LEN(policies); p++) {
        for (size_t k = 0; k < FYKE_ARRAY_LEN(forms); k++) {
            assert_true(same_matches(forms[k], policies[p], false) > 50);
            assert_true(same_matches(forms[k], policies[p], true) > 50);
        }
    }
}

static void restarts_change_nothing(void **state)
{
    (void)state;
    for (size_t k = 0; k < FYKE_ARRAY_LEN(forms); k++) {
        struct fixture f;
        make(&f, forms[k], SKIP_PAST_LAST, false);
        check_restarts(&f, true);
        end(&f);
    }
}

/* What was ended does not speak at its deadline, and does not count among what is open. */
static void what_is_ended_goes_with_its_time(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, forms[0], SKIP_PAST_LAST, false);
    struct instance *in = instance_new(&f.rule, &f.pool);
    struct nfa_call call = call_of(&f);
    give(&f, in, 0, 1, 1, false);
    give(&f, in, 0, 3, 2, false);
    assert_int_equal(instance_standing(in, (struct etime){3 * MS}).starts, 2);
    give(&f, in, 1, 4, 3, false);
    assert_int_equal(instance_standing(in, (struct etime){4 * MS}).starts, 0);
    assert_int_equal(instance_retained(in), 2);
    instance_advance(in, (struct etime){(3 + LENGTH_MS) * MS}, &call);
    assert_int_equal(instance_retained(in), 1);
    instance_advance(in, (struct etime){(3 + LENGTH_MS) * MS + 1}, &call);
    assert_true(instance_is_empty(in));
    assert_int_equal(f.log.len, 0);
    instance_free(in);
    end(&f);
}

/* Where such an event ends only some of what is open, or something else looks for it, it is kept. */
static void kept_where_it_does_more(void **state)
{
    static const struct expr joint = {.op = EX_CONST};
    (void)state;
    for (uint32_t i = 0; i < 6; i++) {
        struct fixture f;
        begin(&f, 40);
        f.tests[1].use = f.tests[2].use = TEST_ABSENT;
        f.tests[1].slot = f.tests[2].slot = -1;
        add_item(&f, step(0));
        f.root.n_items = 2;
        add_absence(&f, 1, i == 1 ? ABSENT_NEXT : ABSENT_FOR, 1, LENGTH_MS);
        switch (i) {
        case 0: f.tests[1].joint = &joint; break;
        case 1: break;
        case 2: add_timeout(&f); break;
        case 3: f.tests[2].use = TEST_WITHOUT; break;
        case 4: /* another one lasts longer */
            f.absences[2] = (struct pattern_absence){ABSENT_FOR, 2, {2 * LENGTH_MS * MS}, false};
            f.absences[3] = f.absences[1];
            f.items[1].absences = &f.absences[2];
            f.items[1].n_absences = 2;
            break;
        default: /* A and C open, B ends what stands behind C alone */
            f.tests[2].use = TEST_STEP;
            f.tests[2].slot = 2;
            f.items[2] = f.items[1];
            f.items[1] = (struct pattern_item){0};
            f.root.n_items = 1;
            add_item(&f, step(2));
            f.root.n_items = 3;
            break;
        }
        finish(&f);
        assert_int_equal(f.rule.ending_tests, 0);
        end(&f);
    }
}

/* ---- engines: what comes behind the clock ------------------------------------------------------- */

#define DECLARE(word, more) \
    "event " word " from topic \"t\" where type = \"" word "\" { user : string key\n" \
    "  at : timestamp in ms event time  type : string  host : string  " more " }\n"
#define DECLARATIONS(more) "language 1\n" DECLARE("S", more) DECLARE("K", more)

/* One by one: what a key has passed is what any rule of it keeps. */
static const char *const rules[] = {
    "rule one { for each user when S as s then no K for 20ms emit alert }\n",
    "rule next { for each user when S as s then no K for 9ms after match skip to next emit alert }\n",
    "rule open { for each user within 15ms when S as s then no K emit alert }\n",
    "rule held { for each user when S as s then no K for 12ms quiet for 30ms emit alert }\n",
};

struct said {
    struct buf alerts, refused;
    uint64_t after_idle, live_keys, live_events;
};

static void said_release(struct said *s)
{
    buf_release(&s->alerts);
    buf_release(&s->refused);
}

static enum err note_refused(void *ctx, enum refused_why why, const char *reason, const struct record *r,
                             struct error *err)
{
    struct said *s = ctx;
    (void)reason;
    (void)err;
    buf_printf(&s->refused, "%d %d/%lld\n", (int)why, (int)r->partition, (long long)r->offset);
    return ERR_OK;
}

/* Some hosts of a partition lag behind the others, some fall silent and come back. */
static uint64_t seed_of_logs;
static void fill(struct memory_source *m, int64_t n)
{
    struct rng rng = rng_seed(seed_of_logs);
    int64_t now = 1000, lag[3] = {0, 0, 0};
    for (int64_t i = 0; i < n; i++) {
        char text[128];
        uint32_t host = rng_below(&rng, 3) == 0 ? 1 + (uint32_t)rng_below(&rng, 2) : 0;
        now += rng_range(&rng, 0, 3);
        lag[host] = host > 0 && rng_below(&rng, 5) == 0 ? rng_range(&rng, 0, 40) : lag[host];
        unsigned user = (unsigned)rng_below(&rng, 6);
        char type = rng_below(&rng, 3) == 0 ? 'S' : 'K';
        snprintf(text, sizeof(text), "{\"user\":\"u%u\",\"at\":%lld,\"type\":\"%c\",\"host\":\"h%u\"}", user,
                 (long long)(now - lag[host]), type, host);
        memory_source_add(m, 0, 0, i, text);
    }
}

/* `n`: of the records; goes on from what the state has read. */
static void run(const struct ruleset *rs, const char *state_dir, void (*log)(struct memory_source *, int64_t), int64_t n,
                struct said *ret)
{
    struct engine_options o;
    struct memory_source source;
    struct memory_sink sink;
    struct engine *e;
    struct error err = ERROR_INIT;
    struct engine_summary s;
    engine_options_init(&o);
    o.state_dir = state_dir;
    o.refused = note_refused;
    o.refused_ctx = ret;
    memory_source_init(&source, true);
    memory_sink_init(&sink);
    source.batch = 20;
    log(&source, n);
    assert_int_equal(engine_new(rs, &o, &e, &err), ERR_OK);
    assert_int_equal(engine_run(e, &source.source, &sink.sink, NULL, &err), ERR_OK);
    engine_summary(e, &s);
    ret->after_idle += s.after_idle;
    ret->live_keys = s.live_keys;
    ret->live_events = s.live_events;
    buf_put_slice(&ret->alerts, buf_slice(&sink.text));
    engine_free(e);
    source.source.ops->close(&source.source);
    sink.sink.ops->close(&sink.sink);
}

static struct compilation *compile(const char *declarations, const char *rule)
{
    struct buf text = BUF_INIT;
    buf_printf(&text, "%s%s", declarations, rule);
    struct compilation *c = compile_text(buf_cstr(&text));
    if (c->ruleset == NULL) {
        fail_msg("%s", codes_of(c, true));
    }
    buf_release(&text);
    return c;
}

static void keep_all(struct ruleset *rs, bool keep)
{
    for (uint32_t i = 0; i < rs->n_units; i++) {
        rs->rules[i].ending_tests = keep ? 0 : rule_find_ending(&rs->rules[i]);
        assert_true(keep || rs->rules[i].ending_tests != 0);
    }
}

/* In two runs over one state (`pieces` 2), or in one without. */
static void evaluate(const struct ruleset *rs, uint64_t seed, int pieces, struct said *ret)
{
    char dir[64];
    *ret = (struct said){.alerts = BUF_INIT};
    seed_of_logs = seed;
    if (pieces == 1) {
        run(rs, NULL, fill, RECORDS, ret);
        return;
    }
    state_dir_make(dir);
    run(rs, dir, fill, RECORDS / 2, ret);
    run(rs, dir, fill, RECORDS, ret);
    state_dir_remove(dir);
}

struct tally {
    uint64_t alerts, refused, same_refused, fewer_events, fewer_keys;
};

/* What is refused of `got` is refused of `want`: both lines in order. */
static bool is_part_of(struct said *got, struct said *want)
{
    const char *all = buf_cstr(&want->refused);
    char line[64];
    size_t n = 0;
    for (const char *at = buf_cstr(&got->refused); *at != 0; at += n) {
        n = strcspn(at, "\n") + 1;
        snprintf(line, sizeof(line), "%.*s", (int)n, at);
        all = strstr(all, line);
        if (all == NULL) {
            return false;
        }
    }
    return true;
}

/* The deadline of what is ended, and gone before it, is none that a key has passed: less may be refused, never more. */
static void compare(struct ruleset *rs, uint64_t seed, int pieces, struct tally *t)
{
    struct said want, got;
    keep_all(rs, true);
    evaluate(rs, seed, pieces, &want);
    keep_all(rs, false);
    evaluate(rs, seed, pieces, &got);
    assert_true(is_part_of(&got, &want));
    if (got.after_idle == want.after_idle) {
        assert_true(slice_eq(buf_slice(&want.alerts), buf_slice(&got.alerts)));
        assert_true(want.live_keys >= got.live_keys && want.live_events >= got.live_events);
        t->fewer_events += want.live_events - got.live_events;
        t->fewer_keys += want.live_keys - got.live_keys;
        t->same_refused++;
    }
    t->alerts += got.alerts.len > 0;
    t->refused += got.after_idle;
    said_release(&want);
    said_release(&got);
}

static struct tally compare_all(const char *declarations, const char *rule, int pieces)
{
    struct compilation *c = compile(declarations, rule);
    struct tally t = {0};
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        compare(c->ruleset, seed, pieces, &t);
    }
    assert_int_equal(t.alerts, SEEDS);
    assert_true(t.fewer_events > 0 && t.same_refused > SEEDS / 4);
    compilation_free(c);
    return t;
}

static void behind_the_clock_nothing_more_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < FYKE_ARRAY_LEN(rules); i++) {
        struct tally back = compare_all(DECLARATIONS("watermark per host  idle after 12ms"), rules[i], 1);
        struct tally next = compare_all(DECLARATIONS("out of order by 40ms"), rules[i], 2);
        assert_true(back.refused > SEEDS && next.refused > SEEDS);
        assert_int_equal(back.fewer_keys + next.fewer_keys, 0);
    }
}

/* Nothing can come behind the clock: nothing is left of a key whose absences are over. */
static void in_order_nothing_is_left(void **state)
{
    (void)state;
    for (size_t i = 0; i < FYKE_ARRAY_LEN(rules); i++) {
        struct tally t = compare_all(DECLARATIONS("out of order by 40ms"), rules[i], 1);
        assert_int_equal(t.same_refused, SEEDS);
        assert_int_equal(t.refused, 0);
        assert_true(t.fewer_keys > 0);
    }
}

/* The S at 1003 stands in front of the K that has ended the other S, and comes when both are gone or nearly so. */
static const char *const ended[] = {
    "{\"user\":\"u\",\"at\":1000,\"type\":\"S\",\"host\":\"a\"}",
    "{\"user\":\"u\",\"at\":1005,\"type\":\"K\",\"host\":\"a\"}",
    "{\"user\":\"x\",\"at\":1018,\"type\":\"K\",\"host\":\"a\"}",
    "{\"user\":\"u\",\"at\":1003,\"type\":\"S\",\"host\":\"b\"}",
    "{\"user\":\"x\",\"at\":1100,\"type\":\"K\",\"host\":\"a\"}",
};

static void give_ended(struct memory_source *m, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        memory_source_add(m, 0, 0, i, ended[i]);
    }
}

static void a_key_goes_on_to_say_what_it_has_passed(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct compilation *c = compile(DECLARATIONS("watermark per host  idle after 12ms"), rules[0]);
        struct said s = {.alerts = BUF_INIT};
        char dir[64];
        state_dir_make(dir);
        if (i == 1) {
            run(c->ruleset, dir, give_ended, 3, &s);
        }
        run(c->ruleset, i == 0 ? NULL : dir, give_ended, 5, &s);
        assert_int_equal(s.after_idle, 1);
        assert_int_equal(s.alerts.len, 0);
        assert_int_equal(s.live_keys, 0);
        said_release(&s);
        state_dir_remove(dir);
        compilation_free(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_matches_as_if_they_were_kept),
        cmocka_unit_test(restarts_change_nothing),
        cmocka_unit_test(what_is_ended_goes_with_its_time),
        cmocka_unit_test(kept_where_it_does_more),
        cmocka_unit_test(behind_the_clock_nothing_more_is_refused),
        cmocka_unit_test(in_order_nothing_is_left),
        cmocka_unit_test(a_key_goes_on_to_say_what_it_has_passed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
