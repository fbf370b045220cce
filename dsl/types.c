/* Conversions that the language makes by itself: literals take the type they meet, int widens.
 * Everything else is an error that names both types. */
#include "dsl/check.h"

#include "base/decimal.h"
#include "base/ip.h"
#include "base/json_out.h"

static const char *kind_word(enum value_kind kind)
{
    return kind == VAL_MISSING ? "nothing" : value_kind_name(kind);
}

const char *want_text(struct checker *c, struct want w)
{
    if (w.enum_of) {
        return "enum";
    }
    if (w.kind == VAL_LIST) {
        return w.item == VAL_MISSING ? "list"
                                     : arena_printf(c->arena, "list of %s", kind_word(w.item));
    }
    return kind_word(w.kind);
}

const char *type_text(struct checker *c, struct typed t)
{
    return want_text(c, (struct want){t.kind, t.item, t.enum_of});
}

/* ---- literals ---------------------------------------------------------------------------- */

static bool number_to_decimal(struct value v, struct decimal *ret)
{
    switch (v.kind) {
    case VAL_INT:
        *ret = decimal_from_int64(v.u.i);
        return true;
    case VAL_DECIMAL:
        *ret = value_as_decimal(v);
        return true;
    case VAL_FLOAT: {
        struct buf text = BUF_INIT;
        json_put_double(&text, v.u.f);
        bool ok = decimal_parse(buf_slice(&text), ret);
        buf_release(&text);
        return ok;
    }
    default:
        return false;
    }
}

/* A number literal as another numeric type; false when its value does not allow that. */
static bool convert_number(struct value v, enum value_kind kind, struct value *ret)
{
    struct decimal d;
    int64_t i;
    if (v.kind == kind) {
        *ret = v;
        return true;
    }
    if (kind == VAL_FLOAT) {
        *ret = value_float(v.kind == VAL_INT ? (double)v.u.i
                                             : decimal_to_double(value_as_decimal(v)));
        return true;
    }
    if (!number_to_decimal(v, &d)) {
        return false;
    }
    if (kind == VAL_DECIMAL) {
        *ret = value_decimal(d);
        return true;
    }
    if (!decimal_to_int64(d, &i)) {
        return false;
    }
    *ret = value_int(i);
    return true;
}

static bool convert_text(struct value v, enum value_kind kind, struct value *ret)
{
    struct slice text = value_as_slice(v);
    struct ip ip;
    struct cidr net;
    struct etime time;
    if (kind == VAL_IP && ip_parse(text, &ip)) {
        *ret = value_ip(ip);
        return true;
    }
    if (kind == VAL_CIDR && cidr_parse(text, &net)) {
        *ret = value_cidr(net);
        return true;
    }
    if (kind == VAL_TIMESTAMP && etime_parse(text, true, &time)) {
        *ret = value_timestamp(time);
        return true;
    }
    return false;
}

static bool text_converts_to(enum value_kind kind)
{
    return kind == VAL_IP || kind == VAL_CIDR || kind == VAL_TIMESTAMP;
}

static bool enum_has(const struct schema_field *f, struct slice text)
{
    for (uint32_t i = 0; i < f->n_enum_values; i++) {
        if (slice_eq(f->enum_values[i], text)) {
            return true;
        }
    }
    return false;
}

/* Also lists of values: `in ("a", "b")`. */
static bool check_enum_value(struct checker *c, const struct typed *t,
                             const struct schema_field *f)
{
    struct slice text = value_as_slice(t->e->value);
    if (enum_has(f, text)) {
        return true;
    }
    struct suggest s = suggest_for(text);
    struct buf all = BUF_INIT;
    for (uint32_t i = 0; i < f->n_enum_values; i++) {
        suggest_try(&s, f->enum_values[i]);
        buf_printf(&all, "%s\"%.*s\"", i ? ", " : "", SLICE_ARG(f->enum_values[i]));
    }
    struct diag *d = check_error(c, "E0309", t->span, "\"%.*s\" is no value of `%.*s`",
                                 SLICE_ARG(text), SLICE_ARG(f->name));
    if (s.best.ptr) {
        check_help(c, d, "did you mean \"%.*s\"?", SLICE_ARG(s.best));
    } else {
        check_help(c, d, "declared are %s", buf_cstr(&all));
    }
    buf_release(&all);
    return false;
}

