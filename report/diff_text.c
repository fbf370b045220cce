/* For people at a terminal. */
#include <inttypes.h>

#include "report/diff_parts.h"

static int name_width(const struct replay_diff *d)
{
    size_t most = 4;
    for (size_t i = 0; i < d->n_rules; i++) {
        most = d->rules[i].name.len > most ? d->rules[i].name.len : most;
    }
    return (int)(most > 40 ? 40 : most);
}

static void put_head(const struct replay_diff *d, struct diff_names names, struct buf *out)
{
    const struct replay_result *r = d->is;
    buf_puts(out, "diff of ");
    put_plain(slice_of(names.was), out);
    buf_puts(out, " and ");
    put_plain(slice_of(names.is), out);
    buf_puts(out, ", ");
    put_moment(r->from, "the beginning of the data", "", out);
    buf_puts(out, " to ");
    put_moment(r->to, "", "its end", out);
    buf_printf(out, "\n  events     %" PRIu64 " in the range", r->events);
    if (d->was->events != r->events) {
        buf_printf(out, " (%" PRIu64 " by the old declarations)", d->was->events);
    }
    buf_printf(out, "\n  read       %" PRIu64 " records in %.1f s (%.0f/s, %.1f s of CPU)\n",
               r->records, r->wall_s, r->wall_s > 0 ? (double)r->records / r->wall_s : 0, r->cpu_s);
}

static void put_rule(const struct diff_rule *r, int width, struct buf *out)
{
    buf_printf(out, "  %-*.*s  %8" PRIu64 "  %8" PRIu64, width, (int)r->name.len, r->name.ptr,
               r->was, r->is);
    for (int c = 0; c < DIFF_CLASSES; c++) {
        buf_printf(out, "  %8" PRIu64, r->n[c]);
    }
    buf_printf(out, "  %s\n", diff_fate_name(r));
}

static void put_table(const struct replay_diff *d, struct buf *out)
{
    int width = name_width(d);
    buf_printf(out, "\n  %-*s  %8s  %8s  %8s  %8s  %8s  %8s  %8s  %8s  %s\n", width, "RULE", "BEFORE",
               "AFTER", "SAME", "CHANGED", "EARLIER", "LATER", "LOST", "NEW", "THE RULE IS");
    for (size_t i = 0; i < d->n_rules; i++) {
        put_rule(&d->rules[i], width, out);
    }
}

static void put_example(const struct replay_diff *d, const struct diff_example *e, struct buf *out)
{
    const struct replay_alert *a = diff_shown(e);
    struct slice key = diff_key(d, e);
    buf_printf(out, "    %-8s", diff_class_name(e->class));
    put_plain(key, out);
    buf_puts(out, key.len ? "  " : "");
    if (a->has_first) {
        put_moment(a->first, "", "", out);
        buf_puts(out, " .. ");
    }
    put_moment(a->detected, "", "", out);
    buf_puts(out, e->was && e->is ? "  " : "");
    diff_put_difference(e, out);
    buf_puts(out, "\n");
}

static void put_examples(const struct replay_diff *d, const struct diff_rule *r, struct buf *out)
{
    uint64_t all = 0;
    for (int c = 0; c < DIFF_CLASSES; c++) {
        all += c == DIFF_SAME ? 0 : r->n[c];
    }
    if (all == 0) {
        return;
    }
    buf_printf(out, "\n  %.*s\n", SLICE_ARG(r->name));
    for (int c = 0; c < DIFF_CLASSES; c++) {
        for (size_t i = 0; i < r->n_examples; i++) {
            if (r->examples[i].class == (enum diff_class)c) {
                put_example(d, &r->examples[i], out);
            }
        }
        if (c != DIFF_SAME && r->n[c] > DIFF_EXAMPLES) {
            buf_printf(out, "    %-8s… %" PRIu64 " more\n", diff_class_name((enum diff_class)c),
                       r->n[c] - DIFF_EXAMPLES);
        }
    }
}

static void put_labels(const struct replay_result *r, const char *name, struct buf *out)
{
    const struct replay_label_figures *f = &r->labels;
    buf_printf(out, "    %s: precision ", name);
    put_share(f->true_alerts, r->matches, out);
    buf_puts(out, ", recall ");
    put_share(f->found, f->events, out);
    if (f->episodes > 0) {
        buf_printf(out, ", %" PRIu64 " of %" PRIu64 " episodes", f->episodes_found, f->episodes);
    }
    buf_puts(out, "\n");
}

void report_diff_text(const struct replay_diff *d, struct diff_names names, struct buf *out)
{
    put_head(d, names, out);
    put_table(d, out);
    if (d->is->has_labels) {
        buf_puts(out, "\n  labels\n");
        put_labels(d->was, "before", out);
        put_labels(d->is, "after ", out);
    }
    for (size_t i = 0; i < d->n_rules; i++) {
        put_examples(d, &d->rules[i], out);
    }
    buf_puts(out, "\n  in all: ");
    diff_put_counts(d->n, out);
    buf_puts(out, "\n");
}
