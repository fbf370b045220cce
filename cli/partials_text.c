#include "cli/partials_text.h"

#include "base/clock.h"
#include "base/json_out.h"
#include "cli/alert_text.h"

void partials_request(const char *rule, struct slice key, struct buf *out)
{
    struct json_out j = json_out_to(out);
    json_object_begin(&j);
    json_member_string(&j, "ask", SLICE_LIT("partials"));
    if (rule) {
        json_member_string(&j, "rule", slice_of(rule));
    }
    json_member_string(&j, "key", key);
    json_object_end(&j);
}

static void put_member(struct buf *out, struct json_span object, const char *name)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    json_view_text(json_view_get(object, name), &text);
    alert_text_safe(out, buf_slice(&text));
}

static bool is_zero(struct json_span number)
{
    return number.kind == JSON_NONE || slice_eq_str(json_view_raw(number), "0");
}

/* "its window closes 2026-…, in 3m": against the watermark, which time is told by. */
static void put_deadline(struct buf *out, struct json_span deadline, struct etime watermark)
{
    struct json_span what = json_view_get(deadline, "what");
    struct etime at = json_view_time(json_view_get(deadline, "at"));
    char left[DURATION_TEXT_MAX];
    buf_puts(out, "; ");
    if (json_view_is(what, "absent")) {
        put_member(out, deadline, "step");
        buf_puts(out, " up to ");
    } else {
        buf_puts(out, json_view_is(what, "window")    ? "its window closes "
                      : json_view_is(what, "decided") ? "decided "
                      : json_view_is(what, "gap")     ? "the next step must come by "
                                                      : "the rest must come by ");
    }
    put_member(out, deadline, "at");
    if (watermark.ns != INT64_MIN && at.ns != INT64_MIN) {
        duration_format(etime_diff(at, watermark), left);
        buf_printf(out, ", in %s", left);
    }
}

static void put_open(struct partials_text *t, struct json_span root)
{
    struct json_span alert = json_view_get(root, "open"), item;
    struct json_span deadlines = json_view_get(root, "deadlines");
    bool complete = json_view_is(json_view_get(alert, "kind"), "pending");
    t->n_open++;
    buf_puts(&t->open, complete ? "  complete" : "  up to step ");
    if (!complete) {
        put_member(&t->open, alert, "step");
    }
    struct json_walk w = json_walk_into(deadlines);
    while (deadlines.kind == JSON_ARRAY && json_walk_item(&w, &item)) {
        put_deadline(&t->open, item, json_view_time(json_view_get(root, "watermark")));
    }
    buf_puts(&t->open, "\n");
    alert_text_evidence(alert, t->color, &t->open);
}

static void put_standing(const struct partials_text *t, struct json_span root, struct buf *out)
{
    put_member(out, root, "rule");
    buf_puts(out, ": ");
    if (json_view_get(root, "watermark").kind == JSON_STRING) {
        buf_puts(out, "time has come to ");
        put_member(out, root, "watermark");
    } else {
        buf_puts(out, "time has not begun");
    }
    buf_printf(out, ", %llu open", (unsigned long long)t->n_open);
    if (!is_zero(json_view_get(root, "left_out"))) {
        buf_puts(out, " and ");
        put_member(out, root, "left_out");
        buf_puts(out, " more starts not looked at");
    }
    if (json_view_get(root, "quiet_until").kind == JSON_STRING) {
        buf_puts(out, ", quiet until ");
        put_member(out, root, "quiet_until");
        buf_puts(out, ", ");
        put_member(out, root, "held_back");
        buf_puts(out, " held back");
    }
    if (json_view_get(root, "capped_until").kind == JSON_STRING) {
        buf_puts(out, ", capped until ");
        put_member(out, root, "capped_until");
    }
    buf_puts(out, "\n");
}

static void put_list(struct buf *out, struct json_span numbers)
{
    struct json_span item;
    struct json_walk w = json_walk_into(numbers);
    for (size_t i = 0; numbers.kind == JSON_ARRAY && json_walk_item(&w, &item); i++) {
        buf_puts(out, i > 0 ? ", " : "");
        buf_put_slice(out, json_view_raw(item));
    }
}

/* Several instances: of whom it is. Which one has the other tasks is known to none of them. */
static void put_holder(struct json_span root, struct buf *out)
{
    struct json_span tasks = json_view_get(root, "tasks");
    if (json_view_get(root, "held").kind == JSON_TRUE) {
        buf_puts(out, "task ");
        put_member(out, root, "task");
    } else {
        buf_puts(out, "This instance holds nothing of the key. Its tasks are ");
        put_list(out, tasks);
    }
    buf_puts(out, " of ");
    put_member(out, root, "of_tasks");
    buf_puts(out, json_view_get(root, "held").kind == JSON_TRUE ? "\n"
                  : json_view_get(root, "others").kind == JSON_TRUE
                      ? "; another instance may hold it\n"
                      : ", so no other does\n");
}

void partials_text_line(struct partials_text *t, struct json_span root, struct buf *out)
{
    if (json_view_get(root, "held").kind != JSON_NONE) {
        put_holder(root, out);
        return;
    }
    if (json_view_get(root, "open").kind == JSON_OBJECT) {
        put_open(t, root);
        return;
    }
    put_standing(t, root, out);
    buf_put_slice(out, buf_slice(&t->open));
    buf_clear(&t->open);
    t->n_open = 0;
}
