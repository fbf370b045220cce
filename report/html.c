/* One self-contained file: no scripts at all, nothing from elsewhere, charts as inline SVG. Whatever
 * comes from rules or events goes through put_html(). */
#include <inttypes.h>
#include <string.h>

#include "report/funnel.h"
#include "report/html_parts.h"
#include "report/near.h"
#include "report/parts.h"

#define CHART_WIDTH 640
#define CHART_HEIGHT 60
#define LEAST_BAR 0.5 /* events of one slip in a date must not make the others invisible */

static const char head[] =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
    "style-src 'unsafe-inline'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>";
static const char style[] =
    "</title>\n<style>\n"
    ":root { color-scheme: light dark; }\n"
    "body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; "
    "padding: 0 1rem; }\n"
    "table { border-collapse: collapse; } th, td { padding: .2rem .8rem; text-align: right; "
    "border-bottom: 1px solid #8884; }\n"
    "th:first-child, td:first-child { text-align: left; } .wide { overflow-x: auto; }\n"
    "svg rect { fill: #3b7dd8; } svg text { fill: currentColor; font: 11px sans-serif; }\n"
    "code { overflow-wrap: anywhere; }\n"
    "</style></head><body>\n";

void put_html(struct slice s, struct buf *out)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c < 0x20 || c == 0x7f) {
            buf_puts(out, " ");
        } else if (c < 0x80 && strchr("<>&\"'`=", c)) {
            buf_printf(out, "&#%u;", c);
        } else {
            buf_put_byte(out, c);
        }
    }
}

void html_begin(const char *title, struct buf *out)
{
    buf_puts(out, head);
    put_html(slice_of(title), out);
    buf_puts(out, style);
}

/* ---- charts --------------------------------------------------------------------------------- */

static uint64_t most_of(const struct replay_days *d)
{
    uint64_t most = 1;
    for (size_t i = 0; i < d->n; i++) {
        most = d->items[i].n > most ? d->items[i].n : most;
    }
    return most;
}

/* A bar per day; days without any leave a gap. */
static void put_chart(const struct replay_days *d, struct buf *out)
{
    if (d->n == 0) {
        return;
    }
    int64_t first = d->items[0].day, days = d->items[d->n - 1].day - first + 1;
    double width = (double)CHART_WIDTH / (double)days;
    uint64_t most = most_of(d);
    buf_printf(out, "<svg viewBox=\"0 0 %d %d\" width=\"100%%\" role=\"img\" "
               "aria-label=\"per day\">", CHART_WIDTH, CHART_HEIGHT + 16);
    for (size_t i = 0; i < d->n; i++) {
        double high = CHART_HEIGHT * (double)d->items[i].n / (double)most;
        buf_printf(out, "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"><title>",
                   width * (double)(d->items[i].day - first), CHART_HEIGHT - high,
                   width > 4 ? width - 1 : width < LEAST_BAR ? LEAST_BAR : width, high);
        put_day(d->items[i].day, out);
        buf_printf(out, ": %" PRIu64 "</title></rect>", d->items[i].n);
    }
    buf_printf(out, "<text x=\"0\" y=\"%d\">", CHART_HEIGHT + 13);
    put_day(first, out);
    if (days > 1) {
        buf_printf(out, "</text><text x=\"%d\" y=\"%d\" text-anchor=\"end\">", CHART_WIDTH, CHART_HEIGHT + 13);
        put_day(d->items[d->n - 1].day, out);
    }
    buf_puts(out, "</text></svg>\n");
}

/* ---- tables --------------------------------------------------------------------------------- */

static void put_length_or_dash(const struct replay_lengths *l, unsigned percent, struct buf *out)
{
    if (l->n == 0) {
        buf_puts(out, "–");
    } else {
        put_length(replay_percentile(l, percent), out);
    }
}

