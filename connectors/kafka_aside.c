#include "connectors/kafka_aside.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/xalloc.h"

enum state { IDLE, CALLING, ENDED };

struct kafka_aside {
    rd_kafka_t *rk;
    pthread_t thread;
    bool threaded;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under the lock: */
    enum state state;
    bool closed; /* by the loop: the thread gives everything back, the client too if it was calling */
    /* Of the call; the thread's while CALLING, the loop's otherwise. */
    rd_kafka_topic_partition_list_t *offsets;
    rd_kafka_consumer_group_metadata_t *group;
    int call_ms;
    rd_kafka_error_t *error;
};

static struct timespec in_ms(int ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

static void give_back(struct kafka_aside *a)
{
    rd_kafka_error_destroy(a->error);
    pthread_cond_destroy(&a->changed);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

static void call(struct kafka_aside *a)
{
    a->error = rd_kafka_send_offsets_to_transaction(a->rk, a->offsets, a->group, a->call_ms);
    rd_kafka_topic_partition_list_destroy(a->offsets);
    rd_kafka_consumer_group_metadata_destroy(a->group);
}

/* The call came back after all, to nobody. */
static void clear_up(struct kafka_aside *a)
{
    rd_kafka_destroy(a->rk);
    give_back(a);
}

static void *thread_main(void *arg)
{
    struct kafka_aside *a = arg;
    pthread_mutex_lock(&a->lock);
    while (!a->closed) {
        if (a->state != CALLING) {
            pthread_cond_wait(&a->changed, &a->lock);
            continue;
        }
        pthread_mutex_unlock(&a->lock);
        call(a);
        pthread_mutex_lock(&a->lock);
        if (a->closed) {
            pthread_mutex_unlock(&a->lock);
            clear_up(a);
            return NULL;
        }
        a->state = ENDED;
        pthread_cond_signal(&a->changed);
    }
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

struct kafka_aside *kafka_aside_new(rd_kafka_t *rk)
{
    struct kafka_aside *a = xcalloc(1, sizeof(*a));
    pthread_condattr_t attr;
    a->rk = rk;
    pthread_mutex_init(&a->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&a->changed, &attr);
    pthread_condattr_destroy(&attr);
    a->threaded = pthread_create(&a->thread, NULL, thread_main, a) == 0;
    return a;
}

static rd_kafka_consumer_group_metadata_t *
copy_of_group(const rd_kafka_consumer_group_metadata_t *group)
{
    void *bytes;
    size_t size;
    rd_kafka_consumer_group_metadata_t *copy = NULL;
    rd_kafka_error_t *e = rd_kafka_consumer_group_metadata_write(group, &bytes, &size);
    assert(!e);
    e = rd_kafka_consumer_group_metadata_read(&copy, bytes, size);
    assert(!e); /* it has written them itself a moment ago */
    (void)e;
    rd_kafka_mem_free(NULL, bytes);
    return copy;
}

void kafka_aside_begin(struct kafka_aside *a, const rd_kafka_topic_partition_list_t *offsets,
                       const rd_kafka_consumer_group_metadata_t *group, int call_ms)
{
    pthread_mutex_lock(&a->lock);
    assert(a->state == IDLE);
    a->offsets = rd_kafka_topic_partition_list_copy(offsets);
    a->group = copy_of_group(group);
    a->call_ms = call_ms;
    a->state = CALLING;
    if (a->threaded) {
        pthread_cond_signal(&a->changed);
    } else {
        call(a);
        a->state = ENDED;
    }
    pthread_mutex_unlock(&a->lock);
}

bool kafka_aside_ended(struct kafka_aside *a, int wait_ms, rd_kafka_error_t **ret)
{
    struct timespec until = in_ms(wait_ms);
    pthread_mutex_lock(&a->lock);
    assert(a->state != IDLE);
    while (a->state == CALLING && pthread_cond_timedwait(&a->changed, &a->lock, &until) == 0) {
    }
    bool ended = a->state == ENDED;
    if (ended) {
        *ret = a->error;
        a->error = NULL;
        a->state = IDLE;
    }
    pthread_mutex_unlock(&a->lock);
    return ended;
}

bool kafka_aside_close(struct kafka_aside *a)
{
    if (!a) {
        return true;
    }
    pthread_mutex_lock(&a->lock);
    bool calling = a->state == CALLING;
    a->closed = true;
    pthread_cond_signal(&a->changed);
    pthread_mutex_unlock(&a->lock);
    if (!a->threaded) {
        give_back(a);
    } else if (calling) {
        pthread_detach(a->thread);
    } else {
        pthread_join(a->thread, NULL);
        give_back(a);
    }
    return !calling;
}
