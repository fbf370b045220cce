#include "nfa/functions.h"

#include "base/attr.h"
#include "nfa/functions_internal.h"

const struct function *functions_find(struct slice name)
{
    uint32_t n;
    const struct function *all = functions_all(&n);
    for (uint32_t i = 0; i < n; i++) {
        if (slice_eq_str(name, all[i].name)) {
            return &all[i];
        }
    }
    return NULL;
}

/* ---- parameters --------------------------------------------------------------------------- */

struct param {
    char letter;
    bool optional, repeats;
};

/* Parameter at `*at` of the text; false at its end. A repeating one stays in place. */
static bool next_param(const char **at, struct param *p)
{
    if (!**at) {
        return false;
    }
    p->letter = **at;
    char mark = (*at)[1];
    p->optional = mark == '?';
    p->repeats = mark == '+';
    if (!p->repeats) {
        *at += p->optional ? 2 : 1;
    }
    return true;
}

/* VAL_MISSING: several kinds. */
static enum value_kind letter_kind(char letter)
{
    switch (letter) {
    case 'b':
        return VAL_BOOL;
    case 'i':
        return VAL_INT;
    case 'd':
        return VAL_DECIMAL;
    case 'f':
        return VAL_FLOAT;
    case 's':
    case 'P':
    case 'U':
    case 'Z':
        return VAL_STRING;
    case 't':
        return VAL_TIMESTAMP;
    case 'u':
        return VAL_DURATION;
    case 'p':
        return VAL_IP;
    case 'c':
        return VAL_CIDR;
    case 'g':
        return VAL_GEO;
    case 'l':
        return VAL_LIST;
    default:
        return VAL_MISSING;
    }
}

static bool widens(enum value_kind from, enum value_kind to)
{
    return from == VAL_INT && (to == VAL_DECIMAL || to == VAL_FLOAT);
}

/* The kind that both may become; VAL_MISSING: none. */
static enum value_kind common_kind(enum value_kind a, enum value_kind b)
{
    if (a == b || a == VAL_MISSING) {
        return b;
    }
    if (widens(a, b)) {
        return b;
    }
    return widens(b, a) ? a : VAL_MISSING;
}

static bool param_takes(struct param p, enum value_kind kind, bool widening,
                        enum value_kind *common)
{
    if (p.letter == 'A') {
        return true;
    }
    if (p.letter == 'T') {
        *common = common_kind(*common, kind);
        return *common != VAL_MISSING;
    }
    enum value_kind want = letter_kind(p.letter);
    return kind == want || (widening && widens(kind, want));
}

static bool overload_takes(const struct function_overload *o, const enum value_kind *kinds,
                           uint32_t n, bool widening, enum value_kind *common)
{
    const char *at = o->params;
    struct param p;
    uint32_t i = 0;
    *common = VAL_MISSING;
    while (next_param(&at, &p)) {
        if (i == n) {
            return p.optional || (p.repeats && n > 0);
        }
        if (!param_takes(p, kinds[i], widening, common)) {
            return false;
        }
        i++;
    }
    return i == n;
}

bool function_resolve(const struct function *fn, const enum value_kind *kinds, uint32_t n,
                      struct function_match *ret)
{
    for (int widening = 0; widening <= 1; widening++) {
        for (uint32_t i = 0; i < fn->n_overloads; i++) {
            const struct function_overload *o = &fn->overloads[i];
            enum value_kind common;
            if (overload_takes(o, kinds, n, widening, &common)) {
                enum value_kind result = o->result == 'T' ? common : letter_kind(o->result);
                *ret = (struct function_match){fn, o, result, common};
                return true;
            }
        }
    }
    return false;
}

static struct param param_at(const struct function_match *m, uint32_t i)
{
    const char *at = m->overload->params;
    struct param p = {0};
    for (uint32_t k = 0; k <= i; k++) {
        if (!next_param(&at, &p)) {
            return (struct param){0};
        }
    }
    return p;
}

enum value_kind function_param_kind(const struct function_match *m, uint32_t i)
{
    struct param p = param_at(m, i);
    return p.letter == 'T' ? m->common : letter_kind(p.letter);
}

enum param_role function_param_role(const struct function_match *m, uint32_t i)
{
    switch (param_at(m, i).letter) {
    case 'P':
        return PARAM_PART;
    case 'U':
        return PARAM_UNIT;
    case 'Z':
        return PARAM_ZONE;
    default:
        return PARAM_PLAIN;
    }
}

const char *const *function_words(enum param_role role)
{
    if (role == PARAM_PART) {
        return date_part_words;
    }
    return role == PARAM_UNIT ? time_unit_words : NULL;
}

