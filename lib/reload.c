#include "lib/reload.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/say.h"
#include "base/xalloc.h"
#include "lib/delivery.h"
#include "lib/reload_parts.h"
#include "lib/rule_store.h"

#define MAX_PREPARING 40 /* batches, or tenths of a second without any */

void reload_say(const struct reload *r, const char *fmt, ...)
{
    char line[1024];
    va_list args;
    const struct fyke_options *o = &r->config->options;
    if (!o->log) {
        return;
    }
    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    o->log(o->log_ctx, line);
}

double reload_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- life --------------------------------------------------------------------------------- */

/* At the start the files could not be used: what they name is watched, too. */
static void watch_refused(struct reload *r)
{
    struct rules_reader reader = {.first = r->first, .options = &r->config->options};
    struct rules_reading f = {0};
    rules_read_once(&reader, &f);
    if (f.rules) { /* mended since */
        reload_begin(r, RELOAD_BY_WATCH);
    }
    rule_watch_tried(r->watch, &f.tried);
    rules_reading_release(&f);
}

static void begin_watch(struct reload *r)
{
    enum rule_watch_mode mode =
        r->config->watch == FYKE_WATCH_POLL ? RULE_WATCH_POLL : RULE_WATCH_FILES;
    if (r->config->watch == FYKE_WATCH_OFF || r->first->n_paths == 0) {
        return;
    }
    r->watch = rule_watch_new(r->first, mode);
    if (r->watch == NULL) {
        reload_say(r, SAY_ERROR "reload: no thread to watch the files");
    } else if (r->first->stored) {
        watch_refused(r);
    }
}

struct reload *reload_new(const struct fyke_rules *rules, const struct fyke_run_config *c,
                          struct later *later)
{
    struct reload *r = xcalloc(1, sizeof(*r));
    r->first = rules;
    r->config = c;
    r->later = later;
    r->drain = drain_new(c, later);
    r->audit = reload_audit_new(c);
    r->reader.first = rules;
    r->reader.options = &c->options;
    begin_watch(r);
    return r;
}

enum err reload_open_audit(struct reload *r, reload_told_fn told, void *ctx, struct error *err)
{
    reload_audit_tell(r->audit, told, ctx);
    return reload_audit_open(r->audit, err);
}

static void drop_replaced(struct reload *r)
{
    fyke_rules_free(r->replaced);
    r->replaced = NULL;
}

static void free_rules(void *rules)
{
    fyke_rules_free(rules);
}

void reload_free_later(struct reload *r, struct fyke_rules *rules)
{
    later_free(r->later, free_rules, rules);
}

static void drop_opened(struct reload *r)
{
    reload_free_later(r, r->opened);
    r->opened = NULL;
    r->renewed = false;
}

void reload_free(struct reload *r)
{
    if (!r) {
        return;
    }
    rules_reader_release(&r->reader);
    rule_watch_free(r->watch);
    warm_free(r->warm);
    drain_free(r->drain);
    reload_audit_free(r->audit);
    drop_replaced(r);
    drop_opened(r);
    fyke_rules_free(r->next);
    if (r->trial) {
        fyke_rules_free(r->before);
    }
    fyke_rules_free(r->own);
    buf_release(&r->texts);
    buf_release(&r->texts_before);
    free(r);
}

const struct fyke_rules *reload_rules(const struct reload *r)
{
    return r->own ? r->own : r->first;
}

void reload_begins_stored(struct reload *r)
{
    r->figures.asked++;
    r->figures.failed++;
}

void reload_take_stored(struct reload *r, struct fyke_rules *stored, const struct error *why)
{
    char hex[HASH128_HEX_MAX];
    hash128_hex(rules_ruleset(stored)->fingerprint, hex);
    reload_say(r, SAY_ERROR "rules: the files do not fit the state: going on with the rules stored with it, "
        "rule set %s; mend the files, then reload. %s", hex, why->text);
    r->own = stored;
    reload_begins_stored(r);
}

void reload_figures(const struct reload *r, struct reload_figures *ret)
{
    *ret = r->figures;
    drain_figures(r->drain, &ret->old);
    ret->ruleset = rules_ruleset(reload_rules(r))->fingerprint;
    ret->pending = r->next != NULL;
    ret->record = reload_audit_last(r->audit);
    ret->unrecorded = reload_audit_failed(r->audit);
}

struct slice reload_texts(struct reload *r)
{
    struct hash128 now = rules_ruleset(reload_rules(r))->fingerprint;
    if (!hash128_eq(r->texts_of, now)) {
        buf_clear(&r->texts);
        rule_store_encode(reload_rules(r), &r->texts);
        r->texts_of = now;
        if (r->texts.len == 0 && r->config->options.state_dir) {
            reload_say(r, SAY_WARNING "reload: the rules and lists take more than %zu MiB: they are not "
                "stored, so a restart needs the files", RULE_STORE_MAX_BYTES >> 20);
        }
    }
    return buf_slice(&r->texts);
}

