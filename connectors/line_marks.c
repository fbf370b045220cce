#include "connectors/line_marks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/xalloc.h"

#define FIRST_APART 2048

void line_marks_release(struct line_marks *m)
{
    free(m->items);
    *m = (struct line_marks){0};
}

static void thin_out(struct line_marks *m)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->n; i += 2) {
        m->items[kept++] = m->items[i];
    }
    m->n = kept;
    m->apart *= 2;
}

void line_marks_note(struct line_marks *m, const struct lines *l)
{
    if (m->items == NULL) {
        m->items = xcalloc(LINE_MARKS, sizeof(*m->items));
        m->apart = FIRST_APART;
        hasher_init(&m->items[m->n++].hash);
    }
    if (l->skipping || l->count < m->items[m->n - 1].count + m->apart) {
        return;
    }
    if (m->n == LINE_MARKS) {
        thin_out(m);
    }
    m->items[m->n++] = (struct line_mark){l->count, l->taken - (l->end - l->at), l->hash};
}

bool line_marks_can(const struct lines *l)
{
    struct stat st;
    return l->in.codec == NULL && l->in.fd >= 0 && fstat(l->in.fd, &st) == 0 &&
           S_ISREG(st.st_mode);
}

enum err line_marks_go_back(const struct line_marks *m, struct lines *l, uint64_t count,
                            struct error *err)
{
    size_t i = m->n;
    while (i > 1 && m->items[i - 1].count > count) {
        i--;
    }
    const struct line_mark *mark = &m->items[i - 1];
    if (lseek(l->in.fd, (off_t)mark->at, SEEK_SET) < 0) {
        return error_set(err, ERR_IO, "cannot read %s: %s", l->in.name, strerror(errno));
    }
    lines_move(l, mark->count, mark->at, &mark->hash);
    return ERR_OK;
}
