/* Names in expressions (language.md 3.11): an alias if one exists, else a field of the current
 * event, else a const; in `emit` a bare name is a key name or first_at, last_at, detected_at. */
#include "dsl/check.h"

int32_t rule_find_name(const struct rule_ctx *r, struct slice name)
{
    for (uint32_t i = 0; r && i < r->rule->n_slots; i++) {
        if (r->names[i].text.len && slice_eq(r->names[i].text, name)) {
            return (int32_t)i;
        }
    }
    return -1;
}

/* The innermost repeated group that encloses both, -1 without. */
int32_t rule_common_group(const struct rule_ctx *r, int32_t a, int32_t b)
{
    for (int32_t g = a; g >= 0; g = r->rule->groups[g].parent) {
        for (int32_t h = b; h >= 0; h = r->rule->groups[h].parent) {
            if (g == h) {
                return g;
            }
        }
    }
    return -1;
}

/* ---- fields -------------------------------------------------------------------------------- */

static void unknown_field(struct expr_ctx *x, const uint32_t *decls, uint32_t n, struct slice name,
                          struct span span)
{
    struct suggest s = suggest_for(name);
    const struct schema_decl *lacking = NULL;
    for (uint32_t i = 0; i < n; i++) {
        const struct schema_decl *d = &x->c->rs->decls[decls[i]];
        if (!lacking && decl_find_field(d, name) < 0) {
            lacking = d;
        }
        for (uint32_t f = 0; f < d->n_fields; f++) {
            suggest_try(&s, d->fields[f].name);
        }
    }
    struct diag *d = check_error(x->c, "E0302", span, "`%.*s` has no field `%.*s`",
                                 SLICE_ARG(lacking->name), SLICE_ARG(name));
    check_suggest(x->c, d, &s);
}

static enum value_kind field_kind(const struct schema_field *f)
{
    return f->is_list ? VAL_LIST : type_value_kind(f->type);
}

static bool same_type(const struct schema_field *a, const struct schema_field *b)
{
    return field_kind(a) == field_kind(b) && a->is_list == b->is_list &&
           type_value_kind(a->type) == type_value_kind(b->type);
}

/* The type of the field over all alternatives; false after an error. */
static bool field_type(struct expr_ctx *x, const struct schema_field *const *fields, uint32_t n,
                       struct typed *t)
{
    const struct schema_field *f = fields[0];
    if (f->type == TYPE_COUNT) {
        return false;
    }
    t->may_miss = f->optional;
    for (uint32_t i = 1; i < n; i++) {
        if (fields[i]->type == TYPE_COUNT) {
            return false;
        }
        if (!same_type(f, fields[i])) {
            check_error(x->c, "E0305", t->span,
                        "`%.*s` has different types in the events it may come from",
                        SLICE_ARG(f->name));
            return false;
        }
        t->may_miss = t->may_miss || fields[i]->optional;
    }
    t->kind = field_kind(f);
    t->item = f->is_list ? type_value_kind(f->type) : VAL_MISSING;
    t->enum_of = f->type == TYPE_ENUM && n == 1 ? f : NULL;
    return true;
}

static bool is_implicit_time(const struct schema_decl *d, struct slice name)
{
    return d->time_field < 0 && slice_eq_str(name, "at");
}

/* The event time of every alternative: no slot is needed. */
static bool all_event_time(struct expr_ctx *x, const uint32_t *decls, uint32_t n,
                           struct slice name)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct schema_decl *d = &x->c->rs->decls[decls[i]];
        int32_t slot = decl_find_field(d, name);
        if (slot < 0 ? !is_implicit_time(d, name) : slot != d->time_field) {
            return false;
        }
    }
    return n > 0;
}

static struct typed field_node(struct expr_ctx *x, const struct field_ref *ref, struct typed t)
{
    struct expr *e = expr_new(x->c, EX_FIELD, t.kind, 0);
    e->item_kind = (uint8_t)t.item;
    e->field = ref;
    t.e = e;
    return t;
}

