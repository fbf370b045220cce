/* The canonical text of a checked rule, and the plan hash over it. Layout: docs/formats.md, "Plan
 * hash". Names are resolved, consts and lets are gone; comments, title, severity, emit, quiet and
 * tests are left out. It states everything that decides which events match and how they are
 * stored, so stored state belongs to exactly one text. */
#include "dsl/check.h"

#include "base/hash.h"

struct text {
    struct buf buf;
    const struct ruleset *rs;
    const struct rule *rule;
};

static void put_string(struct text *t, struct slice s)
{
    buf_puts(&t->buf, "\"");
    for (size_t i = 0; i < s.len; i++) {
        unsigned char ch = (unsigned char)s.ptr[i];
        if (ch == '"' || ch == '\\') {
            buf_printf(&t->buf, "\\%c", ch);
        } else if (ch < 0x20) {
            buf_printf(&t->buf, "\\x%02x", ch);
        } else {
            buf_put_byte(&t->buf, ch);
        }
    }
    buf_puts(&t->buf, "\"");
}

static void put_duration(struct text *t, const char *name, struct duration d)
{
    if (!duration_is_infinite(d)) {
        buf_printf(&t->buf, " %s=%lldns", name, (long long)d.ns);
    }
}

static void put_value(struct text *t, struct value v)
{
    buf_printf(&t->buf, "%s:", value_kind_name((enum value_kind)v.kind));
    if (v.kind == VAL_STRING) {
        put_string(t, value_as_slice(v));
    } else if (v.kind == VAL_LIST) {
        buf_puts(&t->buf, "[");
        for (uint32_t i = 0; i < v.len; i++) {
            put_value(t, v.u.items[i]);
            buf_puts(&t->buf, " ");
        }
        buf_puts(&t->buf, "]");
    } else if (v.kind == VAL_FLOAT) {
        uint64_t bits;
        memcpy(&bits, &v.u.f, sizeof(bits));
        buf_printf(&t->buf, "%016llx", (unsigned long long)bits);
    } else if (v.kind != VAL_MISSING) {
        value_to_text(v, &t->buf);
    }
}

/* ---- expressions --------------------------------------------------------------------------- */

static void put_field(struct text *t, const struct field_ref *f)
{
    if (!f) {
        buf_puts(&t->buf, "event-time");
        return;
    }
    for (uint32_t i = 0; i < f->n; i++) {
        const struct schema_decl *d = &t->rs->decls[f->alt[i].decl];
        buf_printf(&t->buf, "%s%.*s.%.*s", i ? "|" : "", SLICE_ARG(d->name),
                   SLICE_ARG(d->fields[f->alt[i].slot].name));
    }
}

static const char *op_name(const struct expr *e)
{
    static const char *const names[EX_OP_COUNT] = {
        [EX_CONST] = "const",           [EX_FIELD] = "field",
        [EX_BOUND] = "bound",           [EX_ITER] = "iter",
        [EX_AGG] = "agg",               [EX_KEY] = "key",
        [EX_FIRST_AT] = "first-at",     [EX_LAST_AT] = "last-at",
        [EX_DETECTED_AT] = "detected-at", [EX_NOT] = "not",
        [EX_AND] = "and",               [EX_OR] = "or",
        [EX_EQ] = "eq",                 [EX_NE] = "ne",
        [EX_LT] = "lt",                 [EX_LE] = "le",
        [EX_GT] = "gt",                 [EX_GE] = "ge",
        [EX_BETWEEN] = "between",       [EX_IN] = "in",
        [EX_GLOB] = "glob",             [EX_LIKE] = "like",
        [EX_MATCHES] = "matches",       [EX_CONTAINS] = "contains",
        [EX_STARTS_WITH] = "starts",    [EX_ENDS_WITH] = "ends",
        [EX_IS_MISSING] = "is-missing", [EX_IS_PRESENT] = "is-present",
        [EX_NEG] = "neg",               [EX_ADD] = "add",
        [EX_SUB] = "sub",               [EX_MUL] = "mul",
        [EX_DIV] = "div",               [EX_IF] = "if",
        [EX_LIST] = "list",             [EX_CALL] = "call",
        [EX_TO_DECIMAL] = "to-decimal", [EX_TO_FLOAT] = "to-float",
        [EX_MEMBER] = "member",
    };
    return names[e->op] ? names[e->op] : "?";
}

