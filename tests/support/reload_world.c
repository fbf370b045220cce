#include "tests/support/reload_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/rng.h"
#include "lib/rule_store.h"
#include "tests/support/state_dump.h"

void reload_world_rules(const struct reload_world *w, const char *const *texts)
{
    FILE *f = fopen(w->rules, "we");
    assert_non_null(f);
    fputs(w->head, f);
    for (; *texts; texts++) {
        fputs(*texts, f);
    }
    assert_int_equal(fclose(f), 0);
}

static void write_input(const char *path, int records, unsigned keys, bool in_us)
{
    struct rng rng = rng_seed(5);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    for (int i = 0; i < records; i++) {
        int64_t at = (int64_t)i * 20 + (int64_t)rng_below(&rng, 3500) - 3500;
        at = in_us ? at * 1000 + i % 1000 : at;
        fprintf(f, "{\"user\":\"u%u\",\"at\":%lld,\"t\":%lld,\"n\":%u}\n",
                (unsigned)rng_below(&rng, keys), (long long)at, (long long)at,
                (unsigned)rng_below(&rng, 1000));
    }
    assert_int_equal(fclose(f), 0);
}

static void make(struct reload_world *w, const char *head, int records, unsigned keys, bool in_us)
{
    *w = (struct reload_world){.head = head};
    state_dir_make(w->dir);
    snprintf(w->rules, sizeof(w->rules), "%s/r.rules", w->dir);
    snprintf(w->input, sizeof(w->input), "%s/in.jsonl", w->dir);
    snprintf(w->state, sizeof(w->state), "%s/state", w->dir);
    write_input(w->input, records, keys, in_us);
}

void reload_world_make(struct reload_world *w, const char *head, int records, unsigned keys)
{
    make(w, head, records, keys, false);
}

void reload_world_make_us(struct reload_world *w, const char *head, int records, unsigned keys)
{
    make(w, head, records, keys, true);
}

void reload_world_envelopes(struct reload_world *w)
{
    char line[256], other[128];
    int n = 0;
    snprintf(other, sizeof(other), "%s/envelopes.jsonl", w->dir);
    FILE *from = fopen(w->input, "re"), *to = fopen(other, "we");
    assert_true(from && to);
    while (fgets(line, sizeof(line), from)) {
        fprintf(to, "{\"topic\":\"logins\",\"partition\":0,\"offset\":%d,\"payload\":\"", n++);
        for (const char *p = line; *p != '\n'; p++) {
            fprintf(to, *p == '"' ? "\\%c" : "%c", *p);
        }
        fputs("\"}\n", to);
    }
    assert_int_equal(fclose(from) + fclose(to), 0);
    assert_int_equal(rename(other, w->input), 0);
    w->kcat = true;
}

void reload_world_end(struct reload_world *w)
{
    char command[128];
    buf_release(&w->alerts);
    buf_release(&w->said);
    snprintf(command, sizeof(command), "rm -rf '%s'", w->dir);
    assert_int_equal(system(command), 0);
}

static bool keep_alert(void *ctx, const struct fyke_alert *a)
{
    struct reload_world *w = ctx;
    buf_put(&w->alerts, a->json, a->json_len);
    buf_puts(&w->alerts, "\n");
    return true;
}

static void keep_line(void *ctx, const char *line)
{
    struct reload_world *w = ctx;
    buf_puts(&w->said, line);
    buf_puts(&w->said, "\n");
}

/* Time for the files to be read aside. */
static void wait_a_moment(void)
{
    const struct timespec t = {.tv_sec = 1};
    nanosleep(&t, NULL);
}

void reload_world_act(struct reload_world *w, unsigned at, const char *const *texts)
{
    struct reload_act *a = &w->acts[w->n_acts++];
    a->at = at;
    for (int i = 0; texts && texts[i]; i++) {
        a->texts[i] = texts[i];
    }
}

static bool may_act(const struct reload_world *w)
{
    return w->next_act < w->n_acts && w->beats >= w->acts[w->next_act].at &&
           (w->n_switched == 0 || w->life_beats > 2);
}

