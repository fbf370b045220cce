/* The fields of a derived event: those of the body, the rule's key names unless the body sets them,
 * and `at`. The first rule that derives it gives them; others must agree, and so must a declaration
 * without a source. Fields stand in byte order of their names, so that nothing depends on the order
 * of rules. */
#include <stdlib.h>

#include "dsl/check_derived.h"

/* One field as a rule gives it. */
struct given {
    struct slice name;
    struct typed t;        /* e NULL: an error was reported, or a key part without a type */
    struct span span;
    int32_t field;         /* in plan->fields; -1: a part of the key */
    int32_t key;           /* part of the key; -1: of the body */
};

struct giving {
    struct rule_ctx *r;
    const struct ast_emit *emit;
    struct emit_plan *plan;
    struct derived_event *event;
    struct schema_decl *decl;
    struct given *items;
    uint32_t n;
};

/* ---- types ---------------------------------------------------------------------------------- */

static enum field_type scalar_type(enum value_kind kind)
{
    for (int t = 0; t < TYPE_COUNT; t++) {
        if (t != TYPE_ENUM && type_value_kind((enum field_type)t) == kind) {
            return (enum field_type)t;
        }
    }
    return TYPE_COUNT;
}

static void set_type(struct schema_field *f, const struct typed *t)
{
    f->is_list = t->kind == VAL_LIST;
    f->type = scalar_type(f->is_list ? t->item : t->kind);
    if (!f->is_list && t->enum_of) {
        f->type = TYPE_ENUM;
        f->enum_values = t->enum_of->enum_values;
        f->n_enum_values = t->enum_of->n_enum_values;
    }
}

static bool same_values(const struct schema_field *a, const struct schema_field *b)
{
    if (a->n_enum_values != b->n_enum_values) {
        return false;
    }
    for (uint32_t i = 0; i < a->n_enum_values; i++) {
        if (!slice_eq(a->enum_values[i], b->enum_values[i])) {
            return false;
        }
    }
    return true;
}

static struct typed typed_of(const struct schema_field *f)
{
    enum value_kind kind = type_value_kind(f->type);
    return (struct typed){.kind = f->is_list ? VAL_LIST : kind,
                          .item = f->is_list ? kind : VAL_MISSING,
                          .enum_of = f->type == TYPE_ENUM ? f : NULL};
}

/* ---- what this rule gives -------------------------------------------------------------------- */

static bool body_sets(const struct emit_plan *plan, struct slice name)
{
    for (uint32_t i = 0; i < plan->n_fields; i++) {
        if (slice_eq(plan->fields[i].name, name)) {
            return true;
        }
    }
    return false;
}

static struct typed key_type(const struct giving *g, uint32_t part)
{
    return (struct typed){.kind = g->r->rule->key_kinds[part], .span = g->emit->keyword};
}

/* `at` is the match's time. */
static bool is_time(struct giving *g, struct slice name, struct span span, bool key)
{
    if (!slice_eq_str(name, "at")) {
        return false;
    }
    struct diag *d = check_error(g->r->c, "E0345", span,
                                 "`at` of a derived event is the time of its match");
    check_help(g->r->c, d, key ? "name the key otherwise: `for each NAME = EVENT.at`"
                               : "take another name");
    return true;
}

static void collect_given(struct giving *g, const struct typed *values)
{
    struct rule *rule = g->r->rule;
    g->items = ARENA_ARRAY(g->r->c->arena, struct given, g->plan->n_fields + rule->n_key + 1);
    const struct ast_assign *a = g->emit->body ? g->emit->body->first : NULL;
    for (uint32_t i = 0; i < g->plan->n_fields; i++, a = a->next) {
        struct typed t = values[i];
        t.may_miss = output_may_miss(g->r, t.e, g->emit->on_timeout);
        if (!is_time(g, g->plan->fields[i].name, a->path.span, false)) {
            g->items[g->n++] =
                (struct given){g->plan->fields[i].name, t, a->path.span, (int32_t)i, -1};
        }
    }
    for (uint32_t i = 0; i < rule->n_key; i++) {
        if (!body_sets(g->plan, rule->key_names[i]) &&
            !is_time(g, rule->key_names[i], g->emit->event->span, true)) {
            g->items[g->n++] = (struct given){rule->key_names[i], key_type(g, i),
                                              g->emit->event->span, -1, (int32_t)i};
        }
    }
}

