#include "lib/reload.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/buf.h"
#include "base/say.h"
#include "base/xalloc.h"
#include "connectors/geoip.h"
#include "lib/last_error.h"
#include "lib/rule_store.h"

/* Files come one by one, links are swapped: what is read twice in a row alike is taken. */
#define SETTLE_MS 100
#define MAX_READINGS 20
/* Findings that are shown. */
#define MAX_SHOWN 20

/* What one reading of the files gave. */
struct reading {
    struct fyke_rules *rules; /* NULL: they cannot be used */
    struct hash128 geoip;
    struct buf said; /* one line per error */
    uint32_t shown, errors;
};

struct reload {
    const struct fyke_run_config *config;
    const struct fyke_rules *first;  /* the caller's */
    struct fyke_rules *own;          /* in force instead; NULL: `first` */
    struct fyke_rules *before;       /* in force before the switch that is tried; NULL: `first` */
    struct fyke_rules *next;         /* to be in force at the next stop */
    /* The engine was opened with a set that is no longer in force: its lists are. Owned, NULL: `first`. */
    bool renewed;
    struct fyke_rules *opened;
    struct fyke_rules *replaced;     /* whose lists the engine uses up to the next batch */
    struct hash128 geoip;            /* identity of the files in use */
    struct buf texts;                /* of the set in force */
    struct buf texts_before;         /* the engine's up to the next batch */
    struct hash128 texts_of;         /* fingerprint */
    bool trial;                      /* a switch whose engine has not run yet */

    bool wished;  /* once more when the thread is through */
    bool running; /* there is a thread */
    pthread_t thread;
    atomic_bool through; /* it has written `found` */
    atomic_bool quit;    /* nobody wants to know any more */
    struct reading found;

    struct drain *drain;
    struct rule_diff diff; /* of the switch that is tried */
    struct reload_figures figures;
};

static void say(const struct reload *r, const char *fmt, ...)
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

struct reload *reload_new(const struct fyke_rules *rules, const struct fyke_run_config *c)
{
    struct reload *r = xcalloc(1, sizeof(*r));
    r->first = rules;
    r->config = c;
    r->drain = drain_new(c);
    return r;
}

static void release_reading(struct reading *f)
{
    fyke_rules_free(f->rules);
    buf_release(&f->said);
    *f = (struct reading){0};
}

static void drop_replaced(struct reload *r)
{
    fyke_rules_free(r->replaced);
    r->replaced = NULL;
}

static void drop_opened(struct reload *r)
{
    fyke_rules_free(r->opened);
    r->opened = NULL;
    r->renewed = false;
}

void reload_free(struct reload *r)
{
    if (!r) {
        return;
    }
    if (r->running) {
        atomic_store(&r->quit, true);
        pthread_join(r->thread, NULL);
    }
    release_reading(&r->found);
    drain_free(r->drain);
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
    say(r, SAY_ERROR "rules: the files do not fit the state: going on with the rules stored with it, "
        "rule set %s; mend the files, then reload. %s", hex, why->text);
    r->own = stored;
    reload_begins_stored(r);
}

void reload_figures(const struct reload *r, struct reload_figures *ret)
{
    *ret = r->figures;
    drain_figures(r->drain, &ret->old);
}

struct slice reload_texts(struct reload *r)
{
    struct hash128 now = rules_ruleset(reload_rules(r))->fingerprint;
    if (!hash128_eq(r->texts_of, now)) {
        buf_clear(&r->texts);
        rule_store_encode(reload_rules(r), &r->texts);
        r->texts_of = now;
        if (r->texts.len == 0 && r->config->options.state_dir) {
            say(r, SAY_WARNING "reload: the rules and lists take more than %zu MiB: they are not "
                "stored, so a restart needs the files", RULE_STORE_MAX_BYTES >> 20);
        }
    }
    return buf_slice(&r->texts);
}

/* ---- reading aside ------------------------------------------------------------------------ */

static void note_finding(void *ctx, const struct fyke_diagnostic *d)
{
    struct reading *f = ctx;
    if (d->severity != FYKE_ERROR) {
        return;
    }
    f->errors++;
    if (f->shown < MAX_SHOWN) {
        f->shown++;
        buf_printf(&f->said, "%s:%u:%u: error[%s]: %s\n", d->file, d->line, d->col, d->code,
                   d->message);
    }
}

static void read_geoip(const struct reload *r, struct reading *f)
{
    const struct fyke_options *o = &r->config->options;
    struct geoip_files *g;
    struct error err = ERROR_INIT;
    if (geoip_files_open(o->geoip, o->n_geoip, &g, &err) != ERR_OK) {
        buf_printf(&f->said, "%s\n", err.text);
        f->errors++;
        return;
    }
    f->geoip = geoip_files_identity(g);
    geoip_files_close(g);
}

