#include "report/near.h"

#include <inttypes.h>

#include "report/json_parts.h"
#include "report/parts.h"

/* Its place among those of its rule; they stand behind one another. */
static uint32_t rank_of(const struct replay_near *near, uint32_t i)
{
    uint32_t rank = 0;
    while (rank < i && near->items[i - rank - 1].rule == near->items[i].rule) {
        rank++;
    }
    return rank;
}

static void cell(struct report_table *t, struct buf *text)
{
    table_cell(t, buf_slice(text));
    buf_clear(text);
}

static void put_change(const struct near_miss *m, struct buf *out)
{
    char needed[DURATION_TEXT_MAX];
    buf_put_slice(out, m->words);
    if (m->written.ns > 0) {
        duration_format(m->needed, needed);
        buf_printf(out, "; %s is enough for one", needed);
    }
}

static void add_row(const struct replay_result *r, const struct near_miss *m,
                    struct report_table *t)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    table_cell(t, report_rule_name(r, m->rule));
    put_change(m, &text);
    cell(t, &text);
    buf_printf(&text, "%" PRIu64, m->n);
    cell(t, &text);
    if (r->has_labels) {
        buf_printf(&text, "%" PRIu64, m->n_true);
        cell(t, &text);
    }
    buf_put_slice(&text, m->key);
    buf_puts(&text, m->key.len ? "  " : "");
    put_moment(m->nearest.first, "", "", &text);
    buf_puts(&text, " .. ");
    put_moment(m->nearest.detected, "", "", &text);
    cell(t, &text);
}

void near_table(const struct replay_result *r, struct report_table *t)
{
    const struct replay_near *near = r->near_misses;
    table_init(t);
    table_column(t, SLICE_LIT("rule"));
    table_column(t, SLICE_LIT("looser"));
    t->n_left = t->n_cols;
    table_column(t, SLICE_LIT("alerts more"));
    if (r->has_labels) {
        table_column(t, SLICE_LIT("true"));
    }
    table_column(t, SLICE_LIT(""));
    for (uint32_t i = 0; i < near->n; i++) {
        if (rank_of(near, i) < r->near_shown) {
            add_row(r, &near->items[i], t);
        }
    }
}

void near_put_tried(const struct replay_result *r, struct buf *out)
{
    const struct replay_near *near = r->near_misses;
    buf_printf(out, "Near misses: %" PRIu32 " looser versions tried, %" PRIu32 " of them find more",
               near->tried, near->n);
    if (near->left_out > 0) {
        buf_printf(out, "; %" PRIu32 " left out: name fewer rules", near->left_out);
    }
    buf_puts(out, ".");
}

static void put_miss(struct json_out *j, const struct replay_result *r, const struct near_miss *m)
{
    char hex[HASH128_HEX_MAX];
    json_object_begin(j);
    json_member_string(j, "rule", report_rule_name(r, m->rule));
    json_member_string(j, "change", m->words);
    json_member_uint(j, "alerts", m->n);
    if (r->has_labels) {
        json_member_uint(j, "true_alerts", m->n_true);
    }
    if (m->written.ns > 0) {
        json_put_double_member(j, "window_s", (double)m->written.ns / (double)NS_PER_S);
        json_put_double_member(j, "needed_s", (double)m->needed.ns / (double)NS_PER_S);
    }
    json_key(j, SLICE_LIT("nearest"));
    json_object_begin(j);
    json_member_string(j, "key", m->key);
    hash128_hex(m->nearest.match_id, hex);
    json_member_string(j, "match_id", slice_of(hex));
    json_put_time(j, "first", m->nearest.has_first ? m->nearest.first : ETIME_MIN);
    json_put_time(j, "detected", m->nearest.detected);
    json_object_end(j);
    json_object_end(j);
}

void near_put_json(struct json_out *j, const struct replay_result *r)
{
    const struct replay_near *near = r->near_misses;
    json_key(j, SLICE_LIT("near_misses"));
    json_object_begin(j);
    json_member_uint(j, "tried", near->tried);
    json_member_uint(j, "left_out", near->left_out);
    json_key(j, SLICE_LIT("changes"));
    json_array_begin(j);
    for (uint32_t i = 0; i < near->n; i++) {
        if (rank_of(near, i) < r->near_shown) {
            put_miss(j, r, &near->items[i]);
        }
    }
    json_array_end(j);
    json_object_end(j);
}
