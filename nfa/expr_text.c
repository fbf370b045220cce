/* Membership and text tests: one left operand against one or several candidates. True as soon as
 * one candidate fits; otherwise unknown if one of them is missing, else false. */
#include <assert.h>

#include "base/glob.h"
#include "base/utf8.h"
#include "nfa/expr_internal.h"
#include "nfa/regex.h"
#include "nfa/table.h"
#include "nfa/value_index.h"

typedef bool (*text_fits)(struct slice text, struct slice part, bool fold);

/* The text from byte `at` begins with `part`; *end is the byte behind it in the text. */
static bool prefix_at(struct slice text, size_t at, struct slice part, bool fold, size_t *end)
{
    if (!fold) {
        *end = at + part.len;
        return part.len <= text.len - at &&
               (part.len == 0 || memcmp(text.ptr + at, part.ptr, part.len) == 0);
    }
    size_t i = 0;
    while (i < part.len) {
        uint32_t a;
        uint32_t b;
        if (at >= text.len) {
            return false;
        }
        char bad_a = text.ptr[at];
        char bad_b = part.ptr[i];
        at += utf8_decode(text, at, &a);
        i += utf8_decode(part, i, &b);
        bool bad = a == UTF8_BAD || b == UTF8_BAD;
        if (bad ? a != b || bad_a != bad_b : utf8_fold(a) != utf8_fold(b)) {
            return false;
        }
    }
    *end = at;
    return true;
}

static bool starts_with(struct slice text, struct slice part, bool fold)
{
    size_t end;
    return prefix_at(text, 0, part, fold, &end);
}

static bool contains(struct slice text, struct slice part, bool fold)
{
    if (!fold) {
        return part.len == 0 ||
               (text.len >= part.len && memmem(text.ptr, text.len, part.ptr, part.len) != NULL);
    }
    size_t end;
    for (size_t at = 0;;) {
        if (prefix_at(text, at, part, true, &end)) {
            return true;
        }
        if (at >= text.len) {
            return false;
        }
        uint32_t cp;
        at += utf8_decode(text, at, &cp);
    }
}

/* Folding may change a character's length, so the end is found by walking. */
static bool ends_with(struct slice text, struct slice part, bool fold)
{
    if (!fold) {
        return part.len <= text.len &&
               (part.len == 0 ||
                memcmp(text.ptr + (text.len - part.len), part.ptr, part.len) == 0);
    }
    size_t have = utf8_length(text);
    size_t want = utf8_length(part);
    if (want > have) {
        return false;
    }
    struct slice tail = utf8_substring(text, have - want, want);
    size_t end;
    return prefix_at(tail, 0, part, true, &end) && end == tail.len;
}

static bool glob_fold(struct slice text, struct slice pattern, bool fold)
{
    return glob_match(pattern, text, fold);
}

static bool item_fits(struct value x, struct value item)
{
    if (x.kind == VAL_IP && item.kind == VAL_CIDR) {
        struct cidr net = value_as_cidr(item);
        struct ip ip = value_as_ip(x);
        return cidr_contains(&net, &ip);
    }
    return value_equal(x, item);
}

/* x against one candidate of the test. `x` is present. */
static enum truth fits(const struct expr *e, struct value x, struct value item, bool fold)
{
    if (value_is_missing(item)) {
        return TRUTH_UNKNOWN;
    }
    bool yes = false;
    switch ((enum expr_op)e->op) {
    case EX_IN:
        yes = item_fits(x, item);
        break;
    case EX_GLOB:
    case EX_LIKE:
        yes = glob_fold(value_as_slice(x), value_as_slice(item), e->op == EX_GLOB || fold);
        break;
    case EX_CONTAINS:
        yes = contains(value_as_slice(x), value_as_slice(item), fold);
        break;
    case EX_STARTS_WITH:
        yes = starts_with(value_as_slice(x), value_as_slice(item), fold);
        break;
    case EX_ENDS_WITH:
        yes = ends_with(value_as_slice(x), value_as_slice(item), fold);
        break;
    case EX_CONST: case EX_FIELD: case EX_BOUND: case EX_ITER: case EX_AGG: case EX_KEY:
    case EX_FIRST_AT: case EX_LAST_AT: case EX_DETECTED_AT: case EX_NOT: case EX_AND: case EX_OR:
    case EX_EQ: case EX_NE: case EX_LT: case EX_LE: case EX_GT: case EX_GE: case EX_BETWEEN:
    case EX_MATCHES: case EX_IS_MISSING: case EX_IS_PRESENT: case EX_NEG: case EX_ADD:
    case EX_SUB: case EX_MUL: case EX_DIV: case EX_IF: case EX_LIST: case EX_CALL:
    case EX_TO_DECIMAL: case EX_TO_FLOAT: case EX_MEMBER: case EX_TABLE: case EX_LOOKUP:
    case EX_GEOIP: case EX_PROFILE: case EX_CAPTURE: case EX_OP_COUNT:
        assert(false && "not a text test");
    }
    return yes ? TRUTH_TRUE : TRUTH_FALSE;
}

