#include "tests/support/shared_source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void logs_make(struct logs *l, struct rng *rng, int64_t bound)
{
    for (int i = 0; i < N_TOPICS * N_TASKS; i++) {
        struct line *lines = l->lines[i / N_TASKS][i % N_TASKS];
        int64_t at = rng_range(rng, 0, 20), offset = rng_range(rng, 0, 3);
        for (int k = 0; k < N_RECORDS; k++) {
            int64_t late = rng_range(rng, 0, bound + 2);
            int user = (i % N_TASKS) + N_TASKS * (int)rng_below(rng, 4);
            at = k >= N_RECORDS - 2 ? 10000 + k : at + rng_range(rng, 0, 2);
            snprintf(lines[k].payload, sizeof(lines[k].payload),
                     "{\"user\":\"%c%d\",\"at\":%" PRId64 "}", k >= N_RECORDS - 2 ? 'z' : 'u',
                     user, k >= N_RECORDS - 2 ? at : at - late);
            lines[k].offset = offset;
            offset += 1 + (rng_below(rng, 10) == 0);
        }
    }
}

/* ---- the source --------------------------------------------------------------------------- */

static struct shared_source *of_source(struct source *s)
{
    return (struct shared_source *)(void *)s;
}

static enum err partitions(struct source *base, const struct source_partition **ret,
                           uint32_t *ret_n, struct error *err)
{
    struct shared_source *s = of_source(base);
    (void)err;
    *ret_n = 0;
    for (uint32_t i = 0; i < N_TOPICS * N_TASKS; i++) {
        uint32_t topic = i / N_TASKS, task = i % N_TASKS;
        if ((s->given & (1u << task)) != 0) {
            s->parts[(*ret_n)++] = (struct source_partition){
                .topic = topic,
                .partition = (int32_t)task,
                .first_offset = s->logs->lines[topic][task][0].offset};
        }
    }
    *ret = s->parts;
    return ERR_OK;
}

static void read_from(struct shared_source *s, const struct partition_position *p)
{
    const struct line *lines = s->logs->lines[p->topic][p->partition];
    int *at = &s->at[p->topic][p->partition];
    assert_true((s->given & (1u << p->partition)) != 0);
    s->reads[p->topic][p->partition] = true;
    for (*at = 0; *at < N_RECORDS && lines[*at].offset < p->offset; ++*at) {
    }
}

static enum err start(struct source *base, const struct partition_position *from, uint32_t n,
                      struct error *err)
{
    struct shared_source *s = of_source(base);
    (void)err;
    memset(s->reads, s->alone, sizeof(s->reads));
    for (uint32_t i = 0; i < n; i++) {
        read_from(s, &from[i]);
    }
    return ERR_OK;
}

/* A partition that has something left, beginning at a random one; -1: none has. */
static int pick(struct shared_source *s)
{
    int n = N_TOPICS * N_TASKS, from = (int)rng_below(&s->rng, (uint64_t)n);
    for (int i = 0; i < n; i++) {
        int p = (from + i) % n;
        if (s->reads[p / N_TASKS][p % N_TASKS] && s->at[p / N_TASKS][p % N_TASKS] < N_RECORDS) {
            return p;
        }
    }
    return -1;
}

static enum source_change give(struct shared_source *s)
{
    if (!s->give_now) {
        return SOURCE_SAME;
    }
    s->give_now = false;
    s->changes--;
    return SOURCE_TAKEN;
}

/* In the end everything is given. */
static unsigned next_set(struct shared_source *s)
{
    if (s->changes == 0) {
        return ALL_TASKS;
    }
    return s->without != 0 ? ALL_TASKS & ~(1u << s->without)
                           : (unsigned)rng_below(&s->rng, ALL_TASKS + 1);
}

static enum source_change change(struct shared_source *s)
{
    if (s->taken) {
        s->taken = false;
        if (s->abandoned && s->changes == 0) {
            s->log->held_task = -1;
        }
        s->given = s->next_given;
        return SOURCE_GIVEN;
    }
    if (s->waits) {
        return give(s);
    }
    if (s->changes > 0 && rng_below(&s->rng, 40) == 0) {
        s->changes--;
        s->next_given = next_set(s);
        return SOURCE_TAKEN;
    }
    return SOURCE_SAME;
}

static struct slice user_of(const struct line *line)
{
    const char *user = line->payload + strlen("{\"user\":\"");
    return slice_from(user, strcspn(user, "\""));
}

static struct record next_of(struct shared_source *s, int p)
{
    const struct line *line =
        &s->logs->lines[p / N_TASKS][p % N_TASKS][s->at[p / N_TASKS][p % N_TASKS]++];
    return (struct record){.topic = (uint32_t)p / N_TASKS,
                           .partition = p % N_TASKS,
                           .offset = line->offset,
                           .has_key = true,
                           .key = user_of(line),
                           .has_value = true,
                           .value = slice_of(line->payload)};
}

static enum err poll(struct source *base, uint32_t max, struct duration wait,
                     struct source_batch *ret, struct error *err)
{
    struct shared_source *s = of_source(base);
    int p = pick(s);
    (void)max, (void)wait, (void)err;
    if (p < 0 && s->at_rest != NULL) {
        s->at_rest(s);
    }
    *ret = (struct source_batch){0};
    ret->records = s->records;
    for (; p >= 0; p = ret->n < s->at_once ? pick(s) : -1) {
        s->records[ret->n++] = next_of(s, p);
    }
    ret->change = s->alone ? SOURCE_SAME : change(s);
    ret->finished = ret->n == 0 && s->changes == 0 && !s->taken && ret->change == SOURCE_SAME;
    return ERR_OK;
}

static enum err let_go(struct source *base, struct error *err)
{
    struct shared_source *s = of_source(base);
    (void)err;
    s->abandoned |= s->without != 0 && s->changes == 1 && !s->reads[0][s->without];
    memset(s->reads, 0, sizeof(s->reads));
    s->taken = true;
    return ERR_OK;
}

static const struct source_ops source_ops = {
    .partitions = partitions, .start = start, .poll = poll, .let_go = let_go};

void shared_source_init(struct shared_source *s, const struct logs *l, uint64_t seed, unsigned changes)
{
    *s = (struct shared_source){.source.ops = &source_ops,
                                .logs = l,
                                .rng = rng_seed(seed),
                                .taken = true,
                                .next_given = changes == 0 ? ALL_TASKS : (unsigned)(seed % (ALL_TASKS + 1)),
                                .changes = changes};
}
