#include "connectors/kafka_properties.h"

#include <librdkafka/rdkafka.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "base/xalloc.h"

#define DAY_MS 86400000LL
#define MAX_REPLICATION 32767

static bool is_number(const char *text, long long least, long long most)
{
    char *end;
    long long n = strtoll(text, &end, 10);
    return end != text && *end == '\0' && n >= least && n <= most;
}

/* What the state cannot live with; NULL: fine. What else there is the broker knows. */
static const char *changelog_refuses(struct slice key, const char *value)
{
    if (slice_eq_str(key, "cleanup.policy")) {
        return strcmp(value, "compact") == 0 ? NULL : "another policy removes state: it must be compact";
    }
    if (slice_eq_str(key, "delete.retention.ms")) {
        return is_number(value, DAY_MS, INT64_MAX)
                   ? NULL
                   : "deletions must stay readable for a day at least (86400000)";
    }
    if (slice_eq_str(key, "replication.factor")) {
        return is_number(value, 1, MAX_REPLICATION) ? NULL : "it takes a number from 1 on";
    }
    return NULL;
}

bool kafka_changelog_property_check(const char *property, char *why, size_t cap)
{
    size_t prefix = strlen(KAFKA_CHANGELOG_PREFIX);
    const char *eq = strchr(property, '=');
    if (!eq || strncmp(property, KAFKA_CHANGELOG_PREFIX, prefix) != 0) {
        return true;
    }
    struct slice key = slice_from(property + prefix, (size_t)(eq - property) - prefix);
    const char *refusal = changelog_refuses(key, eq + 1);
    if (refusal) {
        snprintf(why, cap, "%s: %s", property, refusal);
    }
    return refusal == NULL;
}

enum kafka_property_answer kafka_property_check(const char *key, const char *value, char *why,
                                                size_t cap)
{
    if (strncmp(key, KAFKA_CHANGELOG_PREFIX, strlen(KAFKA_CHANGELOG_PREFIX)) == 0) {
        struct slice base = slice_of(key + strlen(KAFKA_CHANGELOG_PREFIX));
        const char *refusal = changelog_refuses(base, value);
        snprintf(why, cap, "%s", refusal ? refusal : "");
        return refusal ? KAFKA_PROPERTY_REFUSED : KAFKA_PROPERTY_OK;
    }
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_res_t rc = rd_kafka_conf_set(conf, key, value, why, cap);
    rd_kafka_conf_destroy(conf);
    switch (rc) {
    case RD_KAFKA_CONF_OK: return KAFKA_PROPERTY_OK;
    case RD_KAFKA_CONF_UNKNOWN: return KAFKA_PROPERTY_UNKNOWN;
    case RD_KAFKA_CONF_INVALID: break;
    }
    return KAFKA_PROPERTY_REFUSED;
}

/* The library tells all its names only as a table for people: "name  | C/P | range | …". A dump of
 * a configuration leaves out what has no default, which is what one has to type most. */
char **kafka_property_names(size_t *n)
{
    char *text = NULL, **names = NULL;
    size_t bytes = 0, cap = 0;
    *n = 0;
    FILE *f = open_memstream(&text, &bytes);
    if (!f) {
        return NULL;
    }
    rd_kafka_conf_properties_show(f);
    fclose(f);
    for (char *line = text; line && *line;) {
        size_t len = strcspn(line, "\n"), word = strcspn(line, " |\n");
        const char *bar = memchr(line, '|', len);
        if (bar && word > 0 && line[word] == ' ' && line[0] >= 'a' && line[0] <= 'z') {
            VEC_PUSH(names, *n, cap) = xstrndup(line, word);
        }
        line += len + (line[len] == '\n');
    }
    free(text);
    return names;
}

void kafka_property_names_free(char **names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(names[i]);
    }
    free(names);
}
