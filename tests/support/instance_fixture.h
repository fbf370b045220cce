/* Instances without an engine: a rule built by hand, its events, what it reported, and a little
 * database for its stored form. A is declaration 0, B is 1, C is 2; what rules mean is checked by the
 * cases of the meaning. Include after cmocka. */
#ifndef FYKE_TESTS_INSTANCE_FIXTURE_H
#define FYKE_TESTS_INSTANCE_FIXTURE_H

#include <string.h>

#include "base/rng.h"
#include "base/xalloc.h"
#include "nfa/state.h"

#define MS NS_PER_MS
#define MANY 32

struct fixture {
    struct ruleset rules;
    struct rule rule;
    struct rule_role roles[3];
    struct rule_test tests[3];
    struct pattern_item items[4];
    struct pattern_absence absences[4];
    struct pattern nodes[4];
    struct pattern root;
    struct emit_plan timeout; /* without fields */
    struct pool pool;
    struct nfa_scratch *scratch;
    uint64_t max_steps; /* 0: the default */
    struct buf log;     /* what was reported, one line per match */
};

static inline void on_match(void *ctx, const struct match *m)
{
    struct fixture *f = ctx;
    buf_printf(&f->log, "%d@%lld%s", (int)m->kind, (long long)(m->detected_at.ns / MS),
               m->by_deadline ? "d" : "");
    for (uint32_t i = 0; i < m->n_evidence; i++) {
        buf_printf(&f->log, " %lld", (long long)m->evidence[i].event->at.offset);
    }
    buf_printf(&f->log, " s%llu c%llu\n", (unsigned long long)m->suppressed,
               (unsigned long long)m->count);
}

static inline struct pattern step(uint32_t test)
{
    return (struct pattern){.kind = PAT_STEP, .test = test, .guard_test = NO_TEST,
                            .span = DURATION_INFINITE, .each_within = DURATION_INFINITE};
}

static inline void add_item(struct fixture *f, struct pattern node)
{
    uint32_t i = f->root.n_items++;
    f->nodes[i] = node;
    f->items[i].node = &f->nodes[i];
    f->items[i].link = (struct pattern_link){LINK_LATER, DURATION_INFINITE, {0}};
}

static inline void add_absence(struct fixture *f, uint32_t item, enum absence_kind kind, uint32_t test,
                        int64_t ms)
{
    f->absences[item] = (struct pattern_absence){kind, test, {ms * MS}, false};
    f->items[item].absences = &f->absences[item];
    f->items[item].n_absences = 1;
}

static inline void add_timeout(struct fixture *f)
{
    f->rule.timeouts = &f->timeout;
    f->rule.n_timeouts = 1;
}

static inline void begin(struct fixture *f, int64_t window_ms)
{
    memset(f, 0, sizeof(*f));
    for (uint32_t i = 0; i < 3; i++) {
        f->roles[i] = (struct rule_role){.name = SLICE_LIT("x"), .decl = i, .counted = true};
        f->tests[i] = (struct rule_test){.use = TEST_STEP, .number = i + 1, .roles = 1ull << i,
                                         .slot = (int32_t)i, .group = -1};
    }
    f->root = (struct pattern){.kind = PAT_SEQ, .guard_test = NO_TEST,
                               .span = DURATION_INFINITE, .items = f->items};
    f->rule = (struct rule){.name = SLICE_LIT("r"), .roles = f->roles, .n_roles = 3,
                            .tests = f->tests, .n_tests = 3, .n_slots = 3,
                            .window = {window_ms * MS}, .root = &f->root};
}

static inline void finish(struct fixture *f)
{
    rule_finish(&f->rule, &f->rules.arena);
    f->rules.rules = &f->rule;
    f->rules.n_rules = 1;
    f->scratch = nfa_scratch_new(&f->rules, (struct nfa_limits){.max_runs = MANY,
                                                                 .max_matches = 100,
                                                                 .max_steps = f->max_steps});
    pool_init(&f->pool);
}

static inline void end(struct fixture *f)
{
    nfa_scratch_free(f->scratch);
    pool_release(&f->pool);
    arena_release(&f->rules.arena);
    buf_release(&f->log);
}

static inline struct nfa_call call_of(struct fixture *f)
{
    return (struct nfa_call){.scratch = f->scratch, .on_match = on_match, .ctx = f,
                             .history_begin = ETIME_MIN};
}

static inline bool push(struct fixture *f, struct instance *in, uint32_t decl, int64_t ms, int64_t id)
{
    struct event e = {.time = {ms * MS}, .at = {decl, 0, id}, .decl = decl, .bytes = sizeof(e)};
    struct nfa_call call = call_of(f);
    return instance_event(in, &e, 1ull << decl, &call);
}