static void read_once(const struct reload *r, struct reading *f)
{
    const struct compile_input input = {.paths = (const char *const *)r->first->paths,
                                        .n_paths = (uint32_t)r->first->n_paths};
    const struct rules_report report = {note_finding, f, false};
    enum fyke_result rc = rules_compile(&input, &report, &f->rules);
    if (rc != FYKE_OK && f->errors == 0) {
        buf_printf(&f->said, "%s\n", fyke_last_error());
        f->errors++;
    }
    if (rc == FYKE_OK && fyke_rules_count(f->rules) == 0 &&
        fyke_rules_count(reload_rules(r)) > 0) {
        buf_puts(&f->said, "no rules found\n");
        f->errors++;
    }
    read_geoip(r, f);
    if (f->errors > 0) {
        fyke_rules_free(f->rules);
        f->rules = NULL;
    }
}

static bool same_reading(const struct reading *a, const struct reading *b)
{
    if (!a->rules || !b->rules) {
        return !a->rules && !b->rules && slice_eq(buf_slice(&a->said), buf_slice(&b->said));
    }
    return hash128_eq(rules_ruleset(a->rules)->fingerprint, rules_ruleset(b->rules)->fingerprint) &&
           hash128_eq(a->geoip, b->geoip);
}

static void *read_files(void *ctx)
{
    struct reload *r = ctx;
    const struct timespec pause = {.tv_nsec = SETTLE_MS * NS_PER_MS};
    struct reading now = {0}, again = {0};
    read_once(r, &now);
    for (int i = 1; i < MAX_READINGS && !atomic_load(&r->quit); i++) {
        nanosleep(&pause, NULL);
        read_once(r, &again);
        bool same = same_reading(&now, &again);
        release_reading(&now);
        now = again;
        again = (struct reading){0};
        if (same) {
            break;
        }
    }
    r->found = now;
    atomic_store(&r->through, true);
    return NULL;
}

static bool can_switch(const struct reload *r)
{
    const struct fyke_run_config *c = r->config;
    struct stat st;
    if (!c->options.state_dir) {
        return false;
    }
    for (size_t i = 0; i < c->n_inputs; i++) {
        const char *eq = strchr(c->inputs[i], '=');
        const char *path = eq && !strchr(c->inputs[i], '/') ? eq + 1 : c->inputs[i];
        bool kafka = strcmp(c->inputs[i], "kafka") == 0 || strncmp(c->inputs[i], "kafka:", 6) == 0;
        if (!kafka && (strcmp(path, "-") == 0 ||
                       (stat(path, &st) == 0 && !S_ISREG(st.st_mode)))) {
            return false;
        }
    }
    return true;
}

static void start_thread(struct reload *r)
{
    r->wished = false;
    r->figures.asked++;
    atomic_store(&r->through, false);
    int rc = pthread_create(&r->thread, NULL, read_files, r);
    r->running = rc == 0;
    if (rc != 0) {
        r->figures.failed++;
        say(r, SAY_ERROR "reload: no thread to read the rules: %s", strerror(rc));
    }
}

void reload_begin(struct reload *r)
{
    if (r->first->n_paths == 0) {
        say(r, SAY_WARNING "reload: these rules were not read from files; nothing changes");
        return;
    }
    r->wished = true;
}

/* ---- what was found ----------------------------------------------------------------------- */