struct typed check_field(struct expr_ctx *x, const uint32_t *decls, uint32_t n_decls,
                         const struct ast_name *first, struct span span)
{
    struct slice name = path_text(x->c, first);
    struct typed t = {.span = span};
    if (n_decls == 0) {
        return TYPED_UNKNOWN; /* a source that was reported */
    }
    if (all_event_time(x, decls, n_decls, name)) {
        t.kind = VAL_TIMESTAMP;
        return field_node(x, NULL, t);
    }
    struct field_ref *ref =
        arena_alloc(x->c->out, sizeof(*ref) + n_decls * sizeof(ref->alt[0]));
    const struct schema_field **fields =
        ARENA_ARRAY(x->c->arena, const struct schema_field *, n_decls + 1);
    for (uint32_t i = 0; i < n_decls; i++) {
        struct schema_decl *d = &x->c->rs->decls[decls[i]];
        int32_t slot = decl_find_field(d, name);
        if (slot < 0) {
            unknown_field(x, decls, n_decls, name, span);
            return TYPED_UNKNOWN;
        }
        d->fields[slot].keep = true;
        fields[i] = &d->fields[slot];
        ref->alt[ref->n].decl = decls[i];
        ref->alt[ref->n++].slot = (uint32_t)slot;
    }
    if (!field_type(x, fields, n_decls, &t)) {
        return TYPED_UNKNOWN;
    }
    return field_node(x, ref, t);
}

static bool self_has_field(const struct expr_ctx *x, struct slice name)
{
    for (uint32_t i = 0; i < x->n_self; i++) {
        const struct schema_decl *d = &x->c->rs->decls[x->self[i]];
        if (decl_find_field(d, name) >= 0 || is_implicit_time(d, name)) {
            return true;
        }
    }
    return false;
}

/* ---- aliases ------------------------------------------------------------------------------- */

static bool name_is_visible(struct expr_ctx *x, int32_t slot, const struct ast_path *path)
{
    if (x->visible & (UINT64_C(1) << slot)) {
        return true;
    }
    const struct name_info *n = &x->rule->names[slot];
    struct diag *d = check_error(x->c, "E0308", path->span, "`%.*s` is not bound yet here",
                                 SLICE_ARG(n->text));
    check_second(x->c, d, n->span, "bound here");
    check_help(x->c, d, "a condition may use names that stand before its step");
    return false;
}

static struct typed alias_field(struct expr_ctx *x, int32_t slot, const struct ast_path *path)
{
    const struct name_info *n = &x->rule->names[slot];
    const struct ast_name *rest = path->names.first->next;
    if (!rest) {
        struct diag *d = check_error(x->c, "E0324", path->span,
                                     "`%.*s` is a whole event; a value is needed here",
                                     SLICE_ARG(n->text));
        check_help(x->c, d, n->repeated ? "use an aggregate: `count(%.*s)`" : "write `%.*s.FIELD`",
                   SLICE_ARG(n->text));
        return TYPED_UNKNOWN;
    }
    bool inside = x->agg_slot == slot;
    bool own = x->own == slot && x->place == PLACE_TEST && !n->repeated;
    if (own) { /* the event under test; other alternatives may share the name */
        return check_field(x, x->self, x->n_self, rest, path->span);
    }
    if (inside) {
        return check_field(x, n->decls, n->n_decls, rest, path->span);
    }
    if (!name_is_visible(x, slot, path)) {
        return TYPED_UNKNOWN;
    }
    int32_t scope = rule_common_group(x->rule, n->group, x->group);
    if (n->repeated || scope != n->group) {
        struct diag *d = check_error(x->c, "E0307", path->span,
                                     "`%.*s` stands for several events here",
                                     SLICE_ARG(n->text));
        struct slice field = path_text(x->c, rest);
        check_help(x->c, d, "use an aggregate: `last(%.*s.%.*s)`, `max(…)`, `count(%.*s)`",
                   SLICE_ARG(n->text), SLICE_ARG(field), SLICE_ARG(n->text));
        return TYPED_UNKNOWN;
    }
    struct typed t = check_field(x, n->decls, n->n_decls, rest, path->span);
    if (!t.e) {
        return t;
    }
    struct expr *e = expr_new(x->c, scope >= 0 ? EX_ITER : EX_BOUND, t.kind, 0);
    e->slot = slot;
    e->scope = scope;
    e->item_kind = t.e->item_kind;
    e->field = t.e->field;
    t.e = e;
    t.may_miss = true;
    return t;
}

/* ---- consts, keys, outputs ------------------------------------------------------------------ */

