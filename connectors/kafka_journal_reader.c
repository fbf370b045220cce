/* A journal to read only, with a client of its own, so that a thread can restore a task while commits go
 * on. */
#include <stdlib.h>

#include "base/xalloc.h"
#include "connectors/kafka_journal_parts.h"

static void reader_close(struct journal *base)
{
    struct kafka_journal *j = (struct kafka_journal *)base;
    kafka_changelog_close(&j->log);
    buf_release(&j->identity);
    free(j->topics);
    free(j);
}

/* Its time is not what a run owes to those who look after it. */
static struct kafka_config config_of(const struct kafka_journal *j,
                                     const struct journal_reader_options *o)
{
    struct kafka_config c = *j->config;
    c.stop = o->stop;
    c.log = o->log;
    c.log_ctx = o->log_ctx;
    c.beat = NULL;
    return c;
}

enum err kafka_journal_reader(struct journal *base, const struct journal_reader_options *o,
                              struct journal **ret, struct error *err)
{
    static const struct journal_ops ops = {.standing = kafka_journal_standing,
                                           .read = kafka_journal_read,
                                           .read_decided = kafka_journal_read_decided,
                                           .warm = kafka_journal_warm,
                                           .close = reader_close};
    const struct kafka_journal *of = (const struct kafka_journal *)base;
    struct kafka_journal *j = xcalloc(1, sizeof(*j));
    j->base = (struct journal){.ops = &ops, .max_value_bytes = of->base.max_value_bytes};
    j->own = config_of(of, o);
    j->config = &j->own;
    j->rs = of->rs;
    j->topics = of->topics ? xstrdup(of->topics) : NULL;
    j->n_tasks = of->n_tasks;
    j->in_group = of->in_group;
    buf_put_slice(&j->identity, buf_slice(&of->identity));
    enum err rc = kafka_changelog_open(&j->log, j->config, j->n_tasks, of->log.wait_ms, err);
    j->log.young = of->log.young;
    if (rc != ERR_OK) {
        reader_close(&j->base);
        return rc;
    }
    *ret = &j->base;
    return ERR_OK;
}
