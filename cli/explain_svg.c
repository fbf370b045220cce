/*        │ 09:00:00                        09:05:00
 *  fail  │  ●  ●     ●
 *  no ok │        ▒▒▒▒▒▒▒▒▒▒                          forbidden band
 *  pay   │                        ●│                  the line: decided
 *        │  └────────── window ──────────┘
 */
#include "cli/explain_svg.h"

#include <string.h>

#include "base/utf8.h"
#include "lib/json_view.h"

#define LEFT 150
#define RIGHT 870
#define WIDTH 900
#define TOP 60
#define LANE 34
#define MAX_LANES RULE_MAX_TESTS
#define MAX_DOTS 400

struct picture {
    const struct rule *rule;
    struct buf *out;
    struct json_span alert;
    struct slice lanes[MAX_LANES]; /* labels of the steps that are shown */
    uint32_t n_lanes;
    struct etime from, to;
};

/* ---- text ------------------------------------------------------------------------------------ */

/* Whoever chooses a key may choose markup. */
static void put_text(struct buf *out, struct slice s)
{
    for (size_t i = 0; i < s.len;) {
        uint32_t cp;
        size_t n = utf8_decode(s, i, &cp);
        if (cp == UTF8_BAD || cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0xfffe || cp == 0xffff) {
            buf_put(out, "\xef\xbf\xbd", 3);
        } else if (cp == '<' || cp == '>' || cp == '&' || cp == '"' || cp == '\'') {
            buf_printf(out, "&#%u;", (unsigned)cp);
        } else {
            buf_put(out, s.ptr + i, n);
        }
        i += n;
    }
}

static void put_member(struct buf *out, struct json_span object, const char *name)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    json_view_text(json_view_get(object, name), &text);
    put_text(out, buf_slice(&text));
}

static void put_time(struct buf *out, struct etime t)
{
    char text[ETIME_TEXT_MAX];
    etime_format(t, text);
    buf_puts(out, text);
}

/* ---- places ---------------------------------------------------------------------------------- */

static double x_of(const struct picture *p, struct etime t)
{
    double whole = (double)(p->to.ns - p->from.ns);
    double share = whole > 0 ? (double)(t.ns - p->from.ns) / whole : 0;
    share = share < 0 ? 0 : share > 1 ? 1 : share;
    return LEFT + 10 + share * (RIGHT - LEFT - 20);
}

static int y_of(uint32_t lane)
{
    return TOP + (int)lane * LANE + LANE / 2;
}

static uint32_t lane_of(const struct picture *p, struct slice label)
{
    uint32_t i = 0;
    while (i < p->n_lanes && !slice_eq(p->lanes[i], label)) {
        i++;
    }
    return i;
}

static void cover(struct picture *p, struct etime t)
{
    if (t.ns != INT64_MIN && t.ns != INT64_MAX) {
        p->from = p->from.ns == INT64_MIN || etime_lt(t, p->from) ? t : p->from;
        p->to = etime_lt(p->to, t) ? t : p->to;
    }
}

static struct etime window_end(const struct picture *p)
{
    return etime_add(json_view_time(json_view_get(p->alert, "first")), p->rule->window);
}

/* Lanes in the order of the pattern; the axis holds all events and bands, and the end of the window
 * unless it lies so far off that nothing else could be told apart. */
static void lay_out(struct picture *p)
{
    struct json_span list = json_view_get(p->alert, "absent"), item;
    for (uint32_t t = 0; t < p->rule->n_tests && p->n_lanes < MAX_LANES; t++) {
        const struct rule_test *test = &p->rule->tests[t];
        if (lane_of(p, test->label) == p->n_lanes &&
            (test->use == TEST_STEP || test->use == TEST_ABSENT)) {
            p->lanes[p->n_lanes++] = test->label;
        }
    }
    cover(p, json_view_time(json_view_get(p->alert, "first")));
    cover(p, json_view_time(json_view_get(p->alert, "last")));
    cover(p, json_view_time(json_view_get(p->alert, "detected")));
    struct json_walk w = json_walk_into(list);
    while (list.kind == JSON_ARRAY && json_walk_item(&w, &item)) {
        cover(p, json_view_time(json_view_get(item, "from")));
        cover(p, json_view_time(json_view_get(item, "to")));
    }
    struct etime end = window_end(p);
    if (end.ns != INT64_MAX && etime_diff(end, p->from).ns / 4 <= etime_diff(p->to, p->from).ns) {
        cover(p, end);
    }
}

/* ---- what is drawn --------------------------------------------------------------------------- */

static void draw_lanes(const struct picture *p)
{
    for (uint32_t i = 0; i < p->n_lanes; i++) {
        int y = y_of(i);
        buf_printf(p->out, "<line class=\"lane\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>"
                   "<text class=\"label\" x=\"%d\" y=\"%d\">", LEFT, y, RIGHT, y, LEFT - 10, y + 4);
        put_text(p->out, p->lanes[i]);
        buf_puts(p->out, "</text>\n");
    }
    buf_printf(p->out, "<text x=\"%d\" y=\"%d\">", LEFT, TOP - 8);
    put_time(p->out, p->from);
    buf_printf(p->out, "</text><text class=\"end\" x=\"%d\" y=\"%d\">", RIGHT, TOP - 8);
    put_time(p->out, p->to);
    buf_puts(p->out, "</text>\n");
}

