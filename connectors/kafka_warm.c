#include "connectors/kafka_warm.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "connectors/kafka_journal_parts.h"

#define ANSWER_MS 5000
#define MAX_MEMBERS 4096

/* ---- choosing ----------------------------------------------------------------------------- */

/* Whose partition `task` is when `n` members share: the first n_tasks % n take one more. */
static uint32_t owner_of(uint32_t task, uint32_t n, uint32_t n_tasks)
{
    uint32_t each = n_tasks / n, more = n_tasks % n;
    uint32_t of_more = more * (each + 1);
    return task < of_more ? task / (each + 1) : more + (task - of_more) / each;
}

/* `left`: members that are still there, in order; the owner of `task` leaves. */
static uint32_t take_owner(uint32_t *left, uint32_t *n, uint32_t task, uint32_t n_tasks)
{
    uint32_t at = owner_of(task, *n, n_tasks), owner = left[at];
    --*n;
    memmove(left + at, left + at + 1, (*n - at) * sizeof(*left));
    return owner;
}

static bool is_heir(uint32_t *left, uint32_t n, uint32_t self, uint32_t task, uint32_t n_tasks,
                    uint32_t copies)
{
    for (uint32_t i = 0; i < n; i++) {
        left[i] = i;
    }
    if (take_owner(left, &n, task, n_tasks) == self) {
        return false;
    }
    for (uint32_t c = 0; c < copies && n > 0; c++) {
        if (take_owner(left, &n, task, n_tasks) == self) {
            return true;
        }
    }
    return false;
}

void kafka_warm_choose(uint32_t n_members, uint32_t self, uint32_t n_tasks, uint32_t copies,
                       bool *ret)
{
    uint32_t *left = xcalloc(n_members, sizeof(*left));
    for (uint32_t p = 0; p < n_tasks; p++) {
        ret[p] = is_heir(left, n_members, self, p, n_tasks, copies);
    }
    free(left);
}

/* ---- who is there ------------------------------------------------------------------------- */

static rd_kafka_event_t *describe(struct kafka_changelog *log)
{
    char why[128];
    const char *groups[] = {log->group};
    rd_kafka_queue_t *queue = rd_kafka_queue_new(log->client.rk);
    rd_kafka_AdminOptions_t *o =
        rd_kafka_AdminOptions_new(log->client.rk, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS);
    rd_kafka_AdminOptions_set_request_timeout(o, ANSWER_MS, why, sizeof(why));
    rd_kafka_DescribeConsumerGroups(log->client.rk, groups, 1, o, queue);
    rd_kafka_event_t *answer = rd_kafka_queue_poll(queue, -1);
    rd_kafka_AdminOptions_destroy(o);
    rd_kafka_queue_destroy(queue);
    return answer;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum err find_self(const struct kafka_journal *j, const char **names, uint32_t n,
                          uint32_t *ret, struct error *err)
{
    qsort(names, n, sizeof(*names), by_bytes);
    for (*ret = 0; *ret < n; ++*ret) {
        if (strcmp(names[*ret], j->config->instance_id) == 0) {
            return ERR_OK;
        }
    }
    return error_set(err, ERR_KAFKA, "warm copies wait: the group %s does not know us yet",
                     j->log.group);
}

/* Names belong to the answer. */
static enum err members(const struct kafka_journal *j, rd_kafka_event_t *answer,
                        const char **names, uint32_t *ret_n, struct error *err)
{
    size_t n = 0;
    const rd_kafka_DescribeConsumerGroups_result_t *r =
        rd_kafka_event_DescribeConsumerGroups_result(answer);
    const rd_kafka_ConsumerGroupDescription_t **g =
        r ? rd_kafka_DescribeConsumerGroups_result_groups(r, &n) : NULL;
    const rd_kafka_error_t *e = n == 1 ? rd_kafka_ConsumerGroupDescription_error(g[0]) : NULL;
    if (n != 1 || e) {
        return error_set(err, ERR_KAFKA, "warm copies wait: who is in group %s cannot be asked: %s",
                         j->log.group,
                         e ? rd_kafka_error_string(e) : rd_kafka_event_error_string(answer));
    }
    *ret_n = 0;
    for (size_t i = 0; i < rd_kafka_ConsumerGroupDescription_member_count(g[0]) &&
                       *ret_n < MAX_MEMBERS; i++) {
        const rd_kafka_MemberDescription_t *m = rd_kafka_ConsumerGroupDescription_member(g[0], i);
        const char *name = rd_kafka_MemberDescription_group_instance_id(m);
        if (name) {
            names[(*ret_n)++] = name;
        }
    }
    return ERR_OK;
}

enum err kafka_journal_warm(struct journal *base, uint32_t copies, uint32_t n, bool *ret,
                            struct error *err)
{
    struct kafka_journal *j = (struct kafka_journal *)base;
    const char **names = xcalloc(MAX_MEMBERS, sizeof(*names));
    rd_kafka_event_t *answer = describe(&j->log);
    uint32_t n_members, self;
    enum err rc = members(j, answer, names, &n_members, err);
    if (rc == ERR_OK) {
        rc = find_self(j, names, n_members, &self, err);
    }
    if (rc == ERR_OK) {
        kafka_warm_choose(n_members, self, n, copies, ret);
    }
    rd_kafka_event_destroy(answer);
    free(names);
    return rc;
}
