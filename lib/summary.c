#include "lib/summary.h"

#include <inttypes.h>

#include "base/json_out.h"

static void put_count(struct json_out *j, const char *key, uint64_t n)
{
    json_key(j, slice_of(key));
    json_uint(j, n);
}

static void put_time(struct json_out *j, const char *key, struct etime t)
{
    char text[ETIME_TEXT_MAX];
    json_key(j, slice_of(key));
    if (t.ns == INT64_MIN || t.ns == INT64_MAX) {
        json_nil(j);
        return;
    }
    etime_format(t, text);
    json_text(j, slice_of(text));
}

static void put_invalid(struct json_out *j, const struct engine_summary *s)
{
    json_key(j, SLICE_LIT("invalid"));
    json_object_begin(j);
    for (int i = 1; i < INVALID_REASON_COUNT; i++) {
        if (s->invalid[i]) {
            put_count(j, invalid_reason_name((enum invalid_reason)i), s->invalid[i]);
        }
    }
    json_object_end(j);
}

/* Matches of rules in status shadow that went nowhere. */
static void put_shadow(struct json_out *j, const struct run_figures *f)
{
    json_key(j, SLICE_LIT("shadow"));
    json_object_begin(j);
    for (uint32_t i = 0; i < f->rs->n_rules; i++) {
        if (rule_is_shadow(&f->rs->rules[i])) {
            json_key(j, f->rs->rules[i].name);
            json_uint(j, f->engine.shadow[i]);
        }
    }
    json_object_end(j);
}

static void put_alerts(struct json_out *j, const struct run_figures *f)
{
    json_key(j, SLICE_LIT("alerts"));
    json_object_begin(j);
    for (uint32_t i = 0; i < f->rs->n_rules; i++) {
        json_key(j, f->rs->rules[i].name);
        json_uint(j, f->engine.alerts[i]);
    }
    json_object_end(j);
    put_count(j, "alerts_total", f->engine.alerts_total);
    put_shadow(j, f);
}

static void put_partition(struct json_out *j, const struct run_figures *f,
                          const struct partition_summary *p)
{
    json_object_begin(j);
    json_member_string(j, "topic", f->rs->topics[p->topic].name);
    json_member_int(j, "partition", p->partition);
    json_member_int(j, "next_offset", p->next_offset);
    put_time(j, "max_time", p->max_time);
    put_time(j, "watermark", p->watermark);
    put_count(j, "read", p->read);
    put_count(j, "late", p->late);
    put_count(j, "invalid", p->invalid);
    put_count(j, "idle_advances", p->idle_advances);
    json_object_end(j);
}

static void put_matching(struct json_out *j, const struct nfa_counters *n)
{
    json_key(j, SLICE_LIT("matching"));
    json_object_begin(j);
    put_count(j, "detector_calls", n->detector_calls);
    put_count(j, "finder_calls", n->finder_calls);
    put_count(j, "matches", n->matches);
    put_count(j, "timeouts", n->timeouts);
    put_count(j, "suppressed", n->suppressed);
    put_count(j, "capped", n->capped);
    put_count(j, "truncated", n->truncated);
    put_count(j, "division_by_zero", n->eval.division_by_zero);
    put_count(j, "overflow", n->eval.overflow);
    put_count(j, "not_a_number", n->eval.not_a_number);
    put_count(j, "regex_limit", n->eval.regex_limit);
    json_object_end(j);
}

static double per_second(const struct run_figures *f)
{
    return f->wall_s > 0 ? (double)f->engine.records / f->wall_s : 0;
}

static double rounded(double v, double steps)
{
    return (double)(int64_t)(v * steps + 0.5) / steps;
}

static void put_cost(struct json_out *j, const struct run_figures *f)
{
    json_key(j, SLICE_LIT("wall_s"));
    json_double(j, rounded(f->wall_s, 1000));
    json_key(j, SLICE_LIT("cpu_s"));
    json_double(j, rounded(f->cpu_s, 1000));
    json_key(j, SLICE_LIT("events_per_second"));
    json_double(j, rounded(per_second(f), 1));
}

