#include "cli/live.h"

#include <stdlib.h>
#include <string.h>

#include "base/json_out.h"
#include "base/xalloc.h"
#include "cli/life.h"

#define MOST_PARTS 20 /* per rule */

/* ---- opening --------------------------------------------------------------------------------- */

static struct ptime now_of(const struct live *l)
{
    return l->log->clock.monotonic(l->log->clock.ctx);
}

void live_init(struct live *l)
{
    l->started = now_of(l);
    live_peers_init(&l->peers);
    pthread_mutex_init(&l->passing, NULL);
}

/* A directory of state is locked by its process; a place that was named may be another's. */
enum err live_open(struct live *l, struct error *err)
{
    const char *slash = l->path ? strrchr(l->path, '/') : NULL;
    if (l->peers.socket.fd >= 0 || (!l->path && !l->state_dir)) {
        return ERR_OK;
    }
    if (!l->path) {
        return local_socket_open(&l->peers.socket, l->state_dir, LIVE_SOCKET, true, err);
    }
    size_t n = slash ? (size_t)(slash - l->path) : 0;
    free(l->dir);
    l->dir = xcalloc(n + 2, 1);
    memcpy(l->dir, slash ? (n ? l->path : "/") : ".", slash && n ? n : 1);
    return local_socket_open(&l->peers.socket, l->dir, slash ? slash + 1 : l->path, false, err);
}

void live_close(struct live *l)
{
    if (l->peers.dropped_peers > 0) {
        log_say(l->log, LEVEL_WARNING, "live", "%llu reader%s of the live socket took nothing for "
                "%d s and %s hung up on", (unsigned long long)l->peers.dropped_peers,
                l->peers.dropped_peers == 1 ? "" : "s", LIVE_PATIENCE_MS / 1000,
                l->peers.dropped_peers == 1 ? "was" : "were");
    }
    live_peers_release(&l->peers);
    buf_release(&l->line);
    buf_release(&l->text);
    pthread_mutex_destroy(&l->passing);
    free(l->dir);
    l->dir = NULL;
}

/* ---- answers --------------------------------------------------------------------------------- */

struct answering {
    struct live *live;
    struct run *run;
    struct live_peer *peer;
    struct json_out j;
};

static void member_time(struct json_out *j, const char *name, struct etime t)
{
    char text[ETIME_TEXT_MAX];
    if (t.ns != INT64_MIN && t.ns != INT64_MAX) {
        etime_format(t, text);
        json_member_string(j, name, slice_of(text));
    }
}

static void say_error(struct answering *a, const char *text)
{
    json_object_begin(&a->j);
    json_member_string(&a->j, "error", slice_of(text));
    json_object_end(&a->j);
    json_line_end(&a->j);
}

/* Bare text of a member; empty: it is not there. */
static void text_member(struct json_span request, const char *name, struct buf *out)
{
    json_view_text(json_view_get(request, name), out);
}

/* ---- top ---- */

static void put_rule(struct json_out *j, const struct rule *rule, const struct engine_rule_figures *f)
{
    json_object_begin(j);
    json_member_string(j, "rule", rule->name);
    json_member_uint(j, "events", f->events);
    json_member_uint(j, "operations", engine_rule_operations(f));
    json_member_uint(j, "alerts", f->alerts);
    json_member_uint(j, "shadow", f->shadow);
    json_member_uint(j, "keys", f->keys);
    json_member_uint(j, "kept", f->kept);
    json_member_uint(j, "open", f->open);
    json_object_end(j);
}

static void put_whole(void *ctx, const struct run_figures *f)
{
    struct json_out *j = ctx;
    json_member_uint(j, "records", f->engine.records);
    json_member_uint(j, "evaluated", f->engine.evaluated);
    json_member_uint(j, "late", f->engine.late);
    json_member_uint(j, "alerts", f->engine.alerts_total);
    json_member_uint(j, "keys", f->engine.live_keys);
    json_member_uint(j, "evicted", f->engine.evicted);
    json_member_uint(j, "resting", f->engine.resting_keys);
}