static void draw_bands(const struct picture *p)
{
    struct json_span list = json_view_get(p->alert, "absent"), item;
    struct json_walk w = json_walk_into(list);
    while (list.kind == JSON_ARRAY && json_walk_item(&w, &item)) {
        FYKE_CLEANUP(buf_release) struct buf step = BUF_INIT;
        json_view_text(json_view_get(item, "step"), &step);
        uint32_t lane = lane_of(p, buf_slice(&step));
        double x1 = x_of(p, json_view_time(json_view_get(item, "from")));
        double x2 = x_of(p, json_view_time(json_view_get(item, "to")));
        if (lane < p->n_lanes) {
            buf_printf(p->out, "<rect class=\"band\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"16\"><title>",
                       x1, y_of(lane) - 8, x2 > x1 ? x2 - x1 : 1);
            put_text(p->out, buf_slice(&step));
            buf_puts(p->out, ": ");
            put_member(p->out, item, "from");
            buf_puts(p->out, " to ");
            put_member(p->out, item, "to");
            buf_puts(p->out, "</title></rect>\n");
        }
    }
}

static void draw_event(const struct picture *p, struct json_span event, uint32_t lane)
{
    FYKE_CLEANUP(buf_release) struct buf fields = BUF_INIT;
    buf_put_slice(&fields, json_view_raw(json_view_get(event, "fields")));
    buf_printf(p->out, "<circle cx=\"%.1f\" cy=\"%d\" r=\"6\"><title>",
               x_of(p, json_view_time(json_view_get(event, "time"))), y_of(lane));
    put_member(p->out, event, "time");
    buf_puts(p->out, " ");
    put_member(p->out, event, "type");
    buf_puts(p->out, " ");
    put_text(p->out, buf_slice(&fields));
    buf_puts(p->out, "</title></circle>\n");
}

static void draw_events(const struct picture *p)
{
    struct json_span list = json_view_get(p->alert, "evidence"), item;
    struct json_walk w = json_walk_into(list);
    for (uint32_t n = 0; n < MAX_DOTS && list.kind == JSON_ARRAY && json_walk_item(&w, &item); n++) {
        FYKE_CLEANUP(buf_release) struct buf step = BUF_INIT;
        json_view_text(json_view_get(item, "step"), &step);
        uint32_t lane = lane_of(p, buf_slice(&step));
        if (lane < p->n_lanes) {
            draw_event(p, item, lane);
        }
    }
}

/* A window that goes beyond the picture has no right end. */
static void draw_window(const struct picture *p, int bottom)
{
    struct etime end = window_end(p);
    char length[DURATION_TEXT_MAX];
    if (duration_is_infinite(p->rule->window)) {
        return;
    }
    duration_format(p->rule->window, length);
    double x1 = x_of(p, json_view_time(json_view_get(p->alert, "first")));
    double x2 = etime_lt(p->to, end) ? RIGHT : x_of(p, end);
    buf_printf(p->out, "<path class=\"window\" d=\"M%.1f %dv10H%.1f%s\"/>", x1, bottom, x2,
               etime_lt(p->to, end) ? "" : "v-10");
    buf_printf(p->out, "<text x=\"%.1f\" y=\"%d\">within %s</text>\n", x1 + 6, bottom + 24, length);
}

static void draw_decision(const struct picture *p, bool fired, int bottom)
{
    struct etime at = json_view_time(json_view_get(p->alert, "detected"));
    if (fired && at.ns != INT64_MIN) {
        double x = x_of(p, at);
        buf_printf(p->out, "<line class=\"decided\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/>\n", x,
                   TOP, x, bottom);
    }
}

static void put_head(const struct picture *p, const struct why_config *c, bool fired, int height)
{
    buf_printf(p->out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
               "viewBox=\"0 0 %d %d\" role=\"img\">\n<style>text{font:12px sans-serif;fill:#222}"
               ".label{text-anchor:end}.end{text-anchor:end}.title{font-size:15px;font-weight:bold}"
               ".lane{stroke:#ccc}circle{fill:#1f5fbf}.band{fill:#c0392b;fill-opacity:.25}"
               ".window{fill:none;stroke:#555}.decided{stroke:#c0392b;stroke-dasharray:4 3}</style>\n"
               "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n<text class=\"title\" x=\"16\" y=\"24\">",
               WIDTH, height, WIDTH, height, WIDTH, height);
    put_text(p->out, slice_of(c->rule));
    if (c->key.len > 0) {
        buf_puts(p->out, ", ");
        put_text(p->out, c->key);
    }
    buf_puts(p->out, fired ? ": it fired" : ": it did not fire");
    buf_puts(p->out, "</text>\n");
}

void explain_svg(const struct rule *rule, const struct why_config *c, const struct why_result *r,
                 struct buf *out)
{
    struct picture p = {.rule = rule, .out = out, .from = ETIME_MIN, .to = ETIME_MIN};
    struct json_view v;
    json_view_init(&v);
    struct slice shown = r->fired ? r->alerts[r->n_alerts - 1]
                         : r->pending.len > 0 ? r->pending
                                              : r->furthest;
    if (shown.len > 0 && json_view_set(&v, shown)) {
        p.alert = v.root;
        lay_out(&p);
    }
    int bottom = TOP + (int)p.n_lanes * LANE;
    put_head(&p, c, r->fired, bottom + 40 + (shown.len > 0 ? 0 : 20));
    if (shown.len > 0) {
        draw_lanes(&p);
        draw_bands(&p);
        draw_window(&p, bottom);
        draw_decision(&p, r->fired, bottom);
        draw_events(&p);
    } else {
        buf_printf(out, "<text x=\"16\" y=\"%d\">no part of a match came about</text>\n", TOP);
    }
    buf_puts(out, "</svg>\n");
    json_view_release(&v);
}