static struct typed constant(struct checker *c, struct typed t, struct value v)
{
    t.e = expr_const(c, v);
    t.kind = (enum value_kind)v.kind;
    t.literal = false;
    return t;
}

/* ---- conversion -------------------------------------------------------------------------- */

static struct typed widen(struct checker *c, struct typed t, enum value_kind kind)
{
    if (t.e->op == EX_CONST && t.e->value.kind == VAL_INT) {
        struct value v = VALUE_MISSING;
        convert_number(t.e->value, kind, &v);
        return constant(c, t, v);
    }
    struct expr *e = expr_new(c, kind == VAL_FLOAT ? EX_TO_FLOAT : EX_TO_DECIMAL, kind, 1);
    e->kids[0] = t.e;
    t.e = e;
    t.kind = kind;
    t.literal = false;
    return t;
}

static bool list_items_fit(struct typed t, struct want want)
{
    if (t.item == want.item || want.item == VAL_MISSING || t.item == VAL_MISSING) {
        return true;
    }
    for (uint32_t i = 0; t.items && i < t.e->n_kids; i++) {
        if (!type_fits(t.items[i], (struct want){.kind = want.item})) {
            return false;
        }
    }
    return t.items != NULL;
}

bool type_fits(struct typed t, struct want want)
{
    struct value ignored;
    if (!t.e) {
        return false;
    }
    if (t.kind == want.kind) {
        return t.kind != VAL_LIST || list_items_fit(t, want);
    }
    if (t.literal && kind_is_number(t.kind) && kind_is_number(want.kind)) {
        return convert_number(t.e->value, want.kind, &ignored);
    }
    if (t.literal && t.kind == VAL_STRING && text_converts_to(want.kind)) {
        return convert_text(t.e->value, want.kind, &ignored);
    }
    return t.kind == VAL_INT && (want.kind == VAL_DECIMAL || want.kind == VAL_FLOAT);
}

static void report_mismatch(struct checker *c, struct typed t, struct want want, const char *what)
{
    if (t.literal && t.kind == VAL_STRING && text_converts_to(want.kind)) {
        check_error(c, "E0313", t.span, "\"%.*s\" is not %s %s",
                    SLICE_ARG(value_as_slice(t.e->value)), want.kind == VAL_IP ? "an" : "a",
                    want.kind == VAL_IP ? "ip address" : want_text(c, want));
        return;
    }
    struct diag *d = check_error(c, "E0305", t.span, "%s takes %s, this is %s", what,
                                 want_text(c, want), type_text(c, t));
    if ((t.kind == VAL_DECIMAL && want.kind == VAL_FLOAT) ||
        (t.kind == VAL_FLOAT && want.kind == VAL_DECIMAL)) {
        check_help(c, d, "convert it: `%s(…)`", kind_word(want.kind));
    } else if (kind_is_number(t.kind) && want.kind == VAL_STRING) {
        check_help(c, d, "write it as text: \"…\", or convert it: `string(…)`");
    } else if (t.kind == VAL_STRING && kind_is_number(want.kind)) {
        check_help(c, d, "write the number without quotes");
    }
}

static struct typed convert_list(struct checker *c, struct typed t, struct want want,
                                 const char *what)
{
    struct expr *list = expr_new(c, EX_LIST, VAL_LIST, t.e->n_kids);
    struct typed *items = ARENA_ARRAY(c->arena, struct typed, (size_t)t.e->n_kids + 1);
    bool ok = true;
    for (uint32_t i = 0; i < t.e->n_kids; i++) {
        items[i] = type_convert(c, t.items[i], (struct want){want.item, VAL_MISSING, want.enum_of},
                                what);
        list->kids[i] = items[i].e;
        ok = ok && items[i].e;
    }
    list->item_kind = (uint8_t)want.item;
    t.e = list;
    t.items = items;
    t.item = want.item;
    return ok ? t : TYPED_UNKNOWN;
}

struct typed type_convert(struct checker *c, struct typed t, struct want want, const char *what)
{
    struct value v;
    if (!t.e || want.kind == VAL_MISSING) {
        return t;
    }
    if (t.items && want.kind == VAL_LIST && want.item != VAL_MISSING) {
        return convert_list(c, t, want, what);
    }
    if (!type_fits(t, want)) {
        report_mismatch(c, t, want, what);
        return TYPED_UNKNOWN;
    }
    if (t.kind == want.kind) {
        if (want.enum_of && t.literal && !check_enum_value(c, &t, want.enum_of)) {
            return TYPED_UNKNOWN;
        }
        return t;
    }
    if (t.literal && kind_is_number(t.kind) && convert_number(t.e->value, want.kind, &v)) {
        return constant(c, t, v);
    }
    if (t.literal && t.kind == VAL_STRING && convert_text(t.e->value, want.kind, &v)) {
        return constant(c, t, v);
    }
    return widen(c, t, want.kind);
}

