#include "connectors/file_ahead.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/xalloc.h"

#define BLOCK_BYTES ((size_t)128 << 10)
#define BLOCKS 16 /* twice what a reader asks for at once */

struct block {
    char *bytes;
    size_t n; /* fewer than BLOCK_BYTES: the last one */
};

struct file_ahead {
    struct file_bytes in; /* the thread's */
    struct block blocks[BLOCKS];
    size_t at; /* of the block at hand; the reader's */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t filled_one, emptied_some;
    /* Under the lock: */
    uint64_t filled, emptied; /* blocks, since the beginning */
    bool ended, stop;
    enum err rc; /* of the end */
    struct error error;
};

/* ---- the thread --------------------------------------------------------------------------- */

static enum err fill(struct file_bytes *in, struct block *b, struct error *err)
{
    size_t got = 1;
    b->n = 0;
    while (b->n < BLOCK_BYTES && got > 0) {
        FYKE_TRY(in->codec->read(in, b->bytes + b->n, BLOCK_BYTES - b->n, &got, err));
        b->n += got;
    }
    return ERR_OK;
}

/* Once it has nowhere to go on it waits until half is empty: woken up seldom, it has much to do. */
static bool wait_for_room(struct file_ahead *a)
{
    uint64_t most = a->filled - a->emptied < BLOCKS ? BLOCKS - 1 : BLOCKS / 2;
    while (a->filled - a->emptied > most && !a->stop) {
        pthread_cond_wait(&a->emptied_some, &a->lock);
    }
    return !a->stop;
}

static void *unpack(void *ctx)
{
    struct file_ahead *a = ctx;
    pthread_mutex_lock(&a->lock);
    while (!a->ended && wait_for_room(a)) {
        struct block *b = &a->blocks[a->filled % BLOCKS];
        struct error why = ERROR_INIT;
        pthread_mutex_unlock(&a->lock);
        enum err rc = fill(&a->in, b, &why);
        pthread_mutex_lock(&a->lock);
        a->rc = rc;
        a->error = why;
        a->ended = rc != ERR_OK || b->n < BLOCK_BYTES;
        a->filled++;
        pthread_cond_signal(&a->filled_one);
    }
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

/* ---- its reader --------------------------------------------------------------------------- */

/* NULL: the end. */
static const struct block *block_at_hand(struct file_ahead *a)
{
    pthread_mutex_lock(&a->lock);
    while (a->filled == a->emptied && !a->ended) {
        pthread_cond_wait(&a->filled_one, &a->lock);
    }
    bool over = a->filled == a->emptied;
    pthread_mutex_unlock(&a->lock);
    return over ? NULL : &a->blocks[a->emptied % BLOCKS];
}

static void leave_block(struct file_ahead *a)
{
    a->at = 0;
    pthread_mutex_lock(&a->lock);
    a->emptied++;
    if (a->filled - a->emptied == BLOCKS / 2) {
        pthread_cond_signal(&a->emptied_some);
    }
    pthread_mutex_unlock(&a->lock);
}

enum err file_ahead_read(struct file_ahead *a, char *to, size_t cap, size_t *got, struct error *err)
{
    const struct block *b = NULL;
    *got = 0;
    while (*got < cap && (b = block_at_hand(a)) != NULL) {
        size_t rest = b->n - a->at;
        size_t n = rest < cap - *got ? rest : cap - *got;
        memcpy(to + *got, b->bytes + a->at, n);
        *got += n;
        a->at += n;
        if (a->at == b->n) {
            leave_block(a);
        }
    }
    if (*got == 0 && b == NULL && a->rc != ERR_OK) { /* the thread is over */
        *err = a->error;
        return a->rc;
    }
    return ERR_OK;
}

/* ---- life --------------------------------------------------------------------------------- */

static void release(struct file_ahead *a)
{
    pthread_cond_destroy(&a->emptied_some);
    pthread_cond_destroy(&a->filled_one);
    pthread_mutex_destroy(&a->lock);
    for (size_t i = 0; i < BLOCKS; i++) {
        free(a->blocks[i].bytes);
    }
    free(a);
}

struct file_ahead *file_ahead_new(struct file_bytes *in)
{
    struct stat st;
    if (fstat(in->fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        return NULL;
    }
    struct file_ahead *a = xcalloc(1, sizeof(*a));
    for (size_t i = 0; i < BLOCKS; i++) {
        a->blocks[i].bytes = xmalloc(BLOCK_BYTES);
    }
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->filled_one, NULL);
    pthread_cond_init(&a->emptied_some, NULL);
    a->in = *in;
    if (pthread_create(&a->thread, NULL, unpack, a) != 0) {
        release(a);
        return NULL;
    }
    in->state = NULL;
    in->raw = NULL;
    return a;
}

void file_ahead_free(struct file_ahead *a)
{
    if (a == NULL) {
        return;
    }
    pthread_mutex_lock(&a->lock);
    a->stop = true;
    pthread_cond_signal(&a->emptied_some);
    pthread_mutex_unlock(&a->lock);
    pthread_join(a->thread, NULL);
    a->in.codec->close(a->in.state);
    free(a->in.raw);
    release(a);
}
