#include "lib/delivery.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/say.h"
#include "connectors/kafka_journal.h"
#include "connectors/kafka_left_open.h"
#include "connectors/kafka_rebuild.h"

/* Lost transactions in a row without a commit between them: something is wrong that trying again
 * does not mend. An outage is no such thing, it is waited for. */
#define MAX_FRUITLESS 10
#define PAUSE_MS 100
#define MAX_PAUSE_MS 5000
#define STEP_MS 50

static bool is_kafka(const char *text)
{
    return text && (strcmp(text, "kafka") == 0 || strncmp(text, "kafka:", 6) == 0);
}

static bool can_be_exactly_once(const struct fyke_run_config *c)
{
    return c->n_inputs == 1 && is_kafka(c->inputs[0]) && !c->on_alert && is_kafka(c->output);
}

static void say(const struct kafka_config *kafka, const char *line)
{
    if (kafka->log) {
        kafka->log(kafka->log_ctx, line);
    }
}

void delivery_kafka_config(const struct fyke_run_config *c, struct kafka_config *ret)
{
    *ret = (struct kafka_config){
        .properties = c->kafka_properties,
        .n_properties = c->n_kafka_properties,
        .app = c->options.app ? c->options.app : "fyke",
        .instance_id = c->instance_id,
        .stop = c->stop,
        .log = c->options.log,
        .log_ctx = c->options.log_ctx,
    };
}

enum err delivery_open(const struct fyke_run_config *c, const struct kafka_config *kafka,
                       const struct ruleset *rs, const char *topics, uint32_t n_tasks,
                       struct journal **ret, struct error *err)
{
    *ret = NULL;
    if (c->delivery == FYKE_AT_LEAST_ONCE) {
        return ERR_OK;
    }
    if (!can_be_exactly_once(c)) {
        if (c->delivery == FYKE_EXACTLY_ONCE) {
            return error_set(err, ERR_USAGE,
                             "exactly once goes from Kafka to Kafka: -i kafka -o kafka:TOPIC");
        }
        if (c->n_inputs == 1 && is_kafka(c->inputs[0])) {
            say(kafka, "delivery is at least once: only alerts to a Kafka topic can be delivered "
                       "exactly once");
        }
        return ERR_OK;
    }
    if (c->watermark_end == FYKE_END_FLUSH) {
        return error_set(err, ERR_USAGE,
                         "what --flush brings is not committed, so it cannot go out exactly once: "
                         "add --delivery at-least-once");
    }
    return kafka_journal_new(kafka, rs, topics, n_tasks, ret, err);
}

enum err delivery_sink(const struct fyke_run_config *c, struct journal *j, struct sink **ret,
                       struct error *err)
{
    return kafka_journal_sink(j, c->output + strlen("kafka:"), ret, err);
}

/* ---- lives -------------------------------------------------------------------------------- */

bool delivery_stopped(const struct kafka_config *kafka)
{
    return kafka->stop && *kafka->stop;
}

static void pause_ms(const struct kafka_config *kafka, uint32_t ms)
{
    const struct timespec step = {.tv_nsec = STEP_MS * NS_PER_MS};
    for (uint32_t waited = 0; waited < ms && !delivery_stopped(kafka); waited += STEP_MS) {
        if (kafka->beat) {
            kafka->beat(kafka->beat_ctx);
        }
        nanosleep(&step, NULL);
    }
}

/* What an aborted transaction counted is counted again when its records come again. True: something
 * was committed since the last time. */
static bool take_counters(struct delivery_lives *l, struct delivery_counted now)
{
    if (!now.carried) {
        return false;
    }
    bool more = now.commits > l->commits;
    l->commits = now.commits;
    engine_carried_free(l->carried);
    l->carried = now.carried;
    return more;
}

void delivery_goes_on(struct delivery_lives *l, struct delivery_counted now)
{
    take_counters(l, now);
    l->switched++;
    l->fruitless = 0;
}

enum err delivery_begin_rebuild(struct delivery_lives *l, const struct fyke_run_config *c,
                                struct error *err)
{
    if (!c->rebuild_from_input) {
        return ERR_OK;
    }
    if (c->in_group) {
        return error_set(err, ERR_USAGE, "--rebuild-from-input needs one instance (--instances 1): a "
                                         "member cannot know that no other runs");
    }
    if (c->delivery == FYKE_AT_LEAST_ONCE || !can_be_exactly_once(c)) {
        return error_set(err, ERR_USAGE, "--rebuild-from-input is for runs that deliver exactly once, "
                                         "from Kafka to Kafka");
    }
    if (c->start && strcmp(c->start, "latest") == 0) {
        return error_set(err, ERR_USAGE, "--rebuild-from-input reads the past: --start latest would "
                                         "leave all of it out");
    }
    l->rebuild = kafka_rebuild_new();
    return ERR_OK;
}

bool delivery_ends_rebuild(struct delivery_lives *l, const struct kafka_config *kafka)
{
    char line[200];
    if (!l->rebuild || kafka_rebuild_is_over(l->rebuild) || delivery_stopped(kafka)) {
        return false;
    }
    snprintf(line, sizeof(line),
             SAY_INFO "rebuild: the state is that of the group's positions; %llu alerts and refused "
                      "records did not go out again",
             (unsigned long long)kafka_rebuild_withheld(l->rebuild));
    say(kafka, line);
    kafka_rebuild_end(l->rebuild);
    return true;
}

void delivery_release(struct delivery_lives *l)
{
    kafka_rebuild_free(l->rebuild);
    l->rebuild = NULL;
    kafka_left_open_free(l->left_open);
    l->left_open = NULL;
    engine_carried_free(l->carried);
    l->carried = NULL;
}

bool delivery_may_begin_anew(const struct delivery_lives *l, const struct kafka_config *kafka,
                             const struct error *err)
{
    bool outage = l->begun > 0 && err->code == ERR_KAFKA && err->retriable;
    return (err->code == ERR_ABORTED || outage) && !err->fatal && !delivery_stopped(kafka);
}

bool delivery_begins_anew(struct delivery_lives *l, const struct kafka_config *kafka,
                          struct delivery_counted now, const struct error *err)
{
    char line[sizeof(err->text) + 64];
    bool outage = err->code == ERR_KAFKA;
    l->fruitless = take_counters(l, now) || outage ? 0 : l->fruitless + 1;
    if (l->fruitless >= MAX_FRUITLESS) {
        return false;
    }
    l->begun++;
    snprintf(line, sizeof(line), "%s; going on from the last commit", err->text);
    say(kafka, line);
    uint32_t ms = PAUSE_MS << (l->fruitless < 6 ? l->fruitless : 6);
    pause_ms(kafka, ms < MAX_PAUSE_MS ? ms : MAX_PAUSE_MS);
    return !delivery_stopped(kafka);
}

bool delivery_can_begin_again(const struct fyke_run_config *c)
{
    struct stat st;
    if (!c->options.state_dir) {
        return false;
    }
    for (size_t i = 0; i < c->n_inputs; i++) {
        const char *eq = strchr(c->inputs[i], '=');
        const char *path = eq && !strchr(c->inputs[i], '/') ? eq + 1 : c->inputs[i];
        if (!is_kafka(c->inputs[i]) &&
            (strcmp(path, "-") == 0 || (stat(path, &st) == 0 && !S_ISREG(st.st_mode)))) {
            return false;
        }
    }
    return true;
}
