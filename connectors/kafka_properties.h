/* What librdkafka takes as properties, asked of the library that is linked. */
#ifndef FYKE_CONNECTORS_KAFKA_PROPERTIES_H
#define FYKE_CONNECTORS_KAFKA_PROPERTIES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

/* Properties that begin with it are those of the changelog topic when it is made. */
#define KAFKA_CHANGELOG_PREFIX "changelog."

enum kafka_property_answer {
    KAFKA_PROPERTY_OK,
    KAFKA_PROPERTY_UNKNOWN,
    KAFKA_PROPERTY_REFUSED, /* `why` says so, in the library's words, which may hold the value */
};
enum kafka_property_answer kafka_property_check(const char *key, const char *value, char *why,
                                                size_t cap);

/* "changelog.KEY=VALUE": may the topic be made so? Others are fine. False: `why`, which begins with the
 * property. */
bool kafka_changelog_property_check(const char *property, char *why, size_t cap);

/* The name by which the library knows the property itself: some have two. `key`, or of the arena. */
const char *kafka_property_alias_of(const char *key, struct arena *arena);

/* All names, in the library's order; each once or more often. */
char **kafka_property_names(size_t *n);
void kafka_property_names_free(char **names, size_t n);

#endif
