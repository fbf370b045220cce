#include "lib/replay_near.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/xalloc.h"

#define TIMES 2

struct change {
    uint32_t rule;
    struct mutation mutation;
    bool is_window; /* of the whole rule */
};

/* All looser versions, and those of the read at hand. */
struct trial {
    const struct fyke_rules *rules;
    struct replay_near *near;
    struct change *changes;
    size_t n_changes, cap_changes, next; /* next: the first that was not tried yet */
    const struct change *tried[REPLAY_MAX_SETS];
    const struct fyke_rules *sets[REPLAY_MAX_SETS]; /* [0]: as they are; then one per change */
    struct fyke_rules *own[REPLAY_MAX_SETS];
    uint32_t n; /* of sets */
};

/* ---- looser versions ------------------------------------------------------------------------ */

static bool derives(const struct ast_rule *r)
{
    for (const struct ast_emit *e = r->emits; e; e = e->next) {
        if (e->event) {
            return true;
        }
    }
    return false;
}

/* Other rules, and tests of theirs: they find what they find anyway. Those that derive events stay. */
static bool is_other(const struct ast_decl *d, struct slice name)
{
    if (d->kind == AST_DECL_TEST) {
        return !slice_eq(d->test->rule->text, name);
    }
    return d->kind == AST_DECL_RULE && !slice_eq(d->rule.name->text, name) && !derives(&d->rule);
}

/* Places stay what they are. */
static struct slice blanked(struct arena *a, const struct ast_file *file, struct slice name)
{
    struct slice text = arena_copy(a, file->source->text);
    char *bytes = (char *)(uintptr_t)text.ptr;
    for (const struct ast_decl *d = file->first; d; d = d->next) {
        for (uint32_t i = d->span.start; is_other(d, name) && i < d->span.end; i++) {
            bytes[i] = ' ';
        }
    }
    return text;
}

static struct slice changed(struct arena *a, struct slice text, const struct mutation *m)
{
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    buf_put(&out, text.ptr, m->span.start);
    buf_put_slice(&out, m->text);
    buf_put(&out, text.ptr + m->span.end, text.len - m->span.end);
    return arena_copy(a, buf_slice(&out));
}

/* NULL: it does not compile, and says nothing. */
static struct fyke_rules *compile_change(struct trial *t, const struct change *change)
{
    const struct compilation *c = t->rules->compilation;
    struct slice name = c->ruleset->rules[change->rule].name;
    struct compile_source *texts = xcalloc(c->n_files + 1u, sizeof(*texts));
    struct arena arena = ARENA_INIT;
    struct error unused = ERROR_INIT;
    for (uint32_t i = 0; i < c->n_files; i++) {
        const struct ast_file *f = c->files[i];
        texts[i] = (struct compile_source){f->source->path, blanked(&arena, f, name)};
        if (f->source->index == change->mutation.span.file) {
            texts[i].text = changed(&arena, texts[i].text, &change->mutation);
        }
    }
    struct fyke_rules *ret = rules_with_texts(t->rules, texts, c->n_files, &unused);
    free(texts);
    arena_release(&arena);
    return ret;
}

static struct span window_of(const struct compilation *c, struct slice name)
{
    for (uint32_t f = 0; f < c->n_files; f++) {
        for (const struct ast_decl *d = c->files[f]->first; d; d = d->next) {
            bool is = d->kind == AST_DECL_RULE && slice_eq(d->rule.name->text, name);
            if (is && d->rule.head && d->rule.head->within) {
                return d->rule.head->within->value.span;
            }
        }
    }
    return (struct span){0};
}

static void add_changes(struct trial *t, uint32_t rule)
{
    const struct compilation *c = t->rules->compilation;
    const struct mutate_options o = {.times = TIMES};
    struct slice name = c->ruleset->rules[rule].name;
    struct span window = window_of(c, name);
    struct mutations found;
    mutations_of(c, name, &o, &t->near->arena, &found);
    for (uint32_t i = 0; i < found.n; i++) {
        struct change *change = &VEC_PUSH(t->changes, t->n_changes, t->cap_changes);
        *change = (struct change){.rule = rule, .mutation = found.items[i]};
        change->is_window = window.end > 0 && change->mutation.span.file == window.file &&
                            change->mutation.span.start == window.start;
    }
}

/* As many as one read takes. */
static void compile_next(struct trial *t)
{
    t->sets[0] = t->rules;
    for (t->n = 1; t->n < REPLAY_MAX_SETS && t->next < t->n_changes; t->next++) {
        const struct change *change = &t->changes[t->next];
        struct fyke_rules *looser = compile_change(t, change);
        if (looser) {
            t->tried[t->n] = change;
            t->own[t->n] = looser;
            t->sets[t->n++] = looser;
            t->near->tried++;
        }
    }
}

/* ---- what they find ------------------------------------------------------------------------- */

