/* What a rule gives out: `emit`, `on timeout emit`, `quiet … per`. */
#include "dsl/check.h"
#include "dsl/check_derived.h"

static struct expr_ctx emit_ctx(struct rule_ctx *r)
{
    struct expr_ctx x = expr_ctx_new(r->c, PLACE_EMIT);
    x.rule = r;
    x.visible = r->rule->n_slots == 64 ? UINT64_MAX : (UINT64_C(1) << r->rule->n_slots) - 1;
    return x;
}

/* ---- emit ---------------------------------------------------------------------------------- */

static bool is_engine_name(struct slice name)
{
    return slice_eq_str(name, "suppressed") || slice_eq_str(name, "truncated");
}

static void check_name_once(struct rule_ctx *r, const struct emit_plan *plan, struct slice name,
                            struct span span)
{
    for (uint32_t i = 0; i < plan->n_fields; i++) {
        if (slice_eq(plan->fields[i].name, name)) {
            check_error(r->c, "E0304", span, "`%.*s` is given twice", SLICE_ARG(name));
            return;
        }
    }
}

/* `values`: room for one per field. */
static void emit_fields(struct rule_ctx *r, const struct ast_body *body, struct emit_plan *plan,
                        struct typed *values)
{
    plan->fields = ARENA_ARRAY(r->c->out, struct emit_field, body->n + 1);
    for (const struct ast_assign *a = body->first; a; a = a->next) {
        struct slice name = path_text(r->c, a->path.names.first);
        check_name_once(r, plan, name, a->path.span);
        if (is_engine_name(name)) {
            struct diag *d = check_error(r->c, "E0424", a->path.span,
                                         "`%.*s` is given by the engine", SLICE_ARG(name));
            check_help(r->c, d, "take another name");
        }
        struct expr_ctx x = emit_ctx(r);
        struct typed *t = &values[plan->n_fields];
        struct emit_field *f = &plan->fields[plan->n_fields++];
        *t = check_expr(&x, a->value);
        t->e = rule_capture_output(r, t->e);
        f->name = name;
        f->value = t->e;
    }
}

static void emit_one(struct rule_ctx *r, const struct ast_emit *e, struct emit_plan *plan)
{
    plan->is_event = ast_name_given(e->event);
    struct typed *values =
        ARENA_ARRAY(r->c->arena, struct typed, (e->body ? e->body->n : 0) + 1);
    if (e->body) {
        emit_fields(r, e->body, plan, values);
    }
    if (plan->is_event) {
        plan->event_name = arena_copy(r->c->out, e->event->text);
        derived_fields(r, e, plan, values);
    }
}

static void check_timeout(struct rule_ctx *r, const struct ast_emit *e)
{
    if (!r->ast->head || !r->ast->head->within) {
        struct diag *d = check_error(r->c, "E0411", e->keyword,
                                     "`on timeout` needs a head window: without one nothing times "
                                     "out");
        check_help(r->c, d, "give the rule one: `for each KEY within 10 minutes`");
    }
}

static void check_second_alert(struct rule_ctx *r, const struct ast_emit *e, bool *alert)
{
    if (!ast_name_given(e->event) && !e->on_timeout) {
        if (*alert) {
            check_error(r->c, "E0424", e->keyword, "a rule has one `emit alert`");
        }
        *alert = true;
    }
}

static void check_emits(struct rule_ctx *r)
{
    struct rule *rule = r->rule;
    uint32_t n = 0;
    bool alert = false;
    for (const struct ast_emit *e = r->ast->emits; e; e = e->next) {
        n++;
    }
    rule->emits = ARENA_ARRAY(r->c->out, struct emit_plan, n + 1);
    rule->timeouts = ARENA_ARRAY(r->c->out, struct emit_plan, n + 1);
    for (const struct ast_emit *e = r->ast->emits; e; e = e->next) {
        check_second_alert(r, e, &alert);
        if (e->on_timeout) {
            check_timeout(r, e);
            emit_one(r, e, &rule->timeouts[rule->n_timeouts++]);
        } else {
            emit_one(r, e, &rule->emits[rule->n_emits++]);
        }
    }
}

/* ---- quiet --------------------------------------------------------------------------------- */