static void put_row(const struct replay_result *r, const struct replay_rule *rule,
                    struct buf *out)
{
    uint64_t n = rule->matches + rule->timeouts;
    buf_puts(out, "<tr><td>");
    put_html(report_rule_name(r, rule->index), out);
    buf_printf(out, "</td><td>%" PRIu64 "</td><td>%" PRIu64 "</td><td>", n, rule->keys);
    put_per_day(r, n, REPORT_NO_LENGTH, out);
    buf_puts(out, "</td><td>");
    put_length_or_dash(&rule->took, 50, out);
    buf_puts(out, "</td><td>");
    put_length_or_dash(&rule->took, 95, out);
    if (r->has_labels) {
        buf_puts(out, "</td><td>");
        put_share(rule->labels.true_alerts, n, out);
        buf_puts(out, "</td><td>");
        put_share(rule->labels.found, rule->labels.events, out);
    }
    buf_puts(out, "</td><td>");
    put_cost(r, rule, out);
    buf_puts(out, "</td></tr>\n");
}

static void put_table(const struct replay_result *r, struct buf *out)
{
    buf_puts(out, "<div class=\"wide\"><table><tr><th>rule</th><th>matches</th><th>keys</th>"
                  "<th>per day</th><th>took p50</th><th>p95</th>");
    buf_puts(out, r->has_labels ? "<th>precision</th><th>recall</th>" : "");
    buf_puts(out, "<th>cost</th></tr>\n");
    for (uint32_t i = 0; i < r->n_rules; i++) {
        put_row(r, &r->rules[i], out);
    }
    buf_puts(out, "</table></div>\n");
}

static void put_details(const struct replay_result *r, const struct replay_rule *rule,
                        struct buf *out)
{
    if (rule->matches + rule->timeouts == 0) {
        return;
    }
    buf_puts(out, "<h2>");
    put_html(report_rule_name(r, rule->index), out);
    buf_puts(out, "</h2>\n");
    put_chart(&rule->days, out);
    buf_puts(out, "<table><tr><th>key</th><th>matches</th></tr>\n");
    for (size_t i = 0; i < rule->n_top; i++) {
        buf_puts(out, "<tr><td><code>");
        put_html(rule->top[i].text, out);
        buf_printf(out, "</code></td><td>%" PRIu64 "</td></tr>\n", rule->top[i].n);
    }
    buf_puts(out, "</table>\n");
}

/* A bar per step, as long as the share of the first step that got there. */
static void put_steps(const struct replay_rule *rule, struct buf *out)
{
    uint64_t most = 1;
    for (uint32_t k = 0; k < rule->n_steps; k++) {
        most = rule->steps[k].reached > most ? rule->steps[k].reached : most;
    }
    buf_printf(out, "<svg viewBox=\"0 0 %d %u\" width=\"100%%\" role=\"img\" "
               "aria-label=\"steps\">", CHART_WIDTH, 20 * rule->n_steps);
    for (uint32_t k = 0; k < rule->n_steps; k++) {
        const struct replay_step *s = &rule->steps[k];
        buf_printf(out, "<rect x=\"0\" y=\"%u\" width=\"%.2f\" height=\"4\"></rect>"
                   "<text x=\"0\" y=\"%u\">", 20 * k + 14,
                   CHART_WIDTH * (double)s->reached / (double)most, 20 * k + 11);
        put_html(s->label, out);
        buf_printf(out, ": %" PRIu64 "</text>", s->reached);
    }
    buf_puts(out, "</svg>\n");
}

static void put_funnel(const struct replay_result *r, struct buf *out)
{
    struct report_table t;
    funnel_table(r, &t);
    buf_puts(out, "<h2>Steps</h2>\n");
    table_put_html(&t, out);
    buf_puts(out, "<p><small>" REPORT_FUNNEL "</small></p>\n");
    for (uint32_t i = 0; i < r->n_rules; i++) {
        if (r->rules[i].n_steps > 0) {
            buf_puts(out, "<h3>");
            put_html(report_rule_name(r, i), out);
            buf_puts(out, "</h3>\n");
            put_steps(&r->rules[i], out);
        }
    }
    table_release(&t);
}

