#include "cli/check_waits.h"

#include <inttypes.h>

#include "base/clock.h"

static void put_size(uint64_t bytes, struct buf *out)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"};
    double n = (double)bytes;
    size_t unit = 0;
    while (n >= 1024 && unit + 1 < sizeof(units) / sizeof(*units)) {
        n /= 1024;
        unit++;
    }
    buf_printf(out, n < 10 && unit > 0 ? "%.1f %s" : "%.0f %s", n, units[unit]);
}

/* Saturates: what does not fit into 64 bits does not fit anywhere. */
static uint64_t times(uint64_t a, uint64_t b)
{
    uint64_t n;
    return __builtin_mul_overflow(a, b, &n) ? UINT64_MAX : n;
}

static uint64_t events_in(struct duration d, uint64_t rate)
{
    uint64_t whole = times((uint64_t)(d.ns / NS_PER_S), rate);
    uint64_t rest = (uint64_t)((double)(d.ns % NS_PER_S) / (double)NS_PER_S * (double)rate);
    return whole > UINT64_MAX - rest ? UINT64_MAX : whole + rest;
}

static void say_topic(const struct schema_topic *t, const struct check_waits *w, struct buf *out)
{
    char bound[DURATION_TEXT_MAX], idle[DURATION_TEXT_MAX];
    struct duration d = t->out_of_order;
    duration_format(d, bound);
    buf_printf(out, "topic %.*s: out of order by %s", SLICE_ARG(t->name), bound);
    if (t->has_watermark_per) {
        duration_format(t->idle_after, idle);
        buf_printf(out, " and up to %s behind the slowest value", idle);
        d.ns = d.ns > INT64_MAX - t->idle_after.ns ? INT64_MAX : d.ns + t->idle_after.ns;
    }
    uint64_t n = events_in(d, w->rate), bytes = times(n, w->event_bytes);
    buf_printf(out, " at %" PRIu64 "/s: %s%" PRIu64 " events of %" PRIu64 " bytes wait, ", w->rate,
               t->has_watermark_per ? "up to " : "", n, w->event_bytes);
    put_size(bytes, out);
    if (bytes > w->buffer_bytes) {
        buf_puts(out, "; --buffer holds ");
        put_size(w->buffer_bytes, out);
        buf_puts(out, ", the rest waits on disk");
    }
    buf_puts(out, "\n");
}

void check_waits(const struct ruleset *rs, const struct check_waits *w, struct buf *out)
{
    for (uint32_t i = 0; i < rs->n_topics; i++) {
        if (rs->topics[i].out_of_order.ns > 0 || rs->topics[i].has_watermark_per) {
            say_topic(&rs->topics[i], w, out);
        }
    }
}
