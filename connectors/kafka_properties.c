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
 * a configuration leaves out what has no default, which is what one has to type most. The caller's. */
static char *property_table(void)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *f = open_memstream(&text, &bytes);
    if (f) {
        rd_kafka_conf_properties_show(f);
        fclose(f);
    }
    return text;
}

/* The next row behind *at: its name; *line is all of it. False: there are no more. */
static bool next_row(const char **at, struct slice *name, struct slice *line)
{
    while (*at && **at) {
        const char *p = *at;
        size_t len = strcspn(p, "\n"), word = strcspn(p, " |\n");
        *at += len + (p[len] == '\n');
        if (memchr(p, '|', len) && word > 0 && p[word] == ' ' && p[0] >= 'a' && p[0] <= 'z') {
            *name = slice_from(p, word);
            *line = slice_from(p, len);
            return true;
        }
    }
    return false;
}

char **kafka_property_names(size_t *n)
{
    char *text = property_table(), **names = NULL;
    const char *at = text;
    size_t cap = 0;
    struct slice name, line;
    *n = 0;
    while (next_row(&at, &name, &line)) {
        VEC_PUSH(names, *n, cap) = xstrndup(name.ptr, name.len);
    }
    free(text);
    return names;
}

/* Properties of a client come before those of a topic, which may have the same name. */
const char *kafka_property_alias_of(const char *key, struct arena *arena)
{
    static const char words[] = "| Alias for `";
    char *text = property_table();
    const char *at = text, *found = key;
    struct slice name, line;
    while (next_row(&at, &name, &line)) {
        if (!slice_eq_str(name, key)) {
            continue;
        }
        const char *alias = memmem(line.ptr, line.len, words, sizeof(words) - 1);
        if (alias) {
            alias += sizeof(words) - 1;
            found = arena_strndup(arena, alias, strcspn(alias, "`\n"));
        }
        break;
    }
    free(text);
    return found;
}

void kafka_property_names_free(char **names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(names[i]);
    }
    free(names);
}
