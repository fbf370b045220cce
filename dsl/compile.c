#include "dsl/compile.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "dsl/check.h"
#include "dsl/check_derived.h"
#include "dsl/load.h"
#include "nfa/profile.h"
#include "nfa/rule_sources.h"

/* What identifies the rule set in alerts: the bytes of its files, in the order of reading. */
static void fingerprint(struct compilation *c, struct ruleset *rs)
{
    struct hasher h;
    hasher_init(&h);
    rs->files = ARENA_ARRAY(&rs->arena, struct slice, c->sources.n + 1);
    for (uint32_t i = 0; i < c->sources.n; i++) {
        const struct rule_file *src = sources_get(&c->sources, i);
        rs->files[rs->n_files++] = arena_copy(&rs->arena, slice_of(src->path));
        hasher_put_part(&h, src->text);
    }
    rs->fingerprint = hasher_hash128(&h);
}

static void check_all(struct checker *c)
{
    scope_declare_all(c);
    check_tables_declare(c);
    derived_declare(c);
    check_consts(c);
    check_tables_fill(c);
    check_events_declare(c);
    check_events_finish(c);
    check_profiles_declare(c);
    check_rules(c);
    check_profiles(c); /* those that no rule reads */
    check_lets(c); /* those that no rule reads; the others wait for what is derived */
    derived_lint(c);
}

/* Only a rule set without errors gets its derived parts. */
static void finish(struct compilation *c, struct checker *k)
{
    struct ruleset *rs = k->rs;
    c->tests = check_tests(k);
    if (c->diags.n_errors) {
        return;
    }
    lint_unused(k);
    if (k->note_untested) {
        lint_untested(k);
    }
    fingerprint(c, rs);
    for (uint32_t i = rs->n_measures; i-- > 0;) { /* leaves stand behind those that they are of */
        measure_canonical(rs, &rs->measures[i], &rs->arena);
    }
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        rule_canonical(rs, &rs->rules[i], &rs->arena);
        rule_finish(&rs->rules[i], &rs->arena);
    }
    ruleset_find_sources(rs);
}

struct compilation *dsl_compile(const struct compile_input *input, struct error *err)
{
    struct compilation *c = xcalloc(1, sizeof(*c));
    struct checker k = {.compilation = c,
                        .input = input,
                        .arena = &c->arena,
                        .sources = &c->sources,
                        .diags = &c->diags,
                        .keep_all = input->keep_all_fields,
                        .note_untested = input->note_untested};
    arena_init(&c->arena);
    sources_init(&c->sources, &c->arena);
    diags_init(&c->diags, &c->arena);
    if (load_files(c, input, &k.decls, err) != ERR_OK) {
        free(k.decls.items);
        compilation_free(c);
        return NULL;
    }
    k.gaps = c->diags.n_errors > 0;
    k.rs = xcalloc(1, sizeof(*k.rs));
    arena_init(&k.rs->arena);
    k.out = &k.rs->arena;
    map_init(&k.symbols, MAP_BORROW_KEYS);
    map_init(&k.zones, MAP_COPY_KEYS);
    map_init(&k.reported, MAP_COPY_KEYS);
    check_all(&k);
    finish(c, &k);
    diags_sort(&c->diags);
    if (c->diags.n_errors) {
        ruleset_free(k.rs);
        c->tests = NULL;
    } else {
        c->ruleset = k.rs;
    }
    derived_release(&k);
    map_release(&k.symbols);
    map_release(&k.zones);
    map_release(&k.reported);
    free(k.decls.items);
    return c;
}

void compilation_free(struct compilation *c)
{
    if (!c) {
        return;
    }
    ruleset_free(c->ruleset);
    arena_release(&c->arena);
    free(c);
}

struct ruleset *compilation_take_ruleset(struct compilation *c)
{
    struct ruleset *rs = c->ruleset;
    c->ruleset = NULL;
    return rs;
}
