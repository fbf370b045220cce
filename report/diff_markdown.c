/* A comment on a pull request, and annotations beside its files. */
#include <inttypes.h>
#include <string.h>

#include "report/diff_parts.h"
#include "report/markdown_parts.h"

static void put_rule(const struct diff_rule *r, struct buf *out)
{
    buf_puts(out, "| ");
    put_markdown(r->name, out);
    buf_printf(out, " | %s | %" PRIu64 " | %" PRIu64, diff_fate_name(r), r->was, r->is);
    for (int c = 0; c < DIFF_CLASSES; c++) {
        buf_printf(out, " | %" PRIu64, r->n[c]);
    }
    buf_puts(out, " |\n");
}

static void put_example(const struct replay_diff *d, const struct diff_rule *r,
                        const struct diff_example *e, struct buf *out)
{
    const struct replay_alert *a = diff_shown(e);
    buf_puts(out, "| ");
    put_markdown(r->name, out);
    buf_printf(out, " | %s | ", diff_class_name(e->class));
    put_markdown(diff_key(d, e), out);
    buf_puts(out, " | ");
    if (a->has_first) {
        put_moment(a->first, "", "", out);
    }
    buf_puts(out, " | ");
    put_moment(a->detected, "", "", out);
    buf_puts(out, " | ");
    diff_put_difference(e, out);
    buf_puts(out, " |\n");
}

static void put_examples(const struct replay_diff *d, struct buf *out)
{
    size_t n = 0;
    for (size_t i = 0; i < d->n_rules; i++) {
        n += d->rules[i].n_examples;
    }
    if (n == 0) {
        return;
    }
    buf_puts(out, "\n<details><summary>Examples</summary>\n\n"
                  "| rule | | key | first event | detected | |\n|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < d->n_rules; i++) {
        for (size_t k = 0; k < d->rules[i].n_examples; k++) {
            put_example(d, &d->rules[i], &d->rules[i].examples[k], out);
        }
    }
    buf_puts(out, "\n</details>\n");
}

static void put_labels(const struct replay_result *r, const char *name, struct buf *out)
{
    buf_printf(out, "| %s | ", name);
    put_share(r->labels.true_alerts, r->matches, out);
    buf_puts(out, " | ");
    put_share(r->labels.found, r->labels.events, out);
    buf_printf(out, " | %" PRIu64 " |\n", r->matches);
}

void report_diff_markdown(const struct replay_diff *d, struct diff_names names, struct buf *out)
{
    buf_puts(out, "### Alerts before and after: ");
    put_markdown(slice_of(names.was), out);
    buf_puts(out, " → ");
    put_markdown(slice_of(names.is), out);
    buf_puts(out, "\n\n");
    put_moment(d->is->from, "The beginning of the data", "", out);
    buf_puts(out, " to ");
    put_moment(d->is->to, "", "its end", out);
    buf_printf(out, ", %" PRIu64 " events: ", d->is->events);
    diff_put_counts(d->n, out);
    buf_puts(out, "\n\n| rule | the rule is | before | after | same | changed | earlier | later | lost | "
                  "new |\n|---|---|---:|---:|---:|---:|---:|---:|---:|---:|\n");
    for (size_t i = 0; i < d->n_rules; i++) {
        put_rule(&d->rules[i], out);
    }
    if (d->is->has_labels) {
        buf_puts(out, "\n| | precision | recall | alerts |\n|---|---:|---:|---:|\n");
        put_labels(d->was, "before", out);
        put_labels(d->is, "after", out);
    }
    put_examples(d, out);
}

/* ---- annotations ---------------------------------------------------------------------------- */

/* What would end a value (`property`) or the line is written as %XX. */
static void put_command(struct slice s, bool property, struct buf *out)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        bool special = c == '%' || c == '\r' || c == '\n' || (property && (c == ':' || c == ','));
        if (special) {
            buf_printf(out, "%%%02X", c);
        } else {
            buf_put_byte(out, c);
        }
    }
}

static void put_annotation(const struct replay_diff *d, const struct diff_rule *r, struct buf *out)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    uint64_t shown[DIFF_CLASSES];
    memcpy(shown, r->n, sizeof(shown));
    shown[DIFF_SAME] = 0;
    diff_put_counts(shown, &text);
    buf_printf(&text, " (%" PRIu64 " alerts before, %" PRIu64 " after)", r->was, r->is);
    for (size_t i = 0; i < r->n_examples; i++) {
        const struct diff_example *e = &r->examples[i];
        buf_printf(&text, "\n%s ", diff_class_name(e->class));
        put_plain(diff_key(d, e), &text);
        buf_puts(&text, " ");
        put_moment(diff_shown(e)->detected, "", "", &text);
        buf_puts(&text, e->was && e->is ? " " : "");
        diff_put_difference(e, &text);
    }
    buf_puts(out, "::warning ");
    if (r->file && r->new_index != UINT32_MAX) {
        buf_puts(out, "file=");
        put_command(slice_of(r->file), true, out);
        buf_printf(out, ",line=%u,", r->line);
    }
    buf_puts(out, "title=");
    put_command(r->name, true, out);
    buf_puts(out, "::");
    put_command(buf_slice(&text), false, out);
    buf_puts(out, "\n");
}

void report_diff_github(const struct replay_diff *d, struct diff_names names, struct buf *out)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    for (size_t i = 0; i < d->n_rules; i++) {
        const struct diff_rule *r = &d->rules[i];
        bool differs = false;
        for (int c = 0; c < DIFF_CLASSES; c++) {
            differs |= c != DIFF_SAME && r->n[c] > 0;
        }
        if (differs) {
            put_annotation(d, r, out);
        }
    }
    diff_put_counts(d->n, &text);
    buf_printf(&text, " on %" PRIu64 " events", d->is->events);
    buf_puts(out, "::notice title=fyke diff ");
    put_command(slice_of(names.was), true, out);
    buf_puts(out, " ");
    put_command(slice_of(names.is), true, out);
    buf_puts(out, "::");
    put_command(buf_slice(&text), false, out);
    buf_puts(out, "\n");
}
