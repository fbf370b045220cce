#include "engine/time/spill.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "engine/time/record_bytes.h"

#define WRITE_BYTES ((size_t)256 << 10)
#define READ_BYTES ((size_t)32 << 10)

void spill_init(struct spill *s, const char *dir)
{
    *s = (struct spill){.dir = dir};
    event_blocks_init(&s->blocks);
}

void spill_release(struct spill *s)
{
    event_blocks_release(&s->blocks);
}

static enum err failed(struct spill *s, const char *what)
{
    int code = errno;
    s->rc = error_set(&s->error, ERR_IO,
                      "events that wait for their turn do not fit into memory, and %s a scratch file "
                      "in %s failed: %s; nothing is lost: once there is room, the next run reads "
                      "them again",
                      what, s->dir, strerror(code));
    return s->rc;
}

/* ---- files -------------------------------------------------------------------------------- */

static enum err open_run(struct spill *s, struct spill_run **ret)
{
    struct spill_run *run = xcalloc(1, sizeof(*run));
    FYKE_CLEANUP(buf_release) struct buf path = BUF_INIT;
    buf_printf(&path, "%s/waiting-XXXXXX", s->dir);
    run->fd = mkostemp((char *)(uintptr_t)buf_cstr(&path), O_CLOEXEC);
    if (run->fd < 0 || unlink(buf_cstr(&path)) != 0) {
        failed(s, "making");
        spill_close(s, run);
        return s->rc;
    }
    *ret = run;
    return ERR_OK;
}

void spill_close(struct spill *s, struct spill_run *run)
{
    if (run->head.event != NULL) {
        event_block_unhold(run->head.block);
    }
    if (run->fd >= 0) {
        close(run->fd);
    }
    s->waiting_bytes -= run->end;
    buf_release(&run->window);
    free(run->low);
    free(run);
}

static enum err write_out(struct spill *s, struct spill_run *run, struct buf *text)
{
    for (size_t at = 0; at < text->len;) {
        ssize_t n = write(run->fd, text->ptr + at, text->len - at);
        if (n < 0 && errno != EINTR) {
            return failed(s, "writing");
        }
        at += n > 0 ? (size_t)n : 0;
    }
    run->end += text->len;
    s->bytes += text->len;
    s->waiting_bytes += text->len;
    if (s->waiting_bytes > s->most_waiting_bytes) {
        s->most_waiting_bytes = s->waiting_bytes;
    }
    buf_clear(text);
    return ERR_OK;
}

/* ---- writing ------------------------------------------------------------------------------ */

/* Few partitions: the one of the event before is mostly the one. */
static void note_low(struct spill_run *run, const struct coord *at)
{
    for (size_t i = run->n_low; i-- > 0;) {
        struct coord *low = &run->low[i];
        if (low->topic == at->topic && low->partition == at->partition) {
            low->offset = at->offset < low->offset ? at->offset : low->offset;
            return;
        }
    }
    VEC_PUSH(run->low, run->n_low, run->cap_low) = *at;
}

static enum err put_event(struct spill *s, struct spill_run *run, const struct order_item *item,
                          struct buf *text)
{
    size_t at = text->len;
    buf_put_u32be(text, 0);
    buf_put_zigzag(text, item->time.ns);
    record_put(item->record, text);
    event_encode(item->event, &NEAR_NOTHING, text);
    uint32_t len = (uint32_t)(text->len - at - 4);
    for (int i = 0; i < 4; i++) {
        text->ptr[at + (size_t)i] = (char)(len >> (24 - 8 * i));
    }
    note_low(run, &item->event->at);
    run->left++;
    s->events++;
    return text->len >= WRITE_BYTES ? write_out(s, run, text) : ERR_OK;
}

/* ---- reading ------------------------------------------------------------------------------ */

