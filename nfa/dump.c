/* Rules and instances as stable text: for tests, `explain` and people. */

#include "nfa/instance.h"
#include "nfa/rule.h"

static void put_duration(struct buf *out, struct duration d)
{
    char text[DURATION_TEXT_MAX];
    if (duration_is_infinite(d)) {
        buf_puts(out, "unbounded");
        return;
    }
    duration_format(d, text);
    buf_puts(out, text);
}

static void put_label(struct buf *out, const struct rule *r, uint32_t test)
{
    buf_put_slice(out, r->tests[test].label);
}

static void indent(struct buf *out, int depth)
{
    buf_printf(out, "%*s", depth * 2, "");
}

static void dump_absence(struct buf *out, const struct rule *r, const struct pattern_absence *a,
                         int depth)
{
    static const char *const kinds[] = {"absent", "absent for", "next is not", "absent before"};
    indent(out, depth);
    buf_printf(out, "%s ", kinds[a->kind]);
    put_label(out, r, a->test);
    if (a->kind == ABSENT_FOR || a->kind == ABSENT_LEAD) {
        buf_put_byte(out, ' ');
        put_duration(out, a->length);
    }
    buf_puts(out, a->assume_quiet ? " assume quiet\n" : "\n");
}

static void dump_link(struct buf *out, const struct pattern_link *l)
{
    static const char *const kinds[] = {"then", "then first", "then next"};
    buf_puts(out, kinds[l->kind]);
    if (!duration_is_infinite(l->within)) {
        buf_puts(out, " within ");
        put_duration(out, l->within);
    }
    if (l->after.ns) {
        buf_puts(out, " after ");
        put_duration(out, l->after);
    }
}

static void dump_limits(struct buf *out, const struct rule *r, const struct pattern *p)
{
    static const char *const adjacency[] = {"", " in a row", " anywhere"};
    if (p->kind == PAT_COUNT || p->kind == PAT_REPEAT) {
        if (p->max == COUNT_UNBOUNDED) {
            buf_printf(out, " %u or more", p->min);
        } else {
            buf_printf(out, " %u to %u", p->min, p->max);
        }
        buf_puts(out, adjacency[p->adjacency]);
        if (!duration_is_infinite(p->each_within)) {
            buf_puts(out, " each within ");
            put_duration(out, p->each_within);
        }
    }
    if (p->kind == PAT_ALL) {
        buf_printf(out, " %u of %u", p->min, p->n_items);
    }
    if (p->until) {
        buf_puts(out, " until");
    }
    if (p->having) {
        buf_puts(out, " having");
    }
    if (p->guard_test != NO_TEST) {
        buf_puts(out, " with ");
        put_label(out, r, p->guard_test);
    }
    if (!duration_is_infinite(p->span)) {
        buf_puts(out, " span ");
        put_duration(out, p->span);
    }
}

static void dump_node(struct buf *out, const struct rule *r, const struct pattern *p, int depth)
{
    static const char *const kinds[] = {"step", "count", "sequence", "repeat", "any of", "all of"};
    buf_printf(out, "%s%s", p->optional ? "optional " : "", kinds[p->kind]);
    if (p->kind == PAT_STEP || p->kind == PAT_COUNT) {
        buf_put_byte(out, ' ');
        put_label(out, r, p->test);
    }
    dump_limits(out, r, p);
    buf_put_byte(out, '\n');
    for (uint32_t i = 0; i < p->n_items; i++) {
        for (uint32_t a = 0; a < p->items[i].n_absences; a++) {
            dump_absence(out, r, &p->items[i].absences[a], depth + 1);
        }
        if (!p->items[i].node) {
            continue;
        }
        indent(out, depth + 1);
        if (i > 0 && p->kind == PAT_SEQ) {
            dump_link(out, &p->items[i].link);
            buf_put_byte(out, ' ');
        }
        dump_node(out, r, p->items[i].node, depth + 1);
    }
}

static void dump_tests(struct buf *out, const struct rule *r)
{
    static const char *const uses[] = {"step", "absent", "guard", "without"};
    for (uint32_t t = 0; t < r->n_tests; t++) {
        const struct rule_test *test = &r->tests[t];
        buf_printf(out, "  test %u ", t);
        put_label(out, r, t);
        buf_printf(out, " %s roles", uses[test->use]);
        for (uint32_t i = 0; i < r->n_roles; i++) {
            if (test->roles & (UINT64_C(1) << i)) {
                buf_printf(out, " %.*s", SLICE_ARG(r->roles[i].name));
            }
        }
        buf_printf(out, "%s%s\n", test->own ? " own" : "", test->joint ? " joint" : "");
    }
}

void rule_dump(const struct rule *r, struct buf *out)
{
    static const char *const policies[] = {"skip past last", "skip to next", "skip to first",
                                           "skip to last", "no skip"};
    buf_printf(out, "rule %.*s\n  key", SLICE_ARG(r->name));
    for (uint32_t i = 0; i < r->n_key; i++) {
        buf_printf(out, " %.*s", SLICE_ARG(r->key_names[i]));
    }
    buf_puts(out, "\n  window ");
    put_duration(out, r->window);
    buf_puts(out, "\n  keeps events for ");
    put_duration(out, r->horizon);
    buf_printf(out, "\n  after match %s\n  detector %s\n", policies[r->policy], r->detector);
    dump_tests(out, r);
    buf_puts(out, "  pattern ");
    dump_node(out, r, r->root, 1);
}

void instance_dump(const struct instance *in, struct buf *out)
{
    char text[ETIME_TEXT_MAX];
    buf_printf(out, "instance of %.*s: %u events, %u used up, %u starts\n",
               SLICE_ARG(in->rule->name), retained_count(&in->events), in->lowest,
               in->live_starts);
    for (uint32_t i = 0; i < retained_count(&in->events); i++) {
        const struct candidate *c = retained_at(&in->events, i);
        etime_format(c->event->time, text);
        buf_printf(out, "  %s topic %u partition %d offset %lld%s%s%s:", text, c->event->at.topic,
                   c->event->at.partition, (long long)c->event->at.offset,
                   c->reported ? " reported" : "", c->matched ? " matched" : "",
                   c->shown ? " shown" : "");
        for (uint32_t t = 0; t < in->rule->n_tests; t++) {
            if (c->tests & (UINT64_C(1) << t)) {
                buf_put_byte(out, ' ');
                put_label(out, in->rule, t);
            }
        }
        buf_put_byte(out, '\n');
    }
    for (uint32_t i = 0; i < quiet_count(in); i++) {
        etime_format(in->quiet->items[i].last_at, text);
        buf_printf(out, "  quiet since %s, %llu held back\n", text,
                   (unsigned long long)in->quiet->items[i].held);
    }
}