static struct typed output_name(struct expr_ctx *x, struct slice name, struct span span)
{
    static const struct {
        const char *name;
        enum expr_op op;
    } times[] = {{"first_at", EX_FIRST_AT},
                 {"last_at", EX_LAST_AT},
                 {"detected_at", EX_DETECTED_AT}};
    struct typed t = {.span = span, .kind = VAL_TIMESTAMP};
    const struct rule *rule = x->rule->rule;
    for (uint32_t i = 0; i < rule->n_key; i++) {
        if (slice_eq(rule->key_names[i], name)) {
            t.kind = rule->key_kinds[i];
            struct expr *e = expr_new(x->c, EX_KEY, t.kind, 0);
            e->slot = (int32_t)i;
            t.e = e;
            return t.kind == VAL_MISSING ? TYPED_UNKNOWN : t;
        }
    }
    for (size_t i = 0; i < FYKE_ARRAY_LEN(times); i++) {
        if (slice_eq_str(name, times[i].name)) {
            t.e = expr_new(x->c, times[i].op, VAL_TIMESTAMP, 0);
            return t;
        }
    }
    return TYPED_UNKNOWN;
}

static void suggest_fields(struct expr_ctx *x, struct suggest *s)
{
    for (uint32_t i = 0; i < x->n_self; i++) {
        const struct schema_decl *d = &x->c->rs->decls[x->self[i]];
        for (uint32_t f = 0; f < d->n_fields; f++) {
            suggest_try(s, d->fields[f].name);
        }
    }
}

static void suggest_names(struct expr_ctx *x, struct suggest *s)
{
    const struct rule *rule = x->rule ? x->rule->rule : NULL;
    for (uint32_t i = 0; rule && i < rule->n_slots; i++) {
        if (x->rule->names[i].text.len) {
            suggest_try(s, x->rule->names[i].text);
        }
    }
    for (uint32_t i = 0; rule && x->place == PLACE_EMIT && i < rule->n_key; i++) {
        suggest_try(s, rule->key_names[i]);
    }
    for (MAP_EACH(e, &x->c->symbols)) {
        const struct symbol *sym = e->value;
        if (sym->kind == SYM_CONST) {
            suggest_try(s, sym->name);
        }
    }
}

static struct typed unknown_name(struct expr_ctx *x, const struct ast_path *path)
{
    struct slice name = path->names.first->text;
    struct slice whole = path_text(x->c, path->names.first);
    struct suggest s = suggest_for(x->n_self ? whole : name);
    suggest_fields(x, &s);
    if (!s.best.ptr) {
        s = suggest_for(name);
        suggest_names(x, &s);
    }
    struct diag *d;
    if (x->n_self == 1) {
        const struct schema_decl *decl = &x->c->rs->decls[x->self[0]];
        d = check_error(x->c, "E0302", path->span, "`%.*s` is neither a field of `%.*s` nor a name",
                        SLICE_ARG(whole), SLICE_ARG(decl->name));
    } else {
        d = check_error(x->c, "E0303", path->span, "there is no name `%.*s` here",
                        SLICE_ARG(whole));
    }
    check_suggest(x->c, d, &s);
    if (!s.best.ptr && x->place == PLACE_EMIT) {
        check_help(x->c, d, "in `emit` a field is written with its step's name: `ok.%.*s`",
                   SLICE_ARG(name));
    } else if (!s.best.ptr && x->place == PLACE_GROUP) {
        check_help(x->c, d, "a group has no event of its own; use an aggregate over a name in it");
    }
    return TYPED_UNKNOWN;
}

static struct typed symbol_value(struct expr_ctx *x, struct symbol *s, const struct ast_path *path)
{
    struct diag *d;
    switch (s->kind) {
    case SYM_CONST:
        if (!path->names.first->next) {
            return check_const(x, s, path->span);
        }
        check_error(x->c, "E0302", path->span, "const `%.*s` has no fields", SLICE_ARG(s->name));
        return TYPED_UNKNOWN;
    case SYM_PROFILE:
        return check_profile_read(x, s, path->names.first->next, path->span);
    case SYM_LIST:
    case SYM_LOOKUP:
    case SYM_EVENT:
    case SYM_LET:
    case SYM_RULE:
        break;
    }
    d = check_error(x->c, "E0318", path->span, "`%.*s` is %s, not a value", SLICE_ARG(s->name),
                    symbol_kind_name(s->kind));
    if (s->kind == SYM_LIST) {
        check_help(x->c, d, "ask for its values: `… in list %.*s`", SLICE_ARG(s->name));
    } else if (s->kind == SYM_LOOKUP) {
        check_help(x->c, d, "read it by a key: `%.*s[KEY]`", SLICE_ARG(s->name));
    } else if (s->kind != SYM_RULE) {
        check_help(x->c, d, "name the step: `%.*s as x`, then `x.FIELD`", SLICE_ARG(s->name));
    }
    return TYPED_UNKNOWN;
}

