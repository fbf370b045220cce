#include "tests/support/sim_journal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/xalloc.h"

struct sim_journal {
    struct journal journal; /* first */
    struct sink sink;
    struct sim_log *log;
    uint32_t epoch;
    const volatile sig_atomic_t *stop; /* of a reader */
    /* The open transaction. */
    struct sim_entry *entries;
    size_t n_entries, cap_entries;
    struct sim_alert *alerts;
    size_t n_alerts, cap_alerts;
};

static struct sim_journal *of_journal(struct journal *j)
{
    return (struct sim_journal *)(void *)j;
}

static struct sim_journal *of_sink(struct sink *s)
{
    return (struct sim_journal *)(void *)((char *)s - offsetof(struct sim_journal, sink));
}

static void entry_release(struct sim_entry *e)
{
    free(e->key);
    free(e->value);
}

static void alert_release(struct sim_alert *a)
{
    free(a->rule);
    free(a->key);
    free(a->value);
}

/* ---- the log ------------------------------------------------------------------------------ */

void sim_log_init(struct sim_log *log)
{
    *log = (struct sim_log){.identity = "sim", .max_value_bytes = 16384, .fd = -1, .held_task = -1};
    log->lock = xcalloc(1, sizeof(*log->lock));
    pthread_mutex_init(log->lock, NULL);
}

void sim_log_release(struct sim_log *log)
{
    for (size_t i = 0; i < log->n_entries; i++) {
        entry_release(&log->entries[i]);
    }
    for (size_t i = 0; i < log->n_alerts; i++) {
        alert_release(&log->alerts[i]);
    }
    free(log->entries);
    free(log->alerts);
    free(log->positions);
    if (log->fd >= 0) {
        close(log->fd);
    }
    if (log->lock != NULL) {
        pthread_mutex_destroy(log->lock);
        free(log->lock);
    }
    *log = (struct sim_log){.fd = -1};
}

static bool same_key(const struct sim_entry *a, const struct sim_entry *b)
{
    return a->task == b->task && a->key_len == b->key_len &&
           memcmp(a->key, b->key, a->key_len) == 0;
}

static int by_key(const void *x, const void *y)
{
    const struct sim_entry *const *a = x, *const *b = y;
    if ((*a)->task != (*b)->task) {
        return (*a)->task < (*b)->task ? -1 : 1;
    }
    int c = slice_cmp(slice_from((*a)->key, (*a)->key_len), slice_from((*b)->key, (*b)->key_len));
    if (c != 0) {
        return c;
    }
    return (*a)->position < (*b)->position ? -1 : (*a)->position > (*b)->position;
}

void sim_log_compact(struct sim_log *log, struct rng *rng, int64_t keeps)
{
    const struct sim_entry **sorted = xmalloc((log->n_entries + 1) * sizeof(*sorted));
    bool *gone = xcalloc(log->n_entries + 1, sizeof(*gone));
    size_t kept = 0;
    for (size_t i = 0; i < log->n_entries; i++) {
        sorted[i] = &log->entries[i];
    }
    qsort(sorted, log->n_entries, sizeof(*sorted), by_key);
    for (size_t i = 0, live = 0; i < log->n_entries; i++) {
        bool first = i == 0 || !same_key(sorted[i], sorted[i - 1]);
        bool replaced = i + 1 < log->n_entries && same_key(sorted[i], sorted[i + 1]);
        bool old = sorted[i]->deleted && log->now - sorted[i]->time >= keeps;
        live = first ? 0 : live; /* entries of the key that stay: a deletion stays with them */
        bool drop = (old && live == 0) || (replaced && rng_below(rng, 4) != 0);
        gone[sorted[i] - log->entries] = drop;
        live += !drop;
    }
    for (size_t i = 0; i < log->n_entries; i++) {
        if (gone[i]) {
            entry_release(&log->entries[i]);
        } else {
            log->entries[kept++] = log->entries[i];
        }
    }
    log->n_entries = kept;
    free(sorted);
    free(gone);
}

void sim_log_truncate(struct sim_log *log, size_t n)
{
    while (log->n_entries > n) {
        entry_release(&log->entries[--log->n_entries]);
    }
}

void sim_log_expire_positions(struct sim_log *log)
{
    log->n_positions = 0;
}

static int by_value(const void *x, const void *y)
{
    const struct sim_alert *const *a = x, *const *b = y;
    return strcmp((*a)->value, (*b)->value);
}

