/* The journal's own entries: which log this is, and who writes to it. */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/xalloc.h"
#include "connectors/kafka_journal_parts.h"
#include "connectors/kafka_names.h"

#define OWN_TASK 0
#define CLUSTER_MS 10000
/* A process that has taken the name over signs within this time, as a rule much sooner. */
#define SIGN_MS 3000
#define SIGN_STEP_MS 200

static const struct slice key_identity = {"\0JI", 3};
static const struct slice key_owner = {"\0JO", 3};

bool kafka_journal_is_own(struct slice key)
{
    return slice_starts_with(key, slice_from("\0J", 2));
}

/* ---- reading ------------------------------------------------------------------------------ */

struct first_entry {
    bool found, is_identity;
    struct buf *value;
};

static enum err take_first(void *ctx, const struct journal_entry *e, bool *done, struct error *err)
{
    struct first_entry *f = ctx;
    (void)err;
    f->found = true;
    f->is_identity = slice_eq(e->key, key_identity) && !e->deleted;
    buf_clear(f->value);
    buf_put_slice(f->value, e->value);
    *done = true;
    return ERR_OK;
}

/* ---- writing ------------------------------------------------------------------------------ */

/* Unlike any other: whoever makes a log makes no other at this time. */
static void who_and_when(struct buf *ret)
{
    char host[256] = "?";
    struct timespec t;
    gethostname(host, sizeof(host) - 1);
    clock_gettime(CLOCK_REALTIME, &t);
    buf_printf(ret, "%s:%d:%lld.%09ld", host, (int)getpid(), (long long)t.tv_sec, t.tv_nsec);
}

static void name_log(struct kafka_journal *j, struct slice value)
{
    char *cluster = rd_kafka_clusterid(j->log.client.rk, CLUSTER_MS);
    buf_clear(&j->identity);
    buf_printf(&j->identity, "%s %s %.*s", cluster ? cluster : "?", j->log.topic, SLICE_ARG(value));
    rd_kafka_mem_free(j->log.client.rk, cluster);
}

static enum err write_identity(struct kafka_txn *t, struct kafka_target *to, struct buf *ret,
                               struct error *err)
{
    char hex[HASH128_HEX_MAX];
    who_and_when(ret);
    hash128_hex(hash128(buf_slice(ret)), hex);
    buf_clear(ret);
    buf_printf(ret, "fyke2 log=%s", hex);
    struct kafka_message m = {.partition = OWN_TASK,
                              .has_key = true,
                              .key = key_identity,
                              .has_value = true,
                              .value = buf_slice(ret)};
    return kafka_txn_send(t, to, &m, err);
}

/* Reads it, or writes it to the open transaction. */
static enum err own_identity(struct kafka_journal *j, struct kafka_txn *t, struct kafka_target *to,
                             struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf value = BUF_INIT;
    struct first_entry first = {.value = &value};
    FYKE_TRY(kafka_changelog_read(&j->log, OWN_TASK, JOURNAL_BEGIN, take_first, &first, err));
    if (first.found && !first.is_identity) {
        return error_set(err, ERR_STATE,
                         "the changelog topic %s does not begin with its identity: records were "
                         "removed from it, or others write to it. --reset-state makes it anew",
                         j->log.topic);
    }
    if (!first.found) {
        FYKE_TRY(write_identity(t, to, &value, err));
    }
    name_log(j, buf_slice(&value));
    return ERR_OK;
}

/* Whoever initialises the name aborts what another left open, and reads what it committed. */
static enum err make_log(struct kafka_journal *j, struct kafka_txn *solo, struct kafka_target *to,
                         struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf id = BUF_INIT;
    kafka_transactional_id(j->config->app, NULL, &id);
    FYKE_TRY(kafka_txn_open(solo, j->config, buf_cstr(&id), err));
    FYKE_TRY(kafka_txn_init(solo, err));
    FYKE_TRY(kafka_changelog_ensure(&j->log, false, err));
    FYKE_TRY(kafka_target_open(solo, to, err));
    FYKE_TRY(own_identity(j, solo, to, err));
    return solo->open ? kafka_txn_commit(solo, NULL, NULL, err) : ERR_OK;
}

