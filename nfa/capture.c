#include "nfa/capture.h"

#include <string.h>

const struct event *capture_event(const struct rule *rule, const struct event *e, uint64_t tests,
                                  struct eval *ev)
{
    uint32_t n = rule->n_captures;
    if (n == 0) {
        return e;
    }
    size_t head = sizeof(*e) + e->n_values * sizeof(struct value);
    struct event *copy = arena_alloc(ev->scratch, head + n * sizeof(struct value));
    memcpy(copy, e, head);
    copy->n_values += n;
    copy->bytes = 0; /* its text is not in the block */
    for (uint32_t i = 0; i < n; i++) {
        const struct rule_capture *c = &rule->captures[i];
        copy->values[e->n_values + i] =
            c->tests & tests ? expr_eval(c->value, ev) : VALUE_MISSING;
    }
    return copy;
}