/* `per` names the i-th key part: by its name, or through a step's key field. */
bool rule_is_key_part(const struct rule_ctx *r, const struct expr *e, uint32_t i)
{
    if (!e) {
        return false;
    }
    if (e->op == EX_KEY) {
        return e->slot == (int32_t)i;
    }
    if (e->op != EX_BOUND || !e->field) {
        return false;
    }
    for (uint32_t t = 0; t < r->rule->n_tests; t++) {
        const struct rule_test *test = &r->rule->tests[t];
        for (uint32_t role = 0; test->slot == e->slot && role < r->rule->n_roles; role++) {
            const struct expr *key = r->rule->roles[role].key[i];
            bool same = key && key->field && (test->roles >> role & 1) &&
                        key->field->alt[0].decl == e->field->alt[0].decl &&
                        key->field->alt[0].slot == e->field->alt[0].slot;
            if (same) {
                return true;
            }
        }
    }
    return false;
}

static bool is_topic_key(const struct rule_ctx *r, const struct expr *e)
{
    for (uint32_t i = 0; e->field && i < e->field->n; i++) {
        const struct schema_decl *d = &r->c->rs->decls[e->field->alt[i].decl];
        if (!d->fields[e->field->alt[i].slot].is_key) {
            return false;
        }
    }
    return e->field != NULL;
}

/* A part of the rule's key is the key field of every source. */
static bool key_part_is_topic_key(const struct rule_ctx *r, int32_t part)
{
    for (uint32_t i = 0; i < r->rule->n_roles; i++) {
        const struct expr *key = r->rule->roles[i].key[part];
        if (!key || !is_topic_key(r, key)) {
            return false;
        }
    }
    return true;
}

static bool reads_topic_key(const struct rule_ctx *r, const struct expr *e)
{
    if (e && e->op == EX_KEY) {
        return key_part_is_topic_key(r, e->slot);
    }
    return e && (e->op == EX_BOUND || e->op == EX_ITER) && is_topic_key(r, e);
}

/* Alerts of several keys share a quiet time: what names it is a key of its own. Twice the same
 * value is one part of it. */
static void quiet_apart(struct rule_ctx *r, const struct ast_quiet *q)
{
    struct quiet_plan *plan = &r->rule->quiet;
    uint32_t n = 0, i = 0;
    plan->apart = true;
    plan->names = ARENA_ARRAY(r->c->out, struct slice, plan->n_per);
    plan->kinds = ARENA_ARRAY(r->c->out, enum value_kind, plan->n_per);
    for (const struct ast_path *p = q->per.first; p; p = p->next, i++) {
        const struct expr *e = plan->per[i];
        struct slice name = arena_copy(r->c->out, path_text(r->c, p->names.first));
        bool twice = false;
        for (uint32_t k = 0; k < n; k++) {
            twice = twice || slice_eq(plan->names[k], name);
        }
        if (e->kind == VAL_LIST) {
            check_error(r->c, "E0415", p->span, "`%.*s` is a list: it cannot stand for a key",
                        SLICE_ARG(name));
        } else if (!twice) {
            plan->names[n] = name;
            plan->kinds[n] = (enum value_kind)e->kind;
            plan->per[n++] = e;
        }
    }
    plan->n_per = n;
}

static void check_per(struct rule_ctx *r, const struct ast_quiet *q)
{
    struct quiet_plan *plan = &r->rule->quiet;
    bool topic_key = false;
    bool broken = false;
    plan->per = ARENA_ARRAY(r->c->out, const struct expr *, q->per.n + 1);
    for (const struct ast_path *p = q->per.first; p; p = p->next) {
        struct expr_ctx x = emit_ctx(r);
        const struct expr *e = check_path(&x, p).e;
        broken = broken || !e;
        topic_key = topic_key || reads_topic_key(r, e);
        plan->per[plan->n_per++] = e;
    }
    for (uint32_t i = 0; i < r->rule->n_key && !broken; i++) {
        bool named = false;
        for (uint32_t p = 0; p < plan->n_per; p++) {
            named = named || rule_is_key_part(r, plan->per[p], i);
        }
        if (named) {
            continue;
        }
        if (topic_key) {
            quiet_apart(r, q);
            return;
        }
        struct diag *d = check_error(r->c, "E0415",
                                     span_join(q->per_keyword, q->per.last->span),
                                     "`per` leaves out `%.*s` of the rule's key",
                                     SLICE_ARG(r->rule->key_names[i]));
        check_help(r->c, d, "alerts of one `per` value must meet in one place: name the whole rule "
                            "key, `per %.*s, …`",
                   SLICE_ARG(r->rule->key_names[i]));
        return;
    }
}

void rule_check_outputs(struct rule_ctx *r)
{
    const struct ast_quiet *q = r->ast->quiet;
    if (q) {
        r->rule->quiet.present = true;
        check_timed(r->c, &q->time, &r->rule->quiet.length);
        if (q->per.n) {
            check_per(r, q);
        }
    }
    check_emits(r);
}
