/* Event declarations: fields in order of declaration become slots. Conditions and computed fields
 * follow in check_computed.c. */
#include "dsl/check.h"
#include "dsl/check_derived.h"

int32_t decl_find_field(const struct schema_decl *d, struct slice name)
{
    for (uint32_t i = 0; i < d->n_fields; i++) {
        if (slice_eq(d->fields[i].name, name)) {
            return (int32_t)i;
        }
    }
    return -1;
}

struct slice path_text(struct checker *c, const struct ast_name *first)
{
    if (!first->next) {
        return arena_copy(c->out, first->text);
    }
    struct buf text = BUF_INIT;
    for (const struct ast_name *n = first; n; n = n->next) {
        buf_printf(&text, "%s%.*s", n == first ? "" : ".", SLICE_ARG(n->text));
    }
    struct slice s = arena_copy(c->out, buf_slice(&text));
    buf_release(&text);
    return s;
}

/* ---- where a field comes from -------------------------------------------------------------- */

static void add_part(struct checker *c, struct schema_field *f, struct slice text, size_t *cap)
{
    bool each = text.len > 3 && memcmp(text.ptr + text.len - 3, "[*]", 3) == 0;
    if (each) {
        text.len -= 3;
    }
    size_t n = f->n_parts;
    if (n == *cap) {
        struct path_part *grown = ARENA_ARRAY(c->out, struct path_part, *cap * 2 + 4);
        memcpy(grown, f->parts, n * sizeof(*grown));
        f->parts = grown;
        *cap = *cap * 2 + 4;
    }
    f->parts[f->n_parts++] = (struct path_part){arena_copy(c->out, text), each};
}

/* "a.b[*].c" → parts; false for an empty part. */
static bool split_path(struct checker *c, struct schema_field *f, struct slice text)
{
    size_t start = 0;
    size_t cap = 0;
    f->parts = ARENA_ARRAY(c->out, struct path_part, 1);
    cap = 1;
    for (size_t i = 0; i <= text.len; i++) {
        if (i < text.len && text.ptr[i] != '.') {
            continue;
        }
        if (i == start) {
            return false;
        }
        add_part(c, f, slice_from(text.ptr + start, i - start), &cap);
        start = i + 1;
    }
    return true;
}

static bool path_collects(const struct schema_field *f)
{
    for (uint32_t i = 0; i < f->n_parts; i++) {
        if (f->parts[i].each) {
            return true;
        }
    }
    return false;
}

static void record_origin(struct checker *c, struct schema_field *f, struct slice text,
                          struct span span)
{
    static const struct slice header = SLICE_LIT("$header.");
    if (slice_eq_str(text, "$key")) {
        f->origin = ORIGIN_KEY;
    } else if (slice_eq_str(text, "$timestamp")) {
        f->origin = ORIGIN_TIMESTAMP;
        if (f->type != TYPE_TIMESTAMP || f->is_list) {
            check_error(c, "E0335", span, "the record's timestamp needs a field of type timestamp");
        }
    } else if (slice_starts_with(text, header) && text.len > header.len) {
        f->origin = ORIGIN_HEADER;
        f->header = arena_copy(c->out, slice_from(text.ptr + header.len, text.len - header.len));
    } else {
        struct diag *d = check_error(c, "E0335", span, "`%.*s` is no part of a record",
                                     SLICE_ARG(text));
        check_help(c, d, "write \"$key\", \"$timestamp\" or \"$header.NAME\"");
    }
    if (f->is_list) {
        check_error(c, "E0335", span, "the record's `%.*s` is one value, not a list",
                    SLICE_ARG(text));
    }
}

static void field_origin(struct checker *c, struct schema_field *f,
                         const struct ast_literal *from, struct span span)
{
    struct slice text = from ? from->string : f->name;
    if (from && text.len && text.ptr[0] == '$') {
        record_origin(c, f, text, span);
        return;
    }
    f->origin = ORIGIN_PAYLOAD;
    f->path_text = arena_copy(c->out, text);
    if (!split_path(c, f, text)) {
        struct diag *d = check_error(c, "E0335", span, "a path has no empty parts");
        check_help(c, d, "for example \"source.ip\" or \"items[*].id\"");
        return;
    }
    if (path_collects(f) && !f->is_list) {
        struct diag *d = check_error(c, "E0335", span, "`[*]` collects a list");
        check_help(c, d, "declare the field as `list of %s`", type_name(f->type));
    }
}

/* ---- fields -------------------------------------------------------------------------------- */

static void repeated_option(struct checker *c, const struct ast_option *o, const char *name)
{
    check_error(c, "E0330", o->span, "`%s` stands here twice", name);
}

