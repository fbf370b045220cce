#include "connectors/lines.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

#define FIRST_BYTES ((size_t)1 << 20)

void lines_init(struct lines *l, struct file_bytes in, size_t max_bytes)
{
    *l = (struct lines){.in = in, .max_bytes = max_bytes};
}

void lines_close(struct lines *l)
{
    file_bytes_close(&l->in);
    free(l->buf);
    *l = (struct lines){.in = {.fd = -1}, .finished = true};
}

/* [at, to) is done with; `newline`: a newline follows or is to be thought there. */
static void pass(struct lines *l, size_t to, bool newline)
{
    if (l->hashing) {
        hasher_put(&l->hash, slice_from(l->buf + l->at, to - l->at));
        if (newline) {
            hasher_put(&l->hash, SLICE_LIT("\n"));
        }
    }
    l->at = to + (newline && to < l->end);
    l->searched = l->at;
}

static const char *find_newline(struct lines *l)
{
    size_t from = l->searched > l->at ? l->searched : l->at;
    const char *nl = from < l->end ? memchr(l->buf + from, '\n', l->end - from) : NULL;
    l->searched = l->end;
    return nl;
}

/* Drops the rest of a line that was too long; false: its end is not in memory yet. */
static bool skip_rest(struct lines *l)
{
    const char *nl = find_newline(l);
    if (!nl && !l->finished) {
        pass(l, l->end, false);
        return false;
    }
    pass(l, nl ? (size_t)(nl - l->buf) : l->end, true);
    l->skipping = false;
    return true;
}

static enum lines_result hand_out(struct lines *l, size_t len, bool too_long, struct line *ret)
{
    *ret = (struct line){slice_from(l->buf + l->at, len), ++l->count, too_long};
    pass(l, l->at + len, !too_long);
    l->skipping = too_long;
    return LINES_LINE;
}

enum lines_result lines_next(struct lines *l, struct line *ret)
{
    if (l->skipping && !skip_rest(l)) {
        return LINES_NEED;
    }
    const char *nl = find_newline(l);
    size_t len = nl ? (size_t)(nl - l->buf) - l->at : l->end - l->at;
    if (len > l->max_bytes) {
        return hand_out(l, l->max_bytes + 1, true, ret);
    }
    if (nl || (l->finished && len > 0)) {
        return hand_out(l, len, false, ret);
    }
    return l->finished ? LINES_END : LINES_NEED;
}

static void make_room(struct lines *l)
{
    size_t rest = l->end - l->at;
    if (l->at > 0 && rest > 0) {
        memmove(l->buf, l->buf + l->at, rest);
    }
    l->searched = l->searched > l->at ? l->searched - l->at : 0;
    l->at = 0;
    l->end = rest;
    if (l->cap - l->end < FIRST_BYTES / 2) {
        l->cap = l->cap ? l->cap * 2 : FIRST_BYTES;
        l->buf = xrealloc(l->buf, l->cap);
    }
}

void lines_move(struct lines *l, uint64_t count, uint64_t at, const struct hasher *hash)
{
    l->at = l->end = l->searched = 0;
    l->finished = l->skipping = false;
    l->count = count;
    l->taken = at;
    l->hash = *hash;
}

enum err lines_fill(struct lines *l, struct error *err)
{
    size_t got;
    if (l->finished) {
        return ERR_OK;
    }
    make_room(l);
    FYKE_TRY(file_bytes_read(&l->in, l->buf + l->end, l->cap - l->end, &got, err));
    l->end += got;
    l->taken += got;
    l->finished = got == 0;
    return ERR_OK;
}
