#include "lib/replay_funnel.h"

#include <string.h>

#include "nfa/rule_prefix.h"
#include "nfa/rule_sources.h"
#include "nfa/state.h"

static bool derives(const struct rule *rule)
{
    return rule_derives(rule, MATCH_MATCH) || rule_derives(rule, MATCH_TIMEOUT);
}

/* ---- labels --------------------------------------------------------------------------------- */

static void put_labels(const struct rule *rule, const struct pattern *p, struct buf *out)
{
    if (p->kind == PAT_STEP || p->kind == PAT_COUNT) {
        buf_puts(out, out->len > 0 ? ", " : "");
        buf_put_slice(out, rule->tests[p->test].label);
    }
    for (uint32_t i = 0; i < p->n_items; i++) {
        if (p->items[i].node) {
            put_labels(rule, p->items[i].node, out);
        }
    }
}

static struct slice label_of(struct replay_funnel *f, const struct rule *rule, uint32_t item,
                             const char *more)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    const struct pattern *node = rule->root->items[item].node;
    if (node) {
        put_labels(rule, node, &text);
    } else {
        buf_puts(&text, "nothing behind it");
    }
    buf_puts(&text, more);
    return arena_copy(&f->arena, buf_slice(&text));
}

/* ---- the set -------------------------------------------------------------------------------- */

static struct rule *add_rule(struct replay_funnel *f, uint32_t rule, struct slice label)
{
    uint32_t at = f->rs.n_rules++;
    f->parts[at] = (struct funnel_part){rule, label};
    return &f->rs.rules[at];
}

/* Names are how alerts find their rule; nobody sees these. */
static void finish_part(struct replay_funnel *f, const struct rule *of, struct rule *r)
{
    FYKE_CLEANUP(buf_release) struct buf name = BUF_INIT;
    buf_printf(&name, "%.*s %u", SLICE_ARG(of->name), f->rs.n_rules);
    r->name = arena_copy(&f->arena, buf_slice(&name));
    r->policy = SKIP_TO_NEXT;
    r->level = 0;
}

static void add_parts(struct replay_funnel *f, const struct rule *rule)
{
    struct rule *r;
    if (rule_prefix_has_first(rule)) {
        r = add_rule(f, rule->index, label_of(f, rule, 0, ", the first"));
        rule_prefix_first(rule, &f->arena, r);
        finish_part(f, rule, r);
    }
    for (uint32_t k = 0; k < rule->root->n_items; k++) {
        r = add_rule(f, rule->index, label_of(f, rule, k, ""));
        rule_prefix(rule, k + 1, &f->arena, r);
        finish_part(f, rule, r);
    }
}

void replay_funnel_init(struct replay_funnel *f, const struct ruleset *rs)
{
    uint32_t most = 0;
    *f = (struct replay_funnel){.rs = *rs};
    arena_init(&f->arena);
    arena_init(&f->rs.arena);
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        most += 2 + rs->rules[i].root->n_items;
    }
    f->rs.rules = ARENA_ARRAY(&f->arena, struct rule, most + 1);
    f->parts = ARENA_ARRAY(&f->arena, struct funnel_part, most + 1);
    f->rs.n_rules = 0;
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        const struct rule *rule = &rs->rules[i];
        if (!rule_is_disabled(rule) && derives(rule)) {
            struct rule *r = add_rule(f, i, (struct slice){"", 0});
            *r = *rule;
            r->level = 0;
            r->quiet.unit = 0;
        }
    }
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        if (!rule_is_disabled(&rs->rules[i])) {
            add_parts(f, &rs->rules[i]);
        }
    }
    f->rs.n_clock_groups = f->rs.n_stages = f->rs.n_levels = 0;
    ruleset_find_sources(&f->rs);
}

void replay_funnel_release(struct replay_funnel *f)
{
    arena_release(&f->rs.arena);
    arena_release(&f->arena);
}

/* ---- what they found ------------------------------------------------------------------------ */

void replay_funnel_take(const struct replay_funnel *f, const struct replay_result *found,
                        struct replay_result *to)
{
    to->has_funnel = true;
    for (uint32_t r = 0; r < to->n_rules; r++) {
        struct replay_rule *rule = &to->rules[r];
        uint32_t n = 0;
        rule->steps = ARENA_ARRAY(&to->arena, struct replay_step, found->n_rules + 1u);
        for (uint32_t i = 0; i < found->n_rules; i++) {
            if (f->parts[i].rule == r && f->parts[i].label.len > 0) {
                rule->steps[n++] =
                    (struct replay_step){arena_copy(&to->arena, f->parts[i].label),
                                         found->rules[i].matches, found->rules[i].keys};
            }
        }
        rule->n_steps = n;
    }
}
