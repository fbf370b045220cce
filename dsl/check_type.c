/* Types of fields as written. */
#include "dsl/check.h"
#include "dsl/foreign.h"

static const struct {
    const char *name;
    enum field_type type;
} types[] = {
    {"bool", TYPE_BOOL},           {"int", TYPE_INT},       {"decimal", TYPE_DECIMAL},
    {"float", TYPE_FLOAT},         {"string", TYPE_STRING}, {"timestamp", TYPE_TIMESTAMP},
    {"duration", TYPE_DURATION},   {"ip", TYPE_IP},         {"cidr", TYPE_CIDR},
    {"geo", TYPE_GEO},
};

static bool find_type(struct checker *c, const struct ast_name *name, enum field_type *ret)
{
    struct suggest s = suggest_for(name->text);
    for (size_t i = 0; i < FYKE_ARRAY_LEN(types); i++) {
        if (slice_eq_str(name->text, types[i].name)) {
            *ret = types[i].type;
            return true;
        }
        suggest_try(&s, slice_of(types[i].name));
    }
    struct diag *d = check_error(c, "E0312", name->span, "unknown type `%.*s`",
                                 SLICE_ARG(name->text));
    const char *same = foreign_type(name->text);
    if (same) {
        check_help(c, d, "here it is called `%s`", same);
    } else if (s.best.ptr) {
        check_suggest(c, d, &s);
    } else {
        check_help(c, d, "types are string, bool, int, decimal, float, timestamp, duration, ip, "
                         "cidr, geo, enum(…), set of …, list of …");
    }
    return false;
}

static bool find_unit(struct checker *c, const struct ast_name *unit, enum time_unit *ret)
{
    static const struct {
        const char *name;
        enum time_unit unit;
    } units[] = {{"s", UNIT_S}, {"ms", UNIT_MS}, {"us", UNIT_US}, {"ns", UNIT_NS}};
    for (size_t i = 0; i < FYKE_ARRAY_LEN(units); i++) {
        if (slice_eq_str(unit->text, units[i].name)) {
            *ret = units[i].unit;
            return true;
        }
    }
    struct diag *d = check_error(c, "E0312", unit->span, "unknown unit `%.*s` of a timestamp",
                                 SLICE_ARG(unit->text));
    check_help(c, d, "write `timestamp in s`, `ms`, `us` or `ns`");
    return false;
}

static bool enum_type(struct checker *c, const struct ast_type *type, struct schema_field *f)
{
    f->type = TYPE_ENUM;
    f->enum_values = ARENA_ARRAY(c->out, struct slice, type->values.n + 1);
    bool ok = true;
    for (const struct ast_literal *l = type->values.first; l; l = l->next) {
        for (uint32_t i = 0; i < f->n_enum_values; i++) {
            if (slice_eq(f->enum_values[i], l->string)) {
                check_error(c, "E0304", l->span, "\"%.*s\" stands here twice",
                            SLICE_ARG(l->string));
                ok = false;
            }
        }
        f->enum_values[f->n_enum_values++] = arena_copy(c->out, l->string);
    }
    return ok;
}

bool check_type(struct checker *c, const struct ast_type *type, struct schema_field *f)
{
    if (type->kind == AST_TYPE_ENUM) {
        return enum_type(c, type, f);
    }
    f->is_set = type->kind == AST_TYPE_SET;
    f->is_list = f->is_set || type->kind == AST_TYPE_LIST;
    if (!ast_name_given(type->name) || !find_type(c, type->name, &f->type)) {
        return false;
    }
    if (!ast_name_given(type->unit)) {
        return true;
    }
    if (f->type != TYPE_TIMESTAMP) {
        check_error(c, "E0312", type->unit->span, "only a timestamp has a unit");
        return false;
    }
    return find_unit(c, type->unit, &f->unit);
}
