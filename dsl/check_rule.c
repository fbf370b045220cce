/* One rule: collect its tests, then keys, conditions, outputs, meaning, lints. */
#include <stdlib.h>

#include "base/xalloc.h"
#include "dsl/check.h"

static void check_policy(struct rule_ctx *r)
{
    const struct ast_policy *p = r->ast->policy;
    static const enum match_policy policies[] = {
        [AST_POLICY_SKIP_PAST_LAST] = SKIP_PAST_LAST,
        [AST_POLICY_SKIP_TO_NEXT] = SKIP_TO_NEXT,
        [AST_POLICY_SKIP_TO_FIRST] = SKIP_TO_FIRST,
        [AST_POLICY_SKIP_TO_LAST] = SKIP_TO_LAST,
        [AST_POLICY_NO_SKIP] = NO_SKIP,
    };
    if (!p) {
        return;
    }
    r->rule->policy = policies[p->kind];
    if (!ast_name_given(p->name)) {
        return;
    }
    int32_t slot = rule_find_name(r, p->name->text);
    if (slot >= 0) {
        r->rule->policy_slot = (uint32_t)slot;
        return;
    }
    struct suggest s = suggest_for(p->name->text);
    for (uint32_t i = 0; i < r->rule->n_slots; i++) {
        if (r->names[i].text.len) {
            suggest_try(&s, r->names[i].text);
        }
    }
    struct diag *d = check_error(r->c, "E0422", p->name->span, "no step is called `%.*s`",
                                 SLICE_ARG(p->name->text));
    check_suggest(r->c, d, &s);
    if (!s.best.ptr) {
        check_help(r->c, d, "name a step: `… as %.*s`", SLICE_ARG(p->name->text));
    }
}

/* Aggregates are numbered as their nodes are made. */
static void check_head(struct rule_ctx *r)
{
    r->rule->window = DURATION_INFINITE;
    if (r->ast->head) {
        check_timed(r->c, r->ast->head->within, &r->rule->window);
    }
}

void check_rule(struct checker *c, const struct ast_decl *decl, struct rule *rule)
{
    uint32_t errors = c->diags->n_errors;
    /* some kilobytes: not kept for each of thousands of rules */
    struct rule_ctx *r = xcalloc(1, sizeof(*r));
    r->c = c;
    r->ast = &decl->rule;
    r->rule = rule;
    rule->name = arena_copy(c->out, decl->rule.name->text);
    rule_check_meta(r);
    check_head(r);
    rule_collect(r);
    rule_add_keys(r);
    rule_check_pattern(r);
    rule_lower_pattern(r);
    check_policy(r);
    rule_check_outputs(r);
    rule_find_profiles(r);
    if (c->diags->n_errors == errors && !r->overflow) {
        rule_check_starts(r);
        rule_lint(r);
    }
    free(r);
}
