/* Captures: what an event saw.
 *
 * A condition that looks at other events (rule_test.joint, `until`, `having`, values inside an
 * aggregate) may be judged again and again while the event is retained. What such a condition
 * reads that is neither an event nor the key (profiles, lookups and lists that are refreshed) must
 * then be as it was when the event came. So:
 *
 *  - a node of an expression whose answer may change between two events has expr.changes set by
 *    whoever makes it (dsl: EX_PROFILE; lookups and lists that are refreshed);
 *  - after the rule is typed, dsl/capture.c replaces each largest sub-expression of a condition
 *    that has such a node and reads no other event by EX_CAPTURE(i) and enters it as
 *    rule.captures[i], with the tests whose events need it. The original stays as kids[0], so the
 *    canonical text is the same. In `emit` and `per` only what stands inside an aggregate over a
 *    step is captured; the rest is read where the match completes (3.12);
 *  - when an event passes tests, capture_event() computes what these need; the values stand behind
 *    the fields of the retained event: values[n_values - rule.n_captures + i]. So they are copied,
 *    counted, stored and loaded with the event (state_codec.c), and its n_values is larger than
 *    the declaration's;
 *  - what reads the event alone (rule_test.own) is judged once, when the event comes, and needs
 *    no capture: its answer is kept as the candidate's test bits.
 *
 * A sub-expression that reads another event (`home[a.user]`) cannot be captured with this one; it
 * is read when the condition is judged. */
#ifndef FYKE_NFA_CAPTURE_H
#define FYKE_NFA_CAPTURE_H

#include "nfa/rule.h"

/* A copy of `e` in ev->scratch with the captures that events passing `tests` need (the others are
 * missing); `e` itself when the rule has none. ev: own tests' surroundings. */
const struct event *capture_event(const struct rule *rule, const struct event *e, uint64_t tests,
                                  struct eval *ev);

#endif
