/* Making nodes of typed expressions, and asking what they read. */
#include "dsl/check.h"

struct expr *expr_new(struct checker *c, enum expr_op op, enum value_kind kind, uint32_t n_kids)
{
    struct expr *e = ARENA_NEW(c->out, struct expr);
    e->op = (uint8_t)op;
    e->kind = (uint8_t)kind;
    e->n_kids = (uint16_t)n_kids;
    e->slot = -1;
    e->scope = -1;
    e->kids = n_kids ? ARENA_ARRAY(c->out, const struct expr *, n_kids) : NULL;
    return e;
}

struct expr *expr_const(struct checker *c, struct value v)
{
    struct expr *e = expr_new(c, EX_CONST, (enum value_kind)v.kind, 0);
    e->value = v;
    if (v.kind == VAL_LIST && v.len) {
        e->item_kind = v.u.items[0].kind;
    }
    return e;
}

static uint32_t conjuncts(const struct expr *e, const struct expr **out)
{
    if (!e) {
        return 0;
    }
    if (e->op != EX_AND) {
        if (out) {
            *out = e;
        }
        return 1;
    }
    uint32_t n = 0;
    for (uint32_t i = 0; i < e->n_kids; i++) {
        n += conjuncts(e->kids[i], out ? out + n : NULL);
    }
    return n;
}

static const struct expr *conjunction_of(struct checker *c, const struct expr **parts, uint32_t n)
{
    if (n == 0) {
        return NULL;
    }
    if (n == 1) {
        return parts[0];
    }
    struct expr *e = expr_new(c, EX_AND, VAL_BOOL, n);
    for (uint32_t i = 0; i < n; i++) {
        e->kids[i] = parts[i];
    }
    return e;
}

const struct expr *expr_conjunction(struct checker *c, const struct expr *a, const struct expr *b)
{
    uint32_t n_a = conjuncts(a, NULL);
    uint32_t n_b = conjuncts(b, NULL);
    const struct expr **parts = ARENA_ARRAY(c->arena, const struct expr *, n_a + n_b + 1);
    conjuncts(a, parts);
    conjuncts(b, parts + n_a);
    return conjunction_of(c, parts, n_a + n_b);
}

unsigned expr_reads(const struct expr *e)
{
    if (!e) {
        return 0;
    }
    unsigned reads = 0;
    switch (e->op) {
    case EX_FIELD:
        reads = READS_SELF;
        break;
    case EX_BOUND:
    case EX_ITER:
    case EX_AGG:
        return READS_BOUND;
    case EX_PROFILE: /* as of the event */
        reads = READS_SELF;
        break;
    case EX_KEY:
        reads = READS_KEY;
        break;
    case EX_FIRST_AT:
    case EX_LAST_AT:
    case EX_DETECTED_AT:
        reads = READS_OUTPUT;
        break;
    case EX_TABLE:
    case EX_LOOKUP:
    case EX_GEOIP:
        reads = READS_ENV;
        break;
    default:
        break;
    }
    for (uint32_t i = 0; i < e->n_kids; i++) {
        reads |= expr_reads(e->kids[i]);
    }
    return reads;
}

void expr_split(struct checker *c, const struct expr *e, const struct expr **own,
                const struct expr **joint)
{
    uint32_t n = conjuncts(e, NULL);
    const struct expr **all = ARENA_ARRAY(c->arena, const struct expr *, n + 1);
    const struct expr **mine = ARENA_ARRAY(c->arena, const struct expr *, n + 1);
    const struct expr **others = ARENA_ARRAY(c->arena, const struct expr *, n + 1);
    conjuncts(e, all);
    uint32_t n_mine = 0;
    uint32_t n_others = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (expr_reads(all[i]) & ~(unsigned)(READS_SELF | READS_ENV)) {
            others[n_others++] = all[i];
        } else {
            mine[n_mine++] = all[i];
        }
    }
    *own = conjunction_of(c, mine, n_mine);
    *joint = conjunction_of(c, others, n_others);
}

/* A list of constants as one constant, so that nothing is built per event; else `e` itself. */
const struct expr *expr_constant_list(struct checker *c, const struct expr *e)
{
    if (e->op != EX_LIST) {
        return e;
    }
    for (uint32_t i = 0; i < e->n_kids; i++) {
        if (e->kids[i]->op != EX_CONST) {
            return e;
        }
    }
    struct value *items = ARENA_ARRAY(c->out, struct value, (size_t)e->n_kids + 1);
    for (uint32_t i = 0; i < e->n_kids; i++) {
        items[i] = e->kids[i]->value;
    }
    struct expr *list = expr_const(c, value_list(items, e->n_kids));
    list->item_kind = e->item_kind;
    return list;
}

/* What reads nothing is computed now; missing results and lists stay as they are. */
const struct expr *expr_fold(struct checker *c, const struct expr *e)
{
    if (!e || e->op == EX_CONST || e->op == EX_LIST || expr_reads(e)) {
        return e;
    }
    struct eval_counters counters = {0};
    struct arena scratch;
    arena_init(&scratch);
    struct eval ev = {.scratch = &scratch, .counters = &counters};
    struct value v = value_copy(expr_eval(e, &ev), c->out);
    eval_release(&ev);
    arena_release(&scratch);
    return value_is_missing(v) ? e : expr_const(c, v);
}
