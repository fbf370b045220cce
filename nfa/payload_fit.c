#include "nfa/payload_fit.h"

/* The type that messages hold: of a wrapper the one in it. */
static const struct payload_type *held(const struct payload_type *t)
{
    return t->meaning == MEANS_WRAPPER && t->n_fields > 0 ? t->fields[0].type : t;
}

static bool is_plain(const struct payload_type *t, enum payload_kind kind)
{
    return t->kind == kind && t->meaning == MEANS_ITSELF;
}

static bool is_number(const struct payload_type *t)
{
    return is_plain(t, PAYLOAD_INT) || t->kind == PAYLOAD_FLOAT || t->kind == PAYLOAD_DOUBLE ||
           t->meaning == MEANS_DECIMAL;
}

static bool is_instant(const struct payload_type *t)
{
    return t->meaning == MEANS_TIMESTAMP || t->meaning == MEANS_TIMESTAMP_MS ||
           t->meaning == MEANS_TIMESTAMP_US || t->meaning == MEANS_TIMESTAMP_NS;
}

/* Written as text that is not a number. */
static bool is_text(const struct payload_type *t)
{
    switch (t->meaning) {
    case MEANS_ITSELF:
        return t->kind == PAYLOAD_STRING || t->kind == PAYLOAD_BYTES || t->kind == PAYLOAD_FIXED ||
               t->kind == PAYLOAD_ENUM;
    case MEANS_DATE:
    case MEANS_TIME_MS:
    case MEANS_TIME_US:
    case MEANS_TIMESTAMP_MS:
    case MEANS_TIMESTAMP_US:
    case MEANS_TIMESTAMP_NS:
    case MEANS_LOCAL_MS:
    case MEANS_LOCAL_US:
    case MEANS_LOCAL_NS:
    case MEANS_UUID:
    case MEANS_TIMESTAMP:
    case MEANS_DURATION: return true;
    case MEANS_DECIMAL:
    case MEANS_MONTHS:
    case MEANS_WRAPPER:
    case MEANING_COUNT: break;
    }
    return false;
}

static bool is_string(const struct payload_type *t)
{
    return t->kind == PAYLOAD_STRING;
}

/* {"lat":…,"lon":…} or [lon,lat] */
static bool is_place(const struct payload_type *t)
{
    if (t->kind == PAYLOAD_ARRAY || t->kind == PAYLOAD_MAP) {
        return is_number(held(t->items));
    }
    if (t->kind != PAYLOAD_RECORD || t->meaning != MEANS_ITSELF) {
        return false;
    }
    return payload_find_field(t, SLICE_LIT("lat")) && payload_find_field(t, SLICE_LIT("lon"));
}

static bool fits_timestamp(const struct schema_field *f, const struct payload_type *t)
{
    if (f->unit == UNIT_TEXT) {
        return is_instant(t) || is_plain(t, PAYLOAD_STRING);
    }
    return is_number(t);
}

/* One value, no union. */
static bool fits_scalar(const struct schema_field *f, const struct payload_type *t)
{
    switch (f->type) {
    case TYPE_BOOL: return t->kind == PAYLOAD_BOOL;
    case TYPE_INT:
    case TYPE_FLOAT: return is_number(t);
    case TYPE_DECIMAL: return is_number(t) || is_plain(t, PAYLOAD_STRING);
    case TYPE_STRING:
    case TYPE_ENUM: return is_text(t);
    case TYPE_TIMESTAMP: return fits_timestamp(f, t);
    case TYPE_DURATION: return is_plain(t, PAYLOAD_STRING) || t->meaning == MEANS_DURATION;
    case TYPE_IP:
    case TYPE_CIDR: return is_string(t);
    case TYPE_GEO: return is_place(t);
    case TYPE_COUNT: break;
    }
    return true;
}

static struct payload_fit better(struct payload_fit a, struct payload_fit b)
{
    return b.verdict > a.verdict ? b : a;
}

