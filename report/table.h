/* A table of texts, written in any form that has tables. Private to report/. */
#ifndef FYKE_REPORT_TABLE_H
#define FYKE_REPORT_TABLE_H

#include "base/arena.h"
#include "base/buf.h"

struct report_table {
    struct arena arena;
    uint32_t n_cols, n_left; /* the first ones stand to the left */
    const char *heads[32];
    struct slice *cells; /* row by row */
    size_t n_cells, cap_cells;
};

void table_init(struct report_table *t);
void table_release(struct report_table *t);
void table_column(struct report_table *t, struct slice head);
/* The next cell, row by row. */
void table_cell(struct report_table *t, struct slice text);

void table_put_text(const struct report_table *t, struct buf *out);
void table_put_csv(const struct report_table *t, struct buf *out);
void table_put_markdown(const struct report_table *t, struct buf *out);
void table_put_html(const struct report_table *t, struct buf *out);

#endif
