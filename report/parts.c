#include "report/parts.h"

#include <inttypes.h>

void put_moment(struct etime t, const char *if_min, const char *if_max, struct buf *out)
{
    char text[ETIME_TEXT_MAX];
    if (t.ns == INT64_MIN || t.ns == INT64_MAX) {
        buf_puts(out, t.ns == INT64_MIN ? if_min : if_max);
        return;
    }
    etime_format(t, text);
    buf_puts(out, text);
}

void put_length(int64_t ns, struct buf *out)
{
    char text[DURATION_TEXT_MAX];
    int64_t ms = (ns + NS_PER_MS / 2) / NS_PER_MS;
    if (ms > 0 && ms % 1000 != 0 && ms < 60000) {
        buf_printf(out, "%.3gs", (double)ms / 1000);
        return;
    }
    duration_format((struct duration){ms / 1000 * NS_PER_S}, text);
    buf_puts(out, text);
}

void put_day(int64_t day, struct buf *out)
{
    int64_t year;
    unsigned month, d;
    civil_from_days(day, &year, &month, &d);
    buf_printf(out, "%04" PRId64 "-%02u-%02u", year, month, d);
}

void put_counted(uint64_t n, const char *one, const char *many, struct buf *out)
{
    buf_printf(out, "%" PRIu64 " %s", n, n == 1 ? one : many);
}

void put_per_day(const struct replay_result *r, uint64_t alerts, const char *without, struct buf *out)
{
    double v = replay_per_day(r, alerts);
    if (!replay_has_rate(r)) {
        buf_puts(out, without);
    } else {
        buf_printf(out, v > 0 && v < 1 ? "%.3f" : "%.1f", v);
    }
}

/* Mostly a slip in a date. */
static void put_nothing(const struct replay_result *r, struct buf *out)
{
    buf_puts(out, " No event lies in the range");
    if (r->data_first.ns != INT64_MIN) {
        buf_puts(out, "; what was read goes from ");
        put_moment(r->data_first, "", "", out);
        buf_puts(out, " to ");
        put_moment(r->data_last, "", "", out);
    }
    buf_puts(out, ".");
}

void put_remarks(const struct replay_result *r, struct buf *out)
{
    if (r->events == 0 && r->matches == 0) {
        put_nothing(r, out);
    }
    if (r->to.ns != INT64_MAX && !r->reached_to) {
        buf_puts(out, " The data end before the range does: what was open then is not decided.");
    }
    if (r->removed > 0) {
        buf_printf(out, " %" PRIu64 " partitions begin with the first record that the topic still holds: retention may "
                        "have removed some of the range.", r->removed);
    }
    if (r->late_in_range > 0) {
        buf_printf(out, " %" PRIu64 " events of the range came too late and are not evaluated.", r->late_in_range);
    }
}

void put_share(uint64_t part, uint64_t whole, struct buf *out)
{
    if (whole == 0) {
        buf_puts(out, "-");
    } else {
        buf_printf(out, "%.3f", (double)part / (double)whole);
    }
}

void put_plain(struct slice s, struct buf *out)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        buf_put_byte(out, c < 0x20 || c == 0x7f ? ' ' : c);
    }
}