static enum err fill(struct spill *s, struct spill_run *run, size_t want)
{
    struct buf *w = &run->window;
    size_t have = w->len - run->window_at;
    if (have >= want) {
        return ERR_OK;
    }
    size_t most = want > READ_BYTES ? want : READ_BYTES;
    if (have > 0) {
        memmove(w->ptr, w->ptr + run->window_at, have);
    }
    w->len = have;
    run->window_at = 0;
    buf_reserve(w, most);
    while (w->len < want) {
        ssize_t n = pread(run->fd, w->ptr + w->len, most - w->len, (off_t)run->at);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            errno = n == 0 ? EIO : errno;
            return failed(s, "reading");
        }
        w->len += (size_t)n;
        run->at += (uint64_t)n;
    }
    return ERR_OK;
}

static enum err read_head(struct spill *s, struct spill_run *run)
{
    run->head = (struct order_item){0};
    if (run->left == 0) {
        return ERR_OK;
    }
    FYKE_TRY(fill(s, run, 4));
    struct reader r = reader_of(slice_from(run->window.ptr + run->window_at, 4));
    size_t len = read_u32be(&r);
    FYKE_TRY(fill(s, run, 4 + len));
    r = reader_of(slice_from(run->window.ptr + run->window_at + 4, len));
    struct event_block *block = event_blocks_open(&s->blocks);
    struct etime time = {read_zigzag(&r)};
    const struct record *record = record_read(&r, &block->arena);
    struct event *e = event_decode(&r, &NEAR_NOTHING, &block->arena);
    if (e == NULL || r.failed) {
        errno = EIO;
        return failed(s, "reading");
    }
    event_block_hold(block);
    run->window_at += 4 + len;
    run->head = (struct order_item){time, e, block, record};
    return ERR_OK;
}

bool spill_take(struct spill *s, struct spill_run *run, struct order_item *ret)
{
    *ret = run->head;
    run->left--;
    return read_head(s, run) == ERR_OK;
}

/* ---- whole runs --------------------------------------------------------------------------- */

static enum err end_run(struct spill *s, struct spill_run *run, struct buf *text)
{
    FYKE_TRY(write_out(s, run, text));
    s->runs++;
    return read_head(s, run);
}

enum err spill_write(struct spill *s, const struct order_item *items, size_t n,
                     struct spill_run **ret)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    struct spill_run *run;
    FYKE_TRY(open_run(s, &run));
    enum err rc = ERR_OK;
    for (size_t i = 0; i < n && rc == ERR_OK; i++) {
        rc = put_event(s, run, &items[i], &text);
    }
    if (rc == ERR_OK) {
        rc = end_run(s, run, &text);
    }
    if (rc != ERR_OK) {
        spill_close(s, run);
        return rc;
    }
    for (size_t i = 0; i < n; i++) {
        event_block_unhold(items[i].block);
    }
    *ret = run;
    return ERR_OK;
}

static struct spill_run *least_of(struct spill_run *const *runs, size_t n)
{
    struct spill_run *least = NULL;
    for (size_t i = 0; i < n; i++) {
        const struct order_item *head = &runs[i]->head;
        if (head->event != NULL &&
            (least == NULL ||
             place_cmp(order_item_place(head), order_item_place(&least->head)) < 0)) {
            least = runs[i];
        }
    }
    return least;
}

static enum err merge_into(struct spill *s, struct spill_run **runs, size_t n,
                           struct spill_run *to, struct buf *text)
{
    for (struct spill_run *run; (run = least_of(runs, n)) != NULL;) {
        struct order_item item;
        bool more = spill_take(s, run, &item);
        enum err rc = put_event(s, to, &item, text);
        event_block_unhold(item.block);
        s->events--; /* it was counted before */
        if (rc != ERR_OK || !more) {
            return s->rc;
        }
    }
    return end_run(s, to, text);
}

enum err spill_merge(struct spill *s, struct spill_run **runs, size_t n, struct spill_run **ret)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    struct spill_run *to;
    FYKE_TRY(open_run(s, &to));
    if (merge_into(s, runs, n, to, &text) != ERR_OK) {
        spill_close(s, to);
        return s->rc;
    }
    for (size_t i = 0; i < n; i++) {
        spill_close(s, runs[i]);
    }
    s->merges++;
    *ret = to;
    return ERR_OK;
}
