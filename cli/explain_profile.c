/* What a rule reads of profiles, as written, and what that keeps per key. */
#include "cli/explain_profile.h"

#include <inttypes.h>

#include "nfa/measure.h"

static void put_bound(const struct measure *m, struct buf *out)
{
    char over[DURATION_TEXT_MAX];
    duration_format(m->over, over);
    switch (measure_keeps(m)) {
    case KEEPS_ONE:
        buf_puts(out, "one value");
        return;
    case KEEPS_SEEN:
        if (m->max) {
            buf_printf(out, "at most %u values", m->max);
        } else {
            buf_printf(out, "one entry per value seen in %s", over);
        }
        return;
    case KEEPS_BUCKETS:
        buf_printf(out, "at most %" PRId64 " results of buckets", m->over.ns / m->every.ns);
        return;
    case KEEPS_EVENTS:
        buf_printf(out, "a value per event of %s", over);
        return;
    }
}

/* Of a computed measure: what each of its aggregates keeps. */
static void put_bounds(const struct ruleset *rs, const struct measure *m, struct buf *out)
{
    if (!m->value) {
        put_bound(m, out);
    }
    for (uint32_t i = 0; i < m->n_leaves; i++) {
        buf_puts(out, i == 0 ? "" : i + 1 < m->n_leaves ? ", " : " and ");
        put_bound(&rs->measures[m->first_leaf + i], out);
    }
}

static const struct ast_profile *find_profile(const struct compilation *c, struct slice name,
                                              const struct rule_file **ret_file)
{
    for (uint32_t i = 0; i < c->n_files; i++) {
        for (const struct ast_decl *d = c->files[i]->first; d; d = d->next) {
            if (d->kind == AST_DECL_PROFILE && ast_name_given(d->profile.name) &&
                slice_eq(d->profile.name->text, name)) {
                *ret_file = sources_get(&c->sources, d->span.file);
                return &d->profile;
            }
        }
    }
    return NULL;
}

struct reading {
    const struct compilation *c;
    bool *read; /* per measure */
};

static void note(void *ctx, uint32_t measure)
{
    struct reading *r = ctx;
    r->read[measure] = true;
}

static void put_profile(const struct reading *r, const struct profile *p, struct buf *out)
{
    const struct rule_file *file;
    const struct ast_profile *ast = find_profile(r->c, p->name, &file);
    if (!ast) {
        return;
    }
    buf_printf(out, "reads profile %.*s, from %.*s\n", SLICE_ARG(p->name),
               SLICE_ARG(source_text(file, ast->filter->span)));
    const struct measure *m = &r->c->ruleset->measures[p->first_measure];
    for (const struct ast_measure *a = ast->measures; a; a = a->next, m++) {
        if (r->read[m->index]) {
            buf_printf(out, "  %.*s; keeps ", SLICE_ARG(source_text(file, a->span)));
            put_bounds(r->c->ruleset, m, out);
            buf_puts(out, " per key\n");
        }
    }
}

void explain_profiles(const struct compilation *c, const struct rule *rule, struct buf *out)
{
    const struct ruleset *rs = c->ruleset;
    struct arena arena;
    arena_init(&arena);
    struct reading r = {c, ARENA_ARRAY(&arena, bool, rs->n_measures + 1)};
    rule_each_measure(rule, note, &r);
    for (uint32_t i = 0; i < rule->n_profiles; i++) {
        put_profile(&r, &rs->profiles[rule->profiles[i]], out);
    }
    arena_release(&arena);
}
