#include "lib/rules.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "dsl/diag_render.h"
#include "engine/decode/payload_schema.h"
#include "engine/tables/table_text.h"
#include "fyke_version.h"
#include "lib/last_error.h"

const char *fyke_version(void)
{
    return FYKE_VERSION;
}

/* ---- diagnostics -------------------------------------------------------------------------- */

static enum fyke_severity severity_of(enum diag_severity s)
{
    switch (s) {
    case DIAG_ERROR: break;
    case DIAG_WARNING: return FYKE_WARNING;
    case DIAG_NOTE: return FYKE_NOTE;
    }
    return FYKE_ERROR;
}

static void tell(const struct compilation *c, const struct diag *d,
                 const struct rules_report *report)
{
    FYKE_CLEANUP(buf_release) struct buf rendered = BUF_INIT;
    const struct rule_file *src = sources_get(&c->sources, d->span.file);
    struct source_pos from = source_position(src, d->span.start);
    struct source_pos to = source_position(src, d->span.end);
    diag_render_human(&rendered, &c->sources, d, report->color);
    struct fyke_diagnostic out = {
        .severity = severity_of(d->severity),
        .code = d->code,
        .file = src->path,
        .line = from.line,
        .col = from.col,
        .end_line = to.line,
        .end_col = to.col,
        .message = d->message,
        .suggestion = d->help,
        .rendered = buf_cstr(&rendered),
    };
    report->fn(report->ctx, &out);
}

void rules_tell(const struct compilation *c, const struct rules_report *report)
{
    for (const struct diag *d = c->diags.first; d && report->fn; d = d->next) {
        tell(c, d, report);
    }
}

table_parse rules_table_parse(void)
{
    return table_text_parse;
}

payload_parse rules_payload_parse(void)
{
    return payload_schema_parse;
}

/* ---- compiling ---------------------------------------------------------------------------- */

static void keep_paths(struct fyke_rules *r, const struct compile_input *input)
{
    r->paths = xcalloc(input->n_paths + 1, sizeof(*r->paths));
    for (; r->n_paths < input->n_paths; r->n_paths++) {
        r->paths[r->n_paths] = xstrdup(input->paths[r->n_paths]);
    }
}

static void keep_names(struct fyke_rules *r)
{
    const struct ruleset *rs = rules_ruleset(r);
    r->names = xcalloc(rs->n_rules + 1, sizeof(*r->names));
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        r->names[i] = xstrndup(rs->rules[i].name.ptr, rs->rules[i].name.len);
    }
}

static struct fyke_rules *take(struct compilation *c, const struct compile_input *input)
{
    struct fyke_rules *r = xcalloc(1, sizeof(*r));
    r->compilation = c;
    keep_paths(r, input);
    keep_names(r);
    return r;
}

enum fyke_result rules_compile(const struct compile_input *input, const struct rules_report *report,
                               struct fyke_rules **ret)
{
    struct error err = ERROR_INIT;
    struct compile_input whole = *input;
    *ret = NULL;
    whole.table_parse = table_text_parse;
    whole.payload_parse = payload_schema_parse;
    struct compilation *c = dsl_compile(&whole, &err);
    if (!c) {
        return last_error_set(&err);
    }
    rules_tell(c, report);
    if (report->files) {
        report->files(report->ctx, &c->sources);
    }
    if (!c->ruleset) {
        error_set(&err, ERR_RULES, "the rules do not compile: %u error%s", c->diags.n_errors,
                  c->diags.n_errors == 1 ? "" : "s");
        compilation_free(c);
        return last_error_set(&err);
    }
    *ret = take(c, input);
    return FYKE_OK;
}

/* What stands in place of the text of this path; NULL: nothing. */
static const struct compile_source *other_text(const struct compile_source *instead, size_t n,
                                               const char *path)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(instead[i].path, path) == 0) {
            return &instead[i];
        }
    }
    return NULL;
}

static void tell_first(const struct compilation *c, struct error *err)
{
    const struct diag *d = c->diags.first;
    while (d && d->severity != DIAG_ERROR) {
        d = d->next;
    }
    error_set(err, ERR_RULES, "%s: %s", d ? d->code : "?", d ? d->message : "it does not compile");
}

