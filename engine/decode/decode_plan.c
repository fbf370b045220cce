#include "engine/decode/decode_plan.h"

#include <assert.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/decode/decode_quick.h"
#include "nfa/expr.h"

/* Calls `mark` for every slot of this declaration that the expression reads; the event's own time
 * counts as its field. Expressions nest no deeper than the rule file's author wrote them and the
 * parser allowed. */
static void mark_reads(const struct expr *e, const struct schema_decl *d, bool *reads)
{
    if (!e) {
        return;
    }
    if (e->op == EX_FIELD) {
        if (!e->field) {
            if (d->time_field >= 0) {
                reads[d->time_field] = true;
            }
            return;
        }
        for (uint32_t i = 0; i < e->field->n; i++) {
            if (e->field->alt[i].decl == d->index && e->field->alt[i].slot < d->n_fields) {
                reads[e->field->alt[i].slot] = true;
            }
        }
    }
    for (uint16_t i = 0; i < e->n_kids; i++) {
        mark_reads(e->kids[i], d, reads);
    }
}

/* Adds what the marked computed fields read themselves, until nothing is added any more. */
static void close_reads(const struct schema_decl *d, bool *reads)
{
    bool *seen = xcalloc(d->n_fields, sizeof(*seen));
    bool changed = true;
    while (changed) {
        changed = false;
        for (uint32_t i = 0; i < d->n_fields; i++) {
            if (reads[i] && !seen[i]) {
                seen[i] = changed = true;
                mark_reads(d->fields[i].computed, d, reads);
            }
        }
    }
    free(seen);
}

/* Can field `slot` be computed, given those in `done`? */
static bool reads_are_done(const struct schema_decl *d, uint32_t slot, const bool *done)
{
    bool *reads = xcalloc(d->n_fields, sizeof(*reads));
    bool ok = true;
    mark_reads(d->fields[slot].computed, d, reads);
    for (uint32_t i = 0; i < d->n_fields; i++) {
        ok = ok && (!reads[i] || done[i] || d->fields[i].origin != ORIGIN_COMPUTED);
    }
    free(reads);
    return ok;
}

/* Appends the computed fields among `chosen` to the order, dependencies first. The checker has
 * refused cycles; a field of one would simply not be computed. */
static void order_computed(struct plan_decl *p, const bool *chosen, bool *done)
{
    const struct schema_decl *d = p->decl;
    bool changed = true;
    while (changed) {
        changed = false;
        for (uint32_t i = 0; i < d->n_fields; i++) {
            if (chosen[i] && !done[i] && d->fields[i].origin == ORIGIN_COMPUTED &&
                reads_are_done(d, i, done)) {
                done[i] = changed = true;
                p->computed[p->n_computed++] = i;
            }
        }
    }
}

static void plan_order(struct plan_decl *p, struct arena *arena)
{
    const struct schema_decl *d = p->decl;
    size_t room = d->n_fields ? d->n_fields : 1;
    bool *done = xcalloc(room, sizeof(*done));
    bool *reads = xcalloc(room, sizeof(*reads));
    p->computed = ARENA_ARRAY(arena, uint32_t, room);
    p->where_slots = ARENA_ARRAY(arena, uint32_t, room);
    mark_reads(d->where, d, reads);
    close_reads(d, reads);
    for (uint32_t i = 0; i < d->n_fields; i++) {
        if (reads[i] && d->fields[i].origin != ORIGIN_COMPUTED) {
            p->where_slots[p->n_where_slots++] = i;
        }
    }
    p->where_reads_time = d->time_field >= 0 && reads[d->time_field];
    order_computed(p, reads, done);
    p->n_where_computed = p->n_computed;
    for (uint32_t i = 0; i < d->n_fields; i++) {
        reads[i] = reads[i] || p->fields[i].keep;
    }
    close_reads(d, reads);
    order_computed(p, reads, done);
    for (uint32_t i = 0; i < d->n_fields; i++) {
        p->fields[i].wanted = reads[i];
    }
    free(reads);
    free(done);
}

