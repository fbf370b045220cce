#include "cli/explain_why.h"

#include <string.h>

#include "base/json_out.h"
#include "lib/json_view.h"

#define MAX_NAMES 8
#define MAX_SHOWN_LATE 5
#define MAX_SHOWN_EVENTS 40

struct writer {
    const struct why_config *config;
    const struct why_result *result;
    struct buf *out;
    struct json_view view;
    struct buf text;
};

/* ---- pieces ------------------------------------------------------------------------------- */

static void put_time(struct buf *out, struct etime t)
{
    char text[ETIME_TEXT_MAX];
    etime_format(t, text);
    buf_puts(out, text);
}

static void put_duration(struct buf *out, struct duration d)
{
    char text[DURATION_TEXT_MAX];
    duration_format(d, text);
    buf_puts(out, text);
}

/* Text from events: control characters would move a terminal's cursor. */
static void put_shown(struct buf *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        buf_put_byte(out, c < 0x20 || c == 0x7f ? '?' : c);
    }
}

static void put_member(struct writer *w, struct json_span object, const char *name)
{
    buf_clear(&w->text);
    json_view_text(json_view_get(object, name), &w->text);
    put_shown(w->out, buf_slice(&w->text));
}

static void put_fields(struct writer *w, struct json_span fields)
{
    struct json_span key, value;
    if (fields.kind != JSON_OBJECT) {
        return;
    }
    struct json_walk at = json_walk_into(fields);
    while (json_walk_member(&at, &key, &value)) {
        buf_puts(w->out, "  ");
        buf_clear(&w->text);
        json_view_text(key, &w->text);
        put_shown(w->out, buf_slice(&w->text));
        buf_puts(w->out, " = ");
        put_shown(w->out, json_view_raw(value));
    }
}

/* A line per event: when, as which step, from where, its fields. */
static void put_timeline(struct writer *w, struct slice alert)
{
    struct json_span item, list;
    uint32_t n = 0;
    if (!json_view_set(&w->view, alert)) {
        return;
    }
    list = json_view_get(w->view.root, "evidence");
    struct json_walk items = json_walk_into(list);
    while (list.kind == JSON_ARRAY && json_walk_item(&items, &item)) {
        if (++n > MAX_SHOWN_EVENTS) {
            buf_puts(w->out, "    …\n");
            return;
        }
        buf_puts(w->out, "    ");
        put_member(w, item, "time");
        buf_puts(w->out, "  ");
        put_member(w, item, "step");
        buf_puts(w->out, "  ");
        put_member(w, item, "type");
        if (json_view_get(item, "topic").kind == JSON_STRING) {
            buf_puts(w->out, "  ");
            put_member(w, item, "topic");
            buf_puts(w->out, "/");
            put_member(w, item, "partition");
            buf_puts(w->out, "@");
            put_member(w, item, "offset");
        }
        put_fields(w, json_view_get(item, "fields"));
        buf_puts(w->out, "\n");
    }
}

static void put_detected(struct writer *w, struct slice alert)
{
    if (json_view_set(&w->view, alert)) {
        put_member(w, w->view.root, "detected");
        if (json_view_is(json_view_get(w->view.root, "by"), "deadline")) {
            buf_puts(w->out, ", when a deadline passed");
        }
    }
}

/* ---- conditions: the values that they met --------------------------------------------------- */

struct names {
    struct slice items[MAX_NAMES];
    uint32_t n;
};

static void add_path(struct names *to, const struct ast_path *p)
{
    const struct ast_name *first = p->names.first, *last = p->names.last;
    struct slice text = slice_from(first->text.ptr,
                                   (size_t)(last->text.ptr + last->text.len - first->text.ptr));
    for (uint32_t i = 0; i < to->n; i++) {
        if (slice_eq(to->items[i], text)) {
            return;
        }
    }
    if (to->n < MAX_NAMES) {
        to->items[to->n++] = text;
    }
}

static void find_names(struct names *to, const struct ast_expr *e);

static void find_all(struct names *to, const struct ast_exprs *list)
{
    for (const struct ast_expr *e = list->first; e; e = e->next) {
        find_names(to, e);
    }
}

