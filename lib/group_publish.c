#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/say.h"
#include "engine/journal/rule_text.h"
#include "lib/group.h"
#include "lib/group_rules_parts.h"
#include "lib/names.h"
#include "lib/rule_store.h"

/* Others may write at the same time: each round somebody gets through. */
#define MAX_ROUNDS 10
#define PAUSE_MS 200

void group_say(const struct group_rules *g, const char *fmt, ...)
{
    char line[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    task_log_line(g->log, line);
}

enum err group_read(struct group_rules *g, struct error *err)
{
    return kafka_rules_read(g->topic, group_view_take, &g->view, err);
}

enum err group_compile(struct group_rules *g, struct fyke_rules **ret, struct error *err)
{
    struct slice texts;
    *ret = NULL;
    FYKE_TRY(group_view_texts(&g->view, &texts, err));
    return rule_store_decode(texts, g->view.force.fingerprint, g->paths, g->n_paths, ret, err);
}

static struct group_set ours(const struct group_rules *g, const struct fyke_rules *rules)
{
    return (struct group_set){rules_ruleset(rules)->fingerprint, buf_slice(&g->topics)};
}

/* ---- is it fit? --------------------------------------------------------------------------- */

/* States know topics by their number: new ones come last. */
static enum err check_order(const struct ruleset *was, const struct ruleset *is, struct error *err)
{
    for (uint32_t i = 0; i < was->n_topics && i < is->n_topics; i++) {
        if (!slice_eq(was->topics[i].name, is->topics[i].name)) {
            return error_set(err, ERR_USAGE, "topic %u of the rules in force is \"%.*s\", of these it is "
                             "\"%.*s\": declare topics in the order they had, new ones last", i + 1,
                             SLICE_ARG(was->topics[i].name), SLICE_ARG(is->topics[i].name));
        }
    }
    return ERR_OK;
}

static enum err check_against(struct group_rules *g, const struct ruleset *rs, uint32_t n_tasks,
                              struct error *err)
{
    struct fyke_rules *was;
    struct error why = ERROR_INIT;
    if (g->view.force.generation == 0) {
        return ERR_OK;
    }
    if (g->view.force.n_tasks != n_tasks) {
        return error_set(err, ERR_USAGE, "their topics have %u partitions, those of the rules in force "
                         "%u", n_tasks, g->view.force.n_tasks);
    }
    if (group_compile(g, &was, &why) != ERR_OK) {
        return ERR_OK; /* written by another version: what it read nobody here can say */
    }
    enum err rc = check_order(rules_ruleset(was), rs, err);
    fyke_rules_free(was);
    return rc;
}

enum err group_check(struct group_rules *g, const struct fyke_rules *rules, uint32_t *ret_tasks,
                     struct error *err)
{
    const struct ruleset *rs = rules_ruleset(rules);
    const char *topics = g->topics.len ? buf_cstr(&g->topics) : NULL;
    FYKE_TRY(group_check_rules(rs, task_log_line, g->log, err));
    FYKE_TRY(kafka_check_topics(rs, topics, err));
    FYKE_TRY(names_check(g->config, true, rs, topics, err));
    FYKE_TRY(kafka_count_tasks(&g->kafka, rs, topics, ret_tasks, err));
    return check_against(g, rs, *ret_tasks, err);
}

/* ---- writing ------------------------------------------------------------------------------ */

static enum err put_texts(struct group_rules *g, const struct fyke_rules *rules, uint64_t generation,
                          struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf texts = BUF_INIT, bytes = BUF_INIT, value = BUF_INIT;
    char key[GROUP_KEY_MAX];
    rule_store_encode(rules, &texts);
    if (texts.len == 0) {
        return error_set(err, ERR_LIMIT, "the rules and lists take more than %zu MiB: several instances "
                         "cannot share them", RULE_STORE_MAX_BYTES >> 20);
    }
    rule_text_encode(rules_ruleset(rules)->fingerprint, buf_slice(&texts), &bytes);
    size_t piece = kafka_rules_max_bytes(g->topic) - CHANGELOG_PART_OVERHEAD;
    uint32_t parts = (uint32_t)((bytes.len + piece - 1) / piece);
    for (uint32_t i = 0; i < parts; i++) {
        size_t at = i * piece, left = bytes.len - at;
        struct changelog_part p = {
            generation, parts, slice_from(bytes.ptr + at, left < piece ? left : piece)};
        buf_clear(&value);
        changelog_encode_part(&p, &value);
        FYKE_TRY(kafka_rules_put(g->topic, group_part_key(i, key), buf_slice(&value), err));
    }
    return ERR_OK;
}

static enum err put_force(struct group_rules *g, const struct fyke_rules *rules, uint32_t n_tasks,
                          struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf value = BUF_INIT, by = BUF_INIT;
    uint64_t generation = g->view.force.generation + 1;
    buf_puts(&by, g->view.instance);
    const struct group_force f = {.generation = generation,
                                  .fingerprint = rules_ruleset(rules)->fingerprint,
                                  .n_tasks = n_tasks,
                                  .topics = g->topics,
                                  .by = by};
    group_force_encode(&f, &value);
    FYKE_TRY(put_texts(g, rules, generation, err));
    return kafka_rules_put(g->topic, group_force_key(), buf_slice(&value), err);
}

static enum err put_offer(struct group_rules *g, const struct group_set *s, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf key = BUF_INIT, value = BUF_INIT;
    group_offer_key(g->view.instance, &key);
    group_offer_encode(s, &value);
    return kafka_rules_put(g->topic, buf_slice(&key), buf_slice(&value), err);
}

/* ---- deciding ----------------------------------------------------------------------------- */

struct decision {
    const struct fyke_rules *rules;
    bool wished;
    enum group_choice choice;
    bool notes; /* with what we were started is to be written */
};

static void decide(const struct group_rules *g, struct decision *d)
{
    struct group_set mine = ours(g, d->rules), in_force, offered;
    const struct group_set *has = group_view_offered(&g->view, &offered);
    d->choice = group_choose(&mine, group_view_in_force(&g->view, &in_force), has, d->wished,
                             g->config->group_rules);
    d->notes = d->choice != GROUP_REFUSE && (!has || !group_set_eq(has, &mine));
}

static bool writes(const struct decision *d)
{
    return d->choice == GROUP_TAKE || d->notes;
}

/* Nobody else writes from here on. */
static enum err write_round(struct group_rules *g, struct decision *d, struct error *err)
{
    uint32_t n_tasks;
    FYKE_TRY(kafka_rules_begin(g->topic, err));
    FYKE_TRY(group_read(g, err));
    decide(g, d);
    if (!writes(d)) {
        return ERR_OK;
    }
    if (d->choice == GROUP_TAKE) {
        FYKE_TRY(group_check(g, d->rules, &n_tasks, err));
        FYKE_TRY(put_force(g, d->rules, n_tasks, err));
    }
    if (d->notes) {
        struct group_set mine = ours(g, d->rules);
        FYKE_TRY(put_offer(g, &mine, err));
    }
    fault_point(g->fault, "rules-before-commit");
    FYKE_TRY(kafka_rules_commit(g->topic, err));
    fault_point(g->fault, "rules-after-commit");
    return group_read(g, err);
}

static void pause_ms(int ms)
{
    usleep((useconds_t)ms * 1000);
}

enum err group_settle_with(struct group_rules *g, const struct fyke_rules *rules, bool wished,
                           enum group_choice *ret, struct error *err)
{
    struct decision d = {.rules = rules, .wished = wished};
    FYKE_TRY(group_read(g, err));
    decide(g, &d);
    enum err rc = ERR_OK;
    for (int i = 0; writes(&d) && i < MAX_ROUNDS; i++) {
        fault_point(g->fault, "rules-before-write");
        rc = write_round(g, &d, err);
        kafka_rules_end(g->topic);
        if (rc != ERR_ABORTED || g->stop) {
            break;
        }
        pause_ms(PAUSE_MS);
    }
    *ret = d.choice;
    return rc;
}
