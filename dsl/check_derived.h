/* Derived events (`emit event Name { … }`): who derives what, and what its fields are. */
#ifndef FYKE_DSL_CHECK_DERIVED_H
#define FYKE_DSL_CHECK_DERIVED_H

#include "dsl/check.h"

/* A rule that derives the event. */
struct derived_by {
    struct derived_by *next;
    uint32_t rule; /* in order of declaration */
    const struct ast_emit *emit;
};

struct derived_event {
    struct derived_event *next; /* in order of first `emit event` */
    struct slice name;
    struct symbol *symbol;
    const struct ast_event *declared; /* without a source, or NULL */
    struct derived_by *by, *last_by;  /* in order of declaration */
    const struct ast_emit *first;     /* whose body gave the fields; NULL: not yet, or declared */
};

struct derived_events {
    struct derived_event *first, *last;
    uint32_t n;
    struct map by_name; /* name → struct derived_event */
};

/* Enters what rules derive into the namespace; after all declarations. */
void derived_declare(struct checker *c);
void derived_release(struct checker *c);
/* Behind the declarations as written: one for each event that has none. */
void derived_add_decls(struct checker *c);
const struct derived_event *derived_find(const struct checker *c, struct slice name);
/* What is read of an event in a circle: nothing, and nothing more is reported. */
struct event_source *derived_broken_source(struct checker *c, struct slice name);

/* The body of an `emit event` of the rule, its values in plan->fields: gives the event its fields, or
 * compares them with those it has. */
void derived_fields(struct rule_ctx *r, const struct ast_emit *e, struct emit_plan *plan,
                    const struct typed *values);
/* may_miss.c: the value of an output may be missing. */
bool output_may_miss(const struct rule_ctx *r, const struct expr *e, bool on_timeout);
bool measure_may_miss(const struct ruleset *rs, const struct measure *m);
/* Read, declared without a source, and no rule derives it (W0419). */
void derived_lint(struct checker *c);

#endif
