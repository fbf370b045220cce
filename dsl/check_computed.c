/* Conditions and computed fields of event declarations: after all types are known, because they
 * may use consts and each other in any order. */
#include "dsl/check.h"

static struct expr_ctx decl_ctx(struct checker *c, const struct schema_decl *d)
{
    struct expr_ctx x = expr_ctx_new(c, PLACE_EVENT);
    uint32_t *self = ARENA_NEW(c->arena, uint32_t);
    *self = d->index;
    x.self = self;
    x.n_self = 1;
    return x;
}

static void compute_field(struct checker *c, struct schema_decl *d, struct schema_field *f,
                          const struct ast_item *item)
{
    struct expr_ctx x = decl_ctx(c, d);
    struct typed t = check_expr(&x, item->computed);
    if (f->type == TYPE_COUNT) {
        return;
    }
    struct want want = {f->is_list ? VAL_LIST : type_value_kind(f->type),
                        f->is_list ? type_value_kind(f->type) : VAL_MISSING,
                        f->type == TYPE_ENUM ? f : NULL};
    const char *what = arena_printf(c->arena, "`%.*s`", SLICE_ARG(f->name));
    f->computed = type_convert(c, t, want, what).e;
}

/* ---- circles -------------------------------------------------------------------------------- */

/* Computed fields that use each other. */
#define MAX_COMPUTED 64

enum visit { VISIT_NEW, VISIT_OPEN, VISIT_DONE };

struct walk {
    const struct schema_decl *d;
    uint8_t *visits; /* per field */
    uint32_t depth;  /* computed fields on the way down */
    uint32_t circle; /* the field that uses itself, once found */
    bool deep;
};

static bool in_circle(struct walk *w, uint32_t slot);

static bool expr_in_circle(struct walk *w, const struct expr *e)
{
    if (!e) {
        return false;
    }
    if (e->op == EX_FIELD && e->field) {
        return in_circle(w, e->field->alt[0].slot);
    }
    for (uint32_t i = 0; i < e->n_kids; i++) {
        if (expr_in_circle(w, e->kids[i])) {
            return true;
        }
    }
    return false;
}

static bool in_circle(struct walk *w, uint32_t slot)
{
    if (w->visits[slot] != VISIT_NEW) {
        w->circle = slot;
        return w->visits[slot] == VISIT_OPEN;
    }
    if (w->depth == MAX_COMPUTED) {
        w->deep = true;
        return false;
    }
    w->visits[slot] = VISIT_OPEN;
    w->depth++;
    bool found = expr_in_circle(w, w->d->fields[slot].computed);
    w->depth--;
    w->visits[slot] = VISIT_DONE;
    return found;
}

static const struct ast_item *item_of(struct checker *c, const struct walk *w, uint32_t slot,
                                      const struct ast_item *items)
{
    while (items && (items->kind != AST_ITEM_FIELD ||
                     decl_find_field(w->d, path_text(c, items->path->names.first)) !=
                         (int32_t)slot)) {
        items = items->next;
    }
    return items;
}

/* What one walk has seen need not be walked again from other fields: each circle is told once. */
static void check_circle(struct checker *c, struct walk *w, uint32_t slot,
                         const struct ast_item *item, const struct ast_item *items)
{
    if (in_circle(w, slot)) {
        const struct ast_item *at = w->circle == slot ? item : item_of(c, w, w->circle, items);
        check_error(c, "E0336", at->path->span, "`%.*s` is computed from itself",
                    SLICE_ARG(w->d->fields[w->circle].name));
    } else if (w->deep) {
        check_error(c, "E0224", item->path->span,
                    "computed fields stand more than %d deep in each other", MAX_COMPUTED);
        w->deep = false;
    }
}

/* ---- order ---------------------------------------------------------------------------------- */

struct computing {
    const struct schema_decl *d;
    bool *done; /* per slot */
    uint32_t *order;
    uint32_t n;
};

static void order_slot(struct computing *k, uint32_t slot);

static void order_expr(struct computing *k, const struct expr *e)
{
    if (!e) {
        return;
    }
    if (e->op == EX_FIELD && e->field) {
        order_slot(k, e->field->alt[0].slot);
    }
    for (uint32_t i = 0; i < e->n_kids; i++) {
        order_expr(k, e->kids[i]);
    }
}

static void order_slot(struct computing *k, uint32_t slot)
{
    if (k->d->fields[slot].origin != ORIGIN_COMPUTED || k->done[slot]) {
        return;
    }
    k->done[slot] = true;
    order_expr(k, k->d->fields[slot].computed);
    k->order[k->n++] = slot;
}

uint32_t *computed_order(struct checker *c, const struct schema_decl *d, uint32_t *ret_n)
{
    struct computing k = {.d = d};
    k.done = ARENA_ARRAY(c->arena, bool, d->n_fields + 1);
    k.order = ARENA_ARRAY(c->out, uint32_t, d->n_fields + 1);
    for (uint32_t i = 0; i < d->n_fields; i++) {
        order_slot(&k, i);
    }
    *ret_n = k.n;
    return k.order;
}

static void finish_event(struct checker *c, const struct ast_decl *ast, struct schema_decl *d)
{
    for (const struct ast_item *i = ast->event.items; i; i = i->next) {
        if (i->kind != AST_ITEM_FIELD || !i->computed) {
            continue;
        }
        int32_t slot = decl_find_field(d, path_text(c, i->path->names.first));
        if (slot >= 0 && d->fields[slot].origin == ORIGIN_COMPUTED) {
            compute_field(c, d, &d->fields[slot], i);
        }
    }
    struct walk w = {.d = d, .visits = ARENA_ARRAY(c->arena, uint8_t, d->n_fields + 1)};
    for (const struct ast_item *i = ast->event.items; i; i = i->next) {
        int32_t slot = i->kind == AST_ITEM_FIELD && i->computed
                           ? decl_find_field(d, path_text(c, i->path->names.first))
                           : -1;
        if (slot >= 0) {
            check_circle(c, &w, (uint32_t)slot, i, ast->event.items);
        }
    }
    if (ast->event.where) {
        struct expr_ctx x = decl_ctx(c, d);
        d->where = check_condition(&x, ast->event.where->expr);
    }
}

void check_events_finish(struct checker *c)
{
    uint32_t index = 0;
    for (size_t i = 0; i < c->decls.n; i++) {
        const struct ast_decl *ast = c->decls.items[i];
        if (ast->kind == AST_DECL_EVENT && ast_name_given(ast->event.name)) {
            finish_event(c, ast, &c->rs->decls[index++]);
        }
    }
}
