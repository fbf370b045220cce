#include "dsl/ast_build.h"

void build_version(struct parse *P, tok number)
{
    P->file->version = number->literal;
    if (number->literal->int_value != 1) {
        struct diag *d = diag_add(P->diags, DIAG_ERROR, "E0225", build_span(P, number),
                                  "this version of the language is not known: %.*s",
                                  SLICE_ARG(number->literal->spelling));
        diag_help(P->diags, d, "this program reads `language 1`");
        P->file->broken = true;
    }
}

void build_decl(struct parse *P, struct ast_decl *decl)
{
    struct ast_file *f = P->file;
    if (P->too_deep) {
        return; /* the driver puts an error node in its place */
    }
    if (f->last) {
        f->last->next = decl;
    } else {
        f->first = decl;
    }
    f->last = decl;
    f->n_decls++;
}

struct ast_decl *build_decl_new(struct parse *P, enum ast_decl_kind kind, tok keyword,
                                struct span end)
{
    struct ast_decl *d = ARENA_NEW(P->arena, struct ast_decl);
    d->kind = kind;
    d->keyword = build_span(P, keyword);
    d->span = span_join(d->keyword, end);
    return d;
}

struct ast_decl *build_import(struct parse *P, tok keyword, tok path)
{
    struct ast_decl *d = build_decl_new(P, AST_DECL_IMPORT, keyword, build_span(P, path));
    d->import = path->literal;
    return d;
}

struct ast_decl *build_const(struct parse *P, tok keyword, tok name, struct ast_expr *value)
{
    struct ast_decl *d = build_decl_new(P, AST_DECL_CONST, keyword, value->span);
    d->constant.name = build_name(P, name);
    d->constant.value = value;
    return d;
}

struct ast_decl *build_event(struct parse *P, tok keyword, tok name, struct ast_event *source,
                             struct ast_items *items, tok close)
{
    struct ast_decl *d = build_decl_new(P, AST_DECL_EVENT, keyword, build_span(P, close));
    d->event = *source;
    d->event.name = build_name(P, name);
    d->event.items = items->first;
    return d;
}

struct ast_event *build_event_source(struct parse *P, tok from, tok topic,
                                     struct ast_literals *topics, struct ast_format *format,
                                     struct ast_clause *where)
{
    struct ast_event *e = ARENA_NEW(P->arena, struct ast_event);
    if (topics) {
        e->from_topic = span_join(build_span(P, from), build_span(P, topic));
        e->topics = *topics;
    }
    e->format = format;
    e->where = where;
    return e;
}

struct ast_format *build_format(struct parse *P, tok keyword, tok name, tok schema, tok message)
{
    struct ast_format *f = ARENA_NEW(P->arena, struct ast_format);
    tok last = message ? message : schema ? schema : name;
    f->span = span_join(build_span(P, keyword), build_span(P, last));
    f->name = build_name(P, name);
    f->schema = schema ? schema->literal : NULL;
    f->message = message ? message->literal : NULL;
    return f;
}

struct ast_items *build_items(struct parse *P, struct ast_items *list, struct ast_item *item)
{
    struct ast_items *l = list ? list : ARENA_NEW(P->arena, struct ast_items);
    BUILD_APPEND(l, item);
    return l;
}

static struct ast_item *item_new(struct parse *P, enum ast_item_kind kind, struct span first,
                                 struct span last)
{
    struct ast_item *i = ARENA_NEW(P->arena, struct ast_item);
    i->kind = kind;
    i->span = span_join(first, last);
    return i;
}

struct ast_item *build_field(struct parse *P, struct ast_path *path, struct ast_type *type)
{
    struct ast_item *i = item_new(P, AST_ITEM_FIELD, path->span, type->span);
    i->path = path;
    i->type = type;
    return i;
}

struct ast_item *build_option(struct parse *P, struct ast_item *field, enum ast_option_kind kind,
                              tok first, tok last)
{
    struct ast_option *o = ARENA_NEW(P->arena, struct ast_option);
    struct ast_option **tail = &field->options;
    o->kind = kind;
    o->span = span_join(build_span(P, first), build_span(P, last));
    o->from = kind == AST_OPTION_FROM ? last->literal : NULL;
    while (*tail) {
        tail = &(*tail)->next;
    }
    *tail = o;
    if (o->from) {
        o->span = span_join(o->span, o->from->span);
    }
    field->span = span_join(field->span, o->span);
    return field;
}

struct ast_item *build_computed(struct parse *P, struct ast_path *path, struct ast_type *type,
                                struct ast_expr *value)
{
    struct ast_item *i = build_field(P, path, type);
    i->computed = value;
    i->span = span_join(i->span, value->span);
    return i;
}

struct ast_item *build_clock_item(struct parse *P, enum ast_item_kind kind, struct ast_timed *time)
{
    struct ast_item *i = item_new(P, kind, time->span, time->span);
    i->time = time;
    return i;
}

struct ast_item *build_idle(struct parse *P, struct ast_timed *time, tok follow, tok clock)
{
    struct ast_item *i = build_clock_item(P, AST_ITEM_IDLE, time);
    if (follow) {
        i->follow_clock = span_join(build_span(P, follow), build_span(P, clock));
        i->span = span_join(i->span, i->follow_clock);
    }
    return i;
}

struct ast_item *build_watermark_per(struct parse *P, tok keyword, struct ast_path *path)
{
    struct ast_item *i = item_new(P, AST_ITEM_WATERMARK_PER, build_span(P, keyword), path->span);
    i->path = path;
    return i;
}

