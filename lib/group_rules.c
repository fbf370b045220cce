#include "lib/group_rules.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/say.h"
#include "base/xalloc.h"
#include "lib/group.h"
#include "lib/group_rules_parts.h"

/* ---- life --------------------------------------------------------------------------------- */

/* Called in every loop of ours that waits. */
static void beat(void *ctx)
{
    struct group_rules *g = ctx;
    if (g->config->stop && *g->config->stop) {
        g->stop = 1;
    }
    if (pthread_equal(g->main, pthread_self()) && g->life && g->life->beat) {
        g->life->beat(g->life->beat_ctx);
    }
}

enum err group_rules_new(const struct fyke_run_config *c, const struct fyke_rules *files,
                         struct fault *fault, const struct kafka_config *kafka,
                         struct group_rules **ret, struct error *err)
{
    struct group_rules *g = xcalloc(1, sizeof(*g));
    const char *topics = strchr(c->inputs[0], ':');
    g->config = c;
    g->paths = files ? (const char *const *)files->paths : NULL;
    g->n_paths = files ? files->n_paths : 0;
    g->fault = fault;
    g->main = pthread_self();
    g->log = task_log_new(kafka->log, kafka->log_ctx);
    task_log_hold(g->log, true);
    g->kafka = *kafka;
    g->kafka.log = task_log_line;
    g->kafka.log_ctx = g->log;
    g->kafka.stop = &g->stop;
    g->kafka.fault = NULL; /* its points are those of the run's own transactions */
    g->kafka.beat = beat;
    g->kafka.beat_ctx = g;
    g->view.instance = kafka->instance_id;
    group_topics(topics ? topics + 1 : NULL, &g->topics);
    pthread_mutex_init(&g->io, NULL);
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->changed, NULL);
    enum err rc = kafka_rules_new(&g->kafka, &g->topic, err);
    if (rc != ERR_OK) {
        group_rules_free(g);
        return rc;
    }
    *ret = g;
    return ERR_OK;
}

void group_rules_free(struct group_rules *g)
{
    if (!g) {
        return;
    }
    group_thread_end(g);
    task_log_pass_on(g->log);
    kafka_rules_free(g->topic);
    group_view_release(&g->view);
    fyke_rules_free(g->wish);
    fyke_rules_free(g->ready);
    task_log_free(g->log);
    pthread_mutex_destroy(&g->io);
    pthread_mutex_destroy(&g->lock);
    pthread_cond_destroy(&g->changed);
    buf_release(&g->topics);
    buf_release(&g->reads);
    free(g);
}

uint64_t group_rules_generation(const struct group_rules *g)
{
    return g->generation;
}

const char *group_rules_topics(const struct group_rules *g)
{
    return g->reads.len > 0 ? g->reads.ptr : NULL;
}

/* ---- a life begins ------------------------------------------------------------------------ */

static enum err refuse(const struct group_rules *g, const struct fyke_rules *now, struct error *err)
{
    const struct group_force *f = &g->view.force;
    char is[HASH128_HEX_MAX], was[HASH128_HEX_MAX];
    bool same = hash128_eq(rules_ruleset(now)->fingerprint, f->fingerprint);
    hash128_hex(rules_ruleset(now)->fingerprint, is);
    hash128_hex(f->fingerprint, was);
    return error_set(err, ERR_USAGE, "instance %s is new to application %s, and its %s are not those in "
                     "force (rule set %s%s%.*s, generation %llu, by instance %.*s; ours: rule set %s%s%.*s). "
                     "Start it with those; or with --group-rules take, and all instances take ours; or with "
                     "--group-rules follow, and it takes theirs", g->view.instance, g->kafka.app,
                     same ? "topics" : "rules", was, f->topics.len ? " over " : "",
                     SLICE_ARG(buf_slice(&f->topics)), (unsigned long long)f->generation,
                     SLICE_ARG(buf_slice(&f->by)), is, g->topics.len ? " over " : "",
                     SLICE_ARG(buf_slice(&g->topics)));
}

/* The set that the thread has compiled, if it is that one. */
static struct fyke_rules *take_ready(struct group_rules *g)
{
    pthread_mutex_lock(&g->lock);
    struct fyke_rules *rules = g->ready;
    g->ready = NULL;
    g->newest = g->view.force.generation;
    pthread_mutex_unlock(&g->lock);
    if (rules && !hash128_eq(rules_ruleset(rules)->fingerprint, g->view.force.fingerprint)) {
        fyke_rules_free(rules);
        rules = NULL;
    }
    return rules;
}

static void say_follows(const struct group_rules *g)
{
    group_say(g, SAY_WARNING "the rule files or topics of this start are not those in force, and have not "
              "changed since the last start of instance %s: it takes what is in force (generation %llu, by "
              "instance %.*s)", g->view.instance, (unsigned long long)g->view.force.generation,
              SLICE_ARG(buf_slice(&g->view.force.by)));
}

