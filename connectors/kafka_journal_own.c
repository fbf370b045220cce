/* The journal's own entries: which log this is, and who writes to it. */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"
#include "connectors/kafka_journal_parts.h"

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

static enum err own_identity(struct kafka_journal *j, struct error *err)
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
        char hex[HASH128_HEX_MAX];
        who_and_when(&value);
        hash128_hex(hash128(buf_slice(&value)), hex);
        buf_clear(&value);
        buf_printf(&value, "fyke2 log=%s", hex);
        FYKE_TRY(kafka_journal_append(j, OWN_TASK, key_identity, false, buf_slice(&value), err));
    }
    name_log(j, buf_slice(&value));
    return ERR_OK;
}

enum err kafka_journal_sign(struct kafka_journal *j, struct error *err)
{
    buf_clear(&j->owner);
    buf_puts(&j->owner, "fyke2 owner=");
    who_and_when(&j->owner);
    FYKE_TRY(own_identity(j, err));
    FYKE_TRY(kafka_journal_append(j, OWN_TASK, key_owner, false, buf_slice(&j->owner), err));
    FYKE_TRY(kafka_txn_commit(&j->txn, NULL, NULL, err));
    j->owner_at = j->entries.ends[OWN_TASK];
    return ERR_OK;
}

/* ---- turned away -------------------------------------------------------------------------- */

static enum err take_owner(void *ctx, const struct journal_entry *e, bool *done, struct error *err)
{
    bool *other = ctx;
    (void)err;
    *other = *done = slice_eq(e->key, key_owner);
    return ERR_OK;
}

/* Has anybody signed after us? A log that cannot be read says no: we then begin anew, and either
 * get the name or are told again. */
static bool somebody_signed(struct kafka_journal *j)
{
    bool other = false;
    for (int left = SIGN_MS; left > 0 && !other; left -= SIGN_STEP_MS) {
        struct error ignored = ERROR_INIT;
        if (kafka_changelog_read(&j->log, OWN_TASK, j->owner_at, take_owner, &other, &ignored) !=
            ERR_OK) {
            return false;
        }
        if (!other) {
            usleep(SIGN_STEP_MS * 1000);
        }
    }
    return other;
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
    error_set(err, ERR_KAFKA,
              "another process runs as application %s and has taken over (transactional.id %s): "
              "this one ends. Give each its own --app",
              j->config->app, j->txn.id);
    err->fatal = true;
    return err->code;
}
