#include "lib/replay_verify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/kafka_slice.h"
#include "lib/json_view.h"

/* What an alert of the replay still lacks. */
#define AWAITED ((void *)(uintptr_t)1)
#define SEEN ((void *)(uintptr_t)2)
#define SHADOW ((void *)(uintptr_t)3) /* nothing */

void replay_verify_init(struct replay_verify *v, const struct ruleset *rs)
{
    map_init(&v->ids, MAP_COPY_KEYS);
    map_init(&v->plans, MAP_BORROW_KEYS);
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        map_set(&v->plans, rs->rules[i].name, &rs->rules[i]);
    }
}

void replay_verify_release(struct replay_verify *v)
{
    map_release(&v->ids);
    map_release(&v->plans);
}

void replay_verify_add(struct replay_verify *v, struct slice match_id, bool shadow)
{
    map_add(&v->ids, match_id, shadow ? SHADOW : AWAITED);
}

/* ---- delivered alerts ----------------------------------------------------------------------- */

struct delivered {
    struct replay_verify *verify;
    struct replay_result *result;
    const struct replay_settled *settled;
    struct json_view view;
    struct buf text, key;
};

static struct slice member(struct delivered *d, const char *name)
{
    buf_clear(&d->text);
    json_view_text(json_view_get(d->view.root, name), &d->text);
    return buf_slice(&d->text);
}

static bool in_range(const struct replay_result *r, struct etime t)
{
    return !etime_lt(t, r->from) && etime_lt(t, r->to);
}

static bool has_plan(struct delivered *d)
{
    char hex[HASH64_HEX_MAX];
    const struct rule *rule = map_get(&d->verify->plans, member(d, "rule"));
    if (!rule) {
        return false;
    }
    hash64_hex(rule->plan, hex);
    return slice_eq_str(member(d, "plan"), hex);
}

/* What a run had delivered before the state was written, the replay does not say again. At the very time
 * at which the state stands both may be. */
static bool is_before_state(struct delivered *d, struct etime at)
{
    const struct rule *rule = map_get(&d->verify->plans, member(d, "rule"));
    return d->result->has_savepoint && rule != NULL &&
           !etime_lt(d->result->rules[rule->index].decided_before, at);
}

static void note_example(struct replay_result *r, bool delivered, struct slice match_id)
{
    struct replay_verified *v = &r->verified;
    if (v->n_examples < REPLAY_EXAMPLES && match_id.len < HASH128_HEX_MAX) {
        struct replay_difference *d = &v->examples[v->n_examples++];
        d->delivered = delivered;
        memcpy(d->match_id, match_id.ptr, match_id.len);
        d->match_id[match_id.len] = '\0';
    }
}

/* As the Kafka key of the alert. */
static struct slice key_text(struct delivered *d, const struct rule *rule)
{
    struct json_span key = json_view_get(d->view.root, "key");
    buf_clear(&d->key);
    if (rule->n_key == 1) {
        FYKE_CLEANUP(buf_release) struct buf name = BUF_INIT;
        buf_put_slice(&name, rule->key_names[0]);
        json_view_text(json_view_get(key, buf_cstr(&name)), &d->key);
        return buf_slice(&d->key);
    }
    for (uint32_t i = 0; i < rule->n_key; i++) {
        FYKE_CLEANUP(buf_release) struct buf name = BUF_INIT;
        buf_put_slice(&name, rule->key_names[i]);
        buf_put_byte(&d->key, i == 0 ? '[' : ',');
        buf_put_slice(&d->key, json_view_raw(json_view_get(key, buf_cstr(&name))));
    }
    buf_puts(&d->key, rule->n_key > 0 ? "]" : "");
    return buf_slice(&d->key);
}

static bool is_settled(struct delivered *d, struct etime at)
{
    const struct rule *rule = map_get(&d->verify->plans, member(d, "rule"));
    return replay_settled_at(d->settled, rule->index, key_text(d, rule), at);
}