static void put_readers(struct json_out *j, const struct live_peers *p)
{
    json_key(j, SLICE_LIT("readers"));
    json_object_begin(j);
    json_member_uint(j, "now", p->n);
    json_member_uint(j, "served", p->served);
    json_member_uint(j, "refused", p->refused);
    json_member_uint(j, "dropped", p->dropped_peers);
    json_member_uint(j, "dropped_lines", p->dropped_lines);
    json_object_end(j);
}

/* Several instances: which tasks are here. */
static void put_tasks(struct answering *a)
{
    uint32_t n, of;
    if (!run_tasks(a->run, &n, &of)) {
        return;
    }
    json_key(&a->j, SLICE_LIT("tasks"));
    json_array_begin(&a->j);
    for (uint32_t i = 0; i < n; i++) {
        json_uint(&a->j, run_task_number(a->run, i));
    }
    json_array_end(&a->j);
    json_member_uint(&a->j, "of_tasks", of);
}

static void answer_top(struct answering *a)
{
    const struct ruleset *rs = run_ruleset(a->run);
    struct engine_rule_figures *figures = xcalloc(rs->n_rules + 1u, sizeof(*figures));
    bool whole;
    if (!run_rule_figures(a->run, figures, &whole)) {
        say_error(a, "the process has not begun to read");
        free(figures);
        return;
    }
    json_object_begin(&a->j);
    json_member_int(&a->j, "up_ms", (now_of(a->live).ns - a->live->started.ns) / NS_PER_MS);
    run_figures_now(a->run, put_whole, &a->j);
    put_readers(&a->j, &a->live->peers);
    put_tasks(a);
    json_member_bool(&a->j, "all_keys", whole);
    json_key(&a->j, SLICE_LIT("rules"));
    json_array_begin(&a->j);
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        if (!rule_is_disabled(&rs->rules[i])) {
            put_rule(&a->j, &rs->rules[i], &figures[i]);
        }
    }
    json_array_end(&a->j);
    json_object_end(&a->j);
    json_line_end(&a->j);
    free(figures);
}

/* ---- partials ---- */

static void put_open(void *ctx, const struct engine_open *o)
{
    struct answering *a = ctx;
    json_object_begin(&a->j);
    json_key(&a->j, SLICE_LIT("open"));
    json_raw(&a->j, o->json);
    member_time(&a->j, "watermark", o->watermark);
    json_key(&a->j, SLICE_LIT("deadlines"));
    json_array_begin(&a->j);
    for (uint32_t i = 0; i < o->n_deadlines; i++) {
        json_object_begin(&a->j);
        json_member_string(&a->j, "what", slice_of(o->deadlines[i].what));
        if (o->deadlines[i].step.len > 0) {
            json_member_string(&a->j, "step", o->deadlines[i].step);
        }
        member_time(&a->j, "at", o->deadlines[i].at);
        json_object_end(&a->j);
    }
    json_array_end(&a->j);
    json_object_end(&a->j);
    json_line_end(&a->j);
}

static void put_standing(void *ctx, const struct engine_standing *s)
{
    struct answering *a = ctx;
    json_object_begin(&a->j);
    json_member_string(&a->j, "rule", s->rule->name);
    member_time(&a->j, "watermark", s->watermark);
    json_member_uint(&a->j, "events", s->kept ? s->state.events : 0);
    json_member_uint(&a->j, "starts", s->kept ? s->state.starts : 0);
    json_member_uint(&a->j, "left_out", s->left_out);
    if (s->kept) {
        member_time(&a->j, "quiet_until", s->state.quiet_until);
        member_time(&a->j, "capped_until", s->state.capped_until);
        json_member_uint(&a->j, "held_back", s->state.held);
    }
    json_object_end(&a->j);
    json_line_end(&a->j);
}