static void put_events(struct json_out *j, const struct run_figures *f)
{
    const struct engine_summary *s = &f->engine;
    put_count(j, "records", s->records);
    put_count(j, "events", s->events);
    put_count(j, "evaluated", s->evaluated);
    put_count(j, "late", s->late);
    put_count(j, "after_idle", s->after_idle);
    put_invalid(j, s);
    put_count(j, "bad_values", s->bad_values);
    put_count(j, "missing_key", s->missing_key);
    put_count(j, "derived", s->derived);
    put_count(j, "undecided", s->undecided);
    put_count(j, "tombstones", s->tombstones);
    put_count(j, "unclaimed", s->unclaimed);
    put_count(j, "repeated", s->repeated);
    put_count(j, "foreign", f->foreign);
}

static void put_tables(struct json_out *j, const struct run_figures *f)
{
    const struct engine_summary *s = &f->engine;
    char hex[HASH128_HEX_MAX];
    json_key(j, SLICE_LIT("tables"));
    json_array_begin(j);
    for (uint32_t i = 0; i < f->rs->n_tables; i++) {
        json_object_begin(j);
        json_member_string(j, "name", s->tables[i].name);
        put_count(j, "entries", s->tables[i].entries);
        hash128_hex(s->tables[i].generation, hex);
        json_member_string(j, "generation", slice_of(hex));
        json_object_end(j);
    }
    json_array_end(j);
    put_count(j, "table_records", s->table_records);
    put_count(j, "table_bad_records", s->table_bad_records);
    put_count(j, "table_refreshes", s->table_refreshes);
    put_count(j, "table_failures", s->table_failures);
}

/* Events that waited for their turn and did not fit into memory. */
static void put_waiting(struct json_out *j, const struct engine_summary *s)
{
    json_key(j, SLICE_LIT("waiting"));
    json_object_begin(j);
    put_count(j, "clock_holds", s->clock_holds);
    put_count(j, "values_forgotten", s->values_forgotten);
    put_count(j, "pauses", s->pauses);
    put_count(j, "spilled_events", s->spilled_events);
    put_count(j, "spilled_bytes", s->spilled_bytes);
    put_count(j, "most_spilled_bytes", s->most_spilled_bytes);
    put_count(j, "runs", s->spill_runs);
    put_count(j, "merges", s->spill_merges);
    json_object_end(j);
}

/* Only of runs that somebody wanted to reload. */
static void put_reload(struct json_out *j, const struct reload_figures *r)
{
    if (r->asked == 0) {
        return;
    }
    json_key(j, SLICE_LIT("reload"));
    json_object_begin(j);
    put_count(j, "switched", r->switched);
    put_count(j, "nothing_new", r->unchanged);
    put_count(j, "reload_failed", r->failed);
    json_key(j, SLICE_LIT("rules"));
    json_object_begin(j);
    put_count(j, "unchanged", r->rules.unchanged);
    put_count(j, "kept", r->rules.kept);
    put_count(j, "new", r->rules.fresh);
    put_count(j, "changed", r->rules.changed);
    put_count(j, "removed", r->rules.removed);
    json_object_end(j);
    json_object_end(j);
}