static const char *agg_name(enum agg_op op)
{
    static const char *const names[AGG_OP_COUNT] = {
        [AGG_COUNT] = "count",           [AGG_SUM] = "sum",
        [AGG_MIN] = "min",               [AGG_MAX] = "max",
        [AGG_AVERAGE] = "average",       [AGG_STDDEV] = "stddev",
        [AGG_FIRST] = "first",           [AGG_LAST] = "last",
        [AGG_NTH] = "nth",               [AGG_COUNT_DISTINCT] = "count-distinct",
        [AGG_DISTINCT] = "distinct",     [AGG_COLLECT] = "collect",
        [AGG_PERCENTILE] = "percentile", [AGG_GAP_AVERAGE] = "gap-average",
        [AGG_GAP_STDDEV] = "gap-stddev",
    };
    return names[op];
}

static void put_expr(struct text *t, const struct expr *e)
{
    if (!e) {
        buf_puts(&t->buf, " -");
        return;
    }
    buf_printf(&t->buf, " (%s", op_name(e));
    if (e->fold) {
        buf_puts(&t->buf, " fold");
    }
    if (e->op == EX_CONST || e->op == EX_MATCHES) {
        buf_puts(&t->buf, " ");
        put_value(t, e->value);
    } else if (e->op == EX_AGG) {
        buf_printf(&t->buf, " %s", agg_name((enum agg_op)e->agg));
    } else if (e->op == EX_CALL) {
        buf_printf(&t->buf, " %s", e->fn_name);
    }
    if (e->slot >= 0) {
        buf_printf(&t->buf, " %d", e->slot);
    }
    if (e->scope >= 0) {
        buf_printf(&t->buf, " scope=%d", e->scope);
    }
    if (e->op == EX_FIELD || e->op == EX_BOUND || e->op == EX_ITER) {
        buf_puts(&t->buf, " ");
        put_field(t, e->field);
    }
    for (uint32_t i = 0; i < e->n_kids; i++) {
        put_expr(t, e->kids[i]);
    }
    buf_puts(&t->buf, ")");
}

/* ---- declarations -------------------------------------------------------------------------- */

static void put_field_decl(struct text *t, const struct schema_field *f)
{
    buf_puts(&t->buf, "  field ");
    put_string(t, f->name);
    buf_printf(&t->buf, " %s%s", f->is_set ? "set-of-" : f->is_list ? "list-of-" : "",
               type_name(f->type));
    for (uint32_t i = 0; i < f->n_enum_values; i++) {
        buf_puts(&t->buf, " ");
        put_string(t, f->enum_values[i]);
    }
    buf_printf(&t->buf, " unit=%d origin=%d", (int)f->unit, (int)f->origin);
    if (f->origin == ORIGIN_PAYLOAD) {
        buf_puts(&t->buf, " path=");
        put_string(t, f->path_text);
    } else if (f->origin == ORIGIN_HEADER) {
        buf_puts(&t->buf, " header=");
        put_string(t, f->header);
    } else if (f->computed) {
        put_expr(t, f->computed);
    }
    buf_printf(&t->buf, "%s%s\n", f->optional ? " optional" : "",
               f->is_event_time ? " event-time" : "");
}

static void put_decl(struct text *t, const struct schema_decl *d)
{
    buf_puts(&t->buf, "event ");
    put_string(t, d->name);
    for (uint32_t i = 0; i < d->n_topics; i++) {
        buf_puts(&t->buf, " ");
        put_string(t, t->rs->topics[d->topics[i]].name);
    }
    put_expr(t, d->where);
    buf_puts(&t->buf, "\n");
    for (uint32_t i = 0; i < d->n_fields; i++) {
        put_field_decl(t, &d->fields[i]);
    }
}

static void put_decls(struct text *t)
{
    for (uint32_t d = 0; d < t->rs->n_decls; d++) {
        bool used = false;
        for (uint32_t i = 0; i < t->rule->n_roles; i++) {
            used = used || t->rule->roles[i].decl == d;
        }
        if (used) {
            put_decl(t, &t->rs->decls[d]);
        }
    }
}

/* ---- the pattern --------------------------------------------------------------------------- */

static void put_pattern(struct text *t, const struct pattern *p, unsigned depth);