static void refuse(struct reload *r, struct reading *f)
{
    r->figures.failed++;
    char *line = f->said.len ? (char *)(uintptr_t)buf_cstr(&f->said) : NULL;
    for (char *end; line && (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        say(r, SAY_ERROR "reload: %s", line);
    }
    say(r, SAY_ERROR "reload: refused: %u error%s; the rules in force stay", f->errors,
        f->errors == 1 ? "" : "s");
}

static void hex_of(const struct fyke_rules *rules, char ret[HASH128_HEX_MAX])
{
    hash128_hex(rules_ruleset(rules)->fingerprint, ret);
}

/* The engine goes on with the contents of `f`; what it had it may use until then. */
static void take_contents(struct reload *r, struct reading *f, struct engine *e)
{
    char hex[HASH128_HEX_MAX];
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
    hex_of(r->own, hex);
    say(r, SAY_INFO "reload: lists and lookups have other contents, the rules are the same; rule "
        "set %s", hex);
}

static void refuse_inputs(struct reload *r)
{
    r->figures.failed++;
    say(r, SAY_ERROR "reload: refused: %s; the rules in force stay",
        r->config->options.state_dir
            ? "these inputs cannot be read again, which other rules need"
            : "without --state what is open would be lost");
}

static bool judge(struct reload *r, struct reading *f, struct engine *e)
{
    const struct fyke_rules *now = reload_rules(r);
    if (!f->rules) {
        refuse(r, f);
        return false;
    }
    bool same_geoip = hash128_eq(f->geoip, r->geoip);
    bool same = hash128_eq(rules_ruleset(f->rules)->fingerprint, rules_ruleset(now)->fingerprint);
    if (same && same_geoip) {
        r->figures.unchanged++;
        say(r, SAY_INFO "reload: nothing has changed");
        return false;
    }
    /* With --evidence-fields the engine runs on a set of its own, made when it is opened. */
    if (same_geoip && rules_differ_in_data_only(now, f->rules) &&
        !r->config->options.evidence_fields) {
        take_contents(r, f, e);
        return false;
    }
    if (!can_switch(r)) {
        refuse_inputs(r);
        return false;
    }
    r->next = f->rules;
    f->rules = NULL;
    engine_ask_stop(e);
    return true;
}

/* True: the thread has ended, and `found` is to be looked at and released. */
static bool has_read(struct reload *r)
{
    if (!r->running || !atomic_load(&r->through)) {
        return false;
    }
    pthread_join(r->thread, NULL);
    r->running = false;
    return true;
}

bool reload_find(struct reload *r, struct fyke_rules **ret)
{
    *ret = NULL;
    if (has_read(r)) {
        if (r->found.rules) {
            *ret = r->found.rules;
            r->found.rules = NULL;
        } else {
            refuse(r, &r->found);
        }
        release_reading(&r->found);
    }
    if (!r->running && r->wished) {
        start_thread(r);
    }
    return r->running;
}

bool reload_step(struct reload *r, struct engine *e)
{
    if (r->next) {
        return true; /* the engine is about to stop */
    }
    drop_replaced(r);
    if (has_read(r)) {
        bool stops = judge(r, &r->found, e);
        release_reading(&r->found);
        if (stops) {
            return true;
        }
    }
    if (!r->running && r->wished) {
        start_thread(r);
    }
    return r->running;
}

/* ---- the switch --------------------------------------------------------------------------- */

static void tell_rule(void *ctx, struct slice name, enum rule_fate fate)
{
    const struct reload *r = ctx;
    switch (fate) {
    case RULE_KEPT:
        say(r, SAY_INFO "reload: rule %.*s: kept: what is open stays", SLICE_ARG(name));
        break;
    case RULE_NEW: say(r, SAY_INFO "reload: rule %.*s: new", SLICE_ARG(name)); break;
    case RULE_CHANGED:
        say(r, SAY_INFO "reload: rule %.*s: changed: %s", SLICE_ARG(name),
            drain_has(r->drain, name) ? "drained: the old version finishes what it has open"
                                      : "dropped: what is open is dropped");
        break;
    case RULE_REMOVED:
        say(r, SAY_INFO "reload: rule %.*s: removed: what is open is dropped", SLICE_ARG(name));
        break;
    case RULE_UNCHANGED: break;
    }
}

void reload_opening(struct reload *r, const struct ruleset *rs, struct hash128 geoip)
{
    drop_replaced(r);
    drop_opened(r);
    r->geoip = geoip;
    drain_opening(r->drain, rs, reload_texts(r));
}

const struct engine_old_rules *reload_old_rules(struct reload *r)
{
    return drain_hooks(r->drain);
}

bool reload_switch(struct reload *r, struct engine *e)
{
    if (!r->next || !engine_has_stopped(e)) {
        return false;
    }
    r->before = r->own;
    r->own = r->next;
    r->next = NULL;
    r->trial = true;
    return true;
}

bool reload_fall_back(struct reload *r, const struct error *why)
{
    if (!r->trial) {
        return false;
    }
    r->replaced = r->own; /* an engine may have been opened with them */
    r->own = r->before;
    r->before = NULL;
    r->trial = false;
    r->figures.failed++;
    say(r, SAY_ERROR "reload: refused: %s; the rules in force stay", why->text);
    return true;
}

/* What became of each rule. */
static void tell_switch(struct reload *r, const struct fyke_rules *before)
{
    char was[HASH128_HEX_MAX], is[HASH128_HEX_MAX];
    struct rule_diff *sum = &r->figures.rules, d;
    rules_compare(before, r->own, tell_rule, r, &d);
    hex_of(before, was);
    hex_of(r->own, is);
    say(r, SAY_INFO "reload: rule set %s in place of %s: %u unchanged, %u kept, %u new, %u changed, "
        "%u removed", is, was, d.unchanged, d.kept, d.fresh, d.changed, d.removed);
    sum->unchanged += d.unchanged;
    sum->kept += d.kept;
    sum->fresh += d.fresh;
    sum->changed += d.changed;
    sum->removed += d.removed;
    r->figures.switched++;
}

void reload_settle(struct reload *r)
{
    if (!r->trial) {
        return;
    }
    tell_switch(r, r->before ? r->before : r->first);
    fyke_rules_free(r->before);
    r->before = NULL;
    r->trial = false;
}

void reload_take(struct reload *r, struct fyke_rules *rules)
{
    struct fyke_rules *before = r->own;
    r->own = rules;
    tell_switch(r, before ? before : r->first);
    fyke_rules_free(before);
}

void reload_count(struct reload *r, uint64_t unchanged, uint64_t failed)
{
    r->figures.unchanged += unchanged;
    r->figures.failed += failed;
}
