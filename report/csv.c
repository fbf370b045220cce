/* One row per rule. */
#include <inttypes.h>
#include <string.h>

#include "report/csv_parts.h"
#include "report/funnel.h"
#include "report/parts.h"

void put_csv_cell(struct slice s, struct buf *out)
{
    bool formula = s.len > 0 && memchr("=+-@\t\r", s.ptr[0], 6) != NULL;
    buf_puts(out, "\"");
    buf_puts(out, formula ? "'" : "");
    for (size_t i = 0; i < s.len; i++) {
        buf_puts(out, s.ptr[i] == '"' ? "\"" : "");
        buf_put_byte(out, (uint8_t)s.ptr[i]);
    }
    buf_puts(out, "\"");
}

static void put_seconds(const struct replay_lengths *l, unsigned percent, struct buf *out)
{
    buf_puts(out, ",");
    if (l->n > 0) {
        buf_printf(out, "%.3f", (double)replay_percentile(l, percent) / (double)NS_PER_S);
    }
}

static void put_ratio(uint64_t part, uint64_t whole, struct buf *out)
{
    buf_puts(out, ",");
    if (whole > 0) {
        buf_printf(out, "%.6f", (double)part / (double)whole);
    }
}

static void put_rule(const struct replay_result *r, const struct replay_rule *rule,
                     struct buf *out)
{
    uint64_t n = rule->matches + rule->timeouts;
    put_csv_cell(report_rule_name(r, rule->index), out);
    buf_printf(out, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",", rule->matches, rule->timeouts, rule->keys);
    if (replay_has_rate(r)) {
        buf_printf(out, "%.3f", replay_per_day(r, n));
    }
    put_seconds(&rule->took, 50, out);
    put_seconds(&rule->took, 95, out);
    put_seconds(&rule->waited, 95, out);
    buf_printf(out, ",%" PRIu64 ",%" PRIu64, rule->begun_before, rule->ends_behind);
    if (r->has_labels) {
        const struct replay_label_figures *f = &rule->labels;
        buf_printf(out, ",%" PRIu64 ",%" PRIu64, f->true_alerts, n - f->true_alerts);
        put_ratio(f->true_alerts, n, out);
        put_ratio(f->found, f->events, out);
        put_ratio(f->episodes_found, f->episodes, out);
    }
    buf_printf(out, ",%.6f", report_cost(r, rule));
    if (r->has_funnel) {
        FYKE_CLEANUP(buf_release) struct buf steps = BUF_INIT;
        funnel_put_line(rule, &steps);
        buf_puts(out, ",");
        put_csv_cell(buf_slice(&steps), out);
    }
    buf_puts(out, "\n");
}

void report_csv(const struct replay_result *r, struct buf *out)
{
    buf_puts(out, "rule,matches,timeouts,keys,per_day,took_p50_s,took_p95_s,waited_p95_s,"
                  "begun_before,ends_behind");
    buf_puts(out, r->has_labels ? ",true_alerts,false_alerts,precision,recall,episode_recall"
                                : "");
    buf_puts(out, r->has_funnel ? ",cost_share,steps\n" : ",cost_share\n");
    for (uint32_t i = 0; i < r->n_rules; i++) {
        put_rule(r, &r->rules[i], out);
    }
}