static void put_item(struct text *t, const struct pattern_item *item, unsigned depth, bool first)
{
    static const char *const kinds[] = {"open", "for", "next", "lead"};
    static const char *const links[] = {"later", "first", "next"};
    for (uint32_t i = 0; i < item->n_absences; i++) {
        const struct pattern_absence *a = &item->absences[i];
        buf_printf(&t->buf, "%*sabsent %s test=%u", (int)depth * 2, "", kinds[a->kind], a->test);
        put_duration(t, "for", a->length);
        buf_printf(&t->buf, "%s\n", a->assume_quiet ? " assume-quiet" : "");
    }
    if (!item->node) {
        return;
    }
    if (!first) {
        buf_printf(&t->buf, "%*slink %s", (int)depth * 2, "", links[item->link.kind]);
        put_duration(t, "within", item->link.within);
        put_duration(t, "after", item->link.after);
        buf_puts(&t->buf, "\n");
    }
    put_pattern(t, item->node, depth);
}

static void put_pattern(struct text *t, const struct pattern *p, unsigned depth)
{
    static const char *const kinds[] = {"step", "count", "seq", "repeat", "any", "all"};
    static const char *const adjacencies[] = {"", " in-a-row", " anywhere"};
    buf_printf(&t->buf, "%*s%s%s", (int)depth * 2, "", kinds[p->kind],
               p->optional ? " optional" : "");
    if (p->test != NO_TEST) {
        buf_printf(&t->buf, " test=%u", p->test);
    }
    if (p->kind == PAT_COUNT || p->kind == PAT_REPEAT || p->kind == PAT_ALL) {
        buf_printf(&t->buf, " %u..%u%s", p->min, p->max, adjacencies[p->adjacency]);
    }
    put_duration(t, "each", p->each_within);
    put_duration(t, "span", p->span);
    if (p->guard_test != NO_TEST) {
        buf_printf(&t->buf, " guard=%u", p->guard_test);
    }
    if (p->until || p->having) {
        put_expr(t, p->until);
        put_expr(t, p->having);
    }
    buf_puts(&t->buf, "\n");
    for (uint32_t i = 0; i < p->n_items; i++) {
        put_item(t, &p->items[i], depth + 1, i == 0);
    }
}

static void put_test(struct text *t, uint32_t index)
{
    static const char *const uses[] = {"step", "absent", "guard", "without"};
    const struct rule_test *test = &t->rule->tests[index];
    buf_printf(&t->buf, "test %u %s slot=%d group=%d ", index, uses[test->use], test->slot,
               test->group);
    put_string(t, test->label);
    for (uint32_t i = 0; i < t->rule->n_roles; i++) {
        if (test->roles >> i & 1) {
            buf_printf(&t->buf, " %u", i);
        }
    }
    put_expr(t, test->own);
    put_expr(t, test->joint);
    buf_puts(&t->buf, "\n");
}

static void put_roles(struct text *t)
{
    for (uint32_t i = 0; i < t->rule->n_roles; i++) {
        const struct rule_role *role = &t->rule->roles[i];
        buf_printf(&t->buf, "role %u ", i);
        put_string(t, t->rs->decls[role->decl].name);
        buf_puts(&t->buf, role->counted ? " counted" : "");
        put_expr(t, role->filter);
        for (uint32_t k = 0; k < t->rule->n_key; k++) {
            put_expr(t, role->key[k]);
        }
        buf_puts(&t->buf, "\n");
    }
}

static void put_policy(struct text *t)
{
    static const char *const policies[] = {"skip-past-last", "skip-to-next", "skip-to-first",
                                           "skip-to-last", "no-skip"};
    buf_printf(&t->buf, "policy %s", policies[t->rule->policy]);
    if (t->rule->policy == SKIP_TO_FIRST || t->rule->policy == SKIP_TO_LAST) {
        buf_printf(&t->buf, " slot=%u", t->rule->policy_slot);
    }
    buf_puts(&t->buf, "\n");
}

void rule_canonical(const struct ruleset *rs, struct rule *rule, struct arena *arena)
{
    struct text t = {.rs = rs, .rule = rule};
    buf_puts(&t.buf, "fyke-plan 1\n");
    put_decls(&t);
    for (uint32_t i = 0; i < rule->n_key; i++) {
        buf_puts(&t.buf, "key ");
        put_string(&t, rule->key_names[i]);
        buf_printf(&t.buf, " %s\n", value_kind_name(rule->key_kinds[i]));
    }
    put_roles(&t);
    for (uint32_t i = 0; i < rule->n_tests; i++) {
        put_test(&t, i);
    }
    buf_puts(&t.buf, "window");
    put_duration(&t, "within", rule->window);
    buf_puts(&t.buf, "\n");
    put_policy(&t);
    put_pattern(&t, rule->root, 0);
    rule->canonical = arena_copy(arena, buf_slice(&t.buf));
    rule->plan = hash128(rule->canonical).hi;
    buf_release(&t.buf);
}
