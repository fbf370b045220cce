/* Places in a plain file that reading can go back to: line numbers with the byte that the line begins at and the
 * hash of what stands before it. So that a source which goes on under other rules need not read from the
 * file's beginning (source_ops.again).
 *
 * There are at most LINE_MARKS; when they are used up every second one goes, so that they lie twice as far
 * apart. The file's beginning is always one. */
#ifndef FYKE_CONNECTORS_LINE_MARKS_H
#define FYKE_CONNECTORS_LINE_MARKS_H

#include "connectors/lines.h"

#define LINE_MARKS 64

struct line_mark {
    uint64_t count; /* lines before it */
    uint64_t at;    /* byte */
    struct hasher hash;
};

struct line_marks {
    struct line_mark *items; /* ascending; NULL: there are none yet */
    size_t n;
    uint64_t apart; /* lines */
};

void line_marks_release(struct line_marks *m);
/* Where `l` stands, unless the last one is near. */
void line_marks_note(struct line_marks *m, const struct lines *l);
/* The stream can be moved: a plain file whose bytes lie where they did. */
bool line_marks_can(const struct lines *l);
/* `l` goes on at the last mark that has at most `count` lines before it. */
enum err line_marks_go_back(const struct line_marks *m, struct lines *l, uint64_t count,
                            struct error *err) FYKE_MUST_USE;

#endif