/* Which task of this instance holds the key, or that another instance's may. */
static void put_holder(struct answering *a, int64_t task)
{
    uint32_t n, of;
    if (!run_tasks(a->run, &n, &of)) {
        return;
    }
    json_object_begin(&a->j);
    if (task >= 0) {
        json_member_int(&a->j, "task", task);
    }
    json_member_bool(&a->j, "held", task >= 0);
    json_member_bool(&a->j, "others", n < of);
    put_tasks(a);
    json_object_end(&a->j);
    json_line_end(&a->j);
}

static void answer_partials(struct answering *a, struct json_span request)
{
    FYKE_CLEANUP(buf_release) struct buf rule = BUF_INIT;
    FYKE_CLEANUP(buf_release) struct buf key = BUF_INIT;
    const struct engine_looker looker = {
        .open = put_open, .standing = put_standing, .ctx = a, .most = MOST_PARTS};
    struct error err = ERROR_INIT;
    text_member(request, "rule", &rule);
    text_member(request, "key", &key);
    int64_t task;
    if (run_look(a->run, rule.len > 0 ? buf_cstr(&rule) : NULL, buf_slice(&key), &looker, &task, &err) !=
        ERR_OK) {
        say_error(a, err.text);
    } else {
        put_holder(a, task);
    }
}

/* ---- tap ---- */

static void begin_tap(struct answering *a, struct json_span request)
{
    struct live_filter *f = &a->peer->filter;
    text_member(request, "topic", &f->topic);
    text_member(request, "rule", &f->rule);
    text_member(request, "key", &f->key);
    f->events = json_view_get(request, "events").kind == JSON_TRUE;
    f->alerts = json_view_get(request, "alerts").kind == JSON_TRUE;
    a->peer->taps = true;
    a->peer->hang_up = false;
    buf_puts(&a->peer->out, "{\"tapping\":true}\n");
}

/* ---- reload ---- */

static void begin_reload(struct answering *a, struct json_span request)
{
    uint64_t reading = run_ask_reload(a->run);
    if (reading == 0) {
        say_error(a, "these rules were not read from files");
    } else if (json_view_get(request, "wait").kind == JSON_TRUE) {
        a->peer->waits = reading;
        a->peer->hang_up = false;
    } else {
        buf_puts(&a->peer->out, "{\"asked\":true}\n");
    }
}

void live_reloaded(struct live *l, uint64_t reading, struct slice record)
{
    for (uint32_t i = 0; i < l->peers.n; i++) {
        struct live_peer *p = &l->peers.items[i];
        if (p->waits > 0 && p->waits <= reading) {
            buf_puts(&p->out, "{\"reload\":");
            buf_put_slice(&p->out, record);
            buf_puts(&p->out, "}\n");
            p->waits = 0;
            p->hang_up = true;
        }
    }
}

/* ---- who asks for what ---- */

static void answer(void *ctx, struct live_peer *peer, struct json_span request)
{
    struct answering *a = ctx;
    struct json_span ask = json_view_get(request, "ask");
    a->peer = peer;
    a->j = json_out_to(&peer->out);
    peer->hang_up = true;
    if (json_view_is(ask, "top")) {
        answer_top(a);
    } else if (json_view_is(ask, "partials")) {
        answer_partials(a, request);
    } else if (json_view_is(ask, "tap")) {
        begin_tap(a, request);
    } else if (json_view_is(ask, "reload")) {
        begin_reload(a, request);
    } else {
        say_error(a, "a request asks for top, partials, tap or reload");
    }
}

void live_between(struct live *l, struct run *run)
{
    struct answering a = {.live = l, .run = run};
    if (l->peers.socket.fd >= 0) {
        live_peers_step(&l->peers, answer, &a);
    }
}

/* ---- what passes ----------------------------------------------------------------------------- */

static bool rule_reads(const struct ruleset *rs, struct slice name, uint32_t decl)
{
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        const struct rule *rule = &rs->rules[i];
        for (uint32_t k = 0; slice_eq(rule->name, name) && k < rule->n_roles; k++) {
            if (rule->roles[k].decl == decl) {
                return true;
            }
        }
    }
    return false;
}