static int compare_keys(const struct sim_alert *a, const struct sim_alert *b)
{
    int c = strcmp(a->rule, b->rule);
    if (c != 0 || a->key == NULL || b->key == NULL) {
        return c != 0 ? c : (a->key != NULL) - (b->key != NULL);
    }
    return strcmp(a->key, b->key);
}

static int by_sequence(const void *x, const void *y)
{
    const struct sim_alert *const *a = x, *const *b = y;
    int c = compare_keys(*a, *b);
    return c != 0 ? c : (*a < *b ? -1 : *a > *b);
}

static void put_sorted(const struct sim_log *log, int (*cmp)(const void *, const void *),
                       struct buf *out)
{
    const struct sim_alert **all = xmalloc((log->n_alerts + 1) * sizeof(*all));
    for (size_t i = 0; i < log->n_alerts; i++) {
        all[i] = &log->alerts[i];
    }
    qsort(all, log->n_alerts, sizeof(*all), cmp);
    buf_clear(out);
    for (size_t i = 0; i < log->n_alerts; i++) {
        buf_puts(out, all[i]->value);
        buf_put_byte(out, '\n');
    }
    free(all);
}

void sim_log_alerts(const struct sim_log *log, struct buf *out)
{
    put_sorted(log, by_value, out);
}

void sim_log_sequences(const struct sim_log *log, struct buf *out)
{
    put_sorted(log, by_sequence, out);
}

/* ---- the file ----------------------------------------------------------------------------- */

static char *copy(struct slice s)
{
    char *p = xmalloc(s.len + 1);
    if (s.len > 0) {
        memcpy(p, s.ptr, s.len);
    }
    p[s.len] = '\0';
    return p;
}

static char *take_text(struct reader *r)
{
    return copy(read_blob(r));
}

static void set_position(struct sim_log *log, uint32_t task, const struct partition_position *at,
                         uint64_t seq)
{
    size_t i = 0;
    while (i < log->n_positions && (log->positions[i].at.topic != at->topic ||
                                    log->positions[i].at.partition != at->partition)) {
        i++;
    }
    if (i == log->n_positions) {
        VEC_PUSH(log->positions, log->n_positions, log->cap_positions) = (struct sim_position){0};
    }
    log->positions[i] = (struct sim_position){task, *at, seq};
}

static void load_task(struct sim_log *log, struct reader *r)
{
    uint32_t task = (uint32_t)read_varint(r);
    uint64_t seq = read_varint(r);
    for (uint64_t n = read_varint(r); n > 0; n--) {
        struct partition_position at = {.topic = (uint32_t)read_varint(r)};
        at.partition = (int32_t)read_zigzag(r);
        at.offset = read_zigzag(r);
        set_position(log, task, &at, seq);
    }
}

/* A committed transaction as it stands in the file; also the way into the log in memory. */
static void load_transaction(struct sim_log *log, struct slice frame)
{
    struct reader r = reader_of(frame);
    for (uint64_t n = read_varint(&r); n > 0; n--) {
        struct sim_entry e = {.task = (uint32_t)read_varint(&r)};
        struct slice key = read_blob(&r);
        e.deleted = read_byte(&r) != 0;
        struct slice value = read_blob(&r);
        e.key = copy(key);
        e.value = copy(value);
        e.key_len = key.len;
        e.value_len = value.len;
        e.time = read_zigzag(&r);
        e.position = log->end++;
        log->last_commit_bytes += key.len + value.len;
        VEC_PUSH(log->entries, log->n_entries, log->cap_entries) = e;
    }
    for (uint64_t n = read_varint(&r); n > 0; n--) {
        load_task(log, &r);
    }
    for (uint64_t n = read_varint(&r); n > 0; n--) {
        struct sim_alert a = {.rule = take_text(&r)};
        a.key = read_byte(&r) != 0 ? take_text(&r) : NULL;
        a.value = take_text(&r);
        VEC_PUSH(log->alerts, log->n_alerts, log->cap_alerts) = a;
    }
    assert_false(r.failed);
    log->end++; /* the marker */
    log->commits++;
}

void sim_log_open_file(struct sim_log *log, const char *path)
{
    struct buf all = BUF_INIT;
    char chunk[4096];
    sim_log_init(log);
    log->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(log->fd >= 0);
    for (ssize_t n = read(log->fd, chunk, sizeof(chunk)); n > 0;
         n = read(log->fd, chunk, sizeof(chunk))) {
        buf_put(&all, chunk, (size_t)n);
    }
    struct reader r = reader_of(buf_slice(&all));
    size_t good = 0;
    for (;;) {
        uint64_t sum = read_u64be(&r);
        struct slice frame = read_bytes(&r, read_u32be(&r));
        if (r.failed || frame.len == 0 || hash64(frame) != sum) {
            break; /* a kill cut the last write */
        }
        load_transaction(log, frame);
        good = all.len - reader_left(&r);
    }
    assert_int_equal(ftruncate(log->fd, (off_t)good), 0);
    assert_int_equal(lseek(log->fd, 0, SEEK_END), (off_t)good);
    buf_release(&all);
}