/* ---- wishes ------------------------------------------------------------------------------- */

static void start_reader(struct reload *r)
{
    r->wished = false;
    r->by = r->wish_by;
    r->reader.in_force = rules_ruleset(reload_rules(r))->fingerprint;
    r->reader.want_some = fyke_rules_count(reload_rules(r)) > 0;
    drain_kit_free(r->reader.kit);
    r->reader.kit = drain_make_kit(r->drain);
    r->figures.asked++;
    int rc = rules_reader_start(&r->reader);
    if (rc != 0) {
        r->figures.failed++;
        r->settled = r->figures.asked;
        reload_say(r, SAY_ERROR "reload: no thread to read the rules: %s", strerror(rc));
        reload_tell_same(r, RELOAD_REFUSED, SLICE_LIT("no thread to read the rules"));
    }
}

void reload_begin(struct reload *r, enum reload_by by)
{
    if (r->first->n_paths == 0) {
        reload_say(r, SAY_WARNING "reload: these rules were not read from files; nothing changes");
        return;
    }
    if (by != RELOAD_BY_WATCH || !r->wished) { /* who asks is told */
        r->wish_by = by;
    }
    r->wished = true;
}

uint64_t reload_ask(struct reload *r)
{
    reload_begin(r, RELOAD_BY_COMMAND);
    return r->wished ? r->figures.asked + 1 : 0;
}

/* ---- what was found ----------------------------------------------------------------------- */

