#include "report/diff.h"

#include <inttypes.h>
#include <string.h>

#include "report/diff_parts.h"

static const struct {
    const char *name, *suffix; /* suffix NULL: no file */
    diff_form form;
} forms[] = {
    {"human", ".txt", report_diff_text},
    {"json", ".json", report_diff_json},
    {"markdown", ".md", report_diff_markdown},
    {"github", NULL, report_diff_github},
};

diff_form report_diff_named(const char *name)
{
    for (size_t i = 0; i < FYKE_ARRAY_LEN(forms); i++) {
        if (strcmp(name, forms[i].name) == 0) {
            return forms[i].form;
        }
    }
    return NULL;
}

diff_form report_diff_of_file(const char *path)
{
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < FYKE_ARRAY_LEN(forms); i++) {
        if (forms[i].suffix && strcmp(dot, forms[i].suffix) == 0) {
            return forms[i].form;
        }
    }
    return NULL;
}

/* ---- what the forms share ------------------------------------------------------------------- */

const char *diff_fate_name(const struct diff_rule *r)
{
    switch (r->fate) {
    case RULE_UNCHANGED: return r->other_lists ? "other lists" : "unchanged";
    case RULE_KEPT: return r->other_lists ? "other lists" : "same pattern";
    case RULE_NEW: return "added";
    case RULE_CHANGED: return "changed";
    case RULE_REMOVED: break;
    }
    return "removed";
}

void diff_put_counts(const uint64_t *n, struct buf *out)
{
    static const enum diff_class order[] = {DIFF_NEW,     DIFF_LOST,  DIFF_CHANGED,
                                            DIFF_EARLIER, DIFF_LATER, DIFF_SAME};
    bool any = false;
    for (size_t i = 0; i < FYKE_ARRAY_LEN(order); i++) {
        if (n[order[i]] > 0) {
            buf_printf(out, "%s%" PRIu64 " %s", any ? ", " : "", n[order[i]],
                       diff_class_name(order[i]));
            any = true;
        }
    }
    buf_puts(out, any ? "" : "no alerts");
}

static void put_moved(const struct diff_example *e, struct buf *out)
{
    struct duration d = etime_diff(e->is->detected, e->was->detected);
    put_length(d.ns < 0 ? -d.ns : d.ns, out);
    buf_puts(out, d.ns < 0 ? " earlier" : " later");
}

void diff_put_difference(const struct diff_example *e, struct buf *out)
{
    const char *between = "";
    if (!e->was || !e->is) {
        return;
    }
    if (e->was->detected.ns != e->is->detected.ns) {
        put_moved(e, out);
        between = ", ";
    }
    if (e->events_added > 0) {
        buf_printf(out, "%s%u event%s more", between, e->events_added,
                   e->events_added == 1 ? "" : "s");
        between = ", ";
    }
    if (e->events_gone > 0) {
        buf_printf(out, "%s%u event%s fewer", between, e->events_gone,
                   e->events_gone == 1 ? "" : "s");
        between = ", ";
    }
    if (e->other_emit) {
        buf_printf(out, "%sanother emit", between);
    }
}

const struct replay_alert *diff_shown(const struct diff_example *e)
{
    return e->is ? e->is : e->was;
}

struct slice diff_key(const struct replay_diff *d, const struct diff_example *e)
{
    return replay_alert_key(e->is ? d->is->alerts : d->was->alerts, diff_shown(e));
}

const struct replay_rule *diff_figures(const struct replay_result *r, uint32_t index)
{
    return index == UINT32_MAX ? NULL : &r->rules[index];
}