static void put_labels(const struct replay_result *r, struct buf *out)
{
    const struct replay_label_figures *f = &r->labels;
    buf_puts(out, "<h2>Labels</h2>\n<p>Precision ");
    put_share(f->true_alerts, r->matches, out);
    buf_printf(out, " (%" PRIu64 " of %" PRIu64 " alerts), recall ", f->true_alerts, r->matches);
    put_share(f->found, f->events, out);
    buf_printf(out, " (%" PRIu64 " of %" PRIu64 " labelled events)", f->found, f->events);
    if (f->episodes > 0) {
        buf_printf(out, ", %" PRIu64 " of %" PRIu64 " episodes", f->episodes_found, f->episodes);
    }
    buf_puts(out, ".</p>\n");
    buf_puts(out, "<p><small>" REPORT_DEFINITION_1 " " REPORT_DEFINITION_2 " " REPORT_DEFINITION_3
                  "</small></p>\n");
}

static void put_edges(const struct replay_result *r, struct buf *out)
{
    if (r->n_edges == 0) {
        return;
    }
    buf_puts(out, "<h2>At the edges</h2>\n<div class=\"wide\"><table><tr><th>rule</th><th>key</th>"
                  "<th>first</th><th>detected</th><th></th></tr>\n");
    for (size_t i = 0; i < r->n_edges; i++) {
        const struct replay_edge *e = &r->edges[i];
        buf_puts(out, "<tr><td>");
        put_html(report_rule_name(r, e->rule), out);
        buf_puts(out, "</td><td><code>");
        put_html(slice_of(e->key), out);
        buf_puts(out, "</code></td><td>");
        put_moment(e->first, "", "", out);
        buf_puts(out, "</td><td>");
        put_moment(e->detected, "", "", out);
        buf_puts(out, e->behind ? "</td><td>behind, not counted</td></tr>\n"
                                : "</td><td>began before</td></tr>\n");
    }
    buf_puts(out, "</table></div>\n");
}

void report_html(const struct replay_result *r, struct buf *out)
{
    FYKE_CLEANUP(buf_release) struct buf needed = BUF_INIT, remarks = BUF_INIT;
    char hex[HASH128_HEX_MAX];
    html_begin("Replay", out);
    buf_puts(out, "<h1>Replay</h1>\n<p>");
    put_moment(r->from, report_beginning(r), "", out);
    buf_puts(out, " to ");
    put_moment(r->to, "", "its end", out);
    buf_puts(out, " · ");
    put_counted(r->events, "event", "events", out);
    buf_puts(out, " · ");
    put_counted(r->matches, "match", "matches", out);
    buf_puts(out, "</p>\n<p><small>looks back ");
    replay_span_text(&r->span, r->rs, &needed);
    put_html(buf_slice(&needed), out);
    put_remarks(r, &remarks);
    buf_puts(out, remarks.len > 0 ? "." : "");
    put_html(buf_slice(&remarks), out);
    buf_puts(out, "</small></p>\n");
    put_table(r, out);
    if (r->event_days.n > 0) {
        buf_puts(out, "<h2>Events per day</h2>\n");
        put_chart(&r->event_days, out);
    }
    if (r->has_labels) {
        put_labels(r, out);
    }
    for (uint32_t i = 0; i < r->n_rules; i++) {
        put_details(r, &r->rules[i], out);
    }
    if (r->has_funnel) {
        put_funnel(r, out);
    }
    if (r->near_misses) {
        struct report_table t;
        near_table(r, &t);
        buf_puts(out, "<h2>Near misses</h2>\n<p>");
        near_put_tried(r, out);
        buf_puts(out, "</p>\n");
        table_put_html(&t, out);
        table_release(&t);
    }
    put_edges(r, out);
    hash128_hex(r->digest, hex);
    buf_printf(out, "<p><small>digest <code>%s</code></small></p>\n</body></html>\n", hex);
}