static void field_options(struct checker *c, const struct ast_item *item, struct schema_field *f)
{
    const struct ast_option *from = NULL;
    for (const struct ast_option *o = item->options; o; o = o->next) {
        switch (o->kind) {
        case AST_OPTION_KEY:
            if (f->is_key) {
                repeated_option(c, o, "key");
            }
            f->is_key = true;
            break;
        case AST_OPTION_OPTIONAL:
            if (f->optional) {
                repeated_option(c, o, "optional");
            }
            f->optional = true;
            break;
        case AST_OPTION_EVENT_TIME:
            if (f->is_event_time) {
                repeated_option(c, o, "event time");
            }
            f->is_event_time = true;
            break;
        case AST_OPTION_FROM:
            if (from) {
                repeated_option(c, o, "from");
            }
            from = o;
            break;
        }
    }
    field_origin(c, f, from ? from->from : NULL, from ? from->span : item->path->span);
}

static void check_event_time(struct checker *c, struct schema_decl *d, uint32_t slot,
                             const struct ast_item *item)
{
    struct schema_field *f = &d->fields[slot];
    if (!f->is_event_time) {
        return;
    }
    if (d->time_field >= 0) {
        check_error(c, "E0331", item->span, "`%.*s` has several event times", SLICE_ARG(d->name));
        f->is_event_time = false;
        return;
    }
    d->time_field = (int32_t)slot;
    f->keep = true;
    if (f->type != TYPE_COUNT && (f->type != TYPE_TIMESTAMP || f->is_list)) {
        check_error(c, "E0331", item->type->span, "the event time is a timestamp, not %s",
                    f->is_list ? "a list" : type_name(f->type));
    }
    if (f->optional) {
        check_error(c, "E0331", item->span, "the event time cannot be optional");
    }
}

static void check_key(struct checker *c, struct schema_decl *d, uint32_t slot,
                      const struct ast_item *item)
{
    for (uint32_t i = 0; d->fields[slot].is_key && i < slot; i++) {
        if (d->fields[i].is_key) {
            struct diag *e = check_error(c, "E0332", item->span, "`%.*s` has several keys",
                                         SLICE_ARG(d->name));
            check_help(c, e, "the message key is one value; `%.*s` is declared `key` already",
                       SLICE_ARG(d->fields[i].name));
        }
    }
}

static void declare_field(struct checker *c, struct schema_decl *d, const struct ast_item *item)
{
    struct schema_field *f = &d->fields[d->n_fields];
    f->name = path_text(c, item->path->names.first);
    if (decl_find_field(d, f->name) >= 0) {
        check_error(c, "E0304", item->path->span, "`%.*s` has two fields `%.*s`",
                    SLICE_ARG(d->name), SLICE_ARG(f->name));
        return;
    }
    if (!check_type(c, item->type, f)) {
        f->type = TYPE_COUNT; /* unknown: what reads it stays silent */
    }
    f->keep = c->keep_all;
    if (item->computed) {
        f->origin = ORIGIN_COMPUTED;
        f->optional = true;
    } else {
        field_options(c, item, f);
    }
    uint32_t slot = d->n_fields++;
    check_event_time(c, d, slot, item);
    check_key(c, d, slot, item);
}

static uint32_t count_fields(const struct ast_event *e)
{
    uint32_t n = 0;
    for (const struct ast_item *i = e->items; i; i = i->next) {
        n += i->kind == AST_ITEM_FIELD;
    }
    return n;
}

static void declare_event(struct checker *c, const struct ast_decl *ast, struct schema_decl *d)
{
    d->name = arena_copy(c->out, ast->event.name->text);
    d->time_field = -1;
    d->fields = ARENA_ARRAY(c->out, struct schema_field, count_fields(&ast->event) + 1);
    for (const struct ast_item *i = ast->event.items; i; i = i->next) {
        if (i->kind == AST_ITEM_FIELD) {
            declare_field(c, d, i);
        }
    }
    check_format(c, &ast->event, d);
    if (ast->event.topics.n && d->time_field < 0) {
        struct diag *e = check_error(c, "E0331", ast->event.name->span,
                                     "`%.*s` has no event time", SLICE_ARG(d->name));
        check_help(c, e, "mark one field: `at : timestamp event time`");
    }
}

void check_events_declare(struct checker *c)
{
    uint32_t n = 0;
    for (size_t i = 0; i < c->decls.n; i++) {
        n += c->decls.items[i]->kind == AST_DECL_EVENT;
    }
    c->rs->decls = ARENA_ARRAY(c->out, struct schema_decl, n + c->derived->n + 1);
    for (size_t i = 0; i < c->decls.n; i++) {
        const struct ast_decl *ast = c->decls.items[i];
        if (ast->kind != AST_DECL_EVENT || !ast_name_given(ast->event.name)) {
            continue;
        }
        struct schema_decl *d = &c->rs->decls[c->rs->n_decls];
        d->index = c->rs->n_decls++;
        declare_event(c, ast, d);
        struct symbol *s = scope_find(c, ast->event.name->text);
        if (s->ast == ast) {
            s->decl = d->index;
        }
    }
    derived_add_decls(c);
    check_topics(c);
}