const struct symbol *path_symbol(struct expr_ctx *x, const struct ast_path *path)
{
    const struct ast_name *name = path->names.first;
    bool hidden = name->next || (x->place != PLACE_VALUE &&
                                 rule_find_name(x->rule, name->text) >= 0) ||
                  self_has_field(x, name->text);
    return hidden ? NULL : scope_find(x->c, name->text);
}

/* ---- parts of places ------------------------------------------------------------------------ */

/* The path without its last name. */
static struct ast_path path_before_last(struct expr_ctx *x, const struct ast_path *path)
{
    struct ast_path before = {.span = path->span};
    struct ast_name **link = &before.names.first;
    for (const struct ast_name *n = path->names.first; n->next; n = n->next) {
        struct ast_name *copy = arena_alloc(x->c->arena, sizeof(*copy));
        *copy = *n;
        copy->next = NULL;
        *link = before.names.last = copy;
        link = &copy->next;
        before.names.n++;
    }
    return before;
}

static bool is_place(const struct schema_decl *d, struct slice name)
{
    int32_t slot = decl_find_field(d, name);
    return slot >= 0 && d->fields[slot].type == TYPE_GEO && !d->fields[slot].is_list;
}

/* `x.lat` or `x.lon` of a field x that is a place; a field of the whole name comes first. */
static bool is_place_part(struct expr_ctx *x, const struct ast_path *path,
                          struct ast_path *ret_place)
{
    const struct ast_name *first = path->names.first;
    const struct ast_name *last = path->names.last;
    bool part = slice_eq_str(last->text, "lat") || slice_eq_str(last->text, "lon");
    if (!part || first == last || x->measure) {
        return false;
    }
    int32_t slot = x->place == PLACE_VALUE ? -1 : rule_find_name(x->rule, first->text);
    const struct name_info *n = slot >= 0 ? &x->rule->names[slot] : NULL;
    bool self = slot < 0 || (x->own == slot && x->place == PLACE_TEST && !n->repeated);
    uint32_t n_decls = self ? x->n_self : n->n_decls;
    const struct ast_name *field = slot >= 0 ? first->next : first;
    if (n_decls == 0 || field == last) {
        return false;
    }
    const struct schema_decl *d = &x->c->rs->decls[self ? x->self[0] : n->decls[0]];
    *ret_place = path_before_last(x, path);
    const struct ast_name *place = slot >= 0 ? ret_place->names.first->next : ret_place->names.first;
    return decl_find_field(d, path_text(x->c, field)) < 0 && is_place(d, path_text(x->c, place));
}

struct typed check_path(struct expr_ctx *x, const struct ast_path *path)
{
    const struct ast_name *first = path->names.first;
    struct ast_path place;
    if (is_place_part(x, path, &place)) {
        return expr_place_part(x, check_path(x, &place), path->names.last->text, path->span);
    }
    int32_t slot = rule_find_name(x->rule, first->text);
    if (slot >= 0 && x->place != PLACE_VALUE) {
        return alias_field(x, slot, path);
    }
    bool bare_in_agg = x->agg_slot >= 0 && !x->agg_where;
    if (!bare_in_agg && self_has_field(x, path_text(x->c, first))) {
        if (x->measure) {
            return check_measure_field(x->measure, path);
        }
        return check_field(x, x->self, x->n_self, first, path->span);
    }
    if (x->place == PLACE_EMIT) {
        struct typed t = output_name(x, path_text(x->c, first), path->span);
        if (t.e) {
            return t;
        }
    }
    struct symbol *s = scope_find(x->c, first->text);
    if (s) {
        return symbol_value(x, s, path);
    }
    if (bare_in_agg && self_has_field(x, path_text(x->c, first))) {
        struct diag *d = check_error(x->c, "E0324", path->span,
                                     "an aggregate takes fields of the name it is over");
        check_help(x->c, d, "write `%.*s.%.*s`", SLICE_ARG(x->rule->names[x->agg_slot].text),
                   SLICE_ARG(first->text));
        return TYPED_UNKNOWN;
    }
    return unknown_name(x, path);
}
