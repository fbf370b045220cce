#include "lib/names.h"

#include <ctype.h>
#include <string.h>

#include "connectors/kafka.h"
#include "connectors/kafka_properties.h"

#define MAX_TOPIC 249 /* bytes, of a broker */
#define GROUP_KEY "group.id="

/* What follows the application's name in the names of its own topics. */
static const char *const own_suffixes[] = {".changelog", ".rules"};

static bool is_topic_name(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!isalnum((unsigned char)name.ptr[i]) && !strchr("._-", name.ptr[i])) {
            return false;
        }
    }
    return name.len > 0 && name.len <= MAX_TOPIC && !slice_eq_str(name, ".") &&
           !slice_eq_str(name, "..");
}

enum err names_check_app(const char *app, struct error *err)
{
    size_t longest = MAX_TOPIC - strlen(own_suffixes[0]);
    struct slice name = slice_of(app);
    if (name.len <= longest && is_topic_name(name)) {
        return ERR_OK;
    }
    return error_set(err, ERR_USAGE, "--app '%.*s%s': topics and transactions are named after the "
                     "application: 1 to %zu letters, digits, \".\", \"_\", \"-\"",
                     (int)(name.len < 40 ? name.len : 40), app, name.len > 40 ? "…" : "", longest);
}

/* The group's positions are those of the state: under another name they would be nobody's, and two
 * processes would read everything. */
static enum err check_group(const struct fyke_run_config *c, const char *app, struct error *err)
{
    for (size_t i = 0; i < c->n_kafka_properties; i++) {
        const char *p = c->kafka_properties[i];
        if (strncmp(p, GROUP_KEY, strlen(GROUP_KEY)) == 0 && strcmp(p + strlen(GROUP_KEY), app) != 0) {
            return error_set(err, ERR_USAGE, "kafka.group.id cannot be changed: the group has the name "
                             "of the application, %s (another group is another application: --app %s)", app,
                             p + strlen(GROUP_KEY));
        }
    }
    return ERR_OK;
}

static enum err check_properties(const struct fyke_run_config *c, struct error *err)
{
    char why[256];
    for (size_t i = 0; i < c->n_kafka_properties; i++) {
        if (!kafka_changelog_property_check(c->kafka_properties[i], why, sizeof(why))) {
            return error_set(err, ERR_USAGE, "kafka.%s", why);
        }
    }
    return ERR_OK;
}

/* ---- outputs ------------------------------------------------------------------------------ */

/* The part behind `app` of one of its own topics; NULL: it is none. */
static const char *own_topic(const char *app, struct slice topic)
{
    size_t n = strlen(app);
    for (size_t i = 0; i < FYKE_ARRAY_LEN(own_suffixes); i++) {
        if (topic.len > n && memcmp(topic.ptr, app, n) == 0 &&
            slice_eq_str(slice_from(topic.ptr + n, topic.len - n), own_suffixes[i])) {
            return own_suffixes[i];
        }
    }
    return NULL;
}

static bool is_read(const struct ruleset *rs, const char *topics, struct slice topic)
{
    for (uint32_t i = 0; i < rs->n_topics; i++) {
        if (slice_eq(rs->topics[i].name, topic) && kafka_reads(topics, topic)) {
            return true;
        }
    }
    for (uint32_t i = 0; i < rs->n_tables; i++) {
        if (rs->tables[i].origin == TABLE_TOPIC && slice_eq(rs->tables[i].place, topic)) {
            return true;
        }
    }
    return false;
}

struct output {
    const char *flag, *what, *to;
};

static enum err check_output(const struct output *o, const char *app, const struct ruleset *rs,
                             const char *topics, struct error *err)
{
    if (!o->to || strncmp(o->to, "kafka:", 6) != 0) {
        return ERR_OK;
    }
    struct slice topic = slice_of(o->to + 6);
    if (!is_topic_name(topic)) {
        return error_set(err, ERR_USAGE, "%s %s: a topic's name has 1 to %d letters, digits, \".\", "
                         "\"_\", \"-\"", o->flag, o->to, MAX_TOPIC);
    }
    if (own_topic(app, topic)) {
        return error_set(err, ERR_USAGE, "topic %.*s holds %s of application %s: %s cannot go there (%s)",
                         SLICE_ARG(topic), strcmp(own_topic(app, topic), ".rules") ? "the state" :
                         "the rules in force", app, o->what, o->flag);
    }
    if (is_read(rs, topics, topic)) {
        return error_set(err, ERR_USAGE, "topic %.*s is read by the rules: %s cannot go there (%s)",
                         SLICE_ARG(topic), o->what, o->flag);
    }
    return ERR_OK;
}

/* Each commit would bring new records of it. */
static enum err check_inputs(const char *app, const struct ruleset *rs, const char *topics,
                             struct error *err)
{
    for (uint32_t i = 0; i < rs->n_topics; i++) {
        struct slice name = rs->topics[i].name;
        if (kafka_reads(topics, name) && own_topic(app, name)) {
            return error_set(err, ERR_USAGE, "topic %.*s belongs to application %s itself: rules of "
                             "another one may read it (--app)", SLICE_ARG(name), app);
        }
    }
    return ERR_OK;
}

enum err names_check(const struct fyke_run_config *c, bool from_kafka, const struct ruleset *rs,
                     const char *topics, struct error *err)
{
    const char *app = c->options.app ? c->options.app : "fyke";
    const struct output outputs[] = {{"-o", "alerts", c->on_alert ? NULL : c->output},
                                     {"--dead-letter", "refused records", c->dead_letter},
                                     {"--late", "refused records", c->late}};
    if (from_kafka) {
        FYKE_TRY(names_check_app(app, err));
        FYKE_TRY(check_group(c, app, err));
        FYKE_TRY(check_properties(c, err));
        FYKE_TRY(check_inputs(app, rs, topics, err));
    }
    for (size_t i = 0; i < FYKE_ARRAY_LEN(outputs); i++) {
        FYKE_TRY(check_output(&outputs[i], app, rs, topics, err));
    }
    return ERR_OK;
}
