/* Metadata of a rule: each once (`reference` may repeat), known severities and statuses. */
#include "dsl/check.h"

static bool one_of(struct checker *c, const struct ast_name *name, const char *const *words,
                   size_t n, const char *what, const char *code)
{
    struct suggest s = suggest_for(name->text);
    for (size_t i = 0; i < n; i++) {
        if (slice_eq_str(name->text, words[i])) {
            return true;
        }
        suggest_try(&s, slice_of(words[i]));
    }
    struct buf all = BUF_INIT;
    for (size_t i = 0; i < n; i++) {
        buf_printf(&all, "%s%s", i ? ", " : "", words[i]);
    }
    struct diag *d = check_error(c, code, name->span, "unknown %s `%.*s`", what,
                                 SLICE_ARG(name->text));
    if (s.best.ptr) {
        check_suggest(c, d, &s);
    } else {
        check_help(c, d, "one of %s", buf_cstr(&all));
    }
    buf_release(&all);
    return false;
}

static struct slice joined(struct checker *c, const struct ast_literals *strings)
{
    struct buf text = BUF_INIT;
    for (const struct ast_literal *l = strings->first; l; l = l->next) {
        buf_printf(&text, "%s%.*s", l == strings->first ? "" : "\n", SLICE_ARG(l->string));
    }
    struct slice s = arena_copy(c->out, buf_slice(&text));
    buf_release(&text);
    return s;
}

static void add_tags(struct rule_ctx *r, const struct ast_meta *m)
{
    struct rule *rule = r->rule;
    uint32_t n = 0;
    for (const struct ast_tag *t = m->tags; t; t = t->next) {
        n++;
    }
    rule->tags = ARENA_ARRAY(r->c->out, struct slice, n + 1);
    for (const struct ast_tag *t = m->tags; t; t = t->next) {
        rule->tags[rule->n_tags++] = arena_copy(r->c->out, t->text);
    }
}

static void add_meta(struct rule_ctx *r, const struct ast_meta *m)
{
    static const char *const severities[] = {"info", "low", "medium", "high", "critical"};
    static const char *const statuses[] = {"experimental", "stable", "shadow", "disabled"};
    struct rule *rule = r->rule;
    struct arena *out = r->c->out;
    switch (m->kind) {
    case AST_META_TITLE:
        rule->title = joined(r->c, &m->strings);
        break;
    case AST_META_DESCRIPTION:
        rule->description = joined(r->c, &m->strings);
        break;
    case AST_META_OWNER:
        rule->owner = joined(r->c, &m->strings);
        break;
    case AST_META_SEVERITY:
        one_of(r->c, m->name, severities, FYKE_ARRAY_LEN(severities), "severity", "E0328");
        rule->severity = arena_copy(out, m->name->text);
        break;
    case AST_META_STATUS:
        one_of(r->c, m->name, statuses, FYKE_ARRAY_LEN(statuses), "status", "E0328");
        rule->status = arena_copy(out, m->name->text);
        break;
    case AST_META_VERSION:
        rule->version = m->number->int_value;
        break;
    case AST_META_REFERENCE:
        rule->references[rule->n_references++] = joined(r->c, &m->strings);
        break;
    case AST_META_TAGS:
        add_tags(r, m);
        break;
    }
}

void rule_check_meta(struct rule_ctx *r)
{
    const struct ast_meta *first[AST_META_TAGS + 1] = {0};
    uint32_t n = 0;
    for (const struct ast_meta *m = r->ast->metas; m; m = m->next) {
        n += m->kind == AST_META_REFERENCE;
    }
    r->rule->version = -1;
    r->rule->references = ARENA_ARRAY(r->c->out, struct slice, n + 1);
    for (const struct ast_meta *m = r->ast->metas; m; m = m->next) {
        if (first[m->kind] && m->kind != AST_META_REFERENCE) {
            struct diag *d = check_error(r->c, "E0327", m->span, "a rule states this once");
            check_second(r->c, d, first[m->kind]->span, "first here");
            continue;
        }
        first[m->kind] = m;
        add_meta(r, m);
    }
}
