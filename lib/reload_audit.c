#include "lib/reload_audit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json_out.h"
#include "base/say.h"
#include "base/xalloc.h"
#include "lib/options.h"

/* Rules and partitions that are named in one record; the others are counted. */
#define MOST_NAMED 1000

/* A part of the record that is being made: objects with a comma between them. */
struct audit_list {
    struct buf items;
    uint32_t named, unnamed;
};

struct reload_audit {
    const struct fyke_run_config *config;
    struct engine_clock clock;
    struct audit_list rules, positions;
    struct buf line; /* the record that was made last */
    struct buf last; /* the last one that was told */
    int fd;          /* -1: none */
    bool cut;        /* its last line has no end */
    uint64_t failed;
    reload_told_fn told;
    void *told_ctx;
};

struct reload_audit *reload_audit_new(const struct fyke_run_config *config)
{
    struct reload_audit *a = xcalloc(1, sizeof(*a));
    struct engine_options o;
    options_to_engine(&config->options, &o);
    a->config = config;
    a->clock = o.clock;
    a->fd = -1;
    return a;
}

void reload_audit_free(struct reload_audit *a)
{
    if (!a) {
        return;
    }
    if (a->fd >= 0) {
        close(a->fd);
    }
    buf_release(&a->rules.items);
    buf_release(&a->positions.items);
    buf_release(&a->line);
    buf_release(&a->last);
    free(a);
}

static int open_file(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
}

enum err reload_audit_open(struct reload_audit *a, struct error *err)
{
    const char *path = a->config->audit;
    if (!path) {
        return ERR_OK;
    }
    a->fd = open_file(path);
    return a->fd >= 0 ? ERR_OK : error_set(err, ERR_IO, "--audit %s: %s", path, strerror(errno));
}

void reload_audit_tell(struct reload_audit *a, reload_told_fn fn, void *ctx)
{
    a->told = fn;
    a->told_ctx = ctx;
}

struct slice reload_audit_last(const struct reload_audit *a)
{
    return buf_slice(&a->last);
}

uint64_t reload_audit_failed(const struct reload_audit *a)
{
    return a->failed;
}

/* ---- parts ------------------------------------------------------------------------------------ */

/* False: there are enough of them. */
static bool begin_item(struct audit_list *l)
{
    if (l->named == MOST_NAMED) {
        l->unnamed++;
        return false;
    }
    if (l->named++ > 0) {
        buf_puts(&l->items, ",");
    }
    return true;
}

static const char *fate_name(enum rule_fate f)
{
    switch (f) {
    case RULE_UNCHANGED: break;
    case RULE_KEPT: return "kept";
    case RULE_NEW: return "new";
    case RULE_CHANGED: return "changed";
    case RULE_REMOVED: return "removed";
    }
    return "unchanged";
}

void reload_audit_rule(struct reload_audit *a, struct slice rule, enum rule_fate fate, const char *open)
{
    struct json_out j = json_out_to(&a->rules.items);
    if (!begin_item(&a->rules)) {
        return;
    }
    json_object_begin(&j);
    json_member_string(&j, "rule", rule);
    json_member_string(&j, "fate", slice_of(fate_name(fate)));
    json_member_string(&j, "open", slice_of(open));
    json_object_end(&j);
}

static void put_time(struct json_out *j, const char *name, struct etime t)
{
    char text[ETIME_TEXT_MAX];
    etime_format(t, text);
    json_member_string(j, name, slice_of(text));
}

void reload_audit_positions(struct reload_audit *a, const struct ruleset *rs,
                            const struct partition_summary *p, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        struct json_out j = json_out_to(&a->positions.items);
        if (!begin_item(&a->positions)) {
            continue;
        }
        json_object_begin(&j);
        json_member_string(&j, "topic", rs->topics[p[i].topic].name);
        json_member_int(&j, "partition", p[i].partition);
        json_member_int(&j, "offset", p[i].next_offset);
        if (p[i].max_time.ns != ETIME_MIN.ns) {
            put_time(&j, "watermark", p[i].watermark);
        }
        json_object_end(&j);
    }
}

static void put_list(struct json_out *j, const char *name, const char *others,
                     const struct audit_list *l)
{
    json_key(j, slice_of(name));
    json_array_begin(j);
    if (l->named > 0) {
        json_raw(j, buf_slice(&l->items));
    }
    json_array_end(j);
    if (l->unnamed > 0) {
        json_member_uint(j, others, l->unnamed);
    }
}

static void clear_list(struct audit_list *l)
{
    buf_clear(&l->items);
    l->named = l->unnamed = 0;
}

/* ---- the whole -------------------------------------------------------------------------------- */

static const char *by_name(enum reload_by by)
{
    switch (by) {
    case RELOAD_BY_SIGNAL: break;
    case RELOAD_BY_COMMAND: return "command";
    case RELOAD_BY_WATCH: return "watch";
    case RELOAD_BY_GROUP: return "group";
    case RELOAD_BY_START: return "start";
    }
    return "signal";
}

