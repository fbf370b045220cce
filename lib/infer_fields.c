#include "lib/infer_fields.h"

#include <string.h>

#include "base/utf8.h"
#include "dsl/token.h"

/* Of names whose parts say this; earlier ones are the better guess. */
static const char *const time_names[] = {"event_time", "eventtime", "timestamp", "ts",   "time",
                                         "at",         "when",      "date",      "stamp"};
static const char *const key_names[] = {"user",   "account", "card",  "customer", "client", "member",
                                        "device", "host",    "email", "session",  "ip",     "id"};
#define N_OF(a) (sizeof(a) / sizeof((a)[0]))
static const char several_kinds[] = "values of several kinds";

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
    return (lower(c) >= 'a' && lower(c) <= 'z') || is_digit(c);
}

/* `word` stands in `name` as a part of its own: at, created_at, createdAt, but not category. */
static bool has_part(struct slice name, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= name.len; i++) {
        size_t k = 0;
        while (k < n && lower(name.ptr[i + k]) == word[k]) {
            k++;
        }
        bool begins = i == 0 || !is_alnum(name.ptr[i - 1]) ||
                      (name.ptr[i] >= 'A' && name.ptr[i] <= 'Z');
        bool ends = i + n == name.len || !is_alnum(name.ptr[i + n]) ||
                    (name.ptr[i + n] >= 'A' && name.ptr[i + n] <= 'Z');
        if (k == n && begins && ends) {
            return true;
        }
    }
    return false;
}

/* 0 is the best; `n` for none of them. */
static size_t rank_of(struct slice name, const char *const *words, size_t n)
{
    size_t i = 0;
    while (i < n && !has_part(name, words[i])) {
        i++;
    }
    return i;
}

/* ---- types -------------------------------------------------------------------------------- */

/* Its times, if it has some, are meant as such: a number must be called one. */
static bool may_be_time(const struct infer_field *f)
{
    return f->time.begun && (f->time.unit == UNIT_TEXT ||
                             rank_of(f->name, time_names, N_OF(time_names)) < N_OF(time_names));
}

/* Lists hold times in text only. */
bool infer_is_time(const struct infer_field *f)
{
    return (f->types & INFER_TIME) && may_be_time(f) &&
           (f->time.unit == UNIT_TEXT || !(f->is_list || f->in_list));
}

static const char *time_type(const struct infer_field *f)
{
    static const char *const units[] = {"timestamp", "timestamp in s", "timestamp in ms",
                                        "timestamp in us", "timestamp in ns"};
    return units[f->time.unit];
}

/* NULL: no type holds all values. */
static const char *type_of(const struct infer_field *f)
{
    if (f->values == 0) {
        return "string";
    }
    return infer_is_time(f)           ? time_type(f)
           : f->types & INFER_BOOL    ? "bool"
           : f->types & INFER_IP      ? "ip"
           : f->types & INFER_CIDR    ? "cidr"
           : f->types & INFER_INT     ? "int"
           : f->types & INFER_DECIMAL ? "decimal"
           : f->types & INFER_FLOAT   ? "float"
           : f->types & INFER_TEXT    ? "string"
                                      : NULL;
}

static const struct infer_field *child(const struct infer *in, const struct infer_field *f,
                                       const char *name)
{
    const struct infer_field *c = in->first;
    while (c && !(c->parent == f && slice_eq_str(c->name, name))) {
        c = c->next;
    }
    return c;
}

/* One number of a place, in every object that may be one. */
static bool is_degrees(const struct infer_field *c, const struct infer_field *place, unsigned type)
{
    return c && c->records == place->records && c->nulls == 0 && !c->is_list && !c->is_object &&
           (c->types & type);
}

/* {"lat": …, "lon": …} is one value. */
static bool is_geo(const struct infer *in, const struct infer_field *f)
{
    return f && f->is_object && !f->is_list && !f->in_list && f->values == 0 &&
           is_degrees(child(in, f, "lat"), f, INFER_LAT) &&
           is_degrees(child(in, f, "lon"), f, INFER_LON);
}

static bool is_mixed(const struct infer_field *f)
{
    return f->is_list && f->is_single;
}

/* ---- paths -------------------------------------------------------------------------------- */

static void put_path(struct buf *out, const struct infer_field *f)
{
    if (f->parent) {
        put_path(out, f->parent);
        buf_puts(out, f->parent->is_list ? "[*]." : ".");
    }
    buf_put_slice(out, f->name);
}

/* A part that says no more than a name; a rule file holds no NUL. */
static bool is_part(struct slice s)
{
    return s.len > 0 && memchr(s.ptr, 0, s.len) == NULL &&
           !(s.len > 3 && memcmp(s.ptr + s.len - 3, "[*]", 3) == 0);
}

/* A name with dots is found by itself, as a member of the record: each part must be one. */
static bool is_dotted_path(struct slice name)
{
    size_t start = 0;
    for (size_t i = 0; i <= name.len; i++) {
        if (i == name.len || name.ptr[i] == '.') {
            if (!is_part(slice_from(name.ptr + start, i - start))) {
                return false;
            }
            start = i + 1;
        }
    }
    return true;
}

