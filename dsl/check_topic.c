/* Topics: order of first declaration, and the clock options that declarations of one topic share
 * (language.md 3.8). */
#include "dsl/check.h"

/* The options as one declaration states them. */
struct clock_options {
    const struct ast_item *out_of_order, *idle, *per, *ahead;
    struct duration out_of_order_time, idle_time, ahead_time;
    int32_t per_slot;
};

static void once(struct checker *c, const struct ast_item **at, const struct ast_item *item,
                 const char *name)
{
    if (*at) {
        struct diag *d = check_error(c, "E0330", item->span, "`%s` stands here twice", name);
        check_second(c, d, (*at)->span, "first here");
        return;
    }
    *at = item;
}

static void watermark_per(struct checker *c, const struct schema_decl *d,
                          struct clock_options *o, const struct ast_item *item)
{
    struct slice name = path_text(c, item->path->names.first);
    int32_t slot = decl_find_field(d, name);
    if (slot < 0) {
        struct suggest s = suggest_for(name);
        for (uint32_t i = 0; i < d->n_fields; i++) {
            suggest_try(&s, d->fields[i].name);
        }
        struct diag *e = check_error(c, "E0302", item->path->span, "`%.*s` has no field `%.*s`",
                                     SLICE_ARG(d->name), SLICE_ARG(name));
        check_suggest(c, e, &s);
        return;
    }
    struct schema_field *f = &d->fields[slot];
    if (f->optional) {
        check_error(c, "E0333", item->path->span,
                    "`watermark per` needs a required field, `%.*s` may be missing",
                    SLICE_ARG(name));
    }
    f->keep = true;
    o->per_slot = slot;
}

static void read_options(struct checker *c, const struct ast_event *e,
                         const struct schema_decl *d, struct clock_options *o)
{
    for (const struct ast_item *i = e->items; i; i = i->next) {
        switch (i->kind) {
        case AST_ITEM_FIELD:
            continue;
        case AST_ITEM_OUT_OF_ORDER:
            once(c, &o->out_of_order, i, "out of order by");
            check_timed(c, i->time, &o->out_of_order_time);
            break;
        case AST_ITEM_IDLE:
            once(c, &o->idle, i, "idle after");
            check_timed(c, i->time, &o->idle_time);
            break;
        case AST_ITEM_WATERMARK_PER:
            once(c, &o->per, i, "watermark per");
            watermark_per(c, d, o, i);
            break;
        case AST_ITEM_AT_MOST_AHEAD:
            once(c, &o->ahead, i, "at most … ahead");
            check_timed(c, i->time, &o->ahead_time);
            break;
        }
        if (!e->topics.n) {
            check_error(c, "E0333", i->span, "`%.*s` is read from no topic and has no clock",
                        SLICE_ARG(d->name));
        }
    }
    if (o->per && !o->idle) {
        struct diag *x = check_error(c, "E0333", o->per->span,
                                     "`watermark per` needs `idle after` beside it");
        check_help(c, x, "a value that falls silent would hold the clock back for ever");
    }
    if (o->idle && o->idle_time.ns == 0) {
        check_error(c, "E0333", o->idle->span, "`idle after` needs a time above zero");
    }
}

static struct schema_topic *topic_of(struct checker *c, struct slice name)
{
    for (uint32_t i = 0; i < c->rs->n_topics; i++) {
        if (slice_eq(c->rs->topics[i].name, name)) {
            return &c->rs->topics[i];
        }
    }
    struct schema_topic *t = &c->rs->topics[c->rs->n_topics];
    t->index = c->rs->n_topics++;
    t->name = arena_copy(c->out, name);
    t->at_most_ahead = DURATION_INFINITE;
    t->decls = ARENA_ARRAY(c->out, uint32_t, c->rs->n_decls + 1);
    return t;
}

static void conflict(struct checker *c, const struct ast_item *item, const struct schema_topic *t,
                     const char *name)
{
    struct diag *d = check_error(c, "E0334", item->span,
                                 "another declaration of topic `%.*s` states another `%s`",
                                 SLICE_ARG(t->name), name);
    check_help(c, d, "declarations of one topic share its clock");
}

