#include "report/table.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "report/csv_parts.h"
#include "report/html_parts.h"
#include "report/markdown_parts.h"
#include "report/parts.h"

void table_init(struct report_table *t)
{
    *t = (struct report_table){0};
    arena_init(&t->arena);
}

void table_release(struct report_table *t)
{
    free(t->cells);
    arena_release(&t->arena);
}

void table_column(struct report_table *t, struct slice head)
{
    if (t->n_cols < FYKE_ARRAY_LEN(t->heads)) {
        t->heads[t->n_cols++] = arena_strndup(&t->arena, head.ptr, head.len);
    }
}

void table_cell(struct report_table *t, struct slice text)
{
    VEC_PUSH(t->cells, t->n_cells, t->cap_cells) = arena_copy(&t->arena, text);
}

/* ---- forms ---------------------------------------------------------------------------------- */

static size_t width_of(struct slice s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        n += ((unsigned char)s.ptr[i] & 0xc0) != 0x80; /* code points */
    }
    return n;
}

static size_t column_width(const struct report_table *t, uint32_t col)
{
    size_t most = width_of(slice_of(t->heads[col]));
    for (size_t i = col; i < t->n_cells; i += t->n_cols) {
        size_t n = width_of(t->cells[i]);
        most = n > most ? n : most;
    }
    return most;
}

static void put_padded(struct slice s, size_t width, bool left, struct buf *out)
{
    int blanks = (int)(width - width_of(s));
    buf_printf(out, "  %*s", left ? 0 : blanks, "");
    put_plain(s, out);
    buf_printf(out, "%*s", left ? blanks : 0, "");
}

static void end_line(struct buf *out)
{
    while (out->len > 0 && out->ptr[out->len - 1] == ' ') {
        out->len--;
    }
    buf_puts(out, "\n");
}

/* A column without a name is a remark. */
static bool stands_left(const struct report_table *t, uint32_t col)
{
    return col < t->n_left || t->heads[col][0] == '\0';
}

void table_put_text(const struct report_table *t, struct buf *out)
{
    size_t widths[FYKE_ARRAY_LEN(t->heads)];
    for (uint32_t c = 0; c < t->n_cols; c++) {
        widths[c] = column_width(t, c);
        put_padded(slice_of(t->heads[c]), widths[c], stands_left(t, c), out);
    }
    end_line(out);
    for (size_t i = 0; i < t->n_cells; i++) {
        uint32_t c = (uint32_t)(i % t->n_cols);
        put_padded(t->cells[i], widths[c], stands_left(t, c), out);
        if (c + 1 == t->n_cols) {
            end_line(out);
        }
    }
}

void table_put_csv(const struct report_table *t, struct buf *out)
{
    for (uint32_t c = 0; c < t->n_cols; c++) {
        buf_puts(out, c ? "," : "");
        put_csv_cell(slice_of(t->heads[c]), out);
    }
    buf_puts(out, "\n");
    for (size_t i = 0; i < t->n_cells; i++) {
        put_csv_cell(slice_eq_str(t->cells[i], "-") ? (struct slice){0} : t->cells[i], out);
        buf_puts(out, (i + 1) % t->n_cols == 0 ? "\n" : ",");
    }
}

void table_put_markdown(const struct report_table *t, struct buf *out)
{
    for (uint32_t c = 0; c < t->n_cols; c++) {
        buf_puts(out, "| ");
        put_markdown(slice_of(t->heads[c]), out);
        buf_puts(out, " ");
    }
    buf_puts(out, "|\n");
    for (uint32_t c = 0; c < t->n_cols; c++) {
        buf_puts(out, stands_left(t, c) ? "|---" : "|---:");
    }
    buf_puts(out, "|\n");
    for (size_t i = 0; i < t->n_cells; i++) {
        buf_puts(out, "| ");
        put_markdown(t->cells[i], out);
        buf_puts(out, (i + 1) % t->n_cols == 0 ? " |\n" : " ");
    }
}

void table_put_html(const struct report_table *t, struct buf *out)
{
    buf_puts(out, "<div class=\"wide\"><table><tr>");
    for (uint32_t c = 0; c < t->n_cols; c++) {
        buf_puts(out, "<th>");
        put_html(slice_of(t->heads[c]), out);
        buf_puts(out, "</th>");
    }
    for (size_t i = 0; i < t->n_cells; i++) {
        buf_puts(out, i % t->n_cols == 0 ? "</tr>\n<tr><td>" : "<td>");
        put_html(t->cells[i], out);
        buf_puts(out, "</td>");
    }
    buf_puts(out, "</tr>\n</table></div>\n");
}