/* ---- stored form: a little database in memory ---------------------------------------------- */

struct stored {
    struct buf head;
    struct {
        uint64_t id;
        struct buf bytes;
    } segs[4096];
    size_t n;
};

static inline struct buf *stored_segment(struct stored *s, uint64_t id, bool create)
{
    for (size_t i = 0; i < s->n; i++) {
        if (s->segs[i].id == id) {
            return &s->segs[i].bytes;
        }
    }
    assert_true(!create || s->n < 4096);
    if (create) {
        s->segs[s->n].id = id;
        return &s->segs[s->n++].bytes;
    }
    return NULL;
}

static inline void save(const struct instance *in, struct stored *s)
{
    uint64_t first;
    uint32_t n = instance_segments(in, &first);
    for (size_t k = s->n; k-- > 0;) {
        if (s->segs[k].id < first || s->segs[k].id >= first + n) {
            buf_release(&s->segs[k].bytes);
            s->segs[k] = s->segs[--s->n];
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        if (instance_segment_dirty(in, i)) {
            struct buf *b = stored_segment(s, first + i, true);
            buf_clear(b);
            instance_encode_segment(in, i, &NEAR_NOTHING, b);
        }
    }
    assert_int_equal(s->n, n);
    buf_clear(&s->head);
    instance_encode_head(in, &NEAR_NOTHING, &s->head);
}

static inline struct slice get_segment(void *ctx, uint64_t id)
{
    struct buf *b = stored_segment(ctx, id, false);
    return b ? buf_slice(b) : slice_from(NULL, 0);
}

static inline struct stored_form form_of(struct stored *s, struct slice head)
{
    return (struct stored_form){.head = head, .get = get_segment, .ctx = s};
}

static inline struct instance *load(struct fixture *f, struct stored *s)
{
    const char *why = NULL;
    struct stored_form from = form_of(s, buf_slice(&s->head));
    struct instance *in = instance_load(&f->rule, &f->pool, f->scratch, &from, &why);
    if (!in) {
        fail_msg("%s", why);
    }
    return in;
}

static inline void stored_free(struct stored *s)
{
    buf_release(&s->head);
    for (size_t i = 0; i < s->n; i++) {
        buf_release(&s->segs[i].bytes);
    }
    free(s);
}

static inline void dump_stored(struct stored *s, struct instance *in, struct buf *out)
{
    save(in, s);
    buf_put_slice(out, buf_slice(&s->head));
    uint64_t first;
    uint32_t n = instance_segments(in, &first);
    for (uint32_t i = 0; i < n; i++) {
        buf_put_slice(out, get_segment(s, first + i));
    }
}

/* ---- random lists over a rule, with a restart after every `every`-th event ------------------ */

static inline void run_random(struct fixture *f, uint64_t seed, unsigned every, struct buf *bytes)
{
    struct rng rng = {seed};
    struct stored *s = xcalloc(1, sizeof(*s));
    struct instance *in = instance_new(&f->rule, &f->pool);
    struct nfa_call call = call_of(f);
    int64_t ms = 0;
    buf_clear(&f->log);
    for (int64_t i = 0; i < 300; i++) {
        ms += (int64_t)(rng_next(&rng) % 4);
        push(f, in, (uint32_t)(rng_next(&rng) % 3), ms, i);
        if (every && i % every == 0) {
            save(in, s);
            instance_saved(in);
            instance_free(in);
            in = load(f, s);
        }
    }
    instance_advance(in, (struct etime){(ms + 3) * MS}, &call);
    dump_stored(s, in, bytes);
    instance_free(in);
    stored_free(s);
}

static inline void check_restarts(struct fixture *f, bool must_match)
{
    bool matched = false;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        FYKE_CLEANUP(buf_release) struct buf once = BUF_INIT;
        run_random(f, seed, 0, &once);
        FYKE_CLEANUP(buf_release) struct buf log = BUF_INIT;
        buf_put_slice(&log, buf_slice(&f->log));
        matched |= log.len > 0;
        for (unsigned every = 1; every <= 7; every += 3) {
            FYKE_CLEANUP(buf_release) struct buf again = BUF_INIT;
            run_random(f, seed, every, &again);
            assert_string_equal(buf_cstr(&log), buf_cstr(&f->log));
            assert_int_equal(once.len, again.len);
            assert_memory_equal(once.ptr, again.ptr, once.len);
        }
    }
    assert_int_equal(matched, must_match);
}

#endif