static void write_frame(const struct sim_log *log, struct slice frame)
{
    struct buf out = BUF_INIT;
    buf_put_u64be(&out, hash64(frame));
    buf_put_u32be(&out, (uint32_t)frame.len);
    buf_put_slice(&out, frame);
    assert_int_equal(write(log->fd, out.ptr, out.len), (ssize_t)out.len);
    buf_release(&out);
}

/* ---- calls -------------------------------------------------------------------------------- */

static void give_back(pthread_mutex_t **lock)
{
    pthread_mutex_unlock(*lock);
}

static pthread_mutex_t *take(const struct sim_journal *s)
{
    pthread_mutex_lock(s->log->lock);
    return s->log->lock;
}

/* Until the end of the function. */
#define LOCKED(s) FYKE_CLEANUP(give_back) pthread_mutex_t *locked_ = take(s)

static void forget_transaction(struct sim_journal *s)
{
    for (size_t i = 0; i < s->n_entries; i++) {
        entry_release(&s->entries[i]);
    }
    for (size_t i = 0; i < s->n_alerts; i++) {
        alert_release(&s->alerts[i]);
    }
    s->log->end += s->n_entries > 0 ? (int64_t)s->n_entries + 1 : 0;
    s->n_entries = s->n_alerts = 0;
}

static enum err crash(struct sim_log *log, struct error *err)
{
    log->dead = true;
    return error_set(err, ERR_IO, "crashed");
}

/* What happens to this call; SIM_CRASH_AFTER is the caller's. */
static enum err enter(struct sim_journal *s, enum sim_fault *ret, struct error *err)
{
    struct sim_log *log = s->log;
    *ret = SIM_NOTHING;
    if (log->dead) {
        return crash(log, err);
    }
    if (s->epoch != log->epoch) {
        error_set(err, ERR_KAFKA, "fenced: another one writes under this name");
        err->fatal = true;
        return ERR_KAFKA;
    }
    log->calls++;
    if (log->fault_in == 0 || --log->fault_in > 0) {
        return ERR_OK;
    }
    *ret = log->fault;
    if (*ret == SIM_ABORT) {
        forget_transaction(s);
        return error_set(err, ERR_ABORTED, "aborted");
    }
    return *ret == SIM_CRASH ? crash(log, err) : ERR_OK;
}

/* Outside of transactions nothing can be aborted: the fault waits. */
static enum err enter_reading(struct sim_journal *s, enum sim_fault *ret, struct error *err)
{
    bool waits = s->log->fault == SIM_ABORT;
    uint64_t in = s->log->fault_in;
    s->log->fault_in = waits ? 0 : in;
    enum err rc = enter(s, ret, err);
    s->log->fault_in = waits ? in : s->log->fault_in;
    return rc;
}

static enum err leave(struct sim_journal *s, enum sim_fault fault, struct error *err)
{
    return fault == SIM_CRASH_AFTER ? crash(s->log, err) : ERR_OK;
}

static enum err sim_open(struct journal *j, bool reset, struct error *err)
{
    struct sim_journal *s = of_journal(j);
    LOCKED(s);
    struct sim_log *log = s->log;
    (void)err;
    log->dead = false;
    s->epoch = ++log->epoch;
    if (reset) {
        sim_log_truncate(log, 0);
        log->n_positions = 0;
        log->first = log->end;
    }
    return ERR_OK;
}

static enum err sim_standing(struct journal *j, uint32_t task, struct journal_standing *ret,
                             struct error *err)
{
    struct sim_journal *s = of_journal(j);
    LOCKED(s);
    const struct sim_log *log = s->log;
    enum sim_fault fault;
    FYKE_TRY(enter_reading(s, &fault, err));
    *ret = (struct journal_standing){
        .first = log->first,
        .end = log->end,
        .identity = slice_of(log->identity),
    };
    for (size_t i = 0; i < log->n_positions; i++) {
        const struct sim_position *p = &log->positions[i];
        if (p->task != task) {
            continue;
        }
        ret->seq = ret->found ? ret->seq : p->seq;
        ret->found = true;
        if (p->seq != ret->seq) {
            return error_set(err, ERR_STATE, "positions of commits %" PRIu64 " and %" PRIu64,
                             ret->seq, p->seq);
        }
    }
    return leave(s, fault, err);
}