enum err kafka_journal_found(struct kafka_journal *j, struct error *err)
{
    struct kafka_txn solo = {0};
    struct kafka_target to = {.name = xstrdup(j->log.topic), .what = "the identity", .made = true};
    enum err rc = make_log(j, &solo, &to, err);
    kafka_txn_close_transaction(&solo);
    kafka_target_close(&to);
    kafka_txn_close(&solo);
    return rc;
}

/* Each instance has an entry of its own. */
static struct slice owner_key(const struct kafka_journal *j, struct buf *buf)
{
    buf_put_slice(buf, key_owner);
    if (j->in_group) {
        buf_puts(buf, j->config->instance_id);
    }
    return buf_slice(buf);
}

enum err kafka_journal_sign(struct kafka_journal *j, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf key = BUF_INIT;
    buf_clear(&j->owner);
    buf_puts(&j->owner, "fyke2 owner=");
    who_and_when(&j->owner);
    if (!j->in_group) {
        FYKE_TRY(own_identity(j, &j->txn, &j->entries, err));
    }
    FYKE_TRY(kafka_journal_append(j, OWN_TASK, owner_key(j, &key), false, buf_slice(&j->owner),
                                  err));
    FYKE_TRY(kafka_txn_commit(&j->txn, NULL, NULL, err));
    j->owner_at = j->entries.ends[OWN_TASK];
    /* Of the task: whoever has it now goes on behind this, and we behind that when we get it. */
    j->entries.lowest[OWN_TASK] = INT64_MAX;
    return ERR_OK;
}

/* ---- turned away -------------------------------------------------------------------------- */

struct other_owner {
    struct slice key;
    bool found;
};

static enum err take_owner(void *ctx, const struct journal_entry *e, bool *done, struct error *err)
{
    struct other_owner *other = ctx;
    (void)err;
    other->found = *done = slice_eq(e->key, other->key);
    return ERR_OK;
}

/* Has anybody signed after us? A log that cannot be read says no: we then begin anew, and either
 * get the name or are told again. */
static bool somebody_signed(struct kafka_journal *j)
{
    FYKE_CLEANUP(buf_release) struct buf key = BUF_INIT;
    struct other_owner other = {.key = owner_key(j, &key)};
    for (int left = SIGN_MS; left > 0 && !other.found; left -= SIGN_STEP_MS) {
        struct error ignored = ERROR_INIT;
        if (kafka_changelog_read(&j->log, OWN_TASK, j->owner_at, take_owner, &other, &ignored) !=
            ERR_OK) {
            return false;
        }
        if (!other.found) {
            usleep(SIGN_STEP_MS * 1000);
        }
    }
    return other.found;
}

static enum err taken_over(const struct kafka_journal *j, struct error *err)
{
    error_set(err, ERR_KAFKA,
              "another process runs as application %s and has taken over (transactional.id %s): "
              "this one ends. Give each its own %s",
              j->config->app, j->txn.id, j->in_group ? "--instance-id" : "--app");
    err->fatal = true;
    return err->code;
}

/* Whoever takes our name signs before it joins the group. Without that it was the group that lost count: a
 * coordinator that takes over from one that died may know us by what we were called before. */
enum err kafka_journal_judge_member(struct kafka_journal *j, struct error *err)
{
    if (somebody_signed(j)) {
        return taken_over(j, err);
    }
    return error_set(err, ERR_ABORTED, "kafka: the group does not know this member any more, although no other "
                     "process has taken the name %s", j->config->instance_id);
}

/* A transaction that is younger than its time-out cannot have been ended by the coordinator. */
enum err kafka_journal_judge(struct kafka_journal *j, enum err rc, struct error *err)
{
    if (!j->txn.fenced) {
        return rc;
    }
    if (kafka_txn_overdue(&j->txn) && !somebody_signed(j)) {
        return error_set(err, ERR_ABORTED,
                         "kafka: a transaction took longer than transaction.timeout.ms (%d) and "
                         "was aborted by the broker",
                         j->txn.timeout_ms);
    }
    return taken_over(j, err);
}
