/* `format avro schema "…"`: the schema of an event's messages, and whether the declared fields can
 * be read by it. */
#include "dsl/check.h"

#include "dsl/load.h"
#include "nfa/payload_fit.h"

/* ---- the schema ---------------------------------------------------------------------------- */

static const struct rule_file *schema_file(struct checker *c, const struct ast_literal *place)
{
    struct slice path;
    struct error err = ERROR_INIT;
    const struct rule_file *file;
    const struct rule_file *from = sources_get(c->sources, place->span.file);
    if (!load_relative(c->arena, from, place->string, &path)) {
        struct diag *d = check_error(c, "E0337", place->span,
                                     "a schema is named relative to this file, inside the rules");
        check_help(c, d, "for example `schema \"schemas/login.avsc\"`");
        return NULL;
    }
    if (!c->input->payload_parse) {
        check_error(c, "E0337", place->span, "schemas are not read here");
        return NULL;
    }
    if (load_data(c->compilation, c->input, path, &file, &err) != ERR_OK) {
        check_error(c, "E0337", place->span, "the schema cannot be read: %s", err.text);
        return NULL;
    }
    return file;
}

/* "Login" of "acme.Login". */
static bool is_last_name(struct slice full, struct slice name)
{
    return full.len > name.len && full.ptr[full.len - name.len - 1] == '.' && name.len > 0 &&
           memcmp(full.ptr + full.len - name.len, name.ptr, name.len) == 0;
}

static void report_problem(struct checker *c, const struct ast_format *format,
                           const struct rule_file *file, const struct payload_problem *p)
{
    if (p->unknown_message) {
        struct suggest s = suggest_for(format->message->string);
        for (uint32_t i = 0; i < p->n_messages; i++) {
            suggest_try(&s, p->messages[i]);
            if (is_last_name(p->messages[i], s.word) && s.distance > 0) {
                s.best = p->messages[i];
                s.distance = 0;
            }
        }
        struct diag *d = check_error(c, "E0337", format->message->span, "%s", p->text);
        check_suggest(c, d, &s);
        return;
    }
    if (!p->in_text) {
        check_error(c, "E0337", format->schema->span, "%s", p->text);
        return;
    }
    struct diag *d =
        check_error(c, "E0337", (struct span){file->index, p->start, p->end}, "%s", p->text);
    check_second(c, d, format->schema->span, "read as a schema here");
}

/* What a format must say and what it may not; false when it was reported. */
static bool clauses_fit(struct checker *c, const struct ast_format *f, enum payload_format format)
{
    const char *name = payload_format_name(format);
    const char *file = format == PAYLOAD_AVRO ? "login.avsc" : "login.desc";
    if (!f->schema) {
        struct diag *d =
            check_error(c, "E0337", f->span, "format %s is read by a schema", name);
        check_help(c, d, "write `format %s schema \"%s\"%s`, with a file beside this one", name,
                   file, format == PAYLOAD_PROTOBUF ? " message \"acme.Login\"" : "");
        return false;
    }
    if (format == PAYLOAD_AVRO && f->message) {
        check_error(c, "E0337", f->message->span,
                    "an Avro schema is one type; `message` belongs to format protobuf");
        return false;
    }
    if (format == PAYLOAD_PROTOBUF && !f->message) {
        struct diag *d = check_error(c, "E0337", f->span,
                                     "a descriptor file has many messages: name the one to read");
        check_help(c, d, "write `schema \"%.*s\" message \"acme.Login\"`",
                   SLICE_ARG(f->schema->string));
        return false;
    }
    return true;
}

static const struct payload_schema *read_schema(struct checker *c, const struct ast_format *f,
                                                enum payload_format format)
{
    struct payload_problem problem = {0};
    const struct rule_file *file = schema_file(c, f->schema);
    if (!file) {
        return NULL;
    }
    struct slice message = f->message ? f->message->string : (struct slice){0};
    const struct payload_schema *s =
        c->input->payload_parse(format, file->text, message, c->out, &problem);
    if (!s) {
        report_problem(c, f, file, &problem);
    }
    return s;
}

/* ---- fields -------------------------------------------------------------------------------- */

static const struct ast_option *from_option(const struct ast_item *item)
{
    for (const struct ast_option *o = item->options; o; o = o->next) {
        if (o->kind == AST_OPTION_FROM) {
            return o;
        }
    }
    return NULL;
}

