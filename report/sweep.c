#include "report/sweep.h"

#include <inttypes.h>
#include <string.h>

#include "report/html_parts.h"
#include "report/json_parts.h"
#include "report/parts.h"
#include "report/sweep_chart.h"
#include "report/table.h"

#define ALL_RULES UINT32_MAX

/* ---- the table ------------------------------------------------------------------------------ */

static void cell(struct report_table *t, struct buf *text)
{
    table_cell(t, buf_slice(text));
    buf_clear(text);
}

static void cell_count(struct report_table *t, uint64_t n)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    buf_printf(&text, "%" PRIu64, n);
    cell(t, &text);
}

static void cell_share(struct report_table *t, uint64_t part, uint64_t whole)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    put_share(part, whole, &text);
    cell(t, &text);
}

static void add_columns(struct report_table *t, const struct replay_sweep *s, bool gated)
{
    static const char *const figures[] = {"matches", "keys", "per day", "took p50", "p95"};
    static const char *const labels[] = {"precision", "recall", "episodes", "true", "false"};
    const struct replay_result *r = &s->results[0];
    for (size_t i = 0; i < s->n_axes; i++) {
        table_column(t, s->axes[i].name);
    }
    table_column(t, SLICE_LIT("rule"));
    t->n_left = t->n_cols;
    for (size_t i = 0; i < FYKE_ARRAY_LEN(figures); i++) {
        table_column(t, slice_of(figures[i]));
    }
    for (size_t i = 0; i < FYKE_ARRAY_LEN(labels) && r->has_labels; i++) {
        table_column(t, slice_of(labels[i]));
    }
    if (r->has_labels && r->label_options.amount) {
        table_column(t, SLICE_LIT("benefit"));
    }
    if (gated) {
        table_column(t, SLICE_LIT("gates"));
    }
    table_column(t, SLICE_LIT(""));
}

static uint64_t keys_of(const struct replay_result *r, const struct replay_rule *rule)
{
    uint64_t n = rule ? rule->keys : 0;
    for (uint32_t i = 0; !rule && i < r->n_rules; i++) {
        n += r->rules[i].keys;
    }
    return n;
}

static void add_lengths(struct report_table *t, const struct replay_rule *rule)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    for (unsigned percent = 50; percent <= 95; percent += 45) {
        if (rule && rule->took.n > 0) {
            put_length(replay_percentile(&rule->took, percent), &text);
        } else {
            buf_puts(&text, "-");
        }
        cell(t, &text);
    }
}

static void add_labels(struct report_table *t, const struct replay_result *r,
                       const struct replay_rule *rule, uint64_t alerts)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    const struct replay_label_figures *f = rule ? &rule->labels : &r->labels;
    cell_share(t, f->true_alerts, alerts);
    cell_share(t, f->found, f->events);
    cell_share(t, f->episodes_found, f->episodes);
    cell_count(t, f->true_alerts);
    cell_count(t, alerts - f->true_alerts);
    if (r->label_options.amount) {
        buf_printf(&text, "%.2f", replay_benefit(r, f, alerts));
        cell(t, &text);
    }
}

static void add_row(struct report_table *t, const struct replay_sweep *s, uint32_t point,
                    uint32_t index, bool gated)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    const struct sweep_point *p = &s->points[point];
    const struct replay_result *r = &s->results[point];
    const struct replay_rule *rule = index == ALL_RULES ? NULL : &r->rules[index];
    uint64_t alerts = rule ? rule->matches + rule->timeouts : r->matches;
    for (size_t i = 0; i < s->n_axes; i++) {
        table_cell(t, p->values[i]);
    }
    table_cell(t, rule ? report_rule_name(r, index) : SLICE_LIT("all"));
    cell_count(t, alerts);
    cell_count(t, keys_of(r, rule));
    put_per_day(r, alerts, "-", &text);
    cell(t, &text);
    add_lengths(t, rule);
    if (r->has_labels) {
        add_labels(t, r, rule, alerts);
    }
    if (gated) {
        table_cell(t, slice_of(p->meets ? "met" : "missed"));
    }
    table_cell(t, slice_of(p->as_written ? "as written" : ""));
}

/* Per rule that any point changes, then all of them together if there are others. */
static void make_table(struct report_table *t, const struct replay_sweep *s, bool gated)
{
    uint32_t n_rules = s->results[0].n_rules;
    table_init(t);
    add_columns(t, s, gated);
    for (uint32_t i = 0; i < n_rules; i++) {
        for (uint32_t p = 0; replay_sweep_concerns(s, i) && p < s->n_points; p++) {
            add_row(t, s, p, i, gated);
        }
    }
    for (uint32_t p = 0; (n_rules != 1 || t->n_cells == 0) && p < s->n_points; p++) {
        add_row(t, s, p, ALL_RULES, gated);
    }
}

/* ---- forms ---------------------------------------------------------------------------------- */

static void put_range(const struct replay_sweep *s, struct buf *out)
{
    const struct replay_result *r = &s->results[0];
    buf_puts(out, "sweep of ");
    put_moment(r->from, "the beginning of the data", "", out);
    buf_puts(out, " to ");
    put_moment(r->to, "", "its end", out);
    buf_printf(out, ", %" PRIu64 " events, %u points", r->events, s->n_points);
}

static void sweep_text(const struct replay_sweep *s, bool gated, struct buf *out)
{
    const struct replay_result *r = &s->results[0];
    struct report_table t;
    make_table(&t, s, gated);
    put_range(s, out);
    buf_printf(out, "\n  read       %" PRIu64 " records in %.1f s (%.0f/s, %.1f s of CPU)\n\n",
               r->records, r->wall_s, r->wall_s > 0 ? (double)r->records / r->wall_s : 0, r->cpu_s);
    table_put_text(&t, out);
    if (r->has_labels) {
        buf_puts(out, "\n  " REPORT_DEFINITION_1 "\n  " REPORT_DEFINITION_2 "\n  "
                      REPORT_DEFINITION_3 "\n");
    }
    table_release(&t);
}

