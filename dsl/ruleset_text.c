/* The canonical text of a checked rule, and the plan hash over it. Layout: docs/formats.md, "Plan
 * hash". Names are resolved, consts and lets are gone; comments, title, severity, emit, quiet and
 * tests are left out. It states everything that decides which events match and how they are
 * stored, so stored state belongs to exactly one text. */
#include "dsl/check.h"

#include "base/hash.h"
#include "nfa/payload.h"
#include "nfa/profile.h"

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

static void put_expr(struct text *t, const struct expr *e)
{
    buf_puts(&t->buf, " ");
    expr_canonical(e, t->rs->decls, &t->buf);
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
    if (d->payload) {
        char hash[HASH128_HEX_MAX];
        hash128_hex(d->payload->hash, hash);
        buf_printf(&t->buf, " format=%s:%s", payload_format_name(d->payload->format), hash);
    }
    buf_puts(&t->buf, "\n");
    for (uint32_t i = 0; i < d->n_fields; i++) {
        put_field_decl(t, &d->fields[i]);
    }
}

static void put_decls(struct text *t, const struct rule_role *roles, uint32_t n_roles)
{
    for (uint32_t d = 0; d < t->rs->n_decls; d++) {
        bool used = false;
        for (uint32_t i = 0; i < n_roles; i++) {
            used = used || roles[i].decl == d;
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
        if (a->kind == ABSENT_FOR || a->kind == ABSENT_LEAD) {
            put_duration(t, "for", a->length);
        }
        buf_printf(&t->buf, "%s\n", a->assume_quiet ? " assume-quiet" : "");
    }
    if (!item->node) {
        return;
    }
    if (!first) {
        buf_printf(&t->buf, "%*slink %s", (int)depth * 2, "", links[item->link.kind]);
        put_duration(t, "within", item->link.within);
        if (item->link.after.ns) {
            put_duration(t, "after", item->link.after);
        }
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
        buf_printf(&t->buf, " %u..", p->min);
        if (p->max != COUNT_UNBOUNDED) {
            buf_printf(&t->buf, "%u", p->max);
        }
        buf_puts(&t->buf, adjacencies[p->adjacency]);
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
    put_string(t, test->use == TEST_STEP ? test->label : (struct slice){0});
    for (uint32_t i = 0; i < t->rule->n_roles; i++) {
        if (test->roles >> i & 1) {
            buf_printf(&t->buf, " %u", i);
        }
    }
    put_expr(t, test->own);
    put_expr(t, test->joint);
    buf_puts(&t->buf, "\n");
}

static void put_roles(struct text *t, const struct rule_role *roles, uint32_t n_roles,
                      uint32_t n_key)
{
    for (uint32_t i = 0; i < n_roles; i++) {
        const struct rule_role *role = &roles[i];
        buf_printf(&t->buf, "role %u ", i);
        put_string(t, t->rs->decls[role->decl].name);
        buf_puts(&t->buf, role->counted ? " counted" : "");
        put_expr(t, role->filter);
        for (uint32_t k = 0; k < n_key; k++) {
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

static void put_keys(struct text *t, const struct slice *names, const enum value_kind *kinds,
                     uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        buf_puts(&t->buf, "key ");
        put_string(t, names[i]);
        buf_printf(&t->buf, " %s\n", value_kind_name(kinds[i]));
    }
}

/* ---- profiles ------------------------------------------------------------------------------ */

static void put_measure(void *ctx, uint32_t measure)
{
    struct text *t = ctx;
    const struct measure *m = &t->rs->measures[measure];
    buf_puts(&t->buf, "measure ");
    put_string(t, m->full_name);
    buf_printf(&t->buf, " %016llx\n", (unsigned long long)m->plan);
}

/* A measure's state belongs to its source, its key and what it computes; not to its neighbours. */
void measure_canonical(const struct ruleset *rs, struct measure *m, struct arena *arena)
{
    const struct profile *p = &rs->profiles[m->profile];
    struct text t = {.rs = rs};
    buf_puts(&t.buf, "fyke-measure 1\n");
    put_decls(&t, p->roles, p->n_roles);
    put_keys(&t, p->key_names, p->key_kinds, p->n_key);
    put_roles(&t, p->roles, p->n_roles, p->n_key);
    buf_puts(&t.buf, m->value    ? "computed"
                     : m->as_set ? "set"
                     : m->nested ? "of-buckets"
                                 : "value");
    put_expr(&t, measure_result(m));
    buf_printf(&t.buf, " over=%lldns every=%lldns warm=%lldns max=%u\n", (long long)m->over.ns,
               (long long)m->every.ns, (long long)m->warm.ns, m->max);
    for (uint32_t i = 0; i < m->n_leaves; i++) {
        put_measure(&t, m->first_leaf + i);
    }
    m->canonical = arena_copy(arena, buf_slice(&t.buf));
    m->plan = hash128(m->canonical).hi;
    buf_release(&t.buf);
}

void rule_canonical(const struct ruleset *rs, struct rule *rule, struct arena *arena)
{
    struct text t = {.rs = rs, .rule = rule};
    buf_puts(&t.buf, "fyke-plan 1\n");
    put_decls(&t, rule->roles, rule->n_roles);
    put_keys(&t, rule->key_names, rule->key_kinds, rule->n_key);
    put_roles(&t, rule->roles, rule->n_roles, rule->n_key);
    for (uint32_t i = 0; i < rule->n_tests; i++) {
        put_test(&t, i);
    }
    buf_puts(&t.buf, "window");
    put_duration(&t, "within", rule->window);
    buf_puts(&t.buf, "\n");
    put_policy(&t);
    buf_puts(&t.buf, rule->n_timeouts ? "timeout\n" : "");
    put_pattern(&t, rule->root, 0);
    rule_each_condition_measure(rule, put_measure, &t);
    for (uint32_t i = 0; i < rule->n_captures; i++) { /* stored with the events */
        buf_printf(&t.buf, "capture %llx", (unsigned long long)rule->captures[i].tests);
        put_expr(&t, rule->captures[i].value);
        buf_puts(&t.buf, "\n");
    }
    rule->canonical = arena_copy(arena, buf_slice(&t.buf));
    rule->plan = hash128(rule->canonical).hi;
    buf_release(&t.buf);
}
