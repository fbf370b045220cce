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

enum visit { VISIT_NEW, VISIT_OPEN, VISIT_DONE };

static bool in_circle(const struct schema_decl *d, uint32_t slot, uint8_t *visits);

static bool expr_in_circle(const struct schema_decl *d, const struct expr *e, uint8_t *visits)
{
    if (!e) {
        return false;
    }
    if (e->op == EX_FIELD && e->field) {
        return in_circle(d, e->field->alt[0].slot, visits);
    }
    for (uint32_t i = 0; i < e->n_kids; i++) {
        if (expr_in_circle(d, e->kids[i], visits)) {
            return true;
        }
    }
    return false;
}

static bool in_circle(const struct schema_decl *d, uint32_t slot, uint8_t *visits)
{
    if (visits[slot] != VISIT_NEW) {
        return visits[slot] == VISIT_OPEN;
    }
    visits[slot] = VISIT_OPEN;
    bool found = expr_in_circle(d, d->fields[slot].computed, visits);
    visits[slot] = VISIT_DONE;
    return found;
}

static void check_circle(struct checker *c, const struct schema_decl *d, uint32_t slot,
                         const struct ast_item *item)
{
    uint8_t *visits = ARENA_ARRAY(c->arena, uint8_t, d->n_fields);
    if (in_circle(d, slot, visits)) {
        check_error(c, "E0336", item->path->span, "`%.*s` is computed from itself",
                    SLICE_ARG(d->fields[slot].name));
    }
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
    for (const struct ast_item *i = ast->event.items; i; i = i->next) {
        int32_t slot = i->kind == AST_ITEM_FIELD && i->computed
                           ? decl_find_field(d, path_text(c, i->path->names.first))
                           : -1;
        if (slot >= 0) {
            check_circle(c, d, (uint32_t)slot, i);
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