/* The next entry at or behind `from`; false: there is none. Entries stay where they are while engines
 * live, the array does not. */
static bool next_entry(struct sim_journal *s, uint32_t task, size_t *at, int64_t from,
                       struct journal_entry *ret)
{
    LOCKED(s);
    for (; *at < s->log->n_entries; ++*at) {
        const struct sim_entry *e = &s->log->entries[*at];
        if (e->task == task && e->position >= from) {
            *ret = (struct journal_entry){slice_from(e->key, e->key_len), e->deleted,
                                          slice_from(e->value, e->value_len), e->position};
            ++*at;
            return true;
        }
    }
    return false;
}

static enum err enter_entry(struct sim_journal *s, enum sim_fault *ret, struct error *err)
{
    LOCKED(s);
    return enter_reading(s, ret, err);
}

/* As a slow log does to whoever restores a task. */
static enum err wait_while_held(const struct sim_journal *s, uint32_t task, struct error *err)
{
    while (s->stop != NULL &&
           __atomic_load_n(&s->log->held_task, __ATOMIC_ACQUIRE) == (int64_t)task) {
        if (*s->stop != 0) {
            return error_set(err, ERR_KAFKA, "stopped while reading");
        }
        usleep(1000);
    }
    return ERR_OK;
}

static enum err sim_read_decided(struct journal *j, uint32_t task, int64_t from, journal_entry_fn fn,
                                 void *ctx, struct error *err)
{
    struct sim_journal *s = of_journal(j);
    struct journal_entry entry;
    bool done = false;
    for (size_t at = 0; !done && next_entry(s, task, &at, from, &entry);) {
        enum sim_fault fault;
        FYKE_TRY(enter_entry(s, &fault, err));
        FYKE_TRY(fn(ctx, &entry, &done, err));
        FYKE_TRY(leave(s, fault, err));
        if (s->log->clean_in > 0 && --s->log->clean_in == 0) {
            struct rng rng = rng_seed(1);
            sim_log_compact(s->log, &rng, 0);
            from = entry.position + 1;
            at = 0; /* what was there has moved: from the beginning */
        }
    }
    return ERR_OK;
}

static enum err sim_read(struct journal *j, uint32_t task, int64_t from, journal_entry_fn fn,
                         void *ctx, struct error *err)
{
    FYKE_TRY(wait_while_held(of_journal(j), task, err));
    return sim_read_decided(j, task, from, fn, ctx, err);
}

static enum err sim_append(struct journal *j, uint32_t task, struct slice key, bool deleted,
                           struct slice value, struct error *err)
{
    struct sim_journal *s = of_journal(j);
    LOCKED(s);
    enum sim_fault fault;
    FYKE_TRY(enter(s, &fault, err));
    assert_true(value.len <= j->max_value_bytes);
    assert_true(!deleted || value.len == 0);
    VEC_PUSH(s->entries, s->n_entries, s->cap_entries) =
        (struct sim_entry){.task = task,
                           .key = copy(key),
                           .value = copy(value),
                           .key_len = key.len,
                           .value_len = value.len,
                           .deleted = deleted};
    return leave(s, fault, err);
}

static void encode_task(const struct journal_task *t, struct buf *out)
{
    buf_put_varint(out, t->task);
    buf_put_varint(out, t->seq);
    buf_put_varint(out, t->n_positions);
    for (uint32_t i = 0; i < t->n_positions; i++) {
        buf_put_varint(out, t->positions[i].topic);
        buf_put_zigzag(out, t->positions[i].partition);
        buf_put_zigzag(out, t->positions[i].offset);
    }
}

static void encode_transaction(const struct sim_journal *s, const struct journal_task *tasks,
                               uint32_t n_tasks, struct buf *out)
{
    buf_put_varint(out, s->n_entries);
    for (size_t i = 0; i < s->n_entries; i++) {
        const struct sim_entry *e = &s->entries[i];
        buf_put_varint(out, e->task);
        buf_put_blob(out, slice_from(e->key, e->key_len));
        buf_put_byte(out, e->deleted);
        buf_put_blob(out, slice_from(e->value, e->value_len));
        buf_put_zigzag(out, s->log->now);
    }
    buf_put_varint(out, n_tasks);
    for (uint32_t i = 0; i < n_tasks; i++) {
        encode_task(&tasks[i], out);
    }
    buf_put_varint(out, s->n_alerts);
    for (size_t i = 0; i < s->n_alerts; i++) {
        const struct sim_alert *a = &s->alerts[i];
        buf_put_blob(out, slice_of(a->rule));
        buf_put_byte(out, a->key != NULL);
        if (a->key != NULL) {
            buf_put_blob(out, slice_of(a->key));
        }
        buf_put_blob(out, slice_of(a->value));
    }
}