static struct payload_fit fit_value(const struct schema_field *f, const struct payload_type *t,
                                    bool each)
{
    if (t->kind == PAYLOAD_UNION) {
        struct payload_fit best = {.verdict = FIT_NO_TYPE, .type = t};
        bool only = true; /* one branch beside null: name that one */
        for (uint32_t i = 0; i < t->n_branches; i++) {
            if (t->branches[i]->kind != PAYLOAD_NULL) {
                struct payload_fit fit = fit_value(f, t->branches[i], each);
                best.type = only ? fit.type : t;
                best = better(best, fit);
                only = false;
            }
        }
        return best;
    }
    t = held(t);
    if (f->is_list && !each) {
        if (t->kind != PAYLOAD_ARRAY) {
            return (struct payload_fit){.verdict = FIT_NO_TYPE, .type = t};
        }
        return fit_value(f, t->items, true);
    }
    enum fit_verdict verdict = fits_scalar(f, t) ? FIT_OK : FIT_NO_TYPE;
    return (struct payload_fit){.verdict = verdict, .type = t, .is_item = each};
}

static struct payload_fit fit_path(const struct schema_field *f, const struct payload_type *t,
                                   uint32_t part, bool each);

/* Behind "name[*]": into the items. */
static struct payload_fit fit_items(const struct schema_field *f, const struct payload_type *t,
                                    uint32_t part)
{
    struct payload_fit best = {.verdict = FIT_NO_TYPE, .type = t};
    if (t->kind == PAYLOAD_ARRAY) {
        return fit_path(f, t->items, part, true);
    }
    for (uint32_t i = 0; i < t->n_branches; i++) {
        if (t->branches[i]->kind != PAYLOAD_NULL) {
            best = better(best, fit_items(f, t->branches[i], part));
        }
    }
    return best;
}

static struct payload_fit fit_path(const struct schema_field *f, const struct payload_type *t,
                                   uint32_t part, bool each)
{
    if (part == f->n_parts) {
        return fit_value(f, t, each);
    }
    struct slice name = f->parts[part].name;
    struct payload_fit best = {.verdict = FIT_NO_FIELD, .name = name, .type = t};
    if (t->kind == PAYLOAD_UNION) {
        for (uint32_t i = 0; i < t->n_branches; i++) {
            if (t->branches[i]->kind != PAYLOAD_NULL) {
                struct payload_fit fit = fit_path(f, t->branches[i], part, each);
                best = best.type == t || fit.verdict > best.verdict ? fit : best;
            }
        }
        return best;
    }
    const struct payload_field *field = NULL;
    if (t->kind == PAYLOAD_RECORD && t->meaning == MEANS_ITSELF) {
        field = payload_find_field(t, name);
    }
    const struct payload_type *next = field ? field->type : NULL;
    if (t->kind == PAYLOAD_MAP) {
        next = t->items;
    }
    if (!next) {
        return best;
    }
    return f->parts[part].each ? fit_items(f, next, part + 1) : fit_path(f, next, part + 1, each);
}

struct payload_fit payload_fit_field(const struct schema_field *f, const struct payload_type *root)
{
    return fit_path(f, root, 0, false);
}

const char *payload_fit_help(const struct schema_field *f, const struct payload_type *t)
{
    bool no_zone = t->meaning == MEANS_LOCAL_MS || t->meaning == MEANS_LOCAL_US ||
                   t->meaning == MEANS_LOCAL_NS || t->meaning == MEANS_DATE;
    if (f->type == TYPE_TIMESTAMP && no_zone) {
        return "without a zone it is no instant; declare it as `string`";
    }
    if (is_instant(t) && (f->type == TYPE_TIMESTAMP || f->type == TYPE_INT)) {
        return "the schema says what it is: write `timestamp`";
    }
    if (f->type == TYPE_TIMESTAMP && f->unit == UNIT_TEXT && is_number(t)) {
        return "a number needs its unit: `timestamp in ms` (s, ms, us, ns)";
    }
    if (t->kind == PAYLOAD_ARRAY && !f->is_list) {
        return "declare it as a list or a set";
    }
    if (t->kind == PAYLOAD_RECORD && t->meaning == MEANS_ITSELF) {
        return "name the field inside of it: `outer.inner`";
    }
    return NULL;
}