void summary_json(const struct run_figures *f, struct buf *out)
{
    const struct engine_summary *s = &f->engine;
    struct json_out j = json_out_to(out);
    json_object_begin(&j);
    put_events(&j, f);
    put_alerts(&j, f);
    json_key(&j, SLICE_LIT("live"));
    json_object_begin(&j);
    put_count(&j, "keys", s->live_keys);
    put_count(&j, "events", s->live_events);
    put_count(&j, "bytes", s->live_bytes);
    json_object_end(&j);
    put_count(&j, "pending_deadlines", s->pending_deadlines);
    put_count(&j, "deadlines", s->deadlines);
    put_count(&j, "slices", s->slices);
    put_waiting(&j, s);
    json_key(&j, SLICE_LIT("partitions"));
    json_array_begin(&j);
    for (uint32_t i = 0; i < s->n_partitions; i++) {
        put_partition(&j, f, &s->partitions[i]);
    }
    json_array_end(&j);
    put_matching(&j, &s->nfa);
    if (f->rs->n_tables > 0) {
        put_tables(&j, f);
    }
    if (f->transactional) {
        put_count(&j, "commits", s->commits);
        put_count(&j, "commit_bytes", s->commit_bytes);
        put_count(&j, "aborted", f->aborted);
    }
    put_count(&j, "checkpoints", s->checkpoints);
    put_count(&j, "checkpoint_bytes", s->checkpoint_bytes);
    put_reload(&j, &f->reload);
    put_cost(&j, f);
    json_object_end(&j);
}

/* ---- for people --------------------------------------------------------------------------- */

static void say(struct buf *out, uint64_t n, const char *what)
{
    if (n) {
        buf_printf(out, ", %" PRIu64 " %s", n, what);
    }
}

static void say_invalid(struct buf *out, const struct engine_summary *s)
{
    uint64_t n = 0;
    const char *sep = "";
    for (int i = 1; i < INVALID_REASON_COUNT; i++) {
        n += s->invalid[i];
    }
    if (n == 0) {
        return;
    }
    buf_printf(out, "  invalid: %" PRIu64 " (", n);
    for (int i = 1; i < INVALID_REASON_COUNT; i++) {
        if (s->invalid[i]) {
            buf_printf(out, "%s%" PRIu64 " %s", sep, s->invalid[i],
                       invalid_reason_name((enum invalid_reason)i));
            sep = ", ";
        }
    }
    buf_puts(out, ")\n");
}

static void say_alerts(struct buf *out, const struct run_figures *f)
{
    buf_printf(out, "  alerts: %" PRIu64 "\n", f->engine.alerts_total);
    for (uint32_t i = 0; i < f->rs->n_rules; i++) {
        if (f->engine.alerts[i]) {
            buf_printf(out, "    %8" PRIu64 "  %.*s\n", f->engine.alerts[i],
                       SLICE_ARG(f->rs->rules[i].name));
        }
        if (f->engine.shadow[i]) {
            buf_printf(out, "    %8" PRIu64 "  %.*s (shadow, not delivered)\n",
                       f->engine.shadow[i], SLICE_ARG(f->rs->rules[i].name));
        }
    }
}

static void say_timeouts(struct buf *out, const struct engine_summary *s)
{
    if (s->nfa.timeouts) {
        buf_printf(out, "  timeouts: %" PRIu64 "\n", s->nfa.timeouts);
    }
}

void summary_text(const struct run_figures *f, struct buf *out)
{
    const struct engine_summary *s = &f->engine;
    buf_printf(out, "%" PRIu64 " records in %.2f s (%.0f/s, %.2f s of CPU): %" PRIu64 " events",
               s->records, f->wall_s, per_second(f), f->cpu_s, s->events);
    say(out, s->late, "late");
    say(out, s->after_idle, "after idleness");
    say(out, s->bad_values, "undecodable optional values");
    say(out, s->missing_key, "without key");
    say(out, s->derived, "derived");
    say(out, s->undecided, "undecided");
    say(out, s->tombstones, "tombstones");
    say(out, s->unclaimed, "unclaimed");
    say(out, s->repeated, "repeated");
    say(out, f->foreign, "of other topics");
    buf_puts(out, "\n");
    say_invalid(out, s);
    say_alerts(out, f);
    say_timeouts(out, s);
    buf_printf(out, "  kept: %" PRIu64 " keys, %" PRIu64 " events, %" PRIu64 " bytes", s->live_keys,
               s->live_events, s->live_bytes);
    say(out, s->pending_deadlines, "pending deadlines");
    say(out, s->spilled_events, "events waited on disk");
    buf_puts(out, "\n");
}