/* From the texts that were read before, but for those that stand in `instead`. */
static struct fyke_rules *compile_again(const struct fyke_rules *rules,
                                        const struct compile_source *instead, size_t n_instead,
                                        bool keep_fields, struct error *err)
{
    const struct sources *set = &rules->compilation->sources;
    struct compile_source *texts = xcalloc(set->n + 1, sizeof(*texts));
    struct compile_source *data = xcalloc(set->n + 1, sizeof(*data));
    struct compile_place *places = xcalloc(set->n + 1, sizeof(*places));
    uint32_t n_texts = 0, n_data = 0;
    for (uint32_t i = 0; i < set->n; i++) {
        const struct rule_file *src = sources_get(set, i);
        places[n_texts] = (struct compile_place){src->root, src->imported};
        struct compile_source *to = src->is_data ? &data[n_data++] : &texts[n_texts++];
        const struct compile_source *other = other_text(instead, n_instead, src->path);
        *to = (struct compile_source){src->path, other ? other->text : src->text};
    }
    struct compile_input input = {
        .paths = (const char *const *)rules->paths,
        .n_paths = rules->stored ? 0 : (uint32_t)rules->n_paths,
        .sources = texts,
        .n_sources = n_texts,
        .places = rules->stored ? places : NULL,
        .data = data,
        .n_data = n_data,
        .sources_on_demand = rules->n_paths > 0 && !rules->stored,
        .keep_all_fields = keep_fields,
        .table_parse = table_text_parse,
        .payload_parse = payload_schema_parse,
    };
    struct compilation *c = dsl_compile(&input, err);
    struct fyke_rules *r = NULL;
    if (c && c->ruleset) {
        r = take(c, &input);
    } else if (c) {
        tell_first(c, err);
        compilation_free(c);
    }
    free(texts);
    free(places);
    free(data);
    return r;
}

struct fyke_rules *rules_keeping_fields(const struct fyke_rules *rules, struct error *err)
{
    return compile_again(rules, NULL, 0, true, err);
}

struct fyke_rules *rules_with_text(const struct fyke_rules *rules, const char *path,
                                   struct slice text, struct error *err)
{
    const struct compile_source instead = {path, text};
    return compile_again(rules, &instead, 1, true, err);
}

struct fyke_rules *rules_with_texts(const struct fyke_rules *rules,
                                    const struct compile_source *instead, size_t n,
                                    struct error *err)
{
    return compile_again(rules, instead, n, false, err);
}

void rules_come_from_store(struct fyke_rules *rules, const char *const *paths, size_t n)
{
    struct compile_input from = {.paths = paths, .n_paths = (uint32_t)n};
    free(rules->paths);
    rules->n_paths = 0;
    keep_paths(rules, &from);
    rules->stored = true;
}

enum fyke_result fyke_rules_compile(const char *const *paths, size_t n, fyke_diagnostic_fn report,
                                    void *ctx, struct fyke_rules **ret)
{
    struct compile_input input = {.paths = paths, .n_paths = (uint32_t)n};
    struct rules_report to = {.fn = report, .ctx = ctx};
    return rules_compile(&input, &to, ret);
}

enum fyke_result fyke_rules_compile_text(const char *name, const char *text, size_t len,
                                         fyke_diagnostic_fn report, void *ctx,
                                         struct fyke_rules **ret)
{
    struct compile_source source = {name, slice_from(text, len)};
    struct compile_input input = {.sources = &source, .n_sources = 1};
    struct rules_report to = {.fn = report, .ctx = ctx};
    return rules_compile(&input, &to, ret);
}

void fyke_rules_free(struct fyke_rules *rules)
{
    if (!rules) {
        return;
    }
    for (size_t i = 0; i < rules->n_paths; i++) {
        free(rules->paths[i]);
    }
    for (size_t i = 0; i < fyke_rules_count(rules); i++) {
        free(rules->names[i]);
    }
    free(rules->paths);
    free(rules->names);
    compilation_free(rules->compilation);
    free(rules);
}

size_t fyke_rules_count(const struct fyke_rules *rules)
{
    return rules_ruleset(rules)->n_rules;
}

const char *fyke_rules_name(const struct fyke_rules *rules, size_t i)
{
    return i < fyke_rules_count(rules) ? rules->names[i] : NULL;
}