static void find_names(struct names *to, const struct ast_expr *e)
{
    switch (e->kind) {
    case AST_EXPR_PATH: add_path(to, e->path); break;
    case AST_EXPR_CALL: find_all(to, &e->call.args); break;
    case AST_EXPR_ARRAY:
    case AST_EXPR_TUPLE: find_all(to, &e->items); break;
    case AST_EXPR_MEMBER: find_names(to, e->member.base); break;
    case AST_EXPR_INDEX: find_names(to, e->index.index); break;
    case AST_EXPR_PAREN: find_names(to, e->inner); break;
    case AST_EXPR_UNARY: find_names(to, e->unary.operand); break;
    case AST_EXPR_PERCENT_OF: find_names(to, e->percent_of.operand); break;
    case AST_EXPR_IS: find_names(to, e->is.value); break;
    case AST_EXPR_BINARY:
        find_names(to, e->binary.left);
        find_names(to, e->binary.right);
        break;
    case AST_EXPR_TEST:
        find_names(to, e->test.value);
        find_names(to, e->test.operand);
        break;
    case AST_EXPR_BETWEEN:
        find_names(to, e->between.value);
        find_names(to, e->between.low);
        find_names(to, e->between.high);
        break;
    case AST_EXPR_IF:
        find_names(to, e->cond.test);
        find_names(to, e->cond.yes);
        find_names(to, e->cond.no);
        break;
    case AST_EXPR_LITERAL:
    case AST_EXPR_NAMED_LIST: break;
    }
}

/* Fields are nested as in the declaration: `a.b` is a member by that name. */
static bool put_value(struct writer *w, struct json_span fields, struct slice name, bool more)
{
    FYKE_CLEANUP(buf_release) struct buf key = BUF_INIT;
    buf_put_slice(&key, name);
    struct json_span value = json_view_get(fields, buf_cstr(&key));
    if (value.kind == JSON_NONE) {
        return false;
    }
    buf_puts(w->out, more ? ", " : "");
    put_shown(w->out, name);
    buf_puts(w->out, " = ");
    put_shown(w->out, json_view_raw(value));
    return true;
}

/* Of the events that stand for the step in the match that would be. */
static void put_values(struct writer *w, const struct why_reason *r)
{
    struct names names = {0};
    struct json_span item, list;
    if (!r->change.condition || !json_view_set(&w->view, r->alert)) {
        return;
    }
    find_names(&names, r->change.condition);
    list = json_view_get(w->view.root, "evidence");
    struct json_walk items = json_walk_into(list);
    FYKE_CLEANUP(buf_release) struct buf step = BUF_INIT;
    buf_put_slice(&step, r->change.step);
    while (list.kind == JSON_ARRAY && json_walk_item(&items, &item)) {
        if (!json_view_is(json_view_get(item, "step"), buf_cstr(&step)) &&
            !json_view_is(json_view_get(item, "type"), buf_cstr(&step))) {
            continue;
        }
        size_t before = w->out->len;
        bool any = false;
        buf_puts(w->out, "      ");
        put_member(w, item, "time");
        buf_puts(w->out, "  ");
        for (uint32_t i = 0; i < names.n; i++) {
            any |= put_value(w, json_view_get(item, "fields"), names.items[i], any);
        }
        buf_puts(w->out, "\n");
        w->out->len = any ? w->out->len : before;
    }
}

/* ---- reasons ------------------------------------------------------------------------------ */

static void put_kind(struct writer *w, enum mutation_kind kind)
{
    switch (kind) {
    case MUTATION_POLICY: buf_puts(w->out, "an earlier match has used up its events: "); break;
    case MUTATION_QUIET: buf_puts(w->out, "held back by an earlier alert: "); break;
    case MUTATION_LATENESS: buf_puts(w->out, "events came too late: "); break;
    case MUTATION_ABSENCE: buf_puts(w->out, "an absence stood in the way: "); break;
    case MUTATION_CONDITION: buf_puts(w->out, "a condition did not hold: "); break;
    case MUTATION_COUNT: buf_puts(w->out, "too few events: "); break;
    case MUTATION_LINK: buf_puts(w->out, "other events came between: "); break;
    case MUTATION_STATUS: buf_puts(w->out, "it is switched off: "); break;
    case MUTATION_SILENCE: buf_puts(w->out, "a silence was not that long: "); break;
    case MUTATION_AHEAD:
    case MUTATION_WINDOW:
    case MUTATION_GAP: break;
    }
}

static void put_reason(struct writer *w, const struct why_reason *r)
{
    const struct mutation *m = &r->change;
    buf_puts(w->out, "  - ");
    if (r->capped) {
        buf_puts(w->out, "capped, starts of matches were dropped: ");
    } else {
        put_kind(w, m->kind);
    }
    buf_put_slice(w->out, r->words);
    if (!r->capped && m->kind == MUTATION_WINDOW) {
        buf_puts(w->out, ": ");
        put_duration(w->out, (struct duration){r->needed.ns - m->length.ns});
        buf_puts(w->out, " too long");
    } else if (m->kind == MUTATION_GAP) {
        buf_puts(w->out, ": ");
        put_duration(w->out, (struct duration){m->length.ns - r->needed.ns});
        buf_puts(w->out, " too early");
    }
    buf_puts(w->out, "; then it fires at ");
    put_time(w->out, r->detected);
    buf_puts(w->out, "\n");
    put_values(w, r);
    if (r->actual.len > 0) {
        buf_puts(w->out, "      ");
        put_shown(w->out, r->actual);
        buf_puts(w->out, "\n");
    }
}

