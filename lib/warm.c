#include "lib/warm.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "lib/rule_diff.h"
#include "lib/rule_store.h"
#include "lib/warm_parts.h"

/* Beside the state, which has the same room and the same owner. */
#define DIR_NAME "warming"

/* ---- which rules ---------------------------------------------------------------------------- */

struct naming {
    const struct ruleset *next;
    struct map *names;
};

static void note_name(void *ctx, struct slice name, enum rule_fate fate)
{
    struct naming *n = ctx;
    for (uint32_t i = 0; fate == RULE_NEW || fate == RULE_CHANGED ? i < n->next->n_rules : false; i++) {
        const struct rule *rule = &n->next->rules[i];
        if (slice_eq(rule->name, name) && !rule_is_disabled(rule)) {
            map_add(n->names, rule->name, (void *)(uintptr_t)rule);
        }
    }
}

void warm_names(const struct fyke_rules *before, const struct fyke_rules *next, struct map *ret)
{
    struct naming n = {rules_ruleset(next), ret};
    struct rule_diff d;
    map_init(ret, MAP_BORROW_KEYS);
    rules_compare(before, next, note_name, &n, &d);
}

static bool derives_any(const struct rule *rule, const bool *read)
{
    for (uint32_t i = 0; i < rule->n_emits; i++) {
        if (rule->emits[i].is_event && read[rule->emits[i].decl]) {
            return true;
        }
    }
    for (uint32_t i = 0; i < rule->n_timeouts; i++) {
        if (rule->timeouts[i].is_event && read[rule->timeouts[i].decl]) {
            return true;
        }
    }
    return false;
}

static void note_roles(const struct rule_role *roles, uint32_t n, bool *read)
{
    for (uint32_t i = 0; i < n; i++) {
        read[roles[i].decl] = true;
    }
}

struct measure_roles {
    const struct ruleset *rs;
    bool *read;
};

static void note_measure(void *ctx, uint32_t index)
{
    const struct measure_roles *m = ctx;
    const struct profile *p = &m->rs->profiles[m->rs->measures[index].profile];
    note_roles(p->roles, p->n_roles, m->read);
}

/* With the rules that derive what these read, and so on. */
static void add_derivers(const struct ruleset *rs, bool *wanted)
{
    bool *read = xcalloc(rs->n_decls + 1u, sizeof(*read)), more = true;
    while (more) {
        more = false;
        for (uint32_t i = 0; i < rs->n_rules; i++) {
            const struct rule *rule = &rs->rules[i];
            if (wanted[i]) {
                note_roles(rule->roles, rule->n_roles, read);
                rule_each_measure(rule, note_measure, &(struct measure_roles){rs, read});
            }
        }
        for (uint32_t i = 0; i < rs->n_rules; i++) {
            if (!wanted[i] && !rule_is_disabled(&rs->rules[i]) && derives_any(&rs->rules[i], read)) {
                wanted[i] = more = true;
            }
        }
    }
    free(read);
}

static void disable_others(struct ruleset *rs, const struct map *names)
{
    bool *wanted = xcalloc(rs->n_rules + 1u, sizeof(*wanted));
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        wanted[i] = map_get(names, rs->rules[i].name) != NULL;
    }
    add_derivers(rs, wanted);
    for (uint32_t i = 0; i < rs->n_units; i++) {
        struct rule *rule = &rs->rules[i];
        if (!wanted[rule->original]) {
            rule->status = SLICE_LIT("disabled");
        }
    }
    free(wanted);
}

/* The same texts once more, so that nothing of what is to be in force is touched. */
static enum err compile(struct warm *w, const struct map *names, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf texts = BUF_INIT;
    rule_store_encode(w->next, &texts);
    if (texts.len == 0) {
        return error_set(err, ERR_USAGE, "rules cannot be warmed: the set is too large");
    }
    FYKE_TRY(rule_store_decode(buf_slice(&texts), rules_ruleset(w->next)->fingerprint, NULL, 0, &w->rules,
                               err));
    if (w->config->options.evidence_fields) {
        struct fyke_rules *whole = rules_keeping_fields(w->rules, err);
        fyke_rules_free(w->rules);
        w->rules = whole;
        if (!whole) {
            return err->code;
        }
    }
    disable_others(w->rules->compilation->ruleset, names);
    w->rs = rules_ruleset(w->rules);
    return ERR_OK;
}

/* ---- how far back --------------------------------------------------------------------------- */

static struct etime least_clock(struct engine *live)
{
    const struct partition_summary *p;
    uint32_t n = engine_partition_figures(live, &p);
    struct etime least = ETIME_MAX;
    for (uint32_t i = 0; i < n; i++) {
        if (p[i].watermark.ns != INT64_MIN && etime_lt(p[i].watermark, least)) {
            least = p[i].watermark;
        }
    }
    return least.ns == INT64_MAX ? ETIME_MIN : least;
}

