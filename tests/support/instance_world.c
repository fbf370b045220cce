#include "tests/support/instance_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/compile_text.h"

#define EVENTS                                                                                     \
    "language 1\n"                                                                                 \
    "event A from topic \"a\" { k : string key  at : timestamp event time  v : int optional  s : string optional }\n"   \
    "event B from topic \"b\" { k : string key  at : timestamp event time  v : int optional  s : string optional }\n"   \
    "event C from topic \"c\" { k : string key  at : timestamp event time  v : int optional  s : string optional }\n"   \
    "event D from topic \"d\" { k : string key  at : timestamp event time  v : int optional  s : string optional }\n"   \
    "event M from topic \"m\" { k : string key  at : timestamp event time  v : int optional  s : string optional }\n"

enum { SLOT_K, SLOT_AT, SLOT_V, SLOT_S, SLOTS };

static void on_match(void *ctx, const struct match *m)
{
    struct instance_world *w = ctx;
    w->matches += m->kind == MATCH_MATCH;
    if (w->quiet) {
        return;
    }
    buf_printf(&w->log, "%s%lld", m->kind == MATCH_MATCH ? "" : "!",
               (long long)(m->detected_at.ns / NS_PER_MS));
    for (uint32_t i = 0; i < m->n_evidence; i++) {
        buf_printf(&w->log, " %lld", (long long)m->evidence[i].event->at.offset);
    }
    buf_puts(&w->log, "\n");
}

static struct nfa_scratch *scratch_of(struct instance_world *w, bool forgetful)
{
    return nfa_scratch_new(w->c->ruleset,
                           (struct nfa_limits){.max_runs = w->max_runs, .max_matches = 100,
                                               .forgetful = forgetful, .general = w->general});
}

void world_remember_nothing(struct instance_world *w)
{
    nfa_scratch_free(w->scratch);
    w->scratch = scratch_of(w, true);
}

void world_open(struct instance_world *w, const char *rule, bool general, uint32_t max_runs)
{
    char *text = NULL;
    memset(w, 0, sizeof(*w));
    if (asprintf(&text, "%s%s", EVENTS, rule) < 0) {
        abort();
    }
    w->c = compile_text(text);
    if (!w->c->ruleset) {
        fprintf(stderr, "%s\n%s: %s\n", rule, codes_of(w->c, true), w->c->diags.first->message);
        abort();
    }
    free(text);
    w->rule = &w->c->ruleset->rules[0];
    w->max_runs = max_runs;
    w->general = general;
    w->scratch = scratch_of(w, false);
    pool_init(&w->pool);
    w->key = value_string(SLICE_LIT("k"));
    w->in = instance_new(w->rule, &w->pool);
}

void world_close(struct instance_world *w)
{
    instance_free(w->in);
    nfa_scratch_free(w->scratch);
    pool_release(&w->pool);
    compilation_free(w->c);
    buf_release(&w->log);
}

static struct nfa_call call_of(struct instance_world *w)
{
    return (struct nfa_call){.scratch = w->scratch, .key = &w->key, .on_match = on_match, .ctx = w,
                             .history_begin = ETIME_MIN};
}

static void push(struct instance_world *w, char type, int64_t ms, struct value v, struct value s)
{
    _Alignas(16) char block[sizeof(struct event) + SLOTS * sizeof(struct value)];
    struct event *e = (struct event *)block;
    uint32_t decl = type == 'M' ? 4 : (uint32_t)(type - 'A');
    *e = (struct event){.time = {ms * NS_PER_MS}, .at = {decl, 0, w->offset++}, .decl = decl,
                        .n_values = SLOTS, .bytes = sizeof(block)};
    e->values[SLOT_K] = w->key;
    e->values[SLOT_AT] = value_timestamp(e->time);
    e->values[SLOT_V] = v;
    e->values[SLOT_S] = s;
    struct nfa_call call = call_of(w);
    uint64_t roles = rule_roles_of(w->rule, e, w->scratch);
    if (roles) {
        instance_event(w->in, e, roles, &call);
    }
}

void world_push(struct instance_world *w, char type, int64_t ms, int64_t v)
{
    push(w, type, ms, value_int(v), VALUE_MISSING);
}

void world_push_text(struct instance_world *w, char type, int64_t ms, struct slice s)
{
    push(w, type, ms, VALUE_MISSING, value_string(s));
}

void world_push_both(struct instance_world *w, char type, int64_t ms, struct value v, struct value s)
{
    push(w, type, ms, v, s);
}

void world_allow(struct instance_world *w, uint32_t max_runs)
{
    nfa_scratch_free(w->scratch);
    w->max_runs = max_runs;
    w->scratch = scratch_of(w, false);
}

void world_advance(struct instance_world *w, int64_t ms)
{
    struct nfa_call call = call_of(w);
    instance_advance(w->in, (struct etime){ms * NS_PER_MS + 1}, &call);
}

uint64_t world_work(const struct instance_world *w)
{
    struct nfa_work work = nfa_scratch_work(w->scratch);
    return work.tests + work.visits + work.steps;
}

void world_stored(struct instance_world *w, struct buf *out)
{
    uint64_t first;
    uint32_t n = instance_segments(w->in, &first);
    instance_encode_head(w->in, &NEAR_NOTHING, out);
    for (uint32_t i = 0; i < n; i++) {
        instance_encode_segment(w->in, i, &NEAR_NOTHING, out);
    }
}

struct stored {
    struct buf *segs;
    uint64_t first;
    uint32_t n;
};

static struct slice segment(void *ctx, uint64_t id)
{
    struct stored *s = ctx;
    return id - s->first < s->n ? buf_slice(&s->segs[id - s->first]) : slice_from(NULL, 0);
}

void world_reload(struct instance_world *w)
{
    struct stored s = {0};
    FYKE_CLEANUP(buf_release) struct buf head = BUF_INIT;
    const char *why = NULL;
    instance_encode_head(w->in, &NEAR_NOTHING, &head);
    s.n = instance_segments(w->in, &s.first);
    s.segs = calloc(s.n + 1, sizeof(*s.segs));
    for (uint32_t i = 0; i < s.n; i++) {
        instance_encode_segment(w->in, i, &NEAR_NOTHING, &s.segs[i]);
    }
    instance_free(w->in);
    struct stored_form from = {.head = buf_slice(&head), .get = segment, .ctx = &s};
    w->in = instance_load(w->rule, &w->pool, w->scratch, &from, &why);
    if (!w->in) {
        fprintf(stderr, "instance_load: %s\n", why);
        abort();
    }
    for (uint32_t i = 0; i < s.n; i++) {
        buf_release(&s.segs[i]);
    }
    free(s.segs);
}
