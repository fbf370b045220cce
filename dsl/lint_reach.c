/* Lints about parts that no match can contain. */
#include "dsl/lint_predicate.h"

/* Every event of test b passes test a, as far as the sources tell: a takes all of its sources. */
static bool takes_all_of(const struct rule_ctx *r, uint32_t a, uint32_t b)
{
    const struct rule_test *ta = &r->rule->tests[a];
    const struct rule_test *tb = &r->rule->tests[b];
    if (ta->own || ta->joint || !tb->roles) {
        return false;
    }
    for (uint32_t i = 0; i < r->rule->n_roles; i++) {
        bool covered = !(tb->roles >> i & 1);
        for (uint32_t k = 0; k < r->rule->n_roles && !covered; k++) {
            const struct rule_role *from = &r->rule->roles[k];
            covered = (ta->roles >> k & 1) && from->decl == r->rule->roles[i].decl &&
                      (!from->filter || from->filter == r->rule->roles[i].filter);
        }
        if (!covered) {
            return false;
        }
    }
    return true;
}

/* ---- alternatives ---------------------------------------------------------------------------- */

static int32_t only_test(const struct pattern *p)
{
    while (p && p->kind == PAT_SEQ && p->n_items == 1 && !p->items[0].n_absences) {
        p = p->items[0].node;
    }
    return p && p->kind == PAT_STEP ? (int32_t)p->test : -1;
}

/* An earlier alternative is preferred whenever both are possible. */
static void lint_alternatives(struct rule_ctx *r, const struct pattern *p)
{
    for (uint32_t k = 1; k < p->n_items; k++) {
        int32_t later = only_test(p->items[k].node);
        for (uint32_t i = 0; i < k && later >= 0; i++) {
            int32_t earlier = only_test(p->items[i].node);
            if (earlier < 0 || !takes_all_of(r, (uint32_t)earlier, (uint32_t)later)) {
                continue;
            }
            struct diag *d = check_lint(r->c, DIAG_WARNING, "W0414", r->tests[later].ast->span,
                                        "this alternative is never taken");
            check_second(r->c, d, r->tests[earlier].ast->span, "this one takes every such event");
            check_help(r->c, d, "write the narrower alternative first");
            break;
        }
    }
}

static void walk_alternatives(struct rule_ctx *r, const struct pattern *p)
{
    if (p->kind == PAT_ANY && r->rule->policy != NO_SKIP) {
        lint_alternatives(r, p);
    }
    for (uint32_t i = 0; i < p->n_items; i++) {
        if (p->items[i].node) {
            walk_alternatives(r, p->items[i].node);
        }
    }
}

/* ---- steps that `without` kills -------------------------------------------------------------- */

static bool is_event_part(const struct pattern *p)
{
    return p->kind == PAT_STEP || p->kind == PAT_COUNT;
}

static bool ends_by_itself(const struct pattern_item *item)
{
    return item->node && !item->node->optional;
}

/* Some event of the item stands strictly between the match's first and its last. */
static bool is_inside(const struct pattern *root, uint32_t at)
{
    const struct pattern *p = root->items[at].node;
    bool before = false;
    bool behind = false;
    for (uint32_t i = 0; i < root->n_items; i++) {
        bool other = i != at && ends_by_itself(&root->items[i]);
        before = before || (other && i < at);
        behind = behind || (other && i > at);
    }
    uint32_t n = p->kind == PAT_COUNT ? p->min : 1;
    return n + before + behind >= 3 && !p->optional;
}

static void lint_killed(struct rule_ctx *r)
{
    const struct pattern *root = r->rule->root;
    for (uint32_t w = 0; w < r->rule->n_tests; w++) {
        for (uint32_t i = 0; i < root->n_items && (r->rule->without >> w & 1); i++) {
            const struct pattern *p = root->items[i].node;
            if (!p || !is_event_part(p) || !is_inside(root, i) ||
                !takes_all_of(r, w, p->test)) {
                continue;
            }
            struct diag *d = check_lint(r->c, DIAG_WARNING, "W0415", r->tests[p->test].ast->span,
                                        "this step ends the match that it belongs to");
            check_second(r->c, d, r->tests[w].ast->span, "no such event may come in between");
            check_help(r->c, d, "narrow the `without`: `without X where …`");
        }
    }
}

void lint_reach(struct rule_ctx *r)
{
    walk_alternatives(r, r->rule->root);
    lint_killed(r);
}
