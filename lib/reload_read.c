#include "lib/reload_read.h"

#include <time.h>

#include "base/clock.h"
#include "connectors/geoip.h"
#include "lib/last_error.h"

#define SETTLE_MS 100 /* between two readings */
#define MAX_READINGS 20
#define MAX_SHOWN 20 /* findings */

void rules_reading_release(struct rules_reading *f)
{
    fyke_rules_free(f->rules);
    buf_release(&f->said);
    file_marks_release(&f->tried);
    *f = (struct rules_reading){0};
}

static void note_finding(void *ctx, const struct fyke_diagnostic *d)
{
    struct rules_reading *f = ctx;
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

static void note_files(void *ctx, const struct sources *set)
{
    struct rules_reading *f = ctx;
    file_marks_take(&f->tried, set);
}

static void read_geoip(const struct rules_reader *r, struct rules_reading *f)
{
    const struct fyke_options *o = r->options;
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

void rules_read_once(const struct rules_reader *r, struct rules_reading *f)
{
    const struct compile_input input = {.paths = (const char *const *)r->first->paths,
                                        .n_paths = (uint32_t)r->first->n_paths};
    const struct rules_report report = {.fn = note_finding, .ctx = f, .files = note_files};
    enum fyke_result rc = rules_compile(&input, &report, &f->rules);
    if (rc != FYKE_OK && f->errors == 0) {
        buf_printf(&f->said, "%s\n", fyke_last_error());
        f->errors++;
    }
    if (rc == FYKE_OK && fyke_rules_count(f->rules) == 0 && r->want_some) {
        buf_puts(&f->said, "no rules found\n");
        f->errors++;
    }
    read_geoip(r, f);
    if (f->errors > 0) {
        fyke_rules_free(f->rules);
        f->rules = NULL;
    }
}

static bool same_reading(const struct rules_reading *a, const struct rules_reading *b)
{
    if (!a->rules || !b->rules) {
        return !a->rules && !b->rules && slice_eq(buf_slice(&a->said), buf_slice(&b->said));
    }
    return hash128_eq(rules_ruleset(a->rules)->fingerprint, rules_ruleset(b->rules)->fingerprint) &&
           hash128_eq(a->geoip, b->geoip);
}

static void read_settled(struct rules_reader *r, struct rules_reading *ret)
{
    const struct timespec pause = {.tv_nsec = SETTLE_MS * NS_PER_MS};
    struct rules_reading again = {0};
    rules_read_once(r, ret);
    for (int i = 1; i < MAX_READINGS && !atomic_load(&r->quit); i++) {
        nanosleep(&pause, NULL);
        rules_read_once(r, &again);
        bool same = same_reading(ret, &again);
        rules_reading_release(ret);
        *ret = again;
        again = (struct rules_reading){0};
        if (same) {
            return;
        }
    }
}

/* ---- the thread ------------------------------------------------------------------------------- */

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Old sets are wanted when rules change. */
static void compile_old(struct rules_reader *r)
{
    const struct fyke_rules *now = r->found.rules;
    if (r->kit && now && !hash128_eq(rules_ruleset(now)->fingerprint, r->in_force)) {
        drain_kit_compile(r->kit);
    }
}

static void *read_files(void *ctx)
{
    struct rules_reader *r = ctx;
    read_settled(r, &r->found);
    compile_old(r);
    atomic_store(&r->through, true);
    return NULL;
}

int rules_reader_start(struct rules_reader *r)
{
    r->begun_s = seconds_now();
    atomic_store(&r->through, false);
    int rc = pthread_create(&r->thread, NULL, read_files, r);
    r->running = rc == 0;
    return rc;
}

bool rules_reader_done(struct rules_reader *r)
{
    if (!r->running || !atomic_load(&r->through)) {
        return false;
    }
    pthread_join(r->thread, NULL);
    r->running = false;
    r->took_s = seconds_now() - r->begun_s;
    return true;
}

void rules_reader_release(struct rules_reader *r)
{
    if (r->running) {
        atomic_store(&r->quit, true);
        pthread_join(r->thread, NULL);
        r->running = false;
    }
    rules_reading_release(&r->found);
    drain_kit_free(r->kit);
    r->kit = NULL;
}