static void take(struct trial *t, uint32_t set, struct replay_result *results)
{
    struct replay_near *near = t->near;
    const struct compilation *c = t->rules->compilation;
    const struct change *change = t->tried[set];
    FYKE_CLEANUP(buf_release) struct buf words = BUF_INIT;
    struct replay_diff diff;
    replay_diff_make(t->rules, t->sets[set], &results[0], &results[set], &diff);
    const struct diff_rule *r = replay_diff_rule(&diff, c->ruleset->rules[change->rule].name);
    if (r && r->n[DIFF_NEW] > 0) {
        struct near_miss *m = &near->items[near->n++];
        mutation_words(c, &change->mutation, &words);
        *m = (struct near_miss){.rule = change->rule,
                                .words = arena_copy(&near->arena, buf_slice(&words)),
                                .n = r->n[DIFF_NEW],
                                .n_true = r->n_true[DIFF_NEW],
                                .nearest = *r->shortest_new};
        m->key = arena_copy(&near->arena,
                            replay_alert_key(results[set].alerts, r->shortest_new));
        /* A deadline may need more of the window than the events do. */
        if (change->is_window && m->nearest.detected.ns == m->nearest.last.ns) {
            m->written = change->mutation.length;
            m->needed = etime_diff(m->nearest.last, m->nearest.first);
        }
    }
    replay_diff_release(&diff);
}

static int compare_misses(const void *a, const void *b)
{
    const struct near_miss *x = a, *y = b;
    if (x->rule != y->rule) {
        return x->rule < y->rule ? -1 : 1;
    }
    double true_x = (double)x->n_true / (double)x->n, true_y = (double)y->n_true / (double)y->n;
    if (true_x > true_y || true_x < true_y) {
        return true_x > true_y ? -1 : 1;
    }
    if (x->n != y->n) {
        return x->n < y->n ? -1 : 1;
    }
    return slice_cmp(x->words, y->words);
}

/* ---- reads ---------------------------------------------------------------------------------- */

static enum fyke_result run_next(struct trial *t, const struct replay_config *c, struct replay_result *ret)
{
    struct replay_result *results = xcalloc(REPLAY_MAX_SETS, sizeof(*results));
    compile_next(t);
    enum fyke_result rc = replay_run_sets(t->sets, t->n, c, results);
    bool ran = rc == FYKE_OK || rc == FYKE_INTERRUPTED;
    for (uint32_t i = 1; i < t->n; i++) {
        if (ran) {
            take(t, i, results);
            replay_result_release(&results[i]);
        }
        fyke_rules_free(t->own[i]);
    }
    *ret = results[0];
    free(results);
    return rc;
}

static bool is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* What comes through a pipe is gone; a manifest and a cache are those of one read. */
static bool can_read_again(const struct replay_config *c)
{
    bool can = !c->manifest && !c->cache;
    for (size_t i = 0; i < c->n_inputs && can; i++) {
        const char *input = c->inputs[i], *path = strchr(input, '=');
        can = strcmp(input, "kafka") == 0 || strncmp(input, "kafka:", 6) == 0 || is_file(input) ||
              (path && is_file(path + 1));
    }
    return can;
}

/* Each read holds its versions against the rules as they are in that same read. */
static enum fyke_result read_again(struct trial *t, const struct replay_config *c, struct replay_result *first)
{
    struct replay_config config = *c;
    enum fyke_result rc = FYKE_OK;
    config.line = NULL;
    config.verify_against = NULL;
    while (rc == FYKE_OK && t->next < t->n_changes) {
        struct replay_result again;
        rc = run_next(t, &config, &again);
        if (rc == FYKE_OK || rc == FYKE_INTERRUPTED) {
            first->wall_s += again.wall_s;
            first->cpu_s += again.cpu_s;
            replay_result_release(&again);
        }
    }
    return rc;
}

static enum fyke_result run_all(struct trial *t, const struct replay_config *c, struct replay_result *ret)
{
    struct replay_config config = *c;
    config.keep_alerts = true;
    enum fyke_result rc = run_next(t, &config, ret);
    if (rc == FYKE_OK && can_read_again(c)) {
        rc = read_again(t, &config, ret);
        if (rc != FYKE_OK && rc != FYKE_INTERRUPTED) {
            replay_result_release(ret);
        }
    }
    return rc;
}

enum fyke_result replay_near_run(const struct fyke_rules *rules, const struct replay_config *c,
                                 struct replay_result *ret, struct replay_near *near)
{
    const struct ruleset *rs = rules_ruleset(rules);
    struct trial *t = xcalloc(1, sizeof(*t));
    *near = (struct replay_near){0};
    arena_init(&near->arena);
    t->rules = rules;
    t->near = near;
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        if (!rule_is_disabled(&rs->rules[i])) {
            add_changes(t, i);
        }
    }
    near->items = ARENA_ARRAY(&near->arena, struct near_miss, t->n_changes + 1);
    enum fyke_result rc = run_all(t, c, ret);
    near->left_out = (uint32_t)(t->n_changes - t->next);
    if (near->n > 1) {
        qsort(near->items, near->n, sizeof(*near->items), compare_misses);
    }
    free(t->changes);
    free(t);
    return rc;
}

void replay_near_release(struct replay_near *n)
{
    arena_release(&n->arena);
}