static void act(struct reload_world *w, const struct reload_act *a)
{
    w->next_act++;
    if (w->unlinks) {
        char database[128];
        snprintf(database, sizeof(database), "%s/data.mdb", w->state);
        assert_int_equal(unlink(w->input) + unlink(database), 0);
    }
    if (a->texts[0]) {
        reload_world_rules(w, a->texts);
        w->reload++;
    } else {
        w->stop = 1;
    }
}

static void keep_figures(void *ctx, const struct run_figures *f)
{
    struct reload_world *w = ctx;
    w->figures = f->reload;
    w->engine = f->engine;
    if (f->engine.n_partitions > 0) {
        w->frontier = f->engine.partitions[0].watermark;
        w->next_offset = f->engine.partitions[0].next_offset;
    }
}

static void beat(void *ctx, enum run_phase phase, struct run *run)
{
    struct reload_world *w = ctx;
    if (phase == RUN_STARTING && w->beats > 0) {
        w->switched_time[w->n_switched] = w->frontier;
        w->switched_offset[w->n_switched] = w->next_offset;
        w->switched_at[w->n_switched++] = w->beats;
        w->life_beats = 0;
    }
    if (phase != RUN_READY && phase != RUN_RELOADING) {
        return;
    }
    w->beats++;
    w->life_beats++;
    run_figures_now(run, keep_figures, w);
    if (phase == RUN_READY && may_act(w)) {
        act(w, &w->acts[w->next_act]);
    }
    if (phase == RUN_RELOADING) {
        if (w->later[0]) {
            reload_world_rules(w, w->later);
            w->later[0] = NULL;
            w->reload++;
        }
        /* What warms new rules reads the input, too, and must not be left behind where the machine is busy. */
        if (!w->figures.pending || w->warm_changed) {
            wait_a_moment();
        }
    }
}

static enum fyke_result run_with(struct reload_world *w, bool stored)
{
    const char *paths[] = {w->rules}, *inputs[] = {w->input};
    const struct run_hooks hooks = {.figures = keep_figures, .beat = beat, .ctx = w};
    struct fyke_run_config c;
    struct fyke_rules *rules;
    w->stop = 0;
    w->beats = 0;
    fyke_run_config_init(&c);
    c.inputs = inputs;
    c.n_inputs = 1;
    c.kcat = w->kcat;
    c.options.state_dir = w->no_state ? NULL : w->state;
    c.options.memory_bytes = w->memory_bytes ? w->memory_bytes : c.options.memory_bytes;
    c.drop_changed = w->drop_changed;
    c.warm_changed = w->warm_changed;
    c.fault = w->fault;
    c.audit = w->audit[0] ? w->audit : NULL;
    c.options.log = keep_line;
    c.options.log_ctx = w;
    c.output = w->output;
    c.on_alert = w->output ? NULL : keep_alert;
    c.on_alert_ctx = w;
    c.stop = &w->stop;
    c.reload = &w->reload;
    if (stored) {
        struct error err = ERROR_INIT;
        if (rule_store_find(&c, paths, 1, &rules, &err) != ERR_OK) {
            fail_msg("%s", err.text);
        }
        assert_non_null(rules);
    } else {
        assert_int_equal(fyke_rules_compile(paths, 1, NULL, NULL, &rules), FYKE_OK);
    }
    enum fyke_result rc = run_whole(rules, &c, &hooks);
    fyke_rules_free(rules);
    return rc;
}

enum fyke_result reload_world_run(struct reload_world *w)
{
    return run_with(w, false);
}

enum fyke_result reload_world_run_stored(struct reload_world *w)
{
    return run_with(w, true);
}

void reload_world_file(const struct reload_world *w, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", w->dir, name);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

bool reload_world_said(const struct reload_world *w, const char *text)
{
    return w->said.len > 0 && memmem(w->said.ptr, w->said.len, text, strlen(text)) != NULL;
}

struct slice reload_world_member(struct slice line, const char *name)
{
    const char *at = memmem(line.ptr, line.len, name, strlen(name));
    const char *end = at ? memchr(at, ',', (size_t)(line.ptr + line.len - at)) : NULL;
    return end ? slice_from(at, (size_t)(end - at)) : (struct slice){0};
}