static bool is_known(const struct given *x)
{
    return x->key >= 0 ? x->t.kind != VAL_MISSING : x->t.e != NULL;
}

/* A list that could hold anything has no type. */
static void check_lists(struct giving *g)
{
    for (uint32_t i = 0; i < g->n; i++) {
        const struct given *x = &g->items[i];
        if (is_known(x) && x->t.kind == VAL_LIST && scalar_type(x->t.item) == TYPE_COUNT) {
            check_error(g->r->c, "E0345", x->span, "what `%.*s` is a list of is not known",
                        SLICE_ARG(x->name));
        }
    }
}

static int by_name(const void *a, const void *b)
{
    return slice_cmp(((const struct given *)a)->name, ((const struct given *)b)->name);
}

/* ---- the first rule gives the fields ---------------------------------------------------------- */

static void add_field(struct schema_decl *d, const struct given *x)
{
    struct schema_field *f = &d->fields[d->n_fields++];
    f->name = x->name;
    f->optional = x->t.may_miss;
    f->type = TYPE_COUNT;
    if (is_known(x)) {
        set_type(f, &x->t);
    }
}

static void add_time(struct schema_decl *d)
{
    d->time_field = (int32_t)d->n_fields;
    d->fields[d->n_fields++] = (struct schema_field){
        .name = SLICE_LIT("at"), .type = TYPE_TIMESTAMP, .is_event_time = true, .keep = true};
}

static void give_fields(struct giving *g)
{
    struct schema_decl *d = g->decl;
    bool timed = false;
    struct given *sorted = ARENA_ARRAY(g->r->c->arena, struct given, g->n + 1);
    memcpy(sorted, g->items, g->n * sizeof(*sorted));
    if (g->n > 1) {
        qsort(sorted, g->n, sizeof(*sorted), by_name);
    }
    d->fields = ARENA_ARRAY(g->r->c->out, struct schema_field, g->n + 2);
    for (uint32_t i = 0; i < g->n; i++) {
        if (!timed && slice_cmp(SLICE_LIT("at"), sorted[i].name) < 0) {
            add_time(d);
            timed = true;
        }
        if (i == 0 || !slice_eq(sorted[i].name, sorted[i - 1].name)) {
            add_field(d, &sorted[i]);
        }
    }
    if (!timed) {
        add_time(d);
    }
    for (uint32_t i = 0; i < d->n_fields; i++) {
        d->fields[i].keep |= g->r->c->keep_all;
    }
    g->event->first = g->emit;
}

/* ---- others agree ---------------------------------------------------------------------------- */

static void second_place(const struct giving *g, struct diag *d)
{
    if (g->event->first) {
        check_second(g->r->c, d, g->event->first->event->span, "derived here too");
        check_help(g->r->c, d, "rules that derive one event agree on its fields");
    } else {
        check_second(g->r->c, d, g->event->symbol->span, "declared here");
        check_help(g->r->c, d, "the declaration and what is derived have the same fields");
    }
}

static void disagrees(const struct giving *g, const struct given *x, const struct schema_field *f)
{
    struct checker *c = g->r->c;
    struct diag *d = check_error(c, "E0345", x->span, "`%.*s` of `%.*s` is %s here, and %s there",
                                 SLICE_ARG(x->name), SLICE_ARG(g->decl->name),
                                 type_text(c, x->t), type_text(c, typed_of(f)));
    second_place(g, d);
}

/* With a declaration literals take its types; between rules both must have said the same. */
static void agree_on_type(struct giving *g, struct given *x, struct schema_field *f)
{
    struct checker *c = g->r->c;
    struct schema_field mine = {0};
    if (!is_known(x) || f->type == TYPE_COUNT) {
        if (is_known(x) && g->event->first) {
            set_type(f, &x->t);
        }
        return;
    }
    struct typed of = typed_of(f);
    if (!g->event->first && x->field >= 0) {
        const char *what = arena_printf(c->arena, "`%.*s`", SLICE_ARG(f->name));
        struct want want = {of.kind, of.item, of.enum_of};
        g->plan->fields[x->field].value = type_convert(c, x->t, want, what).e;
        return;
    }
    set_type(&mine, &x->t);
    bool same = mine.is_list == f->is_list &&
                type_value_kind(mine.type) == type_value_kind(f->type) &&
                (x->key >= 0 || !g->event->first || same_values(&mine, f));
    if (!same) {
        disagrees(g, x, f);
    }
}

