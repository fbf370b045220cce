#include "engine/out/emit.h"

#include <assert.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/keys/key.h"
#include "engine/out/match_id.h"

void emitter_init(struct emitter *em, const struct alert_options *options, bool show_pending)
{
    *em = (struct emitter){.options = options, .show_pending = show_pending};
}

void emitter_release(struct emitter *em)
{
    for (size_t i = 0; i < em->n; i++) {
        free(em->alerts[i]);
    }
    for (size_t i = 0; i < em->n_asking; i++) {
        free(em->asking[i]);
    }
    free(em->alerts);
    free(em->asking);
    derived_list_release(&em->derived);
    arena_release(&em->store.arena);
    alert_memo_release(&em->memo);
    buf_release(&em->json);
    buf_release(&em->key_text);
    *em = (struct emitter){0};
}

/* The match leaves a line: a rule that only derives events has none, except for tests of rules,
 * which look at its matches. */
static bool is_alert(const struct match *m)
{
    enum match_kind said = m->kind == MATCH_TIMEOUT ? MATCH_TIMEOUT : MATCH_MATCH;
    return m->kind == MATCH_CAPPED || (rule_alert_plan(m->rule, said) != NULL && !m->held_back);
}

static bool leaves_line(const struct emitter *em, const struct match *m)
{
    if (rule_is_copy(m->rule)) {
        return false;
    }
    if (is_alert(m)) {
        return true;
    }
    return em->options->show_derived && m->derived != NULL;
}

static struct out_alert *alert_of(struct emitter *em, const struct match *m, struct hash128 id,
                                  struct alert_memo *memo)
{
    buf_clear(&em->json);
    buf_clear(&em->key_text);
    struct alert_places places = alert_json_again(em->options, m, id, memo, &em->json);
    if (m->rule->n_key > 0) {
        key_to_text(m->key, m->rule->n_key, &em->key_text);
    }
    struct out_alert *a = out_alert_new(m, match_standing(m, &em->cause), em->seq++, id,
                                        buf_slice(&em->json), places, buf_slice(&em->key_text));
    a->only_derives = !is_alert(m);
    a->withheld = rule_is_shadow(m->rule) && !em->options->shadow;
    return a;
}

static void add_alert(struct emitter *em, const struct match *m, struct hash128 id,
                      struct alert_memo *memo)
{
    struct out_alert *a = alert_of(em, m, id, memo);
    if (m->per == NULL) {
        VEC_PUSH(em->alerts, em->n, em->cap) = a;
        return;
    }
    a->fate = ALERT_ASKS;
    VEC_PUSH(em->asking, em->n_asking, em->cap_asking) = a;
    derived_list_add(&em->derived, derived_of_alert(m, a, &em->cause, &em->store));
}

static void add_derived(void *ctx, struct derived *d)
{
    struct emitter *em = ctx;
    derived_list_add(&em->derived, d);
}

void emitter_match(void *ctx, const struct match *m)
{
    struct emitter *em = ctx;
    bool line = leaves_line(em, m);
    if (m->kind == MATCH_PENDING) {
        em->pending += !rule_is_copy(m->rule);
        line &= em->show_pending;
    }
    if (!line && m->derived == NULL) {
        return;
    }
    struct alert_memo *memo = alert_memo_take(&em->memo, m);
    struct hash128 id = match_id_again(em->options->rs, m, memo);
    if (line) {
        add_alert(em, m, id, memo);
    }
    if (m->derived != NULL) {
        derived_of_match(em->options->rs, m, id, &em->cause, &em->store, add_derived, em);
    }
}

void emitter_settle(struct emitter *em, struct out_order *to)
{
    for (size_t i = 0; i < em->n_asking; i++) {
        struct out_alert *a = em->asking[i];
        assert(a->fate != ALERT_ASKS);
        if (a->fate == ALERT_GOES) {
            out_order_add(to, a);
        } else {
            free(a);
        }
    }
    em->n_asking = 0;
}

void emitter_drain(struct emitter *em, struct out_order *to)
{
    for (size_t i = 0; i < em->n; i++) {
        out_order_add(to, em->alerts[i]);
    }
    em->n = 0;
}
