#include "connectors/kafka_properties.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "base/xalloc.h"

enum kafka_property_answer kafka_property_check(const char *key, const char *value, char *why,
                                                size_t cap)
{
    if (strncmp(key, KAFKA_CHANGELOG_PREFIX, strlen(KAFKA_CHANGELOG_PREFIX)) == 0) {
        return KAFKA_PROPERTY_OK; /* the broker knows which there are */
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
