/* The functions and aggregates of the rule language: one table that the compiler, the docs and
 * `fyke list functions` read. Adding a function is one row in functions_table.c and its code.
 *
 * Parameter letters: b bool, i int, d decimal, f float, s string, t timestamp, u duration, p ip,
 * c cidr, g geo, l list, A anything, T anything, all T of one type; and strings that must be
 * constants: P part of a date, U unit of time, Z zone name. `?` after a letter: may be left out;
 * `+`: once or more (last parameter only). The result is one letter, T = the common type.
 *
 * Ints widen to decimal or float where the parameter asks for it: the compiler inserts
 * EX_TO_DECIMAL or EX_TO_FLOAT wherever function_param_kind() differs from the argument's kind. */
#ifndef FYKE_NFA_FUNCTIONS_H
#define FYKE_NFA_FUNCTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "nfa/expr.h"

struct function_overload {
    const char *params;
    char result;
    fn_impl impl;
};

struct function {
    const char *name;
    const char *group; /* "text", "math", "time", "place", "other", "cast" */
    bool takes_missing; /* for expr.takes_missing */
    const struct function_overload *overloads;
    uint32_t n_overloads;
    const char *doc; /* one line, without a full stop */
    const char *example;
};

/* By name; NULL: no such function. */
const struct function *functions_find(struct slice name);
/* In order of groups; *ret_n rows. */
const struct function *functions_all(uint32_t *ret_n);

enum param_role {
    PARAM_PLAIN,
    PARAM_PART, /* constant, one of function_words() */
    PARAM_UNIT, /* the same */
    PARAM_ZONE, /* constant; the compiler replaces it by zone_value() of the parsed zone */
};

struct function_match {
    const struct function *fn;
    const struct function_overload *overload;
    enum value_kind result;
    enum value_kind common; /* of the T parameters; VAL_MISSING without any */
};

/* The overload that takes arguments of these kinds; exact fits go before widening. */
bool function_resolve(const struct function *fn, const enum value_kind *kinds, uint32_t n,
                      struct function_match *ret);
/* Kind that argument i must have; VAL_MISSING: whatever it has. */
enum value_kind function_param_kind(const struct function_match *m, uint32_t i);
enum param_role function_param_role(const struct function_match *m, uint32_t i);
/* NULL-terminated words of PARAM_PART and PARAM_UNIT; NULL for the other roles. */
const char *const *function_words(enum param_role role);
bool function_word_known(enum param_role role, struct slice word);

/* "substring(string, int[, int]) -> string" of one overload. */
void function_signature(const struct function *fn, uint32_t overload, struct buf *out);

/* ---- aggregates --------------------------------------------------------------------------- */

enum agg_argument {
    AGG_TAKES_NAME,    /* an alias: count(fail); also a field: its present values */
    AGG_TAKES_EVENTS,  /* an alias only */
    AGG_TAKES_NUMBER,  /* a field: int, decimal, float, duration */
    AGG_TAKES_ORDERED, /* the same, string, timestamp */
    AGG_TAKES_SCALAR,  /* anything but a list */
    AGG_TAKES_ANY,
};
enum agg_result {
    AGG_GIVES_INT,
    AGG_GIVES_SAME,
    AGG_GIVES_MEAN, /* int gives decimal, else the same */
    AGG_GIVES_LIST, /* of the argument's kind */
    AGG_GIVES_DURATION,
};

struct aggregate {
    const char *name;
    enum agg_op op;
    enum agg_argument argument;
    enum agg_result result;
    const char *second; /* second argument, a constant: "n", "percent"; NULL: none */
    const char *doc;
    const char *example;
    bool profiles_only; /* a measure of a profile, nothing in rules */
};

const struct aggregate *aggregates_find(struct slice name);
const struct aggregate *aggregates_all(uint32_t *ret_n);
/* `kind` of the value under the aggregate, VAL_MISSING for a bare alias. False: not allowed.
 * *item is the kind of a list's items, else VAL_MISSING. */
bool aggregate_resolve(const struct aggregate *agg, enum value_kind kind, enum value_kind *result,
                       enum value_kind *item);
/* The constant second argument fits: nth: int >= 1; percentile: int or decimal in 0..100. */
bool aggregate_second_fits(const struct aggregate *agg, struct value v);
void aggregate_signature(const struct aggregate *agg, struct buf *out);

#endif
