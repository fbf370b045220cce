#include "lib/file_marks.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/xalloc.h"

bool file_read_now(const char *path, struct buf *out)
{
    char chunk[65536];
    ssize_t n = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    buf_clear(out);
    while (fd >= 0 && (n = read(fd, chunk, sizeof(chunk))) > 0) {
        buf_put(out, chunk, (size_t)n);
    }
    if (fd >= 0) {
        close(fd);
    }
    return n == 0;
}

void file_marks_release(struct file_marks *m)
{
    for (size_t i = 0; i < m->n; i++) {
        free(m->items[i].path);
    }
    free(m->items);
    *m = (struct file_marks){0};
}

void file_marks_take(struct file_marks *m, const struct sources *set)
{
    file_marks_release(m);
    for (uint32_t i = 0; i < set->n; i++) {
        const struct rule_file *f = set->items[i];
        if (!f->too_large) { /* of one that is, nothing was kept to compare with */
            VEC_PUSH(m->items, m->n, m->cap) = (struct file_mark){
                .path = xstrdup(f->path), .there = true, .content = hash128(f->text)};
        }
    }
    for (uint32_t i = 0; i < set->n_missing; i++) {
        VEC_PUSH(m->items, m->n, m->cap) = (struct file_mark){.path = xstrdup(set->missing[i])};
    }
}

bool file_mark_renew(struct file_mark *m)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    bool there = file_read_now(m->path, &text);
    struct hash128 content = there ? hash128(buf_slice(&text)) : (struct hash128){0};
    bool other = there != m->there || (there && !hash128_eq(content, m->content));
    m->there = there;
    m->content = content;
    return other;
}
