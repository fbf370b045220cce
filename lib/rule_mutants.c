#include "lib/rule_mutants.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "dsl/fmt.h"

static bool derives(const struct ast_rule *r)
{
    for (const struct ast_emit *e = r->emits; e; e = e->next) {
        if (e->event) {
            return true;
        }
    }
    return false;
}

/* Another rule, or a test of one. */
static bool is_other(const struct rule_mutants *m, const struct ast_decl *d)
{
    struct slice name = rules_ruleset(m->rules)->rules[m->rule].name;
    if (d->kind == AST_DECL_TEST) {
        return !slice_eq(d->test->rule->text, name);
    }
    return d->kind == AST_DECL_RULE && !slice_eq(d->rule.name->text, name) && !derives(&d->rule);
}

/* Lines and columns stay where they are. */
static struct slice blanked(struct rule_mutants *m, const struct ast_file *file)
{
    struct slice text = arena_copy(&m->arena, file->source->text);
    char *bytes = (char *)(uintptr_t)text.ptr;
    for (const struct ast_decl *d = file->first; d; d = d->next) {
        for (uint32_t i = d->span.start; is_other(m, d) && i < d->span.end; i++) {
            bytes[i] = bytes[i] == '\n' ? '\n' : ' ';
        }
    }
    return text;
}

void rule_mutants_begin(struct rule_mutants *m, const struct fyke_rules *rules, uint32_t rule)
{
    const struct compilation *c = rules->compilation;
    *m = (struct rule_mutants){.rules = rules, .rule = rule};
    m->texts = ARENA_ARRAY(&m->arena, struct compile_source, c->n_files + 1u);
    m->files = ARENA_ARRAY(&m->arena, uint32_t, c->n_files + 1u);
    for (uint32_t i = 0; i < c->n_files; i++) {
        const struct ast_file *f = c->files[i];
        m->texts[m->n_texts] = (struct compile_source){f->source->path, blanked(m, f)};
        m->files[m->n_texts++] = f->source->index;
        for (const struct ast_decl *d = f->first; d; d = d->next) {
            if (d->kind == AST_DECL_RULE && !is_other(m, d) &&
                slice_eq(d->rule.name->text, c->ruleset->rules[rule].name)) {
                m->decl = d;
            }
        }
    }
    if (m->decl) {
        rule_changes_of(&c->sources, m->decl, c->files, c->n_files, &m->arena, &m->changes);
    }
}

void rule_mutants_end(struct rule_mutants *m)
{
    rule_changes_release(&m->changes);
    arena_release(&m->arena);
    buf_release(&m->usual);
}

/* ---- one change ----------------------------------------------------------------------------------- */

static struct fyke_rules *compile(const struct rule_mutants *m, const struct compile_source *texts)
{
    const struct compile_input input = {.paths = (const char *const *)m->rules->paths,
                                        .n_paths = (uint32_t)m->rules->n_paths,
                                        .sources = texts,
                                        .n_sources = m->n_texts,
                                        .sources_on_demand = true};
    const struct rules_report silent = {0};
    struct fyke_rules *ret;
    return rules_compile(&input, &silent, &ret) == FYKE_OK ? ret : NULL;
}

static struct fyke_rules *compile_changed(const struct rule_mutants *m,
                                          const struct rule_change *change)
{
    struct compile_source *texts = xcalloc(m->n_texts + 1u, sizeof(*texts));
    FYKE_CLEANUP(buf_release) struct buf changed = BUF_INIT;
    for (uint32_t i = 0; i < m->n_texts; i++) {
        struct slice was = m->texts[i].text;
        texts[i] = m->texts[i];
        if (m->files[i] == change->span.file) {
            rule_change_apply(change, was, &changed);
            texts[i].text = buf_slice(&changed);
        }
    }
    struct fyke_rules *ret = compile(m, texts);
    free(texts);
    return ret;
}

