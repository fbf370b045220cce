/* For a pull request: a table and what stands beside it. */
#include <inttypes.h>
#include <string.h>

#include "report/funnel.h"
#include "report/markdown_parts.h"
#include "report/near.h"
#include "report/parts.h"

void put_markdown(struct slice s, struct buf *out)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c < 0x20 || c == 0x7f) {
            buf_puts(out, " ");
        } else if (c < 0x80 && strchr("\\`*_{}[]()<>#+-.!|&~\"':/@", c)) {
            buf_printf(out, "&#%u;", c);
        } else {
            buf_put_byte(out, c);
        }
    }
}

static void put_length_or_dash(const struct replay_lengths *l, unsigned percent, struct buf *out)
{
    if (l->n == 0) {
        buf_puts(out, "-");
    } else {
        put_length(replay_percentile(l, percent), out);
    }
}

static void put_rule(const struct replay_result *r, const struct replay_rule *rule,
                     struct buf *out)
{
    uint64_t n = rule->matches + rule->timeouts;
    buf_puts(out, "| ");
    put_markdown(report_rule_name(r, rule->index), out);
    buf_printf(out, " | %" PRIu64 " | %" PRIu64 " | ", n, rule->keys);
    put_per_day(r, n, REPORT_NO_LENGTH, out);
    buf_puts(out, " | ");
    put_length_or_dash(&rule->took, 50, out);
    buf_puts(out, " | ");
    put_length_or_dash(&rule->took, 95, out);
    if (r->has_labels) {
        buf_puts(out, " | ");
        put_share(rule->labels.true_alerts, n, out);
        buf_puts(out, " | ");
        put_share(rule->labels.found, rule->labels.events, out);
    }
    buf_puts(out, " | ");
    put_cost(r, rule, out);
    buf_puts(out, " | ");
    for (size_t i = 0; i < rule->n_top && i < 3; i++) {
        buf_puts(out, i > 0 ? ", " : "");
        put_markdown(rule->top[i].text, out);
        buf_printf(out, " (%" PRIu64 ")", rule->top[i].n);
    }
    buf_puts(out, " |\n");
}

static void put_labels(const struct replay_result *r, struct buf *out)
{
    const struct replay_label_figures *f = &r->labels;
    buf_puts(out, "\nAll rules: precision ");
    put_share(f->true_alerts, r->matches, out);
    buf_puts(out, ", recall ");
    put_share(f->found, f->events, out);
    buf_printf(out, " (%" PRIu64 " of %" PRIu64 " labelled events)", f->found, f->events);
    if (f->episodes > 0) {
        buf_printf(out, ", %" PRIu64 " of %" PRIu64 " episodes", f->episodes_found, f->episodes);
    }
    buf_puts(out, ".\n\n" REPORT_DEFINITION_1 " " REPORT_DEFINITION_2 " " REPORT_DEFINITION_3 "\n");
}

void report_markdown(const struct replay_result *r, struct buf *out)
{
    FYKE_CLEANUP(buf_release) struct buf remarks = BUF_INIT;
    char hex[HASH128_HEX_MAX];
    buf_puts(out, "### Replay of ");
    put_moment(r->from, report_beginning(r), "", out);
    buf_puts(out, " to ");
    put_moment(r->to, "", "its end", out);
    buf_puts(out, "\n\n");
    put_counted(r->events, "event", "events", out);
    buf_puts(out, ", ");
    put_counted(r->matches, "match", "matches", out);
    put_remarks(r, &remarks);
    buf_puts(out, remarks.len > 0 ? "." : "");
    buf_put_slice(out, buf_slice(&remarks));
    buf_puts(out, "\n\n");
    buf_printf(out, "| rule | matches | keys | per day | took p50 | p95 |%s cost | top keys |\n",
               r->has_labels ? " precision | recall |" : "");
    buf_printf(out, "|---|---:|---:|---:|---:|---:|%s---:|---|\n", r->has_labels ? "---:|---:|" : "");
    for (uint32_t i = 0; i < r->n_rules; i++) {
        put_rule(r, &r->rules[i], out);
    }
    if (r->has_labels) {
        put_labels(r, out);
    }
    if (r->has_funnel) {
        struct report_table t;
        funnel_table(r, &t);
        buf_puts(out, "\n");
        table_put_markdown(&t, out);
        buf_puts(out, "\n" REPORT_FUNNEL "\n");
        table_release(&t);
    }
    if (r->near_misses) {
        struct report_table t;
        near_table(r, &t);
        buf_puts(out, "\n");
        near_put_tried(r, out);
        buf_puts(out, "\n\n");
        table_put_markdown(&t, out);
        table_release(&t);
    }
    hash128_hex(r->digest, hex);
    buf_printf(out, "\nDigest `%s`\n", hex);
}