/* A text literal as the address or network that it looks like. */
struct typed type_address(struct checker *c, struct typed t)
{
    bool network = t.literal && t.kind == VAL_STRING &&
                   memchr(t.e->value.u.str, '/', t.e->value.len);
    if (t.kind == VAL_IP || t.kind == VAL_CIDR) {
        return t;
    }
    return type_convert(c, t, (struct want){.kind = network ? VAL_CIDR : VAL_IP},
                        "a list of addresses");
}

/* ---- two operands ------------------------------------------------------------------------ */

/* The type that both can have, VAL_MISSING without one. A literal follows the other operand; a
 * fraction beside an int makes both decimal. */
static enum value_kind common_kind(const struct typed *a, const struct typed *b)
{
    if (a->kind == b->kind) {
        return a->kind;
    }
    if (a->literal != b->literal) {
        const struct typed *lit = a->literal ? a : b;
        const struct typed *other = a->literal ? b : a;
        if (type_fits(*lit, (struct want){.kind = other->kind})) {
            return other->kind;
        }
    }
    if (kind_is_number(a->kind) && kind_is_number(b->kind)) {
        if (a->kind == VAL_INT) {
            return b->kind;
        }
        if (b->kind == VAL_INT) {
            return a->kind;
        }
        if (a->literal && b->literal) {
            return VAL_DECIMAL;
        }
    }
    return VAL_MISSING;
}

static void report_operands(struct checker *c, struct typed *a, struct typed *b,
                            struct span op_span, const char *op)
{
    if (a->literal != b->literal) {
        const struct typed *lit = a->literal ? a : b;
        const struct typed *other = a->literal ? b : a;
        const char *what = strcmp(op, "list") == 0 ? "this list"
                           : strcmp(op, "if") == 0 ? "this branch"
                                                   : arena_printf(c->arena, "this side of `%s`", op);
        report_mismatch(c, *lit, (struct want){other->kind, other->item, other->enum_of}, what);
        return;
    }
    const char *rule = strcmp(op, "list") == 0 ? "a list holds one type"
                       : strcmp(op, "if") == 0 ? "both branches of `if` have one type"
                                               : arena_printf(c->arena, "`%s` needs one type", op);
    struct diag *d = check_error(c, "E0305", op_span, "%s: here are %s and %s", rule,
                                 type_text(c, *a), type_text(c, *b));
    check_second(c, d, span_join(a->span, b->span), "the two sides");
    if ((a->kind == VAL_DECIMAL && b->kind == VAL_FLOAT) ||
        (a->kind == VAL_FLOAT && b->kind == VAL_DECIMAL)) {
        check_help(c, d, "a decimal and a float need a cast: `float(…)` or `decimal(…)`");
    } else if ((a->kind == VAL_IP && b->kind == VAL_CIDR) ||
               (a->kind == VAL_CIDR && b->kind == VAL_IP)) {
        check_help(c, d, "an address lies in a network: `ip in network`");
    } else if (a->kind == VAL_LIST || b->kind == VAL_LIST) {
        check_help(c, d, "a value lies in a list: `value in list`");
    }
}

bool type_unify(struct checker *c, struct typed *a, struct typed *b, struct span op_span,
                const char *op)
{
    if (!a->e || !b->e) {
        return false;
    }
    enum value_kind kind = common_kind(a, b);
    if (kind == VAL_MISSING) {
        report_operands(c, a, b, op_span, op);
        return false;
    }
    const struct schema_field *enum_of = a->enum_of && b->literal   ? a->enum_of
                                         : b->enum_of && a->literal ? b->enum_of
                                                                    : NULL;
    struct want want = {kind, VAL_MISSING, enum_of};
    if (kind == VAL_LIST) {
        want.item = a->literal ? b->item : a->item;
    }
    *a = type_convert(c, *a, want, op);
    *b = type_convert(c, *b, want, op);
    return a->e && b->e;
}