/* The set and the topics in force become ours. */
static enum err take_over(struct group_rules *g, const struct fyke_rules *now,
                          struct fyke_rules **ret, struct error *err)
{
    const struct group_force *f = &g->view.force;
    struct fyke_rules *rules = take_ready(g);
    if (hash128_eq(rules_ruleset(now)->fingerprint, f->fingerprint)) {
        fyke_rules_free(rules);
    } else if (rules) {
        *ret = rules;
    } else {
        FYKE_TRY(group_compile(g, ret, err));
    }
    g->generation = f->generation;
    buf_clear(&g->reads);
    buf_put_slice(&g->reads, buf_slice(&f->topics));
    (void)buf_cstr(&g->reads);
    return ERR_OK;
}

static enum err settle_first(struct group_rules *g, const struct fyke_rules *now, struct error *err)
{
    enum group_choice choice;
    FYKE_TRY(kafka_rules_open(g->topic, err));
    FYKE_TRY(group_settle_with(g, now, false, &choice, err));
    if (choice == GROUP_REFUSE) {
        return refuse(g, now, err);
    }
    if (choice == GROUP_FOLLOW) {
        say_follows(g);
    }
    g->begun = true;
    return ERR_OK;
}

static enum err settle(struct group_rules *g, const struct fyke_rules *now, struct fyke_rules **ret,
                       struct error *err)
{
    FYKE_TRY(g->begun ? group_read(g, err) : settle_first(g, now, err));
    return take_over(g, now, ret, err);
}

/* The thread may wait for a broker meanwhile. */
static void wait_for_io(struct group_rules *g, const struct kafka_config *kafka)
{
    const struct timespec pause = {.tv_nsec = 10000000};
    while (pthread_mutex_trylock(&g->io) != 0) {
        nanosleep(&pause, NULL);
        if (kafka->beat) {
            kafka->beat(kafka->beat_ctx);
        }
    }
    g->life = kafka;
}

enum err group_rules_settle(struct group_rules *g, const struct kafka_config *kafka,
                            const struct fyke_rules *now, struct fyke_rules **ret,
                            struct error *err)
{
    *ret = NULL;
    wait_for_io(g, kafka);
    enum err rc = settle(g, now, ret, err);
    g->life = NULL;
    pthread_mutex_unlock(&g->io);
    task_log_pass_on(g->log);
    if (rc == ERR_OK && !g->threaded && !group_thread_start(g)) {
        rc = error_set(err, ERR_LIMIT, "no thread to look which rules are in force");
    }
    if (rc != ERR_OK) {
        fyke_rules_free(*ret);
        *ret = NULL;
    }
    return rc;
}

/* ---- while it runs ------------------------------------------------------------------------ */

void group_rules_wish(struct group_rules *g, struct fyke_rules *rules)
{
    pthread_mutex_lock(&g->lock);
    fyke_rules_free(g->wish);
    g->wish = rules;
    g->busy = true;
    pthread_cond_signal(&g->changed);
    pthread_mutex_unlock(&g->lock);
}

struct group_rules_step group_rules_step(struct group_rules *g)
{
    task_log_pass_on(g->log);
    pthread_mutex_lock(&g->lock);
    struct group_rules_step s = {.busy = g->busy,
                                 .switches = g->ready && g->newest != g->generation,
                                 .unchanged = g->unchanged,
                                 .refused = g->refused};
    g->unchanged = g->refused = 0;
    pthread_mutex_unlock(&g->lock);
    return s;
}

enum err group_rules_confirm(void *ctx, struct hash128 stored, struct error *err)
{
    struct group_rules *g = ctx;
    char hex[HASH128_HEX_MAX];
    pthread_mutex_lock(&g->io);
    enum err rc = group_read(g, err);
    bool ours = g->view.force.generation == g->generation;
    pthread_mutex_unlock(&g->io);
    if (rc != ERR_OK || ours) {
        return rc;
    }
    hash128_hex(stored, hex);
    return error_set(err, ERR_ABORTED, "a task comes with rule set %s, and other rules than ours are in "
                     "force since", hex);
}

/* ---- without a run ------------------------------------------------------------------------ */

static enum err find(struct group_rules *g, struct fyke_rules **ret, struct error *err)
{
    FYKE_TRY(kafka_rules_open(g->topic, err));
    FYKE_TRY(group_read(g, err));
    return g->view.force.generation > 0 ? group_compile(g, ret, err) : ERR_OK;
}

enum err group_rules_find(const struct fyke_run_config *c, const struct kafka_config *kafka,
                          const char *const *paths, size_t n_paths, struct fyke_rules **ret,
                          struct error *err)
{
    struct group_rules *g;
    FYKE_TRY(group_check_config(c, c->n_inputs == 1 && strncmp(c->inputs[0], "kafka", 5) == 0, err));
    FYKE_TRY(group_rules_new(c, NULL, NULL, kafka, &g, err));
    g->paths = paths;
    g->n_paths = n_paths;
    enum err rc = find(g, ret, err);
    group_rules_free(g);
    return rc;
}
