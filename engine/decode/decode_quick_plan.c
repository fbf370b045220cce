/* Which declarations can be judged the short way, and how. */
#include "engine/decode/decode_quick.h"
#include "nfa/expr.h"

static struct quick_text quick_text_of(struct slice text)
{
    struct quick_text q = {.mask = json_head_mask(text.len), .text = text};
    for (size_t i = 0; i < text.len && i < 8; i++) {
        q.head |= (uint64_t)(unsigned char)text.ptr[i] << (8 * i);
    }
    return q;
}

static void set_nodes(const struct plan_field *f, uint32_t *literal, uint32_t *nested)
{
    *literal = f->literal != JSON_NO_NODE ? f->literal : f->nested;
    *nested = f->nested != JSON_NO_NODE ? f->nested : f->literal;
}

/* ---- where -------------------------------------------------------------------------------- */

static bool is_enum_value(const struct schema_field *f, struct slice text)
{
    for (uint32_t i = 0; i < f->n_enum_values; i++) {
        if (slice_eq(f->enum_values[i], text)) {
            return true;
        }
    }
    return false;
}

/* `field = "text"`, either way round, of a field that is text and stands in the payload. */
static bool as_test(const struct plan_decl *p, const struct expr *e, struct quick_test *ret)
{
    const struct schema_decl *d = p->decl;
    if (e->op != EX_EQ || e->n_kids != 2) {
        return false;
    }
    const struct expr *field = e->kids[0], *text = e->kids[1];
    if (field->op == EX_CONST) {
        field = e->kids[1];
        text = e->kids[0];
    }
    if (field->op != EX_FIELD || !field->field || field->field->n != 1 ||
        field->field->alt[0].decl != d->index || field->field->alt[0].slot >= d->n_fields ||
        text->op != EX_CONST || text->value.kind != VAL_STRING) {
        return false;
    }
    const struct plan_field *f = &p->fields[field->field->alt[0].slot];
    struct slice s = value_as_slice(text->value);
    bool is_text = f->decl->type == TYPE_STRING ||
                   (f->decl->type == TYPE_ENUM && is_enum_value(f->decl, s));
    if (f->origin != ORIGIN_PAYLOAD || f->collects || f->decl->is_list || f->decl->is_set ||
        !is_text) {
        return false;
    }
    set_nodes(f, &ret->literal, &ret->nested);
    ret->text = quick_text_of(s);
    return true;
}

/* One part of a conjunction that is not true, and the whole is not. */
static void plan_tests(struct plan_decl *p, struct arena *arena)
{
    struct quick_decl *q = &p->quick;
    const struct expr *where = p->decl->where;
    q->tests_are_all = true;
    if (!where) {
        return;
    }
    const struct expr *const *parts = where->op == EX_AND ? where->kids : &where;
    uint32_t n = where->op == EX_AND ? where->n_kids : 1;
    q->tests = ARENA_ARRAY(arena, struct quick_test, n ? n : 1);
    for (uint32_t i = 0; i < n; i++) {
        if (as_test(p, parts[i], &q->tests[q->n_tests])) {
            q->n_tests++;
        } else {
            q->tests_are_all = false;
        }
    }
}

/* ---- fields ------------------------------------------------------------------------------- */

static enum quick_kind quick_kind_of(const struct plan_field *f)
{
    if (f->origin == ORIGIN_COMPUTED) {
        return QUICK_NOTHING;
    }
    if (f->origin != ORIGIN_PAYLOAD || f->collects || f->decl->is_list || f->decl->is_set) {
        return QUICK_OTHER;
    }
    switch (f->decl->type) {
    case TYPE_STRING: return f->keep ? QUICK_STRING : QUICK_IS_STRING;
    case TYPE_ENUM: return QUICK_ENUM;
    case TYPE_DECIMAL: return QUICK_DECIMAL;
    case TYPE_INT: return QUICK_INT;
    case TYPE_TIMESTAMP: return f->decl->unit == UNIT_TEXT ? QUICK_TIME : QUICK_OTHER;
    case TYPE_BOOL:
    case TYPE_FLOAT:
    case TYPE_DURATION:
    case TYPE_IP:
    case TYPE_CIDR:
    case TYPE_GEO:
    case TYPE_COUNT: break;
    }
    return QUICK_OTHER;
}

static void plan_field(const struct plan_field *f, struct quick_field *ret, struct arena *arena)
{
    *ret = (struct quick_field){.kind = quick_kind_of(f), .keep = f->keep,
                                .required = f->required, .is_time = f->is_time, .field = f};
    set_nodes(f, &ret->literal, &ret->nested);
    if (ret->kind == QUICK_ENUM) {
        ret->n_names = f->decl->n_enum_values;
        ret->names = ARENA_ARRAY(arena, struct quick_text, ret->n_names ? ret->n_names : 1);
        for (uint32_t i = 0; i < ret->n_names; i++) {
            ret->names[i] = quick_text_of(f->decl->enum_values[i]);
        }
    }
}

void quick_plan(struct plan_decl *p, struct arena *arena)
{
    struct quick_decl *q = &p->quick;
    uint32_t n = p->decl->n_fields;
    plan_tests(p, arena);
    q->usable = p->n_computed == 0 && q->tests_are_all;
    q->fields = ARENA_ARRAY(arena, struct quick_field, n ? n : 1);
    q->texts = ARENA_ARRAY(arena, uint32_t, n ? n : 1);
    for (uint32_t i = 0; i < n; i++) {
        plan_field(&p->fields[i], &q->fields[i], arena);
        if (p->fields[i].keep &&
            (q->fields[i].kind == QUICK_STRING || q->fields[i].kind == QUICK_ENUM)) {
            q->texts[q->n_texts++] = i;
        }
        q->usable = q->usable && !(p->fields[i].keep && (p->fields[i].decl->is_list ||
                                                         p->fields[i].decl->is_set));
    }
}
