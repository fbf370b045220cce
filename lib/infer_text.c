/* The guess as a rule file. What it rests on stands in comments; values in them are escaped. */
#include "base/json_out.h"
#include "lib/infer_fields.h"

struct writer {
    const struct infer *in;
    const struct infer_plan *plan;
    struct buf *out;
};

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* "pos.sales" → PosSales */
static void put_event_name(struct buf *out, const struct infer_names *names)
{
    bool up = true;
    if (names->event.len > 0) {
        buf_put_slice(out, names->event);
        return;
    }
    if (names->topic.len == 0 || !is_letter(names->topic.ptr[0])) {
        buf_puts(out, "Event");
    }
    for (size_t i = 0; i < names->topic.len; i++) {
        char c = names->topic.ptr[i];
        bool word = is_letter(c) || (c >= '0' && c <= '9');
        if (word) {
            buf_put_byte(out, (uint8_t)(up && c >= 'a' && c <= 'z' ? c - 32 : c));
        }
        up = !word;
    }
}

/* ---- lines -------------------------------------------------------------------------------- */

static void put_seen(const struct writer *w, const struct infer_described *d)
{
    const struct infer_field *f = d->field;
    uint64_t n = infer_distinct(f);
    if (n > 0 && !f->more_values && f->values >= 4 * n && !(f->types & INFER_BOOL)) {
        buf_printf(w->out, "%llu value%s: ", (unsigned long long)f->n_shown,
                   f->n_shown == 1 ? "" : "s");
        for (uint32_t i = 0; i < f->n_shown; i++) {
            buf_puts(w->out, i ? ", " : "");
            json_put_string(w->out, f->shown[i]);
        }
    } else if (f->values == 0 && !f->is_object) {
        buf_puts(w->out, f->is_list ? "always empty" : "always null");
    } else if (n > 0 && !(f->types & INFER_BOOL)) {
        buf_printf(w->out, "%s%llu value%s", n > 1000 ? "about " : "", (unsigned long long)n,
                   n == 1 ? "" : "s");
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
static void put_grounds(const struct writer *w, const struct infer_described *d)
{
    FYKE_CLEANUP(buf_release) struct buf said = BUF_INIT;
    const struct infer_field *f = d->field;
    struct writer to = *w;
    to.out = &said;
    if (infer_is_time(f) || d == w->plan->time) {
        put_range(&to, &f->time);
    } else {
        put_seen(&to, d);
    }
    if (f->values > 0 && f->records < w->in->records) {
        buf_printf(&said, "%sabsent in %llu", said.len ? "; " : "",
                   (unsigned long long)(w->in->records - f->records));
    }
    if (said.len > 0) {
        buf_printf(w->out, "  # %s", buf_cstr(&said));
    }
}

static void put_left_out(const struct writer *w, const struct infer_described *d)
{
    buf_printf(w->out, "  # left out, %s: ", d->why_not);
    json_put_string(w->out, d->path);
    buf_put_byte(w->out, '\n');
}

static void put_field(const struct writer *w, const struct infer_described *d)
{
    const struct infer_field *f = d->field;
    buf_puts(w->out, "  ");
    buf_put_slice(w->out, d->name);
    buf_printf(w->out, " : %s%s", f->is_list || f->in_list ? "list of " : "", d->type);
    if (infer_is_message_key(w->in, d) && d == w->plan->key) {
        buf_puts(w->out, " key");
    }
    if (d == w->plan->time) {
        buf_puts(w->out, " event time");
    } else if (!d->always) {
        buf_puts(w->out, " optional");
    }
    if (!slice_eq(d->name, d->path)) {
        buf_puts(w->out, " from ");
        infer_put_text(w->out, d->path);
    }
    put_grounds(w, d);
    buf_put_byte(w->out, '\n');
}

static void put_fields(const struct writer *w)
{
    for (uint32_t i = 0; i < w->plan->n; i++) {
        const struct infer_described *d = &w->plan->items[i];
        if (d->type) {
            put_field(w, d);
        } else if (d->why_not) {
            put_left_out(w, d);
        }
    }
}

static void put_disorder(const struct writer *w)
{
    const struct infer_plan *p = w->plan;
    const struct infer_time *t = p->time ? &p->time->field->time : &w->in->broker;
    char text[DURATION_TEXT_MAX], worst[DURATION_TEXT_MAX];
    struct duration tighter;
    uint64_t lost;
    struct duration bound = infer_time_bound(t);
    if (bound.ns == 0) {
        return;
    }
    duration_format(bound, text);
    buf_printf(w->out, "  out of order by %s", text);
    if (t->worst.ns > bound.ns) {
        buf_puts(w->out, "  # the longest there is; some are further behind the newest of their "
                         "partition, and late");
    } else {
        duration_format((struct duration){(t->worst.ns - 1) / NS_PER_MS * NS_PER_MS + NS_PER_MS},
                        worst);
        buf_printf(w->out, "  # at most %s behind the newest of its partition", worst);
    }
    if (infer_time_tighter(t, &tighter, &lost)) {
        duration_format(tighter, text);
        buf_printf(w->out, "; %s would make %llu late", text, (unsigned long long)lost);
    }
    buf_put_byte(w->out, '\n');
}

static void put_head(const struct writer *w, const struct infer_names *names)
{
    const struct infer *in = w->in;
    buf_printf(w->out, "# Guessed from %llu record%s of ", (unsigned long long)in->records,
               in->records == 1 ? "" : "s");
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

/* How many records are invalid under the declaration, whichever event time it has. */
static void put_lacking(const struct writer *w, uint64_t having)
{
    uint64_t n = w->in->records - having;
    if (n > 0) {
        buf_printf(w->out, "  # Invalid for want of an event time: %llu of %llu records.\n",
                   (unsigned long long)n, (unsigned long long)w->in->records);
    }
}

static void put_time(const struct writer *w)
{
    const struct infer_plan *p = w->plan;
    if (p->time) {
        put_lacking(w, p->time->field->timed);
        return;
    }
    buf_puts(w->out, "  # No field is a time in every record: the record's own timestamp is taken.\n");
    if (p->almost) {
        buf_puts(w->out, "  # Nearly one: ");
        json_put_string(w->out, p->almost->path);
        buf_printf(w->out, ", in %llu of %llu records.\n",
                   (unsigned long long)p->almost->field->timed, (unsigned long long)w->in->records);
    }
    buf_puts(w->out, "  ");
    buf_put_slice(w->out, p->record_time);
    buf_puts(w->out, " : timestamp event time from \"$timestamp\"\n");
    put_lacking(w, w->in->with_timestamp);
}

static void put_rule(const struct writer *w, struct slice event)
{
    const struct infer_plan *p = w->plan;
    buf_printf(w->out,
               "\n# A first rule, to be changed: many events in a short time.\nrule %.*s {\n",
               SLICE_ARG(p->rule));
    if (p->key) {
        buf_printf(w->out, "  for each %.*s within 1 minute\n", SLICE_ARG(p->key->name));
    }
    buf_puts(w->out, "  when 10 ");
    infer_put_name(w->out, event);
    buf_printf(w->out, " as %.*s%s\n  emit alert { events = count(%.*s) }\n}\n",
               SLICE_ARG(p->alias), p->key ? "" : " within 1 minute", SLICE_ARG(p->alias));
}

bool infer_text(const struct infer *in, const struct infer_names *names, struct buf *out)
{
    FYKE_CLEANUP(buf_release) struct buf event = BUF_INIT;
    struct infer_plan plan;
    struct writer w = {in, &plan, out};
    if (in->records == 0) {
        return false;
    }
    put_event_name(&event, names);
    infer_plan_make(in, buf_slice(&event), &plan);
    put_head(&w, names);
    buf_puts(out, "event ");
    infer_put_name(out, buf_slice(&event));
    buf_puts(out, " from topic ");
    infer_put_text(out, names->topic);
    buf_puts(out, " {\n");
    put_fields(&w);
    put_time(&w);
    put_disorder(&w);
    buf_puts(out, "}\n");
    put_rule(&w, buf_slice(&event));
    infer_plan_release(&plan);
    return true;
}