static const char *result_name(enum reload_result r)
{
    switch (r) {
    case RELOAD_SWITCHED: return "switched";
    case RELOAD_CONTENTS: return "contents";
    case RELOAD_UNCHANGED: return "unchanged";
    case RELOAD_REFUSED: break;
    }
    return "refused";
}

static void put_hash(struct json_out *j, const char *name, struct hash128 h)
{
    char hex[HASH128_HEX_MAX];
    hash128_hex(h, hex);
    json_member_string(j, name, slice_of(hex));
}

/* Milliseconds, to the microsecond. */
static void put_ms(struct json_out *j, const char *name, double s)
{
    struct buf text = BUF_INIT;
    uint64_t us = (uint64_t)(s * 1e6);
    buf_printf(&text, "%llu.%03u", (unsigned long long)(us / 1000), (unsigned)(us % 1000));
    json_key(j, slice_of(name));
    json_raw(j, buf_slice(&text));
    buf_release(&text);
}

static void put_rules(struct json_out *j, const struct reload_audit *a, const struct rule_diff *d)
{
    json_member_uint(j, "unchanged", d->unchanged);
    json_member_uint(j, "kept", d->kept);
    json_member_uint(j, "new", d->fresh);
    json_member_uint(j, "changed", d->changed);
    json_member_uint(j, "removed", d->removed);
    put_list(j, "rules", "rules_not_named", &a->rules);
}

static void put_outcome(struct json_out *j, const struct reload_audit *a,
                        const struct reload_outcome *o)
{
    put_time(j, "at", a->clock.wall(a->clock.ctx));
    json_member_string(j, "by", slice_of(by_name(o->by)));
    json_member_string(j, "result", slice_of(result_name(o->result)));
    if (!o->first) {
        put_hash(j, "ruleset_before", o->before);
    }
    put_hash(j, "ruleset", o->after);
    if (o->generation > 0) {
        json_member_uint(j, "generation", o->generation);
    }
    if (o->reason.len > 0) {
        json_member_string(j, "reason", o->reason);
    }
    if (o->read_s > 0) {
        put_ms(j, "read_ms", o->read_s);
    }
    if (o->pause_s > 0) {
        put_ms(j, "pause_ms", o->pause_s);
    }
    if (o->compared) {
        put_rules(j, a, &o->rules);
    }
    if (a->positions.named > 0) {
        put_list(j, "positions", "positions_not_named", &a->positions);
    }
}

/* A pipe has nothing to be synced. */
static bool sync_file(int fd)
{
    return fsync(fd) == 0 || errno == EINVAL || errno == EROFS;
}

static void say_failed(const struct reload_audit *a, const char *what, const char *why)
{
    const struct fyke_options *o = &a->config->options;
    FYKE_CLEANUP(buf_release) struct buf said = BUF_INIT;
    buf_printf(&said, SAY_ERROR "reload: %s %s: %s", what, a->config->audit, why);
    if (o->log) {
        o->log(o->log_ctx, buf_cstr(&said));
    }
}

/* Whoever turns logs over renames the file: what comes then belongs into one of its name. */
static void follow_name(struct reload_audit *a)
{
    struct stat named, ours;
    bool there = stat(a->config->audit, &named) == 0;
    if (fstat(a->fd, &ours) != 0 ||
        (there && named.st_dev == ours.st_dev && named.st_ino == ours.st_ino)) {
        return;
    }
    int fd = open_file(a->config->audit);
    if (fd < 0) {
        say_failed(a, "its records stay in the file that was", strerror(errno));
        return;
    }
    close(a->fd);
    a->fd = fd;
    a->cut = false;
}

/* One write per line, so that several processes can share the file. */
static void write_line(struct reload_audit *a)
{
    follow_name(a);
    buf_puts(&a->line, "\n");
    if (a->cut) { /* the disk was full: what is left of that record stays alone */
        a->cut = write(a->fd, "\n", 1) != 1;
    }
    ssize_t n = write(a->fd, a->line.ptr, a->line.len);
    bool whole = n == (ssize_t)a->line.len;
    a->cut |= n > 0 && !whole;
    if (whole && sync_file(a->fd)) {
        return;
    }
    const char *why = n < 0 || whole ? strerror(errno) : "a part of the line was written";
    a->failed++;
    say_failed(a, "its record is not in", why);
}

void reload_audit_end(struct reload_audit *a, const struct reload_outcome *o)
{
    buf_clear(&a->line);
    struct json_out j = json_out_to(&a->line);
    json_object_begin(&j);
    put_outcome(&j, a, o);
    json_object_end(&j);
    clear_list(&a->rules);
    clear_list(&a->positions);
    if (o->by != RELOAD_BY_START) {
        buf_clear(&a->last);
        buf_put_slice(&a->last, buf_slice(&a->line));
        if (a->told) {
            a->told(a->told_ctx, o->reading, buf_slice(&a->last));
        }
    }
    if (a->fd >= 0) {
        write_line(a);
    }
}
