#include "cli/explain.h"

#include "cli/explain_profile.h"
#include "cli/explain_words.h"
#include "nfa/classify.h"

static const struct ast_decl *find_decl(const struct compilation *c, enum ast_decl_kind kind,
                                        struct slice name)
{
    for (uint32_t i = 0; i < c->n_files; i++) {
        for (const struct ast_decl *d = c->files[i]->first; d; d = d->next) {
            const struct ast_name *n = NULL;
            if (d->kind == kind && kind == AST_DECL_RULE) {
                n = d->rule.name;
            } else if (d->kind == kind && kind == AST_DECL_LET) {
                n = d->let.name;
            }
            if (ast_name_given(n) && slice_eq(n->text, name)) {
                return d;
            }
        }
    }
    return NULL;
}

static void put_metadata(const struct rule *r, struct buf *out)
{
    if (r->title.len) {
        buf_printf(out, "%.*s\n", SLICE_ARG(r->title));
    }
    if (r->description.len) {
        buf_printf(out, "%.*s\n", SLICE_ARG(r->description));
    }
    if (r->severity.len) {
        buf_printf(out, "severity %.*s", SLICE_ARG(r->severity));
    }
    for (uint32_t i = 0; i < r->n_tags; i++) {
        buf_printf(out, "%s%.*s", i ? ", " : r->severity.len ? "; " : "", SLICE_ARG(r->tags[i]));
    }
    if (r->severity.len || r->n_tags) {
        buf_puts(out, "\n");
    }
}

/* The lets that the rule's sources name. */
static void put_lets(const struct compilation *c, const struct rule *r, struct buf *out)
{
    const char *head = "\nwhere\n";
    for (uint32_t i = 0; i < r->n_roles; i++) {
        bool told = false;
        for (uint32_t k = 0; k < i; k++) {
            told |= slice_eq(r->roles[k].name, r->roles[i].name);
        }
        const struct ast_decl *d = find_decl(c, AST_DECL_LET, r->roles[i].name);
        if (!d || told) {
            continue;
        }
        buf_puts(out, head);
        head = "";
        words_let(c, &d->let, out);
    }
}

static void put_sources(const struct compilation *c, const struct rule *r, struct buf *out)
{
    const struct ruleset *rs = c->ruleset;
    const struct rule_sources *s = &rs->sources[r->index];
    buf_puts(out, "\nreads");
    for (uint32_t i = 0; i < s->n_topics; i++) {
        buf_printf(out, "%s topic \"%.*s\"", i ? "," : "",
                   SLICE_ARG(rs->topics[s->topics[i]].name));
    }
    buf_puts(out, "\n");
}

static void put_line(const char *head, const struct buf *text, struct buf *out)
{
    if (text->len) {
        buf_printf(out, "%s%.*s\n", head, (int)text->len, text->ptr);
    }
}

/* What it costs, why not less, and what would make it cheaper (docs/classes.md). */
static void put_class(const struct rule *r, const struct schema_decl *decls, struct buf *out)
{
    FYKE_CLEANUP(buf_release) struct buf why = BUF_INIT;
    FYKE_CLEANUP(buf_release) struct buf edit = BUF_INIT;
    rule_class_reason(r, decls, &why);
    rule_class_edit(r, decls, &edit);
    buf_printf(out, "cost class: %s\n", rule_class_name(r->class_of));
    buf_printf(out, "  kept per key, beside the events: %s\n", rule_class_keeps(r->class_of));
    buf_printf(out, "  an event costs: %s\n", rule_class_costs(r->class_of));
    put_line("  because of: ", &why, out);
    put_line("  cheaper: ", &edit, out);
}

static void put_evaluation(const struct rule *r, const struct schema_decl *decls, struct buf *out)
{
    char text[DURATION_TEXT_MAX];
    put_class(r, decls, out);
    if (duration_is_infinite(r->horizon)) {
        buf_puts(out, "events are kept: without a limit in time\n");
    } else {
        duration_format(r->horizon, text);
        buf_printf(out, "events are kept: for %s\n", text);
    }
    buf_printf(out, "plan: %016llx\n\n", (unsigned long long)r->plan);
    rule_dump(r, out);
}

void explain_rule(const struct compilation *c, const struct rule *rule, struct buf *out)
{
    const struct ast_decl *d = find_decl(c, AST_DECL_RULE, rule->name);
    buf_printf(out, "rule %.*s", SLICE_ARG(rule->name));
    if (d) {
        const struct rule_file *src = sources_get(&c->sources, d->span.file);
        buf_printf(out, "  (%s:%u)", src->path, source_position(src, d->span.start).line);
    }
    buf_puts(out, "\n");
    put_metadata(rule, out);
    buf_puts(out, "\n");
    if (d) {
        words_rule(c, &d->rule, out);
        put_lets(c, rule, out);
    }
    put_sources(c, rule, out);
    explain_profiles(c, rule, out);
    put_evaluation(rule, c->ruleset->decls, out);
}
