/* Builds expressions, events and bindings by hand, for unit tests of the evaluator. */
#ifndef FYKE_TESTS_EXPR_WORLD_H
#define FYKE_TESTS_EXPR_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "nfa/expr.h"
#include "nfa/functions.h"

#define WORLD_SLOTS 4
#define WORLD_CACHES 16

struct world {
    struct arena arena;   /* expressions and events */
    struct arena scratch; /* ev.scratch */
    struct eval ev;
    struct eval_counters counters;
    struct slot_binding slots[WORLD_SLOTS];
};

int world_setup(void **state);
int world_teardown(void **state);

/* Values. */
struct value dec(const char *text);
struct value text(const char *s);
struct value of_text(enum value_kind kind, const char *s);
struct value secs(int64_t s); /* duration */
struct value at_time(const char *rfc3339);
struct value list_of(struct world *w, uint32_t n, const struct value *items);

/* Expressions. */
struct expr *ex(struct world *w, enum expr_op op, enum value_kind kind, uint32_t n, ...);
struct expr *con(struct world *w, struct value v);
struct expr *field(struct world *w, enum expr_op op, uint32_t slot_of_value, int32_t slot);
struct expr *agg(struct world *w, enum agg_op op, enum value_kind kind, struct expr *value,
                 struct expr *where, struct expr *second);
struct expr *call(struct world *w, const char *name, uint32_t n, ...);
const struct field_ref *field_ref(struct world *w, uint32_t slot_of_value);

/* Events of declaration 0; time in seconds, offset rising. */
struct event *event_at(struct world *w, int64_t at_s, uint32_t n, const struct value *values);
void bind_event(struct world *w, uint32_t slot, const struct event *e);
void unbind(struct world *w, uint32_t slot, uint32_t keep);

/* Checks. */
void expect_json(struct world *w, const struct expr *e, const char *json); /* NULL: missing */
void expect_shown(struct value v, const char *json);
/* 'T', 'F' or '?'. */
char truth(struct world *w, const struct expr *e);

#endif
