#include "report/sweep_chart.h"

#include <inttypes.h>

#include "report/html_parts.h"
#include "report/parts.h"

#define WIDTH 640
#define HEIGHT 120
#define BELOW 34 /* values of the point, and the legend */

struct chart {
    const struct replay_sweep *sweep;
    uint32_t rule;
    double step; /* width of a point */
    uint64_t most;
};

static const struct replay_rule *rule_of(const struct chart *c, uint32_t point)
{
    const struct replay_result *r = &c->sweep->results[point];
    return c->rule == UINT32_MAX ? NULL : &r->rules[c->rule];
}

static uint64_t alerts_at(const struct chart *c, uint32_t point)
{
    const struct replay_rule *rule = rule_of(c, point);
    return rule ? rule->matches + rule->timeouts : c->sweep->results[point].matches;
}

static const struct replay_label_figures *figures_at(const struct chart *c, uint32_t point)
{
    const struct replay_rule *rule = rule_of(c, point);
    return rule ? &rule->labels : &c->sweep->results[point].labels;
}

static void put_values(const struct replay_sweep *s, uint32_t point, struct buf *out)
{
    for (size_t i = 0; i < s->n_axes; i++) {
        buf_puts(out, i > 0 ? ", " : "");
        put_html(s->points[point].values[i], out);
    }
}

static void put_bar(const struct chart *c, uint32_t point, struct buf *out)
{
    const struct replay_sweep *s = c->sweep;
    uint64_t n = alerts_at(c, point);
    double high = HEIGHT * (double)n / (double)c->most, left = c->step * point;
    buf_printf(out, "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"", left, HEIGHT - high,
               c->step > 8 ? c->step - 4 : c->step * 0.8, high);
    buf_puts(out, s->points[point].as_written ? "><title>" : " opacity=\".6\"><title>");
    put_values(s, point, out);
    buf_printf(out, ": %" PRIu64 "</title></rect>", n);
    if (c->step >= 30) {
        buf_printf(out, "<text x=\"%.2f\" y=\"%d\">", left, HEIGHT + 13);
        put_values(s, point, out);
        buf_puts(out, "</text>");
    }
}

/* Points at which the ratio is one of nothing are left out. */
static void put_line(const struct chart *c, bool recall, struct buf *out)
{
    buf_printf(out, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" points=\"",
               recall ? "#c2571a" : "#2e7d32");
    for (uint32_t p = 0; p < c->sweep->n_points; p++) {
        const struct replay_label_figures *f = figures_at(c, p);
        uint64_t part = recall ? f->found : f->true_alerts;
        uint64_t whole = recall ? f->events : alerts_at(c, p);
        if (whole > 0) {
            buf_printf(out, "%.2f,%.2f ", c->step * (p + 0.4),
                       HEIGHT - HEIGHT * (double)part / (double)whole);
        }
    }
    buf_puts(out, "\"></polyline>");
}

void sweep_chart(const struct replay_sweep *s, uint32_t rule, struct buf *out)
{
    struct chart c = {s, rule, (double)WIDTH / (double)(s->n_points > 0 ? s->n_points : 1), 1};
    for (uint32_t p = 0; p < s->n_points; p++) {
        c.most = alerts_at(&c, p) > c.most ? alerts_at(&c, p) : c.most;
    }
    buf_puts(out, "<h2>");
    put_html(rule == UINT32_MAX ? SLICE_LIT("all rules") : report_rule_name(&s->results[0], rule), out);
    buf_printf(out, "</h2>\n<svg viewBox=\"0 0 %d %d\" width=\"100%%\" role=\"img\" "
               "aria-label=\"alerts per point\">", WIDTH, HEIGHT + BELOW);
    for (uint32_t p = 0; p < s->n_points; p++) {
        put_bar(&c, p, out);
    }
    buf_printf(out, "<text x=\"0\" y=\"%d\">alerts, at most %" PRIu64, HEIGHT + 29, c.most);
    buf_puts(out, s->results[0].has_labels ? "; green precision, orange recall, 0 to 1</text>"
                                           : "</text>");
    if (s->results[0].has_labels) {
        put_line(&c, false, out);
        put_line(&c, true, out);
    }
    buf_puts(out, "</svg>\n");
}
