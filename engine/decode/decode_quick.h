/* The short way from the spans of a record to its event, for declarations of plain fields: every
 * value is judged and, if kept, written to its place in the event at once.
 *
 * It says yes (or "not claimed") only where decode.c would, with the same event; anything else, an
 * error first of all, is "unsure" and judged there from the beginning. */
#ifndef FYKE_ENGINE_DECODE_DECODE_QUICK_H
#define FYKE_ENGINE_DECODE_DECODE_QUICK_H

#include "engine/decode/decode_field.h"
#include "engine/decode/decode_plan.h"
#include "nfa/event.h"

enum quick_result { QUICK_UNSURE, QUICK_NOT_CLAIMED, QUICK_CLAIMED, QUICK_ACCEPTED };

/* Works out p->quick; p->fields stand. Memory of `arena`. */
void quick_plan(struct plan_decl *p, struct arena *arena);

/* What `where` says, as far as a few words tell it: QUICK_CLAIMED, QUICK_NOT_CLAIMED. */
enum quick_result quick_claims(const struct plan_decl *p, const struct json_span *found);
/* Behind QUICK_CLAIMED. `at_most_ahead`: of the topic. The event is allocated in `arena`. */
enum quick_result quick_event(const struct plan_decl *p, const struct record *r,
                              struct duration at_most_ahead, const struct json_span *found,
                              struct field_room *room, struct arena *arena, struct event **ret);

#endif
