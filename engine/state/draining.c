/* Old versions of rules: at a change of the rules they finish what they have open and begin nothing more
 * (nfa/rule_link.h). What they keep is counted per unit; at the commit at which nothing is left, their
 * slots leave the header and their texts the state. All of that follows from what is committed, so a
 * restart at any point goes on in the same way. */
#include <stdlib.h>

#include "base/say.h"
#include "base/xalloc.h"
#include "engine/journal/rule_text.h"
#include "engine/state/checkpoint.h"

enum err state_take_rules(struct engine *e, struct error *err)
{
    const struct engine_old_rules *old = e->options.old_rules;
    FYKE_CLEANUP(buf_release) struct buf bytes = BUF_INIT;
    struct slice texts = {0};
    struct state *s = e->state;
    bool found;
    FYKE_TRY(rule_text_look(e, &bytes, &texts, &found, err));
    if (s->journaled != NULL && !s->journaled->begins_log) { /* the changelog holds the same */
        s->journaled->logged_rules = s->stored_rules;
    }
    if (old != NULL && s->found) {
        e->rs = old->open(old->ctx, found ? texts : (struct slice){0}, s->before.fingerprint);
        rule_text_set(e, e->fingerprint, old->texts(old->ctx, e->fingerprint));
    }
    return ERR_OK;
}

bool engine_has_drained(const struct engine *e, const struct rule *rule)
{
    return rule->drains && e->drained[rule->original - e->rs->n_rules];
}

static uint64_t held_by(const struct engine *e, uint32_t unit)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < e->n_shards; i++) {
        n += keyspace_held(e->shards[i].keyspace, unit);
    }
    return n;
}

/* Per old version, what all units keep that stand for it. */
static void count_open(const struct engine *e, uint64_t *open)
{
    for (uint32_t u = e->rs->n_rules; u < e->rs->n_units; u++) {
        const struct rule *rule = &e->rs->rules[u];
        if (rule->drains && !engine_has_drained(e, rule)) {
            open[rule->original - e->rs->n_rules] += held_by(e, u);
        }
    }
}

void state_note_drained(struct engine *e)
{
    const struct engine_old_rules *old = e->options.old_rules;
    uint32_t n = e->rs->n_draining, before = e->n_drained;
    if (before == n) {
        return;
    }
    uint64_t *open = xcalloc(n, sizeof(*open));
    count_open(e, open);
    for (uint32_t i = 0; i < n; i++) {
        const struct rule *rule = &e->rs->rules[e->rs->n_rules + i];
        if (!e->drained[i] && open[i] == 0) {
            e->drained[i] = true;
            e->n_drained++;
            old->drained(old->ctx, rule);
            engine_say(e, SAY_INFO "rule %.*s: the old version has nothing open any more",
                       SLICE_ARG(rule->name));
        }
    }
    free(open);
    if (e->n_drained > before) {
        rule_text_set(e, e->fingerprint, old->texts(old->ctx, e->fingerprint));
    }
}