static void plan(struct warm *w, struct engine *live)
{
    struct replay_span s;
    replay_span_of(w->rs, &s);
    replay_span_text(&s, w->rs, &w->span);
    struct etime now = least_clock(live);
    bool all = duration_is_infinite(s.need) || now.ns == INT64_MIN;
    w->range = (struct engine_range){all ? ETIME_MIN : etime_sub(now, s.need), ETIME_MAX};
    w->late = s.late;
}

/* ---- life ----------------------------------------------------------------------------------- */

static void remove_dir(const char *dir)
{
    char path[4096];
    DIR *d = opendir(dir);
    if (!d) {
        return;
    }
    for (const struct dirent *e; (e = readdir(d)) != NULL;) {
        if (snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) < (int)sizeof(path)) {
            unlink(path);
        }
    }
    closedir(d);
    rmdir(dir);
}

static char *dir_in(const char *state_dir)
{
    struct buf path = BUF_INIT;
    buf_printf(&path, "%s/" DIR_NAME, state_dir);
    char *dir = xstrdup(buf_cstr(&path));
    buf_release(&path);
    return dir;
}

void warm_clean(const char *state_dir)
{
    char *dir = dir_in(state_dir);
    remove_dir(dir);
    free(dir);
}

static struct warm *make(const struct fyke_run_config *c, const struct fyke_rules *next)
{
    struct warm *w = xcalloc(1, sizeof(*w));
    w->config = c;
    w->next = next;
    w->dir = dir_in(c->options.state_dir);
    pthread_mutex_init(&w->mutex, NULL);
    pthread_cond_init(&w->changed, NULL);
    return w;
}

enum err warm_begin(const struct fyke_run_config *c, const struct fyke_rules *before,
                    const struct fyke_rules *next, struct engine *live, struct warm **ret,
                    struct error *err)
{
    struct map names;
    *ret = NULL;
    FYKE_TRY(warm_fits(c, before, next, err));
    struct warm *w = make(c, next);
    warm_names(before, next, &names);
    enum err rc = compile(w, &names, err);
    map_release(&names);
    if (rc == ERR_OK) {
        plan(w, live);
        remove_dir(w->dir);
        w->shards = engine_shards(live);
        warm_follow(w, live);
        w->running = pthread_create(&w->thread, NULL, warm_run, w) == 0;
        rc = w->running ? ERR_OK : error_set(err, ERR_IO, "no thread to warm rules");
    }
    if (rc != ERR_OK) {
        warm_free(w);
        return rc;
    }
    *ret = w;
    return ERR_OK;
}

void warm_follow(struct warm *w, struct engine *live)
{
    const struct partition_summary *p;
    uint32_t n = engine_partition_figures(live, &p);
    pthread_mutex_lock(&w->mutex);
    w->targets = xrealloc(w->targets, (n + 1) * sizeof(*w->targets));
    w->n_targets = n;
    for (uint32_t i = 0; i < n; i++) {
        w->targets[i] = (struct warm_target){p[i].topic, p[i].partition, p[i].next_offset};
    }
    w->moved++;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->mutex);
}

enum warm_phase warm_phase(struct warm *w)
{
    pthread_mutex_lock(&w->mutex);
    enum warm_phase phase = w->phase;
    pthread_mutex_unlock(&w->mutex);
    return phase;
}

static void join(struct warm *w)
{
    if (w->running) {
        pthread_join(w->thread, NULL);
        w->running = false;
    }
}

enum err warm_meet(struct warm *w, struct slice header, struct error *err)
{
    pthread_mutex_lock(&w->mutex);
    buf_put_slice(&w->header, header);
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->mutex);
    join(w);
    if (w->state) {
        return ERR_OK;
    }
    *err = w->error;
    return w->error.code;
}

struct engine_kept *warm_state(struct warm *w)
{
    return w->state;
}

struct slice warm_span(const struct warm *w)
{
    return buf_slice(&w->span);
}

void warm_free(struct warm *w)
{
    if (!w) {
        return;
    }
    pthread_mutex_lock(&w->mutex);
    w->stop = 1;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->mutex);
    join(w);
    engine_kept_free(w->state);
    fyke_rules_free(w->rules);
    remove_dir(w->dir);
    pthread_mutex_destroy(&w->mutex);
    pthread_cond_destroy(&w->changed);
    buf_release(&w->span);
    buf_release(&w->header);
    free(w->targets);
    free(w->dir);
    free(w);
}
