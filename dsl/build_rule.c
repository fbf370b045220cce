#include "dsl/ast_build.h"

struct ast_decl *build_rule(struct parse *P, tok keyword, tok name, struct ast_rule *body,
                            tok close)
{
    struct ast_decl *d = build_decl_new(P, AST_DECL_RULE, keyword, build_span(P, close));
    d->rule = *body;
    d->rule.name = build_name(P, name);
    return d;
}

struct ast_rule *build_rule_body(struct parse *P, struct ast_metas *metas, struct ast_head *head,
                                 tok when, struct ast_pattern *pattern,
                                 struct ast_withouts *withouts, struct ast_policy *policy,
                                 struct ast_quiet *quiet, struct ast_outputs *outputs,
                                 struct ast_tests *tests)
{
    struct ast_rule *r = ARENA_NEW(P->arena, struct ast_rule);
    r->metas = metas ? metas->first : NULL;
    r->head = head;
    r->when = build_span(P, when);
    r->pattern = pattern;
    if (withouts) {
        r->withouts.first = withouts->first;
        r->withouts.last = withouts->last;
        r->withouts.n = withouts->n;
    }
    r->policy = policy;
    r->quiet = quiet;
    r->emits = outputs->first;
    r->tests = tests ? tests->first : NULL;
    return r;
}

struct ast_metas *build_metas(struct parse *P, struct ast_metas *list, struct ast_meta *m)
{
    struct ast_metas *l = list ? list : ARENA_NEW(P->arena, struct ast_metas);
    BUILD_APPEND(l, m);
    return l;
}

static struct ast_meta *meta_new(struct parse *P, enum ast_meta_kind kind, tok keyword,
                                 struct span end)
{
    struct ast_meta *m = ARENA_NEW(P->arena, struct ast_meta);
    m->kind = kind;
    m->keyword = build_span(P, keyword);
    m->span = span_join(m->keyword, end);
    return m;
}

struct ast_meta *build_meta_string(struct parse *P, enum ast_meta_kind kind, tok keyword, tok s)
{
    struct ast_meta *m = meta_new(P, kind, keyword, build_span(P, s));
    return build_meta_more(P, m, s);
}

struct ast_meta *build_meta_more(struct parse *P, struct ast_meta *m, tok s)
{
    m->span = span_join(m->span, build_span(P, s));
    struct ast_literal *copy = build_literal_copy(P, s->literal);
    BUILD_APPEND(&m->strings, copy);
    return m;
}

struct ast_meta *build_meta_name(struct parse *P, enum ast_meta_kind kind, tok keyword, tok name)
{
    struct ast_meta *m = meta_new(P, kind, keyword, build_span(P, name));
    m->name = build_name(P, name);
    return m;
}

struct ast_meta *build_meta_number(struct parse *P, enum ast_meta_kind kind, tok keyword, tok n)
{
    struct ast_meta *m = meta_new(P, kind, keyword, build_span(P, n));
    m->number = n->literal;
    return m;
}

struct ast_meta *build_meta_tags(struct parse *P, tok keyword, struct ast_tags *tags)
{
    struct ast_meta *m = meta_new(P, AST_META_TAGS, keyword, tags->last->span);
    m->tags = tags->first;
    return m;
}

struct ast_tags *build_tags(struct parse *P, struct ast_tags *list, struct ast_tag *t)
{
    struct ast_tags *l = list ? list : ARENA_NEW(P->arena, struct ast_tags);
    BUILD_APPEND(l, t);
    return l;
}

struct ast_tag *build_tag(struct parse *P, tok t)
{
    struct ast_tag *tag = ARENA_NEW(P->arena, struct ast_tag);
    tag->span = build_span(P, t);
    tag->quoted = t->kind == TK_STRING;
    tag->text = tag->quoted ? t->literal->string : build_name(P, t)->text;
    return tag;
}

struct ast_tag *build_tag_part(struct parse *P, struct ast_tag *tag, tok part)
{
    struct slice more = part->kind == TK_ID ? build_name(P, part)->text : part->literal->spelling;
    tag->span = span_join(tag->span, build_span(P, part));
    tag->text =
        slice_of(arena_printf(P->arena, "%.*s.%.*s", SLICE_ARG(tag->text), SLICE_ARG(more)));
    return tag;
}

struct ast_head *build_head(struct parse *P, tok for_kw, tok each, struct ast_keys *keys,
                            struct ast_timed *within)
{
    struct ast_head *h = ARENA_NEW(P->arena, struct ast_head);
    h->within = within;
    if (keys) {
        h->for_each = span_join(build_span(P, for_kw), build_span(P, each));
        h->keys = *keys;
        h->span = span_join(h->for_each, within ? within->span : keys->last->span);
    } else {
        h->span = within->span;
    }
    return h;
}

struct ast_keys *build_keys(struct parse *P, struct ast_keys *list, struct ast_key *key)
{
    struct ast_keys *l = list ? list : ARENA_NEW(P->arena, struct ast_keys);
    BUILD_APPEND(l, key);
    return l;
}

struct ast_key *build_key(struct parse *P, struct ast_key *key, struct ast_path *path)
{
    struct ast_key *k = key ? key : ARENA_NEW(P->arena, struct ast_key);
    k->span = key ? span_join(key->span, path->span) : path->span;
    BUILD_APPEND(&k->paths, path);
    return k;
}

struct ast_withouts *build_withouts(struct parse *P, struct ast_withouts *list,
                                    struct ast_event_test *event)
{
    struct ast_withouts *l = list ? list : ARENA_NEW(P->arena, struct ast_withouts);
    BUILD_APPEND(l, event);
    return l;
}

struct ast_policy *build_policy(struct parse *P, enum ast_policy_kind kind, tok keyword, tok last,
                                tok name)
{
    struct ast_policy *p = ARENA_NEW(P->arena, struct ast_policy);
    p->kind = kind;
    p->span = span_join(build_span(P, keyword), build_span(P, last));
    p->name = name ? build_name(P, name) : NULL;
    return p;
}

struct ast_quiet *build_quiet(struct parse *P, struct ast_timed *time, tok per,
                              struct ast_paths *paths)
{
    struct ast_quiet *q = ARENA_NEW(P->arena, struct ast_quiet);
    q->time = *time;
    q->span = time->span;
    if (per) {
        q->per_keyword = build_span(P, per);
        q->per = *paths;
        q->span = span_join(q->span, paths->last->span);
    }
    return q;
}

struct ast_outputs *build_outputs(struct parse *P, struct ast_outputs *list, struct ast_emit *e)
{
    struct ast_outputs *l = list ? list : ARENA_NEW(P->arena, struct ast_outputs);
    BUILD_APPEND(l, e);
    return l;
}

struct ast_emit *build_emit(struct parse *P, tok emit, tok kind, tok name, struct ast_body *body)
{
    struct ast_emit *e = ARENA_NEW(P->arena, struct ast_emit);
    e->keyword = span_join(build_span(P, emit), build_span(P, kind));
    e->span = e->keyword;
    e->body = body;
    if (name) {
        e->event = build_name(P, name);
        e->span = span_join(e->span, e->event->span);
    }
    if (body) {
        e->span = span_join(e->span, body->span);
    }
    return e;
}

struct ast_emit *build_on_timeout(struct parse *P, tok on, struct ast_emit *emit)
{
    emit->on_timeout = true;
    emit->keyword = span_join(build_span(P, on), emit->keyword);
    emit->span = span_join(build_span(P, on), emit->span);
    return emit;
}