static void put_late(struct writer *w)
{
    const struct why_result *r = w->result;
    for (size_t i = 0; i < r->n_late && i < MAX_SHOWN_LATE; i++) {
        const struct why_late *l = &r->late[i];
        buf_printf(w->out, "  late by ");
        put_duration(w->out, l->by);
        buf_puts(w->out, ": ");
        put_time(w->out, l->time);
        buf_printf(w->out, "  %.*s/%d@%lld\n", SLICE_ARG(l->topic), (int)l->partition,
                   (long long)l->offset);
    }
    if (r->n_late > MAX_SHOWN_LATE) {
        buf_printf(w->out, "  and %zu more were late\n", r->n_late - MAX_SHOWN_LATE);
    }
}

static void put_why_not(struct writer *w)
{
    const struct why_result *r = w->result;
    if (r->n_alerts > 0) {
        buf_puts(w->out, "The last alert was at ");
        put_detected(w, r->alerts[r->n_alerts - 1]);
        buf_puts(w->out, ".\n");
    }
    if (r->pending.len > 0) {
        buf_puts(w->out, "A match waits for its deadline, at ");
        put_detected(w, r->pending);
        buf_puts(w->out, ":\n");
        put_timeline(w, r->pending);
    }
    if (r->furthest.len > 0) {
        buf_puts(w->out, "It got this far, up to step ");
        (void)!json_view_set(&w->view, r->furthest);
        put_member(w, w->view.root, "step");
        buf_puts(w->out, ":\n");
        put_timeline(w, r->furthest);
    }
    put_late(w);
    if (r->disabled && r->n_reasons == 0) {
        buf_puts(w->out, "Switched on, it would not fire here either.\n");
        return;
    }
    if (r->nearest.len > 0) {
        buf_printf(w->out, "Reached step %u of %u, then: ", r->reached, r->parts);
        put_shown(w->out, r->nearest);
        buf_puts(w->out, "\n");
    }
    buf_puts(w->out, r->n_reasons > 0
                         ? "One change would make it fire:\n"
                         : "No single change of a condition, window, count or absence makes it fire.\n");
    for (size_t i = 0; i < r->n_reasons; i++) {
        put_reason(w, &r->reasons[i]);
    }
}

static void put_head(struct writer *w)
{
    const struct why_result *r = w->result;
    buf_printf(w->out, "rule %s", w->config->rule);
    if (w->result->keyed) {
        buf_puts(w->out, ", key ");
        put_shown(w->out, w->config->key.len > 0 ? w->config->key : SLICE_LIT("\"\""));
    }
    if (w->config->at.ns != INT64_MAX) {
        buf_puts(w->out, ", at ");
        put_time(w->out, w->config->at);
    }
    buf_printf(w->out, ": %s\n", r->fired ? "it fired" : "it did not fire");
    if (r->disabled) {
        buf_puts(w->out, "The rule is disabled: it is not evaluated.\n");
        return;
    }
    if (r->shadow) {
        buf_puts(w->out, "The rule is in shadow: its alerts go to nobody but the shadow output.\n");
    }
    if (r->events == 0) {
        buf_printf(w->out, "None of %llu records is an event of this key%s.\n",
                   (unsigned long long)r->records, r->n_late > 0 ? " that came in time" : "");
        return;
    }
    buf_printf(w->out, "%llu event%s of the key, from ", (unsigned long long)r->events,
               r->events == 1 ? "" : "s");
    put_time(w->out, r->first);
    buf_puts(w->out, " to ");
    put_time(w->out, r->last);
    buf_puts(w->out, ".\n");
}

void explain_why_text(const struct why_config *c, const struct why_result *r, struct buf *out)
{
    struct writer w = {.config = c, .result = r, .out = out};
    json_view_init(&w.view);
    put_head(&w);
    if (r->fired) {
        buf_puts(out, "Detected ");
        put_detected(&w, r->alerts[r->n_alerts - 1]);
        buf_puts(out, ":\n");
        put_timeline(&w, r->alerts[r->n_alerts - 1]);
    } else if (r->events + r->n_late + r->disabled > 0) {
        put_why_not(&w);
    }
    json_view_release(&w.view);
    buf_release(&w.text);
}

