/* For people at a terminal. */
#include <inttypes.h>

#include "base/utf8.h"
#include "report/funnel.h"
#include "report/near.h"
#include "report/parts.h"

#define UNSETTLED_SHOWN 10

/* ---- head ----------------------------------------------------------------------------------- */

static void put_new_rules(const struct replay_result *r, struct buf *out)
{
    for (uint32_t i = 0, n = 0; i < r->n_rules; i++) {
        if (r->rules[i].begins_anew) {
            buf_puts(out, n++ == 0 ? "\n  begin anew " : ", ");
            buf_put_slice(out, report_rule_name(r, i));
        }
    }
}

static void put_range(const struct replay_result *r, struct buf *out)
{
    buf_puts(out, "replay of ");
    put_moment(r->from, report_beginning(r), "", out);
    buf_puts(out, " to ");
    put_moment(r->to, "", "its end", out);
    buf_puts(out, "\n  warm-up    ");
    if (r->has_savepoint) {
        buf_printf(out, "none: goes on from a state, its commit %" PRIu64, r->savepoint_commit);
        put_new_rules(r, out);
    } else if (r->from.ns == INT64_MIN) {
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
    if (r->earlier > 0) {
        buf_printf(out, "\n  begins     %" PRIu64 " offsets in front of where the broker's time says: "
                   "events of the range stand there", r->earlier);
    }
    if (r->removed > 0) {
        buf_printf(out, "\n  begins     with the first record that the topic still holds, in %" PRIu64
                   " partitions: retention may have removed some of the warm-up or the range",
                   r->removed);
    }
    if (r->repeats) {
        buf_puts(out, "\n  slice      the same as in the manifest");
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
        size_t len = utf8_length(report_rule_name(r, i));
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
    int blanks = width - (int)utf8_length(name);
    buf_printf(out, "  %.*s%*s", SLICE_ARG(name), blanks > 0 ? blanks : 0, "");
    buf_printf(&cell, "%" PRIu64, n);
    put_cell(out, &cell, 9);
    buf_printf(&cell, "%" PRIu64, rule->keys);
    put_cell(out, &cell, 8);
    put_per_day(r, n, REPORT_NO_LENGTH, &cell);
    put_cell(out, &cell, 9);
    for (unsigned percent = 50; percent <= 95; percent += 45) {
        if (rule->took.n == 0) {
            buf_puts(&cell, "-");
        } else {
            put_length(replay_percentile(&rule->took, percent), &cell);
        }
        put_cell(out, &cell, 9);
    }
    if (r->has_labels) {
        put_share(rule->labels.true_alerts, n, &cell);
        put_cell(out, &cell, 9);
        put_share(rule->labels.found, rule->labels.events, &cell);
        put_cell(out, &cell, 9);
    }
    put_cost(r, rule, &cell);
    put_cell(out, &cell, 7);
    buf_puts(out, "\n");
}

static void put_rules(const struct replay_result *r, struct buf *out)
{
    int width = name_width(r);
    buf_printf(out, "\n  %-*s  %9s  %8s  %9s  %9s  %9s%s  %7s\n", width, "RULE", "MATCHES", "KEYS",
               "PER DAY", "TOOK p50", "p95", r->has_labels ? "  PRECISION     RECALL" : "", "COST");
    for (uint32_t i = 0; i < r->n_rules; i++) {
        put_rule(r, &r->rules[i], width, out);
    }
}

/* ---- labels --------------------------------------------------------------------------------- */

static void put_episodes(const struct replay_result *r, struct buf *out)
{
    const struct replay_label_figures *f = &r->labels;
    buf_printf(out, "\n    %" PRIu64 " of %" PRIu64 " episodes found: recall ", f->episodes_found,
               f->episodes);
    put_share(f->episodes_found, f->episodes, out);
    if (r->to_detect.n > 0) {
        buf_puts(out, "; half of them within ");
        put_length(replay_percentile(&r->to_detect, 50), out);
        buf_puts(out, " of their first event, 95 of 100 within ");
        put_length(replay_percentile(&r->to_detect, 95), out);
    }
}

static void put_amounts(const struct replay_result *r, struct buf *out)
{
    const struct replay_label_figures *f = &r->labels;
    char found[DECIMAL_TEXT_MAX], all[DECIMAL_TEXT_MAX], cost[DECIMAL_TEXT_MAX];
    decimal_format(f->found_amount, found);
    decimal_format(f->amount, all);
    buf_printf(out, "\n    amounts: %s of %s found", found, all);
    if (r->label_options.has_alert_cost) {
        decimal_format(r->label_options.alert_cost, cost);
        buf_printf(out, "; %.2f after %s for each alert", replay_benefit(r, f, r->matches), cost);
    }
}

static void put_labels(const struct replay_result *r, struct buf *out)
{
    const struct replay_label_figures *f = &r->labels;
    buf_printf(out, "\n  labels\n    %" PRIu64 " of %" PRIu64 " alerts true: precision ",
               f->true_alerts, r->matches);
    put_share(f->true_alerts, r->matches, out);
    buf_printf(out, "\n    %" PRIu64 " of %" PRIu64 " labelled events in evidence: recall ",
               f->found, f->events);
    put_share(f->found, f->events, out);
    if (f->late > 0) {
        buf_printf(out, "; %" PRIu64 " of them late", f->late);
    }
    if (f->episodes > 0) {
        put_episodes(r, out);
    }
    if (r->label_options.amount) {
        put_amounts(r, out);
    }
    if (f->outside + f->unread + f->foreign > 0) {
        buf_printf(out, "\n    not counted: %" PRIu64 " labels outside of the range, %" PRIu64
                   " never met as a valid event, %" PRIu64 " of topics that no rule reads",
                   f->outside, f->unread, f->foreign);
    }
    buf_puts(out, "\n\n    " REPORT_DEFINITION_1 "\n    " REPORT_DEFINITION_2 "\n    "
             REPORT_DEFINITION_3 "\n");
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

static bool any_unsettled(const struct replay_result *r)
{
    bool any = false;
    for (uint32_t i = 0; i < r->n_rules; i++) {
        any |= r->rules[i].n_unsettled > 0 || r->rules[i].hangs_together;
    }
    return any;
}

static void put_unsettled_rule(const struct replay_result *r, const struct replay_rule *rule,
                               struct buf *out)
{
    buf_printf(out, "    %.*s: ", SLICE_ARG(report_rule_name(r, rule->index)));
    if (rule->hangs_together) {
        buf_puts(out, "all keys, for they hang together\n");
        return;
    }
    buf_printf(out, "%zu %s", rule->n_unsettled, rule->n_unsettled == 1 ? "key" : "keys");
    for (size_t i = 0; i < rule->n_unsettled && i < UNSETTLED_SHOWN; i++) {
        buf_puts(out, i == 0 && rule->unsettled[i].len > 0 ? ": " : i > 0 ? ", " : "");
        put_plain(rule->unsettled[i], out);
    }
    buf_puts(out, rule->n_unsettled > UNSETTLED_SHOWN ? ", …\n" : "\n");
}

static void put_unsettled(const struct replay_result *r, struct buf *out)
{
    if (!any_unsettled(r)) {
        return;
    }
    buf_puts(out, "\n  not settled when the range began: events without a gap across the warm-up, so matches "
                  "may be cut\n  otherwise than in a run (--warm-up all and --from-state are exact)\n");
    for (uint32_t i = 0; i < r->n_rules; i++) {
        if (r->rules[i].n_unsettled > 0 || r->rules[i].hangs_together) {
            put_unsettled_rule(r, &r->rules[i], out);
        }
    }
    if (r->settled_full) {
        buf_puts(out, "    and others: there are more keys than can be followed\n");
    }
}

static void put_verified(const struct replay_result *r, struct buf *out)
{
    const struct replay_verified *v = &r->verified;
    buf_printf(out, "\n  delivered alerts: %" PRIu64 " the same, %" PRIu64 " only delivered, %" PRIu64
               " only replayed", v->same, v->only_delivered, v->only_replayed);
    if (v->repeated + v->other_plans > 0) {
        buf_printf(out, "; %" PRIu64 " delivered again, %" PRIu64 " of other versions of rules",
                   v->repeated, v->other_plans);
    }
    if (v->unsettled > 0) {
        buf_printf(out, "; %" PRIu64 " of keys that were not settled, left out", v->unsettled);
    }
    if (v->before_state > 0) {
        buf_printf(out, "; %" PRIu64 " from before the state was written", v->before_state);
    }
    buf_puts(out, "\n");
    for (size_t i = 0; i < v->n_examples; i++) {
        buf_printf(out, "    only %s: %s\n", v->examples[i].delivered ? "delivered" : "replayed",
                   v->examples[i].match_id);
    }
}

static void put_funnel(const struct replay_result *r, struct buf *out)
{
    struct report_table t;
    funnel_table(r, &t);
    buf_puts(out, "\n");
    table_put_text(&t, out);
    buf_puts(out, "\n    " REPORT_FUNNEL "\n");
    table_release(&t);
}

static void put_near_misses(const struct replay_result *r, struct buf *out)
{
    struct report_table t;
    near_table(r, &t);
    buf_puts(out, "\n  ");
    near_put_tried(r, out);
    buf_puts(out, "\n");
    if (t.n_cells > 0) {
        buf_puts(out, "\n");
        table_put_text(&t, out);
    }
    table_release(&t);
}

void report_text(const struct replay_result *r, struct buf *out)
{
    char hex[HASH128_HEX_MAX];
    put_range(r, out);
    put_events(r, out);
    put_nothing(r, out);
    put_rules(r, out);
    if (r->has_labels) {
        put_labels(r, out);
    }
    if (r->has_funnel) {
        put_funnel(r, out);
    }
    if (r->near_misses) {
        put_near_misses(r, out);
    }
    put_side(r, false, "of them began before the range:", out);
    put_side(r, true, "more began in the range and were detected behind it (not counted):", out);
    put_unsettled(r, out);
    if (r->has_verified) {
        put_verified(r, out);
    }
    if (r->to.ns != INT64_MAX && !r->reached_to) {
        buf_puts(out, "\n  the data ends before the range does: what was open then is not decided\n");
    } else if (!r->reached_end && r->to.ns != INT64_MAX) {
        buf_puts(out, "\n  the data ends within the cool-down\n");
    }
    hash128_hex(r->digest, hex);
    buf_printf(out, "\n  digest %s of ", hex);
    put_counted(r->matches, "match", "matches", out);
    buf_puts(out, "\n");
}