static bool has_path(const struct infer_field *f)
{
    if (f->parent == NULL && f->name.len > 0 && f->name.ptr[0] == '$') {
        return false; /* "$key" and the like are of the record */
    }
    if (f->parent == NULL) {
        return is_dotted_path(f->name);
    }
    return is_part(f->name) && memchr(f->name.ptr, '.', f->name.len) == NULL &&
           memchr(f->parent->name.ptr, '.', f->parent->name.len) == NULL && has_path(f->parent);
}

/* Members of the record are found by their whole name first: {"a.b": 1, "a": {"b": 2}}. */
static bool is_shadowed(const struct infer_plan *p, const struct infer_described *d)
{
    for (uint32_t i = 0; i < p->n; i++) {
        const struct infer_described *o = &p->items[i];
        if (o != d && (!o->field->parent || !d->field->parent) && slice_eq(o->path, d->path)) {
            return true;
        }
    }
    return false;
}

static const char *why_no_path(const struct infer_plan *p, const struct infer_described *d)
{
    return is_mixed(d->field)    ? "a list in some records, not in others"
           : !has_path(d->field) ? "no path leads to a member of this name"
           : is_shadowed(p, d)   ? "two members have this path"
                                 : NULL;
}

static bool is_in_mixed(const struct infer_field *f)
{
    return f->parent && (is_mixed(f->parent) || is_in_mixed(f->parent));
}

static void describe(struct infer_plan *p, struct infer_described *d)
{
    const struct infer_field *f = d->field;
    bool place = is_geo(p->in, f);
    if (is_geo(p->in, f->parent) || is_in_mixed(f) ||
        (f->is_object && !place && f->values == 0 && !is_mixed(f))) {
        return;
    }
    d->why_not = why_no_path(p, d);
    if (d->why_not == NULL && f->nests) {
        d->why_not = "lists within lists";
    }
    const char *type = place ? "geo" : f->is_object ? NULL : type_of(f);
    if (d->why_not == NULL && type == NULL) {
        d->why_not = several_kinds;
    }
    d->type = d->why_not ? NULL : type;
    d->always = f->records == p->in->records && f->nulls == 0;
}

static void add_path(struct infer_plan *p, const struct infer_field *f)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    put_path(&text, f);
    if (f->in_list && f->is_list) {
        buf_puts(&text, "[*]");
    }
    p->items[p->n++] =
        (struct infer_described){.field = f, .path = arena_copy(&p->arena, buf_slice(&text))};
}

/* An object's fields stand together; objects nest INFER_MAX_DEPTH deep. */
static void add_paths(struct infer_plan *p, const struct infer_field *parent)
{
    for (const struct infer_field *f = p->in->first; f; f = f->next) {
        if (f->parent == parent) {
            add_path(p, f);
            if (f->is_object) {
                add_paths(p, f);
            }
        }
    }
}

/* ---- time and key ------------------------------------------------------------------------- */

/* Most of what it holds is a time. */
static bool may_be_event_time(const struct infer_described *d)
{
    const struct infer_field *f = d->field;
    return !f->in_list && !f->is_list && !f->is_object && may_be_time(f) &&
           f->timed * 2 > f->values && (d->type || d->why_not == several_kinds);
}

static bool is_better_time(const struct infer_field *f, const struct infer_field *than)
{
    size_t a = rank_of(f->name, time_names, N_OF(time_names));
    size_t b = rank_of(than->name, time_names, N_OF(time_names));
    return f->timed != than->timed ? f->timed > than->timed
           : a != b                ? a < b
                                   : f->time.worst.ns < than->time.worst.ns;
}

/* The event time makes every record invalid that lacks it: a field that most records have is taken only
 * where the records' own time is no better. */
static void find_time(struct infer_plan *p)
{
    struct infer_described *best = NULL;
    for (uint32_t i = 0; i < p->n; i++) {
        struct infer_described *d = &p->items[i];
        if (may_be_event_time(d) && (!best || is_better_time(d->field, best->field))) {
            best = d;
        }
    }
    if (best == NULL) {
        return;
    }
    if (best->field->timed < p->in->records && p->in->with_timestamp >= best->field->timed) {
        p->almost = best;
        return;
    }
    best->type = time_type(best->field);
    best->why_not = NULL;
    p->time = best;
}

bool infer_is_message_key(const struct infer *in, const struct infer_described *d)
{
    const struct infer_field *f = d->field;
    return in->with_key == in->records && d->always && f->equals_key && !f->in_list &&
           !f->is_list && f->values > 0;
}

/* What comes again and again, but is not the same everywhere. */
static bool may_be_key(const struct infer_plan *p, const struct infer_described *d)
{
    const struct infer_field *f = d->field;
    uint64_t n = infer_distinct(f);
    return d->type && d != p->time && !f->in_list && !f->is_list && !infer_is_time(f) &&
           f->records * 2 >= p->in->records && (f->types & (INFER_TEXT | INFER_INT | INFER_IP)) &&
           (infer_is_message_key(p->in, d) || (n > 1 && n * 2 <= p->in->records));
}