static bool noticed(const struct rule_mutants *m, const struct fyke_rules *changed,
                    const struct rule_change *change, const struct rule_test_options *options)
{
    const struct rule_mutant mutant = {rules_ruleset(m->rules)->rules[m->rule].plan, &m->changes,
                                       (size_t)(change - m->changes.items)};
    struct rule_test_options with = *options;
    with.mutant = &mutant;
    struct slice name = rules_ruleset(m->rules)->rules[m->rule].name;
    const struct compilation *c = changed->compilation;
    for (uint32_t i = 0; i < c->tests->n; i++) {
        const struct compiled_test *t = &c->tests->items[i];
        struct rule_test_result r;
        if (!slice_eq(c->ruleset->rules[t->rule].name, name)) {
            continue;
        }
        rule_test_run(c, t, &with, &r);
        bool ok = r.ok;
        rule_test_result_release(&r);
        if (!ok) {
            return true;
        }
    }
    return false;
}

/* ---- what a survivor looks like ---------------------------------------------------------------------- */

static void usual_form(const struct fyke_rules *rules, const char *path, struct buf *out)
{
    const struct compilation *c = rules->compilation;
    struct arena scratch = ARENA_INIT;
    for (uint32_t i = 0; i < c->n_files; i++) {
        if (strcmp(c->files[i]->source->path, path) == 0) {
            (void)!dsl_fmt(c->files[i], &scratch, out);
        }
    }
    arena_release(&scratch);
}

/* Lines that both have in front and behind are left out. */
static void put_changed_lines(struct slice text, size_t front, size_t behind, char sign,
                              struct buf *out)
{
    size_t from = front, to = text.len - behind;
    while (from > 0 && text.ptr[from - 1] != '\n') {
        from--;
    }
    while (to < text.len && (to == 0 || text.ptr[to - 1] != '\n')) {
        to++;
    }
    while (from < to) {
        const char *end = memchr(text.ptr + from, '\n', to - from);
        size_t n = end ? (size_t)(end - text.ptr) - from : to - from;
        size_t blank = 0;
        while (blank < n && text.ptr[from + blank] == ' ') {
            blank++;
        }
        buf_printf(out, "%c %.*s\n", sign, (int)(n - blank), text.ptr + from + blank);
        from += n + 1;
    }
}

static void put_diff(struct slice a, struct slice b, struct buf *out)
{
    size_t front = 0, behind = 0, least = a.len < b.len ? a.len : b.len;
    while (front < least && a.ptr[front] == b.ptr[front]) {
        front++;
    }
    while (behind < least - front && a.ptr[a.len - 1 - behind] == b.ptr[b.len - 1 - behind]) {
        behind++;
    }
    put_changed_lines(a, front, behind, '-', out);
    put_changed_lines(b, front, behind, '+', out);
}

static void show(struct rule_mutants *m, const struct fyke_rules *changed,
                 const struct rule_change *change, struct buf *ret)
{
    FYKE_CLEANUP(buf_release) struct buf now = BUF_INIT;
    const char *path = sources_get(&m->rules->compilation->sources, change->span.file)->path;
    if (m->usual_of != change->span.file || m->usual.len == 0) {
        buf_clear(&m->usual);
        m->usual_of = change->span.file;
        struct fyke_rules *was = compile(m, m->texts);
        if (was) {
            usual_form(was, path, &m->usual);
        }
        fyke_rules_free(was);
    }
    usual_form(changed, path, &now);
    put_diff(buf_slice(&m->usual), buf_slice(&now), ret);
}

enum mutant_fate rule_mutants_try(struct rule_mutants *m, const struct rule_change *change,
                                  const struct rule_test_options *options, struct buf *ret_diff)
{
    struct fyke_rules *changed = compile_changed(m, change);
    if (!changed) {
        return MUTANT_REFUSED;
    }
    bool found = noticed(m, changed, change, options);
    if (!found && ret_diff) {
        show(m, changed, change, ret_diff);
    }
    fyke_rules_free(changed);
    return found ? MUTANT_NOTICED : MUTANT_SURVIVED;
}
