#include "lib/summary.h"

#include <inttypes.h>

#include "base/json_out.h"

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
            json_member_uint(j, invalid_reason_name((enum invalid_reason)i), s->invalid[i]);
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
    json_member_uint(j, "alerts_total", f->engine.alerts_total);
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
    json_member_uint(j, "read", p->read);
    json_member_uint(j, "late", p->late);
    json_member_uint(j, "invalid", p->invalid);
    json_member_uint(j, "idle_advances", p->idle_advances);
    json_object_end(j);
}

static void put_matching(struct json_out *j, const struct nfa_counters *n)
{
    json_key(j, SLICE_LIT("matching"));
    json_object_begin(j);
    json_member_uint(j, "detector_calls", n->detector_calls);
    json_member_uint(j, "finder_calls", n->finder_calls);
    json_member_uint(j, "matches", n->matches);
    json_member_uint(j, "timeouts", n->timeouts);
    json_member_uint(j, "suppressed", n->suppressed);
    json_member_uint(j, "capped", n->capped);
    json_member_uint(j, "exhausted", n->exhausted);
    json_member_uint(j, "unremembered", n->unremembered);
    json_member_uint(j, "truncated", n->truncated);
    json_member_uint(j, "division_by_zero", n->eval.division_by_zero);
    json_member_uint(j, "overflow", n->eval.overflow);
    json_member_uint(j, "not_a_number", n->eval.not_a_number);
    json_member_uint(j, "regex_limit", n->eval.regex_limit);
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
    json_member_uint(j, "records", s->records);
    json_member_uint(j, "events", s->events);
    json_member_uint(j, "evaluated", s->evaluated);
    json_member_uint(j, "late", s->late);
    json_member_uint(j, "after_idle", s->after_idle);
    put_invalid(j, s);
    json_member_uint(j, "bad_values", s->bad_values);
    json_member_uint(j, "missing_key", s->missing_key);
    if (f->in_group) {
        json_member_uint(j, "misplaced", s->misplaced);
    }
    json_member_uint(j, "derived", s->derived);
    json_member_uint(j, "undecided", s->undecided);
    json_member_uint(j, "tombstones", s->tombstones);
    json_member_uint(j, "unclaimed", s->unclaimed);
    json_member_uint(j, "repeated", s->repeated);
    json_member_uint(j, "foreign", f->foreign);
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
        json_member_uint(j, "entries", s->tables[i].entries);
        hash128_hex(s->tables[i].generation, hex);
        json_member_string(j, "generation", slice_of(hex));
        json_object_end(j);
    }
    json_array_end(j);
    json_member_uint(j, "table_records", s->table_records);
    json_member_uint(j, "table_bad_records", s->table_bad_records);
    json_member_uint(j, "table_refreshes", s->table_refreshes);
    json_member_uint(j, "table_failures", s->table_failures);
}

/* Events that waited for their turn and did not fit into memory. */
static void put_waiting(struct json_out *j, const struct engine_summary *s)
{
    json_key(j, SLICE_LIT("waiting"));
    json_object_begin(j);
    json_member_uint(j, "clock_holds", s->clock_holds);
    json_member_uint(j, "position_holds", s->position_holds);
    json_member_uint(j, "values_forgotten", s->values_forgotten);
    json_member_uint(j, "pauses", s->pauses);
    json_member_uint(j, "spilled_events", s->spilled_events);
    json_member_uint(j, "spilled_bytes", s->spilled_bytes);
    json_member_uint(j, "most_spilled_bytes", s->most_spilled_bytes);
    json_member_uint(j, "runs", s->spill_runs);
    json_member_uint(j, "merges", s->spill_merges);
    json_object_end(j);
}

/* Only of runs that somebody wanted to reload, or that took other instances' rules. */
static void put_reload(struct json_out *j, const struct reload_figures *r)
{
    if (r->asked == 0 && r->switched == 0) {
        return;
    }
    json_key(j, SLICE_LIT("reload"));
    json_object_begin(j);
    json_member_uint(j, "switched", r->switched);
    json_member_uint(j, "nothing_new", r->unchanged);
    json_member_uint(j, "reload_failed", r->failed);
    if (r->unrecorded > 0) {
        json_member_uint(j, "unrecorded", r->unrecorded);
    }
    if (r->record.len > 0) {
        json_key(j, SLICE_LIT("last"));
        json_raw(j, r->record);
    }
    json_key(j, SLICE_LIT("rules"));
    json_object_begin(j);
    json_member_uint(j, "unchanged", r->rules.unchanged);
    json_member_uint(j, "kept", r->rules.kept);
    json_member_uint(j, "new", r->rules.fresh);
    json_member_uint(j, "changed", r->rules.changed);
    json_member_uint(j, "removed", r->rules.removed);
    json_member_uint(j, "draining", r->old.draining);
    json_member_uint(j, "drained", r->old.drained);
    json_member_uint(j, "old_dropped", r->old.dropped);
    json_object_end(j);
    json_object_end(j);
}

/* Only of one of several instances. */
static void put_instance(struct json_out *j, const struct run_figures *f)
{
    const struct engine_summary *s = &f->engine;
    if (!f->in_group) {
        return;
    }
    json_key(j, SLICE_LIT("instance"));
    json_object_begin(j);
    json_member_uint(j, "tasks", s->tasks);
    json_member_uint(j, "restoring", s->restoring);
    json_member_uint(j, "warm_copies", s->warm);
    json_member_uint(j, "restored_entries", s->restored);
    json_member_uint(j, "followed_entries", s->followed);
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
    json_member_uint(&j, "keys", s->live_keys);
    json_member_uint(&j, "events", s->live_events);
    json_member_uint(&j, "bytes", s->live_bytes);
    json_object_end(&j);
    json_member_uint(&j, "pending_deadlines", s->pending_deadlines);
    json_member_uint(&j, "deadlines", s->deadlines);
    json_member_uint(&j, "slices", s->slices);
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
        json_member_uint(&j, "commits", s->commits);
        json_member_uint(&j, "commit_bytes", s->commit_bytes);
        json_member_uint(&j, "aborted", f->aborted);
    }
    json_member_uint(&j, "checkpoints", s->checkpoints);
    json_member_uint(&j, "checkpoint_bytes", s->checkpoint_bytes);
    put_instance(&j, f);
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
    say(out, s->misplaced, "misplaced");
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