static enum err take(struct delivered *d, struct slice line, struct error *err)
{
    struct replay_verified *v = &d->result->verified;
    struct etime at;
    if (!json_view_set(&d->view, line) || !etime_parse(member(d, "detected"), false, &at)) {
        return error_set(err, ERR_INPUT, "--verify-against: a line that is no alert");
    }
    if (!in_range(d->result, at) || slice_eq_str(member(d, "kind"), "pending")) {
        return ERR_OK;
    }
    if (!has_plan(d)) {
        v->other_plans++;
        return ERR_OK;
    }
    if (!is_settled(d, at)) {
        v->unsettled++;
        return ERR_OK;
    }
    struct slice id = member(d, "match_id");
    struct map_entry *e = map_find(&d->verify->ids, id);
    if (!e && is_before_state(d, at)) {
        v->before_state++;
    } else if (!e) {
        v->only_delivered++;
        note_example(d->result, true, id);
    } else if (e->value == SEEN) {
        v->repeated++;
    } else {
        e->value = SEEN;
        v->same++;
    }
    return ERR_OK;
}

/* ---- where they are ------------------------------------------------------------------------- */

static enum err read_file(struct delivered *d, const char *path, struct error *err)
{
    char *text = NULL;
    size_t cap = 0;
    ssize_t len;
    enum err rc = ERR_OK;
    FILE *from = fopen(path, "re");
    if (!from) {
        return error_set(err, ERR_USAGE, "cannot read %s: %s", path, strerror(errno));
    }
    while (rc == ERR_OK && (len = getline(&text, &cap, from)) > 0) {
        rc = take(d, slice_from(text, (size_t)len - (text[len - 1] == '\n')), err);
    }
    if (rc == ERR_OK && ferror(from)) {
        rc = error_set(err, ERR_IO, "cannot read %s: %s", path, strerror(errno));
    }
    free(text);
    fclose(from);
    return rc;
}

/* A set of one topic is all that the source wants to know. */
static enum err read_topic(struct delivered *d, const char *topic, const struct kafka_config *kafka,
                           struct error *err)
{
    struct schema_topic only = {.name = slice_of(topic), .at_most_ahead = DURATION_INFINITE};
    struct ruleset rs = {.topics = &only, .n_topics = 1};
    struct kafka_range *ranges;
    struct source *source;
    struct source_batch b = {0};
    size_t n;
    FYKE_TRY(kafka_slice_plan(kafka, &rs, NULL, ETIME_MIN, &ranges, &n, err));
    enum err rc = kafka_slice_new(kafka, &rs, NULL, ranges, n, &source, err);
    free(ranges);
    FYKE_TRY(rc);
    rc = source->ops->start(source, NULL, 0, err);
    while (rc == ERR_OK && !b.finished && !(kafka->stop && *kafka->stop)) {
        rc = source->ops->poll(source, 4096, (struct duration){100 * NS_PER_MS}, &b, err);
        for (uint32_t i = 0; rc == ERR_OK && i < b.n; i++) {
            rc = take(d, b.records[i].value, err);
        }
    }
    source->ops->close(source);
    return rc;
}

enum err replay_verify_run(struct replay_verify *v, const struct replay_settled *settled,
                           const char *from,
                           const struct kafka_config *kafka, struct replay_result *r,
                           struct error *err)
{
    struct delivered d = {.verify = v, .result = r, .settled = settled};
    json_view_init(&d.view);
    r->has_verified = true;
    enum err rc = strncmp(from, "kafka:", 6) == 0 ? read_topic(&d, from + 6, kafka, err)
                                                  : read_file(&d, from, err);
    for (MAP_EACH(e, &v->ids)) {
        if (e->value == AWAITED) {
            r->verified.only_replayed++;
            note_example(r, false, e->key);
        }
    }
    json_view_release(&d.view);
    buf_release(&d.text);
    buf_release(&d.key);
    return rc;
}