static void unknown_field(struct checker *c, const struct ast_item *item,
                          const struct payload_fit *fit)
{
    const struct ast_option *from = from_option(item);
    struct span span = from ? from->span : item->path->span;
    const struct payload_type *t = fit->type;
    struct suggest s = suggest_for(fit->name);
    if (t->kind != PAYLOAD_RECORD || t->meaning != MEANS_ITSELF) {
        check_error(c, "E0338", span, "the schema has %s here, without a field `%.*s`",
                    payload_type_words(t), SLICE_ARG(fit->name));
        return;
    }
    for (uint32_t i = 0; i < t->n_fields; i++) {
        suggest_try(&s, t->fields[i].name);
    }
    struct diag *d =
        t->name.len ? check_error(c, "E0338", span, "`%.*s` has no field `%.*s` in the schema",
                                  SLICE_ARG(t->name), SLICE_ARG(fit->name))
                    : check_error(c, "E0338", span, "the schema has no field `%.*s`",
                                  SLICE_ARG(fit->name));
    check_suggest(c, d, &s);
}

static void wrong_type(struct checker *c, const struct ast_item *item,
                       const struct schema_field *f, const struct payload_fit *fit)
{
    const char *many = f->is_set ? "set of " : f->is_list ? "list of " : "";
    struct diag *d = check_error(c, "E0338", item->type->span,
                                 "the schema has %s%s for `%.*s`, which is no %s%s",
                                 fit->is_item ? "items that are " : "",
                                 payload_type_words(fit->type), SLICE_ARG(f->name),
                                 fit->is_item ? "" : many, type_name(f->type));
    const char *help = payload_fit_help(f, fit->type);
    if (help) {
        check_help(c, d, "%s", help);
    }
}

/* An enum value that no message can have is a slip. */
static void enum_values(struct checker *c, const struct ast_item *item,
                        const struct schema_field *f, const struct payload_type *t)
{
    for (uint32_t i = 0; i < f->n_enum_values && t->kind == PAYLOAD_ENUM; i++) {
        struct suggest s = suggest_for(f->enum_values[i]);
        bool found = false;
        for (uint32_t k = 0; k < t->n_symbols && !found; k++) {
            found = slice_eq(t->symbols[k].name, f->enum_values[i]);
            suggest_try(&s, t->symbols[k].name);
        }
        if (!found) {
            struct diag *d = check_error(c, "E0338", item->type->span,
                                         "the enum `%.*s` of the schema has no value \"%.*s\"",
                                         SLICE_ARG(t->name), SLICE_ARG(f->enum_values[i]));
            check_suggest(c, d, &s);
            return;
        }
    }
}

static void compare_field(struct checker *c, const struct schema_decl *d,
                        const struct ast_item *item)
{
    int32_t slot = decl_find_field(d, path_text(c, item->path->names.first));
    const struct schema_field *f = slot < 0 ? NULL : &d->fields[slot];
    if (!f || f->origin != ORIGIN_PAYLOAD || f->type == TYPE_COUNT || f->n_parts == 0) {
        return;
    }
    struct payload_fit fit = payload_fit_field(f, d->payload->root);
    switch (fit.verdict) {
    case FIT_NO_FIELD: unknown_field(c, item, &fit); break;
    case FIT_NO_TYPE: wrong_type(c, item, f, &fit); break;
    case FIT_OK: enum_values(c, item, f, fit.type); break;
    }
}

static bool known_format(struct checker *c, const struct ast_name *name,
                         enum payload_format *format)
{
    static const enum payload_format all[] = {PAYLOAD_JSON, PAYLOAD_AVRO, PAYLOAD_PROTOBUF};
    struct suggest s = suggest_for(name->text);
    for (size_t i = 0; i < FYKE_ARRAY_LEN(all); i++) {
        struct slice known = slice_of(payload_format_name(all[i]));
        if (slice_eq(name->text, known)) {
            *format = all[i];
            return true;
        }
        suggest_try(&s, known);
    }
    struct diag *d = check_error(c, "E0312", name->span, "unknown format `%.*s`",
                                 SLICE_ARG(name->text));
    check_suggest(c, d, &s);
    return false;
}

void check_format(struct checker *c, const struct ast_event *ast, struct schema_decl *d)
{
    const struct ast_format *f = ast->format;
    enum payload_format format;
    if (!f || !known_format(c, f->name, &format)) {
        return;
    }
    if (format == PAYLOAD_JSON) {
        if (f->schema) {
            check_error(c, "E0330", f->schema->span, "format json takes no schema");
        }
        return;
    }
    if (!clauses_fit(c, f, format)) {
        return;
    }
    d->payload = read_schema(c, f, format);
    for (const struct ast_item *i = ast->items; i && d->payload; i = i->next) {
        if (i->kind == AST_ITEM_FIELD) {
            compare_field(c, d, i);
        }
    }
}