/* The key of the message, or the field that is declared as such. */
static bool event_has_key(struct live *l, const struct schema_decl *d, const struct event *e,
                          const struct record *r, struct slice key)
{
    if (r && r->has_key && slice_eq(r->key, key)) {
        return true;
    }
    for (uint32_t i = 0; i < d->n_fields && i < e->n_values; i++) {
        if (d->fields[i].is_key && !value_is_missing(e->values[i])) {
            buf_clear(&l->text);
            value_to_text(e->values[i], &l->text);
            return slice_eq(buf_slice(&l->text), key);
        }
    }
    return false;
}

static bool event_passes(struct live *l, const struct live_peer *p, const struct ruleset *rs,
                         const struct event *e, const struct record *r)
{
    const struct live_filter *f = &p->filter;
    const struct schema_decl *d = &rs->decls[e->decl];
    return p->taps && f->events &&
           (f->topic.len == 0 || slice_eq(rs->topics[e->at.topic].name, buf_slice(&f->topic))) &&
           (f->rule.len == 0 || rule_reads(rs, buf_slice(&f->rule), e->decl)) &&
           (f->key.len == 0 || event_has_key(l, d, e, r, buf_slice(&f->key)));
}

static void put_event(struct live *l, const struct ruleset *rs, enum event_fate fate,
                      const struct event *e)
{
    const struct schema_decl *d = &rs->decls[e->decl];
    struct json_out j = json_out_to(&l->line);
    json_object_begin(&j);
    json_member_string(&j, "event", d->name);
    json_member_string(&j, "topic", rs->topics[e->at.topic].name);
    json_member_int(&j, "partition", e->at.partition);
    json_member_int(&j, "offset", e->at.offset);
    member_time(&j, "time", e->time);
    if (fate == FATE_LATE) {
        json_member_bool(&j, "late", true);
    }
    json_key(&j, SLICE_LIT("fields"));
    json_object_begin(&j);
    for (uint32_t i = 0; i < d->n_fields && i < e->n_values; i++) {
        if (!value_is_missing(e->values[i])) {
            buf_clear(&l->text);
            value_to_json(e->values[i], &l->text);
            json_key(&j, d->fields[i].name);
            json_raw(&j, buf_slice(&l->text));
        }
    }
    json_object_end(&j);
    json_object_end(&j);
    json_line_end(&j);
}

void live_observe(struct live *l, const struct ruleset *rs, enum event_fate fate,
                  const struct event *e, const struct record *r)
{
    if (l->peers.n_taps == 0) { /* changes between two batches only */
        return;
    }
    pthread_mutex_lock(&l->passing);
    buf_clear(&l->line);
    for (uint32_t i = 0; i < l->peers.n; i++) {
        struct live_peer *p = &l->peers.items[i];
        if (event_passes(l, p, rs, e, r)) {
            if (l->line.len == 0) {
                put_event(l, rs, fate, e);
            }
            live_peers_tap(&l->peers, p, buf_slice(&l->line));
        }
    }
    pthread_mutex_unlock(&l->passing);
}

void live_alert(struct live *l, const struct out_record *r)
{
    buf_clear(&l->line);
    for (uint32_t i = 0; l->peers.n_taps > 0 && i < l->peers.n; i++) {
        struct live_peer *p = &l->peers.items[i];
        const struct live_filter *f = &p->filter;
        bool passes = p->taps && f->alerts &&
                      (f->rule.len == 0 || slice_eq(r->rule, buf_slice(&f->rule))) &&
                      (f->key.len == 0 || (r->has_key && slice_eq(r->key, buf_slice(&f->key))));
        if (!passes) {
            continue;
        }
        if (l->line.len == 0) {
            buf_puts(&l->line, "{\"alert\":");
            buf_put_slice(&l->line, r->value);
            buf_puts(&l->line, "}\n");
        }
        live_peers_tap(&l->peers, p, buf_slice(&l->line));
    }
}
