#include "tests/support/expr_world.h"

#include <stdio.h>

#include "base/xalloc.h"

int world_setup(void **state)
{
    struct world *w = xcalloc(1, sizeof(*w));
    w->ev = (struct eval){
        .slots = w->slots,
        .n_slots = WORLD_SLOTS,
        .caches = agg_caches_new(WORLD_CACHES),
        .n_caches = WORLD_CACHES,
        .scratch = &w->scratch,
        .counters = &w->counters,
    };
    *state = w;
    return 0;
}

int world_teardown(void **state)
{
    struct world *w = *state;
    eval_release(&w->ev);
    agg_caches_free(w->ev.caches, WORLD_CACHES);
    for (unsigned i = 0; i < WORLD_SLOTS; i++) {
        free(w->slots[i].events);
    }
    arena_release(&w->arena);
    arena_release(&w->scratch);
    free(w);
    return 0;
}

struct value of_text(enum value_kind kind, const char *s)
{
    struct value v;
    if (!value_from_text(kind, slice_of(s), &v)) {
        fail_msg("not a %s: %s", value_kind_name(kind), s);
    }
    return v;
}

struct value dec(const char *s)
{
    return of_text(VAL_DECIMAL, s);
}

struct value text(const char *s)
{
    return value_string(slice_of(s));
}

struct value secs(int64_t s)
{
    return value_duration((struct duration){s * NS_PER_S});
}

struct value at_time(const char *rfc3339)
{
    return of_text(VAL_TIMESTAMP, rfc3339);
}

struct value list_of(struct world *w, uint32_t n, const struct value *items)
{
    struct value *copy = ARENA_ARRAY(&w->arena, struct value, n + 1u);
    for (uint32_t i = 0; i < n; i++) {
        copy[i] = items[i];
    }
    return value_list(copy, n);
}

static struct expr *node(struct world *w, enum expr_op op, enum value_kind kind, uint32_t n)
{
    struct expr *e = ARENA_NEW(&w->arena, struct expr);
    e->op = (uint8_t)op;
    e->kind = (uint8_t)kind;
    e->scope = -1;
    e->cache = UINT32_MAX;
    e->n_kids = (uint16_t)n;
    e->kids = ARENA_ARRAY(&w->arena, const struct expr *, n + 1u);
    return e;
}

struct expr *ex(struct world *w, enum expr_op op, enum value_kind kind, uint32_t n, ...)
{
    struct expr *e = node(w, op, kind, n);
    va_list ap;
    va_start(ap, n);
    for (uint32_t i = 0; i < n; i++) {
        e->kids[i] = va_arg(ap, struct expr *);
    }
    va_end(ap);
    return e;
}

struct expr *con(struct world *w, struct value v)
{
    struct expr *e = node(w, EX_CONST, (enum value_kind)v.kind, 0);
    e->value = v;
    return e;
}

const struct field_ref *field_ref(struct world *w, uint32_t slot_of_value)
{
    struct field_ref *ref = arena_alloc(&w->arena, sizeof(*ref) + sizeof(ref->alt[0]));
    ref->n = 1;
    ref->alt[0].slot = slot_of_value;
    return ref;
}

struct expr *field(struct world *w, enum expr_op op, uint32_t slot_of_value, int32_t slot)
{
    struct expr *e = node(w, op, VAL_MISSING, 0);
    e->slot = slot;
    e->field = field_ref(w, slot_of_value);
    return e;
}

struct expr *agg(struct world *w, enum agg_op op, enum value_kind kind, struct expr *value,
                 struct expr *where, struct expr *second)
{
    struct expr *e = node(w, EX_AGG, kind, 3);
    e->agg = (uint8_t)op;
    e->kids[0] = value;
    e->kids[1] = where;
    e->kids[2] = second;
    return e;
}

struct expr *call(struct world *w, const char *name, uint32_t n, ...)
{
    enum value_kind kinds[16];
    struct expr *e = node(w, EX_CALL, VAL_MISSING, n);
    va_list ap;
    va_start(ap, n);
    for (uint32_t i = 0; i < n; i++) {
        e->kids[i] = va_arg(ap, struct expr *);
        kinds[i] = (enum value_kind)e->kids[i]->kind;
    }
    va_end(ap);
    const struct function *fn = functions_find(slice_of(name));
    struct function_match m;
    if (!fn || !function_resolve(fn, kinds, n, &m)) {
        fail_msg("%s does not take these arguments", name);
    }
    for (uint32_t i = 0; i < n; i++) {
        enum value_kind want = function_param_kind(&m, i);
        if (want != VAL_MISSING && want != kinds[i] && kinds[i] == VAL_INT) {
            enum expr_op op = want == VAL_FLOAT ? EX_TO_FLOAT : EX_TO_DECIMAL;
            e->kids[i] = ex(w, op, want, 1, e->kids[i]);
        }
    }
    e->kind = (uint8_t)m.result;
    e->fn = m.overload->impl;
    e->fn_name = fn->name;
    e->takes_missing = fn->takes_missing;
    return e;
}

struct event *event_at(struct world *w, int64_t at_s, uint32_t n, const struct value *values)
{
    struct event *e = arena_alloc(&w->arena, sizeof(*e) + n * sizeof(struct value));
    e->time.ns = at_s * NS_PER_S;
    e->at.offset = (int64_t)w->arena.used_bytes; /* rises with every event */
    e->n_values = n;
    for (uint32_t i = 0; i < n; i++) {
        e->values[i] = values[i];
    }
    return e;
}

void bind_event(struct world *w, uint32_t slot, const struct event *e)
{
    struct slot_binding *s = &w->slots[slot];
    size_t cap = s->cap;
    s->events = xgrow(s->events, &cap, s->n + 1u, sizeof(const struct event *));
    s->cap = (uint32_t)cap;
    s->events[s->n++] = e;
}

void unbind(struct world *w, uint32_t slot, uint32_t keep)
{
    w->slots[slot].n = keep;
    w->slots[slot].cut++;
}

void expect_shown(struct value v, const char *json)
{
    struct buf b = BUF_INIT;
    value_to_json(v, &b);
    char *got = xstrdup(value_is_missing(v) ? "(missing)" : buf_cstr(&b));
    buf_release(&b);
    const char *want = json ? json : "(missing)";
    if (strcmp(got, want) != 0) {
        print_error("got %s, expected %s\n", got, want);
    }
    bool same = strcmp(got, want) == 0;
    free(got);
    assert_true(same);
}

void expect_json(struct world *w, const struct expr *e, const char *json)
{
    expect_shown(expr_eval(e, &w->ev), json);
}

char truth(struct world *w, const struct expr *e)
{
    struct value v = expr_eval(e, &w->ev);
    if (value_is_missing(v)) {
        return '?';
    }
    assert_int_equal(v.kind, VAL_BOOL);
    return v.u.b ? 'T' : 'F';
}
