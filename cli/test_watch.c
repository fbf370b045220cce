/* fyke test --watch: looks at the files a few times a second and runs again what a change concerns:
 * the tests whose own text, rule or fixture changed, those that failed, and all of them when
 * anything else of the rules did. */
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "base/hash.h"
#include "base/map.h"
#include "base/xalloc.h"
#include "cli/test_args.h"
#include "dsl/load_walk.h"

#define POLL_MS 200

struct seen_test {
    struct hash128 hash;
    bool ok;
};

struct watch {
    const struct cli_verb *verb;
    struct test_args *a;
    struct fyke_rules *rules; /* the last set that compiled; NULL: none yet */
    struct map seen;          /* "rule/title" → struct seen_test */
    struct arena arena;       /* of `seen` */
};

/* ---- files ------------------------------------------------------------------------------------ */

static void put_stat(struct hasher *h, const char *path)
{
    struct stat st;
    char text[96] = "-";
    if (stat(path, &st) == 0) {
        snprintf(text, sizeof(text), "%lld %lld.%09ld %llu", (long long)st.st_size,
                 (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, (unsigned long long)st.st_ino);
    }
    hasher_put_part(h, slice_of(path));
    hasher_put_part(h, slice_of(text));
}

/* What the rules are read from: files below the paths, what they import and name, fixtures. */
static struct hash128 stamp(const struct watch *w)
{
    struct hasher h;
    struct arena arena = ARENA_INIT;
    struct walk_list list = {.arena = &arena};
    struct error err = ERROR_INIT;
    hasher_init(&h);
    for (size_t i = 0; i < w->a->rules.n; i++) {
        put_stat(&h, w->a->rules.items[i]);
        (void)!walk_path(&list, slice_of(w->a->rules.items[i]), &err);
    }
    walk_sort(&list);
    for (size_t i = 0; i < list.n; i++) {
        put_stat(&h, arena_strndup(&arena, list.items[i].path.ptr, list.items[i].path.len));
    }
    const struct compilation *c = w->rules ? w->rules->compilation : NULL;
    for (uint32_t i = 0; c && i < c->sources.n; i++) {
        put_stat(&h, sources_get(&c->sources, i)->path);
    }
    for (uint32_t i = 0; c && i < c->tests->n; i++) {
        const struct compiled_test *t = &c->tests->items[i];
        for (uint32_t k = 0; k < t->n_stmts; k++) {
            if (t->stmts[k].path) {
                put_stat(&h, t->stmts[k].path);
            }
        }
    }
    walk_release(&list);
    arena_release(&arena);
    return hasher_hash128(&h);
}

/* ---- what a change concerns -------------------------------------------------------------------- */

static bool derives(const struct ast_rule *r)
{
    for (const struct ast_emit *e = r->emits; e; e = e->next) {
        if (e->event) {
            return true;
        }
    }
    return false;
}

static void put_span(const struct compilation *c, struct span span, struct hasher *h)
{
    hasher_put_part(h, source_text(sources_get(&c->sources, span.file), span));
}

/* A rule without its tests, which stand last in it. */
static struct span rule_span(const struct ast_decl *d)
{
    struct span s = d->span;
    if (d->rule.tests) {
        s.end = d->rule.tests->span.start;
    }
    return s;
}

/* All that a test may depend on besides its own rule: every other kind of declaration, rules that
 * derive events, the files of lists. */
static struct hash128 rest_of(const struct compilation *c)
{
    struct hasher h;
    hasher_init(&h);
    for (uint32_t i = 0; i < c->n_files; i++) {
        for (const struct ast_decl *d = c->files[i]->first; d; d = d->next) {
            if (d->kind == AST_DECL_RULE && derives(&d->rule)) {
                put_span(c, rule_span(d), &h);
            } else if (d->kind != AST_DECL_RULE && d->kind != AST_DECL_TEST) {
                put_span(c, d->span, &h);
            }
        }
    }
    for (uint32_t i = 0; i < c->sources.n; i++) {
        const struct rule_file *src = sources_get(&c->sources, i);
        if (src->is_data) {
            hasher_put_part(&h, src->text);
        }
    }
    return hasher_hash128(&h);
}

static const struct ast_decl *decl_of_rule(const struct compilation *c, struct slice name)
{
    for (uint32_t i = 0; i < c->n_files; i++) {
        for (const struct ast_decl *d = c->files[i]->first; d; d = d->next) {
            if (d->kind == AST_DECL_RULE && d->rule.name && slice_eq(d->rule.name->text, name)) {
                return d;
            }
        }
    }
    return NULL;
}

static struct hash128 hash_of(const struct compilation *c, const struct compiled_test *t,
                              struct hash128 rest)
{
    struct hasher h;
    char hex[HASH128_HEX_MAX];
    hasher_init(&h);
    hash128_hex(rest, hex);
    hasher_put_part(&h, slice_of(hex));
    const struct ast_decl *d = decl_of_rule(c, c->ruleset->rules[t->rule].name);
    if (d) {
        put_span(c, rule_span(d), &h);
    }
    put_span(c, t->span, &h);
    for (uint32_t i = 0; i < t->n_stmts; i++) {
        if (t->stmts[i].path) {
            put_stat(&h, t->stmts[i].path);
        }
    }
    return hasher_hash128(&h);
}

static struct seen_test *seen_of(struct watch *w, const struct compilation *c,
                                 const struct compiled_test *t)
{
    FYKE_CLEANUP(buf_release) struct buf name = BUF_INIT;
    buf_printf(&name, "%.*s/%.*s", SLICE_ARG(c->ruleset->rules[t->rule].name),
               SLICE_ARG(t->title));
    struct seen_test *s = map_get(&w->seen, buf_slice(&name));
    if (!s) {
        s = ARENA_NEW(&w->arena, struct seen_test);
        map_add(&w->seen, buf_slice(&name), s);
    }
    return s;
}

/* ---- the loop ---------------------------------------------------------------------------------- */

static int run_concerned(struct watch *w)
{
    struct test_args *a = w->a;
    const struct compilation *c = w->rules->compilation;
    struct hash128 rest = rest_of(c);
    int rc = CLI_OK;
    a->passed = a->failed = 0;
    for (uint32_t i = 0; i < c->tests->n && rc == CLI_OK; i++) {
        const struct compiled_test *t = &c->tests->items[i];
        if (!test_selected(a->filter, c->ruleset, t)) {
            continue;
        }
        struct seen_test *s = seen_of(w, c, t);
        struct hash128 now = hash_of(c, t, rest);
        if (!s->ok || !hash128_eq(s->hash, now)) {
            rc = test_run_reported(a, c, t, &s->ok);
            s->hash = now;
        }
    }
    printf("%u passed, %u failed\n", a->passed, a->failed);
    return fflush(stdout) == 0 ? rc : CLI_IO;
}

/* A set that does not compile leaves the one before in place; its findings have been shown. */
static int run_again(struct watch *w)
{
    struct fyke_rules *rules;
    struct cli_rules_options o = {.color = w->a->color, .allow_empty = true, .quiet_notes = true};
    (void)cli_load_rules(w->verb, &w->a->rules, &o, &rules);
    if (!rules) {
        printf("the rules do not compile\n");
        return fflush(stdout) == 0 ? CLI_OK : CLI_IO;
    }
    fyke_rules_free(w->rules);
    w->rules = rules;
    return run_concerned(w);
}

/* Signal handlers have nothing but process-wide memory. */
static volatile sig_atomic_t stop;

static void on_stop(int number)
{
    (void)number;
    stop = 1;
}

/* Two looks in a row that are alike: editors write in several steps. False: a signal came. */
static bool wait_for_change(const struct watch *w, struct hash128 *at)
{
    const struct timespec pause = {.tv_nsec = POLL_MS * NS_PER_MS};
    struct hash128 last = *at;
    while (!stop) {
        nanosleep(&pause, NULL);
        struct hash128 now = stamp(w);
        if (hash128_eq(now, last) && !hash128_eq(now, *at)) {
            *at = now;
            return true;
        }
        last = now;
    }
    return false;
}

int test_watch(const struct cli_verb *v, struct test_args *a)
{
    struct watch w = {.verb = v, .a = a};
    const struct sigaction act = {.sa_handler = on_stop};
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    map_init(&w.seen, MAP_COPY_KEYS);
    struct hash128 before = stamp(&w);
    int rc = run_again(&w);
    struct hash128 at = stamp(&w); /* now with what the rules name */
    if (w.rules == NULL) {
        at = before;
    }
    while (rc == CLI_OK && wait_for_change(&w, &at)) {
        rc = run_again(&w);
        at = stamp(&w);
    }
    fyke_rules_free(w.rules);
    map_release(&w.seen);
    arena_release(&w.arena);
    return rc;
}
