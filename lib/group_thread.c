/* The thread that looks into the topic of the rules in force, and carries out wishes. */
#include <time.h>

#include "base/say.h"
#include "lib/group_rules_parts.h"

#define LOOK_MS 500
/* After an error. */
#define RETRY_MS 5000

static void wait_ms(struct group_rules *g, int ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&g->lock);
    if (!g->end && !g->wish) {
        pthread_cond_timedwait(&g->changed, &g->lock, &until);
    }
    pthread_mutex_unlock(&g->lock);
}

/* ---- wishes ------------------------------------------------------------------------------- */

static void count(struct group_rules *g, uint64_t *counter)
{
    pthread_mutex_lock(&g->lock);
    ++*counter;
    pthread_mutex_unlock(&g->lock);
}

static void carry_out(struct group_rules *g, const struct fyke_rules *rules)
{
    struct error err = ERROR_INIT;
    enum group_choice choice;
    pthread_mutex_lock(&g->io);
    enum err rc = group_settle_with(g, rules, true, &choice, &err);
    pthread_mutex_unlock(&g->io);
    if (rc != ERR_OK) {
        group_say(g, SAY_ERROR "reload: refused: %s; the rules in force stay", err.text);
        count(g, &g->refused);
    } else if (choice == GROUP_KEEP) {
        group_say(g, SAY_INFO "reload: nothing has changed");
        count(g, &g->unchanged);
    }
}

static struct fyke_rules *take_wish(struct group_rules *g)
{
    pthread_mutex_lock(&g->lock);
    struct fyke_rules *rules = g->wish;
    g->wish = NULL;
    pthread_mutex_unlock(&g->lock);
    return rules;
}

/* ---- news --------------------------------------------------------------------------------- */

/* Compiled aside, so that the switch is short. */
static enum err look(struct group_rules *g, struct error *err)
{
    struct fyke_rules *rules = NULL;
    FYKE_TRY(group_read(g, err));
    uint64_t now = g->view.force.generation;
    if (now == g->newest) { /* nobody else writes it */
        return ERR_OK;
    }
    struct error why = ERROR_INIT;
    if (group_compile(g, &rules, &why) != ERR_OK) {
        group_say(g, SAY_ERROR "other rules are in force (generation %llu, by instance %.*s), which this "
                  "instance cannot take: %s; it goes on with those that it has",
                  (unsigned long long)now, (int)g->view.force.by.len, buf_cstr(&g->view.force.by),
                  why.text);
    }
    pthread_mutex_lock(&g->lock);
    fyke_rules_free(g->ready);
    g->ready = rules;
    g->newest = now;
    pthread_mutex_unlock(&g->lock);
    return ERR_OK;
}

static bool may_go_on(struct group_rules *g)
{
    pthread_mutex_lock(&g->lock);
    bool end = g->end;
    g->busy = g->wish != NULL;
    pthread_mutex_unlock(&g->lock);
    return !end;
}

static void *thread_main(void *arg)
{
    struct group_rules *g = arg;
    bool said = false;
    while (may_go_on(g)) {
        struct error err = ERROR_INIT;
        struct fyke_rules *wish = take_wish(g);
        if (wish) {
            carry_out(g, wish);
            fyke_rules_free(wish);
        }
        pthread_mutex_lock(&g->io);
        enum err rc = look(g, &err);
        pthread_mutex_unlock(&g->io);
        if (rc != ERR_OK && !said && !g->stop) {
            group_say(g, SAY_WARNING "which rules are in force cannot be read: %s", err.text);
        }
        said = rc != ERR_OK;
        wait_ms(g, rc == ERR_OK ? LOOK_MS : RETRY_MS);
    }
    return NULL;
}

bool group_thread_start(struct group_rules *g)
{
    g->threaded = pthread_create(&g->thread, NULL, thread_main, g) == 0;
    return g->threaded;
}

void group_thread_end(struct group_rules *g)
{
    g->stop = 1;
    if (!g->threaded) {
        return;
    }
    pthread_mutex_lock(&g->lock);
    g->end = true;
    pthread_cond_signal(&g->changed);
    pthread_mutex_unlock(&g->lock);
    pthread_join(g->thread, NULL);
    g->threaded = false;
}
