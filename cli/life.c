#include "cli/life.h"

#include <inttypes.h>

#include "base/json_out.h"

#define STATUS_EVERY ((struct duration){5 * NS_PER_S})
#define SIGN_EVERY ((struct duration){NS_PER_S})
/* Until it is ready systemd's patience is stretched from sign to sign. */
#define START_PATIENCE_US 60000000

static struct ptime now_of(const struct life *l)
{
    return l->log->clock.monotonic(l->log->clock.ctx);
}

static struct ptime later(struct ptime t, struct duration d)
{
    return (struct ptime){t.ns + d.ns};
}

const char *life_phase_name(enum run_phase phase)
{
    switch (phase) {
    case RUN_OPENING: return "opening";
    case RUN_STARTING: return "starting";
    case RUN_READY: return "ready";
    case RUN_RELOADING: return "reloading";
    case RUN_STOPPING: return "stopping";
    }
    return "opening";
}

void life_open(struct life *l)
{
    l->socket = LOCAL_SOCKET_CLOSED;
    l->phase = RUN_OPENING;
    l->started = now_of(l);
    l->next_sign = l->next_status = l->started;
    notify_open(&l->notify);
}

void life_close(struct life *l)
{
    local_socket_close(&l->socket);
    notify_close(&l->notify);
}

/* ---- phases ------------------------------------------------------------------------------- */

static void open_socket(struct life *l)
{
    struct error err = ERROR_INIT;
    if (l->state_dir && l->socket.fd < 0 &&
        local_socket_open(&l->socket, l->state_dir, STATUS_SOCKET, true, &err) != ERR_OK) {
        log_say(l->log, LEVEL_WARNING, "life", "%s; `fyke status` will not see this process",
                err.text);
    }
}

static void enter(struct life *l, enum run_phase phase)
{
    l->phase = phase;
    switch (phase) {
    case RUN_OPENING: break;
    case RUN_STARTING: open_socket(l); break;
    case RUN_READY:
        notify_send(&l->notify, "READY=1\nSTATUS=ready");
        if (l->service && !l->was_ready) {
            log_say(l->log, LEVEL_INFO, "life", "ready");
        }
        l->was_ready = true;
        break;
    case RUN_RELOADING:
        notify_send(&l->notify, "RELOADING=1\nMONOTONIC_USEC=%" PRId64 "\nSTATUS=reloading",
                    now_of(l).ns / 1000);
        break;
    case RUN_STOPPING:
        notify_send(&l->notify, "STOPPING=1\nSTATUS=stopping");
        if (l->service) {
            log_say(l->log, LEVEL_INFO, "life", "stopping: what was read is finished");
        }
        break;
    }
}

/* ---- what is asked -------------------------------------------------------------------------- */

static void put_figures(void *ctx, const struct run_figures *f)
{
    struct json_out *j = ctx;
    json_member_uint(j, "records", f->engine.records);
    json_member_uint(j, "alerts", f->engine.alerts_total);
    json_member_uint(j, "late", f->engine.late);
    json_member_uint(j, "keys", f->engine.live_keys);
    json_member_uint(j, "commits", f->engine.commits);
    json_member_uint(j, "checkpoints", f->engine.checkpoints);
    char hex[HASH128_HEX_MAX];
    hash128_hex(f->reload.ruleset, hex);
    json_member_string(j, "ruleset", slice_of(hex));
    if (f->reload.record.len > 0) {
        json_key(j, SLICE_LIT("reload"));
        json_raw(j, f->reload.record);
    }
}

static void put_answer(const struct life *l, struct run *run, struct buf *out)
{
    struct json_out j = json_out_to(out);
    json_object_begin(&j);
    json_member_string(&j, "phase", slice_of(life_phase_name(l->phase)));
    json_member_string(&j, "app", slice_of(l->app));
    json_member_int(&j, "up_s", (now_of(l).ns - l->started.ns) / NS_PER_S);
    run_figures_now(run, put_figures, &j);
    json_object_end(&j);
    json_line_end(&j);
}

static void answer_peers(struct life *l, struct run *run)
{
    for (int peer; (peer = local_socket_accept(&l->socket)) >= 0;) {
        FYKE_CLEANUP(buf_release) struct buf line = BUF_INIT;
        put_answer(l, run, &line);
        status_socket_answer(peer, buf_slice(&line));
    }
}

static void put_status(void *ctx, const struct run_figures *f)
{
    const struct life *l = ctx;
    notify_send(&l->notify, "STATUS=%s: %" PRIu64 " records, %" PRIu64 " alerts, %" PRIu64 " keys",
                life_phase_name(l->phase), f->engine.records, f->engine.alerts_total,
                f->engine.live_keys);
}

static void tell_systemd(struct life *l, struct run *run, struct ptime now)
{
    if (!l->was_ready) {
        notify_send(&l->notify, "EXTEND_TIMEOUT_USEC=%d", START_PATIENCE_US);
    } else if (l->notify.watchdog.ns > 0) {
        notify_send(&l->notify, "WATCHDOG=1");
    }
    if (now.ns >= l->next_status.ns && l->notify.fd >= 0) {
        l->next_status = later(now, STATUS_EVERY);
        run_figures_now(run, put_status, l);
    }
}

/* A third of the watchdog's time, so that one that is late does no harm. */
static struct duration sign_every(const struct life *l)
{
    struct duration d = {l->notify.watchdog.ns / 3};
    return d.ns > 0 && d.ns < SIGN_EVERY.ns ? d : SIGN_EVERY;
}

void life_beat(struct life *l, enum run_phase phase, struct run *run)
{
    if (phase != l->phase) {
        enter(l, phase);
    }
    if (l->signals->report != l->reports_seen) {
        l->reports_seen = l->signals->report;
        run_figures_now(run, l->report, l->report_ctx);
    }
    answer_peers(l, run);
    struct ptime now = now_of(l);
    if (now.ns >= l->next_sign.ns) {
        l->next_sign = later(now, sign_every(l));
        tell_systemd(l, run, now);
        log_tick(l->log);
    }
}