/* ---- JSON --------------------------------------------------------------------------------- */

static const char *kind_name(enum mutation_kind kind)
{
    static const char *const names[] = {
        [MUTATION_CONDITION] = "condition", [MUTATION_WINDOW] = "window",
        [MUTATION_GAP] = "gap",             [MUTATION_COUNT] = "count",
        [MUTATION_LINK] = "link",           [MUTATION_ABSENCE] = "absence",
        [MUTATION_SILENCE] = "silence",
        [MUTATION_POLICY] = "used_up",      [MUTATION_QUIET] = "quiet",
        [MUTATION_LATENESS] = "late",       [MUTATION_AHEAD] = "ahead",
        [MUTATION_STATUS] = "disabled",
    };
    return names[kind];
}

static void member_time(struct json_out *j, const char *name, struct etime t)
{
    char text[ETIME_TEXT_MAX];
    if (t.ns != INT64_MIN && t.ns != INT64_MAX) {
        etime_format(t, text);
        json_member_string(j, name, slice_of(text));
    }
}

static void member_duration(struct json_out *j, const char *name, struct duration d)
{
    char text[DURATION_TEXT_MAX];
    duration_format(d, text);
    json_member_string(j, name, slice_of(text));
}

static void member_raw(struct json_out *j, const char *name, struct slice json)
{
    if (json.len > 0) {
        json_key(j, slice_of(name));
        json_raw(j, json);
    }
}

static void reasons_json(struct json_out *j, const struct why_result *r)
{
    json_key(j, SLICE_LIT("reasons"));
    json_array_begin(j);
    for (size_t i = 0; i < r->n_reasons; i++) {
        const struct why_reason *reason = &r->reasons[i];
        json_object_begin(j);
        json_member_string(j, "kind", slice_of(reason->capped ? "capped" : kind_name(reason->change.kind)));
        json_member_string(j, "change", reason->words);
        if (reason->change.step.len > 0) {
            json_member_string(j, "step", reason->change.step);
        }
        if (reason->needed.ns > 0) {
            member_duration(j, "is", reason->change.length);
            member_duration(j, "needed", reason->needed);
        }
        if (reason->capped) {
            json_member_uint(j, "needed", reason->starts);
        }
        if (reason->actual.len > 0) {
            json_member_string(j, "actual", reason->actual);
        }
        member_time(j, "fires_at", reason->detected);
        member_raw(j, "alert", reason->alert);
        json_object_end(j);
    }
    json_array_end(j);
}

static void late_json(struct json_out *j, const struct why_result *r)
{
    json_key(j, SLICE_LIT("late"));
    json_array_begin(j);
    for (size_t i = 0; i < r->n_late; i++) {
        json_object_begin(j);
        json_member_string(j, "topic", r->late[i].topic);
        json_member_int(j, "partition", r->late[i].partition);
        json_member_int(j, "offset", r->late[i].offset);
        member_time(j, "time", r->late[i].time);
        member_duration(j, "by", r->late[i].by);
        json_object_end(j);
    }
    json_array_end(j);
}

void explain_why_json(const struct why_config *c, const struct why_result *r, struct buf *out)
{
    struct json_out j = json_out_to(out);
    json_object_begin(&j);
    json_member_string(&j, "rule", slice_of(c->rule));
    json_member_string(&j, "key", c->key);
    member_time(&j, "at", c->at);
    json_member_bool(&j, "fired", r->fired);
    if (r->disabled || r->shadow) {
        json_member_string(&j, "status", r->disabled ? SLICE_LIT("disabled") : SLICE_LIT("shadow"));
    }
    json_member_uint(&j, "records", r->records);
    json_member_uint(&j, "events", r->events);
    member_time(&j, "first", r->first);
    member_time(&j, "last", r->last);
    json_member_uint(&j, "alerts", r->n_alerts);
    member_raw(&j, "last_alert", r->n_alerts ? r->alerts[r->n_alerts - 1] : (struct slice){0});
    member_raw(&j, "pending", r->pending);
    member_raw(&j, "furthest", r->furthest);
    if (r->parts > 0) {
        json_member_uint(&j, "reached", r->reached);
        json_member_uint(&j, "steps", r->parts);
    }
    if (r->nearest.len > 0) {
        json_member_string(&j, "nearest", r->nearest);
    }
    late_json(&j, r);
    reasons_json(&j, r);
    json_object_end(&j);
    json_line_end(&j);
}