static void sweep_csv(const struct replay_sweep *s, bool gated, struct buf *out)
{
    struct report_table t;
    make_table(&t, s, gated);
    table_put_csv(&t, out);
    table_release(&t);
}

static void sweep_markdown(const struct replay_sweep *s, bool gated, struct buf *out)
{
    struct report_table t;
    make_table(&t, s, gated);
    buf_puts(out, "### ");
    put_range(s, out);
    buf_puts(out, "\n\n");
    table_put_markdown(&t, out);
    if (s->results[0].has_labels) {
        buf_puts(out, "\n" REPORT_DEFINITION_1 " " REPORT_DEFINITION_2 " " REPORT_DEFINITION_3 "\n");
    }
    table_release(&t);
}

static void put_charts(const struct replay_sweep *s, struct buf *out)
{
    uint32_t n_rules = s->results[0].n_rules;
    for (uint32_t i = 0; i < n_rules; i++) {
        if (replay_sweep_concerns(s, i)) {
            sweep_chart(s, i, out);
        }
    }
    if (n_rules != 1) {
        sweep_chart(s, ALL_RULES, out);
    }
}

static void sweep_html(const struct replay_sweep *s, bool gated, struct buf *out)
{
    struct report_table t;
    make_table(&t, s, gated);
    html_begin("Sweep", out);
    buf_puts(out, "<h1>Sweep</h1>\n<p>");
    put_range(s, out);
    buf_puts(out, "</p>\n");
    put_charts(s, out);
    table_put_html(&t, out);
    if (s->results[0].has_labels) {
        buf_puts(out, "<p><small>" REPORT_DEFINITION_1 " " REPORT_DEFINITION_2 " "
                      REPORT_DEFINITION_3 "</small></p>\n");
    }
    buf_puts(out, "</body></html>\n");
    table_release(&t);
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static void put_figures(struct json_out *j, const struct replay_result *r,
                        const struct replay_rule *rule)
{
    uint64_t alerts = rule ? rule->matches + rule->timeouts : r->matches;
    json_member_uint(j, "matches", alerts);
    json_member_uint(j, "keys", keys_of(r, rule));
    json_put_per_day(j, r, alerts);
    if (rule) {
        json_put_lengths(j, "took_s", &rule->took);
    }
    if (r->has_labels) {
        json_key(j, SLICE_LIT("labels"));
        json_object_begin(j);
        json_put_figures(j, r, rule ? &rule->labels : &r->labels, alerts);
        json_object_end(j);
    }
}

static void put_point(struct json_out *j, const struct replay_sweep *s, uint32_t point, bool gated)
{
    char hex[HASH128_HEX_MAX];
    const struct sweep_point *p = &s->points[point];
    const struct replay_result *r = &s->results[point];
    json_object_begin(j);
    json_key(j, SLICE_LIT("values"));
    json_object_begin(j);
    for (size_t i = 0; i < s->n_axes; i++) {
        json_key(j, s->axes[i].name);
        json_text(j, p->values[i]);
    }
    json_object_end(j);
    json_member_bool(j, "as_written", p->as_written);
    if (gated) {
        json_member_bool(j, "meets_gates", p->meets);
    }
    put_figures(j, r, NULL);
    hash128_hex(r->digest, hex);
    json_member_string(j, "digest", slice_of(hex));
    json_key(j, SLICE_LIT("rules"));
    json_array_begin(j);
    for (uint32_t i = 0; i < r->n_rules; i++) {
        json_object_begin(j);
        json_member_string(j, "rule", report_rule_name(r, i));
        put_figures(j, r, &r->rules[i]);
        json_object_end(j);
    }
    json_array_end(j);
    json_object_end(j);
}

static void sweep_json(const struct replay_sweep *s, bool gated, struct buf *out)
{
    struct json_out j = json_out_to(out);
    const struct replay_result *r = &s->results[0];
    json_object_begin(&j);
    json_put_time(&j, "from", r->from);
    json_put_time(&j, "to", r->to);
    json_member_uint(&j, "records", r->records);
    json_member_uint(&j, "events", r->events);
    json_key(&j, SLICE_LIT("points"));
    json_array_begin(&j);
    for (uint32_t i = 0; i < s->n_points; i++) {
        put_point(&j, s, i, gated);
    }
    json_array_end(&j);
    json_put_double_member(&j, "wall_s", r->wall_s);
    json_put_double_member(&j, "cpu_s", r->cpu_s);
    json_object_end(&j);
    json_line_end(&j);
}

/* ---- by name -------------------------------------------------------------------------------- */

static const struct {
    const char *name, *suffix;
    sweep_form form;
} forms[] = {
    {"human", ".txt", sweep_text},       {"json", ".json", sweep_json},
    {"csv", ".csv", sweep_csv},          {"markdown", ".md", sweep_markdown},
    {"html", ".html", sweep_html},
};

sweep_form report_sweep_named(const char *name)
{
    for (size_t i = 0; i < FYKE_ARRAY_LEN(forms); i++) {
        if (strcmp(name, forms[i].name) == 0) {
            return forms[i].form;
        }
    }
    return NULL;
}

sweep_form report_sweep_of_file(const char *path)
{
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < FYKE_ARRAY_LEN(forms); i++) {
        if (strcmp(dot, forms[i].suffix) == 0) {
            return forms[i].form;
        }
    }
    return NULL;
}
