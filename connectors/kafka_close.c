/* The end of a client. Giving one back waits for its threads, and up to librdkafka 2.3 one of them may
 * never end: a partition that vanished while it was known (its topic was removed) keeps a reference to
 * its broker (librdkafka issues 4362, 4131). Whoever ends because of that very removal must come to its end,
 * so the wait is another thread's, and has a bound. */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/xalloc.h"
#include "base/say.h"
#include "connectors/kafka_client.h"

#define CLOSE_MS 5000
#define STEP_MS 100

struct closing {
    rd_kafka_t *rk;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under the lock: */
    bool ended;
    bool left; /* nobody waits any more: the thread gives everything back */
};

static void give_back(struct closing *c)
{
    pthread_cond_destroy(&c->changed);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static void *thread_main(void *arg)
{
    struct closing *c = arg;
    rd_kafka_destroy(c->rk);
    pthread_mutex_lock(&c->lock);
    bool left = c->left;
    c->ended = true;
    pthread_cond_signal(&c->changed);
    pthread_mutex_unlock(&c->lock);
    if (left) {
        give_back(c);
    }
    return NULL;
}

static struct closing *closing_new(rd_kafka_t *rk)
{
    struct closing *c = xcalloc(1, sizeof(*c));
    pthread_condattr_t attr;
    c->rk = rk;
    pthread_mutex_init(&c->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&c->changed, &attr);
    pthread_condattr_destroy(&attr);
    return c;
}

/* Under the lock. */
static void wait_step(struct closing *c)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += STEP_MS * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    pthread_cond_timedwait(&c->changed, &c->lock, &until);
}

/* True: it has ended. */
static bool wait_for(struct closing *c, const struct kafka_client *k)
{
    pthread_mutex_lock(&c->lock);
    for (int waited = 0; !c->ended && waited < CLOSE_MS; waited += STEP_MS) {
        wait_step(c);
        pthread_mutex_unlock(&c->lock);
        kafka_stopping(k); /* tells that the process is alive */
        pthread_mutex_lock(&c->lock);
    }
    bool ended = c->ended;
    c->left = !ended;
    pthread_mutex_unlock(&c->lock);
    return ended;
}

void kafka_close(struct kafka_client *k)
{
    pthread_t thread;
    if (!k->rk) {
        return;
    }
    struct closing *c = closing_new(k->rk);
    k->rk = NULL;
    if (pthread_create(&thread, NULL, thread_main, c) != 0) {
        thread_main(c); /* none could be had */
        give_back(c);
        return;
    }
    if (wait_for(c, k)) {
        pthread_join(thread, NULL);
        give_back(c);
        return;
    }
    pthread_detach(thread);
    kafka_say(k, SAY_INFO "kafka: %s: the client does not end; it is left to the end of the process",
              k->role);
}
