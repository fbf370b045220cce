/* The automaton of a rule as a Graphviz graph: states are what has been bound so far, take edges
 * name the step, dashed edges kill (absences, guards, `without`). */

#include "nfa/rule.h"

struct graph {
    struct buf *out;
    const struct rule *rule;
    const struct rule_marks *marks; /* NULL: no colours */
    unsigned next_state;
};

static void put_text(struct buf *out, struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '"' || s.ptr[i] == '\\') {
            buf_put_byte(out, '\\');
        }
        buf_put_byte(out, (uint8_t)s.ptr[i]);
    }
}

static void put_duration(struct buf *out, const char *word, struct duration d)
{
    char text[DURATION_TEXT_MAX];
    if (duration_is_infinite(d) || d.ns == 0) {
        return;
    }
    duration_format(d, text);
    buf_printf(out, "%s %s", word, text);
}

static unsigned new_state(struct graph *g)
{
    unsigned s = g->next_state++;
    buf_printf(g->out, "  s%u [label=\"\"];\n", s);
    return s;
}

/* A condition is broken into lines at its `and`s, and cut when it is very long. */
#define WHERE_LINE 36
#define WHERE_MAX 160

static void put_condition(struct graph *g, struct slice word, struct slice where)
{
    size_t line = 0;
    buf_printf(g->out, "\\n%.*s ", SLICE_ARG(word));
    for (size_t i = 0; i < where.len; i++) {
        bool inside = ((uint8_t)where.ptr[i] & 0xc0) == 0x80; /* of a character */
        if (i >= WHERE_MAX && !inside) {
            buf_puts(g->out, " …");
            return;
        }
        char c = where.ptr[i];
        if ((c == ' ' || c == '\n') && line >= WHERE_LINE) {
            buf_puts(g->out, "\\n");
            line = 0;
            continue;
        }
        put_text(g->out, slice_from(c == '\n' ? " " : &where.ptr[i], 1));
        line++;
    }
}

/* "fail: FailedLogin", with the condition below. */
static void put_test(struct graph *g, uint32_t test)
{
    const struct rule_test *t = &g->rule->tests[test];
    bool named = t->name.len > 0;
    if (named) {
        put_text(g->out, t->name);
    }
    bool first = true;
    for (uint32_t i = 0; i < g->rule->n_roles; i++) {
        if (t->roles & (UINT64_C(1) << i)) {
            buf_puts(g->out, !first ? "|" : named ? ": " : "");
            put_text(g->out, g->rule->roles[i].name);
            first = false;
        }
    }
    if (t->where.len) {
        put_condition(g, SLICE_LIT("where"), t->where);
    }
}

static void edge_begin(struct graph *g, unsigned from, unsigned to, const char *style)
{
    buf_printf(g->out, "  s%u -> s%u [%slabel=\"", from, to, style);
}

static void edge_end(struct graph *g)
{
    buf_puts(g->out, "\"];\n");
}

static const char *const mark_colors[] = {
    [MARK_NEVER] = "red3", [MARK_PARTLY] = "darkorange", [MARK_COVERED] = "green4"};

static const char *color_of(const struct graph *g, uint32_t test)
{
    return g->marks ? mark_colors[g->marks->tests[test]] : "red";
}

/* `mark`: only with g->marks. */
static void marked_edge_end(struct graph *g, enum rule_mark mark)
{
    buf_puts(g->out, "\"");
    if (g->marks) {
        const char *c = mark_colors[mark];
        buf_printf(g->out, ", color=%s, fontcolor=%s%s", c, c,
                   mark == MARK_NEVER ? "" : ", penwidth=2");
    }
    buf_puts(g->out, "];\n");
}

static void edge_of_test_end(struct graph *g, uint32_t test)
{
    marked_edge_end(g, g->marks ? g->marks->tests[test] : MARK_NEVER);
}

/* Of the pattern's `until` or `having`; NULL: it has none. */
static const struct rule_clause *clause_of(const struct graph *g, const struct expr *e)
{
    for (uint32_t i = 0; e && i < g->rule->n_clauses; i++) {
        if (g->rule->clauses[i].decides == e) {
            return &g->rule->clauses[i];
        }
    }
    return NULL;
}

static void kill_edge(struct graph *g, unsigned from, uint32_t test, struct duration d)
{
    unsigned dead = g->next_state++;
    buf_printf(g->out, "  s%u [label=\"\", shape=point, color=red];\n", dead);
    edge_begin(g, from, dead, g->marks ? "style=dashed, " : "style=dashed, color=red, fontcolor=red, ");
    put_text(g->out, g->rule->tests[test].label);
    put_duration(g->out, " for", d);
    edge_of_test_end(g, test);
}

static unsigned draw(struct graph *g, const struct pattern *p, unsigned from,
                     const struct pattern_link *link);

static void put_link(struct graph *g, const struct pattern_link *link)
{
    if (!link) {
        return;
    }
    buf_puts(g->out, link->kind == LINK_FIRST ? "first " : link->kind == LINK_NEXT ? "next " : "");
    put_duration(g->out, "\\nwithin", link->within);
    put_duration(g->out, "\\nafter", link->after);
    if (!duration_is_infinite(link->within) || link->after.ns) {
        buf_puts(g->out, "\\n");
    }
}

static void put_clause(struct graph *g, const struct expr *e)
{
    const struct rule_clause *c = clause_of(g, e);
    if (c) {
        put_condition(g, c->word, c->text);
    }
}

