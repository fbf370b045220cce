#include "lib/rule_test_timeline.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/xalloc.h"

/* Events that are shown. */
#define MAX_SHOWN 30

void test_put_moment(const struct test_run *r, struct etime t, struct buf *out)
{
    char text[ETIME_TEXT_MAX > DURATION_TEXT_MAX ? ETIME_TEXT_MAX : DURATION_TEXT_MAX];
    if (etime_lt(t, r->test->origin)) {
        etime_format(t, text);
    } else {
        duration_format(etime_diff(t, r->test->origin), text);
    }
    buf_puts(out, text);
}

bool test_step_of(const struct test_run *r, struct json_span match, const struct event *e,
                    struct buf *ret)
{
    struct json_span evidence = json_view_get(match, "evidence"), item;
    if (evidence.kind != JSON_ARRAY) {
        return false;
    }
    char offset[24];
    snprintf(offset, sizeof(offset), "%lld", (long long)e->at.offset);
    struct json_walk w = json_walk_into(evidence);
    while (json_walk_item(&w, &item)) {
        FYKE_CLEANUP(buf_release) struct buf topic = BUF_INIT;
        json_view_text(json_view_get(item, "topic"), &topic);
        if (slice_eq(buf_slice(&topic), r->first->rs.topics[e->at.topic].name) &&
            slice_eq_str(json_view_raw(json_view_get(item, "offset")), offset)) {
            json_view_text(json_view_get(item, "step"), ret);
            return true;
        }
    }
    return false;
}

static int by_time(const void *a, const void *b)
{
    const struct event *const *x = a, *const *y = b;
    return event_compare(*x, *y);
}

static void put_body(const struct test_run *r, const struct event *e, struct buf *out)
{
    const struct schema_decl *d = &r->first->rs.decls[e->decl];
    buf_printf(out, "%.*s {", SLICE_ARG(d->name));
    for (uint32_t i = 0; i < d->n_fields; i++) {
        if ((int32_t)i != d->time_field && !value_is_missing(e->values[i])) {
            buf_printf(out, " %.*s = ", SLICE_ARG(d->fields[i].name));
            value_to_json(e->values[i], out);
        }
    }
    buf_puts(out, " }");
}

void test_put_timeline(const struct test_run *r, struct json_span match, struct buf *out)
{
        const struct event **events = xcalloc(r->n_arrived + 1, sizeof(*events));
    for (size_t i = 0; i < r->n_arrived; i++) {
        events[i] = r->arrived[i].event;
    }
    if (r->n_arrived > 1) {
        qsort(events, r->n_arrived, sizeof(*events), by_time);
    }
    for (size_t i = 0; i < r->n_arrived && i < MAX_SHOWN; i++) {
        FYKE_CLEANUP(buf_release) struct buf at = BUF_INIT;
        FYKE_CLEANUP(buf_release) struct buf step = BUF_INIT;
        test_put_moment(r, events[i]->time, &at);
        buf_printf(out, "%-8s ", buf_cstr(&at));
        put_body(r, events[i], out);
        if (test_step_of(r, match, events[i], &step)) {
            buf_printf(out, "  <- %s", buf_cstr(&step));
        }
        buf_puts(out, "\n");
    }
    if (r->n_arrived > MAX_SHOWN) {
        buf_printf(out, "… and %zu more\n", r->n_arrived - MAX_SHOWN);
    }
    free(events);
}