bool function_word_known(enum param_role role, struct slice word)
{
    const char *const *words = function_words(role);
    for (; words && *words; words++) {
        if (slice_eq_str(word, *words)) {
            return true;
        }
    }
    return false;
}

/* ---- text --------------------------------------------------------------------------------- */

static const char *letter_name(char letter)
{
    switch (letter) {
    case 'A':
        return "any";
    case 'T':
        return "T";
    case 'P':
        return "part";
    case 'U':
        return "unit";
    case 'Z':
        return "zone";
    default:
        return value_kind_name(letter_kind(letter));
    }
}

void function_signature(const struct function *fn, uint32_t overload, struct buf *out)
{
    const char *at = fn->overloads[overload].params;
    const char *sep = "";
    struct param p;
    buf_printf(out, "%s(", fn->name);
    while (next_param(&at, &p)) {
        buf_printf(out, "%s%s%s%s", p.optional ? "[" : "", sep, letter_name(p.letter),
                   p.optional ? "]" : "");
        sep = ", ";
        if (p.repeats) {
            buf_puts(out, ", ...");
            break;
        }
    }
    buf_printf(out, ") -> %s", letter_name(fn->overloads[overload].result));
}

/* ---- aggregates --------------------------------------------------------------------------- */

const struct aggregate *aggregates_find(struct slice name)
{
    uint32_t n;
    const struct aggregate *all = aggregates_all(&n);
    for (uint32_t i = 0; i < n; i++) {
        if (slice_eq_str(name, all[i].name)) {
            return &all[i];
        }
    }
    return NULL;
}

static bool is_number(enum value_kind kind)
{
    return kind == VAL_INT || kind == VAL_DECIMAL || kind == VAL_FLOAT || kind == VAL_DURATION;
}

static bool argument_fits(enum agg_argument rule, enum value_kind kind)
{
    switch (rule) {
    case AGG_TAKES_NAME:
        return true;
    case AGG_TAKES_EVENTS:
        return kind == VAL_MISSING;
    case AGG_TAKES_NUMBER:
        return is_number(kind);
    case AGG_TAKES_ORDERED:
        return is_number(kind) || kind == VAL_STRING || kind == VAL_TIMESTAMP;
    case AGG_TAKES_SCALAR:
        return kind != VAL_MISSING && kind != VAL_LIST;
    case AGG_TAKES_ANY:
        return kind != VAL_MISSING;
    }
    return false;
}

bool aggregate_resolve(const struct aggregate *agg, enum value_kind kind, enum value_kind *result,
                       enum value_kind *item)
{
    *item = VAL_MISSING;
    if (!argument_fits(agg->argument, kind)) {
        return false;
    }
    switch (agg->result) {
    case AGG_GIVES_INT:
        *result = VAL_INT;
        break;
    case AGG_GIVES_SAME:
        *result = kind;
        break;
    case AGG_GIVES_MEAN:
        *result = kind == VAL_INT ? VAL_DECIMAL : kind;
        break;
    case AGG_GIVES_LIST:
        *result = VAL_LIST;
        *item = kind;
        break;
    case AGG_GIVES_DURATION:
        *result = VAL_DURATION;
        break;
    }
    return true;
}

bool aggregate_second_fits(const struct aggregate *agg, struct value v)
{
    if (agg->op == AGG_NTH) {
        return v.kind == VAL_INT && v.u.i >= 1;
    }
    if (v.kind == VAL_INT) {
        return v.u.i >= 0 && v.u.i <= 100;
    }
    return v.kind == VAL_DECIMAL && decimal_sign(value_as_decimal(v)) >= 0 &&
           decimal_cmp(value_as_decimal(v), decimal_from_int64(100)) <= 0;
}

void aggregate_signature(const struct aggregate *agg, struct buf *out)
{
    static const char *const arguments[] = {
        [AGG_TAKES_NAME] = "name [where condition]",
        [AGG_TAKES_EVENTS] = "name",
        [AGG_TAKES_NUMBER] = "name.number",
        [AGG_TAKES_ORDERED] = "name.field",
        [AGG_TAKES_SCALAR] = "name.field",
        [AGG_TAKES_ANY] = "name.field",
    };
    static const char *const results[] = {
        [AGG_GIVES_INT] = "int",       [AGG_GIVES_SAME] = "as the field",
        [AGG_GIVES_MEAN] = "decimal, float or duration", [AGG_GIVES_LIST] = "list",
        [AGG_GIVES_DURATION] = "duration",
    };
    buf_printf(out, "%s(%s", agg->name,
               agg->profiles_only ? "field" : arguments[agg->argument]);
    if (agg->second) {
        buf_printf(out, ", %s", agg->second);
    }
    buf_printf(out, ") -> %s", results[agg->result]);
}
