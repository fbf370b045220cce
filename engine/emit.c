#include "engine/emit.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/key.h"
#include "engine/match_id.h"

void emitter_init(struct emitter *em, const struct alert_options *options, bool show_pending)
{
    *em = (struct emitter){.options = options, .show_pending = show_pending};
}

void emitter_release(struct emitter *em)
{
    for (size_t i = 0; i < em->n; i++) {
        free(em->alerts[i]);
    }
    free(em->alerts);
    buf_release(&em->json);
    buf_release(&em->key_text);
    *em = (struct emitter){0};
}

/* A rule that only derives events has no alerts of its own. */
static bool rule_alerts(const struct match *m)
{
    const struct rule *r = m->rule;
    if (m->kind == MATCH_TIMEOUT) {
        return r->n_timeouts == 0 || !r->timeouts[0].is_event;
    }
    return r->n_emits == 0 || !r->emits[0].is_event;
}

void emitter_match(void *ctx, const struct match *m)
{
    struct emitter *em = ctx;
    if (m->kind == MATCH_PENDING) {
        em->pending++;
        if (!em->show_pending) {
            return;
        }
    }
    if (!rule_alerts(m)) {
        return;
    }
    buf_clear(&em->json);
    buf_clear(&em->key_text);
    struct hash128 id = match_id(em->options->rs, m);
    alert_json(em->options, m, id, &em->json);
    if (m->rule->n_key > 0) {
        key_to_text(m->key, m->rule->n_key, &em->key_text);
    }
    struct out_alert *a =
        out_alert_new(m, em->seq++, id, buf_slice(&em->json), buf_slice(&em->key_text));
    a->withheld = rule_is_shadow(m->rule) && !em->options->shadow;
    VEC_PUSH(em->alerts, em->n, em->cap) = a;
}

void emitter_drain(struct emitter *em, struct out_order *to)
{
    for (size_t i = 0; i < em->n; i++) {
        out_order_add(to, em->alerts[i]);
    }
    em->n = 0;
}