struct ast_item *build_ahead(struct parse *P, struct ast_timed *time, tok ahead)
{
    struct ast_item *i = build_clock_item(P, AST_ITEM_AT_MOST_AHEAD, time);
    i->span = span_join(i->span, build_span(P, ahead));
    return i;
}

struct ast_type *build_type(struct parse *P, enum ast_type_kind kind, tok first, tok name, tok unit)
{
    struct ast_type *t = ARENA_NEW(P->arena, struct ast_type);
    t->kind = kind;
    t->name = build_name(P, name);
    t->unit = unit ? build_name(P, unit) : NULL;
    t->span = span_join(build_span(P, first), unit ? t->unit->span : t->name->span);
    return t;
}

struct ast_type *build_enum(struct parse *P, tok keyword, struct ast_literals *values, tok close)
{
    struct ast_type *t = ARENA_NEW(P->arena, struct ast_type);
    t->kind = AST_TYPE_ENUM;
    t->span = span_join(build_span(P, keyword), build_span(P, close));
    t->values = *values;
    return t;
}

struct ast_origin *build_origin(struct parse *P, enum ast_origin_kind kind, tok from, tok place,
                                struct ast_timed *refresh)
{
    struct ast_origin *o = ARENA_NEW(P->arena, struct ast_origin);
    o->kind = kind;
    o->span = span_join(build_span(P, from), refresh ? refresh->span : build_span(P, place));
    o->place = place->literal;
    o->refresh = refresh;
    return o;
}

struct ast_decl *build_list(struct parse *P, tok keyword, tok name, struct ast_type *type,
                            struct ast_origin *origin, struct ast_expr *array)
{
    struct span end = origin ? origin->span : array->span;
    struct ast_decl *d = build_decl_new(P, AST_DECL_LIST, keyword, end);
    d->list.name = build_name(P, name);
    d->list.type = type;
    d->list.origin = origin ? *origin : (struct ast_origin){.span = end};
    d->list.array = array;
    return d;
}

struct ast_decl *build_lookup(struct parse *P, tok keyword, tok name, struct ast_type *key,
                              struct ast_type *value, struct ast_origin *origin,
                              struct ast_map *map)
{
    struct span end = origin ? origin->span : map->span;
    struct ast_decl *d = build_decl_new(P, AST_DECL_LOOKUP, keyword, end);
    d->lookup.name = build_name(P, name);
    d->lookup.key_type = key;
    d->lookup.value_type = value;
    d->lookup.origin = origin ? *origin : (struct ast_origin){.span = end};
    d->lookup.map = map;
    return d;
}

struct ast_filter *build_filter(struct parse *P, tok source, struct ast_clause *where)
{
    struct ast_filter *f = ARENA_NEW(P->arena, struct ast_filter);
    f->source = build_name(P, source);
    f->where = where;
    f->span = where ? span_join(f->source->span, where->span) : f->source->span;
    return f;
}

struct ast_filters *build_filters(struct parse *P, struct ast_filters *list, struct ast_filter *f)
{
    struct ast_filters *l = list ? list : ARENA_NEW(P->arena, struct ast_filters);
    BUILD_APPEND(l, f);
    return l;
}

struct ast_decl *build_let(struct parse *P, tok keyword, tok name, struct ast_filter *filter)
{
    struct ast_decl *d = build_decl_new(P, AST_DECL_LET, keyword, filter->span);
    d->let.name = build_name(P, name);
    d->let.filters = filter;
    d->let.n_filters = 1;
    return d;
}

struct ast_decl *build_let_any(struct parse *P, tok keyword, tok name, tok any, tok of,
                               struct ast_filters *filters, tok close)
{
    struct ast_decl *d = build_decl_new(P, AST_DECL_LET, keyword, build_span(P, close));
    d->let.name = build_name(P, name);
    d->let.any_of = span_join(build_span(P, any), build_span(P, of));
    d->let.filters = filters->first;
    d->let.n_filters = filters->n;
    return d;
}

struct ast_decl *build_profile(struct parse *P, tok keyword, tok name, struct ast_keys *keys,
                               struct ast_filter *filter, struct ast_measures *measures, tok close)
{
    struct ast_decl *d = build_decl_new(P, AST_DECL_PROFILE, keyword, build_span(P, close));
    d->profile.name = build_name(P, name);
    d->profile.keys = *keys;
    d->profile.filter = filter;
    d->profile.measures = measures->first;
    return d;
}

struct ast_measures *build_measures(struct parse *P, struct ast_measures *list,
                                    struct ast_measure *m)
{
    struct ast_measures *l = list ? list : ARENA_NEW(P->arena, struct ast_measures);
    BUILD_APPEND(l, m);
    return l;
}

struct ast_measure *build_measure(struct parse *P, tok name, struct ast_expr *value,
                                  struct ast_timed *over)
{
    struct ast_measure *m = ARENA_NEW(P->arena, struct ast_measure);
    m->name = build_name(P, name);
    m->span = span_join(m->name->span, over->span);
    m->value = value;
    m->over = over;
    return m;
}

static void note_repetition(struct ast_measure *m, bool again, struct span span)
{
    if (again && !span_given(m->repeated)) {
        m->repeated = span;
    }
    m->span = span_join(m->span, span);
}

struct ast_measure *build_measure_time(struct parse *P, struct ast_measure *m,
                                       struct ast_timed *time, bool every)
{
    struct ast_timed **slot = every ? &m->every : &m->warm;
    (void)P;
    note_repetition(m, *slot != NULL, time->span);
    *slot = time;
    return m;
}

struct ast_measure *build_measure_max(struct parse *P, struct ast_measure *m, tok keyword, tok n)
{
    note_repetition(m, m->max != NULL, span_join(build_span(P, keyword), build_span(P, n)));
    m->max = n->literal;
    return m;
}
