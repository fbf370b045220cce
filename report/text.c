/* For people at a terminal. */
#include <inttypes.h>

#include "report/parts.h"

/* ---- head ----------------------------------------------------------------------------------- */

static void put_range(const struct replay_result *r, struct buf *out)
{
    buf_puts(out, "replay of ");
    put_moment(r->from, "the beginning of the data", "", out);
    buf_puts(out, " to ");
    put_moment(r->to, "", "its end", out);
    buf_puts(out, "\n  warm-up    ");
    if (r->from.ns == INT64_MIN) {
        buf_puts(out, "none: the range begins with the data");
    } else {
        buf_puts(out, "from ");
        put_moment(r->evaluated_from, "the beginning of the data", "", out);
        buf_puts(out, "; needed: ");
        replay_span_text(&r->span, r->rs, out);
    }
    if (r->to.ns != INT64_MAX) {
        buf_puts(out, "\n  cool-down  to ");
        put_moment(r->evaluated_before, "", "the end of the data", out);
    }
    buf_puts(out, "\n");
}

static void put_events(const struct replay_result *r, struct buf *out)
{
    double rate = r->wall_s > 0 ? (double)r->records / r->wall_s : 0;
    buf_printf(out,
               "  events     %" PRIu64 " in the range, %" PRIu64 " in the warm-up, %" PRIu64
               " in the cool-down",
               r->events, r->warm_events, r->cool_events);
    if (r->late_in_range > 0) {
        buf_printf(out, "; %" PRIu64 " late, not evaluated", r->late_in_range);
    }
    if (r->invalid > 0) {
        buf_printf(out, "; %" PRIu64 " invalid", r->invalid);
    }
    buf_printf(out, "\n  read       %" PRIu64 " records in %.1f s (%.0f/s, %.1f s of CPU)\n",
               r->records, r->wall_s, rate, r->cpu_s);
}

/* Mostly a slip in a date. */
static void put_nothing(const struct replay_result *r, struct buf *out)
{
    if (r->events > 0 || r->matches > 0) {
        return;
    }
    buf_puts(out, "  no event lies in the range");
    if (r->data_first.ns != INT64_MIN) {
        buf_puts(out, "; what was read goes from ");
        put_moment(r->data_first, "", "", out);
        buf_puts(out, " to ");
        put_moment(r->data_last, "", "", out);
    }
    buf_puts(out, "\n");
}

/* ---- rules ---------------------------------------------------------------------------------- */

static int name_width(const struct replay_result *r)
{
    size_t most = 4;
    for (uint32_t i = 0; i < r->n_rules; i++) {
        size_t len = report_rule_name(r, i).len;
        most = len > most ? len : most;
    }
    return (int)(most > 40 ? 40 : most);
}

static void put_cell(struct buf *out, struct buf *cell, int width)
{
    buf_printf(out, "  %*s", width, buf_cstr(cell));
    buf_clear(cell);
}

static void put_rule(const struct replay_result *r, const struct replay_rule *rule, int width,
                     struct buf *out)
{
    FYKE_CLEANUP(buf_release) struct buf cell = BUF_INIT;
    struct slice name = report_rule_name(r, rule->index);
    uint64_t n = rule->matches + rule->timeouts;
    buf_printf(out, "  %-*.*s", width, (int)name.len, name.ptr);
    buf_printf(&cell, "%" PRIu64, n);
    put_cell(out, &cell, 9);
    buf_printf(&cell, "%" PRIu64, rule->keys);
    put_cell(out, &cell, 8);
    put_rate(replay_per_day(r, n), &cell);
    put_cell(out, &cell, 9);
    for (unsigned percent = 50; percent <= 95; percent += 45) {
        if (rule->took.n == 0) {
            buf_puts(&cell, "-");
        } else {
            put_length(replay_percentile(&rule->took, percent), &cell);
        }
        put_cell(out, &cell, 9);
    }
    buf_puts(out, "\n");
}

static void put_rules(const struct replay_result *r, struct buf *out)
{
    int width = name_width(r);
    buf_printf(out, "\n  %-*s  %9s  %8s  %9s  %9s  %9s\n", width, "RULE", "MATCHES", "KEYS",
               "PER DAY", "TOOK p50", "p95");
    for (uint32_t i = 0; i < r->n_rules; i++) {
        put_rule(r, &r->rules[i], width, out);
    }
}

/* ---- what stands apart ---------------------------------------------------------------------- */

static uint64_t edges_of(const struct replay_result *r, bool behind)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < r->n_rules; i++) {
        n += behind ? r->rules[i].ends_behind : r->rules[i].begun_before;
    }
    return n;
}

static void put_side(const struct replay_result *r, bool behind, const char *says, struct buf *out)
{
    uint64_t n = edges_of(r, behind);
    if (n == 0) {
        return;
    }
    buf_printf(out, "\n  %" PRIu64 " %s\n", n, says);
    for (size_t i = 0; i < r->n_edges; i++) {
        const struct replay_edge *e = &r->edges[i];
        if (e->behind != behind) {
            continue;
        }
        buf_printf(out, "    %.*s ", SLICE_ARG(report_rule_name(r, e->rule)));
        put_plain(slice_of(e->key), out);
        buf_puts(out, e->key[0] ? "  " : " ");
        put_moment(e->first, "", "", out);
        buf_puts(out, " .. ");
        put_moment(e->detected, "", "", out);
        buf_puts(out, "\n");
    }
}

void report_text(const struct replay_result *r, struct buf *out)
{
    char hex[HASH128_HEX_MAX];
    put_range(r, out);
    put_events(r, out);
    put_nothing(r, out);
    put_rules(r, out);
    put_side(r, false, "of them began before the range:", out);
    put_side(r, true, "more began in the range and were detected behind it (not counted):", out);
    if (r->to.ns != INT64_MAX && !r->reached_to) {
        buf_puts(out, "\n  the data ends before the range does: what was open then is not decided\n");
    } else if (!r->reached_end && r->to.ns != INT64_MAX) {
        buf_puts(out, "\n  the data ends within the cool-down\n");
    }
    hash128_hex(r->digest, hex);
    buf_printf(out, "\n  digest %s of %" PRIu64 " matches\n", hex, r->matches);
}
