#include "lib/rule_store.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "connectors/kafka.h"
#include "engine/state/store_bytes.h"
#include "lib/delivery.h"
#include "lib/group.h"
#include "lib/group_rules.h"
#include "lib/names.h"
#include "lib/options.h"

enum { FLAG_DATA = 1, FLAG_IMPORTED = 2 };

void rule_store_encode(const struct fyke_rules *rules, struct buf *out)
{
    const struct sources *set = &rules->compilation->sources;
    size_t begin = out->len, bytes = 0;
    for (uint32_t i = 0; i < set->n; i++) {
        bytes += sources_get(set, i)->text.len;
    }
    if (bytes > RULE_STORE_MAX_BYTES) {
        return;
    }
    buf_put_varint(out, set->n);
    for (uint32_t i = 0; i < set->n; i++) {
        const struct rule_file *f = sources_get(set, i);
        buf_put_blob(out, slice_of(f->path));
        buf_put_byte(out, (uint8_t)((f->is_data ? FLAG_DATA : 0) |
                                    (f->imported ? FLAG_IMPORTED : 0)));
        buf_put_blob(out, f->root);
        buf_put_blob(out, f->text);
    }
    if (out->len - begin > RULE_STORE_MAX_BYTES) {
        out->len = begin;
    }
}

/* ---- reading ------------------------------------------------------------------------------ */

struct texts {
    struct arena arena; /* paths */
    struct compile_source *rules, *data;
    struct compile_place *places; /* of the rules */
    uint32_t n_rules, n_data;
};

static void release_texts(struct texts *t)
{
    arena_release(&t->arena);
    free(t->rules);
    free(t->places);
    free(t->data);
}

bool rule_store_split(struct slice texts, struct slice *set, struct slice *rest)
{
    struct reader r = reader_of(texts);
    uint32_t n = read_count(&r);
    for (uint32_t i = 0; i < n && !r.failed; i++) {
        read_blob(&r);
        read_byte(&r);
        read_blob(&r);
        read_blob(&r);
    }
    size_t left = reader_left(&r);
    *set = slice_from(texts.ptr, texts.len - left);
    *rest = slice_from(texts.ptr + set->len, left);
    return !r.failed;
}

static bool read_texts(struct slice bytes, struct texts *t)
{
    struct reader r = reader_of(bytes);
    uint32_t n = read_count(&r);
    t->rules = xcalloc(n + 1u, sizeof(*t->rules));
    t->places = xcalloc(n + 1u, sizeof(*t->places));
    t->data = xcalloc(n + 1u, sizeof(*t->data));
    for (uint32_t i = 0; i < n && !r.failed; i++) {
        struct slice path = read_blob(&r);
        uint8_t flags = read_byte(&r);
        struct slice root = read_blob(&r);
        struct slice text = read_blob(&r);
        if (!r.failed) {
            t->places[t->n_rules] = (struct compile_place){root, (flags & FLAG_IMPORTED) != 0};
            struct compile_source *to = flags & FLAG_DATA ? &t->data[t->n_data++] : &t->rules[t->n_rules++];
            *to = (struct compile_source){arena_strndup(&t->arena, path.ptr, path.len), text};
        }
    }
    return !r.failed && reader_left(&r) == 0;
}

static enum err compile_texts(const struct texts *t, struct hash128 fingerprint,
                              struct fyke_rules **ret, struct error *err)
{
    struct compile_input input = {.sources = t->rules,
                                  .n_sources = t->n_rules,
                                  .places = t->places,
                                  .data = t->data,
                                  .n_data = t->n_data};
    struct fyke_rules *rules;
    if (rules_compile(&input, &(struct rules_report){0}, &rules) != FYKE_OK) {
        return error_set(err, ERR_RULES, "the rule set stored with the state does not compile: %s",
                         fyke_last_error());
    }
    if (!hash128_eq(rules_ruleset(rules)->fingerprint, fingerprint)) {
        fyke_rules_free(rules);
        return error_set(err, ERR_RULES, "the rule set stored with the state reads differently now");
    }
    *ret = rules;
    return ERR_OK;
}

enum err rule_store_decode(struct slice texts, struct hash128 fingerprint, const char *const *paths,
                           size_t n_paths, struct fyke_rules **ret, struct error *err)
{
    struct texts t = {0};
    struct slice set, rest;
    *ret = NULL;
    enum err rc = rule_store_split(texts, &set, &rest) && read_texts(set, &t)
                      ? compile_texts(&t, fingerprint, ret, err)
                      : error_set(err, ERR_CORRUPT,
                                  "the rule set stored with the state does not decode");
    release_texts(&t);
    if (rc == ERR_OK) {
        rules_come_from_store(*ret, paths, n_paths);
    }
    return rc;
}

/* ---- finding ------------------------------------------------------------------------------ */

static enum err find_texts(const struct fyke_run_config *c, struct journal *j, struct buf *texts,
                           struct hash128 *fingerprint, bool *found, struct error *err)
{
    struct engine_options o;
    options_to_engine(&c->options, &o);
    o.journal = j;
    return engine_stored_rules(&o, texts, fingerprint, found, err);
}

enum err rule_store_find(const struct fyke_run_config *c, const char *const *paths, size_t n_paths,
                         struct fyke_rules **ret, struct error *err)
{
    static const struct ruleset none = {0};
    FYKE_CLEANUP(buf_release) struct buf texts = BUF_INIT;
    struct hash128 fingerprint;
    struct journal *j;
    bool found = false;
    struct kafka_config kafka;
    delivery_kafka_config(c, &kafka);
    *ret = NULL;
    if (!c->options.state_dir || c->options.reset_state || c->rebuild_from_input) {
        return ERR_OK;
    }
    bool from_kafka = c->n_inputs == 1 && strncmp(c->inputs[0], "kafka", 5) == 0;
    FYKE_TRY(names_check(c, from_kafka, &none, NULL, err));
    if (c->in_group) {
        return group_rules_find(c, &kafka, paths, n_paths, ret, err);
    }
    FYKE_TRY(delivery_open(c, &kafka, &none, NULL, 0, &j, err));
    if (!j && access(c->options.state_dir, F_OK) != 0) {
        return ERR_OK;
    }
    enum err rc = find_texts(c, j, &texts, &fingerprint, &found, err);
    if (j) {
        j->ops->close(j);
    }
    FYKE_TRY(rc);
    return found ? rule_store_decode(buf_slice(&texts), fingerprint, paths, n_paths, ret, err)
                 : ERR_OK;
}
