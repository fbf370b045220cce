/* Properties for librdkafka: kafka.KEY in the file, FYKE_KAFKA_KEY, -X KEY=VALUE. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "cli/read_file.h"
#include "cli/settings.h"
#include "connectors/kafka_properties.h"
#include "dsl/suggest.h"

#define MAX_SECRET_BYTES ((size_t)64 << 10)

static bool ends_with(struct slice s, struct slice end)
{
    return s.len >= end.len && memcmp(s.ptr + s.len - end.len, end.ptr, end.len) == 0;
}

static bool contains(struct slice s, const char *part)
{
    return memmem(s.ptr, s.len, part, strlen(part)) != NULL;
}

/* By words rather than by a list: a property of a newer client must not leak for being new. Names
 * of files and addresses are no secrets, they are what one looks for in a dump. */
bool kafka_setting_is_secret(struct slice key)
{
    static const char *const words[] = {
        "password",   "secret", "token",   ".pem",     "private.key",      "assertion",
        "credential", "jaas",   "ssl_key", "userinfo", "sasl.oauthbearer."};
    static const char *const places[] = {".location", ".file",  ".url",
                                         ".path",     ".paths", ".method"};
    for (size_t i = 0; i < FYKE_ARRAY_LEN(places); i++) {
        if (ends_with(key, slice_of(places[i]))) {
            return false;
        }
    }
    for (size_t i = 0; i < FYKE_ARRAY_LEN(words); i++) {
        if (contains(key, words[i])) {
            return true;
        }
    }
    return false;
}

/* KEY.file is ours for these and nothing else: the client has properties that end so. */
static bool may_come_from_file(struct slice key)
{
    static const char *const keys[] = {
        "sasl.password",
        "sasl.username",
        "ssl.key.password",
        "ssl.key.pem",
        "ssl.certificate.pem",
        "ssl.ca.pem",
        "ssl.keystore.password",
        "sasl.oauthbearer.client.id",
        "sasl.oauthbearer.client.secret",
        "sasl.oauthbearer.config",
    };
    for (size_t i = 0; i < FYKE_ARRAY_LEN(keys); i++) {
        if (slice_eq_str(key, keys[i])) {
            return true;
        }
    }
    return false;
}

/* ---- checking ----------------------------------------------------------------------------- */

/* As it stands where it was written; of a variable `key` says nothing more. */
static const char *written(struct settings *s, const char *key, const struct setting_origin *o)
{
    return o->from == FROM_ENVIRONMENT ? o->name
                                       : arena_printf(&s->arena, "%s%s",
                                                      o->from == FROM_FLAG ? "-X " : "kafka.", key);
}

/* The property as it would be written there. */
static const char *rewritten(struct settings *s, struct slice key, const struct setting_origin *o)
{
    char *name = arena_strndup(&s->arena, key.ptr, key.len);
    if (o->from != FROM_ENVIRONMENT) {
        return written(s, name, o);
    }
    for (char *c = name; *c; c++) {
        *c = *c == '.' ? '_' : (char)toupper((unsigned char)*c);
    }
    return arena_printf(&s->arena, "FYKE_KAFKA_%s", name);
}

static void unknown(struct settings *s, const char *key, const struct setting_origin *o)
{
    struct suggest near = suggest_for(slice_of(key));
    size_t n;
    char **names = kafka_property_names(&n);
    for (size_t i = 0; i < n; i++) {
        suggest_try(&near, slice_of(names[i]));
    }
    const char *what = o->from == FROM_ENVIRONMENT ? "variable" : "property";
    if (near.best.ptr) {
        settings_problem(s, o, "unknown %s %s; did you mean %s?", what, written(s, key, o),
                         rewritten(s, near.best, o));
    } else if (o->from !=
               FROM_ENVIRONMENT) { /* of variables only slips are ours, settings_read.c */
        settings_problem(s, o, "unknown property %s: librdkafka has none of this name",
                         written(s, key, o));
    }
    kafka_property_names_free(names, n);
}

static bool check(struct settings *s, const struct kafka_setting *k)
{
    char why[512];
    switch (kafka_property_check(k->key, k->value, why, sizeof(why))) {
    case KAFKA_PROPERTY_OK: return true;
    case KAFKA_PROPERTY_UNKNOWN: unknown(s, k->key, &k->origin); return false;
    case KAFKA_PROPERTY_REFUSED: break;
    }
    bool tells = k->path || kafka_setting_is_secret(slice_of(k->key));
    tells = tells && strstr(why, k->value);
    settings_problem(s, &k->origin, "%s: %s", written(s, k->key, &k->origin),
                     tells ? "the value is refused" : why);
    return false;
}

/* An editor ends the last line; the line end is no part of a password. */
static bool read_value(struct settings *s, struct kafka_setting *k)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    const char *why = read_file(k->path, MAX_SECRET_BYTES, &text);
    if (!why && memchr(buf_cstr(&text), '\0', text.len)) {
        why = "it holds a zero byte";
    }
    if (why) {
        settings_problem(s, &k->origin, "%s%s: cannot read %s: %s", written(s, k->key, &k->origin),
                         k->origin.from == FROM_ENVIRONMENT ? "" : ".file", k->path, why);
        return false;
    }
    text.len -= text.len > 0 && text.ptr[text.len - 1] == '\n';
    text.len -= text.len > 0 && text.ptr[text.len - 1] == '\r';
    k->value = arena_strndup(&s->arena, text.ptr, text.len);
    return true;
}

/* ---- keeping ------------------------------------------------------------------------------ */

/* The library knows some properties by two names: the last one that it is given wins, whatever it is called
 * by. So here; then the dump shows what is in force. */
static void keep(struct settings *s, const struct kafka_setting *k)
{
    for (size_t i = 0; i < s->n_kafka; i++) {
        struct kafka_setting *old = &s->kafka[i];
        if (strcmp(old->property, k->property) != 0) {
            continue;
        }
        if (old->origin.from == FROM_FILE && k->origin.from == FROM_FILE) {
            settings_problem(s, &k->origin, "'kafka.%s' stands in line %u already", old->key,
                             old->origin.line);
        } else if (old->origin.from <= k->origin.from) {
            *old = *k;
        }
        return;
    }
    VEC_PUSH(s->kafka, s->n_kafka, s->cap_kafka) = *k;
}

void settings_set_kafka(struct settings *s, const char *key, const char *value,
                        struct setting_origin origin)
{
    struct kafka_setting k = {.origin = origin};
    struct slice base = slice_of(key);
    k.value = arena_strndup(&s->arena, value, strlen(value));
    if (ends_with(base, SLICE_LIT(".file"))) {
        base.len -= 5;
        k.path = may_come_from_file(base) ? k.value : NULL;
    }
    k.key = k.path ? arena_strndup(&s->arena, base.ptr, base.len)
                   : arena_strndup(&s->arena, key, strlen(key));
    k.property = kafka_property_alias_of(k.key, &s->arena);
    if ((!k.path || read_value(s, &k)) && check(s, &k)) {
        keep(s, &k);
    }
}