static void plan_path(struct plan_field *f, struct json_paths *paths)
{
    const struct schema_field *s = f->decl;
    f->literal = f->nested = JSON_NO_NODE;
    if (s->origin != ORIGIN_PAYLOAD) {
        return;
    }
    if (s->path_text.len > 0 || s->n_parts == 0) {
        f->literal = json_paths_add(paths, 0, s->path_text);
    }
    uint32_t node = 0;
    for (uint32_t i = 0; i < s->n_parts && !f->collects; i++) {
        node = json_paths_add(paths, node, s->parts[i].name);
        if (s->parts[i].each) {
            f->collects = true;
            f->rest = s->parts + i + 1;
            f->n_rest = s->n_parts - i - 1;
        }
    }
    f->nested = s->n_parts > 0 ? node : JSON_NO_NODE;
}

static void plan_decl(struct plan_decl *p, const struct ruleset *rs,
                      const struct schema_topic *topic, struct json_paths *paths,
                      struct arena *arena)
{
    const struct schema_decl *d = p->decl;
    p->fields = ARENA_ARRAY(arena, struct plan_field, d->n_fields ? d->n_fields : 1);
    for (uint32_t i = 0; i < d->n_fields; i++) {
        struct plan_field *f = &p->fields[i];
        f->decl = &d->fields[i];
        f->origin = f->decl->origin;
        f->is_time = d->time_field >= 0 && (uint32_t)d->time_field == i;
        f->required = f->is_time || (!f->decl->optional && f->decl->origin != ORIGIN_COMPUTED);
        f->keep = f->decl->keep || (topic->has_watermark_per && topic->watermark_per_slot == i &&
                                    rs->decls[topic->watermark_per_decl].index == d->index);
        plan_path(f, paths);
    }
    plan_order(p, arena);
    quick_plan(p, arena);
}

/* What the paths ask for: a literal key and a path to its end or its first "[*]" ask for all of the
 * value there. */
static void plan_payload(struct plan_topic *p, const struct payload_schema *schema,
                         struct arena *arena)
{
    bool *ends = xcalloc(p->paths.n, sizeof(*ends));
    for (uint32_t i = 0; i < p->n_decls; i++) {
        for (uint32_t k = 0; k < p->decls[i].decl->n_fields; k++) {
            const struct plan_field *f = &p->decls[i].fields[k];
            if (f->literal != JSON_NO_NODE) {
                ends[f->literal] = true;
            }
            if (f->nested != JSON_NO_NODE) {
                ends[f->nested] = true;
            }
        }
    }
    p->payload = schema;
    p->want = payload_want_new(schema->root, &p->paths, ends, arena);
    free(ends);
}

static void plan_topic(struct plan_topic *p, const struct ruleset *rs,
                       const struct schema_topic *topic, struct arena *arena)
{
    json_paths_init(&p->paths);
    p->at_most_ahead = topic->at_most_ahead;
    p->n_decls = topic->n_decls;
    p->decls = ARENA_ARRAY(arena, struct plan_decl, topic->n_decls ? topic->n_decls : 1);
    for (uint32_t i = 0; i < topic->n_decls; i++) {
        p->decls[i].decl = &rs->decls[topic->decls[i]];
        assert(p->decls[i].decl->time_field >= 0);
        plan_decl(&p->decls[i], rs, topic, &p->paths, arena);
    }
    if (topic->payload) {
        plan_payload(p, topic->payload, arena);
    }
    json_paths_seal(&p->paths);
}

struct decode_plan *decode_plan_new(const struct ruleset *rs)
{
    struct decode_plan *p = xcalloc(1, sizeof(*p));
    arena_init(&p->arena);
    p->n_topics = rs->n_topics;
    p->topics = ARENA_ARRAY(&p->arena, struct plan_topic, rs->n_topics ? rs->n_topics : 1);
    for (uint32_t i = 0; i < rs->n_topics; i++) {
        struct plan_topic *t = &p->topics[i];
        plan_topic(t, rs, &rs->topics[i], &p->arena);
        if (t->paths.n > p->most_nodes) {
            p->most_nodes = (uint32_t)t->paths.n;
        }
        for (uint32_t k = 0; k < t->n_decls; k++) {
            if (t->decls[k].decl->n_fields > p->most_fields) {
                p->most_fields = t->decls[k].decl->n_fields;
            }
        }
    }
    return p;
}

void decode_plan_free(struct decode_plan *p)
{
    if (!p) {
        return;
    }
    for (uint32_t i = 0; i < p->n_topics; i++) {
        json_paths_release(&p->topics[i].paths);
    }
    arena_release(&p->arena);
    free(p);
}