static void refuse(struct reload *r, struct rules_reading *f)
{
    r->figures.failed++;
    FYKE_CLEANUP(buf_release) struct buf first = BUF_INIT;
    char *line = f->said.len ? (char *)(uintptr_t)buf_cstr(&f->said) : NULL;
    buf_put(&first, line, line ? strcspn(line, "\n") : 0);
    for (char *end; line && (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        reload_say(r, SAY_ERROR "reload: %s", line);
    }
    reload_say(r, SAY_ERROR "reload: refused: %u error%s; the rules in force stay", f->errors,
        f->errors == 1 ? "" : "s");
    reload_tell_same(r, RELOAD_REFUSED, buf_slice(&first));
}

/* The engine goes on with the contents of `f`; what it had it may use until then. */
static void take_contents(struct reload *r, struct rules_reading *f, struct engine *e)
{
    struct hash128 was = rules_ruleset(reload_rules(r))->fingerprint;
    if (r->renewed) {
        r->replaced = r->own;
    } else {
        r->opened = r->own;
        r->renewed = true;
    }
    r->own = f->rules;
    f->rules = NULL;
    r->figures.switched++;
    buf_release(&r->texts_before);
    r->texts_before = r->texts;
    r->texts = (struct buf)BUF_INIT;
    struct slice texts = reload_texts(r);
    drain_renew(r->drain, rules_ruleset(r->own)->fingerprint, texts);
    engine_renew_tables(e, rules_ruleset(r->own), texts);
    reload_tell_contents(r, was, e);
}

static void refuse_inputs(struct reload *r)
{
    const char *why = r->config->options.state_dir
                          ? "these inputs cannot be read again, which other rules need"
                          : "without --state what is open would be lost";
    r->figures.failed++;
    reload_say(r, SAY_ERROR "reload: refused: %s; the rules in force stay", why);
    reload_tell_same(r, RELOAD_REFUSED, slice_of(why));
}

/* Who watches looks more often than there is something to say. */
static void tell_unchanged(struct reload *r)
{
    r->figures.unchanged++;
    if (r->by != RELOAD_BY_WATCH) {
        reload_say(r, SAY_INFO "reload: nothing has changed");
        reload_tell_same(r, RELOAD_UNCHANGED, (struct slice){0});
    }
}

/* From here on nothing is evaluated. */
void reload_stops(struct reload *r)
{
    if (r->stopped_s <= 0) {
        r->stopped_s = reload_seconds();
    }
}

static void refuse_next(struct reload *r, const char *why)
{
    fyke_rules_free(r->next);
    r->next = NULL;
    warm_free(r->warm);
    r->warm = NULL;
    r->figures.failed++;
    reload_say(r, SAY_ERROR "reload: refused: %s; the rules in force stay", why);
    reload_tell_same(r, RELOAD_REFUSED, slice_of(why));
}

static bool begin_warming(struct reload *r, struct engine *e)
{
    struct error err = ERROR_INIT;
    struct map names;
    warm_names(reload_rules(r), r->next, &names);
    size_t n = names.n;
    map_release(&names);
    if (n == 0) {
        return true;
    }
    if (warm_begin(r->config, reload_rules(r), r->next, e, &r->warm, &err) != ERR_OK) {
        refuse_next(r, err.text);
        return false;
    }
    reload_say(r, SAY_INFO "reload: warming %zu rules, which look back %.*s", n,
               SLICE_ARG(warm_span(r->warm)));
    return true;
}

static void prepare(struct reload *r, struct engine *e)
{
    r->prepares = true;
    r->beats = 0;
    engine_prepare_stop(e);
}

static bool judge(struct reload *r, struct rules_reading *f, struct engine *e)
{
    const struct fyke_rules *now = reload_rules(r);
    if (!f->rules) {
        refuse(r, f);
        return false;
    }
    bool same_geoip = hash128_eq(f->geoip, r->geoip);
    bool same = hash128_eq(rules_ruleset(f->rules)->fingerprint, rules_ruleset(now)->fingerprint);
    if (same && same_geoip) {
        tell_unchanged(r);
        return false;
    }
    /* With --evidence-fields the engine runs on a set of its own, made when it is opened. */
    if (same_geoip && rules_differ_in_data_only(now, f->rules) &&
        !r->config->options.evidence_fields) {
        take_contents(r, f, e);
        return false;
    }
    if (!delivery_can_begin_again(r->config)) {
        refuse_inputs(r);
        return false;
    }
    r->next = f->rules;
    f->rules = NULL;
    drain_take_kit(r->drain, r->reader.kit);
    r->reader.kit = NULL;
    r->stopping = r->prepares = false;
    if (r->config->warm_changed && !begin_warming(r, e)) {
        return false;
    }
    if (!r->warm) {
        prepare(r, e);
    }
    return true;
}

/* What the commit at the stop would have to write goes out beforehand, in a commit of its own, and evaluation goes
 * on for a batch: two short pauses instead of a long one. */
static void stop_when_prepared(struct reload *r, struct engine *e)
{
    if (r->warm) {
        warm_follow(r->warm, e);
    }
    if (r->warm && warm_phase(r->warm) == WARM_FAILED) {
        struct error err = ERROR_INIT;
        if (warm_meet(r->warm, SLICE_LIT("-"), &err) != ERR_OK && !r->stopping) {
            refuse_next(r, err.text);
        }
        return;
    }
    if (!r->prepares) {
        if (warm_phase(r->warm) == WARM_NEAR) {
            prepare(r, e);
        }
        return;
    }
    r->beats++;
    if (!r->stopping && (engine_is_prepared(e) || r->beats > MAX_PREPARING)) {
        r->stopping = true;
        reload_stops(r);
        engine_ask_stop(e);
    }
}

/* What a refused set names may come, or be mended. */
static void watch_tried(struct reload *r)
{
    if (r->watch) {
        rule_watch_tried(r->watch, &r->reader.found.tried);
    }
}

static void start_if_wished(struct reload *r)
{
    if (r->watch && rule_watch_changed(r->watch)) {
        reload_begin(r, RELOAD_BY_WATCH);
    }
    if (!r->reader.running && r->wished) {
        start_reader(r);
    }
}

bool reload_find(struct reload *r, struct fyke_rules **ret)
{
    *ret = NULL;
    if (rules_reader_done(&r->reader)) {
        r->settled = r->figures.asked;
        if (r->reader.found.rules) {
            *ret = r->reader.found.rules;
            r->offered = rules_ruleset(*ret)->fingerprint;
            r->reader.found.rules = NULL;
        } else {
            refuse(r, &r->reader.found);
        }
        watch_tried(r);
        rules_reading_release(&r->reader.found);
    }
    start_if_wished(r);
    return r->reader.running;
}

bool reload_step(struct reload *r, struct engine *e)
{
    if (r->next) {
        stop_when_prepared(r, e);
        return r->next != NULL;
    }
    drop_replaced(r);
    if (rules_reader_done(&r->reader)) {
        r->settled = r->figures.asked;
        bool stops = judge(r, &r->reader.found, e);
        watch_tried(r);
        rules_reading_release(&r->reader.found);
        if (stops) {
            return true;
        }
    }
    start_if_wished(r);
    return r->reader.running;
}

/* ---- opening ------------------------------------------------------------------------------ */

void reload_opening(struct reload *r, const struct ruleset *rs, struct hash128 geoip)
{
    reload_free_later(r, r->replaced);
    r->replaced = NULL;
    drop_opened(r);
    r->geoip = geoip;
    drain_opening(r->drain, rs, reload_texts(r), r->warm != NULL);
}

const struct engine_old_rules *reload_old_rules(struct reload *r)
{
    return drain_hooks(r->drain);
}
