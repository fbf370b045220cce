/* The guess as a rule file. What it rests on stands in comments; values in them are escaped. */
#include <string.h>

#include "base/json_out.h"
#include "dsl/token.h"
#include "lib/infer.h"

/* Of names whose parts say this; earlier ones are the better guess. */
static const char *const time_names[] = {"event_time", "eventtime", "timestamp", "ts",   "time",
                                         "at",         "when",      "date",      "stamp"};
static const char *const key_names[] = {"user",   "account", "card",  "customer", "client", "member",
                                        "device", "host",    "email", "session",  "ip",     "id"};
#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

struct writer {
    const struct infer *in;
    struct buf *out;
    const struct infer_field *time, *key;
};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool is_alnum(char c)
{
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9');
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

static bool is_time(const struct infer_field *f)
{
    return (f->types & INFER_TIME) && f->time.begun &&
           (f->time.unit == UNIT_TEXT ||
            rank_of(f->name, time_names, N_OF(time_names)) < N_OF(time_names));
}

/* NULL: no type holds all values. */
static const char *type_of(const struct infer_field *f)
{
    static const char *const units[] = {"timestamp", "timestamp in s", "timestamp in ms",
                                        "timestamp in us", "timestamp in ns"};
    if (f->values == 0) {
        return "string";
    }
    if (is_time(f)) {
        return units[f->time.unit];
    }
    return f->types & INFER_BOOL      ? "bool"
           : f->types & INFER_IP      ? "ip"
           : f->types & INFER_CIDR    ? "cidr"
           : f->types & INFER_INT     ? "int"
           : f->types & INFER_DECIMAL ? "decimal"
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

/* {"lat": …, "lon": …} is one value. */
static bool is_geo(const struct infer *in, const struct infer_field *f)
{
    const struct infer_field *lat = f ? child(in, f, "lat") : NULL;
    const struct infer_field *lon = f ? child(in, f, "lon") : NULL;
    return lat && lon && !f->is_list && !f->in_list && f->values == 0 &&
           (lat->types & INFER_DECIMAL) && (lon->types & INFER_DECIMAL);
}

/* A field of the declaration: a value, or an object that is one. */
static bool is_field(const struct infer *in, const struct infer_field *f)
{
    if (f->parent && is_geo(in, f->parent)) {
        return false;
    }
    return is_geo(in, f) || !f->is_object;
}

static bool is_always(const struct infer *in, const struct infer_field *f)
{
    return f->records == in->records && f->nulls == 0;
}

/* ---- time and key ------------------------------------------------------------------------- */

static bool is_better_time(const struct infer_field *f, const struct infer_field *than)
{
    size_t a = rank_of(f->name, time_names, N_OF(time_names));
    size_t b = rank_of(than->name, time_names, N_OF(time_names));
    return a != b ? a < b : f->time.worst.ns < than->time.worst.ns;
}

static const struct infer_field *find_time(const struct infer *in)
{
    const struct infer_field *best = NULL;
    for (const struct infer_field *f = in->first; f; f = f->next) {
        bool fits = !f->in_list && !f->is_list && is_always(in, f) && is_time(f);
        best = fits && (!best || is_better_time(f, best)) ? f : best;
    }
    return best;
}

static bool is_message_key(const struct infer *in, const struct infer_field *f)
{
    return in->with_key == in->records && is_always(in, f) && f->equals_key && !f->in_list &&
           !f->is_list && f->values > 0;
}

/* What comes again and again, but is not the same everywhere. */
static bool may_be_key(const struct infer *in, const struct infer_field *f)
{
    uint64_t n = infer_distinct(f);
    return !f->in_list && !f->is_list && !is_time(f) && f->records * 2 >= in->records &&
           (f->types & (INFER_TEXT | INFER_INT | INFER_IP)) &&
           (is_message_key(in, f) || (n > 1 && n * 2 <= in->records));
}

static bool is_better_key(const struct infer *in, const struct infer_field *f,
                          const struct infer_field *than)
{
    size_t a = rank_of(f->name, key_names, N_OF(key_names));
    size_t b = rank_of(than->name, key_names, N_OF(key_names));
    if (is_message_key(in, f) != is_message_key(in, than)) {
        return is_message_key(in, f);
    }
    return a != b ? a < b : infer_distinct(f) > infer_distinct(than);
}

static const struct infer_field *find_key(const struct infer *in)
{
    const struct infer_field *best = NULL;
    for (const struct infer_field *f = in->first; f; f = f->next) {
        bool fits = is_field(in, f) && may_be_key(in, f);
        best = fits && (!best || is_better_key(in, f, best)) ? f : best;
    }
    return best;
}

/* ---- names -------------------------------------------------------------------------------- */

static void put_word(struct buf *out, struct slice name)
{
    if (name.len == 0 || (name.ptr[0] >= '0' && name.ptr[0] <= '9')) {
        buf_put_byte(out, '_');
    }
    for (size_t i = 0; i < name.len; i++) {
        buf_put_byte(out, (uint8_t)(is_alnum(name.ptr[i]) ? name.ptr[i] : '_'));
    }
    const struct dsl_word *word = dsl_word_find(name);
    if (word && word->reserved) {
        buf_put_byte(out, '_');
    }
}

static void put_path(struct buf *out, const struct infer_field *f)
{
    if (f->parent) {
        put_path(out, f->parent);
        buf_puts(out, f->parent->is_list ? "[*]." : ".");
    }
    buf_put_slice(out, f->name);
}

/* As the declaration calls it; lists have one word, for `a.b` of a list is no path. */
static void put_name(struct buf *out, const struct infer_field *f)
{
    if (f->parent) {
        put_name(out, f->parent);
        buf_put_byte(out, f->in_list ? '_' : '.');
    }
    put_word(out, f->name);
}

static void put_event_name(struct buf *out, const struct infer_names *names)
{
    bool up = true;
    if (names->event.len > 0) {
        buf_put_slice(out, names->event);
        return;
    }
    if (names->topic.len == 0 || !is_alnum(names->topic.ptr[0]) || names->topic.ptr[0] <= '9') {
        buf_puts(out, "Event");
    }
    for (size_t i = 0; i < names->topic.len; i++) {
        char c = names->topic.ptr[i];
        if (is_alnum(c)) {
            buf_put_byte(out, (uint8_t)(up && lower(c) == c && c > '9' ? c - 32 : c));
        }
        up = !is_alnum(c);
    }
}

/* ---- lines -------------------------------------------------------------------------------- */

static void put_seen(const struct writer *w, const struct infer_field *f)
{
    uint64_t n = infer_distinct(f);
    if (n > 0 && !f->more_values && f->values >= 4 * n && !(f->types & INFER_BOOL)) {
        buf_printf(w->out, "%llu value%s: ", (unsigned long long)f->n_shown,
                   f->n_shown == 1 ? "" : "s");
        for (uint32_t i = 0; i < f->n_shown; i++) {
            buf_puts(w->out, i ? ", " : "");
            json_put_string(w->out, f->shown[i]);
        }
    } else if (f->values == 0 && !is_geo(w->in, f)) {
        buf_puts(w->out, f->is_list ? "always empty" : "always null");
    } else if (n > 0 && !(f->types & INFER_BOOL)) {
        buf_printf(w->out, "%s%llu values", n > 1000 ? "about " : "", (unsigned long long)n);
    }
}

static void put_range(const struct writer *w, const struct infer_time *t)
{
    char first[ETIME_TEXT_MAX], last[ETIME_TEXT_MAX];
    etime_format(t->first, first);
    etime_format(t->last, last);
    buf_printf(w->out, "%s to %s", first, last);
}

/* Behind the field, as a comment: what speaks for it. */
static void put_grounds(const struct writer *w, const struct infer_field *f)
{
    FYKE_CLEANUP(buf_release) struct buf said = BUF_INIT;
    struct writer to = *w;
    to.out = &said;
    if (is_time(f)) {
        put_range(&to, &f->time);
    } else {
        put_seen(&to, f);
    }
    if (f->values > 0 && f->records < w->in->records) {
        buf_printf(&said, "%sabsent in %llu", said.len ? "; " : "",
                   (unsigned long long)(w->in->records - f->records));
    }
    if (said.len > 0) {
        buf_printf(w->out, "  # %s", buf_cstr(&said));
    }
}

static void put_field(const struct writer *w, const struct infer_field *f)
{
    FYKE_CLEANUP(buf_release) struct buf name = BUF_INIT;
    FYKE_CLEANUP(buf_release) struct buf path = BUF_INIT;
    const char *type = is_geo(w->in, f) ? "geo" : type_of(f);
    put_name(&name, f);
    put_path(&path, f);
    if (type == NULL) {
        buf_printf(w->out, "  # left out, values of several kinds: %s\n", buf_cstr(&name));
        return;
    }
    buf_printf(w->out, "  %s : %s%s", buf_cstr(&name), f->is_list || f->in_list ? "list of " : "",
               type);
    if (is_message_key(w->in, f) && f == w->key) {
        buf_puts(w->out, " key");
    }
    if (f == w->time) {
        buf_puts(w->out, " event time");
    } else if (!is_always(w->in, f)) {
        buf_puts(w->out, " optional");
    }
    if (!slice_eq(buf_slice(&name), buf_slice(&path))) {
        buf_puts(w->out, " from ");
        json_put_string(w->out, buf_slice(&path));
    }
    put_grounds(w, f);
    buf_put_byte(w->out, '\n');
}

static void put_disorder(const struct writer *w)
{
    const struct infer_time *t = w->time ? &w->time->time : &w->in->broker;
    char text[DURATION_TEXT_MAX], worst[DURATION_TEXT_MAX];
    struct duration tighter;
    uint64_t lost;
    struct duration bound = infer_time_bound(t);
    if (bound.ns == 0) {
        return;
    }
    duration_format(bound, text);
    const int64_t ms = 1000000;
    duration_format((struct duration){(t->worst.ns + ms - 1) / ms * ms}, worst);
    buf_printf(w->out, "  out of order by %s  # at most %s behind the newest of its partition", text,
               worst);
    if (infer_time_tighter(t, &tighter, &lost)) {
        duration_format(tighter, text);
        buf_printf(w->out, "; %s would make %llu late", text, (unsigned long long)lost);
    }
    buf_put_byte(w->out, '\n');
}

static void put_head(const struct writer *w, const struct infer_names *names)
{
    const struct infer *in = w->in;
    buf_printf(w->out, "# Guessed from %llu records of ", (unsigned long long)in->records);
    json_put_string(w->out, slice_of(names->source));
    buf_puts(w->out, ".\n");
    if (in->not_objects + in->empty > 0) {
        buf_printf(w->out, "# Not looked at: %llu that are no JSON objects, %llu without a value.\n",
                   (unsigned long long)in->not_objects, (unsigned long long)in->empty);
    }
    if (in->unnamed > 0) {
        buf_printf(w->out, "# Not described: %llu values beyond %d fields or nested too deep.\n",
                   (unsigned long long)in->unnamed, INFER_MAX_FIELDS);
    }
    buf_puts(w->out, "language 1\n\n");
}

static void put_time_of_record(const struct writer *w)
{
    buf_puts(w->out, "  # No field is a time in every record: the record's own timestamp is taken");
    buf_puts(w->out, w->in->with_timestamp == w->in->records ? ".\n" : ", which these lack.\n");
    buf_puts(w->out, "  record_time : timestamp event time from \"$timestamp\"\n");
}

static void put_rule(const struct writer *w, struct slice event)
{
    buf_puts(w->out, "\n# A first rule, to be changed: many events in a short time.\nrule many {\n");
    if (w->key) {
        buf_puts(w->out, "  for each ");
        put_name(w->out, w->key);
        buf_puts(w->out, " within 1 minute\n");
    }
    buf_printf(w->out, "  when 10 %.*s as e%s\n  emit alert { events = count(e) }\n}\n",
               SLICE_ARG(event), w->key ? "" : " within 1 minute");
}

bool infer_text(const struct infer *in, const struct infer_names *names, struct buf *out)
{
    struct writer w = {in, out, find_time(in), find_key(in)};
    FYKE_CLEANUP(buf_release) struct buf event = BUF_INIT;
    if (in->records == 0) {
        return false;
    }
    put_event_name(&event, names);
    put_head(&w, names);
    buf_printf(out, "event %s from topic ", buf_cstr(&event));
    json_put_string(out, names->topic);
    buf_puts(out, " {\n");
    for (const struct infer_field *f = in->first; f; f = f->next) {
        if (is_field(in, f)) {
            put_field(&w, f);
        }
    }
    if (w.time == NULL) {
        put_time_of_record(&w);
    }
    put_disorder(&w);
    buf_puts(out, "}\n");
    put_rule(&w, buf_slice(&event));
    return true;
}