static void merge_per(struct checker *c, struct schema_topic *t, const struct schema_decl *d,
                      const struct clock_options *o)
{
    if (!o->per || o->per_slot < 0) {
        return;
    }
    if (t->has_watermark_per) {
        const struct schema_decl *other = &c->rs->decls[t->watermark_per_decl];
        if (!slice_eq(other->fields[t->watermark_per_slot].name, d->fields[o->per_slot].name)) {
            conflict(c, o->per, t, "watermark per");
        }
        return;
    }
    t->has_watermark_per = true;
    t->watermark_per_decl = d->index;
    t->watermark_per_slot = (uint32_t)o->per_slot;
}

static void merge_options(struct checker *c, struct schema_topic *t, const struct schema_decl *d,
                          const struct clock_options *o)
{
    if (o->out_of_order && o->out_of_order_time.ns > t->out_of_order.ns) {
        t->out_of_order = o->out_of_order_time;
    }
    if (o->idle) {
        bool follow = span_given(o->idle->follow_clock);
        if (t->idle_after.ns &&
            (t->idle_after.ns != o->idle_time.ns || t->follow_clock != follow)) {
            conflict(c, o->idle, t, "idle after");
        }
        t->idle_after = o->idle_time;
        t->follow_clock = follow;
    }
    if (o->ahead) {
        if (!duration_is_infinite(t->at_most_ahead) && t->at_most_ahead.ns != o->ahead_time.ns) {
            conflict(c, o->ahead, t, "at most … ahead");
        }
        t->at_most_ahead = o->ahead_time;
    }
    merge_per(c, t, d, o);
}

/* A message is read once, whichever declarations look at it. */
static void merge_format(struct checker *c, struct schema_topic *t, const struct schema_decl *d,
                         const struct ast_event *e, const struct ast_literal *topic)
{
    const struct payload_schema *a = t->payload, *b = d->payload;
    bool unread = !b && e->format && !slice_eq_str(e->format->name->text, "json");
    if (t->n_decls == 0) {
        t->payload = b;
    } else if (!unread && (a && b ? !hash128_eq(a->hash, b->hash) : a != b)) {
        struct diag *x = check_error(c, "E0334", e->format ? e->format->span : topic->span,
                                     "another declaration of topic `%.*s` states another format",
                                     SLICE_ARG(t->name));
        check_help(c, x, "declarations of one topic share its format and schema");
    }
}

static void declare_topics(struct checker *c, const struct ast_event *e, struct schema_decl *d)
{
    struct clock_options o = {.per_slot = -1};
    read_options(c, e, d, &o);
    d->topics = ARENA_ARRAY(c->out, uint32_t, e->topics.n + 1);
    for (const struct ast_literal *l = e->topics.first; l; l = l->next) {
        if (l->string.len == 0) {
            check_error(c, "E0333", l->span, "a topic has a name");
            continue;
        }
        struct schema_topic *t = topic_of(c, l->string);
        bool twice = t->n_decls && t->decls[t->n_decls - 1] == d->index;
        if (twice) {
            check_error(c, "E0304", l->span, "topic `%.*s` stands here twice",
                        SLICE_ARG(l->string));
            continue;
        }
        merge_format(c, t, d, e, l);
        t->decls[t->n_decls++] = d->index;
        d->topics[d->n_topics++] = t->index;
        merge_options(c, t, d, &o);
    }
    if (e->where && !e->topics.n) {
        check_error(c, "E0333", e->where->span,
                    "`where` here chooses among the records of a topic");
    }
}

void check_topics(struct checker *c)
{
    uint32_t n = 0;
    for (size_t i = 0; i < c->decls.n; i++) {
        if (c->decls.items[i]->kind == AST_DECL_EVENT) {
            n += c->decls.items[i]->event.topics.n;
        }
    }
    c->rs->topics = ARENA_ARRAY(c->out, struct schema_topic, n + 1);
    uint32_t index = 0;
    for (size_t i = 0; i < c->decls.n; i++) {
        const struct ast_decl *ast = c->decls.items[i];
        if (ast->kind == AST_DECL_EVENT && ast_name_given(ast->event.name)) {
            declare_topics(c, &ast->event, &c->rs->decls[index++]);
        }
    }
}