static enum err sim_commit(struct journal *j, struct journal_task *tasks, uint32_t n,
                           struct error *err)
{
    struct sim_journal *s = of_journal(j);
    LOCKED(s);
    struct sim_log *log = s->log;
    struct buf frame = BUF_INIT;
    enum sim_fault fault;
    FYKE_TRY(enter(s, &fault, err));
    assert_true(n > 0);
    encode_transaction(s, tasks, n, &frame);
    if (log->fd >= 0) {
        write_frame(log, buf_slice(&frame));
    }
    int64_t begin = log->end;
    log->last_commit_bytes = 0;
    load_transaction(log, buf_slice(&frame));
    for (uint32_t i = 0; i < n; i++) {
        assert_true(tasks[i].behind <= begin);
        tasks[i].position = begin + (int64_t)s->n_entries;
    }
    int64_t end = log->end;
    forget_transaction(s);
    log->end = end;
    buf_release(&frame);
    return leave(s, fault, err);
}

static bool sim_presses(struct journal *j)
{
    (void)j;
    return false;
}

static void sim_close(struct journal *j)
{
    struct sim_journal *s = of_journal(j);
    forget_transaction(s);
    free(s->entries);
    free(s->alerts);
    free(s);
}

static void reader_close(struct journal *j)
{
    free(of_journal(j));
}

static enum err sim_warm(struct journal *j, uint32_t copies, uint32_t n, bool *ret,
                         struct error *err)
{
    (void)err;
    for (uint32_t i = 0; i < n; i++) {
        ret[i] = copies > 0 && (of_journal(j)->log->warm & (1u << i)) != 0;
    }
    return ERR_OK;
}

static enum err sim_reader(struct journal *j, const struct journal_reader_options *o,
                           struct journal **ret, struct error *err)
{
    static const struct journal_ops reader_ops = {
        .standing = sim_standing, .read = sim_read,
        .read_decided = sim_read_decided, .warm = sim_warm, .close = reader_close};
    const struct sim_journal *of = of_journal(j);
    struct sim_journal *s = xcalloc(1, sizeof(*s));
    (void)err;
    s->journal = (struct journal){&reader_ops, of->journal.max_value_bytes};
    s->log = of->log;
    s->epoch = of->epoch;
    s->stop = o->stop;
    *ret = &s->journal;
    return ERR_OK;
}

static const struct journal_ops ops = {.open = sim_open,
                                       .standing = sim_standing,
                                       .read = sim_read,
                                       .read_decided = sim_read_decided,
                                       .append = sim_append,
                                       .commit = sim_commit,
                                       .presses = sim_presses,
                                       .reader = sim_reader,
                                       .close = sim_close};

/* ---- sink --------------------------------------------------------------------------------- */

static enum err sink_write(struct sink *sink, const struct out_record *r, struct error *err)
{
    struct sim_journal *s = of_sink(sink);
    LOCKED(s);
    enum sim_fault fault;
    FYKE_TRY(enter(s, &fault, err));
    VEC_PUSH(s->alerts, s->n_alerts, s->cap_alerts) = (struct sim_alert){
        copy(r->rule), r->has_key ? copy(r->key) : NULL, copy(r->value)};
    return leave(s, fault, err);
}

static enum err sink_flush(struct sink *sink, struct error *err)
{
    struct sim_journal *s = of_sink(sink);
    LOCKED(s);
    enum sim_fault fault;
    FYKE_TRY(enter(s, &fault, err));
    return leave(s, fault, err);
}

static const struct sink_ops sink_ops = {sink_write, sink_flush, NULL};

struct journal *sim_journal_new(struct sim_log *log)
{
    struct sim_journal *s = xcalloc(1, sizeof(*s));
    s->journal = (struct journal){&ops, log->max_value_bytes};
    s->sink.ops = &sink_ops;
    s->log = log;
    return &s->journal;
}

struct sink *sim_journal_sink(struct journal *j)
{
    return &of_journal(j)->sink;
}