static unsigned draw_count(struct graph *g, const struct pattern *p, unsigned from,
                           const struct pattern_link *link)
{
    unsigned to = new_state(g);
    edge_begin(g, from, to, "");
    put_link(g, link);
    if (p->kind == PAT_COUNT) {
        buf_printf(g->out, p->max == COUNT_UNBOUNDED ? "%u or more " : "%u× ", p->min);
    }
    put_test(g, p->test);
    put_duration(g->out, "\\nspan", p->span);
    put_clause(g, p->until);
    put_clause(g, p->kind == PAT_COUNT ? p->having : NULL);
    edge_of_test_end(g, p->test);
    if (p->kind == PAT_COUNT && p->max > p->min) {
        edge_begin(g, to, to, "");
        put_text(g->out, g->rule->tests[p->test].label);
        edge_end(g);
    }
    return to;
}

static unsigned draw_repeat(struct graph *g, const struct pattern *p, unsigned from,
                            const struct pattern_link *link)
{
    const struct rule_clause *having = clause_of(g, p->having);
    unsigned to = draw(g, p->items[0].node, from, link);
    edge_begin(g, to, from, "constraint=false, ");
    buf_printf(g->out, p->max == COUNT_UNBOUNDED ? "%u or more times" : "%u times", p->min);
    put_clause(g, p->having);
    if (having && g->marks) {
        marked_edge_end(g, g->marks->clauses[having - g->rule->clauses]);
    } else {
        edge_end(g);
    }
    return to;
}

static unsigned draw_items(struct graph *g, const struct pattern *p, unsigned from,
                           const struct pattern_link *link)
{
    for (uint32_t i = 0; i < p->n_items; i++) {
        const struct pattern_item *item = &p->items[i];
        for (uint32_t a = 0; a < item->n_absences; a++) {
            kill_edge(g, from, item->absences[a].test, item->absences[a].length);
        }
        if (!item->node) {
            unsigned to = new_state(g);
            edge_begin(g, from, to, "style=dotted, ");
            buf_puts(g->out, "deadline");
            edge_end(g);
            from = to;
            continue;
        }
        from = draw(g, item->node, from, i > 0 ? &item->link : link);
    }
    return from;
}

static unsigned draw_parts(struct graph *g, const struct pattern *p, unsigned from,
                           const struct pattern_link *link)
{
    unsigned to = new_state(g);
    for (uint32_t i = 0; i < p->n_items; i++) {
        unsigned end = draw(g, p->items[i].node, from, link);
        edge_begin(g, end, to, "style=dotted, ");
        if (p->kind == PAT_ALL) {
            buf_printf(g->out, "%u of %u", p->min, p->n_items);
        }
        edge_end(g);
    }
    return to;
}

static unsigned draw(struct graph *g, const struct pattern *p, unsigned from,
                     const struct pattern_link *link)
{
    unsigned to = from;
    switch (p->kind) {
    case PAT_STEP:
    case PAT_COUNT: to = draw_count(g, p, from, link); break;
    case PAT_SEQ: to = draw_items(g, p, from, link); break;
    case PAT_REPEAT: to = draw_repeat(g, p, from, link); break;
    case PAT_ANY:
    case PAT_ALL: to = draw_parts(g, p, from, link); break;
    }
    if (p->guard_test != NO_TEST) {
        kill_edge(g, to, p->guard_test, DURATION_INFINITE);
    }
    if (p->optional) {
        edge_begin(g, from, to, "style=dotted, ");
        buf_puts(g->out, "skip");
        edge_end(g);
    }
    return to;
}

/* Below the picture: what holds for the whole match. */
static void put_caption(struct graph *g)
{
    const struct rule *r = g->rule;
    buf_puts(g->out, "  fontname=\"Helvetica\"; fontsize=11; labelloc=b; label=\"");
    for (uint32_t i = 0; i < r->n_key; i++) {
        buf_puts(g->out, i ? ", " : "for each ");
        put_text(g->out, r->key_names[i]);
    }
    put_duration(g->out, r->n_key ? " within" : "within", r->window);
    buf_printf(g->out, "%scost class: %s\";\n", r->n_key || !duration_is_infinite(r->window) ? "\\n" : "",
               r->detector);
}

void rule_graphviz(const struct rule *rule, struct buf *out)
{
    rule_graphviz_marked(rule, NULL, out);
}

void rule_graphviz_marked(const struct rule *rule, const struct rule_marks *marks, struct buf *out)
{
    struct graph g = {out, rule, marks, 0};
    buf_puts(out, "digraph \"");
    put_text(out, rule->name);
    buf_puts(out, "\" {\n  rankdir=LR;\n  node [shape=circle, width=0.25, fixedsize=true];\n"
                  "  edge [fontname=\"Helvetica\", fontsize=11];\n");
    put_caption(&g);
    unsigned start = new_state(&g);
    unsigned end = draw_items(&g, rule->root, start, NULL);
    buf_printf(out, "  s%u [shape=doublecircle];\n", end);
    for (uint32_t t = 0; t < rule->n_tests; t++) {
        if (rule->without & (UINT64_C(1) << t)) {
            buf_puts(out, "  note");
            buf_printf(out, "%u [shape=plaintext, fixedsize=false, fontcolor=%s, label=\"", t,
                       color_of(&g, t));
            put_text(out, rule->tests[t].label);
            buf_puts(out, "\"];\n");
        }
    }
    buf_puts(out, "}\n");
}
