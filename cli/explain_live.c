#include "cli/explain_live.h"

#include "cli/alert_text.h"
#include "cli/partials_text.h"

struct live_answer_text {
    const char *rule;
    struct slice key;
    enum cli_format format;
    struct partials_text text;
    struct json_view furthest; /* root JSON_NONE: nothing is open */
    size_t most;               /* events in it */
    uint64_t n_open;
    struct buf out;
};

static size_t events_in(struct json_span alert)
{
    struct json_span list = json_view_get(alert, "evidence"), item;
    struct json_walk w = json_walk_into(list);
    size_t n = 0;
    while (list.kind == JSON_ARRAY && json_walk_item(&w, &item)) {
        n++;
    }
    return n;
}

/* A complete match that waits is further than any part; of parts the longest, the latest of equal ones. */
static void take_open(struct live_answer_text *a, struct json_span root, struct slice text)
{
    struct json_span alert = json_view_get(root, "open");
    size_t n = events_in(alert);
    n += json_view_is(json_view_get(alert, "kind"), "pending") ? SIZE_MAX / 2 : 0;
    a->n_open++;
    if (n >= a->most && json_view_set(&a->furthest, text)) {
        a->most = n;
    }
}

static bool is_zero(struct json_span number)
{
    return number.kind == JSON_NONE || slice_eq_str(json_view_raw(number), "0");
}

/* What the state can tell of it; for the rest it names who can. */
static void put_nothing_open(struct live_answer_text *a, struct json_span root)
{
    struct buf *out = &a->out;
    struct json_span events = json_view_get(root, "events");
    if (is_zero(events)) {
        buf_puts(out, "Nothing is open, and no event is kept: none that the rule could use lies within its "
                      "time, or a match has used it up.\n");
    } else if (is_zero(json_view_get(root, "starts"))) {
        buf_puts(out, "Nothing is open: of the events that are kept (");
        buf_put_slice(out, json_view_raw(events));
        buf_puts(out, ") none can begin a match; it fits later steps only, or a match has used it up.\n");
    } else {
        buf_puts(out, "Nothing is open: what had begun was broken off by a later event, or its "
                      "deadline is over.\n");
    }
    buf_printf(out, "What stood in the way the input can tell: fyke explain %s -r RULES -i INPUT", a->rule);
    if (a->key.len > 0) {
        buf_puts(out, " --key ");
        alert_text_safe(out, a->key);
    }
    buf_puts(out, "\n");
}

static void put_standing(struct live_answer_text *a, struct json_span root)
{
    struct buf *out = &a->out;
    buf_printf(out, "rule %s", a->rule);
    if (a->key.len > 0) {
        buf_puts(out, ", key ");
        alert_text_safe(out, a->key);
    }
    buf_puts(out, ", as the process stands\n");
    if (a->furthest.root.kind == JSON_OBJECT) {
        buf_puts(out, "It has come furthest here:\n");
        partials_text_line(&a->text, a->furthest.root, out);
        a->text.n_open = a->n_open;
    } else {
        put_nothing_open(a, root);
    }
    partials_text_line(&a->text, root, out);
    if (json_view_get(root, "quiet_until").kind == JSON_STRING) {
        buf_puts(out, "An alert before keeps it quiet: a match now would be held back.\n");
    }
    if (json_view_get(root, "capped_until").kind == JSON_STRING) {
        buf_puts(out, "Starts of matches were dropped by a cap: a match may be missing.\n");
    }
}

static void on_line(void *ctx, struct json_span root, struct slice text)
{
    struct live_answer_text *a = ctx;
    if (a->format == FORMAT_JSON) {
        buf_put_slice(&a->out, text);
        buf_puts(&a->out, "\n");
    } else if (json_view_get(root, "held").kind != JSON_NONE) {
        partials_text_line(&a->text, root, &a->out);
    } else if (json_view_get(root, "open").kind == JSON_OBJECT) {
        take_open(a, root, text);
    } else {
        put_standing(a, root);
    }
}

int explain_live(const struct live_target *t, const char *rule, struct slice key,
                 enum cli_format format, bool color)
{
    FYKE_CLEANUP(buf_release) struct buf request = BUF_INIT;
    struct live_answer_text a = {.rule = rule, .key = key, .format = format};
    a.text.color = color;
    json_view_init(&a.furthest);
    partials_request(rule, key, &request);
    int rc = live_ask(t, buf_slice(&request), on_line, &a);
    rc = rc == CLI_OK ? cli_put(buf_slice(&a.out)) : rc;
    json_view_release(&a.furthest);
    buf_release(&a.text.open);
    buf_release(&a.out);
    return rc;
}