static void agree_on_presence(struct giving *g, const struct given *x, struct schema_field *f)
{
    if (!x->t.may_miss || f->optional) {
        return;
    }
    if (g->event->first) {
        f->optional = true;
        return;
    }
    struct diag *d = check_error(g->r->c, "E0345", x->span,
                                 "`%.*s` may be missing here, and is required where it is declared",
                                 SLICE_ARG(x->name));
    check_second(g->r->c, d, g->event->symbol->span, "declared here");
    check_help(g->r->c, d, "declare it `optional`, or say what stands for it: `coalesce(…, …)`");
}

static void not_there(const struct giving *g, const struct given *x)
{
    struct suggest s = suggest_for(x->name);
    for (uint32_t i = 0; i < g->decl->n_fields; i++) {
        suggest_try(&s, g->decl->fields[i].name);
    }
    struct diag *d = check_error(g->r->c, "E0345", x->span, "`%.*s` has no field `%.*s`%s",
                                 SLICE_ARG(g->decl->name), SLICE_ARG(x->name),
                                 x->key >= 0 ? ", which the rule's key gives" : "");
    second_place(g, d);
    check_suggest(g->r->c, d, &s);
}

static void agree(struct giving *g)
{
    const struct schema_decl *d = g->decl;
    for (uint32_t i = 0; i < g->n; i++) {
        struct given *x = &g->items[i];
        int32_t slot = decl_find_field(d, x->name);
        if (slot < 0) {
            not_there(g, x);
        } else if (d->fields[slot].origin == ORIGIN_COMPUTED) {
            struct diag *e = check_error(g->r->c, "E0345", x->span,
                                         "`%.*s` is computed from the other fields",
                                         SLICE_ARG(x->name));
            check_second(g->r->c, e, g->event->symbol->span, "declared here");
        } else {
            agree_on_type(g, x, &d->fields[slot]);
            agree_on_presence(g, x, &d->fields[slot]);
        }
    }
}

static bool gives(const struct giving *g, struct slice name)
{
    for (uint32_t i = 0; i < g->n; i++) {
        if (slice_eq(g->items[i].name, name)) {
            return true;
        }
    }
    return false;
}

static void check_complete(const struct giving *g)
{
    const struct schema_decl *d = g->decl;
    for (uint32_t i = 0; i < d->n_fields; i++) {
        if ((int32_t)i == d->time_field || d->fields[i].origin == ORIGIN_COMPUTED ||
            gives(g, d->fields[i].name)) {
            continue;
        }
        struct diag *e = check_error(g->r->c, "E0345", g->emit->event->span,
                                     "`%.*s` has a field `%.*s`, which is not given here",
                                     SLICE_ARG(d->name), SLICE_ARG(d->fields[i].name));
        second_place(g, e);
    }
}

/* ---- all together ------------------------------------------------------------------------------ */

static void fill_slots(struct giving *g)
{
    struct rule *rule = g->r->rule;
    g->plan->slots = ARENA_ARRAY(g->r->c->out, uint32_t, g->plan->n_fields + 1);
    g->plan->key_slots = ARENA_ARRAY(g->r->c->out, int32_t, rule->n_key + 1);
    for (uint32_t i = 0; i < rule->n_key; i++) {
        g->plan->key_slots[i] = -1;
    }
    g->plan->computed = computed_order(g->r->c, g->decl, &g->plan->n_computed);
    for (uint32_t i = 0; i < g->n; i++) {
        int32_t slot = decl_find_field(g->decl, g->items[i].name);
        if (g->items[i].field >= 0) {
            g->plan->slots[g->items[i].field] = slot < 0 ? 0 : (uint32_t)slot;
        } else {
            g->plan->key_slots[g->items[i].key] = slot;
        }
    }
}

void derived_fields(struct rule_ctx *r, const struct ast_emit *e, struct emit_plan *plan,
                    const struct typed *values)
{
    struct derived_event *event = map_get(&r->c->derived->by_name, e->event->text);
    if (!event) {
        return; /* its name was refused */
    }
    plan->decl = event->symbol->decl;
    struct giving g = {
        .r = r, .emit = e, .plan = plan, .event = event, .decl = &r->c->rs->decls[plan->decl]};
    collect_given(&g, values);
    check_lists(&g);
    if (!event->declared && !event->first) {
        give_fields(&g);
    } else {
        agree(&g);
        check_complete(&g);
    }
    fill_slots(&g);
}
