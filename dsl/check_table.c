/* Lists and lookups: their declarations and the files that they come from. */
#include "dsl/check.h"

#include "dsl/load.h"

/* ---- declarations -------------------------------------------------------------------------- */

/* What is looked for is one value that has an equality worth asking for. */
static bool key_type(struct checker *c, const struct ast_type *type, bool is_lookup,
                     struct schema_field *f)
{
    if (!check_type(c, type, f)) {
        return false;
    }
    if (!f->is_list && f->type != TYPE_GEO) {
        return true;
    }
    struct diag *d = check_error(c, "E0341", type->span, is_lookup ? "this is no type for a key"
                                                                   : "a list holds single values");
    check_help(c, d, is_lookup ? "a key is one value: string, int, ip, cidr, …"
                               : "for example `string`, `int`, `ip`, `cidr`");
    return false;
}

static void declare_origin(struct checker *c, struct table_decl *t, const struct ast_origin *o)
{
    t->origin = o->kind == AST_ORIGIN_FILE    ? TABLE_FILE
                : o->kind == AST_ORIGIN_TOPIC ? TABLE_TOPIC
                                              : TABLE_LITERAL;
    if (o->place) {
        t->place = arena_copy(c->out, o->place->string);
    }
    if (t->origin == TABLE_TOPIC && t->place.len == 0) {
        check_error(c, "E0340", o->place->span, "a topic has a name");
    }
    if (o->refresh && check_timed(c, o->refresh, &t->refresh) && t->refresh.ns < NS_PER_S) {
        struct diag *d = check_error(c, "E0323", o->refresh->value.span,
                                     "a topic is read again after a second at the earliest");
        check_help(c, d, "for example `refresh every 1 hour`");
    }
}

static void declare(struct checker *c, const struct ast_decl *d)
{
    bool is_lookup = d->kind == AST_DECL_LOOKUP;
    const struct ast_name *name = is_lookup ? d->lookup.name : d->list.name;
    if (!ast_name_given(name)) {
        return;
    }
    struct symbol *s = scope_find(c, name->text);
    if (s->ast != d) {
        return; /* declared twice: reported */
    }
    struct table_decl *t = &c->rs->tables[c->rs->n_tables];
    *t = (struct table_decl){.name = arena_copy(c->out, name->text),
                             .index = c->rs->n_tables,
                             .is_lookup = is_lookup};
    t->key.name = t->value.name = t->name;
    bool ok = key_type(c, is_lookup ? d->lookup.key_type : d->list.type, is_lookup, &t->key);
    if (is_lookup) {
        ok = check_type(c, d->lookup.value_type, &t->value) && ok;
    }
    declare_origin(c, t, is_lookup ? &d->lookup.origin : &d->list.origin);
    if (ok) {
        s->decl = c->rs->n_tables++;
    }
}

void check_tables_declare(struct checker *c)
{
    uint32_t n = 0;
    for (size_t i = 0; i < c->decls.n; i++) {
        enum ast_decl_kind kind = c->decls.items[i]->kind;
        n += kind == AST_DECL_LIST || kind == AST_DECL_LOOKUP;
    }
    c->rs->tables = ARENA_ARRAY(c->out, struct table_decl, n + 1);
    for (size_t i = 0; i < c->decls.n; i++) {
        enum ast_decl_kind kind = c->decls.items[i]->kind;
        if (kind == AST_DECL_LIST || kind == AST_DECL_LOOKUP) {
            declare(c, c->decls.items[i]);
        }
    }
}

/* ---- content of files ------------------------------------------------------------------------ */

static void report_problems(struct checker *c, const struct table_decl *t,
                            const struct rule_file *file, const struct ast_literal *place,
                            const struct table_problem *problems, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        struct span span = {file->index, problems[i].start, problems[i].end};
        struct diag *d = check_error(c, "E0340", span, "%s", problems[i].text);
        check_second(c, d, place->span, "read by the %s `%.*s`", t->is_lookup ? "lookup" : "list",
                     SLICE_ARG(t->name));
    }
}

static const struct table *file_content(struct checker *c, const struct table_decl *t,
                                        const struct ast_literal *place)
{
    struct slice path;
    struct error err = ERROR_INIT;
    const struct rule_file *file;
    struct table_problem problems[TABLE_MAX_PROBLEMS];
    uint32_t n = 0;
    const struct rule_file *from = sources_get(c->sources, place->span.file);
    if (!load_relative(c->arena, from, place->string, &path)) {
        struct diag *d = check_error(c, "E0340", place->span,
                                     "a file is named relative to this one, inside the rules");
        check_help(c, d, "for example `from file \"lists/blocked.txt\"`");
        return NULL;
    }
    if (!c->input->table_parse) {
        check_error(c, "E0340", place->span, "files of lists and lookups are not read here");
        return NULL;
    }
    if (load_data(c->compilation, c->input, path, &file, &err) != ERR_OK) {
        check_error(c, "E0340", place->span, "the file cannot be read: %s", err.text);
        return NULL;
    }
    const struct table *table = c->input->table_parse(t, file->text, c->out, problems, &n);
    if (!table) {
        report_problems(c, t, file, place, problems, n);
    }
    return table;
}

static const struct table *content(struct checker *c, const struct table_decl *t,
                                   const struct ast_decl *d)
{
    const struct ast_origin *o = t->is_lookup ? &d->lookup.origin : &d->list.origin;
    if (t->origin == TABLE_FILE) {
        return file_content(c, t, o->place);
    }
    if (t->origin == TABLE_TOPIC) {
        return table_new(NULL, t->is_lookup ? &(struct value){0} : NULL, 0, c->out);
    }
    return t->is_lookup ? check_lookup_content(c, t, d->lookup.map)
                        : check_list_content(c, t, d->list.array);
}

void check_tables_fill(struct checker *c)
{
    for (MAP_EACH(e, &c->symbols)) {
        const struct symbol *s = e->value;
        if ((s->kind == SYM_LIST || s->kind == SYM_LOOKUP) && s->decl < c->rs->n_tables) {
            struct table_decl *t = &c->rs->tables[s->decl];
            t->table = content(c, t, s->ast);
        }
    }
}