static bool is_better_key(const struct infer *in, const struct infer_described *d,
                          const struct infer_described *than)
{
    size_t a = rank_of(d->field->name, key_names, N_OF(key_names));
    size_t b = rank_of(than->field->name, key_names, N_OF(key_names));
    if (infer_is_message_key(in, d) != infer_is_message_key(in, than)) {
        return infer_is_message_key(in, d);
    }
    return a != b ? a < b : infer_distinct(d->field) > infer_distinct(than->field);
}

static void find_key(struct infer_plan *p)
{
    for (uint32_t i = 0; i < p->n; i++) {
        const struct infer_described *d = &p->items[i];
        if (may_be_key(p, d) && (!p->key || is_better_key(p->in, d, p->key))) {
            p->key = d;
        }
    }
}

/* ---- names -------------------------------------------------------------------------------- */

static void put_word(struct buf *out, struct slice name)
{
    size_t start = out->len;
    if (name.len == 0 || is_digit(name.ptr[0])) {
        buf_put_byte(out, '_');
    }
    for (size_t i = 0; i < name.len; i++) {
        buf_put_byte(out, (uint8_t)(is_alnum(name.ptr[i]) ? name.ptr[i] : '_'));
    }
    const struct dsl_word *word = dsl_word_find(slice_from(out->ptr + start, out->len - start));
    if (word && word->reserved) {
        buf_put_byte(out, '_');
    }
}

/* As the declaration calls it; lists have one word, for `a.b` of a list is no path. */
static void put_field_name(struct buf *out, const struct infer_field *f)
{
    if (f->parent) {
        put_field_name(out, f->parent);
        buf_put_byte(out, f->in_list ? '_' : '.');
    }
    put_word(out, f->name);
}

static bool is_taken(const struct infer_plan *p, struct slice name)
{
    for (uint32_t i = 0; i < p->n; i++) {
        if (p->items[i].type && slice_eq(p->items[i].name, name)) {
            return true;
        }
    }
    return false;
}

/* `a b` and `a-b` are both a_b: the second one becomes a_b_2. */
static struct slice unique_name(struct infer_plan *p, struct slice wanted)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    buf_put_slice(&text, wanted);
    for (unsigned n = 2; is_taken(p, buf_slice(&text)); n++) {
        buf_clear(&text);
        buf_put_slice(&text, wanted);
        buf_printf(&text, "_%u", n);
    }
    return arena_copy(&p->arena, buf_slice(&text));
}

/* Who is called so comes before who would only be. */
static void add_names(struct infer_plan *p, struct slice event)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < p->n; i++) {
            struct infer_described *d = &p->items[i];
            buf_clear(&text);
            put_field_name(&text, d->field);
            if (d->type && slice_eq(buf_slice(&text), d->path) == (pass == 0)) {
                d->name = unique_name(p, buf_slice(&text));
            }
        }
    }
    p->record_time = unique_name(p, SLICE_LIT("record_time"));
    struct slice alias = slice_eq_str(event, "e") ? SLICE_LIT("seen") : SLICE_LIT("e");
    p->alias = unique_name(p, alias);
    p->rule = slice_eq_str(event, "many") ? SLICE_LIT("many_events") : SLICE_LIT("many");
}

bool infer_can_name(struct slice event)
{
    for (size_t i = 0; i < event.len; i++) {
        if ((unsigned char)event.ptr[i] < ' ' || event.ptr[i] == '`') {
            return false;
        }
    }
    return event.len > 0 && utf8_valid(event);
}

void infer_put_name(struct buf *out, struct slice name)
{
    bool plain = name.len > 0 && !is_digit(name.ptr[0]) && dsl_word_find(name) == NULL;
    bool times = name.len > 1 && name.ptr[0] == 'x';
    for (size_t i = 0; i < name.len; i++) {
        plain = plain && (is_alnum(name.ptr[i]) || name.ptr[i] == '_');
        times = times && (i == 0 || is_digit(name.ptr[i]));
    }
    buf_printf(out, plain && !times ? "%.*s" : "`%.*s`", SLICE_ARG(name));
}

void infer_put_text(struct buf *out, struct slice text)
{
    buf_put_byte(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c < ' ') {
            buf_printf(out, "\\u%04x", c);
        } else if (c == '"' || c == '\\') {
            buf_printf(out, "\\%c", c);
        } else {
            buf_put_byte(out, c);
        }
    }
    buf_put_byte(out, '"');
}

void infer_plan_make(const struct infer *in, struct slice event, struct infer_plan *p)
{
    *p = (struct infer_plan){.in = in};
    arena_init(&p->arena);
    p->items = ARENA_ARRAY(&p->arena, struct infer_described, in->n_fields + 1);
    add_paths(p, NULL);
    for (uint32_t i = 0; i < p->n; i++) {
        describe(p, &p->items[i]);
    }
    find_time(p);
    find_key(p);
    add_names(p, event);
}

void infer_plan_release(struct infer_plan *p)
{
    arena_release(&p->arena);
}
