/* Rules over their instances, and the stored form of these. */
#include <stdlib.h>

#include "base/xalloc.h"
#include "bench/stages/stages.h"

/* An event of a rule, with what the rule keeps of its key. */
struct step {
    const struct keyed_event *of;
    const struct rule *rule;
    uint64_t roles;
    struct instance **instance; /* NULL: none so far */
};

struct rules_run {
    const struct bench *b;
    struct nfa_scratch *scratch;
    struct pool pool;
    struct instance **instances; /* [key number * n_rules + rule] */
    size_t n_instances;
    struct step *steps;
    size_t n_steps, cap_steps;
    uint64_t matches;
};

static void count_match(void *ctx, const struct match *match)
{
    struct rules_run *r = ctx;
    r->matches += match->kind == MATCH_MATCH;
}

static void add_steps(struct rules_run *r, const struct keyed_event *k)
{
    const struct ruleset *rs = r->b->rs;
    for (uint32_t i = 0; i < k->variant->n_uses; i++) {
        const struct key_use *use = &k->variant->uses[i];
        const struct rule *rule = &rs->rules[use->rule];
        uint64_t roles = use->roles & rule_roles_of(rule, k->event, r->scratch);
        if (roles != 0 && rule->n_profiles == 0) {
            struct instance **at = &r->instances[(size_t)k->number * rs->n_units + use->rule];
            VEC_PUSH(r->steps, r->n_steps, r->cap_steps) = (struct step){k, rule, roles, at};
        }
    }
}

static void run_begin(struct rules_run *r, const struct bench *b)
{
    *r = (struct rules_run){.b = b, .scratch = nfa_scratch_new(b->rs, b->limits)};
    pool_init(&r->pool);
    r->n_instances = (size_t)b->n_keys * b->rs->n_units;
    r->instances = xcalloc(r->n_instances + 1, sizeof(struct instance *));
    for (size_t i = 0; i < b->n_keyed; i++) {
        add_steps(r, &b->keyed[i]);
    }
}

static void run_end(struct rules_run *r)
{
    for (size_t i = 0; i < r->n_instances; i++) {
        if (r->instances[i] != NULL) {
            instance_free(r->instances[i]);
        }
    }
    free(r->instances);
    free(r->steps);
    pool_release(&r->pool);
    nfa_scratch_free(r->scratch);
}

/* As a shard does: where a rule keeps nothing, an event that it does not begin with is not its instance's. */
static void take_step(struct rules_run *r, const struct step *s, struct nfa_call *call)
{
    const struct event *e = s->of->event;
    call->key = s->of->key.values;
    if (!rule_asks_alone(s->rule, r->scratch)) {
        *s->instance = *s->instance != NULL ? *s->instance : instance_new(s->rule, &r->pool);
        instance_event(*s->instance, e, s->roles, call);
        return;
    }
    uint64_t tests = rule_own_tests(s->rule, e, s->roles, call);
    if (*s->instance == NULL && !rule_begins(s->rule, tests)) {
        return;
    }
    *s->instance = *s->instance != NULL ? *s->instance : instance_new(s->rule, &r->pool);
    instance_event_asked(*s->instance, e, s->roles, tests, call);
}

static void take_steps(struct rules_run *r)
{
    struct nfa_call call = {.scratch = r->scratch, .on_match = count_match, .ctx = r,
                            .history_begin = ETIME_MIN};
    for (size_t i = 0; i < r->n_steps; i++) {
        take_step(r, &r->steps[i], &call);
    }
}

void stage_step(struct bench *b, struct measured *m)
{
    struct rules_run r;
    run_begin(&r, b);
    stage_begin(m);
    take_steps(&r);
    stage_end(m);
    m->operations = r.n_steps;
    b->matches = r.matches;
    run_end(&r);
}

/* ---- stored form -------------------------------------------------------------------------- */

static void encode(const struct instance *in, struct buf *head, struct buf *segments)
{
    uint64_t first;
    uint32_t n = instance_segments(in, &first);
    instance_encode_head(in, &NEAR_NOTHING, head);
    for (uint32_t i = 0; i < n; i++) {
        instance_encode_segment(in, i, &NEAR_NOTHING, segments);
    }
}

/* Instances as the last event has left them. */
void stage_encode(struct bench *b, struct measured *m)
{
    struct rules_run r;
    struct buf bytes = BUF_INIT;
    run_begin(&r, b);
    take_steps(&r);
    stage_begin(m);
    for (size_t i = 0; i < r.n_instances; i++) {
        if (r.instances[i] != NULL) {
            buf_clear(&bytes);
            encode(r.instances[i], &bytes, &bytes);
            m->operations++;
        }
    }
    stage_end(m);
    buf_release(&bytes);
    run_end(&r);
}

struct stored {
    const struct rule *rule;
    size_t head, head_bytes;
    uint64_t first_id;
    size_t first_segment; /* in stored_all.ends */
};

struct stored_all {
    struct stored *items;
    size_t n, cap;
    struct buf heads, segments;
    size_t *ends; /* of segments */
    size_t n_ends, cap_ends;
    const struct stored *loaded; /* whose segments are asked for */
};

static void store(struct stored_all *all, const struct rule *rule, const struct instance *in)
{
    struct stored s = {.rule = rule, .head = all->heads.len, .first_segment = all->n_ends};
    uint32_t n = instance_segments(in, &s.first_id);
    instance_encode_head(in, &NEAR_NOTHING, &all->heads);
    s.head_bytes = all->heads.len - s.head;
    for (uint32_t i = 0; i < n; i++) {
        instance_encode_segment(in, i, &NEAR_NOTHING, &all->segments);
        VEC_PUSH(all->ends, all->n_ends, all->cap_ends) = all->segments.len;
    }
    VEC_PUSH(all->items, all->n, all->cap) = s;
}

static struct slice segment(void *ctx, uint64_t id)
{
    const struct stored_all *all = ctx;
    size_t i = all->loaded->first_segment + (size_t)(id - all->loaded->first_id);
    size_t begin = i > 0 ? all->ends[i - 1] : 0;
    return slice_from(all->segments.ptr + begin, all->ends[i] - begin);
}

static struct instance *load(struct rules_run *r, struct stored_all *all, const struct stored *s)
{
    const char *why = NULL;
    all->loaded = s;
    struct stored_form from = {.head = slice_from(all->heads.ptr + s->head, s->head_bytes),
                               .get = segment, .ctx = all};
    struct instance *in = instance_load(s->rule, &r->pool, r->scratch, &from, &why);
    if (in == NULL) {
        die("load", why);
    }
    return in;
}

void stage_load(struct bench *b, struct measured *m)
{
    struct rules_run r;
    struct stored_all all = {0};
    run_begin(&r, b);
    take_steps(&r);
    for (size_t i = 0; i < r.n_instances; i++) {
        if (r.instances[i] != NULL) {
            store(&all, &b->rs->rules[i % b->rs->n_units], r.instances[i]);
        }
    }
    stage_begin(m);
    for (size_t i = 0; i < all.n; i++) { /* freed at once: new memory for all would cost more than they do */
        instance_free(load(&r, &all, &all.items[i]));
    }
    stage_end(m);
    m->operations = all.n;
    free(all.items);
    free(all.ends);
    buf_release(&all.heads);
    buf_release(&all.segments);
    run_end(&r);
}