/* `tags contains "x"`: the list holds the item (text by the fold flag). */
static enum truth list_holds(const struct expr *e, struct value list, struct value part)
{
    if (value_is_missing(part)) {
        return TRUTH_UNKNOWN;
    }
    bool unknown = false;
    for (uint32_t i = 0; i < list.len; i++) {
        struct value item = list.u.items[i];
        if (value_is_missing(item)) {
            unknown = true;
        } else if (e->fold && item.kind == VAL_STRING && part.kind == VAL_STRING) {
            size_t end;
            if (prefix_at(value_as_slice(item), 0, value_as_slice(part), true, &end) &&
                end == item.len) {
                return TRUTH_TRUE;
            }
        } else if (item_fits(item, part)) {
            return TRUTH_TRUE;
        }
    }
    return unknown ? TRUTH_UNKNOWN : TRUTH_FALSE;
}

static enum truth test_one(const struct expr *e, struct value x, struct value item)
{
    if (e->op == EX_CONTAINS && x.kind == VAL_LIST) {
        return list_holds(e, x, item);
    }
    return fits(e, x, item, e->fold);
}

/* Against a literal list: its items are evaluated one by one, until one fits. */
static enum truth test_literal(const struct expr *e, struct value x, const struct expr *list,
                               struct eval *ev)
{
    bool unknown = false;
    for (uint32_t i = 0; i < list->n_kids; i++) {
        enum truth t = test_one(e, x, expr_eval(list->kids[i], ev));
        if (t == TRUTH_TRUE) {
            return t;
        }
        unknown |= t == TRUTH_UNKNOWN;
    }
    return unknown ? TRUTH_UNKNOWN : TRUTH_FALSE;
}

static enum truth test_value(const struct expr *e, struct value x, struct value right)
{
    if (right.kind != VAL_LIST) {
        return test_one(e, x, right);
    }
    bool unknown = false;
    for (uint32_t i = 0; i < right.len; i++) {
        enum truth t = test_one(e, x, right.u.items[i]);
        if (t == TRUTH_TRUE) {
            return t;
        }
        unknown |= t == TRUTH_UNKNOWN;
    }
    return unknown ? TRUTH_UNKNOWN : TRUTH_FALSE;
}

static enum truth search(const struct expr *e, struct value x, struct eval *ev)
{
    switch (regex_search(e->regex, value_as_slice(x), &ev->regex)) {
    case REGEX_YES:
        return TRUTH_TRUE;
    case REGEX_NO:
        return TRUTH_FALSE;
    case REGEX_LIMIT:
        break;
    }
    ev->counters->regex_limit++;
    return TRUTH_UNKNOWN;
}

enum truth text_test(const struct expr *e, struct eval *ev)
{
    struct value x = expr_eval(e->kids[0], ev);
    if (value_is_missing(x)) {
        return TRUTH_UNKNOWN;
    }
    if (e->op == EX_MATCHES) {
        return search(e, x, ev);
    }
    if (e->op == EX_IN && e->index) {
        if (value_index_has(e->index, x)) {
            return TRUTH_TRUE;
        }
        return value_index_has_missing(e->index) ? TRUTH_UNKNOWN : TRUTH_FALSE;
    }
    if (e->op == EX_IN && e->kids[1]->op == EX_TABLE) {
        return table_has(eval_asked_table(e, x, ev), x) ? TRUTH_TRUE : TRUTH_FALSE;
    }
    if (e->kids[1]->op == EX_LIST) {
        return test_literal(e, x, e->kids[1], ev);
    }
    return test_value(e, x, expr_eval(e->kids[1], ev));
}
